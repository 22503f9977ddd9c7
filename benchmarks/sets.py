"""What a run works on: a set of the corpus, or a user's own documents.

A set of the corpus is its documents' stored dumps, the same documents without their tables and,
with `report`, the prose of `corpus/negative`. Its layouts are those that its documents are drawn
from, and the templates that come along; layouts of the other set are unknown to every tool.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dumps import FLATTENED, SYNTHETIC, Dump, corpus_hash, load_dumps, load_pages
from benchmarks.layouts import CORPUS
from benchmarks.tables import tables_of_page
from benchmarks.tools import Layouts, layouts_of_folder, layouts_of_set

__all__ = ["SETS", "WorkSet", "corpus_set", "own_set"]

SETS = ("fit", "report")
AS_FOUND = "as found"
NO_TABLE = "no table"


@dataclass(frozen=True)
class WorkSet:
    """Dumps with their documents' groups, the layouts that tools are given, and a digest."""

    name: str
    dumps: tuple[Dump, ...]
    groups: Mapping[str, str]
    layouts: Layouts
    digest: str


def corpus_set(name: str, every: int = 1) -> WorkSet:
    """A set of the corpus; with `every`, one dump of so many, drawn by its name."""
    pages = load_pages(SYNTHETIC / name)
    layouts = layouts_of_set(_layout_names(pages.values()))
    stored = FLATTENED / f"{name}.jsonl.xz"
    dumps = [*load_dumps(stored, pages), *_negatives()]
    if not any(dump.truth for dump in dumps):
        raise ValueError(
            f"{stored}: no stored dumps; make them with `python -m benchmarks flatten`"
        )
    files = [*(SYNTHETIC / name).glob("*.html"), stored]
    return WorkSet(
        name if every == 1 else f"{name}, one dump of {every}",
        tuple(dump for dump in dumps if zlib.crc32(dump.name.encode()) % every == 0),
        _groups(pages, layouts),
        layouts,
        corpus_hash(files),
    )


def _layout_names(pages: Iterable[str]) -> list[str]:
    """Layouts of a set's documents that don't come along with the product."""
    names = {t.template for page in pages for t in tables_of_page(page) if t.template}
    return sorted(name for name in names if "/" not in name)


def _groups(pages: Mapping[str, str], layouts: Layouts) -> dict[str, str]:
    """Reports (several tables on a page), forms of other layouts, and record tables."""
    repeated = {layout.id for layout in layouts.all if layout.repeated is not None}
    groups = {}
    for document, page in pages.items():
        tables = tables_of_page(page)
        if len(tables) > 1:
            groups[document] = "reports"
        else:
            records = any(table.template in repeated for table in tables)
            groups[document] = "record tables" if records else "other forms"
    return groups


def _negatives() -> list[Dump]:
    paths = sorted((CORPUS / "negative").glob("*.txt"))
    return [
        Dump(path.stem, AS_FOUND, "", NO_TABLE, path.read_text(encoding="utf-8"), None)
        for path in paths
    ]


def own_set(dumps: Path, truth: Path, templates: Sequence[Path]) -> WorkSet:
    """A user's documents: `NAME.txt` (or `.html`) in one folder, `NAME.html` in the other.

    A truth is a page with intact tables, `th` for labels and `td` for values, `data-template` for
    the template that should be found; a dump without a truth is a document without a table.
    """
    found = sorted(path for path in dumps.iterdir() if path.is_file())
    if not found:
        raise ValueError(f"{dumps}: no dumps; put one file a document there")
    pages = load_pages(truth)
    unused = sorted(set(pages) - {path.stem for path in found})
    if unused:
        raise ValueError(f"{truth / unused[0]}.html: no dump of this name in {dumps}")
    layouts = [*layouts_of_set(()).all]
    for folder in templates:
        layouts += layouts_of_folder(folder).all
    return WorkSet(
        str(dumps),
        tuple(_own_dump(path, pages.get(path.stem)) for path in found),
        {path.stem: "own" for path in found},
        Layouts(tuple(layouts)),
        corpus_hash([*found, *truth.glob("*.html")]),
    )


def _own_dump(path: Path, truth: str | None) -> Dump:
    text = path.read_text(encoding="utf-8", errors="replace")
    return Dump(path.stem, AS_FOUND, "", "none" if truth else NO_TABLE, text, truth)
