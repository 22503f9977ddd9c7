"""Explanations: what they say is what the recovery did, shown safely, in every form."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from functools import cache
from math import exp
from pathlib import Path
from typing import Any
from unicodedata import category

import networkx as nx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from rich.cells import cell_len

import tabrecover
from tabrecover.api import library_of, read_document
from tabrecover.confidence import CEILING
from tabrecover.explain import (
    CellExplanation,
    Explanation,
    Move,
    Step,
    TableExplanation,
    explain,
    explain_cell,
    explain_document,
    find_cell,
)
from tabrecover.explain_view import cell_view, graphml, overview, table_view
from tabrecover.library import Library
from tabrecover.model import Dialect
from tabrecover.results import Recovery
from tabrecover.storage import builtin_calibration, builtin_library
from tests.cases import CASES, CORPUS, ROOT, Case

CHANGTU = CORPUS / "in_the_wild" / "changtu-2022" / "dump.txt"
DOCS = ROOT / "docs" / "explain.md"
UPDATE = "UPDATE_DOCS"  # set in the environment: write the documented outputs anew

FIVE = tabrecover.parse_template(
    "<table><tr><th>Monday<th>Tuesday<th>Wednesday<th>Thursday<th>Friday"
    "<tr><td data-key=mo><td data-key=tu><td data-key=we><td data-key=th><td data-key=fr></table>",
    'id = "week"',
)
DEPOTS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Depot<th data-key=vans>Vans<th data-key=cars>Cars"
    "<th data-key=all>All vehicles"
    "<tr data-key=north><th>Northern depot<td><td><td>"
    "<tr data-key=east><th>Eastern depot<td><td><td>"
    "<tr data-key=mobile data-optional><th>Mobile units<td><td><td>"
    "<tr data-key=south><th>Southern depot<td><td><td></table>",
    'id = "depots"\n[[rules]]\nid = "kinds"\nleft = ["*.vans", "*.cars"]\nright = ["*.all"]',
)
DEPOT_LINES = [
    "Depot", "Vans", "Cars", "All vehicles", "Northern depot", "4", "11", "15",
    "Eastern depot", "2", "3", "5", "Southern depot", "16", "7", "24",
]  # fmt: skip
DIALECT = Dialect("lines", 1.0)
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = "\x1b[31m\x00\u202e\x9b\x07\ufffe"


def explained(text: str, *templates: tabrecover.Template, least: float = 0.9) -> Explanation:
    library = Library(templates) if templates else library_of(None)
    calibration = builtin_calibration()
    return explain_document(read_document(text), library, least=least, calibration=calibration)


@cache
def of_case(name: str) -> Explanation:
    return explained(next(case.dump for case in CASES if case.name == name))


def only(explanation: Explanation) -> TableExplanation:
    (table,) = explanation.tables
    return table


def told(table: TableExplanation, key: str) -> CellExplanation:
    return explain_cell(table, next(cell for cell in table.cells if cell.key == key))


def moves(table: TableExplanation) -> list[tuple[Move, str | None]]:
    """Moves with what they place, hidden positions left out."""
    return [
        (step.move, step.text if step.symbol is not None else step.key or step.label)
        for step in table.steps
        if step.move is not Move.HIDDEN
    ]


def views(explanation: Explanation, width: int = 100, *, color: bool = False) -> str:
    """Everything that can be shown: the overview, all alignments, some cells of each table."""
    parts = [overview(explanation, "x", width=width, color=color)]
    for table in explanation.tables:
        parts.append(table_view(explanation, table, "x", width=width, color=color))
        parts += [
            cell_view(explain_cell(table, cell), table, width=width, color=color)
            for cell in table.cells[:: max(1, len(table.cells) // 6)]
        ]
    return "".join(parts)


def symbols_of(table: TableExplanation) -> list[int]:
    return [step.symbol for step in table.steps if step.symbol is not None]


def slots_of(table: TableExplanation) -> list[int]:
    """The slots of the steps; pieces of an added row's label, each with a step, stand in one."""
    slots = [(step.slot, step.move) for step in table.steps if step.slot is not None]
    return [
        slot
        for before, (slot, move) in zip([None, *slots], slots, strict=False)
        if before != (slot, Move.ADDED) or move is not Move.ADDED
    ]


