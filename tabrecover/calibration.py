"""Confidence that means what it says: the model's probability, corrected on held-out documents.

The aligner's probability assumes that its model is right. Where it is not, signs outside the model
tell: numbers left over inside the table, doubt in its other cells, labels that were never seen,
sums that hold or break. A logistic regression over the probability and these signs (Platt 1999),
followed by a monotone step function (isotonic regression, Zadrozny & Elkan 2002), gives the share
of right values among those that look alike. Tables of unknown layout have a regression of their
own: there a value is right only if it stands under the right labels, which were guessed.

The weights are data (`calibration.toml`), fitted by `benchmarks/calibrate.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise
from math import exp, log, log1p
from typing import TYPE_CHECKING, Any, NamedTuple

from tabrecover.confidence import ACCEPT, CEILING, table_confidence, table_status
from tabrecover.errors import UsageError
from tabrecover.grid import row_strays
from tabrecover.lex import CELL_SEPARATORS
from tabrecover.model import Alternative
from tabrecover.results import Reading, Table
from tabrecover.scoring import UnitKind
from tabrecover.template import SlotKind
from tabrecover.units import classify, is_delimited, is_page_number

if TYPE_CHECKING:
    from tabrecover.align import Alignment
    from tabrecover.model import Cell
    from tabrecover.template import Slot

__all__ = ["KNOWN", "UNKNOWN", "Calibration", "Curve", "Regression", "calibrated", "signs"]

BESIDE = 2000  # characters beside a table in which its values may stand
UNTOLD = 0.89  # the most that is made of a value with a rival reading, however often it is right
NEARLY_TOLD = 0.899  # the most that is made of one whose like are wrong too often
LEAST_UNKNOWN = 0.998  # under guessed labels; so the thresholds, fitted on known layouts, hold too
_DIGITS = re.compile(r"\d+")
MAX_LOGIT = 9.0  # beyond, the model's probability says nothing more

# The signs of a value, and in which direction each may move its probability: up, down, either.
KNOWN = {
    "certainty": +1,  # logit of the model's probability
    "weakest": +1,  # the same of the value of the table that the model is least sure of
    "anchored": +1,  # share of the table's labels that nothing else could be
    "shown": +1,  # 1: the dump shows blanks
    "row_full": +1,  # 1: no value of the cell's row is empty, so that none of it may be moved
    "row_left_over": -1,  # log(1 + numbers without a slot in its row, digits in words counted too)
    "doubt": -1,  # share of the table's values that are in doubt
    "row_unseen": -1,  # 1: of the labels in the cell's row none was seen
    "blank": 0,  # 1: the cell is told to be empty
    "spare": -1,  # log(1 + numbers beside the table), if only white space parts its cells
    "blank_unseen": -1,  # 1: it is, and the dump shows no blanks
    "blank_open": -1,  # 1: it is, numbers are spare or left over, and lines hold several cells
    "untraced": -1,  # 1: it is, without a trace of it, and the dump shows blanks
    "order_only": -1,  # 1: the dump shows neither blanks nor row ends
    "confirmed": +1,  # log(1 + rules that hold with this cell, sums of zero apart)
    "added": -1,  # 1: the cell is in a row that the template lacks
    "mismatched": -1,  # where the grid, flattened again, differs at this cell: 1 - the next, or 0
    "adrift": -1,  # share of texts at which it differs, if only line ends and spaces part cells
    "open_end": -1,  # 1: the cell is the last and a text, and nothing says that it is the table's
    "unlike": -1,  # 1: it holds words in a slot for numbers, or what pages are numbered with
    "row_words": -1,  # log(1 + texts that found no slot between those of its row)
    "words_before": -1,  # the same, but only those between the label of its row and the cell
    "cut": -1,  # 1: nothing parts the value from the number beside it
    "alone": -1,  # 1: it is all that its row holds, and the row has no label
}
UNKNOWN = {
    "certainty": +1,
    "declared": +1,  # 1: markup tells labels from values
    "headed": +1,  # 1: the cell's column has a label
    "row_headed": +1,  # 1: its row has one
    "ragged": -1,  # share of rows that are shorter than the widest
    "delimited": 0,  # 1: bars or tabs part the cells
    "spaced": -1,  # 1: spaces do
    "stacked": -1,  # 1: line ends do
    "packed": -1,  # 1: heads stood one behind the other
    "few": -1,  # 1 / rows of the table
}


class Curve(NamedTuple):
    """Steps of a monotone function: up to `above[i]` the value is `value[i]`, linear between."""

    above: tuple[float, ...]
    value: tuple[float, ...]

    def at(self, x: float) -> float:
        """The value at `x`, constant beyond the ends."""
        i = bisect_right(self.above, x)
        if i == 0:
            return self.value[0]
        if i == len(self.above):
            return self.value[-1]
        share = (x - self.above[i - 1]) / (self.above[i] - self.above[i - 1])
        return self.value[i - 1] + share * (self.value[i] - self.value[i - 1])


@dataclass(frozen=True)
class Regression:
    """Weights by name of sign, and the curve from their logistic to a probability.

    From the probability `least` on a value is told. Those below keep their order (`ranked`), so
    that a user who accepts more errors finds them first; or are all the same.
    """

    bias: float
    weights: tuple[float, ...]
    curve: Curve
    least: float = 0.0
    ranked: bool = True

    def probability(self, cell_signs: Sequence[float]) -> float:
        """The probability that a value with these signs is right."""
        z = self.bias + sum(w * s for w, s in zip(self.weights, cell_signs, strict=True))
        return self.curve.at(logistic(z))

    def confidence(self, own: float, cell_signs: Sequence[float]) -> float:
        """The same, but what the model itself doubts is not told: `own` is its probability."""
        probability = self.probability(cell_signs)
        if own < ACCEPT:
            return min(probability, UNTOLD)
        return probability if probability >= self.least else self.untold(probability)

    def untold(self, probability: float) -> float:
        """What is made of a probability below `least`: a confidence below that which is told."""
        if probability <= UNTOLD or not self.ranked:
            return min(probability, UNTOLD)
        share = (probability - UNTOLD) / (self.least - UNTOLD)
        return UNTOLD + share * (NEARLY_TOLD - UNTOLD)


@dataclass(frozen=True)
class Calibration:
    """Fitted regressions, and the confidence from which an error rate is kept.

    `thresholds` are pairs (error rate, confidence), the rates descending.
    """

    known: Regression
    unknown: Regression
    thresholds: tuple[tuple[float, float], ...]

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> Calibration:
        """The calibration that a parsed TOML file states."""
        return cls(
            _regression(stored["known"], KNOWN),
            replace(_regression(stored["unknown"], UNKNOWN), least=LEAST_UNKNOWN, ranked=False),
            tuple((float(rate), float(least)) for rate, least in stored["thresholds"]),
        )

    def least_confidence(self, max_error: float) -> float:
        """The confidence from which at most `max_error` of the values are wrong.

        Raises `UsageError` if `max_error` is no rate. For a rate below all that were measured the
        answer is above every confidence: nothing is accepted.
        """
        if not 0 < max_error < 1:
            raise UsageError(f"the error rate must lie between 0 and 1, not {max_error:g}")
        kept = [least for rate, least in self.thresholds if rate <= max_error]
        return min(kept, default=1.0)


def _regression(stored: Mapping[str, Any], names: Iterable[str]) -> Regression:
    curve = Curve(tuple(stored["curve"][0]), tuple(stored["curve"][1]))
    weights = tuple(float(stored["weights"][name]) for name in names)
    return Regression(float(stored["bias"]), weights, curve, float(stored.get("least", 0.0)))


def calibrated(table: Table, calibration: Calibration) -> Table:
    """The table with calibrated confidences of its values, and of itself."""
    regression = calibration.known if table.template else calibration.unknown
    by_cell = iter(signs(table))
    cells = tuple(
        _with_confidence(cell, regression.confidence(cell.confidence, next(by_cell)))
        if cell.role == "value"
        else cell
        for cell in table.cells
    )
    before = table_confidence(table.cells)
    edition = table.confidence / before if before else 1.0  # what the edition takes off
    return replace(
        table,
        cells=cells,
        confidence=round(table_confidence(cells) * edition, 6),
        status=table_status(cells, table.checks, ACCEPT, table.certainty),
        model=table,
    )


def _with_confidence(cell: Cell, probability: float) -> Cell:
    """The cell with another confidence; its alternatives share what is left as before."""
    confidence = round(min(max(probability, 0.0), 1.0), 6)
    if not cell.alternatives:
        return replace(cell, confidence=confidence)
    # rounded, they may share more than was left; scaled up from next to nothing, it would show
    rest = max(1 - cell.confidence, sum(share for _, share in cell.alternatives))
    scale = (1 - confidence) / rest if rest > 0 else 0.0
    others = tuple(
        [Alternative(text, round(share * scale, 6)) for text, share in cell.alternatives]
    )
    return replace(cell, confidence=confidence, alternatives=others)


def signs(table: Table) -> list[tuple[float, ...]]:
    """The signs of every value of an uncalibrated table, in the order of its cells.

    Each has the length and the order of `KNOWN`, or of `UNKNOWN` without a template.
    """
    return _known_signs(table) if table.template else _unknown_signs(table)


def _known_signs(table: Table) -> list[tuple[float, ...]]:
    """The signs of `KNOWN`, for each value."""
    values = [(k, cell) for k, cell in enumerate(table.cells) if cell.role == "value"]
    of_table = _signs_of_table(table, [cell for _, cell in values])
    bare = table.evidence is not None and not is_delimited(table.evidence.units)
    trip = table.evidence.trip if table.evidence else None
    agreement, touched = (trip.agreement, trip.touched) if trip else (1.0, frozenset[int]())
    of_table["spare"] = bare * log1p(_beside(table))
    of_table["adrift"] = bare * (1 - agreement)
    symbols = _in_order(table)
    find_in_row = _row_signs(table, [cell for _, cell in values], symbols)
    find_at_place = _place_signs(table, symbols)
    confirmed = Counter(chain(*(c.keys for c in table.checks if c.holds and c.left)))
    shared = table.evidence is not None and table.evidence.shared
    left_over = any(classify(text) != UnitKind.TEXT for _, text in _strays(table))
    astray = shared and (left_over or of_table["spare"] > 0)
    found = []
    for number, cell in values:
        is_blank = not cell.text
        own = {
            "certainty": logit(cell.confidence / CEILING),
            "blank": is_blank,
            "blank_unseen": is_blank and not of_table["shown"],
            "blank_open": is_blank and astray,
            "confirmed": log1p(confirmed[cell.key or ""]),
            "added": cell.key is None,
            "mismatched": agreement * (number in touched),
        }
        by_name = {**of_table, **find_in_row(cell), **find_at_place(cell), **own}
        found.append(tuple([float(by_name[name]) for name in KNOWN]))
    return found


def _signs_of_table(table: Table, values: Sequence[Cell]) -> dict[str, float]:
    """Those that all values of a table share."""
    scoring = table.evidence.scoring if table.evidence else None
    n_labels = sum(cell.role == "label" for cell in table.cells)
    shown = scoring is None or scoring.blanks_shown
    return {
        "weakest": min((logit(cell.confidence / CEILING) for cell in values), default=0.0),
        "anchored": len(table.alignment.anchors) / max(1, n_labels) if table.alignment else 0.0,
        "shown": shown,
        "doubt": _share(cell.confidence < ACCEPT for cell in values),
        "order_only": scoring is not None and not shown and not scoring.rows_shown,
    }


def _row_signs(
    table: Table, values: Sequence[Cell], symbols: Sequence[_Passed]
) -> Callable[[Cell], dict[str, float]]:
    """Those of a value's row."""
    labels = [cell for cell in table.cells if cell.role == "label"]
    labelled = _rows_of(labels)
    seen = _rows_of([label for label in labels if label.observed is not None])
    with_blanks = {cell.row for cell in values if not cell.text}
    filled = Counter(cell.row for cell in values if cell.text)
    numbers = Counter[int]()
    for row, text in _strays(table):
        numbers[row] += len(_DIGITS.findall(text)) if classify(text) == UnitKind.TEXT else 1
    words = _words_between(symbols)
    return lambda cell: {
        "row_full": cell.row not in with_blanks,
        "row_left_over": log1p(numbers[cell.row]),
        "row_unseen": cell.row in labelled - seen,
        "row_words": log1p(words[cell.row]),
        "alone": bool(cell.text) and filled[cell.row] == 1 and cell.row not in labelled,
    }


