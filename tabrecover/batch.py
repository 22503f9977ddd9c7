"""Many documents to rows: what a worker does, whatever engine calls it.

One document becomes a row of `documents`, a row of `tables` for each of its tables and a row of
`values` for each value, or its record. A document that can't be read, or takes longer than it may,
becomes a row with the reason. `repair_batch` does the same from Arrow batch to Arrow batch, for
engines that call such functions (Spark's `mapInArrow`, Ray Data's `map_batches`).
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from tabrecover.api import TemplateSource, library_of, read_document
from tabrecover.confidence import ACCEPT
from tabrecover.decode import decode_bytes
from tabrecover.errors import RecoveryError, UsageError
from tabrecover.intake import Item, column_values, id_of
from tabrecover.pipeline import recover_document
from tabrecover.storage import builtin_calibration

if TYPE_CHECKING:
    import pyarrow as pa

    from tabrecover.catalog import AnyLibrary
    from tabrecover.model import Document
    from tabrecover.results import Recovery, Table

__all__ = [
    "COLUMNS",
    "Repaired",
    "Repairer",
    "Row",
    "batch_ddl",
    "plain",
    "plain_row",
    "repair_batch",
    "schema_of",
    "set_aside",
]

Row = dict[str, Any]
MAX_EXACT = 2**53  # the largest of the whole numbers that a double holds, all of them
SECONDS = 60.0  # that a document may take

# By data set its columns, and of what kind each is: s text, i integer, f number, b truth, a the
# alternatives of a value.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "documents": {
        "id": "s", "source": "s", "status": "s", "reason": "s", "dialect": "s",
        "dialect_confidence": "f", "characters": "i", "tables": "i", "values": "i", "doubts": "i",
        "broken_rules": "i",
    },
    "tables": {
        "id": "s", "source": "s", "table": "i", "template": "s", "title": "s", "status": "s",
        "confidence": "f", "certainty": "f", "rows": "i", "columns": "i", "values": "i",
        "doubts": "i", "broken_rules": "i", "start": "i", "end": "i",
    },
    "values": {
        "id": "s", "source": "s", "table": "i", "template": "s", "key": "s", "row": "i", "col": "i",
        "row_path": "s", "column_path": "s", "text": "s", "number": "f", "confidence": "f",
        "told": "b", "start": "i", "end": "i", "suggestion": "s", "alternatives": "a",
    },
}  # fmt: skip


def plain(text: str) -> str:
    r"""The text as UTF-8 can hold it: halves of characters are written out.

    >>> plain("a\ud800b")
    'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode()


class _TooLong(Exception):  # noqa: N818 - says what is the case
    """A document takes longer than it may."""


@dataclass(frozen=True)
class Repaired:
    """The rows of one document by data set; its recovery and its text, if it was not set aside."""

    document: Row
    tables: list[Row] = field(default_factory=list)
    values: list[Row] = field(default_factory=list)
    recovery: Recovery | None = None
    read: Document | None = field(default=None, repr=False)

    @property
    def record(self) -> str:
        """The record as a line of JSON, with the id as its source; or why there is none."""
        if self.recovery is not None:
            entry = self.recovery.to_dict()
        else:
            own = self.document
            entry = {"source": own["id"], "tables": [], "error": own["reason"]}
        line = json.dumps(entry, ensure_ascii=False)
        return line if plain(line) == line else json.dumps(entry)

    def rewritten(self, tables_as: Literal["html", "markdown"]) -> str:
        """The document's text with its tables in their places; all other text is as it was.

        HTML stays as it is: its tables have their markup.
        """
        if self.read is None or self.recovery is None:
            return ""
        text = self.read.raw
        if self.read.kind == "html":
            return text
        parts: list[str] = []
        at = 0
        for table in self.recovery.tables:
            drawn = table.to_html() if tables_as == "html" else table.to_markdown()
            if table.span.start >= at:
                parts += [text[at : table.span.start], drawn.strip()]
                at = table.span.end
        return "".join([*parts, text[at:]])


