"""The proof by the way back: what a flattened grid must give, and where a dump gives otherwise.

Every dump here is written by hand, so that what is wrong with it is known from outside.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

import tabrecover
from tabrecover import Table, Template
from tabrecover.dialects import fingerprint
from tabrecover.roundtrip import Mismatch, RoundTrip
from tests.cases import CASES
from tests.property.strategies import HIDES_BLANKS, SHOWS_BLANKS, Values, filled
from tests.property.test_laws import law, only_table, value_pairs

DEPOTS = tabrecover.parse_template(
    "<table data-type=integer>"
    "<tr><th rowspan=2>Depot<th colspan=2>Vehicles<th rowspan=2 data-key=all>Everything"
    "<tr><th data-key=vans>Vans<th data-key=cars>Cars"
    "<tr data-key=north><th>Northern depot<td><td><td>"
    "<tr data-key=east><th>Eastern depot<td><td><td>"
    "<tr data-key=west><th>Western depot<td><td><td>"
    "<tr data-key=south><th>Southern depot<td><td><td></table>",
    'id = "depots"',
)
ROWS = [
    ["Depot", "Vehicles", "Everything"], ["Vans", "Cars"],
    ["Northern depot", "4", "", "15"], ["Eastern depot", "", "", "5"],
    ["Western depot", "31", "8", "42"], ["Southern depot", "16", "7", "24"],
]  # fmt: skip


def in_lines(rows: list[list[str]]) -> str:
    """A cell a line, two line ends behind a text, one more for an empty cell."""
    return "".join(text + "\n\n" if text else "\n" for row in rows for text in row)


def padded(rows: list[list[str]]) -> str:
    """Empty cells deleted, rows filled with bars to four cells, but for the last."""
    texts = [[text for text in row if text] for row in rows]
    return "".join(
        "".join(f"{text} | " for text in row) + "|" * (4 - len(row)) * (row != texts[-1]) + "\n"
        for row in texts
    )


def table_of(dump: str) -> Table:
    (table,) = tabrecover.recover(dump, templates=tabrecover.Library([DEPOTS])).tables
    return table


def trip_of(table: Table) -> RoundTrip:
    assert table.evidence is not None
    return table.evidence.trip


def texts_at(table: Table, mismatch: Mismatch) -> list[str]:
    return [table.cells[number].text for number in mismatch.cells]


@pytest.mark.parametrize("flatten", [in_lines, padded])
def test_intact_dump_comes_back(flatten: Callable[[list[list[str]]], str]) -> None:
    """A dump without a fault is what its grid gives: all 17 texts behind the first agree."""
    assert trip_of(table_of(flatten(ROWS))) == RoundTrip(17, ())


def test_lost_blank_is_seen() -> None:
    """One empty line too few is a mismatch in its row, with its place and both sides."""
    dump = in_lines(ROWS).replace("Eastern depot\n\n\n\n5", "Eastern depot\n\n\n5")
    table = table_of(dump)
    (mismatch,) = trip_of(table).mismatches
    at = dump.index("Eastern depot") + len("Eastern depot")
    assert mismatch[:4] == ("gap", (at, at + 3), "eeee", "eee")
    assert texts_at(table, mismatch) == ["Eastern depot", "", "", "5"]


def test_line_end_too_many_is_seen() -> None:
    """An empty line between full cells is a mismatch between these two, and nowhere else."""
    dump = in_lines(ROWS).replace("31\n\n8", "31\n\n\n8")
    table = table_of(dump)
    (mismatch,) = trip_of(table).mismatches
    at = dump.index("31") + 2
    assert mismatch[:4] == ("gap", (at, at + 3), "ee", "eee")
    assert texts_at(table, mismatch) == ["31", "8"]


@pytest.mark.parametrize(("bars", "found"), [("|", "bb"), ("|||", "bbbb")])
def test_padding_is_a_checksum(bars: str, found: str) -> None:
    """Bars that do not fill a row to its width touch all of the row, which lacks or lost a cell."""
    dump = padded(ROWS).replace("Eastern depot | 5 | ||", f"Eastern depot | 5 | {bars}")
    table = table_of(dump)
    (mismatch,) = trip_of(table).mismatches
    assert (mismatch.kind, mismatch.expected, mismatch.found) == ("gap", "bbb", found)
    own = {cell.text for cell in table.cells if cell.row == 3}
    assert own <= set(texts_at(table, mismatch))


def test_text_that_no_cell_holds_is_seen() -> None:
    """A page number inside the table is a text that the grid can't give."""
    dump = in_lines(ROWS).replace("Western", "- 4 -\n\nWestern")
    table = table_of(dump)
    (mismatch,) = trip_of(table).mismatches
    at = dump.index("- 4 -")
    assert mismatch[:4] == ("text", (at, at + 5), "", "- 4 -")


