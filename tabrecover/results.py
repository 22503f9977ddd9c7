"""What `recover` returns: tables with their cells, and all their renderings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tabrecover import render
from tabrecover.confidence import ACCEPT, table_status
from tabrecover.model import Cell, Check, Dialect, Span, Status, covering

if TYPE_CHECKING:
    import pandas as pd

    from tabrecover.align import Alignment
    from tabrecover.grid import Rival
    from tabrecover.model import Document
    from tabrecover.roundtrip import RoundTrip
    from tabrecover.scoring import Scoring
    from tabrecover.units import Units

__all__ = ["Evidence", "Reading", "Recovery", "ScoredTemplate", "Table"]


class ScoredTemplate(NamedTuple):
    """A template that competed for a table: log-odds of alignment and label words, and `total`.

    The total has what the rest of the document adds: phrases of an edition, other tables.
    """

    template: str
    score: float
    total: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a table with a template was made from, for `explain`.

    `document` as it was read: boxes redrawn, pieces of labels put together; `units` are of its
    text. `law` names how it was flattened, `shared` whether lines of one cell hold several now and
    then, `share` is its probability among the possible ways; `scoring` that of the alignment;
    `layout` the probability that goes into every cell's confidence; `room` the stretch of its text
    up to the tables before and behind; `rivals` the cells by other ways of flattening; `candidates`
    the templates that were weighed, the table's own among them; `trip` how far the grid, flattened
    again by the law, agrees with the dump.
    """

    document: Document
    units: Units
    law: str
    shared: bool
    share: float
    scoring: Scoring
    layout: float
    room: Span
    rivals: tuple[Rival, ...]
    candidates: tuple[ScoredTemplate, ...]
    trip: RoundTrip


class Reading(NamedTuple):
    """How a table of unknown layout was read.

    `kind` says what parts its cells: markup or a drawing, bars or tabs, spaces, or lines; `share`
    how much of its stretch that explains. `packed`: its heads stood one behind the other, and were
    placed by what fits best.
    """

    kind: Literal["markup", "delimiters", "spaces", "lines"]
    share: float = 1.0
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One recovered table.

    `template` is None for a table of unknown layout. `span` is the stretch of the input that the
    table stands on (half-open), `shape` rows and columns, `cells` in reading order, `confidence`
    the expected share of right values, `unplaced` input spans of texts that found no cell,
    `certainty` the probability that the table is of this template and no other edition, whose
    cells may be the same, `labels_declared` whether markup tells labels from values, `reading` how
    a table without a template was read, `alignment` and `evidence` what led to one with a template,
    `model` the table with the confidences that the model gave, before calibration (None if these
    are they).
    """

    template: str | None
    span: Span
    shape: tuple[int, int]
    cells: tuple[Cell, ...]
    confidence: float
    status: Status
    checks: tuple[Check, ...] = ()
    unplaced: tuple[Span, ...] = ()
    title: str = ""
    certainty: float = 1.0
    labels_declared: bool = False
    reading: Reading | None = field(default=None, compare=False)
    alignment: Alignment | None = field(default=None, repr=False, compare=False)
    evidence: Evidence | None = field(default=None, repr=False, compare=False)
    model: Table | None = field(default=None, repr=False, compare=False)

    @property
    def drawn(self) -> tuple[Cell, ...]:
        """The cells as renderings mark them.

        In a table of unknown layout the labels are guessed, which puts every value in doubt; its
        confidence tells so. The marks are for values whose place is in doubt besides.
        """
        return self.model.cells if self.template is None and self.model else self.cells

    @property
    def grid(self) -> list[list[Cell]]:
        """The cell that covers each position, by row and column."""
        owner = covering(self.cells)
        n_rows, n_cols = self.shape
        return [[self.cells[owner[r, c]] for c in range(n_cols)] for r in range(n_rows)]

    def judged(self, least: float) -> Table:
        """The same table with its status by another least confidence than `ACCEPT`."""
        status = table_status(self.cells, self.checks, least, self.certainty)
        return replace(self, status=status)

    def to_html(self, *, least: float = ACCEPT) -> str:
        """The table as HTML with spans; values below `least` confidence are marked."""
        return render.to_html(self.drawn, self.shape, template=self.template, least=least)

    def to_csv(self, *, least: float = ACCEPT) -> str:
        """The rectangle as CSV, texts at their cells' origins; `0 ?` is a doubtful 0."""
        return render.to_csv(self.drawn, self.shape, least=least)

    def to_markdown(self, *, least: float = ACCEPT) -> str:
        """The rectangle as a GitHub-flavoured Markdown table; `0 ?` is a doubtful 0."""
        return render.to_markdown(self.drawn, self.shape, least=least)

    def tidy(self) -> list[dict[str, str | int | float | None]]:
        """One row a value; columns as in `render.TIDY_COLUMNS`."""
        return render.to_tidy(self.cells, self.template)

    def to_pandas(self) -> pd.DataFrame:
        """The tidy rows as a data frame; needs pandas (`pip install 'tabrecover[pandas]'`)."""
        import pandas as pd  # noqa: PLC0415 - heavy and optional

        return pd.DataFrame(self.tidy(), columns=list(render.TIDY_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """The table as the record has it."""
        return {
            "template": self.template,
            "span": list(self.span),
            "shape": list(self.shape),
            "confidence": self.confidence,
            "status": self.status,
            "cells": [render.cell_record(cell) for cell in self.cells],
            "checks": [render.check_record(check) for check in self.checks],
            "unplaced": [list(span) for span in self.unplaced],
        }


@dataclass(frozen=True, slots=True)
class Recovery:
    """All tables of one document, in their order, and how the document was flattened."""

    source: str
    dialect: Dialect
    tables: tuple[Table, ...]

    def tidy(self) -> list[dict[str, str | int | float | None]]:
        """The tidy rows of all tables."""
        return [row for table in self.tables for row in table.tidy()]

    def to_dict(self) -> dict[str, Any]:
        """The record: plain dictionaries, lists, texts and numbers (docs/record.md)."""
        dialect = {"name": self.dialect.name, "confidence": self.dialect.confidence}
        return {
            "source": self.source,
            "dialect": dialect,
            "tables": [table.to_dict() for table in self.tables],
        }

    def to_json(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)
