"""Tables of a layout that no template knows: blocks, columns, stacks, periods, heads, sketches."""

from __future__ import annotations

import doctest
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from benchmarks.layouts import LAYOUTS
from tabrecover import Table
from tabrecover.api import read_document
from tabrecover.blocks import find_blocks, read_rows
from tabrecover.columns import find_columns
from tabrecover.dialects import fingerprint
from tabrecover.heads import count_heads, place_heads, split_heads
from tabrecover.model import Span, covering
from tabrecover.periods import find_records
from tabrecover.sketch import sketch
from tabrecover.stacks import cell_lines, find_stacks

INCOME = [
    ["Item", "Note", "Year ended 31 December", ""],
    ["", "", "2023", "2022"],
    ["Revenue", "", "1430.67", "7775.87"],
    ["Cost of sales", "7, 12", "857.26", "2570.45"],
    ["Direct labour", "4", "17.54", "91.59"],
    ["Attributable to:", "", "", ""],
    ["Owners of the parent", "", "46.16", "2569.93"],
    ["Other interests", "8", "70.07", "249.41"],
]
BUDGET = [
    ["项目", "", "本年", ""],
    ["", "", "合计", "其中基建"],
    ["一、公共服务", "", "593.95", "10"],
    ["二、教育", "小学", "26.81", "0"],
    ["", "中学", "61.71", "5"],
    ["三、合计", "", "682.47", "15"],
]

words = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=1, max_size=6)
numbers = st.integers(0, 9999).map(str)


def bars(rows: Sequence[Sequence[str]], *, rule: bool = True) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if rule:
        lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def only(text: str) -> Table:
    """The one table of a text, recovered without templates."""
    (table,) = tabrecover.recover(text, templates="none").tables
    return table


def drawn(table: Table) -> list[tuple[int, int, int, int, str, str]]:
    """The cells with a text: place, spans, role, text."""
    return [(c.row, c.col, c.rowspan, c.colspan, c.role, c.text) for c in table.cells if c.text]


# --- whole tables -------------------------------------------------------------------------------


def test_blanks_beside_heads_sections_and_row_labels_are_theirs() -> None:
    """A table drawn with blanks for what merged cells cover comes back with its spans."""
    cells = drawn(only(bars(INCOME)))
    assert (0, 0, 2, 1, "label", "Item") in cells
    assert (0, 2, 1, 2, "label", "Year ended 31 December") in cells
    assert (1, 3, 1, 1, "label", "2022") in cells
    assert (5, 0, 1, 4, "label", "Attributable to:") in cells
    assert (7, 3, 1, 1, "value", "249.41") in cells


def test_columns_of_row_labels_show_by_their_blanks() -> None:
    """Where one of two columns of row labels is blank, the label before or above reaches over."""
    cells = drawn(only(bars(BUDGET)))
    assert (2, 0, 1, 2, "label", "一、公共服务") in cells
    assert (3, 0, 2, 1, "label", "二、教育") in cells
    assert (4, 1, 1, 1, "label", "中学") in cells
    assert (5, 0, 1, 2, "label", "三、合计") in cells
    assert (4, 2, 1, 1, "value", "61.71") in cells


def test_what_merged_cells_cover_may_be_left_out() -> None:
    """The same table without a trace of what is covered, rows of one cell without any bar."""
    rows = [[text for text in row if text] if n < 2 else row for n, row in enumerate(INCOME)]
    text = bars(rows).replace("| Attributable to: |  |  |  |", "Attributable to:")
    cells = drawn(only(text))
    assert (0, 2, 1, 2, "label", "Year ended 31 December") in cells
    assert (1, 2, 1, 1, "label", "2023") in cells
    assert (5, 0, 1, 4, "label", "Attributable to:") in cells
    assert (7, 3, 1, 1, "value", "249.41") in cells


def test_short_rows_of_a_body_are_put_below_what_looks_like_them() -> None:
    """Rows that lack a row label from above, or the room of their own, keep their numbers right."""
    rows = [[text for text in row if text] for row in BUDGET[2:]]
    cells = drawn(only(bars([["项目", "类别", "合计", "其中"], *rows])))
    assert (1, 0, 1, 2, "label", "一、公共服务") in cells
    assert (3, 0, 1, 1, "value", "中学") not in cells
    assert (3, 2, 1, 1, "value", "61.71") in cells
    assert (4, 3, 1, 1, "value", "15") in cells


