"""Tables, bindings, judgements and the worth of confidences, against truths computed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.dumps import Truth
from benchmarks.metrics import (
    Floats,
    Judgement,
    area_under,
    bootstrap,
    calibration,
    coverage_at,
    judge,
    match_tables,
    reliability,
    risk_coverage,
)
from benchmarks.tables import (
    Binding,
    Cell,
    Kind,
    Role,
    Table,
    fold,
    kind_of,
    table_from_record,
    tables_of_page,
)

Place = tuple[int, int, int, int, str]
Item = tuple[float, int, int]


def page(markup: str) -> Table:
    (only,) = tables_of_page(f"<table>{markup}</table>")
    return only


def form(*lines: str, confidence: float = 1.0, stub: bool = True) -> Table:
    """Texts parted by spaces, `.` for a blank; the first line is labels, and so is the stub."""
    cells = []
    for row, line in enumerate(lines):
        for col, text in enumerate(line.split()):
            role: Role = "label" if row == 0 or (stub and col == 0) else "value"
            cells.append(Cell(row, col, 1, 1, role, text.strip("."), confidence))
    return Table(tuple(cells), (len(lines), len(lines[0].split())))


def records(*lines: str) -> Table:
    """A table without row labels."""
    return form(*lines, stub=False)


def rights(judged: Judgement) -> list[bool]:
    return [claim.right for claim in judged.claims]


# --- the grid ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "places"),
    [
        ("<tr><td>a<td>b", [(0, 0, 1, 1, "a"), (0, 1, 1, 1, "b")]),
        # a fills rows 0 and 1 of column 0, so that c and d move to columns 1 and 2
        (
            "<tr><td rowspan=2>a<td colspan=2>b<tr><td>c<td>d",
            [(0, 0, 2, 1, "a"), (0, 1, 1, 2, "b"), (1, 1, 1, 1, "c"), (1, 2, 1, 1, "d")],
        ),
        # b passes both a and c, which come from above
        (
            "<tr><td rowspan=2>a<td rowspan=2>c<tr><td>b",
            [(0, 0, 2, 1, "a"), (0, 1, 2, 1, "c"), (1, 2, 1, 1, "b")],
        ),
        ("<tr><td rowspan=9>a<tr><td>b", [(0, 0, 2, 1, "a"), (1, 1, 1, 1, "b")]),
        # HTML standard: rowspan 0 is "all the remaining rows", colspan 0 is an error and 1
        ("<tr><td rowspan=0>a<tr><td>b<tr>", [(0, 0, 3, 1, "a"), (1, 1, 1, 1, "b")]),
        ("<tr><td colspan=0>a<td>b", [(0, 0, 1, 1, "a"), (0, 1, 1, 1, "b")]),
        ("<tr><td colspan=-2>a<td colspan=x>b", [(0, 0, 1, 1, "a"), (0, 1, 1, 1, "b")]),
        ("<tr><td colspan=''>a<td colspan=²>b", [(0, 0, 1, 1, "a"), (0, 1, 1, 1, "b")]),
        # HTML standard: what follows the digits is ignored
        ("<tr><td colspan=' 2px'>a<td>b", [(0, 0, 1, 2, "a"), (0, 2, 1, 1, "b")]),
        ("<tr><td colspan=99999999>a", [(0, 0, 1, 1000, "a")]),
        ("<tr><td>a\n <b>b</b> ", [(0, 0, 1, 1, "a b")]),
        # a table within a cell adds its text and nothing else
        (
            "<tr><td>a<table><tr><td>n<tr><td>m</table><tr><td>b",
            [(0, 0, 1, 1, "anm"), (1, 0, 1, 1, "b")],
        ),
        ("<tr><tr><td>a", [(1, 0, 1, 1, "a")]),
        ("", []),
    ],
)
def test_cells_are_placed_as_html_places_them(markup: str, places: list[Place]) -> None:
    """Spans push later cells aside, end with the table, and count as 1 where they say nothing."""
    table = page(markup)
    assert [(c.row, c.col, c.rowspan, c.colspan, c.text) for c in table.cells] == places
    # the rows are the `tr` of the outer table, the width what its cells reach
    rows = markup.count("<tr>") - 2 * markup.count("<table>")
    assert table.shape == (rows, max((col + span for _, col, _, span, _ in places), default=0))


def test_tables_of_a_page() -> None:
    """Tables come in order with their layouts, `th` are labels; a page may have none."""
    first, second = tables_of_page(
        "<p>x<table data-template=t><tr><th>a<td>b</table><table><tr><td>c</table>"
    )
    assert [cell.role for cell in first.cells] == ["label", "value"]
    assert (first.template, second.template) == ("t", None)
    assert tables_of_page(" \n") == tables_of_page("<p>x") == []


def test_rows_repeat_a_merged_text() -> None:
    """The full rectangle has a merged cell's text at each position, and nothing where none is."""
    table = page("<tr><th colspan=2>a<tr><td>b")
    assert table.rows() == [["a", "a"], ["b", ""]]
    assert page(table.to_html().removeprefix("<table>")) == table


