"""The command: arguments, messages, exit codes. What it does is done elsewhere.

Exit codes: 0 every input was read (tables found or not); 1 some input failed, the others were
done; 2 the call itself can't be carried out (options, templates, output file). `repair` gives 3
where all was read and some values are in doubt.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

import typer

from tabrecover._version import __version__
from tabrecover.errors import InputError, RecoveryError, TemplateError, UsageError

if TYPE_CHECKING:
    from tabrecover.authoring import Lesson
    from tabrecover.bulk import Engine, Settings
    from tabrecover.catalog import AnyLibrary
    from tabrecover.examples import Example
    from tabrecover.explain import Explanation, TableExplanation
    from tabrecover.folders import Folder
    from tabrecover.model import Cell, Document
    from tabrecover.report import Outcome

__all__ = ["app", "main"]

app = typer.Typer(
    help="Rebuild flattened tables: a text dump in, the grid out, a confidence for every cell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
templates_app = typer.Typer(
    help="Look at templates; learn, check and preview your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(templates_app, name="templates")

MAX_BYTES = 400_000_000
STANDARD_INPUT = "-"


class Format(StrEnum):
    """How results are written."""

    TERMINAL = "terminal"
    JSON = "json"
    HTML = "html"
    CSV = "csv"
    MARKDOWN = "markdown"
    TIDY = "tidy"


class BulkFormat(StrEnum):
    """What a bulk run writes."""

    PARQUET = "parquet"
    CSV = "csv"
    RECORDS = "records"
    REPAIRED = "repaired"


class BulkEngine(StrEnum):
    """Where a bulk run is done."""

    LOCAL = "local"
    RAY = "ray"


class TablesAs(StrEnum):
    """How tables are put back into documents."""

    HTML = "html"
    MARKDOWN = "markdown"


class Exit:
    """Exit codes, as the module's docstring explains them."""

    FAILED_INPUT = 1
    USAGE = 2
    REVIEW = 3


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tabrecover {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


TemplateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--templates",
        "-t",
        metavar="DIR|FILE|builtin|none",
        help="Where templates come from; may be repeated. Default: builtin.",
    ),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Values below are marked doubtful, and their table is for review. Default: 0.9.",
    ),
]
MaxErrorOption = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Instead of --min-confidence: the share of wrong values that you accept among those "
        "told, such as 0.001. Its confidence was measured on the benchmark.",
    ),
]
KindOption = Annotated[
    str | None, typer.Option(metavar="text|html", help="What the input is, if not guessed.")
]
EncodingOption = Annotated[str | None, typer.Option(help="Encoding of the input, if not detected.")]


@app.command()
def recover(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Documents; - is standard input.")
    ],
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write.")] = (  # noqa: A002
        Format.TERMINAL
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, whole or not at all.")
    ] = None,
    templates: TemplateOption = None,
    min_confidence: MinConfidenceOption = None,
    max_error: MaxErrorOption = None,
    kind: KindOption = None,
    encoding: EncodingOption = None,
) -> None:
    """Find and rebuild the tables of documents.

    Exit code 0: every input was read, tables found or not. 1: some input failed; it is told on
    standard error (and in its JSON record), the others are done. 2: options, templates or the
    output file are wrong; nothing was done.
    """
    _check_kind(kind)
    _check_encoding(encoding)
    library = _library(templates)
    if output is not None:
        _check_output(output, [*files, *(templates or ())])
    least = _least_confidence(min_confidence, max_error)
    outcomes = (_recover_one(name, library, kind, encoding, least) for name in files)
    failed: list[str] = []
    if output is None:
        with _standard_output() as stream:
            _write(stream, _told(outcomes, failed, format), format, least)
    else:
        _write_file(output, _told(outcomes, failed, format), format, least)
    if failed:
        raise typer.Exit(Exit.FAILED_INPUT)


def _library(names: Sequence[str] | None) -> AnyLibrary:
    from tabrecover.api import library_of  # noqa: PLC0415 - loads numpy; --help need not

    try:
        return library_of(list(names) if names else None)
    except RecoveryError as error:
        _refuse(str(error))


