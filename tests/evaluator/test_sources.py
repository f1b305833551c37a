from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.settings import DataSettings
from evaluator.sources import SOURCES, Kind, find_source
from nas.errors import DataError


def touch(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")


def test_a_known_name_is_taken_from_the_root_before_the_hub(tmp_path: Path) -> None:
    assert find_source(DataSettings(name="cifar10", root=str(tmp_path))).kind is Kind.HUB
    touch(tmp_path / "cifar10" / "train-00000-of-00001.parquet")
    assert find_source(DataSettings(name="cifar10", root=str(tmp_path))).kind is Kind.PARQUET


def test_any_folder_under_the_root_that_holds_parquet_is_a_dataset(tmp_path: Path) -> None:
    touch(tmp_path / "owner" / "mine" / "data" / "train-0.parquet")
    source = find_source(DataSettings(name="owner/mine", root=str(tmp_path)))
    assert (source.kind, Path(source.location)) == (Kind.PARQUET, tmp_path / "owner" / "mine")


@pytest.mark.parametrize("name", SOURCES)
def test_every_known_name_is_found_without_a_root(name: str) -> None:
    assert find_source(DataSettings(name=name)).known is SOURCES[name]


def test_a_hub_id_is_looked_for_on_the_hub() -> None:
    source = find_source(DataSettings(name="owner/name"))
    assert (source.kind, source.location) == (Kind.HUB, "owner/name")


@pytest.mark.parametrize("name", ["cifr10", "/no/such/folder", "a/b/c", "../x"])
def test_a_name_that_means_nothing_is_refused_with_the_places_and_the_known_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not there; looked for a folder in .*cifar10, cifar100, digits") as caught:
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
