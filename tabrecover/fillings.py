"""The fillings of a segment: which symbols its value slots may hold, and how well that scores.

The paths through a segment's lattice (`posterior`), those that fill the values alike taken
together: what happens to labels and row ends on the way makes no difference. They are followed
slot by slot. The best completion of every partial path is known, so that none is followed in vain
(A*, with an exact heuristic). Where there are too many, a beam keeps those that a ranking likes
best, and the mass of what it drops is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, inf, log, log1p
from typing import NamedTuple, Protocol

import numpy as np

from tabrecover.posterior import Matrix, after

__all__ = [
    "GROWTH",
    "Lattice",
    "Pairs",
    "Path",
    "Paths",
    "Ranking",
    "Way",
    "enumerate_fillings",
    "log_sum",
]

ROUNDING = 1e-6
GROWTH = 16  # times the width of a beam: as many partial paths may one slot lead to

Pairs = tuple[tuple[int, int], ...]


class Lattice(NamedTuple):
    """Scores of matches `[n, m]`, strays `[n, m + 1]` and skips `[m]` (see `posterior`).

    `behind[i]`: of the symbols from `i` on, as what is behind all slots; None: nothing may be.
    """

    match: Matrix
    stray: Matrix
    skip: Matrix
    behind: Matrix | None = None


class Way(NamedTuple):
    """A lattice of a segment over the slots `kept`, and its log-probability."""

    lattice: Lattice
    kept: Sequence[int]
    prior: float


class Path(NamedTuple):
    """A filling of the value slots: log-sum and maximum of its alignments, and what goes where.

    `pairs` are names of symbols (see `enumerate_fillings`) and slots, relative to the segment.
    """

    weight: float
    best: float
    pairs: Pairs


class Paths(NamedTuple):
    """Fillings of one way, and the log-mass of those that were dropped."""

    paths: list[Path]
    dropped: float


class Ranking(Protocol):
    """What is known of partial fillings beyond their scores: sums so far, and what they gain."""

    known: tuple[int, ...]

    def added(self, sums: tuple[int, ...], i: int, col: int) -> tuple[int, ...]:
        """The sums with symbol `i` in slot `col`."""

    def settles(self, col: int) -> bool:
        """Whether anything is settled once slot `col` is passed."""

    def gain(self, sums: tuple[int, ...], col: int) -> float:
        """The log-factor of it."""


def enumerate_fillings(
    way: Way,
    values: Sequence[bool],
    names: Sequence[int],
    width: int,
    reach: float,
    ranking: Ranking | None = None,
) -> Paths | None:
    """All fillings at most `reach` nats behind the best one.

    `values` tells which slots of the segment are values, `names` which symbols say the same:
    fillings that differ in no name are one. If there are more than `width`, those are kept that
    `ranking` likes best; without one, the result is None.
    """
    return _Enumerator(way, values, names, width, reach, ranking).run()


def log_sum(scores: Sequence[float]) -> float:
    """The log of the sum of exponentials."""
    top = max(scores)
    return top + log(fsum(exp(score - top) for score in scores)) if top > -inf else top


# Alignments of the first slots that fill values alike: log-sum and maximum of their scores, the
# factor of the rules settled, and both sides of every rule inside so far. There are thousands of
# them, and a plain tuple is made in a fraction of the time.
_Partial = tuple[float, float, float, tuple[int, ...]]
_Spot = tuple[bool, int]  # whether a stray may follow (the last move was no skip); values so far
_Front = list[dict[_Spot, _Partial]]  # by number of symbols used
_NO_VALUES = -1


class _Enumerator:
    def __init__(
        self,
        way: Way,
        values: Sequence[bool],
        names: Sequence[int],
        width: int,
        reach: float,
        ranking: Ranking | None,
    ) -> None:
        lattice = way.lattice
        self.way = way
        self.names = names
        self.width = width
        self.stray, self.skip = lattice.stray.tolist(), lattice.skip.tolist()
        self.match = lattice.match.tolist()
        self.n, self.m = lattice.match.shape
        nothing = [*[-inf] * self.n, 0.0]
        self.ended = nothing if lattice.behind is None else lattice.behind.tolist()
        self.is_value = [values[j] for j in way.kept]
        freely, skipped = (side.tolist() for side in after(*lattice, np.maximum))
        self.bound = (skipped, freely)  # by whether a stray may follow
        self.masses: tuple[list[list[float]], list[list[float]]] | None = None
        self.floor = freely[0][0] - reach - ROUNDING
        self.dropped = -inf
        self.ranking = ranking
        # Values so far have a number, told by the number of those before the last, and its pair:
        # fillings share their beginnings, so one value more costs the same however many there are.
        self.numbers: dict[tuple[int, int, int], int] = {}

    def run(self) -> Paths | None:
        front: _Front = [{} for _ in range(self.n + 1)]
        front[0][True, _NO_VALUES] = 0.0, 0.0, 0.0, self.ranking.known if self.ranking else ()
        kept = self.width
        for col in range(self.m):
            self._add_strays(front, col)
            front = self._step(front, col)
            size = sum(map(len, front))
            if size <= self.width:
                kept = self.width
                continue
            if self.ranking is None:
                return None
            # where many symbols may be strays, each path that is kept leads to as many more
            kept = max(1, min(self.width, GROWTH * self.width * kept // size))
            front = self._best_of(front, col + 1, kept)
        self._add_strays(front, self.m)
        prior = self.way.prior
        alike: dict[_Spot, _Partial] = {}
        for i, ended in enumerate(self.ended):
            for (_, values), (mass, best, gain, sums) in front[i].items() if ended > -inf else ():
                _join(alike, (True, values), (mass + ended, best + ended, gain, sums))
        steps = list(self.numbers)
        paths = [
            Path(mass + prior, best + prior, _pairs(values, steps, self.way.kept))
            for (_, values), (mass, best, _, _) in alike.items()
        ]
        return Paths(paths, self.dropped + prior)

    def _add_strays(self, front: _Front, col: int) -> None:
        for i in range(self.n):
            score, bound = self.stray[i][col], self.bound[True][i + 1][col] - self.floor
            for spot, (mass, best, gain, sums) in front[i].items():
                if spot[0] and best + score + bound >= 0:
                    _join(front[i + 1], spot, (mass + score, best + score, gain, sums))

    def _step(self, front: _Front, col: int) -> _Front:
        """Skip the slot, or match it with the next symbol."""
        moved: _Front = [{} for _ in range(self.n + 1)]
        skip, value = self.skip[col], self.is_value[col]
        for i, spots in enumerate(front):
            after_skip = self.bound[False][i][col + 1] - self.floor
            match = self.match[i][col] if i < self.n else -inf
            after_match = self.bound[True][i + 1][col + 1] - self.floor if i < self.n else -inf
            for (_, values), (mass, best, gain, sums) in spots.items():
                if best + skip + after_skip >= 0:
                    partial = mass + skip, best + skip, gain, sums
                    _join(moved[i], (False, values), partial)
                if best + match + after_match >= 0:
                    added = self.ranking.added(sums, i, col) if self.ranking and value else sums
                    partial = mass + match, best + match, gain, added
                    longer = self._with(values, i, col) if value else values
                    _join(moved[i + 1], (True, longer), partial)
        if self.ranking and self.ranking.settles(col):
            for spots in moved:
                for spot, (mass, best, gain, sums) in spots.items():
                    spots[spot] = mass, best, gain + self.ranking.gain(sums, col), sums
        return moved

    def _with(self, values: int, i: int, col: int) -> int:
        """The number of the values so far and symbol `i` in slot `col`."""
        return self.numbers.setdefault((values, self.names[i], col), len(self.numbers))

    def _best_of(self, front: _Front, col: int, kept: int) -> _Front:
        """Keep those with the best bound and settled rules; account for the others."""
        if self.masses is None:
            freely, skipped = (s.tolist() for s in after(*self.way.lattice, np.logaddexp))
            self.masses = skipped, freely
        spots = [(i, spot) for i, own in enumerate(front) for spot in own]
        outlook = np.array(
            [
                best + gain + self.bound[freely][i][col]
                for i, own in enumerate(front)
                for (freely, _), (_, best, gain, _) in own.items()
            ]
        )
        lost = [self.dropped]
        for place in np.argpartition(-outlook, kept)[kept:].tolist():
            i, spot = spots[place]
            mass, _, gain, _ = front[i].pop(spot)
            lost.append(mass + gain + self.masses[spot[0]][i][col])
        self.dropped = log_sum(lost)
        return front


def _pairs(values: int, steps: Sequence[tuple[int, int, int]], kept: Sequence[int]) -> Pairs:
    """The names and slots that a number of values stands for; `steps` are in their order."""
    pairs: list[tuple[int, int]] = []
    while values != _NO_VALUES:
        values, name, col = steps[values]
        pairs.append((name, kept[col]))
    return tuple(reversed(pairs))


def _join(spots: dict[_Spot, _Partial], spot: _Spot, partial: _Partial) -> None:
    """Add alignments to those that fill values alike."""
    other = spots.get(spot)
    if other is not None:
        mass, best, gain, sums = partial
        most, least = (mass, other[0]) if mass > other[0] else (other[0], mass)
        partial = most + log1p(exp(least - most)), max(best, other[1]), gain, sums
    spots[spot] = partial
