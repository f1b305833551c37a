"""Rules, by name, that pause trainings before their end. Optuna's pruners support one objective only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from nas.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from nas.early_stopping.curves import Curves


SHARES = (1 / 9, 2 / 9, 1 / 3, 4 / 9, 2 / 3)
"""Shares of a full training after which it is judged. Judging costs a measurement, and may save all further epochs."""


class StoppingRule(Protocol):
    """Decides at rungs which trainings wait. Its state is the curves, so that it may change a decision when more is known."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Whether this training, measured after so many epochs, should wait."""
        ...


class NeverPause:
    """Every training comes to its end."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Always False."""
        return False


def _bound(seed: int) -> StoppingRule:
    from nas.early_stopping.bound import BoundRule

    return BoundRule(seed)


def _rank_halving(seed: int) -> StoppingRule:
    from nas.early_stopping.rank_halving import RankHalving

    return RankHalving()


RULES: dict[str, Callable[[int], StoppingRule]] = {
    "bound": _bound,
    "none": lambda _seed: NeverPause(),
    "rank_halving": _rank_halving,
}


def stopping_rule(name: str, seed: int) -> StoppingRule:
    """The rule of this name.

    Raises:
        SettingsError: No rule has this name; the message lists all names.
    """
    if name not in RULES:
        raise SettingsError("--search.stopping: " + unknown_name("stopping rule", name, RULES))
    return RULES[name](seed)


def rungs(epochs: int) -> tuple[int, ...]:
    """The epochs after which trainings are judged: those nearest to `SHARES` of the budget, above 0 and below the budget."""
    return tuple(sorted({rung for share in SHARES if (rung := max(1, round(epochs * share))) < epochs}))
