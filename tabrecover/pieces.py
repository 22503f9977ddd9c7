"""Labels cut in pieces by a wrapped column: found line by line and put together.

A column's text that is wrapped inside its column comes out in pieces, with the texts and numbers
of the other columns between them: no contiguous match sees such a label. Its pieces still stand
below each other in order, each from the start of a word. So from every word that begins a label
the rest is looked for in the next lines (a greedy match against the sorted labels), and the later
pieces of a complete label are moved behind its first. In sentences such pieces stand by chance: so
on each line, labels and pieces must make up a part of what is written. Nothing else changes its
order, and offsets lead back to where every piece stood.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.fold import fold_text
from tabrecover.lex import BARS
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library
    from tabrecover.model import Document

__all__ = ["join_pieces"]

MAX_LINES_BETWEEN = 6  # lines with text over which one piece of a label may follow the one before
MIN_LENGTH = 4  # folded characters of a label that is worth putting together
MAX_PIECES = 12
MAX_STARTS = 64  # labels with the same beginning that are tried
MIN_SHARE = 0.25  # of the letters on a piece's line that belong to labels and pieces
_WORD = re.compile(r"\S+")
_PARTED = re.compile(f"[{BARS}\t]")  # cells that bars or tabs part are not wrapped


class _Word(NamedTuple):
    """A word of the text, its folded form, and the number of its line among those with text."""

    start: int
    end: int
    form: str
    line: int


def join_pieces(
    document: Document, folded: Folded, hits: Sequence[Hit], library: Library
) -> Document:
    """The document with labels that stand in pieces put together; the same one if there are none.

    `hits` are the labels that stand whole in the folded text; what they cover is no piece. Time
    is linear in the text for a library of given size.
    """
    if document.kind == "html" or document.cells:
        return document
    whole = np.zeros(len(document.text) + 1, dtype=np.int32)
    long = [hit for hit in hits if hit.end - hit.start >= MIN_LENGTH]
    np.add.at(whole, folded.origin[[hit.start for hit in long]], 1)
    np.add.at(whole, folded.origin[[hit.end - 1 for hit in long]] + 1, -1)
    taken = (np.cumsum(whole) > 0)[:-1]
    words = _words(document.text, taken)
    finder = _Finder(words, library)
    found = [pieces for at in range(len(words)) if (pieces := finder.label_from(at))]
    found = _among_labels(document.text, found, taken) if found else []
    return _moved(document, found) if found else document


def _words(text: str, taken: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[_Word]:
    """Words with letters, not `taken`, on lines without bars or tabs; numbers are values."""
    words: list[_Word] = []
    line = 0
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        before = len(words)
        for match in () if _PARTED.search(text, start, end) else _WORD.finditer(text, start, end):
            form = "" if taken[match.start()] else fold_text(match.group())
            if any(char.isalpha() for char in form):
                words.append(_Word(match.start(), match.end(), form, line))
        line += len(words) > before
        start = end + 1
    return words


def _among_labels(
    text: str, labels: Sequence[list[Span]], taken: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> list[list[Span]]:
    """The labels whose pieces all stand on lines of which labels make up a part."""
    of_label = taken.copy()
    for piece in chain.from_iterable(labels):
        of_label[slice(*piece)] = True
    letters = np.fromiter(map(str.isalpha, text), dtype=np.bool_, count=len(text))
    ends = [match.start() for match in re.finditer("\n", text)]
    edges = np.array([0, *ends, len(text)])
    written, own = (
        np.diff(np.concatenate(([0], np.cumsum(chars)))[edges])
        for chars in (letters, letters & of_label)
    )
    good = own >= MIN_SHARE * written
    return [
        label for label in labels if all(good[bisect_left(ends, piece.start)] for piece in label)
    ]


@lru_cache(maxsize=8)
def _sorted_phrases(library: Library) -> list[str]:
    return sorted(phrase for phrase in library.phrases if len(phrase) >= MIN_LENGTH)


class _Finder:
    def __init__(self, words: Sequence[_Word], library: Library) -> None:
        self.words = words
        self.phrases = _sorted_phrases(library)
        self.used: set[int] = set()
        self.places: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(words):
            self.places[word.form].append(at)
        self.beginnings: dict[str, list[list[int]]] = {}
        self.following: dict[tuple[str, int], int | None] = {}

    def label_from(self, at: int) -> list[Span]:
        """The pieces of the label that begins with word `at`; none if it is whole, or no label."""
        if at in self.used:
            return []
        best: list[tuple[int, int]] = []
        form = self.words[at].form
        first = bisect_left(self.phrases, form)
        for phrase in self.phrases[first : first + MAX_STARTS]:
            if not phrase.startswith(form):
                break
            runs = self._runs(phrase, at)
            if len(runs) == 1:  # it stands in one piece
                return []
            if runs and (not best or len(runs) < len(best)):
                best = runs
        self.used.update(at for start, stop in best for at in range(start, stop))
        return [Span(self.words[a].start, self.words[b - 1].end) for a, b in best]

    def _runs(self, phrase: str, at: int) -> list[tuple[int, int]]:
        """Runs of words that spell `phrase` from word `at`, each on a later line; none if none."""
        stop, rest = self._spell(phrase, at)
        runs = [(at, stop)]
        while rest:
            if len(runs) == MAX_PIECES:
                return []
            following = self._next_piece(rest, runs[-1])
            if following is None:
                return []
            stop, rest = self._spell(rest, following)
            runs.append((following, stop))
        return runs

    def _spell(self, phrase: str, at: int) -> tuple[int, str]:
        """The word behind the longest run on one line that `phrase` begins with; what is left."""
        line = self.words[at].line
        while at < len(self.words) and phrase:
            word = self.words[at]
            if word.line != line or not phrase.startswith(word.form) or at in self.used:
                break
            phrase = phrase[len(word.form) :]
            at += 1
        return at, phrase

    def _next_piece(self, rest: str, run: tuple[int, int]) -> int | None:
        """The first word on the next lines with which `rest` goes on."""
        line = self.words[run[0]].line
        key = rest, line
        if key not in self.following or self.following[key] in self.used:
            starts = (self._first(places, line) for places in self._places_of(rest))
            self.following[key] = min((at for at in starts if at is not None), default=None)
        return self.following[key]

    def _places_of(self, rest: str) -> list[list[int]]:
        """The places of each word with which `rest` may go on."""
        if rest not in self.beginnings:
            forms = (rest[:length] for length in range(1, len(rest) + 1))
            self.beginnings[rest] = [self.places[form] for form in forms if form in self.places]
        return self.beginnings[rest]

    def _first(self, places: Sequence[int], line: int) -> int | None:
        """The first unused place on the lines behind `line`, if it is near."""
        for number in range(bisect_left(places, line + 1, key=self._line), len(places)):
            if self._line(places[number]) > line + MAX_LINES_BETWEEN:
                break
            if places[number] not in self.used:
                return places[number]
        return None

    def _line(self, at: int) -> int:
        return self.words[at].line


def _moved(document: Document, labels: Sequence[Sequence[Span]]) -> Document:
    """The text with the later pieces of each label behind its first piece."""
    follow = {pieces[0].end: pieces[1:] for pieces in labels}
    gone = sorted(piece for pieces in labels for piece in pieces[1:])
    cuts = sorted({*follow, *(edge for piece in gone for edge in piece)})
    order: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    moved = set(gone)
    position = 0
    for cut in [*cuts, len(document.text)]:
        if Span(position, cut) not in moved:
            order.append(np.arange(position, cut, dtype=np.int64))
            order += [np.arange(*piece, dtype=np.int64) for piece in follow.get(cut, ())]
        position = cut
    index = np.concatenate(order)
    codes = np.frombuffer(document.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    starts = index if document.starts is None else document.starts[index]
    ends = index + 1 if document.ends is None else document.ends[index]
    text = codes[index].tobytes().decode("utf-32-le", "surrogatepass")
    return replace(document, text=text, starts=starts, ends=ends)
