"""Layouts that nobody drew: whether their values are right, and what is told and wrong.

A layout is drawn at random: heads in one or two rows, label columns, records in one group or in
several, sections, totals, accounts with sums, typed columns, in made-up words or Han characters. It
is filled, perhaps damaged (`damage`), flattened by each of the ways that tools are known for,
perhaps with prose around, and recovered with its template. No tool is asked and nothing is stored,
so every number seen here was never seen before: what the corpus lacks shows up.

    python -m benchmarks.random_layouts [--count 1400] [--seed 1]

A wrong value that was told is shown with the number of its document, for `--only`. With `--free`
the tables are rebuilt without their templates, and their rows, columns and spans are compared
(GriTS_Top, see `benchmarks.structure`); a table that is not found counts as 0.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html import escape
from itertools import zip_longest
from typing import NamedTuple

import tabrecover
from benchmarks.damage import DAMAGES, Line
from benchmarks.metrics import match_tables
from benchmarks.structure import grits_top
from benchmarks.tables import Cell, Table, table_from_record
from tabrecover.confidence import ACCEPT
from tabrecover.library import Library
from tabrecover.model import Cell as Value
from tabrecover.results import Table as Recovered
from tabrecover.storage import parse_template
from tabrecover.template import Template

__all__ = ["FORMS", "Document", "document", "judged", "structure", "wrong_and_told"]

CONSONANTS, VOWELS, ENDS = "bcdfghjklmnprstvwxz", "aeiou", ("", "", "n", "r", "l", "s")
HAN = "南北东西人口收入支出合计总数机构单位名称日期面积产量学校医院图书交通住房环境水电气农林牧渔"
CHOICES = ("yes", "no", "partly")
TYPES = ("integer", "integer", "integer", "decimal", "decimal", "percent", "date", "choice", "text")
# What follows the heads: fixed rows, records, records two rows high, a total, a section's title.
BODIES = (
    ("fixed",), ("fixed", "section", "fixed"), ("records",), ("records", "total"),
    ("pairs", "total"),
    ("records", "total", "fixed"), ("section", "records", "section", "records"),
    ("section", "records", "total", "section", "records", "total"),
)  # fmt: skip
DAMAGED = 1 / 2  # share of the tables
ACCOUNTS = 1 / 4  # share of the layouts with sums
PROSE = "Yearly report of the bureau, printed in 2021.", "Source: own figures. They may not add up."


class Document(NamedTuple):
    """A flattened table: its template, its rows, its values by key, and the way of flattening.

    `damage` is what happened to the rows before.
    """

    template: Template
    lines: list[Line]
    values: dict[str, str]
    form: str
    text: str
    damage: str = "none"


class _Words:
    """Labels and values, no label twice."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.is_han = rng.random() < 1 / 3
        self.labels: set[str] = set()

    def text(self) -> str:
        if self.is_han:
            return "".join(self.rng.choices(HAN, k=self.rng.randint(2, 6)))
        words = (
            "".join(self._syllable() for _ in range(self.rng.randint(1, 3)))
            for _ in range(self.rng.choice((1, 1, 2, 3)))
        )
        return " ".join(words).capitalize()

    def _syllable(self) -> str:
        return "".join(map(self.rng.choice, (CONSONANTS, VOWELS, ENDS)))

    def label(self) -> str:
        while (text := self.text()) in self.labels:
            pass
        self.labels.add(text)
        return text

    def value(self, kind: str) -> str:
        rng = self.rng
        if kind == "integer":
            return rng.choice(("0", str(rng.randint(0, 99)), f"{rng.randint(1000, 10**7):,}"))
        if kind == "decimal":
            return f"{rng.uniform(0, 1000):.{rng.randint(1, 2)}f}"
        if kind == "percent":
            return f"{rng.uniform(0, 100):.1f}{rng.choice(('%', ' %'))}"
        if kind == "date":
            return f"20{rng.randint(10, 24)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        return rng.choice(CHOICES) if kind == "choice" else self.text()


def _layout(rng: random.Random, words: _Words) -> Template:
    """A template of two to six columns."""
    width = rng.randint(2, 6)
    kinds = ["text", *(rng.choice(TYPES) for _ in range(width - 1))]
    numbers = itertools.count(1)

    def value(row: str, column: int) -> str:
        choices = ' data-choices="yes | no | partly"' if kinds[column] == "choice" else ""
        return f"<td data-type={kinds[column]}{choices} data-key={row}.c{column + 1}>"

    def row(name: str = "") -> str:
        key = f"g{next(numbers)}"
        first = f"<th>{words.label()}" if name != "records" else value(key, 0)
        mark = " data-repeated" if name == "records" else ""
        values = "".join(value(key, column) for column in range(1, width))
        return f"<tr{mark} data-key={key}>{first}{values}"

    lines = list(_heads(rng, words, width))
    for part in rng.choice(BODIES):
        if part == "section":
            lines.append(f"<tr><th colspan={width}>{words.label()}")
        elif part == "pairs":
            lines += [row("records"), row("records")]
        else:
            lines += [row(part) for _ in range(rng.randint(1, 6) if part == "fixed" else 1)]
    return parse_template(f"<table>{''.join(lines)}</table>", name="drawn")


