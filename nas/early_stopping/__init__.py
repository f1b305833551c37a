"""Rules that pause trainings on their way, by name. Optuna's pruners know one objective only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from nas.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from nas.early_stopping.curves import Curves


SHARES = (1 / 9, 2 / 9, 1 / 3, 4 / 9, 2 / 3)
"""Of a full training, at which it is judged. Judging costs a measurement; what it saves is the epochs to come."""


class StoppingRule(Protocol):
    """Decides at rungs; its state is the curves, so that it may change its mind when more is known."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Whether this training, measured after so many epochs, should wait."""
        ...


class NeverPause:
    """Every training comes to its end."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """No."""
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
    """A rule by name.

    Raises:
        SettingsError: No rule has this name; lists those there are.
    """
    if name not in RULES:
        raise SettingsError("--search.stopping: " + unknown_name("stopping rule", name, RULES))
    return RULES[name](seed)


def rungs(epochs: int) -> tuple[int, ...]:
    """Epochs after which trainings of a full budget are judged: those nearest to `SHARES` of it, at least one and not all."""
    return tuple(sorted({rung for share in SHARES if (rung := max(1, round(epochs * share))) < epochs}))
