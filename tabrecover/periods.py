"""Record tables with one cell per line and nothing that tells where rows end: by their period.

Records repeat: every so many lines a text of the same kind comes again. Periods that may be are
those at which many neighbours agree over some stretch (maximal scoring segments). To each a cycle
of columns is fitted (`cycle`), which gives the rows, and how sure each cell is. The period is the
one under which the texts' kinds are told in the fewest nats, columns and all (minimum description
length), with heads before the records as further evidence.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from itertools import pairwise
from math import inf, log
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.cycle import BEGINS, Cycle
from tabrecover.guess import is_words
from tabrecover.heads import has_digits
from tabrecover.scoring import UnitKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.cycle import Floats, Ints

__all__ = ["MIN_RECORDS", "Records", "find_records", "heads_before"]

MIN_PERIOD, MAX_PERIOD = 3, 30
MIN_RECORDS = 4  # fewer may be alike by chance
MAX_TEXTS = 5_000
AGREE = 0.8  # probability that texts of one column look alike
MIN_GAIN = 12.0  # nats by which columns, and heads, must tell the texts better than chance
MIN_TRIED, MAX_TRIED = 6.0, 6  # nats of agreement, and number, of periods that are tried
MANY, MAX_TRIED_OF_MANY = 1_000, 2  # texts of which fewer periods are tried
MIN_FILLED = 0.7  # share of the cells of the fewest records that are not blank
MAX_TRIMMED = 3  # texts before the first record that look like some of it, or the other way round
FITTING = 0.75  # of the texts that complete a row look like those above
EXTENSIONS = 2  # times that the stretch is found anew with what was fitted
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

_SERIAL = "serial"  # the look of numbers that count the records


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
    read = [_records(cycle, texts) for cycle in fitted if cycle is not None]
    if not read:
        return None
    records = max(read, key=lambda own: own.gain)
    sure = sum(records.sure) >= MIN_FIT * len(records.sure)
    enough = len(set(records.rows)) >= MIN_RECORDS
    if not (records.gain >= MIN_GAIN and sure and enough and _has_kinds(records, texts)):
        return None
    return _completed(records, texts)


def _fitted(looks: Ints, width: int, start: int, end: int) -> Cycle | None:
    """A cycle of so many columns, and the stretch that it explains; None if that is short."""
    cycle = Cycle(looks, start, end, width)
    for _ in range(EXTENSIONS):
        start, end = cycle.stretch()
        if end - start < MIN_RECORDS * width * MIN_FILLED:
            return None
        if (start, end) == (cycle.start, cycle.end):
            break
        cycle = Cycle(looks, start, end, width)
    return cycle


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
    numbers = {_SERIAL: BEGINS}
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


def _records(cycle: Cycle, texts: Sequence[str]) -> Records:
    """The most probable path as rows; what the first row begins with is in the first column."""
    path, gamma = cycle.path, cycle.posterior()
    begin, nats = _beginning(cycle, texts)
    before = range(path[0] + begin, path[0])  # columns of texts before the stretch
    own = [*(column % cycle.width for column in before), *path[max(begin, 0) :]]
    columns = [(column - own[0]) % cycle.width for column in own]
    rows = [0]
    for last, column in pairwise(columns):
        rows.append(rows[-1] + (column <= last))
    sure = [float(gamma[i, column]) for i, column in enumerate(path) if i >= begin]
    start = cycle.start + begin
    return Records(
        start,
        start + len(own),
        cycle.width,
        tuple(rows),
        tuple(columns),
        (*[min(sure)] * len(before), *sure),
        cycle.gain() + nats,
    )


def _beginning(cycle: Cycle, texts: Sequence[str]) -> tuple[int, float]:
    """Where the first row begins in the stretch, or before it; and what speaks for it, in nats.

    Rows begin with serial numbers or words, and where the stretch ends with a row, with the
    column behind its last one. Heads before them are as many as columns, or more in two rows.
    """
    path, start, width = cycle.path, cycle.start, cycle.width
    firsts = list(map(_first, _by_column(texts, start, path, width)))
    best = (0, -inf)
    for begin in range(-min(MAX_TRIMMED, start), min(MAX_TRIMMED + 1, len(path))):
        added = [(path[0] + at) % width for at in range(begin, 0)]
        if any(map(_is_count, texts[start + begin : start])) or any(
            firsts[column] != WORDS for column in added
        ):
            continue  # words alone, in columns of words, may look like heads
        column = added[0] if added else path[begin]
        ends = column == (path[-1] + 1) % width
        heads = heads_before(texts, start + begin)
        headed = HEADED if heads == width else PACKED if width < heads <= 2 * width else 0.0
        score = firsts[column] - TRIMMED * abs(begin) + ENDS * ends + headed
        best = max(best, (begin, score), key=itemgetter(1))
    return best


def _first(texts: Sequence[str]) -> float:
    """What speaks for a column with these texts as the first: serial numbers, or words."""
    numbers = [number_of(text) for text in texts]
    serial = sum(a is not None and b is not None and b - a == 1 for a, b in pairwise(numbers))
    if 2 * serial > len(texts):
        return SERIAL
    return WORDS if 2 * sum(map(_is_count, texts)) < len(texts) else 0.0


def _by_column(
    texts: Sequence[str], start: int, columns: Sequence[int], width: int
) -> list[list[str]]:
    """The texts from `start` on that are in each of the columns."""
    own: list[list[str]] = [[] for _ in range(width)]
    for at, column in enumerate(columns, start):
        own[column].append(texts[at])
    return own


def _counts(records: Records, texts: Sequence[str]) -> list[float]:
    """Of each column, the share of numbers and dates; an empty one may hold either."""
    own = _by_column(texts, records.start, records.columns, records.width)
    return [sum(map(_is_count, column)) / len(column) if column else 0.5 for column in own]


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
    counts = _counts(records, texts)[last + 1 :]
    fitting = sum(
        (share >= 0.5) == _is_count(texts[at]) for share, at in zip(counts, more, strict=False)
    )
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
    shares = _counts(records, texts)
    headed = heads_before(texts, records.start) >= records.width
    return any(share >= PURE for share in shares) and (
        headed or any(share <= 1 - PURE for share in shares)
    )


def _is_count(text: str) -> bool:
    """Whether a text is a number or a date."""
    return _DATE.fullmatch(text) is not None or classify(text) != UnitKind.TEXT
