"""Tables of unknown layout: how well they are rebuilt without any template, by what marks them.

Every dump of a set that nothing damaged is read without templates, and each of its tables is
compared with the found one that is meant for it: GriTS_Top for rows, columns and spans, GriTS_Con
for texts (see `benchmarks.structure`); a table that is not found counts as 0. Tools are grouped by
what they leave of rows and cells. Record tables, whose header any number of rows alike follow, are
told apart where nothing but line ends is left.

    python -m benchmarks.unknown [--set report] [--every 1]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.dumps import Dump
from benchmarks.metrics import match_tables
from benchmarks.run import truths_of
from benchmarks.sets import WorkSet, corpus_set
from benchmarks.structure import grits_con, grits_top
from benchmarks.tables import table_from_record
from benchmarks.tools import Layouts, layouts_of_set, tool_named

MARKS = {
    "markup and boxes": "html html-unclosed w3m-200 w3m-80 links-200 elinks-80 pandoc-rst",
    "bars, blanks for merged cells": (
        "pandoc-gfm pandoc-plain html-to-markdown trafilatura-2.3.1 trafilatura-2.3.1-markdown "
        "markdownify markitdown libreoffice-tabs"
    ),
    "data frames": "pandas-csv pandas-tsv pandas-markdown",
    "bars or tabs, merged cells left out": (
        "html2text html2text-padded turndown-gfm node-html-markdown chromium inscriptis-tab"
    ),
    "bars, blanks left out": "trafilatura-1.12.2 trafilatura-2.0.0",
    "aligned by spaces": "html-to-text-table inscriptis pandas-string",
    "PDF text in columns": "pdftotext-layout",
    "line ends": (
        "beautifulsoup beautifulsoup-lines lxml-text-content readability selectolax-lines "
        "libreoffice-text beautifulsoup-strip boilerpy3 html-text justext lynx-80 resiliparse "
        "trafilatura-1.2.2 trafilatura-1.6.4"
    ),
}
LINES = "line ends"


class Score(NamedTuple):
    """GriTS_Top and GriTS_Con of one true table; both 0 if it was not found."""

    top: float
    con: float
    found: bool


def scores(dump: Dump, layouts: Layouts) -> tuple[list[Score], int]:
    """One score for each true table of a dump, and how many found ones are none of them."""
    records = tool_named("tabrecover-free").recover(dump.text, layouts)
    found = [table_from_record(record) for record in records]
    truths = [truth.table for truth in truths_of(dump)]
    matched = match_tables(truths, found)
    own = [
        Score(0.0, 0.0, False)
        if other is None
        else Score(grits_top(truth, other) or 0.0, grits_con(truth, other) or 0.0, True)
        for truth, other in zip(truths, matched, strict=True)
    ]
    return own, len(found) - sum(score.found for score in own)


def intact(corpus: WorkSet, every: int) -> Iterator[Dump]:
    """One of so many of each tool's dumps with tables, nothing damaged."""
    counts: dict[str, int] = defaultdict(int)
    for dump in corpus.dumps:
        if dump.mangling == "none" and dump.truth:
            if counts[dump.flattener] % every == 0:
                yield dump
            counts[dump.flattener] += 1


def is_record_table(dump: Dump, corpus: WorkSet) -> bool:
    """Whether the dump's tables have repeated rows."""
    ids = {truth.table.template for truth in truths_of(dump)}
    templates = (layout.template for layout in corpus.layouts.all)
    return any(template.id in ids and template.slots_repeated for template in templates)


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set", default="report")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    corpus, none = corpus_set(options.set), layouts_of_set([])
    mark_of = {tool: mark for mark, tools in MARKS.items() for tool in tools.split()}
    own: dict[str, list[Score]] = defaultdict(list)
    false: dict[str, int] = defaultdict(int)
    for dump in intact(corpus, options.every):
        mark = mark_of.get(dump.flattener, "run together, or PDF text")
        if mark == LINES:
            mark += ", record tables" if is_record_table(dump, corpus) else ", other tables"
        found, spare = scores(dump, none)
        own[mark] += found
        false[mark] += spare
    for mark, values in sorted(own.items(), key=lambda item: -_mean(s.top for s in item[1])):
        print(
            f"{mark:40} {len(values):5} tables, {sum(s.found for s in values):5} found; "
            f"GriTS-Top {_mean(s.top for s in values):.3f}, of those found "
            f"{_mean(s.top for s in values if s.found):.3f}, "
            f"GriTS-Con {_mean(s.con for s in values if s.found):.3f}; {false[mark]} others"
        )


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept) if kept else 0.0


if __name__ == "__main__":
    main()
