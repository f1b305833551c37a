"""Opens the test images once all trainings have ended, and keeps what is measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from image_search.plan import Plan
from image_search.retrain.folder import RetrainedFolder
from image_search.retrain.models import digest_of, write_model
from image_search.retrain.trainings import Group, Trainings
from nas.records import Evaluation, Failure, Measurement, Outcome
from nas.retraining.openings import Model, Openings
from nas.retraining.results import Entry, Retrained, read_retrained
from nas.retraining.training import PlannedTraining
from nas.search.result import SearchResult
from nas.values.plausible import RefusedNumberError
from nas.watchers.console import tell

if TYPE_CHECKING:
    from torch import nn

Named = Mapping[str, Measurement]
NOT_FINITE = "invalid: its test values are no finite numbers"


class Figures:
    """The test figures of a list of trainings.

    Args:
        plan: The parts of the search.
        folder: Where trainings and figures are kept.
        trainings: The trainings.
    """

    def __init__(self, plan: Plan, folder: RetrainedFolder, trainings: Trainings) -> None:
        self._plan = plan
        self._folder = folder
        self._trainings = trainings
        self._openings: Openings = folder.openings()

    def are_there(self, training: PlannedTraining) -> bool:
        """Whether a training need not be done again: its weights are there, or its figures."""
        return self._openings.figures(training.name) is not None or self._folder.weights(training).is_file()

    def of(self, outcomes: Mapping[int, Outcome], result: SearchResult) -> Retrained:
        """Measures what was not measured before, and returns and writes all figures of the run.

        Raises:
            NasError: The images or a network cannot be read, or a file cannot be written.
        """
        self._measure([number for number, outcome in sorted(outcomes.items()) if isinstance(outcome, Evaluation)])
        entries = [self._entry(group, outcomes, result) for group in self._trainings.groups]
        before = read_retrained(self._folder.output)
        count, images = self._openings.count, self._plan.data.test
        whole = before or Retrained(entries=(), openings=count, test_images=images)
        whole = whole.with_entries(entries, openings=count)
        whole.write(self._folder.output)
        return whole

    def _measure(self, numbers: list[int]) -> None:
        """Opens the test images for those of the trainings without figures; not at all if all have theirs."""
        planned = self._trainings.planned
        missing = [number for number in numbers if self._openings.figures(planned[number].name) is None]
        if not missing:
            return
        models = {number: self._model(planned[number]) for number in missing}
        self._openings.open(list(models.values()))
        from evaluator.testing import TestImages

        plan = self._plan
        tell(f"test        {plan.data.test:,} images are opened, for {len(missing)} networks")
        images = TestImages(plan.settings.data, plan.settings.train, plan.device.type, plan.data)
        for number, model in models.items():
            training = planned[number]
            try:
                found = images.measure(self._network(training), plan.axes.learned)
            except RefusedNumberError as error:
                tell(f"{training.name} cannot be measured: {error}")
                found = {}
            self._openings.keep(model, found)

    def _model(self, training: PlannedTraining) -> Model:
        return Model(
            training=training.name,
            digest=training.task.candidate.digest,
            seed=int(training.name.rpartition("-seed")[2]),
            weights=digest_of(self._folder.weights(training)),
        )

    def _network(self, training: PlannedTraining) -> nn.Module:
        """The trained network."""
        import torch

        network: nn.Module = self._plan.space.build(training.task.candidate)
        network.load_state_dict(torch.load(self._folder.weights(training), map_location="cpu", weights_only=True))
        return network

    def _entry(self, group: Group, outcomes: Mapping[int, Outcome], result: SearchResult) -> Entry:
        """What is known of a network and a way, whose model is written as well."""
        values: dict[int, Named] = {}
        failures: dict[int, str] = {}
        costs = dict(group.network.costs)
        first: PlannedTraining | None = None
        for seed, number in enumerate(group.numbers):
            training, outcome = self._trainings.planned[number], outcomes[number]
            if isinstance(outcome, Failure):
                failures[seed] = f"{outcome.kind.value}: {outcome.message}"
                continue
            found = self._openings.figures(training.name)
            if not found:
                failures[seed] = NOT_FINITE
                continue
            values[seed] = found
            if first is None:
                first = training
                decided = {name: one.mean for name, one in outcome.measurements.items()}
                costs |= {name: value for name, value in decided.items() if name in costs}
        entry = Entry(
            name=group.name,
            network=group.network,
            epochs=self._trainings.planned[group.numbers[0]].task.budget.epochs,
            teacher=group.way.words,
            values=values,
            failures=failures,
            costs=costs,
        )
        if first is not None and self._folder.weights(first).is_file():
            self._write_model(entry, first, result)
        return entry

    def _write_model(self, entry: Entry, first: PlannedTraining, result: SearchResult) -> None:
        """Writes the network with the first seed; which one is deployed is not chosen by the test images."""
        data = replace(self._plan.data, train=self._plan.data.train + self._plan.data.validation, validation=0)
        told = {"training": first.name, "epochs": entry.epochs, "teacher": entry.teacher, "seed": first.task.seed}
        write_model(
            self._folder.models / entry.name,
            self._folder.weights(first),
            entry.network,
            result.space,
            data.to_json(),
            told,
        )
