"""Every class is told from every other, by readers of any color vision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nas.portrait import Legend
from nas.report.styles import UNCHANGED, looks
from search_spaces import make_space, space_settings
from search_spaces.portrait import legend
from search_spaces.spaces import SPACES

# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0: what dichromats see, on linear RGB.
VISIONS = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
LEGENDS = {"always mixes": legend(always_mixes=True), "decides on convolutions": legend(always_mixes=False)}
TOLD_APART = 0.075
"""Least distance in Oklab; a just noticeable difference is about 0.02."""


def test_every_class_has_a_color_of_its_own_even_an_unknown_one() -> None:
    names = ["fixed", "dynamic", "mixed", "static", "wavelet", "static_full", "static_dynamic", "butterfly"]
    chosen = looks(legend(always_mixes=True), names)
    assert set(chosen) == set(names)
    assert list(chosen)[-2:] == ["butterfly", "wavelet"], "what no legend has stands behind"
    assert len({look.light for look in chosen.values()}) == 8
    assert len({look.dark for look in chosen.values()}) == 8


def test_a_kind_keeps_its_look_whatever_else_is_drawn() -> None:
    told = legend(always_mixes=False)
    every = looks(told, (style.name for style in told.styles))
    assert {name: looks(told, [name])[name] for name in every} == every


def test_the_unchanged_kind_is_gray_and_the_only_kind_of_a_space_is_not() -> None:
    for always_mixes, name in ((True, "fixed"), (False, "dense")):
        look = looks(legend(always_mixes=always_mixes), [name])[name]
        assert (look.light, look.dark) == UNCHANGED
    (alone,) = looks(Legend(), ["network"]).values()
    assert alone.label == "networks"
    assert (alone.light, alone.dark) != UNCHANGED


def seen(color: str, vision: str) -> np.ndarray:
    """A color in Oklab (bottosson.github.io/posts/oklab), as it is seen."""
    coded = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(VISIONS[vision] @ linear, 0, 1)
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    values: np.ndarray = lab @ np.cbrt(cones @ linear)
    return values


@pytest.mark.parametrize("space", SPACES)
def test_a_space_has_one_of_the_two_legends_that_are_compared_here(space: str) -> None:
    made = make_space(space_settings(name=space), image_size=32, channels=3, classes=10)
    assert made.legend() in LEGENDS.values()


@pytest.mark.parametrize("told", LEGENDS)
@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_two_classes_of_one_search_differ_in_shape_or_in_a_color_that_everybody_sees(
    ground: str, vision: str, told: str
) -> None:
    styles = LEGENDS[told].styles
    every = looks(LEGENDS[told], (style.name for style in styles))
    assert len(every) == len(styles) > 16
    alike = []
    for (one, a), (other, b) in itertools.combinations(every.items(), 2):
        distance = np.linalg.norm(seen(getattr(a, ground), vision) - seen(getattr(b, ground), vision))
        if a.shape == b.shape and distance < TOLD_APART:
            alike.append((one, other, round(float(distance), 3)))
    assert alike == []
