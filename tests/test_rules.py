"""Sums as evidence: hand-made cells of a small table, and who is to blame."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.model import Alternative, Cell, Check
from tabrecover.rules import check_rules, suggestions
from tabrecover.storage import parse_template

TEMPLATE = parse_template(
    "<table data-type=integer><tr><th>x<th data-key=a>a<th data-key=b>b<th data-key=total>总计"
    "<tr data-key=r><th>r<td><td><td></table>",
    '[[rules]]\nid = "row"\nleft = ["*.a", "*.b"]\nright = ["*.total"]\n',
)
TWO_RULES = parse_template(
    "<table><tr><th>x<td data-key=a><td data-key=b><td data-key=c></table>",
    '[[rules]]\nid = "one"\nleft = ["a"]\nright = ["b"]\n'
    '[[rules]]\nid = "two"\nleft = ["a"]\nright = ["c"]\n',
)
Filled = str | tuple[str, float, dict[str, float]]


def cells(*values: Filled, template: str = "row") -> dict[int, Cell]:
    """Cells of a template; a value is a text, or a text, its confidence and alternatives."""
    filling = iter(values)
    result: dict[int, Cell] = {}
    for i, place in enumerate((TEMPLATE if template == "row" else TWO_RULES).cells):
        value: Filled = place.text if place.role == "label" else next(filling)
        text, confidence, others = (value, 0.99, {}) if isinstance(value, str) else value
        alternatives = tuple(Alternative(*item) for item in others.items())
        result[i] = Cell(
            place.row, place.col, place.rowspan, place.colspan, place.role, text, None, place.key,
            confidence, (), alternatives,
        )  # fmt: skip
    return result


def check(*values: Filled) -> Check:
    (only,) = check_rules(TEMPLATE, cells(*values))
    return only


@pytest.mark.parametrize(
    ("texts", "left", "right"),
    [
        (("1", "2", "3"), 3, 3),
        (("1,000", "２", "1 002"), 1002, 1002),
        (("", "/", "0"), 0, 0),
        (("—", "5", "5"), 5, 5),
        (("0.1", "0.2", "0.3"), 0.3, 0.3),
        (("-2", "−3", "-5"), -5, -5),
    ],
)
def test_a_rule_that_holds(texts: tuple[str, str, str], left: float, right: float) -> None:
    """Numbers add up exactly as written; blanks and marks count as 0."""
    found = check(*texts)
    assert (found.rule, found.keys) == ("row: r", ("r.a", "r.b", "r.total"))
    assert (found.holds, found.left, found.right) == (True, left, right)
    assert found.verdict == "no evidence"


def test_a_broken_sum_of_certain_cells_blames_the_source() -> None:
    """Nothing else could stand in these cells, so the document itself is wrong."""
    found = check("1", "2", "4")
    assert (found.holds, found.left, found.right, found.verdict) == (False, 3, 4, "source")


def test_a_broken_sum_of_an_open_cell_blames_the_recovery() -> None:
    """Where another number may stand in a cell, the placement is in doubt."""
    found = check("1", ("2", 0.7, {"3": 0.3}), "4")
    assert (found.holds, found.verdict) == (False, "recovery")


@pytest.mark.parametrize(
    ("one", "other", "verdict"), [(0.04, 0.04, "source"), (0.06, 0.06, "recovery")]
)
def test_small_doubts_add_up(one: float, other: float, verdict: str) -> None:
    """The doubts of all cells of a rule together count, up to one in ten."""
    first: Filled = ("1", 1 - one, {"9": one})
    second: Filled = ("2", 1 - other, {"9": other})
    assert check(first, second, "4").verdict == verdict


def test_which_form_of_the_same_number_stands_there_is_no_doubt() -> None:
    """Alternatives that state the same number, or nothing for 0, leave the blame where it is."""
    found = check(("1,000", 0.5, {"1000": 0.5}), ("0", 0.5, {"": 0.3, "/": 0.2}), "7")
    assert found.verdict == "source"


@pytest.mark.parametrize("text", ["无", "n/a", "12 件", "E5"])
def test_a_text_that_states_no_number_can_not_be_summed(text: str) -> None:
    """A word makes the rule impossible to evaluate, and so no evidence."""
    found = check(text, "2", "3")
    assert (found.holds, found.left, found.right, found.verdict) == (None, None, 3, "no evidence")


@given(*[st.integers(-(10**12), 10**12)] * 3)
def test_a_rule_holds_exactly_if_the_sum_is_right(a: int, b: int, total: int) -> None:
    """The verdict on integers is Python's own arithmetic."""
    assert check(str(a), str(b), str(a + b)).holds is True
    assert check(str(a), str(b), str(total)).holds is (a + b == total)


