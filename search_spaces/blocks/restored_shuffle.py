"""A dynamic shuffle that is undone, so that what follows sees every channel in its own place.

Axes: b images, g groups, c = g n1 n2 channels, h w positions.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from search_spaces.blocks.channel_shuffle import channel_shuffle
from search_spaces.blocks.factors.factor_rows import RowGenerator, RowTable
from search_spaces.blocks.factors.factors import rounded_rows
from search_spaces.blocks.factors.generated_mixer import GeneratedMixer
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.index_shuffle import index_shuffle
from search_spaces.blocks.permutations.kronecker_shuffle import kronecker_shuffle
from search_spaces.blocks.permutations.permutation import inverse, shuffle_map
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation


class RestoredShuffle(GeneratedMixer):
    """Permute, process, permute back, then the host's shuffle: S_g R^T body(R x) with R(x) = S_g (I_g (x) P1 (x) P2) S_g^T.

    Around a unit of ShuffleNetV2, whose body processes one half of the channels, it chooses which channels these are. Rows
    are rounded to true permutations, since other maps have no inverse. They begin as the identity, and so the unit as the
    host's own.

    Source: this project.

    Args:
        body: A module with as many channels out as in, without a shuffle of its own.
        groups: Number of groups of the host's shuffle, g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable. Its rounding is always `assignment`, whatever is given.
    """

    def __init__(
        self, body: nn.Module, *, groups: int, n1: int, n2: int, generator: GeneratorSpec, relaxation: Relaxation
    ) -> None:
        super().__init__(KroneckerShape.square(groups, n1, n2), generator, replace(relaxation, rounding="assignment"))
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        before = channel_shuffle(x, self.channels // self.groups)
        if not self.training and not self.is_soft:
            outer, inner = (self.rows_of(logits) for logits in self.factor_logits(x))
            self.remember(shuffle_map(outer, inner, self.groups))
            return restored(before, self.body, outer, inner, self.groups)
        if not self.is_learned:
            self._soft_matrices = ()
            return restored(before, self.body, *self.first_rows(x.device), self.groups)
        p1, p2 = (self.soft_of(logits) for logits in self.factor_logits(x))
        if self.training:
            self._soft_matrices = (p1, p2)
        back = p1.transpose(-1, -2), p2.transpose(-1, -2)
        if self.is_soft:
            made = self._unshuffled(self.body(kronecker_shuffle(before, p1, p2, self.groups)))
            return channel_shuffle(kronecker_shuffle(made, *back, self.groups), self.groups)
        rows = rounded_rows(p1, self.relaxation.rounding), rounded_rows(p2, self.relaxation.rounding)
        made = self._unshuffled(self.body(index_shuffle(before, p1, p2, self.groups, rows)))
        undone = inverse(rows[0]), inverse(rows[1])
        return channel_shuffle(index_shuffle(made, *back, self.groups, undone), self.groups)

    def _unshuffled(self, x: Tensor) -> Tensor:
        return channel_shuffle(x, self.channels // self.groups)

    def deployed(self) -> nn.Module:
        """The same block by index, around the deployed body."""
        from search_spaces.deployment import compact

        return DeployedRestoredShuffle(
            compact(self.body), self.generator.deployed_rows(self.relaxation.at(1.0)), self.channels, self.groups
        )


class DeployedRestoredShuffle(nn.Module):
    """`RestoredShuffle` with rows from a lean generator or a table.

    Args:
        body: The module between the two permutations.
        rows: Gives the hard rows of both factors.
        channels: Number of channels, c.
        groups: Number of groups, g.
    """

    def __init__(self, body: nn.Module, rows: RowGenerator | RowTable, channels: int, groups: int) -> None:
        super().__init__()
        self.body = body
        self.rows = rows
        self.channels = channels
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        outer, inner = self.rows(x)
        return restored(channel_shuffle(x, self.channels // self.groups), self.body, outer, inner, self.groups)


def restored(before: Tensor, body: nn.Module, outer: Tensor, inner: Tensor, groups: int) -> Tensor:
    """The block by index: `float[b c h w] -> float[b c h w]`.

    Args:
        before: The input, with the host's shuffle undone.
        body: The module between the two permutations.
        outer: Hard rows of P1, a permutation, `int[b|1 g|1 n1]`.
        inner: Hard rows of P2, a permutation, `int[b|1 g|1 n2]`.
        groups: Number of groups, g.
    """
    made = body(gather_channels(before, shuffle_map(outer, inner, groups)))
    made = channel_shuffle(made, made.shape[1] // groups)
    return channel_shuffle(gather_channels(made, shuffle_map(inverse(outer), inverse(inner), groups)), groups)
