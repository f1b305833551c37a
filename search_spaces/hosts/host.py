"""What a space needs to know about a host network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard

from torch import Tensor, nn

from search_spaces.hosts.strided_pointwise import StridedPointwise


class Unit(nn.Module):
    """A residual unit with a place where its channels are mixed."""

    mixer: nn.Module
    """The host's own shuffle, or an identity."""
    mixed: int
    """Number of channels that are mixed there."""

    def replace_mixer(self, make: Callable[[int], nn.Module]) -> None:
        """Replaces the mixer by one that is made from the number of channels."""
        self.mixer = make(self.mixed)

    def replace_convolutions(self, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces those convolutions that may be grouped or become static-dynamic shuffles; by default there are none."""

    @property
    def chain(self) -> nn.Sequential | None:
        """The layers of a unit that is a plain sequence of them, so that neighbours can be merged; None for other units."""
        return None


class Host(nn.Module):
    """Stem, stages of units, head, global average pool and classifier.

    Axes: b images, k classes.

    Args:
        stem: The first layers.
        stages: The units of each stage, with the layers between them.
        head: Layers between the last stage and the pool; empty if there are none.
        features: Number of channels that reach the classifier.
        classes: Number of classes, k.
    """

    def __init__(
        self,
        *,
        stem: nn.Module,
        stages: Sequence[Sequence[nn.Module]],
        head: nn.Sequential,
        features: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(nn.Sequential(*units) for units in stages)
        self.head = head
        self.classifier = nn.Linear(features, classes)
        self.phases = nn.ModuleList()
        """The parts of the network whose training has phases; empty where it has none."""

    def forward(self, x: Tensor) -> Tensor:
        """The logits, `float[b c h w] -> float[b k]`."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        x = self.head(x).mean((2, 3))
        logits: Tensor = self.classifier(x)
        return logits

    def units(self, stage: int) -> list[Unit]:
        """The units of a stage, counted from 0."""
        return [unit for unit in self.stages[stage].children() if isinstance(unit, Unit)]

    def parts(self, stages: Sequence[int] | None = None) -> list[nn.Module]:
        """These stages, counted from 0; by default all stages and the head."""
        return [*self.stages, self.head] if stages is None else [self.stages[stage] for stage in stages]

    def replace_mixers(self, stage: int, make: Callable[[int], nn.Module]) -> None:
        """Gives each unit of a stage a new mixer, made from the number of channels, in place of the host's."""
        for unit in self.units(stage):
            unit.replace_mixer(make)

    def replace_convolutions(self, stage: int, make: Callable[[nn.Conv2d], nn.Module]) -> None:
        """Replaces those convolutions of a stage that its units allow to be replaced, each by what `make` makes of it."""
        for unit in self.units(stage):
            unit.replace_convolutions(make)


def replace_dense(parts: Iterable[nn.Module], make: Callable[[nn.Conv2d], nn.Module]) -> None:
    """Replaces every dense convolution without bias in these parts of a network by what `make` makes of it."""
    for part in parts:
        for parent in list(part.modules()):
            for name, child in list(parent.named_children()):
                if _is_dense(child):
                    setattr(parent, name, make(child))


def replace_among(layers: nn.Sequential, make: Callable[[nn.Conv2d], nn.Module]) -> None:
    """Replaces the dense convolutions among these layers by what `make` makes of each."""
    for position, layer in enumerate(layers):
        if _is_dense(layer):
            layers[position] = make(layer)


def _is_dense(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    if not isinstance(module, nn.Conv2d) or type(module) not in (nn.Conv2d, StridedPointwise):
        return False
    return module.groups == 1 and module.bias is None
