import math
import re

import pytest

from nas.values.typed_value import shown, typed


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("3", int, 3), (" +3 ", int, 3), ("010", int, 10), (10**17, int, 10**17), ("0.5", float, 0.5), ("1e3", float, 1000.0),
        (".5", float, 0.5), ("-2.", float, -2.0), (3, float, 3.0), ("1e400", float, math.inf), (10**400, float, math.inf),
        ("null", int | None, None), (None, str | None, None), ("null", str, "null"), ("Yes", bool, True), ("off", bool, False),
        ("auto", int | None, None), ("auto", float | None, None), ("auto", str | None, "auto"),
        ("8,12", tuple[int, ...], (8, 12)), ("0.05, 2", tuple[float, float], (0.05, 2.0)), ("8", tuple[float, ...] | None, (8.0,)),
        ("fixed,static", tuple[str, ...], ("fixed", "static")),
        ([1, "2"], tuple[int, ...], (1, 2)), ([1, 2.5], tuple[float, float], (1.0, 2.5)), ([], tuple[str, ...], ()),
        ([[1], [2, 3]], tuple[tuple[int, ...], ...] | None, ((1,), (2, 3))), ("[a]", str, "[a]"), ("~", str | None, "~"),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_type_has_it(value: object, kind: object, expected: object) -> None:
    found = typed(value, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("1:30", float, "expected a number, got '1:30'"), ("1_0", int, "expected an integer, got '1_0'"),
        ("3.0", int, "expected an integer, got '3.0'"), (True, int, "expected an integer, got True"),
        (1, bool, "expected true or false, got 1"), (3, str, "expected a text, got 3"),
        (None, int, "expected an integer, got None"),
        ("nan", float, "expected a number, got 'nan'"), (math.nan, float, "expected a number, got nan"),
        (10**18, int, "expected an integer of at most 18 digits"), ("1" * 5000, int, "expected an integer of at most 18 digits"),
        pytest.param(10**5000, int, "got a number of thousands of digits", id="huge"),
        ([1], tuple[float, float], "expected a list of 2 numbers"),
        ("1,b", tuple[int, ...], "expected a list of integers such as 1,2 or [1,2], got '1,b'"),
        ("1,,2", tuple[int, ...], "expected a list of integers such as 1,2 or [1,2], got '1,,2'"),
        ("1,2,3", tuple[float, float], "expected a list of 2 numbers such as 0.1,0.5 or [0.1,0.5], got '1,2,3'"),
        ("1,2", tuple[tuple[int, ...], ...], "such as [[1,2],[3]], with brackets since it holds lists, got '1,2'"),
        ([["a"]], tuple[tuple[int, ...], ...], "a list of lists of integers such as [[1,2],[3]], with brackets"),
        ("a,,b", tuple[str, ...], "expected a list of texts such as a,b or [a,b], got 'a,,b'"),
        ("auto", int, "expected an integer, got 'auto'"),
        ("\u0664", int, "expected an integer"), ("\u00b2", int, "expected an integer"),
    ],
)  # fmt: skip
def test_any_other_value_is_told_in_one_line(value: object, kind: object, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        typed(value, kind)
    assert len(str(caught.value).splitlines()) == 1


def test_a_value_is_shown_short_and_without_a_password() -> None:
    assert len(shown("x" * 10**6)) < 100
    assert "s3cr3t" not in shown("postgresql://ann:s3cr3t@host/db")
    assert "s3cr3t" not in shown(["postgresql://ann:s3cr3t@host/db"])
    assert shown("a\x1b\n") == "'a\\x1b\\n'"
