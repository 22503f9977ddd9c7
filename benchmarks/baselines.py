"""What a user would do without tabrecover: six scripts, and any program that speaks the record.

Each baseline is written as a careful user would write it for a whole folder of reports: it knows
the layouts that a page may hold, treats width, script and white space as the benchmark does
(`fold`), and looks for tables only where their labels are. None of them models loss: that a blank
or a label is gone without trace is what they cannot see, and their figures show what that costs.

All take the dump and the layouts and return tables of a record (docs/record.md) without
confidences, which claims all of them. They never raise on any text, and every search and every
rectangle is bounded, so that no dump makes them hang.

The first, second and fifth see markup as text, a line for every cell; the others see it as it is.
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
import shlex
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import dropwhile, groupby, islice, pairwise, takewhile
from typing import Any, NamedTuple, Protocol, TypeAlias

from lxml import etree
from lxml import html as lxml_html

from benchmarks.tables import Cell, Table, fold

__all__ = ["BASELINES", "Baseline", "LayoutLike", "ToolError", "command_tool"]


class LayoutLike(Protocol):
    """A table without values; `repeated` is the row that stands for any number of rows alike."""

    @property
    def table(self) -> Table:
        """Labels with their texts, value cells with none; `template` is the layout's id."""

    @property
    def repeated(self) -> int | None:
        """Index of the repeated row in the table."""


Baseline: TypeAlias = Callable[[str, Sequence[LayoutLike]], list[dict[str, Any]]]
Rectangle: TypeAlias = list[list[str]]

LEAST_SHARE = 0.5  # of a layout's labels, to say that a table is of this layout
REACH = 600  # characters, white space apart, in which the next label is looked for
REACH_PAST_ROWS = 20_000  # the same where any number of rows lies between
MOST_STARTS = 20  # occurrences of one label that are tried as its place in the table
PARAGRAPH = 60  # a longer text is no cell
LOOK_BEYOND = 40  # texts after the last label in which its row's first number is looked for
MOST_POSITIONS = 200_000
MOST_COLUMNS = 200
SAMPLE = 4_000  # characters that clevercsv sees, of a block
MOST_BLOCKS = 5
MOST_CHARACTERS = 20_000  # that clevercsv reads in all
COMMAND_SECONDS = 60.0

_NUMBER = r"[-+−–]?\(?[$€£¥]?\d+(?:[.,:'/-]\d+)*\)?[%‰*]?"
_MARK = r"[-–—−―/*×~]{1,4}|\.{2,6}|[nN]/?[aA]|无"
_VALUE = re.compile(f"{_NUMBER}|{_MARK}")
_WORD = re.compile(r"[^\s|]+")
_CELL = re.compile(r"[^\s|]+(?:[^\S\r\n\t\v\f][^\s|]+)*")  # single spaces part no cells
_RULE_LINE = re.compile(r"[\s|+:=\-─━═┼╪├┤┌┐└┘┬┴]+")
_ALIGNED = re.compile(r"\S {2,}\S")
_CSV_COMMA = re.compile(r",(?! )")
_BARS = str.maketrans("│┃║", "|||")
_HTML = re.compile(r"<table\b", re.IGNORECASE)
_BLOCK_TAG = re.compile(
    r"</?(?:t[dhr]|table|caption|p|div|br|li|h[1-6])\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_CELL_TAG = re.compile(r"<td\b[^<>]{0,2000}", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:row|col)span\s*=\s*[\"']?(\d{1,9})", re.IGNORECASE)


# -- texts -----------------------------------------------------------------------------------


