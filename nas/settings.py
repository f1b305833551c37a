"""Settings of the search itself. Field docstrings are the text of `--help`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How candidates are proposed, limited and kept."""

    trials: int = 24
    """Number of distinct candidates to train, baselines included. Ask for more later with the same --output."""
    seed: int = 0
    """Root seed: of the sampler, the data split and the training."""
    sampler: str = "tpe"
    """How candidates are proposed: random, random_logbins (stratified over log MACs), nsga2, tpe (multivariate), gp."""
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
