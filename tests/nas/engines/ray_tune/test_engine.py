"""The Ray engine, on Rays that are really there: one of its own, and clusters of several nodes on this machine."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import ray
from ray.cluster_utils import Cluster

from nas.early_stopping import stopping_rule
from nas.engines.local import LocalEngine
from nas.engines.packing import Packing
from nas.engines.ray_tune import hooks
from nas.engines.ray_tune.engine import RayEngine, environment
from nas.engines.ray_tune.settings import RaySettings, ray_faults
from nas.engines.serving import WorkerError
from nas.errors import CrashStreakError
from nas.ports import WorkerSpec
from nas.records import Evaluation, Failure, FailureKind, TrialState
from nas.search.driver import Driver
from run_search import main
from tests.toy_search import toy_accuracy, toy_driver, toy_worker

DRIVER = """
import sys
from pathlib import Path
from tests.toy_search import toy_driver, toy_worker
from nas.engines.ray_tune.engine import RayEngine
from nas.engines.ray_tune.settings import RaySettings
from nas.watchers.signals import ending_signals, stop_if_asked
folder = Path(sys.argv[1])
driver = toy_driver(folder, trials=6, epochs=6)
spec = toy_worker(folder / "work", waits_after=3)
with ending_signals():
    try:
        RayEngine(spec, RaySettings(max_concurrent=2), cpus=0.5, gpus=0, logs=folder / "ray").run(driver, stop_if_asked)
    except KeyboardInterrupt as stop:
        sys.exit(stop.exit_code)
"""


@contextmanager
def a_cluster(nodes: int) -> Iterator[Cluster]:
    """So many nodes of one CPU core each, beside a head that trains nothing; this process has joined."""
    with environment():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        try:
            for _ in range(nodes):
                cluster.add_node(num_cpus=1)
            ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
            cluster.wait_for_nodes()
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def run(
    driver: Driver, spec: WorkerSpec, folder: Path, watch: Callable[[], object] = lambda: None, **more: Any
) -> None:
    RayEngine(spec, RaySettings(**more), cpus=1, gpus=0, logs=folder / "ray").run(driver, watch)


def epochs_of(folder: Path) -> Counter[tuple[int, int]]:
    """How often each epoch of each trial was trained."""
    log = folder / "epochs.log"
    pairs = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return Counter((int(trial), int(epoch)) for trial, epoch in pairs)


def descendants(pid: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {pid})


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes to hold, on a machine that may be busy."""
    deadline = time.monotonic() + 240
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds


def gone(pids: list[int]) -> bool:
    return soon(lambda: not any(alive(pid) for pid in pids))


IPV4_AS_IPV6 = bytes(10) + b"\xff\xff"


