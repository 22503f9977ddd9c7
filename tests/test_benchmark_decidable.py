"""What a dump decides: small fake flatteners, compared with trying all other fillings.

The fakes write the cells of small tables in ways that show, or hide, where a text belongs. For each
dump every other filling of the same cells is flattened as well; a cell is undecidable where some
filling with an equal dump has another text. Labels' letters occur in no value, so that values
between two labels can be refilled apart from all others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.decidable import cell_types
from benchmarks.dumps import Dump
from benchmarks.flatten import Tool, make_dumps
from benchmarks.manglings import MANGLINGS, MARK, damage
from benchmarks.tables import Cell, Table, tables_of_page

Rows = Sequence[Sequence[str]]
Texts = tuple[str, ...]
Write = Callable[[Table], str]
LABELS = "xyz"

# --- fake flatteners ---------------------------------------------------------------------------


def texts_by_row(table: Table) -> list[list[str]]:
    return [[c.text for c in table.cells if c.row == row] for row in range(table.shape[0])]


def lines_of_all(table: Table) -> str:
    """One cell a line, a blank as an empty line."""
    return "\n".join(cell.text for cell in table.cells)


def lines_without_blanks(table: Table) -> str:
    """One cell a line, no trace of blanks."""
    return "\n".join(cell.text for cell in table.cells if cell.text)


def bars_at_the_end(table: Table) -> str:
    """One row a line, bars for its blanks at its end."""
    lines = []
    for texts in texts_by_row(table):
        shown = [text for text in texts if text]
        lines.append("".join(f"{text}|" for text in shown) + "|" * (len(texts) - len(shown)))
    return "\n".join(lines)


def bars(table: Table) -> str:
    """One row a line, a bar behind every cell."""
    return "\n".join("".join(f"{t}|" for t in texts) for texts in texts_by_row(table))


def run_together(table: Table) -> str:
    """Nothing between cells."""
    return "".join(cell.text for cell in table.cells)


def words(table: Table) -> str:
    """A space between cells, no trace of blanks."""
    return " ".join(cell.text for cell in table.cells if cell.text)


def rows_of_words(table: Table) -> str:
    """One row a line, a space between cells, no trace of blanks."""
    return "\n".join(" ".join(filter(None, texts)) for texts in texts_by_row(table))


def words_and_gaps(table: Table) -> str:
    """A space between cells, two where one is blank."""
    return " ".join(cell.text for cell in table.cells)


WRITERS = [
    lines_of_all, lines_without_blanks, bars_at_the_end, bars, run_together, words, rows_of_words,
]  # fmt: skip


def page_of(rows: Rows) -> str:
    """A page with a table: the letters of `LABELS` are labels, `_` is a label without a text."""
    lines = []
    for texts in rows:
        tags = ["th" if text and text in f"{LABELS}_" else "td" for text in texts]
        cells = (f"<{t}>{x.strip('_')}</{t}>" for t, x in zip(tags, texts, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<html lang="en"><body><table>{"".join(lines)}</table></body></html>'


def table_of(rows: Rows) -> Table:
    return tables_of_page(page_of(rows))[0]


def dumps_of(
    rows: Rows, write: Write, mangling: str = "none", document: str = "doc", reflows: bool = False
) -> list[Dump]:
    """The dumps of a page with this table as the benchmark makes them; prose ends the page."""

    def flatten(pages: Sequence[str]) -> list[str]:
        return [f"{write(tables_of_page(page)[0])}\nend" for page in pages]

    tool = Tool("fake", "1", flatten, reflows=reflows)
    made = make_dumps(tool, {document: page_of(rows)}, lambda _, of: of == mangling)
    return [dump for dump in made if dump.mangling == mangling]


def undecidable(
    rows: Rows, write: Write, mangling: str = "none", reflows: bool = False
) -> list[list[int]]:
    """For each row, the columns of the cells that the benchmark calls undecidable."""
    (dump,) = dumps_of(rows, write, mangling, reflows=reflows)
    (truth,) = dump.truths()
    cells = [truth.table.cells[index] for index in sorted(truth.undecidable)]
    return [[cell.col for cell in cells if cell.row == row] for row in range(len(rows))]


# --- all other fillings ------------------------------------------------------------------------


def between_labels(table: Table, end: int) -> list[list[int]]:
    """Values before cell `end`, in reading order, parted by labels with a text."""
    parts: list[list[int]] = [[]]
    for index, cell in enumerate(table.cells[:end]):
        if cell.role == "value":
            parts[-1].append(index)
        elif cell.text:
            parts.append([])
    return [part for part in parts if part]


def fits(text: str, kind: str) -> bool:
    """Whether a cell of this type may hold the text; all numbers here are whole ones."""
    return text in {"", "/"} or kind == "text" or bool(re.fullmatch(r"0|[1-9]\d*", text))


def placements(texts: Texts) -> Iterator[Texts]:
    """The same texts in the same order, the blanks elsewhere."""
    shown = [text for text in texts if text]
    for places in combinations(range(len(texts)), len(shown)):
        placed = dict(zip(places, shown, strict=True))
        yield tuple(placed.get(place, "") for place in range(len(texts)))


def cuts(atoms: Sequence[str], glue: str, slots: int, least: int) -> Iterator[Texts]:
    """All ways to cut a run of atoms into texts; a cell's text has no space at its ends."""
    ends = range(least, len(atoms) + 1) if slots > 1 else [len(atoms)]
    for end in ends:
        text = glue.join(atoms[:end])
        if end >= least and text == text.strip():
            for rest in cuts(atoms[end:], glue, slots - 1, least) if slots > 1 else [()]:
                yield (text, *rest)


