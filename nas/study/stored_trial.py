"""A trial as it is stored, and the checks of it when it is read, since somebody else may have changed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from nas.candidate import Candidate
from nas.objectives import Objective, ObjectiveKind, learned
from nas.records import UNTRAINED, Evaluation, Failure, FailureKind, Outcome, Trial, TrialState, outcome_from_json
from nas.samplers.distributions import contains
from nas.values.json_fields import MalformedError, entry, numbers, scalars, sequence, shown, text, whole

CONSTRAINTS = "constraints:"
"""Prefix of the attributes from which Optuna's samplers learn how far a trial is above each limit."""

_OUTCOMES: dict[TrialState, tuple[type, ...]] = {
    TrialState.COMPLETE: (Evaluation,),
    TrialState.STOPPED: (Evaluation,),
    TrialState.FAILED: (Failure,),
    TrialState.UNTRAINED: (type(None),),
}
"""The kinds of outcome that a trial may have in each state."""


def optuna_form(
    trial: Trial, first: Callable[[int], Trial], objectives: tuple[Objective, ...]
) -> tuple[OptunaState, list[float] | None]:
    """The Optuna state and the values under which a trial is stored.

    Args:
        trial: The trial.
        first: Gives the trial of a number, from which a repeat has taken over the outcome.
        objectives: The objectives, in the order of the values.
    """
    if trial.state is TrialState.RUNNING:
        return OptunaState.RUNNING, None
    if trial.state is TrialState.REUSED and trial.reused_from is not None:
        return optuna_form(first(trial.reused_from), first, objectives)
    if trial.state in (TrialState.INFEASIBLE, TrialState.STOPPED):
        return OptunaState.PRUNED, None
    if trial.state is TrialState.UNTRAINED:
        return OptunaState.FAIL, None
    if isinstance(trial.outcome, Evaluation):
        values = trial.values()
        return OptunaState.COMPLETE, [values[objective.name] for objective in objectives]
    return OptunaState.FAIL, None


def read_trial(frozen: FrozenTrial, earlier: Mapping[int, Trial], objectives: tuple[Objective, ...]) -> Trial:
    """Reads a stored trial. One that took over the outcome of an earlier trial gets the outcome from that trial.

    Raises:
        MalformedError: The trial is not as a search writes it.
    """
    attributes = frozen.user_attrs
    for decision, value in frozen.params.items():
        if not contains(frozen.distributions[decision], value):
            raise MalformedError(f"{decision} = {shown(value)} is outside {shown(frozen.distributions[decision])}")
    if "candidate" not in attributes:
        raise MalformedError("it was not added by a search: it has no candidate")
    first, again = (_reference(attributes, key, frozen.number) for key in ("reused_from", "replicate_of"))
    outcome: Outcome | None = None
    if first is not None:
        outcome = earlier[first].outcome
    if attributes.get("outcome") is not None:
        outcome = outcome_from_json(attributes["outcome"], learned(objectives).name)
    baseline = attributes.get("baseline")
    violations = sequence(attributes.get("violations", ()), "violations")
    trial = Trial(
        number=frozen.number,
        genotype=scalars(frozen.params, "the decisions"),
        candidate=Candidate.from_json(attributes["candidate"]),
        state=_state(frozen),
        costs=numbers(entry(attributes, "costs", "it"), "costs"),
        outcome=outcome,
        baseline=None if baseline is None else text(baseline, "baseline"),
        reused_from=first,
        replicate_of=again,
        violations=tuple(text(each, "violations") for each in violations),
    )
    _check_reference(trial, earlier)
    _check_form(trial, frozen, earlier, objectives)
    return trial


def _reference(attributes: Mapping[str, Any], key: str, number: int) -> int | None:
    """The number of an earlier trial that this one refers to."""
    value = attributes.get(key)
    if value is None:
        return None
    if whole(value, key) >= number:
        raise MalformedError(f"{key} is {shown(value)}; allowed: the number of an earlier trial")
    return int(value)


def _check_reference(trial: Trial, earlier: Mapping[int, Trial]) -> None:
    """Refuses a repeat of a repeat, and a replicate whose candidate is not the one it refers to."""
    for key, number in (("reused_from", trial.reused_from), ("replicate_of", trial.replicate_of)):
        if number is not None and not earlier[number].number == earlier[number].first == _origin(earlier[number]):
            raise MalformedError(f"{key} is {number}, which is not the first training of a candidate")
    if trial.replicate_of is not None and earlier[trial.replicate_of].candidate != trial.candidate:
        raise MalformedError(f"it trains trial {trial.replicate_of} once more, but is of another candidate")


def _origin(trial: Trial) -> int:
    return trial.number if trial.reused_from is None else trial.reused_from


def _check_form(
    trial: Trial, frozen: FrozenTrial, earlier: Mapping[int, Trial], objectives: tuple[Objective, ...]
) -> None:
    """Refuses a trial whose parts contradict each other, or that lacks a part that its state needs."""
    digest = frozen.user_attrs.get("digest")
    if digest != trial.candidate.digest:
        raise MalformedError(f"its digest is {shown(digest)}, but its candidate gives {trial.candidate.digest}")
    due = {ObjectiveKind.KNOWN}
    if trial.state is not TrialState.INFEASIBLE:
        due.add(ObjectiveKind.MEASURABLE)
    if isinstance(trial.outcome, Evaluation):
        due = set(ObjectiveKind)
    elif isinstance(trial.outcome, Failure) and trial.outcome.kind is FailureKind.INVALID:
        due = set()  # the refused numbers may be its costs
    values = trial.values()
    missing = [objective.name for objective in objectives if objective.kind in due and objective.name not in values]
    if missing:
        raise MalformedError(f"it is {trial.state.value}, but has no {', '.join(missing)}")
    has = type(trial.outcome)
    fitting = _OUTCOMES.get(trial.state, (Evaluation, Failure, type(None)))
    if has not in fitting:
        what = {Evaluation: "an evaluation", Failure: "a failure"}.get(has, "no outcome")
        raise MalformedError(f"it is {trial.state.value}, but has {what}")
    form = optuna_form(trial, lambda number: earlier[number], objectives)
    if (frozen.state, frozen.values) != form:
        raise MalformedError(
            f"it is stored as {frozen.state.name} with the values {shown(frozen.values)}, but by its attributes it is "
            f"{form[0].name} with {shown(form[1])}"
        )
    constraints = {key: value for key, value in frozen.system_attrs.items() if key.startswith(CONSTRAINTS)}
    over = [value > 0 for value in numbers(constraints, "its attributes").values()]
    if over and any(over) != (trial.state is TrialState.INFEASIBLE):
        raise MalformedError(f"it is {trial.state.value}, but its constraints are {shown(constraints)}")


def _state(frozen: FrozenTrial) -> TrialState:
    """Our state of a stored trial. A running trial may have an outcome, if its driver died after writing it."""
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
