"""How much of a layout is learned from filled examples of it: labels, slots, types, sums.

The layouts of the corpus and of the package are filled by `draw` and learned again, from tables
that mark their labels as `th` and from the same tables without any mark. A sum that is proposed but
is no rule of the layout is tried on further fillings: it is false if these break it.

    python -m benchmarks.learning
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from random import Random

from benchmarks.draw import draw_habits, draw_table
from benchmarks.layouts import BUILTIN, LAYOUTS, Layout, Words, load_layout, load_words
from tabrecover.authoring import Lesson, learn_templates
from tabrecover.examples import Example
from tabrecover.html_examples import html_examples
from tabrecover.storage import parse_template
from tabrecover.template import KINDS, RuleInstance, Template
from tabrecover.units import number_of

__all__ = ["compare", "filled", "layouts", "learn", "learned_template"]

NO_WORDS = Words((), (), (), {})
FURTHER = range(100, 110)  # fillings on which proposed sums are tried


def layouts() -> Iterator[tuple[Layout, Words]]:
    """Every layout with the words that fill it."""
    for path in [*sorted(LAYOUTS.glob("*.html")), *sorted(BUILTIN.rglob("*.html"))]:
        words = path.with_suffix(".words.toml")
        yield load_layout(path), load_words(words) if words.exists() else NO_WORDS


def filled(layout: Layout, words: Words, number: int, *, marked: bool) -> Example:
    """One filling as an example; without marks, every cell is a `td`."""
    rng = Random(zlib.crc32(f"{layout.id} {number}".encode()))  # noqa: S311 - drawing
    page = draw_table(layout, words, draw_habits(rng), rng).to_html()
    if not marked:
        page = page.replace("<th", "<td").replace("</th", "</td")
    return html_examples(page, f"{number}.html")[0]


def learn(layout: Layout, words: Words, count: int, *, marked: bool) -> Lesson:
    """What is learned from the first `count` fillings."""
    examples = [filled(layout, words, n, marked=marked) for n in range(1, count + 1)]
    return learn_templates(examples, id=layout.template.id)[0][0]


def learned_template(layout: Layout) -> Template:
    """The template that one filling gives, whose values are in no document of the corpus."""
    words = LAYOUTS / f"{layout.id}.words.toml"
    lesson = learn(layout, load_words(words) if words.exists() else NO_WORDS, 1, marked=True)
    return parse_template(lesson.html, lesson.toml, name=layout.id)


def compare(layout: Layout, lesson: Lesson) -> Counter[str]:
    """Counts of labels and slots, of those at their place with their spans, and of right types."""
    draft = lesson.layout.draft
    drawn = {(c.row, c.col): c for c in draft.cells}
    counts: Counter[str] = Counter()
    for cell in layout.template.cells:
        kind = "labels" if cell.role == "label" else "slots"
        found = drawn.get((cell.row, cell.col))
        same = (
            found is not None
            and (found.rowspan, found.colspan) == (cell.rowspan, cell.colspan)
            and (found.label, found.text) == (cell.role == "label", cell.text)
        )
        counts[f"all {kind}"] += 1
        counts[kind] += same
        counts["types"] += (
            same and kind == "slots" and found is not None and KINDS[found.type] == KINDS[cell.type]
        )
    repeated = frozenset() if layout.repeated is None else {layout.repeated}
    counts["exact"] = (
        draft.shape == (layout.template.n_rows, layout.template.n_cols)
        and draft.repeated == repeated
        and counts["labels"] + counts["slots"] == len(draft.cells)
        and counts["all labels"] + counts["all slots"] == len(draft.cells)
        and not any(cell.optional for cell in draft.cells)
    )
    counts["exact with types"] = bool(counts["exact"]) and counts["types"] == counts["slots"]
    return counts


def _sums(template: Template) -> dict[frozenset[frozenset[tuple[int, int]]], RuleInstance]:
    """Rule instances by the positions of both sides."""

    def places(indices: tuple[int, ...]) -> frozenset[tuple[int, int]]:
        return frozenset((template.cells[i].row, template.cells[i].col) for i in indices)

    return {frozenset([places(i.left), places(i.right)]): i for i in template.instances}


def _compare_sums(layout: Layout, words: Words, lesson: Lesson) -> Counter[str]:
    """Counts of the layout's sums, of those proposed, and of false proposals."""
    if layout.repeated is not None:
        return Counter()
    true, proposed = _sums(layout.template), _sums(parse_template(lesson.html, lesson.toml))
    fillings = [filled(layout, words, n, marked=True) for n in FURTHER]
    false = [s for s in proposed.keys() - true.keys() if not _holds(s, fillings)]
    found = len(proposed.keys() & true.keys())
    return Counter({"sums": found, "all sums": len(true), "false sums": len(false)})


def _holds(sides: frozenset[frozenset[tuple[int, int]]], fillings: list[Example]) -> bool:
    """Whether a sum holds in most fillings; one in ten may have a slip."""
    held = 0
    for example in fillings:
        texts = {(cell.row, cell.col): cell.text for cell in example.cells}
        totals = {sum(number_of(texts[p]) or 0 for p in side) for side in sides}
        held += len(totals) == 1
    return held >= 0.8 * len(fillings)


def main() -> None:
    """Print a line for each way of marking and number of examples."""
    for marked in (True, False):
        for count in (1, 2, 3):
            total: Counter[str] = Counter()
            for layout, words in layouts():
                lesson = learn(layout, words, count, marked=marked)
                total += compare(layout, lesson) + Counter({"layouts": 1})
                if marked:
                    total += _compare_sums(layout, words, lesson)
            figures = ", ".join(f"{name} {number}" for name, number in total.items())
            print(f"{'th' if marked else 'td'}, {count} examples: {figures}")


if __name__ == "__main__":
    main()
