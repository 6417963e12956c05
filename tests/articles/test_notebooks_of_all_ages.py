"""What notebooks of the course wrote before and after the articles' own runs as well."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.io import savemat

from goodinit.articles import public_tests, three_layer
from goodinit.errors import ArgumentError


def test_load_dataset_draws_only_where_it_should() -> None:
    with_picture = three_layer.load_dataset(is_plot=True)
    assert len(plt.gca().collections) == 1
    plt.close("all")
    without = three_layer.load_dataset(is_plot=False)
    assert not plt.get_fignums()
    for one, other in zip(with_picture, without, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_boundary_takes_labels_in_a_row_or_flat() -> None:
    X, Y, _, _ = three_layer.circles()
    for labels in (Y, Y[0], np.squeeze(Y)):
        plt.switch_backend("agg")
        three_layer.plot_decision_boundary(lambda points: points[:, 0] > 0, X, labels)
        colours = plt.gca().collections[-1].get_array()
        np.testing.assert_array_equal(np.ravel(np.asarray(colours)), Y[0])
        plt.close("all")


@pytest.mark.parametrize("module", ["three_layer", "deep", "public_tests"])
def test_np_int_is_back_where_a_notebook_of_2018_runs_and_nowhere_else(module: str) -> None:
    code = (
        "import numpy as np, goodinit.datasets\n"
        "assert not hasattr(np, 'int')\n"
        f"from goodinit.articles.{module} import *\n"
        "print(np.zeros((1, 2), dtype=np.int).dtype == np.zeros(1, int).dtype, np.float(2))"
    )
    run = [sys.executable, "-W", "ignore", "-c", code]
    ran = subprocess.run(run, capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.split() == ["True", "2.0"]


CHECKS = ["zeros", "random", "he"]


@pytest.mark.parametrize("name", CHECKS)
def test_the_courses_checks_pass_the_articles_functions_and_fail_the_others(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec("from goodinit.articles.public_tests import *", names)  # noqa: S102  # as notebooks do
    check = names[f"initialize_parameters_{name}_test"]
    check(getattr(three_layer, f"initialize_parameters_{name}"))
    assert capsys.readouterr().out == "All tests passed.\n"
    for other in CHECKS:
        if other != name:
            with pytest.raises(AssertionError, match=r"W1 has other values"):
                check(getattr(three_layer, f"initialize_parameters_{other}"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (list, "returns a list, not a dict"),
        (lambda made: {k: v for k, v in made.items() if k != "b1"}, "b1 is missing"),
        (lambda made: made | {"W1": made["W1"].tolist()}, "W1 is of type list"),
        (lambda made: made | {"W1": made["W1"].astype(int)}, "W1 is of type int64"),
        (lambda made: made | {"b1": made["b1"][:, 0]}, "b1 has the shape (2,), not (2, 1)"),
        (lambda made: made | {"W2": made["W2"] + 1e-3}, "W2 has other values"),
    ],
)
def test_a_failed_check_says_what_is_wrong_in_one_line(wrong: Any, says: str) -> None:
    def mine(sizes: Any) -> Any:
        return wrong(three_layer.initialize_parameters_he(sizes))

    with pytest.raises(AssertionError) as raised:
        public_tests.initialize_parameters_he_test(mine)
    line = str(raised.value)
    assert line.startswith("mine([3, 2, 1])")
    assert says in line
    assert "\n" not in line


def test_the_regularization_assignments_points_come_from_the_users_own_file(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(7, 2)), "Xval": rng.normal(size=(5, 2))}
    labels = {"y": np.array([[0, 1, 0, 1, 0, 1, 1]]).T, "yval": np.array([[0, 1, 0, 1, 0]]).T}
    savemat(tmp_path / "data.mat", arrays | labels)
    train_X, train_Y, test_X, test_Y = three_layer.load_2D_dataset(
        tmp_path / "data.mat", is_plot=False
    )
    assert not plt.get_fignums()
    np.testing.assert_array_equal(train_X, arrays["X"].T)
    np.testing.assert_array_equal(train_Y, labels["y"].T)
    assert test_X.shape == (2, 5)
    assert test_Y.shape == (1, 5)
    savemat(tmp_path / "other.mat", {"X": arrays["X"]})
    for path in ("missing.mat", "other.mat"):
        with pytest.raises(ArgumentError, match=r"data\.mat, with X, y, Xval and yval") as raised:
            three_layer.load_2D_dataset(tmp_path / path)
        assert "\n" not in str(raised.value)


def test_what_the_neighbouring_assignments_import_is_refused_in_one_line() -> None:
    with pytest.raises(ImportError, match="of it only load_2D_dataset"):
        exec("from goodinit.articles.three_layer import compute_cost_with_regularization")  # noqa: S102
    with pytest.raises(ImportError, match="gradient checking assignment's functions are not"):
        exec("from goodinit.articles.three_layer import vector_to_dictionary")  # noqa: S102
    assert not hasattr(three_layer, "nonsense")
