"""Samplers by name. Each value imports Optuna when it is called, and makes a sampler for one proposal.

A sampler of Optuna's is made anew for every proposal, with a seed derived from the search's seed and the trial's number. It
has no state that is not in the study, so a resumed search proposes what the uninterrupted one would have proposed. Our own
sampler ensures this by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from nas.dimensions import Genotype
from nas.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from nas.search.problem import SearchProblem

SamplerFactory = Callable[["SearchProblem", int], "BaseSampler"]


def _random(problem: SearchProblem, seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


def _random_logbins(problem: SearchProblem, seed: int) -> BaseSampler:
    from nas.samplers.stratified import StratifiedCostSampler

    return StratifiedCostSampler(problem, seed)


def _nsga2(problem: SearchProblem, seed: int) -> BaseSampler:
    from optuna.samplers import NSGAIISampler

    # A search has tens to hundreds of trials: with Optuna's population of 50 most would be random.
    return NSGAIISampler(population_size=20, seed=seed)


def _tpe(problem: SearchProblem, seed: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    # Univariate TPE, Optuna's default for several objectives, proposes the same architecture again and again.
    return TPESampler(multivariate=True, n_startup_trials=10, seed=seed)


def _gp(problem: SearchProblem, seed: int) -> BaseSampler:
    from optuna.samplers import GPSampler

    return GPSampler(n_startup_trials=10, warn_independent_sampling=False, seed=seed)


def _known_cost(problem: SearchProblem, seed: int) -> BaseSampler:
    return _known_cost_of(problem)


@lru_cache(maxsize=1)
def _known_cost_of(problem: SearchProblem) -> BaseSampler:
    """A single sampler for the whole search. All it keeps between proposals could be computed again from the study."""
    from nas.samplers.known_cost import KnownCostSampler

    def cost(name: str) -> Callable[[Genotype], float]:
        return lambda genotype: problem.cost(genotype, name)

    names = dict.fromkeys([*problem.known, *problem.limits])
    limits: dict[int | str, float] = dict(problem.limits.items())
    return KnownCostSampler(
        problem.space,
        {name: cost(name) for name in names},
        limits,
        problem.seed,
        most_new_costs=problem.most_new_costs,
    )


SAMPLERS: dict[str, SamplerFactory] = {
    "random": _random,
    "random_logbins": _random_logbins,
    "nsga2": _nsga2,
    "tpe": _tpe,
    "gp": _gp,
    "known_cost": _known_cost,
}


def sampler_factory(name: str) -> SamplerFactory:
    """The factory of the sampler of this name.

    Raises:
        SettingsError: No sampler has this name; the message lists all names.
    """
    if name not in SAMPLERS:
        raise SettingsError("--search.sampler: " + unknown_name("sampler", name, SAMPLERS))
    return SAMPLERS[name]
