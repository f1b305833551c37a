"""A deployed network without the permutations of channels that others of its operations can absorb."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deployment.program import exported_program
from deployment.unshuffling.left import Left
from deployment.unshuffling.reading import Reading
from deployment.unshuffling.writing import Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshuffled:
    """The network and what it still moves."""

    network: nn.Module
    """Equal to the former network up to rounding, `float[b c h w] -> float[b k]`, for any number of images b."""
    left: tuple[Left, ...]
    """The operations that still move channels."""


def unshuffled(network: nn.Module, images: Tensor) -> Unshuffled:
    """Stores the channels of a network in such orders that fixed permutations vanish.

    A permutation between two convolutions or linear layers of whatever kernel size needs no operation: the order of the
    first one's outputs is free, and the second one can read its inputs in any order, if their weights are reordered. Between
    these, operations that treat all channels alike pass an order through. What reads some of the channels, such as half of
    them, gets contiguous slices. A permutation that depends on the image is left.

    Args:
        network: A network in its deployed form (`search_spaces.compact`), on the CPU.
        images: Two or more images, `float[b c h w]`, which are only looked at for their shape.

    Raises:
        DeploymentError: The network has no graph.
    """
    with torch.no_grad():
        writing = Writing(Reading(exported_program(network, images)))
    return Unshuffled(network=_OneOutput(writing.module), left=tuple(writing.left))


class _OneOutput(nn.Module):
    """A graph whose only output is not in a tuple."""

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.inner = graph

    def forward(self, images: Tensor) -> Tensor:
        """`float[b c h w] -> float[b k]`."""
        logits: Tensor = self.inner(images)[0]
        return logits
