"""Settings of a search space. Field docstrings are the text of `--help`."""

# No postponed annotations: jsonargparse resolves those of a base class with the names of the subclass's module.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from search_spaces.blocks import BLOCKS
from search_spaces.blocks.spec import NORMALIZERS, PENALTIES, ROUNDINGS, SHARES, SUM_LEVELS
from search_spaces.kinds import KINDS
from search_spaces.value_faults import (
    MOST_CHANNELS,
    MOST_RANKS,
    log_range_faults,
    names_faults,
    numbers_faults,
    one_of_faults,
    units_faults,
    whole_faults,
)

FORMS = ("auto", "small", "imagenet")


@dataclass(frozen=True, kw_only=True)
class SpaceSettings:
    """Which networks are searched: the settings that all spaces have.

    Each space has a class of its own, with its name as the default.
    """

    name: str
    """Host network. If it is not that of the config, the config's widths, units, convolutions and conv_groups are ignored."""

    def faults(self) -> list[str]:
        """What is wrong with the settings, whatever the images are: one sentence for each fault."""
        return []


@dataclass(frozen=True, kw_only=True)
class ShuffleSettings(SpaceSettings):
    """Settings of the spaces in which the stages of a host network mix channels."""

    published_units: ClassVar[tuple[int, ...]]
    """Number of units of each stage in the published network."""
    offered_kinds: ClassVar[Sequence[str]] = ("dense",)
    """Kinds of convolutions that the space offers."""

    form: str = "auto"
    """Form of the network: small (stride-1 stem, for 8 to 64 pixels), imagenet (the published strides, for 224 pixels), auto
    (by image size).
    """
    stem_kernel: int = 3
    """Kernel size of the small form's stem: 1 or 3."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: the published numbers."""
    mixers: tuple[str, ...] = ("fixed", "static", "static_full", "dynamic", "static_dynamic")
    """Channel mixers that a stage chooses from. Also allowed, as controls: none, random (one random permutation), random_each
    (a random permutation per image), squeeze_excitation (fixed, with channels scaled depending on the image), static_matrix
    (the static part of static_dynamic).
    """
    group_ranks: int = 3
    """How many of the legal group counts of shuffles a stage chooses from; rank 0 is the one nearest to the host's own."""
    pair_ranks: int = 4
    """How many of the ordered Kronecker pairs (n1, n2) a stage chooses from; rank 0 is the one nearest to square."""
    max_factor: int = 32
    """Largest side of a Kronecker factor. A generator computes n1^2 + n2^2 numbers."""
    reductions: tuple[int, ...] = (4, 8, 16)
    """Reductions of the generator to choose from: its hidden layer has C / reduction units, at least 4."""
    shares: tuple[str, ...] = ("matrices", "generator", "none")
    """What the channel groups may share: matrices (one pair for all groups), generator (one small generator, applied to each
    group), none.
    """
    kron_ranks: tuple[int, ...] = (1, 2, 4)
    """static_dynamic: numbers of terms of its static Kronecker matrix to choose from. Terms beyond the number of entries of the
    smaller factor have no effect.
    """
    sum_levels: tuple[str, ...] = ("full",)
    """static_dynamic: where the generated and the static matrix are added: full (the whole matrices), factor (their factors)."""
    binarize_from: tuple[float, ...] = (0.0, 0.3, 0.6)
    """Shares of the training to choose from, after which the forward pass uses hard permutations; 1 means never."""
    normalizers: tuple[str, ...] = ("softmax",)
    """How logits may become soft matrices: softmax (of rows), sinkhorn (rows and columns in turn, Gumbel noise in training)."""
    penalties: tuple[str, ...] = ("orthogonality",)
    """Penalties that draw soft matrices to permutations: orthogonality, l1_l2 (that of AutoShuffleNet, meant for sinkhorn)."""
    roundings: tuple[str, ...] = ("argmax",)
    """How soft matrices may become hard: argmax (of each row), assignment (the nearest permutation; slower)."""
    orth_weight: tuple[float, float] = (0.1, 10.0)
    """Range [low, high] of the weight of the normalised penalty, searched on a log scale. In about a thousand steps, 0.1 leaves
    a third of the permutations invalid, 1 hardly any, and 10 keeps them at their start (docs/methods.md).
    """
    temperature: tuple[float, float] = (0.25, 1.0)
    """Range [low, high] of the softmax temperature, searched on a log scale."""
    lr: tuple[float, float] = (0.05, 0.5)
    """Range [low, high] of the peak learning rate at a batch of 128, searched on a log scale. [x, x] fixes it."""
    weight_decay: tuple[float, float] = (1e-5, 1e-3)
    """Range [low, high] of the weight decay, searched on a log scale. [x, x] fixes it."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of convolutions that each stage chooses from."""
        return tuple(self.offered_kinds)

    def faults(self) -> list[str]:
        """Everything in the settings that no network can have; see `SpaceSettings.faults`."""
        return [
            *one_of_faults("space.form", self.form, FORMS),
            *one_of_faults("space.stem_kernel", self.stem_kernel, (1, 3)),
            *units_faults(self.units, len(self.published_units)),
            *names_faults("space.mixers", "mixer", self.mixers, BLOCKS),
            *whole_faults("space.group_ranks", self.group_ranks, 1, MOST_RANKS),
            *whole_faults("space.pair_ranks", self.pair_ranks, 1, MOST_RANKS),
            *whole_faults("space.max_factor", self.max_factor, 2, MOST_RANKS),
            *numbers_faults("space.reductions", self.reductions, whole=True, low=1, high=MOST_CHANNELS),
            *names_faults("space.shares", "share", self.shares, SHARES),
            *numbers_faults("space.kron_ranks", self.kron_ranks, whole=True, low=1, high=MOST_RANKS),
            *names_faults("space.sum_levels", "level", self.sum_levels, SUM_LEVELS),
            *names_faults("space.normalizers", "normalizer", self.normalizers, NORMALIZERS),
            *names_faults("space.penalties", "penalty", self.penalties, PENALTIES),
            *names_faults("space.roundings", "rounding", self.roundings, ROUNDINGS),
            *numbers_faults("space.binarize_from", self.binarize_from, low=0, high=1),
            *(fault for kind in self.offered_kinds for fault in KINDS[kind].faults(self)),
            *log_range_faults("space.orth_weight", self.orth_weight),
            *log_range_faults("space.temperature", self.temperature, positive=True),
            *log_range_faults("space.lr", self.lr, positive=True),
            *log_range_faults("space.weight_decay", self.weight_decay),
            *self.host_faults(),
        ]

    def host_faults(self) -> list[str]:
        """What is wrong with the settings that describe the host; None stands for a default."""
        return []

    def form_faults(self, form: str) -> list[str]:
        """What is wrong with the form, small or imagenet, that results from the settings."""
        return []

    def with_host_defaults(self) -> Self:
        """The settings, of the same class, with the host's defaults filled in and its values converted to their own types."""
        return self
