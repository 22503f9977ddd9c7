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
from itertools import chain, compress, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabrecover.fold import codes_of
from tabrecover.lex import BARS, CROSSINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tabrecover.model import Document

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["unwrap"]

MIN_WIDTH = 16  # characters of a line that is worth the name
LONGEST_WORD = 40  # characters that a break may leave together
MIN_FULL = 3  # lines as long as the width allows
MIN_ALIKE = 0.3  # of the rows, once joined, that have as many cells as the row before
LESS_ALIKE = 0.7  # times that share: at most so many agreed before
_SCRIPTS = "\u2e80"  # the first of the characters that stand side by side without spaces
_WORD = re.compile(rf"[0-9A-Za-z\u00c0-\u024f.,%'’]+|[{BARS}]+")  # what few tools break
_IS_SEPARATOR = np.zeros(0x110000, dtype=bool)
_IS_SEPARATOR[[ord(char) for char in BARS + CROSSINGS + "\t"]] = True


class _Lines(NamedTuple):
    """Lines, how many bars and tabs each has, and whether it shows anything."""

    texts: list[str]
    separators: Ints
    shown: Flags


def unwrap(document: Document) -> Document:
    """The document without the line ends that cut rows; the same one if there are none."""
    if document.kind == "html" or not (document.holds_any(BARS) or document.holds_any("\t")):
        return document
    lines = _lines(document.text)
    ends = next(filter(None, (_ends(lines, width) for width in _widths(lines.texts))), None)
    if ends is None:
        return document
    text = "".join(chain.from_iterable(zip(lines.texts, [*ends, ""], strict=True)))
    keep = np.ones(len(document.text), dtype=bool)
    behind = np.cumsum([len(line) + 1 for line in lines.texts[:-1]]) - 1
    keep[behind[[not end for end in ends]]] = False
    return document.rewritten(text, np.flatnonzero(keep))


def _lines(text: str) -> _Lines:
    texts = text.split("\n")
    codes = codes_of(text)
    before = np.concatenate(([0], np.cumsum(_IS_SEPARATOR[codes])))
    ends = np.append(np.flatnonzero(codes == ord("\n")), len(codes))
    shown = np.array([bool(line) and not line.isspace() for line in texts])
    return _Lines(texts, np.diff(before[ends], prepend=0), shown)


def _widths(lines: Sequence[str]) -> list[int]:
    """What the width may be: that of the longest line, or of the longest with a space inside.

    A tool that breaks at spaces leaves what has none as wide as it is.
    """
    breakable = (len(line) for line in lines if " " in line.strip())
    widths = dict.fromkeys([max(map(len, lines)), max(breakable, default=0)])
    return [width for width in widths if width >= MIN_WIDTH]


def _ends(lines: _Lines, width: int) -> list[str] | None:
    """What stood behind each line before a width cut them; None if none did.

    A tool that cuts words leaves most of the lines that it cuts as wide as they can be. One that
    keeps them whole breaks at spaces only, so a cut stands for a space where words or numbers meet.
    """
    texts = lines.texts
    cut = _full(texts, width, space=1)
    short = [width - len(line) for line in texts]
    filled = sum(lack == 0 for lack in compress(short, cut))
    whole = 2 * filled < sum(cut)
    if (sum(cut) if whole else filled) < MIN_FULL:
        return None
    cut = _within_rows(lines.separators, cut if whole else _full(texts, width, space=0))
    starts = _starts(cut)
    before = _alike(lines.separators, lines.shown, least=1 if whole else 2)
    after = _alike(
        np.add.reduceat(lines.separators, starts),
        np.logical_or.reduceat(lines.shown, starts),
        least=2,
    )
    if after < MIN_ALIKE or before > LESS_ALIKE * after:
        return None
    spaced = (whole or lack > 0 for lack in short)
    return [
        "\n" if not is_cut else " " if is_spaced and _are_words(line[-1], behind[0]) else ""
        for (line, behind), is_cut, is_spaced in zip(pairwise(texts), cut, spaced, strict=False)
    ]


def _are_words(last: str, first: str) -> bool:
    """Whether nothing but a space parts words that end and begin like this; Chinese needs none."""
    return last.isalnum() and first.isalnum() and not (last >= _SCRIPTS and first >= _SCRIPTS)


def _full(lines: Sequence[str], width: int, space: int) -> list[bool]:
    """By line, whether the first word of the next, or its first character, makes it too wide.

    `space` is what a break took away between them. Between a bar and a bar a row ends.
    """
    return [_is_full(a, b, width, space) for a, b in pairwise(lines)]


def _is_full(line: str, following: str, width: int, space: int) -> bool:
    if not line or not following or not width - LONGEST_WORD < len(line) <= width:
        return False
    if line[-1] in BARS and following[0] in BARS:
        return False
    word = _WORD.match(following)
    return len(line) + space + (len(word.group()) if word else 1) > width


def _within_rows(separators: Ints, cut: Sequence[bool]) -> list[bool]:
    """The cuts but for those where a row ends in a line that is full by chance.

    Lines that make up several rows as long as most, one behind the other, are those rows.
    """
    starts = _starts(cut)
    rows = np.add.reduceat(separators, starts)
    length = int(np.bincount(rows[rows > 1], minlength=1).argmax())
    kept = list(cut)
    for row in np.flatnonzero((rows > length) & (rows % max(length, 1) == 0)).tolist():
        last = starts[row + 1] - 1 if row + 1 < len(starts) else len(cut)
        found = np.cumsum(separators[starts[row] : last])
        for number, end in enumerate(found.tolist(), int(starts[row])):
            kept[number] = not length or end % length > 0 or not separators[number + 1]
    return kept


def _starts(cut: Sequence[bool]) -> Ints:
    """The numbers of the lines that no cut parts from those before."""
    return np.flatnonzero(np.append(True, ~np.array(cut, dtype=bool)))


def _alike(separators: Ints, shown: Flags, least: int) -> float:
    """The share of lines with separators that have as many as the line before, so many at least."""
    counts = separators[shown]
    alike = int(np.count_nonzero((counts[1:] == counts[:-1]) & (counts[1:] >= least)))
    return alike / max(1, int(np.count_nonzero(counts)))
