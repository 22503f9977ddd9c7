"""Templates learned from filled examples: labels, slots, records, keys, rules, files."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover.authoring import Lesson, check_id, learn_templates
from tabrecover.draft import DraftCell
from tabrecover.errors import InputError, RecoveryError, UsageError
from tabrecover.html_examples import html_examples
from tabrecover.office import office_examples
from tabrecover.storage import parse_template

STAFF = """<table id="Staff 2023"><caption>Staff</caption>
<tr><td rowspan=2>Department<td colspan=2>Staff
<tr><td>Men<td>Women
<tr><td>Sales<td>{}<td>{}
<tr><td>All<td>{}<td>{}
</table>"""
LEAGUE = "<table><tr><th>Pos.<th>Team<th>Points<th>Form{}<tr><td colspan=2>Mean<td>{}<td></table>"


def learned(*pages: str, id: str | None = None) -> list[Lesson]:  # noqa: A002
    examples = [e for n, page in enumerate(pages) for e in html_examples(page, f"{n}.html")]
    return learn_templates(examples, id=id)[0]


def one(*pages: str, id: str | None = None) -> Lesson:  # noqa: A002
    lessons = learned(*pages, id=id)
    assert len(lessons) == 1
    return lessons[0]


def texts(lesson: Lesson) -> list[list[str]]:
    """Labels and slots by row, a slot as its type in brackets."""
    rows: list[list[str]] = [[] for _ in range(lesson.layout.draft.shape[0])]
    for cell in lesson.layout.draft.cells:
        rows[cell.row].append(cell.text if cell.label else f"[{cell.type}]")
    return rows


def rules(lesson: Lesson) -> list[tuple[list[str], list[str]]]:
    return [(r["left"], r["right"]) for r in tomllib.loads(lesson.toml).get("rules", [])]


def team_rows(*teams: tuple[str, int, str]) -> str:
    return "".join(
        f"<tr><td>{n}<td>{name}<td>{points}<td>{form}"
        for n, (name, points, form) in enumerate(teams, start=1)
    )


# --- one example --------------------------------------------------------------------------------


def test_words_above_and_beside_numbers_are_labels() -> None:
    """Without any `th`, rows of words above numbers and words beside them become labels."""
    lesson = one(STAFF.format(14, 0, 15, 3))
    assert texts(lesson) == [
        ["Department", "Staff"],
        ["Men", "Women"],
        ["Sales", "[integer]", "[integer]"],
        ["All", "[integer]", "[integer]"],
    ]


def test_result_is_the_template_that_a_user_would_draw() -> None:
    """The two files hold spans, short keys at rows and headers, caption, id, source."""
    lesson = one(STAFF.format(14, 0, 15, 3))
    assert lesson.html == (
        '<table data-type="integer">\n<caption>Staff</caption>\n'
        '  <tr><th rowspan="2">Department</th><th colspan="2">Staff</th></tr>\n'
        '  <tr><th data-key="men">Men</th><th data-key="women">Women</th></tr>\n'
        '  <tr data-key="sales"><th>Sales</th><td></td><td></td></tr>\n'
        '  <tr data-key="all"><th>All</th><td></td><td></td></tr>\n</table>\n'
    )
    assert lesson.toml == ('# Learned from 0.html: table 1.\nid = "staff-2023"\ntitle = "Staff"\n')
    template = parse_template(lesson.html, lesson.toml)
    keys = [cell.key for cell in template.cells if cell.key]
    assert keys == ["sales.men", "sales.women", "all.men", "all.women"]


def test_marks_of_the_source_are_believed() -> None:
    """`th`, cells of `thead` and bold words are labels, numbers too, and far from any number."""
    page = (
        "<table><thead><tr><td>Item<td>2023</thead><tr><td><b>Colour</b><td>red"
        "<tr><th>Size<td>large</table>"
    )
    assert texts(one(page)) == [["Item", "2023"], ["Colour", "[text]"], ["Size", "[text]"]]


def test_types_come_from_contents_and_blanks_tell_nothing() -> None:
    """A slot that shows a blank, a mark or a zero has the type of its neighbours."""
    page = (
        "<table><tr><th>Item<th>Count<th>Cost<th>Note<tr><th>a<td>1<td>2.50<td>good"
        "<tr><th>b<td>/<td>0<td><tr><th>c<td>7<td>-<td>bad</table>"
    )
    assert [row[1:] for row in texts(one(page))[1:]] == [["[integer]", "[decimal]", "[text]"]] * 3


def test_a_list_of_records_becomes_one_repeated_row() -> None:
    """A header and rows alike with words among their numbers: one row stands for all."""
    rows = team_rows(("Ayr", 9, "won"), ("Bute", 7, "lost"), ("Coll", 4, "won"))
    lesson = one(LEAGUE.format(rows, 6.7))
    assert (
        '<tr data-key="record" data-repeated><td data-type="integer"></td><td></td>'
        '<td data-type="integer"></td><td></td></tr>'
    ) in lesson.html
    assert len(texts(lesson)) == 3


def test_a_repeated_row_is_read_back() -> None:
    """A template with a repeated row is a valid template."""
    rows = team_rows(("Ayr", 9, "won"), ("Bute", 7, "lost"), ("Coll", 4, "won"))
    lesson = one(LEAGUE.format(rows, 6.7))
    template = parse_template(lesson.html, lesson.toml)
    assert template.n_rows == 3
    assert template.repeated


# --- several examples ---------------------------------------------------------------------------


def test_what_stays_is_a_label_and_what_varies_a_slot() -> None:
    """A form of words only: two examples tell names of fields from what was filled in."""
    form = "<table><tr><td>School<td>{}<td>Kind<td>{}<tr><td>Address<td colspan=3>{}</table>"
    lesson = one(
        form.format("Hill", "day", "1 High St"), form.format("Dale", "boarding", "Quay"), id="s"
    )
    assert texts(lesson) == [
        ["School", "[text]", "Kind", "[text]"],
        ["Address", "[text]"],
    ]
    assert [lesson.layout.draft.keys.values[i] for i in (1, 3, 5)] == ["school", "kind", "address"]


def test_numbers_that_stay_across_a_row_are_labels() -> None:
    """Years of a header without `th` are the same in all examples, and so are labels."""
    page = (
        "<table><tr><td>Item<td>2022<td>2023<tr><td>Coal<td>{}<td>{}<tr><td>Gas<td>{}<td>5</table>"
    )
    lesson = one(page.format(1, 2, 3), page.format(4, 2, 6))
    assert texts(lesson)[0] == ["Item", "2022", "2023"]
    assert texts(lesson)[2] == ["Gas", "[integer]", "[integer]"]


def test_records_around_a_marked_row_are_two_groups() -> None:
    """A sum between two lists, marked as a label, parts them; each list is repeated by itself."""
    pages = []
    for fees, rents in ((4, 5), (6, 3)):
        rows = [
            "".join(
                f"<tr><td>{kind} {fees * n + n} of {['oaks', 'elms', 'firs'][n % 3]}<td>{n * 7}"
                for n in range(1, count + 1)
            )
            for kind, count in (("Sale", fees), ("Care", rents))
        ]
        pages.append(
            f"<table id=wood><tr><th>Entry<th>Amount{rows[0]}<tr><th>Income in all<td>{fees * 9}"
            f"{rows[1]}<tr><th>Expenses in all<td>{rents * 9}</table>"
        )
    examples = [e for n, page in enumerate(pages) for e in html_examples(page, f"{n}.html")]
    lesson = learn_templates(examples, id="wood")[0][0]
    assert lesson.layout.draft.repeated == {1, 3}
    template = parse_template(lesson.html, lesson.toml)
    assert [(group.first, group.stop) for group in template.repeated] == [(1, 2), (3, 4)]


def test_rows_of_some_examples_are_optional_and_spans_stretch_over_them() -> None:
    """A row that one example lacks is optional; the label beside it spans the rows of all."""
    head, tail = "<table><tr><th rowspan={}>Fish", "<tr><th>Pike<td>3<tr><th colspan=2>All<td>6"
    full = f"{head.format(3)}<th>Cod<td>1<tr><th>Eel<td>2{tail}</table>"
    short = f"{head.format(2)}<th>Cod<td>4{tail}</table>"
    for pages in ((full, short), (short, full)):
        cells = one(*pages).layout.draft.cells
        assert cells[0] == DraftCell(0, 0, 3, 1, True, "Fish", "integer")
        optional = [cell.row for cell in cells if cell.optional]
        assert optional == [1, 1]
    template = parse_template(one(full, short).html)
    assert [cell.row for cell in template.cells if cell.optional] == [1, 1]


def test_another_label_at_the_same_place_is_an_alias() -> None:
    """Two examples call one row differently: one label with an alternative."""
    page = "<table><tr><th>Item<th>n<tr><th>Cod<td>1<tr><th>{}<td>2<tr><th>All<td>3</table>"
    lesson = one(page.format("Eel"), page.format("Eels"), page.format("Eel"), id="fish")
    assert tomllib.loads(lesson.toml)["aliases"] == {"Eel": ["Eels"]}
    template = parse_template(lesson.html, lesson.toml)
    assert next(c.forms for c in template.cells if c.text == "Eel") == ("eel", "eels")


def test_records_are_found_by_what_does_not_recur() -> None:
    """Examples with other names, in other numbers: records; the row that recurs is none of them."""
    first = LEAGUE.format(team_rows(("Ayr", 9, "x"), ("Bute", 7, "y")), 8)
    second = LEAGUE.format(team_rows(("Coll", 1, "y"), ("Ayr", 5, "x"), ("Eigg", 3, "x")), 3)
    draft = one(first, second, id="league").layout.draft
    assert draft.repeated == {1}
    assert [c.text for c in draft.cells if c.label] == ["Pos.", "Team", "Points", "Form", "Mean"]


def test_tables_are_told_apart_by_id_caption_and_labels() -> None:
    """Tables of one page with the same labels are examples of one layout, others are not."""
    other = "<table><tr><th>Ship<th>Tons<tr><th>Arn<td>5</table>"
    lessons = learned(STAFF.format(1, 2, 3, 4) + other + STAFF.format(5, 6, 7, 8), other)
    assert [(s.id, len(s.layout.examples)) for s in lessons] == [("staff-2023", 2), ("0", 2)]


def test_contradicting_ids_are_refused() -> None:
    """Two different tables with one id: which ones, and what to do."""
    other = '<table id="Staff 2023"><tr><th>Ship<th>Tons<tr><th>Arn<td>5</table>'
    with pytest.raises(UsageError, match=r"1\.html: table 1: has the id 'Staff 2023' of 0\.html"):
        learned(STAFF.format(1, 2, 3, 4), other)
    with pytest.raises(UsageError, match="give examples of one layout"):
        learned(STAFF.format(1, 2, 3, 4), other.replace(' id="Staff 2023"', ""), id="x")


# --- rules --------------------------------------------------------------------------------------

SUMS = """<table><tr><th>Kind<th>North<th>South<th>Both
<tr><th>Cod<td>{0}<td>{1}<td>{2}<tr><th>Eel<td>{3}<td>{4}<td>{5}
<tr><th>Pike<td>{6}<td>{7}<td>{8}<tr><th>All<td>{9}<td>{10}<td>{11}</table>"""
CATCH = [(31, 17, 48, 5, 23, 28, 64, 0, 64, 100, 40, 140),
         (12, 90, 102, 71, 6, 77, 9, 33, 42, 92, 129, 221)]  # fmt: skip


def test_sums_that_hold_are_proposed_for_all_rows_and_columns() -> None:
    """Row sums and column sums of two examples become two rules with `*` and their support."""
    lesson = one(*(SUMS.format(*numbers) for numbers in CATCH))
    assert rules(lesson) == [
        (["*.north", "*.south"], ["*.both"]),
        (["cod.*", "eel.*", "pike.*"], ["all.*"]),
    ]
    assert "# holds in 2 of 2 examples, 2 of them not all zeros" in lesson.toml
    template = parse_template(lesson.html, lesson.toml)
    assert len(template.instances) == 4 + 3


def test_sums_over_zeros_and_small_chances_are_not_proposed() -> None:
    """Zeros obey every sum, and one sum of small numbers is a coincidence: no rule."""
    assert rules(one(SUMS.format(*[0] * 12))) == []
    assert rules(one(SUMS.format(1, 1, 2, 0, 0, 0, 1, 0, 4, 3, 2, 0))) == []


def test_a_total_of_totals_is_found() -> None:
    """Where groups have totals, the total of these is a rule of its own."""
    rows = {"a": 31, "b": 58, "ab": 89, "c": 47, "d": 112, "cd": 159, "all": 248}
    page = "<table><tr><th>x<th>n<th>m<th>o<th>p" + "".join(
        f"<tr><th>{name}<td>{n}<td>{3 * n}<td>{5 * n}<td>{7 * n}" for name, n in rows.items()
    )
    assert rules(one(page + "</table>")) == [
        (["a.*", "b.*"], ["ab.*"]), (["c.*", "d.*"], ["cd.*"]), (["ab.*", "cd.*"], ["all.*"])
    ]  # fmt: skip


def test_a_line_that_fails_costs_the_others_nothing() -> None:
    """Of few lines one breaks the sum, by a slip or because it has none: not the others."""
    page = "<table><tr><th>Kind<th>North<th>South<th>Both" + "".join(
        f"<tr><th>row {'abcdefgh'[n]}<td>{11 * n + 3}<td>{7 * n + 50}<td>{18 * n + 53 + (n == 5)}"
        for n in range(8)
    )
    assert rules(one(page + "</table>")) == [
        ([f"row_{row}.north", f"row_{row}.south"], [f"row_{row}.both"]) for row in "abcdegh"
    ]


def test_a_slip_of_the_source_is_told() -> None:
    """A rule that one of many sums breaks is proposed, and says where it fails."""
    names = [f"row {chr(97 + n)}" for n in range(24)]
    page = "<table><tr><th>Kind<th>North<th>South<th>Both" + "".join(
        f"<tr><th>{name}<td>{11 * n + 3}<td>{7 * n + 50}<td>{18 * n + 53 + (n == 5)}"
        for n, name in enumerate(names)
    )
    lesson = one(page + "</table>")
    assert rules(lesson) == [(["*.north", "*.south"], ["*.both"])]
    assert "but not in row_f of example 1" in lesson.toml


# --- hostile and odd input ----------------------------------------------------------------------


def test_overlaps_and_holes_are_mended_and_told() -> None:
    """Cells that overlap are cut, missing ones are blank slots; the TOML says where."""
    page = "<table><tr><th>a<th rowspan=2>b<tr><th colspan=2>c<tr><td>1<tr><td>2<td>3</table>"
    lesson = one(page)
    assert "row 2, column 1: overlaps a cell; cut to 1" in lesson.toml
    assert "row 3: no cell in column 2 to 2; taken as blank" in lesson.toml
    assert parse_template(lesson.html, lesson.toml).n_cols == 2


def test_a_rowspan_ends_with_its_row_group() -> None:
    """`rowspan=0` and a rowspan too long reach to the end of the row group, as in browsers."""
    page = (
        "<table><tbody><tr><th rowspan=0>a<td>1<tr><td>2</tbody>"
        "<tbody><tr><th rowspan=9>b<td>3</tbody></table>"
    )
    cells = one(page).layout.draft.cells
    assert [(c.row, c.rowspan) for c in cells if c.label] == [(0, 2), (2, 1)]


def test_texts_can_not_break_out_of_the_files() -> None:
    """Markup, quotes, backslashes and control characters of labels are text in both files."""
    label = "&lt;/th&gt;&lt;script&gt;&quot;\\ ]] \x01 x"
    page = f"<table id='../a\"b'><caption>{label}</caption><tr><th>{{}}<th>n<td>{{}}</table>"
    lesson = one(page.format(label, 1), page.format(label + "y", 5), page.format(label, 3))
    template = parse_template(lesson.html, lesson.toml)
    assert template.id == "a-b"
    assert template.title == template.cells[0].text == '</th><script>"\\ ]] x'
    assert tomllib.loads(lesson.toml)["aliases"] == {template.title: [template.title + "y"]}


def test_ten_thousand_cells_take_seconds() -> None:
    """Twice the cells take about twice the time: far from quadratic."""

    def seconds(n_rows: int) -> float:
        rows = "".join(
            f"<tr><th>row {r}" + "".join(f"<td>{r * c % 97}" for c in range(9))
            for r in range(n_rows)
        )
        start = time.process_time()
        one(f"<table><tr><th>x{''.join(f'<th>col {c}' for c in range(9))}{rows}</table>")
        return time.process_time() - start

    small, large = (min(seconds(n_rows) for _ in range(2)) for n_rows in (250, 1000))
    assert large < 10 * small


@pytest.mark.parametrize("bad", ["", "../x", "/etc/x", "a b", "x" * 100, ".hidden", "a//b"])
def test_ids_that_could_lead_elsewhere_are_refused(bad: str) -> None:
    """An id given is a file's name below the output folder, or refused."""
    with pytest.raises(UsageError, match="can't be an id"):
        check_id(bad)


