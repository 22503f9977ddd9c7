"""Grid to text: CSV, HTML, Markdown, the record, tidy rows. Everything is escaped on the way.

HTML keeps the spans; CSV and Markdown show a cell's text at its origin and leave the positions
that it covers empty. No rendering passes a doubtful value off as a sure one: HTML gives it a
class and a tooltip, CSV and Markdown a question mark, the others carry the confidence.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tabrecover.headers import header_paths
from tabrecover.scoring import UnitKind
from tabrecover.units import classify, number_of, plain_number

if TYPE_CHECKING:
    from tabrecover.model import Cell, Check

__all__ = [
    "TIDY_COLUMNS",
    "cell_record",
    "check_record",
    "csv_line",
    "spreadsheet_safe",
    "to_csv",
    "to_html",
    "to_markdown",
    "to_tidy",
]

PATH_SEPARATOR = " > "
DOUBT_MARK = "?"
TIDY_COLUMNS = (
    "template", "key", "row_path", "column_path", "text", "number", "confidence", "start", "end",
)  # fmt: skip
_FORMULA = re.compile(r"^[\s\0]*[=+\-@\t\r＝＋－＠]")


def rectangle(cells: Sequence[Cell], shape: tuple[int, int], least: float) -> list[list[str]]:
    """Texts by row and column; values below `least` confidence end in a question mark."""
    grid = [[""] * shape[1] for _ in range(shape[0])]
    for cell in cells:
        doubtful = cell.role == "value" and cell.confidence < least
        grid[cell.row][cell.col] = f"{cell.text} {DOUBT_MARK}".strip() if doubtful else cell.text
    return grid


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula; numbers stay as they are.

    >>> spreadsheet_safe("=1+1"), spreadsheet_safe("-766")
    ("'=1+1", '-766')
    """
    if _FORMULA.match(text) and classify(text) == UnitKind.TEXT:
        return f"'{text}"
    return text


def to_csv(cells: Sequence[Cell], shape: tuple[int, int], *, least: float) -> str:
    r"""RFC 4180 with `\n` line ends, one line a grid row."""
    return "".join(map(csv_line, rectangle(cells, shape, least)))


def csv_line(values: Iterable[str | int | float | None]) -> str:
    """One line of CSV, with texts made safe for spreadsheets."""
    stream = io.StringIO()
    safe = [spreadsheet_safe(v) if isinstance(v, str) else v for v in values]
    csv.writer(stream, lineterminator="\r\n").writerow(safe)  # so that both are quoted inside
    return stream.getvalue().removesuffix("\r\n") + "\n"


def to_markdown(cells: Sequence[Cell], shape: tuple[int, int], *, least: float) -> str:
    """A GitHub-flavoured table; its first row is the header row, as the format demands."""
    lines = [
        "| " + " | ".join(_markdown_text(text) for text in row) + " |"
        for row in rectangle(cells, shape, least)
    ]
    lines.insert(1, "|" + " --- |" * shape[1])
    return "\n".join(lines) + "\n"


def _markdown_text(text: str) -> str:
    text = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\|`*_~\[\]])", r"\\\1", text)


def to_html(
    cells: Sequence[Cell], shape: tuple[int, int], *, template: str | None, least: float
) -> str:
    """One `<table>`: `th` labels, `td` values, spans, keys and confidences as `data-` attributes.

    Cells below `least` have the class `doubt` and their alternatives as a tooltip.
    """
    rows: list[list[str]] = [[] for _ in range(shape[0])]
    for cell in sorted(cells, key=lambda c: (c.row, c.col)):
        rows[cell.row].append(_html_cell(cell, least))
    name = f' data-template="{html.escape(template)}"' if template else ""
    body = "\n".join(f"  <tr>{''.join(row)}</tr>" for row in rows)
    return f"<table{name}>\n{body}\n</table>\n"


def _html_cell(cell: Cell, least: float) -> str:
    tag = "th" if cell.role == "label" else "td"
    attributes = ""
    if cell.rowspan > 1:
        attributes += f' rowspan="{cell.rowspan}"'
    if cell.colspan > 1:
        attributes += f' colspan="{cell.colspan}"'
    if cell.key:
        attributes += f' data-key="{html.escape(cell.key)}"'
    if cell.role == "value":
        attributes += f' data-confidence="{cell.confidence:.3f}"'
        words = bool(cell.text) and classify(cell.text) == UnitKind.TEXT
        doubtful = cell.confidence < least
        classes = " ".join(name for name, has in (("text", words), ("doubt", doubtful)) if has)
        attributes += f' class="{classes}"' if classes else ""
        attributes += f' title="{html.escape(_doubt(cell))}"' if doubtful else ""
    return f"<{tag}{attributes}>{html.escape(cell.text, quote=False)}</{tag}>"


def _doubt(cell: Cell) -> str:
    others = ", ".join(f"{a.text or 'blank'} ({a.confidence:.0%})" for a in cell.alternatives)
    return f"confidence {cell.confidence:.0%}" + (f"; or {others}" if others else "")


def to_tidy(
    cells: Sequence[Cell], template: str | None
) -> list[dict[str, str | int | float | None]]:
    """One row a value: `TIDY_COLUMNS`; `number` is None unless the text states one.

    `start` and `end` are input offsets of the first and behind the last character, None for a
    blank.
    """
    rows: list[dict[str, str | int | float | None]] = []
    for cell, (row_path, column_path) in zip(cells, header_paths(cells), strict=True):
        if cell.role != "value":
            continue
        number = number_of(cell.text)
        rows.append(
            {
                "template": template,
                "key": cell.key,
                "row_path": PATH_SEPARATOR.join(row_path),
                "column_path": PATH_SEPARATOR.join(column_path),
                "text": cell.text,
                "number": plain_number(number) if number is not None else None,
                "confidence": cell.confidence,
                "start": cell.spans[0].start if cell.spans else None,
                "end": cell.spans[-1].end if cell.spans else None,
            }
        )
    return rows


def cell_record(cell: Cell) -> dict[str, Any]:
    """A cell as the record has it (docs/record.md)."""
    return {
        "row": cell.row,
        "col": cell.col,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "role": cell.role,
        "text": cell.text,
        "observed": cell.observed,
        "key": cell.key,
        "confidence": cell.confidence,
        "spans": [list(span) for span in cell.spans],
        "alternatives": [{"text": a.text, "confidence": a.confidence} for a in cell.alternatives],
        "suggestion": cell.suggestion,
    }


def check_record(check: Check) -> dict[str, Any]:
    """A check as the record has it."""
    return {
        "rule": check.rule,
        "holds": check.holds,
        "left": check.left,
        "right": check.right,
        "verdict": check.verdict,
    }