# --- bindings ----------------------------------------------------------------------------------


TWO_LEVELS = """<tr><th rowspan=2 colspan=2>x<th colspan=2>收入<th rowspan=2>z
<tr><th>甲<th>乙
<tr><th rowspan=2>R<th>a<td>1<td>2<td>3
<tr><th>b<td>4<td colspan=2>5"""


@pytest.mark.parametrize(
    ("markup", "bindings"),
    [
        (
            TWO_LEVELS,
            [
                Binding(("R", "a"), ("收入", "甲"), 0),
                Binding(("R", "a"), ("收入", "乙"), 0),
                Binding(("R", "a"), ("z",), 0),
                Binding(("R", "b"), ("收入", "甲"), 0),
                Binding(("R", "b"), ("收入", "乙"), 0),
            ],
        ),
        # the nearest block of labels above is the header, even in the middle of a body
        (
            "<tr><th>x<th>甲<tr><th>a<td>1<tr><th>y<th>乙<tr><th>b<td>2",
            [Binding(("a",), ("甲",), 0), Binding(("b",), ("乙",), 0)],
        ),
        # below a label over the full width, columns differ by their number only
        (
            "<tr><th>x<th>甲<th>乙<tr><th>a<td>1<td>2<tr><th colspan=3>S<tr><th>b<td>3<td>4",
            [
                Binding(("a",), ("甲",), 0),
                Binding(("a",), ("乙",), 0),
                Binding(("b",), ("S",), 0),
                Binding(("b",), ("S",), 1),
            ],
        ),
        (
            "<tr><th>x<th>甲<th>甲<tr><th>a<td>1<td>2<tr><th>a<td>3",
            [Binding(("a",), ("甲",), n) for n in range(3)],
        ),
        # a label is once in a path, whether it is merged or repeated; blank labels are not in it
        (
            "<tr><th colspan=2>x<th>甲<tr><th><th><th>甲<tr><th>R<th>R<td>1",
            [Binding(("R",), ("甲",), 0)],
        ),
        ("<tr><th>x<th>甲<tr><th colspan=2>R<td>1", [Binding(("R",), (), 0)]),
        # labels between values: those to the left
        (
            "<tr><th>a<td>1<th>b<td>2",
            [Binding(("a",), (), 0), Binding(("a", "b"), (), 0)],
        ),
        # a record is known by its first text; equal keys are numbered
        (
            "<tr><th>名<th>年<tr><td>k<td>1<tr><td><td>2<tr><td>k<td>3<tr><td><td>",
            [
                Binding(("k",), ("名",), 0),
                Binding(("k",), ("年",), 0),
                Binding(("2",), ("名",), 0),
                Binding(("2",), ("年",), 0),
                Binding(("k",), ("名",), 1),
                Binding(("k",), ("年",), 1),
                Binding((), ("名",), 0),
                Binding((), ("年",), 0),
            ],
        ),
    ],
)
def test_a_value_is_known_by_its_labels(markup: str, bindings: list[Binding]) -> None:
    """Row labels from the left, column labels from above, and a number among equal ones."""
    table = page(markup)
    values = [cell for cell in table.cells if cell.role == "value"]
    assert list(table.bindings.items()) == list(zip(bindings, values, strict=True))


def test_white_space_is_no_key_of_a_record() -> None:
    """A tool's blank of spaces is a blank: the record is known by the text that follows."""
    cells = Cell(0, 0, 1, 1, "value", " \u3000"), Cell(0, 1, 1, 1, "value", "k")
    assert [binding.row for binding in Table(cells, (1, 2)).bindings] == [("k",), ("k",)]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("１，２３４％", "1,234%"),
        (" 1 234\u3000", "1234"),
        ("結果\n維持", "结果维持"),
        ("髮", "发"),
        (r"\-\_", "-_"),
        ("a\\b", "a\\b"),
        ("", " \t"),
    ],
)
def test_texts_that_count_as_the_same(text: str, same: str) -> None:
    """Width, script, white space and Markdown escapes make no difference."""
    assert fold(text) == fold(same)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1"), ("-1", "1"), ("a", "A"), ("1,234", "1234"), ("/", "")]
)
def test_texts_that_differ(one: str, other: str) -> None:
    """A value is verbatim: equal numbers written otherwise are other texts."""
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "blank"),
        (" \u3000\n", "blank"),
        *[(zero, "zero") for zero in ("0", "０", "-0", "0.00", "0%", "00")],
        *[(filled, "filled") for filled in ("10", "0.01", "-", "0,5", "/", "0 人")],
    ],
)
def test_kinds_of_values(text: str, kind: Kind) -> None:
    """Zeros and blanks come right by chance; all else is filled."""
    assert kind_of(text) == kind


