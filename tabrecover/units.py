"""Tokens and label spans to units: the pieces of text that can fill a slot.

A label is one unit however many tokens it was spread over; what is left of its tokens are units
of their own, but a text that clings to a label (a measure in brackets, say) stays with it, and
numbers side by side are one unit each. Between the units stand the gaps that dialect laws read.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.fold import fold_text
from tabrecover.lex import SEPARATORS
from tabrecover.model import Unit
from tabrecover.scoring import UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from tabrecover.model import Token

__all__ = [
    "LEFTOVERS",
    "PERCENT",
    "SPACES",
    "LabelSpan",
    "Units",
    "classify",
    "cut_back_steps",
    "cut_units",
    "is_delimited",
    "is_page_number",
    "leading_values",
    "number_of",
    "plain_number",
]

_GROUPED = r"\d{1,3}(?:[,'’ ]\d{3})+"
_INTEGER = re.compile(rf"[-+−]?(?:{_GROUPED}|\d+)")
_DECIMAL = re.compile(
    rf"[-+−]?(?:(?:{_GROUPED}|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{{1,2}})?(?:\s?[%‰])?"
)
_MARK = re.compile(r"[-/\\—–―−－*×.…·_]{1,6}")
_PAGE_NUMBER = re.compile(r"([-—–―·])\s*\d{1,4}\s*\1")  # as printed at the foot of a page
_GLUED = re.compile(  # numbers and marks run together, and into the words behind them
    r"[\d,./\\%‰—–-]+(?=[^\W\d_]|\Z)"
)
_WORDS = re.compile(r"\S+(?:[^\S\t\r\n][%‰％](?!\S))?")  # with a sign that a space parts
_COLONS = ":："
_PARTING = re.compile(f"[{_COLONS}]|[,;，；](?=[-+−]?\\d)")  # behind a label, before its value
_OPENERS = " (（[【\"'“‘「『〔〈《"
_CLOSERS = ")）]】\"'”’」』〕〉》"
LEFTOVERS = " *＊" + _COLONS + _CLOSERS  # what a label leaves behind where its words are found
_TRIM = " \u3000\xa0:：()（）[]【】\"'“”‘’,，;；、"
PERCENT = frozenset("%‰％")  # signs that may stand by themselves, behind their number
PARTING = frozenset("bTcr")  # gap letters of characters that only part cells
SPACES = frozenset("gso")  # those of spaces, which part words too
MAX_NUMBER = 40  # characters; longer digit strings are identifiers or junk


class LabelSpan(NamedTuple):
    """A label seen in the plain text: its characters and its phrase."""

    start: int
    end: int
    phrase: int


class Units(NamedTuple):
    """Units in reading order and the `len(units) + 1` gaps around them."""

    units: tuple[Unit, ...]
    gaps: tuple[str, ...]


def is_delimited(units: Units) -> bool:
    """Whether most gaps between units have a bar, a tab or a cell end."""
    return 2 * sum(not PARTING.isdisjoint(gap) for gap in units.gaps) >= len(units.gaps)


@lru_cache(maxsize=4096)
def classify(text: str) -> UnitKind:
    """What a piece of text looks like, `LABEL` and `BLANK` aside.

    >>> [classify(t).name for t in ("1,234", "−3.5%", "/", "1. Total")]
    ['INTEGER', 'DECIMAL', 'MARK', 'TEXT']
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if len(plain) > MAX_NUMBER:
        return UnitKind.TEXT
    if _INTEGER.fullmatch(plain):
        return UnitKind.INTEGER
    if _DECIMAL.fullmatch(plain):
        return UnitKind.DECIMAL
    return UnitKind.MARK if _MARK.fullmatch(plain) else UnitKind.TEXT


def is_page_number(text: str) -> bool:
    """Whether a text is a number between strokes, as pages are numbered.

    >>> is_page_number("- 12 -"), is_page_number("-12")
    (True, False)
    """
    return _PAGE_NUMBER.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def number_of(text: str) -> Decimal | None:
    """The number a text states; None for a blank, a mark or words. A percent sign is dropped.

    >>> number_of("1,234.50"), number_of("—")
    (Decimal('1234.50'), None)
    """
    if not text or classify(text) not in (UnitKind.INTEGER, UnitKind.DECIMAL):
        return None
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-").rstrip("%‰")
    try:
        return Decimal(re.sub("[,'’ ]", "", plain))
    except InvalidOperation:
        return None


