"""Documents that once went wrong, or easily could: each a small case with its truth at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import tabrecover
from tabrecover import Template
from tabrecover.align import Aligner, Alignment, holds_values
from tabrecover.api import read_document
from tabrecover.grid import ADDED
from tabrecover.library import Library
from tabrecover.pipeline import recover_document
from tabrecover.scoring import UnitKind
from tabrecover.storage import builtin_library, parse_template
from tabrecover.symbols import Symbol
from tabrecover.template import SlotKind
from tests.cases import TOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

REVIEW = "cn-disclosure-2019/review"
HEADER = (
    "行政复议\n行政诉讼\n结果维持\n结果纠正\n其他结果\n尚未审结\n总计\n未经复议直接起诉\n复议后起诉\n"
    + "结果维持\n结果纠正\n其他结果\n尚未审结\n总计\n" * 2
)
VALUES = ["1", "2", "3", "4", "10", "5", "6", "7", "8", "26", "0", "9", "0", "9", "18"]
BOLTS = tabrecover.parse_template(
    """<table data-type=decimal>
    <tr><th>Item code<th data-key=price>Price (EUR)<th data-key=stock data-type=integer>In stock
    <tr data-key=bolt><th>Hex bolt (M8)<td><td>
    <tr data-key=nut><th>Hex nut (M8)<td><td></table>""",
    'id = "bolts"',
)
ARTICLES = tabrecover.parse_template(
    """<table data-type=text>
    <tr><th>Article<th data-key=unit>Unit<th data-key=price>Price (EUR)<th data-key=stock>In stock
    <tr data-key=bolt><th>Hex bolt<td><td data-type=decimal><td data-type=integer>
    <tr data-key=plug><th>Wall plug<td><td data-type=decimal><td data-type=integer></table>""",
    'id = "articles"',
)

FLEET = tabrecover.parse_template(
    """<table data-type=integer><tr><th colspan=4>Fleet of all depots
    <tr><th>Depot name<th data-key=vans>Vans kept<th data-key=cars>Cars kept<th data-key=bikes>Bikes
    <tr data-key=north><th>Northern depot<td><td><td>
    <tr data-key=all><th>Vehicles in all<td colspan=3 data-key=sum></table>""",
    'id = "fleet"',
)


def values(dump: str, template: Template | None = None) -> list[tuple[str, float]]:
    """Text and confidence of the values of the dump's only table, in reading order."""
    (table,) = tabrecover.recover(dump, templates=template).tables
    return [(c.text, c.confidence) for c in table.cells if c.role == "value"]


def assert_told(found: list[tuple[str, float]], expected: list[str]) -> None:
    assert [text for text, _ in found] == expected
    assert min(confidence for _, confidence in found) >= 0.9


def test_values_right_behind_a_label_in_brackets() -> None:
    """Numbers on the label's line are values, also behind a closing bracket."""
    dump = "Item code Price (EUR) In stock\nHex bolt (M8) 1.50 20\nHex nut (M8) 2.50 30\n"
    assert_told(values(dump, BOLTS), ["1.50", "20", "2.50", "30"])


def test_values_behind_a_colon() -> None:
    """A colon parts a label from its value."""
    dump = "Item code\nPrice (EUR)\nIn stock\nHex bolt (M8)：1.50\n20\nHex nut (M8): 2.50\n30\n"
    assert_told(values(dump, BOLTS), ["1.50", "20", "2.50", "30"])


def test_text_values_in_the_last_row() -> None:
    """The last row is read to its end where the template expects words in it."""
    dump = (
        "Article\tUnit\tPrice (EUR)\tIn stock\nHex bolt\tpiece\t1.50\t3\nWall plug\tbox\t2.50\t4\n"
    )
    assert_told(values(dump, ARTICLES), ["piece", "1.50", "3", "box", "2.50", "4"])


def test_heading_on_the_line_of_the_last_value() -> None:
    """On one line, the next heading ends the table behind its last value."""
    dump = " ".join([*HEADER.split(), *VALUES, "五、存在的主要问题及改进情况"])
    assert_told(values(dump), VALUES)


@pytest.mark.parametrize("stray", ["某市统计局年度报告", "第 4 页 共 9 页", "- 12 -"])
def test_running_head_between_labels_and_values(stray: str) -> None:
    """A page's head or foot between header and values is no value, and is told as unplaced."""
    dump = HEADER + stray + "\n" + "\n".join(VALUES) + "\n"
    assert_told(values(dump), VALUES)
    (table,) = tabrecover.recover(dump).tables
    assert [dump[s:e] for s, e in table.unplaced] == [stray]


def test_page_number_between_values_is_a_page_number() -> None:
    """A number between dashes is a page's, not two marks and a value."""
    dump = HEADER + "\n".join([*VALUES[:4], "- 4 -", *VALUES[4:]]) + "\n"
    assert_told(values(dump), VALUES)


def test_number_too_many_makes_doubt() -> None:
    """A bare number between values could be any of them: no wrong value is told."""
    dump = HEADER + "\n".join([*VALUES[:4], "77", *VALUES[4:]]) + "\n"
    for (text, confidence), want in zip(values(dump), VALUES, strict=True):
        assert text == want or confidence < 0.9


