"""Repeated rows: written, unrolled, and found as often as the dump has them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tabrecover
from tabrecover.confidence import ACCEPT
from tabrecover.errors import TemplateError
from tabrecover.library import Library
from tabrecover.results import Table
from tabrecover.storage import parse_template
from tabrecover.template import MAX_CELLS

STOCK = """
<table data-type="integer">
  <tr><th data-key="place">Storage place</th><th data-key="article">Article number</th>
      <th data-key="boxes">Full boxes</th><th data-key="single">Single pieces</th></tr>
  <tr data-key="stock" data-repeated><td data-type="text"></td><td></td><td></td><td></td></tr>
  <tr data-key="sum"><th>Counted in all</th><td data-key="none"></td><td></td><td></td></tr>
</table>
"""
SETTINGS = """
id = "stock"
[[rules]]
id = "sum of boxes"
left = ["stock[].boxes"]
right = ["sum.boxes"]
"""
TEMPLATE = parse_template(STOCK, SETTINGS)
LIBRARY = Library([TEMPLATE])
ROWS = [["Cellar", "4711", "12", "3"], ["Attic, left", "815", "0", "9"], ["Yard", "42", "8", "7"]]
HEAD = ["Storage place", "Article number", "Full boxes", "Single pieces"]


def with_bars(rows: list[list[str]], boxes: str) -> str:
    lines = [HEAD, *rows, ["Counted in all", "", boxes, "19"]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def one_a_line(rows: list[list[str]], boxes: str) -> str:
    return "\n".join(
        [*HEAD, *(cell for row in rows for cell in row), "Counted in all", boxes, "19"]
    )


def texts_of(table: Table) -> dict[str, str]:
    return {cell.key: cell.text for cell in table.cells if cell.key}


@pytest.mark.parametrize("flatten", [with_bars, one_a_line])
@pytest.mark.parametrize("times", [1, 2, 5])
def test_rows_are_found_as_often_as_they_are(flatten, times: int) -> None:  # type: ignore[no-untyped-def]
    """However many records there are, each stands in a row of its own with a numbered key."""
    rows = ROWS * times
    boxes = str(20 * times)
    (table,) = tabrecover.recover(flatten(rows, boxes), templates=LIBRARY).tables
    assert table.shape == (2 + len(rows), 4)
    texts = texts_of(table)
    for number, (place, article, full, single) in enumerate(rows, start=1):
        assert texts[f"stock[{number}].place"] == place
        assert texts[f"stock[{number}].article"] == article
        assert texts[f"stock[{number}].boxes"] == full
        assert texts[f"stock[{number}].single"] == single
    assert texts["sum.boxes"] == boxes


WELLS = parse_template(
    "<table data-type=text><tr><th data-key=name>Name of the well<th data-key=depth>Depth in metres"
    "<th data-key=note data-optional>Note of the keeper<th data-key=day>Day of the sample"
    "<tr data-repeated data-key=well><td><td data-type=decimal><td data-optional>"
    "<td data-type=date></table>",
    'id = "wells"',
)
WELL_ROWS = [
    ["Name of the well", "Depth in metres", "Note of the keeper", "Day of the sample"],
    ["Old mill", "12.5", "dry in May", "2024-03-01"], ["Church", "9.8", "", "2024-03-02"],
    ["Market", "31.0", "new pump", "2024-03-05"], ["Harbour", "7.1", "", "2024-03-09"],
]  # fmt: skip


@pytest.mark.parametrize("separator", ["\n", "\t"], ids=["lines", "tabs"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_column_may_be_optional(separator: str, is_there: bool) -> None:
    """Where its head is, its values are as any others; where it is not, its cells are blank."""
    rows = [row if is_there else [*row[:2], row[3]] for row in WELL_ROWS]
    shown = [[text for text in row if text or separator == "\t"] for row in rows]
    dump = "\n".join(separator.join(row) for row in shown) + "\n"
    (table,) = tabrecover.recover(dump, templates=Library([WELLS])).tables
    texts = texts_of(table)
    assert table.shape == (5, 4)
    for number, (name, depth, note, day) in enumerate(WELL_ROWS[1:], start=1):
        assert texts[f"well[{number}].name"] == name
        assert texts[f"well[{number}].depth"] == depth
        assert texts[f"well[{number}].note"] == (note if is_there else "")
        assert texts[f"well[{number}].day"] == day


@pytest.mark.parametrize("separator", ["\n", "\t", " | "])
def test_values_behind_an_optional_column_are_the_tables(separator: str) -> None:
    """The last row is whole, though no label stands behind its values."""
    template = parse_template(
        "<table data-type=text><tr><th>Ward of the house<th data-key=beds data-optional>Beds there"
        "<th data-key=share>Share of all<th data-key=opened>Opened on"
        + "".join(
            f"<tr data-key={n}><th>{n} ward<td data-type=integer data-optional>"
            "<td data-type=percent><td data-type=date>"
            for n in ("Eye", "Ear", "Skin")
        )
        + "</table>",
        'id = "wards"',
    )
    rows = [
        ["Ward of the house", "Beds there", "Share of all", "Opened on"],
        ["Eye ward", "12", "60 %", "1998-03-02"], ["Ear ward", "3", "15.0 %", "2001-10-11"],
        ["Skin ward", "5", "25.0 %", "2004-11-14"],
    ]  # fmt: skip
    dump = "\n".join(separator.join(row) for row in rows) + "\n"
    (table,) = tabrecover.recover(dump, templates=Library([template])).tables
    found = [cell.text for cell in table.cells if cell.role == "value"]
    assert found == [text for row in rows[1:] for text in row[1:]]


def test_a_sum_over_all_rows_is_checked() -> None:
    """`[]` in a rule stands for every copy; a total that is wrong is told."""
    (right,) = tabrecover.recover(with_bars(ROWS, "20"), templates=LIBRARY).tables
    (wrong,) = tabrecover.recover(with_bars(ROWS, "21"), templates=LIBRARY).tables
    assert [check.holds for check in right.checks] == [True]
    assert [check.holds for check in wrong.checks] == [False]
    assert set(right.checks[0].keys) == {f"stock[{n}].boxes" for n in (1, 2, 3)} | {"sum.boxes"}


def test_unrolling_keeps_the_other_rows() -> None:
    """Copies stand one below the other; rows behind them move down with their keys."""
    unrolled = TEMPLATE.unrolled((3,))
    keys = {cell.key: cell.row for cell in unrolled.cells if cell.key}
    assert unrolled.n_rows == 5
    assert [keys[f"stock[{n}].boxes"] for n in (1, 2, 3)] == [1, 2, 3]
    assert keys["sum.boxes"] == 4
    assert TEMPLATE.unrolled((1,)) is TEMPLATE


def test_a_group_of_rows_is_repeated_together() -> None:
    """Neighbouring marked rows are one group, whose cells may span it."""
    template = parse_template(
        "<table><tr><th>Name</th><th>Value</th></tr>"
        '<tr data-repeated><th rowspan="2">Visit</th><td></td></tr>'
        "<tr data-repeated><td></td></tr></table>"
    )
    unrolled = template.unrolled((2,))
    assert unrolled.n_rows == 5
    keys = [cell.key for cell in unrolled.cells if cell.key]
    assert keys == ["row1[1].c2", "row2[1].c2", "row1[2].c2", "row2[2].c2"]


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ("<tr data-repeated='2'><td></td></tr>", "data-repeated is empty"),
        ("<tr data-repeated='5-2'><td></td></tr>", "data-repeated is empty"),
        ("<tr data-repeated='0-2'><td></td></tr>", "data-repeated is empty"),
        ("<tr data-repeated><td></td></tr><tr><td></td></tr><tr data-repeated><td></td></tr>",
         "a row with a label"),
        ("<tr data-repeated><td rowspan=2></td></tr><tr></tr>", "spans repeated rows and others"),
        ("<tr><td data-repeated></td></tr>", "belongs on the row"),
        ("<tr data-repeated='20000-'><td></td></tr>", "lower the first number"),
        ("<tr data-repeated data-key=a><td></td></tr><tr data-key='a[2]'><td></td></tr>",
         "take another key"),
        ("<tr data-repeated data-optional><td></td></tr>", "is not optional"),
        ("<tr data-repeated><th>Age</th></tr><tr><td></td></tr>", "has values"),
    ],
)  # fmt: skip
def test_bad_repeats_are_explained(html: str, message: str) -> None:
    """Bounds that are none, groups that part, spans across the edge: each has its message."""
    with pytest.raises(TemplateError, match=message):
        parse_template(f"<table><tr><th>Name</th></tr>{html}</table>")


@given(st.lists(st.integers(1, 9999), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_every_number_of_rows(numbers: list[int]) -> None:
    """With row ends shown, a column of any length comes back in order."""
    rows = [["Place", str(n), "1", "2"] for n in numbers]
    (table,) = tabrecover.recover(with_bars(rows, "7"), templates=LIBRARY).tables
    texts = texts_of(table)
    assert [texts[f"stock[{k}].article"] for k in range(1, len(rows) + 1)] == list(
        map(str, numbers)
    )


LEDGER = parse_template(
    "<table data-type=text><tr><th>Kind of entry<th>Amount booked"
    "<tr><th colspan=2>Income of the year"
    "<tr data-repeated><td data-key=source><td data-key=income data-type=integer>"
    "<tr><th>Income in all<td data-key=all_income data-type=integer>"
    "<tr><th colspan=2>Expenses of the year"
    "<tr data-repeated><td data-key=aim><td data-key=expense data-type=integer>"
    "<tr><th>Expenses in all<td data-key=all_expenses data-type=integer></table>",
    """
    id = "ledger"
    [[rules]]
    id = "income"
    left = ["income[]"]
    right = ["all_income"]
    [[rules]]
    id = "expenses"
    left = ["expense[]"]
    right = ["all_expenses"]
    """,
)


def ledger(separator: str, income: list[int], expenses: list[int]) -> Table:
    """What is read from a ledger with these amounts."""
    entries = [("Kind of entry", "Amount booked"), ("Income of the year",)]
    entries += [(f"Fee {'abc'[n % 3]}", str(amount)) for n, amount in enumerate(income)]
    entries += [("Income in all", str(sum(income))), ("Expenses of the year",)]
    entries += [(f"Rent {'abc'[n % 3]}", str(amount)) for n, amount in enumerate(expenses)]
    entries += [("Expenses in all", str(sum(expenses)))]
    dump = "\n".join(separator.join(entry) for entry in entries)
    (table,) = tabrecover.recover(dump + "\n", templates=Library([LEDGER])).tables
    return table


AMOUNTS = st.lists(st.integers(1, 9999), min_size=1, max_size=25)


@given(AMOUNTS, AMOUNTS)
@example([700, 80, 9], [4321, 65])
@settings(max_examples=20, deadline=None)
def test_groups_have_numbers_of_their_own(income: list[int], expenses: list[int]) -> None:
    """Two groups with a label between them: each as long as it is, and its sum over its rows."""
    table = ledger(" | ", income, expenses)
    texts = texts_of(table)
    assert [texts[f"income[{n}]"] for n in range(1, len(income) + 1)] == list(map(str, income))
    found = [texts[f"expense[{n}]"] for n in range(1, len(expenses) + 1)]
    assert found == list(map(str, expenses))
    assert table.shape[0] == 5 + len(income) + len(expenses)
    assert [check.holds for check in table.checks] == [True, True]


def test_a_record_that_begins_like_a_label_ends_no_table() -> None:
    """In markup the table goes on to its end, though a text before it is the last row's label."""
    # A bug once: the total was found where the text stood, and the records behind it were dropped.
    rows = [["Wool", "12", "3"], ["Flax", "7", "9"], ["All", "2", "4"], ["Hemp", "5", "5"],
            ["Jute", "8", "1"], ["All", "34", "22"]]  # fmt: skip
    template = parse_template(
        "<table data-type=integer><tr><th>Fibre sold<th>Bales here<th>Bales there"
        "<tr data-repeated><td data-type=text data-key=name><td data-key=here>"
        "<td data-key=there><tr><th>All<td data-key=all_here><td data-key=all_there></table>"
    )
    lines = "".join("<tr><td>" + "<td>".join(row) for row in rows)
    page = f"<table><tr><td>Fibre sold<td>Bales here<td>Bales there{lines}</table>"
    (table,) = tabrecover.recover(page, templates=Library([template])).tables
    texts = texts_of(table)
    assert table.shape == (7, 3)
    assert [texts[f"name[{n}]"] for n in range(1, 6)] == [row[0] for row in rows[:5]]
    assert texts["all_here"] == "34"


