"""Settings of the Ray engine, and their check."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RaySettings:
    """Where and how `--search.engine ray` trains candidates. None of these settings changes the study."""

    address: str | None = None
    """Cluster to join: HOST:PORT, ray://HOST:PORT, or auto (the one running on this machine). Default: start a Ray of its own
    here.
    """
    gpus_per_trial: float | None = None
    """Number of GPUs of one training; a fraction packs several trainings on one GPU. Default: 1 with --device cuda, else 0."""
    cpus_per_trial: float | None = None
    """Number of CPU cores of one training, which is also its number of threads. Default: --train.threads."""
    max_concurrent: int | None = None
    """Number of candidates trained at the same time. Default: as many as the cluster has room for."""
    trial_timeout: float = 3600.0
    """Seconds without a sign of life (the end of an epoch) after which a worker counts as hanging and is killed. The first epoch
    includes loading the images."""
    tensorboard: bool = False
    """Also write Ray's own logs, five files per trial, to the folder ray in the output folder. For curves see --log.tensorboard."""


def ray_faults(settings: RaySettings) -> list[str]:
    """In words, every setting that is out of range."""
    faults = []
    for name in ("gpus_per_trial", "cpus_per_trial"):
        value = getattr(settings, name)
        least = 0 if name == "gpus_per_trial" else 0.01
        if value is not None and not math.isfinite(value):
            faults.append(f"--ray.{name}: must be a finite number, got {value:g}")
        elif value is not None and value < least:
            faults.append(f"--ray.{name}: must be {'0 or more' if least == 0 else 'above 0'}, got {value:g}")
        elif value is not None and value > 1 and value != int(value):
            faults.append(f"--ray.{name}: above 1 it must be a whole number, got {value:g}")
    if settings.max_concurrent is not None and settings.max_concurrent < 1:
        faults.append(f"--ray.max_concurrent: must be 1 or more, got {settings.max_concurrent}")
    if not 0 < settings.trial_timeout < math.inf:
        faults.append(
            f"--ray.trial_timeout: must be a finite number of seconds above 0, got {settings.trial_timeout:g}"
        )
    return faults
