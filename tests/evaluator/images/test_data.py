from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import huggingface_hub.constants
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from evaluator.images.data import load, load_test, prepare
from evaluator.settings import DataSettings
from nas.errors import DataError, SettingsError
from tests.evaluator.image_files import pixels, png, write_folders, write_parquet


def test_digits_are_described_as_they_are(digits: DataSettings) -> None:
    summary = prepare(digits, seed=0)
    assert (summary.classes, summary.image_size, summary.channels) == (10, 8, 1)
    assert summary.train + summary.validation + summary.test == 1797
    assert (summary.flip, summary.crop_padding, summary.resized_crop) == (False, 1, False)
    assert json.loads(json.dumps(summary.to_json()))["class_names"] == [str(digit) for digit in range(10)]


def test_digits_keep_their_sixteen_grey_levels(digits: DataSettings) -> None:
    splits, test = load(digits, 0), load_test(digits)
    decoded = np.concatenate([splits.train.images, test.images])[..., 0] / (255 / 16)
    original = load_digits().images
    assert np.allclose(sorted(decoded.sum((1, 2))), sorted(original.sum((1, 2))), atol=0.02 * 64)
    assert set(np.rint(decoded).ravel()) == set(range(17))


def test_training_validation_and_test_images_are_different_ones_of_every_class(digits: DataSettings) -> None:
    splits, test = load(digits, 0), load_test(digits)
    assert not set(splits.train.rows) & set(splits.validation.rows)
    assert set(splits.train.rows) | set(splits.validation.rows) == set(range(len(splits.train.labels)))
    for part in (splits.train, splits.validation, test):
        assert set(part.labels[part.rows].tolist()) == set(range(10))


def test_the_seed_decides_the_validation_and_never_the_test_images(digits: DataSettings) -> None:
    assert load(digits, 0).validation.rows.tolist() == load(digits, 0).validation.rows.tolist()
    assert load(digits, 0).validation.rows.tolist() != load(digits, 1).validation.rows.tolist()
    assert prepare(digits, seed=0).fingerprint != prepare(digits, seed=1).fingerprint
    assert prepare(digits, seed=0).test == prepare(digits, seed=1).test


def test_mean_and_deviation_are_those_of_the_training_pixels(digits: DataSettings) -> None:
    summary, images = prepare(digits, seed=0), load(digits, 0).train.images
    assert summary.mean == pytest.approx([np.mean(images / 255.0)])
    assert summary.std == pytest.approx([np.std(images / 255.0)])


def test_a_limit_counts_validation_images_too_and_keeps_the_classes_even(digits: DataSettings) -> None:
    splits = load(replace(digits, train_limit=200, validation_share=0.25), 0)
    assert (len(splits.train), len(splits.validation)) == (150, 50)
    counts = Counter(splits.train.labels[splits.train.rows].tolist())
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_limit_below_two_images_a_class_is_refused(digits: DataSettings) -> None:
    with pytest.raises(DataError, match=r"--data.train_limit is 19, but 10 classes need at least 20"):
        prepare(replace(digits, train_limit=19), seed=0)


def test_settings_out_of_range_are_all_named(digits: DataSettings) -> None:
    with pytest.raises(SettingsError, match=r"image_size is 1.*validation_share is 2"):
        prepare(replace(digits, image_size=1, validation_share=2.0), seed=0)


def test_parquet_images_come_out_as_they_went_in(tmp_path: Path) -> None:
    images = [pixels(seed) for seed in range(12)]
    write_parquet(tmp_path / "mine" / "train-00000.parquet", [png(each) for each in images], [0, 1] * 6)
    write_parquet(tmp_path / "mine" / "test-00000.parquet", [png(each) for each in images[:2]], [1, 0])
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    splits, test = load(data, 0), load_test(data)
    np.testing.assert_array_equal(splits.train.images, images)
    assert splits.train.labels.tolist() == [0, 1] * 6
    np.testing.assert_array_equal(test.images, images[:2])
    assert test.labels.tolist() == [1, 0]
    assert (splits.summary.class_names, splits.summary.test, splits.summary.flip) == (("a", "b"), 2, True)


def test_without_a_test_split_a_fixed_part_of_each_class_is_carved(tmp_path: Path) -> None:
    images = [pixels(seed) for seed in range(40)]
    write_parquet(tmp_path / "mine" / "train-0.parquet", [png(each) for each in images], [0, 1] * 20)
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    summary, test = prepare(data, seed=0), load_test(data)
    assert (summary.train + summary.validation, summary.test) == (36, 4)
    assert Counter(test.labels.tolist()) == {0: 2, 1: 2}
    together = [*load(data, 0).train.images, *test.images]
    assert sorted(each.tobytes() for each in together) == sorted(each.tobytes() for each in images)


