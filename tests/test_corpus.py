"""The real documents: every table found, every decidable cell right and told, no other claims."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import opencc
import pytest

import tabrecover
from tabrecover import Recovery, Table
from tests.cases import CASES, NEGATIVES, Case, check_offsets, check_recovery

SIX = sorted({name for case in CASES for name in case.templates if name})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wild_document_is_recovered(case: Case) -> None:
    """All tables of a real dump come back with shape, spans, labels, values and source errors."""
    check_recovery(tabrecover.recover(case.dump), case, case.dump)


@pytest.mark.parametrize("path", NEGATIVES, ids=lambda path: path.stem)
def test_prose_holds_no_table(path: Path) -> None:
    """Prose full of the forms' words holds no table."""
    assert tabrecover.recover(path.read_text(encoding="utf-8")).tables == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_traditional_characters_change_nothing(case: Case) -> None:
    """A dump converted to traditional characters gives the same values at the same places."""
    dump = opencc.OpenCC("s2t").convert(case.dump)
    found = tabrecover.recover(dump)
    assert texts(found) == texts(tabrecover.recover(case.dump))


def texts(recovery: Recovery) -> list[list[tuple[int, int, str]]]:
    return [
        [(c.row, c.col, c.text) for c in table.cells if c.role == "value"]
        for table in recovery.tables
        if table.template
    ]


def rendered(case: Case) -> list[Table]:
    return [table for table in tabrecover.recover(case.dump).tables if table.template]


def facts(table: Table) -> list[tuple[int, int, int, int, str, str | None, str]]:
    return [(c.row, c.col, c.rowspan, c.colspan, c.role, c.key, c.text) for c in table.cells]


DAMAGES: dict[str, Callable[[str], str]] = {
    "intact": lambda html: html,
    "without end tags of cells and rows": lambda html: re.sub(r"</t[dhr]>", "", html),
    "without </td> and </tr>": lambda html: html.replace("</td>", "").replace("</tr>", ""),
    "without spans": lambda html: re.sub(r' (row|col)span="\d+"', "", html),
    "without table tags": lambda html: re.sub(r"</?table[^>]*>", "", html),
    "cut in two tables": lambda html: html.replace("</tr>", "</tr></table>\n<table>", 1),
    "nested in a layout table": lambda html: f"<table><tr><td>{html}</td></tr></table>",
    "div soup around": lambda html: f"<div><div class=a><p>x</p>{html}</div><div></div></div>",
    "attributes gone": lambda html: re.sub(r' (data-[a-z]+|class|title)="[^"]*"', "", html),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rendered_html_gives_the_tables_back(case: Case, damage: str) -> None:
    """Tables rendered as HTML, intact or damaged, come back equal; the model tells every value."""
    tables = rendered(case)
    html = "<p>text</p>\n".join(DAMAGES[damage](table.to_html()) for table in tables)
    found = tabrecover.recover(f"<html><body>{html}</body></html>")
    assert [facts(t) for t in found.tables] == [facts(t) for t in tables]
    model = [c for t in found.tables for c in (t.model or t).cells]
    assert all(c.confidence >= 0.9 for c in model if c.role == "value")


@pytest.mark.parametrize("name", SIX)
def test_single_table_from_its_html(name: str) -> None:
    """Each of the six layouts is recovered from its HTML alone, with offsets into the HTML."""
    table = next(t for case in CASES for t in rendered(case) if t.template == name)
    html = table.to_html()
    (found,) = tabrecover.recover(html).tables
    assert (found.template, facts(found)) == (name, facts(table))
    check_offsets(found, html)


@pytest.mark.skipif("TABRECOVER_DOCUMENTS" not in os.environ, reason="no full documents given")
def test_full_documents() -> None:
    """The full documents behind the cases give the cases' tables, the others give none."""
    open_cases = {case.templates: case for case in CASES}
    for path in sorted(Path(os.environ["TABRECOVER_DOCUMENTS"]).glob("*.txt")):
        dump = path.read_bytes().decode("utf-8")
        recovery = tabrecover.recover(dump)
        if recovery.tables:
            case = open_cases.pop(tuple(table.template for table in recovery.tables))
            check_recovery(recovery, case, dump)
    assert not open_cases
