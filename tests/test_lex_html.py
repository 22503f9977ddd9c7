"""HTML to plain text: structure stays legible, and every character leads back to the page."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.lex import lex
from tabrecover.lex_html import looks_like_html, parse_html
from tabrecover.model import HtmlCell

words = st.text(st.sampled_from("ab1中é&<>\"' "), min_size=1).map(lambda t: f"x{t}x")
tables = st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=4)
TAGS = (
    "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th colspan=2>", "</th>", "<p>",
    "</p>", "<br>", "<td rowspan='3' title='a>b'>", "<script>", "</script>", "<!--", "-->", "<!x>",
    "&amp;", "&#x4e00;", "&nbsp;", "&", "<", ">", '"', "'", "<td", "a", "中 ", "\n", "\x1f", "</",
)  # fmt: skip
soup = st.lists(st.one_of(st.sampled_from(TAGS), st.text(max_size=3))).map("".join)


def written(rows: list[list[str]], end_tags: bool) -> str:
    cell_end, row_end = ("</td>", "</tr>") if end_tags else ("", "")
    lines = ("".join(f"<td>{escape(text)}{cell_end}" for text in row) + row_end for row in rows)
    return "<table>" + "".join(f"<tr>{line}" for line in lines) + "</table>"


def kinds(page: str) -> str:
    return "".join(token.kind for token in lex(parse_html(page).text))


@given(tables)
def test_cells_rows_and_tables_end_with_their_separators(rows: list[list[str]]) -> None:
    """A written table is its texts, US behind each, RS behind each row, GS around."""
    expected = "".join("".join(f"{text}\x1f" for text in row) + "\x1e" for row in rows)
    assert parse_html(written(rows, end_tags=True)).text.strip("\x1d") == expected


@given(tables)
def test_end_tags_may_be_missing(rows: list[list[str]]) -> None:
    """Cells and rows that nothing closes read as closed ones do."""
    closed, unclosed = (parse_html(written(rows, tags)) for tags in (True, False))
    assert unclosed.text == closed.text
    assert unclosed.cells == closed.cells


@given(tables)
def test_raw_spans_give_back_the_text(rows: list[list[str]]) -> None:
    """The input behind a cell's text is that text as it was escaped, in one span."""
    page = written(rows, end_tags=True)
    document = parse_html(page)
    texts = [text for row in rows for text in row]
    start = 0
    for text in texts:
        start = document.text.index(text, start)
        (span,) = document.raw_spans(start, start + len(text))
        assert page[span.start : span.end] == escape(text)
        start += len(text)


@given(soup)
def test_tag_soup_never_crashes(page: str) -> None:
    """Whatever the page, offsets are in range and ascend, and cells end at cell ends."""
    document = parse_html(page)
    assert document.starts is not None
    assert document.ends is not None
    assert len(document.text) == len(document.starts) == len(document.ends)
    starts, ends = document.starts.tolist(), document.ends.tolist()
    assert starts == sorted(starts)
    assert all(0 <= s <= e <= len(page) for s, e in zip(starts, ends, strict=True))
    assert [cell.end for cell in document.cells] == [
        i for i, char in enumerate(document.text) if char == "\x1f"
    ]


@given(st.text(st.characters(exclude_characters="<&\n\r\t\f\v\x1d\x1e\x1f")))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    """A page without tags and entities is its own text, character for character."""
    document = parse_html(text)
    assert document.text == text + "\x1d"
    assert document.raw_spans(0, len(text)) == (((0, len(text)),) if text else ())


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a&amp;b&#x4e00;&#19968;", "a&b一一"),
        ("&amp;lt;", "&lt;"),
        ("&bogus; &", "&bogus; &"),
        ("a<b>b</b>c", "abc"),
        ("1 < 2", "1 < 2"),
        ("a<script>'<td>'</script>b<style>p{}</style>c<!-- <td>d -->e<!doctype html>f", "abcef"),
        ("a<script>never closed", "a"),
        ("<head><title>t</title></head>a", "a"),
        ("<td title='a>b'>c", "c\x1f\x1e"),
        ("<td>a\n b\tc", "a  b c\x1f\x1e"),
        ("a\x1fb\x1ec\x1d", "a b c "),
        ("<div>a</div><div></div><div>b</div>", "a\n\nb\n"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_reads_as_by_hand(page: str, text: str) -> None:
    """Entities resolve once, hidden parts vanish, and the input can't forge separators."""
    assert parse_html(page).text == text + "\x1d"


def test_an_entity_is_one_character_with_its_whole_source() -> None:
    """The span of a resolved entity covers the entity."""
    page = "a&nbsp;b"
    assert parse_html(page).raw_spans(1, 2) == ((1, 7),)
    assert parse_html(page).raw_span(0, 3) == (0, 8)


def test_spans_of_a_cell_with_markup_inside_skip_the_markup() -> None:
    """A text that tags interrupt leads back to several spans."""
    document = parse_html("<td>12<b>34</b></td>")
    assert document.text.startswith("1234")
    assert document.raw_spans(0, 4) == ((4, 6), (9, 11))


def test_declared_spans_are_kept_and_limited() -> None:
    """`rowspan` and `colspan` are read as HTML does: at least 1, at most 1000."""
    page = '<TH ROWSPAN=2 colspan="3">a<td colspan=0>b<td rowspan="99999">c'
    assert parse_html(page).cells == (
        HtmlCell(1, 2, 3, True), HtmlCell(3, 1, 1, False), HtmlCell(5, 1000, 1, False)
    )  # fmt: skip


@pytest.mark.parametrize("attribute", ["data-colspan=5", "title='colspan=5'"])
def test_only_the_attribute_itself_is_a_span(attribute: str) -> None:
    """A longer attribute name, or a value that talks of colspan, spans nothing."""
    # A bug once: `_SPAN` searches for `\bcolspan\s*=` anywhere in the tag.
    assert parse_html(f"<td {attribute}>a").cells == (HtmlCell(1, 1, 1, False),)


def test_a_nested_table_keeps_its_cells_apart() -> None:
    """The inner table's cells end; the cell around it is layout and ends a line."""
    page = "<table><tr><td>o<table><tr><td>i</table>p</td><td>q</table>"
    assert kinds(page) == "xtxtcrxtetcrxx"


@pytest.mark.parametrize("opener", ["<table>", "<table><tr><td>", "<td>", "<p>", "<!--", "<", "&"])
def test_a_hundred_thousand_openers_do_not_crash(opener: str) -> None:
    """Depth and repetition are data, not recursion."""
    page = opener * 100_000 + "x"
    assert len(parse_html(page).text) <= len(page) + 3 * page.count("<table>") + 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<TABLE border=1>", True), ("a<td>b", True), ("a | b", False), ("if a<b and c>d", False),
     ("<p>a</p><p>b</p><p>c</p>", True), ("", False)],
)  # fmt: skip
def test_html_is_told_from_text(text: str, expected: bool) -> None:
    """Table tags or several closing tags make HTML; single angle brackets don't."""
    assert looks_like_html(text) is expected