def _least_confidence(min_confidence: float | None, max_error: float | None) -> float:
    """The threshold that the options ask for; both together are refused."""
    from tabrecover.confidence import ACCEPT  # noqa: PLC0415

    if max_error is None:
        return ACCEPT if min_confidence is None else min_confidence
    if min_confidence is not None:
        raise typer.BadParameter("give either --min-confidence or --max-error, not both")
    from tabrecover.api import least_confidence  # noqa: PLC0415

    try:
        return least_confidence(max_error)
    except UsageError as error:
        raise typer.BadParameter(str(error), param_hint="--max-error") from None


def _recover_one(
    name: str, library: AnyLibrary, kind: str | None, encoding: str | None, least: float
) -> Outcome:
    from dataclasses import replace  # noqa: PLC0415

    from tabrecover.pipeline import recover_document  # noqa: PLC0415
    from tabrecover.report import Outcome  # noqa: PLC0415
    from tabrecover.storage import builtin_calibration  # noqa: PLC0415

    try:
        document = _read_document(name, kind, encoding)
        recovery = recover_document(document, library, name, calibration=builtin_calibration())
    except (OSError, RecoveryError) as error:
        return Outcome(name, None, _reason(error))
    tables = tuple(table.judged(least) for table in recovery.tables)
    return Outcome(name, replace(recovery, tables=tables), _note(document))


def _read_document(name: str, kind: str | None, encoding: str | None) -> Document:
    from tabrecover.api import read_document  # noqa: PLC0415
    from tabrecover.decode import decode_bytes  # noqa: PLC0415

    return read_document(decode_bytes(_read(name), encoding), kind)  # type: ignore[arg-type]


def _reason(error: OSError | RecoveryError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _note(document: Document) -> str:
    return "" if document.raw.strip() else "the input is empty"


def _read(name: str) -> bytes:
    if not name:
        raise InputError("an empty file name")
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("standard input is closed")
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        path = Path(name)
        if path.is_dir():
            raise InputError("is a folder; give the files in it")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"larger than {MAX_BYTES} bytes; split the document")
    return data


def _told(outcomes: Iterable[Outcome], failed: list[str], wanted: Format) -> Iterator[Outcome]:
    """Pass outcomes on; what the output does not say of them is told on standard error.

    That are failures, empty inputs, and texts that found no cell.
    """
    from tabrecover.report import one_line, unplaced  # noqa: PLC0415

    for outcome in outcomes:
        if outcome.recovery is None:
            failed.append(outcome.source)
        if outcome.error:
            typer.echo(f"tabrecover: {one_line(outcome.source)}: {outcome.error}", err=True)
        if outcome.recovery is not None and wanted not in (Format.TERMINAL, Format.JSON):
            for number, table in enumerate(outcome.recovery.tables, start=1):
                if table.unplaced:
                    where = f"{one_line(outcome.source)}, table {number}"
                    typer.echo(f"tabrecover: {where}: {unplaced(table)}", err=True)
        yield outcome


def _check_kind(kind: str | None) -> None:
    if kind not in (None, "text", "html"):
        _refuse(f"--kind is 'text' or 'html', not {kind!r}")


def _check_encoding(name: str | None) -> None:
    import codecs  # noqa: PLC0415

    try:
        codecs.lookup(name or "utf-8")
    except LookupError:
        _refuse(f"--encoding {name!r} is unknown; use utf-8, utf-16, gb18030 or big5, for example")


def _check_output(output: Path, files: Sequence[str]) -> None:
    if output.is_dir():
        _refuse(f"{output}: is a folder; name a file")
    if not output.resolve().parent.is_dir():
        _refuse(f"{output}: its folder does not exist; make it first")
    inputs = [Path(name) for name in files if name != STANDARD_INPUT]
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        _refuse(f"{output}: is also an input; write to another file")


def _refuse(message: str) -> NoReturn:
    typer.echo(f"tabrecover: {message}", err=True)
    raise typer.Exit(Exit.USAGE)


@contextmanager
def _standard_output() -> Iterator[IO[str]]:
    """Standard output in UTF-8 whatever the locale says.

    A reader that has gone ends the run quietly; output that can't be written is told.
    """
    if sys.stdout is None:
        _refuse("standard output is closed")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit from None
    except OSError as error:
        _drop_output()
        _refuse(f"standard output can't be written: {error.strerror}")


