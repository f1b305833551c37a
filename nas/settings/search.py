"""Settings of the search itself. Field docstrings are the text of `--help`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nas.early_stopping import RULES
from nas.errors import unknown_name
from nas.samplers import SAMPLERS
from nas.values.json_fields import shown

ENGINES = ("local", "ray")
MOST_TRIALS = 1_000_000
MOST_EPOCHS = 1_000_000
MOST_REPLICATES = 1_000
MOST_WORKERS = 10_000
MOST_LOST_WORKERS = 1_000_000
MOST_INFERENCE_BATCH = 100_000
"""A larger number is a typing error, which otherwise would show only in a search that never begins or ends."""


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """What a search records in addition to its progress bar."""

    json: bool = False
    """Also write one line of JSON per event (begun, epoch, paused, complete, failed, front, ...) to events.jsonl in the output
    folder.
    """
    tensorboard: bool = False
    """Also write TensorBoard curves to the folder tensorboard in the output folder: of each training when it has ended, and of
    the hypervolume.
    """


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How candidates are proposed, limited and kept."""

    trials: int = 24
    """Number of distinct candidates to train, baselines included. Ask for more later with the same --output."""
    max_hours: float | None = None
    """Begin no further training after so many hours of this run. Trainings that have begun are finished."""
    max_epochs: int | None = None
    """Begin no training that would take the total number of epochs of the search beyond this."""
    stall_trials: int | None = None
    """End when the hypervolume of the front has hardly grown over so many trials."""
    stall_share: float = 0.01
    """Relative growth of the hypervolume over --search.stall_trials that counts as hardly any."""
    replicates: int = 1
    """Number of trainings of each network of the front, with different seeds. With 2 or more, the networks whose place on the
    front is least certain are trained again while the search runs, and all of the front at its end. The front is then chosen
    by all trainings. Repeated trainings do not count as trials.
    """
    warm_start: str | None = None
    """A pareto.json of an earlier search of this space. Its networks are trained after the baselines."""
    seed: int = 0
    """Root seed, from which the seeds of the sampler, the data split and the training are derived."""
    sampler: str = "known_cost"
    """How candidates are proposed: known_cost (models the learned objective and takes the costs as exact), random,
    random_logbins (stratified over the logarithm of the first cost), nsga2, tpe (multivariate), gp.
    """
    unchanged_share: float = 0.25
    """Share of the proposed networks that are unchanged ones (no mixer or convolution replaced) with searched training settings,
    so that the others are compared with unchanged networks that were tuned as they were. 0: only the baselines are unchanged.
    """
    stopping: str = "bound"
    """Which trainings are paused before their end: bound (those that even with an optimistic forecast stay below the front),
    rank_halving (all but the best third of those with similar cost), none. Trainings are judged five times, after a ninth to
    two thirds of their epochs; a training of one epoch is never judged.
    """
    checkpoint_budget_gb: float | None = None
    """Largest disk space of all checkpoints together, in GB (10^9 bytes). The least useful are removed first. Default: no limit."""
    max_lost_workers: int = 2
    """Number of lost workers (killed, or lost with their machine) at which a candidate is recorded as failed."""
    inference_batch: int = 1
    """Number of images in a forward of a deployed network whose latency and memory are measured. The latency of a single image
    is recorded as well.
    """
    engine: str = "local"
    """Where candidates are trained: local (processes on this machine) or ray (Ray Tune, on this machine or a cluster; see
    --ray).
    """
    workers: int | None = None
    """Number of candidates trained at the same time, one process each. Default: one per CPU core, or one in all if a GPU is
    used.
    """
    objectives: str = "accuracy,macs"
    """Axes of the front, separated by commas: one learned objective, and one or more costs. --latency says how latencies are
    measured, and --search.inference_batch with how many images per forward.
    """
    storage: str | None = None
    """Where the study is kept: postgresql://USER:PASSWORD@HOST/DATABASE, sqlite:///FILE, or journal:FILE (for folders shared
    over a network). Default: the SQLite file study.db in the output folder.
    """
    max_macs: float | None = None
    """Short for --search.limits macs=..."""
    max_params: float | None = None
    """Short for --search.limits params=..."""
    limits: str | None = None
    """Largest allowed costs, such as macs=60e3,latency=5. A candidate that exceeds one is refused before any training.
    Latencies are in milliseconds and memory in MB, both for a forward of --search.inference_batch images.
    """
    references: str | None = None
    """Costs from which the hypervolume is measured, such as macs=1e6. Default: twice the costs of the most expensive baseline."""
    study: str | None = None
    """Name of the study in the storage. Default: search, or with --search.storage the name of the output folder."""


