"""Where a text stands in its line, as evidence of its column.

Columns that only spaces part lose their blank cells, but not their places: texts of one column
stand below each other, by their left ends, their middles or their right ends. Rows that are full
show where the columns are; a row with blanks is compared with the full rows nearest to it, since
pages and proportional fonts let columns drift. The distance to a column is a normal deviation,
whose scale is that of the full rows among themselves, mixed with a place anywhere in the line, as
often as full rows disagree. A drift moves a whole row: its texts share one vote.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from itertools import groupby, pairwise
from math import exp, log, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.scoring import NUMERIC, UnitKind
from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tabrecover.model import Document, Unit
    from tabrecover.template import Template

__all__ = ["Extent", "Positions", "extents", "learn"]

MIN_ROWS = 2  # full rows that show where columns are
NEAREST = 4  # full rows that a text is compared with
LEAST_SCALE = 0.75  # columns; texts are cut to whole ones
MAX_DEVIATION = 3.0  # scales beyond which a text of a column is astray
FEATURES = 3  # left end, middle, right end
MEASURES = (2, 1)  # columns that an East Asian wide character takes


class Extent(NamedTuple):
    """Columns in which a text begins and ends, in both `MEASURES`."""

    wide: tuple[int, int]
    narrow: tuple[int, int]


class Spread(NamedTuple):
    """How texts of one column stand in full rows: scale, share far off, and the lines' width."""

    scale: float
    astray: float
    width: float


class Positions:
    """Log-odds of a symbol in a column of the template, by where it stands."""

    def __init__(
        self,
        rows: Sequence[tuple[int, Mapping[int, float]]],
        spread: Spread,
        places: Mapping[int, float],
        company: Mapping[int, int],
    ) -> None:
        self.starts = [start for start, _ in rows]
        self.rows = rows
        self.spread = spread
        self.places = places
        self.company = company
        self.gain = spread.width / (spread.scale * sqrt(2 * pi))

    def log_odds(self, symbol: int, column: int) -> float:
        """Against a place anywhere in the line; 0 where nothing is known."""
        place = self.places.get(symbol)
        if place is None:
            return 0.0
        at = bisect_left(self.starts, symbol)
        near = sorted(
            range(max(0, at - NEAREST), min(len(self.rows), at + NEAREST)),
            key=lambda k: abs(self.starts[k] - symbol),
        )[:NEAREST]
        distances = [abs(place - row[column]) for k in near if column in (row := self.rows[k][1])]
        if not distances:
            return 0.0
        deviation = min(distances) / self.spread.scale
        astray = self.spread.astray
        odds = astray + (1 - astray) * self.gain * exp(-deviation * deviation / 2)
        return log(odds) / self.company.get(symbol, 1)


def extents(document: Document, units: Sequence[Unit]) -> list[Extent]:
    """Where the units stand in the lines of the input."""
    raw = document.raw
    result = []
    line_start, wide, narrow, position = -1, 0, 0, 0
    for unit in units:
        start, end = document.raw_span(unit.start, unit.end)
        own_line = raw.rfind("\n", 0, start) + 1
        if own_line != line_start or start < position:
            line_start, wide, narrow, position = own_line, 0, 0, own_line
        wide, narrow = _advance(raw, position, start, wide, narrow)
        ends = _advance(raw, start, end, wide, narrow)
        result.append(Extent((wide, ends[0]), (narrow, ends[1])))
        position, wide, narrow = end, *ends
    return result


def _advance(raw: str, start: int, end: int, wide: int, narrow: int) -> tuple[int, int]:
    for char in raw[start:end]:
        if unicodedata.combining(char):
            continue
        wide += MEASURES[0] if unicodedata.east_asian_width(char) in "WF" else 1
        narrow += MEASURES[1]
    return wide, narrow


