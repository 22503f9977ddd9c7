"""Tokens: an ordered, disjoint account of a text, one letter a kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.lex import lex

texts = st.one_of(
    st.text(), st.text(st.sampled_from("ab1。 　\t\n\r|｜│-=+_:─┼\x1d\x1e\x1f\u200b\x85\u2028"))
)
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
ONE_CHARACTER = {"T": "\t", "c": "\x1f", "r": "\x1e", "x": "\x1d"}


def shown(text: str) -> list[str]:
    """Tokens as `kind:text`, which reads well in a failure."""
    return [f"{token.kind}:{text[token.start : token.end]}" for token in lex(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("two words", ["t:two words"]),
        ("a  b", ["t:a", "g:  ", "t:b"]),
        ("a　　b", ["t:a", "g:　　", "t:b"]),
        ("a\tb", ["t:a", "T:\t", "t:b"]),
        ("a | b ｜\n", ["t:a", "b:|", "t:b", "b:｜", "e:\n"]),
        ("a\r\nb\rc", ["t:a", "e:\r\n", "t:b", "e:\r", "t:c"]),
        ("a\n\n \nb", ["t:a", "e:\n", "e:\n", "s: ", "e:\n", "t:b"]),
        ("  a  \n", ["t:a", "e:\n"]),
        ("a\x1fb\x1f\x1e\x1d", ["t:a", "c:\x1f", "t:b", "c:\x1f", "r:\x1e", "x:\x1d"]),
        ("\ufeffa\u200b\n", ["t:a", "e:\n"]),
    ],
    ids=repr,
)
def test_lexes_as_by_hand(text: str, expected: list[str]) -> None:
    """Each kind of separator is told, single spaces stay in the text, outer spaces go."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    "line",
    ["|---|---|", "+----+====+", "| :--- | ---: |", "├──┼──┤", "----------", "══════", "|-|-|"],
)
def test_lines_that_only_draw_vanish(line: str) -> None:
    """A ruled line leaves no token, whatever it is drawn with; its neighbours stay."""
    assert shown(f"a\n{line}\nb") == ["t:a", "e:\n", "t:b"]


@pytest.mark.parametrize(
    "line", ["-", "—", "--", "----", "/", "|||", "| | |", "-5", "1-2", "a---b"]
)
def test_marks_and_bars_are_not_rules(line: str) -> None:
    """Signs for "none", padding bars and words with strokes are evidence and stay."""
    kept = "".join(token.kind for token in lex(f"a\n{line}\nb"))[2:-2]
    assert kept
    assert set(kept) <= {"t", "b"}


@given(texts)
def test_tokens_are_ordered_disjoint_and_of_their_kind(text: str) -> None:
    """Spans ascend without overlap, and what they hold is what their kind says."""
    position = 0
    for token in lex(text):
        assert position <= token.start < token.end <= len(text)
        position = token.end
        held = text[token.start : token.end]
        if token.kind == "t":
            assert held == held.strip()
            assert not set(held) & set("\t\n\r|｜│\x1d\x1e\x1f")
        elif token.kind in ONE_CHARACTER:
            assert held == ONE_CHARACTER[token.kind]
        elif token.kind == "b":
            assert held in tuple("|¦│┃║｜")
        elif token.kind == "e":
            assert held == "\r\n" or len(held) == len(held.splitlines()) == 1
        else:
            assert token.kind in "gs"
            assert all(char.isspace() or char in INVISIBLE for char in held)


@given(texts)
def test_no_word_is_lost(text: str) -> None:
    """Every letter and digit lies in exactly one token, and that one is text."""
    covered = [
        text[i] for token in lex(text) if token.kind == "t" for i in range(token.start, token.end)
    ]
    assert [c for c in covered if c.isalnum()] == [c for c in text if c.isalnum()]


@given(st.lists(st.text(st.sampled_from("ab1é中"), min_size=1), min_size=1))
def test_one_cell_per_line_gives_one_token_per_line(cells: list[str]) -> None:
    """Lines of words are as many text tokens, with a line end between each two."""
    text = "\n".join(cells)
    tokens = lex(text)
    assert [text[t.start : t.end] for t in tokens if t.kind == "t"] == text.split("\n")
    assert [t.kind for t in tokens[1::2]] == ["e"] * (len(cells) - 1)


@given(texts, st.data())
def test_a_part_of_a_text_keeps_its_positions(text: str, data: st.DataObject) -> None:
    """Lexing `text[start:end]` yields tokens of that part only, counted in the whole text."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert all(start <= token.start < token.end <= end for token in lex(text, start, end))
