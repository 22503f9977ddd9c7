"""Which cells of one filled table are labels: what its source marks, else what it looks like.

The field calls this header detection (functional analysis of tables). Marks (`th`, `thead`, bold
words) are believed. Where the markup marks no row labels, they are guessed from the contrast
between words and numbers: rows of words above numbers are column headers, columns of words left
of numbers are the stub. One look at one table can't tell a stub from the first column of a list
of records; rows alike with further words among their numbers are taken for records, and so have
no labels. Wrong guesses are for a second example, or the user, to mend.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from tabrecover.scoring import UnitKind
from tabrecover.units import classify, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.examples import Example, ExampleCell

__all__ = ["MIN_ALIKE", "guess_labels", "is_number", "is_words", "row_shape"]

MIN_ALIKE = 3  # rows: two may be alike by chance, as two rows of a form are
MIN_PAIRS = 2  # of label and value, side by side, make a row of a form
_COLONS = (":", "：")


def is_words(text: str) -> bool:
    """Whether a cell's text is neither blank nor a mark nor a number."""
    return bool(text) and classify(text) == UnitKind.TEXT


def is_number(text: str) -> bool:
    """Whether a cell's text states a number."""
    return bool(text) and classify(text) in (UnitKind.INTEGER, UnitKind.DECIMAL)


def row_shape(example: Example, row: int) -> tuple[tuple[int, int], ...] | None:
    """Columns and widths of a row's cells; None if a cell reaches into other rows."""
    shape = []
    col = 0
    while col < example.shape[1]:
        cell = example.cells[example.owner[row, col]]
        if cell.rowspan > 1:
            return None
        shape.append((cell.col, cell.colspan))
        col = cell.col + cell.colspan
    return tuple(shape)


def guess_labels(example: Example) -> frozenset[int]:
    """The cells that are probably labels, by index.

    A blank cell is a label only where its source marks it, or as a corner of the header.
    """
    return _Guess(example).labels()