@pytest.mark.parametrize(
    "form",
    [
        "本表包括{、}等项目。",
        "{\n}",
        "• {\n• }",
        '["{", "}"]',
        "1. {\n2. }",
        "<ul><li>{</li><li>}</ul>",
    ],
)
@pytest.mark.parametrize("template", builtin_library().templates, ids=lambda t: t.id)
def test_list_of_labels_is_no_table(form: str, template: Template) -> None:
    """All labels of a form without one value, in a sentence or a list, are no table."""
    labels = [cell.text for cell in template.cells if cell.role == "label"]
    before, rest = form.split("{")
    between, after = rest.split("}") if not rest.endswith("}") else (rest[:-1], "")
    assert tabrecover.recover(before + between.join(labels) + after).tables == ()


def test_empty_cells_alone_are_no_table() -> None:
    """Empty cells may be anything; with a text in some slot they are a table's."""
    slots = [n for n, slot in enumerate(YARDS.slots) if slot.kind == SlotKind.INTEGER][:2]
    blank, text = Symbol(UnitKind.BLANK, -1, ""), Symbol(UnitKind.INTEGER, 0, "4")
    assert not holds_values(Alignment(YARDS, (blank, blank), tuple(slots), {}, 0.0))
    assert holds_values(Alignment(YARDS, (blank, text), tuple(slots), {}, 0.0))


def test_one_blank_lost_leaves_every_value_of_the_row_in_doubt() -> None:
    """Fourteen different values for fifteen cells: the first is first in 14 of 15 ways, untold."""
    dump = HEADER + "\n".join(str(100 + k) for k in range(14)) + "\n"
    assert max(confidence for _, confidence in values(dump)) < 0.9


def test_label_takes_no_digit_of_the_number_before_it() -> None:
    """A number that ends in a label's first digit keeps it."""
    template = tabrecover.parse_template(
        "<table data-type=decimal><tr><th>项目<th>金额<tr data-key=a><th>苹果数量<td>"
        "<tr data-key=b><th>其他<td><tr data-key=c><th>4.其他<td></table>",
        'id = "digits"',
    )
    dump = "项目\t金额\n苹果数量\t100.84\n其他\t\n4.其他\t5.00\n"
    assert [text for text, _ in values(dump, template)] == ["100.84", "", "5.00"]


def test_a_damaged_label_takes_in_no_number_that_ran_into_it() -> None:
    """Digits in front of a label with a letter lost stay to be seen in the cell before it."""
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Kind of work<th data-key=h>Hours spent"
        "<th data-key=d>Days spent"
        "<tr data-key=a><th>Building roads<td><td><tr data-key=b><th>Mending bridges<td><td>"
        "<tr data-key=c><th>Painting fences<td><td></table>",
        'id = "work"',
    )
    dump = (
        "Kind of work\nHours spent\nDays spent\nBuilding roads\n12\n13\n"
        "Mending bridges\n14\n15Paintng fences\n16\n17\n"
    )
    assert values(dump, template)[3][0] == "15Paintng fences"


def test_row_left_out_leaves_its_neighbours_alone() -> None:
    """The model tells values beside a row that the dump lacks; the row's own cells it does not."""
    template = next(t for t in builtin_library().templates if t.id.endswith("2021/requests"))
    lines = []
    for row in range(3, 28):
        labels = [c.text for c in template.cells if c.row == row and c.role == "label"]
        if row != 6:
            lines += [*labels, *(str(10 * row + k) for k in range(7))]
    header = [c.text for c in template.cells if c.row < 3]
    (table,) = tabrecover.recover("\n".join([*header, *lines, ""])).tables
    assert table.model is not None
    for cell in table.model.cells:
        if cell.role == "value" and cell.row != 6:
            assert (cell.text, cell.confidence >= 0.9) == (str(10 * cell.row + cell.col - 3), True)
        elif cell.role == "value":
            assert (cell.text, cell.confidence >= 0.9) == ("", False)


def test_two_tables_of_one_template() -> None:
    """Two tables of one layout in a document are two tables, each with its own values."""
    other = [str(int(value) + 100) for value in VALUES]
    dump = "\n".join(["甲县", HEADER + "\n".join(VALUES), "乙县", HEADER + "\n".join(other), ""])
    tables = tabrecover.recover(dump).tables
    found = [[c.text for c in t.cells if c.role == "value"] for t in tables]
    assert found == [VALUES, other]


def test_merged_text_repeated_over_its_span() -> None:
    """A rectangle in which merged labels are repeated is one table with its values."""
    row = "结果维持\t结果纠正\t其他结果\t尚未审结\t总计\t"
    dump = (
        "行政复议\t" * 5 + "行政诉讼\t" * 10 + "\n"
        + row + "未经复议直接起诉\t" * 5 + "复议后起诉\t" * 5 + "\n"
        + row * 3 + "\n" + "\t".join(VALUES) + "\n"
    )  # fmt: skip
    dump = dump.replace("\t\n", "\n")
    assert_told(values(dump), VALUES)