@dataclass(frozen=True)
class Repairer:
    """Repairs documents by a library; `least` is the confidence from which a value is told."""

    library: AnyLibrary
    kind: Literal["text", "html"] | None = None
    encoding: str | None = None
    least: float = ACCEPT
    seconds: float = SECONDS

    def repair_item(self, item: Item) -> Repaired:
        """A document as it was found; one that can't be read is set aside."""
        if item.data is None:
            return set_aside(item.id, item.source, item.reason)
        return self.repair(item.id, item.source, item.data, item.sent_as)

    def repair(
        self, name: str, source: str, data: str | bytes, sent_as: str | None = None
    ) -> Repaired:
        """One document; what is wrong with it is told in its row. `sent_as`: see `decode_bytes`."""
        try:
            with _Alarm(self.seconds):
                text = data if isinstance(data, str) else decode_bytes(data, self.encoding, sent_as)
                document = read_document(text, self.kind)
                calibration = builtin_calibration()
                found = recover_document(document, self.library, name, calibration=calibration)
                if found.tables:
                    tables = tuple(table.judged(self.least) for table in found.tables)
                    found = replace(found, tables=tables)
                return _repaired(source, document, found, self.least)
        except _TooLong:
            return set_aside(name, source, f"took longer than {self.seconds:g} seconds")
        except RecoveryError as error:
            return set_aside(name, source, str(error))
        except (MemoryError, RecursionError) as error:
            return set_aside(name, source, f"is too large or too deep ({type(error).__name__})")
        except Exception as error:  # a defect of ours, which the other documents need not suffer
            return set_aside(name, source, f"defect: {type(error).__name__}: {error}")


def set_aside(name: str, source: str, reason: str) -> Repaired:
    """A document that could not be repaired."""
    row = dict.fromkeys(COLUMNS["documents"])
    zeros = dict.fromkeys(("characters", "tables", "values", "doubts", "broken_rules"), 0)
    given = {"id": name, "source": source, "status": "quarantined", "reason": reason}
    return Repaired({**row, **zeros, **given})


class _Alarm:
    """Raises `_TooLong` after so many seconds, where system and thread can have timers."""

    def __init__(self, seconds: float) -> None:
        main = threading.current_thread() is threading.main_thread()
        self.seconds = seconds if main and hasattr(signal, "setitimer") else 0.0

    def __enter__(self) -> None:
        if self.seconds > 0:
            if signal.getsignal(signal.SIGALRM) is not _ring:
                signal.signal(signal.SIGALRM, _ring)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: object) -> None:
        if self.seconds > 0:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, frame: object) -> None:
    del number, frame
    raise _TooLong


# --- rows ---------------------------------------------------------------------------------------


def _repaired(source: str, read: Document, recovery: Recovery, least: float) -> Repaired:
    own = {"id": recovery.source, "source": source}
    tables, values = [], []
    for number, table in enumerate(recovery.tables, start=1):
        rows = list(_value_rows(table, least))
        tables.append({**own, "table": number, **_table_row(table, rows)})
        values += [{**own, "table": number, **row} for row in rows]
    in_doubt = any(table.status == "review" for table in recovery.tables)
    document = {
        **own,
        "status": "none" if not tables else "review" if in_doubt else "accepted",
        "reason": "",
        "dialect": recovery.dialect.name,
        "dialect_confidence": recovery.dialect.confidence,
        "characters": len(read.raw),
        "tables": len(tables),
        "values": len(values),
        "doubts": sum(row["doubts"] for row in tables),
        "broken_rules": sum(row["broken_rules"] for row in tables),
    }
    return Repaired(document, tables, values, recovery, read)


