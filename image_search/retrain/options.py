"""What the command `retrain` can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from evaluator.distillation.forms import FORMS
from evaluator.settings import CROSS_ENTROPY
from image_search.command_line import read_settings
from image_search.settings import Settings, require_sound
from nas.errors import OutputError, SettingsError, unknown_name
from nas.settings.search import ENGINES, MOST_WORKERS
from nas.values.json_fields import shown
from nas.values.local_path import local_path, path_fault

NONE, SELF = "none", "self"
MOST = 1_000_000
MOST_SEEDS = 1_000
WEIGHTS = {"kd": 0.9, "dkd": 0.5}
"""Share of the teacher in the loss where none is given: that of common practice, and the equal shares of the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was told, besides settings of the search."""

    run: str
    trials: tuple[int, ...] = ()
    """Trials that were chosen by number; empty if the front is asked for its best ones."""
    top: int = 3
    epochs: int = 100
    seeds: int = 3
    teachers: tuple[str, ...] = (NONE,)
    form: str = "kd"
    temperature: float = 4.0
    weight: float | None = None
    beta: float = 8.0
    engine: str | None = None
    workers: int | None = None
    further: tuple[str, ...] = ()
    """Flags of the search, such as `--device cuda`."""

    @property
    def share(self) -> float:
        """The share of the teacher in the loss."""
        return WEIGHTS[self.form] if self.weight is None else self.weight


def require_possible(options: Options) -> None:
    """Refuses options that are out of range, all at once.

    Raises:
        SettingsError: Options are out of range; the message names each.
    """
    faults = []
    for name, number, most in (
        ("top", options.top, MOST),
        ("epochs", options.epochs, MOST),
        ("seeds", options.seeds, MOST_SEEDS),
        ("workers", options.workers, MOST_WORKERS),
    ):
        if number is not None and not 1 <= number <= most:
            faults.append(f"--{name} is {number}; allowed: 1 to {most:,}")
    if options.form not in FORMS:
        faults.append("--distillation: " + unknown_name("form", options.form, FORMS))
    if options.engine is not None and options.engine not in ENGINES:
        faults.append("--engine: " + unknown_name("engine", options.engine, ENGINES))
    if not 0 < options.temperature < math.inf:
        faults.append(f"--temperature is {options.temperature:g}; allowed: a finite number above 0")
    if options.weight is not None and not 0 < options.weight <= 1:
        faults.append(f"--distillation_weight is {options.weight:g}; allowed: above 0, at most 1")
    if not 0 <= options.beta < math.inf:
        faults.append(f"--beta is {options.beta:g}; allowed: a finite number, 0 or more")
    if not options.teachers:
        faults.append("--teacher is empty; allowed: none, self, or a file")
    if faults:
        raise SettingsError("; ".join(faults))


def settings_of(options: Options) -> Settings:
    """The settings of the run, with those that the command changes.

    Raises:
        SettingsError: A setting is wrong.
        OutputError: The folder is not that of a run.
    """
    fault = path_fault(options.run)
    if fault:
        raise OutputError(f"{shown(options.run)} {fault}")
    folder = local_path(options.run)
    config = folder / "config.yaml"
    if not _is_file(config):
        raise OutputError(f"{options.run} is not the folder of a search: it has no config.yaml")
    settings, _ = read_settings(["--config", str(config), *options.further, "--output", options.run])
    search = settings.search
    search = replace(
        search,
        engine=options.engine or search.engine,
        workers=search.workers if options.workers is None else options.workers,
        checkpoint_budget_gb=None,  # what is trained here is to be kept
        warm_start=None,
    )
    settings = replace(settings, search=search)
    require_sound(settings)
    if search.storage is None and not _is_file(folder / "study.db"):
        raise OutputError(f"{options.run} is not the folder of a search: it has no study.db")
    if any(teacher != NONE for teacher in options.teachers) and settings.train.loss != CROSS_ENTROPY:
        raise SettingsError(
            f"--teacher: the run has --train.loss {settings.train.loss}, and a teacher can be added to {CROSS_ENTROPY} only"
        )
    return settings


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
