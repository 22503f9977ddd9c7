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
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Folded", "fold", "fold_text"]

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


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded stream: `text[i]` comes from source character `origin[i]` (int64, same length)."""

    text: str
    origin: npt.NDArray[np.int64]


class _FoldTable(dict[int, str]):
    """A `str.translate` table that fills itself; `lengths` holds each entry's length."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths = np.ones(0x110000, dtype=np.uint8)

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        self[code] = folded
        self.lengths[code] = len(folded)
        return folded


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


_TABLE = _FoldTable()  # a memo of a pure function, shared by all calls


def fold(text: str) -> Folded:
    """Fold `text`, with the offset map.

    >>> fold("（甲）進口 貨物").text
    '甲进口货物'
    >>> fold("Größe [cm]").origin.tolist()
    [0, 1, 2, 3, 3, 4, 7, 8]
    """
    folded = text.translate(_TABLE)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = _TABLE.lengths[codes]
    return Folded(folded, np.repeat(np.arange(len(codes), dtype=np.int64), lengths))


def fold_text(text: str) -> str:
    """Fold `text` without the map.

    >>> fold_text("1、⾏业｜數據") == fold_text("1.行业数据")
    True
    """
    return text.translate(_TABLE)
