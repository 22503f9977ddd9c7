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

from tabrecover.model import CELL_END, ROW_END, TABLE_END, Token

__all__ = ["BARS", "LINE_ENDS", "SEPARATORS", "lex"]

BARS = "|¦│┃║｜"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
LINE_ENDS = "\n\r\v\f\x1c\x85\u2028\u2029"
SEPARATORS = frozenset(f"{LINE_ENDS}\t{CELL_END}{ROW_END}{TABLE_END}{BARS}")  # of cells, for sure
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
    end = len(text) if end is None else end
    tokens: list[Token] = []
    position = start
    for rule in _DRAWN.finditer(text, start, end):
        if _is_rule(rule.group()):
            _lex_into(tokens, text, position, rule.start())
            position = rule.end()
    _lex_into(tokens, text, position, end)
    return tokens


def _is_rule(line: str) -> bool:
    if _STROKE.search(line) is None:
        return False
    return len(line.strip()) > MARK_LENGTH or any(c in line for c in f"{BARS}+─━═")


def _lex_into(tokens: list[Token], text: str, start: int, end: int) -> None:
    line_is_empty = not tokens or tokens[-1].kind == "e"
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
            tokens.append(Token(kind, match.start(), match.end()))


def _kind_of_gap(match: re.Match[str], text: str, end: int, line_is_empty: bool) -> str:
    """Spaces are evidence only as a whole line, or when wide and inside a line."""
    at_line_end = match.end() >= end or text[match.end()] in LINE_ENDS
    if line_is_empty:
        return "s" if at_line_end and match.end() < end else ""
    return "" if at_line_end or len(match.group()) < 2 else "g"
