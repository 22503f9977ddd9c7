"""Record tables with one cell per line and nothing that tells where rows end: by their period.

Records repeat: every so many lines a text of the same kind comes again. The period is the distance
at which neighbours agree most, over the stretch where they do (a maximal scoring segment). The
columns are then the states of a *cyclic profile hidden Markov model*: each column emits texts of
its kinds, and is passed over where a blank was lost. Its parameters are fitted by Baum and Welch's
expectation maximisation, the rows are read off the most probable path, and the posterior says how
sure each cell is.
"""

from __future__ import annotations

import re
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tabrecover.heads import has_digits
from tabrecover.scoring import UnitKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MIN_RECORDS", "Records", "find_records"]

MIN_PERIOD, MAX_PERIOD = 3, 30
MIN_RECORDS = 4  # fewer may be alike by chance
MAX_TEXTS = 5_000
AGREE = 0.8  # probability that texts of one column look alike
MIN_GAIN = 12.0  # nats by which a period must explain its stretch better than chance
HARMONIC = 0.85  # of the best period's gain: a shorter one with so much is the period
SKIP = 0.05  # probability that a column's text was lost, at first
PRIOR = 0.2  # pseudo-count of each look in a column
MAX_TRIMMED = 3  # texts before the first record that look like some of it
FITTING = 0.75  # of the texts that complete a row look like those above
ROUNDS = 4  # of the fitting
EXTENSIONS = 2  # times that the stretch is found anew with what was fitted
ENTER = 3.0  # nats that the cycle's first text must make up for
MIN_FIT = 0.85  # mean posterior of the path
PURE = 0.75  # of a column's texts look alike where the column has a kind
_DATE = re.compile(r"\d+(?:[-/.:]\d+)+")
_SHORT, _MIDDLE = 3, 12  # characters of texts that are told apart by their length

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Records(NamedTuple):
    """Records among the texts `[start, end)`: of each, its row, its column, and the posterior."""

    start: int
    end: int
    width: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    sure: tuple[float, ...]


def find_records(texts: Sequence[str]) -> Records | None:
    """The records that most of a run of texts are, or None where it has no period.

    >>> find_records(["Name", "Age", "Town"] + ["Ann", "31", "Ely", "Bob", "47", "Rye"] * 8).width
    3
    """
    if not MIN_RECORDS * MIN_PERIOD <= len(texts) <= MAX_TEXTS:
        return None
    looks = _numbered([_look(text) for text in texts])
    found = _period(looks)
    if found is None:
        return None
    width, start, end = found
    for _ in range(EXTENSIONS):
        start, end = _Cycle(looks, start, end, width).stretch()
        if end - start < MIN_RECORDS * width:
            return None
    records = _Cycle(looks, start, end, width).records(texts)
    sure = sum(records.sure) >= MIN_FIT * len(records.sure)
    enough = len(set(records.rows)) >= MIN_RECORDS
    if not (sure and enough and _has_kinds(records, texts)):
        return None
    return _completed(records, texts)


def _look(text: str) -> str:
    """What a text looks like: its kind, and for words how long they are."""
    if _DATE.fullmatch(text):
        return "date" + str(sum(not char.isdigit() for char in text))
    kind = classify(text).name
    if kind != "TEXT":
        return kind
    digits = "digits" if has_digits(text) else ""
    size = "short" if len(text) <= _SHORT else "middle" if len(text) <= _MIDDLE else "long"
    return f"text {digits} {size}"


def _numbered(looks: Sequence[str]) -> Ints:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(look, len(numbers)) for look in looks], dtype=np.int64)


def _period(looks: Ints) -> tuple[int, int, int] | None:
    """The period and the stretch that it explains best; None if none explains one."""
    counts = np.bincount(looks) / len(looks)
    chance = float((counts**2).sum())
    if chance > AGREE / 1.2:  # all texts look alike
        return None
    alike, differ = log(AGREE / chance), log((1 - AGREE) / (1 - chance))
    gains: list[tuple[float, int, int, int]] = []
    for width in range(MIN_PERIOD, min(MAX_PERIOD, len(looks) // MIN_RECORDS) + 1):
        scores = np.where(looks[width:] == looks[:-width], alike, differ)
        gain, start, end = _segment(scores)
        gains.append((gain, width, start, end + width))
    best = max(gains, default=(0.0, 0, 0, 0))
    if best[0] < MIN_GAIN:
        return None
    gain, width, start, end = next(own for own in gains if own[0] >= HARMONIC * best[0])
    del gain
    return width, start, end


def _segment(scores: Floats) -> tuple[float, int, int]:
    """The stretch with the greatest sum, half-open, and that sum."""
    sums = np.concatenate(([0.0], np.cumsum(scores)))
    lows = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lows))
    start = int(np.argmin(sums[: end + 1]))
    return float(sums[end] - sums[start]), start, end


