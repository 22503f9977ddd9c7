"""Drawn tables: boxes, ruled columns and separated fields become cells, all else stays as it is."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover.layout import redraw
from tabrecover.model import CELL_END, ROW_END, TABLE_END, Document

ROOT = Path(__file__).parent.parent
SEPARATORS = CELL_END + ROW_END + TABLE_END
DRAWN = "|│┃║+┌┬┐├┼┤└┴┘╔╦╗╠╬╣╚╩╝-=_─━═"


class Shown(NamedTuple):
    """A cell as a person would describe it: its text, and its spans if it has any."""

    text: str
    rowspan: int = 1
    colspan: int = 1


Rows = list[list[Shown]]


def redrawn(text: str) -> Document:
    return redraw(Document(text, "text", text))


def tables_of(document: Document) -> list[Rows]:
    """The drawn tables as rows of cells."""
    tables: list[Rows] = []
    position = 0
    for cell in document.cells:
        before = document.text[position : cell.end]
        if TABLE_END in before:
            tables.append([[]])
            before = before[before.rindex(TABLE_END) + 1 :]
        tables[-1] += [[] for _ in range(before.count(ROW_END))]
        words = before.lstrip(ROW_END).split()
        tables[-1][-1].append(Shown(" ".join(words), cell.rowspan, cell.colspan))
        position = cell.end + 1
    return tables


def texts_of(text: str) -> list[list[list[str]]]:
    """The same as texts alone; no cell may span."""
    tables = tables_of(redrawn(text))
    assert all(cell[1:] == (1, 1) for rows in tables for row in rows for cell in row)
    return [[[cell.text for cell in row] for row in rows] for rows in tables]


def check_offsets(text: str, drawing: str = DRAWN) -> None:
    """Characters equal the input's, none is used twice, and only spaces and drawings are lost."""
    document = redrawn(text)
    if document.starts is None or document.ends is None:
        assert document.text == text
        return
    shown = document.ends > document.starts
    for number, char in enumerate(document.text):
        start, end = int(document.starts[number]), int(document.ends[number])
        assert (char in SEPARATORS) == (start == end)
        assert text[start:end] in {"", char}
    used = Counter(document.starts[shown].tolist())
    assert all(count == 1 for count in used.values())
    lost = set(range(len(text))) - set(np.unique(document.starts[shown]).tolist())
    assert all(text[at].isspace() or text[at] in drawing for at in lost)


# --- boxes as the tools draw them -----------------------------------------------------------------

