"""Many templates behind an index: the few that a document needs are found; files of them open."""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tabrecover
from benchmarks.dumps import Dump
from benchmarks.layouts import load_layout
from benchmarks.libraries import make_library, right_templates, variant
from tabrecover.api import library_of
from tabrecover.catalog import AnyLibrary, Catalog, few_of
from tabrecover.compiled import compile_folders, load_compiled
from tabrecover.errors import TemplateError, UsageError
from tabrecover.fold import fold
from tabrecover.index import Index, index_of, joined
from tabrecover.library import Library
from tabrecover.storage import builtin_library, load_templates, parse_template
from tabrecover.template import Template
from tests.cases import CASES, CORPUS
from tests.property.strategies import drawn_templates

STAFF = CORPUS / "layouts" / "en-staff.html"


@cache
def many() -> Catalog:
    """The templates that come along, among hundreds of near and of far variants of the corpus."""
    rng = random.Random(7)  # noqa: S311 - drawing
    layouts = [load_layout(path) for path in sorted((CORPUS / "layouts").glob("zh-*.html"))]
    forms = [t for t in builtin_library().templates if t.language == "zh"]
    labels = sorted({c.text for t in forms for c in t.cells if len(c.text) > 1})
    own = [load_layout(path) for path in sorted(Path(tabrecover.__file__).parent.rglob("*.html"))]
    made = [
        parse_template(*variant(layout, labels, f"{layout.id}-{n}", rng))
        for n in range(12)
        for layout in [*own, *layouts]
    ]
    return Catalog.of([*builtin_library().templates, *made])


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name)
def test_among_many_variants_the_tables_stay_what_they_are(case) -> None:  # type: ignore[no-untyped-def]
    """With hundreds of templates like its own, a report gives the tables it gives without them."""
    few = tabrecover.recover(case.dump)
    found = tabrecover.recover(case.dump, templates=many())
    assert [t.template for t in found.tables] == [t.template for t in few.tables]
    for ours, theirs in zip(found.tables, few.tables, strict=True):
        assert [(c.row, c.col, c.text) for c in ours.cells] == [
            (c.row, c.col, c.text) for c in theirs.cells
        ]


def test_the_shortlist_is_short_and_holds_the_right_ones() -> None:
    """Of hundreds of templates a report needs a few dozen at the most, its own among them."""
    case = next(case for case in CASES if case.name == "macheng-2019")
    catalog = many()
    chosen = catalog.shortlist(fold(case.dump), case.dump)
    assert len(chosen) < 40 < len(catalog.templates)
    names = {catalog.entries[number].id for number in chosen}
    assert {t.template for t in tabrecover.recover(case.dump).tables} <= names


def test_prose_needs_no_template() -> None:
    """A text without labels ends at the sieve."""
    text = "Nothing but prose, in which the weather is described at length.\n" * 40
    assert few_of(many(), text, fold(text), text).templates == ()


def test_a_context_keeps_one_of_many_equal_templates() -> None:
    """Of templates that share all labels, the one whose context the document names is found."""
    page = STAFF.read_text(encoding="utf-8")
    templates = [parse_template(page, f'id = "v{n}"\ncontext = ["Form {n}."]') for n in range(40)]
    catalog = Catalog.of(templates)
    labels = "\n".join(cell.text for cell in templates[0].cells if cell.role == "label")
    text = f"Form 33.\n{labels}\n"
    assert 33 in catalog.shortlist(fold(text), text)


def table_of(index: Index) -> dict[str, set[tuple[int, int, float]]]:
    """The index as a plain mapping, by loops."""
    return {
        phrase: {
            (int(index.templates[k]), int(index.slots[k]), float(index.weights[k]))
            for k in range(int(index.starts[n]), int(index.starts[n + 1]))
        }
        for n, phrase in enumerate(index.phrases)
    }


@settings(deadline=None, max_examples=30)
@given(st.lists(drawn_templates(), min_size=1, max_size=4), st.data())
def test_parts_joined_are_the_index_of_the_whole(
    templates: list[Template], data: st.DataObject
) -> None:
    """An index of all templates says what the indexes of two parts say when they are joined."""
    library = Library(_named(templates))
    cut = data.draw(st.integers(0, len(templates)))
    parts = [Library(library.templates[:cut]), Library(library.templates[cut:])]
    whole, put = index_of(library), joined([index_of(part) for part in parts])
    assert table_of(whole) == table_of(put)
    assert whole.totals.tolist() == put.totals.tolist()
    assert whole.reach == put.reach
    wanted = np.array(data.draw(st.lists(st.integers(0, len(whole.phrases) - 1), unique=True)))
    places = [
        k for n in wanted.tolist() for k in range(int(whole.starts[n]), int(whole.starts[n + 1]))
    ]
    assert whole.places(wanted.astype(np.int64)).tolist() == places


