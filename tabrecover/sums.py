"""Sums that place values: rules as factors over all rows and columns at once.

The aligner leaves a segment *open* where several fillings of its slots explain the dump alike:
three numbers for seven slots, when blanks are lost. The rules of the template know more than the
segment does. This module weighs the fillings of all open segments together, as a *factor graph*
(Kschischang, Frey, Loeliger 2001): a variable for each open segment, whose states are its
fillings, and a factor for each rule instance. It alone may move a value because of a sum; it
never changes one.

**Fillings.** The paths through the segment's lattice (`posterior`) with their scores, at most
`REACH` nats behind the best. The best completion of every partial path is known, so that none is
followed in vain (A*, with an exact heuristic); where there are too many, a beam over the slots
keeps those whose rules hold, and what it drops counts as one more filling, of which nothing is
known: rules that hold by chance gain on average nothing, so its weight stays what it was. A
skipped slot may be blank, which counts as 0, or hold a value that the dump lost: a number that
one rule implies, that the other rules check, and that costs what losing one costs.

**Factors.** Let c be the probability that an unrelated number would be the rule's total. If the
rule holds, the total is no news: the factor is `HOLDS` / c. If it is broken, the factor is
1 - `HOLDS`, never 0: clerks err. A rule whose terms are all zero or blank tells nothing, nor does
one with an unknown term: factor 1.

**Elimination.** A rule whose open cells lie in one segment is settled there. The others connect
segments, which are eliminated one by one (Dechter 1999, *bucket elimination*), those first that
settle rules soon. The state is what each rule still lacks; a lack that nothing left can fill
settles the rule as broken, and equal states join. Forward-backward over these states gives every
filling's probability, the same pass with maximum for sum the margin to the best: the k best
fillings of every segment (Huang & Chiang 2005) with their rivals. Where states are too many, a
beam is guided by what each rule alone still expects, after some rounds of *belief propagation*
(Pearl 1988) with lacks modulo `MODULUS`; product codes are decoded in this way (Elias 1954). What
the beam and the beliefs drop is estimated, and lowers all probabilities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nlargest
from math import exp, fsum, inf, log, log1p
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tabrecover.posterior import Matrix, after
from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from tabrecover.template import Template

__all__ = ["Lattice", "OpenSegment", "Way", "Weighed", "amount_of", "scaled", "weigh"]

HOLDS = 0.9  # a printed sum is right; one slip in a hundred, which breaks two sums: 0.1 for each
HOLDS_UNSEEN = 0.5  # so is one of whose terms a row is not in the dump
MIN_CHANCE = 1e-4  # that an unrelated number is a rule's total; no rule tells more than its inverse
VALUE_LOST = 0.002  # a value that the cell holds is not in the dump
REACH = 12.0  # nats behind the best, beyond which a filling is not considered
OPEN = 6.0  # nats behind the best, up to which another filling makes a segment open
MAX_BLAMED = 3  # segments that a broken rule opens further, up to `REACH`
MAX_PATHS = 2_000  # fillings of a segment that are enumerated; beyond, a beam
MAX_STEPS = 60_000  # partial fillings that the beam of a segment looks at
MAX_CELLS = 200_000  # symbols times slots of a segment that is enumerated at all
MAX_EXACT = 30_000  # steps of an elimination without guidance
MAX_JOINT = 60_000  # steps of one with guidance, about
MIN_BEAM, MAX_BEAM = 50, 1_000
ROUNDS = 6  # of belief propagation
DAMPING = 0.5
MODULUS = 1021  # a prime, so that round numbers fall apart
EVERYTHING = (1 << MODULUS) - 1
KEPT_BY_BEAM = 0.85  # the most that is believed of a promise, where states were dropped for it
LEAST_KEPT = 0.2  # of the promise; with less, beliefs decide
ROUNDING = 1e-6
LEAST_SEEN = 0.5  # of a segment's probability; with less, it stays as the aligner had it
ZERO = Decimal(0)
MAX_DIGITS = 120  # of an amount, in the unit of the smallest; longer ones are no counts

_Key = tuple[bytes, ...]
Pairs = tuple[tuple[int, int], ...]
UNSEEN: Pairs = ((-1, -1),)  # stands for fillings that were dropped
NO_LABEL = -1
Floats = npt.NDArray[np.float64]


class Lattice(NamedTuple):
    """Scores of matches `[n, m]`, strays `[n, m + 1]` and skips `[m]` (see `posterior`)."""

    match: Matrix
    stray: Matrix
    skip: Matrix


class Way(NamedTuple):
    """A lattice of a segment over the slots `kept`, and its log-probability."""

    lattice: Lattice
    kept: Sequence[int]
    prior: float


class OpenSegment(NamedTuple):
    """Symbols from `start` on and slots from `first` on, `n` and `m` of them.

    `values` tells which slots are values; what is aligned with the others does not matter here.
    `rival`: by how many nats the best other filling of some slot is behind, at most 0. `ways`
    gives its lattices; the first has all slots, the others leave out rows.
    """

    start: int
    first: int
    n: int
    m: int
    values: Sequence[bool]
    rival: float
    ways: Callable[[], Sequence[Way]]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The value slots of a segment weighed with the sums: shares and margins as `align` has them.

    `share[i, j]`: probability of symbol `i` in slot `j`; `nothing[j]`: of none; `matched` and
    `empty` their margins; `kept`: the probability of all that was looked at, which the shares,
    adding up to 1, are conditional on.
    """

    share: Matrix
    nothing: Floats
    matched: Matrix
    empty: Floats
    kept: float


def amount_of(text: str) -> Decimal | None:
    """What a cell's text counts in a sum: 0 for a blank or a mark, None for words.

    >>> amount_of("1,200"), amount_of("/"), amount_of("n. a.")
    (Decimal('1200'), Decimal('0'), None)
    """
    if not text or classify(text) == UnitKind.MARK:
        return ZERO
    return number_of(text)


