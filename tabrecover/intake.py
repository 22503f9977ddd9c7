"""Where documents of a bulk run come from: inputs to units of work, units of work to documents.

A *piece* is a unit of work: some files, a range of lines, a row group, or documents that had to be
read from a stream to be found. Pieces follow from the inputs alone, always in the same order, so
that a run that goes on knows which of them are done; most only point to bytes, which the worker
reads by itself. Whatever can't be read becomes an item with a reason, never an exception.

Names inside archives are names, never paths or URLs: nothing is unpacked to the disk.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import lzma
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, repeat
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from tabrecover.errors import InputError, UsageError
from tabrecover.http_body import body_of
from tabrecover.places import (
    NEEDS,
    STANDARD_INPUT,
    File,
    can_be_read,
    files_of,
    is_compressed,
    is_regular,
    is_remote,
    open_bytes,
    open_plain,
    plain_name,
    why,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "MAX_BYTES", "Item", "Piece", "Reading", "column_values", "id_of", "pieces",
]  # fmt: skip

_Reader = Callable[["File", "Reading"], Iterator["Item"]]
PIECE_BYTES = 4 << 20
PIECE_FILES = 500
MAX_BYTES = 64 << 20
ENCRYPTED = 1  # flag of a ZIP member
BATCH_ROWS = 64  # of a row group read at once
_UNREADABLE = (  # what files and containers raise that are not what they seem
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, csv.Error, zlib.error,
    lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip


class Item(NamedTuple):
    """A document as found: its id, its place in the inputs, and its content or what is wrong.

    `sent_as` is the encoding that came with it.
    """

    id: str
    source: str
    data: str | bytes | None
    reason: str = ""
    sent_as: str | None = None


class Reading(NamedTuple):
    """How to read inputs: columns of texts and ids, bytes of a document at most, CSV's encoding."""

    text_column: str = "text"
    id_column: str | None = None
    max_bytes: int = MAX_BYTES
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit of work; `items` reads its documents, `fingerprint` tells whether it is the same."""

    def items(self, reading: Reading) -> Iterator[Item]:
        """The documents, one by one."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """Equal for pieces of the same inputs, unchanged."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Bytes of the input files that it stands for; 0 where that can't be told."""
        return 0


@dataclass(frozen=True, slots=True)
class Files(Piece):
    """Files that are one document each."""

    files: tuple[File, ...]

    def items(self, reading: Reading) -> Iterator[Item]:
        for file in self.files:
            yield _guarded(file.name, partial(_content, file, reading.max_bytes), reading.max_bytes)

    @property
    def fingerprint(self) -> str:
        return _digest(self.files)

    @property
    def size(self) -> int:
        return sum(max(0, file.size) for file in self.files)


@dataclass(frozen=True, slots=True)
class _Lines(Piece):
    """The lines of a JSONL file that begin in `[start, end)`."""

    file: File
    start: int
    end: int

    def items(self, reading: Reading) -> Iterator[Item]:
        try:
            with open_bytes(self.file.path) as stream:
                stream.seek(self.start)
                for at, line in _lines(stream, self.start, reading.max_bytes):
                    if at >= self.end:
                        return
                    yield _line_item(self.file.name, at, line, reading)
        except OSError as error:
            yield _bad(self.file.name, why(error))

    @property
    def fingerprint(self) -> str:
        return _digest((self.file, self.start, self.end))

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _RowGroup(Piece):
    """A row group of a Parquet file; its first row is the `first` of the file."""

    file: File
    group: int
    first: int
    share: float = 1.0

    def items(self, reading: Reading) -> Iterator[Item]:
        from pyarrow.lib import ArrowException  # noqa: PLC0415 - heavy

        row = self.first
        try:
            with _parquet(self.file.path) as table:
                columns = _columns(table.schema_arrow.names, reading)
                batches = table.iter_batches(BATCH_ROWS, [self.group], [c for c in columns if c])
                for batch in batches:
                    texts = column_values(batch.column(columns[0]))
                    ids = column_values(batch.column(columns[1])) if columns[1] else repeat(None)
                    for text, own in zip(texts, ids, strict=False):
                        yield _value_item(f"{self.file.name}:{row}", own, text, reading)
                        row += 1
        except (OSError, ArrowException, ValueError) as error:
            yield _bad(f"{self.file.name}:{row}", f"can't be read from this row on: {why(error)}")

    @property
    def fingerprint(self) -> str:
        return _digest((self.file, self.group))

    @property
    def size(self) -> int:
        return round(max(0, self.file.size) * self.share)