def test_a_test_split_without_labels_is_told_and_carved(tmp_path: Path) -> None:
    images = [png(pixels(seed)) for seed in range(8)]
    write_parquet(tmp_path / "mine" / "train-0.parquet", images, [0, 1] * 4)
    write_parquet(tmp_path / "mine" / "test-0.parquet", images[:4], [-1] * 4)
    write_parquet(tmp_path / "mine" / "validation-0.parquet", images[:5], [0, 1, 1, 0, 1])
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    splits = load(data, 0)
    assert (len(splits.train), len(splits.validation), splits.summary.test) == (6, 5, 2)
    assert splits.validation.labels[splits.validation.rows].tolist() == [0, 1, 1, 0, 1]
    assert "not used, splits without labels: 1, test" in splits.summary.told


def test_a_folder_of_class_folders_is_a_dataset(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos", {"cat": [pixels(n) for n in range(5)], "dog": [pixels(9 + n) for n in range(5)]})
    (tmp_path / "photos" / "cat" / "notes.txt").write_text("not an image")
    summary = prepare(DataSettings(name=str(tmp_path / "photos"), cache=str(tmp_path / "cache")), seed=0)
    assert summary.class_names == ("cat", "dog")
    assert (summary.train, summary.validation, summary.test) == (6, 2, 2)


def test_a_val_folder_is_the_validation_split_in_every_search(tmp_path: Path) -> None:
    write_folders(tmp_path / "train", {"cat": [pixels(n) for n in range(4)], "dog": [pixels(n) for n in range(4)]})
    write_folders(tmp_path / "val", {"cat": [pixels(8)], "dog": [pixels(7)]})
    data = DataSettings(name=str(tmp_path), cache=str(tmp_path / "cache"))
    for seed in (0, 1):
        splits = load(data, seed)
        assert (len(splits.train), len(splits.validation), splits.summary.test) == (6, 2, 2)
        np.testing.assert_array_equal(splits.validation.images[splits.validation.rows], [pixels(8), pixels(7)])
        assert splits.validation.labels[splits.validation.rows].tolist() == [0, 1]
    assert any("the source's own validation split" in each for each in splits.summary.told)
    whole = np.concatenate([splits.train.images[splits.train.rows]]) / 255.0
    assert splits.summary.mean == pytest.approx(whole.mean(axis=(0, 1, 2)))
    assert len(load(replace(data, train_limit=4), 0).train) == 4


def test_gray_images_have_one_channel_unless_one_has_color(tmp_path: Path) -> None:
    gray = {name: [pixels(n, channels=1) for n in range(4)] for name in ("a", "b")}
    write_folders(tmp_path / "gray", gray)
    write_folders(tmp_path / "mixed", {**gray, "c": [pixels(n) for n in range(4)]})
    cache = str(tmp_path / "cache")
    data = DataSettings(name="gray", root=str(tmp_path), cache=cache)
    assert prepare(data, seed=0).channels == 1
    assert load(data, 0).train.images[0, ..., 0].tolist() in [each.tolist() for each in gray["a"]]
    assert prepare(replace(data, name="mixed"), seed=0).channels == 3


def test_images_are_brought_to_the_median_of_their_shorter_sides(tmp_path: Path) -> None:
    write_folders(tmp_path / "equal", {name: [pixels(n, (12, 10)) for n in range(4)] for name in "ab"})
    write_folders(tmp_path / "differ", {name: [pixels(n, (12, 10 + n)) for n in range(4)] for name in "ab"})
    data = DataSettings(name="equal", root=str(tmp_path), cache=str(tmp_path / "cache"))
    assert prepare(data, seed=0).image_size == 10
    assert prepare(replace(data, name="differ"), seed=0).image_size == 11
    assert prepare(replace(data, name="differ", image_size=16), seed=0).image_size == 16


def test_large_images_of_one_size_are_brought_to_224_pixels(tmp_path: Path) -> None:
    write_folders(tmp_path / "large", {name: [pixels(n, (240, 300)) for n in range(3)] for name in "ab"})
    assert prepare(DataSettings(name=str(tmp_path / "large"), cache=str(tmp_path / "c")), seed=0).image_size == 224


def test_a_class_may_be_named_train(tmp_path: Path) -> None:
    write_folders(tmp_path / "d", {name: [pixels(n) for n in range(3)] for name in ("car", "plane", "train")})
    summary = prepare(DataSettings(name=str(tmp_path / "d"), cache=str(tmp_path / "cache")), seed=0)
    assert summary.class_names == ("car", "plane", "train")
    assert (summary.train, summary.validation, summary.test) == (3, 3, 3)


def test_a_wide_image_keeps_its_center(tmp_path: Path) -> None:
    wide = np.zeros((8, 20, 3), dtype=np.uint8)
    wide[:, 6:14] = pixels(3)
    write_folders(tmp_path / "wide", {name: [wide] * 4 for name in "ab"})
    data = DataSettings(name="wide", root=str(tmp_path), image_size=8, cache=str(tmp_path / "cache"))
    np.testing.assert_array_equal(load(data, 0).train.images[0], pixels(3))


def test_large_images_get_resized_crops_unless_a_padding_is_set(tmp_path: Path) -> None:
    write_folders(tmp_path / "large", {name: [pixels(n, (128, 128)) for n in range(3)] for name in "ab"})
    data = DataSettings(name="large", root=str(tmp_path), cache=str(tmp_path / "cache"))
    assert prepare(data, seed=0).resized_crop
    padded = prepare(replace(data, crop_padding=8), seed=0)
    assert (padded.resized_crop, padded.crop_padding) == (False, 8)


def test_a_named_label_column_is_taken(tmp_path: Path) -> None:
    coarse = {"kind": (datasets.ClassLabel(names=["x", "y", "z"]), [0, 1, 2] * 4)}
    write_parquet(
        tmp_path / "mine" / "train-0.parquet",
        [png(pixels(n)) for n in range(12)],
        [0, 1] * 6,
        label="sort",
        more=coarse,
    )
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"2 columns that could be the label \(sort, kind\).*--data.label_column"):
        prepare(data, seed=0)
    assert prepare(replace(data, label_column="kind"), seed=0).class_names == ("x", "y", "z")
    with pytest.raises(DataError, match=r"--data.label_column is 'colour', but .* has the columns"):
        prepare(replace(data, label_column="colour"), seed=0)


