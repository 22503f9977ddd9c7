"""Corpus cases: a dump, the tables a person read in it, and how a recovery is compared with them.

An expected table is the canonical rectangle as CSV: texts at the origins of their cells, `?` for
a value that the dump can't decide. Geometry comes from the template's HTML, read here with
BeautifulSoup and placed by the HTML table model, not by the code under test.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from tabrecover import Recovery, Table

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "corpus"
TEMPLATES = ROOT / "tabrecover" / "templates"
UNDECIDABLE = "?"
TOLD = 0.9


@dataclass(frozen=True)
class Case:
    """One document of `corpus/in_the_wild` with its expected tables, in order."""

    name: str
    dump: str
    templates: tuple[str | None, ...]
    expected: tuple[list[list[str]], ...]
    source_errors: frozenset[str]


def load_case(folder: Path) -> Case:
    settings: dict[str, Any] = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    tables = []
    for name in settings["expected"]:
        with (folder / "expected" / name).open(encoding="utf-8", newline="") as stream:
            tables.append(list(csv.reader(stream)))
    return Case(
        folder.name,
        (folder / "dump.txt").read_bytes().decode("utf-8"),
        tuple(name or None for name in settings["templates"]),
        tuple(tables),
        frozenset(settings["source_errors"]),
    )


CASES = [load_case(folder) for folder in sorted((CORPUS / "in_the_wild").iterdir())]
NEGATIVES = sorted((CORPUS / "negative").glob("*.txt"))


def drawn_cells(template: str) -> list[tuple[int, int, int, int, str]]:
    """Row, column, rowspan, colspan and tag of every cell of a template's HTML."""
    html = (TEMPLATES / f"{template}.html").read_text(encoding="utf-8")
    taken: set[tuple[int, int]] = set()
    cells = []
    for row, tr in enumerate(BeautifulSoup(html, "html.parser").find_all("tr")):
        col = 0
        for element in tr.find_all(["td", "th"]):
            while (row, col) in taken:
                col += 1
            height, width = (int(str(element.get(k) or 1)) for k in ("rowspan", "colspan"))
            taken |= {(r, c) for r in range(row, row + height) for c in range(col, col + width)}
            cells.append((row, col, height, width, element.name))
            col += width
    return sorted(cells)


def check_recovery(recovery: Recovery, case: Case, dump: str) -> None:
    """Assert that the recovery is what the case expects, cell by cell."""
    assert [table.template for table in recovery.tables] == list(case.templates)
    for table, expected in zip(recovery.tables, case.expected, strict=True):
        check_table(table, expected)
        check_offsets(table, dump)
    broken = {c.rule for t in recovery.tables for c in t.checks if c.holds is False}
    assert broken == case.source_errors
    verdicts = {c.verdict for t in recovery.tables for c in t.checks if c.holds is False}
    assert verdicts <= {"source"}


def check_table(table: Table, expected: list[list[str]]) -> None:
    """Shape, spans, labels and values as expected; confidence and alternatives as they must be.

    In a table of unknown layout the labels are guessed, so that its values are never told; whether
    the texts are in their places is what the model says.
    """
    assert table.shape == (len(expected), len(expected[0]))
    if table.template:
        drawn = drawn_cells(table.template)
        cells = sorted(table.cells, key=lambda c: (c.row, c.col))
        found = [(c.row, c.col, c.rowspan, c.colspan, tag_of(c.role)) for c in cells]
        assert found == drawn
    for cell in table.drawn:
        want = expected[cell.row][cell.col]
        where = f"{table.template} row {cell.row} col {cell.col}"
        if want == UNDECIDABLE:
            assert cell.confidence < TOLD, where
            assert cell.alternatives, where
        else:
            assert cell.text == want, where
            assert cell.confidence >= TOLD or cell.role == "label", where
    assert table.unplaced == ()


def tag_of(role: str) -> str:
    return "th" if role == "label" else "td"


def check_offsets(table: Table, dump: str) -> None:
    """The input at a value's spans is its text, inside the table's span; none is used twice."""
    spans = [span for cell in table.cells for span in cell.spans]
    assert len(set(spans)) == len(spans)
    for cell in table.cells:
        if cell.role == "value":
            assert "".join(dump[s:e] for s, e in cell.spans) == cell.text
        assert all(table.span.start <= s < e <= table.span.end for s, e in cell.spans)
