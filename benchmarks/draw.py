"""Draw filled documents from layouts: values like real ones, on pages like real ones.

Numbers are drawn zero-inflated with a long tail; totals follow from the layout's rules (each rule
gives one of its cells as a function of the others), so that sums hold, and in some documents one
number is then changed, as clerks do. A document has habits (`Habits`): how it writes zeros, whether
it separates thousands, how its HTML is written. The seed is the document's name.

    python -m benchmarks draw
"""

from __future__ import annotations

import math
import random
import re
import tomllib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from benchmarks.layouts import BUILTIN, LAYOUTS, Layout, Words, load_layout, load_words
from benchmarks.tables import Cell, Table

__all__ = ["Habits", "Section", "draw_all", "draw_table", "layout_page", "truth_page"]

YEARS = range(2015, 2026)
TRIES = 500
BLANKS = ("", "&nbsp;", "")


@dataclass(frozen=True, slots=True)
class Habits:
    """How one document writes its values and its HTML.

    `zero`, `blank`, `mark`: shares of zeros among numbers, and of zeros that are left blank or
    written as `sign`; `wrong`: how many numbers are changed after the sums were made.
    """

    zero: float
    blank: float
    mark: float
    sign: str
    thousands: bool
    wrong: int
    style: str


@dataclass(frozen=True, slots=True)
class Section:
    """A table on a page, between its heading and its prose."""

    heading: str
    before: Sequence[str]
    table: Table
    after: Sequence[str]
    widened: int | None = None


def draw_habits(rng: random.Random) -> Habits:
    """The habits of one document."""
    empty = rng.choice(["zeros", "zeros", "some blank", "blank", "signs"])
    return Habits(
        zero=rng.uniform(0.35, 0.9),
        blank={"some blank": rng.uniform(0.05, 0.4), "blank": 1.0}.get(empty, 0.0),
        mark=rng.uniform(0.2, 1.0) if empty == "signs" else 0.0,
        sign=rng.choice(["/", "-", "—", "/"]),
        thousands=rng.random() < 0.4,
        wrong=rng.choice([0, 0, 1, 2]),
        style=" ".join(
            [
                rng.choice(["plain", "pretty", "pretty"]),
                rng.choice(["bare", "bare", "p", "p-span"]),
                rng.choice(["th", "td", "td"]),
                rng.choice(["empty", "nbsp"]),
            ]
        ),
    )


def draw_table(layout: Layout, words: Words, habits: Habits, rng: random.Random) -> Table:
    """The layout with values."""
    if layout.repeated is not None:
        layout = _unrolled(layout, rng.randint(*layout.repeats))
    numbers = _consistent_numbers(layout, habits, rng)
    _spoil(numbers, layout, habits, rng)
    decks: dict[str, list[str]] = {}
    texts = {}
    for index, (cell, draws) in enumerate(zip(layout.table.cells, layout.draws, strict=True)):
        if cell.role == "value":
            texts[index] = _text(draws, numbers.get(index), cell, words, habits, rng, decks)
    return layout.table.with_texts(texts)


def _unrolled(layout: Layout, times: int) -> Layout:
    """The repeated row as that many rows; nothing spans it."""
    at = layout.repeated
    pairs = list(zip(layout.table.cells, layout.draws, strict=True))
    above = [pair for pair in pairs if at is None or pair[0].row < at]
    row = [pair for pair in pairs if pair[0].row == at]
    below = [pair for pair in pairs if at is not None and pair[0].row > at]
    more = [(replace(c, row=c.row + n), d) for n in range(times) for c, d in row]
    rest = [(replace(c, row=c.row + times - 1), d) for c, d in below]
    cells, draws = zip(*(above + more + rest), strict=True)
    shape = (layout.table.shape[0] + times - 1, layout.table.shape[1])
    return replace(layout, table=Table(cells, shape, layout.id), draws=draws, rules=())


