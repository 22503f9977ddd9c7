"""What the baselines can, how they are known to fail, and programs run as tools."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.baselines import (
    BASELINES,
    Baseline,
    LayoutLike,
    ToolError,
    command_tool,
    rectangle_to_record,
)
from benchmarks.tables import Table, table_from_record, tables_of_page


@dataclass(frozen=True)
class Form:
    """The smallest layout there is."""

    table: Table
    repeated: int | None = None


def form(page: str, repeated: int | None = None) -> Form:
    return Form(tables_of_page(page)[0], repeated)


STAFF = form("""<table data-template="staff">
<tr><th rowspan="2">Department</th><th colspan="3">Staff in posts</th></tr>
<tr><th>Men</th><th>Women</th><th>Total</th></tr>
<tr><th>Sales</th><td></td><td></td><td></td></tr>
<tr><th>Workshop</th><td></td><td></td><td></td></tr>
<tr><th>Whole house</th><td></td><td></td><td></td></tr>
</table>""")
CASES = form("""<table data-template="cases">
<tr><th colspan="2">行政复议</th><th colspan="2">行政诉讼</th></tr>
<tr><th>结果维持</th><th>总计</th><th>结果维持</th><th>总计</th></tr>
<tr><td></td><td></td><td></td><td></td></tr>
</table>""")
CLUBS = form(
    """<table data-template="clubs">
<tr><th>Club</th><th>Town</th><th>Points</th></tr>
<tr><td></td><td></td><td></td></tr>
<tr><th colspan="2">All clubs</th><td></td></tr>
</table>""",
    repeated=1,
)
LAYOUTS: list[LayoutLike] = [STAFF, CASES, CLUBS]

NUMBERS = [["12", "14", "26"], ["1,230", "-", "1,230"], ["1,242", "14", "1,256"]]
PROSE = "The house counts its staff every 2 years."
LINES = f"""{PROSE}

Department
Staff in posts
Men
Women
Total
Sales
12
14
26
Workshop
1,230
-
1,230
Whole house
1,242
14
1,256

These are counts of 31 December."""
BARS = f"""{PROSE}

| Department | Staff in posts | Staff in posts | Staff in posts |
|---|---|---|---|
| Department | Men | Women | Total |
| Sales | 12 | 14 | 26 |
| Workshop | 1,230 | - | 1,230 |
| Whole house | 1,242 | 14 | 1,256 |