class Piece(NamedTuple):
    """A word or a cell of a dump; `delimited` if its line holds bars or tabs."""

    text: str
    start: int
    end: int
    delimited: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A dump's text, folded but for white space; `stream` is the same without white space and bars.

    `offsets[i]` is the place of the stream's character `i` in the text.
    """

    text: str
    stream: str
    offsets: Sequence[int]


def _read(dump: str) -> Source:
    text = _readable(dump)
    if _HTML.search(text):
        text = html.unescape(_TAG.sub("", _BLOCK_TAG.sub("\n", text)))
    text = "\n".join(line for line in text.translate(_BARS).splitlines() if not _is_rule(line))
    text = re.sub(r"\S+", lambda found: fold(found[0]), text)
    words = list(_WORD.finditer(text))
    offsets = [offset for word in words for offset in range(*word.span())]
    return Source(text, "".join(word[0] for word in words), offsets)


def _readable(dump: str) -> str:
    """Without halves of surrogate pairs, which no text has."""
    return dump.encode("utf-8", "replace").decode("utf-8")


def _is_rule(line: str) -> bool:
    """A line that only draws, as below a Markdown header."""
    return _RULE_LINE.fullmatch(line) is not None and any(r in line for r in ("---", "===", "──"))


def _is_value(text: str) -> bool:
    return _VALUE.fullmatch(text) is not None


def _is_short(text: str) -> bool:
    return len(text) <= PARAGRAPH


def _words(text: str, start: int, end: int) -> list[Piece]:
    return [Piece(word[0], *word.span()) for word in _WORD.finditer(text, start, end)]


def _cells(text: str, known: frozenset[str], start: int, end: int) -> list[Piece]:
    """Cut at line ends, bars, tabs and wide spaces; at any space where most words are known."""
    cells = []
    for line in re.finditer(r"[^\r\n]+", text[start:end]):
        delimited = "|" in line[0] or "\t" in line[0]
        for cell in _CELL.finditer(line[0]):
            at = start + line.start() + cell.start()
            words = list(_WORD.finditer(cell[0]))
            hits = sum(word[0] in known or _is_value(word[0]) for word in words)
            if len(words) > 1 and 2 * hits >= len(words) and fold(cell[0]) not in known:
                cells += [Piece(w[0], at + w.start(), at + w.end(), delimited) for w in words]
            else:
                cells.append(Piece(cell[0], at, at + len(cell[0]), delimited))
    return cells


# -- where the layouts' tables are -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A layout's table in a text: spans of the labels found, by index of cell.

    The table may go on after its last label, up to `limit`, where the next table starts.
    """

    layout: LayoutLike
    hits: Mapping[int, tuple[int, int]]
    share: float
    start: int
    end: int
    limit: int


def _labels(table: Table) -> dict[int, str]:
    """Folded texts of the labels that have one, by index of cell, in reading order."""
    texts = {
        index: fold(cell.text).replace("|", "")
        for index, cell in enumerate(table.cells)
        if cell.role == "label"
    }
    return {index: text for index, text in texts.items() if text}


def _slots(table: Table) -> list[int]:
    return [index for index, cell in enumerate(table.cells) if cell.role == "value"]


def _places(source: Source, layouts: Sequence[LayoutLike]) -> list[Place]:
    """The layouts that the text holds, each once, in the order of their places.

    Of layouts that claim the same place the one with the greater share of labels stays.
    """
    found = [place for layout in layouts if (place := _place(source, layout))]
    found = _apart(found, lambda place: (place.share, place.start, place.end))
    found.sort(key=lambda place: place.start)
    limits = [*(place.start for place in found), len(source.text)][1:]
    return [replace(place, limit=limit) for place, limit in zip(found, limits, strict=True)]


def _apart(found: Sequence[Any], claim: Callable[[Any], tuple[float, int, int]]) -> list[Any]:
    """The best by share, of any two that overlap by half of the shorter one."""
    kept: list[Any] = []
    for one in sorted(found, key=lambda one: -claim(one)[0]):
        _, start, end = claim(one)
        spans = [claim(other)[1:] for other in kept]
        if all(2 * (min(end, e) - max(start, s)) < min(end - start, e - s) for s, e in spans):
            kept.append(one)
    return kept


