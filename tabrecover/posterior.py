"""Posterior of an alignment: forward-backward over a segment, and the decoding from it.

A pair hidden Markov model in the sense of Durbin et al. (1998, chapter 4): symbols `i` and slots
`j` are consumed by three moves, match (both), stray (a symbol), skip (a slot). Strays come
before skips between two matches, so every alignment has exactly one path and P(i ~ j) is exact.
Rows of the lattice are vectors: n * m cells cost O(n) numpy calls of length m.

Decoding maximises the expected number of right matches (maximum expected accuracy, as in
Do et al., ProbCons, 2005).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Matrix", "decode", "forward_backward"]

Matrix = npt.NDArray[np.float64]


def forward_backward(match: Matrix, stray: Matrix, skip: Matrix) -> tuple[Matrix, float]:
    """Match probabilities `[n, m]` and the log of the sum over all alignments.

    `match[i, j]` scores symbol `i` in slot `j`; `stray[i, j]` symbol `i` as stray after `j`
    slots, shape `[n, m + 1]`; `skip[j]` slot `j` left empty.
    """
    n, m = match.shape
    fall = np.concatenate(([0.0], np.cumsum(skip)))
    open_, reached = _forward(match, stray, fall)
    after_match = _backward(match, stray, fall)
    total = float(reached[n, m])
    if not (n and m):
        return np.zeros((n, m)), total
    joint = reached[:-1, :-1] + match + after_match[1:, 1:] - total
    return np.exp(np.minimum(joint, 0.0)), total


def _forward(match: Matrix, stray: Matrix, fall: Matrix) -> tuple[Matrix, Matrix]:
    """`open_`: last move was a match or stray; `reached`: any last move."""
    n, m = match.shape
    open_ = np.full((n + 1, m + 1), -np.inf)
    reached = np.empty((n + 1, m + 1))
    open_[0, 0] = 0.0
    for i in range(n + 1):
        if i:
            row = open_[i - 1] + stray[i - 1]
            row[1:] = np.logaddexp(row[1:], reached[i - 1, :-1] + match[i - 1])
            open_[i] = row
        reached[i] = np.logaddexp.accumulate(open_[i] - fall) + fall
    return open_, reached


def _backward(match: Matrix, stray: Matrix, fall: Matrix) -> Matrix:
    """Log-sum of all ways to the end from each lattice point whose last move was not a skip."""
    n, m = match.shape
    result = np.empty((n + 1, m + 1))
    for i in range(n, -1, -1):
        leave = np.full(m + 1, -np.inf)  # leaving the row by a match, or at the end
        if i < n:
            leave[:-1] = match[i] + result[i + 1, 1:]
        else:
            leave[m] = 0.0
        skips = np.logaddexp.accumulate((leave + fall)[::-1])[::-1] - fall
        result[i] = np.logaddexp(skips, stray[i] + result[i + 1]) if i < n else skips
    return result


def decode(probability: Matrix) -> list[int]:
    """The slot of each symbol (-1: none) on the alignment with the highest expected accuracy.

    A symbol that is more likely a stray than anywhere in a slot stays out.
    """
    n, m = probability.shape
    placed = probability.sum(axis=1, keepdims=True) >= 0.5
    probability = np.where(placed, probability, 0.0)
    best = np.zeros((n + 1, m + 1))
    for i in range(n):
        best[i + 1, 1:] = np.maximum(best[i, 1:], best[i, :-1] + probability[i])
        best[i + 1] = np.maximum.accumulate(best[i + 1])
    slots = [-1] * n
    i, j = n, m
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            slots[i] = j
    return slots
