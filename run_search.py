"""Searches how small convolutional networks mix their channels: accuracy against FLOPs, as a Pareto front.

The composition root: reads settings, wires the engine (`nas`) to what is built (`search_spaces`) and what trains it
(`evaluator`). From Python or a notebook:

    from run_search import Settings, search
    front = search(Settings(output="runs/mine"))
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluator.cores import usable_cores
from evaluator.settings import DataSettings, TrainSettings
from nas import ParetoFront
from nas.engines.ray_tune.settings import RaySettings, ray_faults
from nas.errors import AllFailedError, NasError, SettingsError, unknown_name
from nas.objectives import Objective, accuracy_objective, cost_objective
from nas.ports import Evaluator, WorkerSpec
from nas.settings import LogSettings, SearchSettings, checkpoint_bytes, objective_names
from search_spaces.settings import SpaceSettings

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from evaluator.data import DataSummary
    from nas.dimensions import Genotype
    from nas.driver import Driver
    from nas.engines.local import LocalEngine
    from nas.engines.ray_tune.engine import RayEngine
    from nas.output import OutputFolder
    from nas.result import SearchResult
    from nas.samplers.context import SamplerContext
    from nas.space import SearchSpace
    from nas.study import Study

DESCRIPTION = """\
Searches channel-mixing networks on your images and returns a Pareto front of accuracy against FLOPs.

  run_search.py                                       the quickstart: digits, about a minute on 2 cores
  run_search.py --config cifar10 --output runs/c10    a ready config; see --config
  run_search.py --data.name photos/ --dry_run        what a search of your own images would cost

