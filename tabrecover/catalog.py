"""Thousands of templates, of which a document needs few: found by an index, compiled when needed.

A *sieve* says of most documents that they hold no table at all. In the others one search over all
phrases finds which labels occur; an inverted index gives, for every template, how much of it they
cover, and its labels that are missing. From those that are covered a *shortlist* is taken, the
best first, as long as a template has labels of which not enough better ones speak: rare labels
keep a template in, common ones do not, and of hundreds of near-identical layouts the nearest stay.
The shortlist is a library like any other, so everything behind it costs what it costs with few
templates.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import numpy as np

from tabrecover.index import Index, index_of, joined, ranges
from tabrecover.library import MAX_NATS, Library, automaton_of, check_ids
from tabrecover.regions import MIN_COVERAGE, PASSED_LABEL
from tabrecover.sieve import WHOLE, Sieve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt
    from ahocorasick_rs import AhoCorasick

    from tabrecover.fold import Folded
    from tabrecover.template import Template

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = [
    "MAX_RIVALS",
    "AnyLibrary",
    "Catalog",
    "Entry",
    "Templates",
    "context_nats",
    "few_of",
]

CONTEXT_NATS = 3.0  # log-odds that a context phrase in the document gives its template
FEW_NATS = MAX_NATS  # that a template may miss more than a better one: those of one label
MAX_RIVALS = 6  # templates that compete for one table, and that speak of one label
TIE_NATS = 0.1  # between templates of which no label tells which is better
MAX_KEPT = 100  # templates in a shortlist
MAX_WEIGHED = 1_000  # templates, those of which most was seen, that are weighed
KEPT, KEPT_TEMPLATES = 32, 1000  # shortlists and templates that are kept compiled
NOTHING = Library([])
AnyLibrary: TypeAlias = "Library | Catalog"


class Entry(NamedTuple):
    """What must be known of a template that is not compiled yet."""

    id: str
    context: tuple[str, ...]


class Templates(Protocol):
    """Templates by number; they may be compiled when they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> Template: ...
    def __iter__(self) -> Iterator[Template]: ...