def fillings(texts: Texts, table: Table) -> set[Texts]:
    """All ways to fill these cells: what a table shows no case of, it has none of.

    So a table without blanks gets none, and cells of one word each stay so.
    """
    values = [cell.text for cell in table.cells if cell.role == "value"]
    least = 0 if "" in values else 1
    found = {*placements(texts), *cuts("".join(texts), "", len(texts), least)}
    if any(" " in text for text in values):
        found.update(cuts(" ".join(texts).split(), " ", len(texts), least))
    return found


def fillings_with_mark(texts: Texts, table: Table) -> Iterator[Texts]:
    """All ways to fill these cells and the mark, which stands in the place of one of the blanks."""
    (at,) = (n for n, text in enumerate(texts) if text == MARK)
    rest = (*texts[:at], *texts[at + 1 :])
    for filling in fillings(rest, table) if rest else [()]:
        for n in range(len(texts)):
            yield (*filling[:n], MARK, *filling[n:])


def brute_force(
    table: Table, truth: Table, dumped: Callable[[Table], str], end: int | None = None
) -> set[int]:
    """The cells of a truth that some other filling with an equal dump has another text for.

    `table` may have a marked value, where the truth is blank; `end` is the first cell cut off.
    """
    kinds = cell_types(truth)
    dump = dumped(table)
    found: set[int] = set()
    for part in between_labels(table, len(table.cells) if end is None else end):
        texts = tuple(table.cells[i].text for i in part)
        fill = fillings_with_mark if MARK in texts else fillings
        for filling in fill(texts, truth):
            plain = ["" if text == MARK else text for text in filling]
            other = {i: t for i, t in zip(part, plain, strict=True) if t != truth.cells[i].text}
            if (
                not found >= set(other)
                and all(fits(text, kinds[i]) for i, text in zip(part, plain, strict=True))
                and dumped(table.with_texts(dict(zip(part, filling, strict=True)))) == dump
            ):
                found |= set(other)
    return found


