"""Tables on one sheet of tab-separated columns, each cut out with the columns that it uses.

A spreadsheet program that opens a page puts all its tables on one grid, in which columns end
wherever those of any table do: the cells of each table leave columns empty that only others use.
Saved as text, every line has as many tabs. A table's lines are those around its labels, up to a
line of text that is none; a column in which none of its lines has a text is not the table's. If as
many are left as a template has, in every table of the sheet, the lines are declared as cells.
Without templates, sentences part the tables.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import dropwhile, groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.canvas import lines_of
from tabrecover.layout import declared
from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from tabrecover.canvas import Line
    from tabrecover.model import Document

__all__ = ["Part", "cut_from_sheet", "parts_of_sheet"]

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


# --- without templates ----------------------------------------------------------------------------


class Part(NamedTuple):
    """A table's rows on a sheet, and the columns in which one of them has a text."""

    rows: range
    columns: list[int]


def parts_of_sheet(
    rows: Sequence[Sequence[str]], is_prose: Callable[[str], bool]
) -> list[Part] | None:
    """The tables among the rows of a sheet; None if there is no prose on it.

    A row of nothing but prose, at the left, ends a table, if what is behind it or the table itself
    leaves columns empty that others use. Single texts before a table are headings; the last of them
    is a section of it, if it has others.

    >>> rows = [["Beds by ward."], ["Ward", "", "Beds"], ["Eye", "", "12"], ["Ear", "", "7"]]
    >>> parts_of_sheet(rows, lambda text: text.endswith("."))
    [Part(rows=range(1, 4), columns=[0, 2])]
    """
    filled = [[column for column, text in enumerate(row) if text] for row in rows]
    prose = [own == [0] and is_prose(row[0]) for own, row in zip(filled, rows, strict=True)]
    if not any(prose):
        return None
    bounds = [-1, *(row for row, is_text in enumerate(prose) if is_text), len(rows)]
    stretches = (_without_headings(filled, *pair) for pair in pairwise(bounds))
    parts = [_part(filled, own) for own in stretches if own is not None]
    used = {column for own in filled for column in own}
    if len(parts) > 1 and all(len(part.columns) == len(used) for part in parts):
        return [_part(filled, range(parts[0].rows.start, parts[-1].rows.stop))]
    return parts


def _without_headings(filled: Sequence[list[int]], before: int, behind: int) -> range | None:
    """The rows of a table between two places, or None if there are too few."""
    several = [row for row in range(before + 1, behind) if len(filled[row]) > 1]
    if len(several) < MIN_ROWS:
        return None
    sections = any(filled[row] == [0] for row in range(several[0], several[-1]))
    return range(max(before + 1, several[0] - sections), behind)


def _part(filled: Sequence[list[int]], rows: range) -> Part:
    return Part(rows, sorted({column for row in rows for column in filled[row]}))
