"""A bulk run: pieces of the inputs through worker processes into files that appear whole.

Every piece of the inputs (`intake`) is one task, numbered in their order. Its worker writes the
rows of its documents to files of that number, each by an atomic rename, and at last a *marker* with
the piece's fingerprint and counts. A run that is stopped, in whatever way, goes on with the same
command: pieces with a marker are done; all others are done again, and write the same files. So no
document is lost and none is done twice, and the result does not depend on where the run stopped.

The parent holds a bounded window of tasks. A piece that makes its process end is tried again alone,
document by document, and the document that does it is set aside.
"""

from __future__ import annotations

import codecs
import hashlib
import heapq
import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

from tabrecover._version import __version__
from tabrecover.api import library_of
from tabrecover.batch import (
    COLUMNS,
    SECONDS,
    Repaired,
    Repairer,
    Row,
    plain_row,
    schema_of,
    set_aside,
)
from tabrecover.confidence import ACCEPT
from tabrecover.errors import RecoveryError, UsageError
from tabrecover.intake import MAX_BYTES, Item, Piece, Reading, pieces
from tabrecover.places import STANDARD_INPUT, bytes_of, check_inputs, is_remote
from tabrecover.render import csv_line
from tabrecover.storage import write_atomically

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = [
    "FORMATS",
    "BulkError",
    "Counted",
    "Done",
    "Engine",
    "LocalEngine",
    "Settings",
    "Summary",
    "Worker",
    "done_alone",
    "repair",
    "repaired",
    "settings_of",
]

STATE = ".state"
DATA_SETS = ("documents", "tables", "values", "records", "repaired", "quarantine")
_HALF_WRITTEN = re.compile(  # names that `write_atomically` gives to files of a run
    r"\.(?:part-(?:\d{7}|none)\.\w+|\d{7}(?:\.review)?\.jsonl?|manifest\.json|finished\.json"
    r"|summary\.json|review\.csv)\.[A-Za-z0-9_]+"
)
FORMAT_VERSION = 1
MAX_SECONDS = 1_000_000  # that a document may take
MOST_BYTES = 2**31 - 1  # of a document; CSV can't be asked for more
MAX_REVIEW = 100_000  # rows of review.csv
REVIEW = ("id", "source", "table", "template", "key", "row_path", "column_path", "text",
          "confidence", "others", "suggestion", "doubts")  # fmt: skip
KEPT_BYTES = 1 << 16  # of a document that was set aside
ROWS_AT_ONCE = 5_000  # in memory, before they are written


class BulkError(RecoveryError):
    """A run can't go on: the output can't be written, or is of another run."""


@dataclass(frozen=True)
class Settings:
    """What decides the result of a run, but for its inputs."""

    templates: tuple[str, ...]
    format: Format
    tables_as: Drawing
    kind: Literal["text", "html"] | None
    encoding: str | None
    least: float
    seconds: float
    reading: Reading


