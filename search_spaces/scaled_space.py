"""What the spaces have in common whose hosts have one width and decide on kinds of convolutions in every stage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import ClassVar

from nas.dimensions import Choice, Scalar
from search_spaces.architecture import KINDS, number
from search_spaces.settings import SpaceSettings
from search_spaces.shuffle_space import MOST_BASELINES, ShuffleSpace, spread
from search_spaces.validation import convolution_faults, multiple_faults, names_faults

USUAL_CONV_GROUPS = (2, 4, 8)


class ScaledSpace(ShuffleSpace):
    """A `width`, and in each stage a kind of convolutions; grouped ones have a mixer between them.

    Source of the kinds: see docs/methods.md.
    """

    always_mixes = False
    usual_widths: ClassVar[tuple[float, ...]]
    kinds: ClassVar[tuple[str, ...]] = KINDS
    """Kinds of convolutions that there are, which is also the default."""
    sizes_of_images: ClassVar[str] = ""
    """Where there is no imagenet form: what is to be said to who asks for it."""

    @abstractmethod
    def channels(self, width: float) -> Hashable:
        """Of all layers of the host: two widths with the same ones mean the same network."""

    @abstractmethod
    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """Of an unchanged network of these host decisions."""

    def host_faults(self, settings: SpaceSettings) -> list[str]:
        """Widths that are none, groups below 2, kinds that are not offered here, and another form."""
        found = self.form_faults("imagenet") if settings.form == "imagenet" else []
        if settings.convolutions is not None:
            found += names_faults("space.convolutions", "kind of convolutions here", settings.convolutions, self.kinds)
        return [*found, *self.width_faults(settings.widths), *convolution_faults(settings.conv_groups)]

    def width_faults(self, widths: object) -> list[str]:
        """What is wrong with the widths; None stands for a default."""
        return multiple_faults(widths)

    def form_faults(self, form: str) -> list[str]:
        """Only the small form may be there."""
        if form == "small" or not self.sizes_of_images:
            return []
        return [
            f"space.form: {self.name} has the form small alone, which is for {self.sizes_of_images}; use small, or resnet50"
        ]

    def with_host_defaults(self, settings: SpaceSettings) -> SpaceSettings:
        """Usual widths and groups, and every kind of convolutions, where none are given."""
        widths = settings.widths if settings.widths is not None else self.usual_widths
        groups = settings.conv_groups if settings.conv_groups is not None else USUAL_CONV_GROUPS
        kinds = settings.convolutions if settings.convolutions is not None else self.kinds
        return replace(settings, widths=tuple(map(float, widths)), conv_groups=tuple(groups), convolutions=tuple(kinds))

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The width."""
        return (Choice(name="width", choices=self.widths),)

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Of the widths that mean the same channels the smallest."""
        channels = self.channels(number(decisions, "width"))
        mine = super().canonical_host(decisions)
        return {**mine, "width": min(width for width in self.widths if self.channels(width) == channels)}

    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Up to four, at widths spread over those there are, with each choice of the other decisions on the host."""
        others: list[dict[str, Scalar]] = [{}]
        for dimension in self.host_dimensions():
            if dimension.name != "width":
                others = [{**other, dimension.name: choice} for other in others for choice in dimension.choices]
        hosts = [
            {**other, "width": width}
            for other in others
            for width in spread(self.widths, MOST_BASELINES // len(others))
        ]
        return {self.host_name(units, host): host for host in hosts}

    @property
    def widths(self) -> tuple[float, ...]:
        """To choose from."""
        return tuple(self._settings.widths or ())
