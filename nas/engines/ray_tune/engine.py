"""Runs a search on Ray Tune.

Tune's own experiment state is disposable: it is written to a temporary folder, and a search is continued from its study alone.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from nas.engines.packing import Packing
from nas.engines.ray_tune import reaper
from nas.engines.ray_tune.settings import RaySettings
from nas.engines.serving import WorkerError, python_path
from nas.ports import Tasks, WorkerSpec
from nas.watchers.signals import own_handlers, stop_if_asked

VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_worker_niceness": "0",  # Ray's own 15 lets anything else on the machine starve the search
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "1",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
}
"""Environment variables that Ray reads, in this process and in those it starts."""
CONNECT_SECONDS = 10.0
STORE_SHARE = 0.5
"""Share of a machine's object store that shared arrays may fill."""
LOOK_AGAIN = 5.0
"""The cluster is asked for its size again after so many seconds."""


class RayEngine:
    """Runs a search with as many workers as a cluster has room for.

    Args:
        spec: How a worker makes its evaluator.
        settings: Settings of the Ray engine, already checked.
        cpus: Number of CPU cores of one training.
        gpus: Number of GPUs of one training.
        logs: Folder for Ray's own logs of trials; None if they are not wanted.
    """

    def __init__(self, spec: WorkerSpec, settings: RaySettings, *, cpus: float, gpus: float, logs: Path) -> None:
        self._spec = spec
        self._settings = settings
        self._cpus = cpus
        self._gpus = gpus
        self._logs = logs
        self._asked = -LOOK_AGAIN
        self._room = 0
        self.packing = Packing()

    def run(self, tasks: Tasks, on_event: Callable[[], object]) -> None:
        """Works until the tasks are finished, and leaves no process behind, however it ends.

        Args:
            tasks: The tasks to work off, such as those of a search's driver.
            on_event: Called about ten times a second, for displays.

        Raises:
            WorkerError: Ray cannot be started or joined, has no room for one training, or a worker finds the images, the settings
                or the disk unusable.
            CrashStreakError: Several candidates in a row crashed.
        """
        if tasks.finished:
            on_event()
            return
        with (
            environment(TUNE_DISABLE_AUTO_CALLBACK_LOGGERS=str(int(not self._settings.tensorboard))),
            tempfile.TemporaryDirectory(prefix="shufflenas-", ignore_cleanup_errors=True) as folder,
            self._connected(folder),
        ):
            if self._slots() < 1:
                raise WorkerError(self._no_room())
            self._fit(tasks, on_event, str(self._logs) if self._settings.tensorboard else folder)

    def _fit(self, tasks: Tasks, on_event: Callable[[], object], folder: str) -> None:
        from ray import tune

        from nas.engines.ray_tune.hooks import DriverScheduler, DriverSearcher, FaultStopper, TuneBridge
        from nas.engines.ray_tune.worker import Worker

        bridge = TuneBridge(tasks, self.packing, self._slots, self._settings.trial_timeout, on_event)
        common = {"factory": self._spec.factory, "arguments": json.dumps(dict(self._spec.arguments))}
        trainable = tune.with_parameters(Worker, arrays=dict(self._spec.arrays)) if self._fits_in_stores() else Worker
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": self._cpus, "gpu": self._gpus}),
            tune_config=tune.TuneConfig(
                search_alg=DriverSearcher(bridge, common),
                scheduler=DriverScheduler(bridge),
                num_samples=-1,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=folder,
                verbose=0,
                stop=FaultStopper(bridge),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        logging.getLogger("ray.tune").setLevel(
            logging.CRITICAL
        )  # errors of a trial are recorded and shown in the study
        try:
            tuner.fit()
        except KeyboardInterrupt:  # Ray's own does not say which signal it was
            stop_if_asked()
            raise
        if bridge.fault is not None:
            raise bridge.fault
        on_event()

    def _fits_in_stores(self) -> bool:
        """Whether there are arrays to share, and every machine's object store has room for them."""
        import ray

        needed = sum(array.nbytes for array in self._spec.arrays.values())
        stores = [node["Resources"].get("object_store_memory", 0.0) for node in ray.nodes() if node["Alive"]]
        return bool(0 < needed <= STORE_SHARE * min(stores, default=0.0))

    def _slots(self) -> int:
        """Number of trainings for which there is room now, since a cluster grows and shrinks."""
        import ray

        if time.monotonic() - self._asked >= LOOK_AGAIN:
            there = ray.cluster_resources()
            self._asked = time.monotonic()
            rooms = [
                there.get(name, 0.0) / each for name, each in (("CPU", self._cpus), ("GPU", self._gpus)) if each > 0
            ]
            self._room = int(min(rooms) + 1e-6)
        most = self._settings.max_concurrent
        return self._room if most is None else min(self._room, most)

    def _no_room(self) -> str:
        import ray

        there = ray.cluster_resources()
        return (
            f"Ray has {there.get('CPU', 0):g} CPU cores and {there.get('GPU', 0):g} GPUs, and one training takes "
            f"{self._cpus:g} (--ray.cpus_per_trial) and {self._gpus:g} (--ray.gpus_per_trial)"
        )

    @contextmanager
    def _connected(self, folder: str) -> Iterator[None]:
        import ray

        address = self._settings.address
        if ray.is_initialized():  # a notebook or a test may have its own Ray
            yield
            return
        with nullcontext() if address else _watch(folder):
            options = {"address": address} if address else {"address": "local", "include_dashboard": False}
            try:
                try:
                    _knock(address)
                    with own_handlers(), nullcontext() if address else _on_loopback():
                        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
                except (OSError, ValueError, RuntimeError) as error:
                    where = f"reach a Ray cluster at {address}" if address else "start Ray on this machine"
                    raise WorkerError(f"--ray.address: cannot {where}: {str(error).splitlines()[0]}") from error
                yield
            finally:
                started = set() if address else reaper.ray_of(os.getpid())
                ray.shutdown()
                reaper.reap(started)


@contextmanager
def _on_loopback() -> Iterator[None]:
    """A context in which a new Ray listens on the loopback interface only, as Ray itself does on systems without clusters.

    Otherwise all processes of Ray listen on every interface, and through some of them anybody who reaches the machine can
    run code on it. Where Ray supports clusters, it takes the machine's address even if it is given that of loopback.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _watch(folder: str) -> subprocess.Popen[bytes]:
    """Starts a process that ends our Ray and removes the folder if this process is killed; leaving the context does so too."""
    return subprocess.Popen(
        [sys.executable, "-S", reaper.__file__, folder], stdin=subprocess.PIPE, start_new_session=True
    )


def _knock(address: str | None) -> None:
    """Finds out within seconds whether anything listens at HOST:PORT; Ray itself would try for many minutes."""
    match = re.fullmatch(r"(?:ray://)?\[?([^\[\]/]+?)\]?:(\d+)", address or "")
    if match:
        socket.create_connection((match[1], int(match[2])), timeout=CONNECT_SECONDS).close()


@contextmanager
def environment(**more: str) -> Iterator[None]:
    """A context in which the variables that Ray reads are set, except those that the user has set."""
    values = {**VARIABLES, "PYTHONPATH": python_path(), **more}
    added = {name: value for name, value in values.items() if name == "PYTHONPATH" or name not in os.environ}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
