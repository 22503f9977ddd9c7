"""Runs of the benchmark: mutated recoveries show in their figure, runs go on, pages are safe."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.dumps import Dump, Truth
from benchmarks.metrics import TOLD
from benchmarks.report import MARKS, markdown_table, renew_table, write_page
from benchmarks.results import Figures, Row, figures, line_of, read_results
from benchmarks.run import Plan, judge_tool, run
from benchmarks.sets import own_set
from benchmarks.tables import Cell, Table, tables_of_page
from benchmarks.tools import Layouts, Tool, layouts_of_set, tool_named

PAGE = """<html data-style="plain bare th empty"><body><p>Staff of the year.</p>
<table data-template="acme/staff">
<tr><th rowspan="2">Branch</th><th colspan="3">Staff</th></tr>
<tr><th>Men</th><th>Women</th><th>All</th></tr>
<tr><th>North</th><td>12</td><td>0</td><td>12</td></tr>
<tr><th>South</th><td></td><td>31</td><td>31</td></tr>
<tr><th>West</th><td>4</td><td></td><td>4</td></tr>
<tr><th>All</th><td>16</td><td>31</td><td>47</td></tr>
</table></body></html>"""
NO_LAYOUTS = Layouts(())


def record_of(table: Table, confidence: float = 0.99) -> dict[str, Any]:
    """The table as a tool would give it, every value with one confidence."""
    cells = [
        {
            "row": c.row, "col": c.col, "rowspan": c.rowspan, "colspan": c.colspan,
            "role": c.role, "text": c.text, "confidence": confidence,
        }
        for c in table.cells
    ]  # fmt: skip
    return {"template": table.template, "shape": list(table.shape), "cells": cells}


def constant_tool(name: str, record: dict[str, Any]) -> Tool:
    """A tool that gives this table for every dump."""

    def recover(dump: str, layouts: Layouts) -> list[dict[str, Any]]:
        del dump, layouts
        return [record]

    return Tool(name, "1", recover)


def figures_after(
    mutate: Callable[[Table], Table], confidence: float = 0.99, unsure: frozenset[int] = frozenset()
) -> Figures:
    """Figures of a tool that is right but for one mutation."""
    truth = tables_of_page(PAGE)[0]
    tool = constant_tool("mutant", record_of(mutate(truth), confidence))
    dump = Dump("staff", "by hand", "", "none", "", PAGE)
    return figures(judge_tool(tool, dump, [Truth(truth, unsure)], NO_LAYOUTS, "forms"))


def texts_at(table: Table, texts: dict[tuple[int, int], str]) -> Table:
    cells = [replace(cell, text=texts.get((cell.row, cell.col), cell.text)) for cell in table.cells]
    return replace(table, cells=tuple(cells))


def value_texts(table: Table) -> dict[tuple[int, int], str]:
    return {(c.row, c.col): c.text for c in table.cells if c.role == "value"}


def shift_row(table: Table) -> Table:
    """The values of each row under the label of the row before; the last row takes the first's."""
    old = value_texts(table)
    below = {2: 3, 3: 4, 4: 5, 5: 2}
    return texts_at(table, {(row, col): old[below[row], col] for row, col in old})


def swap_columns(table: Table) -> Table:
    old = value_texts(table)
    other = {1: 2, 2: 1, 3: 3}
    return texts_at(table, {(row, col): old[row, other[col]] for row, col in old})


def drop_blank(table: Table) -> Table:
    """The row whose first value is blank, filled by order."""
    return texts_at(table, {(3, 1): "31", (3, 2): "31", (3, 3): ""})


def invent_value(table: Table) -> Table:
    return texts_at(table, {(4, 2): "7"})


def untouched(table: Table) -> Table:
    return table


def test_a_right_recovery_has_the_best_figures() -> None:
    """Twelve values, nine of them with a text other than 0: all right, none silent."""
    found = figures_after(untouched)
    assert {name: share.value for name, share in found.shares.items()} == {
        "exact": 1.0, "filled": 1.0, "zero": 1.0, "blank": 1.0, "perfect": 1.0, "cells": 1.0,
        "silent": 0.0, "told": 1.0, "false": 0.0,
    }  # fmt: skip