def _place_signs(table: Table, symbols: Sequence[_Passed]) -> Callable[[Cell], dict[str, float]]:
    """Those of the place that a value's text has in the dump, or that it has none."""
    shown = table.evidence is None or table.evidence.scoring.blanks_shown
    traced, end = _traced(table), _open_end(table)
    unlike, cut, before = _unlike(symbols), _cut(table), _words_before(symbols)

    def find(cell: Cell) -> dict[str, float]:
        starts = [span.start for span in cell.spans]
        return {
            "untraced": shown and not cell.text and (cell.row, cell.col) not in traced,
            "open_end": end in starts,
            "unlike": not unlike.isdisjoint(starts),
            "words_before": log1p(max((before[start] for start in starts), default=0)),
            "cut": not cut.isdisjoint(starts),
        }

    return find


def _rows_of(labels: Iterable[Cell]) -> set[int]:
    return {row for label in labels for row in range(label.row, label.row + label.rowspan)}


def _strays(table: Table) -> list[tuple[int, str]]:
    if table.alignment is None or table.evidence is None:
        return []
    return row_strays(table.evidence.document, table.evidence.units, table.alignment)


def _beside(table: Table) -> int:
    """Numbers before the first and behind the last placed text that no words enclose.

    Where a tool reads a page by columns, they are the table's, parted from its labels.
    """
    if table.alignment is None or table.evidence is None:
        return 0
    text, units = table.evidence.document.text, table.evidence.units.units
    placed, room = _placed(table.alignment), table.evidence.room
    start, end = units[placed[0]].start, units[placed[-1]].end
    before = text[max(room.start, start - BESIDE) : start]
    return _numbers_apart(before) + _numbers_apart(text[end : min(room.end, end + BESIDE)])