def _drop_output() -> None:
    """Point standard output nowhere, so that the interpreter's last flush can't fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_file(output: Path, outcomes: Iterable[Outcome], wanted: Format, least: float) -> None:
    from tabrecover.storage import write_atomically  # noqa: PLC0415

    try:
        with write_atomically(output) as stream:
            _write(stream, outcomes, wanted, least)
    except OSError as error:
        _refuse(f"{output}: can't be written: {error.strerror}; nothing was changed")


def _write(stream: IO[str], outcomes: Iterable[Outcome], wanted: Format, least: float) -> None:
    from tabrecover import report  # noqa: PLC0415

    if wanted is Format.TERMINAL:
        width, color = _screen(stream)
        parts = report.terminal(outcomes, least, width=width, color=color)
    else:
        writer = {
            Format.JSON: report.json_lines,
            Format.HTML: report.html_page,
            Format.CSV: report.csv_tables,
            Format.MARKDOWN: report.markdown,
            Format.TIDY: report.tidy,
        }[wanted]
        parts = writer(outcomes, least)
    for part in parts:
        stream.write(part)


def _screen(stream: IO[str]) -> tuple[int, bool]:
    """Width and colour of where the terminal view goes."""
    import shutil  # noqa: PLC0415

    tty = stream.isatty()
    width = shutil.get_terminal_size((100, 24)).columns if tty else 100
    return max(width, 40), tty and "NO_COLOR" not in os.environ


# --- repair -------------------------------------------------------------------------------------


@app.command()
def repair(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Documents, folders of them, JSONL, CSV, Parquet, WARC, ZIP; also .gz and .zst, "
            "and by URL; - is standard input.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="DIR", help="A folder of the run's own, or a URL."),
    ],
    format: Annotated[BulkFormat, typer.Option("--format", "-f", help="What to write.")] = (  # noqa: A002
        BulkFormat.PARQUET
    ),
    tables_as: Annotated[
        TablesAs, typer.Option(help="With --format repaired: how tables are put back.")
    ] = TablesAs.HTML,
    templates: TemplateOption = None,
    text_column: Annotated[
        str, typer.Option(metavar="NAME", help="Of JSONL, CSV and Parquet: where documents are.")
    ] = "text",
    id_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="... and what names them. Default: id, if there is one."),
    ] = None,
    min_confidence: MinConfidenceOption = None,
    max_error: MaxErrorOption = None,
    kind: KindOption = None,
    encoding: EncodingOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: one for each processor.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="That a document may take; 0: as long as it takes.")
    ] = 60.0,
    max_bytes: Annotated[int, typer.Option(min=1, help="Of a document.")] = 64 << 20,
    engine: Annotated[
        BulkEngine, typer.Option(help="Processes of this machine, or a Ray cluster.")
    ] = BulkEngine.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(help="Of the Ray cluster; default: one is started on this machine."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Repair all documents of many inputs, or go on where a run was stopped.

    The folder then has the data sets documents, tables and values (or records, or the documents
    with their tables put back), summary.json, review.csv with the doubtful values, and in
    quarantine what could not be read, with the reason.

    Exit code 0: all is well. 1: some documents were set aside. 3: none was, but some values are to
    be reviewed. 2: it can't be carried out; call it again to go on.
    """
    from tabrecover.bulk import repair as run  # noqa: PLC0415 - loads the core
    from tabrecover.bulk_view import shown_progress, summary_text  # noqa: PLC0415

    _check_kind(kind)
    _check_encoding(encoding)
    least = _least_confidence(min_confidence, max_error)
    with ExitStack() as stack:
        progress = None if quiet else stack.enter_context(shown_progress(sys.stderr))
        try:
            summary = run(
                inputs, output, templates=templates or "builtin", format=format.value,
                tables_as=tables_as.value, workers=workers, progress=progress, kind=kind,
                encoding=encoding, least=least, seconds=seconds, text_column=text_column,
                id_column=id_column, max_bytes=max_bytes,
                engine=_ray(address, workers) if engine is BulkEngine.RAY else None,
            )  # fmt: skip
        except RecoveryError as error:
            _refuse(str(error))
    if not quiet:
        with _standard_output() as stream:
            stream.write(summary_text(summary))
    if summary.counts["quarantined"]:
        raise typer.Exit(Exit.FAILED_INPUT)
    if summary.counts["review"]:
        raise typer.Exit(Exit.REVIEW)


def _ray(address: str | None, workers: int | None) -> Callable[[Folder, Settings], Engine]:
    from functools import partial  # noqa: PLC0415

    from tabrecover.ray_engine import RayEngine  # noqa: PLC0415

    return partial(RayEngine, address=address, workers=workers)


