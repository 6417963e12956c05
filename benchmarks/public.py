"""What users call: the shell's command, the first time on a machine and again, and where time goes.

Each run is a process of its own. Seconds that the processors worked are what is compared: other
programs disturb them less than seconds that passed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

from cases import CASES, SHARED
from clock import QUICK, Effort, console, table
from peers import PEERS

Judge = Callable[..., None]
Laps = dict[str, tuple[float, float]]  # seconds that passed, that the processors worked

WHOLE, STARTING = "in all, and starting Python", "starting Python, and what is left"
MEASURING = ("measuring", "measuring sharpness")
COMPARING = ("keeping", "training", *MEASURING)
PHOTOGRAPHS, NETWORKS, ITERATIONS = SHARED / "data" / "cats_vs_dogs", 20, 1000
_HE = ["--init", "he_normal", "--seeds", f"{NETWORKS}"]
_SHORT = ["--iterations", f"{ITERATIONS}", "--learning-rate", "0.0075", "--test-fraction", "0"]
COMMANDS = {
    "circles": ["circles"],
    "digits": ["digits", "--hidden", "64", "--learning-rate", "0.1", *_HE],
    "photographs": [f"{PHOTOGRAPHS}", "--hidden", "5,5", "--activation", "tanh", *_SHORT, *_HE],
}


def run(arguments: list[str], compiled: str | None = None) -> Laps:
    """Run ``goodinit compare`` with ``--out``, in an empty folder.

    Parameters
    ----------
    arguments : list of str
    compiled : str, optional
        Where machine code is kept, if not where it usually is.
    """
    environment = dict(os.environ) | ({"NUMBA_CACHE_DIR": compiled} if compiled else {})
    code = "from goodinit.__main__ import main; main()"
    command = [sys.executable, "-c", code, "compare", *arguments, "--out", "kept", "--timing"]
    with tempfile.TemporaryDirectory() as folder:
        begin, before = time.perf_counter(), _children()
        done = subprocess.run(  # noqa: S603  # ourselves
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        whole = time.perf_counter() - begin, _children() - before
    _, lines = done.stderr.split("processors worked\n")
    rows = [line.split(None, 2) for line in lines.splitlines()]
    laps = {name: (float(passed), float(worked)) for passed, worked, name in rows}
    inside = laps.pop("in all")
    return laps | {STARTING: (whole[0] - inside[0], whole[1] - inside[1]), WHOLE: whole}


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def first_and_second(effort: Effort, judge: Judge) -> None:
    """Run ``goodinit compare circles --out`` where nothing is compiled yet, and again."""
    firsts, seconds = [], []
    for _ in range(1 if effort is QUICK else 3):
        with tempfile.TemporaryDirectory() as compiled:
            firsts.append(run(COMMANDS["circles"], compiled))
            seconds.append(run(COMMANDS["circles"], compiled))
    report = table(
        "goodinit compare circles --out circles: seconds",
        *("", "first run: passed", "worked", "second run: passed", "worked"),
    )
    for lap in firsts[0]:
        of = [[once[lap][kind] for once in runs] for runs in (firsts, seconds) for kind in (0, 1)]
        numbers = [f"{median(each):.2f}" for each in of]
        report.add_row(lap, *numbers, end_section=lap == STARTING)
    console.print(report)
    first, second = (median(once[WHOLE][1] for once in runs) for runs in (firsts, seconds))
    judge("goodinit compare circles: first run ÷ second", first / second, most=1.6)
    drawing = median(once["pictures, tables, report"][1] for once in seconds)
    judge("goodinit compare circles: s for pictures, tables, report", drawing, most=2)


def shares(effort: Effort, judge: Judge) -> None:
    """Say which share of ``compare``'s time is measuring, and how photographs do."""
    report = table(
        f"goodinit compare, he_normal, {NETWORKS} seeds (circles: six initializers): s worked",
        *("data", "training", "costs, signals", "sharpness", "rest of compare", "measuring"),
    )
    commands = COMMANDS if PHOTOGRAPHS.is_dir() else list(COMMANDS)[:2]
    passed = {}
    for name in commands:
        run(COMMANDS[name])
        runs = [run(COMMANDS[name]) for _ in range(1 if effort is QUICK else 3)]
        worked = {lap: median(once[lap][1] for once in runs) for lap in COMPARING}
        passed[name] = median(once[WHOLE][0] for once in runs)
        share = sum(worked[lap] for lap in MEASURING) / sum(worked.values())
        seconds = (worked[lap] for lap in ("training", *MEASURING, "keeping"))
        report.add_row(name, *(f"{each:.2f}" for each in seconds), f"{share:.1%}")
        judge(f"{name}: share of measuring in compare", share, most=0.1)
    console.print(report)
    if "photographs" in passed:
        article = PEERS["the article's NumPy"].make(CASES["photographs"].study(1))
        article.advance(5)
        begin = time.perf_counter()
        article.advance(50)
        theirs = (time.perf_counter() - begin) / 50 * ITERATIONS * NETWORKS
        console.print(
            f"photographs: {passed['photographs']:.1f} s for the whole command, imports, decoding, "
            f"QR, pictures and all; the article's code {theirs:.0f} s for its iterations.\n"
        )
        ratio = theirs / passed["photographs"]
        judge("photographs, K = 20: the article ÷ the whole command", ratio, least=100)
