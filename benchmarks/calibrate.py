"""Fit the calibration of confidences, and write it where the package reads it.

    python -m benchmarks.calibrate [--set SET] [--every N] [--drawn N] [--out FILE] [--only unknown]

Every value that the recovery tells on the dumps of the set `fit` is one observation: its signs (see
`tabrecover.calibration`) and whether it is right, bound to its labels as the benchmark judges it.
Values of tables that no truth knows are wrong. The set has few layouts, so others are drawn at
random, flattened and damaged (`random_layouts`). A logistic regression is fitted by Newton's method
with a ridge; the monotone curve behind it by isotonic regression (pool adjacent violators) on
predictions for documents that were left out, so that it corrects what new documents show. What
is told begins where, on documents left out, at most `TOLD_ERROR` of all that is told is wrong, and
at most 1 in 100 of what is as probable. The thresholds are the smallest confidences at which an
upper bound of the error rate (Clopper and Pearson 1934, one-sided) on documents left out is within
each rate.
"""

from __future__ import annotations

import argparse
import math
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks import random_layouts
from benchmarks.dumps import Dump, Truth
from benchmarks.metrics import match_tables
from benchmarks.run import truths_of
from benchmarks.sets import WorkSet, corpus_set
from benchmarks.tables import Table as PlainTable
from benchmarks.tables import fold, table_from_record
from tabrecover.api import read_document
from tabrecover.calibration import (
    KNOWN,
    LEAST_UNKNOWN,
    UNKNOWN,
    UNTOLD,
    Curve,
    Regression,
    signs,
)
from tabrecover.confidence import ACCEPT, CEILING
from tabrecover.library import Library
from tabrecover.model import Cell
from tabrecover.pipeline import recover_document
from tabrecover.results import Table
from tabrecover.storage import builtin_calibration, write_atomically

Floats = npt.NDArray[np.float64]

OUT = Path(__file__).parent.parent / "tabrecover" / "calibration.toml"
DRAWN, DRAWN_SEED = 12_000, 1000  # documents; those that are reported have other seeds
FOLDS = 6
RIDGE = 1.0
STEPS, CONVERGED = 50, 1e-6  # of the weights; these are rounded to as much
MIN_BLOCK = 150  # values behind a step of the curve
RATES = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
MANY = 1000  # errors from which the normal law is taken
EPSILON = 1e-6  # the grain of confidences
TOLD_ERROR = 0.00015  # of all that is told, as much is wrong on documents left out
TOLD_LIKE = 0.99  # and of values like one that is told, so many are right
SURE = 0.95  # probability that the bound of an error rate holds


class Observation(NamedTuple):
    """One value: whether its table has a template, its document, its signs, its outcome."""

    known: bool
    document: str
    signs: tuple[float, ...]
    right: bool


# -- observations ----------------------------------------------------------------------------------


@cache
def _set(name: str) -> WorkSet:
    return corpus_set(name)


def observe(task: tuple[str, int, bool]) -> list[Observation]:
    """All values told on one dump, given as set and number, and without any template.

    The third of the task is whether templates are tried at all.
    """
    name, number, both = task
    corpus = _set(name)
    dump = corpus.dumps[number]
    document = read_document(dump.text)
    known = recover_document(document, corpus.layouts.library).tables if both else ()
    unknown = recover_document(document, Library([])).tables
    return [
        *_observed(dump, [table for table in known if table.template]),
        *_observed(dump, unknown),
    ]


def _observed(dump: Dump, tables: Sequence[Table]) -> list[Observation]:
    plain = [table_from_record(table.to_dict()) for table in tables]
    truths = truths_of(dump)
    truth_of = {
        id(found): truth
        for truth, found in zip(truths, _matches(truths, plain), strict=True)
        if found is not None
    }
    return [
        observation
        for table, other in zip(tables, plain, strict=True)
        for observation in _observations(dump, table, other, truth_of.get(id(other)))
    ]


def _matches(truths: Sequence[Truth], found: Sequence[PlainTable]) -> list[PlainTable | None]:
    return match_tables([truth.table for truth in truths], found)