# -- numbers ---------------------------------------------------------------------------------


def _is_number(draws: Sequence[str]) -> bool:
    return bool(draws) and draws[0] in {"count", "large", "money"}


def _number(kind: str, zero: float, rng: random.Random) -> int:
    """A number in its smallest unit (hundredths for money): zero-inflated, long tail."""
    if kind == "count":
        return 0 if rng.random() < zero else 1 + int(math.exp(rng.gauss(1.3, 1.6)))
    if kind == "large":
        return int(10 ** rng.uniform(2, 6.5))
    return 0 if rng.random() < zero / 3 else int(100 * math.exp(rng.gauss(5, 2)))


def _zero_shares(layout: Layout, habits: Habits, rng: random.Random) -> list[float]:
    """The chance of a zero in each cell: some rows and columns are livelier than others."""
    rows = [rng.uniform(0, 2) for _ in range(layout.table.shape[0])]
    cols = [rng.uniform(0, 2) for _ in range(layout.table.shape[1])]
    filled = 1 - habits.zero
    return [max(0.02, 1 - filled * rows[c.row] * cols[c.col]) for c in layout.table.cells]


def _consistent_numbers(layout: Layout, habits: Habits, rng: random.Random) -> dict[int, int]:
    """A number for every numeric cell, all rules satisfied, none negative."""
    equations, parts = _dependent_cells(layout)
    for _ in range(TRIES):
        zero = _zero_shares(layout, habits, rng)
        numbers = {
            index: 0
            if rng.random() < max(_empty_share(draws), 0.8 * (index in parts))
            else _number(draws[0], zero[index], rng)
            for index, draws in enumerate(layout.draws)
            if _is_number(draws)
        }
        for cell, plus, minus in equations:
            numbers[cell] = sum(numbers[i] for i in plus) - sum(numbers[i] for i in minus)
        if all(number >= 0 for number in numbers.values()) and _hold(layout, numbers):
            return numbers
    raise ValueError(f"{layout.id}: no consistent numbers found; are the rules contradictory?")


Equation = tuple[int, tuple[int, ...], tuple[int, ...]]


def _dependent_cells(layout: Layout) -> tuple[list[Equation], frozenset[int]]:
    """One dependent cell a rule, in an order in which each can be computed from those before.

    Gives (cell, added, subtracted) and all cells that are subtracted somewhere. A rule of which
    no cell is free any more follows from the others.
    """
    chosen: dict[int, Equation] = {}
    for rule in layout.rules:
        sides = (rule.right, rule.left) if len(rule.right) == 1 else (rule.left, rule.right)
        free = [i for i in sides[0] if i not in chosen and not _needs(i, rule, chosen)]
        if free:
            rest = tuple(i for i in sides[0] if i != free[0])
            chosen[free[0]] = (free[0], sides[1], rest)
    ordered: dict[int, Equation] = {}

    def visit(cell: int) -> None:
        if cell in chosen and cell not in ordered:
            for other in (*chosen[cell][1], *chosen[cell][2]):
                visit(other)
            ordered[cell] = chosen[cell]

    for cell in chosen:
        visit(cell)
    return list(ordered.values()), frozenset(i for e in chosen.values() for i in e[2])


def _needs(
    cell: int, rule: tuple[str, tuple[int, ...], tuple[int, ...]], chosen: Mapping[int, Equation]
) -> bool:
    """Whether a cell of the rule is computed from `cell`, so that it can't depend on them."""
    seen: set[int] = set()
    stack = [i for i in (*rule[1], *rule[2]) if i != cell]
    while stack:
        at = stack.pop()
        if at == cell:
            return True
        if at not in seen and at in chosen:
            seen.add(at)
            stack.extend((*chosen[at][1], *chosen[at][2]))
    return False


def _hold(layout: Layout, numbers: Mapping[int, int]) -> bool:
    return all(
        sum(numbers[i] for i in rule.left) == sum(numbers[i] for i in rule.right)
        for rule in layout.rules
    )