@dataclass(frozen=True, slots=True)
class _Carried(Piece):
    """Documents read from a stream."""

    carried: tuple[Item, ...] = field(repr=False)

    def items(self, reading: Reading) -> Iterator[Item]:
        del reading
        yield from self.carried

    @property
    def fingerprint(self) -> str:
        return _digest(self.carried)


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# --- inputs to pieces ---------------------------------------------------------------------------


def pieces(inputs: Sequence[str], reading: Reading) -> Iterator[Piece]:
    """All pieces of all inputs, in order; memory is bounded.

    Raises `UsageError` where an input needs a package that is not installed.
    """
    waiting: list[File] = []
    for file in files_of(inputs):
        kind = _kind(file.name) if file.path != STANDARD_INPUT else "stdin"
        if kind == "document":
            waiting.append(file)
            if len(waiting) >= PIECE_FILES or sum(f.size for f in waiting) >= PIECE_BYTES:
                yield Files(tuple(waiting))
                waiting = []
            continue
        if waiting:
            yield Files(tuple(waiting))
            waiting = []
        yield from _PIECES[kind](file, reading)
    if waiting:
        yield Files(tuple(waiting))


def _kind(name: str) -> str:
    """What a file holds, by its name."""
    return _KINDS.get(_suffix(name), "document")


def _suffix(name: str) -> str:
    """How a name ends, but for what says that it is compressed."""
    return os.path.splitext(plain_name(name))[1]


_KINDS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".csv": "csv", ".tsv": "csv",
    ".warc": "warc", ".wet": "warc", ".zip": "zip",
}  # fmt: skip


