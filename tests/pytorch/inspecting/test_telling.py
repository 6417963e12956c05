"""How a report is told: within a screen's columns, and as JSON of a bounded size."""

import ast
import json
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from inspected import data, mlp
from torch import nn

from goodinit.torch import Finding, Report, inspect
from goodinit.torch.inspecting.telling import MOST_BYTES, ranked, wrapped

NAME = "encoder.blocks.{}.attention.self.projection_of_the_output"


@pytest.fixture(scope="module")
def deep() -> Report:
    layers = inspect(mlp(8, *[16] * 12, 3), *data(40, 8), cures=False).layers
    names = layers["layer"].map(NAME.format)
    rules = f'rules={{"{NAME.format(1)}": "auto"}}'
    cure = f'goodinit.torch.initialize(model, "keep", {rules}, inputs=inputs)'
    reason = (
        "a typical layer multiplies the gradient on its way back by 0.4, 12 hidden layers by 1e-6"
    )
    found = Finding(
        names.iloc[0], "vanishing gradients", reason, cure=f"{cure}  # inputs: the first"
    )
    return Report(layers.assign(layer=names), (found,))


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_nothing_is_wider_than_the_screen(deep: Report, width: int) -> None:
    lines = deep.text(width).splitlines()
    long = [line for line in lines if len(line) > width]
    assert all(NAME.format(1) in line for line in long)  # a name in code stays whole
    assert not (long and width >= 80)
    assert any(line.startswith("Left out") for line in lines)
    assert len([line for line in lines if "…" in line]) == 13


def test_where_there_is_room_nothing_is_left_out(deep: Report) -> None:
    text = deep.text()
    assert "Left out" not in text
    assert NAME.format(0) in text
    assert str(deep) == text


def test_a_cure_that_is_broken_over_lines_is_still_python(deep: Report) -> None:
    cure = wrapped(f"    {deep.findings[0].cure}", 60)
    assert len(cure.splitlines()) > 2
    call: Any = ast.parse("\n".join(line[4:] for line in cure.splitlines())).body[0]
    assert ast.unparse(call) == ast.unparse(ast.parse(str(deep.findings[0].cure)).body[0])


def test_causes_rank_before_their_consequences() -> None:
    findings = [
        Finding("2", "vanishing gradients", ""),
        Finding("7", "fails to break symmetry", ""),
    ]
    assert [one.layer for one in ranked(findings)] == ["7", "2"]


def test_json_is_bounded_whatever_the_module(deep: Report) -> None:
    many = pd.concat([deep.layers.assign(layer=f"{n}." + deep.layers["layer"]) for n in range(300)])
    findings = [Finding(f"{n}.layer", "dead units", "all of them") for n in range(100)]
    told = Report(many, tuple(findings)).as_dict()
    printed = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)
    assert 0.8 * MOST_BYTES < len(printed.encode()) <= MOST_BYTES
    assert len(told["findings"]) == 100
    assert len(told["layers"]) + told["left_out"]["layers"] == 300 * 13
    worse = Report(many, tuple(findings) * 50).as_dict()
    assert len(json.dumps(worse, indent=2).encode()) <= MOST_BYTES
    assert worse["left_out"]["findings"] > 0
    assert worse["findings"][0]["rank"] == 1


def test_an_unnamed_module_has_a_name_in_json() -> None:
    told = inspect(nn.Linear(8, 3), *data(40, 8)).as_dict()
    assert [row["layer"] for row in told["layers"]] == ["(module)"]
