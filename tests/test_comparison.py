"""The comparison: its tables, its pairing by seed, what it says of failures, and how it stops."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from goodinit.datasets import circles
from goodinit.errors import ArgumentError
from goodinit.network import cost, forward, initialize, targets
from goodinit.running import batches
from goodinit.study.grid import Study
from goodinit.study.trials import Trial

TRIALS = [
    "initializer",
    "learning_rate",
    "seed",
    "initial_cost",
    "train_cost",
    "test_cost",
    "train_accuracy",
    "test_accuracy",
    "diverged",
]
CURVES = [
    "initializer",
    "learning_rate",
    "seed",
    "iteration",
    "train_cost",
    "test_cost",
    "train_accuracy",
    "test_accuracy",
]


def by(size: int) -> Callable[..., Iterator[tuple[Trial, ...]]]:
    """Return what makes batches of that size, whatever else was wanted."""

    def some(study: Study, trials: Sequence[Trial], most: int) -> Iterator[tuple[Trial, ...]]:
        return (tuple(trials[i : i + size]) for i in range(0, len(trials), size))

    return some


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    return gi.compare(
        "circles", initializers=["zeros", "normal(std=10)", "he_normal"], iterations=3000, seeds=3
    )


def test_tables_have_the_columns_that_others_rely_on(result: gi.Comparison) -> None:
    assert list(result.trials.columns) == TRIALS
    assert list(result.curves.columns) == CURVES
    assert list(result.summary().columns[:6]) == [
        "initializer",
        "learning_rate",
        "train_accuracy",
        "test_accuracy",
        "initial_cost",
        "train_cost",
    ]
    assert len(result.trials) == 9
    assert len(result.curves) == 9 * 101


def test_zeros_stay_at_the_cost_of_guessing(result: gi.Comparison) -> None:
    zeros = result.curves[result.curves["initializer"] == "zeros"]
    np.testing.assert_allclose(zeros["train_cost"], np.log(2), rtol=1e-12)
    assert (zeros["train_accuracy"] == 0.5).all()


def test_the_lowest_median_cost_stands_first(result: gi.Comparison) -> None:
    costs = result.summary()["train_cost"]
    assert costs.is_monotonic_increasing
    assert result.summary()["initializer"].iloc[-1] == "zeros"


def test_the_summary_is_mean_accuracy_and_median_cost_over_seeds(result: gi.Comparison) -> None:
    he = result.trials[result.trials["initializer"] == "he_normal"]
    row = result.summary().set_index("initializer").loc["he_normal"]
    assert row["train_accuracy"] == he["train_accuracy"].mean()
    assert row["train_cost"] == he["train_cost"].median()
    low, high = np.quantile(he["train_cost"], [0.05, 0.95])
    assert row["train_cost_low"] == pytest.approx(low, rel=1e-12)
    assert row["train_cost_high"] == pytest.approx(high, rel=1e-12)
    assert row["seeds"] == 3


def test_the_first_cost_is_that_of_the_drawn_network(result: gi.Comparison) -> None:
    assert isinstance(result.study, Study)
    data, network = result.study.dataset, result.study.network
    drawn = initialize(network, gi.initializers.he_normal(), seed=1)
    logits = forward(network, drawn, data.X_train)[0][-1]
    he = result.trials.query("initializer == 'he_normal' and seed == 1")
    assert he["initial_cost"].item() == pytest.approx(
        float(cost(network, logits, targets(network, data.y_train))), rel=1e-12
    )


def test_curves_end_where_trials_say(result: gi.Comparison) -> None:
    last = result.curves[result.curves["iteration"] == 3000]
    np.testing.assert_array_equal(last["train_cost"], result.trials["train_cost"])
    np.testing.assert_array_equal(last["test_accuracy"], result.trials["test_accuracy"])


def test_the_same_seed_gives_the_same_numbers_alone_or_among_others(
    result: gi.Comparison,
) -> None:
    alone = gi.compare("circles", initializers="he_normal", iterations=3000, seeds=[2])
    among = result.trials.query("initializer == 'he_normal' and seed == 2")
    pd.testing.assert_frame_equal(alone.trials, among.reset_index(drop=True), check_exact=True)


def test_a_diverged_trial_is_marked_and_harms_no_other() -> None:
    def huge_on_odd_seeds(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        draw = rng.standard_normal(shape)
        return draw * 1e200 if draw[0, 0] > 0 else draw

    result = gi.compare("circles", initializers=[huge_on_odd_seeds], iterations=20, seeds=8)
    diverged = result.trials["diverged"]
    assert 0 < diverged.sum() < 8
    assert np.isfinite(result.trials.loc[~diverged, "train_cost"]).all()
    assert result.summary()["diverged"].item() == diverged.sum()


def test_data_without_a_test_part_have_no_test_figures() -> None:
    data = gi.datasets.load((circles().X_train, circles().y_train), test_fraction=0)
    result = gi.compare(data, initializers="he", iterations=5, seeds=1)
    assert result.trials[["test_cost", "test_accuracy"]].isna().all(axis=None)
    assert not result.trials["diverged"].any()
    assert [name for name, _ in result.plots()] == [
        "data",
        "costs",
        "signals",
        "accuracy",
        "boundaries",
    ]


def test_a_number_to_predict_is_scored_by_r2() -> None:
    X = np.random.default_rng(0).standard_normal((80, 3))
    y = X @ np.array([1.0, -2.0, 0.5])
    result = gi.compare((X, y), initializers="glorot", hidden=(), iterations=2000, seeds=2)
    assert (result.trials["test_accuracy"] > 0.99).all()
    assert isinstance(result.study, Study)
    assert result.study.network.output == "linear"


def test_ctrl_c_keeps_the_seeds_that_are_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gi.compare("circles", initializers=["zeros", "he"], iterations=10, seeds=4)
    monkeypatch.setattr(batches, "_batches", by(2))

    def stop_in_the_third_batch(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    part = gi.compare(
        "circles",
        initializers=["zeros", "he"],
        iterations=10,
        seeds=4,
        progress=stop_in_the_third_batch,
    )
    assert part.interrupted
    assert part.study.seeds == (0, 1)
    expected = whole.trials[whole.trials["seed"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.trials, expected, check_exact=True)


def test_ctrl_c_before_anything_is_finished_is_passed_on() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gi.compare("circles", initializers="he", iterations=10, seeds=1, progress=stop)


def test_a_callable_that_draws_nonsense_is_found_before_any_training() -> None:
    def flat(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return rng.standard_normal(shape[0])

    def no_training(done: int, total: int) -> None:
        raise AssertionError

    with pytest.raises(ArgumentError, match="initializer flat: got 'shape"):
        gi.compare("circles", initializers=["he", flat], seeds=1, progress=no_training)


def test_progress_counts_every_update_of_every_network() -> None:
    seen: list[tuple[int, int]] = []
    gi.compare(
        "circles",
        initializers=["zeros", "he"],
        iterations=30,
        seeds=3,
        record=3,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (180, 180)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_networks_of_two_features_are_kept(result: gi.Comparison) -> None:
    assert set(result.networks) == set(result.study.trials)
    weights, _ = result.networks[Trial("zeros", 0.01, 0)][0]
    assert weights.shape == (10, 2)
    assert np.ptp(weights, axis=0).max() == 0  # every unit still the same


def test_export_writes_pictures_and_tables_and_nothing_else(
    result: gi.Comparison, tmp_path: Path
) -> None:
    result.export(tmp_path / "new" / "folder", ["png", "svg"])
    pictures = ("accuracy", "boundaries", "costs", "data", "signals")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(
        [f"{name}.{kind}" for name in pictures for kind in ("png", "svg")]
        + [".goodinit.json", "report.html", "summary.csv"]
    )
    back = pd.read_csv(tmp_path / "new" / "folder" / "summary.csv")
    pd.testing.assert_frame_equal(back, result.summary())


def test_pictures_are_written_in_the_formats_that_are_asked_for_or_not_at_all(
    result: gi.Comparison, tmp_path: Path
) -> None:
    result.export(tmp_path / "default")
    assert {path.suffix for path in (tmp_path / "default").glob("[a-z]*")} == {
        ".png",
        ".csv",
        ".html",
    }
    result.export(tmp_path / "none", ())
    left = sorted(path.name for path in (tmp_path / "none").glob("[a-z]*"))
    assert left == ["report.html", "summary.csv"]
    with pytest.raises(ArgumentError, match="figures: got 'gif', takes some of png, svg, pdf"):
        result.export(tmp_path / "other", ["gif"])
    assert not (tmp_path / "other").exists()


def test_a_picture_whose_layout_was_solved_once_is_the_same_in_every_format(
    result: gi.Comparison, tmp_path: Path
) -> None:
    result.export(tmp_path / "one", ["png"])
    result.export(tmp_path / "two", ["svg", "png"])
    for path in (tmp_path / "one").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_file_that_cannot_be_finished_is_not_left_half_written(
    result: gi.Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        result.export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_learning_rate_to_draw_is_named(result: gi.Comparison) -> None:
    with pytest.raises(ArgumentError, match=r"learning_rate: got 5, takes one of 0\.01"):
        result.plot_accuracy(5)


def test_a_comparison_shows_itself_as_its_summary(result: gi.Comparison) -> None:
    assert repr(result).startswith("circles: 300 train and 100 test examples")
    assert "  initializer " in repr(result)
    assert "fails to break symmetry" in repr(result)


def test_ranks_verdicts_and_warnings_agree(result: gi.Comparison) -> None:
    summary = result.summary()
    assert [v.initializer for v in result.verdicts] == list(summary["initializer"])
    assert [v.label for v in result.verdicts] == list(summary["label"])
    assert any("illustration" in warning for warning in result.warnings)
    assert "recommended" not in set(summary["label"])  # three seeds rank nothing


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_the_size_of_the_batches_changes_no_number(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def run() -> gi.Comparison:
        return gi.compare("circles", initializers=["zeros", "he"], iterations=40, seeds=4)

    whole = run()
    monkeypatch.setattr(batches, "_batches", by(size))
    for name in ("trials", "curves", "signals", "sharpness"):
        pd.testing.assert_frame_equal(getattr(run(), name), getattr(whole, name), check_exact=True)


def test_ctrl_c_within_a_seed_keeps_only_whole_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_batches", by(1))

    def stop_in_the_fourth_trial(done: int, total: int) -> None:
        if done > 3 / 8 * total:
            raise KeyboardInterrupt

    part = gi.compare(
        "circles",
        initializers=["zeros", "he"],
        iterations=10,
        seeds=4,
        progress=stop_in_the_fourth_trial,
    )
    assert part.study.seeds == (0,)
    assert len(part.trials) == 2
    assert set(part.signals["seed"]) == set(part.sharpness["seed"]) == {0}
    assert {trial.seed for trial in part.networks} == {0}


def test_a_network_too_wide_for_memory_is_refused_before_any_work() -> None:
    with pytest.raises(
        ArgumentError, match=r"hidden: got \(1000000, 1000000\), takes layers that fit"
    ):
        gi.compare("circles", hidden=(1_000_000, 1_000_000))
    with pytest.raises(ArgumentError, match="seeds: got 1000000000000, takes at most 1,000,000"):
        gi.compare("circles", seeds=10**12)


def test_the_summary_is_a_table_for_a_paper_and_for_a_page(result: gi.Comparison) -> None:
    latex, rows = result.to_latex(), len(result.summary())
    columns = latex.splitlines()[2].count("&")
    assert latex.startswith(f"\\begin{{tabular}}{{l{'r' * columns}}}\n\\toprule\n")
    assert latex.count(r" \\") == rows + 1
    assert r" \%" in latex
    assert "he\\_normal & " in latex
    markdown = result.to_markdown().splitlines()
    assert len(markdown) == rows + 2
    assert {line.count("|") for line in markdown} == {columns + 2}
    assert markdown[2].split(" | ")[0] == f"| {result.summary()['initializer'][0]}"
