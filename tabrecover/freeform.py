"""Tables of a layout that no template knows, where the dump still marks rows and cells.

Two kinds: tables in HTML markup, placed by the HTML table model; and blocks of lines with bars
or tabs, read by the dialect's law. Where the law hides blanks, the cells of a short row are
placed by aligning them with *column profiles* (is it a number, does it end in a colon) that the
full rows show: the same forward-backward as with templates, with columns as slots. Labels are
guessed, and where the dump says nothing of merged cells, so are these (`sketch`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.blocks import BLANK, Block, Entry, read_rows, touches
from tabrecover.columns import Columns, find_columns
from tabrecover.confidence import Confidence, alternatives, table_confidence, table_status
from tabrecover.dialects import Law, fingerprint
from tabrecover.examples import Example, ExampleCell
from tabrecover.guess import guess_labels
from tabrecover.heads import count_heads, split_heads
from tabrecover.model import ROW_END, TABLE_END, Cell, Span
from tabrecover.periods import Records, find_records, heads_before
from tabrecover.posterior import Matrix, decode, forward_backward
from tabrecover.results import Reading, Table
from tabrecover.scoring import NEVER, UnitKind
from tabrecover.sheets import parts_of_sheet
from tabrecover.sketch import sketch
from tabrecover.stacks import Stack, cell_lines, find_stacks, with_blanks
from tabrecover.symbols import is_sentence
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document, HtmlCell, Role

__all__ = ["block_tables", "column_tables", "html_tables", "line_tables"]

MIN_ROWS, MIN_COLUMNS = 2, 2
MAX_COLUMNS = 200
MAX_POSITIONS = 200_000  # larger tables are data files, and a record of them would not fit
MAX_SPREAD = 100  # positions for each cell of markup; where there are more, spans are mistaken
MEAN_LENGTH = 60  # characters; longer cells on average are prose between bars
VALUE_SHARE = 0.25  # of the cells hold a digit or end in a colon: menus do not
SEVERAL_SHARE = 0.6  # of the rows have several cells
COMMON_WIDTH = 0.5  # of the rows have as many cells as each other
FEW_ROWS = 3
MAX_WIDE = 20  # columns of so few rows; more are rows that the law does not see
FULL_ROWS, FULL_COLUMNS = 4, 4  # of words; menus are smaller
FORM_ROWS, FORM_SHARE = 5, 0.8
CONTENTS_COLUMNS = 2  # a title and its page
EVEN_ROWS = 0.95  # probability of the layout where every row shows the same number of cells
UNTIDY = 0.8  # ... where cells of markup overlap, or leave holes
PRIOR = 0.05  # pseudo-count of a column profile: a typographic habit is kept strictly
LEADING_BLANK, OTHER_BLANK = 0.01, 0.2  # rows are filled from the left
MOVED = 0.6  # of the layout, for rows whose cells were put elsewhere to undo merged cells
OPEN = 0.5  # that a position is blank for which the dump has nothing
_COLONS = (":", "：")


# --- delimited lines ----------------------------------------------------------------------------


def block_tables(document: Document, block: Block, law: Law | None) -> list[Table]:
    """The block as a table, or as those of a sheet; empty if it doesn't hold together as one.

    `law` is the document's; a block it can't read is fingerprinted by itself.
    """
    suits = law is not None and law.rows_shown and law.name.startswith(("bars", "tabs"))
    laws = [*([law] if law is not None and suits else []), *fingerprint([block.units.gaps])]
    for own in sorted(laws, key=lambda own: -own.confidence):
        if own.rows_shown and own.parted and (tables := _read_block(document, block, own)):
            return tables
    return []


def _read_block(document: Document, block: Block, law: Law) -> list[Table]:
    rows = read_rows(document.text, block.units, law)
    parts = _on_sheet(rows) if law.blanks_shown and _is_tabbed(block) else None
    if parts is None:
        parts = [rows]
    tables = (_read_rows(document, block, law, part) for part in parts)
    return [table for table in tables if table is not None]


def _is_tabbed(block: Block) -> bool:
    """Whether tabs part the cells."""
    return any("T" in gap for gap in block.units.gaps)


def _on_sheet(rows: Sequence[Sequence[Entry]]) -> list[list[list[Entry]]] | None:
    """The rows of each table on a sheet of tab-separated columns with prose between them."""
    parts = parts_of_sheet([[entry.text for entry in row] for row in rows], _is_prose)
    if parts is None:
        return None
    return [
        [[rows[n][col] if col < len(rows[n]) else BLANK for col in part.columns] for n in part.rows]
        for part in parts
    ]


def _is_prose(text: str) -> bool:
    return len(text) > MEAN_LENGTH or is_sentence(text)


def _read_rows(document: Document, block: Block, law: Law, rows: list[list[Entry]]) -> Table | None:
    width = max((len(row) for row in rows), default=0)
    if len(rows) < MIN_ROWS or not MIN_COLUMNS <= width <= MAX_COLUMNS:
        return None
    if len(rows) * width > MAX_POSITIONS or not _holds_together(rows, block, law):
        return None
    if len(rows) < FEW_ROWS and width > MAX_WIDE:
        return None
    even = law.blanks_shown and all(len(row) == width for row in rows)
    layout = max(law.confidence, EVEN_ROWS) if even else law.confidence
    shown = [_Shown(entry, {entry.text: 1.0}) for row in rows for entry in row]
    if not law.blanks_shown:
        rows, shown = _with_blanks(rows, width)
    units = [entry for row in rows for entry in row if entry.text]
    span = document.raw_span(units[0].start, units[-1].end)
    reading = Reading("delimiters", law.confidence)
    return _table(document, span, rows, shown, layout, reading, int(block.headed))


def _holds_together(rows: Sequence[Sequence[Entry]], block: Block, law: Law) -> bool:
    """Whether the rows are those of a table, and not lines with bars or tabs in them."""
    few = len(rows) < FEW_ROWS  # then padding may be anything, and a wide space parts no cells
    if few and "g" in block.units.gaps:
        return False
    if len({at for row in rows for at, entry in enumerate(row) if entry.text}) < MIN_COLUMNS:
        return False
    widths = [len(row) for row in rows]
    entries = [entry for row in rows for entry in row if entry.text]
    if not _is_table(entries, widths, block.ruled):
        return False
    if not (block.ruled or _is_closed(block)) and not _holds_numbers(entries):
        return False
    uneven = (law.blanks_shown or few) and not block.ruled and _is_uneven(rows)
    return not (uneven or _is_contents(rows))


class _Shown(NamedTuple):
    """What stands in a cell, and what else may, with probabilities."""

    entry: Entry
    texts: dict[str, float]


_OPEN = _Shown(BLANK, {"": OPEN})


def _table(
    document: Document,
    span: Span,
    rows: Sequence[Sequence[Entry]],
    shown: Sequence[_Shown],
    layout: float,
    reading: Reading,
    known_heads: int = 0,
) -> Table:
    """The table of these rows; `shown` has what stands in their cells, one behind the other.

    `layout` is the probability of all that is not `moved` by what merged cells leave.
    """
    found = sketch([[entry.text for entry in row] for row in rows], known_heads)
    cells = []
    for cell in found.cells:
        sure = layout * (MOVED if cell.row in found.moved else 1.0)
        entry, texts = _OPEN if cell.source is None else shown[cell.source]
        total = Confidence(sure, texts.get(entry.text, 0.0)).total
        cells.append(
            Cell(
                *cell[:4],
                "label" if cell.label else "value",
                entry.text,
                entry.text if cell.label else None,
                None,
                total,
                document.raw_spans(entry.start, entry.end) if entry.text else (),
                alternatives(texts, entry.text, total),
            )
        )
    counts = (shown[at].entry for at in sorted(found.counts) if shown[at].entry.text)
    return Table(
        None,
        span,
        found.shape,
        tuple(cells),
        table_confidence(cells),
        table_status(cells, ()),
        unplaced=tuple(s for e in counts for s in document.raw_spans(e.start, e.end)),
        reading=reading._replace(packed=found.packed),
    )


def _is_table(
    entries: Sequence[Entry], widths: Sequence[int], declared: bool = False, words: bool = True
) -> bool:
    """Cells are short, most rows have several, and many cells hold values.

    Unless it is `declared` a table, or has many rows alike, where `words` can make a table.
    """
    texts = [entry.text for entry in entries if entry.text]
    if not texts or sum(map(len, texts)) > MEAN_LENGTH * len(texts):
        return False
    values = sum((words and t.endswith(_COLONS)) or any(c.isdigit() for c in t) for t in texts)
    several = sum(width >= MIN_COLUMNS for width in widths)
    enough = declared or values >= VALUE_SHARE * len(texts) or (words and _is_full(widths))
    return enough and several >= SEVERAL_SHARE * len(widths)


def _is_closed(block: Block) -> bool:
    """Whether tabs part the cells, or rows begin or end with a bar; code has other bars."""
    gaps = block.units.gaps
    return _is_tabbed(block) or "b" in gaps[0] or "b" in gaps[-1]


def _holds_numbers(entries: Sequence[Entry]) -> bool:
    """Whether many of the cells are numbers, and not only words with digits."""
    numbers = sum(number_of(entry.text) is not None for entry in entries)
    return numbers >= VALUE_SHARE * len(entries)


def _is_full(widths: Sequence[int]) -> bool:
    """Whether so many rows have so many cells that words alone make a table."""
    width, like = Counter(widths).most_common(1)[0]
    return width >= FULL_COLUMNS and like >= max(FULL_ROWS, COMMON_WIDTH * len(widths))


def _is_uneven(rows: Sequence[Sequence[Entry]]) -> bool:
    """Whether the rows have no width in common: lines with bars in them, as in programs."""
    widths = Counter(len(row) for row in rows)
    width, like = widths.most_common(1)[0]
    several = sum(len(row) >= MIN_COLUMNS for row in rows)
    if len(rows) >= FORM_ROWS and several >= FORM_SHARE * len(rows):
        return False  # a form: as many labels and values in each row as it needs
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
        self.looks = [
            Counter(_look(row[c].text) for row in rows if row[c].text) for c in range(width)
        ]

    def scores(self, texts: Sequence[str]) -> Matrix:
        table = np.empty((len(texts), self.width))
        for i, text in enumerate(texts):
            look = _look(text)
            for c, seen in enumerate(self.looks):
                table[i, c] = log((seen[look] + PRIOR) / (seen.total() + 2 * PRIOR))
        return table


def _look(text: str) -> tuple[bool, bool]:
    return text.endswith(_COLONS), classify(text) in (UnitKind.INTEGER, UnitKind.DECIMAL)


def _with_blanks(
    rows: Sequence[Sequence[Entry]], width: int
) -> tuple[list[list[Entry]], list[_Shown]]:
    """Rows below the heads with the blanks that the dump hides, and what may stand in each cell."""
    heads = count_heads([[entry.text for entry in row] for row in rows])
    profile = _Profile([row for row in rows if len(row) == width], width)
    placed: list[list[Entry]] = []
    shown: list[_Shown] = []
    for number, row in enumerate(rows):
        known = number < heads or len(row) == width
        own = [_Shown(e, {e.text: 1.0}) for e in row] if known else _place_row(row, profile)
        placed.append([cell.entry for cell in own])
        shown += own
    return placed, shown


def _place_row(row: Sequence[Entry], profile: _Profile) -> list[_Shown]:
    n, width = len(row), profile.width
    skip = np.full(width, log(OTHER_BLANK))
    skip[0] = log(LEADING_BLANK)
    stray = np.full((n, width + 1), NEVER)
    probability, _ = forward_backward(profile.scores([e.text for e in row]), stray, skip)
    slots = decode(probability)
    shown = []
    for c in range(width):
        entry = row[slots.index(c)] if c in slots else BLANK
        texts: dict[str, float] = {}
        for i in range(n):
            texts[row[i].text] = texts.get(row[i].text, 0.0) + float(probability[i, c])
        texts[""] = texts.get("", 0.0) + max(0.0, 1 - sum(texts.values()))
        shown.append(_Shown(entry, texts))
    return shown


# --- columns that spaces draw -------------------------------------------------------------------


def column_tables(document: Document, covered: Sequence[Span]) -> list[Table]:
    """Tables that only spaces draw, outside the `covered` plain spans."""
    tables = (_column_table(document, columns) for columns in find_columns(document, covered))
    return [table for table in tables if table is not None]


def _column_table(document: Document, columns: Columns) -> Table | None:
    rows = columns.rows
    entries = [entry for row in rows for entry in row]
    filled = [sum(bool(entry.text) for entry in row) for row in rows]
    if len(entries) > MAX_POSITIONS or not _is_table(entries, filled) or _is_contents(rows):
        return None
    if len(rows[0]) == MIN_COLUMNS and not _ends_in_numbers(rows):
        return None
    shown = [_Shown(entry, {entry.text: 1.0}) for entry in entries]
    span = document.raw_span(columns.start, columns.end)
    reading = Reading("spaces", columns.regular)
    return _table(document, span, rows, shown, EVEN_ROWS * columns.regular, reading)


def _ends_in_numbers(rows: Sequence[Sequence[Entry]]) -> bool:
    """Whether most rows end in a number."""
    return 2 * sum(number_of(row[-1].text) is not None for row in rows) > len(rows)


# --- cells on lines of their own ------------------------------------------------------------------


def line_tables(document: Document, covered: Sequence[Span]) -> list[Table]:
    """Tables with one cell per line outside the `covered` plain spans.

    Those whose rows show by their line ends; else records, by their period.
    """
    text = document.text
    runs = cell_lines(document, covered)
    tables = []
    for run in runs:
        found = (_stack_table(document, stack) for stack in find_stacks(text, run))
        stacked = [table for table in found if table is not None]
        tables += stacked
        if not stacked:
            tables += _record_tables(document, with_blanks(text, run))
    return tables


def _record_tables(document: Document, entries: Sequence[Entry]) -> list[Table]:
    """The records of a run of lines, by the better of two readings, at most one table.

    Longer gaps between lines are blank cells, or nothing.
    """
    texts = [entry for entry in entries if entry.text]
    read = [
        (records.gain, _record_table(document, own, records))
        for own in ([entries, texts] if len(texts) < len(entries) else [texts])
        if (records := find_records([entry.text for entry in own])) is not None
    ]
    best = max(read, key=lambda own: own[0])[1] if read else None
    return [] if best is None else [best]


def _stack_table(document: Document, stack: Stack) -> Table | None:
    rows, width = stack.rows, max(map(len, stack.rows))
    entries = [entry for row in rows for entry in row]
    if not MIN_COLUMNS < width <= MAX_COLUMNS or len(rows) * width > MAX_POSITIONS:
        return None
    widths = [len(row) for row in rows]
    usual, like = Counter(widths).most_common(1)[0]
    even = like >= COMMON_WIDTH * len(rows) and usual * like >= COMMON_WIDTH * len(entries)
    if not even or not _is_table(entries, widths, words=False) or _is_contents(rows):
        return None
    shown = [_Shown(entry, {entry.text: 1.0}) for entry in entries]
    span = document.raw_span(stack.start, stack.end)
    reading = Reading("lines", stack.regular)
    return _table(document, span, rows, shown, EVEN_ROWS * stack.regular, reading)


def _record_table(document: Document, entries: Sequence[Entry], records: Records) -> Table | None:
    body = _body_of(entries, records)
    if len(body) < MIN_ROWS:
        return None
    texts = [[cell.entry.text for cell in row] for row in body]
    before = [entry for entry in entries[: records.start] if entry.text]
    n_heads = heads_before([entry.text for entry in before], len(before))
    before = before[len(before) - n_heads :]
    heads = split_heads([entry.text for entry in before], texts, records.width)
    head_cells = iter(before[len(before) - sum(map(len, heads)) :])
    head_rows = [[next(head_cells) for _ in row] for row in heads]
    rows = [*head_rows, *([cell.entry for cell in row] for row in body)]
    shown = [_Shown(entry, {entry.text: 1.0}) for row in head_rows for entry in row]
    shown += [cell for row in body for cell in row]
    own = [cell.entry for cell in shown if cell.entry.text]
    span = document.raw_span(own[0].start, own[-1].end)
    reading = Reading("lines", sum(records.sure) / len(records.sure))
    return _table(document, span, rows, shown, EVEN_ROWS, reading)


def _body_of(entries: Sequence[Entry], records: Records) -> list[list[_Shown]]:
    """The rows of records, but for a last one of a single text: a line behind the table."""
    body = [[_OPEN] * records.width for _ in range(records.rows[-1] + 1)]
    own = entries[records.start : records.end]
    for entry, row, column, sure in zip(
        own, records.rows, records.columns, records.sure, strict=True
    ):
        texts = {entry.text: sure, "": 1 - sure} if entry.text else {"": sure}
        body[row][column] = _Shown(entry, texts)
    while body and sum(bool(cell.entry.text) for cell in body[-1]) <= 1:
        body.pop()
    return body


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
        if touches(covered, starts, markup.start, markup.end):
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
    specs = [spec for row in markup.rows for _, spec in row]
    marked = any(spec.header for spec in specs)
    widths = [len(row) for row in markup.rows]
    merged = any(spec.rowspan > 1 or spec.colspan > 1 for spec in specs)
    declared = marked or (merged and len(widths) >= FULL_ROWS)
    if len(markup.rows) < MIN_ROWS or not _is_table(entries, widths, declared):
        return None
    span = document.raw_span(markup.start, markup.end)
    if document.kind == "text" and all(spec.rowspan == spec.colspan == 1 for spec in specs):
        return _drawn_table(document, markup, span)
    cells, width, tidy = _grid_of(document, markup)
    if width < MIN_COLUMNS or not cells:
        return None
    cells, guessed = _with_labels(cells, (len(markup.rows), width))
    certainty = 1.0 if tidy else UNTIDY
    return Table(
        None,
        span,
        (len(markup.rows), width),
        tuple(cells),
        table_confidence(cells),
        table_status(cells, (), certainty=certainty),
        certainty=certainty,
        labels_declared=marked and not guessed,
        reading=Reading("markup"),
    )


def _drawn_table(document: Document, markup: _Markup, span: Span) -> Table | None:
    """A table that was drawn as a full rectangle, whatever cells were merged."""
    rows = [[entry for entry, _ in row] for row in markup.rows]
    width = max(map(len, rows))
    if width < MIN_COLUMNS or len(rows) * width > MAX_POSITIONS:
        return None
    shown = [_Shown(entry, {entry.text: 1.0}) for row in rows for entry in row]
    return _table(document, span, rows, shown, 1.0, Reading("markup"))


def _with_labels(cells: Sequence[Cell], shape: tuple[int, int]) -> tuple[list[Cell], bool]:
    """The cells with their roles, and whether any of them was guessed; markup is believed."""
    given = (
        ExampleCell(c.row, c.col, c.rowspan, c.colspan, c.text, c.role == "label") for c in cells
    )
    found = guess_labels(Example(tuple(given), shape))
    roles = [
        replace(cell, role="label", observed=cell.text)
        if at in found and (cell.text or cell.role == "label")
        else cell
        for at, cell in enumerate(cells)
    ]
    return roles, roles != list(cells)


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
