"""The zoo: small networks of which it is known what is wrong with them, or that nothing is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo_draws import (
    all_negative,
    layers,
    negative_bias,
    one_layer,
    repeated,
    scaled,
    some_dead,
)

from goodinit.initializers import read
from goodinit.study.asked import Initializer

SYMMETRY = "fails to break symmetry"
LARGE = "weights too large"
SMALL = "weights too small"
DEAD = "dead units"
SATURATED = "saturated"
VANISHING = "vanishing gradients"
EXPLODING = "exploding gradients"
RATE = "learning rate too high"
DIVERGES = "diverges"
UNSCALED = "data not scaled"
TARGETS = "targets not scaled"
CONTRADICT = "contradicting targets"
HEALTHY = "recommended"


@dataclass(frozen=True)
class Case:
    """A network in training whose verdict is known.

    ``settings`` are those of ``goodinit.compare``.
    """

    name: str
    label: str
    data: str
    initializer: Initializer
    settings: Mapping[str, Any]

    def __str__(self) -> str:
        return self.name


def _case(name: str, label: str, data: str, initializer: Initializer, **settings: Any) -> Case:
    usual = {"hidden": (10, 5), "learning_rate": 0.1, "iterations": 1000, "record": 10}
    return Case(name, label, data, initializer, usual | settings)


_BROKEN_SYMMETRY = (
    _case("zeros", SYMMETRY, "circles", "zeros"),
    _case("zeros, tanh", SYMMETRY, "moons", "zeros", activation="tanh"),
    _case("zeros, sigmoid", SYMMETRY, "circles", "zeros", activation="sigmoid"),
    _case("zeros, softmax", SYMMETRY, "blobs", "zeros", activation="relu"),
    _case("zeros, regression", SYMMETRY, "wave", "zeros", activation="tanh"),
    _case("zeros, Adam", SYMMETRY, "circles", "zeros", optimizer="adam", learning_rate=0.01),
    _case("zeros, mini-batches", SYMMETRY, "iris", "zeros", batch_size=20),
    _case("constant 0.5", SYMMETRY, "circles", "constant(0.5)"),
    _case("constant 0.5, tanh", SYMMETRY, "circles", "constant(0.5)", activation="tanh"),
    _case("ones", SYMMETRY, "circles", "ones", learning_rate=0.01, iterations=2000),
    _case("ones, sigmoid", SYMMETRY, "circles", "ones", activation="sigmoid"),
    _case("layer 2 repeats one unit", SYMMETRY, "circles", repeated(5)),
    _case("layer 1 repeats one unit", SYMMETRY, "circles", repeated(10)),
    _case(
        "layer 1 repeats two units, tanh",
        SYMMETRY,
        "circles",
        repeated(10, distinct=2, base=read("lecun_normal")),
        activation="tanh",
    ),
)
_SIZE = (
    _case("std 10", LARGE, "circles", "normal(std=10)", learning_rate=0.001),
    _case(
        "std 10, tanh", LARGE, "circles", "normal(std=10)", activation="tanh", learning_rate=0.01
    ),
    _case("std 10, softmax", LARGE, "iris", "normal(std=10)", learning_rate=0.001),
    _case("std 10, digits", LARGE, "digits", "normal(std=10)", learning_rate=0.01, hidden=(20, 10)),
    _case("std 100, regression", LARGE, "wave", "normal(std=100)", learning_rate=0.001),
    _case(
        "std 10 in ten layers",
        LARGE,
        "circles",
        "normal(std=10)",
        hidden=(10,) * 10,
        learning_rate=0.01,
        iterations=300,
        record=2,
    ),
    _case(
        "only layer 3 of std 100",
        LARGE,
        "circles",
        one_layer((5, 10), 100),
        learning_rate=0.01,
        hidden=(8, 10, 5, 4),
    ),
    _case("std 1e-3 in five layers", SMALL, "circles", "normal(std=0.001)", hidden=(10,) * 5),
    _case("std 0.01", SMALL, "circles", "normal(std=0.01)", learning_rate=0.01),
    _case(
        "std 0.01, tanh",
        SMALL,
        "moons",
        "normal(std=0.01)",
        activation="tanh",
        hidden=(10, 10, 5),
        learning_rate=0.03,
    ),
    _case(
        "std 1e-3 in five layers, Adam",
        SMALL,
        "circles",
        "normal(std=0.001)",
        hidden=(10,) * 5,
        optimizer="adam",
        learning_rate=0.01,
    ),
    _case(
        "std 1e-3 in five layers, mini-batches",
        SMALL,
        "digits",
        "normal(std=0.001)",
        hidden=(10,) * 5,
        batch_size=20,
    ),
    _case("std 0.01, sigmoid", SMALL, "circles", "normal(std=0.01)", activation="sigmoid"),
    _case("std 0.01, digits", SMALL, "digits", "normal(std=0.01)", hidden=(20, 10)),
    _case("one weight in ten of std 0.01", SMALL, "digits", "sparse(0.9)", hidden=(20, 10)),
    _case(
        "he / 30 in four layers", SMALL, "circles", scaled(1 / 30, "he_normal"), hidden=(10,) * 4
    ),
)
_UNITS = (
    _case("a constant feature closes every ReLU", DEAD, "positive", negative_bias),
    _case("negative weights, positive features", DEAD, "digits", all_negative, hidden=(20, 10)),
    _case(
        "saturated tanh",
        SATURATED,
        "circles",
        layers("normal(std=50)", "lecun_normal"),
        activation="tanh",
        learning_rate=0.01,
    ),
    _case(
        "saturated sigmoid",
        SATURATED,
        "circles",
        layers("normal(std=100)", "lecun_normal"),
        activation="sigmoid",
        learning_rate=0.01,
    ),
)
_DEPTH = (
    _case(
        "ten sigmoid layers",
        VANISHING,
        "circles",
        "glorot_normal",
        activation="sigmoid",
        hidden=(10,) * 10,
        iterations=300,
        record=2,
    ),
    _case(
        "ten sigmoid layers, Adam",
        VANISHING,
        "circles",
        "glorot_normal",
        activation="sigmoid",
        hidden=(10,) * 10,
        optimizer="adam",
        learning_rate=0.01,
    ),
    _case(
        "thirty ReLU layers, lecun, mini-batches",
        VANISHING,
        "circles",
        "lecun_normal",
        hidden=(10,) * 30,
        batch_size=20,
        iterations=300,
    ),
    _case(
        "thirty ReLU layers, lecun",
        VANISHING,
        "circles",
        "lecun_normal",
        hidden=(10,) * 30,
        iterations=100,
        record=2,
    ),
    _case(
        "twenty tanh layers, gain 0.5",
        VANISHING,
        "circles",
        "orthogonal(0.5)",
        hidden=(10,) * 20,
        activation="tanh",
        iterations=100,
        record=2,
    ),
    _case(
        "fifteen ReLU layers, orthogonal gain 2",
        EXPLODING,
        "circles",
        "orthogonal(2)",
        hidden=(10,) * 15,
        learning_rate=0.01,
        iterations=100,
        record=2,
    ),
    _case(
        "twenty tanh layers, gain 3",
        EXPLODING,
        "circles",
        "orthogonal(3)",
        hidden=(10,) * 20,
        activation="tanh",
        learning_rate=0.01,
        iterations=100,
        record=2,
    ),
    _case(
        "eight GELU layers, three times he",
        EXPLODING,
        "circles",
        scaled(3, "he_normal"),
        hidden=(10,) * 8,
        activation="gelu",
        learning_rate=0.01,
        iterations=100,
        record=2,
    ),
    _case(
        "eight SELU layers, four times lecun",
        EXPLODING,
        "circles",
        scaled(4, "lecun_normal"),
        hidden=(10,) * 8,
        activation="selu",
        learning_rate=0.01,
        iterations=100,
        record=2,
    ),
    _case(
        "ten ReLU layers, three times he",
        EXPLODING,
        "circles",
        scaled(3, "he_normal"),
        hidden=(10,) * 10,
        learning_rate=0.01,
        iterations=100,
        record=2,
    ),
)
_RATES = (
    # Weights that decay by more than twice what they are grow, however flat the cost is.
    _case(
        "weight decay over the limit",
        DIVERGES,
        "wave",
        "lecun_normal",
        hidden=(),
        weight_decay=30.0,
    ),
    # Single examples are steeper than all of them together.
    _case(
        "linear regression, example by example",
        RATE,
        "steep",
        "zeros",
        hidden=(),
        batch_size=1,
        learning_rate=0.012,
    ),
    _case("relu at 10", RATE, "circles", "he_normal", learning_rate=10),
    _case("tanh at 30", RATE, "circles", "lecun_normal", activation="tanh", learning_rate=30),
    _case("softmax at 10", RATE, "digits", "he_normal", learning_rate=10, hidden=(20, 10)),
    _case("momentum at 10", RATE, "moons", "he_normal", learning_rate=10, optimizer="momentum"),
    _case(
        "linear regression just over the limit",
        RATE,
        "steep",
        "zeros",
        hidden=(),
        learning_rate=0.019,
    ),
    _case("Adam at 3", RATE, "circles", "he_normal", optimizer="adam", learning_rate=3),
    _case("Adam at 0.3", RATE, "circles", "he_normal", optimizer="adam", learning_rate=0.3),
    _case("Adam at 1, digits", RATE, "digits", "he_normal", optimizer="adam", learning_rate=1),
    _case("Adam at 1, regression", RATE, "wave", "he_normal", optimizer="adam", learning_rate=1),
    _case(
        "Adam at 1, mini-batches",
        RATE,
        "circles",
        "he_normal",
        optimizer="adam",
        batch_size=20,
        learning_rate=1,
    ),
    _case("mini-batches at 3", RATE, "circles", "he_normal", batch_size=20, learning_rate=3),
    _case("small batches at 10", RATE, "moons", "he_normal", batch_size=5, learning_rate=10),
    _case(
        "momentum at 1, mini-batches",
        RATE,
        "wave",
        "he_normal",
        optimizer="momentum",
        batch_size=20,
        learning_rate=1,
    ),
    _case(
        "Nesterov at 3, mini-batches",
        RATE,
        "circles",
        "he_normal",
        optimizer="nesterov",
        batch_size=20,
        learning_rate=3,
    ),
    _case(
        "linear regression over the limit", RATE, "steep", "zeros", hidden=(), learning_rate=0.05
    ),
    _case("regression at 2", RATE, "wave", "he_normal", learning_rate=2),
)
_EXAMPLES = (
    _case("features in the thousands", UNSCALED, "unscaled", "he_normal"),
    _case("features in the thousands, std 0.01", UNSCALED, "unscaled", "normal(std=0.01)"),
    _case("one feature in the thousands", UNSCALED, "apart", "he_normal", learning_rate=0.01),
    _case("targets in the thousands", TARGETS, "large", "he_normal", learning_rate=0.01),
    _case("labels by lot for equal inputs", CONTRADICT, "contradicting", "he_normal"),
)
_HEALTHY = (
    _case("he, relu", HEALTHY, "circles", "he_normal"),
    _case("he uniform, relu, moons", HEALTHY, "moons", "he_uniform"),
    _case(
        "lecun, tanh",
        HEALTHY,
        "circles",
        "lecun_normal",
        activation="tanh",
        hidden=(10,),
        learning_rate=1,
    ),
    _case("glorot, tanh", HEALTHY, "moons", "glorot_uniform", activation="tanh"),
    _case("orthogonal, tanh", HEALTHY, "breast_cancer", "orthogonal", activation="tanh"),
    _case(
        "orthogonal, relu, gain √2, ten layers",
        HEALTHY,
        "moons",
        "orthogonal(1.414)",
        hidden=(10,) * 10,
    ),
    _case("lecun, selu", HEALTHY, "iris", "lecun_normal", activation="selu"),
    _case("he, gelu", HEALTHY, "moons", "he_normal", activation="gelu"),
    _case("he, silu", HEALTHY, "blobs", "he_normal", activation="silu"),
    _case(
        "glorot, sigmoid",
        HEALTHY,
        "breast_cancer",
        "glorot_normal",
        activation="sigmoid",
        hidden=(10,),
    ),
    _case("softmax", HEALTHY, "digits", "he_normal", hidden=(20,)),
    _case("regression", HEALTHY, "wave", "he_normal", learning_rate=0.05),
    _case("regression, tanh", HEALTHY, "wave", "glorot_normal", activation="tanh"),
    _case("zeros in the last layer only", HEALTHY, "moons", layers("he_normal", "zeros")),
    _case("logistic regression from zeros", HEALTHY, "breast_cancer", "zeros", hidden=()),
    _case("softmax regression from zeros", HEALTHY, "iris", "zeros", hidden=()),
    _case("linear regression from zeros", HEALTHY, "wave", "zeros", hidden=()),
    _case(
        "one hidden unit", HEALTHY, "breast_cancer", "lecun_normal", hidden=(1,), activation="tanh"
    ),
    _case("momentum", HEALTHY, "circles", "he_normal", optimizer="momentum", learning_rate=0.05),
    _case("nesterov", HEALTHY, "circles", "he_normal", optimizer="nesterov", learning_rate=0.05),
    _case("adam", HEALTHY, "circles", "he_normal", optimizer="adam", learning_rate=0.01),
    _case("mini-batches", HEALTHY, "circles", "he_normal", batch_size=20),
    _case(
        "adam, slow", HEALTHY, "breast_cancer", "he_normal", optimizer="adam", learning_rate=1e-3
    ),
    _case(
        "adam at the edge of stability",
        HEALTHY,
        "wave",
        "he_normal",
        optimizer="adam",
        learning_rate=0.1,
    ),
    _case(
        "adam, mini-batches",
        HEALTHY,
        "moons",
        "he_normal",
        optimizer="adam",
        batch_size=20,
        learning_rate=0.03,
    ),
    _case(
        "mini-batches at the edge of stability",
        HEALTHY,
        "circles",
        "he_normal",
        batch_size=20,
        learning_rate=0.5,
    ),
    _case(
        "momentum, mini-batches",
        HEALTHY,
        "circles",
        "he_normal",
        optimizer="momentum",
        batch_size=20,
        learning_rate=0.03,
    ),
    _case(
        "nesterov, mini-batches",
        HEALTHY,
        "wave",
        "he_normal",
        optimizer="nesterov",
        batch_size=20,
        learning_rate=0.03,
    ),
    _case("labels half by lot", HEALTHY, "noisy", "he_normal"),
    _case("every fifth unit dead", HEALTHY, "positive", some_dead, hidden=(20, 10)),
    _case("at the edge of stability", HEALTHY, "circles", "he_normal", learning_rate=1),
    _case("identity, relu, five layers", HEALTHY, "iris", "identity", hidden=(4,) * 5),
)

FAULTY: tuple[Case, ...] = (*_BROKEN_SYMMETRY, *_SIZE, *_UNITS, *_DEPTH, *_RATES, *_EXAMPLES)
CASES: tuple[Case, ...] = (*FAULTY, *_HEALTHY)
