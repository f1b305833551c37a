"""What the results of a computation depend on besides the program: the hardware, and the libraries that compute on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Hardware, libraries, and how a computation uses them. `str` gives one line of it."""

    cpu: str
    """The maker's name of the CPU, with family and model where the system knows them."""
    torch: str
    """Version of torch."""
    torch_isa: str
    """Instruction set of torch's own kernels, as `torch.backends.cpu` names it, such as AVX512."""
    onednn: str
    """Version of oneDNN, the library of convolutions and matrix products; empty if torch is built without it."""
    onednn_isa: str
    """The instruction set that oneDNN may use, in its own words; empty if it does not say."""
    threads: int
    """Number of CPU threads of one training or measurement."""
    gpu: str = ""
    """Name of the GPU, and the versions of CUDA and cuDNN; empty if everything is computed on the CPU."""
    precision: str = ""
    """Number format, fp32, bf16 or fp16; empty if no network is computed."""
    channels_last: bool | None = None
    """Whether activations have the memory layout channels last; None if no network is computed."""

    def __str__(self) -> str:
        layouts = {True: "channels_last", False: "NCHW", None: ""}
        parts = (
            self.gpu,
            self.cpu,
            f"torch {self.torch} ({self.torch_isa})",
            f"oneDNN {self.onednn}" + (f" ({self.onednn_isa})" if self.onednn_isa else "") if self.onednn else "",
            f"{self.threads} thread{'' if self.threads == 1 else 's'}",
            self.precision,
            layouts[self.channels_last],
        )
        return ", ".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Machine:
        """The machine that `to_json` wrote."""
        return cls(**data)
