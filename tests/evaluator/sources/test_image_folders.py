"""Folders as people have them: whatever lies there is taken, or told, or refused by name."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluator.images.data import DataSummary, load, load_test, prepare
from evaluator.settings import DataSettings
from evaluator.sources.folder_walk import IMAGE_SUFFIXES
from evaluator.sources.registry import find_source
from nas.errors import DataError
from tests.evaluator.image_files import pixels, png, write_folders, write_parquet


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of ten images."""
    write_folders(tmp_path / "photos", {name: [pixels(n) for n in range(10)] for name in ("cat", "dog")})
    return tmp_path / "photos"


def settings(folder: Path, **more: Any) -> DataSettings:
    return DataSettings(name=str(folder), cache=str(folder.parent / "cache"), **more)


def total(summary: DataSummary) -> int:
    return summary.train + summary.validation + summary.test


def refusal(folder: Path, **more: bool) -> str:
    with pytest.raises(DataError) as caught:
        prepare(settings(folder, **more), seed=0)
    return str(caught.value)


def test_a_linked_class_folder_is_a_class(photos: Path) -> None:
    write_folders(photos.parent / "elsewhere", {"bird": [pixels(n) for n in range(10)]})
    (photos / "bird").symlink_to(photos.parent / "elsewhere" / "bird")
    summary = prepare(settings(photos), seed=0)
    assert (summary.class_names, total(summary)) == (("bird", "cat", "dog"), 30)


@pytest.mark.parametrize(
    "name", ["__other__", "_", "[1]", "a*b?", " spaced ", "ünï", "test", "val", "Train", "{x}", "100%", "a,b", "data"]
)
def test_every_class_folder_is_a_class_whatever_its_name(photos: Path, name: str) -> None:
    write_folders(photos, {name: [pixels(n) for n in range(10)]})
    summary = prepare(settings(photos), seed=0)
    folders = sorted(each.name for each in photos.iterdir())
    assert (list(summary.class_names), total(summary)) == (folders, 30)


def test_images_of_folders_below_a_class_are_taken_and_told(photos: Path) -> None:
    write_folders(photos / "cat", {"more": [pixels(n) for n in range(4)]})
    summary = prepare(settings(photos), seed=0)
    assert total(summary) == 24
    assert "taken with their class, images in folders below its folder: 4, such as cat/more/0.png" in summary.told


def test_groups_of_folders_are_classes_and_the_doubt_is_told(tmp_path: Path) -> None:
    for group, members in (("animals", "ab"), ("vehicles", "cd")):
        write_folders(tmp_path / "d" / group, {name: [pixels(n) for n in range(4)] for name in members})
    summary = prepare(settings(tmp_path / "d"), seed=0)
    assert summary.class_names == ("animals", "vehicles")
    assert any("are those the classes?" in each and "16" in each for each in summary.told)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Train", "Valid", "Test"), ("TRAINING", "validation", "testing")]
)
def test_splits_are_known_by_their_names_in_any_case(tmp_path: Path, names: tuple[str, str, str]) -> None:
    for number, (name, count) in enumerate(zip(names, (6, 3, 2), strict=True)):
        write_folders(tmp_path / "d" / name, {each: [pixels(10 * number + n) for n in range(count)] for each in "ab"})
    data = settings(tmp_path / "d")
    summary = prepare(data, seed=0)
    assert (summary.train, summary.validation, summary.test) == (12, 6, 4)
    assert sorted(load_test(data).images[:, 0, 0, 0]) == sorted([pixels(20 + n)[0, 0, 0] for n in range(2)] * 2)
    assert any(each.startswith("validation images: 6, those of the source's own") for each in summary.told)


def test_a_split_in_capitals_without_validation_has_it_carved(tmp_path: Path) -> None:
    for name in ("Train", "Test"):
        write_folders(tmp_path / "d" / name, {each: [pixels(n) for n in range(10)] for each in "ab"})
    summary = prepare(settings(tmp_path / "d"), seed=0)
    assert (summary.train, summary.validation, summary.test) == (18, 2, 20)


