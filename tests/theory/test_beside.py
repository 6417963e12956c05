"""Theory beside measurement: columns of the signals, sentences, and disagreement that is said."""

import numpy as np
import pytest

import goodinit as gi
from goodinit.theory.beside import disagreements


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    return gi.compare(
        "circles",
        initializers=["lecun_normal", "normal(std=0.05)", "ones"],
        hidden=(20,) * 5,
        activation="tanh",
        iterations=2,
        seeds=10,
    )


def test_theory_stands_beside_the_start_only(result: gi.Comparison) -> None:
    signals = result.signals
    start, end = (signals[signals["moment"] == moment] for moment in ("start", "end"))
    columns = ["preactivation_rms_theory", "preactivation_rms_low", "preactivation_rms_high"]
    assert end[columns].isna().all(axis=None)
    assert start[start["initializer"] == "ones"][columns].isna().all(axis=None)
    lecun = start[start["initializer"] == "lecun_normal"]
    assert lecun[columns].notna().all(axis=None)
    inside = lecun["preactivation_rms"].between(
        lecun["preactivation_rms_low"], lecun["preactivation_rms_high"]
    )
    assert inside.mean() > 0.7  # 90 % of layers, which go together, of ten seeds
    assert len(signals) == len(result.trials) * 12


def test_depth_is_spoken_of_where_it_matters(result: gi.Comparison) -> None:
    said = [line for line in result.theory if "normal(std=0.05)" in line]
    assert any("the signal shrinks" in line for line in said)
    assert not any("theory, lecun_normal: the signal" in line for line in result.theory)


def test_measurements_that_agree_are_not_spoken_of(result: gi.Comparison) -> None:
    assert not disagreements(result.signals)


def test_measurements_that_leave_the_band_in_most_seeds_are(result: gi.Comparison) -> None:
    wrong = result.signals.copy()
    places = (wrong["initializer"] == "lecun_normal") & (wrong["layer"] == 3)
    wrong.loc[places & (wrong["seed"] < 7), "preactivation_rms"] *= 100.0
    (line,) = disagreements(wrong)
    assert line == (
        "theory, lecun_normal: layer 3's pre-activation RMS leaves the band that theory gives it "
        "in 7 of 10 seeds"
    )
    few = wrong[wrong["seed"] < 4]
    assert not disagreements(few)


def test_the_picture_has_the_bands(result: gi.Comparison) -> None:
    figure = result.plot_signals()
    hatched = [[one for one in axes.collections if one.get_hatch()] for axes in figure.axes]
    assert [len(of) for of in hatched[0:4:2]] == [2, 2]  # of two; theory has none of ones
    assert not any(hatched[1::2])  # at the end
    assert not any(hatched[4:])
    assert np.isfinite(figure.axes[0].get_ylim()).all()