@dataclass
class Summary:
    """Counts of a run: all, and by template and by dialect."""

    counts: Counter[str] = field(default_factory=Counter)
    by_template: dict[str, Counter[str]] = field(default_factory=dict)
    by_dialect: Counter[str] = field(default_factory=Counter)

    def add(self, one: Repaired) -> None:
        """Count a document."""
        row = one.document
        self.counts["documents"] += 1
        self.counts[row["status"]] += 1
        for name in ("characters", "tables", "values", "doubts", "broken_rules"):
            self.counts[name] += row[name]
        if one.tables:
            self.by_dialect[row["dialect"]] += 1
        for table in one.tables:
            own = self.by_template.setdefault(table["template"] or "", Counter())
            own.update(tables=1, values=table["values"], doubts=table["doubts"])
            own.update({table["status"]: 1, "broken_rules": table["broken_rules"]})

    def include(self, counted: Mapping[str, Any]) -> None:
        """Add the counts of a piece, as `to_dict` gives them."""
        self.counts.update(counted["counts"])
        self.by_dialect.update(counted["by_dialect"])
        for template, counts in counted["by_template"].items():
            self.by_template.setdefault(template, Counter()).update(counts)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, sorted."""
        return {
            "counts": dict(sorted(self.counts.items())),
            "by_template": {
                k: dict(sorted(v.items())) for k, v in sorted(self.by_template.items())
            },
            "by_dialect": dict(sorted(self.by_dialect.items())),
        }


Name = str | os.PathLike[str]
Format = Literal["parquet", "csv", "records", "repaired"]
Drawing = Literal["html", "markdown"]
FORMATS = get_args(Format)


class Done(NamedTuple):
    """How far a run is.

    `share` is the part of its input's bytes that is done, None where that can't be told;
    `documents_before` and `share_before` are what earlier runs did of it.
    """

    documents_before: int
    share: float | None
    share_before: float


Progress = Callable[[Summary, Done], None]
"""Called with the counts so far, and how far the run is."""


def repair(
    inputs: Name | Sequence[Name],
    out: Name,
    *,
    templates: Name | Sequence[Name] = "builtin",
    format: Format = "parquet",  # noqa: A002 - the name users see
    workers: int | None = None,
    engine: Callable[[Path, Settings], Engine] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Summary:
    """Repair all documents of the inputs into the folder `out`, or go on where a run stopped.

    `inputs` are files, folders or `-`; docs/bulk.md says what they may be, and what `out` holds
    then. `templates` are folders, compiled libraries, `"builtin"` or `"none"`. `workers` are
    processes (default: one for each processor); with 1, all is done in this process. `engine` does
    the work elsewhere (`tabrecover.ray_engine`). `options` are those of `settings_of`.

    Raises `BulkError` where the output can't be written or belongs to another run, `UsageError` and
    `TemplateError` for what was asked for; documents never raise.
    """
    names = _distinct(_names(inputs))
    if is_remote(os.fspath(out)):
        raise UsageError(f"{out}: the output is a folder of this machine; copy it when it is done")
    if not os.fspath(out) or (workers is not None and workers < 1):
        raise UsageError("give a folder for the output, and one worker at least")
    settings = settings_of(templates=templates, format=format, **options)
    folder = Path(out).absolute()
    _check(names, folder, settings)
    summary = Summary()
    with _locked(folder):
        _start(folder, names, settings)
        _sweep(folder)
        pieces_done = 0
        meter = _Meter(names) if progress is not None else None
        chosen = engine or partial(LocalEngine, workers=workers or os.cpu_count() or 1)
        for counted, before in _counted(folder, names, settings, chosen(folder, settings)):
            summary.include(counted)
            pieces_done += 1
            if progress is not None and meter is not None:
                progress(summary, meter.after(counted, before=before))
        _finish(folder, summary, pieces_done, settings.format)
        _sweep(folder)  # workers of a killed run may have lived a moment longer
    return summary


class _Meter:
    """Adds up what is done of a run's inputs."""

    def __init__(self, names: Sequence[str]) -> None:
        self.total = bytes_of(names)
        self.documents_before = self.read = self.read_before = 0

    def after(self, counted: Counted, *, before: bool) -> Done:
        """How far the run is after one more piece, which an earlier run did (`before`), or this."""
        self.read += counted.get("bytes", 0)
        if before:
            self.read_before += counted.get("bytes", 0)
            self.documents_before += counted["counts"].get("documents", 0)
        if not self.total:
            return Done(self.documents_before, None, 0.0)
        shares = (min(1.0, read / self.total) for read in (self.read, self.read_before))
        return Done(self.documents_before, *shares)


