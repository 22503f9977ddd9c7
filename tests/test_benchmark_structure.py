"""GriTS and TEDS against hand-computed cases, plain slow programs, and laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.structure import MAX_PAIRS, grits_con, grits_top, teds, tree_edit_distance
from benchmarks.tables import Cell, Role, Table, fold, tables_of_page

Measure = Callable[[Table, Table], float | None]
Box = tuple[int, int, int, int]
Label = tuple[str, int, int, str]
Node = tuple[Label, tuple["Node", ...]]
Forest = tuple[Node, ...]
Pairs = tuple[tuple[int, int], ...]
Reward = Callable[[int, int], Fraction]
Kind = TypeVar("Kind", str, Box)

MEASURES = [grits_top, grits_con, teds]


def grid(*rows: str) -> Table:
    """A table without merged cells: texts parted by spaces, `.` for an empty one."""
    cells = [
        Cell(row, column, 1, 1, "value", text.strip("."))
        for row, line in enumerate(rows)
        for column, text in enumerate(line.split())
    ]
    return Table(tuple(cells), (len(rows), max(len(line.split()) for line in rows)))


def page(markup: str) -> Table:
    return tables_of_page(f"<table>{markup}</table>")[0]


# --- by hand -----------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_tables(measure: Measure) -> None:
    """A table is like an equal one, merged cells and all, to the last bit."""
    markup = "<tr><th colspan=2>a<tr><td rowspan=2>b<td>c<tr><td>d"
    assert measure(page(markup), page(markup)) == 1.0


def test_one_text_changed() -> None:
    """A changed text costs what of it is not common, and nothing in the topology."""
    truth, found = grid("a b", "c 12"), grid("a b", "c 13")
    assert grits_top(truth, found) == 1.0
    # 12, 13: LCS 1, similarity 2·1/(2+2) = 1/2; three positions and a half of 4 and 4
    assert grits_con(truth, found) == 2 * 3.5 / (4 + 4)
    # Levenshtein 1 of 2 letters; nodes: 1 table + 2 tr + 4 td
    assert teds(truth, found) == pytest.approx(1 - 0.5 / 7)


def test_row_missing() -> None:
    """A row left out lowers the recall of GriTS, and is three nodes for TEDS."""
    truth, found = grid("a b", "c d", "e f"), grid("a b", "e f")
    # 4 positions in common, of 6 and 4
    assert grits_top(truth, found) == pytest.approx(2 * 4 / (6 + 4))
    assert grits_con(truth, found) == pytest.approx(2 * 4 / (6 + 4))
    # tr and two td deleted; nodes: 1 + 3 + 6
    assert teds(truth, found) == pytest.approx(1 - 3 / 10)


def test_values_under_the_wrong_label() -> None:
    """Rows that change places under their labels have the right topology and little else."""
    truth, found = grid("甲 11 22 33", "乙 44 55 66"), grid("甲 44 55 66", "乙 11 22 33")
    assert grits_top(truth, found) == 1.0
    # 甲 with 甲 and 乙 with 乙: 1 + 1 labels; 甲 with 乙: 3 values; columns stay: 3 of 8 and 8
    assert grits_con(truth, found) == 2 * 3 / (8 + 8)
    # six values substituted at cost 1; nodes: 1 + 2 + 8
    assert teds(truth, found) == pytest.approx(1 - 6 / 11)


def test_merged_cell_split() -> None:
    """A cell that should span two columns is half right at each of its two positions."""
    truth = page("<tr><td colspan=2>a<tr><td>b<td>c")
    found, repeated = grid("a .", "b c"), grid("a a", "b c")
    # boxes 1 × 2 and 1 × 1: 1/2 at two positions, 1 at two
    assert grits_top(truth, found) == 2 * 3 / (4 + 4)
    # "a" against "" at one position
    assert grits_con(truth, found) == 2 * 3 / (4 + 4)
    assert grits_con(truth, repeated) == 1.0
    # a span changed (1), a td inserted (1); nodes: 1 + 2 + 3 and 1 + 2 + 4
    assert teds(truth, found) == pytest.approx(1 - 2 / 7)


def test_box_is_seen_from_its_position() -> None:
    """Positions of one merged cell differ by where they lie in it."""
    truth, found = page("<tr><td colspan=3>a"), page("<tr><td colspan=2>a<td>a")
    # from left to right, edges from the position: 0..3, -1..2, -2..1 and 0..2, -1..1, 0..1;
    # IoU of each with each: 2/3 1/2 1/3 | 1/2 2/3 1/3 | 1/4 1/2 1/3; best in order: the diagonal
    assert grits_top(truth, found) == pytest.approx(2 * (2 / 3 + 2 / 3 + 1 / 3) / (3 + 3))


def test_transposed() -> None:
    """Rows taken for columns keep what one diagonal holds."""
    # a with a and d with d; b and c change places
    assert grits_con(grid("a b", "c d"), grid("a c", "b d")) == 2 * 2 / (4 + 4)
    assert teds(grid("a b", "c d"), grid("a c", "b d")) == pytest.approx(1 - 2 / 7)
    # 2 × 3 and 3 × 2 share 2 × 2
    assert grits_top(grid("a b c", "d e f"), grid("a d", "b e", "c f")) == pytest.approx(8 / 12)


def test_first_rows_only() -> None:
    """Precision 1 and recall 1/4 make an F-score of 2 · 1/4 / (1 + 1/4)."""
    lines = [f"{row} {row}x" for row in range(100, 120)]
    truth, found = grid(*lines), grid(*lines[:5])
    assert grits_top(truth, found) == 0.4
    assert grits_con(truth, found) == 0.4
    # 15 rows of three nodes deleted; nodes: 1 + 20 + 40
    assert teds(truth, found) == pytest.approx(1 - 45 / 61)


def test_frequent_letters_of_long_texts() -> None:
    """Long texts of few letters are compared in full, where difflib passes over all of them."""
    long, longer = "ab" * 150, "c" + "ab" * 150
    assert SequenceMatcher(None, long, longer).ratio() == 0.0
    assert grits_con(grid(long), grid(longer)) == pytest.approx(2 * 300 / (300 + 301))


def test_order_of_two_texts() -> None:
    """A common subsequence is the longest in both orders, where difflib's blocks are not."""
    assert SequenceMatcher(None, "tide", "diet").ratio() == 0.25
    assert SequenceMatcher(None, "diet", "tide").ratio() == 0.5
    # LCS "ie"
    assert grits_con(grid("tide"), grid("diet")) == 2 * 2 / (4 + 4)
    assert grits_con(grid("diet"), grid("tide")) == 2 * 2 / (4 + 4)


