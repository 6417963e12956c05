"""What the articles train: their two experiments, and how a run of one starts and is trained."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from goodinit.articles import deep, layers, three_layer
from goodinit.articles.layers import Array, Labels, Parameters
from goodinit.articles.published import Run

Figures = dict[str, float]
WEIGHTS = {"weights [3, 2, 1]": [3, 2, 1], "weights [2, 4, 1]": [2, 4, 1]}  # what is only drawn

# From this many numbers on, a pass over the inputs takes so long that threads are worth their cost.
MANY_INPUTS = 100_000


@dataclass(frozen=True)
class Experiment:
    """A network that an article trains by gradient descent, and what it is measured on.

    Attributes
    ----------
    parts : dict of str to tuple
        "train", and "test" where there is one: X (features, examples) and Y (1, examples).
    hidden : str
        The hidden layers' activation.
    learning_rate : float
    iterations : int
    draw : callable
        From a run to the parameters that it starts from; uses NumPy's global stream.
    accuracy : callable
        From X, parameters and Y to the share that is right, as the article counts it.
    """

    parts: dict[str, tuple[Array, Labels]]
    hidden: str
    learning_rate: float
    iterations: int
    draw: Callable[[Run], Parameters]
    accuracy: Callable[[Array, Parameters, Labels], float]

    def accuracies(self, parameters: Parameters) -> Figures:
        """Return "train accuracy" and, where there is such a part, "test accuracy"."""
        return {
            f"{part} accuracy": self.accuracy(X, parameters, Y)
            for part, (X, Y) in self.parts.items()
        }

    def figures(self, parameters: Parameters, updates: int) -> Figures:
        """Return what an article reads from a network after so many updates."""
        X, Y = self.parts["train"]
        probabilities = layers.forward(X, parameters, self.hidden)[1][-1]
        cost = float(layers.cross_entropy(probabilities, Y))
        figures = {f"cost at iteration {updates}": cost}
        return figures | (self.accuracies(parameters) if updates == self.iterations else {})

    def updates_before(self, quantity: str) -> int:
        """Return how many updates are made before this quantity is read."""
        name, _, iteration = quantity.rpartition(" ")
        return int(iteration) if name == "cost at iteration" else self.iterations


def circles() -> Experiment:
    """Return the experiment of articles 000 to 003.

    Examples
    --------
    >>> circles().parts["train"][0].shape
    (2, 300)
    """
    train_X, train_Y, test_X, test_Y = three_layer.circles()
    return Experiment(
        {"train": (train_X, train_Y), "test": (test_X, test_Y)},
        hidden=three_layer.HIDDEN,
        learning_rate=three_layer.LEARNING_RATE,
        iterations=three_layer.NUM_ITERATIONS,
        draw=lambda run: circles_weights([2, *three_layer.HIDDEN_DIMS, 1], run),
        accuracy=lambda X, parameters, Y: float(
            np.mean(three_layer.predict_dec(parameters, X) == Y)
        ),
    )


def circles_weights(layers_dims: list[int], run: Run) -> Parameters:
    """Return the parameters that articles 000 to 003 initialize a run with."""
    if run.unseeded:
        three_layer.circles()
        return three_layer.initialize_parameters_random(layers_dims, seed=None)
    return three_layer.INITIALIZERS[run.initialization](layers_dims)


def photographs(folder: str | Path) -> Experiment:
    """Return the experiment of article 004 on the photographs of a folder."""
    pixels, Y = deep.load_dataset_catvsdog(folder)
    X = pixels / 255
    return Experiment(
        {"train": (X, Y)},
        hidden="tanh",
        learning_rate=deep.LEARNING_RATE,
        iterations=deep.NUM_ITERATIONS,
        draw=lambda run: deep.INITIALIZERS[run.initialization]([len(X), 5, 5, 1]),
        accuracy=lambda X, parameters, Y: deep.accuracy_rate(X, parameters, Y, "tanh"),
    )


def in_span(experiment: Experiment) -> Experiment:
    """Return the same mathematics, in the span of the examples where that is smaller.

    With X = QR the network with inputs R and first weights W1 Q has the same costs at every
    iteration; ``goodinit.training.compression`` derives it. A test part would have to be carried
    along, so an experiment that has one is returned as it is.
    """
    X, Y = experiment.parts["train"]
    if "test" in experiment.parts or X.shape[0] <= X.shape[1]:
        return experiment
    basis, inputs = np.linalg.qr(X)

    def draw(run: Run) -> Parameters:
        parameters = experiment.draw(run)
        return parameters | {"W1": np.dot(parameters["W1"], basis)}

    return replace(experiment, parts={"train": (np.ascontiguousarray(inputs), Y)}, draw=draw)


def train(
    experiment: Experiment,
    runs: Iterable[Run],
    threads: int,
    tick: Callable[[float], None] = lambda _: None,
) -> dict[Run, Figures]:
    """Train runs as the articles do, and return each one's costs and accuracies.

    The runs advance side by side, one iteration at a time. ``tick`` is told what part of a run each
    step is.
    """
    starts = {run: experiment.draw(run) for run in runs}
    trainings = [_training(experiment, parameters) for parameters in starts.values()]
    measured: dict[Run, Figures] = {run: {} for run in starts}
    with ThreadPoolExecutor(threads) as pool:
        many = experiment.parts["train"][0].size >= MANY_INPUTS
        side_by_side = pool.map if many else map
        for iteration in range(experiment.iterations):
            costs = side_by_side(next, trainings)
            for figures, cost in zip(measured.values(), costs, strict=True):
                figures[f"cost at iteration {iteration}"] = float(cost)
            tick(len(starts) / experiment.iterations)
    for run, parameters in starts.items():
        measured[run] |= experiment.accuracies(parameters)
    return measured


def _training(experiment: Experiment, parameters: Parameters) -> Iterator[float]:
    X, Y = experiment.parts["train"]
    return layers.descend(
        X,
        Y,
        parameters,
        hidden=experiment.hidden,
        learning_rate=experiment.learning_rate,
        iterations=experiment.iterations,
    )
