"""Rows that a table has and its template lacks: kept, at their place, drawn as the row above.

A local office adds a row of its own. The aligner passes over it as one event, a run of strays with
words among them, between two rows of the template. Below the first of these the template is drawn
with a row more (`Template.with_row`): the same cells, labels that may say anything, values without
keys; cells that span the row above grow to span the new one. If the symbols fit that template
better, by more than such a row is rare, the row is kept. Alignment, posterior and doubts are then
those of any other row. What may be anything stays as it was: a row without words, with words for
numbers, or with fewer texts than cells.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from tabrecover.bounds import MIN_ROW
from tabrecover.scoring import NUMERIC, UnitKind
from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tabrecover.align import Aligner, Alignment
    from tabrecover.symbols import Symbol
    from tabrecover.template import Template

__all__ = ["align_with_rows"]

_DIGITS = re.compile(r"\d+")
MAX_ADDED = 8  # rows of one table
MAX_TRIED = 40  # places in it


def align_with_rows(
    aligner: Aligner,
    row_added: float,
    align: Callable[[Aligner], Alignment],
    is_marked: bool,
) -> Alignment:
    """The alignment, with the rows that the template lacks; `row_added` is their probability.

    `align` gives the alignment of an aligner that it has not seen before. `is_marked`: marks part
    cells and rows, so that a name and a value side by side behind the table are a row of it.
    """
    score = aligner.score()
    plain = align(aligner)
    rows = [] if score is None else list(_likely_rows(aligner, plain, score, log(row_added)))
    last = aligner.template.n_rows - 1
    if is_marked and last not in rows and last in _rows_before_names(plain):
        rows.append(last)  # what is behind the table costs nothing, but marks go on there
    while rows:
        found = align(aligner.with_rows(rows))
        names = _names(found)
        whole = [row for row in found.template.added if _is_drawn(found, row, names, is_marked)]
        if len(whole) == len(rows):
            return _with_words(found)
        rows = [row - before - 1 for before, row in enumerate(found.template.added) if row in whole]
    return plain


def _likely_rows(
    aligner: Aligner, alignment: Alignment, best: float, price: float
) -> Iterator[int]:
    """The rows below which another fits the symbols better than none; `best` is the score so far.

    A row more costs `price`.
    """
    chosen: list[int] = []
    for row in islice(_rows_before_names(alignment), MAX_TRIED):
        while len(chosen) < MAX_ADDED:
            score = aligner.with_rows([*chosen, row]).score()
            if score is None or score + price <= best:
                break
            best = score + price
            chosen.append(row)
            yield row


def _rows_before_names(alignment: Alignment) -> Iterator[int]:
    """Rows of the template, of labels and values, behind whose first symbol names are strays.

    Values of the new row may have taken the places of the row's own.
    """
    template = alignment.template
    strays = (k for k, slot in enumerate(alignment.trace) if slot < 0)
    if not any(alignment.symbols[k].kind == UnitKind.TEXT for k in strays):
        return
    names = _names(alignment)
    above, is_named = -1, False
    for symbol, slot in enumerate(alignment.trace):
        if slot < 0:
            is_named = is_named or symbol in names
            continue
        row = template.slots[slot].row
        if is_named and 0 <= above <= row and _has_values(template, above):
            yield above
        above, is_named = row, False
    if is_named and above == template.n_rows - 1 and _has_values(template, above):
        yield above


def _names(alignment: Alignment) -> set[int]:
    """Texts that may name a row: no pieces of labels, and none that comes again, as furniture does.

    A text repeated side by side, over its span, counts as one; so do texts that differ in digits.
    """
    labels = {form for cell in alignment.template.cells for form in cell.forms}
    symbols = alignment.symbols
    words = {
        k: form
        for k, symbol in enumerate(symbols)
        if symbol.kind == UnitKind.TEXT and (form := _DIGITS.sub("", symbol.form))
    }
    counts = Counter(form for k, form in words.items() if words.get(k - 1) != form)
    return {
        k
        for k, form in words.items()
        if counts[form] == 1
        and not any(
            form in label or (label in form and 2 * len(label) > len(form)) for label in labels
        )
    }


def _has_values(template: Template, row: int) -> bool:
    """Whether a row has labels and values of its own, which a new row would be drawn as."""
    own = {cell.role for cell in template.cells if cell.row == row and cell.rowspan == 1}
    return len(own) > 1


def _is_drawn(alignment: Alignment, row: int, names: Collection[int], is_marked: bool) -> bool:
    """Whether a row has one of the names and values, numbers where the row above has numbers.

    It has all its texts: they may be anything, so that one of them less may be any. Behind the last
    row it has several values, or where marks part cells, one on the line of its name.
    """
    template, symbols = alignment.template, alignment.symbols
    held = {slot: symbol for symbol, slot in enumerate(alignment.trace)}
    slots = [(number, s.kind) for number, s in enumerate(template.slots) if s.row == row]
    values = [number for number, kind in slots if kind <= SlotKind.TEXT]
    numbers = [held[n] for n, kind in slots if kind < SlotKind.TEXT and n in held]
    if not all(symbols[number].kind in (*NUMERIC, UnitKind.BLANK) for number in numbers):
        return False
    shown = sum(symbols[held[value]].unit >= 0 for value in values if value in held)
    is_named = any(kind == SlotKind.LABEL and held.get(number) in names for number, kind in slots)
    if row == template.n_rows - 1 and shown < MIN_ROW:
        own = [held[number] for number, _ in slots if number in held]
        if not (shown and is_marked and _are_on_one_line(symbols, own)):
            return False
    has_texts = any(kind == SlotKind.TEXT for _, kind in slots)
    return is_named and (held.keys() >= set(values) or (shown > 0 and not has_texts))


def _are_on_one_line(symbols: Sequence[Symbol], own: Collection[int]) -> bool:
    return all(symbol.kind != UnitKind.ROW_END for symbol in symbols[min(own) : max(own)])


def _with_words(alignment: Alignment) -> Alignment:
    """Words beside the label of a row that the template lacks are part of the label."""
    slots, symbols = alignment.template.slots, alignment.symbols
    trace = list(alignment.trace)
    for order in (range(len(trace)), range(len(trace) - 1, -1, -1)):
        beside = -1
        for k in order:
            slot = trace[k]
            if slot < 0 and beside >= 0 and symbols[k].kind == UnitKind.TEXT:
                trace[k] = beside
                continue
            added = slot >= 0 and slots[slot].row in alignment.template.added
            beside = slot if added and slots[slot].kind == SlotKind.LABEL else -1
    return replace(alignment, trace=tuple(trace))
