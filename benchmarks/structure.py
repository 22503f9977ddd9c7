"""Published similarities of two tables as wholes: GriTS and TEDS.

*GriTS* (Smock, Pesala, Abraham: "GriTS: Grid table similarity metric for table structure
recognition", 2022) compares grids. Of both it keeps some rows and some columns, in order, so that
the similarities of the positions that then coincide add up to most: the 2D most similar
substructures. The score is an F-score, 2 · sum / (positions of one + positions of the other).
Finding the best choice is NP-hard; the paper's factored heuristic, used here, aligns the rows by
dynamic programming, the reward of two rows being the best alignment of their positions, aligns
the columns likewise, and sums over the positions where both alignments meet. The sum is that of
a real choice, so the score never flatters.

*TEDS* (Zhong, ShafieiBavani, Jimeno Yepes: "Image-based table recognition: data, model, and
evaluation", 2020) compares the HTML trees: 1 − tree edit distance / nodes of the larger tree.

Where papers and released code leave a choice:

- All texts are compared as `fold` gives them, those of `th` too, which the released TEDS never
  compares. Here a `th` is a `td`, so a wrong label costs, and a wrong role alone does not. There is
  no `thead` or `tbody`.
- The released GriTS takes difflib's matching blocks for a longest common subsequence. They are
  none: they depend on the order of the two texts and pass over frequent letters of long ones.
- Alignments tie, and the paper does not break ties. The released code skips a row of the truth
  first, which makes the score depend on which table is called the truth. Here both orders are
  tried, for rows and for columns, and the best sum counts.
- A position that no cell covers holds an empty cell of its own. Cells outside the shape, and a
  found cell's confidence, do not count.
- The nodes of a tree include its root, as in the paper; the released TEDS leaves it out.
- An exact tree edit distance can exceed the larger tree (long rows against short ones, in another
  order); TEDS is then 0.
- Two tables without cells are alike (1); a table without cells is like no other (0).

Similarities are rounded to multiples of 2**-32. Sums of such numbers are exact, hence ties are
ties and both scores are symmetric to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein
from rapidfuzz.process import cdist

from benchmarks.tables import Table, fold

__all__ = ["MAX_PAIRS", "grits_con", "grits_top", "teds", "tree_edit_distance"]

MAX_PAIRS = 40_000_000
"""Pairs of positions (GriTS) or nodes (TEDS) up to which tables are compared: two of 210 × 30."""

GRAIN = 2.0**-32

Matrix = NDArray[np.float64]
Codes = NDArray[np.intp]
Path = tuple[list[int], list[int]]
"""Indices of the one that correspond, in order, to indices of the other."""
Box = tuple[int, int, int, int]
Leaf = tuple[int, int, str]
Kind = TypeVar("Kind", str, Box, Leaf)


def grits_top(truth: Table, found: Table) -> float | None:
    """GriTS_Top, cell topology: how far positions are merged with the same neighbours.

    A position holds the box of its cell, measured from that position; two boxes are as similar as
    their intersection is to their union. `None` beyond `MAX_PAIRS`.
    """
    return _grits(_box_grid(truth), _box_grid(found), _box_overlaps)


def grits_con(truth: Table, found: Table) -> float | None:
    """GriTS_Con, cell content: how far positions hold the same text.

    A position holds the text of its cell, merged or not; two texts are as similar as their longest
    common subsequence is long: 2 · |LCS| / (|a| + |b|), 1 for two empty texts. `None` beyond
    `MAX_PAIRS`.
    """
    return _grits(_text_grid(truth), _text_grid(found), _text_similarities)


def teds(truth: Table, found: Table) -> float | None:
    """TEDS, tree-edit-distance-based similarity: 1 − distance / nodes of the larger tree.

    The tree is `table`, its `tr`, their cells; what is left out on the grid leaves no node. `None`
    beyond `MAX_PAIRS`.
    """
    first, second = _tree(truth), _tree(found)
    if first == second or not (truth.cells or found.cells):
        return 1.0
    if not (truth.cells and found.cells):
        return 0.0
    sizes = [1 + len(rows) + sum(map(len, rows)) for rows in (first, second)]
    if sizes[0] * sizes[1] > MAX_PAIRS:
        return None
    return max(0.0, 1 - _forest_distance(first, second) / max(sizes))


def tree_edit_distance(truth: Table, found: Table) -> float:
    """The least cost of edits that turn one table's tree into the other's.

    To insert or to delete a node costs 1. To substitute costs 1 where the tags or the spans
    differ, else, for cells, the Levenshtein distance of the texts over the longer one's length.
    """
    return _forest_distance(_tree(truth), _tree(found))


# --- GriTS -------------------------------------------------------------------------------------


def _grits(
    truth: Sequence[Sequence[Kind]],
    found: Sequence[Sequence[Kind]],
    similarities: Callable[[Sequence[Kind], Sequence[Kind]], Matrix],
) -> float | None:
    """The F-score of two grids; `similarities` compares the different things that they hold."""
    if truth == found:
        return 1.0
    if not (truth and found):
        return 0.0
    (truth_rows, truth_kinds), (found_rows, found_kinds) = _coded(truth), _coded(found)
    truth_codes, found_codes = np.stack(truth_rows), np.stack(found_rows)
    if truth_codes.size * found_codes.size > MAX_PAIRS:
        return None
    similarity = similarities(truth_kinds, found_kinds)
    common = _most_similar_substructures(truth_codes, found_codes, similarity)
    return 2 * common / (truth_codes.size + found_codes.size)


def _most_similar_substructures(truth: Codes, found: Codes, similarity: Matrix) -> float:
    """The paper's factored 2D-MSS: rows and columns aligned apart, summed where they meet."""
    row_paths = _best_paths(_line_rewards(truth, found, similarity))
    column_paths = _best_paths(_line_rewards(truth.T, found.T, similarity))
    return max(
        float(
            similarity[truth[np.ix_(rows, columns)], found[np.ix_(found_rows, found_columns)]].sum()
        )
        for (rows, found_rows), (columns, found_columns) in product(row_paths, column_paths)
    )


