"""Examples to learn a layout from, out of a pile of flattened dumps of one form.

No dump shows the layout, but together they do. Each is *read* as far as it marks rows and cells
(markup, bars, tabs, columns). What most tables say at a place is a label, what they always say
twice side by side is one cell: the *statistics* of the pile, with which every table is redrawn
(`drawings`). Tables with the same labels at the same places are one drawing of the form. That which
gives every column of values heads of its own and leaves the fewest positions open, and of such the
most frequent, is the layout's; others show how a tool mangles it, and rare ones show damage. So it
is a consensus by majority, as that of a multiple alignment, weighted by what a drawing can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabrecover.blocks import read_rows
from tabrecover.dialects import fingerprint
from tabrecover.drawings import Drawing
from tabrecover.examples import Example, clean_text
from tabrecover.fold import fold_text
from tabrecover.freeform import html_tables
from tabrecover.furniture import without_furniture
from tabrecover.guess import is_words
from tabrecover.layout import redraw
from tabrecover.lex import BARS, lex
from tabrecover.model import covering
from tabrecover.units import cut_units
from tabrecover.unwrap import unwrap

if TYPE_CHECKING:
    from tabrecover.model import Document

__all__ = ["Consensus", "read_pile"]

CONSTANT = 0.8  # of the tables say at one place what is a label
FREQUENT = 0.5  # of the documents: what more of them have is a name of a row, or a line of the form
ONCE = 1.1  # times in a table, on average: names are said once
REPEATED = 0.95  # of the tables: so many do what a tool does always
MIN_SUPPORT = 0.1  # of what is seen most often: what is rarer may be damage
ALIKE = 0.5  # of the labels: what tables of one layout have in common at least
MIN_DUMPS = 2  # that show a thing alike
MIN_ROWS, MIN_COLUMNS, MAX_COLUMNS = 2, 2, 200  # of lines that may be a table
MAX_POSITIONS = 20_000  # larger tables are data files
MAX_EXAMPLES = 60  # of one layout; more teach nothing new

Place = tuple[object, ...]


@dataclass(frozen=True)
class Consensus:
    """Examples of one table of the form: some of the `n_alike` that are drawn as they are.

    `n_found` tables were found, drawn in any way. `n_open` positions had no cell in the best of
    them, and were closed by guess.
    """

    examples: tuple[Example, ...]
    n_alike: int
    n_found: int
    n_open: int


def read_pile(documents: Sequence[Document], names: Sequence[str]) -> list[Consensus]:
    """The tables of the form, the most frequent first; none where no dump marks rows.

    `names` say where the documents come from; all must differ. Time is linear in the documents.
    """
    mended = [redraw(unwrap(without_furniture(document)[0])) for document in documents]
    lines = _constant_lines(mended)
    drawings = [
        drawing
        for document, name in zip(mended, names, strict=True)
        for drawing in (*_of_markup(document, name), *_of_lines(document, name, lines))
        if min(drawing.shape) > 0
    ]
    for drawing in drawings:
        drawing.drop_counts()
    statistics = _Statistics(drawings)
    n_open = {drawing.place: drawing.missing for drawing in drawings}
    for drawing in drawings:
        drawing.labels = statistics.labels_of(drawing)
    for drawing in drawings:
        drawing.redraw(statistics.repeats_of(drawing), statistics.blanks_of(drawing))
    examples = [drawing.example() for drawing in drawings if any(drawing.labels)]
    found = [_consensus(group, n_open) for group in _groups(examples)]
    return sorted(filter(None, found), key=lambda consensus: -consensus.n_found)


# --- reading ------------------------------------------------------------------------------------


def _constant_lines(documents: Sequence[Document]) -> frozenset[str]:
    """Folded lines that most documents have."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update({fold_text(line) for line in document.text.split("\n")})
    least = max(MIN_DUMPS, FREQUENT * len(documents))
    return frozenset(line for line, count in counts.items() if line and count >= least)


def _of_markup(document: Document, name: str) -> Iterator[Drawing]:
    for table in html_tables(document, ()):
        owner = covering(table.cells)
        n_rows, n_cols = table.shape
        rows = [[owner.get((row, col), -1) for col in range(n_cols)] for row in range(n_rows)]
        yield Drawing(rows, [clean_text(cell.text) for cell in table.cells], name, table.span.start)


