"""Settings of a search space. Field docstrings are the text of `--help`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SpaceSettings:
    """Which networks are searched."""

    name: str = "shufflenet_v2"
    """Host network: shufflenet_v1, shufflenet_v2, mobilenet_v2, resnet_cifar, resnet50, vgg16, densenet_cifar. With another one
    than the config's, the config's widths, units, convolutions and conv_groups are not taken."""
    form: str = "auto"
    """small (stride-1 stem, for 8 to 64 pixels), imagenet (the published strides, for 224 pixels; not resnet_cifar, vgg16 and
    densenet_cifar), auto (by image size)."""
    stem_kernel: int = 3
    """Kernel size of the small form's stem: 1 or 3."""
    widths: tuple[float, ...] | None = None
    """shufflenet_v2: channels of the first stage, doubled in each later one (48, 116, 176 and 244 are the published 0.5x, 1x, 1.5x
    and 2x). densenet_cifar: growth rates, default [8, 12, 24]. The others: multiples of the published 1x. Default: the published
    ones (resnet_cifar, vgg16: [0.25, 0.5, 1])."""
    residual_units: tuple[str, ...] = ("basic", "bottleneck")
    """resnet_cifar: basic (two 3x3 convolutions, ResNet-20 and 56), bottleneck (1x1, 3x3, 1x1), chosen for the whole network."""
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage the numbers of units to choose from. Default: the published ones, [[4], [8], [4]] for the ShuffleNets,
    [[3], [3], [3]] for resnet_cifar (20 or 29 layers), [[2], [3], [7], [4]] for mobilenet_v2, [[3], [4], [6], [3]] for resnet50,
    [[1], [2], [3], [3], [3]] for vgg16 (its first convolution is the stem), [[16], [16], [16]] for densenet_cifar (100 layers)."""
    mixers: tuple[str, ...] = ("fixed", "static", "static_full", "dynamic", "static_dynamic")
    """Channel mixers a stage chooses from. Also allowed, as controls: none, random (one drawn permutation), random_each (another
    for each image), squeeze_excitation (fixed, channels scaled by the image), static_matrix (static_dynamic's static part)."""
    convolutions: tuple[str, ...] | None = None
    """What the convolutions of a stage are: dense; grouped (a channel mixer between them); static_dynamic (shuffles in the place of
    1x1 ones, behind a depthwise one in the place of others); reconstructed (filters rebuilt of others); learned_groups (groups
    and shuffles found by training). Default: all of these; mobilenet_v2 has the first three, shufflenet_v2 dense and
    static_dynamic (default [dense]), shufflenet_v1 no choice."""
    conv_groups: tuple[int, ...] | None = None
    """Groups of convolutions. shufflenet_v1: of all 1x1 (1, 2, 3, 4, 8), default [2, 3, 4, 8]. Others: of grouped stages, default
    [2, 4, 8]; one that does not divide a stage's channels means the next lower one that does. Not for shufflenet_v2."""
    learned_groups: tuple[int, ...] = (2, 4, 8)
    """learned_groups: how many times fewer multiply-adds the stage shall have; each convolution finds a number of its own."""
    rebuilt_shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    """reconstructed: share of the stage's filters to be rebuilt."""
    filter_groups: tuple[int, ...] = (1, 2, 4)
    """reconstructed: groups of channels that have transformations of their own."""
    transformations: tuple[str, ...] = ("scalar", "rotation", "affine")
    """reconstructed: what a template is put through, scalar (a factor for each tap), rotation, affine."""
    least_templates: tuple[int, ...] = (4,)
    """reconstructed: filters that each convolution keeps in any case."""
    sparsity_step: tuple[float, float] = (1e-4, 1e-2)
    """learned_groups: range [low, high] of the step by which the penalty's weight changes an epoch, searched on a log scale."""
    group_ranks: int = 3
    """How many of the legal shuffle group counts a stage chooses from; rank 0 is the nearest to the host's own."""
    pair_ranks: int = 4
    """How many of the ordered Kronecker pairs (n1, n2) a stage chooses from; rank 0 is the nearest to square."""
    max_factor: int = 32
    """Largest side of a Kronecker factor: a generator puts out n1^2 + n2^2 numbers."""
    reductions: tuple[int, ...] = (4, 8, 16)
    """Generator reductions: its hidden layer has C / reduction units, at least 4."""
    shares: tuple[str, ...] = ("matrices", "generator", "none")
    """What the channel groups share: matrices (one pair for all), generator (one small generator applied to each), none."""
    kron_ranks: tuple[int, ...] = (1, 2, 4)
    """static_dynamic: terms of its static Kronecker matrix. More than its smaller factor has entries add nothing."""
    sum_levels: tuple[str, ...] = ("full",)
    """static_dynamic: where the generated and the static matrix are added. full (the whole matrices), factor (their factors)."""
    binarize_from: tuple[float, ...] = (0.0, 0.3, 0.6)
    """Share of the training after which the forward pass uses hard permutations; 1: never."""
    normalizers: tuple[str, ...] = ("softmax",)
    """How logits become soft matrices: softmax (of the rows), sinkhorn (rows and columns in turn, Gumbel noise in training)."""
    penalties: tuple[str, ...] = ("orthogonality",)
    """What draws soft matrices to permutations: orthogonality, l1_l2 (AutoShuffleNet's; meant for sinkhorn)."""
    roundings: tuple[str, ...] = ("argmax",)
    """How soft matrices become hard: argmax (of each row), assignment (the nearest permutation; slower)."""
    orth_weight: tuple[float, float] = (0.1, 10.0)
    """Range [low, high] of the weight of the normalised penalty, searched on a log scale. In about a thousand steps 0.1 leaves
    a third of the permutations invalid, 1 hardly any, and 10 holds them at their start (docs/methods.md)."""
    temperature: tuple[float, float] = (0.25, 1.0)
    """Range [low, high] of the softmax temperature, searched on a log scale."""
    lr: tuple[float, float] = (0.05, 0.5)
    """Range [low, high] of the peak learning rate at a batch of 128, searched on a log scale. [x, x] fixes it."""
    weight_decay: tuple[float, float] = (1e-5, 1e-3)
    """Range [low, high] of the weight decay, searched on a log scale. [x, x] fixes it."""
