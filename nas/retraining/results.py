"""What is known of the networks that were trained anew, as one file that every report of the run reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.errors import OutputError
from nas.output.atomic_file import json_bytes, write_atomically
from nas.records import Measurement
from nas.retraining.networks import Network
from nas.values.json_fields import MalformedError, entry, mapping, numbers, sequence, text, whole
from nas.values.json_file import read_json

FOLDER, FILE = "retrained", "results.json"
NO_TEACHER = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A network with one way of training it, in which it was trained with several seeds."""

    name: str
    """The name of the entry, unique within the run; it names the folder of its model."""
    network: Network
    epochs: int
    teacher: str = NO_TEACHER
    """In words, the teacher and how it taught; `NO_TEACHER` without one."""
    values: Mapping[int, Mapping[str, Measurement]] = field(default_factory=dict)
    """Test measures by name, by the number of the seed."""
    failures: Mapping[int, str] = field(default_factory=dict)
    """Why a training gave no network, by the number of the seed."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Costs by name of the network that is deployed."""

    @property
    def way(self) -> tuple[int, str]:
        """How it was trained; networks are compared with each other only if this is the same."""
        return self.epochs, self.teacher

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {
            "name": self.name,
            "network": self.network.to_json(),
            "epochs": self.epochs,
            "teacher": self.teacher,
            "values": {
                str(seed): {name: measurement.to_json() for name, measurement in found.items()}
                for seed, found in self.values.items()
            },
            "failures": {str(seed): reason for seed, reason in self.failures.items()},
            "costs": dict(self.costs),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """The entry that `to_json` wrote.

        Raises:
            MalformedError: The data are not those of an entry.
        """
        what = "an entry"
        data = mapping(data, what)
        return cls(
            name=text(entry(data, "name", what), "an entry's name"),
            network=Network.from_json(entry(data, "network", what)),
            epochs=whole(entry(data, "epochs", what), "an entry's epochs", 1),
            teacher=text(entry(data, "teacher", what), "an entry's teacher"),
            values={
                _seed(seed): {name: Measurement.from_json(value) for name, value in mapping(found, what).items()}
                for seed, found in mapping(entry(data, "values", what), "an entry's values").items()
            },
            failures={
                _seed(seed): text(reason, "an entry's failure")
                for seed, reason in mapping(entry(data, "failures", what), "an entry's failures").items()
            },
            costs=numbers(entry(data, "costs", what), "an entry's costs"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """All networks of a run that were trained anew and measured on the test images."""

    entries: tuple[Entry, ...]
    openings: int
    """How often the test images were opened."""
    test_images: int

    def with_entries(self, more: Iterable[Entry], *, openings: int) -> Retrained:
        """With these entries too, in the place of earlier ones of the same names."""
        found = {one.name: one for one in self.entries} | {one.name: one for one in more}
        return Retrained(entries=tuple(found.values()), openings=openings, test_images=self.test_images)

    def write(self, output: Path) -> None:
        """Writes the file into the output folder of a run.

        Raises:
            OutputError: The file cannot be written.
        """
        body = {
            "openings": self.openings,
            "test_images": self.test_images,
            "entries": [one.to_json() for one in self.entries],
        }
        write_atomically(output / FOLDER / FILE, json_bytes(body))


def read_retrained(output: Path) -> Retrained | None:
    """What `Retrained.write` wrote into the output folder of a run; None if nothing was trained anew there.

    Raises:
        OutputError: The file cannot be read, or is not one of these.
    """
    path = output / FOLDER / FILE
    try:
        data = mapping(read_json(path), str(path))
        return Retrained(
            entries=tuple(Entry.from_json(one) for one in sequence(entry(data, "entries", "it"), "its entries")),
            openings=whole(entry(data, "openings", "it"), "its openings"),
            test_images=whole(entry(data, "test_images", "it"), "its test_images"),
        )
    except FileNotFoundError:
        return None
    except MalformedError as error:
        raise OutputError(f"{path} is broken: {error}; without it, the same retrain command makes it again") from error


def _seed(name: str) -> int:
    if not name.isdecimal() or len(name) > 9:
        raise MalformedError("an entry's seed is no number")
    return int(name)