def scaled(amounts: Sequence[Decimal | None]) -> list[int | None]:
    """All amounts as whole numbers of one unit, the smallest that occurs.

    >>> scaled([Decimal("0.5"), None, Decimal(3)])
    [5, None, 30]
    """
    powers = [-int(a.as_tuple().exponent) for a in amounts if a is not None]
    unit = max(0, *powers) if powers else 0
    result: list[int | None] = []
    for amount in amounts:
        fits = amount is not None and unit + max(amount.adjusted(), 0) <= MAX_DIGITS
        result.append(int(amount.scaleb(unit)) if fits and amount is not None else None)
    return result


# --- rules over cells ---------------------------------------------------------------------------


class _Terms:
    """The rules of a template over its cells, and what the certain cells add to them.

    `of[cell]` lists (rule, sign). `known[rule]` are the sums of both sides over certain cells;
    `void` holds the rules that some certain text makes impossible to evaluate, `unseen` those
    with a row that the dump does not show.
    """

    def __init__(self, template: Template, trace: Sequence[int]) -> None:
        self.slots = template.slots
        self.of: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for rule, instance in enumerate(template.instances):
            for sign, side in ((1, instance.left), (-1, instance.right)):
                for cell in side:
                    self.of[cell].append((rule, sign))
        self.count = len(template.instances)
        self.origin: dict[int, int] = {}
        for number, slot in enumerate(template.slots):
            if slot.cell in self.of and slot.kind != SlotKind.VALUE_CONTINUED:
                self.origin.setdefault(slot.cell, number)
        self.holder: dict[int, int] = {}  # cell -> symbol
        for symbol, slot_number in enumerate(trace):
            if slot_number >= 0:
                self.holder.setdefault(template.slots[slot_number].cell, symbol)
        self.labels = template.row_labels
        self.holder[NO_LABEL] = -1
        self.known: list[list[int]] = [[0, 0] for _ in range(self.count)]
        self.touched: set[int] = set()
        self.void: set[int] = set()
        self.unseen: set[int] = set()

    def settle(self, cells: Sequence[int], amounts: Sequence[int | None]) -> None:
        """Add certain cells to their rules, with what the trace gives them."""
        for cell in cells:
            symbol = self.holder.get(cell, -1)
            amount = amounts[symbol] if symbol >= 0 else 0
            if symbol < 0 and self.labels.get(cell, NO_LABEL) not in self.holder:
                self.unseen.update(rule for rule, _ in self.of[cell])
            for rule, sign in self.of[cell]:
                if amount is None:
                    self.void.add(rule)
                elif amount:
                    self.known[rule][sign < 0] += amount
                    self.touched.add(rule)

    def broken(self) -> set[int]:
        """Rules that the settled cells break."""
        return {
            rule
            for rule, (left, right) in enumerate(self.known)
            if left != right and rule not in self.void
        }

    def price(self, rule: int) -> float:
        """The log-factor of a rule that is broken."""
        return log(1 - (HOLDS_UNSEEN if rule in self.unseen else HOLDS))

    def gain(self, rule: int, total: int) -> float:
        """The log-factor of a rule that holds with this total."""
        chance = max(0.5 / (1 + abs(total)), MIN_CHANCE)
        return log((HOLDS_UNSEEN if rule in self.unseen else HOLDS) / chance)


# --- fillings of a segment ----------------------------------------------------------------------


class _Path(NamedTuple):
    """A filling of the value slots: log-sum and maximum of its alignments, and what goes where.

    `pairs` are symbols and slots, relative to the segment.
    """

    weight: float
    best: float
    pairs: Pairs


class _Paths(NamedTuple):
    """Fillings of one way, and the log-mass of those that were dropped."""

    paths: list[_Path]
    dropped: float


class _Filling(NamedTuple):
    """A path with what it adds to the rules across segments (None: unknown); `told`: a bit each.

    `weight` and `best` have the rules inside the segment in them.
    """

    weight: float
    best: float
    path: _Path
    adds: tuple[int | None, ...]
    told: int


@dataclass(slots=True)
class _Group:
    """Fillings that add the same to all rules across segments: their log-sum and maximum."""

    adds: tuple[int | None, ...]
    told: int
    fillings: list[_Filling] = field(default_factory=list)
    best: float = -inf
    weight: float = -inf