def check_facts(explanation: Explanation, text: str) -> None:
    """What holds for every explanation of a plain text."""
    for table in explanation.tables:
        for step in table.steps:
            if step.spans and step.kind not in ("blank", "row_end"):
                seen = "".join(text[start:end] for start, end in step.spans)
                assert "".join(seen.split()) == "".join((step.text or "").split())
        for cell in table.cells:
            check_cell(explain_cell(table, cell))
        if table.alignment is None:
            continue
        assert symbols_of(table) == list(range(len(table.alignment.symbols)))
        assert slots_of(table) == list(range(len(table.alignment.template.slots)))
        assert sum(c.probability for c in table.candidates) == pytest.approx(1)
        assert [c.template for c in table.candidates if c.chosen] == [table.template]
        placed = {(s.symbol, s.slot) for s in table.steps if s.symbol is not None}
        trace = enumerate(table.alignment.trace)
        assert placed == {(k, slot if slot >= 0 else None) for k, slot in trace}


def check_cell(cell: CellExplanation) -> None:
    """The parts make up the confidence; the terms of every rule make up its sums."""
    parts = cell.parts
    if parts.layout is not None and parts.placement is not None:
        bound = 1.0 if parts.bound is None else parts.bound
        product = parts.layout * min(parts.placement, bound) * parts.ceiling * parts.other
        assert product + parts.agreed == pytest.approx(parts.together, abs=2e-5)
    assert parts.total == cell.confidence
    for rule in cell.rules:
        assert (cell.row, cell.col) in [(t.row, t.col) for t in (*rule.left, *rule.right)]
        for side, total in ((rule.left, rule.left_sum), (rule.right, rule.right_sum)):
            numbers = [term.number for term in side]
            if total is not None:
                assert sum(n for n in numbers if n is not None) == pytest.approx(total)
            else:
                assert None in numbers


# --- facts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_explanation_is_of_the_recovery(case: Case) -> None:
    """What is explained is what `recover` returns, and every fact agrees with it."""
    explanation = of_case(case.name)
    recovery = tabrecover.recover(case.dump)
    assert explanation.recovery == recovery
    assert [t.confidence for t in explanation.tables] == [t.confidence for t in recovery.tables]
    assert [t.number for t in explanation.tables] == list(range(1, len(recovery.tables) + 1))
    check_facts(explanation, case.dump)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_explaining_reads_what_the_recovery_left(case: Case) -> None:
    """A recovery that is at hand is explained as it is; nothing is recovered a second time."""
    recovery = tabrecover.recover(case.dump)
    late = explain(recovery, read_document(case.dump))
    assert late.recovery is recovery
    assert late.to_dict() == of_case(case.name).to_dict()


def test_evidence_is_no_part_of_the_result() -> None:
    """Tables are the same whatever led to them, and neither record nor text form tells it."""
    text = "\n".join([*DEPOT_LINES, ""])
    (table,) = tabrecover.recover(text, templates=DEPOTS).tables
    assert table.evidence is not None
    bare = replace(table, evidence=None, alignment=None)
    assert (bare, repr(bare), bare.to_dict()) == (table, repr(table), table.to_dict())
    assert only(explain(Recovery("", DIALECT, (bare,)), read_document(text))).candidates == ()


def test_scores_of_moves_make_up_the_score() -> None:
    """Where one reading has all the probability, its moves' scores add up to the alignment's."""
    days = "Monday\tTuesday\tWednesday\tThursday\tFriday\n"
    table = only(explained(f"{days}101\t102\t\t104\t105", FIVE))
    assert table.counts["blank"] == 1
    assert table.score is not None
    assert table.path_score == pytest.approx(table.score, abs=0.01)


