"""A bulk run measured: rate, memory and scaling of `tabrecover repair`, and whether kills harm it.

Documents are drawn as Parquet: of 20 one is a stored dump of a report, the others are drawn prose
without tables (`benchmarks.prose`), as often as needed. The command runs with one and with two
workers, the regex baseline in two processes beside it, in turn. Memory is the sum over all
processes of a run, sampled. Then runs are killed at random moments and resumed, and their files
are compared with those of an undisturbed run.

    python -m benchmarks.bulk [--documents 20000] [--workers 1 2] [--kills 50]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.baselines import by_regex
from benchmarks.prose import KINDS, documents, libraries
from benchmarks.sets import corpus_set
from benchmarks.tools import Layouts, layouts_of_set

WITH_TABLES = 20  # one document of so many
AT_ONCE = 2_000  # documents in a row group
SAMPLED = 0.2  # seconds between two looks at the memory
ENDED = (0, 1, 3)  # exit codes of a run that was carried out
FEW = 400  # documents of a run that is killed
PROSE = 4_000  # drawn documents, from which all prose is taken


class Run(NamedTuple):
    """A finished run: seconds, and the most memory, in MiB, in all of it and its first tenth."""

    seconds: float
    memory: float
    memory_at_first: float


def write_documents(path: Path, count: int, at_once: int = AT_ONCE) -> int:
    """Documents as Parquet, in row groups of so many; gives their characters."""
    rng = random.Random(9)  # noqa: S311 - drawing
    library = libraries()["installed"]
    drawn = documents(min(PROSE, count), 3, library, list(KINDS))
    prose = [document.text for document in drawn]
    dumps = [d.text for d in corpus_set("fit").dumps if d.truth and len(d.truths()) > 1]
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    size = 0
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, at_once):
            numbers = range(start, min(count, start + at_once))
            texts = [rng.choice(prose if n % WITH_TABLES else dumps) for n in numbers]
            size += sum(map(len, texts))
            rows = {"id": [f"d{n}" for n in numbers], "text": texts}
            writer.write_table(pa.table(rows, schema=schema), row_group_size=at_once)
    return size


def command(path: Path, out: Path, workers: int) -> list[str]:
    """The call of the product."""
    options = ["-o", str(out), "--workers", str(workers), "--quiet"]
    return [sys.executable, "-m", "tabrecover", "repair", str(path), *options]


def timed(path: Path, out: Path, workers: int) -> Run:
    """One run of the command, watched."""
    start = time.perf_counter()
    process = subprocess.Popen(command(path, out, workers))  # noqa: S603 - our own command
    held = [0.0]
    while process.poll() is None:
        held.append(sum(_resident(pid) for pid in _family(process.pid)))
        time.sleep(SAMPLED)
    return Run(time.perf_counter() - start, max(held), max(held[: 1 + len(held) // 10]))


def _family(pid: int) -> Iterator[int]:
    """A process and all that come from it."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return


def _resident(pid: int) -> float:
    """The memory of a process in MiB."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


_LAYOUTS: list[Layouts] = []


def _begin() -> None:
    _LAYOUTS[:] = [layouts_of_set([])]


def _baseline(text: str | None) -> str:
    return json.dumps(by_regex(text or "", _LAYOUTS[0].all))


def baseline(path: Path, out: Path) -> float:
    """Seconds of the loop that users write: a regex for each form, in two processes."""
    start = time.perf_counter()
    with Pool(2, _begin) as pool, out.open("w", encoding="utf-8") as stream:
        table = pq.ParquetFile(path)
        texts = (
            t for b in table.iter_batches(1_000, columns=["text"]) for t in b["text"].to_pylist()
        )
        for record in pool.imap(_baseline, texts, chunksize=64):
            stream.write(f"{record}\n")
    return time.perf_counter() - start


def files(out: Path) -> dict[str, bytes]:
    """All files of a run but its lock."""
    found = (path for path in out.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def killed(path: Path, out: Path, seconds: float, rng: random.Random) -> int:
    """A run that is killed at random moments until it ends by itself; gives how often it was."""
    kills = 0
    while True:
        process = subprocess.Popen(command(path, out, 2))  # noqa: S603 - our own command
        try:
            code = process.wait(rng.uniform(0.2, 0.8) * seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if code not in ENDED:
            raise RuntimeError(f"the command ended with {code}")
        return kills


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "documents.parquet"
        size = write_documents(path, options.documents)
        runs: dict[int, Run] = {}
        for workers in options.workers:
            runs[workers] = run = timed(path, folder / f"with-{workers}", workers)
            print(
                f"{workers} workers: {options.documents / run.seconds:,.0f} documents/s, "
                f"{size / run.seconds / 1e6:.2f} million characters/s, "
                f"{run.memory:,.0f} MiB ({run.memory_at_first:,.0f} in the first tenth)",
                flush=True,
            )
        if {1, 2} <= runs.keys():
            print(f"scaling from one worker to two: {runs[1].seconds / runs[2].seconds:.2f}")
        if 2 in runs:
            regex = baseline(path, folder / "regex.jsonl")
            print(f"regex baseline in two processes: {runs[2].seconds / regex:.2f} of its time")
        small = folder / "few.parquet"
        write_documents(small, FEW, FEW // 20)
        whole = timed(small, folder / "whole", 2)
        rng = random.Random(4)  # noqa: S311 - drawing
        kills = same = rounds = 0
        expected = files(folder / "whole")
        while kills < options.kills:
            kills += killed(small, folder / f"killed-{rounds}", whole.seconds, rng)
            same += files(folder / f"killed-{rounds}") == expected
            rounds += 1
        print(
            f"{kills} kills in {rounds} runs: {same} of them with the files of an undisturbed one"
        )


if __name__ == "__main__":
    main()
