"""Posterior of an alignment: forward-backward over a segment, and the decoding from it.

A pair hidden Markov model in the sense of Durbin et al. (1998, chapter 4): symbols `i` and slots
`j` are consumed by three moves, match (both), stray (a symbol), skip (a slot). Strays come
before skips between two matches, so every alignment has exactly one path and P(i ~ j) is exact.
What stands *behind* all slots is no stray: a lattice may end before any symbol, at a price.
Rows of the lattice are vectors: n * m cells cost O(n) numpy calls of length m.

The same lattice with maximum for sum gives *margins*: how far the best alignment with symbol `i`
in slot `j`, or with slot `j` empty, lies behind the best of all. A sum can hide a tie: one blank
among fifteen slots leaves the first value 14 in 15 in place, although no evidence speaks for it.
Its margin is 0, and says so.

Decoding maximises the expected number of right matches (maximum expected accuracy, as in
Do et al., ProbCons, 2005).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "Margins",
    "Matrix",
    "after",
    "decode",
    "forward",
    "forward_backward",
    "log_total",
    "margins",
    "total_of",
]

Matrix = npt.NDArray[np.float64]

TIE_DIGITS = 9  # probabilities equal to this many digits are a tie


class Margins(NamedTuple):
    """Log-odds against the best alignment, at most 0: of matches `[n, m]`, of empty slots `[m]`.

    `best` is the best alignment's score.
    """

    match: Matrix
    empty: Matrix
    best: float


def forward(match: Matrix, stray: Matrix, skip: Matrix) -> Matrix:
    """The log of the sum over all ways from the start to each lattice point, `[n + 1, m + 1]`.

    `match[i, j]` scores symbol `i` in slot `j`; `stray[i, j]` symbol `i` as stray after `j`
    slots, shape `[n, m + 1]`; `skip[j]` slot `j` left empty.
    """
    return _forward(match, stray, _fall(skip), np.logaddexp)


def forward_backward(
    match: Matrix,
    stray: Matrix,
    skip: Matrix,
    behind: Matrix | None = None,
    reached: Matrix | None = None,
) -> tuple[Matrix, float]:
    """Match probabilities `[n, m]` and the log of the sum over all alignments.

    `behind[i]`, shape `[n + 1]`, scores that the symbols from `i` on stand behind all slots; None:
    there is nothing behind. `reached` is what `forward` gives, if it is known.
    """
    if reached is None:
        reached = forward(match, stray, skip)
    after_match, _ = _backward(match, stray, _fall(skip), behind, np.logaddexp)
    total = total_of(reached, behind)
    joint = reached[:-1, :-1] + match + after_match[1:, 1:] - total
    return np.exp(np.minimum(joint, 0.0)), total


def total_of(reached: Matrix, behind: Matrix | None) -> float:
    """The log of the sum over all alignments, from what `forward` gives."""
    ended = reached[-1:, -1] if behind is None else reached[:, -1] + behind
    return float(np.logaddexp.reduce(ended))


def log_total(match: Matrix, stray: Matrix, skip: Matrix, behind: Matrix | None = None) -> float:
    """The log of the sum over all alignments; half the work of `forward_backward`."""
    return total_of(forward(match, stray, skip), behind)


def margins(match: Matrix, stray: Matrix, skip: Matrix, behind: Matrix | None = None) -> Margins:
    """How far each match, and each empty slot, lies behind the best alignment."""
    n, m = match.shape
    fall = _fall(skip)
    reached = _forward(match, stray, fall, np.maximum)
    after_match, after_skip = _backward(match, stray, fall, behind, np.maximum)
    best = reached[n, m] if behind is None else (reached[:, m] + behind).max()
    matched = reached[:-1, :-1] + match + after_match[1:, 1:] - best
    empty = (reached[:, :-1] + skip + after_skip[:, 1:]).max(axis=0) - best
    return Margins(np.minimum(matched, 0.0), np.minimum(empty, 0.0), float(best))


def _fall(skip: Matrix) -> Matrix:
    """The score of skipping all slots before each."""
    fall = np.zeros(len(skip) + 1)
    np.add.accumulate(skip, out=fall[1:])
    return fall


def _forward(match: Matrix, stray: Matrix, fall: Matrix, plus: np.ufunc) -> Matrix:
    """Sum (by `plus`) of all ways from the start to each lattice point."""
    n, m = match.shape
    reached = np.empty((n + 1, m + 1))
    row = np.full(m + 1, -np.inf)  # ways whose last move was no skip
    row[0] = 0.0
    for i in range(n + 1):
        if i:
            row += stray[i - 1]
            plus(row[1:], reached[i - 1, :-1] + match[i - 1], out=row[1:])
        np.add(plus.accumulate(row - fall), fall, out=reached[i])
    return reached


def _backward(
    match: Matrix, stray: Matrix, fall: Matrix, behind: Matrix | None, plus: np.ufunc
) -> tuple[Matrix, Matrix]:
    """Sum of all ways to the end, from points reached by no skip, and from those by a skip."""
    n, m = match.shape
    after_match = np.empty((n + 1, m + 1))
    after_skip = np.empty((n + 1, m + 1))
    leave = np.full(m + 1, -np.inf)  # ways that leave the row by a match, or at the end
    leave[m] = 0.0 if behind is None else behind[n]
    for i in range(n, -1, -1):
        if i < n:
            np.add(match[i], after_match[i + 1, 1:], out=leave[:m])
            leave[m] = -np.inf if behind is None else behind[i]
        np.subtract(plus.accumulate((leave + fall)[::-1])[::-1], fall, out=after_skip[i])
        if i < n:
            plus(after_skip[i], stray[i] + after_match[i + 1], out=after_match[i])
        else:
            after_match[i] = after_skip[i]
    return after_match, after_skip


def after(
    match: Matrix, stray: Matrix, skip: Matrix, behind: Matrix | None, plus: np.ufunc
) -> tuple[Matrix, Matrix]:
    """Sum (by `plus`) of all ways from each lattice point to the end, both `[n + 1, m + 1]`.

    The first is for points reached by no skip, the second for those reached by one, from where
    no stray follows.
    """
    return _backward(match, stray, _fall(skip), behind, plus)


def decode(probability: Matrix) -> list[int]:
    """The slot of each symbol (-1: none) on the alignment with the highest expected accuracy.

    A symbol that is more likely a stray than anywhere in a slot stays out; of equal alignments
    the one that fills the earlier slots is taken.
    """
    n, m = probability.shape
    placed = probability.sum(axis=1, keepdims=True) >= 0.5
    probability = np.where(placed, probability.round(TIE_DIGITS), 0.0)
    table = np.zeros((n + 1, m + 1))
    for i in range(n):
        np.maximum(table[i, 1:], table[i, :-1] + probability[i], out=table[i + 1, 1:])
        np.maximum.accumulate(table[i + 1], out=table[i + 1])
    best = table.tolist()
    slots = [-1] * n
    i, j = n, m
    while i and j:
        if best[i][j] == best[i][j - 1]:
            j -= 1
        elif best[i][j] == best[i - 1][j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            slots[i] = j
    return slots
