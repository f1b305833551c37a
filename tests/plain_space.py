"""A space of plain convolutions that is enrolled from outside: its settings, its decisions, its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, Genotype
from nas.portrait import KindStyle, Legend, Part, Portrait
from nas.space import SearchSpace
from search_spaces import SpaceSettings


@dataclass(frozen=True, kw_only=True)
class PlainSettings(SpaceSettings):
    """Settings of the space of plain convolutions."""

    name: str = "plain"
    filters: tuple[int, ...] = (4, 8)
    """Of each of the two convolutions."""
    lr: float = 0.1
    """Learning rate."""

    def faults(self) -> list[str]:
        return ["space.filters: must be above 0"] if min(self.filters) < 1 else []


class PlainSpace(SearchSpace):
    """Two convolutions."""

    name = "plain"
    title = "Plain networks"
    settings_class = PlainSettings

    def __init__(self, settings: PlainSettings, *, image_size: int, channels: int, classes: int) -> None:
        self._settings = settings
        self._image = {"image_size": image_size, "channels": channels, "classes": classes}

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return (
            Choice(name="width", choices=self._settings.filters),
            Choice(name="kernel", choices=(1, 3)),
        )

    def decode(self, genotype: Genotype) -> Candidate:
        training = {"lr": self._settings.lr, "weight_decay": 1e-4}
        return Candidate(space=self.name, architecture=self.active(genotype), training=training)

    def baselines(self) -> Mapping[str, Genotype]:
        return {"narrow": {"width": self._settings.filters[0], "kernel": 3}}

    def settings(self) -> dict[str, Any]:
        return {**asdict(self._settings), "filters": list(self._settings.filters), **self._image}

    def legend(self) -> Legend:
        return Legend(styles=(KindStyle(name="3", label="3x3", unchanged=True), KindStyle(name="1", label="1x1")))

    def portrait(self, candidate: Candidate) -> Portrait:
        width, kernel = (candidate.architecture[name] for name in ("width", "kernel"))
        part = Part(name="convolutions", kind=str(kernel), title=f"{kernel}x{kernel}", units=2)
        return Portrait(description=f"{width} channels, {kernel}x{kernel}", kind=str(kernel), parts=(part,))

    def build(self, candidate: Candidate) -> Any:
        from torch import nn

        width, kernel = (int(str(candidate.architecture[name])) for name in ("width", "kernel"))
        return nn.Sequential(
            nn.Conv2d(self._image["channels"], width, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, kernel, 2, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, self._image["classes"]),
        )