def test_a_shifted_row_shows_in_exact_match_and_silent_errors() -> None:
    """By hand: every one of the 12 values is wrong and told.

    North gets South's (blank, 31, 31 for 12, 0, 12), South gets West's (4, blank, 4 for blank, 31,
    31), West gets All's (16, 31, 47 for 4, blank, 4), All gets North's (12, 0, 12 for 16, 31, 47).
    """
    found = figures_after(shift_row)
    assert found.shares["exact"].value == 0
    assert found.shares["silent"].value == 1
    assert found.shares["cells"].value == 1  # geometry and labels are as they were


def test_swapped_columns_show_in_exact_match_and_silent_errors() -> None:
    """By hand: four rows lose two values each, 4 of 12 stay right; all eight are told."""
    found = figures_after(swap_columns)
    assert found.shares["exact"].value == pytest.approx(4 / 12)
    assert found.shares["silent"].value == pytest.approx(8 / 12)


def test_a_dropped_blank_shows_as_values_moved_by_one() -> None:
    """By hand: South becomes 31, 31, blank for blank, 31, 31: two values wrong of twelve."""
    found = figures_after(drop_blank)
    assert found.shares["exact"].value == pytest.approx(10 / 12)
    assert found.shares["blank"].value == pytest.approx(1 / 2)
    assert found.shares["silent"].value == pytest.approx(2 / 12)


def test_an_invented_value_shows_among_blanks_and_silent_errors() -> None:
    """By hand: one of the two blanks is filled; values with a text and zeros stay right."""
    found = figures_after(invent_value)
    assert found.shares["blank"].value == pytest.approx(1 / 2)
    assert found.shares["filled"].value == found.shares["zero"].value == 1
    assert found.shares["silent"].value == pytest.approx(1 / 12)


def test_claimed_confidence_shows_in_silent_errors_and_calibration_only() -> None:
    """The same wrong values doubted and claimed: exact match is equal, honesty is not."""
    doubted, claimed = figures_after(swap_columns, 0.4), figures_after(swap_columns, 1.0)
    assert doubted.shares["exact"] == claimed.shares["exact"]
    assert (doubted.shares["silent"].value, claimed.shares["silent"].value) == (0, 8 / 12)
    assert doubted.confidence.ece == pytest.approx(0.4 - 4 / 12)
    assert claimed.confidence.ece == pytest.approx(1 - 4 / 12)
    assert doubted.confidence.brier < claimed.confidence.brier


def test_an_undecidable_value_told_wrong_is_silent_but_not_inexact() -> None:
    """A cell that the dump doesn't decide leaves exact match, not the count of silent errors."""
    truth = tables_of_page(PAGE)[0]
    index = next(i for i, c in enumerate(truth.cells) if (c.row, c.col) == (4, 2))
    found = figures_after(invent_value, unsure=frozenset([index]))
    assert found.shares["exact"].value == 1
    assert found.shares["silent"].value == pytest.approx(1 / 12)
    assert found.undecidable == pytest.approx(1 / 12)


def test_a_better_table_below_does_not_count() -> None:
    """Of two tables of one layout the first is the answer; the other is a false table."""
    truth = tables_of_page(PAGE)[0]
    records = [record_of(shift_row(truth), 0.8), record_of(truth, 0.8)]
    tool = Tool("hedge", "1", lambda *_: records)
    dump = Dump("staff", "by hand", "", "none", "", PAGE)
    found = figures(judge_tool(tool, dump, [Truth(truth)], NO_LAYOUTS, "forms"))
    assert found.shares["exact"].value == 0
    assert found.false_tables == 1
    assert found.confidence.coverage_1 == 0


# -- runs ------------------------------------------------------------------------------------


LINES = "Staff of the year.\n" + "\n".join(
    cell.text for cell in tables_of_page(PAGE)[0].cells
)  # fmt: skip


def write_documents(folder: Path) -> tuple[Path, Path]:
    """Three dumps, two of them with a truth."""
    dumps, truth = folder / "dumps", folder / "truth"
    for made in (dumps, truth):
        made.mkdir()
    for name in ("a", "b"):
        (dumps / f"{name}.txt").write_text(LINES, encoding="utf-8")
        (truth / f"{name}.html").write_text(PAGE, encoding="utf-8")
    (dumps / "prose.txt").write_text("Nothing but a sentence.\n", encoding="utf-8")
    return dumps, truth


