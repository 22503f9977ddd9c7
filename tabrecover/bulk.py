"""A bulk run: pieces of the inputs through worker processes into files that appear whole.

Every piece of the inputs (`intake`) is one task, numbered in their order. Its worker writes the
rows of its documents to files of that number, each of which appears whole, and at last a *marker*
with the piece's fingerprint and counts. A run that is stopped, in whatever way, goes on with the
same command: pieces with a marker are done; all others are done again, and write the same files. So
no document is lost and none is done twice, and the result does not depend on where the run stopped.

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
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from tabrecover._version import __version__
from tabrecover.api import library_of
from tabrecover.batch import (
    COLUMNS,
    SECONDS,
    Repaired,
    Repairer,
    Row,
    plain_row,
    set_aside,
)
from tabrecover.confidence import ACCEPT
from tabrecover.errors import UsageError
from tabrecover.folders import STATE, BulkError, Folder, folder_at
from tabrecover.intake import MAX_BYTES, Item, Piece, Reading, pieces
from tabrecover.places import STANDARD_INPUT, bytes_of, check_inputs, is_remote
from tabrecover.render import csv_line
from tabrecover.sinks import (
    DATA_SETS,
    DRAWINGS,
    FORMATS,
    REVIEW,
    Drawing,
    Files,
    Format,
    write_empty,
)

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

_INSIDE = (STATE, *DATA_SETS)  # the folders of a run's folder
_MANIFEST, _FINISHED = f"{STATE}/manifest.json", f"{STATE}/finished.json"
_MARKER = re.compile(r"\d{7}\.json")
FORMAT_VERSION = 1
MAX_SECONDS = 1_000_000  # that a document may take
MOST_BYTES = 2**31 - 1  # of a document; CSV can't be asked for more
MAX_REVIEW = 100_000  # rows of review.csv


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
    engine: Callable[[Folder, Settings], Engine] | None = None,
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
    if not os.fspath(out) or (workers is not None and workers < 1):
        raise UsageError("give a folder for the output, and one worker at least")
    settings = settings_of(templates=templates, format=format, **options)
    folder = folder_at(out)
    _check(names, folder, settings)
    summary = Summary()
    with folder.locked():
        _start(folder, names, settings)
        folder.sweep(_INSIDE)
        pieces_done = 0
        meter = _Meter(names) if progress is not None else None
        chosen = engine or partial(LocalEngine, workers=workers or os.cpu_count() or 1)
        for counted, before in _counted(folder, names, settings, chosen(folder, settings)):
            summary.include(counted)
            pieces_done += 1
            if progress is not None and meter is not None:
                progress(summary, meter.after(counted, before=before))
        _finish(folder, summary, pieces_done, settings.format)
        folder.sweep(_INSIDE)  # workers of a killed run may have lived a moment longer
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
        ("tables_as", tables_as, DRAWINGS),
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


def _check(names: Sequence[str], folder: Folder, settings: Settings) -> None:
    """Raise for what can't be done, before anything is written."""
    check_inputs(names)
    library_of(list(settings.templates))
    _check_folder(folder)
    inside = [name for name in names if folder.is_inside(name)]
    if inside:
        raise UsageError(
            f"{folder.name}: is inside of the input {inside[0]}; give a folder beside it"
        )
    if settings.format == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415
        except ImportError:
            raise UsageError(
                "Parquet needs more packages: pip install 'tabrecover[bulk]', or ask for CSV or "
                "records"
            ) from None


def _check_folder(folder: Folder) -> None:
    """Raise `BulkError` for a folder that is of no run."""
    strange = [name for name in folder.names() if name != STATE]
    if strange and folder.text(_MANIFEST) is None:
        raise BulkError(
            f"{folder.name}: holds {strange[0]!r}, which is of no run; give an empty or new folder"
        )


# --- the output folder --------------------------------------------------------------------------


def _start(folder: Folder, names: Sequence[str], settings: Settings) -> None:
    """Write the manifest, or check that it is that of the same run."""
    manifest = {
        "format": FORMAT_VERSION,
        "version": __version__,
        "inputs": list(names),
        "settings": {**asdict(settings), "reading": settings.reading._asdict()},
        "templates": _digest_of(settings.templates),
    }
    known = _read_json(folder, _MANIFEST)
    if known is None:
        if _marked(folder):
            raise BulkError(f"{folder.name}: holds a run without its manifest; give another folder")
        _write_json(folder, _MANIFEST, manifest)
        return
    same = json.loads(json.dumps(manifest))
    differs = [key for key in same if known.get(key) != same[key]]
    if differs:
        raise BulkError(
            f"{folder.name}: holds a run with other {' and '.join(differs)}; give the same, or "
            "another folder"
        )


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


def _read_json(folder: Folder, name: str) -> dict[str, Any] | None:
    """What a file holds; None if there is none, or it has not come whole."""
    try:
        held = json.loads(folder.text(name) or "null")
    except ValueError:
        return None
    return held if isinstance(held, dict) else None


