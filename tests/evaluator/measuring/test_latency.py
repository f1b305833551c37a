"""Measuring the latency of a deployed network: what is refused, what is recorded, what is compared."""

from __future__ import annotations

import importlib.util
import shutil
import sys

import pytest
import torch
from torch import Tensor, nn

from evaluator.device import Execution
from evaluator.measuring.deployed_forms import check_outputs
from evaluator.measuring.latency import measure
from evaluator.measuring.timing import Call, TimeBudget
from nas.errors import MeasurementError
from nas.latency.measurement import FORMS, Conditions, Latency

CPU = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
SHORT = TimeBudget(warm_up_seconds=0.0, warm_up_runs=1, seconds=0.0, least_runs=4)
INSTALLED = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
FORMS_HERE = [
    "eager",
    pytest.param(
        "compiled",
        marks=[pytest.mark.slow, pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")],
    ),
    pytest.param("onnx", marks=[pytest.mark.slow, pytest.mark.skipif(not INSTALLED, reason="needs the extra onnx")]),
]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    ).eval()


def two_seconds(call: Call) -> float:
    call()
    return 2.0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("form", FORMS_HERE)
def test_a_latency_says_under_which_conditions_it_holds(form: str) -> None:
    before = torch.get_num_threads()
    found = measure(
        network(), (3, 8, 8), batch=2, form=form, execution=CPU, threads=2, budget=SHORT, stopwatch=two_seconds
    )
    assert (found.median, found.spread, found.runs, found.warm_up_runs) == (2.0, 0.0, 4, 1)
    assert found.conditions.device
    assert found.conditions == Conditions(
        device=found.conditions.device,
        form=form,
        batch=2,
        image_shape=(3, 8, 8),
        threads=2,
        precision="fp32",
        channels_last=form != "onnx",
    )
    assert found.milliseconds == 2000.0
    assert not found.disturbed_by
    assert torch.get_num_threads() == before


def test_the_forward_has_the_threads_the_batch_and_no_gradient() -> None:
    seen: list[object] = []

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((torch.get_num_threads(), tuple(x.shape), torch.is_inference_mode_enabled(), self.training))
            return x

    measure(Spy().train(), (3, 4, 4), batch=5, form="eager", execution=CPU, threads=2, budget=SHORT)
    assert set(seen) == {(2, (5, 3, 4, 4), True, False)}


@pytest.mark.parametrize(
    ("form", "batch", "threads", "words"),
    [
        ("eagre", 1, 1, ["'eagre'", "did you mean 'eager'", "compiled, eager, onnx"]),
        ("eager", 0, 1, ["batch must be 1 or more, got 0"]),
        ("eager", 1, -1, ["threads must be 1 or more, got -1"]),
        ("tensorrt", 0, 0, ["'tensorrt'", "batch", "threads"]),
    ],
)
def test_all_that_is_wrong_is_said_in_one_line(form: str, batch: int, threads: int, words: list[str]) -> None:
    with pytest.raises(MeasurementError) as caught:
        measure(network(), (3, 8, 8), batch=batch, form=form, execution=CPU, threads=threads)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MeasurementError, match=r"needs onnx,.*onnxruntime.*\.\[onnx\]") as caught:
        measure(network(), (3, 8, 8), batch=1, form="onnx", execution=CPU)
    assert "\n" not in str(caught.value)


def test_onnx_is_refused_on_a_gpu() -> None:
    from evaluator.measuring.deployed_forms import onnx

    gpu = Execution(device=torch.device("cuda"), precision="fp32", channels_last=False)
    with pytest.raises(MeasurementError, match="measured on the cpu"):
        onnx(network(), torch.zeros(1, 3, 8, 8), gpu, 1)


class Faulty(nn.Module):
    """A form of a network that differs by a share of the largest output, on some images of each batch."""

    def __init__(self, inner: nn.Module, share: float, images: int) -> None:
        super().__init__()
        self.inner, self.share, self.images = inner, share, images

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)
        y[: self.images] += self.share * y.abs().amax()
        return y


@pytest.mark.parametrize(
    ("share", "images", "refused"),
    [
        pytest.param(1e-5, 8, False, id="rounding is allowed"),
        pytest.param(0.1, 2, False, id="a tie decided the other way may change a few images"),
        pytest.param(0.1, 3, True, id="many images differ"),
        pytest.param(float("nan"), 8, True, id="NaN is a difference"),
    ],
)
def test_another_form_must_give_the_same_outputs(share: float, images: int, refused: bool) -> None:
    inner, batch = network(), torch.zeros(8, 3, 8, 8)
    with torch.inference_mode():
        if refused:
            with pytest.raises(MeasurementError, match="gives other outputs"):
                check_outputs("onnx", Faulty(inner, share, images), inner, batch, CPU)
        else:
            check_outputs("onnx", Faulty(inner, share, images), inner, batch, CPU)


def test_a_network_that_cannot_be_compiled_is_refused_in_one_line() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if float(x.sum()) > 0 else -x

    with pytest.raises(MeasurementError, match="cannot be compiled") as caught:
        measure(Branching(), (3, 4, 4), batch=1, form="compiled", execution=CPU, budget=SHORT)
    assert "\n" not in str(caught.value)


def test_a_record_survives_json() -> None:
    conditions = Conditions(device="AMD EPYC", form="eager", batch=1, image_shape=(3, 32, 32), threads=1)
    latency = Latency(conditions=conditions, median=2e-3, spread=1e-4, runs=30, warm_up_runs=5, disturbed_by="load")
    assert Latency.from_json(latency.to_json()) == latency


@pytest.mark.parametrize(("median", "spread", "runs"), [(0.0, 0.0, 3), (float("nan"), 0, 3), (1.0, -1.0, 3), (1, 1, 0)])
def test_a_time_that_is_none_is_refused(median: float, spread: float, runs: int) -> None:
    conditions = Conditions(device="AMD EPYC", form="eager", batch=1, image_shape=(3, 32, 32), threads=1)
    with pytest.raises(ValueError, match="finite time"):
        Latency(conditions=conditions, median=median, spread=spread, runs=runs, warm_up_runs=0)


def test_every_form_has_a_name_in_the_nouns() -> None:
    from evaluator.measuring.deployed_forms import FORMS as FORM_FUNCTIONS

    assert tuple(FORM_FUNCTIONS) == FORMS