def plan_for(folder: Path, tools: list[str]) -> Plan:
    work = own_set(*write_documents(folder), [])
    out = folder / "results.jsonl"
    return Plan(work.dumps, work.groups, tools, work.layouts, out, work.name, work.digest)


def nothing(done: int, total: int) -> None:
    del done, total


ORACLE = """import sys, json
sys.path.insert(0, {root!r})
from benchmarks.tables import tables_of_page
from tests.test_benchmark_run import PAGE, record_of
dump = sys.stdin.read()
tables = [record_of(t) for t in tables_of_page(PAGE)] if "North" in dump else []
print(json.dumps({{"tables": tables}}))
"""


def oracle(folder: Path) -> str:
    """A third-party tool by its command: it knows the answer."""
    script = folder / "oracle.py"
    root = str(Path(__file__).parent.parent)
    script.write_text(ORACLE.format(root=root), encoding="utf-8")
    return f"oracle={shlex.join([sys.executable, str(script)])}"


def without_times(rows: list[Row]) -> list[Row]:
    return sorted(
        (replace(row, seconds=0.0) for row in rows), key=lambda row: (row.dump, row.table)
    )


def test_a_users_own_documents_and_tool_are_scored(tmp_path: Path) -> None:
    """A program that gives the truth is all right, and finds nothing in the prose."""
    plan = plan_for(tmp_path, [oracle(tmp_path)])
    assert run(plan, 1, nothing) == 3
    header, rows = read_results(plan.out)
    assert list(header.tools) == ["oracle"]
    found = figures(rows)
    assert (found.tables, found.values) == (2, 24)
    assert found.shares["exact"].value == 1
    assert found.false_tables == 0


def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    """Cut anywhere in its file, a run that is started again ends with the same rows."""
    plan = plan_for(tmp_path, [oracle(tmp_path)])
    run(plan, 1, nothing)
    whole = plan.out.read_bytes()
    expected = without_times(read_results(plan.out)[1])
    header_end = whole.index(b"\n") + 1
    for cut in (header_end, header_end + 40, len(whole) // 2, len(whole) - 5):
        plan.out.write_bytes(whole[:cut])
        run(plan, 1, nothing)
        assert without_times(read_results(plan.out)[1]) == expected
    assert run(plan, 1, nothing) == 0


def test_results_of_other_conditions_are_not_mixed(tmp_path: Path) -> None:
    """Another tool or corpus in the same file is refused with a remedy."""
    plan = plan_for(tmp_path, ["order"])
    run(plan, 1, nothing)
    with pytest.raises(ValueError, match="--fresh"):
        run(replace(plan, tools=["regex"]), 1, nothing)
    with pytest.raises(ValueError, match="other conditions"):
        run(replace(plan, corpus="another"), 1, nothing)


def test_a_program_can_read_the_layouts(tmp_path: Path) -> None:
    """`{layouts}` is a folder that holds every layout as a template."""
    script = tmp_path / "list.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "names = sorted(path.name for path in pathlib.Path(sys.argv[1]).iterdir())\n"
        "cells = [{'row': n, 'col': 0, 'text': name} for n, name in enumerate(names)]\n"
        "print(json.dumps({'tables': [{'cells': cells}]}))\n",
        encoding="utf-8",
    )
    tool = tool_named(f"list={shlex.join([sys.executable, str(script)])} {{layouts}}")
    layouts = layouts_of_set(())
    (table,) = tool.recover("", layouts)
    expected = {layout.id.replace("/", "-") for layout in layouts.all}
    assert {str(cell["text"]).partition(".")[0] for cell in table["cells"]} == expected


def test_runs_over_other_corpora_are_not_compared(tmp_path: Path) -> None:
    """A difference of the corpus is no difference of the tools."""
    plan = plan_for(tmp_path, ["order"])
    run(plan, 1, nothing)
    other = tmp_path / "other.jsonl"
    text = plan.out.read_text(encoding="utf-8")
    other.write_text(text.replace(plan.corpus, "0" * 16, 1), encoding="utf-8")
    result = CliRunner().invoke(app, ["compare", str(plan.out), str(other), "--tool", "order"])
    assert result.exit_code == 2
    assert "another corpus" in result.stderr