def _observations(
    dump: Dump, table: Table, plain: PlainTable, truth: Truth | None
) -> list[Observation]:
    outcomes = _outcomes(plain, truth)
    return [
        Observation(table.template is not None, dump.document, row, outcomes[cell.row, cell.col])
        for cell, row in zip(_values(table), signs(table), strict=True)
        if (cell.row, cell.col) in outcomes
    ]


def _outcomes(plain: PlainTable, truth: Truth | None) -> dict[tuple[int, int], bool]:
    """By position, whether a value is right; blanks under unknown labels say nothing."""
    expected = truth.table.bindings if truth else {}
    outcomes = {}
    for binding, cell in plain.bindings.items():
        if binding in expected:
            outcomes[cell.row, cell.col] = fold(expected[binding].text) == fold(cell.text)
        elif fold(cell.text):
            outcomes[cell.row, cell.col] = False
    return outcomes


def observe_drawn(number: int) -> list[Observation]:
    """All values told on a document drawn at random, given by number, with its template."""
    drawn = random_layouts.document(number, DRAWN_SEED)
    tables = recover_document(read_document(drawn.text), Library([drawn.template])).tables
    return [
        Observation(True, f"drawn {number}", row, is_right[cell.key])
        for table in tables
        if table.template
        for is_right in [{cell.key: right for cell, right in random_layouts.judged(drawn, table)}]
        for cell, row in zip(_values(table), signs(table), strict=True)
        if cell.key in is_right
    ]


def _values(table: Table) -> list[Cell]:
    return [cell for cell in table.cells if cell.role == "value"]


# -- fitting ---------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """Signs `[n, k]`, outcomes `[n]` (0 or 1) and folds `[n]` of the values of one kind."""

    directions: tuple[int, ...]
    signs: Floats
    right: Floats
    fold: npt.NDArray[np.int64]


def sample_of(observations: Sequence[Observation], *, known: bool) -> Sample:
    """The values with, or without, a template; all of a document are in one fold."""
    own = [o for o in observations if o.known == known]
    return Sample(
        tuple((KNOWN if known else UNKNOWN).values()),
        np.array([o.signs for o in own], dtype=np.float64),
        np.array([o.right for o in own], dtype=np.float64),
        np.array([zlib.crc32(o.document.encode()) % FOLDS for o in own], dtype=np.int64),
    )


def fit_logistic(signs_: Floats, right: Floats, directions: Sequence[int]) -> Floats:
    """Bias and weights; signs whose weights would point against their direction are left out.

    Such a weight says more of the documents at hand than of the sign.
    """
    used = np.ones(len(directions), dtype=bool)
    while True:
        beta = np.zeros(1 + len(directions))
        beta[np.append(True, used)] = _newton(signs_[:, used], right)
        against = beta[1:] * np.array(directions) < 0
        if not against.any():
            return beta
        used[np.argmin(np.where(against, beta[1:] * np.array(directions), np.inf))] = False


def _newton(signs_: Floats, right: Floats) -> Floats:
    """Logistic regression by Newton's method; a ridge on the weights keeps them finite."""
    x = np.column_stack([np.ones(len(signs_)), signs_])
    ridge = np.full(x.shape[1], RIDGE)
    ridge[0] = 1e-6
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = logistic_of(x @ beta)
        gradient = x.T @ (right - p) - ridge * beta
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        beta += step * min(1.0, 5 / np.abs(step).max())
        if np.abs(step).max() < CONVERGED:
            break
    return beta


