"""Lines that a fixed width cut are put together, and only those."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabrecover
from tabrecover.api import read_document
from tabrecover.confidence import ACCEPT
from tabrecover.library import Library
from tabrecover.storage import parse_template
from tabrecover.unwrap import unwrap

ROWS = [
    ["Name of the place", "Sheep", "Goats", "Animals in all"],
    ["Upton upon the river", "12", "7", "19"],
    ["Ham", "3", "", "3"],
    ["Sladbury", "170", "2", "172"],
    ["Dell under the long hill", "1", "0", "1"],
]
TEMPLATE = parse_template(
    "<table data-type=integer><tr><th data-key=place>Name of the place</th>"
    "<th data-key=sheep>Sheep</th><th data-key=goats>Goats</th><th data-key=all>Animals in all</th>"
    "</tr><tr data-key=v data-repeated><td data-type=text></td><td></td><td></td><td></td></tr>"
    "</table>"
)


def wrapped(text: str, width: int) -> str:
    """The text with its lines cut after so many characters, wherever that is."""
    return "\n".join(
        line[at : at + width]
        for line in text.split("\n")
        for at in range(0, max(1, len(line)), width)
    )


def with_bars(rows: list[list[str]]) -> str:
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def boxed(rows: list[list[str]]) -> str:
    rule = "+" + "+".join("-" * 26 for _ in rows[0]) + "+\n"
    return rule + "".join("|" + "|".join(f" {c:<24} " for c in row) + "|\n" + rule for row in rows)


@pytest.mark.parametrize(
    "drawn",
    [with_bars(ROWS), boxed(ROWS), with_bars(ROWS).replace("|", "\t")],
    ids=["bars", "box", "tabs"],
)
@pytest.mark.parametrize("width", [17, 20, 26, 31])
def test_cut_rows_are_put_together(drawn: str, width: int) -> None:
    """Whatever the width, the rows are again what they were; every character knows its place."""
    dump = wrapped(drawn, width)
    document = unwrap(read_document(dump))
    assert document.text == drawn
    assert document.starts is not None
    assert "".join(dump[start] for start in document.starts) == drawn


@pytest.mark.parametrize("width", [24, 31])
def test_words_that_a_width_keeps_whole_stay_apart(width: int) -> None:
    """Where lines break at spaces, the rows are put together and no two words become one."""
    kept = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    rows = [["Llanfairpwllgwyngyll", *ROWS[0][1:]], *ROWS * 2]
    drawn = with_bars(rows)
    dump = "".join(kept.fill(line) + "\n" for line in drawn.splitlines())
    text = unwrap(read_document(dump)).text
    assert re.findall(r"\w+|\|", text) == re.findall(r"\w+|\|", drawn)
    assert [part.count("|") for part in re.split(r"(?<=\|)\n", text.strip())] == [5] * len(rows)


def test_characters_that_need_no_space_get_none() -> None:
    """A word in Chinese characters that is wider than the lines is put together without a space."""
    name = "".join(map(chr, range(0x4E00, 0x4E00 + 50)))
    drawn = with_bars([*ROWS, [name, "5", "6", "11"], *ROWS[1:]])
    dump = "".join(textwrap.fill(line, 18) + "\n" for line in drawn.splitlines())
    text = unwrap(read_document(dump)).text
    assert re.findall(r"\w+", text) == re.findall(r"\w+", drawn)


@pytest.mark.parametrize("prose", ["word " * 5, "w" * 90], ids=["narrow", "one long word"])
def test_rows_end_in_lines_that_are_full_by_chance(prose: str) -> None:
    """A row that has all its bars ends, though its last line is full; a long word is no width."""
    whole = "| on the line of the width | 2 | 3 |\n"
    cut = "| a name that goes on and on so | 5 |\n6 |\n"
    dump = f"{prose}\n\n" + whole * 2 + cut * 5 + whole
    text = unwrap(read_document(dump)).text
    assert text == f"{prose}\n\n" + whole * 2 + cut.replace("|\n", "|", 1) * 5 + whole


def test_markup_is_not_cut_by_a_width() -> None:
    """Lines of a page are what its markup makes them; there is nothing to put together."""
    lines = wrapped(with_bars(ROWS), 20).replace("\n", "<br>\n")
    document = read_document(f"<!doctype html><html><body><p>{lines}</p></body></html>")
    assert document.kind == "html"
    assert unwrap(document) is document


def test_the_values_of_cut_rows_are_placed_and_not_told() -> None:
    """Values are exact, at their spans stands their text, and that it may be a part is a doubt."""
    dump = wrapped(with_bars(ROWS), 23)
    (table,) = tabrecover.recover(dump, templates=Library([TEMPLATE])).tables
    values = [cell for cell in table.cells if cell.role == "value"]
    assert [cell.text for cell in values] == [text for row in ROWS[1:] for text in row]
    for cell in values:
        assert "".join(dump[start:end] for start, end in cell.spans) == cell.text
        assert cell.confidence < ACCEPT


@pytest.mark.parametrize(
    "text",
    [
        with_bars(ROWS),
        boxed(ROWS),
        wrapped("a | b and words that go on without any end, line by line, as prose does " * 9, 40),
        "\n".join(f"{k:>10} | {k * 7:>10}" for k in range(30)),
        "if a | b:\n    return f(a) | g(b)\nelse:\n    x = a | b | c\n    y = a || b || c\n" * 3,
        "no bars at all\n" * 9,
        "District | secondary\nName of the school | 1987\nAddress | 412\n"
        "Head teacher | Mary Smith\n"
        "Founded | Upton Road 12\nNumber of pupils | Ham\nTelephone | 1987\n",
        "| Northern area |\n| 6296 | 4797 | 7030 |\n| Southern area |\n| 8685 | 8896 | 8513 |\n"
        "| Coast and isle |\n| 3716 | 8357 | 2097 |\n| The mountains |\n| 9983 | 9426 | 7237 |\n",
        "| a name that fills the line | 1 | 2 |\n| b | 3 | 4 |\n" * 6,
        "|\n" * 40,
        "",
    ],
    ids=[
        "rows",
        "box",
        "prose",
        "columns",
        "code",
        "words",
        "pairs",
        "groups",
        "alike",
        "bars",
        "nothing",
    ],
)
def test_what_no_width_cut_stays(text: str) -> None:
    """Rows that are whole, boxes as wide as their lines, prose and code are left alone."""
    document = read_document(text)
    assert unwrap(document) is document


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1 |\t\n+-"), max_size=400))
def test_nothing_but_line_ends_is_taken_out(text: str) -> None:
    """All other characters stay, in their order; each, and spaces for line ends, has its place."""
    result = unwrap(read_document(text))
    places = range(len(text)) if result.starts is None else result.starts.tolist()
    assert all(
        text[k] == char or (text[k], char) == ("\n", " ")
        for k, char in zip(places, result.text, strict=True)
    )
    assert all(text[k] == "\n" for k in set(range(len(text))) - set(places))
