"""Tables on one sheet of tab-separated columns, each cut out with the columns that it uses.

A spreadsheet program that opens a page puts all its tables on one grid, in which columns end
wherever those of any table do: the cells of each table leave columns empty that only others use.
Saved as text, every line has as many tabs. A table's lines are those around its labels, up to a
line of text that is none; a column in which none of its lines has a text is not the table's. If as
many are left as a template has, in every table of the sheet, the lines are declared as cells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import dropwhile, groupby
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.canvas import lines_of
from tabrecover.layout import declared
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from tabrecover.canvas import Line
    from tabrecover.model import Document

__all__ = ["cut_from_sheet"]

ON_SHEET = 0.9  # share of the lines with something that have as many tabs
MIN_ROWS, MIN_TABS = 2, 2  # of a table, of a line
MAX_POSITIONS = 500_000  # of a sheet: its lines times their tabs


class _Row(NamedTuple):
    """The fields of a line, without the spaces around them, and whether some label is in it."""

    fields: list[Span]
    labelled: bool

    @property
    def filled(self) -> list[int]:
        """The columns that hold a text."""
        return [column for column, field in enumerate(self.fields) if field.end > field.start]


def cut_from_sheet(document: Document, labels: Sequence[Span], widths: Container[int]) -> Document:
    """The document with cells for tables of a sheet that hold labels; itself without any.

    `labels` are the plain spans of labels found, in order; `widths` how many columns a table may
    have.
    """
    text = document.text
    if document.kind == "html" or "\t\t" not in text:
        return document
    lines = [line for line in lines_of(text, 0, len(text)) if line.end > line.start]
    tabs, like = Counter(text.count("\t", *line) for line in lines).most_common(1)[0]
    if tabs < MIN_TABS or like < ON_SHEET * len(lines) or like * tabs > MAX_POSITIONS:
        return document
    starts = [label.start for label in labels]
    grids = []
    cut = False
    for on_sheet, own in groupby(lines, lambda line: text.count("\t", *line) == tabs):
        rows = [_row(text, line, starts) for line in own] if on_sheet else []
        for table in _tables(rows, widths):
            used = sorted(_used(table))
            if len(used) not in widths:  # cells here and tabs there would be read by one law
                return document
            cut = cut or len(used) <= tabs
            span = Span(table[0].fields[0].start, table[-1].fields[-1].end)
            grids.append((span, [[row.fields[column] for column in used] for row in table]))
    return declared(document, grids) if cut else document


def _row(text: str, line: Line, starts: Sequence[int]) -> _Row:
    fields = []
    at = line.start
    for field in text[line.start : line.end].split("\t"):
        start = at + len(field) - len(field.lstrip())
        fields.append(Span(start, max(start, at + len(field.rstrip()))))
        at += len(field) + 1
    labelled = bisect_left(starts, line.start) < bisect_left(starts, line.end)
    return _Row(fields, labelled)


def _used(rows: Sequence[_Row]) -> set[int]:
    """The columns in which some row has a text."""
    return {column for row in rows for column in row.filled}


def _goes_on(
    run: Sequence[_Row], between: Sequence[_Row], stretch: Sequence[_Row], widths: Container[int]
) -> bool:
    """Whether rows behind lines of one text, or of none, may be those of the same table."""
    own, used = _used(stretch), _used(run)
    is_parted = not all(row.filled for row in between) or (own < used and len(own) in widths)
    return own <= used and not (is_parted and any(row.labelled for row in stretch))


def _tables(rows: Sequence[_Row], widths: Container[int]) -> Iterator[list[_Row]]:
    """Runs of rows, the first with a label.

    A line of one text that is no label ends a table, unless what is behind it has no columns that
    the table lacks: then it is a row as well. Labels behind an empty line are those of the next,
    and those in fewer columns, as many as a table has.
    """
    run: list[_Row] = []
    between: list[_Row] = []
    for is_text, own in groupby(rows, lambda row: len(row.filled) < 2 and not row.labelled):
        stretch = list(own)
        if is_text:
            between = stretch
        elif run and _goes_on(run, between, stretch, widths):
            run += [*between, *stretch]
        else:
            if len(run) >= MIN_ROWS:
                yield run
            run = list(dropwhile(lambda row: not row.labelled, stretch))
    if len(run) >= MIN_ROWS:
        yield run
