"""A search of anybody's space with anybody's evaluator: what `run_search.py` does, without images and networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.candidate import Candidate
from nas.objectives import Objective

if TYPE_CHECKING:
    from nas.cost_rule import CostRule
    from nas.dimensions import Genotype
    from nas.ports import Evaluator, Tell
    from nas.records import Outcome, Task
    from nas.search.driver import Driver
    from nas.search.endings import Ending
    from nas.search.problem import SearchProblem
    from nas.search.result import SearchResult
    from nas.settings.search import SearchSettings
    from nas.space import SearchSpace
    from nas.study.study import Study


def make_driver(
    space: SearchSpace,
    objectives: tuple[Objective, ...],
    costs: Callable[[Candidate], Mapping[str, float]],
    *,
    trials: int,
    epochs: int = 1,
    sampler: str = "known_cost",
    seed: int = 0,
    limits: Mapping[str, float] | None = None,
    given: Mapping[str, Genotype] | None = None,
    database: str | Path | None = None,
    stopping: str = "none",
    replicates: int = 1,
    endings: Sequence[Ending] = (),
    costs_version: int = 1,
    tell: Callable[[str], object] = lambda _text: None,
) -> Driver:
    """Makes the driver of a search, ready to be run by an engine.

    Args:
        space: The space that is searched.
        objectives: Axes of the front: one learned objective of any name and direction, and known costs.
        costs: Gives the known costs of a candidate by objective name.
        trials: Number of distinct candidates to evaluate.
        epochs: Number of epochs of a full training.
        sampler: Name of the sampler in `nas.samplers.SAMPLERS`.
        seed: Root seed; equal seeds propose equal candidates.
        limits: Largest allowed cost by objective name.
        given: Genotypes to train first, by name, after the baselines of the space.
        replicates: Number of trainings of each member of the front, each with its own seed.
        endings: Conditions on which the search ends before all its trials; see `nas.search.endings`.
        stopping: Name of the rule in `nas.early_stopping.RULES`. Trainings are judged after the shares `SHARES` of their epochs.
        database: SQLite file that keeps the study, so that it can be continued. Default: the study is in memory only.
        costs_version: Raise it when `costs` gives other values than before; the costs in the study are then counted anew.
        tell: Called with lines that report what has changed for earlier trials.

    Raises:
        NasError: A number is out of range, not exactly one objective is learned, there is no such sampler or no candidate within
            the limits, or the study in the database is of another search.
    """
    from nas.cost_rule import CostRule
    from nas.objectives import ObjectiveKind
    from nas.search import assembly
    from nas.search.limits import check_limits
    from nas.search.problem import SearchProblem
    from nas.settings.search import SearchSettings

    settings = SearchSettings(trials=trials, sampler=sampler, seed=seed, stopping=stopping, replicates=replicates)
    _refuse_unsound(settings, objectives, limits or {}, epochs)
    known = tuple(objective.name for objective in objectives if objective.kind is ObjectiveKind.KNOWN)
    problem = SearchProblem(
        space=space, costs=costs, limits=limits or {}, seed=seed, known=known, quantities=objectives
    )
    check_limits(problem)
    identity = {"space": space.settings(), "epochs": epochs, "seed": seed}
    study = _open(database, objectives, identity, problem, CostRule(costs=costs, version=costs_version), tell)
    return assembly.assemble_driver(settings, study, problem, epochs, given=given, further_endings=endings)


def _refuse_unsound(
    settings: SearchSettings, objectives: tuple[Objective, ...], limits: Mapping[str, float], epochs: int
) -> None:
    """Raises a SettingsError for numbers out of range, and for objectives that no search can have."""
    from nas.errors import SettingsError
    from nas.objectives import compared_cost, learned
    from nas.settings.search import epochs_faults, search_faults
    from nas.values.plausible import sorted_out

    learned(objectives)
    compared_cost(objectives)
    given = {f"reference of {each.name}": each.reference for each in objectives}
    given |= {f"limit of {name}": limit for name, limit in limits.items()}
    faults = [*search_faults(settings), *sorted_out(given, ())[1], *epochs_faults("epochs", epochs)]
    if faults:
        raise SettingsError("; ".join(faults))


def _open(
    database: str | Path | None,
    objectives: tuple[Objective, ...],
    identity: Mapping[str, Any],
    problem: SearchProblem,
    count: CostRule,
    tell: Callable[[str], object],
) -> Study:
    """Opens the study in a SQLite file, or in memory."""
    from optuna.storages import InMemoryStorage

    from nas.study.migration import open_study
    from nas.study.storage import close_storage, open_storage, sqlite_url
    from nas.study.stored_study import require_name

    storage = InMemoryStorage() if database is None else open_storage(sqlite_url(Path(database)))
    try:
        require_name(storage, "search")
        return open_study(storage, "search", objectives, identity, problem, count, tell)
    except BaseException:
        close_storage(storage)
        raise


def search_in_process(driver: Driver, evaluator: Evaluator) -> None:
    """Evaluates one candidate after the other, in this process, until the driver is finished.

    An exception of the evaluator counts as a crash of the candidate.

    Raises:
        CrashStreakError: Three candidates in a row crashed; another call, with this driver or one on the same database,
            tries them again.
        NasError: The evaluator raised one.
    """
    from nas.engines.virtual_time import VirtualTimeEngine

    VirtualTimeEngine(_Guarded(evaluator)).run(driver)


def search_in_processes(driver: Driver, factory: str, *, workers: int, logs: str | Path) -> None:
    """Runs a search with several candidates evaluated at the same time, each in a process of its own.

    A process that dies affects only its own candidate, which is tried once more.

    Args:
        driver: A driver made by `make_driver`.
        factory: The function without arguments that makes the evaluator, as `module:name`. The processes have this
            one's module path.
        workers: Number of processes.
        logs: Folder for what the processes write to standard error.
    """
    from nas.engines.local import LocalEngine
    from nas.ports import WorkerSpec

    LocalEngine(WorkerSpec(factory=factory), workers=workers, logs=Path(logs)).run(driver, lambda: None)


def result_of(driver: Driver, *, name: str = "a search of one's own", seed: int = 0) -> SearchResult:
    """The results for `nas.report.write_report`, at any time during the search or at its end.

    Args:
        driver: A driver made by `make_driver`.
        name: The name that the report gives to the data on which candidates are evaluated.
        seed: The seed that was given to `make_driver`, for the title of the report.
    """
    from nas.output.provenance import provenance
    from nas.search.estimates import Estimates
    from nas.search.result import SearchResult

    estimates = Estimates(driver.space, driver.objectives, driver.trials)
    return SearchResult(
        trials=driver.trials,
        objectives=driver.objectives,
        front=estimates.front,
        estimates=estimates.by_number,
        observed=None if estimates.observed_front == estimates.front else estimates.observed_front,
        ended=driver.ended,
        dimensions=driver.space.dimensions,
        settings={"search": {"trials": driver.target, "seed": seed}},
        provenance=provenance(),
        space={"name": driver.space.name, **driver.space.settings()},
        title=driver.space.title,
        legend=driver.space.legend(),
        portraits={trial.number: driver.space.portrait(trial.candidate) for trial in driver.trials},
        data={"name": name},
    )


class _Guarded:
    """An evaluator that turns every exception of a candidate into a Failure."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        from nas.engines.serving import attempt

        return attempt(self._evaluator, task, progress)
