"""Continues an earlier study in a space that has grown, or with costs that are counted differently now.

A study in whose space only a decision was added is continued in the same Optuna study. Optuna refuses other choices of an
old decision, and other costs of a trial that has ended. In these cases a new study is made beside the old one, `search-2`
after `search`, into which all trials are copied under their numbers; the old study stays as it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from tqdm import tqdm

from nas.cost_rule import COSTS_VERSION, CostRule
from nas.errors import SpaceError, StudyError
from nas.objectives import Objective
from nas.records import Trial
from nas.search.problem import SearchProblem
from nas.study.cost_migration import CostMigration, summary
from nas.study.patience import patiently
from nas.study.space_migration import SpaceMigration
from nas.study.stored_identity import check_identity, differing, rewrite_identity
from nas.study.stored_study import (
    GROWN_FROM,
    SUCCEEDS,
    StoredStudy,
    attributes_of,
    find_study,
    refused,
    told_as_study_error,
)
from nas.study.study import Study, constraint_values
from nas.study.study_holder import StudyHolder

PATIENCE_SECONDS = 2.0
"""A progress bar shows how many trials have been counted once this takes longer than so many seconds."""


def open_study(
    storage: BaseStorage,
    name: str,
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    problem: SearchProblem,
    count: CostRule,
    tell: Callable[[str], object] = lambda _text: None,
) -> Study:
    """Opens the study of this name, or the latest one that took over its trials; it is made if there is none.

    Args:
        storage: The storage that holds the study.
        name: Name of the first study, from which later names are made.
        objectives: Axes of the front.
        identity: Settings that give the study its meaning; those of the space, under `space`, may grow.
        problem: The space and the limits.
        count: The present way of counting costs.
        tell: Called with lines that report what has changed for earlier trials, and when the storage is unavailable for a while.

    Raises:
        StudyError: The study was made with other settings, or in a space whose networks are not all in this one.
    """
    return _Migration(storage, name, objectives, identity, problem, count, tell).open()


def read_study(
    storage: BaseStorage,
    name: str,
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    problem: SearchProblem,
    count: CostRule,
) -> list[Trial]:
    """The trials that `open_study` would continue with. Nothing is written, so a running search is not disturbed.

    Raises:
        StudyError: There is no such study, or `open_study` would refuse it.
    """
    return _Migration(storage, name, objectives, identity, problem, count, lambda _text: None).read()


@dataclass(frozen=True, slots=True)
class _Predecessor:
    """A trial of an earlier study."""

    trial: Trial
    """The trial, stated as a trial of the present space."""
    stored: FrozenTrial
    version: int
    """Version of the count by which its costs are stated."""


class _Migration:
    """The studies of one search, each of which took over the trials of the one before; see `open_study`.

    Attributes of the studies say which ones belong together. Names only say where to look: in a storage of several
    searches, another search may have the name that a successor would get.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        objectives: tuple[Objective, ...],
        identity: Mapping[str, Any],
        problem: SearchProblem,
        count: CostRule,
        tell: Callable[[str], object],
    ) -> None:
        self._storage = storage
        self._name = name
        self._objectives = objectives
        self._identity = identity
        self._problem = problem
        self._count = count
        self._tell = tell
        self._family: list[StoredStudy] = []
        first = find_study(storage, name, objectives)
        if first is not None and first.succeeds not in (None, name):
            raise StudyError(
                f"the study {name!r} goes on with the trials of {first.succeeds!r}, so it is of another search; continue that one, "
                "or choose another --output or --search.study"
            )
        if first is not None and first.identity:
            self._family.append(first)
        for number in itertools.count(2):
            self._next = f"{name}-{number}"
            attributes = attributes_of(storage, self._next)
            if attributes is None:
                break
            if (found := self._successor(self._next, attributes)) is not None:
                self._family.append(found)

    def open(self) -> Study:
        """The study to continue."""
        study = self._opened()
        study.follow_references(self._family[-1].references if self._family else ())
        return study

    def _opened(self) -> Study:
        if not self._family:
            return self._study(self._name, (), attributes={COSTS_VERSION: self._count.version})
        latest = self._family[-1]
        earlier = list(latest.grown_from)
        changed = differing(latest.identity, self._identity)
        grown = False
        if changed and all(map(_is_of_space, changed)):
            there = _space_settings(latest.identity)
            grown = self._problem.space.meaningful(there) != _space_settings(self._identity)
            earlier += [there] if grown else []
        elif changed:
            check_identity(latest, self._identity)
        if changed or latest.costs_version != self._count.version:
            return self._succeed(latest, earlier, grown=grown)
        unfinished = len(self._family) > 1 and len(latest.trials) < max(len(study.trials) for study in self._family)
        # The process that took over the trials was killed. They are read before anything is written.
        try:
            predecessors = self._predecessors(earlier) if unfinished else []
        except SpaceError as error:
            raise refused(latest.name, error) from error
        study = self._study(latest.name, earlier)
        self._take_over(study, predecessors, self._counted(predecessors, study.renew))
        return study

    def read(self) -> list[Trial]:
        """All trials, as they are stated in the present space and counted now; nothing is written.

        Raises:
            StudyError: There is no study, or it cannot be continued.
        """
        if not self._family:
            raise StudyError(f"there is no study {self._name!r} yet; the same command without --report_below begins it")
        latest = self._family[-1]
        changed = differing(latest.identity, self._identity)
        if changed and not all(map(_is_of_space, changed)):
            check_identity(latest, self._identity)
        earlier = [*latest.grown_from, *([_space_settings(latest.identity)] if changed else [])]
        try:
            predecessors = self._predecessors(earlier)
        except SpaceError as error:
            raise refused(latest.name, error) from error
        return self._counted(predecessors, bool)

    def _succeed(self, latest: StoredStudy, earlier: list[Mapping[str, Any]], *, grown: bool) -> Study:
        """The study with the earlier trials as they are stated now: the same study if trials were only added, else a new one."""
        holder = StudyHolder(self._storage, latest.id, self._tell)

        def renew() -> None:
            with told_as_study_error():
                patiently(holder.renew, self._tell)

        with told_as_study_error():
            sign = holder.look()
        try:
            predecessors = self._predecessors(earlier)
        except SpaceError as error:
            raise StudyError(
                f"the study {latest.name!r} was made in another space, and its trials are not all in this one; nothing was "
                f"changed: {error}. Use the same settings to continue it, or another --output for a new search"
            ) from error
        with told_as_study_error():
            alone = holder.take(sign) == sign
        try:
            if not alone:
                raise StudyError(
                    f"another search has just held the study {latest.name!r}; the same command continues it"
                )
            counted = self._counted(predecessors, renew)
        finally:
            with told_as_study_error():
                holder.release()
        changes = summary((each.trial for each in predecessors), counted, self._problem.quantities)
        attributes = {COSTS_VERSION: self._count.version, **({GROWN_FROM: earlier} if earlier else {})}
        if not changes and self._same_domains(latest) and len(latest.trials) == len(predecessors):
            rewrite_identity(self._storage, latest.id, self._identity, attributes)
            study = self._study(latest.name, earlier)
        else:
            study = self._study(self._next, earlier, attributes={**attributes, SUCCEEDS: self._name})
        if grown:
            self._tell(
                f"the space has changed: the {len(predecessors)} trials of {latest.name} are kept, in {study.name}"
            )
        if changes:
            self._tell(f"{changes} (in the study {study.name}; {latest.name} keeps them as they were)")
        self._take_over(study, predecessors, counted)
        return study

    def _study(self, name: str, earlier: Iterable[Mapping[str, Any]], **more: Any) -> Study:
        try:
            translate = SpaceMigration(self._problem.space, earlier)
        except SpaceError as error:
            raise refused(name, error) from error
        return Study(
            self._storage,
            name,
            self._objectives,
            self._identity,
            self._problem.distributions,
            translate=translate,
            tell=self._tell,
            **more,
        )

    def _predecessors(self, earlier: Iterable[Mapping[str, Any]]) -> list[_Predecessor]:
        """All trials of the earlier studies by number, each from the latest study that has it.

        Raises:
            SpaceError: A trial is not in the present space.
        """
        migrate = SpaceMigration(self._problem.space, earlier)
        found = {}
        for study in self._family:
            for trial, stored in study.trials:
                found[trial.number] = trial, stored, study.costs_version
        return [_Predecessor(migrate(trial), stored, version) for trial, stored, version in found.values()]

    def _counted(self, predecessors: Iterable[_Predecessor], renew: Callable[[], object]) -> list[Trial]:
        """The trials with costs as counted now. Each trial that was counted differently takes up to a tenth of a second."""
        migrate = CostMigration(self._count.costs, self._problem.limits, self._problem.quantities)
        counted = []
        for each in tqdm(predecessors, desc="costs", unit="trial", leave=False, disable=None, delay=PATIENCE_SECONDS):
            counted.append(each.trial if each.version == self._count.version else migrate(each.trial))
            renew()
        return counted

    def _take_over(self, study: Study, predecessors: Iterable[_Predecessor], counted: Iterable[Trial]) -> None:
        """Adds the trials that the study does not have yet."""
        for each, trial in zip(predecessors, counted, strict=True):
            if trial.number == study.next_number:
                study.add(trial, constraint_values(self._problem.limits, trial.costs), each.stored)
                study.renew()

    def _successor(self, name: str, attributes: Mapping[str, Any]) -> StoredStudy | None:
        """The study of this name with these attributes, if it has taken over the trials of this search."""
        if attributes.get(SUCCEEDS) is not None:
            return find_study(self._storage, name, self._objectives) if attributes[SUCCEEDS] == self._name else None
        if not (attributes.get(GROWN_FROM) and self._family):
            return None
        # Studies of earlier versions do not record whose trials they took over; only the trials show it.
        try:
            found = find_study(self._storage, name, self._objectives)
            assert found is not None
            begin = list(zip(self._family[0].trials, found.trials, strict=False))
        except StudyError:
            return None
        common = [(one.outcome, other.outcome) for (one, _), (other, _) in begin if one.outcome is not None]
        return found if common and all(one == other for one, other in common) else None

    def _same_domains(self, study: StoredStudy) -> bool:
        return all(
            self._problem.distributions.get(decision) == distribution
            for _, stored in study.trials
            for decision, distribution in stored.distributions.items()
        )


def _is_of_space(key: str) -> bool:
    return key == "space" or key.startswith("space.")


def _space_settings(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of the space in an identity."""
    if "space" in identity:
        found: Mapping[str, Any] = identity["space"]
        return found
    return {key.removeprefix("space."): value for key, value in identity.items() if _is_of_space(key)}