def _place(source: Source, layout: LayoutLike) -> Place | None:
    """The place where most labels follow each other, the narrowest of several alike.

    Labels that are no part of another label lead; the others are then looked for between them.
    """
    labels = _labels(layout.table)
    joined = "\n".join(labels.values())
    leading = [i for i, text in labels.items() if joined.count(text) == 1] or list(labels)
    best: dict[int, tuple[int, int]] = {}
    for number, index in enumerate(leading):
        if 2 * len(best) >= len(leading) + number:  # cannot get better by much
            break
        for start in _starts(source, labels[index]):
            hits = _walk(source, layout, labels, leading[number:], start)
            if (len(hits), -_width(hits)) > (len(best), -_width(best)):
                best = hits
    if not best:
        return None
    best = _fill_in(source, layout, labels, best)
    share = len({labels[index] for index in best}) / len(set(labels.values()))
    if share < LEAST_SHARE:
        return None
    hits = {i: (source.offsets[s], source.offsets[e - 1] + 1) for i, (s, e) in best.items()}
    start, end = min(s for s, _ in hits.values()), max(e for _, e in hits.values())
    return Place(layout, hits, share, start, end, len(source.text))


def _width(hits: Mapping[int, tuple[int, int]]) -> int:
    return max(hits.values())[1] - min(hits.values())[0] if hits else 0


def _starts(source: Source, label: str) -> list[int]:
    """Where the label stands, first of all where it stands alone."""
    every = [m.start() for m in islice(re.finditer(re.escape(label), source.stream), 50)]
    alone = [start for start in every if _is_alone(source, start, start + len(label))]
    return (alone or every)[:MOST_STARTS]


def _is_alone(source: Source, start: int, end: int) -> bool:
    """Neither side is a letter."""
    text, first, last = source.text, source.offsets[start], source.offsets[end - 1]
    return not text[max(first - 1, 0) : first].isalpha() and not text[last + 1 : last + 2].isalpha()


def _find(source: Source, label: str, start: int, end: int) -> tuple[int, int] | None:
    """The label's first occurrence alone, else its first."""
    first = at = source.stream.find(label, start, end)
    while at >= 0:
        if _is_alone(source, at, at + len(label)):
            return at, at + len(label)
        at = source.stream.find(label, at + 1, end)
    return (first, first + len(label)) if first >= 0 else None


def _reach(layout: LayoutLike, index: int) -> int:
    past_rows = layout.repeated is not None and layout.table.cells[index].row > layout.repeated
    return REACH_PAST_ROWS if past_rows else REACH


def _walk(
    source: Source,
    layout: LayoutLike,
    labels: Mapping[int, str],
    indices: Iterable[int],
    start: int,
) -> dict[int, tuple[int, int]]:
    """Labels found one after the other from `start`, each not too far from the one before."""
    hits = {}
    at, missed = start, 0
    for index in indices:
        reach = _reach(layout, index) + missed * 100 + len(labels[index])
        hit = _find(source, labels[index], at, at + reach)
        if hit:
            hits[index] = hit
            at, missed = hit[1], 0
        else:
            missed += 1
    return hits


def _fill_in(
    source: Source,
    layout: LayoutLike,
    labels: Mapping[int, str],
    found: Mapping[int, tuple[int, int]],
) -> dict[int, tuple[int, int]]:
    """Look for the labels still missing between those found."""
    hits = {}
    at = min(found.values())[0]
    at = max(0, at - sum(len(text) for index, text in labels.items() if index < min(found)))
    for index, text in labels.items():
        bound = min((hit[0] for other, hit in found.items() if other > index), default=None)
        end = at + _reach(layout, index) if bound is None else bound
        hit = found.get(index) or _find(source, text, at, end)
        if hit:
            hits[index] = hit
            at = hit[1]
    return hits


# -- records ---------------------------------------------------------------------------------


def _record(table: Table) -> dict[str, Any]:
    names = ("row", "col", "rowspan", "colspan", "role", "text")
    cells = [{name: getattr(cell, name) for name in names} for cell in table.cells]
    return {"template": table.template, "shape": list(table.shape), "cells": cells}


def _with_rows(table: Table, repeated: int, count: int) -> Table:
    """The table with its repeated row `count` times."""
    above = [cell for cell in table.cells if cell.row < repeated]
    row = [cell for cell in table.cells if cell.row == repeated]
    below = [cell for cell in table.cells if cell.row > repeated]
    rows = [replace(cell, row=cell.row + n) for n in range(count) for cell in row]
    moved = [replace(cell, row=cell.row + count - 1) for cell in below]
    shape = (table.shape[0] + count - 1, table.shape[1])
    return Table((*above, *rows, *moved), shape, table.template)


