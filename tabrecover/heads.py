"""Heads of columns: which rows they are, and what spans what where only their order is left.

A tool that leaves out what merged cells cover, without a trace, packs every row of heads to the
left. The tree of heads can still be inferred. A head either reaches down to the body or is divided
by some of the heads in the next row; together the undivided ones are as many as the body has
columns. Of all trees that fit, the best is found by dynamic programming over the heads used up in
each row: those of one group differ, look alike, and stand above columns whose values look alike.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.guess import is_number, is_words
from tabrecover.scoring import UnitKind
from tabrecover.units import classify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Head", "count_heads", "has_digits", "place_heads", "split_heads"]

MAX_HEADS = 20  # rows of heads; more are no heads
LABELLED = 0.8  # of the rows of a body have a row label where a row without one is a head
MAX_CELLS = {2: 40, 3: 24}  # of heads that are placed, by their rows: so the search is small
MAX_GROUP = 15  # heads below one
MAX_SPLIT = 24  # heads whose rows are to be found
# What speaks for a group of heads below one, in steps of evidence that count alike:
ALIKE = 1.0  # all neighbours above values that look alike, or that look alike themselves
SAME_AGAIN = 2.0  # the heads of the group before it
ROW_LABELS = 3.0  # against a group above the row labels, and against a head twice in a group
UNEVEN = 0.02  # times its size squared: groups are as even as the rest allows


class Head(NamedTuple):
    """A head at its place on the grid."""

    row: int
    col: int
    rowspan: int
    colspan: int


def count_heads(rows: Sequence[Sequence[str]], known: int = 0) -> int:
    """How many rows at the top are heads, of which so many are known to be.

    >>> count_heads([["", "Year", ""], ["", "2022", "2023"], ["Beds", "10", "12"]])
    2
    """
    numbers = [row for row, texts in enumerate(rows) if any(map(is_number, texts))]
    last = numbers[-1] if numbers else 0
    heads = max(min(known, len(rows) - 1), 0)
    while heads < min(last + 1, MAX_HEADS, len(rows) - 1):
        words = _is_words(rows[heads], heads) and (heads == 0 or _has_numbers_below(rows, heads))
        if not (words or _is_unlabelled(rows, heads)):
            break
        heads += 1
    return heads


def _is_words(row: Sequence[str], above: int) -> bool:
    """Whether a row has words only, and not just one at its left, as a section has below heads."""
    filled = [col for col, text in enumerate(row) if text]
    if not filled or not all(is_words(row[col]) for col in filled):
        return False
    return len(filled) > 1 or filled[0] > 0 or not above


def _has_numbers_below(rows: Sequence[Sequence[str]], row: int) -> bool:
    """Whether below most of the row's words, but for the first, numbers are frequent."""
    named = [col for col, text in enumerate(rows[row]) if text and col]
    frequent = 0
    for col in named:
        below = [other[col] for other in rows[row + 1 :] if col < len(other) and other[col]]
        frequent += 2 * sum(has_digits(text) for text in below) >= max(len(below), 1)
    return 2 * frequent >= len(named)


def _is_unlabelled(rows: Sequence[Sequence[str]], row: int) -> bool:
    """Whether a row lacks the label that rows below it have: it names columns, by years say."""
    width = max(map(len, rows))
    own, below = rows[row], rows[row + 1 :]
    texts = [text for text in own if text]
    short = len(own) < width and row > 0 and is_number(own[0] if own else "")
    if not texts or not (short or not own[0]) or len(set(texts)) < len(texts):
        return False
    if any("." in text or "," in text for text in texts if is_number(text)):
        return False
    labelled = sum(bool(other) and is_words(other[0]) for other in below)
    return len(texts) > 1 and labelled >= LABELLED * len(below)


# --- packed heads -------------------------------------------------------------------------------


def place_heads(
    heads: Sequence[Sequence[str]], body: Sequence[Sequence[str]], width: int
) -> list[list[Head]] | None:
    """The places of packed heads above `width` columns; None if no tree of them fits.

    Blanks behind the last text of a row say nothing.

    >>> place_heads([["Item", "Year"], ["2022", "2023"]], [["Beds", "10", "12"]], 3)[0]
    [Head(row=0, col=0, rowspan=2, colspan=1), Head(row=0, col=1, rowspan=1, colspan=2)]
    """
    packed = [_stripped(row) for row in heads]
    total = sum(map(len, packed))
    if not width < total <= MAX_CELLS.get(len(packed), 0):
        return None
    if not all(packed) or any("" in row for row in packed):
        return None
    return _Tree(packed, body, width).places()


