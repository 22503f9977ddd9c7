"""What contradicts the template is not told: other columns, moved rows, exchanged heads."""

from __future__ import annotations

import pytest

import tabrecover
from tabrecover.confidence import ACCEPT
from tabrecover.library import Library
from tabrecover.model import Cell
from tabrecover.storage import parse_template

LIBRARY = Library(
    [
        parse_template(
            "<table data-type=integer><tr><th data-key=place>Village</th>"
            "<th data-key=sheep>Sheep</th><th data-key=goats>Goats</th>"
            "<th data-key=all>Animals</th></tr><tr data-key=v data-repeated>"
            "<td data-type=text></td><td></td><td></td><td></td></tr></table>"
        )
    ]
)


def told(text: str, library: Library = LIBRARY) -> dict[str, Cell]:
    tables = tabrecover.recover(text, templates=library).tables
    return {
        str(cell.key): cell
        for table in tables
        for cell in table.cells
        if cell.role == "value" and cell.confidence >= ACCEPT
    }


def with_tabs(*rows: str) -> str:
    return "\n".join("\t".join(row.split()) for row in rows) + "\n"


def test_what_agrees_is_told() -> None:
    """The same table as the template draws it: every value is told, so the others show a doubt."""
    found = told(with_tabs("Village Sheep Goats Animals", "Upton 1 2 3", "Downham 11 21 32"))
    assert [cell.text for cell in found.values()] == [
        "Upton",
        "1",
        "2",
        "3",
        "Downham",
        "11",
        "21",
        "32",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        ("Village Sheep Goats Horses Animals", "Upton 1 2 7 10", "Downham 4 5 1 10"),
        ("Village Sheep Goats Animals Share", "Upton 1 2 3 100", "Downham 4 5 9 100"),
        ("Village Goats Sheep Animals", "Upton 1 2 3", "Downham 4 5 9"),
    ],
    ids=["column between", "column behind", "columns exchanged"],
)  # fmt: skip
def test_other_columns_are_not_told(rows: tuple[str, ...]) -> None:
    """A column that the template lacks, or two in another order: no value is told."""
    assert not told(with_tabs(*rows))


def test_a_column_of_another_name_is_not_told() -> None:
    """Words of no label where a head is missing put that column in doubt, and no other."""
    found = told(with_tabs("Village Sheep Horses Animals", "Upton 1 2 3", "Downham 11 21 32"))
    assert "v[1].goats" not in found
    assert found["v[2].all"].text == "32"


@pytest.mark.parametrize("behind", ["12", "2023", "- 7 -"])
def test_a_number_behind_the_table_moves_no_row_that_is_told(behind: str) -> None:
    """A page number behind the last row may not push out its name and be told in its place."""
    text = with_tabs("Village Sheep Goats Animals", "Upton 1 2 3", "Downham 11 21 32")
    true = {"v[2].place": "Downham", "v[2].sheep": "11", "v[2].goats": "21", "v[2].all": "32"}
    for key, cell in told(f"{text}\n{behind}\n").items():
        assert cell.text == true.get(key, cell.text)


WORK = Library(
    [
        parse_template(
            "<table data-type=integer><tr><th>Kind of work<th data-key=hours>Hours spent"
            "<th data-key=days>Days spent<tr data-key=roads><th>Building roads<td><td>"
            "<tr data-key=bridges><th>Mending bridges<td><td></table>"
        )
    ]
)


def test_a_row_with_an_empty_cell_too_many_is_not_told() -> None:
    """Which of its cells is too many nobody can tell; the row before it is told."""
    found = told(
        "| Kind of work | Hours spent | Days spent |\n| Building roads | 12 | 13 |\n"
        "| Mending bridges | 14 | | 15 |\n",
        WORK,
    )
    assert set(found) == {"roads.hours", "roads.days"}


@pytest.mark.parametrize("behind", ["\t2031", "\t\t2031"])
def test_a_cell_that_is_cut_where_nothing_parts_cells_is_not_told(behind: str) -> None:
    """Two numbers between two tabs are one cell, so its row is not as read; other rows are told."""
    found = told(
        f"Village\tSheep\tGoats\tAnimals\nUpton\t12 2019{behind}\nDownham\t4\t5\t9\nHam\t1\t2\t3\n"
    )
    assert found
    assert not [key for key in found if key.startswith("v[1].")]


ACCOUNT = parse_template(
    "<table data-type=integer><tr><th>Depot<th data-key=vans>Vans<th data-key=cars>Cars"
    "<th data-key=all>Vehicles<tr data-key=a><th>Upton<td><td><td><tr data-key=b><th>Downham"
    "<td><td><td><tr data-key=t><th>Total<td><td><td></table>",
    'id = "account"\n[[rules]]\nid = "depots"\nleft = ["a.*", "b.*"]\nright = ["t.*"]',
)


def test_a_number_that_sums_take_from_its_place_is_not_told_nor_the_blank_it_leaves() -> None:
    """The dump shows in which column it stands, the sums of both columns say that it is the other.

    Somebody was wrong, and the dump does not say who.
    """
    lines = ["Depot|Vans|Cars|Vehicles", "Upton||482975|482975", "Downham|150|60|210"]
    dump = "".join(f"|{line}|\n" for line in [*lines, "Total|483125|60|483185"])
    found = told(dump, Library([ACCOUNT]))
    assert {"a.vans", "a.cars"}.isdisjoint(found)
    assert {"b.vans", "b.cars", "b.all"} <= found.keys()
