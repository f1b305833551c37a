"""One search of images, from its settings to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from image_search.answers import classification
from image_search.check import begin_check, checked_networks
from image_search.plan import Plan
from image_search.settings import Settings, require_sound, settings_json
from nas.engines.local import LocalEngine
from nas.output.folder import ModelKeeper, OutputFolder
from nas.output.provenance import provenance
from nas.records import Trial
from nas.report import write_report
from nas.report.forecast import thin_data_warnings
from nas.report.images import image_lines
from nas.report.notes import order_note, reference_note
from nas.search.assembly import assemble_driver
from nas.search.driver import Driver
from nas.search.estimates import Estimates
from nas.search.result import SearchResult
from nas.settings.search import checkpoint_bytes
from nas.study.migration import open_study, read_study
from nas.study.storage import close_storage, open_storage, sqlite_url
from nas.study.stored_study import require_name
from nas.study.study import Study
from nas.values.local_path import local_path
from nas.watchers.console import tell
from nas.watchers.event_log import EventLog
from nas.watchers.gpu_use import GpuUse
from nas.watchers.progress import ProgressDisplay
from nas.watchers.renewal import ReportRenewal
from nas.watchers.signals import held_signals, stop_if_asked

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from nas.engines.ray_tune.engine import RayEngine
    from nas.ports import WorkerSpec

LOADING = """\
# Start Python in this page's folder.
from search_spaces import load_model

network = load_model("models/{trial}")"""
"""How a network of the front is loaded. The package is installed, so Python finds it in any folder."""

MODEL_USE = """\
FOLDER is the folder of this file. shufflenas must be installed.

```
shufflenas predict FOLDER cat.png dog.jpg
```

```python
from deployment import load_classifier
from search_spaces import load_model

classifier = load_classifier("FOLDER")  # takes image files of any size, and prepares them as those of the training were
for answer in classifier(["cat.png", "dog.jpg"]):
    print(answer.class_name, answer.probability)

network = load_model("FOLDER")  # the torch.nn.Module itself, which takes normalized images
```"""
"""How a model is used wherever its folder is."""


def run(settings: Settings) -> SearchResult:
    """Runs a search, or continues the one in `settings.output`, and writes its report there; see `run_search.search`."""
    require_sound(settings)
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the search reports for itself
    folder = OutputFolder(local_path(settings.output))
    folder.refuse_unusable()
    plan = Plan(settings)
    plan.refuse_impossible()
    # From here on something may be written.
    with folder, ExitStack() as opened:
        plan.measure_latencies(folder.latencies)
        if plan.latencies is not None:
            plan.refuse_impossible()
        data = plan.data.to_json()
        for line in (
            *image_lines(data),
            plan.training_line,
            *thin_data_warnings(data, plan.steps),
            *plan.recounted_given,
        ):
            tell(line)
        # On a cluster each worker checks its own machine. Here the check runs in parallel with what follows.
        check = None if plan.on_cluster else opened.enter_context(begin_check(checked_networks(plan)))
        study = study_of(plan, folder)
        opened.callback(study.close)
        search = settings.search
        plan.notes += [
            *reference_note(study.references, plan.objectives),
            *order_note(workers=plan.workers, sampler=search.sampler, stopping=search.stopping),
        ]
        for line in plan.notes:
            tell(line)
        folder.sweep()
        driver = assemble_driver(
            settings.search,
            study,
            plan.problem,
            plan.epochs,
            given=plan.given,
            max_losses=settings.search.max_lost_workers,
        )
        if check is not None and not driver.finished:
            check.require()
        spec = plan.worker_spec(folder.checkpoints.resolve())
        engine = make_engine(plan, spec, logs=folder.logs, ray_logs=folder.path / "ray")
        try:
            with _watchers(plan, driver, folder, engine) as watchers:
                engine.run(driver, lambda: [watch() for watch in (stop_if_asked, *watchers, study.renew)])
        finally:
            with held_signals():
                result = _publish(plan, driver, folder)
    result.require_front()
    return result


@contextmanager
def _watchers(
    plan: Plan, driver: Driver, folder: OutputFolder, engine: LocalEngine | RayEngine
) -> Iterator[Sequence[Callable[[], object]]]:
    """The watchers of the search, each of which is called whenever something may have happened."""
    settings = plan.settings
    keeper = ModelKeeper(folder, driver, checkpoint_bytes(settings.search))
    with ExitStack() as opened:
        gpus = GpuUse()
        if plan.device.type == "cuda":
            opened.enter_context(gpus)
        display = ProgressDisplay(
            driver, plan.epochs, engine.packing.devices, lambda: gpus.percent, workers=plan.workers
        )
        watchers = [opened.enter_context(display).update, keeper.update]
        if settings.log.json:
            watchers.append(opened.enter_context(EventLog(driver, folder.events)).update)
        if settings.log.tensorboard:
            from nas.watchers.tensorboard_log import TensorBoardLog

            watchers.append(opened.enter_context(TensorBoardLog(driver, folder.tensorboard)).update)
        watchers.append(ReportRenewal(driver, lambda: write_report(_result(plan, driver, folder), folder.path)).update)
        yield watchers


def make_engine(plan: Plan, spec: WorkerSpec, *, logs: Path, ray_logs: Path) -> LocalEngine | RayEngine:
    """The engine that trains networks, as the settings ask for it.

    Args:
        plan: The parts of the search.
        spec: How a worker makes its evaluator.
        logs: Folder for what local workers write to standard error.
        ray_logs: Folder for Ray's own logs of trials.
    """
    settings = plan.settings.ray
    if plan.settings.search.engine == "ray":
        from nas.engines.ray_tune.engine import RayEngine

        gpus = float(plan.device.type == "cuda") if settings.gpus_per_trial is None else settings.gpus_per_trial
        return RayEngine(spec, settings, cpus=settings.cpus_per_trial or plan.threads, gpus=gpus, logs=ray_logs)

    return LocalEngine(spec, workers=plan.workers, logs=logs)


def study_of(plan: Plan, folder: OutputFolder) -> Study:
    """The study of a search, in its output folder or in the storage that the settings name."""
    storage, name = _place_of(plan, folder)
    try:
        return open_study(storage, name, plan.objectives, plan.identity, plan.problem, plan.count, tell)
    except BaseException:
        close_storage(storage)
        raise


def read_trials(plan: Plan, folder: OutputFolder) -> list[Trial]:
    """The trials of a search that is there already; nothing is written."""
    storage, name = _place_of(plan, folder)
    try:
        return read_study(storage, name, plan.objectives, plan.identity, plan.problem, plan.count)
    finally:
        close_storage(storage)


def _place_of(plan: Plan, folder: OutputFolder) -> tuple[BaseStorage, str]:
    """The storage of the study, opened, and the study's name in it."""
    search = plan.settings.search
    # A file in the folder keeps its name when the folder is moved; in a storage with other studies the folder's name is needed.
    own_name = "search" if search.storage is None else folder.path.resolve().name
    storage = open_storage(search.storage or sqlite_url(folder.database))
    try:
        if search.storage is None and search.study is None:
            require_name(storage, own_name)
    except BaseException:
        close_storage(storage)
        raise
    return storage, search.study or own_name


