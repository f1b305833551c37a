"""The ready config for a person's own pictures: what it chooses by their number, and that a number of one's own wins."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from run_search import main
from tests.image_search.test_own_images import picture

SMALL = (
    "--space.widths",
    "[8]",
    "--space.units",
    "[[1],[1],[1]]",
    "--search.sampler",
    "random",
    "--search.trials",
    "1",
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, level in (("dark", 70), ("light", 180)):
        for number in range(20):
            picture(tmp_path / "photos" / name / f"{number}.png", level)
    return tmp_path / "photos"


def command(photos: Path, *more: str) -> list[str]:
    return [
        *("--config", "photos", "--data.name", str(photos), "--data.cache", str(photos.parent / "cache")),
        *("--output", str(photos.parent / "run"), *SMALL, "--search.workers", "1", "--device", "cpu", *more),
    ]


def test_what_is_chosen_is_told_stored_as_numbers_and_the_same_when_continued(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluator.images.automatic.STEPS", 3)
    monkeypatch.setattr("evaluator.images.automatic.EPOCHS", (2, 5))

    assert main(command(photos)) == 0

    told = capsys.readouterr().err
    assert "epochs      3, for 26 training images in batches of 64: 3 steps a training, chosen by the number" in told
    assert "a share of 0.3 of the training images, chosen by their number" in told
    stored = photos.parent / "run" / "config.yaml"
    kept = yaml.safe_load(stored.read_text())
    assert (kept["train"]["epochs"], kept["data"]["validation_share"]) == (3, 0.3)
    assert main(command(photos)) == 0, "the same command must find the same numbers"
    assert main(["--config", str(stored)]) == 0, "the numbers must make the same search"


def test_a_number_of_ones_own_wins(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(photos, "--train.epochs", "7", "--data.validation_share", "0.5", "--dry_run")) == 0
    told = capsys.readouterr().out
    assert "epochs      7, for 18 training images in batches of 64: 7 steps a training\n" in told
    assert "validation images: 18, a share of 0.5 of the training images (--data.validation_share)" in told


def test_auto_asks_any_config_for_the_choice(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--train.epochs", "auto", "--train.batch_size", "8", "--data.validation_share", "auto")
    assert main([*command(photos, *chosen, "--dry_run")][2:]) == 0
    told = capsys.readouterr().out
    assert "epochs      300, for 26 training images in batches of 8: 900 steps a training, chosen by" in told
    assert "validation images: 10, a share of 0.3" in told


def test_a_limit_of_epochs_below_the_chosen_number_is_refused(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(photos, "--search.max_epochs", "10", "--dry_run")) == 2
    assert "--search.max_epochs: 10 is less than one training of --train.epochs 300" in capsys.readouterr().err
