"""Thousands of templates: whether the right one is found, in what time, and how fast they open.

The layouts of a set are put among variants of all layouts of the corpus: *near* ones, in which a
few labels are others (as in another edition of a form), and *far* ones, in which most are (another
form that shares words). Labels that are put in come from layouts of the same language. The set's
dumps are recovered with its own layouts only and with all of them, in turn, so that both meet the
same machine.

    python -m benchmarks.libraries [--size 5000] [--of report] [--every 16]
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from lxml import html as lxml_html
from rich.console import Console
from rich.table import Table

import tabrecover
from benchmarks.dumps import Dump
from benchmarks.layouts import Layout
from benchmarks.learning import layouts
from benchmarks.sets import corpus_set
from tabrecover.catalog import AnyLibrary
from tabrecover.compiled import SUFFIX, compile_folders, load_compiled

__all__ = ["make_library", "right_templates", "variant"]

NEAR = (1, 4)  # labels that are others in a near variant
FAR = 0.7  # share of them in a far one
OPEN = (
    "import sys, time, pathlib; start = time.perf_counter()\n"
    "from tabrecover.compiled import load_compiled\n"
    "found = time.perf_counter(); load_compiled(pathlib.Path(sys.argv[1])).sieve\n"
    "print(time.perf_counter() - found, found - start)"
)


def labels_of(layout: Layout) -> list[str]:
    """The different labels of a layout that are more than one character."""
    texts = [c.text for c in layout.table.cells if c.role == "label" and len(c.text) > 1]
    return list(dict.fromkeys(texts))


def variant(
    layout: Layout, others: Sequence[str], name: str, rng: random.Random
) -> tuple[str, str]:
    """HTML and TOML of the layout under another name, with some labels exchanged for others."""
    labels = labels_of(layout)
    count = rng.randint(*NEAR) if rng.random() < 1 / 2 else round(FAR * len(labels))
    old = rng.sample(labels, min(count, len(labels)))
    fresh = [label for label in others if label not in labels]
    new = {label: _another(fresh, rng) for label in old}
    page, settings = layout.source
    table = next(lxml_html.document_fromstring(page).iter("table"))
    for cell in table.iter("th"):
        text = " ".join("".join(map(str, cell.itertext())).split())
        if text in new:
            for child in list(cell):
                cell.remove(child)
            cell.text = new[text]
    head = f'id = "{name}"\nedition = "{name}"\nlanguage = "{layout.language}"\n'
    rules = re.search(r"^\[\[rules\]\].*", settings, re.DOTALL | re.MULTILINE)
    return str(lxml_html.tostring(table, encoding="unicode")), head + (rules[0] if rules else "")


def _another(labels: Sequence[str], rng: random.Random) -> str:
    """One of the labels, or one half of each of two."""
    one, two = rng.sample(labels, 2)
    return one if rng.random() < 1 / 2 else one[: len(one) // 2] + two[len(two) // 2 :]


def make_library(folder: Path, size: int, own: Sequence[Layout]) -> None:
    """Write `size` templates into a folder: the `own` layouts, and variants of all layouts."""
    every = [layout for layout, _ in layouts()]
    words: dict[str, set[str]] = defaultdict(set)
    for layout in every:
        words[layout.language] |= set(labels_of(layout))
    pools = {language: sorted(texts) for language, texts in words.items()}
    for number in range(size):
        if number < len(own):
            page, settings = own[number].source
        else:
            layout = every[number % len(every)]
            rng = random.Random(number)  # noqa: S311 - drawing
            name = f"{layout.id}-{number}"
            page, settings = variant(layout, pools[layout.language], name, rng)
        (folder / f"{number}.html").write_text(page, encoding="utf-8")
        (folder / f"{number}.toml").write_text(settings, encoding="utf-8")


def right_templates(dump: Dump, library: AnyLibrary) -> Counter[str]:
    """Of a dump's true tables those found under their template, under another one, and not."""
    found = Counter(t.template for t in tabrecover.recover(dump.text, templates=library).tables)
    true = Counter(truth.table.template for truth in dump.truths())
    right = (found & true).total()
    others = sum(n for name, n in (found - true).items() if name is not None)
    wrong = min(others, true.total() - right)
    return Counter(right=right, wrong=wrong, missed=true.total() - right - wrong)


def timed(dump: Dump, library: AnyLibrary) -> tuple[Counter[str], float]:
    """`right_templates`, and the seconds of processor time that it took."""
    start = time.process_time()
    found = right_templates(dump, library)
    return found, time.process_time() - start


def opening(path: Path) -> tuple[float, float]:
    """Seconds that a new process takes to open a compiled library, and to import before that."""
    times = [
        subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    return min(float(own) for own, _ in times), min(float(before) for _, before in times)


def rows(dumps: Sequence[Dump], library: AnyLibrary, own: AnyLibrary) -> Iterator[list[str]]:
    """A row for the dumps of tables as they are, for altered ones, and for those without any."""
    groups: dict[str, list[Dump]] = defaultdict(list)
    for dump in dumps:
        kind = (
            "no table" if not dump.truth else "as it is" if dump.mangling == "none" else "altered"
        )
        groups[kind].append(dump)
    for kind, members in groups.items():
        counts: dict[str, Counter[str]] = {"few": Counter(), "many": Counter()}
        seconds = {"few": 0.0, "many": 0.0}
        for dump in members:
            for name, used in (("few", own), ("many", library)):
                found, took = timed(dump, used)
                counts[name] += found
                seconds[name] += took
        shown = [
            f"{100 * counts[name]['right'] / max(1, counts[name].total()):.2f} % "
            f"({counts[name]['wrong']} wrong)"
            for name in ("few", "many")
        ]
        each = [f"{1000 * seconds[name] / len(members):.1f} ms" for name in ("few", "many")]
        yield [kind, str(len(members)), *shown, *each, f"{seconds['many'] / seconds['few']:.2f}"]


def main(
    size: Annotated[int, typer.Option(min=1, help="Templates.")] = 5000,
    of: Annotated[str, typer.Option(help="Set of the corpus.")] = "report",
    every: Annotated[int, typer.Option(min=1, help="One dump of so many.")] = 16,
) -> None:
    """Compare a large library with that of a set's own layouts."""
    work = corpus_set(of, every)
    with tempfile.TemporaryDirectory() as place:
        folder, path = Path(place) / "templates", Path(place) / f"library{SUFFIX}"
        folder.mkdir()
        make_library(folder, size, work.layouts.all)
        start = time.perf_counter()
        count = compile_folders([folder], path)
        took = time.perf_counter() - start
        load, before = opening(path)
        typer.echo(
            f"{count.templates} templates, {count.phrases} labels: compiled in {took:.1f} s to "
            f"{path.stat().st_size / 1e6:.1f} MB, opened in {load:.2f} s (imports {before:.2f} s)"
        )
        library = load_compiled(path)
        own = len(work.layouts.all)
        table = Table("dumps", "n", f"right of {own}", f"of {size}", "time", "time", "ratio")
        for dump in work.dumps[:20]:  # both warm
            timed(dump, work.layouts.library), timed(dump, library)
        for row in rows(work.dumps, library, work.layouts.library):
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
