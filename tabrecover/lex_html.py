"""HTML, intact or broken, to plain text in which the structure is still legible.

One linear scan over the tags, no tree: what a tree builder would have to guess (where does an
unclosed cell end, what does a lost row belong to) stays evidence for the alignment. Cells end
with US, rows with RS, tables with GS; blocks end lines; a block without content leaves an empty
line, as an empty cell does in tables drawn with `div`. Every plain character knows the input
characters it stands for.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tabrecover.model import CELL_END, ROW_END, TABLE_END, Document, HtmlCell

__all__ = ["looks_like_html", "parse_html"]

_TABULAR = re.compile(r"<(?:table|tr|td|th|html|body|!doctype\s+html)\b[^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</(?:div|p|span|li|ul|a|h[1-6])\s*>", re.IGNORECASE)
_TAG = re.compile(
    r"""<!--|<[!?]|<(/?)([A-Za-z][A-Za-z0-9:-]*+)("""
    r"""(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+"""  # attributes as they should be, or
    r"""|\s[^<>"']*+(?:"[^"]{0,300}+"|'[^']{0,300}+')[^<>]*+"""  # one value with brackets in it
    r"""|[^<>]*+)>"""  # or a stray quote
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
_ATTRIBUTE = re.compile(r"""([^\s=/>"']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")
_HIDDEN = frozenset(("script", "style", "template", "noscript", "svg", "head"))
_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details div dl dt fieldset "  # noqa: SIM905 - a list of words reads best as words
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre "
    "section summary tbody tfoot thead ul".split()
)
_VOID = frozenset(("br", "hr"))
_CONTROLS = {ord(c): " " for c in (CELL_END, ROW_END, TABLE_END, "\n", "\r", "\t", "\f", "\v")}
MAX_SPAN = 1000  # as in the HTML standard, "algorithm for processing rows"


def looks_like_html(text: str) -> bool:
    """Tell whether `text` is HTML: a table or document tag, or several closing tags.

    >>> looks_like_html("<table><tr><td>1")
    True
    >>> looks_like_html("a < b | <notes> c > d")
    False
    """
    if "<" not in text:
        return False
    if _TABULAR.search(text):
        return True
    return sum(1 for _, _ in zip(_MARKUP.finditer(text), range(3), strict=False)) == 3


@dataclass(slots=True)
class _Table:
    """State of one open table."""

    in_cell: bool = False
    row_has_cells: bool = False
    hosts_table: bool = False  # the open cell holds a table of its own
    rowspan: int = 1
    colspan: int = 1
    header: bool = False


class _Scanner:
    """Turns tags into separators; `parts` and `runs` grow in step.

    A run `(start, end, length)` says that `length` plain characters stand for the input
    `[start, end)`: one for one where both are equally long, else each for all of it.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.length = 0
        self.runs: list[tuple[int, int, int]] = []
        self.cells: list[HtmlCell] = []
        self.tables: list[_Table] = [_Table()]
        self.line_open = False  # text since the last separator
        self.empty_block = ""  # name of the block that opened last, if nothing came since

    def scan(self) -> None:
        source, position, size = self.source, 0, len(self.source)
        while position < size:
            tag = _TAG.search(source, position)
            self._text(position, tag.start() if tag else size)
            position = self._markup(tag) if tag else size
        while self.tables:
            self._leave_table(size)

    def _markup(self, tag: re.Match[str]) -> int:
        """Handle one tag, comment or declaration; return the position behind it."""
        name = tag.group(2)
        if name is None:
            return self._behind("-->" if tag.group() == "<!--" else ">", tag.end())
        name, closing, attributes = name.lower(), bool(tag.group(1)), tag.group(3)
        if name in _HIDDEN and not closing and not attributes.endswith("/"):
            end = re.compile(f"</{name}\\b", re.IGNORECASE).search(self.source, tag.end())
            return self._behind(">", end.start()) if end else len(self.source)
        self._tag(name, closing, attributes, tag.start())
        return tag.end()

    def _behind(self, closer: str, position: int) -> int:
        found = self.source.find(closer, position)
        return len(self.source) if found < 0 else found + len(closer)

    def _tag(self, name: str, closing: bool, attributes: str, mark: int) -> None:
        table = self.tables[-1]
        if name in ("td", "th"):
            self._leave_cell(mark)
            if not closing:
                self._enter_cell(name, attributes)
        elif name == "tr":
            self._leave_row(mark)
        elif name == "table":
            if closing:
                if len(self.tables) > 1:
                    self._leave_table(mark)
            else:
                table.hosts_table = table.in_cell
                self._emit(TABLE_END, mark)
                self.tables.append(_Table())
        elif name in _BLOCKS:
            self._block(name, closing, mark)

    def _enter_cell(self, name: str, attributes: str) -> None:
        table = self.tables[-1]
        spans = {
            name.lower(): _span(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(attributes)
        }
        table.in_cell, table.row_has_cells, table.header = True, True, name == "th"
        table.rowspan, table.colspan = spans.get("rowspan", 1), spans.get("colspan", 1)

    def _leave_cell(self, mark: int) -> None:
        table = self.tables[-1]
        if not table.in_cell:
            return
        if table.hosts_table:
            self._emit("\n", mark)
        else:
            self.cells.append(HtmlCell(self.length, table.rowspan, table.colspan, table.header))
            self._emit(CELL_END, mark)
        table.in_cell = table.hosts_table = False

    def _leave_row(self, mark: int) -> None:
        self._leave_cell(mark)
        if self.tables[-1].row_has_cells:
            self._emit(ROW_END, mark)
        self.tables[-1].row_has_cells = False

    def _leave_table(self, mark: int) -> None:
        self._leave_row(mark)
        self._emit(TABLE_END, mark)
        self.tables.pop()

    def _block(self, name: str, closing: bool, mark: int) -> None:
        if name in _VOID or self.line_open or (closing and self.empty_block == name):
            self._emit("\n", mark)
        self.empty_block = "" if closing else name

    def _emit(self, separator: str, mark: int) -> None:
        self._run(separator, mark, mark)
        self.line_open = False
        self.empty_block = ""

    def _run(self, text: str, start: int, end: int) -> None:
        self.parts.append(text)
        self.length += len(text)
        self.runs.append((start, end, len(text)))

    def _text(self, start: int, end: int) -> None:
        position = start
        if self.source.find("&", start, end) >= 0:
            for entity in _ENTITY.finditer(self.source, start, end):
                self._verbatim(position, entity.start())
                self._entity(entity.group(), entity.start(), entity.end())
                position = entity.end()
        self._verbatim(position, end)

    def _verbatim(self, start: int, end: int) -> None:
        if end > start:
            self._append(self.source[start:end].translate(_CONTROLS), start, end)

    def _entity(self, entity: str, start: int, end: int) -> None:
        self._append(html.unescape(entity).translate(_CONTROLS), start, end)

    def _append(self, text: str, start: int, end: int) -> None:
        self._run(text, start, end)
        if not text.isspace():
            self.line_open = True
            self.empty_block = ""


def _span(value: str) -> int:
    """A span attribute's value, as browsers read it: leading digits, 1 to `MAX_SPAN`."""
    digits = re.match(r"\s*0*(\d{1,6})", value, re.ASCII)
    return min(max(int(digits.group(1)), 1), MAX_SPAN) if digits else 1


def _offsets(
    runs: list[tuple[int, int, int]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Input start and end of every plain character, from the runs (see `_Scanner`)."""
    table = np.array(runs, dtype=np.int64).reshape(-1, 3)
    run_start, run_end, length = table[:, 0], table[:, 1], table[:, 2]
    verbatim = np.repeat(run_end - run_start == length, length)
    first = np.repeat(np.cumsum(length) - length, length)
    within = np.arange(int(length.sum()), dtype=np.int64) - first
    starts = np.repeat(run_start, length) + np.where(verbatim, within, 0)
    ends = np.where(verbatim, starts + 1, np.repeat(run_end, length))
    return starts, ends


def parse_html(source: str) -> Document:
    r"""Read HTML as plain text with separators; never fails, linear in the input's length.

    >>> parse_html("<table><tr><td>a<td rowspan=2>b &amp; c</table>").text.split("\x1f")[1]
    'b & c'
    """
    scanner = _Scanner(source)
    scanner.scan()
    starts, ends = _offsets(scanner.runs)
    text = "".join(scanner.parts)
    return Document(text, "html", source, starts, ends, tuple(scanner.cells))
