"""Do to random studies what disks, users and clusters do to them, and count what is lost: nothing.

Each study is run in a folder by processes that are killed, interrupted or out of disk at random
moments, and parts of its folder are truncated, altered or deleted between them. It is gone on with
until it is finished, and then compared with one that nothing happened to, bit for bit. Where
`distributed` is installed, some are run by a cluster on this machine, a worker of which is killed.

Run as `python benchmarks/soak.py [--minutes 5] [--seed 0]`; it exits with 1 if anything was lost.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import goodinit as gi
from goodinit.errors import ArgumentError, StudyStoppedError
from goodinit.measuring.tables import TABLES, trials_of
from goodinit.running import batches
from goodinit.store.parts import NETWORKS, find_parts

FINISHED, INTERRUPTED, STOPPED, REFUSED = 0, 130, 3, 2  # how a life may end, unless it is killed
KILLED = -signal.SIGKILL
LIMIT = "file-size limit"
FAULTS = {
    "SIGKILL": {FINISHED, KILLED},
    "SIGINT": {FINISHED, INTERRUPTED},
    LIMIT: {FINISHED, STOPPED, REFUSED},
    "none": {FINISHED},
}
DAMAGES = ("truncated file", "altered byte", "deleted file")
WORKER = "killed worker"

processes = get_context("forkserver")


def random_study(choose: random.Random) -> dict[str, Any]:
    """Return what to compare."""
    schemes = ["zeros", "he_normal", "glorot_uniform", "normal(std=10)", "orthogonal"]
    data = choose.choice(["circles", "moons", "iris", "wine"])
    return {
        "data": data,
        "initializers": choose.sample(schemes, choose.randint(1, 3)),
        "hidden": choose.choice([(), (4,), (10, 5)]),
        "activation": choose.choice(["relu", "tanh"]),
        "learning_rate": choose.choice([0.01, [0.1, 0.001]]),
        "iterations": choose.randint(1, 200),
        "seeds": choose.randint(4, 16),
        "optimizer": choose.choice(["gradient_descent", "momentum", "adam"]),
        "batch_size": choose.choice([None, 16]),
        "dtype": choose.choice(["float64", "float32"]),
        "record": choose.randint(1, 8),
        "keep_networks": choose.random() < 0.5,
    }


def live(study: dict[str, Any], out: Path, batch: int, limit: int | None, told: Any) -> None:
    """Go on with a study in a process of its own, in batches of so many trials."""
    os._exit(_code(study, out, batch, limit, told))


def _code(study: dict[str, Any], out: Path, batch: int, limit: int | None, told: Any) -> int:
    in_batches_of(batch)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        told.send_bytes(b"ready")
        result = gi.compare(**study, out=out)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (StudyStoppedError, ArgumentError) as error:
        if limit is None or "\n" in str(error) or "File too large" not in str(error):
            sys.stderr.write(f"{error}\n")
            return 1
        return STOPPED if isinstance(error, StudyStoppedError) else REFUSED
    return INTERRUPTED if result.interrupted else FINISHED


def in_batches_of(size: int) -> None:
    """Have this process make batches of so many trials."""
    batches._batches = (
        lambda study, trials, most: (  # the sizes of real ones take too long
            tuple(trials[i : i + size]) for i in range(0, len(trials), size)
        )
    )


def suffer(study: dict[str, Any], out: Path, fault: str, choose: random.Random) -> int:
    """Run a study in another process, with a fault, and return how it ended."""
    reader, told = processes.Pipe(duplex=False)
    limit = choose.randint(500, 12_000) if fault == LIMIT else None
    process = processes.Process(target=live, args=(study, out, choose.randint(1, 6), limit, told))
    process.start()
    told.close()
    reader.recv_bytes()
    if fault in {"SIGKILL", "SIGINT"}:
        process.join(choose.expovariate(1 / 0.4))  # seconds
        if process.is_alive():
            os.kill(process.pid or 0, signal.Signals[fault])
    process.join()
    return process.exitcode or 0


def damage(out: Path, how: str, choose: random.Random) -> bool:
    """Damage a random file of a part, and return whether there was one."""
    paths = [path for kind in (*TABLES, NETWORKS) for path in sorted((out / kind).glob("[0-9]*"))]
    if not paths:
        return False
    path = choose.choice(paths)
    content = bytearray(path.read_bytes())
    where = choose.randrange(len(content))
    if how == "deleted file":
        path.unlink()
    elif how == "truncated file":
        path.write_bytes(content[:where])
    else:
        content[where] ^= choose.randint(1, 255)
        path.write_bytes(content)
    return True


def held(study: dict[str, Any], out: Path) -> list[Any]:
    """Return the trials of the parts of a folder that are whole."""
    networks = study["keep_networks"] or study["data"] in {"circles", "moons"}
    found = find_parts(out, (*TABLES, NETWORKS) if networks else TABLES)
    return [trial for part in found.whole for trial in trials_of(part)]


def differences(one: gi.Comparison, other: gi.Comparison) -> list[str]:
    """Return in which tables two comparisons differ, and be it by a bit."""
    differ = [name for name in TABLES if not getattr(one, name).equals(getattr(other, name))]
    for trial in one.networks:
        for layer, twin in zip(one.networks[trial], other.networks[trial], strict=True):
            if not all(map(np.array_equal, layer, twin)):
                differ.append(f"the network of {trial}")
    return differ


class Count:
    """What was tried, and what was lost."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.repeated = 0
        self.studies = 0
        self.trials = 0
        self.wrong: list[str] = []

    def lose(self, fault: str, what: str) -> None:
        """Remember a loss."""
        self.lost[fault] += 1
        self.wrong.append(f"{fault}: {what}")

    def print(self) -> None:
        """Print a small table, and what went wrong in front of it."""
        for line in self.wrong:
            print(line)
        print(f"{'fault':<18}{'tried':>8}{'lost':>8}")
        for fault in (*FAULTS, *DAMAGES, WORKER):
            print(f"{fault:<18}{self.tried[fault]:>8,}{self.lost[fault]:>8,}")
        print(
            f"{self.studies:,} studies of {self.trials:,} trials, each compared bit for bit with "
            f"one that nothing happened to: {len(self.wrong)} differences or losses"
        )


