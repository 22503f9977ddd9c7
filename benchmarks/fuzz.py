"""Damaged documents: whatever the dump, an answer in time, and one that keeps its promises.

Every document is a piece of a flattened dump of the corpus, damaged at random: characters and
bytes flipped, lost, doubled; lines moved; two dumps spliced; bars, tabs, box characters, NUL,
surrogates, marks of direction, combining marks, huge numbers and tags put in. It must be answered
with a record in which everything is true that `records` checks, or be refused with an error of
the library's own; in a time that its length explains; and the same way when asked again.

    python -m benchmarks.fuzz [--count 20000] [--seed 1] [--processes 2] [--only N]

A failing document is shown with its number and made as small as it still fails.
"""

from __future__ import annotations

import argparse
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from multiprocessing import get_context
from typing import Literal, NamedTuple

import tabrecover
from benchmarks.dumps import FLATTENED, SYNTHETIC, load_dumps, load_pages
from benchmarks.layouts import CORPUS, LAYOUTS
from benchmarks.records import faults
from tabrecover.api import library_of, read_document
from tabrecover.catalog import AnyLibrary
from tabrecover.decode import decode_bytes
from tabrecover.errors import RecoveryError

__all__ = ["Document", "Failure", "document", "failure", "smallest"]

SECONDS, SECONDS_PER_CHARACTER = 2.0, 5e-4  # what no answer may take
HANG = 2  # times of that: then it is interrupted
TWICE = 50  # one in so many is asked twice
SHRINK_SECONDS = 30.0
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp1252")
PIECES = (
    *"|¦│┃║｜\t\n\r\v\f \x00\x01\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029\u3000",
    *"\u200b\u200f\u202e\u2066\ufeff\u0301\u0338\ud800\udfff\U0001f600\U00020bb7",
    *"㎡①½ﬁ㈠⼀⾏１－—―,;:：.。·()（）\"'“”*=+-_~^`$<>&/\\%‰",
    "||", "|||||||", "\n\n", "\n\n\n\n", "  ", " " * 40, "\t\t", "\r\n",
    "+---+---+\n", "|---|---|\n", "┌──┬──┐\n", "│  │  │\n", "├──┴──┤\n", "---- ---- ----\n",
    "=====\n", "- 4 -", "1,234", "-0", "+5", "0", "00", "1e99", "9" * 41, "9" * 5000, "1.2.3",
    "３，４", "−7", "12%", "NaN", "∞", "٣", "Ⅳ", "²",
    "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th>", "<td rowspan=2>",
    "<td colspan=99999 rowspan=0>", "<td a='", '<td b="', "<!--", "-->", "<script>", "</script>",
    "<br>", "<p>", "</p>", "<div>", "</div>", "<", ">", "&amp;", "&#0;", "&#x110000;", "&notin",
    "<svg/>",
)  # fmt: skip

Kind = Literal["text", "html"] | None


class Document(NamedTuple):
    """A damaged document: text or bytes, what it is to be read as, and with which templates."""

    source: str | bytes
    kind: Kind
    templates: str


class Failure(NamedTuple):
    """What is wrong with the answer to a document: a kind of fault, and the details."""

    fault: str
    details: str


