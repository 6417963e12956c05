"""The cures of inspect: each is tried before it is said, does what it says, and leaves no trace."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, mlp, sequence
from models import ViT
from test_leaves_no_trace import traces
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from zoo_cases import Case, images
from zoo_faulty import FAULTY

import goodinit.torch
from goodinit.evidence.causes import RULES
from goodinit.torch import Report
from goodinit.torch import inspect as whole_inspect
from goodinit.torch.inspecting.cures import FROZEN, NOTHING_MENDS
from goodinit.torch.inspecting.remedies import _TRIES, Trial, code

SEEDS = range(3)
inspect = partial(whole_inspect, cures="quick")  # whether it also trains is asked elsewhere
INCURABLE = {"frozen backbone of std 1": FROZEN}


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def pasted(cure: str, model: nn.Module, inputs: Any) -> None:
    """Do what a user does with a cure."""
    names = {"model": model, "inputs": inputs, "torch": torch, "goodinit": goodinit}
    exec(cure, names)  # noqa: S102  # of our own writing, and of this test's own modules


def faults(report: Report) -> set[tuple[str, str]]:
    return {(one.layer, one.label) for one in report.findings}


def spoiled(layer: int = 2, bias: float = -50) -> Any:
    model = mlp(8, 16, 16, 3)
    nn.init.constant_(model[layer].bias, bias)
    return model


# --- What is recommended ---


@pytest.mark.parametrize("case", FAULTY, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_cure_of_the_zoo_mends_its_finding_when_it_is_pasted(case: Case, seed: int) -> None:
    model, batch = case.make(seed)
    findings = inspect(model, *batch).findings
    if case.name in INCURABLE:
        assert {(one.cure, one.remark) for one in findings} == {(None, INCURABLE[case.name])}
        return
    before = {(one.layer, one.label) for one in findings}
    for cure in {one.cure for one in findings}:
        assert cure is not None
        mended, batch = case.make(seed)
        pasted(cure, mended, batch.inputs)
        left = faults(inspect(mended, *batch, cures=False))
        assert left <= before
        assert left.isdisjoint((one.layer, one.label) for one in findings if one.cure == cure)


@pytest.mark.parametrize("case", [case for case in FAULTY if case.name not in INCURABLE], ids=str)
def test_all_cures_of_a_module_together_make_it_healthy(case: Case) -> None:
    model, batch = case.make(0)
    for cure in dict.fromkeys(one.cure for one in inspect(model, *batch).findings):
        pasted(str(cure), model, batch.inputs)
    assert inspect(model, *batch).findings == ()


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("PyTorch's default in thirty ReLU layers", 'model, "he_normal"'),
        ("thirty SELU layers, PyTorch's default", 'model, "lecun_normal"'),
        ("one layer × 100", 'model, "keep", rules={"4": "he_normal"}'),
        ("ReLUs closed by a bias", 'model, "keep", rules={"4.bias": "zeros"}'),
        (
            "sixty residual blocks without scaling",
            'model, "keep", rules={"*.branch.2": "auto"}, inputs=inputs',
        ),
        ("std 1 in twenty layers", 'model, "keep", rules={"40": "lecun_normal", "*": "he_normal"}'),
        (
            "BatchNorm of gain 0",
            'model, "keep", rules={torch.nn.BatchNorm2d: "auto"}, inputs=inputs',
        ),
        ("one layer thirty times, gain 1.5·√2", 'model, "keep", rules={"step": "identity"}'),
        ("positions of std 10", 'model, "keep", rules={"positions": "auto"}, inputs=inputs'),
    ],
)
def test_the_smallest_change_that_mends_is_recommended(name: str, cure: str) -> None:
    model, batch = next(case for case in FAULTY if case.name == name).make(0)
    found = {one.cure for one in inspect(model, *batch).findings}
    assert found == {f"goodinit.torch.initialize({cure})"}


def test_there_is_something_to_try_for_each_label_of_a_module() -> None:
    others = {"learning rate too high", "diverges"}  # what no draw of weights mends
    others |= {"data not scaled", "targets not scaled", "contradicting targets"}
    assert set(_TRIES) == {rule.label for rule in RULES} - others


def test_positions_that_are_no_layer_drown_what_they_are_added_to() -> None:
    model, batch = ViT(), images()
    assert inspect(model, *batch).findings == ()
    nn.init.normal_(model.positions, 0.0, 10.0)
    (finding,) = inspect(model, *batch).findings
    assert (finding.layer, finding.label) == ("", "weights too large")
    assert finding.evidence["drowns"] > 10
    assert finding.cure is not None
    pasted(finding.cure, model, batch.inputs)
    assert inspect(model, *batch).findings == ()
    assert float(model.positions.detach().square().mean().sqrt()) < 0.1


# --- When nothing is, and when nothing is sought ---


def test_a_finding_without_a_cure_says_so() -> None:
    class Silent(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.relu(0 * x - 1)

    model = sequence(nn.Linear(8, 16), Silent(), nn.Linear(16, 3))
    (finding,) = inspect(model, *data(40, 8)).findings
    assert (finding.label, finding.cure) == ("dead units", None)
    assert finding.remark.startswith(f"{NOTHING_MENDS}; nor does standardising the inputs or a ")


def test_frozen_layers_have_no_cure_and_the_others_do() -> None:
    model = spoiled()
    model[2].requires_grad_(False)
    report = inspect(model, *data(40, 8))
    assert [(one.cure, one.remark) for one in report.findings] == [(None, FROZEN)]
    assert str(report).endswith(f"at the start\n    ({FROZEN})")


def test_cures_are_sought_only_where_something_is_wrong_and_they_are_wanted() -> None:
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    # A gradient this small is asked in one more pass whether it is there at all.
    healthy, faulty = mlp(8, 16, 16, 3), spoiled()
    for model, cures, expected in (
        (healthy, "quick", 1),
        (faulty, "none", 2),
        (faulty, "quick", 4),
    ):
        calls = 0
        hook = model.register_forward_hook(count)
        inspect(model, *data(40, 8), cures=cures)
        hook.remove()
        assert calls == expected
    assert [one.cure for one in inspect(faulty, *data(40, 8), cures=False).findings] == [None]


# --- How it is asked and told ---


def test_a_draw_that_changes_nothing_is_not_looked_at() -> None:
    model, batch = next(case for case in FAULTY if case.name == "tanh of std 5").make(0)
    biases = [own for name, own in model.named_parameters() if name.endswith("bias")]
    looks = []
    for value in (0.0, 1e-3):  # that of zeros is the first that is tried
        for own in biases:
            nn.init.constant_(own, value)
        words: list[str] = []
        assert whole_inspect(model, *batch, progress=words.append).findings
        looks.append(sum(said.startswith("trying") for said in words))
    assert looks[0] == looks[1] - 2


def test_the_report_and_the_assertion_show_each_cure_once_below_what_it_mends() -> None:
    model = mlp(8, 16, 16, 3)
    for layer in (0, 2):
        nn.init.constant_(model[layer].weight, 0.1)
        nn.init.zeros_(model[layer].bias)
    report = whole_inspect(model, *data(40, 8))
    one, other = report.findings
    assert one.cure == other.cure
    end = [f"0: {one.label}: {one.reason}", f"2: {other.label}: {other.reason}", f"    {one.cure}"]
    assert str(report).splitlines()[-3:] == end
    with pytest.raises(AssertionError) as error:
        report.assert_healthy()
    assert str(error.value).splitlines() == end


def test_of_what_makes_modules_the_first_that_shows_a_fault_is_mended() -> None:
    built: list[int] = []

    def build() -> Any:
        built.append(torch.initial_seed())
        return spoiled() if built[-1] else mlp(8, 16, 16, 3)

    (finding,) = inspect(build, *data(40, 8), seeds=4).findings
    assert finding.reason.endswith("in 3 of 4 seeds")
    assert finding.cure == 'goodinit.torch.initialize(model, "keep", rules={"2.bias": "zeros"})'
    assert built == [0, 1, 2, 3, 1]


def test_of_batches_a_cure_says_which_inputs_it_means() -> None:
    model = sequence(nn.Embedding(20, 16), nn.Flatten(), *mlp(64, 32, 3))
    nn.init.normal_(model[0].weight, 0.0, 100.0)
    words, y = torch.randint(20, (40, 4)), data(40, 8)[1]
    (finding,) = inspect(model, DataLoader(TensorDataset(words, y), batch_size=40)).findings
    assert str(finding.cure).endswith("inputs=inputs)  # inputs: those of the first batch")
    pasted(str(finding.cure), model, words)
    assert inspect(model, words, y).findings == ()


def test_a_compiled_module_is_mended_under_its_own_names() -> None:
    model = spoiled()
    wrapped: Any = torch.compile(model, backend="eager")
    (finding,) = inspect(wrapped, *data(40, 8)).findings
    pasted(str(finding.cure), wrapped, None)
    assert inspect(model, *data(40, 8)).findings == ()


def test_a_module_that_is_one_layer_is_mended() -> None:
    model = nn.Linear(8, 3)
    nn.init.normal_(model.weight, 0.0, 100.0)
    (finding,) = inspect(model, *data(40, 8)).findings
    assert (
        finding.cure == 'goodinit.torch.initialize(model, "keep", rules={"weight": "lecun_normal"})'
    )
    pasted(finding.cure, model, None)
    assert inspect(model, *data(40, 8)).findings == ()


@given(st.text(min_size=1).filter(lambda name: "." not in name and not hasattr(nn.Module, name)))
def test_a_layers_name_is_no_code(name: str) -> None:
    line = code(Trial("keep", ((name, "he_normal"),)))
    seen: dict[str, Any] = {}

    class Goodinit:
        class torch:  # noqa: N801
            @staticmethod
            def initialize(model: Any, scheme: str, rules: dict[str, str]) -> None:
                seen.update(rules)

    exec(line, {"goodinit": Goodinit, "model": None})  # noqa: S102  # this very question
    assert seen == {name: "he_normal"}
    assert "\n" not in line


# --- What is left behind ---


def test_a_gradient_that_waits_for_its_weights_can_still_come() -> None:
    model, (x, y) = spoiled(), data(40, 8)
    cost = nn.functional.cross_entropy(model(x), y)
    before = traces(model)
    inspect(model, x, y)
    assert traces(model) == before
    cost.backward()  # type: ignore[no-untyped-call]  # raises where weights have changed since
    assert model[4].weight.grad is not None


class Lasting(nn.Module):
    """Holds what can't be copied: a tensor in the middle of a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = spoiled()
        self.held = self.inner[0].weight * 2

    def forward(self, x: Tensor) -> Any:
        return self.inner(x)


def test_a_module_that_cannot_be_copied_is_mended() -> None:
    model = Lasting()
    before = traces(model)
    (finding,) = inspect(model, *data(40, 8)).findings
    assert (
        finding.cure == 'goodinit.torch.initialize(model, "keep", rules={"inner.2.bias": "zeros"})'
    )
    assert traces(model) == before


class Fragile(nn.Module):
    """Raises when its weights are others."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = spoiled()
        self.sum = float(self.inner[2].bias.detach().sum())

    def forward(self, x: Tensor) -> Any:
        if float(self.inner[2].bias.detach().sum()) != self.sum:
            raise RuntimeError("other weights")
        return self.inner(x)


def test_a_module_that_raises_in_a_trial_is_as_it_was_and_its_finding_has_no_such_cure() -> None:
    model = Fragile()
    before = traces(model)
    (finding,) = inspect(model, *data(40, 8)).findings
    assert traces(model) == before
    assert finding.label == "dead units"
    assert "inner.2" not in (finding.cure or "")


def test_what_initialize_refuses_has_no_cure() -> None:
    model = spoiled()
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(model[0])
    (finding,) = inspect(model, *data(40, 8)).findings
    assert finding.cure is None
    assert finding.remark.startswith(NOTHING_MENDS)
