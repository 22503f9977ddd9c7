"""The command line of the benchmark: `python -m benchmarks COMMAND --help`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from benchmarks import make, report
from benchmarks.compare import compare as compare_rows
from benchmarks.draw import draw_all
from benchmarks.dumps import SYNTHETIC
from benchmarks.results import Header, Row, figures, group_rows, read_results
from benchmarks.run import Plan, default_workers
from benchmarks.run import run as run_plan
from benchmarks.sets import SETS, WorkSet, corpus_set, own_set
from benchmarks.tools import BUILTIN_TOOLS

app = typer.Typer(
    help="Compare tools that recover flattened tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
RESULTS = Path("results")
LOST_AFTER = 1e-6  # figures are stored with six digits

Many = list[str]
Folders = list[Path]


@app.command()
def run(
    set_: Annotated[
        str, typer.Option("--set", help="Set of the corpus: fit or report.")
    ] = "report",
    tools: Annotated[
        Many | None,
        typer.Option("--tool", help="Tool to run (repeat); NAME=COMMAND adds a program."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Result file; results/SET.jsonl.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Run one dump of so many.")] = 1,
    dumps: Annotated[Path | None, typer.Option(help="Folder of your own dumps.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder with their intact tables.")] = None,
    templates: Annotated[
        Folders | None, typer.Option(help="Folder of templates for them (repeat).")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = default_workers(),
    fresh: Annotated[bool, typer.Option("--fresh", help="Overwrite the result file.")] = False,
) -> None:
    """Run tools over dumps; an interrupted run goes on where it was."""
    with _errors_told():
        work = _work_set(set_, every, dumps, truth, templates or [])
        path = out or RESULTS / f"{'own' if dumps else set_}.jsonl"
        if fresh:
            path.unlink(missing_ok=True)
        plan = Plan(
            work.dumps, work.groups, tools or list(BUILTIN_TOOLS), work.layouts, path, work.name,
            work.digest,
        )  # fmt: skip
        with _progress() as advance:
            run_plan(plan, workers, advance)
        _print_figures(read_results(path)[1])
        Console().print(f"written: {path}")


def _work_set(
    name: str, every: int, dumps: Path | None, truth: Path | None, templates: Folders
) -> WorkSet:
    if dumps and truth:
        return own_set(dumps, truth, templates)
    if dumps or truth:
        raise ValueError("--dumps and --truth belong together")
    if name not in SETS:
        raise ValueError(f"unknown set {name!r}; known are {', '.join(SETS)}")
    return corpus_set(name, every)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Result file.")],
    after: Annotated[Path, typer.Argument(help="Result file.")],
    tool: Annotated[str, typer.Option(help="Tool of the first run.")] = "tabrecover",
    with_tool: Annotated[
        str | None, typer.Option("--with", help="Tool of the second run, if another.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Changed tables to list.")] = 20,
) -> None:
    """Show what changed between two runs, table by table."""
    with _errors_told():
        _same_conditions(before, after)
        old, new = (
            _rows_of(path, name) for path, name in ((before, tool), (after, with_tool or tool))
        )
        found = compare_rows(old, new)
    console = Console()
    console.print(f"{found.tables} tables in both runs; after minus before, in percent points")
    table = RichTable("figure", "difference", "95 % interval")
    for name, (value, low, high) in found.differences.items():
        table.add_row(name, f"{100 * value:+.3f}", f"{100 * low:+.3f} to {100 * high:+.3f}")
    console.print(table)
    console.print(f"{len(found.changes)} tables changed")
    listed = RichTable("table", "values", "right", "silent")
    for change in found.changes[:show]:
        listed.add_row(
            change.case,
            str(change.of),
            f"{change.right[0]} → {change.right[1]}",
            f"{change.silent[0]} → {change.silent[1]}",
        )
    if found.changes and show:
        console.print(listed)


def _same_conditions(before: Path, after: Path) -> None:
    """Differences must be the tools', not the corpus's or the measure's."""
    first, second = (read_results(path)[0] for path in (before, after))
    for what, old, new in (
        ("set", first.set, second.set),
        ("corpus", first.corpus, second.corpus),
        ("measure", first.environment.get("benchmark"), second.environment.get("benchmark")),
    ):
        if old != new:
            raise ValueError(
                f"{after}: another {what} than {before}: {new}, not {old}; run both anew"
            )


