"""The six templates as drawn in the official forms, and how a drawing is compiled."""

from __future__ import annotations

import io
from importlib import resources

import networkx as nx
import pandas as pd
import pytest

from tabrecover.errors import TemplateError
from tabrecover.model import covering
from tabrecover.storage import builtin_library, parse_template
from tabrecover.template import SlotKind, Template, TemplateCell, template_graph

BUILTIN = {template.id: template for template in builtin_library().templates}
# Counted by hand on the forms: rows, columns, value slots, rule instances.
FORMS = {
    "cn-disclosure-2019/proactive": (18, 4, 6 + 6 + 6 + 2 + 2, 0),
    "cn-disclosure-2019/requests": (26, 10, 23 * 7, 23 + 7 + 7),
    "cn-disclosure-2019/review": (4, 15, 15, 3),
    "cn-disclosure-2021/proactive": (14, 4, 6 + 1 + 2 + 1, 0),
    "cn-disclosure-2021/requests": (28, 10, 25 * 7, 25 + 7 + 7),
    "cn-disclosure-2021/review": (4, 15, 15, 3),
}
# (template, label, row, column, rowspan, colspan), by hand.
SPANNING = [
    ("2019/proactive", "第二十条第(一)项", 0, 0, 1, 4),
    ("2019/proactive", "政府集中采购", 17, 0, 1, 1),
    ("2019/proactive", "采购总金额", 16, 2, 1, 2),
    ("2019/requests", "三、本年度办理结果", 5, 0, 20, 1),
    ("2019/requests", "(六)其他处理", 23, 1, 1, 2),
    ("2019/requests", "四、结转下年度继续办理", 25, 0, 1, 3),
    ("2021/proactive", "本年收费金额(单位:万元)", 12, 1, 1, 3),
    ("2021/proactive", "行政事业性收费", 13, 0, 1, 1),
    ("2021/requests", "申请人情况", 0, 3, 1, 7),
    ("2021/requests", "自然人", 1, 3, 2, 1),
    ("2021/requests", "法人或其他组织", 1, 4, 1, 5),
    ("2021/requests", "总计", 1, 9, 2, 1),
    ("2021/requests", "一、本年新收政府信息公开申请数量", 3, 0, 1, 3),
    ("2021/requests", "三、本年度办理结果", 5, 0, 22, 1),
    ("2021/requests", "(三)不予公开", 7, 1, 8, 1),
    ("2021/requests", "(四)无法提供", 15, 1, 3, 1),
    ("2021/requests", "(五)不予处理", 18, 1, 5, 1),
    ("2021/requests", "(六)其他处理", 23, 1, 3, 1),
    ("2021/requests", "(七)总计", 26, 1, 1, 2),
    ("2021/requests", "四、结转下年度继续办理", 27, 0, 1, 3),
    ("2019/review", "行政诉讼", 0, 5, 1, 10),
    ("2021/review", "行政复议", 0, 0, 1, 5),
    ("2021/review", "未经复议直接起诉", 1, 5, 1, 5),
    ("2021/review", "复议后起诉", 1, 10, 1, 5),
]


def named(template: Template, text: str) -> TemplateCell:
    (cell,) = [cell for cell in template.cells if cell.text == text]
    return cell


