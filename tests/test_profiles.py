"""Shapes of texts, and what the other rows of a column tell of them."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabrecover
from tabrecover.confidence import ACCEPT
from tabrecover.library import Library
from tabrecover.model import Cell
from tabrecover.profiles import PRIOR, Profiles, shape_of
from tabrecover.storage import parse_template

TEXTS = ("2015-08-12", "09:39", "7", "12.5", "Upton", "Low")


@pytest.mark.parametrize(
    ("one", "other", "same_coarse", "same_fine"),
    [
        ("2015-08-12", "1999-01-31", True, True),
        ("2015-08-12", "09:39", False, False),
        ("0.067", "0.31", True, False),
        ("Upton", "Slade", True, True),
        ("Low", "Top", True, False),
        ("自费", "甲", True, False),
        ("Ⅱ", "Upton", False, False),
    ],
)
def test_shapes_as_by_hand(one: str, other: str, same_coarse: bool, same_fine: bool) -> None:
    """Dates are like dates; decimals differ by their places, short codes by what they are."""
    assert (shape_of(one)[0] == shape_of(other)[0]) is same_coarse
    assert (shape_of(one) == shape_of(other)) is same_fine


def by_loops(texts: list[str], columns: list[int], placed: dict[int, list[tuple[int, float]]],
             symbol: int, slot: int) -> float:  # fmt: skip
    """The log-odds, counted with plain loops from the definition."""
    shapes = [shape_of(text) for text in texts]

    def share(level: int) -> float:
        part = sum(s[level] == shapes[symbol][level] for s in shapes) / len(shapes)
        seen = filled = 0.0
        for other, entries in placed.items():
            if other != slot and columns[other] == columns[slot]:
                for k, probability in entries:
                    filled += probability
                    same = shapes[k][0] == shapes[symbol][0]
                    seen += probability * (same if level == 0 else shapes[k] == shapes[symbol])
        whole = sum(s == shapes[symbol] for s in shapes) / len(shapes)
        prior = (
            part
            if level == 0
            else share(0) * whole / (sum(s[0] == shapes[symbol][0] for s in shapes) / len(shapes))
        )
        return (seen + PRIOR * prior) / (filled + PRIOR)

    return log(share(1)) - log(sum(s == shapes[symbol] for s in shapes) / len(shapes))


@settings(deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=8, max_size=16), st.data())
def test_odds_are_as_counted_by_loops(texts: list[str], data: st.DataObject) -> None:
    """What arrays give is what the definition gives; the row itself does not count."""
    columns = [0, 1, -1] * 5
    share = st.floats(0.1, 0.5)
    placed = {
        slot: [(data.draw(st.integers(0, len(texts) - 1)), data.draw(share))]
        for slot in range(len(columns))
        if columns[slot] >= 0
    }
    profiles = Profiles([shape_of(text) for text in texts], columns)
    profiles.learn(placed)
    odds = profiles.log_odds(0, len(texts), 0, len(columns))
    for symbol in range(len(texts)):
        for slot in range(len(columns)):
            if columns[slot] < 0:
                assert odds[symbol, slot] == 0
            else:
                expected = by_loops(texts, columns, placed, symbol, slot)
                assert odds[symbol, slot] == pytest.approx(expected)


def test_a_row_does_not_prove_itself() -> None:
    """A text that stands only where it is looked for gains nothing by standing there."""
    shapes = [shape_of(text) for text in ("7", "8", "9", "5", "2015-08-12")]
    profiles = Profiles(shapes, [0] * 5)
    profiles.learn({slot: [(slot, 1.0)] for slot in range(5)})
    odds = profiles.log_odds(4, 5, 0, 5)[0]
    assert odds[4] < min(odds[:4])


def test_emptiness_as_by_hand() -> None:
    """A row is judged by how many of the others are filled, and by a prior of two rows."""
    profiles = Profiles([shape_of("7"), shape_of("Upton")] * 2, [0] * 4 + [-1])
    profiles.learn({0: [(0, 1.0)], 1: [(1, 1.0)], 2: [(2, 0.5)]})
    held, empty = profiles.emptiness(0, 5, 0.6)
    shares = [(others + PRIOR * 0.6) / (3 + PRIOR) for others in (1.5, 1.5, 2.0, 2.5)]
    assert held == pytest.approx([*(log(share / 0.6) for share in shares), 0])
    assert empty == pytest.approx([*(log((1 - share) / 0.4) for share in shares), 0])


def test_nothing_is_known_before_an_alignment() -> None:
    """No odds and no emptiness without a first alignment, and none for a table of two rows."""
    profiles = Profiles([shape_of("7"), shape_of("Upton"), None], [0, 1, 0, 1])
    assert not profiles.log_odds(0, 3, 0, 4).any()
    assert not np.any(profiles.emptiness(0, 4, 0.9))
    assert not profiles.fits


VISITS = parse_template(
    "<table data-type=text><tr><th data-key=no>Number</th><th data-key=day>Day of visit</th>"
    "<th data-key=hour>Hour</th><th data-key=place>Place seen</th><th data-key=code>Code</th></tr>"
    "<tr data-key=v data-repeated><td data-type=integer></td><td></td><td></td><td></td><td></td>"
    "</tr></table>"
)


ROWS = [
    ["1", "2015-08-12", "09:39", "Upton", "a-1"],
    ["2", "2015-08-13", "10:12", "Slade", "a-4"],
    ["3", "2015-08-17", "", "Hamley", "b-2"],
    ["4", "2015-09-02", "17:45", "Upton", ""],
    ["5", "2015-09-11", "08:00", "Dellow", "c-9"],
    ["6", "2015-09-12", "13:30", "", "c-7"],
    ["7", "2015-09-30", "11:11", "Hamley", "a-8"],
]


def visits() -> list[Cell]:
    """The values that are recovered from the rows, one a line, blanks lost."""
    cells = [cell for row in ROWS for cell in row if cell]
    dump = "\n".join(["Number", "Day of visit", "Hour", "Place seen", "Code", *cells]) + "\n"
    (table,) = tabrecover.recover(dump, templates=Library([VISITS])).tables
    return [cell for cell in table.cells if cell.role == "value"]


def test_records_of_texts_find_their_columns() -> None:
    """Which text of a record was lost is told by what the others look like in its column."""
    assert [cell.text for cell in visits()] == [text for row in ROWS for text in row]


def test_what_only_looks_speak_for_stays_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that are cut in pieces are alike as well, so short ones are placed and not told."""
    short = [cell for cell in visits() if cell.row in (3, 4, 6) and cell.col > 1]
    assert max(cell.confidence for cell in short) < ACCEPT
    monkeypatch.setattr("tabrecover.align.UNPROVEN", 1.0)
    surer = [cell for cell in visits() if cell.row in (3, 4, 6) and cell.col > 1]
    assert all(a.confidence < b.confidence for a, b in zip(short, surer, strict=True))
