"""Speed of a recovery, as a ratio to a peer that does less: parsing the intact tables.

For each document of the corpus, the peer is `pandas.read_html` (lxml flavour) on the intact HTML
of the document's tables, drawn plainly with their spans; ours is `tabrecover.recover` on the
whole flattened document. Both run in turn in one process, templates and imports loaded; the
figure is the median of the rounds' ratios. A cold start is measured as a whole process.

Text without a table is passed over at a speed that is told in megabytes of UTF-8 a second, for
text and for bytes (decoded on the way), in documents of several sizes.

    python -m benchmarks.speed [FOLDER OF DUMPS] [--rounds 20]
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import tabrecover
from benchmarks.prose import documents
from tabrecover.api import library_of

SIZES = (10_000, 100_000, 5_000_000)
ENOUGH = 1_000_000  # bytes in one round
HAN = "\u2e80"
CORPUS = Path(__file__).parent.parent / "corpus" / "in_the_wild"


def load_dumps(folder: Path) -> list[str]:
    """Texts of all `*.txt` below the folder that hold tables."""
    texts = [path.read_bytes().decode("utf-8") for path in sorted(folder.rglob("*.txt"))]
    return [text for text in texts if tabrecover.recover(text).tables]


def intact_html(dump: str) -> str:
    """The document's tables as plain intact HTML: spans, no attributes of our own."""
    tables = "".join(table.to_html(least=0) for table in tabrecover.recover(dump).tables)
    return re.sub(r' (data-[a-z]+|class|title)="[^"]*"', "", tables)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(dumps: list[str], rounds: int) -> list[tuple[float, float]]:
    """Per round: seconds for the peer and for us, over all documents."""
    pages = [intact_html(dump) for dump in dumps]

    def peer() -> None:
        for page in pages:
            pd.read_html(io.StringIO(page), flavor="lxml")

    def ours() -> None:
        for dump in dumps:
            tabrecover.recover(dump)

    peer()  # warm both up
    ours()
    return [(seconds(peer), seconds(ours)) for _ in range(rounds)]


def prose(language: str, size: int) -> str:
    """Prose without a table: so many bytes in UTF-8."""
    drawn = documents(400, 1, library_of(None), ["plain"])
    texts = [d.text for d in drawn if d.text.isascii() == (language == "ascii")]
    chosen = [t for t in texts if (max(t) >= HAN) == (language == "zh")]
    text = "\n".join(chosen).encode()
    return (text * (size // len(text) + 1))[:size].decode(errors="ignore")


def megabytes_a_second(source: str | bytes, rounds: int) -> float:
    """The best of several rounds, in processor time."""
    size = len(source.encode() if isinstance(source, str) else source)
    repeat = max(1, ENOUGH // size)
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(repeat):
            tabrecover.recover(source)
        best = min(best, time.process_time() - start)
    return size * repeat / 1e6 / best


def cold(arguments: list[str], rounds: int) -> float:
    """Median wall time of a whole process that finds its modules compiled, as pip leaves them."""
    command = [sys.executable, *arguments]
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def process() -> None:
            subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603

        process()
        return statistics.median(seconds(process) for _ in range(rounds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    dumps = load_dumps(options.folder)
    if not dumps:
        parser.error(f"{options.folder}: no *.txt with tables in it")
    times = measure(dumps, options.rounds)
    ratios = sorted(ours / peer for peer, ours in times)
    peer_ms, ours_ms = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    print(f"{len(dumps)} documents, {options.rounds} rounds")
    print(f"pandas.read_html on their intact tables: {peer_ms:.1f} ms")
    print(f"tabrecover.recover on the dumps: {ours_ms:.1f} ms")
    print(
        f"ratio: {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f}); "
        "the bar is 3"
    )
    for language in ("zh", "ascii", "en"):
        for size in SIZES:
            text = prose(language, size)
            rates = [megabytes_a_second(source, options.rounds) for source in (text, text.encode())]
            print(
                f"prose, {language}, {size} bytes: {rates[0]:.0f} MB/s as text, {rates[1]:.0f} as "
                "bytes; the bar is 200"
            )
    floor = cold(["-c", "pass"], 7)
    print(f"python -c pass: {floor:.3f} s")
    for arguments in (["--version"], ["--help"]):
        print(f"tabrecover {arguments[0]}: {cold(['-m', 'tabrecover', *arguments], 7):.3f} s")
    one = str(next(options.folder.rglob("*.txt")))
    print(f"tabrecover recover, one file: {cold(['-m', 'tabrecover', 'recover', one], 5):.3f} s")


if __name__ == "__main__":
    main()
