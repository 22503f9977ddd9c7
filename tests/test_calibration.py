"""What calibration looks at beside the model's probability: signs, each on a small table."""

from __future__ import annotations

import pytest

import tabrecover
from tabrecover.api import read_document
from tabrecover.calibration import KNOWN, logit, signs
from tabrecover.confidence import CEILING
from tabrecover.library import Library
from tabrecover.pipeline import recover_document
from tabrecover.template import Template

HARBOURS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Harbour of the coast<th data-key=in>Ships in"
    "<th data-key=out>Ships out"
    + "".join(f"<tr data-key={n}><th>{n} harbour<td><td>" for n in ("North", "South", "West"))
    + "</table>",
    'id = "harbours"',
)
HEAD = ("Harbour of the coast", "Ships in", "Ships out")
ROWS = [("North harbour", "4", "9"), ("South harbour", "", "7"), ("West harbour", "12", "0")]


def signs_of(dump: str, template: Template = HARBOURS) -> dict[str, list[float]]:
    """The signs by name, of the values in reading order, and the model's confidences."""
    document = read_document(dump, "text")
    (table,) = recover_document(document, Library([template])).tables
    rows = signs(table)
    found = {name: [row[k] for row in rows] for k, name in enumerate(KNOWN)}
    found["confidence"] = [c.confidence for c in table.cells if c.role == "value"]
    return found


@pytest.fixture(scope="module")
def with_bars() -> dict[str, list[float]]:
    """A dump that shows its blank."""
    return signs_of("\n".join("| " + " | ".join(row) + " |" for row in [HEAD, *ROWS]) + "\n")


@pytest.fixture(scope="module")
def in_lines() -> dict[str, list[float]]:
    """One that has lost it."""
    return signs_of("\n".join(text for row in [HEAD, *ROWS] for text in row if text) + "\n")


def test_a_row_with_a_blank_is_not_full(with_bars: dict[str, list[float]]) -> None:
    """Where all cells of a row hold something none of its values can be moved within it."""
    assert with_bars["row_full"] == [1, 1, 0, 0, 1, 1]
    assert with_bars["blank"] == [0, 0, 1, 0, 0, 0]


def test_blanks_are_shown_or_not(
    with_bars: dict[str, list[float]], in_lines: dict[str, list[float]]
) -> None:
    """Bars around every cell show it, lines of texts don't, and an empty cell is unseen there."""
    assert set(with_bars["shown"]) == {1.0}
    assert set(in_lines["shown"]) == {0.0}
    assert sum(with_bars["blank_unseen"]) == 0
    assert sum(in_lines["blank_unseen"]) == 1


def test_a_table_is_as_sure_as_its_weakest_value(in_lines: dict[str, list[float]]) -> None:
    """South's only number may stand in either column; all values know of that doubt."""
    own = [logit(confidence / CEILING) for confidence in in_lines["confidence"]]
    assert in_lines["certainty"] == own
    assert set(in_lines["weakest"]) == {min(own)}
    assert min(own) < logit(0.9)


def test_labels_that_nothing_else_could_be_are_anchors(with_bars: dict[str, list[float]]) -> None:
    """All six labels stand once, in order."""
    assert set(with_bars["anchored"]) == {1.0}


CARD = tabrecover.parse_template(
    "<table><tr><th>Holder of the card<td data-type=text><tr><th>Number of the card"
    "<td data-type=integer><tr><th>Remarks of the bureau<td data-type=text></table>",
    'id = "card"',
)


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        ("Holder of the card\nB. Brown\nNumber of the card\n7\nRemarks of the bureau\nlate\n", 1),
        ("Holder of the card\nB. Brown\nNumber of the card\n7\nRemarks of the bureau\n12\n", 0),
        ("|Holder of the card|Ann|\n|Number of the card|7|\n|Remarks of the bureau|late|\n", 0),
    ],
    ids=["a text", "a number", "between bars"],
)
def test_the_last_text_may_stand_behind_the_table(dump: str, expected: int) -> None:
    """Where nothing closes its cell; no other value has this sign."""
    assert signs_of(dump, CARD)["open_end"] == [0, 0, expected]


def test_words_in_a_slot_for_numbers() -> None:
    """The card's number is none; a text in a slot for texts has no such sign."""
    dump = "|Holder of the card|Ann|\n|Number of the card|none yet|\n|Remarks of the bureau|late|\n"
    assert signs_of(dump, CARD)["unlike"] == [0, 1, 0]


def test_words_between_a_label_and_its_values() -> None:
    """They may name another row, whose values these are; words behind a row say nothing of it."""
    named = [("North harbour", "Hill harbour", "4", "9"), *ROWS[1:], ("Printed in May",)]
    found = signs_of("\n".join(text for row in [HEAD, *named] for text in row if text) + "\n")
    assert [words > 0 for words in found["row_words"]] == [True, True, False, False, False, False]


RECORDS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Name<th>Boats<th>Crew"
    "<tr data-repeated data-key=r><td data-type=text><td><td></table>",
    'id = "records"',
)
THREE_COLUMNS = tabrecover.parse_template(
    "<table data-type=integer><tr><th>Harbour of the coast<th>Ships in<th>Ships out<th>Boats"
    + "".join(f"<tr><th>{name} harbour<td><td><td>" for name in ("North", "South", "West"))
    + "</table>",
    'id = "three"',
)


def test_a_blank_without_a_trace(with_bars: dict[str, list[float]]) -> None:
    """Where empty cells show, a row that lacks a cell may have lost a value."""
    assert sum(with_bars["untraced"]) == 0
    rows = [HEAD, *ROWS[:2], ("West harbour", "12")]
    short = signs_of("\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n")
    assert short["untraced"] == [0, 0, 0, 0, 0, 1]
    assert short["blank"] == [0, 0, 1, 0, 0, 1]


def test_numbers_that_are_run_together() -> None:
    """South's were cut out of one text; those of the others stand alone."""
    heads = "Harbour of the coast\nShips in\nShips out\nBoats\n"
    rows = "North harbour\n4\n9\n5\nSouth harbour070\nWest harbour\n1\n0\n3\n"
    found = signs_of(heads + rows, THREE_COLUMNS)
    assert found["cut"] == [0, 0, 0, 1, 1, 1, 0, 0, 0]


def test_a_text_alone_in_a_record() -> None:
    """All that the second record has is its name; a row with a label has that beside its value."""
    dump = "|Name|Boats|Crew|\n|Ashby|2|9|\n|Printed in May|||\n|Byfleet|4|5|\n"
    assert signs_of(dump, RECORDS)["alone"] == [0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_what_numbers_pages_is_unlike_a_name() -> None:
    """A number between strokes, where the names of records stand."""
    dump = "|Name|Boats|Crew|\n|Ashby|2|9|\n|- 12 -|||\n|Byfleet|4|5|\n"
    assert signs_of(dump, RECORDS)["unlike"] == [0, 0, 0, 1, 0, 0, 0, 0, 0]
