"""The labels of many templates as arrays: which phrase stands where, and how much it tells.

An inverted index in compressed sparse rows: the *places* of phrase `p` are those from `starts[p]`
to `starts[p + 1]`, each a slot of a template. It answers what must be known of a template before
it is worth compiling, so that of thousands only few are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tabrecover.regions import reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tabrecover.library import Library

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

__all__ = ["Index", "index_of", "joined", "ranges"]


@dataclass(frozen=True, eq=False)
class Index:
    """Phrases, their places, and by template the nats of all labels.

    `weights` has the nats of the label at each place; `reach` is the most strange characters that
    a chain of any template spans (`regions.reach`).
    """

    phrases: tuple[str, ...]
    starts: Ints
    templates: Ints
    slots: Ints
    weights: Floats
    totals: Floats
    reach: float

    def places(self, phrases: Ints) -> Ints:
        """The numbers of all places of these phrases, phrase by phrase."""
        return ranges(self.starts[phrases], np.diff(self.starts)[phrases])

    @cached_property
    def phrase_of(self) -> Ints:
        """The phrase of each place."""
        return np.repeat(np.arange(len(self.phrases)), np.diff(self.starts))

    def labels(self, places: Ints) -> Ints:
        """A number for each place, equal for places of one label of one template."""
        width = int(self.slots.max(initial=0)) + 1
        labels: Ints = self.templates[places] * width + self.slots[places]
        return labels


def ranges(first: Ints, counts: Ints) -> Ints:
    """The numbers from each `first` on, so many as its count, one range behind the other."""
    numbers: Ints = np.repeat(first - np.cumsum(counts) + counts, counts)
    return numbers + np.arange(len(numbers))


def index_of(library: Library) -> Index:
    """The index of a library's labels; phrases keep their numbers."""
    templates, slots = _columns(list(chain.from_iterable(library.places)))
    weights = [
        library.label_weights[template][slot]
        for template, slot in chain.from_iterable(library.places)
    ]
    totals = [sum(nats.values()) for nats in library.label_weights]
    return Index(
        tuple(library.phrases),
        np.array([0, *accumulate(map(len, library.places))], dtype=np.int64),
        templates,
        slots,
        np.array(weights, dtype=np.float64),
        np.array(totals, dtype=np.float64),
        max(map(reach, library.templates, library.label_weights), default=0.0),
    )


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[Ints, Ints]:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def joined(indexes: Sequence[Index]) -> Index:
    """One index of several, the templates of each behind those before."""
    numbers: dict[str, int] = {}
    for phrase in chain.from_iterable(index.phrases for index in indexes):
        numbers.setdefault(phrase, len(numbers))
    before = accumulate((len(index.totals) for index in indexes), initial=0)
    phrases = [
        np.repeat(_numbers(numbers[phrase] for phrase in index.phrases), np.diff(index.starts))
        for index in indexes
    ]
    order = np.argsort(np.concatenate([_NONE, *phrases]), kind="stable")
    templates = [index.templates + first for index, first in zip(indexes, before, strict=False)]
    counts = np.bincount(np.concatenate([_NONE, *phrases]), minlength=len(numbers))
    return Index(
        tuple(numbers),
        np.concatenate(([0], np.cumsum(counts))),
        np.concatenate([_NONE, *templates])[order],
        np.concatenate([_NONE, *(index.slots for index in indexes)])[order],
        np.concatenate([np.empty(0), *(index.weights for index in indexes)])[order],
        np.concatenate([np.empty(0), *(index.totals for index in indexes)]),
        max((index.reach for index in indexes), default=0.0),
    )


def _numbers(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


_NONE = np.empty(0, dtype=np.int64)
