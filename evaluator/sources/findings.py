"""What a person must be told about a source of images: of each kind how many there are, with an example."""

from __future__ import annotations

from collections import Counter

MOST_KINDS = 12
"""Kinds that are told one by one; a folder of a thousand endings is not to bury the rest."""


class Findings:
    """Counts by kind, each with the first example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str, count: int = 1) -> None:
        """Counts something.

        Args:
            kind: What it is, in the plural, as the beginning of a sentence.
            example: One of them, by its path below the source.
            count: How many.
        """
        self._counts[kind] += count
        self._examples.setdefault(kind, example)

    def sentences(self) -> tuple[str, ...]:
        """One sentence a kind, in the order in which they were found first."""
        kinds = list(self._counts)
        told = [_sentence(kind, self._counts[kind], self._examples[kind]) for kind in kinds[:MOST_KINDS]]
        rest = kinds[MOST_KINDS:]
        if rest:
            told.append(_sentence("others", sum(self._counts[kind] for kind in rest), self._examples[rest[0]]))
        return tuple(told)


def _sentence(kind: str, count: int, example: str) -> str:
    return f"{kind}: {count:,}, such as {example}" if count > 1 else f"{kind}: 1, {example}"


def shown(path: str) -> str:
    """A path as it can be printed in one line of any terminal and be stored as JSON."""
    return path if path.isprintable() else ascii(path)
