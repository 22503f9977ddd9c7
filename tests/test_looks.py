"""Typed values: dates as calendars write them, percentages, choices, and what they decide."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from tabrecover import Template, TemplateError
from tabrecover.authoring import learn_templates
from tabrecover.html_examples import html_examples
from tabrecover.looks import written_as
from tabrecover.results import Table

FORMATS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%Y", "%d-%b-%y", "%B %d, %Y",
    "%d %B %Y", "%d. %B %Y", "%Y-%m", "%m/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d. %m. %Y",
    "%Y. %m. %d.",
    "%Y年%m月%d日", "%Y年%m月", "%m月%d日", "%Y년 %m월 %d일",
]  # fmt: skip


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2099, 12, 31)), st.sampled_from(FORMATS))
def test_dates_are_known_however_they_are_written(day: dt.datetime, style: str) -> None:
    """What the standard library writes as a date is read as one."""
    assert written_as(day.strftime(style)) == "date"


@given(st.floats(-1000, 1000), st.integers(0, 3), st.sampled_from(["%", " %", "‰", "％"]))
def test_percentages_are_known_by_their_sign(number: float, places: int, sign: str) -> None:
    """A number with the sign is a percentage; without it, it is none."""
    assert written_as(f"{number:.{places}f}{sign}") == "percent"
    assert written_as(f"{number:.{places}f}") != "percent"


@pytest.mark.parametrize(
    "text", ["5 मार्च 2024", "15 марта 2024 г.", "1er août 2023", "3. Dezember 1999"]
)
def test_months_have_names_in_many_languages(text: str) -> None:
    """A day, a name and a year are a date, in whatever letters."""
    assert written_as(text) == "date"


@pytest.mark.parametrize(
    "text",
    [
        "Room 2024",
        "DIN-44",
        "12.5",
        "2024",
        "3.25",
        "Ward 12",
        "2024-13-01",
        "45.01.2024",
        "S-519",
        "",
        "%",
        "12 of 40",
    ],
)
def test_other_texts_are_neither(text: str) -> None:
    """Numbers, codes, names with numbers and days that no month has."""
    assert written_as(text) == ""


def permits(first: str, second: str) -> Template:
    """Two columns beside each other that differ in nothing but their types."""
    rows = "".join(
        f"<tr data-key=k{n}><th>Permit for the {name}<td {first}><td {second}>"
        for n, name in enumerate(("bridge", "tower", "harbour", "market"))
    )
    return tabrecover.parse_template(
        "<table><tr><th>Permit of the town<th data-key=a>First entry<th data-key=b>Second entry"
        f"{rows}</table>",
        'id = "permits"',
    )


def dumped(*row: str) -> str:
    """One cell a line, nothing where a cell is empty."""
    rows = [row, ("", ""), row, ("", "")]
    names = ("bridge", "tower", "harbour", "market")
    lines = ["Permit of the town", "First entry", "Second entry"]
    for name, texts in zip(names, rows, strict=True):
        lines += [f"Permit for the {name}", *filter(None, texts)]
    return "\n".join(lines) + "\n"


def values(table: Table, key: str) -> list[str]:
    """The texts of one column."""
    return [cell.text for cell in table.cells if (cell.key or "").endswith(f".{key}")]


CHOICE = 'data-choices="granted | refused | open"'


@pytest.mark.parametrize("kind", ["data-type=date", CHOICE, "data-type=percent"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_type_says_where_the_only_value_of_a_row_stands(kind: str, is_first: bool) -> None:
    """Blanks are lost: the row's only text is in the column that is written so."""
    text = {"data-type=date": "3 May 2021", CHOICE: "refused"}.get(kind, "12.5%")
    columns = (kind, "data-type=text") if is_first else ("data-type=text", kind)
    (table,) = tabrecover.recover(dumped(text, ""), templates=permits(*columns)).tables
    own, other = ("a", "b") if is_first else ("b", "a")
    assert values(table, own) == [text, "", text, ""]
    assert values(table, other) == [""] * 4


