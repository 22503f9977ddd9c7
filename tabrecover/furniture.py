"""Page furniture: numbers and running heads that pages put between the lines of a table.

A page number is a line that comes again on every page, its number one higher. Lines are compared
with their number masked, page with page (Lin 2002, *Header and footer extraction by
page-association*, HPL-2002-129). Pages end at form feeds; where there are none, they show as a
series of numbers that stand as many lines apart as the first stands from the document's beginning.
A line beside the page numbers that says the same each time, and nowhere else from there on, is a
running head; the one of a first page stays, since a table's own heads may come again on every page.
Cells count up as well. So only a series that goes through the whole document is taken, none of
lines with bars or tabs, and unless a running head was the document's title, none between stretches
that are alike line by line, as records are, and of bare numbers only a long one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.fold import codes_of, text_of
from tabrecover.lex import CELL_SEPARATORS
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tabrecover.model import Document

__all__ = ["without_furniture"]

MIN_PAGE, MAX_PAGE = 16, 200  # lines of a page
MAX_HEADS = 3  # lines of a running head
MIN_PAGES, MAX_PAGES = 2, 9999  # numbers in a series
MIN_BARE = 4  # ... of numbers alone; of three, one in 3,000 dumps of tables has some by chance
MIN_NAMED = 3  # ... that words name, at the feet of pages that form feeds part
MAX_BARE = 999  # a number alone; years are greater
MIN_MISSING = 5  # pages of which one may have no number
RECORDS = 0.5  # agreement of stretches beyond chance (Cohen's kappa) from which they are records
BEYOND = 2.5  # standard deviations; so few lines may agree by chance
ALL_ALIKE = 0.8  # agreement by chance
_FEED = "\f"
_NUMBERED = re.compile(r"(\D{0,40})(\d{1,4})(\D{0,40}(?:\d{1,4}\D{0,40})?)")
_PARTS = frozenset(CELL_SEPARATORS)
_LONGEST = 128  # characters, more than such a line has
_SHAPES = (
    (re.compile(r"\d+(?:[.,]\d+)*"), "0"),
    (re.compile(r"[^\W\d_]+(?:\s+[^\W\d_]+)*"), "a"),
)

_Series = Sequence[int]
"""Lines of page numbers."""


def without_furniture(document: Document) -> tuple[Document, tuple[Span, ...]]:
    """The document without its page furniture, and where that stands in its plain text.

    The document is the same one if there is none. Time is linear in its length.
    """
    text = document.text
    if document.kind == "html" or not (_FEED in text or _may_have_pages(text)):
        return document, ()
    lines = _Lines(text)
    every = _of_pages(lines) if len(lines.feeds) else _of_equal_pages(lines)
    furniture = sorted({line for own in every for line in own.lines})
    if not furniture:
        return document, ()
    keep = np.ones(len(text), dtype=bool)
    for line in furniture:
        keep[lines.start(line) : lines.start(line + 1)] = False
    places = np.flatnonzero(keep)
    shown = tuple(lines.span(line) for line in furniture if lines.text(line))
    return document.rewritten(text_of(codes_of(text)[places]), places), shown


class _Numbered(NamedTuple):
    """A line's number (the first of at most two), and what stands around it."""

    before: str
    number: int
    behind: str

    @classmethod
    def of(cls, line: str) -> _Numbered | None:
        match = _NUMBERED.fullmatch(line.strip())
        if match is None or not _PARTS.isdisjoint(line):
            return None
        return cls(match[1].strip(), int(match[2]), match[3].strip())

    def up(self, count: int) -> _Numbered:
        """The one so many pages further on."""
        return self._replace(number=self.number + count)

    @property
    def is_framed(self) -> bool:
        """Whether something is on either side, as in `- 7 -`."""
        return bool(self.before and self.behind)

    @property
    def is_worded(self) -> bool:
        """Whether words are there, or something on either side."""
        return self.is_framed or _has_words(self.before + self.behind)


def _has_words(text: str) -> bool:
    return any(map(str.isalpha, text))


