"""Fixtures for the tests of all packages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come first, so that at the end no process waits for another one's long test."""
    items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one CPU thread: small tensors are faster so, and tests run beside each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