# --- records of tools --------------------------------------------------------------------------


def test_record_with_missing_fields() -> None:
    """Only row and column must be given; cells are put in reading order."""
    table = table_from_record(
        {
            "cells": [
                {"row": 1, "col": 0, "text": None, "confidence": None, "rowspan": None},
                {"row": 0, "col": 1, "text": 0, "confidence": 0.5},
                {"row": 0, "col": 0, "role": "label", "text": "a", "rowspan": 1, "colspan": 1},
            ]
        }
    )
    assert table == Table(
        (
            Cell(0, 0, 1, 1, "label", "a", 1.0),
            Cell(0, 1, 1, 1, "value", "0", 0.5),
            Cell(1, 0, 1, 1, "value", "", 1.0),
        ),
        (2, 2),
    )
    stated = table_from_record({"shape": [3, 4], "template": "t", "cells": []})
    assert stated == Table((), (3, 4), "t")
    assert table_from_record({"cells": []}).shape == (0, 0)


@pytest.mark.parametrize(
    "fault",
    [
        {"row": -1},
        {"col": -1},
        {"rowspan": 0},
        {"colspan": -2},
        {"rowspan": 10**9},
        {"colspan": 10**9},
        {"rowspan": 1000, "colspan": 1001},
        {"row": 10**9},
        {"confidence": 1.5},
        {"confidence": -0.1},
        {"confidence": float("nan")},
    ],
)
@pytest.mark.parametrize("shape", [None, [10**9, 10**9]])
def test_malformed_cell_is_named(fault: Mapping[str, Any], shape: object) -> None:
    """A cell that no table can hold is refused by its place before any memory is spent on it."""
    cell = {"row": 7, "col": 5, **fault}
    with pytest.raises(ValueError, match=f"^cell of row {cell['row']}, column {cell['col']} "):
        table_from_record({"shape": shape, "cells": [{"row": 0, "col": 0}, cell]})


@pytest.mark.parametrize(
    "fault", [{"row": "x"}, {"row": None}, {"colspan": []}, {"confidence": "high"}]
)
def test_cell_that_states_no_number(fault: Mapping[str, Any]) -> None:
    """What is not a number is shown with its cell."""
    with pytest.raises(ValueError, match=r"^cell \{'row': .*'text': 'here'.*\?$"):
        table_from_record({"cells": [{"row": 0, "col": 0, "text": "here", **fault}]})


def test_cells_beyond_the_shape() -> None:
    """A shape that its cells do not fit in is refused, and so is one that none could fill."""
    cells = [{"row": 0, "col": 0, "colspan": 2}]
    with pytest.raises(ValueError, match=r"row 0, column 0 .* beyond the shape, 1 × 1"):
        table_from_record({"shape": [1, 1], "cells": cells})
    with pytest.raises(ValueError, match="shape 1000 × 1001"):
        table_from_record({"shape": [1000, 1001], "cells": cells})
    assert table_from_record({"shape": [1, 2], "cells": cells}).shape == (1, 2)


def test_cells_that_cover_each_other() -> None:
    """Overlapping cells are kept, the later on top; a pile of large ones is refused."""
    label = {"row": 0, "col": 0, "rowspan": 2, "role": "label", "text": "a"}
    over = {"row": 1, "col": 0, "text": "1"}
    table = table_from_record({"cells": [label, over, {"row": 1, "col": 1, "text": "2"}]})
    assert table.rows() == [["a", ""], ["1", "2"]]
    # in row 1 there is no label left, so that its first text is its key
    assert [binding.row for binding in table.bindings] == [("1",), ("1",)]
    large = {"row": 0, "col": 0, "rowspan": 800, "colspan": 800}
    assert table_from_record({"cells": [large]}).shape == (800, 800)
    # 2 · 800 · 800 = 1,280,000
    with pytest.raises(ValueError, match=r"row 0, column 0 \(800 × 800\): the table has over"):
        table_from_record({"cells": [large, large]})


