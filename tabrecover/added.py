"""Rows that a table has and its template lacks: kept, at their place, drawn as the row above.

A row that a local office added becomes a row of the grid below the row that it follows, with that
row's cells, without keys. Cells that span the row above grow to span the new one as well. It shows
in one of two ways:

- Where row ends show, as a line of strays below a row of which no value is missing: with as many
  symbols, each stands in the column of the one above it (a cell, an empty one, a covered position).
- Elsewhere as words, then values, between the last symbol of one row of the template and the first
  of a later one: the words in the last label cell, the values in the value cells, if they are as
  many. Fewer are not placed, since nothing tells their columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tabrecover.confidence import Confidence
from tabrecover.model import Cell
from tabrecover.scoring import NUMERIC, UnitKind
from tabrecover.template import SlotKind, TemplateCell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Set

    from tabrecover.align import Alignment
    from tabrecover.model import Span

__all__ = ["AddedRow", "added_rows", "own_cells", "with_rows"]

ADDED = 0.97  # probability that words and as many values as a row has are a row
_NUMBERS = (SlotKind.INTEGER, SlotKind.DECIMAL)
_VALUES = (*NUMERIC, UnitKind.BLANK)
_AnyCell = TypeVar("_AnyCell", Cell, TemplateCell)


@dataclass(frozen=True, slots=True)
class AddedRow:
    """A row below template row `below`: the symbols in each of that row's own cells, in order."""

    below: int
    cells: tuple[tuple[int, ...], ...]

    @property
    def symbols(self) -> frozenset[int]:
        """All its symbols."""
        return frozenset(symbol for own in self.cells for symbol in own)


def added_rows(alignment: Alignment) -> list[AddedRow]:
    """Rows among the strays, in reading order, that are drawn as the row above."""
    by_line = list(_rows_by_line(alignment))
    taken = frozenset[int]().union(*(row.symbols for row in by_line))
    rows = [*by_line, *_rows_by_order(alignment, taken)]
    return sorted(rows, key=lambda row: (row.below, min(row.symbols)))


def own_cells(cells: Sequence[_AnyCell], row: int) -> list[_AnyCell]:
    """The cells of a row that reach no further down, from left to right: what a new row copies."""
    own = (cell for cell in cells if cell.row == row and cell.rowspan == 1)
    return sorted(own, key=lambda cell: cell.col)


# --- lines like the line above ------------------------------------------------------------------


class _Line(NamedTuple):
    """The symbols between two row ends, and the template's row that they are; -1: all strays.

    No symbols: the line is neither. Empty cells may be strays in any row.
    """

    symbols: list[int]
    row: int


def _rows_by_line(alignment: Alignment) -> Iterator[AddedRow]:
    last = alignment.template.n_rows - 1  # what is behind it may be anything
    above = _Line([], -1)
    for line in _lines(alignment):
        if line.row >= 0 or not line.symbols:
            above = line
        elif len(line.symbols) == len(above.symbols) and above.row < last:
            row = _drawn_as(above, line, alignment)
            if row is not None:
                yield row


def _lines(alignment: Alignment) -> Iterator[_Line]:
    slots, trace = alignment.template.slots, alignment.trace
    line: list[int] = []
    for number, symbol in enumerate(alignment.symbols):
        if symbol.kind != UnitKind.ROW_END:
            line.append(number)
        elif line:
            texts = [k for k in line if trace[k] >= 0 or alignment.symbols[k].unit >= 0]
            rows = {slots[trace[k]].row if trace[k] >= 0 else -1 for k in texts}
            yield _Line(line, *rows) if len(rows) == 1 else _Line([], -1)
            line = []


def _drawn_as(above: _Line, line: _Line, alignment: Alignment) -> AddedRow | None:
    """The line as a row, each symbol in the column of the one above; None if it can't be."""
    by_column = _below_each(above, line, alignment)
    if by_column is None:
        return None
    own = own_cells(alignment.template.cells, above.row)
    named = [cell for cell in own if cell.role == "label" and by_column.get(cell.col)]
    values = [cell for cell in own if cell.role == "value"]
    kinds = {alignment.symbols[k].kind for cell in named for k in by_column[cell.col]}
    is_full = all(cell.col in by_column for cell in values)
    has_values = any(by_column.get(cell.col) for cell in values)
    if not (named and is_full and has_values) or kinds.intersection(NUMERIC):
        return None
    return AddedRow(above.row, tuple(tuple(by_column.get(cell.col, ())) for cell in own))


