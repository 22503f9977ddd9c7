"""Sums that place values: rules as factors over all rows and columns at once.

The aligner leaves a segment *open* where several fillings of its slots explain the dump alike:
three numbers for seven slots, when blanks are lost. The rules of the template know more than the
segment does. This module weighs the fillings of all open segments together, as a *factor graph*
(Kschischang, Frey, Loeliger 2001): a variable for each open segment, whose states are its
fillings, and a factor for each rule instance. It alone may move a value because of a sum; it
never changes one.

**Fillings** are enumerated from the segment's lattice (`fillings`), at most `REACH` nats behind the
best. A skipped slot may be blank, which counts as 0, or hold a value that the dump lost: a number
that one rule implies, that the other rules check, and that costs what losing one costs. Where there
are too many fillings, those are kept whose rules hold; the others count as one filling of which
nothing is known. Its weight is theirs, since rules that hold by chance gain on average nothing.

**Factors.** Let c be the probability that an unrelated number would be the rule's total. If the
rule holds, the total is no news: the factor is `HOLDS` / c. If it is broken, the factor is
1 - `HOLDS`, never 0: clerks err. A rule whose terms are all zero or blank tells nothing, nor does
one with an unknown term: factor 1.

**Inference.** A rule whose open cells lie in one segment is settled there. The others connect
segments, which are eliminated together (`elimination`). The result has the aligner's form: for
every symbol and slot a probability and a margin, so that confidences are made as before. A segment
stays as it was where no rule says anything, or where too much was left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import comb, exp, fsum, inf, log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tabrecover.elimination import Joint, Rules, Variable, infer
from tabrecover.fillings import Pairs, Path, Paths, Way, enumerate_fillings, log_sum
from tabrecover.posterior import Matrix
from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from tabrecover.template import Template

__all__ = ["OpenSegment", "Weighed", "amount_of", "chance_of", "scaled", "weigh"]

HOLDS = 0.9  # a printed sum is right; one slip in a hundred, which breaks two sums: 0.1 for each
PRIOR = 5.0  # settled sums of a table that the share above is worth
LEAST_TRUST = 0.6  # of a table's sums that hold; below, its rules say nothing
HOLDS_UNSEEN = 0.5  # so is one of whose terms a row is not in the dump
ANY_CHANCE = 0.2  # the same, of no particular rule
MIN_CHANCE = 1e-4  # that an unrelated number is a rule's total; no rule tells more than its inverse
VALUE_LOST = 0.002  # a value that the cell holds is not in the dump
REACH = 12.0  # nats behind the best, beyond which a filling is not considered
OPEN = 6.0  # nats behind the best, up to which another filling makes a segment open
CLEAR = 2.0  # nats behind the best, from which on no other filling ties with it
MAX_BLAMED = 3  # segments that a broken rule opens further, up to `REACH`
MAX_PATHS = 1_500  # fillings of a segment that are enumerated; beyond, a beam
MAX_STEPS = 6_000  # partial fillings that the beam of a segment looks at
MAX_SPENT = 40_000  # slots of fillings of a table, beyond which beams are narrow
MAX_LOST = 10_000  # slots of a segment's fillings in which a lost value is looked for
MAX_CELLS = 200_000  # symbols times slots of a segment that is enumerated at all
MIN_BEAM = 50
LEAST_SEEN = 0.5  # of a segment's probability; with less, it stays as the aligner had it
LIKELY = 1e-3  # of the most probable filling's share: below, a filling is not decoded
CONTRADICTED = 0.85  # what is believed of rules where the best filling breaks one
TIE_DIGITS = 9  # expectations equal to this many digits are a tie
ZERO = Decimal(0)
MAX_DIGITS = 15  # of an amount, in the unit of the smallest; longer ones are no counts

_Key = tuple[bytes, ...]
UNSEEN: Pairs = ((-1, -1),)  # stands for fillings that were dropped
NO_LABEL = -1
Floats = npt.NDArray[np.float64]


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
    adding up to 1, are conditional on; `chosen`: the filling that is
    decoded.
    """

    share: Matrix
    nothing: Floats
    matched: Matrix
    empty: Floats
    kept: float
    chosen: Pairs


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