The same command again continues a search: ask for more with a larger --search.trials."""

USAGE = "%(prog)s [--config NAME|FILE] [--output DIR] [--GROUP.SETTING VALUE ...] [--device auto|cpu|cuda] [--dry_run]"
DEFAULT_CONFIG = "quickstart"
OF_ONE_SPACE = {"space.name": ("space.widths", "space.units", "space.pointwise", "space.conv_groups")}
GROUPS = {
    "space": SpaceSettings,
    "data": DataSettings,
    "search": SearchSettings,
    "train": TrainSettings,
    "ray": RaySettings,
    "log": LogSettings,
}
DEVICES = ("auto", "cpu", "cuda")
INTERRUPTED = 130
MOST_NEW_COSTS = 16
"""Networks whose costs are counted for one proposal: a tenth of a second each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a search depends on."""

    space: SpaceSettings = field(default_factory=SpaceSettings)
    data: DataSettings = field(default_factory=DataSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    ray: RaySettings = field(default_factory=RaySettings)
    """How `--search.engine ray` trains candidates."""
    log: LogSettings = field(default_factory=LogSettings)
    device: str = "auto"
    """Where candidates are trained: auto, cpu or cuda."""
    output: str = "runs/search"
    """Folder of the study, the report and the models."""


class Plan:
    """Settings made into the parts of a search: data, space, costs, objectives. Trains nothing."""

    def __init__(self, settings: Settings) -> None:
        from evaluator.cost_table import CostTable
        from evaluator.data import load, training_images
        from evaluator.device import resolve_device, resolve_execution
        from nas.seeds import derive_seed
        from search_spaces import make_space

        self.settings = settings
        self.device = resolve_device(settings.device)
        self.execution = resolve_execution(settings.train, self.device)
        self.split_seed = derive_seed(settings.search.seed, "split")
        self.images = training_images(settings.data)
        self.data: DataSummary = load(settings.data, self.split_seed, self.images).summary
        self.space: SearchSpace = make_space(
            settings.space, image_size=self.data.image_size, channels=self.data.channels, classes=self.data.classes
        )
        self.costs = CostTable(self.space.build, self.data.input_shape)

    @property
    def limits(self) -> dict[str, float]:
        """Largest allowed cost by objective name."""
        search = self.settings.search
        limits = {"macs": search.max_macs, "params": search.max_params}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The axes of the front, accuracy first."""
        search = self.settings.search
        references = {"macs": search.reference_macs, "params": search.reference_params}
        axes = [accuracy_objective(self.data.classes)]
        for name in (name for name in objective_names(search.objectives) if name != "accuracy"):
            given = references[name]
            axes.append(cost_objective(name, 2 * self.largest_known_cost(name) if given is None else given))
        return tuple(axes)

    def largest_known_cost(self, name: str) -> float:
        """Of the baselines; where the space has none, of 16 networks drawn at random with a fixed seed."""
        import numpy as np

        rng = np.random.default_rng(0)
        genotypes = list(self.space.baselines().values()) or [self.context.draw(rng) for _ in range(16)]
        return max(self.costs(self.space.decode(genotype))[name] for genotype in genotypes)

    @cached_property
    def context(self) -> SamplerContext:
        """The search as samplers see it."""
        from nas.samplers.context import SamplerContext

        return SamplerContext(
            space=self.space,
            costs=self.costs,
            limits=self.limits,
            seed=self.settings.search.seed,
            known=tuple(name for name in objective_names(self.settings.search.objectives) if name != "accuracy"),
            most_new_costs=MOST_NEW_COSTS,
        )

    @cached_property
    def given(self) -> dict[str, Genotype]:
        """Candidates to begin with, by name."""
        from nas.warm_start import warm_start

        path = self.settings.search.warm_start
        return {} if path is None else warm_start(path, self.space)

    def refuse_impossible(self) -> None:
        """Raises a SettingsError if no network of the space can meet the limits, or the warm start is of another space."""
        from nas.limits import check_limits

        check_limits(self.context)
        _ = self.given

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that give the study its meaning; another machine or more workers do not change it."""
        machine = ("threads", "precision", "channels_last", "memory_gb")
        train = {key: value for key, value in asdict(self.settings.train).items() if key not in machine}
        groups = {
            "space": self.space.settings(),
            "data": {"fingerprint": self.data.fingerprint, "flip": self.data.flip,
                     "crop_padding": self.data.crop_padding, "resized_crop": self.data.resized_crop},
            "train": train,
            "search": {
                "seed": self.settings.search.seed,
                "objectives": ",".join(objective.name for objective in self.objectives),
                **{f"max_{name}": limit for name, limit in self.limits.items()},
            },
        }  # fmt: skip
        flat = {f"{group}.{key}": value for group, values in groups.items() for key, value in values.items()}
        return dict(json.loads(json.dumps(flat)))

    @property
    def space_settings(self) -> dict[str, Any]:
        """The space's settings with its defaults filled in."""
        names = {field.name for field in fields(SpaceSettings)}
        return {name: value for name, value in self.space.settings().items() if name in names}

    @property
    def resolved(self) -> Settings:
        """The settings with what was left to choose filled in; read back, they make the same search."""
        references = {objective.name: objective.reference for objective in self.objectives}
        return replace(
            self.settings,
            device=self.device.type,
            data=replace(
                self.settings.data,
                image_size=self.data.image_size,
                flip=self.data.flip,
                crop_padding=None if self.data.resized_crop else self.data.crop_padding,
            ),
            search=replace(
                self.settings.search,
                workers=self.workers,
                reference_macs=references.get("macs"),
                reference_params=references.get("params"),
            ),
            train=replace(
                self.settings.train, precision=self.execution.precision, channels_last=self.execution.channels_last
            ),
        )

    @property
    def steps(self) -> int:
        """Training steps of a candidate."""
        train = self.settings.train
        return max(self.data.train // train.batch_size, 1) * train.epochs

    @property
    def workers(self) -> int:
        """Candidates trained at the same time."""
        if self.settings.search.workers is not None:
            return self.settings.search.workers
        return max(1, usable_cores() // self.settings.train.threads) if self.device.type == "cpu" else 1

    @property
    def threads(self) -> int:
        """Of one training: as many as Ray gives it cores."""
        cores = self.settings.ray.cpus_per_trial if self.settings.search.engine == "ray" else None
        return self.settings.train.threads if cores is None else max(1, int(cores))

    def worker_spec(self, checkpoints: Path) -> WorkerSpec:
        """How a worker process makes its evaluator."""
        return WorkerSpec(
            factory="run_search:make_evaluator",
            arguments={
                "space": self.space.settings(),
                "data": asdict(self.settings.data),
                "train": asdict(replace(self.settings.train, threads=self.threads)),
                "device": self.device.type,
                "checkpoints": str(checkpoints),
                "split_seed": self.split_seed,
                "fingerprint": self.data.fingerprint,
                "checkpoint_bytes": checkpoint_bytes(self.settings.search),
                "images": self.images.description.to_json(),
            },
            arrays={"images": self.images.images, "labels": self.images.labels},
        )


def make_evaluator(
    space: Mapping[str, Any],
    data: Mapping[str, Any],
    train: Mapping[str, Any],
    device: str,
    checkpoints: str,
    split_seed: int,
    fingerprint: str,
    checkpoint_bytes: int | None = None,
    images: Mapping[str, Any] | None = None,
    arrays: Mapping[str, Any] | None = None,
) -> Evaluator:
    """The evaluator of a worker process, from plain JSON, and from the decoded images where the engine shares them."""
    from evaluator.cache import SetDescription
    from evaluator.data import TrainingImages
    from evaluator.worker import TrainingEvaluator
    from search_spaces import space_from_json

    return TrainingEvaluator(
        space_from_json(space).build,
        DataSettings(**data),
        TrainSettings(**train),
        device=device,
        checkpoints=checkpoints,
        split_seed=split_seed,
        fingerprint=fingerprint,
        checkpoint_bytes=checkpoint_bytes,
        images=TrainingImages(**arrays, description=SetDescription.from_json(images)) if arrays and images else None,
    )


def search(settings: Settings) -> ParetoFront:
    """Runs a search, or continues the one in `settings.output`, and writes its report there.

    Returns:
        The front over the trials complete at full budget.

    Raises:
        NasError: Something in the settings, the data or the output folder is not as it must be; nothing is overwritten.
        AllFailedError: Every candidate failed.
        KeyboardInterrupt: Stopped by hand; the report of what is there has been written.
    """
    return run(settings).front


def run(settings: Settings) -> SearchResult:
    """As `search`, but returns everything the report is made of."""
    from nas.assembly import make_driver
    from nas.event_log import EventLog
    from nas.gpu_use import GpuUse
    from nas.output import ModelKeeper, OutputFolder
    from nas.progress import ProgressDisplay
    from nas.report.estimate import thin_data_warnings

    _check(settings)
    _quiet()
    with OutputFolder(Path(settings.output)) as folder:
        plan = Plan(settings)
        plan.refuse_impossible()
        for warning in thin_data_warnings(plan.data.to_json(), plan.steps):
            print(warning, file=sys.stderr)
        study = study_of(plan, folder)
        driver = make_driver(
            settings.search,
            study,
            plan.context,
            settings.train.epochs,
            given=plan.given,
            max_losses=settings.ray.max_failures,
        )
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
                engine.run(driver, lambda: [watch() for watch in (*watchers, study.renew)])
        finally:
            result = _publish(plan, driver, folder)
            study.close()
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
    from nas.growth import open_study
    from nas.storage import close_storage, open_storage, sqlite_url

    search = plan.settings.search
    # A file in the folder keeps its name when the folder is moved; in a storage with other studies the folder's name tells.
    own_name = "search" if search.storage is None else folder.path.resolve().name
    storage = open_storage(search.storage or sqlite_url(folder.database))
    try:
        return open_study(
            storage,
            search.study or own_name,
            plan.objectives,
            plan.identity,
            plan.context,
            lambda text: print(text, file=sys.stderr),
        )
    except BaseException:
        close_storage(storage)
        raise


def _publish(plan: Plan, driver: Driver, folder: OutputFolder) -> SearchResult:
    """Writes the report and the models of the front."""
    from nas.estimates import Estimates
    from nas.provenance import provenance
    from nas.report import write_report
    from nas.result import SearchResult

    estimates = Estimates(plan.space, plan.objectives, driver.trials)
    result = SearchResult(
        trials=driver.trials,
        objectives=plan.objectives,
        front=estimates.front,
        estimates=estimates.by_number,
        observed=None if estimates.observed_front == estimates.front else estimates.observed_front,
        ended=driver.ended,
        settings={**settings_json(plan.resolved), "space": plan.space_settings},
        provenance={
            **provenance(),
            "device": plan.device.type,
            "workers": plan.workers,
            "seed": plan.settings.search.seed,
            "data_fingerprint": plan.data.fingerprint,
        },
        space=plan.space.settings(),
        data=plan.data.to_json(),
    )
    missing = folder.publish(result)
    if missing:
        numbers = ", ".join(map(str, missing))
        print(f"models of trials {numbers} are not here: they were trained into another output folder", file=sys.stderr)
    write_report(result, folder.path)
    return result


def settings_json(settings: Settings) -> dict[str, Any]:
    """All settings as plain JSON, a storage's password left out: what `--config` takes back."""
    from nas.storage import redact

    plain: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    if settings.search.storage is not None:
        plain["search"]["storage"] = redact(settings.search.storage)
    return plain


def dry_run(settings: Settings) -> str:
    """The space's size, the baselines' costs and an estimate of the time, in words.

    Trains nothing, and writes nothing but the image cache.
    """
    from evaluator.probe import step_seconds
    from nas.report.estimate import BaselineEstimate, estimate_text

    _check(settings)
    plan = Plan(settings)
    plan.refuse_impossible()
    train = plan.settings.train
    baselines = []
    for name, genotype in plan.space.baselines().items():
        candidate = plan.space.decode(genotype)
        seconds = step_seconds(
            plan.space.build(candidate), plan.data.input_shape, plan.data.classes, train, plan.device.type
        )
        baselines.append(BaselineEstimate(name=name, step_seconds=seconds, **plan.costs(candidate)))
    return estimate_text(
        data=plan.data.to_json(),
        space=plan.space,
        baselines=baselines,
        trials=settings.search.trials,
        epochs=train.epochs,
        batch_size=train.batch_size,
        workers=plan.workers,
        device=plan.device.type,
    )


def _check(settings: Settings) -> None:
    faults = settings_faults(settings)
    if faults:
        raise SettingsError("\n  ".join(["settings are wrong:", *faults]))


def settings_faults(settings: Settings) -> list[str]:
    """Every setting out of range, in words."""
    from evaluator.settings import data_faults, train_faults
    from nas.settings import contradictions, search_faults
    from search_spaces import setting_faults

    return [
        *setting_faults(settings.space),
        *data_faults(settings.data),
        *search_faults(settings.search),
        *train_faults(settings.train),
        *ray_faults(settings.ray),
        *contradictions(settings.search, settings.train.epochs),
        *(["--device: " + unknown_name("device", settings.device, DEVICES)] if settings.device not in DEVICES else []),
    ]


def _quiet() -> None:
    """Libraries keep to warnings: the search speaks for itself."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def make_parser() -> ArgumentParser:
    """The command line: one group of flags a settings class."""
    from argparse import SUPPRESS, RawDescriptionHelpFormatter

    from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

    from nas.configuration import config_names

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
    for name, group in GROUPS.items():
        parser.add_class_arguments(group, name)
        # jsonargparse's own flag for a whole group; groups come from --config.
        parser._option_string_actions[f"--{name}"].help = SUPPRESS
    parser.usage = USAGE
    return parser


def read_settings(argv: Sequence[str]) -> tuple[Settings, bool]:
    """The settings of a command line, and whether only a dry run is asked for."""
    from nas.configuration import parse

    def assemble(found: Any) -> Settings:
        output = found.output or f"runs/{Path(found.config).stem}"
        return Settings(device=found.device, output=output, **{name: found[name] for name in GROUPS})

    found = parse(make_parser(), argv, lambda whole: settings_faults(assemble(whole)), DEFAULT_CONFIG, OF_ONE_SPACE)
    return assemble(found), found.dry_run


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    try:
        settings, only_dry = read_settings(sys.argv[1:] if argv is None else argv)
        if only_dry:
            print(dry_run(settings))
            return 0
        return _run(settings)
    except KeyboardInterrupt:
        print("\nstopped; the same command continues what was begun", file=sys.stderr)
        return INTERRUPTED
    except AllFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except NasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(settings: Settings) -> int:
    from nas.report.console import front_lines

    report = Path(settings.output) / "report.html"
    print(f"{settings.data.name} -> {settings.output} (Ctrl-C stops, the same command continues)", file=sys.stderr)
    try:
        result = run(settings)
    except KeyboardInterrupt:
        if report.exists():
            print(f"\nwhat is there so far: {report}", file=sys.stderr)
        raise
    print(front_lines(result))
    if result.ended:
        print(f"the search ended before all its trials: {result.ended}", file=sys.stderr)
    print(f"\nreport: {report}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
