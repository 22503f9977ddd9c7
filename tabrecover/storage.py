"""Reads templates from disk and results to disk: the only module that opens files for the core.

A template is `NAME.html` (one intact table) with `NAME.toml` beside it; a folder is searched at
every depth. HTML is parsed by lxml, which resolves no entities and fetches nothing.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import resources
from itertools import groupby, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple, overload

from lxml import etree
from lxml import html as lxml_html

from tabrecover.calibration import Calibration
from tabrecover.errors import TemplateError
from tabrecover.fold import fold_text
from tabrecover.library import Library
from tabrecover.template import (
    MAX_CELLS,
    VALUE_TYPES,
    DrawnCell,
    Repeated,
    Rule,
    ValueType,
    compile_template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tabrecover.template import Template

__all__ = [
    "Source",
    "builtin_calibration",
    "builtin_library",
    "check_folder",
    "load_templates",
    "parse_owned",
    "parse_source",
    "parse_template",
    "template_sources",
    "write_atomically",
]

_TOP_KEYS = {"id", "title", "edition", "language", "context", "aliases", "rules"}
_DATA_ATTRIBUTES = ("data-key", "data-type", "data-choices", "data-optional", "data-repeated")
_SPACE = re.compile(r"\s+")
_BOUNDS = re.compile(r"(?:(?P<least>\d{1,6})-(?P<most>\d{1,6})?)?")
MAX_TEMPLATE_BYTES = 8_000_000


class Source(NamedTuple):
    """A template as it was written: its HTML and TOML, their file, and its name without an id."""

    page: str
    settings: str
    file: str
    name: str


def parse_template(
    table_html: str, settings: str = "", *, file: str = "", name: str = ""
) -> Template:
    """Compile one template from its two texts.

    `file` is used in messages, `name` is the id if the TOML gives none. Raises `TemplateError`.
    """
    options = _settings(settings, file)
    table = _the_table(table_html, file)
    if table.get("data-repeated") is not None:
        raise TemplateError("data-repeated belongs on a row: <tr data-repeated>", file=file)
    _check_attributes(table, file, "the table")
    for element in table.iter("col", "colgroup", "tbody", "thead", "tfoot", "caption"):
        if any(name in _DATA_ATTRIBUTES for name in element.attrib):
            raise TemplateError(
                f"data- attributes belong on cells, rows or the table, not on <{element.tag}>",
                file=file,
            )
    own_rows = _own_rows(table)
    rows = [_row(tr, table, i, file) for i, tr in enumerate(own_rows)]
    return compile_template(
        rows,
        id=options.get("id") or table.get("id") or name or "template",
        title=options.get("title", ""),
        edition=options.get("edition", ""),
        language=options.get("language", ""),
        aliases=options.get("aliases", {}),
        rules=[_rule(entry, file) for entry in options.get("rules", [])],
        context=options.get("context", []),
        repeated=_repeated(own_rows, file),
        file=file,
        settings_file=_toml_name(file),
    )


def _toml_name(file: str) -> str:
    return str(Path(file).with_suffix(".toml")) if file else ""


def _settings(text: str, file: str) -> dict[str, Any]:
    toml_file = _toml_name(file)
    try:
        options = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"not valid TOML: {error}", file=toml_file) from error
    unknown = set(options) - _TOP_KEYS
    if unknown:
        raise TemplateError(
            f"unknown setting {min(unknown)!r}; known are {', '.join(sorted(_TOP_KEYS))}",
            file=toml_file,
        )
    for key in ("id", "title", "edition", "language"):
        if not isinstance(options.get(key, ""), str):
            raise TemplateError(f"{key} must be a text", file=toml_file)
    if not _is_texts(options.get("context", [])):
        raise TemplateError("context must be a list of texts", file=toml_file)
    aliases = options.get("aliases", {})
    if not isinstance(aliases, dict) or not all(_is_texts(v) for v in aliases.values()):
        raise TemplateError("aliases must map a label to a list of texts", file=toml_file)
    rules = options.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise TemplateError("rules must be tables: [[rules]] with id, left, right", file=toml_file)
    return options


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _rule(entry: dict[str, Any], file: str) -> Rule:
    name, left, right = entry.get("id"), entry.get("left"), entry.get("right")
    if (
        not isinstance(name, str) or not _is_texts(left) or not _is_texts(right)
        or set(entry) != {"id", "left", "right"}
    ):  # fmt: skip
        raise TemplateError(
            'a rule has exactly id = "…", left = [keys], right = [keys]',
            file=_toml_name(file),
            node=f"rule {name!r}" if name is not None else "a rule without id",
        )
    return Rule(name, tuple(left), tuple(right))  # type: ignore[arg-type]


def _the_table(text: str, file: str) -> lxml_html.HtmlElement:
    if len(text) > MAX_TEMPLATE_BYTES:
        raise TemplateError(f"larger than {MAX_TEMPLATE_BYTES} characters", file=file)
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        root = lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise TemplateError("no HTML table found; draw one <table>", file=file) from error
    tables = [t for t in root.iter("table") if not any(True for _ in t.iterancestors("table"))]
    if len(tables) != 1:
        raise TemplateError(
            f"{len(tables)} tables found; a template file draws exactly one <table>", file=file
        )
    if any(True for _ in tables[0].iterdescendants("table")):
        raise TemplateError("a table inside the table; draw a flat one", file=file)
    return tables[0]


def _own_rows(table: lxml_html.HtmlElement) -> list[lxml_html.HtmlElement]:
    return list(table.iter("tr"))


def _row(
    tr: lxml_html.HtmlElement, table: lxml_html.HtmlElement, index: int, file: str
) -> tuple[str | None, list[DrawnCell]]:
    _check_attributes(tr, file, f"row {index + 1}")
    drawn = [
        _drawn(element, tr, table, file, f"row {index + 1}, cell {number}")
        for number, element in enumerate(tr.iterchildren("td", "th"), start=1)
    ]
    return tr.get("data-key"), drawn


def _repeated(rows: Sequence[lxml_html.HtmlElement], file: str) -> list[Repeated]:
    """The groups of neighbouring rows marked with `data-repeated`."""
    runs = groupby(range(len(rows)), lambda index: rows[index].get("data-repeated") is not None)
    groups = [_group(rows, list(marked), file) for is_marked, marked in runs if is_marked]
    for group, other in pairwise(groups):
        between = (th for tr in rows[group.stop : other.first] for th in tr.iterchildren("th"))
        if not any(str(th.text_content()).strip() for th in between):
            raise TemplateError(
                "between two groups of repeated rows stands a row with a label; draw it, or mark "
                "the rows between them as repeated too",
                file=file,
                node=f"row {other.first + 1}",
            )
    return groups


def _group(rows: Sequence[lxml_html.HtmlElement], marked: Sequence[int], file: str) -> Repeated:
    """Neighbouring rows that are repeated together, with the bounds that the first states."""
    first, last = marked[0], marked[-1]
    for index in marked:
        if rows[index].get("data-optional") is not None or not rows[index].findall("td"):
            raise TemplateError(
                "a repeated row has values (<td>) and is not optional; say how often it may stand",
                file=file,
                node=f"row {index + 1}",
            )
    bounds = _BOUNDS.fullmatch(rows[first].get("data-repeated", "").strip())
    least = int(bounds["least"] or 1) if bounds else 0
    most = int(bounds["most"] or MAX_CELLS) if bounds else 0
    if not 1 <= least <= most:
        raise TemplateError(
            "data-repeated is empty, or says how often: 2-40, or 2- for twice or more",
            file=file,
            node=f"row {first + 1}",
        )
    return Repeated(first, last + 1, least, most)


def _check_attributes(element: lxml_html.HtmlElement, file: str, node: str) -> None:
    for name in element.attrib:
        if str(name).startswith("data-") and name not in _DATA_ATTRIBUTES:
            raise TemplateError(
                f"unknown attribute {name!r}; known are {', '.join(_DATA_ATTRIBUTES)}",
                file=file,
                node=node,
            )


def _drawn(
    element: lxml_html.HtmlElement,
    tr: lxml_html.HtmlElement,
    table: lxml_html.HtmlElement,
    file: str,
    node: str,
) -> DrawnCell:
    _check_attributes(element, file, node)
    if element.get("data-repeated") is not None:
        raise TemplateError(
            "data-repeated belongs on the row: <tr data-repeated>", file=file, node=node
        )
    is_label = element.tag == "th"
    kind, choices = ("text", ()) if is_label else _type(element, tr, table, file=file, node=node)
    text = _SPACE.sub(" ", str(element.text_content())).strip()
    return DrawnCell(
        role="label" if is_label else "value",
        text=text if is_label else "",
        rowspan=_span(element, "rowspan", file, node),
        colspan=_span(element, "colspan", file, node),
        key=element.get("data-key"),
        type=kind,
        optional=any(e.get("data-optional") is not None for e in (element, tr)),
        choices=choices,
    )


def _type(
    *around: lxml_html.HtmlElement, file: str, node: str
) -> tuple[ValueType, tuple[str, ...]]:
    """The type that a cell, its row or its table states, the first that does, and its choices."""
    stating = (e for e in around if not {"data-type", "data-choices"}.isdisjoint(e.keys()))
    element = next(stating, None)
    stated = element.get("data-choices") if element is not None else None
    kind = (element.get("data-type") if element is not None else None) or (
        "text" if stated is None else "choice"
    )
    if kind not in VALUE_TYPES:
        raise TemplateError(
            f"data-type {kind!r} is unknown; use one of {', '.join(VALUE_TYPES)}",
            file=file,
            node=node,
        )
    texts = [text for part in (stated or "").split("|") if (text := part.strip())]
    choices = tuple({fold_text(text): text for text in reversed(texts)}.values())[::-1]
    if kind != "choice" and stated is not None:
        raise TemplateError(
            f"data-choices belong to data-type choice, not {kind}", file=file, node=node
        )
    if kind == "choice" and (len(choices) < 2 or not all(map(fold_text, choices))):
        raise TemplateError(
            "a choice names its texts, two or more that differ in letters or digits: "
            'data-choices="open | closed"',
            file=file,
            node=node,
        )
    return kind, choices


def _span(element: lxml_html.HtmlElement, name: str, file: str, node: str) -> int:
    value = element.get(name, "1").strip()
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise TemplateError(
            f"{name}={value!r}: a span is a whole number from 1 to 1000", file=file, node=node
        )
    return int(value)


def load_templates(folder: Path | str) -> list[Template]:
    """Load every `*.html` below `folder` (or one such file), in the order of their paths.

    Raises `TemplateError` for a bad template, a missing folder, a folder without templates, or
    an id that two files share.
    """
    templates: list[Template] = []
    for _, result in check_folder(folder):
        if isinstance(result, TemplateError):
            raise result
        templates.append(result)
    return templates


def _files(folder: Path | str) -> list[Path]:
    root = Path(folder)
    if not root.exists():
        raise TemplateError(
            "no such file or folder; give a folder of templates, or a template's .html file",
            file=str(folder),
        )
    files = sorted(root.rglob("*.html")) if root.is_dir() else [root]
    if root.is_file() and root.suffix.lower() not in (".html", ".htm"):
        raise TemplateError(
            "give a folder, a template's .html file, or a compiled library (*.tabrecover)",
            file=str(folder),
        )
    if not files:
        raise TemplateError("no *.html templates in this folder", file=str(folder))
    return files


def template_sources(folder: Path | str) -> Iterator[Source]:
    """The texts of all templates below `folder`, in the order of their paths.

    Raises `TemplateError` if there are none, or one can't be read.
    """
    for path in _files(folder):
        yield _source(path, Path(folder))


def check_folder(folder: Path | str) -> Iterator[tuple[str, Template | TemplateError]]:
    """Load like `load_templates`, but yield errors with their files, and go on."""
    try:
        files = _files(folder)
    except TemplateError as error:
        yield str(folder), error
        return
    owners: dict[str, str] = {}
    for path in files:
        try:
            yield str(path), parse_owned(_source(path, Path(folder)), owners)
        except TemplateError as error:
            yield str(path), error


def _source(path: Path, root: Path) -> Source:
    toml = path.with_suffix(".toml")
    name = path.relative_to(root).with_suffix("").as_posix() if path != root else path.stem
    settings = _read_text(toml) if toml.exists() else ""
    return Source(_read_text(path), settings, str(path), name)


def parse_source(source: Source) -> Template:
    """Compile a template from its source. Raises `TemplateError`."""
    return parse_template(source.page, source.settings, file=source.file, name=source.name)


def parse_owned(source: Source, owners: dict[str, str]) -> Template:
    """Compile one of several templates, and enter its file as the owner of its id.

    Raises `TemplateError`, also if the id has an owner.
    """
    template = parse_source(source)
    if template.id in owners:
        raise TemplateError(
            f"id {template.id!r} is taken by {owners[template.id]}; ids must differ",
            file=source.file,
        )
    owners[template.id] = source.file
    return template


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise TemplateError("is no regular file", file=str(path))
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(
            f"not UTF-8 (byte {error.start}); save it as UTF-8", file=str(path)
        ) from error
    except OSError as error:
        raise TemplateError(f"can't be read: {error.strerror}", file=str(path)) from error


@cache
def builtin_library() -> Library:
    """The templates that come along, compiled once per process."""
    with resources.as_file(resources.files("tabrecover") / "templates") as folder:
        return Library(load_templates(folder))


@cache
def builtin_calibration() -> Calibration:
    """The calibration that comes along, read once per process."""
    stored = (resources.files("tabrecover") / "calibration.toml").read_text(encoding="utf-8")
    return Calibration.parse(tomllib.loads(stored))


@overload
def write_atomically(path: Path, mode: Literal["w"] = "w") -> AbstractContextManager[IO[str]]: ...
@overload
def write_atomically(path: Path, mode: Literal["wb"]) -> AbstractContextManager[IO[bytes]]: ...
@contextmanager
def write_atomically(path: Path, mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """Open a file, for text or bytes, that appears under its name only when written to the end.

    Raises `OSError` as the system gives it; whatever stood at `path` before is kept then.
    """
    options: dict[str, Any] = {} if mode == "wb" else {"encoding": "utf-8", "newline": ""}
    target = path.resolve() if path.is_symlink() else path
    if target.exists() and not target.is_file():  # a pipe or device: nothing to keep, so write on
        with open(target, mode, **options) as stream:
            yield stream
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, mode, **options) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        rights = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
        os.chmod(name, rights)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