# --- one table judged --------------------------------------------------------------------------


TRUTH = form("x 甲 乙", "a 1 2", "b 3 4", "c 5 6")


def test_the_same_table() -> None:
    """A table that says the same, if in another script and width, is perfect."""
    judged = judge(Truth(form("x 結果", "a 12")), form("x 结果", "a １２", confidence=0.3))
    (claim,) = judged.claims
    assert claim[:6] == ("filled", True, True, 0.3, "12", "１２")
    assert (judged.invented, judged.silent, judged.perfect) == ((), 0, True)
    assert (judged.cells_right, judged.cells) == (4, 4)
    assert judged.template_right is None


@pytest.mark.parametrize(
    ("confidence", "silent"), [(1.0, 4), (0.9, 4), (0.8999, 0), (0.5, 0), (0.0, 0)]
)
def test_values_of_two_rows_exchanged(confidence: float, silent: int) -> None:
    """Values under the wrong label are wrong, and silent where they are told, at 0.9 already."""
    found = form("x 甲 乙", "a 1 2", "b 5 6", "c 3 4", confidence=confidence)
    judged = judge(Truth(TRUTH), found)
    assert rights(judged) == [True, True, False, False, False, False]
    assert (judged.silent, judged.invented, judged.perfect) == (silent, (), False)
    # each label and each value cell stands where it should: only texts are wrong
    assert (judged.cells_right, judged.cells) == (12, 12)


def test_rows_exchanged_with_their_labels() -> None:
    """Bound to labels, values of a moved row are right; its labels do not stand at their place."""
    judged = judge(Truth(TRUTH), form("x 甲 乙", "a 1 2", "c 5 6", "b 3 4"))
    assert all(rights(judged))
    assert (judged.silent, judged.invented, judged.perfect) == (0, (), False)
    # of 12 cells the labels b and c
    assert (judged.cells_right, judged.cells) == (10, 12)


def test_columns_exchanged() -> None:
    """Two columns swapped under their labels are all wrong, swapped with them all right."""
    below = judge(Truth(TRUTH), form("x 甲 乙", "a 2 1", "b 4 3", "c 6 5"))
    assert not any(rights(below))
    assert below.silent == 6
    along = judge(Truth(TRUTH), form("x 乙 甲", "a 2 1", "b 4 3", "c 6 5"))
    assert all(rights(along))
    # of 12 cells the labels 甲 and 乙
    assert (along.silent, along.cells_right, along.perfect) == (0, 10, False)


def test_first_records_only() -> None:
    """Records that were never given are not right, yet nothing false was told."""
    lines = [f"k{row} {row + 50}" for row in range(20)]
    judged = judge(Truth(records("名 数", *lines)), records("名 数", *lines[:5]))
    # two values a record: 2 · 5 of 2 · 20, recall 5/20
    assert rights(judged) == [True] * 10 + [False] * 30
    assert {(claim.found, claim.confidence) for claim in judged.claims[10:]} == {(None, 0.0)}
    assert (judged.silent, judged.invented, judged.perfect) == (0, (), False)
    # 2 labels and 10 values, of 2 and 40
    assert (judged.cells_right, judged.cells) == (12, 42)


def test_one_blank_lost() -> None:
    """All values after a lost blank move on by one, and those that are equal come right."""
    truth = form("x 甲 乙 丙", "a 1 . 0", "b 0 2 .")
    judged = judge(Truth(truth), form("x 甲 乙 丙", "a 1 0 0", "b 2 . ."))
    # 1→1, blank→0, 0→0; 0→2, 2→blank, blank→blank
    assert [(claim.kind, claim.right) for claim in judged.claims] == [
        ("filled", True),
        ("blank", False),
        ("zero", True),
        ("zero", False),
        ("filled", False),
        ("blank", True),
    ]
    assert (judged.silent, judged.invented) == (3, ())


def test_invented_values() -> None:
    """A text for a blank is wrong; a text at a place the truth lacks is invented."""
    truth = form("x 甲 乙", "a 1 .")
    judged = judge(Truth(truth), form("x 甲 乙", "a 1 7"))
    assert (rights(judged), judged.invented, judged.silent) == ([True, False], (), 1)
    more = form("x 甲 乙", "a 1 .", "b . 8", "c 9 .")
    # reading order: 甲 乙 of a, b, c; values at 4, 5 · 7, 8 · 10, 11
    cells = [
        replace(cell, confidence={8: 0.9, 10: 0.6}.get(i, 1.0)) for i, cell in enumerate(more.cells)
    ]
    judged = judge(Truth(truth), Table(tuple(cells), more.shape))
    assert (rights(judged), judged.invented) == ([True, True], (0.9, 0.6))
    # only the one told with 0.9 is silent
    assert (judged.silent, judged.perfect) == (1, False)


