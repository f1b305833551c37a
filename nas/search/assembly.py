"""The driver that search settings ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nas.budget import Budget
from nas.dimensions import Genotype
from nas.early_stopping import rungs, stopping_rule
from nas.samplers import sampler_factory
from nas.search.driver import MAX_LOSSES, Driver
from nas.search.endings import Ending, after_hours, when_stalled, within_epochs
from nas.search.problem import SearchProblem
from nas.settings.search import SearchSettings
from nas.study.study import Study


def assemble_driver(
    settings: SearchSettings,
    study: Study,
    problem: SearchProblem,
    epochs: int,
    *,
    given: Mapping[str, Genotype] | None = None,
    further_endings: Sequence[Ending] = (),
    max_losses: int = MAX_LOSSES,
) -> Driver:
    """A driver that goes on with the study.

    Args:
        settings: Of the search, without faults.
        study: Where it is recorded.
        problem: What is searched.
        epochs: Full training of a candidate.
        given: Genotypes to begin with, by name.
        further_endings: Beside those of the settings.
        max_losses: Workers that a candidate may lose before it is recorded as failed.
    """
    factory = sampler_factory(settings.sampler)
    return Driver(
        study=study,
        problem=problem,
        sampler=lambda seed: factory(problem, seed),
        budget=Budget(epochs=epochs, rungs=() if settings.stopping == "none" else rungs(epochs)),
        trials=settings.trials,
        stopping=stopping_rule(settings.stopping, settings.seed),
        endings=[*endings(settings, epochs), *further_endings],
        given=given,
        replicates=settings.replicates,
        max_losses=max_losses,
    )


def endings(settings: SearchSettings, epochs: int) -> list[Ending]:
    """What may end the search before all its trials."""
    found = []
    if settings.max_hours is not None:
        found.append(after_hours(settings.max_hours))
    if settings.max_epochs is not None:
        found.append(within_epochs(settings.max_epochs, epochs))
    if settings.stall_trials is not None:
        found.append(when_stalled(settings.stall_trials, settings.stall_share))
    return found