def test_clean_dump() -> None:
    """Every piece of a clean dump is an anchor or a value, in its slot, on its line."""
    text = "Prose before.\n\n" + "\n".join(DEPOT_LINES) + "\n"
    table = only(explained(text, DEPOTS))
    seen = [step for step in table.steps if step.symbol is not None]
    assert [step.text for step in seen] == DEPOT_LINES
    assert [step.line for step in seen] == list(range(3, 3 + len(DEPOT_LINES)))
    values = [(step.key, step.text, step.row, step.col) for step in seen if step.move is Move.VALUE]
    assert values == [
        ("north.vans", "4", 1, 1), ("north.cars", "11", 1, 2), ("north.all", "15", 1, 3),
        ("east.vans", "2", 2, 1), ("east.cars", "3", 2, 2), ("east.all", "5", 2, 3),
        ("south.vans", "16", 4, 1), ("south.cars", "7", 4, 2), ("south.all", "24", 4, 3),
    ]  # fmt: skip
    assert {step.move for step in seen} == {Move.ANCHOR, Move.VALUE}
    assert table.counts["absent"] == 4  # the optional row: its label and three values
    assert table.rows_left_out == ()


def test_one_value_lost_of_five() -> None:
    """Four numbers for five cells: five readings, each a fifth; no text is ahead of its rival.

    By hand: the first number is first in four of the five; the third cell holds the third number
    in two (the blank is behind it), the second in two (before it), and nothing in one.
    """
    header = "Monday\nTuesday\nWednesday\nThursday\nFriday\n"
    table = only(explained(header + "101\n102\n103\n104\n", FIVE))
    assert table.score is not None
    assert table.path_score is not None
    assert exp(table.path_score - table.score) == pytest.approx(1 / 5, rel=0.02)
    first = told(table, "mo")
    assert [(c.text, c.chosen) for c in first.choices][:2] == [("101", True), ("", False)]
    assert first.choices[0].probability == pytest.approx(4 / 5, rel=0.02)
    assert (first.parts.lead, first.parts.bound) == (0, 0.5)
    shares = {c.text: c.probability for c in told(table, "we").choices if c.probability > 0.01}
    assert shares == pytest.approx({"103": 2 / 5, "102": 2 / 5, "": 1 / 5}, rel=0.05)


def test_label_lost_and_stray() -> None:
    """A label that the dump lacks is lost, a running head is a stray; both have their places."""
    lines = [line for line in DEPOT_LINES if line != "Cars"]
    lines.insert(7, "a running head of the page")
    text = "\n".join(lines) + "\n"
    table = only(explained(text, DEPOTS))
    assert [step.label for step in table.steps if step.move is Move.LOST] == ["Cars"]
    (stray,) = [step for step in table.steps if step.move is Move.STRAY]
    assert (stray.text, stray.line, stray.slot) == ("a running head of the page", 8, None)
    assert (Move.ABSENT, "Mobile units") in moves(table)
    check_facts(explained(text, DEPOTS), text)


def test_row_left_out() -> None:
    """A row of which a dump with whole rows shows nothing is told once, with all its cells."""
    rows = ["Depot\tVans\tCars\tAll vehicles", "Northern depot\t4\t11\t15",
            "Southern depot\t16\t7\t24", ""]  # fmt: skip
    explanation = explained("\n".join(rows), DEPOTS)
    table = only(explanation)
    left = [step.key or step.label for step in table.steps if step.move is Move.LEFT_OUT]
    assert left == ["Eastern depot", "east.vans", "east.cars", "east.all"]
    assert table.rows_left_out == (2,)
    assert "of row 3 the dump shows nothing" in overview(explanation, "x", width=80, color=False)
    assert told(table, "east.all").parts.other < 1  # nothing of the row is seen


def test_blanks_shown_and_covered_positions() -> None:
    """In a rectangle, empty cells are blanks under values, and covered under spanning cells."""
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Station<th colspan=2>Passengers a day"
        "<tr><th>Harbour<td data-key=a><td data-key=b><tr><th>Airport<td data-key=c>"
        "<td data-key=d></table>",
        'id = "stations"',
    )
    dump = "Station\tPassengers a day\t\nHarbour\t12\t\nAirport\t\t7\n"
    table = only(explained(dump, template))
    assert [move for move, _ in moves(table)] == [
        Move.ANCHOR, Move.ANCHOR, Move.COVERED, Move.ROW_END,
        Move.ANCHOR, Move.VALUE, Move.BLANK, Move.ROW_END,
        Move.ANCHOR, Move.BLANK, Move.VALUE, Move.ROW_END,
    ][: len(moves(table))]  # fmt: skip
    assert table.counts["blank"] == 2


