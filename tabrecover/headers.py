"""Label paths: by which row and column labels a value is bound.

Works on anything with a position, spans, a role and a text: cells of a template or of a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Positioned", "header_paths"]


class Positioned(Protocol):
    """A cell's geometry, role and text."""

    @property
    def row(self) -> int: ...
    @property
    def col(self) -> int: ...
    @property
    def rowspan(self) -> int: ...
    @property
    def colspan(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def text(self) -> str: ...


def header_paths(
    cells: Sequence[Positioned],
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Row path and column path, outermost label first, of every cell; empty for labels.

    A row path holds the labels to the left whose rows include the cell's. A column path holds
    the labels above in the nearest block of header rows, so that a header inside the body ends
    the reach of the one before.
    """
    owner = {
        (r, c): cell
        for cell in cells
        for r in range(cell.row, cell.row + cell.rowspan)
        for c in range(cell.col, cell.col + cell.colspan)
    }
    return [
        (_row_path(owner, cell), _column_path(owner, cell)) if cell.role == "value" else ((), ())
        for cell in cells
    ]


def _row_path(owner: dict[tuple[int, int], Positioned], value: Positioned) -> tuple[str, ...]:
    path: list[Positioned] = []
    for col in range(value.col):
        cell = owner.get((value.row, col))
        if cell and cell.role == "label" and (not path or path[-1] is not cell):
            path.append(cell)
    return tuple(cell.text for cell in path)


def _column_path(owner: dict[tuple[int, int], Positioned], value: Positioned) -> tuple[str, ...]:
    path: list[Positioned] = []
    for row in range(value.row - 1, -1, -1):
        cell = owner.get((row, value.col))
        if cell is None or cell.role == "value":
            if path:
                break
        elif not path or path[-1] is not cell:
            path.append(cell)
    return tuple(cell.text for cell in reversed(path))