@cache
def texts() -> tuple[str, ...]:
    """What is damaged: the stored dumps, and the texts of the corpus."""
    stored = [
        dump.text
        for name in ("fit", "report")
        for dump in load_dumps(FLATTENED / f"{name}.jsonl.xz", load_pages(SYNTHETIC / name))
    ]
    found = [path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*/*.txt"))]
    found += [path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*/*/dump.txt"))]
    pages = [path.read_text(encoding="utf-8") for path in sorted(SYNTHETIC.glob("*/*.html"))]
    return (*stored, *found, *pages)


@cache
def libraries() -> dict[str, AnyLibrary]:
    """The libraries that documents are recovered with."""
    return {
        "builtin": library_of(None),
        "many": library_of(["builtin", LAYOUTS]),
        "none": library_of("none"),
    }


# --- damage -------------------------------------------------------------------------------------


def _piece(chance: random.Random) -> str:
    """Some lines of a document, seldom all of it."""
    text = chance.choice(texts())
    if chance.random() < 0.03:
        return text
    length = chance.choice((60, 300, 800, 1500))
    start = text.rfind("\n", 0, chance.randrange(len(text))) + 1
    return text[start : start + length]


def _flip(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    code = chance.choice(
        (chance.randrange(128), chance.randrange(0x3000), chance.randrange(0x110000))
    )
    return text[:at] + chr(code) + text[at + 1 :]


def _range(chance: random.Random, text: str) -> tuple[int, int]:
    start = chance.randrange(len(text) + 1)
    return start, min(len(text), start + chance.choice((1, 2, 5, 30, 200)))


def _delete(chance: random.Random, text: str) -> str:
    start, end = _range(chance, text)
    return text[:start] + text[end:]


def _double(chance: random.Random, text: str) -> str:
    start, end = _range(chance, text)
    times = chance.choice((2, 2, 3, 20)) if end - start < 50 else 2
    return text[:start] + text[start:end] * times + text[end:]


def _insert(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    piece: str = chance.choice(PIECES)
    return text[:at] + piece * chance.choice((1, 1, 1, 2, 9)) + text[at:]


def _sow(chance: random.Random, text: str) -> str:
    """One piece many times, at random places or behind every line or word."""
    piece = chance.choice(PIECES[:-60] + PIECES[-30:])
    old = chance.choice(("\n", " ", "|", "0", "\t", ""))
    if old and text.count(old) < 500:
        return text.replace(old, chance.choice((piece, old + piece, piece + old)))
    for _ in range(chance.randint(2, 20)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + piece + text[at:]
    return text


def _splice(chance: random.Random, text: str) -> str:
    other = _piece(chance)
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]


def _truncate(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.5 else text[at:]


def _shuffle_lines(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if chance.random() < 0.5:
        chance.shuffle(lines)
    elif lines:
        lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
    return "".join(lines)


def _join_lines(chance: random.Random, text: str) -> str:
    end: str = chance.choice(("", " ", "  ", "\t", "|", "\r\n", "\r", "\n\n"))
    return text.replace("\n", end)


def _wrap(chance: random.Random, text: str) -> str:
    """Put into tags."""
    lines = text.splitlines()
    cell, row = chance.choice(
        (("td", "tr"), ("th", "tr"), ("td", "p"), ("div", "div"), ("p", "td"))
    )
    step = chance.randint(1, 6)
    body = "".join(
        (f"<{row}>" if n % step == 0 else "")
        + f"<{cell}>{line}"
        + chance.choice(("", f"</{cell}>"))
        for n, line in enumerate(lines)
    )
    head: str = chance.choice(("<table>", "<html>", "<table><table>", ""))
    return head + body


DAMAGES: Sequence[Callable[[random.Random, str], str]] = (
    _flip, _delete, _double, _insert, _insert, _sow, _splice, _truncate, _shuffle_lines,
    _join_lines, _wrap,
)  # fmt: skip


def _damaged_bytes(chance: random.Random, text: str) -> bytes:
    data = bytearray(text.encode(chance.choice(ENCODINGS), "replace"))
    for _ in range(chance.choice((0, 0, 1, 3))):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(data)


def document(seed: int, number: int) -> Document:
    """The damaged document of this seed and number."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
    text = _piece(chance)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
        text = chance.choice(DAMAGES)(chance, text)[:20_000]
    templates = chance.choice(("builtin", "builtin", "many", "many", "none"))
    if chance.random() < 0.1:
        return Document(_damaged_bytes(chance, text), None, templates)
    return Document(text, chance.choice((None, None, None, "text", "html")), templates)


# --- checks -------------------------------------------------------------------------------------


class _TooLongError(Exception):
    """A recovery did not end."""


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    def interrupt(_signal: int, _frame: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def failure(made: Document, *, twice: bool = False, patient: bool = False) -> Failure | None:
    """What is wrong with the answer to a document, if anything is.

    `twice`: ask again and compare. `patient`: wait for the answer, however long it takes.
    """
    library = libraries()[made.templates]
    allowed = SECONDS + SECONDS_PER_CHARACTER * len(made.source)
    start = time.process_time()
    try:
        with nullcontext() if patient else _interrupted_after(HANG * allowed):
            record = tabrecover.recover(made.source, templates=library, kind=made.kind).to_dict()
        taken = time.process_time() - start
        text = made.source if isinstance(made.source, str) else decode_bytes(made.source)
        markup = read_document(text, made.kind).kind == "html"
    except _TooLongError:
        return Failure("slow", f"no answer in {HANG * allowed:.0f} s")
    except RecoveryError:
        return None
    except Exception as error:  # any other is what is looked for
        return Failure(f"{type(error).__name__} in {_place(error)}", str(error)[:200])
    found = faults(record, text, library, markup=markup)
    if taken > allowed:
        found = [f"slow: more than {allowed:.1f} s", *found]
    if twice and not found:
        again = tabrecover.recover(made.source, templates=library, kind=made.kind).to_dict()
        found = ["not the same when asked again"] if again != record else []
    return Failure(found[0].split(":")[0], "; ".join(dict.fromkeys(found))) if found else None


def _place(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return "?"
    code = frame.tb_frame.f_code
    return f"{code.co_filename.rsplit('/', 1)[-1]}:{code.co_name}"


def smallest(made: Document, fault: str) -> Document:
    """The document with all left out that the fault does not need, as far as time allows."""
    deadline = time.monotonic() + SHRINK_SECONDS
    best = made
    size = max(1, len(made.source) // 2)
    while size:
        at = 0
        while at < len(best.source):
            if time.monotonic() > deadline:
                return best
            shorter = best._replace(source=best.source[:at] + best.source[at + size :])  # type: ignore[operator]
            found = failure(shorter)
            if found is not None and found.fault == fault:
                best = shorter
            else:
                at += size
        size //= 2
    return best


def _work(job: tuple[int, range]) -> list[tuple[int, Failure]]:
    seed, numbers = job
    found = []
    for number in numbers:
        wrong = failure(document(seed, number), twice=number % TWICE == 0)
        if wrong is not None:
            found.append((number, wrong))
    return found


def main() -> None:
    """Make, recover, check; print what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first document")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="one document: its number")
    parser.add_argument("--show", type=int, default=2, help="documents of each fault")
    options = parser.parse_args()
    if options.only is not None:
        made = document(options.seed, options.only)
        print(repr(made), failure(made, twice=True))
        return
    start = time.monotonic()
    step = 100
    stop = options.first + options.count
    jobs = [
        (options.seed, range(at, min(at + step, stop))) for at in range(options.first, stop, step)
    ]
    texts()
    libraries()
    counts: Counter[str] = Counter()
    with get_context("fork").Pool(options.processes) as pool:
        for done, failures in enumerate(pool.imap_unordered(_work, jobs), 1):
            for number, wrong in failures:
                counts[wrong.fault] += 1
                if counts[wrong.fault] <= options.show:
                    small = document(options.seed, number)
                    if wrong.fault != "slow":
                        small = smallest(small, wrong.fault)
                    print(f"document {number}: {wrong.fault}: {wrong.details[:300]}")
                    print(f"  {small!r:.3000}", flush=True)
            if done % 100 == 0:
                rate = done * step / (time.monotonic() - start)
                print(
                    f"{done * step} done, {rate:.0f} a second, {sum(counts.values())} failed",
                    flush=True,
                )
    rate = options.count / (time.monotonic() - start)
    print(f"{options.count} documents, seed {options.seed}: {rate:.0f} a second")
    for fault, count in counts.most_common():
        print(f"  {count:6} {fault}")


if __name__ == "__main__":
    main()
