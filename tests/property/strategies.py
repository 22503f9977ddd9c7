"""Filled grids of any template, and flatteners: independent accounts of what extractors do.

A grid is a template with a text for every value cell, by cell index. A flattener turns it into
a dump; `SHOWS_BLANKS` lists those from which every value can be told.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from hypothesis import strategies as st

from tabrecover.storage import builtin_library, parse_template
from tabrecover.template import Template

Values = dict[int, str]
Flattener = Callable[[Template, Values], str]

TEMPLATES = builtin_library().templates

integers = st.one_of(
    st.just("0"),
    st.just("0"),
    st.integers(0, 99).map(str),
    st.integers(0, 10**7).map(str),
    st.integers(1000, 10**7).map(lambda n: f"{n:,}"),
)
entries = st.one_of(integers, integers, integers, st.just(""), st.sampled_from(["/", "-"]))
decimals = st.one_of(entries, st.sampled_from(["3.5", "0.25", "1,203.75"]))


WORDS = [
    *("Assets", "Cash", "Inventory", "Receivables", "Revenue", "Wages", "Travel", "Energy"),
    *(
        "北部地区",
        "南部地区",
        "人均收入",
        "粮食产量",
        "在校学生",
        "图书馆藏",
        "床位总数",
        "用电总量",
    ),
    *("Größe", "Höhe", "Länge", "Gewicht", "Umsatz", "Löhne", "Zinsen", "Vorräte", "Summe"),
]


@st.composite
def drawn_templates(draw: st.DrawFn) -> Template:
    """A layout of its own: grouped column headers, grouped row headers, unique labels."""
    words = draw(st.permutations(WORDS))
    label = iter(words)
    n_columns, n_rows = draw(st.integers(2, 5)), draw(st.integers(2, 6))
    group = draw(st.integers(0, n_rows))  # so many first rows share a row header
    left = 2 if group else 1
    over = draw(st.integers(0, n_columns))  # so many first columns share a header above
    corner = draw(st.booleans())
    height = 2 if over else 1
    text = f"<table data-type=integer><tr><th rowspan={height} colspan={left}>"
    text += next(label) if corner else ""
    text += f"<th colspan={over}>{next(label)}" if over else ""
    upper = [f"<th rowspan={height}>{next(label)}" for _ in range(n_columns - over)]
    text += "".join(upper)
    text += "<tr>" + "".join(f"<th>{next(label)}" for _ in range(over)) if over else ""
    for row in range(n_rows):
        text += "<tr>"
        text += f"<th rowspan={group}>{next(label)}" if group and row == 0 else ""
        text += f"<th colspan={1 if row < group else left}>{next(label)}"
        text += "<td>" * n_columns
    return parse_template(text + "</table>", name="drawn")


@st.composite
def filled(draw: st.DrawFn, blanks: bool = True) -> tuple[Template, Values]:
    """A template and texts for its value cells; without blanks if asked."""
    template = draw(st.one_of(st.sampled_from(TEMPLATES), drawn_templates()))
    values = {
        i: draw((decimals if cell.type == "decimal" else entries) if blanks else integers)
        for i, cell in enumerate(template.cells)
        if cell.role == "value"
    }
    return template, values


def text_of(template: Template, values: Values, index: int) -> str:
    cell = template.cells[index]
    return cell.text if cell.role == "label" else values[index]


def rows_of(template: Template) -> list[list[int]]:
    """Cell indices by the row of their origin, left to right: the order of the HTML source."""
    rows: list[list[int]] = [[] for _ in range(template.n_rows)]
    for i, cell in sorted(enumerate(template.cells), key=lambda p: (p[1].row, p[1].col)):
        rows[cell.row].append(i)
    return rows


def one_cell_per_line(separator: str, blank: str) -> Flattener:
    """Every cell on its line, ended by `separator`; an empty cell leaves `blank`."""

    def flatten(template: Template, values: Values) -> str:
        texts = [text_of(template, values, i) for row in rows_of(template) for i in row]
        return "".join(text + separator if text else blank for text in texts)

    return flatten


def padded(cell_end: str, row_end: str) -> Flattener:
    """Bars after each cell; empty cells deleted; rows padded with bars to the table's width."""

    def flatten(template: Template, values: Values) -> str:
        lines = []
        for number, row in enumerate(rows_of(template)):
            texts = [t for i in row if (t := text_of(template, values, i))]
            pads = template.n_cols - len(texts) if number < template.n_rows - 1 else 0
            lines.append("".join(t + cell_end for t in texts) + ("|" * pads + row_end))
        return "".join(lines)

    return flatten


def rectangle(separator: str, keep_rowspans: bool) -> Flattener:
    """A line a row, every grid position shown, covered ones as empty."""

    def flatten(template: Template, values: Values) -> str:
        lines = []
        for row in rows_of(template):
            width = template.n_cols if keep_rowspans else 0
            texts: list[str] = [""] * width
            for i in row:
                cell = template.cells[i]
                if keep_rowspans:
                    texts[cell.col] = text_of(template, values, i)
                else:
                    texts += [text_of(template, values, i)] + [""] * (cell.colspan - 1)
            lines.append(separator.join(texts) + "\n")
        return "".join(lines)

    return flatten


def as_html(end_tags: bool, spans: bool = True) -> Flattener:
    """The table as HTML, written here and not by the code under test."""

    def flatten(template: Template, values: Values) -> str:
        parts = ["<table>"]
        for row in rows_of(template):
            parts.append("<tr>")
            for i in row:
                cell = template.cells[i]
                tag = "th" if cell.role == "label" else "td"
                span = f" rowspan={cell.rowspan} colspan={cell.colspan}" if spans else ""
                close = f"</{tag}>" if end_tags else ""
                parts.append(f"<{tag}{span}>{escape(text_of(template, values, i))}{close}")
            parts.append("</tr>\n" if end_tags else "\n")
        return "".join(parts) + "</table>"

    return flatten


SHOWS_BLANKS: dict[str, Flattener] = {
    "lines, an empty line for a blank": one_cell_per_line("\n\n", "\n"),
    "lines, two empty lines for a blank": one_cell_per_line("\n\n", "\n\n"),
    "lines, single breaks": one_cell_per_line("\n", "\n"),
    "lines, spaces for a blank": one_cell_per_line("\n", " \n"),
    "tabs, rectangle": rectangle("\t", keep_rowspans=True),
    "bars, rectangle": rectangle(" | ", keep_rowspans=True),
    "bars, rows without covered cells": rectangle(" | ", keep_rowspans=False),
    "html": as_html(end_tags=True),
    "html without end tags": as_html(end_tags=False),
    "html without spans": as_html(end_tags=True, spans=False),
}
HIDES_BLANKS: dict[str, Flattener] = {
    "lines without blanks": one_cell_per_line("\n", ""),
    "bars, padded rows": padded(" | ", "\n"),
    "bars, padded lines": padded(" |\n", "\n"),
}
