"""A template: one table layout as a directed acyclic graph of slots.

The layout is drawn as an intact HTML table. Compiled, it is the sequence of *all* grid
positions in reading order, each a slot: the origin of a label cell, the origin of a value cell,
a *continuation* (a position that a spanning cell covers beyond its origin), and a row end after
each row. Continuations and row ends are optional nodes: extractors may show them (a rectangle's
padding, the merged text repeated, the next line of a label drawn as several cells) or not. One
linear graph with optional nodes thus carries the reading orders that flattening produces.

Rules are sums over keys in which `*` binds the same text in every term: `"*.a" + "*.b" =
"*.total"` is one check for every row that has all three keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

import numpy as np

from tabrecover.errors import TemplateError
from tabrecover.fold import fold_text
from tabrecover.model import covering

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import networkx as nx
    import numpy.typing as npt

    from tabrecover.model import Role

__all__ = [
    "ANY_LABEL",
    "KINDS",
    "MAX_CELLS",
    "VALUE_TYPES",
    "Copies",
    "DrawnCell",
    "Look",
    "Repeated",
    "Rule",
    "RuleInstance",
    "Slot",
    "SlotKind",
    "Template",
    "TemplateCell",
    "ValueType",
    "compile_template",
    "template_graph",
]

ValueType = Literal["integer", "decimal", "percent", "text", "date", "choice"]
VALUE_TYPES: tuple[ValueType, ...] = get_args(ValueType)
MAX_CELLS = 20_000
REPEATED_KEY = "row"  # of repeated rows without a key
ANY_LABEL = "*"  # form of a label that may say anything; no folded text is like it
_T = TypeVar("_T")
_COPY = re.compile(r"\[\d*\]")


class SlotKind(IntEnum):
    """What a slot expects; the order is the column order of `scoring.Scoring.emission`."""

    INTEGER = 0
    DECIMAL = 1
    TEXT = 2
    LABEL = 3
    LABEL_CONTINUED = 4
    VALUE_CONTINUED = 5
    ROW_END = 6


KINDS: dict[ValueType, SlotKind] = {
    "integer": SlotKind.INTEGER, "decimal": SlotKind.DECIMAL, "percent": SlotKind.DECIMAL,
    "text": SlotKind.TEXT, "date": SlotKind.TEXT, "choice": SlotKind.TEXT,
}  # fmt: skip


class Look(NamedTuple):
    """How values of a cell are written where their kind does not say it all.

    `choices` are the folded texts that a choice has.
    """

    type: ValueType
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> SlotKind:
        """The kind of their slots."""
        return KINDS[self.type]


class Slot(NamedTuple):
    """A node of the template graph: its kind, and the cell it belongs to (-1: a row end)."""

    kind: SlotKind
    cell: int
    row: int
    optional: bool


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """A cell as the author drew it, before positions and keys are worked out."""

    role: Role
    text: str
    rowspan: int = 1
    colspan: int = 1
    key: str | None = None
    type: ValueType = "integer"
    optional: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateCell:
    """A cell of the layout: geometry, and the label's text or the value's key and type.

    `forms` are the folded texts that count as this label: its own and its aliases; `choices` the
    texts that a value of type choice has.
    """

    row: int
    col: int
    rowspan: int
    colspan: int
    role: Role
    text: str = ""
    key: str | None = None
    type: ValueType = "integer"
    optional: bool = False
    choices: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is a label that may say anything."""
        return self.forms == (ANY_LABEL,)

    @property
    def look(self) -> Look | None:
        """How its values are written; None where their kind says it all, and of labels."""
        if self.role == "label" or self.type in ("integer", "decimal", "text"):
            return None
        return Look(self.type, tuple(dict.fromkeys(map(fold_text, self.choices))))

    @property
    def name(self) -> str:
        """How messages call this cell."""
        what = f" {self.text!r}" if self.text else ""
        return f"row {self.row + 1}, column {self.col + 1}{what}"


