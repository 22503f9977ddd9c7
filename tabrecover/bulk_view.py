"""What users see of a bulk run: its progress while it goes on, and what came of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from tabrecover.bulk import Done, Summary

__all__ = ["progress_line", "shown_progress", "summary_text"]

SECONDS_BETWEEN = 10.0  # lines of progress where there is no terminal
MIN_SHARE = 0.001  # of the inputs done, before what is left can be told
MINUTE = 60
NAMED = ("documents", "tables", "doubts", "quarantined")


@contextmanager
def shown_progress(stream: IO[str]) -> Iterator[Callable[[Summary, Done], None]]:
    """What to call with the counts so far: a line that changes, or on no terminal now and then one.

    The rate counts what is done since the run went on.
    """
    clock = _Clock()
    if not stream.isatty():

        def tell(summary: Summary, done: Done) -> None:
            if clock.is_time(SECONDS_BETWEEN):
                print(progress_line(summary, done, clock.seconds), file=stream, flush=True)

        yield tell
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.status import Status  # noqa: PLC0415

    with Status("starting", console=Console(file=stream)) as status:
        yield lambda summary, done: status.update(progress_line(summary, done, clock.seconds))


class _Clock:
    """Time since a run began, or went on."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def is_time(self, seconds: float) -> bool:
        """Whether so many have passed since this was last so."""
        now = time.monotonic()
        if now - self.told < seconds:
            return False
        self.told = now
        return True


def progress_line(summary: Summary, done: Done, seconds: float) -> str:
    """One line: counts, and the rate and the time left by what was done in so many seconds."""
    rate = (summary.counts["documents"] - done.documents_before) / max(seconds, 1e-3)
    counts = ", ".join(f"{summary.counts[name]:,} {name}" for name in NAMED)
    line = f"{counts}; {rate:,.0f} documents/s"
    if done.share is None or done.share - done.share_before < MIN_SHARE:
        return line
    left = seconds * (1 - done.share) / (done.share - done.share_before)
    return f"{line}; {done.share:.0%}, {_duration(left)} left"


def _duration(seconds: float) -> str:
    """So many seconds in one unit or two, as one would say them.

    >>> [_duration(seconds) for seconds in (7, 200, 9000)]
    ['7 s', '3 min', '2 h 30 min']
    """
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / MINUTE), MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


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
