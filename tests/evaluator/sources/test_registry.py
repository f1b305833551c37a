from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evaluator.images.data import prepare
from evaluator.settings import DataSettings
from evaluator.sources.registry import SOURCES, MissingDataError, SourceKind, find_source
from nas.errors import DataError


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")


def test_a_known_name_is_taken_from_the_root_before_the_hub(tmp_path: Path) -> None:
    assert find_source(DataSettings(name="cifar10", root=str(tmp_path))).kind is SourceKind.HUB
    touch(tmp_path / "cifar10" / "train-00000-of-00001.parquet")
    assert find_source(DataSettings(name="cifar10", root=str(tmp_path))).kind is SourceKind.PARQUET


def test_any_folder_under_the_root_that_holds_parquet_is_a_dataset(tmp_path: Path) -> None:
    touch(tmp_path / "owner" / "mine" / "data" / "train-0.parquet")
    source = find_source(DataSettings(name="owner/mine", root=str(tmp_path)))
    assert (source.kind, Path(source.location)) == (SourceKind.PARQUET, tmp_path / "owner" / "mine")


@pytest.mark.parametrize("name", SOURCES)
def test_every_known_name_is_found_without_a_root(name: str) -> None:
    assert find_source(DataSettings(name=name)).known is SOURCES[name]


def test_a_hub_id_is_looked_for_on_the_hub() -> None:
    source = find_source(DataSettings(name="owner/name"))
    assert (source.kind, source.location) == (SourceKind.HUB, "owner/name")


@pytest.mark.parametrize("name", ["cifr10", "/no/such/folder", "a/b/c", "../x"])
def test_a_name_that_means_nothing_is_refused_with_the_places_and_the_known_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        MissingDataError, match=r"is not there; looked for a folder in .*cifar10, cifar100, digits"
    ) as caught:
        find_source(DataSettings(name=name, root=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_parquet_files_without_a_training_split_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "mine" / "test-0.parquet")
    with pytest.raises(DataError, match="of the splits test, but none of train"):
        find_source(DataSettings(name="mine", root=str(tmp_path)))


def test_the_identity_changes_with_the_files(tmp_path: Path) -> None:
    data = DataSettings(name="mine", root=str(tmp_path))
    touch(tmp_path / "mine" / "train-0.parquet")
    first = find_source(data).identity
    assert find_source(data).identity == first
    touch(tmp_path / "mine" / "train-1.parquet")
    assert find_source(data).identity != first


def test_a_file_in_the_place_of_the_folder_is_refused_and_not_missing(tmp_path: Path) -> None:
    touch(tmp_path / "mine")
    with pytest.raises(DataError, match=r"mine is a file; allowed: a folder") as caught:
        find_source(DataSettings(name="mine", root=str(tmp_path)))
    assert not isinstance(caught.value, MissingDataError)


def test_a_train_folder_is_a_split_if_it_holds_folders_and_a_class_if_it_holds_images(tmp_path: Path) -> None:
    touch(tmp_path / "vehicles" / "train" / "0.png")
    touch(tmp_path / "vehicles" / "plane" / "0.png")
    touch(tmp_path / "split" / "train" / "plane" / "0.png")
    for name, classes in (("vehicles", ("plane", "train")), ("split", ("plane",))):
        found = find_source(DataSettings(name=name, root=str(tmp_path))).folders
        assert found is not None
        assert found.class_names == classes


def test_unlabeled_train_and_test_folders_are_not_two_classes(tmp_path: Path) -> None:
    touch(tmp_path / "mine" / "train" / "0.png")
    touch(tmp_path / "mine" / "test" / "0.png")
    with pytest.raises(DataError, match="train holds no class folders"):
        find_source(DataSettings(name="mine", root=str(tmp_path)))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("path", [b"b\xff/0.png", b"b/\xff.png", b"train-\xff.parquet"])
def test_a_name_that_is_not_utf8_is_told_in_ascii(tmp_path: Path, path: bytes) -> None:
    touch(tmp_path / "mine" / "a" / "0.png")
    touch(tmp_path / "mine" / os.fsdecode(path))
    with pytest.raises(DataError, match=r"\\udcff.* is not UTF-8") as caught:
        prepare(DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)
    assert str(caught.value).isascii()
