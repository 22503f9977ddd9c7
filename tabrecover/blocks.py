"""Stretches of a dump whose lines are cut into cells by bars or tabs, read as rows of entries.

A block is a run of lines that bars or tabs delimit, with the short lines that tools leave without
any: a row of one cell, or, where a delimiter stands alone on its line, the cells around it. What
parts cells and rows inside a block is for the dialect's law to say.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.lex import BARS, lex
from tabrecover.units import Units, cut_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.dialects import Law
    from tabrecover.model import Document, Span

__all__ = ["Block", "Entry", "find_blocks", "read_rows", "touches"]

MIN_LINES, MAX_LINES = 2, 100_000
BETWEEN_ALONE = 3  # texts between delimiters alone on their lines: a cell, a row end, two cells
MAX_FIRST = 4  # lines until the rule of a table
ROWS_BETWEEN = 2  # rows of one cell below each other
MAX_ALONE = 60  # characters of a line without delimiters that may be a row
_LINE = re.compile(r"[^\n]*\n?")
_DELIMITERS = f"{BARS}\t"
_BAR = f"[{re.escape(BARS)}]"
_STROKES = r"[ \t]*+:?-++:?[ \t]*+"
_RULE = re.compile(rf"[ \t]*+{_BAR}?{_STROKES}(?:(?:{_BAR}|\+){_STROKES})++{_BAR}?[ \t]*+")
_ONE_RULE = re.compile(r"[ \t]*+-{3,}+\s*+")


class Block(NamedTuple):
    """A run of delimited lines as units; plain span.

    `ruled`: a line of strokes is among them, `headed`: below a first row with a text.
    """

    start: int
    end: int
    units: Units
    ruled: bool = False
    headed: bool = False


class Entry(NamedTuple):
    """A cell's text with its plain span, or a blank (`start == end`)."""

    text: str
    start: int
    end: int


BLANK = Entry("", 0, 0)


class _Line(NamedTuple):
    """A line with its plain span.

    `alone`: it is delimited, and nothing else is on it; `firm`: its delimiters are hardly any but
    those of tables: tabs between texts, or a rule below heads.
    """

    start: int
    end: int
    delimited: bool
    alone: bool
    blank: bool
    firm: bool


# --- blocks -------------------------------------------------------------------------------------


def find_blocks(document: Document, covered: Sequence[Span]) -> list[Block]:
    """Runs of delimited lines outside the `covered` plain spans."""
    text = document.text
    if document.kind == "html" or not (document.holds_any(BARS) or "\t" in text):
        return []
    starts = [span.start for span in covered]
    found: list[Block] = []
    run: list[_Line] = []
    waiting: list[_Line] = []  # lines without delimiters, which belong to the run if it goes on
    for line in _lines(text):
        if touches(covered, starts, line.start, line.end):
            found += _block(text, run, waiting)
            run, waiting = [], []
        elif not line.delimited:
            waiting.append(line)
        elif run and _goes_on(run, waiting, line):
            run += [*waiting, line]
            waiting = []
        else:
            found += _block(text, run, waiting)
            run = [*_before(text, waiting, line), line]
            waiting = []
    return [*found, *_block(text, run, waiting)]


def touches(covered: Sequence[Span], starts: Sequence[int], start: int, end: int) -> bool:
    """Whether `[start, end)` overlaps one of the spans, which are disjoint and ascending."""
    at = bisect_left(starts, end)
    return at > 0 and covered[at - 1].end > start


def _lines(text: str) -> Iterator[_Line]:
    for match in _LINE.finditer(text):
        line = match.group()
        delimited = any(c in line.strip(" \n\r") for c in _DELIMITERS)
        blank = not line.strip()
        alone = delimited and not line.strip(f"{_DELIMITERS} \n\r")
        rule = _RULE.fullmatch(line.rstrip()) or _ONE_RULE.fullmatch(line)
        firm = rule is not None or (delimited and "\t" in line.strip())
        yield _Line(match.start(), match.end(), delimited, alone, blank and not delimited, firm)


def _goes_on(run: list[_Line], between: Sequence[_Line], line: _Line) -> bool:
    """Whether the lines between two delimited ones are rows or cells of the same table."""
    if not between:
        return True
    texts = [other for other in between if not other.blank]
    if any(other.end - other.start > MAX_ALONE for other in texts):
        return False
    if run[-1].alone and line.alone:
        return len(texts) <= BETWEEN_ALONE
    firm = line.firm or any(other.firm for other in [*run[-1:], *run[:MAX_FIRST], *between])
    return firm and len(texts) == len(between) <= ROWS_BETWEEN and not line.alone


def _before(text: str, lines: Sequence[_Line], first: _Line) -> list[_Line]:
    """The lines before the first delimiter that belong to its block.

    That is the first cell if a tab stands alone on its line, and a head of one cell with a rule
    below it.
    """
    if _is_tab(text, first):
        at = next((n for n in range(len(lines) - 1, -1, -1) if not lines[n].blank), len(lines))
    else:
        at = len(lines) - 2
        if at < 0 or lines[at].blank or not _ONE_RULE.fullmatch(text, *lines[at + 1][:2]):
            return []
    return [line for line in lines[at:] if line.end - line.start <= MAX_ALONE]


def _is_tab(text: str, line: _Line) -> bool:
    """Whether nothing but a tab is on the line; bars open and close rows."""
    return line.alone and "\t" in text[line.start : line.end]


def _block(text: str, run: Sequence[_Line], behind: Sequence[_Line]) -> Iterator[Block]:
    """The blocks of a run of lines; `behind` is what follows them."""
    if run and _is_tab(text, run[-1]):
        last = next((line for line in behind if not line.blank), None)
        if last is not None and last.end - last.start <= MAX_ALONE:
            run = [*run, last]
    rules = [
        n for n, line in enumerate(run) if _RULE.fullmatch(text[line.start : line.end].rstrip())
    ]
    cuts = [n - 1 for n in rules[1:] if n - 1 not in rules]  # heads stand above the rule
    for first, last_line in pairwise([0, *cuts, len(run)]):
        lines = run[first:last_line]
        while lines and not lines[-1].delimited and last_line in cuts:  # texts between two tables
            lines = lines[:-1]
        if MIN_LINES <= len(lines) <= MAX_LINES:
            start, end = lines[0].start, lines[-1].end
            units = cut_units(text, lex(text, start, end), ())
            rule = next((n for n in rules if first <= n < last_line), first)
            above = text[start : run[rule].start]
            headed = any(map(str.isalnum, above)) and above.count("\n") <= 1
            yield Block(start, end, units, rule > first, headed)


# --- rows ---------------------------------------------------------------------------------------


def read_rows(text: str, units: Units, law: Law) -> list[list[Entry]]:
    """Rows of entries: units, and blanks where the law shows them; none that are all blank."""
    first, *others = units.gaps
    rows: list[list[Entry]] = [[]]
    for number, reading in enumerate(law.read([first[first.rfind("e") + 1 :], *others])):
        for code in reading:
            if code == "R":
                rows.append([])
            else:
                rows[-1].append(BLANK)
        if number < len(units.units):
            unit = units.units[number]
            rows[-1].append(Entry(text[unit.start : unit.end], unit.start, unit.end))
    return [row for row in rows if any(entry.text for entry in row)]
