"""A table of trained networks: the coding of their decisions, and the metrics measured for each.

The form is that of NAS-Bench-Macro (Su et al. 2021, arXiv 2103.11922): a JSON object from codings to objects of metrics. Every
position of a coding has an alphabet of its own, and the table holds every combination.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.errors import DataError, unknown_name
from nas.values.json_file import read_json


class Table:
    """The metrics that were measured for every combination of some decisions.

    Args:
        rows: The metrics by coding.
        name: The name of the table in error messages.

    Raises:
        DataError: Codings differ in length, or a combination is missing.
    """

    def __init__(self, rows: Mapping[str, Mapping[str, Any]], name: str = "the table") -> None:
        self.rows = rows
        """All metrics, by coding."""
        self._name = name
        lengths = {len(coding) for coding in rows}
        if len(lengths) != 1 or lengths == {0}:
            raise DataError(f"{name}: codings must be of one length above 0, found {sorted(lengths)}")
        self.alphabets = tuple(tuple(sorted(set(letters))) for letters in zip(*rows, strict=True))
        """For each position of a coding the letters that occur there, sorted."""
        combinations = math.prod(map(len, self.alphabets))
        if len(rows) != combinations:
            raise DataError(
                f"{name}: of {combinations:,} combinations {combinations - len(rows):,} are missing, such as {self._absent()!r}"
            )

    @classmethod
    def load(cls, path: str | Path) -> Table:
        """Reads a table from a JSON file.

        Raises:
            DataError: The file cannot be read, or holds no such table.
        """
        try:
            rows = read_json(Path(path), finite=False)
        except OSError as error:
            raise DataError(f"table {path} cannot be read: {error}") from error
        if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
            raise DataError(f"table {path} must be a JSON object from codings to objects of metrics")
        return cls(rows, f"table {path}")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, coding: str) -> Mapping[str, Any]:
        """All metrics of one network."""
        return self.rows[coding]

    def column(self, metric: str) -> dict[str, float]:
        """One metric of every network, by coding.

        Raises:
            DataError: The metric is missing, or is not a finite number for some network.
        """
        values = {}
        for coding, row in self.rows.items():
            if metric not in row:
                raise DataError(f"{self._name}: {coding!r}: {unknown_name('metric', metric, row)}")
            value = row[metric]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise DataError(f"{self._name}: {metric} of {coding!r} is {value!r}; allowed: a finite number")
            values[coding] = float(value)
        return values

    def _absent(self) -> str:
        """One combination that is missing in the table."""
        coding = ""
        for position, alphabet in enumerate(self.alphabets):
            left = math.prod(map(len, self.alphabets[position + 1 :]))
            for letter in alphabet:
                if sum(row.startswith(coding + letter) for row in self.rows) < left:
                    coding += letter
                    break
        return coding
