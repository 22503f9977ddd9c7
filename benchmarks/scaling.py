"""Is time linear in the document? Doubling ratios for documents made to be hard.

Each kind of document is recovered at sizes that double. The ratio of the times of a size and the
one before it should be 2; the bar is 2.2. Short times say nothing, so only sizes that take longer
than `--floor` count; a kind stops where one recovery takes longer than `--limit`.

    python -m benchmarks.scaling [KIND ...] [--largest 10000000]
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Mapping, Sequence

import tabrecover
from benchmarks.layouts import LAYOUTS
from tabrecover.api import library_of
from tabrecover.catalog import AnyLibrary

BAR = 2.2
SMALLEST = 10_000
AGAIN = 0.5  # seconds: shorter recoveries are measured more than once
MEASURE_AGAIN = 2  # times, where a ratio is above the bar: other processes may have slowed it


def kinds(library: AnyLibrary) -> Mapping[str, Callable[[int], str]]:
    """Makers of documents with so many characters, by name."""
    labels = [c.text for t in library.templates for c in t.cells if c.role == "label" and c.text]
    shuffled = random.Random(0).sample(labels, len(labels))  # noqa: S311 - no secret
    label = max(labels, key=len)
    short = min((text for text in labels if len(text) > 1), key=len)
    table = library.templates[0]
    rows: list[list[str]] = [[] for _ in range(table.n_rows)]
    for number, cell in enumerate(table.cells):
        rows[cell.row].append(cell.text if cell.role == "label" else str(number))
    bars = "\n".join(" | ".join(row) for row in rows) + "\n\n"
    lines = "\n".join(text for row in rows for text in row) + "\n"
    page = "".join(f"<tr><td>{'<td>'.join(row)}" for row in rows)
    words = "the quick brown fox jumps over the lazy dog, 而且天气很好。"
    repeated = {
        "prose": f"{words * 3}\n",
        "prose in one line": words,
        "a label, repeated": f"{label}\n",
        "a short label, repeated": f"{short}\n",
        "a label and a number": f"{label} 12\n",
        "labels without line ends": "".join(shuffled),
        "a label between brackets": f"{label}((((((((",
        "a number, repeated": "1234\n",
        "a number in one line": "1234 ",
        "one long number": "1234567890",
        "bars": "|",
        "bars and line ends": "|\n",
        "bars and numbers": "|1|2|\n",
        "a bar and a long cell": f"| {words} | 1 |\n",
        "spaces": " ",
        "wide gaps": "a  1  ",
        "columns": "name      12    345   6\n",
        "line ends": "\n",
        "carriage returns": "\r\n",
        "tabs": "\t",
        "tabs and numbers": "a\t1\t2\n",
        "commas": "a,1,2\n",
        "commas in one line": "a,1,",
        "semicolons and quotes": '"a;1";2;"',
        "rules": "-----\n",
        "column rules": "---- ---- ----\n",
        "rules in one line": "-- ",
        "boxes": "+---+---+\n| 1 | 2 |\n+---+---+\n",
        "one box": "| 1 | 2 |\n+---+---+\n",
        "box drawing": "│ 1 │ 2 │\n├───┼───┤\n",
        "crossings": "+",
        "a table with bars, repeated": bars,
        "a table in lines, repeated": lines,
        "a table in one line, repeated": lines.replace("\n", " "),
        "labels of all tables, shuffled": "\n".join(shuffled) + "\n",
        "labels and numbers, shuffled": " 7\n".join(shuffled) + " 7\n",
        "marks of folding": "㎡①½ﬁ㈠",
        "controls": "\x1c\x1d\x1e\x1f\x85\u2028",
        "astral characters": "😀𠮷\u0301\u200b",
        "page numbers": "- 4 -\n",
        "tables in HTML, repeated": f"<table>{page}</table>",
        "one table in HTML": f"<tr><td>{label}<td>1",
        "cells in one row": "<td>1",
        "nested tables": "<table><tr><td>",
        "nested blocks": "<div><p>",
        "closing tags": "</td></tr></table>",
        "opening brackets": "<",
        "half tags": "<td a='",
        "half tags with quotes": '<td a="b',
        "comments": "<!-- ",
        "scripts": "<script>",
        "entities": "&amp;&#x4e00;&",
        "ampersands": "&a",
        "attributes": " a=b",
    }
    heads = {
        "one table in HTML": "<table>",
        "cells in one row": "<table><tr>",
        "attributes": "<table><tr><td",
        "entities": "<table><tr><td>",
        "half tags": "<table>",
        "half tags with quotes": "<table>",
        "comments": "<table>",
        "opening brackets": "<table>",
        "scripts": "<table>",
    }
    made: dict[str, Callable[[int], str]] = {
        name: _repeater(piece, heads.get(name, "")) for name, piece in repeated.items()
    }
    made["one cell in HTML"] = lambda n: f"<table><tr><td>{words * (n // len(words))}</table>"
    made["a table and spaces"] = lambda n: lines.replace("\n", "\n" + " " * (n // len(rows) // 9))
    made["a table and prose"] = lambda n: lines + words * (n // len(words)) + lines
    made["a table and numbers"] = lambda n: lines + "17\n" * (n // 3)
    made["a table cut by numbers"] = lambda n: lines[:200] + "17\n" * (n // 3) + lines[200:]
    return made


def _repeater(piece: str, head: str) -> Callable[[int], str]:
    def make(size: int) -> str:
        return head + piece * (size // len(piece))

    return make


def seconds(text: str, library: AnyLibrary) -> float:
    """Processor time of one recovery, the least of several if it is short."""
    best = float("inf")
    for _ in range(5):
        gc.collect()
        start = time.process_time()
        tabrecover.recover(text, templates=library)
        best = min(best, time.process_time() - start)
        if best > AGAIN:
            break
    return best


def doubling(
    make: Callable[[int], str],
    sizes: Sequence[int],
    library: AnyLibrary,
    limit: float,
    floor: float,
) -> tuple[list[float], list[float]]:
    """Times by size, and the ratios of those above `floor`; a bad one is measured again."""
    times: list[float] = []
    ratios: list[float] = []
    for size in sizes:
        times.append(seconds(make(size), library))
        if len(times) > 1 and times[-2] >= floor:
            for _ in range(MEASURE_AGAIN):
                if times[-1] <= BAR * times[-2]:
                    break
                times[-2] = seconds(make(size // 2), library)
                times[-1] = min(times[-1], seconds(make(size), library))
            ratios.append(times[-1] / times[-2])
        if times[-1] > limit:
            break
    return times, ratios


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--largest", type=int, default=10_000_000, help="characters")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds of one recovery")
    parser.add_argument("--floor", type=float, default=0.1, help="seconds below which none counts")
    parser.add_argument("--many", action="store_true", help="with the corpus's layouts as well")
    options = parser.parse_args()
    library = library_of(["builtin", LAYOUTS] if options.many else None)
    makers = kinds(library)
    sizes = [SMALLEST]
    while sizes[-1] * 2 <= options.largest:
        sizes.append(sizes[-1] * 2)
    worst: dict[str, float] = {}
    print(f"{'kind':32} {'largest':>9} {'seconds':>8} {'MB/s':>7}  worst ratio, then all")
    for name in options.kinds or makers:
        times, ratios = doubling(makers[name], sizes, library, options.limit, options.floor)
        worst[name] = max(ratios, default=0.0)
        text = makers[name](sizes[len(times) - 1])
        speed = len(text.encode("utf-8", "surrogatepass")) / 1e6 / max(times[-1], 1e-9)
        mark = "!" if worst[name] > BAR else " "
        shown = " ".join(f"{ratio:.2f}" for ratio in ratios)
        figures = f"{len(text):9} {times[-1]:8.3f} {speed:7.1f} {mark}{worst[name]:5.2f}"
        print(f"{name:32} {figures}  {shown}", flush=True)
    over = [name for name, ratio in worst.items() if ratio > BAR]
    print(f"{len(worst)} kinds; above {BAR}: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    main()