class Catalog:
    """Templates behind an index; immutable."""

    def __init__(self, index: Index, entries: Sequence[Entry], templates: Templates) -> None:
        """Take templates with their index; raises `UsageError` if two share an id."""
        self.index = index
        self.entries = tuple(entries)
        self.templates = templates
        check_ids(entry.id for entry in self.entries)
        self._template = lru_cache(KEPT_TEMPLATES)(self.templates.__getitem__)
        self._libraries: OrderedDict[tuple[int, ...], Library] = OrderedDict()

    def __reduce__(self) -> tuple[type[Catalog], tuple[Index, Sequence[Entry], Templates]]:
        """What goes to another process: nothing that was built on demand."""
        return Catalog, (self.index, self.entries, self.templates)

    @classmethod
    def of(cls, templates: Iterable[Template]) -> Catalog:
        """A catalog of compiled templates; raises `UsageError` if two share an id."""
        library = Library(templates)
        entries = [Entry(t.id, tuple(t.context)) for t in library.templates]
        return cls(index_of(library), entries, library.templates)

    @classmethod
    def joined(cls, catalogs: Sequence[Catalog]) -> Catalog:
        """One catalog of several, in their order; raises `UsageError` if two share an id."""
        return cls(
            joined([catalog.index for catalog in catalogs]),
            list(chain.from_iterable(catalog.entries for catalog in catalogs)),
            _Chained([catalog.templates for catalog in catalogs]),
        )

    @cached_property
    def sieve(self) -> Sieve:
        """Whether a text may hold a table of any template."""
        return Sieve(self.index)

    @cached_property
    def _automaton(self) -> tuple[AhoCorasick, Ints]:
        automaton, searched = automaton_of(self.index.phrases)
        return automaton, np.array(searched, dtype=np.int64)

    def shortlist(self, folded: Folded, raw: str) -> tuple[int, ...]:
        """The numbers of the templates that the document may hold, ascending.

        Time is linear in the text, in the places of the phrases that are found, and in all phrases.
        """
        automaton, searched = self._automaton
        found = automaton.find_matches_as_indexes(folded.text, overlapping=True)
        phrases = searched[np.unique(np.array([n for n, _, _ in found], dtype=np.int64))]
        labels = self._labels(self.index.places(phrases))
        totals = self.index.totals
        own = self._nats(labels)
        tried = np.flatnonzero((own >= WHOLE * MIN_COVERAGE * totals) & (own > 0))
        tried = tried[np.argsort(-own[tried] / totals[tried], kind="stable")[:MAX_WEIGHED]]
        share = self.sieve.shares(folded.text) ** 2
        share[phrases] = 1
        missing = totals[tried] - self._told(tried, share)
        nats = own[tried] - PASSED_LABEL * missing
        nats += [context_nats(self.entries[number].context, raw) for number in tried]
        best = np.lexsort((tried, -nats))
        return self._nearest(tried[best], nats[best], missing[best], labels)

    def _labels(self, places: Ints) -> Ints:
        """The first of the places of each label."""
        _, first = np.unique(self.index.labels(places), return_index=True)
        return places[np.sort(first)]

    def _nats(self, labels: Ints) -> Floats:
        """By template, what these labels tell."""
        templates, weights = self.index.templates[labels], self.index.weights[labels]
        return np.bincount(templates, weights, len(self.index.totals)).astype(np.float64)

    @cached_property
    def _by_template(self) -> Ints:
        """All places, template by template."""
        return np.argsort(self.index.templates, kind="stable")

    def _told(self, templates: Ints, share: Floats) -> Floats:
        """What a template's labels tell, each by the share of its best form that was seen."""
        of = self.index.templates[self._by_template]
        first, behind = np.searchsorted(of, templates), np.searchsorted(of, templates + 1)
        places = self._by_template[ranges(first, behind - first)]
        told = self.index.weights[places] * share[self.index.phrase_of[places]]
        labels = self.index.labels(places)
        order = np.lexsort((told, labels))
        last = np.flatnonzero(np.diff(labels[order], append=-1))  # the most that each label tells
        nats = np.bincount(
            self.index.templates[places][order][last], told[order][last], len(self.index.totals)
        )
        return nats[templates].astype(np.float64)

    def _nearest(
        self, ranked: Ints, nats: Floats, missing: Floats, labels: Ints
    ) -> tuple[int, ...]:
        """Of templates by rank those with enough labels of their own.

        A label is a template's own while of those that it speaks for few are better, and none
        misses far fewer nats. `labels` are those that were seen; `nats` and `missing` go with
        `ranked`.
        """
        of = self.index.templates[labels]
        order = np.argsort(of, kind="stable")
        bounds = np.searchsorted(of[order], [ranked, ranked + 1]).T.tolist()
        _, spoken_of = np.unique(self.index.phrase_of[labels[order]], return_inverse=True)
        phrases: list[int] = spoken_of.tolist()  # lists are faster here, of some labels each
        weights: list[float] = self.index.weights[labels[order]].tolist()
        enough: list[float] = (WHOLE * MIN_COVERAGE * self.index.totals[ranked]).tolist()
        spoken = [0] * len(phrases)
        rivals = [-math.inf] * len(phrases)  # what speaks for the last of those that are enough
        fewest = [math.inf] * len(phrases)  # nats that a kept template misses
        kept: list[int] = []
        for rank, (number, score, lost) in enumerate(
            zip(ranked.tolist(), nats.tolist(), missing.tolist(), strict=True)
        ):
            if len(kept) == MAX_KEPT:
                break
            own = slice(*bounds[rank])
            told = sum(
                weight
                for phrase, weight in zip(phrases[own], weights[own], strict=True)
                if score >= rivals[phrase] - TIE_NATS and lost <= fewest[phrase] + FEW_NATS
            )
            if told >= enough[rank]:
                kept.append(number)
                for phrase in set(phrases[own]):
                    spoken[phrase] += 1
                    if spoken[phrase] == MAX_RIVALS:
                        rivals[phrase] = score
                    fewest[phrase] = min(fewest[phrase], lost)
        return tuple(sorted(kept))

    def library(self, numbers: tuple[int, ...]) -> Library:
        """These templates as a library; the last few are kept."""
        library = self._libraries.pop(numbers, None)
        if library is None:
            library = Library(map(self._template, numbers))
        self._libraries[numbers] = library
        while len(self._libraries) > KEPT:
            self._libraries.popitem(last=False)
        return library


def context_nats(context: Sequence[str], raw: str) -> float:
    """What the phrases of a template's context say for it in a document."""
    return CONTEXT_NATS if any(phrase in raw for phrase in context) else 0.0


class _Chained:
    """Sequences one behind the other, without looking into them."""

    def __init__(self, parts: Sequence[Templates]) -> None:
        self.parts = parts
        self.behind: list[int] = np.cumsum([len(part) for part in parts]).tolist()

    def __len__(self) -> int:
        return self.behind[-1] if self.behind else 0

    def __getitem__(self, number: int) -> Template:
        part = bisect_right(self.behind, number)
        return self.parts[part][number - (self.behind[part - 1] if part else 0)]

    def __iter__(self) -> Iterator[Template]:
        return chain.from_iterable(self.parts)


@lru_cache(maxsize=8)
def _sieve_of(library: Library) -> Sieve:
    return Sieve(index_of(library))


def few_of(library: AnyLibrary, text: str, folded: Folded, raw: str) -> Library:
    """The templates that a document can hold tables of; none if the sieve says so.

    `text` is its plain text, `folded` that text folded (when it is asked for), `raw` the input.
    """
    if isinstance(library, Catalog):
        if not library.sieve.passes(text):
            return NOTHING
        return library.library(library.shortlist(folded, raw))
    return library if _sieve_of(library).passes(text) else NOTHING
