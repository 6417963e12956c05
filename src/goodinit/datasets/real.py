"""Measured data that scikit-learn ships: digits, breast cancer, wine and iris."""

from collections.abc import Callable

from goodinit.datasets.dataset import Dataset
from goodinit.datasets.parts import TEST_FRACTION, split, standardized


def digits(*, test_fraction: float = TEST_FRACTION, split_seed: int = 0) -> Dataset:
    """Return 1797 handwritten digits, 8 × 8 pixels of 0 to 16, divided by 16.

    Parameters
    ----------
    test_fraction, split_seed
        As `load` takes them.

    Raises
    ------
    ArgumentError
        Where either is out of range.

    Examples
    --------
    >>> print(digits().describe())
    digits: 1347 train and 450 test examples, 64 features, 10 classes
    """
    whole = _whole("digits", image_shape=(8, 8, 1), divisor=16)
    return split(whole, test_fraction=test_fraction, split_seed=split_seed)


def breast_cancer(*, test_fraction: float = TEST_FRACTION, split_seed: int = 0) -> Dataset:
    """Return 569 tumours, malignant or benign, by 30 features of their cells, standardised.

    Areas reach thousands where smoothness stays below 1, hence the standardisation on the training
    part. Parameters and errors as for `digits`.

    Examples
    --------
    >>> print(breast_cancer().describe())
    breast_cancer: 426 train and 143 test examples, 30 features, 2 classes
    """
    whole = _whole("breast_cancer")
    return standardized(split(whole, test_fraction=test_fraction, split_seed=split_seed))


def wine(*, test_fraction: float = TEST_FRACTION, split_seed: int = 0) -> Dataset:
    """Return 178 wines of three growers by 13 chemical features, standardised.

    Proline reaches 1680 where hue stays below 2, hence the standardisation on the training part.
    Parameters and errors as for `digits`.

    Examples
    --------
    >>> print(wine().describe())
    wine: 133 train and 45 test examples, 13 features, 3 classes
    """
    whole = _whole("wine")
    return standardized(split(whole, test_fraction=test_fraction, split_seed=split_seed))


def iris(*, test_fraction: float = TEST_FRACTION, split_seed: int = 0) -> Dataset:
    """Return 150 irises of three species by 4 lengths, standardised on the training part.

    Parameters and errors as for `digits`.

    Examples
    --------
    >>> iris().classes
    ('setosa', 'versicolor', 'virginica')
    """
    whole = _whole("iris")
    return standardized(split(whole, test_fraction=test_fraction, split_seed=split_seed))


REAL: dict[str, Callable[..., Dataset]] = {
    function.__name__: function for function in (digits, breast_cancer, wine, iris)
}


def _whole(
    name: str, *, image_shape: tuple[int, int, int] | None = None, divisor: float = 1
) -> Dataset:
    import sklearn.datasets  # here, because it is slow to import

    bunch = getattr(sklearn.datasets, f"load_{name}")()
    X = bunch.data / divisor
    classes = tuple(str(label) for label in bunch.target_names)
    return Dataset(name, X, bunch.target, X[:0], bunch.target[:0], classes, image_shape)
