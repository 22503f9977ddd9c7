"""The results as one self-contained HTML page, and as the Markdown table of the README.

Everything on the page comes from the rows of a run; only the worst cases, which show a dump beside
the grid made from it, are recovered once more from the stored dump.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.dumps import Dump
from benchmarks.metrics import TOLD, Judgement, judge, match_tables, reliability, risk_coverage
from benchmarks.results import SPARE, Figures, Header, Interval, Row, figures, group_rows, outcomes
from benchmarks.sets import WorkSet
from benchmarks.tables import Table, fold, span_attributes, table_from_record
from benchmarks.tools import tool_named
from tabrecover.storage import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Advance", "markdown_table", "renew_table", "write_page"]

Advance = Callable[[int, int], None]

MARKS = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
WORST = 12
SHOWN_OF_DUMP = 6000
SURE = 1.0

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; margin: 2rem auto;
       max-width: 74rem; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; } p { max-width: 48rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { padding: .22rem .5rem; text-align: right; border-bottom: 1px solid #e3e7ec; }
th { font-weight: 600; color: #44505f; } th:first-child, td:first-child { text-align: left; }
small { color: #6b7686; } figure { display: inline-block; margin: 0 1rem 0 0; }
details { margin: .4rem 0; border: 1px solid #d8dee6; border-radius: 6px; padding: .3rem .8rem; }
summary { cursor: pointer; } .side { display: flex; gap: 1rem; align-items: flex-start; }
.side pre { flex: 0 0 22rem; max-height: 34rem; overflow: auto; background: #f5f7f9; margin: 0;
            padding: .5rem; font-size: 11px; white-space: pre-wrap; overflow-wrap: anywhere; }
.side div { overflow: auto; max-height: 35rem; }
.grid td, .grid th { border: 1px solid #c3ccd6; text-align: left; font-weight: 400; }
.grid th { background: #eef2f7; } .told { background: #f4a6a0; } .doubt { background: #fbe3b0; }
"""


class Column(NamedTuple):
    """A column of the main table: heading, its meaning, and how a figure is written."""

    name: str
    meaning: str
    text: Callable[[Figures], str]


def _percent(value: float, digits: int = 1) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f}"


def _share(name: str, digits: int = 1) -> Callable[[Figures], str]:
    return lambda found: _percent(found.shares[name].value, digits)


COLUMNS = (
    Column("values", "values exact under their labels, where the dump decides, %", _share("exact")),
    Column("filled", "of them neither zero nor blank", _share("filled")),
    Column("zeros", "of them zeros", _share("zero")),
    Column("blanks", "of them blank", _share("blank")),
    Column("silent", "values told (confidence ≥ 0.9) and wrong, % of all", _share("silent", 2)),
    Column("of told", "the same, % of the values that were told", _share("false", 2)),
    Column("tables", "decidable tables without a fault, %", _share("perfect")),
    Column(
        "cells",
        "labels with their text, and cells for values, at their place with their spans, %",
        _share("cells"),
    ),
    Column(
        "coverage",
        "values that can be accepted at 1 % error, %",
        lambda found: _percent(found.confidence.coverage_1),
    ),
    Column(
        "false tables", "beside the true ones, of 100 dumps", lambda f: _percent(f.false_tables)
    ),
    Column("GriTS", "GriTS-Con × 100", lambda found: _percent(found.structure[1])),
    Column("TEDS", "TEDS × 100", lambda found: _percent(found.structure[2])),
    Column("ms", "milliseconds a dump", lambda found: f"{found.milliseconds:.0f}"),
)

MORE = (
    Column(
        "coverage 1 %", "values accepted at 1 % error", lambda f: _percent(f.confidence.coverage_1)
    ),
    Column("coverage 0.1 %", "at 0.1 % error", lambda f: _percent(f.confidence.coverage_01)),
    Column(
        "AURC", "area under risk–coverage, lower is better", lambda f: f"{f.confidence.aurc:.4f}"
    ),
    Column(
        "Brier", "mean squared distance, lower is better", lambda f: f"{f.confidence.brier:.4f}"
    ),
    Column("ECE", "calibration gap, lower is better", lambda f: f"{f.confidence.ece:.4f}"),
    Column("GriTS-Top", "× 100", lambda f: _percent(f.structure[0])),
    Column("GriTS-Con", "× 100", lambda f: _percent(f.structure[1])),
    Column("TEDS", "× 100", lambda f: _percent(f.structure[2])),
)


