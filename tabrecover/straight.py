"""Tables that only spaces draw and that leave nothing open, to declared cells.

As data frames are printed: each column is as wide as its widest text, its texts end below each
other, a merged text is repeated, and at least one space parts two columns. So wherever a wide gap
or the end of a line follows a text, that text ends at the *edge* of a column, and no line writes on
the place behind an edge. Where a single space parts a label from the next, the first ends at an
edge too. One word across an edge, or a number of columns that no template has, and the lines stay
as they are: `columns` and `positions` weigh what such lines say.

Texts that begin below each other, as texts by default do, are read from the other side in tables
of records. In others a label that spans rows may be left away, and what is behind it moved to the
left, where it begins below other columns just as well; and a text may run over columns that its
cell spans. There each text is in the column where it begins, if there are as many such places as
columns, and the labels of a template all stand in theirs.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from tabrecover.canvas import Canvas, Line, canvases, lines_of
from tabrecover.layout import declared
from tabrecover.lex import CELL_SEPARATORS
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from tabrecover.model import Document

__all__ = ["Placing", "straighten"]

MIN_LINES, MAX_LINES = 3, 20_000  # with a wide gap, and of a table
MAX_WIDTH, MAX_CHARACTERS = 2_000, 1_000_000  # of a line, of all lines
MAX_POSITIONS = 500_000  # of one table: its lines times its columns
_PARTS = re.compile(f"[{re.escape(CELL_SEPARATORS)}]")
_BLANK_LINE = re.compile(r"\n(?=[^\S\n]*(?:\n|$))")
_EMPTY_LINE = re.compile(r"\n(?=\n|$)")
_WORD = re.compile(r"\S+")


class _Word(NamedTuple):
    """Characters that no white space parts: their columns, half-open, and their place."""

    left: int
    right: int
    start: int
    end: int

    def mirrored(self) -> _Word:
        """The same word seen from the other side."""
        return _Word(-self.right, -self.left, self.start, self.end)


Placing = Literal["by column", "by cell"]
"""Whether a cell's column is that of the grid, or its number in the row."""

_Rows = list[list[Span]]
_Grid = tuple[Span, _Rows]


def straighten(
    document: Document,
    labels: Sequence[Span],
    widths: Container[int],
    widths_of_records: Container[int],
    placing: Callable[[Sequence[Sequence[str]]], Placing | None] = lambda _: None,
) -> Document:
    """The document with cells for its straight tables that hold labels; itself without any.

    `labels` are the plain spans of labels found, in order; `widths` how many columns a table may
    have, and one of records. `placing`: how the texts of a grid that are labels stand in their
    columns; None if they don't.
    """
    if document.kind == "html":
        return document
    grids = list(_straight(document.text, labels, widths, widths_of_records))
    filled = document.filled
    for span, rows, by_cell in _begun(document.text, labels, placing):
        if all(span.end <= other.start or other.end <= span.start for other, _ in grids):
            grids.append((span, rows))
            filled = filled or by_cell
    return replace(declared(document, sorted(grids)), filled=filled) if grids else document


def _straight(
    text: str,
    labels: Sequence[Span],
    widths: Container[int],
    widths_of_records: Container[int],
) -> Iterator[_Grid]:
    """Paragraphs whose texts end below each other, or those of records that begin so."""
    for lines, own in _paragraphs(text, labels, _BLANK_LINE):
        read = (_read(canvas, own, widths, widths_of_records) for canvas in canvases(text, lines))
        rows = next((rows for rows in read if rows), None)
        if rows:
            yield Span(lines[0].start, lines[-1].end), rows


def _begun(
    text: str,
    labels: Sequence[Span],
    placing: Callable[[Sequence[Sequence[str]]], Placing | None],
) -> Iterator[tuple[Span, _Rows, bool]]:
    """Paragraphs whose texts begin where their columns do, as their labels show; if by cell."""
    for lines, own in _paragraphs(text, labels, _EMPTY_LINE):
        for canvas in canvases(text, lines):
            rows = _by_starts(canvas, own)
            found = rows and placing([[text[slice(*span)] for span in row] for row in rows])
            if rows and found:
                yield Span(lines[0].start, lines[-1].end), rows, found == "by cell"
                break


def _by_starts(canvas: Canvas, labels: Sequence[Span]) -> _Rows | None:
    """The texts of each line in the columns where they begin; None if these are too many.

    A text goes on over single spaces, up to the next label. If it does where a column begins, it
    may be two.
    """
    begun = {start for start, end in labels if not canvas.text[end : end + 1].isalpha()}
    lines: list[list[_Word]] = []
    inside: set[int] = set()
    for number in range(len(canvas.lines)):
        texts: list[_Word] = []
        for word in _words(canvas, number):
            if texts and word.left == texts[-1].right + 1 and word.start not in begun:
                texts[-1] = texts[-1]._replace(right=word.right, end=word.end)
                inside.add(word.left)
            else:
                texts.append(word)
        lines.append(texts)
    starts = sorted({text.left for line in lines for text in line})
    if len(starts) * len(lines) > MAX_POSITIONS or not inside.isdisjoint(starts):
        return None
    rows: _Rows = []
    for line in lines:
        row = [Span(0, 0)] * len(starts)
        for word in line:
            row[bisect_left(starts, word.left)] = Span(word.start, word.end)
        rows.append(row)
    return rows


