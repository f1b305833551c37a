from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluator.images import cache
from evaluator.images.data import load, prepare
from evaluator.settings import DataSettings
from nas.errors import DataError, OutputError
from nas.output.atomic_file import draft_of
from tests.evaluator.image_files import pixels, write_folders


@pytest.fixture
def photos(tmp_path: Path) -> DataSettings:
    write_folders(tmp_path / "photos", {name: [pixels(n) for n in range(5)] for name in "ab"})
    return DataSettings(name="photos", root=str(tmp_path), cache=str(tmp_path / "cache"))


def sets(data: DataSettings) -> list[Path]:
    return sorted(Path(str(data.cache)).iterdir())


def test_a_set_is_decoded_once(photos: DataSettings) -> None:
    prepare(photos, seed=0)
    (folder,) = sets(photos)
    before = (folder / "train_images.npy").stat().st_mtime_ns
    prepare(photos, seed=1)
    assert [folder] == sets(photos)
    assert (folder / "train_images.npy").stat().st_mtime_ns == before
    assert not list(folder.glob("*scratch*")) + list(folder.glob("tmp*"))


def test_images_are_memory_mapped_and_read_only(photos: DataSettings) -> None:
    images = load(photos, 0).train.images
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable


def test_another_size_or_a_changed_source_is_another_set(photos: DataSettings, tmp_path: Path) -> None:
    first = prepare(photos, seed=0).fingerprint
    assert prepare(replace(photos, image_size=16), seed=0).image_size == 16
    write_folders(tmp_path / "photos", {"b": [pixels(100)]})
    assert prepare(photos, seed=0).fingerprint != first
    assert len(sets(photos)) == 3


@pytest.mark.parametrize("file", ["set.json", "train_images.npy", "test_labels.npy"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"half"])
def test_a_broken_set_is_made_again(photos: DataSettings, file: str, content: bytes | None) -> None:
    summary = prepare(photos, seed=0)
    (folder,) = sets(photos)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    assert prepare(photos, seed=0) == summary
    assert sets(photos) == [folder]


def test_a_cut_off_array_is_made_again(photos: DataSettings) -> None:
    summary = prepare(photos, seed=0)
    (folder,) = sets(photos)
    whole = (folder / "train_images.npy").read_bytes()
    (folder / "train_images.npy").write_bytes(whole[:-10])
    assert prepare(photos, seed=0) == summary
    assert (folder / "train_images.npy").read_bytes() == whole


def test_several_that_decode_at_once_end_with_one_whole_set(photos: DataSettings) -> None:
    with ThreadPoolExecutor(4) as threads:
        summaries = list(threads.map(lambda seed: prepare(photos, seed=seed), [0] * 4))
    assert len(set(summaries)) == 1
    assert len(sets(photos)) == 1


def test_the_cache_serves_where_the_source_is_gone(photos: DataSettings, tmp_path: Path) -> None:
    summary = prepare(photos, seed=0)
    (tmp_path / "photos").rename(tmp_path / "moved")
    assert prepare(photos, seed=0) == summary
    with pytest.raises(DataError, match="not there"):
        prepare(replace(photos, image_size=16), seed=0)


def test_the_cache_is_named_when_it_serves_in_place_of_the_source(
    photos: DataSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepare(photos, seed=0)
    assert not caplog.records
    (tmp_path / "photos").rename(tmp_path / "moved")
    prepare(photos, seed=0)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert str(sets(photos)[0]) in record.getMessage()
    assert "\n" not in record.getMessage()


def test_a_source_that_is_there_and_faulty_is_not_replaced_by_the_cache(photos: DataSettings, tmp_path: Path) -> None:
    prepare(photos, seed=0)
    for image in (tmp_path / "photos" / "b").iterdir():
        image.unlink()
    with pytest.raises(DataError, match=r"b \(no images\)"):
        prepare(photos, seed=0)


@pytest.mark.parametrize(("name", "size"), [("digits", 8), ("cifar10", 32), ("tiny-imagenet", 64), ("imagenet", 224)])
def test_asking_for_the_size_a_name_has_anyway_is_the_same_set(name: str, size: int) -> None:
    default = cache.set_folder(DataSettings(name=name), "identity")
    assert cache.set_folder(DataSettings(name=name, image_size=size), "identity") == default
    assert cache.set_folder(DataSettings(name=name, image_size=size + 8), "identity") != default


def test_what_a_killed_process_left_of_a_set_is_swept_when_it_is_decoded_next(photos: DataSettings) -> None:
    prepare(photos, seed=0)
    (folder,) = sets(photos)
    other = folder.with_name("others-set")
    code = "import sys; from pathlib import Path; from nas.output.atomic_file import draft_of\n"
    code += "for path in sys.argv[1:]: draft_of(Path(path)).mkdir()"
    subprocess.run([sys.executable, "-c", code, str(folder), str(other)], check=True, cwd=Path(__file__).parents[3])
    draft_of(folder).mkdir()  # of this process, which lives
    (folder / cache.DESCRIPTION).unlink()
    prepare(photos, seed=0)
    drafts = sorted(path.name for path in sets(photos) if path != folder)
    assert [name.rsplit("-", 1)[0] for name in drafts] == sorted([".others-set", f".{folder.name}"])
    assert any(f".{os.getpid()}." in name for name in drafts)


def test_a_cache_that_cannot_be_written_is_named(photos: DataSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/cache cannot be written: .*; choose another with --data.cache"):
        prepare(replace(photos, cache=str(tmp_path / "file" / "cache")), seed=0)


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    needed = 10**12 * 224 * 224 * 3 / 2**30
    with pytest.raises(OutputError, match=rf"need {needed:.1f} GiB, but .* GiB free"):
        cache.room_for(tmp_path, 10**12, 224, 3)


def test_the_default_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder(DataSettings()) == tmp_path / "shufflenas"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder(DataSettings()) == tmp_path / ".cache" / "shufflenas"
    assert not any(tmp_path.iterdir())
