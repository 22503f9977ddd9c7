"""Region times template: seed, chain, extend on the slot graph.

Symbols (units, empty cells and row ends as the dialect's law reads them) are aligned with slots.
Between neighbouring anchors (`anchors`) each segment is a small lattice of its own, solved exactly
by forward-backward. Segments that look alike (same kinds of symbols, same kinds of slots) are
solved once. A symbol may be a stray, a slot may show nothing, a row may be left out, a label may be
damaged, or be seen only in pieces at the positions that its cell covers. Segments that stay open
are weighed once more, all together, by the template's sums (`sums`).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from tabrecover.anchors import find_anchors
from tabrecover.errors import UsageError
from tabrecover.fillings import Lattice, Way
from tabrecover.library import label_weight
from tabrecover.looks import log_odds
from tabrecover.positions import Extent, Positions, learn
from tabrecover.posterior import (
    Margins,
    Matrix,
    decode,
    forward,
    forward_backward,
    log_total,
    margins,
    total_of,
)
from tabrecover.profiles import Profiles, shape_of
from tabrecover.scoring import NEVER, Scoring, UnitKind
from tabrecover.sums import (
    VALUE_LOST,
    OpenSegment,
    Weighed,
    amount_of,
    scaled,
    weigh,
)
from tabrecover.symbols import with_numbering
from tabrecover.template import ANY_LABEL, SlotKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tabrecover.library import Library
    from tabrecover.symbols import Symbol
    from tabrecover.template import Copies, Template

__all__ = [
    "NOTHING",
    "Aligner",
    "Alignment",
    "MoveScores",
    "Placement",
    "holds_values",
    "move_scores",
]

Mask = npt.NDArray[np.bool_]
_Key = tuple[bytes, bytes, bytes, bytes, bool, bool]
_Shares = dict[int, list[tuple[int, float, float]]]  # by slot, as `Placement`, within a segment

BELIEVED = 10  # texts that what is expected of a table's texts weighs as much as
MAX_LEFT_OUT = 4  # rows in one segment, of which any may be left out
MAX_PLACES = 16  # in one segment, of rows that the template lacks behind one that ends in blanks
MAX_LATTICE = 2_000_000  # symbols times slots of one segment
MAX_KEPT = 10_000  # the same of a segment whose lattice is kept from scoring to aligning
WORST_MARGIN = -12.0  # nats; placements further behind the best are not kept
MIN_SIMILARITY = 0.6
UNPROVEN = 0.8  # most that the look of other rows makes of a placement
ROUNDS = 2  # in which the columns of records learn what their cells look like
_WORDS = (UnitKind.TEXT, UnitKind.LABEL)


class Placement(NamedTuple):
    """A symbol in a slot: its probability, and its margin (see `posterior.margins`)."""

    symbol: int
    probability: float
    margin: float


NOTHING = -1  # the symbol of a placement that says the slot is empty


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where every symbol went.

    `trace[k]` is the slot of symbol `k` or -1 (a stray); `placements[slot]` all that could be
    there, `NOTHING` included, with probabilities that add up to 1 (but for what is negligible);
    `score` the log-odds of the whole.
    """

    template: Template
    symbols: tuple[Symbol, ...]
    trace: tuple[int, ...]
    placements: dict[int, tuple[Placement, ...]]
    score: float
    anchors: tuple[tuple[int, int], ...] = field(default=(), repr=False)


