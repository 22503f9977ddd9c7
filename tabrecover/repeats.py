"""How many rows a record table has: the number of copies that explains the symbols best.

A template's repeated rows are unrolled: written out as often as a number of copies says, which
gives an ordinary template. Too few copies leave symbols over, too many leave slots empty, and both
cost; so the score has its peak where the rows of the dump are. It is climbed from the numbers that
the symbols would fill, all of them and those that are texts: empty cells that the dump shows may
be row ends. The neighbours of the best number are rivals: their share of the probability
is what the number of rows leaves open.
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
    from tabrecover.template import Template

__all__ = ["Fit", "best_fit"]

REACH = 2  # copies more or less that are looked at from every step of the climb


class Fit(NamedTuple):
    """A template's aligner with its score, and the probability of its number of rows."""

    score: float
    aligner: Aligner
    share: float


def best_fit(
    template: Template, symbols: Sequence[Symbol], aligned: Callable[[int], Aligner]
) -> Fit | None:
    """`template` with the best number of copies; None where it can't be aligned.

    `aligned` gives the aligner of the symbols with so many copies.
    """
    return _Climb(template, symbols, aligned).best()


class _Climb:
    def __init__(
        self, template: Template, symbols: Sequence[Symbol], aligned: Callable[[int], Aligner]
    ) -> None:
        self.template = template
        self.symbols = symbols
        self.aligned = aligned
        self.tried: dict[int, tuple[float, Aligner]] = {}

    def score(self, copies: int) -> float:
        if copies not in self.tried:
            aligner = self.aligned(copies)
            score = aligner.score()
            self.tried[copies] = (-inf if score is None else score, aligner)
        return self.tried[copies][0]

    def best(self) -> Fit | None:
        least, most = self._bounds()
        starts = {min(max(start, least), most) for start in self._starts()}
        best = max((self._top_from(start, least, most) for start in starts), key=self.score)
        top_score, aligner = self.tried[best]
        if top_score == -inf:
            return None
        share = 1 / sum(exp(score - top_score) for score, _ in self.tried.values())
        return Fit(top_score, aligner, share)

    def _top_from(self, copies: int, least: int, most: int) -> int:
        while True:
            near = range(max(least, copies - REACH), min(most, copies + REACH) + 1)
            top = max(near, key=self.score)
            if self.score(top) <= self.score(copies):
                return copies
            copies = top

    def _bounds(self) -> tuple[int, int]:
        repeated = self.template.repeated
        if repeated is None:
            return 1, 1
        room = MAX_CELLS // (self.template.n_rows * self.template.n_cols)
        return repeated.least, max(repeated.least, min(repeated.most, room))

    def _starts(self) -> Iterator[int]:
        """The copies that symbols would fill for which the other rows have no room."""
        inner = sum(slot.kind <= SlotKind.TEXT for slot in self.template.slots_repeated)
        outer = sum(slot.kind <= SlotKind.TEXT for slot in self.template.slots) - inner
        cells = [s for s in self.symbols if s.kind not in (UnitKind.LABEL, UnitKind.ROW_END)]
        for filling in (len(cells), sum(s.unit >= 0 for s in cells)):
            yield (filling - outer) // max(1, inner)