def _result(plan: Plan, driver: Driver, folder: OutputFolder) -> SearchResult:
    """The results of the search so far."""
    return with_answers(result_of(plan, driver.trials, driver.ended), plan, folder)


def with_answers(result: SearchResult, plan: Plan, folder: OutputFolder) -> SearchResult:
    """The results with what the networks of the front answered, as far as the folder has it."""
    front = [result.trials[number] for number in result.front.trials]
    return replace(result, classification=classification(plan.data, plan.validation, folder, front))


def result_of(plan: Plan, trials: tuple[Trial, ...], ended: str) -> SearchResult:
    """The results that these trials are.

    Args:
        plan: The parts of the search.
        trials: Trials of the search by number, a network's repeated trainings together with it.
        ended: Why the search ended before all its trials.
    """
    estimates = Estimates(plan.space, plan.objectives, trials)
    return SearchResult(
        trials=trials,
        objectives=plan.objectives,
        quantities=plan.quantities,
        front=estimates.front,
        estimates=estimates.by_number,
        observed=None if estimates.observed_front == estimates.front else estimates.observed_front,
        notes=(*plan.notes, *(() if plan.latencies is None else plan.latencies.notes())),
        ended=ended,
        costs_version=plan.count.version,
        settings={**settings_json(plan.resolved), "space": plan.space_settings},
        provenance={
            **provenance(),
            "machine": plan.machine.to_json(),
            "device": plan.device.type,
            "workers": plan.workers,
            "seed": plan.settings.search.seed,
            "data_fingerprint": plan.data.fingerprint,
            **({} if plan.latencies is None else {"latency": plan.latencies.conditions()}),
            **({"ended": ended} if ended else {}),
        },
        space=plan.space.settings(),
        dimensions=plan.space.dimensions,
        name=" ".join(plan.settings.title.split()),
        title=plan.space.title,
        legend=plan.space.legend(),
        portraits={trial.number: plan.space.portrait(trial.candidate) for trial in trials},
        data=plan.data.to_json(),
        loading=LOADING,
        model_use=MODEL_USE,
    )


def _publish(plan: Plan, driver: Driver, folder: OutputFolder) -> SearchResult:
    """Writes the report and the models of the front."""
    result = _result(plan, driver, folder)
    result = replace(result, weightless=folder.publish(result, plan.check_weights))
    for line in result.weightless_lines:
        tell(line)
    write_report(result, folder.path)
    return result
