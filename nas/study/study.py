"""The record of a search on an Optuna storage, written by the driver alone.

`study.ask` and `tell` on a database commit once per decision (50 ms and more at 20 decisions). So samplers see a copy in
memory, where asking is cheap, and each trial goes to the database in one transaction, made from a template; both copies keep
the same trial numbers. Reading the study back from the database gives the same state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from nas.dimensions import Scalar
from nas.errors import SpaceError, StudyError
from nas.objectives import Objective, ObjectiveKind, learned
from nas.records import CURVE, UNTRAINED, Evaluation, Outcome, Trial, TrialState
from nas.search.one_thread import one_thread
from nas.study.optuna_notices import without_notices
from nas.study.patience import patiently
from nas.study.storage import close_storage
from nas.study.stored_identity import check_identity
from nas.study.stored_study import (
    FORMAT,
    FORMAT_KEY,
    IDENTITY,
    METRIC_NAMES,
    REFERENCES,
    directions_of,
    find_study,
    refused,
    told_as_study_error,
)
from nas.study.stored_trial import CONSTRAINTS, optuna_form
from nas.study.study_holder import StudyHolder


class Study:
    """All trials of one search, in memory and in the database.

    Args:
        storage: An Optuna storage; see `open_storage`. Its contents are read and checked before anything is written.
        name: Name of the study in the storage; it is made if it is missing.
        objectives: Axes of the front, in the order of Optuna's values.
        identity: Settings that define the study, flat, by dotted name.
        distributions: The space as distributions of Optuna.
        translate: Restates a stored trial in the present space, and refuses one that does not belong to it.
        tell: Called with a line when the storage becomes unavailable, and when it is back.
        attributes: Further attributes that the study gets if it is made.

    Raises:
        StudyError: A study of this name exists with another identity (names the settings that differ), or is not as a search has
            written it, or is held by another driver, or the database fails.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        objectives: tuple[Objective, ...],
        identity: Mapping[str, Any],
        distributions: dict[str, BaseDistribution],
        translate: Callable[[Trial], Trial] | None = None,
        tell: Callable[[str], object] = lambda _text: None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._tell = tell
        self.objectives = objectives
        self.references: tuple[Mapping[str, float], ...] = ()
        """References of the costs by name, from which hypervolumes were measured, oldest first; the last are the present ones."""
        self._translate = translate
        self._distributions = distributions
        self._storage = storage
        directions = directions_of(objectives)
        names = [objective.name for objective in objectives]
        memory = optuna.storages.InMemoryStorage()
        with without_notices():
            self._mirror = optuna.create_study(directions=directions, storage=memory)
        memory.set_study_system_attr(self._mirror._study_id, METRIC_NAMES, names)
        self._trials: dict[int, Trial] = {}
        self._ids: dict[int, int] = {}
        self._mirror_ids: dict[int, int] = {}
        self._asked: optuna.Trial | None = None
        stored = find_study(storage, name, objectives)
        with told_as_study_error():
            self._id = self._created(directions) if stored is None else stored.id
            # A driver killed between these steps leaves a study without trials and attributes: it is begun again.
            if stored is None or not stored.identity:
                storage.set_study_system_attr(self._id, METRIC_NAMES, names)
                for key, value in {**(attributes or {}), FORMAT_KEY: FORMAT, IDENTITY: dict(identity)}.items():
                    storage.set_study_user_attr(self._id, key, value)
            else:
                check_identity(stored, identity)
            self.holder = StudyHolder(storage, self._id, tell)
            sign = self.holder.look()
            found = self._read()
            if self.holder.take(sign) != sign:
                found = self._read()  # another driver has held the study in between
        self._load(found)

    @property
    def next_number(self) -> int:
        """The number that the next trial will have."""
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        """All trials by number."""
        return iter(self._trials.values())

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __len__(self) -> int:
        return len(self._trials)

    def ask(self, sampler: BaseSampler, fixed: Mapping[str, Scalar] | None = None) -> dict[str, Scalar]:
        """The sampler's proposal for the next trial. `add` must be called before the next `ask`.

        Args:
            sampler: Proposes a value for every decision.
            fixed: Values that replace the proposed ones, by decision.
        """
        self._mirror.sampler = sampler
        with one_thread():
            asked = self._asked = self._mirror.ask(fixed_distributions=self._distributions)
        for name, value in (fixed or {}).items():
            distribution = self._distributions[name]
            internal = distribution.to_internal_repr(value)
            self._mirror._storage.set_trial_param(asked._trial_id, name, internal, distribution)
        return {**asked.params, **(fixed or {})}

    def add(self, trial: Trial, constraints: Mapping[str, float], source: FrozenTrial | None = None) -> None:
        """Writes a new trial, running or already ended, in one transaction.

        Args:
            trial: Its number must be `next_number`.
            constraints: For each limit by name, how far the candidate is above it (positive: infeasible). Empty if
                there are no limits.
            source: The trial of another study that is copied, with its times and the notes of its sampler.
        """
        assert trial.number == self.next_number
        memory = self._mirror._storage
        asked, self._asked = self._asked, None
        attributes = {} if asked is None else memory.get_trial(asked._trial_id).system_attrs
        template = self._template(trial, constraints, attributes if source is None else source.system_attrs)
        if source is not None:
            template.datetime_start = source.datetime_start
            if template.state.is_finished():
                template.datetime_complete = source.datetime_complete or template.datetime_complete
        with told_as_study_error():
            self._ids[trial.number] = patiently(
                lambda: self._create(trial.number, template),
                self._tell,
                again=lambda: self._create_if_missing(trial.number, template),
            )
        if asked is None:
            mirror_id = memory.create_new_trial(self._mirror._study_id, self._mirrored(template, trial))
        else:
            mirror_id = asked._trial_id
            for key, value in template.system_attrs.items():
                memory.set_trial_system_attr(mirror_id, key, value)
            if template.state.is_finished():
                memory.set_trial_state_values(mirror_id, template.state, template.values)
        self._mirror_ids[trial.number] = mirror_id
        self._trials[trial.number] = trial

    def finish(self, trial: Trial) -> None:
        """Writes the outcome of a running trial."""
        state, values = optuna_form(trial, self._trials.__getitem__, self.objectives)
        if trial.outcome is not None and trial.reused_from is None:
            self._write_outcome(trial.number, trial.outcome)
        with told_as_study_error():
            patiently(
                lambda: self._storage.set_trial_state_values(self._ids[trial.number], state, values),
                self._tell,
                again=lambda: self._end_if_running(trial.number, state, values),
            )
        memory, number = self._mirror._storage, self._mirror_ids[trial.number]
        if isinstance(trial.outcome, Evaluation):
            memory.set_trial_user_attr(number, CURVE, self._curve(trial.outcome))
        memory.set_trial_state_values(number, state, values)
        self._trials[trial.number] = trial

    def pause(self, trial: Trial) -> None:
        """Writes the progress of a running trial that is now paused; its outcome has fewer epochs than the budget."""
        assert trial.outcome is not None
        self._write_outcome(trial.number, trial.outcome)
        self._trials[trial.number] = trial

    def follow_references(self, known: Sequence[Mapping[str, float]]) -> None:
        """Keeps the references of the costs, from which hypervolumes are measured, behind those that are known from before."""
        present = {each.name: each.reference for each in self.objectives if each.kind is not ObjectiveKind.LEARNED}
        self.references = tuple(known) if known and known[-1] == present else (*known, present)
        with told_as_study_error():
            written = [dict(each) for each in self.references]
            if self._storage.get_study_user_attrs(self._id).get(REFERENCES) != written:
                self._storage.set_study_user_attr(self._id, REFERENCES, written)

    def close(self) -> None:
        """Releases the study and closes the connection to the database."""
        try:
            with told_as_study_error():
                self.holder.release()
        finally:
            close_storage(self._storage)

    def renew(self) -> None:
        """Shows other drivers that this one is alive. Frequent calls are cheap.

        Raises:
            StudyError: Another driver has taken the study, or the database is out of reach.
        """
        with told_as_study_error():
            patiently(self.holder.renew, self._tell)

    def _write_outcome(self, number: int, outcome: Outcome) -> None:
        with told_as_study_error():
            patiently(
                lambda: self._storage.set_trial_user_attr(self._ids[number], "outcome", outcome.to_json()), self._tell
            )

    def _create(self, number: int, template: FrozenTrial) -> int:
        """Adds a trial, and requires that it gets the number it has here, by which other trials refer to it.

        The number differs if another process writes, or if Optuna has, on its own, repeated a commit whose answer was lost.
        """
        created = self._storage.create_new_trial(self._id, template)
        if self._storage.get_trial_id_from_study_id_trial_number(self._id, number) != created:
            raise StudyError(
                f"the study {self.name!r} got a trial {number} that this search did not add; nothing is lost, the same command "
                "continues. If this comes again, another process writes the study"
            )
        return created

    def _create_if_missing(self, number: int, template: FrozenTrial) -> int:
        try:
            return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
        except KeyError:
            return self._create(number, template)

    def _end_if_running(self, number: int, state: OptunaState, values: list[float] | None) -> bool:
        try:
            return self._storage.set_trial_state_values(self._ids[number], state, values)
        except UpdateFinishedTrialError:
            return True

    def _template(
        self, trial: Trial, constraints: Mapping[str, float], system_attributes: Mapping[str, Any]
    ) -> FrozenTrial:
        state, values = optuna_form(trial, self._trials.__getitem__, self.objectives)
        attributes: dict[str, Any] = {
            "digest": trial.candidate.digest,
            "candidate": trial.candidate.to_json(),
            "costs": dict(trial.costs),
        }
        optional = {
            "baseline": trial.baseline,
            "reused_from": trial.reused_from,
            "replicate_of": trial.replicate_of,
            "outcome": None if trial.outcome is None or trial.reused_from is not None else trial.outcome.to_json(),
            "violations": list(trial.violations) or None,
            UNTRAINED: True if trial.state is TrialState.UNTRAINED else None,
        }
        attributes |= {key: value for key, value in optional.items() if value is not None}
        template = create_trial(
            state=state,
            params=dict(trial.genotype),
            distributions=self._distributions,
            user_attrs=attributes,
            system_attrs={**system_attributes, **{f"{CONSTRAINTS}{key}": value for key, value in constraints.items()}},
            values=values,
        )
        template.datetime_start = template.datetime_start or datetime.now()
        return template

    def _created(self, directions: list[StudyDirection]) -> int:
        try:
            with without_notices():
                return self._storage.create_new_study(directions, self.name)
        except DuplicatedStudyError:
            raise StudyError(
                f"another search is just making the study {self.name!r}; start this one again, or choose another --output or "
                "--search.study"
            ) from None

    def _read(self) -> list[tuple[Trial, FrozenTrial]]:
        """The stored trials, restated in the present space."""
        stored = find_study(self._storage, self.name, self.objectives)
        assert stored is not None
        stored.check_domains(self._distributions)
        found = stored.trials
        if self._translate is None:
            return found
        try:
            return [(self._translate(trial), frozen) for trial, frozen in found]
        except SpaceError as error:
            raise refused(self.name, error) from error

    def _load(self, found: Iterable[tuple[Trial, FrozenTrial]]) -> None:
        for trial, frozen in found:
            self._ids[trial.number] = frozen._trial_id
            self._trials[trial.number] = trial
            self._mirror_ids[trial.number] = self._mirror._storage.create_new_trial(
                self._mirror._study_id, self._mirrored(frozen, trial)
            )

    def _mirrored(self, frozen: FrozenTrial, trial: Trial) -> FrozenTrial:
        """A stored trial as samplers see it: with a value for every decision, the curve, and notes that they can read."""
        shown = copy.copy(frozen)
        shown.user_attrs = {key: value for key, value in frozen.user_attrs.items() if key != CURVE}
        shown.system_attrs = {key: value for key, value in frozen.system_attrs.items() if _is_note(key, value)}
        if isinstance(trial.outcome, Evaluation):
            shown.user_attrs[CURVE] = self._curve(trial.outcome)
        if frozen.params.keys() != trial.genotype.keys():
            shown.params = dict(trial.genotype)
            shown.distributions = self._distributions
        return shown

    def _curve(self, evaluation: Evaluation) -> dict[str, float]:
        """The values of the learned objective during the training, in the form in which samplers read them."""
        return {str(epochs): value for epochs, value in evaluation.on_the_way(learned(self.objectives).name).items()}


def _is_note(key: str, value: object) -> bool:
    """Whether a sampler can read a system attribute of a trial. Samplers ask for these when a study is continued."""
    if key.endswith(":generation"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    # Optuna's notes about parameters that are still to be set; here all are set in one step.
    return key != "constraints" and ":relative_params:" not in key


def constraint_values(limits: Mapping[str, float], costs: Mapping[str, float]) -> dict[str, float]:
    """How far each known limited cost is above its limit, as a share of the limit (positive: infeasible)."""
    return {f"max_{name}": costs[name] / limit - 1.0 for name, limit in limits.items() if name in costs}
