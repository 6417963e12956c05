"""What a report says would mend it where no draw does: only what was tried, or is known."""

from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, sequence
from test_leaves_no_trace import traces
from torch import Tensor, nn

from goodinit.torch import inspect
from goodinit.torch.inspecting.cures import NOTHING_MENDS


class Shifted(nn.Linear):
    """A layer that takes 30 from what it says, which no bias of its own would."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - 30


def shifted() -> Any:
    return sequence(nn.Linear(8, 16), nn.ReLU(), Shifted(16, 16), nn.ReLU(), nn.Linear(16, 3))


def test_a_normalization_is_named_where_it_mends_what_no_draw_does() -> None:
    torch.manual_seed(0)
    model = shifted()
    before = traces(model)
    (finding,) = inspect(model, *data(40, 8)).findings
    assert (finding.layer, finding.label, finding.cure) == ("2", "dead units", None)
    told = "what does, tried: a normalization (nn.LayerNorm, say) of what 2 says"
    assert finding.remark == f"{NOTHING_MENDS}; {told}"
    assert traces(model) == before


def test_what_is_named_mends() -> None:
    torch.manual_seed(0)
    first, relu, layer, *others = shifted()
    assert inspect(sequence(first, relu, layer, *others), *data(40, 8)).findings
    mended = sequence(first, relu, layer, nn.LayerNorm(16), *others)
    assert inspect(mended, *data(40, 8)).findings == ()


class Attention(nn.Module):
    """Attention by hand, its logits divided by the root of their width or not."""

    def __init__(self, *, scaled: bool) -> None:
        super().__init__()
        self.words, self.scaled = nn.Embedding(50, 64), scaled
        self.query, self.key = nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False)
        for layer in (self.query, self.key):
            nn.init.normal_(layer.weight, 0.0, 1 / 8)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Any:
        seen = self.words(x)
        logits = self.query(seen) @ self.key(seen).transpose(1, 2)
        logits = logits / 8 if self.scaled else logits
        return self.head((torch.softmax(logits, -1) @ seen).mean(1))


def _asked() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randint(50, (16, 16)), torch.randint(10, (16,))


def test_logits_that_nothing_divides_are_known_by_their_width() -> None:
    asked = _asked()
    (finding,) = inspect(Attention(scaled=False), *asked, cures="none").findings
    assert (finding.label, finding.evidence["width"]) == ("saturated", 64)
    assert inspect(Attention(scaled=True), *asked, cures="none").findings == ()


class Slow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.states, self.head = nn.RNN(8, 32, batch_first=True), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.states(x)[0][:, -1])


def test_how_many_steps_a_gradient_gets_through_is_told() -> None:
    torch.manual_seed(0)
    model, x, y = Slow(), torch.randn(16, 300, 8), torch.randint(4, (16,))
    (finding,) = inspect(model, x, y, cures="none").findings
    reach = int(finding.evidence["reach"])
    assert 20 < reach < 60
    assert inspect(model, x[:, -reach:], y, cures="none").findings == ()
