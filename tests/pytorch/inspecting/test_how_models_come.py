"""Whatever a module takes and says, however it was made, is inspected, or one line says why not."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, labels, mlp
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from goodinit.torch import Report, inspect

X, Y = data(24, 8)
Pair = namedtuple("Pair", "logits more")  # as older libraries have them


def same(one: Report, other: Report) -> None:
    """Check that two reports tell the same numbers of layers in the same order."""
    numbers = list(one.layers.columns.difference(["layer", "type", "call", "seed"]))
    pd.testing.assert_frame_equal(one.layers[numbers], other.layers[numbers])


class Wrapped(nn.Module):
    """A plain network, whose outputs are dressed up."""

    def __init__(self, dress: Callable[..., Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net, self.dress = mlp(8, 16, 3), dress

    def forward(self, x: Any) -> Any:
        return self.dress(self.net(x))


class Labelled(Wrapped):
    """One that says its own loss where it is given labels."""

    def forward(self, x: Any, labels: Tensor | None = None) -> Any:
        logits = self.net(x)
        return self.dress(
            None if labels is None else functional.cross_entropy(logits, labels), logits
        )


class Said:
    """Outputs that are no dataclass, and hold themselves."""

    def __init__(self, logits: Tensor) -> None:
        self.logits, self.me = logits, self

    def __getitem__(self, place: int) -> Tensor:
        return (self.logits,)[place]


def plain() -> Report:
    return inspect(Wrapped(lambda logits: logits), X, Y)


# --- Outputs ---


@pytest.mark.parametrize(
    ("dress", "of"),
    [
        (lambda logits: SimpleNamespace(logits=logits), lambda out: out.logits),
        (Said, lambda out: out[0]),
        (Said, lambda out: out.me.logits),
        (lambda logits: Pair(logits, None), lambda out: out.logits),
        (lambda logits: OrderedDict(out=logits, n=3), lambda out: out["out"]),
    ],
)
def test_a_loss_takes_outputs_of_any_kind(
    dress: Callable[..., Any], of: Callable[[Any], Tensor]
) -> None:
    def loss(out: Any, wanted: Tensor) -> Tensor:
        return functional.cross_entropy(of(out), wanted)

    same(inspect(Wrapped(dress), X, Y, loss), plain())


def test_a_distribution_is_costed_by_the_likelihood_of_the_targets() -> None:
    model = Wrapped(lambda logits: torch.distributions.Categorical(logits=logits))
    found = inspect(model, X, Y, lambda said, y: -said.log_prob(y).mean()).layers["gradient_rms"]
    assert found.tolist() == pytest.approx(plain().layers["gradient_rms"].tolist())
    assert (inspect(model, X).layers["gradient_rms"] > 0).all()


def test_outputs_of_transformers_keep_their_attributes_when_a_guess_is_costed() -> None:
    outputs = pytest.importorskip(
        "transformers.modeling_outputs", reason="transformers isn't installed"
    )
    model = Wrapped(lambda logits: outputs.SequenceClassifierOutput(logits=logits))
    same(inspect(model, X, Y, lambda out, y: functional.cross_entropy(out.logits, y)), plain())
    same(inspect(model, X, Y, lambda out, y: functional.cross_entropy(out[0], y)), plain())


LOSSES: dict[str, Callable[[Tensor | None, Tensor], Any]] = {
    "attribute": lambda loss, logits: SimpleNamespace(loss=loss, logits=logits),
    "key": lambda loss, logits: {"logits": logits, "loss": loss},
    "first of a tuple": lambda loss, logits: (loss, logits),
    "last of a tuple": lambda loss, logits: (logits, loss),
    "alone": lambda loss, logits: loss,
    "a dict of losses": lambda loss, logits: {"loss_class": loss, "loss_more": 0 * logits.sum()},
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_model_that_says_its_own_loss_is_inspected_by_it(kind: str) -> None:
    model = Labelled(LOSSES[kind])
    by_place, by_name = inspect(model, (X, Y)), inspect(model, {"x": X, "labels": Y})
    same(by_place, by_name)
    same(by_place, inspect(model, {"x": X, "labels": Y}, loss="model"))
    expected = plain().layers["gradient_rms"].tolist()
    assert by_place.layers["gradient_rms"].tolist() == pytest.approx(expected)


def test_a_number_beside_the_outputs_is_no_loss_unless_labels_went_in() -> None:
    balance = Wrapped(lambda logits: (logits, logits.square().mean()))  # as experts have it
    same(inspect(balance, X, Y), plain())
    alone = inspect(balance, X).layers["gradient_rms"]
    as_loss = inspect(balance, X, loss="model").layers["gradient_rms"]
    assert (alone - as_loss).abs().min() > 1e-4


def test_own_losses_that_are_not_there_are_said_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^loss: got 'model', takes a module whose outputs hold"):
        inspect(mlp(8, 3), X, loss="model")
    with pytest.raises(ValueError, match=r"^loss: got 'mse', takes a function .*or 'model'"):
        inspect(mlp(8, 3), X, Y, loss="mse")


# --- Batches ---


def rows(**columns: Tensor) -> DataLoader[Any]:
    size = len(next(iter(columns.values())))
    return DataLoader([{key: of[i] for key, of in columns.items()} for i in range(size)], 24)  # type: ignore[arg-type]


class Two(Wrapped):
    def forward(self, one: Tensor, other: Tensor) -> Any:  # type: ignore[override]
        return self.net(one + other)


class Whole(Wrapped):
    def forward(self, batch: Any) -> Any:
        return self.net(batch["x"])


def test_a_batch_with_names_goes_in_as_the_module_takes_it() -> None:
    own = Labelled(LOSSES["attribute"])
    same(inspect(own, rows(x=X, labels=Y, idx=torch.arange(24))), plain())
    same(inspect(Wrapped(lambda z: z), rows(image=X, label=Y)), plain())
    same(inspect(Wrapped(lambda z: z), rows(x=X, target=Y, idx=torch.arange(24))), plain())
    same(inspect(Whole(lambda z: z), rows(x=X, y=Y)), plain())


def test_a_name_that_the_module_does_not_know_is_an_error_where_the_user_wrote_it() -> None:
    with pytest.raises(ValueError, match=r"^inputs: got 'mask', takes the names x, labels"):
        inspect(Labelled(LOSSES["key"]), {"x": X, "mask": X})


def test_of_a_batch_by_place_what_the_module_does_not_take_is_the_target() -> None:
    half = (0.5 * X, 0.5 * X)
    same(inspect(Two(lambda z: z), DataLoader(TensorDataset(*half, Y), 24)), plain())
    same(inspect(Wrapped(lambda z: z), next(iter(DataLoader(TensorDataset(X, Y), 24)))), plain())
    without = inspect(Two(lambda z: z), DataLoader(TensorDataset(*half), 24))
    same(without, inspect(Two(lambda z: z), half))
    with pytest.raises(ValueError, match=r"^inputs: got 'batches of 4', .* a module of 2 inputs"):
        inspect(Two(lambda z: z), DataLoader(TensorDataset(X, X, X, Y), 24))


def test_inputs_may_be_any_object_that_holds_tensors() -> None:
    class Graph(Wrapped):
        def forward(self, x: Any) -> Any:
            return self.net(x.me.logits)

    same(inspect(Graph(lambda z: z), [Said(X)], Y), plain())


def test_sparse_inputs_are_taken_and_nested_ones_are_said() -> None:
    same(inspect(Wrapped(lambda z: z), X.to_sparse(), Y), plain())
    nested = torch.nested.nested_tensor([X[:5], X[:3]], layout=torch.jagged)
    with pytest.raises(ValueError, match=r"^inputs: got 'a nested tensor', takes one that is pad"):
        inspect(mlp(8, 3), nested)


# --- How modules were made ---


def made_under_inference() -> nn.Module:
    with torch.inference_mode():
        return Wrapped(lambda logits: logits)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # compile asks it
@pytest.mark.parametrize(
    "make",
    [
        made_under_inference,
        lambda: nn.DataParallel(Wrapped(lambda logits: logits)),
        lambda: torch.fx.symbolic_trace(Wrapped(lambda logits: logits)),
        lambda: torch.compile(Wrapped(lambda logits: logits)),
    ],
)
def test_a_module_that_was_made_another_way_says_the_same(make: Callable[[], Any]) -> None:
    same(inspect(make(), X, Y), plain())
    with torch.inference_mode():
        same(inspect(make(), X.clone(), Y.clone()), plain())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_works_out_of_sight_is_one_layer() -> None:
    net = mlp(8, 16, 3)
    for part in (torch.jit.script(net), torch.jit.trace(net, X)):  # type: ignore[no-untyped-call]
        report = inspect(nn.Sequential(part, nn.Linear(3, 3)), X, Y)
        assert report.layers["layer"].tolist() == ["0", "1"]
        whole = inspect(part, X, Y).layers
        assert whole["layer"].tolist() == [""]
        scale = (net(X).square().mean() / X.square().mean()).sqrt().item()
        assert whole["gain"].item() == pytest.approx(scale)


def _quantised(net: nn.Module) -> Any:
    quantization = pytest.importorskip("torch.ao.quantization")
    return quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


@pytest.mark.filterwarnings("ignore:torch.ao.quantization:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda net: net.to("meta"), "model: got 'parameters on the meta device', takes a module"),
        (_quantised, "model: got 'quantised layers', takes the mod"),
    ],
)
def test_modules_without_numbers_of_their_own_are_said_in_one_line(
    change: Callable[[nn.Module], nn.Module], said: str
) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        inspect(change(mlp(8, 16, 3)), X, Y)


class Complex(nn.Module):
    """Complex weights, and a ReLU of both parts."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        layers = (nn.Linear(*pair, dtype=torch.cfloat) for pair in pairwise(widths))
        self.layers: Any = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        z = x.to(torch.cfloat)
        for place, layer in enumerate(self.layers):
            z = torch.complex(z.real.relu(), z.imag.relu()) if place else z
            z = layer(z)
        return z


