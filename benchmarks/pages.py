"""Truth pages as real pages are written: the input of the flatteners.

A truth page holds plain intact tables and says in `data-style` how its real page is written: line
breaks between tags or none (`pretty`, `plain`), a cell's text bare or in a paragraph (`bare`, `p`,
`p-span`), labels as `th` or `td`, empty cells empty or `nbsp`. `data-widened` names a column that
the real page draws over two. The real page carries none of these attributes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from benchmarks.tables import Cell, Table, span_attributes, tables_of_page

__all__ = ["PAGE_TABLE", "as_page", "with_tables", "without_tables"]

PAGE_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_STYLE = re.compile(r' data-style="([^"]*)"')
_TEMPLATE = re.compile(r' data-template="([^"]*)"')
_WIDENED = re.compile(r' data-widened="(\d+)"')
_BODIES = {
    "bare": "{}",
    "p": "<p>{}</p>",
    "p-span": '<p style="text-align:center"><span>{}</span></p>',
}


def as_page(truth: str, tables: Sequence[Table] | None = None) -> str:
    """The page as a flattener gets it, with other tables in the place of its own if given."""
    style = _STYLE.search(truth)
    spacing, body, labels, empty = (style[1] if style else "plain bare th empty").split()
    bare = _STYLE.sub("", truth)

    following = iter(tables or tables_of_page(bare))

    def written(found: re.Match[str]) -> str:
        table = next(following)
        widened = _WIDENED.search(found[0])
        if widened:
            table = _widen(table, int(widened[1]))
        return _write_table(table, spacing == "pretty", _BODIES[body], labels, empty)

    return PAGE_TABLE.sub(written, bare)


def _widen(table: Table, column: int) -> Table:
    """The same table on one column more, `column` drawn over two."""
    cells = tuple(
        replace(
            cell,
            col=cell.col + (cell.col > column),
            colspan=cell.colspan + (cell.col <= column < cell.end_col),
        )
        for cell in table.cells
    )
    return replace(table, cells=cells, shape=(table.shape[0], table.shape[1] + 1))


def _write_table(table: Table, pretty: bool, body: str, labels: str, empty: str) -> str:
    line, indent = ("\n", "  ") if pretty else ("", "")
    rows: list[list[str]] = [[] for _ in range(table.shape[0])]
    for cell in table.cells:
        tag = labels if cell.role == "label" else "td"
        rows[cell.row].append(
            f"{indent * 2}<{tag}{span_attributes(cell)}>{_content(cell, body, empty)}</{tag}>{line}"
        )
    drawn = "".join(f"{indent}<tr>{line}{''.join(row)}{indent}</tr>{line}" for row in rows)
    return f'<table border="1" cellspacing="0">{line}<tbody>{line}{drawn}</tbody>{line}</table>'


def _content(cell: Cell, body: str, empty: str) -> str:
    if cell.text:
        return body.format(escape(cell.text))
    return body.format("&nbsp;") if empty == "nbsp" else ""


def with_tables(truth: str, tables: Sequence[Table]) -> str:
    """The truth page with these tables in the place of its own."""
    following = iter(tables)

    def exchanged(found: re.Match[str]) -> str:
        table = next(following)
        opening = found[0][: found[0].index(">")]
        kept = "".join(m[0] for m in (_TEMPLATE.search(opening), _WIDENED.search(opening)) if m)
        return table.to_html().replace("<table>", f"<table{kept}>", 1)

    return PAGE_TABLE.sub(exchanged, truth)


def without_tables(truth: str) -> str:
    """The truth page's prose and headings alone."""
    return PAGE_TABLE.sub("", truth)
