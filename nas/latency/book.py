"""The latencies of a search's networks on one device: measurements kept in a file, and predictions for all other networks."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nas.candidate import Candidate
from nas.cost_rule import COSTS_VERSION, FIRST_VERSION, CostRule
from nas.errors import MeasurementError, OutputError
from nas.latency.measurement import LEAST_NETWORKS, Latency
from nas.latency.predictor import LatencyPredictor, Measured
from nas.values.json_fields import MalformedError, entry, mapping, numbers, scalars, sequence
from nas.values.json_file import open_regular, parse_json

TRIES = 20
"""After so many random draws for each network that is wanted, the space counts as having no more networks."""
Measure = Callable[[Candidate], Sequence[Latency]]
"""Gives one latency for each batch size; the last one is the objective."""


class LatencyBook:
    """Measures each candidate at most once, and predicts the latency of those that were not measured.

    Args:
        path: File of the measurements, one line of JSON each; measurements that are in it are used again.
        measure: Builds and measures a candidate.
        count: Gives the exact costs from which latencies are predicted. A network in the file whose costs were counted
            differently is not used for predictions until it is proposed again and counted anew; its latency stays valid.

    Raises:
        OutputError: The file of the measurements cannot be read.
    """

    def __init__(self, path: Path, measure: Measure, count: CostRule) -> None:
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
        """Measures random networks until there are enough, with a progress bar, and fits the predictor to all measurements.

        Args:
            draw: Draws a random candidate of the space.
            networks: Number of measured networks wanted; there are fewer if the space has fewer.

        Raises:
            MeasurementError: The device cannot be measured, or the file has measurements of another device.
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
        """The candidate's latency in milliseconds. It is measured now unless it was measured before.

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
        """The measured or predicted latency in milliseconds. Without a predictor, in a very small space, it is measured now."""
        key = self._key(candidate)
        if self._predictor is None or key in self._measured or key in self._counted_otherwise:
            return self.measure(candidate)
        return 1e3 * float(self._predictor([candidate.architecture], [self._count.costs(candidate)])[0])

    def notes(self) -> list[str]:
        """Sentences that say how latencies were obtained, how good the predictions are, and what disturbed the measurements."""
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
            told.append(f"For choosing what to measure, {self._predictor.error}.")
        disturbed = Counter(each[-1].latency.disturbed_by for each in self._measured.values())
        disturbed.pop("", None)
        if disturbed:
            told.append(
                f"{disturbed.total()} of {len(self)} latencies were measured while others used the device, and are too high by "
                "an unknown amount."
            )
        return told

    def conditions(self) -> list[dict[str, Any]]:
        """The conditions of each batch size, as plain JSON."""
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