def computed_and_tried(
    rows: Rows, write: Write, mangling: str = "none", document: str = "doc"
) -> tuple[set[int], set[int]] | None:
    """Undecidable cells as computed by the benchmark, and by trying all fillings."""
    dumps = dumps_of(rows, write, mangling, document)
    if not dumps:
        return None  # nothing to lose or to cut off
    (truth,) = dumps[0].truths()
    table, end = table_of(rows), None
    if mangling == "value lost":
        lost = next(i for i, cell in enumerate(table.cells) if cell != truth.table.cells[i])
        table = table.with_texts({lost: MARK})
    elif truth.absent:
        end = min(truth.absent)
        table = table.with_texts({end: MARK})
    steps = [step for step in MANGLINGS if step.name == mangling]

    def dumped(of: Table) -> str:
        return damage(steps, f"{write(of)}\nend", random.Random(0))  # noqa: S311 - not used

    assert dumped(table) == dumps[0].text
    return set(truth.undecidable - truth.absent), brute_force(table, truth.table, dumped, end)


# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "rows", "expected"),
    [
        (lines_of_all, [["x", "5", "", "12"]], [[]]),
        (lines_without_blanks, [["x", "5", "12"]], [[]]),
        (lines_without_blanks, [["x", "5", "", "12"]], [[1, 2, 3]]),
        (lines_without_blanks, [["x", "0", "0", ""]], [[1, 2, 3]]),
        (lines_without_blanks, [["x", "", "", ""]], [[]]),
        (lines_without_blanks, [["x", "5", ""], ["y", "5", "0"]], [[1, 2], []]),
        (lines_without_blanks, [["5", ""], ["5", "0"]], [[0, 1], [0, 1]]),
        (lines_without_blanks, [["_", "5", ""], ["_", "5", "0"]], [[1, 2], [1, 2]]),
        (lines_without_blanks, [["x", "a b", "5", ""]], [[2, 3]]),
        (bars_at_the_end, [["5", "", "12"], ["5", "0", "12"]], [[0, 1, 2], []]),
        (bars, [["5", "", "12"], ["5", "0", "12"]], [[], []]),
        (run_together, [["x", "5", "12"]], [[1, 2]]),
        (run_together, [["x", "5", "0"]], [[]]),
        (run_together, [["x", "12", "/"]], [[]]),
        (run_together, [["x", "5", "0", ""]], [[1, 2, 3]]),
        (words, [["x", "a b", "c"]], [[1, 2]]),
        (words, [["x", "a b", "5"]], [[]]),
        (rows_of_words, [["a b", "c"], ["d", "e"]], [[0, 1], []]),
    ],
)
def test_by_hand(write: Write, rows: Rows, expected: list[list[int]]) -> None:
    """The cells that a person finds undecidable, knowing how the dump was written."""
    assert undecidable(rows, write) == expected


def test_a_layout_with_moving_white_space_tells_less() -> None:
    """Where white space follows from a page's layout, blanks leave no trace in it."""
    rows = [["x", "5", "", "12"]]
    assert undecidable(rows, lines_of_all) == [[]]
    assert undecidable(rows, lines_of_all, reflows=True) == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("z", [[1, 2], [1, 2], []]), ("y", [[], [], []])],
    ids=["last", "sample"],
)
def test_borders_open_in_some_rows(shown: str, expected: list[list[int]]) -> None:
    """Borders are tried one by one where those of a table differ, if the one in the middle is open.

    Else all are taken for closed: a flattener that hides blanks hides them in the middle as well.
    """

    def write(table: Table) -> str:
        rows = texts_by_row(table)
        return "\n".join("\n".join(t for t in row if t or row[0] == shown) for row in rows)

    assert undecidable([[label, "5", ""] for label in "xyz"], write) == expected


@pytest.mark.parametrize(
    ("rows", "types"),
    [
        ([["5", "1,234", "/", "-7"]], ["integer"] * 4),
        ([["0.5", "12%", "1,234.50"]], ["decimal"] * 3),
        ([["007", "a", "1 2"]], ["text"] * 3),
        ([["5", "0.5", "a"], ["", "", ""]], ["integer", "decimal", "text"] * 2),
        ([["5"], ["0.5"], [""]], ["integer", "decimal", "decimal"]),
        ([["5", "a", ""]], ["integer", "text", "text"]),
        ([["x", ""]], ["integer"]),
    ],
    ids=["integers", "decimals", "texts", "column", "widest", "row", "nothing known"],
)
def test_types_of_cells(rows: Rows, types: list[str]) -> None:
    """A value's type is read off its text; a blank has the widest of its column, or of its row."""
    assert list(dict(sorted(cell_types(table_of(rows)).items())).values()) == types


