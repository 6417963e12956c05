"""Names and arguments in other libraries' words, and defaults on which they don't agree."""

from typing import Any

import numpy as np
import pytest

import goodinit as gi
from goodinit import initializers
from goodinit.errors import ArgumentError
from goodinit.initializers import PEERS, Scheme, read
from goodinit.initializers.scheme import Weights


def draw(spec: str, shape: tuple[int, ...]) -> Weights:
    return read(spec)(np.random.default_rng(0), shape)


def refusal(spec: str) -> str:
    with pytest.raises(ArgumentError) as caught:
        read(spec)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


NAMED = {
    "HeNormal": "he_normal",
    "HeUniform": "he_uniform",
    "GlorotNormal": "glorot_normal",
    "GlorotUniform": "glorot_uniform",
    "LecunNormal": "lecun_normal",
    "LecunUniform": "lecun_uniform",
    "RandomNormal": "normal(std=0.05)",
    "random_normal": "normal(std=0.05)",
    "RandomNormal(mean=1, stddev=2)": "normal(std=2, mean=1)",
    "random_uniform": "uniform(low=-0.05, high=0.05)",
    "TruncatedNormal": "truncated_normal(std=0.05)",
    "VarianceScaling": "variance_scaling(scale=1, mode=fan_in, distribution=truncated_normal)",
    "variance_scaling": "variance_scaling(scale=1, mode=fan_in, distribution=truncated_normal)",
    "VarianceScaling(2, fan_out, untruncated_normal)": (
        "variance_scaling(scale=2, mode=fan_out, distribution=normal)"
    ),
    "Constant": "constant(value=0)",
    "Constant(3)": "constant(value=3)",
    "Zeros": "zeros",
    "Ones": "ones",
    "Orthogonal(gain=2)": "orthogonal(gain=2)",
    "Identity": "identity",
    "kaiming_normal_": "he_normal",
    "kaiming_normal_(nonlinearity=relu)": "he_normal(gain=relu)",
    "kaiming_uniform_(a=0.2, mode=fan_out)": "he_uniform(slope=0.2, mode=fan_out)",
    "xavier_uniform_": "glorot_uniform",
    "xavier_normal_(gain=2)": "glorot_normal(gain=2)",
    "normal_": "normal(std=1)",
    "uniform_": "uniform(low=0, high=1)",
    "constant_(2)": "constant(value=2)",
    "zeros_": "zeros",
    "ones_": "ones",
    "orthogonal_": "orthogonal",
    "sparse_(0.9)": "sparse(sparsity=0.9, std=0.01)",
    "dirac_": "dirac",
    "eye_": "identity",
    "eye": "identity",
    "trunc_normal": "truncated_normal(std=1, low=-2, high=2)",
    "kaiming_normal": "he_normal",
    "xavier_uniform": "glorot_uniform",
    "IdentityInitializer": "identity",
    "OrthogonalInitializer(gain=3)": "orthogonal(gain=3)",
    "zero": "zeros",
    "one": "ones",
    "he_normal(negative_slope=0.2)": "he_normal(slope=0.2)",
    "kaiming_normal(nonlinearity=leaky_relu)": "he_normal",
    "kaiming_normal(a=0.2, mode=fan_out, nonlinearity=leaky_relu)": (
        "he_normal(slope=0.2, mode=fan_out)"
    ),
    "kaiming_uniform(nonlinearity=tanh)": "he_uniform(gain=tanh)",
    "normal(stddev=2)": "normal(std=2)",
    "constant(val=3)": "constant(value=3)",
    "uniform(a=-1, b=2)": "uniform(low=-1, high=2)",
    "uniform(minval=-1, maxval=2)": "uniform(low=-1, high=2)",
    "uniform(scale=0.5)": "uniform(low=0, high=0.5)",
    "truncated_normal(a=-2, b=3, mean=1, std=2)": "truncated_normal(std=2, mean=1, low=-2, high=3)",
    "truncated_normal(stddev=2, lower=-1, upper=3)": "truncated_normal(std=2, low=-2, high=6)",
    "truncated_normal(2, 1, upper=3)": "truncated_normal(std=2, mean=1, high=7)",
    "orthogonal(scale=2)": "orthogonal(gain=2)",
    "delta_orthogonal(scale=2)": "delta_orthogonal(gain=2)",
    "sparse(0.5, stddev=2)": "sparse(sparsity=0.5, std=2)",
    "variance_scaling(distribution=untruncated_normal)": (
        "variance_scaling(scale=1, mode=fan_in, distribution=normal)"
    ),
    "lecun_normal(gain=2)": "lecun_normal(gain=2)",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_name_of_a_peer_means_what_it_means_there(name: str) -> None:
    scheme = read(name)
    assert scheme.name == NAMED[name]
    assert (draw(name, (6, 4)) == draw(scheme.name, (6, 4))).all()


@pytest.mark.parametrize("name", PEERS)
def test_every_name_of_a_peer_is_there_to_be_called(name: str) -> None:
    arguments = {"constant_": (1,), "sparse_": (0.5,)}.get(name, ())
    assert isinstance(getattr(initializers, name)(*arguments), Scheme)


def test_an_unknown_name_of_a_peer_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="HeNormale"):
        _ = initializers.HeNormale


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("he_normal(slope=0.1, gain=2)", "gain: got 2, takes nothing beside slope"),
        ("he_normal(slope=steep)", "slope: got 'steep', takes a finite number"),
        ("he_normal(mode=fan)", "mode: got 'fan', takes one of fan_in, fan_out, fan_avg, fan_geo"),
        ("he_normal(gain=0)", "gain: got 0, takes a number above 0, or the name of an activation"),
        ("glorot_normal(gain=-1)", "gain: got -1, takes a number above 0"),
        ("glorot_normal(gain=rleu)", "gain: activation: got 'rleu', takes .*did you mean 'relu'"),
        ("glorot_normal(1e200)", r"gain: got 1e\+200, takes a number whose square is one too"),
        ("normal(1, mean=far)", "mean: got 'far', takes a finite number"),
        ("VarianceScaling(1, fan_in, gauss)", "distribution: got 'gauss', takes one of truncated"),
        ("HeNormale", "did you mean 'HeNormal'"),
        ("kaiming_norml_", "did you mean 'kaiming_normal_'"),
    ],
)
def test_a_wrong_argument_is_named(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        read(spec)


# What PyTorch's function of that name does with the arguments that stand in ours.
ALIKE: list[tuple[str, str, dict[str, Any]]] = [
    ("he_normal(negative_slope=0.2)", "kaiming_normal_", {"a": 0.2}),
    ("he_uniform(a=0.2, mode=fan_out)", "kaiming_uniform_", {"a": 0.2, "mode": "fan_out"}),
    ("kaiming_normal(nonlinearity=leaky_relu)", "kaiming_normal_", {"nonlinearity": "leaky_relu"}),
    ("kaiming_uniform(nonlinearity=tanh)", "kaiming_uniform_", {"nonlinearity": "tanh"}),
    ("kaiming_normal(nonlinearity=linear)", "kaiming_normal_", {"nonlinearity": "linear"}),
    ("xavier_normal(gain=3)", "xavier_normal_", {"gain": 3}),
    ("normal(mean=1, std=2)", "normal_", {"mean": 1, "std": 2}),
    ("uniform(a=-1, b=3)", "uniform_", {"a": -1, "b": 3}),
    (
        "truncated_normal(mean=1, std=2, a=0, b=4)",
        "trunc_normal_",
        {"mean": 1, "std": 2, "a": 0, "b": 4},
    ),
    ("constant(val=2)", "constant_", {"val": 2}),
    ("orthogonal(gain=2)", "orthogonal_", {"gain": 2}),
]


@pytest.mark.parametrize(("ours", "function", "arguments"), ALIKE)
def test_arguments_in_pytorchs_words_draw_as_pytorch_does(
    ours: str, function: str, arguments: dict[str, Any]
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.empty(400, 300)
    make = torch.Generator().manual_seed(0)
    how = arguments if function == "constant_" else {**arguments, "generator": make}
    getattr(torch.nn.init, function)(theirs, **how)
    weights = draw(ours, (400, 300))
    assert weights.mean() == pytest.approx(
        theirs.mean().item(), abs=0.01 * theirs.abs().max().item()
    )
    assert weights.std() == pytest.approx(theirs.std().item(), rel=0.01)
    assert np.abs(weights).max() == pytest.approx(theirs.abs().max().item(), rel=0.2)


@pytest.mark.parametrize("gain", [2, "relu"])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_lecuns_take_a_gain(kind: str, gain: Any) -> None:
    square = 2 if gain == "relu" else 4
    drawn, plain = (draw(f"lecun_{kind}{more}", (40, 30)) for more in (f"(gain={gain})", ""))
    np.testing.assert_allclose(drawn, np.sqrt(square) * plain, rtol=1e-9)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("normal", "std: not given, and has no default: in PyTorch it is 1, in Keras 0.05"),
        ("truncated_normal(a=-2, b=2)", "std: not given, and has no default: in PyTorch it is 1"),
        ("uniform", "low: not given, and has no default: PyTorch's is U(0, 1), Keras's U(-0.05"),
        ("uniform(low=-1)", "high: not given, and has no default"),
        ("constant", "value: not given, and has no default: in Keras it is 0, PyTorch and JAX"),
        ("sparse", "takes sparse(sparsity, std)"),
        ("he_normal(slope=0.1, a=0.2)", "a: got 0.2, takes nothing beside slope, which it stands"),
        ("normal(1, stddev=2)", "takes normal(std, mean)"),
        ("he_normal(gain=2, nonlinearity=relu)", "nonlinearity: got 'relu', takes nothing beside"),
        (
            "he_normal(a=0.2, nonlinearity=relu)",
            "takes nothing beside slope, from which it follows",
        ),
        ("uniform(0, 1, scale=2)", "scale: got 2, takes nothing beside low and high"),
        ("uniform(scale=-1)", "scale: got -1, takes a number above 0"),
        ("truncated_normal(1, low=0, lower=0)", "lower: got 0, takes nothing beside low"),
        ("he_normal(seed=1)", "takes he_normal(slope, mode, gain, nonlinearity)"),
    ],
)
def test_what_peers_do_not_agree_on_is_refused_in_a_line(spec: str, said: str) -> None:
    assert said in refusal(spec)


def test_the_slope_of_a_leaky_relu_has_pytorchs_name_too() -> None:
    assert gi.gain("leaky_relu(negative_slope=0.2)") == gi.gain("leaky_relu(0.2)")
