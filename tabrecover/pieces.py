"""Labels cut in pieces by a wrapped column: found line by line and put together.

A column's text that is wrapped inside its column comes out in pieces, with the texts and numbers
of the other columns between them: no contiguous match sees such a label. Its pieces still stand
below each other in order, each from the start of a word. So from every word that begins a label
the rest is looked for in the next lines. Labels share words, so they compete: the one that explains
most characters, less for every break and every line passed over, takes its words first. In
sentences such pieces stand by chance: so a template's labels must be found for a good part, and on
each line labels and pieces must make up a part of what is written. The later pieces of a label are
moved behind its first; nothing else changes its order, and offsets lead back to where every piece
stood.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise, starmap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.fold import codes_of, fold_text, text_of
from tabrecover.lex import BARS
from tabrecover.model import Span
from tabrecover.regions import cell_hits, templates_covered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library
    from tabrecover.model import Document

    Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

__all__ = ["join_pieces"]

MAX_LINES_BETWEEN = 6  # lines with text over which one piece of a label may follow the one before
MIN_LENGTH = 4  # folded characters of a label that is worth putting together
MAX_PIECES = 12
MAX_STARTS = 64  # labels with the same beginning that are tried
BREAK_COST, LINE_COST = 2, 1  # folded characters that a break and a line passed over outweigh
MIN_SHARE = 0.25  # of the letters on a piece's line that belong to labels and pieces
_WORD = re.compile(r"\S+")
_PARTED = re.compile(f"[{BARS}\t]")  # cells that bars or tabs part are not wrapped


class _Word(NamedTuple):
    """A word of the text, its folded form, and the number of its line among those with letters."""

    start: int
    end: int
    form: str
    line: int


_Label = tuple[str, list[Span]]
"""A label's phrase, and its pieces."""


class _Assembly(NamedTuple):
    """A label spelled by runs of words, each on a later line; `cost` orders rivals, best first."""

    cost: int
    at: int
    phrase: str
    runs: tuple[tuple[int, int], ...]


def join_pieces(
    document: Document, folded: Folded, hits: Sequence[Hit], library: Library
) -> Document:
    """The document with labels that stand in pieces put together; the same one if there are none.

    `hits` are the labels that stand whole in the folded text. Time is linear in the text for each
    template that its words may cover.
    """
    if document.kind == "html" or document.cells:
        return document
    finder = _Finder(_words(document.text))
    spelled = finder.assemblies(_sorted_phrases(library))
    phrases = {hit.phrase for hit in hits} | {library.phrase_ids[rival.phrase] for rival in spelled}
    joiner = _Joiner(document.text, folded, hits, library, finder)
    labels = [label for t in templates_covered(phrases, library) for label in joiner.labels_of(t)]
    pieces = [label for label in labels if len(label) > 1]
    return _moved(document, pieces) if pieces else document


class _Joiner:
    """Finds the labels of one template after the other, in what those before have left."""

    def __init__(
        self, text: str, folded: Folded, hits: Sequence[Hit], library: Library, finder: _Finder
    ) -> None:
        self.text = text
        self.library = library
        self.finder = finder
        firsts = folded.origin[[hit.start for hit in hits]].tolist()
        lasts = folded.origin[[hit.end - 1 for hit in hits]].tolist()
        self.whole: dict[int, list[Span]] = defaultdict(list)
        for hit, first, last in zip(hits, firsts, lasts, strict=True):
            self.whole[hit.phrase].append(Span(first, last + 1))
        alone = cell_hits(text, folded, hits, library)
        self.alone = Counter(library.phrases[hit.phrase] for hit in alone)
        self.claimed = _marked(text, ())

    def labels_of(self, template: int) -> list[list[Span]]:
        """A template's labels, whole ones and those in pieces, if they cover enough of it."""
        vocabulary = _vocabulary(self.library, template)
        hits = {n: [h for h in self.whole[n] if self._is_free(h)] for n in vocabulary.numbers}
        whole = _marked(self.text, (hit for n in vocabulary.whole for hit in hits[n]))
        broken = [form for form, number in vocabulary.phrases if self.alone[form] < number]
        chosen = self.finder.choose(broken, whole | self.claimed)
        labels = [(rival.phrase, self.finder.spans(rival)) for rival in chosen]
        labels = _among_labels(self.text, labels, whole)
        seen = {number for number, spans in hits.items() if spans}
        seen |= {self.library.phrase_ids[phrase] for phrase, _ in labels}
        if template not in templates_covered(seen, self.library):
            return []
        spans = [label for _, label in labels]
        self.claimed |= whole | _marked(self.text, chain.from_iterable(spans))
        return spans

    def _is_free(self, hit: Span) -> bool:
        return not self.claimed[slice(*hit)].any()


