"""A filled table as an example: cells on their grid, and which of them are marked as labels.

Declared cells are placed by the table model of the HTML standard ("forming a table"): a cell takes
the next free column, a rowspan ends with its row group. What the standard calls a table model error
is mended so that a grid results, and told in `Example.notes`: a cell that would overlap another one
is cut where that one begins, a position that no cell covers becomes a blank cell. One pass over
the cells, linear in the positions that they cover.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.errors import InputError
from tabrecover.model import covering

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Example", "ExampleCell", "GivenCell", "clean_text", "place_cells"]

MAX_POSITIONS = 200_000  # of one example; more is a data file, whose first rows show its layout
_SPACE = re.compile(r"\s+")
_UNWRITABLE = re.compile(  # what neither HTML nor TOML can hold
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


class GivenCell(NamedTuple):
    """A cell as its source declares it; `label`: the source marks it as a header."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    label: bool = False


class ExampleCell(NamedTuple):
    """A cell at its origin on the grid."""

    row: int
    col: int
    rowspan: int
    colspan: int
    text: str
    label: bool


@dataclass(frozen=True)
class Example:
    """One filled table: cells in reading order that cover a grid of `shape` (rows, columns).

    `place` says where it comes from, with the `file`, `notes` what had to be mended.
    """

    cells: tuple[ExampleCell, ...] = field(repr=False)
    shape: tuple[int, int]
    place: str = ""
    id: str = ""
    caption: str = ""
    file: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def owner(self) -> Mapping[tuple[int, int], int]:
        """The index of the cell that covers each position."""
        return covering(self.cells)


def clean_text(text: str) -> str:
    r"""Text on one line, without characters that a template can't hold.

    >>> clean_text(" Bed\n days\x00 ")
    'Bed days'
    """
    return _SPACE.sub(" ", _UNWRITABLE.sub(" ", text)).strip()


def place_cells(
    rows: Sequence[Sequence[GivenCell]],
    *,
    groups: Sequence[int] = (),
    place: str = "",
    id: str = "",  # noqa: A002 - the name users see
    caption: str = "",
    file: str = "",
) -> Example:
    """Put declared cells on a grid; see the module's docstring for what is mended.

    `groups` numbers the row group of every row, if there are several. Raises `InputError` where
    the cells would cover more than `MAX_POSITIONS`.
    """
    taken: set[tuple[int, int]] = set()
    cells: list[ExampleCell] = []
    notes: list[str] = []
    room = _rows_to_group_end(groups or [0] * len(rows))
    for r, given_row in enumerate(rows):
        col = 0
        for given in given_row:
            while (r, col) in taken:
                col += 1
            rowspan, colspan = min(given.rowspan, room[r]), given.colspan
            if len(taken) + rowspan * colspan > MAX_POSITIONS:
                raise InputError(
                    f"{place}: more than {MAX_POSITIONS} grid positions; cut the example down"
                )
            free = next((n for n in range(1, colspan) if (r, col + n) in taken), colspan)
            if free < colspan:
                notes.append(f"row {r + 1}, column {col + 1}: overlaps a cell; cut to {free}")
            cell = ExampleCell(r, col, rowspan, free, clean_text(given.text), given.label)
            cells.append(cell)
            taken.update((y, x) for y in _range(r, rowspan) for x in _range(col, free))
            col += free
    n_cols = max((c.col + c.colspan for c in cells), default=0)
    if len(rows) * n_cols > MAX_POSITIONS:
        raise InputError(f"{place}: more than {MAX_POSITIONS} grid positions; cut the example down")
    holes = [(r, c) for r in range(len(rows)) for c in range(n_cols) if (r, c) not in taken]
    for r, row in groupby(holes, key=lambda hole: hole[0]):
        columns = [c + 1 for _, c in row]
        notes.append(
            f"row {r + 1}: no cell in column {columns[0]} to {columns[-1]}; taken as blank"
        )
    cells += [ExampleCell(r, c, 1, 1, "", False) for r, c in holes]
    cells.sort(key=lambda cell: (cell.row, cell.col))
    shape = (len(rows), n_cols)
    return Example(
        tuple(cells), shape, place, clean_text(id), clean_text(caption), file, tuple(notes)
    )


def _range(start: int, length: int) -> range:
    return range(start, start + length)


def _rows_to_group_end(groups: Sequence[int]) -> list[int]:
    """How many rows, from each row on, belong to the same group.

    >>> _rows_to_group_end([0, 1, 1])
    [1, 2, 1]
    """
    room = [1] * len(groups)
    for r in range(len(groups) - 2, -1, -1):
        if groups[r] == groups[r + 1]:
            room[r] = room[r + 1] + 1
    return room
