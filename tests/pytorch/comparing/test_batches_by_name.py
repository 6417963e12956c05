"""Modules that take several inputs, by name or by place, and those that return their own loss."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from goodinit.errors import ArgumentError
from goodinit.torch import compare

N, WORDS, CLASSES = 64, 20, 3
SHORT: dict[str, Any] = {"steps": 60, "seeds": 2, "optimizer": "adam", "record": 5}


def texts() -> dict[str, Tensor]:
    source = torch.Generator().manual_seed(0)
    words = torch.randint(WORDS, (N, 7), generator=source)
    return {"words": words, "mask": torch.ones(N, 7), "labels": words[:, 0] % CLASSES}


def rows(batch: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    return [{name: part[i] for name, part in batch.items()} for i in range(N)]


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, 8), nn.Linear(8, CLASSES)

    def forward(self, words: Tensor, mask: Tensor) -> Any:
        return self.head((self.embed(words) * mask[..., None]).mean(1))


class WithLoss(Reader):
    def forward(self, words: Tensor, mask: Tensor, labels: Tensor | None = None) -> Any:
        logits = super().forward(words, mask)
        if labels is None:
            return {"logits": logits}
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}


def test_batches_by_name_train_as_the_same_by_place_do() -> None:
    batch = texts()
    given: tuple[Any, Any] = rows(batch), list(zip(*batch.values(), strict=True))
    by_name, by_place = (
        compare(Reader, DataLoader(of, batch_size=16), initializers="default", **SHORT)
        for of in given
    )
    assert by_name.trials["train_cost"].tolist() == by_place.trials["train_cost"].tolist()
    assert by_name.trials["train_accuracy"].notna().all()
    assert "words 7, mask 7" in by_name.study.headline


def test_a_module_that_returns_its_own_loss_trains_by_it_to_the_same_costs() -> None:
    plain = compare(Reader, texts(), initializers=["default", "auto"], **SHORT)
    own = compare(WithLoss, texts(), initializers=["default", "auto"], **SHORT)
    np.testing.assert_allclose(own.trials["train_cost"], plain.trials["train_cost"], rtol=1e-4)
    assert own.study.chance == pytest.approx(plain.study.chance)
    assert own.trials["train_accuracy"].isna().all()
    assert "its own loss" in own.study.headline


class NextWord(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(WORDS, 8), nn.Linear(8, WORDS)

    def forward(self, words: Tensor, labels: Tensor) -> Any:
        logits = self.head(self.embed(words))
        wanted = labels[:, 1:].flatten()
        return functional.cross_entropy(logits[:, :-1].flatten(0, 1), wanted), logits


def test_the_chance_of_a_language_model_is_the_entropy_of_the_words_that_come_next() -> None:
    words = texts()["words"]
    found = compare(NextWord, {"words": words, "labels": words}, initializers="default", **SHORT)
    study: Any = found.study
    train = study.work.train_part[1]
    shares = torch.bincount(train[:, 1:].flatten()).double()
    shares = shares[shares > 0] / shares.sum()
    assert found.study.chance == pytest.approx(float(-(shares * shares.log()).sum()))


class Itself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.code = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        return (self.code(x) - x).square().mean()


def test_where_chance_is_not_known_learning_is_told_by_the_first_cost() -> None:
    x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    how = {**SHORT, "initializers": "default", "loss": "model"}
    found = compare(Itself, {"x": x}, **{**how, "steps": 400, "learning_rate": 0.03})
    assert np.isnan(found.study.chance)
    assert found.trials["train_cost"].max() < 0.05
    assert "no number" not in str(found)
    assert "does not learn" not in str(found)
    still = compare(Itself, {"x": x}, **{**how, "steps": 1, "record": 1})
    assert "at the start" in str(still)


def test_what_does_not_fit_is_said_in_one_line() -> None:
    batch = texts()
    uneven = [[batch["words"][0], torch.tensor(1)], [batch["words"][0, :5], torch.tensor(1)]]
    with pytest.raises(ArgumentError, match="in every batch of one shape"):
        compare(Reader, DataLoader(uneven, batch_size=1), **SHORT)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="outputs hold their loss"):
        compare(Reader, batch, loss="model", **SHORT)
    with pytest.raises(ArgumentError, match="'model'"):
        compare(Reader, batch, loss="none", **SHORT)