def test_there_are_six_templates() -> None:
    """The library holds the six forms under their fixed names."""
    assert sorted(BUILTIN) == sorted(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_counts_are_those_of_the_form(name: str) -> None:
    """Shape, value slots and rule instances are as counted by hand; keys are unique."""
    template = BUILTIN[name]
    keys = [cell.key for cell in template.cells if cell.role == "value"]
    assert len(keys) == len(set(keys))
    assert None not in keys
    assert FORMS[name] == (
        template.n_rows, template.n_cols, len(keys), len(template.instances)
    )  # fmt: skip


@pytest.mark.parametrize(("name", "label", "row", "col", "rowspan", "colspan"), SPANNING)
def test_labels_stand_where_the_form_has_them(
    name: str, label: str, row: int, col: int, rowspan: int, colspan: int
) -> None:
    """Named labels have the position and spans that the design gives."""
    cell = named(BUILTIN[f"cn-disclosure-{name}"], label)
    assert (cell.row, cell.col, cell.rowspan, cell.colspan) == (row, col, rowspan, colspan)


@pytest.mark.parametrize("name", FORMS)
def test_geometry_is_what_pandas_reads(name: str) -> None:
    """Another implementation of the HTML table model puts the same label on each position."""
    html = (resources.files("tabrecover") / "templates" / f"{name}.html").read_text("utf-8")
    without_header = html.replace("<th", "<td").replace("</th", "</td")
    (frame,) = pd.read_html(io.StringIO(without_header))
    theirs = frame.astype(object).where(frame.notna(), "").to_numpy().tolist()
    template = BUILTIN[name]
    ours = [[""] * template.n_cols for _ in range(template.n_rows)]
    for cell in template.cells:
        for r in range(cell.row, cell.row + cell.rowspan):
            ours[r][cell.col : cell.col + cell.colspan] = [cell.text] * cell.colspan
    assert ours == theirs


@pytest.mark.parametrize("name", FORMS)
def test_slots_are_all_positions_and_a_row_end_each(name: str) -> None:
    """One slot a grid position, one row end a row; origins are as many as cells."""
    template = BUILTIN[name]
    kinds = [slot.kind for slot in template.slots]
    assert len(kinds) == template.n_rows * (template.n_cols + 1)
    assert kinds[template.n_cols :: template.n_cols + 1] == [SlotKind.ROW_END] * template.n_rows
    assert sum(kind <= SlotKind.LABEL for kind in kinds) == len(template.cells)


@pytest.mark.parametrize("name", FORMS)
def test_the_graph_is_acyclic_and_passes_required_slots(name: str) -> None:
    """Every path from the first slot to the last visits each slot that isn't optional."""
    graph = template_graph(BUILTIN[name])
    assert nx.is_directed_acyclic_graph(graph)
    required = [i for i, slot in enumerate(BUILTIN[name].slots) if not slot.optional]
    last = max(required)
    for i in required[:-1:7]:  # every seventh will do: removal must cut the way
        if i not in (0, last):
            cut = graph.copy()
            cut.remove_node(i)
            assert not nx.has_path(cut, 0, last)


def test_rules_bind_the_keys_of_their_row_or_column() -> None:
    """The balance of one column is 一 + 二 = (七) + 四, cell by cell."""
    template = BUILTIN["cn-disclosure-2021/requests"]
    balance = {i.name: i for i in template.instances}["balance: research"]
    rows = [[template.cells[i].row for i in side] for side in (balance.left, balance.right)]
    cols = {template.cells[i].col for i in (*balance.left, *balance.right)}
    assert (rows, cols) == ([[3, 4], [26, 27]], {5})


@pytest.mark.parametrize("name", FORMS)
def test_a_row_more_is_drawn_as_the_row_above(name: str) -> None:
    """Under every row of values: a whole grid again, all keys in order and beside their labels."""
    template = BUILTIN[name]
    for row in sorted(template.rows_of_values):
        grown = template.with_row(row)
        assert (grown.n_rows, grown.added) == (template.n_rows + 1, (row + 1,))
        area = sum(cell.rowspan * cell.colspan for cell in grown.cells)
        assert area == grown.n_rows * grown.n_cols == len(covering(grown.cells))
        new = [cell for cell in grown.cells if cell.row == row + 1]
        assert new
        assert all(cell.is_open if cell.role == "label" else cell.key is None for cell in new)
        assert [cell.key for cell in grown.cells if cell.key] == [
            cell.key for cell in template.cells if cell.key
        ]
        for index, label in template.row_labels.items():
            assert grown.cells[grown.row_labels[index]].text == template.cells[label].text


def test_keys_come_from_row_and_column_or_position() -> None:
    """A value's key is its own, or its row's and column's joined, or its position."""
    table = parse_template(
        "<table><tr><th>a<th data-key=x>b<th>c<tr data-key=r><th>d<td><td><tr><th>e"
        "<td data-key=own><td></table>"
    )
    assert [c.key for c in table.cells if c.role == "value"] == ["r.x", "r", "own", "r3c3"]


@pytest.mark.parametrize(
    ("rows", "place", "message"),
    [
        ("<tr><th>a<th rowspan=2>b<tr><td colspan=2>", "row 2, column 1", "overlaps .*'b'"),
        ("<tr><th>a<th>b<tr><td>", "row 2, column 2", "no cell covers"),
        ("<tr><th rowspan=2>a<td>", "row 1, column 1 'a'", "below the last row"),
        ("<tr><th>a<td data-key=k><td data-key=k>", "row 1, column 3", "'k' is taken"),
        ("<tr><td colspan=0>", "row 1, cell 1", "whole number"),
        ("<tr><td rowspan=x>", "row 1, cell 1", "whole number"),
        ("<tr><td data-type=money>", "row 1, cell 1", "'money' is unknown"),
        ("<tr>", "", "no cells"),
    ],
)  # fmt: skip
def test_a_bad_drawing_is_refused_with_file_and_cell(rows: str, place: str, message: str) -> None:
    """An error names the file and the cell, and says what is wrong with it."""
    with pytest.raises(TemplateError, match=message) as caught:
        parse_template(f"<table>{rows}</table>", file="forms/a.html")
    assert caught.value.file == "forms/a.html"
    assert caught.value.node == place
    assert str(caught.value).startswith("forms/a.html: ")