def _free(
    pieces: Iterable[Piece], hits: Mapping[int, tuple[int, int]], known: frozenset[str]
) -> list[Piece]:
    """The pieces, in order, that are no part of a label found and no label repeated."""
    free = []
    spans = sorted(hits.values())
    at = 0
    label = ""
    for piece in pieces:
        while at < len(spans) and spans[at][1] <= piece.start:
            at += 1
        text = fold(piece.text)
        if at < len(spans) and spans[at][0] < piece.end:
            label = text
        elif text not in known or (text != label and _is_value(text)):
            free.append(piece)
            label = ""
    return free


def _values(
    place: Place, pieces: Iterable[Piece], is_value: Callable[[str], bool], trailing: int
) -> list[str]:
    """Texts between the labels, and of the first run of values after the last one `trailing`."""
    free = _free(pieces, place.hits, frozenset(_labels(place.layout.table).values()))
    inside = [p.text for p in free if p.start < place.end and is_value(p.text)]
    after = [p.text for p in free if p.start >= place.end][: trailing + LOOK_BEYOND]
    run = takewhile(is_value, dropwhile(lambda text: not is_value(text), after))
    return inside + list(run)[:trailing]


def _in_groups(source: Source, place: Place) -> list[dict[str, Any]]:
    """A table with a repeated row: what follows its header, cut into as many cells as the row has.

    The rows end at a label below them, at a paragraph, where lines have bars no more, and where a
    group has no number though the first one had.
    """
    table, repeated = place.layout.table, place.layout.repeated or 0
    header = [span for i, span in place.hits.items() if table.cells[i].row < repeated]
    footer = [span for i, span in place.hits.items() if table.cells[i].row > repeated]
    width = sum(cell.row == repeated for cell in table.cells)
    if not header or not width:
        return []
    start, end = max(header)[1], min(footer)[0] if footer else place.limit
    known = frozenset(_labels(table).values())
    cells = list(
        dropwhile(lambda cell: fold(cell.text) in known, _cells(source.text, known, start, end))
    )
    fitting = list(
        takewhile(lambda c: _is_short(c.text) and c.delimited == cells[0].delimited, cells)
    )
    groups = [[c.text for c in fitting[at : at + width]] for at in range(0, len(fitting), width)]
    numeric = [any(map(_is_value, group)) for group in groups]
    if numeric and numeric[0]:
        groups = [
            group for group, _ in takewhile(lambda pair: pair[1], zip(groups, numeric, strict=True))
        ]
    if groups and 2 * len(groups[-1]) < width:
        groups.pop()
    if not groups:
        return []
    grown = _with_rows(table, repeated, len(groups))
    first = sum(cell.row < repeated for cell in table.cells)
    texts = {
        first + width * n + i: text
        for n, group in enumerate(groups)
        for i, text in enumerate(group)
    }
    below = [i for i in _slots(grown) if i >= first + width * len(groups)]
    words = _words(source.text, end, place.limit)
    texts |= dict(zip(below, _values(place, words, _is_value, len(below)), strict=False))
    return [_record(grown.with_texts(texts))]


# -- 1: numbers by order ---------------------------------------------------------------------


