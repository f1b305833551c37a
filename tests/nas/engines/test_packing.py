"""No more trainings on a device than its memory holds."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest

from nas.engines.local import LocalEngine
from nas.engines.packing import DeviceUse, Packing
from nas.engines.ray_tune.engine import RayEngine
from nas.engines.ray_tune.settings import RaySettings
from nas.records import MemoryNeed, TrialState
from tests.nas.engines.packing_search import CAPACITY, changes, holding_worker
from tests.toy_search import toy_driver


def need(size: int, device: str = "a") -> MemoryNeed:
    return MemoryNeed(device=device, bytes=size, capacity=10)


def test_those_that_fit_are_let_in_once_in_the_order_in_which_they_asked() -> None:
    packing = Packing()
    for trial, size in enumerate((4, 5, 3, 1)):
        packing.ask(trial, need(size))
    assert packing.let_in() == [0, 1]
    assert packing.let_in() == [], "trial 3 would fit, but trial 2 waits longer"
    packing.leave(1)
    assert packing.let_in() == [2, 3]
    assert packing.devices() == [DeviceUse(device="a", held=8, capacity=10, training=3, waiting=0)]


def test_one_that_is_alone_is_let_in_however_large_and_nobody_beside_it() -> None:
    packing = Packing()
    packing.ask(0, need(40))
    packing.ask(1, need(1))
    assert packing.let_in() == [0]
    packing.leave(0)
    assert packing.let_in() == [1]


def test_devices_do_not_wait_for_each_other() -> None:
    packing = Packing()
    packing.ask(0, need(9))
    packing.ask(1, need(9))
    packing.ask(2, need(9, "b"))
    assert packing.let_in() == [0, 2]
    assert [(use.device, use.training, use.waiting) for use in packing.devices()] == [("a", 1, 1), ("b", 1, 0)]


def test_one_that_gives_up_or_asks_anew_holds_nothing_from_before() -> None:
    packing = Packing()
    packing.ask(0, need(9))
    packing.ask(1, need(9))
    assert packing.let_in() == [0]
    packing.leave(1)
    packing.ask(0, need(5))
    packing.ask(2, need(5))
    assert packing.let_in() == [0, 2]


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.slow)])
def test_workers_that_really_allocate_never_hold_more_than_the_device_has(tmp_path: Path, engine: str) -> None:
    driver = toy_driver(tmp_path, trials=8)
    spec = holding_worker(tmp_path / "work")
    full: list[DeviceUse] = []
    runs: LocalEngine | RayEngine
    if engine == "local":
        runs = LocalEngine(spec, workers=4, logs=tmp_path / "logs")
    else:
        runs = RayEngine(spec, RaySettings(max_concurrent=4), cpus=0.25, gpus=0, logs=tmp_path / "ray")

    def look() -> None:
        """Of the first four all but the last fit, whichever asks last; they hold their memory until that one waits."""
        if not full and len(changes(tmp_path / "work")) == 3:
            full.extend(use for use in runs.packing.devices() if (use.training, use.waiting) == (3, 1))
        if full:
            (tmp_path / "work" / "go").touch()

    runs.run(driver, look)
    assert Counter(trial.state for trial in driver.trials if trial.reused_from is None) == {TrialState.COMPLETE: 8}
    taken = changes(tmp_path / "work")
    totals = list(accumulate(taken))
    assert len(totals) == 16
    assert totals[-1] == 0
    assert max(totals) <= CAPACITY
    assert [change > 0 for change in taken[:3]] == [True] * 3, "three trained beside each other"
    assert full, "and the fourth had to wait"
    assert runs.packing.devices() == []
