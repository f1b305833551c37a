from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evaluator.settings import DataSettings, TrainSettings, data_faults, train_faults


def test_default_settings_have_no_fault() -> None:
    assert data_faults(DataSettings()) == []
    assert train_faults(TrainSettings()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("image_size", 7),
        ("image_size", 1025),
        ("train_limit", 1),
        ("validation_share", 0.0),
        ("validation_share", 1.0),
        ("validation_share", math.nan),
        ("crop_padding", -1),
    ],
)
def test_a_data_fault_names_setting_value_and_what_is_allowed(name: str, value: object) -> None:
    (fault,) = data_faults(replace(DataSettings(), **{name: value}))  # type: ignore[arg-type]
    assert f"--data.{name}" in fault
    assert str(value) in fault
    assert "allowed" in fault or value == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1),
        ("momentum", 1.0),
        ("momentum", math.nan),
        ("warmup", 1.5),
        ("label_smoothing", -0.1),
        ("ema", 1.0),
        ("penalty_ramp", -1.0),
        ("penalty_ramp", math.nan),
        ("precision", "fp8"),
        ("threads", 0),
    ],
)
def test_a_training_fault_names_setting_value_and_what_is_allowed(name: str, value: object) -> None:
    (fault,) = train_faults(replace(TrainSettings(), **{name: value}))  # type: ignore[arg-type]
    assert f"--train.{name}" in fault
    assert str(value) in fault
    assert "allowed" in fault


def test_all_faults_are_listed_at_once() -> None:
    assert len(train_faults(TrainSettings(epochs=0, ema=2.0, precision="fp8", threads=0))) == 4


@pytest.mark.parametrize("size", [8, 1024])
def test_the_least_and_the_greatest_image_size_are_allowed(size: int) -> None:
    assert data_faults(DataSettings(image_size=size)) == []
