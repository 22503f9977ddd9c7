"""Why a recovery says what it says: its alignments move by move, with all that led there.

An explanation is a reading of the recovery, not a second one: the pipeline leaves with each table
what it was made from (`Table.evidence`, `Table.alignment`), and all that is told comes from there.
Only the score of a single move is worked out again, by the aligner itself (`align.move_scores`).

An alignment is told as *steps* in reading order, one for every symbol of the region and one for
every slot of the template that took none; each symbol and each slot is in exactly one step. A
table of unknown layout has no alignment; its steps are its cells.

Scores, margins and leads are natural logarithms of odds. Rows and columns count from 0 here, as
in the record; lines and the columns in them count from 1, as editors do.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from math import exp, inf, log
from typing import TYPE_CHECKING, Any, NamedTuple

from tabrecover.align import NOTHING, MoveScores, move_scores
from tabrecover.confidence import ACCEPT, CEILING
from tabrecover.headers import header_paths
from tabrecover.lex import SEPARATORS
from tabrecover.model import Alternative, Span
from tabrecover.pipeline import recover_document
from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import classify, number_of, plain_number

if TYPE_CHECKING:
    from tabrecover.align import Alignment
    from tabrecover.calibration import Calibration
    from tabrecover.catalog import AnyLibrary
    from tabrecover.grid import Rival
    from tabrecover.model import Cell, Dialect, Document, Kind, Role, Status, Unit, Verdict
    from tabrecover.results import Evidence, Recovery, Table
    from tabrecover.roundtrip import Mismatch, MismatchKind
    from tabrecover.scoring import Scoring
    from tabrecover.symbols import Symbol
    from tabrecover.template import Slot

__all__ = [
    "Candidate",
    "CellExplanation",
    "Choice",
    "Difference",
    "Explanation",
    "Move",
    "Parts",
    "Place",
    "Rule",
    "Step",
    "TableExplanation",
    "Term",
    "explain",
    "explain_cell",
    "explain_document",
    "find_cell",
]

NEIGHBOURS = 4  # symbols shown on either side of a cell
VALUE_KINDS = (SlotKind.INTEGER, SlotKind.DECIMAL, SlotKind.TEXT)
ORIGIN_KINDS = (*VALUE_KINDS, SlotKind.LABEL)
COVERED_KINDS = (SlotKind.LABEL_CONTINUED, SlotKind.VALUE_CONTINUED)
_LINE_END = re.compile("\r\n|\r|\n")
_PARTING = re.compile(rf"[\s{re.escape(''.join(SEPARATORS))}]")


class Move(StrEnum):
    """What became of a symbol, or of a slot that took none."""

    ANCHOR = "anchor"  # a label that occurs once in the region and once in the template
    LABEL = "label"  # another label in its slot, whole or damaged
    PIECE = "piece"  # (a piece of) a label at a position that its cell covers
    VALUE = "value"
    BLANK = "blank"  # an empty value cell that the dump shows
    COVERED = "covered"  # a position under a spanning cell that the dump shows as an empty cell
    ROW_END = "row_end"
    ADDED = "added"  # a word or value of a row that the template lacks, so it got a row of its own
    STRAY = "stray"  # a symbol inside the table that belongs nowhere
    OUTSIDE = "outside"  # a symbol before or behind the table
    LOST = "lost"  # a label that the dump does not show (an empty cell may stand for it)
    ASSUMED = "assumed"  # a value cell without any trace, so it is taken for blank
    ABSENT = "absent"  # an optional label or value without any trace
    LEFT_OUT = "left_out"  # a label or value of a row of which the dump shows nothing
    HIDDEN = "hidden"  # a row end or covered position that the dump does not show; most don't


@dataclass(frozen=True, slots=True)
class Place:
    """Another place that a step's text, or another text that its slot, might have had.

    `lead`: by how much the best alignment with what was chosen is ahead of the best with this.
    """

    text: str
    row: int | None
    col: int | None
    probability: float | None
    lead: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """One move of the alignment.

    `symbol` is its number among the region's symbols, `kind` what it looks like; `spans` are
    input characters: those of the text, several where it was cut into pieces, or for an empty
    cell and a row end the gap that shows it; `line` and `column` are where the first begins,
    `last_line` is the last that any of them stands on. `slot` is the slot's number in the template;
    `key` names a value, `label` is the text that the template has there. `score`: log-odds of the
    move; `probability`: of this text in this slot (of a stray: that it is one); `runner_up`: what
    else the slot might hold, or where else a stray might belong.
    """

    move: Move
    symbol: int | None = None
    kind: str | None = None
    text: str | None = None
    spans: tuple[Span, ...] = ()
    line: int | None = None
    column: int | None = None
    last_line: int | None = None
    slot: int | None = None
    row: int | None = None
    col: int | None = None
    key: str | None = None
    label: str | None = None
    score: float | None = None
    probability: float | None = None
    runner_up: Place | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A layout that competed for the table.

    `score`: log-odds of its alignment and label words; `support`: what the rest of the document
    adds (phrases that speak for an edition, other tables).
    """

    template: str
    score: float
    support: float
    probability: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A cell in a rule: what its text counts as (blanks and marks as 0, words as None)."""

    key: str | None
    row: int
    col: int
    text: str
    number: int | float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its numbers: the sum of `left` should be the sum of `right`."""

    rule: str
    left: tuple[Term, ...]
    right: tuple[Term, ...]
    left_sum: int | float | None
    right_sum: int | float | None
    holds: bool | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where the grid, flattened again by the law, differs from the dump.

    `kind`: `gap` (other separators), `order` (a text that should have come before), `text` (one
    that no cell holds). `span` are input characters, `line` and `column` where they begin;
    `expected` and `found` are separators in the letters of `lex`, or nothing and the text;
    `cells` rows and columns of the cells that it touches.
    """

    kind: MismatchKind
    span: Span
    line: int
    column: int
    expected: str
    found: str
    cells: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a cell's confidence is the product of.

    `together` = `layout` x the smaller of `placement` and `bound` x `ceiling` x `other` + `agreed`
    is the model's own probability; calibration makes `total` of it. `bound` is what the
    odds of the best rival allow, None without a rival; `lead` those odds as a logarithm; `other`
    what no other part accounts for (such as a row of which nothing is seen); `agreed` what comes
    from other ways of flattening that lead to the same text. For labels, and in tables of unknown
    layout, `placement` is what the other parts leave.
    """

    layout: float | None
    placement: float | None
    lead: float | None
    bound: float | None
    other: float
    ceiling: float
    agreed: float
    together: float
    total: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that a cell may hold: its probability given the layout, how far it is behind.

    `behind`: by how much the best alignment with it is behind the best of all (None where
    nothing was compared); `spans` where the text stands in the input, wherever it may be meant.
    """

    text: str
    probability: float
    behind: float | None
    chosen: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class CellExplanation:
    """A cell with its neighbours in the dump, all it may hold, its confidence, its rules."""

    table: int
    row: int
    col: int
    rowspan: int
    colspan: int
    role: Role
    text: str
    observed: str | None
    key: str | None
    row_path: tuple[str, ...]
    column_path: tuple[str, ...]
    confidence: float
    suggestion: str | None
    spans: tuple[Span, ...]
    choices: tuple[Choice, ...]
    alternatives: tuple[Alternative, ...]
    parts: Parts
    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    after: tuple[Step, ...]
    rules: tuple[Rule, ...]
    mismatches: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, texts and numbers (docs/explain.md)."""
        record: dict[str, Any] = _plain(self)
        return record