def _standard_input(file: File, reading: Reading) -> Iterator[Piece]:
    """JSON lines if it begins like them, else one document."""
    import sys  # noqa: PLC0415

    del file
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    stream = io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer))
    if stream.peek(64).removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{":
        yield from _bundled(
            _line_item(STANDARD_INPUT, at, line, reading)
            for at, line in _lines(stream, 0, reading.max_bytes)
        )
        return
    data = stream.read(reading.max_bytes + 1)
    item = Item(STANDARD_INPUT, STANDARD_INPUT, data)
    yield _Carried(
        (
            item
            if len(data) <= reading.max_bytes
            else _bad(STANDARD_INPUT, _long(reading.max_bytes)),
        )
    )


def _json_lines(file: File, reading: Reading) -> Iterator[Piece]:
    if is_compressed(file.name) or file.size < 0 or not can_be_read(file.path):
        yield from _bundled(_streamed(file, _compressed_lines, reading))
        return
    start = 0
    with open_bytes(file.path) as stream:
        while start < file.size:
            stream.seek(min(start + PIECE_BYTES, file.size) - 1)
            end = stream.tell() + 1
            while part := stream.readline(PIECE_BYTES):
                end = stream.tell()
                if part.endswith(b"\n"):
                    break
            yield _Lines(file, start, end)
            start = end


def _row_groups(file: File, reading: Reading) -> Iterator[Piece]:
    try:
        from pyarrow.lib import ArrowException  # noqa: PLC0415 - heavy
    except ImportError:
        raise UsageError(f"{file.name}: {NEEDS}") from None
    try:
        if not is_regular(file.path):
            raise InputError("is no regular file")
        with _parquet(file.path) as table:
            _columns(table.schema_arrow.names, reading)
            rows = [table.metadata.row_group(k).num_rows for k in range(table.num_row_groups)]
    except (OSError, ArrowException, ValueError) as error:
        yield _Carried((_bad(file.name, why(error)),))
        return
    for group, first in enumerate(accumulate(rows[:-1], initial=0) if rows else ()):
        yield _RowGroup(file, group, first, rows[group] / max(1, sum(rows)))


def _records(file: File, reading: Reading) -> Iterator[Piece]:
    try:
        import fastwarc  # noqa: F401, PLC0415
    except ImportError:
        raise UsageError(f"{file.name}: {NEEDS}") from None
    yield from _bundled(_streamed(file, _warc_records, reading))


def _contained(read: _Reader, file: File, reading: Reading) -> Iterator[Piece]:
    yield from _bundled(_streamed(file, read, reading))


def _bundled(items: Iterator[Item]) -> Iterator[Piece]:
    """Documents of a stream in pieces, by their bytes."""
    waiting: list[Item] = []
    size = 0
    for item in items:
        waiting.append(item)
        size += len(item.data or "")
        if size >= PIECE_BYTES or len(waiting) >= PIECE_FILES:
            yield _Carried(tuple(waiting))
            waiting, size = [], 0
    if waiting:
        yield _Carried(tuple(waiting))


# --- streams ------------------------------------------------------------------------------------


def _streamed(file: File, read: _Reader, reading: Reading) -> Iterator[Item]:
    """The documents of a container; what ends it early is told with all that came before."""
    count = 0
    try:
        if not is_regular(file.path):
            raise InputError("is no regular file")
        for item in read(file, reading):
            count += 1
            yield item
    except _UNREADABLE as error:
        behind = f" behind {count} documents" if count else ""
        yield _bad(file.name, f"can't be read on{behind}: {why(error)}")


def _compressed_lines(file: File, reading: Reading) -> Iterator[Item]:
    with open_plain(file.path, file.name) as stream:
        for at, line in _lines(stream, 0, reading.max_bytes):
            yield _line_item(file.name, at, line, reading)


def _with_limit(rows: Iterator[list[str]], limit: int) -> Iterator[list[str]]:
    """The rows, with fields up to so many characters; the limit of the process stays as it is."""
    while True:
        before = csv.field_size_limit(limit)
        try:
            row = next(rows, None)
        finally:
            csv.field_size_limit(before)
        if row is None:
            return
        yield row


def _csv_rows(file: File, reading: Reading) -> Iterator[Item]:
    separator = "\t" if _suffix(file.name) == ".tsv" else ","
    with open_plain(file.path, file.name) as stream:
        lines = _CsvLines(stream, reading)
        rows = _with_limit(csv.reader(lines, delimiter=separator), reading.max_bytes)
        names = next(rows, [])
        columns = _columns(names, reading)
        places = [names.index(column) if column else -1 for column in columns]
        for number, row in enumerate(rows, start=1):
            source = f"{file.name}:{number}"
            whole = lines.taken()
            if lines.n_long:
                yield _bad(source, _long(reading.max_bytes))
                lines.n_long = 0
            if not row:
                continue
            if len(row) <= max(places):
                yield _bad(source, "has fewer columns than the head")
            elif not all(field.isascii() or _is_text(field) for field in row):
                yield _bad(source, "is not UTF-8; give --encoding")
            elif lines.ended and _is_open(whole, separator):
                yield _bad(source, "is cut off inside of quotes")
            else:
                name = row[places[1]] if columns[1] else None
                yield _value_item(source, name, row[places[0]], reading)


class _CsvLines:
    """Decoded lines, those that are too long left out; remembers what it gave, and its end.

    Raises `ValueError` where a row does not end.
    """

    def __init__(self, stream: IO[bytes], reading: Reading) -> None:
        encoding = reading.encoding or "utf-8-sig"
        self.lines = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="")
        self.limit = 2 * reading.max_bytes
        self.given: list[str] = []
        self.n_given = 0  # characters of these
        self.n_long = 0
        self.ended = False

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        line = self.lines.readline(self.limit)
        if len(line) == self.limit and not line.endswith("\n"):
            while (more := self.lines.readline(self.limit)) and not more.endswith("\n"):
                pass
            self.n_long += 1
            line = "\n"
        if not line:
            self.ended = True
            raise StopIteration
        self.ended = not line.endswith("\n")
        self.given.append(line)
        self.n_given += len(line)
        if self.n_given > self.limit:
            raise ValueError("a row goes on over too many lines; is a quote missing?")
        return line

    def taken(self) -> list[str]:
        """The lines given since the last call."""
        given, self.given, self.n_given = self.given, [], 0
        return given


def _is_open(lines: Sequence[str], separator: str) -> bool:
    """Whether a row of CSV ends inside of quotes."""
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _is_text(field: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in field)


def _warc_records(file: File, reading: Reading) -> Iterator[Item]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType  # noqa: PLC0415

    wanted = WarcRecordType.response | WarcRecordType.conversion | WarcRecordType.resource
    with open_bytes(file.path) as stream:
        for record in ArchiveIterator(stream, record_types=wanted, parse_http=True):
            source = f"{file.name}:{record.stream_pos}"
            name = record.headers.get("WARC-Target-URI") or source
            data = record.reader.read(reading.max_bytes + 1)
            if len(data) > reading.max_bytes:
                yield Item(name, source, None, _long(reading.max_bytes))
            elif "Content-Length" not in record.headers or len(data) < record.content_length:
                yield Item(name, source, None, "is cut off")
            else:
                yield _response(name, source, data, record, reading.max_bytes)


def _response(name: str, source: str, data: bytes, record: Any, limit: int) -> Item:
    """A record's document; an HTTP response without what was done to it on its way."""
    headers = record.http_headers
    if headers is None:
        return Item(name, source, data)
    transfer, content = (headers.get(f"{kind}-Encoding") or "" for kind in ("Transfer", "Content"))
    try:
        body = body_of(data, transfer, content, limit)
    except InputError as error:
        return Item(name, source, None, str(error))
    if len(body) > limit:
        return Item(name, source, None, _long(limit))
    return Item(name, source, body, sent_as=record.http_charset)