@pytest.mark.parametrize("row", ["| {} | {} | {} | {} |", "{}\t{}\t{}\t{}"])
def test_another_value_in_a_span_is_no_repetition(row: str) -> None:
    """A value repeated over its span is told; with another one between, it is in doubt."""
    cells = [
        ["Fleet of all depots"] * 4,
        ["Depot name", "Vans kept", "Cars kept", "Bikes"],
        ["Northern depot", "3", "4", "5"],
    ]
    above = "\n".join(row.format(*texts) for texts in cells) + "\n"
    dump = above + row.format("Vehicles in all", "12", "12", "12")
    assert_told(values(dump, FLEET), ["3", "4", "5", "12"])
    dump = above + row.format("Vehicles in all", "12", "13", "12")
    (table,) = tabrecover.recover(dump, templates=FLEET).tables
    total = table.cells[-1]
    assert [total.text, *(dump[s:e] for s, e in total.spans)] == ["12", "12", "12"]
    assert total.confidence < 0.9
    assert [dump[s:e] for s, e in table.unplaced] == ["13"]


def test_long_list_of_repeated_labels_ends() -> None:
    """Thousands of repeated header rows without values are answered, with no table."""
    row = "结果维持 结果纠正 其他结果 尚未审结 总计 "
    assert tabrecover.recover(row * 2000).tables == ()


def test_pipe_table_of_unknown_layout() -> None:
    """Outer bars delimit a row; they are no cells of their own."""
    rows = "| Name | Red | Blue |\n|---|---|---|\n| Ann | 1 | 2 |\n| Bob |  | 4 |\n"
    dump = f"Before.\n\n{rows}\nAfter.\n"
    (table,) = tabrecover.recover(dump, templates="none").tables
    assert table.template is None
    assert table.to_csv() == "Name,Red,Blue\nAnn,1,2\nBob,,4\n"


def test_html_table_of_unknown_layout() -> None:
    """A data table inside a layout table comes back with its spans; the layout table does not."""
    html = (
        "<table><tr><td><ul><li>Home</ul></td><td><table><tr><th rowspan=2>Item"
        "<th colspan=2>Price 2020<tr><th>net<th>gross<tr><td>Bolt<td>1.50<td>1.80"
        "</table></td></tr></table>"
    )
    (table,) = tabrecover.recover(html).tables
    assert table.to_csv() == "Item,Price 2020,\n,net,gross\nBolt,1.50,1.80\n"
    assert [(c.rowspan, c.colspan) for c in table.cells][:2] == [(2, 1), (1, 2)]


@pytest.mark.parametrize(("span", "width"), [(5, 8), (100, 103), (99999, None)])
def test_spans_far_beyond_the_cells_are_mistaken(span: int, width: int | None) -> None:
    """A cell may span what no other cell fills; where that is nearly all, there is no table."""
    rows = 8 * "<tr><td>12<td>34<td>56<td>78"
    found = tabrecover.recover(f"<table><tr><td>a<td>b<td>c<td colspan={span}>d{rows}</table>")
    assert [table.shape for table in found.tables] == ([(9, width)] if width else [])


@pytest.mark.parametrize(
    "text",
    [
        "Home | News | About\nJobs | Press | Contact\n",
        "cat a.txt | sort | uniq -c\nls | wc -l\n",
        "def f(x):\n\treturn x\n\ndef g(y):\n\tif y:\n\t\treturn 1\n",
        "all: a b\n\tcc -o all a b\n\tstrip all\n",
    ],
    ids=["menu", "shell pipes", "indented code", "makefile"],
)
def test_bars_and_tabs_that_make_no_table(text: str) -> None:
    """Menus, pipes and indentation are no tables."""
    assert tabrecover.recover(text).tables == ()


LINES = [
    ("Cash in hand", "12", "7,345.12", "2021-12-05"),
    ("Claims on banks", "345", "12.7", "4,345"),
    ("Premises", "77", "0.12", "77-12"),
]


def numbered_lines(cell: str, row: str) -> str:
    """A table whose lines have numbers of their own, each cell and row written in this way."""
    head = ["Assets", "Line", "At the end", "As of"]
    return "".join(row % "".join(cell % text for text in texts) for texts in [head, *LINES])


@pytest.mark.parametrize(
    ("cell", "row"), [("<td>%s</td>", "<tr>%s</tr>"), ("%s | ", "%s\n")], ids=["html", "bars"]
)
def test_line_numbers_cut_no_number(cell: str, row: str) -> None:
    """Labels that are numbers (12, 345) are not found inside 7,345.12 or 2021-12-05."""
    drawn = "".join(
        f"<tr><th>{name}<th>{number}<td data-key={name[:2]}1><td data-key={name[:2]}2>"
        for name, number, *_ in LINES
    )
    template = tabrecover.parse_template(
        f"<table><tr><th>Assets<th>Line<th>At the end<th>As of{drawn}</table>", 'id = "a/b"'
    )
    dump = numbered_lines(cell, row)
    source = f"<table>{dump}</table>" if cell.startswith("<") else dump
    (table,) = tabrecover.recover(source, templates=template).tables
    values = [cell for cell in table.cells if cell.role == "value"]
    assert [cell.text for cell in values] == [text for _, _, *texts in LINES for text in texts]
    assert sum(cell.confidence >= TOLD for cell in values) >= len(values) - len(LINES[0][2:])