def test_fine_label_is_preferred_to_coarse_label(tmp_path: Path) -> None:
    coarse = {"coarse_label": (datasets.ClassLabel(names=["x"]), [0] * 6)}
    file = tmp_path / "mine" / "train-0.parquet"
    write_parquet(file, [png(pixels(n)) for n in range(6)], [0, 1] * 3, label="fine_label", more=coarse)
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    assert prepare(data, seed=0).class_names == ("a", "b")


@pytest.mark.parametrize("label", [-1, 2, None])
def test_a_label_out_of_range_or_missing_is_named_with_its_row(tmp_path: Path, label: int | None) -> None:
    write_parquet(
        tmp_path / "mine" / "train-0.parquet", [png(pixels(n)) for n in range(8)], [0, 1, 0, label, 1, 0, 1, 0]
    )
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    with pytest.raises(DataError, match=rf"row 3 has the label {label} in column 'label'; allowed: 0 to 1"):
        prepare(data, seed=0)


def test_an_image_in_parquet_that_does_not_decode_is_named_with_its_row(tmp_path: Path) -> None:
    images = [png(pixels(n)) for n in range(8)]
    images[5] = images[5][:40]
    write_parquet(tmp_path / "mine" / "train-0.parquet", images, [0, 1] * 4)
    write_parquet(tmp_path / "mine" / "test-0.parquet", images[:2], [0, 1])
    data = DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"(?s)1 of 10 images cannot be used.*row 5 of .*mine, split train \(5.png\)"):
        prepare(data, seed=0)
    assert not list((tmp_path / "cache").iterdir())


def test_an_image_file_that_does_not_decode_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos", {name: [pixels(n) for n in range(4)] for name in "ab"})
    (tmp_path / "photos" / "b" / "2.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"b/2\.png: it is not an image of a format that is read"):
        prepare(DataSettings(name="photos", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_class_with_too_few_images_for_the_splits_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos", {"cat": [pixels(n) for n in range(5)], "dog": [pixels(1)]})
    with pytest.raises(DataError, match=r"1 of 2 classes .* 3 or more are needed.*\n  dog \(1 image\)"):
        prepare(DataSettings(name="photos", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "1.png").write_bytes(png(pixels(1)))
    with pytest.raises(DataError, match="holds no class folders"):
        prepare(DataSettings(name="flat", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_class_folder_without_an_image_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path / "photos", {"cat": [pixels(n) for n in range(5)], "dog": []})
    with pytest.raises(DataError, match=r"\n  dog \(no images\)"):
        prepare(DataSettings(name="photos", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_table_without_images_is_refused_with_its_columns(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    pq.write_table(pa.table({"text": ["x"], "label": [0]}), tmp_path / "mine" / "train-0.parquet")
    with pytest.raises(
        DataError, match=r"0 columns that could be the image .* its columns are text \(string\), label \(int64\)"
    ):
        prepare(DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_broken_parquet_file_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train-0.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match=r"mine cannot be opened: .*[Pp]arquet"):
        prepare(DataSettings(name="mine", root=str(tmp_path), cache=str(tmp_path / "cache")), seed=0)


def test_a_hub_that_cannot_be_reached_is_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    data = DataSettings(name="cifar100", root=str(tmp_path), cache=str(tmp_path / "cache"))
    with pytest.raises(
        DataError, match=r"'cifar100' is not there .*refused.*looked for .*cifar100.*uoft-cs/cifar100.*--data.root"
    ):
        prepare(data, seed=0)
