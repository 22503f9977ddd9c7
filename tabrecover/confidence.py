"""Probabilities to confidence: how sure a cell's text is, and a table.

A cell is right if the layout is the right one *and* the text is in the right slot, so the parts
multiply. The posterior of the placement is bounded by the odds of its best rival: what ties with
another reading is a coin toss, however many of the tied readings agree in this cell. `CEILING`
keeps a share for what the model can't see. Confidence is not yet calibrated on held-out
documents; it is the model's own probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf

from tabrecover.model import Alternative, Cell, Check, Status

__all__ = [
    "ACCEPT",
    "CEILING",
    "Confidence",
    "alternatives",
    "table_confidence",
    "table_status",
]

ACCEPT = 0.9  # the confidence from which a cell counts as told; an error above it is silent
CEILING = 0.999  # one cell in a thousand may be wrong for reasons outside the model
MIN_ALTERNATIVE = 0.001
MAX_LEAD = 30.0  # nats; beyond it all is the same


@dataclass(frozen=True, slots=True)
class Confidence:
    """Named parts and their total in 0..1.

    `layout`: probability that the table has this layout; `placement`: that the text belongs to
    this cell, given it; `lead`: by how many nats the best alignment with this text is ahead of
    the best with another (negative if behind).
    """

    layout: float
    placement: float
    lead: float = inf

    @property
    def total(self) -> float:
        """The confidence of the cell."""
        odds = exp(min(max(self.lead, -MAX_LEAD), MAX_LEAD))
        return round(self.layout * min(self.placement, odds / (1 + odds), 1.0) * CEILING, 6)


def alternatives(
    texts: Mapping[str, float], chosen: str, confidence: float
) -> tuple[Alternative, ...]:
    """The other texts a cell may hold, most probable first; they share what `confidence` leaves."""
    if len(texts) == (chosen in texts):
        return ()
    others = {text: p for text, p in texts.items() if text != chosen}
    rest = sum(others.values())
    if not rest:
        return ()
    scale = (1 - confidence) / rest
    found = [Alternative(text, round(p * scale, 6)) for text, p in others.items()]
    return tuple(
        sorted((a for a in found if a.confidence >= MIN_ALTERNATIVE), key=lambda a: -a.confidence)
    )


def table_confidence(cells: Sequence[Cell]) -> float:
    """The expected share of right value cells (of all cells if the table has no values)."""
    values = [cell.confidence for cell in cells if cell.role == "value"]
    values = values or [cell.confidence for cell in cells]
    return round(sum(values) / len(values), 6) if values else 0.0


def table_status(
    cells: Sequence[Cell], checks: Sequence[Check], least: float = ACCEPT, certainty: float = 1.0
) -> Status:
    """`accepted` if layout and every value are told with `least`, and no rule doubts the recovery.

    `certainty` is that of the layout, edition included, which the cells may all be right without.
    """
    doubtful = certainty < least or any(
        cell.role == "value" and cell.confidence < least for cell in cells
    )
    return "review" if doubtful or any(c.verdict == "recovery" for c in checks) else "accepted"