def _words(text: str) -> list[_Word]:
    """Words with letters or digits on lines without bars or tabs."""
    words: list[_Word] = []
    line = 0
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        lettered = False
        for match in () if _PARTED.search(text, start, end) else _WORD.finditer(text, start, end):
            form = fold_text(match.group())
            if any(map(str.isalnum, form)):
                words.append(_Word(match.start(), match.end(), form, line))
                lettered = lettered or _has_letter(form)
        line += lettered
        start = end + 1
    return words


def _has_letter(form: str) -> bool:
    return any(map(str.isalpha, form))


def _marked(text: str, spans: Iterable[Span]) -> Flags:
    """A flag for each character, and one behind the last: whether a span covers it."""
    edges = np.zeros(len(text) + 1, dtype=np.int32)
    for start, end in spans:
        edges[start] += 1
        edges[end] -= 1
    marked: Flags = np.cumsum(edges) > 0
    return marked


def _among_labels(text: str, labels: list[_Label], whole: Flags) -> list[_Label]:
    """The labels whose pieces all stand on lines of which labels make up a part."""
    if not labels:
        return []
    pieces = (piece for _, label in labels for piece in label)
    of_label = (whole | _marked(text, pieces))[:-1]
    letters = np.fromiter(map(str.isalpha, text), dtype=np.bool_, count=len(text))
    ends = [match.start() for match in re.finditer("\n", text)]
    edges = np.array([0, *ends, len(text)])
    written, own = (
        np.diff(np.concatenate(([0], np.cumsum(chars)))[edges])
        for chars in (letters, letters & of_label)
    )
    good = own >= MIN_SHARE * written
    return [
        (phrase, label)
        for phrase, label in labels
        if all(good[bisect_left(ends, piece.start)] for piece in label)
    ]


class _Vocabulary(NamedTuple):
    """A template's labels: all, those worth putting together, and those in no other one.

    `phrases` are sorted, with the number of their cells; the others are phrase numbers.
    """

    numbers: frozenset[int]
    phrases: list[tuple[str, int]]
    whole: frozenset[int]


@lru_cache(maxsize=256)
def _vocabulary(library: Library, template: int) -> _Vocabulary:
    forms = Counter(form for cell in library.templates[template].cells for form in cell.forms)
    long = sorted(form for form in forms if len(form) >= MIN_LENGTH)
    whole = [form for form in long if sum(form in other for other in forms) == 1]
    ids = library.phrase_ids
    return _Vocabulary(
        frozenset(ids[form] for form in forms),
        [(form, forms[form]) for form in long],
        frozenset(ids[form] for form in whole),
    )


@lru_cache(maxsize=8)
def _sorted_phrases(library: Library) -> list[str]:
    return sorted(phrase for phrase in library.phrases if len(phrase) >= MIN_LENGTH)