def chance_of(total: float) -> float:
    """The probability that an unrelated number would be a rule's total; `total` in its steps."""
    return max(0.5 / (1 + abs(total)), MIN_CHANCE)


class _Terms:
    """The rules of a template over its cells, and what the certain cells add to them.

    `of[cell]` lists (rule, sign). `known[rule]` are the sums of both sides over certain cells;
    `void` holds the rules that some certain text makes impossible to evaluate, `unseen` those
    with a row that the dump does not show. `alike` makes all rules tell equally much, zeros too.
    `holds` is the probability that a sum of this table holds.
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
        self.alike = False
        self.holds = HOLDS

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
        return log(1 - (HOLDS_UNSEEN if rule in self.unseen else self.holds))

    def gain(self, rule: int, total: int) -> float:
        """The log-factor of a rule that holds with this total."""
        chance = ANY_CHANCE if self.alike else chance_of(total)
        return log((HOLDS_UNSEEN if rule in self.unseen else self.holds) / chance)


# --- fillings of a segment ----------------------------------------------------------------------


class _Filling(NamedTuple):
    """A path with what it adds to the rules across segments (None: unknown); `told`: a bit each.

    `weight` and `best` have the rules inside the segment in them.
    """

    weight: float
    best: float
    path: Path
    adds: tuple[int | None, ...]
    told: int
    broken: bool = False  # a rule inside


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
    `is_told` says whether the rules inside tell fillings apart.
    """

    def __init__(
        self,
        segment: OpenSegment,
        terms: _Terms,
        amounts: Sequence[int | None],
        texts: Sequence[str],
        trace: Sequence[int],
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
        self.texts = texts[segment.start : segment.start + segment.n]
        slots = trace[segment.start : segment.start + segment.n]
        self.placed = {
            slot - segment.first: text
            for slot, text in zip(slots, self.texts, strict=True)
            if slot >= 0 and text and segment.values[slot - segment.first]
        }
        first: dict[str, int] = {}
        self.names = [first.setdefault(text, i) for i, text in enumerate(self.texts)]
        live = inside | set(across)
        self.at: list[list[tuple[int, int]]] = []  # (rule, sign) by slot
        self.cell: list[int] = []
        for j in range(segment.first, segment.first + segment.m):
            cell = terms.slots[j].cell
            owned = cell >= 0 and segment.first <= terms.origin.get(cell, -1) <= j
            of = terms.of.get(cell, ()) if owned else ()
            self.at.append([(rule, sign) for rule, sign in of if rule in live])
            self.cell.append(cell)
        self.paths: list[tuple[Paths, frozenset[int]]] = []
        self.groups: list[_Group] = []
        self.is_told = False

    def moves(self, filling: _Filling) -> bool:
        """Whether a filling shows other texts than the aligner placed."""
        texts = {j: self.texts[i] for i, j in filling.path.pairs if self.texts[i]}
        return texts != self.placed

    def fill(self) -> None:
        """Make the groups from the paths of each way and the slots that it leaves out."""
        paths = self.paths
        fillings: list[_Filling] = []
        tried = self._tried_for_lost()
        for found, absent in paths:
            unknown = {rule for j in absent for rule, _ in self.at[j]}
            for path in found.paths:
                fillings += self._variants(path, unknown, absent if id(path) in tried else None)
        factors = {round(filling.weight - filling.path.weight, 6) for filling in fillings}
        self.is_told = len(factors) > 1
        best = max((filling.best for filling in fillings), default=0.0)
        groups: dict[tuple[tuple[int | None, ...], int], _Group] = {}
        for filling in fillings:
            if filling.best >= best - REACH:
                key = filling.adds, filling.told
                group = groups.setdefault(key, _Group(*key))
                group.fillings.append(filling)
        dropped = [found.dropped for found, _ in paths if found.dropped > -inf]
        if dropped:
            self._add_unknown(groups, log_sum(dropped))
        for group in groups.values():
            group.best = max(filling.best for filling in group.fillings)
            group.weight = log_sum([filling.weight for filling in group.fillings])
        self.groups = list(groups.values())

    def _tried_for_lost(self) -> set[int]:
        """The paths (by `id`) whose empty slots may hold a lost value; `MAX_LOST` slots in all."""
        likely = sorted((p for found, _ in self.paths for p in found.paths), key=lambda p: -p.best)
        top = likely[0].best if likely else 0.0
        count = MAX_LOST // self.segment.m
        return {id(path) for path in likely[:count] if path.best >= top - OPEN}

    def _add_unknown(
        self, groups: dict[tuple[tuple[int | None, ...], int], _Group], mass: float
    ) -> None:
        """One filling for all that was dropped, of which nothing is known."""
        key = (None,) * len(self.across), 0
        group = groups.setdefault(key, _Group(*key))
        group.fillings.append(_Filling(mass, mass, Path(mass, mass, UNSEEN), *key))

    def _variants(
        self, path: Path, unknown: set[int], absent: frozenset[int] | None
    ) -> list[_Filling]:
        """The filling with blanks where it shows nothing, and those with one value lost."""
        sums, void = self._sums(path.pairs, unknown)
        weight, broken = self._inside(sums, void)
        plain = _filling(path, weight, self._across(sums, void), broken=bool(broken))
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
        path: Path,
        rules: Sequence[tuple[int, int]],
        sums: Mapping[int, Sequence[int]],
        void: set[int],
        broken: Mapping[int, int],
    ) -> list[_Filling]:
        """Fillings in which a cell under `rules` holds what one of them lacks."""
        here = [rule for rule, _ in rules if rule in self.inside]
        if not here:
            other = void | {rule for rule, _ in rules}
            adds = self._across(sums, other)
            factor = self._inside(sums, void)[0] + self.lost
            return [_filling(path, factor, adds, broken=bool(broken))]
        result = []
        values = {-sign * broken[rule]: rule for rule, sign in rules if rule in broken}
        for value, implied_by in values.items():
            if value <= 0:
                continue
            more = {rule: list(sides) for rule, sides in sums.items()}
            for rule, sign in rules:
                more.setdefault(rule, [0, 0])[sign < 0] += value
            weight, still = self._inside(more, void | {implied_by})
            adds = self._across(more, void)
            result.append(_filling(path, weight + self.lost, adds, broken=bool(still)))
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
            elif rule not in self.terms.touched and not self.terms.alike:
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