def _shape(line: str) -> str:
    """A line with its words and numbers masked."""
    for pattern, mask in _SHAPES:
        line = pattern.sub(mask, line)
    return line


class _Lines:
    """The lines of a text, and the pages that form feeds part."""

    def __init__(self, text: str) -> None:
        codes = codes_of(text)
        ends = np.flatnonzero((codes == ord("\n")) | (codes == ord(_FEED)))
        self._text = text
        self._starts: npt.NDArray[np.int64] = np.concatenate(([0], ends + 1, [len(text) + 1]))
        self.feeds = np.searchsorted(self._starts, np.flatnonzero(codes == ord(_FEED)) + 1)
        self.count = len(self._starts) - 1

    def start(self, line: int) -> int:
        return int(self._starts[line])

    def text(self, line: int) -> str:
        """Its words, without the spaces around."""
        start, end = self.start(line), self.start(line + 1) - 1
        return self._text[start:end].strip()

    def span(self, line: int) -> Span:
        """Where its words stand."""
        start = self._text.index(self.text(line), self.start(line))
        return Span(start, start + len(self.text(line)))

    def number(self, line: int) -> _Numbered | None:
        short = self.start(line + 1) - self.start(line) < _LONGEST
        return _Numbered.of(self.text(line)) if short else None

    def shapes(self, first: int, stop: int) -> list[str]:
        """Of those lines that hold something, with words and numbers masked."""
        texts = filter(None, map(self.text, range(first, min(stop, self.count))))
        return list(map(_shape, texts))

    def edges(self) -> Iterator[tuple[int, int]]:
        """The first and the last line of each page that shows anything."""
        for first, stop in pairwise([0, *self.feeds.tolist(), self.count]):
            shown = next((line for line in range(first, stop) if self.text(line)), None)
            if shown is not None:
                last = next(line for line in range(stop - 1, first - 1, -1) if self.text(line))
                yield shown, last

    def around(self, series: _Series) -> _Furniture:
        """The lines of a series and the running heads before and behind them."""
        heads: set[int] = set()
        titled = False
        for step in (-1, 1):
            own = self._heads(series, step)
            named = {text for line in own if (text := self.text(line))}
            before = {text for text in named if self._stands_before(text, min(own))}
            titled = titled or bool(before)
            kept = named - before if self._is_first(series[0]) else ()
            heads |= own - {min(line for line in own if self.text(line) == text) for text in kept}
        first_heads = range(series[0] + 1, series[0] + 1 + MAX_HEADS)
        n_heads = sum(line in own for line in first_heads)  # those behind came last
        return _Furniture(frozenset({*series, *heads}), n_heads, titled)

    def _heads(self, series: _Series, step: int) -> set[int]:
        """The lines on this side that go along with the series.

        Empty ones do before words, and those that a form feed has beside it.
        """
        heads: set[int] = set()
        passed: set[int] = set()
        for offset in range(1, MAX_HEADS + 1):
            beside = [line + step * offset for line in series]
            inside = [line for line in beside if 0 <= line < self.count]
            texts = {self.text(line) for line in inside}
            if len(texts) != 1 or len(inside) < max(2, len(series) - 1):
                break
            passed.update(inside)
            text = texts.pop()
            if text and not self._may_be_head(text, inside):
                break
            if text or len(self.feeds):
                heads |= passed
        return heads

    def _may_be_head(self, text: str, inside: Sequence[int]) -> bool:
        """Whether it has words and stands on these lines, and nowhere else from there on.

        Of two copies there must be a third one before.
        """
        first = min(inside)
        is_only = self._text.count(text, self.start(first)) == len(inside)
        enough = len(inside) > MIN_PAGES or self._stands_before(text, first)
        return is_only and enough and _has_words(text)

    def _is_first(self, line: int) -> bool:
        """Whether nothing is before it: then the first copy of a head is not again."""
        return not self._text[: self.start(line)].strip()

    def _stands_before(self, text: str, line: int) -> bool:
        """Whether a line of the first page says the same."""
        return any(self.text(other) == text for other in range(min(line, MAX_PAGE)))


