"""Pictures of recovered tables: borders, widths, marks, and texts that are not to be trusted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tabrecover.model import Alternative, Cell
from tabrecover.terminal import draw_table

BORDERS = "│├┌└"


def cell(row: int, col: int, text: str, rows: int = 1, cols: int = 1, **fields: Any) -> Cell:
    return Cell(
        **{
            "row": row,
            "col": col,
            "rowspan": rows,
            "colspan": cols,
            "role": "label",
            "text": text,
            "observed": text,
            "key": None,
            "confidence": 1.0,
            "spans": (),
            **fields,
        }
    )


def value(row: int, col: int, text: str, confidence: float, **fields: Any) -> Cell:
    return cell(row, col, text, role="value", confidence=confidence, **fields)


def box(picture: str) -> list[str]:
    """Only the lines of the table, without the legend."""
    return [line for line in picture.split("\n") if line[0] in BORDERS]


def widths(picture: str) -> set[int]:
    return {cell_len(line) for line in box(picture)}


def wide_table() -> list[Cell]:
    head = [cell(0, col, f"Column heading {col}") for col in range(10)]
    names = [cell(row, 0, f"第{row}行，营业收入合计") for row in range(1, 28)]
    sums = [value(r, c, f"{r * c * 987:,}", 1.0) for r in range(1, 28) for c in range(1, 10)]
    return head + names + sums


SPANNED = [
    cell(0, 0, "Item", rows=2),
    cell(0, 1, "Amount", cols=2),
    cell(1, 1, "2023"),
    cell(1, 2, "2024"),
    cell(2, 0, "Sales"),
    cell(2, 1, "-1,200"),
    cell(2, 2, "7", rows=2),
    cell(3, 0, "Notes", cols=2),
]


def test_spans_and_junctions() -> None:
    """A spanning cell is one box, and every junction shows the borders that meet there."""
    assert draw_table(SPANNED, (4, 3)) == (
        "┌───────┬───────────────┐\n"
        "│ Item  │ Amount        │\n"
        "│       ├────────┬──────┤\n"
        "│       │   2023 │ 2024 │\n"
        "├───────┼────────┼──────┤\n"
        "│ Sales │ -1,200 │    7 │\n"
        "├───────┴────────┤      │\n"
        "│ Notes          │      │\n"
        "└────────────────┴──────┘"
    )


def test_ascii_only() -> None:
    """The ASCII picture has the same lines, and marks a blank value with an underscore."""
    cells = [cell(0, 0, "a", cols=2), cell(1, 0, "b"), value(1, 1, "", 0.25)]
    assert draw_table(cells, (2, 2), ascii_only=True) == (
        "+------------+\n"
        "| a          |\n"
        "+---+--------+\n"
        "| b | _ ?25% |\n"
        "+---+--------+\n"
        "? row 2 col 2: blank 25%"
    )


def test_wide_characters() -> None:
    """Wide characters count two columns and combining ones none, so the borders align."""
    cells = [
        cell(0, 0, "营业收入"),
        cell(0, 1, "１２"),
        cell(1, 0, "cafe\u0301"),
        cell(1, 1, "-12.5%"),
    ]
    assert draw_table(cells, (2, 2)) == (
        "┌──────────┬────────┐\n"
        "│ 营业收入 │   １２ │\n"
        "├──────────┼────────┤\n"
        "│ cafe\u0301     │ -12.5% │\n"
        "└──────────┴────────┘"
    )


def test_wrapping() -> None:
    """Latin text breaks at spaces, CJK anywhere, and a tall spanning cell its last row."""
    cells = [
        cell(0, 0, "合并资产负债表", rows=2),
        cell(0, 1, "net of tax"),
        cell(1, 1, "unbreakablyLong"),
    ]
    assert draw_table(cells, (2, 2), width=13) == (
        "┌────┬──────┐\n"
        "│合并│net of│\n"
        "│资产│tax   │\n"
        "│负债├──────┤\n"
        "│表  │unbrea│\n"
        "│    │kablyL│\n"
        "│    │ong   │\n"
        "└────┴──────┘"
    )


def test_spanning_cell_stretches_last_row() -> None:
    """A box with more lines than its rows have makes its last row higher."""
    cells = [cell(0, 0, "长" * 5, rows=2), cell(0, 1, "abcd"), cell(1, 1, "ef")]
    assert draw_table(cells, (2, 2), width=8) == (
        "┌────┬────┐\n│长长│abcd│\n│长长├────┤\n│长  │ef  │\n└────┴────┘"
    )


def test_doubtful_value() -> None:
    """A doubtful value carries its confidence, and the legend says what else it may be."""
    doubtful = value(
        0, 1, "0", 0.6, key="a.b", alternatives=(Alternative("", 0.4),), suggestion="5"
    )
    picture = draw_table([cell(0, 0, "x", confidence=0.1), doubtful], (1, 2))
    assert picture.split("\n")[1:] == [
        "│ x │ 0 ?60% │",
        "└───┴────────┘",
        "? row 1 col 2 (a.b): '0' 60%, or blank 40%; suggested: 5",
    ]


def test_color_takes_no_width() -> None:
    """With colour a doubtful value is highlighted, and the picture is otherwise the same."""
    cells = [value(0, 0, "", 0.5), value(1, 0, "12,345,678", 1.0)]
    picture = draw_table(cells, (2, 1), color=True)
    assert "\x1b[1;33m∅ ?50%\x1b[0m" in picture
    assert re.sub(r"\x1b\[[\d;]*m", "", picture) == draw_table(cells, (2, 1))


def test_long_legend() -> None:
    """The legend lists twelve cells, least confident first, and counts the others."""
    cells = [value(row, 0, "7", 0.8 - row / 100) for row in range(15)]
    legend = draw_table(cells, (15, 1)).split("\n")[31:]
    assert len(legend) == 13
    assert legend[0] == "? row 15 col 1: '7' 66%"
    assert legend[-1] == "… and 3 more"


@pytest.mark.parametrize("bad", ["\x1b", "\0", "\r", "\x7f", "\x9b", "\u202e", "\u2067", "\ud800"])
def test_control_characters(bad: str) -> None:
    """No text of a cell, wherever it is shown, reaches the terminal as a command."""
    evil = f"a{bad}[2Jb"
    doubt = value(0, 0, evil, 0.5, key=evil, alternatives=(Alternative(evil, 0.1),))
    picture = draw_table([doubt, cell(0, 1, evil, suggestion=evil)], (1, 2))
    assert bad not in picture
    assert picture.count("[2Jb") == 5
    assert len(widths(picture)) == 1


def test_line_breaks_become_spaces() -> None:
    """Line breaks and tabs inside a cell are spaces, so a cell cannot add lines."""
    assert "│ a b c d │" in draw_table([cell(0, 0, "a\nb\tc\r\nd")], (1, 1))


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_width_respected(width: int) -> None:
    """A table of 28 rows and 10 columns fits the width asked for, borders included."""
    (size,) = widths(draw_table(wide_table(), (28, 10), width=width))
    assert size <= width


def test_too_narrow() -> None:
    """Columns keep four columns of text, even if the table then is wider than asked for."""
    assert widths(draw_table(wide_table(), (28, 10), width=1)) == {10 * 4 + 11}


def test_smallest_tables() -> None:
    """No cells are no picture; a single blank cell is a box."""
    assert draw_table([], (0, 0)) == ""
    assert draw_table([cell(0, 0, "")], (1, 1)) == "┌───┐\n│   │\n└───┘"


TEXTS = st.one_of(
    st.sampled_from(["", "0", "-1,200", "营业", "收入 net", "cafe\u0301", "长" * 30, "x" * 50]),
    st.text(max_size=12),
)


@st.composite
def grids(draw: st.DrawFn) -> tuple[list[Cell], tuple[int, int]]:
    """Split a rectangle at random into cells that cover every position once."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    pending, cells = [(0, 0, *shape)], []
    while pending:
        row, col, rows, cols = pending.pop()
        cuts = [("row", k) for k in range(1, rows)] + [("col", k) for k in range(1, cols)]
        cut = draw(st.sampled_from([None, *cuts, *cuts]))
        if cut is None:
            role, confidence = draw(st.sampled_from(["label", "value"])), draw(st.floats(0, 1))
            text = draw(TEXTS)
            cells.append(cell(row, col, text, rows, cols, role=role, confidence=confidence))
        elif cut[0] == "row":
            pending += [(row, col, cut[1], cols), (row + cut[1], col, rows - cut[1], cols)]
        else:
            pending += [(row, col, rows, cut[1]), (row, col + cut[1], rows, cols - cut[1])]
    return cells, shape


@given(grids(), st.integers(0, 120), st.booleans())
def test_any_grid(grid: tuple[list[Cell], tuple[int, int]], width: int, ascii_only: bool) -> None:
    """Whatever the spans, texts and width, lines are equally wide and short texts are whole."""
    cells, shape = grid
    picture = draw_table(cells, shape, width=width, ascii_only=ascii_only, least=0.5)
    legend = sum(c.role == "value" and c.confidence < 0.5 for c in cells)
    lines = [line for line in picture.split("\n") if line[:1] in set("│├┌└+|")]
    assert len({cell_len(line) for line in lines}) == 1
    assert legend == 0 or picture.count("? row ") >= min(legend, 12)
    for each in cells:
        plain = each.text.isprintable() and "\ufe0f" not in each.text
        if cell_len(each.text) <= 4 and each.text.strip() and plain:
            assert each.text in picture
