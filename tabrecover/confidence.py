"""Probabilities to confidence: how sure a cell's text is, and a table.

A cell is right if the layout is the right one *and* the text is in the right slot, so the parts
multiply. `CEILING` keeps a share for what the model can't see. Confidence is not yet calibrated
on held-out documents; it is the model's own probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabrecover.model import Alternative, Cell, Check, Status

__all__ = [
    "ACCEPT",
    "CEILING",
    "Confidence",
    "alternatives",
    "table_confidence",
    "table_status",
]

ACCEPT = 0.9  # the confidence from which a cell counts as told (DESIGN: silent error rate)
CEILING = 0.999  # one cell in a thousand may be wrong for reasons outside the model
MIN_ALTERNATIVE = 0.001


@dataclass(frozen=True, slots=True)
class Confidence:
    """Named parts in 0..1 and their total.

    `layout`: the table has this layout; `placement`: the text belongs to this cell, given it.
    """

    layout: float
    placement: float

    @property
    def total(self) -> float:
        return round(self.layout * min(self.placement, 1.0) * CEILING, 6)


def alternatives(
    texts: Mapping[str, float], chosen: str, layout: float
) -> tuple[Alternative, ...]:
    """The other texts a cell may hold, most probable first."""
    others = [
        Alternative(text, Confidence(layout, p).total)
        for text, p in texts.items()
        if text != chosen and p >= MIN_ALTERNATIVE
    ]
    return tuple(sorted(others, key=lambda a: -a.confidence))


def table_confidence(cells: Sequence[Cell]) -> float:
    """The expected share of right value cells (of all cells if the table has no values)."""
    values = [cell.confidence for cell in cells if cell.role == "value"]
    values = values or [cell.confidence for cell in cells]
    return round(sum(values) / len(values), 6) if values else 0.0


def table_status(cells: Sequence[Cell], checks: Sequence[Check], least: float = ACCEPT) -> Status:
    """`accepted` if every value is told with confidence `least` and no rule doubts the recovery."""
    doubtful = any(cell.role == "value" and cell.confidence < least for cell in cells)
    return "review" if doubtful or any(c.verdict == "recovery" for c in checks) else "accepted"
