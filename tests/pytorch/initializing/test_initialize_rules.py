"""Which scheme each parameter gets, and how wrong arguments are refused."""

import subprocess
import sys
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from small_models import Tied, assert_equal, mlp, normals, notes, values
from torch import nn
from torch.nn.utils import parametrize

from goodinit.errors import ArgumentError
from goodinit.torch import initialize

# Rules --------------------------------------------------------------------------------------------


def test_rules_go_by_type_or_name_and_the_first_that_fits_wins() -> None:
    features = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.Linear(4, 4))
    model = nn.ModuleDict({"features": features, "head": nn.Linear(4, 2)})
    table = initialize(
        model,
        "he_normal",
        rules={
            "head": "zeros",
            nn.Conv1d: "orthogonal",
            "features.*": "torch.normal(std=0.5)",
            nn.Linear: "ones",
        },
    ).set_index("parameter")
    assert table["scheme"].to_dict() == {
        "features.0.weight": "orthogonal",
        "features.0.bias": "zeros",
        "features.1.weight": "ones",
        "features.1.bias": "zeros",
        "features.2.weight": "torch.normal(std=0.5)",
        "features.2.bias": "zeros",
        "head.weight": "zeros",
        "head.bias": "zeros",
    }


def test_a_rule_that_fits_no_weight_sets_what_it_fits() -> None:
    model = nn.Sequential(nn.Linear(4, 400), nn.LayerNorm(400))
    table = initialize(model, "auto", rules={"*.bias": "normal(std=0.1)", "1.weight": "zeros"})
    assert table["std"][[1, 3]].tolist() == pytest.approx([0.1, 0.1], rel=0.1)
    assert table["scheme"][2] == "zeros"
    tied = Tied()
    assert "left alone" in notes(tied, "he_normal")["position"]
    initialize(tied, "he_normal", rules={"position": "normal(std=0.02)"})
    assert float(tied.position.detach().std()) == pytest.approx(0.02, rel=0.3)


def test_keep_leaves_a_trained_part_as_it_is() -> None:
    model = mlp(4, 5, 6)
    before = values(model)
    found = notes(model, "he_normal", rules={"0": "keep"})
    assert found["0.weight"] == "left alone"
    after = values(model)
    assert [name for name in after if torch.equal(before[name], after[name])] == [
        "0.weight",
        "0.bias",
    ]