def test_label_texts_count() -> None:
    """A wrong text in a `th` costs as in a `td`; a `th` for a `td` costs nothing."""
    truth, wrong = page("<tr><th>合计<td>5"), page("<tr><th>小计<td>5")
    # Levenshtein 1 of 2 letters; nodes: 1 + 1 + 2
    assert teds(truth, wrong) == pytest.approx(1 - 0.5 / 4)
    assert grits_con(truth, wrong) == 2 * 1.5 / (2 + 2)
    assert teds(truth, page("<tr><td>合计<td>5")) == 1.0


def test_row_cut_in_two() -> None:
    """Cells outlive their row: the tree edit distance is exact, not row by row."""
    truth, found = grid("a b c d"), grid("a b", "c d")
    # one tr deleted, two inserted, all cells kept
    assert tree_edit_distance(truth, found) == 3
    assert teds(truth, found) == pytest.approx(1 - 3 / 7)


def test_distance_beyond_the_larger_tree() -> None:
    """Where edits outnumber the nodes of the larger tree, TEDS is 0 and not below."""
    truth, found = grid("a b c d e f", "g", "h"), grid("i", "j", "k l m n o p")
    # row by row 1 + 5, 1, 1 + 5; nodes: 1 + 3 + 8
    assert tree_edit_distance(truth, found) == 13
    assert teds(truth, found) == 0.0


def test_ties_between_alignments() -> None:
    """Of equally good alignments the better in sum counts, whichever table is the truth."""
    one, other = grid("b", "a"), grid("a a", "b c")
    # rows: b with bc, or a with aa, 1 each; columns: ba with ac, 1, the last match; in that column
    # the second way has a with a, 1 of 2 and 4, the first b with c, 0
    assert grits_con(one, other) == grits_con(other, one) == pytest.approx(2 * 1 / (2 + 4))


