"""Result files, figures over a handful of rows, and comparisons, against truths by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.compare import Change, compare
from benchmarks.dumps import Truth
from benchmarks.metrics import judge
from benchmarks.results import (
    SHARES,
    SPARE,
    Figures,
    Header,
    Row,
    Wrong,
    figures,
    group_rows,
    line_of,
    outcomes,
    read_results,
    row_of,
    spare_row,
)
from benchmarks.tables import Table, tables_of_page

HEADER = Header("fit", "0123", {"tool": "1.0"}, {"python": "3.12", "system": "Linux"})
NAMES: dict[str, Any] = {"group": "forms", "mangling": "none", "tool": "tool"}
NAMES_OF_D: dict[str, Any] = {"document": "d", "flattener": "f", **NAMES}


def row(document: str, table: int = 0, flattener: str = "f", **of: Any) -> Row:
    return Row(document=document, table=table, flattener=flattener, **NAMES, **of)


def spare(document: str, tables: int, told: int, flattener: str = "f", seconds: float = 0) -> Row:
    ones = [1.0] * told
    return spare_row(tables, ones, document=document, flattener=flattener, seconds=seconds, **NAMES)


def values(*texts: str) -> Table:
    """One row of values: label a, columns 甲, 乙 and so on; the first value is cell n + 2."""
    labels = "".join(f"<th>{name}" for name in "甲乙丙丁戊己庚辛壬癸"[: len(texts)])
    row = "".join(f"<td>{text}" for text in texts)
    (table,) = tables_of_page(f"<table data-template=t><tr><th>x{labels}<tr><th>a{row}</table>")
    return table


# --- rows --------------------------------------------------------------------------------------


def test_row_of_a_judgement() -> None:
    """A row counts decidable and undecidable values apart, and names the wrong ones."""
    truth = Truth(values("1", "0", "", "7", "8"), undecidable=frozenset({10, 11}))
    judgement = judge(truth, values("1", "2", "", "7", "9", "5"))
    made = row_of(judgement, (1.0, 0.5, 0.25), table=3, **NAMES_OF_D)
    assert made == row(
        "d",
        3,
        right=(1, 0, 1),
        total=(1, 1, 1),
        open_right=1,
        open_total=2,
        # 2 for 0, 9 for 8, and 5 in a column too much
        silent=3,
        invented=((1.0, 1),),
        cells_right=12,
        cells=12,
        found=True,
        template_right=True,
        told=((1.0, 0, 1), (1.0, 1, 2)),
        open_told=((1.0, 0, 1), (1.0, 1, 1)),
        structure=(1.0, 0.5, 0.25),
        wrong=(Wrong(("a",), ("乙",), "0", "2", 1.0), Wrong(("a",), ("戊",), "8", "9", 1.0)),
    )


def test_rows_keep_the_most_confident_errors() -> None:
    """Of ten wrong values four are named, decidable ones first, with confidences rounded."""
    truth = Truth(values(*"1234567890"), undecidable=frozenset({21}))
    wrong = values(*"2345678901")
    cells = [replace(cell, confidence=i / 30) for i, cell in enumerate(wrong.cells)]
    made = row_of(judge(truth, replace(wrong, cells=tuple(cells))), None, table=0, **NAMES_OF_D)
    # values are cells 12..21; the undecidable 21 comes last of all, so 20 leads
    assert [one.confidence for one in made.wrong] == [0.6667, 0.6333, 0.6, 0.5667]
    assert [one.expected for one in made.wrong] == list("9876")
    assert made.told[:2] == ((0.4, 0, 1), (0.433333, 0, 1))
    assert made.open_told == ((0.7, 0, 1),)


def test_row_of_a_table_not_found() -> None:
    """Nothing found, nothing right, nothing told; its values stand with confidence 0."""
    made = row_of(judge(Truth(values("1", "")), None), (0.0, 0.0, 0.0), table=0, **NAMES_OF_D)
    assert made == row(
        "d",
        total=(1, 0, 1),
        cells=6,
        decidable=True,
        template_right=False,
        told=((0.0, 0, 2),),
        structure=(0.0, 0.0, 0.0),
        wrong=(Wrong(("a",), ("甲",), "1", None, 0.0), Wrong(("a",), ("乙",), "", None, 0.0)),
    )


# --- files -------------------------------------------------------------------------------------


def written(path: Path, *entries: Header | Row) -> Path:
    path.write_text("".join(map(line_of, entries)), encoding="utf-8")
    return path


counts = st.integers(0, 10**6)
shares = st.floats(0, 1)
by_kind = st.tuples(counts, counts, counts)
told = st.lists(st.tuples(shares, st.integers(0, 1), counts), max_size=3).map(tuple)
paths = st.lists(st.text(max_size=3), max_size=2).map(tuple)
a_row = st.builds(
    Row,
    *[st.text(max_size=5)] * 5,
    table=st.integers(SPARE, 3),
    template=st.none() | st.text(max_size=5),
    right=by_kind,
    total=by_kind,
    open_right=counts,
    open_total=counts,
    silent=counts,
    invented=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), max_size=3).map(tuple),
    cells_right=counts,
    cells=counts,
    perfect=st.booleans(),
    decidable=st.booleans(),
    found=st.booleans(),
    template_right=st.none() | st.booleans(),
    told=told,
    open_told=told,
    structure=st.none() | st.tuples(shares, shares, shares),
    seconds=shares,
    spare=counts,
    error=st.text(max_size=5),
    wrong=st.lists(
        st.builds(Wrong, paths, paths, st.text(), st.none() | st.text(), shares), max_size=2
    ).map(tuple),
)


@settings(deadline=None)
@given(st.lists(a_row, max_size=3))
def test_rows_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    """A header and any rows are read as they were written, a line each."""
    path = written(tmp_path_factory.getbasetemp() / "results.jsonl", HEADER, *rows)
    assert read_results(path) == (HEADER, rows)
    assert path.read_bytes().count(b"\n") == 1 + len(rows)


def test_lines_state_what_is_not_usual() -> None:
    """Fields that hold their default are left out of a line."""
    assert json.loads(line_of(row("d", silent=2, template_right=False))) == {
        "document": "d",
        "flattener": "f",
        "group": "forms",
        "mangling": "none",
        "silent": 2,
        "table": 0,
        "template_right": False,
        "told": [],
        "tool": "tool",
    }


def test_half_a_pair_of_surrogates_can_be_written(tmp_path: Path) -> None:
    """A tool may give text that is no Unicode; the row comes back with it."""
    odd = row("d", wrong=(Wrong((), (), "一", "\\\ud83d", 0.5),))
    assert read_results(written(tmp_path / "r", HEADER, odd)) == (HEADER, [odd])


def test_last_line_cut_off(tmp_path: Path) -> None:
    """Wherever an interruption cut the last line, within a character too, the others are read."""
    whole, cut = row("甲"), row("乙", wrong=(Wrong(("行",), (), "１２", None, 0.0),))
    path = written(tmp_path / "r", HEADER, whole, cut)
    content = path.read_bytes()
    start = len((line_of(HEADER) + line_of(whole)).encode())
    for end in range(start, len(content)):
        path.write_bytes(content[:end])
        assert read_results(path) == (HEADER, [whole])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"[]\n",
        b"5\n",
        b"\xff\xfe\n",
        b'{"set": "fit"}\n',
        line_of(row("d")).encode(),
        line_of(HEADER).encode() + b'{"document": "d", "unknown": 1}\n',
        line_of(HEADER).encode() + b"text\n",
    ],
)
def test_not_a_result_file(tmp_path: Path, content: bytes) -> None:
    """Anything else is refused by the name of the file."""
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.jsonl: not a result file"):
        read_results(path)


# --- figures -----------------------------------------------------------------------------------

ROWS = [
    row(
        "A", right=(3, 1, 1), total=(4, 1, 2), silent=1, cells_right=9, cells=10, decidable=True,
        structure=(0.8, 0.6, 0.4), told=((0.9, 0, 1), (1.0, 1, 5)),
    ),
    row(
        "A", 1, right=(2, 0, 0), total=(2, 0, 0), cells_right=4, cells=4, decidable=True,
        perfect=True, structure=(1.0, 1.0, 1.0), told=((1.0, 1, 2),),
    ),
    spare("A", 2, told=3, seconds=0.5),
    # perfect, yet not decided by its dump: perfect by chance
    row(
        "B", right=(1, 0, 0), total=(2, 1, 0), open_right=1, open_total=2, cells_right=3, cells=6,
        perfect=True, told=((0.0, 0, 2), (0.5, 1, 1)), open_told=((1.0, 0, 2),),
    ),
    spare("B", 0, told=0, seconds=0.25),
    # another dump of B, of which nothing was asked
    spare("B", 1, told=0, flattener="g"),
]  # fmt: skip


def shares_found(found: Figures) -> dict[str, float]:
    return {name: interval.value for name, interval in found.shares.items()}


def test_figures_by_hand() -> None:
    """Every figure of two documents in three dumps."""
    found = figures(ROWS)
    assert shares_found(found) == pytest.approx(
        {
            "exact": (5 + 2 + 1) / (7 + 2 + 3),
            "filled": (3 + 2 + 1) / (4 + 2 + 2),
            "zero": 1 / (1 + 1),
            "blank": 1 / 2,
            # of the two decidable tables, both A's
            "perfect": 1 / 2,
            "cells": (9 + 4 + 3) / (10 + 4 + 6),
            # 1 in a table and 3 beside; of 12 decidable values and 2 others
            "silent": (1 + 3) / 14,
            # at 0.9 and above 1 + 5, 2 and 2 of the tables, 3 beside them
            "told": (6 + 2 + 2 + 3) / 14,
            "false": (1 + 3) / 13,
        }
    )
    assert (found.tables, found.values) == (3, 14)
    assert found.undecidable == pytest.approx(2 / 14)
    # 2 + 0 + 1 tables, 500 + 250 + 0 ms in three dumps
    assert (found.false_tables, found.milliseconds) == (1.0, 250.0)
    # B has no structure: (.8 + 1) / 2, (.6 + 1) / 2, (.4 + 1) / 2
    assert found.structure == pytest.approx((0.9, 0.8, 0.7))


def test_interval_of_two_documents() -> None:
    """Drawn again, two documents are A alone or B alone in a quarter of the cases each."""
    found = figures(ROWS).shares
    # A: 5 + 2 of 7 + 2, B: 1 of 3
    assert found["exact"][1:] == pytest.approx((1 / 3, 7 / 9))
    # A: (1 + 3) / 9; B: 0 / 5
    assert found["silent"][1:] == pytest.approx((0, 4 / 9))
    # blanks and decidable tables are in A only
    assert found["blank"][1:] == found["perfect"][1:] == (0.5, 0.5)


def test_confidence_of_values() -> None:
    """Outcomes of all rows come together, values beside the tables as wrong; undecidable stay out.

    What a tool does not give (confidence 0) is no statement that could be well or badly meant.
    """
    merged = {(confidence, right): n for confidence, right, n in outcomes(ROWS).tolist()}
    assert merged == {(0.9, 0): 1, (1.0, 1): 7, (0.0, 0): 2, (0.5, 1): 1, (1.0, 0): 3}
    found = figures(ROWS).confidence
    # squares .9² + 7 · 0 + .5² + 3 · 1, of 12 values that were given
    assert found.brier == pytest.approx((0.81 + 0.25 + 3) / 12)
    # of the 10 surest 3 are wrong: nothing can be accepted
    assert found.coverage_1 == found.coverage_01 == 0
    sure = figures([one for one in ROWS if one.table >= 0]).confidence
    # 7 of 11 are accepted without an error, then one wrong of 8
    assert sure.coverage_1 == sure.coverage_01 == pytest.approx(7 / 11)


def test_values_told_where_no_table_is_are_false() -> None:
    """Without true values a share of them is `nan`, but what was told is false."""
    found = figures([spare("A", 1, told=5)])
    assert isnan(found.shares["silent"].value)
    assert found.shares["false"].value == 1


@pytest.mark.parametrize("rows", [[], [spare("A", 0, told=0)], [spare("A", 1, told=0)]])
def test_nothing_to_count(rows: list[Row]) -> None:
    """Shares of nothing are `nan`, whatever was told beside the tables."""
    found = figures(rows)
    assert list(found.shares) == list(SHARES)
    assert np.isnan(list(found.shares.values())).all()
    assert np.isnan([found.undecidable, *found.structure, *found.confidence]).all()
    assert (found.tables, found.values) == (0, 0)
    assert isnan(found.false_tables) if not rows else found.false_tables == rows[0].spare


def test_one_kind_to_count() -> None:
    """A share of a kind that does not occur is `nan`, and the others are not."""
    found = shares_found(figures([row("A", right=(1, 0, 0), total=(2, 0, 0))]))
    assert {name for name, share in found.items() if isnan(share)} == {
        "zero", "blank", "perfect", "cells", "false",
    }  # fmt: skip
    assert (found["exact"], found["filled"], found["silent"]) == (0.5, 0.5, 0.0)


def test_groups_keep_the_order_of_rows() -> None:
    """Groups come as their first rows do."""
    groups = group_rows([row("B"), row("A"), row("B", 1)], lambda one: one.document)
    assert list(groups.items()) == [("B", [row("B"), row("B", 1)]), ("A", [row("A")])]


# --- two runs ----------------------------------------------------------------------------------

BEFORE = [
    row("A", right=(1, 0, 0), total=(2, 0, 0), silent=1),
    row("B", right=(2, 0, 0), total=(2, 0, 0)),
    row("B", 1, open_right=1, open_total=1),
    row("C", right=(9, 0, 0), total=(9, 0, 0)),
    spare("A", 0, told=0),
]
AFTER = [
    spare("A", 1, told=1),
    row("B", right=(0, 0, 0), total=(2, 0, 0), silent=2),
    row("B", 1, open_right=0, open_total=1),
    row("A", right=(2, 0, 0), total=(2, 0, 0)),
    row("D", right=(0, 0, 0), total=(9, 0, 0)),
]


def test_comparison_by_hand() -> None:
    """Only tables of both runs count; what changed comes worst first."""
    found = compare(BEFORE, AFTER)
    assert found.tables == 3
    # before 1 + 2 of 4, after 2 + 0; A alone 2/2 - 1/2, B alone 0/2 - 2/2
    assert found.differences["exact"] == pytest.approx((2 / 4 - 3 / 4, -1.0, 0.5))
    # before 1 + 0 of 4 and 1 undecidable, after 0 + 2 and 1 beside the tables;
    # A alone 1/2 - 1/2, B alone 2/3 - 0
    assert found.differences["silent"] == pytest.approx((3 / 5 - 1 / 5, 0.0, 2 / 3))
    assert isnan(found.differences["zero"].value)
    assert found.changes == [
        Change("B · f · none · table 1", (2, 0), (0, 2), 2),
        Change("A · f · none · beside the tables", (0, 0), (0, 1), 0),
        Change("B · f · none · table 2", (1, 0), (0, 0), 1),
        Change("A · f · none · table 1", (1, 2), (1, 0), 2),
    ]


def test_a_run_compared_with_itself() -> None:
    """All differences are 0, with their intervals, and no table changed."""
    found = compare(ROWS, ROWS[::-1])
    assert list(found.differences) == list(SHARES)
    assert set(found.differences.values()) == {(0.0, 0.0, 0.0)}
    assert (found.tables, found.changes) == (3, [])


@pytest.mark.parametrize(
    "after", [[], [row("C")], [row("A", 1)], [row("A", flattener="g")], [spare("A", 0, told=0)]]
)
def test_no_common_table(after: list[Row]) -> None:
    """Runs over other tables can't be compared."""
    with pytest.raises(ValueError, match="no table in common"):
        compare([row("A"), row("B")], after)
