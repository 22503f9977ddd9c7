"""Plain text to tokens: pieces of text and the separators between them.

The alphabet, one letter a kind, so that a run of separators is a short string that a dialect's
law can read (`"be"`: a bar, then a line end):

    t text      b bar        T tab        g gap (two or more spaces inside a line)
    e line end  s a line of spaces only   c cell end   r row end   x table end (from HTML)
    o a line of spaces only, narrower than the indentation of the text before it

Text keeps single spaces. Lines that only draw (`|---|---|`, `+====+`) vanish.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabrecover.model import CELL_END, ROW_END, TABLE_END, Token

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BARS", "CELL_SEPARATORS", "CROSSINGS", "LINE_ENDS", "SEPARATORS", "lex", "tokens"]

BARS = "|¦│┃║｜"
CROSSINGS = "+┌┬┐├┼┤└┴┘┏┳┓┣╋┫┗┻┛╔╦╗╠╬╣╚╩╝╒╤╕╞╪╡╘╧╛╓╥╖╟╫╢╙╨╜╭╮╰╯┠┨┯┷┿╂"  # of borders
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
LINE_ENDS = "\n\r\v\f\x1c\x85\u2028\u2029"
CELL_SEPARATORS = f"\t{CELL_END}{ROW_END}{TABLE_END}{BARS}"
SEPARATORS = frozenset(LINE_ENDS + CELL_SEPARATORS)  # of cells, for sure
_SPACES = f"[^\\S\t\x1d\x1e\x1f{LINE_ENDS}]"
_SPACE = f"(?:{_SPACES}|[{_INVISIBLE}])"
_WORD = f"[^\\s{BARS}{_INVISIBLE}]"
_TOKEN = re.compile(
    f"(?P<e>\r\n|[{LINE_ENDS}])"
    f"|(?P<b>[{BARS}])"
    "|(?P<T>\t)|(?P<c>\x1f)|(?P<r>\x1e)|(?P<x>\x1d)"
    f"|(?P<t>{_WORD}++(?:{_SPACE}{_WORD}++)*+)"
    f"|(?P<g>{_SPACE}++)"
)
_DRAWN = re.compile(
    f"^[ \t{BARS}+:=\\-_─━═┄┈┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋]*+(?:\r?\n|$)", re.MULTILINE
)
MARK_LENGTH = 6  # as many strokes alone on a line can still be a mark for "none"
_STROKE = re.compile(r"-{3}|={3}|_{3}|─{2}|━{2}|═{2}|-[|+]-|-\+|:-+")


def lex(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    r"""Split `text[start:end]` into tokens with plain spans, in order, gaps and rules resolved.

    >>> "".join(token.kind for token in lex("a b | 1 |\n\n2  3"))
    'tbtbeetgt'
    """
    return list(tokens(text, start, len(text) if end is None else end))


def tokens(text: str, start: int, end: int) -> Iterator[Token]:
    """The same one by one, for those who may stop early."""
    position = start
    last = "e"
    for rule in _DRAWN.finditer(text, start, end):
        if _is_rule(rule.group()):
            for token in _tokens(text, position, rule.start(), last == "e"):
                yield token
                last = token.kind
            position = rule.end()
    yield from _tokens(text, position, end, last == "e")


def _is_rule(line: str) -> bool:
    if _STROKE.search(line) is None:
        return False
    return len(line.strip()) > MARK_LENGTH or any(c in line for c in f"{BARS}+─━═")


def _tokens(text: str, start: int, end: int, line_is_empty: bool) -> Iterator[Token]:
    indentation = spaces = 0
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup or "t"
        if kind == "g":
            kind = _kind_of_gap(match, text, end, line_is_empty)
            spaces = match.end() - match.start()
            if kind == "s" and spaces < indentation:
                kind = "o"
        elif kind == "t" and line_is_empty:
            indentation, spaces = spaces, 0
        elif kind == "e":
            spaces = 0
        line_is_empty = kind == "e" or (line_is_empty and kind == "")
        if kind:
            yield Token(kind, match.start(), match.end())


def _kind_of_gap(match: re.Match[str], text: str, end: int, line_is_empty: bool) -> str:
    """Spaces are evidence only as a whole line, or when wide and inside a line."""
    at_line_end = match.end() >= end or text[match.end()] in LINE_ENDS
    if line_is_empty:
        return "s" if at_line_end and match.end() < end else ""
    return "" if at_line_end or len(match.group()) < 2 else "g"
