from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nas.errors import OutputError
from nas.report.page import page
from nas.report.sections.retrained import retrained as section
from nas.retraining.results import read_retrained
from nas.retraining.table import retrained_frame, retrained_lines
from tests.nas.report.conftest import MakeSearch
from tests.nas.report.retrained_entries import made_up


def test_the_table_has_a_row_for_each_network_and_way_and_says_how_often_test_images_were_opened(
    make_search: MakeSearch,
) -> None:
    result = make_search(40)
    found = made_up(result, taught=True, openings=2)
    frame = retrained_frame(result, found).set_index("name")
    assert list(frame.index) == [one.name for one in found.entries]
    assert set(frame["test_openings"]) == {2}
    for one in found.entries:
        row = frame.loc[one.name]
        values = [each["accuracy"].mean for each in one.values.values()]
        assert row["test_accuracy"] == pytest.approx(sum(values) / 3)
        assert row["expected_accuracy"] == one.network.expected
        assert row["macs"] == one.costs["macs"]
        if one.network.peer is not None:
            assert row["beside"] == one.network.peer
            peer = next(each for each in found.entries if each.network.name == one.network.peer and each.way == one.way)
            theirs = [each["accuracy"].mean for each in peer.values.values()]
            assert row["minus_unchanged"] == pytest.approx((sum(values) - sum(theirs)) / 3)
        else:
            assert one.network.name in " ".join(frame["beside"].dropna())
    assert frame["minus_untaught"].notna().sum() == len(found.entries) / 2
    told = retrained_lines(result, found)
    assert "The 10,000 test images were opened 2 times." in told
    assert "Kendall's tau" in told
    assert "opened once" in retrained_lines(result, made_up(result))


def test_what_was_written_is_read_back_and_a_broken_file_is_one_error(make_search: MakeSearch, tmp_path: Path) -> None:
    found = made_up(make_search(40), taught=True)
    assert read_retrained(tmp_path) is None
    found.write(tmp_path)
    assert read_retrained(tmp_path) == found
    path = tmp_path / "retrained" / "results.json"
    path.write_text(path.read_text().replace('"chosen"', '"liked"'))
    with pytest.raises(OutputError, match="a network's role is 'liked'"):
        read_retrained(tmp_path)


def test_further_networks_join_those_of_before_and_replace_their_like(make_search: MakeSearch) -> None:
    found = made_up(make_search(40))
    first, second = found.entries[:2]
    again = replace(second, values={0: first.values[0]})
    joined = replace(found, entries=(first, second)).with_entries([again, found.entries[2]], openings=3)
    assert joined.entries == (first, again, found.entries[2])
    assert joined.openings == 3


def test_the_page_has_the_section_only_where_there_is_something(make_search: MakeSearch) -> None:
    result = make_search(40)
    assert section(result) is None
    told = section(replace(result, retrained=made_up(result, taught=True)))
    assert told is not None
    assert {one["name"] for one in told["entries"]} >= set(told["front"])
    assert 'id="retrained-chart"' in page(replace(result, retrained=made_up(result)))
