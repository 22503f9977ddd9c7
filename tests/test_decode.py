"""Bytes to text: the exact text or a refusal, whatever the encoding."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.decode import _CONTROL, _controls, decode_bytes
from tabrecover.errors import InputError

SIMPLIFIED = (
    "本机关全年共收到群众提交的申请十二件,已经在规定时间内全部办理完毕,\n"
    "其中同意公开八件,部分公开三件,不予公开一件,没有发生行政复议和诉讼。\n"
)
TRADITIONAL = (
    "本機關全年共收到民眾提交的申請十二件,已經在規定時間內全部辦理完畢,\n"
    "其中同意公開八件,部分公開三件,不予公開一件,沒有發生行政訴訟。\n"
)
ENGLISH = "Annual report 2021\nRequests received: 12\n"
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
# Text as documents have it: no controls but white space, no surrogates, no mark at the start.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t")).filter(
    lambda text: not text.startswith("\ufeff")
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "gb2312"),
        (SIMPLIFIED, "gb18030"),
        (TRADITIONAL, "utf-8"),
        (TRADITIONAL, "big5"),
        (ENGLISH, "ascii"),
    ],
)
def test_tells_the_encoding_of_real_sentences(text: str, encoding: str) -> None:
    """Sentences come back exactly from encodings that nothing declares."""
    assert decode_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    ["文件,2021\n" * 3, "Größe über alles: 中文字 12\n" * 3],
    ids=["chinese", "mixed"],
)
def test_reads_utf16_without_a_mark(encoding: str, text: str) -> None:
    """UTF-16 that no mark announces is told by the zero bytes of its ASCII characters."""
    assert decode_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_reads_pure_ascii_in_utf16_without_a_mark(encoding: str) -> None:
    """English text in UTF-16 is text, although its bytes are valid UTF-8 as well."""
    # A bug once: strict UTF-8 is tried first, accepts the zero bytes, and then refuses them.
    assert decode_bytes(ENGLISH.encode(encoding)) == ENGLISH


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_never_read_with_its_bytes_swapped(encoding: str) -> None:
    """Chinese UTF-16 without ASCII is read right or refused, not turned into other characters."""
    # A bug once: 开 (U+5F00) and 一 (U+4E00) have a zero *low* byte, so `_utf16` swaps the bytes.
    text = "政府信息公开年度报告"
    assert_exact_or_refused(text.encode(encoding), text)


def test_one_character_of_utf16_is_not_taken_for_a_zero_byte() -> None:
    """A decoded text never holds a zero byte: that is how binary files and UTF-16 look."""
    # A bug once: the allowance of one control character lets "a\0" through as UTF-8.
    assert_exact_or_refused("a".encode("utf-16-le"), "a")


def assert_exact_or_refused(data: bytes, text: str, encoding: str | None = None) -> None:
    try:
        decoded = decode_bytes(data, encoding)
    except InputError:
        return
    assert decoded == text


@given(texts, st.sampled_from(sorted(MARKED)))
def test_a_byte_order_mark_decides(text: str, encoding: str) -> None:
    """Text behind a byte order mark comes back exactly, without the mark."""
    assert decode_bytes(MARKED[encoding] + text.encode(encoding)) == text


@given(texts)
def test_utf8_comes_back_exactly(text: str) -> None:
    """Text in UTF-8 is read as it is, line ends included."""
    assert decode_bytes(text.encode()) == text


@given(texts, st.sampled_from(["gb18030", "utf-16-le", "utf-8"]))
def test_what_the_caller_says_is_right_or_refused(text: str, encoding: str) -> None:
    """With a named encoding the result is the exact text, or an error, but no guess."""
    assert_exact_or_refused(text.encode(encoding), text, encoding)


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "gb18030", "big5", "utf-16"]))
def test_random_bytes_never_crash_nor_leave_replacements(data: bytes, encoding: str | None) -> None:
    """Any bytes give text or an `InputError`; U+FFFD comes out only where it was encoded."""
    try:
        text = decode_bytes(data, encoding)
    except InputError:
        return
    encoded = [codec for codec in (*MARKED, "gb18030") if "\ufffd".encode(codec) in data]
    assert "\ufffd" not in text or encoded


@pytest.mark.parametrize(
    ("declaration", "text", "encoding"),
    [
        ('<meta charset="gb2312">', "镕", "gbk"),  # not in GB 2312 itself: the superset reads it
        ('<META http-equiv="Content-Type" content="text/html; charset=GBK">', "短", "gbk"),
        ('<meta charset="big5">', "短", "big5"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "Größe", "cp1252"),
    ],
)
def test_a_declaration_decides_where_a_text_is_too_short(
    declaration: str, text: str, encoding: str
) -> None:
    """The `meta` or XML declaration says how to read bytes that could be anything."""
    page = declaration + text
    assert decode_bytes(page.encode(encoding)) == page


def test_utf8_wins_over_a_wrong_declaration() -> None:
    """Valid UTF-8 is UTF-8, even on a page that still declares what it was once written in."""
    page = '<meta charset="gb2312">公开'
    assert decode_bytes(page.encode()) == page


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10",
        b"PK\x03\x04\x14\0\0\0\x08\0" * 9,
        b"\x7fELF\x02\x01\x01" + bytes(64),
        bytes(range(256)),
    ],
    ids=["png", "zip", "elf", "all bytes"],
)
def test_binary_files_are_refused(data: bytes) -> None:
    """Files that are no text give an `InputError` with a span inside the data."""
    with pytest.raises(InputError) as caught:
        decode_bytes(data)
    assert caught.value.span is not None
    start, end = caught.value.span
    assert 0 <= start < end <= len(data)


@pytest.mark.parametrize("encoding", ["no-such-codec", "hex"])
def test_an_unknown_encoding_is_an_input_error(encoding: str) -> None:
    """A name that is no text encoding is the caller's error, told by name."""
    with pytest.raises(InputError, match=encoding):
        decode_bytes(b"a", encoding)