These are counts of 31 December."""
TABS = (
    BARS.replace("|---|---|---|---|\n", "")
    .replace(" |\n", "\n")
    .replace(" | ", "\t")
    .replace("| ", "")
)
HTML = """<html><p>The house counts its staff.</p><table>
<tr><th rowspan="2">Department</th><th colspan="3">Staff in posts</th></tr>
<tr><th>Men</th><th>Women</th><th>Total</th></tr>
<tr><td>Sales</td><td>12</td><td>14</td><td>26</td></tr>
<tr><td>Workshop</td><td>1,230</td><td>-</td><td>1,230</td></tr>
<tr><td>Whole house</td><td>1,242</td><td>14</td><td>1,256</td></tr>
</table>"""
CLUB_ROWS = [["Rovers", "Old Quay", "12"], ["United", "Orrin Head", "9"]]
CLUB_LINES = "Club\nTown\nPoints\nRovers\nOld Quay\n12\nUnited\nOrrin Head\n9\nAll clubs\n21\n"
CLUB_BARS = "Club|Town|Points\nRovers|Old Quay|12\nUnited|Orrin Head|9\nAll clubs||21\n"

ODD = {
    "nothing": "",
    "line ends": "\n" * 1000,
    "bars": "|" * 100_000,
    "lines of bars": "|\n" * 5_000,
    "numbers": "0 " * 50_000,
    "lines of numbers": "0\n" * 20_000,
    "one word": "a" * 100_000,
    "one line": "Sales 12 " * 12_000,
    "labels": "Department\nSales\nWorkshop\nMen\n" * 1_000,
    "broken markup": "<table>" + "<" * 100_000,
    "nested tables": "<table>" * 1_000,
    "wide cells": '<table><tr><td colspan="999999" rowspan="999999">1</table>',
    "table without texts": "<table><tr><td></table>",
    "wrong entities": "<table><tr><td>&#1114112;&#xD800;</table>",
    "encoding declared": "<?xml version='1.0' encoding='x'?><table><tr><td>1</td></tr></table>",
    "half characters": "a|\ud800\nb|\udfff\n",
    "null characters": "a|\0\nb|\0\n",
    "quotes": '"a|\'b\n,;\t"' * 100,
}


@pytest.fixture(params=BASELINES)
def baseline(request: pytest.FixtureRequest) -> Baseline:
    return baseline_named(str(request.param))


def baseline_named(name: str) -> Baseline:
    if name == "clevercsv":
        pytest.importorskip("clevercsv")
    return BASELINES[name]


def values(record: dict[str, Any]) -> list[list[str]]:
    """Texts of the value cells, by row, blanks included."""
    rows: dict[int, list[str]] = {}
    for cell in table_from_record(record).cells:
        if cell.role == "value":
            rows.setdefault(cell.row, []).append(cell.text)
    return list(rows.values())


def only(name: str, dump: str) -> list[list[str]]:
    """Values of the one table that a baseline finds."""
    (record,) = baseline_named(name)(dump, LAYOUTS)
    return values(record)


# -- what they can ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("order", LINES),
        ("order", BARS),
        ("order", " ".join(LINES.split())),
        ("order", HTML),
        ("regex", LINES),
        ("regex", BARS),
        ("regex", " ".join(LINES.split())),
        ("read_csv", BARS),
        ("read_csv", TABS),
        ("clevercsv", BARS),
        ("clevercsv", TABS),
        ("difflib", LINES),
        ("difflib", BARS),
        ("difflib", TABS),
        ("read_html", HTML),
    ],
)
def test_intact_dump_is_recovered(name: str, dump: str) -> None:
    """Each gives the whole table, labels and spans included, for a dump of its kind."""
    (record,) = baseline_named(name)(dump, LAYOUTS)
    found = table_from_record(record)
    texts = iter([text for row in NUMBERS for text in row])
    slots = [i for i, cell in enumerate(STAFF.table.cells) if cell.role == "value"]
    assert found == STAFF.table.with_texts({slot: next(texts) for slot in slots})


@pytest.mark.parametrize("name", ["order", "regex", "difflib"])
def test_labels_are_found_in_any_script_width_and_wrapping(name: str) -> None:
    """Traditional characters, white space within labels and full-width digits are no obstacle."""
    dump = "行政複議\n行政\n訴訟\n結果 維持\n總計\n結果 維持\n總計\n１\n2\n３\n4\n"
    assert only(name, dump) == [["1", "2", "3", "4"]]


@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("order", CLUB_LINES),
        ("order", CLUB_BARS),
        ("difflib", CLUB_LINES),
        ("difflib", CLUB_BARS),
        ("read_csv", CLUB_BARS),
        ("clevercsv", CLUB_BARS),
    ],
)
def test_repeated_rows_are_counted(name: str, dump: str) -> None:
    """A row that stands for many is cut from what follows the header, up to the labels below."""
    assert only(name, dump) == [*CLUB_ROWS, ["21"]]


def test_repeated_rows_end_where_the_prose_begins() -> None:
    """A paragraph, and a line without bars after lines with bars, is no row."""
    rows = CLUB_LINES.partition("All clubs")[0]
    bars = CLUB_BARS.partition("All clubs")[0]
    for dump in (f"{rows}{PROSE * 3}\n1\n2\n", f"{bars}The end\nof it\nin 3 lines"):
        assert only("order", dump) == [*CLUB_ROWS, [""]]


def test_tables_come_in_the_order_of_the_page() -> None:
    """Every layout is found where its labels are, and takes nothing of the next one."""
    dump = f"{CLUB_LINES}\n{LINES}"
    for name in ("order", "difflib"):
        records = BASELINES[name](dump, LAYOUTS)
        assert [record["template"] for record in records] == ["clubs", "staff"]
        assert values(records[1]) == NUMBERS


def test_of_two_layouts_for_one_place_the_better_is_taken() -> None:
    """An edition that lacks some of the labels found gives way."""
    other = form(STAFF.table.to_html().replace("Workshop", "Garage").replace("Women", "Others"))
    for name in ("order", "difflib"):
        (record,) = BASELINES[name](LINES, [other, STAFF])
        assert record["template"] == "staff"
    (record,) = BASELINES["regex"](LINES, [other, STAFF])
    assert record["template"] == "staff"


@pytest.mark.parametrize("name", ["order", "difflib"])
def test_form_of_texts_is_filled_with_texts(name: str) -> None:
    """Where the cells are as many as the slots and the numbers are not, the cells are taken."""
    product = form(
        "<table><tr><th>Colour</th><td></td></tr><tr><th>Housing</th><td></td></tr></table>"
    )
    (record,) = BASELINES[name]("Colour\nslate grey\nHousing\nsteel, 1.5 mm\n", [product])
    assert values(record) == [["slate grey"], ["steel, 1.5 mm"]]


# -- how they fail ---------------------------------------------------------------------------


def test_order_shifts_everything_after_a_lost_blank() -> None:
    """One cell without a trace moves all values after it, and nothing says so."""
    dump = LINES.replace("14\n26", "26", 1)
    shifted = [["12", "26", "1,230"], ["-", "1,230", "1,242"], ["14", "1,256", ""]]
    assert only("order", dump) == shifted


def test_difflib_shifts_within_the_row_of_a_lost_blank() -> None:
    """The labels around a row hold the others in place; in the row the order decides."""
    dump = LINES.replace("14\n26", "26", 1)
    assert only("difflib", dump) == [["12", "26", ""], *NUMBERS[1:]]


def test_regex_takes_the_first_of_two_equal_labels() -> None:
    """A row label in the prose with numbers after it is taken for the row."""
    dump = f"Sales 2021 rose.\n{LINES}"
    assert only("regex", dump) == [["2021", "", ""], *NUMBERS[1:]]


def test_regex_has_nothing_to_look_for_in_repeated_rows() -> None:
    """Rows whose labels are unknown give no pattern."""
    assert BASELINES["regex"](CLUB_LINES, LAYOUTS) == []


@pytest.mark.parametrize("name", ["read_csv", "clevercsv"])
def test_padded_rows_are_read_as_they_stand(name: str) -> None:
    """Where blanks are deleted and the row's end is padded, values are a column too far left."""
    dump = BARS.replace("| 12 | 14 | 26 |", "| 14 | 26 | |")
    assert only(name, dump) == [["14", "26", ""], *NUMBERS[1:]]