def listening(pids: list[int]) -> set[str]:
    """The addresses at which these processes listen, those of IPv4 without the prefix that makes them IPv6."""
    sockets = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(str(file.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:
                words = bytes.fromhex(local.partition(":")[0])
                address = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
                found.add(str(ipaddress.ip_address(address.removeprefix(IPV4_AS_IPV6))))
    return found


def interruptible() -> None:
    """A shell starts what it puts in the background deaf to Ctrl-C, and the tests with it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_a_search_has_the_same_trials_with_either_engine_and_no_process_is_left(tmp_path: Path) -> None:
    before = set(descendants(os.getpid()))
    drivers = [toy_driver(tmp_path / engine, trials=3) for engine in ("local", "ray")]
    LocalEngine(toy_worker(tmp_path / "local"), workers=2, logs=tmp_path / "logs").run(drivers[0], lambda: None)
    run(drivers[1], toy_worker(tmp_path / "ray"), tmp_path, max_concurrent=2)
    assert drivers[1].trials == drivers[0].trials
    assert [trial.state for trial in drivers[1].trials] == [TrialState.COMPLETE] * 3
    assert gone(sorted(set(descendants(os.getpid())) - before))


@pytest.mark.slow
def test_equal_candidates_end_equally_with_either_engine(tmp_path: Path) -> None:
    """Real trainings: the same proposals, the same digits, and no process left."""
    before = set(descendants(os.getpid()))
    tables = []
    for engine in ("local", "ray"):
        output = tmp_path / engine
        flags = ["--search.sampler", "random", "--search.trials", "3", "--train.epochs", "2", "--output", str(output)]
        assert main([*flags, "--search.engine", engine, "--search.workers", "2", "--ray.max_concurrent", "2"]) == 0
        tables.append(pd.read_csv(output / "trials.csv").drop(columns=["seconds"], errors="ignore"))
    first, second = (table.filter(regex="digest|state|accuracy|macs|loss|epochs") for table in tables)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert first.shape[1] >= 4
    assert gone(sorted(set(descendants(os.getpid())) - before))


@pytest.mark.slow
def test_arrays_are_given_to_all_workers_of_a_machine_in_one_copy(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=6)
    numbers = np.arange(2_000_000)
    log = tmp_path / "work" / "arrays.log"
    spec = replace(toy_worker(tmp_path / "work", waits_after=1), arrays={"numbers": numbers})

    def let_go() -> None:
        if log.exists() and len(log.read_text().splitlines()) == 2:
            (tmp_path / "work" / "go").touch()

    run(driver, replace(spec, factory="tests.toy_search:make_reading_evaluator"), tmp_path, let_go, max_concurrent=2)
    assert Counter(trial.state for trial in driver.trials) == {TrialState.COMPLETE: 6}
    said = [json.loads(line) for line in log.read_text().splitlines()]
    assert len({each["pid"] for each in said}) == 2
    for each in said:
        assert each["sum"] == numbers.sum()
        assert not each["writeable"]
        assert each["shared"], "in the object store's mapping, not in memory of its own"


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_node_cost_no_trial_and_no_training_from_zero(tmp_path: Path) -> None:
    work = tmp_path / "work"
    driver = toy_driver(tmp_path, trials=8, epochs=6, max_losses=4)
    done: list[str] = []

    def process_of(trial: int) -> int:
        return int((work / f"{trial}.pid").read_text())

    with a_cluster(3) as cluster:

        def harm() -> None:
            """To trainings that wait half-way."""
            halfway = [trial for trial, epoch in epochs_of(work) if epoch == 2]
            if not done and halfway:
                os.kill(killed := process_of(halfway[0]), signal.SIGKILL)
                done.extend(["worker", str(killed)])
            elif len(done) == 2 and len(halfway) == 3 and process_of(halfway[0]) != int(done[1]):
                cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
                done.append("node")
                (work / "go").touch()

        run(driver, toy_worker(work, waits_after=3), tmp_path, harm)
    assert done[::2] == ["worker", "node"]
    assert Counter(trial.state for trial in driver.trials) == {TrialState.COMPLETE: 8}
    assert len({trial.candidate.digest for trial in driver.trials}) == 8
    trained = epochs_of(work)
    assert set(trained) == {(trial, epoch) for trial in range(8) for epoch in range(6)}
    # An epoch is trained again only if the fault fell between its training and its checkpoint.
    assert sum(trained.values()) <= 8 * 6 + 2
    for trial in driver.trials:
        assert isinstance(trial.outcome, Evaluation)
        assert trial.outcome.measurements["accuracy"].mean == toy_accuracy(trial.candidate)


@pytest.mark.slow
def test_rungs_failures_deaths_and_hangs_are_handled_as_by_the_local_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[float] = []
    with a_cluster(2):
        driver = toy_driver(tmp_path, trials=10)

        def now() -> float:
            """More time passes than a worker may be silent, when nobody but the one that hangs has anything to say."""
            hangs = (tmp_path / "work" / "1.pid").exists()
            if hangs and driver.handed_out == 10 and driver.in_training == {1} and not late:
                late.append(RaySettings().trial_timeout + 1)
            return time.monotonic() + sum(late)

        monkeypatch.setattr(hooks, "time", SimpleNamespace(monotonic=now))
        worker = toy_worker(tmp_path / "work", failing=(64,), deadly=(32,), hanging=(1,))
        run(driver, worker, tmp_path)
        assert late
        kinds = {}
        for trial in driver.trials:
            width = trial.candidate.architecture["width"]
            kinds[width] = trial.outcome.kind if isinstance(trial.outcome, Failure) else trial.state
        assert kinds == {
            64: FailureKind.DIVERGED,
            32: FailureKind.CRASHED,
            8: TrialState.COMPLETE,
            16: TrialState.COMPLETE,
        }
        stopped = toy_driver(
            tmp_path / "stopped", trials=20, epochs=9, stopping=stopping_rule("bound", 0), sampler="random"
        )
        run(stopped, toy_worker(tmp_path / "stopped" / "work"), tmp_path)
        states = Counter(trial.state for trial in stopped.trials if trial.reused_from is None)
        assert states[TrialState.STOPPED] > 0
        assert states[TrialState.STOPPED] + states[TrialState.COMPLETE] == 20
        for trial in stopped.trials:
            if trial.state is TrialState.STOPPED:
                assert isinstance(trial.outcome, Evaluation)
                assert trial.outcome.epochs < 9
        with pytest.raises(WorkerError, match="no_such_function"):
            run(toy_driver(tmp_path / "none"), WorkerSpec(factory="tests.toy_search:no_such_function"), tmp_path)
        with pytest.raises(WorkerError, match=r"2 CPU cores and 0 GPUs.*takes 1 .*and 2 \(--ray.gpus_per_trial\)"):
            RayEngine(worker, RaySettings(), cpus=1, gpus=2, logs=tmp_path).run(toy_driver(tmp_path / "gpu"), print)


@pytest.mark.slow
def test_workers_that_die_one_after_the_other_stop_the_search_and_the_next_start_goes_on(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with a_cluster(2):
        driver = toy_driver(tmp_path, trials=6, max_losses=1)
        deadly = toy_worker(work, deadly=(8, 16, 32, 64), dies_of=signal.SIGSEGV)
        told = r"^trials \d, \d and \d crashed .*\(the worker process died \(SIGSEGV: Segmentation fault\)\)"
        with pytest.raises(CrashStreakError, match=told):
            run(driver, deadly, tmp_path)
        assert {trial.state for trial in driver.trials} == {TrialState.RUNNING}
        assert len(driver.trials) <= 4
        driver.close()
        driver = toy_driver(tmp_path, trials=6)
        run(driver, toy_worker(work), tmp_path)
        assert Counter(trial.state for trial in driver.trials) == {TrialState.COMPLETE: 6}
        killed = toy_driver(tmp_path / "killed", trials=1)
        run(killed, toy_worker(tmp_path / "killed" / "work", deadly=(8,)), tmp_path)
        assert isinstance(killed.trials[0].outcome, Failure)
        assert killed.trials[0].outcome.message == "the worker process died (killed, or its machine is gone)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "to_all", "code"),
    [
        (signal.SIGKILL, False, -9),
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, False, 143),
        (signal.SIGTERM, True, 143),
        (signal.SIGHUP, True, 129),
    ],
)
def test_a_driver_that_ends_leaves_nothing_behind_and_any_engine_continues_its_study(
    tmp_path: Path, ending: signal.Signals, to_all: bool, code: int
) -> None:
    """Told to end alone, as by Kubernetes, or with all that it has started, as by Slurm, systemd and a terminal that is closed."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    (temporary := tmp_path / "temporary").mkdir()
    with (tmp_path / "driver.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(temporary), "RAY_TMPDIR": "/tmp"},
            stderr=log,
            preexec_fn=interruptible,
            start_new_session=True,
        )
    assert soon(lambda: sum(epochs_of(tmp_path / "work").values()) == 6), "two trainings wait half-way"
    started = descendants(process.pid)
    assert any("raylet" in Path(f"/proc/{pid}/cmdline").read_text() for pid in started if alive(pid))
    assert list(temporary.glob("shufflenas-*"))
    assert listening([process.pid, *started]) == {"127.0.0.1"}, "nobody but this machine reaches it"
    if to_all:
        os.killpg(process.pid, ending)
    else:
        process.send_signal(ending)
    process.wait()
    assert process.returncode == code, (tmp_path / "driver.log").read_text()
    assert gone(started), "Ray ends with its driver"
    assert soon(lambda: not list(temporary.glob("shufflenas-*")))
    driver = toy_driver(tmp_path, trials=6, epochs=6)
    assert not driver.finished
    assert len(driver.trials) == 2
    LocalEngine(toy_worker(tmp_path / "work"), workers=2, logs=tmp_path / "logs").run(driver, lambda: None)
    assert Counter(trial.state for trial in driver.trials) == {TrialState.COMPLETE: 6}
    trained = epochs_of(tmp_path / "work")
    assert set(trained) == {(trial, epoch) for trial in range(6) for epoch in range(6)}
    assert sum(trained.values()) <= 6 * 6 + 2


def test_a_worker_is_not_silent_while_the_driver_listens_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it renews a large report."""
    clock = [1000.0]
    killed: list[object] = []
    monkeypatch.setattr(hooks, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(hooks, "ray", SimpleNamespace(kill=killed.append))
    busy = [60.0]

    def on_event() -> None:
        clock[0] += busy[0]

    bridge = hooks.TuneBridge(toy_driver(tmp_path, trials=2), Packing(), lambda: 1, 10.0, on_event)
    assert bridge.next_task("a") is not None
    trial = SimpleNamespace(trial_id="a", temporary_state=SimpleNamespace(ray_actor="actor"))
    controller: Any = SimpleNamespace(get_live_trials=lambda: [trial])
    bridge.look(controller)
    assert killed == []
    busy[0] = 0.0
    clock[0] += 11
    bridge.look(controller)
    assert killed == ["actor"]


def test_settings_out_of_range_are_told_in_words() -> None:
    wrong = RaySettings(gpus_per_trial=1.5, cpus_per_trial=0, max_concurrent=0, trial_timeout=0)
    assert [fault.split(":")[0] for fault in ray_faults(wrong)] == [
        "--ray.gpus_per_trial", "--ray.cpus_per_trial", "--ray.max_concurrent", "--ray.trial_timeout",
    ]  # fmt: skip
    assert ray_faults(RaySettings(gpus_per_trial=0.25)) == []


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=2)
    with pytest.raises(WorkerError, match=r"--ray.address: cannot reach a Ray cluster at 127.0.0.1:1: .*refused"):
        run(driver, toy_worker(tmp_path / "work"), tmp_path, address="127.0.0.1:1")
