"""What the report, which knows no space, says of decisions by their names agrees with the spaces."""

from __future__ import annotations

import pytest

from nas.mixers import stage_kind
from nas.report.styles import STYLES
from search_spaces.architecture import KINDS
from search_spaces.blocks import BLOCKS


@pytest.mark.parametrize("mixer", BLOCKS)
def test_every_mixer_has_a_name_and_look_of_its_own(mixer: str):
    assert stage_kind({"mixer": mixer}) == mixer
    assert mixer in STYLES


@pytest.mark.parametrize("convolution", KINDS)
def test_every_kind_of_convolutions_has_a_name_and_look_of_its_own(convolution: str):
    assert stage_kind({"convolution": convolution}) in STYLES