def learn(
    template: Template,
    kinds: Sequence[int],
    units: Sequence[int],
    anchors: Sequence[tuple[int, int]],
    where: Sequence[Extent],
) -> Positions | None:
    """What the full rows tell of the columns; None if they are too few.

    `kinds[k]` and `units[k]` are the kind and the unit (or -1) of symbol `k`.
    """
    rows = _full_rows(template, kinds, units, anchors)
    if len(rows) < MIN_ROWS:
        return None
    ways = [
        _placed(rows, units, where, measure, feature)
        for measure in range(len(MEASURES))
        for feature in range(FEATURES)
    ]
    spreads = [_spread(placed) for placed in ways]
    best = min(range(len(ways)), key=lambda k: (spreads[k].astray, spreads[k].scale))
    measure, feature = divmod(best, FEATURES)
    places = {k: _place(where[unit], measure, feature) for k, unit in enumerate(units) if unit >= 0}
    starts = [start for start, _ in rows]
    learnt = list(zip(starts, ways[best], strict=True))
    return Positions(learnt, spreads[best], places, _company(kinds))


def _placed(
    rows: Sequence[tuple[int, Mapping[int, int]]],
    units: Sequence[int],
    where: Sequence[Extent],
    measure: int,
    feature: int,
) -> list[dict[int, float]]:
    """Of each full row, where its columns are."""
    return [
        {column: _place(where[units[k]], measure, feature) for column, k in row.items()}
        for _, row in rows
    ]


def _company(kinds: Sequence[int]) -> dict[int, int]:
    """With how many numbers, itself among them, each number stands in a row."""
    company: dict[int, int] = {}
    for _, run in groupby(enumerate(kinds), key=lambda pair: pair[1] in NUMERIC):
        members = [k for k, kind in run if kind in NUMERIC]
        company.update(dict.fromkeys(members, len(members)))
    return company


def _place(extent: Extent, measure: int, feature: int) -> float:
    start, end = extent[measure]
    return (start, (start + end) / 2, end)[feature]


def _spread(placed: Sequence[Mapping[int, float]]) -> Spread:
    """The distances between texts of one column in neighbouring full rows, summed up."""
    steps = sorted(
        abs(above[column] - below[column])
        for above, below in pairwise(placed)
        for column in above.keys() & below.keys()
    )
    scale = max(LEAST_SCALE, steps[len(steps) // 2]) if steps else LEAST_SCALE
    rows_astray = sum(
        any(abs(a[c] - b[c]) > MAX_DEVIATION * scale for c in a.keys() & b.keys())
        for a, b in pairwise(placed)
    )
    places = [place for row in placed for place in row.values()]
    width = max(max(places) - min(places), 1.0)
    return Spread(scale, (rows_astray + 1) / (len(placed) + 1), width)


def _full_rows(
    template: Template,
    kinds: Sequence[int],
    units: Sequence[int],
    anchors: Sequence[tuple[int, int]],
) -> list[tuple[int, dict[int, int]]]:
    """Rows whose values are as many as their slots: first symbol, and the symbol by column."""
    width = template.n_cols + 1
    rows = []
    for symbol, slot in anchors:
        behind = range(slot + 1, (slot // width + 1) * width - 1)
        if any(template.slots[s].kind == SlotKind.LABEL for s in behind):
            continue
        columns = [s % width for s in behind if template.slots[s].kind <= SlotKind.TEXT]
        values = _values_behind(symbol, kinds, units)
        if len(values) > 1 and len(values) == len(columns):
            rows.append((symbol, dict(zip(columns, values, strict=True))))
    return rows


def _values_behind(symbol: int, kinds: Sequence[int], units: Sequence[int]) -> list[int]:
    """The numbers between a label and the next row end that has any before it."""
    values: list[int] = []
    for k in range(symbol + 1, len(kinds)):
        if kinds[k] == UnitKind.ROW_END and not values:
            continue
        if kinds[k] not in NUMERIC or units[k] < 0:
            break
        values.append(k)
    return values
