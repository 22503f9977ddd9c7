"""Which labels a text holds, which of them stand alone, and where they form tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.errors import UsageError
from tabrecover.fold import fold, fold_text
from tabrecover.library import Library, label_weight
from tabrecover.regions import Candidate, cell_hits, find_candidates, unbroken
from tabrecover.storage import parse_template

DRAWING = (
    "<table data-type=integer><tr><th>项目<th data-key=a>收入合计<th data-key=b>支出合计"
    "<tr data-key=r><th>本级部门<td><td><tr data-key=s><th>下级单位<td><td></table>"
)
LIBRARY = Library([parse_template(DRAWING, name="budget")])
TABLE = "项目\n收入合计\n支出合计\n本级部门\n12\n13\n下级单位\n4\n5\n"


def standing_alone(text: str) -> list[str]:
    folded = fold(text)
    hits = cell_hits(text, folded, LIBRARY.find(folded), LIBRARY)
    return [folded.text[hit.start : hit.end] for hit in hits]


def candidates(text: str, library: Library = LIBRARY) -> list[Candidate]:
    folded = fold(text)
    return find_candidates(folded, cell_hits(text, folded, library.find(folded), library), library)


@given(st.text(st.sampled_from("项目收入合计支出本级12 \n|"), max_size=60))
def test_finds_every_occurrence_of_every_label(text: str) -> None:
    """The hits are all places at which `str.find` sees a folded label, by position."""
    folded = fold_text(text)
    expected = [
        (i, i + len(phrase), number)
        for number, phrase in enumerate(LIBRARY.phrases)
        for i in range(len(folded))
        if folded.startswith(phrase, i)
    ]
    assert LIBRARY.find(fold(text)) == sorted(expected)


def test_two_templates_with_one_id_are_refused() -> None:
    """A library can't hold two templates of one name."""
    with pytest.raises(UsageError, match="'budget'"):
        Library([LIBRARY.templates[0]] * 2)


def test_an_empty_library_finds_nothing() -> None:
    """Without templates there are neither hits nor candidates."""
    assert Library([]).find(fold("项目")) == []
    assert candidates(TABLE, Library([])) == []


def test_aliases_are_found_as_their_label() -> None:
    """An alias leads to the same slot as the label it stands for."""
    template = parse_template(DRAWING, '[aliases]\n"收入合计" = ["总收入"]', name="t")
    library = Library([template])
    places = [library.places[library.phrase_ids[form]] for form in ("收入合计", "总收入")]
    assert places[0] == places[1] == [(0, 1)]


@pytest.mark.parametrize(
    ("form", "nats"), [("总计", 2.0), ("total", 2.0), ("一二三四五六七八九", 8.0), ("", 0.0)]
)
def test_long_labels_weigh_more_up_to_a_cap(form: str, nats: float) -> None:
    """A Han character weighs 1 nat, a letter 0.4, a label 8 at most."""
    assert label_weight(form) == pytest.approx(nats)


@pytest.mark.parametrize(
    "text",
    [
        "收入合计", "a\n收入合计\nb", "| 收入合计 | b", "x\t收入合计\ty", "甲  收入合计  乙",
        "收入合计12", "收入合计 -3", "a\x1f收入合计\x1f", "（收入合计）\n", "收 入\n合计",
        "甲\u2028收入合计：\n",
    ],
)  # fmt: skip
def test_a_label_in_a_cell_stands_alone(text: str) -> None:
    """Line ends, bars, cell ends, wide gaps and numbers set a label apart."""
    assert standing_alone(text) == ["收入合计"]


@pytest.mark.parametrize(
    "text",
    ["全年收入合计为", "本年收入合计12万元", "收入合计,支出另计", "收入合计。", "the 收入合计 of",
     "按收入合计\n"],
)  # fmt: skip
def test_a_label_in_prose_does_not(text: str) -> None:
    """Words or sentence punctuation on either side make a label a piece of prose."""
    assert standing_alone(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ros\nRosrosje\n", ["ros"]),
        ("jevadol holcenba\n", []),
        ("Holcenbaros 12\n", ["hol", "cenba", "ros"]),
        ("hol\nCenba", ["hol", "cenba"]),
    ],
)
def test_labels_in_a_word_are_its_letters(text: str, expected: list[str]) -> None:
    """A word that begins or ends with labels is none; one that is all labels is run together."""
    # A bug once: "Ros" was cut off "Rosrosje", since the letters behind it are a label's too.
    page = "<table><tr><th>Ros<th>Cenba<th>Hol<tr><td><td><td></table>"
    library = Library([parse_template(page)])
    folded = fold(text)
    hits = cell_hits(text, folded, library.find(folded), library)
    assert [folded.text[hit.start : hit.end] for hit in hits] == expected


