"""Rows that a fixed line width cut: found by their structure, and put together.

A tool that breaks lines at a width cuts rows anywhere, and a row in two lines is two rows to every
law of flattening. Such a width shows: no line that could be cut is longer, and many are as long as
it allows, but for words and numbers that stay whole. A table that fills its lines shows the same;
so what decides is the structure. Rows of one table have as many bars or tabs as the rows beside
them: if joining the lines that are full makes neighbours agree which did not before, they were cut.
Line ends that a cut put in are taken out, or become the space between words in whose place they
stand; offsets lead back to the input.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import accumulate, chain, compress, pairwise
from typing import TYPE_CHECKING

import numpy as np

from tabrecover.lex import BARS, CROSSINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document

__all__ = ["unwrap"]

MIN_WIDTH = 16  # characters of a line that is worth the name
LONGEST_WORD = 40  # characters that a break may leave together
MIN_FULL = 3  # lines as long as the width allows
MIN_ALIKE = 0.3  # of the rows, once joined, that have as many cells as the row before
LESS_ALIKE = 0.7  # times that share: at most so many agreed before
MIN_SHORT = 0.2  # of the cut lines, where a tool keeps words whole
_WORD = re.compile(rf"[0-9A-Za-z\u00c0-\u024f.,%'’]+|[{BARS}]+")  # what few tools break
_SEPARATORS = BARS + CROSSINGS + "\t"


def unwrap(document: Document) -> Document:
    """The document without the line ends that cut rows; the same one if there are none."""
    if document.kind == "html" or not (document.holds_any(BARS) or document.holds_any("\t")):
        return document
    lines = document.text.split("\n")
    ends = next(filter(None, (_ends(lines, width) for width in _widths(lines))), None)
    if ends is None:
        return document
    text = _joined(lines, ends)
    keep = np.ones(len(document.text), dtype=bool)
    behind = np.cumsum([len(line) + 1 for line in lines[:-1]]) - 1
    keep[behind[[not end for end in ends]]] = False
    places = np.flatnonzero(keep)
    return replace(document, text=text, starts=places, ends=places + 1)


def _widths(lines: Sequence[str]) -> list[int]:
    """What the width may be: that of the longest line, or of the longest with a space inside.

    A tool that breaks at spaces leaves what has none as wide as it is.
    """
    breakable = (len(line) for line in lines if " " in line.strip())
    widths = dict.fromkeys([max(map(len, lines)), max(breakable, default=0)])
    return [width for width in widths if width >= MIN_WIDTH]


def _ends(lines: Sequence[str], width: int) -> list[str] | None:
    """What stood behind each line before a width cut them; None if none did.

    A cut stands for nothing, or for a space. A tool that cuts words leaves no line short by more
    than the space that it cut at. One that keeps them whole breaks at spaces only.
    """
    cut = _full(lines, width, space=1)
    if sum(cut) < MIN_FULL:
        return None
    short = [width - len(line) for line in lines]
    whole = sum(s > 1 for s in compress(short, cut)) >= MIN_SHORT * sum(cut)
    cut = _within_rows(lines, cut if whole else _full(lines, width, space=0))
    ends = []
    for number, is_cut in enumerate(cut):
        words = is_cut and lines[number][-1].isalnum() and _WORD.match(lines[number + 1])
        spaced = words and (whole or short[number] > 0)
        ends.append((" " if spaced else "") if is_cut else "\n")
    before, after = _alike(lines), _alike(_joined(lines, ends).split("\n"))
    return None if after < MIN_ALIKE or before > LESS_ALIKE * after else ends


def _full(lines: Sequence[str], width: int, space: int) -> list[bool]:
    """By line, whether the first word of the next, or its first character, makes it too wide.

    `space` is what a break took away between them.
    """
    return [_is_full(a, b, width, space) for a, b in pairwise(lines)]


def _is_full(line: str, following: str, width: int, space: int) -> bool:
    if not line or not following or not width - LONGEST_WORD < len(line) <= width:
        return False
    word = _WORD.match(following)
    return len(line) + space + (len(word.group()) if word else 1) > width


def _within_rows(lines: Sequence[str], cut: Sequence[bool]) -> list[bool]:
    """The cuts but for those where a row ends in a line that is full by chance.

    Lines that make up several rows as long as most, one behind the other, are those rows.
    """
    counts = [_separators(line) for line in lines]
    starts = [0, *(number + 1 for number, is_cut in enumerate(cut) if not is_cut)]
    rows = [sum(counts[a:b]) for a, b in pairwise([*starts, len(lines)])]
    length = max((row for row in rows if row > 1), key=Counter(rows).__getitem__, default=0)
    kept = list(cut)
    for start, row in zip(starts, rows, strict=True):
        if length and row > length and row % length == 0:
            for number, end in enumerate(accumulate(counts[start:]), start):
                if end == row:
                    break
                kept[number] = end % length > 0 or not counts[number + 1]
    return kept


def _joined(lines: Sequence[str], ends: Sequence[str]) -> str:
    return "".join(chain.from_iterable(zip(lines, [*ends, ""], strict=True)))


def _separators(line: str) -> int:
    return sum(map(line.count, _SEPARATORS))


def _alike(lines: Sequence[str]) -> float:
    """The share of lines with separators that have as many as the line before, two at least."""
    counts = [_separators(line) for line in lines if line.strip()]
    alike = sum(a == b > 1 for a, b in pairwise(counts))
    return alike / max(1, sum(count > 0 for count in counts))
