"""Everything a search depends on, and its parts made from that: data, space, costs, objectives. Nothing is trained here."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluator.cores import usable_cores
from evaluator.images.automatic import steps_per_epoch
from evaluator.settings import DataSettings, training_identity
from image_search.axes import Axes
from image_search.check import checked_networks
from image_search.settings import Settings
from nas.ports import WorkerSpec
from nas.settings.search import checkpoint_bytes
from search_spaces import space_for_workers

if TYPE_CHECKING:
    from evaluator.images.data import DataSummary, ImageSet
    from nas.candidate import Candidate
    from nas.cost_rule import CostRule
    from nas.dimensions import Genotype
    from nas.latency.book import LatencyBook
    from nas.latency.measurement import Latency
    from nas.objectives import Objective
    from nas.output.machine import Machine
    from nas.records import Trial
    from nas.search.problem import SearchProblem
    from nas.space import SearchSpace

LOCK_SECONDS = 600.0
"""Seconds that a measurement waits for trainings on the device, which give way between two steps."""
LATENCY = "latency"
"""The name of the cost that the latency book provides."""
NOT_OF_SPLIT = ("root", "cache", "flip", "crop_padding")
"""Settings of images on which neither the decoded images nor their split depend."""
MOST_NEW_COSTS = 16
"""Number of networks whose costs are counted for one proposal, at a tenth of a second each."""


class Plan:
    """The parts of a search, made from its settings: data, space, costs, objectives. Nothing is trained here."""

    def __init__(self, settings: Settings) -> None:
        from evaluator.device import resolve_device, resolve_execution
        from evaluator.images.data import load, training_images
        from evaluator.measuring.cost_table import CostTable
        from evaluator.training.losses import loss_factory
        from image_search.chosen import training_line, with_chosen
        from nas.seeds import derive_seed
        from search_spaces import compact, make_space

        self.device = resolve_device(settings.device)
        loss_factory(settings.train)  # a module that cannot be imported is reported before anything begins
        self.execution = resolve_execution(settings.train, self.device)
        self.split_seed = derive_seed(settings.search.seed, "split")
        self.images = training_images(settings.data)
        splits = load(settings.data, self.split_seed, self.images)
        self.data: DataSummary = splits.summary
        self.validation: ImageSet = splits.validation
        self.settings = with_chosen(settings, self.data)
        """The settings of the search, with numbers in the place of auto."""
        self.training_line = training_line(self.settings, self.data, chosen=settings.train.epochs is None)
        """A line that says how long a training is."""
        self.space: SearchSpace = make_space(
            settings.space, image_size=self.data.image_size, channels=self.data.channels, classes=self.data.classes
        )
        self.axes = Axes(settings.search, self.data.classes)
        self.exact_costs = CostTable(
            self.space.build,
            self.data.input_shape,
            self.axes.cost_names,
            deploy=compact,
            batch=settings.search.inference_batch,
        )
        self.latencies: LatencyBook | None = None
        """The latencies of the networks of this search; None where it does not ask for them."""

    @cached_property
    def count(self) -> CostRule:
        """The way in which costs are counted."""
        from evaluator.measuring.cost_table import VERSION
        from nas.cost_rule import CostRule

        return CostRule(costs=self.exact_costs, version=VERSION)

    def measure_latencies(self, path: Path) -> None:
        """If the search asks for latencies: measures random networks, which takes minutes, unless the file already has them.

        Raises:
            MeasurementError: The device is in use by others, or cannot be measured in this form.
            OutputError: The file cannot be written.
        """
        if not self.axes.measured:
            return
        import numpy as np

        from nas.latency.book import LatencyBook

        rng = np.random.default_rng(self.settings.search.seed)
        book = LatencyBook(path, self._measure_latency, self.count)
        book.calibrate(lambda: self.space.decode(self.problem.draw(rng)), self.settings.latency.networks)
        self.latencies = book
        _ = self.objectives  # a reference point may need further measurements; later other processes would disturb them

    def costs(self, candidate: Candidate) -> dict[str, float]:
        """Every cost of a candidate by objective name; the latency is a prediction until it is measured."""
        known = dict(self.exact_costs(candidate))
        return known if self.latencies is None else {**known, LATENCY: self.latencies.expected(candidate)}

    def measured_costs(self, candidate: Candidate) -> dict[str, float]:
        """The costs that are measured, on the untrained network."""
        return {} if self.latencies is None else {LATENCY: self.latencies.measure(candidate)}

    def _measure_latency(self, candidate: Candidate) -> tuple[Latency, ...]:
        """The latencies for one image and for the batch that counts."""
        import torch

        from evaluator.measuring.exclusive import measure_alone
        from evaluator.measuring.timing import TimeBudget
        from search_spaces import compact

        settings = self.settings.latency
        torch.manual_seed(self.settings.search.seed)
        return measure_alone(
            compact(self.space.build(candidate)),
            self.data.input_shape[1:],
            batches=tuple(sorted({1, self.settings.search.inference_batch})),
            form=settings.form,
            execution=self.execution,
            threads=self.threads,
            accept_disturbed=settings.accept_disturbed,
            wait_seconds=LOCK_SECONDS,
            budget=TimeBudget(warm_up_seconds=0.15, seconds=0.4, least_runs=20),
        )

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The axes of the front, the learned one first."""
        return self.axes.objectives(lambda name: 2 * self.largest_known_cost(name))

    @property
    def quantities(self) -> tuple[Objective, ...]:
        """All quantities that are reported of a candidate, in the order of tables."""
        return self.axes.quantities(self.objectives)

    def largest_known_cost(self, name: str) -> float:
        """The largest value of a cost among the known candidates; a latency is measured.

        Raises:
            RuntimeError: The cost is a latency, and `measure_latencies` was not called.
        """
        if name in self.axes.measured and self.latencies is None:
            raise RuntimeError(f"the reference of {name} takes measurements: call measure_latencies first")
        known = self.known_candidates.values()
        return max({**self.costs(each), **self.measured_costs(each)}[name] for each in known)

    @cached_property
    def known_candidates(self) -> dict[str, Candidate]:
        """The baselines by name; if the space has none, 16 random networks from a fixed seed."""
        import numpy as np

        rng = np.random.default_rng(0)
        genotypes = self.space.baselines() or {f"random network {n}": self.problem.draw(rng) for n in range(16)}
        return {name: self.space.decode(genotype) for name, genotype in genotypes.items()}

    @cached_property
    def machine(self) -> Machine:
        """Hardware and libraries of this process, and how workers use them."""
        from evaluator.machine import this_machine

        return this_machine(self.threads, self.execution)

    @cached_property
    def problem(self) -> SearchProblem:
        """The search as samplers see it."""
        from nas.search.problem import SearchProblem

        return SearchProblem(
            space=self.space,
            costs=self.costs,
            limits=self.axes.limits,
            seed=self.settings.search.seed,
            known=self.axes.costs,
            measure=self.measured_costs,
            quantities=self.axes.declared,
            unchanged_share=self.settings.search.unchanged_share,
            most_new_costs=MOST_NEW_COSTS,
        )

    @cached_property
    def given(self) -> dict[str, Genotype]:
        """The genotypes to train first, by name."""
        from nas.study.warm_start import warm_start

        path = self.settings.search.warm_start
        return {} if path is None else warm_start(path, self.space)

    @property
    def recounted_given(self) -> list[str]:
        """At most one line, which says how the costs of these candidates have changed."""
        from nas.study.warm_start import recounted

        path = self.settings.search.warm_start
        return [] if path is None else recounted(path, self.count, self.axes.declared)

    def refuse_impossible(self) -> None:
        """Raises a SettingsError if no network of the space can meet the limits, or the warm start belongs to another space."""
        from nas.search.limits import check_limits

        # Without measurements, as in a dry run, nothing is known of latencies.
        unknown = self.axes.measured if self.latencies is None else frozenset()
        known = {name: limit for name, limit in self.axes.limits.items() if name not in unknown}
        check_limits(replace(self.problem, limits=known))
        _ = self.given

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that define the study. Another machine or more workers do not change them."""
        groups = {
            "space": self.space.settings(),
            "data": self.data.identity,
            "train": training_identity(self.settings.train),
            "search": {
                "seed": self.settings.search.seed,
                "objectives": ",".join(self.axes.names),
                **{f"max_{name}": limit for name, limit in self.axes.limits.items()},
                **({"inference_batch": self.settings.search.inference_batch} if self.axes.depends_on_batch else {}),
            },
            "latency": {"form": self.settings.latency.form} if self.axes.measured else {},
        }
        # These stand behind the fingerprint of the images, and are named where that differs.
        images = asdict(self.resolved_data)
        groups["told.data"] = {name: value for name, value in images.items() if name not in NOT_OF_SPLIT}
        flat = {f"{group}.{key}": value for group, values in groups.items() for key, value in values.items()}
        return dict(json.loads(json.dumps(flat)))

    @property
    def space_settings(self) -> dict[str, Any]:
        """The space's settings with its defaults filled in."""
        names = {field.name for field in fields(self.settings.space)}
        return {name: value for name, value in self.space.settings().items() if name in names}

    @property
    def resolved_data(self) -> DataSettings:
        """The settings of the images with open choices filled in."""
        return replace(
            self.settings.data,
            image_size=self.data.image_size,
            flip=self.data.flip,
            crop_padding=None if self.data.resized_crop else self.data.crop_padding,
        )

    @property
    def resolved(self) -> Settings:
        """The settings with open choices filled in; read back, they make the same search."""
        return replace(
            self.settings,
            device=self.device.type,
            data=self.resolved_data,
            search=replace(self.axes.resolved(self.objectives), workers=self.workers),
            train=replace(
                self.settings.train, precision=self.execution.precision, channels_last=self.execution.channels_last
            ),
        )

    @property
    def epochs(self) -> int:
        """Number of epochs of a full training."""
        assert self.settings.train.epochs is not None
        return self.settings.train.epochs

    @property
    def steps(self) -> int:
        """Number of training steps of a candidate."""
        return steps_per_epoch(self.data.train, self.settings.train.batch_size) * self.epochs

    @property
    def workers(self) -> int:
        """Number of candidates trained at the same time."""
        if self.settings.search.workers is not None:
            return self.settings.search.workers
        return max(1, usable_cores() // self.settings.train.threads) if self.device.type == "cpu" else 1

    @property
    def threads(self) -> int:
        """Number of CPU threads of one training: as many as the cores that Ray gives it."""
        cores = self.settings.ray.cpus_per_trial if self.settings.search.engine == "ray" else None
        return self.settings.train.threads if cores is None else max(1, int(cores))

    @property
    def on_cluster(self) -> bool:
        """Whether trainings may run on other machines."""
        return self.settings.search.engine == "ray" and self.settings.ray.address is not None

    def check_weights(self, folder: Path, trial: Trial) -> None:
        """Refuses, with an OutputError, weights that are not whole or do not belong to a trial's network."""
        from search_spaces.stored_model import check_model

        check_model(folder, trial.candidate, self.space.settings())

    def worker_spec(self, checkpoints: Path) -> WorkerSpec:
        """How a worker process makes its evaluator."""
        return WorkerSpec(
            factory="image_search.worker:make_evaluator",
            arguments={
                "space": space_for_workers(self.space),
                "data": asdict(self.settings.data),
                "train": asdict(replace(self.settings.train, threads=self.threads)),
                "images": self.images.description.to_json(),
                "check": checked_networks(self) if self.on_cluster else None,
                "evaluator": {
                    "device": self.device.type,
                    "checkpoints": str(checkpoints),
                    "split_seed": self.split_seed,
                    "fingerprint": self.data.fingerprint,
                    "checkpoint_bytes": checkpoint_bytes(self.settings.search),
                    "shares_device": bool(self.axes.measured),
                    "learned": self.axes.learned,
                },
            },
            arrays={"images": self.images.images, "labels": self.images.labels},
        )
