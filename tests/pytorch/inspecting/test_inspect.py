"""Inspection of a module: what it says of a network as ours, is asked, finds and reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import Tied, data, labels, mlp, sequence
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from goodinit import initializers
from goodinit.evidence.causes import CAUSES, value
from goodinit.measuring import signals
from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.network import Network, initialize, targets
from goodinit.torch import Finding, Report, inspect

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu(0.2)": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": lambda: nn.Softplus(threshold=40),  # beyond it PyTorch has a line
    "linear": nn.Identity,
}
RATE = 0.1


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


# --- What our own networks say ---

OUTPUTS: dict[str, tuple[list[nn.Module], Callable[[Tensor, Tensor], Tensor]]] = {
    "sigmoid": ([nn.Sigmoid()], functional.binary_cross_entropy),
    "softmax": ([nn.Softmax(-1)], lambda p, t: -(t * p.log()).sum(1).mean()),
    "linear": ([], lambda z, t: 0.5 * (z - t).square().mean()),
}


def twins(network: Network, scheme: str, seed: int, n: int) -> tuple[dict[str, Any], Report]:
    """Return what is measured of one of our networks, and of the module that equals it."""
    parameters = initialize(network, initializers.read(scheme), seed)
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, network.layers[0]))
    T = targets(network, rng.integers(max(network.layers[-1], 2), size=n))
    batch = [(w[np.newaxis], b[np.newaxis]) for w, b in parameters]
    ours = signals.measure(network, batch, X, T, np.array([RATE])).layers
    end, loss = OUTPUTS[network.output]
    model = mlp(*network.layers, activation=ACTIVATIONS[network.activation])
    model = sequence(*model, *end).double()
    for layer, (weights, biases) in zip(
        (layer for layer in model if isinstance(layer, nn.Linear)), parameters, strict=True
    ):
        layer.weight.data, layer.bias.data = torch.tensor(weights), torch.tensor(biases)
    asked = torch.tensor(X), torch.tensor(T, dtype=torch.float64)
    return ours, inspect(model, *asked, loss, learning_rate=RATE)


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from([("sigmoid", 1), ("softmax", 3), ("linear", 1)]),
    st.lists(st.integers(1, 24), min_size=1, max_size=4),
    st.sampled_from(["he_normal", "glorot_uniform", "normal(std=3)", "constant(0.05)"]),
    st.integers(0, 1000),
)
def test_of_a_network_as_ours_it_says_the_same_numbers(
    activation: str, output: tuple[str, int], hidden: list[int], scheme: str, seed: int
) -> None:
    # Where a sigmoid says 0 or 1 to the last bit, PyTorch's cross-entropy has another gradient.
    assume(scheme != "normal(std=3)" or output[0] == "linear")
    network = Network((5, *hidden, output[1]), activation, output[0])
    ours, report = twins(network, scheme, seed, n=30)
    for name in LAYER_SIGNALS:
        found = report.layers[name].to_numpy(dtype=float)
        if name == "effective_rank":  # of a singular value near 0 only the square is exact
            np.testing.assert_allclose(found, ours[name][0], rtol=1e-5, err_msg=name)
        else:
            np.testing.assert_allclose(found, ours[name][0], rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_gain_is_that_of_the_layers_weights() -> None:
    model = mlp(400, 400, 400)
    for layer in (model[0], model[2]):
        nn.init.normal_(layer.weight, 0.0, 0.1)  # 2 times 1 / √400
        nn.init.zeros_(layer.bias)
    gains = inspect(model, data(200, 400)[0]).layers["gain"]
    assert gains.tolist() == pytest.approx([2.0, 2.0], rel=0.05)


# --- What is asked, and with what ---


@dataclass
class Said:
    label: Tensor
    more: dict[str, tuple[Tensor, ...]]


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.label = nn.Linear(8, 4), nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, one: Tensor, other: Tensor) -> Said:
        inner = self.one(one) + self.other(other)
        return Said(self.label(inner), {"inner": (inner,)})


def test_several_inputs_by_place_or_by_name_and_nested_outputs() -> None:
    model = Nested()
    (one, y), (other, _) = data(20, 8), data(20, 5)
    by_place = inspect(model, (one, other), y)
    by_name = inspect(model, {"other": other, "one": one}, y)
    assert by_place.layers["layer"].tolist() == ["one", "other", "label"]
    pd.testing.assert_frame_equal(by_place.layers, by_name.layers)
    own = inspect(model, (one, other), y, lambda said, y: functional.cross_entropy(said.label, y))
    pd.testing.assert_frame_equal(by_place.layers, own.layers)


def test_of_a_loader_the_first_batch_is_taken() -> None:
    model = mlp(8, 16, 3)
    x, y = data(20, 8)
    loader = DataLoader(TensorDataset(x, y), batch_size=10)
    whole = inspect(model, x[:10], y[:10]).layers
    pd.testing.assert_frame_equal(inspect(model, loader).layers, whole)
    pd.testing.assert_frame_equal(inspect(model, iter([(x[:10], y[:10])])).layers, whole)
    alone = inspect(model, DataLoader(TensorDataset(x), batch_size=10)).layers
    pd.testing.assert_frame_equal(alone, inspect(model, x[:10]).layers)


@pytest.mark.parametrize(
    ("said", "wanted", "loss"),
    [
        ((20, 3), torch.randint(3, (20,)), functional.cross_entropy),
        ((20, 5), torch.randn(20, 5), functional.mse_loss),
        (
            (20, 1),
            torch.randint(2, (20,)),
            lambda z, y: functional.binary_cross_entropy_with_logits(z[:, 0], y.float()),
        ),
        ((20, 1), torch.randn(20), lambda z, y: functional.mse_loss(z[:, 0], y)),
    ],
)
def test_the_loss_follows_from_the_targets(
    said: tuple[int, int], wanted: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    model, x = mlp(8, said[1]), data(20, 8)[0]
    given = inspect(model, x, wanted, loss).layers["gradient_rms"]
    assert inspect(model, x, wanted).layers["gradient_rms"].tolist() == pytest.approx(
        given.tolist()
    )


def test_words_after_words_are_whole_numbers_of_one_axis_less() -> None:
    model, words = Tied(), torch.randint(20, (6, 5))
    flat = inspect(model, words, words, lambda z, y: functional.cross_entropy(z.mT, y))
    usual = inspect(model, words, words)
    np.testing.assert_allclose(usual.layers["gradient_rms"], flat.layers["gradient_rms"], rtol=1e-5)


def test_without_targets_there_is_a_gradient_the_same_each_time() -> None:
    model, x = mlp(8, 16, 3), data(20, 8)[0]
    one, other = inspect(model, x).layers, inspect(model, x).layers
    pd.testing.assert_frame_equal(one, other)
    assert (one["gradient_rms"] > 0).all()


# --- What is found ---


def test_every_label_sentence_and_number_comes_from_one_table() -> None:
    model = mlp(8, 16, 16, 3)
    nn.init.constant_(model[2].bias, -50)
    (finding,) = inspect(model, *data(40, 8), cures=False).findings
    told = CAUSES["dead"].tell({"share": 100.0, "layer": "2"}, {"when": "at the start"})
    assert finding == Finding("2", CAUSES["dead"].label, told, {"share": 100.0})
    assert finding.cure is None


def test_few_units_on_one_example_may_be_silent_by_chance() -> None:
    model = mlp(8, 4, 3)
    nn.init.constant_(model[0].bias, -50)
    x, _ = data(8, 8)
    assert inspect(model, x[:1]).findings == ()
    assert labels(inspect(model, x)) == [("0", "dead units")]


def test_findings_stand_in_forward_order() -> None:
    model = mlp(8, 16, 16, 16, 3)
    nn.init.constant_(model[2].bias, -50)
    nn.init.constant_(model[0].weight, 0.1)
    nn.init.zeros_(model[0].bias)
    found = labels(inspect(model, *data(40, 8)))
    assert found[:2] == [("0", "fails to break symmetry"), ("2", "dead units")]


def test_a_deep_default_network_loses_its_gradient_and_he_keeps_it() -> None:
    model = mlp(64, *[64] * 30, 3)
    asked = data(100, 64)
    (finding,) = inspect(model, *asked).findings
    assert finding.label == "vanishing gradients"
    assert finding.evidence["ratio"] < value("decay")
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    assert inspect(model, *asked).findings == ()


class Branched(nn.Module):
    """Residual branches, each of them last scaled by a number."""

    def __init__(self, scale: float, blocks: int) -> None:
        super().__init__()
        branches = [mlp(32, 32, 32) for _ in range(blocks)]
        self.branches, self.head = nn.ModuleList(branches), nn.Linear(32, 3)
        for branch in branches:
            for layer in (branch[0], branch[2]):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
            branch[2].weight.data *= scale

    def forward(self, x: Tensor) -> Any:
        for branch in self.branches:
            x = x + branch(x)
        return self.head(x)


def test_residual_branches_explode_with_depth_unless_they_are_scaled() -> None:
    asked = data(60, 32)
    (finding,) = inspect(Branched(1.0, 30), *asked).findings
    assert (finding.layer, finding.label) == ("branches.0.2", "exploding gradients")
    assert finding.evidence["step"] == pytest.approx(3**0.5, rel=0.2)  # 1 + 2 of variance
    assert inspect(Branched(30**-0.5, 30), *asked).findings == ()
    assert inspect(Branched(0.0, 30), *asked).findings == ()


def test_over_seeds_only_what_most_show_is_said() -> None:
    def build() -> Any:
        model = mlp(8, 16, 16, 3)
        nn.init.constant_(model[2].bias, -50)
        if torch.initial_seed() % 3 == 0:
            nn.init.constant_(model[0].bias, -50)
        return model

    report = inspect(build, *data(40, 8), seeds=6)
    assert labels(report) == [("2", "dead units")]
    assert report.findings[0].reason.endswith("in 6 of 6 seeds")
    assert report.layers["seed"].unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert len(inspect(build, *data(40, 8)).layers["seed"].unique()) == 10
    assert inspect(build, *data(40, 8), seeds=[7]).layers["seed"].unique().tolist() == [7]


# --- How it is reported ---


def test_the_report_is_a_table_a_text_a_picture_and_an_assertion() -> None:
    model = mlp(8, 16, 16, 3)
    healthy = inspect(model, *data(40, 8))
    healthy.assert_healthy()
    assert "Nothing is wrong" in str(healthy)
    nn.init.constant_(model[2].bias, -50)
    report = inspect(model, *data(40, 8))
    with pytest.raises(AssertionError, match=r"2: dead units: 100% of the units of layer 2"):
        report.assert_healthy()
    text = str(report)
    assert "2: dead units: 100% of the units of layer 2 are dead at the start" in text
    assert text.index("  0 ") < text.index("  2 ") < text.index("  4 ")
    above, below = report.plot().axes
    middle = np.asarray(above.lines[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(middle, report.layers["activation_rms"])
    assert [label.get_text() for label in below.get_xticklabels()] == ["0", "2", "4"]


def test_a_picture_of_many_seeds_and_of_layers_without_a_gradient_can_be_drawn() -> None:
    report = inspect(lambda: mlp(8, 16, 3).requires_grad_(False), data(20, 8)[0], seeds=3)
    figure = report.plot()
    figure.canvas.draw()
    assert np.isnan(np.asarray(figure.axes[1].lines[0].get_ydata(), dtype=float)).all()


# --- What cannot be asked ---

X, Y = data(10, 8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("model", X), "model: got 'model', takes a torch.nn.Module, or a function that returns"),
        ((lambda: 3, X), "model: got 3, takes a torch.nn.Module"),
        ((nn.LazyLinear(3), X), "model: got 'lazy layers', takes a module that has been called"),
        ((mlp(8, 3), []), "inputs: got 'no batch', takes a tensor"),
        ((mlp(8, 3), ()), r"inputs: got \(\), takes at least one tensor"),
        ((mlp(8, 3), 3), "inputs: got 3, takes a tensor, a tuple or dict of tensors"),
        ((mlp(8, 3), X.numpy()), "inputs: got array"),
        ((mlp(8, 3), X[:0]), r"inputs: got 'a tensor of shape \(0, 8\)', takes examples"),
        ((mlp(8, 3), X / 0), "inputs: got 'NaN or infinity', takes finite numbers"),
        ((mlp(8, 3), [(X, Y, Y)]), "inputs: got 'batches of 3'"),
        ((mlp(8, 3), X, Y > 1), "targets: got 'torch.bool', takes whole numbers or floats"),
        ((mlp(8, 3), X, {"label": Y}), "targets: got 'dict', takes whole numbers or floats"),
        ((mlp(8, 3), X, None, functional.mse_loss), "loss: got .*, takes targets beside it"),
        ((mlp(8, 3), X, Y, "mse"), "loss: got 'mse', takes a function of outputs and targets"),
        (
            (mlp(8, 3), X, Y, lambda said, _: said),
            r"loss: got 'a result of \(10, 3\)', takes a loss that returns one number",
        ),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}") as error:
        inspect(*given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seeds", [0, -1, 1.5, "3", [], [1, 1], [-1], True])
def test_wrong_seeds_are_said_in_one_line(seeds: Any) -> None:
    with pytest.raises(ValueError, match=r"^seeds: got "):
        inspect(lambda: mlp(8, 3), X, seeds=seeds)


def test_seeds_belong_to_what_makes_a_module() -> None:
    with pytest.raises(ValueError, match=r"^seeds: got 3, takes nothing where a module is given"):
        inspect(mlp(8, 3), X, seeds=3)


def test_what_the_module_raises_goes_through() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        inspect(mlp(9, 3), X)


def test_the_users_inputs_stay_theirs() -> None:
    x = X.clone().requires_grad_()
    inspect(sequence(nn.ReLU(inplace=True), nn.Linear(8, 3)), x.detach(), Y)
    inspect(mlp(8, 3), x, Y)
    assert x.grad is None
    assert torch.equal(x, X)