def _filling(
    path: Path, factor: float, adds: tuple[tuple[int | None, ...], int], *, broken: bool
) -> _Filling:
    return _Filling(path.weight + factor, path.best + factor, path, *adds, broken)


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

    def settles(self, col: int) -> bool:
        """Whether any rule ends at the slot."""
        return bool(self.closing[col])

    def gain(self, sums: tuple[int, ...], col: int) -> float:
        """The log-factor of the rules that end at the slot."""
        gain = 0.0
        for k in self.closing[col]:
            left, right = sums[2 * k], sums[2 * k + 1]
            if left != right:
                gain += self.opened.terms.price(self.rules[k])
            elif left:
                gain += self.opened.terms.gain(self.rules[k], left)
        return gain


# --- all segments together ----------------------------------------------------------------------


def _joint(opened: Sequence[_Opened], terms: _Terms) -> Joint:
    """Weigh segments together that rules connect: options are their groups."""
    rules = sorted({rule for one in opened for rule in one.across})
    place = {rule: k for k, rule in enumerate(rules)}
    variables = [_variable(one, [place[rule] for rule in one.across], len(rules)) for one in opened]
    known = [terms.known[rule] for rule in rules]
    gain = [_gain(terms, rule, opened) for rule in rules]
    return infer(
        variables,
        Rules(
            np.array([left - right for left, right in known], dtype=np.int64),
            np.array([terms.alike or rule in terms.touched for rule in rules], dtype=bool),
            np.array(gain),
            np.array([terms.price(rule) for rule in rules]),
        ),
    )