def test_a_sign_behind_a_space_belongs_to_the_number() -> None:
    """The last percentage of a table is whole, wherever the table ends, with numbers beside it."""
    template = tabrecover.parse_template(
        "<table><tr><th>Ward of the house<th data-key=beds>Beds there<th data-key=share>Its share"
        + "".join(
            f"<tr data-key={n}><th>{n} ward<td data-type=integer><td data-type=percent>"
            for n in ("Eye", "Ear", "Skin")
        )
        + "</table>",
        'id = "wards"',
    )
    rows = [("Ward of the house", "Beds there", "Its share"), ("Eye ward", "12", "60 %")]
    rows += [("Ear ward", "3", "15.0 %"), ("Skin ward", "5", "25.0 %")]
    for separator in (" | ", "\t", "\n"):
        dump = "\n".join(separator.join(row) for row in rows) + "\n"
        (table,) = tabrecover.recover(dump, templates=template).tables
        assert values(table, "share") == ["60 %", "15.0 %", "25.0 %"]
        assert values(table, "beds") == ["12", "3", "5"]


@pytest.mark.parametrize("kind", ["data-type=date", CHOICE])
def test_a_type_forbids_nothing(kind: str) -> None:
    """A text that is written otherwise stands in its column where nothing else explains it."""
    dump = "\n".join(
        f"| Permit for the {name} | unknown to us | {n} |"
        for n, name in enumerate(("bridge", "tower", "harbour", "market"))
    )
    head = "| Permit of the town | First entry | Second entry |\n"
    (table,) = tabrecover.recover(head + dump, templates=permits(kind, "data-type=integer")).tables
    assert values(table, "a") == ["unknown to us"] * 4


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ("data-type=choice", "data-choices="),
        ('data-choices="open"', "two or more"),
        ('data-choices="open | Open"', "differ in letters"),
        ('data-choices="— | –"', "differ in letters"),
        ('data-type=date data-choices="a | b"', "belong to data-type choice"),
        ("data-type=money", "integer, decimal, percent, text, date, choice"),
    ],
)
def test_bad_types_are_told_with_the_remedy(attributes: str, named: str) -> None:
    """A choice names its texts, no other type does, and there are no other types."""
    with pytest.raises(TemplateError, match="row 1, cell 2") as error:
        tabrecover.parse_template(
            f"<table><tr><th>Permit<td {attributes}></table>", 'id = "permit"', file="permit.html"
        )
    assert named in str(error.value)


def test_a_row_states_types_for_its_cells() -> None:
    """A type on the row or the table holds for cells that state none."""
    template = tabrecover.parse_template(
        f"<table data-type=date><tr {CHOICE}><th>One<td><td data-type=integer><tr><th>Two<td><td>"
        "</table>",
        'id = "types"',
    )
    found = [(cell.type, len(cell.choices)) for cell in template.cells if cell.role == "value"]
    assert found == [("choice", 3), ("integer", 0), ("date", 0), ("date", 0)]


def test_types_are_learned_and_written() -> None:
    """Columns of dates, percentages and few recurring words; what is written is read again."""
    words = ["granted", "refused", "open"]
    rows = "".join(
        f"<tr><td>Permit {n} of {n * 37}<td>{n + 9}.{n + 1}.2023<td>{n}.5%<td>{words[n % 3]}"
        for n in range(12)
    )
    page = f"<table id=permits><tr><th>Permit<th>Entered on<th>Share<th>Decision</tr>{rows}</table>"
    lesson = learn_templates(html_examples(page, "permits.html"), id="permits")[0][0]
    template = tabrecover.parse_template(lesson.html, lesson.toml)
    found = [(cell.type, set(cell.choices)) for cell in template.cells if cell.role == "value"]
    assert found == [
        ("text", set()), ("date", set()), ("percent", set()), ("choice", set(words)),
    ]  # fmt: skip
