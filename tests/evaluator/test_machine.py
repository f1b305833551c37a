"""What this process says it calculates with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from evaluator.device import Execution
from evaluator.machine import device_name, this_machine
from tests.evaluator.narrow_cpu import AVX2_ALONE, needs_avx2

ROOT = Path(__file__).parents[2]


def line_of_a_process(**environment: str) -> str:
    program = "from evaluator.machine import this_machine; print('before'); print(this_machine(2)); print('after')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    before, line, after = done.stdout.splitlines()
    assert (before, after) == ("before", "after")
    return line


def test_the_facts_are_those_of_torch_and_of_the_settings() -> None:
    execution = Execution(device=torch.device("cpu"), precision="bf16", channels_last=False)
    machine = this_machine(3, execution)
    assert machine.cpu.startswith(device_name(torch.device("cpu")))
    assert machine.torch == torch.__version__
    assert machine.torch_isa == torch.backends.cpu.get_cpu_capability()
    assert (machine.threads, machine.precision, machine.channels_last, machine.gpu) == (3, "bf16", False, "")


@needs_avx2
def test_instruction_sets_are_those_that_may_be_used_and_not_those_that_are_there() -> None:
    line = line_of_a_process(**AVX2_ALONE)
    assert f"torch {torch.__version__} (AVX2)" in line
    assert "(Intel AVX2), 2 threads" in line


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is built without oneDNN")
def test_what_onednn_says_about_itself_is_read_and_not_printed() -> None:
    assert " (Intel AVX" in line_of_a_process() or " (AArch64" in line_of_a_process()
    # Without a standard output there is nowhere to read from, and nothing breaks.
    program = "import os; os.close(1); from evaluator.machine import this_machine; this_machine(1)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
