"""What a space needs to know of a host network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Unit(nn.Module):
    """A residual unit of a ShuffleNet, with the place where its channels are mixed."""

    mixer: nn.Module


class Host(nn.Module):
    """Stem, three stages of units, head, global average pool and classifier.

    Axes: b images, k classes.

    Args:
        stem: First layers.
        stages: The units of each stage.
        head: Layers between the last stage and the pool; empty where there are none.
        features: Channels that reach the classifier.
        classes: Number of classes, k.
    """

    def __init__(
        self, *, stem: nn.Module, stages: list[list[Unit]], head: nn.Sequential, features: int, classes: int
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(nn.Sequential(*units) for units in stages)
        self.head = head
        self.classifier = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b k]`, logits."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        x = self.head(x).mean((2, 3))
        logits: Tensor = self.classifier(x)
        return logits

    def replace_mixers(self, stage: int, make: Callable[[], nn.Module]) -> None:
        """Gives each unit of a stage, counted from 0, a mixer of its own in the place of the fixed shuffle."""
        for unit in self.stages[stage].children():
            unit.mixer = make()
