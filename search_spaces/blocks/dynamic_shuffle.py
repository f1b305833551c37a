"""Dynamic shuffle: the Kronecker shuffle that replaces a host's own shuffle and is generated from each image."""

from __future__ import annotations

from torch import nn

from search_spaces.blocks.factors.generated_mixer import GeneratedMixer
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation


class DynamicShuffle(GeneratedMixer):
    """S_g (I_g (x) P1(x) (x) P2(x)); deployed, it costs its generator and one gather per image.

    Source: arXiv 2310.02776, from the abstract: softmax, orthogonal regularization, binarization, Kronecker product and
        cross-group shuffle are from it; sizes and initialization are ours.

    Args:
        groups: Number of groups, g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, generator: GeneratorSpec, relaxation: Relaxation) -> None:
        super().__init__(KroneckerShape.square(groups, n1, n2), generator, relaxation)

    def deployed(self) -> nn.Module:
        """The generator and a gather; for a constant input a single index map, since it is the same for all images."""
        return self.deployed_gather()