class _Furniture(NamedTuple):
    """Lines of page numbers and running heads; `n_heads`: those behind each number.

    `titled`: a line of the first page says what some head says.
    """

    lines: frozenset[int]
    n_heads: int
    titled: bool


def _of_pages(lines: _Lines) -> Iterator[_Furniture]:
    """Numbers at the same end of all pages; of many, one may have none."""
    if len(lines.feeds) >= MAX_PAGES:
        return
    for side, edges in enumerate(zip(*lines.edges(), strict=True)):
        found: dict[_Numbered, list[int]] = defaultdict(list)
        for page, line in enumerate(edges):
            numbered = lines.number(line)
            if numbered is not None:
                found[numbered.up(-page)].append(line)
        for first, series in found.items():
            missing = int(len(edges) >= MIN_MISSING)
            if len(series) >= max(_enough(first, is_foot=side == 1), len(edges) - missing):
                yield lines.around(series)


def _enough(first: _Numbered, *, is_foot: bool) -> int:
    """How many pages must have such a number; sections may begin on pages of their own as well."""
    if first.is_framed:
        return MIN_PAGES
    if first.is_worded:
        return MIN_NAMED if is_foot else MAX_PAGES
    return MIN_BARE - (first.number == 1) if first.number <= MAX_BARE else MAX_PAGES


def _may_have_pages(text: str) -> bool:
    """Whether the first page's number and the next are there."""
    texts = text.split("\n", 2 * (MAX_PAGE + MAX_HEADS))[: 2 * (MAX_PAGE + MAX_HEADS)]
    numbers = list(map(_Numbered.of, texts))
    return any(
        first + length < len(numbers) and numbers[first + length] == numbered.up(1)
        for first, numbered in enumerate(numbers[:MAX_PAGE])
        if numbered is not None
        for length in _lengths(first)
    )


def _lengths(first: int) -> range:
    """The lengths that pages may have by the line of their first number."""
    return range(max(first + 1, MIN_PAGE), first + 2 + MAX_HEADS)


def _of_equal_pages(lines: _Lines) -> Iterator[_Furniture]:
    """Series through the document with as many lines a page as before their first number."""
    for first in range(min(lines.count, MAX_PAGE)):
        numbered = lines.number(first)
        if numbered is None:
            continue
        for length in _lengths(first):
            series = range(first, lines.count, length)
            if len(series) >= MIN_PAGES and _counts_up(lines, series, numbered):
                own = lines.around(series)
                if own.titled or _are_pages(lines, series, numbered, own.n_heads):
                    yield own


def _counts_up(lines: _Lines, series: _Series, first: _Numbered) -> bool:
    """Whether lines say what the first one says, with a number one higher each."""
    return all(lines.number(line) == first.up(page) for page, line in enumerate(series))


def _are_pages(lines: _Lines, series: _Series, first: _Numbered, n_heads: int) -> bool:
    """Whether lines with the numbers of pages can't be cells; heads stand behind each number."""
    if series[1] - series[0] != series[0] + 1 + n_heads:
        return False
    enough = first.is_worded or (len(series) >= MIN_BARE and first.number <= MAX_BARE)
    return enough and not _are_records(lines, series)


def _are_records(lines: _Lines, series: _Series) -> bool:
    """Whether the first stretches between numbers have the same kinds of lines, in the same order.

    Measured by Cohen's kappa (1960), as agreement beyond that of lines in any order.
    """
    length = series[1] - series[0]
    first, second = (lines.shapes(line + 1, line + length) for line in series[:2])
    pairs = list(zip(first, second, strict=False))
    if not pairs:
        return False
    one, other = zip(*pairs, strict=True)
    observed = sum(a == b for a, b in pairs) / len(pairs)
    counts = Counter(other)
    by_chance = sum(counts[shape] for shape in one) / len(one) ** 2
    if by_chance > ALL_ALIKE:  # then agreement says nothing, but rows are more than one cell a line
        return all(len(shape.split()) == 1 for shape in counts)
    more = observed - by_chance
    deviation = sqrt(by_chance * (1 - by_chance) / len(pairs))
    return bool(more > RECORDS * (1 - by_chance) and more > BEYOND * deviation)