def test_folded_texts() -> None:
    """Width, script and white space of texts do not count."""
    truth, found = page("<tr><td>１２<td>結 果"), page("<tr><td>12<td>结果")
    assert [measure(truth, found) for measure in MEASURES] == [1.0] * 3


def test_uncovered_positions() -> None:
    """What no cell covers is an empty cell on the grid, and nothing in the tree."""
    truth, found = grid("a b", "c ."), grid("a b", "c")
    assert grits_top(truth, found) == grits_con(truth, found) == 1.0
    # one td deleted; nodes: 1 + 2 + 4
    assert teds(truth, found) == pytest.approx(1 - 1 / 7)


@pytest.mark.parametrize("measure", MEASURES)
def test_empty_tables(measure: Measure) -> None:
    """Tables without cells are alike, and like no other."""
    none, rows_only, one = Table((), (0, 0)), Table((), (2, 0)), grid("a")
    assert measure(none, rows_only) == 1.0
    assert measure(none, one) == measure(one, rows_only) == 0.0


@pytest.mark.parametrize("measure", MEASURES)
def test_too_large(measure: Measure) -> None:
    """Beyond the bound only equal tables get a score."""
    row = "x " * (int(MAX_PAIRS**0.5) + 1)
    wide = grid(row)
    first, *rest = wide.cells
    other = Table((replace(first, text="y", colspan=2), *rest[1:]), wide.shape)
    assert measure(wide, grid(row)) == 1.0
    assert measure(wide, other) is None


# --- against plain programs --------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn, most: int = 3) -> Table:
    """Small tables with merged cells, holes, and texts that resemble each other."""
    n_rows, n_columns = draw(st.integers(1, most)), draw(st.integers(1, most))
    texts = st.sampled_from(["", "a", "b", "ab", "ba", "abc"])
    roles: st.SearchStrategy[Role] = st.sampled_from(["label", "value"])
    cells: list[Cell] = []
    taken: set[tuple[int, int]] = set()
    for row, column in product(range(n_rows), range(n_columns)):
        if (row, column) in taken or draw(st.integers(0, 9)) == 0:
            continue
        free = next((c for c in range(column, n_columns) if (row, c) in taken), n_columns)
        height = draw(st.sampled_from([1, 1, n_rows - row]))
        width = draw(st.sampled_from([1, 1, free - column]))
        cells.append(Cell(row, column, height, width, draw(roles), draw(texts)))
        taken.update(product(range(row, row + height), range(column, column + width)))
    return Table(tuple(cells), (n_rows, n_columns))


def texts_of(table: Table) -> list[list[str]]:
    return [[fold(text) for text in row] for row in table.rows()] if table.cells else []


def boxes_of(table: Table) -> list[list[Box]]:
    """At each position its cell's edges, from the position."""

    def box(row: int, column: int) -> Box:
        cell = table.owner.get((row, column), Cell(row, column, 1, 1, "value", ""))
        return cell.row - row, cell.col - column, cell.end_row - row, cell.end_col - column

    n_rows, n_columns = table.shape if table.cells else (0, 0)
    return [[box(row, column) for column in range(n_columns)] for row in range(n_rows)]


def tree_of(table: Table) -> Node:
    rows = []
    for number in range(table.shape[0]):
        cells = [cell for cell in table.cells if cell.row == number]
        leaves = [(("td", cell.rowspan, cell.colspan, fold(cell.text)), ()) for cell in cells]
        rows.append((("tr", 1, 1, ""), tuple(leaves)))
    return ("table", 1, 1, ""), tuple(rows)


@cache
def common_letters(first: str, second: str) -> int:
    """Length of the longest common subsequence, by its recurrence."""
    if not (first and second):
        return 0
    if first[-1] == second[-1]:
        return common_letters(first[:-1], second[:-1]) + 1
    return max(common_letters(first[:-1], second), common_letters(first, second[:-1]))


@cache
def edits(first: str, second: str) -> int:
    """Levenshtein distance, by its recurrence."""
    if not (first and second):
        return len(first) + len(second)
    return min(
        edits(first[:-1], second) + 1,
        edits(first, second[:-1]) + 1,
        edits(first[:-1], second[:-1]) + (first[-1] != second[-1]),
    )