def repaired(inputs: Name | Sequence[Name], **options: Any) -> Iterator[Repaired]:
    """The documents of the inputs one by one, repaired in this process; nothing is written.

    `inputs` as for `repair`, `options` those of `settings_of`.
    """
    settings = settings_of(**options)
    repairer = _repairer(settings)
    names = _names(inputs)
    check_inputs(names)
    for piece in pieces(names, settings.reading):
        yield from map(repairer.repair_item, piece.items(settings.reading))


def settings_of(
    *,
    templates: Name | Sequence[Name] = "builtin",
    format: Format = "parquet",  # noqa: A002 - the name users see
    tables_as: Drawing = "html",
    kind: Literal["text", "html"] | None = None,
    encoding: str | None = None,
    least: float = ACCEPT,
    seconds: float = SECONDS,
    text_column: str = "text",
    id_column: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Settings:
    """What a run does: see the fields of `Settings` and of `Reading`."""
    for name, value, allowed in (
        ("format", format, FORMATS),
        ("tables_as", tables_as, get_args(Drawing)),
        ("kind", kind, (None, "text", "html")),
    ):
        if value not in allowed:
            raise UsageError(f"{name} must be one of {', '.join(map(str, allowed))}, not {value!r}")
    for name, number, most in (
        ("least", least, 1),
        ("seconds", seconds, MAX_SECONDS),
        ("max_bytes", max_bytes, MOST_BYTES),
    ):
        if not 0 <= number <= most:
            raise UsageError(f"{name} must be from 0 to {most:,}, not {number!r}")
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise UsageError(f"encoding {encoding!r} is unknown") from None
    reading = Reading(text_column, id_column, max_bytes, encoding)
    names = tuple(map(_absolute, _names(templates)))
    return Settings(names, format, tables_as, kind, encoding, least, seconds, reading)


def _names(given: Name | Sequence[Name]) -> list[str]:
    several = [given] if isinstance(given, (str, os.PathLike)) else given
    return [os.fspath(name) for name in several]


def _distinct(names: Iterable[str]) -> list[str]:
    """The names without those that mean the same file or folder."""
    return list({_place(name): name for name in names}.values())


def _place(name: str) -> str:
    return name if name == STANDARD_INPUT or is_remote(name) else os.path.realpath(name)


def _absolute(name: str) -> str:
    """The name of templates wherever a worker runs."""
    return name if name in ("builtin", "none") else os.path.abspath(name)


def _repairer(settings: Settings) -> Repairer:
    library = library_of(list(settings.templates))
    return Repairer(library, settings.kind, settings.encoding, settings.least, settings.seconds)


def _check(names: Sequence[str], folder: Path, settings: Settings) -> None:
    """Raise for what can't be done, before anything is written."""
    check_inputs(names)
    library_of(list(settings.templates))
    _check_folder(folder)
    inside = [n for n in names if not is_remote(n) and _is_inside(folder, Path(n))]
    if inside:
        raise UsageError(f"{folder}: is inside of the input {inside[0]}; give a folder beside it")
    if settings.format == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415
        except ImportError:
            raise UsageError(
                "Parquet needs more packages: pip install 'tabrecover[bulk]', or ask for CSV or "
                "records"
            ) from None


def _check_folder(folder: Path) -> None:
    """Raise `BulkError` for a folder that is of no run."""
    if not folder.is_dir() or (folder / STATE / "manifest.json").exists():
        return
    strange = [entry.name for entry in folder.iterdir() if entry.name != STATE]
    if strange:
        raise BulkError(
            f"{folder}: holds {strange[0]!r}, which is of no run; give an empty or new folder"
        )


def _is_inside(folder: Path, name: Path) -> bool:
    return name.is_dir() and folder.resolve().is_relative_to(name.resolve())


# --- the output folder --------------------------------------------------------------------------


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of the folder; the system gives the lock up when the process ends."""
    with _writing(folder):
        (folder / STATE).mkdir(parents=True, exist_ok=True)
        stream = open(folder / STATE / "lock", "w", encoding="utf-8")  # noqa: SIM115 - kept open
    with stream:
        try:
            import fcntl  # noqa: PLC0415 - not on every system

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError:
            raise BulkError(f"{folder}: another run writes there; wait for its end") from None
        yield


def _start(folder: Path, names: Sequence[str], settings: Settings) -> None:
    """Write the manifest, or check that it is that of the same run."""
    path = folder / STATE / "manifest.json"
    manifest = {
        "format": FORMAT_VERSION,
        "version": __version__,
        "inputs": list(names),
        "settings": {**asdict(settings), "reading": settings.reading._asdict()},
        "templates": _digest_of(settings.templates),
    }
    if not path.exists():
        _write_json(path, manifest)
        return
    known = json.loads(path.read_text(encoding="utf-8"))
    same = json.loads(json.dumps(manifest))
    differs = [key for key in same if known.get(key) != same[key]]
    if differs:
        raise BulkError(
            f"{folder}: holds a run with other {' and '.join(differs)}; give the same, or another "
            "folder"
        )


def _sweep(folder: Path) -> None:
    """Take out what is left of files that were being written when a run was stopped."""
    for inside in (folder, *(folder / name for name in (STATE, *DATA_SETS))):
        if inside.is_symlink() or not inside.is_dir():
            continue
        for entry in list(os.scandir(inside)):
            if _HALF_WRITTEN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                os.unlink(entry.path)


def _digest_of(templates: Sequence[str]) -> str:
    """A hash of all files that the templates come from."""
    digest = hashlib.blake2b(digest_size=16)
    for name in templates:
        path = Path(name)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        digest.update(f"{name}\n".encode("utf-8", "surrogatepass"))
        for file in files:
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Tell what can't be written."""
    try:
        yield
    except OSError as error:
        raise BulkError(f"{path}: can't be written: {error.strerror}") from error


def _write_json(path: Path, value: object) -> None:
    with _writing(path), write_atomically(path) as stream:
        json.dump(value, stream, indent=1)


# --- the window ---------------------------------------------------------------------------------

Counted = Mapping[str, Any]
"""What a marker says: a fingerprint, and counts as `Summary.to_dict` has them."""


class Engine(Protocol):
    """Where pieces are done; `give` and `rest` give the counts of those that are done by then."""

    def give(self, number: int, piece: Piece) -> Iterator[Counted]:
        """Hand out a piece; waits while too many are being done."""

    def rest(self) -> Iterator[Counted]:
        """Wait for all that is still being done."""

    def close(self) -> None:
        """End what was begun."""


def _counted(
    folder: Path, names: Sequence[str], settings: Settings, engine: Engine
) -> Iterator[tuple[Counted, bool]]:
    """The counts of every piece as they come, and whether an earlier run did it."""
    number = -1
    finished = _finished(folder)
    try:
        for number, piece in enumerate(pieces(names, settings.reading)):
            if finished is not None and number >= finished:
                raise _changed(folder, "there is more than when it ended")
            known = _known(folder, number, piece)
            if known is not None:
                yield known, True
            else:
                yield from ((counted, False) for counted in engine.give(number, piece))
        if _marker(folder, number + 1).exists() or (finished or 0) > number + 1:
            raise _changed(folder, "some that were done are gone")
        yield from ((counted, False) for counted in engine.rest())
    finally:
        engine.close()


def _finished(folder: Path) -> int | None:
    """The number of pieces of a run that has ended."""
    path = folder / STATE / "finished.json"
    if not path.exists():
        return None
    return int(json.loads(path.read_text(encoding="utf-8"))["pieces"])


def _changed(folder: Path, what: str) -> BulkError:
    return BulkError(
        f"{folder}: inputs have changed since the run began ({what}); give another folder"
    )


def _marker(folder: Path, number: int) -> Path:
    return folder / STATE / f"{number:07}.json"


def _known(folder: Path, number: int, piece: Piece) -> Counted | None:
    """The counts of a piece that is done; raises `BulkError` if it was another piece."""
    path = _marker(folder, number)
    if not path.exists():
        return None
    marker: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if marker["fingerprint"] != piece.fingerprint:
        raise _changed(folder, f"piece {number} is another one")
    return marker


class LocalEngine:
    """Worker processes with a window of tasks; one worker is this process itself."""

    def __init__(self, folder: Path, settings: Settings, workers: int) -> None:
        self.folder, self.settings, self.workers = folder, settings, workers
        self.window = 2 * workers + 2
        self.tasks: dict[Future[Counted], tuple[int, Piece]] = {}
        self.worker = Worker(folder, settings) if workers == 1 else None
        self.pool = None if workers == 1 else self._pool(workers)

    def _pool(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            workers, get_context("spawn"), _begin, (self.folder, self.settings)
        )

    def give(self, number: int, piece: Piece) -> Iterator[Counted]:
        """See `Engine`."""
        if self.worker is not None:
            yield self.worker.do(number, piece)
            return
        while len(self.tasks) >= self.window:
            yield from self._collect()
        assert self.pool is not None  # noqa: S101 - for the type
        try:
            self.tasks[self.pool.submit(_do, number, piece)] = number, piece
        except BrokenProcessPool:
            yield from self._mend()
            self.tasks[self.pool.submit(_do, number, piece)] = number, piece

    def rest(self) -> Iterator[Counted]:
        """See `Engine`."""
        while self.tasks:
            yield from self._collect()

    def _collect(self) -> Iterator[Counted]:
        done, _ = wait(self.tasks, return_when=FIRST_COMPLETED)
        for future in done:
            try:
                counted = future.result()
            except BrokenProcessPool:
                yield from self._mend()
                return
            del self.tasks[future]
            yield counted

    def _mend(self) -> Iterator[Counted]:
        """After a process ended: what was being done is done again, one by one and alone."""
        lost = sorted(self.tasks.values(), key=lambda task: task[0])
        self.tasks.clear()
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
        for number, piece in lost:
            yield done_alone(self.folder, number, partial(self._alone, number, piece))
        self.pool = self._pool(self.workers)

    def _alone(self, number: int, piece: Piece, deadly: tuple[int, ...]) -> Counted | None:
        with self._pool(1) as pool:
            try:
                return pool.submit(_do, number, piece, deadly).result()
            except BrokenProcessPool:
                return None

    def close(self) -> None:
        """See `Engine`."""
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)