def _zip_members(file: File, reading: Reading) -> Iterator[Item]:
    seen: Counter[str] = Counter()
    with open_bytes(file.path) as stream, zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            seen[member.filename] += 1
            again = f"#{seen[member.filename]}" if seen[member.filename] > 1 else ""
            source = f"{file.name}!{member.filename}{again}"
            if member.flag_bits & ENCRYPTED:
                yield _bad(source, "is encrypted")
                continue
            read = partial(_member, archive, member, reading.max_bytes)
            yield _guarded(source, read, reading.max_bytes)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(member) as stream:
        return stream.read(limit + 1)


def _lines(stream: IO[bytes], start: int, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their offsets; None for one that is longer than `limit`, which is passed over."""
    at = start
    while line := stream.readline(limit + 1):
        begin, at = at, at + len(line)
        if len(line) <= limit or line.endswith(b"\n"):
            if line.strip():
                yield begin, line
            continue
        while not line.endswith(b"\n"):
            line = stream.readline(PIECE_BYTES)
            at += len(line)
            if not line:
                break
        yield begin, None


_PIECES: dict[str, Callable[[File, Reading], Iterator[Piece]]] = {
    "stdin": _standard_input, "jsonl": _json_lines, "parquet": _row_groups, "warc": _records,
    "csv": partial(_contained, _csv_rows), "zip": partial(_contained, _zip_members),
}  # fmt: skip


# --- single documents ---------------------------------------------------------------------------


def _line_item(name: str, at: int, line: bytes | None, reading: Reading) -> Item:
    source = f"{name}@{at}"
    if line is None:
        return _bad(source, _long(reading.max_bytes))
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise ValueError("is no JSON object")
        columns = _columns(list(entry), reading)
    except (ValueError, RecursionError) as error:
        return _bad(source, why(error))
    own = entry[columns[1]] if columns[1] else None
    return _value_item(source, own, entry[columns[0]], reading)


def _value_item(source: str, name: object, text: object, reading: Reading) -> Item:
    own = id_of(name, source)
    if text is None:
        return Item(own, source, "")
    if isinstance(text, Exception):
        return Item(own, source, None, why(text))
    if not isinstance(text, (str, bytes)):
        return Item(own, source, None, f"its text is of the type {type(text).__name__}")
    if len(text) > reading.max_bytes:
        return Item(own, source, None, _long(reading.max_bytes))
    return Item(own, source, text)


def id_of(name: object, source: str) -> str:
    """What names a document: a text, or a whole number; else its place."""
    if isinstance(name, bytes):
        return name.decode("utf-8", "backslashreplace") or source
    named = isinstance(name, str) or (isinstance(name, int) and not isinstance(name, bool))
    return str(name) or source if named else source


def column_values(column: pa.Array[Any]) -> list[Any]:
    """The values of an Arrow column; in the place of one that can't be read, the exception."""
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):  # of Arrow too
        return [_column_value(value) for value in column]


def _column_value(value: Any) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError) as error:
        return error


def _columns(names: Sequence[str], reading: Reading) -> tuple[str, str | None]:
    """The columns of texts and of ids; an id is optional where it was not asked for."""
    for wanted in (reading.text_column, reading.id_column):
        if wanted is not None and names.count(wanted) > 1:
            raise ValueError(f"has several columns {wanted!r}")
        if wanted is not None and wanted not in names:
            listed = ", ".join(map(repr, names[:10]))
            raise ValueError(f"has no column {wanted!r}, but {listed or 'none'}")
    return reading.text_column, reading.id_column or ("id" if names.count("id") == 1 else None)


def _content(file: File, limit: int) -> bytes:
    if not is_regular(file.path):
        raise InputError("is no regular file")
    if file.size > limit and not is_compressed(file.name):
        raise InputError(_long(limit))
    with open_plain(file.path, file.name) as stream:
        return stream.read(limit + 1)


def _guarded(source: str, read: Callable[[], bytes], limit: int) -> Item:
    try:
        data = read()
    except _UNREADABLE as error:
        return _bad(source, why(error))
    if len(data) > limit:
        return _bad(source, _long(limit))
    return Item(source, source, data)


def _bad(source: str, reason: str) -> Item:
    return Item(source, source, None, reason)


def _long(limit: int) -> str:
    return f"is longer than {limit} bytes; split it, or raise the limit"


@contextmanager
def _parquet(path: str) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

    with open_bytes(path) as stream, pq.ParquetFile(stream if is_remote(path) else path) as table:
        yield table
