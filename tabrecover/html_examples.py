"""The tables of an HTML page as examples.

Cells that HTML marks as headers are labels; so are bold ones, unless all are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lxml import etree
from lxml import html as lxml_html

from tabrecover.examples import MAX_POSITIONS, Example, GivenCell, clean_text, place_cells
from tabrecover.lex_html import MAX_SPAN

__all__ = ["html_examples"]

_DIGITS = re.compile(r"\s*\+?(\d{1,6})", re.ASCII)
_BLOCKS = ("br", "p", "div", "li", "tr", "td", "th")
_BOLD = ("b", "strong")
_GROUPS = ("thead", "tbody", "tfoot")


def html_examples(page: str, file: str = "") -> list[Example]:
    """The tables of a page in their order, without those that only hold other tables.

    Raises `InputError` for a table with too many positions; a page without tables gives none.
    """
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        root = lxml_html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    etree.strip_elements(root, "script", "style", "template", with_tail=False)
    for element in root.iter(*_BLOCKS):
        element.tail = f" {element.tail or ''}"
    inner = (t for t in root.iter("table") if next(t.iterdescendants("table"), None) is None)
    return [
        _html_example(table, f"{file}: table {n}" if file else f"table {n}", file)
        for n, table in enumerate(inner, start=1)
    ]


def _html_example(table: lxml_html.HtmlElement, place: str, file: str) -> Example:
    rows = list(table.iter("tr"))
    numbers: dict[lxml_html.HtmlElement | None, int] = {}
    groups = [numbers.setdefault(_group(tr), len(numbers)) for tr in rows]
    caption = next(table.iter("caption"), None)
    given = [[_given(node, tr) for node in tr.iterchildren("td", "th")] for tr in rows]
    return place_cells(
        list(_without_useless_marks(given)),
        groups=groups,
        place=place,
        file=file,
        id=table.get("id", ""),
        caption="" if caption is None else str(caption.text_content()),
    )


def _group(tr: lxml_html.HtmlElement) -> lxml_html.HtmlElement | None:
    parent = tr.getparent()
    return parent if parent is not None and parent.tag in _GROUPS else None


def _given(node: lxml_html.HtmlElement, tr: lxml_html.HtmlElement) -> GivenCell:
    group = _group(tr)
    text = str(node.text_content())
    header = node.tag == "th" or (group is not None and group.tag == "thead")
    return GivenCell(
        text,
        rowspan=_span(node, "rowspan") or MAX_POSITIONS,  # 0: down to the end of the row group
        colspan=max(_span(node, "colspan"), 1),
        label=header or _is_bold(node, text),
    )


def _is_bold(node: lxml_html.HtmlElement, text: str) -> bool:
    """Whether all of a cell's text is bold, and there are words in it."""
    if not any(char.isalpha() for char in text):
        return False
    bold = (b for b in node.iter(*_BOLD) if next(b.iterancestors(*_BOLD), None) is None)
    return clean_text("".join(str(b.text_content()) for b in bold)) == clean_text(text)


def _without_useless_marks(rows: Iterable[Sequence[GivenCell]]) -> Iterator[Sequence[GivenCell]]:
    """Marks on every cell tell nothing: such a page is bold, or all `th`."""
    kept = list(rows)
    useless = all(cell.label for row in kept for cell in row)
    for row in kept:
        yield [cell._replace(label=False) for cell in row] if useless else row


def _span(node: lxml_html.HtmlElement, name: str) -> int:
    digits = _DIGITS.match(str(node.get(name, "1")))
    return min(int(digits[1]), MAX_SPAN) if digits else 1
