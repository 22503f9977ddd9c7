"""Rows that a fixed line width cut: found by their structure, and put together.

A tool that breaks lines at a width cuts rows anywhere, and a row in two lines is two rows to every
law of flattening. Such a width shows: no line is longer, and many are as long as it allows, but for
words and numbers that stay whole. A table that fills its lines shows the same; so what decides is
the structure. Rows of one table have as many bars or tabs as the rows beside them: if joining the
lines that are full makes neighbours agree which did not before, they were cut. Line ends that a cut
put in are taken out; offsets lead back to the input.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
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
_WORD = re.compile(r"[0-9A-Za-z\u00c0-\u024f.,%'’]+")  # what no tool breaks but where it must
_SEPARATORS = BARS + CROSSINGS + "\t"


def unwrap(document: Document) -> Document:
    """The document without the line ends that cut rows; the same one if there are none."""
    if document.kind == "html" or not (document.holds_any(BARS) or document.holds_any("\t")):
        return document
    lines = document.text.split("\n")
    cut = _cuts(lines)
    if sum(cut) < MIN_FULL:
        return document
    before, after = _alike(lines), _alike(_joined(lines, cut))
    if after < MIN_ALIKE or before > LESS_ALIKE * after:
        return document
    ends = np.cumsum([len(line) + 1 for line in lines[:-1]]) - 1
    keep = np.ones(len(document.text), dtype=bool)
    keep[ends[cut]] = False
    places = np.flatnonzero(keep)
    text = "".join(_joined(lines, cut, "\n"))
    return replace(document, text=text, starts=places, ends=places + 1)


def _cuts(lines: Sequence[str]) -> list[bool]:
    """By line, whether it is full: the next would not fit, not even its first word.

    The width is that of the longest line. Where a break took the place of a space between words,
    it stays, for nothing else parts them.
    """
    width = max(map(len, lines))
    if width < MIN_WIDTH:
        return [False] * (len(lines) - 1)
    near = width - LONGEST_WORD
    return [len(a) > near and _is_full(a, b, width) for a, b in pairwise(lines)]


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the first word of what follows, or its first character, would make it too wide.

    Of a line that ends in a word before another word, and is not quite full, a space may be gone.
    """
    if not line or not following:
        return False
    word = _WORD.match(following)
    if len(line) + (len(word.group()) if word else 1) <= width:
        return False
    return not (word and len(line) < width and line[-1].isalnum())


def _joined(lines: Sequence[str], cut: Sequence[bool], end: str = "") -> list[str]:
    """The lines with those that a cut parted put together, each with `end` (but the last)."""
    joined: list[str] = []
    open_line: list[str] = []
    for line, is_cut in zip(lines, [*cut, False], strict=True):
        open_line.append(line)
        if not is_cut:
            joined.append("".join(open_line) + end)
            open_line = []
    joined[-1] = joined[-1].removesuffix(end)
    return joined


def _alike(lines: Sequence[str]) -> float:
    """The share of lines with separators that have as many as the line before, two at least."""
    counts = [sum(map(line.count, _SEPARATORS)) for line in lines if line.strip()]
    alike = sum(a == b > 1 for a, b in pairwise(counts))
    return alike / max(1, sum(count > 0 for count in counts))