# -- the README's table ----------------------------------------------------------------------


def markdown_table(header: Header, rows: Sequence[Row]) -> str:
    """The main figures, a line a tool, then the first tool's by kind of document."""
    tools = _by_tool(rows)
    found = {tool: figures(own) for tool, own in tools.items()}
    first, *_ = tools
    kinds = {
        f"{first}, {kind}": figures(own)
        for kind, own in group_rows(tools[first], lambda row: row.group).items()
        if any(row.table != SPARE for row in own)
    }
    of = found[first]
    return "\n".join(
        [
            _markdown(found, COLUMNS),
            "",
            _markdown(kinds, COLUMNS[:-1]),
            "",
            f"Set `{header.set}` (corpus {header.corpus}): {of.tables:,} flattened tables with "
            f"{of.values:,} values, {_percent(of.undecidable)} % of them undecidable. "
            + "; ".join(f"*{column.name}*: {column.meaning}" for column in COLUMNS)
            + ".",
        ]
    )


def _markdown(found: Mapping[str, Figures], columns: Sequence[Column]) -> str:
    lines = [
        ["", *(column.name for column in columns)],
        ["---", *("---:" for _ in columns)],
        *([name, *(column.text(own) for column in columns)] for name, own in found.items()),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def renew_table(path: Path, header: Header, rows: Sequence[Row]) -> None:
    """Put the table between the marks of a Markdown file. Raises `ValueError` without marks."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise ValueError(f"{path}: no {MARKS[0]} … {MARKS[1]} to put the table between")
    with write_atomically(path) as stream:
        stream.write(f"{before}{begin}\n{markdown_table(header, rows)}\n{end}{after}")


def _by_tool(rows: Iterable[Row]) -> dict[str, list[Row]]:
    return group_rows(rows, lambda row: row.tool)


# -- the page --------------------------------------------------------------------------------


def write_page(path: Path, header: Header, rows: Sequence[Row], work: WorkSet | None) -> None:
    """Write the page; `work` is the set that was run, where it is at hand for the worst cases."""
    tools = _by_tool(rows)
    found = {tool: figures(own) for tool, own in tools.items()}
    parts = [
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Recovery of flattened '
        f"tables: {escape(header.set)}</title><style>{STYLE}</style></head><body>",
        f"<h1>Recovery of flattened tables: set {escape(header.set)}</h1>",
        _opening(header, rows, found),
        "<h2>All tools on the same dumps</h2>",
        _figures_table(found, COLUMNS),
        "<p><small>Intervals of 95 % over documents: "
        + "; ".join(
            f"{escape(tool)} {_interval(own.shares['exact'])}" for tool, own in found.items()
        )
        + " % of values exact.</small></p>",
        _figures_table(found, MORE),
        "<h2>By kind of document</h2>",
        _cross_table(rows, lambda row: row.group, list(tools)),
        "<h2>By mangling</h2>",
        _cross_table(rows, lambda row: row.mangling, list(tools)),
        "<h2>By flattener</h2>",
        _cross_table(
            [row for row in rows if row.mangling == "none"], lambda row: row.flattener, list(tools)
        ),
        "<h2>Does a tool know what it knows?</h2>",
        _plots(tools),
        _failures(rows),
        "<h2>Worst cases of the first tool</h2>",
        *_worst(next(iter(tools)), rows, work),
        "</body></html>\n",
    ]
    with write_atomically(path) as stream:
        stream.write("\n".join(parts))


def _opening(header: Header, rows: Sequence[Row], found: Mapping[str, Figures]) -> str:
    first = next(iter(found.values()))
    documents = len({row.document for row in rows})
    flatteners = len({row.flattener for row in rows})
    tools = "".join(f"<li>{escape(t)}: {escape(v)}</li>" for t, v in header.tools.items() if v)
    environment = ", ".join(f"{escape(k)} {escape(v)}" for k, v in header.environment.items())
    return (
        f"<p>{first.tables:,} flattened tables with {first.values:,} values from {documents} "
        f"documents through {flatteners} flatteners; {_percent(first.undecidable)} % of the values "
        "can't be decided from their dump, since another table would have given the same text; "
        "they count only as silent errors where they are told wrong.</p>"
        f"<p><small>Corpus {escape(header.corpus)}; {environment}.</small></p>"
        f"<details><summary>Versions of the tools</summary><ul>{tools}</ul></details>"
    )


def _interval(share: Interval) -> str:
    return f"{_percent(share.value, 2)} ({_percent(share.low, 2)} to {_percent(share.high, 2)})"


def _figures_table(found: Mapping[str, Figures], columns: Sequence[Column]) -> str:
    head = "".join(f'<th title="{escape(c.meaning)}">{escape(c.name)}</th>' for c in columns)
    body = "".join(
        f"<tr><td>{escape(tool)}</td>{''.join(f'<td>{c.text(own)}</td>' for c in columns)}</tr>"
        for tool, own in found.items()
    )
    legend = "; ".join(f"<b>{escape(c.name)}</b> {escape(c.meaning)}" for c in columns)
    return (
        f'<div class="wide"><table><tr><th>tool</th>{head}</tr>{body}</table></div>'
        f"<p><small>{legend}</small></p>"
    )


def _cross_table(rows: Sequence[Row], key: Callable[[Row], str], tools: Sequence[str]) -> str:
    """Exact match and silent errors of every tool, a line a group; coloured by exact match."""
    head = "".join(f"<th>{escape(tool)}</th>" for tool in tools)
    lines = []
    for name, own in sorted(group_rows(rows, key).items()):
        by_tool = _by_tool(own)
        tables = sum(row.table != SPARE for row in next(iter(by_tool.values())))
        if tables:
            cells = "".join(_cross_cell(by_tool.get(tool, [])) for tool in tools)
            lines.append(f"<tr><td>{escape(name)} <small>{tables}</small></td>{cells}</tr>")
    return (
        "<p><small>Values exact, %, and in small the silent errors, %. After a name: its tables."
        f'</small></p><div class="wide"><table><tr><th></th>{head}</tr>{"".join(lines)}</table>'
        "</div>"
    )


def _cross_cell(rows: Sequence[Row]) -> str:
    total = sum(sum(row.total) for row in rows)
    values = total + sum(row.open_total for row in rows)
    if not total:
        return "<td>–</td>"
    exact = sum(sum(row.right) for row in rows) / total
    silent = sum(row.silent for row in rows) / values
    hue = 8 + 132 * exact**2
    return (
        f'<td style="background:hsl({hue:.0f} 55% 88%)">{_percent(exact)} '
        f"<small>{_percent(silent, 2)}</small></td>"
    )


def _failures(rows: Sequence[Row]) -> str:
    failed = [row for row in rows if row.error]
    if not failed:
        return ""
    items = "".join(
        f"<li>{escape(tool)}: {len(own)} dumps, the first {escape(own[0].dump)}: "
        f"{escape(own[0].error)}</li>"
        for tool, own in _by_tool(failed).items()
    )
    return f"<h2>Tools that failed</h2><ul>{items}</ul>"


# -- plots -----------------------------------------------------------------------------------


def _plots(tools: Mapping[str, Sequence[Row]]) -> str:
    """Risk–coverage curves of all tools, and reliability of those that state confidences."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, and only needed here

    tables = {tool: outcomes(rows) for tool, rows in tools.items()}
    curves = Figure(figsize=(6.2, 4.2), layout="constrained")
    axes = curves.subplots()
    for tool, table in tables.items():
        if len(table):
            coverage, risk = risk_coverage(*table.T)
            style = "o" if len(coverage) == 1 else "-"
            axes.plot(100 * coverage, 100 * risk, style, label=tool, linewidth=1.8)
    axes.set(xlabel="values accepted, %", ylabel="of them wrong, %", title="Risk and coverage")
    _finish(axes)
    diagram = Figure(figsize=(5, 4.2), layout="constrained")
    axes = diagram.subplots()
    axes.plot([0, 1], [0, 1], color="#9aa5b1", linewidth=1, linestyle="--")
    for tool, table in tables.items():
        if len(table) and not _states_one(table[:, 0]):
            means, accuracies, _ = zip(*reliability(*table.T), strict=True)
            axes.plot(means, accuracies, "o-", label=tool, markersize=4)
    axes.set(xlabel="stated confidence", ylabel="share right", title="Reliability")
    _finish(axes)
    return f"<figure>{_svg(curves)}</figure><figure>{_svg(diagram)}</figure>"


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=8)