# --- a value lost ------------------------------------------------------------------------------

SEVEN = {"different": ["1", "2", "3", "4", "5", "6", "7"], "equal": ["0"] * 7}


def lost_and_undecidable(dump: Dump) -> tuple[Cell, list[Cell]]:
    """The only blank of a table, and its undecidable cells."""
    (truth,) = dump.truths()
    (lost,) = (c for c in truth.table.cells if c.role == "value" and not c.text)
    return lost, [truth.table.cells[index] for index in sorted(truth.undecidable)]


@pytest.mark.parametrize("texts", SEVEN.values(), ids=SEVEN)
@pytest.mark.parametrize("write", [lines_of_all, lines_without_blanks, bars])
def test_one_of_seven_values_lost(write: Write, texts: list[str]) -> None:
    """A row of six texts for seven places is undecidable, and no row parted from it by a label."""
    (dump,) = dumps_of([[label, *texts] for label in LABELS], write, "value lost")
    lost, open_ = lost_and_undecidable(dump)
    assert [(cell.row, cell.col) for cell in open_] == [(lost.row, col) for col in range(1, 8)]


@pytest.mark.parametrize("document", "abcdefg")
def test_a_value_lost_beside_a_text(document: str) -> None:
    """No number moves past a text, and no text into a number's place."""
    rows = [[label, "1", "2", "a", "3", "4"] for label in LABELS]
    (dump,) = dumps_of(rows, lines_without_blanks, "value lost", document)
    lost, open_ = lost_and_undecidable(dump)
    expected = {1: [1, 2], 2: [1, 2], 3: [1, 2, 3, 4, 5], 4: [4, 5], 5: [4, 5]}
    assert [(cell.row, cell.col) for cell in open_] == [
        (lost.row, col) for col in expected[lost.col]
    ]


@pytest.mark.parametrize(
    ("write", "others"), [(lines_without_blanks, True), (lines_of_all, True), (bars, False)]
)
def test_one_of_seven_values_lost_without_labels(write: Write, others: bool) -> None:
    """Lines of cells leave open from which row without a label it is; rows with bars tell."""
    (dump,) = dumps_of([SEVEN["different"]] * 2, write, "value lost")
    lost, open_ = lost_and_undecidable(dump)
    assert {cell.row for cell in open_} == ({0, 1} if others else {lost.row})
    assert len(open_) == (14 if others else 7)


def test_a_lost_value_whose_place_is_kept() -> None:
    """Markup without the value shows its place, so that every cell is decided."""
    assert undecidable([["x", *SEVEN["equal"]]], Table.to_html, "value lost") == [[]]


# --- all other fillings tried ------------------------------------------------------------------

SHORT = [(1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (3, 2)]
LONG = [*SHORT, (2, 4), (3, 3), (3, 4)]
ALPHABETS = [
    ["0", "5", "12"], ["0", "5", "12", ""], ["0", "5", "12", "", "", "a b", "/"], ["a b", "c", ""]
]  # fmt: skip


@st.composite
def tables(draw: st.DrawFn, labels: Sequence[str] = ("all", "some", "none")) -> list[list[str]]:
    """One to three rows of values, with labels before all, some or none of them."""
    labelled = draw(st.sampled_from(labels))
    n_rows, n_cols = draw(st.sampled_from(LONG if labelled == "all" else SHORT))
    texts = st.sampled_from(draw(st.sampled_from(ALPHABETS)))
    rows = []
    for row in range(n_rows):
        values = draw(st.lists(texts, min_size=n_cols, max_size=n_cols))
        name = labelled == "all" or draw(st.booleans())
        rows.append(values if labelled == "none" else [LABELS[row] if name else "_", *values])
    return rows


def without_spaces(rows: Rows) -> list[list[str]]:
    return [[text.replace(" ", "") for text in texts] for texts in rows]


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=60, deadline=None)
@given(rows=tables())
def test_all_fillings_tried(write: Write, rows: Rows) -> None:
    """The computed cells are those that some other filling with an equal dump has others for."""
    if write is run_together:
        rows = without_spaces(rows)
    result = computed_and_tried(rows, write)
    assert result is not None
    assert result[0] == result[1]


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), document=st.sampled_from("abcdefg"))
def test_all_fillings_tried_after_a_loss(write: Write, data: st.DataObject, document: str) -> None:
    """The same with a value lost, over all places that it may be lost from.

    The benchmark tries no move of a whole row, of which a value alone on its line would leave no
    trace, nor of an empty line between a blank and a label without a text: no such tables here.
    """
    by_cells = write in {lines_of_all, lines_without_blanks, run_together}
    rows = data.draw(tables(["all", "none"] if by_cells else ["all"]))
    if write is run_together:
        rows = without_spaces(rows)
    result = computed_and_tried(rows, write, "value lost", document)
    assert result is None or result[0] == result[1]


