"""Which values a dump decides: computed, not felt.

A cell is undecidable where another grid of the same layout flattens to the same dump. The other
grids are made by *moves* across a border between two values that follow each other in reading
order: a value and a blank change places, a word or a character goes from one cell to the next. A
border is open for a kind of move if the real flattener gives the same dump on both sides of it;
that is tried for many borders at once, each group as two pages. Values between open borders form
a *run*: all ways to cut its texts into its slots that the slots' types allow are counted by
dynamic programming, and a cell that gets different texts in different ways is undecidable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple

from benchmarks.tables import Table

__all__ = [
    "LOST",
    "Borders",
    "Probe",
    "cell_types",
    "find_open",
    "finer_probes",
    "group_probes",
    "undecidable_cells",
]

LOST = "\ue000"  # stands in a probe for a value that the mangling takes out of the dump
MOVES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "blank": (("7", ""), ("", "7")),
    "lost": (("7", LOST), (LOST, "7")),
    "word": (("6 8", "7"), ("6", "8 7")),
    "char": (("68", "7"), ("6", "87")),
}
LONGEST_PART = 40  # characters of a run that one cell may take where cells are run together

_NUMBER = re.compile(r"[-+]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?%?|[/—–-]")
_WHOLE = re.compile(r"[-+]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)|[/—–-]")


Pair = tuple[int, int]


class Probe(NamedTuple):
    """A group of borders of one table, tried together: equal dumps mean that all are open.

    `finer` are the same borders one by one, to be tried where `sample`, one of them, is open though
    the group is not.
    """

    table: int
    move: str
    borders: tuple[int, ...]
    sides: tuple[Table, Table]
    sample: tuple[Table, Table] | None = None
    finer: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Borders:
    """Open borders of one table by kind of move: index of the cell before the border."""

    open: Mapping[str, frozenset[int]]


def value_pairs(table: Table) -> Iterator[Pair]:
    """Indices of values that follow each other in reading order with no text between them."""
    values: list[int] = []
    for index, cell in enumerate(table.cells):
        if cell.role == "value":
            values.append(index)
        elif cell.text:
            yield from pairwise(values)
            values = []
    yield from pairwise(values)


def group_probes(
    at: int, table: Table, lost: bool, absent: frozenset[int] = frozenset()
) -> list[Probe]:
    """Probes of one table: borders inside and between rows apart, no value in two of a group.

    Whether cells are run together, or parted by a space only, is the same for all borders of a
    kind, so a few of them are asked for all. Moves that the table's texts don't allow are not
    tried; `lost` says that one of them is lost.
    """
    pairs = [pair for pair in value_pairs(table) if not absent & set(pair)]
    texts = [cell.text for cell in table.cells if cell.role == "value"]
    wanted = {
        "blank": "" in texts and any(texts),
        "lost": lost,
        "word": any(" " in text for text in texts),
        "char": True,
    }
    probes = []
    for move, within in product(filter(wanted.get, MOVES), (True, False)):
        alike = [pair for pair in pairs if _same_row(table, pair) is within]
        each = move in {"blank", "lost"}
        first = _disjoint(alike)
        second = [pair for pair in alike if pair not in first] if each else []
        probes += [
            _probe(at, table, move, group, group if each else alike)
            for group in (first, second)
            if group
        ]
    return probes


def _probe(at: int, table: Table, move: str, group: Sequence[Pair], asked: Sequence[Pair]) -> Probe:
    borders = tuple(left for left, _ in asked)
    sides = _sides(table, move, group)
    if len(group) == 1 or group is not asked:
        return Probe(at, move, borders, sides)
    sample = _sides(table, move, [group[len(group) // 2]])
    return Probe(at, move, borders, sides, sample, tuple(group))


def _sides(table: Table, move: str, pairs: Sequence[Pair]) -> tuple[Table, Table]:
    left, right = (_moved(table, pairs, texts) for texts in MOVES[move])
    return left, right


def _disjoint(pairs: Sequence[Pair]) -> list[Pair]:
    """Every pair that shares no cell with the one taken before it."""
    taken: list[Pair] = []
    for pair in pairs:
        if not taken or taken[-1][1] != pair[0]:
            taken.append(pair)
    return taken


def _same_row(table: Table, pair: Pair) -> bool:
    return table.cells[pair[0]].row == table.cells[pair[1]].row


def _moved(table: Table, pairs: Sequence[Pair], texts: tuple[str, str]) -> Table:
    changed: dict[int, str] = {}
    for pair in pairs:
        changed.update(zip(pair, texts, strict=True))
    return table.with_texts(changed)


Same = Callable[[tuple[Table, Table]], bool]
"""Whether two versions of a table give equal dumps."""


def finer_probes(tables: Sequence[Table], probes: Sequence[Probe], same: Same) -> list[Probe]:
    """Single borders that must be tried, since their groups are open in part."""
    return [
        Probe(probe.table, probe.move, pair[:1], _sides(tables[probe.table], probe.move, [pair]))
        for probe in probes
        if probe.sample and not same(probe.sides) and same(probe.sample)
        for pair in probe.finer
    ]


def find_open(tables: Sequence[Table], probes: Sequence[Probe], same: Same) -> list[Borders]:
    """The open borders of every table."""
    found: list[dict[str, set[int]]] = [{move: set() for move in MOVES} for _ in tables]
    for probe in probes:
        if same(probe.sides):
            found[probe.table][probe.move].update(probe.borders)
    return [Borders({move: frozenset(cells) for move, cells in by.items()}) for by in found]


def undecidable_cells(
    table: Table, borders: Borders, types: Mapping[int, str], lost: int | None = None
) -> frozenset[int]:
    """Indices of the value cells that another grid with the same dump fills differently.

    `types` gives the slot type of each value cell: integer, decimal or text; `lost` is the blank
    cell whose value was taken out of the dump with its separator.
    """
    result: set[int] = set()
    for run in _runs(table, borders):
        result |= _ambiguous(table, run, borders, types, lost)
    return frozenset(result)


def _runs(table: Table, borders: Borders) -> list[list[int]]:
    """Chains of values joined by open borders."""
    joined = frozenset().union(*borders.open.values())
    runs: list[list[int]] = []
    for left, right in value_pairs(table):
        if left not in joined:
            continue
        if runs and runs[-1][-1] == left:
            runs[-1].append(right)
        else:
            runs.append([left, right])
    return runs


def _ambiguous(
    table: Table,
    run: Sequence[int],
    borders: Borders,
    types: Mapping[int, str],
    lost: int | None,
) -> set[int]:
    """Cells of a run with more than one possible text."""
    inner = frozenset(run[:-1])
    blanks = bool(borders.open["blank"] & inner)
    missing = lost in run and bool(borders.open["lost"] & inner)
    texts = [table.cells[index].text for index in run]
    joined = bool(borders.open["char"] & inner)
    if joined:
        atoms, glue = list("".join(texts)), ""
    elif borders.open["word"] & inner:
        atoms, glue = " ".join(texts).split(), " "
    else:
        glue = "\0"
        shown = [i for i in run if table.cells[i].text or not (blanks or i == lost)]
        atoms = [table.cells[index].text for index in shown]
    kinds = [types.get(index, "text") for index in run]
    possible = _possible_texts(atoms, glue, kinds, blanks or missing, texts)
    return {
        index for index, options, text in zip(run, possible, texts, strict=True) if options - {text}
    }


def _possible_texts(
    atoms: Sequence[str], glue: str, kinds: Sequence[str], blanks: bool, texts: Sequence[str]
) -> list[set[str]]:
    """For each slot the texts it gets in some way of cutting all atoms into all slots."""
    count, slots = len(atoms), len(kinds)
    longest = 1 if glue == "\0" else LONGEST_PART

    def parts(slot: int, start: int) -> Iterator[int]:
        """Ends of the parts that the slot can take from `start` on."""
        if blanks or not texts[slot]:
            yield start
        for end in range(start + 1, min(count, start + longest) + 1):
            if _fits(glue.join(atoms[start:end]), kinds[slot], texts[slot]):
                yield end

    reached: list[set[int]] = [{0}]
    for slot in range(slots):
        reached.append({end for start in reached[-1] for end in parts(slot, start)})
    alive = {count} & reached[-1]
    possible: list[set[str]] = [set() for _ in range(slots)]
    for slot in range(slots - 1, -1, -1):
        starts = set()
        for start in reached[slot]:
            for end in parts(slot, start):
                if end in alive:
                    starts.add(start)
                    possible[slot].add(glue.join(atoms[start:end]))
        alive = starts
    return possible


def _fits(text: str, kind: str, actual: str) -> bool:
    """Whether a slot of this type plausibly holds the text; its actual text it always does."""
    if text in {actual, ""} or kind == "text":
        return text == text.strip()
    return bool((_WHOLE if kind == "integer" else _NUMBER).fullmatch(text))


def cell_types(table: Table) -> dict[int, str]:
    """Slot types read off a filled table; a blank is of the type of its column, else its row."""
    cells = table.cells
    types = {i: _type(c.text) for i, c in enumerate(cells) if c.role == "value" and c.text}
    stated = dict(types)
    for index, cell in enumerate(cells):
        if cell.role == "value" and not cell.text:
            column = [kind for i, kind in stated.items() if cells[i].col == cell.col]
            row = [kind for i, kind in stated.items() if cells[i].row == cell.row]
            types[index] = max(column or row, key=_WIDEST.index, default="integer")
    return types


_WIDEST = ("integer", "decimal", "text")


def _type(text: str) -> str:
    if _WHOLE.fullmatch(text):
        return "integer"
    return "decimal" if _NUMBER.fullmatch(text) else "text"
