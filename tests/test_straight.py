"""Tables that only spaces draw and that leave nothing open: pandas writes, we read."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from tabrecover.api import read_document
from tabrecover.model import CELL_END, ROW_END, TABLE_END, Document, Span
from tabrecover.positions import placing
from tabrecover.straight import straighten

HEADS = ("Ward", "Beds", "In use")
WORDS = st.from_regex(r"[a-z]{1,7}( [a-z]{1,4}){0,2}", fullmatch=True)
WARDS = [
    ("Eye", "12", "4"), ("Ear, nose and throat", "", "11"), ("Skin", "1200", ""),
    ("Heart", "7", "7"),
]  # fmt: skip
VALUES = st.one_of(WORDS, st.integers(0, 99_999).map(str), st.just(""))
ROWS = st.lists(st.tuples(WORDS, VALUES, VALUES), min_size=4, max_size=9)


def straightened(text: str, heads: tuple[str, ...] = HEADS) -> str:
    """The plain text of a dump whose labels are the heads in its first line."""
    labels = [Span(at, at + len(head)) for head in heads if (at := text.find(head)) >= 0]
    return straighten(
        read_document(text, "text"), labels, {len(heads), len(heads) + 1}, {len(heads)}
    ).text


def cells(text: str) -> list[list[str]]:
    """The declared cells of a document that is one table."""
    (table,) = (part for part in text.split(TABLE_END) if part.strip())
    return [row.split(CELL_END)[:-1] for row in table.split(ROW_END)[:-1]]


@pytest.mark.parametrize("index", [False, True])
def test_a_printed_frame_comes_back(index: bool) -> None:
    """Cells one space apart, empty cells and texts of several words stand in their columns."""
    text = pd.DataFrame(WARDS, columns=list(HEADS)).to_string(index=index)
    numbers = [[""], *([str(k)] for k in range(len(WARDS)))] if index else [[]] * 5
    expected = [[*n, *row] for n, row in zip(numbers, [HEADS, *WARDS], strict=True)]
    assert cells(straightened(text)) == expected


def test_records_may_begin_below_each_other() -> None:
    """Left-aligned columns of a table of records are read by where their texts begin."""
    drawn = ["".join(f"{text:22}" for text in row).rstrip() for row in [HEADS, *WARDS]]
    assert cells(straightened("\n".join(drawn))) == [list(HEADS), *map(list, WARDS)]


@given(ROWS)
def test_a_frame_comes_back_or_stays_as_it_is(rows: list[tuple[str, str, str]]) -> None:
    """Whatever pandas prints, no text gets into another cell than its own."""
    text = pd.DataFrame(rows, columns=list(HEADS)).to_string(index=False)
    found = straightened(text)
    if found != text:
        assert cells(found) == [list(HEADS), *map(list, rows)]


@pytest.mark.parametrize(
    "line", ["all wards of the house", "Ear-nose  1       1"], ids=["of words", "of one word"]
)
def test_a_text_across_the_columns_leaves_the_table_as_it_is(line: str) -> None:
    """A text that spans columns says nothing of where their edges are."""
    text = f"Ward  Beds  In use\n Eye    12       4\n{line}\n Ear     1       1\n"
    assert straightened(text) == text


def test_columns_are_as_many_as_a_template_has() -> None:
    """A frame of three columns is none of a template with one, or one beside numbers of rows."""
    text = pd.DataFrame(WARDS, columns=list(HEADS)).to_string(index=False)
    assert straightened(text, HEADS[:1]) == text


def test_only_records_are_read_by_left_ends() -> None:
    """In other tables a label left away moves what is behind it, to below other columns."""
    drawn = ["".join(f"{text:22}" for text in row).rstrip() for row in [HEADS, *WARDS]]
    document = read_document("\n".join(drawn), "text")
    labels = [Span(document.text.find(head), document.text.find(head) + 4) for head in HEADS]
    assert straighten(document, labels, {3}, set()) is document


@pytest.mark.parametrize("limit", ["MAX_POSITIONS", "MAX_CHARACTERS", "MAX_WIDTH", "MAX_LINES"])
def test_what_is_too_large_stays_as_it_is(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions, characters, width and lines of a table have bounds."""
    text = pd.DataFrame(WARDS, columns=list(HEADS)).to_string(index=False)
    monkeypatch.setattr(f"tabrecover.straight.{limit}", 4)
    assert straightened(text) == text