def _states_one(confidences: Iterable[float]) -> bool:
    """Whether a tool states no confidence: all that it gives counts as sure."""
    return set(confidences) <= {0.0, SURE}


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


# -- worst cases -----------------------------------------------------------------------------


def _worst(tool: str, rows: Sequence[Row], work: WorkSet | None) -> list[str]:
    """The tables with most silent errors, then most wrong values, at most one a document."""
    own = [row for row in rows if row.tool == tool and row.table != SPARE]
    own.sort(key=lambda row: (-row.silent, sum(row.right) - sum(row.total)))
    chosen: dict[str, Row] = {}
    for row in own:
        if row.silent or sum(row.right) < sum(row.total):
            chosen.setdefault(row.document, row)
    dumps = {dump.name: dump for dump in work.dumps} if work else {}
    return [
        _case(row, tool, work, dumps.get(row.dump)) for row in list(chosen.values())[:WORST]
    ] or ["<p>None.</p>"]


def _case(row: Row, tool: str, work: WorkSet | None, dump: Dump | None) -> str:
    total = sum(row.total)
    head = (
        f"{row.dump} · table {row.table + 1}: {total - sum(row.right)} of {total} decidable values "
        f"wrong, {row.silent} silent"
    )
    wrong = "".join(
        f"<li>{escape(' / '.join(w.row))} × {escape(' / '.join(w.column))}: "
        f"expected {escape(repr(w.expected))}, found {escape(repr(w.found))} at {w.confidence}</li>"
        for w in row.wrong
    )
    side = ""
    if work and dump:
        found = [table_from_record(r) for r in tool_named(tool).recover(dump.text, work.layouts)]
        truths = dump.truths()
        matched = match_tables([truth.table for truth in truths], found)
        judgement = judge(truths[row.table], matched[row.table])
        side = (
            f'<div class="side"><pre>{escape(dump.text[:SHOWN_OF_DUMP])}</pre>'
            f"<div>{_marked_grid(judgement)}</div></div>"
        )
    return f"<details><summary>{escape(head)}</summary><ul>{wrong}</ul>{side}</details>"


