"""Tables of DOCX and XLSX files as examples to learn from; needs the extra `office`.

Merged cells are taken from the file's own statement (`gridSpan` and `vMerge` in DOCX, merged
ranges in XLSX). A worksheet holds a table for each block of rows without an empty row inside;
numbers are written as plain numbers, percentages and dates as they are shown.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tabrecover.errors import InputError
from tabrecover.examples import MAX_POSITIONS, Example, GivenCell, place_cells

if TYPE_CHECKING:
    from docx.oxml.table import CT_Row, CT_Tbl, CT_Tc
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["OFFICE_SUFFIXES", "office_examples"]

OFFICE_SUFFIXES = (".docx", ".xlsx")
MAX_UNPACKED = 400_000_000  # bytes; a small archive can unpack to more than memory holds
_INSTALL = "needs more packages; install them: pip install 'tabrecover[office]'"


def office_examples(data: bytes, suffix: str, file: str = "") -> list[Example]:
    """The tables of a DOCX or XLSX file, in their order.

    Raises `InputError` where the file can't be read as what its suffix says, where it is too
    large, or where the packages that read it are missing.
    """
    readers: dict[str, Callable[[bytes, str], list[Example]]] = {
        ".docx": _docx_examples,
        ".xlsx": _xlsx_examples,
    }
    _check_archive(data, suffix)
    try:
        return readers[suffix](data, file)
    except ImportError as error:
        raise InputError(f"a {suffix} file {_INSTALL}") from error
    except InputError:
        raise
    except Exception as error:  # the packages raise whatever a broken file leads to
        raise InputError(
            f"can't be read as {suffix} ({type(error).__name__}); save it anew, or as HTML"
        ) from error


def _check_archive(data: bytes, suffix: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"is no {suffix} file; save it anew, or as HTML") from error
    if unpacked > MAX_UNPACKED:
        raise InputError(f"unpacks to more than {MAX_UNPACKED} bytes; cut the example down")


# --- DOCX ---------------------------------------------------------------------------------------


def _docx_examples(data: bytes, file: str) -> list[Example]:
    from docx import Document  # noqa: PLC0415 - an optional package
    from docx.oxml.ns import qn  # noqa: PLC0415

    body = Document(io.BytesIO(data)).element.body
    tables: list[CT_Tbl] = list(body.iter(qn("w:tbl")))
    flat = [table for table in tables if next(table.iterdescendants(qn("w:tbl")), None) is None]
    return [
        _docx_example(table, f"{file}: table {n}", file, qn)
        for n, table in enumerate(flat, start=1)
    ]


def _docx_example(table: CT_Tbl, place: str, file: str, qn: Callable[[str], str]) -> Example:
    rows = [_docx_cells(row, qn) for row in table.tr_lst]
    given: list[list[GivenCell]] = []
    for r, row in enumerate(rows):
        given.append([])
        for col, tc in row.items():
            if tc is None:
                given[-1].append(GivenCell(""))
            elif tc.vMerge != "continue" or r == 0:
                text = "\n".join(_text(p, qn) for p in tc.p_lst)
                span = _rows_below(rows, r, col)
                label = _is_header_row(table.tr_lst[r], qn) or _is_bold_cell(tc, text, qn)
                given[-1].append(GivenCell(text, span, tc.grid_span, label))
    caption = table.find(f"{qn('w:tblPr')}/{qn('w:tblCaption')}")
    title = "" if caption is None else str(caption.get(qn("w:val"), ""))
    return place_cells(given, place=place, file=file, caption=title)


def _text(element: Any, qn: Callable[[str], str]) -> str:
    return "".join(str(part) for part in element.itertext(qn("w:t")))


def _docx_cells(row: CT_Row, qn: Callable[[str], str]) -> dict[int, CT_Tc | None]:
    """The cells of a row by grid column; None for columns that the row leaves out at its left."""
    before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
    left_out = min(int(before.get(qn("w:val"), "0")), MAX_POSITIONS) if before is not None else 0
    cells: dict[int, CT_Tc | None] = dict.fromkeys(range(left_out))
    col = left_out
    for tc in row.tc_lst:
        cells[col] = tc
        col += tc.grid_span
    return cells


def _rows_below(rows: Sequence[dict[int, CT_Tc | None]], row: int, col: int) -> int:
    """How many rows a cell covers: itself, and those below that continue it."""
    span = 1
    while row + span < len(rows):
        below = rows[row + span].get(col)
        if below is None or below.vMerge != "continue":
            break
        span += 1
    return span


def _is_header_row(row: CT_Row, qn: Callable[[str], str]) -> bool:
    return row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None


def _is_bold_cell(tc: CT_Tc, text: str, qn: Callable[[str], str]) -> bool:
    """Whether there are words in the cell, and every run of its text is bold."""
    if not any(char.isalpha() for char in text):
        return False
    runs = [run for run in tc.iter(qn("w:r")) if _text(run, qn).strip()]
    bold = [run.find(f"{qn('w:rPr')}/{qn('w:b')}") for run in runs]
    return all(b is not None and b.get(qn("w:val"), "1") not in ("0", "false") for b in bold)


# --- XLSX ---------------------------------------------------------------------------------------


def _xlsx_examples(data: bytes, file: str) -> list[Example]:
    from openpyxl import load_workbook  # noqa: PLC0415 - an optional package

    book = load_workbook(io.BytesIO(data), data_only=True)
    return [example for sheet in book.worksheets for example in _sheet_examples(sheet, file)]


def _sheet_examples(sheet: Worksheet, file: str) -> Iterator[Example]:
    areas = [range_.bounds for range_ in sheet.merged_cells.ranges]  # left, top, right, bottom
    merged = sum((right - left + 1) * (low - top + 1) for left, top, right, low in areas)
    if max(merged, sheet.max_row * sheet.max_column) > MAX_POSITIONS:
        raise InputError(
            f"sheet {sheet.title!r}: more than {MAX_POSITIONS} positions; cut the example down"
        )
    spans = {(top, left): (low - top + 1, right - left + 1) for left, top, right, low in areas}
    covered = {
        (row, col)
        for left, top, right, low in areas
        for row in range(top, low + 1)
        for col in range(left, right + 1)
    } - spans.keys()
    grid = [
        [
            _given(cell, *spans.get((r, c), (1, 1))) if (r, c) not in covered else None
            for c, cell in enumerate(row, start=1)
        ]
        for r, row in enumerate(sheet.iter_rows(), start=1)
    ]
    continued = {row for _, top, _, low in areas for row in range(top + 1, low + 1)}
    for first, last in _blocks(grid, continued):
        place = f"{file}: sheet {sheet.title!r}, row {first + 1}"
        block = grid[first : last + 1]
        used = [c for row in block for c, cell in enumerate(row) if cell is None or cell.text]
        cut = [
            [cell for cell in row[min(used) : max(used) + 1] if cell is not None] for row in block
        ]
        yield place_cells(cut, place=place, file=file)


def _blocks(
    grid: Sequence[Sequence[GivenCell | None]], continued: Collection[int]
) -> Iterator[tuple[int, int]]:
    """First and last row (from 0) of every block of rows without an empty one inside.

    `continued` are the rows (from 1) that a merged cell reaches into.
    """
    filled = [
        any(cell is not None and cell.text for cell in row) or row_number in continued
        for row_number, row in enumerate(grid, start=1)
    ]
    for full, rows in groupby(range(len(grid)), key=filled.__getitem__):
        if full:
            block = list(rows)
            yield block[0], block[-1]


def _given(cell: Any, rowspan: int, colspan: int) -> GivenCell:
    text = _shown(cell)
    bold = bool(cell.font.b) and any(char.isalpha() for char in text)
    return GivenCell(text, rowspan, colspan, bold)


def _shown(cell: Any) -> str:
    """A cell's value as text."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if isinstance(value, datetime) and value.time() == datetime.min.time():
            value = value.date()
        return value.isoformat() if isinstance(value, date) else str(value)
    if "%" in str(cell.number_format):
        return f"{value:.{_decimals(cell.number_format)}%}"
    if decimals := _decimals(cell.number_format):
        return f"{value:.{decimals}f}"
    return str(int(value)) if float(value).is_integer() else repr(value)


def _decimals(number_format: str) -> int:
    """How many digits a number format shows behind the point.

    >>> _decimals("#,##0.00"), _decimals("General")
    (2, 0)
    """
    _, _, behind = number_format.split(";", maxsplit=1)[0].partition(".")
    return len(behind) - len(behind.lstrip("0"))
