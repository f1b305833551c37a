"""Describes how an image is prepared for a network, in words that suffice to do the same with Pillow and numpy.

The description goes with each exported network. A test follows it, and compares the result with the evaluator's images.
"""

from __future__ import annotations


def preparation(*, size: int, channels: int, decoder: str, bundled: bool) -> dict[str, str]:
    """The steps by name, in order. Validation and test images get exactly these.

    Args:
        size: Side length in pixels.
        channels: Number of channels, 1 or 3.
        decoder: Name and version of the decoder.
        bundled: Whether the images are the digits of scikit-learn, which are not files.
    """
    square = {
        "cut": "A side longer than 16 times the shorter side s is cut to m = 16 * s in the middle, from (side - m) // 2 on.",
        "resize": f"Where the image is not {size} x {size}: Image.resize((w, h), Image.Resampling.BILINEAR) with "
        f"w = max(round(width * {size} / s), {size}), h = max(round(height * {size} / s), {size}).",
        "crop": f"The middle {size} x {size} pixels: from left = (w - {size}) // 2, top = (h - {size}) // 2 on.",
        "normalize": "x = (value / 255 - mean) / max(std, 1 / 255), a channel, with the mean and std given here; "
        "float32, in the order n c h w.",
    }
    if bundled:
        return {
            "decoder": decoder,
            "digits": "Image.fromarray(numpy.rint(image * 255 / 16).astype('uint8')) of sklearn.datasets.load_digits().images.",
            **square,
        }
    mode, name = ("L", "grey") if channels == 1 else ("RGB", "color")
    return {
        "decoder": decoder,
        "open": "Image.open of the file, whose first picture is taken; color profiles are not applied. A JPEG that ends early "
        "is read with the bytes FF D9 behind it (FF at its end removed before).",
        "depth": "Grey levels of 16 bits (mode I;16 of any kind, and I of PNG and PPM files) become mode L: "
        "(min(max(value, 0), 65535) + 128) // 257.",
        "transparency": "Where Image.has_transparency_data and the levels are not of 16 bits: Image.convert('RGBA'), then "
        "Image.alpha_composite(Image.new('RGBA', size, 'white'), image).",
        name: f"Image.convert('{mode}').",
        "turn": "As the EXIF orientation of the file says: what ImageOps.exif_transpose does.",
        **square,
    }