CELL = st.tuples(
    st.sampled_from(["td", "td", "th"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(
        ["", "a", "b", "Total", "12", "3.5", "-", "合计", "x:", "&lt;", '"', "%", "🙂"]
    ),
)
TABLE = st.lists(st.lists(CELL, max_size=4), max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(TABLE, min_size=1, max_size=3))
def test_whatever_is_learned_can_be_read(
    tables: list[list[list[tuple[str, int, int, str]]]],
) -> None:
    """Any tables: a refusal with a reason, or texts that say just what was learned."""
    pages = [
        "<table>"
        + "".join(
            "<tr>" + "".join(f"<{t} rowspan={r} colspan={c}>{x}</{t}>" for t, r, c, x in row)
            for row in table
        )
        + "</table>"
        for table in tables
    ]
    try:
        lessons = learned(*pages)
    except UsageError:
        return
    for lesson in lessons:
        readable = lesson.html.replace(" data-repeated", "")  # read by others
        cells = parse_template(readable, lesson.toml).cells
        draft = lesson.layout.draft
        keys = draft.keys.values
        assert [(c.row, c.col, c.rowspan, c.colspan, c.text, c.key) for c in cells] == [
            (c.row, c.col, c.rowspan, c.colspan, c.text, keys.get(i))
            for i, c in enumerate(draft.cells)
        ]
        assert len(set(keys.values())) == len(keys)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_filled_template_gives_itself_back(data: st.DataObject) -> None:
    """Labels and spans of a drawn form come back from one filling, whatever the values."""
    groups = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    n_cols = data.draw(st.integers(1, 4))
    value = st.sampled_from(["", "0", "7", "1,204", "3.5", "-", "none"])
    drawn = [(0, 0, 1, 2, "corner"), *((0, 2 + c, 1, 1, f"col {c}") for c in range(n_cols))]
    rows = ["<th colspan=2>corner</th>" + "".join(f"<th>col {c}</th>" for c in range(n_cols))]
    for g, size in enumerate(groups):
        for k in range(size):
            at = len(rows)
            drawn += [(at, 0, size, 1, f"group {g}")] if k == 0 else []
            drawn.append((at, 1, 1, 1, f"row {g}.{k}"))
            group = f"<th rowspan={size}>group {g}</th>" if k == 0 else ""
            values = "".join(f"<td>{data.draw(value)}</td>" for _ in range(n_cols))
            rows.append(f"{group}<th>row {g}.{k}</th>{values}")
    lesson = one("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    labels = [c for c in lesson.layout.draft.cells if c.label]
    assert [(c.row, c.col, c.rowspan, c.colspan, c.text) for c in labels] == drawn


# --- DOCX and XLSX ------------------------------------------------------------------------------


def test_merged_cells_of_a_worksheet() -> None:
    """A sheet with merged and bold cells gives the spans and labels that it shows."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Department", "Staff", None], [None, "Men", "Women"], ["Sales", 1200, 0.5]):
        sheet.append(row)
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    sheet["C3"].number_format = "0.0%"
    sheet["F9"] = "elsewhere"
    stream = io.BytesIO()
    book.save(stream)
    first, second = office_examples(stream.getvalue(), ".xlsx", "a.xlsx")
    assert [(c.row, c.col, c.rowspan, c.colspan, c.text) for c in first.cells[:2]] == [
        (0, 0, 2, 1, "Department"), (0, 1, 1, 2, "Staff")
    ]  # fmt: skip
    assert [c.text for c in first.cells[-3:]] == ["Sales", "1200", "50.0%"]
    assert [c.text for c in second.cells] == ["elsewhere"]
    assert second.place == "a.xlsx: sheet 'Sheet', row 9"


def test_merged_cells_of_a_document() -> None:
    """A DOCX table with horizontal and vertical merges gives the spans that it shows."""
    docx = pytest.importorskip("docx")
    document = docx.Document()
    table = document.add_table(rows=4, cols=3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "Department"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "Staff"
    for place, text in {(1, 1): "Men", (1, 2): "Women", (2, 0): "Sales", (3, 0): "All"}.items():
        table.cell(*place).text = text
    for row in (2, 3):
        for col in (1, 2):
            table.cell(row, col).text = str(row * col)
    stream = io.BytesIO()
    document.save(stream)
    lesson = learn_templates(office_examples(stream.getvalue(), ".docx", "a.docx"))[0][0]
    assert (lesson.id, texts(lesson)) == (
        "a", texts(one(STAFF.format(2, 4, 3, 6)))
    )  # fmt: skip


@pytest.mark.parametrize("suffix", [".docx", ".xlsx"])
def test_broken_office_files_are_told(suffix: str) -> None:
    """What is no such file, or an archive of something else, is refused with a remedy."""
    import zipfile  # noqa: PLC0415

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x", "y")
    for data in (b"", b"PK\x03\x04 no", stream.getvalue()):
        with pytest.raises(InputError, match="save it anew, or as HTML"):
            office_examples(data, suffix)


@pytest.mark.parametrize(("suffix", "package"), [(".docx", "docx"), (".xlsx", "openpyxl")])
def test_a_missing_package_is_told(
    suffix: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra, the message says what to install."""
    import zipfile  # noqa: PLC0415

    stream = io.BytesIO()
    zipfile.ZipFile(stream, "w").close()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"pip install 'tabrecover\[office\]'"):
        office_examples(stream.getvalue(), suffix)


# --- the command --------------------------------------------------------------------------------


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tabrecover", "templates", *map(str, arguments)],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_learn_writes_templates_that_check_accepts_and_preview_shows(tmp_path: Path) -> None:
    """`learn` writes both files, `check` finds them right, `preview` shows keys and types."""
    page = tmp_path / "form.html"
    page.write_text(STAFF.format(1, 2, 3, 4).replace("Sales", "Sales &lt;i&gt;"), encoding="utf-8")
    out = tmp_path / "forms"
    code, told, _ = run("learn", page, "--out", out, "--id", "acme/staff")
    assert (code, sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*"))) == (
        0, ["acme/staff.html", "acme/staff.toml"]
    )  # fmt: skip
    assert "4 x 3, 6 labels, 4 value slots, 0 proposed rules, from 1 example" in told
    assert run("check", out)[0] == 0
    for call in ((out,), ("acme/staff", "-t", out)):
        code, shown, _ = run("preview", *call)
        assert code == 0
        assert "Sales &lt;i&gt;" in shown
        assert "sales_i.men <small>integer</small>" in shown


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """Files that are there stay, and ids of other files are refused; `--force` replaces."""
    page = tmp_path / "form.html"
    page.write_text(STAFF.format(1, 2, 3, 4), encoding="utf-8")
    out = tmp_path / "forms"
    assert run("learn", page, "--out", out)[0] == 0
    (out / "staff-2023.toml").write_text('id = "mine"', encoding="utf-8")
    code, _, told = run("learn", page, "--out", out)
    assert (code, (out / "staff-2023.toml").read_text(encoding="utf-8")) == (2, 'id = "mine"')
    assert "--force" in told
    assert run("learn", page, "--out", out, "--force")[0] == 0
    (out / "staff-2023.html").rename(out / "other.html")
    (out / "staff-2023.toml").rename(out / "other.toml")
    code, _, told = run("learn", page, "--out", out)
    assert code == 2
    assert "other.html: has the id of a learned template" in told


def test_inputs_without_tables_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    """A file that is missing or holds no table is named, with the remedy."""
    page, empty = tmp_path / "form.html", tmp_path / "empty.html"
    page.write_text(STAFF.format(1, 2, 3, 4), encoding="utf-8")
    empty.write_text("<p>nothing", encoding="utf-8")
    code, _, told = run("learn", page, empty, tmp_path / "missing.html", "--out", tmp_path / "o")
    assert (code, (tmp_path / "o").exists()) == (1, False)
    assert "empty.html: no table in it; give a page with an intact HTML table" in told
    assert "missing.html: No such file" in told


def test_a_table_without_values_is_told(tmp_path: Path) -> None:
    """A table that can't be a template is named; it ends the run only if there is no other."""
    page = tmp_path / "form.html"
    page.write_text("<table><tr><td>Menu</table>", encoding="utf-8")
    code, _, told = run("learn", page, "--out", tmp_path / "o")
    assert (code, (tmp_path / "o").exists()) == (2, False)
    assert "form.html: table 1: no labels; mark them as <th>, or give a second example" in told


def test_every_refusal_is_an_error_of_this_package() -> None:
    """Too many positions are refused before they are laid out."""
    with pytest.raises(RecoveryError, match="cut the example down"):
        html_examples("<table>" + "<tr><td colspan=1000>x" * 300 + "</table>")
