"""The public functions: what is above handles text and templates, this opens doors to it.

A source is text, bytes or a path; templates are a library, templates, folders or a name. Nothing
else in the package guesses what it was given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tabrecover.catalog import AnyLibrary, Catalog
from tabrecover.compiled import is_compiled, load_compiled
from tabrecover.decode import decode_bytes
from tabrecover.errors import InputError, TemplateError, UsageError
from tabrecover.lex_html import looks_like_html, parse_html
from tabrecover.library import Library
from tabrecover.model import Document, Kind
from tabrecover.pipeline import recover_document
from tabrecover.storage import builtin_calibration, builtin_library, load_templates
from tabrecover.template import Template

if TYPE_CHECKING:
    from tabrecover.results import Recovery

__all__ = [
    "MAX_CHARACTERS",
    "TemplateSource",
    "least_confidence",
    "library_of",
    "read_document",
    "recover",
]

TemplateSource = (
    Library
    | Catalog
    | Template
    | str
    | os.PathLike[str]
    | Iterable[Template | Library | Catalog | str | os.PathLike[str]]
)
MAX_CHARACTERS = 100_000_000
MANY = 100  # templates; more are told apart by an index first, and compiled when needed


def recover(
    source: str | bytes | os.PathLike[str],
    *,
    templates: TemplateSource | None = None,
    kind: Literal["text", "html"] | None = None,
    encoding: str | None = None,
) -> Recovery:
    """Find and rebuild the flattened tables of one document.

    `source` is the document: text, bytes (decoded, or refused) or a path object of a file.
    `templates`: None or `"builtin"` for those that come along, `"none"`, a folder of templates or
    a compiled library, a `Template`, a `Library`, a `Catalog`, or a list of these. `kind` tells
    text from HTML where that should not be guessed; `encoding` likewise for bytes.

    Offsets in the result count characters of the decoded document, without a byte order mark
    and with its line ends as they are. A document without tables is a result, not an error.
    Raises `InputError` if bytes or a file can't be read as text, `TemplateError` for a bad
    template, `UsageError` for arguments that make no sense.

    >>> recover("no table here").tables
    ()
    """
    name = os.fspath(source) if isinstance(source, os.PathLike) else ""
    document = read_document(_load(source, encoding), kind)
    library = library_of(templates)
    return recover_document(document, library, str(name), calibration=builtin_calibration())


def least_confidence(max_error: float) -> float:
    """The confidence from which at most the share `max_error` of the values told is wrong.

    It was measured on the documents that the calibration was fitted on, with a bound of its own
    uncertainty; 1 where so small a rate could not be shown. Use it as `table.judged(least)`.
    Raises `UsageError` if `max_error` is no rate.

    >>> least_confidence(0.01) < least_confidence(0.001) <= 1
    True
    """
    return builtin_calibration().least_confidence(max_error)


def _load(source: str | bytes | os.PathLike[str], encoding: str | None) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_bytes(bytes(source), encoding)
    if isinstance(source, os.PathLike):
        try:
            return decode_bytes(Path(source).read_bytes(), encoding)
        except OSError as error:
            raise InputError(f"{os.fspath(source)}: can't be read: {error.strerror}") from error
    raise UsageError(f"source must be text, bytes or a path object, not {type(source).__name__}")


def read_document(text: str, kind: Kind | None = None) -> Document:
    """The text as a document: HTML parsed, text as it is; `kind` None decides by itself."""
    if kind not in (None, "text", "html"):
        raise UsageError(f"kind must be 'text', 'html' or None, not {kind!r}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"longer than {MAX_CHARACTERS} characters; split the document")
    if kind == "html" or (kind is None and looks_like_html(text)):
        return parse_html(text)
    return Document(text, "text", text)


def library_of(templates: TemplateSource | None) -> AnyLibrary:
    """The library that `templates` stands for; see `recover`."""
    if templates is None or templates == "builtin":
        return builtin_library()
    if isinstance(templates, (Library, Catalog)):
        return templates
    parts = [templates] if isinstance(templates, (str, os.PathLike, Template)) else list(templates)
    if all(isinstance(part, str) for part in parts):
        names = tuple(dict.fromkeys(str(part) for part in parts))
        return _named_library(names, tuple(map(_stamp, names)))
    return _gathered(parts)


def _stamp(name: str) -> tuple[str, int, int] | None:
    """What changes when a compiled library is written anew."""
    path = Path(name)
    if not is_compiled(path):
        return None
    state = path.stat()
    return str(path.resolve()), state.st_mtime_ns, state.st_size


@lru_cache(maxsize=8)
def _named_library(
    names: tuple[str, ...],
    stamps: tuple[object, ...],  # noqa: ARG001 - of the cache
) -> AnyLibrary:
    return _gathered(names)


def _gathered(
    parts: Iterable[Template | Library | Catalog | str | os.PathLike[str]],
) -> AnyLibrary:
    """Few templates as a library, many, or compiled ones, as a catalog."""
    opened = [_templates(part) for part in parts]
    catalogs = [part for part in opened if isinstance(part, Catalog)]
    templates = [t for part in opened if not isinstance(part, Catalog) for t in part]
    if not catalogs and len(templates) <= MANY:
        return Library(templates)
    catalogs += [Catalog.of(templates)] if templates else []
    return catalogs[0] if len(catalogs) == 1 else Catalog.joined(catalogs)


def _templates(
    part: Template | Library | Catalog | str | os.PathLike[str],
) -> Sequence[Template] | Catalog:
    if isinstance(part, (Template, Catalog)):
        return [part] if isinstance(part, Template) else part
    if isinstance(part, Library):
        return part.templates
    if part == "builtin":
        return builtin_library().templates
    if part == "none":
        return []
    if not isinstance(part, (str, os.PathLike)):
        raise UsageError(f"templates can't be given as {type(part).__name__}")
    if not Path(part).exists():
        raise TemplateError(
            "no such folder; give a folder of templates, 'builtin' or 'none'", file=os.fspath(part)
        )
    if is_compiled(Path(part)):
        return load_compiled(Path(part))
    return load_templates(Path(part))
