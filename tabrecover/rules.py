"""Sums as evidence: evaluate each rule instance, and say who is to blame where it breaks.

A rule is judged on everything its cells may hold, not only on the texts that were chosen: where
all cells together state other numbers with a probability below `DOUBT`, the alignment is certain
*for this rule*, and a broken sum is an error of the source, which stays as it is. Otherwise the
recovery is in doubt. Which of two equal numbers stands in a cell does not matter here, nor
whether it is 0, a blank or a mark: they count as 0. A text that states no number makes the rule
impossible to evaluate.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING

from tabrecover.confidence import ACCEPT
from tabrecover.model import Check, Verdict
from tabrecover.sums import amount_of
from tabrecover.units import plain_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tabrecover.model import Cell
    from tabrecover.template import RuleInstance, Template

__all__ = ["check_rules", "suggestions"]

DOUBT = 1 - ACCEPT  # probability that some cell of a rule states another number
ZERO = Decimal(0)
EXACT = Context(prec=400)  # digits; more than sums of numbers of `units.MAX_NUMBER` can have


def check_rules(template: Template, cells: Mapping[int, Cell]) -> list[Check]:
    """Evaluate all rule instances; `cells` maps template cell index to recovered cell."""
    keys = [template.cells[i].key or "" for i in range(len(template.cells))]
    return [
        _check(
            instance, [cells[i] for i in instance.left], [cells[i] for i in instance.right], keys
        )
        for instance in template.instances
    ]


def _check(
    instance: RuleInstance, left: Sequence[Cell], right: Sequence[Cell], keys: Sequence[str]
) -> Check:
    totals = [_total([amount_of(cell.text) for cell in side]) for side in (left, right)]
    names = tuple(keys[i] for i in (*instance.left, *instance.right))
    verdict: Verdict = "no evidence"
    holds: bool | None = None
    if totals[0] is not None and totals[1] is not None:
        holds = totals[0] == totals[1]
        if not holds:
            doubt = sum(_other_number(cell) for cell in (*left, *right))
            verdict = "recovery" if doubt >= DOUBT else "source"
    return Check(instance.name, holds, _stated(totals[0]), _stated(totals[1]), verdict, names)


def _total(amounts: Sequence[Decimal | None]) -> Decimal | None:
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total


def _stated(total: Decimal | None) -> int | float | None:
    return None if total is None else plain_number(total)


def _other_number(cell: Cell) -> float:
    """The probability that the cell states another number than its text does."""
    own = amount_of(cell.text)
    return sum(a.confidence for a in cell.alternatives if amount_of(a.text) != own)


def suggestions(template: Template, cells: Mapping[int, Cell], least: float) -> dict[int, str]:
    """Values that a rule implies for a doubtful cell, if it is the rule's only doubtful one.

    A suggestion is never more than that; it is left out where rules contradict each other, where
    the implied value is what the cell says already, and where it would be the rule's only
    negative number: then the source breaks the rule.
    """
    implied: dict[int, set[Decimal]] = {}
    for instance in template.instances:
        doubtful = [i for i in (*instance.left, *instance.right) if cells[i].confidence < least]
        if len(doubtful) != 1:
            continue
        left = _total([amount_of(cells[i].text) for i in instance.left if i != doubtful[0]])
        right = _total([amount_of(cells[i].text) for i in instance.right if i != doubtful[0]])
        if left is not None and right is not None:
            on_left = doubtful[0] in instance.left
            value = EXACT.subtract(right, left) if on_left else EXACT.subtract(left, right)
            amounts = [amount_of(cells[i].text) or ZERO for i in (*instance.left, *instance.right)]
            if value < 0 <= min(amounts):
                continue
            implied.setdefault(doubtful[0], set()).add(value)
    return {
        i: str(plain_number(value))
        for i, values in implied.items()
        for value in values
        if len(values) == 1 and value != amount_of(cells[i].text)
    }
