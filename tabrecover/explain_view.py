"""Explanations as text for a terminal, and as a graph.

Lines and characters of the dump, rows and columns count from 1 in what people read, as in the
tables that `recover` draws; GraphML carries the record's numbers, from 0. All texts of a dump
pass `terminal.clean` (or, for XML, `_legal`) on their way out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise
from math import exp, log
from typing import TYPE_CHECKING, Any

from rich.style import Style

from tabrecover.explain import Move, Step
from tabrecover.fold import fold_text
from tabrecover.headers import header_paths
from tabrecover.template import template_graph
from tabrecover.terminal import clean, fit, wrap

if TYPE_CHECKING:
    import networkx as nx

    from tabrecover.explain import (
        CellExplanation,
        Choice,
        Difference,
        Explanation,
        Parts,
        Rule,
        TableExplanation,
        Term,
    )
    from tabrecover.model import Cell

__all__ = ["cell_view", "graphml", "overview", "table_view"]

BLANK = "∅"
LIST_LINES = 12
MAX_NATS = log(1e6)  # odds beyond a million to one are not told apart
ONE_READING = 0.99  # share of all alignments above which the one told is "the" alignment
NOTHING = 1e-9
SMALL = 0.001
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_WARN, _BAD, _DIM, _BOLD = "bold yellow", "bold red", "dim", "bold"
_STYLES = {
    Move.STRAY: _BAD, Move.LOST: _WARN, Move.ASSUMED: _WARN, Move.LEFT_OUT: _WARN,
    Move.ROW_END: _DIM, Move.COVERED: _DIM, Move.OUTSIDE: _DIM, Move.ABSENT: _DIM,
}  # fmt: skip

# What the overview calls each move: one, several.
_NAMES = {
    Move.ANCHOR: ("anchor", "anchors"),
    Move.LABEL: ("other label", "other labels"),
    Move.PIECE: ("piece of a label", "pieces of labels"),
    Move.VALUE: ("value", "values"),
    Move.BLANK: ("blank shown", "blanks shown"),
    Move.ASSUMED: ("blank assumed", "blanks assumed"),
    Move.COVERED: ("covered position shown", "covered positions shown"),
    Move.ROW_END: ("row end shown", "row ends shown"),
    Move.LOST: ("label lost", "labels lost"),
    Move.ABSENT: ("optional cell absent", "optional cells absent"),
    Move.ADDED: ("text of an added row", "texts of added rows"),
    Move.STRAY: ("stray", "strays"),
    Move.OUTSIDE: ("symbol around the table", "symbols around the table"),
}


# Symbols that are no texts, and what they are called: one, several.
_GAPS = {"blank": ("empty cell", "empty cells"), "row_end": ("row end", "row ends")}

# Separators by their letter in `lex`: one, several.
_SEPARATORS = {
    "b": ("bar", "bars"), "T": ("tab", "tabs"), "g": ("wide gap", "wide gaps"),
    "e": ("line end", "line ends"), "s": ("line of spaces", "lines of spaces"),
    "o": ("narrower line of spaces", "narrower lines of spaces"),
    "c": ("cell end", "cell ends"), "r": ("row end", "row ends"),
}  # fmt: skip

_style = cache(Style.parse)


class _Page:
    """Lines of at most `width` columns, styled or not."""

    def __init__(self, width: int, *, color: bool) -> None:
        self.width = width
        self.color = color
        self.lines: list[str] = []

    def paint(self, text: str, style: str = "") -> str:
        text = text.rstrip()
        return _style(style).render(text) if self.color and style and text else text

    def add(self, text: str = "", style: str = "", indent: int = 0, hang: int = 2) -> None:
        """A text, wrapped, `indent` columns in and its later lines `hang` columns further."""
        room = max(self.width - indent - hang, 20)
        first, *rest = wrap(text, room + hang)
        rest = wrap(text[len(first) :].lstrip(), room) if rest else []
        self.lines.append(" " * indent + self.paint(first, style))
        self.lines += [" " * (indent + hang) + self.paint(line, style) for line in rest]

    def field(self, name: str, text: str, style: str = "") -> None:
        """A named fact, texts of all facts aligned."""
        self.add(f"{name:<{_FIELD - 2}}{text}", style, 2, _FIELD - 2)

    def text(self) -> str:
        return "".join(line.rstrip() + "\n" for line in self.lines)


_FIELD = 15  # columns before the text of a fact


# --- numbers and texts --------------------------------------------------------------------------


def _percent(probability: float | None) -> str:
    """Rounded down, so that nothing looks more certain than it is; at most six columns."""
    if probability is None:
        return ""
    if 0 < probability < SMALL:
        return "<0.1%"
    return f"{int(probability * 1000 + 1e-6) / 10:.1f}%"


def _odds(lead: float | None) -> str:
    """A lead in nats as odds: `20:1` ahead, `1:3` behind; at most seven columns."""
    if lead is None:
        return ""
    ratio = exp(min(abs(lead), MAX_NATS))
    if ratio >= 1000:
        told = f">10^{int(abs(lead) / log(10) + 1e-9)}" if abs(lead) < MAX_NATS else ">10^6"
    else:
        told = f"{ratio:.0f}" if ratio >= 9.95 or ratio < 1.05 else f"{ratio:.1f}"
    return f"{told}:1" if lead >= 0 or told == "1" else f"1:{told}"


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:+.1f}"


def _quoted(text: str) -> str:
    return f"'{clean(text)}'" if clean(text).strip() else "blank"


def _path(labels: Sequence[str]) -> str:
    return " > ".join(clean(label) for label in labels)


def _place(row: int | None, col: int | None) -> str:
    if row is None:
        return ""
    return f"row {row + 1}" + (f" col {col + 1}" if col is not None else "")


def _short(row: int, col: int | None) -> str:
    return f"r{row + 1}" + (f"c{col + 1}" if col is not None else "")


def _span(start: int, end: int) -> str:
    return f"{start}-{end}"


def _count(number: int, names: tuple[str, str]) -> str:
    return f"{number} {names[number != 1]}"


# --- overview -----------------------------------------------------------------------------------


def overview(explanation: Explanation, name: str, *, width: int, color: bool) -> str:
    """What was found in a document, and for each table what speaks for and against it."""
    page = _Page(width, color=color)
    _head(page, explanation, name)
    for table in explanation.tables:
        page.add()
        _table_facts(page, table)
    return page.text()


def _head(page: _Page, explanation: Explanation, name: str) -> None:
    found = len(explanation.tables)
    dialect = explanation.dialect
    told = f", flattened as {dialect.name} ({_percent(dialect.confidence)})" if found else ""
    if found and dialect.name == "html" and explanation.kind == "text":
        told += ": cells are those that the dump draws"
    page.add(f"{name}: {_count(found, ('table', 'tables')) if found else 'no table'}{told}")


def _table_head(page: _Page, table: TableExplanation) -> None:
    rows, cols = table.shape
    page.add(
        f"table {table.number}: {clean(table.template or 'unknown layout')}, {rows} x {cols}, "
        f"confidence {_percent(table.confidence)}, {table.status}",
        _BOLD,
    )


def _table_facts(page: _Page, table: TableExplanation) -> None:
    _table_head(page, table)
    first, last = table.lines
    page.field("in the dump", f"lines {first} to {last}, characters {_span(*table.span)}")
    pieces = sum(map(_in_pieces, table.steps))
    if pieces:
        page.field("", f"{_count(pieces, ('text stands', 'texts stand'))} on several lines")
    if table.alignment is None:
        _unknown_layout(page, table)
    else:
        for number, candidate in enumerate(table.candidates):
            mark = "" if candidate.chosen else "not "
            page.field(
                "layout" if not number else "",
                f"{mark}{clean(candidate.template)} {_percent(candidate.probability)}: score "
                f"{_score(candidate.score)}, rest of the document {_score(candidate.support)}",
            )
        if table.certainty < table.least:
            page.field("", f"which of them it is stays open: {_percent(table.certainty)}", _WARN)
        if table.layout is not None:
            told = f"layout and way of flattening are right: {_percent(table.layout)}"
            if table.flattening is not None and table.flattening < ONE_READING:
                told += f", the way of flattening alone {_percent(table.flattening)}"
            page.field("", told)
        page.field("alignment", _share_of_all(table))
        page.field("moves", _moves(table))
        if table.rows_left_out:
            told = ", ".join(str(row + 1) for row in table.rows_left_out)
            page.field("left out", f"of row {told} the dump shows nothing", _WARN)
    _rule_facts(page, table)
    _way_back(page, table)
    _strays(page, table)
    _doubts(page, table)


def _unknown_layout(page: _Page, table: TableExplanation) -> None:
    """What can be said where no template knew the table: its cells, and where blanks are."""
    texts = sum(bool(cell.text) for cell in table.cells)
    labels = sum(cell.role == "label" for cell in table.cells)
    blanks = [cell for cell in table.cells if not cell.text]
    page.field("layout", "no template fits; rows and columns are those that the dump delimits")
    page.field("cells", f"{texts} with a text, {labels} of them labels; {len(blanks)} blank")
    if blanks:
        rows = list(dict.fromkeys(str(cell.row + 1) for cell in blanks))
        more = ", ..." if len(rows) > LIST_LINES else ""
        page.field("blanks", f"in row {', '.join(rows[:LIST_LINES])}{more}")
    best = max((cell.confidence for cell in table.cells), default=0.0)
    page.field("confidence", f"at most {_percent(best)} in any cell, layout and text together")
    if table.certainty < table.least:
        page.field("", "cells overlap or leave holes where the dump has them", _WARN)


def _share_of_all(table: TableExplanation) -> str:
    if table.score is None or table.path_score is None:
        return "not known"
    told = f"score {_score(table.score)}"
    share = exp(min(table.path_score - table.score, 0.0))
    if share >= ONE_READING:
        return f"{told}, practically all of it from this one reading"
    part = _percent(share) if share >= SMALL else f"1 / {1 / max(share, 1e-99):,.0f}"
    part = "next to nothing" if share < NOTHING else part
    return f"{told}; this one reading has {part} of the probability"


def _moves(table: TableExplanation) -> str:
    told = [
        _count(table.counts[move], names) for move, names in _NAMES.items() if table.counts[move]
    ]
    return ", ".join(told) or "none"


def _rule_facts(page: _Page, table: TableExplanation) -> None:
    if not table.rules:
        page.field("rules", "none" if table.alignment is not None else "none without a template")
        return
    holds = sum(rule.holds is True for rule in table.rules)
    broken = [rule for rule in table.rules if rule.holds is False]
    open_ = len(table.rules) - holds - len(broken)
    unknown = f", {open_} not to be evaluated" if open_ else ""
    page.field("rules", f"{holds} hold, {len(broken)} broken{unknown}")
    for rule in broken[:LIST_LINES]:
        page.add(f"! {clean(rule.rule)}: {_equation(rule)}", _BAD, 2, 4)
    _and_more(page, len(broken))


def _and_more(page: _Page, number: int) -> None:
    if number > LIST_LINES:
        page.add(f"… and {number - LIST_LINES} more", "", 2)


def _strays(page: _Page, table: TableExplanation) -> None:
    strays = [step for step in table.steps if step.move is Move.STRAY]
    page.field("strays", "none" if not strays else f"{len(strays)}, in no cell:")
    texts = [step for step in strays if step.kind not in _GAPS]
    for step in texts[:LIST_LINES]:
        told = f"! line {step.line}, character {_start(step)}: {_quoted(step.text or '')}"
        page.add(told, _BAD, 2, 4)
    _and_more(page, len(texts))
    for kind, names in _GAPS.items():
        lines = [str(step.line) for step in strays if step.kind == kind]
        if lines:
            more = ", …" if len(lines) > LIST_LINES else ""
            shown = ", ".join(dict.fromkeys(lines[:LIST_LINES]))
            page.add(f"! {_count(len(lines), names)}: line {shown}{more}", _BAD, 2, 4)


def _way_back(page: _Page, table: TableExplanation) -> None:
    """How the grid, flattened again by the law, compares with the dump."""
    if table.compared is None:
        return
    texts = _count(table.compared, ("text", "texts"))
    if not table.mismatches:
        page.field("way back", f"flattened again, the grid gives the dump: {texts} compared")
        return
    page.field("way back", f"flattened again, the grid differs at {len(table.mismatches)} of "
               f"{texts}:", _WARN)  # fmt: skip
    for difference in table.mismatches[:LIST_LINES]:
        page.add(f"! {_difference(difference)}", _WARN, 2, 4)
    _and_more(page, len(table.mismatches))


def _difference(difference: Difference) -> str:
    """`line 40, character 2750: 4 line ends where the law has 2 line ends`."""
    at = f"line {difference.line}, character {difference.span.start}"
    if difference.kind == "order":
        return f"{at}: {_quoted(difference.found)} comes later than its cell"
    if difference.kind == "text":
        return f"{at}: {_quoted(difference.found)} is in no cell"
    found, expected = _separators(difference.found), _separators(difference.expected)
    return f"{at}: {found} where the law has {expected}"


def _separators(letters: str) -> str:
    runs = ((letter, len(list(run))) for letter, run in groupby(letters))
    return ", ".join(_count(number, _SEPARATORS[letter]) for letter, number in runs) or "nothing"


def _start(step: Step) -> int | str:
    return step.spans[0].start if step.spans else ""


def _in_pieces(step: Step) -> bool:
    """Whether a text goes on below the line that it begins on."""
    return step.kind not in _GAPS and step.line != step.last_line


def _doubts(page: _Page, table: TableExplanation) -> None:
    cells, least = table.doubtful, _percent(table.least)
    page.field("in doubt", f"no value below {least}" if not cells else
               f"{_count(len(cells), ('value', 'values'))} below {least}:")  # fmt: skip
    for cell in cells[:LIST_LINES]:
        page.add(f"? {_place(cell.row, cell.col)}{_key(cell.key)}: {_answers(cell)}", _WARN, 2, 4)
    _and_more(page, len(cells))


def _key(key: str | None) -> str:
    return f" ({clean(key)})" if key else ""


def _answers(cell: Cell) -> str:
    told = [f"{_quoted(cell.text)} {_percent(cell.confidence)}"]
    told += [f"or {_quoted(a.text)} {_percent(a.confidence)}" for a in cell.alternatives]
    hint = "" if cell.suggestion is None else f"; suggested: {clean(cell.suggestion)}"
    return ", ".join(told) + hint


# --- the alignment ------------------------------------------------------------------------------


def table_view(
    explanation: Explanation,
    table: TableExplanation,
    name: str,
    *,
    width: int,
    color: bool,
) -> str:
    """A table's alignment: a line for every symbol, and for every cell that got none."""
    page = _Page(width, color=color)
    _head(page, explanation, name)
    page.add()
    _table_facts(page, table)
    page.add()
    columns = _Columns(page, table)
    page.lines.append(page.paint(columns.titles(), _BOLD))
    group: str | None = None
    paths = _row_paths(table)
    for step in table.steps:
        if step.move is Move.HIDDEN:
            continue
        heading = _group(step, group, paths)
        if heading is not None and heading != group:
            group = heading
            page.lines.append(page.paint(fit(group, width), _BOLD))
        page.lines.append(columns.line(step))
    hidden = table.counts[Move.HIDDEN]
    if hidden:
        what = ("row end or covered position", "row ends and covered positions")
        page.add(f"{_count(hidden, what)} left no trace, which most never do")
    page.add(_legend(table), _DIM, 0, 0)
    return page.text()