def test_blanks_are_not_invented() -> None:
    """White space at a place that the truth lacks says nothing."""
    more = form("x 甲 乙", "a 1 2", "b 3 4").with_texts({7: "", 8: " \u3000"})
    judged = judge(Truth(form("x 甲 乙", "a 1 2")), more)
    assert (judged.invented, judged.silent, judged.perfect) == ((), 0, False)


def test_value_under_a_misread_label() -> None:
    """Values of a row that the truth does not name are missing there and invented here."""
    judged = judge(Truth(form("x 甲", "a 1")), form("x 甲", "d 1"))
    assert [claim.found for claim in judged.claims] == [None]
    assert (rights(judged), judged.invented, judged.silent) == ([False], (1.0,), 1)


def test_undecidable_values() -> None:
    """What the dump does not decide is marked, and silent all the same where it is told wrong."""
    # cells: x 甲 乙 · a 1 2 · b 3 4 · c 5 6
    truth = Truth(TRUTH, undecidable=frozenset({4, 10}))
    judged = judge(truth, TRUTH.with_texts({4: "9"}))
    assert [claim.decidable for claim in judged.claims] == [False, True, True, True, False, True]
    assert rights(judged) == [False, True, True, True, True, True]
    assert (judged.decidable, judged.silent) == (False, 1)
    assert judge(Truth(TRUTH), TRUTH).decidable


@pytest.mark.parametrize(("text", "invented"), [("", ()), ("6", (1.0,)), ("7", (1.0,))])
def test_absent_values(text: str, invented: tuple[float, ...]) -> None:
    """A value that was cut off is not asked for; a text for it is invented, even the true one."""
    judged = judge(Truth(TRUTH, absent=frozenset({11})), TRUTH.with_texts({11: text}))
    assert rights(judged) == [True] * 5
    assert (judged.invented, judged.silent) == (invented, len(invented))
    assert judged.perfect == (text == "")


def test_no_table_found() -> None:
    """Where no table was found nothing is right, and nothing silent."""
    judged = judge(Truth(replace(TRUTH, template="t")), None)
    assert [claim[2:4] for claim in judged.claims] == [(False, 0.0)] * 6
    assert (judged.silent, judged.invented, judged.perfect) == (0, (), False)
    assert (judged.cells_right, judged.cells, judged.table) == (0, 12, None)
    assert judged.template_right is False


@pytest.mark.parametrize(("template", "right"), [("t", True), ("u", False), (None, False)])
def test_template_named(template: str | None, right: bool) -> None:
    """The layout's name is right if it is the truth's, whatever the values are."""
    judged = judge(Truth(replace(TRUTH, template="t")), replace(TRUTH, template=template))
    assert (judged.template_right, judged.perfect) == (right, True)


@pytest.mark.parametrize(
    ("markup", "cells_right"),
    [
        ("<tr><th colspan=2>x<th>y<tr><th>a<th>b<td>1", 5),
        # two labels where one spans; values know the same labels
        ("<tr><th>x<th>x<th>y<tr><th>a<th>b<td>1", 4),
        ("<tr><th colspan=2>z<th>y<tr><th>a<th>b<td>1", 4),
        ("<tr><td colspan=2>x<th>y<tr><th>a<th>b<td>1", 4),
        ("<tr><th colspan=2>x<th>y<tr><th>a<th>b<td>2", 5),
        ("<tr><th colspan=2>x<th>y<tr><th>a<th>b<td>1<tr>", 5),
    ],
)
def test_perfect_is_every_cell(markup: str, cells_right: int) -> None:
    """Spans, labels, roles, values and the shape: any fault makes a table imperfect."""
    perfect = "<tr><th colspan=2>x<th>y<tr><th>a<th>b<td>1"
    judged = judge(Truth(page(perfect)), page(markup))
    assert (judged.cells_right, judged.cells) == (cells_right, 5)
    assert judged.perfect == (markup == perfect)


# --- tables of a document ----------------------------------------------------------------------


OTHER = form("y 丙 丁", "d 1 2", "e 3 4")
STRANGER = form("问 答", "如何 如此")


