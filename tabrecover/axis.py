"""Rows, or columns, of several examples on one axis, by the words that they share.

A progressive multiple alignment: every example is aligned with the profile of those before, by
the global alignment of Needleman and Wunsch. The score of two lines counts the words that both
have, rare ones the most; a line without a partner costs nothing. What two examples begin or end
with alike is paired first, and in long tables also the lines that can be no others (the longest
ascending run of unique matches, as in patience diff), so that the lattices stay small.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tabrecover.examples import Example

__all__ = ["Line", "common_axis", "lines_of"]

MAX_LATTICE = 250_000  # pairs of rows; beyond, rows that have no like are aligned first
COVERED = 0.25  # weight of words that reach into a row from above, against the row's own
SAME_SHAPE = 0.1  # less than any shared word; keeps rows at their place where no word tells


class Line(NamedTuple):
    """A row or column: its own words with their weights, those that reach into it, its shape."""

    own: Mapping[str, float]
    covering: frozenset[str]
    shape: tuple[tuple[int, int], ...]


def lines_of(example: Example, words: Sequence[str], axis: int) -> list[Line]:
    """The rows (`axis` 0) or columns (1) of an example, whose cells have these (folded) words.

    A word weighs the less, the more lines have it.
    """
    n_lines = example.shape[axis]
    own: list[set[str]] = [set() for _ in range(n_lines)]
    covering: list[set[str]] = [set() for _ in range(n_lines)]
    shapes: list[list[tuple[int, int]]] = [[] for _ in range(n_lines)]
    for cell, word in zip(example.cells, words, strict=True):
        start, span = (cell.row, cell.rowspan) if axis == 0 else (cell.col, cell.colspan)
        across = (cell.col, cell.colspan) if axis == 0 else (cell.row, cell.rowspan)
        shapes[start].append(across)
        if word:
            own[start].add(word)
            for line in range(start + 1, start + span):
                covering[line].add(word)
    counts = Counter(word for words in own for word in words)
    return [
        Line({w: 1 / counts[w] for w in sorted(words)}, frozenset(above), tuple(shape))
        for words, above, shape in zip(own, covering, shapes, strict=True)
    ]


def _likeness(one: Line, other: Line) -> float:
    shared = sum(min(one.own[word], other.own[word]) for word in one.own.keys() & other.own.keys())
    covering = COVERED * bool(one.covering & other.covering)
    return shared + SAME_SHAPE * ((one.shape == other.shape) + covering)


def _pairs(left: Sequence[Line], right: Sequence[Line]) -> list[tuple[int, int]]:
    """The global alignment of two sequences of lines, as ascending pairs of partners."""
    start, end = 0, min(len(left), len(right))
    while start < end and _same(left[start], right[start]):
        start += 1
    tail = 0
    while tail < end - start and _same(left[-1 - tail], right[-1 - tail]):
        tail += 1
    inner = _inner_pairs(left[start : len(left) - tail], right[start : len(right) - tail])
    return [
        *((i, i) for i in range(start)),
        *((start + i, start + j) for i, j in inner),
        *((len(left) - k, len(right) - k) for k in range(tail, 0, -1)),
    ]


def _same(one: Line, other: Line) -> bool:
    return bool(one.own) and one.own.keys() == other.own.keys() and one.shape == other.shape


def _inner_pairs(left: Sequence[Line], right: Sequence[Line]) -> list[tuple[int, int]]:
    if len(left) * len(right) <= MAX_LATTICE:
        return _lattice_pairs(left, right)
    anchors = _anchors(left, right)
    if not anchors:
        return list(zip(range(len(left)), range(len(right)), strict=False))
    pairs: list[tuple[int, int]] = []
    i = j = 0
    for a, b in [*anchors, (len(left), len(right))]:
        pairs += [(i + x, j + y) for x, y in _inner_pairs(left[i:a], right[j:b])]
        pairs.append((a, b))
        i, j = a + 1, b + 1
    return pairs[:-1]


def _anchors(left: Sequence[Line], right: Sequence[Line]) -> list[tuple[int, int]]:
    """Lines that only one line of either side can be: the longest ascending run of them.

    The longest increasing subsequence of unique matches, as in patience diff.
    """
    homes = [_unique_homes(left), _unique_homes(right)]
    shared = sorted((homes[0][words], homes[1][words]) for words in homes[0].keys() & homes[1])
    tails: list[int] = []  # the least right end of an ascending run of each length
    links: list[tuple[int, int, int]] = []  # left, right, and the run's link before
    tops: list[int] = []
    for i, j in shared:
        at = bisect_left(tails, j)
        links.append((i, j, tops[at - 1] if at else -1))
        tails[at : at + 1] = [j]
        tops[at : at + 1] = [len(links) - 1]
    run = []
    link = tops[-1] if tops else -1
    while link >= 0:
        i, j, link = links[link]
        run.append((i, j))
    return run[::-1]


def _unique_homes(lines: Sequence[Line]) -> dict[frozenset[str], int]:
    words = [frozenset(line.own) for line in lines]
    counts = Counter(words)
    return {own: i for i, own in enumerate(words) if own and counts[own] == 1}


def _lattice_pairs(left: Sequence[Line], right: Sequence[Line]) -> list[tuple[int, int]]:
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    likeness = [[_likeness(a, b) for b in right] for a in left]
    for i, row in enumerate(likeness, start=1):
        for j, like in enumerate(row, start=1):
            match = best[i - 1][j - 1] + like if like > 0 else 0.0
            best[i][j] = max(match, best[i - 1][j], best[i][j - 1])
    pairs = []
    i, j = len(left), len(right)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def common_axis(lines: Sequence[Sequence[Line]]) -> tuple[list[list[int]], int]:
    """The place of every line of every example on one axis, and the axis's length.

    `lines` are one list per example; the places of each ascend.
    """
    profile = list(lines[0])
    places = [list(range(len(profile)))]
    for added in lines[1:]:
        pairs = _pairs(profile, added)
        merged: list[Line] = []
        old: list[int] = []
        new: list[int] = []
        for i, j in [*pairs, (len(profile), len(added))]:
            while len(old) < i:
                old.append(len(merged))
                merged.append(profile[len(old) - 1])
            while len(new) < j:
                new.append(len(merged))
                merged.append(added[len(new) - 1])
            if i < len(profile) and j < len(added):
                old.append(len(merged))
                new.append(len(merged))
                merged.append(_joint(profile[i], added[j]))
        places = [[old[line] for line in place] for place in places]
        places.append(new)
        profile = merged
    return places, len(profile)


def _joint(one: Line, other: Line) -> Line:
    return Line({**other.own, **one.own}, one.covering | other.covering, one.shape)
