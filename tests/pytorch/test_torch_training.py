"""Modules trained together have the numbers that they have alone, and those of a plain loop."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

from goodinit import training
from goodinit.datasets import circles
from goodinit.errors import ArgumentError
from goodinit.initializers import Scheme, read
from goodinit.measuring.sharpness import sharpness as our_sharpness
from goodinit.network import Network
from goodinit.network import initialize as our_weights
from goodinit.network import targets as our_targets
from goodinit.study import grid as study
from goodinit.torch.comparing.curvature import chance_cost, sharpness
from goodinit.torch.comparing.engines import Alone, Task
from goodinit.torch.comparing.scoring import AT_ONCE, evaluate
from goodinit.torch.comparing.training import OPTIMIZERS, Examples, History, ModuleTraining, train

CE = nn.CrossEntropyLoss()
Build = Callable[[], nn.Module]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let nothing so small wait for threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Any:
        return x + self.branch(x)


class Attending(nn.Module):
    """A small transformer over 6 tokens of 4 features, its classes read from the mean token."""

    def __init__(self, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.up = nn.Linear(4, 8)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, dropout, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        x = self.up(x.reshape(len(x), 6, 4))
        for layer in self.layers:
            x = layer(x)
        return self.down(x.mean(1))


class Tied(nn.Module):
    """A layer and its transpose; and one module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(24, 24, bias=False)
        self.middle = nn.Linear(24, 24)
        self.again = self.middle
        self.unembed = nn.Linear(24, 24, bias=False)
        self.unembed.weight = self.embed.weight

    def forward(self, x: Tensor) -> Any:
        return self.unembed(torch.tanh(self.again(torch.tanh(self.middle(self.embed(x))))))[:, :3]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        return self.down(self.lstm(x.reshape(len(x), 6, 4))[0][:, -1])


class Words(nn.Module):
    def __init__(self, **how: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(24, 8, **how)
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        return self.down(self.embedding((x.abs() * 10).long() % 24).mean(1))


class Deciding(nn.Module):
    """Goes another way where its numbers say so."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Any:
        out = self.layer(x)
        return out if out.mean() > 0 else 2 * out


class Skipping(nn.Module):
    """Leaves its first layer out, with a probability of 5 %, by Python's own random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(24, 24), nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.first(x) if random.random() > 0.05 else x)  # noqa: S311


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))


def convolutional() -> nn.Module:
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 4, 6)), nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten()),
        nn.Linear(32, 3),
    )


def residual() -> nn.Module:
    return nn.Sequential(Residual(24), nn.LayerNorm(24), Residual(24), nn.Linear(24, 3))


def half_frozen() -> nn.Module:
    model = mlp()
    next(model.parameters()).requires_grad_(False)
    return model


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


STACKED: dict[str, Build] = {
    "mlp": mlp,
    "convolutional": convolutional,
    "transformer": Attending,
    "residual": residual,
    "tied": Tied,
    "half frozen": half_frozen,
    "embedding": Words,
    "lazy": lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3)),
}
ONE_BY_ONE: dict[str, Build] = {
    "dropout": dropping,
    "dropout in attention": lambda: Attending(dropout=0.2),
    "values decide": Deciding,
    "random layers": Skipping,
    "sparse gradients": lambda: Words(sparse=True),
    "padding": lambda: Words(padding_idx=0),  # vmap gives it a gradient
    "renormalized": lambda: Words(max_norm=1.0),
    "average of all batches": lambda: nn.Sequential(
        nn.Linear(24, 8), nn.BatchNorm1d(8, momentum=None), nn.Linear(8, 3)
    ),
}


@contextmanager
def float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def data(n: int = 60, n_test: int = 20, seed: int = 0) -> Examples:
    """Return three classes of 24 features, in the default dtype."""
    rng = np.random.default_rng(seed)
    y = np.arange(n + n_test) % 3
    X = rng.standard_normal((len(y), 24)) + np.eye(3, 24)[y]
    X_all, y_all = torch.tensor(X, dtype=torch.get_default_dtype()), torch.tensor(y)
    return Examples(X_all[:n], y_all[:n], X_all[n:], y_all[n:])


def drawn(build: Build, seeds: list[int]) -> list[nn.Module]:
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(build())
    return models


