import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from benchmarks.photo_folders import ASPECT, SPREAD, PhotoFolder, main, make_folder

MADE = PhotoFolder(source="toys", classes=2, images=40, side=24)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    def encoded(level: int) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(np.full((32, 32, 3), level, np.uint8)).save(stream, "png")
        return stream.getvalue()

    (tmp_path / "root" / "toys").mkdir(parents=True)
    labels = [number % 3 for number in range(90)]
    table = pa.table({"img": [{"bytes": encoded(60 * label), "path": None} for label in labels], "label": labels})
    parquet.write_table(table, tmp_path / "root" / "toys" / "train-0.parquet")
    return tmp_path / "root"


def pixels(file: Path) -> npt.NDArray[np.uint8]:
    with Image.open(file) as image:
        return np.asarray(image)


def test_a_folder_holds_pictures_of_mixed_sizes_shapes_and_kinds(root: Path, tmp_path: Path) -> None:
    make_folder(root, MADE, tmp_path / "photos")

    files = sorted((tmp_path / "photos").rglob("*.*"))
    assert [len(list(folder.iterdir())) for folder in sorted((tmp_path / "photos").iterdir())] == [20, 20]
    assert {file.suffix for file in files} == {".jpg", ".png"}
    sizes = [pixels(file).shape[1::-1] for file in files]
    assert len(set(sizes)) > 30
    assert all(24 / SPREAD - 1 <= min(size) <= 24 * SPREAD + 1 for size in sizes)
    assert all(max(size) / min(size) < ASPECT + 0.1 for size in sizes)
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert {round(pixels(file).mean() / 60) for file in files if "class_1" in str(file)} == {1}


def test_the_same_seed_makes_the_same_files(root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_folder(root, MADE, tmp_path / name)
    one, two = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert [*map(str, one.values())] == [*map(str, two.values())]


def test_what_is_missing_or_there_already_is_one_line(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(root), "--output", str(tmp_path / "out")]) == 2
    assert "there is no tiny-imagenet-20/train-*.parquet" in capsys.readouterr().err
    (tmp_path / "out" / "photos_500").mkdir(parents=True)
    assert main(["--root", str(root), "--output", str(tmp_path / "out")]) == 2
    assert "photos_500 exists" in capsys.readouterr().err