def test_repeated_texts_are_merged_and_counts_are_no_cells() -> None:
    """A data frame repeats what spans, and numbers rows and columns, which are told as unplaced."""
    head = ["", "Item", "Year", "Year"], ["", "Item", "2023", "2022"]
    body = [[str(n), f"Line {chr(97 + n)}", f"{n}.5", f"{n}7"] for n in range(5)]
    text = "\n".join(",".join(row) for row in [*head, *body]) + "\n"
    table = only(text)
    assert table.shape == (7, 3)
    assert (0, 0, 2, 1, "label", "Item") in drawn(table)
    assert (0, 1, 1, 2, "label", "Year") in drawn(table)
    assert [text[slice(*span)] for span in table.unplaced] == list("01234")


def test_bars_with_cells_on_lines_of_their_own() -> None:
    """Rows whose cells have line ends around them close and open with a bar."""
    lines = ["| " + " | ".join(f"\n\n{text}\n\n" if text else "" for text in row) + " |"
             for row in INCOME]  # fmt: skip
    table = only("\n".join(lines) + "\n")
    assert table.shape == (8, 4)
    assert (7, 3, 1, 1, "value", "249.41") in drawn(table)


def test_tabs_alone_on_their_lines() -> None:
    """A browser puts each cell and each tab on a line of its own; the first cell is before one."""
    rows = [row for row in INCOME if row[3]]
    lines = [
        "\t".join(f"\n\n{text}\n\n" if text else "" for text in row)
        for row in [["Item", "Note", "2023", "2022"], *rows[1:]]
    ]
    table = only("Accounts" + "\n".join(lines) + "The accounts were audited.\n")
    assert table.shape == (6, 4)
    assert (0, 0, 1, 1, "label", "Item") in drawn(table)
    assert (5, 3, 1, 1, "value", "249.41") in drawn(table)


def test_guessed_labels_are_not_told() -> None:
    """A table whose labels are guessed is right here, and yet no value is told with certainty."""
    table = only(bars(INCOME))
    assert table.template is None
    assert table.status == "review"
    assert all(cell.confidence < 0.9 for cell in table.cells if cell.role == "value")


@pytest.mark.parametrize(
    "text",
    [
        "x = a | b  # either\nif a or b:\n    y = a | c\ndef f(a, b):\n    return a | b\n",
        "the tide goes out,\nby what they cost:\na coin, a key,\n\n\n" * 6,
        "\n".join(f"- buy {n} of them" for n in range(20)),
        "\n".join(f"{n}. Do this, then do that" for n in range(1, 30)),
        "Chapter one  ........  3\nChapter two  ........  9\nChapter three  ......  12\n",
        "A sentence.  Another one.\nA third one.  A fourth.\nThe fifth.  The last one.\n",
        "Home\nNews\nAbout\nContact\n" * 8,
    ],
)
def test_no_table_in_code_verse_lists_contents_and_menus(text: str) -> None:
    """Lines that look a little like a table are none."""
    assert tabrecover.recover(text, templates="none").tables == ()


# --- blocks -------------------------------------------------------------------------------------


def blocks_of(text: str) -> list[list[list[str]]]:
    """The texts of all blocks by rows, each read by the first law that shows rows."""
    found = []
    for block in find_blocks(read_document(text, "text"), ()):
        law = next(law for law in fingerprint([block.units.gaps]) if law.rows_shown)
        rows = read_rows(text, block.units, law)
        found.append([[entry.text for entry in row] for row in rows])
    return found


def test_a_second_rule_begins_another_table() -> None:
    """Two tables with two short lines between them are two blocks, not one."""
    first, second = bars([["A", "B"], ["x", "1"], ["y", "2"]]), bars([["C", "D"], ["z", "3"]])
    assert blocks_of(f"{first}Table 2\nin thousands\n{second}") == [
        [["A", "B"], ["x", "1"], ["y", "2"]],
        [["C", "D"], ["z", "3"]],
    ]


