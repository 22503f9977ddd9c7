"""Store the dumps of the whole corpus: which documents go through which flatteners.

Every flattener gets every document; each mangling of a document is made with a few flatteners, and
so is the document without its tables, all drawn by name. What was made is stored at the end, also
when a tool fails, in the place of the same flatteners' old dumps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.dumps import FLATTENED, SYNTHETIC, Dump, load_dumps, load_pages, store_dumps
from benchmarks.flatten import MARKUP, NO_MANGLING, Flatten, Tool, draw_flatteners, make_dumps
from benchmarks.flatteners import FLATTENERS, Flattener, flatten

__all__ = ["store_all"]

FLATTENERS_A_MANGLING = 3
VERBATIM_VERSION = ""


def store_all(
    environments: Path, only: Sequence[str] | None, sets: Sequence[str], workers: int
) -> Iterator[str]:
    """Flatten and store; yields a line about every file. Raises `ValueError` for unknown names."""
    known = {flattener.name: flattener for flattener in FLATTENERS}
    names = [*MARKUP, *known]
    if unknown := set(only or ()) - set(names):
        raise ValueError(f"unknown flattener {min(unknown)!r}; known are {', '.join(names)}")
    if unknown := set(sets) - {folder.name for folder in SYNTHETIC.iterdir()}:
        raise ValueError(f"unknown set {min(unknown)!r}")
    pages = {name: load_pages(SYNTHETIC / name) for name in sets}

    tools = {name: _tool(known.get(name), name, environments) for name in only or names}
    made: dict[tuple[str, str], list[Dump]] = {}

    def make(name: str, of: str) -> str:
        chosen = _drawn(name, pages[of], names)
        made[of, name] = make_dumps(tools[name], pages[of], chosen)
        return f"{of} {name}: {len(made[of, name])} dumps"

    try:
        with ThreadPoolExecutor(workers) as pool:
            work = [pool.submit(make, name, of) for name in tools for of in sets]
            for done in as_completed(work):
                yield done.result()
    finally:
        for of in sets:
            _merge(
                of, pages[of], {name: own for (own_set, name), own in made.items() if own_set == of}
            )


def _merge(of: str, pages: Mapping[str, str], made: Mapping[str, Sequence[Dump]]) -> None:
    """Put newly made dumps in the place of the same flatteners' old ones."""
    path = FLATTENED / f"{of}.jsonl.xz"
    kept = [dump for dump in load_dumps(path, pages) if dump.flattener not in made]
    store_dumps(path, [*kept, *(dump for own in made.values() for dump in own)], pages)


def _drawn(name: str, pages: Mapping[str, str], names: Sequence[str]) -> Callable[[str, str], bool]:
    """Whether this flattener is drawn for a document's mangling."""

    def drawn(document: str, mangling: str) -> bool:
        chosen = draw_flatteners(document, mangling, names, FLATTENERS_A_MANGLING)
        return document in pages and (mangling == NO_MANGLING or name in chosen)

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
    return Tool(name, versions[0], run_all, reflows=flattener.reflows, in_order=flattener.in_order)
