"""What the same course's next assignments import: which of it is here, and which isn't."""

from pathlib import Path

import matplotlib.pyplot as plt

from goodinit.articles import arguments
from goodinit.articles.layers import Array, Labels
from goodinit.errors import bad_argument

_REGULARIZATION = (
    "the regularization assignment's other functions are not: of it only load_2D_dataset"
)
_GRADIENT_CHECKING = "the gradient checking assignment's functions are not"
_ELSEWHERE = {
    **dict.fromkeys(
        (
            "backward_propagation_with_dropout",
            "backward_propagation_with_regularization",
            "compute_cost",
            "compute_cost_with_regularization",
            "forward_propagation_with_dropout",
            "initialize_parameters",
        ),
        _REGULARIZATION,
    ),
    **dict.fromkeys(
        (
            "dictionary_to_vector",
            "gradient_check",
            "gradient_check_n",
            "gradients_to_vector",
            "vector_to_dictionary",
        ),
        _GRADIENT_CHECKING,
    ),
}


def refuse(name: str) -> None:
    """Raise ImportError, in one line, for a name of an assignment that isn't here."""
    if name in _ELSEWHERE:
        line = f"{name}: goodinit has the initialization assignment; {_ELSEWHERE[name]}"
        raise ImportError(line)


def load_2D_dataset(
    path: str | Path = "datasets/data.mat", is_plot: bool = True
) -> tuple[Array, Labels, Array, Labels]:
    """Return the regularization assignment's points from your own copy of its file, and draw them.

    Parameters
    ----------
    path : str or Path
        The course's ``data.mat``, which goodinit doesn't ship: arrays ``X``, ``y``, ``Xval`` and
        ``yval``, examples in rows.
    is_plot : bool
        Whether the training points are drawn.

    Returns
    -------
    train_X, train_Y, test_X, test_Y : array
        Of shapes (2, examples) and (1, examples).

    Raises
    ------
    ArgumentError
        If there is no such file, or it doesn't hold these arrays.
    """
    from scipy.io import loadmat

    takes = "the regularization assignment's data.mat, with X, y, Xval and yval"
    try:
        held = loadmat(path)
        parts = [held[name].T for name in ("X", "y", "Xval", "yval")]
    except OSError as error:
        raise bad_argument("path", path, f"{takes} ({error.strerror or error})") from None
    except (KeyError, ValueError, NotImplementedError, TypeError) as error:
        raise bad_argument("path", path, f"{takes} ({error})") from None
    train_X, train_Y, test_X, test_Y = parts
    arguments.check_examples(train_X, train_Y, labels="y")
    arguments.check_examples(test_X, test_Y, labels="yval")
    if is_plot:
        scatter(train_X, train_Y)
    return train_X, train_Y, test_X, test_Y


def scatter(X: Array, Y: Labels) -> None:
    """Draw points on the current axes, coloured by their label."""
    plt.scatter(X[0], X[1], c=Y[0], s=40, cmap="Spectral")
