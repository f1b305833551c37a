"""The record of a search on an Optuna storage, written by the driver alone.

`study.ask` and `tell` on a database commit once per decision (50 ms and more at 20 decisions). So samplers see a copy in
memory, where asking is cheap, and each trial goes to the database in one transaction, made from a template; both copies keep
the same trial numbers. Reading the study back from the database gives the same state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState
from sqlalchemy.exc import SQLAlchemyError

from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.errors import StudyError
from nas.objectives import Direction, Objective
from nas.one_thread import one_thread
from nas.patience import patiently, reason_of
from nas.records import CURVE, UNTRAINED, Evaluation, Outcome, Trial, TrialState, outcome_from_json
from nas.storage import close_storage
from nas.study_holder import StudyHolder

FORMAT = 1
_IDENTITY = "identity"
_FORMAT = "format"


class Study:
    """All trials of one search, in memory and in the database.

    Args:
        storage: An Optuna storage; see `nas.storage.open_storage`.
        name: Name of the study in the storage; made if it is not there.
        objectives: Axes of the front, in the order of Optuna's values.
        identity: Settings that give the study its meaning, flat, by dotted name.
        distributions: Optuna's form of the space.
        translate: Makes a stored trial one of this space, where it was added in an earlier form of it.
        tell: Is told when the storage is away for a while, and when it is back.
        attributes: Further ones of the study in the storage, if it is made.

    Raises:
        StudyError: A study of this name exists with another identity (names the settings that differ), or is held by
            another driver, or the database fails.
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
        self._translate = translate
        self._distributions = distributions
        self._storage = storage
        directions = [
            StudyDirection.MAXIMIZE if o.direction is Direction.MAXIMIZE else StudyDirection.MINIMIZE
            for o in objectives
        ]
        names = [objective.name for objective in objectives]
        memory = optuna.storages.InMemoryStorage()
        self._mirror = optuna.create_study(directions=directions, storage=memory)
        memory.set_study_system_attr(self._mirror._study_id, "study:metric_names", names)
        self._trials: dict[int, Trial] = {}
        self._ids: dict[int, int] = {}
        self._mirror_ids: dict[int, int] = {}
        self._asked: optuna.Trial | None = None
        with _told_as_study_error():
            known = {study.study_name for study in storage.get_all_studies()}
            fresh = name not in known
            self._id = storage.create_new_study(directions, name) if fresh else storage.get_study_id_from_name(name)
            # A driver killed between these steps leaves a study without trials and attributes: it is begun again.
            if fresh or (
                _IDENTITY not in storage.get_study_user_attrs(self._id) and not storage.get_n_trials(self._id)
            ):
                storage.set_study_system_attr(self._id, "study:metric_names", names)
                for key, value in {**(attributes or {}), _FORMAT: FORMAT, _IDENTITY: dict(identity)}.items():
                    storage.set_study_user_attr(self._id, key, value)
            self._check(name, identity)
            self.holder = StudyHolder(storage, self._id, tell)
            self.holder.take()
            self._load()

    @property
    def next_number(self) -> int:
        """Number the next trial will have."""
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        """All trials by number."""
        return iter(self._trials.values())

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __len__(self) -> int:
        return len(self._trials)

    def ask(self, sampler: BaseSampler) -> dict[str, Scalar]:
        """The sampler's proposal for the next trial. Must be followed by `add` before the next `ask`."""
        self._mirror.sampler = sampler
        with one_thread():
            self._asked = self._mirror.ask(fixed_distributions=self._distributions)
        return dict(self._asked.params)

    def add(self, trial: Trial, constraints: Mapping[str, float], source: FrozenTrial | None = None) -> None:
        """Writes a new trial, running or already ended, in one transaction.

        Args:
            trial: Its number must be `next_number`.
            constraints: For each limit by name how far the candidate is above it (positive: infeasible). Empty: no limits.
            source: The trial of another study that this one takes over; its times, and what its sampler noted, are kept.
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
        with _told_as_study_error():
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
        state, values = self._optuna_form(trial)
        if trial.outcome is not None and trial.reused_from is None:
            self._write_outcome(trial.number, trial.outcome)
        with _told_as_study_error():
            patiently(
                lambda: self._storage.set_trial_state_values(self._ids[trial.number], state, values),
                self._tell,
                again=lambda: self._end_if_running(trial.number, state, values),
            )
        memory, number = self._mirror._storage, self._mirror_ids[trial.number]
        if isinstance(trial.outcome, Evaluation):
            memory.set_trial_user_attr(number, CURVE, _curve(trial.outcome))
        memory.set_trial_state_values(number, state, values)
        self._trials[trial.number] = trial

    def pause(self, trial: Trial) -> None:
        """Writes how far a running trial came that is to wait; its outcome is of fewer epochs than the budget."""
        assert trial.outcome is not None
        self._write_outcome(trial.number, trial.outcome)
        self._trials[trial.number] = trial

    def close(self) -> None:
        """Gives the study back and ends the connection to the database."""
        try:
            with _told_as_study_error():
                self.holder.release()
        finally:
            close_storage(self._storage)

    def renew(self) -> None:
        """Shows other drivers that this one lives; cheap when called often.

        Raises:
            StudyError: Another driver has taken the study, or the database is out of reach.
        """
        with _told_as_study_error():
            patiently(self.holder.renew, self._tell)

    def _write_outcome(self, number: int, outcome: Outcome) -> None:
        with _told_as_study_error():
            patiently(
                lambda: self._storage.set_trial_user_attr(self._ids[number], "outcome", outcome.to_json()), self._tell
            )

    def _create(self, number: int, template: FrozenTrial) -> int:
        """Adds a trial, whose number must be that which it has here: others refer to it by that.

        Not so if another process writes, or if Optuna repeated a commit whose answer was lost, which it does by itself.
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

    def _optuna_form(self, trial: Trial) -> tuple[OptunaState, list[float] | None]:
        if trial.state is TrialState.RUNNING:
            return OptunaState.RUNNING, None
        if trial.state is TrialState.REUSED and trial.reused_from is not None:
            return self._optuna_form(self._trials[trial.reused_from])
        if trial.state in (TrialState.INFEASIBLE, TrialState.STOPPED):
            return OptunaState.PRUNED, None
        if trial.state is TrialState.UNTRAINED:
            return OptunaState.FAIL, None
        if isinstance(trial.outcome, Evaluation):
            values = trial.values()
            return OptunaState.COMPLETE, [values[objective.name] for objective in self.objectives]
        return OptunaState.FAIL, None

    def _template(
        self, trial: Trial, constraints: Mapping[str, float], system_attributes: Mapping[str, Any]
    ) -> FrozenTrial:
        state, values = self._optuna_form(trial)
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
            system_attrs={**system_attributes, **{f"constraints:{key}": value for key, value in constraints.items()}},
            values=values,
        )
        template.datetime_start = template.datetime_start or datetime.now()
        return template

    def _check(self, name: str, identity: Mapping[str, Any]) -> None:
        attributes = self._storage.get_study_user_attrs(self._id)
        if attributes.get(_FORMAT) != FORMAT:
            raise StudyError(f"study {name!r} was not written by this version of the program; choose another --output")
        stored = attributes[_IDENTITY]
        if stored.get("data.fingerprint") != identity.get("data.fingerprint"):
            raise StudyError(
                f"the study {name!r} was made with other images, or another split of them; nothing was changed. "
                "Put the images, and settings such as --data.skip_broken, back as they were to continue it, or give another "
                "--output for a new search"
            )
        differing = sorted(key for key in {*stored, *identity} if stored.get(key) != identity.get(key))
        if differing:
            lines = "; ".join(f"{key}: there {stored.get(key)!r}, asked {identity.get(key)!r}" for key in differing)
            raise StudyError(
                f"the study {name!r} was made with other settings, nothing was changed: {lines}. "
                "Use the same settings to continue it, or another --output for a new search"
            )

    def _load(self) -> None:
        for frozen in self._storage.get_all_trials(self._id, deepcopy=False):
            self._ids[frozen.number] = frozen._trial_id
            trial = _trial(frozen, self._trials)
            if self._translate is not None:
                trial = self._translate(trial)
            self._trials[trial.number] = trial
            self._mirror_ids[trial.number] = self._mirror._storage.create_new_trial(
                self._mirror._study_id, self._mirrored(frozen, trial)
            )

    def _mirrored(self, frozen: FrozenTrial, trial: Trial) -> FrozenTrial:
        """A stored trial as samplers are to see it: a value for every decision, and the curve."""
        shown = copy.copy(frozen)
        if isinstance(trial.outcome, Evaluation):
            shown.user_attrs = {**frozen.user_attrs, CURVE: _curve(trial.outcome)}
        if frozen.params.keys() != trial.genotype.keys():
            shown.params = dict(trial.genotype)
            shown.distributions = self._distributions
        return shown


