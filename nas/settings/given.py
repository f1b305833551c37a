"""What a person has set, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """One value."""

    key: str
    """The setting's dotted name."""
    value: Any
    source: str
    """Name of the file; empty for the command line."""

    @property
    def where(self) -> str:
        """The setting as an error names it."""
        return f"--{self.key}" if self.source == "" else f"{self.key} (in {self.source})"
