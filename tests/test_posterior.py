"""The lattice against brute force: every alignment of a small one, enumerated."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.posterior import Matrix, decode, forward_backward, log_total, margins

Pairs = tuple[tuple[int, int], ...]
Lattice = tuple[Matrix, Matrix, Matrix, Matrix | None]
scores = st.one_of(st.floats(-9, 3), st.sampled_from([0.0, -1.0, -1e4]))


def matrix(draw: st.DrawFn, rows: int, cols: int, values: st.SearchStrategy[float]) -> Matrix:
    numbers = draw(st.lists(values, min_size=rows * cols, max_size=rows * cols))
    return np.array(numbers, dtype=np.float64).reshape(rows, cols)


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """Scores of up to four symbols and four slots, perhaps of what is behind these."""
    n, m = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    skip = matrix(draw, 1, m, scores)[0]
    behind = matrix(draw, 1, n + 1, scores)[0] if draw(st.booleans()) else None
    return matrix(draw, n, m, scores), matrix(draw, n, m + 1, scores), skip, behind


@st.composite
def probabilities(draw: st.DrawFn) -> Matrix:
    """Rows of up to four symbols, each summing to 1 at most, over up to four slots."""
    n, m = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    table = matrix(draw, n, m, st.floats(0, 1))
    shares: Matrix = table / np.maximum(1.0, table.sum(axis=1, keepdims=True))
    return shares


def alignments(n: int, m: int) -> Iterator[Pairs]:
    """All ways to match symbols with slots in order."""
    for size in range(min(n, m) + 1):
        for symbols in combinations(range(n), size):
            for slots in combinations(range(m), size):
                yield tuple(zip(symbols, slots, strict=True))


def score(pairs: Pairs, end: int, lattice: Lattice) -> float:
    """The score of one alignment: between two matches strays come first, then skips.

    The symbols from `end` on are behind.
    """
    match, stray, skip, behind = lattice
    m = len(skip)
    total = 0.0 if behind is None else float(behind[end])
    symbol, slot = 0, 0
    for i, j in (*pairs, (end, m)):
        total += sum(stray[k, slot] for k in range(symbol, i)) + sum(skip[slot:j])
        if (i, j) != (end, m):
            total += match[i, j]
        symbol, slot = i + 1, j + 1
    return total


def all_scores(lattice: Lattice) -> list[tuple[Pairs, float]]:
    """What every alignment matches, and its score."""
    n, m = lattice[0].shape
    least = n if lattice[3] is None else 0
    return [
        (pairs, score(pairs, end, lattice))
        for pairs in alignments(n, m)
        for end in range(max(least, max((i + 1 for i, _ in pairs), default=0)), n + 1)
    ]


def log_sum(values: list[float]) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))


@given(lattices())
def test_the_sum_is_over_all_alignments(lattice: Lattice) -> None:
    """Total and match probabilities are those of the enumeration."""
    enumerated = all_scores(lattice)
    total = log_sum([value for _, value in enumerated])
    found, found_total = forward_backward(*lattice)
    assert found_total == pytest.approx(total, abs=1e-6)
    assert log_total(*lattice) == pytest.approx(total, abs=1e-6)
    expected = np.zeros(lattice[0].shape)
    for pairs, value in enumerated:
        for pair in pairs:
            expected[pair] += exp(value - total)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(lattices())
def test_margins_are_distances_from_the_best_alignment(lattice: Lattice) -> None:
    """A margin is the best score with this match, or this slot empty, minus the best of all."""
    enumerated = all_scores(lattice)
    best = max(value for _, value in enumerated)
    n, m = lattice[0].shape
    found = margins(*lattice)
    for j in range(m):
        without = [v for p, v in enumerated if all(slot != j for _, slot in p)]
        assert found.empty[j] == pytest.approx(max(without) - best, abs=1e-6)
        for i in range(n):
            holding = [v for p, v in enumerated if (i, j) in p]
            assert found.match[i, j] == pytest.approx(max(holding) - best, abs=1e-6)
    assert (found.match <= 0).all()
    assert (found.empty <= 0).all()


@given(lattices())
def test_a_symbol_is_in_one_slot_and_a_slot_holds_one_symbol(lattice: Lattice) -> None:
    """Match probabilities sum to at most 1 along both axes."""
    found, _ = forward_backward(*lattice)
    assert (found >= 0).all()
    assert (found.sum(axis=0) <= 1 + 1e-6).all()
    assert (found.sum(axis=1) <= 1 + 1e-6).all()


@given(probabilities())
def test_decoding_has_the_highest_expected_accuracy(probability: Matrix) -> None:
    """No alignment of the symbols that are rather placed than stray expects more matches."""
    n, m = probability.shape
    slots = decode(probability)
    pairs = [(i, j) for i, j in enumerate(slots) if j >= 0]
    assert len(slots) == n
    assert [j for _, j in pairs] == sorted({j for _, j in pairs})
    kept = [i for i in range(n) if probability[i].sum() >= 0.5]
    assert {i for i, _ in pairs} <= set(kept)
    expected = max(
        sum(probability[pair] for pair in way if pair[0] in kept) for way in alignments(n, m)
    )
    assert sum(probability[pair] for pair in pairs) == pytest.approx(expected)


def test_a_tie_shows_in_the_margin_though_not_in_the_sum() -> None:
    """Fourteen zeros in fifteen slots: the first is 14/15 sure by the sum, and tied by margin."""
    lattice = np.zeros((14, 15)), np.full((14, 16), -1e4), np.zeros(15)
    probability, total = forward_backward(*lattice)
    assert total == pytest.approx(log(15))
    assert probability[0, 0] == pytest.approx(14 / 15)
    found = margins(*lattice)
    assert found.empty.tolist() == [0.0] * 15
    assert found.match[0, 1] == 0.0
