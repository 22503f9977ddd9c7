"""The proof by the way back: a recovered grid, flattened by its law, must give the dump again.

The aligner reads separators as symbols and may overrule them one by one. Here the way is walked
in the other direction, from nothing but the grid and the law. The grid is laid out as one string,
a letter for every position in reading order and one for every row end, so that what stands
between two texts is a slice of it. The law *writes* the separators that it would leave there
(`dialects.Writing`), and what the dump has between the two texts is held against them. A
difference is a *mismatch*, with its place and both sides; so is a text that the grid does not
hold, or that comes too early. Nothing of the alignment is used but its result, the cells with
their places.

How a tool writes positions that a spanning cell covers (as empty cells, at the row's end, or not
at all) is no part of a law; of the ways that the law allows, the one that explains most gaps of
the table is taken. A label that the dump lacks may have been an empty cell, or none. Where the
law promises nothing about gaps, only texts and their order are compared.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tabrecover.dialects import Law, Writing
    from tabrecover.model import Cell, Document
    from tabrecover.units import Units

__all__ = ["Mismatch", "MismatchKind", "RoundTrip", "round_trip"]

MismatchKind = Literal["gap", "order", "text"]

# The letters of a grid that is laid out: the origin of a text, an empty cell, positions that a
# cell covers to the right and below, a label that the dump lacks, a row end. Before its end a row
# has the letters of all its positions again in lower case, for laws that put them there.
TEXT, EMPTY, RIGHT, BELOW, LOST, ROW_END = "TBCDLR"
PAD = "P"  # what an empty cell becomes where rows are padded
NOWHERE = -1


class Mismatch(NamedTuple):
    """A place where the flattened grid and the dump differ.

    `kind`: `gap` (other separators), `order` (a text that should have come before), `text` (one
    that the grid does not hold). `span` are the input characters; `expected` and `found` the
    separators in the letters of `lex`, or for `order` and `text` nothing and the text. `cells`
    are the numbers of the cells that are touched: the neighbours, and empty ones between.
    """

    kind: MismatchKind
    span: Span
    expected: str
    found: str
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """How far the flattened grid agrees with the dump.

    `compared` is the number of texts that were held against the grid, each with the gap before it.
    """

    compared: int
    mismatches: tuple[Mismatch, ...]

    @property
    def agreement(self) -> float:
        """The share of what was compared that agrees; 1 where nothing could be."""
        return 1 - len(self.mismatches) / self.compared if self.compared else 1.0

    @property
    def touched(self) -> frozenset[int]:
        """The numbers of all cells that a mismatch touches."""
        return frozenset(cell for mismatch in self.mismatches for cell in mismatch.cells)


def round_trip(
    cells: Sequence[Cell], shape: tuple[int, int], document: Document, units: Units, law: Law
) -> RoundTrip:
    """Flatten a grid by its law and compare it with the dump, from its first text to its last.

    `cells` cover every position of `shape` once; `units` are those of `document`'s text around
    the table, with the gaps that `law` reads.
    """
    grid = _Grid(cells, shape)
    dump = _Dump(document, units)
    steps = list(_steps(grid, dump.holders(cells), repeated=law.repeated_shown))
    mismatches = [_broken(step, dump) for step in steps if step.start == step.stop]
    if law.writing is not None:
        gaps = [step for step in steps if step.start < step.stop]
        if law.writing.wraps:
            gaps = [step for step in gaps if cells[step.cells[0]].role == "value"]
        mismatches += _gaps(gaps, grid, dump, law.writing, _ways(law))
    return RoundTrip(len(steps), tuple(sorted(mismatches, key=lambda m: m.span)))


class _Grid:
    """A grid laid out as a string; an index into it stands for a position or a row end."""

    def __init__(self, cells: Sequence[Cell], shape: tuple[int, int]) -> None:
        n_rows, n_cols = shape
        self.width = 2 * n_cols + 1
        rows = [[""] * n_cols for _ in range(n_rows)]
        self.covered: list[list[int]] = []
        self.origin = [NOWHERE] * (n_rows * self.width)
        for number, cell in enumerate(cells):
            covered = [
                (row, col)
                for row in range(cell.row, cell.row + cell.rowspan)
                for col in range(cell.col, cell.col + cell.colspan)
            ]
            for row, col in covered:
                rows[row][col] = RIGHT if row == cell.row else BELOW
            rows[cell.row][cell.col] = _letter(cell)
            self.covered.append([row * self.width + col for row, col in covered])
            self.origin[self.covered[-1][0]] = number
        lines = ("".join(row) for row in rows)
        self.letters = "".join(line + line.lower() + ROW_END for line in lines)

    def between(self, start: int, stop: int) -> str:
        """What stands between two positions."""
        return self.letters[start + 1 : stop]

    def touched(self, start: int, stop: int, *, rows: bool) -> list[int]:
        """The cells that begin between two positions, these included; or in all of their rows."""
        if rows and start // self.width < stop // self.width:
            start -= start % self.width
        return [number for number in self.origin[start : stop + 1] if number >= 0]


def _letter(cell: Cell) -> str:
    if cell.spans:
        return TEXT
    return LOST if cell.text else EMPTY


class _Dump:
    """The units of a region, and where they stand in the input."""

    def __init__(self, document: Document, units: Units) -> None:
        self.document = document
        self.units = units.units
        self.gaps = units.gaps

    def start(self, unit: int) -> int:
        starts, at = self.document.starts, self.units[unit].start
        return at if starts is None else int(starts[at])

    def end(self, unit: int) -> int:
        ends, at = self.document.ends, self.units[unit].end
        return at if ends is None else int(ends[at - 1])

    def text(self, unit: int) -> str:
        return self.document.text[self.units[unit].start : self.units[unit].end]

    def span_before(self, unit: int) -> Span:
        """The input between a unit and the one before; where it begins, if that stands behind."""
        start, end = self.end(unit - 1), self.start(unit)
        return Span(min(start, end), end)

    def holders(self, cells: Sequence[Cell]) -> list[int]:
        """By unit, the number of the cell that holds it."""
        holder = {span.start: number for number, cell in enumerate(cells) for span in cell.spans}
        return [holder.get(self.start(unit), NOWHERE) for unit in range(len(self.units))]


class _Step(NamedTuple):
    """From a text to the next, `unit`: their positions and cells.

    Where both positions are the same the step is broken: no cell holds the unit (`NOWHERE`), or
    its cell lies before.
    """

    unit: int
    start: int
    stop: int
    cells: tuple[int, int]


def _steps(grid: _Grid, holders: Sequence[int], *, repeated: bool) -> Iterator[_Step]:
    """All steps but those inside a cell, from the first text of the grid to the last."""
    used = [unit for unit, number in enumerate(holders) if number >= 0]
    if not used:
        return
    before = holders[used[0]]
    at = grid.covered[before][0]
    foreign = False  # whether a text that the grid lacks stands before this one
    for unit in range(used[0] + 1, used[-1] + 1):
        number = holders[unit]
        if number < 0:
            yield _Step(unit, at, at, (before, NOWHERE))
            foreign = True
            continue
        stop = next((place for place in grid.covered[number] if place > at), NOWHERE)
        if number == before and not (repeated and stop >= 0):
            continue
        if stop < 0:
            yield _Step(unit, at, at, (before, number))
            stop = grid.covered[number][0]
        elif not foreign:
            yield _Step(unit, at, stop, (before, number))
        before, at, foreign = number, stop, False


def _broken(step: _Step, dump: _Dump) -> Mismatch:
    text = dump.text(step.unit)
    span = Span(dump.start(step.unit), dump.end(step.unit))
    if step.cells[1] < 0:
        return Mismatch("text", span, "", text, step.cells[:1])
    return Mismatch("order", span, "", text, step.cells)


_Way = dict[int, str]


def _way(right: str = "", below: str = "") -> _Way:
    """How what stands between two texts is written: `right` and `below` are letters shown empty.

    A text that stands where its cell goes on below has left its origin, like those, empty.
    """
    hidden = dict.fromkeys((TEXT + RIGHT + BELOW).swapcase() + TEXT + RIGHT + BELOW, "")
    hidden |= dict.fromkeys((EMPTY + LOST).lower(), "")
    shown = dict.fromkeys(right + below, EMPTY)
    if BELOW in below:
        shown[TEXT] = EMPTY
    return str.maketrans(hidden | shown)


# Covered positions to the right and below may be hidden, empty cells, or empty cells at the end of
# their row.
_PADDED = str.maketrans(
    dict.fromkeys(TEXT + EMPTY + RIGHT + BELOW + LOST + TEXT.lower(), "")
    | dict.fromkeys((EMPTY + RIGHT + BELOW + LOST).lower(), PAD)
)
_HIDDEN = _way()
_SHOWN = [
    _way(right, below)
    for right in ("", RIGHT, RIGHT.lower())
    for below in ("", BELOW, BELOW.lower())
]


def _ways(law: Law) -> Sequence[_Way]:
    if law.writing is not None and law.writing.padded:
        return [_PADDED]
    return _SHOWN if law.continued_shown or law.ends_filled else [_HIDDEN]


def _gaps(
    steps: Sequence[_Step], grid: _Grid, dump: _Dump, writing: Writing, ways: Sequence[_Way]
) -> list[Mismatch]:
    """The gaps that differ from those written, by the way in which fewest do."""
    alike: dict[tuple[str, str], list[_Step]] = defaultdict(list)
    for step in steps:
        told = writing.told(dump.gaps[step.unit])
        alike[grid.between(step.start, step.stop), told].append(step)
    found = (
        [
            (expected[0], told, own)
            for (between, told), own in alike.items()
            if told not in (expected := _written(between, writing, way))
        ]
        for way in ways
    )
    fewest = min(found, key=lambda differing: sum(len(own) for _, _, own in differing))
    return [
        _gap(step, grid, dump, expected, told, rows=writing.padded)
        for expected, told, own in fewest
        for step in own
    ]


def _written(between: str, writing: Writing, way: _Way) -> tuple[str, str]:
    """The separators for what stands between two texts; labels that the dump lacks may show."""
    shown = between.translate(way)
    return writing.gap(shown.replace(LOST, "")), writing.gap(shown.replace(LOST, EMPTY))


def _gap(
    step: _Step, grid: _Grid, dump: _Dump, expected: str, told: str, *, rows: bool
) -> Mismatch:
    cells = {*grid.touched(step.start, step.stop, rows=rows), *step.cells}
    return Mismatch("gap", dump.span_before(step.unit), expected, told, tuple(sorted(cells)))
