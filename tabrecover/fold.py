"""Fold text so that equal labels become equal strings, and keep the way back.

The folded stream holds letters, digits and symbols only: compatibility forms are unified
(Unicode NFKC/NFKD, so full-width digits and Kangxi radicals become ordinary ones), traditional
characters become simplified, Latin diacritics and case go, white space, punctuation, bars and
box drawing vanish. A label is then contiguous however it was wrapped, spaced, bracketed or cut
by bars. Folding works character by character, hence `origin` is exact: folded character `i`
comes from source character `origin[i]`.
"""

from __future__ import annotations

import unicodedata
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tabrecover.model import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Codes = npt.NDArray[np.uint32]

__all__ = ["Folded", "codes_of", "fold", "fold_text", "text_of"]

# CJK radicals that text layers of PDF files use for whole characters and that Unicode gives no
# compatibility mapping (EquivalentUnifiedIdeograph.txt of the Unicode Character Database).
_RADICALS = dict(
    zip(
        "⺠⻄⻅⻆⻉⻋⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⺟⻳⼾",
        "民西见角贝车长门青页风飞食马骨鬼鱼鸟麦黄齐齿龙母龟户",
        strict=True,
    )
)
_LATIN_MARKS = range(0x300, 0x370)  # combining diacritical marks
_NO_MATTER = frozenset("|+<>=~^`$")  # ASCII symbols that draw tables or quote, never name things


class Folded:
    """A text with its folded stream: `text[i]` comes from source character `origin[i]`.

    `codes` are the code points of `text` (uint32), `origin` is int64 of the same length. Each is
    worked out when it is first asked for: most documents end at a look at the codes.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def codes(self) -> Codes:
        """The code points of the folded stream."""
        parts = [_fold_chunk(chunk) for chunk in _chunks(self.source)]
        return parts[0] if len(parts) == 1 else np.concatenate([_NO_CODES, *parts])

    @cached_property
    def text(self) -> str:
        """The folded stream."""
        return self.codes.tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def origin(self) -> npt.NDArray[np.int64]:
        """The source character of every folded one."""
        length = [_TABLE.lengths(codes_of(chunk)) for chunk in _chunks(self.source)]
        lengths = np.concatenate([_NO_CODES, *length])
        return np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)

    def span(self, start: int, end: int) -> Span:
        """The source characters from the first to the last of some folded ones."""
        return Span(int(self.origin[start]), int(self.origin[end - 1]) + 1)


@cache
def _simplifier() -> Callable[[str], str]:
    import opencc  # noqa: PLC0415 - loads its dictionaries, so only where Han text turns up

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def _fold_character(char: str) -> str:
    char = _RADICALS.get(char, char)
    spread = unicodedata.normalize("NFKD", char)
    kept = "".join(c for c in spread if ord(c) not in _LATIN_MARKS)
    joined = unicodedata.normalize("NFC", kept).casefold()
    return "".join(_simplify(c) for c in joined if _matters(c))


def _matters(char: str) -> bool:
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return True
    return category[0] == "S" and char not in _NO_MATTER and not "─" <= char <= "▟"


def _simplify(char: str) -> str:
    if not ("㐀" <= char <= "鿿" or "豈" <= char <= "﫿" or char >= "\U00020000"):
        return char
    for _ in range(3):  # a few characters take two steps
        simple = _simplifier()(char)
        if len(simple) != 1 or simple == char:
            break
        char = simple
    return char


class _FoldTable:
    """A memo of `_fold_character` by code point, for arrays; shared by all calls.

    `one[code]` is the one character that a code folds to, `_VANISHES`, `_SEVERAL` (then they are
    in `several`), or `_UNKNOWN`: not asked for yet. Memory never written to costs nothing.
    """

    def __init__(self) -> None:
        self.one = np.zeros(0x110000, dtype=np.uint32)
        self.several: dict[int, Codes] = {}

    def fold(self, codes: Codes) -> Codes:
        folded = self._folded(codes)
        if folded.max() == _SEVERAL:
            folded = self._spread(codes, folded)
        kept: Codes = folded[folded != _VANISHES]
        return kept

    def lengths(self, codes: Codes) -> Codes:
        """How many characters each code folds to."""
        folded = self._folded(codes)
        lengths: Codes = (folded != _VANISHES).astype(np.uint32)
        for at in np.flatnonzero(folded == _SEVERAL).tolist():
            lengths[at] = len(self.several[int(codes[at])])
        return lengths

    def _folded(self, codes: Codes) -> Codes:
        folded: Codes = self.one.take(codes, mode="clip")  # all are in range; this is faster
        if folded.min() == _UNKNOWN:
            for code in set(codes[folded == _UNKNOWN].tolist()):
                self._learn(code)
            folded = self.one.take(codes, mode="clip")
        return folded

    def _learn(self, code: int) -> None:
        folded = _fold_character(chr(code))
        if len(folded) > 1:
            self.several[code] = codes_of(folded)
            self.one[code] = _SEVERAL
        else:
            self.one[code] = ord(folded) if folded else _VANISHES

    def _spread(self, codes: Codes, folded: Codes) -> Codes:
        """The folded characters where some codes fold to several."""
        parts, position = [], 0
        for at in np.flatnonzero(folded == _SEVERAL).tolist():
            parts += [folded[position:at], self.several[int(codes[at])]]
            position = at + 1
        return np.concatenate([*parts, folded[position:]])


_UNKNOWN, _VANISHES, _SEVERAL = 0, 1, 0x110000  # no folded character has the code 0 or 1
_TABLE = _FoldTable()
_NO_CODES = np.empty(0, dtype=np.uint32)
_CHUNK = 1 << 16  # characters folded at a time: as many as the processor's cache holds


def _chunks(text: str) -> Iterator[str]:
    if len(text) <= _CHUNK:
        return iter((text,) if text else ())
    return (text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK))


def codes_of(text: str) -> Codes:
    """The code points of a text, lone surrogates too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    """The text of code points, the inverse of `codes_of`."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def _fold_chunk(chunk: str) -> Codes:
    if chunk.isascii():
        kept = chunk.encode().translate(*_ascii_table())
        return np.frombuffer(kept, dtype=np.uint8).astype(np.uint32)
    return _TABLE.fold(codes_of(chunk))


@cache
def _ascii_table() -> tuple[bytes, bytes]:
    """What ASCII characters fold to, and those that vanish, for `bytes.translate`."""
    folded = [_fold_character(chr(code)) for code in range(128)]
    table = bytes(ord(char or "\0") for char in folded) + bytes(range(128, 256))
    return table, bytes(code for code, char in enumerate(folded) if not char)


def fold(text: str) -> Folded:
    """Fold `text`, with the offset map.

    >>> fold("（甲）進口 貨物").text
    '甲进口货物'
    >>> fold("Größe [cm]").origin.tolist()
    [0, 1, 2, 3, 3, 4, 7, 8]
    """
    return Folded(text)


class _CharacterTable(dict[int, str]):
    """A `str.translate` table that fills itself: for short texts faster than arrays."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


_CHARACTERS = _CharacterTable()


def fold_text(text: str) -> str:
    """Fold `text` without the map.

    >>> fold_text("1、⾏业｜數據") == fold_text("1.行业数据")
    True
    """
    return text.translate(_CHARACTERS)
