"""Going on with a study of before: in a space that has grown, or with costs that are counted otherwise now.

A decision that was added to the space goes on in the same Optuna study. Other choices of an old decision, or other costs of a trial
that has ended, cannot: Optuna refuses both. Then there is a new study beside the old one, `search-2` after `search`, into which all
trials are taken over under their numbers; the old one stays as it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from tqdm import tqdm

from nas.count import COSTS_VERSION, FIRST_VERSION, Count
from nas.errors import SpaceError, StudyError
from nas.growth import GROWN_FROM, Growth, history
from nas.objectives import Objective
from nas.records import Trial
from nas.recount import Recount, summary
from nas.samplers.context import SamplerContext
from nas.study import Study, constraint_values, identity_of, rewrite_identity, stored_trials

SUCCEEDS = "succeeds"
"""Attribute of a study that took over the trials of another: the name of the first of them."""
PATIENCE_SECONDS = 2.0
"""After so long a progress bar shows how many trials are counted."""


def open_study(
    storage: BaseStorage,
    name: str,
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    context: SamplerContext,
    count: Count,
    tell: Callable[[str], object] = lambda _text: None,
) -> Study:
    """The study of this name, or the last one that took over its trials; made if there is none.

    Args:
        storage: Where it is.
        name: Of the first study, from which later names are made.
        objectives: Axes of the front.
        identity: Settings that give the study its meaning; those of the space, under `space`, may grow.
        context: The space, and what is limited.
        count: How costs are counted now.
        tell: Is told what has changed for the trials of before, and when the storage is away for a while.

    Raises:
        StudyError: It was made with other settings, or in a space whose networks are not all in this one.
    """
    return _Succession(storage, name, objectives, identity, context, count, tell).open()


@dataclass(frozen=True, slots=True)
class _Predecessor:
    """A trial of before."""

    trial: Trial
    """As a trial of the present space."""
    stored: FrozenTrial
    version: object
    """Of the count by which its costs are stated."""


class _Succession:
    """The studies of one search, each of which took over the trials of the one before; see `open_study`."""

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        objectives: tuple[Objective, ...],
        identity: Mapping[str, Any],
        context: SamplerContext,
        count: Count,
        tell: Callable[[str], object],
    ) -> None:
        self._storage = storage
        self._name = name
        self._objectives = objectives
        self._identity = identity
        self._context = context
        self._count = count
        self._tell = tell
        known = {study.study_name for study in storage.get_all_studies()}
        numbered = (f"{name}-{number}" for number in itertools.count(2))
        later = list(itertools.takewhile(lambda each: each in known and self._is_begun(each), numbered))
        self._family = [each for each in (name, *later) if each in known and self._belongs(each)]
        self._next = f"{name}-{len(later) + 2}"

    def open(self) -> Study:
        """The study to go on with."""
        if not self._family:
            return self._study(self._name, attributes={COSTS_VERSION: self._count.version})
        latest = self._family[-1]
        stored, earlier = identity_of(self._storage, latest), history(self._storage, latest)
        differing = [key for key in {*stored, *self._identity} if stored.get(key) != self._identity.get(key)]
        if differing and all(map(_is_of_space, differing)):
            earlier = [*earlier, _space_settings(stored)]
        elif differing:
            return self._study(latest)  # which refuses
        if differing or self._version(latest) != self._count.version:
            return self._succeed(latest, earlier, grown=bool(differing))
        study = self._study(latest, translate=self._growth(earlier))
        if self._trials_in(latest) < max(map(self._trials_in, self._family)):
            # The process that took over the trials was killed.
            predecessors = self._predecessors(earlier)
            self._take_over(study, predecessors, self._counted(predecessors, study))
        return study

    def _succeed(self, latest: str, earlier: list[Mapping[str, Any]], *, grown: bool) -> Study:
        """The study with the trials of before as they are now: the same one where that only adds to them, else a new one."""
        old = self._study(latest, identity=identity_of(self._storage, latest))
        try:
            predecessors = self._predecessors(earlier)
            counted = self._counted(predecessors, old)
        except SpaceError as error:
            raise StudyError(
                f"the study {latest!r} was made in another space, and its trials are not all in this one; nothing was changed: "
                f"{error}. Use the same settings to continue it, or another --output for a new search"
            ) from error
        finally:
            old.close()
        changes = summary((each.trial for each in predecessors), counted)
        attributes = {COSTS_VERSION: self._count.version, **({GROWN_FROM: earlier} if earlier else {})}
        if not changes and self._same_domains(latest) and len(old) == len(predecessors):
            rewrite_identity(self._storage, latest, self._identity, attributes)
            study = self._study(latest, translate=self._growth(earlier))
        else:
            study = self._study(self._next, attributes={**attributes, SUCCEEDS: self._name})
        if grown:
            self._tell(f"the space has changed: the {len(predecessors)} trials of {latest} are kept, in {study.name}")
        if changes:
            self._tell(f"{changes} (in the study {study.name}; {latest} keeps them as they were)")
        self._take_over(study, predecessors, counted)
        return study

    def _study(self, name: str, identity: Mapping[str, Any] | None = None, **more: Any) -> Study:
        identity = self._identity if identity is None else identity
        return Study(
            self._storage, name, self._objectives, identity, self._context.distributions, tell=self._tell, **more
        )

    def _growth(self, earlier: Iterable[Mapping[str, Any]]) -> Growth | None:
        return Growth(self._context.space, earlier) if earlier else None

    def _predecessors(self, earlier: Iterable[Mapping[str, Any]]) -> list[_Predecessor]:
        """All trials of before by number, each from the latest study that has it.

        Raises:
            SpaceError: One is not in the present space.
        """
        growth = self._growth(earlier)
        found = {}
        for name in self._family:
            version = self._version(name)
            for trial, stored in stored_trials(self._storage, name):
                found[trial.number] = trial, stored, version
        return [
            _Predecessor(trial if growth is None else growth(trial), stored, version)
            for trial, stored, version in found.values()
        ]

    def _counted(self, predecessors: Iterable[_Predecessor], holding: Study) -> list[Trial]:
        """The trials with costs as they are counted now; up to a tenth of a second each where they were counted otherwise."""
        recount = Recount(self._count.costs, self._context.limits)
        counted = []
        for each in tqdm(predecessors, desc="costs", unit="trial", leave=False, disable=None, delay=PATIENCE_SECONDS):
            counted.append(each.trial if each.version == self._count.version else recount(each.trial))
            holding.renew()
        return counted

    def _take_over(self, study: Study, predecessors: Iterable[_Predecessor], counted: Iterable[Trial]) -> None:
        """Adds the trials that are not there yet."""
        for each, trial in zip(predecessors, counted, strict=True):
            if trial.number == study.next_number:
                study.add(trial, constraint_values(self._context.limits, trial.costs), each.stored)
                study.renew()

    def _is_begun(self, name: str) -> bool:
        """Not so if the process that made the study was killed at that."""
        return bool(identity_of(self._storage, name))

    def _belongs(self, name: str) -> bool:
        """Whether a study is of this search; in a storage of several another one may have such a name."""
        attributes = self._attributes(name)
        # Before it was written down, a study that has taken over trials was known by the space from which it has grown.
        earlier = self._name if attributes.get(GROWN_FROM) else None
        return self._is_begun(name) and (name == self._name or attributes.get(SUCCEEDS, earlier) == self._name)

    def _version(self, name: str) -> object:
        """Of the count by which a study states its costs."""
        return self._attributes(name).get(COSTS_VERSION, FIRST_VERSION)

    def _attributes(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._storage.get_study_user_attrs(self._storage.get_study_id_from_name(name))
        return found

    def _trials_in(self, name: str) -> int:
        return self._storage.get_n_trials(self._storage.get_study_id_from_name(name))

    def _same_domains(self, name: str) -> bool:
        trials = self._storage.get_all_trials(self._storage.get_study_id_from_name(name), deepcopy=False)
        return all(
            self._context.distributions.get(decision) == distribution
            for trial in trials
            for decision, distribution in trial.distributions.items()
        )


def _is_of_space(key: str) -> bool:
    return key == "space" or key.startswith("space.")


def _space_settings(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of the space in an identity."""
    if "space" in identity:
        found: Mapping[str, Any] = identity["space"]
        return found
    return {key.removeprefix("space."): value for key, value in identity.items() if _is_of_space(key)}
