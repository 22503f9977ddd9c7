"""Libraries of templates in one file: the index as arrays, the templates as they were written.

Nothing in the file is executed when it is read: it is a ZIP of NumPy arrays without objects. The
templates in it are their own sources, compressed one by one, and parsed when a document needs
them. Phrases are stored as this version folds them, so another version refuses the file.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tabrecover._version import __version__
from tabrecover.catalog import Catalog, Entry
from tabrecover.errors import TemplateError
from tabrecover.index import Index
from tabrecover.storage import (
    Source,
    parse_owned,
    parse_source,
    template_sources,
    write_atomically,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from tabrecover.template import Template

    Bytes = npt.NDArray[np.uint8]

__all__ = ["SUFFIX", "Compiled", "compile_folders", "is_compiled", "load_compiled"]

SUFFIX = ".tabrecover"
FORMAT = 1
MAX_SOURCE = 50_000_000  # bytes of one template, unpacked
_ARRAYS = ("starts", "templates", "slots", "weights", "totals", "phrase_ends", "source_ends")
_BLOBS = ("head", "phrases", "sources")


class Compiled(NamedTuple):
    """What a compiled file holds: numbers of templates and of the phrases they are known by."""

    templates: int
    phrases: int


def compile_folders(folders: Iterable[Path], target: Path) -> Compiled:
    """Write the templates of folders as one file, whole or not at all.

    Raises `TemplateError` for a bad template or two of one id, `OSError` if nothing can be written.
    """
    sources = [source for folder in folders for source in template_sources(folder)]
    owners: dict[str, str] = {}
    catalog = Catalog.of([parse_owned(source, owners) for source in sources])
    index = catalog.index
    packed = [zlib.compress(json.dumps(source).encode()) for source in sources]
    phrases = [phrase.encode() for phrase in index.phrases]
    head = {
        "format": FORMAT,
        "version": __version__,
        "reach": index.reach,
        "entries": catalog.entries,
    }
    arrays = {
        "head": _bytes([json.dumps(head).encode()]),
        "phrases": _bytes(phrases),
        "phrase_ends": _ends(phrases),
        "sources": _bytes(packed),
        "source_ends": _ends(packed),
        **{name: getattr(index, name) for name in _ARRAYS[:5]},
    }
    with write_atomically(target, "wb") as stream:
        np.savez(stream, **arrays)
    return Compiled(len(sources), len(phrases))


def _bytes(parts: Sequence[bytes]) -> Bytes:
    return np.frombuffer(b"".join(parts), dtype=np.uint8)


def _ends(parts: Sequence[bytes]) -> npt.NDArray[np.int64]:
    return np.cumsum([len(part) for part in parts], dtype=np.int64)


def is_compiled(path: Path) -> bool:
    """Whether a file says of itself, by its name, that it is a compiled library."""
    return path.suffix == SUFFIX and path.is_file()


def load_compiled(path: Path) -> Catalog:
    """Open a compiled library; no template is parsed. Raises `TemplateError`."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_ARRAYS, *_BLOBS)}
        head = json.loads(arrays["head"].tobytes())
        version = head["version"] if head["format"] == FORMAT else "of another format"
        if version == __version__:
            return _catalog(arrays, head, path)
    except (
        OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError,
        MemoryError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise TemplateError(
            "is no compiled library, or a damaged one; compile it anew with "
            "`tabrecover templates compile`",
            file=str(path),
        ) from error
    raise TemplateError(
        f"was compiled by another version ({version}); compile it anew with "
        "`tabrecover templates compile`",
        file=str(path),
    )


def _catalog(arrays: dict[str, npt.NDArray[Any]], head: dict[str, Any], path: Path) -> Catalog:
    phrases = tuple(part.decode() for part in _parts(arrays["phrases"], arrays["phrase_ends"]))
    if any(arrays[name].dtype.kind not in "iu" for name in (*_ARRAYS[:3], *_ARRAYS[5:])):
        raise ValueError("places are whole numbers")
    columns = {name: arrays[name] for name in _ARRAYS[:5]}
    index = Index(phrases=phrases, reach=float(head["reach"]), **columns)
    entries = [Entry(str(name), tuple(map(str, context))) for name, context in head["entries"]]
    sources = _Sources(_parts(arrays["sources"], arrays["source_ends"]), path)
    _check(index, len(entries), len(sources))
    return Catalog(index, entries, sources)


def _check(index: Index, entries: int, sources: int) -> None:
    """Raise `ValueError` if numbers point beyond what is there."""
    places = len(index.templates)
    if not (
        len(index.starts) == len(index.phrases) + 1
        and index.starts[0] == 0
        and index.starts[-1] == places == len(index.slots) == len(index.weights)
        and (np.diff(index.starts) >= 0).all()
        and len(index.totals) == entries == sources
        and (not places or 0 <= index.templates.min() <= index.templates.max() < entries)
        and (not places or index.slots.min() >= 0)
    ):
        raise ValueError("arrays don't fit together")


def _parts(blob: Bytes, ends: npt.NDArray[np.int64]) -> list[bytes]:
    whole = blob.tobytes()
    if len(ends) and (ends[-1] != len(whole) or (np.diff(ends, prepend=0) < 0).any()):
        raise ValueError("ends of parts")
    bounds = [0, *ends.tolist()]
    return [whole[start:end] for start, end in pairwise(bounds)]


class _Sources:
    """The templates of a compiled file; each is parsed when it is asked for, every time."""

    def __init__(self, packed: Sequence[bytes], path: Path) -> None:
        self._packed = packed
        self._path = path

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, number: int) -> Template:
        unpacker = zlib.decompressobj()
        try:
            stored = json.loads(unpacker.decompress(self._packed[number], MAX_SOURCE))
            return parse_source(Source(*map(str, stored)))
        except (zlib.error, ValueError, TypeError, TemplateError) as error:
            raise TemplateError(
                f"is damaged ({error}); compile it anew", file=str(self._path)
            ) from error

    def __iter__(self) -> Iterator[Template]:
        return (self[number] for number in range(len(self)))
