"""Label paths: by which row and column labels a value is bound."""

from __future__ import annotations

from collections.abc import Sequence

from tabrecover.model import Cell, covering

__all__ = ["header_paths"]


def header_paths(
    cells: Sequence[Cell],
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Row path and column path, outermost label first, of every cell; empty for labels.

    A row path holds the labels to the left whose rows include the cell's. A column path holds
    the labels above in the nearest block of header rows, so that a header inside the body ends
    the reach of the one before.
    """
    owner = {at: cells[index] for at, index in covering(cells).items()}
    return [
        (_row_path(owner, cell), _column_path(owner, cell)) if cell.role == "value" else ((), ())
        for cell in cells
    ]


def _row_path(owner: dict[tuple[int, int], Cell], value: Cell) -> tuple[str, ...]:
    path: list[Cell] = []
    for col in range(value.col):
        cell = owner.get((value.row, col))
        if cell and cell.role == "label" and (not path or path[-1] is not cell):
            path.append(cell)
    return tuple(cell.text for cell in path)


def _column_path(owner: dict[tuple[int, int], Cell], value: Cell) -> tuple[str, ...]:
    path: list[Cell] = []
    for row in range(value.row - 1, -1, -1):
        cell = owner.get((row, value.col))
        if cell is None or cell.role == "value":
            if path:
                break
        elif not path or path[-1] is not cell:
            path.append(cell)
    return tuple(cell.text for cell in reversed(path))