def _of_lines(document: Document, name: str, lines: Container[str]) -> Iterator[Drawing]:
    """Lines with bars or tabs as rows, and lines between them that most documents have."""
    if document.kind == "html":
        return
    for start, end in _runs_of_lines(document.text, lines):
        units = cut_units(document.text, lex(document.text, start, end), ())
        laws = [law for law in fingerprint([units.gaps]) if law.rows_shown and law.parted]
        if not units.units or not laws:
            continue
        plain = [law for law in laws if law.writing is None or not law.writing.padded]
        texts: list[str] = []
        rows: list[range] = []
        for entries in read_rows(document.text, units, (plain or laws)[0]):
            rows.append(range(len(texts), len(texts) + len(entries)))
            texts += [clean_text(entry.text) for entry in entries]
        width = max(map(len, rows), default=0)
        small = len(rows) * width <= MAX_POSITIONS
        if len(rows) >= MIN_ROWS and MIN_COLUMNS <= width <= MAX_COLUMNS and small:
            yield Drawing(rows, texts, name, start)


def _runs_of_lines(text: str, lines: Container[str]) -> Iterator[tuple[int, int]]:
    start = end = position = 0
    for line in text.splitlines(keepends=True):
        behind = position + len(line)
        said = fold_text(line)
        if any(c in line.strip() for c in f"{BARS}\t") and (end > start or said):
            start, end = (start if end > start else position), behind
        elif said not in lines:
            if end > start:
                yield start, end
            start = end = behind
        position = behind
    if end > start:
        yield start, end


# --- what stays ---------------------------------------------------------------------------------


class _Statistics:
    """What stands at a place in how many tables, and where they always say one thing twice.

    A place is a column and a row, which is told by its number from the top or from the bottom, or
    by its first words if most documents have them; in all tables of as many columns, and in those
    that begin alike.
    """

    def __init__(self, drawings: Sequence[Drawing]) -> None:
        self._names = _names(drawings)
        self._beginnings: dict[object, int] = {}  # numbered: they are long
        self._seen: Counter[Place] = Counter()
        self._said: Counter[tuple[Place, str]] = Counter()
        self._filled: Counter[Place] = Counter()
        self._twice: dict[Place, Counter[str]] = {}
        for drawing in drawings:
            for row, col, place in self._places(drawing):
                text = drawing.words(row, col)
                before = drawing.words(row, col - 1) if col else ""
                self._seen[place] += 1
                self._said[place, text] += 1
                self._filled[place] += bool(text or before)
                if text and text == before:
                    self._twice.setdefault(place, Counter())[text] += 1
        self._least = max(MIN_DUMPS, MIN_SUPPORT * max(self._seen.values(), default=0))

    def _places(self, drawing: Drawing) -> Iterator[tuple[int, int, Place]]:
        n_rows, n_cols = drawing.shape
        first = tuple(drawing.words(0, col) for col in range(n_cols))
        second = tuple(bool(drawing.text(1, col)) for col in range(n_cols)) if n_rows > 1 else ()
        beginning = self._beginnings.setdefault((first, second), len(self._beginnings))
        for row in range(n_rows):
            name = _name(drawing, row)
            for col in range(n_cols):
                yield row, col, (n_cols, row, col)
                yield row, col, (n_cols, row - n_rows, col)
                yield row, col, ("beginning", beginning, row, col)
                if name in self._names and drawing.words(row, col) != name:
                    yield row, col, (n_cols, name, col)

    def labels_of(self, drawing: Drawing) -> list[str]:
        """By cell, its folded text if it is a label, else nothing."""
        labels = [""] * len(drawing.texts)
        for row, col, place in self._places(drawing):
            text = drawing.words(row, col)
            if text and self._least <= self._seen[place] <= self._said[place, text] / CONSTANT:
                labels[drawing.rows[row][col]] = text
        numbers: set[int] = set()  # in rows that hold other values, or one number all over
        named: set[int] = set()  # cells of rows that have a name
        for row, line in enumerate(drawing.rows):
            filled = {at for at in line if at >= 0 and drawing.texts[at]}
            name = _name(drawing, row)
            for at in filled:
                labels[at] = name if drawing.folded[at] == name in self._names else labels[at]
            named |= filled if name in self._names else set()
            if not all(labels[at] for at in filled) or len({labels[at] for at in filled}) == 1:
                numbers |= {at for at in filled if not is_words(drawing.texts[at])}
        numbers -= drawing.counted({at for at in numbers & named if labels[at]})
        return ["" if at in numbers else label for at, label in enumerate(labels)]

    def repeats_of(self, drawing: Drawing) -> set[tuple[int, int]]:
        """Positions that always say what the position before them says, or the same label."""
        found: set[tuple[int, int]] = set()
        for row, col, place in self._places(drawing):
            twice = self._twice.get(place, Counter())
            often = twice.total() >= max(self._least, REPEATED * self._filled[place])
            always = often and len(twice) > 1
            label = drawing.label(row, col)
            if always or (col and label and label == drawing.label(row, col - 1)):
                found.add((row, col))
        return found

    def blanks_of(self, drawing: Drawing) -> set[tuple[int, int]]:
        """Positions that are always blank."""
        return {
            (row, col)
            for row, col, place in self._places(drawing)
            if self._least <= self._seen[place] <= self._said[place, ""] / REPEATED
        }