def _gain(terms: _Terms, rule: int, opened: Sequence[_Opened]) -> float:
    """The log-factor of a rule that holds: by its total, or else by a usual number.

    Of an open total it must not depend on the rule: consistent fillings that give the numbers to
    other rules have as many that hold.
    """
    for side, sign in ((1, -1), (0, 1)):
        if not any((rule, sign) in at for one in opened for at in one.at):
            return terms.gain(rule, terms.known[rule][side])
    amounts = [a for one in opened for a in one.amounts if a]
    return fsum(terms.gain(rule, amount) for amount in amounts) / max(1, len(amounts))


def _variable(one: _Opened, places: Sequence[int], count: int) -> Variable:
    shape = len(one.groups), count
    adds = np.zeros(shape, dtype=np.int64)
    voids, tells = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for g, group in enumerate(one.groups):
        for bit, (k, add) in enumerate(zip(places, group.adds, strict=True)):
            adds[g, k] = add or 0
            voids[g, k] = add is None
            tells[g, k] = group.told >> bit & 1
    weight = np.array([group.weight for group in one.groups])
    best = np.array([group.best for group in one.groups])
    top = weight.max()
    return Variable(weight - top, best - top, adds, voids, tells)


# --- the whole ----------------------------------------------------------------------------------


def weigh(
    template: Template,
    trace: Sequence[int],
    amounts: Sequence[int | None],
    texts: Sequence[str],
    segments: Sequence[OpenSegment],
    lost: float,
) -> dict[int, Weighed]:
    """Weigh the open ones of `segments` by the template's rules; by place in `segments`.

    `trace` is the slot of every symbol without the rules, `amounts` and `texts` what
    it counts (None: it is no number) and says, `lost` the probability that a slot which shows
    nothing holds a lost value.
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
    settled = _Terms(template, trace)
    settled.settle([c for c in terms.origin if not any(c in cells[k] for k in chosen)], amounts)
    terms.holds = min(HOLDS, _trust(settled, cells, nonzero, chosen))
    chosen |= _blamed(settled, cells, nonzero, chosen)
    if not chosen or terms.holds < LEAST_TRUST:
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
            opened[k] = _Opened(
                segments[k], terms, amounts, texts, trace, inside, across, log(lost)
            )
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
    terms: _Terms, cells: Sequence[set[int]], nonzero: Sequence[bool], chosen: set[int]
) -> set[int]:
    """Segments with distant rivals that a rule speaks against, broken though all is settled."""
    blamed: set[int] = set()
    for rule in terms.broken():
        using = _using(rule, terms, cells, nonzero)
        if len(using) <= MAX_BLAMED and not using & chosen:
            blamed |= using
    return blamed


def _using(
    rule: int, terms: _Terms, cells: Sequence[set[int]], nonzero: Sequence[bool]
) -> set[int]:
    """The segments that may add to a rule."""
    return {
        k
        for k, own in enumerate(cells)
        if nonzero[k] and any(rule == r for cell in own for r, _ in terms.of[cell])
    }


def _trust(
    terms: _Terms, cells: Sequence[set[int]], nonzero: Sequence[bool], chosen: set[int]
) -> float:
    """How many of this table's sums hold, by those that are settled and tell something."""
    told = [
        rule
        for rule in terms.touched - terms.void
        if not _using(rule, terms, cells, nonzero) & chosen
    ]
    broken = len(terms.broken().intersection(told))
    return (HOLDS * PRIOR + len(told) - broken) / (PRIOR + len(told))


