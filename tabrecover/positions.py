"""Where a text stands in its line, as evidence of its column.

Columns that only spaces part lose their blank cells, but not their places: texts of one column
stand below each other, by their left ends, their middles or their right ends. The places of all
values are cut at their widest gaps into as many clusters as there are columns (single linkage), if
these gaps stand out and the rows bear them out. Where they don't, since pages and proportional
fonts let columns drift, full rows show where the columns are, and a row with blanks is compared
with those nearest to it; where hardly a row is full, heads do, or labels and values together. The
distance to a column is a normal deviation, whose scale is that of the known rows among themselves,
mixed with a place anywhere in the line, as often as known rows disagree. A drift moves a whole row:
its texts share one vote.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from itertools import groupby, pairwise
from math import exp, log, pi, sqrt
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.fold import fold_text
from tabrecover.scoring import NUMERIC, UnitKind
from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tabrecover.model import Document, Unit
    from tabrecover.straight import Placing
    from tabrecover.template import Template

__all__ = ["Extent", "Positions", "extents", "learn", "placing"]

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
    """Log-odds of a symbol in a slot of the template, by where it stands."""

    def __init__(
        self,
        columns: Sequence[int],
        rows: Sequence[tuple[int, Mapping[int, float]]],
        spread: Spread,
        places: Mapping[int, float],
        company: Mapping[int, int],
    ) -> None:
        self.columns = columns
        self.starts = [start for start, _ in rows]
        self.rows = rows
        self.spread = spread
        self.places = places
        self.company = company
        self.gain = spread.width / (spread.scale * sqrt(2 * pi))

    def log_odds(self, symbol: int, slot: int) -> float:
        """Against a place anywhere in the line; 0 where nothing is known."""
        place = self.places.get(symbol)
        column = self.columns[slot]
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
    ways = [
        (_spread([row for _, row in placed]), placed, columns, places)
        for columns in _numberings(template)
        for places in _places(units, where)
        for placed in (_placed_rows(template, columns, kinds, units, anchors, places),)
        if len(placed) >= MIN_ROWS
    ]
    if not ways:
        return None
    spread, placed, columns, places = min(ways, key=lambda way: (way[0].astray, way[0].scale))
    return Positions(columns, placed, spread, places, _company(kinds))


def _numberings(template: Template) -> list[list[int]]:
    """Ways to number the slots of a row: by grid column, or by cell, as if no cell spanned rows."""
    width = template.n_cols + 1
    by_column = [slot % width for slot in range(len(template.slots))]
    origins = [slot.kind <= SlotKind.LABEL for slot in template.slots]
    by_cell = [sum(origins[slot - slot % width : slot]) for slot in range(len(template.slots))]
    return [by_column, by_cell]


def placing(rows: Sequence[Sequence[str]], template: Template) -> Placing | None:
    """How labels of a template stand in their columns: most, no other ones, and none in pieces."""
    if not rows or len(rows[0]) != template.n_cols:
        return None
    forms = [(fold_text(text), column) for row in rows for column, text in enumerate(row) if text]
    ways: tuple[Placing, Placing] = ("by column", "by cell")
    for way, numbering in zip(ways, _numberings(template), strict=True):
        columns: dict[str, set[int]] = {}
        for column, slot in zip(numbering, template.slots, strict=True):
            for form in template.cells[slot.cell].forms if slot.kind == SlotKind.LABEL else ():
                columns.setdefault(form, set()).add(column)
        known = [(form, column) for form, column in forms if form in columns]
        if 2 * len(set(known)) < len(columns) or any(c not in columns[f] for f, c in known):
            continue
        missing = sorted(columns.keys() - {form for form, _ in known})
        if not any(_begins_one(form, missing) for form, _ in forms if form not in columns):
            return way
    return None


def _begins_one(form: str, labels: Sequence[str]) -> bool:
    """Whether a text with letters is the beginning of one of the labels, which are sorted."""
    behind = labels[bisect_left(labels, form) :][:1]
    return any(map(str.isalpha, form)) and any(label.startswith(form) for label in behind)


def _places(units: Sequence[int], where: Sequence[Extent]) -> Iterator[dict[int, float]]:
    """Of every symbol, where it stands: each measure with each feature."""
    for measure in range(len(MEASURES)):
        for feature in range(FEATURES):
            yield {k: _place(where[u], measure, feature) for k, u in enumerate(units) if u >= 0}


def _placed_rows(
    template: Template,
    columns: Sequence[int],
    kinds: Sequence[int],
    units: Sequence[int],
    anchors: Sequence[tuple[int, int]],
    places: Mapping[int, float],
) -> list[tuple[int, dict[int, float]]]:
    """Rows whose values have known columns: first symbol, and places by column."""
    rows = _rows(template, columns, kinds, units, anchors)
    if len(rows) < MIN_ROWS:
        rows = _lines(template, columns, kinds, units)
    full = [row for row in rows if len(row.values) == len(row.columns)]
    if known := _clusters(rows, places):
        full = rows
    elif len(full) >= MIN_ROWS:
        known = [dict(zip(row.columns, row.values, strict=True)) for row in full]
    else:
        heads = _heads(template, columns, anchors)
        full, known = rows, _below(heads, rows, places)
        if rows and not known:
            full = _with_labels(rows, template, columns, anchors)
            known = _clusters(full, places)
    return [
        (row.start, {column: places[k] for column, k in cells.items()})
        for row, cells in zip(full, known, strict=False)
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


class _Row(NamedTuple):
    """A row with a known label: its first symbol, the columns of its value slots, its values."""

    start: int
    columns: tuple[int, ...]
    values: list[int]


def _rows(
    template: Template,
    columns: Sequence[int],
    kinds: Sequence[int],
    units: Sequence[int],
    anchors: Sequence[tuple[int, int]],
) -> list[_Row]:
    """Rows with values, and no more than they have slots."""
    width = template.n_cols + 1
    rows = []
    for symbol, slot in anchors:
        behind = range(slot + 1, (slot // width + 1) * width - 1)
        if any(template.slots[s].kind == SlotKind.LABEL for s in behind):
            continue
        own = tuple(columns[s] for s in behind if template.slots[s].kind <= SlotKind.TEXT)
        values = _values_behind(symbol, kinds, units)
        if 0 < len(values) <= len(own) and len(own) > 1:
            rows.append(_Row(symbol, own, values))
    return rows


def _with_labels(
    rows: Sequence[_Row],
    template: Template,
    columns: Sequence[int],
    anchors: Sequence[tuple[int, int]],
) -> list[_Row]:
    """The rows with their labels in front, and those of labels alone."""
    width = template.n_cols + 1
    values = {row.start: row for row in rows}
    labelled = []
    for _, own in groupby(sorted(anchors, key=itemgetter(1)), key=lambda at: at[1] // width):
        symbols, slots = zip(*own, strict=True)
        behind = values.pop(symbols[-1], _Row(0, (), []))
        held = (*(columns[slot] for slot in slots), *behind.columns)
        labelled.append(_Row(symbols[0], held, [*symbols, *behind.values]))
    return sorted([*labelled, *values.values()])


def _lines(
    template: Template, columns: Sequence[int], kinds: Sequence[int], units: Sequence[int]
) -> list[_Row]:
    """Lines of values, where all rows of the template have theirs in the same columns."""
    alike = {
        tuple(columns[number] for number, _ in row)
        for _, slots in groupby(enumerate(template.slots), key=lambda pair: pair[1].row)
        if (row := [pair for pair in slots if pair[1].kind <= SlotKind.TEXT])
    }
    if len(alike) != 1:
        return []
    (own,) = alike
    rows = []
    for _, line in groupby(enumerate(kinds), key=lambda pair: pair[1] == UnitKind.ROW_END):
        values = [k for k, kind in line if kind in NUMERIC and units[k] >= 0]
        if 0 < len(values) <= len(own) and len(own) > 1:
            rows.append(_Row(values[0], own, values))
    return rows


def _clusters(rows: Sequence[_Row], places: Mapping[int, float]) -> list[dict[int, int]]:
    """The symbols of all rows by column, as the gaps between all values' places have it.

    None where these gaps hardly differ from others, where a row has two values in one column or
    one where it has none, or where no row shows two neighbouring columns side by side: then one
    of them may be another in its drift.
    """
    columns = sorted({column for row in rows for column in row.columns})
    ordered = sorted({places[k] for row in rows for k in row.values})
    steps = sorted((b - a, b) for a, b in pairwise(ordered))
    if len(columns) < 2 or len(steps) < len(columns) - 1:
        return []
    inner, between = steps[: 1 - len(columns)], steps[1 - len(columns) :]
    if inner and between[0][0] < CLEAR_GAP * inner[-1][0]:
        return []
    borders = sorted(start for _, start in between)
    found = [{columns[bisect_right(borders, places[k])]: k for k in row.values} for row in rows]
    beside = {pair for cells in found for pair in pairwise(sorted(cells))}
    return found if _fits(rows, found) and beside.issuperset(pairwise(columns)) else []


def _fits(rows: Sequence[_Row], found: Sequence[Mapping[int, int]]) -> bool:
    """Whether no two values of a row share a column, and each stands where the row has values."""
    return all(
        len(cells) == len(row.values) and cells.keys() <= set(row.columns)
        for cells, row in zip(found, rows, strict=True)
    )


def _heads(
    template: Template, columns: Sequence[int], anchors: Sequence[tuple[int, int]]
) -> dict[int, int]:
    """The lowest label above each column, if it spans no other: symbols by column."""
    heads = {}
    for symbol, number in anchors:
        slot = template.slots[number]
        if template.cells[slot.cell].colspan == 1 and slot.row not in template.rows_of_values:
            heads[columns[number]] = symbol
    return heads


def _below(
    heads: Mapping[int, int], rows: Sequence[_Row], places: Mapping[int, float]
) -> list[dict[int, int]]:
    """The symbols of all rows by the column whose head they are nearest to.

    None where a head is missing, a value stands nearly as far from one head as from another, or
    a row does not fit.
    """
    columns = sorted({column for row in rows for column in row.columns})
    if not columns or any(column not in heads for column in columns):
        return []
    found = []
    for row in rows:
        cells = {}
        for k in row.values:
            near = sorted((abs(places[k] - places[heads[c]]), c) for c in columns)
            if near[1][0] < CLEAR_GAP * near[0][0]:
                return []
            cells[near[0][1]] = k
        found.append(cells)
    return found if _fits(rows, found) else []


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
