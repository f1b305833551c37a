"""Restates the costs of an earlier study as costs are counted today.

The cost of a network is a function of the candidate, and a version of the program may count differently from the one
before: because it deploys a part in a cheaper form, or because a count was wrong. Measured values do not depend on how
costs are counted and stay: latencies, and costs that a training decided.
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
    """Turns trials whose costs were counted differently into trials of today's count.

    Args:
        costs: Gives the costs of a candidate as they are counted today.
        limits: Largest allowed cost by objective name.
        quantities: The costs as quantities, which format them in messages.
    """

    def __init__(
        self, costs: CostFunction, limits: Mapping[str, float], quantities: tuple[Objective, ...] = ()
    ) -> None:
        self._costs = costs
        self._limits = limits
        self._quantities = quantities

    def __call__(self, trial: Trial) -> Trial:
        """The trial with today's costs and the state that follows from them, or unchanged if the costs are the same.

        * A trial that was refused and is within the limits now becomes `UNTRAINED`.
        * A trial that is over a limit now becomes `INFEASIBLE`; the outcome of its training is kept.
        * A trained trial that was over a limit by a count in between, and is not now, becomes `RUNNING` with its outcome,
        from which the driver decides whether it has ended or goes on.
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
    """The costs that the trial's training has measured; a training that goes on measures them anew."""
    goes_on = trial.state is TrialState.RUNNING
    return frozenset(trial.outcome.measurements if isinstance(trial.outcome, Evaluation) and not goes_on else ())


def summary(former: Iterable[Trial], counted: Iterable[Trial], quantities: Iterable[Objective] = ()) -> str:
    """One line that says what counting anew has changed; empty if nothing changed.

    Args:
        former: The trials before they were counted anew.
        counted: The same trials counted anew.
        quantities: The costs as quantities, which name them in the line.
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