def trained(
    build: Build, how: ModuleTraining, seeds: list[int], *, together: bool = True, **more: Any
) -> tuple[History, list[nn.Module]]:
    """Return what training with float64 gave, and the models."""
    with float64():
        models, examples = drawn(build, seeds), more.pop("examples", None) or data()
        rate, loss = more.pop("learning_rate", 0.05), more.pop("loss", CE)
        return train(models, seeds, rate, examples, loss, how, together=together, **more), models


def values(model: nn.Module) -> list[NDArray[Any]]:
    return [tensor.detach().numpy().copy() for tensor in model.state_dict().values()]


def assert_same(one: History, other: History, tolerance: float) -> None:
    for name, curve in one.curves.items():
        np.testing.assert_allclose(curve, other.curves[name], rtol=tolerance, err_msg=name)


# --- Together and alone ---


@pytest.mark.parametrize("name", STACKED)
def test_modules_trained_together_have_the_numbers_that_they_have_alone(name: str) -> None:
    how = ModuleTraining(iterations=40, batch_size=16, record=4)
    together, stacked = trained(STACKED[name], how, [3, 1, 2])
    alone, single = trained(STACKED[name], how, [3, 1, 2], together=False)
    assert together.stacked
    assert not alone.stacked
    assert_same(together, alone, 1e-10)
    for one, other in zip(stacked, single, strict=True):
        for tensor, same in zip(values(one), values(other), strict=True):
            np.testing.assert_allclose(tensor, same, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_what_cannot_be_stacked_is_trained_one_by_one(name: str) -> None:
    how = ModuleTraining(iterations=20, batch_size=16, record=2)
    tried, models = trained(ONE_BY_ONE[name], how, [3, 1, 2])
    alone, single = trained(ONE_BY_ONE[name], how, [3, 1, 2], together=False)
    assert not tried.stacked
    assert_same(tried, alone, 0)
    assert all(
        np.array_equal(tensor, same)
        for one, other in zip(models, single, strict=True)
        for tensor, same in zip(values(one), values(other), strict=True)
    )


def test_an_lstm_has_the_same_numbers_together_where_it_can_be_stacked() -> None:
    how = ModuleTraining(iterations=20, batch_size=16, record=2)
    together, alone = (trained(Recurrent, how, [0, 1], together=t)[0] for t in (True, False))
    assert_same(together, alone, 1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [7, None])
def test_every_optimizer_treats_each_model_as_if_it_were_alone(
    optimizer: str, batch_size: int | None
) -> None:
    how = ModuleTraining(
        iterations=30, optimizer=optimizer, batch_size=batch_size, weight_decay=0.01, record=3
    )
    together, alone = (
        trained(mlp, how, [0, 1], together=t, learning_rate=0.005)[0] for t in (True, False)
    )
    assert together.stacked
    assert_same(together, alone, 1e-9)


def decaying_matrices_only(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Return an optimizer that goes by the parameters' shapes, as stacking changes them."""
    matrices = [p for p in parameters if p.dim() > 1]
    others = [p for p in parameters if p.dim() < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.5}, {"params": others, "weight_decay": 0.0}],
        lr=0.01,
    )


def test_an_optimizer_of_ones_own_sees_the_shapes_of_one_model() -> None:
    how = ModuleTraining(iterations=20, optimizer=decaying_matrices_only, record=2)
    together, alone = (trained(mlp, how, [0, 1], together=t)[0] for t in (True, False))
    assert together.stacked
    assert_same(together, alone, 1e-10)


def test_an_optimizer_that_looks_at_all_parameters_trains_them_one_by_one() -> None:
    how = ModuleTraining(
        iterations=3, optimizer=lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=5), batch_size=None
    )
    history, _ = trained(mlp, how, [0, 1])
    assert not history.stacked
    assert (history.curves["train_cost"][-1] < history.curves["train_cost"][0]).all()


# --- Against others ---


