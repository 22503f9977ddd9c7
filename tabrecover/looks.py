"""How a value is written, beyond numbers and words: percentages, dates, one of some choices.

The kind of a slot says whether numbers or words are likely in it. A type that says more makes it a
better place for a text that is written so, and a worse one for any other: a match scores
log P(text | type of the slot) / P(text | outside tables), as every match does (`scoring`). Nothing
is forbidden: a date may be "unknown", and stands in its column all the same.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING, Literal

from tabrecover.library import label_weight
from tabrecover.scoring import BACKGROUND, UnitKind

if TYPE_CHECKING:
    from tabrecover.scoring import Scoring
    from tabrecover.template import Look

__all__ = ["Written", "log_odds", "written_as"]

Written = Literal["percent", "date", ""]

# P(text | type): of what is written so, and of the others by kind: whole numbers, other numbers,
# marks, words. Beliefs in round numbers, as those of `scoring`.
FITS = {"percent": 0.80, "date": 0.90, "choice": 0.93}
OTHERS = {
    "percent": (0.05, 0.10, 0.049, 0.001),
    "date": (0.02, 0.005, 0.05, 0.025),
    "choice": (0.008, 0.002, 0.04, 0.02),
}
OUTSIDE = {"percent": 0.01, "date": 0.02}  # share of the texts outside tables
MAX_LENGTH = 40  # characters of a date with its time

_YEAR = r"(?:1[0-9]|20|21)\d\d"
_MONTH, _DAY = r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
_NAME = r"[^\W\d_][^\s\d.,;:/()|-]{2,11}\.?"  # of a month, in any language
_OF = r"(?:[^\W\d_]{1,3}\.? )?"  # "de", "of"
_TH = r"(?:\.|[^\W\d_]{2}\b)?"
_ERA = r"(?: [^\W\d_]{1,2}\.?)?"  # "г."
_TIME = r"(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_DATES = (
    rf"{_YEAR}(?P<a>[-/.]) ?(?:{_MONTH}(?P=a) ?{_DAY}\.?|{_MONTH})",
    rf"{_DAY}(?P<b>[-/.]) ?(?:{_MONTH}|[^\W\d_]{{3}})(?P=b) ?(?:{_YEAR}|\d\d)",
    rf"{_MONTH}(?P<c>[-/.]){_DAY}(?P=c)(?:{_YEAR}|\d\d)",
    rf"{_MONTH}[-/.]{_YEAR}",
    rf"(?:{_YEAR} ?[年년] ?)?{_MONTH} ?[月월](?: ?{_DAY} ?[日号號일])?",
    rf"{_YEAR} ?[年년]",
    rf"{_DAY}{_TH} {_OF}{_NAME},? {_OF}{_YEAR}{_ERA}",
    rf"{_NAME} {_DAY}{_TH},? {_YEAR}",
)
_DATE = re.compile(f"(?:{'|'.join(_DATES)}){_TIME}")
_PERCENT = re.compile(r"[-+−]?[\d.,' ]*\d ?[%‰]")


@lru_cache(maxsize=4096)
def written_as(text: str) -> Written:
    """Whether a text is written as a date or a percentage.

    >>> [written_as(t) for t in ("2024-03-01", "1. März 2024", "2024年3月", "12,5 %", "12.5")]
    ['date', 'date', 'date', 'percent', '']
    """
    if len(text) > MAX_LENGTH or not any(map(str.isdigit, text)):
        return ""
    plain = unicodedata.normalize("NFKC", text).strip()
    if _PERCENT.fullmatch(plain):
        return "percent"
    return "date" if _DATE.fullmatch(plain) else ""


def log_odds(scoring: Scoring, kind: UnitKind, written: Written, form: str, look: Look) -> float:
    """Log-odds of a text in a slot of this look; `kind` is of a text, `form` its folded text."""
    full = log(scoring.filled)
    if look.type == "choice" and form in look.choices:
        return full + log(FITS["choice"] / len(look.choices)) + label_weight(form)
    if look.type == written:
        return full + log(FITS[written] / OUTSIDE[written])
    return full + log(OTHERS[look.type][kind] / BACKGROUND[kind])
