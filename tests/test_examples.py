"""The example of a search of one's own runs as the documentation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_example_finds_a_front() -> None:
    command = [sys.executable, str(ROOT / "examples/own_space.py")]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    lines = [line.split() for line in result.stdout.splitlines() if "multiply-adds" in line]
    accuracies, costs = [float(line[0]) for line in lines], [int(line[2].replace(",", "")) for line in lines]
    assert len(lines) >= 3
    assert accuracies == sorted(accuracies)
    assert costs == sorted(costs)
    assert accuracies[-1] > 95
