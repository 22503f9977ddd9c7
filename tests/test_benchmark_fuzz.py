"""Damaged documents are answered, and what is answered is true (see `benchmarks.fuzz`)."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabrecover
from benchmarks.fuzz import Document, document, failure, libraries, smallest
from tabrecover.errors import InputError

EXAMPLES = int(os.environ.get("TABRECOVER_EXAMPLES", "12")) * 10

# Found by fuzzing, made small; each was answered wrongly or not at all once.
FOUND = {
    "a piece moved into words that are no label": Document(
        "占地面积 校舍面积 运动场地面\n图书册 平方米 平方米 积平方米\n其中寄宿\n"
        "年级班级数个男生女生学生合计其中随迁子女\n生\n七年级\n学生情况\n八年级\n九年级\n全校合计\n"
        "高级教师二级教师三级教师未评职称\n普通教室 实验室 教学用计算\n间 间 机台\n"
        "校园网接 供暖方 食堂座纤百无\n入 式",
        None,
        "many",
    ),
}

cells = st.sampled_from(
    [
        "",
        "0",
        "12",
        "1,234",
        "-",
        "/",
        "a",
        "合计",
        "Total",
        "其他",
        "<",
        "&amp;",
        "\u0301",
        "\ud800",
    ]
)
ends = st.sampled_from(
    [
        "\n",
        " | ",
        "|",
        "\t",
        "\n\n",
        "  ",
        " ",
        "\r\n",
        "|\n",
        "||||\n",
        "<td>",
        "<tr><td>",
        "\n---|---\n",
    ]
)
labels = st.sampled_from(
    [c.text for t in libraries()["many"].templates for c in t.cells if c.role == "label" and c.text]
)
dumps = st.lists(st.tuples(st.one_of(cells, labels), ends), max_size=60).map(
    lambda pairs: "".join(text + end for text, end in pairs)
)
kinds = st.sampled_from([None, "text", "html"])
templates = st.sampled_from(["builtin", "many", "none"])


def check(made: Document) -> None:
    """Fail with the fault, and the smallest document that has it; slowness is for the campaign."""
    found = failure(made, twice=True, patient=True)
    if found is not None and found.fault != "slow":
        pytest.fail(f"{found.fault}: {found.details}\n{smallest(made, found.fault)!r}")


@given(seed=st.integers(0, 10**6), number=st.integers(0, 10**6))
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_damaged_dumps(seed: int, number: int) -> None:
    """Any piece of a real dump, damaged in any way."""
    check(document(seed, number))


@given(source=st.one_of(dumps, st.binary(max_size=300)), kind=kinds, templates=templates)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_made_up_dumps(source: str | bytes, kind: str | None, templates: str) -> None:
    """Labels, values and separators in any order, and any bytes."""
    check(Document(source, kind, templates))  # type: ignore[arg-type]


@pytest.mark.parametrize("made", FOUND.values(), ids=FOUND.keys())
def test_found_by_fuzzing(made: Document) -> None:
    """What failed once does not fail again."""
    check(made)


def test_documents_are_the_same_for_the_same_numbers() -> None:
    """A seed and a number name one document."""
    assert document(1, 2) == document(1, 2)
    assert document(1, 2) != document(1, 3)


def test_a_failing_document_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a document that fails for one character, that character is left."""

    def broken(source: str, **_: object) -> None:
        if "!" in source:
            raise KeyError(source)
        raise InputError("no")

    monkeypatch.setattr(tabrecover, "recover", broken)
    made = Document("abc|\n!\n12" * 3, None, "none")
    found = failure(made)
    assert found is not None
    assert found.fault.startswith("KeyError in test_benchmark_fuzz.py")
    assert smallest(made, found.fault).source == "!"
