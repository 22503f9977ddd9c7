"""A recovered table as a picture for a terminal: boxes with spans, doubtful values marked.

The idea: write the number of its cell into every grid position, with a ring of nothing around
the grid. Then every border follows from comparing neighbours: a line runs between two positions
that differ, and the four positions around a crossing name its character. A line of text is the
special case in which the rows above and below the line are the same row, so one function
(`_draw_line`) draws every line.

Widths are display columns: wide characters count two, combining ones none. Columns get what
their texts want if that fits; otherwise they share the room, narrow columns first, down to the
longest word, and then down to four columns. Cell texts are untrusted: nothing that a terminal
would obey, or would measure differently than we do, reaches the picture.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size

from tabrecover.model import Cell

__all__ = ["clean", "draw_table", "fit", "wrap"]

LEAST_WIDTH = 4  # text columns below which a table column is not squeezed
LEGEND_LINES = 12
LEGEND_TEXT = 40  # display columns of a text quoted in the legend

_SPACE = re.compile("\r\n|[\t\n\r\u2028\u2029]")
_JOINER = re.compile("[\u200d\ufe0f]")  # make a terminal merge or widen characters at its will
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ud800-\udfff]"
)
_BLANKS = " \u3000"
_NUMBER = re.compile(r"[+\-−]?(?=[.,，．]*\d)[\d.,，．]+[%％]?")
_HIGHLIGHT, _PLAIN = "\x1b[1;33m", "\x1b[0m"


class _Pen(NamedTuple):
    """The characters to draw with; `joints` is indexed by up + 2 down + 4 left + 8 right."""

    joints: str
    blank: str
    more: str
    control: str


_UNICODE = _Pen(" ╵╷│╴┘┐┤╶└┌├─┴┬┼", "∅", "…", "·")
_ASCII = _Pen(" |||-+++-+++-+++", "_", "...", ".")


class _Item(NamedTuple):
    """A cell with the text to show, how wide it wants to be (see `_LEVELS`), and its looks."""

    cell: Cell
    text: str
    sizes: tuple[int, int, int]
    number: bool
    doubtful: bool


def draw_table(
    cells: Sequence[Cell],
    shape: tuple[int, int],
    *,
    width: int = 100,
    least: float = 0.9,
    color: bool = False,
    ascii_only: bool = False,
) -> str:
    """Draw the cells of a grid of `shape` as text, at most `width` columns wide if possible.

    Values less confident than `least` are marked, and listed below the table.
    """
    if not cells or 0 in shape:
        return ""
    pen = _ASCII if ascii_only else _UNICODE
    items = [_cell_to_item(cell, least, pen) for cell in cells]
    widths, pad = _fit(items, shape[1], width)
    texts = [_item_to_lines(item, widths, pad, color) for item in items]
    heights = _row_heights(items, texts, shape[0])
    rules = [pen.joints[12] * (size + 2 * pad) for size in widths]
    lines = _draw_lines(items, texts, heights, rules, pen)
    lines += _legend([item.cell for item in items if item.doubtful], pen, width)
    return "\n".join(lines)


# --- texts ---------------------------------------------------------------------------------


def _clean(text: str, pen: _Pen) -> str:
    """Replace what could drive a terminal, and drop what makes widths unpredictable."""
    return _CONTROL.sub(pen.control, _JOINER.sub("", _SPACE.sub(" ", text)))


def clean(text: str) -> str:
    r"""A text that can neither drive the terminal nor break a line; see the module's docstring.

    >>> clean("a\x1b[2J\nb")
    'a·[2J b'
    """
    return _clean(text, _UNICODE)


def fit(text: str, width: int, *, right: bool = False, tail: bool = False) -> str:
    """Clean a text, and cut and pad it to exactly `width` columns.

    `right` aligns it to the right; `tail` cuts off its beginning and not its end.

    >>> fit("营业收入", 6), fit("sales.total", 6, tail=True), fit("7", 3, right=True)
    ('营业… ', '…total', '  7')
    """
    text = clean(text)
    if cell_len(text) > width:
        text = _cut(text[::-1], width)[::-1] if tail else _cut(text, width)
    gap = " " * (width - cell_len(text))
    return gap + text if right else text + gap


def _cut(text: str, width: int) -> str:
    """As many characters as leave room for an ellipsis in `width` columns."""
    kept, room = "", width - 1
    for character in text:
        room -= get_character_cell_size(character)
        if room < 0:
            break
        kept += character
    return kept + _UNICODE.more if width > 0 else ""


def _percent(confidence: float) -> str:
    """Whole percent, rounded down so that a doubtful value never looks certain."""
    return f"{int(confidence * 100 + 1e-6)}%"


def _cell_to_item(cell: Cell, least: float, pen: _Pen) -> _Item:
    text = _clean(cell.text, pen)
    number = _NUMBER.fullmatch(text.strip()) is not None
    doubtful = cell.role == "value" and cell.confidence < least
    if doubtful:
        text = f"{text if text.strip() else pen.blank} ?{_percent(cell.confidence)}"
    return _Item(cell, text, _sizes(text), number, doubtful)


def _pieces(text: str, limit: int) -> Iterator[tuple[str, int, bool]]:
    """Unbreakable pieces of at most `limit` columns: text, width, whether it is space."""
    piece, size, kind = "", 0, ""
    for character in text:
        step = get_character_cell_size(character)
        if step == 0:
            piece += character  # belongs to what it follows
            continue
        new = "space" if character in _BLANKS else "wide" if step == 2 else "narrow"
        if piece and (new != kind or new == "wide" or size + step > limit):
            yield piece, size, kind == "space"
            piece, size = "", 0
        piece, size, kind = piece + character, size + step, new
    if piece:
        yield piece, size, kind == "space"


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces and beside wide characters; break words only if longer than a line.

    >>> wrap("营业收入 net of tax", 6)
    ['营业收', '入 net', 'of tax']
    """
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    line, room = "", width
    for piece, size, space in _pieces(text, width):
        if size > room:
            lines += [line.rstrip(_BLANKS)] if line.strip(_BLANKS) else []
            line, room = "", width
        if not (space and not line and lines):  # a space at a break is the break
            line, room = line + piece, room - size
    return [*lines, line] if line or not lines else lines