def _marked_grid(judgement: Judgement) -> str:
    """The recovered grid; wrong values marked, with what they should be."""
    if judgement.table is None:
        return "<p>No table found.</p>"
    expected = {claim.binding: claim for claim in judgement.claims}
    marks: dict[tuple[int, int], str] = {}
    for binding, cell in judgement.table.bindings.items():
        claim = expected.get(binding)
        if (claim and not claim.right) or (claim is None and cell.text):
            name = "told" if cell.confidence >= TOLD else "doubt"
            should = claim.expected if claim else "nothing"
            title = f"should be {should!r}; confidence {cell.confidence:.3f}"
            marks[cell.row, cell.col] = f' class="{name}" title="{escape(title)}"'
    return _grid_html(judgement.table, marks)


def _grid_html(table: Table, marks: Mapping[tuple[int, int], str]) -> str:
    rows: list[list[str]] = [[] for _ in range(table.shape[0])]
    for cell in table.cells:
        tag = "th" if cell.role == "label" else "td"
        mark = marks.get((cell.row, cell.col), "")
        text = escape(cell.text) if fold(cell.text) else "&nbsp;"
        rows[cell.row].append(f"<{tag}{span_attributes(cell)}{mark}>{text}</{tag}>")
    drawn = "".join("<tr>" + "".join(row) + "</tr>" for row in rows)
    return f'<table class="grid">{drawn}</table>'
