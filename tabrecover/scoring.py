"""The aligner's named numbers: log-odds for every move, derived from stated probabilities.

A match scores log P(kind of unit | kind of slot) / P(kind of unit | text outside tables), times
P(filled) for values; skipping a slot scores P(the slot shows nothing); a stray scores P(a stray
unit here), and 0 before and behind the table, where words are no surprise; but a number too many
is as likely inside as behind. The probabilities are
beliefs about how documents are made, in round numbers, until they are fitted on a benchmark;
what matters for the confidence is the order of magnitude between an event that a dialect's law
allows and one that breaks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from math import log

import numpy as np
import numpy.typing as npt

from tabrecover.template import SlotKind

__all__ = ["NEVER", "Scoring", "UnitKind"]

NEVER = -1e4  # finite, so that sums of many stay ordered


class UnitKind(IntEnum):
    """What an observed symbol looks like; the order is the row order of `Scoring.emission`."""

    INTEGER = 0
    DECIMAL = 1
    MARK = 2  # a stroke or dots that stand for "none"
    TEXT = 3
    LABEL = 4  # exactly a label of the template
    BLANK = 5  # an empty cell that the dialect shows
    ROW_END = 6
    NUMBERING = 7  # a number that counts rows or columns, as data frames print them


NUMERIC = (UnitKind.INTEGER, UnitKind.DECIMAL, UnitKind.MARK)

# How often each kind turns up among the symbols outside tables: prose, headings, page furniture.
# Labels earn their odds against it by `Scoring.label_match`.
BACKGROUND = {
    UnitKind.INTEGER: 0.08,
    UnitKind.DECIMAL: 0.02,
    UnitKind.MARK: 0.02,
    UnitKind.TEXT: 0.88,
    UnitKind.LABEL: 1.0,
    UnitKind.BLANK: 0.3,
    UnitKind.ROW_END: 0.5,
    UnitKind.NUMBERING: 0.08,
}


@dataclass(frozen=True)
class Scoring:
    """Probabilities of one way of flattening; see the module's docstring.

    `blanks_shown`: an empty value cell leaves a trace in the dump. `rows_shown`: row ends do.
    `continued_shown`: positions covered by a span do, as an empty cell. `row_blanks`: a row end
    looks like so many empty cells. `repeated_shown`: covered positions repeat the cell's text.
    `ends_filled`: rows are filled up with empty cells at their ends.
    """

    blanks_shown: bool
    rows_shown: bool
    continued_shown: bool = False
    row_blanks: int = 0
    repeated_shown: bool = False
    ends_filled: bool = False

    filled: float = 0.6  # a value cell holds something
    trace_lost: float = 0.02  # an empty cell's trace is missing although the law shows it
    label_lost: float = 0.03
    optional_absent: float = 0.5
    optional_used: float = 0.007  # a value of an optional row, as long as its label is not seen
    row_left_out: float = 0.02  # a whole row, label and values, is not in the dump
    row_added: float = 0.005  # a row that the template lacks, words and values
    row_end_lost: float = 0.02  # a row end that the law shows is missing
    last_row_end_lost: float = 0.5  # ... behind the last row
    stray_text: float = 1e-3
    stray_number: float = 1e-3  # a page number, in a dump that has pages
    stray_numbering: float = 0.9
    stray_blank: float = 0.01
    stray_row_end: float = 0.02
    filling: float = 0.9  # an empty cell before a row end fills the row up, where it may
    continued_blank: float = 0.02  # a covered position shows up although the law hides them
    continued_kept: float = 0.9  # ... under a law that shows them
    label_as_value: float = 1e-6
    sentence_held: float = 0.05  # a text in a cell is a sentence, if the table does not say
    sentence_outside: float = 0.5

    @cached_property
    def emission(self) -> npt.NDArray[np.float64]:
        """Log-odds of a match, `[UnitKind, SlotKind]`, texts against labels excepted."""
        table = np.full((len(UnitKind), len(SlotKind)), NEVER)
        full = log(self.filled)
        by_type = {
            SlotKind.INTEGER: (0.939, 0.01, 0.05, 0.001),
            SlotKind.DECIMAL: (0.459, 0.49, 0.05, 0.001),
            SlotKind.TEXT: (0.20, 0.10, 0.05, 0.65),
        }
        for slot, row in by_type.items():
            for unit, probability in zip(UnitKind, row, strict=False):
                table[unit, slot] = full + log(probability)
            table[UnitKind.LABEL, slot] = full + log(self.label_as_value)
            table[UnitKind.BLANK, slot] = log(1 - self.filled) + log(self.blank_visible)
        table[UnitKind.NUMBERING] = table[UnitKind.INTEGER] + log(1 - self.stray_numbering)
        table[UnitKind.LABEL, SlotKind.TEXT] = full + log(0.01)
        table[UnitKind.BLANK, SlotKind.LABEL] = log(self.label_lost) + log(0.1)
        shown = log(self.continued_visible)
        table[UnitKind.BLANK, SlotKind.LABEL_CONTINUED] = shown
        table[UnitKind.BLANK, SlotKind.VALUE_CONTINUED] = shown
        if self.repeated_shown:
            repeated = np.logaddexp.reduce(table[:, : SlotKind.LABEL], axis=1) - log(SlotKind.LABEL)
            table[:, SlotKind.VALUE_CONTINUED] = repeated + shown
        ends = UnitKind.BLANK if self.row_blanks else UnitKind.ROW_END
        table[ends, SlotKind.ROW_END] = log(1 - self.row_end_lost)
        return table - np.log([BACKGROUND[kind] for kind in UnitKind])[:, None]

    @cached_property
    def skip_slot(self) -> npt.NDArray[np.float64]:
        """Log-probability that a slot of each `SlotKind` shows nothing."""
        empty = log(1 - self.filled) + log(1 - self.blank_visible)
        costs = np.zeros(len(SlotKind))
        costs[[SlotKind.INTEGER, SlotKind.DECIMAL, SlotKind.TEXT]] = empty
        costs[SlotKind.LABEL] = log(self.label_lost)
        hidden = 1 - self.continued_visible
        costs[[SlotKind.LABEL_CONTINUED, SlotKind.VALUE_CONTINUED]] = log(hidden)
        costs[SlotKind.ROW_END] = log(self.row_end_lost) if self.rows_shown else 0.0
        return costs

    @property
    def blank_visible(self) -> float:
        """Probability that an empty cell leaves a trace."""
        return 1 - self.trace_lost if self.blanks_shown else self.trace_lost

    @property
    def continued_visible(self) -> float:
        """Probability that a position covered by a span shows up."""
        return self.continued_kept if self.continued_shown else self.continued_blank

    @property
    def continued_repeat(self) -> float:
        """Log-probability that a covered position shows (a piece of) its label's text."""
        return log(self.continued_kept if self.repeated_shown else self.continued_blank)

    @cached_property
    def skip_unit(self) -> npt.NDArray[np.float64]:
        """Log-probability of a stray symbol of each `UnitKind`."""
        costs = np.full(len(UnitKind), log(self.stray_text))
        costs[list(NUMERIC)] = log(self.stray_number)
        costs[UnitKind.NUMBERING] = log(self.stray_numbering)
        costs[UnitKind.BLANK] = log(self.stray_blank)
        costs[UnitKind.ROW_END] = log(self.stray_row_end)
        return costs

    @property
    def more_of_row_end(self) -> float:
        """Log-probability of an empty cell that belongs to the row end before it."""
        return log(1 - self.row_end_lost) if self.row_blanks > 1 else log(self.stray_blank)

    @cached_property
    def skip_behind(self) -> npt.NDArray[np.float64]:
        """Log-odds of each `UnitKind` as the text behind the table."""
        costs = np.zeros(len(UnitKind))
        costs[list(NUMERIC)] = log(self.stray_number)
        return costs

    def label_match(self, similarity: float, weight: float) -> float:
        """Log-odds of a text with `similarity` (0..1) to a label that tells `weight` nats.

        Exact labels earn what they tell; each tenth of dissimilarity costs as much as half of
        it, so that below about 0.8 a text no longer speaks for the label.
        """
        return log(1 - self.label_lost) + weight * (1 - 5 * (1 - similarity))

    def label_piece(self, share: float, weight: float) -> float:
        """Log-odds of a text that is a contiguous piece, `share` (0..1) of a label's length."""
        return log(self.label_lost) + weight * share