# --- explain ------------------------------------------------------------------------------------


@app.command()
def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A document; - is standard input.")],
    table: Annotated[
        int | None,
        typer.Option("--table", "-n", metavar="N", help="Show this table's alignment; from 1."),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(
            "--cell",
            "-c",
            metavar="KEY|ROW,COL",
            help="Show all that bears on this cell; rows and columns from 1.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the same facts as one JSON object.")
    ] = False,
    graphml: Annotated[
        Path | None,
        typer.Option(
            "--graphml", metavar="FILE", help="Also write slots, symbols and matches as a graph."
        ),
    ] = None,
    templates: TemplateOption = None,
    min_confidence: MinConfidenceOption = None,
    max_error: MaxErrorOption = None,
    kind: KindOption = None,
    encoding: EncodingOption = None,
) -> None:
    """Show why a document's tables were recovered as they were.

    An overview of all tables; with --table the alignment, a line for each piece of the dump;
    with --cell one cell: its neighbours in the dump, what else it may hold, its rules.

    Exit code 0: explained, tables or not. 1: the input can't be read. 2: options are wrong, or
    there is no such table or cell.
    """
    from tabrecover.explain import explain_document  # noqa: PLC0415
    from tabrecover.report import one_line  # noqa: PLC0415
    from tabrecover.storage import builtin_calibration  # noqa: PLC0415

    _check_kind(kind)
    _check_encoding(encoding)
    library = _library(templates)
    least = _least_confidence(min_confidence, max_error)
    if graphml is not None:
        _check_output(graphml, [file])
    try:
        document = _read_document(file, kind, encoding)
        explanation = explain_document(
            document, library, file, least=least, calibration=builtin_calibration()
        )
    except (OSError, RecoveryError) as error:
        typer.echo(f"tabrecover: {one_line(file)}: {_reason(error)}", err=True)
        raise typer.Exit(Exit.FAILED_INPUT) from None
    if note := _note(document):
        typer.echo(f"tabrecover: {one_line(file)}: {note}", err=True)
    chosen = _chosen_table(explanation, table, cell)
    shown = _chosen_cell(chosen, cell) if chosen is not None and cell is not None else None
    if graphml is not None:
        _write_graph(graphml, explanation, chosen)
    with _standard_output() as stream:
        width, color = _screen(stream)
        if as_json:
            stream.write(_explained_json(explanation, chosen, shown))
        else:
            stream.write(_explained(explanation, chosen, shown, one_line(file), width, color))


def _chosen_table(
    explanation: Explanation, number: int | None, cell: str | None
) -> TableExplanation | None:
    """The table asked for by number, or by a key that only one table has."""
    tables = explanation.tables
    if number is not None:
        if not 1 <= number <= len(tables):
            _refuse(f"no table {number}; {_known_tables(tables)}")
        return tables[number - 1]
    if cell is None:
        return None
    if not tables:
        _refuse(f"no cell {cell!r}; {_known_tables(tables)}")
    holding = [t for t in tables if any(c.key == cell for c in t.cells)]
    if len(holding) > 1 or (not holding and len(tables) > 1 and _position(cell) is not None):
        _refuse(f"which table? add --table; {_known_tables(holding or tables)}")
    if not holding and len(tables) > 1:
        _refuse_key(cell, [c.key for t in tables for c in t.cells if c.key])
    return (holding or list(tables))[0]


def _known_tables(tables: Sequence[TableExplanation]) -> str:
    if not tables:
        return "no table was found"
    return "there are: " + ", ".join(
        f"{table.number} ({table.template or 'unknown layout'})" for table in tables
    )


def _position(cell: str) -> tuple[int, int] | None:
    """`3,4` as a row and a column from 0, None for a key."""
    row, comma, col = cell.partition(",")
    if not comma or not (row.strip().isdecimal() and col.strip().isdecimal()):
        return None
    return int(row) - 1, int(col) - 1


def _chosen_cell(table: TableExplanation, cell: str) -> Cell:
    from tabrecover.explain import find_cell  # noqa: PLC0415

    by_key = next((c for c in table.cells if c.key == cell), None)
    if by_key is not None:
        return by_key
    position = _position(cell)
    if position is None:
        _refuse_key(cell, [c.key for c in table.cells if c.key])
    found = find_cell(table, *position)
    if found is None:
        rows, cols = table.shape
        _refuse(
            f"no cell {cell!r} in table {table.number}; rows are 1 to {rows}, columns 1 to {cols}"
        )
    return found