def plain_number(number: Decimal) -> int | float:
    """The number as JSON has it: whole ones without a fraction."""
    return int(number) if number == number.to_integral_value() else float(number)


def cut_units(
    text: str,
    tokens: Sequence[Token],
    labels: Sequence[LabelSpan],
    *,
    whole_cells: bool = False,
    spaced: bool = False,
) -> Units:
    """Cut tokens into units along `labels` (disjoint, ascending).

    A percent sign alone on a line is that of the number on the line before.
    `whole_cells`: texts between two cell ends are one unit, as in HTML. `spaced`: nothing but
    spaces parts the cells, so every number between words is a unit.
    """
    cutter = _Cutter(text, labels, whole_cells, spaced)
    for token in tokens:
        cutter.feed(token)
    return cutter.finish()


def cut_back_steps(units: Units, starts: npt.NDArray[np.int64]) -> Units:
    """Units cut where the input characters behind them, from `starts` on, step back.

    They do behind a piece that was moved to the rest of its label. Where no label is seen there
    after all, the words on both sides are no one text.
    """
    if not units.units:
        return units
    first = units.units[0].start
    origins = starts[first : units.units[-1].end]
    steps = (np.flatnonzero(np.diff(origins) < 0) + first + 1).tolist()
    if not steps:
        return units
    cut: list[Unit] = []
    gaps = list(units.gaps[:1])
    for unit, gap in zip(units.units, units.gaps[1:], strict=True):
        inside = steps[bisect_right(steps, unit.start) : bisect_left(steps, unit.end)]
        edges = [unit.start, *(inside if unit.label < 0 else ()), unit.end]
        cut += [unit._replace(start=start, end=end) for start, end in pairwise(edges)]
        gaps += [""] * (len(edges) - 2) + [gap]
    return Units(tuple(cut), tuple(gaps))


