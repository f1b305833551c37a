"""A search space: the dimensions of a search, and the way from a genotype to a network."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from nas.candidate import Candidate
from nas.dimensions import Dimension, FloatRange, Genotype, Scalar
from nas.errors import SpaceError
from nas.portrait import Legend, Portrait, plain_portrait


class SearchSpace(ABC):
    """A set of networks described by decisions.

    Subclasses give the class attribute `name`, and implement the abstract methods. Everything here works without torch
    except `build`.
    """

    name: str
    title: str = ""
    """The name of the space for readers; its `name` where this is empty."""

    @property
    @abstractmethod
    def dimensions(self) -> tuple[Dimension, ...]:
        """All decisions, in a fixed order."""

    @abstractmethod
    def decode(self, genotype: Genotype) -> Candidate:
        """The candidate that a genotype means.

        Raises:
            SpaceError: A decision is missing, unknown or outside its domain.
        """

    @abstractmethod
    def baselines(self) -> Mapping[str, Genotype]:
        """Genotypes of known good networks, by the names people use for them. They are trained first and marked in the report."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Plain JSON, including image shape and classes, from which `search_spaces.make_space` makes this space again."""

    def former(self, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
        """For each decision that an earlier form of this space did not have, the value by which its networks were built.

        Args:
            settings: What `settings()` of the earlier form returned.

        Raises:
            SpaceError: The networks of the earlier form are not the same in this one.
        """
        return {}

    def meaningful(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of the stored settings that this space knows; earlier versions of the program have stored others too."""
        return settings

    def canonical(self, candidate: Candidate) -> Candidate:
        """Restates, as `decode` would today, a candidate that an earlier version or an earlier form of this space decoded.

        Both mean the same network and training, except for parameters that have no effect; so the weights of one may not
        fit the other.
        """
        return candidate

    @abstractmethod
    def build(self, candidate: Candidate) -> Any:
        """The untrained network (`torch.nn.Module`), made on torch's current default device from torch's current seed."""

    def unchanged(self) -> Mapping[str, Scalar]:
        """Decisions with which any genotype is of an unchanged network, with which changed ones are compared; none here."""
        return {}

    def portrait(self, candidate: Candidate) -> Portrait:
        """How a report describes and draws a candidate of this space. Default: by its decisions."""
        return plain_portrait(candidate)

    def legend(self) -> Legend:
        """The kinds that portraits name, in the order of drawing and of colors. Default: one kind for all networks."""
        return Legend()

    def active(self, genotype: Genotype) -> dict[str, Scalar]:
        """The genotype's decisions that have an effect, in the order of the dimensions.

        A decision whose condition rests on an inactive decision is inactive too.

        Raises:
            SpaceError: A decision is missing, unknown or outside its domain; every fault is named.
        """
        self.check(genotype)
        return self.active_of_checked(genotype)

    def active_of_checked(self, genotype: Genotype) -> dict[str, Scalar]:
        """The same as `active`, for a genotype that is known to be of this space: samplers ask for thousands per proposal."""
        kept: dict[str, Scalar] = {}
        for dimension in self.dimensions:
            if not dimension.condition or any(
                when.name in kept and when.holds(genotype) for when in dimension.condition
            ):
                kept[dimension.name] = genotype[dimension.name]
        return kept

    def check(self, genotype: Genotype) -> None:
        """Refuses a genotype that does not belong to this space.

        Raises:
            SpaceError: A decision is missing, unknown or outside its domain; the message names every fault.
        """
        dimensions, faults = self.dimensions, []
        for dimension in dimensions:
            if dimension.name not in genotype:
                faults.append(f"missing decision {dimension.name!r}")
            elif not dimension.contains(genotype[dimension.name]):
                faults.append(f"{dimension.name} = {genotype[dimension.name]!r} is outside {dimension}")
        if faults or len(genotype) > len(dimensions):
            names = {dimension.name for dimension in dimensions}
            unknown = [f"unknown decision {name!r}" for name in genotype if name not in names]
            raise SpaceError(f"not a genotype of {self.name}: " + "; ".join(unknown + faults))

    @property
    def size(self) -> float:
        """Number of combinations of the decisions that are not real-valued; some combinations may mean the same network."""
        return math.prod(d.size for d in self.dimensions if not isinstance(d, FloatRange))
