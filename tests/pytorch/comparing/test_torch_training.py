"""Modules trained together have the numbers that they have alone, and those of a plain loop."""

import random
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional
from trainable import (
    CE,
    ONE_BY_ONE,
    STACKED,
    Build,
    Ours,
    Recurrent,
    assert_same,
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

from goodinit import training
from goodinit.datasets import circles
from goodinit.errors import ArgumentError
from goodinit.study import grid as study
from goodinit.torch.comparing.examples import Examples
from goodinit.torch.comparing.training import OPTIMIZERS, ModuleTraining, train

pytestmark = pytest.mark.usefixtures("one_thread")

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
    seeds = [4, 2, 9, *range(10, 27)]
    all_, _ = trained(build, how, seeds)
    random.seed(7)
    for some in ([9], [19, 9, 4], seeds[::-1]):
        few, _ = trained(build, how, some, observe=lambda *_: torch.rand(3))
        places = [seeds.index(seed) for seed in some]
        for name in all_.curves:  # to the last bit
            np.testing.assert_array_equal(all_.curves[name][:, places], few.curves[name])


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
    examples = Examples(X, y, X[:0], y[:0])
    train([nn.Linear(1, 1)], [seed], 0.1, examples, loss, how, together=False)
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n))
    assert max(sizes) <= min(n, batch_size + 1)
    assert n == 1 or batch_size == 1 or min(sizes) > 1


# --- Who looks on ---


@pytest.mark.parametrize("together", [True, False])
def test_an_observer_sees_each_model_at_each_moment(together: bool) -> None:
    how = ModuleTraining(iterations=6, batch_size=None, record=3)
    seen: dict[tuple[int, int], float] = {}
    made: list[int] = []
    examples = data()

    def look(iteration: int, index: int, model: nn.Module, _: Sequence[torch.Tensor]) -> None:
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
    assert limits["adam"] == limits["adamw"] == pytest.approx(38)  # of what is preconditioned
    assert limits["rmsprop"] == 2.0
    assert np.isnan(ModuleTraining(optimizer=torch.optim.SGD).stability_limit)