def test_label_of_another_template_cuts_no_value() -> None:
    """A value made of an own label and one of another template stays whole."""
    own = tabrecover.parse_template(
        "<table data-type=text><tr><th>品名<th>水果<th>等级<tr><td data-key=a><td data-key=b>"
        "<td data-key=c></table>",
        'id = "own"',
    )
    other = tabrecover.parse_template(
        "<table><tr><th>热带<td><tr><th>温带<td><tr><th>寒带<td></table>", 'id = "other"'
    )
    dump = "品名\t水果\t等级\n甲\t热带水果\t一级\n"
    (table,) = tabrecover.recover(dump, templates=[own, other]).tables
    assert [c.text for c in table.cells if c.role == "value"] == ["甲", "热带水果", "一级"]


def test_absent_optional_row_takes_no_values() -> None:
    """The model leaves an absent optional row blank; its neighbours keep their values."""
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Depot<th data-key=a>Vans<th data-key=b>Cars"
        "<tr data-key=n><th>North<td><td><tr data-key=m data-optional><th>Mobile<td><td>"
        "<tr data-key=s><th>South<td><td></table>",
        'id = "depots"',
    )
    dump = "Depot\nVans\nCars\nNorth\n4\n11\nSouth\n16\n7\n"
    (table,) = tabrecover.recover(dump, templates=template).tables
    assert table.model is not None
    found = {c.key: (c.text, c.confidence >= 0.9) for c in table.model.cells if c.role == "value"}
    assert found == {
        "n.a": ("4", True), "n.b": ("11", True), "m.a": ("", True), "m.b": ("", True),
        "s.a": ("16", True), "s.b": ("7", True),
    }  # fmt: skip


NUMBERED = (
    "<table data-type=integer><tr><th>Line<th>Kind of vehicle<th data-key=old>Old ones"
    "<th data-key=new>New ones<tr><th>0<th>1<th>2<th>3"
    + "".join(
        f"<tr><th>{number}<th>{name} vehicles<td data-key={name}.old><td data-key={name}.new>"
        for number, name in enumerate(["Red", "Green", "Blue"], start=1)
    )
    + "</table>"
)


@pytest.mark.parametrize("separator", ["\n", " | ", "\t"])
def test_labels_of_one_digit_are_no_values(separator: str) -> None:
    """Numbers that count columns and lines are labels, though values may be the same numbers."""
    template = tabrecover.parse_template(NUMBERED, 'id = "vehicles"')
    rows = [
        ["Line", "Kind of vehicle", "Old ones", "New ones"], ["0", "1", "2", "3"],
        ["1", "Red vehicles", "3", "2"], ["2", "Green vehicles", "1", "44"],
        ["3", "Blue vehicles", "5", "0"],
    ]  # fmt: skip
    dump = "".join(separator.join(row) + "\n" for row in rows)
    (table,) = tabrecover.recover(dump, templates=template).tables
    assert [c.text for c in table.cells if c.role == "value"] == ["3", "2", "1", "44", "5", "0"]
    assert [c.observed for c in table.cells if c.role == "label"] == [
        *rows[0], *rows[1], *(text for row in rows[2:] for text in row[:2])
    ]  # fmt: skip
    assert not table.unplaced


def test_templates_without_an_edition_have_no_vote() -> None:
    """A full form on the page is no reason to take the reduced one behind it for a full one."""
    rows = ["Unemployed", "Rural districts", "Total employed persons", "Households"]

    def form(name: str, labels: list[str]) -> tabrecover.Template:
        body = "".join(f"<tr data-key={name}{n}><th>{r}<td>" for n, r in enumerate(labels))
        page = f"<table data-type=integer><tr><th><th data-key=p>Persons{body}</table>"
        return tabrecover.parse_template(page, f'id = "{name}"')

    reduced = [rows[0], *rows[2:]]
    templates = [form("full", rows), form("reduced", reduced)]
    dumps = [
        "Persons\n" + "".join(f"{row}\n{n}\n" for n, row in enumerate(labels, start=10))
        for labels in (rows, reduced)
    ]
    tables = tabrecover.recover("\nSome words between.\n\n".join(dumps), templates=templates).tables
    assert [table.template for table in tables] == ["full", "reduced"]


def test_a_rival_that_reaches_over_the_next_table_does_not_swallow_it() -> None:
    """A layout that shares labels with two tables is a rival of one, and the other is found."""

    def drawn(name: str, labels: list[str]) -> tabrecover.Template:
        rows = "".join(f"<tr><th>{label}<td data-key=k{n}>" for n, label in enumerate(labels))
        return tabrecover.parse_template(
            f"<table data-type=integer>{rows}</table>", f'id = "{name}"'
        )

    first = [f"{word} in the first part" for word in ("Sheep", "Goats", "Cows", "Hens", "Bees")]
    second = [f"{word} of the second part" for word in ("Carts", "Ploughs", "Scythes")]
    both = [*first[:4], second[0], "Wells and ponds of both"]
    templates = [drawn("first", first), drawn("second", second), drawn("both", both)]
    lines = [text for n, label in enumerate([*first, *second]) for text in (label, str(n))]
    tables = tabrecover.recover("\n".join(lines) + "\n", templates=templates).tables
    assert [table.template for table in tables] == ["first", "second"]


