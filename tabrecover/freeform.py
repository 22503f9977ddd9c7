"""Tables of a layout that no template knows, where the dump still marks rows and cells.

Two kinds: tables in HTML markup, placed by the HTML table model; and blocks of lines with bars
or tabs, read by the dialect's law. Where the law hides blanks, the cells of a short row are
placed by aligning them with *column profiles* (is it a number, does it end in a colon) that the
full rows show: the same forward-backward as with templates, with columns as slots.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.confidence import Confidence, alternatives, table_confidence, table_status
from tabrecover.dialects import Law, fingerprint
from tabrecover.lex import BARS, lex
from tabrecover.model import ROW_END, TABLE_END, Cell, Span
from tabrecover.posterior import Matrix, decode, forward_backward
from tabrecover.results import Table
from tabrecover.scoring import NEVER, UnitKind
from tabrecover.units import Units, classify, cut_units, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document, HtmlCell, Role

__all__ = ["Block", "Entry", "block_table", "find_blocks", "html_tables", "read_rows"]

MIN_ROWS, MIN_COLUMNS = 2, 2
MAX_COLUMNS = 200
MAX_POSITIONS = 200_000  # larger tables are data files, and a record of them would not fit
MAX_SPREAD = 100  # positions for each cell of markup; where there are more, spans are mistaken
MEAN_LENGTH = 60  # characters; longer cells on average are prose between bars
VALUE_SHARE = 0.25  # of the cells hold a digit or end in a colon: menus do not
SEVERAL_SHARE = 0.6  # of the rows have several cells
COMMON_WIDTH = 0.5  # of the rows have as many cells as each other
FEW_ROWS = 3
CONTENTS_COLUMNS = 2  # a title and its page
EVEN_ROWS = 0.95  # probability of the layout where every row shows the same number of cells
UNTIDY = 0.8  # ... where cells of markup overlap, or leave holes
PRIOR = 0.05  # pseudo-count of a column profile: a typographic habit is kept strictly
LEADING_BLANK, OTHER_BLANK = 0.01, 0.2  # rows are filled from the left
MAX_ROWS = MAX_POSITIONS // MIN_COLUMNS
_LINE = re.compile(r"[^\n]*\n?")
_COLONS = (":", "：")


class Block(NamedTuple):
    """A run of delimited lines as units; plain span."""

    start: int
    end: int
    units: Units


class Entry(NamedTuple):
    """A cell's text with its plain span, or a blank (`start == end`)."""

    text: str
    start: int
    end: int


# --- blocks of delimited lines ------------------------------------------------------------------


def find_blocks(document: Document, covered: Sequence[Span]) -> list[Block]:
    """Runs of two or more lines with bars or tabs, outside the `covered` plain spans."""
    text = document.text
    if document.kind == "html" or not (document.holds_any(BARS) or "\t" in text):
        return []
    blocks: list[Block] = []
    starts = [span.start for span in covered]
    start = end = lines = 0
    for match in _LINE.finditer(text):
        line = match.group()
        free = not _touches(covered, starts, match.start(), match.end())
        if free and any(c in line.strip(" \n\r") for c in f"{BARS}\t"):
            start = match.start() if not lines else start
            end, lines = match.end(), lines + 1
            continue
        if MIN_ROWS <= lines <= MAX_ROWS:
            blocks.append(_block(text, start, end))
        lines = 0
    if MIN_ROWS <= lines <= MAX_ROWS:
        blocks.append(_block(text, start, end))
    return blocks


def _touches(covered: Sequence[Span], starts: Sequence[int], start: int, end: int) -> bool:
    """Whether `[start, end)` overlaps one of the spans, which are disjoint and ascending."""
    at = bisect_left(starts, end)
    return at > 0 and covered[at - 1].end > start


def _block(text: str, start: int, end: int) -> Block:
    return Block(start, end, cut_units(text, lex(text, start, end), ()))


