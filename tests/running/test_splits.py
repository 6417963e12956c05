"""Comparisons over splits: the same bits as on each split alone, kept, resumed, merged, refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.evidence.middles import median_trials
from goodinit.running import batches
from goodinit.store.merging import merge
from goodinit.study.grid import Study
from goodinit.study.trials import finished
from studies import TABLES, assert_same, by, listen, refusal, small

RNG = np.random.default_rng(1)
# A category is rare, and so no feature of its own, on some splits alone: features differ.
RARE = pd.DataFrame(
    {
        "size": RNG.standard_normal(800),
        "kind": ["a"] * 500 + ["b"] * 290 + ["c"] * 4 + ["d"] * 3 + ["e"] * 3,
    }
)
LABELS = np.arange(800) % 2


def over(splits: int = 3, **changed: Any) -> gi.Comparison:
    """Return a small comparison over splits."""
    return small("iris", **{"seeds": 6, "splits": splits} | changed)


def datasets_of(result: gi.Comparison) -> tuple[gi.Dataset, ...]:
    assert isinstance(result.study, Study)
    return result.study.datasets.datasets


def rows(table: pd.DataFrame, split: int, splits: int = 3) -> pd.DataFrame:
    own = table[table["seed"] % splits == split]
    return own.drop(columns="split", errors="ignore").reset_index(drop=True)


def test_each_split_has_the_bits_of_its_own_study() -> None:
    whole = over()
    assert whole.trials["split"].tolist() == [seed % 3 for seed in whole.trials["seed"]]
    for split in range(3):
        alone = small("iris", seeds=6, split_seed=split)
        for name in TABLES:
            one, other = (rows(getattr(of, name), split) for of in (whole, alone))
            theory = [c for c in one if str(c).endswith(("_theory", "rms_low", "rms_high"))]
            pd.testing.assert_frame_equal(
                one.drop(columns=theory), other.drop(columns=theory), check_exact=True
            )


def test_one_split_is_what_there_was_without() -> None:
    assert_same(small("iris", splits=1), small("iris"))
    assert "split" not in small("iris", splits=1).trials


def test_every_initializer_sees_the_same_seeds_on_the_same_splits() -> None:
    trials = over(learning_rate=[0.1, 0.01], seeds=7).trials
    seen = trials.groupby(["initializer", "learning_rate"])[["seed", "split"]]
    pairs = {tuple(map(tuple, of.to_numpy())) for _, of in seen}
    assert pairs == {tuple((seed, seed % 3) for seed in range(7))}


@pytest.mark.parametrize("size", [1, 3, 100])
def test_batches_and_workers_change_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = over(keep_networks=True)
    monkeypatch.setattr(batches, "_batches", by(size))
    assert_same(whole, over(keep_networks=True))
    with ThreadPoolExecutor(2) as pool:
        assert_same(whole, over(keep_networks=True, executor=pool))


def test_features_may_differ_between_splits(tmp_path: Path) -> None:
    options: dict[str, Any] = {"splits": 6, "seeds": 6, "keep_networks": True}
    result = small((RARE, LABELS), out=tmp_path / "study", **options)
    found = {of.n_features for of in datasets_of(result)}
    assert len(found) > 1
    with ThreadPoolExecutor(2) as pool:
        assert_same(result, small((RARE, LABELS), executor=pool, **options))
    loaded = gi.load(tmp_path / "study")
    assert_same(loaded, result)
    for trial, ((weights, _), *_) in loaded.networks.items():
        assert weights.shape[1] == datasets_of(result)[trial.seed % 6].n_features


def test_a_study_cut_short_goes_on_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = over()
    write, place = batches.with_splits, tmp_path / "study"
    made: list[Any] = []

    def stopping(study: Any, part: Any) -> Any:
        made.append(part)
        if len(made) > 3:
            raise KeyboardInterrupt
        return write(study, part)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "_batches", by(2))
        patch.setattr(batches, "with_splits", stopping)
        cut = over(out=place)
    assert cut.interrupted
    assert set(cut.trials["seed"]) == {0, 3, 1}  # split by split
    assert gi.load(place).interrupted
    trained = listen(monkeypatch)
    assert_same(over(out=place), whole)
    assert len(trained) == len(whole.trials) - 6
    assert_same(gi.load(place), whole)
    grown = over(out=place, seeds=8)
    assert grown.trials["split"].tolist() == [seed % 3 for seed in range(8) for _ in range(2)]


def test_two_machines_seeds_are_one_study(tmp_path: Path) -> None:
    over(out=tmp_path / "a", seeds=[0, 1, 2])
    over(out=tmp_path / "b", seeds=[3, 4, 5])
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")
    assert_same(gi.load(tmp_path / "all"), over())
    kept = pd.read_parquet(tmp_path / "all" / "trials")
    assert (kept["split"] == kept["seed"] % 3).all()
    over(2, out=tmp_path / "other", seeds=4)
    with pytest.raises(ArgumentError, match="splits 3 and not 2"):
        merge([tmp_path / "a", tmp_path / "other"], tmp_path / "none")


def test_a_result_in_memory_can_be_kept_and_told(tmp_path: Path) -> None:
    result = over()
    result.save(tmp_path / "study")
    loaded = gi.load(tmp_path / "study")
    assert_same(loaded, result)
    assert loaded.study.as_dict()["splits"] == 3
    assert "6 seeds over 3 splits" in loaded.study.describe()
    result.report(tmp_path / "page.html")
    assert "over 3 splits of the same examples" in (tmp_path / "page.html").read_text("utf-8")


def test_a_folder_is_of_its_splits(tmp_path: Path) -> None:
    over(out=tmp_path / "study")
    for splits, says in ((2, "splits 3 and not 2"), (1, "splits 3 and not 1")):
        with pytest.raises(ArgumentError, match=says):
            over(splits, out=tmp_path / "study")
    with pytest.raises(ArgumentError, match="data of split 1"):
        over(out=tmp_path / "study", split_seed=1)
    (tmp_path / "study" / "data-2.npz").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match=r"data-2\.npz"):
        gi.load(tmp_path / "study")
    over(out=tmp_path / "study")  # gives them back
    assert gi.load(tmp_path / "study").study.splits == 3


def test_splits_without_seeds_are_refused() -> None:
    assert refusal("iris", splits=5, seeds=4) == (
        "seeds: got 4, takes at least 5, one for each of 5 splits"
    )
    said = refusal("iris", splits=3, seeds=[0, 3, 6])
    assert "at least one of each split: seed s is of split s mod 3" in said
    assert "splits: got 0" in refusal("iris", splits=0)


def test_a_rate_is_chosen_on_examples_of_the_splits_own_training_part() -> None:
    result = over(learning_rate=[0.1, 1.0])
    sizes = {len(of.held_out) - len(of.X_test) for of in datasets_of(result)}
    assert sizes == {23}
    assert result.trials["validation_accuracy"].notna().all()


def test_errors_are_in_the_numbers_own_units_on_every_split() -> None:
    X = RNG.standard_normal((60, 2))
    y = 1e4 + 2e3 * (X[:, 0] + np.abs(X[:, 1]) ** 3)
    result = small((X, y), splits=4, seeds=4, initializers=["he"], iterations=200)
    trials, each = result.trials, []
    for _, row in trials.iterrows():
        scale = datasets_of(result)[int(row["seed"]) % 4].target_scale
        assert scale is not None
        each.append(2 * row["test_cost"] * scale.deviation**2)
    assert result.summary()["test_error"].item() == pytest.approx(np.sqrt(np.median(each)))


def test_boundaries_are_those_of_the_data_drawn_with_them() -> None:
    result = small("circles", splits=2, seeds=4)
    figure = result.plot_boundaries()
    titles = " ".join(axes.get_title() for axes in figure.axes)
    assert titles
    drawn = [trial for _, trial in median_trials(result.trials, result.study)]
    assert drawn
    assert all(trial.seed % 2 == 0 for trial in drawn)


def test_json_says_how_many_splits(tmp_path: Path) -> None:
    over(out=tmp_path / "study")
    described = json.loads((tmp_path / "study" / "study.json").read_text("utf-8"))
    assert len(described["splits"]["others"]) == 2
    assert not described["splits"]["fresh"]
    study = gi.load(tmp_path / "study").study
    assert finished(study, study.trials).splits == 3
