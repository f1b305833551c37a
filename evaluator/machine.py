"""The hardware and the libraries that this process computes with, in their own words."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from evaluator.device import Execution
from nas.output.machine import Machine

CPU_DESCRIPTION = Path("/proc/cpuinfo")


def this_machine(threads: int, execution: Execution | None = None) -> Machine:
    """The facts of this process.

    Args:
        threads: Number of CPU threads of one training or measurement.
        execution: How networks are computed. Default: no network is computed, or each in a different way.
    """
    version = _onednn_version()
    return Machine(
        cpu=_cpu(),
        torch=str(torch.__version__),
        torch_isa=torch.backends.cpu.get_cpu_capability(),
        onednn=version,
        onednn_isa=_onednn_isa() if version else "",
        threads=threads,
        gpu="" if execution is None or execution.device.type != "cuda" else _gpu(execution.device),
        precision="" if execution is None else execution.precision,
        channels_last=None if execution is None else execution.channels_last,
    )


def device_name(device: torch.device) -> str:
    """The name of the hardware."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return _description().get("model name") or platform.processor() or platform.machine()


def _cpu() -> str:
    """The CPU's name, with the numbers that separate generations of one name: any AMD server in a cloud may be "AMD EPYC"."""
    told = [
        f"{key.removeprefix('cpu ')} {_description()[key]}" for key in ("cpu family", "model") if key in _description()
    ]
    return device_name(torch.device("cpu")) + (f" ({', '.join(told)})" if told else "")


@cache
def _description() -> dict[str, str]:
    """What Linux says about the first CPU; empty on other systems."""
    if not CPU_DESCRIPTION.exists():
        return {}
    first = CPU_DESCRIPTION.read_text(errors="replace").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _gpu(device: torch.device) -> str:
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"{device_name(device)}, CUDA {torch.version.cuda}" + ("" if cudnn is None else f", cuDNN {cudnn}")


def _onednn_version() -> str:
    """The version of oneDNN in torch's description of its build, which still uses the library's former name."""
    found = re.search(r"MKL-DNN v([\w.]+)", torch.__config__.show())
    return found[1] if found else ""


@cache
def _onednn_isa() -> str:
    """The instruction set that oneDNN found and is allowed (`ONEDNN_MAX_CPU_ISA`), in its own words.

    Torch has no call for it and does not export that of oneDNN. But oneDNN writes it to standard output, once per process,
    when it is first used and asked to be verbose. So standard output is redirected to a file for these few milliseconds,
    and everything that is not oneDNN's is passed on. The text is empty if oneDNN has written it before, as with
    `ONEDNN_VERBOSE=1` in the environment.
    """
    try:
        kept = os.dup(1)
    except OSError:  # there is no standard output
        return ""
    if sys.stdout is not None:
        with suppress(OSError):
            sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
                torch.zeros(1).to_mkldnn()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        said = file.read()
    for line in said.splitlines(keepends=True):
        if not line.startswith(b"onednn_verbose"):
            with suppress(OSError):  # nobody reads it any more, or the disk is full
                os.write(1, line)
    found = re.search(r"^onednn_verbose.*,isa:(.*)$", said.decode(errors="replace"), re.MULTILINE)
    return found[1].strip() if found else ""
