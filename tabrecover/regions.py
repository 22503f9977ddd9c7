"""Where could a table be, and of which template: exact label hits, filtered and chained.

A label in a table stands alone: on both sides there is a line end, a bar, a cell end, a wide
gap, a number, or the next label. A label in prose has words or sentence punctuation beside it.
Hits that stand alone are *chained* per template, as seeds are in a seed-chain-extend aligner:
the best-scoring order-preserving path through (hit, slot) pairs, where text that belongs to no
label, labels passed over and hits passed over cost. The chains are local: a table may be cut at
either end, and a document may hold several of one template.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.lex import SEPARATORS
from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library
    from tabrecover.template import Slot, Template

__all__ = ["Candidate", "Seed", "cell_hits", "find_candidates", "may_hold", "reach",
           "templates_covered", "unbroken"]  # fmt: skip

MIN_COVERAGE = 0.4  # of a template's label nats: below, the rest of the form is not there
MIN_SEEDS = 3
MIN_NET = 0.5  # of the nats that must be covered: what may remain after the costs of gaps
WINDOW = 64  # hits that one may pass over at the most
PASSED_HIT = 0.5  # share of its nats that a hit passed over costs
PASSED_LABEL = 0.3  # share of its nats that a label passed over costs
STRANGE_PER_NAT = 16  # folded characters of foreign text that outweigh one nat
TEXT_SLOT_ROOM = 40  # folded characters that a text value may take unpunished
COPIES = 50  # of repeated rows whose text values may do so
MAX_MEASURE = 3  # letters of what a number is measured in
MAX_SIGNS = 8  # signs and marks between a label and the digits that they are run into

_CLOSERS = frozenset(":：()（）[]【】〔〕{}「」『』<>《》〈〉\"'“”‘’*＊")
_NUMERIC = frozenset("+-−/－.,％%—–")
_STROKES = frozenset("-−/－—–")  # a mark for "none" may run into a label
_MARKS_ALONE = re.compile(r"^[ \t]*(?:[-/\\—–―−－*×…·_]{1,6}[ \t]*)++$", re.MULTILINE)
_NUMBER_AND_END = re.compile(r"(\d+)[ \t]*[\r\n]")
_JOINERS = frozenset(".．,，·'’-−－–")  # between digits they make one number, date or range


class Seed(NamedTuple):
    """A hit taken for a slot."""

    hit: Hit
    slot: int


class Candidate(NamedTuple):
    """A stretch of the folded stream that may be a table of one template.

    `score` is the chain's, in nats; `coverage` the share of the template's label nats seen.
    """

    template: int
    seeds: tuple[Seed, ...]
    score: float
    coverage: float

    @property
    def start(self) -> int:
        """Where the first hit begins."""
        return self.seeds[0].hit.start

    @property
    def end(self) -> int:
        """Where the last hit ends."""
        return self.seeds[-1].hit.end


def templates_covered(phrases: Iterable[int], library: Library) -> list[int]:
    """The templates of which these phrases cover enough, the most convincing first."""
    seen: dict[int, set[int]] = {}
    for phrase in phrases:
        for template, slot in library.places[phrase]:
            seen.setdefault(template, set()).add(slot)
    scores = {}
    for template, slots in seen.items():
        weights = library.label_weights[template]
        total, own = sum(weights.values()), sum(weights[slot] for slot in slots)
        if own >= MIN_COVERAGE * total:
            scores[template] = own - PASSED_LABEL * (total - own)
    return sorted(scores, key=lambda template: (-scores[template], template))


def may_hold(hits: Sequence[Hit], library: Library) -> bool:
    """Whether the phrases that occur at all cover enough of some template; a cheap first answer."""
    return bool(templates_covered({hit.phrase for hit in hits}, library))


def unbroken(text: str, folded: Folded, hits: Sequence[Hit]) -> list[Hit]:
    """The hits that take in no value: folding lets labels reach over line ends and marks.

    No line of marks goes through them (those are a row's values for "none"), and they do not begin
    with a number at the end of a line that is followed by another label.
    """
    if not hits:
        return []
    starts = folded.origin[[hit.start for hit in hits]]
    lasts = folded.origin[[hit.end - 1 for hit in hits]]
    marks = np.array([alone.end() for alone in _MARKS_ALONE.finditer(text)], dtype=np.int64)
    whole = (np.searchsorted(marks, starts) == np.searchsorted(marks, lasts)).tolist()
    spans = {(hit.start, hit.end) for hit in hits}
    kept = []
    for hit, start, is_whole in zip(hits, starts.tolist(), whole, strict=True):
        number = _NUMBER_AND_END.match(text, start)
        digits = number.end(1) - start if number else 0
        if is_whole and not (digits and (hit.start + digits, hit.end) in spans):
            kept.append(hit)
    return kept


def cell_hits(
    text: str, folded: Folded, hits: Sequence[Hit], library: Library, *, spaced: bool = False
) -> list[Hit]:
    """The hits that stand alone in `text`, longest first where they overlap.

    Hits of the same template may stand side by side. `spaced`: one space is enough between a
    hit and other words, as where a whole table is on one line.
    """
    owners = [{template for template, _ in library.places[hit.phrase]} for hit in hits]
    starting: dict[int, set[int]] = {}
    ending: dict[int, set[int]] = {}
    for hit, templates in zip(hits, owners, strict=True):
        starting.setdefault(hit.start, set()).update(templates)
        ending.setdefault(hit.end, set()).update(templates)
    sides: list[_Sides] = []
    for hit, templates in zip(hits, owners, strict=True):
        start, end = folded.span(hit.start, hit.end)
        before = not templates.isdisjoint(ending.get(hit.start, ()))
        behind = not templates.isdisjoint(starting.get(hit.end, ()))
        if (
            not _is_measure(text, start, end)
            and _ends_alone(text, start - 1, -1, before, spaced)
            and _ends_alone(text, end, 1, behind, spaced)
            and (
                not _cuts_number(text, start) or _follows_run(text, folded, hit, templates, ending)
            )
            and not _cuts_number(text, end)
        ):
            sides.append(_Sides(hit, templates, _cuts_word(text, start), _cuts_word(text, end)))
    return _longest([own.hit for own in _held_up(sides)])


class _Sides(NamedTuple):
    """A hit with its templates, and whether it begins and ends in the midst of a word."""

    hit: Hit
    templates: set[int]
    before: bool
    behind: bool


def _held_up(sides: Sequence[_Sides]) -> list[_Sides]:
    """Hits that cut no word, and those that other ones go on with, of the same template.

    All are supposed to be there; one that falls takes along those that lean on it.
    """
    starting: dict[int, Counter[int]] = defaultdict(Counter)
    ending: dict[int, Counter[int]] = defaultdict(Counter)
    leaning: dict[int, list[int]] = defaultdict(list)  # by the place where they need a neighbour
    for number, (hit, templates, before, behind) in enumerate(sides):
        starting[hit.start].update(templates)
        ending[hit.end].update(templates)
        if before:
            leaning[hit.start].append(number)
        if behind:
            leaning[hit.end].append(number)
    fallen = bytearray(len(sides))
    to_see = list(range(len(sides)))
    while to_see:
        number = to_see.pop()
        hit, templates, before, behind = sides[number]
        if fallen[number] or (
            (not before or any(ending[hit.start][template] for template in templates))
            and (not behind or any(starting[hit.end][template] for template in templates))
        ):
            continue
        fallen[number] = True
        starting[hit.start].subtract(templates)
        ending[hit.end].subtract(templates)
        to_see += [*leaning[hit.start], *leaning[hit.end]]
    return [own for own, is_fallen in zip(sides, fallen, strict=True) if not is_fallen]


def _cuts_word(text: str, at: int) -> bool:
    """Whether a cut here goes through a word: between two letters, the second of them small."""
    return 0 < at < len(text) and text[at - 1].isalpha() and text[at].islower()


def _cuts_number(text: str, at: int) -> bool:
    """Whether a cut here goes through a number or a date: `1|2`, `3|.5`, `1,|234`."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if right in _JOINERS:
        return left.isdigit() and _digit_at(text, at + 1)
    if left in _JOINERS:
        return right.isdigit() and _digit_at(text, at - 2)
    return left.isdigit() and right.isdigit()


def _follows_run(
    text: str,
    folded: Folded,
    hit: Hit,
    templates: set[int],
    ending: Mapping[int, set[int]],
) -> bool:
    """Whether digits between a label and this one, of a number and words, may be values.

    Nothing parts them, as where all texts of a page are run together.
    """
    at, end = folded.span(hit.start, hit.end)
    if not any(map(str.isalpha, text[at:end])):
        return False
    start = at
    while start and text[start - 1].isdigit():
        start -= 1
    return not templates.isdisjoint(ending.get(hit.start - (at - start), ()))


def _ends_alone(text: str, position: int, step: int, meets_hit: bool, spaced: bool) -> bool:
    """Whether the text beyond one end of a hit separates it from its neighbourhood."""
    spaces = 0
    while 0 <= position < len(text):
        char = text[position]
        if char in SEPARATORS:
            return True
        if char.isspace():
            spaces += 1
            if spaces > 1 or spaced:
                return True
        elif char in _CLOSERS:
            spaces = 0
        else:
            if char.isdigit() or (
                char in _NUMERIC and (spaces or _is_run_into(text, position, step))
            ):
                return True
            return _is_struck_out(text, position, step) or (meets_hit and char.isalnum())
        position += step
    return True


def _is_run_into(text: str, position: int, step: int) -> bool:
    """Whether signs and marks at a place stand beside a digit, with nothing between."""
    for _ in range(MAX_SIGNS):
        position += step
        if not 0 <= position < len(text) or text[position] not in _NUMERIC:
            break
    return _digit_at(text, position)


def _is_measure(text: str, start: int, end: int) -> bool:
    """Whether a few Latin letters follow a number after a space, as its unit does: `1.5 mm`."""
    return (
        end - start <= MAX_MEASURE
        and text[start:end].isascii()
        and start > 1
        and text[start - 1] == " "
        and text[start - 2].isdigit()
    )


def _is_struck_out(text: str, position: int, step: int) -> bool:
    """Whether marks for "none" begin at a place, with nothing but them up to a space."""
    for _ in range(MAX_SIGNS):
        if not 0 <= position < len(text) or text[position] not in _STROKES:
            break
        position += step
    else:
        return False
    return _space_at(text, position)


def _space_at(text: str, position: int) -> bool:
    return not 0 <= position < len(text) or text[position].isspace()


def _digit_at(text: str, position: int) -> bool:
    return 0 <= position < len(text) and text[position].isdigit()


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
        elif hit.end - hit.start > kept[-1].end - kept[-1].start:
            kept[-1] = hit
    return kept


def find_candidates(folded: Folded, hits: Sequence[Hit], library: Library) -> list[Candidate]:
    """Chains of hits that cover enough of a template, best first; they may overlap.

    `hits` as `cell_hits` gives them. Time is linear in their number for each template.
    """
    if not hits:
        return []
    strange = _strange_text(folded, hits)
    by_template: dict[int, list[Seed]] = {}
    for hit in _without_repeats(hits):
        for template, slot in library.places[hit.phrase]:
            by_template.setdefault(template, []).append(Seed(hit, slot))
    candidates = []
    for number, seeds in by_template.items():
        weights = library.label_weights[number]
        enough = MIN_COVERAGE * sum(weights.values())
        if sum(weights[slot] for slot in {seed.slot for seed in seeds}) < enough:
            continue
        chainer = _Chainer(library.templates[number], weights, seeds, strange)
        candidates += [
            Candidate(number, chain, score, covered / sum(weights.values()))
            for chain, score, covered in chainer.chains(enough)
        ]
    return sorted(candidates, key=lambda c: -c.score)


def _without_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """One hit for a label that is repeated side by side, as over the columns it spanned."""
    merged: list[Hit] = []
    for hit in hits:
        if merged and merged[-1].phrase == hit.phrase and merged[-1].end == hit.start:
            merged[-1] = merged[-1]._replace(end=hit.end)
        else:
            merged.append(hit)
    return merged


def _strange_text(
    folded: Folded, hits: Sequence[Hit]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Running count of folded characters that are neither digits nor part of a hit."""
    codes = folded.codes
    strange = (codes < ord("0")) | (codes > ord("9"))
    for hit in hits:
        strange[hit.start : hit.end] = False
    return np.concatenate(([0], np.cumsum(strange)))


def reach(template: Template, weights: Mapping[int, float]) -> float:
    """The most strange characters that a chain can span: beyond, they outweigh all labels."""
    room = sum(_room(template, slot) for slot in template.slots)
    return STRANGE_PER_NAT * sum(weights.values()) + room


def _room(template: Template, slot: Slot) -> int:
    """Folded characters that the values of a slot may take unpunished."""
    if slot.kind != SlotKind.TEXT:
        return 0
    inside = any(slot.row in group.rows for group in template.repeated)
    return TEXT_SLOT_ROOM * (COPIES if inside else 1)


class _Chainer:
    """Best chains of one template's seeds: `best[k]` is the score of the best that ends in k."""

    def __init__(
        self,
        template: Template,
        weights: dict[int, float],
        seeds: Sequence[Seed],
        strange: np.ndarray[tuple[int], np.dtype[np.int64]],
    ) -> None:
        self.seeds = seeds
        self.weight = weights
        nats = (weights.get(number, 0.0) for number in range(len(template.slots)))
        self.labels_before = [0.0, *accumulate(nats)]
        rooms = (_room(template, slot) for slot in template.slots)
        self.room_before = [0, *accumulate(rooms)]
        self.strange_before = [int(strange[seed.hit.start]) for seed in seeds]
        self.strange_after = [int(strange[seed.hit.end]) for seed in seeds]
        self.best: list[float] = []
        self.back: list[int] = []
        for k in range(len(seeds)):
            self._extend(k)

    def _extend(self, k: int) -> None:
        """Link seed `k` to its best predecessor.

        What is passed over only grows with distance: where even the best chain would be worth less
        with it than what was found, the search is over.
        """
        hit, slot = self.seeds[k]
        first = max(0, k - WINDOW)
        most = max(self.best[first:k], default=0.0)
        labels, room = self.labels_before[slot], self.room_before[slot]
        strange = self.strange_before[k]
        best, back, passed, last_hit = 0.0, -1, 0.0, hit
        for p in range(k - 1, first - 1, -1):
            other, other_slot = self.seeds[p]
            if other is not last_hit:
                if last_hit is not hit:
                    passed += PASSED_HIT * self.weight[self.seeds[p + 1].slot]
                last_hit = other
            if most - passed <= best:
                break
            score = self.best[p] - passed
            if other_slot >= slot or score <= best or other.end > hit.start:
                continue
            alien = strange - self.strange_after[p] - room + self.room_before[other_slot]
            score -= max(0, alien) / STRANGE_PER_NAT
            score -= PASSED_LABEL * (labels - self.labels_before[other_slot + 1])
            if score > best:
                best, back = score, p
        self.best.append(best + self.weight[slot])
        self.back.append(back)

    def chains(self, enough: float) -> list[tuple[tuple[Seed, ...], float, float]]:
        """Disjoint chains that cover `enough` label nats, best first: seeds, score, nats."""
        used = bytearray(len(self.seeds))
        result = []
        ends = [k for k, score in enumerate(self.best) if score >= enough * MIN_NET]
        for end in sorted(ends, key=lambda k: -self.best[k]):
            path = [end]
            while not used[path[-1]] and self.back[path[-1]] >= 0:
                path.append(self.back[path[-1]])
            if used[path[-1]]:
                continue
            seeds = tuple(self.seeds[k] for k in reversed(path))
            covered = sum(self.weight[seed.slot] for seed in seeds)
            if covered >= enough and len(seeds) >= min(MIN_SEEDS, len(self.weight)):
                used[path[-1] : end + 1] = b"\1" * (end + 1 - path[-1])
                result.append((seeds, self.best[end], covered))
        return result