def test_tables_are_matched_by_what_they_hold() -> None:
    """The order in which a tool gives tables does not matter, nor what it gives beside them."""
    given = [STRANGER, OTHER, TRUTH]
    for found in permutations(given):
        assert [id(t) for t in match_tables([TRUTH, OTHER], found)] == [id(TRUTH), id(OTHER)]
    assert match_tables([TRUTH, OTHER], [OTHER]) == [None, OTHER]
    assert match_tables([TRUTH], []) == match_tables([TRUTH], [STRANGER]) == [None]
    assert match_tables([], [TRUTH]) == []


def test_a_table_found_twice() -> None:
    """Of two findings the first is taken, right or wrong; two true tables take both."""
    worse = TRUTH.with_texts({4: "9"})
    for found in permutations([worse, TRUTH]):
        assert match_tables([TRUTH], found) == [found[0]]
    twice = match_tables([TRUTH, TRUTH], [TRUTH, worse])
    assert sorted(map(id, twice)) == sorted(map(id, [TRUTH, worse]))


def test_a_table_with_all_values_wrong() -> None:
    """Labels suffice for a match."""
    wrong = form("x 甲 乙", "a . .", "b . .", "c . .")
    assert match_tables([TRUTH], [wrong]) == [wrong]
    labels = form("x 甲 问", "如")
    assert match_tables([TRUTH], [labels]) == [labels]


def test_the_best_matching_of_all() -> None:
    """The pair that agrees most gives way where the whole agrees more."""
    first, second = form("a b c d"), form("a e")
    found = form("a b c e"), form("b c f")
    # labels in common: first 3 and 2, second 2 and 0; 3 + 0 is less than 2 + 2
    assert match_tables([first, second], found) == [found[1], found[0]]


# --- confidence --------------------------------------------------------------------------------


def columns(items: Sequence[Item]) -> tuple[Floats, Floats, Floats]:
    """Confidences, outcomes and numbers of values."""
    confidence, right, weight = np.array(items, dtype=float).T
    return confidence, right, weight


def aurc(items: Sequence[Item]) -> float:
    return area_under(*risk_coverage(*columns(items)))


items_of = st.lists(
    st.tuples(
        st.integers(0, 6).map(lambda tenths: tenths / 6), st.integers(0, 1), st.integers(1, 5)
    ),
    min_size=1,
    max_size=8,
)


def test_risk_and_coverage_by_hand() -> None:
    """Values of equal confidence are accepted together, the most confident first."""
    # accepted after .9: 1 right + 1 wrong of 4; after .5: + 1 right; after .1: + 1 wrong
    items = [(0.5, 1, 1), (0.9, 0, 1), (0.1, 0, 1), (0.9, 1, 1)]
    coverage, risk = risk_coverage(*columns(items))
    assert coverage.tolist() == [2 / 4, 3 / 4, 4 / 4]
    assert risk.tolist() == [1 / 2, 1 / 3, 2 / 4]


@pytest.mark.parametrize(
    ("limit", "covered"), [(0.5, 1.0), (0.49, 0.75), (1 / 3, 0.75), (0.33, 0.0), (0.0, 0.0)]
)
def test_coverage_at_a_risk(limit: float, covered: float) -> None:
    """The largest coverage counts, though risk may be higher before; the limit is within."""
    coverage, risk = np.array([0.5, 0.75, 1.0]), np.array([0.5, 1 / 3, 0.5])
    assert coverage_at(limit, coverage, risk) == covered


@pytest.mark.parametrize(
    ("items", "area"),
    [
        ([(0.5, 1, 1)], 0.0),
        ([(0.5, 0, 1)], 1.0),
        # ∫ (c - 1/2) / c from 1/2 to 1
        ([(0.9, 1, 1), (0.5, 0, 1)], 1 / 2 - log(2) / 2),
        # 1 up to 1/2, then ∫ (1/2) / c
        ([(0.9, 0, 1), (0.5, 1, 1)], 1 / 2 + log(2) / 2),
        ([(0.5, 0, 1), (0.5, 1, 1)], 1 / 2),
        ([(0.5, 0, 1), (0.5, 1, 3)], 1 / 4),
        # 0 up to 1/4, then wrong = (c - 1/4) · 2/3: 2/3 · (3/4 - 1/4 · log 4)
        ([(0.9, 1, 1), (0.5, 0, 2), (0.5, 1, 1)], 1 / 2 - log(4) / 6),
    ],
)
def test_area_by_hand(items: list[Item], area: float) -> None:
    """The area under risk over coverage, as the integral gives it."""
    assert aurc(items) == pytest.approx(area)