class Aligner:
    """One template and the symbols of one region: how well they fit, and where every symbol goes.

    What the score has worked out about small segments is kept for the alignment.
    """

    def __init__(
        self, solver: _Solver, anchors: list[tuple[int, int]], alike: Callable[[], list[int]]
    ) -> None:
        self._solver = solver
        self._anchors = anchors
        self._alike = alike
        n_slots = len(solver.template.slots)
        self._segments = list(_segments(anchors, len(solver.symbols), n_slots))

    @classmethod
    def of(
        cls,
        symbols: Sequence[Symbol],
        phrases: Sequence[int],
        number: int,
        library: Library,
        scoring: Scoring,
        copies: Copies = (),
    ) -> Aligner:
        """Take template `number` of `library`; `phrases[k]`: the phrase of symbol `k`, or -1.

        Its groups of repeated rows are there so many times as `copies` says.
        """
        template = library.templates[number]
        anchors = [
            (symbol, template.slot_unrolled(slot, copies))
            for symbol, slot in find_anchors(phrases, number, library)
        ]
        solver = _Solver(template.unrolled(copies), symbols, scoring, anchors)
        return cls(solver, anchors, partial(_columns_alike, template, copies))

    @property
    def template(self) -> Template:
        """The template with its copies of repeated rows."""
        return self._solver.template

    def with_rows(self, below: Sequence[int]) -> Aligner:
        """The same symbols, and the template with a row more below each of these, in order."""
        template, anchors, alike = self._solver.template, self._anchors, self._alike
        width = template.n_cols + 1
        for shift, row in enumerate(below):
            first = (row + shift + 1) * width
            template = template.with_row(row + shift)
            anchors = [(k, slot + width * (slot >= first)) for k, slot in anchors]
            alike = partial(_with_row, alike, first, width)
        solver = self._solver
        return Aligner(_Solver(template, solver.symbols, solver.scoring, anchors), anchors, alike)

    def score(self) -> float | None:
        """The score that `align` will give, at a fraction of its cost; None if it can't be done."""
        solver = self._solver
        if any(segment.size > MAX_LATTICE for segment in self._segments):
            return None
        score = sum(solver.segment_score(segment) for segment in self._segments)
        return score + sum(solver.anchor_score(slot) for _, slot in self._anchors)

    def align(
        self, texts: Sequence[str] | None = None, where: Sequence[Extent] | None = None
    ) -> Alignment:
        """Align the symbols with the template; once.

        With the units' `texts`, sums weigh what the order of symbols leaves open; `where` they
        stand in their lines draws them to columns. Raises `UsageError` if a segment is too
        large, which `score` tells before.
        """
        solver, anchors = self._solver, self._anchors
        if where is not None:
            solver.learn_positions(anchors, where)
        rivals = [solver.solve(segment) for segment in self._segments]
        if texts is not None and (alike := self._alike()):
            before = dict(solver.placements)
            for _ in range(ROUNDS):
                if not solver.learn_profiles(texts, alike):
                    break
                rivals = [solver.solve(segment) for segment in self._segments]
            else:
                solver.doubt_unproven(before)
        for symbol, slot in anchors:
            solver.anchor(symbol, slot)
        if (
            texts is not None
            and solver.template.instances
            and max(rivals, default=-math.inf) > -math.inf
        ):
            solver.weigh_sums(self._segments, rivals, texts)
        if texts is not None:
            solver.take_out_foreign(texts)
        return Alignment(
            solver.template, tuple(solver.symbols), tuple(solver.trace), solver.placements,
            solver.score, tuple(anchors),
        )  # fmt: skip


def _columns_alike(template: Template, copies: Copies) -> list[int]:
    """By slot of the unrolled template, the number of its place in a record; -1 outside of them.

    Empty for a template without records.
    """
    if not template.repeated:
        return []
    width = template.n_cols + 1
    alike = [-1] * len(template.unrolled(copies).slots)
    moved = 0  # rows
    for group, times in zip(template.repeated, copies, strict=True):
        size = len(group.rows) * width
        start = (group.first + moved) * width
        for number in range(times * size):
            if template.slots[group.first * width + number % size].kind <= SlotKind.TEXT:
                alike[start + number] = group.first * width + number % size
        moved += (times - 1) * len(group.rows)
    return alike


def _with_row(alike: Callable[[], list[int]], first: int, width: int) -> list[int]:
    """The numbers of `_columns_alike` where a row of so many slots begins at slot `first`."""
    found = alike()
    return [*found[:first], *[-1] * width, *found[first:]] if found else found


class MoveScores(NamedTuple):
    """Log-odds of the chosen moves: by symbol (match or stray), and by slot (left empty)."""

    symbols: dict[int, float]
    slots: dict[int, float]


def move_scores(alignment: Alignment, scoring: Scoring) -> MoveScores:
    """The score of every move of the alignment's trace, by kinds and labels.

    What positions in the line and the look of other rows add is not in it.
    """
    symbols, template = alignment.symbols, alignment.template
    solver = _Solver(template, symbols, scoring, alignment.anchors)
    found = MoveScores({}, {})
    for symbol, slot in alignment.anchors:
        found.symbols[symbol] = solver.anchor_score(slot)
    for segment in _segments(alignment.anchors, len(symbols), len(template.slots)):
        match, stray, skip, behind = solver._lattice(segment)
        prices = () if behind is None else -np.diff(behind)
        last = max((k for k, slot in enumerate(alignment.trace) if slot >= 0), default=-1)
        reached = 0
        for i, symbol in enumerate(range(segment.start, segment.stop)):
            slot = alignment.trace[symbol]
            if slot < 0:
                is_behind = behind is not None and symbol > last
                found.symbols[symbol] = float(prices[i] if is_behind else stray[i, reached])
                continue
            reached = slot - segment.first + 1
            found.symbols[symbol] = float(match[i, reached - 1])
        taken = set(alignment.trace[segment.start : segment.stop])
        for slot in range(segment.first, segment.last):
            if slot not in taken:
                found.slots[slot] = float(skip[slot - segment.first])
    return found


def holds_values(alignment: Alignment) -> bool:
    """Whether any value slot took a unit or an empty cell that the dump shows, and any slot a text.

    Empty cells alone may be anything, and stand nowhere.
    """
    return _places_values(alignment.template, alignment.symbols, alignment.trace)


