"""Kills workers and drivers of a search on Ray at random moments, and counts what that costs.

    python -m benchmarks.faults [--trials 60] [--kills 30] [--seed 0] [--output runs/faults]

The search is the quickstart with short trainings, two workers of a core each. A killed driver is started again by the same
command. It prints the numbers of trials that were lost, trained twice and left running (each must be 0), and the epochs
that were trained in addition to those of the trials.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.command import command
from evaluator.machine import this_machine
from nas.engines.ray_tune.reaper import ray_of
from nas.errors import OutputError
from nas.ports import Evaluator, Tell
from nas.records import Outcome, Progress, Task, TrialState

EPOCHS = 6
WAIT = (4.0, 12.0)
"""Least and most seconds between two kills; with the time that Ray takes to start, this is a few epochs."""
DRIVERS = 0.3
"""Share of the kills that hit the driver."""


class Logged:
    """An evaluator that wraps another one and notes every epoch that is trained in a file."""

    def __init__(self, evaluator: Evaluator, log: str) -> None:
        self._evaluator = evaluator
        self._log = Path(log)

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Evaluates as the wrapped evaluator does."""

        def tell(at: Progress) -> bool | None:
            with self._log.open("a") as log:
                log.write(f"{at.trial} {at.epochs}\n")
            return progress(at)

        return self._evaluator.evaluate(task, tell)


def make_evaluator(log: str, **arguments: Any) -> Evaluator:
    """The search's own evaluator, which logs."""
    from image_search.worker import make_evaluator as make

    return Logged(make(**arguments), log)


def drive(output: Path, trials: int) -> int:
    """Runs or continues the search in this process; returns how many trials have not ended as they should."""
    from image_search.command_line import read_settings
    from image_search.plan import Plan
    from image_search.run import study_of
    from nas.engines.ray_tune.engine import RayEngine
    from nas.engines.ray_tune.settings import RaySettings
    from nas.output.folder import OutputFolder
    from nas.search.assembly import assemble_driver

    flags = ["--search.trials", str(trials), "--train.epochs", str(EPOCHS), "--search.stopping", "none"]
    with OutputFolder(output / "search") as folder:
        settings = read_settings([*flags, "--output", str(folder.path)])[0]
        plan = Plan(settings)
        study = study_of(plan, folder)
        driver = assemble_driver(settings.search, study, plan.problem, EPOCHS, max_losses=1000)
        spec = plan.worker_spec(folder.checkpoints.resolve())
        spec = replace(
            spec,
            factory="benchmarks.faults:make_evaluator",
            arguments={**spec.arguments, "log": str((output / "epochs.log").resolve())},
        )
        RayEngine(spec, RaySettings(max_concurrent=2), cpus=1, gpus=0, logs=folder.logs).run(driver, lambda: None)
        states = Counter(trial.state for trial in driver.trials)
        digests = Counter(
            trial.candidate.digest for trial in driver.trials if trial.state in (TrialState.COMPLETE, TrialState.FAILED)
        )
        log = (output / "epochs.log").read_text().splitlines()
        paid, due = len(log), states[TrialState.COMPLETE] * EPOCHS
        lost, twice = trials - states[TrialState.COMPLETE], sum(count - 1 for count in digests.values())
        print(f"trials complete        {states[TrialState.COMPLETE]}")
        print(f"trials lost            {lost}")
        print(f"trials trained twice   {twice}")
        print(f"trials left running    {states[TrialState.RUNNING]}")
        print(f"epochs paid beyond     {paid - due} of {due} ({(paid - due) / due:.1%})")
        study.close()
        return lost + twice + states[TrialState.RUNNING]


def _workers(driver: int) -> list[int]:
    """Processes that train: Ray names an actor's process by its class."""
    found = []
    for pid, _ in ray_of(driver):
        try:
            name = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        if name.startswith("ray::") and "Trainable" in name:
            found.append(pid)
    return sorted(found)


def attack(output: Path, trials: int, kills: int, seed: int) -> int:
    """Starts drivers until one has ended by itself, and kills processes meanwhile."""
    output.mkdir(parents=True, exist_ok=True)
    if (output / "search").exists():
        raise OutputError(f"--output {output}: there is a search already; give another folder")
    drawn = random.Random(seed)
    line = [sys.executable, "-m", "benchmarks.faults", "--drive", "--output", str(output), "--trials", str(trials)]
    done: Counter[str] = Counter()
    with tqdm(total=kills, desc="kills", unit="kill") as bar, (output / "driver.log").open("ab") as log:
        while True:
            driver = subprocess.Popen(line, stderr=log)
            try:
                while done.total() < kills and driver.poll() is None:
                    _wait(driver, drawn.uniform(*WAIT))
                    workers = _workers(driver.pid)
                    if not workers or driver.poll() is not None:
                        continue
                    victim = "driver" if drawn.random() < DRIVERS else "worker"
                    os.kill(driver.pid if victim == "driver" else drawn.choice(workers), signal.SIGKILL)
                    done[victim] += 1
                    bar.update()
                    if victim == "driver":
                        break
                code = driver.wait()
            finally:
                driver.kill()
            if code >= 0:
                break
    print(f"machine                {this_machine(1)}")
    print(f"kills                  {done['worker']} of workers, {done['driver']} of the driver")
    return code


def _wait(driver: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code: 0 if nothing was lost, repeated or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="Of the moments and the victims.")
    parser.add_argument("--output", default="runs/faults", help="Folder of the search; it must not be there yet.")
    parser.add_argument("--drive", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.drive:
        return int(drive(Path(options.output), options.trials) > 0)
    return attack(Path(options.output), options.trials, options.kills, options.seed)


if __name__ == "__main__":
    sys.exit(main())