def test_a_block_of_blanks_before_the_first_text_is_no_row() -> None:
    """An empty header, as converters put one above a table without heads, is left out."""
    rows = [["", ""], ["a", "1"], ["b", "2"]]
    assert blocks_of(bars(rows)) == [[["a", "1"], ["b", "2"]]]


# --- columns ------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(words, numbers, numbers, numbers), min_size=3, max_size=12),
    st.integers(2, 5),
    st.booleans(),
)
def test_aligned_columns_come_back(
    rows: list[tuple[str, str, str, str]], gap: int, right: bool
) -> None:
    """Rows drawn with spaces, to the left or to the right, are read as they were drawn."""
    widths = [max(len(row[col]) for row in rows) for col in range(4)]
    pad = str.rjust if right else str.ljust
    lines = [(" " * gap).join(map(pad, row, widths)).rstrip() for row in rows]
    (found,) = find_columns(read_document("\n".join(lines), "text"), ())
    assert [[entry.text for entry in row] for row in found.rows] == [list(row) for row in rows]
    assert found.regular == 1


def test_columns_of_wide_characters() -> None:
    """East Asian characters may be counted as one column or as two; the columns tell which."""
    rows = [("规章", "10", "0"), ("行政规范性文件", "2", "31"), ("许可", "4567", "8")]
    for wide in (1, 2):
        lines = [
            row[0] + " " * (20 - wide * len(row[0])) + row[1].ljust(8) + row[2] for row in rows
        ]
        (found,) = find_columns(read_document("\n".join(lines), "text"), ())
        assert [tuple(entry.text for entry in row) for row in found.rows] == rows


def test_numbers_with_one_space_between_them_are_two() -> None:
    """On a river, one space parts two numbers; words that reach over it are one text."""
    lines = [
        "              budget for the year",
        "a       12.50   7.00  100.00",
        "b     1000.00 300.00    5.25",
        "c        4.00  17.00 2000.00",
        "d        8.00   1.50    3.00",
        "e        2.00   3.00  120.00",
    ]
    (found,) = find_columns(read_document("\n".join(lines), "text"), ())
    assert [entry.text for entry in found.rows[-4]] == ["b", "1000.00", "300.00", "5.25"]


# --- stacks -------------------------------------------------------------------------------------


