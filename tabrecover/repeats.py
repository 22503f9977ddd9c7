"""How many rows a record table has: the number of copies that explains the symbols best.

A template's repeated rows are unrolled: written out as often as a number of copies says, which
gives an ordinary template. Too few copies leave symbols over, too many leave slots empty, and both
cost; so the score has its peak where the rows of the dump are. It is climbed from the numbers that
the symbols would fill, all of them and those that are texts: empty cells that the dump shows may
be row ends. Several groups of repeated rows are climbed in turn (coordinate ascent). The neighbours
of the best number are rivals: their share of the probability is what the number of rows leaves
open.
"""

from __future__ import annotations

from math import exp, inf
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.scoring import UnitKind
from tabrecover.template import MAX_CELLS, SlotKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tabrecover.align import Aligner
    from tabrecover.symbols import Symbol
    from tabrecover.template import Copies, Template

__all__ = ["Fit", "best_fit"]

REACH = 2  # copies more or less that are looked at from every step of the climb


class Fit(NamedTuple):
    """A template's aligner with its score, and the probability of its number of rows."""

    score: float
    aligner: Aligner
    share: float


def best_fit(
    template: Template, symbols: Sequence[Symbol], aligned: Callable[[Copies], Aligner]
) -> Fit | None:
    """`template` with the best numbers of copies; None where it can't be aligned.

    `aligned` gives the aligner of the symbols with so many copies of each group.
    """
    return _Climb(template, symbols, aligned).best()


class _Climb:
    def __init__(
        self, template: Template, symbols: Sequence[Symbol], aligned: Callable[[Copies], Aligner]
    ) -> None:
        self.template = template
        self.symbols = symbols
        self.aligned = aligned
        self.bounds = list(_bounds(template))
        self.tried: dict[Copies, tuple[float, Aligner]] = {}

    def score(self, copies: Copies) -> float:
        if copies not in self.tried:
            aligner = self.aligned(copies)
            score = aligner.score()
            self.tried[copies] = (-inf if score is None else score, aligner)
        return self.tried[copies][0]

    def best(self) -> Fit | None:
        groups = range(len(self.bounds))
        orders = {tuple(groups), tuple(reversed(groups))}  # the first group takes what it can
        tops = [self._top_from(start, order) for start in set(self._starts()) for order in orders]
        best = max(tops, key=self.score)
        top_score, aligner = self.tried[best]
        if top_score == -inf:
            return None
        share = 1 / sum(exp(score - top_score) for score, _ in self.tried.values())
        return Fit(top_score, aligner, share)

    def _top_from(self, copies: Copies, order: Sequence[int]) -> Copies:
        """The top of a climb, one group after the other until none has a better number."""
        while True:
            before = copies
            for group in order:
                copies = self._climbed(copies, group)
            if copies == before or len(self.bounds) < 2:
                return copies

    def _climbed(self, copies: Copies, group: int) -> Copies:
        """The copies with the best number of one group, by steps that double while they help."""
        least, most = self.bounds[group]

        def with_number(number: int) -> Copies:
            return (*copies[:group], min(max(number, least), most), *copies[group + 1 :])

        step = REACH
        while True:
            own = copies[group]
            by = range(-REACH, REACH + 1) if step <= REACH else (-step, step)
            top = max((with_number(own + number) for number in by), key=self.score)
            if self.score(top) > self.score(copies):
                step = 2 * step if abs(top[group] - own) == step else step
                copies = top
            elif step <= REACH:
                return copies
            else:
                step //= 2

    def _starts(self) -> Iterator[Copies]:
        """The copies that symbols would fill for which the other rows have no room.

        Of several groups labels between them tell how many rows each has: from the least on.
        """
        if len(self.bounds) != 1:
            yield tuple(least for least, _ in self.bounds)
            return
        ((least, most),) = self.bounds
        inner = sum(slot.kind <= SlotKind.TEXT for slot in self.template.slots_repeated)
        outer = sum(slot.kind <= SlotKind.TEXT for slot in self.template.slots) - inner
        cells = [s for s in self.symbols if s.kind not in (UnitKind.LABEL, UnitKind.ROW_END)]
        for filling in (len(cells), sum(s.unit >= 0 for s in cells)):
            yield (min(max((filling - outer) // max(1, inner), least), most),)


def _bounds(template: Template) -> Iterator[tuple[int, int]]:
    """How often each group may be there, at least and at most; all of them together fit."""
    room = MAX_CELLS // (template.n_rows * template.n_cols)
    spare = MAX_CELLS // template.n_cols - template.least_rows  # rows
    heights = sum(len(group.rows) for group in template.repeated)
    for group in template.repeated:
        most = min(group.most, room, group.least + spare // heights)
        yield group.least, max(group.least, most)