def test_a_record_that_is_called_as_what_parts_the_groups() -> None:
    """The first group may take all rows up to it; what explains most rows is found all the same."""
    # A bug once: the climb began with the first group and never came back.
    entries = [["Kind of entry", "Amount booked"], ["Income of the year", ""], ["Fee", "3"],
               ["Expenses of the year", ""], ["Rent", "5"], ["Heat", "8"],
               ["Expenses of the year", "40"], ["Wages", "31"]]  # fmt: skip
    page = (
        "<table data-type=text><tr><th>Kind of entry<th>Amount booked<tr><th colspan=2>Income of "
        "the year<tr data-repeated><td data-key=source><td data-key=income data-type=integer>"
        "<tr><th colspan=2>Expenses of the year<tr data-repeated><td data-key=aim>"
        "<td data-key=expense data-type=integer></table>"
    )
    dump = "\n".join("\t".join(entry).rstrip() for entry in entries) + "\n"
    (table,) = tabrecover.recover(dump, templates=Library([parse_template(page)])).tables
    texts = texts_of(table)
    assert [texts[f"aim[{n}]"] for n in (1, 2, 3, 4)] == [
        "Rent", "Heat", "Expenses of the year", "Wages",
    ]  # fmt: skip


def test_groups_where_only_the_order_shows() -> None:
    """One cell a line, groups of three and of two rows: labels and sums tell them apart."""
    table = ledger("\n", [700, 80, 9], [4321, 65])
    assert table.shape == (10, 2)
    texts = texts_of(table)
    assert [texts[f"income[{n}]"] for n in (1, 2, 3)] == ["700", "80", "9"]
    assert [texts[f"expense[{n}]"] for n in (1, 2)] == ["4321", "65"]


