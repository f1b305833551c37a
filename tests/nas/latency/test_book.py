"""Latencies that are kept, and those that are expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nas.candidate import Candidate
from nas.cost_rule import CostRule
from nas.errors import MeasurementError, OutputError
from nas.latency.book import LatencyBook
from nas.latency.measurement import Conditions, Latency, LatencySettings, latency_faults

CONDITIONS = Conditions(device="AMD EPYC", form="eager", batch=8, image_shape=(3, 32, 32), threads=1)


def networks(count: int, seed: int = 0) -> Iterator[Candidate]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        units = {f"stage{k}.units": int(rng.integers(1, 9)) for k in (1, 2)}
        yield Candidate(space="toy", architecture={"width": int(rng.choice([8, 16, 24])), **units}, training={})


def size(candidate: Candidate, name: str) -> int:
    value = candidate.architecture[name]
    assert isinstance(value, int)
    return value


def costs(candidate: Candidate) -> dict[str, float]:
    width, *units = (size(candidate, name) for name in ("width", "stage1.units", "stage2.units"))
    return {"macs": 1e4 * width * sum(units), "params": 1e3 * width}


def true_milliseconds(candidate: Candidate) -> float:
    return float(np.exp(0.1 * size(candidate, "stage1.units")) * costs(candidate)["macs"] ** 0.5 / 100)


class Device:
    """Measures by a law, and counts how often."""

    def __init__(self, name: str = "AMD EPYC", disturbed_by: str = "") -> None:
        self.times = 0
        self.conditions = replace(CONDITIONS, device=name)
        self.disturbed_by = disturbed_by

    def __call__(self, candidate: Candidate) -> tuple[Latency, ...]:
        self.times += 1
        whole = Latency(
            conditions=self.conditions, median=true_milliseconds(candidate) / 1e3, spread=0.0, runs=9, warm_up_runs=3,
            disturbed_by=self.disturbed_by,
        )  # fmt: skip
        return replace(whole, conditions=replace(self.conditions, batch=1), median=whole.median / 6), whole


def drawing(seed: int = 0) -> Callable[[], Candidate]:
    return networks(10_000, seed).__next__


def test_what_was_measured_is_kept_and_the_rest_is_predicted(tmp_path: Path) -> None:
    device = Device()
    book = LatencyBook(tmp_path / "latencies.jsonl", device, CostRule(costs=costs))
    book.calibrate(drawing(), 60)
    assert device.times == len(book) == 60
    for candidate in networks(40, seed=1):
        assert book.expected(candidate) == pytest.approx(true_milliseconds(candidate), rel=0.05)
    assert device.times == 60
    chosen = next(networks(1, seed=1))
    assert book.measure(chosen) == book.expected(chosen) == pytest.approx(true_milliseconds(chosen))
    notes = " ".join(book.notes())
    assert "one forward of 8 images" in notes
    assert "predicted with a median error of" in notes
    assert "disturbed" not in notes
    assert [each["batch"] for each in book.conditions()] == [1, 8]

    again = LatencyBook(tmp_path / "latencies.jsonl", device, CostRule(costs=costs))
    before = device.times
    again.calibrate(drawing(), 60)
    assert device.times == before
    assert again.expected(chosen) == book.expected(chosen)


def test_a_line_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    path, device = tmp_path / "latencies.jsonl", Device()
    LatencyBook(path, device, CostRule(costs=costs)).calibrate(drawing(), 31)
    path.write_text(path.read_text()[:-40])
    book = LatencyBook(path, device, CostRule(costs=costs))
    assert len(book) == 30
    path.write_text(path.read_text().rpartition("\n")[0] + "\n")
    book.calibrate(drawing(), 31)
    assert device.times == 32


def test_a_small_space_is_measured_whole(tmp_path: Path) -> None:
    device = Device()
    book = LatencyBook(tmp_path / "latencies.jsonl", device, CostRule(costs=costs))
    few = list(networks(5))
    book.calibrate(iter(few * 1000).__next__, 100)
    assert device.times == 5
    other = next(networks(1, seed=9))
    assert book.expected(other) == pytest.approx(true_milliseconds(other))
    assert device.times == 6


def test_latencies_of_two_devices_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "latencies.jsonl"
    LatencyBook(path, Device(), CostRule(costs=costs)).calibrate(drawing(), 3)
    with pytest.raises(MeasurementError, match="measured on AMD EPYC, this one on Other"):
        LatencyBook(path, Device("Other"), CostRule(costs=costs)).calibrate(drawing(5), 6)
    line = json.loads(path.read_text().splitlines()[0])
    line["latencies"][1]["conditions"]["device"] = line["architecture"]["width"] = "x"
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    with pytest.raises(MeasurementError, match="different conditions"):
        LatencyBook(path, Device(), CostRule(costs=costs))


def test_disturbed_latencies_are_told(tmp_path: Path) -> None:
    book = LatencyBook(tmp_path / "latencies.jsonl", Device(disturbed_by="others"), CostRule(costs=costs))
    book.calibrate(drawing(), 3)
    assert "3 of 3 latencies were measured while others used the device" in book.notes()[-1]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    book = LatencyBook(tmp_path / "nowhere" / "latencies.jsonl", Device(), CostRule(costs=costs))
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        book.measure(next(networks(1)))


def test_settings_out_of_range_are_told_in_words() -> None:
    faults = latency_faults(LatencySettings(form="fast", networks=5))
    assert [fault.split(":")[0] for fault in faults] == ["--latency.form", "--latency.networks"]


def test_networks_that_were_counted_otherwise_are_counted_anew_and_not_measured_again(tmp_path: Path) -> None:
    path, device = tmp_path / "latencies.jsonl", Device()
    former = LatencyBook(
        path, device, CostRule(costs=lambda candidate: {name: cost * 7 for name, cost in costs(candidate).items()})
    )
    former.calibrate(drawing(), 60)
    unseen = list(networks(400, seed=3))[-1]
    book = LatencyBook(path, device, CostRule(costs=costs, version=2))
    assert len(book) == 0
    book.calibrate(drawing(), 60)
    assert (device.times, len(book)) == (60, 60)
    fresh = LatencyBook(tmp_path / "fresh.jsonl", Device(), CostRule(costs=costs, version=2))
    fresh.calibrate(drawing(), 60)
    assert book.expected(unseen) == fresh.expected(unseen)
    again = LatencyBook(path, device, CostRule(costs=costs, version=2))
    assert len(again) == 60, "the file has both"
    with pytest.raises(MeasurementError, match="cannot be compared"):
        LatencyBook(path, Device("Other"), CostRule(costs=costs, version=3)).calibrate(drawing(5), 3)
