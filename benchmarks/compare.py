"""What changed between two runs: figure by figure with intervals, then table by table.

Both runs are compared over the tables that both hold, tool by tool (or one tool of each run).
Differences come with 95 % intervals from resampled documents, both runs resampled alike, since
they stand on the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.metrics import Floats, bootstrap
from benchmarks.results import SHARES, SPARE, Interval, Row, group_rows, shares_of, sums_of

__all__ = ["Change", "Comparison", "compare"]


class Change(NamedTuple):
    """One table that came out otherwise: values right and told wrong, before and after."""

    case: str
    right: tuple[int, int]
    silent: tuple[int, int]
    of: int


class Comparison(NamedTuple):
    """Differences (after - before) of all shares, and the tables that changed, worst first."""

    tables: int
    differences: dict[str, Interval]
    changes: list[Change]


def compare(before: Sequence[Row], after: Sequence[Row]) -> Comparison:
    """Compare the rows of one tool in two runs. Raises `ValueError` if they share no table."""
    first = {row.case: row for row in before}
    second = {row.case: row for row in after}
    common = [case for case in first if case in second]
    if not common:
        raise ValueError("the two runs have no table in common")
    pairs = [(first[case], second[case]) for case in common]
    by_document = group_rows([row for row, _ in pairs], lambda row: row.document)
    parts = np.array(
        [
            [*sums_of(rows), *sums_of([second[row.case] for row in rows])]
            for rows in by_document.values()
        ]
    )
    half = parts.shape[1] // 2

    def difference(sums: Floats) -> Floats:
        return shares_of(sums[:, half:]) - shares_of(sums[:, :half])

    point = difference(parts.sum(axis=0, keepdims=True))[0]
    low, high = bootstrap(parts, difference)
    return Comparison(
        sum(row.table != SPARE for row, _ in pairs),
        {
            name: Interval(float(p), float(least), float(most))
            for name, p, least, most in zip(SHARES, point, low, high, strict=True)
        },
        sorted(_changes(pairs), key=lambda c: (c.silent[0] - c.silent[1], c.right[1] - c.right[0])),
    )


def _changes(pairs: Sequence[tuple[Row, Row]]) -> Iterator[Change]:
    for old, new in pairs:
        right = sum(old.right) + old.open_right, sum(new.right) + new.open_right
        silent = old.silent, new.silent
        if right[0] != right[1] or silent[0] != silent[1] or _errors(old) != _errors(new):
            place = "beside the tables" if old.table == SPARE else f"table {old.table + 1}"
            yield Change(f"{old.dump} · {place}", right, silent, sum(old.total) + old.open_total)


def _errors(row: Row) -> set[tuple[object, ...]]:
    """The wrong values that a row keeps, whatever their confidence."""
    return {wrong[:-1] for wrong in row.wrong}