@pytest.mark.parametrize("name", ["read_csv", "clevercsv", "read_html"])
def test_one_cell_a_line_is_no_table_for_parsers(name: str) -> None:
    """Without delimiters or markup there is nothing to parse."""
    dump = LINES.replace(",", "")
    assert baseline_named(name)(dump, LAYOUTS) == []


def test_clevercsv_takes_thousands_separators_for_delimiters() -> None:
    """Cells a line, some with a comma: the comma looks like a dialect."""
    (record,) = baseline_named("clevercsv")("1,230\n1,242\n1,256\n", LAYOUTS)
    assert values(record) == [["242"], ["256"]]


def test_read_html_moves_the_cells_after_a_lost_one() -> None:
    """A missing `td` is filled at the row's end."""
    dump = HTML.replace("<td>14</td>", "", 1)
    assert only("read_html", dump) == [["12", "26", ""], *NUMBERS[1:]]


# -- what holds for all ----------------------------------------------------------------------


@pytest.mark.parametrize("dump", ODD.values(), ids=ODD)
def test_odd_texts_do_no_harm(baseline: Baseline, dump: str) -> None:
    """Whatever the text, a list of tables comes back, with layouts and without."""
    for layouts in (LAYOUTS, []):
        for record in baseline(dump, layouts):
            assert table_from_record(record).shape == tuple(record["shape"])


