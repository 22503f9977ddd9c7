"""Folding: equal labels become equal strings, and every character knows where it came from."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.fold import fold, fold_text

# Any characters, with those that labels and tables are made of often among them.
texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("（一）予以公開｜１２３ⅢÄß ⼀⼆⾏⻚─┼|\t\n㈠①ﬁ…ー가"),
        st.characters(min_codepoint=0x2E80, max_codepoint=0x9FFF),
    )
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("１２３ＡＢｃ", "123abc"),
        ("⼀⼆⾏", "一二行"),
        ("⻚⻓⻅", "页长见"),
        ("政府資訊公開", "政府资讯公开"),
        ("商业 企业\n", "商业企业"),
        ("（一）予以公开", "一予以公开"),
        ("1、属于", "1属于"),
        ("| a | b |\n|---|---|", "ab"),
        ("Größe Ångström É", "grosseangstrome"),
        ("㈠①", "一1"),
        ("€5 ℃", "€5°c"),
        ("", ""),
    ],
    ids=repr,
)
def test_folds_as_by_hand(text: str, expected: str) -> None:
    """Width, radicals, script, spaces, punctuation, bars, case and diacritics make no matter."""
    assert fold_text(text) == expected


def test_wrapping_and_bars_keep_a_label_contiguous() -> None:
    """A label split over lines, cells and spaces folds to the same text as the whole one."""
    whole = fold_text("2.没有现成信息需要另行制作")
    assert fold_text("2、没有现成 信息\n｜需要　另行\u200b制作") == whole


def test_distinct_labels_stay_distinct() -> None:
    """Folding unites spellings of one label, not different labels."""
    labels = ["一", "二", "规章", "规范性文件", "1.其他", "2.其他", "其他", "本年增", "本年减"]
    assert len({fold_text(label) for label in labels}) == len(labels)


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    """What is folded already stays as it is."""
    if "薴" not in text:  # see the next test
        assert fold_text(fold_text(text)) == fold_text(text)


def test_folding_is_idempotent_for_chained_simplifications() -> None:
    """A character whose simplified form can be simplified again is folded to the end."""
    # A bug once: 薴 -> 苧 -> 苎; the only code point for which folding twice is not folding once.
    assert fold_text(fold_text("薴")) == fold_text("薴")


@given(texts)
def test_the_origin_map_leads_back(text: str) -> None:
    """Origins ascend, stay in range, and name a character whose own fold holds the character."""
    folded = fold(text)
    origin: list[int] = folded.origin.tolist()
    assert folded.text == fold_text(text)
    assert len(origin) == len(folded.text)
    assert origin == sorted(origin)
    assert all(0 <= place < len(text) for place in origin)
    for char, place in zip(folded.text, origin, strict=True):
        assert char in fold_text(text[place])


@given(texts, texts)
def test_folding_is_a_homomorphism(one: str, other: str) -> None:
    """Context changes nothing: the fold of two texts is the two folds."""
    assert fold_text(one + other) == fold_text(one) + fold_text(other)


@given(texts)
def test_only_letters_digits_and_symbols_remain(text: str) -> None:
    """No space, punctuation, control or box drawing survives."""
    for char in fold_text(text):
        assert unicodedata.category(char)[0] in "LNMS"
        assert not 0x2500 <= ord(char) <= 0x259F
        assert char != "|"


@given(st.text(st.characters(codec="ascii", categories=["L", "N"])))
def test_ascii_letters_and_digits_fold_by_case_only(text: str) -> None:
    """For plain ASCII words the fold is the standard library's `lower`."""
    assert fold_text(text) == text.lower()
