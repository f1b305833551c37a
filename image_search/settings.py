"""All settings of a search of images: their groups, their checks, and how they are written to a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from evaluator.settings import DataSettings, TrainSettings
from nas.engines.ray_tune.settings import RaySettings, ray_faults
from nas.errors import SettingsError, unknown_name
from nas.latency.measurement import LatencySettings, latency_faults
from nas.settings.axes import AxisNames, axes_faults
from nas.settings.search import LogSettings, SearchSettings
from nas.values.local_path import path_fault
from nas.values.number_bounds import number_faults
from nas.values.typed_value import shown
from search_spaces import SpaceSettings, setting_faults, space_settings

DEVICES = ("auto", "cpu", "cuda")
AXES = AxisNames(learned=MEASURES, costs=COSTS)
"""The names of the quantities that a search can have as objectives."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a search depends on."""

    space: SpaceSettings = field(default_factory=space_settings)
    data: DataSettings = field(default_factory=DataSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    ray: RaySettings = field(default_factory=RaySettings)
    """How `--search.engine ray` trains candidates."""
    latency: LatencySettings = field(default_factory=LatencySettings)
    log: LogSettings = field(default_factory=LogSettings)
    device: str = "auto"
    """Where candidates are trained: auto, cpu or cuda."""
    output: str = "runs/search"
    """Folder of the study, the report and the models."""
    title: str = ""
    """Title of the report. By default the name of the output folder."""


def settings_json(settings: Settings) -> dict[str, Any]:
    """All settings as plain JSON that `--config` takes back, without the password of a storage."""
    from nas.values.redaction import shown_url

    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    if settings.search.storage is not None:
        plain["search"]["storage"] = shown_url(settings.search.storage, opened=True)
    return plain


def path_faults(settings: Settings) -> list[str]:
    """In words, every path that is impossible."""
    data, search = settings.data, settings.search
    given = {
        "output": settings.output,
        "data.name": data.name or None,
        "data.root": data.root,
        "data.cache": data.cache,
        "search.warm_start": search.warm_start,
    }
    found = {name: path_fault(path) for name, path in given.items() if path is not None}
    return [f"--{name}: {shown(given[name])} {fault}" for name, fault in found.items() if fault is not None]


def settings_faults(settings: Settings) -> list[str]:
    """In words, every setting that is out of range."""
    from evaluator.settings import data_faults, train_faults
    from nas.settings.search import contradictions, search_faults

    found = [
        *path_faults(settings),
        *setting_faults(settings.space),
        *data_faults(settings.data),
        *search_faults(settings.search),
        *axes_faults(settings.search, AXES),
        *train_faults(settings.train),
        *ray_faults(settings.ray),
        *latency_faults(settings.latency),
        *contradictions(settings.search, settings.train.epochs),
        *(["--device: " + unknown_name("device", settings.device, DEVICES)] if settings.device not in DEVICES else []),
    ]
    told = {fault.split()[0].rstrip(":") for fault in found}
    groups = [field.name for field in fields(settings) if is_dataclass(getattr(settings, field.name))]
    numbers = [fault for group in groups for fault in number_faults(group, getattr(settings, group))]
    return [*found, *(fault for fault in numbers if fault.partition(":")[0] not in told)]


def require_sound(settings: Settings) -> None:
    """Refuses settings that are out of range, all at once.

    Raises:
        SettingsError: Settings are out of range; the message lists all of them.
    """
    faults = settings_faults(settings)
    if faults:
        raise SettingsError("\n  ".join(["settings are wrong:", *faults]))