def block_table(document: Document, block: Block, law: Law | None) -> Table | None:
    """The block as a table, or None if it doesn't hold together as one.

    `law` is the document's; a block it can't read is fingerprinted by itself.
    """
    if law is None or not (law.rows_shown and law.name.startswith(("bars", "tabs"))):
        law = fingerprint([block.units.gaps])[0]
    if not (law.rows_shown and law.parted):
        return None
    rows = read_rows(document.text, block.units, law)
    width = max((len(row) for row in rows), default=0)
    if len(rows) < MIN_ROWS or not MIN_COLUMNS <= width <= MAX_COLUMNS:
        return None
    if len(rows) * width > MAX_POSITIONS:
        return None
    if not _is_table([entry for row in rows for entry in row], [len(row) for row in rows]):
        return None
    few = len(rows) < FEW_ROWS  # then padding may be anything, and a wide space parts no cells
    uneven = (law.blanks_shown or few) and _is_uneven(rows)
    if uneven or (few and "g" in block.units.gaps) or _is_contents(rows):
        return None
    even = law.blanks_shown and all(len(row) == width for row in rows)
    layout = max(law.confidence, EVEN_ROWS) if even else law.confidence
    profile = _Profile([row for row in rows if len(row) == width], width)
    cells: list[Cell] = []
    for number, row in enumerate(rows):
        cells += _place_row(document, number, row, profile, law, layout)
    cells = _with_roles(cells, len(rows))
    status = table_status(cells, ())
    span = document.raw_span(block.units.units[0].start, block.units.units[-1].end)
    shape = (len(rows), width)
    return Table(None, span, shape, tuple(cells), table_confidence(cells), status)


def read_rows(text: str, units: Units, law: Law) -> list[list[Entry]]:
    """Rows of entries: units, and blanks where the law shows them."""
    rows: list[list[Entry]] = [[]]
    for number, reading in enumerate(law.read(units.gaps)):
        for code in reading:
            if code == "R":
                rows.append([])
            else:
                rows[-1].append(Entry("", 0, 0))
        if number < len(units.units):
            unit = units.units[number]
            rows[-1].append(Entry(text[unit.start : unit.end], unit.start, unit.end))
    return [row for row in rows if any(entry.text for entry in row)]


def _is_table(entries: Sequence[Entry], widths: Sequence[int]) -> bool:
    """Cells are short, many hold values, and most rows have several."""
    texts = [entry.text for entry in entries if entry.text]
    if not texts or sum(map(len, texts)) > MEAN_LENGTH * len(texts):
        return False
    values = sum(t.endswith(_COLONS) or any(c.isdigit() for c in t) for t in texts)
    several = sum(width >= MIN_COLUMNS for width in widths)
    return values >= VALUE_SHARE * len(texts) and several >= SEVERAL_SHARE * len(widths)


def _is_uneven(rows: Sequence[Sequence[Entry]]) -> bool:
    """Whether the rows have no width in common: lines with bars in them, as in programs."""
    widths = Counter(len(row) for row in rows)
    width, like = widths.most_common(1)[0]
    if len(rows) <= FEW_ROWS:  # so few agree by chance
        return like < len(rows) or (len(rows) < FEW_ROWS and width < FEW_ROWS)
    return like < COMMON_WIDTH * len(rows)


def _is_contents(rows: Sequence[Sequence[Entry]]) -> bool:
    """Whether titles stand before page numbers that only go up: a table of contents."""
    if len(rows) < FEW_ROWS or any(len(row) != CONTENTS_COLUMNS for row in rows):
        return False
    pages = [number_of(row[-1].text) for row in rows]
    if not all(page is not None and page == page.to_integral_value() for page in pages):
        return False
    known = [page for page in pages if page is not None]
    titles = all(classify(row[0].text) == UnitKind.TEXT for row in rows)
    return titles and all(a <= b for a, b in pairwise(known))