def done_alone(
    folder: Path, number: int, attempt: Callable[[tuple[int, ...]], Counted | None]
) -> Counted:
    """The counts of a piece some documents of which end the process that repairs them.

    `attempt` does the piece in a process of its own without the documents of these numbers, and
    gives None where that ended. Raises `BulkError` where no document can be blamed.
    """
    deadly: list[int] = []
    while True:
        counted = attempt(tuple(deadly))
        if counted is not None:
            return counted
        at = _at(folder, number)
        reached = int(at.read_text(encoding="utf-8")) if at.exists() else -1
        if reached < 0 or reached in deadly:
            raise BulkError(
                f"worker processes end by themselves (piece {number}); is there enough memory?"
            )
        deadly.append(reached)


# --- the worker ---------------------------------------------------------------------------------

_WORKER: list[Worker] = []


def _begin(folder: Path, settings: Settings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_follow_parent, daemon=True).start()
    _WORKER[:] = [Worker(folder, settings)]


def _follow_parent() -> None:
    """End when the parent has ended, however it did; nothing else tells its workers."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _do(number: int, piece: Piece, deadly: tuple[int, ...] | None = None) -> Counted:
    return _WORKER[0].do(number, piece, deadly)


def _at(folder: Path, number: int) -> Path:
    """Which document of a piece is being repaired, where a piece is tried alone."""
    return folder / STATE / f"{number:07}.at"


class Worker:
    """Does pieces: documents in, files and a marker out."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.repairer = _repairer(settings)

    def do(self, number: int, piece: Piece, deadly: tuple[int, ...] | None = None) -> Counted:
        """Repair a piece; gives its marker. With `deadly`, tells where it is, and skips those."""
        summary = Summary()
        with _writing(self.folder):
            with _Files(self.folder, number, self.settings) as files:
                for at, item in enumerate(piece.items(self.settings.reading)):
                    if deadly is not None:
                        _at(self.folder, number).write_text(str(at), encoding="utf-8")
                    one = self._repaired(item, is_deadly=at in (deadly or ()))
                    summary.add(one)
                    files.add(one, item)
            marker = {
                "fingerprint": piece.fingerprint, "bytes": piece.size, **summary.to_dict()
            }  # fmt: skip
            _write_json(_marker(self.folder, number), marker)
            _at(self.folder, number).unlink(missing_ok=True)
        return marker

    def _repaired(self, item: Item, *, is_deadly: bool) -> Repaired:
        if is_deadly and item.data is not None:
            return set_aside(item.id, item.source, "made the process end that repaired it")
        return self.repairer.repair_item(item)


