"""Static shuffle: the Kronecker shuffle with one learned pair of factors for all images and groups.

In ShuffleNetV1 it adds no function to the fixed shuffle (a permutation inside a group after a trained grouped
convolution only renames channels); it is the null control there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.deployed.deployed_gather import ChannelGather
from search_spaces.blocks.factors.factors import evaluated_rows, near_identity_
from search_spaces.blocks.factors.kronecker_mixer import KroneckerMixer
from search_spaces.blocks.permutations.permutation import shuffle_map
from search_spaces.blocks.spec import KroneckerShape, Relaxation


class StaticShuffle(KroneckerMixer):
    """S_g (I_g (x) P1 (x) P2) with learned logits; deployed, it is one fixed index map without parameters.

    Source: the static arm of arXiv 2310.02776, from the abstract; details are ours.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, relaxation: Relaxation) -> None:
        super().__init__(KroneckerShape.square(groups, n1, n2), relaxation)
        self.outer_logits = nn.Parameter(near_identity_(torch.empty(1, 1, n1, n1)))
        self.inner_logits = nn.Parameter(near_identity_(torch.empty(1, 1, n2, n2)))

    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The logits `float[1 1 n1 n1]` and `float[1 1 n2 n2]`, whatever the input."""
        return self.outer_logits, self.inner_logits

    def deployed(self) -> nn.Module:
        """A gather with a single index map."""
        outer, inner = (evaluated_rows(logits[0], self.relaxation.at(1.0)) for logits in self.logit_parameters())
        return ChannelGather(shuffle_map(outer, inner, self.groups))

    def logit_parameters(self) -> tuple[nn.Parameter, nn.Parameter]:
        """Both logit matrices."""
        return (self.outer_logits, self.inner_logits)
