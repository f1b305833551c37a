"""The specification of a channel mixer: plain numbers and names, so that a block never sees a settings object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

SHARES = ("matrices", "generator", "none")
"""What the groups share: matrices (one pair for all groups), generator (one small generator, applied to each group's own
channels), or none.
"""
SOURCES = ("image", "constant")
"""The input of a generator: the pooled image, or a learned vector that is the same for all images (a control)."""
NORMALIZERS = ("softmax", "sinkhorn")
"""How logits become a soft matrix: row softmax, or alternating row and column normalization (with Gumbel noise in training)."""
PENALTIES = ("orthogonality", "l1_l2")
"""Penalties that draw soft matrices to permutations: ||P P^T - I||^2, or AutoShuffleNet's sum of l1 minus l2 norms of rows and
columns.
"""
ROUNDINGS = ("argmax", "assignment")
"""How a soft matrix becomes hard: the largest entry of each row, or the nearest permutation."""
ESTIMATORS = ("straight_through", "gated")
"""The gradient of hard rows: that of the soft rows for every entry; or that of a factor p / p of each chosen entry's
probability p, which is exact for the chosen entry and ignores the others.
"""
BOUNDS = ("tanh", "softmax")
"""Bounds of the coefficients of a blend: 1 for the host's own shuffle and 0 for the others, each plus a tanh; or a softmax."""
ANNEALED_BY = 0.5
"""Share of the training after which a falling temperature has reached its final value."""
SUM_LEVELS = ("full", "factor")
"""Where the two parts of static-dynamic are added: the full matrices, or the factors before their Kronecker product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """How a permutation is made learnable."""

    temperature: float = 1.0
    """Temperature of the softmax or of Sinkhorn's exponential, above 0."""
    binarize_from: float = 0.0
    """Share of the training, 0 to 1, after which the training forward uses hard permutations; 1 means never."""
    normalizer: str = "softmax"
    """One of NORMALIZERS."""
    penalty: str = "orthogonality"
    """One of PENALTIES."""
    rounding: str = "argmax"
    """One of ROUNDINGS."""
    estimator: str = "straight_through"
    """One of ESTIMATORS."""
    final_temperature: float | None = None
    """The value to which the temperature falls over the first half of the training, linearly on a log scale; None keeps it
    constant.
    """
    learned_from: float = 0.0
    """Share of the training, 0 to 1, during which the permutation is the identity and nothing of it is learned."""

    def at(self, share: float) -> Relaxation:
        """The relaxation with the temperature after a share of the training; `at(1.0)` is that of the trained network."""
        if self.final_temperature is None:
            return self
        fallen = (self.final_temperature / self.temperature) ** min(share / ANNEALED_BY, 1.0)
        return replace(self, temperature=self.temperature * fallen, final_temperature=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """The specification of the small network that turns pooled features into logits."""

    reduction: int = 16
    """The hidden layer has (inputs / reduction) units, at least 4."""
    share: str = "matrices"
    """One of SHARES."""
    source: str = "image"
    """One of SOURCES."""
    spread: float = 0.01
    """Standard deviation of the last layer's initial weights, on which it depends how much the first permutations differ
    between images.
    """
    standardize: bool = False
    """Whether pooled features are normalized to mean 0 and variance 1 over the batch, by a batch norm without weights."""
    detach: bool = True
    """Whether the generator sees features without their gradient. The gradient from logits through pooled features into the
    network would include that of entries that were not chosen, for which nothing in the network's output has changed.
    """
    neutral: bool = False
    """For squeeze_excitation: whether its gates begin at 1 rather than near one half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendSpec:
    """A convex or bounded combination of fixed permutations with coefficients per image."""

    permutations: int = 2
    """Number of permutations, 2 or more; the first is the host's own shuffle."""
    bound: str = "tanh"
    """One of BOUNDS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KroneckerShape:
    """Sizes of I_g (x) A1 (x) A2 with A1 `o1 x i1` and A2 `o2 x i2`, which maps g i1 i2 channels to g o1 o2."""

    groups: int
    """Number of groups, g."""
    outer: tuple[int, int]
    """Rows and columns (o1, i1) of the outer factor."""
    inner: tuple[int, int]
    """Rows and columns (o2, i2) of the inner factor."""

    @classmethod
    def square(cls, groups: int, n1: int, n2: int) -> KroneckerShape:
        """The shape of a map from g n1 n2 channels to the same number."""
        return cls(groups=groups, outer=(n1, n1), inner=(n2, n2))

    @property
    def inputs(self) -> int:
        """Number of channels that are read, g i1 i2."""
        return self.groups * self.outer[1] * self.inner[1]

    @property
    def outputs(self) -> int:
        """Number of channels that are made, g o1 o2."""
        return self.groups * self.outer[0] * self.inner[0]

    @property
    def columns(self) -> tuple[int, int]:
        """Numbers of columns (i1, i2) of both factors."""
        return self.outer[1], self.inner[1]

    @property
    def entries(self) -> int:
        """Number of entries in a pair of factors, o1 i1 + o2 i2."""
        return self.outer[0] * self.outer[1] + self.inner[0] * self.inner[1]

    @property
    def inner_first(self) -> bool:
        """Whether the product with the inner factor comes first, because the two then take fewer multiply-adds."""
        return inner_first(self.outer, self.inner)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds per position of both products: g i1 o2 (i2 + o1), or g o1 i2 (i1 + o2) if less; c (n1 + n2) for squares."""
        (o1, i1), (o2, i2) = self.outer, self.inner
        return self.groups * (i1 * o2 * (i2 + o1) if self.inner_first else o1 * i2 * (i1 + o2))

    @property
    def dense_multiply_adds(self) -> int:
        """Multiply-adds of one product with A1 (x) A2 at one position, g o1 o2 i1 i2."""
        return self.outputs * self.inputs // self.groups

    @property
    def most_terms(self) -> int:
        """Number of Kronecker products whose sum can be any matrix of these sizes, so that more add nothing: min(o1 i1, o2 i2).

        Rearranged, the sum is a matrix product of rank r (Van Loan and Pitsianis, 1993).
        """
        return min(self.outer[0] * self.outer[1], self.inner[0] * self.inner[1])

    def is_dense(self, terms: int) -> bool:
        """Whether the sum of so many products is deployed as one matrix, which takes no more multiply-adds than the factors."""
        return self.dense_multiply_adds <= terms * self.multiply_adds

    def deployed_multiply_adds(self, terms: int) -> int:
        """Multiply-adds at one position of the sum of so many products, in its cheaper form."""
        return min(self.dense_multiply_adds, terms * self.multiply_adds)

    def deployed_entries(self, terms: int) -> int:
        """Number of entries that this form holds: those of all factors, or of one matrix per group."""
        return self.dense_multiply_adds if self.is_dense(terms) else terms * self.entries


def inner_first(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    """Whether A1 (X A2^T) takes no more multiply-adds than (A1 X) A2^T, for factors of these rows and columns."""
    (o1, i1), (o2, i2) = outer, inner
    return i1 * o2 * (i2 + o1) <= o1 * i2 * (i1 + o2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseSpec:
    """The specification of a static-dynamic shuffle that replaces a 1x1 convolution."""

    shape: KroneckerShape
    """Sizes of the map, whose inputs and outputs are those of the convolution."""
    generator: GeneratorSpec
    relaxation: Relaxation
    kron_rank: int = 1
    """Number of terms of the static part; 1 if `sum_level` is factor."""
    sum_level: str = "full"
    """One of SUM_LEVELS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerSpec:
    """Sizes of one mixer. Each kind of mixer uses those that concern it."""

    channels: int
    """Number of channels that are mixed, C."""
    host_groups: int
    """Number of groups of the unchanged network's shuffle in this place."""
    groups: int = 1
    """Number of groups g of a Kronecker mixer; g n1 n2 = C."""
    n1: int = 0
    """Size of the outer Kronecker factor."""
    n2: int = 0
    """Size of the inner Kronecker factor."""
    generator: GeneratorSpec = field(default_factory=GeneratorSpec)
    relaxation: Relaxation = field(default_factory=Relaxation)
    kron_rank: int = 1
    """Number of terms of the static part of static_dynamic."""
    sum_level: str = "full"
    """One of SUM_LEVELS."""
    blend: BlendSpec = field(default_factory=BlendSpec)


def generator_inputs(channels: int, groups: int, share: str) -> int:
    """Number of features that the generator's first layer sees: a group's own if groups share the generator, else all."""
    return channels // groups if share == "generator" else channels


def hidden_width(inputs: int, reduction: int) -> int:
    """Number of units of the generator's hidden layer: inputs / reduction rounded down, at least 4."""
    return max(inputs // reduction, 4)