def _legend(table: TableExplanation) -> str:
    pieces = any(map(_in_pieces, table.steps))
    lines = "line: where the text begins, + if it goes on below; " if pieces else ""
    if table.alignment is None:
        return f"{lines}prob: confidence; or: the most probable other text"
    return (
        f"{lines}score: log-odds of the move; prob: of this text in this slot, given the layout; "
        "ahead: odds against the best alignment with another text there (none: nothing comes "
        "near); or: that text, or where a stray might belong"
    )


def _row_paths(table: TableExplanation) -> dict[int, tuple[str, ...]]:
    """The labels that a row's values stand under, by row."""
    paths: dict[int, tuple[str, ...]] = {}
    for cell, (row_path, _) in zip(table.cells, header_paths(table.cells), strict=True):
        if cell.role == "value":
            paths.setdefault(cell.row, row_path)
    return paths


def _group(step: Step, group: str | None, paths: dict[int, tuple[str, ...]]) -> str | None:
    """The heading that a step stands under; None for a stray, which stays where it is."""
    if step.move is Move.OUTSIDE:
        return "before the table" if group is None or group.startswith("before") else "behind it"
    if step.row is None:
        return None
    return f"row {step.row + 1}  {_path(paths.get(step.row, ()))}".rstrip()


class _Columns:
    """The columns of the alignment's table and how wide each may be."""

    def __init__(self, page: _Page, table: TableExplanation) -> None:
        self.page = page
        self.least = table.least
        last = table.steps[-1] if table.steps else None
        ends = [span.end for step in table.steps for span in step.spans]
        self.line_size = max([4, *(len(_line(step)) for step in table.steps)])
        self.char_size = max(6, len(str(max(ends, default=0))))
        self.aligned = table.alignment is not None and last is not None
        fixed = 2 + self.line_size + 1 + self.char_size + 2 + 1 + 9 + 3 + 2 + 6
        fixed += 2 + 6 + 1 + 8 if self.aligned else 0
        room = max(page.width - fixed - 2, 18)
        self.key_size = room * 3 // 10 if room >= 36 else 0
        room -= self.key_size + 2 if self.key_size else 0
        self.text_size = room * 3 // 5
        self.other_size = room - self.text_size

    def titles(self) -> str:
        return self._joined(
            "", "line", "char", "text", "move", "col", "key or label", "score", "prob", "ahead",
            "or",
        )  # fmt: skip

    def _joined(
        self,
        mark: str,
        line: str,
        char: str,
        text: str,
        move: str,
        col: str,
        key: str,
        score: str,
        prob: str,
        ahead: str,
        other: str,
    ) -> str:
        parts = [fit(mark, 1), fit(line, self.line_size, right=True),
                 fit(char, self.char_size, right=True), " " + fit(text, self.text_size),
                 fit(move.replace("_", " "), 8), fit(col, 3, right=True)]  # fmt: skip
        if self.key_size:
            parts.append(" " + fit(key, self.key_size, tail=not key.startswith("=")))
        if self.aligned:
            parts.append(fit(score, 6, right=True))
        parts.append(fit(prob, 6, right=True))
        if self.aligned:
            parts.append(fit(ahead, 7, right=True))
        return (" ".join(parts) + " " + fit(other, self.other_size)).rstrip()

    def line(self, step: Step) -> str:
        doubtful = step.move in (Move.VALUE, Move.BLANK, Move.ASSUMED) and (
            self._certainty(step) < self.least
        )
        mark = "!" if step.move is Move.STRAY else "?" if doubtful else ""
        text = step.text if step.symbol is not None or step.spans else None
        if step.move in (Move.BLANK, Move.ASSUMED):
            text = BLANK
        elif text is None:
            text = f"({step.label})" if step.label else ""
        joined = self._joined(
            mark, _line(step), str(_start(step)), text or "", step.move,
            str(step.col + 1) if step.col is not None else "", _name(step), _score(step.score),
            _percent(step.probability), self._ahead(step), _other(step),
        )  # fmt: skip
        return self.page.paint(joined, _WARN if doubtful else _STYLES.get(step.move, ""))

    @staticmethod
    def _certainty(step: Step) -> float:
        """Probability, bounded by the odds of the best rival."""
        rival = step.runner_up
        lead = rival.lead if rival is not None else None
        bound = 1.0 if lead is None else 1 / (1 + exp(-lead))
        return min(step.probability if step.probability is not None else 0.0, bound)

    @staticmethod
    def _ahead(step: Step) -> str:
        return _odds(step.runner_up.lead) if step.runner_up is not None else ""