ELINKS = """\
   ┌────────────────────────────────────┐
   │ 第(一)项                           │
   ├─────────────────────┬──────────────┤
   │ 信息内容            │ 本年公开数量 │
   ├─────────────────────┼──────────────┤
   │ 其他对外管理服务事  │ 2            │
   │ 项                  │              │
   ├─────────────────────┴──────────────┤
   │ end                                │
   └────────────────────────────────────┘
"""
W3M = """\
┌───────────┬──────────────────┐
│           │申请人情况        │
│           ├───┬──────────┬───┤
│(本列数据) │自 │法人      │总 │
│           │然 ├────┬─────┤计 │
│           │人 │企业│机构 │   │
├───┬───────┼───┼────┼─────┼───┤
│结 │予以   │0  │/   │-    │---│
│果 │公开   │   │    │     │   │
└───┴───────┴───┴────┴─────┴───┘
"""
LINKS = """\
   +---------------------------+
   | Region   | Deaths         |
   |          |----------------|
   |          | Male | Female  |
   |----------+------+---------|
   | North of | 1    | 2       |
   | England  |      |         |
   |---------------------------|
   | note                      |
   +---------------------------+
"""
RST = """\
+------------+-----------+
| Name of    | Number of |
| district   | schools   |
+============+===========+
| North      | 12        |
+------------+-----------+
| South and  |           |
| East       |           |
+------------+-----------+
"""
MYSQL = """\
mysql> select * from town;
+----------+-------+------+
| name     | count | rate |
+----------+-------+------+
| North    |    12 |  1.5 |
| Old Town |       |  0.5 |
| South    |     3 |      |
+----------+-------+------+
3 rows in set (0.00 sec)
"""
OUTLINE = """\
╔══════╦═══╗
║ name ║ n ║
╠══════╬═══╣
║ a    ║ 1 ║
║ b    ║ 2 ║
╚══════╩═══╝
"""
BOXES: dict[str, tuple[str, Rows]] = {
    "elinks": (
        ELINKS,
        [
            [Shown("第(一)项", 1, 2)],
            [Shown("信息内容"), Shown("本年公开数量")],
            [Shown("其他对外管理服务事项"), Shown("2")],
            [Shown("end", 1, 2)],
        ],
    ),
    "w3m": (
        W3M,
        [
            [Shown("(本列数据)", 3, 2), Shown("申请人情况", 1, 4)],
            [Shown("自然人", 2, 1), Shown("法人", 1, 2), Shown("总计", 2, 1)],
            [Shown("企业"), Shown("机构")],
            [*map(Shown, ("结果", "予以公开", "0", "/", "-", "---"))],
        ],
    ),
    "links": (
        LINKS,
        [
            [Shown("Region", 2, 1), Shown("Deaths", 1, 2)],
            [Shown("Male"), Shown("Female")],
            [Shown("North of England"), Shown("1"), Shown("2")],
            [Shown("note", 1, 3)],
        ],
    ),
    "rst grid": (
        RST,
        [
            [Shown("Name of district"), Shown("Number of schools")],
            [Shown("North"), Shown("12")],
            [Shown("South and East"), Shown("")],
        ],
    ),
    "mysql": (
        MYSQL,
        [
            [Shown("name"), Shown("count"), Shown("rate")],
            [Shown("North"), Shown("12"), Shown("1.5")],
            [Shown("Old Town"), Shown(""), Shown("0.5")],
            [Shown("South"), Shown("3"), Shown("")],
        ],
    ),
    "double lines": (OUTLINE, [[Shown(a), Shown(b)] for a, b in (["name", "n"], "a1", "b2")]),
}


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_boxes_are_read_as_by_hand(name: str, line_end: str) -> None:
    """Cells, their spans and their wrapped texts are those a person reads in the box."""
    text, expected = BOXES[name]
    text = text.replace("\n", line_end)
    assert tables_of(redrawn(text)) == [expected]
    check_offsets(text)


def test_lines_of_neighbours_are_parted_by_spaces_of_their_own() -> None:
    """Two cells that fill their columns share no line end; if no other space is left, no box."""
    full = "┌─────┬─────┬───┐\n│North│Total│1  │\n│East │Value│   │\n├─────┼─────┼───┤\n"
    full += "│South│12345│2  │\n├─────┼─────┼───┤\n│West │9    │3  │\n└─────┴─────┴───┘\n"
    assert texts_of(full) == [
        [["North East", "Total Value", "1"], ["South", "12345", "2"], ["West", "9", "3"]]
    ]
    check_offsets(full)
    assert texts_of(full.replace(" ", "_")) == []


def test_text_around_a_box_stays() -> None:
    """What stands above and below a box is copied as it is."""
    text = "before | it\n\n" + RST + "\nafter + it"
    document = redrawn(text)
    assert document.text.startswith("before | it\n\n" + TABLE_END)
    assert document.text.endswith(TABLE_END + "\n\nafter + it")


def test_boxes_below_each_other_are_two_tables() -> None:
    """Two rules in a row end one box and begin the next."""
    box = "+--+--+\n|a |b |\n+--+--+\n|1 |2 |\n+--+--+\n"
    assert texts_of(box + box) == [[["a", "b"], ["1", "2"]]] * 2


def test_a_box_cut_by_a_page_is_two_tables() -> None:
    """A page end inside a box leaves two boxes with all of the cells."""
    rows = "│ a  │ b  │\n├────┼────┤\n│ 1  │ 2  │\n├────┼────┤\n│ 3  │ 4  │\n├────┼────┤\n"
    text = "┌────┬────┐\n" + rows + "- 7 -\n" + rows
    assert texts_of(text) == [[["a", "b"], ["1", "2"], ["3", "4"]]] * 2


