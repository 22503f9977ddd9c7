"""The sieve: it says "no" only where the full path finds nothing, and it says it of prose."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tabrecover.fold import fold, fold_text
from tabrecover.index import index_of
from tabrecover.library import Library
from tabrecover.regions import cell_hits, find_candidates, may_hold
from tabrecover.sieve import Sieve
from tabrecover.storage import builtin_library, load_templates, parse_template
from tests.property.strategies import drawn_templates

CORPUS = Path(__file__).parent.parent / "corpus"
BUILTIN = builtin_library()
MANY = Library([*BUILTIN.templates, *load_templates(CORPUS / "layouts")])
SMALL = Library(
    [
        parse_template(
            "<table data-type=integer><tr><th>项目<th data-key=a>收入合计<th data-key=b>支出合计"
            "<tr data-key=r><th>本级部门<td><td><tr data-key=s><th>下级单位<td><td></table>",
            name="budget",
        )
    ]
)
DOTS = Library(
    [
        parse_template(
            "<table data-type=integer><tr><th>10月<th data-key=a>½ year<th data-key=b>ﬁrst²"
            "<tr data-key=r><th>No. 1<td><td></table>",
            name="marks",
        )
    ]
)
LIBRARIES = {"built in": BUILTIN, "many": MANY, "one": SMALL, "marks": DOTS, "none": Library([])}
INDEXES = {name: index_of(library) for name, library in LIBRARIES.items()}
SIEVES = {name: Sieve(index, whole=1) for name, index in INDEXES.items()}
IN_BLOCKS = {name: Sieve(index, whole=1, block=23) for name, index in INDEXES.items()}

# Forms of characters that fold to the one on the left, or that expand to several.
SPELLINGS = {"一": "㈠⼀", "行": "⾏", "1": "１①", "10": "⑩", "m2": "㎡", "no": "№", "计": "計",
             "申": "申", "请": "請", "开": "開", "息": "息", "a": "ＡａÀ𝐀", "ss": "ß"}  # fmt: skip
BREAKS = ["", "", "", "", " ", "\n", "|", " | ", "\t", "\u3000", "\u200b", "—", "\u0301", "12", "0"]
JUNK = st.one_of(
    st.sampled_from(["\n", "|", " | ", "0", "17", "\n\n", " ", "本年度共办理若干事项", "😀", "⑩"]),
    st.text(max_size=8),
    st.text(st.sampled_from("的一是在不了有和人这中大为上个国我以要他"), max_size=30),
)


@st.composite
def broken(draw: st.DrawFn, form: str) -> str:
    """A label as extractors may leave it: broken anywhere, in any spelling."""
    if draw(st.integers(0, 2)) == 0:
        return form
    for plain, others in SPELLINGS.items():
        if plain in form and draw(st.booleans()):
            form = form.replace(plain, draw(st.sampled_from(others)))
    return "".join(char + draw(st.sampled_from(BREAKS)) for char in form)


@st.composite
def documents(draw: st.DrawFn, library: Library) -> str:
    """Labels of one template, most of them in order, with junk between them."""
    pieces = [draw(JUNK)]
    if library.templates:
        template = draw(st.sampled_from(library.templates))
        forms = [cell.forms for cell in template.cells if cell.forms]
        for own in forms:
            if draw(st.integers(0, 3)):
                pieces += [draw(broken(draw(st.sampled_from(own)))), draw(st.sampled_from("\n| 0"))]
            if not draw(st.integers(0, 3)):
                pieces.append(draw(JUNK))
    return "".join(pieces)


def holds(text: str, library: Library) -> bool:
    return may_hold(library.find(fold(text)), library)


def has_candidates(text: str, library: Library) -> bool:
    folded = fold(text)
    alone = cell_hits(text, folded, library.find(folded), library)
    return bool(find_candidates(folded, alone, library))


@pytest.mark.parametrize("name", LIBRARIES)
@settings(max_examples=50)
@given(data=st.data())
def test_never_says_no_where_labels_suffice(name: str, data: st.DataObject) -> None:
    """A text of one block that the sieve refuses has too few labels for every template."""
    text = data.draw(documents(LIBRARIES[name]))
    if not SIEVES[name].passes(text):
        assert not holds(text, LIBRARIES[name])


@pytest.mark.parametrize("name", LIBRARIES)
@settings(max_examples=50)
@given(data=st.data())
def test_never_says_no_where_the_full_path_finds_a_candidate(
    name: str, data: st.DataObject
) -> None:
    """A text looked at in blocks that the sieve refuses has no candidates."""
    library = LIBRARIES[name]
    texts = data.draw(st.lists(st.one_of(JUNK, documents(library)), max_size=3))
    text = "".join(texts)
    if not IN_BLOCKS[name].passes(text):
        assert not has_candidates(text, library)


@given(template=drawn_templates(), data=st.data())
def test_no_layout_escapes_its_sieve(template: object, data: st.DataObject) -> None:
    """The same for layouts made up on the spot."""
    library = Library([template])  # type: ignore[list-item]
    text = data.draw(documents(library))
    if not Sieve(index_of(library), whole=1).passes(text):
        assert not holds(text, library)
    if not Sieve(index_of(library), whole=1, block=16).passes(text):
        assert not has_candidates(text, library)


@example("收\n" * 30 + "入 合|计" + " " * 100 + "0" * 100 + "支出合计\n本级部门")
@given(st.text(st.sampled_from("项目收入合计支出本级部门下级单位12 \n|的"), max_size=80))
def test_texts_of_label_characters(text: str) -> None:
    """Any mixture of the characters of a small library's labels is judged soundly."""
    if not Sieve(INDEXES["one"], whole=1).passes(text):
        assert not holds(text, SMALL)
    if not Sieve(INDEXES["one"], whole=1, block=5).passes(text):
        assert not has_candidates(text, SMALL)


