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
    Library | Template | str | os.PathLike[str] | Iterable[Template | str | os.PathLike[str]]
)
MAX_CHARACTERS = 100_000_000


def recover(
    source: str | bytes | os.PathLike[str],
    *,
    templates: TemplateSource | None = None,
    kind: Literal["text", "html"] | None = None,
    encoding: str | None = None,
) -> Recovery:
    """Find and rebuild the flattened tables of one document.

    `source` is the document: text, bytes (decoded, or refused) or a path object of a file.
    `templates`: None or `"builtin"` for those that come along, `"none"`, a folder of templates,
    a `Template`, a `Library`, or a list of these. `kind` tells text from HTML where that should
    not be guessed; `encoding` likewise for bytes.

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

    >>> least_confidence(0.05) < least_confidence(0.01) <= 1
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


def library_of(templates: TemplateSource | None) -> Library:
    """The library that `templates` stands for; see `recover`."""
    if templates is None or templates == "builtin":
        return builtin_library()
    if isinstance(templates, Library):
        return templates
    parts = [templates] if isinstance(templates, (str, os.PathLike, Template)) else list(templates)
    if all(isinstance(part, str) for part in parts):
        return _named_library(tuple(dict.fromkeys(str(part) for part in parts)))
    return Library([template for part in parts for template in _templates(part)])


@lru_cache(maxsize=8)
def _named_library(names: tuple[str, ...]) -> Library:
    return Library([template for name in names for template in _templates(name)])


def _templates(part: Template | Library | str | os.PathLike[str]) -> Sequence[Template]:
    if isinstance(part, Template):
        return [part]
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
    return load_templates(Path(part))
