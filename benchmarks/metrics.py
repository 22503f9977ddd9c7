"""How right a recovery is, and how well it knows.

The first figure is the *exact match* of values bound to their labels: a value counts as right where
the tool gives the same text under the same row and column labels. Zeros and blanks are counted
apart, for they come right by chance. The second is the *silent error rate*: values told with
confidence 0.9 or more that are wrong, invented ones among them, as a share of all values.

A tool's confidence is judged as a selective classifier is (Geifman & El-Yaniv 2017): values are
accepted from the most confident down; *coverage* is the share accepted, *risk* the share of
accepted that is wrong; AURC is the area under the curve. Values of equal confidence are accepted
together. The Brier score is the mean squared distance of confidence and outcome, ECE the mean gap
of confidence and accuracy over bins with equally many values (adaptive bins, Nixon et al. 2019).
Intervals are percentile bootstraps over documents, since cells of one document err together.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

from benchmarks.dumps import Truth
from benchmarks.tables import Binding, Cell, Kind, Table, fold, kind_of

__all__ = [
    "TOLD",
    "Calibration",
    "Claim",
    "Judgement",
    "bootstrap",
    "calibration",
    "coverage_at",
    "judge",
    "match_tables",
    "reliability",
    "risk_coverage",
]

TOLD = 0.9  # from here on a value is told, not offered
BINS = 15
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)

Floats = npt.NDArray[np.float64]


class Claim(NamedTuple):
    """One value cell of a truth, and what the tool says of it (`found` None: nothing)."""

    kind: Kind
    decidable: bool
    right: bool
    confidence: float
    expected: str
    found: str | None
    binding: Binding


@dataclass(frozen=True)
class Judgement:
    """One table of a truth against the table that a tool gave for it (None: none).

    `invented` holds the confidences of values with a text for which the truth has no place;
    `cells_right` counts cells of the truth, labels among them, that stand at their place with
    their spans (labels: with their text), of `cells` that the dump still holds. `perfect`: every
    such cell right, nothing invented.
    """

    claims: tuple[Claim, ...]
    invented: tuple[float, ...]
    cells_right: int
    cells: int
    perfect: bool
    template_right: bool | None
    table: Table | None = field(repr=False, default=None)

    @property
    def silent(self) -> int:
        """Values that are wrong and told, invented ones among them."""
        wrong = sum(
            not c.right and c.found is not None and c.confidence >= TOLD for c in self.claims
        )
        return wrong + sum(confidence >= TOLD for confidence in self.invented)

    @property
    def decidable(self) -> bool:
        """Whether the dump decides every value of the table."""
        return bool(self.claims) and all(claim.decidable for claim in self.claims)


# -- one document ----------------------------------------------------------------------------


def match_tables(truths: Sequence[Table], found: Sequence[Table]) -> list[Table | None]:
    """For every true table the found one that is meant for it: the best matching by what agrees.

    Agreement counts values with equal bindings and equal labels, never the values' texts: what a
    tool puts first of several tables of one layout is its answer, not what comes out best.
    """
    graph: nx.Graph[tuple[str, int]] = nx.Graph()
    for t, truth in enumerate(truths):
        for f, other in enumerate(found):
            if agreement := _agreement(truth, other):
                weight = agreement * (len(found) + 1) - f  # of equal ones the first
                graph.add_edge(("truth", t), ("found", f), weight=weight)
    result: list[Table | None] = [None] * len(truths)
    for pair in nx.max_weight_matching(graph):
        sides = dict(pair)
        result[sides["truth"]] = found[sides["found"]]
    return result


def _agreement(truth: Table, found: Table) -> int:
    values = len(truth.bindings.keys() & found.bindings.keys())
    return values + (_labels(truth) & _labels(found)).total()


def _labels(table: Table) -> Counter[str]:
    return Counter(
        text for cell in table.cells if cell.role == "label" and (text := fold(cell.text))
    )


Place = tuple[int, int, int, int, str]


def judge(truth: Truth, found: Table | None) -> Judgement:
    """Compare one true table with what a tool gave for it."""
    positions = {(cell.row, cell.col): index for index, cell in enumerate(truth.table.cells)}
    bound: Mapping[Binding, Cell] = found.bindings if found else {}
    claims = []
    known = set()
    for binding, cell in truth.table.bindings.items():
        index = positions[cell.row, cell.col]
        if index not in truth.absent:
            known.add(binding)
            claims.append(_claim(binding, cell, bound.get(binding), index in truth.undecidable))
    invented = tuple(
        cell.confidence
        for binding, cell in bound.items()
        if binding not in known and fold(cell.text)
    )
    at_place: dict[Place, Cell] = {
        (c.row, c.col, c.rowspan, c.colspan, c.role): c for c in (found.cells if found else ())
    }
    present = [cell for index, cell in enumerate(truth.table.cells) if index not in truth.absent]
    right = [_stands(cell, at_place) for cell in present]
    same_template = None
    if truth.table.template:
        same_template = found is not None and found.template == truth.table.template
    return Judgement(
        tuple(claims),
        invented,
        sum(right),
        len(right),
        found is not None
        and (found.shape == truth.table.shape or bool(truth.absent))
        and all(right)
        and not invented
        and all(claim.right for claim in claims),
        same_template,
        found,
    )


def _claim(binding: Binding, cell: Cell, found: Cell | None, undecidable: bool) -> Claim:
    kind = kind_of(cell.text)
    if found is None:
        return Claim(kind, not undecidable, False, 0.0, cell.text, None, binding)
    right = fold(found.text) == fold(cell.text)
    return Claim(kind, not undecidable, right, found.confidence, cell.text, found.text, binding)


def _stands(cell: Cell, at_place: Mapping[Place, Cell]) -> bool:
    found = at_place.get((cell.row, cell.col, cell.rowspan, cell.colspan, cell.role))
    return found is not None and (cell.role == "value" or fold(found.text) == fold(cell.text))


# -- confidence ------------------------------------------------------------------------------


class Calibration(NamedTuple):
    """What the confidences of many values are worth."""

    aurc: float
    brier: float
    ece: float
    coverage_1: float
    coverage_01: float


def risk_coverage(confidence: Floats, right: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Coverage and risk after each distinct confidence, from the most confident down.

    Shapes: n values each (`right` 0 or 1, `weight` how many values are alike); both results have
    one entry a distinct confidence.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    last = np.append(np.flatnonzero(np.diff(sorted_confidence)), len(order) - 1)
    accepted = np.cumsum(weight[order])[last]
    wrong = np.cumsum((weight * (1 - right))[order])[last]
    return accepted / weight.sum(), wrong / accepted


def coverage_at(risk_limit: float, coverage: Floats, risk: Floats) -> float:
    """The largest coverage at which the risk is within the limit; 0 if there is none."""
    within = coverage[risk <= risk_limit]
    return float(within.max()) if len(within) else 0.0


def area_under(coverage: Floats, risk: Floats) -> float:
    """AURC: values of equal confidence come in a random order, each one spread over its share.

    So between two points the wrong ones grow linearly from w0 to w1 while the accepted grow from a0
    to a1; the area is the integral of wrong / accepted over coverage. It depends on the shares of
    values only, not on their number: it is what the mean risk after each value tends to as values
    are repeated.
    """
    starts = np.concatenate([[0.0], coverage[:-1]])
    wrong_ends = coverage * risk
    wrong_starts = np.concatenate([[0.0], wrong_ends[:-1]])
    rate = (wrong_ends - wrong_starts) / (coverage - starts)
    fixed = wrong_starts - rate * starts
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(starts > 0, np.log(coverage / starts), 0.0)
    return float(np.sum(rate * (coverage - starts) + fixed * logs))


def reliability(
    confidence: Floats, right: Floats, weight: Floats, bins: int = BINS
) -> list[tuple[float, float, float]]:
    """Mean confidence, accuracy and share of each of at most `bins` bins of equal weight.

    Values of equal confidence stay in one bin, the one that the middle of them lies in.
    """
    order = np.argsort(confidence, kind="stable")
    ordered = confidence[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(order) - 1)
    ends = np.cumsum(weight[order])[last]
    starts = np.concatenate([[0.0], ends[:-1]])
    middle_in = (starts + ends) * bins // (2 * weight.sum())  # whole weights: without rounding
    label = np.repeat(middle_in, np.diff(last, prepend=-1))
    result = []
    for one in np.unique(label):
        inside = order[label == one]
        share = weight[inside].sum()
        mean = float((confidence[inside] * weight[inside]).sum() / share)
        accuracy = float((right[inside] * weight[inside]).sum() / share)
        result.append((mean, accuracy, float(share / weight.sum())))
    return result


def calibration(confidence: Floats, right: Floats, weight: Floats) -> Calibration:
    """All measures of confidence over values given as (confidence, right, how many alike).

    Brier and ECE judge what a tool says: values of confidence 0, which it does not give, are left
    out; they are `nan` if it gives none.
    """
    coverage, risk = risk_coverage(confidence, right, weight)
    said = confidence > 0
    brier = ece = float("nan")
    if said.any():
        stated, outcome, many = confidence[said], right[said], weight[said]
        brier = float(((stated - outcome) ** 2 * many).sum() / many.sum())
        bins = reliability(stated, outcome, many)
        ece = float(sum(share * abs(mean - accuracy) for mean, accuracy, share in bins))
    return Calibration(
        area_under(coverage, risk),
        brier,
        ece,
        coverage_at(0.01, coverage, risk),
        coverage_at(0.001, coverage, risk),
    )


# -- intervals -------------------------------------------------------------------------------


def bootstrap(
    parts: Floats, of: Callable[[Floats], Floats], seed: int = 0
) -> tuple[Floats, Floats]:
    """A 95 % interval of `of(column sums)` when whole documents are drawn again.

    `parts` has one row of sums a document; `of` takes (resamples, columns) and gives one figure
    each.
    """
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(parts), np.full(len(parts), 1 / len(parts)), RESAMPLES)
    drawn = of(counts @ parts)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # nothing to count in any document
        low, high = np.nanpercentile(drawn, INTERVAL, axis=0)
    return low, high
