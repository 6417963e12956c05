"""What "auto" makes up for where functions use weights: graphs, attention, shared heads."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from small_models import normals, rms
from torch import nn
from torch.nn import functional

from goodinit.torch import initialize


class Convolved(nn.Module):
    """Layers of weights of its own over a graph, whose neighbours are averaged after each."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((16, 64), (64, 64), (64, 4))
        self.weights = nn.ParameterList(torch.randn(a, b) for a, b in sizes)

    def forward(self, x: Any) -> Any:
        self.sizes = []
        for weight in self.weights:
            x = torch.relu(x) @ weight
            self.sizes.append(rms(x))
            x = x.unflatten(0, (-1, 10)).mean(1, keepdim=True).expand(-1, 10, -1).flatten(0, 1)
        return x


def test_inputs_settle_weights_that_no_layer_of_pytorch_holds() -> None:
    model = Convolved()
    initialize(model, "auto", inputs=normals(200, 16))
    model(normals(200, 16))
    np.testing.assert_allclose(model.sizes, [1, 1, 0.3], rtol=0.26)


class Unscaled(nn.Module):
    """Attention without 1/√dimensions, and a head that shares the embedding, scaled; as in T5."""

    def __init__(self, by_hand: bool = True) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(50, 64), nn.Linear(64, 50, bias=False)
        self.head.weight = self.words.weight
        self.norm, self.last = nn.LayerNorm(64), nn.LayerNorm(64)
        self.q, self.k, self.v, self.o = (nn.Linear(64, 64, bias=False) for _ in range(4))
        self.by_hand = by_hand

    def forward(self, words: Any) -> Any:
        x = self.words(words)
        y = self.norm(x)
        parts = [one(y).unflatten(-1, (4, 16)) for one in (self.q, self.k, self.v)]
        q, k, v = (part.transpose(1, 2) for part in parts)
        if self.by_hand:
            scores = q @ k.transpose(-1, -2)
            self.spread = rms(scores)
            mixed = scores.softmax(-1) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v, scale=1.0)
        x = x + self.o(mixed.transpose(1, 2).flatten(2))
        return self.head(self.last(x) * 64**-0.5)


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_attention_and_a_shared_head_do_to_the_scale_is_made_up_for(by_hand: bool) -> None:
    model, words = Unscaled(by_hand), torch.arange(50).reshape(5, 10)
    table = initialize(model, "auto", inputs=words).set_index("parameter")
    gains = table.loc[["q.weight", "k.weight", "v.weight"], "gain"]
    np.testing.assert_allclose(gains, [0.25, 1, 1], rtol=0.01)  # 1/√16
    assert table.loc["words.weight", "std"] == pytest.approx(1, rel=0.05)
    said = model(words)
    assert 0.7 < rms(said) < 1.6
    if by_hand:
        assert 0.6 < model.spread < 1.4  # 4 with queries of spread 1
