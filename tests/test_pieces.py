"""Labels cut in pieces by wrapped columns: put together where they are, and nowhere else."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover.fold import fold, fold_text
from tabrecover.library import Library
from tabrecover.model import Document
from tabrecover.pieces import join_pieces
from tabrecover.storage import parse_template

LABELS = ["Region", "Number of deaths", "Elective admissions", "Legal form", "Area", "社会公益组织",
          "法律服务机构", "North of England", "Never", "总计"]  # fmt: skip


def library_of(*forms: list[str]) -> Library:
    """A template for each list of labels: a row of them, and one of values."""
    heads = ("".join(f"<th>{label}" for label in labels) for labels in forms)
    pages = (f"<table><tr>{head}<tr>{'<td>' * head.count('<th>')}</table>" for head in heads)
    return Library(parse_template(page, name=f"form {at}") for at, page in enumerate(pages))


LIBRARY = library_of(*([label] for label in LABELS))


def joined(text: str, library: Library = LIBRARY) -> Document:
    folded = fold(text)
    document = Document(text, "text", text)
    return join_pieces(document, folded, library.find(folded), library)


def check_offsets(text: str, document: Document) -> None:
    """Every character of the input stands once in the document, and leads back to itself."""
    if document.starts is None or document.ends is None:
        assert document.text == text
        return
    starts = document.starts.tolist()
    assert sorted(starts) == list(range(len(text)))
    assert document.ends.tolist() == [start + 1 for start in starts]
    assert document.text == "".join(text[start] for start in starts)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Region Number of Elective\n deaths admissions\nA 1 2\n",
         ["Number of deaths", "Elective admissions"]),
        ("社会 法律\n公益 服务\n组织 机构\n1 2\n", ["社会公益组织", "法律服务机构"]),
        ("North 1 2\nof 3 4\nEngland 5 6\n", ["North of England"]),
        ("Number\n1\n2\nof\n3\ndeaths\n", ["Number of deaths"]),
        ("Electiv Region\ne ad-\nmissions\n", ["Elective admissions"]),
        ("Legal\r\nform 1\r\n", ["Legal form"]),
    ],
    ids=["two heads", "three lines", "numbers between", "lines between", "cut words", "crlf"],
)  # fmt: skip
def test_pieces_are_put_together(text: str, labels: list[str]) -> None:
    """A label that a column wrapped stands whole in the result, and its pieces lead back."""
    document = joined(text)
    for label in labels:
        assert fold_text(label) in fold(document.text).text
    check_offsets(text, document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Region Number of deaths\nNorth of England 12\n",
        "Region | Number of\nA | deaths\n",
        "Number of\tRegion\ndeaths\t\n",
        "deaths\nNumber of\n",
        "Number of\n1 2 3\n",
        "Number x of\ndeaths\n",
        "Number of deaths\ndeaths\n",
        "Number of\n" + "another line\n" * 7 + "deaths\n",
        "These are facts that we have about it.\nIn it, a town is the whole of it all.\nRegion 1\n",
        "Whatever has a legal meaning in this land\nis told on the form that everyone gets\n",
    ],
    ids=["empty", "whole", "bars", "tabs", "wrong order", "half", "same line", "no rest", "far",
         "cut words", "sentences"],
)  # fmt: skip
def test_without_pieces_the_document_stays(text: str) -> None:
    """Whole labels, cells that bars part, halves and sentences come back as the same document."""
    folded = fold(text)
    document = Document(text, "text", text)
    assert join_pieces(document, folded, LIBRARY.find(folded), LIBRARY) is document


def test_a_label_that_stands_whole_is_not_put_together_again() -> None:
    """Words of values spell it by chance; as often as the template has it, it was found."""
    # A bug once: "Barsoce pin", "12" and "Xi" became a value and a label.
    library = library_of(["Pinxi", "Region", "Area"])
    text = "Region\nPinxi\nArea\nBarsoce pin\n12\nXi\n"
    assert joined(text, library).text == text


def test_a_whole_label_lends_no_word() -> None:
    """The words of a label that stands whole are no pieces of another."""
    text = "Legal 1\nLegal form 2\nRegion 3\n"
    assert joined(text).text == text


def test_labels_that_share_words_keep_their_own() -> None:
    """Of labels that begin alike or lie in each other, each gets its own pieces."""
    forms = ["Visits", "Visits to schools", "Schools visited", "Schools"]
    text = "Visits Schools Visits Schools\n to visited\nschools\n1 2 3 4\n"
    found = joined(text, library_of(forms)).text.split("\n")[0]
    assert fold_text(found) == fold_text("Visits to schools Schools visited Visits Schools")


def test_a_number_before_a_label_is_part_of_it() -> None:
    """A numbered label is put together with its number; a value stays at its place."""
    form = library_of(["2. Fines paid late", "Fines of all"])
    assert (
        fold_text("2. Fines paid late 7") in fold(joined("2. Fines 7\npaid late\n", form).text).text
    )
    assert joined("2\nFines paid\n3\nlate\n", form).text.split() == ["2", "Fines", "paidlate", "3"]


def test_labels_of_another_form_are_left_apart() -> None:
    """Pieces of one label of many do not make a form, so nothing is moved."""
    assert joined("Number of\n1 2\ndeaths\n", library_of(LABELS)).starts is None


def test_html_and_declared_cells_are_left_alone() -> None:
    """Where cells are declared, nothing is cut by columns."""
    text = "Legal\nform\n"
    folded = fold(text)
    document = Document(text, "html", text)
    assert join_pieces(document, folded, LIBRARY.find(folded), LIBRARY) is document


words = st.sampled_from(
    [*" ".join(LABELS).split(), "社会", "公益", "组织", "法律", "12", "a", "other", "e", ".", "🙂"]
)
texts = st.lists(st.lists(words, max_size=5).map(" ".join), max_size=10).map("\n".join)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_pieces_are_moved_and_nothing_else(text: str) -> None:
    """The result is a permutation of the input; what is not moved keeps its order."""
    document = joined(text)
    check_offsets(text, document)
    assert Counter(document.text) == Counter(text)
    if document.starts is not None:
        ahead = [b for a, b in zip(document.starts[:-1], document.starts[1:], strict=True) if b > a]
        assert len(ahead) >= len(document.text) - 1 - 2 * len(text.split())


@given(texts)
@settings(max_examples=300, deadline=None)
def test_joining_again_changes_no_label(text: str) -> None:
    """A label put together stands whole, so another pass leaves it where it is."""
    once = joined(text)
    hits = Counter(hit.phrase for hit in LIBRARY.find(fold(once.text)))
    again = Counter(hit.phrase for hit in LIBRARY.find(fold(joined(once.text).text)))
    assert not hits - again


@pytest.mark.parametrize(
    "line",
    ["Number " * 4000 + "\n", "Number\n" * 1000, "Number of\n1 2\ndeaths\n" * 300,
     "Number " * 1000 + "\n" + "word " * 1000 + "\n"],
    ids=["one line", "many lines", "labels", "long lines"],
)  # fmt: skip
def test_time_grows_with_the_text_alone(line: str) -> None:
    """Four times the text takes no more than about four times as long."""
    times = []
    for count in (1, 4):
        text = (
            line * count if line.count("\n") > 2 else line.replace("\n", " ") * count + "\n" + line
        )
        folded = fold(text)
        hits = LIBRARY.find(folded)
        runs = []
        for _ in range(3):  # the quickest is the least disturbed
            start = time.process_time()
            join_pieces(Document(text, "text", text), folded, hits, LIBRARY)
            runs.append(time.process_time() - start)
        times.append(min(runs))
    assert times[1] < 8 * times[0] + 0.1
