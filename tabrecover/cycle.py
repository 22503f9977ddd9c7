"""Columns of records as the states of a cycle: a cyclic profile hidden Markov model.

Each column emits texts of its kinds (`looks`, as numbers), and is passed over where a blank was
lost. The parameters are fitted by Baum and Welch's expectation maximisation to a stretch of the
texts, and rows are read off the most probable path. How much better the columns tell the texts than
chance is counted in nats, the columns' own parameters paid for (minimum description length).
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import lgamma

import numpy as np
import numpy.typing as npt

__all__ = ["BEGINS", "SKIP", "Cycle"]

BEGINS = 0  # the look of texts that begin records
SKIP, MAX_SKIP = 0.05, 0.9  # probability that a column's text was lost, at first and at the most
PRIOR = 0.2  # pseudo-count of each look in a column
ROUNDS, MAX_FITTED = 4, 400  # of the fitting, and texts that are enough for it
SCALED = 16  # texts after which probabilities are scaled; so few don't come near the least float
ENTER = 3.0  # nats that the cycle's first text must make up for

_log_gamma = np.vectorize(lgamma, otypes=[float])

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Cycle:
    """The columns as states of a cycle, fitted to the stretch `[start, end)` of the looks."""

    def __init__(self, looks: Ints, start: int, end: int, width: int) -> None:
        self.all = looks
        self.start, self.end = start, end
        self.looks = looks = looks[start:end]
        self.width = width
        places = np.arange(width)
        self._ahead = (places[:, None] + places + 1) % width  # of each column, those that follow it
        self.emit: Floats = np.full((width, int(self.all.max()) + 1), PRIOR)
        self.skip: Floats = np.full(width, SKIP)
        np.add.at(self.emit, (_columns(looks, width), looks), 1.0)
        self.emit /= self.emit.sum(axis=1, keepdims=True)
        sample = looks[:MAX_FITTED]
        for _ in range(ROUNDS):
            self._refit(sample, *self._posterior(sample))

    def _steps(self) -> Floats:
        """Probabilities to go from one column to another, passing over those between."""
        width = self.width
        skipped = self.skip[self._ahead]
        passed = np.cumprod(skipped, axis=1) / skipped
        steps = np.empty((width, width))
        np.put_along_axis(steps, self._ahead, passed * (1 - skipped), axis=1)
        steps /= steps.sum(axis=1, keepdims=True)
        return steps

    def _posterior(self, looks: Ints) -> tuple[Floats, Floats]:
        """Of each look, the probability of each column; and of each pair of columns in a row."""
        steps, emitted = self._steps(), self.emit[:, looks].T
        n = len(looks)
        forward, backward = np.empty((n, self.width)), np.ones((n, self.width))
        forward[0] = emitted[0] / emitted[0].sum()
        for i in range(1, n):
            own = (forward[i - 1] @ steps) * emitted[i]
            forward[i] = own if i % SCALED else own / own.sum()
        for i in range(n - 2, -1, -1):
            own = steps @ (emitted[i + 1] * backward[i + 1])
            backward[i] = own if i % SCALED else own / own.sum()
        gamma = forward * backward
        gamma /= gamma.sum(axis=1, keepdims=True)
        ahead = emitted[1:] * backward[1:]
        ahead /= ((forward[:-1] @ steps) * ahead).sum(axis=1, keepdims=True)
        pairs = steps * (forward[:-1].T @ ahead)
        return gamma, pairs

    def _refit(self, looks: Ints, gamma: Floats, pairs: Floats) -> None:
        emit = np.full_like(self.emit, PRIOR)
        np.add.at(emit.T, looks, gamma)
        self.emit = emit / emit.sum(axis=1, keepdims=True)
        reached = np.take_along_axis(pairs, self._ahead, axis=1)
        beyond = reached[:, ::-1].cumsum(axis=1)[:, ::-1] - reached

        def by_column(shares: Floats) -> Floats:
            return np.bincount(self._ahead.ravel(), shares.ravel()).astype(float)

        passed, seen = by_column(beyond), by_column(reached + beyond)
        self.skip = np.minimum((passed + SKIP) / (seen + 1), MAX_SKIP)

    def posterior(self) -> Floats:
        """Of each text of the stretch, the probability of each column."""
        return self._posterior(self.looks)[0]

    def stretch(self) -> tuple[int, int]:
        """Where the cycle explains the texts better than chance, around the stretch.

        The most probable path through a chain of three: texts before, the cycle, texts behind.
        """
        chance = np.bincount(self.all, minlength=self.emit.shape[1]) + PRIOR
        odds = np.log(self.emit / (chance / chance.sum()))[:, self.all].T
        steps = np.log(self._steps() + 1e-12)
        n = len(self.all)
        score, begun = np.full(self.width, -np.inf), np.zeros(self.width, dtype=np.int64)
        best = (0.0, self.start, self.end)
        for i in range(n):
            ways = score[:, None] + steps
            source = ways.argmax(axis=0)
            going, entering = ways.max(axis=0), -ENTER
            begun = np.where(going > entering, begun[source], i)
            score = np.maximum(going, entering) + odds[i]
            top = int(score.argmax())
            if score[top] > best[0]:
                best = float(score[top]), int(begun[top]), i + 1
        return best[1], best[2]

    def gain(self) -> float:
        """Nats by which the columns tell their looks better than if all were in one.

        Of the most probable path. A column's shares are unknown before, and are those of all texts
        but for what it shows (Dirichlet prior of weight 1): columns that tell nothing gain nothing.
        """
        kinds = self.emit.shape[1]
        counts = np.zeros((self.width, kinds))
        np.add.at(counts, (np.array(self.path), self.looks), 1.0)
        passed = np.zeros((self.width, 2))
        passed[:, 0] = counts.sum(axis=1)
        for before, column in pairwise(self.path):
            between = np.arange(before + 1, before + 1 + (column - before - 1) % self.width)
            passed[between % self.width, 1] += 1
        shares = (np.bincount(self.all, minlength=kinds) + 1 / kinds) / (len(self.all) + 1)
        own = _nats(counts, shares) + _nats(passed, np.array([1 - SKIP, SKIP]))
        return own - float(counts.sum(axis=0) @ np.log(shares))

    @cached_property
    def path(self) -> list[int]:
        """The most probable columns (Viterbi)."""
        steps, emitted = np.log(self._steps() + 1e-12), np.log(self.emit[:, self.looks].T)
        score = emitted[0]
        back = np.empty((len(self.looks), self.width), dtype=np.int64)
        for i in range(1, len(self.looks)):
            ways = score[:, None] + steps
            back[i] = ways.argmax(axis=0)
            score = ways.max(axis=0) + emitted[i]
        path = [int(score.argmax())]
        for i in range(len(self.looks) - 1, 0, -1):
            path.append(int(back[i, path[-1]]))
        return path[::-1]


def _columns(looks: Ints, width: int) -> Ints:
    """By look its column if nothing were lost, but for records that serial numbers begin."""
    places = np.arange(len(looks))
    begins = np.maximum.accumulate(np.where(looks == BEGINS, places, -1))
    return np.where(begins < 0, places, places - begins) % width


def _nats(counts: Floats, prior: Floats) -> float:
    """Log-probability of sequences with these counts by row, their shares unknown before."""
    totals = counts.sum(axis=1)
    return float(_log_gamma(counts + prior).sum() - _log_gamma(prior).sum() * len(counts)) - float(
        (_log_gamma(totals + prior.sum()) - _log_gamma(prior.sum())).sum()
    )
