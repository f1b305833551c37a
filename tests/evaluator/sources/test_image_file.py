"""One image file, however odd."""

from __future__ import annotations

import io
import os
import struct
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFile

from evaluator.images.decoding import Form, decode_image
from evaluator.sources.image_file import FORMATS, LARGEST_BYTES, opened, quiet_pillow, reason, with_pixels

SMOOTH = np.stack([np.add.outer(np.arange(96), np.arange(96) * k) % 256 for k in (1, 2, 3)], axis=-1).astype(np.uint8)


def jpeg(image: npt.NDArray[np.uint8], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", **options)
    return file.getvalue()


def decoded(file: bytes) -> tuple[npt.NDArray[np.uint8], bool]:
    with opened(file) as image:
        whole, repaired = with_pixels(image, file)
        return np.asarray(whole), repaired


@pytest.mark.parametrize("size", [16, 17, 96])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_without_its_end_marker_is_the_whole_image(size: int, progressive: bool, cut: int) -> None:
    file = jpeg(SMOOTH[:size, :size], progressive=progressive)
    found, repaired = decoded(file[:-cut])
    np.testing.assert_array_equal(found, decoded(file)[0])
    assert repaired
    assert not decoded(file)[1]


@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"quality": 95}, {"optimize": True}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("share", [0.2, 0.35, 0.75, 0.85, 0.95])
def test_a_jpeg_is_repaired_where_half_of_its_lines_are_there(options: dict[str, Any], share: float) -> None:
    noisy = (SMOOTH // 2 + np.random.default_rng(0).integers(0, 99, SMOOTH.shape)).astype(np.uint8)
    file = jpeg(noisy, **options)
    whole = decoded(file)[0]
    cut = file[: int(share * len(file))]
    if share < 0.5:
        with pytest.raises(ValueError, match=r"ends after \d+ of 96 lines; half of them or more are needed"):
            decoded(cut)
    else:
        found, repaired = decoded(cut)
        assert repaired
        np.testing.assert_array_equal(found[:48], whole[:48])
        assert (found != whole).any()


def test_the_switch_for_truncated_images_stays_as_it_is() -> None:
    assert decoded(jpeg(SMOOTH)[:-2])[1]
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(11_000, 11_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_file_that_claims_too_many_pixels_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(Exception, match="pixels") as caught, quiet_pillow(), opened(bomb(*size)):
        pass
    assert "allowed: 100,000,000" in reason(caught.value)


def test_a_line_of_pixels_does_not_grow_to_millions() -> None:
    image = np.zeros((2, 400_000), dtype=np.uint8)
    image[:, 200_000 - 1 : 200_000 + 1] = 255
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    found = decode_image(file.getvalue(), Form(size=224, channels=1))
    assert not found.fault
    assert found.pixels[:, 100:124].min() == 255


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_pipe_and_a_device_are_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(ValueError, match="no regular file"), opened(str(tmp_path / name)):
            pass


def test_a_file_larger_than_any_image_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.webp").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)  # a hole, which takes no room on the disk
    with pytest.raises(ValueError, match="larger than"), opened(str(tmp_path / "large.webp")):
        pass


def test_a_file_of_another_program_is_not_run() -> None:
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(Exception, match="cannot identify") as caught, opened(eps):
        pass
    assert reason(caught.value).startswith("it is not an image of a format that is read (PNG, JPEG")


def test_every_format_that_is_named_is_known_to_pillow() -> None:
    Image.init()
    assert set(FORMATS) <= set(Image.OPEN)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(jpeg(SMOOTH))
    with opened(str(tmp_path / "photo.png")) as image:
        assert image.format == "JPEG"


def test_the_first_picture_of_an_animation_is_taken_and_marked() -> None:
    file = io.BytesIO()
    first, second = (Image.new("L", (8, 8), level) for level in (10, 200))
    first.save(file, "gif", save_all=True, append_images=[second])
    found = decode_image(file.getvalue(), Form(size=8, channels=1))
    assert (found.animated, set(found.pixels.ravel().tolist())) == (True, {10})


def test_warnings_of_pillow_stay_inside_and_filters_are_put_back() -> None:
    before = list(warnings.filters)
    with quiet_pillow():
        warnings.warn_explicit("odd", UserWarning, "PIL/TiffImagePlugin.py", 1, module="PIL.TiffImagePlugin")
    assert warnings.filters == before