@pytest.mark.parametrize(
    ("cell", "width"),
    [("ae\u0301", 2), ("กำ", 2), ("ที่", 1), ("a\u200b", 1), ("☎\ufe0f", 1), ("中", 2), ("🙂", 2)],
    ids=["combining", "thai", "thai marks", "zero width", "variation", "wide", "emoji"],
)
@pytest.mark.parametrize("room", [0, 3])
def test_what_has_no_width_stays_with_its_character(cell: str, width: int, room: int) -> None:
    """Marks drawn on a character before a border belong to the cell and move no border."""
    rule = f"+{'-' * (width + room)}+--+\n"
    text = f"{rule}|{cell}{' ' * room}|xy|\n{rule}|{'1' * width}{' ' * room}|2 |\n{rule}"
    assert texts_of(text) == [[[cell, "xy"], ["1" * width, "2"]]]
    check_offsets(text, DRAWN + "\u200b")


def test_narrow_digits_may_have_become_wide_ones() -> None:
    """Digits that were replaced when the box was drawn already move no border."""
    box = (
        "┌──────┬─────┐\n│ 項目 │ 年  │\n├──────┼─────┤\n│ 収入 │ 1.5 │\n├──────┼─────┤\n"
        "│ 支出 │ 203 │\n└──────┴─────┘\n"
    )
    wide = box.translate({ord("0") + n: ord("０") + n for n in range(10)})
    assert texts_of(wide) == [[["項目", "年"], ["収入", "１.５"], ["支出", "２０３"]]]
    assert texts_of(box) == [[["項目", "年"], ["収入", "1.5"], ["支出", "203"]]]


def test_a_byte_order_mark_hides_no_rule() -> None:
    """The rule above the first row counts although a mark stands before it."""
    assert texts_of("\ufeff+--+--+\n|a |b |\n+--+--+\n|1 |2 |\n+--+--+") == [
        [["a", "b"], ["1", "2"]]
    ]