def _named(templates: list[Template]) -> list[Template]:
    return [replace(template, id=f"t{number}") for number, template in enumerate(templates)]


def grid(name: str, rows: Sequence[str], columns: Sequence[str], settings: str = "") -> Template:
    """A template of these heads, whose keys begin with its name."""
    head = "".join(f"<th data-key=c{n}>{column}" for n, column in enumerate(columns))
    body = "".join(
        f"<tr data-key={name}-{n}><th>{row}" + "<td>" * len(columns) for n, row in enumerate(rows)
    )
    page = f"<table data-type=integer><tr><th>{head}{body}</table>"
    return parse_template(page, f'id = "{name}"\n{settings}')


PEOPLE = ["Population", "Persons", "Households", "Urban districts", "Rural districts"]


def test_templates_that_labels_do_not_tell_apart_share_the_certainty() -> None:
    """However many others have the same labels, of two equal layouts neither is certain."""
    rows = [name for name in PEOPLE if name != "Households"]
    others = [grid(f"other{n}", ["Households"], rows) for n in range(9)]
    catalog = Catalog.of(
        [grid("one", rows, ["Households"]), *others, grid("two", rows, ["Households"])]
    )
    dump = "Households\n" + "".join(f"{row} {n}\n" for n, row in enumerate(rows, start=10))
    (table,) = tabrecover.recover(dump, templates=catalog).tables
    assert table.certainty < 0.6
    assert max(cell.confidence for cell in table.cells if cell.role == "value") < 0.9


SOCIETY = ["Name of the society", "Short name", "Legal form", "Seat", "Founded in", "Objects"]


def form_of(labels: Sequence[str], name: str) -> Template:
    """A form of a label and a text a row."""
    rows = "".join(f"<tr><th>{label}<td data-type=text>" for label in labels)
    return parse_template(f"<table>{rows}</table>", f'id = "{name}"')


@pytest.mark.parametrize("first", ["right", "wrong"])
def test_a_label_that_runs_into_its_value_tells_templates_apart(first: str) -> None:
    """Its words are there, and those of the other template's label are not."""
    right = form_of(SOCIETY, "right")
    wrong = form_of([*SOCIETY[:5], "Funds"], "wrong")
    dump = (
        "\n".join(f"{label}\n{text}" for label, text in zip(SOCIETY[:5], "ABCDE", strict=True))
        + "\nObjectsLetting of allotments\n"
    )
    library = Library([right, wrong] if first == "right" else [wrong, right])
    (table,) = tabrecover.recover(dump, templates=library).tables
    assert table.template == "right"
    assert table.certainty > 0.9


@pytest.mark.parametrize("lost", [1, 4])
def test_a_template_that_lacks_a_label_in_its_midst_is_no_rival(lost: int) -> None:
    """A label that stands in the table and has no place in a template rules it out."""
    right = form_of(SOCIETY, "right")
    wrong = form_of([*SOCIETY[:lost], "Funds", *SOCIETY[lost + 1 :]], "wrong")
    dump = "\n".join(f"{label}\n{text}" for label, text in zip(SOCIETY, "ABCDEF", strict=True))
    (table,) = tabrecover.recover(dump + "\n", templates=Library([wrong, right])).tables
    assert table.evidence is not None
    assert [candidate.template for candidate in table.evidence.candidates] == ["right"]