SOCIETY = tabrecover.parse_template(
    """<table data-type=text>
    <tr><th>Register number<td data-key=number><th>Date of entry<td data-key=date>
    <tr><th>Name of the society<td data-key=name colspan=3>
    <tr><th>Seat of the board<td data-key=seat><th>Founded in<td data-type=integer data-key=year>
    <tr><th colspan=2>Members at the entry<td data-type=integer data-key=all colspan=2></table>""",
    'id = "society"',
)


def added(row: str) -> list[tuple[str, str]]:
    """Role and text of the cells in a row that the template lacks, above its last row."""
    (table,) = tabrecover.recover(
        "Register number|S-519|Date of entry|2023-04-04\nName of the society|Beekeepers\n"
        f"Seat of the board|Drayford|Founded in|2020\n{row}\nMembers at the entry|315\n",
        templates=SOCIETY,
    ).tables
    rows = {cell.row for cell in table.cells if cell.role == "value" and cell.key is None}
    return [(cell.role, cell.text) for cell in table.cells if cell.row in rows]


def test_a_line_like_the_one_above_is_an_added_row() -> None:
    """Words and texts of a line stand below those of the row that it follows, labels as well."""
    assert added("Bank of the board|Union|Closed in|2021") == [
        ("label", "Bank of the board"), ("value", "Union"), ("label", "Closed in"),
        ("value", "2021"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row",
    ["Bank of the board|Union|Closed in", "Bank of the board|Union|Closed in|late"],
    ids=["too short", "no number"],
)
def test_other_lines_are_no_rows(row: str) -> None:
    """A line of other cells than the one above is kept as text that no cell holds."""
    assert not added(row)


YARDS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Yard of the town<th data-key=in>Carts in"
    "<th data-key=out>Carts out<th data-key=left>Carts left</tr>"
    + "".join(
        f"<tr data-key={name}><th>{name} yard of carts<td><td><td>"
        for name in ("North", "South", "West")
    )
    + "</table>",
    'id = "yards"',
)
YARD_LINES = [
    "Yard of the town", "Carts in", "Carts out", "Carts left", "North yard of carts", "4", "1", "3",
    "South yard of carts", "9", "2", "7", "West yard of carts", "5", "5", "0",
]  # fmt: skip


def yards(lines: list[str], at: int) -> tuple[list[str], list[str]]:
    """The values of the template, and the texts of rows that it lacks, from a dump by lines."""
    dump = [*YARD_LINES[:at], *lines, *YARD_LINES[at:]]
    (table,) = tabrecover.recover("\n".join(dump) + "\n", templates=YARDS).tables
    assert table.shape == (5 if lines else 4, 4)
    cells = [cell for cell in table.cells if cell.role == "value"]
    rows = {cell.row for cell in cells if cell.key is None}
    return [c.text for c in cells if c.key], [c.text for c in table.cells if c.row in rows]


@pytest.mark.parametrize("at", [8, 12, 16], ids=["first", "inner", "last"])
def test_a_row_is_added_where_only_the_order_shows(at: int) -> None:
    """One cell a line: words and as many numbers as a row has are a row, the last one too."""
    own = [text for text in YARD_LINES[4:] if text.isdecimal()]
    assert yards(["Old depot", "8", "1", "7"], at) == (own, ["Old depot", "8", "1", "7"])


CARD = tabrecover.parse_template(
    "<table data-type=text><tr><th>Holder of the card<td><tr><th>Issued on<td>"
    "<tr><th>Remarks of the bureau<td></table>"
)


@pytest.mark.parametrize(
    ("last", "is_row"),
    [
        ("| Seen by | A. Ashby |", True),
        ("| Seen by | A. Ashby | Ely |", False),
        ("| Seen by |  |", False),
        ("| Seen by A. Ashby |", False),
        ("Seen by A. Ashby", False),
    ],
)
def test_one_value_behind_a_form_is_a_row_where_marks_part_it(last: str, is_row: bool) -> None:
    """A line of as many cells goes on with the table; any other is behind it."""
    dump = (
        "| Holder of the card | B. Brown |\n| Issued on | Monday |\n"
        f"| Remarks of the bureau | none |\n{last}\n\nPrinted by the bureau.\n"
    )
    (table,) = tabrecover.recover(dump, templates=CARD).tables
    assert [c.text for c in table.cells if c.row == 3] == ["Seen by", "A. Ashby"] * is_row
    values = [c for c in table.cells if c.row < 3 and c.role == "value"]
    assert [c.text for c in values] == ["B. Brown", "Monday", "none"]


def test_rows_are_added_at_several_places() -> None:
    """Each row that the template lacks is kept where it stands, two of them behind each other."""
    rows = [["Old depot", "8", "1", "7"], ["New depot", "6", "2", "4"], ["Mill", "3", "3", "0"]]
    dump = [*YARD_LINES[:8], *rows[0], *rows[1], *YARD_LINES[8:12], *rows[2], *YARD_LINES[12:]]
    (table,) = tabrecover.recover("\n".join(dump) + "\n", templates=YARDS).tables
    assert table.shape == (7, 4)
    found = [[c.text for c in table.cells if c.row == row] for row in (2, 3, 5)]
    assert found == rows


