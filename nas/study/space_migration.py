"""Restates the trials of a study in the present space, which may have grown since.

In earlier trials, a decision that was added later gets the value by which their networks were built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nas.candidate import Candidate
from nas.errors import SpaceError
from nas.records import Trial
from nas.space import SearchSpace


class SpaceMigration:
    """Turns trials of earlier forms of a space into trials of its present form. Without earlier forms, it only checks them.

    Args:
        space: The present form of the space.
        earlier: Settings of the earlier forms, oldest first.

    Raises:
        SpaceError: Networks of an earlier form are not the same in this one.
    """

    def __init__(self, space: SearchSpace, earlier: Iterable[Mapping[str, Any]]) -> None:
        self._space = space
        self._earlier = list(earlier)
        self._former = {name: value for settings in self._earlier for name, value in space.former(settings).items()}

    def __call__(self, trial: Trial) -> Trial:
        """The trial with a value for every decision. Its recorded candidate stays, since its weights have that form.

        Raises:
            SpaceError: The trial is not in the space, or means another network there.
        """
        genotype, recorded = {**self._former, **trial.genotype}, trial.candidate
        try:
            candidate = self._space.decode(genotype)
            meant = self._space.canonical(recorded)
        except SpaceError as error:
            raise SpaceError(f"trial {trial.number} is not in the space: {error}") from error
        except (KeyError, TypeError, ValueError, IndexError, AssertionError) as error:
            raise SpaceError(
                f"trial {trial.number} means no network of the space ({type(error).__name__}: {error})"
            ) from error
        changed = {**candidate.decisions, **meant.decisions}.items() - candidate.decisions.items()
        if changed or meant.space != candidate.space:
            what = ", ".join(sorted(name for name, _ in changed)) or f"of the space {meant.space}"
            raise SpaceError(f"trial {trial.number} would mean another network: {what}")
        if not self._earlier:
            return trial
        kept = Candidate(
            space=candidate.space,
            architecture={**candidate.architecture, **recorded.architecture},
            training={**candidate.training, **recorded.training},
        )
        return replace(trial, genotype=genotype, candidate=kept)
