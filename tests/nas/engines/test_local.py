import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from nas.engines.local import LocalEngine
from nas.engines.serving import WorkerError
from nas.errors import CrashStreakError, OutputError
from nas.ports import WorkerSpec
from nas.records import Evaluation, Failure, FailureKind, TrialState
from tests.toy_search import ToySpace, toy_accuracy, toy_driver, toy_worker

DRIVER = """
import sys
from pathlib import Path
from tests.toy_search import toy_driver, toy_worker
from nas.engines.local import LocalEngine
folder = Path(sys.argv[1])
driver = toy_driver(folder, trials=8, epochs=4)
LocalEngine(toy_worker(folder / "work", epoch_seconds=0.05), workers=2, logs=folder / "logs").run(driver, lambda: None)
print("finished", flush=True)
"""


def nothing() -> None:
    pass


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().split(")")[-1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_a_search_in_processes_ends_with_what_the_evaluator_says(tmp_path: Path, workers: int) -> None:
    driver = toy_driver(tmp_path, trials=8)
    LocalEngine(toy_worker(tmp_path / "work"), workers=workers, logs=tmp_path / "logs").run(driver, nothing)
    trained = [trial for trial in driver.trials if trial.state is TrialState.COMPLETE]
    assert len(trained) == 8
    for trial in trained:
        assert isinstance(trial.outcome, Evaluation)
        assert trial.outcome.measurements["accuracy"].mean == toy_accuracy(trial.candidate)
    assert children(os.getpid()) == []


def test_a_failing_and_a_killed_worker_are_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=10)
    worker = toy_worker(tmp_path / "work", failing=(64,), deadly=(32,))
    LocalEngine(worker, workers=2, logs=tmp_path / "logs").run(driver, nothing)
    kinds = {}
    for trial in driver.trials:
        width = trial.candidate.architecture["width"]
        kinds[width] = trial.outcome.kind if isinstance(trial.outcome, Failure) else trial.state
    assert kinds[64] is FailureKind.DIVERGED
    assert kinds[32] is FailureKind.CRASHED
    assert kinds[8] is kinds[16] is TrialState.COMPLETE


@pytest.mark.parametrize(
    ("workers", "dies_of", "told"),
    [(1, signal.SIGSEGV, "SIGSEGV: Segmentation fault"), (2, signal.SIGKILL, "SIGKILL; when the machine")],
)
def test_workers_that_die_one_after_the_other_stop_the_search_and_the_next_start_goes_on(
    tmp_path: Path, workers: int, dies_of: signal.Signals, told: str
) -> None:
    every = toy_worker(tmp_path / "work", deadly=(8, 16, 32, 64), dies_of=dies_of)
    driver = toy_driver(tmp_path, trials=6, max_losses=1)
    with pytest.raises(CrashStreakError, match=rf"^trials \d, \d and \d crashed .*\(the worker process died \({told}"):
        LocalEngine(every, workers=workers, logs=tmp_path / "logs").run(driver, nothing)
    assert {trial.state for trial in driver.trials} == {TrialState.RUNNING}
    assert len(driver.trials) <= 2 + workers
    assert children(os.getpid()) == []
    driver.close()
    driver = toy_driver(tmp_path, trials=6)
    LocalEngine(toy_worker(tmp_path / "work"), workers=workers, logs=tmp_path / "logs").run(driver, nothing)
    assert Counter(trial.state for trial in driver.trials) == {TrialState.COMPLETE: 6}


def test_a_worker_that_dies_of_a_fault_leaves_in_its_log_where_that_was(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=1)
    worker = toy_worker(tmp_path / "work", deadly=(8,), dies_of=signal.SIGSEGV)
    LocalEngine(worker, workers=1, logs=tmp_path / "logs").run(driver, nothing)
    log = (tmp_path / "logs" / "worker-0.log").read_text()
    assert "Segmentation fault" in log
    assert "toy_search.py" in log
    assert "in evaluate" in log


def test_an_evaluator_that_raises_for_each_candidate_stops_the_search_with_the_exceptions_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_evaluator.py").write_text(
        "class Evaluator:\n"
        "    def evaluate(self, task, progress):\n"
        "        raise ValueError('no such kernel:\\nconv')\n"
        "def make():\n    return Evaluator()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    driver = toy_driver(tmp_path, trials=8)
    told = r"trials 0, 1 and 2 crashed .*\(ValueError: no such kernel: conv \(broken_evaluator.py, line 3\)\)"
    with pytest.raises(CrashStreakError, match=told):
        LocalEngine(WorkerSpec(factory="broken_evaluator:make"), workers=1, logs=tmp_path / "logs").run(driver, nothing)
    assert {trial.state for trial in driver.trials} == {TrialState.RUNNING}


def test_a_worker_that_cannot_start_ends_the_search_with_its_reason(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=2)
    spec = WorkerSpec(factory="tests.toy_search:no_such_function")
    with pytest.raises(WorkerError, match="no_such_function"):
        LocalEngine(spec, workers=1, logs=tmp_path / "logs").run(driver, nothing)


