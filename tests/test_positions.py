"""Columns that only spaces part: the place of a number in its line says where it belongs."""

from __future__ import annotations

import pytest

import tabrecover
from tabrecover.library import Library
from tabrecover.storage import parse_template


def form(rows: list[str], columns: list[str]) -> Library:
    head = "<tr><th>Kind</th>" + "".join(f"<th data-key={c[0]}>{c}</th>" for c in columns) + "</tr>"
    body = "".join(
        f"<tr data-key=k{n}><th>{row}</th>{'<td></td>' * len(columns)}</tr>"
        for n, row in enumerate(rows)
    )
    return Library([parse_template(f"<table data-type=integer>{head}{body}</table>")])


LIBRARY = form(["Bicycles", "Handcarts", "Wheelbarrows", "Ladders"], ["Bought", "Lent", "Sold"])


def values(text: str, library: Library = LIBRARY) -> dict[str, str]:
    (table,) = tabrecover.recover(text, templates=library).tables
    return {cell.key: cell.text for cell in table.cells if cell.key and cell.text}


SPARSE = """
Kind            Bought     Lent       Sold
Bicycles            12        7
Handcarts                     3          9
Wheelbarrows         4
Ladders                                 11
"""


def test_sparse_rows_stand_in_clusters() -> None:
    """Where no row is full, the gaps between the places of all numbers part the columns."""
    assert values(SPARSE) == {
        "k0.B": "12", "k0.L": "7", "k1.L": "3", "k1.S": "9", "k2.B": "4", "k3.S": "11",
    }  # fmt: skip


def test_heads_show_a_column_without_neighbours() -> None:
    """A column that never stands beside its neighbour is told by the head above it."""
    text = "Kind          Bought    Lent      Sold\nBicycles      12\nHandcarts     5\n" \
        "Wheelbarrows                      4\nLadders                           8\n"  # fmt: skip
    assert values(text) == {"k0.B": "12", "k1.B": "5", "k2.S": "4", "k3.S": "8"}


def test_tools_that_ignore_spanning_rows() -> None:
    """Where a spanning label is left away, cells stand below others by their number in the row."""
    rows = [("n1", "Northern", "Early"), ("n2", "", "Late ripening"),
            ("s1", "Southern", "Summer"), ("s2", "", "Winter fruit")]  # fmt: skip
    body = "".join(
        f"<tr data-key={key}>{f'<th rowspan=2>{district}</th>' if district else ''}<th>{sort}</th>"
        "<td></td><td></td><td></td></tr>"
        for key, district, sort in rows
    )
    head = "<th>District</th><th>Sort</th><th data-key=a>Apples</th><th data-key=b>Pears</th>"
    page = f"<table data-type=integer><tr>{head}<th data-key=c>Plums</th></tr>{body}</table>"
    library = Library([parse_template(page)])
    text = (
        "District       Sort     Apples  Pears  Plums\n"
        "Northern       Early    11      12     13\n"
        "Late ripening  21                23\n".replace(
            "21                23", "21       22      23"
        )
        + "Southern       Summer   31      32     33\n"
        "Winter fruit   41               43\n"
    )
    found = values(text, library)
    assert {key: text for key, text in found.items() if key.startswith("s2")} == {
        "s2.a": "41", "s2.c": "43",
    }  # fmt: skip


def test_labels_show_columns_that_no_row_has_side_by_side() -> None:
    """Where every cell begins at its column's place, labels beside each other part columns."""
    rows = [("n1", "Northern", "Early"), ("n2", "", "Late ripening"),
            ("s1", "Southern", "Summer"), ("s2", "", "Winter fruit")]  # fmt: skip
    body = "".join(
        f"<tr data-key={key}>{f'<th rowspan=2>{district}</th>' if district else ''}<th>{sort}</th>"
        "<td><td><td><td></tr>"
        for key, district, sort in rows
    )
    heads = "".join(
        f"<th data-key={name[1]}>{name}" for name in ("Apples", "Pears", "Lums", "Figs")
    )
    page = (
        "<table data-type=integer><tr><th rowspan=2>District<th rowspan=2>Sort<th colspan=4>Trees "
        f"counted<tr>{heads}</tr>{body}</table>"
    )
    text = (
        "District       Sort     Trees counted\n"
        "Apples         Pears    Lums    Figs\n"
        "Northern       Early    11             12     13\n"
        "Late ripening  21               23\n"
        "Southern       Summer           32     33\n"
        "Winter fruit            42             44\n"
    )
    assert values(text, Library([parse_template(page)])) == {
        "n1.p": "11", "n1.u": "12", "n1.i": "13", "n2.p": "21", "n2.u": "23", "s1.e": "32",
        "s1.u": "33", "s2.e": "42", "s2.i": "44",
    }  # fmt: skip


CENTRED = """
<table data-type="integer"><tr><th>Harbour</th><th>Hour</th><th data-key="in">Ships in</th>
<th data-key="out">Ships out</th></tr>
{rows}
</table>
"""


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_label_beside_the_middle_of_its_rows(line: int) -> None:
    """A label that spans rows may stand at any of them: no number moves to another row."""
    names = ["Eastport", "Westhaven", "Northquay", "Southmole"]
    hours = ["Morning", "Noon", "Evening"]
    rows, text = "", "Harbour Hour Ships in Ships out\n"
    for n, name in enumerate(names):
        for h, hour in enumerate(hours):
            first = f"<th rowspan=3>{name}</th>" if h == 0 else ""
            rows += f"<tr data-key={name}{h}>{first}<th>{hour}</th><td></td><td></td></tr>"
            label = f"{name} " if h == line else ""
            text += f"{label}{hour} {10 * n + h + 1} {100 + 10 * n + h}\n"
    found = values(text, Library([parse_template(CENTRED.format(rows=rows))]))
    assert found == {
        f"{name}{h}.{key}": str(number)
        for n, name in enumerate(names)
        for h in range(3)
        for key, number in (("in", 10 * n + h + 1), ("out", 100 + 10 * n + h))
    }
