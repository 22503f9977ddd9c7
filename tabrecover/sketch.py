"""The layout of one table that no template knows, from one look: heads, labels, merged cells.

The rows come as a dump shows them, some of them shorter than others. First the *heads* are told
from the body: rows of words above numbers, and rows below them that have no row label where all
rows of the body have one. Then row labels are guessed by the contrast of words and numbers
(`guess`), and with the labels known, merged cells are redrawn (`drawings`). Several columns of row
labels show by their blanks: where one of them is blank, a label before it or above it reaches over.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.drawings import Drawing, DrawnCell
from tabrecover.guess import guess_labels, is_number, is_words
from tabrecover.heads import count_heads, has_digits, place_heads

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sketch", "sketch"]

MIN_CELLS = 2  # of a row that is aligned; one alone is a section


class Sketch(NamedTuple):
    """Cells in reading order that cover a grid of `shape` (rows, columns).

    `moved` are the rows whose cells were put elsewhere than one behind the other; `packed`: heads
    are among them. `counts` are the given texts that only number rows or columns.
    """

    cells: tuple[DrawnCell, ...]
    shape: tuple[int, int]
    moved: frozenset[int]
    packed: bool
    counts: frozenset[int]


def sketch(rows: Sequence[Sequence[str]], known_heads: int = 0) -> Sketch:
    """The layout of rows of texts, which are numbered through; blanks are empty texts.

    So many rows at the top are known to be heads.
    """
    texts = [text for row in rows for text in row]
    numbered: list[range] = []
    for row in rows:
        start = numbered[-1].stop if numbered else 0
        numbered.append(range(start, start + len(row)))
    drawing = Drawing(numbered, texts, "", 0)
    shown = {at for line in drawing.rows for at in line}
    drawing.drop_counts()
    counts = {at for at in shown.difference(*drawing.rows) if at >= 0}
    kept = [[texts[at] for at in line if at >= 0] for line in drawing.rows]
    heads = count_heads(kept, 0 if counts else known_heads)
    before = [list(line) for line in drawing.rows]
    packed = _spread_heads(drawing, heads)
    _align_short_rows(drawing, heads)
    drawing.labels = _heads_and_sections(drawing, heads)
    repeats = _repeats(drawing)  # a tool that repeats texts does so in the heads
    drawing.redraw(repeats, (), downwards=bool(repeats))
    _merge_stub(drawing, heads)
    drawing.labels = _labels(drawing)
    drawing.redraw(_repeats(drawing) if repeats else (), _open(drawing), downwards=bool(repeats))
    moved = (
        row
        for row, (old, new) in enumerate(zip(before, drawing.rows, strict=True))
        if any(a != b for a, b in zip(old, new, strict=True) if a >= 0 and texts[a])
    )
    return Sketch(drawing.cells(), drawing.shape, frozenset(moved), packed, frozenset(counts))


def _spread_heads(drawing: Drawing, heads: int) -> bool:
    """Put packed heads where they belong, if there are any, and if it can be told."""
    if not _are_packed(drawing, heads):
        return False
    n_rows, width = drawing.shape
    texts = [[drawing.text(row, col) for col in range(width)] for row in range(n_rows)]
    places = place_heads(texts[:heads], texts[heads:], width)
    if places is None:
        return False
    sources = [[at for at in line if at >= 0] for line in drawing.rows[:heads]]
    for own, line in zip(places, sources, strict=True):
        for head, at in zip(own, line, strict=False):
            for row in range(head.row, head.row + head.rowspan):
                drawing.rows[row][head.col : head.col + head.colspan] = [at] * head.colspan
    return True


def _are_packed(drawing: Drawing, heads: int) -> bool:
    """Whether rows of heads end early, and none has a blank before its last text."""
    n_cols = drawing.shape[1]
    filled = [[bool(drawing.text(row, col)) for col in range(n_cols)] for row in range(heads)]
    together = all(sum(row) == n_cols - row[::-1].index(True) for row in filled)
    return heads > 1 and together and not all(map(all, filled))


def _heads_and_sections(drawing: Drawing, heads: int) -> list[str]:
    """By cell, its folded text if it stands in a head, or as the only one at the left of a row."""
    labels = [""] * len(drawing.texts)
    for row, line in enumerate(drawing.rows):
        filled = [at for at in line if at >= 0 and drawing.texts[at]]
        if row < heads or _is_section(drawing, line, filled):
            for at in filled:
                labels[at] = drawing.folded[at]
    return labels


# --- rows that are short because merged cells were left out -------------------------------------


def _align_short_rows(drawing: Drawing, heads: int) -> None:
    """Move the cells of short rows of the body below those of full rows that look like them.

    A row lacks cells at its left, where a label reaches in from above, or behind its own label,
    which reaches over several columns, or at its end.
    """
    full = [line for line in drawing.rows[heads:] if line[-1] >= 0]
    if not full:
        return
    shares = [
        _digit_share([drawing.texts[line[col]] for line in full]) for col in range(len(full[0]))
    ]
    lowered = False  # whether the row above lacks what reaches in from further above
    for row in range(heads, drawing.shape[0]):
        line = drawing.rows[row]
        cells = [at for at in line if at >= 0]
        lacks = len(line) - len(cells)
        if not lacks or len(cells) < MIN_CELLS:
            lowered = lowered or not lacks
            continue
        at_end = _likelihood(drawing, cells, shares)
        inside = _likelihood(drawing, cells[1:], shares[lacks + 1 :])
        inside += _likelihood(drawing, cells[:1], shares)
        if inside <= at_end:
            lowered = False
            continue
        above = drawing.rows[row - 1]
        if lowered and row > heads and above[lacks - 1] != above[lacks]:
            drawing.rows[row] = [*above[:lacks], *cells]
        else:
            drawing.rows[row] = [cells[0]] * lacks + cells
            lowered = False


def _digit_share(texts: Sequence[str]) -> float:
    """The share of texts with digits, by Laplace's rule of succession; blanks say nothing."""
    filled = [text for text in texts if text]
    return (sum(map(has_digits, filled)) + 1) / (len(filled) + 2)