@dataclass(frozen=True, slots=True)
class TableExplanation:
    """A table of the recovery and what led there; `number` counts from 1.

    `score` is the log-odds of the alignment in all its variants, `path_score` those of the
    steps that were chosen. `certainty` is that of the template with its edition, `layout` the
    probability that goes into every cell's confidence, `flattening` that the dump was flattened as
    it was read, which is part of it. Values below `least` confidence count as doubtful. `cells`
    and `alignment` are the recovery's own; `symbol_spans` are the input characters of the
    alignment's symbols, `uncalibrated` the confidences by row and column before calibration,
    `agreed` what of them comes from other ways of flattening the dump, where they agree.
    `compared` texts with the gaps before them were held against the grid flattened again (None
    without an alignment); `mismatches` are those that differ.
    """

    number: int
    template: str | None
    title: str
    span: Span
    lines: tuple[int, int]
    shape: tuple[int, int]
    confidence: float
    status: Status
    certainty: float
    least: float
    layout: float | None
    flattening: float | None
    candidates: tuple[Candidate, ...]
    score: float | None
    path_score: float | None
    counts: dict[str, int]
    rows_left_out: tuple[int, ...]
    rules: tuple[Rule, ...]
    unplaced: tuple[Span, ...]
    steps: tuple[Step, ...]
    cells: tuple[Cell, ...]
    alignment: Alignment | None
    symbol_spans: tuple[tuple[Span, ...], ...]
    uncalibrated: Mapping[tuple[int, int], float] = field(default_factory=dict)
    agreed: Mapping[tuple[int, int], float] = field(default_factory=dict)
    compared: int | None = None
    mismatches: tuple[Difference, ...] = ()

    def to_dict(self, *, steps: bool = True) -> dict[str, Any]:
        """Plain dictionaries, lists, texts and numbers (docs/explain.md)."""
        leave = (
            "cells",
            "alignment",
            "symbol_spans",
            "uncalibrated",
            "agreed",
            *(() if steps else ("steps",)),
        )
        record: dict[str, Any] = _plain(self, leave)
        record["doubtful"] = [
            {"row": c.row, "col": c.col, "key": c.key, "text": c.text, "confidence": c.confidence}
            for c in self.doubtful
        ]
        return record

    @property
    def doubtful(self) -> list[Cell]:
        """Values below `least` confidence, least confident first."""
        found = [c for c in self.cells if c.role == "value" and c.confidence < self.least]
        return sorted(found, key=lambda cell: (cell.confidence, cell.row, cell.col))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A recovery with its tables explained; `kind` tells HTML from text with cells drawn in it."""

    recovery: Recovery
    tables: tuple[TableExplanation, ...]
    kind: Kind

    @property
    def dialect(self) -> Dialect:
        """How the document was flattened."""
        return self.recovery.dialect

    def to_dict(self, *, steps: bool = True) -> dict[str, Any]:
        """Plain dictionaries, lists, texts and numbers (docs/explain.md)."""
        return {
            "source": self.recovery.source,
            "dialect": {"name": self.dialect.name, "confidence": self.dialect.confidence},
            "tables": [table.to_dict(steps=steps) for table in self.tables],
        }


def _plain(value: Any, leave: Sequence[str] = ()) -> Any:
    """Named fields as dictionaries, spans and other tuples as lists, as JSON has them."""
    if isinstance(value, Alternative):
        return {"text": value.text, "confidence": value.confidence}
    if is_dataclass(value):
        names = [field.name for field in fields(value) if field.name not in leave]
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Move) else value


def _rounded(score: float) -> float:
    """Without the noise of binary fractions, so that ties are 0."""
    return round(float(score), 6) + 0.0


# --- scores of single moves ---------------------------------------------------------------------


def _move_scores(alignment: Alignment, scoring: Scoring) -> MoveScores:
    """The score of every move of the alignment's trace.

    Slots of a row that was left out score as in the cheaper of two ways: one by one, or as one
    event, which is then told at the row's first cell.
    """
    symbols, slots = move_scores(alignment, scoring)
    found = MoveScores(
        {symbol: _rounded(score) for symbol, score in symbols.items()},
        {slot: _rounded(score) for slot, score in slots.items()},
    )
    _as_one_event(found.slots, alignment, _rounded(log(scoring.row_left_out)))
    return found


def _as_one_event(skips: dict[int, float], alignment: Alignment, event: float) -> None:
    for row in _rows_left_out(alignment):
        slots = {j: slot for j, slot in enumerate(alignment.template.slots) if slot.row == row}
        if sum(skips[j] for j in slots) < event:
            skips.update(dict.fromkeys(slots, 0.0))
            skips[next(j for j, slot in slots.items() if slot.kind in ORIGIN_KINDS)] = event


def _rows_left_out(alignment: Alignment) -> tuple[int, ...]:
    """Rows with a label and values of their own, not all optional, that show nothing at all."""
    template = alignment.template
    seen = {template.slots[slot].row for slot in alignment.trace if slot >= 0}
    required = {s.row for s in template.slots if s.kind in VALUE_KINDS and not s.optional}
    return tuple(sorted((template.rows_of_values & required) - seen))


# --- documents and tables -----------------------------------------------------------------------


def explain_document(
    document: Document,
    library: AnyLibrary,
    source: str = "",
    *,
    least: float = ACCEPT,
    calibration: Calibration | None = None,
) -> Explanation:
    """Recover a document as `pipeline.recover_document` does, and explain every table.

    Values below `least` confidence count as doubtful.
    """
    recovery = recover_document(document, library, source, calibration=calibration)
    return explain(recovery, document, least=least)


def explain(recovery: Recovery, document: Document, *, least: float = ACCEPT) -> Explanation:
    """Explain the tables of the recovery of a document."""
    lines = _Lines(document.raw)
    tables = []
    for number, found in enumerate(recovery.tables, start=1):
        table = found.judged(least)
        if table.alignment is None or table.evidence is None:
            told = _explain_cells(number, table, least, lines)
        else:
            told = _Teller(table, table.alignment, table.evidence, lines).tell(number, least)
        before = table.model.cells if table.model is not None else ()
        uncalibrated = {(cell.row, cell.col): cell.confidence for cell in before}
        told = replace(told, uncalibrated=uncalibrated)
        if table.evidence is not None:
            trip = table.evidence.trip
            differences = tuple(_difference(m, table, lines) for m in trip.mismatches)
            told = replace(
                told,
                compared=trip.compared,
                mismatches=differences,
                agreed=_agreed(table.cells, table.evidence.rivals),
            )
        tables.append(told)
    return Explanation(recovery, tuple(tables), document.kind)


def _agreed(cells: Sequence[Cell], rivals: Sequence[Rival]) -> dict[tuple[int, int], float]:
    """What readings by other ways of flattening add to each cell's confidence."""
    return {
        (cell.row, cell.col): sum(rival.texts(cell).get(cell.text, 0.0) for rival in rivals)
        for cell in cells
    }