def _line_rewards(truth: Codes, found: Codes, similarity: Matrix) -> Matrix:
    """For each row of one and each row of the other the reward of their best alignment.

    The dynamic programs of all pairs advance together, by one position of the truth's rows at a
    time: best[i, j] = max(best[i-1, j], best[i-1, j-1] + reward, best[i, j-1]).
    """
    best = np.zeros((found.shape[1] + 1, len(truth), len(found)))
    for position in truth.T:
        diagonal = best[:-1] + similarity[position][:, found].transpose(2, 0, 1)
        np.maximum(best[1:], diagonal, out=best[1:])
        np.maximum.accumulate(best, axis=0, out=best)
    rewards: Matrix = best[-1]
    return rewards


def _best_paths(reward: Matrix) -> tuple[Path, Path]:
    """Two best alignments of rows: among equals, the truth's skipped first, or the other's."""
    best = np.zeros((reward.shape[0] + 1, reward.shape[1] + 1))
    for i, row in enumerate(reward):
        best[i + 1, 1:] = np.maximum.accumulate(np.maximum(best[i, 1:], best[i, :-1] + row))
    matched = best[1:, 1:] == best[:-1, :-1] + reward
    above, before = best[1:, 1:] == best[:-1, 1:], best[1:, 1:] == best[1:, :-1]
    return _traceback(matched, above), _traceback(matched, ~before)


