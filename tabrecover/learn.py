"""Layouts from filled examples: what stays is a label, what varies is a value slot.

The examples of one layout are brought onto one grid, by an alignment of their rows (and of their
columns, where their numbers differ; `axis`). A row that only some examples have is a gap for the
others, and so optional. Rows alike whose words don't recur are records: they become one repeated
row. The field calls the idea wrapper induction; the repeated row is its iterator (Crescenzi, Mecca,
Merialdo: RoadRunner, 2001).

From one example alone, labels are guessed (`guess`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, pairwise
from typing import NamedTuple

from rapidfuzz import fuzz

from tabrecover.axis import common_axis, lines_of
from tabrecover.draft import Draft, DraftCell
from tabrecover.errors import UsageError
from tabrecover.examples import Example, ExampleCell
from tabrecover.fold import fold_text
from tabrecover.guess import MIN_ALIKE, guess_labels, is_number, is_words
from tabrecover.lex_html import MAX_SPAN
from tabrecover.looks import written_as
from tabrecover.model import covering
from tabrecover.scoring import UnitKind
from tabrecover.template import MAX_CELLS, ValueType
from tabrecover.units import classify, number_of

__all__ = ["Layout", "group_examples", "learn_layout"]

ALIKE = 0.8  # of the labels in common: tables of one layout, whatever they are called
NAMED_ALIKE = 0.5  # ... if they are said to be: by the same id or caption, or by the user
SPELLING = 60  # per cent of characters in common: one label written in two ways
MAX_CHOICES, MAX_CHOICE = 6, 30  # texts of a choice, and characters of each
MIN_CHOSEN = 4  # times that each of them comes; fewer may be names that recur
MAX_OTHER_TEXTS = 2  # more texts than that, each in one example only, are values


@dataclass(frozen=True)
class _Seen:
    """An example with its guessed labels and its words, folded."""

    example: Example
    labels: frozenset[int]

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Folded words of every cell; nothing for numbers, marks and blanks."""
        return tuple(_fold(c.text) if is_words(c.text) else "" for c in self.example.cells)

    @cached_property
    def skeleton(self) -> Counter[str]:
        """The labels' texts."""
        return Counter(self.folded[i] for i in self.labels if self.folded[i])

    @cached_property
    def top(self) -> Counter[str]:
        """The words of the first row; all that the examples of a list of records share."""
        first = zip(self.example.cells, self.folded, strict=True)
        return Counter(word for cell, word in first if word and cell.row == 0)


@dataclass(frozen=True)
class Layout:
    """What was learned: the draft, and every value's texts, a tuple per example.

    `texts[i][e]` is the text of draft cell `i` in example `e`, None where the example lacks it;
    repeated rows have none.
    """

    draft: Draft
    examples: tuple[Example, ...] = field(repr=False)
    texts: Mapping[int, tuple[str | None, ...]] = field(default_factory=dict, repr=False)


def _fold(text: str) -> str:
    return fold_text(text) or text


# --- which tables belong together ---------------------------------------------------------------


def group_examples(examples: Iterable[Example]) -> list[list[Example]]:
    """Tables of one layout together, in the order of their first ones.

    One layout: the same `id` attribute; or the same caption and half of the labels (of all, or of
    the first row); or nearly all labels. Raises `UsageError` for tables that share an id but not
    half of their labels.
    """
    groups: list[list[_Seen]] = []
    known: dict[tuple[str, str], list[int]] = {}  # groups by what their first tables have
    for example in examples:
        seen = _Seen(example, guess_labels(example))
        near = sorted({n for trait in _traits(seen) for n in known.get(trait, ())})
        home = next((n for n in near if _same_layout(groups[n][0], seen)), len(groups))
        if home < len(groups):
            groups[home].append(seen)
            continue
        groups.append([seen])
        for trait in _traits(seen):
            known.setdefault(trait, []).append(home)
    return [[seen.example for seen in group] for group in groups]


