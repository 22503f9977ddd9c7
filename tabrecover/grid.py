"""Alignment to grid: every template cell with what it holds, how sure, and what else it may be.

The texts a value slot may hold are the units that the posterior puts there, joined by equal
text (which of two zeros it is does not matter), and blank where it may show nothing. The decoded
trace chooses, so no unit is used twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.align import NOTHING
from tabrecover.coherence import doubtful_cells
from tabrecover.confidence import ACCEPT, Confidence, alternatives
from tabrecover.model import Cell, Check, Span
from tabrecover.rules import check_rules, suggestions
from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import Units, is_delimited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tabrecover.align import Alignment, Placement
    from tabrecover.model import Document
    from tabrecover.scoring import Scoring
    from tabrecover.template import TemplateCell


__all__ = ["FilledGrid", "Rival", "fill_grid"]

_WORD = re.compile(r"[^\s|\x1d-\x1f]+")
_WORD_SIGN = re.compile(r"\w")
_UNCUT: Mapping[int, float] = MappingProxyType({})
UNSEEN = 0.8  # confidence that a cell of which nothing could show is blank, and not lost
IN_DOUBT = 0.5  # most for a blank beside numbers left over, and where rows or columns contradict
ADDED = 0.97  # probability that words and as many values as a row has are a row
LOST_LABEL = 0.8  # confidence that a label belongs here although the dump does not show it


@dataclass(frozen=True, slots=True)
class FilledGrid:
    """Cells in reading order, checks, plain span of all that was placed, stray units."""

    cells: tuple[Cell, ...]
    checks: tuple[Check, ...]
    span: Span
    unplaced: tuple[Span, ...]


class Rival(NamedTuple):
    """The cells of the same table, by position, as a rival reading has them; its probability."""

    share: float
    cells: Mapping[tuple[int, int], Cell]

    @classmethod
    def of(cls, share: float, filled: FilledGrid) -> Rival:
        """A reading that filled the grid like this."""
        return cls(share, {(cell.row, cell.col): cell for cell in filled.cells})

    def texts(self, cell: Cell) -> dict[str, float]:
        """What it adds to the probabilities of the texts that `cell` may hold."""
        own = self.cells.get((cell.row, cell.col))
        if own is None or own.role != cell.role:
            return {}
        odds = {a.text: self.share * a.confidence for a in own.alternatives}
        return odds | {own.text: self.share * own.confidence}


def fill_grid(
    document: Document,
    units: Units,
    alignment: Alignment,
    scoring: Scoring,
    layout: float,
    *,
    share: float = 1.0,
    rivals: Sequence[Rival] = (),
    cut: Mapping[int, float] = _UNCUT,
) -> FilledGrid:
    """Fill the template's grid; `layout` is the probability that it is the right layout.

    `scoring` says what of cells and rows the dump shows. `share` is the probability of this
    reading of the dump; what `rivals` agree with is the surer for it. `cut` has the probability of
    units that were cut out of run together numbers.
    """
    filler = _Filler(document, units, alignment, scoring, layout, cut)
    template = alignment.template
    cells = {
        index: filler.label(index, cell) if cell.role == "label" else filler.value(index, cell)
        for index, cell in enumerate(template.cells)
    }
    if share < 1:
        cells = {index: _averaged(cell, share, rivals) for index, cell in cells.items()}
    for index, text in suggestions(template, cells, ACCEPT).items():
        cells[index] = replace(cells[index], suggestion=text)
    checks = check_rules(template, cells)
    span, unplaced = filler.extent()
    ordered = sorted(cells.values(), key=lambda c: (c.row, c.col))
    return FilledGrid(tuple(ordered), tuple(checks), span, unplaced)


def _averaged(cell: Cell, share: float, rivals: Sequence[Rival]) -> Cell:
    """The cell with the probabilities of its texts over all readings."""
    odds: dict[str, float] = defaultdict(float)
    for reading in (Rival(share, {(cell.row, cell.col): cell}), *rivals):
        for text, probability in reading.texts(cell).items():
            odds[text] += probability
    confidence = round(odds.pop(cell.text), 6)
    return replace(
        cell, confidence=confidence, alternatives=alternatives(odds, cell.text, confidence)
    )


def row_strays(document: Document, units: Units, alignment: Alignment) -> list[tuple[int, str]]:
    """Texts behind the first placed symbol that found no slot, with the row that they stand in.

    What is run into the last unit is one of them.
    """
    strays: list[tuple[int, str]] = []
    row = -1
    for symbol, slot in zip(alignment.symbols, alignment.trace, strict=True):
        if slot >= 0:
            row = alignment.template.slots[slot].row
        elif symbol.kind == UnitKind.NUMBERING:  # counts rows or columns, and is no value
            continue
        elif row >= 0 and symbol.unit >= 0 and units.units[symbol.unit].label < 0:
            unit = units.units[symbol.unit]
            strays.append((row, document.text[unit.start : unit.end]))
    run_in = _WORD.match(document.text, units.units[-1].end)
    return [*strays, (row, run_in.group())] if run_in else strays


class _Filler:
    def __init__(
        self,
        document: Document,
        units: Units,
        alignment: Alignment,
        scoring: Scoring,
        layout: float,
        cut: Mapping[int, float],
    ) -> None:
        self.cut = cut
        self.document = document
        self.units = units.units
        self.texts = [document.text[unit.start : unit.end] for unit in units.units]
        self.alignment = alignment
        self.layout = layout
        self.origin_slot: dict[int, int] = {}
        for number, slot in enumerate(alignment.template.slots):
            if slot.kind != SlotKind.VALUE_CONTINUED:
                self.origin_slot.setdefault(slot.cell, number)
        self.placed: dict[int, list[int]] = defaultdict(list)  # template cell -> units
        for symbol, at in zip(alignment.symbols, alignment.trace, strict=True):
            if at >= 0 and symbol.unit >= 0:
                self.placed[alignment.template.slots[at].cell].append(symbol.unit)
        self.doubtful = doubtful_cells(
            alignment,
            units.gaps,
            delimited=scoring.rows_shown and scoring.blanks_shown and is_delimited(units),
            by_lines=scoring.rows_shown and not scoring.blanks_shown,
        )
        self.end = self._end_of_document()
        self.ends_in_spaces = self._ends_in_spaces()
        self.open_rows = {
            row
            for row, text in (*row_strays(document, units, alignment), *self._unlike_numbers())
            if any(map(str.isdecimal, text))
        }

    def _unlike_numbers(self) -> Iterator[tuple[int, str]]:
        """Texts in slots for numbers, by row: several numbers may be run together in them."""
        for symbol, at in zip(self.alignment.symbols, self.alignment.trace, strict=True):
            slot = self.alignment.template.slots[at]
            if at >= 0 and symbol.kind == UnitKind.TEXT and slot.kind < SlotKind.TEXT:
                yield slot.row, self.texts[symbol.unit]

    def _end_of_document(self) -> float:
        """The slot of the document's last text: what is behind may be cut off; or infinity."""
        symbols = self.alignment.symbols
        texts = [k for k, at in enumerate(self.alignment.trace) if at >= 0 and symbols[k].unit >= 0]
        if not texts or _WORD_SIGN.search(
            self.document.text, self.units[symbols[texts[-1]].unit].end
        ):
            return inf
        return self.alignment.trace[texts[-1]]

    def _ends_in_spaces(self) -> bool:
        """Whether the cells at the end are columns', with too few spaces to show them."""
        if self.document.kind == "html" or not self.document.cells or not self.placed:
            return False
        units = [unit for units in self.placed.values() for unit in units]
        first, last = self.units[min(units)], self.units[max(units)]
        raw = self.document.raw
        start = raw.rfind("\n", 0, self.document.raw_span(first.start, first.end).start) + 1
        end = self.document.raw_span(last.start, last.end).end
        if raw[end:].strip(" \r\n"):
            return False
        *above, own = [len(line.rstrip("\r")) for line in raw[start:].rstrip("\r\n").split("\n")]
        return own < max(above, default=0)

    def _spans(self, units: Sequence[int]) -> tuple[Span, ...]:
        spans: list[Span] = []
        for unit in units:
            spans += self.document.raw_spans(self.units[unit].start, self.units[unit].end)
        return tuple(spans)

    def label(self, index: int, cell: TemplateCell) -> Cell:
        units = self.placed.get(index, [])
        seen = sum(p.probability for p in self._placements(index) if p.symbol != NOTHING)
        placement = seen + (1 - seen) * LOST_LABEL if units else LOST_LABEL
        observed = " ".join([self.texts[unit] for unit in units]) if units else None
        return Cell(
            cell.row, cell.col, cell.rowspan, cell.colspan, "label",
            (observed or "") if cell.is_open else cell.text, observed, None,
            Confidence(self.layout, placement).total, self._spans(units),
        )  # fmt: skip

    def value(self, index: int, cell: TemplateCell) -> Cell:
        shares: dict[str, float] = {}
        margins: dict[str, float] = {}
        for symbol, probability, margin in self._placements(index):
            unit = -1 if symbol == NOTHING else self.alignment.symbols[symbol].unit
            text = self.texts[unit] if unit >= 0 else ""
            shares[text] = shares.get(text, 0.0) + probability
            margins[text] = max(margins.get(text, -inf), margin)
        units = self.placed.get(index, [])
        chosen = self.texts[units[0]] if units else ""
        rival = max((m for text, m in margins.items() if text != chosen), default=-inf)
        lead = margins.get(chosen, -inf) - rival if margins else 0.0
        placement = shares.get(chosen, 0.0)
        if not chosen and self._is_unseen(index):
            placement = min(placement, UNSEEN)
        if index in self.doubtful or (not chosen and cell.row in self.open_rows):
            placement = min(placement, IN_DOUBT)
        if cell.row in self.alignment.template.added:
            placement *= ADDED
        if units:
            placement *= self.cut.get(units[0], 1.0)
        total = Confidence(self.layout, placement, lead).total
        return Cell(
            cell.row, cell.col, cell.rowspan, cell.colspan, "value", chosen, None, cell.key,
            total, self._spans(units), alternatives(shares, chosen, total),
        )  # fmt: skip

    def _is_unseen(self, index: int) -> bool:
        """Whether the dump shows neither this cell nor its row's label, or ends before the cell."""
        label = self.alignment.template.row_labels.get(index)
        optional = self.alignment.template.cells[index].optional
        is_behind = self.origin_slot[index] > self.end
        if any(s != NOTHING and p > 0.5 for s, p, _ in self._placements(index)):
            return is_behind and self.ends_in_spaces
        if is_behind:
            return True
        return label is not None and not optional and not self.placed.get(label)

    def _placements(self, index: int) -> Sequence[Placement]:
        return self.alignment.placements.get(self.origin_slot[index], ())

    def extent(self) -> tuple[Span, tuple[Span, ...]]:
        """Plain span of the placed units, and input spans of the stray ones inside it."""
        taken = {unit for units in self.placed.values() for unit in units}
        if not taken:
            return Span(0, 0), ()
        first, last = min(taken), max(taken)
        span = Span(self.units[first].start, self.units[last].end)
        strays = [u for u in range(first, last) if u not in taken]
        return span, self._spans(strays)
