"""A setting that a person has given, and where it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """The value of one setting."""

    key: str
    """The setting's dotted name."""
    value: Any
    source: str
    """Name of the file; empty for the command line."""

    @property
    def where(self) -> str:
        """The setting and its source, as errors name them."""
        return f"--{self.key}" if self.source == "" else f"{self.key} (in {self.source})"
