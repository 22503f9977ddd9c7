"""Lines of text as an eye sees them: which character stands in which column.

How wide a character is drawn differs between tools (one column, or two for East Asian ones), so
whoever reads a drawing takes the measure under which its parts stand best below each other.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.lex import BARS, CROSSINGS
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["STROKES", "Canvas", "Line", "canvases", "lines_of"]

STROKES = "-=_─━═╌┄┈╍"  # that rules are drawn with


class Line(NamedTuple):
    """A line of the text without its line end: half-open."""

    start: int
    end: int


def lines_of(text: str, start: int, stop: int) -> Iterator[Line]:
    """The lines that begin in `[start, stop)`."""
    while start < stop:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield Line(start, end)
        start = end + 1


@lru_cache(maxsize=4096)
def _width(char: str, measure: _Measure) -> int:
    if unicodedata.category(char) in _ON_ANOTHER and char != "\u00ad":
        return 0
    kind = unicodedata.east_asian_width(char)
    if kind in "WF":
        return measure.full if kind == "F" and char.isalnum() else measure.wide
    return measure.ambiguous if kind == "A" and char not in _DRAWN else 1


_DRAWN = frozenset(BARS + CROSSINGS + STROKES)
_ON_ANOTHER = ("Mn", "Me", "Cf")  # drawn on the character before, or not at all


class _Measure(NamedTuple):
    """Columns of a wide character, of an ambiguous one, and of a full-width letter or digit.

    Those may stand for narrow ones, put in their place when the table was drawn already.
    """

    wide: int
    ambiguous: int
    full: int


_MEASURES = (_Measure(2, 1, 2), _Measure(1, 1, 1), _Measure(2, 2, 2), _Measure(2, 1, 1))


class Canvas:
    """Lines as characters at columns, by one measure of widths.

    What has no width stands in the column of the character before it, so that no cut parts them.
    """

    def __init__(self, text: str, lines: Sequence[Line], measure: _Measure) -> None:
        self.text = text
        self.lines = lines
        self.columns: list[Sequence[int]] = []
        for line in lines:
            chars = text[line.start : line.end]
            if chars.isascii() and "\t" not in chars:
                self.columns.append(range(len(chars)))
                continue
            column, columns = 0, list[int]()
            for char in chars:
                width = 8 - column % 8 if char == "\t" else _width(char, measure)
                columns.append(column if width or not columns else columns[-1])
                column += width
            self.columns.append(columns)

    def column(self, number: int, position: int) -> int:
        """The column of the character at a position of the text, or behind the line's last one."""
        columns, at = self.columns[number], position - self.lines[number].start
        if at < len(columns):
            return columns[at]
        return columns[-1] + 1 if columns else 0

    def between(self, number: int, left: int, right: int) -> Span:
        """The characters of a line that start in columns `[left, right)`."""
        columns, line = self.columns[number], self.lines[number]
        first, last = bisect_left(columns, left), bisect_left(columns, right)
        return Span(line.start + first, line.start + last)

    def piece(self, number: int, left: int, right: int) -> Span | None:
        """The same without spaces around it; None if nothing is left."""
        return self._stripped(*self.between(number, left, right))

    def parts(self, number: int, starts: Sequence[int]) -> list[Span | None]:
        """The texts of columns that start there; a word between two is where most of it stands."""
        line, columns = self.lines[number], self.columns[number]
        cuts = [line.start]
        for column in starts[1:]:
            cut = line.start + bisect_left(columns, column)
            first, last = cut, cut
            while first > line.start and not self.text[first - 1].isspace():
                first -= 1
            while last < line.end and not self.text[last].isspace():
                last += 1
            cuts.append(first if last - cut >= cut - first else last)
        return [self._stripped(*cut) for cut in pairwise([*cuts, line.end])]

    def _stripped(self, start: int, end: int) -> Span | None:
        while start < end and self.text[start].isspace():
            start += 1
        while start < end and self.text[end - 1].isspace():
            end -= 1
        return Span(start, end) if start < end else None

    def at(self, number: int, column: int) -> str:
        """The character at a column, or a space."""
        columns = self.columns[number]
        at = bisect_left(columns, column)
        if at == len(columns) or columns[at] != column:
            return " "
        return self.text[self.lines[number].start + at]


def canvases(text: str, lines: Sequence[Line]) -> list[Canvas]:
    """The lines by all measures; by one if that makes no difference."""
    measures = _MEASURES[:1] if text[lines[0].start : lines[-1].end].isascii() else _MEASURES
    return [Canvas(text, lines, measure) for measure in measures]