class _Opened:
    """An open segment over the rules: its fillings, grouped by what they add elsewhere.

    `inside` are the rules whose open cells all lie here, `across` the others it has cells of.
    """

    def __init__(
        self,
        segment: OpenSegment,
        terms: _Terms,
        amounts: Sequence[int | None],
        inside: frozenset[int],
        across: Sequence[int],
        lost: float,
    ) -> None:
        self.segment = segment
        self.terms = terms
        self.inside = inside
        self.across = across
        self.lost = lost
        self.amounts = amounts[segment.start : segment.start + segment.n]
        live = inside | set(across)
        self.at: list[list[tuple[int, int]]] = []  # (rule, sign) by slot
        self.cell: list[int] = []
        for j in range(segment.first, segment.first + segment.m):
            cell = terms.slots[j].cell
            owned = cell >= 0 and segment.first <= terms.origin.get(cell, -1) <= j
            of = terms.of.get(cell, ()) if owned else ()
            self.at.append([(rule, sign) for rule, sign in of if rule in live])
            self.cell.append(cell)
        self.groups: list[_Group] = []

    def fill(self, paths: Sequence[tuple[_Paths, frozenset[int]]]) -> None:
        """Make the groups from the paths of each way and the slots that it leaves out."""
        fillings: list[_Filling] = []
        top = max((p.best for found, _ in paths for p in found.paths), default=0.0)
        for found, absent in paths:
            unknown = {rule for j in absent for rule, _ in self.at[j]}
            for path in found.paths:
                near = path.best >= top - OPEN
                fillings += self._variants(path, unknown, absent if near else None)
        best = max((filling.best for filling in fillings), default=0.0)
        groups: dict[tuple[tuple[int | None, ...], int], _Group] = {}
        for filling in fillings:
            if filling.best >= best - REACH:
                key = filling.adds, filling.told
                group = groups.setdefault(key, _Group(*key))
                group.fillings.append(filling)
        dropped = [found.dropped for found, _ in paths if found.dropped > -inf]
        if dropped:
            self._add_unknown(groups, _log_sum(dropped))
        for group in groups.values():
            group.best = max(filling.best for filling in group.fillings)
            group.weight = _log_sum([filling.weight for filling in group.fillings])
        self.groups = list(groups.values())

    def _add_unknown(
        self, groups: dict[tuple[tuple[int | None, ...], int], _Group], mass: float
    ) -> None:
        """One filling for all that was dropped, of which nothing is known."""
        key = (None,) * len(self.across), 0
        group = groups.setdefault(key, _Group(*key))
        group.fillings.append(_Filling(mass, mass, _Path(mass, mass, UNSEEN), *key))

    def _variants(
        self, path: _Path, unknown: set[int], absent: frozenset[int] | None
    ) -> list[_Filling]:
        """The filling with blanks where it shows nothing, and those with one value lost."""
        sums, void = self._sums(path.pairs, unknown)
        weight, broken = self._inside(sums, void)
        plain = _filling(path, weight, self._across(sums, void))
        if absent is None or not (broken or self.across):
            return [plain]
        result = [plain]
        shown = {self.cell[j] for _, j in path.pairs}
        for j, rules in enumerate(self.at):
            if not rules or self.cell[j] in shown or j in absent:
                continue
            result += self._with_lost(path, rules, sums, void, broken)
        return result

    def _with_lost(
        self,
        path: _Path,
        rules: Sequence[tuple[int, int]],
        sums: Mapping[int, Sequence[int]],
        void: set[int],
        broken: Mapping[int, int],
    ) -> list[_Filling]:
        """Fillings in which a cell under `rules` holds what one of them lacks."""
        here = [rule for rule, _ in rules if rule in self.inside]
        if not here:
            weight = self._inside(sums, void)[0]
            other = void | {rule for rule, _ in rules}
            return [_filling(path, weight + self.lost, self._across(sums, other))]
        result = []
        values = {-sign * broken[rule]: rule for rule, sign in rules if rule in broken}
        for value, implied_by in values.items():
            if value <= 0:
                continue
            more = {rule: list(sides) for rule, sides in sums.items()}
            for rule, sign in rules:
                more.setdefault(rule, [0, 0])[sign < 0] += value
            weight = self._inside(more, void | {implied_by})[0]
            result.append(_filling(path, weight + self.lost, self._across(more, void)))
        return result

    def _sums(self, pairs: Pairs, unknown: set[int]) -> tuple[dict[int, list[int]], set[int]]:
        """What the pairs add to both sides of each rule, and the rules with an unknown term."""
        sums: dict[int, list[int]] = {}
        void = set(unknown)
        for i, j in pairs:
            amount = self.amounts[i]
            if amount == 0:
                continue
            for rule, sign in self.at[j]:
                if amount is None:
                    void.add(rule)
                else:
                    sums.setdefault(rule, [0, 0])[sign < 0] += amount
        return sums, void

    def _inside(
        self, sums: Mapping[int, Sequence[int]], void: set[int]
    ) -> tuple[float, dict[int, int]]:
        """Log-factor of the rules inside, and what the broken ones have too much on the left."""
        weight = 0.0
        broken = {}
        for rule in self.inside:
            if rule in void:
                continue
            left, right = self.terms.known[rule]
            if rule in sums:
                left, right = left + sums[rule][0], right + sums[rule][1]
            elif rule not in self.terms.touched:
                continue
            if left == right:
                weight += self.terms.gain(rule, left)
            else:
                weight += self.terms.price(rule)
                broken[rule] = left - right
        return weight, broken

    def _across(
        self, sums: Mapping[int, Sequence[int]], void: set[int]
    ) -> tuple[tuple[int | None, ...], int]:
        adds: list[int | None] = []
        told = 0
        for k, rule in enumerate(self.across):
            if rule in void:
                adds.append(None)
            elif rule in sums:
                left, right = sums[rule]
                adds.append(left - right)
                told |= 1 << k
            else:
                adds.append(0)
        return tuple(adds), told


def _filling(path: _Path, factor: float, adds: tuple[tuple[int | None, ...], int]) -> _Filling:
    return _Filling(path.weight + factor, path.best + factor, path, *adds)


def _log_sum(scores: Sequence[float]) -> float:
    top = max(scores)
    return top + log(fsum(exp(score - top) for score in scores)) if top > -inf else top


class _Partial(NamedTuple):
    """Alignments of the first slots that fill values alike.

    Log-sum and maximum of their scores, the factor of the rules settled, and both sides of every
    rule inside so far.
    """

    mass: float
    best: float
    gain: float
    sums: tuple[int, ...]


_Spot = tuple[bool, Pairs]  # whether a stray may follow (the last move was no skip); values so far
_Front = list[dict[_Spot, _Partial]]  # by number of symbols used


