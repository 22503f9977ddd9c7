"""Tables on one sheet of tab-separated columns: each with the columns that it uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from tabrecover.library import Library
from tabrecover.model import Document, Span
from tabrecover.sheets import cut_from_sheet
from tabrecover.storage import parse_template

FARMS = parse_template(
    "<table data-type=integer><tr><th rowspan=2>Name of farm<th colspan=2>Animals kept"
    "<tr><th>Sheep<th>Goats<tr><th>Upton farm<td><td><tr><th>Slad farm<td><td></table>",
    'id = "farms"',
)
MILLS = parse_template(
    "<table data-type=integer><tr><th>Name of mill<th>Stones<th>Sails<th>Sacks of flour"
    "<tr><th>Ham mill<td><td><td></table>",
    'id = "mills"',
)
SHEET = """\
Returns of the parish\t\t\t\t\t
Name of farm\t\tAnimals kept\t\t\t
\t\tSheep\t\tGoats\t
Upton farm\t\t5\t\t\t
Slad farm\t\t\t\t7\t
Mills are returned below.\t\t\t\t\t
Name of mill\tStones\t\tSails\t\tSacks of flour
Ham mill\t2\t\t4\t\t90
"""


def values(text: str) -> dict[str, list[tuple[str, bool]]]:
    """By template its values, and whether they are told."""
    library = Library([FARMS, MILLS])
    return {
        str(table.template): [
            (cell.text, cell.confidence >= 0.9) for cell in table.cells if cell.role == "value"
        ]
        for table in tabrecover.recover(text, templates=library).tables
    }


def test_columns_of_other_tables_are_left_out() -> None:
    """Two tables with columns of their own on one sheet: every value is told, blank ones too."""
    assert values(SHEET) == {
        "farms": [("5", True), ("", True), ("", True), ("7", True)],
        "mills": [("2", True), ("4", True), ("90", True)],
    }


@pytest.mark.parametrize("line", ["Hens were not counted.", "a\tb", "12\t3"])
def test_a_line_that_is_not_on_the_sheet_is_not_lost(line: str) -> None:
    """Lines with fewer tabs inside a table stay in the document, where they stood."""
    lines = [f"{line}\n" for line in SHEET.splitlines() * 2]
    text = "".join([*lines[:4], f"{line}\n", *lines[4:]])
    labels = [Span(at, at + 10) for at in (text.index("Name of farm"), text.index("Slad farm"))]
    cut = cut_from_sheet(Document(text, "text", text), labels, {3})
    assert line in cut.text


@given(st.lists(st.lists(st.sampled_from(["", "a", " b ", "7"]), min_size=4, max_size=4),
                min_size=2, max_size=8), st.integers(0, 7))  # fmt: skip
def test_nothing_is_lost(rows: list[list[str]], labelled: int) -> None:
    """Whatever is cut, every text of the sheet is there, once, in the same order."""
    text = "".join("\t".join(row) + "\n" for row in rows)
    starts = [0, *(at + 1 for at, char in enumerate(text[:-1]) if char == "\n")]
    at = starts[labelled % len(rows)]
    cut = cut_from_sheet(Document(text, "text", text), [Span(at, at + 1)], {2, 3})
    texts = [char for char in cut.text if char in "ab7"]
    assert texts == [char for char in text if char in "ab7"]


def line(*fields: str) -> str:
    return "\t".join(fields) + "\n"


WIDE = parse_template(
    "<table data-type=integer><tr><th>Name of farm<th>Sheep kept<th>Goats kept<th>Cows kept"
    "<tr><th>Upton farm<td><td><td><tr><th>Slad farm<td><td><td></table>",
    'id = "wide"',
)
RECORDS = parse_template(
    "<table data-type=integer><tr><th>Name of mill<th>Stones turned<th>Sails set"
    "<tr data-repeated data-key=m><td data-type=text><td><td></table>",
    'id = "records"',
)


def test_the_next_table_may_use_fewer_of_the_columns() -> None:
    """Labels behind an empty line are another table's, also where it has no column of its own."""
    # A bug once: the second table was read as rows of the first, and lost.
    sheet = (
        line("Name of farm", "Sheep kept", "Goats kept", "", "Cows kept")
        + line("Upton farm", "5", "6", "", "7") + line("Slad farm", "8", "", "", "9")
        + line("", "", "", "", "")
        + line("Name of mill", "", "Stones turned", "", "Sails set")
        + line("Ham mill", "", "2", "", "4") + line("Eye mill", "", "1", "", "")
    )  # fmt: skip
    tables = tabrecover.recover(sheet, templates=Library([WIDE, RECORDS])).tables
    found = [[cell.text for cell in t.cells if cell.role == "value"] for t in tables]
    mills = ["Ham mill", "2", "4", "Eye mill", "1", ""]
    assert found == [["5", "6", "7", "8", "", "9"], mills]


