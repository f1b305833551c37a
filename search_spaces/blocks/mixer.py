"""What a space and a report need to know of a channel mixer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search_spaces.blocks.spec import MixerSpec

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixer:
    """A channel mixer: how it is made, which of the shared decisions concern it, and how it is told and drawn.

    Calling it with a `MixerSpec` makes one.
    """

    make: Callable[[MixerSpec], nn.Module]
    """Imports torch when it is called."""
    label: str
    """What a reader sees."""
    short: str
    """In the short line of a network whose stages decide on mixers alone."""
    spoken: str
    """In that line beside what convolutions are, where `short` could mean these."""
    shape: str = "circle"
    """Of its points in pictures, as plotly names it. Mixers whose colors look alike to some readers differ in it."""
    factored: bool = False
    """Whether it needs a group count and a Kronecker pair."""
    generated: bool = False
    """Whether it has a generator, so something to share and a reduction."""
    reduced: bool = False
    """Whether it has a hidden layer without a generator, so a reduction."""
    ranked: bool = False
    """Whether it has a static matrix, so a Kronecker rank."""
    summed: bool = False
    """Whether it adds a static and a generated matrix, so a level at which."""
    learned: bool = False
    """Whether its permutation is learned, so a relaxation."""
    unchanged: bool = False
    """Whether it is what the unchanged network has."""

    def __call__(self, spec: MixerSpec) -> nn.Module:
        """One of these sizes."""
        return self.make(spec)