def _weigh_opened(opened: Mapping[int, _Opened], terms: _Terms) -> dict[int, Weighed]:
    """Weigh all open segments, those whose rules contradict each other once more.

    Where they do, and mend nothing in a segment that was clear without them, it stays as it was.
    """
    lister = _Lister()
    for one in opened.values():
        lister.list_fillings(one)
    components = _connected(opened)
    found: dict[int, tuple[Weighed, _Filling, bool]] = {}
    for keys in components:
        found.update(_component(keys, opened, terms))
    doubted = _doubted({k: (opened[k], chosen) for k, (_, chosen, _) in found.items()}, terms)
    terms.alike = True
    again: dict[int, Weighed] = {}
    for keys in components:
        if any(k in doubted and found[k][2] for k in keys):  # else not much is believed anyway
            again.update({k: own[0] for k, own in _component(keys, opened, terms).items()})
    return {
        k: _mixed(weighed, again[k]) if k in again else weighed
        for k, (weighed, chosen, _) in found.items()
        if k not in doubted or opened[k].segment.rival > -CLEAR or opened[k].moves(chosen)
    }


def _component(
    keys: Sequence[int], opened: Mapping[int, _Opened], terms: _Terms
) -> dict[int, tuple[Weighed, _Filling, bool]]:
    """Segments that rules connect, weighed together.

    Each with the filling that is decoded, and whether nothing was left out.
    """
    own = [opened[k] for k in keys]
    for one in own:
        one.fill()
    if len(own) == 1 and not own[0].across:
        if not own[0].is_told:
            return {}
        results, whole = [_weights(own[0], *_alone(own[0]))], True
    else:
        joint = _joint(own, terms)
        results = [
            _weights(one, share.tolist(), margin.tolist())
            for one, share, margin in zip(own, joint.share, joint.margin, strict=True)
        ]
        whole = joint.whole
    weighed = {}
    for k, one, weights in zip(keys, own, results, strict=True):
        if fsum(weight.share for weight in weights) >= LEAST_SEEN:
            chosen = _decoded(weights, one)
            weighed[k] = _weighed(weights, one, chosen), chosen, whole
    return weighed