def test_a_table_may_use_all_columns_of_the_sheet() -> None:
    """The widest table has no column to leave out; it is read as the others are."""
    # A bug once: cells of one table beside tabs of another were read by one law, values moved.
    sheet = (
        line("Name of farm", "", "Sheep kept", "Goats kept") + line("Upton farm", "", "40", "")
        + line("Slad farm", "", "", "86") + line("", "", "", "")
        + line("Holder of land", "Acres", "Hedges", "Ditches") + line("Upton", "", "412", "74")
        + line("Vale", "0", "46", "")
    )  # fmt: skip
    farms = parse_template(
        "<table data-type=integer><tr><th>Name of farm<th>Sheep kept<th>Goats kept"
        "<tr><th>Upton farm<td><td><tr><th>Slad farm<td><td></table>",
        'id = "farms"',
    )
    land = parse_template(
        "<table data-type=integer><tr><th>Holder of land<th>Acres<th>Hedges<th>Ditches"
        "<tr data-repeated data-key=m><td data-type=text><td><td><td></table>",
        'id = "land"',
    )
    tables = tabrecover.recover(sheet, templates=Library([farms, land])).tables
    found = [[cell.text for cell in t.cells if cell.role == "value"] for t in tables]
    assert found == [["40", "", "", "86"], ["Upton", "", "412", "74", "Vale", "0", "46", ""]]


def test_a_note_between_two_tables_is_no_value() -> None:
    """Two forms alike, the first of them empty, and a note between them."""
    names = ["Holder of the card", "Share of the card", "Remarks", "Issued on"]
    card = parse_template(
        f"<table><tr><th>{names[0]}<td data-type=integer><tr><th>{names[1]}<td data-type=percent>"
        f"<tr><th>{names[2]}<td data-type=text><tr><th>{names[3]}<td data-type=date></table>",
        'id = "card"',
    )
    values = ["119", "42.9%", "late", "2010-03-03"]
    sheet = "".join(line(name, "", "", "") for name in names)
    sheet += line("", "", "", "") + line("Figures as of March", "", "", "")
    sheet += "".join(line(name, "", value, "") for name, value in zip(names, values, strict=True))
    for table in tabrecover.recover(sheet, templates=card).tables:
        for cell in table.cells:
            assert cell.text != "Figures as of March" or cell.confidence < 0.9


def test_records_may_have_a_single_text() -> None:
    """A row with its first cell only ends no table whose columns go on behind it."""
    template = parse_template(
        "<table data-type=integer><tr><th>Name of it<th>Sheep<th>Goats"
        "<tr data-repeated><td data-type=text><td><td></table>",
        'id = "records"',
    )
    sheet = "Name of it\t\tSheep\tGoats\t\nUpton\t\t1\t2\t\nSlad\t\t\t\t\nHam\t\t3\t4\t\n"
    (table,) = tabrecover.recover(sheet, templates=template).tables
    rows = [[cell.text for cell in table.cells if cell.row == row] for row in (1, 2, 3)]
    assert rows == [["Upton", "1", "2"], ["Slad", "", ""], ["Ham", "3", "4"]]


def test_lines_of_one_text_are_no_table() -> None:
    """Paragraphs of a sheet, with nothing in its other columns, are no table of one column."""
    lines = ["Returns of the parish of 2021", "All of it", "By hand", "In the year", "12", "7"]
    paragraphs = "".join(f"{line}\t\t\t\t\t\n" for line in lines)
    tables = tabrecover.recover(paragraphs + SHEET, templates=Library([FARMS, MILLS])).tables
    assert [table.template for table in tables] == ["farms", "mills"]
    rows = "Name of farm\tSheep\tGoats\nUpton farm\t5\t6\nSlad farm\t7\t8\n"
    tables = tabrecover.recover(f"{paragraphs}\nAnd so on.\n\n{rows}", templates=FARMS).tables
    assert [table.template for table in tables] == ["farms"]


def grids(sheet: str) -> list[tuple[int, int]]:
    """Rows and columns of each table that is found without templates."""
    tables = tabrecover.recover(sheet, templates="none").tables
    return [table.shape for table in tables]


def test_sentences_part_the_tables_of_a_sheet_without_templates() -> None:
    """Each table has the columns that it uses; the title and the sentence are none's."""
    assert grids(SHEET + line("Holm mill", "1", "", "3", "", "75")) == [(4, 3), (3, 4)]


def test_a_sheet_without_sentences_is_one_table() -> None:
    """Nothing says that its tables are two: rows stay in the columns of the sheet."""
    ((rows, columns),) = grids(SHEET.replace("Mills are returned below.", "Mills"))
    assert (rows, columns) == (8, 6)
