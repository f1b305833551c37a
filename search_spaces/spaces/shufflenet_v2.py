"""The space of ShuffleNetV2 networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from nas.candidate import Candidate
from nas.dimensions import Choice, Scalar
from nas.errors import SpaceError
from nas.values.json_fields import shown
from search_spaces.architecture import HostShape, StageShape, integer
from search_spaces.settings import ShuffleSettings
from search_spaces.shuffle_space import ShuffleSpace, spread
from search_spaces.value_faults import MOST_CHANNELS, is_number, items_of, names_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED = {48: "0.5x", 116: "1x", 176: "1.5x", 244: "2x"}
HOST_GROUPS = 2


@dataclass(frozen=True, kw_only=True)
class ShuffleNetV2Settings(ShuffleSettings):
    """Settings of the space of ShuffleNetV2 networks."""

    published_units = (4, 8, 4)
    offered_kinds = ("dense", "static_dynamic")

    name: str = "shufflenet_v2"
    widths: tuple[float, ...] | None = None
    """Numbers of channels of the first stage to choose from; they double in each later stage. Default: 48, 116, 176 and 244,
    the published 0.5x, 1x, 1.5x and 2x.
    """
    units: tuple[tuple[int, ...], ...] | None = None
    """For each stage, the numbers of units to choose from. Default: the published ones, [[4], [8], [4]]."""
    convolutions: tuple[str, ...] | None = None
    """Kinds of 1x1 convolutions that a stage chooses from: dense, or static_dynamic (shuffles that replace them). Default:
    [dense].
    """

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of convolutions that each stage chooses from."""
        return ("dense",) if self.convolutions is None else tuple(self.convolutions)

    def host_faults(self) -> list[str]:
        """Widths that are not even positive integers, and kinds that this space does not offer."""
        found = []
        if self.convolutions is not None:
            kinds = names_faults(
                "space.convolutions", "kind of convolutions here", self.convolutions, self.offered_kinds
            )
            found += kinds
        widths = self.widths
        if widths is None:
            return found
        if items_of(widths) is None or not widths:
            return [*found, f"space.widths = {widths!r} must be a list of at least one width"]
        wrong = [width for width in widths if not (is_number(width, low=2, high=MOST_CHANNELS) and width % 2 == 0)]
        if wrong:
            found.append(
                f"space.widths holds {', '.join(map(shown, wrong))}; allowed: even positive integers up to {MOST_CHANNELS}"
            )
        elif len(set(widths)) < len(widths):
            found.append(f"space.widths = {list(widths)!r} holds a value twice")
        return found

    def with_host_defaults(self) -> Self:
        """The settings with the published widths and dense convolutions where none are given."""
        widths = self.widths if self.widths is not None else tuple(PUBLISHED)
        return replace(self, widths=tuple(int(width) for width in widths), convolutions=self.kinds)


class ShuffleNetV2Space(ShuffleSpace):
    """The mixer is at the end of each unit, over all its output channels, where the host shuffles its two branches.

    `width` is the number of channels of the first stage; it doubles in each later stage. The last 1x1 convolution has the
    published 1024 channels (2048 at 2x); at other widths, our choice, four times those of the last stage. `static_dynamic`
    convolutions replace both 1x1 convolutions in the branch of each stride-1 unit, which are square; those that no
    Kronecker factors fit stay dense.

    Source: Ma et al., ShuffleNet V2, arXiv 1807.11164.
    """

    name = "shufflenet_v2"
    title = "ShuffleNet V2"
    settings_class = ShuffleNetV2Settings
    _settings: ShuffleNetV2Settings
    always_mixes = True

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decision on the width."""
        return (Choice(name="width", choices=self._widths),)

    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host; see `ShuffleSpace.host_shape`."""
        width = integer(decisions, "width")
        if width % 2:
            raise SpaceError(f"candidate: width = {width} must be even")
        channels = (width, 2 * width, 4 * width)
        stages = tuple(
            StageShape(mixed=(c,), convolutions=((c // 2, c // 2),) if count > 1 else (), groups=HOST_GROUPS)
            for c, count in zip(channels, units, strict=True)
        )
        return HostShape(stage_channels=channels, stages=stages)

    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of this width."""
        from search_spaces.hosts.shufflenet_v2 import shufflenet_v2

        return shufflenet_v2(
            stage_channels=self.shape(candidate.architecture).stage_channels,
            units=units,
            form=self._settings.form,
            stem_kernel=self._settings.stem_kernel,
            channels=self._image["channels"],
            classes=self._image["classes"],
        )

    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Host decisions of up to four baselines, at widths spread over all widths."""
        return {
            f"ShuffleNetV2 {PUBLISHED.get(int(width), f'({width})')}": {"width": width}
            for width in spread(self._widths)
        }

    @property
    def _widths(self) -> tuple[int, ...]:
        return tuple(int(width) for width in self._settings.widths or ())