def _traits(seen: _Seen) -> set[tuple[str, str]]:
    """What tables of one layout have in common at least one of."""
    labels = {("label", text) for text in (*seen.skeleton, *seen.top)}
    return labels | ({("id", seen.example.id)} if seen.example.id else set())


def _same_layout(one: _Seen, other: _Seen) -> bool:
    a, b = one.example, other.example
    if a.id and a.id == b.id:
        if not _related(one, other):
            raise UsageError(
                f"{b.place}: has the id {b.id!r} of {a.place}, but not half of its labels; "
                "rename one of them, or learn them apart"
            )
        return True
    same_caption = bool(a.caption) and _fold(a.caption) == _fold(b.caption)
    if same_caption:
        return _related(one, other)
    return _share(one.skeleton, other.skeleton) >= ALIKE


def _related(one: _Seen, other: _Seen) -> bool:
    """Whether two tables that are said to be of one layout can be: by all labels, or the top's."""
    return max(_share(one.skeleton, other.skeleton), _share(one.top, other.top)) >= NAMED_ALIKE


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Labels in common, as a share of the larger table's labels."""
    return (one & other).total() / max(one.total(), other.total(), 1)


# --- one grid -----------------------------------------------------------------------------------


class _Rectangle(NamedTuple):
    row: int
    col: int
    rowspan: int
    colspan: int


@dataclass(frozen=True, slots=True)
class _Joined:
    """A cell of the common grid: its index in every example (-1: drawn otherwise; None: none)."""

    at: _Rectangle
    indices: tuple[int | None, ...]


class _Common:
    """The common grid of some examples."""

    def __init__(self, seen: Sequence[_Seen]) -> None:
        self.seen = seen
        self.rows, n_rows = common_axis([lines_of(s.example, s.folded, 0) for s in seen])
        if len({s.example.shape[1] for s in seen}) == 1:
            n_cols = seen[0].example.shape[1]
            self.cols = [list(range(n_cols))] * len(seen)
        else:
            self.cols, n_cols = common_axis([lines_of(s.example, s.folded, 1) for s in seen])
        self.shape = (n_rows, n_cols)
        self.has_row = [frozenset(rows) for rows in self.rows]
        self.has_col = [frozenset(cols) for cols in self.cols]

    def cells(self) -> list[_Joined]:
        """Cells that most examples draw; where drawings contradict, the rest is left to holes."""
        candidates = {
            self._stretched(number, cell): None
            for number, s in enumerate(self.seen)
            for cell in map(_rectangle, s.example.cells)
        }
        joined = [_Joined(at, self._indices(at)) for at in candidates]
        joined.sort(key=lambda j: (-_support(j), -j.at.rowspan * j.at.colspan, j.at))
        taken: set[tuple[int, int]] = set()
        chosen = []
        for cell in joined:
            area = covering([cell.at]).keys()
            if not area & taken:
                taken |= area
                chosen.append(cell)
        n_rows, n_cols = self.shape
        for r in range(n_rows):
            for c in range(n_cols):
                if (r, c) not in taken:
                    hole = _Rectangle(r, c, 1, 1)
                    chosen.append(_Joined(hole, self._indices(hole)))
        return sorted(chosen, key=lambda j: j.at)

    def _stretched(self, number: int, cell: _Rectangle) -> _Rectangle:
        """A cell of one example on the common grid, with what others have between its rows."""
        rows, cols = self.rows[number], self.cols[number]
        row, col = rows[cell.row], cols[cell.col]
        end_row = rows[cell.row + cell.rowspan - 1] + 1
        end_col = cols[cell.col + cell.colspan - 1] + 1
        return _Rectangle(row, col, end_row - row, end_col - col)

    def _indices(self, at: _Rectangle) -> tuple[int | None, ...]:
        return tuple(self._index(number, at) for number in range(len(self.seen)))

    def _index(self, number: int, at: _Rectangle) -> int | None:
        """The cell of an example that is drawn as `at`, as far as the example has its lines."""
        row, end_row = _within(self.rows[number], at.row, at.rowspan)
        col, end_col = _within(self.cols[number], at.col, at.colspan)
        if row == end_row or col == end_col:
            return None
        example = self.seen[number].example
        index = example.owner[row, col]
        drawn = _Rectangle(row, col, end_row - row, end_col - col)
        return index if _rectangle(example.cells[index]) == drawn else -1