def _rows_of(path: Path, tool: str) -> list[Row]:
    header, rows = read_results(path)
    if tool not in header.tools:
        raise ValueError(f"{path}: no tool {tool!r}; it holds {', '.join(header.tools)}")
    return [row for row in rows if row.tool == tool]


@app.command("report")
def write_report(
    results: Annotated[Path, typer.Argument(help="Result file.")] = RESULTS / "report.jsonl",
    out: Annotated[Path | None, typer.Option(help="HTML page; beside the results.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="File whose table between the benchmark marks is renewed.")
    ] = None,
) -> None:
    """Write the HTML page, and the Markdown table of the README."""
    with _errors_told():
        header, rows = read_results(results)
        path = out or results.with_suffix(".html")
        report.write_page(path, header, rows, _set_of(header))
        if markdown:
            report.renew_table(markdown, header, rows)
    Console().print(f"written: {path}")


def _set_of(header: Header) -> WorkSet | None:
    """The set that a run worked on, if it is one of the corpus and still the same."""
    name = header.set.partition(",")[0]
    work = corpus_set(name) if name in SETS else None
    return work if work and work.digest == header.corpus else None


@app.command()
def check(
    results: Annotated[Path, typer.Argument(help="Result file.")],
    stored: Annotated[Path, typer.Argument(help="TOML file of figures that must be kept.")],
) -> None:
    """Fail if exact match fell below the stored figure, or silent errors rose above it."""
    with _errors_told():
        bar = tomllib.loads(stored.read_text(encoding="utf-8"))
        over = read_results(results)[0].set
        if over != bar["set"]:
            raise ValueError(f"{results}: ran over {over!r}, the figures are of {bar['set']!r}")
        found = figures(_rows_of(results, bar["tool"])).shares
        exact, silent = found["exact"].value, found["silent"].value
        told = f"exact {exact:.6f} (stored {bar['exact']}), silent {silent:.6f} ({bar['silent']})"
        if exact < bar["exact"] - LOST_AFTER or silent > bar["silent"] + LOST_AFTER:
            raise ValueError(f"worse than stored: {told}")
    Console().print(f"as good as stored: {told}")


@app.command()
def draw(
    folder: Annotated[Path, typer.Option(help="Where documents go.")] = SYNTHETIC,
) -> None:
    """Draw the truth corpus from its layouts."""
    with _errors_told():
        Console().print(f"{draw_all(folder)} documents written to {folder}")


@app.command()
def flatten(
    environments: Annotated[
        Path, typer.Option(help="Folder for the tools' own environments.")
    ] = Path("environments"),
    only: Annotated[Many | None, typer.Option(help="Flattener to run (repeat).")] = None,
    set_: Annotated[Many | None, typer.Option("--set", help="Set to flatten (repeat).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Tools at a time.")] = default_workers(),
) -> None:
    """Flatten the corpus with the real tools and store the dumps."""
    with _errors_told():
        for told in make.store_all(environments, only, set_ or list(SETS), workers):
            Console().print(told)


def _print_figures(rows: list[Row]) -> None:
    shown = ("exact", "silent", "perfect", "cells")
    table = RichTable("tool", *shown, "ms", title="shares in percent", title_justify="left")
    table.columns[0].no_wrap = True
    for tool, own in group_rows(rows, lambda row: row.tool).items():
        found = figures(own)
        shares = (f"{100 * found.shares[name].value:.2f}" for name in shown)
        table.add_row(tool, *shares, f"{found.milliseconds:.1f}")
    Console().print(table)


@contextmanager
def _progress() -> Iterator[report.Advance]:
    columns = (TextColumn("dumps"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("dumps", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def _errors_told() -> Iterator[None]:
    """Say what is wrong in one line; exit code 2."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        Console(stderr=True).print(f"benchmarks: {error}", style="red", markup=False)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    app()
