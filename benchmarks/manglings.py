"""What else happens to a table before or after a tool flattens it.

A mangling alters the tables before they are flattened (a row added or left out), marks a value by
a number that occurs nowhere else and then damages the dump at that mark (a value lost with its
separator, the rest cut off), or changes the text of the dump (page numbers, hard wraps, another
script). Manglings compose: each takes what the one before gives. All draw from the given generator
only, so that the same page is always mangled in the same way.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle
from typing import NamedTuple

import opencc

from benchmarks.tables import Cell, Table

__all__ = ["MANGLINGS", "Altered", "Mangling", "damage", "prepare"]

MARK = "91827364509"
WRAP_AT = (24, 60)
LINES_A_PAGE = (18, 40)
NAMES_OF_ROWS = {
    "zh": ("其他情况", "其中：上级转办", "补充登记", "未归类事项"),
    "en": ("Other cases", "of which: carried over", "Late entries", "Not classified"),
}


class Altered(NamedTuple):
    """A document's tables, and by table the cells that the mangled dump no longer holds."""

    tables: tuple[Table, ...]
    absent: tuple[frozenset[int], ...]
    marked: tuple[int, int] | None = None


Alter = Callable[[Altered, str, random.Random], Altered | None]
Retext = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Mangling:
    """One way of mangling; a step that it does not have leaves things as they are.

    `alter` gives None where a document has no place for it. `in_order` says that it needs a dump
    whose texts stand in reading order, `of_text` that it would break tags.
    """

    name: str
    alter: Alter | None = None
    retext: Retext | None = None
    in_order: bool = False
    of_text: bool = False


def prepare(
    steps: Sequence[Mangling], tables: Sequence[Table], language: str, rng: random.Random
) -> Altered | None:
    """The tables as they go to the flattener, a marked value carrying the mark."""
    state: Altered | None = Altered(tuple(tables), (frozenset(),) * len(tables))
    for step in steps:
        if step.alter and state:
            state = step.alter(state, language, rng)
    return state


def damage(steps: Sequence[Mangling], dump: str, rng: random.Random) -> str:
    """The dump after all steps."""
    for step in steps:
        if step.retext:
            dump = step.retext(dump, rng)
    return dump


# -- before flattening -----------------------------------------------------------------------


def _rows_of_values(table: Table) -> list[int]:
    """Rows with values, a label of their own before them, and no cell that spans on below."""
    rows = []
    for row in range(1, table.shape[0]):
        own = [cell for cell in table.cells if cell.row == row]
        values = [cell for cell in own if cell.role == "value"]
        flat = all(cell.rowspan == 1 for cell in own)
        if flat and values and own[0].role == "label" and own[0].col < values[0].col:
            rows.append(row)
    return rows


def _choose_row(state: Altered, rng: random.Random) -> tuple[int, int] | None:
    places = [(t, row) for t, table in enumerate(state.tables) for row in _rows_of_values(table)]
    return rng.choice(places) if places else None


def _shifted(cell: Cell, row: int, by: int) -> Cell:
    """The cell after rows were put in below `row` (by > 0) or `row` was taken out (by < 0)."""
    if cell.row > row:
        return replace(cell, row=cell.row + by)
    if cell.row < row < cell.end_row:
        return replace(cell, rowspan=cell.rowspan + by)
    return cell


def _exchange(state: Altered, at: int, table: Table) -> Altered:
    tables = (*state.tables[:at], table, *state.tables[at + 1 :])
    return state._replace(tables=tables)


def _add_row(state: Altered, language: str, rng: random.Random) -> Altered | None:
    """A row of a local office's own below another row, drawn as that one."""
    place = _choose_row(state, rng)
    if place is None:
        return None
    at, row = place
    table = state.tables[at]
    known = NAMES_OF_ROWS.get(language, NAMES_OF_ROWS["en"])
    names = cycle(rng.sample(known, len(known)))
    new = [
        replace(cell, row=row + 1, text=next(names) if cell.role == "label" else _like(cell, rng))
        for cell in table.cells
        if cell.row == row
    ]
    cells = sorted(
        [*(_shifted(cell, row, 1) for cell in table.cells), *new], key=lambda c: (c.row, c.col)
    )
    return _exchange(state, at, replace(table, cells=tuple(cells), shape=_grown(table, 1)))


def _like(cell: Cell, rng: random.Random) -> str:
    """Another value of the same make: digits drawn anew, everything else as it is."""
    first = [True]

    def digit(_: re.Match[str]) -> str:
        least = 1 if first and first.pop() else 0
        return str(rng.randint(least, 9))

    return cell.text if cell.text in {"", "0"} else re.sub(r"[0-9]", digit, cell.text)


def _leave_row_out(state: Altered, language: str, rng: random.Random) -> Altered | None:
    """A row that the office did not print."""
    del language
    place = _choose_row(state, rng)
    if place is None:
        return None
    at, row = place
    table = state.tables[at]
    cells = tuple(_shifted(cell, row, -1) for cell in table.cells if cell.row != row)
    return _exchange(state, at, replace(table, cells=cells, shape=_grown(table, -1)))


