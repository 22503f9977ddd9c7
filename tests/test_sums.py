"""Sums that place values: hand-made tables, and every filling of small ones, enumerated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import inf
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover import Table, recover
from tabrecover.fillings import GROWTH, Lattice, Way, enumerate_fillings
from tabrecover.library import Library
from tabrecover.storage import parse_template
from tests.test_posterior import Pairs, all_scores, lattices, log_sum

TOLD = 0.9
KINDS = ("apples", "berries", "cherries", "dates", "elderberries", "figs", "all fruit")
ROWS = ("northern farms", "southern farms", "eastern farms", "total of farms")
Cells = Sequence[Sequence[str]]


def library(n_kinds: int, n_rows: int) -> Library:
    """Kinds and their total, rows and their total."""
    kinds, rows = [*KINDS[:n_kinds], KINDS[-1]], [*ROWS[:n_rows], ROWS[-1]]
    head = "".join(f"<th data-key=k{k}>{name}" for k, name in enumerate(kinds))
    body = "".join(
        f"<tr data-key=r{r}><th>{name}{'<td>' * len(kinds)}" for r, name in enumerate(rows)
    )
    page = f"<table data-type=integer><tr><th>place of harvest{head}{body}</table>"
    parts = ", ".join(f'"*.k{k}"' for k in range(n_kinds))
    rows_of = ", ".join(f'"r{r}.*"' for r in range(n_rows))
    rules = (
        f'[[rules]]\nid = "row"\nleft = [{parts}]\nright = ["*.k{n_kinds}"]\n'
        f'[[rules]]\nid = "column"\nleft = [{rows_of}]\nright = ["r{n_rows}.*"]\n'
    )
    return Library([parse_template(page, rules, name="harvest")])


def dump(cells: Cells, *, blanks: bool = False, separator: str = "\n") -> str:
    """One cell a line, blanks gone; or a row a line, cells parted by bars."""
    n_kinds, n_rows = len(cells[0]) - 1, len(cells) - 1
    head = ["place of harvest", *KINDS[:n_kinds], KINDS[-1]]
    rows = [[name, *row] for name, row in zip([*ROWS[:n_rows], ROWS[-1]], cells, strict=True)]
    lines = [separator.join(c for c in row if c or blanks) for row in [head, *rows]]
    return "Harvest of the year\n" + "\n".join(lines) + "\n"


def recovered(text: str, cells: Cells) -> Table:
    (table,) = recover(text, templates=library(len(cells[0]) - 1, len(cells) - 1)).tables
    return table


def found(table: Table) -> list[list[tuple[str, float]]]:
    """Text and confidence of every value, by row."""
    rows: dict[int, list[tuple[str, float]]] = {}
    for cell in table.cells:
        if cell.role == "value":
            rows.setdefault(cell.row, []).append((cell.text, cell.confidence))
    return list(rows.values())


def texts(rows: list[list[tuple[str, float]]]) -> list[list[str]]:
    return [[text for text, _ in row] for row in rows]


HARVEST = [
    ["25", "", "2", "", "", "1", "28"],
    ["", "40", "", "", "7", "", "47"],
    ["9", "", "", "310", "", "", "319"],
    ["34", "40", "2", "310", "7", "1", "394"],
]


def test_sums_place_values_whose_blanks_are_lost() -> None:
    """Three numbers in a row of seven slots: the sums of rows and columns tell where."""
    rows = found(recovered(dump(HARVEST), HARVEST))
    assert texts(rows) == HARVEST
    assert all(confidence >= TOLD for row in rows for _, confidence in row)


def test_without_rules_nothing_places_them() -> None:
    """The same dump without rules stays open."""
    template = library(6, 3).templates[0]
    page = "<table data-type=integer><tr><th>place of harvest" + "".join(
        f"<th data-key=k{k}>{name}" for k, name in enumerate(KINDS)
    )
    page += "".join(f"<tr data-key=r{r}><th>{n}{'<td>' * 7}" for r, n in enumerate(ROWS))
    bare = Library([parse_template(page + "</table>", "", name=template.id)])
    (table,) = recover(dump(HARVEST), templates=bare).tables
    rows = found(table)
    assert all(confidence < TOLD for row in rows[:3] for _, confidence in row)


def test_a_lost_value_leaves_its_slot_empty() -> None:
    """A value's text and separator are gone; the sums tell which slot is the empty one."""
    full = [
        ["25", "3", "2", "5", "6", "1", "42"],
        ["8", "40", "11", "4", "7", "13", "83"],
        ["9", "17", "21", "310", "16", "14", "387"],
        ["42", "60", "34", "319", "29", "28", "512"],
    ]
    text = dump(full).replace("\n11\n", "\n")
    rows = found(recovered(text, full))
    expected = [list(row) for row in full]
    expected[1][2] = ""
    assert texts(rows) == expected
    assert all(confidence >= TOLD for row in rows for _, confidence in row)