def test_a_row_that_the_template_lacks_where_laws_count_other_rows() -> None:
    """Empty lines may be empty cells or row ends: readings with other numbers of rows are weighed.

    The last row is kept, and what it holds is of no row in a reading that has fewer.
    """
    # A bug once: the row was added to every reading, also below rows that it does not have.
    template = parse_template(
        "<table data-type=integer><tr><th>Kind of entry<th>Booked<th>Planned"
        "<tr><th colspan=3>Income of the year<tr data-repeated><td data-type=text><td><td>"
        "<tr><th>Income in all<td><td>"
        "<tr><th colspan=3>Expenses of the year<tr data-repeated><td data-type=text><td><td>"
        "<tr><th>Expenses in all<td><td></table>"
    )
    entries = [["Kind of entry", "Booked", "Planned"], ["Income of the year", "", ""]]
    entries += [[f"Fee {'abc'[n % 3]}", str(46 + n), str(59 - n)] for n in range(5)]
    entries += [["Income in all", "66", "17"], ["Expenses of the year", "", ""]]
    entries += [[f"Rent {'abc'[n % 3]}", str(27 + n), str(55 - n)] for n in range(5)]
    entries += [["Expenses in all", "63", "46"], ["Losses in all", "54", "45"]]
    dump = "\n\n".join("\n".join(entry) for entry in entries)
    (table,) = tabrecover.recover(dump, templates=Library([template])).tables
    assert [cell.text for cell in table.cells[-3:]] == entries[-1]
    assert table.evidence is not None
    last = (table.cells[-1].row, table.cells[-1].col)
    assert table.evidence.rivals
    assert all(last not in rival.cells for rival in table.evidence.rivals)


