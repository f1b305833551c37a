"""What a convolution with rebuilt filters costs in two stages, and whether that is less than as a dense one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltShape:
    """Sizes of a convolution of which some filters are templates and the others are sampled from them.

    The first stage gives the responses of every tap of the templates, the second sums those that a rebuilt filter samples. Where
    a tap is sampled from itself alone, its responses are needed only at the positions where it is read; else at all positions
    of the input, which with a stride are more than those of the result.
    """

    filters: int
    """n, templates and rebuilt ones."""
    channels: int
    """c, of the input."""
    side: int
    """k, of a filter."""
    templates: int
    """m."""
    groups: int
    """g, of channels, each with transformations of its own."""
    samples: int
    """q, the taps of a template that a tap of a rebuilt filter is sampled from: 1 for scalars, else the 4 of a bilinear sample."""
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    @property
    def is_dense(self) -> bool:
        """Whether it is deployed as a dense convolution, which takes no more multiply-adds than the two stages.

        It is decided by the sizes of the layer, not by those of an image: the input is taken to have as many positions for each
        of the result as the stride says. With filters padded by half a side it has no more, so that the two stages then never
        cost more than the dense convolution.
        """
        vertical, horizontal = self.stride
        inputs = 1 if self.samples == 1 else vertical * horizontal
        return self.channels * self.filters <= self._at(inputs, 1)

    def positions(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of the result for an input of these."""
        height, width = (
            (pixels + 2 * pad - self.side) // stride + 1
            for pixels, stride, pad in zip(size, self.stride, self.padding, strict=True)
        )
        return height, width

    def responds_everywhere(self, size: Sequence[int]) -> bool:
        """Whether the first stage gives each response at all positions of an input of this height and width.

        Else it gives that of a tap where the tap is read, which takes fewer multiply-adds with a stride.
        """
        height, width = self.positions(size)
        return self.samples > 1 or size[0] * size[1] <= height * width

    def multiply_adds(self, size: Sequence[int]) -> int:
        """Of the cheaper form, for one image of this height and width."""
        height, width = self.positions(size)
        outputs = height * width
        if self.is_dense:
            return outputs * self.side**2 * self.channels * self.filters
        return self.side**2 * self._at(size[0] * size[1] if self.responds_everywhere(size) else outputs, outputs)

    def _at(self, responses: int, outputs: int) -> int:
        """Multiply-adds of both stages for each tap, with responses at so many positions and so many of the result."""
        rebuilt = self.filters - self.templates
        return responses * self.channels * self.templates + outputs * self.groups * rebuilt * self.samples
