"""Fixtures for the tests of all packages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest

# Tests run beside each other: threads that wait for each other on cores that are taken cost half as much again in CPU time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --slow."""
    parser.addoption("--slow", action="store_true", help="Run the slow tests too.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests come first, so that at the end no process waits for another one's long test; without --slow they are skipped."""
    items.sort(key=lambda item: "slow" not in item.keywords)
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: `make slow` runs it"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one CPU thread: small tensors are faster so, and tests run beside each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def machine_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of this process take the machine to be right: its check is a process that imports torch, three seconds for each.

    `image_search/test_check.py`, which is about the check, has its own fixture of this name. Searches in other processes do
    check.
    """
    import image_search.run

    monkeypatch.setattr(image_search.run, "begin_check", lambda _networks: contextlib.nullcontext(Mock()))


@pytest.fixture(autouse=True)
def storages_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes the databases that a test opens to look into: Python 3.13 warns of each that is left to the garbage collector."""
    from optuna.storages import RDBStorage

    from nas.study.storage import close_storage

    opened: list[RDBStorage] = []
    make = RDBStorage.__init__

    def make_and_note(storage: RDBStorage, *arguments: Any, **options: Any) -> None:
        make(storage, *arguments, **options)
        opened.append(storage)

    monkeypatch.setattr(RDBStorage, "__init__", make_and_note)
    yield
    for storage in opened:
        close_storage(storage)