class _Enumerator:
    """The fillings of one way of a segment, slot by slot.

    With `opened`, its rules rank partial fillings, of which `width` are kept; without, a segment
    with more has none (`found` is None).
    """

    def __init__(
        self, way: Way, values: Sequence[bool], width: int, opened: _Opened | None = None
    ) -> None:
        lattice = way.lattice
        self.way = way
        self.width = width
        self.stray, self.skip = lattice.stray.tolist(), lattice.skip.tolist()
        self.match = lattice.match.tolist()
        self.n, self.m = lattice.match.shape
        self.is_value = [values[j] for j in way.kept]
        freely, skipped = (side.tolist() for side in after(*lattice, np.maximum))
        self.bound = (skipped, freely)  # by whether a stray may follow
        self.masses: tuple[list[list[float]], list[list[float]]] | None = None
        self.floor = freely[0][0] - REACH - ROUNDING
        self.dropped = -inf
        self.rules = _InsideRules(opened, way.kept) if opened else None
        self.found = self._run()

    def _run(self) -> _Paths | None:
        front: _Front = [{} for _ in range(self.n + 1)]
        front[0][True, ()] = _Partial(0.0, 0.0, 0.0, self.rules.known if self.rules else ())
        for col in range(self.m):
            self._add_strays(front, col)
            front = self._step(front, col)
            if sum(map(len, front)) > self.width:
                if self.rules is None:
                    return None
                front = self._best_of(front, col + 1)
        self._add_strays(front, self.m)
        prior = self.way.prior
        kept = self.way.kept
        alike: dict[_Spot, _Partial] = {}
        for (_, pairs), partial in front[self.n].items():
            _join(alike, (True, pairs), partial)
        paths = [
            _Path(p.mass + prior, p.best + prior, tuple([(i, kept[j]) for i, j in pairs]))
            for (_, pairs), p in alike.items()
        ]
        return _Paths(paths, self.dropped + prior)

    def _add_strays(self, front: _Front, col: int) -> None:
        for i in range(self.n):
            score, bound = self.stray[i][col], self.bound[True][i + 1][col] - self.floor
            for spot, partial in front[i].items():
                if spot[0] and partial.best + score + bound >= 0:
                    moved = partial._replace(mass=partial.mass + score, best=partial.best + score)
                    _join(front[i + 1], spot, moved)

    def _step(self, front: _Front, col: int) -> _Front:
        """Skip the slot, or match it with the next symbol."""
        moved: _Front = [{} for _ in range(self.n + 1)]
        skip, value = self.skip[col], self.is_value[col]
        for i, spots in enumerate(front):
            after_skip = self.bound[False][i][col + 1] - self.floor
            match = self.match[i][col] if i < self.n else -inf
            after_match = self.bound[True][i + 1][col + 1] - self.floor if i < self.n else -inf
            for (_, pairs), (mass, best, gain, sums) in spots.items():
                if best + skip + after_skip >= 0:
                    partial = _Partial(mass + skip, best + skip, gain, sums)
                    _join(moved[i], (False, pairs), partial)
                if best + match + after_match >= 0:
                    added = self.rules.added(sums, i, col) if self.rules and value else sums
                    partial = _Partial(mass + match, best + match, gain, added)
                    spot = True, (*pairs, (i, col)) if value else pairs
                    _join(moved[i + 1], spot, partial)
        if self.rules and self.rules.closing[col]:
            moved = [
                {spot: self.rules.settled(partial, col) for spot, partial in spots.items()}
                for spots in moved
            ]
        return moved

    def _best_of(self, front: _Front, col: int) -> _Front:
        """Keep those with the best bound and settled rules; account for the others."""
        if self.masses is None:
            freely, skipped = (s.tolist() for s in after(*self.way.lattice, np.logaddexp))
            self.masses = skipped, freely
        ranked = nlargest(
            sum(map(len, front)),
            (
                (p.best + p.gain + self.bound[free][i][col], i, (free, pairs))
                for i, spots in enumerate(front)
                for (free, pairs), p in spots.items()
            ),
        )
        lost = [self.dropped]
        for _, i, spot in ranked[self.width :]:
            partial = front[i].pop(spot)
            lost.append(partial.mass + partial.gain + self.masses[spot[0]][i][col])
        self.dropped = _log_sum(lost)
        return front


def _join(spots: dict[_Spot, _Partial], spot: _Spot, partial: _Partial) -> None:
    """Add alignments to those that fill values alike."""
    other = spots.get(spot)
    if other is not None:
        mass, least = max(partial.mass, other.mass), min(partial.mass, other.mass)
        mass += log1p(exp(least - mass))
        partial = partial._replace(mass=mass, best=max(partial.best, other.best))
    spots[spot] = partial


