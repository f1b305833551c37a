"""The decisions on one stage, and what they mean for this stage in a given host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nas.dimensions import Choice, Dimension, IntRange, Scalar, When
from search_spaces.architecture import StageShape, StageValues
from search_spaces.blocks import (
    BLOCKS,
    FACTORED,
    GENERATED,
    LEARNED,
    RANKED,
    REDUCED,
    SUMMED,
    KroneckerShape,
)
from search_spaces.blocks.spec import generator_inputs, hidden_width
from search_spaces.kinds import DENSE, KINDS, Kind
from search_spaces.ranks import KroneckerRanks, Layer
from search_spaces.settings import ShuffleSettings
from search_spaces.stages.plan import StagePlan, convolution_kind, mixer_kind

Factors = tuple[list[KroneckerShape], list[KroneckerShape]]
"""The factors of mixers, and those of the shuffles that replace convolutions."""


class StageDecisions:
    """The decisions on units, on convolutions, and on how channels are mixed.

    Group counts and Kronecker factors are chosen by rank among those that fit (`KroneckerRanks`). If a stage has both a
    mixer and shuffles that replace convolutions, they share ranks, reduction, share, Kronecker rank and sum level.

    Args:
        number: Number of the stage, from 1.
        settings: Settings of the space, with all defaults filled in.
        shapes: All shapes that the stage has in the hosts of the space.
        always_mixes: Whether the stage has mixers with every kind of convolutions, and not only with some.
    """

    def __init__(
        self, number: int, settings: ShuffleSettings, shapes: Sequence[StageShape], *, always_mixes: bool
    ) -> None:
        assert settings.units is not None
        self.number = number
        self.name = f"stage{number}"
        self.always_mixes = always_mixes
        self._settings = settings
        self._units = settings.units[number - 1]
        self._kinds = tuple(KINDS[name] for name in settings.kinds)
        self._shapes = shapes
        self.ranks = ranks_of(settings)

    def is_of(self, kinds: Iterable[Kind[Any]]) -> When:
        """A condition that holds if the convolutions are of one of these kinds, and never if the stage offers none of them."""
        wanted = {kind.name for kind in kinds}
        return When(
            name=f"{self.name}.convolution", values=tuple(kind.name for kind in self._kinds if kind.name in wanted)
        )

    @property
    def learned(self) -> tuple[When, ...]:
        """Conditions, any of which holds if something in the stage learns a permutation."""
        return (self._mixed_by(LEARNED), self.is_of(kind for kind in self._kinds if kind.learned))

    def dimensions(self) -> list[Dimension]:
        """All decisions on the stage, some of which have a single value."""
        settings, name = self._settings, self.name
        mixing = self.is_of(kind for kind in self._kinds if kind.mixes)
        replaced = self.is_of(kind for kind in self._kinds if kind.factored)
        groups, pairs = self.ranks.counts(self._layers_of_any())
        declared: list[Dimension] = [
            Choice(name=f"{name}.units", choices=self._units),
            Choice(name=f"{name}.convolution", choices=settings.kinds),
        ]
        # The order of dimensions belongs to a study. Sorted by name, kinds have the same order whichever of them a space offers.
        for kind in sorted(self._kinds, key=lambda kind: kind.name):
            declared += [
                Choice(name=f"{name}.{key}", choices=choices, condition=(self.is_of((kind,)),))
                for key, choices in kind.decisions(settings).items()
            ]
        factored, generated = (self._mixed_by(FACTORED), replaced), (self._mixed_by(GENERATED), replaced)
        reduced, ranked = (self._mixed_by(REDUCED), replaced), (self._mixed_by(RANKED), replaced)
        summed = (self._mixed_by(SUMMED), replaced)
        return [
            *declared,
            Choice(name=f"{name}.mixer", choices=settings.mixers, condition=() if self.always_mixes else (mixing,)),
            IntRange(name=f"{name}.group_rank", low=0, high=groups - 1, condition=factored),
            IntRange(name=f"{name}.pair_rank", low=0, high=pairs - 1, condition=factored),
            Choice(name=f"{name}.reduction", choices=settings.reductions, condition=reduced),
            Choice(name=f"{name}.share", choices=settings.shares, condition=generated),
            Choice(name=f"{name}.kron_rank", choices=settings.kron_ranks, condition=ranked),
            Choice(name=f"{name}.sum_level", choices=settings.sum_levels, condition=summed),
        ]

    def faults(self, host: str, shape: StageShape) -> list[str]:
        """For each choice that fits none of the stage's channels in this host, the reason."""
        found = [
            f"{host}: {fault}" for kind in self._kinds for fault in kind.misfits(self._settings, self.number, shape)
        ]
        needing = [mixer for mixer in self._settings.mixers if mixer in FACTORED]
        if needing and (self.always_mixes or any(kind.mixes for kind in self._kinds)):
            found += [
                f"{host}: the {channels} channels mixed in stage {self.number} have no group count whose "
                f"channels are a product of two factors from 2 to {self._settings.max_factor}; change that width, raise "
                f"space.max_factor, or leave {', '.join(needing)} out of space.mixers"
                for channels in shape.mixed
                if not self.ranks.groups(Layer(inputs=channels, outputs=channels))
            ]
        return found

    def resolved(self, decisions: Mapping[str, Scalar], shape: StageShape) -> dict[str, Scalar]:
        """The flat architecture of the stage, with ranks resolved, decisions without effect left out, and equal choices made one.

        If the mixers all mix the same number of channels, their factors are stated by name. If layers differ in size, and
        so in their factors, these are stated by the smallest ranks that mean the same for all layers.
        """
        values = StageValues(stage=self.number, architecture=decisions)
        resolved: dict[str, Scalar] = {"units": values.raw("units")}
        kind = convolution_kind(values)
        if not kind.applies(values, shape, self.ranks):
            kind = DENSE
        if kind is not DENSE or not self.always_mixes:
            resolved["convolution"] = kind.name
        own = kind.resolved(self._settings, values, shape)
        resolved |= own
        host_groups = kind.host_groups(own, shape)
        mixer = ""
        if self.always_mixes or kind.mixes:
            mixer = self._canonical_mixer(mixer_kind(values), shape, host_groups)
            resolved["mixer"] = mixer
        layers = _Layers(mixer, shape, host_groups, kind.layers(shape, self.ranks))
        factors = self._resolved_factors(resolved, values, layers)
        self._resolve_rest(resolved, values, mixer, shape, factors)
        return {f"{self.name}.{key}": value for key, value in resolved.items()}

    def canonical(self, architecture: Mapping[str, Scalar], shape: StageShape, plan: StagePlan) -> dict[str, Scalar]:
        """The stage of an architecture that was resolved by earlier rules, with equal choices made one as in `resolved`.

        Args:
            architecture: The architecture of the whole network.
            shape: Sizes of the stage in its host.
            plan: What the architecture builds into it.
        """
        name = self.name
        resolved = {
            key.removeprefix(f"{name}."): value for key, value in architecture.items() if key.startswith(f"{name}.")
        }
        if plan.mixer:
            resolved["mixer"] = self._canonical_mixer(plan.mixer, shape, plan.host_groups)
        mixed = [KroneckerShape.square(each.groups, each.n1, each.n2) for each in plan.mixers.values() if each.n1]
        values = StageValues(stage=self.number, architecture=architecture)
        self._resolve_rest(resolved, values, plan.mixer, shape, (mixed, list(plan.convolutions.factors)))
        return {f"{name}.{key}": value for key, value in resolved.items()}

    def _resolved_factors(self, resolved: dict[str, Scalar], values: StageValues, layers: _Layers) -> Factors:
        """The factors of mixers and of replaced convolutions; the decisions on them are added to the resolved ones."""
        if not (layers.mixed or layers.replaced):
            return [], []
        ranks = values.ranks()
        mixed, replaced = (
            [factors for layer in each if (factors := self.ranks.shape(layer, ranks)) is not None]
            for each in (layers.mixed, layers.replaced)
        )
        by_rank = list(layers.replaced)
        if len(mixed) == 1:
            (only,) = mixed
            resolved |= {"groups": only.groups, "n1": only.outer[0], "n2": only.inner[0]}
        else:
            by_rank += layers.mixed
        if by_rank:
            resolved["group_rank"], resolved["pair_rank"] = self.ranks.smallest(by_rank, ranks)
        return mixed, replaced

    def _resolve_rest(
        self, resolved: dict[str, Scalar], values: StageValues, mixer: str, shape: StageShape, factors: Factors
    ) -> None:
        """Adds the decisions on generators and static matrices."""
        mixed, replaced = factors
        generated = [*(mixed if mixer in GENERATED else ()), *replaced]
        shared = any(each.groups > 1 for each in generated)
        share = str(values.raw("share")) if shared else "matrices"
        inputs = {generator_inputs(each.inputs, each.groups, share) for each in generated}
        if mixer in REDUCED and mixer not in GENERATED:
            inputs |= set(shape.mixed)
        if inputs:
            resolved["reduction"] = self._smallest_reduction(inputs, values.integer("reduction"))
        if shared:
            resolved["share"] = share
        summed = mixer in SUMMED or bool(replaced)
        if summed:
            resolved["sum_level"] = values.raw("sum_level")
        ranked = [*(mixed if mixer in RANKED else ()), *replaced]
        if ranked:
            # A mixer that is a static matrix alone has terms of its own even beside shuffles that add factors.
            by_factors = resolved.get("sum_level") == "factor" and not (mixer in RANKED and mixer not in SUMMED)
            most = 1 if by_factors else max(each.most_terms for each in ranked)
            resolved["kron_rank"] = min(values.integer("kron_rank"), most)

    def _smallest_reduction(self, inputs: Iterable[int], wanted: int) -> int:
        """The smallest reduction on offer that gives the same hidden widths as the wanted one."""
        widths = [(count, hidden_width(count, wanted)) for count in inputs]
        same = (r for r in self._settings.reductions if all(hidden_width(count, r) == width for count, width in widths))
        return min(same, default=wanted)

    def _mixed_by(self, kinds: Sequence[str]) -> When:
        offered = tuple(kind for kind in self._settings.mixers if kind in kinds)
        return When(name=f"{self.name}.mixer", values=offered)

    def _canonical_mixer(self, mixer: str, shape: StageShape, host_groups: int) -> str:
        """The mixer, or `none` (if offered) for a fixed shuffle over as many groups as channels, which does nothing."""
        same = all(channels == host_groups for channels in shape.mixed)
        return "none" if BLOCKS[mixer].unchanged and same and "none" in self._settings.mixers else mixer

    def _layers_of_any(self) -> list[Layer]:
        """All layers for which ranks may be needed, in any host."""
        layers: list[Layer] = []
        for shape in self._shapes:
            if self.always_mixes:
                layers += [Layer(inputs=c, outputs=c, host_groups=shape.groups) for c in shape.mixed]
            for kind in self._kinds:
                if kind.mixes and not self.always_mixes:
                    hosts = kind.mixer_groups(self._settings, shape)
                    layers += [Layer(inputs=c, outputs=c, host_groups=g) for c in shape.mixed for g in hosts]
                layers += kind.layers(shape, self.ranks)
        return layers


class _Layers:
    """The layers of a stage that have Kronecker factors."""

    def __init__(self, mixer: str, shape: StageShape, host_groups: int, replaced: Sequence[Layer]) -> None:
        channels = shape.mixed if mixer in FACTORED else ()
        self.mixed = [Layer(inputs=c, outputs=c, host_groups=host_groups) for c in channels]
        self.replaced = tuple(replaced)


def ranks_of(settings: ShuffleSettings) -> KroneckerRanks:
    """The meaning of ranks under these settings."""
    return KroneckerRanks(
        group_ranks=settings.group_ranks, pair_ranks=settings.pair_ranks, max_factor=settings.max_factor
    )
