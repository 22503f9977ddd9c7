"""Tables that only spaces draw: columns are where lines below each other have a gap in common.

Page layout analysis calls such gaps *rivers*, and finds them in the projection of all lines on the
horizontal axis: a river is a stretch of it that hardly any line writes on. What a line writes
between two rivers is a cell; what it writes across one is a head or a section that spans columns.
How wide a character is drawn differs between tools, so the measure is taken under which most texts
begin or end below each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.blocks import BLANK, Entry, touches
from tabrecover.canvas import Canvas, Line, canvases, lines_of
from tabrecover.guess import is_number
from tabrecover.lex import CELL_SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document, Span

__all__ = ["Columns", "find_columns"]

MIN_LINES, MAX_LINES = 3, 20_000  # of a table, and of those at once
MAX_WIDTH = 2_000  # characters of a line
NEAR = 4_000  # characters between two gaps of a table
MAX_COLUMNS = 200
WIDER = 1.2  # of the width of a table: as far as its heads may reach
MAX_ABOVE = 3  # lines of heads above the first line that wide gaps part
SINGLE = 8  # lines with one text below each other: sections, or rows without values
MANY = 5  # lines that by chance have no space in common
WRITTEN = 0.1  # of the lines may write on a river
MAX_CLASHES = 0.05  # of the texts stand in a column that holds one already
_WIDE = re.compile(r" {2,}+(?=\S)")
_WORD = re.compile(r"\S+")
_TEXT = re.compile(r"\S+(?:\s\S+)*")


class Columns(NamedTuple):
    """Rows of entries, all of them as wide; plain span.

    `regular` is the share of the texts that stand in one column alone, `straight` that of those
    that begin or end exactly below others.
    """

    start: int
    end: int
    rows: list[list[Entry]]
    regular: float
    straight: float


River = tuple[int, int]  # its columns, half-open


class _Piece(NamedTuple):
    """A text of a line: its columns, half-open, and its plain span."""

    left: int
    right: int
    start: int
    end: int


def find_columns(document: Document, covered: Sequence[Span]) -> list[Columns]:
    """The tables that spaces draw, outside the `covered` plain spans."""
    if document.kind == "html":
        return []
    found: list[Columns] = []
    for lines in _stretches(document.text, covered):
        after = found[-1].end + 1 if found else 0
        above = _above(document.text, lines[0].start, covered, after)
        drawn_lines = [*above, *lines]
        read = (_read(canvas, len(above)) for canvas in canvases(document.text, drawn_lines))
        drawn = [columns for columns in read if columns is not None]
        if drawn:
            found.append(max(drawn, key=lambda columns: (columns.straight, columns.regular)))
    return found


def _stretches(text: str, covered: Sequence[Span]) -> Iterator[list[Line]]:
    """Runs of lines that may be a table, the blank ones left out."""
    starts = [span.start for span in covered]
    for window in _windows(text):
        yield from _runs(text, window, covered, starts)


def _above(text: str, start: int, covered: Sequence[Span], after: int) -> list[Line]:
    """The lines right above a position that may be heads: each with some text, and not too long.

    They begin not before `after`, where the table above ends.
    """
    starts = [span.start for span in covered]
    lines: list[Line] = []
    while start > after and len(lines) < MAX_ABOVE:
        end = start - 1
        start = text.rfind("\n", 0, end) + 1
        own = text[start:end]
        parts = any(mark in own for mark in CELL_SEPARATORS)
        if not own.strip() or len(own) > MAX_WIDTH or parts or touches(covered, starts, start, end):
            break
        lines.insert(0, Line(start, end))
    return lines


def _runs(
    text: str, window: tuple[int, int], covered: Sequence[Span], starts: Sequence[int]
) -> Iterator[list[Line]]:
    run: list[Line] = []
    waiting: list[Line] = []  # single texts behind the run
    parted = blanks = reach = 0
    for line in lines_of(text, *window):
        own = text[line.start : line.end]
        free = not touches(covered, starts, line.start, line.end + 1)
        if free and not own.strip():
            blanks += not own
            free = blanks < 2 or not run
            if free:
                continue
        if free and _is_parted(own):
            run += [*waiting, line]
            waiting, blanks = [], 0
            parted, reach = parted + 1, max(reach, own.rstrip().rfind("  ") + 2)
        elif free and run and len(waiting) < SINGLE and len(own.rstrip()) < reach:
            waiting.append(line)
            blanks = 0
        else:
            if MIN_LINES <= parted <= MAX_LINES:
                yield run
            run, waiting, parted, blanks, reach = [], [], 0, 0, 0
    if MIN_LINES <= parted <= MAX_LINES:
        yield run


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of the text in which enough lines near each other have wide gaps."""
    first = last = count = 0
    for gap in _gaps(text):
        ends = text.count("\n", last, gap) if count and gap - last <= NEAR else SINGLE + 3
        if ends > SINGLE + 2:  # too many lines between them
            if count >= MIN_LINES:
                yield text.rfind("\n", 0, first) + 1, last
            first, count = gap, 0
        last, count = gap, count + (ends > 0)
    if count >= MIN_LINES:
        yield text.rfind("\n", 0, first) + 1, last