def test_a_failing_tool_is_a_result(tmp_path: Path) -> None:
    """A program that crashes leaves its rows with the error, and the run ends."""
    command = shlex.join([sys.executable, "-c", "raise SystemExit('broken')"])
    plan = plan_for(tmp_path, [f"crash={command}"])
    run(plan, 1, nothing)
    rows = read_results(plan.out)[1]
    assert {row.found for row in rows if row.table >= 0} == {False}
    assert all("crash" in row.error or "broken" in row.error for row in rows if row.table < 0)


def test_truth_without_a_dump_is_told(tmp_path: Path) -> None:
    """A file that would silently not be scored is an error that names it."""
    dumps, truth = write_documents(tmp_path)
    (dumps / "b.txt").unlink()
    with pytest.raises(ValueError, match=r"b\.html: no dump"):
        own_set(dumps, truth, [])


# -- command line and pages ------------------------------------------------------------------


def test_the_command_line_runs_compares_reports_and_checks(tmp_path: Path) -> None:
    """All commands over a user's folders; the check fails when the figure falls."""
    dumps, truth = write_documents(tmp_path)
    out, bar = tmp_path / "r.jsonl", tmp_path / "bar.toml"
    call = CliRunner().invoke
    ran = call(
        app,
        ["run", "--dumps", str(dumps), "--truth", str(truth), "--out", str(out), "--workers", "1",
         "--tool", "order", "--tool", "difflib"],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    compared = call(app, ["compare", str(out), str(out), "--tool", "order", "--with", "difflib"])
    assert compared.exit_code == 0
    assert "2 tables in both runs" in compared.output
    assert call(app, ["report", str(out)]).exit_code == 0
    assert (tmp_path / "r.html").exists()
    exact = figures([row for row in read_results(out)[1] if row.tool == "order"]).shares["exact"]
    for above, code in ((0.0, 0), (0.01, 2)):
        bar.write_text(
            f'tool = "order"\nset = "{dumps}"\nexact = {exact.value + above}\nsilent = 1.0\n'
        )
        assert call(app, ["check", str(out), str(bar)]).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--set", "nowhere"], "unknown set"),
        (["run", "--dumps", "."], "belong together"),
        (["run", "--set", "fit", "--tool", "magic", "--out", "x.jsonl"], "unknown tool"),
        (["report", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong call ends with exit code 2 and says what is wrong; nothing is written."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def hostile_results(folder: Path) -> Path:
    """Results whose every text is markup."""
    bad = "<script>alert(1)</script>"
    truth = tables_of_page(PAGE)[0]
    hostile = replace(truth, cells=(*truth.cells[:-1], Cell(5, 3, 1, 1, "value", bad)))
    tool = constant_tool(bad, record_of(hostile, TOLD))
    dump = Dump(bad, bad, "", bad, bad, PAGE)
    rows = judge_tool(tool, dump, [Truth(truth)], NO_LAYOUTS, bad)
    path = folder / "hostile.jsonl"
    header = {"set": bad, "corpus": bad, "tools": {bad: bad}, "environment": {bad: bad}}
    path.write_text(json.dumps(header) + "\n" + "".join(map(line_of, rows)), encoding="utf-8")
    return path


def test_the_page_stands_alone_and_escapes_everything(tmp_path: Path) -> None:
    """No script and nothing loaded from elsewhere, whatever documents and tools are called."""
    header, rows = read_results(hostile_results(tmp_path))
    page = tmp_path / "page.html"
    write_page(page, header, rows, None)
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "alert(1)" in text
    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)


def test_the_readme_table_is_renewed_between_its_marks(tmp_path: Path) -> None:
    """What stands around the marks stays; a file without marks is refused."""
    header, rows = read_results(hostile_results(tmp_path))
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n", encoding="utf-8")
    renew_table(readme, header, rows)
    text = readme.read_text(encoding="utf-8")
    assert text == f"before\n{MARKS[0]}\n{markdown_table(header, rows)}\n{MARKS[1]}\nafter\n"
    readme.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="benchmark: begin"):
        renew_table(readme, header, rows)
    assert readme.read_text(encoding="utf-8") == "no marks\n"


def test_layouts_of_the_other_set_are_unknown() -> None:
    """Without names, tools are given the templates that come along and no more."""
    assert all("/" in layout.id for layout in layouts_of_set(()).all)
