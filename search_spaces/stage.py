"""The decisions of one stage: which there are, and what they mean for the stage of a certain host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nas.dimensions import Choice, Dimension, IntRange, Scalar, When
from search_spaces.architecture import StagePlan, StageShape, convolution_kind, integer, mixer_kind, number
from search_spaces.blocks import FACTORED, GENERATED, LEARNED, RANKED, REDUCED, KroneckerShape
from search_spaces.blocks.spec import generator_inputs, hidden_width
from search_spaces.ranks import KroneckerRanks, Layer
from search_spaces.settings import SpaceSettings


class StageDecisions:
    """Units, what the convolutions are, and how channels are mixed.

    Group counts and Kronecker factors are chosen by rank among those that fit (`KroneckerRanks`). A mixer and the static-dynamic
    shuffles in the place of convolutions, where a stage has both, share ranks, reduction, share, Kronecker rank and sum level.

    Args:
        number: Of the stage, from 1.
        settings: What may be chosen, with no default left open.
        shapes: Every shape that the stage has in some host.
        always_mixes: Whether it has mixers whatever its convolutions are, and not only between grouped ones.
    """

    def __init__(
        self, number: int, settings: SpaceSettings, shapes: Sequence[StageShape], *, always_mixes: bool
    ) -> None:
        assert settings.units is not None
        self.number = number
        self.name = f"stage{number}"
        self.always_mixes = always_mixes
        self._settings = settings
        self._units = settings.units[number - 1]
        self._convolutions = ("dense",) if settings.convolutions is None else settings.convolutions
        self._conv_groups = () if always_mixes or settings.conv_groups is None else settings.conv_groups
        self._shapes = shapes
        self.ranks = ranks_of(settings)

    @property
    def sparsified(self) -> tuple[When, ...]:
        """Any of these holds when the stage's weights are pulled to groups."""
        return self._is("learned_groups")

    @property
    def learned(self) -> tuple[When, ...]:
        """Any of these holds when something of the stage learns a permutation."""
        return (*self._mixed_by(LEARNED), *self._is("static_dynamic"))

    def dimensions(self) -> list[Dimension]:
        """Every decision of the stage, some with one value only."""
        settings, name = self._settings, self.name
        grouped, replaced = self._is("grouped"), self._is("static_dynamic")
        groups, pairs = self.ranks.counts(self._layers_of_any())
        declared: list[Dimension] = [
            Choice(name=f"{name}.units", choices=self._units),
            Choice(name=f"{name}.convolution", choices=self._convolutions),
        ]
        if self._conv_groups:
            declared.append(Choice(name=f"{name}.conv_groups", choices=self._conv_groups, condition=grouped))
        of_kinds: list[tuple[str, str, tuple[Scalar, ...]]] = [
            ("learned_groups", "learned_groups", settings.learned_groups),
            *(("reconstructed", key, choices) for key, choices in self._of_rebuilt().items()),
        ]
        declared += [
            Choice(name=f"{name}.{key}", choices=choices, condition=self._is(kind)) for kind, key, choices in of_kinds
        ]
        factored, generated = (*self._mixed_by(FACTORED), *replaced), (*self._mixed_by(GENERATED), *replaced)
        reduced, ranked = (*self._mixed_by(REDUCED), *replaced), (*self._mixed_by(RANKED), *replaced)
        summed = (*self._mixed_by(("static_dynamic",)), *replaced)
        return [
            *declared,
            Choice(name=f"{name}.mixer", choices=settings.mixers, condition=() if self.always_mixes else grouped),
            IntRange(name=f"{name}.group_rank", low=0, high=groups - 1, condition=factored),
            IntRange(name=f"{name}.pair_rank", low=0, high=pairs - 1, condition=factored),
            Choice(name=f"{name}.reduction", choices=settings.reductions, condition=reduced),
            Choice(name=f"{name}.share", choices=settings.shares, condition=generated),
            Choice(name=f"{name}.kron_rank", choices=settings.kron_ranks, condition=ranked),
            Choice(name=f"{name}.sum_level", choices=settings.sum_levels, condition=summed),
        ]

    def faults(self, host: str, shape: StageShape) -> list[str]:
        """Why something that the stage may choose fits none of its channels in this host; empty when all is well."""
        found = []
        if "grouped" in self._convolutions and not self._fitting_groups(shape):
            found.append(
                f"{host}: none of space.conv_groups = {', '.join(map(str, self._conv_groups))} divides the channels of the "
                f"convolutions in stage {self.number}; change that width, or leave grouped out of space.convolutions"
            )
        needing = [mixer for mixer in self._settings.mixers if mixer in FACTORED]
        if needing and (self.always_mixes or "grouped" in self._convolutions):
            found += [
                f"{host}: the {channels} channels mixed in stage {self.number} have no group count whose "
                f"channels are a product of two factors from 2 to {self._settings.max_factor}; change that width, raise "
                f"space.max_factor, or leave {', '.join(needing)} out of space.mixers"
                for channels in shape.mixed
                if not self.ranks.groups(Layer(inputs=channels, outputs=channels))
            ]
        return found

    def resolved(self, decisions: Mapping[str, Scalar], shape: StageShape) -> dict[str, Scalar]:
        """The flat architecture of the stage: ranks resolved, what has no effect absent, equal choices made one.

        The factors of mixers that mix one number of channels are told by name. Where layers differ in size, so in their factors,
        the smallest ranks that mean the same for all of them stand for these.
        """
        name = self.name
        resolved: dict[str, Scalar] = {"units": decisions[f"{name}.units"]}
        kind = convolution_kind(decisions, self.number)
        replaced = self._replaceable(shape) if kind == "static_dynamic" else ()
        if (kind == "static_dynamic" and not replaced) or (
            kind == "reconstructed" and not self._rebuilds(decisions, shape)
        ):
            kind = "dense"
        if kind != "dense" or not self.always_mixes:
            resolved["convolution"] = kind
        host_groups = shape.groups
        if kind == "grouped":
            host_groups = self._dividing(shape, integer(decisions, f"{name}.conv_groups"))
            resolved["conv_groups"] = host_groups
        of_kind = {"learned_groups": ("learned_groups",), "reconstructed": tuple(self._of_rebuilt())}.get(kind, ())
        resolved |= {key: decisions[f"{name}.{key}"] for key in of_kind}
        mixer = ""
        if self.always_mixes or kind == "grouped":
            mixer = self._canonical_mixer(mixer_kind(decisions, self.number), shape, host_groups)
            resolved["mixer"] = mixer
        factors = self._resolved_factors(resolved, decisions, _Layers(mixer, shape, host_groups, replaced))
        self._resolve_rest(resolved, decisions, mixer, shape, factors)
        return {f"{name}.{key}": value for key, value in resolved.items()}

    def canonical(self, architecture: Mapping[str, Scalar], shape: StageShape, plan: StagePlan) -> dict[str, Scalar]:
        """The stage of an architecture that was resolved by earlier rules, with equal choices made one as `resolved` does.

        Args:
            architecture: Of the whole network.
            shape: Of the stage in its host.
            plan: What the architecture builds into it.
        """
        name = self.name
        resolved = {
            key.removeprefix(f"{name}."): value for key, value in architecture.items() if key.startswith(f"{name}.")
        }
        if plan.mixer:
            host_groups = plan.conv_groups if plan.conv_groups > 1 else shape.groups
            resolved["mixer"] = self._canonical_mixer(plan.mixer, shape, host_groups)
        mixed = [KroneckerShape.square(each.groups, each.n1, each.n2) for each in plan.mixers.values() if each.n1]
        replaced = [each.shape for each in plan.shuffled.values()]
        self._resolve_rest(resolved, architecture, plan.mixer, shape, (mixed, replaced))
        return {f"{name}.{key}": value for key, value in resolved.items()}

    def _resolved_factors(
        self, resolved: dict[str, Scalar], decisions: Mapping[str, Scalar], layers: _Layers
    ) -> tuple[list[KroneckerShape], list[KroneckerShape]]:
        """The factors of mixers and of replaced convolutions, whose decisions are added to those resolved."""
        if not (layers.mixed or layers.replaced):
            return [], []
        ranks = _rank(decisions, f"{self.name}.group_rank"), _rank(decisions, f"{self.name}.pair_rank")
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
        self,
        resolved: dict[str, Scalar],
        decisions: Mapping[str, Scalar],
        mixer: str,
        shape: StageShape,
        factors: tuple[list[KroneckerShape], list[KroneckerShape]],
    ) -> None:
        """Adds what the generators and the static matrices are like."""
        name = self.name
        mixed, replaced = factors
        generated = [*(mixed if mixer in GENERATED else ()), *replaced]
        shared = any(each.groups > 1 for each in generated)
        share = str(decisions[f"{name}.share"]) if shared else "matrices"
        inputs = {generator_inputs(each.inputs, each.groups, share) for each in generated}
        if mixer in REDUCED and mixer not in GENERATED:
            inputs |= set(shape.mixed)
        if inputs:
            wanted = integer(decisions, f"{name}.reduction")
            resolved["reduction"] = min(
                (
                    r
                    for r in self._settings.reductions
                    if all(hidden_width(n, r) == hidden_width(n, wanted) for n in inputs)
                ),
                default=wanted,
            )
        if shared:
            resolved["share"] = share
        if mixer == "static_dynamic" or replaced:
            resolved["sum_level"] = decisions[f"{name}.sum_level"]
        ranked = [*(mixed if mixer in RANKED else ()), *replaced]
        if ranked:
            by_factors = resolved.get("sum_level") == "factor" and mixer != "static_matrix"
            most = 1 if by_factors else max(each.most_terms for each in ranked)
            resolved["kron_rank"] = min(integer(decisions, f"{name}.kron_rank"), most)

    def _of_rebuilt(self) -> dict[str, tuple[Scalar, ...]]:
        """What is decided on rebuilt filters."""
        settings = self._settings
        return {
            "rebuilt": settings.rebuilt_shares,
            "filter_groups": settings.filter_groups,
            "transformation": settings.transformations,
            "least_templates": settings.least_templates,
        }

    def _rebuilds(self, decisions: Mapping[str, Scalar], shape: StageShape) -> bool:
        """Whether there are filters beyond the templates that each convolution keeps."""
        least = integer(decisions, f"{self.name}.least_templates")
        share = number(decisions, f"{self.name}.rebuilt")
        return any(min(round(share * filters), filters - least) > 0 for filters in shape.filters)

    def _is(self, kind: str) -> tuple[When, ...]:
        return (When(name=f"{self.name}.convolution", values=(kind,) if kind in self._convolutions else ()),)

    def _mixed_by(self, kinds: Sequence[str]) -> tuple[When, ...]:
        offered = tuple(kind for kind in self._settings.mixers if kind in kinds)
        return (When(name=f"{self.name}.mixer", values=offered),)

    def _canonical_mixer(self, mixer: str, shape: StageShape, host_groups: int) -> str:
        """The mixer, or none where it is a fixed shuffle over as many groups as channels, if none is offered too."""
        same = all(channels == host_groups for channels in shape.mixed)
        return "none" if mixer == "fixed" and same and "none" in self._settings.mixers else mixer

    def _fitting_groups(self, shape: StageShape) -> list[int]:
        channels = [c for pair in shape.convolutions for c in pair]
        return [groups for groups in self._conv_groups if all(c % groups == 0 for c in channels)]

    def _dividing(self, shape: StageShape, wanted: int) -> int:
        """The wanted group count, else the next lower one that divides every channel count, else the lowest that does."""
        fitting = self._fitting_groups(shape)
        return max((groups for groups in fitting if groups <= wanted), default=min(fitting))

    def _replaceable(self, shape: StageShape) -> tuple[Layer, ...]:
        """The convolutions that some factors fit; the rest stay dense."""
        layers = (Layer(inputs=inputs, outputs=outputs) for inputs, outputs in shape.convolutions)
        return tuple(layer for layer in layers if self.ranks.groups(layer))

    def _layers_of_any(self) -> list[Layer]:
        """Every layer that ranks may be asked for, in any host."""
        layers: list[Layer] = []
        for shape in self._shapes:
            if self.always_mixes:
                layers += [Layer(inputs=c, outputs=c, host_groups=shape.groups) for c in shape.mixed]
            elif "grouped" in self._convolutions:
                hosts = self._fitting_groups(shape)
                layers += [Layer(inputs=c, outputs=c, host_groups=g) for c in shape.mixed for g in hosts]
            if "static_dynamic" in self._convolutions:
                layers += self._replaceable(shape)
        return layers


class _Layers:
    """The layers of a stage that have Kronecker factors."""

    def __init__(self, mixer: str, shape: StageShape, host_groups: int, replaced: Sequence[Layer]) -> None:
        channels = shape.mixed if mixer in FACTORED else ()
        self.mixed = [Layer(inputs=c, outputs=c, host_groups=host_groups) for c in channels]
        self.replaced = tuple(replaced)


def ranks_of(settings: SpaceSettings) -> KroneckerRanks:
    """What ranks mean with these settings."""
    return KroneckerRanks(
        group_ranks=settings.group_ranks, pair_ranks=settings.pair_ranks, max_factor=settings.max_factor
    )


def _rank(decisions: Mapping[str, Scalar], name: str) -> int:
    value = decisions[name]
    assert isinstance(value, int)
    return value