def _gaps(text: str) -> Iterator[int]:
    """Where wide gaps between texts begin: two spaces or more, with texts on both sides."""
    at = text.find("  ")
    while at >= 0:
        gap = _WIDE.match(text, at)
        if gap is not None and at and not text[at - 1].isspace():
            yield at
        at = text.find("  ", gap.end() if gap else at + 2)


def _is_parted(line: str) -> bool:
    """Whether a wide gap parts texts of the line, and no bar or tab."""
    own = line.strip()
    return (
        "  " in own and len(line) <= MAX_WIDTH and not any(mark in own for mark in CELL_SEPARATORS)
    )


# --- one table ----------------------------------------------------------------------------------


def _read(canvas: Canvas, above: int) -> Columns | None:
    """The lines as a table; of so many above it, those that stand in its columns are heads."""
    numbers = range(above, len(canvas.lines))
    lines = [_pieces(canvas, number, _TEXT) for number in range(len(canvas.lines))]
    parted = [number for number in numbers if len(lines[number]) > 1]
    counted = [number for number in parted if any(_is_number(canvas, p) for p in lines[number])]
    rivers = _rivers(
        [
            _pieces(canvas, number, _WORD)
            for number in (counted if len(counted) >= MIN_LINES else parted)
        ]
    )
    if not 1 <= len(rivers) < MAX_COLUMNS:
        return None
    edges = _Edges(lines[above:], rivers)
    first_line = above
    while first_line and _is_head(canvas, first_line - 1, rivers, edges):
        first_line -= 1
    rows: list[list[Entry]] = []
    alone = clashes = total = straight = 0
    for number, line in enumerate(lines[first_line:], start=first_line):
        row = [BLANK] * (len(rivers) + 1)
        for piece in (
            part for whole in line for part in _cut(canvas, number, whole, rivers, edges)
        ):
            first, last = _columns_of(piece, rivers)
            taken = bool(row[first].text)
            total, alone, clashes = total + 1, alone + (first == last), clashes + taken
            straight += piece.left == edges.left[first] or piece.right == edges.right[last]
            start = row[first].start if taken else piece.start
            row[first] = Entry(canvas.text[start : piece.end], start, piece.end)
        rows.append(row)
    if clashes > MAX_CLASHES * total:
        return None
    span = canvas.lines[first_line].start, canvas.lines[-1].end
    return Columns(*span, rows, (alone - clashes) / total, straight / total)


