"""Reads a study from a storage, and checks it before anything is written, since somebody else may have changed it.

Studies are read nowhere else. A fault is refused in one line that names the study and the trial.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from nas.cost_rule import COSTS_VERSION, FIRST_VERSION
from nas.errors import NasError, StudyError
from nas.objectives import Direction, Objective
from nas.records import Evaluation, Trial
from nas.settings.former import RENAMED
from nas.study.patience import is_away, reason_of
from nas.study.stored_trial import read_trial
from nas.values.json_fields import MalformedError, mapping, numbers, sequence, shown, text, whole

FORMAT = 1
FORMAT_KEY = "format"
IDENTITY = "identity"
METRIC_NAMES = "study:metric_names"
"""Optuna's attribute for the names of the objectives, which its own plots use."""
REFERENCES = "references"
"""Attribute of a study: the references of its costs from which hypervolumes were measured, by name, oldest first."""
SUCCEEDS = "succeeds"
"""Attribute of a study that took over the trials of another one: the name of the first study."""
GROWN_FROM = "grown_from"
"""Attribute of a study: the settings of the earlier forms of its space, oldest first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredStudy:
    """A study as it is stored."""

    storage: BaseStorage
    name: str
    id: int
    objectives: tuple[Objective, ...]
    identity: Mapping[str, Any]
    """The settings that define the study; empty if the process that made it was killed before it wrote them."""
    grown_from: tuple[Mapping[str, Any], ...]
    references: tuple[Mapping[str, Any], ...]
    """The references of the costs by name, oldest first; empty if the study is from before these were kept."""
    succeeds: str | None
    costs_version: int
    """Version of the count by which its costs are stated."""

    @cached_property
    def trials(self) -> list[tuple[Trial, FrozenTrial]]:
        """Each trial together with its stored form, by number; read on first use.

        Raises:
            StudyError: A trial is not as a search writes it; the message names the trial.
        """
        with _refusing(self.name):
            stored = _all_trials(self.storage, self.id)
            found: dict[int, Trial] = {}
            for number, frozen in enumerate(stored):
                with _naming(number):
                    if frozen.number != number:
                        raise MalformedError(
                            f"its number is {shown(frozen.number)}, though {number} trials are before it"
                        )
                    found[number] = read_trial(frozen, found, self.objectives)
            _check_costs(found.values())
        return list(zip(found.values(), stored, strict=True))

    def check_domains(self, domains: Mapping[str, BaseDistribution]) -> None:
        """Refuses trials whose decisions have other domains than in the present space.

        Raises:
            StudyError: A domain differs; the message names the trial and the decision.
        """
        for _, frozen in self.trials:
            for decision, domain in frozen.distributions.items():
                if domains.get(decision) != domain:
                    raise refused(
                        self.name,
                        f"trial {frozen.number}: {decision} has the domain {shown(domain)}; in this search it has "
                        f"{shown(domains.get(decision))}",
                    )


@contextmanager
def told_as_study_error() -> Iterator[None]:
    """Turns a failure of the storage into a StudyError that does not show the password in the URL."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError, OSError) as error:
        if isinstance(error, NasError):
            raise
        raise StudyError(
            f"the study's storage failed ({reason_of(error)}); what was recorded before is kept, the same command continues"
        ) from error


def directions_of(objectives: tuple[Objective, ...]) -> list[StudyDirection]:
    """Optuna's form of the objectives' directions."""
    return [
        StudyDirection.MAXIMIZE if objective.direction is Direction.MAXIMIZE else StudyDirection.MINIMIZE
        for objective in objectives
    ]


