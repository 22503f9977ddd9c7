"""The values that the stages hand to each other: frozen, without behaviour worth the name.

A document is read as *plain* text: the input itself, or the visible text of an HTML page with
cell, row and table ends as the ASCII separators US, RS and GS. Stages work on plain positions;
`Document.raw_spans` leads back to the input, so every result can name the characters it came
from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CELL_END",
    "ROW_END",
    "TABLE_END",
    "Alternative",
    "Cell",
    "Check",
    "Dialect",
    "Document",
    "HtmlCell",
    "Kind",
    "Role",
    "Span",
    "Status",
    "Token",
    "Unit",
    "Verdict",
    "covering",
]

CELL_END = "\x1f"  # ASCII unit separator
ROW_END = "\x1e"  # ASCII record separator
TABLE_END = "\x1d"  # ASCII group separator

Kind = Literal["text", "html"]
Role = Literal["label", "value"]
Status = Literal["accepted", "review"]
Verdict = Literal["source", "recovery", "no evidence"]


class Span(NamedTuple):
    """Half-open range of characters."""

    start: int
    end: int


class HtmlCell(NamedTuple):
    """A cell that HTML markup declares: where its text ends in the plain text, and its spans."""

    end: int
    rowspan: int
    colspan: int
    header: bool


@dataclass(frozen=True, slots=True)
class Document:
    """Plain text and the way back to the input, `raw`.

    `starts[i]`, `ends[i]` are the input characters behind plain character `i`; both are None
    where plain text and input are the same. `filled`: positions that other cells cover are left
    out of the rows of `cells`, which are filled up at their ends.
    """

    text: str
    kind: Kind
    raw: str
    starts: npt.NDArray[np.int64] | None = None
    ends: npt.NDArray[np.int64] | None = None
    cells: tuple[HtmlCell, ...] = ()
    filled: bool = False
    _held: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def holds_any(self, chars: str) -> bool:
        """Whether the plain text has any of `chars`; it is searched once for each question."""
        if chars not in self._held:
            self._held[chars] = any(char in self.text for char in chars)
        return self._held[chars]

    def raw_spans(self, start: int, end: int) -> tuple[Span, ...]:
        """Input spans behind plain `[start, end)`: one, or several where markup lies between."""
        if self.starts is None or self.ends is None:
            return (Span(start, end),)
        spans: list[Span] = []
        for s, e in zip(
            self.starts[start:end].tolist(), self.ends[start:end].tolist(), strict=True
        ):
            if e == s:
                continue  # a separator that no input character stands for
            if spans and spans[-1].start <= s <= spans[-1].end:
                spans[-1] = Span(spans[-1].start, max(e, spans[-1].end))
            else:
                spans.append(Span(s, e))
        return tuple(spans)

    def raw_span(self, start: int, end: int) -> Span:
        """The smallest single input span that holds plain `[start, end)`."""
        if self.starts is None or self.ends is None:
            return Span(start, end)
        shown = self.ends[start:end] > self.starts[start:end]
        if not shown.any():
            return Span(0, 0)
        return Span(int(self.starts[start:end][shown].min()), int(self.ends[start:end].max()))

    def rewritten(self, text: str, places: npt.NDArray[np.int64]) -> Document:
        """The document with another plain text, made of the present characters at `places`."""
        return replace(
            self,
            text=text,
            starts=places if self.starts is None else self.starts[places],
            ends=places + 1 if self.ends is None else self.ends[places],
        )

    def plain_span(self, raw: Span) -> Span:
        """The plain span behind an input span, where plain text keeps the input's order."""
        if self.starts is None:
            return raw
        first, last = np.searchsorted(self.starts, [raw.start, raw.end])
        return Span(int(first), int(last))


class _Placed(Protocol):
    """A cell at its origin on a grid, with the rows and columns that it spans."""

    @property
    def row(self) -> int: ...
    @property
    def col(self) -> int: ...
    @property
    def rowspan(self) -> int: ...
    @property
    def colspan(self) -> int: ...


def covering(cells: Sequence[_Placed]) -> dict[tuple[int, int], int]:
    """The index of the cell that covers each (row, column)."""
    return {
        (row, col): index
        for index, cell in enumerate(cells)
        for row in range(cell.row, cell.row + cell.rowspan)
        for col in range(cell.col, cell.col + cell.colspan)
    }


class Token(NamedTuple):
    """A lexical token: `kind` is one letter of the alphabet in `lex`, the span is plain."""

    kind: str
    start: int
    end: int


class Unit(NamedTuple):
    """A piece of text that can fill a slot, as plain span; `label` is a phrase id or -1."""

    start: int
    end: int
    label: int = -1


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the document was flattened, and how sure that is."""

    name: str
    confidence: float


class Alternative(NamedTuple):
    """Another text that a cell may hold, with its probability."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a recovered grid; the fields are those of the record (docs/record.md)."""

    row: int
    col: int
    rowspan: int
    colspan: int
    role: Role
    text: str
    observed: str | None
    key: str | None
    confidence: float
    spans: tuple[Span, ...]
    alternatives: tuple[Alternative, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One instance of a rule: the sums of both sides, and who is to blame if they differ."""

    rule: str
    holds: bool | None
    left: int | float | None
    right: int | float | None
    verdict: Verdict
    keys: tuple[str, ...] = field(default=(), repr=False)