def logistic_of(z: Floats) -> Floats:
    """The probabilities with these log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -40, 40))), dtype=np.float64)


def left_out(sample: Sample) -> Floats:
    """Logistic predictions for every value by a fit without its fold."""
    predicted = np.zeros(len(sample.right))
    for number in range(FOLDS):
        inside = sample.fold == number
        if inside.any():
            beta = fit_logistic(sample.signs[~inside], sample.right[~inside], sample.directions)
            predicted[inside] = logistic_of(beta[0] + sample.signs[inside] @ beta[1:])
    return predicted


def isotonic(x: Floats, right: Floats) -> Curve:
    """The monotone curve through the shares of right values, by blocks of at least `MIN_BLOCK`."""
    order = np.argsort(x, kind="stable")
    blocks: list[list[float]] = []  # sum of x, right, number
    for value, outcome in zip(x[order].tolist(), right[order].tolist(), strict=True):
        if blocks and blocks[-1][2] < MIN_BLOCK:
            last = blocks[-1]
            last[0], last[1], last[2] = last[0] + value, last[1] + outcome, last[2] + 1
        else:
            blocks.append([value, outcome, 1.0])
        while (
            len(blocks) > 1
            and blocks[-1][2] >= MIN_BLOCK
            and _share(blocks[-2]) >= _share(blocks[-1])
        ):
            top = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], top, strict=True)]
    while len(blocks) > 1 and (
        blocks[-1][2] < MIN_BLOCK or _share(blocks[-2]) >= _share(blocks[-1])
    ):
        top = blocks.pop()
        blocks[-1] = [a + b for a, b in zip(blocks[-1], top, strict=True)]
    return Curve(
        tuple(round(total / n, 6) for total, _, n in blocks),
        tuple(round(_share(block), 6) for block in blocks),
    )


def _share(block: Sequence[float]) -> float:
    """The share of right values by Laplace's rule of succession."""
    return (block[1] + 1) / (block[2] + 2)


def fit(sample: Sample, least: float | None) -> tuple[Regression, Floats]:
    """The regression on all values, and confidences of each by a fit without its document's fold.

    The curve of each fold is fitted on the predictions left out of the other folds. Nothing is
    told below `least`; None: below the confidence from which on `TOLD_ERROR` of all are wrong.
    """
    predicted = left_out(sample)
    confidence = np.zeros(len(predicted))
    for number in range(FOLDS):
        inside = sample.fold == number
        if inside.any():
            curve = isotonic(predicted[~inside], sample.right[~inside])
            confidence[inside] = np.interp(predicted[inside], curve.above, curve.value)
    doubted = logistic_of(sample.signs[:, 0]) < ACCEPT / CEILING
    confidence[doubted] = np.minimum(confidence[doubted], UNTOLD)
    beta = fit_logistic(sample.signs, sample.right, sample.directions)
    curve = isotonic(predicted, sample.right)
    weights = tuple(round(float(w), 6) for w in beta[1:])
    regression = Regression(
        round(float(beta[0]), 6),
        weights,
        curve,
        told_from(confidence, sample.right) if least is None else least,
        ranked=least is None,
    )
    below = confidence < regression.least
    confidence[below] = [regression.untold(own) for own in confidence[below].tolist()]
    return regression, confidence


def told_from(confidence: Floats, right: Floats) -> float:
    """The smallest confidence from `TOLD_LIKE` on from which at most `TOLD_ERROR` are wrong."""
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1 - right[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero((wrong <= TOLD_ERROR) & (confidence[order] >= TOLD_LIKE))
    return round(float(confidence[order][kept[-1]]), 6) if len(kept) else 1.0


def thresholds(confidence: Floats, right: Floats) -> list[tuple[float, float]]:
    """For each rate that can be kept, the smallest confidence at which it is."""
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    accepted = last + 1
    wrong = np.cumsum(1 - right[order])[last]
    result = []
    for rate in RATES:
        kept = np.flatnonzero(wrong <= rate * accepted)[::-1]
        within = (i for i in kept if _is_within(int(wrong[i]), int(accepted[i]), rate))
        if (index := next(within, None)) is not None:
            result.append((rate, float(np.ceil(ordered[last[index]] * 1e6) / 1e6)))
    return result


def _is_within(wrong: int, accepted: int, rate: float) -> bool:
    """Whether the upper end of the one-sided Clopper-Pearson interval is at most `rate`."""
    return _binomial_tail(wrong, accepted, rate) <= 1 - SURE


def _binomial_tail(wrong: int, accepted: int, rate: float) -> float:
    """P(at most `wrong` of `accepted` | rate): Poisson's law for few, the normal one for many."""
    mean = accepted * rate
    if wrong > MANY:
        deviation = math.sqrt(mean * (1 - rate)) or 1.0
        return 0.5 * math.erfc((mean - wrong - 0.5) / deviation / math.sqrt(2))
    return math.fsum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(wrong + 1)
    )


