"""Costs of a study of before, counted as they are counted today.

What a network costs is a function of the candidate, and a version of the program may count otherwise than the one before: it
deploys a part in a cheaper form, or a count was wrong. What was measured is no matter of counting and stays: latencies, and costs
that a training decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nas.objectives import Objective, listed
from nas.ports import CostFunction
from nas.records import Evaluation, Trial, TrialState
from nas.search.limits import violations
from nas.values.plausible import sorted_out


class CostMigration:
    """Makes trials that were counted otherwise trials of today's count.

    Args:
        costs: Today's.
        limits: Largest allowed cost by objective name.
        quantities: How costs are written.
    """

    def __init__(
        self, costs: CostFunction, limits: Mapping[str, float], quantities: tuple[Objective, ...] = ()
    ) -> None:
        self._costs = costs
        self._limits = limits
        self._quantities = quantities

    def __call__(self, trial: Trial) -> Trial:
        """The trial with today's costs and in the state that follows from them; as it is where they are the same.

        * One that was refused and is within the limits now is `UNTRAINED`.
        * One that is over a limit now is `INFEASIBLE`; what a training has given is kept.
        * One that was trained, was over a limit by another count in between and is not now, is `RUNNING` with its outcome: by this
          the driver ends it or lets it go on.
        """
        (counted, _), measured = sorted_out(self._costs(trial.candidate), ()), _measured(trial)
        costs = {name: cost if name in measured else counted.get(name, cost) for name, cost in trial.costs.items()}
        if costs == trial.costs:
            return trial
        over = violations(self._limits, costs, self._quantities)
        state = trial.state
        if over:
            state = TrialState.INFEASIBLE
        elif state is TrialState.INFEASIBLE:
            state = TrialState.UNTRAINED if trial.outcome is None else TrialState.RUNNING
        return replace(trial, costs=costs, state=state, violations=over)


def _measured(trial: Trial) -> frozenset[str]:
    """What the trial's training has measured; one that goes on measures anew."""
    goes_on = trial.state is TrialState.RUNNING
    return frozenset(trial.outcome.measurements if isinstance(trial.outcome, Evaluation) and not goes_on else ())


def summary(former: Iterable[Trial], counted: Iterable[Trial], quantities: Iterable[Objective] = ()) -> str:
    """What counting anew has changed, in one line; empty if it changed nothing.

    Args:
        former: The trials as they were.
        counted: The same trials counted anew.
        quantities: What costs are called.
    """
    pairs = list(zip(former, counted, strict=True))
    changed = [(before, now) for before, now in pairs if before.costs != now.costs]
    if not changed:
        return ""
    names = dict.fromkeys(
        name for before, now in changed for name in now.costs if before.costs[name] != now.costs[name]
    )
    told = f"{listed(names, quantities)} of {len(changed)} of {len(pairs)} trials are counted anew, as this version counts them"
    within = sum(before.state is not now.state is TrialState.UNTRAINED for before, now in changed)
    over = sum(before.state is not now.state is TrialState.INFEASIBLE for before, now in changed)
    if within:
        told += f"; {within} that were over a limit are within it now, and may be proposed again"
    if over:
        told += f"; {over} are over a limit now, and left out"
    return told
