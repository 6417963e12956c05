"""What a module is trained, tested and chosen by: tensors, cut into parts once for all trials."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from goodinit.datasets.dataset import TargetScale
from goodinit.datasets.parts import TEST_FRACTION, VALIDATION_FRACTION
from goodinit.errors import bad_argument
from goodinit.torch.comparing.budget import drawn
from goodinit.torch.comparing.inputs import Inputs

_SPLIT_SEED = 0  # of the first split of examples that come as tensors


@dataclass(frozen=True)
class Whole:
    """Inputs and targets that are to be divided."""

    X: Inputs
    y: Tensor


@dataclass(frozen=True)
class Examples:
    """What is trained and tested on: tensors whose first axis counts examples.

    Attributes
    ----------
    X_train, X_test : Tensor or Parts
    y_train, y_test : Tensor
        Of any further shape and dtype. The test part may be empty.
    X_validation, y_validation : optional
        As of the test part; by these a learning rate is chosen.
    """

    X_train: Inputs
    y_train: Tensor
    X_test: Inputs
    y_test: Tensor
    X_validation: Inputs | None = None
    y_validation: Tensor | None = None


def some_of(examples: Examples, train: int, test: int) -> Examples:
    """Return so many of the examples."""
    if (train, test) == (len(examples.X_train), len(examples.X_test)):
        return examples
    parts = {"train": train, "test": test}
    if examples.X_validation is not None:  # as many of it as are tested
        parts["validation"] = min(test, len(examples.X_validation))
    found = []
    for part, count in parts.items():
        X, y = getattr(examples, f"X_{part}"), getattr(examples, f"y_{part}")
        places = drawn(X, count)
        found += [X[places], y[places]]
    return Examples(*found)


def from_tensors(parts: tuple[Tensor, ...]) -> Examples | Whole:
    """Return inputs and targets, as examples where they come with a test part."""
    if len(parts) not in (2, 4):
        takes = "(X, y) or (X_train, y_train, X_test, y_test)"
        raise bad_argument("data", f"{len(parts)} arrays", takes)
    for X, y in (parts[:2], parts[-2:]):
        if len(X) != len(y):
            raise bad_argument("data", f"{len(X)} inputs and {len(y)} targets", "as many of both")
    for part in parts:
        if part.is_floating_point() and not bool(part.isfinite().all()):
            raise bad_argument("data", "NaN or infinity", "finite numbers")
    if len(parts[0]) == 0:
        raise bad_argument("data", "no examples", "at least one")
    return Whole(*parts) if len(parts) == 2 else Examples(*parts)


def split(whole: Whole, number: int) -> Examples:
    """Hold out a quarter, drawn once for all trials of a split."""
    X, y = whole.X, whole.y
    held = int(len(X) * TEST_FRACTION)
    order = torch.from_numpy(np.random.default_rng(_SPLIT_SEED + number).permutation(len(X)))
    train, test = order[held:], order[:held]
    return Examples(X[train], y[train], X[test], y[test])


def test_share(examples: Examples) -> float:
    """Return what part of the examples is held out to test on."""
    aside = 0 if examples.X_validation is None else len(examples.X_validation)
    return len(examples.X_test) / (len(examples.X_train) + aside + len(examples.X_test))


def set_aside(examples: Examples, split_seed: int) -> Examples:
    """Hold out a fifth of the training part too, where there is a test part, and none is yet."""
    X, y = examples.X_train, examples.y_train
    held = int(len(X) * VALIDATION_FRACTION)
    if examples.X_validation is not None or not len(examples.X_test) or not held:
        return examples
    order = torch.from_numpy(np.random.default_rng(split_seed).permutation(len(X)))
    train, kept = order[held:], order[:held]
    return replace(
        examples,
        **{"X_train": X[train], "y_train": y[train]},
        **{"X_validation": X[kept], "y_validation": y[kept]},
    )


def in_units(
    scales: Sequence[TargetScale | None], parts: Sequence[Examples]
) -> dict[str, dict[str, Any]]:
    """Return how targets that were standardised spread in their own units; nothing of others.

    Parameters
    ----------
    scales : sequence of TargetScale or None
        Of each split.
    parts : sequence of Examples
        Likewise.

    Returns
    -------
    dict
        ``in_units``: the target's ``name``, and a list over splits of the root mean square of its
        ``train`` and ``test`` part about the part's own mean, and of the test part about the
        training mean, which is the error of ``guessing``.
    """
    known = [scale for scale in scales if scale is not None]
    if not known or len(known) < len(parts):
        return {}
    tested = len(parts[0].y_test) > 0
    pairs = list(zip(known, parts, strict=True))
    about = {
        "train": [(of, part.y_train, part.y_train) for of, part in pairs],
        "test": [(of, part.y_test, part.y_test) for of, part in pairs if tested],
        "guessing": [(of, part.y_test, part.y_train) for of, part in pairs if tested],
    }
    found = {
        name: [
            of.deviation * float(((y.double() - middle.double().mean()) ** 2).mean().sqrt())
            for of, y, middle in each
        ]
        for name, each in about.items()
    }
    return {"in_units": {"name": known[0].name, **found}}
