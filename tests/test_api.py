"""The library call: what it takes, what it returns, the record."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import tabrecover
from tabrecover import Recovery
from tests.cases import CASES, CORPUS

CHANGTU = next(case for case in CASES if case.name == "changtu-2022")
MACHENG = next(case for case in CASES if case.name == "macheng-2019")
TINY = """<table data-type=integer>
<tr><th data-key=a>alpha<th data-key=b>beta
<tr data-key=v><td><td>
<tr><th colspan=2>gamma
<tr data-key=w><td data-key=w.a><td data-key=w.b></table>"""
TINY_DUMP = "alpha | beta\n1 | 2\ngamma\n3 | 4\n"


@pytest.fixture(scope="module")
def changtu() -> Recovery:
    return tabrecover.recover(CHANGTU.dump)


def test_record_has_exactly_the_agreed_fields(changtu: Recovery) -> None:
    """The record's keys, at every level, are those of the published format, and it is JSON."""
    record = changtu.to_dict()
    assert set(record) == {"source", "dialect", "tables"}
    assert set(record["dialect"]) == {"name", "confidence"}
    for table in record["tables"]:
        assert set(table) == {
            "template", "span", "shape", "confidence", "status", "cells", "checks", "unplaced",
        }  # fmt: skip
        for cell in table["cells"]:
            assert set(cell) == {
                "row", "col", "rowspan", "colspan", "role", "text", "observed", "key",
                "confidence", "spans", "alternatives", "suggestion",
            }  # fmt: skip
            assert 0 <= cell["confidence"] <= 1
        for check in table["checks"]:
            assert set(check) == {"rule", "holds", "left", "right", "verdict"}
            assert check["verdict"] in {"source", "recovery", "no evidence"}
    assert json.loads(changtu.to_json()) == record


def test_every_position_is_covered_once(changtu: Recovery) -> None:
    """`grid` has a cell at every position, and each cell covers exactly its area."""
    for table in changtu.tables:
        area = sum(cell.rowspan * cell.colspan for cell in table.cells)
        assert area == table.shape[0] * table.shape[1]
        assert [len(row) for row in table.grid] == [table.shape[1]] * table.shape[0]


def test_tidy_binds_values_to_their_labels() -> None:
    """A tidy row names key, label paths, text, number, and where it stands in the input."""
    table = tabrecover.recover(MACHENG.dump).tables[1]
    row = next(r for r in table.tidy() if r["key"] == "refused.public_safety.natural_person")
    assert row["text"] == "35"
    assert row["number"] == 35
    assert row["row_path"] == "三、本年度办理结果 > (三)不予公开 > 3.危及“三安全一稳定”"
    assert row["column_path"] == "申请人情况 > 自然人"
    assert MACHENG.dump[int(row["start"] or 0) : int(row["end"] or 0)] == "35"


def test_to_pandas_gives_the_tidy_rows(changtu: Recovery) -> None:
    """The data frame has one row a value and the tidy columns."""
    frame = changtu.tables[1].to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 25 * 7
    assert frame.set_index("key").loc["new_requests.total", "number"] == 5


def test_csv_and_markdown_mark_doubt(changtu: Recovery) -> None:
    """A doubtful value carries a question mark in CSV and Markdown unless that is asked off."""
    table = changtu.tables[1]
    line = next(x for x in table.to_csv().splitlines() if "3.补正后" in x)
    assert line.count("?") == 7
    assert "?" not in table.to_csv(least=0)
    assert "0 ?" in table.to_markdown()


def test_sources_may_be_text_bytes_or_path() -> None:
    """The same document as text, as bytes in two encodings and as a path gives the same tables."""
    text = MACHENG.dump
    path = CORPUS / "in_the_wild" / "macheng-2019" / "dump.txt"
    found = [
        tabrecover.recover(source).tables
        for source in (text, text.encode("utf-16"), text.encode("gb18030"), path)
    ]
    assert found[0]
    assert all(tables == found[0] for tables in found)


def test_own_templates(tmp_path: Path) -> None:
    """Templates may be a template, a folder, or a mix with the built-in ones."""
    (tmp_path / "tiny.html").write_text(TINY, encoding="utf-8")
    template = tabrecover.parse_template(TINY, 'id = "tiny"')
    for templates in (template, [template], tmp_path, [str(tmp_path), "builtin"]):
        (table,) = tabrecover.recover(TINY_DUMP, templates=templates).tables
        assert (table.template, table.shape) == ("tiny", (4, 2))
        assert [c.text for c in table.cells if c.key == "w.b"] == ["4"]
    free = tabrecover.recover(MACHENG.dump, templates="none").tables
    assert all(table.template is None and table.status == "review" for table in free)


def test_arguments_that_make_no_sense_are_refused() -> None:
    """Wrong kinds of source, kind or templates raise UsageError or TemplateError, with a remedy."""
    with pytest.raises(tabrecover.UsageError, match="text, bytes or a path"):
        tabrecover.recover(42)  # type: ignore[arg-type]
    with pytest.raises(tabrecover.UsageError, match="kind must be"):
        tabrecover.recover("x", kind="pdf")  # type: ignore[arg-type]
    with pytest.raises(tabrecover.TemplateError, match="no such folder"):
        tabrecover.recover("x", templates="/nowhere/at/all")