def test_splits_without_one_to_train_on_are_refused(tmp_path: Path) -> None:
    write_folders(tmp_path / "d", {"cat": [pixels(1)]})
    for name in ("val", "test"):
        write_folders(tmp_path / "d" / name, {each: [pixels(n) for n in range(4)] for each in "ab"})
    assert re.search("holds test, val, but no folder train beside", refusal(tmp_path / "d"))


def test_classes_that_hold_the_splits_are_refused(tmp_path: Path) -> None:
    for name in "ab":
        write_folders(tmp_path / "d" / name, {part: [pixels(n) for n in range(4)] for part in ("train", "test")})
    assert "holds a folder train of its own" in refusal(tmp_path / "d")


def test_a_split_with_none_of_the_classes_is_told_and_not_used(tmp_path: Path) -> None:
    write_folders(tmp_path / "d" / "train", {each: [pixels(n) for n in range(10)] for each in "ab"})
    write_folders(tmp_path / "d" / "val", {"images": [pixels(n) for n in range(4)]})
    write_folders(tmp_path / "d", {"test": [pixels(n) for n in range(4)]})
    summary = prepare(settings(tmp_path / "d"), seed=0)
    assert (summary.class_names, total(summary)) == (("a", "b"), 20)
    told = "\n".join(summary.told)
    assert "not used, images of val, which has none of the training classes: 4, such as val/images/0.png" in told
    assert "not used, images of test, which has no class folders: 4, such as test/0.png" in told


def test_folders_that_have_no_part_beside_train_are_told(tmp_path: Path) -> None:
    for name in ("train", "valid", "val", "extra"):
        write_folders(tmp_path / "d" / name, {each: [pixels(n) for n in range(10)] for each in "ab"})
    summary = prepare(settings(tmp_path / "d"), seed=0)
    assert (total(summary), summary.validation) == (40, 20)
    assert set(summary.told) >= {
        "not used, folders beside train: 1, extra",
        "not used, splits of which another folder is used: 1, val",
    }


def test_folders_that_differ_in_capitals_are_classes_and_told(photos: Path) -> None:
    write_folders(photos, {"Cat": [pixels(n) for n in range(10)]})
    summary = prepare(settings(photos), seed=0)
    assert summary.class_names == ("Cat", "cat", "dog")
    assert (
        "taken for separate classes, folders whose names differ only in capital letters: 2, such as Cat" in summary.told
    )


def test_a_class_of_the_validation_split_alone_is_refused_or_skipped(tmp_path: Path) -> None:
    write_folders(tmp_path / "d" / "train", {each: [pixels(n) for n in range(10)] for each in "ab"})
    write_folders(tmp_path / "d" / "val", {each: [pixels(n) for n in range(4)] for each in "abc"})
    assert "\n  c (no images)" in refusal(tmp_path / "d")
    summary = prepare(settings(tmp_path / "d", skip_small_classes=True), seed=0)
    assert (summary.class_names, summary.validation, summary.skipped_classes) == (("a", "b"), 8, 1)


def test_classes_that_are_never_validated_are_told(tmp_path: Path) -> None:
    write_folders(tmp_path / "d" / "train", {each: [pixels(n) for n in range(10)] for each in "abc"})
    write_folders(tmp_path / "d" / "val", {each: [pixels(n) for n in range(4)] for each in "ab"})
    told = prepare(settings(tmp_path / "d"), seed=0).told
    assert "never validated, classes without an image in the validation split: 1, c" in told


def test_two_splits_that_are_one_folder_are_refused(tmp_path: Path) -> None:
    write_folders(tmp_path / "d" / "train", {each: [pixels(n) for n in range(10)] for each in "ab"})
    (tmp_path / "d" / "val").symlink_to("train")
    assert "are one folder by a link" in refusal(tmp_path / "d")