def _name(drawing: Drawing, row: int) -> str:
    """The first words of a row, folded."""
    line = (at for at in drawing.rows[row] if at >= 0 and is_words(drawing.texts[at]))
    return next((drawing.folded[at] for at in line), "")


def _names(drawings: Iterable[Drawing]) -> frozenset[str]:
    """First words of rows that most documents have, once in a table."""
    documents: dict[str, set[str]] = {}
    rows: Counter[str] = Counter()
    tables: Counter[str] = Counter()
    everywhere: set[str] = set()
    for drawing in drawings:
        everywhere.add(drawing.document)
        found = list(filter(None, (_name(drawing, row) for row in range(len(drawing.rows)))))
        rows.update(found)
        tables.update(set(found))
        for name in found:
            documents.setdefault(name, set()).add(drawing.document)
    least = max(MIN_DUMPS, FREQUENT * len(everywhere))
    return frozenset(
        name
        for name, own in documents.items()
        if len(own) >= least and rows[name] <= ONCE * tables[name]
    )


# --- drawings -----------------------------------------------------------------------------------


def _groups(examples: Iterable[Example]) -> list[list[Example]]:
    """Tables that have most of their labels in common."""
    groups: list[tuple[Counter[str], list[Example]]] = []
    known: dict[str, list[int]] = {}  # groups by a label of their first table
    for example in examples:
        labels = Counter(fold_text(cell.text) for cell in example.cells if cell.label)
        near = sorted({n for label in labels for n in known.get(label, ())})
        home = next((n for n in near if _share(groups[n][0], labels) >= ALIKE), len(groups))
        if home == len(groups):
            groups.append((labels, []))
            for label in labels:
                known.setdefault(label, []).append(home)
        groups[home][1].append(example)
    return [group for _, group in groups]


def _share(one: Counter[str], other: Counter[str]) -> float:
    return (one & other).total() / max(one.total(), other.total(), 1)


def _consensus(group: Sequence[Example], n_open: Mapping[str, int]) -> Consensus | None:
    """The examples that draw the table as the most telling drawing does.

    `n_open` are the positions for which a dump has no cell, by the example's place.
    """
    drawn: dict[object, list[Example]] = {}
    widths = Counter(example.shape[1] for example in group)
    usual = max(widths.values())
    for example in group:
        if widths[example.shape[1]] == usual:
            drawn.setdefault(_signature(example), []).append(example)
    least = max(MIN_DUMPS, MIN_SUPPORT * max(map(len, drawn.values())))
    kept = [own for own in drawn.values() if len(own) >= least]
    if not kept:
        return None
    best = min(kept, key=lambda own: (_faults(own[0]), n_open[own[0].place], -len(own)))[0]
    alike = sorted((own for own in kept if _is_variant(own[0], best)), key=len, reverse=True)
    examples = [example for own in alike for example in own]
    return Consensus(tuple(examples[:MAX_EXAMPLES]), len(examples), len(group), n_open[best.place])


def _signature(example: Example) -> object:
    """What tables drawn alike have in common: all labels with their spans, row by row."""
    labels = [cell for cell in example.cells if cell.label]
    rows = {row: n for n, row in enumerate(dict.fromkeys(cell.row for cell in labels))}
    return example.shape[1], tuple(
        (rows[c.row], c.col, c.rowspan, c.colspan, fold_text(c.text)) for c in labels
    )


def _is_variant(example: Example, best: Example) -> bool:
    """Whether an example has the heads of the best drawing, and is drawn as well as that."""
    return _heads(example) == _heads(best) and _faults(example) <= _faults(best)


def _heads(example: Example) -> set[tuple[int, int, int, int, str]]:
    """The labels above all values, at their places."""
    first = _first_value(example)
    labels = (cell for cell in example.cells if cell.label and cell.row < first)
    return {(c.row, c.col, c.rowspan, c.colspan, fold_text(c.text)) for c in labels}


def _first_value(example: Example) -> int:
    """The first row with a value."""
    return min((cell.row for cell in example.cells if cell.text and not cell.label), default=0)


def _faults(example: Example) -> int:
    """Columns of values without heads of their own, and columns that mix values with labels."""
    cells, first = example.cells, _first_value(example)
    filled = {cell.col for cell in cells if cell.text and not cell.label}
    named = {cell.col for cell in cells if cell.label and cell.row >= first and cell.col}
    above = [[example.owner[row, col] for row in range(first)] for col in filled]
    paths = {tuple(dict.fromkeys(i for i in path if cells[i].label)) for path in above}
    return len(filled) - len(paths - {()}) + len(filled & named)
