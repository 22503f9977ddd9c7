"""Layouts drawn at random (see `benchmarks.random_layouts`): drawn right, and never told wrong."""

from __future__ import annotations

import pytest

import tabrecover
from benchmarks.damage import Line
from benchmarks.random_layouts import (
    FORMS,
    Document,
    document,
    judged,
    structure,
    wrong_and_told,
)
from tabrecover.storage import parse_template

TEMPLATE = parse_template(
    "<table><tr><th>Name<th colspan=2>Animals<tr><th rowspan=2>A, b<td data-key=x><td data-key=y>"
    "<tr><td data-key=z><td data-key=w></table>"
)
VALUES = {"x": "1", "y": "", "z": "2", "w": "3"}


def lines() -> list[Line]:
    """The rows of the template with their texts."""
    rows: list[Line] = [[] for _ in range(TEMPLATE.n_rows)]
    for cell in sorted(TEMPLATE.cells, key=lambda cell: (cell.row, cell.col)):
        rows[cell.row].append((cell, VALUES[cell.key] if cell.key else cell.text))
    return rows


BY_HAND = [
    ("markup", "<table><tr><td rowspan=1 colspan=1>Name</td><td rowspan=1 colspan=2>Animals"
     "</td></tr><tr><td rowspan=2 colspan=1>A, b</td><td rowspan=1 colspan=1>1</td>"
     "<td rowspan=1 colspan=1></td></tr><tr><td rowspan=1 colspan=1>2</td>"
     "<td rowspan=1 colspan=1>3</td></tr></table>"),
    ("fields with commas", 'Name,Animals,\n"A, b",1,\n,2,3'),
    ("columns", "Name  Animals\nA, b  1\n      2        3"),
    ("columns by cell", "Name  Animals\nA, b  1\n2     3"),
    ("lines and bars", "Name |\nAnimals |\nA, b |\n1 |\n|\n2 |\n3 |\n"),
    ("lines between bars", "Name\n|\nAnimals\n|\nA, b\n|\n1\n|\n\n|\n2\n|\n3"),
    ("sheet", "Yearly report of the bureau, printed in 2021.\t\t\t\t\t\n"
     "Name\t\tAnimals\t\t\t\nA, b\t\t1\t\t\t\n\t\t2\t\t3\t\n"
     "Source: own figures. They may not add up.\t\t\t\t\t"),
    ("bars", "| Name | Animals |\n| A, b | 1 |  |\n| 2 | 3 |"),
    ("bars, padded", "Name | Animals |\nA, b | 1 ||\n2 | 3 ||"),
    ("lines and bars, padded", "Name |\nAnimals |\n\nA, b |\n1 |\n|\n2 |\n3 |\n|\n"),
    ("tabs", "Name\tAnimals\nA, b\t1\t\n2\t3"),
    ("lines, blanks shown", "Name\nAnimals\nA, b\n1\n\n2\n3"),
    ("lines, rows apart", "Name\nAnimals\n\nA, b\n1\n\n\n2\n3"),
    ("lines", "Name\nAnimals\nA, b\n1\n2\n3"),
    ("bars on one line", "Name|Animals|A, b|1|2|3"),
    ("rows, single spaces", "Name Animals\nA, b 1\n2 3"),
    ("one line, single spaces", "Name Animals A, b 1 2 3"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text"), BY_HAND)
def test_flattens_as_by_hand(form: str, text: str) -> None:
    """Each form as its name says."""
    assert FORMS[form](lines(), TEMPLATE.n_cols) == text


def test_every_form_is_by_hand() -> None:
    """No form without its case above."""
    assert {form for form, _ in BY_HAND} == set(FORMS)


def test_a_document_is_always_the_same() -> None:
    """A number names a document; another seed names others."""
    assert document(7) == document(7)
    assert document(7).text != document(7, seed=2).text


RECORDS = parse_template(
    "<table><tr><th>Name<th>Sheep<tr data-repeated data-key=r><td data-type=text><td>"
    "<tr data-key=all><th>All<td></table>"
)


def test_a_line_too_many_makes_no_record_after_it_wrong() -> None:
    """A note that was taken for a record is wrong; what it lacks and other records are not."""
    values = {"r[1].c1": "Upton", "r[1].c2": "1", "r[2].c1": "Slad", "r[2].c2": "3", "all": "4"}
    drawn = Document(RECORDS, [], values, "bars", "")
    text = "|Name|Sheep|\n|Upton|1|\n|Printed in May||\n|Slad|3|\n|All|5|\n"
    (table,) = tabrecover.recover(text, templates=RECORDS).tables
    found = [(cell.text, right) for cell, right in judged(drawn, table)]
    assert found == [
        ("Upton", True), ("1", True), ("Printed in May", False), ("Slad", True), ("3", True),
        ("5", False),
    ]  # fmt: skip


def test_nothing_is_told_that_is_wrong() -> None:
    """In a hundred layouts and thousands of values, all that is told is right."""
    wrong = {}
    told = 0
    for number in range(1000, 1100):
        drawn = document(number)
        keys, counts = wrong_and_told(drawn)
        told += counts["told"]
        if keys:
            wrong[number] = drawn.form, keys
    assert wrong == {}
    assert told > 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<table><tr><th>Name<th>Animals<tr><th>A<td>1<tr><th>B<td>2</table>", 1.0), ("A, b", 0.0)],
)
def test_structure_is_that_of_the_table_found(text: str, expected: float) -> None:
    """All of it where the grid is the same, nothing where no table is found."""
    template = parse_template("<table><tr><th>Name<th>Animals<tr><th>A<td><tr><th>B<td></table>")
    rows: list[Line] = [[], [], []]
    for cell in template.cells:
        rows[cell.row].append((cell, cell.text or str(cell.row)))
    assert structure(Document(template, rows, {}, "markup", text)) == expected