def find_study(storage: BaseStorage, name: str, objectives: tuple[Objective, ...]) -> StoredStudy | None:
    """Finds the study of a name; None if there is none.

    Raises:
        StudyError: The study has other objectives, or attributes that no search writes.
    """
    with _refusing(name):
        try:
            study = storage.get_study_id_from_name(name)
        except KeyError:
            return None
        wanted, found = directions_of(objectives), list(storage.get_study_directions(study))
        attributes = storage.get_study_user_attrs(study)
        names = [objective.name for objective in objectives]
        known = storage.get_study_system_attrs(study).get(METRIC_NAMES)
        if wanted != found or known not in (None, names):
            called = "" if known in (None, names) else f" ({shown(known)})"
            raise MalformedError(
                f"it has other objectives, {', '.join(each.name.lower() for each in found) or 'none'}{called}; this search has "
                f"{', '.join(f'{objective.name} ({objective.direction.value})' for objective in objectives)}"
            )
        begun = IDENTITY in attributes
        if not begun and storage.get_n_trials(study):
            raise MalformedError("it holds trials, but was not made by a search")
        if begun and attributes.get(FORMAT_KEY) != FORMAT:
            raise MalformedError(
                f"it was not written by this version of the program: its format is {shown(attributes.get(FORMAT_KEY))}"
            )
        grown_from = sequence(attributes.get(GROWN_FROM, ()), f"its attribute {GROWN_FROM}")
        references = sequence(attributes.get(REFERENCES) or (), f"its attribute {REFERENCES}")
        succeeds = attributes.get(SUCCEEDS)
        return StoredStudy(
            storage=storage,
            name=name,
            id=study,
            objectives=objectives,
            identity=_named_as_today(mapping(attributes[IDENTITY], f"its attribute {IDENTITY}")) if begun else {},
            grown_from=tuple(mapping(each, f"its attribute {GROWN_FROM}") for each in grown_from),
            references=tuple(numbers(each, f"its attribute {REFERENCES}") for each in references),
            succeeds=None if succeeds is None else text(succeeds, f"its attribute {SUCCEEDS}"),
            costs_version=whole(attributes.get(COSTS_VERSION, FIRST_VERSION), f"its attribute {COSTS_VERSION}", 1),
        )


def _named_as_today(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored identity under the names that settings have in this version."""
    return {RENAMED.get(key, key): value for key, value in identity.items()}


def attributes_of(storage: BaseStorage, name: str) -> Mapping[str, Any] | None:
    """The attributes of the study of a name, whatever program wrote it; None if there is no such study or it is empty.

    Raises:
        StudyError: The storage cannot be read.
    """
    with _refusing(name):
        try:
            study = storage.get_study_id_from_name(name)
        except KeyError:
            return None
        attributes: Mapping[str, Any] = storage.get_study_user_attrs(study)
        return attributes if IDENTITY in attributes or storage.get_n_trials(study) else None


def require_name(storage: BaseStorage, name: str) -> None:
    """Refuses a one-search storage that has studies, but none of this name: a new one would be begun unnoticed.

    Raises:
        StudyError: There are only studies of other names; the message gives these.
    """
    with _refusing(name):
        try:
            storage.get_study_id_from_name(name)
        except KeyError:
            others = [study.study_name for study in storage.get_all_studies()]
        else:
            return
    if others:
        raise StudyError(
            f"the database of this search has no study {name!r}, but {shown(others)}: it was renamed or removed; nothing was "
            "changed. Give it its name back, or name it (--search.study), or choose another --output or database for a new search"
        )


def refused(name: str, reason: object) -> StudyError:
    """The error for a study that this search cannot continue."""
    return StudyError(
        f"the study {name!r} cannot be continued, nothing was changed: {reason}. Put it back as the search has written it, or give "
        "another --output, or --search.study, for a new search"
    )


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turns every error met while a study is read into one that says that it cannot be continued.

    Any kind of error may occur, since Optuna and SQLAlchemy promise nothing about rows that they did not write.
    """
    try:
        yield
    except StudyError:
        raise
    except MalformedError as error:
        raise refused(name, error) from error
    except Exception as error:
        if is_away(error):
            with told_as_study_error():
                raise
        raise refused(name, f"the storage holds something that cannot be read ({_short(error)})") from error


@contextmanager
def _naming(number: int) -> Iterator[None]:
    """Adds the number of the trial to an error about it."""
    try:
        yield
    except MalformedError as error:
        raise MalformedError(f"trial {number}: {error}") from error
    except Exception as error:
        if is_away(error):
            raise
        raise MalformedError(f"trial {number} cannot be read ({_short(error)})") from error


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {shown(reason_of(error))}"


def _all_trials(storage: BaseStorage, study: int) -> list[FrozenTrial]:
    try:
        return storage.get_all_trials(study, deepcopy=False)
    except Exception as error:
        if is_away(error):
            raise
        for number in itertools.count():  # tells which of them it is
            try:
                trial = storage.get_trial_id_from_study_id_trial_number(study, number)
            except KeyError:
                break
            with _naming(number):
                storage.get_trial(trial)
        raise


def _check_costs(trials: Iterable[Trial]) -> None:
    """Refuses a study whose evaluated trials do not all have the same costs."""
    names: list[str] | None = None
    for trial in trials:
        if isinstance(trial.outcome, Evaluation):
            names = list(trial.costs) if names is None else names
            if list(trial.costs) != names:
                raise MalformedError(
                    f"trial {trial.number} has the costs {shown(list(trial.costs))}, trials before it {shown(names)}"
                )
