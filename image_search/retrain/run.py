"""Trains chosen networks of a search, and then measures them on the test images."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import optuna

from image_search.check import begin_check, checked_networks
from image_search.plan import Plan
from image_search.retrain.figures import Figures
from image_search.retrain.folder import RetrainedFolder
from image_search.retrain.options import NONE, SELF, Options, require_possible, settings_of
from image_search.retrain.page import renew_page, search_of
from image_search.retrain.teachers import given_teacher
from image_search.retrain.trainings import TrainingList, Trainings
from image_search.run import make_engine
from nas.errors import AllFailedError
from nas.output.folder import OutputFolder
from nas.ports import WorkerSpec
from nas.retraining.choice import best, by_number, largest_unchanged, networks
from nas.retraining.display import TrainingDisplay
from nas.retraining.fixed_tasks import FixedTasks
from nas.retraining.networks import Network
from nas.retraining.results import Retrained
from nas.retraining.table import retrained_lines
from nas.search.result import SearchResult
from nas.values.local_path import local_path
from nas.watchers.console import tell
from nas.watchers.signals import stop_if_asked


def retrain(options: Options) -> str:
    """Trains networks of a run and measures them, or continues with that; returns the figures as text.

    Raises:
        NasError: An option, a setting, the images or the folder have a fault; nothing is overwritten.
        AllFailedError: No training gave a network.
        CrashStreakError: Several trainings in a row crashed; the same options continue.
        KeyboardInterrupt: It was stopped by hand; the same options continue.
    """
    require_possible(options)
    settings = settings_of(options)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    output = OutputFolder(local_path(settings.output))
    output.refuse_unusable()
    plan = Plan(settings)
    given = {name: given_teacher(name, plan.data) for name in options.teachers if name not in (NONE, SELF)}
    with output, ExitStack() as opened:
        result = search_of(plan, output)
        chosen = by_number(result, options.trials) if options.trials else best(result, options.top)
        picked = networks(result, plan.space, plan.costs, chosen)
        largest = None
        if SELF in options.teachers:
            largest = largest_unchanged(result, plan.space, plan.costs, "macs")
        folder = RetrainedFolder(output.path)
        folder.sweep()
        listed = TrainingList(options, settings.search.seed, _common(plan), folder.checkpoints.resolve())
        trainings = listed.make(picked, largest, given)
        figures = Figures(plan, folder, trainings)
        tasks = FixedTasks(
            trainings.planned,
            folder.record(),
            has_weights=figures.are_there,
            max_losses=settings.search.max_lost_workers,
        )
        for line in _lines(plan, options, trainings, tasks):
            tell(line)
        if not tasks.finished:
            if not plan.on_cluster:
                opened.enter_context(begin_check(checked_networks(plan))).require()
            spec = _worker_spec(plan, folder, trainings)
            engine = make_engine(plan, spec, logs=folder.logs, ray_logs=folder.path / "ray")
            with TrainingDisplay(tasks) as display:
                engine.run(tasks, lambda: [watch() for watch in (stop_if_asked, display.update)])
        found = figures.of(tasks.outcomes, result)
        renew_page(result, found, output)
    return _text(result, found, options)


def _common(plan: Plan) -> dict[str, Any]:
    """The settings of images and training, which distinguish the trainings of this run. A space that has grown changes nothing."""
    kept = {name: value for name, value in plan.identity.items() if name.startswith(("data.", "train."))}
    return {name: value for name, value in kept.items() if name != "train.epochs"}


def _lines(plan: Plan, options: Options, trainings: Trainings, tasks: FixedTasks) -> list[str]:
    """What is told before the first training."""
    images = plan.data.train + plan.data.validation
    steps = max(images // plan.settings.train.batch_size, 1)
    done = f", {len(tasks.outcomes)} of them done before" if tasks.outcomes else ""
    picked = {one.network.name: one.network for one in trainings.groups}
    return [
        f"images      {images:,} to train on, validation images among them; {plan.data.test:,} test images, opened at the end",
        f"trainings   {len(trainings.planned)} of {options.epochs:,} epochs, {steps:,} steps an epoch{done}",
        *map(_network_line, picked.values()),
    ]


def _network_line(network: Network) -> str:
    beside = "" if network.peer is None else f", beside it {network.peer}"
    return (
        f"network     {network.name:<12} {network.role.value}{beside}: {network.description}; training settings: "
        f"{network.training_from}"
    )


def _worker_spec(plan: Plan, folder: RetrainedFolder, trainings: Trainings) -> WorkerSpec:
    spec = plan.worker_spec(folder.checkpoints.resolve())
    retraining = {
        "trainings": [[one.name, dict(trainings.lessons[one.name])] for one in trainings.planned],
        "teachers": {key: dict(described) for key, described in trainings.teachers.items()},
        "mean": list(plan.data.mean),
        "std": list(plan.data.std),
    }
    return replace(
        spec,
        factory="image_search.retrain.worker:make_evaluator",
        arguments={**spec.arguments, "retraining": retraining},
    )


def _text(result: SearchResult, found: Retrained, options: Options) -> str:
    """The figures, and where the networks are.

    Raises:
        AllFailedError: No training gave a network.
    """
    if not any(one.values for one in found.entries):
        reasons = sorted({reason for one in found.entries for reason in one.failures.values()})
        raise AllFailedError("no training gave a network:\n  " + "\n  ".join(reasons[:5]))
    return "\n".join(
        [
            retrained_lines(result, found),
            "",
            f"models: {options.run}/retrained/models (of each network the one with the first seed; none was chosen by test images)",
            f"table: {options.run}/retrained.csv, report: {options.run}/report.html",
        ]
    )
