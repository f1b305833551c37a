"""Searches how small convolutional networks mix their channels: accuracy against FLOPs, as a Pareto front.

Wires the engine (`nas`) to what is built (`search_spaces`) and what trains it (`evaluator`), by a plan made from settings
(`image_search.plan`). From Python or a notebook:

    from run_search import Settings, search
    front = search(Settings(output="runs/mine"))
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shadow_check  # noqa: F401, before our packages: it says so where another's file hides one
from evaluator.settings import DataSettings, TrainSettings
from image_search.check import begin_check, checked_networks
from image_search.estimate import dry_run
from image_search.plan import Plan
from image_search.settings import Settings, require_sound, settings_faults, settings_json
from nas import ParetoFront
from nas.engines.ray_tune.settings import RaySettings
from nas.errors import AllFailedError, CrashStreakError, NasError
from nas.latency.measurement import LatencySettings
from nas.settings.search import LogSettings, SearchSettings, checkpoint_bytes
from nas.values.local_path import local_path
from nas.watchers.console import say, sturdy_console, tell
from nas.watchers.signals import asked_to_stop, ending_signals, held_signals, stop_if_asked
from search_spaces.spaces import DEFAULT, SPACES, space_class

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from nas.engines.local import LocalEngine
    from nas.engines.ray_tune.engine import RayEngine
    from nas.output.folder import OutputFolder
    from nas.result import SearchResult
    from nas.search.driver import Driver
    from nas.study.study import Study

DESCRIPTION = """\
Searches channel-mixing networks on your images and returns a Pareto front of accuracy against FLOPs.

  run_search.py                                       the quickstart: digits, about a minute on 2 cores
  run_search.py --config cifar10 --output runs/c10    a ready config; see --config
  run_search.py --data.name photos/ --dry_run        what a search of your own images would cost

