"""Where what is told begins, counted by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.calibrate import TOLD_ERROR, TOLD_LIKE, told_from

SURE = np.linspace(1.0, 0.991, 9000)


def right(*wrong_at: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Outcomes of 9,000 values, the surest first; those at these places are wrong."""
    outcomes = np.ones(9000)
    outcomes[list(wrong_at)] = 0
    return outcomes


def test_told_begins_where_15_in_100_000_are_wrong() -> None:
    """With one wrong value of 9,000 all are told; the second of 8,501 is too many, and ends it."""
    assert TOLD_ERROR == 15 / 100_000
    assert told_from(SURE, right(10)) == 0.991
    assert told_from(SURE, right(10, 8500)) == round(float(SURE[8499]), 6)
    assert told_from(SURE, right(0, 1, 2)) == 1.0  # nothing is


def test_told_never_begins_where_one_in_a_hundred_may_be_wrong() -> None:
    """However few of all are wrong, what is less probable than `TOLD_LIKE` is not told."""
    assert TOLD_LIKE <= told_from(np.linspace(1.0, 0.5, 9000), right()) < TOLD_LIKE + 0.001
