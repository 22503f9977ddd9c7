"""What `recover` returns: a table judged anew is judged on all that it was judged on first."""

from __future__ import annotations

import pickle

import pytest

import tabrecover
from tabrecover.results import Table
from tabrecover.storage import builtin_library
from tests.cases import CASES, Case

UNEVEN = (
    "<table><tr><th>Name<th>Red<th>Blue<tr><td>Ann<td>1<td>2<tr><td>Bob<td>3</table>"  # one hole
)


def undecided() -> Table:
    """A form that two editions have in common, which nothing else in the document decides."""
    template = next(t for t in builtin_library().templates if t.id.endswith("2021/review"))
    labels = [cell.text for cell in template.cells if cell.role == "label"]
    (table,) = tabrecover.recover("\n".join([*labels, *"0" * 15, ""])).tables
    return table


def test_undecided_edition_stays_for_review() -> None:
    """Cells that are certain don't make an edition certain that is a coin toss."""
    table = undecided()
    assert min(cell.confidence for cell in table.cells) >= 0.9
    assert table.certainty == pytest.approx(0.5)
    assert table.status == "review"
    assert [table.judged(least).status for least in (0.9, 0.6)] == ["review"] * 2
    assert table.judged(0.4).status == "accepted"


def test_uneven_markup_stays_for_review() -> None:
    """A table whose markup makes no rectangle is for review, also where its values are labels."""
    (table,) = tabrecover.recover(UNEVEN).tables
    assert table.status == "review"
    assert table.judged(0.9).status == "review"
    assert table.judged(0.7).status == "accepted"
    (labels,) = tabrecover.recover(UNEVEN.replace("<td>", "<th>")).tables
    assert {cell.role for cell in labels.cells if cell.text} == {"label"}
    assert labels.judged(0.9).status == labels.status == "review"


def test_judged_as_it_was() -> None:
    """By the confidence that a table was judged by first, nothing changes."""
    (sure,) = tabrecover.recover("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n").tables
    assert sure.certainty == 1
    for table in (sure, undecided()):
        assert table.judged(0.9) == table


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_results_pass_between_processes(case: Case) -> None:
    """A pickled recovery comes back equal, with what explains it."""
    recovery = tabrecover.recover(case.dump)
    again = pickle.loads(pickle.dumps(recovery))  # noqa: S301 - our own
    assert again == recovery
    assert [t.evidence is None for t in again.tables] == [t.template is None for t in again.tables]


def test_certainty_is_not_in_the_record() -> None:
    """The record has the fields that docs/record.md lists, and no other."""
    assert set(undecided().to_dict()) == {
        "template", "span", "shape", "confidence", "status", "cells", "checks", "unplaced",
    }  # fmt: skip
