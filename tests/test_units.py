"""Units: what a piece of text looks like, and how labels cut a line."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabrecover
from tabrecover.lex import lex
from tabrecover.library import Library
from tabrecover.model import Unit
from tabrecover.scoring import UnitKind
from tabrecover.storage import parse_template
from tabrecover.units import LabelSpan, Units, classify, cut_back_steps, cut_units, number_of

SAMPLES = {
    UnitKind.INTEGER: ["0", "12", "-3", "+3", "−3", "１２", "1,234", "1，234,567", "1 234", " 7 "],
    UnitKind.DECIMAL: ["1.5", "-0.25", "3%", "９９％", "5‰", "1,234.50", ".5", "1.5e3"],
    UnitKind.MARK: ["/", "-", "—", "——", "－", "…", "...", "*", "\\"],
    UnitKind.TEXT: ["", "无", "1,23", "1,2345", "1.2.3", "(12)", "- 4 -", "NaN", "0x1F", "1" * 41],
}


@pytest.mark.parametrize(
    ("text", "kind"), [(text, kind) for kind, texts in SAMPLES.items() for text in texts]
)
def test_classifies_as_by_hand(text: str, kind: UnitKind) -> None:
    """Numbers as people write them, marks for "none", and everything else."""
    assert classify(text) is kind


@given(st.integers(-(10**15), 10**15))
def test_an_integer_is_read_as_written(number: int) -> None:
    """Plain, grouped, full-width and with a real minus sign: the same number."""
    wide = str(number).translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)})
    for text in (str(number), f"{number:,}", wide, str(number).replace("-", "−")):
        assert classify(text) is UnitKind.INTEGER
        assert number_of(text) == Decimal(number)


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_decimal_is_read_as_written(number: Decimal) -> None:
    """A decimal keeps every digit, grouped or not."""
    assert number_of(f"{number:f}") == number
    assert number_of(f"{number:,f}") == number


@given(st.text(st.sampled_from("019.,-+eE%/—无 ")))
def test_what_looks_like_a_number_states_one(text: str) -> None:
    """`number_of` is None exactly for what isn't classified as a number."""
    if not text.strip().lower().lstrip("+-").startswith("e"):  # see the next test
        is_number = classify(text) in (UnitKind.INTEGER, UnitKind.DECIMAL)
        assert (number_of(text) is not None) is is_number


def test_an_exponent_alone_is_no_number() -> None:
    """A code such as E5 has no mantissa, so it is a word."""
    # A bug once: every part before the exponent was optional; `number_of("E5")` is None.
    assert classify("E5") is UnitKind.TEXT


def cut(text: str, *labels: str, whole_cells: bool = False) -> tuple[list[str], list[str]]:
    """Texts of the units, labels in angle brackets, and the gaps around them."""
    spans = [LabelSpan(text.index(s), text.index(s) + len(s), i) for i, s in enumerate(labels)]
    units = cut_units(text, lex(text), spans, whole_cells=whole_cells)
    texts = [text[u.start : u.end] for u in units.units]
    marked = [f"<{t}>" if u.label >= 0 else t for t, u in zip(texts, units.units, strict=True)]
    return marked, list(units.gaps)


@pytest.mark.parametrize(
    ("text", "labels", "units", "gaps"),
    [
        ("总计 12\n", ["总计"], ["<总计>", "12"], ["", "", "e"]),
        ("其他总计", ["其他", "总计"], ["<其他>", "<总计>"], ["", "", ""]),
        ("14 0 0 / 14", [], ["14", "0", "0", "/", "14"], [""] * 6),
        ("总计 12 345 7\n", ["总计"], ["<总计>", "12", "345", "7"], ["", "", "", "", "e"]),
        ("总计 12 345\n", ["总计"], ["<总计>", "12", "345"], ["", "", "", "e"]),
        ("总计\n12 345\n", ["总计"], ["<总计>", "12 345"], ["", "e", "e"]),
        ("a | b\n", [], ["a", "b"], ["", "b", "e"]),
        ("结果\n维持\n3", ["结果\n维持"], ["<结果\n维持>", "3"], ["", "e", ""]),
        ("（一）、公开 5", ["公开"], ["（一）、", "<公开>", "5"], ["", "", "", ""]),
        ("总计（件）\n7", ["总计"], ["<总计（件）>", "7"], ["", "e", ""]),
        ("总计：\n7", ["总计"], ["<总计>", "7"], ["", "e", ""]),
        ("总计 /", ["总计"], ["<总计>", "/"], ["", "", ""]),
        ("", [], [], [""]),
    ],
)  # fmt: skip
def test_cuts_as_by_hand(text: str, labels: list[str], units: list[str], gaps: list[str]) -> None:
    """Labels are one unit, numbers one each; measures stay with their label, colons go.

    Digits in groups are one number only where they are a whole cell.
    """
    assert cut(text, *labels) == (units, gaps)