def area_in_order(outcomes: Sequence[int], steps: int = 200) -> float:
    """Risk over coverage, value after value in small steps."""
    part = (np.arange(steps) + 0.5) / steps
    areas = []
    wrong = 0
    for accepted, right in enumerate(outcomes):
        areas.append(((wrong + part * (1 - right)) / (accepted + part)).mean())
        wrong += 1 - right
    return float(np.mean(areas))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 1)), min_size=1, max_size=5)
)
def test_area_is_the_mean_over_all_orders(items: list[tuple[float, int]]) -> None:
    """Ties count as the average of every order in which the tied values can come."""
    orders = [
        [right for _, right in order]
        for order in permutations(items)
        if all(one[0] >= other[0] for one, other in pairwise(order))
    ]
    expected = np.mean([area_in_order(outcomes) for outcomes in orders])
    assert aurc([(*item, 1) for item in items]) == pytest.approx(expected, abs=1e-4)


@settings(deadline=None)
@given(items_of)
def test_all_measures_count_alike_values(items: list[Item]) -> None:
    """A value with number n is n values; the order in which values come does not matter."""
    single = [(confidence, right, 1) for confidence, right, n in items for _ in range(n)]
    merged = calibration(*columns(items))
    assert calibration(*columns(single[::-1])) == pytest.approx(merged, nan_ok=True)
    for bins in (2, 3, 15):
        one, other = (reliability(*columns(values), bins=bins) for values in (items, single[::-1]))
        assert np.array(one) == pytest.approx(np.array(other))


@settings(deadline=None)
@given(items_of)
def test_bins_hold_everything_once(items: list[Item]) -> None:
    """Shares of bins add up to 1, their means to the overall means; none is empty."""
    confidence, right, weight = columns(items)
    mean, accuracy, share = np.array(reliability(confidence, right, weight, bins=3)).T
    assert len(share) <= 3
    assert min(share) > 0
    assert sum(share) == pytest.approx(1)
    assert sum(mean * share) == pytest.approx(np.average(confidence, weights=weight))
    assert sum(accuracy * share) == pytest.approx(np.average(right, weights=weight))


@settings(deadline=None)
@given(items_of)
def test_measures_stay_in_their_range(items: list[Item]) -> None:
    """All lie in 0..1, and less risk covers no more."""
    found = calibration(*columns(items))
    given = [measure for measure in found if not np.isnan(measure)]
    assert all(-1e-12 <= measure <= 1 + 1e-12 for measure in given)
    assert len(given) == len(found) or {confidence for confidence, *_ in items} == {0}
    assert found.coverage_01 <= found.coverage_1


