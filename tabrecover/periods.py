"""Record tables with one cell per line and nothing that tells where rows end: by their period.

Records repeat: every so many lines a text of the same kind comes again. Periods that may be are
those at which many neighbours agree over some stretch (maximal scoring segments). For each the
columns are the states of a *cyclic profile hidden Markov model*: each column emits texts of its
kinds, and is passed over where a blank was lost. Its parameters are fitted by Baum and Welch's
expectation maximisation, and the rows are read off the most probable path. The period is the one
under which the texts' kinds are told in the fewest nats, columns and all (minimum description
length), with heads before the records as further evidence. The posterior says how sure each cell
is.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from functools import cached_property
from itertools import pairwise
from math import inf, lgamma, log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from tabrecover.guess import is_words
from tabrecover.heads import has_digits
from tabrecover.scoring import UnitKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MIN_RECORDS", "Records", "find_records", "heads_before"]

MIN_PERIOD, MAX_PERIOD = 3, 30
MIN_RECORDS = 4  # fewer may be alike by chance
MAX_TEXTS = 5_000
AGREE = 0.8  # probability that texts of one column look alike
MIN_GAIN = 12.0  # nats by which columns, and heads, must tell the texts better than chance
MIN_TRIED, MAX_TRIED = 6.0, 6  # nats of agreement, and number, of periods that are tried
MANY, MAX_TRIED_OF_MANY = 1_000, 2  # texts of which fewer periods are tried
MIN_FILLED = 0.7  # share of the cells of the fewest records that are not blank
SKIP = 0.05  # probability that a column's text was lost, at first
PRIOR = 0.2  # pseudo-count of each look in a column
MAX_TRIMMED = 3  # texts before the first record that look like some of it, or the other way round
FITTING = 0.75  # of the texts that complete a row look like those above
ROUNDS, MAX_FITTED = 4, 400  # of the fitting, and texts that are enough for it
EXTENSIONS = 2  # times that the stretch is found anew with what was fitted
ENTER = 3.0  # nats that the cycle's first text must make up for
MIN_FIT = 0.85  # mean posterior of the path
PURE = 0.75  # of a column's texts look alike where the column has a kind
# Nats that speak for the first column of a row:
SERIAL, WORDS = 4.0, 3.0  # it counts records, or names them
ENDS, TRIMMED = 1.5, 0.75  # the stretch ends with a row; against each text it begins beside it
HEADED, PACKED = 4.0, 1.0  # as many heads before it as columns, or more, as in two rows
_SENTENCE = re.compile(r".{12}[.!?;。！？；]$", re.DOTALL)
_COUNT = re.compile(r"\d{1,4}")
_DATE = re.compile(r"\d+(?:[-/.:]\d+)+")
_SHORT, _MIDDLE = 3, 12  # characters of texts that are told apart by their length

_SERIAL, _BEGINS = "serial", 0  # the look of numbers that count the records, and its number

_log_gamma = np.vectorize(lgamma, otypes=[float])

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Records(NamedTuple):
    """Records among the texts `[start, end)`: of each, its row, its column, and the posterior.

    `gain`: nats by which columns and heads tell the texts better than chance.
    """

    start: int
    end: int
    width: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    sure: tuple[float, ...]
    gain: float = 0.0


def find_records(texts: Sequence[str]) -> Records | None:
    """The records that most of a run of texts are, or None where it has no period.

    An empty text is a blank that shows.

    >>> find_records(["Name", "Age", "Town"] + ["Ann", "31", "Ely", "Bob", "47", "Rye"] * 8).width
    3
    """
    if not MIN_RECORDS * MIN_PERIOD <= len(texts) <= MAX_TEXTS:
        return None
    looks = _numbered(_looks(texts))
    fitted = (_fitted(looks, *period) for period in _periods(looks))
    read = [cycle.records(texts) for cycle in fitted if cycle is not None]
    if not read:
        return None
    records = max(read, key=lambda own: own.gain)
    sure = sum(records.sure) >= MIN_FIT * len(records.sure)
    enough = len(set(records.rows)) >= MIN_RECORDS
    if not (records.gain >= MIN_GAIN and sure and enough and _has_kinds(records, texts)):
        return None
    return _completed(records, texts)


def _fitted(looks: Ints, width: int, start: int, end: int) -> _Cycle | None:
    """A cycle of so many columns, and the stretch that it explains; None if that is short."""
    for _ in range(EXTENSIONS):
        start, end = _Cycle(looks, start, end, width).stretch()
        if end - start < MIN_RECORDS * width * MIN_FILLED:
            return None
    return _Cycle(looks, start, end, width)


def _looks(texts: Sequence[str]) -> list[str]:
    """What texts look like; numbers that go on counting do so."""
    looks = list(map(_look, texts))
    for at in _serials(texts):
        looks[at] = _SERIAL
    return looks


class _Run(NamedTuple):
    """Numbers that count up by one; `uneven`: how much the distances between them differ."""

    length: int
    uneven: int
    at: int
    before: _Run | None = None

    def then(self, at: int) -> _Run:
        gap = self.at - self.before.at if self.before else at - self.at
        return _Run(self.length + 1, self.uneven + abs(at - self.at - gap), at, self)


def _serials(texts: Sequence[str]) -> list[int]:
    """The texts of the longest and most even run of numbers that count up, a record apart each."""
    ending: dict[int, deque[_Run]] = defaultdict(deque)  # by number, those near
    best: _Run | None = None

    def rank(run: _Run) -> tuple[int, int]:
        return -run.length, run.uneven

    for at, text in enumerate(texts):
        if not _COUNT.fullmatch(text):
            continue
        near = ending[int(text) - 1]
        while near and at - near[0].at > MAX_PERIOD:
            near.popleft()
        before = (run.then(at) for run in near if at - run.at >= MIN_PERIOD)
        own = min(before, key=rank, default=_Run(1, 0, at))
        ending[int(text)].append(own)
        best = own if best is None else min(best, own, key=rank)
    places: list[int] = []
    while best is not None:
        places.append(best.at)
        best = best.before
    return places[::-1] if len(places) >= MIN_RECORDS else []


def _look(text: str) -> str:
    """What a text looks like: its kind, and for words how long they are."""
    if not text:
        return "blank"
    if _DATE.fullmatch(text):
        return "date" + str(sum(not char.isdigit() for char in text))
    kind = classify(text).name
    if kind != "TEXT":
        return kind
    digits = "digits" if has_digits(text) else ""
    size = "short" if len(text) <= _SHORT else "middle" if len(text) <= _MIDDLE else "long"
    return f"text {digits} {size}"


def _numbered(looks: Sequence[str]) -> Ints:
    numbers = {_SERIAL: _BEGINS}
    return np.array([numbers.setdefault(look, len(numbers)) for look in looks], dtype=np.int64)


def _periods(looks: Ints) -> list[tuple[int, int, int]]:
    """Periods that may be, the best first, and the stretches that each explains best."""
    counts = np.bincount(looks) / len(looks)
    chance = float((counts**2).sum())
    if chance > AGREE / 1.2:  # all texts look alike
        return []
    alike, differ = log(AGREE / chance), log((1 - AGREE) / (1 - chance))
    gains: list[tuple[float, int, int, int]] = []
    for width in range(MIN_PERIOD, min(MAX_PERIOD, len(looks) // MIN_RECORDS) + 1):
        scores = np.where(looks[width:] == looks[:-width], alike, differ)
        gain, start, end = _segment(scores)
        gains.append((gain, width, start, end + width))
    most = MAX_TRIED if len(looks) <= MANY else MAX_TRIED_OF_MANY
    kept: list[tuple[int, int, int]] = []
    for gain, width, *stretch in sorted(gains, reverse=True):
        known = any(width % other == 0 for other, *_ in kept)  # several records are no record
        if gain >= MIN_TRIED and len(kept) < most and not known:
            kept.append((width, stretch[0], stretch[1]))
    return kept


def _segment(scores: Floats) -> tuple[float, int, int]:
    """The stretch with the greatest sum, half-open, and that sum."""
    sums = np.concatenate(([0.0], np.cumsum(scores)))
    lows = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lows))
    start = int(np.argmin(sums[: end + 1]))
    return float(sums[end] - sums[start]), start, end


def _columns(looks: Ints, width: int) -> Ints:
    """By look its column if nothing were lost, but for records that serial numbers begin."""
    places = np.arange(len(looks))
    begins = np.maximum.accumulate(np.where(looks == _BEGINS, places, -1))
    return np.where(begins < 0, places, places - begins) % width


class _Cycle:
    """The columns as states of a cycle, fitted to the stretch `[start, end)` of the looks."""

    def __init__(self, looks: Ints, start: int, end: int, width: int) -> None:
        self.all = looks
        self.start = start
        self.looks = looks = looks[start:end]
        self.width = width
        self.emit: Floats = np.full((width, int(self.all.max()) + 1), PRIOR)
        self.skip: Floats = np.full(width, SKIP)
        np.add.at(self.emit, (_columns(looks, width), looks), 1.0)
        self.emit /= self.emit.sum(axis=1, keepdims=True)
        sample = looks[:MAX_FITTED]
        for _ in range(ROUNDS):
            self._refit(sample, *self._posterior(sample))

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

    def _posterior(self, looks: Ints) -> tuple[Floats, Floats]:
        """Of each look, the probability of each column; and of each pair of columns in a row."""
        steps, emitted = self._steps(), self.emit[:, looks].T
        n = len(looks)
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
        ahead = emitted[1:] * backward[1:]
        ahead /= ((forward[:-1] @ steps) * ahead).sum(axis=1, keepdims=True)
        pairs = steps * (forward[:-1].T @ ahead)
        return gamma, pairs

    def _refit(self, looks: Ints, gamma: Floats, pairs: Floats) -> None:
        emit = np.full_like(self.emit, PRIOR)
        for column in range(self.width):
            emit[column] += np.bincount(looks, gamma[:, column], minlength=emit.shape[1])
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

    def gain(self) -> float:
        """Nats by which the columns tell their looks better than if all were in one.

        Of the most probable path. A column's shares are unknown before, and are those of all texts
        but for what it shows (Dirichlet prior of weight 1): columns that tell nothing gain nothing.
        """
        kinds = self.emit.shape[1]
        counts = np.zeros((self.width, kinds))
        np.add.at(counts, (np.array(self._path), self.looks), 1.0)
        passed = np.zeros((self.width, 2))
        passed[:, 0] = counts.sum(axis=1)
        for before, column in pairwise(self._path):
            between = np.arange(before + 1, before + 1 + (column - before - 1) % self.width)
            passed[between % self.width, 1] += 1
        shares = (np.bincount(self.all, minlength=kinds) + 1 / kinds) / (len(self.all) + 1)
        own = _nats(counts, shares) + _nats(passed, np.array([1 - SKIP, SKIP]))
        return own - float(counts.sum(axis=0) @ np.log(shares))

    def records(self, texts: Sequence[str]) -> Records:
        """The most probable path as rows; the first text of the stretch is in the first column."""
        gamma, _ = self._posterior(self.looks)
        path = self._path
        begin, nats = self._beginning(path, texts)
        before = range(path[0] + begin, path[0])  # columns of texts before the stretch
        own = [*(column % self.width for column in before), *path[max(begin, 0) :]]
        columns = [(column - own[0]) % self.width for column in own]
        rows = [0]
        for last, column in pairwise(columns):
            rows.append(rows[-1] + (column <= last))
        sure = [float(gamma[i, column]) for i, column in enumerate(path) if i >= begin]
        start = self.start + begin
        return Records(
            start,
            start + len(own),
            self.width,
            tuple(rows),
            tuple(columns),
            (*[min(sure)] * len(before), *sure),
            self.gain() + nats,
        )

    def _beginning(self, path: Sequence[int], texts: Sequence[str]) -> tuple[int, float]:
        """Where the first row begins in the stretch, or before it; and what speaks for it, in nats.

        Rows begin with serial numbers or words, and where the stretch ends with a row, with the
        column behind its last one. Heads before them are as many as columns, or more in two rows.
        """
        firsts = self._firsts(path, texts)
        following = (path[-1] + 1) % self.width
        best = (0, -inf)
        for begin in range(-min(MAX_TRIMMED, self.start), min(MAX_TRIMMED + 1, len(path))):
            column = path[begin] if begin >= 0 else (path[0] + begin) % self.width
            added = [(path[0] + at) % self.width for at in range(begin, 0)]
            own = texts[self.start + begin : self.start]
            if any(map(_is_count, own)) or any(firsts[other] != WORDS for other in added):
                continue  # words alone, in columns of words, may look like heads
            heads = heads_before(texts, self.start + begin)
            score = firsts[column] - TRIMMED * abs(begin) + ENDS * (column == following)
            score += HEADED * (heads == self.width) + PACKED * (
                self.width < heads <= 2 * self.width
            )
            best = max(best, (begin, score), key=lambda own: own[1])
        return best

    def _firsts(self, path: Sequence[int], texts: Sequence[str]) -> list[float]:
        """What speaks for each column as the first: that it has serial numbers, or words."""
        nats = []
        for column in range(self.width):
            own = [texts[self.start + i] for i, other in enumerate(path) if other == column]
            numbers = [number_of(text) for text in own]
            serial = sum(
                a is not None and b is not None and b - a == 1 for a, b in pairwise(numbers)
            )
            words = sum(not _is_count(text) for text in own)
            nats.append(SERIAL if 2 * serial > len(own) else WORDS if 2 * words > len(own) else 0.0)
        return nats

    @cached_property
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


def _nats(counts: Floats, prior: Floats) -> float:
    """Log-probability of sequences with these counts by row, their shares unknown before."""
    totals = counts.sum(axis=1)
    return float(_log_gamma(counts + prior).sum() - _log_gamma(prior).sum() * len(counts)) - float(
        (_log_gamma(totals + prior.sum()) - _log_gamma(prior.sum())).sum()
    )


def heads_before(texts: Sequence[str], end: int) -> int:
    """How many texts right before one are words, as heads are, and no sentences."""
    start = end
    while start > 0 and is_words(texts[start - 1]) and not _SENTENCE.search(texts[start - 1]):
        start -= 1
    return end - start


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
    """Whether some column holds numbers or dates, and some column words, or words head them."""
    own: list[list[bool]] = [[] for _ in range(records.width)]
    for at, column in enumerate(records.columns, start=records.start):
        own[column].append(_is_count(texts[at]))
    shares = [sum(flags) / len(flags) for flags in own if flags]
    headed = heads_before(texts, records.start) >= records.width
    return any(share >= PURE for share in shares) and (
        headed or any(share <= 1 - PURE for share in shares)
    )


def _is_count(text: str) -> bool:
    """Whether a text is a number or a date."""
    return _DATE.fullmatch(text) is not None or classify(text) != UnitKind.TEXT
