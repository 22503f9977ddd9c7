"""Make the stored dumps: flatten every page with every tool, mangle, and find what is decided.

    python -m benchmarks flatten [--only NAME] [--set SET]

Every document is flattened by every flattener as it is; every mangling is applied to every
document with some flatteners, drawn by the document's name. Then the probes of `decidable` are
flattened by the same tool and mangled in the same way.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.decidable import (
    LOST,
    Probe,
    cell_types,
    find_open,
    finer_probes,
    group_probes,
    undecidable_cells,
)
from benchmarks.dumps import Dump
from benchmarks.manglings import MANGLINGS, MARK, Altered, Mangling, damage, prepare
from benchmarks.pages import as_page, with_tables, without_tables
from benchmarks.tables import Table, fold, tables_of_page

__all__ = ["MARKUP", "NO_MANGLING", "NO_TABLE", "Flatten", "lost_cell", "make_dumps"]

NO_MANGLING = "none"
NO_TABLE = "no table"

Flatten = Callable[[Sequence[str]], Sequence[str | None]]
"""Pages in, dumps out; None where the tool gave nothing."""

MARKUP: Mapping[str, Callable[[str], str]] = {
    "html": lambda page: page,
    "html-unclosed": lambda page: re.sub(r"</(?:td|th|tr|p|span|tbody)>", "", page),
}
"""Inputs that are still HTML: as it is, and without the end tags that parsers supply."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A flattener as this module needs it.

    `reflows`: its white space follows from a page's layout and tells nothing about cells; dumps
    that differ only in it count as equal. `in_order`: texts come in reading order. `by_columns`:
    they may come column by column, so that moves in reading order tell nothing; then every value
    of a table with blanks counts as undecidable.
    """

    name: str
    version: str
    flatten: Flatten
    reflows: bool = False
    in_order: bool = True
    by_columns: bool = False


Sides = tuple[Table, Table]


class Job(NamedTuple):
    """One dump to make: a document with its tables as prepared for the mangling."""

    document: str
    page: str
    state: Altered
    steps: tuple[Mangling, ...]
    mangling: str


def make_dumps(
    tool: Tool, pages: Mapping[str, str], drawn: Callable[[str, str], bool]
) -> list[Dump]:
    """All dumps of one flattener; `drawn(document, mangling)` says which manglings it gets."""
    jobs = [job for document, page in pages.items() for job in _jobs(document, page, tool, drawn)]
    dumps = _Dumps(tool, jobs)
    return dumps.all() + _without_tables(tool, pages, drawn)


def _jobs(document: str, page: str, tool: Tool, drawn: Callable[[str, str], bool]) -> Iterator[Job]:
    tables = tables_of_page(page)
    language = "zh" if '<html lang="zh"' in page else "en"
    whole = Altered(tuple(tables), (frozenset(),) * len(tables))
    yield Job(document, page, whole, (), NO_MANGLING)
    for mangling in MANGLINGS:
        impossible = (mangling.in_order and not tool.in_order) or (
            mangling.of_text and tool.name in MARKUP
        )
        if impossible or not drawn(document, mangling.name):
            continue
        state = prepare((mangling,), tables, language, _generator(document, mangling.name))
        if state is not None:
            yield Job(document, page, state, (mangling,), mangling.name)


def _generator(*names: str) -> random.Random:
    return random.Random(zlib.crc32(" ".join(names).encode()))  # noqa: S311 - not for secrets


def _marked_page(job: Job) -> str:
    tables = list(job.state.tables)
    if job.state.marked:
        at, index = job.state.marked
        tables[at] = tables[at].with_texts({index: MARK})
    return as_page(job.page, tables)


def _truth_tables(job: Job) -> list[Table]:
    """The tables that the dump holds: a marked value is lost, its place is blank."""
    tables = list(job.state.tables)
    if job.state.marked and not any(job.state.absent):
        at, index = job.state.marked
        tables[at] = tables[at].with_texts({index: ""})
    return tables


def _lost(job: Job, table: int) -> int | None:
    """The cell of this table whose value the mangling takes out, if it takes out one."""
    if job.state.marked is None or any(job.state.absent):
        return None
    at, index = job.state.marked
    return index if at == table else None


def lost_cell(document: str, mangling: str, page: str) -> tuple[int, int] | None:
    """Table and cell whose value this mangling of a document loses: drawn again as for the dump."""
    for step in MANGLINGS:
        if step.name == mangling and step.alter:
            tables = tables_of_page(page)
            state = prepare((step,), tables, "", _generator(document, mangling))
            if state and not any(state.absent):
                return state.marked
    return None


def _variant(job: Job, side: Table, table: int) -> str:
    """The page of one side of a probe; a lost value is marked where the probe has it."""
    tables = list(job.state.tables)
    tables[table] = side
    if job.state.marked and _lost(job, table) is None:
        at, index = job.state.marked
        tables[at] = tables[at].with_texts({index: MARK})
    return as_page(job.page, tables).replace(LOST, MARK)


class _Dumps:
    """The dumps of one flattener: every page is flattened once, in few large batches."""

    def __init__(self, tool: Tool, jobs: Sequence[Job]) -> None:
        self._tool = tool
        self._jobs = jobs
        self._texts: dict[int, str | None] = {}
        self._keys: dict[tuple[int, int], int] = {}
        self._flatten(_marked_page(job) for job in jobs)
        self._jobs = [job for job in jobs if _usable(self._text(_marked_page(job)), job)]
        self._probes = [_probes(job) for job in self._jobs]
        self._flatten(self._asked(lambda probe: [probe.sides, probe.sample]))
        for job, probes in zip(self._jobs, self._probes, strict=True):
            probes.extend(finer_probes(_truth_tables(job), probes, self._same(job)))
        self._flatten(self._asked(lambda probe: [probe.sides]))

    def all(self) -> list[Dump]:
        """The mangled dumps with their undecidable cells."""
        return [self._dump(job, p) for job, p in zip(self._jobs, self._probes, strict=True)]

    def _asked(self, sides: Callable[[Probe], Sequence[Sides | None]]) -> Iterator[str]:
        for job, probes in zip(self._jobs, self._probes, strict=True):
            for probe in probes:
                for side in (side for both in filter(None, sides(probe)) for side in both):
                    if (id(job), id(side)) not in self._keys:
                        page = _variant(job, side, probe.table)
                        self._keys[id(job), id(side)] = hash(page)
                        yield page

    def _flatten(self, pages: Iterable[str]) -> None:
        new = {hash(page): page for page in pages if hash(page) not in self._texts}
        if new:
            texts = self._tool.flatten(list(new.values()))
            self._texts.update(zip(new, texts, strict=True))

    def _text(self, page: str) -> str:
        return self._texts[hash(page)] or ""

    def _mangled(self, job: Job, text: str) -> str:
        return damage(job.steps, text, _generator(job.document, self._tool.name, job.mangling))

    def _same(self, job: Job) -> Callable[[Sides], bool]:
        def same(sides: Sides) -> bool:
            raw = (self._texts[self._keys[id(job), id(side)]] or "" for side in sides)
            left, right = (self._mangled(job, text) for text in raw)
            return bool(left) and _seen(left, self._tool) == _seen(right, self._tool)

        return same

    def _dump(self, job: Job, probes: Sequence[Probe]) -> Dump:
        tables = _truth_tables(job)
        borders = find_open(tables, probes, self._same(job))
        changed = tables != tables_of_page(job.page)
        return Dump(
            job.document,
            self._tool.name,
            self._tool.version,
            job.mangling,
            self._mangled(job, self._text(_marked_page(job))),
            with_tables(job.page, tables) if changed else job.page,
            tuple(
                _all_values(table)
                if self._tool.by_columns and _has_blanks(table)
                else tuple(
                    sorted(undecidable_cells(table, open_, cell_types(table), _lost(job, at)))
                )
                for at, (table, open_) in enumerate(zip(tables, borders, strict=True))
            ),
            tuple(tuple(sorted(gone)) for gone in job.state.absent),
        )


def _all_values(table: Table) -> tuple[int, ...]:
    return tuple(index for index, cell in enumerate(table.cells) if cell.role == "value")


def _has_blanks(table: Table) -> bool:
    texts = [cell.text for cell in table.cells if cell.role == "value"]
    return any(texts) and not all(texts)


def _probes(job: Job) -> list[Probe]:
    """The probes of all tables that the dump still holds."""
    return [
        probe
        for at, table in enumerate(_truth_tables(job))
        if 0 not in job.state.absent[at]
        for probe in group_probes(at, table, _lost(job, at) is not None, job.state.absent[at])
    ]


def _usable(dump: str, job: Job) -> bool:
    """Whether the tool kept the tables: every number, as written, and most other texts."""
    folded = fold(dump)
    values = {
        text
        for t in job.state.tables
        for cell in t.cells
        if cell.role == "value" and (text := fold(cell.text))
    }
    numbers = {text for text in values if text[-1].isdecimal()}
    if job.state.marked:
        at, index = job.state.marked
        values.discard(fold(job.state.tables[at].cells[index].text))
        numbers &= values
        if MARK not in dump:
            return False
    return all(n in folded for n in numbers) and 2 * sum(v in folded for v in values) >= len(values)


def _seen(dump: str, tool: Tool) -> str:
    """The dump as far as it speaks of cells."""
    return " ".join(dump.split()) if tool.reflows else dump


def _without_tables(
    tool: Tool, pages: Mapping[str, str], drawn: Callable[[str, str], bool]
) -> list[Dump]:
    chosen = {d: as_page(without_tables(p)) for d, p in pages.items() if drawn(d, NO_TABLE)}
    texts = tool.flatten(list(chosen.values())) if chosen else []
    return [
        Dump(document, tool.name, tool.version, NO_TABLE, text, None)
        for document, text in zip(chosen, texts, strict=True)
        if text
    ]