class _InsideRules:
    """The rules inside a segment, as an enumeration of its fillings settles them."""

    def __init__(self, opened: _Opened, kept: Sequence[int]) -> None:
        self.opened = opened
        self.rules = sorted(opened.inside)
        index = {rule: k for k, rule in enumerate(self.rules)}
        self.sides = [
            [2 * index[rule] + (sign < 0) for rule, sign in opened.at[j] if rule in index]
            for j in kept
        ]
        self.known = tuple(side for rule in self.rules for side in opened.terms.known[rule])
        last = {side // 2: col for col, sides in enumerate(self.sides) for side in sides}
        self.closing: list[list[int]] = [[] for _ in kept]
        for k, col in last.items():
            self.closing[col].append(k)

    def added(self, sums: tuple[int, ...], i: int, col: int) -> tuple[int, ...]:
        """The sums with symbol `i` in slot `col`."""
        amount = self.opened.amounts[i]
        if not amount or not self.sides[col]:
            return sums
        changed = list(sums)
        for side in self.sides[col]:
            changed[side] += amount
        return tuple(changed)

    def settled(self, partial: _Partial, col: int) -> _Partial:
        """The partial filling with the factors of the rules that end at the slot."""
        gain = partial.gain
        for k in self.closing[col]:
            left, right = partial.sums[2 * k], partial.sums[2 * k + 1]
            if left != right:
                gain += self.opened.terms.price(self.rules[k])
            elif left:
                gain += self.opened.terms.gain(self.rules[k], left)
        return partial._replace(gain=gain)


# --- all segments together ----------------------------------------------------------------------


class _Move(NamedTuple):
    """A group as the elimination sees it: what it adds to rules (by place), those it voids."""

    number: int
    weight: float
    best: float
    adds: tuple[tuple[int, int], ...]
    voids: tuple[int, ...]
    told: int


class _Joint(NamedTuple):
    """Per segment, per group: probability and margin; and the share that was looked at."""

    share: list[list[float]]
    margin: list[list[float]]
    kept: float


class _Component:
    """Open segments that rules connect, in the order in which they are eliminated."""

    def __init__(self, opened: Sequence[_Opened], terms: _Terms) -> None:
        self.terms = terms
        self.rules = sorted({rule for one in opened for rule in one.across})
        self.place = {rule: k for k, rule in enumerate(self.rules)}
        self.opened = self._ordered(opened)
        self.moves = [self._moves(one) for one in self.opened]
        self.gain = [terms.gain(rule, self._total(rule)) for rule in self.rules]
        self.price = [terms.price(rule) for rule in self.rules]
        self.lack = [terms.known[rule][0] - terms.known[rule][1] for rule in self.rules]

    def _ordered(self, opened: Sequence[_Opened]) -> list[_Opened]:
        """Segments of the rule that the fewest have cells of first, of these the smallest."""
        left = list(opened)
        ordered: list[_Opened] = []
        while left:
            uses = {r: sum(r in one.across for one in left) for one in left for r in one.across}
            chosen = min(
                left,
                key=lambda one: (min(uses[rule] for rule in one.across), len(one.groups)),
            )
            ordered.append(chosen)
            left.remove(chosen)
        return ordered

    def _moves(self, one: _Opened) -> list[_Move]:
        top = max(group.weight for group in one.groups)
        moves = []
        for number, group in enumerate(one.groups):
            places = [self.place[rule] for rule in one.across]
            adds = tuple((k, a) for k, a in zip(places, group.adds, strict=True) if a)
            voids = tuple(k for k, a in zip(places, group.adds, strict=True) if a is None)
            told = sum(1 << k for bit, k in enumerate(places) if group.told >> bit & 1)
            weight, best = group.weight - top, group.best - top
            moves.append(_Move(number, weight, best, adds, voids, told))
        return moves

    def _total(self, rule: int) -> int:
        """The number that the rule is about, as far as it can be told beforehand."""
        place = self.place[rule]
        most = max((abs(a) for own in self.moves for m in own for k, a in m.adds if k == place),
                   default=0)  # fmt: skip
        return max(*map(abs, self.terms.known[rule]), most)

    def solve(self) -> _Joint:
        """Probabilities and margins of all groups, in the order of `opened`."""
        whole = _Elimination(self, MAX_EXACT).joint
        if whole is not None:
            return whole
        guide = _Guide(self)
        scout = _Elimination(self, MAX_JOINT, guide, width=MIN_BEAM)
        if scout.best > -inf:
            found = _Elimination(self, MAX_JOINT, guide, MAX_BEAM, scout.best - REACH).joint
            if found is not None and found.kept >= LEAST_KEPT:
                return self._mixed(found)
        return self._mixed(_Joint(guide.beliefs, [[0.0] * len(b) for b in guide.beliefs], 0.5))

    def _mixed(self, joint: _Joint) -> _Joint:
        """What was not looked at is as the segments alone have it."""
        rest = 1 - joint.kept
        if rest <= 0:
            return joint
        share, margin = [], []
        for one, own, leads in zip(self.opened, joint.share, joint.margin, strict=True):
            weights = np.array([group.weight for group in one.groups])
            best = max(group.best for group in one.groups)
            alone = _softmax(weights).tolist()
            share.append([joint.kept * p + rest * q for p, q in zip(own, alone, strict=True)])
            behind = log(rest / joint.kept) - best
            margin.append([max(m, g.best + behind) for m, g in zip(leads, one.groups, strict=True)])
        return _Joint(share, margin, 1.0)


class _Guide:
    """Belief propagation between segments and rules, lacks modulo `MODULUS`.

    `beliefs[t]` are the groups' probabilities; `outlook[t][k]` is the log-factor that rule `k` can
    expect for each lack after segment `t`.
    """

    def __init__(self, component: _Component) -> None:
        self.component = component
        moves = component.moves
        self.users: list[list[int]] = [[] for _ in component.rules]
        self.adds: list[list[npt.NDArray[np.int64]]] = []  # by segment and rule; -1: unknown
        for t, own in enumerate(moves):
            for rule in component.opened[t].across:
                self.users[component.place[rule]].append(t)
            table = np.zeros((len(component.rules), len(own)), dtype=np.int64)
            for g, move in enumerate(own):
                for k, add in move.adds:
                    table[k, g] = add % MODULUS
                for k in move.voids:
                    table[k, g] = -1
            self.adds.append(list(table))
        self.weight = [np.array([move.weight for move in own]) for own in moves]
        self.messages: dict[tuple[int, int], Floats] = {
            (k, t): np.zeros(len(moves[t])) for k, users in enumerate(self.users) for t in users
        }
        self.tables: list[dict[int, Floats]] = [{} for _ in moves]
        self.outlook: list[dict[int, list[float]]] = []
        for _ in range(ROUNDS):
            for k in range(len(component.rules)):
                self._tell(k)
        self.beliefs = [_softmax(self._log_belief(t)).tolist() for t in range(len(moves))]
        standing: dict[int, list[float]] = {}
        for t in range(len(moves)):
            standing = {**standing, **{k: o.tolist() for k, o in self.tables[t].items()}}
            standing = {k: o for k, o in standing.items() if self.users[k][-1] > t}
            self.outlook.append(standing)

    def _log_belief(self, t: int, but: int = -1) -> Floats:
        total = self.weight[t].copy()
        for rule in self.component.opened[t].across:
            k = self.component.place[rule]
            if k != but:
                total += self.messages[k, t]
        return total

    def _tell(self, k: int) -> None:
        """Messages of rule `k` to all segments, from what the others are likely to add."""
        users = self.users[k]
        shares = [_softmax(self._log_belief(t, but=k)) for t in users]
        laws = [self._law(self.adds[t][k], share) for t, share in zip(users, shares, strict=True)]
        nothing = np.zeros(MODULUS)
        nothing[0] = 1.0
        before, behind = [nothing], [nothing]
        known_before, known_behind = [1.0], [1.0]
        for law, known in laws:
            before.append(_convolved(before[-1], law))
            known_before.append(known_before[-1] * known)
        for law, known in reversed(laws):
            behind.append(_convolved(behind[-1], law))
            known_behind.append(known_behind[-1] * known)
        behind.reverse()
        known_behind.reverse()
        holds, broken = exp(self.component.gain[k]), exp(self.component.price[k])
        lack = self.component.lack[k]
        for place, t in enumerate(users):
            adds = self.adds[t][k]
            known = known_before[place] * known_behind[place + 1]
            values = np.full(len(adds), 1.0)
            backwards = behind[place + 1]
            for add in np.unique(adds).tolist():
                if add < 0:
                    continue
                wanted = (-lack - add - np.arange(MODULUS)) % MODULUS
                chance = float(before[place] @ backwards[wanted])
                factor = chance * (holds - broken) + known * broken + (1 - known)
                values[adds == add] = factor
            new = np.log(np.maximum(values, 1e-30))
            new -= new.max()
            old = self.messages[k, t]
            self.messages[k, t] = DAMPING * old + (1 - DAMPING) * new
            chances = behind[place + 1][-np.arange(MODULUS) % MODULUS]
            left = known_behind[place + 1]
            self.tables[t][k] = np.log(chances * (holds - broken) + left * broken + 1 - left)

    @staticmethod
    def _law(adds: npt.NDArray[np.int64], share: Floats) -> tuple[list[tuple[int, float]], float]:
        """Distribution of what a segment adds, and the probability that it is known."""
        sums: dict[int, float] = defaultdict(float)
        for add, p in zip(adds.tolist(), share.tolist(), strict=True):
            sums[add] += p
        known = 1 - sums.pop(-1, 0.0)
        return list(sums.items()), known


def _softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max())
    shares: Floats = weights / weights.sum()
    return shares


