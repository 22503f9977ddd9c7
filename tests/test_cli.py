"""The command, run as users run it: output, messages, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import CORPUS

WILD = CORPUS / "in_the_wild"
MACHENG = WILD / "macheng-2019" / "dump.txt"
CHANGTU = WILD / "changtu-2022" / "dump.txt"
PROSE = min((CORPUS / "negative").glob("*.txt"))
CLASH = "<table><tr><th>a<th rowspan=2>b<tr><th colspan=2>c</table>"


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tabrecover", *map(str, arguments)],
        input=stdin, capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip


def test_version_and_help() -> None:
    """`--version` names the version, `--help` the commands."""
    assert run("--version").stdout.startswith(b"tabrecover ")
    assert b"recover" in run("--help").stdout


def test_json_is_a_record_a_line_in_order_with_sources_as_given(tmp_path: Path) -> None:
    """One record a line; a file that fails has `error`, the others go on, the exit code says so."""
    missing = tmp_path / "missing.txt"
    done = run("recover", MACHENG, missing, PROSE, "-", "--format", "json", stdin=b"nothing\n")
    records = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [r["source"] for r in records] == [str(MACHENG), str(missing), str(PROSE), "-"]
    assert [len(r["tables"]) for r in records] == [3, 0, 0, 0]
    assert ["error" in r for r in records] == [False, True, False, False]
    assert str(missing) in done.stderr.decode("utf-8")
    assert done.returncode == 1


def test_terminal_view_marks_doubt_without_colour() -> None:
    """The terminal view shows doubtful cells and broken sums in plain text, aligned for CJK."""
    out = run("recover", CHANGTU).stdout.decode("utf-8")
    assert "0 ?" in out
    assert "applicants: unavailable.not_held: 1 is not 0 (error in the source)" in out
    assert "\x1b" not in out


def test_tidy_and_csv_can_be_read_back() -> None:
    """Tidy output is CSV with a line a value; its numbers are those of the dump."""
    rows = list(csv.DictReader(io.StringIO(run("recover", MACHENG, "-f", "tidy").stdout.decode())))
    assert len(rows) == 22 + 23 * 7 + 15
    by_key = {row["key"]: row for row in rows}
    assert by_key["permits.change"]["number"] == "-766"
    assert by_key["central_procurement.amount"]["text"] == "3189.657"


@pytest.mark.parametrize("form", ["csv", "tidy", "html", "markdown"])
def test_texts_without_a_cell_are_told_beside_the_output(form: str, tmp_path: Path) -> None:
    """Where the output has no place for what found no cell, standard error says where it stands."""
    template = tmp_path / "work.html"
    template.write_text(
        "<table data-type=integer><tr><th>Kind of work<th data-key=h>Hours spent"
        "<th data-key=d>Days spent<tr data-key=r><th>Building roads<td><td>"
        "<tr data-key=b><th>Mending bridges<td><td></table>"
    )
    dump = (
        "| Kind of work | Hours spent | Days spent |\n| Building roads | 12 | 13 |\n"
        "stray words 77\n| Mending bridges | 14 | 15 |\n"
    )
    done = run("recover", "-", "-t", template, "-f", form, stdin=dump.encode())
    at = dump.index("stray")
    message = f"table 1: texts that found no cell, at characters {at}-{at + len('stray words 77')}"
    assert message in done.stderr.decode()
    assert done.returncode == 0


@pytest.mark.parametrize("form", ["html", "csv", "markdown", "tidy", "terminal", "json"])
def test_output_file_is_whole_and_utf8(form: str, tmp_path: Path) -> None:
    """`-o` writes what standard output would show, in every format."""
    target = tmp_path / "out"
    assert run("recover", MACHENG, "-f", form, "-o", target).returncode == 0
    assert target.read_bytes() == run("recover", MACHENG, "-f", form).stdout
    assert list(tmp_path.iterdir()) == [target]


def test_output_that_is_an_input_or_no_file_is_refused(tmp_path: Path) -> None:
    """Nothing is overwritten or half-written: exit code 2 and a message with the remedy."""
    copy = tmp_path / "dump.txt"
    copy.write_bytes(MACHENG.read_bytes())
    for target, words in ((copy, b"also an input"), (tmp_path, b"folder")):
        done = run("recover", copy, "-o", target)
        assert done.returncode == 2
        assert words in done.stderr
    assert copy.read_bytes() == MACHENG.read_bytes()


BAD_INPUTS: dict[str, tuple[bytes, bytes]] = {
    "binary junk": (bytes(range(256)) * 40, b"not text"),
    "truncated UTF-8 of no other encoding": ("café ".encode() * 3 + b"\xe9\xff", b"encoding"),
    "declared in vain": (b"<meta charset=utf-16le><p>\xff\xfe\xfa", b""),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_bytes_are_refused(name: str, tmp_path: Path) -> None:
    """Bytes that are no text are refused by name, with exit code 1 and no traceback."""
    data, words = BAD_INPUTS[name]
    path = tmp_path / "bad.bin"
    path.write_bytes(data)
    done = run("recover", path)
    assert done.returncode == 1
    assert words in done.stderr
    assert b"bad.bin" in done.stderr
    assert b"Traceback" not in done.stderr


def test_folder_and_empty_file(tmp_path: Path) -> None:
    """A folder is refused with the remedy; an empty file holds no table, and is told."""
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert b"is a folder" in run("recover", tmp_path).stderr
    done = run("recover", empty)
    assert (done.returncode, b"empty" in done.stderr) == (0, True)


def test_hostile_sizes_end() -> None:
    """A 20 MB line and 100,000 nested tables end with no table, and without an error."""
    for data in (b"x" * 20_000_000, b"<table>" * 100_000):
        done = run("recover", "-", "--format", "json", stdin=data)
        assert json.loads(done.stdout)["tables"] == []
        assert done.returncode == 0


def test_templates_list_and_show() -> None:
    """The six built-in templates are listed; one is shown with its keys, and as a graph."""
    assert len(run("templates", "list").stdout.splitlines()) == 6
    name = "cn-disclosure-2021/requests"
    assert b"new_requests" in run("templates", "show", name).stdout
    assert b"<graphml" in run("templates", "show", name, "-f", "graphml").stdout
    assert run("templates", "show", "nothing").returncode == 2


def test_templates_check_names_file_and_cell(tmp_path: Path) -> None:
    """Overlapping spans are told with file and cell, the good template beside is told too."""
    (tmp_path / "bad.html").write_text(CLASH, encoding="utf-8")
    (tmp_path / "good.html").write_text("<table><tr><th>a<td></table>", encoding="utf-8")
    done = run("templates", "check", tmp_path)
    text = done.stdout.decode("utf-8")
    assert "bad.html: row 2, column 1 'c': overlaps the cell at row 1, column 2 'b'" in text
    assert "ok " in text
    assert done.returncode == 1
    assert run("recover", MACHENG, "--templates", tmp_path).returncode == 2


def test_closed_pipe_is_quiet() -> None:
    """A reader that goes away ends the run without a traceback."""
    command = f"{sys.executable} -m tabrecover recover {MACHENG} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602
    assert done.stderr == b""


def test_output_into_a_pipe_is_written_there(tmp_path: Path) -> None:
    """A named pipe given with `-o` is written into, not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:  # noqa: S603, S607
        try:
            assert run("recover", MACHENG, "-f", "json", "-o", pipe).returncode == 0
            received = reader.communicate(timeout=20)[0]
        finally:
            reader.kill()  # who waits for a pipe that was replaced would wait for ever
    assert len(json.loads(received)["tables"]) == 3
    assert pipe.is_fifo()


def test_closed_standard_streams_are_told() -> None:
    """A closed input is an input that failed; a full output ends the run with a message."""
    for redirect, code, words in (("<&-", 1, b"closed"), (">/dev/full", 2, b"can't be written")):
        source = "-" if redirect == "<&-" else MACHENG
        command = f"{sys.executable} -m tabrecover recover {source} {redirect}"
        done = subprocess.run(command, shell=True, capture_output=True, check=False)  # noqa: S602
        assert done.returncode == code
        assert words in done.stderr
        assert b"Traceback" not in done.stderr