def test_zeros_tell_nothing() -> None:
    """Five zeros for seven slots fit everywhere; no sum says where the blanks are."""
    cells = [["0", "", "0", "", "0", "0", "0"], HARVEST[1], HARVEST[2]]
    totals = ["9", "40", "0", "310", "7", "0", "366"]
    rows = found(recovered(dump([*cells, totals]), [*cells, totals]))
    assert all(confidence < TOLD for _, confidence in rows[0])
    assert texts(rows)[1:] == [*cells[1:], totals]


def test_an_error_of_the_source_moves_nothing() -> None:
    """A wrong total stays where it is, is blamed, and all else is placed."""
    cells = [list(row) for row in HARVEST]
    cells[1][6] = "48"
    table = recovered(dump(cells), cells)
    assert texts(found(table)) == cells
    broken = {check.rule: check.verdict for check in table.checks if check.holds is False}
    assert broken == {"row: r1": "source", "column: k6": "source"}


def test_a_page_number_in_a_row_is_found_out() -> None:
    """Eight numbers for seven slots: the sums tell which of them is none of the row's."""
    full = [
        ["25", "3", "2", "5", "6", "1", "42"],
        ["8", "40", "11", "4", "7", "13", "83"],
        ["9", "17", "21", "310", "16", "14", "387"],
        ["42", "60", "34", "319", "29", "28", "512"],
    ]
    rows = found(recovered(dump(full).replace("\n11\n", "\n11\n92\n"), full))
    assert texts(rows) == full


# -- every filling ------------------------------------------------------------------------------


def placements(row: Sequence[str]) -> Iterator[list[str]]:
    """All ways to put a row's numbers, in order, into its slots."""
    shown = [text for text in row if text]
    for slots in combinations(range(len(row)), len(shown)):
        filling = [""] * len(row)
        for slot, text in zip(slots, shown, strict=True):
            filling[slot] = text
        yield filling


def holds(cells: Cells) -> bool:
    numbers = [[int(text or 0) for text in row] for row in cells]
    return all(sum(row[:-1]) == row[-1] for row in numbers) and all(
        sum(column[:-1]) == column[-1] for column in zip(*numbers, strict=True)
    )


@st.composite
def harvests(draw: st.DrawFn) -> list[list[str]]:
    """Two rows of three kinds with their totals, zeros blank; some number in every row."""
    size = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 25, 470]), min_size=3, max_size=3)
    rows = [draw(size.filter(any)) for _ in range(2)]
    rows.append([sum(column) for column in zip(*rows, strict=True)])
    return [[str(n or "") for n in (*row, sum(row))] for row in rows]


@settings(deadline=None, max_examples=60)
@given(harvests())
def test_what_all_fillings_agree_on_is_placed(cells: list[list[str]]) -> None:
    """A cell with one text in all consistent fillings has it; others are not told."""
    fillings = [way for way in product(*map(placements, cells)) if holds(way)]
    rows = found(recovered(dump(cells), cells))
    for r, row in enumerate(rows):
        for c, (text, confidence) in enumerate(row):
            possible = {filling[r][c] for filling in fillings}
            if len(possible) == 1:
                assert text in possible
            else:
                assert confidence < TOLD


@given(lattices(), st.data())
def test_fillings_are_those_of_all_alignments(
    lattice: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None], data: st.DataObject
) -> None:
    """Alignments that fill the values alike are one filling with their log-sum and maximum."""
    n, m = lattice[0].shape
    values = data.draw(st.lists(st.booleans(), min_size=m, max_size=m))
    alike: dict[Pairs, list[float]] = {}
    for pairs, score in all_scores(lattice):
        shown = tuple((i, j) for i, j in pairs if values[j])
        alike.setdefault(shown, []).append(score)
    way = Way(Lattice(*lattice), range(m), 0.0)
    listed = enumerate_fillings(way, values, range(n), 10_000, inf)
    assert listed is not None
    assert {path.pairs for path in listed.paths} == set(alike)
    for path in listed.paths:
        assert path.weight == pytest.approx(log_sum(alike[path.pairs]), abs=1e-6)
        assert path.best == pytest.approx(max(alike[path.pairs]), abs=1e-6)


def test_a_beam_costs_what_its_width_says() -> None:
    """Where each of a hundred symbols may be a stray, no more partial fillings are looked at."""
    n, m, width = 120, 47, 127
    way = Way(Lattice(np.zeros((n, m)), np.zeros((n, m + 1)), np.full(m, -1.0)), range(m), 0.0)
    ranking = Mock(known=())
    ranking.added.return_value = ()
    ranking.settles.return_value = False
    found = enumerate_fillings(way, [True] * m, range(n), width, 12.0, ranking)
    assert found is not None
    assert len(found.paths) == width
    assert ranking.added.call_count < GROWTH * width * m