def test_labels_put_together_speak_for_their_template() -> None:
    """Of many near variants, those with a whole word are listed first; the joined labels then tell.

    Every variant has a word of the text above in place of one label; the labels are in pieces.
    """
    labels = ["Number of deaths", "Elective admissions", "Legal guardians", "Bedspaces",
              "Caredays", "Percentage"]  # fmt: skip
    prose = "The yearbook tells of each province, hospital, district, volume, edition and bureau"
    words = ["Yearbook", "Province", "Hospital", "District", "Volume", "Edition", "Bureau"]

    def head(labels: Sequence[str], name: str) -> Template:
        heads = "".join(f"<th>{label}" for label in labels)
        return parse_template(f"<table><tr>{heads}<tr>{'<td>' * 6}</table>", f'id = "{name}"')

    variants = [
        head([*labels[:at], word, *labels[at + 1 :]], f"{word}-{at}")
        for number, word in enumerate(words)
        for at in {number % 6, 2}
    ]
    catalog = Catalog.of([*variants, head(labels, "right")])
    pieces = [(*label.split(" ", 1), "")[:2] for label in labels]
    rows = [*zip(*pieces, strict=True), ("12", "7", "31", "98", "46", "5")]
    lines = [prose, "", *("".join(f"{cell:14}" for cell in row) for row in rows)]
    (table,) = tabrecover.recover("\n".join(lines) + "\n", templates=catalog).tables
    assert table.template == "right"


@pytest.mark.parametrize("number", [0, 7, 11])
def test_the_order_of_labels_is_told_by_the_alignment(number: int) -> None:
    """Layouts whose labels are the same in another order are all weighed."""
    orders = list(permutations(PEOPLE))[:12]
    catalog = Catalog.of([grid(f"t{n}", order, ["Unemployed"]) for n, order in enumerate(orders)])
    dump = "Unemployed\n" + "".join(f"{row}\n{n}\n" for n, row in enumerate(orders[number], 10))
    (table,) = tabrecover.recover(dump, templates=catalog).tables
    assert table.template == f"t{number}"
    assert [c.text for c in table.cells if c.role == "value"] == ["10", "11", "12", "13", "14"]


def test_right_templates_as_by_hand() -> None:
    """Of two true tables, one is found as another template's: one right, one wrong, none missed."""
    own = [
        parse_template(
            f"<table data-type=integer><tr><th>{a}<th data-key=k>{b}<tr><th>{c}<td></table>",
            f'id = "{name}"',
        )
        for name, a, b, c in [("one", "Village", "Number of sheep", "Upton upon Wend"),
                              ("two", "Borough", "Number of goats", "Slade under Hill")]
    ]  # fmt: skip
    text = "".join("\n".join(c.text or "7" for c in t.cells) + "\n\n" for t in own)
    page = '<table data-template="{}"><tr><th>Village<td>7</table>'
    truth = "".join(page.format(name) for name in ("one", "other"))
    dump = Dump("document", "tool", "1", "none", text, truth)
    counts = right_templates(dump, Library(own))
    assert counts == {"right": 1, "wrong": 1, "missed": 0}


# --- files --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layouts of the corpus in one file."""
    path = tmp_path_factory.mktemp("compiled") / "corpus.tabrecover"
    assert compile_folders([CORPUS / "layouts"], path).templates == 25
    return path


def test_a_compiled_library_is_what_it_was_made_of(compiled: Path) -> None:
    """Its templates are those of the folder, and it can be joined with those that come along."""
    assert list(load_compiled(compiled).templates) == load_templates(CORPUS / "layouts")
    both = library_of([str(compiled), "builtin"])
    assert isinstance(both, Catalog)
    assert len(both.templates) == 25 + len(builtin_library().templates)
    assert both.templates[len(both.templates) - 1] == builtin_library().templates[-1]
    with pytest.raises(UsageError, match="two templates have the id"):
        library_of([str(compiled), CORPUS / "layouts"])


@pytest.mark.parametrize("kind", ["library", "catalog", "compiled"])
def test_templates_go_to_other_processes(compiled: Path, kind: str) -> None:
    """A library that was used can be pickled, and what comes out works as it did."""
    makers: dict[str, Callable[[], AnyLibrary]] = {
        "library": lambda: Library(builtin_library().templates),
        "catalog": many,
        "compiled": lambda: library_of([str(compiled), "builtin"]),
    }
    made = makers[kind]()
    dump = next(case.dump for case in CASES if case.name == "macheng-2019")
    before = tabrecover.recover(dump, templates=made).to_dict()
    again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    assert tabrecover.recover(dump, templates=again).to_dict() == before


