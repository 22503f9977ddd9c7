"""Flattened dumps of the truth corpus: stored, so that running needs none of the tools.

`corpus/flattened/SET.jsonl.xz` holds one dump a line: the text, by which tool and version
it was made, how it was mangled, and per table of the document the cells that the dump does not
decide or no longer holds (indices into the truth's cells in reading order). Where a mangling
changed the tables themselves, the line carries the changed truth.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.layouts import CORPUS
from benchmarks.tables import Table, tables_of_page

__all__ = ["FLATTENED", "SYNTHETIC", "Dump", "Truth", "corpus_hash", "load_dumps", "store_dumps"]

SYNTHETIC = CORPUS / "synthetic"
FLATTENED = CORPUS / "flattened"


@dataclass(frozen=True, slots=True)
class Truth:
    """A table that a dump was made from, and the cells that can't or need not be found in it."""

    table: Table
    undecidable: frozenset[int] = frozenset()
    absent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Dump:
    """One flattened document; `truth` is its truth page, `None` where there is no table."""

    document: str
    flattener: str
    version: str
    mangling: str
    text: str
    truth: str | None
    undecidable: tuple[tuple[int, ...], ...] = ()
    absent: tuple[tuple[int, ...], ...] = ()

    @property
    def name(self) -> str:
        """Document, flattener and mangling: unique in a set."""
        return f"{self.document} · {self.flattener} · {self.mangling}"

    def truths(self) -> list[Truth]:
        """The document's tables with what is known of their cells."""
        tables = tables_of_page(self.truth) if self.truth else []
        empty: tuple[tuple[int, ...], ...] = ((),) * len(tables)
        return [
            Truth(table, frozenset(unsure), frozenset(gone))
            for table, unsure, gone in zip(
                tables, self.undecidable or empty, self.absent or empty, strict=True
            )
        ]


def store_dumps(path: Path, dumps: Iterable[Dump], pages: Mapping[str, str]) -> None:
    """Write a set's dumps, alike ones side by side; a truth equal to its page is left out."""
    lines = []
    for dump in sorted(dumps, key=lambda d: (d.document, d.mangling, d.flattener)):
        entry = asdict(dump)
        if dump.truth is not None and dump.truth == pages.get(dump.document):
            entry["truth"] = ""
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))


def load_dumps(path: Path, pages: Mapping[str, str]) -> Iterator[Dump]:
    """The stored dumps of a set, `pages` being its truth pages."""
    if not path.exists():
        return
    for line in lzma.decompress(path.read_bytes()).decode().split("\n")[:-1]:
        entry = json.loads(line)
        if entry["truth"] == "":
            entry["truth"] = pages[entry["document"]]
        for part in ("undecidable", "absent"):
            entry[part] = tuple(tuple(indices) for indices in entry[part])
        yield Dump(**entry)


def load_pages(folder: Path) -> dict[str, str]:
    """The truth pages of a folder by document name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}


def corpus_hash(paths: Sequence[Path]) -> str:
    """A short digest of files: results are comparable only over the same one."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