def _convolved(ring: Floats, law: Sequence[tuple[int, float]]) -> Floats:
    """The ring of probabilities turned by each amount of the law."""
    result = np.zeros(MODULUS)
    for add, p in law:
        if add:
            result[add:] += p * ring[:-add]
            result[:add] += p * ring[-add:]
        else:
            result += p * ring
    return result


State = tuple[int | None, ...]  # what each rule has too much (None: settled); last, rules told
Step = tuple[int, int, int, float, float]  # from, move, to; weight and its logarithm at the best


class _Layer(NamedTuple):
    """One segment eliminated: the states before with their sums and maxima, and the steps."""

    sums: list[float]
    bests: list[float]
    steps: list[Step]


class _Touch(NamedTuple):
    """A rule that a segment has cells of, and what may still come to it.

    `last`: no other segment is left that has. `reach`: a bit for every sum, modulo `MODULUS`,
    that the segments left can add.
    """

    rule: int
    last: bool
    reach: int


def _touches(component: _Component) -> list[list[_Touch]]:
    """The rules of every segment, in the order of elimination."""
    reach: dict[int, int] = {}
    result: list[list[_Touch]] = []
    for one, own in zip(reversed(component.opened), reversed(component.moves), strict=True):
        places = [component.place[rule] for rule in one.across]
        result.append([_Touch(k, k not in reach, reach.get(k, 1)) for k in places])
        for k in places:
            if any(k in move.voids for move in own):
                reach[k] = EVERYTHING
                continue
            sums = reach.get(k, 1)
            adds = {add % MODULUS for move in own for place, add in move.adds if place == k}
            stays = any(all(place != k for place, _ in move.adds) for move in own)
            wider = sums if stays else 0
            for add in adds:
                wider |= (sums << add | sums >> (MODULUS - add)) & EVERYTHING
            reach[k] = wider
    return result[::-1]


