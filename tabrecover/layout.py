"""Tables drawn with characters to declared cells: boxes, ruled columns, separated fields.

What a text browser or a document converter draws is read in two dimensions, as an eye does: the
lines of a box are borders, the cells are the *connected components* of the elementary fields
between them that no border parts (so a cell may span rows and columns, and hold several lines);
a line of rules gives the extents of columns; a run of lines with the same number of separated
fields is a grid. Each such stretch is replaced by its cells in reading order with cell, row and
table ends, as markup gives them; offsets lead back to the input. What can't be read as a grid
stays as it is.

How wide a character is drawn differs between tools (one column, or two for East Asian ones): the
measure is taken under which the borders stand best below each other.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import chain, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.canvas import STROKES, Canvas, Line, canvases, lines_of
from tabrecover.lex import BARS, CROSSINGS
from tabrecover.model import CELL_END, ROW_END, TABLE_END, HtmlCell, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tabrecover.model import Document

__all__ = ["declared", "redraw"]

_BORDERS = frozenset(BARS + CROSSINGS)
_RULES = frozenset(STROKES)
_BORDER, _CROSSING, _STROKE = (
    f"[{re.escape(chars)}]" for chars in (BARS + CROSSINGS, CROSSINGS, STROKES)
)
_ANY_BORDER = re.compile(_BORDER)
_LETTER = re.compile(rf"[^\s{re.escape(BARS + CROSSINGS + STROKES)}\u200b\u200c\u200d\u2060\ufeff]")
_MARGIN = "[ \t\ufeff]*"
_BOX_LINE = re.compile(rf"{_MARGIN}{_BORDER}[^\n]*{_BORDER}[ \t\r]*")
_CROSSED_RULE = re.compile(f"{_CROSSING}{_STROKE}+{_BORDER}|{_BORDER}{_STROKE}+{_CROSSING}")
_SOME_RULE = re.compile(f"{_CROSSED_RULE.pattern}|{_BORDER}{_STROKE}{{3,}}{_BORDER}")
_FULL_RULE = re.compile(
    rf"{_MARGIN}(?=[^\n]*(?:{_CROSSING}|{_STROKE}{{3}}))(?:{_BORDER}|{_STROKE})+[ \t\r]*"
)
_COLUMN_RULE = re.compile(r"[ \t]*(?:-{2,}(?: +-{2,})+|={2,}(?: +={2,})+)[ \t\r]*")
# one by one they are searched faster, and only where their stroke is found at all
_COLUMN_MARKS = {"-": re.compile("-- +--"), "=": re.compile("== +==")}
_ONE_RULE = re.compile(r"[ \t]*(?:-{3,}|={3,})[ \t\r]*")
_RUN = re.compile(r"[-=]+")
_SPACE = re.compile(r"\s")
_PARTED = re.compile(rf"[\t{re.escape(BARS)}]")
_GROUPED = re.compile(r"(?<![\w,.:/=-])[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?![\d,])")

MIN_RULES = 3  # rule lines of a box: above, below, and one between; fewer rule no rows
MIN_STRAIGHT = 0.8  # share of a box's lines whose right border stands below the others
MIN_RULE = 3  # strokes between bars that are a rule
MAX_LINES, MAX_WIDTH = 20_000, 2_000  # of one drawn table
MAX_POSITIONS = 500_000  # of one drawn table: its lines times its columns
MAX_STRADDLING = 0.1  # share of the places between columns that words may reach over
MAX_HEADER = 8  # lines of column heads above a single rule
FULL_LINE = 0.5  # share of its columns that a line fills if it is a row of its own
MIN_FIELD_LINES, MIN_FIELDS = 3, 3
MAX_OPEN = 0.2  # share of the lines with a field whose brackets are not closed; more are code
MIN_PLAIN = 0.2  # of the fields are empty, quoted, or without letters
MAX_FIELD = 40  # characters of a separated field on average; longer ones are prose


class _Cell(NamedTuple):
    """Position, spans, and the text pieces of a drawn cell from top to bottom.

    In a drawing, the white space that parts two pieces is a piece as well.
    """

    row: int
    col: int
    rowspan: int
    colspan: int
    pieces: tuple[Span, ...]


class _Drawing(NamedTuple):
    """A stretch of the text that is a table, and its cells in reading order."""

    start: int
    end: int
    cells: tuple[_Cell, ...]


def redraw(document: Document) -> Document:
    """The document with its drawn tables as declared cells; the same one if it has none."""
    if document.kind == "html":
        return document
    drawings = _drawings(document)
    return _Writer(document).write(drawings) if drawings else document


def declared(
    document: Document, grids: Sequence[tuple[Span, Sequence[Sequence[Span]]]]
) -> Document:
    """The document with grids, disjoint and in order, as declared cells.

    Each has its plain span, and by row those of its cells; empty ones are blank.
    """
    drawings = [_Drawing(*span, tuple(_fields_of(rows))) for span, rows in grids]
    return _Writer(document).write(drawings) if drawings else document


def _fields_of(rows: Sequence[Sequence[Span]]) -> Iterator[_Cell]:
    """A cell for each field of the rows."""
    for r, row in enumerate(rows):
        for c, span in enumerate(row):
            yield _Cell(r, c, 1, 1, (span,) if span.end > span.start else ())


def _drawings(document: Document) -> list[_Drawing]:
    """All drawn tables, in order and disjoint."""
    text = document.text
    found: list[_Drawing] = []
    if document.holds_any(BARS):
        found += _boxes(text)
    if any(stroke in text and mark.search(text) for stroke, mark in _COLUMN_MARKS.items()):
        found += _ruled(text, list(lines_of(text, 0, len(text))))
    for separator in ",;":
        if separator in text:
            found += _separated(separator)(text)
    found.sort(key=lambda drawing: (drawing.start, -drawing.end))
    disjoint: list[_Drawing] = []
    for drawing in found:
        if not disjoint or drawing.start >= disjoint[-1].end:
            disjoint.append(drawing)
    return disjoint


def _lines_at(text: str, mark: re.Pattern[str]) -> Iterator[Line]:
    """The lines that hold a match of `mark`, which crosses no line end; the others cost little."""
    end = -1
    while (found := mark.search(text, end + 1)) is not None:
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        yield Line(start, end)


# --- the lines of a cell --------------------------------------------------------------------------


def _drawing(text: str, start: int, end: int, cells: Sequence[_Cell]) -> _Drawing | None:
    """The cells with white space between their lines, each of it in one cell only.

    None if there is not enough: then no cell can be told in characters of the input.
    """
    taken: set[int] = set()
    if any(len(cell.pieces) > 1 for cell in cells):
        taken.update(at for cell in cells for piece in cell.pieces for at in _spaces(text, *piece))
    parted: list[_Cell] = []
    for cell in cells:
        pieces = list(cell.pieces[:1])
        for above, below in pairwise(cell.pieces):
            if not (_is_wide(text[above.end - 1]) and _is_wide(text[below.start])):
                space = _space_between(text, above.end, below.start, taken)
                if space is None:
                    return None
                taken.add(space)
                pieces.append(Span(space, space + 1))
            pieces.append(below)
        parted.append(cell._replace(pieces=tuple(pieces)))
    return _Drawing(start, end, tuple(parted))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _space_between(text: str, end: int, start: int, taken: Collection[int]) -> int | None:
    """White space behind one line of a cell, before the next, or a line end; else any between."""
    near = (end, start - 1, text.find("\n", end, start))
    spaces = (at for at in near if at >= 0 and text[at].isspace())
    return next((at for at in chain(spaces, _spaces(text, end, start)) if at not in taken), None)


def _spaces(text: str, start: int, end: int) -> Iterator[int]:
    """Where white space stands in a stretch of the text."""
    return (match.start() for match in _SPACE.finditer(text, start, end))


# --- boxes ----------------------------------------------------------------------------------------


def _boxes(text: str) -> Iterator[_Drawing]:
    """Runs of lines between borders that hold enough rules."""
    run: list[Line] = []
    nowhere = Line(len(text) + 2, len(text) + 2)
    for line in [*_lines_at(text, _ANY_BORDER), nowhere]:
        if run and line.start != run[-1].end + 1:
            for box in _single_boxes(text, run):
                if (drawing := _box(text, box)) is not None:
                    yield drawing
            run = []
        if _BOX_LINE.fullmatch(text, line.start, line.end):
            run.append(line)


def _single_boxes(text: str, run: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """Boxes that stand directly below each other: two full rules in a row part them."""
    first = 0
    rules = [_FULL_RULE.fullmatch(text, *line) is not None for line in run]
    for number, (above, below) in enumerate(pairwise(rules), 1):
        if above and below:
            yield run[first:number]
            first = number
    yield run[first:]


def _box(text: str, lines: Sequence[Line]) -> _Drawing | None:
    rules = sum(_SOME_RULE.search(text, *line) is not None for line in lines)
    if rules < MIN_RULES or len(lines) > MAX_LINES:
        return None
    if max(line.end - line.start for line in lines) > MAX_WIDTH:
        return None
    drawn = ((_straightness(canvas), canvas) for canvas in canvases(text, lines))
    straightness, canvas = max(drawn, key=itemgetter(0))
    if straightness < MIN_STRAIGHT:
        return None
    borders = _borders(canvas)
    if len(borders) < 2 or len(borders) * len(lines) > MAX_POSITIONS:
        return None
    cells = _Fields(canvas, borders).cells()
    start, end = lines[0].start, lines[-1].end
    inside = sum(_letters(text[slice(*piece)]) for cell in cells for piece in cell.pieces)
    if not cells or inside < _letters(text[start:end]):  # borders went through texts
        return None
    return _drawing(text, start, end, cells)


def _letters(text: str) -> int:
    """How many characters are drawn, but no part of a drawing."""
    return len(_LETTER.findall(text))


def _straightness(canvas: Canvas) -> float:
    """Share of the lines whose last border stands in the most common column."""
    lasts = []
    for number, (start, end) in enumerate(canvas.lines):
        drawn = len(canvas.text[start:end].rstrip()) - 1
        lasts.append(canvas.columns[number][drawn])
    return Counter(lasts).most_common(1)[0][1] / len(lasts)


def _borders(canvas: Canvas) -> list[int]:
    """Columns in which a border is drawn on more than one line."""
    seen: Counter[int] = Counter()
    for number, (start, end) in enumerate(canvas.lines):
        line = canvas.text[start:end]
        columns = canvas.columns[number]
        seen.update(
            columns[at]
            for at, char in enumerate(line)
            if char in _BORDERS and (char != "+" or _touches_rule(line, at))
        )
    return sorted(column for column, count in seen.items() if count > 1)


def _touches_rule(line: str, at: int) -> bool:
    return line[at - 1 : at] in _RULES or line[at + 1 : at + 2] in _RULES


def _strokes_of_rules(canvas: Canvas) -> frozenset[str]:
    """What rules are drawn with; other strokes are texts, such as a mark for "none"."""
    rules = (m.group() for line in canvas.lines for m in _CROSSED_RULE.finditer(canvas.text, *line))
    strokes = _RULES.intersection("".join(rules))
    return (strokes or _RULES).union(CROSSINGS)


class _Band(NamedTuple):
    """Lines between lines with rules; of each column, whether it is ruled off from above."""

    lines: list[int]
    cut: list[bool]


_Field = tuple[int, int]  # number of the band, number of the column between borders


class _Fields:
    """Elementary fields (band of lines, column between borders), joined where no border is."""

    def __init__(self, canvas: Canvas, borders: Sequence[int]) -> None:
        self.canvas = canvas
        self.borders = borders
        self.width = len(borders) - 1
        self.strokes = _strokes_of_rules(canvas)
        self.parent: dict[_Field, _Field] = {}
        self.lines_of: dict[_Field, list[int]] = {}
        self._read()

    def _find(self, field: _Field) -> _Field:
        while self.parent[field] != field:
            self.parent[field] = field = self.parent[self.parent[field]]
        return field

    def _join(self, one: _Field, other: _Field) -> None:
        first, second = sorted((self._find(one), self._find(other)))
        self.parent[second] = first

    def _rules_in(self, number: int) -> list[bool]:
        """Of each column, whether this line rules it off."""
        canvas = self.canvas
        ruled = []
        for left, right in pairwise(self.borders):
            start, end = canvas.between(number, left + 1, right)
            drawn = canvas.text[start:end]
            strokes = self.strokes.issuperset(drawn) and not _RULES.isdisjoint(drawn)
            on = canvas.at(number, left) in self.strokes or canvas.at(number, right) in self.strokes
            ruled.append(strokes and (on or len(drawn) >= MIN_RULE))
        return ruled

    def _read(self) -> None:
        """Join the fields of each band, and of bands below each other, where nothing parts them."""
        for number, band in enumerate(self._bands()):
            for col in range(self.width):
                field = (number, col)
                self.parent[field] = field
                self.lines_of.setdefault(field, []).extend(band.lines)
                if number and not band.cut[col]:
                    self._join((number - 1, col), field)
            for col in range(1, self.width):
                if not any(self.canvas.at(n, self.borders[col]) in _BORDERS for n in band.lines):
                    self._join((number, col - 1), (number, col))

    def _bands(self) -> list[_Band]:
        """Lines between lines that rule off some column; texts beside rules join the fields."""
        bands: list[_Band] = []
        cut, fresh = [True] * self.width, True
        for number in range(len(self.canvas.lines)):
            ruled = self._rules_in(number)
            if not any(ruled):
                if fresh:
                    bands.append(_Band([], cut))
                bands[-1].lines.append(number)
                fresh = False
                continue
            cut = [a or b for a, b in zip(cut, ruled, strict=True)] if fresh else ruled
            fresh = True
            for col in range(self.width):
                if not ruled[col]:
                    above = len(bands) - (not cut[col])
                    self.lines_of.setdefault((above, col), []).append(number)
        return bands if self.lines_of else self._split_rows(bands)

    def _split_rows(self, bands: list[_Band]) -> list[_Band]:
        """Where nothing but the heads is ruled off, each line below is a row."""
        if len(bands) > 2:
            return bands
        rows: list[_Band] = []
        for band in bands:
            full = sum(self.fills(number) >= FULL_LINE for number in band.lines)
            parts = [[n] for n in band.lines] if full * 2 > len(band.lines) else [band.lines]
            rows.append(_Band(parts[0], band.cut))
            rows += [_Band(part, [True] * self.width) for part in parts[1:]]
        return rows

    def fills(self, number: int) -> float:
        """The share of the columns that hold a text on this line."""
        filled = sum(
            self.canvas.piece(number, left + 1, right) is not None
            for left, right in pairwise(self.borders)
        )
        return filled / self.width

    def cells(self) -> tuple[_Cell, ...]:
        """All cells in reading order; none if some component is no rectangle."""
        parts: dict[_Field, list[_Field]] = {}
        for field in self.parent:
            parts.setdefault(self._find(field), []).append(field)
        cells = []
        for (row, col), fields in parts.items():
            rowspan = max(band for band, _ in fields) - row + 1
            right = max(c for _, c in fields)
            left = min(c for _, c in fields)
            if left != col or len(fields) != rowspan * (right - left + 1):
                return ()
            numbers = sorted({n for field in fields for n in self.lines_of[field]})
            bounds = self.borders[left] + 1, self.borders[right + 1]
            pieces = [self.canvas.piece(number, *bounds) for number in numbers]
            cells.append(_Cell(row, col, rowspan, right - left + 1, tuple(p for p in pieces if p)))
        return tuple(sorted(cells))


# --- columns below a line of rules ----------------------------------------------------------------


def _ruled(text: str, lines: Sequence[Line]) -> Iterator[_Drawing]:
    """Tables whose columns a line such as `---- ------ ---` marks, above, below or between."""
    marks = _Marks(text, lines)
    number = 0
    while number < len(lines):
        if _COLUMN_RULE.fullmatch(text, *lines[number]) is None:
            number += 1
            continue
        first, last = marks.extent(number)
        rules = {n - first for n in range(first, last + 1) if marks.closes(n, number)}
        drawing = _ruled_table(text, lines[first : last + 1], rules, lines[number])
        if drawing is not None:
            yield drawing
        number = last + 1


class _Marks:
    """The numbers of lines that are blank, or nothing but strokes: what a ruled table ends at."""

    def __init__(self, text: str, lines: Sequence[Line]) -> None:
        self.end = len(lines)
        self.strokes: dict[int, str] = {}
        self.blanks: list[int] = []
        self.alike: dict[str, list[int]] = {}
        self.single: dict[str, list[int]] = {}  # by their stroke
        for number, line in enumerate(lines):
            own = text[slice(*line)].strip()
            if not own:
                self.blanks.append(number)
            elif own[0] in "-=":
                self.strokes[number] = own
                self.alike.setdefault(own, []).append(number)
                if _ONE_RULE.fullmatch(own) is not None:
                    self.single.setdefault(own[0], []).append(number)

    def closes(self, number: int, rule: int) -> bool:
        """Whether a line may close the table that column rule `rule` opens."""
        own, marks = self.strokes.get(number, ""), self.strokes[rule]
        return own == marks or (own[:1] == marks[0] and _ONE_RULE.fullmatch(own) is not None)

    def extent(self, rule: int) -> tuple[int, int]:
        """First and last line of the table whose first column rule is line `rule`."""
        marks = self.strokes[rule]
        closing = self._closing(marks, rule)
        stop = _after(self.blanks, rule, self.end)
        if closing < self.end and (closing < stop or set(self.strokes[closing]) == {marks[0]}):
            last = closing
            again = self._closing(marks, last)
            heads_only = last - rule <= MAX_HEADER and marks == self.strokes[last]
            if again < self.end and heads_only and _after(self.blanks, last, self.end) > again:
                last = again
        else:
            last = stop - 1
        first = rule
        if closing != last or self.strokes[last] != marks:
            first = max(rule - MAX_HEADER, _before(self.blanks, rule) + 1)
        return first, last

    def _closing(self, marks: str, after: int) -> int:
        """The next line that may close a table with these marks; `end` if none is near."""
        same = _after(self.alike[marks], after, self.end)
        found = min(same, _after(self.single.get(marks[0], ()), after, self.end))
        return found if found < after + MAX_LINES else self.end


def _after(numbers: Sequence[int], number: int, end: int) -> int:
    at = bisect_right(numbers, number)
    return numbers[at] if at < len(numbers) else end


def _before(numbers: Sequence[int], number: int) -> int:
    at = bisect_right(numbers, number - 1)
    return numbers[at - 1] if at else -1


def _ruled_table(
    text: str, lines: Sequence[Line], rules: Collection[int], rule: Line
) -> _Drawing | None:
    """The table of these lines; `rules` are the numbers of those that part rows, as `rule` does."""
    filled = {number for number, line in enumerate(lines) if text[slice(*line)].strip()}
    texts = filled.difference(rules)
    starts = [match.start() for match in _RUN.finditer(text[slice(*rule)])]
    if not texts or len(texts) * len(starts) > MAX_POSITIONS:
        return None
    if max(line.end - line.start for line in lines) > MAX_WIDTH:
        return None
    drawn = ((_straddling(canvas, texts, starts[1:]), canvas) for canvas in canvases(text, lines))
    straddling, canvas = min(drawn, key=itemgetter(0))
    if straddling > MAX_STRADDLING * len(texts) * len(starts):
        return None
    by_paragraph = len(filled) < len(lines)
    rows: list[list[int]] = [[]]
    for number in range(len(lines)):
        if number not in texts:
            rows.append([])
        elif by_paragraph:
            rows[-1].append(number)
        else:
            rows.append([number])
    cells: list[_Cell] = []
    for row, numbers in enumerate(numbers for numbers in rows if numbers):
        columns = zip(*(canvas.parts(number, starts) for number in numbers), strict=True)
        cells += [
            _Cell(row, col, 1, 1, tuple(part for part in parts if part))
            for col, parts in enumerate(columns)
        ]
    return _drawing(text, lines[0].start, lines[-1].end, cells)


def _straddling(canvas: Canvas, numbers: Collection[int], starts: Sequence[int]) -> int:
    """How often a text reaches into the space before a column on these lines."""
    ends = {number: (canvas.columns[number] or [0])[-1] for number in numbers}
    before = (
        canvas.at(number, start - 1)
        for number, end in ends.items()
        for start in starts[: bisect_right(starts, end)]
    )
    return sum(not char.isspace() and char not in _RULES for char in before)


# --- separated fields -----------------------------------------------------------------------------


class _Separated:
    """Finds runs of lines with the same number of fields between one separator, as in CSV."""

    def __init__(self, separator: str) -> None:
        self.separator = separator
        # a field does not begin with a space, so two separators have none behind them
        words = rf"[^\n{separator}]*+"
        mark = rf"{separator}(?! ){words}(?:{separator} {words})*+{separator}(?! )"
        self.mark = re.compile(mark)
        quoted = r'"(?:[^"\n]|"")*+"'
        self.field = re.compile(
            rf"(?:{quoted}|[^{separator}\n\"][^{separator}\n]*+|)(?={separator}|$)"
        )

    def __call__(self, text: str) -> Iterator[_Drawing]:
        for lines in self._alike(text):
            run: list[list[Span]] = []
            for line in lines:
                fields = self._fields(text, line)
                if run and (fields is None or len(fields) != len(run[0])):
                    yield from _field_table(text, run)
                    run = []
                if fields is not None:
                    run.append(fields)
            yield from _field_table(text, run)

    def _alike(self, text: str) -> Iterator[Sequence[Line]]:
        """Lines below each other that may have the same number of fields, if enough of them.

        So the lines of prose are hardly ever cut into fields.
        """
        for lines in self._adjacent(text):
            run: list[Line] = []
            count = -1
            for line in lines:
                own = text.count(self.separator, *line)
                if text.find('"', *line) >= 0:  # some of them may be no separators
                    own = -1
                if own != count and -1 not in (own, count):
                    if len(run) >= MIN_FIELD_LINES:
                        yield run
                    run = []
                run.append(line)
                count = own
            if len(run) >= MIN_FIELD_LINES:
                yield run

    def _adjacent(self, text: str) -> Iterator[Sequence[Line]]:
        """Enough lines below each other that may have fields."""
        run: list[Line] = []
        for line in _lines_at(text, self.mark):
            if run and line.start != run[-1].end + 1:
                if len(run) >= MIN_FIELD_LINES:
                    yield run
                run = []
            run.append(line)
        if len(run) >= MIN_FIELD_LINES:
            yield run

    def _fields(self, text: str, line: Line) -> list[Span] | None:
        """The fields of a line without their quotes; None if it has too few."""
        end = line.end - (text[line.end - 1 : line.end] == "\r")
        if end - line.start > MAX_WIDTH or _PARTED.search(text, line.start, end):
            return None
        if text.count(self.separator, line.start, end) < MIN_FIELDS - 1:
            return None
        fields: list[Span] = []
        at = line.start
        while True:
            match = self.field.match(text, at, end)
            if match is None or (fields and match.group().startswith(" ")):
                return None
            start, stop = match.span()
            if match.group().startswith('"'):
                start, stop = start + 1, stop - 1
            fields.append(Span(start, stop))
            if match.end() >= end:
                return fields
            at = match.end() + 1


@cache
def _separated(separator: str) -> _Separated:
    return _Separated(separator)


def _field_table(text: str, rows: Sequence[Sequence[Span]]) -> Iterator[_Drawing]:
    if len(rows) < MIN_FIELD_LINES or len(rows[0]) < MIN_FIELDS or len(rows) > MAX_LINES:
        return
    lengths = [end - start for row in rows for start, end in row]
    if sum(lengths) > MAX_FIELD * len(lengths) or len(lengths) > MAX_POSITIONS:
        return
    headed = all(_is_worded(text, field) for field in rows[0])
    if not headed and sum(_cuts_numbers(text, row) for row in rows) * 2 > len(rows):
        return
    plain = sum(_is_plain(text, field) for row in rows for field in row)
    if plain < MIN_PLAIN * len(lengths):
        return
    if sum(any(_is_open(text, field) for field in row) for row in rows) > MAX_OPEN * len(rows):
        return
    cells = tuple(_fields_of(rows))
    end = rows[-1][-1].end
    yield _Drawing(rows[0][0].start, end + (text[end : end + 1] == '"'), cells)


def _cuts_numbers(text: str, row: Sequence[Span]) -> bool:
    """Whether most separators of a line group the digits of numbers, which fields never share."""
    start, end = row[0].start, row[-1].end
    grouped = {at for one in _GROUPED.finditer(text, start, end) for at in range(*one.span())}
    separators = [field.end + (text[field.end] == '"') for field in row[:-1]]
    return sum(at in grouped and text[at] == "," for at in separators) * 2 > len(separators)


def _is_worded(text: str, field: Span) -> bool:
    """Whether a field has letters and no digits, as heads of columns have."""
    own = text[field.start : field.end]
    return any(map(str.isalpha, own)) and not any(map(str.isdigit, own))


def _is_plain(text: str, field: Span) -> bool:
    """Whether a field is empty, quoted, or has no letters: more than a part of a sentence."""
    quoted = field.start > 0 and text[field.start - 1] == '"'
    return quoted or not any(char.isalpha() for char in text[field.start : field.end])


def _is_open(text: str, field: Span) -> bool:
    """Whether a bracket is opened and not closed, as where code is cut at its separators."""
    return any(text.count(a, *field) > text.count(b, *field) for a, b in ("()", "[]", "{}"))


# --- cells to plain text --------------------------------------------------------------------------


class _Writer:
    """Copies the text, cells instead of drawings, and keeps the way back to the input."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.parts: list[str] = []
        self.origins: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self.widths: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self.length = 0
        self.cells: list[HtmlCell] = []

    def write(self, drawings: Sequence[_Drawing]) -> Document:
        """The document with `drawings` (disjoint, ascending) as cells."""
        text = self.document.text
        position = 0
        for drawing in drawings:
            self._copy(position, drawing.start)
            self._put(TABLE_END, drawing.start)
            row = 0
            for cell in drawing.cells:
                if cell.row > row:
                    self._put(ROW_END * (cell.row - row), self._last)
                    row = cell.row
                self._cell(cell, drawing.start)
            self._put(ROW_END + TABLE_END, drawing.end)
            position = drawing.end
        self._copy(position, len(text))
        starts = np.concatenate(self.origins)
        if self.document.starts is not None:  # lines were put together before
            starts = np.append(self.document.starts, len(self.document.raw))[starts]
        return replace(
            self.document,
            text="".join(self.parts),
            starts=starts,
            ends=starts + np.concatenate(self.widths),
            cells=tuple(self.cells),
        )

    _last = 0

    def _cell(self, cell: _Cell, start: int) -> None:
        for piece in cell.pieces:
            self._copy(*piece)
            self._last = piece.end
        self.cells.append(HtmlCell(self.length, cell.rowspan, cell.colspan, header=False))
        self._put(CELL_END, self._last or start)

    def _copy(self, start: int, end: int) -> None:
        self.parts.append(self.document.text[start:end])
        self.origins.append(np.arange(start, end, dtype=np.int64))
        self.widths.append(np.ones(end - start, dtype=np.int64))
        self.length += end - start

    def _put(self, separators: str, position: int) -> None:
        self.parts.append(separators)
        self.origins.append(np.full(len(separators), position, dtype=np.int64))
        self.widths.append(np.zeros(len(separators), dtype=np.int64))
        self.length += len(separators)
