"""What is measured of modules that train: costs, accuracy, sharpness, the cost of chance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from trainable import (
    CE,
    Attending,
    Build,
    Ours,
    binary_loss,
    convolutional,
    data,
    drawn,
    dropping,
    float64,
    mlp,
    trained,
    values,
)

from goodinit.datasets import circles
from goodinit.initializers import read
from goodinit.measuring.sharpness import sharpness as our_sharpness
from goodinit.network import Network
from goodinit.network import initialize as our_weights
from goodinit.network import targets as our_targets
from goodinit.torch.comparing.curvature import chance_cost, sharpness
from goodinit.torch.comparing.engines import Alone, Task
from goodinit.torch.comparing.scoring import AT_ONCE, evaluate
from goodinit.torch.comparing.training import History, ModuleTraining, train

pytestmark = pytest.mark.usefixtures("one_thread")

# --- Measures ---


def score(outputs: Tensor, y: Tensor) -> float:
    task = Task(lambda out, wanted: out.sum() * 0.0, torch.optim.SGD)
    engine = Alone([nn.Identity()], task)
    return float(evaluate(engine, outputs, y, by_batch=False)[1][0])


def test_accuracy_is_the_share_of_right_classes_wherever_classes_are() -> None:
    classes, y = torch.tensor([[2.0, 1, 0], [0, 1, 2], [0, 3, 1]]), torch.tensor([0, 1, 1])
    assert score(classes, y) == pytest.approx(2 / 3)
    places = classes[:, :, None].expand(3, 3, 2)  # as of segmentation: classes along axis 1
    assert score(places, y[:, None].expand(3, 2)) == pytest.approx(2 / 3)
    words = classes[:, None].expand(3, 5, 3)  # as of language: classes last
    assert score(words, y[:, None].expand(3, 5)) == pytest.approx(2 / 3)


def test_accuracy_of_one_logit_is_its_sign_and_of_numbers_r2() -> None:
    logits = torch.tensor([[2.0], [-1.0], [0.5], [-3.0]])
    assert score(logits, torch.tensor([1, 0, 0, 0])) == 0.75
    y = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert score(y[:, None], y) == 1.0
    assert score(torch.full((4, 1), 2.5), y) == pytest.approx(0.0)


def test_what_is_no_answer_is_wrong_or_nan() -> None:
    y = torch.tensor([0, 1])
    assert score(torch.tensor([[1.0, float("nan")], [0.0, 1.0]]), y) == 0.5
    assert score(torch.full((2, 1), float("nan")), y.double()) == -np.inf
    assert np.isnan(score(torch.zeros(2, 3, 4), y))
    assert np.isnan(score(torch.zeros(2, 3), y.double()))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.layer(x), "again": x}


@pytest.mark.parametrize("together", [True, False])
def test_outputs_that_are_no_tensor_go_to_the_loss_as_they_are(together: bool) -> None:
    how = ModuleTraining(iterations=20, record=1)
    history, _ = trained(
        Pair, how, [0, 1], together=together, loss=lambda out, y: CE(out["logits"], y)
    )
    assert history.stacked is together
    assert np.isnan(history.curves["train_accuracy"]).all()
    assert (history.curves["train_cost"][-1] < history.curves["train_cost"][0]).all()


def test_training_is_measured_by_the_batch_and_tests_by_running_statistics() -> None:
    how = ModuleTraining(iterations=1, batch_size=None, record=1)
    with float64():
        examples = data()
        model, copy = drawn(convolutional, [0, 0])
        history = train([model], [0], 1e-9, examples, CE, how)
        by_batch = float(CE(copy.train()(examples.X_train), examples.y_train).detach())
        fresh = drawn(convolutional, [0])[0].eval()
        running = float(CE(fresh(examples.X_test), examples.y_test).detach())
    assert history.curves["train_cost"][0, 0] == pytest.approx(by_batch, rel=1e-12)
    assert history.curves["test_cost"][0, 0] == pytest.approx(running, rel=1e-12)
    for name, buffer in copy.named_buffers():  # one update, whatever was measured
        np.testing.assert_allclose(dict(model.named_buffers())[name].numpy(), buffer.numpy())


def test_nothing_is_dropped_while_measuring() -> None:
    history, _ = trained(dropping, ModuleTraining(iterations=1, record=1), [0])
    with float64():
        model, examples = drawn(dropping, [0])[0].eval(), data()
        cost = float(CE(model(examples.X_train), examples.y_train).detach())
    assert history.curves["train_cost"][0, 0] == pytest.approx(cost, rel=1e-12)


def test_costs_of_many_examples_are_the_mean_over_all() -> None:
    n = 2 * AT_ONCE + 3
    with float64():
        examples, model = data(n, 5), drawn(mlp, [0])[0]
        engine = Alone([model], Task(CE, torch.optim.SGD))
        cost, right = evaluate(engine, examples.X_train, examples.y_train, by_batch=True)
        outputs = model(examples.X_train)
    assert cost[0] == pytest.approx(float(CE(outputs, examples.y_train).detach()), rel=1e-12)
    assert right[0] == float((outputs.argmax(1) == examples.y_train).double().mean())


def test_there_are_no_test_figures_without_a_test_part() -> None:
    with float64():
        examples = data(n_test=0)
        history = train(drawn(mlp, [0, 1]), [0, 1], 0.1, examples, CE, ModuleTraining(iterations=2))
    assert np.isnan(history.curves["test_cost"]).all()
    assert np.isnan(history.curves["test_accuracy"]).all()
    assert np.isfinite(history.curves["train_accuracy"]).all()


def test_a_trial_that_explodes_harms_no_other() -> None:
    how = ModuleTraining(iterations=20, record=4)

    def run(scales: list[float]) -> History:
        with float64():
            models = drawn(mlp, [0] * len(scales))
            for model, scale in zip(models, scales, strict=True):
                for parameter in model.parameters():
                    parameter.data *= scale
            return train(models, [0] * len(scales), 0.05, data(), CE, how)

    # So large that units are infinite, and what adds them up is none: in whatever order it does.
    both, sound = run([1.0, 1e308, 1.0]), run([1.0, 1.0])
    assert both.stacked
    assert both.diverged.tolist() == [False, True, False]
    assert sound.diverged.tolist() == [False, False]
    for name, curve in both.curves.items():
        np.testing.assert_allclose(curve[:, [0, 2]], sound.curves[name], rtol=1e-10)


# --- Curvature and chance ---


def dense_sharpness(model: nn.Module, X: Tensor, y: Tensor) -> float:
    names, leaves = zip(*model.named_parameters(), strict=True)
    sizes = [leaf.numel() for leaf in leaves]

    def cost(flat: Any) -> Any:
        parts = torch.split(flat, sizes)
        state = {n: p.view_as(leaf) for n, p, leaf in zip(names, parts, leaves, strict=True)}
        return CE(torch.func.functional_call(model, state, (X,)), y)

    flat = torch.cat([leaf.detach().reshape(-1) for leaf in leaves])
    hessian: Any = torch.autograd.functional.hessian(cost, flat)  # type: ignore[no-untyped-call]
    return float(torch.linalg.eigvalsh(hessian)[-1])


@pytest.mark.parametrize("build", [mlp, convolutional, lambda: Attending(layers=1)])
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(build: Build) -> None:
    with float64(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        model, examples = drawn(build, [0])[0], data()
        dense = dense_sharpness(model, examples.X_train, examples.y_train)
        before = values(model)
        found = sharpness(model, examples.X_train, examples.y_train, CE, steps=60)
    assert found == pytest.approx(dense, rel=1e-6)
    assert all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(before, values(model), strict=True)
    )


def test_sharpness_is_that_of_our_own_networks() -> None:
    dataset, network = circles(), Network((2, 10, 5, 1))
    scheme = read("he_normal")
    wanted = our_targets(network, dataset.y_train)
    parameters = [(w[None], b[None]) for w, b in our_weights(network, scheme, 0)]
    ours = our_sharpness(network, parameters, dataset.X_train, wanted, steps=16)
    X, y = torch.from_numpy(dataset.X_train), torch.from_numpy(dataset.y_train)
    assert sharpness(Ours(scheme, 0), X, y, binary_loss) == pytest.approx(ours[0], rel=1e-9)


def test_sharpness_is_zero_where_nothing_bends_and_nan_where_that_is_unknown() -> None:
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, gradient: Tensor) -> Any:
            return gradient * 3 * ctx.saved_tensors[0] ** 2

    X, y = torch.ones(4, 2), torch.zeros(4, 1)
    assert sharpness(nn.Linear(2, 1), X, y, lambda out, _: out.mean()) == 0.0
    once: Any = Once.apply
    assert np.isnan(sharpness(nn.Linear(2, 1), X, y, lambda out, _: once(out).mean()))
    assert np.isnan(sharpness(nn.Linear(2, 1), X * float("inf"), y, nn.MSELoss()))


@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=5))
@hypothesis_settings(max_examples=20)
def test_chance_of_cross_entropy_is_the_entropy_of_the_classes(counts: list[int]) -> None:
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    X, shares = torch.randn(len(y), 3), np.array(counts) / sum(counts)
    entropy = -np.sum(shares * np.log(shares))
    model: nn.Module = nn.Linear(3, len(counts))
    assert chance_cost(model, X, y, CE) == pytest.approx(entropy, abs=1e-6)
    logs = nn.Sequential(model, nn.LogSoftmax(dim=1))
    assert chance_cost(logs, X, y, nn.NLLLoss()) == pytest.approx(entropy, abs=1e-6)
    if len(counts) == 2:
        one = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
        assert chance_cost(one, X, y, binary_loss) == pytest.approx(entropy, abs=1e-6)
        said = nn.Sequential(one, nn.Sigmoid())
        assert chance_cost(said, X, y.float(), nn.BCELoss()) == pytest.approx(entropy, abs=1e-6)


def test_chance_of_squared_errors_is_the_variance_and_of_absolute_ones_that_of_the_median() -> None:
    X = torch.randn(31, 3, generator=torch.Generator().manual_seed(0))
    y = 100 + 5 * X[:, :1] ** 3
    numbers = y.double().numpy()
    model = nn.Linear(3, 1)
    assert chance_cost(model, X, y, nn.MSELoss()) == pytest.approx(numbers.var(), rel=1e-6)
    spread = np.abs(numbers - np.median(numbers)).mean()
    assert chance_cost(model, X, y, nn.L1Loss()) == pytest.approx(spread, rel=1e-6)


def test_chance_with_class_weights_of_another_dtype_and_where_there_is_none() -> None:
    X, y = torch.randn(30, 3), torch.arange(30) % 3
    weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 1.0]))
    assert chance_cost(nn.Linear(3, 3), X, y, weighted) == pytest.approx(np.log(3), rel=1e-5)
    assert np.isnan(chance_cost(Pair(), torch.randn(30, 24), y, CE))
    assert np.isnan(chance_cost(nn.Linear(3, 3), X, y, lambda out, _: out.mean()))