def search_faults(settings: SearchSettings) -> list[str]:
    """In words, every setting that is out of range, except the axes of the front; for these see `nas.settings.axes`."""
    faults = []
    faults += _count_faults("--search.trials", settings.trials, MOST_TRIALS)
    if settings.seed < 0:
        faults.append(f"--search.seed: must be 0 or more, got {settings.seed}")
    if settings.workers is not None:
        faults += _count_faults("--search.workers", settings.workers, MOST_WORKERS)
    faults += _ending_faults(settings)
    faults += _count_faults("--search.max_lost_workers", settings.max_lost_workers, MOST_LOST_WORKERS)
    faults += _count_faults("--search.inference_batch", settings.inference_batch, MOST_INFERENCE_BATCH)
    faults += _count_faults("--search.replicates", settings.replicates, MOST_REPLICATES)
    if settings.sampler not in SAMPLERS:
        faults.append("--search.sampler: " + unknown_name("sampler", settings.sampler, SAMPLERS))
    if settings.stopping not in RULES:
        faults.append("--search.stopping: " + unknown_name("stopping rule", settings.stopping, RULES))
    if settings.checkpoint_budget_gb is not None and not 0 < settings.checkpoint_budget_gb < math.inf:
        faults.append(
            f"--search.checkpoint_budget_gb: must be a finite number above 0, got {settings.checkpoint_budget_gb:g}"
        )
    if not 0 <= settings.unchanged_share < 1:
        faults.append(f"--search.unchanged_share: must be from 0 to less than 1, got {settings.unchanged_share:g}")
    if settings.engine not in ENGINES:
        faults.append("--search.engine: " + unknown_name("engine", settings.engine, ENGINES))
    return faults


def epochs_faults(name: str, epochs: int) -> list[str]:
    """In words, what is wrong with the number of epochs of a full training."""
    return _count_faults(name, epochs, MOST_EPOCHS)


def _count_faults(name: str, value: int, most: int) -> list[str]:
    if value < 1:
        return [f"{name}: must be 1 or more, got {value}"]
    return [] if value <= most else [f"{name}: must be {most:,} or less, got {shown(value)}"]


def _ending_faults(settings: SearchSettings) -> list[str]:
    faults = []
    if settings.max_hours is not None and not 0 < settings.max_hours < math.inf:
        faults.append(f"--search.max_hours: must be a finite number above 0, got {settings.max_hours:g}")
    if settings.max_epochs is not None and settings.max_epochs < 1:
        faults.append(f"--search.max_epochs: must be 1 or more, got {settings.max_epochs}")
    if not 0 <= settings.stall_share < 1:
        faults.append(f"--search.stall_share: must be from 0 to less than 1, got {settings.stall_share:g}")
    if settings.stall_trials is not None and settings.stall_trials < 1:
        faults.append(f"--search.stall_trials: must be 1 or more, got {settings.stall_trials}")
    elif settings.stall_trials is not None and settings.stall_trials >= settings.trials:
        faults.append(
            f"--search.stall_trials: {settings.stall_trials} can never be reached with --search.trials {settings.trials}; "
            "it must be smaller"
        )
    return faults


def checkpoint_bytes(settings: SearchSettings) -> int | None:
    """The disk budget in bytes; None if there is no budget."""
    return None if settings.checkpoint_budget_gb is None else int(settings.checkpoint_budget_gb * 1e9)


def contradictions(settings: SearchSettings, epochs: int | None) -> list[str]:
    """In words, conditions for stopping that cannot hold together.

    Args:
        settings: Settings of the search.
        epochs: Number of epochs of a full training; None while it is not known.
    """
    found = []
    if settings.max_epochs is not None and epochs is not None and settings.max_epochs < epochs:
        found.append(
            f"--search.max_epochs: {settings.max_epochs} is less than one training of --train.epochs {epochs}, "
            "so nothing could be trained"
        )
    return found