def _traceback(matched: NDArray[np.bool_], up: NDArray[np.bool_]) -> Path:
    """Follow an alignment back from its end: match where possible, else go up or left."""
    pairs = []
    i, j = matched.shape
    while i and j:
        if matched[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif up[i - 1, j - 1]:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    return [i for i, _ in pairs], [j for _, j in pairs]


def _text_grid(table: Table) -> list[list[str]]:
    if not table.cells:
        return []
    return [[fold(text) for text in row] for row in table.rows() if row]


def _box_grid(table: Table) -> list[list[Box]]:
    """At each position its cell's top, left, bottom and right, measured from the position."""
    if not table.cells:
        return []
    n_rows, n_columns = table.shape
    grid: list[list[Box]] = [[(0, 0, 1, 1)] * n_columns for _ in range(n_rows if n_columns else 0)]
    for (row, column), cell in table.owner.items():
        if 0 <= row < n_rows and 0 <= column < n_columns:
            edges = cell.row - row, cell.col - column, cell.end_row - row, cell.end_col - column
            grid[row][column] = edges
    return grid


def _box_overlaps(first: Sequence[Box], second: Sequence[Box]) -> Matrix:
    """Intersection over union; all boxes cover the unit square at their position."""
    top, left, bottom, right = np.array(second, dtype=np.float64).T
    area = (bottom - top) * (right - left)
    overlaps = np.empty((len(first), len(second)))
    for i, (t, l, b, r) in enumerate(first):  # noqa: E741 -- the four edges
        height = np.minimum(bottom, b) - np.maximum(top, t)
        width = np.minimum(right, r) - np.maximum(left, l)
        overlaps[i] = height * width / (area + (b - t) * (r - l) - height * width)
    return _rounded(overlaps)


def _text_similarities(first: Sequence[str], second: Sequence[str]) -> Matrix:
    common = cdist(first, second, scorer=LCSseq.similarity, dtype=np.int32)
    letters = _lengths(first)[:, None] + _lengths(second)
    return _rounded(np.divide(2 * common, letters, out=np.ones(letters.shape), where=letters > 0))


# --- TEDS --------------------------------------------------------------------------------------


def _tree(table: Table) -> list[list[Leaf]]:
    """Rows of cells: what `table`, `tr` and `td` hold, a cell as its spans and its text."""
    rows: list[list[Leaf]] = [[] for _ in range(table.shape[0])]
    for cell in table.cells:
        if 0 <= cell.row < len(rows):
            rows[cell.row].append((cell.rowspan, cell.colspan, fold(cell.text)))
    return rows


def _forest_distance(first: list[list[Leaf]], second: list[list[Leaf]]) -> float:
    """Exact ordered tree edit distance of two `table` trees (Zhang and Shasha, 1989).

    Equal roots may be taken to correspond. So the distance of two rows is that of two sequences of
    cells, and one table is left: over the prefixes, in postorder, of what is below both roots.
    There the last subtrees, each a row or a single cell, correspond, or the last node is deleted
    or inserted; a row that goes this way leaves its cells to correspond to cells elsewhere.
    """
    (first_rows, first_kinds), (second_rows, second_kinds) = _coded(first), _coded(second)
    costs = _subtree_distances(first_rows, second_rows, _leaf_distances(first_kinds, second_kinds))
    subtrees, before = _postorder(second_rows, len(second_kinds))
    inserted = np.arange(len(subtrees) + 1.0)

    def next_prefix(without_subtree: Matrix, without_node: Matrix, cost: Matrix) -> Matrix:
        best = without_node + 1
        np.minimum(best[1:], without_subtree[before] + cost[subtrees], out=best[1:])
        prefix: Matrix = np.minimum.accumulate(best - inserted) + inserted
        return prefix

    prefix = inserted
    for number, row in enumerate(first_rows, start=len(first_kinds)):
        without_row = prefix
        for kind in row:
            prefix = next_prefix(prefix, prefix, costs[kind])
        prefix = next_prefix(without_row, prefix, costs[number])
    return float(prefix[-1])


def _postorder(rows: Sequence[Codes], n_kinds: int) -> tuple[Codes, Codes]:
    """Subtrees by their last node, rows numbered after cells, and how many nodes precede each."""
    subtrees: list[int] = []
    before: list[int] = []
    for number, row in enumerate(rows, start=n_kinds):
        start = len(subtrees)
        subtrees += [*row.tolist(), number]
        before += [*range(start, start + len(row)), start]
    return np.array(subtrees, dtype=np.intp), np.array(before, dtype=np.intp)


def _subtree_distances(first: Sequence[Codes], second: Sequence[Codes], leaf: Matrix) -> Matrix:
    """Distances of all subtrees: cells and rows of one down, cells and rows of the other across."""
    to_rows, from_rows = _leaves_to_rows(leaf, second), _leaves_to_rows(leaf.T, first).T
    return np.block([[leaf, to_rows], [from_rows, _row_distances(first, second, leaf)]])


def _leaves_to_rows(leaf: Matrix, rows: Sequence[Codes]) -> Matrix:
    """A cell becomes one of a row's cells, or the `tr` at cost 1; the other nodes are inserted."""
    distances = [len(row) + leaf[:, row].min(axis=1, initial=1.0) for row in rows]
    return np.array(distances).reshape(len(rows), len(leaf)).T


def _row_distances(first: Sequence[Codes], second: Sequence[Codes], leaf: Matrix) -> Matrix:
    """Edit distance of the cells of each row with those of each row, all pairs at a time.

    best[j] is the distance of the first i cells and the first j cells; a pair's distance is read
    where its rows end, and what pads shorter rows comes after that.
    """
    (first_codes, first_ends), (second_codes, second_ends) = _padded(first), _padded(second)
    inserted = np.arange(second_codes.shape[1] + 1.0)[:, None, None]
    best = np.tile(inserted, (1, len(first), len(second)))
    distances = np.tile(second_ends.astype(np.float64), (len(first), 1))
    for i, position in enumerate(first_codes.T, start=1):
        substituted = best[:-1] + leaf[position][:, second_codes].transpose(2, 0, 1)
        np.minimum(best[1:] + 1, substituted, out=best[1:])
        best[0] = i
        best -= inserted
        np.minimum.accumulate(best, axis=0, out=best)
        best += inserted
        ended = first_ends == i
        distances[ended] = best[second_ends, :, np.arange(len(second))].T[ended]
    return distances


def _padded(rows: Sequence[Codes]) -> tuple[Codes, Codes]:
    """Rows of different lengths as one rectangle, and the lengths."""
    lengths = np.array([len(row) for row in rows], dtype=np.intp)
    codes = np.zeros((len(rows), lengths.max(initial=0)), dtype=np.intp)
    for padded, row in zip(codes, rows, strict=True):
        padded[: len(row)] = row
    return codes, lengths


def _leaf_distances(first: Sequence[Leaf], second: Sequence[Leaf]) -> Matrix:
    """1 where spans differ, else Levenshtein distance over the longer length (0 for no texts)."""
    (first_spans, first_texts), (second_spans, second_texts) = _unzipped(first), _unzipped(second)
    edits = cdist(first_texts, second_texts, scorer=Levenshtein.distance, dtype=np.int32)
    letters = np.maximum(_lengths(first_texts)[:, None], _lengths(second_texts))
    distances = np.divide(edits, letters, out=np.zeros(letters.shape), where=letters > 0)
    distances[(first_spans[:, None] != second_spans).any(axis=2)] = 1
    return _rounded(distances)


def _unzipped(leaves: Sequence[Leaf]) -> tuple[Codes, list[str]]:
    spans = np.array([leaf[:2] for leaf in leaves], dtype=np.intp).reshape(len(leaves), 2)
    return spans, [text for *_, text in leaves]


# --- both --------------------------------------------------------------------------------------


def _coded(rows: Sequence[Sequence[Kind]]) -> tuple[list[Codes], list[Kind]]:
    """Numbers for what rows hold, equal things sharing one, and the things by number."""
    numbers: dict[Kind, int] = {}
    coded = [
        np.array([numbers.setdefault(kind, len(numbers)) for kind in row], dtype=np.intp)
        for row in rows
    ]
    return coded, list(numbers)


def _lengths(texts: Sequence[str]) -> Codes:
    return np.array([len(text) for text in texts], dtype=np.intp)


def _rounded(values: Matrix) -> Matrix:
    """To multiples of `GRAIN`, in place: sums up to two million are then exact."""
    values *= 1 / GRAIN
    np.rint(values, out=values)
    values *= GRAIN
    return values