def _rectangle(cell: ExampleCell) -> _Rectangle:
    return _Rectangle(cell.row, cell.col, cell.rowspan, cell.colspan)


def _within(places: Sequence[int], start: int, span: int) -> tuple[int, int]:
    """Which lines of an example lie in a stretch of the common axis, half-open."""
    return bisect_left(places, start), bisect_left(places, start + span)


def _is_drawn(index: int | None) -> bool:
    return index is not None and index >= 0


def _support(cell: _Joined) -> int:
    """How many examples draw the cell as it is."""
    return sum(map(_is_drawn, cell.indices))


# --- labels and values --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judged:
    """A cell of the common grid with its texts, one per example that has it."""

    at: _Rectangle
    texts: tuple[str | None, ...]
    label: bool
    optional: bool = False
    declared: bool = False  # as a label, by the sources themselves
    more: tuple[str, ...] = ()  # texts of further records


class _Judge:
    """Tells labels from values on the common grid."""

    def __init__(self, common: _Common) -> None:
        self.common = common
        self.seen = common.seen
        self.joined = common.cells()
        self.owner = covering([j.at for j in self.joined])
        self.texts = [self._texts(j) for j in self.joined]
        self.guessed = [self._is_guessed(j) for j in self.joined]
        self.declared = [self._is_declared(j) for j in self.joined]

    def cells(self) -> list[_Judged]:
        """All cells, judged; in reading order."""
        fixed_numbers = self._fixed_numbers()
        labels = {k for k in range(len(self.joined)) if self._is_label(k)} | fixed_numbers
        labels |= self._blank_labels(labels)
        return [
            _Judged(j.at, self.texts[k], k in labels, self._is_optional(j), self.declared[k])
            for k, j in enumerate(self.joined)
        ]

    def _texts(self, joined: _Joined) -> tuple[str | None, ...]:
        return tuple(
            s.example.cells[i].text if i is not None and i >= 0 else None
            for s, i in zip(self.seen, joined.indices, strict=True)
        )

    def _is_guessed(self, joined: _Joined) -> bool:
        """Whether each example that has the cell takes it for a label, by marks or by looks."""
        return _support(joined) > 0 and all(
            i in s.labels for s, i in zip(self.seen, joined.indices, strict=True) if _is_drawn(i)
        )

    def _is_declared(self, joined: _Joined) -> bool:
        """Whether the sources themselves mark it as a label."""
        return _support(joined) > 0 and all(
            i is not None and s.example.cells[i].label
            for s, i in zip(self.seen, joined.indices, strict=True)
            if _is_drawn(i)
        )

    def _is_label(self, k: int) -> bool:
        texts = [text for text in self.texts[k] if text is not None]
        if len(texts) < 2:
            return self.guessed[k]
        distinct = {_fold(text) for text in texts if text}
        if self.guessed[k]:
            few = len(distinct) <= max(MAX_OTHER_TEXTS, len(texts) - 1)
            recur = len(distinct) < max(len(texts), 2)
            return few and (recur or self.declared[k] or _similar(distinct))
        constant = len(distinct) == 1 and 2 * sum(map(bool, texts)) > len(texts)
        return constant and any(map(is_words, texts)) and not self._has_declared_label(k)

    def _has_declared_label(self, k: int) -> bool:
        """Whether the markup itself says that this is a value: its row is labelled, it is not."""
        at = self.joined[k].at
        return any(self.declared[self.owner[at.row, col]] for col in range(at.col))

    def _fixed_numbers(self) -> set[int]:
        """Rows and columns of several numbers that are the same in all examples.

        Such numbers are labels above the first cell that varies, as years are, and anywhere if
        they go up or down, as numbers of lines do.
        """
        if len(self.seen) < 2:
            return set()
        varies = {k for k, texts in enumerate(self.texts) if len(set(filter(None, texts))) > 1}
        top = min((self.joined[k].at.row for k in varies), default=0)
        found: set[int] = set()
        for axis in (0, 1):
            lines: dict[int, list[int]] = {}
            for k, joined in enumerate(self.joined):
                lines.setdefault(joined.at[axis], []).append(k)
            for number, line in lines.items():
                numbers = [k for k in line if self._is_fixed_number(k)]
                in_header = axis == 0 and number < top
                if varies.isdisjoint(line) and (in_header or self._goes_one_way(numbers)):
                    found |= {k for k in numbers if not self._has_declared_label(k)}
        return found

    def _goes_one_way(self, numbers: Sequence[int]) -> bool:
        amounts = [number_of(self.texts[k][0] or "") or 0 for k in numbers]
        steps = {(b > a) - (b < a) for a, b in pairwise(amounts)}
        return len(numbers) >= MIN_ALIKE and len(steps) == 1 and 0 not in steps

    def _is_fixed_number(self, k: int) -> bool:
        return len(set(self.texts[k])) == 1 and is_number(self.texts[k][0] or "")

    def _blank_labels(self, labels: set[int]) -> set[int]:
        """Blank cells among labels: corners of the header, and gaps in a column of row labels."""
        n_rows, n_cols = self.common.shape
        filled = {k for k, texts in enumerate(self.texts) if k not in labels and any(texts)}
        top = min((self.joined[k].at.row for k in filled), default=0)
        rows_of_values = {self.joined[k].at.row for k in filled}
        found: set[int] = set()
        for row in range(top):
            line = {self.owner[row, col] for col in range(n_cols)}
            found |= line - labels if line & labels else set()
        for col in range(n_cols):
            line = {self.owner[row, col] for row in range(top, n_rows)}
            beside = [k for k in line & labels if self.joined[k].at.row in rows_of_values]
            if len(beside) > 1 and filled.isdisjoint(line):
                found |= line - labels
        return {k for k in found if not any(self.texts[k]) and not self._has_declared_label(k)}

    def _is_optional(self, joined: _Joined) -> bool:
        """Whether some example lacks all of the cell's rows, or all of its columns."""
        return any(index is None for index in joined.indices)


