"""Bodies of HTTP responses: what was done to them on the way is undone, whole or not at all."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.errors import InputError
from tabrecover.http_body import body_of

LIMIT = 100_000
CODED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


def chunked(data: bytes, size: int, ending: bytes = b"\r\n") -> bytes:
    """The data in chunks, as RFC 9112 writes them, each with an extension."""
    parts = [data[at : at + size] for at in range(0, len(data), size)] + [b""]
    return b"".join(b"%X;name=value" % len(part) + ending + part + ending for part in parts)


def raw_deflate(data: bytes) -> bytes:
    """What some servers send as deflate: without the header of zlib."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@given(st.binary(max_size=3000), st.integers(1, 700), st.sampled_from(sorted(CODED)))
def test_chunks_and_codings_are_undone(data: bytes, size: int, coding: str) -> None:
    """A body that was compressed and then cut in chunks comes back, however both are written."""
    body = chunked(CODED[coding](data), size)
    assert body_of(body, "Chunked", coding.upper(), LIMIT) == data
    assert body_of(raw_deflate(data), "", "deflate", LIMIT) == data


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "zstd", "chunked"])
def test_what_a_tool_has_undone_stays(coding: str) -> None:
    """Some tools undo an encoding and keep its header."""
    assert body_of(b"<p>plain</p>", "", coding, LIMIT) == b"<p>plain</p>"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "chunked"])
def test_cut_bodies_are_told(coding: str) -> None:
    """A body that ends too early is never taken as whole."""
    data = bytes(range(256)) * 20
    whole = chunked(data, 1000) if coding == "chunked" else CODED[coding](data)
    with pytest.raises(InputError, match="cut off"):
        body_of(whole[:-8], "", coding, LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_bombs_are_not_unpacked(coding: str) -> None:
    """Of a body that stands for very much no more is unpacked than tells that it is too long."""
    assert len(body_of(CODED[coding](bytes(50_000_000)), "", coding, LIMIT)) == LIMIT + 1


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"x"),
        ("gzip", b"\x1f\x8bxxxxxxxxxxxxxxxx"),
        ("gzip," * 9, b"x"),
        ("deflate", b"\xff"),
    ],
)
def test_what_cannot_be_read_is_told(coding: str, body: bytes) -> None:
    """Other codings, damaged bodies and codings piled up are errors with a reason."""
    with pytest.raises(InputError):
        body_of(body, "", coding, LIMIT)