def _open_end(table: Table) -> int:
    """Where the last placed text begins in the input, if nothing closes its cell; else -1.

    A text that stands behind the table may have taken the place of a blank one.
    """
    if table.alignment is None or table.evidence is None:
        return -1
    document, unit = (
        table.evidence.document,
        table.evidence.units.units[_placed(table.alignment)[-1]],
    )
    if classify(document.text[unit.start : unit.end]) != UnitKind.TEXT:
        return -1
    behind = document.text[unit.end : unit.end + BESIDE].lstrip(" ")[:1]
    closed = bool(behind) and behind in CELL_SEPARATORS
    return -1 if closed else document.raw_span(unit.start, unit.end).start


class _Passed(NamedTuple):
    """A symbol, the slot that it found, and its text and where that begins in the input, or -1."""

    kind: UnitKind
    slot: Slot | None
    text: str
    start: int


def _in_order(table: Table) -> list[_Passed]:
    """The symbols of the table in reading order."""
    if table.alignment is None or table.evidence is None:
        return []
    document, units = table.evidence.document, table.evidence.units.units
    slots = table.alignment.template.slots
    passed = []
    for symbol, slot in zip(table.alignment.symbols, table.alignment.trace, strict=True):
        start, end = units[symbol.unit][:2] if symbol.unit >= 0 else (0, 0)
        at = document.raw_span(start, end).start if end else -1
        found = slots[slot] if slot >= 0 else None
        passed.append(_Passed(symbol.kind, found, document.text[start:end], at))
    return passed


