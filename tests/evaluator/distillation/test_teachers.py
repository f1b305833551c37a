from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from evaluator.distillation.teachers import ExportedTeacher, NetworkTeacher, OnnxTeacher, refuse_unfit
from nas.errors import SettingsError

CPU = torch.device("cpu")


class Small(nn.Module):
    """Averages over places, so that it takes images of any size."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.head = nn.Linear(3, classes)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(pixels.mean(dim=(2, 3)))
        return logits


def program(path: Path, network: nn.Module, *, any_batch: bool = True, size: int = 8) -> Path:
    shapes = ({0: torch.export.Dim.DYNAMIC},) if any_batch else None
    images = torch.zeros(2 if any_batch else 1, 3, size, size)
    torch.export.save(torch.export.export(network.eval(), (images,), dynamic_shapes=shapes), path)
    return path


def test_a_network_sees_the_images_with_its_own_mean_and_deviation() -> None:
    seen = []

    class Watching(Small):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            seen.append((pixels, self.training))
            return super().forward(pixels)

    network = Watching().train()
    scale, shift = torch.tensor([2.0, 1.0, 0.5]), torch.tensor([0.0, 1.0, -1.0])
    NetworkTeacher(network, CPU, scale, shift)(torch.ones(2, 3, 8, 8))
    ((pixels, training),) = seen
    assert [pixels[0, channel, 0, 0].item() for channel in range(3)] == [2.0, 2.0, -0.5]
    assert not training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_an_exported_program_answers_as_its_network(tmp_path: Path) -> None:
    network = Small()
    teacher = ExportedTeacher(program(tmp_path / "small.pt2", network), CPU)
    assert list(teacher.shape) == [None, 3, 8, 8]
    pixels = torch.randn(5, 3, 8, 8)
    torch.testing.assert_close(teacher(pixels), network(pixels))
    refuse_unfit(tmp_path / "small.pt2", teacher, (3, 8, 8), 4, teacher.shape)


def test_an_onnx_file_answers_as_its_network(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    network, path = Small(), tmp_path / "small.onnx"
    weight, bias = (each.detach().numpy() for each in (network.head.weight, network.head.bias))
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"], transB=1),
        ],
        "small",
        [helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["b", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["b", 4])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    teacher = OnnxTeacher(path, CPU)
    pixels = torch.randn(5, 3, 8, 8)
    torch.testing.assert_close(teacher(pixels), network(pixels))
    refuse_unfit(path, teacher, (3, 8, 8), 4, teacher.shape)


@pytest.mark.parametrize(
    ("classes", "any_batch", "size", "told"),
    [
        (5, True, 8, "tells 5 classes apart, and this run has 4"),
        (4, False, 8, "takes batches of 1 images only"),
        (4, True, 16, "takes images of 3 x 16 x 16 .*, and those of this run are 3 x 8 x 8"),
    ],
)
def test_a_teacher_for_other_classes_batches_or_images_is_refused(
    tmp_path: Path, classes: int, any_batch: bool, size: int, told: str
) -> None:
    path = program(tmp_path / "other.pt2", Small(classes), any_batch=any_batch, size=size)
    teacher = ExportedTeacher(path, CPU)
    with pytest.raises(SettingsError, match=told):
        refuse_unfit(path, teacher, (3, 8, 8), 4, teacher.shape)


@pytest.mark.parametrize(
    ("kind", "told"), [(ExportedTeacher, "no program|not a program"), (OnnxTeacher, "not an ONNX file")]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, kind: type, told: str) -> None:
    if kind is OnnxTeacher:
        pytest.importorskip("onnxruntime")
    path = tmp_path / "nonsense"
    path.write_bytes(b"nonsense")
    with pytest.raises(SettingsError, match=told):
        kind(path, CPU)


def test_what_cannot_be_run_on_the_images_is_refused() -> None:
    def broken(pixels: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("wrong rank")

    with pytest.raises(SettingsError, match="cannot be run on two images of this run: RuntimeError: wrong rank"):
        refuse_unfit(Path("x"), broken, (3, 8, 8), 4, ())
