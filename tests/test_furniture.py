"""Page furniture (see `tabrecover.furniture`): found where pages put it, and nowhere else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from tabrecover.furniture import without_furniture
from tabrecover.library import Library
from tabrecover.model import Document
from tabrecover.storage import parse_template

WORDS = ["Upton", "Slad", "Wolds", "Fens", "12", "3.5", "", "n. a.", "Ham on Wye", "7"]


def paged(lines: Sequence[str], size: int, foot: str, head: str = "", first: int = 1) -> str:
    """The lines in pages of `size`, behind each full one its foot and the next one's head."""
    out: list[str] = []
    for number, start in enumerate(range(0, len(lines), size), first):
        page = lines[start : start + size]
        out += page
        if len(page) == size:
            out += [foot.format(number), *([head] if head else [])]
    return "\n".join(out) + "\n"


def body(count: int) -> list[str]:
    """Lines of a table, in no order."""
    return random.Random(1).choices(WORDS, k=count)  # noqa: S311 - drawing


def kept(text: str) -> str:
    """What is left of a text."""
    return without_furniture(Document(text, "text", text))[0].text


@pytest.mark.parametrize("head", ["", "Yearly report", "Yearly report of 2021"])
@pytest.mark.parametrize("foot", ["- {} -", "Page {}", "Page {} of 9", "第 {} 页", "{}"])
def test_pages_of_equal_length(foot: str, head: str) -> None:
    """Numbers with words or dashes, or bare ones; with running heads and without."""
    lines = [head, *body(110)]
    text = paged(lines, 25, foot, head, first=4)
    assert kept(text) == "\n".join(lines) + "\n"


def test_it_is_told_where_it_stands() -> None:
    """Every number and every head, once, without the spaces around."""
    text = paged(["Yearly report", *body(60)], 25, "   - {} -", "Yearly report ")
    _, spans = without_furniture(Document(text, "text", text))
    assert [text[start:end] for start, end in spans] == [
        "- 1 -", "Yearly report", "- 2 -", "Yearly report",
    ]  # fmt: skip


def test_dashes_and_heads_of_three_lines_are_enough_for_two_pages() -> None:
    """Bare numbers must be many or have a head; what stands on either side of one says enough."""
    lines = ["Report", "of the bureau", "of stock", *body(70)]
    text = "\n".join(lines) + "\n"
    assert kept(paged(lines, 25, "- {} -")) == text
    assert kept(paged(lines, 25, "{}", "\n".join(lines[:3]))) == text


def test_blank_lines_beside_a_number_stay() -> None:
    """They may be cells, also where they stand beside every number."""
    lines = body(110)
    for at in range(0, 110, 25):
        lines[at] = ""
    assert kept(paged(lines, 25, "Page {}")) == "\n".join(lines) + "\n"


def fed(pages: Sequence[Sequence[str]], numbers: Sequence[str]) -> str:
    """Pages that form feeds part: a head, lines, an empty one, a number."""
    return "".join(
        "\f" * (n > 0) + "Yearly report\n" + "\n".join(page) + f"\n\n{number}\n"
        for n, (page, number) in enumerate(zip(pages, numbers, strict=True))
    )


PAGES = [[*body(31), "Slad"], [*body(48), "Slad"], [*body(26), "Slad"], [*body(9), "Slad"]]


@pytest.mark.parametrize(
    "numbers",
    [
        ["1", "2", "3", "4"],
        ["1", "2", "3"],
        ["- 8 -", "- 9 -", "- 10 -"],
        ["p. 8", "p. 9", "p. 10"],
    ],
)
def test_pages_that_form_feeds_part_may_have_any_length(numbers: list[str]) -> None:
    """Their last line is the number, their first one the head, with the empty lines between."""
    pages = PAGES[: len(numbers)]
    text = fed(pages, numbers)
    document, spans = without_furniture(Document(text, "text", text))
    body = "".join("\n".join(page) + "\n" for page in pages)
    assert document.text == "Yearly report\n" + body
    found = [text[start:end] for start, end in spans]
    heads = [[number, "Yearly report"] for number in numbers]
    assert found == [word for head in heads for word in head][:-1]


@pytest.mark.parametrize(
    "numbers",
    [
        ["7", "8", "9"],
        ["1", "17", "18", "4"],
        ["p. 1", "", "", "p. 4"],
        ["p. 1", "p. 2"],
        ["2019", "2020", "2021", "2022"],
    ],
)
def test_other_numbers_at_the_feet_of_pages_stay(numbers: list[str]) -> None:
    """A few bare ones that begin anywhere, years, two with words, and those of only some pages."""
    text = fed(PAGES[: len(numbers)], numbers)
    assert without_furniture(Document(text, "text", text))[1] == ()


def test_lines_of_a_page_of_markup_are_no_lines() -> None:
    """The ends of its cells are known by their places in the text."""
    text = paged(body(110), 25, "Page {}")
    document = Document(text, "html", text)
    assert without_furniture(document) == (document, ())


def records(name: str, count: int) -> str:
    """Fifteen heads without that of the names, then names with as many numbers."""
    heads = [f"Head {chr(97 + n)}" for n in range(15)]
    numbers = ["\n".join(str(7 * n + k) for n in range(15)) for k in range(1, count + 1)]
    return "\n".join(
        [*heads, *(f"{name.format(k)}\n{own}" for k, own in enumerate(numbers, 1)), ""]
    )