def test_label_in_pieces() -> None:
    """A label drawn as two cells is a label and a piece of it, and its cell tells both."""
    template = tabrecover.parse_template(
        "<table data-type=integer><tr><th rowspan=2>Stations of the northern line"
        "<th colspan=2>Passengers a day<tr><th>Weekdays<th>Holidays"
        "<tr><th>Harbour<td data-key=a><td data-key=b></table>",
        'id = "stations"',
    )
    html = (
        "<table><tr><td>Stations of the<td colspan=2>Passengers a day<tr><td>northern line"
        "<td>Weekdays<td>Holidays<tr><td>Harbour<td>12<td>7</table>"
    )
    table = only(explained(html, template))
    (piece,) = [step for step in table.steps if step.move is Move.PIECE]
    assert (piece.row, piece.col, piece.text) == (1, 0, "northern line")
    below = find_cell(table, 1, 0)
    assert below is not None
    cell = explain_cell(table, below)
    assert (cell.row, cell.col, cell.rowspan, cell.colspan) == (0, 0, 2, 1)
    assert [step.move for step in cell.steps] == [Move.LABEL, Move.PIECE]
    assert [html[s:e] for s, e in cell.spans] == ["Stations of the", "northern line"]


def test_rule_with_its_numbers() -> None:
    """A broken sum is told with every number, and with who is to blame."""
    table = only(explained("\n".join([*DEPOT_LINES, ""]), DEPOTS))
    (rule,) = told(table, "south.cars").rules
    assert [(t.key, t.number) for t in rule.left] == [("south.vans", 16), ("south.cars", 7)]
    assert (rule.left_sum, rule.right_sum, rule.holds, rule.verdict) == (23, 24, False, "source")
    view = cell_view(told(table, "south.cars"), table, width=100, color=False)
    assert "16 + [7] (= 23) ≠ 24" in view
    assert "r5c2 + [r5c3] = r5c4" in view
    assert "error in the source" in view


def test_candidates_of_a_tie() -> None:
    """A form that fits two editions equally well is told with both, at one half each."""
    template = next(t for t in builtin_library().templates if t.id.endswith("2021/review"))
    labels = [cell.text for cell in template.cells if cell.role == "label"]
    table = only(explained("\n".join([*labels, *map(str, range(15)), ""])))
    assert [c.probability for c in table.candidates] == pytest.approx([0.5, 0.5])
    assert table.candidates[0].score == pytest.approx(table.candidates[1].score)
    assert table.layout == pytest.approx(1)  # the grid is the same in both
    assert table.status == "review"


WARDS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Ward<th data-key=beds>Beds<th data-key=staff>Staff"
    "<tr data-key=wound><th>Surgery of wounds and burns<td><td>"
    "<tr data-key=eye><th>Ophthalmology<td><td></table>",
    'id = "wards"',
)


def test_label_put_together_from_pieces() -> None:
    """A label around its values is told with all its pieces, the row ends where the lines end."""
    text = "Ward Beds Staff\nSurgery of\n4 11\nwounds and burns\nOphthalmology 2 3\n"
    explanation = explained(text, WARDS)
    table = only(explanation)
    label = next(step for step in table.steps if step.label == "Surgery of wounds and burns")
    assert [text[a:b] for a, b in label.spans] == ["Surgery of", "wounds and burns"]
    assert (label.line, label.last_line) == (2, 4)
    ends = [step for step in table.steps if step.kind == "row_end"]
    assert [step.line for step in ends if step.spans[0].end > step.spans[0].start][:3] == [1, 2, 3]
    assert all(text[a:b].isspace() for step in ends for a, b in step.spans if a < b)
    shown = table_view(explanation, table, "x", width=100, color=False)
    assert "  2+     16  Surgery" in shown
    assert "1 text stands on several lines" in shown
    cell = cell_view(explain_cell(table, table.cells[3]), table, width=100, color=False)
    assert "characters   16-26, 32-48 (lines 2 to 4)" in cell


BOX = """\
+------------+------+-------+
| Ward       | Beds | Staff |
+------------+------+-------+
| Surgery of | 4    | 11    |
| wounds and |      |       |
| burns      |      |       |
+------------+------+-------+
| Ophthal-   |      | 3     |
| mology     |      |       |
+------------+------+-------+
"""


