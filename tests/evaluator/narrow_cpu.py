"""This CPU as one that has AVX2 alone, for the tests: torch and oneDNN can be told to use no more of it."""

from __future__ import annotations

import pytest
import torch

AVX2_ALONE = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""Environment of a process."""

needs_avx2 = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="the kernels in question need AVX2"
)
