"""Run tools over dumps: in parallel, with progress, and so that an interrupted run goes on.

A task is one document's dumps with all tools, so that the truth is read once. Rows are appended as
tasks end; a run with the same conditions (corpus, tools with their versions) skips the dumps whose
rows are complete, any other conditions are refused.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from benchmarks.dumps import Dump, Truth, corpus_hash
from benchmarks.metrics import judge, match_tables
from benchmarks.results import SPARE, Header, Row, line_of, read_results, row_of, spare_row
from benchmarks.structure import grits_con, grits_top, teds
from benchmarks.tables import Table, fold, table_from_record
from benchmarks.tools import Layouts, Tool, tool_named
from tabrecover.storage import write_atomically

__all__ = ["Plan", "environment", "run", "truths_of"]

DUMPS_A_TASK = 12
STRUCTURE_EVERY = 10  # GriTS and TEDS cost more than most tools: one dump of ten is enough
SCORING = ("dumps", "metrics", "results", "run", "structure", "tables")
LIBRARIES = ("lxml", "numpy", "opencc", "pandas", "rapidfuzz", "ahocorasick_rs", "clevercsv")


@dataclass(frozen=True)
class Plan:
    """What to run: dumps, their documents' groups, tools by name, layouts, where rows go."""

    dumps: Sequence[Dump]
    groups: Mapping[str, str]
    tools: Sequence[str]
    layouts: Layouts
    out: Path
    set: str
    corpus: str


def environment() -> dict[str, str]:
    """Where a run took place, as far as it bears on its figures."""
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    system = f"{platform.system()} {platform.machine()}"
    own = corpus_hash([Path(__file__).with_name(f"{name}.py") for name in SCORING])
    return {
        "python": platform.python_version(),
        "system": system,
        "benchmark": own,
        **libraries,
    }


def run(plan: Plan, workers: int, progress: Callable[[int, int], None]) -> int:
    """Run what is missing and append its rows to `plan.out`; gives the number of dumps run.

    `progress` is called with dumps done and dumps in all. Raises `ValueError` where `plan.out`
    holds rows of other conditions.
    """
    tools = {name.partition("=")[0]: tool_named(name).version for name in plan.tools}
    header = Header(plan.set, plan.corpus, tools, environment())
    done = _prepare(plan.out, header)
    missing = [dump for dump in plan.dumps if dump.name not in done]
    count = len(plan.dumps) - len(missing)
    progress(count, len(plan.dumps))
    with (
        plan.out.open("a", encoding="utf-8") as stream,
        ProcessPoolExecutor(
            workers, initializer=_start, initargs=(plan.tools, plan.layouts, plan.groups)
        ) as pool,
    ):
        for rows, size in pool.map(_run_task, list(_tasks(missing))):
            stream.writelines(line_of(row) for row in rows)
            stream.flush()
            count += size
            progress(count, len(plan.dumps))
    return len(missing)


def _prepare(out: Path, header: Header) -> set[str]:
    """Make the file ready for appending; gives the names of the dumps that it holds whole."""
    if not out.exists() or not out.stat().st_size:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(line_of(header), encoding="utf-8")
        return set()
    found, rows = read_results(out)
    if found != header:
        raise ValueError(
            f"{out}: holds results of other conditions (corpus {found.corpus}, tools "
            f"{', '.join(f'{name} {version}' for name, version in found.tools.items())}); "
            "give another --out, or --fresh to overwrite it"
        )
    seen: dict[str, set[str]] = {}
    for row in rows:
        if row.table == SPARE:  # a tool's last row of a dump
            seen.setdefault(row.dump, set()).add(row.tool)
    whole = {name for name, tools in seen.items() if tools == set(header.tools)}
    with write_atomically(out) as stream:
        stream.write(line_of(header))
        stream.writelines(line_of(row) for row in rows if row.dump in whole)
    return whole


def _tasks(dumps: Sequence[Dump]) -> Iterator[list[Dump]]:
    """Dumps of one truth together, in pieces of bounded size."""
    ordered = sorted(dumps, key=lambda dump: (dump.document, dump.truth or "", dump.name))
    for start in range(0, len(ordered), DUMPS_A_TASK):
        yield ordered[start : start + DUMPS_A_TASK]


class _Worker(NamedTuple):
    """What a worker process keeps from task to task."""

    tools: Sequence[Tool]
    layouts: Layouts
    groups: Mapping[str, str]


_worker: list[_Worker] = []


def _start(tools: Sequence[str], layouts: Layouts, groups: Mapping[str, str]) -> None:
    """Tools are made in the worker, since they can't be sent to it."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _worker[:] = [_Worker([tool_named(name) for name in tools], layouts, groups)]


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, killed without a chance to say so."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _run_task(dumps: Sequence[Dump]) -> tuple[list[Row], int]:
    tools, layouts, groups = _worker[0]
    rows = []
    for dump in dumps:
        truths = truths_of(dump)
        for tool in tools:
            rows += judge_tool(tool, dump, truths, layouts, groups.get(dump.document, ""))
    return rows, len(dumps)


@lru_cache(maxsize=8)
def _tables(truth: str) -> tuple[Table, ...]:
    return tuple(truth.table for truth in Dump("", "", "", "", "", truth).truths())


def truths_of(dump: Dump) -> list[Truth]:
    """The dump's truths, their tables shared with other dumps of the same page."""
    if dump.truth is None:
        return []
    tables = _tables(dump.truth)
    none: tuple[tuple[int, ...], ...] = ((),) * len(tables)
    parts = zip(tables, dump.undecidable or none, dump.absent or none, strict=True)
    return [Truth(table, frozenset(u), frozenset(a)) for table, u, a in parts]


def judge_tool(
    tool: Tool, dump: Dump, truths: Sequence[Truth], layouts: Layouts, group: str
) -> list[Row]:
    """One tool on one dump: a row for every true table, and one for what lies beside them."""
    names = {
        "document": dump.document,
        "group": group,
        "flattener": dump.flattener,
        "mangling": dump.mangling,
        "tool": tool.name,
    }
    start = time.perf_counter()
    error = ""
    try:
        found = [table_from_record(record) for record in tool.recover(dump.text, layouts)]
    except Exception as failure:  # a tool's failure is its result
        found, error = [], f"{type(failure).__name__}: {failure}"[:200]
    seconds = time.perf_counter() - start
    matched = match_tables([truth.table for truth in truths], found)
    rows = []
    for number, (truth, table) in enumerate(zip(truths, matched, strict=True)):
        judgement = judge(truth, table)
        structure = None
        if not truth.absent and _is_sampled(dump):
            structure = _structure(truth.table, table)
        rows.append(
            row_of(judgement, structure, table=number, template=truth.table.template, **names)
        )
    spare = [t for t in found if t.cells and all(t is not other for other in matched)]
    confidences = [
        cell.confidence
        for table in spare
        for cell in table.cells
        if cell.role == "value" and fold(cell.text)
    ]
    rows.append(spare_row(len(spare), confidences, seconds=round(seconds, 4), error=error, **names))
    return rows


def _is_sampled(dump: Dump) -> bool:
    return zlib.crc32(dump.name.encode()) % STRUCTURE_EVERY == 0


def _structure(truth: Table, found: Table | None) -> tuple[float, float, float] | None:
    if found is None:
        return (0.0, 0.0, 0.0)
    top, con, distance = grits_top(truth, found), grits_con(truth, found), teds(truth, found)
    if top is None or con is None or distance is None:
        return None
    return round(top, 4), round(con, 4), round(distance, 4)


def default_workers() -> int:
    """One process a core."""
    return max(1, len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)
