"""A learned layout as the two texts of a template: NAME.html and NAME.toml, for a user to edit.

Keys are short and tell what they mean where labels can be written in ASCII, and else say where
the value stands. A row has a name and a column has a name, without dots; `row.column` is the key
of their value, so that a rule can say `*.column` or `row.*`. The template derives most keys by
itself from `data-key` on rows and header cells (`template`); only the others are written at the
value.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.model import covering

if TYPE_CHECKING:
    from tabrecover.template import ValueType

__all__ = ["Draft", "DraftCell", "Keys", "Proposal", "template_html", "template_toml"]

MAX_NOTES = 20  # of a template; the first show what is wrong with an example
MAX_NAME = 40  # characters of a name in a key
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_BARE_TOML = str.maketrans({"\\": "\\\\", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class DraftCell:
    """A cell of the learned layout; `type` is a value's, `choices` are those of type choice."""

    row: int
    col: int
    rowspan: int
    colspan: int
    label: bool
    text: str = ""
    type: ValueType = "text"
    optional: bool = False
    choices: tuple[str, ...] = ()


class Proposal(NamedTuple):
    """A sum rule that holds in the examples: its terms and a sentence on its support."""

    id: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    support: str


class Keys(NamedTuple):
    """Names of rows by row, of columns by value cell, and the whole key by value cell.

    `labels` are the nearest labels of named rows and columns, by name; several may be equal.
    """

    rows: Mapping[int, str]
    columns: Mapping[int, str]
    values: Mapping[int, str]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Draft:
    """A learned layout: cells in reading order that cover a grid of `shape`.

    `repeated` are the rows that stand for any number of rows alike; `aliases` other texts of
    labels, `notes` what a user should look at.
    """

    cells: tuple[DraftCell, ...] = field(repr=False)
    shape: tuple[int, int]
    id: str = ""
    title: str = ""
    repeated: frozenset[int] = frozenset()
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def owner(self) -> Mapping[tuple[int, int], int]:
        """The index of the cell that covers each position."""
        return covering(self.cells)

    @cached_property
    def keys(self) -> Keys:
        """The keys of all values, derived from labels, else from positions."""
        return _Namer(self).keys()


# --- keys ---------------------------------------------------------------------------------------