def test_empty_cells_of_a_printed_frame_are_told() -> None:
    """Rows with blanks, none of which is full: each value is under its head."""
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Ward of the house<th data-key=beds>Beds there"
        "<th data-key=used>Beds in use<th data-key=free>Beds that are free"
        + "".join(
            f"<tr data-key={name}><th>{name} ward<td><td><td>"
            for name in ("Eye", "Ear", "Skin", "Heart")
        )
        + "</table>",
        'id = "wards"',
    )
    rows = [
        ("Eye ward", "12", "", "4"), ("Ear ward", "", "11", ""), ("Skin ward", "", "", "9"),
        ("Heart ward", "7", "7", ""),
    ]  # fmt: skip
    heads = ["Ward of the house", "Beds there", "Beds in use", "Beds that are free"]
    text = pd.DataFrame(rows, columns=heads).to_string(index=False)
    (table,) = tabrecover.recover(text, templates=template).tables
    values = [cell for cell in table.cells if cell.role == "value"]
    assert [cell.text for cell in values] == [text for row in rows for text in row[1:]]
    assert table.status == "accepted"


TREES = tabrecover.parse_template(
    "<table data-type=integer><tr><th rowspan=2>District<th rowspan=2>Sort<th colspan=2>Trees "
    "counted<tr><th data-key=a>Apples<th data-key=p>Pears"
    "<tr data-key=n1><th rowspan=2>Northern<th>Early<td><td>"
    "<tr data-key=n2><th>Late ripening<td><td></table>",
    'id = "trees"',
)
BY_COLUMN = """\
District  Sort           Trees counted
                         Apples  Pears
Northern  Early          11      12
          Late ripening          22
"""
BY_CELL = """\
District       Sort   Trees counted
Apples         Pears
Northern       Early  11             12
Late ripening         22
"""


@pytest.mark.parametrize("text", [BY_COLUMN, BY_CELL], ids=["by column", "by cell"])
def test_labels_tell_how_columns_are_counted(text: str) -> None:
    """Cells with covered positions or without: in both every value is at its place."""
    (table,) = tabrecover.recover(text, templates=TREES).tables
    values = {cell.key: cell for cell in table.cells if cell.role == "value"}
    assert {key: cell.text for key, cell in values.items()} == {
        "n1.a": "11", "n1.p": "12", "n2.a": "", "n2.p": "22",
    }  # fmt: skip


def by_starts(text: str) -> Document:
    """A dump of the trees, read by where its texts begin."""
    heads = ("District", "Sort", "Trees counted", "Northern", "Early", "Late ripening")
    labels = sorted(Span(at, at + len(head)) for head in heads if (at := text.find(head)) >= 0)
    document = read_document(text, "text")
    return straighten(document, labels, set(), set(), lambda rows: placing(rows, TREES))


@pytest.mark.parametrize(("text", "filled"), [(BY_COLUMN, False), (BY_CELL, True)])
def test_rows_without_covered_positions_are_filled(text: str, filled: bool) -> None:
    """Both are declared as cells; where covered positions are left away, the document says so."""
    found = by_starts(text)
    assert found.cells
    assert found.filled == filled


@pytest.mark.parametrize(
    ("row", "other"),
    [
        ("Northern  Early          11 ", "Early     Northern       11 "),
        ("  12\n", "  12   13\n"),
        ("Early          11   ", "Early in a day 11   "),
        ("11      12", "11 of t 12"),
        ("Late ripening          22", "Late                   22\n          ripening"),
    ],
    ids=["labels elsewhere", "a column more", "words at a column", "values so", "in pieces"],
)
def test_texts_that_begin_elsewhere_leave_the_table_as_it_is(row: str, other: str) -> None:
    """A label in another's column or cut by a line, a place too many, or words where one begins."""
    assert row in BY_COLUMN
    text = BY_COLUMN.replace(row, other)
    assert by_starts(text).text == text


def test_a_label_inside_a_word_parts_no_text() -> None:
    """Where a label is found at the beginning of a longer word, the word's text is one."""
    # A bug once: a column too many made up for the one that is empty, and values moved.
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th rowspan=2>Ward<th colspan=3>Beds<th rowspan=2>In use"
        "<th rowspan=2>Other wards<tr><th>Men<th>Women<th>Young"
        + "".join(f"<tr><th>{n}<td><td><td><td><td>" for n in ("Upton", "Slad", "Ham"))
        + "</table>",
        'id = "beds"',
    )
    text = (
        "Ward   Beds   In use  Other wards\nMen    Women  Young\n"
        "Upton  11     12      13           15\n"
        "Slad   21     22      23           25\nHam    31     32      33           35\n"
    )
    for table in tabrecover.recover(text, templates=template).tables:
        assert all(c.confidence < 0.9 for c in table.cells if c.text in ("15", "25", "35"))