def _words_between(symbols: Iterable[_Passed]) -> Counter[int]:
    """By row, the texts that found no slot between those of the row."""
    between = Counter[int]()
    row, passed = -1, 0
    for kind, slot, _, _ in symbols:
        if slot is None:
            passed += kind == UnitKind.TEXT
            continue
        between[row] += passed * (slot.row == row)
        row, passed = slot.row, 0
    return between


def _words_before(symbols: Iterable[_Passed]) -> Counter[int]:
    """By where a value begins, the texts without a slot between the label of its row and it."""
    before = Counter[int]()
    row, passed = -1, 0
    for kind, slot, _, start in symbols:
        if slot is None:
            passed += kind == UnitKind.TEXT
            continue
        if slot.kind == SlotKind.LABEL or slot.row != row:
            passed = 0
        before[start] = passed
        row = slot.row
    return before


def _unlike(symbols: Iterable[_Passed]) -> set[int]:
    """Where words begin that took slots for numbers, and page numbers that took any value's."""
    return {
        start
        for kind, slot, text, start in symbols
        if slot is not None
        and kind == UnitKind.TEXT
        and (slot.kind < SlotKind.TEXT or (slot.kind == SlotKind.TEXT and is_page_number(text)))
    }


def _cut(table: Table) -> set[int]:
    """Where numbers begin, in the input, that nothing parts from a number beside them."""
    if table.evidence is None:
        return set()
    document, (units, gaps) = table.evidence.document, table.evidence.units
    found: set[int] = set()
    for (one, other), gap in zip(pairwise(units), gaps[1:-1], strict=True):
        if not gap and one.end == other.start and max(one.label, other.label) < 0:
            found.update(document.raw_span(unit.start, unit.end).start for unit in (one, other))
    return found