class _Finder:
    """Labels spelled by words, none of which may be used twice."""

    def __init__(self, words: Sequence[_Word]) -> None:
        self.words = words
        self.used = np.zeros(len(words), dtype=np.bool_)
        self.starts = np.array([word.start for word in words], dtype=np.int64)
        self.places: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(words):
            self.places[word.form].append(at)
        self.beginnings: dict[str, list[list[int]]] = {}
        self.following: dict[tuple[str, int], int | None] = {}

    def spans(self, rival: _Assembly) -> list[Span]:
        """The pieces of text that spell a label."""
        return [Span(self.words[a].start, self.words[b - 1].end) for a, b in rival.runs]

    def assemblies(self, phrases: Sequence[str]) -> list[_Assembly]:
        """All labels of the sorted `phrases` that unused words spell, whole ones too."""
        return [rival for at in range(len(self.words)) for rival in self._from(at, phrases)]

    def choose(self, phrases: Sequence[str], taken: Flags) -> list[_Assembly]:
        """Labels of the sorted `phrases`, best first, without the words on `taken` characters."""
        self.used = taken[self.starts]
        self.following.clear()
        rivals = self.assemblies(phrases)
        heapify(rivals)
        chosen = []
        while rivals:
            best = heappop(rivals)
            if not any(self.used[start:stop].any() for start, stop in best.runs):
                for start, stop in best.runs:
                    self.used[start:stop] = True
                chosen.append(best)
            elif not self.used[best.at] and (again := self._assemble(best.phrase, best.at)):
                heappush(rivals, again)
        return chosen

    def _from(self, at: int, phrases: Sequence[str]) -> Iterator[_Assembly]:
        """The labels that begin with word `at`."""
        form = self.words[at].form
        first = bisect_left(phrases, form)
        for phrase in phrases[first : first + MAX_STARTS]:
            if not phrase.startswith(form):
                break
            if found := self._assemble(phrase, at):
                yield found

    def _assemble(self, phrase: str, at: int) -> _Assembly | None:
        """`phrase` spelled from word `at` by unused words, the nearest on later lines."""
        stop, rest = self._spell(phrase, at)
        runs = [(at, stop)]
        while rest and stop > at and len(runs) < MAX_PIECES:
            at = self._next_piece(rest, runs[-1])
            stop, rest = self._spell(rest, at)
            runs.append((at, stop))
        if rest or not all(self._is_lettered(run) for run in runs):
            return None
        cost = sum(starmap(self._cost, pairwise(runs))) - len(phrase)
        return _Assembly(cost, runs[0][0], phrase, tuple(runs))

    def _cost(self, run: tuple[int, int], following: tuple[int, int]) -> int:
        """What speaks against going on there: other words between, and lines passed over."""
        if following[0] == run[1]:
            return 0
        passed = self.words[following[0]].line - self.words[run[0]].line - 1
        return BREAK_COST + LINE_COST * passed

    def _is_lettered(self, run: tuple[int, int]) -> bool:
        """Whether a run is more than numbers, which may be values."""
        return any(_has_letter(word.form) for word in self.words[slice(*run)])

    def _spell(self, phrase: str, at: int) -> tuple[int, str]:
        """The word behind the longest run on one line that `phrase` begins with; what is left."""
        stop = at
        while phrase and stop < len(self.words) and not self.used[stop]:
            word = self.words[stop]
            if word.line != self.words[at].line or not phrase.startswith(word.form):
                break
            phrase = phrase[len(word.form) :]
            stop += 1
        return stop, phrase

    def _next_piece(self, rest: str, run: tuple[int, int]) -> int:
        """The first word on the next lines with which `rest` goes on; the number of words: none."""
        line = self.words[run[0]].line
        key = rest, line
        at = self.following.get(key)
        if at is None or (at < len(self.words) and self.used[at]):
            starts = (self._first(places, line) for places in self._places_of(rest))
            at = self.following[key] = min(starts, default=len(self.words))
        return at

    def _places_of(self, rest: str) -> list[list[int]]:
        """The places of each word with which `rest` may go on."""
        if rest not in self.beginnings:
            forms = (rest[:length] for length in range(1, len(rest) + 1))
            self.beginnings[rest] = [self.places[form] for form in forms if form in self.places]
        return self.beginnings[rest]

    def _first(self, places: Sequence[int], line: int) -> int:
        """The first unused place on the lines behind `line`, if it is near."""
        for number in range(bisect_left(places, line + 1, key=self._line), len(places)):
            if self._line(places[number]) > line + MAX_LINES_BETWEEN:
                break
            if not self.used[places[number]]:
                return places[number]
        return len(self.words)

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
    return document.rewritten(text_of(codes_of(document.text)[index]), index)
