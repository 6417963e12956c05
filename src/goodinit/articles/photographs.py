"""The cats and dogs of article 004: how they are read, and how its two samples are drawn."""

from math import isqrt
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodinit.articles import arguments
from goodinit.articles.layers import Array, Labels
from goodinit.errors import bad_argument


def load_dataset_catvsdog(path: str | Path) -> tuple[NDArray[np.uint8], Array]:
    """Return the photographs of a folder and whether each is a cat, in the order of their names.

    The article shuffles them with a permutation that it doesn't seed. The order of the examples
    changes nothing but rounding, so here they keep the one order that is the same everywhere.

    Parameters
    ----------
    path : str or Path
        A folder with pictures of one size, their names beginning with "cat" or "dog" and ending
        with ".jpg".

    Returns
    -------
    X : array of uint8, shape (height · width · 3, examples)
        Red, green and blue of each pixel, row by row, 0 to 255.
    Y : array, shape (1, examples)
        1 for a cat, 0 for a dog.

    Raises
    ------
    ArgumentError
        If there is no such folder, no picture in it, or one that can't be read, has another name or
        another size.

    Examples
    --------
    >>> load_dataset_catvsdog("nowhere")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: path: got 'nowhere', takes a folder of JPEG photographs
    """
    folder = Path(path)
    if not folder.is_dir():
        raise bad_argument("path", folder, "a folder of JPEG photographs")
    files = sorted(folder.glob("*.jpg"))
    if not files:
        raise bad_argument("path", folder, "a folder with *.jpg in it")
    for file in files:
        if not file.name.startswith(("cat", "dog")):
            raise bad_argument("path", file, 'names that begin with "cat" or "dog"')
    pictures = [_pixels(file) for file in files]
    for file, picture in zip(files, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise bad_argument("path", file, f"pictures of one size, as {files[0].name}")
    X = np.array(pictures).reshape(len(files), -1).T
    Y = np.array([[float(file.name.startswith("cat")) for file in files]])
    return X, Y


def _pixels(file: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise bad_argument("path", file, "JPEG photographs that can be read") from error


def plot_samples(X: NDArray[Any], Y: Labels) -> None:
    """Draw the first cat and the first dog beside each other, as the article does.

    Parameters
    ----------
    X : array, shape (side · side · 3, examples)
        Whole numbers from 0 to 255, or floats from 0 to 1.
    Y : array, shape (1, examples)
        1 for a cat, 0 for a dog.

    Raises
    ------
    ArgumentError
        If the shapes don't fit, or the pictures aren't square.

    Examples
    --------
    >>> plot_samples(np.zeros((2 * 2 * 3, 2), np.uint8), np.array([[1, 0]]))
    >>> plt.close()
    """
    arguments.check_examples(X, Y)
    side = isqrt(X.shape[0] // 3)
    if side * side * 3 != X.shape[0]:
        raise bad_argument("X", X.shape, "a shape (side · side · 3, examples)")
    for position, example in enumerate([np.argmax(Y), np.argmin(Y)], start=1):
        plt.subplot(1, 2, position)
        plt.imshow(X[:, example].reshape(side, side, 3))
        plt.axis("off")