@pytest.mark.parametrize(
    ("items", "bins", "expected"),
    [
        # middles 1/8, 3/8, 5/8, 7/8: two to each half
        (
            [(0.1, 0, 1), (0.2, 1, 1), (0.6, 1, 1), (0.8, 1, 1)],
            2,
            [(0.15, 0.5, 0.5), (0.7, 1.0, 0.5)],
        ),
        # the three of .5 stay together: middle of 1/4..1 is 5/8
        ([(0.1, 0, 1), (0.5, 1, 2), (0.5, 0, 1)], 2, [(0.1, 0, 0.25), (0.5, 2 / 3, 0.75)]),
        # one half of all is at .5, middle 1/2: the second of three
        (
            [(0.2, 1, 1), (0.5, 1, 2), (0.9, 0, 1)],
            3,
            [(0.2, 1.0, 0.25), (0.5, 1.0, 0.5), (0.9, 0.0, 0.25)],
        ),
        # of 20 the .4 are 5..15: middle exactly 1/2, which is the second bin's;
        # means (0 + .2 · 4) / 5 and (.4 · 10 + .6 + .8 · 4) / 15
        (
            [(0.0, 1, 1), (0.2, 0, 4), (0.4, 0, 10), (0.6, 1, 1), (0.8, 1, 4)],
            2,
            [(0.16, 0.2, 0.25), (0.52, 1 / 3, 0.75)],
        ),
        # 7 and 13 of 20, middles 3.5/20 and 13.5/20 of four: .7 and 2.7; two bins stay empty
        ([(0.0, 1, 7), (1.0, 1, 13)], 4, [(0.0, 1.0, 0.35), (1.0, 1.0, 0.65)]),
    ],
)
def test_adaptive_bins_by_hand(
    items: list[Item], bins: int, expected: list[tuple[float, float, float]]
) -> None:
    """Bins hold equal numbers of values, as far as equal confidences allow."""
    single = [(confidence, right, 1) for confidence, right, n in items for _ in range(n)]
    for values in (items, single):
        found = reliability(*columns(values), bins=bins)
        assert np.array(found) == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # all right: Brier (.1² + .3²) / 2, gaps (.1 + .3) / 2
        ([(0.9, 1, 1), (0.7, 1, 1)], (0.0, 0.05, 0.2, 1.0, 1.0)),
        # all wrong: Brier (.9² + .7²) / 2, gaps (.9 + .7) / 2
        ([(0.9, 0, 1), (0.7, 0, 1)], (1.0, 0.65, 0.8, 0.0, 0.0)),
        ([(1.0, 1, 1)], (0.0, 0.0, 0.0, 1.0, 1.0)),
        ([(1.0, 0, 1)], (1.0, 1.0, 1.0, 0.0, 0.0)),
        # calibrated: Brier (9 · .1² + .9²) / 10; risk .1 at the first step
        ([(0.9, 1, 9), (0.9, 0, 1)], (0.1, 0.09, 0.0, 0.0, 0.0)),
        # 99 right, then one wrong: ∫ (c - .99) / c from .99; Brier (99 · .01² + .5²) / 100;
        # gaps .99 · .01 + .01 · .5; risk 0 at .99, 1/100 at 1
        (
            [(0.99, 1, 99), (0.5, 0, 1)],
            (0.01 - 0.99 * log(1 / 0.99), 0.002599, 0.0149, 1.0, 0.99),
        ),
        # one wrong of 99 is more than 1 %, of 999 more than 0.1 %, of 1001 less
        ([(0.5, 1, 98), (0.5, 0, 1)], (1 / 99, 0.25, 98 / 99 - 0.5, 0.0, 0.0)),
        ([(0.5, 1, 998), (0.5, 0, 1)], (1 / 999, 0.25, 998 / 999 - 0.5, 1.0, 0.0)),
        ([(0.5, 1, 1000), (0.5, 0, 1)], (1 / 1001, 0.25, 1000 / 1001 - 0.5, 1.0, 1.0)),
    ],
)
def test_calibration_by_hand(items: list[Item], expected: tuple[float, ...]) -> None:
    """AURC, Brier score, ECE, and coverage at 1 % and 0.1 % risk."""
    assert tuple(calibration(*columns(items))) == pytest.approx(expected)


# --- intervals ---------------------------------------------------------------------------------


def ratio(sums: Floats) -> Floats:
    return sums[:, :1] / sums[:, 1:]


def test_documents_alike_leave_no_doubt() -> None:
    """The interval over equal documents, or over one, has no width."""
    for documents in (1, 5):
        low, high = bootstrap(np.array([[1.0, 4.0]] * documents), ratio)
        assert (low.tolist(), high.tolist()) == ([0.25], [0.25])


def test_interval_of_a_share() -> None:
    """Half of 100 documents right: a binomial's 95 % lies within 40 and 60 of 100."""
    parts = np.array([[document % 2, 1.0] for document in range(100)])
    low, high = bootstrap(parts, ratio)
    # standard deviation sqrt(1/4 / 100) = .05; 1.96 of them to either side
    assert (low[0], high[0]) == (pytest.approx(0.402, abs=0.012), pytest.approx(0.598, abs=0.012))


def test_whole_documents_are_drawn() -> None:
    """Every resample holds as many documents as there are, each whole and any number of times."""
    drawn: list[Floats] = []

    def keep(sums: Floats) -> Floats:
        drawn.append(sums)
        return sums[:, :1]

    bootstrap(np.eye(4), keep)
    (sums,) = drawn
    assert sums.shape == (1000, 4)
    assert set(sums.sum(axis=1)) == {4.0}
    assert set(sums.flat) == {0.0, 1.0, 2.0, 3.0, 4.0}
    # each document is drawn once a resample on average
    assert sums.mean(axis=0) == pytest.approx(np.ones(4), abs=0.1)


def test_intervals_repeat() -> None:
    """The same seed gives the same interval, another seed another."""
    parts = np.array([[document**2, 100.0] for document in range(10)])
    first, again, other = (np.array(bootstrap(parts, ratio, seed)) for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() == np.array(bootstrap(parts, ratio)).tolist()
    assert first.tolist() != other.tolist()


def test_interval_of_nothing() -> None:
    """Where there is nothing to count the interval is `nan`, without a warning."""
    low, high = bootstrap(np.ones((3, 1)), lambda sums: sums * np.nan)
    assert np.isnan([low, high]).all()