def _paragraphs(
    text: str, labels: Sequence[Span], between: re.Pattern[str]
) -> Iterator[tuple[list[Line], Sequence[Span]]]:
    """Stretches of lines with texts that hold labels, if wide gaps part enough of them."""
    starts = [label.start for label in labels]
    ends = [match.start() + 1 for match in between.finditer(text)]
    for start, end in pairwise([0, *ends, len(text)]):
        own = labels[bisect_left(starts, start) : bisect_left(starts, end)]
        if not own or end - start > MAX_CHARACTERS or _PARTS.search(text, start, end):
            continue
        lines = [n for n in lines_of(text, start, end) if text[n.start : n.end].strip()]
        parted = sum("  " in text[line.start : line.end].strip() for line in lines)
        widest = max((line.end - line.start for line in lines), default=0)
        if parted >= MIN_LINES and len(lines) <= MAX_LINES and widest <= MAX_WIDTH:
            yield lines, own


def _read(
    canvas: Canvas,
    labels: Sequence[Span],
    widths: Container[int],
    widths_of_records: Container[int],
) -> _Rows | None:
    """The cells of each line, by the right or the left ends of texts; None where any is open."""
    lines = _with_numbers(canvas, [_words(canvas, n) for n in range(len(canvas.lines))])
    if max(map(len, lines)) * len(lines) > MAX_POSITIONS:
        return None
    starts = {label.start for label in labels}
    between = {label.end for label in labels if label.end + 1 in starts}
    numbered = _counts(canvas, lines[0])
    rows = _cells(lines, between, widths, numbered)
    if rows is None:
        mirrored = [[word.mirrored() for word in reversed(line)] for line in lines]
        rows = _cells(mirrored, between, widths_of_records, numbered)
        rows = rows and [row[::-1] for row in rows]
    return rows


def _words(canvas: Canvas, number: int) -> list[_Word]:
    return [
        _Word(canvas.column(number, m.start()), canvas.column(number, m.end()), *m.span())
        for m in _WORD.finditer(canvas.text, *canvas.lines[number])
    ]


def _with_numbers(canvas: Canvas, lines: list[list[_Word]]) -> list[list[_Word]]:
    """The lines with numbers of rows, which begin below each other, as wide as the widest."""
    first = next((k for k, line in enumerate(lines) if line[0].left == 0), len(lines))
    numbers = [line[0] for line in lines[first:]]
    if len(numbers) < MIN_LINES or not _counts(canvas, numbers):
        return lines
    right = max(number.right for number in numbers)
    return [*lines[:first], *([line[0]._replace(right=right), *line[1:]] for line in lines[first:])]


def _counts(canvas: Canvas, words: Sequence[_Word]) -> bool:
    """Whether the words are 0, 1, 2 and so on, as data frames count columns and rows."""
    return all(canvas.text[word.start : word.end] == str(k) for k, word in enumerate(words))


def _cells(
    lines: Sequence[Sequence[_Word]],
    between: Container[int],
    widths: Container[int],
    numbered: bool,
) -> _Rows | None:
    """The cells of columns whose texts end below each other; None if they don't.

    `between` are the places of single spaces that part labels. `numbered`: the first line counts
    columns; its numbers may end beside the edges.
    """
    edges = _edges(lines[numbered:], between)
    crossed = (
        bisect_left(edges, word.left) < bisect_left(edges, word.right)
        for line in lines[numbered:]
        for word in line
    )
    if (
        len(edges) not in widths
        or max(line[-1].right for line in lines) > edges[-1]
        or any(crossed)
    ):
        return None
    rows: _Rows = []
    for line in lines:
        row = [Span(0, 0)] * len(edges)
        for column, words in groupby(line, lambda word: bisect_left(edges, word.right)):
            own = list(words)
            row[column] = Span(min(w.start for w in own), max(w.end for w in own))
        rows.append(row)
    return rows


def _edges(lines: Sequence[Sequence[_Word]], between: Container[int]) -> list[int]:
    """Where columns end: before wide gaps, at line ends, and between two labels."""
    edges = {line[-1].right for line in lines}
    for line in lines:
        for word, after in pairwise(line):
            if after.left > word.right + 1 or min(word.end, after.end) in between:
                edges.add(word.right)
    return sorted(edges)
