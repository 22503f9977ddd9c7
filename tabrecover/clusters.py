"""Candidates to clusters: the stretches of a document that hold one table each.

Candidates that overlap compete for one stretch. Those that explain most together, none over another
(weighted interval scheduling), are the best of their clusters; the others that are near enough are
their rivals. A cluster reaches out beyond its labels to where the table may begin and end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING

from tabrecover.bounds import over_drawn, over_labels, reach_back, reach_on
from tabrecover.catalog import MAX_RIVALS
from tabrecover.lex import SEPARATORS
from tabrecover.model import Span
from tabrecover.regions import Candidate, cell_hits, find_candidates
from tabrecover.units import LabelSpan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library

__all__ = ["Cluster", "find_clusters"]

RIVAL_SCORE = 0.6  # of the best chain's score: below, a candidate is not worth aligning
BEHIND_NATS = 25.0  # of the best chain, at the most: more than the rest of a document may say
MIN_RIVAL = 0.001  # odds of a template beside the best whose labels include all of its own
WEAK_SCORE = 0.5  # of a neighbour's score: below, a candidate can't end the neighbour's table,
STRONG_NATS = 8.0  # unless it speaks for itself: three or four labels in order
REACH = 4000  # characters beyond the outer label hits in which the rest of a table may lie
REACH_REPEATED = 40_000  # the same where rows are repeated


@dataclass(frozen=True, slots=True)
class Cluster:
    """Candidates for one table: the plain span that it may cover, and their labels in it.

    `seen`: by template, the nats of its labels of which the span has the words, wherever they
    stand. `spaced`: nothing but single spaces parts the labels from each other.
    """

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    labels: tuple[LabelSpan, ...]
    seen: Mapping[int, float]
    spaced: bool


class _Hits:
    """Hits in order, found by their plain places."""

    def __init__(self, folded: Folded, hits: Sequence[Hit]) -> None:
        self.hits = hits
        self.starts = [folded.span(hit.start, hit.end).start for hit in hits]

    def between(self, start: int, stop: int) -> Sequence[Hit]:
        """Those that begin in `[start, stop)`."""
        return self.hits[bisect_left(self.starts, start) : bisect_left(self.starts, stop)]


def find_clusters(
    text: str, folded: Folded, hits: Sequence[Hit], library: Library
) -> list[Cluster]:
    """The clusters of a document in order, disjoint; `hits` are all that its text has."""
    parted = alone = cell_hits(text, folded, hits, library)
    found = find_candidates(folded, alone, library)
    if found and _is_spaced(text, _seeds(folded, found[0])):
        alone = cell_hits(text, folded, hits, library, spaced=True)
        found = find_candidates(folded, alone, library)
    finder = _Finder(text, folded, library, hits, alone, parted)
    clusters: list[Cluster] = []
    groups = _groups(found)
    for number, group in enumerate(groups):
        start, end = folded.span(group[0].start, group[0].end)
        before = clusters[-1].end if clusters else 0
        if start < before:  # inside a table that far more speaks for
            continue
        enough = min(WEAK_SCORE * group[0].score, STRONG_NATS)
        behind = (groups[later][0] for later in range(number + 1, len(groups)))
        after = next((best for best in behind if best.score >= enough), None)
        ceiling = folded.span(after.start, after.end).start if after else len(text)
        clusters.append(finder.cluster(group, Span(start, end), Span(before, ceiling)))
    return clusters


class _Finder:
    """Reaches out from the best of a group to where its table may begin and end.

    `alone` are the hits that candidates are made of, `parted` those that more than a space parts.
    """

    def __init__(
        self,
        text: str,
        folded: Folded,
        library: Library,
        hits: Sequence[Hit],
        alone: Sequence[Hit],
        parted: Sequence[Hit],
    ) -> None:
        self.text = text
        self.folded = folded
        self.library = library
        self.hits = _Hits(folded, hits)
        self.alone = _Hits(folded, alone)
        self.parted = _Hits(folded, parted)

    def cluster(self, group: Sequence[Candidate], core: Span, room: Span) -> Cluster:
        """A group whose best covers `core`, with what belongs to it in `room`."""
        text, library = self.text, self.library
        start = reach_back(text, max(room.start, core.start - REACH), core.start, group, library)
        behind = self.labels(self.alone.between(core.end, room.end), group)
        last = over_labels(text, core.end, behind)
        repeated = any(library.templates[candidate.template].repeated for candidate in group)
        ceiling = min(room.end, last + (REACH_REPEATED if repeated else REACH))
        by_words = _is_spaced(text, _seeds(self.folded, group[0]))
        stop = reach_on(text, last, ceiling, group, library, by_words=by_words)
        if repeated:  # a text of a record may be a label as well, and the last one stand further on
            stop = max(stop, over_drawn(text, last, ceiling))
        labels = self.labels(self.alone.between(start, stop), group)
        others = self.labels(self.parted.between(start, stop), group)
        spaced = any(_is_spaced(text, own) for own in (labels, others))
        inside = self.hits.between(start, stop)
        if spaced:  # words one space away may be values, so look again for labels beside them
            labels = self.labels(cell_hits(text, self.folded, inside, library, spaced=True), group)
        seen = self.seen(self.labels(inside, group), labels, group)
        near = _nearest(group, seen)
        wanted = {candidate.template for candidate in near}
        return Cluster(
            start,
            stop,
            tuple(near),
            tuple(label for label in labels if self.is_of(label.phrase, wanted)),
            {template: nats for template, nats in seen.items() if template in wanted},
            spaced,
        )

    def seen(
        self, words: Sequence[LabelSpan], labels: Sequence[LabelSpan], group: Sequence[Candidate]
    ) -> dict[int, float]:
        """By template the nats of its labels whose `words` are there, not only in other `labels`.

        Where they stand the alignment weighs. A label that it can't place, since other texts run
        into it or it stands out of order, tells a template from one with another label there.
        """
        starts = [label.start for label in labels]
        counts: Counter[int] = Counter()
        for word in words:
            around = bisect_right(starts, word.start) - 1
            if around < 0 or labels[around].end <= word.start or labels[around] == word:
                counts[word.phrase] += 1
        seen: dict[int, set[int]] = {candidate.template: set() for candidate in group}
        for phrase, count in counts.items():
            for template, slots in seen.items():
                places = self.library.places[phrase]
                slots.update([slot for owner, slot in places if owner == template][:count])
        weights = self.library.label_weights
        return {t: sum(weights[t][slot] for slot in slots) for t, slots in seen.items()}

    def labels(self, hits: Sequence[Hit], group: Sequence[Candidate]) -> tuple[LabelSpan, ...]:
        """Label spans, in plain positions, of the group's templates."""
        wanted = {candidate.template for candidate in group}
        return tuple(
            LabelSpan(*self.folded.span(hit.start, hit.end), hit.phrase)
            for hit in hits
            if self.is_of(hit.phrase, wanted)
        )

    def is_of(self, phrase: int, wanted: Collection[int]) -> bool:
        """Whether a phrase is a label of one of these templates."""
        return any(template in wanted for template, _ in self.library.places[phrase])


