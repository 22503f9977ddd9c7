"""The body of an HTTP response as it was before it was sent: chunks joined, and decompressed.

Archives of the web keep responses as they came over the line (ISO 28500), with the headers that say
how to read them (RFC 9112, section 7; RFC 9110, section 8.4). Some tools undo the encoding and keep
the header, so what does not begin like such an encoding is taken as it is. Sizes are bounded while
they are unpacked, for a few bytes can stand for very many.
"""

from __future__ import annotations

import io
import re
import zlib

from tabrecover.errors import InputError
from tabrecover.places import unpacked_zst

__all__ = ["body_of"]

GZIP_OR_ZLIB = 47  # window bits of zlib: the header tells which
RAW_DEFLATE = -15
MAX_CODINGS = 4  # one behind the other
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def body_of(data: bytes, transfer: str, content: str, limit: int) -> bytes:
    r"""The body that `data` stands for, by its headers Transfer-Encoding and Content-Encoding.

    At most `limit` bytes and one more. Raises `InputError` where it is damaged, or compressed in a
    way that can't be read.

    >>> body_of(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "chunked", "", 100)
    b'abcde'
    """
    codings = [coding.strip().lower() for coding in f"{content},{transfer}".split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MAX_CODINGS:
        raise InputError("is encoded in too many ways")
    for coding in reversed(codings):  # the last was applied last
        data = _decoded(data, coding, limit)
    return data


def _decoded(data: bytes, coding: str, limit: int) -> bytes:
    if coding == "chunked":
        return _joined(data) if _CHUNK.match(data) else data
    if coding in ("gzip", "x-gzip"):
        return _inflated(data, GZIP_OR_ZLIB, limit) if data.startswith(_GZIP) else data
    if coding == "deflate":
        return _inflated(data, GZIP_OR_ZLIB if _is_zlib(data) else RAW_DEFLATE, limit)
    if coding == "zstd":
        return _unpacked(data, limit) if data.startswith(_ZSTD) else data
    raise InputError(f"is encoded as {coding!r}, which can't be read; decode it before")


def _joined(data: bytes) -> bytes:
    """The chunks without their sizes; what follows the last, of size 0, are headers."""
    parts: list[bytes] = []
    at = 0
    while (size := _CHUNK.match(data, at)) is not None:
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts)
        start, at = size.end(), size.end() + length
        parts.append(data[start:at])
        at += 2 if data.startswith(b"\r\n", at) else data.startswith(b"\n", at)
    raise InputError("is cut off between its chunks")


def _inflated(data: bytes, bits: int, limit: int) -> bytes:
    stream = zlib.decompressobj(bits)
    try:
        found = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise InputError(f"can't be decompressed: {error}") from error
    if not stream.eof and len(found) <= limit:
        raise InputError("is cut off while compressed")
    return found


def _is_zlib(data: bytes) -> bool:
    """Whether the first two bytes are a header of zlib (RFC 1950, section 2.2)."""
    return len(data) > 1 and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _unpacked(data: bytes, limit: int) -> bytes:
    try:
        with unpacked_zst(io.BytesIO(data)) as stream:
            return stream.read(limit + 1)
    except EOFError:
        raise InputError("is cut off while compressed") from None
