"""A person's own folder of images by the command line: what is told where the person looks, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from run_search import main


def picture(file: Path, level: int, size: tuple[int, int] = (16, 16), **options: Any) -> None:
    """A noisy picture; height and width in pixels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    seed = [level, *file.stem.encode()]
    pixels = np.clip(np.random.default_rng(seed).normal(level, 30, (*size, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(file, **options)


def command(folder: Path, *more: str) -> list[str]:
    return [
        *(
            "--data.name",
            str(folder),
            "--data.cache",
            str(folder.parent / "cache"),
            "--output",
            str(folder.parent / "run"),
        ),
        *(
            "--space.widths",
            "[8]",
            "--space.units",
            "[[1],[1],[1]]",
            "--search.sampler",
            "random",
            "--search.trials",
            "2",
        ),
        *("--search.workers", "1", "--device", "cpu", "--train.epochs", "1", "--train.batch_size", "32"),
        *("--data.validation_share", "0.1", *more),
    ]


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """120, 4 and 4 pictures."""
    for name, level, count in (("dark", 70, 120), ("light", 180, 4), ("middle", 125, 4)):
        for number in range(count):
            picture(tmp_path / "photos" / name / f"{number}.png", level)
    return tmp_path / "photos"


def test_a_dry_run_tells_size_splits_and_the_commonest_class(uneven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (uneven / "light" / "notes.txt").write_text("by the window")
    assert main(command(uneven, "--dry_run")) == 0
    told = capsys.readouterr().out
    assert "image size: 16 x 16 pixels, the median of their shorter sides (16 to 16)" in told
    assert "training images: random crops after padding by" in told
    assert "validation images: 13, a share of" in told
    assert "not used, files ending in .txt: 1, light/notes.txt" in told
    assert "right for 84.6 % of the validation images (93.75 % of all images are of it)" in told
    assert "warning     the classes are uneven" in told


@pytest.mark.parametrize("turned", [0, 3])
def test_portraits_among_landscapes_leave_the_size_as_it_is(
    tmp_path: Path, turned: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, level in (("dark", 70), ("light", 180)):
        for number in range(10):
            picture(tmp_path / "photos" / name / f"{number}.png", level, (80, 120))
    for number in range(turned):
        picture(tmp_path / "photos" / "dark" / f"{number}.jpg", 70, (120, 80))
    assert main(command(tmp_path / "photos", "--dry_run")) == 0
    assert "image size: 80 x 80 pixels, the median of their shorter sides (80 to 80)" in capsys.readouterr().out


def test_a_search_tells_on_the_console_and_in_the_report_and_is_refused_with_other_images(
    uneven: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (uneven / "dark" / "3.png").write_bytes(b"")
    (uneven / "light" / "link.png").symlink_to("gone.png")
    output = uneven.parent / "run"
    assert main(command(uneven)) == 2
    refused = capsys.readouterr().err
    assert "2 of 129 images cannot be used" in refused
    assert "\n  dark/3.png: the file is empty\n  light/link.png: the link leads nowhere" in refused
    assert "Traceback" not in refused
    assert not (output / "study.db").exists()

    assert main(command(uneven, "--data.skip_broken", "true")) == 0
    said = capsys.readouterr()
    skipped = "kipped, images that cannot be used (--data.skip_broken): 2, such as dark/3.png: the file is empty"
    assert skipped in said.err
    assert "warning     the classes are uneven" in said.err
    assert "Always answering the commonest class, dark, is right for 84.6 % of the validation images" in said.out
    assert "The classes are uneven" in said.out
    report = (output / "report.html").read_text()
    for told in (
        skipped,
        "The classes are uneven",
        "Image size: 16 x 16 pixels, the median",
        "Training images: random crops",
    ):
        assert told in report
    (model,) = [*(output / "models").iterdir()][:1]
    data = json.loads((model / "candidate.json").read_text())["data"]
    assert data["skipped_images"] == 2
    assert data["preparation"]["decoder"].startswith("Pillow ")
    assert data["majority_share"] == pytest.approx(11 / 13)

    rows = len(pd.read_csv(output / "trials.csv"))
    (uneven / "light" / "link.png").unlink()
    (uneven / "dark" / "3.png").unlink()
    assert main(command(uneven)) == 2
    assert "was made with other images" in capsys.readouterr().err
    assert len(pd.read_csv(output / "trials.csv")) == rows