def name_of(text: str) -> str:
    """A label as a part of a key, or nothing where ASCII can't tell it.

    >>> name_of("Bed days (used)"), name_of("Größe"), name_of("合计 (km)")
    ('bed_days_used', 'grosse', '')
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = [char for char in plain if char.isalpha()]
    if letters and sum(not char.isascii() for char in letters) * 2 >= len(letters):
        return ""
    unmarked = "".join(char for char in plain if not unicodedata.combining(char))
    return _NOT_IN_NAMES.sub("_", unmarked).strip("_")[:MAX_NAME].strip("_")


def distinct_names(paths: Sequence[Sequence[str]]) -> list[str]:
    """For every path (outermost name first) its shortest end that no other path shares.

    >>> distinct_names([("city", "all"), ("zone", "all"), ("zone", "goods"), ("zone", "goods")])
    ['city_all', 'zone_all', 'goods', 'goods_2']
    """
    names = [_joined(path[-1:]) for path in paths]
    for depth in range(2, max(map(len, paths), default=0) + 1):
        counts = Counter(names)
        names = [
            _joined(path[-depth:]) if counts[name] > 1 else name
            for path, name in zip(paths, names, strict=True)
        ]
    if len(set(names)) == len(names):
        return names
    shared = {name for name, count in Counter(names).items() if count > 1}
    first = {name: _joined(path[-1:]) for path, name in zip(paths, names, strict=True)}
    return numbered([first[name] if name in shared else name for name in names])


def _joined(path: Sequence[str]) -> str:
    return "_".join(part for part in path if part)


def numbered(names: Iterable[str]) -> list[str]:
    """The names with a number behind each that was there before.

    >>> numbered(["a", "b", "a"])
    ['a', 'b', 'a_2']
    """
    taken: set[str] = set()
    last: dict[str, int] = {}
    result = []
    for name in names:
        unique = name
        while unique in taken:
            last[name] = last.get(name, 1) + 1
            unique = f"{name}_{last[name]}"
        taken.add(unique)
        result.append(unique)
    return result


class _Line(NamedTuple):
    """A row of the grid: its cells from left to right, each once."""

    cells: tuple[int, ...]
    is_header: bool  # labels only, and several
    is_section: bool  # one label over the whole width
    is_form: bool  # a label stands behind a value: label, value, label, value


class _Namer:
    """Names rows, columns and values of a draft."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.lines = [self._line(row) for row in range(draft.shape[0])]

    def _line(self, row: int) -> _Line:
        owner, n_cols = self.draft.owner, self.draft.shape[1]
        cells = tuple(dict.fromkeys(owner[row, col] for col in range(n_cols)))
        labels = [self.draft.cells[i].label for i in cells]
        first_value = labels.index(False) if False in labels else len(labels)
        only_labels = first_value == len(labels)
        return _Line(
            cells,
            is_header=only_labels and len(cells) > 1,
            is_section=only_labels and len(cells) == 1,
            is_form=any(labels[first_value:]),
        )

    def keys(self) -> Keys:
        columns = self._columns()
        rows: dict[int, str] = {}
        bases: dict[int, str] = {}
        targets, paths = self._named_places()
        for (row, value), name in zip(targets, distinct_names(paths), strict=True):
            if value is None:
                rows[row] = name
            else:
                bases[value] = name
        for row, name in rows.items():
            values = [i for i in self.lines[row].cells if self._begins(i, row)]
            alone = len(values) == 1 and not columns.get(values[0])
            for i in values:
                cell = self.draft.cells[i]
                bases[i] = name if alone else f"{name}.{columns.get(i) or f'c{cell.col + 1}'}"
        order = sorted(bases)
        unique = dict(zip(order, numbered(bases[i] for i in order), strict=True))
        return Keys(rows, columns, unique, self._labels(rows, columns))

    def _labels(self, rows: Mapping[int, str], columns: Mapping[int, str]) -> dict[str, str]:
        """The text of the label nearest to every named row and column."""
        cells, owner = self.draft.cells, self.draft.owner
        texts: dict[str, str] = {}
        for row, name in rows.items():
            before = takewhile(lambda i: cells[i].label, self.lines[row].cells)
            texts[name] = "".join(cells[i].text for i in list(before)[-1:])
        for i, name in columns.items():
            above = (owner[row, cells[i].col] for row in range(cells[i].row - 1, -1, -1))
            header = (k for k in above if self.lines[cells[k].row].is_header)
            texts.setdefault(name, next((cells[k].text for k in header), ""))
        return texts

    def _begins(self, index: int, row: int) -> bool:
        cell = self.draft.cells[index]
        return not cell.label and cell.row == row

    def _named_places(self) -> tuple[list[tuple[int, int | None]], list[list[str]]]:
        """What needs a name, rows or single values of form rows, and the labels it has."""
        targets: list[tuple[int, int | None]] = []
        paths: list[list[str]] = []
        section = ""
        for row, line in enumerate(self.lines):
            if line.is_section:
                section = name_of(self.draft.cells[line.cells[0]].text)
            path = [section]
            for i in line.cells:
                cell = self.draft.cells[i]
                if cell.label:
                    path.append(name_of(cell.text))
                elif line.is_form and cell.row == row:
                    targets.append((row, i))
                    paths.append([*path[:-1], path[-1] or f"r{row + 1}c{cell.col + 1}"])
                elif cell.row == row:
                    targets.append((row, None))
                    paths.append([*path[:-1], path[-1] or self._row_number(row)])
                    break
        return targets, paths

    def _row_number(self, row: int) -> str:
        return "record" if row in self.draft.repeated else f"r{row + 1}"

    def _columns(self) -> dict[int, str]:
        """The column name of every value below a header: by its path in the nearest block."""
        names: dict[int, str] = {}
        header: dict[int, str] = {}
        block: list[int] = []
        for row, line in enumerate(self.lines):
            if line.is_header:
                block.append(row)
                continue
            if block:
                header = self._header_names(block)
                block = []
            if not line.is_form:
                for i in line.cells:
                    if self._begins(i, row) and header.get(self.draft.cells[i].col):
                        names[i] = header[self.draft.cells[i].col]
        return names

    def _header_names(self, block: Sequence[int]) -> dict[int, str]:
        cols = range(self.draft.shape[1])
        paths = []
        for col in cols:
            path = [
                name_of(self.draft.cells[i].text)
                for i in dict.fromkeys(self.draft.owner[row, col] for row in block)
            ]
            paths.append([*path[:-1], path[-1] or f"c{col + 1}"])
        return dict(zip(cols, distinct_names(paths), strict=True))


# --- HTML ---------------------------------------------------------------------------------------


def template_html(draft: Draft) -> str:
    """The drawing: `th` labels, `td` slots, with the attributes of docs/templates.md."""
    default = _most_common([c.type for c in draft.cells if not c.label and not c.choices])
    holders = _column_holders(draft)
    derived = _derived_keys(draft, holders)
    lines = [f'<table data-type="{default}">']
    if draft.title:
        lines.append(f"<caption>{escape(draft.title, quote=False)}</caption>")
    rows: list[list[int]] = [[] for _ in range(draft.shape[0])]
    for i, cell in enumerate(draft.cells):
        rows[cell.row].append(i)
    for row, cells in enumerate(rows):
        optional = bool(cells) and all(draft.cells[i].optional for i in cells)
        attributes = _attributes(
            {
                "data-key": draft.keys.rows.get(row),
                "data-optional": "" if optional else None,
                "data-repeated": "" if row in draft.repeated else None,
            }
        )
        drawn = "".join(
            _html_cell(draft, i, holders, derived, default, row_optional=optional) for i in cells
        )
        lines.append(f"  <tr{attributes}>{drawn}</tr>")
    return "\n".join([*lines, "</table>", ""])