class _Lister:
    """Lists the fillings of opened segments; equal lattices are enumerated once.

    Where a table took more than `MAX_SPENT`, its other segments get a narrow beam.
    """

    def __init__(self) -> None:
        self.known: dict[_Key, Paths | None] = {}
        self.spent = 0

    def list_fillings(self, one: _Opened) -> None:
        """Give a segment its fillings, by way."""
        names = repr(one.names).encode()
        for way in one.segment.ways():
            place = repr((tuple(way.kept), way.prior)).encode()
            key = (
                *(part.tobytes() for part in way.lattice if part is not None),
                bytes(one.segment.values),
                names,
                place,
            )
            if key not in self.known:
                self.known[key] = self._all(one, way)
            paths = self.known[key] or self._likely(one, way)
            if paths is not None:
                one.paths.append((paths, frozenset(range(one.segment.m)) - set(way.kept)))

    def _all(self, one: _Opened, way: Way) -> Paths | None:
        count = sum(one.segment.values)
        if self.spent > MAX_SPENT or comb(count, min(one.segment.n, count // 2)) > MAX_PATHS:
            return None
        return self._enumerated(one, way, MAX_PATHS, None)

    def _likely(self, one: _Opened, way: Way) -> Paths | None:
        width = MAX_STEPS // max(1, len(way.kept)) if self.spent <= MAX_SPENT else 0
        width = max(MIN_BEAM, min(width, MAX_PATHS))
        return self._enumerated(one, way, width, _InsideRules(one, way.kept))

    def _enumerated(
        self, one: _Opened, way: Way, width: int, ranking: _InsideRules | None
    ) -> Paths | None:
        values, names = one.segment.values, one.names
        found = enumerate_fillings(way, values, names, width, REACH, ranking)
        self.spent += (len(found.paths) if found else width) * len(way.kept)
        return found


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


def _alone(one: _Opened) -> tuple[list[float], list[float]]:
    """Probabilities and margins of the groups of a segment that no rule connects with others."""
    whole = log_sum([group.weight for group in one.groups])
    best = max(group.best for group in one.groups)
    share = [exp(group.weight - whole) for group in one.groups]
    return share, [group.best - best for group in one.groups]


class _Weight(NamedTuple):
    """A filling weighed: its probability and its margin."""

    share: float
    margin: float
    filling: _Filling


def _weights(one: _Opened, share: Sequence[float], margin: Sequence[float]) -> list[_Weight]:
    """All fillings of a segment, from what their groups got."""
    return [
        _Weight(mass * exp(f.weight - group.weight), lead + f.best - group.best, f)
        for group, mass, lead in zip(one.groups, share, margin, strict=True)
        if mass or lead > -inf
        for f in group.fillings
        if f.path.pairs is not UNSEEN
    ]


def _doubted(found: Mapping[int, tuple[_Opened, _Filling]], terms: _Terms) -> set[int]:
    """Segments that have a part in a rule which the decoded filling breaks.

    Their rules contradict each other: an error of the source. If it could be in another rule, that
    one's total may tell less or more; so much must not decide where a value stands.
    """
    sums: dict[int, int | None] = {}
    for one, filling in found.values():
        for rule, add in zip(one.across, filling.adds, strict=True):
            left, right = terms.known[rule]
            so_far = sums.get(rule, left - right)
            sums[rule] = None if so_far is None or add is None else so_far + add
    return {
        k
        for k, (one, filling) in found.items()
        if filling.broken
        or any(add and sums[rule] for rule, add in zip(one.across, filling.adds, strict=True))
    }


def _mixed(weighed: Weighed, other: Weighed) -> Weighed:
    """What rules say, and in part what they say if all of them tell equally much."""
    own, rest = CONTRADICTED, 1 - CONTRADICTED
    behind = log(rest / own)
    return Weighed(
        own * weighed.share + rest * other.share,
        own * weighed.nothing + rest * other.nothing,
        np.maximum(weighed.matched, other.matched + behind),
        np.maximum(weighed.empty, other.empty + behind),
        min(weighed.kept, other.kept),
        weighed.chosen,
    )


def _decoded(weights: Sequence[_Weight], one: _Opened) -> _Filling:
    """The filling with the most slots expected to hold the right text.

    Which of two equal texts it is does not matter: a slot that holds one of them in every filling
    is sure to.
    """
    shows: list[dict[str, float]] = [{} for _ in range(one.segment.m)]
    for share, _, filling in weights:
        held = {j: one.texts[i] for i, j in filling.path.pairs}
        for j, slot in enumerate(shows):
            text = held.get(j, "")
            slot[text] = slot.get(text, 0.0) + share
    top = max(weight.share for weight in weights)

    def expected(weight: _Weight) -> tuple[float, float]:
        pairs = weight.filling.path.pairs
        gained = fsum(shows[j][one.texts[i]] - shows[j].get("", 0.0) for i, j in pairs)
        return round(gained, TIE_DIGITS), weight.share

    return max((w for w in weights if w.share >= top * LIKELY), key=expected).filling


def _weighed(weights: Sequence[_Weight], one: _Opened, chosen: _Filling) -> Weighed:
    """Sum the fillings' probabilities for every symbol and slot."""
    n, m = one.segment.n, one.segment.m
    probability, nothing = np.zeros((n, m)), np.zeros(m)
    matched, empty = np.full((n, m), -inf), np.full(m, -inf)
    for share, margin, filling in weights:
        free = np.ones(m, dtype=bool)
        for i, j in filling.path.pairs:
            probability[i, j] += share
            matched[i, j] = max(matched[i, j], margin)
            free[j] = False
        nothing[free] += share
        empty[free] = np.maximum(empty[free], margin)
    kept = fsum(weight.share for weight in weights)
    return Weighed(
        probability / kept, nothing / kept, matched, empty, min(kept, 1.0), _symbols(one, chosen)
    )


def _symbols(one: _Opened, chosen: _Filling) -> Pairs:
    """The earliest symbols, in order, that have the names of a filling."""
    start = 0
    pairs = []
    for name, j in chosen.path.pairs:
        start = one.names.index(name, start) + 1
        pairs.append((start - 1, j))
    return tuple(pairs)