def soak_study(choose: random.Random, home: Path, count: Count) -> None:
    """Have everything happen to one study until it is finished, and compare it."""
    study = random_study(choose)
    expected = gi.compare(**study)
    out, fault = home / "study", "none"
    before: set[Any] = set()
    for life in range(200):
        fault = choose.choice(list(FAULTS)[:-1]) if life < 25 else "none"
        count.tried[fault] += 1
        code = suffer(study, out, fault, choose)
        if code not in FAULTS[fault]:
            count.lose(fault, f"ended with {code}: {study}")
        now = held(study, out)
        if not before <= set(now):
            count.lose(fault, f"results that were kept are gone: {study}")
        if len(now) != len(set(now)):
            count.lose(fault, f"a trial was kept twice: {study}")
        if code == FINISHED and choose.random() < 0.5:
            break
        if choose.random() < 0.4:
            how = choose.choice(DAMAGES)
            count.tried[how] += damage(out, how, choose)
        before = set(held(study, out))
    finish(study, expected, out, count, fault)


def finish(
    study: dict[str, Any], expected: gi.Comparison, out: Path, count: Count, fault: str
) -> None:
    """Go on with a study to its end, and compare what it is with what it should be."""
    result = gi.compare(**study, out=out)
    for found in (result, gi.load(out)):
        if differ := differences(expected, found):
            count.lose(fault, f"{', '.join(differ)} differ: {study}")
    count.studies += 1
    count.trials += len(expected.trials)


@contextmanager
def dask_process(home: Path, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a scheduler or a worker, and end it."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *words]
    with (home / f"{name}.log").open("a") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603  # our own command
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def soak_cluster(choose: random.Random, home: Path, count: Count) -> None:
    """Run a study on a cluster of two workers, one of which is killed; it is to finish."""
    study = random_study(choose) | {"seeds": 40}
    expected, out, said = gi.compare(**study), home / "study", home / "scheduler.json"
    with ExitStack() as stack:
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        words += ["--scheduler-file", str(said)]
        stack.enter_context(dask_process(home, "scheduler", *words))
        while not (said.exists() and said.read_text().strip().endswith("}")):
            time.sleep(0.05)
        address = json.loads(said.read_text())["address"]
        words = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--local-directory", str(home)]
        workers = [stack.enter_context(dask_process(home, "worker", *words)) for _ in range(2)]
        reader, told = processes.Pipe(duplex=False)
        process = processes.Process(target=live_on_cluster, args=(study, out, address, told))
        process.start()
        told.close()
        reader.recv_bytes()
        process.join(choose.uniform(0, 1.5))
        count.tried[WORKER] += 1
        workers[0].kill()
        process.join()
    if process.exitcode != FINISHED:
        count.lose(WORKER, f"ended with {process.exitcode}: {study}")
    finish(study, expected, out, count, WORKER)


def live_on_cluster(study: dict[str, Any], out: Path, address: str, told: Any) -> None:
    """Run a study on a cluster, in batches of two trials."""
    from goodinit.running.cluster import Cluster

    in_batches_of(2)
    with Cluster(address) as cluster:
        cluster._client.wait_for_workers(2)
        told.send_bytes(b"ready")
        gi.compare(**study, out=out, executor=cluster)


def main() -> None:
    """Soak for some minutes, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    processes.set_forkserver_preload([Path(__file__).stem])
    count, choose = Count(), random.Random(asked.seed)  # noqa: S311  # no secrets
    end = time.monotonic() + 60 * asked.minutes
    cluster = find_spec("distributed") is not None
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory() as home:
            soak = soak_cluster if cluster and count.studies % 4 == 3 else soak_study
            soak(choose, Path(home), count)
    count.print()
    sys.exit(bool(count.wrong))


if __name__ == Path(__file__).stem:  # in the process that every life is forked from
    gi.compare("circles", iterations=2, seeds=1)  # imports and compiles what they need

if __name__ == "__main__":
    main()