def _line(step: Step) -> str:
    """The line that a step begins on, `+` if its text goes on below."""
    return f"{step.line or ''}{'+' if _in_pieces(step) else ''}"


def _name(step: Step) -> str:
    """A value's key; a label as the template has it, where the dump has other letters."""
    if step.key is not None:
        return step.key
    if step.label is None or fold_text(step.label) == fold_text(step.text or ""):
        return ""
    return f"= {step.label}"


def _other(step: Step) -> str:
    rival = step.runner_up
    if rival is None:
        return ""
    if step.slot is None and step.symbol is not None:  # a stray: its text, elsewhere
        return f"{_short(rival.row or 0, rival.col)} {_percent(rival.probability)}"
    return f"{clean(rival.text) or BLANK} {_percent(rival.probability)}"


# --- a cell -------------------------------------------------------------------------------------


def cell_view(cell: CellExplanation, table: TableExplanation, *, width: int, color: bool) -> str:
    """One cell: where it stands, its neighbours in the dump, what it may hold, and its rules."""
    page = _Page(width, color=color)
    _table_head(page, table)
    doubtful = cell.role == "value" and cell.confidence < table.least
    shown = cell.text if cell.role == "value" else cell.observed or ""
    page.add(
        f"{_place(cell.row, cell.col)}, {cell.role}: {_quoted(shown)}, confidence "
        f"{_percent(cell.confidence)}{' (in doubt)' if doubtful else ''}",
        _WARN if doubtful else _BOLD,
    )
    if cell.key is not None:
        page.field("key", clean(cell.key))
    if cell.role == "label":
        page.field("template", clean(cell.text) if table.template else "none")
    if cell.rowspan > 1 or cell.colspan > 1:
        page.field("spans", f"{cell.rowspan} x {cell.colspan} positions")
    if cell.row_path:
        page.field("row", _path(cell.row_path))
    if cell.column_path:
        page.field("column", _path(cell.column_path))
    page.field("characters", _characters(cell))
    for number, difference in enumerate(cell.mismatches):
        page.field("" if number else "way back", _difference(difference), _WARN)
    _neighbours(page, cell, table)
    page.add()
    page.add("what it may hold", _BOLD)
    for choice in cell.choices:
        page.add(_choice(choice, cell), _WARN if doubtful else "", 2, 4)
    page.add()
    page.add("confidence", _BOLD)
    for line in _product(cell.parts):
        page.add(line, "", 2)
    page.add()
    page.add("rules", _BOLD)
    for rule in cell.rules:
        _told_rule(page, rule, cell)
    if not cell.rules:
        page.add("none", "", 2)
    if cell.suggestion is not None:
        page.add(f"a rule implies {_quoted(cell.suggestion)} here, which is only a suggestion",
                 "", 2)  # fmt: skip
    return page.text()


