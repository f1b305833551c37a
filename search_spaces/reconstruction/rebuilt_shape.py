"""The cost of a convolution with rebuilt filters in two stages, and whether that is less than as a dense convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltShape:
    """Sizes of a convolution of which some filters are templates and the others are sampled from them.

    The first stage computes the responses of every tap of the templates, and the second sums those that a rebuilt filter
    samples. If a tap is sampled only from itself, its responses are needed only at the positions where it is read; else at
    all positions of the input, which with a stride are more than those of the result.
    """

    filters: int
    """Number of filters n, templates and rebuilt ones."""
    channels: int
    """Number of input channels, c."""
    side: int
    """Side of a filter, k."""
    templates: int
    """Number of templates, m."""
    groups: int
    """Number of groups of channels with separate transformations, g."""
    samples: int
    """Number of template taps that a tap of a rebuilt filter is sampled from, q: 1 for scalars, else the 4 of a bilinear sample."""
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    @property
    def is_dense(self) -> bool:
        """Whether it is deployed as a dense convolution, because that takes no more multiply-adds than the two stages.

        This depends on the sizes of the layer, not on those of an image: the number of input positions per position of the
        result is taken from the stride. If filters are padded by half a side there are no more, so that the two stages
        never cost more than the dense convolution.
        """
        vertical, horizontal = self.stride
        inputs = 1 if self.samples == 1 else vertical * horizontal
        return self.channels * self.filters <= self._at(inputs, 1)

    def positions(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of the result for an input of this height and width."""
        height, width = (
            (pixels + 2 * pad - self.side) // stride + 1
            for pixels, stride, pad in zip(size, self.stride, self.padding, strict=True)
        )
        return height, width

    def responds_everywhere(self, size: Sequence[int]) -> bool:
        """Whether the first stage gives each response at all positions of an input of this height and width.

        Otherwise it computes the response of a tap only where the tap is read, which takes fewer multiply-adds with a stride.
        """
        height, width = self.positions(size)
        return self.samples > 1 or size[0] * size[1] <= height * width

    def multiply_adds(self, size: Sequence[int]) -> int:
        """Multiply-adds of the cheaper form, for one image of this height and width."""
        height, width = self.positions(size)
        outputs = height * width
        if self.is_dense:
            return outputs * self.side**2 * self.channels * self.filters
        return self.side**2 * self._at(size[0] * size[1] if self.responds_everywhere(size) else outputs, outputs)

    def _at(self, responses: int, outputs: int) -> int:
        """Multiply-adds of both stages per tap, for so many positions of responses and so many of the result."""
        rebuilt = self.filters - self.templates
        return responses * self.channels * self.templates + outputs * self.groups * rebuilt * self.samples
