"""How long a study is said to take, and when that is said before it goes on."""

from dataclasses import dataclass, field

import pytest

import goodinit as gi
from goodinit.errors import LongRunWarning
from goodinit.running import pace as pace_module
from goodinit.running.compare import run
from goodinit.running.pace import Pace, State
from goodinit.study.grid import Training, plan

BEND = "measuring sharpness"
WORK = {"training": 1000, "measuring": 11, BEND: 4}
SECONDS = {"training": 0.01, "measuring": 0.5, BEND: 20.0}  # of a unit
LOOKS = (0, 100, 400, 1000)  # the iterations at which sharpness is measured


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watcher:
    states: list[State] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def tell(self, state: State) -> None:
        self.states.append(state)

    def warn(self, line: str) -> None:
        self.lines.append(line)


def imitate(
    trials: int, batch: int, work: dict[str, int] = WORK, bend: float = SECONDS[BEND]
) -> tuple[list[tuple[float, float]], Watcher, float]:
    """Go through a study whose costs are known; return what was said to be left, at which time."""
    clock, watcher = Clock(), Watcher()
    said: list[tuple[float, float]] = []

    pace = Pace(trials, 0, work, lambda done, total: None, watcher, clock=clock)

    def spend(kind: str, units: int) -> None:
        if kind in work and kind != "training":
            pace.stage(kind, 0)
        clock.now += (SECONDS | {BEND: bend})[kind] * units
        if kind == "training":
            pace.advance(units)
        elif kind in work:
            pace.stage(kind, units)
        if (left := watcher.states[-1].seconds_left if watcher.states else None) is not None:
            said.append((clock.now, left))

    for _ in range(trials // batch):
        for iteration in range(0, 1001, 100):
            if iteration:
                spend("training", 100 * batch)
            spend("measuring", batch)
            if iteration in LOOKS:
                spend(BEND, batch)
        clock.now += 0.01 * batch
        pace.finish(batch)
    return said, watcher, clock.now


def test_the_time_left_is_right_from_the_first_segment_on_though_sharpness_comes_early() -> None:
    said, watcher, end = imitate(trials=60, batch=20)
    assert said[0][0] < 0.25 * end
    for at, left in said:
        assert at + left == pytest.approx(end, rel=0.01)
    assert watcher.states[-1].trials_done == 60
    assert watcher.states[-1].share == pytest.approx(1)
    assert {state.doing for state in watcher.states} >= set(WORK)


def test_where_only_training_is_reported_the_start_of_a_batch_is_not_taken_for_it() -> None:
    said, _, end = imitate(trials=60, batch=20, work={"training": 1000}, bend=2.0)
    assert said[0][0] + said[0][1] < 2 * end


def test_a_long_study_says_once_how_long_it_takes_and_what_of_it_is_sharpness() -> None:
    _, watcher, end = imitate(trials=60, batch=20)
    (line,) = watcher.lines
    minutes = int(line.split("about ")[1].split(" minutes")[0])
    assert 60 * minutes == pytest.approx(end, rel=0.3)
    assert "for 60 trials" in line
    share = 60 * 4 * SECONDS[BEND] / end
    said = int(line.split(", ")[1].split("%")[0]) / 100
    assert said == pytest.approx(share, abs=0.1)


def test_a_short_study_says_nothing() -> None:
    _, watcher, _ = imitate(trials=1, batch=1, work=WORK | {"training": 1000})
    assert watcher.lines == []


def test_kept_trials_count_as_done_and_cost_no_time() -> None:
    clock = Clock()
    seen: list[tuple[int, int]] = []
    watcher = Watcher()
    pace = Pace(10, 8, {"training": 5}, lambda *of: seen.append(of), watcher, clock=clock)
    for _ in range(5):
        clock.now += 1
        pace.advance(2)
    pace.finish(2)
    assert seen[-1] == (50, 50)
    assert watcher.states[0].trials_done == 8
    assert watcher.states[-1].trials_done == 10


def test_a_study_tells_its_watcher_every_kind_of_work_and_every_trial() -> None:
    study = plan(
        gi.datasets.circles(),
        initializers=["zeros", "he"],
        hidden=(4,),
        activation="relu",
        learning_rate=0.01,
        seeds=3,
        training=Training(iterations=60),
    )
    watcher = Watcher()
    run(study, watch=watcher)
    assert {"training", "measuring", BEND} <= {s.doing for s in watcher.states}
    assert watcher.states[-1].trials_done == 6
    assert watcher.states[-1].seconds_left == pytest.approx(0, abs=1e-9)


def test_from_python_a_long_study_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "_LONG", 0.0)
    with pytest.warns(LongRunWarning, match="this takes about .* for 2 trials"):
        gi.compare("circles", initializers="he", iterations=50, seeds=2)
