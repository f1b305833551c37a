"""The small network that turns pooled features into the logits of two permutation factors.

Axes: b images, c channels, g groups, p = o1 i1 + o2 i2 logits of a pair with o rows and i columns.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.channel_affine import ChannelAffine, scale_and_shift
from search_spaces.blocks.factors.factor_rows import RowGenerator, RowTable
from search_spaces.blocks.factors.factors import evaluated_rows, near_identity_
from search_spaces.blocks.factors.precision import full_precision, sum_dtype
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation, generator_inputs, hidden_width


class FactorGenerator(nn.Module, Counted):
    """Global average pool, linear, ReLU, linear; it runs in float32 or better, under autocast too.

    The last layer begins as weights N(0, spread) and biases `near_identity_`: with a small spread all factors are the identity at
    first, whatever the image, and not a stationary point of the penalty.

    Source: arXiv 2310.02776 says that small shared permutation matrices are generated from the input; layers, sizes and
    initialization are ours.
    """

    def __init__(self, shape: KroneckerShape, spec: GeneratorSpec) -> None:
        super().__init__()
        self.shape = shape
        self.spec = spec
        inputs = generator_inputs(shape.inputs, shape.groups, spec.share)
        pairs = shape.groups if spec.share == "none" else 1
        self.constant = nn.Parameter(torch.empty(shape.inputs).normal_()) if spec.source == "constant" else None
        self.standardize = nn.BatchNorm1d(shape.inputs, affine=False) if spec.standardize else nn.Identity()
        self.squeeze = nn.Linear(inputs, hidden_width(inputs, spec.reduction))
        self.logits = nn.Linear(self.squeeze.out_features, pairs * shape.entries)
        self._initialize_logits(pairs)

    def _initialize_logits(self, pairs: int) -> None:
        nn.init.normal_(self.logits.weight, 0.0, self.spec.spread)
        with torch.no_grad():
            outer, inner = self._split(self.logits.bias.view(pairs, -1))
            near_identity_(outer)
            near_identity_(inner)

    def _split(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """`float[... p] -> float[... o1 i1], float[... o2 i2]`, views."""
        sizes = (self.shape.outer, self.shape.inner)
        outer, inner = torch.split(flat, [rows * columns for rows, columns in sizes], dim=-1)
        lead = flat.shape[:-1]
        return outer.view(*lead, *sizes[0]), inner.view(*lead, *sizes[1])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, `float[b c h w] -> float[b g|1 o1 i1], float[b g|1 o2 i2]`; b is 1 for a constant source."""
        pooled = (
            pool(x.detach() if self.spec.detach else x)
            if self.constant is None
            else self.constant[None].to(sum_dtype(x))
        )
        with full_precision(pooled):
            pooled = self.standardize(pooled.to(self.squeeze.weight.dtype))
            if self.spec.share == "generator":
                pooled = pooled.view(len(pooled), self.shape.groups, -1)
            flat = self.logits(torch.relu(self.squeeze(pooled)))
        return self._split(flat.view(len(pooled), -1, self.shape.entries))

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0 beyond the two linear layers."""
        return 0

    def deployed_parameters(self) -> int:
        """The size of the learned input, if that is the source."""
        return 0 if self.constant is None else self.constant.numel()

    @torch.no_grad()
    def deployed_rows(self, relaxation: Relaxation) -> RowGenerator | RowTable:
        """The source of an evaluation's hard rows in a deployed network; for a constant input the rows are known now.

        The standardization is folded into the first layer, or stays a scale and a shift if groups with statistics of their
        own share that layer.
        """
        if self.constant is not None:
            outer, inner = (evaluated_rows(logits, relaxation) for logits in self(self.constant))
            return RowTable(outer, inner)
        standardize: nn.Module | None = None
        squeeze = self.squeeze
        if isinstance(self.standardize, nn.BatchNorm1d):
            if self.spec.share == "generator" and self.shape.groups > 1:
                standardize = ChannelAffine(self.standardize, positions=0)
            else:
                squeeze = _after(self.standardize, squeeze)
        return RowGenerator(
            standardize=standardize,
            squeeze=squeeze,
            logits=self.logits,
            blocks=self.shape.groups if self.spec.share == "generator" else 1,
            outer=self.shape.outer,
            inner=self.shape.inner,
            relaxation=relaxation,
        )

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"groups={self.shape.groups}, {self.spec}"


def pool(x: Tensor) -> Tensor:
    """Mean over positions in float32 or better: `float[b c h w] -> float[b c]`.

    It is computed as a sum that is divided, because the gradient of a sum is an expanded view, but that of a mean is a new
    feature map.
    """
    return x.sum((2, 3), dtype=sum_dtype(x)) / (x.shape[2] * x.shape[3])


def _after(norm: nn.BatchNorm1d, layer: nn.Linear) -> nn.Linear:
    """The layer that maps the inputs of an evaluated norm to what `layer` makes of the norm's outputs."""
    scale, shift = scale_and_shift(norm)
    joined = copy.deepcopy(layer)
    joined.weight.copy_(layer.weight * scale)
    joined.bias.add_(layer.weight @ shift)
    return joined
