"""Sum rules that filled examples obey, with their support: candidates for a user to accept.

A rule says that neighbouring rows (or columns) sum to the one right before or behind them. Once
such a group is found, its total stands for it, so that totals of totals are found the same way.
Lines with equal labels in several sections (the men of each grade, and of all) are neighbours
too. A rule that holds on all columns alike is written with `*`; sources err, so a slip here and
there is allowed for it, at its price and told.

Small numbers obey sums by chance. The null hypothesis: the total is any number that the example
shows, as often as it shows it. Under it, a sum of at least two numbers equals its total with a
probability that is the share of the table's numbers which equal it; one over zeros, or a single
number that is repeated, proves nothing. Instances multiply; and since many candidates are tried,
the product must lie below `CHANCE` divided by their number (Bonferroni), so that at most one
table in `1 / CHANCE` is proposed a rule by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, fsum, log
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.draft import Proposal
from tabrecover.sums import amount_of, scaled

if TYPE_CHECKING:
    from tabrecover.learn import Layout

__all__ = ["propose_rules"]

CHANCE = 0.01  # tables for which some proposed rule is a mere coincidence
SLIPS = 0.05  # of the sums in a source are wrong at most
PRICE = -log(SLIPS)  # nats; by what a sum that is broken speaks against its rule
LIKELY = 0.25  # probability of as many slips: with fewer, a line that fails is no slip
MAX_GROUP = 40  # rows under one total; keeps the search linear in the table's cells
ANY = "*"

Matrix = Mapping[str, Mapping[str, Sequence[int | None]]]


class _Evidence(NamedTuple):
    """What a sum shows on one crossing line: nats against chance, and in which examples.

    `telling` are the examples where it holds with at least two numbers, `broken` where it fails.
    """

    nats: float
    shown: frozenset[int]
    telling: frozenset[int]
    broken: frozenset[int]

    @property
    def net(self) -> float:
        """The evidence less the price of the slips."""
        return self.nats - len(self.broken) * PRICE


class _Sum(NamedTuple):
    """Lines that sum to a total on some of the crossing lines."""

    parts: tuple[str, ...]
    total: str
    crossing: Mapping[str, _Evidence]

    @property
    def net(self) -> float:
        """The evidence of the crossing lines that speak for it."""
        return sum(max(evidence.net, 0.0) for evidence in self.crossing.values())


def propose_rules(layout: Layout) -> list[Proposal]:
    """The rules over the values of a learned layout, row sums first; repeated rows have none."""
    rows = _amounts(layout)
    columns: dict[str, dict[str, Sequence[int | None]]] = {}
    for row, values in rows.items():
        for column, amounts in values.items():
            columns.setdefault(column, {})[row] = amounts
    search = _Search(_frequencies(rows, len(layout.examples)), len(layout.examples))
    over_columns = search.sums(columns, layout.draft.keys.labels)
    over_rows = search.sums(rows, layout.draft.keys.labels)
    least = search.least()
    found = [
        *_written(over_columns, columns, least, "{1}.{0}", layout),
        *_written(over_rows, rows, least, "{0}.{1}", layout),
    ]
    return [proposal._replace(id=f"sum {number}") for number, proposal in enumerate(found, start=1)]


def _amounts(layout: Layout) -> dict[str, dict[str, Sequence[int | None]]]:
    """Amounts by row name, column name and example, as whole numbers of one unit; None: absent."""
    keys = layout.draft.keys.values
    chosen = [i for i in sorted(layout.texts) if keys[i].count(".") == 1]
    amounts = {i: [amount_of(text or "") for text in layout.texts[i]] for i in chosen}
    chosen = [i for i in chosen if None not in amounts[i]]  # words are in no sum
    numbers = iter(scaled([amount for i in chosen for amount in amounts[i]]))
    rows: dict[str, dict[str, Sequence[int | None]]] = {}
    for i in chosen:
        row, column = keys[i].split(".")
        given = [(next(numbers), text) for text in layout.texts[i]]
        rows.setdefault(row, {})[column] = [None if text is None else n for n, text in given]
    return rows


def _frequencies(rows: Matrix, n_examples: int) -> list[Mapping[int, float]]:
    """For every example, what share of its amounts each amount has."""
    result: list[Mapping[int, float]] = []
    for example in range(n_examples):
        counts = Counter(
            amounts[example] for values in rows.values() for amounts in values.values()
        )
        counts.pop(None, None)
        result.append({n: count / counts.total() for n, count in counts.items() if n is not None})
    return result


@dataclass
class _Search:
    """Tries sums over neighbouring lines; `tried` counts the candidates."""

    frequencies: Sequence[Mapping[int, float]]
    n_examples: int
    tried: int = field(default=0)

    def least(self) -> float:
        """The evidence that excludes chance, in nats, after so many candidates."""
        return log(max(self.tried, 1) / CHANCE)

    def sums(self, lines: Matrix, labels: Mapping[str, str]) -> list[_Sum]:
        """All groups with their totals, groups of totals, and sums over lines of equal labels."""
        found: list[_Sum] = []
        order = list(lines)
        while len(order) > 2:
            level = self._level(lines, order)
            if not level:
                break
            found += level
            order = _without({part for s in level for part in s.parts}, order)
        sections: dict[str, list[str]] = {}
        for name in lines:
            sections.setdefault(labels.get(name, ""), []).append(name)
        for label, section in sections.items():
            if label and 2 < len(section) < len(lines):
                found += self._level(lines, section)
        return list({(s.parts, s.total): s for s in found}.values())

    def _level(self, lines: Matrix, order: Sequence[str]) -> list[_Sum]:
        """Disjoint sums over neighbours, those with the most evidence first."""
        candidates: list[_Sum] = []
        for at in range(len(order)):
            below = order[at + 1 : at + 1 + MAX_GROUP]
            above = order[max(0, at - MAX_GROUP) : at][::-1]
            for side in (above, below):
                best = self._best(lines, order[at], side)
                if best is not None:
                    parts = tuple(name for name in order if name in best.parts)
                    candidates.append(best._replace(parts=parts))
        least = self.least()
        candidates = sorted((s for s in candidates if s.net >= least), key=lambda s: -s.net)
        taken: set[str] = set()
        chosen = []
        for s in candidates:
            if s.total not in taken and taken.isdisjoint(s.parts):
                taken |= {s.total, *s.parts}
                chosen.append(s)
        return chosen

    def _best(self, lines: Matrix, total: str, side: Sequence[str]) -> _Sum | None:
        """The group next to a total, beginning with its neighbour, that has the most evidence."""
        by_size: dict[int, dict[str, _Evidence]] = {}
        for crossing, totals in lines[total].items():
            parts = [lines[name].get(crossing) for name in side]
            self.tried += len(parts)
            for size, evidence in self._sizes(totals, parts):
                by_size.setdefault(size, {})[crossing] = evidence
        sums = [_Sum(tuple(side[:n]), total, found) for n, found in by_size.items()]
        best = max(sums, key=lambda s: (s.net, len(s.parts)), default=None)
        return best if best is not None and best.net > 0 else None

    def _sizes(
        self, totals: Sequence[int | None], parts: Sequence[Sequence[int | None] | None]
    ) -> Iterable[tuple[int, _Evidence]]:
        """How many of the parts, from the first, sum to the total in some example."""
        sums = [0] * self.n_examples
        filled = [0] * self.n_examples
        shown = [e for e, total in enumerate(totals) if total is not None]
        for size, part in enumerate(parts, start=1):
            if part is None:
                return
            for e in shown:
                sums[e] += part[e] or 0
                filled[e] += bool(part[e])
            holds = [e for e in shown if sums[e] == totals[e]]
            if size > 1 and holds:
                telling = [e for e in holds if filled[e] > 1 and totals[e]]
                nats = sum(-log(self.frequencies[e].get(sums[e], 1.0)) for e in telling)
                broken = frozenset(shown).difference(holds)
                yield size, _Evidence(nats, frozenset(shown), frozenset(telling), broken)


def _without(parts: set[str], order: Sequence[str]) -> list[str]:
    return [name for name in order if name not in parts]


def _written(
    sums: Sequence[_Sum], lines: Matrix, least: float, form: str, layout: Layout
) -> Iterable[Proposal]:
    """Rules with `*` where they hold on the crossing lines alike, else one for each that tells.

    Where a few lines fail, by slips or because the sum is none of theirs, the others have one each.
    """
    for s in sums:
        everywhere = _everywhere(s, lines, len(layout.examples))
        failing = sum(_fails(e, len(layout.examples)) for e in everywhere.values())
        told = sum(e.net for e in everywhere.values()) >= least
        if told and failing <= SLIPS * len(everywhere):
            yield _rule(s, everywhere, ANY, form, layout)
            continue
        if told and _may_be_slips(failing, len(everywhere)):
            alone = {k: e for k, e in everywhere.items() if not _fails(e, len(layout.examples))}
        else:
            alone = {k: e for k, e in s.crossing.items() if e.nats >= least and not e.broken}
        for crossing, evidence in alone.items():
            yield _rule(s, {crossing: evidence}, crossing, form, layout)


def _may_be_slips(failing: int, number: int) -> bool:
    """Whether so many of a number of sums fail by slips now and then (binomial law)."""
    fewer = (comb(number, k) * SLIPS**k * (1 - SLIPS) ** (number - k) for k in range(failing))
    return 1 - fsum(fewer) >= LIKELY


def _fails(evidence: _Evidence, n_examples: int) -> bool:
    """Whether a crossing line does not obey at all; one failure among examples is a slip."""
    failures = len(evidence.broken)
    return failures > len(evidence.telling) and (failures > 1 or n_examples == 1)


def _everywhere(s: _Sum, lines: Matrix, n_examples: int) -> dict[str, _Evidence]:
    """The evidence of all crossing lines that have the sum's cells, also where it never holds."""
    common = set(lines[s.total]).intersection(*(lines[part] for part in s.parts))
    never = _Evidence(0.0, frozenset(range(n_examples)), frozenset(), frozenset(range(n_examples)))
    return {name: s.crossing.get(name, never) for name in lines[s.total] if name in common}


def _rule(
    s: _Sum, evidence: Mapping[str, _Evidence], crossing: str, form: str, layout: Layout
) -> Proposal:
    return Proposal(
        "",
        tuple(form.format(part, crossing) for part in s.parts),
        (form.format(s.total, crossing),),
        _support(evidence, len(layout.examples)),
    )


def _support(evidence: Mapping[str, _Evidence], n_examples: int) -> str:
    shown = frozenset[int]().union(*(e.shown for e in evidence.values()))
    broken = frozenset[int]().union(*(e.broken for e in evidence.values()))
    telling = frozenset[int]().union(*(e.telling for e in evidence.values()))
    told = (
        f"holds in {len(shown - broken)} of {n_examples} examples, "
        f"{len(telling - broken)} of them not all zeros"
    )
    slips = [
        f"{name} of example {example + 1}"
        for name, e in evidence.items()
        for example in sorted(e.broken)
    ]
    return f"{told}; but not in {', '.join(slips)}" if slips else told