class Modulus(Complex):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).abs()


def test_complex_weights_are_measured_by_their_modulus() -> None:
    torch.manual_seed(0)
    model = Modulus(8, 200, 3)
    nn.init.zeros_(model.layers[0].bias)
    nn.init.normal_(model.layers[0].weight, std=1.0)  # half of the variance in either part
    report = inspect(model, torch.randn(200, 8), torch.randint(3, (200,)))
    assert report.layers["gain"].iloc[0] == pytest.approx(8**0.5, rel=0.1)
    assert report.layers["distinct_units"].tolist() == [200, 3]
    with torch.no_grad():
        model.layers[0].weight[:] = 1j
    assert labels(inspect(model, X, Y))[0] == ("layers.0", "fails to break symmetry")
    assert (inspect(Complex(8, 16, 3), X).layers["gradient_rms"] > 0).all()


class Metric(nn.Module):
    """Keeps a count in a tensor that is no buffer, as some measures of accuracy do."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.seen = mlp(8, 3), torch.zeros(1)

    def forward(self, x: Tensor) -> Any:
        self.seen += len(x)
        return self.net(x)


def test_tensors_that_are_no_buffers_are_put_back_too() -> None:
    model = Metric()
    inspect(model, X, Y)
    assert model.seen.item() == 0