def _write_json(folder: Folder, name: str, value: object) -> None:
    with folder.writing(name) as stream:
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
    folder: Folder, names: Sequence[str], settings: Settings, engine: Engine
) -> Iterator[tuple[Counted, bool]]:
    """The counts of every piece as they come, and whether an earlier run did it."""
    number = -1
    finished = (_read_json(folder, _FINISHED) or {}).get("pieces")
    marked = _marked(folder)
    try:
        for number, piece in enumerate(pieces(names, settings.reading)):
            if finished is not None and number >= finished:
                raise _changed(folder, "there is more than when it ended")
            known = _known(folder, number, piece) if number in marked else None
            if known is not None:
                yield known, True
            else:
                yield from ((counted, False) for counted in engine.give(number, piece))
        if max(marked, default=-1) > number or (finished or 0) > number + 1:
            raise _changed(folder, "some that were done are gone")
        yield from ((counted, False) for counted in engine.rest())
    finally:
        engine.close()


def _changed(folder: Folder, what: str) -> BulkError:
    return BulkError(
        f"{folder.name}: inputs have changed since the run began ({what}); give another folder"
    )


def _marker(number: int) -> str:
    return f"{STATE}/{number:07}.json"


def _marked(folder: Folder) -> set[int]:
    """The numbers of the pieces that are done."""
    return {int(name[:7]) for name in folder.names(STATE) if _MARKER.fullmatch(name)}


def _known(folder: Folder, number: int, piece: Piece) -> Counted | None:
    """The counts of a piece that is done; raises `BulkError` if it was another piece."""
    marker = _read_json(folder, _marker(number))
    if marker is not None and marker["fingerprint"] != piece.fingerprint:
        raise _changed(folder, f"piece {number} is another one")
    return marker


class LocalEngine:
    """Worker processes with a window of tasks; one worker is this process itself."""

    def __init__(self, folder: Folder, settings: Settings, workers: int) -> None:
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
    folder: Folder, number: int, attempt: Callable[[tuple[int, ...]], Counted | None]
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
        reached = int(folder.text(_at(number)) or -1)
        if reached < 0 or reached in deadly:
            raise BulkError(
                f"worker processes end by themselves (piece {number}); is there enough memory?"
            )
        deadly.append(reached)


# --- the worker ---------------------------------------------------------------------------------

_WORKER: list[Worker] = []


def _begin(folder: Folder, settings: Settings) -> None:
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


def _at(number: int) -> str:
    """Which document of a piece is being repaired, where a piece is tried alone."""
    return f"{STATE}/{number:07}.at"


class Worker:
    """Does pieces: documents in, files and a marker out."""

    def __init__(self, folder: Folder, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.repairer = _repairer(settings)

    def do(self, number: int, piece: Piece, deadly: tuple[int, ...] | None = None) -> Counted:
        """Repair a piece; gives its marker. With `deadly`, tells where it is, and skips those."""
        summary = Summary()
        format_, drawing = self.settings.format, self.settings.tables_as
        with Files(self.folder, number, format_, drawing) as files:
            for at, item in enumerate(piece.items(self.settings.reading)):
                if deadly is not None:
                    with self.folder.writing(_at(number)) as stream:
                        stream.write(str(at))
                one = self._repaired(item, is_deadly=at in (deadly or ()))
                summary.add(one)
                files.add(one, item)
        marker = {"fingerprint": piece.fingerprint, "bytes": piece.size, **summary.to_dict()}
        _write_json(self.folder, _marker(number), marker)
        if deadly is not None:
            self.folder.remove(_at(number))
        return marker

    def _repaired(self, item: Item, *, is_deadly: bool) -> Repaired:
        if is_deadly and item.data is not None:
            return set_aside(item.id, item.source, "made the process end that repaired it")
        return self.repairer.repair_item(item)


# --- the end ------------------------------------------------------------------------------------


def _finish(folder: Folder, summary: Summary, n_pieces: int, wanted: str) -> None:
    """Write the summary and the list for review; a data set without rows gets a file without."""
    _write_json(folder, "summary.json", summary.to_dict())
    for data_set in COLUMNS if wanted == "parquet" else ():
        if not folder.names(data_set):
            write_empty(folder, data_set)
    rows = heapq.nsmallest(MAX_REVIEW, _to_review(folder, n_pieces), key=_worth)
    _write_json(folder, _FINISHED, {"pieces": n_pieces})
    with folder.writing("review.csv") as stream:
        stream.write(csv_line(REVIEW))
        for row in rows:
            stream.write(csv_line(plain_row(row).values()))


def _to_review(folder: Folder, n_pieces: int) -> Iterator[Row]:
    doubtful = set(folder.names(STATE))
    for number in range(n_pieces):
        name = f"{number:07}.review.jsonl"
        if name in doubtful:
            text = folder.text(f"{STATE}/{name}") or ""
            yield from map(json.loads, text.splitlines())


def _worth(row: Row) -> tuple[Any, ...]:
    """Values first whose tables need the least more to be accepted."""
    return row["doubts"], -row["confidence"], row["source"], row["table"], row["key"] or ""
