"""Going on in a space that has grown: the trials of its earlier form are kept.

A decision that was added gets, for earlier trials, the value by which they were built. That goes on in the same Optuna study. A
decision with other choices cannot: Optuna refuses a changed domain. Then there is a new study beside the old one, `search-2`
after `search`, into which all trials are taken over under their numbers; the old one stays as it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from optuna.storages import BaseStorage

from nas.errors import SpaceError, StudyError
from nas.objectives import Objective
from nas.records import Trial
from nas.samplers.context import SamplerContext
from nas.space import SearchSpace
from nas.study import Study, constraint_values, identity_of, rewrite_identity, stored_trials

GROWN_FROM = "grown_from"
"""Attribute of a study: settings of the earlier forms of its space, the first one first."""


class Growth:
    """Makes trials of earlier forms of a space trials of its present one.

    Args:
        space: As it is now.
        earlier: Settings of earlier forms, the first one first.

    Raises:
        SpaceError: Networks of an earlier form are not the same in this one.
    """

    def __init__(self, space: SearchSpace, earlier: Iterable[Mapping[str, Any]]) -> None:
        self._space = space
        self._former = {name: value for settings in earlier for name, value in space.former(settings).items()}

    def __call__(self, trial: Trial) -> Trial:
        """The trial, with a value for every decision.

        Raises:
            SpaceError: It is not in the space, or means another network there.
        """
        genotype = {**self._former, **trial.genotype}
        candidate = self._space.decode(genotype)
        changed = {**candidate.decisions, **trial.candidate.decisions}.items() - candidate.decisions.items()
        if changed:
            what = ", ".join(sorted(name for name, _ in changed))
            raise SpaceError(f"trial {trial.number} would mean another network: {what}")
        return replace(trial, genotype=genotype, candidate=candidate)


def open_study(
    storage: BaseStorage,
    name: str,
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    context: SamplerContext,
    tell: Callable[[str], object] = lambda _text: None,
) -> Study:
    """The study of this name, or the one that it has grown into; made if there is none.

    Args:
        storage: Where it is.
        name: Of the first study, from which later names are made.
        objectives: Axes of the front.
        identity: Settings that give the study its meaning; those of the space, under `space`, may grow.
        context: The space, and what is limited.
        tell: Is told when trials of an earlier form of the space are taken over, and when the storage is away for a while.

    Raises:
        StudyError: It was made with other settings, or in a space whose networks are not all in this one.
    """
    family = _family(storage, name)
    if not family:
        return Study(storage, name, objectives, identity, context.distributions, tell=tell)
    latest = family[-1]
    stored, earlier = identity_of(storage, latest), history(storage, latest)
    differing = [key for key in {*stored, *identity} if stored.get(key) != identity.get(key)]
    if stored and differing and all(map(_is_of_space, differing)):
        study = _grown(storage, family, objectives, identity, context, [*earlier, _space_settings(stored)], tell)
        tell(f"the space has changed: the {len(study)} trials of {latest} are kept, in {study.name}")
        return study
    growth = Growth(context.space, earlier) if earlier else None
    study = Study(storage, latest, objectives, identity, context.distributions, translate=growth, tell=tell)
    if len(family) > 1:
        _take_over(storage, family[-2], study, context, Growth(context.space, history(storage, latest)))
    return study


def _grown(
    storage: BaseStorage,
    family: list[str],
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    context: SamplerContext,
    earlier: list[Mapping[str, Any]],
    tell: Callable[[str], object],
) -> Study:
    """The study in its present space: the same one where decisions were added, a new one where their domains changed."""
    latest = family[-1]
    old = Study(storage, latest, objectives, identity_of(storage, latest), context.distributions)
    try:
        growth = Growth(context.space, earlier)
        for trial in old:
            growth(trial)
    except SpaceError as error:
        raise StudyError(
            f"the study {latest!r} was made in another space, and its trials are not all in this one; nothing was changed: "
            f"{error}. Use the same settings to continue it, or another --output for a new search"
        ) from error
    finally:
        old.close()
    if _same_domains(storage, latest, context):
        rewrite_identity(storage, latest, identity, {GROWN_FROM: earlier})
        return Study(storage, latest, objectives, identity, context.distributions, translate=growth, tell=tell)
    study = Study(storage, f"{family[0]}-{len(family) + 1}", objectives, identity, context.distributions, tell=tell)
    rewrite_identity(storage, study.name, identity, {GROWN_FROM: earlier})
    _take_over(storage, latest, study, context, growth)
    return study


def _take_over(storage: BaseStorage, source: str, study: Study, context: SamplerContext, growth: Growth) -> None:
    """Adds the trials of an earlier study that are not there yet; a process that was killed in the midst left some out."""
    for trial in stored_trials(storage, source):
        if trial.number == study.next_number:
            grown = growth(trial)
            study.add(grown, constraint_values(context.limits, grown.costs))


def _family(storage: BaseStorage, name: str) -> list[str]:
    """The studies of this name and those that it has grown into, the first one first."""
    known = {study.study_name for study in storage.get_all_studies()}
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return list(itertools.takewhile(known.__contains__, names))


def history(storage: BaseStorage, name: str) -> list[Mapping[str, Any]]:
    """Settings of the earlier forms of a study's space."""
    found = storage.get_study_user_attrs(storage.get_study_id_from_name(name)).get(GROWN_FROM, [])
    return list(found)


def _same_domains(storage: BaseStorage, name: str, context: SamplerContext) -> bool:
    trials = storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)
    return all(
        context.distributions.get(decision) == distribution
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
