"""Settings of the search itself. Field docstrings are the text of `--help`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nas.early_stopping import RULES
from nas.errors import unknown_name
from nas.samplers import SAMPLERS

ENGINES = ("local",)
OBJECTIVES = ("accuracy", "macs", "params")


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How candidates are proposed, limited and kept."""

    trials: int = 24
    """Number of distinct candidates to train, baselines included. Ask for more later with the same --output."""
    seed: int = 0
    """Root seed: of the sampler, the data split and the training."""
    sampler: str = "known_cost"
    """How candidates are proposed: known_cost (models the accuracy and takes the costs as they are), random, random_logbins
    (stratified over log MACs), nsga2, tpe (multivariate), gp."""
    stopping: str = "none"
    """Which trainings are paused on their way: none, bound (those whose optimistic end is below the front), rank_halving (all but
    the best third of those that cost about as much). They are judged after a ninth and a third of the epochs."""
    engine: str = "local"
    """Where candidates are trained: local (processes on this machine)."""
    workers: int | None = None
    """Candidates trained at the same time, one process each. Default: one a CPU core, or one where a GPU is used."""
    objectives: str = "accuracy,macs"
    """Axes of the front, comma-separated: accuracy (maximized), macs and params (minimized)."""
    storage: str | None = None
    """Optuna storage URL of the study. Default: the SQLite file study.db in the output folder."""
    max_macs: float | None = None
    """Candidates with more multiply-adds are refused before any training."""
    max_params: float | None = None
    """Candidates with more parameters are refused before any training."""
    reference_macs: float | None = None
    """MACs from which the hypervolume is measured. Default: twice those of the largest baseline."""
    reference_params: float | None = None
    """Parameters from which the hypervolume is measured. Default: twice those of the largest baseline."""
    study: str | None = None
    """Name of the study in the storage. Default: search; in a --search.storage the output folder's name."""


def objective_names(text: str) -> list[str]:
    """The names in a comma-separated setting."""
    return [name.strip() for name in text.split(",") if name.strip()]


def search_faults(settings: SearchSettings) -> list[str]:
    """Every setting that is out of range, in words."""
    faults = []
    if settings.trials < 1:
        faults.append(f"--search.trials: must be 1 or more, got {settings.trials}")
    if settings.seed < 0:
        faults.append(f"--search.seed: must be 0 or more, got {settings.seed}")
    if settings.workers is not None and settings.workers < 1:
        faults.append(f"--search.workers: must be 1 or more, got {settings.workers}")
    if settings.sampler not in SAMPLERS:
        faults.append("--search.sampler: " + unknown_name("sampler", settings.sampler, SAMPLERS))
    if settings.stopping not in RULES:
        faults.append("--search.stopping: " + unknown_name("stopping rule", settings.stopping, RULES))
    if settings.engine not in ENGINES:
        faults.append("--search.engine: " + unknown_name("engine", settings.engine, ENGINES))
    for name in ("max_macs", "max_params", "reference_macs", "reference_params"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < math.inf:
            faults.append(f"--search.{name}: must be a finite number above 0, got {value:g}")
    names = objective_names(settings.objectives)
    faults += [
        "--search.objectives: " + unknown_name("objective", name, OBJECTIVES)
        for name in names
        if name not in OBJECTIVES
    ]
    if len(set(names)) < len(names) or "accuracy" not in names or len(names) < 2:
        faults.append(
            f"--search.objectives: must be accuracy and at least one of macs, params, each once, got {settings.objectives!r}"
        )
    return faults
