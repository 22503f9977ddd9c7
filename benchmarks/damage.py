"""What happens to a drawn table before it is flattened: losses, additions, slips of the source.

Rows are lists of the cells that begin in them, with their texts, as `random_layouts` draws them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from tabrecover.template import TemplateCell

__all__ = ["DAMAGES", "Damage", "Line"]

Line = list[tuple[TemplateCell, str]]
"""The cells that begin in a row, with their texts."""

Damage = Callable[[random.Random, list[Line], Callable[[], str]], list[Line]]
"""Makes damaged rows of whole ones; the last argument draws words."""


def _whole(_: random.Random, lines: list[Line], __: Callable[[], str]) -> list[Line]:
    return lines


def _without(lines: list[Line], row: int, number: int) -> list[Line]:
    """The rows without a cell and whatever parts it from the next."""
    cut = lines[row][:number] + lines[row][number + 1 :]
    return [*lines[:row], cut, *lines[row + 1 :]]


def _one_lost(role: str) -> Damage:
    def lose(rng: random.Random, lines: list[Line], _: Callable[[], str]) -> list[Line]:
        cells = [
            (row, number)
            for row, line in enumerate(lines)
            for number, (cell, text) in enumerate(line)
            if cell.role == role and text and cell.rowspan == cell.colspan == 1
        ]
        return _without(lines, *rng.choice(cells)) if cells else lines

    return lose


def _rows(lines: Sequence[Line]) -> list[int]:
    """The rows with a label and values that no cell of another row reaches into."""
    return [
        row
        for row, line in enumerate(lines)
        if {cell.role for cell, _ in line} == {"label", "value"}
        and line[0][0].col == 0
        and all(cell.rowspan == 1 for cell, _ in line)
    ]


def _row_left_out(rng: random.Random, lines: list[Line], _: Callable[[], str]) -> list[Line]:
    rows = _rows(lines)
    row = rng.choice(rows) if len(rows) > 1 else len(lines)
    return [*lines[:row], *lines[row + 1 :]]


def _row_added(rng: random.Random, lines: list[Line], words: Callable[[], str]) -> list[Line]:
    """A row as another one, with its values in another order, behind any such row."""
    rows = _rows(lines)
    if not rows:
        return lines
    model = lines[rng.choice(rows)]
    values = [text for cell, text in model if cell.role == "value"]
    rng.shuffle(values)
    texts = iter(values)
    added = [
        (replace(cell, key=None), next(texts) if cell.role == "value" else words())
        for cell, _ in model
    ]
    row = rng.choice(rows) + 1
    return [*lines[:row], added, *lines[row:]]


def _line_added(draw: Callable[[random.Random, Callable[[], str]], str]) -> Damage:
    """A line that is no row, somewhere between two."""

    def add(rng: random.Random, lines: list[Line], words: Callable[[], str]) -> list[Line]:
        rows = [row for row, line in enumerate(lines) if row and line and line[0][0].col == 0]
        if not rows:
            return lines
        row = rng.choice(rows)
        return [*lines[:row], [(lines[row][0][0], draw(rng, words))], *lines[row:]]

    return add


def _value_moved(rng: random.Random, lines: list[Line], _: Callable[[], str]) -> list[Line]:
    """A value stands in the next cell of its row, which was blank: a slip of the source."""
    places = [
        (row, number)
        for row, line in enumerate(lines)
        for number, ((cell, text), (other, empty)) in enumerate(pairwise(line))
        if cell.role == other.role == "value" and cell.type == other.type and text and not empty
    ]
    if not places:
        return lines
    row, number = rng.choice(places)
    line = list(lines[row])
    (cell, text), (other, empty) = line[number : number + 2]
    line[number : number + 2] = [(cell, empty), (other, text)]
    return [*lines[:row], line, *lines[row + 1 :]]


DAMAGES: dict[str, Damage] = {
    "none": _whole,
    "value lost": _one_lost("value"),
    "label lost": _one_lost("label"),
    "row left out": _row_left_out,
    "row added": _row_added,
    "note inside": _line_added(lambda _, words: f"{words()} {words()}"),
    "page number inside": _line_added(lambda rng, _: f"- {rng.randint(2, 99)} -"),
    "value moved": _value_moved,
}