class _Cycle:
    """The columns as states of a cycle, fitted to the stretch `[start, end)` of the looks."""

    def __init__(self, looks: Ints, start: int, end: int, width: int) -> None:
        self.all = looks
        self.start = start
        self.looks = looks = looks[start:end]
        self.width = width
        self.emit: Floats = np.full((width, int(self.all.max()) + 1), PRIOR)
        self.skip: Floats = np.full(width, SKIP)
        np.add.at(self.emit, (np.arange(len(looks)) % width, looks), 1.0)
        self.emit /= self.emit.sum(axis=1, keepdims=True)
        for _ in range(ROUNDS):
            self._refit(*self._posterior())

    def _steps(self) -> Floats:
        """Probabilities to go from one column to another, passing over those between."""
        width = self.width
        steps = np.zeros((width, width))
        for column in range(width):
            passed = 1.0
            for distance in range(1, width):
                other = (column + distance) % width
                steps[column, other] = passed * (1 - self.skip[other])
                passed *= self.skip[other]
            steps[column, column] = passed * (1 - self.skip[column])
        steps /= steps.sum(axis=1, keepdims=True)
        return steps

    def _posterior(self) -> tuple[Floats, Floats]:
        """Of each text, the probability of each column; and of each pair of columns in a row."""
        steps, emitted = self._steps(), self.emit[:, self.looks].T
        n = len(self.looks)
        forward, backward = np.empty((n, self.width)), np.ones((n, self.width))
        forward[0] = emitted[0] / emitted[0].sum()
        for i in range(1, n):
            own = (forward[i - 1] @ steps) * emitted[i]
            forward[i] = own / own.sum()
        for i in range(n - 2, -1, -1):
            own = steps @ (emitted[i + 1] * backward[i + 1])
            backward[i] = own / own.sum()
        gamma = forward * backward
        gamma /= gamma.sum(axis=1, keepdims=True)
        pairs = np.zeros_like(steps)
        for i in range(n - 1):
            own = forward[i][:, None] * steps * (emitted[i + 1] * backward[i + 1])[None, :]
            pairs += own / own.sum()
        return gamma, pairs

    def _refit(self, gamma: Floats, pairs: Floats) -> None:
        emit = np.full_like(self.emit, PRIOR)
        for column in range(self.width):
            emit[column] += np.bincount(self.looks, gamma[:, column], minlength=emit.shape[1])
        self.emit = emit / emit.sum(axis=1, keepdims=True)
        passed, seen = np.full(self.width, SKIP), np.ones(self.width)
        for column in range(self.width):
            for distance in range(1, self.width + 1):
                share = pairs[column, (column + distance) % self.width]
                for between in range(1, distance):
                    other = (column + between) % self.width
                    passed[other] += share
                    seen[other] += share
                seen[(column + distance) % self.width] += share
        self.skip = np.minimum(passed / seen, 0.9)

    def stretch(self) -> tuple[int, int]:
        """Where the cycle explains the texts better than chance, around the stretch.

        The most probable path through a chain of three: texts before, the cycle, texts behind.
        """
        chance = np.bincount(self.all, minlength=self.emit.shape[1]) + PRIOR
        odds = np.log(self.emit / (chance / chance.sum()))[:, self.all].T
        steps = np.log(self._steps() + 1e-12)
        n = len(self.all)
        score, begun = np.full(self.width, -np.inf), np.zeros(self.width, dtype=np.int64)
        best = (0.0, self.start, self.start + len(self.looks))
        for i in range(n):
            ways = score[:, None] + steps
            source = ways.argmax(axis=0)
            going, entering = ways.max(axis=0), -ENTER
            begun = np.where(going > entering, begun[source], i)
            score = np.maximum(going, entering) + odds[i]
            top = int(score.argmax())
            if score[top] > best[0]:
                best = float(score[top]), int(begun[top]), i + 1
        return best[1], best[2]

    def records(self, texts: Sequence[str]) -> Records:
        """The most probable path as rows; the first text of the stretch is in the first column."""
        gamma, _ = self._posterior()
        path = self._path()
        begin = _first_of_row(path, self._ranks(path, texts))
        own = path[begin:]
        columns = [(column - own[0]) % self.width for column in own]
        rows = [0]
        for before, column in pairwise(columns):
            rows.append(rows[-1] + (column <= before))
        sure = [float(gamma[i, column]) for i, column in enumerate(own, start=begin)]
        start = self.start + begin
        return Records(
            start, start + len(own), self.width, tuple(rows), tuple(columns), tuple(sure)
        )

    def _ranks(self, path: Sequence[int], texts: Sequence[str]) -> list[int]:
        """What speaks against each column as the first: 0 for serial numbers, 1 for words."""
        ranks = []
        for column in range(self.width):
            own = [texts[self.start + i] for i, other in enumerate(path) if other == column]
            numbers = [number_of(text) for text in own]
            serial = sum(
                a is not None and b is not None and b - a == 1 for a, b in pairwise(numbers)
            )
            words = sum(not _is_count(text) for text in own)
            ranks.append(0 if 2 * serial > len(own) else 1 if 2 * words > len(own) else 2)
        return ranks

    def _path(self) -> list[int]:
        """The most probable columns (Viterbi)."""
        steps, emitted = np.log(self._steps() + 1e-12), np.log(self.emit[:, self.looks].T)
        score = emitted[0]
        back = np.empty((len(self.looks), self.width), dtype=np.int64)
        for i in range(1, len(self.looks)):
            ways = score[:, None] + steps
            back[i] = ways.argmax(axis=0)
            score = ways.max(axis=0) + emitted[i]
        path = [int(score.argmax())]
        for i in range(len(self.looks) - 1, 0, -1):
            path.append(int(back[i, path[-1]]))
        return path[::-1]