def _characters(cell: CellExplanation) -> str:
    """Where the cell's text stands, with the lines if it stands on several."""
    told = ", ".join(_span(*span) for span in cell.spans) or "none: not seen"
    texts = [step for step in cell.steps if step.line is not None and step.kind not in _GAPS]
    lines = [line for step in texts for line in (step.line, step.last_line) if line is not None]
    if not cell.spans or len(set(lines)) < 2:
        return told
    return f"{told} (lines {min(lines)} to {max(lines)})"


def _neighbours(page: _Page, cell: CellExplanation, table: TableExplanation) -> None:
    page.add()
    page.add("in the dump", _BOLD)
    rows = [*cell.before, *cell.steps, *cell.after]
    lines = max((len(_line(step)) for step in rows), default=1)
    chars = max((len(str(_start(step))) for step in rows), default=1)
    words = {(other.row, other.col): other for other in table.cells}
    room = max(page.width - lines - chars - 8, 30)
    text_size, rest = room * 2 // 5, room - room * 2 // 5
    for step in rows:
        own = step in cell.steps
        text = step.text or ("" if step.move is Move.ROW_END else BLANK)
        at = f"{step.move.replace('_', ' ')} {_place(step.row, step.col)}"
        if (step.row, step.col) in words and (step.row, step.col) != (cell.row, cell.col):
            key = words[step.row or 0, step.col or 0].key
            at += f" {key}" if key else ""
        told = " ".join((
            ">" if own else " ", fit(_line(step), lines, right=True),
            fit(str(_start(step)), chars, right=True), fit(text, text_size), fit(at, rest),
        ))  # fmt: skip
        page.lines.append("  " + page.paint(told.rstrip(), _BOLD if own else _DIM))