def _spoil(numbers: dict[int, int], layout: Layout, habits: Habits, rng: random.Random) -> None:
    """Change some numbers under a rule, as a slip of the pen would."""
    ruled = sorted({i for rule in layout.rules for i in (*rule.left, *rule.right)})
    for index in rng.sample(ruled, min(habits.wrong, len(ruled))):
        numbers[index] += rng.choice([1, 1, 2, 9, 10, 90])


# -- texts -----------------------------------------------------------------------------------


def _text(
    draws: Sequence[str],
    number: int | None,
    cell: Cell,
    words: Words,
    habits: Habits,
    rng: random.Random,
    decks: dict[str, list[str]],
) -> str:
    empty = _empty_share(draws)
    if empty and (number == 0 if number is not None else rng.random() < empty):
        signed = rng.random() * empty < _shares(draws).get("mark", 0.0)
        return habits.sign if signed else ""
    if number is not None:
        return _number_text(draws[0], number, habits, rng)
    return _other_text(draws[0], cell, words, rng, decks)


def _shares(draws: Sequence[str]) -> dict[str, float]:
    """The shares of blanks and of marks that a layout asks for."""
    return {name: int(n) / 100 for name, _, n in (word.partition("-") for word in draws[1:])}


def _empty_share(draws: Sequence[str]) -> float:
    return sum(_shares(draws).values())


def _number_text(kind: str, number: int, habits: Habits, rng: random.Random) -> str:
    if number == 0:
        if rng.random() < habits.blank:
            return ""
        if rng.random() < habits.mark:
            return habits.sign
        return "0.00" if kind == "money" and habits.thousands else "0"
    separator = "," if habits.thousands or (kind == "large" and rng.random() < 0.5) else ""
    value = number / 100 if kind == "money" else number
    return format(value, f"{separator}.2f" if kind == "money" else f"{separator}d")


def _other_text(
    kind: str, cell: Cell, words: Words, rng: random.Random, decks: dict[str, list[str]]
) -> str:
    name, _, of = kind.partition("-")
    if name == "pick":
        return rng.choice(words.lists[of])
    if name == "unique":
        deck = decks.setdefault(of, rng.sample(words.lists[of], len(words.lists[of])))
        return deck.pop()
    if name == "order":
        deck = decks.setdefault(f"order {cell.col}", [])
        deck.append("")
        return str(len(deck))
    plain = {
        "rate": lambda: f"{rng.uniform(0, 100):.1f}",
        "percent": lambda: f"{rng.uniform(0, 100):.1f}%",
        "change": lambda: f"{rng.gauss(0, 8):.1f}",
        "year": lambda: str(rng.choice(YEARS)),
        "date": lambda: f"{rng.choice(YEARS)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        "time": lambda: f"{rng.randint(5, 22):02d}:{rng.randint(0, 59):02d}",
    }
    if name not in plain:
        raise ValueError(f"unknown way to draw a value: {kind!r}")
    return plain[name]()


# -- pages -----------------------------------------------------------------------------------


def truth_page(
    title: str, opening: Sequence[str], sections: Iterable[Section], habits: Habits, language: str
) -> str:
    """An intact page: plain `th` and `td`, and attributes that say how the real one is written."""
    lines = [
        f'<html lang="{language}" data-style="{habits.style}">',
        f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>',
        f"<body>\n<h1>{escape(title)}</h1>",
        *(f"<p>{escape(text)}</p>" for text in opening),
    ]
    for section in sections:
        lines.append(f"<h2>{escape(section.heading)}</h2>")
        lines += [f"<p>{escape(text)}</p>" for text in section.before]
        lines.append(_truth_table(section))
        lines += [f"<p>{escape(text)}</p>" for text in section.after]
    return "\n".join([*lines, "</body>\n</html>\n"])