def _account(rng: random.Random, words: _Words) -> Template:
    """Small and large numbers with their sums, by row and by column."""
    columns = [f"c{number}" for number in range(rng.randint(2, 4))]
    rows = [f"r{number}" for number in range(rng.randint(2, 5))]

    def row(key: str) -> str:
        return f"<tr data-key={key}><th>{words.label()}{'<td>' * (len(columns) + 1)}"

    heads = "".join(f"<th data-key={key}>{words.label()}" for key in (*columns, "sum"))
    drawn = f"<tr><th>{words.label()}{heads}{''.join(map(row, (*rows, 'total')))}"
    return parse_template(
        f"<table data-type=integer>{drawn}</table>",
        _rule("rows", [f"*.{key}" for key in columns], "*.sum")
        + _rule("columns", [f"{key}.*" for key in rows], "total.*"),
        name="drawn",
    )


def _rule(name: str, left: list[str], right: str) -> str:
    return f'[[rules]]\nid = "{name}"\nleft = {json.dumps(left)}\nright = ["{right}"]\n'


def _heads(rng: random.Random, words: _Words, width: int) -> Iterator[str]:
    """One row of heads, or two, of which the upper one spans some of the lower."""
    under = rng.randint(2, width - 1) if width > 3 and rng.random() < 1 / 3 else 0
    over = f"<th colspan={under}>{words.label()}" if under else ""
    single = f"<th rowspan={2 if under else 1}>"
    yield "<tr>" + "".join(single + words.label() for _ in range(width - under)) + over
    if under:
        yield "<tr>" + "".join(f"<th>{words.label()}" for _ in range(under))


def _filled(rng: random.Random, words: _Words, template: Template) -> list[Line]:
    """The rows, with one to eight records; no record is all blank."""
    copies = tuple(rng.choice((1, 2, 3, 5, 8)) for _ in template.repeated)
    grid = template.unrolled(copies)
    blank = rng.choice((0, 0, 0.1, 0.3))
    lines: list[Line] = [[] for _ in range(grid.n_rows)]
    for cell in sorted(grid.cells, key=lambda cell: (cell.row, cell.col)):
        is_first = not lines[cell.row]
        keep = cell.role == "label" or is_first or rng.random() >= blank
        text = cell.text if cell.role == "label" else words.value(cell.type or "text")
        lines[cell.row].append((cell, text if keep else ""))
    return lines


def _reckoned(rng: random.Random, template: Template) -> list[Line]:
    """The rows of an account, its sums right; blanks count as zero."""
    largest = rng.choice((2, 9, 99, 10**6))
    blank = rng.choice((0, 0.2, 0.5, 0.7))
    amounts = [rng.randint(0, largest) if rng.random() >= blank else 0 for _ in template.cells]
    for rule in template.instances:
        for sum_cell in rule.right:
            amounts[sum_cell] = sum(amounts[cell] for cell in rule.left)
    zero = rng.choice(("", "", "0"))
    lines: list[Line] = [[] for _ in range(template.n_rows)]
    for number in sorted(range(len(amounts)), key=lambda n: template.cells[n].col):
        cell, amount = template.cells[number], amounts[number]
        text = cell.text if cell.role == "label" else str(amount or zero)
        lines[cell.row].append((cell, text))
    return lines


def _by_key(lines: list[Line]) -> dict[str, str]:
    return {cell.key: text for line in lines for cell, text in line if cell.key}


# --- ways of flattening: rows and the number of columns to a text ------------------------------


def _texts(line: Line, *, blanks: bool = False) -> list[str]:
    return [text for _, text in line if text or blanks]


def _rectangle(lines: list[Line], width: int) -> list[list[str]]:
    """Every grid position, covered ones empty."""
    rows = [[""] * width for _ in lines]
    for row, line in zip(rows, lines, strict=True):
        for cell, text in line:
            row[cell.col] = text
    return rows


def _pads(line: Line, width: int) -> int:
    return width - sum(cell.colspan for cell, text in line if text)


def _aligned(rows: list[list[str]]) -> str:
    """Texts that begin below each other by their number in the row."""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    aligned = (
        "  ".join(text.ljust(room) for text, room in zip(row, widths, strict=False)) for row in rows
    )
    return "\n".join(map(str.rstrip, aligned))