def test_groups_of_any_least_have_room_together() -> None:
    """A template that passes its check is aligned, however near to the most cells its least is."""
    # A bug once: groups were unrolled each for itself until all of them together had no room.
    least = MAX_CELLS // 40 - 40
    wide = "<td colspan=20><td colspan=20>"
    template = parse_template(
        "<table data-type=text><tr><th colspan=20>Kind of entry<th colspan=20>Amount"
        f"<tr data-repeated='{least}-'>{wide}<tr><th colspan=20>Sum of all<td colspan=20>"
        f"<tr data-repeated>{wide}</table>"
    )
    dump = "Kind of entry\nAmount\nSum of all\n12\n" + "".join(f"x{n}\n{n}\n" for n in range(90))
    tabrecover.recover(dump, templates=Library([template]))


def test_a_value_whose_key_begins_with_its_rows_is_numbered_there() -> None:
    """`fee.name` in rows called `fee` is `fee[1].name`, as if the column had been called so."""
    template = parse_template(
        "<table><tr><th>Name<th data-key=amount>Amount<tr data-repeated data-key=fee>"
        "<td data-key=fee.name><td></table>"
    )
    keys = [cell.key for cell in template.unrolled((2,)).cells if cell.key]
    assert keys == ["fee[1].name", "fee[1].amount", "fee[2].name", "fee[2].amount"]