def test_prose_holds_no_table(baseline: Baseline) -> None:
    """Text that names two labels is no table."""
    dump = "Sales rose by 12 % in 2021.\nThe department is content.\n\nSee page 4."
    assert baseline(dump, LAYOUTS) == []


def test_equal_calls_give_equal_tables(baseline: Baseline) -> None:
    """Nothing is kept from one dump to the next."""
    first = [baseline(dump, LAYOUTS) for dump in (LINES, BARS, HTML)]
    assert [baseline(dump, LAYOUTS) for dump in (LINES, BARS, HTML)] == first


# -- rectangles ------------------------------------------------------------------------------


def roles(record: dict[str, Any]) -> list[list[str]]:
    """The rectangle, labels in brackets."""
    table = table_from_record(record)
    rows: list[list[str]] = [[] for _ in range(table.shape[0])]
    for cell in table.cells:
        rows[cell.row].append(f"[{cell.text}]" if cell.role == "label" else cell.text)
    return rows


def test_rectangle_of_another_size_keeps_known_labels() -> None:
    """With a row too many, labels are known by their texts and spread over the blanks they span."""
    rectangle = [
        ["Department", "Staff in posts", "", ""],
        ["", "Men", "Women", "Total"],
        ["Sales", "12", "14", "26"],
        ["Garage", "1", "2", "3"],
        ["Workshop", "1,230", "-", "1,230"],
        ["Whole house", "1,242", "14", "1,256"],
    ]
    record = rectangle_to_record(rectangle, LAYOUTS)
    assert record is not None
    assert record["template"] == "staff"
    assert roles(record)[:3] == [
        ["[Department]", "[Staff in posts]", "[Staff in posts]", "[Staff in posts]"],
        ["[]", "[Men]", "[Women]", "[Total]"],
        ["[Sales]", "12", "14", "26"],
    ]


def test_rectangle_of_unknown_layout_has_header_and_stub() -> None:
    """Rows above the first number and the first column are labels, spread over blanks."""
    rectangle = [["Region", "Year", ""], ["", "2021", "2022"], ["North", "1", "2"], ["", "3", "4"]]
    record = rectangle_to_record(rectangle, LAYOUTS)
    assert record is not None
    assert record["template"] is None
    assert roles(record) == [
        ["[Region]", "[Year]", "[Year]"],
        ["[]", "2021", "2022"],
        ["[North]", "1", "2"],
        ["[North]", "3", "4"],
    ]


def test_blank_edges_are_no_columns() -> None:
    """Bars at both ends of a line add no columns, but a blank column of the layout stays."""
    rows = [["", *row, ""] for row in [["Club", "Town", "Points"], ["Rovers", "Old Quay", ""]]]
    record = rectangle_to_record([*rows, ["", "All clubs", "", "", ""]], LAYOUTS)
    assert record is not None
    assert values(record) == [["Rovers", "Old Quay", ""], [""]]


@pytest.mark.parametrize("rectangle", [[], [[]], [[""]], [["a"], ["b"]], [["a", "b"]], [["", ""]]])
def test_less_than_two_rows_and_columns_is_no_table(rectangle: list[list[str]]) -> None:
    """A line with a bar in it, or a column of texts, is none."""
    assert rectangle_to_record(rectangle, LAYOUTS) is None