def _grown(table: Table, by: int) -> tuple[int, int]:
    return table.shape[0] + by, table.shape[1]


def _mark_value(state: Altered, language: str, rng: random.Random) -> Altered | None:
    """Mark a value; the truth is that its place is blank."""
    del language
    places = [
        (t, index)
        for t, table in enumerate(state.tables)
        for index, cell in enumerate(table.cells)
        if cell.role == "value" and cell.text
    ]
    return state._replace(marked=rng.choice(places)) if places else None


def _mark_end(state: Altered, language: str, rng: random.Random) -> Altered | None:
    """Mark a value past the middle of a table; it and all that follows will be cut off."""
    del language
    at = rng.randrange(len(state.tables))
    cells = state.tables[at].cells
    places = [i for i, cell in enumerate(cells) if cell.role == "value" and i > len(cells) // 2]
    if not places:
        return None
    marked = rng.choice(places)
    absent = tuple(
        frozenset(i for i in range(len(table.cells)) if (t, i) >= (at, marked))
        for t, table in enumerate(state.tables)
    )
    return Altered(state.tables, absent, (at, marked))


# -- after flattening ------------------------------------------------------------------------


_MARKED = re.compile(
    "|".join(
        [
            rf"^[ \t]*(?:{MARK}[ \t]*\|?|\|[ \t]*{MARK})[ \t]*(?:\n|\Z)",  # a line of its own
            rf"[ \t]*{MARK}[ \t]*\|",
            rf"\|[ \t]*{MARK}[ \t]*$",
            rf"^{MARK}[ \t]",
            rf"[ \t]?{MARK}",
        ]
    ),
    re.MULTILINE,
)


def _lose(dump: str, rng: random.Random) -> str:
    """Take the marked value out with its separator: its line, its bar, its tab or its space."""
    del rng
    return _MARKED.sub("", dump)


def _cut(dump: str, rng: random.Random) -> str:
    del rng
    return dump.partition(MARK)[0]


def _drop_empty_lines(dump: str, rng: random.Random) -> str:
    del rng
    return "\n".join(line for line in dump.splitlines() if line.strip())


def _one_line(dump: str, rng: random.Random) -> str:
    del rng
    return " ".join(dump.split())


def _page_breaks(dump: str, rng: random.Random) -> str:
    """A page number, and in some documents a running head, every so many lines."""
    lines = dump.splitlines()
    head = next((line.strip() for line in lines if line.strip()), "")
    size, page = rng.randint(*LINES_A_PAGE), rng.randint(1, 20)
    number = rng.choice(["- {} -", "— {} —", "第 {} 页", "Page {}", "{}"])
    headed = rng.random() < 0.5
    out = []
    for count, line in enumerate(lines, start=1):
        out.append(line)
        if count % size == 0:
            out.append(number.format(page))
            out += [head] if headed else []
            page += 1
    return "\n".join(out)


_UNCUT = re.compile(r"[^\W_][a-zA-Z0-9]|[0-9][.,%]|[.,+−-][0-9]")


def _hard_wrap(dump: str, rng: random.Random) -> str:
    """Lines broken at a fixed width, in the middle of words and numbers' columns, never in one."""
    width = rng.randint(*WRAP_AT)
    out = []
    for line in dump.splitlines():
        rest = line
        while len(rest) > width:
            at = width
            while at > 1 and _UNCUT.fullmatch(rest[at - 1 : at + 1]):
                at -= 1
            at = at if at > 1 else width
            out.append(rest[:at])
            rest = rest[at:]
        out.append(rest)
    return "\n".join(out)


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def _traditional(dump: str, rng: random.Random) -> str:
    return str(_converter(rng.choice(["s2t", "s2tw", "s2hk"])).convert(dump))


@cache
def _radicals() -> dict[int, str]:
    """Characters that PDF text layers give as Kangxi radicals."""
    codes = range(0x2F00, 0x2FD6)
    return {ord(unicodedata.normalize("NFKC", chr(code))): chr(code) for code in codes}


def _pdf_forms(dump: str, rng: random.Random) -> str:
    """Kangxi radicals for characters, full-width digits for some documents."""
    text = dump.translate(_radicals())
    wide = {ord("0") + n: chr(ord("０") + n) for n in range(10)}
    return text.translate(wide) if rng.random() < 0.5 else text


MANGLINGS: tuple[Mangling, ...] = (
    Mangling("row added", alter=_add_row),
    Mangling("row left out", alter=_leave_row_out),
    Mangling("value lost", alter=_mark_value, retext=_lose, in_order=True),
    Mangling("cut off", alter=_mark_end, retext=_cut, in_order=True),
    Mangling("blanks dropped", retext=_drop_empty_lines),
    Mangling("page breaks", retext=_page_breaks, of_text=True),
    Mangling("hard wraps", retext=_hard_wrap, of_text=True),
    Mangling("traditional", retext=_traditional),
    Mangling("pdf characters", retext=_pdf_forms, of_text=True),
    Mangling("one line", retext=_one_line),
)