@dataclass(frozen=True, slots=True)
class Rule:
    """`sum(left) = sum(right)` over key patterns with at most one `*` each."""

    id: str
    left: tuple[str, ...]
    right: tuple[str, ...]


class _RowKey(NamedTuple):
    """A row's key, and which copy of repeated rows it is in (0: none)."""

    key: str | None
    copy: int = 0


class RuleInstance(NamedTuple):
    """A rule bound to cells: indices into `Template.cells`."""

    name: str
    left: tuple[int, ...]
    right: tuple[int, ...]


Copies = tuple[int, ...]  # how often each group of repeated rows is there


@dataclass(frozen=True, slots=True)
class Repeated:
    """Rows `[first, stop)`, a group that stands for `least` to `most` copies of itself."""

    first: int
    stop: int
    least: int = 1
    most: int = MAX_CELLS

    @property
    def rows(self) -> range:
        """The rows of one copy."""
        return range(self.first, self.stop)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a layout is compiled from."""

    rows: tuple[tuple[str | None, tuple[DrawnCell, ...]], ...]
    aliases: dict[str, Sequence[str]]
    repeated: tuple[Repeated, ...]


@dataclass(frozen=True)
class Template:
    """A compiled layout.

    `slots` are the graph's nodes in topological (reading) order; `instances` its bound rules;
    `context` are phrases whose presence in a document speaks for this edition. Groups of rows that
    are `repeated` are there once; `unrolled` gives the layout with as many copies as a table has.
    `added` are rows that the layout lacks, put in for one table (`with_row`).
    """

    id: str
    title: str
    edition: str
    language: str
    n_rows: int
    n_cols: int
    cells: tuple[TemplateCell, ...] = field(repr=False)
    slots: tuple[Slot, ...] = field(repr=False)
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    instances: tuple[RuleInstance, ...] = field(default=(), repr=False)
    context: tuple[str, ...] = ()
    drawing: _Drawing | None = field(default=None, repr=False)  # where rows are repeated
    added: tuple[int, ...] = ()

    @property
    def repeated(self) -> tuple[Repeated, ...]:
        """The groups of rows that are repeated, in order."""
        return self.drawing.repeated if self.drawing else ()

    @property
    def least_rows(self) -> int:
        """Rows with as few copies of repeated ones as there may be."""
        return self.n_rows + sum((group.least - 1) * len(group.rows) for group in self.repeated)

    def unrolled(self, copies: Copies) -> Template:
        """The layout with so many copies of its groups of repeated rows; itself where none are.

        Their keys are numbered from 1: `row[1].name`, `row[2].name`.
        """
        if self.drawing is None or set(copies) == {1}:
            return self
        if copies not in self._unrolled:
            self._unrolled[copies] = _unroll(self, self.drawing, copies)
        return self._unrolled[copies]

    @cached_property
    def _unrolled(self) -> dict[Copies, Template]:
        return {}

    def with_row(self, below: int) -> Template:
        """The layout with a row more under row `below`, drawn as that one.

        Its labels may say anything, its values have no keys. What spans the row above spans it as
        well. Cells keep their indices; the new ones are the last.
        """
        moved = tuple(_making_room(cell, below) for cell in self.cells)
        own = (cell for cell in self.cells if cell.row == below and cell.rowspan == 1)
        new = tuple(
            replace(cell, row=below + 1, text="", key=None, optional=False, forms=())
            if cell.role == "value"
            else replace(cell, row=below + 1, text="", optional=False, forms=(ANY_LABEL,))
            for cell in own
        )
        return replace(
            self,
            n_rows=self.n_rows + 1,
            cells=moved + new,
            slots=_slots(moved + new, self.n_rows + 1, self.n_cols),
            drawing=None,
            added=tuple(sorted([*(row + (row > below) for row in self.added), below + 1])),
        )

    def slot_unrolled(self, slot: int, copies: Copies) -> int:
        """Where a slot of this layout is in the unrolled one: in the first copy, if in any."""
        above = sum(
            (times - 1) * len(group.rows)
            for group, times in zip(self.repeated, copies, strict=True)
            if self.slots[slot].row >= group.stop
        )
        return slot + above * (self.n_cols + 1)

    def slots_of(self, group: Repeated) -> Sequence[Slot]:
        """The slots of one copy of a group of repeated rows."""
        width = self.n_cols + 1
        return self.slots[group.first * width : group.stop * width]

    @cached_property
    def slots_repeated(self) -> tuple[Slot, ...]:
        """The slots of one copy of each group."""
        return tuple(slot for group in self.repeated for slot in self.slots_of(group))

    @cached_property
    def slot_kinds(self) -> npt.NDArray[np.int64]:
        """The kind of every slot."""
        return np.array([slot.kind for slot in self.slots], dtype=np.int64)

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        """How values are written, each look once."""
        return tuple(dict.fromkeys(look for cell in self.cells if (look := cell.look)))

    @cached_property
    def slot_looks(self) -> npt.NDArray[np.int64]:
        """The number of the look that every slot has, -1 where it has none."""
        number = {look: k for k, look in enumerate(self.looks)}
        own = [number[look] if (look := cell.look) else -1 for cell in self.cells]
        return np.array(
            [own[slot.cell] if slot.kind <= SlotKind.TEXT else -1 for slot in self.slots],
            dtype=np.int64,
        )

    @cached_property
    def number_forms(self) -> frozenset[str]:
        """Forms of labels that are numbers, as those that count columns or lines."""
        forms = (form for cell in self.cells for form in cell.forms)
        return frozenset(form for form in forms if form.isdecimal())

    @cached_property
    def label_forms(self) -> tuple[tuple[str, ...] | None, ...]:
        """The forms of the label at every slot that may show one; None at the others."""
        labels = (SlotKind.LABEL, SlotKind.LABEL_CONTINUED)
        return tuple(self.cells[s.cell].forms if s.kind in labels else None for s in self.slots)

    @cached_property
    def optional_slots(self) -> npt.NDArray[np.bool_]:
        """Which slots belong to labels and values that a table may leave out."""
        return np.array([s.optional and s.kind <= SlotKind.LABEL for s in self.slots], dtype=bool)

    @cached_property
    def optional_heads(self) -> dict[int, tuple[int, ...]]:
        """By slot of an optional value, the slots of the optional labels beside and above it."""
        width = self.n_cols + 1
        labels = [cell for cell in self.cells if cell.optional and cell.role == "label"]
        heads: dict[int, tuple[int, ...]] = {}
        for number in np.flatnonzero(self.optional_slots).tolist():
            row, col = divmod(number, width)
            if self.slots[number].kind <= SlotKind.TEXT:
                heads[number] = tuple(
                    [
                        label.row * width + label.col
                        for label in labels
                        if label.row <= row < label.row + label.rowspan
                        or (label.row < row and label.col <= col < label.col + label.colspan)
                    ]
                )
        return heads

    @cached_property
    def rows_of_values(self) -> frozenset[int]:
        """Rows that have both a label of their own and values: those that may be left out."""
        labels = {slot.row for slot in self.slots if slot.kind == SlotKind.LABEL}
        return frozenset(s.row for s in self.slots if s.kind <= SlotKind.TEXT and s.row in labels)

    @cached_property
    def most_values(self) -> int:
        """How many values the row with most of them has."""
        rows = [slot.row for slot in self.slots if slot.kind <= SlotKind.TEXT]
        return max(map(rows.count, set(rows)), default=0)

    @cached_property
    def values_of_last_row(self) -> int:
        """How many values the last row has, if it has a label of its own; else 0."""
        last = self.n_rows - 1
        return last in self.rows_of_values and sum(
            slot.row == last and slot.kind <= SlotKind.TEXT for slot in self.slots
        )

    @cached_property
    def row_labels(self) -> dict[int, int]:
        """The label nearest to the left in the row of every value cell that has one, by index."""
        owner = covering(self.cells)
        nearest: dict[int, int] = {}
        for i, cell in enumerate(self.cells):
            lefts = (owner[cell.row, c] for c in range(cell.col - 1, -1, -1))
            label = next((j for j in lefts if self.cells[j].role == "label"), None)
            if cell.role == "value" and label is not None:
                nearest[i] = label
        return nearest

    @cached_property
    def geometry(self) -> int:
        """Equal for templates that bind the same keys to the same labels in the same grid."""
        return hash(tuple((c.row, c.col, c.rowspan, c.colspan, c.text, c.key) for c in self.cells))


def compile_template(
    rows: Sequence[tuple[str | None, Sequence[DrawnCell]]],
    *,
    id: str,  # noqa: A002 - the name users see
    title: str = "",
    edition: str = "",
    language: str = "",
    aliases: dict[str, Sequence[str]] | None = None,
    rules: Sequence[Rule] = (),
    context: Sequence[str] = (),
    repeated: Sequence[Repeated] = (),
    file: str = "",
    settings_file: str = "",
) -> Template:
    """Work out positions, keys and slots of a drawn table.

    `rows` pairs each row's key (or None) with its cells, left to right, as HTML has them;
    `repeated` are groups that stand for any number of copies. Raises `TemplateError`, naming `file`
    and the cell, where the drawing is not a grid, or `settings_file` and the entry, where aliases
    or rules don't fit it.
    """
    placed, n_rows, n_cols = _place(rows, file)
    if not any(cell.role == "label" and cell.text for cell in placed):
        raise TemplateError("no labels; a table is found by its <th> cells", file=file)
    if not any(cell.role == "value" for cell in placed):
        raise TemplateError("no values; draw the cells to be filled as <td>", file=file)
    for group in repeated:
        _check_repeated(placed, group, file)
    if repeated:
        _check_brackets(rows, file)
    keyed = _with_keys(placed, _row_keys(rows, repeated, (1,) * len(repeated)), file)
    cells = _with_forms(keyed, aliases or {}, settings_file)
    drawn = tuple((key, tuple(drawn_row)) for key, drawn_row in rows)
    template = Template(
        id=id,
        title=title,
        edition=edition or id,
        language=language,
        n_rows=n_rows,
        n_cols=n_cols,
        cells=cells,
        slots=_slots(cells, n_rows, n_cols),
        rules=tuple(rules),
        instances=_bind(rules, cells, settings_file),
        context=(id, *context),
        drawing=_Drawing(drawn, aliases or {}, tuple(repeated)) if repeated else None,
    )
    if template.least_rows * n_cols > MAX_CELLS:
        raise TemplateError(
            f"the repeated rows stand there so often that more than {MAX_CELLS} grid positions are "
            "needed; lower the first number of data-repeated",
            file=file,
        )
    return template


def _unroll(template: Template, drawing: _Drawing, copies: Copies) -> Template:
    blocks = [drawing.rows[group.first : group.stop] for group in drawing.repeated]
    rows = _written_out(drawing.rows, drawing.repeated, list(map(mul, blocks, copies)))
    placed, n_rows, n_cols = _place(rows, "")
    keyed = _with_keys(placed, _row_keys(drawing.rows, drawing.repeated, copies), "")
    cells = _with_forms(keyed, drawing.aliases, "")
    return replace(
        template,
        n_rows=n_rows,
        cells=cells,
        slots=_slots(cells, n_rows, n_cols),
        instances=_bind(template.rules, cells, ""),
        drawing=None,
    )


def _written_out(
    rows: Sequence[_T], groups: Sequence[Repeated], blocks: Sequence[Sequence[_T]]
) -> list[_T]:
    """The rows with a block in the place of each group."""
    written: list[_T] = []
    stop = 0
    for group, block in zip(groups, blocks, strict=True):
        written += [*rows[stop : group.first], *block]
        stop = group.stop
    return [*written, *rows[stop:]]


def _making_room(cell: TemplateCell, below: int) -> TemplateCell:
    if cell.row > below:
        return replace(cell, row=cell.row + 1)
    if cell.rowspan > 1 and below < cell.row + cell.rowspan:
        return replace(cell, rowspan=cell.rowspan + 1)
    return cell


def _check_brackets(rows: Sequence[tuple[str | None, Sequence[DrawnCell]]], file: str) -> None:
    keys = [key for row_key, cells in rows for key in (row_key, *(cell.key for cell in cells))]
    taken = next((key for key in keys if key and _COPY.search(key)), None)
    if taken is not None:
        raise TemplateError(
            f"key {taken!r}: a number in brackets tells copies of repeated rows apart; "
            "take another key",
            file=file,
        )


def _check_repeated(cells: Sequence[TemplateCell], group: Repeated, file: str) -> None:
    for cell in cells:
        rows = range(cell.row, cell.row + cell.rowspan)
        inside = sum(row in group.rows for row in rows)
        if 0 < inside < len(rows):
            raise TemplateError(
                "spans repeated rows and others; end its span with the repeated rows",
                file=file,
                node=cell.name,
            )


def _row_keys(
    rows: Sequence[tuple[str | None, Sequence[DrawnCell]]],
    repeated: Sequence[Repeated],
    copies: Copies,
) -> list[_RowKey]:
    """The key of every row; of repeated ones with the number of the copy.

    Those without a key of their own are called by their number, if there are several.
    """
    keys = [_RowKey(key) for key, _ in rows]
    is_alone = sum(len(group.rows) for group in repeated) == 1
    number = 0
    blocks = []
    for group, times in zip(repeated, copies, strict=True):
        names = []
        for row in group.rows:
            number += 1
            names.append(keys[row].key or (REPEATED_KEY if is_alone else f"{REPEATED_KEY}{number}"))
        blocks.append([_RowKey(f"{name}[{n}]", n) for n in range(1, times + 1) for name in names])
    return _written_out(keys, repeated, blocks)


def _place(
    rows: Sequence[tuple[str | None, Sequence[DrawnCell]]], file: str
) -> tuple[list[TemplateCell], int, int]:
    """Grid positions by the HTML table model, but with overlaps and holes as errors."""
    taken: dict[tuple[int, int], TemplateCell] = {}
    cells: list[TemplateCell] = []
    for r, (_, drawn_row) in enumerate(rows):
        col = 0
        for drawn in drawn_row:
            while (r, col) in taken:
                col += 1
            cell = TemplateCell(
                r, col, drawn.rowspan, drawn.colspan, drawn.role, drawn.text,
                drawn.key, drawn.type, drawn.optional, drawn.choices,
            )  # fmt: skip
            if len(taken) + cell.rowspan * cell.colspan > MAX_CELLS:
                raise TemplateError(f"more than {MAX_CELLS} grid positions", file=file)
            _claim(taken, cell, len(rows), file)
            cells.append(cell)
            col += drawn.colspan
    if not cells:
        raise TemplateError("the table has no cells", file=file)
    n_cols = max(c.col + c.colspan for c in cells)
    for r in range(len(rows)):
        for c in range(n_cols):
            if (r, c) not in taken:
                raise TemplateError(
                    "no cell covers this position; add a cell or widen a span",
                    file=file,
                    node=f"row {r + 1}, column {c + 1}",
                )
    return cells, len(rows), n_cols


def _claim(
    taken: dict[tuple[int, int], TemplateCell], cell: TemplateCell, n_rows: int, file: str
) -> None:
    if cell.row + cell.rowspan > n_rows:
        raise TemplateError(
            f"rowspan {cell.rowspan} reaches below the last row ({n_rows})",
            file=file,
            node=cell.name,
        )
    for r in range(cell.row, cell.row + cell.rowspan):
        for c in range(cell.col, cell.col + cell.colspan):
            if (other := taken.get((r, c))) is not None:
                raise TemplateError(
                    f"overlaps the cell at {other.name}; reduce one of their spans",
                    file=file,
                    node=cell.name,
                )
            taken[r, c] = cell


def _with_keys(
    cells: Sequence[TemplateCell], row_keys: Sequence[_RowKey], file: str
) -> list[TemplateCell]:
    """Give every value a key: its own, or row key and column key joined, or its position.

    In a copy of repeated rows all keys have its number.
    """
    column_keys: dict[int, str] = {}
    seen: dict[str, TemplateCell] = {}
    result: list[TemplateCell] = []
    for cell in sorted(cells, key=lambda c: (c.row, c.col)):
        if cell.role == "label":
            for c in range(cell.col, cell.col + cell.colspan):
                column_keys.pop(c, None)
                if cell.key:
                    column_keys[c] = cell.key
            result.append(replace(cell, key=None))
            continue
        row_key, copy = row_keys[cell.row]
        column_key = column_keys.get(cell.col) or (f"c{cell.col + 1}" if copy else None)
        own = _numbered(cell.key, row_key or "", copy) if cell.key and copy else cell.key
        parts = [part for part in (row_key, column_key) if part]
        key = own or ".".join(parts) or f"r{cell.row + 1}c{cell.col + 1}"
        if key in seen:
            raise TemplateError(
                f"key {key!r} is taken by {seen[key].name}; set data-key on one of them",
                file=file,
                node=cell.name,
            )
        seen[key] = cell
        result.append(replace(cell, key=key))
    return result


def _numbered(key: str, row_key: str, copy: int) -> str:
    """The key of a value in a copy of repeated rows: `row.name` is `row[1].name`."""
    row = row_key.removesuffix(f"[{copy}]")
    return row_key + key[len(row) :] if key.startswith(f"{row}.") else f"{key}[{copy}]"


def _with_forms(
    cells: Sequence[TemplateCell], aliases: dict[str, Sequence[str]], file: str
) -> tuple[TemplateCell, ...]:
    labels = {cell.text for cell in cells if cell.role == "label"}
    for label in aliases:
        if label not in labels:
            raise TemplateError(f"aliases for {label!r}, which is no label of the table", file=file)
    result = []
    for cell in cells:
        texts = (cell.text, *aliases.get(cell.text, ())) if cell.role == "label" else ()
        forms = tuple(dict.fromkeys(form for form in map(fold_text, texts) if form))
        result.append(replace(cell, forms=forms))
    return tuple(result)


def _slots(cells: Sequence[TemplateCell], n_rows: int, n_cols: int) -> tuple[Slot, ...]:
    owner = covering(cells)
    slots: list[Slot] = []
    for r in range(n_rows):
        for c in range(n_cols):
            index = owner[r, c]
            slots.append(_slot(cells[index], index, r, c))
        slots.append(Slot(SlotKind.ROW_END, -1, r, optional=True))
    return tuple(slots)


def _slot(cell: TemplateCell, index: int, row: int, col: int) -> Slot:
    if (row, col) == (cell.row, cell.col):
        if cell.role == "label":
            kind = SlotKind.LABEL if cell.forms else SlotKind.LABEL_CONTINUED
        else:
            kind = KINDS[cell.type]
        return Slot(kind, index, row, cell.optional)
    continued = SlotKind.LABEL_CONTINUED if cell.role == "label" else SlotKind.VALUE_CONTINUED
    return Slot(continued, index, row, optional=True)


def _bind(
    rules: Sequence[Rule], cells: Sequence[TemplateCell], file: str
) -> tuple[RuleInstance, ...]:
    by_key = {cell.key: i for i, cell in enumerate(cells) if cell.key is not None}
    instances: list[RuleInstance] = []
    for drawn in rules:
        rule = _over_copies(drawn, by_key)
        terms = (*rule.left, *rule.right)
        if not rule.left or not rule.right or any(term.count("*") > 1 for term in terms):
            raise TemplateError(
                "a rule needs keys on both sides, each with one '*' at most",
                file=file,
                node=f"rule {rule.id!r}",
            )
        found = [
            instance
            for binding in _bindings(terms, by_key)
            if (instance := _instance(rule, binding, by_key)) is not None
        ]
        if not found:
            raise TemplateError(
                f"matches no cells{_unmatched(terms, by_key)}; keys are, for example, "
                f"{', '.join(sorted(by_key)[:3])}",
                file=file,
                node=f"rule {rule.id!r}",
            )
        instances += found
    return tuple(instances)


def _over_copies(rule: Rule, by_key: Collection[str]) -> Rule:
    """The rule with each `[]` written out: one term for every copy of its group of rows."""

    def copies(term: str) -> int:
        pattern = re.escape(term).replace(r"\[\]", r"\[(\d+)\]").replace(r"\*", ".+")
        found = filter(None, map(re.compile(pattern).fullmatch, by_key))
        return max((int(match.group(1)) for match in found), default=1)

    def written_out(terms: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            term.replace("[]", f"[{copy}]")
            for term in terms
            for copy in (range(1, copies(term) + 1) if "[]" in term else (0,))
        )

    return Rule(rule.id, written_out(rule.left), written_out(rule.right))


def _unmatched(terms: Sequence[str], by_key: dict[str, int]) -> str:
    """The first term that fits no key at all, for a message."""
    for term in terms:
        pattern = re.compile(re.escape(term).replace(r"\*", ".+"))
        if not any(pattern.fullmatch(key) for key in by_key):
            return f" ({term!r} fits none)"
    return ""


def _bindings(terms: Sequence[str], by_key: dict[str, int]) -> list[str]:
    """What `*` can stand for: every text that fits the first starred term, in cell order."""
    starred = next((term for term in terms if "*" in term), None)
    if starred is None:
        return [""]
    pattern = re.compile(re.escape(starred).replace(r"\*", "(.+)"))
    return [m.group(1) for key in by_key if (m := pattern.fullmatch(key))]


def _instance(rule: Rule, binding: str, by_key: dict[str, int]) -> RuleInstance | None:
    left = [by_key.get(term.replace("*", binding), -1) for term in rule.left]
    right = [by_key.get(term.replace("*", binding), -1) for term in rule.right]
    if -1 in left or -1 in right:
        return None
    name = f"{rule.id}: {binding}" if binding else rule.id
    return RuleInstance(name, tuple(left), tuple(right))


def template_graph(template: Template) -> nx.DiGraph[int]:
    """The template as a networkx graph: a node per slot, an edge for each allowed step.

    Steps lead to the next slot and over optional slots. Raises `TemplateError` if the graph is
    not acyclic or some required slot can't be reached (it never is for compiled templates).
    """
    import networkx as nx  # noqa: PLC0415 - heavy, and only needed to look at a template

    graph: nx.DiGraph[int] = nx.DiGraph(template=template.id)
    for i, slot in enumerate(template.slots):
        cell = template.cells[slot.cell] if slot.cell >= 0 else None
        graph.add_node(
            i,
            kind=slot.kind.name.lower(),
            row=slot.row,
            optional=slot.optional,
            label=(cell.text or cell.key or "") if cell else "",
        )
    for i in range(len(template.slots)):
        for j in range(i + 1, len(template.slots)):
            graph.add_edge(i, j)
            if not template.slots[j].optional:
                break
    if not nx.is_directed_acyclic_graph(graph):
        raise TemplateError("the slot graph has a cycle", node=template.id)
    return graph