def test_long_numbers_are_summed_exactly() -> None:
    """Numbers of up to forty digits add up digit by digit."""
    # A bug once: `Decimal` sums are rounded to 28 digits, so that 10**30 + 1 = 10**30 + 2.
    assert check(str(10**30), "1", str(10**30 + 2)).holds is False


def test_a_number_with_a_huge_exponent_does_no_harm() -> None:
    """A short text that states an astronomic number leaves the record writable."""
    # A bug once: an expanded exponent; json refuses 5001 digits, 1e999999999 takes 20 s.
    found = check("1e5000", "2", "3")
    assert json.loads(json.dumps([found.left, found.right]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((("", 0.5, {"2": 0.5}), "2", "3"), {"r.a": "1"}),
        (("1", "2", ("9", 0.5, {})), {"r.total": "3"}),
        ((("1.5", 0.5, {}), "1", "3"), {"r.a": "2"}),
        ((("7", 0.5, {}), "8", "3"), {}),
        ((("7", 0.5, {}), "-2", "-7"), {"r.a": "-5"}),
        (("1", "2", ("3", 0.5, {})), {}),
        (("1", "2", "4"), {}),
        ((("1", 0.5, {}), ("2", 0.5, {}), "4"), {}),
        ((("1", 0.5, {}), "无", "4"), {}),
    ],
    ids=[
        "left", "right", "decimal", "the only negative", "negative", "says so already", "no doubt",
        "two doubts", "word",
    ],
)  # fmt: skip
def test_a_rule_suggests_for_its_only_doubtful_cell(
    values: tuple[Filled, Filled, Filled], expected: dict[str, str]
) -> None:
    """What the rule implies is suggested, and nothing where it can't be told or is there."""
    found = suggestions(TEMPLATE, cells(*values), 0.9)
    assert {TEMPLATE.cells[i].key: text for i, text in found.items()} == expected


def test_what_the_cell_says_in_other_digits_is_no_suggestion() -> None:
    """The implied number is left out where the cell states it, grouped or full-width."""
    # A bug once: texts are compared, not numbers, so "1000" is suggested for "1,000".
    assert suggestions(TEMPLATE, cells(("1,000", 0.5, {}), "0", "1000"), 0.9) == {}


def test_rules_that_contradict_each_other_suggest_nothing() -> None:
    """Two rules that imply two values leave the cell to the reader; if they agree, they say so."""
    doubtful: Filled = ("1", 0.5, {})
    assert suggestions(TWO_RULES, cells(doubtful, "5", "6", template="two"), 0.9) == {}
    agreed = suggestions(TWO_RULES, cells(doubtful, "5", "5", template="two"), 0.9)
    assert list(agreed.values()) == ["5"]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from([0, 1, 2]))
def test_a_suggestion_repairs_its_rule(a: int, b: int, lost: int) -> None:
    """Whichever cell is lost, putting the suggestion there makes the rule hold."""
    texts: list[Filled] = [str(a), str(b), str(a + b)]
    texts[lost] = ("无", 0.1, {})
    (text,) = suggestions(TEMPLATE, cells(*texts), 0.9).values()
    texts[lost] = text
    assert check(*texts).holds is True
    assert Decimal(text) == (a, b, a + b)[lost]