@pytest.mark.parametrize("together", [True, False])
def test_training_is_the_plain_loop(together: bool) -> None:
    """Every step's cost is that of a loop written by hand, the order of examples given."""
    with float64():
        examples, seeds = data(), [5, 0]
        by_hand = []
        for model, seed in zip(drawn(mlp, seeds), seeds, strict=True):
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            costs = [float(CE(model(examples.X_train), examples.y_train).detach())]
            for epoch in range(5):
                key = (2**32 - 1, 0, epoch)
                rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
                for batch in torch.tensor_split(torch.from_numpy(rng.permutation(60)), [25, 50]):
                    optimizer.zero_grad()
                    cost = CE(model(examples.X_train[batch]), examples.y_train[batch])
                    cost.backward()
                    optimizer.step()
                    costs.append(float(CE(model(examples.X_train), examples.y_train).detach()))
            by_hand.append(costs)
        how = ModuleTraining(iterations=15, optimizer="momentum", batch_size=25, record=15)
        history = train(drawn(mlp, seeds), seeds, 0.1, examples, CE, how, together=together)
    np.testing.assert_allclose(history.curves["train_cost"].T, by_hand, rtol=1e-12)


class Ours(nn.Module):
    """The network of goodinit's own engine, with the weights that it draws."""

    def __init__(self, scheme: Scheme, seed: int) -> None:
        super().__init__()
        layers = []
        for weights, biases in our_weights(Network((2, 10, 5, 1)), scheme, seed):
            layer = nn.Linear(*reversed(weights.shape))
            layer.weight = nn.Parameter(torch.from_numpy(weights.copy()))
            layer.bias = nn.Parameter(torch.from_numpy(biases.copy()))
            layers += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Any:
        return self.layers(x)[:, 0]


def binary_loss(logits: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, y.to(logits))


@pytest.mark.parametrize("together", [True, False])
def test_circles_are_learned_as_by_our_own_engine(together: bool) -> None:
    dataset = circles()
    plan = study.plan(
        dataset,
        initializers=["he_normal", "glorot_normal"],
        hidden=(10, 5),
        activation="relu",
        learning_rate=0.1,
        seeds=3,
        training=study.Training(iterations=100, record=10),
    )
    record = training.train(training.prepare(plan), plan.trials)
    examples = Examples(
        *(
            torch.from_numpy(part)
            for part in (dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test)
        )
    )
    models = [Ours(plan.scheme(trial.initializer), trial.seed) for trial in plan.trials]
    seeds = [trial.seed for trial in plan.trials]
    how = ModuleTraining(iterations=100, batch_size=None, record=10)
    history = train(models, seeds, 0.1, examples, binary_loss, how, together=together)
    assert history.stacked is together
    for name, curve in history.curves.items():
        np.testing.assert_allclose(curve, record.curves[name], rtol=1e-8, err_msg=name)


# --- What follows from the seed alone ---


@pytest.mark.parametrize("build", [mlp, dropping])
def test_a_trial_has_the_same_numbers_whatever_it_is_trained_with(build: Build) -> None:
    how = ModuleTraining(iterations=20, batch_size=8, record=2)
    all_, _ = trained(build, how, [4, 2, 9])
    random.seed(7)
    last, _ = trained(build, how, [9], observe=lambda *_: torch.rand(3))
    for name in all_.curves:
        np.testing.assert_allclose(all_.curves[name][:, 2], last.curves[name][:, 0], rtol=1e-10)


def test_dropout_differs_between_seeds_and_not_between_initializers() -> None:
    class Seen(nn.Dropout):
        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = super().forward(x)
            if self.training:
                masks.append((out != 0).tolist())
            return out

    def ones(parameters: nn.Module) -> nn.Module:
        for parameter in parameters.parameters():
            nn.init.ones_(parameter)
        return parameters

    masks: list[Any] = []
    how = ModuleTraining(iterations=5, batch_size=None, record=1)
    with float64():
        models = [
            ones(nn.Sequential(Seen(0.5), nn.Linear(24, 3))),
            *drawn(lambda: nn.Sequential(Seen(0.5), nn.Linear(24, 3)), [1, 1]),
        ]
        train(models, [0, 0, 1], 0.1, data(), CE, how, together=False)
    assert masks[:5] == masks[5:10]
    assert masks[:5] != masks[10:]


@pytest.mark.parametrize("build", [mlp, dropping, convolutional])
def test_generators_modes_and_threads_are_as_before(build: Build) -> None:
    with float64():
        models, examples = drawn(build, [0, 1]), data()
        models[1].eval()
        torch.manual_seed(3), np.random.seed(3), random.seed(3)  # noqa: NPY002
        before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index] # noqa: NPY002
        X, threads = examples.X_train.clone(), torch.get_num_threads()
        train(models, [0, 1], 0.1, examples, CE, ModuleTraining(iterations=3))
        assert torch.equal(before[0], torch.get_rng_state())
        assert before[1] == np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        assert before[2] == random.getstate()
    assert [model.training for model in models] == [True, False]
    assert torch.equal(X, examples.X_train)
    assert torch.get_num_threads() == threads
    assert all(parameter.grad is None for model in models for parameter in model.parameters())


