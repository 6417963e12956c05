"""The callback of PyTorch Lightning, asked by the real trainer."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("lightning.pytorch", reason="lightning is not installed")

import lightning.pytorch as lightning
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from goodinit.torch.callbacks.lightning import Inspection

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("error:before the")]


class Classifier(lightning.LightningModule):
    def __init__(self, bias: float = 0.0, *, by_hand: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        hidden = [nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 16), nn.ReLU()]
        self.net: Any = nn.Sequential(*hidden, nn.Linear(16, 3))
        nn.init.constant_(self.get_parameter("net.3.bias"), bias)
        self.automatic_optimization = not by_hand
        self.steps = 0
        self.seen = torch.zeros(1)

    def forward(self, x: Any) -> Any:
        return self.net(x)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        self.steps += 1
        self.seen += len(x)
        loss = functional.cross_entropy(self(x), y)
        self.log("loss", loss, prog_bar=True)
        if not self.automatic_optimization:
            optimizer: Any = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return {"loss": loss, "more": x}

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), 0.01)


def fitted(model: Any, home: Path, *callbacks: Any) -> Any:
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(x, x[:, :3].argmax(1)), batch_size=16, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
        default_root_dir=home,
    )
    torch.manual_seed(1)
    trainer.fit(model, loader)
    return trainer


def test_training_goes_on_to_the_same_bits_with_a_report_beside_it(tmp_path: Path) -> None:
    look, model, alone = Inspection(), Classifier(), Classifier()
    trainer = fitted(model, tmp_path, look)
    again = fitted(alone, tmp_path)
    assert look.report is not None
    assert look.report.findings == ()
    assert look.report.layers["layer"].tolist() == ["net.0", "net.3", "net.5"]
    assert (look.report.layers["gradient_rms"] > 0).all()
    for one, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert (model.steps, model.seen.item()) == (8, 128)
    assert trainer.callback_metrics == again.callback_metrics
    assert "log" not in vars(model)


def test_a_finding_warns_or_raises_before_the_first_step_or_goes_to_a_function(
    tmp_path: Path,
) -> None:
    with pytest.warns(UserWarning, match=r"before the first step:\nnet\.3: dead units"):
        fitted(Classifier(-50.0), tmp_path, Inspection("warn"))
    model = Classifier(-50.0)
    with pytest.raises(AssertionError, match=r"net\.3: dead units"):
        fitted(model, tmp_path, Inspection("raise"))
    assert model.steps == 0
    seen: list[Any] = []
    look = Inspection(seen.append, cures=True)
    fitted(Classifier(-50.0), tmp_path, look)
    assert seen == [look.report]
    assert seen[0].findings[0].cure is not None


def test_a_module_that_steps_its_optimizer_itself_is_called_by_its_forward(tmp_path: Path) -> None:
    look, model, alone = Inspection(), Classifier(by_hand=True), Classifier(by_hand=True)
    fitted(model, tmp_path, look)
    fitted(alone, tmp_path)
    assert look.report is not None
    assert len(look.report.layers) == 3
    assert torch.equal(model.net[0].weight, alone.net[0].weight)


def test_what_to_do_with_findings_is_checked_before_training() -> None:
    with pytest.raises(ValueError, match=r"^on_finding: got 'shout', takes warn, raise, ignore"):
        Inspection("shout")
