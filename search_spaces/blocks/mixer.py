"""What a space and a report need to know about a channel mixer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search_spaces.blocks.spec import MixerSpec

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixer:
    """The description of a channel mixer: how it is made, which shared decisions concern it, and how it is named and drawn.

    Calling it with a `MixerSpec` makes a mixer.
    """

    make: Callable[[MixerSpec], nn.Module]
    """Makes the mixer; it imports torch when it is called."""
    label: str
    """The name of the mixer that readers see."""
    short: str
    """Its name in the short line of a network whose stages decide only on mixers."""
    spoken: str
    """Its name in that line beside the kind of convolutions, where `short` could be mistaken for one."""
    shape: str = "circle"
    """The shape of its points in pictures, by its name in plotly. Mixers with colors that look alike to some readers have
    different shapes.
    """
    meaning: str = ""
    """A sentence that explains it to somebody who does not know it."""
    factored: bool = False
    """Whether it needs a group count and a Kronecker pair."""
    generated: bool = False
    """Whether it has a generator, and so something to share and a reduction."""
    reduced: bool = False
    """Whether it has a hidden layer but no generator, and so a reduction."""
    ranked: bool = False
    """Whether it has a static matrix, and so a Kronecker rank."""
    summed: bool = False
    """Whether it adds a static and a generated matrix, and so has a level at which they are added."""
    learned: bool = False
    """Whether its permutation is learned, and so has a relaxation."""
    unchanged: bool = False
    """Whether it is the mixer of the unchanged network."""

    def __call__(self, spec: MixerSpec) -> nn.Module:
        """Makes a mixer of these sizes."""
        return self.make(spec)
