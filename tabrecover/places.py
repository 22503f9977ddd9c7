"""Files wherever they are: on this machine or, through fsspec, anywhere that a URL names.

A name with `://` is a URL, and all that is done with it goes through fsspec; any other is a path.
Folders are walked in the order of names. Links to folders are not followed, and what is no regular
file is not opened. A file's name may say that it is compressed.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from tabrecover.errors import InputError, UsageError

__all__ = [
    "NEEDS", "STANDARD_INPUT", "File", "as_os_error", "bytes_of", "can_be_read", "check_inputs",
    "files_of", "is_compressed", "is_regular", "is_remote", "open_bytes", "open_plain",
    "plain_name", "system_of", "unpacked_zst", "why",
]  # fmt: skip

STANDARD_INPUT = "-"
NEEDS = "needs more packages: pip install 'tabrecover[bulk]'"
ZST_BYTES = 1_024  # decompressed at once; each may stand for thousands
REMOTE_BYTES = 1 << 20  # asked for at once
MAX_REASON = 300  # characters
_COMPRESSED = (".gz", ".zst")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z][A-Za-z0-9+.-]*)*://")
_VERSIONS = ("mtime", "LastModified", "last_modified", "updated", "modified", "ETag", "etag")


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when the run found it; `changed` tells its versions apart."""

    name: str
    path: str
    size: int
    changed: int | str

    @classmethod
    def found(cls, name: str, path: Path) -> File:
        """The file at a path, which is made absolute: workers may run elsewhere."""
        try:
            state = path.stat()
        except OSError:
            return cls(name, str(path.absolute()), -1, -1)
        return cls(name, str(path.absolute()), state.st_size, state.st_mtime_ns)


def is_remote(name: str) -> bool:
    """Whether a name is a URL.

    >>> is_remote("s3://reports/2023/"), is_remote("C:/reports")
    (True, False)
    """
    return _URL.match(name) is not None


def plain_name(name: str) -> str:
    """A file's name in small letters, without the ending that says that it is compressed."""
    plain = name.lower()
    compressed = next((suffix for suffix in _COMPRESSED if plain.endswith(suffix)), "")
    return plain.removesuffix(compressed)


def is_compressed(name: str) -> bool:
    """Whether a file's name says that it is compressed."""
    return name.lower().endswith(_COMPRESSED)


# --- finding files ------------------------------------------------------------------------------


def check_inputs(inputs: Sequence[str]) -> None:
    """Raise `UsageError` where an input is not there."""
    if not inputs:
        raise UsageError("no inputs; give files, folders, or - for standard input")
    for name in inputs:
        if name != STANDARD_INPUT and not _exists(name):
            raise UsageError(f"{name}: no such file or folder")


def _exists(name: str) -> bool:
    if not is_remote(name):
        return os.path.lexists(name)
    system, path = system_of(name)
    with _told(name):
        return bool(system.exists(path))


def files_of(inputs: Sequence[str]) -> Iterator[File]:
    """All files of the inputs, in order; a file that can't be read is one of size -1.

    Raises `UsageError` where a remote input can't be listed.
    """
    for name in inputs:
        path = Path(name)
        if name == STANDARD_INPUT:
            yield File(name, name, 0, 0)
        elif is_remote(name):
            yield from _remote_files(name, len(inputs) == 1)
        elif path.is_dir():
            yield from _walk(path, "" if len(inputs) == 1 else f"{name.rstrip('/')}/")
        else:
            yield File.found(name, path)


def _walk(folder: Path, prefix: str) -> Iterator[File]:
    """All that is in a folder, by name; links to folders are not followed."""
    open_folders = [iter(_entries(folder, prefix))]
    while open_folders:
        found = next(open_folders[-1], None)
        if found is None:
            open_folders.pop()
        elif isinstance(found, File):
            yield found
        else:
            open_folders.append(iter(_entries(*found)))