KEPT = {
    "one number": paged(body(40), 25, "- {} -"),
    "bare numbers three times": paged(body(85), 25, "{}"),
    "sections": "".join(f"Week {n}\n" + "\n".join(body(24)) + "\n" for n in range(1, 5)),
    "numbers that stay": paged(body(110), 25, "- 7 -"),
    "numbers in the midst only": "\n".join(body(30)) + "\n" + paged(body(100), 25, "- {} -"),
    "a series that ends": paged(body(60), 20, "- {} -") + "\n".join(body(60)),
    "short records": "".join(f"A\nB\nC\n{n}\n" for n in range(1, 30)),
    "long records": paged([("Ham", f"{n}.5")[n % 5 % 2] for n in range(100)], 20, "{}"),
    "rows with bars": paged(["|Ham|", "|Ely|"] * 25, 20, "|{}|"),
    "bare numbers on longer pages": "\n".join(paged(body(110), 25, "{}").split("\n")[2:]),
    # Taken for furniture once: a lone neighbour of two numbers, sections, records, a table's heads.
    "sections on pages of their own": "Week 1\nAnn\n31\n\fWeek 2\nBob\n32\n\fWeek 3\nCy\n9\n",
    "rows that count up": "x\n| Sum - 7 |\fb\n| Sum - 8 |\n\fc\n| Sum - 9 |\n",
    "named records": records("Week {}", 2),
    "numbered records": records("{}", 5),
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_may_be_cells_stays(name: str) -> None:
    """A document without whole series of page numbers is the same afterwards."""
    document = Document(KEPT[name], "text", KEPT[name])
    assert without_furniture(document) == (document, ())


def test_a_line_beside_one_number_of_two_is_no_head() -> None:
    """Nothing is behind the last number; one line alone agrees with none."""
    text = fed(PAGES[:2], ["- 8 -", "- 9 -"])
    lines = ["Yearly report", *PAGES[0], "Yearly report", *PAGES[1]]
    assert [line for line in kept(text).split("\n") if line] == [line for line in lines if line]


@pytest.mark.parametrize(
    "text",
    [
        "p 1 x\nName\nAnn\nBob\nZoe\n\fp 2 x\nCat\nDon\nEve\n",
        "Name\nAnn\nBob\np 1 x\fCat\nDon\nEve\nFay\np 2 x",
        "Name\nAnn\n\np 1 x\n\f\nCat\nDon\nEve\n\np 2 x\n\f",
        "p 1 x\nNet\n12\n0\fp 2 x\nGross\n15\n0\fp 3 x\nfoo\n4\n",
        "\n".join(body(15)) + "\np 1 x\n" + "\n".join(reversed(body(15))) + "\np 2 x",
    ],
    ids=["tops", "feet", "empty lines", "values alike", "equal pages"],
)
def test_lines_beside_numbers_are_heads_only_if_all_say_the_same(text: str) -> None:
    """At the edge of a document nothing is beside a number, and that says nothing."""
    # A bug once: the one neighbour that two numbers had was taken out, and values moved up.
    _, spans = without_furniture(Document(text, "text", text))
    found = [text[start:end] for start, end in spans]
    assert found == [f"p {n} x" for n in range(1, len(found) + 1)] != []


def test_the_first_copy_of_heads_that_every_page_repeats_stays() -> None:
    """A table says its heads again on each page; if the first were gone, nothing would name it."""
    rows = ["Ann", "31", "Bob", "47"], ["Cat", "21"], ["Eve", "22", "Fay", "25"]
    text = "\f".join(
        "\n".join([f"- {n} -", "Name of it", "Age", *own, ""]) for n, own in enumerate(rows, 1)
    )
    assert kept(text).split("\n") == ["Name of it", "Age", *rows[0], *rows[1], *rows[2], ""]


@given(st.lists(st.sampled_from([*WORDS, "1", "2", "3", "- 1 -", "- 2 -", "\f"]), max_size=80))
def test_nothing_else_is_lost(lines: list[str]) -> None:
    """What is kept and what is told to be furniture are the input, and positions lead back."""
    text = "\n".join(lines)
    document, spans = without_furniture(Document(text, "text", text))
    gone = Counter(text[start:end] for start, end in spans)
    words = Counter(line.strip() for line in text.replace("\f", "\n").split("\n") if line.strip())
    left = Counter(
        line.strip() for line in document.text.replace("\f", "\n").split("\n") if line.strip()
    )
    assert left + gone == words
    if document.starts is not None:
        assert "".join(text[at] for at in np.asarray(document.starts)) == document.text


def test_a_table_over_several_pages_is_whole() -> None:
    """No number or head is in a cell; they are told as unplaced, at their offsets."""
    # A bug once: page numbers stood for names of records, and were told.
    records = [[f"Village {n:02}", *(str(17 * n + k) for k in range(4))] for n in range(1, 30)]
    heads = ["Name of it", "Sheep here", "Goats here", "Cows here", "Geese here"]
    page = "".join(f"<th>{head}" for head in heads)
    template = parse_template(
        f"<table data-type=integer><tr>{page}<tr data-repeated><td data-type=text>{'<td>' * 4}"
        "</table>"
    )
    lines = [*heads, *(text for record in records for text in record)]
    dump = paged(lines, 33, "第 {} 页", "Stock of 2021")
    (table,) = tabrecover.recover(dump, templates=Library([template])).tables
    assert [[cell.text for cell in row] for row in table.grid] == [heads, *records]
    assert [dump[start:end] for start, end in table.unplaced] == [
        text for n in range(1, 5) for text in (f"第 {n} 页", "Stock of 2021")
    ]
