"""Where a bulk run writes: a folder of this machine or, through fsspec, one that a URL names.

A run asks little of a folder: that a file appears under its name only when it is whole, the text of
a file, and what is there. Names in it are parted by `/`. On this machine files appear by an atomic
rename, and a lock keeps other runs out. Elsewhere each is written here first and then sent in one
go: an object store shows it when all of it has come. Where a service shows less, nothing is lost:
what marks a piece as done is sent last, and what can't be read is no mark.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from tabrecover.errors import RecoveryError, UsageError
from tabrecover.places import as_os_error, is_remote, system_of, why
from tabrecover.storage import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

__all__ = ["STATE", "BulkError", "Folder", "folder_at"]

STATE = ".state"  # what a run keeps for itself
_HALF_WRITTEN = re.compile(  # names that `write_atomically` gives to files of a run
    r"\.(?:part-(?:\d{7}|none)\.\w+|\d{7}(?:\.review)?\.jsonl?|manifest\.json|finished\.json"
    r"|summary\.json|review\.csv)\.[A-Za-z0-9_]+"
)

Mode = Literal["w", "wb"]


class BulkError(RecoveryError):
    """A run can't go on: the output can't be written, or is of another run."""


class Folder(Protocol):
    """A folder that a run writes into. All raise `BulkError` for what the system refuses."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """The folder as users know it."""

    def writing(self, name: str, mode: Mode = "w") -> AbstractContextManager[IO[Any]]:
        """A file, for text or bytes, that is there when the block has ended without an error."""

    def text(self, name: str) -> str | None:
        """What is in a file, or None if there is none."""

    def names(self, below: str = "") -> list[str]:
        """The names of files and folders in it, or in a folder of it; sorted."""

    def remove(self, name: str) -> None:
        """Take a file out, if it is there."""

    def sweep(self, below: Sequence[str]) -> None:
        """Take out what is left of files that were being written, in it and in folders of it."""

    def is_inside(self, name: str) -> bool:
        """Whether an input is a folder around it."""

    def locked(self) -> AbstractContextManager[None]:
        """Keep other runs out, where that can be done."""


def folder_at(name: str | os.PathLike[str]) -> Folder:
    """The folder of a path or a URL.

    Raises `UsageError` for a URL that nothing serves, and for one in a place that is not there: a
    bucket that is misspelled is not made.
    """
    text = os.fspath(name)
    if not is_remote(text):
        return _LocalFolder(Path(text).absolute())
    system, root = system_of(text)
    outermost = re.sub(r"(?<=[^/])/.*", "", root)
    with _told(text, "can't be read"), as_os_error():
        there = system.exists(outermost)
    if not there:
        raise UsageError(f"{text}: there is no {outermost}; make it first")
    return _RemoteFolder(text.rstrip("/"))


@contextmanager
def _told(name: str, what: str) -> Iterator[None]:
    """Tell what can't be done."""
    try:
        yield
    except OSError as error:
        raise BulkError(f"{name}: {what}: {why(error)}") from error


@dataclass(frozen=True)
class _LocalFolder:
    """A folder of this machine."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @contextmanager
    def writing(self, name: str, mode: Mode = "w") -> Iterator[IO[Any]]:
        with _told(self.name, "can't be written"):
            path = self.path / name
            path.parent.mkdir(exist_ok=True)
            with write_atomically(path, mode) as stream:
                yield stream

    def text(self, name: str) -> str | None:
        with _told(self.name, "can't be read"):
            try:
                return (self.path / name).read_text(encoding="utf-8")
            except FileNotFoundError:
                return None

    def names(self, below: str = "") -> list[str]:
        with _told(self.name, "can't be read"):
            try:
                return sorted(os.listdir(self.path / below))
            except FileNotFoundError:
                return []

    def remove(self, name: str) -> None:
        with _told(self.name, "can't be written"):
            (self.path / name).unlink(missing_ok=True)

    def sweep(self, below: Sequence[str]) -> None:
        for inside in (self.path, *(self.path / name for name in below)):
            if inside.is_symlink() or not inside.is_dir():
                continue
            for entry in list(os.scandir(inside)):
                if _HALF_WRITTEN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)

    def is_inside(self, name: str) -> bool:
        around = Path(name)
        return (
            not is_remote(name)
            and around.is_dir()
            and self.path.resolve().is_relative_to(around.resolve())
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out; the system gives the lock up when the process ends."""
        with _told(self.name, "can't be written"):
            (self.path / STATE).mkdir(parents=True, exist_ok=True)
            stream = open(self.path / STATE / "lock", "w", encoding="utf-8")  # noqa: SIM115 - kept
        with stream:
            try:
                import fcntl  # noqa: PLC0415 - not on every system

                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except ImportError:
                pass
            except OSError:
                raise BulkError(
                    f"{self.name}: another run writes there; wait for its end"
                ) from None
            yield


@dataclass(frozen=True)
class _RemoteFolder:
    """A folder that a URL names; other runs are not kept out of it."""

    url: str

    @property
    def name(self) -> str:
        return self.url

    @contextmanager
    def _at(self, name: str, what: str) -> Iterator[tuple[Any, str]]:
        """The file system and the path of a file, with errors told; nothing is remembered."""
        with _told(self.url, what), as_os_error():
            system, root = system_of(self.url)
            system.invalidate_cache()
            yield system, f"{root.rstrip('/')}/{name}".rstrip("/")

    @contextmanager
    def writing(self, name: str, mode: Mode = "w") -> Iterator[IO[Any]]:
        with tempfile.TemporaryDirectory() as here:
            path = Path(here) / "file"
            with _told(here, "can't be written"), write_atomically(path, mode) as stream:
                yield stream
            with self._at(name, "can't be written") as (system, target):
                system.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
                system.put_file(str(path), target)

    def text(self, name: str) -> str | None:
        with self._at(name, "can't be read") as (system, path):
            try:
                return str(system.cat_file(path), "utf-8", "replace")
            except FileNotFoundError:
                return None

    def names(self, below: str = "") -> list[str]:
        with self._at(below, "can't be read") as (system, path):
            try:
                found = system.ls(path, detail=False)
            except FileNotFoundError:
                return []
        return sorted({one.rstrip("/").rsplit("/", 1)[-1] for one in found if one != path})

    def remove(self, name: str) -> None:
        with self._at(name, "can't be written") as (system, path):
            if system.exists(path):
                system.rm_file(path)

    def sweep(self, below: Sequence[str]) -> None:
        """Nothing is ever half written."""

    def is_inside(self, name: str) -> bool:
        if not is_remote(name):
            return False
        (system, around), (own, root) = system_of(name), system_of(self.url)
        return type(system) is type(own) and f"{root}/".startswith(f"{around.rstrip('/')}/")

    @contextmanager
    def locked(self) -> Iterator[None]:
        yield
