"""What can be built: the dimensions of a search, and the way from a genotype to a network."""

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
    """What a reader calls the space; its name where it is empty."""

    @property
    @abstractmethod
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every decision, in a fixed order."""

    @abstractmethod
    def decode(self, genotype: Genotype) -> Candidate:
        """What a genotype means.

        Raises:
            SpaceError: A decision is missing, unknown or outside its domain.
        """

    @abstractmethod
    def baselines(self) -> Mapping[str, Genotype]:
        """Known good starting points by the name a person would use; they are trained first and marked in the report."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Plain JSON from which `search_spaces.make_space` makes this space again, image shape and classes included."""

    def former(self, settings: Mapping[str, Any]) -> Mapping[str, Scalar]:
        """The values by which networks of an earlier form of this space were built where it had not yet a decision, by its name.

        Args:
            settings: What `settings()` gave of the earlier form.

        Raises:
            SpaceError: Its networks are not the same in this form.
        """
        return {}

    def meaningful(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those of stored settings that mean something to this space: earlier versions of the program have written others too."""
        return settings

    def canonical(self, candidate: Candidate) -> Candidate:
        """A candidate that an earlier version of the program, or an earlier form of this space, has decoded, as `decode` states it.

        Both mean the same network and training but for parameters that add nothing: the weights of one need not fit the other.
        """
        return candidate

    @abstractmethod
    def build(self, candidate: Candidate) -> Any:
        """The untrained network (`torch.nn.Module`), made on torch's current default device with its current seed."""

    def portrait(self, candidate: Candidate) -> Portrait:
        """How a report tells and draws a candidate of this space; here by its decisions."""
        return plain_portrait(candidate)

    def legend(self) -> Legend:
        """The kinds that portraits name, in the order of drawing and of colors; here one for all networks."""
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
        """Refuses a genotype that is not of this space.

        Raises:
            SpaceError: Names every missing, unknown and out-of-domain decision.
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
        """Number of combinations of the decisions that are not real-valued; some may mean the same network."""
        return math.prod(d.size for d in self.dimensions if not isinstance(d, FloatRange))
