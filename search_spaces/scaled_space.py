"""The common part of the spaces whose hosts have a single width and decide on kinds of convolutions in every stage."""

# No postponed annotations: jsonargparse resolves those of a base class with the names of the subclass's module.

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from nas.dimensions import Choice, Scalar
from search_spaces.architecture import number
from search_spaces.kinds import KINDS
from search_spaces.settings import ShuffleSettings
from search_spaces.shuffle_space import MOST_BASELINES, ShuffleSpace, spread
from search_spaces.value_faults import multiple_faults, names_faults


@dataclass(frozen=True, kw_only=True)
class ScaledSettings(ShuffleSettings):
    """Settings of the spaces whose hosts have a single width and a choice of convolutions in every stage."""

    offered_kinds = tuple(KINDS)
    usual_widths: ClassVar[tuple[float, ...]]
    """The default widths."""
    sizes_of_images: ClassVar[str] = ""
    """For spaces without an imagenet form: the text that refuses it."""

    widths: tuple[float, ...] | None = None
    """Widths to choose from, as multiples of the published width. Default: several up to 1."""
    convolutions: tuple[str, ...] | None = None
    """Kinds of convolutions that a stage chooses from: dense; grouped (with a channel mixer between them); static_dynamic
    (shuffles that replace 1x1 convolutions, or, behind a depthwise convolution, wider ones); reconstructed (some filters are
    rebuilt from others); learned_groups (training finds groups and shuffles). Default: all that the space offers.
    """

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of convolutions that each stage chooses from."""
        return tuple(self.offered_kinds if self.convolutions is None else self.convolutions)

    def host_faults(self) -> list[str]:
        """Invalid widths, kinds that this space does not offer, and another form."""
        found = self.form_faults(self.form) if self.form == "imagenet" else []
        if self.convolutions is not None:
            kinds = names_faults(
                "space.convolutions", "kind of convolutions here", self.convolutions, self.offered_kinds
            )
            found += kinds
        return [*found, *self.width_faults()]

    def width_faults(self) -> list[str]:
        """What is wrong with the widths; None stands for the default."""
        return multiple_faults(self.widths)

    def form_faults(self, form: str) -> list[str]:
        """Says if another form than the small one is asked for."""
        if form == "small" or not self.sizes_of_images:
            return []
        return [
            f"space.form: {self.name} has the form small alone, which is for {self.sizes_of_images}; use small, or resnet50"
        ]

    def with_host_defaults(self) -> Self:
        """The settings with the usual widths, the defaults of kinds, and every kind of convolutions, where none are given."""
        settings = replace(
            self, widths=self.usual_widths if self.widths is None else self.widths, convolutions=self.kinds
        )
        for name in self.offered_kinds:
            settings = KINDS[name].with_defaults(settings)
        return settings


class ScaledSpace(ShuffleSpace):
    """A space with a `width`, and in each stage a kind of convolutions, where grouped ones have a mixer between them.

    Source of the kinds: see docs/methods.md.
    """

    always_mixes = False
    settings_class: type[ScaledSettings]
    _settings: ScaledSettings

    @abstractmethod
    def channels(self, width: float) -> Hashable:
        """The numbers of channels of all layers of the host. Two widths with equal channels mean the same network."""

    @abstractmethod
    def host_name(self, units: tuple[int, ...], decisions: Mapping[str, Scalar]) -> str:
        """The name of an unchanged network with these host decisions."""

    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decision on the width."""
        return (Choice(name="width", choices=self.widths),)

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The host decisions with the smallest of the widths that mean the same channels."""
        channels = self.channels(number(decisions, "width"))
        mine = super().canonical_host(decisions)
        return {**mine, "width": min(width for width in self.widths if self.channels(width) == channels)}

    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Up to four baselines, at widths spread over all widths, with each choice of the other decisions on the host."""
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
        """The widths to choose from."""
        return tuple(self._settings.widths or ())
