"""Finds the study that a search has ended with, for those who only read it."""

from __future__ import annotations

import itertools

from optuna.storages import BaseStorage

from nas.errors import StudyError
from nas.objectives import Objective
from nas.study.stored_study import SUCCEEDS, StoredStudy, attributes_of, find_study


def finished_study(storage: BaseStorage, name: str, objectives: tuple[Objective, ...]) -> StoredStudy:
    """The study that holds all trials of a search: the first one, or the one that took over its trials last.

    One that was cut short while it took them over has fewer trials than the one before, and is passed over. Its trials are read
    already, so that the storage may be closed.

    Raises:
        StudyError: There is no such study, or it was not written by a search with these objectives.
    """
    first = find_study(storage, name, objectives)
    if first is None or not first.identity:
        raise StudyError(f"the database has no study {name!r}")
    family = [first]
    for number in itertools.count(2):
        attributes = attributes_of(storage, f"{name}-{number}")
        if attributes is None:
            break
        if attributes.get(SUCCEEDS) == name:
            found = find_study(storage, f"{name}-{number}", objectives)
            assert found is not None
            family.append(found)
    most = max(len(study.trials) for study in family)
    return next(study for study in reversed(family) if len(study.trials) == most)
