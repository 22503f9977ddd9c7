"""Layouts: tables to be filled, as data.

A layout is a template of the product (`NAME.html` and `NAME.toml`), whose value cells also say by
`class` how their values are drawn, and `NAME.words.toml` with the prose around the table and the
word lists of text cells. A row of class `repeat-4-18` stands for that many rows alike.
A *form* is a sequence of layouts drawn on one page, described by a words file of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lxml import html as lxml_html

from benchmarks.tables import Table, table_from_element
from tabrecover.storage import parse_template
from tabrecover.template import RuleInstance, Template

__all__ = ["CORPUS", "LAYOUTS", "Layout", "Words", "load_layout", "load_words"]

CORPUS = Path(__file__).parent.parent / "corpus"
LAYOUTS = CORPUS / "layouts"
BUILTIN = Path(__file__).parent.parent / "tabrecover" / "templates"

_REPEAT = re.compile(r"repeat-(\d+)-(\d+)$")
_DEFAULT_KIND = {"integer": "count", "decimal": "money", "text": "count"}


@dataclass(frozen=True, slots=True)
class Words:
    """The prose around a table, and lists of texts for its cells."""

    headings: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    lists: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """A table without its values.

    `draws[i]` are the words that say how cell `i` of `table` is drawn (empty for labels), `rules`
    its sums over indices of cells, `repeated` the row that stands for `repeats` rows alike.
    """

    id: str
    table: Table
    draws: tuple[tuple[str, ...], ...]
    rules: tuple[RuleInstance, ...]
    language: str
    repeated: int | None
    repeats: tuple[int, int]
    source: tuple[str, str]

    @cached_property
    def template(self) -> Template:
        """The layout as the product reads it."""
        return parse_template(*self.source, name=self.id)


def load_words(path: Path) -> Words:
    """Read a words file."""
    settings: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    headings, before, after = (tuple(settings.get(n, ())) for n in ("headings", "before", "after"))
    return Words(headings, before, after, settings.get("lists", {}))


def load_layout(path: Path) -> Layout:
    """Read a layout from its HTML file and the TOML beside it."""
    page = path.read_text(encoding="utf-8").replace(
        'class="repeat-', 'data-repeated class="repeat-'
    )
    settings = path.with_suffix(".toml").read_text(encoding="utf-8")
    element = next(lxml_html.document_fromstring(page).iter("table"))
    template = parse_template(page, settings, file=str(path))
    table = replace(table_from_element(element), template=template.id)
    nodes = [node for tr in element.iter("tr") for node in tr.iterchildren("td", "th")]
    draws = tuple(_draw_words(node, element) for node in nodes)
    repeated, repeats = _repeat(element)
    order = {(cell.row, cell.col): index for index, cell in enumerate(table.cells)}
    return Layout(
        template.id,
        table,
        draws,
        tuple(_rebound(instance, template, order) for instance in template.instances),
        template.language,
        repeated,
        repeats,
        (page, settings),
    )


def _draw_words(node: lxml_html.HtmlElement, table: lxml_html.HtmlElement) -> tuple[str, ...]:
    """The nearest `class` of cell, row or table; else what the value's type suggests."""
    if node.tag == "th":
        return ()
    row = node.getparent()
    around = [element for element in (node, row, table) if element is not None]
    kind = next((t for e in around if (t := e.get("data-type"))), "text")
    for element in around:
        words = [w for w in str(element.get("class", "")).split() if not _REPEAT.match(w)]
        if words:
            return tuple(words)
    return (_DEFAULT_KIND[kind],)


def _repeat(table: lxml_html.HtmlElement) -> tuple[int | None, tuple[int, int]]:
    for index, row in enumerate(table.iter("tr")):
        for word in str(row.get("class", "")).split():
            if found := _REPEAT.match(word):
                return index, (int(found[1]), int(found[2]))
    return None, (1, 1)


def _rebound(
    instance: RuleInstance, template: Template, order: Mapping[tuple[int, int], int]
) -> RuleInstance:
    """A rule over the template's cells as one over the table's cells."""

    def places(indices: Sequence[int]) -> tuple[int, ...]:
        cells = (template.cells[index] for index in indices)
        return tuple(order[cell.row, cell.col] for cell in cells)

    return RuleInstance(instance.name, places(instance.left), places(instance.right))