def test_a_library_of_many_files_is_a_catalog(tmp_path: Path) -> None:
    """A folder of more than a hundred templates is indexed without being compiled."""
    make_library(tmp_path, 101, [])
    assert isinstance(library_of(str(tmp_path)), Catalog)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_half_a_file_is_refused(compiled: Path, tmp_path: Path, share: float) -> None:
    """A file that was cut off is no library, and says what to do."""
    whole = compiled.read_bytes()
    half = tmp_path / "half.tabrecover"
    half.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(TemplateError, match=r"half\.tabrecover: .*compile it anew"):
        load_compiled(half)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_refused_or_read(compiled: Path, data: st.DataObject) -> None:
    """Whatever bytes are changed, a damaged file is refused with a message, or still readable."""
    raw = bytearray(compiled.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        places = st.integers(0, len(raw) - 1) | st.integers(len(raw) - 800, len(raw) - 1)
        raw[data.draw(places)] ^= data.draw(st.integers(1, 255))
    damaged = compiled.with_name("damaged.tabrecover")
    damaged.write_bytes(bytes(raw))
    try:
        catalog = load_compiled(damaged)
        tabrecover.recover("Item\n1\n2\n", templates=catalog)
        list(catalog.templates)
    except (TemplateError, UsageError):
        pass


class _Payload:
    """What unpickling would run: it makes a folder."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.mkdir, (self.made,)


def test_nothing_in_a_file_is_executed(compiled: Path, tmp_path: Path) -> None:
    """An array of objects, which only unpickling could read, is refused and not unpickled."""
    with np.load(compiled) as stored:
        arrays = dict(stored)
    arrays["head"] = np.array([_Payload(tmp_path / "made")], dtype=object)
    path = tmp_path / "objects.tabrecover"
    with path.open("wb") as stream:
        np.savez(stream, **arrays)
    with pytest.raises(TemplateError, match="compile it anew"):
        load_compiled(path)
    assert not (tmp_path / "made").exists()


def test_another_version_is_refused(compiled: Path, tmp_path: Path) -> None:
    """Labels may be folded in another way by another version, so its file is not used."""
    with np.load(compiled) as stored:
        arrays = dict(stored)
    head = json.loads(arrays["head"].tobytes())
    head["version"] = "0.0.1"
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    old = tmp_path / "old.tabrecover"
    with old.open("wb") as stream:
        np.savez(stream, **arrays)
    with pytest.raises(TemplateError, match=r"another version \(0\.0\.1\); compile it anew"):
        load_compiled(old)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabrecover", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def test_what_is_compiled_anew_is_read_anew(compiled: Path, tmp_path: Path) -> None:
    """A library that was written again under its name is not taken from memory."""
    path = tmp_path / "changing.tabrecover"
    compile_folders([STAFF], path)
    before = library_of(str(path))
    compile_folders([CORPUS / "layouts"], path)
    assert len(library_of(str(path)).templates) == len(load_compiled(compiled).templates)
    assert len(before.templates) == 1


def test_no_output_over_templates(tmp_path: Path) -> None:
    """Neither results nor a compiled library are written over templates, not even by a link."""
    page = tmp_path / "own.html"
    page.write_bytes(STAFF.read_bytes())
    link = tmp_path / "link.tabrecover"
    link.symlink_to(page)
    assert run("templates", "compile", tmp_path, "-o", link).returncode == 2
    path = tmp_path / "all.tabrecover"
    assert run("templates", "compile", page, "-o", path).returncode == 0
    kept = path.read_bytes()
    assert run("recover", page, "-t", path, "-o", path).returncode == 2
    assert (page.read_bytes(), path.read_bytes()) == (STAFF.read_bytes(), kept)


def test_the_command_compiles_and_uses(tmp_path: Path) -> None:
    """What `templates compile` writes, `recover` takes; wrong names and templates are refused."""
    path = tmp_path / "all.tabrecover"
    done = run("templates", "compile", CORPUS / "layouts", "-o", path)
    assert (done.returncode, done.stdout.split(": ")[1][:12]) == (0, "25 templates")
    page = (CORPUS / "layouts" / "en-staff.html").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(page.replace("<td", "<td>4</td><!-- "), encoding="utf-8")
    assert run("recover", tmp_path / "page.html", "-t", path).returncode == 0
    wrong = run("templates", "compile", CORPUS / "layouts", "-o", tmp_path / "all.zip")
    assert (wrong.returncode, ".tabrecover" in wrong.stderr) == (2, True)
    twice = run("templates", "compile", STAFF, STAFF, "-o", path)
    assert (twice.returncode, "is taken by" in twice.stderr) == (2, True)
    assert load_compiled(path).templates  # the file that was there is still whole
