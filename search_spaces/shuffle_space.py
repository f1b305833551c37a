"""What the ShuffleNet spaces have in common: the decisions of a stage's mixer, and what a genotype means."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, FloatRange, Genotype, IntRange, Scalar, When
from nas.errors import SpaceError
from nas.space import SearchSpace
from search_spaces.architecture import HostShape, integer, mixer_kind, mixer_spec
from search_spaces.blocks import BLOCKS, FACTORED, GENERATED, LEARNED, RANKED, REDUCED
from search_spaces.blocks.spec import generator_inputs, hidden_width
from search_spaces.decisions import Decisions, default
from search_spaces.ranks import at_rank, factor_pairs, group_counts
from search_spaces.settings import SpaceSettings
from search_spaces.validation import STAGES, faults

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

PUBLISHED_UNITS = (4, 8, 4)
IMAGENET_FROM = 128
MOST_BASELINES = 4
TRAINING = ("lr", "weight_decay", "binarize_from", "normalizer", "penalty", "rounding", "temperature", "orth_weight")


class ShuffleSpace(SearchSpace):
    """Width, units, and for each stage how its channels are mixed.

    A stage's group count and Kronecker pair are chosen by rank among those that fit its channels (`ranks`), a rank beyond the last
    meaning the last. Subclasses describe the host network.

    Args:
        settings: What may be chosen.
        image_size: Side length of the images in pixels.
        channels: Of the images.
        classes: Number of classes.

    Raises:
        SpaceError: Lists every fault of the settings.
    """

    def __init__(self, settings: SpaceSettings, *, image_size: int, channels: int, classes: int) -> None:
        found = [
            *faults(settings, image_size=image_size, channels=channels, classes=classes),
            *self.host_faults(settings),
        ]
        if not found:
            self._settings = _resolved(self.with_host_defaults(settings), image_size)
            self._image = {"image_size": image_size, "channels": channels, "classes": classes}
            found = self._rank_faults()
        if found:
            raise SpaceError(f"the space {self.name} cannot be made: " + "; ".join(found))
        self._decisions = Decisions(self._declared())

    @abstractmethod
    def host_faults(self, settings: SpaceSettings) -> list[str]:
        """What is wrong with the settings that describe the host; None stands for a default."""

    @abstractmethod
    def with_host_defaults(self, settings: SpaceSettings) -> SpaceSettings:
        """The settings with the host's defaults filled in and its values in their own types."""

    @abstractmethod
    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decisions that describe the host."""

    @abstractmethod
    def shape(self, decisions: Mapping[str, Scalar]) -> HostShape:
        """Sizes of the host of these decisions.

        Raises:
            SpaceError: A decision is missing or not a legal one.
        """

    @abstractmethod
    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """The unchanged network of a candidate's host decisions."""

    @abstractmethod
    def baseline_hosts(self) -> dict[str, dict[str, Scalar]]:
        """Host decisions of the baselines by name."""

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The host decisions, those that give the same network made one."""
        return {dimension.name: decisions[dimension.name] for dimension in self.host_dimensions()}

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every decision that has more than one value."""
        return self._decisions.free

    def decode(self, genotype: Genotype) -> Candidate:
        """What a genotype means; see `SearchSpace.decode`."""
        decisions = self._decisions.complete(self.active(genotype))
        shape = self.shape(decisions)
        architecture = self.canonical_host(decisions)
        for stage in range(1, STAGES + 1):
            architecture |= self._resolved_stage(stage, decisions, shape)
        training = {name: _as_rate(decisions[name]) for name in TRAINING if name in decisions}
        return Candidate(space=self.name, architecture=architecture, training=training)

    def baselines(self) -> Mapping[str, Genotype]:
        """The unchanged ShuffleNets; none where the fixed mixer is not offered."""
        if "fixed" not in self._settings.mixers:
            return {}
        units = tuple(
            published if published in offered else max(offered)
            for published, offered in zip(PUBLISHED_UNITS, self._units, strict=True)
        )
        chosen: dict[str, Scalar] = {}
        for stage, count in enumerate(units, start=1):
            chosen |= {f"stage{stage}.units": count, f"stage{stage}.mixer": "fixed"}
        suffix = "" if units == PUBLISHED_UNITS else f", units {'-'.join(map(str, units))}"
        return {
            name + suffix: {
                dimension.name: {**chosen, **host}.get(dimension.name, default(dimension))
                for dimension in self.dimensions
            }
            for name, host in self.baseline_hosts().items()
        }

    def settings(self) -> dict[str, Any]:
        """Plain JSON from which `search_spaces.space_from_json` makes this space again."""
        return {**_plain(asdict(self._settings)), **self._image}

    def build(self, candidate: Candidate) -> Host:
        """The untrained network.

        Learned mixers are made after the host, so that candidates with the same host begin with the same host weights at the
        same seed.

        Raises:
            SpaceError: The candidate is of another space, or something it needs is missing or does not fit.
        """
        if candidate.space != self.name:
            raise SpaceError(f"the candidate is of the space {candidate.space!r}, not of {self.name!r}")
        shape = self.shape(candidate.architecture)
        stages = range(1, STAGES + 1)
        specs = [(mixer_kind(candidate.architecture, k), mixer_spec(candidate, k, shape)) for k in stages]
        host = self.make_host(candidate, tuple(integer(candidate.architecture, f"stage{k}.units") for k in stages))
        for stage, (kind, spec) in enumerate(specs):
            if kind != "fixed":
                host.replace_mixers(stage, partial(BLOCKS[kind], spec))
        return host

    @property
    def _units(self) -> tuple[tuple[int, ...], ...]:
        units = self._settings.units
        assert units is not None
        return units

    def _declared(self) -> list[Dimension]:
        settings = self._settings
        learned = tuple(mixer for mixer in settings.mixers if mixer in LEARNED)
        stages = range(1, STAGES + 1)
        any_learned = tuple(When(name=f"stage{stage}.mixer", values=learned) for stage in stages)
        declared: list[Dimension] = [*self.host_dimensions()]
        for stage in stages:
            declared += self._stage_dimensions(stage)
        ranges = {"lr": settings.lr, "weight_decay": settings.weight_decay}
        declared += [FloatRange(name=name, low=low, high=high, log=True) for name, (low, high) in ranges.items()]
        choices: dict[str, tuple[Scalar, ...]] = {
            "binarize_from": settings.binarize_from,
            "normalizer": settings.normalizers,
            "penalty": settings.penalties,
            "rounding": settings.roundings,
        }
        declared += [Choice(name=name, choices=values, condition=any_learned) for name, values in choices.items()]
        ranges = {"temperature": settings.temperature, "orth_weight": settings.orth_weight}
        declared += [
            FloatRange(name=name, low=low, high=high, log=True, condition=any_learned)
            for name, (low, high) in ranges.items()
        ]
        return declared

    def _stage_dimensions(self, stage: int) -> list[Dimension]:
        settings = self._settings
        name = f"stage{stage}"

        def when(kinds: tuple[str, ...]) -> tuple[When, ...]:
            return (When(name=f"{name}.mixer", values=tuple(kind for kind in kinds if kind in settings.mixers)),)

        group_ranks, pair_ranks = self._rank_counts(stage)
        return [
            Choice(name=f"{name}.units", choices=self._units[stage - 1]),
            Choice(name=f"{name}.mixer", choices=settings.mixers),
            IntRange(name=f"{name}.group_rank", low=0, high=group_ranks - 1, condition=when(FACTORED)),
            IntRange(name=f"{name}.pair_rank", low=0, high=pair_ranks - 1, condition=when(FACTORED)),
            Choice(name=f"{name}.reduction", choices=settings.reductions, condition=when(REDUCED)),
            Choice(name=f"{name}.share", choices=settings.shares, condition=when(GENERATED)),
            Choice(name=f"{name}.kron_rank", choices=settings.kron_ranks, condition=when(RANKED)),
            Choice(name=f"{name}.sum_level", choices=settings.sum_levels, condition=when(("static_dynamic",))),
        ]

    def _resolved_stage(self, stage: int, decisions: Mapping[str, Scalar], shape: HostShape) -> dict[str, Scalar]:
        """The flat architecture of a stage: ranks resolved, what has no effect absent, equal choices made one."""
        name = f"stage{stage}"
        kind = mixer_kind(decisions, stage)
        resolved: dict[str, Scalar] = {key: decisions[f"{name}.{key}"] for key in ("units", "mixer")}
        channels = shape.mixer_channels[stage - 1]
        groups = 1
        share = "matrices"
        if kind in FACTORED:
            groups = at_rank(self._groups(shape, stage), _rank(decisions, f"{name}.group_rank"))
            pairs = factor_pairs(channels // groups, self._settings.max_factor)
            n1, n2 = at_rank(pairs, _rank(decisions, f"{name}.pair_rank"))
            resolved |= {"groups": groups, "n1": n1, "n2": n2}
        if kind in GENERATED and groups > 1:
            share = str(decisions[f"{name}.share"])
        if kind in REDUCED:
            inputs = generator_inputs(channels, groups, share)
            hidden = hidden_width(inputs, integer(decisions, f"{name}.reduction"))
            resolved["reduction"] = min(r for r in self._settings.reductions if hidden_width(inputs, r) == hidden)
        if kind in GENERATED and groups > 1:
            resolved["share"] = share
        if kind == "static_dynamic":
            resolved["sum_level"] = decisions[f"{name}.sum_level"]
        if kind in RANKED:
            by_factors = resolved.get("sum_level") == "factor"
            resolved["kron_rank"] = 1 if by_factors else decisions[f"{name}.kron_rank"]
        return {f"{name}.{key}": value for key, value in resolved.items()}

    def _groups(self, shape: HostShape, stage: int) -> tuple[int, ...]:
        legal = group_counts(shape.mixer_channels[stage - 1], shape.groups, self._settings.max_factor)
        return legal[: self._settings.group_ranks]

    def _shapes(self) -> dict[str, HostShape]:
        """Every host of the space by its decisions in words."""
        dimensions = self.host_dimensions()
        shapes = {}
        for values in itertools.product(*(dimension.choices for dimension in dimensions)):
            decisions = dict(zip((dimension.name for dimension in dimensions), values, strict=True))
            shapes[", ".join(f"{key} {value}" for key, value in decisions.items())] = self.shape(decisions)
        return shapes

    def _rank_counts(self, stage: int) -> tuple[int, int]:
        """Most legal group counts and Kronecker pairs that any host has in this stage; at most what the settings offer."""
        groups = pairs = 1
        for shape in self._shapes().values():
            legal = self._groups(shape, stage)
            groups = max(groups, len(legal))
            for count in legal:
                channels = shape.mixer_channels[stage - 1]
                pairs = max(pairs, len(factor_pairs(channels // count, self._settings.max_factor)))
        return groups, min(pairs, self._settings.pair_ranks)

    def _rank_faults(self) -> list[str]:
        needing = [mixer for mixer in self._settings.mixers if mixer in FACTORED]
        if not needing:
            return []
        return [
            f"{host}: the {shape.mixer_channels[stage - 1]} channels mixed in stage {stage} have no group count whose "
            f"channels are a product of two factors from 2 to {self._settings.max_factor}; change that width, raise "
            f"space.max_factor, or leave {', '.join(needing)} out of space.mixers"
            for host, shape in self._shapes().items()
            for stage in range(1, STAGES + 1)
            if not self._groups(shape, stage)
        ]


def spread(values: tuple[float, ...], most: int = MOST_BASELINES) -> tuple[float, ...]:
    """At most that many of the values, the first and the last among them, evenly spaced by position."""
    if len(values) <= most:
        return values
    return tuple(values[round(i * (len(values) - 1) / (most - 1))] for i in range(most))


def _as_rate(value: Scalar) -> Scalar:
    """A number as a float, so that 1 and 1.0 are the same; a name as it is."""
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _rank(decisions: Mapping[str, Scalar], name: str) -> int:
    value = decisions[name]
    assert isinstance(value, int)
    return value


def _resolved(settings: SpaceSettings, image_size: int) -> SpaceSettings:
    """The settings with no default left open, and every number in its own type, so that equal settings have equal JSON."""
    form = settings.form
    if form == "auto":
        form = "imagenet" if image_size >= IMAGENET_FROM else "small"
    units = settings.units if settings.units is not None else tuple((count,) for count in PUBLISHED_UNITS)
    return replace(
        settings,
        form=form,
        units=tuple(tuple(counts) for counts in units),
        mixers=tuple(settings.mixers),
        reductions=tuple(settings.reductions),
        shares=tuple(settings.shares),
        kron_ranks=tuple(settings.kron_ranks),
        sum_levels=tuple(settings.sum_levels),
        binarize_from=tuple(map(float, settings.binarize_from)),
        normalizers=tuple(settings.normalizers),
        penalties=tuple(settings.penalties),
        roundings=tuple(settings.roundings),
        orth_weight=(float(settings.orth_weight[0]), float(settings.orth_weight[1])),
        temperature=(float(settings.temperature[0]), float(settings.temperature[1])),
        lr=(float(settings.lr[0]), float(settings.lr[1])),
        weight_decay=(float(settings.weight_decay[0]), float(settings.weight_decay[1])),
    )


def _plain(value: Any) -> Any:
    """The value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
