"""Renderings read back by other programs: the same texts, and nothing that comes alive."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tabrecover.model import Alternative, Cell, Check, Role, Span
from tabrecover.render import (
    TIDY_COLUMNS,
    cell_record,
    check_record,
    spreadsheet_safe,
    to_csv,
    to_html,
    to_markdown,
    to_tidy,
)

nasty = st.text(st.sampled_from("ab1 =+-@|,;\"'<>&\\`*_[]()!#\n\t中")).map(str.strip)
SCRIPT = '"><script>alert(1)</script>'


def cell(
    row: int, col: int, text: str, role: Role = "value", confidence: float = 1.0, rows: int = 1,
    cols: int = 1, **more: object,
) -> Cell:  # fmt: skip
    key = f"r{row}.c{col}" if role == "value" else None
    return Cell(row, col, rows, cols, role, text, None, key, confidence, (), **more)  # type: ignore[arg-type]


SPANNED = (
    cell(0, 0, "项目", "label", rows=2),
    cell(0, 1, "金额", "label", cols=2),
    cell(1, 1, "本年", "label"),
    cell(1, 2, "上年", "label"),
    cell(2, 0, "收入", "label"),
    cell(2, 1, "1,234"),
    cell(2, 2, "0", confidence=0.5, alternatives=(Alternative("", 0.3), Alternative("<7>", 0.2))),
)


class Reader(HTMLParser):
    """Rows of (tag, attributes, text), and every other tag that turned up."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[tuple[str, dict[str, str | None], str]]] = []
        self.others: list[str] = []
        self.in_cell = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a row or a cell; note what is neither."""
        self.in_cell = tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])
        elif self.in_cell:
            self.rows[-1].append((tag, dict(attrs), ""))
        elif tag != "table":
            self.others.append(tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class names it
        """Close the cell."""
        self.in_cell = False

    def handle_data(self, data: str) -> None:
        """Add to the open cell's text."""
        if self.in_cell:
            tag, attributes, text = self.rows[-1][-1]
            self.rows[-1][-1] = (tag, attributes, text + data)


def markdown_rows(text: str) -> list[list[str]]:
    """Cells as a Markdown parser reads them, if nothing in them is more than text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    inlines = [token.children or [] for token in parser.parse(text) if token.type == "inline"]
    assert all(t.type in ("text", "text_special") for inline in inlines for t in inline)
    texts = ["".join(token.content for token in inline) for inline in inlines]
    width = text.split("\n")[1].count("---")
    return [texts[i : i + width] for i in range(0, len(texts), width)]


@given(st.lists(nasty, min_size=4, max_size=4))
def test_csv_is_read_back_by_the_standard_library(texts: list[str]) -> None:
    """Every text comes back from its place, but for the apostrophe before formulas."""
    page = to_csv([cell(i // 2, i % 2, text) for i, text in enumerate(texts)], (2, 2), least=0.9)
    found = [text for row in csv.reader(io.StringIO(page, newline="")) for text in row]
    assert found == [spreadsheet_safe(text) for text in texts]
    assert [text.removeprefix("'") for text in found] == [text.removeprefix("'") for text in texts]


def test_csv_quotes_carriage_returns() -> None:
    """A text with a carriage return stays one field of one row."""
    # A bug once: before Python 3.13 `csv.writer` leaves "\r" unquoted unless it ends lines.
    page = to_csv([cell(0, 0, "a\rb")], (1, 1), least=0.9)
    assert list(csv.reader(io.StringIO(page, newline=""))) == [["a\rb"]]


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", ' =cmd|"/c calc"!A1', "-1+2", "=1 ?"]
)
def test_formulas_are_disarmed(text: str) -> None:
    """Text that a spreadsheet would run gets an apostrophe, wherever it came from."""
    assert spreadsheet_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-766", "+3", "-1,234.5", "-3%", "a=b", "", "1-2", "（-）"])
def test_numbers_and_harmless_texts_stay_as_they_are(text: str) -> None:
    """Negative numbers stay numbers; signs inside a text start no formula."""
    assert spreadsheet_safe(text) == text


def test_csv_shows_a_text_at_its_origin_and_doubt_as_a_question_mark() -> None:
    """Covered positions are empty, and a doubtful value is marked."""
    expected = '项目,金额,\n,本年,上年\n收入,"1,234",0 ?\n'
    assert to_csv(SPANNED, (3, 3), least=0.9) == expected
    assert to_csv(SPANNED, (3, 3), least=0.5) == expected.replace(" ?", "")


def test_a_doubtful_blank_is_marked_and_a_label_never() -> None:
    """Doubt shows on every doubtful value, even without a text, and on values only."""
    doubtful = [cell(0, 0, "a", "label", 0.1), cell(0, 1, "", confidence=0.1)]
    assert to_csv(doubtful, (1, 2), least=0.9) == "a,?\n"


@given(st.lists(nasty, min_size=4, max_size=4))
def test_markdown_is_read_back_by_a_markdown_parser(texts: list[str]) -> None:
    """Cells hold their texts with white space joined, and nothing but text."""
    page = to_markdown([cell(i // 2, i % 2, t) for i, t in enumerate(texts)], (2, 2), least=0.9)
    plain = [" ".join(text.split()) for text in texts]
    assert markdown_rows(page) == [plain[:2], plain[2:]]


def test_markdown_does_not_strike_a_text_through() -> None:
    """Tildes are text, though GitHub's Markdown strikes out what stands between them."""
    # A bug once: `_markdown_text` leaves "~" unescaped.
    assert markdown_rows(to_markdown([cell(0, 0, "~~5~~")], (1, 1), least=0.9)) == [["~~5~~"]]