def test_a_scheme_of_ones_own_is_asked_for_a_matrix_per_group_or_gate() -> None:
    asked = []

    def halves(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        asked.append(shape)
        return np.full(shape, 0.5)

    initialize(nn.Conv2d(4, 6, 3, groups=2), halves)
    initialize(nn.GRU(3, 5), halves)
    initialize(nn.ConvTranspose1d(4, 6, 2), halves)
    assert asked == [(3, 18)] * 2 + [(5, 3)] * 3 + [(5, 5)] * 3 + [(6, 8)]


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, nn.Parameter])
def test_weights_that_are_given_go_to_the_parameter_that_a_rule_names(kind: Any) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten(), nn.Linear(4, 2))
    kernel, bias = torch.randn(4, 3, 2, 2), torch.randn(2)
    rules: dict[Any, Any] = {"0.weight": kind(kernel), "2.bias": kind(bias)}
    table = initialize(model, "zeros", rules=rules).set_index("parameter")
    after = values(model)
    assert torch.equal(after["0.weight"], kernel)
    assert torch.equal(after["2.bias"], bias)
    assert table["scheme"].tolist() == ["array", "zeros", "zeros", "array"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones((3, 4)), r"rules: got 'weights of shape \(3, 4\)', takes of 0.weight, its own sh"),
        ([np.ones((4, 3)), np.ones((2, 4))], "rules: got 'weights: .*, takes one array or tensor"),
        (np.array(["a"]), "rules: got .weights: .*, takes one array or tensor of numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused(given: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        initialize(mlp(3, 4, 2), "zeros", rules={"0.weight": given})


# Errors -------------------------------------------------------------------------------------------


def half_way(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    if shape == (2, 5):
        raise RuntimeError("no more")
    return np.ones(shape)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "model": ({"model": "resnet"}, "model: got 'resnet', takes a torch.nn.Module"),
    "scheme": ({"scheme": "he_norml"}, "(did you mean 'he_normal'?)"),
    "torch name": ({"scheme": "torch.xavier"}, "scheme: got 'xavier', takes one of"),
    "torch argument": ({"scheme": "torch.normal(sigma=1)"}, "takes normal(mean, std)"),
    "torch value": ({"scheme": "torch.normal(std=-1)"}, "scheme: got 'torch.normal(std=-1):"),
    "torch word": ({"scheme": "torch.xavier_normal(gain=big)"}, "scheme: got"),
    "torch shape": ({"scheme": "torch.dirac"}, "scheme: got 'torch.dirac: Only tensors"),
    "code": ({"scheme": "torch.normal(std=__import__('os'))"}, "takes a name with literal"),
    "number": ({"scheme": 3}, "scheme: got 3, takes a spec string or a callable"),
    "module": ({"scheme": nn.ReLU()}, "scheme: got ReLU(), takes a spec string"),
    "range": ({"scheme": "normal(std=-1)"}, "takes a number above 0"),
    "overflow": ({"scheme": "constant(1e300)"}, "weights that torch.float32 of 0.weight can hold"),
    "raises": ({"scheme": half_way}, "initializer half_way: got 'RuntimeError: no more'"),
    "seed": ({"seed": -1}, "seed: got -1, takes whole numbers from 0"),
    "rules": ({"rules": ["head"]}, "rules: got ['head'], takes a mapping"),
    "rule key": ({"rules": {3: "zeros"}}, "rules: got 3, takes a type of module or a pattern"),
    "rule type": ({"rules": {int: "zeros"}}, "rules: got <class 'int'>, takes a type of module"),
    "rule scheme": ({"rules": {"0": "zeroes"}}, "rules: got 'zeroes', takes one of"),
    "rule that fits nothing": ({"rules": {"1.*": "zeros"}}, "rules: got '1.*', takes types"),
    "type that fits nothing": ({"rules": {nn.Conv2d: "zeros"}}, "rules: got 'Conv2d', takes"),
    "no inputs": ({"scheme": "lsuv"}, "inputs: got None, takes for the scheme lsuv"),
    "wrong inputs": ({"scheme": "lsuv", "inputs": normals(3, 9)}, "inputs: got 'RuntimeError:"),
    "inputs for auto": ({"scheme": "auto", "inputs": "text"}, 'inputs: got "TypeError: linear()'),
    "constant inputs": (
        {"scheme": "lsuv", "inputs": torch.zeros(3, 4)},
        "inputs: got 'a batch on which the outputs of 0 have variance 0'",
    ),
    "lazy": ({"model": nn.LazyLinear(3)}, "model: got 'weight without a shape', takes a model"),
    "meta": ({"model": nn.Linear(2, 3, device="meta")}, "model: got 'weight on the meta device'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_one_line_and_leaves_the_model_as_it_was(case: str) -> None:
    given, expected = BAD[case]
    model = mlp(4, 5, 2)
    before = values(model)
    with pytest.raises(ArgumentError) as refused:
        arguments: dict[str, Any] = {"model": model, "scheme": "he_normal"}
        initialize(**arguments | given)
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
    assert_equal(before, values(model))


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_weights_that_a_hook_computes_are_refused_by_name() -> None:
    old = nn.utils.weight_norm(nn.Linear(3, 4))
    with pytest.raises(ArgumentError, match=r"model: got 'weight_g, from which a hook computes"):
        initialize(old, "he_normal")

    class OneWay(nn.Module):
        def forward(self, weight: Any) -> Any:
            return weight.tril()

    parametrize.register_parametrization(linear := nn.Linear(3, 3), "weight", OneWay())
    with pytest.raises(ArgumentError, match="weight, parametrized by OneWay"):
        initialize(linear, "he_normal")


def test_a_model_that_cannot_be_reset_is_refused() -> None:
    class Stubborn(nn.Linear):
        def reset_parameters(self, scale: float | None = None) -> None:
            if hasattr(self, "made"):
                raise KeyError("scale")
            super().reset_parameters()

    model = Stubborn(2, 3)
    model.made = True  # type: ignore[assignment]
    before = deepcopy(values(model))
    with pytest.raises(ArgumentError, match="model: got \"KeyError: 'scale'\""):
        initialize(model, "default")
    assert_equal(before, values(model))


# Without PyTorch ----------------------------------------------------------------------------------


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603


def test_only_goodinit_torch_imports_torch() -> None:
    assert run_python("import goodinit, sys; sys.exit('torch' in sys.modules)").returncode == 0


def test_without_torch_one_line_says_what_to_install() -> None:
    result = run_python("import sys; sys.modules['torch'] = None; import goodinit.torch")
    expected = "ModuleNotFoundError: goodinit.torch needs PyTorch: pip install 'goodinit[torch]'"
    assert result.stderr.splitlines()[-1] == expected
    assert "During handling" not in result.stderr
