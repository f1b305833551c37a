"""Findings about a source of images that a person must know: for each kind the number of cases, with an example."""

from __future__ import annotations

from collections import Counter

MOST_KINDS = 12
"""Most kinds that are reported one by one, so that a folder with a thousand file endings does not bury the rest."""


class Findings:
    """Counts findings by kind, each kind with its first example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str, count: int = 1) -> None:
        """Counts a finding.

        Args:
            kind: The kind of finding, in the plural, as the beginning of a sentence.
            example: Path of an example, below the source.
            count: How many cases to add.
        """
        self._counts[kind] += count
        self._examples.setdefault(kind, example)

    def sentences(self) -> tuple[str, ...]:
        """One sentence per kind, in the order in which the kinds were first found."""
        kinds = list(self._counts)
        told = [_sentence(kind, self._counts[kind], self._examples[kind]) for kind in kinds[:MOST_KINDS]]
        rest = kinds[MOST_KINDS:]
        if rest:
            told.append(_sentence("others", sum(self._counts[kind] for kind in rest), self._examples[rest[0]]))
        return tuple(told)


def _sentence(kind: str, count: int, example: str) -> str:
    return f"{kind}: {count:,}, such as {example}" if count > 1 else f"{kind}: 1, {example}"


def shown(path: str) -> str:
    """A path in a form that any terminal can print in one line, and that JSON can store."""
    return path if path.isprintable() else ascii(path)
