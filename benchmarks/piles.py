"""How much of a layout is learned from a pile of its dumps, with no clean copy at hand.

Documents are drawn from a layout, and flattened by three tools in turn, drawn by the layout's name;
a third of the dumps lose a value. What is learned from the pile is compared with the layout: labels
and slots at their places with their spans, and whether the template is equal to the layout.

    python -m benchmarks.piles --environments DIR [--set report] [--dumps 200] [--only LAYOUT]

DIR is where tools are installed that aren't yet.
"""

from __future__ import annotations

import argparse
import random
import tomllib
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.draw import layout_page
from benchmarks.flatteners import FLATTENERS, flatten
from benchmarks.layouts import LAYOUTS, Layout, load_layout
from benchmarks.learning import compare
from benchmarks.manglings import MANGLINGS, MARK, damage, prepare
from benchmarks.pages import as_page
from benchmarks.tables import tables_of_page
from tabrecover.api import read_document
from tabrecover.authoring import learn_from_dumps

__all__ = ["Pile", "make_pile"]

TOOLS = (
    "beautifulsoup-lines", "inscriptis-tab", "html2text-padded", "markdownify", "html-to-markdown",
    "trafilatura-1.12.2", "trafilatura-2.3.1", "pandas-tsv", "pandas-markdown", "resiliparse",
    "selectolax-lines", "justext", "markitdown", "trafilatura-2.0.0",
)  # fmt: skip
AT_ONCE = 3
LOSES = 3  # one dump of so many loses a value


class Pile(NamedTuple):
    """The tools of a pile, and its dumps."""

    tools: tuple[str, ...]
    dumps: tuple[str, ...]


def make_pile(layout: Layout, size: int, environments: Path) -> Pile:
    """So many dumps of a layout, by three tools."""
    rng = random.Random(zlib.crc32(f"pile {layout.id}".encode()))  # noqa: S311 - drawing
    names = sorted(rng.sample(TOOLS, AT_ONCE))
    lose = next(m for m in MANGLINGS if m.name == "value lost")
    pages = [layout_page(layout.id, 100 + n) for n in range(size)]
    dumps: list[str] = []
    for at, name in enumerate(names):
        own = pages[at::AT_ONCE]
        steps = [(lose,) if n % LOSES == 0 else () for n in range(len(own))]
        drawn = []
        for page, step in zip(own, steps, strict=True):
            state = prepare(step, tables_of_page(page), layout.language, rng)
            tables = list(state.tables) if state else tables_of_page(page)
            if state and state.marked:
                table, index = state.marked
                tables[table] = tables[table].with_texts({index: MARK})
            drawn.append(as_page(page, tables))
        tool = next(f for f in FLATTENERS if f.name == name)
        found = flatten(tool, drawn, environments).texts
        dumps += [damage(s, text, rng) for s, text in zip(steps, found, strict=True) if text]
    rng.shuffle(dumps)
    return Pile(tuple(names), tuple(dumps))


def main() -> None:
    """Print a line for each layout, and the sums."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--set", default="report", choices=("fit", "report"))
    parser.add_argument("--dumps", type=int, default=200)
    parser.add_argument("--only")
    options = parser.parse_args()
    plan = tomllib.loads((LAYOUTS / "plan.toml").read_text(encoding="utf-8"))
    total: Counter[str] = Counter()
    for name in plan[options.set]["layouts"]:
        if options.only and name != options.only:
            continue
        layout = load_layout(LAYOUTS / f"{name}.html")
        pile = make_pile(layout, options.dumps, options.environments)
        documents = [read_document(dump) for dump in pile.dumps]
        lessons, _ = learn_from_dumps(documents, [f"dump {n}" for n in range(len(documents))])
        best = max((compare(layout, lesson) for lesson in lessons), key=_right, default=Counter())
        total += best + Counter({"layouts": 1, "learned": bool(lessons)})
        print(f"{name} ({', '.join(pile.tools)}): {len(lessons)} learned; {_figures(best)}")
    print(f"all: {_figures(total)}")


def _right(counts: Counter[str]) -> int:
    return counts["labels"] + counts["slots"]


def _figures(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


if __name__ == "__main__":
    main()
