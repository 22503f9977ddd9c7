"""Intact tables as examples to learn a layout from: cells on their grid, and who marks labels.

HTML is placed by the table model of the HTML standard ("forming a table"): a cell takes the next
free column, a rowspan ends with its row group. What the standard calls a table model error is
mended so that a grid results, and told in `Example.notes`: a cell that would overlap another one
is cut where that one begins, a position that no cell covers becomes a blank cell. One pass over
the cells, linear in the positions that they cover.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree
from lxml import html as lxml_html

from tabrecover.errors import InputError
from tabrecover.lex_html import MAX_SPAN
from tabrecover.model import covering

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Example", "ExampleCell", "GivenCell", "clean_text", "html_examples", "place_cells"]

MAX_POSITIONS = 200_000  # of one example; more is a data file, whose first rows show its layout
_SPACE = re.compile(r"\s+")
_UNWRITABLE = re.compile(  # what neither HTML nor TOML can hold
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_DIGITS = re.compile(r"\s*\+?(\d{1,6})", re.ASCII)
_BLOCKS = ("br", "p", "div", "li", "tr", "td", "th")
_BOLD = ("b", "strong")
_GROUPS = ("thead", "tbody", "tfoot")


class GivenCell(NamedTuple):
    """A cell as its source declares it; `label`: the source marks it as a header."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    label: bool = False


class ExampleCell(NamedTuple):
    """A cell at its origin on the grid."""

    row: int
    col: int
    rowspan: int
    colspan: int
    text: str
    label: bool


@dataclass(frozen=True)
class Example:
    """One filled table: cells in reading order that cover a grid of `shape` (rows, columns).

    `place` says where it comes from, with the `file`, `notes` what had to be mended.
    """

    cells: tuple[ExampleCell, ...] = field(repr=False)
    shape: tuple[int, int]
    place: str = ""
    id: str = ""
    caption: str = ""
    file: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def owner(self) -> Mapping[tuple[int, int], int]:
        """The index of the cell that covers each position."""
        return covering(self.cells)


def clean_text(text: str) -> str:
    r"""Text on one line, without characters that a template can't hold.

    >>> clean_text(" Bed\n days\x00 ")
    'Bed days'
    """
    return _SPACE.sub(" ", _UNWRITABLE.sub(" ", text)).strip()


def place_cells(
    rows: Sequence[Sequence[GivenCell]],
    *,
    groups: Sequence[int] = (),
    place: str = "",
    id: str = "",  # noqa: A002 - the name users see
    caption: str = "",
    file: str = "",
) -> Example:
    """Put declared cells on a grid; see the module's docstring for what is mended.

    `groups` numbers the row group of every row, if there are several. Raises `InputError` where
    the cells would cover more than `MAX_POSITIONS`.
    """
    taken: set[tuple[int, int]] = set()
    cells: list[ExampleCell] = []
    notes: list[str] = []
    room = _rows_to_group_end(groups or [0] * len(rows))
    for r, given_row in enumerate(rows):
        col = 0
        for given in given_row:
            while (r, col) in taken:
                col += 1
            rowspan, colspan = min(given.rowspan, room[r]), given.colspan
            if len(taken) + rowspan * colspan > MAX_POSITIONS:
                raise InputError(
                    f"{place}: more than {MAX_POSITIONS} grid positions; cut the example down"
                )
            free = next((n for n in range(1, colspan) if (r, col + n) in taken), colspan)
            if free < colspan:
                notes.append(f"row {r + 1}, column {col + 1}: overlaps a cell; cut to {free}")
            cell = ExampleCell(r, col, rowspan, free, clean_text(given.text), given.label)
            cells.append(cell)
            taken.update((y, x) for y in _range(r, rowspan) for x in _range(col, free))
            col += free
    n_cols = max((c.col + c.colspan for c in cells), default=0)
    if len(rows) * n_cols > MAX_POSITIONS:
        raise InputError(f"{place}: more than {MAX_POSITIONS} grid positions; cut the example down")
    holes = [(r, c) for r in range(len(rows)) for c in range(n_cols) if (r, c) not in taken]
    for r, row in groupby(holes, key=lambda hole: hole[0]):
        columns = [c + 1 for _, c in row]
        notes.append(
            f"row {r + 1}: no cell in column {columns[0]} to {columns[-1]}; taken as blank"
        )
    cells += [ExampleCell(r, c, 1, 1, "", False) for r, c in holes]
    cells.sort(key=lambda cell: (cell.row, cell.col))
    shape = (len(rows), n_cols)
    return Example(
        tuple(cells), shape, place, clean_text(id), clean_text(caption), file, tuple(notes)
    )


