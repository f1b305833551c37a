"""What a channel mixer is made from: plain numbers, so that a block never sees a settings object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerSpec:
    """Sizes of one mixer. A kind reads what concerns it and ignores the rest."""

    channels: int
    """Channels that are mixed, C."""
    host_groups: int
    """Groups of the shuffle that the unchanged network has in this place."""
    groups: int = 1
    """Groups g of a Kronecker mixer; g n1 n2 = C."""
    n1: int = 0
    """Size of the outer Kronecker factor."""
    n2: int = 0
    """Size of the inner Kronecker factor."""
    reduction: int = 16
    """Generator: its hidden layer has (inputs / reduction) units, at least 4."""
    share: str = "matrices"
    """Generator: matrices (one pair for all groups), generator (one small generator applied to each group), none."""
    temperature: float = 1.0
    """Softmax temperature."""
    binarize_from: float = 0.0
    """Share of the training, 0 to 1, from which the training forward uses hard permutations."""
    kron_rank: int = 1
    """Terms of the static part of static_dynamic."""


SHARES = ("matrices", "generator", "none")
"""What the groups share: one pair for all, one small generator applied to each group's own channels, or nothing."""


def generator_inputs(channels: int, groups: int, share: str) -> int:
    """Features the generator's first layer sees: a group's own with `generator`, else all."""
    return channels // groups if share == "generator" else channels


def hidden_width(inputs: int, reduction: int) -> int:
    """Units of the generator's hidden layer: inputs / reduction rounded down, at least 4."""
    return max(inputs // reduction, 4)