UNREADABLE = {
    "borders through texts": "+----+----+\n| aa | xy |\n+----+----+\n|  long1  | 2  |\n"
    + "+----+----+\n| 1  | 2  |\n" * 4
    + "+----+----+\n",
    "a title in the rule": "+- Tit ---+\n| aa | xy |\n+----+----+\n| 1  | 2  |\n+----+----+\n",
    "unterminated": "+----+----+\n| aa | xy |\n+----+----+\n| 1  | 2",
    "a flow chart": "+-----+     +-----+\n|  A  |---->|  B  |\n+-----+     +-----+\n",
    "a frame": "+----------+\n| a remark |\n+----------+\n",
    "prose beside a box": "see +---+---+ here\nsee | a | b | here\nsee +---+---+ here\n" * 2,
    "pipes of markdown": "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |   |\n",
    "pipes without edges": "a | b\n--- | ---\n1 | 2\n",
    "psql without edges": " name | n\n------+-----\n a    | 1\n(1 row)\n",
    "a diff": "--- a.py\n+++ b.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 2\n",
    "a diff's summary": " a.py |  10 +++++-----\n b.py | 200 ++++++++++\n",
    "a stack trace": 'Traceback:\n  File "a.py", line 3, in f\n    g(a, b, c)\nTypeError: a, b\n',
    "sentences": "First, we came, and saw, and won.\nThen, it rained, a lot, really.\n" * 3,
    "thousands": "1,234,567\n2,345,678\n9,999,999\n",
    "amounts": "EUR 1,234,567.50\nEUR 2,345,678.00\nEUR 9,999,999.10\n",
    "columns of thousands": "Upton   1,234,567   2,345,678\nSlad    9,999,999   3,456,000\n" * 2,
    "thousands and commas": "Upton,Slad   1,234   2,345\nFens,Wolds   9,999   3,456\n" * 2,
    "Indian thousands": "Upton   12,34,567\nSlad    23,45,678\nHam     34,56,789\n",
    "calls": "f(a,b,c)\ng(d,e,f)\nh(i,j,k)\n",
    "an array": "{1,2,3},\n{4,5,6},\n{7,8,9}\n",
    "style sheets": "a{color:red;margin:0;top:1}\nb{color:red;margin:0;top:2}\n" * 2,
    "loops": "for(i=0;i<n;i++){\nfor(j=0;j<n;j++){\nfor(k=0;k<n;k++){\n",
    "settings": "[paths]\na = x, y, z\nb = 1; 2; 3\n\n[sizes]\nc = 4\n",
    "dashes": "-----\nA title\n-----\n\n- one\n- two -- that is all\n-- \nsigned\n",
    "dashes and words": "-- --- --\nthis is a text that goes on\nand on\n",
    "signatures": "Signed in the town of Xanten\n------------      ------------\nName, A.\n",
    "one field more": "a,b,c\n1,2,3,4\n5,6,7\n",
    "long fields": ("x" * 50 + "," + "y" * 50 + "," + "z" * 50 + "\n") * 4,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_drawn_table_stays_as_it_is(name: str) -> None:
    """Prose, code, charts and broken boxes come back as the very same document."""
    document = Document(UNREADABLE[name], "text", UNREADABLE[name])
    assert redraw(document) is document


NEGATIVES = [*sorted((ROOT / "corpus" / "negative").glob("*.txt"))]


@pytest.mark.parametrize("path", NEGATIVES, ids=lambda path: path.stem)
def test_nothing_is_drawn_in_negative_documents(path: Path) -> None:
    """The corpus documents without a table hold no drawing either."""
    document = Document(text := path.read_text(encoding="utf-8"), "text", text)
    assert redraw(document) is document


# --- columns below rules --------------------------------------------------------------------------

RST_SIMPLE = """\
=====  =====  ======
   Inputs     Output
-----  -----  ------
  A      B    A or B
=====  =====  ======
False         a text that is longer
True   False  True
=====  =====  ======
"""
PANDOC_SIMPLE = """\
text before

  Right     Left     Center     Default
-------     ------ ----------   -------
     12     12        12            12
    123     中文                   123

text after
"""
PANDOC_MULTILINE = """\
-------------------------------------------------
 Centered   Default           Right Left
  Header    Aligned         Aligned Aligned
----------- ------- --------------- -------------
   First    row                12.0 Example of a
                                    row.

  Second    row                 5.0 Another
-------------------------------------------------
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            RST_SIMPLE,
            [
                ["Inputs", "", "Output"],
                ["-----", "-----", "------"],
                ["A", "B", "A or B"],
                ["False", "", "a text that is longer"],
                ["True", "False", "True"],
            ],
        ),
        (
            PANDOC_SIMPLE,
            [
                ["Right", "Left", "Center", "Default"],
                ["12", "12", "12", "12"],
                ["123", "中文", "", "123"],
            ],
        ),
        (
            PANDOC_MULTILINE,
            [
                ["Centered Header", "Default Aligned", "Right Aligned", "Left Aligned"],
                ["First", "row", "12.0", "Example of a row."],
                ["Second", "row", "5.0", "Another"],
            ],
        ),
    ],
    ids=["rst simple", "pandoc simple", "pandoc multiline"],
)
def test_ruled_columns_are_read_as_by_hand(text: str, expected: list[list[str]]) -> None:
    """Rules give the columns; a word across two of them stays whole; heads end at the rule."""
    assert texts_of(text) == [expected]
    check_offsets(text)


# --- separated fields -----------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (',0,1\n0,"b, c",d\n1,"2,000",3\n2,,"say ""a"""\n', [["", "0", "1"], ["0", "b, c", "d"],
         ["1", "2,000", "3"], ["2", "", 'say ""a""']]),
        ("Name;2019;2020\nA;1,5;2,5\nB;2,0;\n", [["Name", "2019", "2020"], ["A", "1,5", "2,5"],
         ["B", "2,0", ""]]),
        ('Name,2019,2020\nA,"4,299,386","6,888,565"\nB,0,"1,000,000"\n', [["Name", "2019", "2020"],
         ["A", "4,299,386", "6,888,565"], ["B", "0", "1,000,000"]]),
        ("Name,a,b,c\nA,889.2,465.21,546.58\nB,100,200,300\nC,1.5,2.5,3.5\n",
         [["Name", "a", "b", "c"], ["A", "889.2", "465.21", "546.58"], ["B", "100", "200", "300"],
          ["C", "1.5", "2.5", "3.5"]]),
        ("A,100,200,300\nB,400,500,600\nC,700,800,900\n", [["A", "100", "200", "300"],
         ["B", "400", "500", "600"], ["C", "700", "800", "900"]]),
        ("Name;a;b\n1;200;300\n2;300;400\n3;500;600\n", [["Name", "a", "b"],
         ["1", "200", "300"], ["2", "300", "400"], ["3", "500", "600"]]),
        ("Number,Height,Weight\n1,180,175\n2,190,182\n3,176,101\n",
         [["Number", "Height", "Weight"], ["1", "180", "175"], ["2", "190", "182"],
          ["3", "176", "101"]]),
        ("08:00,120,130\n09:00,125,135\n10:00,130,140\n", [["08:00", "120", "130"],
         ["09:00", "125", "135"], ["10:00", "130", "140"]]),
        ("地区,男,女\n北部,1,2\n南部（其中）,3,4\n", [["地区", "男", "女"], ["北部", "1", "2"],
         ["南部（其中）", "3", "4"]]),
    ],
    ids=["commas and quotes", "semicolons", "thousands in quotes", "three digits",
         "only three digits", "three digits and semicolons",
         "heads above three digits", "times and three digits", "chinese"],
)  # fmt: skip
def test_separated_fields_are_read_as_by_hand(
    text: str, expected: list[list[str]], line_end: str
) -> None:
    """Fields between separators are cells; quotes hold separators together and vanish."""
    assert texts_of(text.replace("\n", line_end)) == [expected]
    check_offsets(text.replace("\n", line_end), ',;"')