def _difference(mismatch: Mismatch, table: Table, lines: _Lines) -> Difference:
    line, column = lines.at(mismatch.span.start)
    cells = tuple((table.cells[k].row, table.cells[k].col) for k in mismatch.cells)
    kind, span, expected, found, _ = mismatch
    return Difference(kind, span, line, column, expected, found, cells)


def _candidates(evidence: Evidence, template: str | None) -> tuple[Candidate, ...]:
    """The layouts that competed, the one of the table first, then by their probability."""
    top = max(total for _, _, total in evidence.candidates)
    whole = sum(exp(total - top) for _, _, total in evidence.candidates)
    found = [
        Candidate(
            name, _rounded(score), _rounded(total - score), exp(total - top) / whole,
            name == template,
        )
        for name, score, total in evidence.candidates
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: (not c.chosen, -c.probability)))


class _Lines:
    """Offsets of the input to lines and the columns in them, both from 1."""

    def __init__(self, raw: str) -> None:
        self.starts = [0, *(match.end() for match in _LINE_END.finditer(raw))]

    def at(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def of(self, span: Span) -> tuple[int, int]:
        """First and last line of a span."""
        return self.at(span.start)[0], self.at(max(span.start, span.end - 1))[0]

    def fields(self, spans: Sequence[Span]) -> dict[str, Any]:
        """The fields of a step that say where it stands."""
        if not spans:
            return {"spans": ()}
        line, column = self.at(spans[0].start)
        last = max(self.of(span)[1] for span in spans)
        return {"spans": tuple(spans), "line": line, "column": column, "last_line": last}


def _explain_cells(number: int, table: Table, least: float, lines: _Lines) -> TableExplanation:
    """A table without an alignment: its steps are its cells, and they are all that is known."""
    steps = tuple(_cell_step(cell, lines) for cell in table.cells)
    return TableExplanation(
        number, table.template, table.title, table.span, lines.of(table.span), table.shape,
        table.confidence, table.status, table.certainty, least, None, None, (), None,
        None, _counts(steps), (), (), table.unplaced, steps, table.cells, None, (),
    )  # fmt: skip


def _cell_step(cell: Cell, lines: _Lines) -> Step:
    move = Move.LABEL if cell.role == "label" else Move.VALUE if cell.text else Move.BLANK
    rival = max(cell.alternatives, key=lambda a: a.confidence, default=None)
    other = Place(rival.text, cell.row, cell.col, rival.confidence, None) if rival else None
    return Step(
        move, text=cell.text, row=cell.row, col=cell.col, key=cell.key,
        label=cell.text if cell.role == "label" else None, probability=cell.confidence,
        runner_up=other, **lines.fields(cell.spans),
    )  # fmt: skip


def _counts(steps: Sequence[Step]) -> dict[str, int]:
    found = Counter(step.move for step in steps)
    return {str(move): found[move] for move in Move}


class _Texts(NamedTuple):
    """A text that a slot may hold, with the symbols that say so."""

    text: str
    probability: float
    margin: float
    symbols: tuple[int, ...]


class _Teller:
    """Tells one aligned table."""

    def __init__(
        self,
        table: Table,
        alignment: Alignment,
        evidence: Evidence,
        lines: _Lines,
    ) -> None:
        self.table = table
        self.alignment = alignment
        self.template = alignment.template
        self.evidence = evidence
        self.lines = lines
        document, units = evidence.document, evidence.units.units
        self.unit_texts = [document.text[unit.start : unit.end] for unit in units]
        self.spans = list(_symbol_spans(alignment.symbols, document, units))
        self.scores = _move_scores(alignment, evidence.scoring)
        self.places: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
        for slot, placements in alignment.placements.items():
            for placement in placements:
                if placement.symbol != NOTHING:
                    self.places[placement.symbol].append(
                        (slot, placement.probability, placement.margin)
                    )
        self.left_out = _rows_left_out(alignment)

    def tell(self, number: int, least: float) -> TableExplanation:
        steps = tuple(self.steps())
        table, evidence = self.table, self.evidence
        return TableExplanation(
            number, table.template, table.title, table.span, self.lines.of(table.span),
            table.shape, table.confidence, table.status, table.certainty, least, evidence.layout,
            evidence.share, _candidates(evidence, table.template), _rounded(self.alignment.score),
            _rounded(sum(s.score for s in steps if s.score is not None)),
            _counts(steps), tuple(self.left_out),
            tuple(_rules(self.table, self.alignment)), table.unplaced, steps, table.cells,
            self.alignment, tuple(self.spans),
        )  # fmt: skip

    def steps(self) -> Iterator[Step]:
        """All steps in reading order; a slot that took nothing stands before the next match."""
        reached = 0
        trace = self.alignment.trace
        matched = [symbol for symbol, slot in enumerate(trace) if slot >= 0]
        first, last = (matched[0], matched[-1]) if matched else (len(trace), -1)
        taken = set(trace)
        for symbol, slot in enumerate(trace):
            if slot < 0:
                yield self.unmatched(symbol, outside=not first < symbol < last)
                continue
            yield from (self.skipped(j) for j in range(reached, slot) if j not in taken)
            reached = max(reached, slot + 1)
            yield self.matched(symbol, slot)
        yield from (self.skipped(j) for j in range(reached, len(self.template.slots)))

    def seen(self, symbol: int) -> dict[str, Any]:
        """The fields of a step that a symbol fills."""
        return {
            "symbol": symbol,
            "kind": self.alignment.symbols[symbol].kind.name.lower(),
            "text": self.text_of(symbol),
            "score": self.scores.symbols.get(symbol),
            **self.lines.fields(self.spans[symbol]),
        }

    def expected(self, number: int) -> dict[str, Any]:
        """The fields of a step that a slot fills."""
        slot = self.template.slots[number]
        cell = self.template.cells[slot.cell] if slot.cell >= 0 else None
        return {
            "slot": number,
            "row": slot.row,
            "col": number % (self.template.n_cols + 1) if cell else None,
            "key": cell.key if cell else None,
            "label": cell.text if cell and cell.role == "label" else None,
        }

    def text_of(self, symbol: int) -> str:
        unit = self.alignment.symbols[symbol].unit if symbol != NOTHING else -1
        return self.unit_texts[unit] if unit >= 0 else ""

    def unmatched(self, symbol: int, *, outside: bool) -> Step:
        places = self.places[symbol]
        probability = max(0.0, 1 - sum(p for _, p, _ in places))
        best = max(places, key=lambda place: (place[2], place[1]), default=None)
        other = None
        if best is not None:
            at = self.expected(best[0])
            other = Place(self.text_of(symbol), at["row"], at["col"], best[1], _rounded(-best[2]))
        move = Move.OUTSIDE if outside else Move.STRAY
        return Step(move, probability=probability, runner_up=other, **self.seen(symbol))

    def matched(self, symbol: int, number: int) -> Step:
        slot = self.template.slots[number]
        blank = self.alignment.symbols[symbol].kind == UnitKind.BLANK
        if slot.row in self.template.added and self.alignment.symbols[symbol].unit >= 0:
            move = Move.ADDED
        elif (symbol, number) in self.alignment.anchors:
            move = Move.ANCHOR
        elif slot.kind == SlotKind.ROW_END:
            move = Move.ROW_END
        elif slot.kind == SlotKind.LABEL:
            move = Move.LOST if blank else Move.LABEL
        elif slot.kind in COVERED_KINDS:
            move = Move.COVERED if blank else Move.PIECE
        else:
            move = Move.BLANK if blank else Move.VALUE
        return Step(
            move, **self.expected(number), **self.seen(symbol),
            **self.odds(number, self.text_of(symbol)),
        )  # fmt: skip

    def skipped(self, number: int) -> Step:
        return Step(
            _skip_move(self.template.slots[number], self.left_out), **self.expected(number),
            score=self.scores.slots.get(number), **self.odds(number, ""),
        )  # fmt: skip

    def odds(self, number: int, chosen: str) -> dict[str, Any]:
        """Probability of the chosen text in the slot, and its best rival."""
        texts = self.texts(number)
        own = next((t for t in texts if t.text == chosen), None)
        rival = max(
            (t for t in texts if t.text != chosen), key=lambda t: (t.margin, t.probability),
            default=None,
        )  # fmt: skip
        other = None
        if rival is not None:
            at = self.expected(number)
            lead = _rounded(own.margin - rival.margin) if own else None
            other = Place(rival.text, at["row"], at["col"], rival.probability, lead)
        return {"probability": own.probability if own else None, "runner_up": other}

    def texts(self, number: int) -> list[_Texts]:
        """Everything the slot may hold; equal texts are one, empty cell and nothing as well."""
        return _texts(self.alignment, number, self.text_of)


def _texts(alignment: Alignment, number: int, text_of: Callable[[int], str]) -> list[_Texts]:
    found: dict[str, _Texts] = {}
    for symbol, probability, margin in alignment.placements.get(number, ()):
        text = text_of(symbol)
        old = found.get(text, _Texts(text, 0.0, -inf, ()))
        symbols = old.symbols if symbol == NOTHING else (*old.symbols, symbol)
        share = min(1.0, old.probability + probability)
        found[text] = _Texts(text, share, max(old.margin, margin), symbols)
    return sorted(found.values(), key=lambda t: -t.probability)


def _skip_move(slot: Slot, left_out: Sequence[int]) -> Move:
    if slot.kind not in ORIGIN_KINDS:
        return Move.HIDDEN
    if slot.row in left_out:
        return Move.LEFT_OUT
    if slot.optional:
        return Move.ABSENT
    return Move.LOST if slot.kind == SlotKind.LABEL else Move.ASSUMED


def _symbol_spans(
    symbols: Sequence[Symbol], document: Document, units: Sequence[Unit]
) -> Iterator[tuple[Span, ...]]:
    """Input characters of every symbol; of empty cells and row ends, the gap they stand in.

    The gap is that of the text as it was read: where pieces of a label were put together, it is
    between the units that are neighbours then. Where nothing of the input stands in it (cells
    that are drawn), it reaches from the text before to the next text in the input.
    """
    unit_spans = [document.raw_spans(unit.start, unit.end) for unit in units]
    starts = sorted(span.start for spans in unit_spans for span in spans)
    reached = 0  # units so far
    for symbol in symbols:
        if symbol.unit >= 0:
            reached = symbol.unit + 1
            yield unit_spans[symbol.unit]
            continue
        if not reached:
            first = unit_spans[0][0].start if unit_spans else 0
            yield (Span(first, first),)
            continue
        gap: tuple[Span, ...] = ()
        if document.kind == "text" and reached < len(units):
            found = document.raw_spans(units[reached - 1].end, units[reached].start)
            gap = tuple(span for span in found if _PARTING.search(document.raw, *span))
        if not gap:
            gap = (_gap(unit_spans[reached - 1], unit_spans[reached:], starts),)
        yield gap


def _gap(before: Sequence[Span], behind: Sequence[Sequence[Span]], starts: Sequence[int]) -> Span:
    """What stands between a unit, or the last piece of it that is before the next, and a text."""
    if not behind:
        return Span(before[-1].end, before[-1].end)
    following = behind[0][0].start
    start = max((p.end for p in before if p.end <= following), default=before[-1].end)
    at = bisect_left(starts, start)
    return Span(start, starts[at] if at < len(starts) else start)


# --- rules --------------------------------------------------------------------------------------


def _rules(table: Table, alignment: Alignment) -> Iterator[Rule]:
    by_place = {(cell.row, cell.col): cell for cell in table.cells}
    checks = {check.rule: check for check in table.checks}
    cells = alignment.template.cells
    for instance in alignment.template.instances:
        check = checks.get(instance.name)
        if check is None:
            continue
        sides = [
            tuple(_term(by_place[cells[i].row, cells[i].col]) for i in side)
            for side in (instance.left, instance.right)
        ]
        yield Rule(
            check.rule, sides[0], sides[1], check.left, check.right, check.holds, check.verdict
        )


def _term(cell: Cell) -> Term:
    number = number_of(cell.text)
    if number is not None:
        amount: int | float | None = plain_number(number)
    else:
        amount = 0 if not cell.text or classify(cell.text) == UnitKind.MARK else None
    return Term(cell.key, cell.row, cell.col, cell.text, amount, cell.confidence)


# --- cells --------------------------------------------------------------------------------------


def find_cell(table: TableExplanation, row: int, col: int) -> Cell | None:
    """The cell that covers a position, if the table has it."""
    for cell in table.cells:
        if 0 <= row - cell.row < cell.rowspan and 0 <= col - cell.col < cell.colspan:
            return cell
    return None


def explain_cell(table: TableExplanation, cell: Cell) -> CellExplanation:
    """A cell of the table with everything that bears on it."""
    row_path, column_path = header_paths(table.cells)[table.cells.index(cell)]
    own = [k for k, step in enumerate(table.steps) if _belongs(step, cell)]
    steps = [table.steps[k] for k in own if table.steps[k].move != Move.HIDDEN]
    shown = [k for k, step in enumerate(table.steps) if step.spans]
    inside = [k for k in own if table.steps[k].move != Move.HIDDEN] or own
    before = [k for k in shown if inside and k < inside[0]][-NEIGHBOURS:]
    after = [k for k in shown if inside and k > inside[-1]][:NEIGHBOURS]
    choices = _choices(table, cell)
    return CellExplanation(
        table.number, cell.row, cell.col, cell.rowspan, cell.colspan, cell.role, cell.text,
        cell.observed, cell.key, row_path, column_path, cell.confidence, cell.suggestion,
        cell.spans, choices, cell.alternatives, _parts(table, cell, choices),
        tuple(table.steps[k] for k in before), tuple(steps),
        tuple(table.steps[k] for k in after), tuple(_rules_with(table, cell)),
        tuple(m for m in table.mismatches if (cell.row, cell.col) in m.cells),
    )  # fmt: skip


def _belongs(step: Step, cell: Cell) -> bool:
    if step.row is None or step.col is None:
        return False
    return 0 <= step.row - cell.row < cell.rowspan and 0 <= step.col - cell.col < cell.colspan


def _rules_with(table: TableExplanation, cell: Cell) -> list[Rule]:
    at = (cell.row, cell.col)
    return [r for r in table.rules if any((t.row, t.col) == at for t in (*r.left, *r.right))]


def _choices(table: TableExplanation, cell: Cell) -> tuple[Choice, ...]:
    """All that the cell may hold, most probable first.

    Without an alignment, and in rows that the template lacks, they are the record's: the cell's
    own text and its alternatives.
    """
    at = (cell.row, cell.col)
    slot = next((s.slot for s in table.steps if s.slot is not None and (s.row, s.col) == at), None)
    if table.alignment is None or slot is None:
        told = [(cell.text, cell.confidence), *cell.alternatives]
        return tuple(
            Choice(text, p, None, k == 0, cell.spans if k == 0 else ())
            for k, (text, p) in enumerate(told)
        )
    words = {step.symbol: step.text or "" for step in table.steps if step.symbol is not None}
    chosen = next((step.text or "" for step in table.steps if step.slot == slot), "")
    found = _texts(table.alignment, slot, lambda symbol: words.get(symbol, ""))
    return tuple(
        Choice(
            t.text, t.probability, _rounded(-t.margin), t.text == chosen,
            tuple(span for s in t.symbols for span in table.symbol_spans[s]),
        )
        for t in found
    )  # fmt: skip


def _parts(table: TableExplanation, cell: Cell, choices: Sequence[Choice]) -> Parts:
    layout, total = table.layout, cell.confidence
    own_word = table.uncalibrated.get((cell.row, cell.col), total)
    agreed = round(table.agreed.get((cell.row, cell.col), 0.0), 6)
    alone = max(0.0, own_word - agreed)
    compared = any(choice.behind is not None for choice in choices)
    if layout is None or cell.role == "label" or not compared:
        rest = alone / CEILING / (layout or 1.0) if layout != 0 else None
        return Parts(layout, rest, None, None, 1.0, CEILING, agreed, own_word, total)
    own = next((choice for choice in choices if choice.chosen), None)
    placement = own.probability if own else 0.0
    others = [c.behind for c in choices if not c.chosen and c.behind is not None]
    lead = min(others) - own.behind if others and own and own.behind is not None else None
    bound = 1 / (1 + exp(-lead)) if lead is not None else None
    product = layout * min(placement, 1.0 if bound is None else bound) * CEILING
    other = alone / product if product > 0 else 1.0
    other = 1.0 if abs(product - alone) < 1e-5 else other
    return Parts(layout, placement, lead, bound, other, CEILING, agreed, own_word, total)
