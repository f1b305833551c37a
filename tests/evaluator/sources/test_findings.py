from __future__ import annotations

from evaluator.sources.findings import MOST_KINDS, Findings, shown


def test_a_kind_is_told_once_with_its_first_example() -> None:
    findings = Findings()
    for name in ("a", "b", "c"):
        findings.add("files ending in .txt", name)
    findings.add("pipes", "d")
    findings.add("images", "e", count=1200)
    assert findings.sentences() == ("files ending in .txt: 3, such as a", "pipes: 1, d", "images: 1,200, such as e")


def test_many_kinds_are_told_together() -> None:
    findings = Findings()
    for number in range(100):
        findings.add(f"files ending in .{number}", str(number))
    told = findings.sentences()
    assert len(told) == MOST_KINDS + 1
    assert told[-1] == f"others: {100 - MOST_KINDS}, such as {MOST_KINDS}"


def test_a_path_is_one_printable_line() -> None:
    assert shown("cat/ünï 1.png") == "cat/ünï 1.png"
    assert shown("cat/a\nb\x1b[31m\udcff") == r"'cat/a\nb\x1b[31m\udcff'"