def _is_head(canvas: Canvas, number: int, rivers: Sequence[River], edges: _Edges) -> bool:
    """Whether a line above stands in the columns: behind the first, or its words below edges."""
    words = _pieces(canvas, number, _WORD)
    if words[-1].right > WIDER * max(*edges.right, rivers[-1][1]):
        return False
    straight = sum(word.left in edges.left[1:] or word.right in edges.right[1:] for word in words)
    return words[0].left >= rivers[0][0] or straight >= max(len(rivers) / 2, len(words) / 2)


def _is_number(canvas: Canvas, piece: _Piece) -> bool:
    return is_number(canvas.text[piece.start : piece.end])


def _pieces(canvas: Canvas, number: int, kind: re.Pattern[str]) -> list[_Piece]:
    """The words of a line, or its texts, which wide gaps part."""
    line = canvas.lines[number]
    return [
        _piece(canvas, number, match.start(), match.end())
        for match in kind.finditer(canvas.text, line.start, line.end)
    ]


def _piece(canvas: Canvas, number: int, start: int, end: int) -> _Piece:
    return _Piece(canvas.column(number, start), canvas.column(number, end), start, end)


def _rivers(words: Sequence[Sequence[_Piece]]) -> list[River]:
    """Stretches of columns that hardly any line writes on, with words on both sides."""
    width = max((line[-1].right for line in words), default=0)
    written = np.zeros(width + 1, dtype=np.int64)
    for line in words:
        for piece in line:
            written[piece.left] += 1
            written[piece.right] -= 1
    dry = (np.cumsum(written)[:-1] <= int(WRITTEN * len(words))).astype(np.int64)
    steps = np.diff(np.concatenate(([0], dry, [0])))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    narrowest = 1 if len(words) >= MANY else 2  # by chance, a few lines all have a space there
    return [
        (int(a), int(b))
        for a, b in zip(starts, ends, strict=True)
        if a > 0 and b < width and b - a >= narrowest
    ]


class _Edges:
    """Where the texts of each column mostly begin and end."""

    def __init__(self, lines: Sequence[Sequence[_Piece]], rivers: Sequence[River]) -> None:
        lefts: list[Counter[int]] = [Counter() for _ in range(len(rivers) + 1)]
        rights: list[Counter[int]] = [Counter() for _ in range(len(rivers) + 1)]
        for line in lines:
            for piece in line:
                first, last = _columns_of(piece, rivers)
                lefts[first][piece.left] += 1
                rights[last][piece.right] += 1
        self.left = [own.most_common(1)[0][0] if own else -1 for own in lefts]
        self.right = [own.most_common(1)[0][0] if own else -1 for own in rights]


def _columns_of(piece: _Piece, rivers: Sequence[River]) -> tuple[int, int]:
    """The first and the last column that a text stands in; on a river alone, that before it."""
    first = sum(start <= piece.left and end < piece.right for start, end in rivers)
    last = sum(end < piece.right for _, end in rivers)
    return min(first, last), last


def _cut(
    canvas: Canvas, number: int, piece: _Piece, rivers: Sequence[River], edges: _Edges
) -> Iterator[_Piece]:
    """The texts of different columns between which stands one space only, on a river."""
    start = piece.start
    for at, (left, right) in enumerate(rivers):
        if not (piece.left < right and left < piece.right):
            continue
        first, last = canvas.between(number, left, right)
        space = canvas.text.find(" ", max(first, start + 1), min(last, piece.end - 1))
        if space < 0:
            continue
        before, behind = canvas.column(number, space), canvas.column(number, space + 1)
        numbers = is_number(_word_before(canvas.text, space)) and is_number(
            _word_behind(canvas.text, space + 1)
        )
        if numbers or before == edges.right[at] or behind == edges.left[at + 1]:
            yield _piece(canvas, number, start, space)
            start = space + 1
    yield _piece(canvas, number, start, piece.end)


def _word_before(text: str, end: int) -> str:
    start = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end)) + 1
    return text[start:end]


def _word_behind(text: str, start: int) -> str:
    match = _WORD.match(text, start)
    return match.group() if match else ""