def test_names_are_looked_at_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words behind every row of a long form don't make it align once for each of them."""
    names = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    form = "".join(f"<tr data-key={n}><th>{n} yard of carts<td>" for n in names)
    template = tabrecover.parse_template(f"<table data-type=integer>{form}</table>", 'id = "long"')
    tried: list[int] = []
    grown = Aligner.with_rows

    def counting(aligner: Aligner, below: Sequence[int]) -> Aligner:
        tried.append(len(below))
        return grown(aligner, below)

    monkeypatch.setattr(Aligner, "with_rows", counting)
    lines = [f"{n} yard of carts\n{k}\nseen by {n[::-1]} alone" for k, n in enumerate(names)]
    (table,) = tabrecover.recover("\n".join(lines) + "\n", templates=template).tables
    assert table.shape[0] == len(names)
    assert 0 < 2 * len(tried) < len(names)


SURVEY = tabrecover.parse_template(
    "<table><tr><th>Part of the road<th data-key=is>State<th data-key=by>Seen by"
    "<tr data-key=n><th>Northern part<td><td><tr data-key=s><th>Southern part<td><td></table>"
)


@pytest.mark.parametrize(
    ("note", "is_told"), [("The road was closed for most of the year.", False), ("A. Ashby", True)]
)
def test_a_sentence_behind_a_table_is_no_value(note: str, is_told: bool) -> None:
    """Where the last cell may be blank, and no other text of the table is a sentence."""
    lines = [
        "Part of the road",
        "State",
        "Seen by",
        "Northern part",
        "good",
        "B. Brown",
        "Southern part",
        "bad",
    ]
    found = values("\n".join([*lines, note]) + "\n", SURVEY)
    assert ((note, True) in [(text, p > 0.5) for text, p in found]) == is_told


def test_what_is_cut_off_in_a_row_of_columns_is_no_blank() -> None:
    """Nothing but spaces shows the cells behind the last text of a document, and they may be lost.

    Behind the row before, they are blank.
    """
    heads = "Part of the road  State  Seen by\n"
    rows = "Northern part     good\nSouthern part     bad"
    whole = dict(
        zip("abcd", values(f"{heads}{rows}    Brown\n\nPrinted in May.\n", SURVEY), strict=True)
    )
    assert [text for text, _ in whole.values()] == ["good", "", "bad", "Brown"]
    *_, (_, before), _, (last, confidence) = values(heads + rows, SURVEY)
    assert last == ""
    assert confidence < 0.9 <= before


@pytest.mark.parametrize("close", ["\n", "|", " |\n"])
def test_a_row_may_be_added_behind_one_that_is_blank(close: str) -> None:
    """Where blanks leave no trace, the values behind a name may be its own, or of the row before.

    The row after is not touched by that, and is told.
    """
    # A bug once: that a row is added was no reading at all behind a row that ends in blanks.
    heads = ["Name of yard", "Carts", "Barrows", "All yards"]
    lines = [*heads, "North yard", "Old depot", "4", "5", "9", "South yard", "6", "1", "7"]
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Name of yard<th>Carts<th>Barrows<th>All yards"
        "<tr><th>North yard<td><td><td><tr><th>South yard<td><td><td></table>",
        'id = "two-yards"',
    )
    found = values("".join(f"{line}{close}" for line in lines), template)
    assert [text for text, _ in found[-3:]] == ["6", "1", "7"]
    assert min(confidence for _, confidence in found[-3:]) >= 0.9
    assert max(confidence for text, confidence in found[:-3] if text in ("4", "5", "9")) < 0.9


def test_an_added_row_may_be_none() -> None:
    """Before calibration its values are as sure as it is that there is such a row, and no surer."""
    dump = [*YARD_LINES[:8], "Old depot", "8", "1", "7", *YARD_LINES[8:]]
    document = read_document("\n".join(dump) + "\n", "text")
    (table,) = recover_document(document, Library([YARDS])).tables
    added = [c.confidence for c in table.cells if c.role == "value" and c.key is None]
    assert len(added) == 3
    assert max(added) <= ADDED


def test_an_added_row_with_a_value_lost_is_in_doubt() -> None:
    """Which of its cells is empty, nothing tells: no value of the row is told."""
    dump = [*YARD_LINES[:8], "Old depot", "8", "7", *YARD_LINES[8:]]
    (table,) = tabrecover.recover("\n".join(dump) + "\n", templates=YARDS).tables
    added = [c for c in table.cells if c.role == "value" and c.key is None]
    assert {cell.text for cell in added} == {"", "8", "7"}
    assert all(cell.confidence < 0.9 for cell in added)


@pytest.mark.parametrize(
    "lines",
    [
        ["Carts", "8", "1", "7"], ["Old depot"], ["Town report, page 3"],
        ["Town report", "8", "1", "7", "Town report"],
    ],
    ids=["piece of a label", "no values", "running head", "text that comes again"],
)  # fmt: skip
def test_what_names_no_row_adds_none(lines: list[str]) -> None:
    """A piece of a label, words alone and a running head are strays."""
    dump = [*YARD_LINES[:8], *lines, *YARD_LINES[8:]]
    (table,) = tabrecover.recover("\n".join(dump) + "\n", templates=YARDS).tables
    assert table.shape == (4, 4)


