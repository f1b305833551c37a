"""Convolutions in which pruned filters are rebuilt from the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.dimensions import Scalar
from nas.errors import SpaceError
from nas.portrait import KindStyle
from search_spaces.architecture import StageShape, StageValues
from search_spaces.kinds.kind import Convolutions, Kind, counted
from search_spaces.ranks import KroneckerRanks
from search_spaces.reconstruction import TRANSFORMATIONS
from search_spaces.value_faults import MOST_CHANNELS, names_faults, numbers_faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

MOST_REBUILT = 0.99


@dataclass(frozen=True, kw_only=True)
class ReconstructedSettings:
    """Settings of convolutions that rebuild filters."""

    rebuilt_shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    """reconstructed: shares of the stage's filters to rebuild, to choose from."""
    filter_groups: tuple[int, ...] = (1, 2, 4)
    """reconstructed: numbers of groups of channels with separate transformations, to choose from."""
    transformations: tuple[str, ...] = ("scalar", "rotation", "affine")
    """reconstructed: transformations of a template to choose from: scalar (a factor per tap), rotation, affine."""
    least_templates: tuple[int, ...] = (4,)
    """reconstructed: least numbers of filters that each convolution keeps, to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltFilters(Convolutions):
    """How filters of a stage are rebuilt from others."""

    share: float
    """Share of all filters of the stage that are rebuilt."""
    groups: int
    """Number of groups of channels with separate transformations."""
    family: str
    """Family of the transformations."""
    least_templates: int
    """Least number of templates of each convolution."""

    def build(self, host: Host, stage: int) -> None:
        """Converts every dense convolution of the stage."""
        from search_spaces.reconstruction.pruning import rebuild_filters

        rebuild_filters(
            host,
            share=self.share,
            groups=self.groups,
            family=self.family,
            least_templates=self.least_templates,
            stages=(stage,),
        )


class Reconstructed(Kind[ReconstructedSettings]):
    """Convolutions whose filters are pruned in training, and rebuilt from the remaining ones by cheap transformations."""

    name = "reconstructed"
    style = KindStyle(
        name="reconstructed",
        label="rebuilt filters",
        shape="square",
        meaning="Convolutions of which some filters are removed and rebuilt from the others by cheap spatial transformations.",
    )
    drawing = "half"
    converts = True

    def faults(self, settings: ReconstructedSettings) -> list[str]:
        """Shares, groups, transformations and templates that no network can have."""
        return [
            *numbers_faults("space.rebuilt_shares", settings.rebuilt_shares, low=0, high=MOST_REBUILT),
            *numbers_faults("space.filter_groups", settings.filter_groups, whole=True, low=1, high=MOST_CHANNELS),
            *names_faults("space.transformations", "transformation", settings.transformations, TRANSFORMATIONS),
            *numbers_faults("space.least_templates", settings.least_templates, whole=True, low=1, high=MOST_CHANNELS),
        ]

    def decisions(self, settings: ReconstructedSettings) -> Mapping[str, tuple[Scalar, ...]]:
        """The decisions on share, groups, transformation and templates."""
        return {
            "rebuilt": settings.rebuilt_shares,
            "filter_groups": settings.filter_groups,
            "transformation": settings.transformations,
            "least_templates": settings.least_templates,
        }

    def applies(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> bool:
        """Whether there are more filters than the templates that each convolution keeps."""
        least, share = values.integer("least_templates"), values.number("rebuilt")
        return any(min(round(share * filters), filters - least) > 0 for filters in shape.filters)

    def convolutions(self, values: StageValues, shape: StageShape, ranks: KroneckerRanks) -> RebuiltFilters:
        """Convolutions with rebuilt filters, for a share below 1."""
        share = values.number("rebuilt")
        if not share < 1:
            raise SpaceError(f"candidate: {values.full_name('rebuilt')} = {share!r} must be below 1")
        return RebuiltFilters(
            share=share,
            groups=values.integer("filter_groups"),
            family=values.named("transformation", TRANSFORMATIONS),
            least_templates=values.integer("least_templates"),
        )

    def title(self, decisions: Mapping[str, Scalar]) -> str:
        """A title that says that filters are rebuilt."""
        return "filters rebuilt of others"

    def words(self, decisions: Mapping[str, Scalar]) -> list[str]:
        """How many filters are rebuilt, by which transformation, in how many groups, from how many templates."""
        parts = []
        if "rebuilt" in decisions:
            share = decisions["rebuilt"]
            told = f"{share:.0%}" if isinstance(share, float) else f"a share of {share}"
            parts.append(f"{told} of them by {decisions.get('transformation', 'a')} transformations")
        if "filter_groups" in decisions:
            parts.append(f"of {counted(decisions['filter_groups'], 'channel group')}")
        if "least_templates" in decisions:
            parts.append(f"at least {counted(decisions['least_templates'], 'template')}")
        return parts

    def short(self, decisions: Mapping[str, Scalar]) -> str:
        """The kind, with share, transformation and groups."""
        if "rebuilt" not in decisions:
            return self.name
        groups = f"/{decisions['filter_groups']}" if "filter_groups" in decisions else ""
        return f"rebuilt({decisions['rebuilt']},{decisions.get('transformation', '')}{groups})"

    @property
    def told_decisions(self) -> frozenset[str]:
        """All decisions of the kind."""
        return frozenset({"rebuilt", "filter_groups", "transformation", "least_templates"})