def _table_row(table: Table, rows: Sequence[Row]) -> Row:
    return {
        "template": table.template,
        "title": table.title,
        "status": table.status,
        "confidence": table.confidence,
        "certainty": table.certainty,
        "rows": table.shape[0],
        "columns": table.shape[1],
        "values": len(rows),
        "doubts": sum(not row["told"] for row in rows),
        "broken_rules": sum(check.holds is False for check in table.checks),
        "start": table.span.start,
        "end": table.span.end,
    }


def _value_rows(table: Table, least: float) -> Iterator[Row]:
    cells = (cell for cell in table.cells if cell.role == "value")
    for cell, tidy in zip(cells, table.tidy(), strict=True):
        others = [{"text": a.text, "confidence": a.confidence} for a in cell.alternatives]
        row = {
            **tidy,
            "number": _exact(tidy["number"]),
            "row": cell.row,
            "col": cell.col,
            "told": cell.confidence >= least,
            "suggestion": cell.suggestion,
            "alternatives": others,
        }
        yield {column: row[column] for column in COLUMNS["values"] if column in row}


def plain_row(row: Row) -> Row:
    """The row with all texts as UTF-8 can hold them."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else plain(value)
    return [plain_row(other) for other in value] if isinstance(value, list) else value


def _exact(number: str | float | None) -> float | None:
    """The number, if a column of floating-point numbers holds it exactly."""
    if number is None or isinstance(number, str):
        return None
    return number if isinstance(number, float) or abs(number) <= MAX_EXACT else None


# --- Arrow --------------------------------------------------------------------------------------


def schema_of(data_set: str) -> pa.Schema:
    """The Arrow schema of a data set: `documents`, `tables` or `values`."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and optional

    other = pa.struct([("text", pa.string()), ("confidence", pa.float64())])
    kinds: dict[str, pa.DataType] = {
        "s": pa.string(), "i": pa.int64(), "f": pa.float64(), "b": pa.bool_(), "a": pa.list_(other),
    }  # fmt: skip
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS[data_set].items()])


def repair_batch(
    batch: pa.RecordBatch,
    *,
    templates: TemplateSource | None = None,
    text_column: str = "text",
    id_column: str | None = None,
    least: float = ACCEPT,
    seconds: float = SECONDS,
) -> pa.RecordBatch:
    """A row of `documents` for each row of the batch, in its order, and its record as JSON.

    `text_column` holds texts or bytes, `id_column` what names them (default: `id` if there is one,
    else the number of the row). `templates` as for `tabrecover.recover`. Raises `UsageError` for
    columns that are not there.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and optional

    names = batch.schema.names
    column = id_column or ("id" if "id" in names else None)
    for wanted in filter(None, (text_column, column)):
        if wanted not in names:
            raise UsageError(f"no column {wanted!r}, but {', '.join(map(repr, names))}")
    repairer = Repairer(library_of(templates), least=least, seconds=seconds)
    texts = column_values(batch.column(names.index(text_column)))
    ids = column_values(batch.column(names.index(column))) if column else [None] * len(texts)
    done = [
        _repair_value(repairer, id_of(name, str(row)), text)
        for row, (name, text) in enumerate(zip(ids, texts, strict=True))
    ]
    rows = [{**plain_row(one.document), "record": one.record} for one in done]
    schema = schema_of("documents").append(pa.field("record", pa.string()))
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def batch_ddl() -> str:
    """The columns that `repair_batch` gives, as Spark names their types.

    >>> batch_ddl().split(", ")[:2]
    ['id string', 'source string']
    """
    names = {"s": "string", "i": "bigint", "f": "double"}
    columns = {**COLUMNS["documents"], "record": "s"}
    return ", ".join(f"{name} {names[kind]}" for name, kind in columns.items())


def _repair_value(repairer: Repairer, name: str, text: object) -> Repaired:
    if text is None or isinstance(text, (str, bytes)):
        return repairer.repair(name, name, text or "")
    wrong = (
        str(text)
        if isinstance(text, Exception)
        else f"its text is of the type {type(text).__name__}"
    )
    return set_aside(name, name, wrong)
