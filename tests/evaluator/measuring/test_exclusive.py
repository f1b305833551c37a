"""A measurement with the device to itself, with a watch that sees what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.measuring.contention import End, Watch
from evaluator.measuring.device_lock import DeviceLock
from evaluator.measuring.exclusive import ATTEMPTS, lock_of, measure_alone, watch_of
from evaluator.measuring.timing import Call, TimeBudget
from nas.errors import MeasurementError
from nas.latency.measurement import Latency

CPU = Execution(device=torch.device("cpu"), precision="fp32", channels_last=False)
SHORT = TimeBudget(warm_up_seconds=0.0, warm_up_runs=1, seconds=0.0, least_runs=2)


def seeing(*reasons: str) -> Watch:
    them = iter(reasons)

    def watch() -> End:
        return lambda: next(them)

    return watch


def second(call: Call) -> float:
    call()
    return 1.0


def alone(folder: Path, watch: Watch, *, network: nn.Module | None = None, accept: bool = False) -> tuple[Latency, ...]:
    return measure_alone(
        network or nn.Identity(),
        (3, 4, 4),
        batches=(1, 8),
        form="eager",
        execution=CPU,
        accept_disturbed=accept,
        wait_seconds=0.0,
        budget=SHORT,
        lock=DeviceLock("cpu", folder=folder),
        watch=watch,
        stopwatch=second,
    )


def test_one_latency_a_batch(tmp_path: Path) -> None:
    found = alone(tmp_path, seeing("", ""))
    assert [(each.conditions.batch, each.disturbed_by) for each in found] == [(1, ""), (8, "")]


def test_the_device_is_locked_meanwhile_and_free_afterwards(tmp_path: Path) -> None:
    refused: list[str] = []

    class Intruder(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            try:
                with DeviceLock("cpu", folder=tmp_path).exclusive(wait_seconds=0.0):
                    pass
            except MeasurementError as error:
                refused.append(str(error))
            return x

    found = alone(tmp_path, seeing("", ""), network=Intruder())
    runs = sum(each.runs + each.warm_up_runs for each in found)
    assert len(refused) >= runs
    with DeviceLock("cpu", folder=tmp_path).exclusive(wait_seconds=0.0):
        pass


def test_a_short_disturbance_is_outwaited(tmp_path: Path) -> None:
    found = alone(tmp_path, seeing("load", "load", "", "load", ""))
    assert [each.disturbed_by for each in found] == ["", ""]


def test_a_lasting_disturbance_is_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="others at work") as caught:
        alone(tmp_path, seeing(*["others at work"] * ATTEMPTS))
    assert "\n" not in str(caught.value)


def test_an_accepted_disturbance_is_marked(tmp_path: Path) -> None:
    found = alone(tmp_path, seeing("load", ""), accept=True)
    assert [each.disturbed_by for each in found] == ["load", ""]


def test_a_cpu_has_a_lock_and_a_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with lock_of(CPU.device).shared():
        assert {path.suffix for path in tmp_path.iterdir()} == {".lock", ".turnstile"}
    assert isinstance(watch_of(CPU.device)()(), str)