def _traced(table: Table) -> set[tuple[int, int]]:
    """Where the cells begin that took a text or an empty cell of the dump."""
    if table.alignment is None:
        return set()
    template = table.alignment.template
    slots = [template.slots[slot] for slot in table.alignment.trace if slot >= 0]
    taken = [template.cells[slot.cell] for slot in slots if slot.kind != SlotKind.ROW_END]
    return {(cell.row, cell.col) for cell in taken}


def _placed(alignment: Alignment) -> list[int]:
    """The units that found a slot, in reading order; a table has at least one."""
    slots = zip(alignment.symbols, alignment.trace, strict=True)
    return sorted(symbol.unit for symbol, slot in slots if slot >= 0 and symbol.unit >= 0)


def _numbers_apart(text: str) -> int:
    """Numbers and marks that have their line for themselves, or stand next to each other."""
    count = 0
    for line in text.splitlines():
        kinds = groupby(classify(word) != UnitKind.TEXT for word in line.split())
        runs = [(is_number, sum(1 for _ in run)) for is_number, run in kinds]
        alone = len(runs) == 1
        count += sum(size for is_number, size in runs if is_number and (alone or size > 1))
    return count


def _unknown_signs(table: Table) -> list[tuple[float, ...]]:
    labels = [cell for cell in table.cells if cell.role == "label" and cell.text]
    columns = {c for label in labels for c in range(label.col, label.col + label.colspan)}
    rows = {r for label in labels for r in range(label.row, label.row + label.rowspan)}
    filled = Counter(cell.row for cell in table.cells if cell.text)
    widest = max(filled.values(), default=0)
    ragged = _share(filled[row] < widest for row in range(table.shape[0]))
    kind, _, packed = table.reading or Reading("markup")
    return [
        (
            logit(cell.confidence / CEILING),
            float(table.labels_declared),
            float(cell.col in columns),
            float(cell.row in rows),
            ragged,
            float(kind == "delimiters"),
            float(kind == "spaces"),
            float(kind == "lines"),
            float(packed),
            1 / max(table.shape[0], 1),
        )
        for cell in table.cells
        if cell.role == "value"
    ]


def _share(flags: Iterable[bool]) -> float:
    known = list(flags)
    return sum(known) / len(known) if known else 0.0


def logit(probability: float) -> float:
    """Log-odds, within `MAX_LOGIT`."""
    if probability <= 0:
        return -MAX_LOGIT
    if probability >= 1:
        return MAX_LOGIT
    return max(-MAX_LOGIT, min(MAX_LOGIT, log(probability / (1 - probability))))


def logistic(z: float) -> float:
    """The probability with these log-odds."""
    return 1 / (1 + exp(-z)) if z >= 0 else exp(z) / (1 + exp(z))