class _Elimination:
    """Forward-backward over states, segment by segment.

    `joint` is None if it takes more than `budget` steps, or if all states were dropped. Without a
    guide every state is kept; with one the `width` states that promise most, and those only from
    which `floor` can still be reached. `best` is the best joint filling's score.
    """

    def __init__(
        self,
        component: _Component,
        budget: int,
        guide: _Guide | None = None,
        width: int = 0,
        floor: float = -inf,
    ) -> None:
        self.component = component
        self.guide = guide
        self.width = width
        self.floor = floor
        self.kept = 1.0
        self.best = -inf
        self.layers: list[_Layer] = []
        self.touches = _touches(component)
        if guide is not None:
            widest = sum(map(len, component.moves))
            self.width = min(width, max(MIN_BEAM, budget // widest))
            budget = MAX_STEPS * len(component.moves)
        last = self._forward(budget)
        self.joint = _backward(component, self.layers, last, self.kept) if last else None

    def _forward(self, budget: int) -> list[float]:
        """The maxima of the last states; none if there are too many steps, or no states."""
        component = self.component
        told = sum(
            1 << k for k, rule in enumerate(component.rules) if rule in component.terms.touched
        )
        states: dict[State, tuple[float, float]] = {(*component.lack, told): (1.0, 0.0)}
        to_come = [0.0]
        for own in reversed(component.moves):
            to_come.append(to_come[-1] + max(move.best for move in own))
        for t, own in enumerate(component.moves):
            budget -= len(states) * len(own)
            if budget < 0:
                return []
            reached, steps = self._step(states, own, self.touches[t])
            if self.guide is not None:
                reached = self._promising(reached, self.guide.outlook[t], to_come[-2 - t])
            scale = max((total for total, _ in reached.values()), default=0.0)
            if scale <= 0.0:
                return []
            index = {state: k for k, state in enumerate(reached)}
            kept_steps = [(a, g, index[b], w, v) for a, g, b, w, v in steps if b in index]
            sums, bests = zip(*states.values(), strict=True)
            self.layers.append(_Layer(list(sums), list(bests), kept_steps))
            states = {state: (total / scale, top) for state, (total, top) in reached.items()}
        last = [top for _, top in states.values()]
        self.best = max(last)
        return last

    def _step(
        self,
        states: Mapping[State, tuple[float, float]],
        moves: Sequence[_Move],
        touches: Sequence[_Touch],
    ) -> tuple[dict[State, tuple[float, float]], list[tuple[int, int, State, float, float]]]:
        """All states after one more segment, and the steps there."""
        steps: list[tuple[int, int, State, float, float]] = []
        reached: dict[State, tuple[float, float]] = {}
        for number, (state, (total, top)) in enumerate(states.items()):
            for move in moves:
                new, factor = _after(state, move, self.component, touches)
                weight, best = exp(move.weight + factor), move.best + factor
                steps.append((number, move.number, new, weight, best))
                so_far, best_so_far = reached.get(new, (0.0, -inf))
                reached[new] = so_far + total * weight, max(best_so_far, top + best)
        return reached, steps

    def _promising(
        self,
        reached: Mapping[State, tuple[float, float]],
        outlook: Mapping[int, Sequence[float]],
        to_come: float,
    ) -> dict[State, tuple[float, float]]:
        """The states that can reach the floor; if they are too many, those that promise most."""
        gain = self.component.gain
        able = [
            state
            for state, (_, top) in reached.items()
            if top
            + to_come
            + fsum(gain[k] for k, lack in enumerate(state[:-1]) if lack is not None)
            >= self.floor
        ]
        if len(able) <= self.width:
            return {state: reached[state] for state in able}
        promise = {}
        for state in able:
            hope = log(max(reached[state][0], 1e-300))
            for k, table in outlook.items():
                lack = state[k]
                if lack is not None:
                    hope += table[lack % MODULUS]
            promise[state] = hope
        chosen = nlargest(self.width, promise, key=promise.__getitem__)
        top = promise[chosen[0]]
        held = fsum(exp(promise[state] - top) for state in chosen)
        self.kept *= held / fsum(exp(hope - top) for hope in promise.values())
        self.kept = min(self.kept, KEPT_BY_BEAM)
        return {state: reached[state] for state in chosen}


def _after(
    state: State, move: _Move, component: _Component, touches: Sequence[_Touch]
) -> tuple[State, float]:
    """The state after a move, and the log-factor of the rules that it settles."""
    new = list(state)
    for k in move.voids:
        new[k] = None
    for k, add in move.adds:
        lack = new[k]
        if lack is not None:
            new[k] = lack + add
    told = (new[-1] or 0) | move.told
    factor = 0.0
    for k, last, reach in touches:
        lack = new[k]
        if lack is not None:
            if lack if last else not reach >> (-lack % MODULUS) & 1:
                factor += component.price[k]
                new[k] = None
            elif last:
                factor += component.gain[k] if told >> k & 1 else 0.0
                new[k] = None
        if new[k] is None:
            told &= ~(1 << k)
    new[-1] = told
    return tuple(new), factor


def _backward(
    component: _Component, layers: Sequence[_Layer], last: Sequence[float], kept: float
) -> _Joint:
    """Probabilities and margins of groups from the layers of the forward pass."""
    behind, tops = [1.0] * len(last), [0.0] * len(last)
    best = max(last)
    share: list[list[float]] = []
    margin: list[list[float]] = []
    for layer, one in zip(reversed(layers), reversed(component.opened), strict=True):
        sums = [0.0] * len(layer.sums)
        bests = [-inf] * len(layer.sums)
        mass = [0.0] * len(one.groups)
        lead = [-inf] * len(one.groups)
        for a, g, b, weight, log_weight in layer.steps:
            ahead = weight * behind[b]
            sums[a] += ahead
            mass[g] += layer.sums[a] * ahead
            top = log_weight + tops[b]
            bests[a] = max(bests[a], top)
            lead[g] = max(lead[g], layer.bests[a] + top)
        whole = sum(mass)
        share.append([part / whole for part in mass])
        margin.append([min(0.0, value - best) for value in lead])
        scale = max(sums)
        behind, tops = [part / scale for part in sums], bests
    return _Joint(share[::-1], margin[::-1], kept)


# --- the whole ----------------------------------------------------------------------------------


def weigh(
    template: Template,
    trace: Sequence[int],
    amounts: Sequence[int | None],
    segments: Sequence[OpenSegment],
    lost: float,
) -> dict[int, Weighed]:
    """Weigh the open ones of `segments` by the template's rules; by place in `segments`.

    `trace` is the slot of every symbol without the rules, `amounts` what it counts (None: it
    is no number), `lost` the probability that a slot which shows nothing holds a lost value.
    """
    terms = _Terms(template, trace)
    cells = _cells_of(terms, segments)
    nonzero = [any(amounts[s.start : s.start + s.n]) or None in amounts[s.start : s.start + s.n]
               for s in segments]  # fmt: skip
    chosen = {
        k
        for k, segment in enumerate(segments)
        if cells[k] and nonzero[k] and segment.rival > -OPEN and segment.n * segment.m <= MAX_CELLS
    }
    chosen |= _blamed(template, trace, amounts, cells, nonzero, chosen)
    if not chosen:
        return {}
    terms.settle([c for c in terms.origin if not any(c in cells[k] for k in chosen)], amounts)
    users: dict[int, set[int]] = defaultdict(set)
    for k in chosen:
        for cell in cells[k]:
            for rule, _ in terms.of[cell]:
                if rule not in terms.void:
                    users[rule].add(k)
    opened = {}
    for k in sorted(chosen):
        own = [rule for rule, using in users.items() if k in using]
        inside = frozenset(rule for rule in own if len(users[rule]) == 1)
        across = sorted(set(own) - inside)
        if own:
            opened[k] = _Opened(segments[k], terms, amounts, inside, across, log(lost))
    return _weigh_opened(opened, terms)


def _cells_of(terms: _Terms, segments: Sequence[OpenSegment]) -> list[set[int]]:
    """The cells under rules whose slots lie in each segment."""
    slots = sorted((slot, cell) for cell, slot in terms.origin.items())
    cells: list[set[int]] = []
    for segment in segments:
        stop = segment.first + segment.m
        cells.append({cell for slot, cell in slots if segment.first <= slot < stop})
    return cells


def _blamed(
    template: Template,
    trace: Sequence[int],
    amounts: Sequence[int | None],
    cells: Sequence[set[int]],
    nonzero: Sequence[bool],
    chosen: set[int],
) -> set[int]:
    """Segments with distant rivals that a rule speaks against, broken though all is settled."""
    terms = _Terms(template, trace)
    terms.settle([c for c in terms.origin if not any(c in cells[k] for k in chosen)], amounts)
    broken = terms.broken()
    blamed: set[int] = set()
    for rule in broken:
        using = {
            k
            for k, own in enumerate(cells)
            if nonzero[k] and any(rule == r for cell in own for r, _ in terms.of[cell])
        }
        if len(using) <= MAX_BLAMED and not using & chosen:
            blamed |= using
    return blamed


def _weigh_opened(opened: Mapping[int, _Opened], terms: _Terms) -> dict[int, Weighed]:
    enumerated: dict[_Key, _Paths | None] = {}
    for one in opened.values():
        _enumerate(one, enumerated)
    result: dict[int, Weighed] = {}
    for keys in _connected(opened):
        if len(keys) == 1 and not opened[keys[0]].across:
            one = opened[keys[0]]
            joint = _alone(one)
            if len(one.groups) > 1:
                result[keys[0]] = _weighed(one, joint.share[0], joint.margin[0], joint.kept)
            continue
        component = _Component([opened[k] for k in keys], terms)
        joint = component.solve()
        place = {id(one): k for k, one in opened.items()}
        for t, one in enumerate(component.opened):
            result[place[id(one)]] = _weighed(one, joint.share[t], joint.margin[t], joint.kept)
    return {k: weighed for k, weighed in result.items() if weighed.kept >= LEAST_SEEN}


def _enumerate(one: _Opened, cache: dict[_Key, _Paths | None]) -> None:
    """Fill an opened segment; equal lattices are enumerated once."""
    found = []
    values = one.segment.values
    for way in one.segment.ways():
        place = repr((tuple(way.kept), way.prior)).encode()
        key = (*(part.tobytes() for part in way.lattice), bytes(values), place)
        if key not in cache:
            cache[key] = _Enumerator(way, values, MAX_PATHS).found
        paths = cache[key]
        if paths is None:
            width = min(max(MIN_BEAM, MAX_STEPS // max(1, len(way.kept))), MAX_PATHS)
            paths = _Enumerator(way, values, width, one).found
        if paths is not None:
            found.append((paths, frozenset(range(one.segment.m)) - set(way.kept)))
    one.fill(found)


def _connected(opened: Mapping[int, _Opened]) -> list[list[int]]:
    """Segments by the rules that connect them."""
    root = {k: k for k in opened}

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    first: dict[int, int] = {}
    for k, one in opened.items():
        for rule in one.across:
            root[find(k)] = find(first.setdefault(rule, k))
    groups: dict[int, list[int]] = defaultdict(list)
    for k in opened:
        groups[find(k)].append(k)
    return list(groups.values())


def _alone(one: _Opened) -> _Joint:
    """A segment that no rule connects with others."""
    weights = np.array([group.weight for group in one.groups])
    best = max(group.best for group in one.groups)
    margin = [group.best - best for group in one.groups]
    return _Joint([_softmax(weights).tolist()], [margin], 1.0)


def _weighed(one: _Opened, share: Sequence[float], margin: Sequence[float], kept: float) -> Weighed:
    """Sum the fillings' probabilities for every symbol and slot."""
    n, m = one.segment.n, one.segment.m
    probability, nothing = np.zeros((n, m)), np.zeros(m)
    matched, empty = np.full((n, m), -inf), np.full(m, -inf)
    seen = 0.0
    for group, mass, lead in zip(one.groups, share, margin, strict=True):
        if lead == -inf and not mass:
            continue
        for filling in group.fillings:
            if filling.path.pairs is UNSEEN:
                continue
            p = mass * exp(filling.weight - group.weight)
            behind = lead + filling.best - group.best
            seen += p
            free = np.ones(m, dtype=bool)
            for i, j in filling.path.pairs:
                probability[i, j] += p
                matched[i, j] = max(matched[i, j], behind)
                free[j] = False
            nothing[free] += p
            empty[free] = np.maximum(empty[free], behind)
    seen = max(seen, 1e-30)
    return Weighed(probability / seen, nothing / seen, matched, empty, kept * seen)