def test_an_interrupt_leaves_no_process_and_the_trials_running(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=4)
    calls = 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise KeyboardInterrupt

    worker = toy_worker(tmp_path / "work", epoch_seconds=0.3)
    with pytest.raises(KeyboardInterrupt):
        LocalEngine(worker, workers=2, logs=tmp_path / "logs").run(driver, interrupt)
    assert children(os.getpid()) == []
    assert TrialState.RUNNING in {trial.state for trial in driver.trials}


def trained(folder: Path) -> list[str]:
    """A line an epoch."""
    log = folder / "work" / "epochs.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.slow
def test_a_driver_killed_at_random_moments_loses_and_repeats_nothing(tmp_path: Path) -> None:
    draw = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    kills = 0
    while True:
        with (tmp_path / "driver.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(tmp_path)], env=environment, stdout=subprocess.PIPE, stderr=log
            )
        workers: list[int] = []
        if kills < 4:
            begun = trained(tmp_path)
            while trained(tmp_path) == begun and process.poll() is None:
                time.sleep(0.01)
            time.sleep(draw.uniform(0.0, 0.1))
            workers = children(process.pid)
            process.kill()
            kills += 1
        output, _ = process.communicate()
        deadline = time.monotonic() + 240
        while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(pid) for pid in workers), "workers end with their driver"
        if b"finished" in output:
            break
    driver = toy_driver(tmp_path, trials=8, epochs=4)
    assert driver.finished
    assert Counter(trial.state for trial in driver.trials)[TrialState.COMPLETE] == 8
    assert len({trial.candidate.digest for trial in driver.trials}) == 8
    epochs = Counter(tuple(line.split()) for line in trained(tmp_path))
    assert {(str(t), str(e)) for t in range(8) for e in range(4)} == set(epochs)
    # An epoch is trained again only if the kill fell between its training and its checkpoint.
    assert sum(epochs.values()) <= 8 * 4 + 2 * kills


def test_the_worker_protocol_keeps_what_a_library_prints_out_of_the_replies(tmp_path: Path) -> None:
    (tmp_path / "noisy_factory.py").write_text(
        "from tests.toy_search import make_toy_evaluator\n"
        "def make(**arguments):\n    print('hello from a library')\n    return make_toy_evaluator(**arguments)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *(entry for entry in sys.path if entry)]),
    }
    arguments = toy_worker(tmp_path / "work").arguments
    task = toy_driver(tmp_path, trials=1, space=ToySpace()).next_task()
    assert task is not None
    lines = [json.dumps({"factory": "noisy_factory:make", "arguments": dict(arguments)}), json.dumps(task.to_json())]
    process = subprocess.Popen(
        [sys.executable, "-m", "nas.engines.worker_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write("\n".join(lines) + "\n")
    process.stdin.flush()
    replies = [json.loads(process.stdout.readline()) for _ in range(5)]
    process.communicate()
    assert [reply["kind"] for reply in replies] == ["ready", "progress", "progress", "progress", "outcome"]


def test_a_worker_killed_inside_a_line_is_seen_as_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_line.py").write_text(
        "import os\n"
        "class Evaluator:\n"
        "    def evaluate(self, task, progress):\n"
        "        for descriptor in range(3, 10):\n"
        "            try:\n"
        '                os.write(descriptor, b\'{"kind": "outco\')\n'
        "            except OSError:\n"
        "                pass\n"
        "        os._exit(1)\n"
        "def make():\n    return Evaluator()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    driver = toy_driver(tmp_path, trials=1)
    LocalEngine(WorkerSpec(factory="half_line:make"), workers=1, logs=tmp_path / "logs").run(driver, nothing)
    assert isinstance(driver.trials[0].outcome, Failure)
    assert driver.trials[0].outcome.kind is FailureKind.CRASHED


def test_an_error_that_is_not_the_candidates_stops_the_search_and_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no_images.py").write_text(
        "from nas.errors import DataError\n"
        "class Evaluator:\n"
        "    def evaluate(self, task, progress):\n"
        "        raise DataError('the images are gone')\n"
        "def make():\n    return Evaluator()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    driver = toy_driver(tmp_path, trials=3)
    with pytest.raises(WorkerError, match="the images are gone"):
        LocalEngine(WorkerSpec(factory="no_images:make"), workers=1, logs=tmp_path / "logs").run(driver, nothing)
    assert {trial.state for trial in driver.trials} == {TrialState.RUNNING}


def test_a_file_of_the_users_does_not_shadow_a_module_of_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise ImportError('shadowed')")
    monkeypatch.chdir(tmp_path)
    driver = toy_driver(tmp_path, trials=2)
    LocalEngine(toy_worker(tmp_path / "work"), workers=1, logs=tmp_path / "logs").run(driver, nothing)
    assert driver.finished


def test_logs_that_cannot_be_written_are_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(OutputError, match="cannot make the folder"):
        LocalEngine(toy_worker(tmp_path / "work"), workers=1, logs=tmp_path / "logs").run(toy_driver(tmp_path), nothing)
