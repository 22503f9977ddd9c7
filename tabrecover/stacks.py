"""Tables with one cell per line, whose rows are told by more line ends than their cells.

Such a dump has a hierarchy of separators: so many line ends between cells, more of them between
rows, and again more before and behind the table. A blank cell leaves the separators on both of its
sides. The two counts are read off the gaps of a stretch of short lines: that between cells is the
most frequent, that between rows the one of the longer gaps under which the rows are most alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.blocks import BLANK, Entry, touches
from tabrecover.lex import BARS, CELL_SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document, Span

__all__ = ["CellLine", "Stack", "cell_lines", "find_stacks", "with_blanks"]

MIN_CELLS, MAX_CELLS = 9, 100_000  # of a table: three rows of three
MIN_ROWS = 3
MAX_LENGTH = 60  # characters of a cell; paragraphs are longer
MIN_ALONE = 2  # lines that stand alone below each other end a table
MAX_GAPS = 4  # gap lengths that are tried
USUAL = 0.25  # share of gaps that have the usual length
MAX_BLANKS = 12  # cells without a text in a row
_LINES = re.compile(  # one behind the other, and the end of the one before them
    rf"\n(?:[^\S\n]*+\S[^\n]{{0,{MAX_LENGTH - 1}}}+\n\s*+){{{MIN_CELLS - 2}}}"
)


class Stack(NamedTuple):
    """Rows of entries; plain span. `regular` is the share of gaps that the counts explain."""

    start: int
    end: int
    rows: list[list[Entry]]
    regular: float


class CellLine(NamedTuple):
    """A line that may be a cell: its text's plain span, and how many line ends are before it."""

    start: int
    end: int
    gap: int


def cell_lines(document: Document, covered: Sequence[Span]) -> list[list[CellLine]]:
    """Runs of short lines without bars and tabs, outside the `covered` plain spans."""
    return [] if document.kind == "html" else list(_stretches(document.text, covered))


def _stretches(text: str, covered: Sequence[Span]) -> Iterator[list[CellLine]]:
    """Runs of short lines without bars and tabs.

    Most texts have none, and are searched faster than read.
    """
    starts = [span.start for span in covered]
    at = 0
    while (found := _LINES.search(text, at)) is not None:
        last = found.start()
        while last > at and text[last - 1].isspace():
            last -= 1
        at = max(text.rfind("\n", at, last) + 1, at)
        while at <= found.start() or at < found.end():
            run, at = _run(text, at, covered, starts)
            if len(run) <= MAX_CELLS:
                yield from [run] * (len(run) >= MIN_CELLS)


def _run(
    text: str, at: int, covered: Sequence[Span], starts: Sequence[int]
) -> tuple[list[CellLine], int]:
    """The short lines from a position up to the first other one, and where that ends."""
    run: list[CellLine] = []
    ends = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        own = text[at:end]
        short = own.strip()
        if short.strip(BARS):  # a line of bars only parts cells, as an empty one does
            cell = len(short) <= MAX_LENGTH and not any(c in own for c in CELL_SEPARATORS)
            if not cell or touches(covered, starts, at, end):
                return run, end + 1
            start = at + own.index(short[0])
            run.append(CellLine(start, start + len(short), ends))
        ends = 1 if short.strip(BARS) else ends + 1
        at = end + 1
    return run, at


def with_blanks(text: str, run: Sequence[CellLine]) -> list[Entry]:
    """The cells of a run, blank ones where more line ends than usual are between two of them.

    Usual is the shortest gap that is frequent: where many cells are blank, it need not be the most.
    """
    gaps = Counter(own.gap for own in run[1:])
    frequent = min(USUAL * (len(run) - 1), max(gaps.values()))
    usual = min(gap for gap, count in gaps.items() if count >= frequent)
    entries: list[Entry] = []
    for own in run:
        entries += _blanks((own.gap - usual) // usual if entries else 0)
        entries.append(_entry(text, own))
    return entries


def _blanks(count: int) -> list[Entry]:
    """So many blank cells; none where they would be too many, as between parts of a document."""
    return [BLANK] * (count if count <= MAX_BLANKS else 0)


def _entry(text: str, own: CellLine) -> Entry:
    return Entry(text[own.start : own.end], own.start, own.end)


def find_stacks(text: str, texts: Sequence[CellLine]) -> list[Stack]:
    """The tables of a run of lines, by the row gap under which most cells stand in rows alike."""
    counts = Counter(own.gap for own in texts[1:])
    cell = counts.most_common(1)[0][0]
    longer = Counter({gap: count for gap, count in counts.items() if gap > cell})
    best: tuple[int, list[Stack]] = (0, [])
    for row in sorted(gap for gap, _ in longer.most_common(MAX_GAPS)):
        rows = _rows(text, texts, cell, row)
        found = [_stack(part) for part in _parts(rows) if len(part) >= MIN_ROWS]
        even = sum(map(_even_cells, found))
        if even > best[0]:
            best = even, found
    return best[1]


class _Row(NamedTuple):
    """Entries of a row, and how many of the gaps in and behind it are irregular."""

    entries: list[Entry]
    odd: int


def _rows(text: str, texts: Sequence[CellLine], cell: int, row: int) -> list[_Row]:
    """The texts as rows; line ends beyond those of a cell or a row are those of blank cells."""
    rows: list[_Row] = []
    entries: list[Entry] = []
    odd = 0
    for number, own in enumerate(texts):
        if number:
            blanks, rest = divmod(own.gap - (row if own.gap >= row else cell), cell)
            ends = own.gap >= row
            odd += rest != 0 and not ends
            entries += _blanks(blanks)
            if ends:
                rows.append(_Row(entries, odd))
                entries, odd = [], 0
        entries.append(_entry(text, own))
    return [*rows, _Row(entries, odd)]


def _parts(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Runs of rows, between lines that stand alone below each other."""
    part: list[_Row] = []
    alone: list[_Row] = []
    for row in rows:
        if len(row.entries) == 1:
            alone.append(row)
            continue
        if len(alone) < MIN_ALONE and part:
            part += alone
        elif part:
            yield part
            part = []
        part.append(row)
        alone = []
    if part:
        yield part


def _stack(part: Sequence[_Row]) -> Stack:
    rows = [row.entries for row in part]
    gaps = sum(map(len, rows))
    regular = 1 - sum(row.odd for row in part) / gaps
    return Stack(rows[0][0].start, max(entry.end for entry in rows[-1]), rows, regular)


def _even_cells(stack: Stack) -> int:
    """How many cells stand in rows as wide as another one, at the most."""
    widths = Counter(map(len, stack.rows))
    return max(width * (count - 1) for width, count in widths.items())
