"""Two small searches that differ by their seed alone, each run once for all tests of verbs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evaluator.settings import DataSettings, TrainSettings
from image_search.run import run
from image_search.settings import Settings
from nas.settings.search import SearchSettings
from search_spaces import space_settings


def small(output: Path, seed: int) -> Settings:
    return Settings(
        space=space_settings(widths=(8, 12), units=((1,), (1,), (1,)), group_ranks=2, pair_ranks=2, reductions=(4,)),
        data=DataSettings(name="digits"),
        search=SearchSettings(trials=5, workers=1, sampler="random", seed=seed),
        train=TrainSettings(epochs=3),
        device="cpu",
        output=str(output),
    )


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Gives the folder of the finished search with a seed."""
    found: dict[int, Path] = {}

    def of(seed: int) -> Path:
        if seed not in found:
            found[seed] = tmp_path_factory.mktemp("searched") / f"seed{seed}"
            run(small(found[seed], seed))
        return found[seed]

    return of
