"""Every convolution that networks of the spaces train with gives the numbers of double precision.

Libraries of kernels have faults at single shapes on single processors (`search_spaces.hosts.strided_pointwise`), which
nothing else here would tell from bad candidates. Double precision has no such kernels.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from search_spaces import SPACES, make_space, space_settings
from tests.search_spaces.any_space import changed, published_units
from tests.search_spaces.genotypes import draw
from tests.search_spaces.members import NOT_DEFAULT

ROOT = Path(__file__).parents[3]
WIDTHS = {"shufflenet_v2": (8, 16, 24, 48), "resnet50": (0.125, 0.25), "densenet_cifar": (4, 8, 12)}
MALLOC_CHECK = Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")
BESIDE = 1e-4
"""Largest difference from double precision, as a share of the norm of all. Sums of some ten thousand products in single precision
come to a thirtieth of it, wrong gradients to 0.1 and more."""


@dataclass(frozen=True, order=True)
class Convolution:
    """What decides which kernel a convolution is computed by."""

    inputs: tuple[int, ...]
    """c h w."""
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int


class Recorder(TorchDispatchMode):
    """Notes every convolution that is called."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[Convolution] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default:
            x, weight, _, stride, padding, *_, groups = args
            self.found.add(
                Convolution(tuple(x.shape[1:]), tuple(weight.shape), tuple(stride), tuple(padding), int(groups))
            )
        return func(*args, **(kwargs or {}))


def convolutions_of(name: str, members: int, image_size: int) -> list[Convolution]:
    """Of the first step of random members of a space."""
    settings = space_settings(name=name, convolutions=NOT_DEFAULT.get(name), widths=WIDTHS.get(name, (0.25, 0.5, 1.0)))
    settings = changed(settings, units=((1, 2),) * len(published_units(name)))
    space = make_space(settings, image_size=image_size, channels=3, classes=10)
    rng = random.Random(0)
    recorder = Recorder()
    for genotype in [*space.baselines().values(), *(draw(space, rng) for _ in range(members))]:
        network = space.build(space.decode(genotype)).train()
        with recorder, torch.no_grad():
            network(torch.zeros(2, 3, image_size, image_size))
    return sorted(recorder.found)


def outputs_and_gradients(
    convolution: Convolution, batch: int, dtype: torch.dtype, layout: torch.memory_format
) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype=dtype, memory_format=layout).requires_grad_()

    x, weight = drawn(batch, *convolution.inputs), drawn(*convolution.weight)
    y = F.conv2d(x, weight, stride=convolution.stride, padding=convolution.padding, groups=convolution.groups)
    return [y.detach(), *torch.autograd.grad(y, (x, weight), drawn(*y.shape).detach())]


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("members", "image_size", "batch"), [(2, 16, 12), pytest.param(8, 32, 32, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_convolution_gives_the_numbers_of_double_precision(
    name: str, members: int, image_size: int, batch: int
) -> None:
    wrong = []
    for convolution in convolutions_of(name, members, image_size):
        expected = outputs_and_gradients(convolution, batch, torch.float64, torch.contiguous_format)
        for layout in (torch.channels_last, torch.contiguous_format):
            for count in (1, 2):
                with threads(count):
                    found = outputs_and_gradients(convolution, batch, torch.float32, layout)
                errors = [float((a - b).norm() / b.norm()) for a, b in zip(found, expected, strict=True)]
                if not max(errors) < BESIDE:
                    wrong.append((convolution, layout, count, errors))
    assert not wrong


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("onednn", "aten"), [("AVX2", "avx2"), ("SSE41", "default")])
def test_so_it_is_with_the_kernels_of_older_processors_and_no_memory_is_destroyed(onednn: str, aten: str) -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": onednn, "ATEN_CPU_CAPABILITY": aten}
    if MALLOC_CHECK.exists():
        environment |= {"LD_PRELOAD": str(MALLOC_CHECK), "MALLOC_CHECK_": "3"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        str(Path(__file__).relative_to(ROOT)),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
