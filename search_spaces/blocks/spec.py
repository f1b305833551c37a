"""What a channel mixer is made from: plain numbers and names, so that a block never sees a settings object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

SHARES = ("matrices", "generator", "none")
"""What the groups share: one pair for all, one small generator applied to each group's own channels, or nothing."""
SOURCES = ("image", "constant")
"""What a generator sees: the pooled image, or a learned vector that is the same for all images (a control)."""
NORMALIZERS = ("softmax", "sinkhorn")
"""How logits become a soft matrix: row softmax, or alternating row and column normalization (with Gumbel noise in training)."""
PENALTIES = ("orthogonality", "l1_l2")
"""What draws soft matrices to permutations: ||P P^T - I||^2, or AutoShuffleNet's sum of l1 minus l2 norms of rows and columns."""
ROUNDINGS = ("argmax", "assignment")
"""How a soft matrix becomes hard: the largest entry of each row, or the nearest permutation."""
ESTIMATORS = ("straight_through", "gated")
"""The gradient of hard rows: that of the soft ones for every entry, or that of a factor p / p of each chosen entry's probability p,
which is exact for what was chosen and says nothing of the others."""
BOUNDS = ("tanh", "softmax")
"""How coefficients of a blend are bounded: 1 for the host's own shuffle and 0 for the others, each plus a tanh, or a softmax."""
ANNEALED_BY = 0.5
"""Share of the training after which a temperature that falls has fallen."""
SUM_LEVELS = ("full", "factor")
"""Where static-dynamic adds: the full matrices, or the factors before their Kronecker product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """How a permutation is made learnable."""

    temperature: float = 1.0
    """Of the softmax or of Sinkhorn's exponential, above 0."""
    binarize_from: float = 0.0
    """Share of the training, 0 to 1, from which the training forward uses hard permutations; 1 means never."""
    normalizer: str = "softmax"
    """One of NORMALIZERS."""
    penalty: str = "orthogonality"
    """One of PENALTIES."""
    rounding: str = "argmax"
    """One of ROUNDINGS."""
    estimator: str = "straight_through"
    """One of ESTIMATORS."""
    final_temperature: float | None = None
    """To which the temperature falls over the first half of the training, evenly on a log scale; None leaves it as it is."""
    learned_from: float = 0.0
    """Share of the training, 0 to 1, before which the permutation is the identity and nothing of it is learned."""

    def at(self, share: float) -> Relaxation:
        """With the temperature after a share of the training; `at(1.0)` is how the trained network reads its logits."""
        if self.final_temperature is None:
            return self
        fallen = (self.final_temperature / self.temperature) ** min(share / ANNEALED_BY, 1.0)
        return replace(self, temperature=self.temperature * fallen, final_temperature=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """The small network that turns pooled features into logits."""

    reduction: int = 16
    """Its hidden layer has (inputs / reduction) units, at least 4."""
    share: str = "matrices"
    """One of SHARES."""
    source: str = "image"
    """One of SOURCES."""
    spread: float = 0.01
    """Standard deviation of the last layer's initial weights: how much the first permutations depend on the image."""
    standardize: bool = False
    """Whether pooled features are brought to mean 0 and variance 1 over the batch, by a batch norm without weights."""
    detach: bool = True
    """Whether it sees features without their gradient: the way from logits over pooled features into the network before would
    carry that of entries that were not chosen, where nothing that the network does has changed."""
    neutral: bool = False
    """squeeze_excitation: whether its gates begin at 1 rather than around a half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendSpec:
    """A convex or bounded combination of fixed permutations with coefficients of each image."""

    permutations: int = 2
    """How many, 2 or more; the host's own shuffle is the first."""
    bound: str = "tanh"
    """One of BOUNDS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KroneckerShape:
    """Sizes of I_g (x) A1 (x) A2 with A1 `o1 x i1` and A2 `o2 x i2`, which takes g i1 i2 channels to g o1 o2."""

    groups: int
    """g."""
    outer: tuple[int, int]
    """Rows and columns (o1, i1) of the outer factor."""
    inner: tuple[int, int]
    """Rows and columns (o2, i2) of the inner factor."""

    @classmethod
    def square(cls, groups: int, n1: int, n2: int) -> KroneckerShape:
        """Of a map from g n1 n2 channels to as many."""
        return cls(groups=groups, outer=(n1, n1), inner=(n2, n2))

    @property
    def inputs(self) -> int:
        """Channels that are read, g i1 i2."""
        return self.groups * self.outer[1] * self.inner[1]

    @property
    def outputs(self) -> int:
        """Channels that are made, g o1 o2."""
        return self.groups * self.outer[0] * self.inner[0]

    @property
    def columns(self) -> tuple[int, int]:
        """Columns (i1, i2) of both factors."""
        return self.outer[1], self.inner[1]

    @property
    def entries(self) -> int:
        """Numbers in a pair of factors, o1 i1 + o2 i2."""
        return self.outer[0] * self.outer[1] + self.inner[0] * self.inner[1]

    @property
    def inner_first(self) -> bool:
        """Whether the product with the inner factor comes first, in which order the two take fewer multiply-adds."""
        return inner_first(self.outer, self.inner)

    @property
    def multiply_adds(self) -> int:
        """Of both products at one position: g i1 o2 (i2 + o1), or g o1 i2 (i1 + o2) if fewer; c (n1 + n2) for squares."""
        (o1, i1), (o2, i2) = self.outer, self.inner
        return self.groups * (i1 * o2 * (i2 + o1) if self.inner_first else o1 * i2 * (i1 + o2))

    @property
    def dense_multiply_adds(self) -> int:
        """Of one product with A1 (x) A2 at one position, g o1 o2 i1 i2."""
        return self.outputs * self.inputs // self.groups

    @property
    def most_terms(self) -> int:
        """Kronecker products whose sum can be any matrix of these sizes, so that more add nothing: min(o1 i1, o2 i2).

        Rearranged, the sum is a matrix product of rank r (Van Loan and Pitsianis, 1993).
        """
        return min(self.outer[0] * self.outer[1], self.inner[0] * self.inner[1])

    def is_dense(self, terms: int) -> bool:
        """Whether the sum of so many products is deployed as one matrix, which takes no more multiply-adds than the factors."""
        return self.dense_multiply_adds <= terms * self.multiply_adds

    def deployed_multiply_adds(self, terms: int) -> int:
        """At one position, of the sum of so many products in its cheaper form."""
        return min(self.dense_multiply_adds, terms * self.multiply_adds)

    def deployed_entries(self, terms: int) -> int:
        """Numbers that this form holds: those of all factors, or of a matrix of each group."""
        return self.dense_multiply_adds if self.is_dense(terms) else terms * self.entries


def inner_first(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    """Whether A1 (X A2^T) takes no more multiply-adds than (A1 X) A2^T, for factors of these rows and columns."""
    (o1, i1), (o2, i2) = outer, inner
    return i1 * o2 * (i2 + o1) <= o1 * i2 * (i1 + o2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointwiseSpec:
    """What a static-dynamic shuffle in the place of a 1x1 convolution is made from."""

    shape: KroneckerShape
    """Its inputs and outputs are those of the convolution."""
    generator: GeneratorSpec
    relaxation: Relaxation
    kron_rank: int = 1
    """Terms of its static part; 1 where `sum_level` is factor."""
    sum_level: str = "full"
    """One of SUM_LEVELS."""


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
    generator: GeneratorSpec = field(default_factory=GeneratorSpec)
    relaxation: Relaxation = field(default_factory=Relaxation)
    kron_rank: int = 1
    """Terms of the static part of static_dynamic."""
    sum_level: str = "full"
    """One of SUM_LEVELS."""
    blend: BlendSpec = field(default_factory=BlendSpec)


def generator_inputs(channels: int, groups: int, share: str) -> int:
    """Features the generator's first layer sees: a group's own with `generator`, else all."""
    return channels // groups if share == "generator" else channels


def hidden_width(inputs: int, reduction: int) -> int:
    """Units of the generator's hidden layer: inputs / reduction rounded down, at least 4."""
    return max(inputs // reduction, 4)