def on_the_grain(similarity: float) -> Fraction:
    return Fraction(round(similarity * 2**32), 2**32)


def text_similarity(first: str, second: str) -> Fraction:
    letters = len(first) + len(second)
    return on_the_grain(2 * common_letters(first, second) / letters if letters else 1)


def box_similarity(first: Box, second: Box) -> Fraction:
    """Intersection over union, by counting unit squares."""
    squares, others = (
        set(product(range(top, bottom), range(left, right)))
        for top, left, bottom, right in (first, second)
    )
    return on_the_grain(len(squares & others) / len(squares | others))


def totals(n: int, m: int, reward: Reward) -> list[list[Fraction]]:
    """Best reward of aligning the first i with the first j, for all i and j."""
    best = [[Fraction(0)] * (m + 1) for _ in range(n + 1)]
    for i, j in product(range(1, n + 1), range(1, m + 1)):
        matched = best[i - 1][j - 1] + reward(i - 1, j - 1)
        best[i][j] = max(matched, best[i - 1][j], best[i][j - 1])
    return best


def trace(n: int, m: int, reward: Reward, *, truth_first: bool) -> Pairs:
    """The alignment found backwards: a match where possible, else one side is skipped first."""
    best = totals(n, m, reward)
    pairs: list[tuple[int, int]] = []
    while n and m:
        skips = {True: best[n - 1][m], False: best[n][m - 1]}
        if best[n][m] == best[n - 1][m - 1] + reward(n - 1, m - 1):
            n, m = n - 1, m - 1
            pairs.append((n, m))
        elif skips[truth_first] == best[n][m]:
            n, m = (n - 1, m) if truth_first else (n, m - 1)
        else:
            n, m = (n, m - 1) if truth_first else (n - 1, m)
    return tuple(reversed(pairs))


def f_score(common: Fraction, truth: list[list[Kind]], found: list[list[Kind]]) -> float:
    sizes = len(truth) * len(truth[0]) + len(found) * len(found[0])
    return float(2 * common / sizes)


def plain_grits(
    truth: list[list[Kind]], found: list[list[Kind]], similarity: Callable[[Kind, Kind], Fraction]
) -> float:
    """The factored heuristic in rational numbers, one pair of rows or columns at a time."""
    if not (truth and found):
        return float(truth == found)
    shape, found_shape = (len(truth), len(truth[0])), (len(found), len(found[0]))

    def at(i: int, k: int, a: int, b: int) -> Fraction:
        return similarity(truth[i][a], found[k][b])

    def rows(i: int, k: int) -> Fraction:
        return totals(shape[1], found_shape[1], lambda a, b: at(i, k, a, b))[-1][-1]

    def columns(a: int, b: int) -> Fraction:
        return totals(shape[0], found_shape[0], lambda i, k: at(i, k, a, b))[-1][-1]

    sums = [
        sum((at(i, k, a, b) for (i, k), (a, b) in product(row_pairs, column_pairs)), Fraction(0))
        for row_pairs in both_traces(shape[0], found_shape[0], rows)
        for column_pairs in both_traces(shape[1], found_shape[1], columns)
    ]
    return f_score(max(sums), truth, found)


def both_traces(n: int, m: int, reward: Reward) -> list[Pairs]:
    return [trace(n, m, reward, truth_first=truth_first) for truth_first in (True, False)]


def choices(n: int, m: int) -> Iterator[Pairs]:
    """Every way to pair lines of one with lines of the other in order."""
    for size in range(min(n, m) + 1):
        for chosen in combinations(range(n), size):
            for others in combinations(range(m), size):
                yield tuple(zip(chosen, others, strict=True))


def exact_grits(
    truth: list[list[Kind]], found: list[list[Kind]], similarity: Callable[[Kind, Kind], Fraction]
) -> float:
    """2D most similar substructures by trying all choices of rows and columns."""
    if not (truth and found):
        return float(truth == found)
    pairs_of_columns = list(choices(len(truth[0]), len(found[0])))
    best = max(
        sum((similarity(truth[i][a], found[k][b]) for i, k in rows for a, b in columns), Fraction())
        for rows in choices(len(truth), len(found))
        for columns in pairs_of_columns
    )
    return f_score(best, truth, found)