def _choice(choice: Choice, cell: CellExplanation) -> str:
    """A text with its probability, how far it is behind, and the record's word on it."""
    mark = ">" if choice.chosen else " "
    missing = "nothing" if cell.role == "label" else "blank"
    text = _quoted(choice.text) if choice.text else missing
    told = f"{mark} {text} {_percent(choice.probability)}"
    if choice.behind is not None:
        tied = sum(other.behind == 0 for other in cell.choices) > 1
        best = ", no worse than any other" if tied else ", the best"
        told += f", {_odds(choice.behind)} behind the best" if choice.behind else best
    known = next((a.confidence for a in cell.alternatives if a.text == choice.text), None)
    if known is not None and abs(known - choice.probability) > SMALL:
        told += f" (in the record {_percent(known)})"
    return told


def _product(parts: Parts) -> Iterator[str]:
    """The factors of a confidence, one a line, and their product."""
    factors = []
    if parts.layout is not None:
        yield f"layout     {parts.layout:.4f}  layout and way of flattening are the right ones"
        factors.append(parts.layout)
    if parts.placement is not None:
        what = "the text belongs here, given the layout"
        what = "layout and placement together" if parts.layout is None else what
        yield f"placement  {parts.placement:.4f}  {what}"
        factors.append(min(parts.placement, 1.0 if parts.bound is None else parts.bound))
    if parts.bound is not None:
        odds = _odds(parts.lead)
        yield f"odds       {parts.bound:.4f}  what {odds} against the best rival allows"
    yield f"ceiling    {parts.ceiling:.4f}  a share for what the model can't see"
    factors.append(parts.ceiling)
    if parts.other != 1.0:
        yield f"other      {parts.other:.4f}  other evidence (such as a row that is not seen)"
        factors.append(parts.other)
    if parts.agreed:
        yield f"agreed     {parts.agreed:.4f}  other ways of flattening lead to this text as well"
    smaller = " (of placement and odds the smaller)" if parts.bound is not None else ""
    told = " x ".join(f"{factor:.4f}" for factor in factors)
    told += f" + {parts.agreed:.4f}" if parts.agreed else ""
    yield f"together   {parts.together:.4f}  = {told}{smaller}"
    if parts.total != parts.together:
        yield f"calibrated {parts.total:.4f}  as often are values with such signs right"


