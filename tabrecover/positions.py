"""Where a text stands in its line, as evidence of its column.

Columns that only spaces part lose their blank cells, but not their places: texts of one column
stand below each other, by their left ends, their middles or their right ends. Rows that are full
show where the columns are; a row with blanks is compared with the full rows nearest to it, since
pages and proportional fonts let columns drift. Where hardly a row is full, the places of all
values are cut at their widest gaps into as many clusters as there are columns (single linkage),
if these gaps stand out and the rows bear them out. The distance to a column is a normal deviation,
whose scale is that of the full rows among themselves, mixed with a place anywhere in the line, as
often as full rows disagree. A drift moves a whole row: its texts share one vote.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
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
CLEAR_GAP = 2.0  # times the widest gap between places of one column, a gap between two columns
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
    """What the rows tell of the columns; None if they tell too little.

    `kinds[k]` and `units[k]` are the kind and the unit (or -1) of symbol `k`.
    """
    rows = _rows(template, kinds, units, anchors)
    full = [row for row in rows if len(row.values) == len(row.columns)]
    ways = []
    for measure in range(len(MEASURES)):
        for feature in range(FEATURES):
            places = {k: _place(where[u], measure, feature) for k, u in enumerate(units) if u >= 0}
            known = list(map(_in_order, full)) if len(full) >= MIN_ROWS else _clusters(rows, places)
            if len(known) >= MIN_ROWS:
                placed = [{c: places[k] for c, k in row.items()} for _, row in known]
                starts = [start for start, _ in known]
                ways.append((_spread(placed), list(zip(starts, placed, strict=True)), places))
    if not ways:
        return None
    spread, placed_rows, places = min(ways, key=lambda way: (way[0].astray, way[0].scale))
    return Positions(placed_rows, spread, places, _company(kinds))


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


class _Row(NamedTuple):
    """A row with a known label: its first symbol, the columns of its value slots, its values."""

    start: int
    columns: tuple[int, ...]
    values: list[int]


def _rows(
    template: Template,
    kinds: Sequence[int],
    units: Sequence[int],
    anchors: Sequence[tuple[int, int]],
) -> list[_Row]:
    """Rows with more than one value, and no more than they have slots."""
    width = template.n_cols + 1
    rows = []
    for symbol, slot in anchors:
        behind = range(slot + 1, (slot // width + 1) * width - 1)
        if any(template.slots[s].kind == SlotKind.LABEL for s in behind):
            continue
        columns = tuple(s % width for s in behind if template.slots[s].kind <= SlotKind.TEXT)
        values = _values_behind(symbol, kinds, units)
        if 1 < len(values) <= len(columns):
            rows.append(_Row(symbol, columns, values))
    return rows


def _in_order(row: _Row) -> tuple[int, dict[int, int]]:
    """The symbols of a full row by their columns."""
    return row.start, dict(zip(row.columns, row.values, strict=True))


def _clusters(
    rows: Sequence[_Row], places: Mapping[int, float]
) -> list[tuple[int, dict[int, int]]]:
    """Rows with their symbols by column, as the gaps between all values' places have it.

    None where these gaps hardly differ from others, where two values of a row fall together, or
    where no row shows two neighbouring columns side by side: then one of them may be another in
    its drift.
    """
    columns = max((row.columns for row in rows), key=len, default=())
    alike = [row for row in rows if row.columns == columns]
    ordered = sorted({places[k] for row in alike for k in row.values})
    steps = sorted((b - a, b) for a, b in pairwise(ordered))
    inner, between = steps[: 1 - len(columns)], steps[1 - len(columns) :]
    if len(columns) < 2 or len(between) < len(columns) - 1:
        return []
    if inner and between[0][0] < CLEAR_GAP * inner[-1][0]:
        return []
    borders = sorted(start for _, start in between)
    clusters = [{bisect_right(borders, places[k]): k for k in row.values} for row in alike]
    beside = {pair for row in clusters for pair in pairwise(sorted(row))}
    if any(len(own) < len(row.values) for own, row in zip(clusters, alike, strict=True)):
        return []
    if any((at, at + 1) not in beside for at in range(len(columns) - 1)):
        return []
    return [
        (row.start, {columns[at]: k for at, k in own.items()})
        for own, row in zip(clusters, alike, strict=True)
    ]


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
