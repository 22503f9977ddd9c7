"""Values run together with nothing between them, cut where slots and sums say.

A tool that joins all texts of a page leaves `Sheep1200340` for four cells and their label. Between
two labels the template has so many value slots, and what stands there can be cut into values in so
many ways: no number but 0 begins with a zero, slots may be empty, and where all cells of a rule
stand in this stretch, the rule weighs a way as in `sums`. Otherwise all ways weigh the same, for
under a geometric law of lengths all cuts of one string into as many numbers are equally probable.

The ways are the paths of a *lattice*: a state is a place in the text before a slot, with both sides
of every rule that is begun. Forward-backward over it gives the probability of each value at each
slot, which is a factor of its confidence, and the best path (Viterbi) the cut. How often slots are
empty is learnt from all stretches of the table, first from what is certain, then from what this
makes of the others (expectation maximisation).
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.model import Unit
from tabrecover.sums import HOLDS, chance_of
from tabrecover.template import SlotKind
from tabrecover.units import Units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tabrecover.align import Alignment
    from tabrecover.template import Template

__all__ = ["CutUnits", "GluedValue", "Lattice", "Solved", "cut_glued"]

MAX_RUN = 150  # characters of one stretch
MAX_STEPS = 10_000  # of one lattice; a longer one is not walked, and its text stays whole
MIN_SHARE = 1e-5  # of the steps into a slot; what is less probable is passed over
ROUNDS = 2  # in which the share of empty cells is learnt
_RUN = re.compile(r"[0-9.,%‰/\\—–―−-]*")
_MARK = r"(?:——|--|[/\\—–―−-])"  # dashes may be double
_COUNT = r"(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)"
_INTEGER = re.compile(f"{_COUNT}|{_MARK}", re.ASCII)
_DECIMAL = re.compile(rf"[-−]?{_COUNT}(?:\.\d{{1,2}})?[%‰]?|{_MARK}", re.ASCII)
_VALUES = {SlotKind.INTEGER: _INTEGER, SlotKind.DECIMAL: _DECIMAL}
CENTS = 100  # amounts are counted in hundredths

_Sums = tuple[tuple[int, int], ...]  # both sides of each rule, those that are begun
_State = tuple[int, _Sums]  # the place in the text


class CutUnits(NamedTuple):
    """Units of which some are cut; by number of the new ones, the probability of the cuts."""

    units: Units
    probability: Mapping[int, float]


class _Stretch(NamedTuple):
    """The value slots between two labels, and what the dump has there: a unit, or none (-1)."""

    unit: int
    text: str
    slots: tuple[int, ...]


class _Step(NamedTuple):
    """A way on from a state: the slot holds the text up to `end`, or nothing."""

    state: _State
    end: int
    following: _State
    weight: float


class GluedValue(NamedTuple):
    """A value cut out of a stretch: where it ends, and how probable it is there."""

    start: int
    end: int
    probability: float


class Solved(NamedTuple):
    """The values of the best path, and how many slots are expected to be empty."""

    values: tuple[GluedValue, ...]
    empty: float


def cut_glued(text: str, units: Units, alignment: Alignment) -> CutUnits | None:
    """The units with run together values cut into what the template has between labels.

    None where nothing is cut.
    """
    stretches = list(_stretches(text, units, alignment))
    lattices = {s.unit: _lattice(s, alignment.template) for s in stretches if len(s.text) > 1}
    known = [s for s in stretches if len(s.text) < 2 or set(s.text) == {"0"}]
    empty = float(sum(max(0, len(s.slots) - len(s.text)) for s in known))
    solved: dict[int, Solved] = {}
    for _ in range(ROUNDS):
        share = (empty + 1) / (sum(len(s.slots) for s in known) + 2)  # Laplace's rule of succession
        found = {unit: lattice.solve(share) for unit, lattice in lattices.items()}
        solved = {unit: own for unit, own in found.items() if own is not None}
        lattices = {unit: lattices[unit] for unit in solved}
        known = [s for s in stretches if len(s.text) < 2 or s.unit in solved]
        empty = sum(own.empty for own in solved.values())
        empty += sum(len(s.slots) - len(s.text) for s in known if len(s.text) < 2)
    cut = {unit: own.values for unit, own in solved.items() if len(own.values) > 1}
    return _cut_units(units, cut) if cut else None


def _stretches(text: str, units: Units, alignment: Alignment) -> Iterator[_Stretch]:
    """What stands between neighbouring labels that nothing parts from it: values, or nothing."""
    slots, symbols = alignment.template.slots, alignment.symbols
    labels = [
        (k, slot)
        for k, slot in enumerate(alignment.trace)
        if slot >= 0 and slots[slot].kind == SlotKind.LABEL and symbols[k].unit >= 0
    ]
    for (k, first), (after, last) in pairwise([*labels, (len(symbols), len(slots))]):
        between = {slots[number].kind for number in range(first + 1, last)}
        values = tuple(n for n in range(first + 1, last) if slots[n].kind < SlotKind.TEXT)
        shown = [symbol.unit for symbol in symbols[k + 1 : after] if symbol.unit >= 0]
        if not values or len(shown) > 1 or not between.isdisjoint((SlotKind.TEXT, SlotKind.LABEL)):
            continue
        label = symbols[k].unit
        gaps = units.gaps[label + 1 : label + 2 + len(shown)]
        own = "".join(text[units.units[n].start : units.units[n].end] for n in shown)
        if "" in gaps and len(own) <= MAX_RUN and _RUN.fullmatch(own):
            yield _Stretch(shown[0] if shown else -1, own, values)


def _lattice(stretch: _Stretch, template: Template) -> Lattice:
    """The ways to cut a stretch, weighed by the rules all of whose cells stand in it."""
    place = {template.slots[slot].cell: k for k, slot in enumerate(stretch.slots)}
    rules = [
        ({place[cell] for cell in rule.left}, {place[cell] for cell in rule.right})
        for rule in template.instances
        if place.keys() >= {*rule.left, *rule.right}
    ]
    return Lattice(stretch.text, [template.slots[slot].kind for slot in stretch.slots], rules)


class Lattice:
    """The ways to cut a text into values of slots, one each or none.

    `rules` are sums: the numbers of the slots on both sides.
    """

    def __init__(
        self, text: str, kinds: Sequence[SlotKind], rules: Sequence[tuple[set[int], set[int]]]
    ) -> None:
        self.text = text
        self.ends = _leading_on([_ends(text, kind) for kind in kinds], len(text))
        self.begin: _Sums = ((0, 0),) * len(rules)
        self.touched = [  # by slot: rule, whether on its left and on its right, whether the last
            [
                (k, slot in left, slot in right, slot == max(left | right))
                for k, (left, right) in enumerate(rules)
                if slot in left | right
            ]
            for slot in range(len(kinds))
        ]

    def solve(self, empty: float) -> Solved | None:
        """The best cut, if a slot is empty with this probability; None if there are too many."""
        layers: list[list[_Step]] = []
        reached: dict[_State, float] = {(0, self.begin): 1.0}
        forward = [reached]
        left = MAX_STEPS
        for slot in range(len(self.ends)):
            every = (step for state in reached for step in self._steps(state, slot, empty))
            steps = list(islice(every, left))
            left -= len(steps)
            if not left:
                return None
            following: dict[_State, float] = defaultdict(float)
            for step in steps:
                following[step.following] += reached[step.state] * step.weight
            least = MIN_SHARE * max(following.values(), default=0.0)
            reached = {state: weight for state, weight in following.items() if weight > least}
            layers.append([step for step in steps if step.following in reached])
            forward.append(reached)
        return self._decoded(layers, forward, dict.fromkeys(reached, 1.0)) if reached else None

    def _steps(self, state: _State, slot: int, empty: float) -> Iterator[_Step]:
        at, sums = state
        for end in self.ends[slot][at]:
            weight = empty if end == at else 1 - empty
            yield self._step(state, slot, sums, end, _amount(self.text[at:end]), weight)

    def _step(
        self, state: _State, slot: int, sums: _Sums, end: int, amount: int, weight: float
    ) -> _Step:
        touched = self.touched[slot]
        if touched and (amount or any(is_last for *_, is_last in touched)):
            own = list(sums)
            for k, on_left, on_right, is_last in touched:
                one, other = own[k]
                own[k] = one, other = one + amount * on_left, other + amount * on_right
                if is_last:
                    weight *= _factor(one, other)
                    own[k] = 0, 0
            sums = tuple(own)
        return _Step(state, end, (end, sums), weight)

    @staticmethod
    def _decoded(
        layers: Sequence[Sequence[_Step]],
        forward: Sequence[Mapping[_State, float]],
        ended: Mapping[_State, float],
    ) -> Solved:
        """Forward-backward, and the best path: from the last slot to the first."""
        whole = sum(forward[-1][state] for state in ended)
        behind = dict(ended)
        best: dict[_State, tuple[float, tuple[GluedValue, ...]]] = dict.fromkeys(ended, (1.0, ()))
        expected = 0.0
        for steps, reached in zip(reversed(layers), reversed(forward[:-1]), strict=True):
            shares: dict[tuple[int, int], float] = defaultdict(float)
            before: dict[_State, float] = defaultdict(float)
            for state, end, following, weight in steps:
                if following in behind:
                    before[state] += weight * behind[following]
                    share = reached[state] * weight * behind[following] / whole
                    shares[state[0], end] += share
                    expected += share * (end == state[0])
            better: dict[_State, tuple[float, tuple[GluedValue, ...]]] = {}
            for state, end, following, weight in steps:
                if following in best and state in reached:
                    top, values = best[following]
                    value = (GluedValue(state[0], end, shares[state[0], end]),) * (end > state[0])
                    if top * weight > better.get(state, (-1.0, ()))[0]:
                        better[state] = top * weight, (*value, *values)
            behind, best = before, better
        return Solved(best[next(iter(forward[0]))][1], expected)


@lru_cache(maxsize=256)
def _ends(text: str, kind: SlotKind) -> tuple[tuple[int, ...], ...]:
    """Where a value that begins at each place may end."""
    value = _VALUES[kind]
    return tuple(
        tuple(end for end in range(at + 1, len(text) + 1) if value.fullmatch(text, at, end))
        for at in range(len(text))
    )


def _leading_on(ends: Sequence[Sequence[Sequence[int]]], length: int) -> list[list[list[int]]]:
    """By slot and place where its value may end, or nothing is, so that the rest fits behind it."""
    leading: list[list[list[int]]] = []
    fits = {length}
    for own in reversed(ends):
        ways = [
            [end for end in (at, *(own[at] if at < length else ())) if end in fits]
            for at in range(length + 1)
        ]
        fits = {at for at, behind in enumerate(ways) if behind}
        leading.append(ways)
    return leading[::-1]


@lru_cache(maxsize=4096)
def _amount(text: str) -> int:
    """What a value counts, in hundredths; a mark nothing."""
    digits = text.rstrip("%‰").replace(",", "").replace("−", "-")
    if not any(map(str.isdecimal, digits)):
        return 0
    whole, _, fraction = digits.lstrip("-").partition(".")
    amount = CENTS * int(whole) + int(fraction.ljust(2, "0") or 0)
    return -amount if digits.startswith("-") else amount


def _factor(one: int, other: int) -> float:
    """What a rule makes of a way whose two sides are these; of zeros alone nothing."""
    if one != other:
        return 1 - HOLDS
    unit = 1 if one % CENTS else CENTS
    return HOLDS / chance_of(one / unit) if one else 1.0


def _cut_units(units: Units, cut: Mapping[int, Sequence[GluedValue]]) -> CutUnits:
    """The units with some of them in pieces, nothing between these."""
    made: list[Unit] = []
    gaps = [units.gaps[0]]
    probability: dict[int, float] = {}
    for number, unit in enumerate(units.units):
        for value in cut.get(number, ()):
            probability[len(made)] = value.probability
            made.append(Unit(unit.start + value.start, unit.start + value.end))
            gaps.append("")
        if number in cut:
            gaps.pop()
        else:
            made.append(unit)
        gaps.append(units.gaps[number + 1])
    return CutUnits(Units(tuple(made), tuple(gaps)), probability)