@given(
    st.lists(st.lists(words | numbers, min_size=3, max_size=3), min_size=4, max_size=9),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_rows_parted_by_more_line_ends_come_back(
    rows: list[list[str]], cell: int, more: int
) -> None:
    """Cells parted by some line ends, and rows by more of them, are read as they were written."""
    text = ("\n" * (cell + more)).join(("\n" * cell).join(row) for row in rows)
    document = read_document(text, "text")
    stacks = [stack for run in cell_lines(document, ()) for stack in find_stacks(text, run)]
    assert [[[e.text for e in row] for row in stack.rows] for stack in stacks] == [rows]


def test_short_lines_inside_a_table_are_left_alone() -> None:
    """Lines that a table of a template covers are not read again."""
    text = "a\n1\n2\n\nb\n3\n4\n\nc\n5\n6\n\nd\n7\n8\n"
    assert [len(run) for run in cell_lines(read_document(text, "text"), ())] == [12]
    assert cell_lines(read_document(text, "text"), [Span(0, len(text))]) == []


# --- periods ------------------------------------------------------------------------------------


NAMES = ["Upton", "Slad", "Ham on Wye", "Ely", "Lower Stoke", "Rye", "Wold Newton", "Eye", "Usk"]


def staff(count: int, seed: int) -> list[list[str]]:
    """Drawn records: number, name, date, amount, grade."""
    chance = random.Random(seed)  # noqa: S311 - drawing
    names = ["Ann Ashby", "Bartholomew Crane", "Li", "Constance de Winter", "Ed Ware"]
    return [
        [
            str(n + 1),
            chance.choice(names),
            f"20{chance.randint(10, 24)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}",
            f"{chance.randint(100, 9999)}.{chance.randint(10, 99)}",
            chance.choice(["A", "B", "C2"]),
        ]
        for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_records_come_back_by_their_period(seed: int) -> None:
    """Records without any mark of rows are found, with what stands before and behind them."""
    rows = staff(9, seed)
    heads = ["No.", "Name", "Since", "Amount", "Grade"]
    texts = [
        "List of staff",
        *heads,
        *(text for row in rows for text in row),
        "All amounts in pounds",
    ]
    found = find_records(texts)
    assert found is not None
    assert (found.width, found.start) == (5, 6)
    read = [[""] * 5 for _ in rows]
    for text, row, column in zip(texts[6:], found.rows, found.columns, strict=False):
        if row < len(read):
            read[row][column] = text
    assert read == rows


@pytest.mark.parametrize("seed", range(8))
def test_a_lost_cell_shifts_no_other_row(seed: int) -> None:
    """Where a cell of one record is lost, those around it are read as if nothing had happened."""
    rows = staff(12, seed)
    texts = [text for row in rows for text in row]
    at = 5 * 6 + 2 + seed % 2  # a date or an amount of the seventh record
    lost = texts.pop(at)
    found = find_records(texts)
    assert found is not None
    read: dict[int, list[str]] = {}
    for text, row, column in zip(texts[found.start :], found.rows, found.columns, strict=False):
        read.setdefault(row, [""] * 5)[column] = text
    kept = [row if lost not in row else [t if t != lost else "" for t in row] for row in rows]
    assert list(read.values()) == kept


def cells_of(texts: Sequence[str]) -> list[list[str]]:
    """The rows of the one table that one cell a line makes without a template."""
    (table,) = tabrecover.recover("\n".join(texts) + "\n", templates="none").tables
    return [[cell.text for cell in row] for row in table.grid]


def flocks(count: int) -> list[list[str]]:
    """Drawn records without a word: sheep, goats, day, share."""
    chance = random.Random(3)  # noqa: S311 - drawing
    return [
        [
            str(chance.randint(10, 99)),
            str(chance.randint(1000, 9999)),
            f"2021-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}",
            f"{chance.randint(1, 99)}.{chance.randint(1, 9)}%",
        ]
        for _ in range(count)
    ]


def test_records_without_words_are_known_by_their_heads() -> None:
    """As many words as columns stand before them; without these they may be anything."""
    heads, rows = ["Sheep", "Goats", "Counted on", "Share"], flocks(12)
    texts = [text for row in rows for text in row]
    assert cells_of(["Stock of the parish.", *heads, *texts]) == [heads, *rows]
    assert tabrecover.recover("\n".join(texts), templates="none").tables == ()


def test_a_first_record_that_begins_with_a_word_is_whole() -> None:
    """The heads before it are as many as columns: the word that follows them is none of them."""
    heads, rows = ["Parish", "Sheep", "Goats", "Counted on", "Share"], flocks(9)
    named = [[name, *row] for name, row in zip(NAMES, rows, strict=True)]
    texts = [text for row in named for text in row]
    assert cells_of([*heads, *texts]) == [heads, *named]


def test_heads_tell_which_of_several_columns_of_words_is_the_first() -> None:
    """As many heads as columns; a first name unlike the others is no head but in a record."""
    heads = ["Parish", "Keeper", "Sheep", "Goats", "Counted on"]
    keepers = ["Ann Ashby", "Bartholomew Crane", "Li Wu", "Constance de Winter", "Ed Ware"]
    rows = [
        [name, keepers[n * 2 % 5], *row[:3]]
        for n, (name, row) in enumerate(zip(NAMES, flocks(9), strict=True))
    ]
    rows[0][0] = "Upton upon Severn with all of its farms"
    texts = [text for row in rows for text in row]
    assert cells_of([*heads, *texts]) == [heads, *rows]


def test_few_records_may_be_alike_by_chance() -> None:
    """Three columns four times tell less than would be needed."""
    assert find_records(["Ann", "31", "Ely"] * 4) is None
    assert find_records(["Ann", "31", "Ely"] * 8) is not None


@pytest.mark.parametrize("seed", range(60))
def test_texts_in_no_order_are_no_records(seed: int) -> None:
    """Numbers, days and words drawn one by one have some period by chance, but none that tells."""
    kinds = ["Ann", "31", "Ely on the hill", "2020-01-01", "4.5", "a b"]
    texts = random.Random(seed).choices(kinds, k=160)  # noqa: S311 - drawing
    assert find_records(texts) is None


def test_where_most_cells_are_blank_these_are_no_separators() -> None:
    """Two line ends are a blank cell, though they be more frequent than one."""
    chance = random.Random(1)  # noqa: S311 - drawing
    heads, rows = ["Parish", "Sheep", "Goats", "Counted on", "Share", "Cows"], flocks(9)
    named = [[name, *row, "12"] for name, row in zip(NAMES, rows, strict=True)]
    for row in named:
        for at in chance.sample(range(1, 6), 3):
            row[at] = ""
    texts = [text for row in named for text in row]
    assert texts.count("") > len(texts) / 3
    assert cells_of([*heads, *texts]) == [heads, *named]


def test_blanks_that_show_keep_their_places() -> None:
    """An empty line more is a blank cell, also where every record has one."""
    chance = random.Random(4)  # noqa: S311 - drawing
    heads, rows = ["Parish", "Sheep", "Goats", "Counted on", "Share"], flocks(9)
    named = [[name, *row] for name, row in zip(NAMES, rows, strict=True)]
    for row in named:
        row[chance.randint(1, 4)] = ""
    texts = [text for row in named for text in row]
    assert cells_of([*heads, *texts]) == [heads, *named]


def test_serial_numbers_keep_records_apart() -> None:
    """Where many cells were lost, the numbers that count the records say where they begin."""
    chance = random.Random(5)  # noqa: S311 - drawing
    heads, rows = ["No.", "Sheep", "Goats", "Counted on", "Share"], flocks(14)
    texts = list(heads)
    for number, row in enumerate(rows, 1):
        row[:] = [text if chance.random() < 0.85 else "" for text in row]
        texts += [str(number), *filter(None, row)]
    found = cells_of(texts)
    assert found[0] == heads
    assert [row[0] for row in found[1:]] == [str(n) for n in range(1, 15)]
    assert [[text for text in row[1:] if text] for row in found[1:]] == [
        [text for text in row if text] for row in rows
    ]


def test_bars_between_cells_part_them_as_empty_lines_do() -> None:
    """A line that holds a bar and nothing else is no cell."""
    heads, rows = ["Parish", "Sheep", "Goats", "Counted on", "Share"], flocks(9)
    named = [[name, *row] for name, row in zip(NAMES, rows, strict=True)]
    texts = [text for row in [heads, *named] for text in row]
    barred = [line for text in texts for line in (text, "|")]
    assert cells_of(barred[:-1]) == [heads, *named]


@given(st.lists(words, min_size=12, max_size=80))
def test_words_alone_are_no_records(texts: list[str]) -> None:
    """Without numbers nothing is told by its period: lists repeat as well."""
    assert find_records(texts) is None


# --- heads --------------------------------------------------------------------------------------


def test_packed_heads_of_three_rows_are_placed() -> None:
    """Groups that say the same again stand below heads of their own."""
    heads = [
        ["Grade", "Pupils", "Classes"],
        ["State schools", "Other schools"],
        ["Boys", "Girls", "Boys", "Girls"],
    ]
    body = [["First", "1", "2", "3", "4", "5.5"]] * 4
    placed = place_heads(heads, body, 6)
    assert placed is not None
    assert [(h.col, h.rowspan, h.colspan) for h in placed[0]] == [(0, 3, 1), (1, 1, 4), (5, 3, 1)]
    assert [(h.col, h.rowspan, h.colspan) for h in placed[1]] == [(1, 1, 2), (3, 1, 2)]
    assert [h.col for h in placed[2]] == [1, 2, 3, 4]


@given(st.lists(st.integers(1, 4), min_size=2, max_size=6), st.data())
def test_placed_heads_tile_their_columns(sizes: list[int], data: st.DataObject) -> None:
    """Whatever heads are packed: where they are placed, every column has one in every row."""
    tops = [f"top {n}" for n in range(len(sizes))]
    below = [f"{n}.{k}" for n, size in enumerate(sizes) if size > 1 for k in range(size)]
    width = sum(sizes)
    kinds = data.draw(st.lists(words | numbers, min_size=width, max_size=width))
    placed = place_heads([tops, below], [kinds] * 3, width) if below else None
    if placed is None:
        assert not below
        return
    taken = [
        (row, col)
        for head in (head for row in placed for head in row)
        for row in range(head.row, head.row + head.rowspan)
        for col in range(head.col, head.col + head.colspan)
    ]
    assert sorted(taken) == [(row, col) for row in range(2) for col in range(width)]


def test_heads_before_records() -> None:
    """As many words as columns are one row of heads; fewer are none."""
    body = [["Ann", "1", "2"]]
    assert split_heads(["Title", "a", "b", "c"][1:], body, 3) == [["a", "b", "c"]]
    assert split_heads(["a"], body, 3) == []


def test_years_are_heads_and_rows_of_values_are_none() -> None:
    """A row of years below a head is one; a row with a row label of its own begins the body."""
    assert count_heads([[*row] for row in INCOME]) == 2
    assert count_heads([["", "2022", "2023"], ["Beds", "10", "12"], ["Staff", "3", "4"]]) == 1
    assert count_heads([["Beds", "10", "12"], ["Staff", "3", "4"]]) == 0


# --- sketches -----------------------------------------------------------------------------------


@given(
    st.lists(
        st.lists(st.sampled_from(["", "a", "b", "Total", "1", "2.5", "12"]), max_size=6),
        min_size=1,
        max_size=8,
    )
)
def test_a_sketch_covers_its_grid_and_loses_nothing(rows: list[list[str]]) -> None:
    """Cells never overlap, leave no hole, and hold every text but counts of rows and columns."""
    found = sketch(rows)
    owner = covering(found.cells)
    n_rows, n_cols = found.shape
    assert sorted(owner) == [(r, c) for r in range(n_rows) for c in range(n_cols)]
    assert sum(c.rowspan * c.colspan for c in found.cells) == n_rows * n_cols
    texts = [text for row in rows for text in row]
    kept = {cell.source for cell in found.cells if cell.source is not None}
    merged = {texts[source] for source in kept}
    assert all(texts[n] in merged for n in range(len(texts)) if texts[n] and n not in found.counts)
    assert all(texts[n].isdigit() for n in found.counts if texts[n])


def test_the_page_about_tables_without_templates() -> None:
    """What docs/unknown.md shows is what comes out."""
    page = Path(__file__).parent.parent / "docs" / "unknown.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 3
    assert not done.failed


def test_pieces_put_together_by_a_template_stay_where_they_were() -> None:
    """A value is a stretch of the input in its order, whatever labels of templates are near."""
    text = (
        "Bothareasboth\n0\nsexes\n4\nn\n1\nThe 8\nl\nMarches 0\nBothareasboth\n7\nsexes\n7\n"
        "Urban\n8\nMale\nU\ne\ne\nM"
    )
    for table in tabrecover.recover(text, templates=["builtin", LAYOUTS]).tables:
        for cell in table.cells:
            assert list(cell.spans) == sorted(cell.spans)


# --- what a sceptic found -----------------------------------------------------------------------


def test_heads_above_a_rule_of_crossings_stay() -> None:
    """A database client draws its rule with a crossing, and no bar."""
    table = only("id | name\n---+-----\n1 | Bolt\n2 | Nut\n3 | Cap\n")
    assert (table.shape, table.cells[1].text, table.cells[1].role) == ((4, 2), "name", "label")


def test_one_blank_corner_shifts_no_head() -> None:
    """A rule and full rows say where columns are, however one blank could be read."""
    body = "".join(f"| {name} | {n} | 7 |\n" for n, name in enumerate("xyzw"))
    cells = drawn(only(f"| | A | B |\n|---|---|---|\n{body}"))
    assert {(0, 1, 1, 1, "label", "A"), (0, 2, 1, 1, "label", "B")} <= set(cells)


def test_years_above_a_rule_are_heads() -> None:
    """What stands above a Markdown rule is a head, also if it is a number."""
    rows = ["| Land | 2019 | 2020 |", "|---|---|---|", "| Q1 | Q2 | Q1 | Q2 |"]
    body = ["| DE | 1 | 2 | 3 | 4 |", "| FR | 5 | 6 | 7 | 8 |", "| IT | 9 | 1 | 2 | 3 |"]
    cells = drawn(only("\n".join([*rows, *body])))
    assert {(0, 0, 2, 1, "label", "Land"), (0, 1, 1, 2, "label", "2019")} <= set(cells)


def test_equal_records_are_not_merged() -> None:
    """Texts that are the same by chance stay apart where no head is said twice."""
    rows = [["Name", "Town", "Age"], ["Ann", "Ann", "5"], ["Eve", "Bob", "7"], ["Cid", "Bob", "9"]]
    table = only(bars(rows))
    assert all((cell.rowspan, cell.colspan) == (1, 1) for cell in table.cells)
    assert [cell.text for cell in table.cells] == [text for row in rows for text in row]


def test_equal_notes_below_each_other_are_not_merged() -> None:
    """A head that spans columns is not said twice, so equal texts below each other stay apart."""
    rows = [*INCOME[:4], ["Wages", "7, 12", "24.25", ""], *INCOME[4:]]
    notes = [cell for cell in only(bars(rows)).cells if cell.text == "7, 12"]
    assert [(cell.row, cell.rowspan) for cell in notes] == [(3, 1), (4, 1)]


def test_a_blank_in_a_record_is_a_blank() -> None:
    """A town without a country does not reach over it: in a list, cells are what they are."""
    rows = [
        ["City", "Land", "Pop"],
        ["Paris", "France", "2"],
        ["Rome", "", "3"],
        ["Oslo", "N", "4"],
    ]
    assert [cell.text for cell in only(bars(rows)).cells] == [text for row in rows for text in row]


@pytest.mark.parametrize(
    "head",
    ["Item Jan Feb Mar", "           Months", "          Q1    "],
    ids=["words", "one", "two"],
)
def test_heads_without_wide_gaps_above_columns_stay(head: str) -> None:
    """A line right above the columns, whose words stand in them, is a row of heads."""
    table = only(f"{head}\nBeds  10  11  12\nDesk   5   6   7\nLamp   3   4   5\n")
    assert table.shape == (4, 4)
    assert {cell.text for cell in table.cells if cell.row == 0} - {""} >= set(head.split()[-1:])


def test_one_table_does_not_hide_another() -> None:
    """Rows parted by line ends in one place, records by their period in another."""
    rows = "a\n1\nx\n\nb\n2\ny\n\nc\n3\nz\n"
    prose = "A long paragraph of prose that is certainly longer than sixty characters in all.\n"
    records = "".join("\n".join(row) + "\n" for row in staff(9, 3))
    found = tabrecover.recover(rows + prose + records, templates="none").tables
    assert [table.shape for table in found] == [(3, 3), (9, 5)]


@pytest.mark.parametrize(
    "text",
    [
        "a 1 | b | c\nd | e 2 | f\ng | h | i 3\n",
        "expr : term | expr 1\nterm : fact | term 2\nfact : num | id 3\nnum : 0 | 1\n",
        "ps aux | grep x | wc -l\ncat f1 | sort | head -5\nls -l | awk 1 | tail -3\n",
    ],
)
def test_pipelines_and_grammars_are_no_tables(text: str) -> None:
    """Bars between words, without any at the ends of lines, part numbers or nothing."""
    assert tabrecover.recover(text, templates="none").tables == ()


@pytest.mark.parametrize("end", ["", "项\n容\n上\n年\n量\n行"])
def test_single_texts_with_gaps_between_are_no_records(end: str) -> None:
    """Rows of one text each, whose other cells would all be blank, are no table."""
    # A crash once, found by the fuzzer.
    text = "1\n\n\n\n0\n\n\n\n3\n\n\n\n0\n\n\n\n5\n\n\n\n" + end
    assert tabrecover.recover(text, templates="none").tables == ()


def test_numbers_of_rows_are_unplaced_once() -> None:
    """Rows that hold nothing but their number: each number is told once, and is no cell."""
    # Found by the fuzzer: the last number was told twice.
    rows = ["0|", "|1||||%  b", "2|", "|3 |", "|4||||||||||||", "5|||8 8||||||||"]
    rows += ["6|||1 6 2|||||||", "|7||", "|8|a  3 3 0||||||||", "|9|||1 0||||||||"]
    text = "\n".join([*rows, "|10|||3 7||||||||", "|11"])
    (table,) = tabrecover.recover(text, templates="none").tables
    assert [text[span.start : span.end] for span in table.unplaced] == [str(n) for n in range(12)]
