"""Templates from disk and files to disk: what is wrong is said, what stood there is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrecover.errors import TemplateError
from tabrecover.storage import check_folder, load_templates, parse_template, write_atomically
from tabrecover.template import Template

TABLE = "<table><tr><th>a<th data-key=x>b<th data-key=y>c<tr data-key=r><th>d<td><td></table>"
RULE = '[[rules]]\nid = "sum"\nleft = ["*.x"]\nright = ["*.y"]\n'


def test_reads_drawing_and_settings() -> None:
    """Texts, types, aliases and rules of both files end up in the template."""
    drawing = (
        "<table data-type=integer><tr><th>Ａ　项\n目<td><td data-type=decimal><td data-optional>"
    )
    settings = 'id = "t"\ntitle = "T"\ncontext = ["c"]\n[aliases]\n"Ａ 项 目" = ["乙", "a项目"]\n'
    template = parse_template(drawing, settings)
    assert (template.id, template.title, template.edition) == ("t", "T", "t")
    assert template.context == ("t", "c")
    label, *values = template.cells
    assert (label.text, label.forms) == ("Ａ 项 目", ("a项目", "乙"))
    assert [(v.type, v.optional) for v in values] == [
        ("integer", False), ("decimal", False), ("integer", True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("id = ", "not valid TOML"),
        ('titel = "x"', "unknown setting 'titel'"),
        ("id = 3", "id must be a text"),
        ('context = "c"', "context must be a list"),
        ('[aliases]\na = "b"', "aliases must map"),
        ('[aliases]\n"z" = ["b"]', "aliases for 'z', which is no label"),
        ("rules = [1]", "rules must be tables"),
        (RULE.replace("left", "lft"), "a rule has exactly"),
        (RULE.replace("*.x", "*.nowhere"), "matches no cells"),
        (RULE.replace("*.x", "*.*"), "one '\\*' at most"),
        (RULE.replace('"*.x"', ""), "keys on both sides"),
    ],
)
def test_bad_settings_are_refused(settings: str, message: str) -> None:
    """An error in the TOML is told with the file that holds it, or the drawing's."""
    with pytest.raises(TemplateError, match=message) as caught:
        parse_template(TABLE, settings, file="forms/a.html")
    assert caught.value.file in ("forms/a.toml", "forms/a.html")


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        ("", "no HTML table"),
        ("<p>text</p>", "0 tables"),
        (TABLE + TABLE, "2 tables"),
        ("<table><tr><td>" + TABLE + "</table>", "table inside"),
    ],
)
def test_a_file_draws_exactly_one_flat_table(drawing: str, message: str) -> None:
    """No table, two tables and nested tables are refused."""
    with pytest.raises(TemplateError, match=message):
        parse_template(drawing)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["<table>", "</table>", "<tr>", "<td>", "<th colspan=2>", "<td rowspan=2>", "<!--"]
            ),
            st.text(max_size=4),
        )
    ).map("".join)
)
def test_any_drawing_compiles_or_is_refused(drawing: str) -> None:
    """Whatever the file holds, the only error is a `TemplateError`."""
    try:
        template = parse_template(drawing)
    except TemplateError:
        return
    assert sum(c.rowspan * c.colspan for c in template.cells) == template.n_rows * template.n_cols


def write(folder: Path, name: str, drawing: str = TABLE, settings: str = "") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".html").write_text(drawing, encoding="utf-8")
    if settings:
        path.with_suffix(".toml").write_text(settings, encoding="utf-8")


def test_a_folder_is_read_at_every_depth_in_order(tmp_path: Path) -> None:
    """Templates come in the order of their paths, named by them unless the TOML says."""
    write(tmp_path, "b")
    write(tmp_path, "a/c", settings='\ufeffid = "named"\n' + RULE)
    assert [template.id for template in load_templates(tmp_path)] == ["named", "b"]
    assert [template.id for template in load_templates(tmp_path / "b.html")] == ["b"]


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    """The second file of a shared id is in error; the message names the first."""
    write(tmp_path, "a", settings='id = "same"')
    write(tmp_path, "b", settings='id = "same"')
    with pytest.raises(TemplateError, match=r"'same' is taken by .*a\.html") as caught:
        load_templates(tmp_path)
    assert caught.value.file.endswith("b.html")


def test_checking_goes_on_after_an_error(tmp_path: Path) -> None:
    """`check_folder` reports bad files and still loads good ones."""
    write(tmp_path, "a", drawing="<p>")
    (tmp_path / "b.html").write_bytes(b"<table>\xff")
    write(tmp_path, "c")
    results = dict(check_folder(tmp_path))
    errors = {Path(f).name: str(r) for f, r in results.items() if isinstance(r, TemplateError)}
    assert [type(result) for result in results.values()] == [TemplateError, TemplateError, Template]
    assert "not UTF-8 (byte 7)" in errors["b.html"]


@pytest.mark.parametrize("name", ["", "missing"])
def test_a_folder_without_templates_is_an_error(tmp_path: Path, name: str) -> None:
    """An empty or missing folder is told, not passed over."""
    with pytest.raises(TemplateError, match="no "):
        load_templates(tmp_path / name)


def fail_halfway(path: Path) -> None:
    with write_atomically(path) as stream:
        stream.write("second")
        raise RuntimeError("halfway")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """After a failure the old file stands and nothing else is left behind."""
    path = tmp_path / "out.json"
    with write_atomically(path) as stream:
        stream.write("first\r\n中")
    assert path.read_bytes() == "first\r\n中".encode()
    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway(path)
    assert path.read_bytes() == "first\r\n中".encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("opening", "message"),
    [
        ("<table data-tpye=integer>", "unknown attribute 'data-tpye'"),
        ("<table><colgroup><col data-type=integer></colgroup>", "not on <col>"),
        ("<table><tbody data-type=integer>", "not on <tbody>"),
    ],
)
def test_attributes_where_nothing_reads_them_are_told(opening: str, message: str) -> None:
    """A type on a column or a part of the table would be passed over, and so would a slip."""
    with pytest.raises(TemplateError, match=message):
        parse_template(f"{opening}<tr><th>Depot<td></table>", 'id = "depot"')
