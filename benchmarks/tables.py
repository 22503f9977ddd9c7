"""Tables as the benchmark sees them: truth and prediction in one shape, bound to label paths.

A truth is an intact HTML table (`th` a label, `td` a value), placed on its grid by the table model
of the HTML standard. A prediction is one table of a tool's record. Both become a `Table`, and a
value is known by its *binding*: the labels of its row, the labels of its column, and a running
number among values with equal labels. A row without labels is known by its first text, as a
record is by its key. Nothing here uses the code that is measured.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from html import escape
from typing import Any, Literal, NamedTuple

import opencc
from lxml import html as lxml_html

__all__ = [
    "Binding",
    "Cell",
    "Kind",
    "Role",
    "Table",
    "fold",
    "kind_of",
    "table_from_element",
    "table_from_record",
    "tables_of_page",
]

Role = Literal["label", "value"]
Kind = Literal["filled", "zero", "blank"]
MAX_SPAN = 1000
MAX_POSITIONS = 1_000_000  # of a table of a record

_SPACE = re.compile(r"\s+")
_MARKDOWN_ESCAPE = re.compile(r"\\(?=[\\`*_{}\[\]()#+\-.!|~<>])")
_NUMBER = re.compile(r"\s*\+?([0-9]{1,4})")  # four digits are more than MAX_SPAN
_ZERO = re.compile(r"[-+]?0+(\.0+)?%?")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell at its origin; `confidence` is 1 where a tool states none."""

    row: int
    col: int
    rowspan: int
    colspan: int
    role: Role
    text: str
    confidence: float = 1.0

    @property
    def end_row(self) -> int:
        """The first row below the cell."""
        return self.row + self.rowspan

    @property
    def end_col(self) -> int:
        """The first column to the right of the cell."""
        return self.col + self.colspan


class Binding(NamedTuple):
    """By what a value is known: folded row labels, folded column labels, running number."""

    row: tuple[str, ...]
    column: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class Table:
    """Cells in reading order on a grid of `shape` (rows, columns)."""

    cells: tuple[Cell, ...]
    shape: tuple[int, int]
    template: str | None = None

    @cached_property
    def owner(self) -> Mapping[tuple[int, int], Cell]:
        """The cell that covers each position."""
        return {
            (row, col): cell
            for cell in self.cells
            for row in range(cell.row, cell.end_row)
            for col in range(cell.col, cell.end_col)
        }

    @cached_property
    def bindings(self) -> Mapping[Binding, Cell]:
        """Every value cell by its binding."""
        counts: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
        bound = {}
        for cell in self.cells:
            if cell.role == "value":
                paths = self._row_path(cell) or self._key_of_row(cell), self._column_path(cell)
                bound[Binding(*paths, counts[paths])] = cell
                counts[paths] += 1
        return bound

    def rows(self) -> list[list[str]]:
        """The full rectangle, a spanning cell's text at each position that it covers."""
        n_rows, n_cols = self.shape
        return [
            [cell.text if (cell := self.owner.get((r, c))) else "" for c in range(n_cols)]
            for r in range(n_rows)
        ]

    def with_texts(self, texts: Mapping[int, str]) -> Table:
        """The same table with other texts in the cells of these indices."""
        cells = list(self.cells)
        for index, text in texts.items():
            cells[index] = replace(cells[index], text=text)
        return replace(self, cells=tuple(cells))

    def to_html(self) -> str:
        """Plain intact HTML on one line: `th`, `td` and spans."""
        rows: list[list[str]] = [[] for _ in range(self.shape[0])]
        for cell in self.cells:
            tag = "th" if cell.role == "label" else "td"
            rows[cell.row].append(f"<{tag}{span_attributes(cell)}>{escape(cell.text)}</{tag}>")
        return "<table>" + "".join(f"<tr>{''.join(row)}</tr>" for row in rows) + "</table>"

    def _row_path(self, value: Cell) -> tuple[str, ...]:
        labels = (self.owner.get((value.row, col)) for col in range(value.col))
        return _path(cell for cell in labels if cell and cell.role == "label")

    def _key_of_row(self, value: Cell) -> tuple[str, ...]:
        texts = (self.owner.get((value.row, col)) for col in range(self.shape[1]))
        return next(((key,) for cell in texts if cell and (key := fold(cell.text))), ())

    def _column_path(self, value: Cell) -> tuple[str, ...]:
        block: list[Cell] = []
        for row in range(value.row - 1, -1, -1):
            cell = self.owner.get((row, value.col))
            if cell and cell.role == "label":
                block.append(cell)
            elif block:
                break
        return _path(reversed(block))


def _path(labels: Iterable[Cell]) -> tuple[str, ...]:
    """Folded texts; a label that covers several positions, or is repeated over them, once."""
    path: list[str] = []
    for cell in labels:
        text = fold(cell.text)
        if text and path[-1:] != [text]:
            path.append(text)
    return tuple(path)


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("hk2s")


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    r"""What counts as the same text: width, script, white space and Markdown escapes apart.

    >>> fold("１，２３４ "), fold("結果\n維持"), fold(r"\-")
    ('1,234', '结果维持', '-')
    """
    plain = unicodedata.normalize("NFKC", _MARKDOWN_ESCAPE.sub("", text))
    plain = _SPACE.sub("", plain)
    if plain.isascii():
        return plain
    return str(_simplifier().convert(plain.encode("utf-8", "replace").decode()))