def test_a_codec_that_fails_in_its_own_way_is_an_input_error() -> None:
    """A declared codec that raises a bare `UnicodeError` is refused as others are."""
    # A bug once: `_strictly` only catches `UnicodeDecodeError`; so does `encoding="undefined"`.
    with pytest.raises(InputError):
        decode_bytes(b'<meta charset="undefined">\xb9\xab')


@given(st.text(st.one_of(st.characters(), st.sampled_from("\0\x08\t\r\x0e\x1b\x1c\x1f\x7f\x80"))))
def test_controls_are_counted_as_the_pattern_has_them(text: str) -> None:
    """The count by arrays is the number of matches, also beside surrogates."""
    assert _controls(text.encode("utf-8", "surrogatepass")) == len(_CONTROL.findall(text))


@pytest.mark.parametrize("sent_as", [None, "utf-8", "nonsense", "utf-7"])
def test_nothing_told_in_which_encoding_it_was_sent(sent_as: str | None) -> None:
    """Western text in one byte a letter is refused without the name of its encoding."""
    with pytest.raises(InputError):
        decode_bytes("Straße".encode("latin-1"), sent_as=sent_as)


def test_what_came_with_a_document_tells_its_encoding() -> None:
    """The same text with the encoding that the server named, which UTF-8 is never taken for."""
    assert decode_bytes("Straße".encode("latin-1"), sent_as="ISO-8859-1") == "Straße"
    assert decode_bytes("Straße".encode(), sent_as="ISO-8859-1") == "Straße"


def test_a_server_may_name_a_wrong_encoding() -> None:
    """Where the data is not in it, what the document declares holds."""
    page = '<meta charset="big5"><p>國家</p>'
    assert decode_bytes(page.encode("big5"), sent_as="euc-kr") == page