def _similar(texts: Collection[str]) -> bool:
    """Whether all texts are spellings of the first."""
    first, *others = sorted(texts)
    return all(fuzz.ratio(first, other) >= SPELLING for other in others)


# --- repeated rows ------------------------------------------------------------------------------


class _Run(NamedTuple):
    """Rows `[start, end)` of the common grid that are records."""

    start: int
    end: int


class _Records:
    """Finds runs of rows alike that don't recur from example to example."""

    def __init__(self, common: _Common, cells: Sequence[_Judged]) -> None:
        self.common = common
        self.rows: list[list[_Judged]] = [[] for _ in range(common.shape[0])]
        for cell in cells:
            for row in range(cell.at.row, cell.at.row + cell.at.rowspan):
                self.rows[row].append(cell)

    def runs(self) -> list[_Run]:
        """All runs, in order."""
        found = []
        for _, group in groupby(range(len(self.rows)), key=self._shape_or_row):
            rows = list(group)
            candidate = self._records_of(rows)
            if candidate is not None:
                found.append(candidate)
        return found

    def _shape_or_row(self, row: int) -> object:
        """Equal for rows alike; a row that shares a cell with another is like no other."""
        if any(cell.at.rowspan > 1 for cell in self.rows[row]):
            return row
        return tuple((cell.at.col, cell.at.colspan, cell.declared) for cell in self.rows[row])

    def _records_of(self, rows: Sequence[int]) -> _Run | None:
        if len(self.common.seen) == 1:
            return self._unlabelled(rows)
        unstable = [row for row in rows if not self._recurs(row)]
        if not unstable:
            return None
        run = range(unstable[0], unstable[-1] + 1)
        shown = [sum(row in has for row in run) for has in self.common.has_row]
        few = max(shown) < 2 or min(shown) < 1
        if few or (2 * len(unstable) < len(run) and not self._crosses(run)):
            return None
        return _Run(run.start, run.stop)

    def _unlabelled(self, rows: Sequence[int]) -> _Run | None:
        """Of one example: rows without any label, several of them."""
        free = [row for row in rows if not any(cell.label for cell in self.rows[row])]
        if len(free) < MIN_ALIKE or free != list(range(free[0], free[-1] + 1)):
            return None
        return _Run(free[0], free[-1] + 1)

    def _names(self, row: int) -> list[str | None]:
        """The first words of the row in every example that has it, else None."""
        names: list[str | None] = []
        for number, has in enumerate(self.common.has_row):
            texts = (cell.texts[number] or "" for cell in self.rows[row])
            names.append(_fold(next(filter(is_words, texts), "")) if row in has else None)
        return names

    def _recurs(self, row: int) -> bool:
        """Whether the row is in more than one example, under one name."""
        shown = [name for name in self._names(row) if name is not None]
        return len(shown) > 1 and len(set(shown)) == 1 and shown[0] != ""

    def _crosses(self, run: Iterable[int]) -> bool:
        """Whether a name stands in several rows: examples have the same names in other orders."""
        homes: dict[str, set[int]] = {}
        for row in run:
            for name in filter(None, self._names(row)):
                homes.setdefault(name, set()).add(row)
        return any(len(rows) > 1 for rows in homes.values())


