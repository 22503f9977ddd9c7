"""What a piece of a bulk run leaves: files of rows, of what was set aside and of what is in doubt.

The rows of a piece go to one file of each data set, all of which appear when the piece is done.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

from tabrecover.batch import COLUMNS, Repaired, Row, plain_row, schema_of
from tabrecover.folders import STATE
from tabrecover.render import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow.parquet as pq

    from tabrecover.folders import Folder, Mode
    from tabrecover.intake import Item

__all__ = [
    "DATA_SETS", "DRAWINGS", "FORMATS", "REVIEW", "Drawing", "Files", "Format", "write_empty"
]  # fmt: skip

Format = Literal["parquet", "csv", "records", "repaired"]
Drawing = Literal["html", "markdown"]
FORMATS, DRAWINGS = get_args(Format), get_args(Drawing)

DATA_SETS = ("documents", "tables", "values", "records", "repaired", "quarantine")
REVIEW = ("id", "source", "table", "template", "key", "row_path", "column_path", "text",
          "confidence", "others", "suggestion", "doubts")  # fmt: skip
KEPT_BYTES = 1 << 16  # of a document that was set aside
ROWS_AT_ONCE = 5_000  # in memory, before they are written


class Files:
    """The files of one piece, which appear when all is written; without rows there is none."""

    def __init__(self, folder: Folder, number: int, wanted: Format, drawing: Drawing) -> None:
        self.folder, self.number = folder, number
        self.wanted, self.drawing = wanted, drawing
        self.stack = ExitStack()
        self.sinks: dict[str, _Sink] = {}

    def __enter__(self) -> Files:
        self.stack.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.stack.__exit__(kind, error, trace)

    def add(self, one: Repaired, item: Item) -> None:
        """Write what became of a document."""
        wanted = self.wanted
        if wanted == "records":
            self._sink(wanted, "jsonl").write_text(one.record + "\n")
        elif wanted == "repaired":
            if one.read is not None:
                text = one.rewritten(self.drawing)
                entry = {"id": one.document["id"], "source": one.document["source"], "text": text}
                self._sink(wanted, "jsonl").write_text(json.dumps(entry) + "\n")
        else:
            self._sink("documents", wanted).add([one.document])
            for data_set, rows in (("tables", one.tables), ("values", one.values)):
                if rows:
                    self._sink(data_set, wanted).add(rows)
        if one.document["status"] == "quarantined":
            self._sink("quarantine", "jsonl").write_text(_set_aside_line(one.document, item))
        for row in _review_rows(one):
            self._sink(STATE, "review.jsonl").write_text(json.dumps(row) + "\n")

    def _sink(self, data_set: str, suffix: str) -> _Sink:
        if data_set not in self.sinks:
            name = f"{self.number:07}" if data_set == STATE else f"part-{self.number:07}"
            mode: Mode = "wb" if suffix == "parquet" else "w"
            writing = self.folder.writing(f"{data_set}/{name}.{suffix}", mode)
            kind = _KINDS.get(suffix, _Sink)
            self.sinks[data_set] = kind(self.stack.enter_context(writing), data_set)
            self.stack.push(self.sinks[data_set].end)
        return self.sinks[data_set]


class _Sink:
    """A file of lines."""

    def __init__(self, stream: IO[Any], data_set: str) -> None:
        self.stream, self.data_set = stream, data_set

    def write_text(self, text: str) -> None:
        self.stream.write(text)

    def add(self, rows: Sequence[Row]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Write what is left."""

    def end(self, kind: object, *_: object) -> None:
        """Close, unless something went wrong: then the file does not appear."""
        if kind is None:
            self.close()


class _CsvSink(_Sink):
    """A file of CSV with a head; alternatives as JSON."""

    def __init__(self, stream: IO[Any], data_set: str) -> None:
        super().__init__(stream, data_set)
        self.write_text(csv_line(COLUMNS[data_set]))

    def add(self, rows: Sequence[Row]) -> None:
        for row in map(plain_row, rows):
            values = (row[name] for name in COLUMNS[self.data_set])
            self.write_text(csv_line(_csv_value(value) for value in values))


def _csv_value(value: Any) -> str | int | float | None:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else None
    return str(value).lower() if isinstance(value, bool) else value


class _ParquetSink(_Sink):
    """A Parquet file, written in groups of rows."""

    def __init__(self, stream: IO[Any], data_set: str) -> None:
        super().__init__(stream, data_set)
        self.rows: list[Row] = []
        self.writer: pq.ParquetWriter | None = None

    def add(self, rows: Sequence[Row]) -> None:
        self.rows += map(plain_row, rows)
        if len(self.rows) >= ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        self._flush()
        if self.writer is not None:
            self.writer.close()

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and optional
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = schema_of(self.data_set)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.stream, schema, compression="zstd")
        if self.rows:
            self.writer.write_table(pa.Table.from_pylist(self.rows, schema=schema))
            self.rows = []


_KINDS: dict[str, type[_Sink]] = {"csv": _CsvSink, "parquet": _ParquetSink}


def write_empty(folder: Folder, data_set: str) -> None:
    """A data set without rows: a file that has its columns."""
    with folder.writing(f"{data_set}/part-none.parquet", "wb") as stream:
        _ParquetSink(stream, data_set).close()


def _set_aside_line(row: Row, item: Item) -> str:
    """Which document was set aside and why, with the beginning of it."""
    data = b"" if item.data is None else item.data
    raw = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    beginning = raw[:KEPT_BYTES].decode("utf-8", "backslashreplace")
    entry = {**plain_row({k: row[k] for k in ("id", "source", "reason")}), "beginning": beginning}
    return json.dumps(entry) + "\n"


def _review_rows(one: Repaired) -> Iterator[Row]:
    """The values that are in doubt, as review.csv has them."""
    doubts = {table["table"]: table["doubts"] for table in one.tables}
    for value in one.values:
        if not value["told"]:
            others = "; ".join(
                f"{other['text'] or 'blank'} ({other['confidence']:.0%})"
                for other in value["alternatives"]
            )
            row = {**value, "others": others, "doubts": doubts[value["table"]]}
            yield {name: row[name] for name in REVIEW}