@contextmanager
def _told_as_study_error() -> Iterator[None]:
    """Turns a failure of the storage into a StudyError without the URL's password."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError, OSError) as error:
        raise StudyError(
            f"the study's storage failed ({reason_of(error)}); what was recorded before is kept, the same command continues"
        ) from error


def identity_of(storage: BaseStorage, name: str) -> Mapping[str, Any]:
    """The settings that give a stored study its meaning; empty if it was never begun."""
    found: Mapping[str, Any] = storage.get_study_user_attrs(storage.get_study_id_from_name(name)).get(_IDENTITY, {})
    return found


def rewrite_identity(
    storage: BaseStorage, name: str, identity: Mapping[str, Any], attributes: Mapping[str, Any]
) -> None:
    """Gives a stored study, which no driver holds, another identity, and further attributes before that."""
    study = storage.get_study_id_from_name(name)
    with _told_as_study_error():
        for key, value in attributes.items():
            storage.set_study_user_attr(study, key, value)
        storage.set_study_user_attr(study, _IDENTITY, dict(identity))


def stored_trials(storage: BaseStorage, name: str) -> list[tuple[Trial, FrozenTrial]]:
    """The trials of a stored study by number, each also as it is stored."""
    found: dict[int, Trial] = {}
    stored = storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)
    for frozen in stored:
        found[frozen.number] = _trial(frozen, found)
    return list(zip(found.values(), stored, strict=True))


def _trial(frozen: FrozenTrial, earlier: Mapping[int, Trial]) -> Trial:
    """A stored trial; one that took over the outcome of an earlier one has it from there."""
    attributes = frozen.user_attrs
    first = attributes.get("reused_from")
    outcome: Outcome | None = None
    if first is not None and first in earlier:
        outcome = earlier[first].outcome
    if attributes.get("outcome") is not None:
        outcome = outcome_from_json(attributes["outcome"])
    return Trial(
        number=frozen.number,
        genotype=frozen.params,
        candidate=Candidate.from_json(attributes["candidate"]),
        state=_state(frozen),
        costs=attributes["costs"],
        outcome=outcome,
        baseline=attributes.get("baseline"),
        reused_from=first,
        replicate_of=attributes.get("replicate_of"),
        violations=tuple(attributes.get("violations", ())),
    )


def _curve(evaluation: Evaluation) -> dict[str, float]:
    """The form in which a sampler reads it."""
    return {str(epochs): accuracy for epochs, accuracy in evaluation.accuracies().items()}


def _state(frozen: FrozenTrial) -> TrialState:
    """Our state of a stored trial. A running one may hold an outcome, if its driver died between writing it and ending it."""
    if frozen.state is OptunaState.RUNNING:
        return TrialState.RUNNING
    if "violations" in frozen.user_attrs:
        return TrialState.INFEASIBLE
    if UNTRAINED in frozen.user_attrs:
        return TrialState.UNTRAINED
    if "reused_from" in frozen.user_attrs:
        return TrialState.REUSED
    ends = {OptunaState.COMPLETE: TrialState.COMPLETE, OptunaState.PRUNED: TrialState.STOPPED}
    return ends.get(frozen.state, TrialState.FAILED)


def constraint_values(limits: Mapping[str, float], costs: Mapping[str, float]) -> dict[str, float]:
    """How far each limited cost is above its limit, as a share of the limit (positive: infeasible)."""
    return {f"max_{name}": costs[name] / limit - 1.0 for name, limit in limits.items()}