def _sheet(lines: list[Line], width: int) -> str:
    """Every second column is another table's; titles and notes are lines of the sheet as well."""
    rows = [[PROSE[0]], *_rectangle(lines, width), [PROSE[1]]]
    wide = ([cell for text in row for cell in (text, "")] for row in rows)
    return "\n".join("\t".join(row + [""] * (2 * width - len(row))) for row in wide)


def _csv(lines: list[Line], width: int) -> str:
    rows = _rectangle(lines, width)
    return "\n".join(",".join(f'"{text}"' if "," in text else text for text in row) for row in rows)


def _markup(lines: list[Line], _: int) -> str:
    def cells(line: Line) -> str:
        return "".join(
            f"<td rowspan={cell.rowspan} colspan={cell.colspan}>{escape(text)}</td>"
            for cell, text in line
        )

    return "<table>" + "".join(f"<tr>{cells(line)}</tr>" for line in lines) + "</table>"


def _joined(cell: str, row: str, *, blanks: bool) -> Callable[[list[Line], int], str]:
    return lambda lines, _: row.join(cell.join(_texts(line, blanks=blanks)) for line in lines)


FORMS: dict[str, Callable[[list[Line], int], str]] = {
    "markup": _markup,
    "fields with commas": _csv,
    "columns": lambda lines, width: _aligned(_rectangle(lines, width)),
    "columns by cell": lambda lines, _: _aligned([_texts(x, blanks=True) for x in lines]),
    "bars": lambda lines, _: "\n".join(f"| {' | '.join(_texts(x, blanks=True))} |" for x in lines),
    "bars, padded": lambda lines, width: "\n".join(
        f"{' | '.join(_texts(line))} |" + "|" * _pads(line, width) for line in lines
    ),
    "lines and bars, padded": lambda lines, width: "".join(
        "".join(f"{text} |\n" for text in _texts(line)) + "|" * _pads(line, width) + "\n"
        for line in lines
    ),
    "lines and bars": lambda lines, _: "".join(
        f"{text} |\n" if text else "|\n" for line in lines for text in _texts(line, blanks=True)
    ),
    "lines between bars": _joined("\n|\n", "\n|\n", blanks=True),
    "tabs": _joined("\t", "\n", blanks=True),
    "sheet": _sheet,
    "lines, blanks shown": _joined("\n", "\n", blanks=True),
    "lines, rows apart": _joined("\n", "\n\n", blanks=True),
    "lines": _joined("\n", "\n", blanks=False),
    "bars on one line": _joined("|", "|", blanks=False),
    "rows, single spaces": _joined(" ", "\n", blanks=False),
    "one line, single spaces": _joined(" ", " ", blanks=False),
}


FULL = (  # where a lost value is missed, for an empty cell would show
    "markup", "bars", "lines and bars", "lines between bars", "tabs", "lines, blanks shown",
    "lines, rows apart",
)  # fmt: skip
PLACED = (*FULL, "fields with commas", "columns", "columns by cell", "sheet")  # values have places
NEEDS = {"value lost": FULL, "value moved": PLACED}  # else nobody can tell that anything happened


def document(number: int, seed: int = 1) -> Document:
    """Document `number`, always the same."""
    rng = random.Random(f"{seed} {number}")  # noqa: S311 - drawing
    words = _Words(rng)
    if rng.random() < ACCOUNTS:
        template = _account(rng, words)
        whole = _reckoned(rng, template)
    else:
        template = _layout(rng, words)
        whole = _filled(rng, words, template)
    form = rng.choice(list(FORMS))
    damage = rng.choice(list(DAMAGES)) if rng.random() < DAMAGED else "none"
    damage = damage if form in NEEDS.get(damage, FORMS) else "none"
    lines = DAMAGES[damage](rng, whole, words.label)
    values = _by_key(whole if damage == "value lost" else lines)
    text = FORMS[form](lines, template.n_cols)
    if rng.random() < 1 / 3:
        text = f"{PROSE[0]}\n\n{text}\n\n{PROSE[1]}"
    return Document(template, lines, values, form, text, damage)


def wrong_and_told(drawn: Document) -> tuple[list[str], Counter[str]]:
    """The keys of values that are told and wrong; how many there are, are right, and are told."""
    counts = Counter(values=len(drawn.values))
    wrong = []
    for table in tabrecover.recover(drawn.text, templates=Library([drawn.template])).tables:
        for cell, is_right in judged(drawn, table) if table.template else ():
            is_told = cell.confidence >= ACCEPT
            counts["right"] += is_right
            counts["told"] += is_told
            if is_told and not is_right:
                wrong.append(cell.key or "")
    return wrong, counts


