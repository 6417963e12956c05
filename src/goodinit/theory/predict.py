"""Predictions are asked for: a network, data and an initializer, read and checked."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from goodinit import activations, datasets
from goodinit.datasets import Dataset
from goodinit.errors import bad_argument, number, whole
from goodinit.initializers import Draw, Scheme, read
from goodinit.initializers.biases import ZEROS, read_biases
from goodinit.network import Network
from goodinit.study.trials import several
from goodinit.theory import drawn
from goodinit.theory.examples import Examples, representatives
from goodinit.theory.prediction import Prediction
from goodinit.theory.weights import law

_LARGEST = 1e100  # of a standard deviation, whose square is to be a number
_STD = f"a number from 0 to {_LARGEST:.0e}"
_OTHER_BIASES = "theory knows zero and Gaussian biases alone: of these it is silent"
_OUTPUTS = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}


def predict(
    data: Any,
    initializer: str | Scheme | Draw,
    *,
    hidden: Sequence[int] = (10, 5),
    activation: Any = "relu",
    bias: str = "zeros",
    bias_std: float = 0.0,
    draws: int = 200,
    **reading: Any,
) -> Prediction:
    """Return what theory predicts of this network on these data, before any training.

    Lengths, correlations and gradients by depth are those of infinite width, from the data's own
    scales and correlations; the bands hold 90 % of the networks of this width.

    Parameters
    ----------
    data : str, Path, tuple of arrays, or Dataset
        What ``goodinit.datasets.load`` takes. More than 100 training examples are represented
        by 100.
    initializer : spec string, scheme or callable
    hidden : sequence of int
        Units of each hidden layer.
    activation : str or callable
        Of the hidden layers; a callable maps arrays elementwise.
    bias : str
        How biases start, as in ``goodinit.compare``; theory knows zero and Gaussian biases, and is
        silent of others.
    bias_std : float
        Standard deviation of Gaussian biases; where it is 0, that of the initializer counts.
    draws : int
        How many networks may be drawn for a band where no formula holds (narrow and deep networks:
        ``Prediction.bands`` says where); 0 for formulas only, which take milliseconds.
    **reading
        How the data are read, such as a table's ``target``, as ``goodinit.datasets.load`` takes it.

    Returns
    -------
    Prediction

    Raises
    ------
    ArgumentError
        For the first argument that cannot be used.

    References
    ----------
    Poole et al. 2016; Schoenholz et al. 2017; Pennington et al. 2017; Hanin and Rolnick 2018.

    Examples
    --------
    >>> found = predict("digits", "lecun_normal", hidden=(64,) * 5, activation="tanh")
    >>> found.layers[["layer", "preactivation_rms", "low", "high"]].head(3).round(2)
       layer  preactivation_rms   low  high
    0      1               0.48  0.43  0.53
    1      2               0.41  0.35  0.46
    2      3               0.36  0.31  0.41
    """
    biases = read_biases(bias)
    if bias_std and biases != ZEROS:
        raise bad_argument("bias_std", bias_std, f"nothing beside bias={bias!r}, which says it")
    own = read(initializer).bias_std  # which an initializer keeps, whatever the others' are
    known = isinstance(data, str) and data in datasets.NAMES and not reading
    dataset, examples = _known(data) if known else (datasets.load(data, **reading), None)
    return of_network(
        dataset,
        initializer,
        hidden=hidden,
        activation=activation,
        bias_std=bias_std or own or biases.std,
        draws=draws,
        examples=examples,
    )


@lru_cache(maxsize=4)
def _known(name: str) -> tuple[Dataset, Examples]:
    """Return a data set that is the same whenever it is asked for, and those that stand for it."""
    dataset = datasets.load(name)
    return dataset, representatives(dataset)


def of_network(
    data: Dataset,
    initializer: str | Scheme | Draw,
    *,
    hidden: Sequence[int],
    activation: Any,
    bias_std: float | None = 0.0,
    draws: int = 200,
    examples: Examples | None = None,
) -> Prediction:
    """Return the prediction for a data set that is loaded; see ``predict``.

    ``examples`` are its ``representatives``, where they are known; a ``bias_std`` of None stands
    for biases that theory doesn't know.
    """
    units = [whole("hidden", size, at_least=1) for size in several("hidden", hidden)]
    known = activations.read(activation)
    scheme = read(initializer)
    given = number("bias_std", bias_std or 0.0, _STD, lambda n: 0 <= n <= _LARGEST)
    std = given or scheme.bias_std
    count = whole("draws", draws, at_least=0)
    if 0 < count < drawn.LEAST:
        raise bad_argument("draws", draws, f"0, or at least {drawn.LEAST} for a band of 90 %")
    outputs = len(data.classes or ()) if data.task == "multiclass" else 1
    sizes = (data.n_features, *units, outputs)
    named = known.name if isinstance(activation, str) else "linear"
    laws = tuple(law(scheme, (fan_out, fan_in)) for fan_in, fan_out in pairwise(sizes))
    odd = [place for place, of in enumerate(laws, start=1) if of is None]
    silent = (
        f"{scheme} draws no independent weights of mean 0 in layer {odd[0]}: theory is silent"
        if odd
        else _OTHER_BIASES * (bias_std is None)
    )
    return Prediction(
        network=Network(sizes, named, _OUTPUTS[data.task]),
        scheme=scheme,
        silent=silent,
        _activation=known,
        _laws=laws,
        _bias_std=std,
        _data=data,
        _examples=examples or representatives(data),
        _draws=count,
    )
