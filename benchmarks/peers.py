"""Who can train the networks of a study: our engine, and the peers that it is measured against.

A side is made from a study: it draws the study's networks, advances them by full-batch gradient
descent in float64, and shows their parameters. Some peers train one network after another; they
are given a few of the networks, since more would take just as long each.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from goodinit import network as oracle
from goodinit.articles import layers as article
from goodinit.network import Parameters
from goodinit.study.grid import Study
from goodinit.training import Record, initial, loop, network, prepare

# How many networks are timed of those that are trained one after another.
FEW = 8


@dataclass(frozen=True)
class Side:
    """Networks in training: what advances them by some iterations, and shows those of one."""

    advance: Callable[[int], object]
    network: Callable[[int], Parameters]
    networks: int
    layers: tuple[int, ...]  # of what is trained


@dataclass(frozen=True)
class Peer:
    """How a side is made, the package that it needs, and whether it trains network by network."""

    make: Callable[[Study], Side]
    package: str = "numpy"
    one_by_one: bool = False


def engine(study: Study, wide: int | None = None) -> Side:
    """Our kernel, spread over the processors as ``train`` does it, without the measuring.

    Parameters
    ----------
    study : Study
    wide : int, optional
        From how many units on a product is left to BLAS, instead of the engine's own choice.
    """
    problem = prepare(study)
    if wide is not None:
        problem = replace(problem, network=problem.network._replace(wide=wide))
    blas = ThreadpoolController()
    workers = min(loop.available_processors(), len(study.trials))
    pool = ThreadPoolExecutor(workers)
    parts = loop._parts(problem, len(study.trials), workers)
    with blas.limit(limits=1, user_api="blas"):
        some = [study.trials[part] for part in parts]
        chunks = list(pool.map(lambda trials: loop._start(problem, trials), some))
    done = 0

    def advance(iterations: int) -> None:
        nonlocal done
        before, done = done, done + iterations
        with blas.limit(limits=1, user_api="blas"):
            list(pool.map(lambda chunk: loop._advance(problem, chunk, before, done), chunks))

    def shown(index: int) -> Parameters:
        flat = np.concatenate([chunk.flat for chunk in chunks])
        record = Record(study.trials, {}, np.zeros(len(flat), bool), flat)
        return network(problem, record, index)

    return Side(advance, shown, len(study.trials), problem.layers)


def article_numpy(study: Study) -> Side:
    """The articles' training loop as published, its cost at every iteration included."""
    X, Y = study.dataset.X_train.T, study.dataset.y_train[np.newaxis]
    networks: list[article.Parameters] = [
        {
            **{f"W{layer}": W.astype(float) for layer, (W, _) in enumerate(start, 1)},
            **{
                f"b{layer}": b[:, np.newaxis].astype(float) for layer, (_, b) in enumerate(start, 1)
            },
        }
        for start in _starts(study, FEW)
    ]
    train = partial(
        article.descend,
        X,
        Y,
        hidden=study.network.activation,
        learning_rate=study.learning_rates[0],
    )

    def advance(iterations: int) -> None:
        for parameters in networks:
            for _ in train(parameters, iterations=iterations):
                pass

    def shown(index: int) -> Parameters:
        found = networks[index]
        return [(found[f"W{n}"], found[f"b{n}"][:, 0]) for n in range(1, len(found) // 2 + 1)]

    return Side(advance, shown, len(networks), study.network.layers)


def plain_numpy(study: Study) -> Side:
    """``goodinit.network``, for the outputs that the articles' code doesn't have."""
    net, X, rate = study.network, study.dataset.X_train, study.learning_rates[0]
    Y = oracle.targets(net, study.dataset.y_train)
    networks = _starts(study, FEW)

    def advance(iterations: int) -> None:
        for index in range(len(networks)):
            for _ in range(iterations):
                gradients = oracle.backward(net, networks[index], X, Y)
                networks[index] = oracle.update(networks[index], gradients, rate)

    return Side(advance, networks.__getitem__, len(networks), net.layers)


def scikit_learn(study: Study) -> Side:
    """MLPClassifier: full batch, no penalty, no momentum; ``fit`` goes on where it stopped."""
    X, y = study.dataset.X_train, study.dataset.y_train
    models = []
    for start in _starts(study, FEW):
        model = import_module("sklearn.neural_network").MLPClassifier(
            study.network.layers[1:-1],
            activation=study.network.activation,
            solver="sgd",
            alpha=0.0,
            batch_size=len(X),
            learning_rate_init=study.learning_rates[0],
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
            tol=0.0,
            n_iter_no_change=np.inf,
            warm_start=True,
        )
        model.partial_fit(X, y, classes=np.unique(y))  # makes what holds the weights
        model.coefs_ = [W.T.copy() for W, _ in start]
        model.intercepts_ = [b.copy() for _, b in start]
        models.append(model)

    def advance(iterations: int) -> None:
        with warnings.catch_warnings(action="ignore"):  # that it hasn't converged yet
            for model in models:
                model.set_params(max_iter=iterations).fit(X, y)

    def shown(index: int) -> Parameters:
        model = models[index]
        return [(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]

    return Side(advance, shown, len(models), study.network.layers)


def torch_eager(study: Study) -> Side:
    """A Sequential of Linear, autograd and SGD: what a PyTorch user writes first."""
    torch = _torch()
    X, cost = torch.tensor(study.dataset.X_train), _torch_cost(study)
    activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[study.network.activation]
    models = []
    for start in _starts(study, FEW):
        modules = []
        for W, b in start:
            linear = torch.nn.Linear(W.shape[1], W.shape[0])
            linear.weight.data, linear.bias.data = torch.tensor(W), torch.tensor(b)
            modules += [linear, activation()]
        model = torch.nn.Sequential(*modules[:-1])
        models.append((model, torch.optim.SGD(model.parameters(), study.learning_rates[0])))

    def advance(iterations: int) -> None:
        for model, optimizer in models:
            for _ in range(iterations):
                optimizer.zero_grad()
                cost(model(X)).backward()
                optimizer.step()

    def shown(index: int) -> Parameters:
        parameters = [part.detach().numpy() for part in models[index][0].parameters()]
        return list(zip(parameters[::2], parameters[1::2], strict=True))

    return Side(advance, shown, len(models), study.network.layers)


def torch_vmap(study: Study) -> Side:
    """``torch.func``: the gradient of one network's cost, mapped over all networks."""
    torch = _torch()
    X, cost = torch.tensor(study.dataset.X_train), _torch_cost(study)
    activation = getattr(torch, study.network.activation)
    parameters = [torch.tensor(part) for layer in _stacked(study) for part in layer]

    def cost_of_one(parameters: Any) -> Any:
        values = X
        for layer in range(0, len(parameters), 2):
            values = activation(values) if layer else values
            values = torch.nn.functional.linear(values, *parameters[layer : layer + 2])
        return cost(values)

    gradient = torch.func.vmap(torch.func.grad(cost_of_one))

    def advance(iterations: int) -> None:
        with torch.no_grad():
            for _ in range(iterations):
                for part, slope in zip(parameters, gradient(parameters), strict=True):
                    part.sub_(slope, alpha=study.learning_rates[0])

    def shown(index: int) -> Parameters:
        one = [part[index].numpy() for part in parameters]
        return list(zip(one[::2], one[1::2], strict=True))

    return Side(advance, shown, len(study.trials), study.network.layers)


def torch_bmm(study: Study) -> Side:
    """Batched products by hand: examples last, no autograd, in buffers that are kept.

    The first layer is one product, since all networks share its input.
    """
    torch = _torch()
    X = torch.tensor(study.dataset.X_train)
    Y = torch.tensor(oracle.targets(study.network, study.dataset.y_train).T.copy())
    K, rate, (n, features) = len(study.trials), study.learning_rates[0], X.shape
    parameters = [(torch.tensor(W), torch.tensor(b)[..., None]) for W, b in _stacked(study)]
    values = [torch.empty(K, units, n) for units in study.network.layers[1:]]
    deltas = [torch.empty(K, units, n) for units in study.network.layers[1:]]
    activate = getattr(torch, f"{study.network.activation}_")
    slopes: dict[str, Callable[[Any], Any]] = {
        "relu": lambda a: a > 0,
        "tanh": lambda a: 1 - a * a,
    }
    slope = slopes[study.network.activation]
    output = torch.sigmoid if study.network.output == "sigmoid" else partial(torch.softmax, dim=1)

    def step() -> None:
        W, b = parameters[0]
        torch.addmm(b.view(-1, 1), W.view(-1, features), X.T, out=values[0].view(-1, n))
        for layer, (W, b) in enumerate(parameters[1:], start=1):
            torch.baddbmm(b, W, activate(values[layer - 1]), out=values[layer])
        torch.sub(output(values[-1]), Y, out=deltas[-1]).mul_(1 / n)
        for layer in range(len(parameters) - 1, 0, -1):
            W, b = parameters[layer]
            below = values[layer - 1]
            torch.bmm(W.transpose(1, 2), deltas[layer], out=deltas[layer - 1]).mul_(slope(below))
            W.baddbmm_(deltas[layer], below.transpose(1, 2), alpha=-rate)
            b.sub_(deltas[layer].sum(2, keepdim=True), alpha=rate)
        W, b = parameters[0]
        W.view(-1, features).addmm_(deltas[0].view(-1, n), X, alpha=-rate)
        b.sub_(deltas[0].sum(2, keepdim=True), alpha=rate)

    def advance(iterations: int) -> None:
        with torch.no_grad():
            for _ in range(iterations):
                step()

    def shown(index: int) -> Parameters:
        return [(W[index].numpy(), b[index, :, 0].numpy()) for W, b in parameters]

    return Side(advance, shown, K, study.network.layers)


def jax_scan(study: Study) -> Side:
    """The gradient of one network's cost, mapped over all, scanned over iterations, compiled.

    Examples last, which is faster here than examples first.
    """
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    data = (study.dataset.X_train, oracle.targets(study.network, study.dataset.y_train))
    X, Y = (jax.numpy.asarray(part.T) for part in data)
    activation, rate = getattr(jax.nn, study.network.activation), study.learning_rates[0]
    costs: dict[str, Callable[[Any, Any], Any]] = {
        "softmax": lambda z, Y: -(Y * jax.nn.log_softmax(z, axis=0)).sum() / Y.shape[1],
        "sigmoid": lambda z, Y: (jax.nn.softplus(z) - z * Y).mean(),
    }
    parameters = jax.tree.map(jax.numpy.asarray, _stacked(study))

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        z = X
        for layer, (W, b) in enumerate(parameters):
            z = W @ (activation(z) if layer else z) + b[:, None]
        return costs[study.network.output](z, Y)

    def step(parameters: Any, X: Any, Y: Any) -> Any:
        slopes = jax.grad(cost)(parameters, X, Y)
        return jax.tree.map(lambda part, slope: part - rate * slope, parameters, slopes)

    every = jax.vmap(step, in_axes=(0, None, None))

    @partial(jax.jit, static_argnums=3, donate_argnums=0)
    def scan(parameters: Any, X: Any, Y: Any, iterations: int) -> Any:
        carry = jax.lax.scan(lambda p, _: (every(p, X, Y), None), parameters, length=iterations)
        return carry[0]

    def advance(iterations: int) -> None:
        nonlocal parameters
        parameters = jax.block_until_ready(scan(parameters, X, Y, iterations))

    def shown(index: int) -> Parameters:
        return [(np.asarray(W[index]), np.asarray(b[index])) for W, b in parameters]

    return Side(advance, shown, len(study.trials), study.network.layers)


OURS = "goodinit"
PEERS = {
    OURS: Peer(engine),
    "the article's NumPy": Peer(article_numpy, one_by_one=True),
    "NumPy, network.py": Peer(plain_numpy, one_by_one=True),
    "scikit-learn": Peer(scikit_learn, "sklearn", one_by_one=True),
    "PyTorch, eager": Peer(torch_eager, "torch", one_by_one=True),
    "torch.func.vmap": Peer(torch_vmap, "torch"),
    "torch.bmm by hand": Peer(torch_bmm, "torch"),
    "JAX vmap + scan": Peer(jax_scan, "jax"),
}


def _starts(study: Study, most: int) -> list[Parameters]:
    return [initial(study, trial) for trial in study.trials[:most]]


def _stacked(study: Study) -> Parameters:
    """The parameters of all networks, the networks along the first axis."""
    stacked: Parameters = [
        (np.empty((len(study.trials), after, before)), np.empty((len(study.trials), after)))
        for before, after in pairwise(study.network.layers)
    ]
    for index, trial in enumerate(study.trials):
        for (all_W, all_b), (W, b) in zip(stacked, initial(study, trial), strict=True):
            all_W[index], all_b[index] = W, b
    return stacked


def _torch() -> Any:
    torch = import_module("torch")
    torch.set_default_dtype(torch.float64)
    return torch


def _torch_cost(study: Study) -> Callable[[Any], Any]:
    """Return logits ↦ cost."""
    torch = import_module("torch")
    if study.network.output == "softmax":
        return partial(
            torch.nn.functional.cross_entropy, target=torch.tensor(study.dataset.y_train)
        )
    Y = torch.tensor(oracle.targets(study.network, study.dataset.y_train))
    return partial(torch.nn.functional.binary_cross_entropy_with_logits, target=Y)
