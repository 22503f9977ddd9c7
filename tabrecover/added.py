"""Rows that a table has and its template lacks: kept, at their place, drawn as the row above.

A row that a local office added shows as strays in a row: words, then values, between the last
symbol of one row of the template and the first of a later one. It becomes a row of the grid below
the row that it follows, with that row's cells: its words in the last label cell, its values in
the value cells, without keys. Cells that span the row above grow to span the new one as well.
Where its values are as many as the row's cells, they stand in order; fewer are not placed, since
nothing tells their columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tabrecover.confidence import Confidence
from tabrecover.model import Cell
from tabrecover.scoring import NUMERIC, UnitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tabrecover.align import Alignment
    from tabrecover.model import Span
    from tabrecover.template import Template

__all__ = ["AddedRow", "added_rows", "with_rows"]

ADDED = 0.97  # probability that words and as many values as a row has are a row


@dataclass(frozen=True, slots=True)
class AddedRow:
    """A row below template row `below`: symbols of its words, and of its values in order."""

    below: int
    words: tuple[int, ...]
    values: tuple[int, ...]


def added_rows(alignment: Alignment) -> list[AddedRow]:
    """Rows among the strays, in reading order, whose values fill the row above."""
    rows: list[AddedRow] = []
    run: list[int] = []
    above = -1
    for symbol, slot in enumerate(alignment.trace):
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
    width = len(_value_cells(alignment.template, below))
    rows: list[AddedRow] = []
    words: list[int] = []
    values: list[int] = []

    def close() -> None:
        if words and values and len(values) == width:
            rows.append(AddedRow(below, tuple(words), tuple(values)))
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


def _value_cells(template: Template, row: int) -> list[int]:
    return [i for i, c in enumerate(template.cells) if c.row == row and c.role == "value"]


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
        model = [cell for cell in grid if cell.row == below and cell.rowspan == 1]
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
    labels = [cell for cell in model if cell.role == "label"]
    values = iter(row.values)
    drawn = []
    for cell in model:
        new = replace(
            cell, row=cell.row + 1, key=None, confidence=confidence, alternatives=(),
            suggestion=None, observed=None, text="", spans=(),
        )  # fmt: skip
        if cell.role == "value":
            text, spans = text_of(next(values))
            new = replace(new, text=text, spans=spans)
        elif cell is labels[-1]:
            pieces = [text_of(symbol) for symbol in row.words]
            text = " ".join(text for text, _ in pieces)
            spans = tuple(span for _, own in pieces for span in own)
            new = replace(new, text=text, observed=text, spans=spans)
        drawn.append(new)
    return drawn
