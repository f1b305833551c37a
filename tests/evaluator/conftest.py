from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.settings import DataSettings


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def digits(cache: Path) -> DataSettings:
    return DataSettings(cache=str(cache))


@pytest.fixture
def few_digits(cache: Path) -> DataSettings:
    return DataSettings(cache=str(cache), train_limit=300, validation_share=0.2)
