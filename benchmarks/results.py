"""What a run found: one JSON object a line, a header first, then a row for every table and tool.

Rows keep what every later figure needs: counts by kind of value, and confidences with their
outcomes (`told`: confidence, right or not, how many), so that figures over any group of rows are
sums. Row -1 of a dump stands for what a tool found beside the true tables.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmarks.metrics import TOLD, Calibration, Floats, Judgement, bootstrap, calibration

__all__ = [
    "SHARES",
    "SPARE",
    "Figures",
    "Header",
    "Row",
    "Wrong",
    "figures",
    "group_rows",
    "line_of",
    "outcomes",
    "read_results",
    "row_of",
    "shares_of",
    "spare_row",
    "sums_of",
]

Key = TypeVar("Key")

WRONG_KEPT = 4
DIGITS = 6  # of a confidence; what decides 0.1 % lies between 0.999 and 1
KINDS = ("filled", "zero", "blank")
SPARE = -1


class Wrong(NamedTuple):
    """A wrong value: its labels, the text it should have, the text found, the confidence."""

    row: tuple[str, ...]
    column: tuple[str, ...]
    expected: str
    found: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Header:
    """Under which conditions rows were made; only rows of equal conditions stand in one file."""

    set: str
    corpus: str
    tools: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One table of one dump, as one tool recovered it.

    `right` and `total` count values of each kind (filled, zero, blank), decidable ones only;
    `open_right` and `open_total` count the undecidable ones. `told` and `open_told` are
    (confidence, 1 right or 0 wrong, how many), `invented` (confidence, how many) of values that the
    truth has no place for.
    """

    document: str
    group: str
    flattener: str
    mangling: str
    tool: str
    table: int
    template: str | None = None
    right: tuple[int, int, int] = (0, 0, 0)
    total: tuple[int, int, int] = (0, 0, 0)
    open_right: int = 0
    open_total: int = 0
    silent: int = 0
    cells_right: int = 0
    cells: int = 0
    perfect: bool = False
    decidable: bool = False
    found: bool = False
    template_right: bool | None = None
    told: tuple[tuple[float, int, int], ...] = ()
    open_told: tuple[tuple[float, int, int], ...] = ()
    invented: tuple[tuple[float, int], ...] = ()
    structure: tuple[float, float, float] | None = None
    seconds: float = 0.0
    spare: int = 0
    error: str = ""
    wrong: tuple[Wrong, ...] = field(default=())

    @property
    def dump(self) -> str:
        """The name of the dump (`Dump.name`)."""
        return f"{self.document} · {self.flattener} · {self.mangling}"

    @property
    def case(self) -> tuple[str, str, str, int]:
        """What the row is about, apart from the tool."""
        return self.document, self.flattener, self.mangling, self.table


def row_of(judgement: Judgement, structure: tuple[float, float, float] | None, **of: Any) -> Row:
    """The row of one judged table; `of` names dump, tool and table."""
    decided = [claim for claim in judgement.claims if claim.decidable]
    undecided = [claim for claim in judgement.claims if not claim.decidable]
    wrong = [claim for claim in judgement.claims if not claim.right]
    wrong.sort(key=lambda claim: (not claim.decidable, -claim.confidence))
    return Row(
        right=_by_kind(claim.kind for claim in decided if claim.right),
        total=_by_kind(claim.kind for claim in decided),
        open_right=sum(claim.right for claim in undecided),
        open_total=len(undecided),
        silent=judgement.silent,
        invented=_counted(judgement.invented),
        cells_right=judgement.cells_right,
        cells=judgement.cells,
        perfect=judgement.perfect,
        decidable=judgement.decidable,
        found=judgement.table is not None,
        template_right=judgement.template_right,
        told=_grouped((claim.confidence, claim.right) for claim in decided),
        open_told=_grouped((claim.confidence, claim.right) for claim in undecided),
        structure=structure,
        wrong=tuple(
            Wrong(c.binding.row, c.binding.column, c.expected, c.found, round(c.confidence, 4))
            for c in wrong[:WRONG_KEPT]
        ),
        **of,
    )


def spare_row(spare: int, confidences: Sequence[float], **of: Any) -> Row:
    """What a tool found where the truth has no table: how many tables, and their values."""
    told = sum(confidence >= TOLD for confidence in confidences)
    return Row(table=SPARE, spare=spare, silent=told, invented=_counted(confidences), **of)


def _by_kind(kinds: Iterable[str]) -> tuple[int, int, int]:
    count = Counter(kinds)
    return count["filled"], count["zero"], count["blank"]


def _grouped(outcomes: Iterable[tuple[float, bool]]) -> tuple[tuple[float, int, int], ...]:
    count = Counter((round(confidence, DIGITS), int(right)) for confidence, right in outcomes)
    return tuple((confidence, right, n) for (confidence, right), n in sorted(count.items()))


def _counted(confidences: Iterable[float]) -> tuple[tuple[float, int], ...]:
    return tuple(sorted(Counter(round(one, DIGITS) for one in confidences).items()))


# -- files -----------------------------------------------------------------------------------


