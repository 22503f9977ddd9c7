"""Region times template: seed, chain, extend on the slot graph.

Symbols (units, empty cells and row ends as the dialect's law reads them) are aligned with slots.
*Anchors* are labels that occur once in the region and once in the template, on the longest
increasing subsequence of their slots; between neighbouring anchors each segment is a small
lattice of its own, solved exactly by forward-backward. Segments that look alike (same kinds of
symbols, same kinds of slots) are solved once. A symbol may be a stray, a slot may show nothing,
a label may be damaged, or be seen only in pieces at the positions that its cell covers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rapidfuzz import fuzz

from tabrecover.fold import fold_text
from tabrecover.library import label_weight
from tabrecover.posterior import decode, forward_backward
from tabrecover.scoring import NEVER, Scoring, UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import classify

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tabrecover.dialects import Law
    from tabrecover.library import Library
    from tabrecover.posterior import Matrix
    from tabrecover.template import Template
    from tabrecover.units import Units

__all__ = ["Alignment", "Placement", "Symbol", "align", "read_symbols"]

MAX_LATTICE = 2_000_000  # symbols times slots of one segment
MIN_SHARE = 1e-4  # placements less probable than this are not kept
MIN_SIMILARITY = 0.6


class Symbol(NamedTuple):
    """What the aligner sees: a unit (by index), or an empty cell or row end (-1)."""

    kind: UnitKind
    unit: int
    form: str  # folded text


class Placement(NamedTuple):
    """A symbol in a slot, with its probability."""

    symbol: int
    probability: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where every symbol went.

    `trace[k]` is the slot of symbol `k` or -1 (a stray); `placements[slot]` what else could be
    there (the rest, up to 1, is that the slot shows nothing); `score` the log-odds of the whole.
    """

    template: Template
    symbols: tuple[Symbol, ...]
    trace: tuple[int, ...]
    placements: dict[int, tuple[Placement, ...]]
    score: float
    anchors: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def read_symbols(text: str, units: Units, law: Law) -> tuple[Symbol, ...]:
    """The region as a sequence of symbols, gaps read by `law`."""
    blank, row_end = Symbol(UnitKind.BLANK, -1, ""), Symbol(UnitKind.ROW_END, -1, "")
    readings = law.read(units.gaps)
    symbols: list[Symbol] = []
    for number, reading in enumerate(readings):
        symbols += [blank if code == "B" else row_end for code in reading]
        if number < len(units.units):
            unit = units.units[number]
            piece = text[unit.start : unit.end]
            kind = UnitKind.LABEL if unit.label >= 0 else classify(piece)
            symbols.append(Symbol(kind, number, fold_text(piece)))
    return tuple(symbols)


def align(
    symbols: Sequence[Symbol],
    phrases: Sequence[int],
    number: int,
    library: Library,
    scoring: Scoring,
) -> Alignment | None:
    """Align symbols with template `number` of `library`; None if it takes too much memory.

    `phrases[k]` is the phrase id of symbol `k` or -1.
    """
    template = library.templates[number]
    kinds = np.array([symbol.kind for symbol in symbols], dtype=np.int64)
    anchors = _anchors(phrases, number, library)
    solver = _Solver(template, symbols, kinds, scoring)
    bounds = [(-1, -1), *anchors, (len(symbols), len(template.slots))]
    for (symbol, slot), (next_symbol, next_slot) in zip(bounds, bounds[1:], strict=False):
        if not solver.solve(symbol + 1, next_symbol, slot + 1, next_slot):
            return None
    for symbol, slot in anchors:
        solver.anchor(symbol, slot)
    return Alignment(
        template, tuple(symbols), tuple(solver.trace), solver.placements, solver.score,
        tuple(anchors),
    )  # fmt: skip