def _most_common(types: Sequence[ValueType]) -> ValueType:
    return Counter(types).most_common(1)[0][0] if types else "text"


def _html_cell(
    draft: Draft,
    index: int,
    holders: Mapping[int, str],
    derived: Mapping[int, str],
    default: ValueType,
    *,
    row_optional: bool,
) -> str:
    cell = draft.cells[index]
    key = draft.keys.values.get(index)
    tag = "th" if cell.label else "td"
    attributes = _attributes(
        {
            "rowspan": str(cell.rowspan) if cell.rowspan > 1 else None,
            "colspan": str(cell.colspan) if cell.colspan > 1 else None,
            "data-key": holders.get(index)
            if cell.label
            else key
            if derived[index] != key
            else None,
            "data-type": None if cell.label or cell.choices or cell.type == default else cell.type,
            "data-choices": " | ".join(cell.choices) if cell.choices else None,
            "data-optional": "" if cell.optional and not row_optional else None,
        }
    )
    return f"<{tag}{attributes}>{escape(cell.text, quote=False) if cell.label else ''}</{tag}>"


def _attributes(given: Mapping[str, str | None]) -> str:
    """Attributes that have a value; an empty value is written as the name alone."""
    return "".join(
        f' {name}="{escape(value)}"' if value else f" {name}"
        for name, value in given.items()
        if value is not None
    )


def _column_holders(draft: Draft) -> dict[int, str]:
    """Header cells that carry a column's name: the nearest above each named value."""
    holders: dict[int, str] = {}
    nearest: dict[int, int] = {}
    for i, cell in enumerate(draft.cells):
        if cell.label and _is_header(draft, cell.row):
            nearest.update((col, i) for col in range(cell.col, cell.col + cell.colspan))
        elif i in draft.keys.columns and cell.col in nearest:
            above = draft.cells[nearest[cell.col]]
            if above.col + above.colspan <= cell.col + cell.colspan:
                holders.setdefault(nearest[cell.col], draft.keys.columns[i])
    return holders


def _is_header(draft: Draft, row: int) -> bool:
    """Whether a row has several labels and no value."""
    line = {draft.owner[row, col] for col in range(draft.shape[1])}
    return len(line) > 1 and all(draft.cells[i].label for i in line)


def _derived_keys(draft: Draft, holders: Mapping[int, str]) -> dict[int, str]:
    """The key that the template would give every value by itself (`template._with_keys`)."""
    derived: dict[int, str] = {}
    columns: dict[int, str] = {}
    for i, cell in enumerate(draft.cells):
        if cell.label:
            for col in range(cell.col, cell.col + cell.colspan):
                columns.pop(col, None)
                if i in holders:
                    columns[col] = holders[i]
        parts = [p for p in (draft.keys.rows.get(cell.row), columns.get(cell.col)) if p]
        derived[i] = ".".join(parts) or f"r{cell.row + 1}c{cell.col + 1}"
    return derived


# --- TOML ---------------------------------------------------------------------------------------


def template_toml(draft: Draft, rules: Sequence[Proposal] = (), sources: Sequence[str] = ()) -> str:
    """The settings: id, title, alternative labels, proposed rules; comments say what to check."""
    lines = [f"# Learned from {_comment(source)}." for source in sources]
    lines += [f"# Look at this: {_comment(note)}." for note in draft.notes[:MAX_NOTES]]
    if len(draft.notes) > MAX_NOTES:
        lines.append(f"# And at {len(draft.notes) - MAX_NOTES} places more.")
    lines.append(f"id = {toml_text(draft.id)}")
    if draft.title:
        lines.append(f"title = {toml_text(draft.title)}")
    if draft.aliases:
        lines += ["", "[aliases]"]
        lines += [f"{toml_text(text)} = {_toml_list(o)}" for text, o in draft.aliases.items()]
    for rule in rules:
        lines += [
            "",
            f"[[rules]]  # {_comment(rule.support)}",
            f"id = {toml_text(rule.id)}",
            f"left = {_toml_list(rule.left)}",
            f"right = {_toml_list(rule.right)}",
        ]
    return "\n".join([*lines, ""])


def toml_text(text: str) -> str:
    r"""A TOML basic string; control characters never get here (`examples.clean_text`).

    >>> toml_text('a "b" \\')
    '"a \\"b\\" \\\\"'
    """
    return f'"{text.translate(_BARE_TOML)}"'


def _toml_list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(toml_text, texts)) + "]"


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