@pytest.mark.parametrize(
    "lines",
    [
        ["Old depot", "8"], ["Old depot", "8", "1", "7", "4"], ["Old depot", "see", "8", "1", "7"],
        ["Old depot, which the town gave up a long time before this report", "8", "1", "7"],
    ],
    ids=["too few values", "too many values", "words between", "a sentence"],
)  # fmt: skip
def test_what_follows_a_table_is_no_row(lines: list[str]) -> None:
    """Words and numbers behind the last row are one more row only if they are drawn as one."""
    (table,) = tabrecover.recover("\n".join(YARD_LINES + lines) + "\n", templates=YARDS).tables
    assert table.shape == (4, 4)


WELLS = tabrecover.parse_template(
    "<table data-type=text><tr><th>水井名称<th data-key=river>所属河流<th data-key=day>取样日期"
    "<th data-key=depth data-type=decimal>井深(米)"
    "<tr data-repeated><td data-key=name><td><td><td data-type=decimal></table>",
    'id = "wells"\nlanguage = "zh"\n',
)


def test_records_that_single_spaces_part() -> None:
    """A script without spaces between words: each word is a cell, and none of it is sure."""
    rows = [
        ("东岸一号井", "青石河", "2024-03-01", "12.5"), ("西岸井", "白沙河", "2024-03-02", "9.8"),
        ("北坡井", "青石河", "2024-03-05", "31.0"),
    ]  # fmt: skip
    dump = " ".join(["水井名称 所属河流 取样日期 井深(米)", *(" ".join(row) for row in rows)])
    (table,) = tabrecover.recover(f"本页为抽样结果。\n{dump}\n", templates=WELLS).tables
    cells = [cell for cell in table.cells if cell.role == "value"]
    assert [cell.text for cell in cells] == [text for row in rows for text in row]
    assert all(cell.confidence < 0.9 for cell in cells)


UNITS = [("一、门诊总人次", "人次"), ("二、入院人数", "人"), ("三、出院人数", "人"),
         ("四、手术台次", "台次"), ("五、死亡人数", "人"), ("六、转院人数", "人")]  # fmt: skip


def test_labels_of_one_character_beside_others() -> None:
    """Rows parted by single spaces: a label too short to be searched for is cut from its values."""
    body = "".join(f"<tr data-key=k{n}><th>{a}<th>{b}<td><td>" for n, (a, b) in enumerate(UNITS))
    template = tabrecover.parse_template(
        "<table data-type=decimal><tr><th>指标名称<th>计量单位<th data-key=now>本期数量"
        f"<th data-key=old>上期数量{body}</table>",
        'id = "work"\nlanguage = "zh"\n',
    )
    rows = "".join(f"{a} {b} {10 + n} {20 + n}.5\n" for n, (a, b) in enumerate(UNITS))
    dump = f"本院工作量如下。\n指标名称 计量单位 本期数量 上期数量\n{rows}资料来源医院统计室\n"
    found = [text for text, _ in values(dump, template)]
    assert found == [text for n in range(len(UNITS)) for text in (f"{10 + n}", f"{20 + n}.5")]


def test_a_line_without_words_is_drawn_in_no_label_cell() -> None:
    """Numbers below the labels of the row above are not taken for labels."""
    assert ("label", "7") not in added("7|Union|8|2021")


def test_rows_filled_at_their_ends_keep_their_blanks() -> None:
    """Where covered positions are left out, an empty cell behind a label is the first value's."""
    rows = [
        "| Item of all | Inland | Abroad | |", "| Wool | 11 | 12 | |", "| Silk | 21 | 22 | |",
        "| Flax | | 32 | |", "| Hemp | 41 | 42 | |", "| Jute | 51 | 52 | |",
    ]  # fmt: skip
    body = "".join(
        f"<tr data-key={name}><th colspan=2>{name}<td><td>"
        for name in ("Wool", "Silk", "Flax", "Hemp", "Jute")
    )
    goods = tabrecover.parse_template(
        "<table data-type=integer><tr><th colspan=2>Item of all<th data-key=near>Inland"
        f"<th data-key=far>Abroad{body}</table>",
        'id = "goods"',
    )
    found = [text for text, _ in values("\n".join(rows) + "\n", goods)]
    assert found == ["11", "12", "21", "22", "", "32", "41", "42", "51", "52"]


def test_what_may_be_cut_off_is_in_doubt() -> None:
    """An empty cell behind the document's last text may have been cut off; before others, not."""
    dump = "Item code\nPrice (EUR)\nIn stock\nHex bolt (M8)\n1.50\n20\nHex nut (M8)"
    cut_off = values(dump, BOLTS)
    closed = values(f"{dump}\nSource: the register.", BOLTS)
    assert [text for text, _ in cut_off] == [text for text, _ in closed] == ["1.50", "20", "", ""]
    least = min(confidence for _, confidence in closed[2:])
    assert max(confidence for _, confidence in cut_off[2:]) < least - 0.1


