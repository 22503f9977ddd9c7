"""What the cells of a column look like, learnt from the rows of a record table itself.

All records of a table are alike: their dates stand in one column, their codes in another. Types
tell texts from numbers only; the *shapes* of texts (their characters by category, with the lengths
of runs) tell much more, and which shape belongs to which column the rows show that are certain. So
the table is aligned twice or more (expectation maximisation): the posterior of one alignment gives
the shapes of every column, the next weighs every text by them. A row is judged by the others only
(leave-one-out), or it would prove itself. Shapes are seen seldom, so their shares are smoothed by
those of coarser ones, and these by those of the whole table (a hierarchical Dirichlet prior).
That rows are alike is a reason to place a text, and none to be sure: what a dump cuts in pieces is
alike as well. The aligner leaves a doubt there.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["Profiles", "shape_of"]

PRIOR = 2.0  # rows that a share learnt from coarser shapes is worth
MIN_ROWS = 4  # of a column that has a profile
MAX_TABLE = 4_000_000  # shapes times slots
EXACT = 3  # characters of a text that is its own shape


def shape_of(text: str) -> tuple[str, str]:
    """The coarse and the fine shape of a text: categories of its characters, and runs of them.

    >>> shape_of("2015-08-12"), shape_of("0.067"), shape_of("Low")
    (('-9', '9999-99-99'), ('.9', '9.999'), ('a', 'Low'))
    """
    kinds = [_kind(char) for char in text.strip()]
    coarse = "".join(sorted(set(kinds)))
    if len(text) <= EXACT and "9" not in coarse:
        return coarse, text
    runs = ((kind, len(list(run))) for kind, run in groupby(kinds))
    return coarse, "".join(kind * _steps(length, kind) for kind, length in runs)


def _kind(char: str) -> str:
    if char.isdecimal():
        return "9"
    if char.isalpha():
        return "x" if unicodedata.category(char) == "Lo" else "a"
    return " " if char.isspace() else char


def _steps(length: int, kind: str) -> int:
    """Lengths of words are told apart by powers of two, those of numbers as they are."""
    return length if kind == "9" else length.bit_length()


class _Table(NamedTuple):
    """Expected numbers of symbols of each shape, in all rows."""

    by_slot: Floats  # shapes times slots
    by_column: Floats  # shapes times columns
    filled: Floats  # of any shape, by slot


class Profiles:
    """Log-odds of symbols in slots of columns, by the shapes of their texts.

    `shapes[k]` is the shape of symbol `k`, or None where it has no text; `columns[slot]` the
    column whose rows are alike, or -1. Nothing is known before `learn`.
    """

    def __init__(self, shapes: Sequence[tuple[str, str] | None], columns: Sequence[int]) -> None:
        fine = {shape: n for n, shape in enumerate(dict.fromkeys(filter(None, shapes)))}
        coarse = {name: n for n, name in enumerate(dict.fromkeys(name for name, _ in fine))}
        self.of_symbol = _numbers(fine[shape] if shape else -1 for shape in shapes)
        self.coarse = _numbers(coarse[name] for name, _ in fine)
        self.n_coarse = len(coarse)
        self.columns = _numbers(columns)
        counts = np.bincount(self.of_symbol[self.of_symbol >= 0], minlength=len(fine))
        self.share = counts / max(1, counts.sum())
        self.coarse_share: Floats = np.bincount(
            self.coarse, self.share, minlength=self.n_coarse
        ).astype(np.float64)
        self.tables: tuple[_Table, _Table] | None = None

    @property
    def fits(self) -> bool:
        """Whether there are shapes enough to tell columns apart, and not too many to count."""
        columns = self.columns[self.columns >= 0]
        rows = np.bincount(columns).max(initial=0)
        size = len(self.share) * len(self.columns)
        return len(self.share) > 1 and rows >= MIN_ROWS and size <= MAX_TABLE

    def learn(self, shares: Mapping[int, Iterable[tuple[int, float]]]) -> None:
        """Take in an alignment: by slot, symbols with their probability of standing there."""
        by_slot = np.zeros((len(self.share), len(self.columns)))
        for slot, placed in shares.items():
            if self.columns[slot] >= 0:
                for symbol, probability in placed:
                    if symbol >= 0 and self.of_symbol[symbol] >= 0:
                        by_slot[self.of_symbol[symbol], slot] += probability
        coarse = np.zeros((self.n_coarse, len(self.columns)))
        np.add.at(coarse, self.coarse, by_slot)
        self.tables = self._table(by_slot), self._table(coarse)

    def emptiness(self, first: int, last: int, filled: float) -> tuple[Floats, Floats]:
        """By slot, how much surer than `filled` it is to hold a text, and to hold none (nats)."""
        surer = np.zeros((2, last - first))
        if self.tables is not None:
            slots = np.flatnonzero(self.columns[first:last] >= 0)
            column = self.columns[first:last][slots]
            table = self.tables[0]
            rows = np.bincount(self.columns[self.columns >= 0])[column] - 1
            others = table.by_column.sum(axis=0)[column] - table.filled[first:last][slots]
            share = (np.clip(others, 0, rows) + PRIOR * filled) / (rows + PRIOR)
            surer[:, slots] = np.log(share / filled), np.log((1 - share) / (1 - filled))
        return surer[0], surer[1]

    def _table(self, by_slot: Floats) -> _Table:
        by_column = np.zeros((len(by_slot), self.columns.max() + 1))
        known = self.columns >= 0
        np.add.at(by_column.T, self.columns[known], by_slot.T[known])
        return _Table(by_slot, by_column, by_slot.sum(axis=0))

    def log_odds(self, start: int, stop: int, first: int, last: int) -> Floats:
        """Of symbols `[start, stop)` in slots `[first, last)`, against the table as a whole."""
        odds = np.zeros((stop - start, last - first))
        symbols = np.flatnonzero(self.of_symbol[start:stop] >= 0)
        slots = np.flatnonzero(self.columns[first:last] >= 0)
        if self.tables is None or not len(symbols) or not len(slots):
            return odds
        shapes, which = np.unique(self.of_symbol[start:stop][symbols], return_inverse=True)
        fine, coarse = self.tables
        upper = self.coarse[shapes]
        above = _smoothed(
            coarse, upper, slots + first, self.columns, self.coarse_share[upper, None]
        )
        within = (self.share[shapes] / self.coarse_share[upper])[:, None]
        share = _smoothed(fine, shapes, slots + first, self.columns, above * within)
        odds[np.ix_(symbols, slots)] = np.log(share / self.share[shapes, None])[which]
        return odds


def _smoothed(table: _Table, rows: Ints, slots: Ints, columns: Ints, prior: Floats) -> Floats:
    """Shares of shapes in the other rows of each slot's column, drawn to `prior`."""
    column = columns[slots]
    others = table.by_column[np.ix_(rows, column)] - table.by_slot[np.ix_(rows, slots)]
    filled = table.by_column.sum(axis=0)[column] - table.filled[slots]
    drawn: Floats = (np.maximum(others, 0.0) + PRIOR * prior) / (np.maximum(filled, 0.0) + PRIOR)
    return drawn


def _numbers(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)
