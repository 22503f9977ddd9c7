"""Laws of flattening: read by hand from handwritten gaps, and found in the dumps of real tools."""

from __future__ import annotations

import json
import lzma
from functools import cache
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover import recover
from tabrecover.dialects import Law, fingerprint
from tests.cases import CORPUS

FIT = CORPUS / "flattened" / "fit.jsonl.xz"


def law_of(gaps: list[str], name: str) -> Law:
    """The first law of that name among those that may hold for one table with these gaps."""
    return next(law for law in fingerprint([gaps]) if law.name == name)


def stream(*inner: str) -> list[str]:
    return ["", *inner, ""]


@pytest.mark.parametrize(
    ("name", "gaps", "reading"),
    [
        ("html", stream("c", "cr", "cc", "crc"), ["", "", "R", "B", "RB", ""]),
        ("tabs", stream("T", "e", "TT", "eT", "T", "T"), ["", "", "R", "B", "RB", "", "", ""]),
        ("tabs", stream("T", "Te", "T", "e", "T"), ["", "", "BR", "", "R", "", ""]),
        ("tabs", stream("eTe", "eTTe", "eee", "eTe", "eeTe"), ["", "", "B", "R", "", "RB", ""]),
        ("bars", stream("b", "e", "bb", "e", "b"), ["", "", "R", "B", "R", "", ""]),
        ("bars", stream("b", "beb", "bb", "beb", "b"), ["", "", "R", "B", "R", "", ""]),
        ("bars-padded-lines", stream("be", "be", "bebe", "be", "bebbe", "be", "be", "bebe"),
         ["", "", "", "R", "", "R", "", "", "R", ""]),
        ("bars-padded-rows", stream("b", "b", "bbe", "b", "bbbe", "b", "b", "bbe"),
         ["", "", "", "R", "", "R", "", "", "R", ""]),
        ("bars-padded-run", stream("b", "b", "bb", "b", "bbb", "b", "b", "bb"),
         ["", "", "", "R", "", "R", "", "", "R", ""]),
        ("bars-lines", stream("be", "be", "bebe", "be", "bebebbe", "be", "bebebe", "be"),
         ["", "", "", "B", "", "BR", "", "BB", "", ""]),
        ("bars-lines", stream("ebe", "ebe", "ebebe", "ebe", "ebebebe", "ebe", "ebebebebe"),
         ["", "", "", "B", "", "BB", "", "BBB", ""]),
        ("bars-lines", stream("ebe", "ebe", "ebeebe", "ebe", "ebe"), ["", "", "", "B", "", "", ""]),
        ("bars-single", stream("ebe", "ebe", "ebe", "ebe"), [""] * 6),
        ("bars-single", stream("b", "b", "b", "b"), [""] * 6),
        ("lines-blank", stream("ee", "eeee", "ee", "eeeeee", "ee"),
         ["", "", "B", "", "BB", "", ""]),
        ("lines-space", stream("e", "ese", "e", "e"), ["", "", "B", "", "", ""]),
        ("lines-space", stream(*["e", "eoe", "e", "eoeoe", "e", "eoe", "ese", "eoe"]),
         ["", "", "R", "", "R", "", "R", "B", "R", ""]),
        ("lines", stream("e", "e", "e"), [""] * 5),
        ("rows", stream("", "", "e", "", "", "e", ""), ["", "", "", "R", "", "", "R", "", ""]),
        ("rows", stream(*[*["g"] * 19, "e"] * 3), ["", *[*[""] * 19, "R"] * 3, ""]),
        ("order", stream("", "", ""), [""] * 5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_gaps_are_read_as_by_hand(name: str, gaps: list[str], reading: list[str]) -> None:
    """Each law tells empty cells and row ends in gaps as a person who knows the tool would."""
    assert law_of(gaps, name).read(gaps) == reading


def test_a_bar_that_may_fill_up_its_row_shows_no_blank() -> None:
    """Where bars stand alone on their lines, only one inside a row is an empty cell for sure."""
    gaps = stream("ebe", "ebe", "ebebe", "ebe", "ebe")
    assert [law.name for law in fingerprint([gaps])] == ["bars-lines"]
    assert [law.name for law in fingerprint([gaps], ["ebe", "ebebe"])] == ["bars-single"]


def test_padded_rows_may_open_with_a_bar() -> None:
    """The bar before a row's first cell is no padding."""
    gaps = stream("b", "b", "bbeb", "b", "bbbeb", "b", "b", "bbeb", "b")
    assert law_of(gaps, "bars-padded-rows").read(gaps)[3:6] == ["R", "", "R"]


def test_full_rows_are_not_padded() -> None:
    """Where no row between bars shows a pad, there is nothing to decide, and nothing stays open."""
    full = ["b", "b", "beb"] * 6
    assert [law.name for law in fingerprint([stream(*full[:-1])])] == ["bars"]
    padded = stream(*full, "b", "bbeb", "bbbeb", "b", "b", "bbbeb"[1:])
    assert {law.name for law in fingerprint([padded])} >= {"bars", "bars-padded-rows"}


def test_row_ends_may_look_like_blanks() -> None:
    """Where every row ends with more line ends than a cell, further laws say how many.

    By one of them empty cells show besides, by the other they do not.
    """
    gaps = stream(*["e", "e", "eee"] * 4)
    laws = fingerprint([gaps], ["eee"] * 4)
    assert [(law.blanks_shown, law.rows_shown, law.row_blanks) for law in laws] == [
        (True, False, 0),
        (True, True, 2),
        (False, True, 2),
    ]


def test_lines_of_nothing_but_tabs_are_furniture() -> None:
    """Where such a line stands between most rows, it is no row of empty cells."""
    gaps = stream(*["T", "T", "egTTe"] * 5, "T", "TeTTe", "T", "T")
    law = law_of(gaps, "tabs")
    assert [k for k, reading in enumerate(law.read(gaps)) if reading == "R"] == [3, 6, 9, 12, 15]
    assert law.read(gaps)[17] == "BR"


def test_rows_may_be_filled_at_their_ends() -> None:
    """A further law where rows of one width end in empty cells, unless rows show others inside."""
    full, short, shorter = ["b", "b", "b"], ["b", "b"], ["b"]
    closed = {3: "beb", 2: "bbeb", 1: "bbbeb"}
    rows = [[*row, closed[len(row)]] for row in [full, short, shorter, short, short] * 2]
    gaps = stream(*[gap for row in rows for gap in row][:-1])
    assert law_of(gaps, "bars-filled").ends_filled
    inside = [["bb", "b", "beb"], ["bb", "bbeb"]] * 6
    gaps = stream(*[gap for row in inside for gap in row][:-1])
    assert [law.name for law in fingerprint([gaps])] == ["bars"]


def test_lines_that_hold_several_cells_part_none() -> None:
    """One cell a line parts cells; where some lines hold two, a text may be two cells as well."""
    assert law_of(stream(*["e"] * 20), "lines").parted
    assert not law_of(stream(*["e"] * 20, "", "e"), "lines").parted


def test_repeats_add_a_law() -> None:
    """Labels that stand twice side by side may be one that was repeated over its span."""
    gaps = stream("T", "e", "T", "e", "T")
    names = [law.name for law in fingerprint([gaps], repeats=True)]
    assert names == ["tabs", "tabs-repeated"]
    cells = stream("c", "cr", "c")
    assert [law.name for law in fingerprint([cells], rectangles=True, repeats=True)] == [
        "html",
        "rectangle",
        "rectangle-repeated",
    ]


gap_streams = st.lists(st.text(st.sampled_from("besTgcro"), max_size=5), min_size=1, max_size=20)


@given(st.lists(gap_streams, min_size=1, max_size=3), st.lists(st.text(st.sampled_from("be"))),
       st.booleans(), st.booleans())  # fmt: skip
def test_every_law_reads_every_gap(
    streams: list[list[str]], breaks: list[str], rectangles: bool, repeats: bool
) -> None:
    """Some law is always found, and what it reads are blanks and row ends, one text a gap.

    A row end may look like blanks (`row_blanks`).
    """
    laws = fingerprint(streams, breaks, rectangles=rectangles, repeats=repeats)
    assert laws
    for law in laws:
        assert 0 <= law.confidence <= 1
        assert isfinite(law.surprise)
        for gaps in streams:
            reading = law.read(gaps)
            assert len(reading) == len(gaps)
            assert set("".join(reading)) <= {"B", "R"}
            assert law.blanks_shown or law.row_blanks or "B" not in "".join(reading)


LAWS = {
    "beautifulsoup": "lines-blank", "beautifulsoup-bar": "bars-single",
    "beautifulsoup-lines": "lines-blank", "beautifulsoup-space": "order",
    "beautifulsoup-strip": "lines", "boilerpy3": "lines", "chromium": "tabs", "elinks-80": "html",
    "html": "html", "html-to-markdown": "bars", "html-unclosed": "html", "html2text-padded": "bars",
    "inscriptis": "rows", "inscriptis-tab": "tabs", "justext": "lines",
    "libreoffice-tabs": "rectangle",
    "libreoffice-text": "lines-blank", "links-200": "html", "lxml-text-content": "lines-space",
    "markdownify": "bars", "markitdown": "bars", "node-html-markdown": "bars",
    "pandas-csv": "rectangle-repeated", "pandas-markdown": "bars-repeated",
    "pandas-string": "rectangle-repeated",
    "pandas-tsv": "tabs-repeated", "pandoc-gfm": "bars", "pandoc-plain": "rectangle",
    "pandoc-rst": "rectangle", "pdfminer": "lines", "pdfplumber": "rows", "pdftotext": "lines",
    "pdftotext-layout": "rows", "pdftotext-raw": "rows", "pypdf": "rows", "pypdfium2": "rows",
    "readability": "lines-space", "selectolax-lines": "lines-blank", "trafilatura-2.3.1": "bars",
    "w3m-200": "html", "w3m-80": "html",
}  # fmt: skip
PADDED = {"trafilatura-1.12.2", "trafilatura-2.0.0"}  # in lines or in rows, as the page is written


@cache
def dumps() -> dict[str, str]:
    """An undamaged dump of the same form by each flattener, from the set `fit`."""
    found: dict[str, str] = {}
    with lzma.open(FIT, "rt", encoding="utf-8") as stream:
        for line in stream:
            dump = json.loads(line)
            if dump["mangling"] == "none" and dump["document"].startswith("cn-2021-fit-"):
                found.setdefault(dump["flattener"], dump["text"])
    return found


@pytest.mark.parametrize("flattener", sorted({*LAWS, *PADDED}))
def test_the_law_of_a_real_tool_is_found(flattener: str) -> None:
    """A dump of a form is read by the law of the tool that made it."""
    name = recover(dumps()[flattener]).dialect.name
    if flattener in PADDED:
        assert name in {"bars-padded-lines", "bars-padded-rows"}
    else:
        assert name == LAWS[flattener]


@pytest.mark.parametrize(("letter", "name"), [("T", "tabs"), ("b", "bars")])
def test_separators_that_a_tool_doubles_are_one(letter: str, name: str) -> None:
    """Two bars or tabs between all cells part them once; four mean an empty cell."""
    two = 2 * letter
    gaps = ["", two, two, "e", two, two + two, "e", two, two, "e"]
    law = fingerprint([gaps])[0]
    assert law.name == name
    assert law.read(["", two, two + two, "e", ""])[1:4] == ["", "B", "R"]


def test_wrapped_rows_may_be_padded() -> None:
    """Cut rows whose bars add up to a width, and show no blank inside, are read as padded too."""
    rows = [["b", "be", "b", "bbeb"], ["b", "eb", "b", "b", "beb"], ["be", "bbbeb"]]
    gaps = stream(*[gap for row in rows * 4 for gap in row][:-1])
    law = law_of(gaps, "bars-padded-rows-wrapped")
    assert not law.blanks_shown
    assert [k for k, reading in enumerate(law.read(gaps)) if reading == "R"] == [
        *(4, 9, 11), *(15, 20, 22), *(26, 31, 33), *(37, 42),
    ]  # fmt: skip


def test_wrapped_rows_end_only_where_bars_meet() -> None:
    """Where rows open and close with a bar, a line end with a bar on both sides ends one."""
    row = ["b", "eb", "b", "be"]  # five texts in a row, wrapped before and behind a bar
    gaps = ["b", *row, "beb", *row, "beb", *row, "beb", *row, "beb", *row, "be"]
    laws = {law.name: law for law in fingerprint([gaps])}
    readings = laws["bars-wrapped"].read(gaps)
    assert [code for code in readings if code] == ["R"] * 4
    assert [place for place, code in enumerate(readings) if code] == [5, 10, 15, 20]