class _Guess:
    def __init__(self, example: Example) -> None:
        self.example = example
        self.cells = example.cells
        self.rows: list[list[int]] = [[] for _ in range(example.shape[0])]
        for i, cell in enumerate(self.cells):
            self.rows[cell.row].append(i)

    def labels(self) -> frozenset[int]:
        found = {
            i
            for i, cell in enumerate(self.cells)
            if cell.label or (is_words(cell.text) and cell.text.endswith(_COLONS))
        }
        if self._marks_row_labels():
            return frozenset(found)
        header = self._header()
        found |= {i for row in self.rows[:header] for i in row}
        if not any(is_number(cell.text) for cell in self.cells if cell.row >= header):
            return frozenset(found)  # nothing that words could stand beside
        found |= self._inner_headers(header)
        records = self._record_shape(header)
        for number, row in enumerate(self.rows[header:], start=header):
            if records is None or row_shape(self.example, number) != records:
                found |= set(self._row_labels(row))
        return frozenset(found)

    def _marks_row_labels(self) -> bool:
        """Whether some row has a marked cell before one that is not: rows are labelled by marks."""
        return any(
            self.cells[a].label and not self.cells[b].label
            for row in self.rows
            for a, b in pairwise(row)
        )

    # -- columns -----------------------------------------------------------------------------

    def _header(self) -> int:
        """How many rows at the top are headers: marked ones, else rows of words above numbers."""
        marked = 0
        while marked < len(self.rows) and self._is_marked(self.rows[marked]):
            marked += 1
        if marked:
            return marked
        numbers = [cell.row for cell in self.cells if is_number(cell.text)]
        last = max(numbers, default=0)  # without numbers, nothing tells a second header row
        end = row = 0
        while row < len(self.rows) and (row < end or row <= last):
            own = self.rows[row]
            if row >= end and not (self._is_header(own) or (row and self._counts_up(own))):
                break
            below = (self.cells[i].row + self.cells[i].rowspan for i in own if self._words(i))
            end = max([end, row + 1, *below])
            row += 1
        return end if end < len(self.rows) else 0

    def _words(self, index: int) -> bool:
        return is_words(self.cells[index].text)

    def _is_marked(self, row: Sequence[int]) -> bool:
        return any(self.cells[i].label for i in row) and all(
            self.cells[i].label or not self.cells[i].text for i in row
        )

    def _is_header(self, row: Sequence[int]) -> bool:
        """Whether a row has words only, and not just one at its left, as a row without values."""
        if not all(self._words(i) or not self.cells[i].text for i in row):
            return False
        words = [i for i in row if self._words(i)]
        return any(self.cells[i].col > 0 for i in words) or (len(row) == 1 and bool(words))

    def _counts_up(self, row: Sequence[int]) -> bool:
        """Whether the row numbers its columns: 1, 2, 3, ..."""
        numbers = [number_of(self.cells[i].text) for i in row if not self._words(i)]
        return len(numbers) >= MIN_ALIKE and all(
            a is not None and b is not None and b - a == 1 for a, b in pairwise(numbers)
        )

    def _inner_headers(self, header: int) -> set[int]:
        """Rows of words in the body that have numbers below: sections and further headers."""
        found: set[int] = set()
        below: set[int] = set()  # columns that hold a number further down, before a row of words
        for row in reversed(self.rows[header:]):
            own = self._beside_merged(row)
            if own and self._is_header(own):
                others = [self.cells[i] for i in own if self._words(i) and self.cells[i].col > 0]
                above = sum(not below.isdisjoint(_columns(cell)) for cell in others)
                if self._fills_width(own) or 2 * above > len(others):
                    found |= {i for i in row if self._words(i)}
                below = set()
            below |= {self.cells[i].col for i in row if is_number(self.cells[i].text)}
        return found

    def _fills_width(self, row: Sequence[int]) -> bool:
        return self.cells[row[0]].colspan == self.example.shape[1] > 1

    def _beside_merged(self, row: Sequence[int]) -> Sequence[int]:
        """The row without the labels at its left that span several rows."""
        start = 0
        while start < len(row) and self.cells[row[start]].rowspan > 1 and self._words(row[start]):
            start += 1
        return row[start:]

    # -- rows --------------------------------------------------------------------------------

    def _row_labels(self, row: Sequence[int]) -> Sequence[int]:
        """The words before the row's first value; in a form, every other cell."""
        own = self._beside_merged(row)
        pairs = [(self.cells[a].text, self.cells[b].text) for a, b in batched_pairs(own)]
        if (
            len(own) % 2 == 0
            and len(pairs) >= MIN_PAIRS
            and all(is_words(label) for label, _ in pairs)
            and not all(is_words(value) for _, value in pairs)
        ):
            return [*row[: len(row) - len(own)], *own[0::2]]
        words = list(takewhile(self._words, row))
        return words if len(words) < len(row) or len(own) < len(row) else ()

    def _record_shape(self, header: int) -> tuple[tuple[int, int], ...] | None:
        """The shape of most rows, if they begin with no words, or have words behind a value."""
        shapes = [row_shape(self.example, row) for row in range(header, len(self.rows))]
        counts = Counter(shape for shape in shapes if shape is not None)
        for shape, common in counts.items():
            if common >= MIN_ALIKE and 2 * common > len(shapes):
                alike = [
                    row for row, s in zip(self.rows[header:], shapes, strict=True) if s == shape
                ]
                return shape if 2 * sum(map(self._is_record, alike)) > len(alike) else None
        return None

    def _is_record(self, row: Sequence[int]) -> bool:
        words = [self._words(i) for i in row]
        return not words[0] or True in words[words.index(False) :] if False in words else False


def batched_pairs(row: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours two by two; a last one without a neighbour is left out."""
    return list(zip(row[0::2], row[1::2], strict=False))


def _columns(cell: ExampleCell) -> range:
    return range(cell.col, cell.col + cell.colspan)
