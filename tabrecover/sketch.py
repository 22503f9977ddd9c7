"""The layout of one table that no template knows, from one look: heads, labels, merged cells.

The rows come as a dump shows them, some of them shorter than others. First the *heads* are told
from the body: rows of words above numbers, and rows below them that have no row label where all
rows of the body have one. Then row labels are guessed by the contrast of words and numbers
(`guess`), and with the labels known, merged cells are redrawn (`drawings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tabrecover.drawings import Drawing
from tabrecover.examples import Example, ExampleCell
from tabrecover.guess import guess_labels, is_number, is_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sketch", "SketchCell", "count_heads", "sketch"]

MAX_HEADS = 20  # rows of heads; more are no heads
LABELLED = 0.8  # of the rows of a body have a row label where a row without one is a head


class SketchCell(NamedTuple):
    """A cell on the grid; `source` is the number of the given text, None where there was none."""

    row: int
    col: int
    rowspan: int
    colspan: int
    label: bool
    source: int | None


class Sketch(NamedTuple):
    """Cells in reading order that cover a grid of `shape` (rows, columns).

    `heads` counts the rows of heads; `moved` are the rows whose cells were put elsewhere than one
    behind the other.
    """

    cells: tuple[SketchCell, ...]
    shape: tuple[int, int]
    heads: int
    moved: frozenset[int]


def sketch(rows: Sequence[Sequence[str]]) -> Sketch:
    """The layout of rows of texts, which are numbered through; blanks are empty texts."""
    texts = [text for row in rows for text in row]
    numbered: list[range] = []
    for row in rows:
        start = numbered[-1].stop if numbered else 0
        numbered.append(range(start, start + len(row)))
    heads = count_heads(rows)
    drawing = Drawing(numbered, texts, "", 0)
    before = [list(line) for line in drawing.rows]
    drawing.labels = _heads_and_sections(drawing, heads)
    drawing.redraw(_repeats(drawing), ())
    drawing.labels = _labels(drawing)
    drawing.redraw(_repeats(drawing), _open(drawing))
    moved = (
        row
        for row, (old, new) in enumerate(zip(before, drawing.rows, strict=True))
        if any(a != b for a, b in zip(old, new, strict=True) if a >= 0 and texts[a])
    )
    return Sketch(_cells(drawing), drawing.shape, heads, frozenset(moved))


def count_heads(rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the top are heads.

    >>> count_heads([["", "Year", ""], ["", "2022", "2023"], ["Beds", "10", "12"]])
    2
    """
    numbers = [row for row, texts in enumerate(rows) if any(map(is_number, texts))]
    last = numbers[-1] if numbers else 0
    heads = 0
    while heads < min(last + 1, MAX_HEADS, len(rows) - 1):
        if not (_is_words(rows[heads], heads) or _is_unlabelled(rows, heads)):
            break
        heads += 1
    return heads


def _is_words(row: Sequence[str], above: int) -> bool:
    """Whether a row has words only, and not just one at its left, as a section has below heads."""
    filled = [col for col, text in enumerate(row) if text]
    if not filled or not all(is_words(row[col]) for col in filled):
        return False
    return len(filled) > 1 or filled[0] > 0 or not above


def _is_unlabelled(rows: Sequence[Sequence[str]], row: int) -> bool:
    """Whether a row lacks the label that rows below it have: it names columns, by years say."""
    width = max(map(len, rows))
    own, below = rows[row], rows[row + 1 :]
    texts = [text for text in own if text]
    short = len(own) < width and row > 0 and is_number(own[0] if own else "")
    if not texts or not (short or not own[0]) or len(set(texts)) < len(texts):
        return False
    if any("." in text or "," in text for text in texts if is_number(text)):
        return False
    labelled = sum(bool(other) and is_words(other[0]) for other in below)
    return len(texts) > 1 and labelled >= LABELLED * len(below)


def _heads_and_sections(drawing: Drawing, heads: int) -> list[str]:
    """By cell, its folded text if it stands in a head, or as the only one at the left of a row."""
    labels = [""] * len(drawing.texts)
    for row, line in enumerate(drawing.rows):
        filled = [at for at in line if at >= 0 and drawing.texts[at]]
        section = len(filled) == 1 and filled[0] == line[0] and is_words(drawing.texts[line[0]])
        if row < heads or section:
            for at in filled:
                labels[at] = drawing.folded[at]
    return labels


def _labels(drawing: Drawing) -> list[str]:
    """By cell, its folded text if it is a label, else nothing; those known so far are believed."""
    cells = _cells(drawing)
    texts = ["" if cell.source is None else drawing.texts[cell.source] for cell in cells]
    given = (
        ExampleCell(*cell[:4], text, cell.label) for cell, text in zip(cells, texts, strict=True)
    )
    labels = list(drawing.labels)
    for number in guess_labels(Example(tuple(given), drawing.shape)):
        at = cells[number].source
        if at is not None and drawing.texts[at]:
            labels[at] = drawing.folded[at]
    return labels


def _repeats(drawing: Drawing) -> set[tuple[int, int]]:
    """Positions of labels that say what the label before them says."""
    n_rows, n_cols = drawing.shape
    return {
        (row, col)
        for row in range(n_rows)
        for col in range(1, n_cols)
        if drawing.label(row, col) and drawing.label(row, col) == drawing.label(row, col - 1)
    }


def _open(drawing: Drawing) -> set[tuple[int, int]]:
    """Positions for which the dump has nothing."""
    return {
        (row, col) for row, line in enumerate(drawing.rows) for col, at in enumerate(line) if at < 0
    }


def _cells(drawing: Drawing) -> tuple[SketchCell, ...]:
    corners: dict[int, tuple[int, int, int, int]] = {}
    cells: list[SketchCell] = []
    for row, line in enumerate(drawing.rows):
        for col, at in enumerate(line):
            if at < 0:
                cells.append(SketchCell(row, col, 1, 1, False, None))
                continue
            top, left, bottom, right = corners.get(at, (row, col, row, col))
            corners[at] = (top, left, max(bottom, row), max(right, col))
    for at, (top, left, bottom, right) in corners.items():
        spans = (bottom - top + 1, right - left + 1)
        cells.append(SketchCell(top, left, *spans, bool(drawing.labels[at]), at))
    return tuple(sorted(cells, key=lambda cell: (cell.row, cell.col)))
