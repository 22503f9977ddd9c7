"""Outcomes of many inputs to the text of one report, in each of the CLI's formats, as streams.

Every function takes outcomes (see `Outcome`) and yields pieces of text as they come, so that a
long run shows its first results at once and holds no more than one document.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from tabrecover import render
from tabrecover.model import Cell
from tabrecover.template import template_graph
from tabrecover.terminal import draw_table

if TYPE_CHECKING:
    from tabrecover.model import Check
    from tabrecover.results import Recovery, Table
    from tabrecover.template import Template, TemplateCell

__all__ = [
    "Outcome",
    "csv_tables",
    "html_page",
    "json_lines",
    "markdown",
    "one_line",
    "template_graphml",
    "template_html",
    "template_page",
    "template_view",
    "terminal",
    "tidy",
    "unplaced",
]

_PAGE = """<!DOCTYPE html>
<html lang="und">
<head>
<meta charset="utf-8">
<title>Recovered tables</title>
<style>
body { font: 15px/1.4 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2em auto;
       max-width: 75em; padding: 0 1em; color: #1a1a1a; }
h2 { margin: 2em 0 .3em; font-size: 1.2em; overflow-wrap: anywhere; }
h3 { margin: 1.5em 0 .3em; font-size: 1em; }
table { border-collapse: collapse; }
th, td { border: 1px solid #999; padding: .25em .5em; }
th { background: #f0f0f0; font-weight: normal; text-align: left; }
td { text-align: right; min-width: 2em; }
td.text { text-align: left; }
td.doubt { background: #ffe9a8; }
td.doubt::after { content: " ?"; font-weight: bold; color: #8a5a00; }
.review { color: #8a5a00; } .source, .error { color: #a01515; }
</style>
</head>
<body>
<h1>Recovered tables</h1>
"""


class Outcome(NamedTuple):
    """An input as given, with its recovery, or (where that is None) what went wrong."""

    source: str
    recovery: Recovery | None
    error: str


def _percent(probability: float) -> str:
    return f"{probability:.1%}"


def _heading(table: Table) -> str:
    rows, cols = table.shape
    name = table.template or "unknown layout"
    return f"{name}, {rows} x {cols}, confidence {_percent(table.confidence)}, {table.status}"


def _broken(table: Table) -> list[Check]:
    return [check for check in table.checks if check.holds is False]


def _sum(check: Check) -> str:
    who = "error in the source" if check.verdict == "source" else "doubt in the recovery"
    return f"{check.rule}: {check.left} is not {check.right} ({who})"


def terminal(results: Iterable[Outcome], least: float, *, width: int, color: bool) -> Iterator[str]:
    """Tables drawn with their spans, doubtful values marked, broken sums told."""
    for result in results:
        if result.recovery is None:
            continue
        found = len(result.recovery.tables)
        dialect = result.recovery.dialect.name
        told = f"{found} table{'s' * (found != 1)}, flattened as {dialect}" if found else "no table"
        yield f"{one_line(result.source)}: {told}\n"
        for table in result.recovery.tables:
            yield f"\n{_heading(table)}\n"
            yield draw_table(table.drawn, table.shape, width=width, least=least, color=color)
            yield "\n"
            yield "".join(f"! {_sum(check)}\n" for check in _broken(table))
            if table.unplaced:
                yield f"! {unplaced(table)}\n"
        yield "\n"


def unplaced(table: Table) -> str:
    """Where the texts stand that found no cell."""
    spans = ", ".join(f"{start}-{end}" for start, end in table.unplaced)
    return f"texts that found no cell, at characters {spans}"


def one_line(text: str) -> str:
    """A file name that can neither drive the terminal, break a line, nor fail to be encoded."""
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in safe)


def json_lines(results: Iterable[Outcome], least: float) -> Iterator[str]:  # noqa: ARG001
    """One record a line; a failed input's record has `error`."""
    for result in results:
        if result.recovery is not None:
            record = result.recovery.to_dict()
        else:
            record = {"source": result.source, "tables": [], "error": result.error}
        line = json.dumps(record, ensure_ascii=False)
        if not _encodes(line):  # a file name that is no valid text
            line = json.dumps(record)
        yield line + "\n"


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def html_page(results: Iterable[Outcome], least: float) -> Iterator[str]:
    """One page with all tables, everything escaped."""
    yield _PAGE
    for result in results:
        yield f"<h2>{html.escape(one_line(result.source))}</h2>\n"
        if result.recovery is None:
            yield f'<p class="error">{html.escape(result.error)}</p>\n'
            continue
        if not result.recovery.tables:
            yield "<p>No table.</p>\n"
        for table in result.recovery.tables:
            yield f'<h3 class="{table.status}">{html.escape(_heading(table))}</h3>\n'
            yield table.to_html(least=least)
            for check in _broken(table):
                yield f'<p class="{check.verdict}">{html.escape(_sum(check))}</p>\n'
    yield "</body>\n</html>\n"


def csv_tables(results: Iterable[Outcome], least: float) -> Iterator[str]:
    """Each table as CSV below a line `# source, template`, parted by empty lines."""
    for result in results:
        for table in result.recovery.tables if result.recovery else ():
            title = f"# {one_line(result.source)}, {table.template or 'unknown layout'}"
            yield render.csv_line([title]) + table.to_csv(least=least) + "\n"


def markdown(results: Iterable[Outcome], least: float) -> Iterator[str]:
    """Each table in Markdown below headings for source and template."""
    for result in results:
        if result.recovery is None:
            continue
        yield f"## {html.escape(one_line(result.source), quote=False)}\n\n"
        for table in result.recovery.tables:
            yield f"### {_heading(table)}\n\n{table.to_markdown(least=least)}\n"
            for check in _broken(table):
                yield f"- {html.escape(_sum(check), quote=False)}\n"
            yield "\n" if _broken(table) else ""


def tidy(results: Iterable[Outcome], least: float) -> Iterator[str]:  # noqa: ARG001
    """CSV with one line a value: source, number of the table in it, `render.TIDY_COLUMNS`."""
    yield render.csv_line(["source", "table", *render.TIDY_COLUMNS])
    for result in results:
        tables = result.recovery.tables if result.recovery else ()
        for number, table in enumerate(tables, start=1):
            for row in table.tidy():
                yield render.csv_line([one_line(result.source), number, *row.values()])


# --- templates ----------------------------------------------------------------------------------


def _template_cells(template: Template) -> list[Cell]:
    """The template as a grid that shows its keys where values go."""
    return [
        Cell(
            cell.row, cell.col, cell.rowspan, cell.colspan, cell.role,
            cell.text if cell.role == "label" else cell.key or "", None, cell.key, 1.0, (),
        )
        for cell in template.cells
    ]  # fmt: skip


def template_view(template: Template, *, width: int, color: bool) -> str:
    """The template drawn as a table, keys in the value slots, and its rules."""
    shape = (template.n_rows, template.n_cols)
    view = draw_table(_template_cells(template), shape, width=width, color=color)
    rules = "".join(
        f"rule {rule.id}: {' + '.join(rule.left)} = {' + '.join(rule.right)}\n"
        for rule in template.rules
    )
    return f"{template.id}: {template.title}\n{view}\n{rules}"


def template_html(template: Template) -> str:
    """The template as an HTML table with its keys."""
    shape = (template.n_rows, template.n_cols)
    return render.to_html(_template_cells(template), shape, template=template.id, least=0.0)


def template_page(templates: Iterable[Template]) -> Iterator[str]:
    """One page with templates as tables: labels with aliases, slots with keys and types."""
    yield _PAGE.replace("Recovered tables", "Templates")
    for template in templates:
        yield f"<h2>{html.escape(template.id)}</h2>\n<p>{html.escape(template.title)}</p>\n"
        yield _previewed(template)
        for rule in template.rules:
            terms = f"{' + '.join(rule.left)} = {' + '.join(rule.right)}"
            yield f"<p>{html.escape(f'{rule.id}: {terms}')}</p>\n"
    yield "</body>\n</html>\n"


def _previewed(template: Template) -> str:
    rows: list[list[str]] = [[] for _ in range(template.n_rows)]
    for cell in template.cells:
        tag = "th" if cell.role == "label" else "td"
        spans = {"rowspan": cell.rowspan, "colspan": cell.colspan}
        attributes = "".join(f' {name}="{n}"' for name, n in spans.items() if n > 1)
        rows[cell.row].append(f"<{tag}{attributes}>{_preview_text(cell)}</{tag}>")
    body = "\n".join(f"  <tr>{''.join(row)}</tr>" for row in rows)
    return f"<table>\n{body}\n</table>\n"


def _preview_text(cell: TemplateCell) -> str:
    """What a preview shows in a cell: a label with its other forms, or a key with its type."""
    optional = " <small>optional</small>" if cell.optional else ""
    if cell.role == "value":
        kind = html.escape(" | ".join(cell.choices) or cell.type)
        return f"{html.escape(cell.key or '')} <small>{kind}</small>{optional}"
    others = "".join(f"<br><small>or {html.escape(form)}</small>" for form in cell.forms[1:])
    return html.escape(cell.text) + others + optional


def template_graphml(template: Template) -> str:
    """The template's slot graph as GraphML."""
    import networkx as nx  # noqa: PLC0415 - heavy, and only for this

    return "\n".join(nx.generate_graphml(template_graph(template))) + "\n"
