"""The common part of all spaces: a host network in stages, and the meaning of a genotype."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from nas.candidate import Candidate
from nas.dimensions import Choice, Dimension, FloatRange, Genotype, Scalar
from nas.errors import SpaceError
from nas.portrait import Legend, Portrait, plain_portrait
from nas.space import SearchSpace
from search_spaces.architecture import MOST_CHANNELS, HostShape, StageValues, integer
from search_spaces.blocks import BLOCKS, LEARNED
from search_spaces.decisions import Decisions, default
from search_spaces.image_faults import image_faults
from search_spaces.kinds import DENSE, KINDS
from search_spaces.portrait import legend, portrait
from search_spaces.settings import ShuffleSettings
from search_spaces.settings_json import plain, typed
from search_spaces.stages.decisions import StageDecisions, ranks_of
from search_spaces.stages.plan import StagePlan, stage_plan
from search_spaces.value_faults import MOST_UNITS

if TYPE_CHECKING:
    from search_spaces.hosts.host import Host

Settings = TypeVar("Settings", bound=ShuffleSettings)
IMAGENET_FROM = 128
MOST_BASELINES = 4
ALWAYS_TRAINED = ("lr", "weight_decay")
FIXED = ("name", "form", "stem_kernel")
"""Settings that are not decisions."""
FIXED_MIXER = next(name for name, mixer in BLOCKS.items() if mixer.unchanged)
TRAINING = (*ALWAYS_TRAINED, "binarize_from", "normalizer", "penalty", "rounding", "temperature", "orth_weight")


class ShuffleSpace(SearchSpace):
    """A space of width, units, and for each stage its convolutions and how its channels are mixed (`StageDecisions`).

    Subclasses describe the host network.

    Args:
        settings: Settings of the space.
        image_size: Side length of the images in pixels.
        channels: Number of channels of the images.
        classes: Number of classes.

    Raises:
        SpaceError: The settings have faults; the message lists all of them.
    """

    settings_class: type[ShuffleSettings]
    """The class of the space's settings."""
    always_mixes: ClassVar[bool]
    """Whether the unchanged network shuffles channels in each unit, and so has a mixer there."""
    _settings: ShuffleSettings

    def __init__(self, settings: ShuffleSettings, *, image_size: int, channels: int, classes: int) -> None:
        found = [*image_faults(settings.form, image_size, channels, classes), *settings.faults()]
        if not found:
            self._settings = _resolved(settings, image_size)
            self._image = {"image_size": image_size, "channels": channels, "classes": classes}
            found = self._settings.form_faults(self._settings.form)
        if not found:
            shapes = self._shapes()
            self._stages = tuple(
                StageDecisions(
                    number,
                    self._settings,
                    [shape.stages[number - 1] for each in shapes.values() for shape in each],
                    always_mixes=self.always_mixes,
                )
                for number in range(1, len(settings.published_units) + 1)
            )
            found = [
                fault
                for stage, (host, each) in itertools.product(self._stages, shapes.items())
                for fault in dict.fromkeys(f for s in each for f in stage.faults(host, s.stages[stage.number - 1]))
            ]
        if found:
            raise SpaceError(f"the space {self.name} cannot be made: " + "; ".join(found))
        self._decisions = Decisions(self._declared())

    @abstractmethod
    def host_dimensions(self) -> tuple[Choice, ...]:
        """The decisions that describe the host."""

    @abstractmethod
    def host_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of the host with these decisions, and with so many units in each stage.

        Raises:
            SpaceError: A decision is missing or not legal.
        """

    @abstractmethod
    def make_host(self, candidate: Candidate, units: tuple[int, ...]) -> Host:
        """Makes the unchanged network of a candidate's host decisions."""

    @abstractmethod
    def baseline_hosts(self, units: tuple[int, ...]) -> dict[str, dict[str, Scalar]]:
        """Host decisions of the baselines, which have these numbers of units, by name."""

    def canonical_host(self, decisions: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The host decisions, with those that give the same network made equal."""
        return {dimension.name: decisions[dimension.name] for dimension in self.host_dimensions()}

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every decision that has more than one value."""
        return self._decisions.free

    def decode(self, genotype: Genotype) -> Candidate:
        """The candidate that a genotype means; see `SearchSpace.decode`."""
        decisions = self._decisions.complete(self.active(genotype))
        shape = self.shape(decisions)
        architecture = self.canonical_host(decisions)
        for stage, sizes in zip(self._stages, shape.stages, strict=True):
            architecture |= stage.resolved(decisions, sizes)
        kinds = [KINDS[str(architecture.get(f"{stage.name}.convolution", DENSE.name))] for stage in self._stages]
        learns = any(kind.learned for kind in kinds) or any(
            architecture.get(f"{stage.name}.mixer") in LEARNED for stage in self._stages
        )
        of_kinds = [name for kind in dict.fromkeys(kinds) for name in kind.training(self._settings)]
        names = (*(TRAINING if learns else ALWAYS_TRAINED), *of_kinds)
        return Candidate(
            space=self.name,
            architecture=architecture,
            training={name: _as_rate(decisions[name]) for name in names},
        )

    def shape(self, decisions: Mapping[str, Scalar]) -> HostShape:
        """Sizes of the host with these decisions, including the units.

        Raises:
            SpaceError: A decision is missing or not legal.
        """
        return self._bounded_shape(decisions, self.units_of(decisions))

    def units_of(self, decisions: Mapping[str, Scalar]) -> tuple[int, ...]:
        """Number of units of each stage.

        Raises:
            SpaceError: A number is missing or not legal.
        """
        units = tuple(integer(decisions, f"stage{k}.units") for k in range(1, len(self._settings.published_units) + 1))
        if max(units) > MOST_UNITS:
            raise SpaceError(f"candidate: a stage of {max(units):,} units; at most {MOST_UNITS} are built")
        return units

    def _bounded_shape(self, decisions: Mapping[str, Scalar], units: tuple[int, ...]) -> HostShape:
        """Sizes of a host that can be built. The time to find the factors of a channel count grows with the count.

        Raises:
            SpaceError: The host cannot be built, or a decision is not legal.
        """
        shape = self.host_shape(decisions, units)
        if shape.widest > MOST_CHANNELS:
            raise SpaceError(f"a layer would have {shape.widest:,} channels; at most {MOST_CHANNELS:,} are built")
        return shape

    def baselines(self) -> Mapping[str, Genotype]:
        """The unchanged networks; none if the space does not offer what they have."""
        if not self._offers_unchanged:
            return {}
        units = tuple(
            published if published in offered else max(offered)
            for published, offered in zip(self._settings.published_units, self._units, strict=True)
        )
        counts = {f"{stage.name}.units": count for stage, count in zip(self._stages, units, strict=True)}
        chosen = {**counts, **self.unchanged()}
        suffix = "" if units == self._settings.published_units else f", units {'-'.join(map(str, units))}"
        return {
            name + suffix: {
                dimension.name: {**chosen, **host}.get(dimension.name, default(dimension))
                for dimension in self.dimensions
            }
            for name, host in self.baseline_hosts(units).items()
        }

    def unchanged(self) -> Mapping[str, Scalar]:
        """The host's own mixers and convolutions in every stage, as far as they are decided; see `SearchSpace.unchanged`."""
        if not self._offers_unchanged:
            return {}
        own = {"convolution": DENSE.name} | ({"mixer": FIXED_MIXER} if self.always_mixes else {})
        decided = {f"{stage.name}.{name}": value for stage in self._stages for name, value in own.items()}
        names = {dimension.name for dimension in self.dimensions}
        return {name: value for name, value in decided.items() if name in names}

    @property
    def _offers_unchanged(self) -> bool:
        settings = self._settings
        return DENSE.name in settings.kinds and (not self.always_mixes or FIXED_MIXER in settings.mixers)

    def settings(self) -> dict[str, Any]:
        """Plain JSON from which `search_spaces.space_from_json` makes this space again."""
        return {**plain(asdict(self._settings)), **self._image}

    def former(self, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
        """For each decision, the only value that it had, or any value if it had no effect; see `SearchSpace.former`."""
        from search_spaces import space_from_json

        earlier = space_from_json(settings)
        mine = self.settings()
        fixed = [name for name in (*FIXED, *self._image) if mine[name] != settings.get(name)]
        if fixed or not isinstance(earlier, ShuffleSpace):
            told = ", ".join(f"{name} was {settings.get(name)!r} and is {mine[name]!r}" for name in fixed)
            raise SpaceError(f"all its networks have changed: {told}")
        return {
            dimension.name: earlier._decisions.constants.get(dimension.name, default(dimension))
            for dimension in self.dimensions
        }

    def meaningful(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of the settings that this space has. Earlier versions wrote the settings of all spaces."""
        return {name: value for name, value in settings.items() if name in self.settings()}

    def canonical(self, candidate: Candidate) -> Candidate:
        """The candidate with equal choices of each stage made one, as in `decode`; see `SearchSpace.canonical`.

        Raises:
            SpaceError: `build` raises it for this candidate.
        """
        architecture = dict(candidate.architecture)
        shapes = self.shape(architecture).stages
        for stage, shape, plan in zip(self._stages, shapes, self._plans(candidate), strict=True):
            architecture |= stage.canonical(architecture, shape, plan)
        return replace(candidate, architecture=architecture)

    def portrait(self, candidate: Candidate) -> Portrait:
        """A candidate's stages, described and drawn by their mixers and convolutions; see `SearchSpace.portrait`.

        A candidate that does not belong to this space, such as one of an earlier version, is described by its decisions.
        """
        try:
            channels = self.shape(candidate.architecture).stage_channels
        except SpaceError:
            return plain_portrait(candidate)
        return portrait(candidate, channels)

    def legend(self) -> Legend:
        """Every mixer and every kind of convolutions."""
        return legend(always_mixes=self.always_mixes)

    def build(self, candidate: Candidate) -> Host:
        """Builds the untrained network of a candidate.

        What the candidate adds is made after the host, grouped convolutions first and mixers last, so that with the same
        seed, candidates with the same host and convolutions begin with the same weights in these.

        Raises:
            SpaceError: The candidate belongs to another space, or a decision is missing or does not fit.
        """
        from search_spaces.stages.building import build_stages

        plans = self._plans(candidate)
        host = self.make_host(candidate, self.units_of(candidate.architecture))
        build_stages(host, plans, keeps_fixed=self.always_mixes)
        return host

    def _plans(self, candidate: Candidate) -> list[StagePlan]:
        """What a candidate builds into each stage.

        Raises:
            SpaceError: See `build`.
        """
        if candidate.space != self.name:
            raise SpaceError(f"the candidate is of the space {candidate.space!r}, not of {self.name!r}")
        ranks = ranks_of(self._settings)
        return [
            stage_plan(
                StageValues(stage=stage, architecture=candidate.architecture, training=candidate.training),
                shape,
                ranks,
                always_mixes=self.always_mixes,
            )
            for stage, shape in enumerate(self.shape(candidate.architecture).stages, start=1)
        ]

    @property
    def _units(self) -> tuple[tuple[int, ...], ...]:
        units = self._settings.units
        assert units is not None
        return units

    def _declared(self) -> list[Dimension]:
        settings = self._settings
        declared: list[Dimension] = [*self.host_dimensions()]
        for stage in self._stages:
            declared += stage.dimensions()
        learned = tuple(itertools.chain.from_iterable(stage.learned for stage in self._stages))
        ranges = {"lr": settings.lr, "weight_decay": settings.weight_decay}
        declared += [FloatRange(name=name, low=low, high=high, log=True) for name, (low, high) in ranges.items()]
        choices: dict[str, tuple[Scalar, ...]] = {
            "binarize_from": settings.binarize_from,
            "normalizer": settings.normalizers,
            "penalty": settings.penalties,
            "rounding": settings.roundings,
        }
        declared += [Choice(name=name, choices=values, condition=learned) for name, values in choices.items()]
        ranges = {"temperature": settings.temperature, "orth_weight": settings.orth_weight}
        declared += [
            FloatRange(name=name, low=low, high=high, log=True, condition=learned)
            for name, (low, high) in ranges.items()
        ]
        for kind in sorted((KINDS[name] for name in settings.kinds), key=lambda kind: kind.name):
            chosen = tuple(stage.is_of((kind,)) for stage in self._stages)
            declared += [
                FloatRange(name=name, low=low, high=high, log=True, condition=chosen)
                for name, (low, high) in kind.training(settings).items()
            ]
        return declared

    def _shapes(self) -> dict[str, list[HostShape]]:
        """The shapes of every host of the space, with each number of units in each stage, by the host's decisions in words."""
        dimensions = self.host_dimensions()
        most = max(map(len, self._units))
        units = [tuple(counts[min(k, len(counts) - 1)] for counts in self._units) for k in range(most)]
        shapes = {}
        for values in itertools.product(*(dimension.choices for dimension in dimensions)):
            decisions = dict(zip((dimension.name for dimension in dimensions), values, strict=True))
            words = ", ".join(f"{key} {value}" for key, value in decisions.items())
            shapes[words] = [self._bounded_shape(decisions, counts) for counts in units]
        return shapes


def _resolved(settings: Settings, image_size: int) -> Settings:
    """The settings with their open choices filled in."""
    form = settings.form
    if form == "auto":
        form = "imagenet" if image_size >= IMAGENET_FROM else "small"
    units = settings.units if settings.units is not None else tuple((count,) for count in settings.published_units)
    return typed(replace(settings, form=form, units=units)).with_host_defaults()


def spread(values: tuple[float, ...], most: int = MOST_BASELINES) -> tuple[float, ...]:
    """At most so many of the values (at least two), evenly spaced by position, including the first and the last."""
    if len(values) <= most:
        return values
    return tuple(values[round(i * (len(values) - 1) / (most - 1))] for i in range(most))


def _as_rate(value: Scalar) -> Scalar:
    """A number as a float, so that 1 and 1.0 are the same; a name unchanged."""
    return float(value) if isinstance(value, int | float) else value
