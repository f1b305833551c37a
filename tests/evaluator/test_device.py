from __future__ import annotations

import pytest
import torch

from evaluator.device import resolve_device, resolve_execution, set_threads
from evaluator.settings import TrainSettings
from nas.errors import SettingsError
from tests.evaluator.networks import plain_network

CPU = torch.device("cpu")
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
with_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_a_cpu_computes_in_fp32_and_channels_last() -> None:
    execution = resolve_execution(TrainSettings(), CPU)
    assert (execution.precision, execution.channels_last) == ("fp32", True)


def test_what_is_asked_for_is_taken() -> None:
    execution = resolve_execution(TrainSettings(precision="bf16", channels_last=False), CPU)
    assert (execution.precision, execution.channels_last) == ("bf16", False)
    with execution.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16


@without_gpu
def test_cuda_without_a_gpu_is_refused_and_auto_is_the_cpu() -> None:
    with pytest.raises(SettingsError, match="--device is 'cuda'"):
        resolve_device("cuda")
    assert resolve_device("auto") == CPU


def test_an_unknown_device_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match="did you mean 'cuda'"):
        resolve_device("cud")


def test_fp16_on_a_cpu_and_an_unknown_precision_are_refused() -> None:
    with pytest.raises(SettingsError, match="needs a GPU"):
        resolve_execution(TrainSettings(precision="fp16"), CPU)
    with pytest.raises(SettingsError, match="fp8"):
        resolve_execution(TrainSettings(precision="fp8"), CPU)


def test_placing_a_network_changes_its_layout_in_place() -> None:
    network = plain_network(3)
    assert resolve_execution(TrainSettings(), CPU).place(network) is network
    assert network.get_parameter("0.weight").is_contiguous(memory_format=torch.channels_last)


def test_threads_are_those_of_the_settings() -> None:
    set_threads(TrainSettings(threads=2))
    assert torch.get_num_threads() == 2
    set_threads(TrainSettings())
    assert torch.get_num_threads() == 1


@pytest.mark.gpu
@with_gpu
def test_a_gpu_computes_in_half_precision_and_channels_last_where_it_can() -> None:
    execution = resolve_execution(TrainSettings(), resolve_device("auto"))
    expected = "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp32"
    assert (execution.precision, execution.channels_last) == (expected, expected == "bf16")
    assert execution.scaler().is_enabled() is False
    assert resolve_execution(TrainSettings(precision="fp16"), execution.device).scaler().is_enabled()