def split_heads(texts: Sequence[str], body: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The texts before a body as the rows of its heads; the first ones may be none.

    As many as columns are one row. More may be two rows, cut where their best tree is; if no tree
    fits, the last ones are one row. Fewer are none.

    >>> split_heads(["Table 1", "Item", "Year", "2022", "2023"], [["Beds", "10", "12"]], 3)
    [['Item', 'Year'], ['2022', '2023']]
    """
    best: tuple[float, list[list[str]]] | None = None
    for count in range(width + 1, min(len(texts), 2 * width, MAX_SPLIT) + 1):
        own = list(texts[len(texts) - count :])
        divided = count - width  # as many heads as there are more than columns
        for cut in range(divided, count - 2 * divided + 1):
            score = _Tree([own[:cut], own[cut:]], body, width).score()
            if score is not None and (best is None or score > best[0]):
                best = score, [own[:cut], own[cut:]]
    if len(texts) == width or (best is None and len(texts) > width):
        return [list(texts[len(texts) - width :])]
    return best[1] if best else []


def _stripped(row: Sequence[str]) -> list[str]:
    end = max((col for col, text in enumerate(row, start=1) if text), default=0)
    return list(row[:end])


class _Placed(NamedTuple):
    """Heads placed so far: what speaks for them, and their places."""

    score: float
    places: tuple[Head, ...]


_State = tuple[tuple[int, ...], int]  # heads used up in each row, columns used up


class _Tree:
    """The search for the best tree."""

    def __init__(
        self, heads: Sequence[Sequence[str]], body: Sequence[Sequence[str]], width: int
    ) -> None:
        self.heads = heads
        self.width = width
        self.looks = [_look([row[c] for row in body if c < len(row)]) for c in range(width)]
        self.divided = sum(map(len, heads)) - width  # the others are as many as columns
        self._below = cache(self._ways_below)
        self._group = cache(self._group_score)

    def _found(self) -> _Placed | None:
        """The best tree that uses up all heads and all columns."""
        ways = {(tuple(0 for _ in self.heads), 0): _Placed(0.0, ())}
        for _ in self.heads[0]:
            ways = self._longer(0, ways)
        return ways.get((tuple(map(len, self.heads)), self.width))

    def score(self) -> float | None:
        """What speaks for the best tree, if any fits."""
        found = self._found()
        return None if found is None else found.score

    def places(self) -> list[list[Head]] | None:
        """The places by row of the best tree, if any fits."""
        found = self._found()
        if found is None:
            return None
        places: list[list[Head]] = [[] for _ in self.heads]
        for head in found.places:
            places[head.row].append(head)
        return [sorted(row, key=lambda head: head.col) for row in places]

    def _longer(self, row: int, ways: Mapping[_State, _Placed]) -> dict[_State, _Placed]:
        """The best way to each state in which one more head of a row is used up."""
        longer: dict[_State, _Placed] = {}
        for state, before in ways.items():
            for after, own in self._below(row, state).items():
                score = before.score + own.score
                if after not in longer or score > longer[after].score:
                    longer[after] = _Placed(score, before.places + own.places)
        return longer

    def _ways_below(self, row: int, state: _State) -> dict[_State, _Placed]:
        """The same from one state; the head reaches down to the body, or is divided."""
        used, col = state
        if used[row] == len(self.heads[row]):
            return {}
        spent = _counted(used, row, 1)
        depth = len(self.heads) - row
        ways: dict[_State, _Placed] = {}
        if col < self.width:
            ways[spent, col + 1] = _Placed(0.0, (Head(row, col, depth, 1),))
        if depth == 1 or sum(spent) - col > self.divided:
            return ways
        first = used[row + 1]
        group: dict[_State, _Placed] = {(spent, col): _Placed(0.0, ())}
        for count in range(1, min(len(self.heads[row + 1]) - first, MAX_GROUP) + 1):
            group = self._longer(row + 1, group)
            for (after, end), own in group.items() if count > 1 else ():
                score = own.score + self._group(row + 1, first, count, col, end)
                if (after, end) not in ways or score > ways[after, end].score:
                    head = Head(row, col, 1, end - col)
                    ways[after, end] = _Placed(score, (head, *own.places))
        return ways

    def _group_score(self, row: int, first: int, count: int, col: int, end: int) -> float:
        """What speaks for `count` heads of a row, above these columns, to be one group."""
        own = self.heads[row][first : first + count]
        before = self.heads[row][max(first - count, 0) : first]
        values = [a == b for a, b in pairwise(self.looks[col:end])]
        heads = [has_digits(a) == has_digits(b) for a, b in pairwise(own)]
        score = ALIKE * (_share(values) + _share(heads)) - UNEVEN * count * count
        score += SAME_AGAIN * (own == before)
        return score - ROW_LABELS * (
            (count - len(set(own))) + (col == 0 and self.looks[0] == UnitKind.TEXT)
        )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _counted(used: tuple[int, ...], row: int, count: int) -> tuple[int, ...]:
    return (*used[:row], used[row] + count, *used[row + 1 :])


def _look(texts: Sequence[str]) -> UnitKind | None:
    """What most of a column's texts look like: words, say, or integers."""
    kinds = Counter(classify(text) for text in texts if text)
    return kinds.most_common(1)[0][0] if kinds else None


def has_digits(text: str) -> bool:
    """Whether a text has any digit."""
    return any(map(str.isdigit, text))