class _Profile:
    """How likely a text belongs to a column: share of full rows that look like it there."""

    def __init__(self, rows: Sequence[Sequence[Entry]], width: int) -> None:
        self.width = width
        self.looks = [[_look(row[c].text) for row in rows if row[c].text] for c in range(width)]

    def scores(self, texts: Sequence[str]) -> Matrix:
        table = np.empty((len(texts), self.width))
        for i, text in enumerate(texts):
            for c, seen in enumerate(self.looks):
                like = sum(look == _look(text) for look in seen)
                table[i, c] = log((like + PRIOR) / (len(seen) + 2 * PRIOR))
        return table


def _look(text: str) -> tuple[bool, bool]:
    return text.endswith(_COLONS), classify(text) in (UnitKind.INTEGER, UnitKind.DECIMAL)


def _place_row(
    document: Document,
    number: int,
    row: Sequence[Entry],
    profile: _Profile,
    law: Law,
    layout: float,
) -> list[Cell]:
    n, width = len(row), profile.width
    if n == width:
        probability = np.eye(n)
    elif law.blanks_shown:  # a short row whose blanks all show ends early
        probability = np.eye(n, width)
    else:
        skip = np.full(width, log(OTHER_BLANK))
        skip[0] = log(LEADING_BLANK)
        stray = np.full((n, width + 1), NEVER)
        probability, _ = forward_backward(profile.scores([e.text for e in row]), stray, skip)
    slots = decode(probability)
    cells = []
    for c in range(width):
        at = slots.index(c) if c in slots else -1
        entry = row[at] if at >= 0 else Entry("", 0, 0)
        texts: dict[str, float] = {}
        for i in range(n):
            texts[row[i].text] = texts.get(row[i].text, 0.0) + float(probability[i, c])
        texts[""] = texts.get("", 0.0) + max(0.0, 1 - sum(texts.values()))
        cells.append(_cell(document, number, c, entry, texts, layout))
    return cells


def _cell(
    document: Document, row: int, col: int, entry: Entry, texts: dict[str, float], layout: float
) -> Cell:
    spans = document.raw_spans(entry.start, entry.end) if entry.text else ()
    total = Confidence(layout, texts.get(entry.text, 0.0)).total
    others = alternatives(texts, entry.text, total)
    return Cell(row, col, 1, 1, "value", entry.text, None, None, total, spans, others)


def _with_roles(cells: Sequence[Cell], n_rows: int) -> list[Cell]:
    """Texts that end in a colon are labels, and so is a first row of words above numbers."""
    first = [cell for cell in cells if cell.row == 0 and cell.text]
    numbers = {c.col for c in cells if c.row > 0 and _look(c.text)[1]}
    words_only = bool(first) and not any(any(ch.isdigit() for ch in c.text) for c in first)
    header = (
        words_only
        and n_rows > 1
        and bool(numbers)
        and all(not c.text.endswith(_COLONS) for c in first)
    )
    return [
        replace(cell, role="label", observed=cell.text)
        if cell.text and (cell.text.endswith(_COLONS) or (header and cell.row == 0))
        else cell
        for cell in cells
    ]


# --- tables in HTML -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Markup:
    """Cells of one HTML table by row, with their declared spans."""

    start: int
    end: int
    rows: list[list[tuple[Entry, HtmlCell]]]


def html_tables(document: Document, covered: Sequence[Span]) -> list[Table]:
    """Data tables in the markup that touch none of the `covered` plain spans."""
    tables = []
    starts = [span.start for span in covered]
    for markup in _markup(document):
        if _touches(covered, starts, markup.start, markup.end):
            continue
        table = _markup_table(document, markup)
        if table is not None:
            tables.append(table)
    return tables