def _truth_table(section: Section) -> str:
    rows = section.table.to_html().replace("<tr>", "\n<tr>").replace("</table>", "\n</table>")
    name = f' data-template="{section.table.template}"' if section.table.template else ""
    widened = f' data-widened="{section.widened}"' if section.widened is not None else ""
    return rows.replace("<table>", f"<table{name}{widened}>", 1)


def draw_all(folder: Path, plan: Path = LAYOUTS / "plan.toml") -> int:
    """Write every document of the plan below `folder`; gives their number."""
    written = 0
    for name, part in tomllib.loads(plan.read_text(encoding="utf-8")).items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for layout in part["layouts"]:
            for number in range(1, part["documents"] + 1):
                _write(folder / name / f"{layout}-{number}.html", layout_page(layout, number))
                written += 1
        for form in part["forms"]:
            for number in range(1, part["reports"] + 1):
                document = f"{form['name']}-{name}-{number}"
                _write(folder / name / f"{document}.html", _form_page(form, document, number))
                written += 1
    return written


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8", newline="\n")


def _seeded(name: str) -> random.Random:
    return random.Random(zlib.crc32(name.encode()))  # noqa: S311 - drawing, not secrets


def _sample(texts: Sequence[str], least: int, most: int, rng: random.Random) -> list[str]:
    count = min(rng.randint(least, most), len(texts))
    chosen = set(rng.sample(range(len(texts)), count))
    return [text for index, text in enumerate(texts) if index in chosen]


def _dated(texts: Iterable[str], year: int) -> list[str]:
    return [text.replace("{year}", str(year)) for text in texts]


def layout_page(name: str, number: int) -> str:
    """A filled page of a layout of the corpus."""
    rng = _seeded(f"{name}-{number}")
    layout = load_layout(LAYOUTS / f"{name}.html")
    words = load_words(LAYOUTS / f"{name}.words.toml")
    habits = draw_habits(rng)
    year = rng.choice(YEARS)
    heading = rng.choice(words.headings).replace("{year}", str(year))
    before = _dated(_sample(words.before, 1, 3, rng), year)
    after = _dated(_sample(words.after, 1, 2, rng), year)
    section = Section(heading, before[1:], draw_table(layout, words, habits, rng), after)
    return truth_page(heading, before[:1], [section], habits, layout.language)


def _form_page(form: Mapping[str, object], document: str, number: int) -> str:
    """A filled report: several tables in fixed order, each under its heading."""
    rng = _seeded(document)
    words = tomllib.loads((LAYOUTS / f"{form['words']}.words.toml").read_text(encoding="utf-8"))
    habits = draw_habits(rng)
    year = rng.choice(words["years"])
    place = rng.choice(words["places"])

    def said(text: str) -> str:
        return text.replace("{year}", str(year)).replace("{place}", place)

    sections = []
    for part in words["tables"]:
        layout = load_layout(BUILTIN / f"{part['template']}.html")
        empty = Words((), (), (), {})
        sections.append(
            Section(
                said(rng.choice(part["headings"])),
                [said(text) for text in _sample(part["before"], 0, 2, rng)],
                draw_table(layout, empty, habits, rng),
                [said(text) for text in _sample(part["after"], 0, 2, rng)],
                _widened(part, number),
            )
        )
    opening = [said(text) for text in _sample(words["opening"], 1, 4, rng)]
    page = truth_page(said(rng.choice(words["titles"])), opening, sections, habits, "zh")
    closing = "".join(f"<p>{escape(said(t))}</p>\n" for t in _sample(words["closing"], 1, 4, rng))
    return re.sub(r"</body>", lambda _: closing + "</body>", page)


def _widened(part: Mapping[str, object], number: int) -> int | None:
    """The column that every second document draws over two, where the form allows it."""
    column = part.get("widened")
    return int(str(column)) if column is not None and number % 2 == 0 else None
