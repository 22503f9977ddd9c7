"""Bytes to text: decoded right, or refused with a reason; never with replacement characters.

In order: a byte order mark; what the caller says; UTF-16 without a mark, if there are zero bytes;
strict UTF-8, which text in another encoding practically never is; what the document declares
(HTML `meta`, XML); at last the double-byte encodings of Chinese. GB18030 and Big5 are both tried
strictly and told apart by the share of *frequent* characters that come out: both standards put
those in a block of their own (GB 2312 level 1, Big5 level 1), so text read in the wrong encoding
lands outside it. Too small a share, or too small a difference, is refused.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import numpy as np

from tabrecover.errors import InputError

__all__ = ["decode_bytes"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "iso8859-1": "cp1252"}
_NO_DOCUMENTS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_DECLARATION = re.compile(rb"<(?:meta|\?xml)\b", re.IGNORECASE)
MAX_CONTROLS = 0.001  # share of characters; text has none, or a stray one
MIN_FREQUENT = 0.75  # share of Han characters from the frequent block; running text has > 0.9
MIN_ORDINARY = 0.75  # share of characters in UTF-16 that are ASCII or ordinary Chinese
_SPACE, _DELETE = 0x20, 0x7F
_BLOCK = 1 << 16  # bytes: as many as a processor's cache holds
MIN_MARGIN = 0.05
SAMPLE = 200_000  # characters looked at to tell encodings apart


class _Chinese(NamedTuple):
    """A double-byte encoding: how to decode, and the lead bytes of its frequent characters."""

    name: str
    decode_as: tuple[str, ...]
    ranked_in: str
    lead: range


_CHINESE = (
    _Chinese("GB18030", ("gb18030",), "gb2312", range(0xB0, 0xD8)),
    _Chinese("Big5", ("cp950", "big5hkscs"), "big5", range(0xA4, 0xC7)),
)


def decode_bytes(data: bytes, encoding: str | None = None, sent_as: str | None = None) -> str:
    """Decode a document; byte order marks are dropped, line ends kept as they are.

    `encoding` overrides declaration and detection. `sent_as` is what came with the document, as in
    HTTP headers: it goes before what the document declares, unless the data is not in it. Raises
    `InputError` with a byte span where the data is no text, or no encoding fits.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _text(_strictly(data[len(mark) :], name, "by its byte order mark"))
    if encoding is not None:
        return _text(_strictly(data, encoding, "as asked for"))
    if b"\0" in data:
        return _text(_utf16(data))
    declared = _declared(data)
    try:
        return _text(data.decode("utf-8"), data)
    except UnicodeDecodeError:
        pass
    text = _as_sent(data, sent_as) if sent_as else None
    if text is None and declared and declared != "utf-8":
        text = _strictly(data, declared, "as the document declares")
    return _text(_chinese(data) if text is None else text)


def _strictly(data: bytes, name: str, why: str) -> str:
    try:
        if codecs.lookup(name).name.replace("_", "-") in _NO_DOCUMENTS:
            raise InputError(f"{name} is no encoding of documents ({why})")
        return data.decode(name)
    except LookupError as error:
        raise InputError(f"unknown encoding {name!r}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start} is not {name} ({why}); pass the right encoding",
            (error.start, error.end),
        ) from error
    except UnicodeError as error:  # codecs that are made for something else
        raise InputError(f"{name} is no encoding of documents ({why})") from error


def _text(text: str, encoded: bytes | None = None) -> str:
    """Refuse what decoded but is no text; `encoded` is the same in UTF-8."""
    if encoded is None:
        encoded = text.encode("utf-8", "surrogatepass")
    blocks = range(0, len(encoded), _BLOCK)
    controls = sum(_controls(encoded[at : at + _BLOCK]) for at in blocks)
    if controls > max(1, MAX_CONTROLS * len(text)):
        where = _CONTROL.search(text)
        span = where.span() if where else None
        raise InputError(f"not text: {controls} control characters, as in a binary file", span)
    return text


def _controls(encoded: bytes) -> int:
    """How often `_CONTROL` matches, counted by arrays: the fastest way in a whole document.

    In UTF-8 a control character is a byte of its own.
    """
    codes = np.frombuffer(encoded, dtype=np.uint8)
    low = codes[(codes < _SPACE) | (codes == _DELETE)]
    return int(np.count_nonzero((low < 0x9) | ((low > 0xD) & (low < 0x1C)) | (low == _DELETE)))


def _declared(data: bytes) -> str | None:
    """The encoding an HTML or XML document declares in its head, widened to its superset."""
    if not _DECLARATION.search(data[:4096]):
        return None
    from bs4.dammit import EncodingDetector  # noqa: PLC0415 - heavy, only for declared encodings

    name = EncodingDetector.find_declared_encoding(data, is_html=True, search_entire_document=False)
    if not name:
        return None
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    return _SUPERSETS.get(known, known)


def _as_sent(data: bytes, name: str) -> str | None:
    """The text in an encoding that a server named; None if it is not in it, or it is none."""
    try:
        known = codecs.lookup(name).name
        return None if known == "utf-8" else _strictly(data, _SUPERSETS.get(known, known), "")
    except (InputError, LookupError):
        return None


def _utf16(data: bytes) -> str:
    """UTF-16 without a mark: the byte order in which ordinary characters come out."""
    readings = []
    for name in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        readings.append((_ordinary_share(text), text))
    readings.sort(reverse=True)
    told = bool(readings) and readings[0][0] >= MIN_ORDINARY
    if told and len(readings) > 1:
        told = readings[0][0] - readings[1][0] >= MIN_MARGIN
    if told:
        return readings[0][1]
    where = data.index(b"\0")
    raise InputError("not text: zero bytes as in a binary file", (where, where + 1))


def _ordinary_share(text: str) -> float:
    """Share of ASCII, frequent Han characters, and CJK punctuation and full-width forms."""
    sample = text[:SAMPLE]
    ordinary = sum(
        c in "\t\n\r" or " " <= c <= "~" or "\u3000" <= c <= "\u303f" or "！" <= c <= "～"
        for c in sample
    )
    frequent = sum(any(_is_frequent(c, e) for e in _CHINESE) for c in sample)
    return (ordinary + frequent) / max(1, len(sample))


def _chinese(data: bytes) -> str:
    readings: list[tuple[float, str]] = []
    for encoding in _CHINESE:
        for codec in encoding.decode_as:
            try:
                text = data.decode(codec)
            except UnicodeDecodeError:
                continue
            readings.append((_frequent_share(text, encoding), text))
            break
    readings.sort(key=lambda reading: -reading[0])
    told = bool(readings) and readings[0][0] >= MIN_FREQUENT
    if told and len(readings) > 1:
        told = readings[0][0] - readings[1][0] >= MIN_MARGIN
    if not told:
        raise InputError(
            "the encoding can't be told: not UTF-8, UTF-16, GB18030 or Big5 for sure; "
            "pass the encoding",
            (0, len(data)),
        )
    return readings[0][1]


def _frequent_share(text: str, encoding: _Chinese) -> float:
    """Share of Han characters in the frequent block; private-use characters count against."""
    sample = text[:SAMPLE]
    han = [c for c in sample if "\u3400" <= c <= "\u9fff" or c >= "\U00020000"]
    if not han:
        return 0.0
    frequent = sum(_is_frequent(char, encoding) for char in han)
    return (frequent - len(_PRIVATE.findall(sample))) / len(han)


def _is_frequent(char: str, encoding: _Chinese) -> bool:
    code = char.encode(encoding.ranked_in, "ignore")
    return len(code) > 1 and code[0] in encoding.lead