def _seeds(folded: Folded, candidate: Candidate) -> list[Span]:
    """The plain spans of the hits that a candidate is made of."""
    return [folded.span(seed.hit.start, seed.hit.end) for seed in candidate.seeds]


def _is_spaced(text: str, labels: Sequence[LabelSpan | Span]) -> bool:
    """Whether most labels share their line with the next, with no bar, tab or wide gap between."""
    together = sum(
        "  " not in between and not set(between) & SEPARATORS
        for between in (text[a.end : b.start] for a, b in pairwise(labels))
    )
    return together * 2 > len(labels)


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates by the one that each overlaps of those that explain most, in reading order.

    The first of each group are disjoint, so those that a candidate overlaps are neighbours.
    """
    groups = [[best] for best in _disjoint(candidates)]
    starts = [best.start for best, *_ in groups]
    for candidate in candidates:
        group = groups[bisect_left(starts, candidate.end) - 1]
        if candidate is group[0] or candidate.start >= group[0].end:
            continue
        if len(group) < MAX_RIVALS and _rivals_best(candidate, group[0]):
            group.append(candidate)
    return groups


def _disjoint(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, none over another, that explain most together (weighted interval scheduling).

    Each must be worth a table of its own, or one table would fall into parts.
    """
    ordered = sorted(candidates, key=lambda c: (c.end, -c.score))
    ends = [c.end for c in ordered]
    best = [0.0]
    back: list[int] = []  # how many candidates lie before each
    for number, candidate in enumerate(ordered):
        back.append(bisect_right(ends, candidate.start, hi=number))
        worth = max(candidate.score - STRONG_NATS, MIN_RIVAL * candidate.score)  # above nothing
        best.append(max(best[-1], best[back[-1]] + worth))
    chosen: list[Candidate] = []
    number = len(ordered)
    while number:
        if best[number] > best[number - 1]:
            chosen.append(ordered[number - 1])
            number = back[number - 1]
        else:
            number -= 1
    return chosen[::-1]


def _rivals_best(candidate: Candidate, best: Candidate) -> bool:
    """Whether a candidate is near enough to the best for the same table to be worth aligning."""
    behind = best.score - candidate.score
    if behind > min((1 - RIVAL_SCORE) * best.score, BEHIND_NATS):
        return False
    return _is_near(candidate, best, behind)


def _is_near(candidate: Candidate, best: Candidate, behind: float) -> bool:
    """Whether a candidate, so many nats `behind`, may be better than the best in the end.

    One that explains nothing more must be near, for only values could speak for it. It is not
    if it passes over a label of the best's in its midst: such a stray is as rare as `MIN_RIVAL`.
    """
    own = {seed.hit[:2] for seed in candidate.seeds}
    others = {seed.hit[:2] for seed in best.seeds}
    if not own <= others:
        return True
    passed = any(candidate.start < start < candidate.end for start, _ in others - own)
    return behind <= -log(MIN_RIVAL) and not passed


def _nearest(group: Sequence[Candidate], seen: Mapping[int, float]) -> list[Candidate]:
    """Those of a group that are near the best once all `seen` labels count, by template."""
    totals = [candidate.score + seen[candidate.template] for candidate in group]
    top = max(totals)
    best = group[totals.index(top)]
    return [c for c, total in zip(group, totals, strict=True) if _is_near(c, best, top - total)]
