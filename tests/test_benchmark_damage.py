"""What is done to drawn tables (see `benchmarks.damage`): each damage is what its name says."""

from __future__ import annotations

import random

import pytest

from benchmarks.damage import DAMAGES, Line
from tabrecover.storage import parse_template

TEMPLATE = parse_template(
    "<table data-type=integer><tr><th>Name<th>Sheep<th>Goats"
    "<tr><th>Upton<td><td><tr><th>Slad<td><td></table>"
)
ROWS = [["Name", "Sheep", "Goats"], ["Upton", "1", ""], ["Slad", "3", "4"]]


def damaged(name: str, seed: int) -> list[list[str]]:
    """The texts of the rows after the damage."""
    lines: list[Line] = [[] for _ in ROWS]
    for cell in sorted(TEMPLATE.cells, key=lambda cell: (cell.row, cell.col)):
        lines[cell.row].append((cell, ROWS[cell.row][cell.col]))
    after = DAMAGES[name](random.Random(seed), lines, lambda: "Ham")  # noqa: S311 - drawing
    return [[text for _, text in line] for line in after]


def all_damaged(name: str) -> list[list[list[str]]]:
    found = [damaged(name, seed) for seed in range(60)]
    return [rows for k, rows in enumerate(found) if rows not in found[:k]]


def head_and(*rows: str) -> list[list[str]]:
    return [ROWS[0], *(row.split(",") for row in rows)]


BY_HAND = {
    "none": [ROWS],
    "value lost": [
        head_and("Upton,", "Slad,3,4"), head_and("Upton,1,", "Slad,4"),
        head_and("Upton,1,", "Slad,3"),
    ],
    "label lost": [
        [["Sheep", "Goats"], *ROWS[1:]], [["Name", "Goats"], *ROWS[1:]],
        [["Name", "Sheep"], *ROWS[1:]], head_and("1,", "Slad,3,4"), head_and("Upton,1,", "3,4"),
    ],
    "row left out": [head_and("Slad,3,4"), head_and("Upton,1,")],
    "note inside": [
        head_and("Ham Ham", "Upton,1,", "Slad,3,4"), head_and("Upton,1,", "Ham Ham", "Slad,3,4"),
    ],
    "value moved": [head_and("Upton,,1", "Slad,3,4")],
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_every_damage_is_one_of_those_by_hand(name: str) -> None:
    """All that can come of it, and nothing else does."""
    assert sorted(all_damaged(name)) == sorted(BY_HAND[name])


def test_an_added_row_is_as_another_one() -> None:
    """It has a name of its own and the values of a row, in some order, behind one of the rows."""
    for rows in all_damaged("row added"):
        (added,) = [row for row in rows if row[0] == "Ham"]
        assert sorted(added[1:]) in (["", "1"], ["3", "4"])
        assert [row for row in rows if row != added] == ROWS
        assert rows.index(added) > 1


def test_a_page_number_stands_alone() -> None:
    """It is a row with nothing else in it, below the heads."""
    for rows in all_damaged("page number inside"):
        (row,) = [row for row in rows if row not in ROWS]
        assert row[0][:2] + row[0][-2:] == "-  -"
        assert row[0][2:-2].isdecimal()
        assert row[1:] == []
        assert rows.index(row) > 0