@hypothesis_settings(max_examples=25)
@given(n=st.integers(2, 40), batch_size=st.integers(1, 45), seed=st.integers(0, 2**40))
def test_each_epoch_visits_every_example_once(n: int, batch_size: int, seed: int) -> None:
    seen: list[int] = []
    sizes: list[int] = []

    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            seen.extend(y.tolist())
            sizes.append(len(y))
        return outputs.mean()

    X, y = torch.zeros(n, 1), torch.arange(n)
    full, rest = divmod(n, batch_size)
    joined = rest == 1 and batch_size > 1 and full > 0
    epoch = full + (rest > 0) - joined
    how = ModuleTraining(iterations=2 * epoch, batch_size=batch_size, record=1)
    train([nn.Linear(1, 1)], [seed], 0.1, Examples(X, y, X[:0], y[:0]), loss, how)
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n))
    assert max(sizes) <= min(n, batch_size + 1)
    assert n == 1 or batch_size == 1 or min(sizes) > 1


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

    both, sound = run([1.0, 1e200, 1.0]), run([1.0, 1.0])
    assert both.stacked
    assert both.diverged.tolist() == [False, True, False]
    assert sound.diverged.tolist() == [False, False]
    for name, curve in both.curves.items():
        np.testing.assert_allclose(curve[:, [0, 2]], sound.curves[name], rtol=1e-10)


# --- Who looks on ---


@pytest.mark.parametrize("together", [True, False])
def test_an_observer_sees_each_model_at_each_moment(together: bool) -> None:
    how = ModuleTraining(iterations=6, batch_size=None, record=3)
    seen: dict[tuple[int, int], float] = {}
    made: list[int] = []
    examples = data()

    def look(iteration: int, index: int, model: nn.Module) -> None:
        outputs = model(data().X_train)
        seen[iteration, index] = float(CE(outputs, examples.y_train).detach())

    history, models = trained(
        mlp, how, [0, 1], together=together, observe=look, progress=made.append
    )
    assert sorted(seen) == [(moment, index) for moment in how.moments for index in (0, 1)]
    for (moment, index), cost in seen.items():
        row = how.moments.index(moment)
        assert cost == pytest.approx(history.curves["train_cost"][row, index], rel=1e-12)
    assert sum(made) == 12
    assert len(models) == 2


def test_errors_of_the_module_and_of_the_loss_are_the_users() -> None:
    calls = count()

    def failing(outputs: Tensor, y: Tensor) -> Tensor:
        if next(calls) > 60:
            raise ZeroDivisionError("of the user's")
        return functional.cross_entropy(outputs, y)

    with pytest.raises(ZeroDivisionError, match="of the user's"):
        trained(mlp, ModuleTraining(iterations=100), [0, 1], loss=failing)


def test_ctrl_c_stops_between_steps() -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(mlp, ModuleTraining(iterations=10), [0, 1], progress=interrupted)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"iterations": 0}, "iterations: got 0"),
        ({"optimizer": "sdg"}, "did you mean 'sgd'"),
        ({"optimizer": 3}, "optimizer: got 3"),
        ({"optimizer": torch.optim.SGD, "weight_decay": 0.1}, "weight_decay: got 0.1"),
        ({"momentum": 1.0}, "momentum: got 1.0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"record": -1}, "record: got -1"),
        ({"device": "toaster"}, "device: got 'toaster'"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        ModuleTraining(**wrong)


def test_a_module_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(ArgumentError, match="takes a module with trainable parameters"):
        trained(nn.Identity, ModuleTraining(), [0])


def test_the_stability_limit_is_that_of_our_own_training() -> None:
    limits = {name: ModuleTraining(optimizer=name).stability_limit for name in OPTIMIZERS}
    assert limits["sgd"] == 2.0
    assert limits["momentum"] == pytest.approx(3.8)
    assert limits["nesterov"] == pytest.approx(3.8 / 2.8)
    assert all(np.isnan(limits[name]) for name in ("adam", "adamw", "rmsprop"))
    assert np.isnan(ModuleTraining(optimizer=torch.optim.SGD).stability_limit)


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
