"""What `recover` returns: a table judged anew is judged on all that it was judged on first."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

import tabrecover
from tabrecover.calibration import UNTOLD, Curve, Regression, calibrated
from tabrecover.confidence import ACCEPT
from tabrecover.model import Alternative, Cell, Span
from tabrecover.results import Table
from tabrecover.storage import builtin_calibration, builtin_library
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


def test_below_what_is_told_confidences_keep_their_order() -> None:
    """From `least` on a probability is told as it is; below it stays under what is told, ranked."""
    weightless = Regression(0.0, (), Curve((0.4, 0.6), (0.0, 1.0)), least=0.98)
    untold = [weightless.untold(p) for p in (0.1, 0.89, 0.9, 0.95, 0.979999)]
    assert untold == sorted(untold)
    assert len(set(untold)) == len(untold)
    assert untold[:2] == [0.1, 0.89]
    assert untold[-1] < ACCEPT
    assert weightless.confidence(1.0, ()) == weightless.probability(()) == 0.5
    sure = replace(weightless, bias=9.0)
    assert sure.confidence(1.0, ()) == 1.0
    assert sure.confidence(0.5, ()) == replace(sure, ranked=False).untold(0.97) == UNTOLD


def test_calibrated_probabilities_are_no_more_than_one() -> None:
    """Doubt that calibration adds does not enlarge what rounding did to the alternatives."""
    others = (Alternative("3", 0.003136), Alternative("", 0.00208), Alternative("2", 0.001685))
    assert 0.9931 + sum(share for _, share in others) > 1
    cell = Cell(0, 0, 1, 1, "value", "5", None, None, 0.9931, (Span(0, 1),), others)
    table = Table(None, Span(0, 1), (1, 1), (cell,), 0.9931, "accepted")
    (doubted,) = calibrated(table, builtin_calibration()).cells
    assert doubted.confidence < 0.9
    shares = [doubted.confidence, *(share for _, share in doubted.alternatives)]
    assert sum(shares) == pytest.approx(1, abs=1e-6 * len(shares))