def test_markdown_of_a_spanned_table() -> None:
    """The table as a reader of the source sees it."""
    assert to_markdown(SPANNED, (3, 3), least=0.9).split("\n") == [
        "| 项目 | 金额 |  |", "| --- | --- | --- |", "|  | 本年 | 上年 |", "| 收入 | 1,234 | 0 ? |",
        "",
    ]  # fmt: skip


@given(nasty, nasty)
def test_html_is_read_back_by_the_standard_library(one: str, other: str) -> None:
    """Texts and keys come back, and no text becomes a tag or an attribute."""
    page = to_html([cell(0, 0, one, "label"), cell(0, 1, other)], (1, 2), template=one, least=0.9)
    reader = Reader(page)
    assert reader.others == []
    assert [(tag, text) for tag, _, text in reader.rows[0]] == [
        ("th", one), ("td", other)
    ]  # fmt: skip
    assert set(reader.rows[0][1][1]) - {"class"} == {"data-key", "data-confidence"}
    assert reader.rows[0][1][1].get("class", "text") == "text"


def test_html_keeps_spans_and_marks_doubt() -> None:
    """Spans are drawn as attributes; a doubtful value has a class and its alternatives."""
    rows = Reader(to_html(SPANNED, (3, 3), template=None, least=0.9)).rows
    assert [len(row) for row in rows] == [2, 2, 3]
    assert (rows[0][0][1], rows[0][1][1]) == ({"rowspan": "2"}, {"colspan": "2"})
    assert "class" not in rows[2][1][1]
    doubtful = rows[2][2][1]
    assert (doubtful["class"], doubtful["data-confidence"]) == ("doubt", "0.500")
    assert doubtful["title"] == "confidence 50%; or blank (30%), <7> (20%)"


def test_scripts_in_any_field_stay_text() -> None:
    """Cell text, key, template name and alternatives can't break out of the markup."""
    evil = Cell(
        0, 0, 1, 1, "value", SCRIPT, SCRIPT, SCRIPT, 0.1, (), (Alternative(SCRIPT, 0.9),), SCRIPT
    )
    page = to_html([evil], (1, 1), template=SCRIPT, least=0.9)
    reader = Reader(page)
    assert reader.others == []
    assert reader.rows[0][0][2] == SCRIPT
    assert reader.rows[0][0][1]["data-key"] == SCRIPT
    assert "<script" not in page


def test_tidy_rows_bind_a_value_to_its_labels() -> None:
    """One row a value, with the labels to its left and above it, outermost first."""
    first, second = to_tidy(SPANNED, "t")
    assert tuple(first) == TIDY_COLUMNS
    assert (first["row_path"], first["column_path"]) == ("收入", "金额 > 本年")
    assert (second["row_path"], second["column_path"]) == ("收入", "金额 > 上年")
    assert (first["text"], first["number"], first["key"]) == ("1,234", 1234, "r2.c1")
    assert (second["confidence"], second["start"], second["end"]) == (0.5, None, None)


@pytest.mark.parametrize(("text", "number"), [("", None), ("/", None), ("3.5", 3.5), ("０", 0)])
def test_tidy_numbers_are_what_the_text_states(text: str, number: float | None) -> None:
    """Blank, mark and zero stay apart; spans give the outer offsets."""
    value = Cell(0, 0, 1, 1, "value", text, None, "k", 1.0, (Span(3, 4), Span(7, 9)))
    (row,) = to_tidy([value], None)
    assert (row["number"], row["start"], row["end"], row["template"]) == (number, 3, 9, None)


def test_records_are_plain_json() -> None:
    """Cells and checks become what the record promises, key by key."""
    value = Cell(1, 2, 1, 3, "value", "0", None, "k", 0.8, (Span(4, 5),), (Alternative("", 0.2),))
    assert json.loads(json.dumps(cell_record(value))) == {
        "row": 1, "col": 2, "rowspan": 1, "colspan": 3, "role": "value", "text": "0",
        "observed": None, "key": "k", "confidence": 0.8, "spans": [[4, 5]],
        "alternatives": [{"text": "", "confidence": 0.2}], "suggestion": None,
    }  # fmt: skip
    assert check_record(Check("sum", False, 0, 1.5, "source", ("k",))) == {
        "rule": "sum", "holds": False, "left": 0, "right": 1.5, "verdict": "source"
    }  # fmt: skip
