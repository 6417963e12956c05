"""By what a learning rate is chosen: the validation part, never the test part."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import goodinit as gi
from goodinit.datasets import iris
from goodinit.datasets.parts import with_validation
from goodinit.evidence.rates import best_rates


def test_the_rate_that_generalizes_is_chosen_not_the_one_that_fits_or_tests_best() -> None:
    trials = pd.DataFrame(
        {
            "initializer": "he_normal",
            "learning_rate": [0.1, 1.0, 10.0],
            "train_cost": [0.3, 0.1, 0.5],
            "validation_accuracy": [0.9, 0.8, 0.7],
            "validation_cost": [0.4, 0.3, 0.9],
            "test_accuracy": [0.7, 0.8, 0.9],
        }
    )
    assert best_rates(trials, "test_accuracy") == {"he_normal": 0.1}
    assert best_rates(trials, "test_cost") == {"he_normal": 1.0}
    assert best_rates(trials, "train_cost") == {"he_normal": 1.0}
    unheld = trials.drop(columns=["validation_accuracy", "validation_cost"])
    assert best_rates(unheld, "test_accuracy") == {"he_normal": 1.0}


def test_by_their_means_rates_are_told_apart_whose_median_accuracy_is_the_same() -> None:
    trials = pd.DataFrame(
        {
            "initializer": "he_normal",
            "learning_rate": [0.1] * 3 + [1.0] * 3 + [10.0] * 3,
            "train_cost": [0.3] * 3 + [0.1] * 3 + [0.5] * 3,
            "validation_accuracy": [0.9, 0.9, 1.0, 0.9, 0.9, 0.8, np.nan, 1.0, 1.0],
        }
    )
    assert best_rates(trials, "test_accuracy") == {"he_normal": 0.1}
    wild = trials.assign(validation_accuracy=[0.5, 0.5, 0.5, 0.9, 0.9, -1e30, 0.1, 0.1, 0.1])
    assert best_rates(wild, "test_accuracy") == {"he_normal": 0.1}  # one seed in three explodes
    alike = trials.assign(validation_accuracy=0.9)
    assert best_rates(alike, "test_accuracy") == {"he_normal": 1.0}


def test_the_validation_part_is_cut_from_the_training_part_once_by_the_seed() -> None:
    whole = iris()
    cut, again, other = (with_validation(whole, seed) for seed in (0, 0, 1))
    both = np.concatenate([cut.X_train, cut.X_validation])
    assert sorted(map(tuple, both)) == sorted(map(tuple, whole.X_train))
    assert np.array_equal(cut.X_test, whole.X_test)
    assert cut.fingerprint == again.fingerprint != other.fingerprint


def test_a_study_with_a_validation_part_is_kept_and_says_how_its_rates_were_chosen(
    tmp_path: Path,
) -> None:
    asked: dict[str, Any] = {
        "initializers": ["he_normal"],
        "iterations": 30,
        "seeds": 2,
        "out": tmp_path / "kept",
    }
    result = gi.compare("iris", learning_rate=[0.01, 1.0], **asked)
    assert result.trials["validation_accuracy"].between(0, 1).all()
    assert "validation accuracy, on 23 examples" in result.warnings[0]
    assert gi.load(tmp_path / "kept").trials.equals(result.trials)


def test_a_folder_keeps_its_data_when_rates_are_added_or_fewer_are_asked(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"initializers": ["he_normal"], "iterations": 30, "seeds": 2}
    gi.compare("iris", learning_rate=0.1, out=tmp_path / "one", **asked)
    grown = gi.compare("iris", learning_rate=[0.1, 1.0], out=tmp_path / "one", **asked)
    assert len(gi.load(tmp_path / "one").trials) == 4
    assert "lowest median training cost" in grown.warnings[0]
    gi.compare("iris", learning_rate=[0.1, 1.0], out=tmp_path / "two", **asked)
    less = gi.compare("iris", learning_rate=0.1, out=tmp_path / "two", **asked)
    assert "validation_cost" in less.trials and len(gi.load(tmp_path / "two").trials) == 4
