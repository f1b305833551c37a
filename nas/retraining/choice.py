"""Which networks of a search are trained anew, and which unchanged network each of them is compared with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from nas.candidate import Candidate
from nas.errors import SettingsError
from nas.records import Trial
from nas.report.findings.recommendation import recommendation
from nas.report.findings.statistics import expected_value, members, trained
from nas.retraining.networks import Network, Role
from nas.search.result import SearchResult
from nas.space import SearchSpace

Costs = Callable[[Candidate], Mapping[str, float]]
"""Gives the known costs of a candidate."""


def by_number(result: SearchResult, numbers: Sequence[int]) -> list[Trial]:
    """The trials of these numbers; one that trained a network again stands for the first one of that network.

    Raises:
        SettingsError: A trial is not there, or was not trained to its end.
    """
    there = {trial.number: trial for trial in result.trials}
    complete = {trial.number: trial for trial in trained(result)}
    found: dict[int, Trial] = {}
    for number in numbers:
        if number not in there:
            last = f"0 to {max(there)}" if there else "none, since the run has no trials"
            raise SettingsError(f"--trials: there is no trial {number}; allowed: {last}")
        trial = there[number]
        first = trial.reused_from if trial.reused_from is not None else trial.first
        if first not in complete:
            raise SettingsError(
                f"--trials: trial {number} was not trained to its end (it is {trial.state.value}); trials.csv lists those that were"
            )
        found.setdefault(first, complete[first])
    return list(found.values())


def best(result: SearchResult, count: int) -> list[Trial]:
    """So many networks of the front: the recommended one, then those of the best expected value.

    Raises:
        SettingsError: The run has no network that was trained to its end.
    """
    front = sorted(members(result), key=lambda trial: result.learned.loss(expected_value(result, trial)))
    taken = recommendation(result)
    first = [trial for trial in front if taken is not None and trial.number == taken.trial]
    chosen = [*first, *(trial for trial in front if trial not in first)][:count]
    if not chosen:
        raise SettingsError("the run has no network that was trained to its end, so there is nothing to train again")
    return chosen


def networks(result: SearchResult, space: SearchSpace, costs: Costs, chosen: Sequence[Trial]) -> list[Network]:
    """The chosen networks, each followed by its unchanged network unless that is in the list already."""
    choice = _Choice(result, space, costs)
    found: dict[str, Network] = {}
    for trial in chosen:
        origin = "found by the search" if trial.baseline is None else "given with the baseline"
        network = choice.of_trial(trial, Role.CHOSEN, f"its own, {origin}")
        found[network.candidate.digest] = network
    for trial in chosen:
        peer = choice.beside(trial) if result.is_changed(trial) else None
        if peer is not None:
            peer = found.setdefault(peer.candidate.digest, peer)
            own = found[trial.candidate.digest]
            found[trial.candidate.digest] = replace(own, peer=peer.name)
    by_name = {network.name: network for network in found.values()}
    ordered: dict[str, Network] = {}
    for network in found.values():
        ordered.setdefault(network.name, network)
        if network.peer is not None:
            ordered.setdefault(network.peer, by_name[network.peer])
    return list(ordered.values())


def largest_unchanged(result: SearchResult, space: SearchSpace, costs: Costs, by: str) -> Network:
    """The unchanged network of the highest cost of this name that the space names, as the teacher of the others.

    Raises:
        SettingsError: The space names no unchanged network.
    """
    choice = _Choice(result, space, costs)
    if not choice.named:
        raise SettingsError(
            "--teacher self: this space names no unchanged network that could teach; give a file instead"
        )
    largest = max(choice.named, key=lambda one: costs(one.candidate)[by])
    network = choice.tuned(largest) or choice.own(largest)
    return replace(network, name=f"teacher-{network.name}", role=Role.TEACHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unchanged:
    """An unchanged network and its cost."""

    name: str
    candidate: Candidate
    cost: float


class _Choice:
    """Makes networks from the trials of a search and from what its space names."""

    def __init__(self, result: SearchResult, space: SearchSpace, costs: Costs) -> None:
        self._result = result
        self._space = space
        self._costs = costs
        self._trained = trained(result)
        kinds = result.legend.unchanged_kinds
        self._unchanged = [trial for trial in self._trained if result.portrait(trial).kind in kinds]
        self.named = [
            one
            for name, genotype in space.baselines().items()
            if (one := self._named(name, space.decode(genotype))) is not None
        ]

    def _named(self, name: str, candidate: Candidate) -> _Unchanged | None:
        """An unchanged network that the space names; None if its cost would have to be measured."""
        cost = self._costs_of(candidate).get(self._result.cost.name)
        return None if cost is None else _Unchanged(name=name, candidate=candidate, cost=cost)

    def _costs_of(self, candidate: Candidate) -> Mapping[str, float]:
        """The costs of a candidate, which only its architecture decides: those of a trial with it, if there is one."""
        for one in self._trained:
            if one.candidate.architecture == candidate.architecture:
                return one.deployed_costs
        return self._costs(candidate)

    def of_trial(self, trial: Trial, role: Role, training_from: str) -> Network:
        """The network of a trial that was trained, as it was trained there."""
        portrait = self._result.portrait(trial)
        return Network(
            name=str(trial.number),
            candidate=trial.candidate,
            role=role,
            training_from=training_from,
            costs=trial.deployed_costs,
            description=portrait.description,
            kind=portrait.kind,
            expected=expected_value(self._result, trial),
        )

    def beside(self, trial: Trial) -> Network | None:
        """The unchanged network nearest in cost to a changed one; None if neither search nor space has one."""
        cost = trial.deployed_costs[self._result.cost.name]
        pool = [
            _Unchanged(name=str(one.number), candidate=one.candidate, cost=one.deployed_costs[self._result.cost.name])
            for one in self._unchanged
        ]
        if not pool and self._result.legend.unchanged_kinds:
            pool = [*self.named, *self._without_change(trial)]
        if not pool:
            return None
        nearest = min(pool, key=lambda one: (_distance(one.cost, cost), one.name))
        return self.tuned(nearest) or self._like(nearest, trial)

    def _without_change(self, trial: Trial) -> list[_Unchanged]:
        """The trial's own network with the decisions of an unchanged one."""
        decisions = self._space.unchanged()
        if not decisions:
            return []
        candidate = self._space.decode({**trial.genotype, **decisions})
        found = self._named(f"unchanged-{trial.number}", candidate)
        return [] if found is None else [found]

    def tuned(self, unchanged: _Unchanged) -> Network | None:
        """The network with the best settings that the search found for it; None if the search did not look for any."""
        same = [one for one in self._trained if one.candidate.architecture == unchanged.candidate.architecture]
        if all(one.baseline is not None for one in same):
            return None
        best = min(same, key=lambda one: self._result.learned.loss(expected_value(self._result, one)))
        return self.of_trial(
            best, Role.UNCHANGED, f"the best that the search found for this network (trial {best.number})"
        )

    def own(self, unchanged: _Unchanged) -> Network:
        """The network with the settings that the space names for it."""
        return self._untried(
            unchanged, _file_name(unchanged.name), unchanged.candidate, "those that the space names for it"
        )

    def _like(self, unchanged: _Unchanged, trial: Trial) -> Network:
        """The network trained as a chosen one, as far as their settings have the same names."""
        own, theirs = unchanged.candidate.training, trial.candidate.training
        shared = {name: theirs.get(name, value) for name, value in own.items()}
        candidate = replace(unchanged.candidate, training=shared)
        words = f"those of the chosen network beside it ({trial.number})"
        return self._untried(unchanged, f"{_file_name(unchanged.name)}-as-{trial.number}", candidate, words)

    def _untried(self, unchanged: _Unchanged, name: str, candidate: Candidate, words: str) -> Network:
        for one in self._trained:
            if one.candidate.digest == candidate.digest:
                return self.of_trial(one, Role.UNCHANGED, words)
        portrait = self._space.portrait(candidate)
        return Network(
            name=name,
            candidate=candidate,
            role=Role.UNCHANGED,
            training_from=words,
            costs=dict(self._costs_of(candidate)),
            description=portrait.description,
            kind=portrait.kind,
        )


def _distance(one: float, other: float) -> float:
    return abs(math.log(one / other)) if one > 0 and other > 0 else abs(one - other)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