The same command again continues a search: ask for more with a larger --search.trials."""

USAGE = "%(prog)s [--config NAME|FILE] [--output DIR] [--GROUP.SETTING VALUE ...] [--device auto|cpu|cuda] [--dry_run]"
DEFAULT_CONFIG = "quickstart"
OF_ONE_SPACE = {"space.name": ("space.widths", "space.units", "space.convolutions", "space.conv_groups")}
GROUPS = {
    "data": DataSettings,
    "search": SearchSettings,
    "train": TrainSettings,
    "ray": RaySettings,
    "latency": LatencySettings,
    "log": LogSettings,
}
INTERRUPTED = 130
WEIGHTLESS = 3
"""Exit code of a search that has come to its end, but networks of its front cannot be loaded."""


def search(settings: Settings) -> ParetoFront:
    """Runs a search, or continues the one in `settings.output`, and writes its report there.

    Returns:
        The front over the trials complete at full budget.

    Raises:
        NasError: Something in the settings, the data or the output folder is not as it must be; nothing is overwritten.
        AllFailedError: Every candidate failed.
        CrashStreakError: Candidates crashed one after the other; the report has been written, and the same settings continue.
        KeyboardInterrupt: Stopped by hand; the report of what is there has been written.
    """
    return run(settings).front


def run(settings: Settings) -> SearchResult:
    """As `search`, but returns everything the report is made of."""
    from nas.output.folder import ModelKeeper, OutputFolder
    from nas.report import write_report
    from nas.report.forecast import thin_data_warnings
    from nas.report.images import image_lines
    from nas.search.assembly import make_driver
    from nas.watchers.event_log import EventLog
    from nas.watchers.gpu_use import GpuUse
    from nas.watchers.progress import ProgressDisplay
    from nas.watchers.renewal import ReportRenewal

    require_sound(settings)
    _quiet()
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
        for line in (*image_lines(data), *thin_data_warnings(data, plan.steps), *plan.recounted_given):
            tell(line)
        # Of a cluster each worker checks its own machine. Here the check goes on beside what follows.
        check = None if plan.on_cluster else opened.enter_context(begin_check(checked_networks(plan)))
        study = study_of(plan, folder)
        opened.callback(study.close)
        folder.sweep()
        driver = make_driver(
            settings.search,
            study,
            plan.context,
            settings.train.epochs,
            given=plan.given,
            max_losses=settings.ray.max_failures,
        )
        if check is not None and not driver.finished:
            check.require()
        engine = _engine(plan, folder)
        try:
            keeper = ModelKeeper(folder, driver, checkpoint_bytes(settings.search))
            with ExitStack() as stack:
                gpus = GpuUse()
                if plan.device.type == "cuda":
                    stack.enter_context(gpus)
                display = ProgressDisplay(driver, settings.train.epochs, engine.packing.devices, lambda: gpus.percent)
                watchers = [stack.enter_context(display).update, keeper.update]
                if settings.log.json:
                    watchers.append(stack.enter_context(EventLog(driver, folder.events)).update)
                if settings.log.tensorboard:
                    from nas.watchers.tensorboard_log import TensorBoardLog

                    watchers.append(stack.enter_context(TensorBoardLog(driver, folder.tensorboard)).update)
                watchers.append(ReportRenewal(driver, lambda: write_report(_result(plan, driver), folder.path)).update)
                engine.run(driver, lambda: [watch() for watch in (stop_if_asked, *watchers, study.renew)])
        finally:
            with held_signals():
                result = _publish(plan, driver, folder)
    result.require_front()
    return result


def _engine(plan: Plan, folder: OutputFolder) -> LocalEngine | RayEngine:
    """What trains the candidates."""
    spec, settings = plan.worker_spec(folder.checkpoints.resolve()), plan.settings.ray
    if plan.settings.search.engine == "ray":
        from nas.engines.ray_tune.engine import RayEngine

        gpus = float(plan.device.type == "cuda") if settings.gpus_per_trial is None else settings.gpus_per_trial
        return RayEngine(
            spec, settings, cpus=settings.cpus_per_trial or plan.threads, gpus=gpus, logs=folder.path / "ray"
        )
    from nas.engines.local import LocalEngine

    return LocalEngine(spec, workers=plan.workers, logs=folder.logs)


def study_of(plan: Plan, folder: OutputFolder) -> Study:
    """The study of a search in its output folder, or in the storage that the settings name."""
    from nas.study.storage import close_storage, open_storage, sqlite_url
    from nas.study.stored_study import require_name
    from nas.study.succession import open_study

    search = plan.settings.search
    # A file in the folder keeps its name when the folder is moved; in a storage with other studies the folder's name tells.
    own_name = "search" if search.storage is None else folder.path.resolve().name
    storage = open_storage(search.storage or sqlite_url(folder.database))
    try:
        if search.storage is None and search.study is None:
            require_name(storage, own_name)
        return open_study(
            storage,
            search.study or own_name,
            plan.objectives,
            plan.identity,
            plan.context,
            plan.count,
            tell,
        )
    except BaseException:
        close_storage(storage)
        raise


def _result(plan: Plan, driver: Driver) -> SearchResult:
    """The search as it stands."""
    from nas.output.provenance import provenance
    from nas.result import SearchResult
    from nas.search.estimates import Estimates

    estimates = Estimates(plan.space, plan.objectives, driver.trials)
    return SearchResult(
        trials=driver.trials,
        objectives=plan.objectives,
        quantities=plan.quantities,
        front=estimates.front,
        estimates=estimates.by_number,
        observed=None if estimates.observed_front == estimates.front else estimates.observed_front,
        notes=() if plan.latencies is None else tuple(plan.latencies.notes()),
        ended=driver.ended,
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
        },
        space=plan.space.settings(),
        title=plan.space.title,
        legend=plan.space.legend(),
        portraits={trial.number: plan.space.portrait(trial.candidate) for trial in driver.trials},
        data=plan.data.to_json(),
    )


def _publish(plan: Plan, driver: Driver, folder: OutputFolder) -> SearchResult:
    """Writes the report and the models of the front."""
    from nas.report import write_report

    result = _result(plan, driver)
    result = replace(result, weightless=folder.publish(result, plan.check_weights))
    for line in result.weightless_lines:
        tell(line)
    write_report(result, folder.path)
    return result


def _quiet() -> None:
    """Libraries keep to warnings: the search speaks for itself."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def make_parser(space: object = None) -> ArgumentParser:
    """The command line: one group of flags for each settings class.

    Args:
        space: Name of the space whose settings there are; the default one where there is none of this name.
    """
    from argparse import SUPPRESS, RawDescriptionHelpFormatter

    from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

    from nas.settings.configuration import config_names

    class Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
        """Keeps the lines of the description."""

    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        prog="run_search.py", description=DESCRIPTION, exit_on_error=False, formatter_class=Formatter
    )
    parser.add_argument(
        "--config", type=str, default=DEFAULT_CONFIG, help=f"Ready config ({', '.join(config_names())}) or a YAML file."
    )
    parser.add_argument("--output", type=str | None, help="Folder of study, report and models. Default: runs/CONFIG.")
    parser.add_argument("--device", type=str, default="auto", help="Where candidates are trained: auto, cpu or cuda.")
    parser.add_argument(
        "--dry_run", type=bool, default=False, help="Tell size, costs and time of the search, and train nothing."
    )
    chosen = space_class(space if space in SPACES else DEFAULT).settings_class
    for name, group in {"space": chosen, **GROUPS}.items():
        parser.add_class_arguments(group, name)
        # jsonargparse's own flag for a whole group; groups come from --config.
        parser._option_string_actions[f"--{name}"].help = SUPPRESS
    (named,) = (action for action in parser._actions if action.dest == "space.name")
    named.help = f"{named.help} One of {', '.join(SPACES)}."
    parser.usage = USAGE
    return parser