def _runs(words: Sequence[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Neighbouring words that may be one text; each number alone."""
    run: list[re.Match[str]] = []
    for word in words:
        if run and not _goes_on(run[-1].group(), word.group()):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _goes_on(before: str, behind: str) -> bool:
    """Whether two words may be one text: scripts without spaces between words have none in a text.

    Nor is a space between two digits within one.
    """
    if classify(before) != UnitKind.TEXT or classify(behind) != UnitKind.TEXT:
        return False
    ends = before[-1], behind[0]
    is_wide = any(unicodedata.east_asian_width(char) in "WF" for char in ends)
    return not is_wide and not all(map(str.isnumeric, ends))


class _Cutter:
    def __init__(
        self, text: str, labels: Sequence[LabelSpan], whole_cells: bool, spaced: bool
    ) -> None:
        self.spaced = spaced
        self.text = text
        self.labels = labels
        self.whole_cells = whole_cells
        self.next_label = 0
        self.covered = 0  # end of the label that is being read
        self.units: list[Unit] = []
        self.gaps: list[str] = []
        self.gap = ""

    def feed(self, token: Token) -> None:
        if token.kind != "t":
            if token.end > self.covered:
                self.gap += token.kind
            return
        position = max(token.start, self.covered)
        while self.next_label < len(self.labels):
            label = self.labels[self.next_label]
            if label.start >= token.end:
                break
            self._pieces(position, label.start)
            self._add(Unit(label.start, label.end, label.phrase))
            position = self.covered = label.end
            self.next_label += 1
        if position < token.end:
            self._pieces(position, token.end)

    def finish(self) -> Units:
        self.gaps.append(self.gap)
        return Units(tuple(self.units), tuple(self.gaps))

    def _add(self, unit: Unit) -> None:
        self.units.append(unit)
        self.gaps.append(self.gap)
        self.gap = ""

    def _pieces(self, start: int, end: int) -> None:
        """Units of text without labels: one, or one for each of several numbers."""
        after_label = bool(self.units) and self.units[-1].end == start and not self.gap
        clings = after_label and self.units[-1].label >= 0
        if clings:
            while start < end and self.text[start] in _CLOSERS:
                start += 1
            if (parting := _PARTING.match(self.text, start, end)) is not None:
                start, clings = parting.end(), False  # what follows is the label's value
            if (glued := _GLUED.match(self.text, start, end)) is not None:
                self._add(Unit(start, glued.end()))
                start, clings = glued.end(), False
        while start < end and self.text[end - 1] in _OPENERS:  # of the label that follows
            end -= 1
        start, end = _trim(self.text, start, end)
        if start >= end:
            return
        piece = self.text[start:end]
        if piece in PERCENT and self._ends_number():
            self.units[-1] = self.units[-1]._replace(end=end)
            self.gap = ""
            return
        words = list(_WORDS.finditer(piece))
        is_text = classify(piece) == UnitKind.TEXT
        numbers = all(classify(word.group()) != UnitKind.TEXT for word in words)
        if not is_text and len(words) > 1:  # of one cell, the groups of a number; else numbers
            is_text = not _is_whole_cell(self.text, start, end)
        if is_text and (numbers or self.spaced) and not _PAGE_NUMBER.fullmatch(piece):
            for run in _runs(words):
                self._add(Unit(start + run[0].start(), start + run[-1].end()))
        elif is_text and self._joins(piece, clings):
            self.units[-1] = self.units[-1]._replace(end=end)
            self.gap = ""
        else:
            self._add(Unit(start, end))

    def _ends_number(self) -> bool:
        """Whether the line before ends in a number without a sign, the last unit so far."""
        if self.gap != "e" or not self.units or self.units[-1].label >= 0:
            return False
        last = self.text[self.units[-1].start : self.units[-1].end]
        return number_of(last) is not None and last[-1] not in PERCENT

    def _joins(self, piece: str, clings: bool) -> bool:
        """Whether a text belongs to the unit before it: a label's tail, or the same cell."""
        if not self.units:
            return False
        last = self.units[-1]
        if clings and not any(c.isdigit() for c in piece):
            return len(fold_text(piece)) < last.end - last.start
        same_cell = self.whole_cells and not set(self.gap) & set("crx")
        return same_cell and last.label < 0 and last.start >= self.covered


def _is_whole_cell(text: str, start: int, end: int) -> bool:
    """Whether line ends, bars, tabs or cell ends stand on both sides."""
    before = text[max(0, start - MAX_NUMBER) : start].rstrip(" ")[-1:]
    behind = text[end : end + MAX_NUMBER].lstrip(" ")[:1]
    return (not before or before in SEPARATORS) and (not behind or behind in SEPARATORS)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Drop brackets, quotes and punctuation that a label left behind, unless all is a mark."""
    if classify(text[start:end]) != UnitKind.TEXT:
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        return start, end
    if fold_text(text[start:end]):
        return start, end
    left = text[start:end].strip(_TRIM)
    if not left:
        return end, end
    offset = start + text[start:end].index(left)
    return offset, offset + len(left)


def leading_values(piece: str, *, glued: bool = False) -> tuple[int, int]:
    """How many values a token begins with, and where (in characters of it) they end.

    Brackets and a colon that a label left behind don't count; `1 2 3 words` begins with three.
    `glued`: the token is run into a label, so a number may be run into the words behind it.

    >>> leading_values("）：5 words"), leading_values("5words", glued=True)
    ((1, 3), (1, 1))
    """
    at = len(piece) - len(piece.lstrip(_CLOSERS + _COLONS + " "))
    if glued and (parting := _PARTING.match(piece, at)) is not None:
        at = parting.end()
    if _PAGE_NUMBER.fullmatch(piece[at:]):
        return 0, 0
    count, end = 0, 0
    for word in _WORDS.finditer(piece, at):
        if classify(word.group()) == UnitKind.TEXT:
            if glued and not count and (number := _GLUED.match(word.group())) is not None:
                return 1, word.start() + number.end()
            break
        count, end = count + 1, word.end()
    return count, end
