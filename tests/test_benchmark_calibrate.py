"""Where what is told begins, counted by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.calibrate import told_from
from tabrecover.confidence import ACCEPT

COUNT = 10_000
SURE = np.linspace(1.0, 0.91, COUNT)
TEN = np.arange(COUNT) % 10  # documents


def right(*wrong_at: int) -> npt.NDArray[np.float64]:
    """Outcomes of all values, the surest first; those at these places are wrong."""
    outcomes = np.ones(COUNT)
    outcomes[list(wrong_at)] = 0
    return outcomes


def test_errors_of_different_documents_weigh_less_than_those_of_one() -> None:
    """Two of 10,000 are wrong: 0.0002 + 1.645 * 0.000126 is few enough, with 0.00019 too many."""
    assert told_from(SURE, right(9000, 9001), TEN) == 0.91
    assert told_from(SURE, right(9000, 9010), TEN) > 0.91


def test_told_ends_before_the_errors_that_are_too_many() -> None:
    """Three wrong values in a row of one document are left out, whatever comes behind them."""
    begin = told_from(SURE, right(5000, 5010, 5020), TEN)
    assert SURE[5020] < begin <= SURE[4900]
    assert told_from(SURE, right(0, 1, 2, 3, 4, 5, 6), TEN) == 1.0  # nothing is


def test_told_never_begins_below_the_threshold_of_users() -> None:
    """However few are wrong, what has less confidence than `ACCEPT` is not told."""
    assert ACCEPT <= told_from(np.linspace(1.0, 0.5, COUNT), right(), TEN) < ACCEPT + 0.001
