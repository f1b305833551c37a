"""What a network was fed can be made again from the words that go with it, with Pillow and numpy alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import pytest
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import ImageSet, load, load_test
from evaluator.settings import DataSettings
from tests.evaluator.image_files import pixels, png


def normalized(values: npt.NDArray[np.uint8], data: dict[str, Any]) -> npt.NDArray[np.float64]:
    """The steps `normalize` and the order of the axes."""
    mean, std = np.array(data["mean"]), np.maximum(data["std"], 1 / 255)
    square = values.reshape(data["image_size"], data["image_size"], data["channels"])
    return np.asarray(((square / 255 - mean) / std).transpose(2, 0, 1), dtype=np.float64)


def square(image: Image.Image, n: int) -> Image.Image:
    """The steps `cut`, `resize` and `crop`."""
    s = min(image.size)
    boxes = []
    for side in image.size:
        m = min(side, 16 * s)
        boxes.append(((side - m) // 2, (side - m) // 2 + m))
    image = image.crop((boxes[0][0], boxes[1][0], boxes[0][1], boxes[1][1]))
    if image.size != (n, n):
        w, h = max(round(image.width * n / s), n), max(round(image.height * n / s), n)
        image = image.resize((w, h), Image.Resampling.BILINEAR)
    left, top = (image.width - n) // 2, (image.height - n) // 2
    return image.crop((left, top, left + n, top + n))


def fed_by_the_words(file: bytes, data: dict[str, Any]) -> npt.NDArray[np.float64]:
    """An image file as a stranger would prepare it, who has read `data` of a candidate.json."""
    if file[:2] == b"\xff\xd8" and not file.endswith(b"\xff\xd9"):
        file = file.removesuffix(b"\xff") + b"\xff\xd9"
    with Image.open(io.BytesIO(file)) as opened:
        orientation = opened.getexif().get(0x0112, 1)
        deep = opened.mode.startswith("I;16") or (opened.mode == "I" and opened.format in ("PNG", "PPM"))
        image: Image.Image = opened.copy()
    if deep:
        levels = np.asarray(image).astype(np.int64)
        image = Image.fromarray(((np.minimum(np.maximum(levels, 0), 65535) + 128) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    image = image.convert("RGB" if data["channels"] == 3 else "L")
    image.getexif()[0x0112] = orientation
    image = ImageOps.exif_transpose(image)
    return normalized(np.asarray(square(image, data["image_size"])), data)


def fed_by_the_evaluator(part: ImageSet, data: DataSettings) -> npt.NDArray[np.float32]:
    device = torch.device("cpu")
    (batch, _), *_ = BatchSource(part, device).in_order(len(part))
    inputs = Normalization(load(data, 0).summary, device, torch.contiguous_format)(batch)
    return np.asarray(inputs.numpy(), dtype=np.float32)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return saved(Image.fromarray(pixels(5, (33, 20))), "jpeg", exif=tags.tobytes())


def see_through() -> bytes:
    image = Image.fromarray(pixels(6, (30, 21), channels=1)).convert("P")
    image.info["transparency"] = 7
    return saved(image, "png")


ODD = {
    "wide.png": png(pixels(1, (19, 50))),
    "square.png": png(pixels(2, (64, 64))),
    "as_it_is.png": png(pixels(3, (16, 16))),
    "line.png": png(pixels(4, (2, 300))),
    "turned.jpg": turned(6),
    "upside_down.jpg": turned(3),
    "see_through.png": see_through(),
    "half_see_through.png": saved(Image.fromarray(pixels(7, (25, 40), channels=4), "RGBA"), "png"),
    "deep.png": saved(Image.fromarray(np.random.default_rng(0).integers(0, 65536, (20, 30)).astype(np.uint16)), "png"),
    "print.jpg": saved(Image.fromarray(pixels(8, (30, 30), channels=4), "CMYK"), "jpeg"),
    "cut.jpg": saved(Image.fromarray(pixels(9, (40, 30))), "jpeg")[:-2],
    "moving.gif": saved(
        Image.fromarray(pixels(10, (20, 20))),
        "gif",
        save_all=True,
        append_images=[Image.fromarray(pixels(11, (20, 20)))],
    ),
}


@pytest.mark.parametrize("gray", [False, True])
def test_the_words_are_enough_to_feed_a_network_alike(tmp_path: Path, gray: bool) -> None:
    kept = {"deep.png"} if gray else set(ODD)
    for folder in ("train/a", "train/b", "val/a", "val/b"):
        (tmp_path / "d" / folder).mkdir(parents=True)
        for number in range(4):
            image = pixels(number + len(folder), (40, 40), channels=1 if gray else 3)
            (tmp_path / "d" / folder / f"{number}.png").write_bytes(png(image))
    for name in kept:
        (tmp_path / "d" / "val" / "b" / name).write_bytes(ODD[name])
    settings = DataSettings(name=str(tmp_path / "d"), image_size=16, cache=str(tmp_path / "cache"))
    splits = load(settings, 0)
    data = json.loads(json.dumps(splits.summary.to_json()))
    assert (data["channels"], len(splits.validation)) == (1 if gray else 3, 8 + len(kept))
    files = sorted((tmp_path / "d" / "val").glob("*/*"))
    expected = np.stack([fed_by_the_words(file.read_bytes(), data) for file in files])
    np.testing.assert_allclose(fed_by_the_evaluator(splits.validation, settings), expected, atol=1e-5)


def test_the_words_name_every_step_with_its_numbers(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "d" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "d" / name / f"{number}.png").write_bytes(png(pixels(number, (20, 30))))
    data = DataSettings(name=str(tmp_path / "d"), image_size=16, cache=str(tmp_path / "cache"))
    steps = load(data, 0).summary.to_json()["preparation"]
    assert list(steps) == [
        *("decoder", "open", "depth", "transparency", "color", "turn", "cut", "resize", "crop", "normalize")
    ]
    assert steps["decoder"] == f"Pillow {PIL.__version__}"
    assert "BILINEAR" in steps["resize"]
    assert "16 x 16" in steps["resize"]


def test_the_digits_are_fed_as_their_words_say(digits: DataSettings) -> None:
    data = json.loads(json.dumps(load(digits, 0).summary.to_json()))
    assert set(data["preparation"]) == {"decoder", "digits", "cut", "resize", "crop", "normalize"}
    all_of_them = {np.rint(image * 255 / 16).astype("uint8").tobytes(): image for image in load_digits().images}
    test = load_test(digits)
    first = all_of_them[np.ascontiguousarray(test.images[0]).tobytes()]
    image = Image.fromarray(np.rint(first * 255 / 16).astype("uint8"))
    expected = normalized(np.asarray(square(image, 8)), data)
    np.testing.assert_allclose(fed_by_the_evaluator(test, digits)[0], expected, atol=1e-5)