def _anchors(phrases: Sequence[int], number: int, library: Library) -> list[tuple[int, int]]:
    """(symbol, slot) of labels unique in region and template, in consistent order."""
    counts = Counter(phrase for phrase in phrases if phrase >= 0)
    pairs: list[tuple[int, int]] = []
    for symbol, phrase in enumerate(phrases):
        if phrase < 0 or counts[phrase] > 1:
            continue
        slots = [slot for template, slot in library.places[phrase] if template == number]
        if len(slots) == 1:
            pairs.append((symbol, slots[0]))
    taken = Counter(slot for _, slot in pairs)
    return _increasing([pair for pair in pairs if taken[pair[1]] == 1])


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Longest subsequence with increasing slots (patience sorting, O(n log n))."""
    tails: list[int] = []
    tail_index: list[int] = []
    back: list[int] = []
    for k, (_, slot) in enumerate(pairs):
        at = bisect_left(tails, slot)
        back.append(tail_index[at - 1] if at else -1)
        if at == len(tails):
            tails.append(slot)
            tail_index.append(k)
        else:
            tails[at] = slot
            tail_index[at] = k
    chain: list[tuple[int, int]] = []
    k = tail_index[-1] if tail_index else -1
    while k >= 0:
        chain.append(pairs[k])
        k = back[k]
    return chain[::-1]


class _Solver:
    """Solves segments one by one; `trace`, `placements` and `score` grow."""

    def __init__(
        self,
        template: Template,
        symbols: Sequence[Symbol],
        kinds: npt.NDArray[np.int64],
        scoring: Scoring,
    ) -> None:
        self.template = template
        self.symbols = symbols
        self.kinds = kinds
        self.scoring = scoring
        self.slot_kinds = np.array([slot.kind for slot in template.slots], dtype=np.int64)
        self.slot_skips = scoring.skip_slot[self.slot_kinds]
        optional = np.array([s.optional and s.kind <= SlotKind.LABEL for s in template.slots])
        self.slot_skips[optional] = np.log(scoring.optional_absent)
        self.trace = [-1] * len(symbols)
        self.placements: dict[int, tuple[Placement, ...]] = {}
        self.score = 0.0
        self.label_scores: dict[tuple[str, tuple[str, ...], SlotKind], float] = {}
        self.solved: dict[tuple[bytes, bytes, bytes, bool, bool], _Solution] = {}

    def anchor(self, symbol: int, slot: int) -> None:
        self.trace[symbol] = slot
        self.placements[slot] = (Placement(symbol, 1.0),)
        forms = self.template.cells[self.template.slots[slot].cell].forms
        self.score += self.scoring.label_match(1.0, label_weight(forms[0]))

    def solve(self, start: int, stop: int, first: int, last: int) -> bool:
        """Align symbols `[start, stop)` with slots `[first, last)`; False if too large."""
        if (stop - start) * (last - first) > MAX_LATTICE:
            return False
        solution = self._solution(start, stop, first, last)
        self.score += solution.score
        for i, slot in enumerate(solution.slots):
            self.trace[start + i] = first + slot if slot >= 0 else -1
        for j, shares in solution.shares.items():
            self.placements[first + j] = tuple(Placement(start + i, p) for i, p in shares)
        return True

    def _solution(self, start: int, stop: int, first: int, last: int) -> _Solution:
        kinds, slot_kinds = self.kinds[start:stop], self.slot_kinds[first:last]
        ends = (start == 0, stop == len(self.symbols))
        has_text = bool(np.isin(kinds, (UnitKind.TEXT, UnitKind.LABEL)).any())
        skip = self.slot_skips[first:last]
        key = (kinds.tobytes(), slot_kinds.tobytes(), skip.tobytes(), *ends)
        if not has_text and key in self.solved:
            return self.solved[key]
        match = self.scoring.emission[kinds[:, None], slot_kinds[None, :]]
        if has_text:
            self._match_labels(match, start, stop, first, last)
        stray = np.repeat(self.scoring.skip_unit[kinds][:, None], last - first + 1, axis=1)
        if ends[0]:
            stray[:, 0] = 0.0  # what comes before the table is not the table's
        if ends[1]:
            stray[:, -1] = 0.0
        solution = _solve_lattice(match, stray, skip)
        if not has_text:
            self.solved[key] = solution
        return solution

    def _match_labels(self, match: Matrix, start: int, stop: int, first: int, last: int) -> None:
        """Score texts against label slots, and against the positions labels continue at."""
        slots = self.template.slots
        targets = [
            (j, slots[j].kind, self.template.cells[slots[j].cell].forms)
            for j in range(first, last)
            if slots[j].kind in (SlotKind.LABEL, SlotKind.LABEL_CONTINUED)
        ]
        for i in range(start, stop):
            symbol = self.symbols[i]
            if symbol.kind not in (UnitKind.TEXT, UnitKind.LABEL) or not symbol.form:
                continue
            for j, kind, forms in targets:
                key = (symbol.form, forms, kind)
                score = self.label_scores.get(key)
                if score is None:
                    score = _label_score(self.scoring, symbol.form, forms, kind == SlotKind.LABEL)
                    self.label_scores[key] = score
                match[i - start, j - first] = score


def _label_score(scoring: Scoring, form: str, forms: tuple[str, ...], whole: bool) -> float:
    """Log-odds of an observed form in a label slot, or (not `whole`) where a label continues."""
    best = NEVER
    for label in forms:
        weight = label_weight(label)
        if form == label:
            best = max(best, scoring.label_match(1.0, weight))
        elif len(form) > 1 and form in label:
            best = max(best, scoring.label_piece(len(form) / len(label), weight))
        elif (similarity := fuzz.ratio(form, label) / 100) >= MIN_SIMILARITY:
            best = max(best, scoring.label_match(similarity, weight))
    if whole or best == NEVER:
        return best
    return best + scoring.continued_repeat


class _Solution(NamedTuple):
    slots: list[int]  # of each symbol, relative to the segment; -1: a stray
    shares: dict[int, list[tuple[int, float]]]  # by slot: symbols with their probabilities
    score: float


def _solve_lattice(match: Matrix, stray: Matrix, skip: Matrix) -> _Solution:
    probability, score = forward_backward(match, stray, skip)
    shares: dict[int, list[tuple[int, float]]] = {}
    for i, j in np.argwhere(probability > MIN_SHARE).tolist():
        shares.setdefault(j, []).append((i, float(probability[i, j])))
    return _Solution(decode(probability), shares, score)