def test_labels_that_meet_set_each_other_apart() -> None:
    """Headers glued together are labels, whole and in order."""
    assert standing_alone("项目收入合计支出合计") == ["项目", "收入合计", "支出合计"]


def test_one_table_is_one_chain_with_all_labels() -> None:
    """The chain takes each label for its slot, in order, and covers the template."""
    (found,) = candidates("前言部分若干文字\n" + TABLE + "结束语")
    template = LIBRARY.templates[0]
    texts = [template.cells[template.slots[seed.slot].cell].text for seed in found.seeds]
    assert texts == ["项目", "收入合计", "支出合计", "本级部门", "下级单位"]
    assert found.coverage == pytest.approx(1.0)


@given(st.lists(st.sampled_from(["项目", "收入合计", "支出合计", "本级部门", "下级单位", "7"])))
def test_chains_are_disjoint_and_in_template_order(lines: list[str]) -> None:
    """In any order of labels, a hit is in one chain, a chain ascends, and its nats add up."""
    found = candidates("\n".join(lines))
    starts = [seed.hit.start for candidate in found for seed in candidate.seeds]
    assert len(starts) == len(set(starts))
    for candidate in found:
        places = [(seed.hit.start, seed.slot) for seed in candidate.seeds]
        assert all(a < c and b < d for (a, b), (c, d) in pairwise(places))
        nats = sum(len(LIBRARY.phrases[seed.hit.phrase]) for seed in candidate.seeds)
        assert candidate.coverage == pytest.approx(nats / 18)
        assert candidate.coverage >= 0.4


@pytest.mark.parametrize("between", ["", "以下为另一张表的内容\n" * 3])
def test_two_tables_of_one_template_are_two_chains(between: str) -> None:
    """A second table of the same form is found, disjoint from the first."""
    one, other = sorted(candidates(TABLE + between + TABLE), key=lambda c: c.seeds[0].hit.start)
    assert one.coverage == other.coverage == pytest.approx(1.0)
    assert one.seeds[-1].hit.end <= other.seeds[0].hit.start


def test_a_table_cut_in_the_middle_is_still_found() -> None:
    """Four of five labels are enough; the coverage says what is missing."""
    (found,) = candidates(TABLE[: TABLE.index("下级")])
    assert found.coverage == pytest.approx(14 / 18)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "本年收入合计为十二万元,支出合计为十三万元,本级部门与下级单位均已完成项目。",
        "项目\n收入合计\n",
        "下级单位\n本级部门\n支出合计\n收入合计\n项目\n",
        ("不相干的文字\n" * 200).join(["收入合计\n", "支出合计\n", "本级部门\n"]),
    ],
    ids=["nothing", "prose", "two labels", "reversed", "far apart"],
)  # fmt: skip
def test_no_table_no_candidate(text: str) -> None:
    """Prose, a few labels, labels in the wrong order or far apart are no table."""
    assert candidates(text) == []


def test_repeated_rows_may_hold_as_much_text_as_there_are_rows() -> None:
    """A footer is in the chain of its table however long the texts of forty records are."""
    # A bug once: room was left for the text of one record, and the table was passed over.
    drawing = (
        "<table data-type=text><tr><th data-key=a>Name of place<th data-key=b>Owner of it"
        "<tr data-key=r data-repeated><td><td><tr data-key=s><th>Counted in all<td></table>"
    )
    records = "Left behind the big mill\nKarl Friedrich the elder\n" * 40
    text = f"Name of place\nOwner of it\n{records}Counted in all\n40\n"
    (found,) = candidates(text, Library([parse_template(drawing, name="places")]))
    assert len(found.seeds) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("本级\n部门\n", ["本级部门"]),
        ("本级\n— —\n部门\n", []),  # the marks are a row's values for "none"
        ("收入合计\n1\n本级部门\n", ["收入合计", "本级部门"]),  # the number is a value
        ("1. 本级部门\n", ["1本级部门", "本级部门"]),  # the number is the label's
    ],
)
def test_labels_take_in_no_value(text: str, expected: list[str]) -> None:
    """Folding lets a label reach over line ends, but over no line of marks and no value."""
    drawing = (
        "<table data-type=integer><tr><th data-key=a>项目<th data-key=b>收入合计"
        "<tr data-key=r><th>1. 本级部门<td><tr data-key=s><th>本级部门<td></table>"
    )
    folded = fold(text)
    hits = unbroken(text, folded, Library([parse_template(drawing, name="n")]).find(folded))
    assert [folded.text[hit.start : hit.end] for hit in hits] == expected