def _told_rule(page: _Page, rule: Rule, cell: CellExplanation) -> None:
    style = _BAD if rule.holds is False else ""
    at = (cell.row, cell.col)
    page.add(f"{clean(rule.rule)}: {_verdict(rule)}", style, 2)
    page.add(_equation(rule, at, told=False), style, 4)
    page.add(" = ".join(" + ".join(_cell_name(term, at) for term in side)
                        for side in (rule.left, rule.right)), _DIM, 4)  # fmt: skip


def _cell_name(term: Term, at: tuple[int, int]) -> str:
    name = _short(term.row, term.col)
    return f"[{name}]" if (term.row, term.col) == at else name


def _verdict(rule: Rule) -> str:
    if rule.holds is None:
        return "can't be evaluated, a text states no number"
    if rule.holds:
        return "holds"
    who = {"source": "error in the source", "recovery": "doubt in the recovery"}
    return f"broken ({who.get(rule.verdict, rule.verdict)})"


def _equation(rule: Rule, at: tuple[int, int] | None = None, *, told: bool = True) -> str:
    """`5 + 0 = 4: 5 is not 4 (error in the source)`, this cell's term in brackets."""
    sides = [" + ".join(_amount(term, at) for term in side) for side in (rule.left, rule.right)]
    equal = {True: " = ", False: " ≠ ", None: " ? "}[rule.holds]
    sums = [rule.left_sum, rule.right_sum]
    for k, side in enumerate((rule.left, rule.right)):
        if len(side) > 1 and sums[k] is not None:
            sides[k] += f" (= {sums[k]})"
    return equal.join(sides) + (f": {_verdict(rule)}" if told else "")


