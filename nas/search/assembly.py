"""Makes the driver that the search settings describe."""

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
    """The driver that starts or continues the study.

    Args:
        settings: Settings of the search, already checked.
        study: The record of the search.
        problem: The space, its known costs and limits, and the root seed.
        epochs: Number of epochs of a full training.
        given: Genotypes to train first, by name.
        further_endings: Reasons to end the search, in addition to those of the settings.
        max_losses: Number of lost workers at which a candidate is recorded as failed.
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
    """The conditions that may end the search before all its trials."""
    found = []
    if settings.max_hours is not None:
        found.append(after_hours(settings.max_hours))
    if settings.max_epochs is not None:
        found.append(within_epochs(settings.max_epochs, epochs))
    if settings.stall_trials is not None:
        found.append(when_stalled(settings.stall_trials, settings.stall_share))
    return found