def judged(drawn: Document, found: Recovered) -> Iterator[tuple[Value, bool]]:
    """The values of a table found, and whether they are right; those of added rows apart.

    A blank that no row of the document has is none. A record is that of the document with which it
    has most values in common, in order: a line too many makes no record after it wrong.
    """
    values = [cell for cell in found.cells if cell.role == "value" and cell.key is not None]
    truth = _places(drawn.values.items())
    own = _places((cell.key or "", cell.text) for cell in values)
    same = {
        (group, number): other
        for group, records in own.items()
        for number, other in _in_common(records, truth.get(group, {}))
    }
    for cell in values:
        group, number, column = _place(cell.key or "")
        expected = truth.get(group, {}).get(same.get((group, number), -1), {}).get(column)
        if expected is not None or cell.text:
            yield cell, cell.text == expected


_COPY = re.compile(r"\[(\d+)\]")
_Records = dict[int, dict[str, str]]  # by number, values by the rest of their keys


def _place(key: str) -> tuple[str, int, str]:
    """The group, number and column of a record's key; any other key stands alone."""
    copy = _COPY.search(key)
    return (key[: copy.start()], int(copy[1]), key[copy.end() :]) if copy else (key, 0, "")


def _places(values: Iterable[tuple[str, str]]) -> dict[str, _Records]:
    places: dict[str, _Records] = {}
    for key, text in values:
        group, number, column = _place(key)
        places.setdefault(group, {}).setdefault(number, {})[column] = text
    return places


def _in_common(found: _Records, truth: _Records) -> list[tuple[int, int]]:
    """The numbers of records that have most values in common, in the order of both."""
    most: dict[tuple[int, int], tuple[int, list[tuple[int, int]]]] = {}
    for i, own in enumerate(found.values()):
        for j, true in enumerate(truth.values()):
            common = sum(text == true.get(column) for column, text in own.items())
            score, pairs = most.get((i - 1, j - 1), (0, []))
            here = score + common, [*pairs, (list(found)[i], list(truth)[j])]
            nothing: tuple[int, list[tuple[int, int]]] = (-1, [])
            most[i, j] = max(
                here, most.get((i - 1, j), nothing), most.get((i, j - 1), nothing),
                key=lambda way: way[0],
            )  # fmt: skip
    return most[len(found) - 1, len(truth) - 1][1] if most else []


def structure(drawn: Document) -> float:
    """How far the table's rows, columns and spans come back without its template, 0 to 1."""
    cells = tuple(
        Cell(cell.row, cell.col, cell.rowspan, cell.colspan, cell.role, text)
        for line in drawn.lines
        for cell, text in line
    )
    truth = Table(cells, (len(drawn.lines), drawn.template.n_cols))
    tables = tabrecover.recover(drawn.text, templates="none").tables
    found = match_tables([truth], [table_from_record(table.to_dict()) for table in tables])[0]
    return (grits_top(truth, found) or 0.0) if found else 0.0


def _print_structure(drawn: Iterable[Document]) -> None:
    scores: dict[str, list[float]] = {form: [] for form in FORMS}
    for own in drawn:
        scores[own.form].append(structure(own))
    for form, values in [*scores.items(), ("all", sum(scores.values(), list[float]()))]:
        found = sum(value > 0 for value in values)
        mean = sum(values) / max(1, len(values))
        print(f"{form:24} {len(values):5} tables, {found:5} found; GriTS-Top {mean:.3f}")


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="show this document")
    parser.add_argument("--free", action="store_true", help="without templates")
    options = parser.parse_args()
    if options.only is not None:
        drawn = document(options.only, options.seed)
        print(drawn.form, drawn.values, drawn.text, sep="\n\n")
        return
    every_document = (document(number, options.seed) for number in range(options.count))
    if options.free:
        _print_structure(every_document)
        return
    counts: dict[str, Counter[str]] = {form: Counter() for form in FORMS}
    for number, drawn in enumerate(every_document):
        wrong, own = wrong_and_told(drawn)
        counts[drawn.form] += own + Counter(wrong=len(wrong))
        if wrong:
            print(
                f"document {number}, {drawn.form}, damage {drawn.damage}: told and wrong are "
                f"{', '.join(wrong)}"
            )
    every = sum(counts.values(), Counter[str]())
    for form, own in [*counts.items(), ("all", every)]:
        values = max(1, own["values"])
        print(
            f"{form:24} {own['values']:6} values, {100 * own['right'] / values:5.1f} % right, "
            f"{100 * own['told'] / values:5.1f} % told, {own['wrong']} of these wrong"
        )


if __name__ == "__main__":
    main()
