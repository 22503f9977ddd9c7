"""Where an alignment contradicts itself: columns in another order, rows that don't hold together.

The aligner explains a dump by the template at any price: what fits nowhere becomes a stray, and
the rest moves up. Three signs tell that a table is not drawn as the template has it, whatever the
scores say. Heads of columns that stand in another order than the template's: columns were
exchanged. A text between heads that are neighbours: a column is there that the template lacks. In
a dump that parts all cells and rows, a row with a cell that found no slot, with one cut in two, or
whose values stand on several lines: its cells have moved. Values that such a sign concerns are not
told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import SPACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tabrecover.align import Alignment
    from tabrecover.symbols import Symbol
    from tabrecover.template import Template

__all__ = ["doubtful_cells"]

_LABELS = (UnitKind.LABEL, UnitKind.NUMBERING)


def doubtful_cells(
    alignment: Alignment, gaps: Sequence[str], *, delimited: bool, by_lines: bool
) -> frozenset[int]:
    """The value cells, by index, that a contradiction concerns.

    `gaps` are those around the units. `delimited`: characters of their own part all cells and
    rows. `by_lines`: nothing but spaces parts the cells of a row, so that a head of several lines
    is not read in order.
    """
    template = alignment.template
    values = [i for i, cell in enumerate(template.cells) if cell.role == "value"]
    heads = [] if by_lines else list(_heads(template))
    if any(_is_exchanged(alignment, row) for row in heads):
        return frozenset(values)
    if not delimited:
        return frozenset()
    lines = list(accumulate(s.kind == UnitKind.ROW_END for s in alignment.symbols))
    if any(_holds_foreign(alignment, row) for row in heads):
        return frozenset(values)
    renamed = {column for row in heads for column in _renamed(alignment, row)}
    in_column = (i for i in values if template.cells[i].col in renamed)
    return frozenset([*_moved(alignment, gaps, lines), *in_column])


def _heads(template: Template) -> Iterator[list[int]]:
    """By row, the slots of labels of one column above values, whose text no other label has."""
    forms = Counter(form for cell in template.cells for form in cell.forms)
    rows: dict[int, list[int]] = defaultdict(list)
    for number, slot in enumerate(template.slots):
        if slot.kind == SlotKind.LABEL and slot.row not in template.rows_of_values:
            cell = template.cells[slot.cell]
            if cell.colspan == 1 and all(forms[form] == 1 for form in cell.forms):
                rows[slot.row].append(number)
    yield from rows.values()


def _is_exchanged(alignment: Alignment, row: Sequence[int]) -> bool:
    """Whether labels of one row, placed or not, stand in another order."""
    at = dict(zip(reversed(alignment.trace), range(len(alignment.trace) - 1, -1, -1), strict=True))
    unplaced = {
        symbol.form: k
        for k, symbol in enumerate(alignment.symbols)
        if alignment.trace[k] < 0 and symbol.kind == UnitKind.LABEL
    }
    places = []
    for slot in row:
        forms = alignment.template.cells[alignment.template.slots[slot].cell].forms
        strays = [unplaced[form] for form in forms if form in unplaced]
        places += [at[slot]] if slot in at else strays[:1]
    return any(behind < before for before, behind in pairwise(places))


def _holds_foreign(alignment: Alignment, row: Sequence[int]) -> bool:
    """Whether words of no label stand between two heads side by side, or behind the last column."""
    at = {slot: k for k, slot in enumerate(alignment.trace) if slot >= 0}
    width = alignment.template.n_cols + 1
    seen = [slot for slot in row if slot in at]
    for slot, following in pairwise(seen):
        if following == slot + 1 and _has_words(
            alignment.symbols[at[slot] + 1 : at[following]], alignment.template
        ):
            return True
    if not seen or seen[-1] % width != width - 2:
        return False
    behind = alignment.symbols[at[seen[-1]] + 1 :]
    ends = (k for k, symbol in enumerate(behind) if symbol.kind == UnitKind.ROW_END)
    return _has_words(behind[: next(ends, len(behind))], alignment.template)


def _renamed(alignment: Alignment, row: Sequence[int]) -> Iterator[int]:
    """Columns without their head, where words of no label stand between the heads beside them."""
    at = {slot: k for k, slot in enumerate(alignment.trace) if slot >= 0}
    width = alignment.template.n_cols + 1
    for slot, following in pairwise(slot for slot in row if slot in at):
        if following > slot + 1 and _has_words(
            alignment.symbols[at[slot] + 1 : at[following]], alignment.template
        ):
            yield from (other % width for other in row if slot < other < following)


def _has_words(symbols: Sequence[Symbol], template: Template) -> bool:
    """Whether any text has nothing to do with the template's labels."""
    forms = [form for cell in template.cells for form in cell.forms]
    texts = (symbol.form for symbol in symbols if symbol.kind == UnitKind.TEXT)
    return any(not any(form in text or text in form for form in forms) for text in texts)


def _moved(alignment: Alignment, gaps: Sequence[str], lines: Sequence[int]) -> Iterator[int]:
    """Value cells of rows with a line on which a cell found no slot, or put together of lines.

    An empty cell without a slot moves what stands behind it, so it counts before a value only. So
    does a text that was cut in two where nothing parts cells.
    """
    template = alignment.template
    torn: set[int] = set()
    blank = -1  # the line of the last empty cell without a slot
    previous = -2  # the last value's unit
    lines_of: dict[int, set[int]] = defaultdict(set)
    rows_of: dict[int, set[int]] = defaultdict(set)
    for symbol, slot, line in zip(alignment.symbols, alignment.trace, lines, strict=True):
        if slot < 0 and symbol.kind == UnitKind.BLANK:
            blank = line
        elif slot < 0 and symbol.unit >= 0 and symbol.kind not in _LABELS:
            torn.add(line)
        elif slot >= 0 and template.slots[slot].kind <= SlotKind.TEXT and symbol.unit >= 0:
            rows_of[line].add(template.slots[slot].row)
            lines_of[template.slots[slot].row].add(line)
            is_rest = previous == symbol.unit - 1 and SPACES.issuperset(gaps[symbol.unit])
            torn.update([line] if blank == line or is_rest else [])
            previous = symbol.unit
    rows = {row for row, own in lines_of.items() if len(own) > 1}
    rows.update(*(rows_of[line] for line in torn))
    for number, cell in enumerate(template.cells):
        if cell.role == "value" and cell.row in rows:
            yield number