def test_commas_inside_wide_sentences_are_not_joined_to_a_table() -> None:
    """A table of fields begins and ends where the number of fields changes."""
    text = "a, b, and c:\nx,1,2\ny,3,4\nz,5,6\nAfter that, nothing.\n"
    document = redrawn(text)
    assert texts_of(text) == [[["x", "1", "2"], ["y", "3", "4"], ["z", "5", "6"]]]
    assert document.text.startswith("a, b, and c:\n")
    assert document.text.endswith("\nAfter that, nothing.\n")


# --- laws -----------------------------------------------------------------------------------------

WORDS = ["a", "Total", "12", "1,000", "中", "合计", "其他处理", "é", "e\u0301", "x.y", "0", "n/a"]


class Grid(NamedTuple):
    """Cells by origin as (row, column, rowspan, colspan, lines of text); widths of columns."""

    n_rows: int
    n_cols: int
    cells: tuple[tuple[int, int, int, int, tuple[str, ...]], ...]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Grids whose spanning cells never cut the whole table: an own first row and column remain."""
    n_rows, n_cols = draw(st.integers(3, 6)), draw(st.integers(2, 5))
    free = {(r, c) for r in range(n_rows) for c in range(n_cols)}
    cells = []
    for row in range(n_rows):
        for col in range(n_cols):
            if (row, col) not in free:
                continue
            height, width = 1, 1
            if row and col and draw(st.integers(0, 3)) == 0:
                height = draw(st.integers(1, n_rows - row))
                width = draw(st.integers(1, n_cols - col))
            own = {(r, c) for r in range(row, row + height) for c in range(col, col + width)}
            if not own <= free:
                height, width, own = 1, 1, {(row, col)}
            free -= own
            lines = draw(st.lists(st.sampled_from(WORDS), max_size=2))
            cells.append((row, col, height, width, tuple(lines)))
    return Grid(n_rows, n_cols, tuple(cells))


def columns_of(text: str, wide: int) -> int:
    """How many columns a text takes; `wide` for East Asian characters."""
    return sum(
        0 if unicodedata.combining(c) else wide if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def drawn(grid: Grid, wide: int, room: int, ascii_: bool) -> str:
    """The grid as a box: an account of drawing that owes nothing to the code under test.

    A canvas of cells' owners, two lines of text a row, borders where owners differ.
    """
    owner = {
        (r, c): number
        for number, (row, col, height, width, _) in enumerate(grid.cells)
        for r in range(row, row + height)
        for c in range(col, col + width)
    }
    column = 2 * room + max(
        columns_of(line, wide) for cell in grid.cells for line in (*cell[4], "m")
    )
    lines = []
    for row in range(grid.n_rows + 1):
        rule = ""
        for col in range(grid.n_cols + 1):
            here, left = owner.get((row, col)), owner.get((row, col - 1))
            above, corner = owner.get((row - 1, col)), owner.get((row - 1, col - 1))
            ways = (
                corner != above,
                above != here,
                left != here,
                corner != left,
            )
            crossing = "+" if ascii_ else CROSSINGS[ways]
            vertical = "|" if ascii_ else "│"
            rule += (
                vertical if ways == (True, False, True, False) else crossing if any(ways) else " "
            )
            if col == grid.n_cols:
                continue
            if above != here:
                rule += ("-" if ascii_ else "─") * column
            else:
                rule += " " * column
        lines.append(rule)
        if row == grid.n_rows:
            break
        for number in range(2):
            line = ""
            col = 0
            while col < grid.n_cols:
                top, left_, _, width, text = grid.cells[owner[row, col]]
                shown = text[number] if top == row and number < len(text) else ""
                inner = column * width + width - 1
                filled = " " * room + shown
                line += ("|" if ascii_ else "│") + filled + " " * (inner - columns_of(filled, wide))
                assert left_ == col
                col += width
            lines.append(line + ("|" if ascii_ else "│"))
    return "".join(line + "\n" for line in lines)


CROSSINGS = {  # by the ways that a border goes: up, right, down, left
    tuple(way in ways for way in "urdl"): char
    for ways, char in {
        "rd": "┌", "rdl": "┬", "dl": "┐", "urd": "├", "urdl": "┼", "udl": "┤",
        "ur": "└", "url": "┴", "ul": "┘", "rl": "─", "ud": "│", "": " ",
    }.items()
}  # fmt: skip


def joined(lines: tuple[str, ...]) -> str:
    """The text of a cell: East Asian lines are one word, others are parted."""
    text = ""
    for line in lines:
        wide = text and all(unicodedata.east_asian_width(c) in "WF" for c in (text[-1], line[0]))
        text += line if wide or not text else f" {line}"
    return text


@given(grids(), st.sampled_from([1, 2]), st.integers(0, 1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_drawn_grid_comes_back(grid: Grid, wide: int, room: int, ascii_: bool) -> None:
    """Every box that is drawn is read as the grid it was drawn from, spans and texts alike.

    A column or row that no cell has to itself has no border of its own, so only grids in which
    each has one come back with the same numbers; an own first row and column see to that.
    """
    space = "" if room else " " * grid.n_cols  # lines of a cell are parted by a space of the box
    text = "above\n\n" + drawn(grid, wide, room, ascii_).replace("\n", space + "\n") + "\nbelow"
    rows: Rows = [[] for _ in range(grid.n_rows)]
    for row, _, height, width, lines in grid.cells:
        rows[row].append(Shown(joined(lines), height, width))
    assert tables_of(redrawn(text)) == [rows]
    check_offsets(text, DRAWN + "".join(CROSSINGS.values()))


@given(grids(), st.data())
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost_in_a_damaged_box(grid: Grid, data: st.DataObject) -> None:
    """Characters taken out of or put into a box never cost more than spaces and borders."""
    text = drawn(grid, 2, 1, ascii_=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        new = data.draw(
            st.sampled_from(["", "x", "中", " ", "|", "-", "+", "\t", "\n", "\r\n", "\u0301"])
        )
        text = text[:at] + new + text[at + data.draw(st.integers(0, 1)) :]
    check_offsets(text)


@given(
    st.one_of(
        st.text(st.sampled_from('a1中 |+-=\n\t\r,;"(─│┼\u0301\ufeff')),
        st.lists(
            st.sampled_from(
                ["+--+--+", "| a|b |", "|--+--|", "-- --", "a  b", "", "a,b,c", '"a","b",c']
            ),
            max_size=12,
        ).map("\n".join),
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_read_keeps_its_way_back(text: str) -> None:
    """Of any text, every character kept is the input's, and only drawings and spaces are lost."""
    check_offsets(text, DRAWN + ',;"┼\u0301\ufeff')


@given(grids())
@settings(max_examples=30, deadline=None)
def test_redrawing_twice_changes_nothing(grid: Grid) -> None:
    """In redrawn text there is nothing left to draw."""
    once = redrawn(drawn(grid, 2, 1, ascii_=True))
    assert redrawn(once.text).text == once.text


def test_html_is_left_alone() -> None:
    """Markup declares its cells; what looks like a box inside it is text."""
    document = Document(RST, "html", RST)
    assert redraw(document) is document