def test_drawn_cells() -> None:
    """Cells of a box are told as drawn; no gap takes in a text, not even of a wrapped label."""
    explanation = explained(BOX, WARDS)
    table = only(explanation)
    shown = table_view(explanation, table, "x", width=100, color=False)
    assert "cells are those that the dump draws" in shown
    assert "cells are those" not in overview(explained(UNKNOWN["html"]), "x", width=80, color=False)
    seen = [(s.text, s.line, s.last_line) for s in table.steps if s.line and s.move is Move.ANCHOR]
    assert ("Surgery of wounds and burns", 4, 6) in seen
    gaps = [BOX[a:b] for s in table.steps if s.kind in ("blank", "row_end") for a, b in s.spans]
    assert gaps
    assert not [gap for gap in gaps if any(char.isalnum() for char in gap)]
    (blank,) = [step for step in table.steps if step.move is Move.BLANK]
    assert (blank.line, blank.key) == (8, "eye.beds")
    assert table.flattening == pytest.approx(0.5, abs=0.01)
    assert "the way of flattening alone" in shown


def test_strays_that_are_no_texts_are_told_together() -> None:
    """Texts in no cell come first, one a line; row ends and empty cells by their lines."""
    rows = [DEPOT_LINES[k : k + 4] for k in range(0, len(DEPOT_LINES), 4)]
    text = "\n\n".join("\t".join(row) for row in [*rows[:2], ["a running head"], *rows[2:]])
    shown = overview(explained(text + "\n", DEPOTS), "x", width=100, color=False)
    lines = shown[shown.index("  strays") : shown.index("  in doubt")].splitlines()
    assert lines[1].startswith("  ! line 5, character 54: 'a running head'")
    assert [line for line in lines[2:] if "character" in line] == []


def test_row_that_the_template_lacks() -> None:
    """Texts of an added row stand in its cells; rows below it are told where the table has them."""
    rows = [DEPOT_LINES[k : k + 4] for k in range(0, len(DEPOT_LINES), 4)]
    text = "".join("\t".join(r) + "\n" for r in [*rows[:2], ["Old yard", "8", "1", "9"], *rows[2:]])
    explanation = explained(text, DEPOTS)
    table = only(explanation)
    assert table.shape == (6, 4)
    added = [(s.text, s.row, s.col) for s in table.steps if s.move is Move.ADDED]
    assert added == [("Old yard", 2, 0), ("8", 2, 1), ("1", 2, 2), ("9", 2, 3)]
    assert told(table, "south.cars").steps[0].text == "7"
    assert [c.text for c in told(table, "south.cars").choices if c.chosen] == ["7"]
    check_facts(explanation, text)
    assert table.counts["added"] == 4


def test_open_edition_is_told() -> None:
    """A table that is for review because its edition is open says so; a decided one doesn't."""
    template = next(t for t in builtin_library().templates if t.id.endswith("2021/review"))
    labels = [cell.text for cell in template.cells if cell.role == "label"]
    tie = explained("\n".join([*labels, *map(str, range(15)), ""]))
    assert "which of them it is stays open: 50.0%" in overview(tie, "x", width=80, color=False)
    sure = overview(of_case("macheng-2019"), "x", width=80, color=False)
    assert "stays open" not in sure


def test_neighbours_in_the_dump() -> None:
    """A cell is shown with what stands beside it, also where the cell itself left no trace."""
    header = "Monday\nTuesday\nWednesday\nThursday\nFriday\n"
    table = only(explained(header + "101\n102\n103\n104\n", FIVE))
    cell = next(c for c in table.cells if c.role == "value" and not c.text)
    told_cell = explain_cell(table, cell)
    beside = [step.text for step in (*told_cell.before[-1:], *told_cell.after[:1])]
    assert beside == [str(100 + cell.col), str(101 + cell.col)][: len(beside)]


def test_least_confidence() -> None:
    """What counts as doubtful follows the confidence asked for."""
    dump = "\n".join([*DEPOT_LINES, ""])
    assert only(explained(dump, DEPOTS, least=0.5)).doubtful == []
    strict = only(explained(dump, DEPOTS, least=1.0))
    assert len(strict.doubtful) == 12
    assert strict.status == "review"


