"""Store the dumps of the whole corpus: which documents go through which flatteners.

Every flattener gets every document; each mangling of a document is made with one flattener in
eighteen, and so is the document without its tables, all drawn by name. What was made is stored at
the end, also when a tool fails, in the place of the same flatteners' old dumps.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.dumps import FLATTENED, SYNTHETIC, Dump, load_dumps, load_pages, store_dumps
from benchmarks.flatten import MARKUP, Flatten, Tool, make_dumps
from benchmarks.flatteners import FLATTENERS, Flattener, FlattenerMissing, flatten

__all__ = ["store_all"]

MANGLED_BY_ONE_OF = 18
VERBATIM_VERSION = ""


def store_all(
    environments: Path, only: Sequence[str] | None, sets: Sequence[str], workers: int
) -> Iterator[str]:
    """Flatten and store; yields a line about every flattener and set.

    A tool that is not there is left out, and its old dumps stay. Raises `ValueError` for unknown
    names.
    """
    known = {flattener.name: flattener for flattener in FLATTENERS}
    names = [*MARKUP, *known]
    if unknown := set(only or ()) - set(names):
        raise ValueError(f"unknown flattener {min(unknown)!r}; known are {', '.join(names)}")
    if unknown := set(sets) - {folder.name for folder in SYNTHETIC.iterdir()}:
        raise ValueError(f"unknown set {min(unknown)!r}")
    present = []
    for name in only or names:
        try:
            _tool(known.get(name), name, environments)  # installs it, before processes meet
            present.append(name)
        except FlattenerMissing as error:
            yield f"left out: {error}"
    made: dict[str, dict[str, list[Dump]]] = {of: {} for of in sets}
    try:
        with ProcessPoolExecutor(workers) as pool:
            tasks = [(name, of) for name in present for of in sets]
            work = {pool.submit(_make, *task, environments): task for task in tasks}
            try:
                for done in as_completed(work):
                    name, of = work[done]
                    made[of][name] = done.result()
                    yield f"{of} {name}: {len(made[of][name])} dumps"
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        for of in sets:
            _merge(of, load_pages(SYNTHETIC / of), made[of])


def _make(name: str, of: str, environments: Path) -> list[Dump]:
    """The dumps of one flattener over one set."""
    known = {flattener.name: flattener for flattener in FLATTENERS}
    pages = load_pages(SYNTHETIC / of)
    return make_dumps(_tool(known.get(name), name, environments), pages, _drawn(name))


def _merge(of: str, pages: Mapping[str, str], made: Mapping[str, Sequence[Dump]]) -> None:
    """Put newly made dumps in the place of the same flatteners' old ones."""
    path = FLATTENED / f"{of}.jsonl.xz"
    kept = [dump for dump in load_dumps(path, pages) if dump.flattener not in made]
    store_dumps(path, [*kept, *(dump for own in made.values() for dump in own)], pages)


def _drawn(name: str) -> Callable[[str, str], bool]:
    """Whether this flattener is drawn for a document's mangling; each is, by its name alone."""

    def drawn(document: str, mangling: str) -> bool:
        return zlib.crc32(f"{document} {mangling} {name}".encode()) % MANGLED_BY_ONE_OF == 0

    return drawn


def _tool(flattener: Flattener | None, name: str, environments: Path) -> Tool:
    """The flattener as `flatten` needs it, installed; markup is no tool's work."""
    if flattener is None:
        write = MARKUP[name]
        return Tool(name, VERBATIM_VERSION, lambda given: [write(page) for page in given])
    versions: list[str] = []

    def run(given: Sequence[str]) -> Sequence[str | None]:
        result = flatten(flattener, given, environments)
        versions[:] = [f"{result.tool} {result.version}"]
        return result.texts

    run_all: Flatten = run
    run_all([])
    return Tool(
        name,
        versions[0],
        run_all,
        reflows=flattener.reflows,
        in_order=flattener.in_order,
        by_columns=flattener.by_columns,
    )