def _range(start: int, length: int) -> range:
    return range(start, start + length)


def _rows_to_group_end(groups: Sequence[int]) -> list[int]:
    """How many rows, from each row on, belong to the same group.

    >>> _rows_to_group_end([0, 1, 1])
    [1, 2, 1]
    """
    room = [1] * len(groups)
    for r in range(len(groups) - 2, -1, -1):
        if groups[r] == groups[r + 1]:
            room[r] = room[r + 1] + 1
    return room


# --- HTML ---------------------------------------------------------------------------------------


def html_examples(page: str, file: str = "") -> list[Example]:
    """The tables of a page in their order, without those that only hold other tables.

    Raises `InputError` for a table with too many positions; a page without tables gives none.
    """
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        root = lxml_html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    etree.strip_elements(root, "script", "style", "template", with_tail=False)
    for element in root.iter(*_BLOCKS):
        element.tail = f" {element.tail or ''}"
    inner = (t for t in root.iter("table") if next(t.iterdescendants("table"), None) is None)
    return [
        _html_example(table, f"{file}: table {n}" if file else f"table {n}", file)
        for n, table in enumerate(inner, start=1)
    ]


def _html_example(table: lxml_html.HtmlElement, place: str, file: str) -> Example:
    rows = list(table.iter("tr"))
    numbers: dict[lxml_html.HtmlElement | None, int] = {}
    groups = [numbers.setdefault(_group(tr), len(numbers)) for tr in rows]
    caption = next(table.iter("caption"), None)
    given = [[_given(node, tr) for node in tr.iterchildren("td", "th")] for tr in rows]
    return place_cells(
        list(_without_useless_marks(given)),
        groups=groups,
        place=place,
        file=file,
        id=table.get("id", ""),
        caption="" if caption is None else str(caption.text_content()),
    )


def _group(tr: lxml_html.HtmlElement) -> lxml_html.HtmlElement | None:
    parent = tr.getparent()
    return parent if parent is not None and parent.tag in _GROUPS else None


def _given(node: lxml_html.HtmlElement, tr: lxml_html.HtmlElement) -> GivenCell:
    group = _group(tr)
    text = str(node.text_content())
    header = node.tag == "th" or (group is not None and group.tag == "thead")
    return GivenCell(
        text,
        rowspan=_span(node, "rowspan") or MAX_POSITIONS,  # 0: down to the end of the row group
        colspan=max(_span(node, "colspan"), 1),
        label=header or _is_bold(node, text),
    )


def _is_bold(node: lxml_html.HtmlElement, text: str) -> bool:
    """Whether all of a cell's text is bold, and there are words in it."""
    if not any(char.isalpha() for char in text):
        return False
    bold = (b for b in node.iter(*_BOLD) if next(b.iterancestors(*_BOLD), None) is None)
    return clean_text("".join(str(b.text_content()) for b in bold)) == clean_text(text)


def _without_useless_marks(rows: Iterable[Sequence[GivenCell]]) -> Iterator[Sequence[GivenCell]]:
    """Marks on every cell tell nothing: such a page is bold, or all `th`."""
    kept = list(rows)
    useless = all(cell.label for row in kept for cell in row)
    for row in kept:
        yield [cell._replace(label=False) for cell in row] if useless else row


def _span(node: lxml_html.HtmlElement, name: str) -> int:
    digits = _DIGITS.match(str(node.get(name, "1")))
    return min(int(digits[1]), MAX_SPAN) if digits else 1
