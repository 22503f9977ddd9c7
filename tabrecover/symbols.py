"""What the aligner sees of a region: its units, and the empty cells and row ends of its gaps.

A law of flattening turns gaps into *symbols* (`read_symbols`). What a symbol is follows from its
text, but for numbers that count rows or columns, as data frames print them: only the grid around
them tells these from values (`with_numbering`).
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.fold import fold_text
from tabrecover.looks import written_as
from tabrecover.scoring import UnitKind
from tabrecover.units import classify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.dialects import Law
    from tabrecover.looks import Written
    from tabrecover.template import Template
    from tabrecover.units import Units

__all__ = ["Symbol", "is_sentence", "read_symbols", "with_numbering"]

MIN_WIDE, MIN_WORDS = 8, 4  # ideographs, or words, of a sentence
_FULL_STOP = re.compile(r"[.。．!！?？]['\"’”」』)）]*\Z")
MIN_COUNTED = 3  # rows in a row whose first number is one more than that before
MAX_COUNT_DIGITS = 6  # of a number that counts rows


class Symbol(NamedTuple):
    """What the aligner sees: a unit (by index), or an empty cell or row end (-1)."""

    kind: UnitKind
    unit: int
    form: str  # folded text
    written: Written = ""
    is_sentence: bool = False


def read_symbols(text: str, units: Units, law: Law) -> tuple[Symbol, ...]:
    """The region as a sequence of symbols, gaps read by `law`."""
    blank, row_end = Symbol(UnitKind.BLANK, -1, ""), Symbol(UnitKind.ROW_END, -1, "")
    readings = law.read(units.gaps)
    symbols: list[Symbol] = []
    for number, reading in enumerate(readings):
        symbols += [blank if code == "B" else row_end for code in reading]
        if number < len(units.units):
            unit = units.units[number]
            piece = text[unit.start : unit.end]
            kind = UnitKind.LABEL if unit.label >= 0 else classify(piece)
            symbols.append(
                Symbol(kind, number, fold_text(piece), written_as(piece), is_sentence(piece))
            )
    return tuple(symbols)


def is_sentence(text: str) -> bool:
    """Whether a text ends as sentences do, and is longer than what abbreviations end.

    >>> is_sentence("Counts are of the last day."), is_sentence("No. of beds"), is_sentence("Inc.")
    (True, False, False)
    """
    if _FULL_STOP.search(text) is None:
        return False
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return wide >= MIN_WIDE or len(text.split()) >= MIN_WORDS


def with_numbering(symbols: Sequence[Symbol], template: Template) -> list[Symbol]:
    """Tell numbers that count columns or rows, as data frames print them, from values.

    Counts of columns are a first row above the labels; counts of rows make most of their rows
    wider than the template.
    """
    ends = [k for k, symbol in enumerate(symbols) if symbol.kind == UnitKind.ROW_END]
    rows = list(zip([0, *(end + 1 for end in ends)], [*ends, len(symbols)], strict=True))
    counting: list[int] = []
    heads = next((filled for row in rows if (filled := _filled(symbols, row))), [])
    if len(heads) > 1 and 0 not in template.rows_of_values and _counts(symbols, heads):
        counting += heads
    column = _counting_column(symbols, [start for start, end in rows if start < end])
    width = {start: end - start for start, end in rows}
    if 2 * sum(width[start] > template.n_cols for start in column) > len(column):
        counting += column
    marked = list(symbols)
    for k in counting:
        if symbols[k].kind == UnitKind.INTEGER:
            marked[k] = symbols[k]._replace(kind=UnitKind.NUMBERING)
    return marked


def _filled(symbols: Sequence[Symbol], row: tuple[int, int]) -> list[int]:
    return [k for k in range(*row) if symbols[k].unit >= 0]


def _counting_column(symbols: Sequence[Symbol], starts: Sequence[int]) -> list[int]:
    """The first symbols of rows that count one up from row to row."""
    column: list[int] = []
    run: list[int] = []
    for start in starts:
        if not _continues(symbols, run, start):
            column += run if len(run) >= MIN_COUNTED else []
            run = []
        if symbols[start].kind in (UnitKind.INTEGER, UnitKind.BLANK):
            run.append(start)
    return column + (run if len(run) >= MIN_COUNTED else [])


def _continues(symbols: Sequence[Symbol], leads: Sequence[int], start: int) -> bool:
    """Whether the row that begins at `start` goes on with a column of counts below blank heads."""
    if not leads or symbols[start].kind == UnitKind.BLANK:
        return not leads or symbols[leads[-1]].kind == UnitKind.BLANK
    if symbols[leads[-1]].kind == UnitKind.BLANK:
        return symbols[start].form in ("0", "1")
    return _counts(symbols, [leads[-1], start])


def _counts(symbols: Sequence[Symbol], places: Sequence[int]) -> bool:
    """Whether the symbols at `places` are integers that go up by one."""
    numbers = [symbols[k].form for k in places]
    if not all(form.isdecimal() and len(form) < MAX_COUNT_DIGITS for form in numbers):
        return False
    return all(int(b) - int(a) == 1 for a, b in itertools.pairwise(numbers))