UNKNOWN = {
    "bars": "| Name | Red | Blue |\n|---|---|---|\n| Ann | 1 | 2 |\n| Bob |  | 4 |\n",
    "html": "<table><tr><th rowspan=2>Item<th colspan=2>Price<tr><th>net<th>gross"
    "<tr><td>Bolt<td>1.50<td>1.80<tr><td>Nut<td>0.20<td></table>",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_layout(name: str) -> None:
    """A table without a template is told cell by cell, and without invented facts."""
    explanation = explained(UNKNOWN[name])
    table = only(explanation)
    assert [step.text for step in table.steps] == [cell.text for cell in table.cells]
    assert (table.template, table.alignment, table.candidates, table.score) == (
        None,
        None,
        (),
        None,
    )
    for cell in table.cells:
        parts = explain_cell(table, cell).parts
        assert parts.layout is None
        assert parts.placement == pytest.approx(parts.together / CEILING)
    shown = views(explanation)
    assert "no template fits" in shown
    assert nx.parse_graphml(graphml(explanation, explanation.tables)).number_of_nodes() == len(
        table.cells
    )


def test_no_table() -> None:
    """A document without tables has an explanation that says so."""
    explanation = explained("Nothing but prose.")
    assert explanation.tables == ()
    assert overview(explanation, "x", width=80, color=False) == "x: no table\n"
    assert explanation.to_dict()["tables"] == []


def test_a_row_end_yields_to_sums() -> None:
    """Where sums move a value before a row end that was behind it, no symbol is out of order."""
    text = (
        "Northern depot | \n | \n | \n0 0 | \nEastern depot | \n2 | \n3 | \n5 | \nSouthern depot\n"
    )
    explanation = explained(text, DEPOTS)
    assert told(only(explanation), "east.all").text == "5"
    check_facts(explanation, text)


# --- properties ---------------------------------------------------------------------------------


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """The lines of a form with some left out, some put in, and empty ones between."""
    lines: list[str] = []
    for line in DEPOT_LINES:
        if draw(st.integers(0, 9)):
            lines.append(line)
        extra = draw(st.integers(0, 12))
        if extra == 0:
            lines.append(draw(st.sampled_from(["", "7", "/", "a note", "Cars", "- 3 -", HOSTILE])))
        elif extra == 1:
            lines.append(draw(st.text(max_size=8)))
    return draw(st.sampled_from(["\n", "\n\n", " | \n", "\t", "  "])).join(lines) + "\n"


@settings(max_examples=40, deadline=None)
@given(mangled())
@example("Northern depot\n\n\nEastern depot\nSouthern depot\n<\x1f¬\n7\n24\n")  # a label added
def test_every_symbol_once_and_every_form_safe(text: str) -> None:
    """Of any dump: each symbol and slot in one step, JSON and GraphML readable, views harmless."""
    explanation = explained(text, DEPOTS)
    check_facts(explanation, text)
    record = json.dumps(explanation.to_dict(), allow_nan=False, ensure_ascii=False)
    assert json.loads(record) == explanation.to_dict()
    for table in explanation.tables:
        cells = [explain_cell(table, cell).to_dict() for cell in table.cells]
        assert json.loads(json.dumps(cells, allow_nan=False)) == cells
    graph = graphml(explanation, explanation.tables)
    etree.fromstring(graph.encode())
    nx.parse_graphml(graph)
    assert_harmless(views(explanation))


def assert_harmless(shown: str, width: int = 100) -> None:
    """No character that a terminal obeys but line ends; no line wider than asked for."""
    found = {char for char in shown if category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert found <= {"\n"}
    assert not found & set(BIDI)
    assert max(map(cell_len, shown.split("\n"))) <= width


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_hostile_texts(one: str, other: str) -> None:
    """Any text at all in cells, keys and labels leaves XML valid and the terminal alone."""
    template = tabrecover.parse_template(
        "<table data-type=text><tr><th>Name of the depot<td data-key=a>"
        "<tr><th>Head of the depot<td data-key=b></table>",
        'id = "texts"',
    )
    text = f"Name of the depot | {one}{HOSTILE} |\nHead of the depot | {other} |\n"
    explanation = explained(text, template)
    graph = graphml(explanation, explanation.tables)
    nx.parse_graphml(graph)
    etree.fromstring(graph.encode("utf-8"))
    assert_harmless(views(explanation))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_widths_and_colour(case: Case, width: int) -> None:
    """Everything fits the width, wide characters counted; colour adds nothing but colour."""
    explanation = of_case(case.name)
    plain = views(explanation, width)
    assert_harmless(plain, width)
    coloured = views(explanation, width, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_columns_of_the_alignment_are_aligned() -> None:
    """The moves stand in one column, also behind wide characters."""
    explanation = of_case("macheng-2019")
    table = explanation.tables[1]
    lines = table_view(explanation, table, "x", width=100, color=False).split("\n")
    title = next(line for line in lines if line.split()[:3] == ["line", "char", "text"])
    at = title.index("move")
    found = {
        cell_len(line[: line.index(f" {move} ")]) + 1
        for line in lines[lines.index(title) + 1 :]
        for move in ("anchor", "value", "blank", "piece")
        if f" {move} " in line
    }
    assert found == {at}


# --- the record and the graph -------------------------------------------------------------------


def test_names_of_the_record() -> None:
    """The names of the JSON object are those that docs/explain.md tells."""
    documented = set(re.findall(r"`(\w+)`", DOCS.read_text(encoding="utf-8")))
    table = of_case("macheng-2019").tables[1]
    cell = told(table, "new_requests.total")
    names = names_of(table.to_dict()) | names_of(cell.to_dict())
    assert not {str(name) for name in names} - documented - {str(move) for move in Move}
    assert {str(move) for move in Move} <= documented


def names_of(record: Any) -> set[str]:
    if isinstance(record, dict):
        return set(record).union(*map(names_of, record.values()))
    if isinstance(record, list):
        return set[str]().union(*map(names_of, record))
    return set()


def test_record_has_every_field_of_a_step() -> None:
    """Steps are in the record with all their fields, or not at all."""
    table = of_case("macheng-2019").tables[0]
    (first, *_) = table.to_dict()["steps"]
    assert list(first) == [field.name for field in fields(Step)]
    assert "steps" not in table.to_dict(steps=False)


def test_graph_holds_the_alignment() -> None:
    """The chosen matches of the graph are the trace; probabilities of a symbol sum to 1 or less."""
    explanation = explained("\n".join([*DEPOT_LINES, ""]), DEPOTS)
    table = only(explanation)
    assert table.alignment is not None
    graph = nx.parse_graphml(graphml(explanation, explanation.tables))
    kinds = nx.get_node_attributes(graph, "type")
    assert sum(kind == "slot" for kind in kinds.values()) == len(DEPOTS.slots)
    assert sum(kind == "symbol" for kind in kinds.values()) == len(table.alignment.symbols)
    matches = [(a, b, d) for a, b, d in graph.edges(data=True) if d["type"] == "match"]
    chosen = {(a, b) for a, b, data in matches if data["chosen"]}
    trace = enumerate(table.alignment.trace)
    assert chosen == {(f"t1.u{k}", f"t1.s{slot}") for k, slot in trace if slot >= 0}
    assert all("score" in data for _, _, data in matches if data["chosen"])
    taken = [(a, b) for a, b, d in graph.edges(data=True) if d["type"] == "step" and d["chosen"]]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(taken))
    assert len(taken) == len(chosen) - 1


# --- the command --------------------------------------------------------------------------------


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tabrecover", "explain", *map(str, arguments)],
        input=stdin, capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip


def test_command_shows_overview_table_and_cell() -> None:
    """The three views come from a file or from standard input, without colour in a pipe."""
    all_tables = run(CHANGTU).stdout.decode("utf-8")
    assert "table 2: cn-disclosure-2021/requests, 28 x 10" in all_tables
    piped = run("-", "--table", "3", stdin=CHANGTU.read_bytes()).stdout.decode("utf-8")
    assert "row 4" in piped
    assert "\x1b" not in piped
    by_key = run(CHANGTU, "--cell", "new_requests.total").stdout
    assert by_key == run(CHANGTU, "-n", "2", "-c", "4,10").stdout
    assert "> 77 1797 5" in by_key.decode("utf-8")


def test_command_writes_json_and_graph(tmp_path: Path) -> None:
    """`--json` is one object with the parts asked for; `--graphml` a file that networkx reads."""
    record = json.loads(run(CHANGTU, "--json").stdout)
    assert [table["number"] for table in record["tables"]] == [1, 2, 3]
    assert "steps" not in record["tables"][0]
    target = tmp_path / "graph.xml"
    done = run(CHANGTU, "--json", "-n", "2", "-c", "4,10", "--graphml", target)
    record = json.loads(done.stdout)
    assert [table["number"] for table in record["tables"]] == [2]
    assert (record["cell"]["row"], record["cell"]["col"]) == (3, 9)
    assert {name[:3] for name in nx.read_graphml(target)} == {"t2."}
    assert "steps" in json.loads(run(CHANGTU, "--json", "-n", "1").stdout)["tables"][0]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-n", "4"], "no table 4; there are: 1 (cn-disclosure-2021/proactive), 2 "),
        (["-c", "new_requests.totl"], "did you mean new_requests.total"),
        (["-c", "unavailable.unclear"], "did you mean unavailable.unclear_after_correction."),
        (["-c", "3,3"], "which table? add --table"),
        (["-n", "1", "-c", "15,1"], "rows are 1 to 14, columns 1 to 4"),
        (["-n", "1", "-c", "0,1"], "rows are 1 to 14, columns 1 to 4"),
        (["--graphml", str(CHANGTU)], "also an input"),
        (["--kind", "pdf"], "--kind is 'text' or 'html'"),
        (["--encoding", "nothing"], "unknown"),
    ],
)
def test_command_refuses(arguments: list[str], words: str) -> None:
    """What can't be carried out is told with what could be: exit code 2, and no output."""
    done = run(CHANGTU, *arguments)
    assert words in done.stderr.decode("utf-8")
    assert (done.returncode, done.stdout) == (2, b"")