def _collapsed(
    cells: Sequence[_Judged], runs: Sequence[_Run]
) -> tuple[list[_Judged], frozenset[int]]:
    """The cells with every run as its first row; gives the rows that are repeated then."""
    removed = 0
    shift: dict[int, int] = {}
    repeated = set()
    home: dict[int, int] = {}
    for run in runs:
        repeated.add(run.start - removed)
        home.update((row, run.start) for row in range(run.start, run.end))
        removed += run.end - run.start - 1
        shift[run.end] = removed
    ends = sorted(shift)
    records: dict[tuple[int, int], list[str]] = {}
    for cell in cells:
        if cell.at.row in home:
            texts = records.setdefault((home[cell.at.row], cell.at.col), [])
            texts += [text for text in cell.texts if text is not None]
    kept = []
    for cell in cells:
        at = bisect_left(ends, cell.at.row + 1)
        moved = cell.at._replace(row=cell.at.row - (shift[ends[at - 1]] if at else 0))
        if cell.at.row not in home:
            kept.append(replace(cell, at=moved))
        elif home[cell.at.row] == cell.at.row:
            shown = tuple(records[cell.at.row, cell.at.col])
            kept.append(_Judged(moved, (), label=False, more=shown))
    return kept, frozenset(repeated)


# --- types --------------------------------------------------------------------------------------


def _type_of(texts: Iterable[str | None]) -> ValueType | None:
    """The type that the texts show; blanks and marks tell nothing, zeros not which number."""
    telling = [t for t in texts if t and (not is_number(t) or number_of(t))]
    kinds = {classify(t) for t in telling}
    written = {written_as(t) for t in telling if classify(t) != UnitKind.MARK}
    if UnitKind.TEXT in kinds:
        return "date" if written == {"date"} else "text"
    if UnitKind.DECIMAL in kinds:
        return "percent" if written == {"percent"} else "decimal"
    return "integer" if UnitKind.INTEGER in kinds else None