@cache
def forest_distance(first: Forest, second: Forest) -> float:
    """Ordered tree edit distance by the recurrence on the last roots."""
    if not (first or second):
        return 0.0
    options = []
    if first:
        options.append(forest_distance(first[:-1] + first[-1][1], second) + 1)
    if second:
        options.append(forest_distance(first, second[:-1] + second[-1][1]) + 1)
    if first and second:
        (label, children), (other_label, other_children) = first[-1], second[-1]
        apart = forest_distance(first[:-1], second[:-1])
        below = forest_distance(children, other_children)
        options.append(apart + below + substitution(label, other_label))
    return min(options)


def substitution(label: Label, other: Label) -> float:
    *structure, text = label
    *other_structure, other_text = other
    if structure != other_structure:
        return 1.0
    return edits(text, other_text) / max(len(text), len(other_text), 1)


@settings(deadline=None)
@given(tables(), tables())
def test_grits_against_plain_loops(truth: Table, found: Table) -> None:
    """Batched dynamic programs give what the paper's give one by one, to the last bit."""
    assert grits_top(truth, found) == plain_grits(boxes_of(truth), boxes_of(found), box_similarity)
    assert grits_con(truth, found) == plain_grits(texts_of(truth), texts_of(found), text_similarity)


@settings(deadline=None, max_examples=40)
@given(tables(most=5), tables(most=5))
def test_grits_of_larger_tables_against_plain_loops(truth: Table, found: Table) -> None:
    """The same with more rows and columns to skip."""
    expected = plain_grits(texts_of(truth), texts_of(found), text_similarity)
    assert grits_con(truth, found) == expected


@settings(deadline=None, max_examples=50)
@given(tables(), tables())
def test_grits_never_flatters(truth: Table, found: Table) -> None:
    """The heuristic's score is a lower bound of that of the best rows and columns."""
    top, con = grits_top(truth, found), grits_con(truth, found)
    assert top is not None
    assert con is not None
    assert top <= exact_grits(boxes_of(truth), boxes_of(found), box_similarity)
    assert con <= exact_grits(texts_of(truth), texts_of(found), text_similarity)


@settings(deadline=None)
@given(tables(), tables())
def test_distance_against_plain_recursion(truth: Table, found: Table) -> None:
    """The distance is that of the general recurrence, which knows nothing of rows and cells."""
    expected = forest_distance((tree_of(truth),), (tree_of(found),))
    assert tree_edit_distance(truth, found) == pytest.approx(expected, abs=1e-8)


# --- laws --------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
@settings(deadline=None, max_examples=40)
@given(tables(most=5), tables(most=5))
def test_symmetric_and_in_range(measure: Measure, one: Table, other: Table) -> None:
    """It does not matter which table is called the truth, not in the last bit."""
    score = measure(one, other)
    assert score is not None
    assert 0.0 <= score <= 1.0
    assert measure(other, one) == score


@settings(deadline=None)
@given(tables(most=2), tables(most=2))
def test_one_means_equal(one: Table, other: Table) -> None:
    """Only tables that agree in all that a measure looks at score 1."""
    assert (grits_top(one, other) == 1.0) == (boxes_of(one) == boxes_of(other))
    assert (grits_con(one, other) == 1.0) == (texts_of(one) == texts_of(other))
    trees = [tree_of(table) if table.cells else None for table in (one, other)]
    assert (teds(one, other) == 1.0) == (trees[0] == trees[1])


@settings(deadline=None)
@given(tables(), tables())
def test_rows_are_treated_as_columns(one: Table, other: Table) -> None:
    """Both tables turned over their diagonals have the same GriTS."""
    for measure in (grits_top, grits_con):
        assert measure(turned(one), turned(other)) == measure(one, other)


def turned(table: Table) -> Table:
    cells = [Cell(c.col, c.row, c.colspan, c.rowspan, c.role, c.text) for c in table.cells]
    return Table(tuple(sorted(cells, key=lambda c: (c.row, c.col))), table.shape[::-1])