def _places_values(template: Template, symbols: Sequence[Symbol], trace: Sequence[int]) -> bool:
    placed = [(symbols[k], template.slots[slot].kind) for k, slot in enumerate(trace) if slot >= 0]
    return any(symbol.unit >= 0 for symbol, _ in placed) and any(
        kind <= SlotKind.TEXT and symbol.kind != UnitKind.ROW_END for symbol, kind in placed
    )


def _is_value(kind: int) -> bool:
    """Whether a slot is a value's, or a position that one covers."""
    return kind <= SlotKind.TEXT or kind == SlotKind.VALUE_CONTINUED


class _Segment(NamedTuple):
    """Symbols `[start, stop)` between two anchors, and slots `[first, last)`."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def size(self) -> int:
        return (self.stop - self.start) * (self.last - self.first)


def _segments(
    anchors: Sequence[tuple[int, int]], n_symbols: int, n_slots: int
) -> Iterator[_Segment]:
    """What lies between neighbouring anchors, where anything does."""
    bounds = [(-1, -1), *anchors, (n_symbols, n_slots)]
    for (symbol, slot), (next_symbol, next_slot) in itertools.pairwise(bounds):
        if next_symbol > symbol + 1 or next_slot > slot + 1:
            yield _Segment(symbol + 1, next_symbol, slot + 1, next_slot)


class _Solver:
    """Solves segments one by one; `trace`, `placements` and `score` grow."""

    def __init__(
        self,
        template: Template,
        symbols: Sequence[Symbol],
        scoring: Scoring,
        anchors: Sequence[tuple[int, int]],
    ) -> None:
        if scoring.rows_shown and symbols:
            symbols = with_numbering(symbols, template)
        self.template = template
        self.symbols = symbols
        self.scoring = scoring
        self.kinds = np.array([symbol.kind for symbol in symbols], dtype=np.int64)
        numbers = template.number_forms
        self.spelled = [s.kind in _WORDS or s.form in numbers for s in symbols]
        self.texts_before = [0, *itertools.accumulate(self.spelled)]
        self.slot_kinds = template.slot_kinds
        self.slot_skips = scoring.skip_slot[self.slot_kinds]
        self.optional = _still_optional(template, anchors)
        self.slot_skips[self.optional] = np.log(scoring.optional_absent)
        if scoring.rows_shown:  # the document may end with the last row
            self.slot_skips[-1] = np.log(scoring.last_row_end_lost)
        self.looks = _look_odds(scoring, symbols, template)
        self.sentences = np.array([symbol.is_sentence for symbol in symbols], dtype=bool)
        self.sentence_odds = _sentence_odds(scoring, symbols, anchors)
        self.has_optional = bool(self.optional.any())
        self.positions: Positions | None = None
        self.profiles: Profiles | None = None
        self.trace = [-1] * len(symbols)
        self.placements: dict[int, tuple[Placement, ...]] = {}
        self.score = 0.0
        self.label_scores: dict[tuple[str, tuple[str, ...], int], float] = {}
        self.solved: dict[_Key, _Solution] = {}
        self.scored: dict[_Key, float] = {}
        self.prepared: dict[_Key | _Segment, _Prepared] = {}

    def learn_positions(self, anchors: Sequence[tuple[int, int]], where: Sequence[Extent]) -> None:
        """From here on, texts are drawn to the columns that they stand below."""
        units = [symbol.unit for symbol in self.symbols]
        kinds: list[int] = self.kinds.tolist()
        self.positions = learn(self.template, kinds, units, anchors, where)
        self.prepared.clear()

    def learn_profiles(self, texts: Sequence[str], columns: Sequence[int]) -> bool:
        """From here on, texts are drawn to the columns of their like; whether there are any.

        `columns` has a number for each slot of rows that are alike, -1 for the others.
        """
        if self.profiles is None:
            shapes = [shape_of(texts[s.unit]) if self._is_shaped(s) else None for s in self.symbols]
            profiles = Profiles(shapes, columns)
            if not profiles.fits:
                return False
            self.profiles = profiles
        self.profiles.learn(
            {
                slot: [(placement.symbol, placement.probability) for placement in placed]
                for slot, placed in self.placements.items()
            }
        )
        self.prepared.clear()
        self.solved.clear()
        self.score = 0.0
        return True

    def doubt_unproven(self, before: Mapping[int, Sequence[Placement]]) -> None:
        """Leave a doubt where nothing but the look of other rows speaks for a placement.

        That is a good reason to place a text, and none to be sure: where a dump cuts cells in
        pieces, or in another order, its rows are alike as well.
        """
        for slot, placed in self.placements.items():
            known = {p.symbol: p.probability for p in before.get(slot, ())}
            self.placements[slot] = tuple(
                [
                    p._replace(
                        probability=min(p.probability, max(UNPROVEN, known.get(p.symbol, 0)))
                    )
                    for p in placed
                ]
            )

    @staticmethod
    def _is_shaped(symbol: Symbol) -> bool:
        return symbol.unit >= 0 and symbol.kind not in (UnitKind.LABEL, UnitKind.NUMBERING)

    def anchor_score(self, slot: int) -> float:
        forms = self.template.cells[self.template.slots[slot].cell].forms
        return self.scoring.label_match(1.0, label_weight(forms[0]))

    def anchor(self, symbol: int, slot: int) -> None:
        self.trace[symbol] = slot
        self.placements[slot] = (Placement(symbol, 1.0, 0.0),)
        self.score += self.anchor_score(slot)

    def segment_score(self, segment: _Segment) -> float:
        key = self._key(segment)
        score = self.scored.get(key) if key else None
        if score is None:
            lattice, reached = self._prepare(segment)
            score = total_of(reached, lattice.behind)
            for other, _, prior in self._short_of_rows(segment, lattice):
                score = float(np.logaddexp(score, prior + log_total(*other)))
            if key:
                self.scored[key] = score
        return score

    def solve(self, segment: _Segment) -> float:
        """Place the segment's symbols; gives how far the nearest rival of a value is behind."""
        if segment.size > MAX_LATTICE:
            raise UsageError("the region is too large to be aligned")
        key = self._key(segment)
        solution = self.solved.get(key) if key else None
        if solution is None:
            values = np.flatnonzero(self.slot_kinds[segment.first : segment.last] <= SlotKind.TEXT)
            prepared = self._prepare(segment)
            short = self._short_of_rows(segment, prepared.lattice)
            more = self._with_row_behind_blanks(segment, prepared.lattice)
            solution = _solve_lattice(prepared, list(short), list(more), values)
            if key:
                self.solved[key] = solution
        self.score += solution.score
        self._place(segment, solution)
        return solution.rival

    def _place(self, segment: _Segment, solution: _Solution) -> None:
        start, first = segment.start, segment.first
        for i, slot in enumerate(solution.slots):
            self.trace[start + i] = first + slot if slot >= 0 else -1
        for j, shares in solution.shares.items():
            self.placements[first + j] = tuple(
                [
                    Placement(symbol if symbol == NOTHING else start + symbol, p, margin)
                    for symbol, p, margin in shares
                ]
            )

    def weigh_sums(
        self, segments: Sequence[_Segment], rivals: Sequence[float], texts: Sequence[str]
    ) -> None:
        """Place the symbols of open segments anew, as the template's sums have it."""
        open_segments = [
            (segment, rival)
            for segment, rival in zip(segments, rivals, strict=True)
            if rival > -math.inf
        ]
        found = weigh(
            self.template,
            self.trace,
            scaled([self._amount(symbol, texts) for symbol in self.symbols]),
            [self._text(symbol, texts) for symbol in self.symbols],
            [self._opened(segment, rival) for segment, rival in open_segments],
            self._share_lost(),
        )
        trace, placements = list(self.trace), dict(self.placements)
        for number, weighed in found.items():
            self._place_weighed(open_segments[number][0], weighed)
        if not _places_values(self.template, self.symbols, self.trace):
            self.trace, self.placements = trace, placements  # no sum speaks for an empty table

    def _place_weighed(self, segment: _Segment, weighed: Weighed) -> None:
        """Exchange the placements of values; those of labels and row ends stay, in order."""
        values = self._values(segment)
        kept = weighed.kept
        shares = _shares(
            weighed.share * kept, weighed.nothing * kept, weighed.matched, weighed.empty
        )
        traced = self.trace[segment.start : segment.stop]
        slots = [slot - segment.first if slot >= 0 else slot for slot in traced]
        slots = [-1 if slot < 0 or values[slot] else slot for slot in slots]
        slots = _in_order(slots, weighed.chosen)
        for j, is_value in enumerate(values):
            if is_value:
                self.placements.pop(segment.first + j, None)
            else:
                shares.pop(j, None)
        self._place(segment, _Solution(slots, shares, 0.0))

    def take_out_foreign(self, texts: Sequence[str]) -> None:
        """Make strays of texts at covered positions that do not repeat the text of their cell.

        No lattice tells them from those that do: which text the cell has is open there.
        """
        said: dict[int, str] = {}
        for number, (symbol, slot) in enumerate(zip(self.symbols, self.trace, strict=True)):
            if slot >= 0 and symbol.unit >= 0 and _is_value(self.template.slots[slot].kind):
                text = texts[symbol.unit]
                if said.setdefault(self.template.slots[slot].cell, text) != text:
                    self.trace[number] = -1

    def _values(self, segment: _Segment) -> list[bool]:
        return [_is_value(kind) for kind in self.slot_kinds[segment.first : segment.last].tolist()]

    @staticmethod
    def _text(symbol: Symbol, texts: Sequence[str]) -> str:
        """The text of a unit; of a blank none, of a row end one that no unit has."""
        if symbol.unit >= 0:
            return texts[symbol.unit]
        return "" if symbol.kind == UnitKind.BLANK else "\n"

    @staticmethod
    def _amount(symbol: Symbol, texts: Sequence[str]) -> Decimal | None:
        if symbol.unit < 0:
            return Decimal(0)
        return None if symbol.kind == UnitKind.LABEL else amount_of(texts[symbol.unit])

    def _opened(self, segment: _Segment, rival: float) -> OpenSegment:
        def ways() -> list[Way]:
            lattice = self._prepare(segment).lattice
            others = (
                *self._short_of_rows(segment, lattice),
                *self._with_row_behind_blanks(segment, lattice),
            )
            return [Way(lattice, range(len(lattice.skip)), 0.0)] + [
                Way(other, np.flatnonzero(keep).tolist(), prior) for other, keep, prior in others
            ]

        n, m = segment.stop - segment.start, segment.last - segment.first
        values = self._values(segment)
        return OpenSegment(segment.start, segment.first, n, m, values, rival, ways)

    def _share_lost(self) -> float:
        """Probability that a value slot that shows nothing holds a value that was lost."""
        lost = VALUE_LOST * self.scoring.filled
        return lost / (lost + math.exp(self.scoring.skip_slot[SlotKind.INTEGER]))

    def _key(self, segment: _Segment) -> _Key | None:
        """Equal for segments with equal lattices; None where texts make each its own."""
        start, stop, first, last = segment
        if self.positions is not None or self.profiles is not None:
            return None
        if self.texts_before[stop] > self.texts_before[start]:
            return None
        return (
            self.kinds[start:stop].tobytes(),
            self.slot_kinds[first:last].tobytes(),
            self.slot_skips[first:last].tobytes(),
            self._looks_key(segment),
            start == 0,
            stop == len(self.symbols),
        )

    def _looks_key(self, segment: _Segment) -> bytes:
        """Equal where slots have equal looks, and texts the same odds in them."""
        start, stop, first, last = segment
        looks = self.template.slot_looks[first:last]
        if self.looks is None or (looks < 0).all():
            return b""
        return looks.tobytes() + self.looks[start:stop, np.unique(looks[looks >= 0])].tobytes()

    def _short_of_rows(self, segment: _Segment, lattice: Lattice) -> Iterator[_Other]:
        """The lattices without rows that lie in the segment (see `_left_out`)."""
        for keep, prior in self._left_out(segment):
            yield _Other(_without(lattice, keep), keep, prior)

    def _with_row_behind_blanks(self, segment: _Segment, lattice: Lattice) -> Iterator[_Other]:
        """Lattices in which a row that the template lacks follows one that ends in an empty cell.

        Strays come before skips in a lattice (`posterior`), so none of its own paths has these.
        Whether such a row is kept is seen later (`added`); here it is a doubt, for without it its
        values are those of the row before.
        """
        width = self.template.n_cols + 1
        start, stop, first, last = segment
        behind = range(-(-(first + 1) // width) * width - first, last - first + 1, width)
        labels = [forms for forms in self.template.label_forms[first:last] if forms is not None]
        runs = [
            run
            for run in (self._rows_added(start, stop) if behind else ())
            if not _resembles(self.symbols[start + run.start].form, labels)
        ]
        if len(runs) * len(behind) > MAX_PLACES:
            return
        everything = np.ones(last - first, dtype=bool)
        for run in runs:
            price = math.log(self.scoring.row_added) + self._as_row(start, run)
            for slot in behind:
                yield _Other(_with_strays(lattice, run, slot), everything, price)

    def _left_out(self, segment: _Segment) -> list[tuple[Mask, float]]:
        """Ways to leave out rows that lie in the segment: slots that remain, log-probability.

        One row, or all of them (a table cut off). A row left out is one event, not a coincidence
        of empty cells; without it, its cells would compete for the values of their neighbours.
        """
        width = self.template.n_cols + 1  # a slot for each column, and the row end
        first, last = segment.first, segment.last
        rows = [
            row
            for row in range(-(-first // width), last // width)
            if row in self.template.rows_of_values
        ]
        if len(rows) > MAX_LEFT_OUT:
            return []
        ways = []
        for absent in [*((row,) for row in rows), *([tuple(rows)] if len(rows) > 1 else [])]:
            keep = np.ones(last - first, dtype=bool)
            for row in absent:
                keep[row * width - first : (row + 1) * width - first] = False
            ways.append((keep, len(absent) * float(np.log(self.scoring.row_left_out))))
        return ways

    def _prepare(self, segment: _Segment) -> _Prepared:
        """The segment's lattice and the ways that lead into it; kept if it is small."""
        key = self._key(segment) or segment
        prepared = self.prepared.get(key)
        if prepared is None:
            lattice = self._lattice(segment)
            prepared = _Prepared(lattice, forward(*lattice[:3]))
            if segment.size <= MAX_KEPT:
                self.prepared[key] = prepared
        return prepared

    def _lattice(self, segment: _Segment) -> Lattice:
        """Scores of matches, strays and skips (see `posterior.forward_backward`)."""
        start, stop, first, last = segment
        kinds, slot_kinds = self.kinds[start:stop], self.slot_kinds[first:last]
        match = self.scoring.emission[kinds[:, None], slot_kinds[None, :]]
        if self.looks is not None:
            looks = self.template.slot_looks[first:last]
            own = np.flatnonzero(looks >= 0)
            match[:, own] = self.looks[start:stop, looks[own]]
        if self.has_optional:
            match[:, self.optional[first:last]] += np.log(self.scoring.optional_used)
        if self.texts_before[stop] > self.texts_before[start]:
            told = np.ix_(self.sentences[start:stop], slot_kinds <= SlotKind.TEXT)
            match[told] += self.sentence_odds
            self._match_labels(match, start, stop, first, last)
        if self.positions is not None:
            match += self._drawn_to_columns(segment, self.positions)
        skip = self.slot_skips[first:last]
        if self.profiles is not None:
            held, empty = self.profiles.emptiness(first, last, self.scoring.filled)
            blank = (kinds == UnitKind.BLANK)[:, None]
            match += self.profiles.log_odds(*segment) + np.where(blank, empty, held)
            skip = skip + empty
        stray = np.empty((stop - start, last - first + 1))
        stray[:] = self.scoring.skip_unit[kinds][:, None]
        if self.scoring.row_blanks:
            behind = np.flatnonzero(slot_kinds == SlotKind.ROW_END) + 1
            blanks = np.flatnonzero(kinds == UnitKind.BLANK)
            stray[np.ix_(blanks, behind)] = self.scoring.more_of_row_end
        if self.scoring.ends_filled:
            before = np.flatnonzero(slot_kinds == SlotKind.ROW_END)
            blanks = np.flatnonzero(kinds == UnitKind.BLANK)
            stray[np.ix_(blanks, before)] = math.log(self.scoring.filling)
        for run in self._rows_added(start, stop):  # one event, so each at a part of its price
            before = np.arange(first, last + 1) % (self.template.n_cols + 1) == 0  # a row
            price = math.log(self.scoring.row_added) / len(run)
            stray[np.array(run)[:, None], np.flatnonzero(before)] = price
        if start == 0:
            stray[:, 0] = 0.0  # what comes before the table is not the table's
        if stop < len(self.symbols):
            return Lattice(match, stray, skip)
        stray[:, -1] = NEVER  # what comes behind the table is no stray
        prices = self.scoring.skip_behind[kinds]
        return Lattice(match, stray, skip, np.append(np.cumsum(prices[::-1])[::-1], 0.0))

    def _drawn_to_columns(self, segment: _Segment, positions: Positions) -> Matrix:
        """What the places of texts say for value slots."""
        start, stop, first, last = segment
        odds = np.zeros((stop - start, last - first))
        slots = np.flatnonzero(self.slot_kinds[first:last] <= SlotKind.TEXT).tolist()
        for k in range(start, stop):
            if self.symbols[k].unit >= 0:
                for j in slots:
                    odds[k - start, j] = positions.log_odds(k, first + j)
        return odds

    def _rows_added(self, start: int, stop: int) -> Iterator[range]:
        """Runs of words and as many values as a row has, or fewer: rows that the template lacks.

        Symbols count from `start`.
        """
        if self.texts_before[stop] == self.texts_before[start]:
            return
        first, values = -1, 0
        for k, kind in enumerate([*self.kinds[start:stop].tolist(), UnitKind.TEXT]):
            if kind in _WORDS:
                if 0 < values <= self.template.n_cols:
                    yield range(first, k)
                first, values = k, 0
            elif first >= 0:
                values += kind != UnitKind.ROW_END

    def _as_row(self, start: int, run: range) -> float:
        """Log-odds of the values of a run, which counts from `start`, as those of some row.

        The row is as wide as the widest of the template, and its slots are as those of all rows.
        """
        held, empty = self._any_value
        kinds = self.kinds[start:][run.start + 1 : run.stop].tolist()
        values = [held[kind] for kind in kinds if kind != UnitKind.ROW_END]
        width = max(len(values), self.template.most_values)
        ways = math.comb(width, len(values))
        return math.fsum(values) + (width - len(values)) * empty + math.log(ways)

    @cached_property
    def _any_value(self) -> tuple[list[float], float]:
        """Log-odds of each kind of symbol in some value slot, and of nothing there."""
        slots = self.slot_kinds[self.slot_kinds <= SlotKind.TEXT]
        odds = np.logaddexp.reduce(self.scoring.emission[:, slots], axis=1) - math.log(len(slots))
        return odds.tolist(), float(self.scoring.skip_slot[slots].mean())

    def _match_labels(self, match: Matrix, start: int, stop: int, first: int, last: int) -> None:
        """Score texts against label slots, and against the positions labels continue at."""
        forms_of = self.template.label_forms
        kinds = self.slot_kinds[first:last].tolist()
        targets = [
            (j, kinds[j], forms)
            for j, forms in enumerate(forms_of[first:last])
            if forms is not None
        ]
        for i in range(start, stop):
            symbol = self.symbols[i]
            if not self.spelled[i] or not symbol.form:
                continue
            for j, kind, forms in targets:
                if forms == (ANY_LABEL,):
                    match[i - start, j] = self._any_label_score(symbol, kind)
                    continue
                key = (symbol.form, forms, kind)
                score = self.label_scores.get(key)
                if score is None:
                    score = _label_score(self.scoring, symbol.form, forms, kind == SlotKind.LABEL)
                    self.label_scores[key] = score
                match[i - start, j] = score

    def _any_label_score(self, symbol: Symbol, kind: int) -> float:
        """Log-odds of a symbol as a label that may say anything, or where such a label goes on."""
        if symbol.kind != UnitKind.TEXT:
            return NEVER
        score = math.log(1 - self.scoring.label_lost)
        return score if kind == SlotKind.LABEL else score + self.scoring.continued_repeat


def _still_optional(template: Template, anchors: Sequence[tuple[int, int]]) -> Mask:
    """The optional slots, without the values whose optional labels are all seen."""
    optional = template.optional_slots
    if not optional.any():
        return optional
    optional = optional.copy()
    seen = {slot for _, slot in anchors}
    for value, heads in template.optional_heads.items():
        optional[value] = not heads or not seen.issuperset(heads)
    return optional


def _sentence_odds(
    scoring: Scoring, symbols: Sequence[Symbol], anchors: Sequence[tuple[int, int]]
) -> float:
    """Log-odds of a sentence as the text of a cell, by how many texts of the table are sentences.

    Those between its first and its last label are the table's; what is expected before any is seen
    counts as much as `BELIEVED` texts.
    """
    inside = symbols[anchors[0][0] : anchors[-1][0]] if anchors else ()
    texts = [symbol.is_sentence for symbol in inside if symbol.kind == UnitKind.TEXT]
    held = (sum(texts) + BELIEVED * scoring.sentence_held) / (len(texts) + BELIEVED)
    return min(0.0, math.log(held / scoring.sentence_outside))


def _look_odds(scoring: Scoring, symbols: Sequence[Symbol], template: Template) -> Matrix | None:
    """Log-odds of every symbol (rows) in slots of each look of the template; None without any."""
    if not template.looks:
        return None
    odds = np.empty((len(symbols), len(template.looks)))
    for k, symbol in enumerate(symbols):
        for n, look in enumerate(template.looks):
            is_choice = symbol.kind == UnitKind.LABEL and symbol.form in look.choices
            odds[k, n] = (
                log_odds(scoring, symbol.kind, symbol.written, symbol.form, look)
                if symbol.kind <= UnitKind.TEXT or is_choice
                else scoring.emission[symbol.kind, look.kind]
            )
    return odds


def _label_score(scoring: Scoring, form: str, forms: tuple[str, ...], whole: bool) -> float:
    """Log-odds of an observed form in a label slot, or (not `whole`) where a label continues."""
    best = NEVER
    for label in forms:
        weight = label_weight(label)
        if form == label:
            best = max(best, scoring.label_match(1.0, weight))
        elif form.isdecimal():  # a number is a label or a value, and no part of a label
            continue
        elif len(form) > 1 and form in label:
            best = max(best, scoring.label_piece(len(form) / len(label), weight))
        elif _digits(form) > _digits(label):  # they may be values that run into the label
            continue
        elif (similarity := fuzz.ratio(form, label) / 100) >= MIN_SIMILARITY:
            best = max(best, scoring.label_match(similarity, weight))
    if whole or best == NEVER:
        return best
    return best + scoring.continued_repeat


def _resembles(form: str, labels: Iterable[tuple[str, ...]]) -> bool:
    """Whether a text may be one of the labels, damaged, with digits run into it."""
    words = "".join(char for char in form if not char.isdigit())
    return any(
        label == ANY_LABEL or words in label or fuzz.ratio(words, label) >= 100 * MIN_SIMILARITY
        for forms in labels
        for label in forms
    )


def _digits(form: str) -> int:
    return sum(map(str.isdigit, form))


class _Prepared(NamedTuple):
    """A segment's lattice, and what `posterior.forward` gives for it."""

    lattice: Lattice
    reached: Matrix


class _Solution(NamedTuple):
    """A solved segment, in positions relative to it."""

    slots: list[int]  # of each symbol; -1: a stray
    shares: _Shares
    score: float
    rival: float = -math.inf  # the largest margin of a value slot's second best placement


def _in_order(kept: Sequence[int], chosen: Iterable[tuple[int, int]]) -> list[int]:
    """Slots by symbol: those chosen, as pairs in order, and the kept ones that fit between them."""
    slots = [-1] * len(kept)
    bounds = [(-1, -1), *sorted(chosen), (len(kept), max(kept, default=-1) + 1)]
    for (start, low), (stop, high) in itertools.pairwise(bounds):
        for symbol in range(start + 1, stop):
            slots[symbol] = kept[symbol] if low < kept[symbol] < high else -1
        if stop < len(kept):
            slots[stop] = high
    return slots


def _without(lattice: Lattice, keep: Mask) -> Lattice:
    """The lattice without the slots that are not kept."""
    match, stray, skip, behind = lattice
    columns = np.append(np.flatnonzero(keep), len(keep))
    columns[0] = 0 if len(columns) > 1 else len(keep)  # the first column differs from inner ones
    return Lattice(match[:, keep], stray[:, columns], skip[keep], behind)


def _with_strays(lattice: Lattice, run: range, slot: int) -> Lattice:
    """The lattice whose symbols in `run` are strays before `slot`, at no price.

    The slot before shows nothing, and no symbol is on the wrong side.
    """
    match, stray = lattice.match.copy(), lattice.stray.copy()
    match[:, slot - 1] = match[run.start : run.stop] = NEVER
    match[: run.start, slot:] = match[run.stop :, :slot] = NEVER
    stray[run.start : run.stop] = 0.0
    behind = lattice.behind
    if behind is not None:
        behind = np.where(np.arange(len(behind)) < run.stop, NEVER, behind)
    return Lattice(match, stray, lattice.skip, behind)


class _Other(NamedTuple):
    """Another lattice of a segment: the slots that are kept, and its log-prior."""

    lattice: Lattice
    keep: Mask
    prior: float


def _solve_lattice(
    prepared: _Prepared,
    others: Sequence[_Other],
    doubts: Sequence[_Other],
    values: npt.NDArray[np.intp],
) -> _Solution:
    """Posterior, margins and decoding, averaged over the segment's own lattice and all others.

    Those of `doubts` are not in the score.
    """
    lattice = prepared.lattice
    probability, score = forward_backward(*lattice, prepared.reached)
    matched, empty, best = margins(*lattice)
    if others or doubts:
        everything = np.ones(len(lattice.skip), dtype=bool)
        solved = [_Way(everything, 0.0, probability, score, Margins(matched, empty, best))]
        for other, keep, prior in (*others, *doubts):
            solved.append(_Way(keep, prior, *forward_backward(*other), margins(*other)))
        probability, matched, empty = _averaged(solved)
        score = _score_of(solved[: 1 + len(others)])
    nothing = np.maximum(0.0, 1 - probability.sum(axis=0))
    shares = _shares(probability, nothing, matched, empty)
    rivals = [sorted(margin for *_, margin in shares[j])[-2] for j in values if len(shares[j]) > 1]
    return _Solution(decode(probability), shares, score, max(rivals, default=-math.inf))


class _Way(NamedTuple):
    """A segment solved with the slots that are kept: a log-prior, and what `posterior` found."""

    keep: Mask
    prior: float
    share: Matrix
    total: float
    margin: Margins


def _score_of(solved: Sequence[_Way]) -> float:
    """The log of the sum over all ways."""
    return float(np.logaddexp.reduce([way.total + way.prior for way in solved]))


def _averaged(solved: Sequence[_Way]) -> tuple[Matrix, Matrix, Matrix]:
    """Probabilities and margins of matches, and margins of empty slots, over all ways.

    The first way keeps all slots.
    """
    score = _score_of(solved)
    best = max(way.margin.best + way.prior for way in solved)
    probability = np.zeros_like(solved[0].share)
    matched = np.full_like(probability, -np.inf)
    empty = np.full(len(solved[0].keep), -np.inf)
    for keep, prior, share, total, margin in solved:
        behind = margin.best + prior - best
        probability[:, keep] += share * np.exp(total + prior - score)
        matched[:, keep] = np.maximum(matched[:, keep], margin.match + behind)
        empty[keep] = np.maximum(empty[keep], margin.empty + behind)
        empty[~keep] = np.maximum(empty[~keep], behind)
    return probability, matched, empty


def _shares(probability: Matrix, nothing: Matrix, matched: Matrix, empty: Matrix) -> _Shares:
    """By slot, all that could be there and is not too far behind the best."""
    shares: _Shares = {}
    i, j = near = np.nonzero(matched > WORST_MARGIN)
    symbols = zip(i.tolist(), probability[near].tolist(), matched[near].tolist(), strict=True)
    for slot, share in zip(j.tolist(), symbols, strict=True):
        shares.setdefault(slot, []).append(share)
    for slot in np.flatnonzero(empty > WORST_MARGIN).tolist():
        shares.setdefault(slot, []).append((NOTHING, float(nothing[slot]), float(empty[slot])))
    return shares