def by_order(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """Fill the numbers in by order: from a table's first label on, all that stand alone.

    Forms are of numbers or of texts; the one whose count is nearer to the layout's is taken.
    """
    source = _read(dump)
    tables = []
    for place in _places(source, layouts):
        if place.layout.repeated is not None:
            tables += _in_groups(source, place)
            continue
        table = place.layout.table
        slots = _slots(table)
        trailing = sum(slot > max(place.hits) for slot in slots)
        known = frozenset(_labels(table).values())
        words = _words(source.text, place.start, place.limit)
        cells = _cells(source.text, known, place.start, place.limit)
        numbers = _values(place, words, _is_value, trailing)
        texts = _values(place, cells, _is_short, trailing)
        values = min(numbers, texts, key=lambda values: abs(len(values) - len(slots)))
        tables.append(_record(table.with_texts(dict(zip(slots, values, strict=False)))))
    return tables


# -- 2: a regular expression for every row ---------------------------------------------------

_GAP = r"[\s|]*+"


def by_regex(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """For every row its label, then up to as many numbers as the row has cells.

    A layout with a repeated row has no row labels to look for.
    """
    text = _read(dump).text
    found = []
    for layout in layouts:
        if layout.repeated is not None:
            continue
        runs = _label_runs(layout.table)
        texts: dict[int, str] = {}
        spans = []
        at = 0
        for label, slots in runs:
            match = _label_then_values(label, len(slots)).search(text, at)
            if match:
                at = match.end()
                spans.append(match.span())
                texts |= dict(zip(slots, _WORD.findall(match[1]), strict=False))
        if spans and len(spans) >= LEAST_SHARE * len(runs):
            share = len(spans) / len(runs)
            found.append((share, spans[0][0], spans[-1][1], layout.table.with_texts(texts)))
    kept = sorted(_apart(found, lambda one: one[:3]), key=lambda one: one[1])
    return [_record(table) for *_, table in kept]


@lru_cache(maxsize=4096)
def _label_then_values(label: str, most: int) -> re.Pattern[str]:
    """The label, wherever white space and bars cut it, and the values that follow it."""
    pattern = _GAP.join(map(re.escape, label)) + _GAP
    value = rf"(?:(?:{_NUMBER}|{_MARK})(?![^\s|]){_GAP})"
    return re.compile(f"{pattern}({value}{{1,{most}}})")


def _label_runs(table: Table) -> list[tuple[str, list[int]]]:
    """Value cells in reading order, each run with the label before it in its row.

    A row without a label follows the row before; the first one follows the whole header row.
    """
    runs: list[tuple[str, list[int]]] = []
    header = ""
    for _, cells in groupby(enumerate(table.cells), key=lambda item: item[1].row):
        row = list(cells)
        texts = [fold(cell.text) for _, cell in row if cell.role == "label"]
        if texts:
            header = ""
        label = header
        for index, cell in row:
            if cell.role == "label":
                label = fold(cell.text)
            elif label:
                runs.append((label, [index]))
                label = header = ""
            elif runs:
                runs[-1][1].append(index)
        if len(texts) == len(row):
            header = "".join(texts)
    return runs


# -- rectangles ------------------------------------------------------------------------------


def rectangle_to_record(
    rectangle: Sequence[Sequence[str]], layouts: Sequence[LayoutLike]
) -> dict[str, Any] | None:
    """A rectangle of texts as a table: what is a label, and of which layout.

    Where the rectangle has a layout's size, the values are taken by position. Else labels are the
    texts that the layout knows; of an unknown table, the rows above the first number and the
    first column. Blanks among labels are filled from the left and from above, as far as the
    label there reaches.
    """
    width = max(map(len, rectangle), default=0)
    texts = [[*(text.strip() for text in row), *[""] * (width - len(row))] for row in rectangle]
    folded = frozenset(fold(text) for row in texts for text in row)
    shares = [_share(layout, folded) for layout in layouts]
    best = max(shares, default=0.0)
    layout = layouts[shares.index(best)] if best >= LEAST_SHARE else None
    texts = _trim(texts, layout.table.shape[1] if layout else 0)
    if len(texts) < 2 or len(texts[0]) < 2:
        return None
    if layout:
        return _by_position(texts, layout) or _by_labels(texts, layout)
    return _by_labels(texts, None)


def _share(layout: LayoutLike, texts: frozenset[str]) -> float:
    labels = {fold(cell.text) for cell in layout.table.cells if cell.role == "label"} - {""}
    return len(labels & texts) / len(labels) if labels else 0.0


def _trim(texts: Rectangle, width: int) -> Rectangle:
    """Without blank rows at the edges, and without blank columns as far as `width` is exceeded."""
    rows = list(dropwhile(lambda row: not any(row), texts))
    rows = list(dropwhile(lambda row: not any(row), rows[::-1]))[::-1]
    columns = list(zip(*rows, strict=True))
    while len(columns) > width and not any(columns[-1]):
        columns.pop()
    blank = sum(1 for _ in takewhile(lambda column: not any(column), columns))
    columns = columns[min(blank, max(0, len(columns) - width)) :]
    return [list(row) for row in zip(*columns, strict=True)]


def _by_position(texts: Rectangle, layout: LayoutLike) -> dict[str, Any] | None:
    table = layout.table
    if layout.repeated is not None:
        count = len(texts) - table.shape[0] + 1
        if count < 1:
            return None
        table = _with_rows(table, layout.repeated, count)
    if table.shape != (len(texts), len(texts[0])):
        return None
    values = {i: texts[table.cells[i].row][table.cells[i].col] for i in _slots(table)}
    return _record(table.with_texts(values))


def _by_labels(texts: Rectangle, layout: LayoutLike | None) -> dict[str, Any]:
    if layout:
        known = frozenset(_labels(layout.table).values())
        labels = [[fold(text) in known for text in row] for row in texts]
        plain = [
            [not t or k for t, k in zip(*pair, strict=True)]
            for pair in zip(texts, labels, strict=True)
        ]
        header = sum(1 for _ in takewhile(all, plain))
        columns = zip(*plain[header:], strict=True)
        stub = sum(1 for _ in takewhile(all, columns))
    else:
        numberless = takewhile(lambda row: not any(_is_value(fold(t)) for t in row), texts)
        header = sum(1 for _ in numberless) % len(texts) or 1
        stub = 1
        labels = [[False] * len(row) for row in texts]
    filled = _fill_labels(texts, header, stub)
    cells = []
    for row, line in enumerate(filled):
        for col, text in enumerate(line):
            is_label = row < header or col < stub or labels[row][col]
            cells.append(Cell(row, col, 1, 1, "label" if is_label else "value", text))
    shape = (len(texts), len(texts[0]))
    return _record(Table(tuple(cells), shape, layout.table.template if layout else None))


def _fill_labels(texts: Rectangle, header: int, stub: int) -> Rectangle:
    """Fill the header to the right and the stub downwards, below and beside one label only."""
    filled = [list(row) for row in texts]
    for row in range(header):
        for col in range(1, len(filled[row])):
            above = filled[row - 1] if row else None
            if not filled[row][col] and (above is None or above[col] == above[col - 1]):
                filled[row][col] = filled[row][col - 1]
    for row in range(header + 1, len(filled)):
        line, above = filled[row], filled[row - 1]
        for col in range(stub):
            if not line[col] and (not col or line[col - 1] == above[col - 1]):
                line[col] = above[col]
    return filled


# -- 3: pandas.read_csv ----------------------------------------------------------------------


def by_read_csv(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """`pandas.read_csv` on every block of lines with bars, or else tabs, or else wide spaces."""
    import pandas as pd  # noqa: PLC0415

    tables = []
    for separator, lines in _delimited_blocks(dump):
        cut = re.compile(separator if len(separator) > 1 else re.escape(separator))
        width = max(len(cut.findall(line)) for line in lines) + 1
        if width > MOST_COLUMNS or width * len(lines) > MOST_POSITIONS:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.ParserWarning)  # rows of unequal length
                frame = pd.read_csv(
                    io.StringIO("\n".join(lines)),
                    sep=separator,
                    header=None,
                    names=range(width),
                    index_col=False,
                    dtype=str,
                    keep_default_na=False,
                    quoting=csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE,
                    engine="python",
                )
        except (ValueError, csv.Error):  # ParserError and EmptyDataError are ValueErrors
            continue
        rows = _without_index(frame.fillna("").values.tolist())
        tables.append(rectangle_to_record(rows, layouts))
    return [table for table in tables if table]


def _without_index(rows: list[list[str]]) -> list[list[str]]:
    """Rows without the numbers of columns and rows that pandas writes around a table."""
    if rows and rows[0][1:] == [str(number) for number in range(len(rows[0]) - 1)]:
        return [row[1:] for row in rows[1:]]
    return rows


def _delimited_blocks(dump: str) -> Iterator[tuple[str, list[str]]]:
    if _HTML.search(dump):
        return
    lines = [line for line in _readable(dump).translate(_BARS).splitlines() if not _is_rule(line)]
    styles: dict[str, Callable[[str], bool]] = {
        "|": lambda line: "|" in line,
        "\t": lambda line: "\t" in line,
        ",": lambda line: len(_CSV_COMMA.findall(line)) > 1,
        r"\s{2,}": lambda line: _ALIGNED.search(line) is not None,
    }
    for separator, is_row in styles.items():
        blocks = [list(block) for row, block in groupby(lines, key=is_row) if row]
        blocks = [block for block in blocks if len(block) > 1]
        if blocks:
            yield from ((separator, block) for block in blocks)
            return


# -- 4: clevercsv ----------------------------------------------------------------------------


def by_clevercsv(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """Every block of lines as clevercsv reads it, with the dialect that it finds for the block."""
    import clevercsv  # noqa: PLC0415

    tables: list[tuple[int, dict[str, Any] | None]] = []
    room = MOST_CHARACTERS
    for at, block in _line_blocks(dump):
        if len(tables) == MOST_BLOCKS or len(block) > room:
            continue
        room -= len(block)
        try:
            sample = block[:SAMPLE]
            dialect = clevercsv.Sniffer().detect(sample, verbose=False, delimiters="|\t,;")
            if dialect and dialect.delimiter:
                rows = [list(row) for row in clevercsv.reader(io.StringIO(block), dialect)]
                tables.append((at, rectangle_to_record(_without_index(rows), layouts)))
        except Exception:  # noqa: S112  # whatever it stumbles over: for the user, no table
            continue
    return [table for _, table in sorted(tables, key=lambda item: item[0]) if table]


def _line_blocks(dump: str) -> list[tuple[int, str]]:
    """Blocks of two lines and more with the number of their first line, longest first.

    Lines with bars or tabs if there are any; else what lies between blank lines and prose.
    """
    if _HTML.search(dump):
        return []
    lines = [line for line in _readable(dump).translate(_BARS).splitlines() if not _is_rule(line)]
    delimited = ["|" in line or "\t" in line for line in lines]
    rows = delimited if sum(delimited) > 1 else [_is_no_prose(line) for line in lines]
    groups = [list(group) for _, group in groupby(range(len(lines)), key=rows.__getitem__)]
    groups = [group for group in groups if rows[group[0]] and len(group) > 1]
    groups.sort(key=len, reverse=True)
    return [(group[0], "\n".join(lines[group[0] : group[-1] + 1])) for group in groups]


def _is_no_prose(line: str) -> bool:
    return bool(line.strip()) and not line.rstrip().endswith(("。", ".", "：", ":"))


# -- 5: difflib ------------------------------------------------------------------------------


def by_difflib(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """`SequenceMatcher` on the layout's cells and the dump's: between equal labels, fill in order.

    Where more cells than slots lie between two labels, only numbers count.
    """
    source = _read(dump)
    tables = []
    for place in _places(source, layouts):
        if place.layout.repeated is not None:
            tables += _in_groups(source, place)
            continue
        table = place.layout.table
        labels = _labels(table)
        slots = _slots(table)
        known = frozenset(labels.values())
        every = _cells(source.text, known, place.start, place.limit)
        inside = sum(cell.start < place.end for cell in every)
        cells = [cell.text for cell in every[: inside + len(slots) + LOOK_BEYOND]]
        # A slot is a text that no dump holds.
        ours = [labels.get(index, "\n") for index in range(len(table.cells))]
        matcher = SequenceMatcher(None, ours, [fold(cell) for cell in cells], autojunk=False)
        pairs = [
            (block.a + n, block.b + n)
            for block in matcher.get_matching_blocks()
            for n in range(block.size)
        ]
        texts: dict[int, str] = {}
        pairs.append((len(table.cells), len(cells)))
        for (ours_at, at), (ours_end, end) in pairwise(pairs):
            between = [slot for slot in slots if ours_at < slot < ours_end]
            found = cells[at + 1 : end]
            if len(found) > len(between):
                found = [text for text in found if _is_value(text)] or found
            texts |= dict(zip(between, found, strict=False))
        tables.append(_record(table.with_texts(texts)))
    return tables


# -- 6: pandas.read_html ---------------------------------------------------------------------


def by_read_html(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
    """`pandas.read_html` where the dump is HTML, merged cells repeated, every text kept as text."""
    if not _HTML.search(dump):
        return []
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8")
        root = lxml_html.document_fromstring(_readable(dump).encode(), parser=parser)
    except (ValueError, etree.LxmlError):
        return []
    outer = [t for t in root.iter("table") if next(t.iterancestors("table"), None) is None]
    tables = []
    for element in outer:
        # Without `th` and `thead`, pandas leaves the header rows where they are.
        text = lxml_html.tostring(element, encoding="unicode", with_tail=False)
        text = re.sub(r"<(/?)th\b", r"<\1td", text)
        text = re.sub(r"<(/?)t(?:head|foot)\b", r"<\1tbody", text)
        rectangle = _read_html_table(text)
        tables.append(rectangle_to_record(rectangle, layouts))
    return [table for table in tables if table]


def _read_html_table(text: str) -> Rectangle:
    import pandas as pd  # noqa: PLC0415

    spans = [[int(span) for span in _SPAN.findall(tag)] for tag in _CELL_TAG.findall(text)]
    if sum(math.prod(span) for span in spans) > MOST_POSITIONS:
        return []
    try:
        # The first reading tells the columns, the second reads them without making numbers.
        width = pd.read_html(io.StringIO(text), flavor="lxml")[0].shape[1]
        frame = pd.read_html(
            io.StringIO(text),
            flavor="lxml",
            thousands=None,  # type: ignore[arg-type]  # the stubs forget it
            keep_default_na=False,
            converters=dict.fromkeys(range(width), str),
        )[0]
    except (ValueError, IndexError, etree.LxmlError):  # no table with a text in it
        return []
    return [[str(value) for value in row] for row in frame.fillna("").values.tolist()]


BASELINES: dict[str, Baseline] = {
    "order": by_order,
    "regex": by_regex,
    "read_csv": by_read_csv,
    "clevercsv": by_clevercsv,
    "difflib": by_difflib,
    "read_html": by_read_html,
}


# -- other programs --------------------------------------------------------------------------


class ToolError(Exception):
    """A third-party tool that could not be run, failed, or gave no record."""

    def __init__(self, command: str, problem: str, exit_code: int | None = None, said: str = ""):
        code = "" if exit_code is None else f" (exit code {exit_code})"
        super().__init__(f"{command}: {problem}{code}{': ' if said else ''}{said}")
        self.command = command
        self.exit_code = exit_code


def command_tool(command: str, seconds: float = COMMAND_SECONDS) -> Baseline:
    """A tool that reads a dump from standard input and writes one record to standard output.

    The command is cut into words as a shell would; no shell runs it.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ToolError(command, f"cannot be cut into words: {error}") from error
    if not words:
        raise ToolError(command, "is empty")

    def run(dump: str, layouts: Sequence[LayoutLike]) -> list[dict[str, Any]]:
        del layouts
        given = dump.encode("utf-8", "replace")
        try:
            done = subprocess.run(  # noqa: S603  # the user's own command
                words, input=given, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(command, f"took longer than {seconds:g} s") from error
        except (OSError, ValueError) as error:
            raise ToolError(command, f"cannot be run: {error}") from error
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        if done.returncode:
            raise ToolError(command, "failed", done.returncode, said)
        try:
            return _tables_of_record(json.loads(done.stdout))
        except (ValueError, RecursionError) as error:
            raise ToolError(command, f"no record: {error}", done.returncode, said) from error

    return run


def _tables_of_record(record: object) -> list[dict[str, Any]]:
    tables = record.get("tables") if isinstance(record, dict) else None
    if not isinstance(tables, list):
        raise ValueError('expected an object with a list "tables" (docs/record.md)')
    for number, table in enumerate(tables):
        cells = table.get("cells") if isinstance(table, dict) else None
        if not isinstance(cells, list):
            raise ValueError(f'table {number}: expected an object with a list "cells"')
        for cell in cells:
            places = [cell.get(n) for n in ("row", "col")] if isinstance(cell, dict) else [None]
            if not all(type(place) is int and place >= 0 for place in places):
                raise ValueError(f'table {number}: a cell without "row" and "col" from 0')
    return tables