def test_agreement_is_the_share_without_a_mismatch() -> None:
    """One of the 17 texts differs; cells that no difference touches are not named."""
    trip = trip_of(table_of(in_lines(ROWS).replace("31\n\n8", "31\n\n\n8")))
    assert trip.agreement == 16 / 17
    assert len(trip.touched) == 2
    assert RoundTrip(0, ()).agreement == 1


def test_laws_write_what_they_read() -> None:
    """What a law writes for cells and row ends, it reads as these, and tells whole."""
    streams = {
        "html": ["c", "crc", "cc", "c"],
        "tabs": ["T", "e", "TT", "T"],
        "bars": ["b", "beb", "bb", "beb"],
        "lines-blank": ["ee", "eee", "ee", "eeee"],
        "lines-space": ["e", "ese", "e", "eoe", "eoe", "eoe", "eoe"],
    }
    for name, inner in streams.items():
        laws = [found for found in fingerprint([["", *inner, ""]]) if found.name == name]
        writing = laws[0].writing
        assert writing is not None
        for between in ("", "B", "BB"):
            gap = writing.gap(between)
            assert laws[0].read(["", gap, ""])[1] == between
            assert writing.told(gap) == gap


def test_real_dump_shows_what_it_lost() -> None:
    """A report whose last table lost its blanks' line ends differs there, and in no full table."""
    dump = next(case.dump for case in CASES if case.name == "macheng-2019")
    first, _, last = (trip_of(table) for table in tabrecover.recover(dump).tables)
    assert first.mismatches == ()
    assert {(m.kind, m.expected, m.found) for m in last.mismatches} == {("gap", "eee", "ee")}


def is_own_law(dialect: str, table: Table) -> bool:
    """Whether the law is of the dump's kind: short rows can look as if bars padded them."""
    assert table.evidence is not None
    return ("padded" in table.evidence.law) == ("padded" in dialect)


@pytest.mark.parametrize("dialect", [*SHOWS_BLANKS, *HIDES_BLANKS])
@given(grid=filled(blanks=False))
@law
def test_every_intact_dump_comes_back(dialect: str, grid: tuple[Template, Values]) -> None:
    """A full grid leaves no mismatch, unless it was read by a law that is not the dump's."""
    template, values = grid
    table = only_table(template, (SHOWS_BLANKS | HIDES_BLANKS)[dialect](template, values))
    assert (trip_of(table).mismatches == ()) == is_own_law(dialect, table)


@pytest.mark.parametrize("dialect", SHOWS_BLANKS)
@given(grid=filled())
@law
def test_values_without_a_mismatch(dialect: str, grid: tuple[Template, Values]) -> None:
    """Where blanks are shown and all values are right, a dump with blanks has no mismatch."""
    template, values = grid
    table = only_table(template, SHOWS_BLANKS[dialect](template, values))
    right = all(want == found for want, found, _ in value_pairs(template, values, table))
    if right and is_own_law(dialect, table):
        assert trip_of(table).mismatches == ()