@pytest.mark.parametrize("far", [0, 10, 10_000])
def test_labels_too_far_apart_are_no_table(far: int) -> None:
    """Labels count together as far as a chain reaches over strange words, and no farther."""
    text = ("收入合计\n支出合计\n", "生" * far + "\n", "本级部门\n下级单位\n")
    sieve = Sieve(INDEXES["one"], whole=1, block=64)
    assert sieve.passes("".join(text)) is True  # the halves alone suffice
    apart = ("项目\n收入合计\n", "生" * far + "\n", "本级部门\n")
    assert sieve.passes("".join(apart)) is (far < 1000)


@pytest.mark.parametrize("between", [" ", "0", "\n", "|"])
def test_digits_and_white_space_part_nothing(between: str) -> None:
    """However many blocks of digits or white space lie between labels, they count together."""
    text = ("收入合计\n", between * 5000, "支出合计\n", between * 5000, "本级部门\n")
    assert Sieve(INDEXES["one"], whole=1, block=64).passes("".join(text))


def test_the_corpus_passes() -> None:
    """Every document with a table of a known layout is let through."""
    for path in sorted((CORPUS / "in_the_wild").glob("*/dump.txt")):
        assert SIEVES["built in"].passes(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    "text",
    ["", "no table here " * 9999, "天气很好,我们一起去河边散步,看见许多鸟。" * 9999, "12|" * 9999,
     "Größe — “naïve” ① 😀 \ud800 " * 99],
    ids=["nothing", "English", "Chinese", "numbers", "marks"],
)  # fmt: skip
def test_prose_does_not_pass(text: str) -> None:
    """What has none of the labels is refused."""
    assert not SIEVES["built in"].passes(text)


def test_half_of_the_labels_may_stand_in_pieces() -> None:
    """As long as half of the labels that must be seen are whole, the sieve waits for the rest."""
    assert Sieve(INDEXES["one"]).passes("收入合计\n")
    assert not Sieve(INDEXES["one"], whole=1).passes("收入合计\n")


def test_a_library_without_templates_lets_nothing_pass() -> None:
    """No template, no candidate."""
    assert not Sieve(index_of(Library([]))).passes("收入合计")


def test_no_low_character_folds_to_a_script() -> None:
    """Labels with characters from U+2E80 on need such characters in the text, but for Cyrillic."""
    folded = {char for code in range(0x2E80) for char in fold_text(chr(code))}
    assert all(char < "\u2e80" or "\ua640" <= char <= "\ua69f" for char in folded)


def test_what_a_character_expands_to_folds_to_itself() -> None:
    """The sieve puts the folded text in a character's place and folds again: nothing changes."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if 0xAC00 <= code <= 0xD7A3 or code >= 0xF0000:  # one character each: Hangul, private use
            continue
        folded = fold_text(char)
        assert len(folded) < 2 or fold_text(folded) == folded