# -- programs --------------------------------------------------------------------------------


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def test_program_gets_the_dump_and_gives_tables() -> None:
    """Standard input is the dump as UTF-8, standard output one record."""
    code = """
import json, sys
text = sys.stdin.buffer.read().decode("utf-8")
cells = [{"row": 0, "col": 0, "role": "value", "text": text}]
print(json.dumps({"tables": [{"template": None, "shape": [1, 1], "cells": cells}]}))
"""
    (record,) = command_tool(python(code))("行政复议 | 5", LAYOUTS)
    assert values(record) == [["行政复议 | 5"]]


def test_program_that_reads_nothing_is_no_error() -> None:
    """A tool may know at once that it finds nothing."""
    assert command_tool(python("print('{\"tables\": []}')"))("0\n" * 100_000, LAYOUTS) == []


def test_no_shell_reads_the_command() -> None:
    """Characters that mean something to a shell are passed on."""
    code = "import sys, json; print(json.dumps({'tables': [{'cells': [], 'a': sys.argv[1:]}]}))"
    (record,) = command_tool(f"{python(code)} '$HOME' > *")("", LAYOUTS)
    assert record["a"] == ["$HOME", ">", "*"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (python("import sys; sys.exit('no licence\\nsecond line')"), r"exit code 1\): no licence$"),
        (python("print('tables')"), "no record: Expecting value"),
        (python("print('[]')"), 'no record: expected an object with a list "tables"'),
        (python("print('{\"tables\": [3]}')"), 'table 0: expected an object with a list "cells"'),
        (python('print(\'{"tables": [{"cells": [{}]}]}\')'), 'without "row" and "col"'),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), "no record: .*utf-8"),
        (python("print('[' * 100000)"), "no record"),
        ("no-such-program-of-ours --json", "cannot be run: .*no-such-program-of-ours"),
    ],
)
def test_failure_of_a_program_is_told(command: str, message: str) -> None:
    """The error names the command and says what was wrong with it."""
    with pytest.raises(ToolError, match=message) as caught:
        command_tool(command)(LINES, LAYOUTS)
    assert str(caught.value).startswith(command)
    assert caught.value.command == command


@pytest.mark.parametrize("command", ["", "  ", "program 'unclosed"])
def test_wrong_command_is_told_at_once(command: str) -> None:
    """Not only when the first dump is read."""
    with pytest.raises(ToolError):
        command_tool(command)


def test_slow_program_is_stopped() -> None:
    """A tool has its time and no more."""
    with pytest.raises(ToolError, match=r"took longer than 0\.2 s"):
        command_tool(python("import time; time.sleep(30)"), seconds=0.2)("", LAYOUTS)


def test_records_are_json() -> None:
    """What a baseline returns can be stored as it is."""
    records = BASELINES["order"](LINES, LAYOUTS)
    assert json.loads(json.dumps(records)) == records


@pytest.mark.parametrize("tool", ["read_csv", "clevercsv"])
def test_csv_as_pandas_writes_it(tool: str) -> None:
    """Numbers of rows and columns around the table are no part of it."""
    pytest.importorskip("clevercsv")
    dump = ",0,1,2\n0,Name,Red,Blue\n1,Ann,1,2\n2,Bob,3,4\n"
    (record,) = BASELINES[tool](dump, [])
    texts = [cell["text"] for cell in record["cells"]]
    assert texts == ["Name", "Red", "Blue", "Ann", "1", "2", "Bob", "3", "4"]


def test_lines_of_a_drawn_box_part_no_table() -> None:
    """Rules between rows, with any corners, leave one table."""
    dump = "┌────┬───┐\n│Name│Red│\n├────┼───┤\n│Ann │ 1 │\n├────┼───┤\n│Bob │ 3 │\n└────┴───┘\n"
    (record,) = BASELINES["read_csv"](dump, [])
    assert [cell["text"] for cell in record["cells"]] == ["Name", "Red", "Ann", "1", "Bob", "3"]