@pytest.mark.parametrize("head", ["<th>Sheep<th>Goats<th>Cows", "<th>Sheep<th colspan=2>Goats"])
def test_bars_behind_a_short_row_may_pad_it(head: str) -> None:
    """Where rows close with a bar, further bars stand for empty cells wherever they were.

    Few rows, of which a merged head makes one narrower, are no proof against it.
    """
    # A bug once: rows of different widths were read as if every bar stood in its place.
    rows = "".join(f"<tr><th>{name}<td><td><td>" for name in ("Upton", "Slad"))
    page = f"<table data-type=integer><tr><th>Name of it{head}{rows}</table>"
    template = parse_template(page)
    heads = " | ".join(cell.text for cell in template.cells if cell.row == 0)
    dump = f"{heads} |\nUpton | 5 | 3 | 9 |\nSlad | 12 | 47 ||\n"
    (table,) = tabrecover.recover(dump, templates=Library([template])).tables
    told = [cell.text for cell in table.cells if cell.role == "value" and cell.confidence >= TOLD]
    assert told == ["5", "3", "9"]


FARMS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Name of it<th>Sheep<th>Goats"
    "<tr><th>Upton farm<td><td><tr><th>Slad farm<td><td></table>"
)


@pytest.mark.parametrize(
    "dump",
    [
        "Name of it\tSheep\tGoats\nUpton farm\t132\t607\nSlad farm\t623\t150\n"
        "Ham farm\t\tnone\t801\n",
        "|  | Sheep | Goats |\n|  | 885 | 607 |\n| Slad farm |  | 179 |\n"
        "| Source: bureau |\n|  | 5 |\n\nPrinted by the bureau.\n",
        "Name of it\nSheep\nGoats\nUpton farm\n70\n575\n739\n311\nHam farm\n189\n",
    ],
    ids=["more cells than a row", "name and value on two lines", "no marks"],
)
def test_what_follows_a_table_is_no_row_of_it(dump: str) -> None:
    """A name and one value are a row only on a line like those before it, and between marks."""
    (table,) = tabrecover.recover(dump, templates=FARMS).tables
    assert table.shape == (3, 3)
    told = {(c.row, c.col): c.text for c in table.cells if c.confidence >= TOLD and c.row}
    assert {"5", "801", "189"}.isdisjoint(told.values())


def test_titles_between_padded_rows_make_them_no_cells_in_place() -> None:
    """Rows that one title spans are narrower; a bar behind a short row still pads it."""
    # A bug once: more than three such rows, and the row's last cell was told to be blank.
    page = "<table data-type=integer><tr><th>Name of it<th>Sheep<th>Goats"
    page += "<tr><th colspan=3>Wolds<tr><th>Upton<td><td><tr><th>Slad<td><td>"
    page += "<tr><th colspan=3>Fens<tr><th>Ham<td><td></table>"
    dump = "Name of it | Sheep | Goats |\nWolds |\nUpton | 5 | 3 |\nSlad | 12 ||\nFens |\n"
    library = Library([parse_template(page)])
    (table,) = tabrecover.recover(dump + "Ham | 4 | 9 |\n", templates=library).tables
    values = [cell for cell in table.cells if cell.role == "value" and cell.row == 3]
    assert max(cell.confidence for cell in values) < TOLD


ANSWERS = tabrecover.parse_template(
    "<table data-type=decimal><tr><th>Answer of the house<th>Men<th>Women"
    "<tr><th>Fairly good<td><td><tr><th>Rather poor<td><td></table>",
    'id = "house"',
)


def test_a_percent_sign_on_the_next_line_is_the_number_s() -> None:
    """Where a narrow column broke before it; a sign behind a number that has one is not."""
    lines = (
        "Answer of the house\nMen\nWomen\nFairly good\n62.8\n%\n3.9%\nRather poor\n5\n%\n12.1\n%\n"
    )
    assert_told(values(lines, ANSWERS), ["62.8\n%", "3.9%", "5\n%", "12.1\n%"])


def test_a_blank_beside_numbers_run_together_is_not_told() -> None:
    """What stands in the row as one text may be the values of all its cells."""
    lines = "Answer of the house\nMen\nWomen\nFairly good\n62.8\n3.9\nRather poor5.1x12.1\n"
    found = values(lines, ANSWERS)
    assert [text for text, _ in found[:2]] == ["62.8", "3.9"]
    assert max(confidence for _, confidence in found[2:]) < 0.9


def test_a_measure_in_a_text_is_no_label() -> None:
    """A row is called `mm`; the letters behind the number of another row's text are that text's."""
    # A bug once: the value was told without them.
    template = tabrecover.parse_template(
        "<table><tr><th>Part of it<th>Made of<tr><th>Housing<td data-type=text>"
        "<tr><th>Depth in all<td data-type=text><tr><th>mm<td data-type=integer></table>",
        'id = "parts"',
    )
    cells = ["Part of it", "Made of", "Housing", "coated steel, 1.5 mm", "Depth in all", "15"]
    for close in ("\n", " |\n"):
        dump = "".join(cell + close for cell in [*cells, "mm", "7"])
        assert_told(values(dump, template), ["coated steel, 1.5 mm", "15", "7"])
