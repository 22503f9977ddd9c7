"""What users see of a bulk run: its progress while it goes on, and what came of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from tabrecover.bulk import Summary

__all__ = ["shown_progress", "summary_text"]

SECONDS_BETWEEN = 10.0  # lines of progress where there is no terminal
NAMED = ("documents", "tables", "doubts", "quarantined")


@contextmanager
def shown_progress(stream: IO[str]) -> Iterator[Callable[[Summary, int], None]]:
    """What to call with the counts so far: a line that changes, or on no terminal now and then one.

    The rate counts what is done since the run went on.
    """
    meter = _Meter()
    if not stream.isatty():

        def tell(summary: Summary, pieces: int) -> None:
            line = meter.line(summary, pieces)
            if meter.is_time(SECONDS_BETWEEN):
                print(line, file=stream, flush=True)

        yield tell
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.status import Status  # noqa: PLC0415

    with Status("starting", console=Console(file=stream)) as status:
        yield lambda summary, pieces: status.update(meter.line(summary, pieces))


class _Meter:
    def __init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.before: int | None = None  # documents that an earlier run did

    def is_time(self, seconds: float) -> bool:
        now = time.monotonic()
        if now - self.told < seconds:
            return False
        self.told = now
        return True

    def line(self, summary: Summary, pieces: int) -> str:
        """One line of counts."""
        documents = summary.counts["documents"]
        if self.before is None:
            self.before = 0 if pieces == 1 else documents
        rate = (documents - self.before) / max(time.monotonic() - self.began, 1e-3)
        counts = ", ".join(f"{summary.counts[name]:,} {name}" for name in NAMED)
        return f"{counts}; {rate:,.0f} documents/s"


def summary_text(summary: Summary) -> str:
    """What came of a run, in some lines."""
    counts = summary.counts
    lines = [
        f"{counts['documents']:,} documents: {counts['accepted']:,} accepted, "
        f"{counts['review']:,} to review, {counts['none']:,} without tables, "
        f"{counts['quarantined']:,} set aside",
        f"{counts['tables']:,} tables with {counts['values']:,} values, {counts['doubts']:,} of "
        f"them in doubt, {counts['broken_rules']:,} rules broken",
    ]
    lines += _table(
        "template", {name or "unknown layout": c for name, c in summary.by_template.items()}
    )
    if summary.by_dialect:
        told = ", ".join(f"{name} {count:,}" for name, count in summary.by_dialect.most_common())
        lines.append(f"dialects: {told}")
    return "\n".join(lines) + "\n"


def _table(head: str, counted: dict[str, Counter[str]]) -> list[str]:
    if not counted:
        return []
    columns = ("tables", "accepted", "review", "values", "doubts", "broken_rules")
    width = max(len(head), *map(len, counted))
    lines = [f"{head:<{width}}" + "".join(f"{name:>14}" for name in columns)]
    for name, counts in sorted(counted.items()):
        lines.append(f"{name:<{width}}" + "".join(f"{counts[column]:>14,}" for column in columns))
    return lines