def kind_of(text: str) -> Kind:
    """Zeros and blanks are easy to get right by chance; they are counted apart."""
    plain = fold(text)
    if not plain:
        return "blank"
    return "zero" if _ZERO.fullmatch(plain) else "filled"


def span_attributes(cell: Cell) -> str:
    """`rowspan` and `colspan` as HTML attributes, where they are not 1."""
    spans = {"rowspan": cell.rowspan, "colspan": cell.colspan}
    return "".join(f' {name}="{size}"' for name, size in spans.items() if size > 1)


def tables_of_page(page: str) -> list[Table]:
    """The tables of a page that lie in no other table; labels are their `th`."""
    if not page.strip():
        return []
    parser = lxml_html.HTMLParser(encoding="utf-8")
    root = lxml_html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    outer = (t for t in root.iter("table") if next(t.iterancestors("table"), None) is None)
    return [table_from_element(element) for element in outer]


def table_from_element(element: lxml_html.HtmlElement) -> Table:
    """Place an HTML table's cells on its grid (HTML standard, "forming a table")."""
    taken: set[tuple[int, int]] = set()
    cells = []
    rows = [tr for tr in element.iter("tr") if next(tr.iterancestors("table")) is element]
    for row, tr in enumerate(rows):
        col = 0
        for node in tr.iterchildren("td", "th"):
            while (row, col) in taken:
                col += 1
            rowspan = min(_span(node, "rowspan", for_zero=len(rows)), len(rows) - row)
            colspan = _span(node, "colspan", for_zero=1)
            role: Role = "label" if node.tag == "th" else "value"
            text = _SPACE.sub(" ", str(node.text_content())).strip()
            cell = Cell(row, col, rowspan, colspan, role, text)
            cells.append(cell)
            taken.update(_positions(cell))
            col += colspan
    width = max((col + 1 for _, col in taken), default=0)
    return Table(tuple(cells), (len(rows), width), element.get("data-template"))


def _positions(cell: Cell) -> Iterator[tuple[int, int]]:
    for row in range(cell.row, cell.end_row):
        for col in range(cell.col, cell.end_col):
            yield row, col


def _span(node: lxml_html.HtmlElement, name: str, for_zero: int) -> int:
    number = _NUMBER.match(str(node.get(name, "")))
    return min(int(number[1]), MAX_SPAN) or for_zero if number else 1


def table_from_record(record: Mapping[str, Any]) -> Table:
    """One table of a record (docs/record.md); a tool may leave out confidences, spans and shape.

    Raises `ValueError` that names the cell where one is malformed, lies beyond the shape, or makes
    the table larger than any can be.
    """
    cells: Sequence[Mapping[str, Any]] = record["cells"]
    placed = sorted(map(_cell_of_record, cells), key=lambda cell: (cell.row, cell.col))
    n_rows, n_cols = record.get("shape") or (
        max((cell.end_row for cell in placed), default=0),
        max((cell.end_col for cell in placed), default=0),
    )
    covered = 0
    for cell in placed:
        covered += cell.rowspan * cell.colspan
        if cell.end_row > n_rows or cell.end_col > n_cols:
            raise ValueError(f"{_place(cell)}: lies beyond the shape, {n_rows} × {n_cols}")
        if max(cell.end_row * cell.end_col, covered) > MAX_POSITIONS:
            raise ValueError(f"{_place(cell)}: the table has over {MAX_POSITIONS} positions")
    if n_rows * n_cols > MAX_POSITIONS:
        raise ValueError(f"shape {n_rows} × {n_cols}: over {MAX_POSITIONS} positions")
    return Table(tuple(placed), (int(n_rows), int(n_cols)), record.get("template"))


def _cell_of_record(given: Mapping[str, Any]) -> Cell:
    def stated(name: str, otherwise: Any) -> Any:
        value = given.get(name)
        return otherwise if value is None else value

    try:
        cell = Cell(
            int(given["row"]),
            int(given["col"]),
            int(stated("rowspan", 1)),
            int(stated("colspan", 1)),
            "label" if given.get("role") == "label" else "value",
            str(stated("text", "")),
            float(stated("confidence", 1.0)),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"cell {given!r:.100}: row, column, spans or confidence?") from error
    if min(cell.row, cell.col) < 0 or min(cell.rowspan, cell.colspan) < 1:
        raise ValueError(f"{_place(cell)}: has no place in a table")
    if not 0 <= cell.confidence <= 1:
        raise ValueError(f"{_place(cell)}: confidence {cell.confidence} is not in 0..1")
    return cell


def _place(cell: Cell) -> str:
    return f"cell of row {cell.row}, column {cell.col} ({cell.rowspan} × {cell.colspan})"