def _first_of_row(path: Sequence[int], ranks: Sequence[int]) -> int:
    """How many texts at the start are no record's.

    Rows begin with the column of the lowest of the `ranks`, and where the stretch ends with a row,
    with the column behind its last one.
    """
    following = (path[-1] + 1) % len(ranks)
    starts = range(min(MAX_TRIMMED + 1, len(path)))
    return min(starts, key=lambda at: (ranks[path[at]], 2 * at - 3 * (path[at] == following)))


def _completed(records: Records, texts: Sequence[str]) -> Records:
    """The records with the texts behind them that complete the last row, if these are such."""
    last = records.columns[-1]
    more = range(records.end, min(records.end + records.width - 1 - last, len(texts)))
    own: list[list[bool]] = [[] for _ in range(records.width)]
    for at, column in enumerate(records.columns, start=records.start):
        own[column].append(_is_count(texts[at]))
    fitting = 0
    for column, at in enumerate(more, start=last + 1):
        counts = sum(own[column])
        fitting += (2 * counts >= len(own[column])) == _is_count(texts[at])
    if not more or fitting < FITTING * len(more):
        return records
    sure = fitting / len(more) * min(records.sure)
    return records._replace(
        end=more.stop,
        rows=(*records.rows, *[records.rows[-1]] * len(more)),
        columns=(*records.columns, *range(last + 1, last + 1 + len(more))),
        sure=(*records.sure, *[sure] * len(more)),
    )


def _has_kinds(records: Records, texts: Sequence[str]) -> bool:
    """Whether some column holds numbers or dates, and some column words."""
    own: list[list[bool]] = [[] for _ in range(records.width)]
    for at, column in enumerate(records.columns, start=records.start):
        own[column].append(_is_count(texts[at]))
    shares = [sum(flags) / len(flags) for flags in own if flags]
    return any(share >= PURE for share in shares) and any(share <= 1 - PURE for share in shares)


def _is_count(text: str) -> bool:
    """Whether a text is a number or a date."""
    return _DATE.fullmatch(text) is not None or classify(text) != UnitKind.TEXT