def _below_each(above: _Line, line: _Line, alignment: Alignment) -> dict[int, list[int]] | None:
    """The texts of `line` below each cell that `above` shows, by the cell's column.

    None where one stands below none, below a cell that goes on, or is no number as it should.
    """
    template = alignment.template
    found: dict[int, list[int]] = {}
    for model, symbol in zip(above.symbols, line.symbols, strict=True):
        shown, place = alignment.symbols[symbol], alignment.trace[model]
        slot = template.slots[place] if place >= 0 else None  # an empty cell that fills the row
        cell = template.cells[slot.cell] if slot else None
        if slot and slot.kind in _NUMBERS and shown.kind not in _VALUES:
            return None
        if cell and cell.row == above.row and cell.rowspan == 1:
            found.setdefault(cell.col, []).extend([symbol] if shown.unit >= 0 else [])
        elif shown.unit >= 0:
            return None
    return found


# --- words and as many values as the row above --------------------------------------------------


def _rows_by_order(alignment: Alignment, taken: Set[int]) -> list[AddedRow]:
    rows: list[AddedRow] = []
    run: list[int] = []
    above = -1
    for symbol, slot in enumerate(alignment.trace):
        if symbol in taken:
            continue
        if slot < 0:
            run.append(symbol)
            continue
        row = alignment.template.slots[slot].row
        if run and 0 <= above < row:
            rows += _rows_of(run, above, alignment)
        run, above = [], row
    return rows


def _rows_of(run: Sequence[int], below: int, alignment: Alignment) -> list[AddedRow]:
    """The rows that a run of strays spells: words, then values, then words again."""
    own = own_cells(alignment.template.cells, below)
    width = sum(cell.role == "value" for cell in own)
    rows: list[AddedRow] = []
    words: list[int] = []
    values: list[int] = []

    def close() -> None:
        if words and values and len(values) == width:
            rows.append(AddedRow(below, tuple(_in_cells(own, words, values))))
        words.clear()
        values.clear()

    for symbol in run:
        kind = alignment.symbols[symbol].kind
        if kind in NUMERIC or kind == UnitKind.BLANK:
            if words:
                values.append(symbol)
        elif kind != UnitKind.ROW_END:
            if values:
                close()
            words.append(symbol)
    close()
    return rows


def _in_cells(
    own: Sequence[TemplateCell], words: Sequence[int], values: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """The words in the last label cell, the values in the value cells."""
    labels = [cell for cell in own if cell.role == "label"]
    each = iter(values)
    for cell in own:
        if cell.role == "value":
            yield (next(each),)
        else:
            yield tuple(words) if cell is labels[-1] else ()


# --- drawing them -------------------------------------------------------------------------------


def with_rows(
    cells: Sequence[Cell],
    rows: Sequence[AddedRow],
    text_of: Callable[[int], tuple[str, tuple[Span, ...]]],
    layout: float,
) -> tuple[Cell, ...]:
    """The cells of a grid with `rows` inserted; `text_of` gives a symbol's text and input spans."""
    grid = list(cells)
    for shift, row in enumerate(rows):
        below = row.below + shift
        model = own_cells(grid, below)
        grid = [_making_room(cell, below) for cell in grid]
        grid += _drawn(model, row, text_of, layout)
    return tuple(sorted(grid, key=lambda c: (c.row, c.col)))


def _making_room(cell: Cell, below: int) -> Cell:
    if cell.row > below:
        return replace(cell, row=cell.row + 1)
    if cell.rowspan > 1 and below < cell.row + cell.rowspan:
        return replace(cell, rowspan=cell.rowspan + 1)
    return cell


def _drawn(
    model: Sequence[Cell],
    row: AddedRow,
    text_of: Callable[[int], tuple[str, tuple[Span, ...]]],
    layout: float,
) -> list[Cell]:
    """The cells of a new row, drawn as those of `model`."""
    confidence = Confidence(layout, ADDED).total
    drawn = []
    for cell, symbols in zip(model, row.cells, strict=True):
        pieces = [text_of(symbol) for symbol in symbols]
        text = " ".join(text for text, _ in pieces)
        new = replace(
            cell, row=cell.row + 1, key=None, confidence=confidence, alternatives=(),
            suggestion=None, observed=text if cell.role == "label" and symbols else None, text=text,
            spans=tuple(span for _, own in pieces for span in own),
        )  # fmt: skip
        drawn.append(new)
    return drawn