@pytest.mark.parametrize("write", [w for w in WRITERS if w not in {lines_of_all, bars}])
@settings(max_examples=40, deadline=None)
@example(rows=[["", "a", "a", ""]], document="d2")
@example(rows=[["x", "a b", "/", ""], ["y", "5", "12", ""]], document="d0")
@given(rows=tables(), document=st.sampled_from("abcdefg"))
def test_all_fillings_tried_after_a_cut(write: Write, rows: Rows, document: str) -> None:
    """The same for what is left of a table that is cut off."""
    if write is run_together:
        rows = without_spaces(rows)
    result = computed_and_tried(rows, write, "cut off", document)
    assert result is None or result[0] == result[1]


@pytest.mark.parametrize("rows", [[["c", "a b"]], [["a b", "a b"]], [["x", "5", "a b", "c"]]])
def test_no_text_has_a_space_at_its_ends(rows: Rows) -> None:
    """Words that are run together are cut only where no text would begin or end with a space."""
    result = computed_and_tried(rows, run_together)
    assert result is not None
    assert result[0] == result[1]


@pytest.mark.xfail(strict=True, reason="all words of a run are cut anew, across its blanks")
def test_blanks_that_show_stay() -> None:
    """A blank that leaves its mark between words that may move is not filled with one of them."""

    def words_and_gaps(table: Table) -> str:
        return " ".join(cell.text for cell in table.cells)

    assert undecidable([["x", "a b", ""]], words_and_gaps) == [[]]


# --- which dumps there are ---------------------------------------------------------------------


def make(flatten: Callable[[str], str | None], of: str, in_order: bool = True) -> list[Dump]:
    """All dumps of a page with two values, mangled in this way only."""
    tool = Tool("fake", "1", lambda pages: [flatten(page) for page in pages], in_order=in_order)
    return make_dumps(tool, {"doc": page_of([["x", "5", "12"]])}, lambda _, name: name == of)


def test_a_tool_that_drops_the_table_gives_no_dump() -> None:
    """A dump that a tool did not make, or without a number of the table, is not used."""
    assert make(lambda _: None, "hard wraps") == []
    assert make(lambda page: page.replace("12", ""), "hard wraps") == []
    assert [dump.mangling for dump in make(str, "hard wraps")] == ["none", "hard wraps"]


@pytest.mark.parametrize("mangling", ["value lost", "cut off"])
def test_texts_out_of_order_are_not_cut(mangling: str) -> None:
    """What needs texts in reading order is not done to a tool that gives them otherwise."""
    assert [dump.mangling for dump in make(str, mangling)] == ["none", mangling]
    assert [dump.mangling for dump in make(str, mangling, in_order=False)] == ["none"]


def test_page_without_its_table() -> None:
    """The same page is flattened without its table, and then has no truth."""
    dumps = make(str, "no table")
    assert [(dump.mangling, dump.truth is None) for dump in dumps] == [
        ("none", False), ("no table", True)
    ]  # fmt: skip
    assert "12" in dumps[0].text
    assert "12" not in dumps[1].text
