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
    lines = body(110)
    text = paged(lines, 25, foot, head, first=4)
    assert kept(text) == "\n".join(lines) + "\n"


def test_it_is_told_where_it_stands() -> None:
    """Every number and every head, once, without the spaces around."""
    text = paged(body(60), 25, "   - {} -", "Yearly report ")
    _, spans = without_furniture(Document(text, "text", text))
    assert [text[start:end] for start, end in spans] == [
        "- 1 -", "Yearly report", "- 2 -", "Yearly report",
    ]  # fmt: skip


def test_pages_that_form_feeds_part_may_have_any_length() -> None:
    """Their last line is the number, their first one the head, but for the first page."""
    pages = [body(31), body(48), body(26), body(9)]
    text = "".join(
        "\f" * (n > 1) + "Yearly report\n" * (n > 1) + "\n".join(page) + f"\n\n{n}\n"
        for n, page in enumerate(pages, 1)
    )
    assert kept(text).split() == " ".join(" ".join(page) for page in pages).split()


KEPT = {
    "one number": paged(body(40), 25, "- {} -"),
    "bare numbers three times": paged(body(85), 25, "{}"),
    "sections": "".join(f"Week {n}\n" + "\n".join(body(24)) + "\n" for n in range(1, 5)),
    "numbers that stay": paged(body(110), 25, "- 7 -"),
    "numbers in the midst only": "\n".join(body(30)) + "\n" + paged(body(100), 25, "- {} -"),
    "a series that ends": paged(body(60), 20, "- {} -") + "\n".join(body(60)),
    "short records": "".join(f"A\nB\nC\n{n}\n" for n in range(1, 30)),
    "long records": paged([("Ham", f"{n}.5")[n % 5 % 2] for n in range(100)], 20, "{}"),
    "rows with bars": paged([f"|{n}|" for n in range(100, 300)], 20, "|{}|")[:90],
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_may_be_cells_stays(name: str) -> None:
    """A document without whole series of page numbers is the same afterwards."""
    document = Document(KEPT[name], "text", KEPT[name])
    assert without_furniture(document) == (document, ())


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
