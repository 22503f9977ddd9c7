"""Values that sums determine: hand-made tables, and every filling of small ones, enumerated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.by_sums import Problem, Rule, Run, determined, number_in, open_runs
from benchmarks.tables import Cell, Role, Table

# two rows of two parts and their total: cells 0 1 2 and 3 4 5; and the totals of the columns: 6 7 8
ROWS: tuple[Rule, ...] = (((0, 1), (2,)), ((3, 4), (5,)), ((6, 7), (8,)))
COLUMNS: tuple[Rule, ...] = (((0, 3), (6,)), ((1, 4), (7,)), ((2, 5), (8,)))


def problem(texts: Sequence[str], *runs: Run, rules: Sequence[Rule] = ROWS + COLUMNS) -> Problem:
    return Problem(tuple(rules), tuple(texts), runs)


def places(of: Problem, seconds: float = 10.0) -> tuple[set[int], set[int]]:
    """Cells that are determined, and those of which it is not known."""
    fixed, unsure = determined(of, seconds)
    return set(fixed), set(unsure)


def test_a_total_and_columns_place_one_number() -> None:
    """`3 3` in three slots: the total is last, the column says which part it is."""
    texts = ["", "3", "3", "5", "1", "6", "5", "4", "9"]
    found = places(problem(texts, Run((0, 1, 2), ("3", "3"), False)))
    assert found == ({0, 1, 2}, set())


def test_without_columns_a_part_stays_open() -> None:
    """The row alone places its total only."""
    texts = ["", "3", "3", "5", "1", "6", "5", "4", "9"]
    found = places(problem(texts, Run((0, 1, 2), ("3", "3"), False), rules=ROWS))
    assert found == ({2}, set())


def test_a_lost_number_leaves_its_own_slot_empty() -> None:
    """The lost 1 was in row two: no other empty slot gives sums that hold."""
    texts = ["2", "3", "5", "5", "", "6", "7", "4", "11"]
    found = places(problem(texts, Run((3, 4, 5), ("5", "6"), True)))
    assert found == ({3, 4, 5}, set())


def test_an_error_of_the_source_is_allowed_once() -> None:
    """The truth breaks one rule, so fillings that break one are as good as it is."""
    texts = ["", "3", "4", "5", "1", "6", "5", "4", "9"]
    found = places(problem(texts, Run((0, 1, 2), ("3", "4"), False), rules=ROWS))
    assert found == (set(), set())


def test_no_time_means_not_known() -> None:
    """What can't be solved in time is told apart."""
    texts = ["", "3", "3", "5", "1", "6", "5", "4", "9"]
    run = Run((0, 1, 2), ("3", "3"), False)
    assert places(problem(texts, run), seconds=0.0) == (set(), {0, 1, 2})


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,200", Decimal(1200)), ("", Decimal(0)), ("/", Decimal(0)), ("7.5", Decimal("7.5")),
     ("n. a.", None), ("3 %", None)],
)  # fmt: skip
def test_numbers_of_texts(text: str, number: Decimal | None) -> None:
    """Blanks and marks count as 0; what is no number says so."""
    assert number_in(text) == number


def test_runs_end_at_labels() -> None:
    """Undecided cells with a label between them are runs of their own."""
    roles: list[Role] = ["label", "value", "value", "label", "value", "value"]
    cells = tuple(
        Cell(k // 3, k % 3, 1, 1, role, "x" if role == "label" else "")
        for k, role in enumerate(roles)
    )
    table = Table(cells, (2, 3))
    assert open_runs(table, frozenset({1, 2, 4, 5})) == [(1, 2), (4, 5)]
    assert open_runs(table, frozenset({1, 4, 5})) == [(4, 5)]


def placements(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    for slots in combinations(range(size), len(texts)):
        filling = [""] * size
        for slot, text in zip(slots, texts, strict=True):
            filling[slot] = text
        yield filling


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([0, 0, 1, 1, 2, 5]), min_size=4, max_size=4))
def test_all_fillings_agree(parts: list[int]) -> None:
    """The determined cells are those in which all consistent fillings agree."""
    a, b, c, d = parts
    numbers = [a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d]
    texts = [str(number or "") for number in numbers]
    runs = [
        Run(cells, tuple(texts[cell] for cell in cells if texts[cell]), False)
        for cells in ((0, 1, 2), (3, 4, 5), (6, 7, 8))
    ]
    fillings = []
    for rows in product(*(placements(run.texts, 3) for run in runs)):
        filling = [text for row in rows for text in row]
        amounts = [int(text or 0) for text in filling]
        if all(
            sum(amounts[cell] for cell in left) == sum(amounts[cell] for cell in right)
            for left, right in ROWS + COLUMNS
        ):
            fillings.append(filling)
    agreed = {cell for cell in range(9) if len({filling[cell] for filling in fillings}) == 1}
    assert places(problem(texts, *runs)) == (agreed, set())