def _refuse_key(key: str, known: Sequence[str]) -> NoReturn:
    """Say that there is no such key, and which are like it."""
    from difflib import get_close_matches  # noqa: PLC0415

    if not known:
        _refuse(f"no key {key!r}; cells of unknown layout have none, name them as ROW,COL")
    near = [name for name in known if key in name][:3]
    near = near or get_close_matches(key, known, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else f"; there are: {known[0]}, ..."
    _refuse(f"no key {key!r}{hint}")


def _write_graph(path: Path, explanation: Explanation, chosen: TableExplanation | None) -> None:
    from tabrecover.explain_view import graphml  # noqa: PLC0415
    from tabrecover.storage import write_atomically  # noqa: PLC0415

    graph = graphml(explanation, explanation.tables if chosen is None else [chosen])
    try:
        with write_atomically(path) as stream:
            stream.write(graph)
    except OSError as error:
        _refuse(f"{path}: can't be written: {error.strerror}; nothing was changed")


def _explained_json(
    explanation: Explanation, chosen: TableExplanation | None, cell: Cell | None
) -> str:
    """One object: all tables without their steps, or one with them, or one with a cell."""
    import json  # noqa: PLC0415

    from tabrecover.explain import explain_cell  # noqa: PLC0415

    record = explanation.to_dict(steps=False)
    if chosen is not None:
        record["tables"] = [chosen.to_dict(steps=cell is None)]
    if chosen is not None and cell is not None:
        record["cell"] = explain_cell(chosen, cell).to_dict()
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def _explained(
    explanation: Explanation,
    chosen: TableExplanation | None,
    cell: Cell | None,
    name: str,
    width: int,
    color: bool,
) -> str:
    from tabrecover import explain_view as view  # noqa: PLC0415
    from tabrecover.explain import explain_cell  # noqa: PLC0415

    if chosen is None:
        return view.overview(explanation, name, width=width, color=color)
    if cell is None:
        return view.table_view(explanation, chosen, name, width=width, color=color)
    return view.cell_view(explain_cell(chosen, cell), chosen, width=width, color=color)


# --- templates ----------------------------------------------------------------------------------


@templates_app.command("list")
def list_templates(templates: TemplateOption = None) -> None:
    """List templates: id, rows x columns, rules, title."""
    library = _library(templates)
    width = max((len(t.id) for t in library.templates), default=0)
    with _standard_output() as stream:
        for template in library.templates:
            shape = f"{template.n_rows} x {template.n_cols}"
            rules = f"{len(template.instances)} checks"
            stream.write(f"{template.id:{width}}  {shape:>9}  {rules:>10}  {template.title}\n")


class TemplateFormat(StrEnum):
    """How a template is shown."""

    TERMINAL = "terminal"
    HTML = "html"
    GRAPHML = "graphml"


@templates_app.command("show")
def show_template(
    template_id: Annotated[str, typer.Argument(metavar="ID")],
    templates: TemplateOption = None,
    format: Annotated[TemplateFormat, typer.Option("--format", "-f", help="How to write.")] = (  # noqa: A002
        TemplateFormat.TERMINAL
    ),
) -> None:
    """Show a template: its table with the keys of its values, or its graph."""
    from tabrecover import report  # noqa: PLC0415

    library = _library(templates)
    found = next((t for t in library.templates if t.id == template_id), None)
    if found is None:
        known = ", ".join(t.id for t in library.templates) or "none"
        _refuse(f"no template {template_id!r}; there are: {known}")
    with _standard_output() as stream:
        if format is TemplateFormat.TERMINAL:
            width, color = _screen(stream)
            stream.write(report.template_view(found, width=width, color=color))
        elif format is TemplateFormat.HTML:
            stream.write(report.template_html(found))
        else:
            stream.write(report.template_graphml(found))


@templates_app.command("check")
def check_templates(
    paths: Annotated[list[Path], typer.Argument(metavar="DIR|FILE.html...")],
) -> None:
    """Check templates, and say of each whether it is right, or what is wrong and where.

    Exit code 0: all are right. 1: some are not.
    """
    from tabrecover.storage import check_folder  # noqa: PLC0415
    from tabrecover.template import template_graph  # noqa: PLC0415

    bad = 0
    with _standard_output() as stream:
        for file, result in (entry for path in paths for entry in check_folder(path)):
            if isinstance(result, TemplateError):
                bad += 1
                stream.write(f"bad  {result}\n")
                continue
            graph = template_graph(result)
            stream.write(
                f"ok   {file}: {result.id}, {result.n_rows} x {result.n_cols}, "
                f"{graph.number_of_nodes()} slots, {len(result.instances)} checks\n"
            )
    if bad:
        raise typer.Exit(Exit.FAILED_INPUT)


@templates_app.command("compile")
def compile_templates(
    paths: Annotated[list[Path], typer.Argument(metavar="DIR|FILE.html...")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write; it ends in .tabrecover.")
    ],
) -> None:
    """Put many templates in one file that opens fast; give it to --templates.

    Do so again after a change of a template, or of tabrecover. Exit code 2: a template is wrong
    (see `check`), or the file can't be written; it is written whole or not at all.
    """
    from tabrecover.compiled import SUFFIX, compile_folders  # noqa: PLC0415

    if output.suffix != SUFFIX:
        _refuse(f"{output}: give the file a name that ends in {SUFFIX}")
    inputs = [path for folder in paths for path in [folder, *folder.rglob("*")]]
    _check_output(output, [str(path) for path in inputs if path.is_file()])
    try:
        count = compile_folders(paths, output)
    except RecoveryError as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{output}: can't be written: {error.strerror}")
    with _standard_output() as stream:
        stream.write(f"{output}: {count.templates} templates, {count.phrases} labels\n")


@templates_app.command("preview")
def preview_templates(
    name: Annotated[str, typer.Argument(metavar="ID|FOLDER", help="One template, or a folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, whole or not at all.")
    ] = None,
    templates: TemplateOption = None,
) -> None:
    """Write an HTML page that shows templates with keys and types in their slots.

    Exit code 2: there is no such template, or one in the folder is wrong (see `check`).
    """
    from tabrecover.report import template_page  # noqa: PLC0415

    library = _library([name] if Path(name).exists() else templates)
    chosen = [t for t in library.templates if Path(name).exists() or t.id == name]
    if not chosen:
        known = ", ".join(t.id for t in library.templates) or "none"
        _refuse(f"no folder and no template {name!r}; there are: {known}")
    if output is None:
        with _standard_output() as stream:
            stream.writelines(template_page(chosen))
        return
    _check_output(output, [])
    _write_texts({output: "".join(template_page(chosen))})


@templates_app.command("learn")
def learn(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Filled, intact tables: HTML, DOCX or XLSX; with --dumps, flattened ones.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for NAME.html and NAME.toml.")
    ],
    template_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="All tables are examples of this one template."),
    ] = None,
    dumps: Annotated[
        bool, typer.Option("--dumps", help="The files are flattened dumps of one form.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    encoding: EncodingOption = None,
) -> None:
    """Write templates learned from filled examples, for you to look at and to mend.

    Tables that share an id, a caption or their labels are examples of one layout: what stays is
    a label, what varies a value. Sums that hold in all of them are proposed as rules. With --dumps
    no clean copy is needed, but many dumps of one form; some of them must mark rows and cells.

    Exit code 0: written. 1: some file can't be read or holds no table; nothing was written. 2:
    the examples contradict each other, or the output can't be written.
    """
    from tabrecover.authoring import check_id, learn_templates  # noqa: PLC0415

    _check_encoding(encoding)
    try:
        if template_id is not None:
            check_id(template_id)
        if dumps:
            lessons, refused = _learn_from_dumps(files, encoding, template_id)
        else:
            lessons, refused = learn_templates(_examples(files, encoding), id=template_id)
    except UsageError as error:
        _refuse(str(error))
    for message in refused:
        typer.echo(f"tabrecover: no template: {message}", err=True)
    if not lessons:
        _refuse("nothing was learned, and nothing written")
    texts = {
        out / f"{lesson.id}{suffix}": text
        for lesson in lessons
        for suffix, text in ((".html", lesson.html), (".toml", lesson.toml))
    }
    _check_templates_folder(out, {lesson.id for lesson in lessons}, texts, force)
    _write_texts(texts)
    with _standard_output() as stream:
        for lesson in lessons:
            stream.write(f"{out / lesson.id}.html: {_summary(lesson)}\n")


def _learn_from_dumps(
    files: Sequence[str], encoding: str | None, template_id: str | None
) -> tuple[list[Lesson], list[str]]:
    """What many dumps of a form show, with what of them speaks against it."""
    from tabrecover.api import read_document  # noqa: PLC0415
    from tabrecover.authoring import learn_from_dumps, with_notes  # noqa: PLC0415
    from tabrecover.decode import decode_bytes  # noqa: PLC0415
    from tabrecover.storage import parse_template  # noqa: PLC0415
    from tabrecover.trial import doubts  # noqa: PLC0415

    names = list(dict.fromkeys(files))
    documents = []
    failed = False
    for name in names:
        try:
            documents.append(read_document(decode_bytes(_read(name), encoding)))
        except (OSError, RecoveryError) as error:
            failed = True
            typer.echo(f"tabrecover: {_one_line(name)}: {_reason(error)}", err=True)
    if failed:
        raise typer.Exit(Exit.FAILED_INPUT)
    lessons, refused = learn_from_dumps(documents, names, id=template_id)
    noted = [
        with_notes(lesson, doubts(parse_template(lesson.html, lesson.toml), documents))
        for lesson in lessons
    ]
    return noted, refused


def _examples(files: Sequence[str], encoding: str | None) -> list[Example]:
    """All tables of all files; every file that gives none is told, and ends the run."""
    examples: list[Example] = []
    failed = False
    for name in files:
        try:
            found = _examples_of(name, encoding)
            if not found:
                raise InputError(
                    "no table in it; give a page with an intact HTML table, or --dumps for dumps"
                )
            examples += found
        except (OSError, RecoveryError) as error:
            failed = True
            typer.echo(f"tabrecover: {_one_line(name)}: {_reason(error)}", err=True)
    if failed:
        raise typer.Exit(Exit.FAILED_INPUT)
    return examples


def _examples_of(name: str, encoding: str | None) -> list[Example]:
    from tabrecover.decode import decode_bytes  # noqa: PLC0415
    from tabrecover.html_examples import html_examples  # noqa: PLC0415
    from tabrecover.office import OFFICE_SUFFIXES, office_examples  # noqa: PLC0415

    data = _read(name)
    suffix = Path(name).suffix.lower()
    if suffix in OFFICE_SUFFIXES:
        return office_examples(data, suffix, name)
    return html_examples(decode_bytes(data, encoding), name)


def _one_line(name: str) -> str:
    from tabrecover.report import one_line  # noqa: PLC0415

    return one_line(name)


def _check_templates_folder(
    folder: Path, ids: Collection[str], texts: Collection[Path], force: bool
) -> None:
    """Refuse to overwrite files, and ids that other files of the folder have."""
    from tabrecover.storage import check_folder  # noqa: PLC0415

    if folder.exists() and not folder.is_dir():
        _refuse(f"{folder}: is no folder; name another one")
    there = [str(path) for path in texts if path.exists()]
    if there and not force:
        _refuse(f"{there[0]}: is there already; use --force to overwrite it, or another --id")
    if not any(folder.rglob("*.html")):
        return
    for file, template in check_folder(folder):
        taken = not isinstance(template, TemplateError) and template.id in ids
        if taken and Path(file) not in texts:
            _refuse(f"{file}: has the id of a learned template; use another --id or folder")


def _write_texts(texts: Mapping[Path, str]) -> None:
    """Write files, each whole or not at all; folders are made."""
    from tabrecover.storage import write_atomically  # noqa: PLC0415

    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(path) as stream:
                stream.write(text)
        except OSError as error:
            _refuse(f"{path}: can't be written: {error.strerror}")


def _summary(lesson: Lesson) -> str:
    draft = lesson.layout.draft
    labels = sum(cell.label for cell in draft.cells)
    parts = [
        f"{draft.shape[0]} x {draft.shape[1]}",
        _counted(labels, "label"),
        _counted(len(draft.cells) - labels, "value slot"),
        _counted(len(lesson.rules), "proposed rule"),
        f"from {_counted(len(lesson.layout.examples), 'example')}",
    ]
    if draft.repeated:
        parts.insert(3, _counted(len(draft.repeated), "repeated row"))
    if draft.notes:
        parts.append(f"{_counted(len(draft.notes), 'thing')} to look at (see its .toml)")
    return ", ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def main() -> None:
    """Entry point."""
    app()