def _amount(term: Term, at: tuple[int, int] | None) -> str:
    text = clean(term.text).strip() or BLANK
    return f"[{text}]" if at == (term.row, term.col) else text


# --- the graph ----------------------------------------------------------------------------------


def graphml(explanation: Explanation, tables: Sequence[TableExplanation]) -> str:
    """Slots and symbols as nodes; steps, reading order and matches as edges (docs/explain.md)."""
    import networkx as nx  # noqa: PLC0415 - heavy, and only for this

    dialect = explanation.dialect
    graph: nx.DiGraph[str] = nx.DiGraph(
        source=_legal(explanation.recovery.source),
        dialect=dialect.name,
        confidence=dialect.confidence,
    )
    for table in tables:
        if table.alignment is None:
            _add_cells(graph, table)
        else:
            _add_slots(graph, table)
            _add_symbols(graph, table)
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def _legal(text: str) -> str:
    """A text without the characters that XML can't hold."""
    return _ILLEGAL.sub("\ufffd", text)


def _known(**attributes: Any) -> dict[str, Any]:
    """Attributes that are known, made legal for XML."""
    return {
        name: _legal(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }


def _slot_name(table: TableExplanation, slot: int) -> str:
    return f"t{table.number}.s{slot}"


def _symbol_name(table: TableExplanation, symbol: int) -> str:
    return f"t{table.number}.u{symbol}"


def _add_slots(graph: nx.DiGraph[str], table: TableExplanation) -> None:
    """The template's graph; steps between slots that took something are marked as taken."""
    if table.alignment is None:
        return
    template = table.alignment.template
    slots = template_graph(template)
    steps = {step.slot: step for step in table.steps if step.slot is not None}
    differing = Counter(cell for mismatch in table.mismatches for cell in mismatch.cells)
    for slot, attributes in slots.nodes(data=True):
        step = steps.get(slot)
        graph.add_node(
            _slot_name(table, slot), table=table.number, type="slot",
            **_known(**attributes),
            **_known(
                col=step.col if step else None, key=step.key if step else None,
                move=str(step.move) if step else None,
                mismatches=differing[step.row or 0, step.col or 0] or None if step else None,
            ),
        )  # fmt: skip
    for one, other in slots.edges:
        graph.add_edge(
            _slot_name(table, one), _slot_name(table, other), type="step", allowed=True,
            chosen=False,
        )  # fmt: skip
    taken = [slot for slot in table.alignment.trace if slot >= 0]
    for one, other in pairwise(taken):
        names = _slot_name(table, one), _slot_name(table, other)
        graph.add_edge(*names, type="step", allowed=graph.has_edge(*names), chosen=True)


def _add_symbols(graph: nx.DiGraph[str], table: TableExplanation) -> None:
    if table.alignment is None:
        return
    alignment = table.alignment
    steps = sorted((s for s in table.steps if s.symbol is not None), key=lambda s: s.symbol or 0)
    for step in steps:
        graph.add_node(
            _symbol_name(table, step.symbol or 0), table=table.number, type="symbol",
            **_known(
                kind=step.kind, text=step.text, move=str(step.move), line=step.line,
                column=step.column, start=step.spans[0].start if step.spans else None,
                end=step.spans[-1].end if step.spans else None,
                score=step.score if step.slot is None else None,
            ),
        )  # fmt: skip
    for step, following in pairwise(steps):
        graph.add_edge(
            _symbol_name(table, step.symbol or 0), _symbol_name(table, following.symbol or 0),
            type="next",
        )  # fmt: skip
    scores = {step.symbol: step.score for step in steps}
    for slot, placements in alignment.placements.items():
        for symbol, probability, margin in placements:
            if symbol < 0:
                continue
            chosen = alignment.trace[symbol] == slot
            graph.add_edge(
                _symbol_name(table, symbol), _slot_name(table, slot), type="match",
                chosen=chosen, probability=float(probability), margin=float(margin),
                **_known(score=scores.get(symbol) if chosen else None),
            )  # fmt: skip


def _add_cells(graph: nx.DiGraph[str], table: TableExplanation) -> None:
    """A table of unknown layout: its cells in reading order."""
    previous = None
    for number, step in enumerate(table.steps):
        name = f"t{table.number}.c{number}"
        graph.add_node(
            name, table=table.number, type="cell",
            **_known(
                text=step.text, row=step.row, col=step.col, line=step.line, column=step.column,
                start=step.spans[0].start if step.spans else None,
                end=step.spans[-1].end if step.spans else None, probability=step.probability,
                move=str(step.move),
            ),
        )  # fmt: skip
        if previous is not None:
            graph.add_edge(previous, name, type="next")
        previous = name
