"""What a space needs to know of a host network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Unit(nn.Module):
    """A residual unit, with the place where its channels are mixed."""

    mixer: nn.Module
    """The host's own shuffle, or the identity."""
    mixed: int
    """Channels there."""

    def replace_mixer(self, make: Callable[[int], nn.Module]) -> None:
        """Puts a mixer, made from the number of channels, in the place of the one there is."""
        self.mixer = make(self.mixed)

    def replace_pointwise(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Puts something else in the place of those 1x1 convolutions that a space may replace; here of none."""


class Host(nn.Module):
    """Stem, stages of units, head, global average pool and classifier.

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

    def units(self, stage: int) -> list[Unit]:
        """Of a stage, counted from 0."""
        return [unit for unit in self.stages[stage].children() if isinstance(unit, Unit)]

    def replace_mixers(self, stage: int, make: Callable[[int], nn.Module]) -> None:
        """Gives each unit of a stage a mixer of its own, made from the number of channels, in the place of the host's."""
        for unit in self.units(stage):
            unit.replace_mixer(make)

    def replace_pointwise(self, stage: int, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Puts something else, made from each, in the place of a stage's 1x1 convolutions that a space may replace."""
        for unit in self.units(stage):
            unit.replace_pointwise(make)


def replace_dense(host: Host, make: Callable[[nn.Conv2d], nn.Module]) -> None:
    """Puts something else, made from each, in the place of every dense convolution without bias behind the stem."""
    for part in (host.stages, host.head):
        for parent in list(part.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Conv2d and child.groups == 1 and child.bias is None:
                    setattr(parent, name, make(child))


def replace_convolutions(layers: nn.Sequential, make: Callable[[nn.Conv2d], nn.Module]) -> None:
    """Puts something else, made from each, in the place of the 1x1 convolutions among these layers."""
    for position, layer in enumerate(layers):
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
            layers[position] = make(layer)
