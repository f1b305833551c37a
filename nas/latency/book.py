"""The latencies of a search's networks on one device: measured ones, kept in a file, and what is expected of the others."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nas.candidate import Candidate
from nas.count import COSTS_VERSION, FIRST_VERSION, Count
from nas.errors import MeasurementError, OutputError
from nas.latency.measurement import LEAST_NETWORKS, Latency
from nas.latency.predictor import LatencyPredictor, Measured
from nas.values.json_fields import MalformedError, entry, mapping, numbers, scalars, sequence
from nas.values.json_file import open_regular, parse_json

TRIES = 20
"""Random networks drawn for each that is wanted, after which the space counts as having no more."""
Measure = Callable[[Candidate], Sequence[Latency]]
"""One latency for each batch size; the last is the one that counts."""


class LatencyBook:
    """Measures a candidate once, and predicts those that were not.

    Args:
        path: Where measurements are kept, a line of JSON each; those there are used again.
        measure: Builds and measures a candidate.
        count: Of exact costs, from which latencies are predicted. A network in the file that was counted otherwise takes no part in
            that until it comes by and is counted anew; its latency holds.

    Raises:
        OutputError: The file cannot be read.
    """

    def __init__(self, path: Path, measure: Measure, count: Count) -> None:
        self._path = path
        self._measure = measure
        self._count = count
        self._measured: dict[str, tuple[Measured, ...]] = {}
        self._counted_otherwise: dict[str, tuple[Measured, ...]] = {}
        self._predictor: LatencyPredictor | None = None
        self._read()

    def __len__(self) -> int:
        return len(self._measured)

    def calibrate(self, draw: Callable[[], Candidate], networks: int) -> None:
        """Measures random networks until there are so many, with a progress bar, and fits the predictor to all there are.

        Args:
            draw: Of the space.
            networks: Wanted; fewer where the space has fewer.

        Raises:
            MeasurementError: The device cannot be measured, or what is in the file was measured on another.
            OutputError: The file cannot be written.
        """
        with tqdm(
            total=networks, initial=len(self), desc="latencies", unit="network", leave=False, disable=None
        ) as bar:
            for _ in range(TRIES * networks):
                if len(self) >= networks:
                    break
                candidate = draw()
                if self._key(candidate) not in self._measured:
                    self.measure(candidate)
                    bar.update()
        points = [each[-1] for each in self._measured.values()]
        self._predictor = LatencyPredictor(points) if len(points) >= LEAST_NETWORKS else None

    def measure(self, candidate: Candidate) -> float:
        """The candidate's latency in milliseconds, measured now if it was not before.

        Raises:
            MeasurementError: The device cannot be measured.
            OutputError: The file cannot be written.
        """
        key = self._key(candidate)
        if key not in self._measured:
            known = self._counted_otherwise.get(key)
            latencies = self._measure(candidate) if known is None else [each.latency for each in known]
            costs = dict(self._count.costs(candidate))
            found = tuple(
                Measured(architecture=dict(candidate.architecture), costs=costs, latency=latency)
                for latency in latencies
            )
            self._write(found)
            self._measured[key] = found
        return self._measured[key][-1].latency.milliseconds

    def expected(self, candidate: Candidate) -> float:
        """In milliseconds: as measured, or as predicted; measured now where the space is too small for a predictor."""
        key = self._key(candidate)
        if self._predictor is None or key in self._measured or key in self._counted_otherwise:
            return self.measure(candidate)
        return 1e3 * float(self._predictor([candidate.architecture], [self._count.costs(candidate)])[0])

    def notes(self) -> list[str]:
        """How latencies were obtained, how well they are predicted, and what is wrong with them; in sentences."""
        if not self._measured:
            return []
        batches = next(iter(self._measured.values()))
        where = batches[-1].latency.conditions
        layout = "channels_last" if where.channels_last else "NCHW"
        told = [
            f"Latency is the median of one forward of {where.batch} image{'s' * (where.batch > 1)}, untrained and compacted, "
            f"{where.form}, {where.precision}, {layout}, on {where.device} with {where.threads} CPU "
            f"thread{'s' * (where.threads > 1)}."
        ]
        if self._predictor is not None:
            told.append(f"For choosing what to measure {self._predictor.error}.")
        disturbed = Counter(each[-1].latency.disturbed_by for each in self._measured.values())
        disturbed.pop("", None)
        if disturbed:
            told.append(
                f"{disturbed.total()} of {len(self)} latencies were measured while others used the device, and are too high by "
                "an unknown amount."
            )
        return told

    def conditions(self) -> list[dict[str, Any]]:
        """Of each batch size; plain JSON."""
        first: Sequence[Measured] = next(iter(self._measured.values()), ())
        return [each.latency.conditions.to_json() for each in first]

    def _all(self) -> Iterator[tuple[Measured, ...]]:
        return itertools.chain(self._measured.values(), self._counted_otherwise.values())

    @staticmethod
    def _key(candidate: Candidate) -> str:
        return json.dumps(dict(candidate.architecture), sort_keys=True)

    def _read(self) -> None:
        try:
            with open_regular(self._path) as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            try:
                data = mapping(parse_json(line.decode()), "a line")
                found, version = _measured(data), data.get(COSTS_VERSION, FIRST_VERSION)
            except (ValueError, RecursionError):
                continue  # a line that was cut off when its writer died; the network is measured again
            into = self._measured if version == self._count.version else self._counted_otherwise
            into[json.dumps(dict(found[0].architecture), sort_keys=True)] = found
        conditions = {each[-1].latency.conditions for each in self._all()}
        if len(conditions) > 1:
            raise MeasurementError(
                f"{self._path} holds latencies under different conditions, which cannot be compared; remove it to measure anew"
            )

    def _write(self, found: Sequence[Measured]) -> None:
        first = found[0]
        line = {
            "architecture": dict(first.architecture),
            "costs": dict(first.costs),
            COSTS_VERSION: self._count.version,
            "latencies": [each.latency.to_json() for each in found],
        }
        known = next(self._all(), found)
        if known[-1].latency.conditions != found[-1].latency.conditions:
            raise MeasurementError(
                f"the latencies in {self._path} were measured on {known[-1].latency.conditions.device}, this one on "
                f"{found[-1].latency.conditions.device} or otherwise; they cannot be compared. Use the same machine and settings, "
                "or another --output"
            )
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror or error}") from error


def _measured(line: Mapping[str, Any]) -> tuple[Measured, ...]:
    architecture = scalars(entry(line, "architecture", "a line"), "architecture")
    costs = numbers(entry(line, "costs", "a line"), "costs")
    latencies = sequence(entry(line, "latencies", "a line"), "latencies")
    if not latencies:
        raise MalformedError("a line has no latencies")
    return tuple(
        Measured(architecture=architecture, costs=costs, latency=Latency.from_json(latency)) for latency in latencies
    )