def line_of(entry: Header | Row) -> str:
    """One line of a result file; fields that hold their default are left out."""
    fields = asdict(entry)
    if isinstance(entry, Row):
        fields = {name: value for name, value in fields.items() if value != _DEFAULTS.get(name)}
    line = json.dumps(fields, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace").decode()  # half a pair of surrogates


_DEFAULTS = {
    name: spec.default for name, spec in Row.__dataclass_fields__.items() if name != "told"
} | {"wrong": ()}


def read_results(path: Path) -> tuple[Header, list[Row]]:
    """A result file; a last line that was cut off by an interruption is left out."""
    with path.open("rb") as stream:  # an interruption can cut a character, too
        try:
            header = Header(**json.loads(next(stream)))
            return header, [_row(line) for line in stream if line.endswith(b"\n")]
        except (StopIteration, ValueError, TypeError) as error:
            raise ValueError(f"{path}: not a result file of this benchmark") from error


def _row(line: bytes) -> Row:
    entry: dict[str, Any] = json.loads(line)
    for name in ("right", "total", "structure"):
        if entry.get(name) is not None:
            entry[name] = tuple(entry[name])
    for name in ("told", "open_told", "invented"):
        entry[name] = tuple(tuple(item) for item in entry.get(name, ()))
    entry["wrong"] = tuple(
        Wrong(tuple(row), tuple(column), *rest) for row, column, *rest in entry.get("wrong", ())
    )
    return Row(**entry)


def group_rows(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Rows by a key, keys in the order in which they first come."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


# -- figures ---------------------------------------------------------------------------------


class Interval(NamedTuple):
    """A figure with its 95 % interval over documents."""

    value: float
    low: float
    high: float


SHARES = ("exact", "filled", "zero", "blank", "perfect", "cells", "silent", "told", "false")


class Figures(NamedTuple):
    """Figures over some rows of one tool; shares of 1, `nan` where there is nothing to count.

    `shares`: `exact`, and by kind of value `filled`, `zero`, `blank`: decidable values that are
    right; `perfect`: decidable tables without any fault; `cells`: labels and values at their place
    with their spans; `silent`: told wrong, of all values; `told`: told at all, of all values;
    `false`: told wrong, of those told. `undecidable` is the share of values that
    the dumps don't decide, `false_tables` how many tables a dump are found beside the true ones,
    `structure` holds GriTS-Top, GriTS-Con and TEDS.
    """

    shares: Mapping[str, Interval]
    undecidable: float
    false_tables: float
    structure: tuple[float, float, float]
    confidence: Calibration
    tables: int
    values: int
    milliseconds: float


def figures(rows: Sequence[Row]) -> Figures:
    """All figures of some rows of one tool."""
    tables = [row for row in rows if row.table != SPARE]
    dumps = len({row.case[:3] for row in rows})
    sums = np.array(
        [sums_of(own) for own in group_rows(rows, lambda row: row.document).values()], dtype=float
    ).reshape(-1, 2 * len(SHARES))
    point = shares_of(sums.sum(axis=0, keepdims=True))[0]
    low, high = bootstrap(sums, shares_of) if len(sums) else (point, point)
    intervals = [
        Interval(float(p), float(least), float(most))
        for p, least, most in zip(point, low, high, strict=True)
    ]
    open_total = sum(row.open_total for row in tables)
    values = sum(sum(row.total) for row in tables) + open_total
    scores = [row.structure for row in tables if row.structure is not None]
    return Figures(
        shares=dict(zip(SHARES, intervals, strict=True)),
        undecidable=open_total / values if values else float("nan"),
        false_tables=sum(row.spare for row in rows) / dumps if dumps else float("nan"),
        structure=_mean_scores(scores),
        confidence=_confidence(rows),
        tables=len(tables),
        values=values,
        milliseconds=1000 * sum(row.seconds for row in rows) / max(dumps, 1),
    )


def sums_of(rows: Sequence[Row]) -> list[float]:
    """Numerators and denominators of one document, in pairs as `shares_of` reads them."""
    tables = [row for row in rows if row.table != SPARE]
    right = [sum(row.right[k] for row in tables) for k in range(len(KINDS))]
    total = [sum(row.total[k] for row in tables) for k in range(len(KINDS))]
    values = sum(total) + sum(row.open_total for row in tables)
    whole = [row for row in tables if row.decidable]
    silent = sum(row.silent for row in rows)
    told = sum(
        entry[-1]
        for row in rows
        for entry in (*row.told, *row.open_told, *row.invented)
        if entry[0] >= TOLD
    )
    pairs = [
        (sum(right), sum(total)),
        *zip(right, total, strict=True),
        (sum(row.perfect for row in whole), len(whole)),
        (sum(row.cells_right for row in tables), sum(row.cells for row in tables)),
        (silent, values),
        (told, values),
        (silent, told),
    ]
    return [float(number) for pair in pairs for number in pair]


def shares_of(sums: Floats) -> Floats:
    """Shares from pairs of sums, `nan` where nothing was counted; shape (n, 2 k) to (n, k)."""
    counted = sums[:, 1::2]
    return sums[:, 0::2] / np.where(counted > 0, counted, np.nan)


def _mean_scores(scores: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    if not scores:
        return (float("nan"),) * 3
    top, con, teds = np.mean(scores, axis=0)
    return float(top), float(con), float(teds)


def outcomes(rows: Sequence[Row]) -> Floats:
    """Confidence, outcome and number of values, shape (n, 3): decidable ones, and invented."""
    merged: Counter[tuple[float, int]] = Counter()
    for row in rows:
        for confidence, right, count in row.told:
            merged[confidence, right] += count
        for confidence, count in row.invented:
            merged[confidence, 0] += count
    table = [(confidence, right, count) for (confidence, right), count in merged.items()]
    return np.array(table, dtype=float).reshape(-1, 3)


def _confidence(rows: Sequence[Row]) -> Calibration:
    table = outcomes(rows)
    if not len(table):
        return Calibration(*(float("nan"),) * 5)
    return calibration(*table.T)
