"""Values run together, cut by slots and sums; checked against all ways, counted one by one."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations_with_replacement, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tabrecover
from tabrecover.glued import GluedValue, Lattice
from tabrecover.sums import HOLDS
from tabrecover.template import SlotKind

Rules = list[tuple[set[int], set[int]]]
SUM: Rules = [({0, 1}, {2})]


def counted(text: str, slots: int, rules: Rules, empty: float) -> dict[tuple[int, int, int], float]:
    """Probability of each (slot, start, end) by counting all ways, in no clever way."""
    weights: dict[tuple[int, int, int], float] = defaultdict(float)
    whole = 0.0
    for ends in combinations_with_replacement(range(len(text) + 1), slots - 1):
        cuts = [0, *ends, len(text)]
        parts = [text[a:b] for a, b in pairwise(cuts)]
        if any(len(part) > 1 and part[0] == "0" for part in parts):
            continue
        weight = 1.0
        for part in parts:
            weight *= 1 - empty if part else empty
        numbers = [int(part or 0) for part in parts]
        for left, right in rules:
            one, other = sum(numbers[k] for k in left), sum(numbers[k] for k in right)
            if one != other:
                weight *= 1 - HOLDS
            elif one:
                weight *= HOLDS / max(0.5 / (1 + one), 1e-4)
        whole += weight
        for slot, (a, b) in enumerate(pairwise(cuts)):
            weights[slot, a, b] += weight
    return {key: weight / whole for key, weight in weights.items()}


@given(
    st.text("0123456789", min_size=1, max_size=7),
    st.integers(1, 4),
    st.booleans(),
    st.floats(0.05, 0.6),
)
def test_probabilities_are_those_of_all_ways(
    text: str, slots: int, is_ruled: bool, empty: float
) -> None:
    """Every value of the best cut is as probable as a count of all ways says."""
    rules = [({0}, {slots - 1})] if is_ruled and slots > 1 else []
    expected = counted(text, slots, rules, empty)
    found = Lattice(text, [SlotKind.INTEGER] * slots, rules).solve(empty)
    assume(bool(expected))
    assert found is not None
    assert "".join(text[v.start : v.end] for v in found.values) == text
    for value in found.values:
        shares = [p for (_, a, b), p in expected.items() if (a, b) == (value.start, value.end)]
        assert any(value.probability == pytest.approx(share, abs=1e-3) for share in shares)
    blanks = sum(share for (_, a, b), share in expected.items() if a == b)
    assert found.empty == pytest.approx(blanks, abs=1e-2)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_sum_cuts_its_terms(one: int, other: int) -> None:
    """Two terms and their sum come back as they were, or are not sure."""
    texts = [str(one), str(other), str(one + other)]
    found = Lattice("".join(texts), [SlotKind.INTEGER] * 3, SUM).solve(0.02)
    assert found is not None
    cut = ["".join(texts)[v.start : v.end] for v in found.values]
    assert cut == texts or min(value.probability for value in found.values) < 0.9


def test_zeros_are_cut_in_one_way() -> None:
    """No number but 0 begins with a zero, so four of them fill four cells for sure."""
    found = Lattice("0000", [SlotKind.INTEGER] * 4, []).solve(0.5)
    assert found is not None
    assert found.values == tuple(GluedValue(k, k + 1, 1.0) for k in range(4))


def test_percentages_and_marks_are_cut_at_their_signs() -> None:
    """A percent sign ends a value, a stroke is one."""
    text = "54.2%57.2%//69.5%"
    found = Lattice(text, [SlotKind.DECIMAL] * 5, []).solve(0.1)
    assert found is not None
    assert [text[v.start : v.end] for v in found.values] == ["54.2%", "57.2%", "/", "/", "69.5%"]
    assert min(value.probability for value in found.values) > 0.99


def test_a_double_dash_is_one_mark_or_two() -> None:
    """Two dashes for two slots may be one mark and a blank, so neither is sure; strokes are two."""
    dashes = Lattice("——", [SlotKind.DECIMAL] * 2, []).solve(0.2)
    assert dashes is not None
    assert max(value.probability for value in dashes.values) < 0.9
    strokes = Lattice("//", [SlotKind.DECIMAL] * 2, []).solve(0.2)
    assert strokes is not None
    assert [value.probability for value in strokes.values] == pytest.approx([1.0, 1.0])


def test_marks_alone_behind_a_label_are_values() -> None:
    """Where a row has nothing but marks, run into its label, each fills a cell."""
    # A bug once: they were taken for the label's, and the cells told to be blank.
    template = tabrecover.parse_template(
        "<table data-type=percent><tr><th>Answer<th>Men<th>Women<tr><th>Fairly good<td><td>"
        "<tr><th>Poor<td><td><tr><th>Refused<td><td></table>",
        'id = "answers"',
    )
    text = "AnswerMenWomen\nFairly good45.1%53.2%\nPoor//\nRefused2.5%/\n"
    (table,) = tabrecover.recover(text, templates=template).tables
    values = [cell.text for cell in table.cells if cell.role == "value"]
    assert values == ["45.1%", "53.2%", "/", "/", "2.5%", "/"]


def test_the_only_cut_is_found_however_rare_values_are() -> None:
    """Eight percentages fill eight slots, also where nearly all other slots are empty."""
    # A bug once: that ways with empty slots lead nowhere was seen too late, the cut passed over.
    text = "38.5%9.3%84.7%54.8%49.7%24.0%50.9%71.3%"
    solved = Lattice(text, [SlotKind.DECIMAL] * 8, []).solve(empty=0.99)
    assert solved is not None
    cut = [text[value.start : value.end] for value in solved.values]
    assert cut == [f"{number}%" for number in text.split("%")[:-1]]
    assert all(value.probability == pytest.approx(1.0) for value in solved.values)


@pytest.mark.parametrize("digits", ["7" * 140, "1" * 150])
def test_what_can_be_cut_in_too_many_ways_stays_whole(digits: str) -> None:
    """A long run of digits costs bounded time, and is not cut."""
    kinds = [SlotKind.INTEGER] * 12
    assert Lattice(digits, kinds, [(set(range(11)), {11})]).solve(0.1) is None


YARDS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Yard of the town<th data-key=in>Carts in"
    "<th data-key=out>Carts out<th data-key=all>All the carts</tr>"
    + "".join(f"<tr data-key=k{n}><th>{n}. {name} yard<td><td><td>"
              for n, name in enumerate(("North", "South", "West", "Upper"), 1))
    + "</table>",
    'id = "yards"\n[[rules]]\nid = "row"\nleft = ["*.in", "*.out"]\nright = ["*.all"]\n',
)  # fmt: skip


def test_what_can_be_cut_in_two_ways_is_not_told() -> None:
    """Without sums four digits fill three cells in three ways, one as probable as the other."""
    plain = tabrecover.parse_template(
        "<table data-type=integer><tr><th>Yard of the town<th data-key=in>Carts in<th data-key=out>"
        "Carts out<th data-key=all>All the carts</tr><tr data-key=k><th>Northern yard<td><td><td>"
        "<tr data-key=s><th>Southern yard<td><td><td></table>",
        'id = "plain"',
    )
    dump = "Yard of the townCarts inCarts outAll the cartsNorthern yard1234Southern yard999"
    (table,) = tabrecover.recover(dump, templates=plain).tables
    values = {cell.key: cell for cell in table.cells if cell.role == "value"}
    north = [values[f"k.{key}"] for key in ("in", "out", "all")]
    assert "".join(cell.text for cell in north) == "1234"
    assert max(cell.confidence for cell in north) < 0.9


def test_texts_of_a_page_run_together() -> None:
    """Values between labels that begin with numbers: cut by the rows' sums, and told."""
    dump = (
        "Yard of the townCarts inCarts outAll the carts1. North yard12302. South yard0003. West "
        "yard840844. Upper yard10717"
    )
    (table,) = tabrecover.recover(dump, templates=YARDS).tables
    found = {cell.key: cell.text for cell in table.cells if cell.role == "value"}
    assert [found[f"k{n}.{key}"] for n in (2, 3, 4) for key in ("in", "out", "all")] == [
        "0", "0", "0", "84", "0", "84", "10", "7", "17",
    ]  # fmt: skip
    assert "" not in found.values() or min(c.confidence for c in table.cells if not c.text) < 0.9


def test_a_mark_between_a_percentage_and_a_label_is_a_value() -> None:
    """A label is found behind `%/`, so the values on both sides of it are cut and told."""
    page = "<table data-type=decimal><tr><th>Answer<th>Men<th>Women<th>All"
    page += "".join(f"<tr><th>{name}<td><td><td>" for name in ("Fairly good", "Poor", "No answer"))
    template = tabrecover.parse_template(page + "</table>")
    dump = "AnswerMenWomenAllFairly good45.1%53.2%48.0%Poor45.1%//No answer/1.5%0.9%"
    (table,) = tabrecover.recover(dump, templates=template).tables
    values = [cell for cell in table.cells if cell.role == "value"]
    assert [cell.text for cell in values] == [
        "45.1%",
        "53.2%",
        "48.0%",
        "45.1%",
        "/",
        "/",
        "/",
        "1.5%",
        "0.9%",
    ]