def test_groups_without_keys_are_numbered() -> None:
    """Rows of groups that have no key are called by their number, each group's copies from 1 on."""
    template = parse_template(
        "<table><tr><th>Name<th>Amount<tr data-repeated><td><td><tr><th>Sum<td><tr data-repeated>"
        "<td><td></table>"
    )
    unrolled = template.unrolled((2, 1))
    assert [cell.key for cell in unrolled.cells if cell.key] == [
        "row1[1].c1", "row1[1].c2", "row1[2].c1", "row1[2].c2", "r4c2", "row2[1].c1", "row2[1].c2",
    ]  # fmt: skip
    assert template.slot_unrolled(6, (2, 3)) == 9
    assert template.slot_unrolled(9, (2, 3)) == 12


VILLAGES = parse_template(
    "<table data-type=integer><tr><th data-key=place>Village</th>"
    "<th data-key=sheep>Sheep</th><th data-key=goats>Goats</th><th data-key=all>Animals</th>"
    "</tr><tr data-key=v data-repeated><td data-type=text></td><td></td><td></td><td></td>"
    "</tr></table>"
)


@pytest.mark.parametrize("lost", [0, 1])
def test_an_empty_line_behind_every_record_is_no_empty_cell(lost: int) -> None:
    """A record with a number too few, as long as all others end with an empty line, is in doubt."""
    # A bug once: the gap below the heads had no empty line, so those behind records were blanks.
    rows = [[place, "4", str(n), str(4 + n)] for n, place in enumerate(["Upton", "Ham", "Slad"])]
    del rows[1][1 + lost]
    dump = "Village\nSheep\nGoats\nAnimals\n" + "\n".join("\n".join([*row, ""]) for row in rows)
    (table,) = tabrecover.recover(dump, templates=Library([VILLAGES])).tables
    assert table.shape == (4, 4)
    numbers = [cell for cell in table.cells if cell.row == 2 and cell.col > 0]
    assert max(cell.confidence for cell in numbers) < ACCEPT


def test_what_all_ways_of_flattening_say_is_told() -> None:
    """Whether an empty line is an empty cell or a row's end stays open; what both say is sure."""
    rows = [["Upton", "4", "1", "5"], ["Ham", "3", "", "3"], ["Slad", "7", "2", "9"]]
    head = "Village\nSheep\nGoats\nAnimals\n"
    dump = head + "".join("\n".join([*filter(None, row), ""]) + "\n" for row in rows)
    (table,) = tabrecover.recover(dump, templates=Library([VILLAGES])).tables
    assert table.model is not None  # what the alignments say, before it is calibrated
    sure = (cell for cell in table.model.cells if cell.confidence >= ACCEPT)
    told = {cell.key: cell.text for cell in sure if cell.key}
    assert told["v[1].place"] == "Upton"
    assert told["v[1].all"] == "5"
    assert not {"v[2].sheep", "v[2].goats", "v[2].all"} & set(told)
    for cell in table.cells:
        assert sum(a.confidence for a in cell.alternatives) + cell.confidence <= 1 + 1e-5


def test_a_column_that_counts_is_no_numbering() -> None:
    """Of rows between bars, one of them cut in two, the first column keeps its counts."""
    head = ["No.", "Name of village", "Old houses", "New houses"]
    rows = [[str(k), f"Upton {k}", str(7 * k), str(100 - k)] for k in range(1, 12)]
    lines = [" | ".join(row) + " |" for row in [head, *rows]]
    lines[5] = lines[5].replace("Upton 5", "Upton 5 | and | the | mill")
    template = parse_template(
        "<table data-type=integer><tr><th data-key=no>No.</th><th data-key=name>Name of village"
        "</th><th data-key=old>Old houses</th><th data-key=new>New houses</th></tr><tr data-key=v "
        "data-repeated><td></td><td data-type=text></td><td></td><td></td></tr></table>"
    )
    (table,) = tabrecover.recover("\n".join(lines) + "\n", templates=Library([template])).tables
    numbers = [cell.text for cell in table.cells if cell.col == 0 and cell.row]
    assert {row[0] for row in rows} - set(numbers) <= {"5"}
