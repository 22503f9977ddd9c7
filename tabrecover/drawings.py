"""One table of a dump, redrawn: merged cells as one each, nothing of what a tool put around it.

Tools that flatten draw merged cells in ways of their own: they repeat the text, leave blanks behind
or below it, or leave covered cells out, so that the rest of the row moves up. Once the labels are
known, each way can be undone. What says the same side by side is one cell; blanks beside a label
belong to it; heads that begin below the column of row labels divide the wide cells above; a row of
values that always ends early lacks labels that span it.
"""

from __future__ import annotations

from itertools import pairwise, product, takewhile
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.examples import Example, ExampleCell
from tabrecover.fold import fold_text
from tabrecover.units import number_of

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

__all__ = ["Drawing", "DrawnCell"]

MIN_COUNTED = 3  # numbers that count
MAX_DIVIDED = 12  # cells of a head that the next row may divide
MAX_HEADS = 20  # rows above all values in which cells may have been left out
NOTHING = -1  # a position for which the dump has no cell


class DrawnCell(NamedTuple):
    """A cell on the grid; `source` is the number of its text, None where the dump has nothing."""

    row: int
    col: int
    rowspan: int
    colspan: int
    label: bool
    source: int | None


class Drawing:
    """A table as a dump draws it, to be redrawn in place.

    `rows` has the cell that covers each position, or NOTHING; `texts` the cells' texts, `folded`
    these folded, `labels` the folded texts of labels (set by who knows them), else nothing.
    `document` and `place` say where it comes from. Rows and columns that show nothing are left out.
    """

    def __init__(
        self, rows: Sequence[Sequence[int]], texts: Sequence[str], document: str, start: int
    ) -> None:
        width = max(map(len, rows), default=0)
        self.document = document
        self.place = f"{document}, character {start + 1}"
        self.rows = [[*row, *[NOTHING] * (width - len(row))] for row in rows]
        self.texts = texts
        self.folded = [fold_text(text) or text for text in texts]
        self.labels = [""] * len(texts)
        self._drop_empty()

    @property
    def missing(self) -> int:
        """For how many positions there is no cell."""
        return sum(line.count(NOTHING) for line in self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; (0, 0) if nothing is left."""
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def text(self, row: int, col: int) -> str:
        """What stands at a position, or nothing."""
        at = self.rows[row][col]
        return self.texts[at] if at >= 0 else ""

    def words(self, row: int, col: int) -> str:
        """What stands at a position, folded."""
        at = self.rows[row][col]
        return self.folded[at] if at >= 0 else ""

    def label(self, row: int, col: int) -> str:
        """The label that stands at a position, folded, or nothing."""
        at = self.rows[row][col]
        return self.labels[at] if at >= 0 else ""

    def counted(self, cells: Container[int]) -> set[int]:
        """Those of the cells that go up from row to row, as numbers of lines do."""
        found: set[int] = set()
        for column in zip(*self.rows, strict=True):
            own = [at for at in column if at in cells]
            amounts = [number_of(self.texts[at]) or 0 for at in own]
            if len(own) >= MIN_COUNTED and all(a < b for a, b in pairwise(amounts)):
                found.update(own)
        return found

    def redraw(
        self,
        repeats: Container[tuple[int, int]],
        blank: Container[tuple[int, int]],
        *,
        downwards: bool = True,
    ) -> None:
        """Make merged cells one each.

        `repeats` are the positions that always say what the position before them says, `blank`
        those that are always blank. `downwards`: labels that repeat the one above are merged.
        """
        self._merge_repeats(repeats, downwards)
        self._merge_blanks()
        self._shift_rows(blank)

    def cells(self) -> tuple[DrawnCell, ...]:
        """The cells in reading order; what covers no rectangle keeps the part where it begins."""
        found: list[DrawnCell] = []
        done: set[tuple[int, int]] = set()
        seen: set[int] = set()
        n_rows, n_cols = self.shape
        for row, line in enumerate(self.rows):
            for col, at in enumerate(line):
                if (row, col) in done:
                    continue
                if at == NOTHING or at in seen:
                    found.append(DrawnCell(row, col, 1, 1, False, None))
                    continue
                seen.add(at)
                end, bottom = col + 1, row + 1
                while end < n_cols and line[end] == at:
                    end += 1
                while bottom < n_rows and set(self.rows[bottom][col:end]) == {at}:
                    bottom += 1
                spans = (bottom - row, end - col)
                found.append(DrawnCell(row, col, *spans, bool(self.labels[at]), at))
                done.update(product(range(row, bottom), range(col, end)))
        return tuple(found)

    def example(self) -> Example:
        """The cells on their grid; labels are marked."""
        cells = (
            ExampleCell(*c[:4], "" if c.source is None else self.texts[c.source], c.label)
            for c in self.cells()
        )
        return Example(tuple(cells), self.shape, self.place)

    # --- what a tool put around the table -------------------------------------------------------

    def drop_counts(self) -> None:
        """Take out numbers of columns and of rows from nought, as data frames print them.

        Numbers of columns are taken for that if every column has one, or rows are numbered too.
        """
        self._turn()
        numbered = bool(self.rows) and _counts_from_nought([self.text(0, c) for c in self._cols])
        if numbered:
            del self.rows[0]
        self._turn()
        if self.rows:
            first = [self.text(0, c) for c in self._cols]
            if (numbered or first[0]) and _counts_from_nought(first):
                del self.rows[0]
        self._drop_empty()

    @property
    def _cols(self) -> range:
        return range(len(self.rows[0]))

    def _drop_empty(self) -> None:
        """Take out rows and columns that show nothing."""
        for _ in range(2):
            self.rows = [row for row in self.rows if any(at >= 0 and self.texts[at] for at in row)]
            self._turn()

    def _turn(self) -> None:
        """Make rows columns, and columns rows."""
        self.rows = [list(line) for line in zip(*self.rows, strict=True)]

    # --- repeated texts -------------------------------------------------------------------------

    def _merge_repeats(self, repeats: Container[tuple[int, int]], downwards: bool) -> None:
        """What repeats the position before it is one cell with it; labels also with that above."""
        n_rows, n_cols = self.shape
        for row in range(n_rows):
            for col in range(1, n_cols):
                if (row, col) in repeats:
                    self.rows[row][col] = self.rows[row][col - 1]
        for row in range(1, n_rows if downwards else 0):
            above = dict(self._runs(row - 1))
            for start, end in self._runs(row):
                label = self.label(row, start)
                if label and label == self.label(row - 1, start) and above.get(start) == end:
                    self._cover(row, start, end, self.rows[row - 1][start])

    # --- blanks beside labels -------------------------------------------------------------------

    def _merge_blanks(self) -> None:
        """Blanks below and behind a label are its own, where no value can stand."""
        n_rows, n_cols = self.shape
        heads = 0
        for row in range(n_rows):
            only_labels = self._has_only_labels(row)
            if only_labels and 0 < heads == row < MAX_HEADS:
                self._place_below(row)
            heads += only_labels and heads == row
            if row:
                self._extend_down(row, n_cols if only_labels else self._last_label(row))
            if only_labels:
                self._extend_right(row)

    def _has_only_labels(self, row: int) -> bool:
        cols = range(self.shape[1])
        return all(self.label(row, c) or not self.text(row, c) for c in cols) and any(
            self.label(row, c) for c in cols
        )

    def _last_label(self, row: int) -> int:
        """Where the last of the labels stands that the row begins with, blanks among them."""
        last = 0
        for col in range(self.shape[1]):
            if self.label(row, col):
                last = col
            elif self.text(row, col):
                break
        return last

    def _place_below(self, row: int) -> None:
        """Put heads below the cells that they divide, where a tool left out what spans rows.

        Then the row's first head stands below that of the column of row labels, and the row is
        shorter than others. Heads divide those cells above that are as wide as they are together.
        """
        line = self.rows[row]
        if self._is_section(row) or not (self.label(row, 0) and self.label(row - 1, 0)):
            return
        length = max(col for col in range(len(line)) if self.label(row, col)) + 1
        stub, *others = self._runs(row - 1)
        heads = [run for run in others if self.label(row - 1, run[0])]
        if length <= len(line) - stub[1] and len(heads) <= MAX_DIVIDED:
            room = _divided(heads, length)
            moved = [NOTHING] * len(line)
            for col, at in zip(room, line, strict=False):
                moved[col] = at
            self.rows[row] = moved if room else line

    def _extend_down(self, row: int, end: int) -> None:
        """Blanks in the first `end` columns that a label stands exactly above are its own."""
        if self._is_section(row - 1) or self._is_section(row):
            return
        for start, stop in self._runs(row - 1):
            blank = not any(self.text(row, col) for col in range(start, stop))
            if stop <= end and blank and self.label(row - 1, start):
                self._cover(row, start, stop, self.rows[row - 1][start])

    def _is_section(self, row: int) -> bool:
        """Whether the row has one label at its left, and nothing else."""
        shown = {at for at in self.rows[row] if at >= 0 and self.texts[at]}
        return len(shown) == 1 and bool(self.label(row, 0))

    def _extend_right(self, row: int) -> None:
        """Blanks behind a label are its own, as far as one cell stands above them.

        Those of a section are, whatever stands above.
        """
        line = self.rows[row]
        free = row == 0 or self._is_section(row)
        above = {} if free else {c: run for run in self._runs(row - 1) for c in range(*run)}
        first = 0  # column of the last label
        for col in range(len(line)):
            if col == 0 or line[col] != line[col - 1]:
                first = col if self.label(row, col) else first
            if self.text(row, col) or not col or not self.label(row, col - 1):
                continue
            start, end = above.get(first, (0, len(line)))
            covered = row > 0 and self.rows[row - 1][col - 1] == line[col - 1]
            if (col < end or end - start == 1) and not covered:
                line[col] = line[col - 1]

    # --- rows of values -------------------------------------------------------------------------

    def _shift_rows(self, blank: Container[tuple[int, int]]) -> None:
        """Let cells of rows of values reach over positions that are always blank.

        Blanks at a row's end stand for cells that a tool left out. In a row of a form, they belong
        to its last value. Else, if no more are missing than columns of labels, labels are: those
        that span the row from above, or the rest of its own label.
        """
        rows = [row for row in range(self.shape[0]) if not self._has_only_labels(row)]
        lacking = {row: self._blanks_at_end(row, blank) for row in rows}
        whole = [row for row in rows if not lacking[row] and not self._is_form(row)]
        stub = max(map(self._last_label, whole), default=0)  # columns of labels but for the first
        named: set[int] = set()  # columns with labels so far
        full = 0  # labels that the last row without such blanks begins with
        for row in rows:
            line, lacks = self.rows[row], lacking[row]
            own, labels = line[: len(line) - lacks], self._leading(row)
            if not lacks:
                full = labels
                self._widen_label(row, blank, named)
            elif self._is_form(row):
                self.rows[row] = own + [own[-1]] * lacks
            elif lacks < full:
                self.rows[row] = [*self.rows[row - 1][:lacks], *own]
            elif lacks <= stub and labels == 1:
                self.rows[row] = [line[0]] * lacks + own
            named.update(col for col in range(len(line)) if self.label(row, col))

    def _is_form(self, row: int) -> bool:
        """Whether a label stands behind a value."""
        kinds = [bool(self.label(row, c)) for c in range(self.shape[1]) if self.text(row, c)]
        return any(not before and behind for before, behind in pairwise(kinds))

    def _blanks_at_end(self, row: int, blank: Container[tuple[int, int]]) -> int:
        cols = range(self.shape[1] - 1, -1, -1)
        return sum(
            1 for _ in takewhile(lambda c: (row, c) in blank and not self.text(row, c), cols)
        )

    def _leading(self, row: int) -> int:
        """How many labels a row begins with."""
        starts = (start for start, _ in self._runs(row))
        return sum(1 for _ in takewhile(lambda col: bool(self.label(row, col)), starts))

    def _widen_label(
        self, row: int, blank: Container[tuple[int, int]], named: Container[int]
    ) -> None:
        """Columns of labels in which the row never has anything belong to the label before them."""
        for col in range(1, self.shape[1]):
            if (row, col) not in blank or self.text(row, col) or col not in named:
                return
            self.rows[row][col] = self.rows[row][col - 1]

    # --- cells of a row -------------------------------------------------------------------------

    def _runs(self, row: int) -> list[tuple[int, int]]:
        """The columns of each cell of a row, half-open; every position without one by itself."""
        line = self.rows[row]
        starts = [c for c in range(len(line)) if not c or line[c] != line[c - 1] or line[c] < 0]
        return list(pairwise([*starts, len(line)]))

    def _cover(self, row: int, start: int, end: int, by: int) -> None:
        self.rows[row][start:end] = [by] * (end - start)


def _divided(runs: Sequence[tuple[int, int]], length: int) -> list[int]:
    """The columns of the runs that cells of this length together divide; none if none are enough.

    As little room as possible is left over; of equal choices, cells of several columns are divided.
    """
    best: tuple[tuple[int, int], list[int]] | None = None
    for chosen in product((False, True), repeat=len(runs)):
        own = [run for run, taken in zip(runs, chosen, strict=True) if taken]
        columns = [col for start, end in own for col in range(start, end)]
        cost = (len(columns) - length, sum(end - start == 1 for start, end in own))
        if len(columns) >= length and (best is None or cost < best[0]):
            best = cost, columns
    return best[1] if best else []


def _counts_from_nought(texts: Sequence[str]) -> bool:
    """Whether these are 0, 1, 2 and so on, blanks before them or not."""
    blanks = next((n for n, text in enumerate(texts) if text), len(texts))
    numbers = [number_of(text) for text in texts[blanks:]]
    return len(numbers) >= MIN_COUNTED and numbers == list(range(len(numbers)))