def _entries(folder: Path, prefix: str) -> Iterator[File | tuple[Path, str]]:
    """Files, and folders with the prefix of what is in them."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield File(prefix or str(folder), str(folder), -1, -1)
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield Path(entry.path), f"{name}/"
        elif not (entry.is_symlink() and os.path.isdir(entry.path)):
            yield File.found(name, Path(entry.path))


def bytes_of(inputs: Sequence[str]) -> int | None:
    """How large all files of the inputs are together; None where that costs too much to tell."""
    if any(name == STANDARD_INPUT or is_remote(name) for name in inputs):
        return None
    return sum(max(0, file.size) for file in files_of(inputs))


def _remote_files(name: str, alone: bool) -> Iterator[File]:
    """The file at a URL, or all below it."""
    system, root = system_of(name)
    with _told(name):
        single = system.isfile(root)
        found = {root: system.info(root)} if single else system.find(root, detail=True)
    below = f"{root.rstrip('/')}/"
    for path in sorted(found):
        own = path.removeprefix(below) if path != root else ""
        shown = name if not own else own if alone else f"{name.rstrip('/')}/{own}"
        info = found[path]
        url = name if not own else system.unstrip_protocol(path)
        version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
        size = info.get("size")
        yield File(shown, url, -1 if size is None else int(size), version)


# --- opening them -------------------------------------------------------------------------------


def system_of(name: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it. Raises `UsageError` if there is none."""
    try:
        import fsspec  # noqa: PLC0415 - optional
    except ImportError:
        raise UsageError(f"{name}: {NEEDS}") from None
    with _told(name):
        system, path = fsspec.core.url_to_fs(name)
        return system, path


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell what is wrong with a remote input; file systems raise whatever their services do."""
    try:
        yield
    except Exception as error:
        raise UsageError(f"{name}: {why(error)}") from error


def why(error: Exception) -> str:
    """What is wrong, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).split("\n", 1)[0][:MAX_REASON]


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """The bytes of a file as it is. Raises `OSError`, whatever a remote file system raises."""
    if not is_remote(path):
        with open(path, "rb") as stream:
            yield stream
        return
    with as_os_error():
        system, own = system_of(path)
        remote = system.open(own, "rb")
    with remote, io.BufferedReader(_Remote(remote), REMOTE_BYTES) as stream:
        yield stream


@contextmanager
def as_os_error() -> Iterator[None]:
    """File systems raise whatever their services do."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(why(error)) from error


class _Remote(io.RawIOBase):
    """The bytes of a remote file, the errors of which are those of a file."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Whether the file system can."""
        return bool(self.stream.seekable())

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the next bytes go."""
        with as_os_error():
            data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the file."""
        with as_os_error():
            return int(self.stream.seek(offset, whence))

    def tell(self) -> int:
        """The place in the file."""
        return int(self.stream.tell())


def can_be_read(path: str) -> bool:
    """Whether there is a file that may be read; of a remote one, opening it tells."""
    if is_remote(path):
        return True
    return os.path.isfile(path) and os.access(path, os.R_OK)


def is_regular(path: str) -> bool:
    """Whether a file is neither a device nor a pipe; no remote one is."""
    if is_remote(path):
        return True
    return stat.S_ISREG(os.stat(path).st_mode)


@contextmanager
def open_plain(path: str, name: str) -> Iterator[IO[bytes]]:
    """A file, decompressed if its name says so; raises `InputError` for what is damaged."""
    if name.lower().endswith(".gz"):
        with open_bytes(path) as raw, gzip.open(raw, "rb") as stream:
            yield cast("IO[bytes]", stream)
    elif name.lower().endswith(".zst"):
        with open_bytes(path) as raw, unpacked_zst(raw) as stream:
            yield stream
    else:
        with open_bytes(path) as stream:
            yield stream


@contextmanager
def unpacked_zst(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    """What Zstandard frames hold. Raises `InputError` for damaged ones, `EOFError` for cut ones."""
    try:
        import zstandard  # noqa: PLC0415 - optional
    except ImportError:
        raise InputError(NEEDS) from None
    try:
        yield io.BufferedReader(_Frames(raw, zstandard.ZstdDecompressor()))
    except zstandard.ZstdError as error:
        raise InputError(str(error)) from error


class _Frames(io.RawIOBase):
    """Zstandard frames one behind the other, which must all be whole.

    Little is read at once, for a few bytes can stand for very many.
    """

    def __init__(self, raw: IO[bytes], decompressor: Any) -> None:
        self.raw, self.decompressor = raw, decompressor
        self.frame: Any = None
        self.ready = b""
        self.left = b""  # read, and not decompressed

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the next bytes go; 0 at the end of the last frame."""
        while not self.ready:
            given = self.left or self.raw.read(ZST_BYTES)
            if not given:
                if self.frame is not None:
                    raise EOFError("ends before the end-of-frame marker was reached")
                return 0
            self.frame = self.frame or self.decompressor.decompressobj()
            self.ready = self.frame.decompress(given)
            self.left = b""
            if self.frame.eof:
                self.left, self.frame = self.frame.unused_data, None
        count = min(len(buffer), len(self.ready))
        buffer[:count] = self.ready[:count]
        self.ready = self.ready[count:]
        return count