class _Files:
    """The files of one piece, which appear when all is written; without rows there is none."""

    def __init__(self, folder: Path, number: int, settings: Settings) -> None:
        self.folder, self.number, self.settings = folder, number, settings
        self.stack = ExitStack()
        self.sinks: dict[str, _Sink] = {}

    def __enter__(self) -> _Files:
        self.stack.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.stack.__exit__(kind, error, trace)

    def add(self, one: Repaired, item: Item) -> None:
        """Write what became of a document."""
        wanted = self.settings.format
        if wanted == "records":
            self._sink(wanted, "jsonl").write_text(one.record + "\n")
        elif wanted == "repaired":
            if one.read is not None:
                text = one.rewritten(self.settings.tables_as)
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
            path = self.folder / data_set / f"{name}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            if suffix == "parquet":
                stream: IO[Any] = self.stack.enter_context(write_atomically(path, "wb"))
                self.sinks[data_set] = _ParquetSink(stream, data_set)
            else:
                stream = self.stack.enter_context(write_atomically(path))
                kind = _CsvSink if suffix == "csv" else _Sink
                self.sinks[data_set] = kind(stream, data_set)
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


# --- the end ------------------------------------------------------------------------------------


def _finish(folder: Path, summary: Summary, n_pieces: int, wanted: str) -> None:
    """Write the summary and the list for review; a data set without rows gets a file without."""
    _write_json(folder / "summary.json", summary.to_dict())
    for data_set in COLUMNS if wanted == "parquet" else ():
        if not any((folder / data_set).glob("*.parquet")):
            _write_empty(folder / data_set / "part-none.parquet", data_set)
    rows = heapq.nsmallest(MAX_REVIEW, _to_review(folder, n_pieces), key=_worth)
    _write_json(folder / STATE / "finished.json", {"pieces": n_pieces})
    with _writing(folder), write_atomically(folder / "review.csv") as stream:
        stream.write(csv_line(REVIEW))
        for row in rows:
            stream.write(csv_line(plain_row(row).values()))


def _write_empty(path: Path, data_set: str) -> None:
    with _writing(path):
        path.parent.mkdir(exist_ok=True)
        with write_atomically(path, "wb") as stream:
            _ParquetSink(stream, data_set).close()


def _to_review(folder: Path, n_pieces: int) -> Iterator[Row]:
    for number in range(n_pieces):
        path = folder / STATE / f"{number:07}.review.jsonl"
        if path.exists():
            with path.open(encoding="utf-8") as stream:
                yield from map(json.loads, stream)


def _worth(row: Row) -> tuple[Any, ...]:
    """Values first whose tables need the least more to be accepted."""
    return row["doubts"], -row["confidence"], row["source"], row["table"], row["key"] or ""