def test_one_class_is_refused_and_two_are_asked_for(tmp_path: Path) -> None:
    write_folders(tmp_path / "d", {"cat": [pixels(n) for n in range(10)]})
    assert "one class only, cat; at least two classes" in refusal(tmp_path / "d")
    assert "one class only" in refusal(tmp_path / "d", skip_small_classes=True)


def test_a_folder_in_a_folder_is_named_where_the_classes_are(tmp_path: Path) -> None:
    write_folders(tmp_path / "d" / "d", {each: [pixels(n) for n in range(10)] for each in "ab"})
    assert f"give --data.name {tmp_path / 'd' / 'd'}" in refusal(tmp_path / "d")


def test_what_is_not_taken_is_counted_by_kind_with_an_example(photos: Path) -> None:
    for name in ("cat/._0.png", "cat/.DS_Store", ".hidden/0.png", "dog/Thumbs.db", "dog/notes.TXT", "dog/more.TXT"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(png(pixels(1)))
    (photos / "cover.png").write_bytes(png(pixels(1)))
    (photos / "cat" / "0001").write_bytes(png(pixels(1)))
    (photos / "__MACOSX" / "cat").mkdir(parents=True)
    summary = prepare(settings(photos), seed=0)
    assert (summary.class_names, total(summary)) == (("cat", "dog"), 20)
    assert set(summary.told) >= {
        "not used, hidden files and folders: 3, such as .hidden",
        "not used, files ending in .db: 1, dog/Thumbs.db",
        "not used, files ending in .TXT: 2, such as dog/more.TXT",
        "not used, files without an ending: 1, cat/0001",
        "not used, images beside the class folders: 1, cover.png",
        "not used, folders of the system: 1, __MACOSX",
    }


def test_what_lies_beside_the_images_later_is_told_though_nothing_is_decoded_anew(photos: Path) -> None:
    before = prepare(settings(photos), seed=0)
    (photos / "cat" / "notes.txt").write_text("new")
    after = prepare(settings(photos), seed=0)
    assert "not used, files ending in .txt: 1, cat/notes.txt" in after.told
    assert replace(after, told=before.told) == before


def test_images_of_every_kind_are_in_the_identity(photos: Path) -> None:
    found = {find_source(settings(photos)).identity}
    for number, suffix in enumerate(IMAGE_SUFFIXES):
        name = suffix.upper() if number % 2 else suffix
        (photos / "cat" / f"more{name}").write_bytes(png(pixels(number)))
        found.add(find_source(settings(photos)).identity)
    assert len(found) == len(IMAGE_SUFFIXES) + 1
    assert total(prepare(settings(photos), seed=0)) == 20 + len(IMAGE_SUFFIXES)


def test_more_jfif_images_are_not_the_set_of_before(photos: Path) -> None:
    assert total(prepare(settings(photos), seed=0)) == 20
    for number in range(10):
        (photos / "dog" / f"{number}.jfif").write_bytes(png(pixels(number)))
    assert total(prepare(settings(photos), seed=0)) == 30


def break_in(photos: Path, kind: str) -> str:
    """Puts something in the place of an image; returns what must be told of it."""
    place = photos / "cat" / "odd.png"
    if kind == "dangling link":
        place.symlink_to("gone.png")
        return "the link leads nowhere"
    if kind == "link to itself":
        place.symlink_to("odd.png")
        return "the link leads to itself"
    if kind == "pipe":
        os.mkfifo(place)
        return "it is a pipe, which is never read"
    if kind == "link to a device":
        place.symlink_to("/dev/zero")
        return "it is a device, which is never read"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
            patch.chdir(place.parent)  # a socket's path is short
            one.bind(place.name)
        return "it is a socket, which is never read"
    if kind == "loop":
        place.symlink_to(photos)
        return "the link leads back to a folder above it"
    place.symlink_to("/")
    return "the link leads back to a folder above it"


@pytest.mark.parametrize(
    "kind", ["dangling link", "link to itself", "pipe", "link to a device", "socket", "loop", "link to everything"]
)
def test_what_can_never_be_read_is_refused_by_name_or_skipped(photos: Path, kind: str) -> None:
    why = break_in(photos, kind)
    assert "1 of 21 images cannot be used" in refusal(photos)
    assert f"\n  cat/odd.png: {why}" in refusal(photos)
    summary = prepare(settings(photos, skip_broken=True), seed=0)
    assert (total(summary), summary.skipped_images) == (20, 1)
    assert f"skipped, images that cannot be used (--data.skip_broken): 1, cat/odd.png: {why}" in summary.told


@pytest.mark.parametrize("kind", ["dangling link", "pipe", "link to itself"])
def test_in_the_place_of_a_class_too(photos: Path, kind: str) -> None:
    why = break_in(photos, kind)
    (photos / "cat" / "odd.png").rename(photos / "odd.png")
    assert f"\n  odd.png: {why}" in refusal(photos)
    assert prepare(settings(photos, skip_broken=True), seed=0).class_names == ("cat", "dog")


def test_links_that_cross_end(tmp_path: Path) -> None:
    # Each of twelve folders leads to the next by two links: 4,096 ways to the last one, which is entered once for a class.
    write_folders(tmp_path / "d", {name: [pixels(n) for n in range(4)] for name in "ab"})
    for number in range(12):
        folder = tmp_path / "steps" / str(number)
        folder.mkdir(parents=True)
        (folder / "0.png").write_bytes(png(pixels(number)))
        for link in ("x", "y"):
            (folder / link).symlink_to(tmp_path / "steps" / str(number + 1))
    (tmp_path / "steps" / "12").mkdir()
    (tmp_path / "d" / "a" / "steps").symlink_to(tmp_path / "steps" / "0")
    summary = prepare(settings(tmp_path / "d"), seed=0)
    assert total(summary) == 8 + 12
    assert any(each.startswith("not used, folders that a link reaches a second time: 12") for each in summary.told)


def test_an_image_that_is_reached_twice_is_told(photos: Path) -> None:
    (photos / "dog" / "again.png").symlink_to(photos / "cat" / "0.png")
    told = prepare(settings(photos), seed=0).told
    assert any(each.startswith("used once per link, image files that several links lead to: 1") for each in told)


def test_all_broken_images_are_named_at_once_the_first_twenty(photos: Path) -> None:
    for number in range(10):
        (photos / "cat" / f"x{number}.png").write_bytes(b"")
        (photos / "dog" / f"x{number}.jpg").write_bytes(b"no image")
    (photos / "dog" / "y.png").write_bytes(png(pixels(3))[:60])  # its header is whole
    (photos / "dog" / "z.png").symlink_to("gone")
    said = refusal(photos)
    assert "22 of 42 images" in said
    assert said.count("\n  ") == 21
    assert said.endswith("and 2 more")
    summary = prepare(settings(photos, skip_broken=True), seed=0)
    assert (total(summary), summary.skipped_images) == (20, 22)


def test_a_broken_header_does_not_hide_a_broken_picture(photos: Path) -> None:
    (photos / "cat" / "0.png").write_bytes(b"")
    (photos / "dog" / "9.png").write_bytes(png(pixels(3))[:60])
    said = refusal(photos)
    assert "cat/0.png: the file is empty" in said
    assert "dog/9.png: " in said


def test_a_jpeg_that_ends_early_is_taken_and_told(photos: Path) -> None:
    file = photos / "cat" / "x.JPG"
    Image.fromarray(pixels(1, (16, 16))).save(file, "jpeg")
    whole = prepare(settings(photos), seed=0)
    file.write_bytes(file.read_bytes()[:-2])
    cut = prepare(settings(photos), seed=0)
    assert (cut.repaired_images, cut.fingerprint, total(cut)) == (1, whole.fingerprint, 21)
    assert "repaired, JPEG files that end early: 1, cat/x.JPG" in cut.told
    file.write_bytes(file.read_bytes()[:-60])
    assert "\n  cat/x.JPG: " in refusal(photos)


def test_skipping_makes_other_images_and_only_where_some_are_skipped(photos: Path) -> None:
    whole = prepare(settings(photos), seed=0).fingerprint
    assert prepare(settings(photos, skip_broken=True, skip_small_classes=True), seed=0).fingerprint == whole
    (photos / "cat" / "x.png").symlink_to("gone")
    once = prepare(settings(photos, skip_broken=True), seed=0).fingerprint
    (photos / "cat" / "y.png").symlink_to("gone")
    twice = prepare(settings(photos, skip_broken=True), seed=0).fingerprint
    assert len({whole, once, twice}) == 3


def test_what_is_skipped_is_as_if_it_were_not_there(photos: Path) -> None:
    (photos / "dog" / "x.png").write_bytes(png(pixels(3))[:60])
    skipped = load(settings(photos, skip_broken=True), 0)
    (photos / "dog" / "x.png").unlink()
    gone = load(settings(photos), 0)
    assert skipped.train.images.tobytes() == gone.train.images.tobytes()
    assert skipped.train.rows.tolist() == gone.train.rows.tolist()


def test_small_classes_are_all_named_or_skipped(photos: Path) -> None:
    write_folders(photos, {"bird": [pixels(1)], "cow": [], "emu": [pixels(1), pixels(2)]})
    said = refusal(photos)
    assert "3 of 5 classes have too few training images" in said
    assert said.endswith(":\n  bird (1 image)\n  cow (no images)\n  emu (2 images)")
    summary = prepare(settings(photos, skip_small_classes=True), seed=0)
    assert (summary.class_names, total(summary), summary.skipped_classes) == (("cat", "dog"), 20, 3)
    kind = "skipped, classes with too few images (--data.skip_small_classes)"
    assert f"{kind}: 3, such as bird (1 image)" in summary.told


def test_why_a_class_has_no_images_is_told(photos: Path) -> None:
    write_folders(photos, {"bird": []})
    (photos / "bird" / "0.HEIC").write_bytes(b"x")
    assert refusal(photos).endswith("\n  bird (no images)\nFound: not used, files ending in .HEIC: 1, bird/0.HEIC")


def test_class_folders_beside_tables_are_told(photos: Path) -> None:
    write_parquet(photos / "train-0.parquet", [png(pixels(n)) for n in range(8)], [0, 1] * 4)
    summary = prepare(settings(photos), seed=0)
    assert total(summary) == 8
    assert "not used, folders beside the Parquet files: 2, such as cat" in summary.told


def test_a_class_whose_images_are_all_broken_is_a_small_one(photos: Path) -> None:
    write_folders(photos, {"bird": []})
    for number in range(5):
        (photos / "bird" / f"{number}.png").write_bytes(b"")
    assert "5 of 25 images cannot be used" in refusal(photos)
    assert "\n  bird (no images)" in refusal(photos, skip_broken=True)
    summary = prepare(settings(photos, skip_broken=True, skip_small_classes=True), seed=0)
    assert summary.class_names == ("cat", "dog")


@pytest.mark.parametrize("name", ["~nobody_of_that_name/x", "x" * 5000, "a\0b"])
def test_a_name_that_no_folder_can_have_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="dataset"):
        find_source(DataSettings(name=name))


def test_a_dataset_that_is_a_link_to_itself_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "pipe"):
        with pytest.raises(DataError, match=name):
            find_source(DataSettings(name=str(tmp_path / name)))


def test_a_pipe_in_the_place_of_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d" / "train-0.parquet")
    with pytest.raises(DataError, match=r"train-0.parquet is not a regular file"):
        find_source(DataSettings(name=str(tmp_path / "d")))