# -- the file --------------------------------------------------------------------------------------


def as_toml(
    known: Regression, unknown: Regression, limits: Sequence[tuple[float, float]], about: str
) -> str:
    """The calibration as `Calibration.parse` reads it."""
    parts = [f"# {about}\nversion = 1\n"]
    rows = ",\n".join(f"    [{rate}, {least:.6f}]" for rate, least in limits)
    parts.append("# error rate, and the confidence from which it is kept")
    parts.append(f"thresholds = [\n{rows},\n]\n" if rows else "thresholds = []\n")
    for name, regression, names in (("known", known, KNOWN), ("unknown", unknown, UNKNOWN)):
        weights = "\n".join(
            f"{sign} = {weight:.6f}" for sign, weight in zip(names, regression.weights, strict=True)
        )
        curve = ",\n".join(
            "    [" + ", ".join(f"{v:.6f}" for v in row) + "]" for row in regression.curve
        )
        least = f"least = {regression.least:.6f}  # from here on a value is told\n"
        head = f"[{name}]\nbias = {regression.bias:.6f}\n{least if regression.ranked else ''}"
        parts.append(f"{head}curve = [\n{curve},\n]\n")
        parts.append(f"[{name}.weights]\n{weights}\n")
    return "\n".join(parts)


def main() -> None:
    """Observe, fit, write, and print what the fit is worth on documents left out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set", default="fit")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--drawn", type=int, default=DRAWN, help="documents drawn at random")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--only",
        choices=["unknown"],
        help="fit unknown layouts alone, and keep the rest as it is stored",
    )
    options = parser.parse_args()
    both = options.only is None
    numbers = range(0, len(_set(options.set).dumps), options.every)
    tasks = [(options.set, number, both) for number in numbers]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        observed = [o for part in pool.map(observe, tasks, chunksize=16) for o in part]
        drawn = range(options.drawn if both else 0)
        observed += [o for part in pool.map(observe_drawn, drawn, chunksize=64) for o in part]
    fitted, confidences, outcomes = [], [], []
    for known in (True, False) if both else (False,):
        sample = sample_of(observed, known=known)
        regression, confidence = fit(sample, None if known else LEAST_UNKNOWN)
        fitted.append(regression)
        confidences.append(confidence)
        outcomes.append(sample.right)
        kind = "known layouts" if known else "unknown layouts"
        told = confidence >= 0.9
        print(
            f"{kind}: {len(sample.right)} values, {sample.right.mean():.4f} right; told "
            f"{told.mean():.4f}, of them wrong {1 - sample.right[told].mean():.5f}"
        )
    limits: Sequence[tuple[float, float]]
    limits = thresholds(np.concatenate(confidences), np.concatenate(outcomes))
    if not both:
        stored = builtin_calibration()
        own = dict(limits)
        # above UNTOLD there is nothing but what LEAST_UNKNOWN lets pass
        limits = [
            (rate, max(least, min(own.get(rate, 1.0), UNTOLD + EPSILON)))
            for rate, least in stored.thresholds
        ]
        fitted.insert(0, stored.known)
    for rate, least in limits:
        told = np.concatenate(confidences) >= least
        wrong = 1 - np.concatenate(outcomes)[told].mean() if told.any() else 0.0
        print(
            f"error rate {rate}: from {least:.6f}, {told.mean():.4f} of the values, "
            f"{wrong:.5f} of them wrong"
        )
    call = f"python -m benchmarks.calibrate --set {options.set} --every {options.every}"
    call += f" --drawn {len(drawn)}" if both else ""
    about = f"Fitted on set {options.set!r}: {len(tasks)} dumps, and {len(drawn)} documents drawn; "
    about += f"{len(observed)} values.\n"
    about += f"# Renew with: {call}{'' if both else ' --only unknown'}"
    about += "" if both else "\n# So were unknown layouts; known ones are kept from the fit before."
    with write_atomically(options.out) as stream:
        stream.write(as_toml(fitted[0], fitted[1], limits, about))


if __name__ == "__main__":
    main()