def _choices_of(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The few texts that come again and again, most frequent first; none if there are others."""
    telling = [text for text in texts if text and classify(text) != UnitKind.MARK]
    spelled = {_fold(text): text for text in reversed(telling)}
    shown = Counter(spelled[_fold(text)] for text in telling)
    few = 1 < len(shown) <= MAX_CHOICES and min(shown.values()) >= MIN_CHOSEN
    names = all(is_words(text) and "|" not in text and len(text) <= MAX_CHOICE for text in shown)
    return tuple(text for text, _ in shown.most_common()) if few and names else ()


def _types(cells: Sequence[_Judged], n_rows: int) -> list[ValueType]:
    """Every value's type; where it shows none, that of most values in its column or row."""
    own = [None if c.label else _type_of((*c.texts, *c.more)) for c in cells]
    by_col: dict[int, Counter[ValueType]] = {}
    by_row: dict[int, Counter[ValueType]] = {row: Counter() for row in range(n_rows)}
    for cell, kind in zip(cells, own, strict=True):
        if kind is not None:
            by_col.setdefault(cell.at.col, Counter())[kind] += 1
            by_row[cell.at.row][kind] += 1
    result: list[ValueType] = []
    for cell, kind in zip(cells, own, strict=True):
        around = by_col.get(cell.at.col, Counter()) + by_row[cell.at.row]
        zero = any(is_number(text) for text in (*cell.texts, *cell.more) if text)
        if zero:
            around = Counter({k: n for k, n in around.items() if k != "text"})
        likely = around.most_common(1)[0][0] if around else ("integer" if zero else "text")
        result.append(kind or likely)
    return result


# --- the layout ---------------------------------------------------------------------------------


def learn_layout(examples: Sequence[Example], *, id: str) -> Layout:  # noqa: A002
    """The layout of examples that belong together, under this id.

    Raises `UsageError` where no template can be made: no labels, no values, too many cells, or
    examples that don't go together.
    """
    seen = [_Seen(example, guess_labels(example)) for example in examples]
    _check_related(seen)
    common = _Common(seen)
    judged = _Judge(common).cells()
    cells, repeated = _collapsed(judged, _Records(common, judged).runs())
    n_rows = max((cell.at.row + cell.at.rowspan for cell in cells), default=0)
    place = examples[0].place
    if not any(cell.label and any(cell.texts) for cell in cells):
        raise UsageError(f"{place}: no labels; mark them as <th>, or give a second example")
    if all(cell.label for cell in cells):
        raise UsageError(f"{place}: no values; give a filled table, or a second example")
    if n_rows * common.shape[1] > MAX_CELLS:
        raise UsageError(f"{place}: more than {MAX_CELLS} grid positions; cut the example down")
    if any(max(cell.at.rowspan, cell.at.colspan) > MAX_SPAN for cell in cells):
        raise UsageError(f"{place}: a cell spans more than {MAX_SPAN} rows or columns")
    types = _types(cells, n_rows)
    texts = [_label_texts(cell) for cell in cells]
    draft = Draft(
        tuple(map(_drafted, cells, texts, types)),
        (n_rows, common.shape[1]),
        id,
        next((e.caption for e in examples if e.caption), ""),
        repeated,
        _aliases(texts),
        tuple(f"{e.place}, {note}" for e in examples for note in e.notes),
    )
    values = {i: cell.texts for i, cell in enumerate(cells) if not cell.label and not cell.more}
    return Layout(draft, tuple(examples), values)


def _drafted(cell: _Judged, shown: Sequence[str], kind: ValueType) -> DraftCell:
    text = shown[0] if shown else ""
    choices = _choices_of((*cell.texts, *cell.more)) if kind == "text" and not cell.label else ()
    kind = "choice" if choices else kind
    return DraftCell(*cell.at, cell.label, text, kind, cell.optional, choices)


def _check_related(seen: Sequence[_Seen]) -> None:
    for other in seen[1:]:
        if not _related(seen[0], other):
            raise UsageError(
                f"{other.example.place}: less than half of its labels are those of "
                f"{seen[0].example.place}; give examples of one layout"
            )


def _label_texts(cell: _Judged) -> list[str]:
    """A label's texts, most frequent first, one for each folded form."""
    if not cell.label:
        return []
    counts = Counter(text for text in cell.texts if text)
    by_form: dict[str, str] = {}
    for text, _ in counts.most_common():
        by_form.setdefault(_fold(text), text)
    return list(by_form.values())


def _aliases(texts: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = {}
    for shown in texts:
        for other in shown[1:]:
            known = aliases.setdefault(shown[0], [])
            known += [other] if other not in known else []
    return aliases
