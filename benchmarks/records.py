"""What must be true of every record, whatever the document: docs/record.md, checked strictly."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tabrecover.catalog import AnyLibrary

__all__ = ["faults"]

TOLD = 0.9
ROUNDING = 1e-5
TABLE = {"template", "span", "shape", "confidence", "status", "cells", "checks", "unplaced"}
CELL = {
    "row", "col", "rowspan", "colspan", "role", "text", "observed", "key", "confidence", "spans",
    "alternatives", "suggestion",
}  # fmt: skip
CHECK = {"rule", "holds", "left", "right", "verdict"}
SPACES = dict.fromkeys(map(ord, "\n\r\t\f\v\x1d\x1e\x1f"), " ")  # what HTML's text has for them

Record = Mapping[str, Any]


def faults(record: Record, raw: str, library: AnyLibrary, *, markup: bool) -> list[str]:
    """What is wrong with the record of document `raw`; `markup`: it was read as HTML."""
    try:
        json.dumps(record, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        return [f"no JSON: {error}"]
    return list(_faults(record, raw, library, markup))


def _faults(record: Record, raw: str, library: AnyLibrary, markup: bool) -> Iterator[str]:
    if set(record) != {"source", "dialect", "tables"} or set(record["dialect"]) != {
        "name", "confidence",
    }:  # fmt: skip
        yield "fields of the record"
    if not _is_share(record["dialect"]["confidence"]):
        yield "dialect's confidence"
    tables = record["tables"]
    if (record["dialect"]["name"] == "none") == bool(tables):
        yield "dialect 'none' and tables"
    if any(a["span"][0] > b["span"][0] for a, b in pairwise(tables)):
        yield "order of tables"
    shapes = {t.id: (t.n_rows, t.n_cols) for t in library.templates}
    for table in tables:
        yield from _table_faults(table, raw, shapes, markup)


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and 0 <= value <= 1


def _table_faults(
    table: Record, raw: str, shapes: Mapping[str, tuple[int, int]], markup: bool
) -> Iterator[str]:
    if set(table) != TABLE:
        yield "fields of a table"
    name, (n_rows, n_cols) = table["template"], table["shape"]
    if name is not None and name not in shapes:
        yield "template unknown"
    elif name is None and (n_rows < 1 or n_cols < 1):
        yield "shape"
    if not _is_share(table["confidence"]):
        yield "table's confidence"
    if not _in_range([table["span"]], (0, len(raw))):
        yield "table's span"
    cells = table["cells"]
    yield from _grid_faults(cells, n_rows, n_cols)
    for cell in cells:
        for fault in _cell_faults(cell, raw, table, markup):
            yield f"{fault} of a {cell['role']}"
    yield from _use_faults(cells, table)
    if not _in_range(sorted(table["unplaced"]), table["span"]):
        yield "unplaced spans"
    yield from _verdict_faults(table)


def _grid_faults(cells: Sequence[Record], n_rows: int, n_cols: int) -> Iterator[str]:
    if any(set(cell) != CELL for cell in cells):
        yield "fields of a cell"
    places = [(cell["row"], cell["col"]) for cell in cells]
    if places != sorted(set(places)):
        yield "reading order of cells"
    if any(cell["rowspan"] < 1 or cell["colspan"] < 1 for cell in cells):
        yield "empty span"
        return
    covered = [
        (r, c)
        for cell in cells
        for r in range(cell["row"], cell["row"] + cell["rowspan"])
        for c in range(cell["col"], cell["col"] + cell["colspan"])
    ]
    if len(covered) != len(set(covered)):
        yield "position covered twice"
    if set(covered) != {(r, c) for r in range(n_rows) for c in range(n_cols)}:
        yield "position not covered, or outside"


def _cell_faults(cell: Record, raw: str, table: Record, markup: bool) -> Iterator[str]:
    text, spans, others = cell["text"], cell["spans"], cell["alternatives"]
    is_value = cell["role"] == "value"
    if cell["role"] not in ("label", "value") or not isinstance(text, str):
        yield "role or text"
    if not _is_share(cell["confidence"]):
        yield "confidence"
    if not _in_range(spans if is_value else sorted(spans), table["span"]):
        yield "spans"  # (the pieces of a label may stand in another order than they are read in)
    seen = text if is_value else cell["observed"]
    if is_value and cell["observed"] is not None:
        yield "observed"
    if bool(seen) != bool(spans):
        yield "spans or text missing"
    elif seen and not _is_piece(seen, [raw[s:e] for s, e in spans], markup, exact=is_value):
        yield "text that is not what the spans say"
    if (cell["key"] is not None) and (not is_value or table["template"] is None):
        yield "key"
    if cell["suggestion"] is not None and not (is_value and cell["suggestion"]):
        yield "suggestion"
    shares = [other["confidence"] for other in others]
    if not all(map(_is_share, shares)) or shares != sorted(shares, reverse=True):
        yield "alternatives' confidences"
    elif sum(shares) + cell["confidence"] > 1 + ROUNDING * (1 + len(shares)):
        yield "sum of confidences"
    texts = [other["text"] for other in others]
    if text in texts or len(set(texts)) < len(texts):
        yield "alternative twice"
    if not markup and not all(other in raw or _is_scattered(other, raw) for other in texts):
        yield "alternative that is not in the document"


def _is_piece(text: str, pieces: Sequence[str], markup: bool, exact: bool) -> bool:
    """Whether the pieces are the text, or that several times over (repeated over a span).

    A copy of it may stand in pieces again. White space does not count in markup, in labels that
    stand in pieces, and in copies. A line end that a width put in the place of a space is a space.
    """
    joined = "".join(html.unescape(piece) if markup else piece for piece in pieces)
    wanted, found = _packed(text), _packed(joined)
    copies = len(found) // max(1, len(wanted))
    if copies > 1 and len(pieces) > 1:
        return found == wanted * copies
    if exact and not markup:
        return text in (joined, joined.replace("\n", " "))
    return found == wanted


def _packed(text: str) -> str:
    return "".join(text.translate(SPACES).split())


def _is_scattered(text: str, raw: str) -> bool:
    """Whether the characters stand in the document in this order: the pieces of a drawn cell."""
    rest = iter(raw)
    return all(char in rest for char in _packed(text))


def _in_range(spans: Sequence[Sequence[int]], within: Sequence[int]) -> bool:
    """Whether spans are not empty, ascend, do not overlap, and lie inside `within`."""
    edges = [edge for span in spans for edge in span]
    return (
        all(start < end for start, end in spans)
        and edges == sorted(edges)
        and (not edges or within[0] <= edges[0] <= edges[-1] <= within[1])
    )


def _use_faults(cells: Sequence[Record], table: Record) -> Iterator[str]:
    """Each character is used once."""
    values = [tuple(span) for cell in cells if cell["role"] == "value" for span in cell["spans"]]
    labels = [tuple(span) for cell in cells if cell["role"] == "label" for span in cell["spans"]]
    used = sorted([*values, *map(tuple, table["unplaced"])])
    if any(a[1] > b[0] for a, b in pairwise(used)):
        yield "characters used by two values"
    used = sorted([*used, *set(labels)])
    if any(a[1] > b[0] for a, b in pairwise(used)):
        yield "characters used by a label and another cell"


def _verdict_faults(table: Record) -> Iterator[str]:
    checks = table["checks"]
    if any(set(check) != CHECK for check in checks):
        yield "fields of a check"
        return
    for check in checks:
        if check["verdict"] not in ("source", "recovery", "no evidence"):
            yield "verdict"
        if check["holds"] is not None and None in (check["left"], check["right"]):
            yield "sums of a check"
        elif check["holds"] and abs(check["left"] - check["right"]) > ROUNDING * abs(check["left"]):
            yield "sums that differ but hold"
    doubtful = any(c["role"] == "value" and c["confidence"] < TOLD for c in table["cells"])
    doubtful |= any(check["verdict"] == "recovery" for check in checks)
    if table["status"] not in ("accepted", "review") or (
        doubtful and table["status"] == "accepted"
    ):
        yield "status"
