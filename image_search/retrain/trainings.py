"""The trainings that a command asks for: each network in each way, with each seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_search.retrain.options import NONE, SELF, Options
from image_search.retrain.teachers import GivenTeacher
from nas.budget import Budget
from nas.records import Task
from nas.retraining.networks import Network
from nas.retraining.results import NO_TEACHER
from nas.retraining.training import PlannedTraining
from nas.seeds import derive_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of training: with no teacher, or with one."""

    name: str
    """What a person called the teacher."""
    lesson: Mapping[str, Any]
    """What distinguishes the lesson, as plain JSON; empty without a teacher."""

    @property
    def words(self) -> str:
        """The way in words."""
        if not self.lesson:
            return NO_TEACHER
        form, temperature = self.lesson["form"], self.lesson["temperature"]
        return f"{Path(self.name).name}, {form}, temperature {temperature:g}, weight {self.lesson['weight']:g}" + (
            f", beta {self.lesson['beta']:g}" if form == "dkd" else ""
        )

    @property
    def suffix(self) -> str:
        """A part of a file name."""
        if not self.lesson:
            return ""
        digest = hashlib.sha256(json.dumps(self.lesson, sort_keys=True).encode()).hexdigest()[:6]
        return f"-{self.lesson['form']}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A network, a way, and the numbers of its trainings by seed."""

    name: str
    network: Network
    way: Way
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """All trainings that a command asks for."""

    planned: tuple[PlannedTraining, ...]
    groups: tuple[Group, ...]
    lessons: Mapping[str, Mapping[str, Any]]
    """What is known of each training's lesson, by the training's name."""
    teachers: Mapping[str, Mapping[str, Any]]
    """How a worker makes each teacher, by its key."""


class TrainingList:
    """Makes the list.

    Args:
        options: What the command was told.
        root_seed: Seed of the search, from which those of the trainings are derived.
        common: What distinguishes all trainings from those of another run, as plain JSON.
        checkpoints: Folder of the trainings.
    """

    def __init__(self, options: Options, root_seed: int, common: Mapping[str, Any], checkpoints: Path) -> None:
        self._options = options
        self._root_seed = root_seed
        self._common = common
        self._checkpoints = checkpoints
        self._planned: list[PlannedTraining] = []
        self._groups: list[Group] = []
        self._lessons: dict[str, Mapping[str, Any]] = {}
        self._teachers: dict[str, Mapping[str, Any]] = {}

    def make(
        self, networks: Sequence[Network], largest: Network | None, given: Mapping[str, GivenTeacher]
    ) -> Trainings:
        """The trainings of these networks.

        Args:
            networks: The networks.
            largest: The network that teaches where a person has asked for `self`.
            given: The other teachers by the name that a person has given.
        """
        for name in self._options.teachers:
            after = None
            if name == NONE:
                way = Way(name=name, lesson={})
            elif name == SELF:
                assert largest is not None
                after = self._add(largest, Way(name=NONE, lesson={}), seeds=1).numbers[0]
                first = self._planned[after]
                way = self._way(name, f"self:{first.name}")
                self._teachers[way.lesson["teacher"]] = {
                    "form": SELF,
                    "path": str(self._checkpoints / first.name / "weights.pt"),
                    "candidate": largest.candidate.to_json(),
                }
            else:
                way = self._way(name, given[name].key)
                self._teachers[given[name].key] = given[name].to_json()
            for network in networks:
                self._add(network, way, seeds=self._options.seeds, after=after)
        return Trainings(
            planned=tuple(self._planned), groups=tuple(self._groups), lessons=self._lessons, teachers=self._teachers
        )

    def _way(self, name: str, key: str) -> Way:
        options = self._options
        lesson = {
            "form": options.form,
            "temperature": options.temperature,
            "weight": options.share,
            **({"beta": options.beta} if options.form == "dkd" else {}),
            "teacher": key,
        }
        return Way(name=name, lesson=lesson)

    def _add(self, network: Network, way: Way, *, seeds: int, after: int | None = None) -> Group:
        """Adds the trainings of a network in one way."""
        epochs = self._options.epochs
        name = f"{network.name}-{epochs}epochs{way.suffix}"
        numbers = []
        for index in range(seeds):
            number = len(self._planned)
            numbers.append(number)
            seed = derive_seed(self._root_seed, "retraining", index)
            task = Task(trial=number, candidate=network.candidate, budget=Budget(epochs=epochs), seed=seed)
            identity = {
                **self._common,
                "digest": network.candidate.digest,
                "epochs": epochs,
                "seed": seed,
                "lesson": dict(way.lesson),
            }
            training = PlannedTraining(name=f"{name}-seed{index}", task=task, identity=identity, after=after)
            self._planned.append(training)
            self._lessons[training.name] = way.lesson
        group = Group(name=name, network=network, way=way, numbers=tuple(numbers))
        self._groups.append(group)
        return group