def test_command_with_inputs_that_fail(tmp_path: Path) -> None:
    """An input that can't be read is exit code 1; one without tables explains just that."""
    assert run(tmp_path / "missing.txt").returncode == 1
    assert b"is a folder" in run(tmp_path).stderr
    assert run("-", stdin=b"just prose\n").stdout == b"-: no table\n"
    assert run("-", "-n", "1", stdin=b"prose\n").returncode == 2
    assert b"no table was found" in run("-", "-c", "x", stdin=b"prose\n").stderr
    unknown = run("-", "-c", "a.b", stdin=UNKNOWN["bars"].encode())
    assert b"name them as ROW,COL" in unknown.stderr


def test_same_key_in_two_tables(tmp_path: Path) -> None:
    """A key that two tables have needs the table's number."""
    (tmp_path / "form.html").write_text(
        "<table><tr><th>Depot of vans<td data-key=a><tr><th>Depot of cars<td data-key=b></table>"
    )
    form = "Depot of vans | 4 |\nDepot of cars | 5 |\n"
    dump = f"In May\n\n{form}\nIn June\n\n{form}".encode()
    done = run("-", "-t", tmp_path, "-c", "b", stdin=dump)
    assert b"which table? add --table; there are: 1 (form), 2 (form)" in done.stderr
    assert b"'5'" in run("-", "-t", tmp_path, "-n", "2", "-c", "b", stdin=dump).stdout


def test_help_loads_no_heavy_package() -> None:
    """The command's own import loads neither the explanation nor numpy, rich tables or networkx."""
    code = (
        "import sys, tabrecover.cli; heavy = {'numpy', 'networkx', 'lxml', 'tabrecover.explain',"
        " 'tabrecover.explain_view', 'tabrecover.pipeline'};"
        " print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- the documentation --------------------------------------------------------------------------


def documented(text: str) -> list[tuple[str, str]]:
    """Commands and outputs of the blocks that begin with `$ `."""
    return re.findall(r"^```\n\$ ([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_documented_commands_print_what_the_documentation_shows() -> None:
    """Outputs in docs/explain.md are real; run with UPDATE_DOCS=1 to write them anew."""
    text = DOCS.read_text(encoding="utf-8")
    found = documented(text)
    assert found
    for command, output in found:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(  # noqa: S602 - as the page writes it
            command, shell=True, capture_output=True, check=True, cwd=ROOT, timeout=120,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
        real = done.stdout.decode("utf-8")
        if UPDATE in os.environ:
            text = text.replace(f"$ {command}\n{output}```", f"$ {command}\n{real}```")
        else:
            assert real == output, command
    if UPDATE in os.environ:
        DOCS.write_text(text, encoding="utf-8")