def _item_to_lines(item: _Item, widths: Sequence[int], pad: int, color: bool) -> list[str]:
    """Wrap and pad a text to the inner width of its box; the last line is a blank one."""
    columns = widths[item.cell.col : item.cell.col + item.cell.colspan]
    inner = sum(columns) + (2 * pad + 1) * (len(columns) - 1)
    margin = " " * pad
    lines: list[str] = []
    for line in wrap(item.text, inner):
        gap = " " * (inner - cell_len(line))
        shown = f"{_HIGHLIGHT}{line}{_PLAIN}" if color and item.doubtful else line
        lines.append(margin + (gap + shown if item.number else shown + gap) + margin)
    return [*lines, " " * (inner + 2 * pad)]


# --- sizes ---------------------------------------------------------------------------------


# A text on one line; with its words whole; as narrow as we go.
_NATURAL, _WORDS, _LEAST = range(3)
# What each column gets at least, what it gets at most, and the padding: the first that fits.
_LEVELS = (
    (_NATURAL, _NATURAL, 1),
    (_WORDS, _NATURAL, 1),
    (_WORDS, _NATURAL, 0),
    (_LEAST, _WORDS, 1),
    (_LEAST, _WORDS, 0),
)


def _fit(items: Sequence[_Item], n_cols: int, width: int) -> tuple[list[int], int]:
    """Choose column widths, and the padding beside a text: 1, or 0 if room is short."""
    ordered = sorted(items, key=lambda item: item.cell.colspan)
    for low, high, pad in _LEVELS:
        room = width - (n_cols + 1) - 2 * pad * n_cols
        widths = _column_widths(ordered, low, n_cols, 2 * pad + 1)
        if sum(widths) <= room:
            return _share(room, widths, _column_widths(ordered, high, n_cols, 2 * pad + 1)), pad
    return widths, pad


def _sizes(text: str) -> tuple[int, int, int]:
    natural = cell_len(text)
    least = min(natural, LEAST_WIDTH)
    if natural == least:
        return natural, least, least
    if text.isascii():
        return natural, max(least, *map(len, text.split(" "))), least
    return natural, max(least, *(size for _, size, _ in _pieces(text, natural))), least


def _column_widths(ordered: Sequence[_Item], level: int, n_cols: int, gap: int) -> list[int]:
    """Find least widths that give every cell its size; spans come last and widen evenly."""
    widths = [1] * n_cols
    for item in ordered:
        start, n = item.cell.col, item.cell.colspan
        missing = item.sizes[level] - sum(widths[start : start + n]) - gap * (n - 1)
        if missing > 0:
            each, rest = divmod(missing, n)
            for k in range(n):
                widths[start + k] += each + (k < rest)
    return widths


def _share(room: int, low: Sequence[int], high: Sequence[int]) -> list[int]:
    """Widths between `low` and `high` that use the room, as equal as the bounds allow.

    >>> _share(20, [4, 4, 4], [5, 30, 30])
    [5, 8, 7]
    """
    bounds = list(zip(low, high, strict=True))

    def level(height: int) -> list[int]:
        return [max(a, min(height, b)) for a, b in bounds]

    top = bisect_right(range(max(high) + 1), room, key=lambda height: sum(level(height)))
    widths, above = level(top - 1), level(top)
    rest = room - sum(widths)
    for k, (now, then) in enumerate(zip(widths, above, strict=True)):
        if rest > 0 and then > now:
            widths[k] += 1
            rest -= 1
    return widths


