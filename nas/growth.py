"""A space that has grown: the trials of its earlier forms are trials of its present one.

A decision that was added gets, for earlier trials, the value by which they were built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from optuna.storages import BaseStorage

from nas.candidate import Candidate
from nas.errors import SpaceError
from nas.records import Trial
from nas.space import SearchSpace

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
        """The trial, with a value for every decision. What its candidate said stays as it was, since its weights are of that form.

        Raises:
            SpaceError: It is not in the space, or means another network there.
        """
        genotype = {**self._former, **trial.genotype}
        candidate, recorded = self._space.decode(genotype), trial.candidate
        meant = self._space.canonical(recorded).decisions
        changed = {**candidate.decisions, **meant}.items() - candidate.decisions.items()
        if changed:
            what = ", ".join(sorted(name for name, _ in changed))
            raise SpaceError(f"trial {trial.number} would mean another network: {what}")
        kept = Candidate(
            space=candidate.space,
            architecture={**candidate.architecture, **recorded.architecture},
            training={**candidate.training, **recorded.training},
        )
        return replace(trial, genotype=genotype, candidate=kept)


def history(storage: BaseStorage, name: str) -> list[Mapping[str, Any]]:
    """Settings of the earlier forms of a study's space."""
    found = storage.get_study_user_attrs(storage.get_study_id_from_name(name)).get(GROWN_FROM, [])
    return list(found)