def _markup(document: Document) -> list[_Markup]:
    text, cells = document.text, document.cells
    if not cells:
        return []
    ends = [cell.end for cell in cells]
    found: list[_Markup] = []
    position = 0
    for boundary in [*(m.start() for m in re.finditer(TABLE_END, text)), len(text)]:
        first, last = bisect_right(ends, position - 1), bisect_right(ends, boundary - 1)
        if last > first:
            found.append(_rows_of_markup(text, cells[first:last], position, boundary))
        position = boundary + 1
    return found


def _rows_of_markup(text: str, cells: Sequence[HtmlCell], start: int, boundary: int) -> _Markup:
    markup = _Markup(start, boundary, [[]])
    position = start
    for cell in cells:
        if ROW_END in text[position : cell.end]:
            markup.rows.append([])
            position = text.index(ROW_END, position) + 1
        content = text[position : cell.end]
        left = len(content) - len(content.lstrip())
        trimmed = content.strip()
        at = position + left
        markup.rows[-1].append((Entry(trimmed, at, at + len(trimmed)), cell))
        position = cell.end + 1
    markup.rows = [row for row in markup.rows if row]
    return markup


def _markup_table(document: Document, markup: _Markup) -> Table | None:
    entries = [entry for row in markup.rows for entry, _ in row]
    if len(markup.rows) < MIN_ROWS or not _is_table(entries, [len(row) for row in markup.rows]):
        return None
    cells, width, tidy = _grid_of(document, markup)
    if width < MIN_COLUMNS or not cells:
        return None
    declared = any(cell.role == "label" for cell in cells)
    if not declared:
        cells = _with_roles(cells, len(markup.rows))
    confidence = table_confidence(cells)
    certainty = 1.0 if tidy else UNTIDY
    status = table_status(cells, (), certainty=certainty)
    span = document.raw_span(markup.start, markup.end)
    shape = (len(markup.rows), width)
    return Table(
        None,
        span,
        shape,
        tuple(cells),
        confidence,
        status,
        certainty=certainty,
        labels_declared=declared,
    )


def _grid_of(document: Document, markup: _Markup) -> tuple[list[Cell], int, bool]:
    """Place cells by the HTML table model; holes become blank cells.

    Returns cells, width, and whether the markup was a clean grid.
    """
    n_rows = len(markup.rows)
    most = min(MAX_POSITIONS, MAX_SPREAD * sum(map(len, markup.rows)))
    placed: list[tuple[int, int, int, int, Entry, bool]] = []
    taken: set[tuple[int, int]] = set()
    tidy = True
    for r, row in enumerate(markup.rows):
        col = 0
        for entry, spec in row:
            while (r, col) in taken:
                col += 1
            rowspan = min(spec.rowspan, n_rows - r)
            colspan = spec.colspan
            area = [(y, x) for y in range(r, r + rowspan) for x in range(col, col + colspan)]
            if len(taken) + len(area) > most:
                return [], 0, False
            if any(position in taken for position in area):
                rowspan = colspan = 1
                area, tidy = [(r, col)], False
            taken.update(area)
            placed.append((r, col, rowspan, colspan, entry, spec.header))
            col += colspan
    width = max((c + w for _, c, _, w, _, _ in placed), default=0)
    if n_rows * width > most:
        return [], 0, False
    holes = [(r, c) for r in range(n_rows) for c in range(width) if (r, c) not in taken]
    tidy = tidy and not holes
    certain = Confidence(1.0 if tidy else UNTIDY, 1.0).total
    placed += [(r, c, 1, 1, Entry("", 0, 0), False) for r, c in holes]
    cells = []
    for r, c, rowspan, colspan, entry, header in sorted(placed, key=lambda p: p[:2]):
        spans = document.raw_spans(entry.start, entry.end) if entry.text else ()
        role: Role = "label" if header else "value"
        observed = entry.text if header else None
        cells.append(Cell(r, c, rowspan, colspan, role, entry.text, observed, None, certain, spans))
    return cells, width, tidy