def _row_heights(items: Sequence[_Item], texts: Sequence[Sequence[str]], n_rows: int) -> list[int]:
    """Rows as high as their tallest cell; a taller box stretches its last row."""
    heights = [1] * n_rows
    for item, lines in sorted(
        zip(items, texts, strict=True), key=lambda pair: (pair[0].cell.rowspan, pair[0].cell.row)
    ):
        start, n = item.cell.row, item.cell.rowspan
        missing = (len(lines) - 1) - sum(heights[start : start + n]) - (n - 1)
        heights[start + n - 1] += max(0, missing)
    return heights


# --- lines ---------------------------------------------------------------------------------


def _draw_lines(
    items: Sequence[_Item],
    texts: Sequence[Sequence[str]],
    heights: Sequence[int],
    rules: Sequence[str],
    pen: _Pen,
) -> list[str]:
    """Draw all lines of the picture, borders and texts alternating."""
    owners = [[-1] * (len(rules) + 2) for _ in range(len(heights) + 2)]
    for number, (cell, *_) in enumerate(items):
        for row in owners[cell.row + 1 : cell.row + 1 + cell.rowspan]:
            row[cell.col + 1 : cell.col + 1 + cell.colspan] = [number] * cell.colspan
    # Lines are drawn downwards, so every box just takes its next line, and then blank ones.
    feeds = [chain(lines[:-1], repeat(lines[-1])) for lines in texts]
    lines = [_draw_line(owners[0], owners[1], feeds, rules, pen)]
    for row, below, height in zip(owners[1:-1], owners[2:], heights, strict=True):
        lines += [_draw_line(row, row, feeds, rules, pen) for _ in range(height)]
        lines.append(_draw_line(row, below, feeds, rules, pen))
    return lines


def _draw_line(
    above: Sequence[int],
    below: Sequence[int],
    feeds: Sequence[Iterator[str]],
    rules: Sequence[str],
    pen: _Pen,
) -> str:
    """Draw the line between two rows of cell numbers: rules where they differ, else boxes."""
    parts: list[str] = []
    for k in range(1, len(above)):
        upper, lower = above[k], below[k]
        before_upper, before_lower = above[k - 1], below[k - 1]
        if upper == lower == before_upper == before_lower:
            continue  # inside a box, whose line is drawn already
        parts.append(
            pen.joints[
                (before_upper != upper)
                + 2 * (before_lower != lower)
                + 4 * (before_upper != before_lower)
                + 8 * (upper != lower)
            ]
        )
        if upper != lower:
            parts.append(rules[k - 1])
        elif upper >= 0:
            parts.append(next(feeds[upper]))
    return "".join(parts)


# --- legend --------------------------------------------------------------------------------


def _legend(cells: Sequence[Cell], pen: _Pen, width: int) -> list[str]:
    """List the doubtful cells, least confident first, each with what else it may hold."""
    lines: list[str] = []
    for cell in sorted(cells, key=lambda cell: (cell.confidence, cell.row, cell.col))[
        :LEGEND_LINES
    ]:
        first, *rest = wrap(_explain(cell, pen), max(width - 2, 20))
        lines += [first, *("  " + line for line in rest)]
    if len(cells) > LEGEND_LINES:
        lines.append(f"{pen.more} and {len(cells) - LEGEND_LINES} more")
    return lines


def _explain(cell: Cell, pen: _Pen) -> str:
    key = f" ({_clean(cell.key, pen)})" if cell.key is not None else ""
    choices = [f"{_quote(cell.text, pen)} {_percent(cell.confidence)}"]
    choices += [f"or {_quote(text, pen)} {_percent(p)}" for text, p in cell.alternatives]
    hint = "" if cell.suggestion is None else f"; suggested: {_shown(cell.suggestion, pen)}"
    return f"? row {cell.row + 1} col {cell.col + 1}{key}: {', '.join(choices)}{hint}"


def _quote(text: str, pen: _Pen) -> str:
    return f"'{_shown(text, pen)}'" if _clean(text, pen).strip() else "blank"


def _shown(text: str, pen: _Pen) -> str:
    """Clean a text and cut it to what a legend can hold."""
    text = _clean(text, pen)
    if not text.strip():
        return "blank"
    if cell_len(text) <= LEGEND_TEXT:
        return text
    return wrap(text, LEGEND_TEXT - len(pen.more))[0] + pen.more