def _likelihood(drawing: Drawing, cells: Sequence[int], shares: Sequence[float]) -> float:
    """The log-likelihood of cells with and without digits in columns with these shares of them."""
    texts = [drawing.texts[at] for at in cells]
    return sum(
        log(share if has_digits(text) else 1 - share)
        for text, share in zip(texts, shares, strict=False)
        if text
    )


# --- columns of row labels ----------------------------------------------------------------------


def _merge_stub(drawing: Drawing, heads: int) -> None:
    """Make labels of several columns of row labels as wide and as high as their blanks show."""
    body = [row for row in range(heads, drawing.shape[0]) if not _is_whole(drawing.rows[row])]
    stub = _stub_width(drawing, body)
    for above, row in zip([-1, *body], body, strict=False):
        line = drawing.rows[row]
        for col in range(stub):
            at = line[col]
            if at >= 0 and drawing.texts[at]:
                drawing.labels[at] = drawing.folded[at]
            elif col and drawing.label(row, col - 1) and not _below(drawing, row, col, stub):
                line[col] = line[col - 1]
            elif above == row - 1 >= heads and _below(drawing, row, col, stub):
                line[col] = drawing.rows[above][col]


def _is_whole(line: Sequence[int]) -> bool:
    """Whether one cell covers the row."""
    return line[0] >= 0 and len(set(line)) == 1


def _below(drawing: Drawing, row: int, col: int, stub: int) -> bool:
    """Whether a label stands further right among the row labels: then the blank is another's."""
    return any(drawing.text(row, other) for other in range(col + 1, stub))


def _stub_width(drawing: Drawing, body: Sequence[int]) -> int:
    """How many columns hold row labels with blanks that belong to their neighbours; or none.

    They hold words only, one of them at least in every row, and numbers follow. Where the first
    is never blank, the others are in most rows; else their blanks may be values that are not there.
    """
    width = drawing.shape[1]
    stub = 0
    while stub < width - 1 and not any(is_number(drawing.text(row, stub)) for row in body):
        stub += 1
    while stub > 1:
        filled = [[bool(drawing.text(row, col)) for col in range(stub)] for row in body]
        blanks = [sum(not row[col] for row in filled) for col in range(stub)]
        nested = blanks[0] > 0 or all(2 * count >= len(filled) for count in blanks[1:])
        if all(map(any, filled)) and all(blanks[1:]) and nested and filled and filled[0][0]:
            return stub
        stub -= 1
    return 0


def _labels(drawing: Drawing) -> list[str]:
    """By cell, its folded text if it is a label, else nothing; those known so far are believed."""
    cells = drawing.cells()
    labels = list(drawing.labels)
    for number in guess_labels(drawing.example()):
        at = cells[number].source
        if at is not None and drawing.texts[at]:
            labels[at] = drawing.folded[at]
    return labels


def _is_section(drawing: Drawing, line: Sequence[int], filled: Sequence[int]) -> bool:
    """Whether words stand alone at the left of a row, or everywhere in it."""
    if not filled or filled[0] != line[0] or not is_words(drawing.texts[line[0]]):
        return False
    everywhere = len(filled) == len(line) and len({drawing.folded[at] for at in filled}) == 1
    return len(filled) == 1 or everywhere


def _repeats(drawing: Drawing) -> set[tuple[int, int]]:
    """Positions of labels that say what another label before them says."""
    n_cols = drawing.shape[1]
    return {
        (row, col)
        for row, line in enumerate(drawing.rows)
        for col in range(1, n_cols)
        if line[col] != line[col - 1]
        and drawing.label(row, col)
        and drawing.label(row, col) == drawing.label(row, col - 1)
    }


def _open(drawing: Drawing) -> set[tuple[int, int]]:
    """Positions for which the dump has nothing."""
    return {
        (row, col) for row, line in enumerate(drawing.rows) for col, at in enumerate(line) if at < 0
    }