def read_settings(argv: Sequence[str]) -> tuple[Settings, bool]:
    """The settings of a command line, and whether only a dry run is asked for."""
    from nas.settings.configuration import Variants, parse
    from search_spaces.given_settings import foreign_fault

    def assemble(found: Any) -> Settings:
        output = f"runs/{Path(found.config).stem}" if found.output is None else found.output
        return Settings(device=found.device, output=output, space=found.space, **{name: found[name] for name in GROUPS})

    variants = Variants(key="space.name", parser=make_parser, foreign_fault=foreign_fault)
    found = parse(variants, argv, lambda whole: settings_faults(assemble(whole)), DEFAULT_CONFIG, OF_ONE_SPACE)
    return assemble(found), found.dry_run


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code.

    0: done; 1: every network failed, or an unforeseen error; 2: something that a person can mend; 3: done, and weights of a network
    of the front are missing; 130, 143 or 129: stopped by hand or by a signal.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    with sturdy_console(), ending_signals():
        try:
            return _answer(words)
        except KeyboardInterrupt:
            stop = asked_to_stop()
            tell(f"\n{stop or 'stopped'}; the same command continues what was begun")
            return INTERRUPTED if stop is None else stop.exit_code


def _answer(words: Sequence[str]) -> int:
    folder: Path | None = None
    try:
        settings, only_dry = read_settings(words)
        if only_dry:
            say(dry_run(settings))
            return 0
        folder = local_path(settings.output)
        return _run(settings)
    except AllFailedError as error:
        tell(f"error: {error}")
        return 1
    except NasError as error:
        tell(f"error: {error}")
        return 2
    except Exception as error:
        from nas.output.folder import is_begun
        from nas.watchers.crash_log import keep_crash

        begun = folder is not None and is_begun(folder)
        told = keep_crash(error, words, folder / "logs" if folder is not None and begun else None)
        tell(f"error: {told}{'; the same command continues what was begun' if begun else ''}")
        return 1


def _run(settings: Settings) -> int:
    from nas.report.console import front_lines

    report = local_path(settings.output) / "report.html"
    tell(f"{settings.data.name} -> {settings.output} (Ctrl-C stops, the same command continues)")
    try:
        result = run(settings)
    except (KeyboardInterrupt, CrashStreakError):
        if report.exists():
            tell(f"\nwhat is there so far: {report}")
        raise
    say(front_lines(result))
    if result.ended:
        tell(f"the search ended before all its trials: {result.ended}")
    tell(f"\nreport: {report}")
    return WEIGHTLESS if result.weightless else 0


if __name__ == "__main__":
    sys.exit(main())