def test_a_colon_does_not_glue_a_number_to_its_label() -> None:
    """A number behind a label and a colon is a unit of its own, as it is behind a space."""
    # A bug once: the piece "：5" is text, clings to the label and is swallowed by it.
    assert cut("公开：5", "公开") == (["<公开>", "5"], ["", "", ""])


def test_single_spaces_part_words_that_end_and_begin_with_digits() -> None:
    """On a line that nothing but spaces parts, two codes side by side are no one text."""
    units = cut_units("F7 3rd 12 of all", lex("F7 3rd 12 of all"), (), spaced=True).units
    found = ["F7 3rd 12 of all"[unit.start : unit.end] for unit in units]
    assert found == ["F7", "3rd", "12", "of all"]


def test_whole_cells_keep_a_text_of_several_lines_together() -> None:
    """Between two cell ends the lines of a text are one unit; across a cell end they are two."""
    text = "第一行\n第二行\x1f别的\x1f"
    assert cut(text, whole_cells=True) == (["第一行\n第二行", "别的"], ["", "c", "c"])
    assert cut(text) == (["第一行", "第二行", "别的"], ["", "e", "c", "c"])


def test_a_moved_piece_ends_a_text() -> None:
    """Words behind a piece that was moved from a later line are another text; a label is one."""
    # as if `type ` of `Heating type by gas 12345` came from a later line
    starts = np.array([*range(8), *range(40, 45), *range(8, 20)])
    words = Units((Unit(0, 19), Unit(20, 25)), ("e", "g", "e"))
    assert cut_back_steps(words, starts) == Units(
        (Unit(0, 13), Unit(13, 19), Unit(20, 25)), ("e", "", "g", "e")
    )
    label = Units((Unit(0, 19, 3), Unit(20, 25)), ("e", "g", "e"))
    assert cut_back_steps(label, starts) == label


@given(st.text(st.sampled_from("ab中1 2\n|\t:（）/")), st.booleans(), st.data())
def test_units_are_ordered_disjoint_and_lose_nothing(
    text: str, whole_cells: bool, data: st.DataObject
) -> None:
    """Spans ascend, gaps stand around them, and every letter and digit is in one unit."""
    places = [i for i, char in enumerate(text) if char.isalnum()]
    cuts = sorted(data.draw(st.sets(st.sampled_from(places)))) if places else []
    labels = [LabelSpan(s, e, 0) for s, e in zip(cuts[::2], cuts[1::2], strict=False)]
    found: Units = cut_units(text, lex(text), labels, whole_cells=whole_cells)
    assert len(found.gaps) == len(found.units) + 1
    covered: list[int] = []
    for unit in found.units:
        assert 0 <= unit.start < unit.end <= len(text)
        covered += range(unit.start, unit.end)
    assert covered == sorted(set(covered))
    assert set(places) <= set(covered)


@pytest.mark.parametrize("text", ["Sheep,47.9%", "Sheep;-3", "Sheep: 12", "Sheep，5"])
def test_a_comma_between_label_and_number_parts_them(text: str) -> None:
    """As a colon does: the value begins with its number."""
    # A bug once: in lines of two fields every value was told with the comma before it.
    units = cut_units(text, lex(text, 0, len(text)), [LabelSpan(0, 5, 0)]).units
    values = [text[unit.start : unit.end] for unit in units if unit.label < 0]
    assert values == [text[6:].strip()]


def test_a_table_of_two_fields_a_line_is_whole() -> None:
    """Also its last value, behind which nothing is."""
    numbers = {"Sheep there": "47", "Goats there": "12", "Horses": "3", "Donkeys": "8"}
    rows = "".join(f"<tr><th>{name}<td>" for name in numbers)
    template = parse_template(f"<table data-type=integer><tr><th>Kind<th>Number{rows}</table>")
    lines = "".join(f"{name},{number}\n" for name, number in numbers.items())
    (table,) = tabrecover.recover("Kind,Number\n" + lines, templates=Library([template])).tables
    found = [cell.text for cell in table.cells if cell.role == "value"]
    assert found == list(numbers.values())
