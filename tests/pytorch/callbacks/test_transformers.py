"""The callback of Hugging Face's trainer, asked by the real one, of models from their configs."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

import torch
import transformers
from torch.utils.data import IterableDataset

from goodinit.torch.callbacks.transformers import Inspection

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("error:before the")]


@pytest.fixture(autouse=True)
def _no_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the trainer from taking our folder of tests for the library of that name."""
    monkeypatch.setattr("transformers.trainer.is_datasets_available", lambda: False)


def rows(count: int = 32) -> list[dict[str, Any]]:
    text = torch.randint(50, (count, 12), generator=torch.Generator().manual_seed(0))
    return [{"input_ids": one, "labels": one, "index": n} for n, one in enumerate(text)]


class Streamed(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(rows())


def model() -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=50,
        n_positions=12,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    return transformers.GPT2LMHeadModel(config)


def trained(of: Any, home: Path, *callbacks: Any, data: Any = None) -> Any:
    how = transformers.TrainingArguments(
        str(home),
        per_device_train_batch_size=8,
        max_steps=4,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        seed=1,
        logging_strategy="no",
    )
    trainer = transformers.Trainer(
        of, how, train_dataset=rows() if data is None else data, callbacks=list(callbacks)
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("streamed", [False, True])
def test_training_goes_on_to_the_same_bits_with_a_report_beside_it(
    tmp_path: Path, streamed: bool
) -> None:
    look, one, other = Inspection("ignore"), model().eval(), model().eval()
    data = Streamed() if streamed else None
    trained(one, tmp_path, look, data=data)
    trained(other, tmp_path, data=data)
    assert look.report is not None
    assert {"lm_head", "transformer.wte", "transformer.h.1.mlp.c_proj"} <= set(
        look.report.layers["layer"]
    )
    assert (look.report.layers["gradient_rms"] > 0).all()
    for name, parameter in other.named_parameters():
        assert torch.equal(parameter, dict(one.named_parameters())[name]), name


def test_a_finding_raises_before_the_first_step(tmp_path: Path) -> None:
    broken = model()
    torch.nn.init.constant_(broken.transformer.h[0].mlp.c_fc.bias, -50.0)
    before = broken.transformer.h[0].mlp.c_fc.weight.clone()
    with pytest.raises(AssertionError, match=r"transformer\.h\.0\.mlp\.c_fc: "):
        trained(broken, tmp_path, Inspection("raise"))
    assert torch.equal(before, broken.transformer.h[0].mlp.c_fc.weight)
