"""Bulk runs: every kind of input, nothing lost when killed, bad documents set aside."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

import tabrecover
from tabrecover import bulk, cli, intake, places
from tabrecover.api import read_document
from tabrecover.batch import COLUMNS, repair_batch, schema_of
from tabrecover.bulk import Done, Summary
from tabrecover.bulk_view import progress_line
from tabrecover.errors import UsageError
from tabrecover.folders import folder_at
from tabrecover.intake import Item, Piece, Reading
from tabrecover.places import File
from tabrecover.sinks import DRAWINGS, FORMATS, Format

TABLE = "| Village | Sheep | Goats |\n| Upton | 12 | 7 |\n| Ham | {} | 3 |\n| Dell | 1 | 0 |\n"
TEXTS = [
    *(f"Report {n}\n\n{TABLE.format(n)}" for n in range(4)),
    "nothing but prose, in two lines\nand no table\n",
    "",
]
NAMES = [f"{n}.txt" for n in range(len(TEXTS))]
TEMPLATE = (
    "<table data-type=integer><tr><th>Village</th><th data-key=sheep>Sheep</th>"
    "<th data-key=goats>Goats</th></tr><tr data-key=v data-repeated>"
    "<td data-type=text data-key=name></td><td></td><td></td></tr></table>"
)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the template of the tables."""
    made = tmp_path_factory.mktemp("forms")
    (made / "village.html").write_text(TEMPLATE, encoding="utf-8")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The texts as files."""
    made = tmp_path / "in"
    made.mkdir()
    for name, text in zip(NAMES, TEXTS, strict=True):
        (made / name).write_text(text, encoding="utf-8")
    return made


def records(out: Path) -> list[dict[str, Any]]:
    lines = "".join(path.read_text("utf-8") for path in sorted((out / "records").glob("*")))
    return [json.loads(line) for line in lines.splitlines()]


def quarantined(out: Path) -> dict[str, str]:
    parts = sorted((out / "quarantine").glob("*"))
    entries = [json.loads(line) for path in parts for line in path.read_text().splitlines()]
    return {entry["source"]: entry["reason"] for entry in entries}


def tree(out: Path) -> dict[str, bytes]:
    """All files of a run but its lock."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


# --- results ------------------------------------------------------------------------------------


def test_records_are_those_of_single_documents(folder: Path, tmp_path: Path) -> None:
    """Each line is the record that `recover` gives for the document, under its name."""
    bulk.repair(folder, tmp_path / "out", format="records", workers=1)
    expected = [tabrecover.recover(text).to_dict() for text in TEXTS]
    assert records(tmp_path / "out") == [
        {**record, "source": name} for record, name in zip(expected, NAMES, strict=True)
    ]


def test_data_sets_hold_every_value_once(folder: Path, tmp_path: Path) -> None:
    """Parquet by its schema: documents, their tables, and the tidy rows of all of them."""
    summary = bulk.repair(folder, tmp_path / "out", workers=1)
    sets = {name: pq.read_table(tmp_path / "out" / name) for name in COLUMNS}
    assert all(sets[name].schema == schema_of(name) for name in COLUMNS)
    expected = [row for text in TEXTS for row in tabrecover.recover(text).tidy()]
    values = sets["values"].to_pylist()
    assert [(v["text"], v["confidence"], v["start"]) for v in values] == [
        (v["text"], v["confidence"], v["start"]) for v in expected
    ]
    assert sets["documents"]["id"].to_pylist() == NAMES
    tables = sets["tables"].to_pylist()
    assert summary.counts["values"] == len(values) == sum(row["values"] for row in tables)
    assert summary.counts["documents"] == len(TEXTS)


def test_csv_can_not_be_read_as_formulas(tmp_path: Path) -> None:
    """A cell that begins like a formula is written as text; line ends stay inside quotes."""
    (tmp_path / "a.txt").write_text(
        "| name | sum |\n|---|---|\n| =1+1 | 5 |\n| @x | =2*3 |\n| z\t| 7 |\n| y | -cmd |\n"
    )
    bulk.repair(tmp_path / "a.txt", tmp_path / "out", format="csv", workers=1)
    with open(tmp_path / "out" / "values" / "part-0000000.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    fields = {field for row in rows for field in row.values()}
    assert fields >= {"'=1+1", "'=2*3", "'-cmd", "5"}
    assert not any(field.startswith(("=", "@", "-")) for field in fields)
    assert [row["told"] for row in rows] == [
        str(float(r["confidence"]) >= 0.9).lower() for r in rows
    ]


def test_data_sets_without_rows_can_be_read(tmp_path: Path) -> None:
    """Where no document has a table, the data sets are there, and empty."""
    (tmp_path / "a.txt").write_text("prose\n")
    bulk.repair(tmp_path / "a.txt", tmp_path / "out", workers=1)
    assert pq.read_table(tmp_path / "out" / "values").num_rows == 0


def test_numbers_that_no_column_holds_exactly_are_texts_only(tmp_path: Path) -> None:
    """Whole numbers beyond 2**53 keep their digits as text, and have no rounded number."""
    digits = "10001000330074074"
    (tmp_path / "a.txt").write_text(f"| name | code |\n| x | {digits} |\n| y | 6 |\n| z | 7 |\n")
    bulk.repair(tmp_path / "a.txt", tmp_path / "out", workers=1)
    values = pq.read_table(tmp_path / "out" / "values").to_pylist()
    assert {v["text"]: v["number"] for v in values if v["text"] in (digits, "6")} == {
        digits: None, "6": 6.0,
    }  # fmt: skip


def test_a_defect_of_ours_sets_one_document_aside(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised for one document, the others are done."""

    def fail(text: str, kind: object) -> Any:
        del kind
        if "Report 2" in text:
            raise IndexError("oops")
        return read_document(text)

    monkeypatch.setattr("tabrecover.batch.read_document", fail)
    summary = bulk.repair(folder, tmp_path / "out", workers=1)
    assert quarantined(tmp_path / "out") == {"2.txt": "defect: IndexError: oops"}
    assert summary.counts["documents"] == len(TEXTS)


def test_review_begins_with_what_needs_least(folder: Path, tmp_path: Path) -> None:
    """All values in doubt, those first whose tables have the fewest doubts."""
    summary = bulk.repair(folder, tmp_path / "out", workers=1, least=0.9999)
    with open(tmp_path / "out" / "review.csv", encoding="utf-8") as stream:
        doubts = [int(row["doubts"]) for row in csv.DictReader(stream)]
    assert len(doubts) == summary.counts["doubts"] > 0
    assert doubts == sorted(doubts)


@pytest.mark.parametrize("way", ["html", "markdown"])
def test_tables_are_put_back_into_their_documents(way: str, folder: Path, tmp_path: Path) -> None:
    """Each table stands in the place of its text; all other text is as it was."""
    (folder / "page.html").write_text(f"<html><body><pre>{TEXTS[0]}</pre></body></html>")
    options = {"format": "repaired", "tables_as": way, "workers": 1}
    bulk.repair(folder, tmp_path / "out", **options)  # type: ignore[arg-type]
    (part,) = (tmp_path / "out" / "repaired").iterdir()
    found = {e["id"]: e["text"] for e in map(json.loads, part.read_text("utf-8").splitlines())}
    for name, text in zip(NAMES, TEXTS, strict=True):
        expected = text
        for table in reversed(tabrecover.recover(text).tables):
            drawn = table.to_html() if way == "html" else table.to_markdown()
            expected = expected[: table.span.start] + drawn.strip() + expected[table.span.end :]
        assert found[name] == expected
    assert found["page.html"] == (folder / "page.html").read_text()
    assert ("<table" in found["0.txt"]) == (way == "html")


def test_a_batch_of_arrow_gives_the_same_records() -> None:
    """The function for other engines: a row a document, in order, with its record."""
    given = pa.RecordBatch.from_pydict({"id": NAMES, "text": TEXTS})
    result = repair_batch(given)
    assert result.schema.names == [*COLUMNS["documents"], "record"]
    assert [json.loads(row["record"]) for row in result.to_pylist()] == [
        {**tabrecover.recover(text).to_dict(), "source": name}
        for name, text in zip(NAMES, TEXTS, strict=True)
    ]
    with pytest.raises(UsageError, match="no column 'body', but 'id', 'text'"):
        repair_batch(given, text_column="body")


def test_documents_one_by_one(folder: Path) -> None:
    """The iterator gives what the run writes, without writing."""
    found = list(bulk.repaired(folder))
    assert [one.document["id"] for one in found] == NAMES
    assert [one.recovery.to_dict()["tables"] for one in found if one.recovery] == [
        tabrecover.recover(text).to_dict()["tables"] for text in TEXTS
    ]


# --- inputs -------------------------------------------------------------------------------------


def _json_lines() -> bytes:
    lines = (json.dumps({"id": n, "text": t}) for n, t in zip(NAMES, TEXTS, strict=True))
    return ("\n".join(lines) + "\n").encode()


def _csv() -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["id", "text"], *zip(NAMES, TEXTS, strict=True)])
    return stream.getvalue().encode()


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in zip(NAMES, TEXTS, strict=True):
            archive.writestr(name, text)
    return stream.getvalue()


def _wet() -> bytes:
    parts = []
    for name, text in zip(NAMES, TEXTS, strict=True):
        head = (
            f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: {name}\r\n"
            f"WARC-Record-ID: <urn:uuid:{name}>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(text.encode())}\r\n\r\n"
        )
        parts.append(gzip.compress(f"{head}{text}\r\n\r\n".encode()))
    return b"".join(parts)


def _parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": NAMES, "text": TEXTS}), stream, row_group_size=2)
    return stream.getvalue()


CONTAINERS = {
    "a.jsonl": _json_lines,
    "a.jsonl.gz": lambda: gzip.compress(_json_lines()),
    "a.ndjson.zst": lambda: zstandard.compress(_json_lines()),
    "a.csv": _csv,
    "a.csv.gz": lambda: gzip.compress(_csv()),
    "a.tsv": lambda: b"id\ttext\n0.txt\tprose only\n",
    "a.parquet": _parquet,
    "a.zip": _zip,
    "a.warc.wet.gz": _wet,
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_its_documents(name: str, tmp_path: Path) -> None:
    """The same texts and ids, whatever they are kept in."""
    (tmp_path / name).write_bytes(CONTAINERS[name]())
    bulk.repair(tmp_path / name, tmp_path / "out", format="records", workers=1)
    found = records(tmp_path / "out")
    expected = ["prose only"] if name == "a.tsv" else TEXTS
    assert [record["source"].rpartition("!")[2] for record in found] == NAMES[: len(expected)]
    assert [record["tables"] for record in found] == [
        tabrecover.recover(text).to_dict()["tables"] for text in expected
    ]


def response(name: str, headers: str, body: bytes) -> bytes:
    """A record of a web archive: an HTTP response as it came over the line."""
    block = f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {name}\r\n"
        f"WARC-Record-ID: <urn:uuid:{name}>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def test_responses_are_read_as_their_headers_say(tmp_path: Path) -> None:
    """Chunks, compression and the server's encoding; what can't be undone is set aside alone."""
    text = "Straße\n\n" + TABLE.format(1)
    packed = gzip.compress(text.encode("latin-1"))
    kind = "Content-Type: text/plain; charset=ISO-8859-1\r\n"
    (tmp_path / "a.warc").write_bytes(
        response("plain", kind, text.encode("latin-1"))
        + response("brotli", "Content-Encoding: br\r\n", b"\x0b\x02\x80abc\x03")
        + response("cut", kind + "Content-Encoding: gzip\r\n", packed[:-9])
        + response(
            "sent",
            kind + "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed),
        )
    )
    bulk.repair(tmp_path / "a.warc", tmp_path / "out", format="records", workers=1)
    found = {record["source"]: record for record in records(tmp_path / "out")}
    assert found["sent"]["tables"] == found["plain"]["tables"] != []
    assert sorted(quarantined(tmp_path / "out").values()) == [
        "is cut off while compressed",
        "is encoded as 'br', which can't be read; decode it before",
    ]


def test_remote_inputs_are_those_of_a_folder(folder: Path, tmp_path: Path) -> None:
    """A folder by its URL gives what it gives by its path, in worker processes too."""
    (folder / "more").mkdir()
    for name, container in CONTAINERS.items():
        (folder / "more" / name).write_bytes(container())
    bulk.repair(folder, tmp_path / "near", format="records", workers=1)
    bulk.repair(folder.as_uri(), tmp_path / "far", format="records", workers=2)
    assert records(tmp_path / "far") == records(tmp_path / "near")
    one = f"{folder.as_uri()}/more/a.parquet"
    bulk.repair(one, tmp_path / "one", format="csv", workers=1)
    sources = []
    for part in sorted((tmp_path / "one" / "documents").iterdir()):
        with part.open(encoding="utf-8", newline="") as stream:
            sources += [row["source"] for row in csv.DictReader(stream)]
    assert sources == [f"{one}:{number}" for number in range(len(TEXTS))]


def test_a_remote_run_goes_on_only_with_the_same_files(folder: Path, tmp_path: Path) -> None:
    """A file that has changed since is told, as it is with paths."""
    bulk.repair(folder.as_uri(), tmp_path / "out", workers=1)
    bulk.repair(folder.as_uri(), tmp_path / "out", workers=1)
    (folder / NAMES[0]).write_text("something else", encoding="utf-8")
    with pytest.raises(bulk.BulkError, match="have changed"):
        bulk.repair(folder.as_uri(), tmp_path / "out", workers=1)


@pytest.mark.parametrize(
    "name", ["file:///no/such/folder", "memory://nothing", "nowhere://a/b", "s3n://x/y", "http://"]
)
def test_remote_inputs_that_are_not_there(name: str, tmp_path: Path) -> None:
    """What is not there, or of a kind that nothing reads, is told before anything is written."""
    with pytest.raises(UsageError, match=name):
        bulk.repair(name, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wanted", ["parquet", "records"])
def test_a_remote_output_is_that_of_a_folder(wanted: Format, folder: Path, tmp_path: Path) -> None:
    """Written to a URL, by worker processes too, and called again: the files of a folder."""
    (folder / "3.txt").write_bytes(b"\xff\x00\x01" * 9)  # to be set aside
    near, far = tmp_path / "near", tmp_path / "far"
    first = bulk.repair(folder, near, format=wanted, workers=1)
    for _ in range(2):
        again = bulk.repair(folder, far.as_uri(), format=wanted, workers=2)
        assert again.to_dict() == first.to_dict()
        assert {n: d for n, d in tree(far).items() if "manifest" not in n} == {
            n: d for n, d in tree(near).items() if "manifest" not in n
        }


def test_a_remote_run_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces without a mark, or with half of one, are done again, and others are not."""
    monkeypatch.setattr(intake, "PIECE_FILES", 1)
    out = tmp_path / "out"
    bulk.repair(folder, out.as_uri(), workers=1)
    whole = tree(out)
    before = (out / "documents" / "part-0000001.parquet").stat().st_mtime_ns
    marker = out / ".state" / "0000002.json"
    marker.write_text(marker.read_text()[:40])
    (out / ".state" / "0000003.json").unlink()
    (out / "documents" / "part-0000003.parquet").write_bytes(b"half")
    bulk.repair(folder, out.as_uri(), workers=1)
    assert tree(out) == whole
    assert (out / "documents" / "part-0000001.parquet").stat().st_mtime_ns == before


def test_a_remote_output_keeps_what_is_not_its_own(folder: Path, tmp_path: Path) -> None:
    """Files of no run, another run, and inputs around the output are refused, and stay."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    with pytest.raises(bulk.BulkError, match=r"holds 'thesis\.txt', which is of no run"):
        bulk.repair(folder, (tmp_path / "mine").as_uri(), workers=1)
    with pytest.raises(UsageError, match="is inside of the input"):
        bulk.repair(folder.as_uri(), f"{folder.as_uri()}/out", workers=1)
    assert not (folder / "out").exists()
    out = (tmp_path / "out").as_uri()
    bulk.repair(folder, out, workers=1)
    with pytest.raises(bulk.BulkError, match="holds a run with other settings"):
        bulk.repair(folder, out, workers=1, format="csv")


@pytest.mark.parametrize("url", ["nowhere://a/b", "s3n://x/y", "memory://bucket/out"])
def test_a_remote_output_that_nothing_serves(url: str, folder: Path) -> None:
    """Told with its name, by the function and by the command; a bucket that is not there, too."""
    with pytest.raises(UsageError, match=url):
        bulk.repair(folder, url, workers=1)
    code, _, errors = run(folder, "-o", url)
    assert code == 2
    assert url in errors


def test_a_service_that_fails_while_it_is_written_to(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error ends the run with the output's name; called again, the run goes on."""
    from fsspec.implementations.local import LocalFileSystem  # noqa: PLC0415 - patched here alone

    sent = LocalFileSystem.put_file

    def fail(self: LocalFileSystem, here: str, there: str, **options: Any) -> None:
        if "values" in there:
            raise LookupError("the service is down")
        sent(self, here, there, **options)

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(LocalFileSystem, "put_file", fail)
        with pytest.raises(bulk.BulkError, match=r"out: can't be written: the service is down"):
            bulk.repair(folder, out.as_uri(), workers=1)
    assert not (out / ".state" / "0000000.json").exists()
    bulk.repair(folder, out.as_uri(), workers=1)
    bulk.repair(folder, tmp_path / "near", workers=1)
    assert tree(out).keys() == tree(tmp_path / "near").keys()


class Failing(io.RawIOBase):
    """A remote file that fails with an error of its service's own."""

    def read(self, size: int = -1) -> bytes:
        """Never."""
        raise LookupError(f"the service is down, {size} bytes were asked for")


def test_errors_of_a_service_are_errors_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file system raises sets a document aside, and never stops a run."""

    class System:
        def open(self, *_: str) -> Failing:
            return Failing()

    monkeypatch.setattr(places, "system_of", lambda name: (System(), name))
    item = intake._guarded("a", lambda: intake._content(File("a", "s3://a", 5, ""), 100), 100)
    assert item.data is None
    assert item.reason.startswith("the service is down")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_files_are_documents(suffix: str, tmp_path: Path) -> None:
    """A file that is compressed by itself is read like one that is not."""
    pack = gzip.compress if suffix == "gz" else zstandard.compress
    (tmp_path / f"a.txt.{suffix}").write_bytes(pack(TEXTS[1].encode()))
    bulk.repair(tmp_path / f"a.txt.{suffix}", tmp_path / "out", format="records", workers=1)
    assert (
        records(tmp_path / "out")[0]["tables"] == tabrecover.recover(TEXTS[1]).to_dict()["tables"]
    )


@pytest.mark.parametrize(("data", "count"), [(_json_lines(), 6), (TEXTS[0].encode(), 1)])
def test_standard_input(data: bytes, count: int, tmp_path: Path) -> None:
    """JSON lines, or one document."""
    code, _, _ = run("-", "-o", tmp_path / "out", "-f", "records", "--workers", "1", data=data)
    assert code in (0, 3)
    assert len(records(tmp_path / "out")) == count


@pytest.mark.parametrize("size", [1, 50, 300, 10_000])
def test_lines_are_found_wherever_a_file_is_cut(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of any size hold every line once, in order, also lines that are longer than them."""
    monkeypatch.setattr(intake, "PIECE_BYTES", size)
    path = tmp_path / "a.jsonl"
    path.write_bytes(_json_lines() + b"\n\n" + json.dumps({"text": "x" * 500}).encode())
    found = [
        item.data
        for piece in intake.pieces([str(path)], Reading())
        for item in piece.items(Reading())
    ]
    assert found == [*TEXTS, "x" * 500]


# --- going on -----------------------------------------------------------------------------------


def run(*arguments: str | Path, data: bytes = b"", small: bool = False) -> tuple[int, str, str]:
    done = subprocess.run(  # noqa: S603 - our own command
        [*command(small=small), *map(str, arguments)], input=data, capture_output=True, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def command(*, small: bool) -> list[str]:
    """The command; `small`: with pieces of two files, so that there are many."""
    code = "import tabrecover.intake as i, tabrecover.cli as c"
    cut = "; i.PIECE_FILES = 2" if small else ""
    start = "; import sys; sys.argv = ['tabrecover', 'repair', *sys.argv[1:]]; c.main()"
    return [sys.executable, "-c", code + cut + start]


def test_progress_tells_how_much_is_done_and_left(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares of the input's bytes grow to all of them, by files, lines and row groups alike."""
    monkeypatch.setattr(intake, "PIECE_FILES", 2)
    monkeypatch.setattr(intake, "PIECE_BYTES", 300)
    for name in ("a.jsonl", "a.parquet"):
        (folder / name).write_bytes(CONTAINERS[name]())
    told: list[Done] = []
    summary = bulk.repair(folder, tmp_path / "out", workers=1, progress=lambda _, d: told.append(d))
    shares = [done.share or 0.0 for done in told]
    assert len(shares) > 5
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] == pytest.approx(1, abs=0.001)
    assert {done.documents_before for done in told} == {0}
    bulk.repair(folder, tmp_path / "out", workers=1, progress=lambda _, d: told.append(d))
    assert told[-1].documents_before == summary.counts["documents"]
    assert told[-1].share_before == told[-1].share


def test_progress_in_words() -> None:
    """What an earlier run did counts neither for the rate nor for the time left."""
    summary = Summary()
    summary.counts.update(documents=1500, tables=20, doubts=3)
    line = progress_line(summary, Done(500, 0.5, 0.25), 100.0)
    assert line.startswith("1,500 documents, 20 tables, 3 doubts, 0 quarantined; 10 documents/s; ")
    assert line.endswith("50%, 3 min left")  # a quarter took 100 s, a half is left
    assert "left" not in progress_line(summary, Done(500, None, 0.0), 100.0)


def _written(out: Path) -> int:
    """The number of files in a folder, whole or not yet."""
    return sum(len(files) for _, _, files in os.walk(out))


def test_a_run_that_is_killed_goes_on_to_the_same_result(forms: Path, tmp_path: Path) -> None:
    """Killed six times at any moment, and resumed: all files are those of an undisturbed run."""
    made = tmp_path / "in"
    made.mkdir()
    for n in range(60):
        (made / f"{n:02}.txt").write_text(TABLE.format(n) * 3)
    options = ("-t", forms, "--workers", "2")
    assert run(made, "-o", tmp_path / "whole", *options, small=True)[0] == 0
    rng = random.Random(5)  # noqa: S311 - drawing
    arguments = [*command(small=True), str(made), "-o", str(tmp_path / "cut"), *map(str, options)]
    killed = 0
    for _ in range(6):
        process = subprocess.Popen(  # noqa: S603 - our own command
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        enough = _written(tmp_path / "cut") + rng.randint(1, 9)
        while process.poll() is None and _written(tmp_path / "cut") < enough:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))  # into the midst of a piece
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
        time.sleep(0.3)  # its workers end by themselves
    assert killed > 1
    code, told, errors = run(made, "-o", tmp_path / "cut", *options, small=True)
    assert (code, errors) == (0, "")
    assert told.startswith("60 documents: 60 accepted")
    first, second = tree(tmp_path / "whole"), tree(tmp_path / "cut")
    assert first == second


def test_one_process_and_several_give_the_same_files(folder: Path, tmp_path: Path) -> None:
    """The number of workers is no part of the result."""
    bulk.repair(folder, tmp_path / "one", workers=1)
    bulk.repair(folder, tmp_path / "two", workers=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_cluster_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    """Ray tasks on two processors write what local processes write."""
    pytest.importorskip("ray")
    options = (folder, "-f", "csv", "--workers", "2")
    assert run(*options, "-o", tmp_path / "local", small=True)[0] == 3
    code, _, errors = run(*options, "-o", tmp_path / "ray", "--engine", "ray", small=True)
    assert code == 3, errors
    assert tree(tmp_path / "ray") == tree(tmp_path / "local")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the system")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_is_full(workers: int, folder: Path, tmp_path: Path) -> None:
    """Where the system refuses to write on, the run says so, and goes on when there is room."""
    import resource  # noqa: PLC0415 - not on every system

    rows = (json.dumps({"text": TEXTS[n % len(TEXTS)]}) for n in range(200))
    (folder / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    call = [*command(small=True), str(folder), "-f", "csv", "--workers", str(workers), "-o"]
    limited = subprocess.run(  # noqa: S603 - our own command
        [*call, str(tmp_path / "out")], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )  # fmt: skip
    assert limited.returncode == 2
    assert "can't be written: File too large" in limited.stderr
    assert "Traceback" not in limited.stderr
    for name in ("out", "undisturbed"):
        subprocess.run([*call, str(tmp_path / name)], capture_output=True, check=False)  # noqa: S603
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")


def test_what_is_done_is_not_done_again(folder: Path, tmp_path: Path) -> None:
    """A second call reads the counts and writes no data."""
    first = bulk.repair(folder, tmp_path / "out", workers=1)
    part = next((tmp_path / "out" / "values").iterdir())
    before = part.stat().st_mtime_ns
    assert bulk.repair(folder, tmp_path / "out", workers=1).to_dict() == first.to_dict()
    assert part.stat().st_mtime_ns == before


def test_what_a_killed_run_left_half_written_is_gone(folder: Path, tmp_path: Path) -> None:
    """Files that were being written have names of their own, and go when the run goes on."""
    bulk.repair(folder, tmp_path / "out", workers=1)
    before = tree(tmp_path / "out")
    for name in ("values/.part-0000000.parquet.x1", ".state/.0000000.json.x2"):
        (tmp_path / "out" / name).write_bytes(b"half")
    bulk.repair(folder, tmp_path / "out", workers=1)
    assert tree(tmp_path / "out") == before


def test_other_inputs_or_settings_are_refused(folder: Path, tmp_path: Path) -> None:
    """A folder belongs to one run; what differs is named, and what is there stays."""
    out = tmp_path / "out"
    bulk.repair(folder, out, workers=1)
    before = tree(out)
    with pytest.raises(bulk.BulkError, match=r"with other settings"):
        bulk.repair(folder, out, workers=1, format="csv")
    with pytest.raises(bulk.BulkError, match="other inputs"):
        bulk.repair(folder / "0.txt", out, workers=1)
    (folder / "1.txt").write_text("changed\n")
    with pytest.raises(bulk.BulkError, match="inputs have changed since the run began"):
        bulk.repair(folder, out, workers=1)
    assert tree(out) == before


@pytest.mark.parametrize(
    "options",
    [
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"max_bytes": 2**40},
        {"least": 2},
        {"kind": "pdf"},
        {"format": "xlsx"},
        {"encoding": "nope"},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(
    options: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    """The message names the setting, and nothing is written."""
    with pytest.raises(UsageError, match=next(iter(options))):
        bulk.repair(folder, tmp_path / "out", workers=1, **options)
    assert not (tmp_path / "out").exists()


def test_an_input_given_twice_is_done_once(folder: Path, tmp_path: Path) -> None:
    """The same name again is the same input."""
    summary = bulk.repair([folder, folder], tmp_path / "out", workers=1)
    assert summary.counts["documents"] == len(TEXTS)


def test_a_folder_of_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nothing is written beside files of no run, nor into an input."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    with pytest.raises(bulk.BulkError, match=r"holds 'thesis\.txt', which is of no run"):
        bulk.repair(folder, tmp_path / "mine", workers=1)
    with pytest.raises(UsageError, match="is inside of the input"):
        bulk.repair(folder, folder / "out", workers=1)
    assert not (folder / "out").exists()


def test_two_runs_do_not_write_to_one_folder(folder: Path, tmp_path: Path) -> None:
    """While one run holds the folder, another is refused."""
    with (
        folder_at(tmp_path / "out").locked(),  # what a run does first
        pytest.raises(bulk.BulkError, match="another run writes there"),
    ):
        bulk.repair(folder, tmp_path / "out", workers=1)


def test_pieces_without_a_manifest_are_no_run(folder: Path, tmp_path: Path) -> None:
    """Marks of pieces of which nothing says how they were made are refused, and stay."""
    out = tmp_path / "out"
    bulk.repair(folder, out, workers=1)
    (out / ".state" / "manifest.json").write_text("{")
    before = tree(out)
    with pytest.raises(bulk.BulkError, match="without its manifest"):
        bulk.repair(folder, out, workers=1)
    assert tree(out) == before


def test_an_output_that_can_not_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    """Nothing is marked as done that was not written, so that the run can go on."""
    out = tmp_path / "out"
    (out / ".state").mkdir(parents=True)
    (out / ".state" / "manifest.json").mkdir()
    with pytest.raises((bulk.BulkError, OSError)):
        bulk.repair(folder, out, workers=1)
    (out / ".state" / "manifest.json").rmdir()
    bulk.repair(folder, out, workers=1)
    whole = tree(out)
    (out / ".state" / "0000000.json").unlink()
    (out / "values" / "part-0000000.parquet").unlink()
    (out / "values").rmdir()
    (out / "values").write_text("in the way")
    with pytest.raises(bulk.BulkError, match="can't be written"):
        bulk.repair(folder, out, workers=1)
    assert not (out / ".state" / "0000000.json").exists()
    (out / "values").unlink()
    bulk.repair(folder, out, workers=1)
    assert tree(out) == whole


@pytest.mark.parametrize("change", ["removed", "added", "shorter"])
def test_inputs_that_come_or_go_are_noticed(
    change: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finished run is refused where there is more or less than when it ended."""
    monkeypatch.setattr(intake, "PIECE_FILES", 1)
    bulk.repair(folder, tmp_path / "out", workers=1)
    before = tree(tmp_path / "out")
    if change == "added":
        (folder / "zz.txt").write_text("new")
    else:
        (folder / NAMES[-1]).unlink()
        if change == "shorter":  # and the run had not ended
            (tmp_path / "out" / ".state" / "finished.json").unlink()
            before.pop(".state/finished.json")
    with pytest.raises(bulk.BulkError, match="inputs have changed since the run began"):
        bulk.repair(folder, tmp_path / "out", workers=1)
    assert tree(tmp_path / "out") == before


def test_only_files_of_the_run_are_swept(folder: Path, tmp_path: Path) -> None:
    """Hidden files of users stay, and what links lead to."""
    out = tmp_path / "out"
    bulk.repair(folder, out, workers=1)
    (tmp_path / "home").mkdir()
    mine = [tmp_path / "home" / ".part-0000000.parquet.abc", out / "values" / ".hidden"]
    for path in mine:
        path.write_text("mine")
    (out / "records").symlink_to(tmp_path / "home")
    (out / "values" / ".ipynb_checkpoints").mkdir()
    left = out / ".review.csv.02f3hcsp"
    left.write_text("half")
    bulk.repair(folder, out, workers=1)
    assert all(path.exists() for path in mine)
    assert not left.exists()


def test_a_folder_that_is_refused_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    """Not even a lock is left in a folder of something else."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("text")
    with pytest.raises(bulk.BulkError):
        bulk.repair(folder, tmp_path / "mine", workers=1)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


# --- hostile inputs -----------------------------------------------------------------------------


def found(path: Path, **reading: Any) -> list[Item]:
    given = Reading(**reading)
    return [item for piece in intake.pieces([str(path)], given) for item in piece.items(given)]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_cut_zstandard_is_noticed(cut: float, tmp_path: Path) -> None:
    """A frame that ends early is no document, and no file of lines."""
    rng = random.Random(3)  # noqa: S311 - drawing
    text = "".join(rng.choice("abcdefgh \n") for _ in range(300_000))
    packed = zstandard.compress(text.encode())
    path = tmp_path / "a.txt.zst"
    path.write_bytes(packed[: int(cut * len(packed))])
    assert [(item.data, "end-of-frame" in item.reason) for item in found(path)] == [(None, True)]
    path.write_bytes(packed + zstandard.compress(b"more"))
    assert found(path)[0].data == (text + "more").encode()


def test_one_bad_row_costs_no_other(tmp_path: Path) -> None:
    """Of Parquet and CSV: rows that are no text, or too long, are named, and the rest is read."""
    texts = [b"row %d" % n for n in range(100)]
    texts[70] = b"caf\xe9"
    texts[80] = b"x" * 5_000
    column = pa.array(texts, pa.binary()).cast(pa.string(), safe=False).view(pa.string())
    pq.write_table(
        pa.table({"id": [b"d%d" % n for n in range(100)], "text": column}), tmp_path / "a.parquet"
    )
    rows = b"".join(b"d%d,%s\n\n" % (n, text) for n, text in enumerate(texts))
    (tmp_path / "a.csv").write_bytes(b"id,text\n" + rows)
    for name in ("a.parquet", "a.csv"):
        items = found(tmp_path / name, max_bytes=1_000)
        assert [i.id for i in items if i.data is not None] == [
            f"d{n}" for n in range(100) if n not in (70, 80)
        ]
        assert len([i for i in items if i.data is None]) == 2


def test_csv_that_is_cut_inside_of_quotes_is_noticed(tmp_path: Path) -> None:
    """The last row is no whole one; a sloppy quote elsewhere does not matter."""
    (tmp_path / "a.csv").write_bytes(b'text\n"a"b\n"cut off here')
    assert [(item.data, item.reason) for item in found(tmp_path / "a.csv")] == [
        ("ab", ""), (None, "is cut off inside of quotes"),
    ]  # fmt: skip
    (tmp_path / "b.csv").write_text("text\nGrüße\n", encoding="utf-16")
    assert found(tmp_path / "b.csv", encoding="utf-16")[0].data == "Grüße"


def test_long_fields_of_csv_change_no_limit_of_the_process(tmp_path: Path) -> None:
    """A document longer than what `csv` takes by itself is read, and others' limit stays."""
    before = csv.field_size_limit()
    text = "word " * (before // 4)
    (tmp_path / "a.csv").write_text(f'text\n"{text}"\nshort\n')
    assert [item.data for item in found(tmp_path / "a.csv")] == [text, "short"]
    assert csv.field_size_limit() == before


def test_a_row_of_csv_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    """A quote that is never closed takes no more memory than the largest document may."""
    never = b'x\n","' * 200
    (tmp_path / "a.csv").write_bytes(b'text,rest\nfirst,1\nsecond,"' + never)
    first, rest = found(tmp_path / "a.csv", max_bytes=100)
    assert first.data == "first"
    assert rest.reason.startswith("can't be read on behind 1 documents: a row goes on over too")


def test_a_file_called_minus_is_a_file(folder: Path, tmp_path: Path) -> None:
    """Standard input is read only where it was asked for."""
    (folder / "-").write_text("a file")
    assert {item.id: item.data for item in found(folder)}["-"] == b"a file"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"d1", "d1"),
        (7, "7"),
        (None, "place"),
        (float("nan"), "place"),
        ({}, "place"),
        ("", "place"),
    ],
)
def test_ids_are_texts_or_whole_numbers(name: object, expected: str) -> None:
    """All else is named by its place."""
    assert intake.id_of(name, "place") == expected


def test_members_of_one_name_have_ids_of_their_own(tmp_path: Path) -> None:
    """An archive may hold a name twice; encrypted ones are told."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", "two")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag of the second member
    (tmp_path / "b.zip").write_bytes(bytes(data))
    names = [item.id.rpartition("/")[2] for item in found(tmp_path / "a.zip")]
    assert names == ["a.zip!a.txt", "a.zip!a.txt#2"]
    assert [item.reason for item in found(tmp_path / "b.zip")] == ["", "is encrypted"]


def test_links_that_lead_to_themselves(folder: Path, tmp_path: Path) -> None:
    """Such a link is set aside like any other that leads nowhere."""
    (folder / "loop.txt").symlink_to("loop.txt")
    bulk.repair(folder, tmp_path / "out", workers=1)
    assert list(quarantined(tmp_path / "out")) == ["loop.txt"]


def test_a_batch_with_a_text_that_is_none(tmp_path: Path) -> None:
    """Of a batch too, one bad text costs no other, and a row without an id has its number."""
    del tmp_path
    texts = pa.array([b"fine", b"caf\xe9"], pa.binary()).view(pa.string())
    rows = repair_batch(pa.RecordBatch.from_pydict({"id": ["a", None], "text": texts})).to_pylist()
    assert [(row["id"], row["status"]) for row in rows] == [("a", "none"), ("1", "quarantined")]


# --- hostile folders ----------------------------------------------------------------------------


class Deadly(str):
    """A text that ends the process of whoever asks for its length."""

    __slots__ = ()

    def __len__(self) -> int:
        os._exit(9)
        return 0


@dataclass(frozen=True, slots=True)
class _Trap(Piece):
    """Documents, one of which ends the process."""

    def items(self, reading: Reading) -> Iterator[Item]:
        del reading
        for n, text in enumerate(TEXTS):
            yield Item(f"{n}", f"{n}", Deadly(text) if n == 2 else text)

    @property
    def fingerprint(self) -> str:
        return "trap"


def test_a_document_that_ends_the_process_is_set_aside(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is gone, the others' results are there, and the document is named."""
    monkeypatch.setattr(bulk, "pieces", lambda *_: iter([_Trap(), _Trap()]))
    summary = bulk.repair(folder, tmp_path / "out", format="records", workers=2)
    assert summary.counts["documents"] == 2 * len(TEXTS)
    assert summary.counts["quarantined"] == 2
    assert quarantined(tmp_path / "out") == {"2": "made the process end that repaired it"}


def test_a_document_that_takes_too_long_is_set_aside(folder: Path, tmp_path: Path) -> None:
    """The time that a document may take is kept; those that take less are done."""
    summary = bulk.repair(folder, tmp_path / "out", workers=1, seconds=1e-5)
    assert summary.counts["quarantined"] > 0
    assert set(quarantined(tmp_path / "out").values()) == {"took longer than 1e-05 seconds"}


def test_a_hostile_folder(forms: Path, tmp_path: Path) -> None:
    """Bombs, traversal, loops, pipes, halves, wrong types: each is named with its reason."""
    made = tmp_path / "in"
    (made / "deep").mkdir(parents=True)
    with zipfile.ZipFile(made / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * 20_000_000)
        archive.writestr("../../escaped.txt", TABLE.format(5))
    (made / "bomb.txt.gz").write_bytes(gzip.compress(b"a" * 20_000_000))
    (made / "half.txt.gz").write_bytes(gzip.compress(TABLE.format(1).encode() * 50)[:60])
    (made / "half.jsonl.gz").write_bytes(gzip.compress(_json_lines() * 90)[:-30])
    (made / "half.zip").write_bytes(_zip()[:100])
    (made / "half.warc.wet.gz").write_bytes(_wet()[:-30])
    (made / "none.parquet").write_bytes(b"PAR1 and nothing else")
    pq.write_table(pa.table({"id": ["a"], "text": [7]}), made / "numbers.parquet")
    pq.write_table(pa.table({"body": ["a"]}), made / "other.parquet")
    (made / "long.jsonl").write_bytes(b'{"text": "' + b"x" * 3_000_000 + b'"}\n' + _json_lines())
    (made / "odd.jsonl").write_bytes(b'[1]\n{"text": 5}\n{"no": 1}\n{"text": "\\ud800"}\nnot\n')
    (made / "bad.csv").write_bytes(b"text\n\xff\xfe\n")
    (made / "binary.bin").write_bytes(bytes(range(256)) * 20)
    (made / 'a "name"\nof two lines.txt').write_text(TABLE.format(8))
    (made / "loop").symlink_to(made)
    (made / "deep" / "gone.txt").symlink_to(made / "missing")
    os.mkfifo(made / "pipe.txt")
    (made / "good.txt").write_text(TABLE.format(3))
    options: dict[str, Any] = {"templates": forms, "max_bytes": 1_000_000}
    summary = bulk.repair(made, tmp_path / "out", workers=2, **options)
    told = quarantined(tmp_path / "out")
    for source, reason in {
        "bomb.zip!zeros.txt": "is longer than 1000000 bytes",
        "bomb.txt.gz": "is longer than 1000000 bytes",
        "half.txt.gz": "end-of-stream marker",
        "half.jsonl.gz": "can't be read on behind",
        "half.zip": "not a zip file",
        "none.parquet": "",
        "numbers.parquet:0": "its text is of the type int",
        "other.parquet": "has no column 'text', but 'body'",
        "long.jsonl@0": "is longer than 1000000 bytes",
        "odd.jsonl@0": "is no JSON object",
        "odd.jsonl@4": "its text is of the type int",
        "odd.jsonl@16": "has no column 'text', but 'no'",
        "bad.csv:1": "is not UTF-8",
        "binary.bin": "not text",
        "deep/gone.txt": "No such file",
        "pipe.txt": "is no regular file",
    }.items():
        assert reason in told.pop(source), source
    assert any(source.startswith("half.warc.wet.gz") for source in told)
    documents = pq.read_table(tmp_path / "out" / "documents").to_pylist()
    accepted = {row["id"] for row in documents if row["status"] == "accepted"}
    names = {'a "name"\nof two lines.txt', "good.txt", "bomb.zip!../../escaped.txt"}
    assert accepted >= names
    assert not list(tmp_path.parent.rglob("escaped.txt"))
    assert summary.counts["documents"] == len(documents)


# --- documentation ------------------------------------------------------------------------------


def test_the_python_in_the_documentation_runs(folder: Path, forms: Path, tmp_path: Path) -> None:
    """What docs/bulk.md shows works as it stands, in a script."""
    folder.rename(tmp_path / "reports")
    (tmp_path / "my-forms").symlink_to(forms)
    page = (Path(__file__).parent.parent / "docs" / "bulk.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    body = "".join(f"    {line}\n" for line in "\n".join(blocks).splitlines())
    (tmp_path / "script.py").write_text(f'if __name__ == "__main__":\n{body}', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "1"
    assert (tmp_path / "out" / "summary.json").exists()


def test_the_recipes_in_the_documentation_run(folder: Path, forms: Path, tmp_path: Path) -> None:
    """The commands of docs/bulk.md as they stand: a table of all reports, web archives, Ray."""
    pytest.importorskip("ray")
    folder.rename(tmp_path / "reports")
    (tmp_path / "my-forms").symlink_to(forms)
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.warc.wet.gz").write_bytes(_wet())
    (tmp_path / "tabrecover").write_text(f'#!/bin/sh\nexec {sys.executable} -m tabrecover "$@"\n')
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for name in ("tabrecover", "python"):
        (tmp_path / name).chmod(0o755)
    page = (Path(__file__).parent.parent / "docs" / "bulk.md").read_text(encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    recipes = [part.split("```")[0] for part in page.split("```sh recipe\n")[1:]]
    for recipe in recipes:
        done = subprocess.run(  # noqa: S602 - our own documentation
            recipe.replace("repair reports -o", "repair reports -t my-forms -o"),
            shell=True, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 3), done.stderr
    assert len(recipes) == 3
    with (tmp_path / "reports.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["v[2].sheep"] for row in rows] == ["0.0", "1.0", "2.0", "3.0"]
    assert tree(tmp_path / "crawl-out" / "values") == tree(tmp_path / "cluster-out" / "values")


@pytest.mark.parametrize("engine", ["spark", "ray"])
def test_other_engines_give_the_same_records(
    engine: str, folder: Path, forms: Path, tmp_path: Path
) -> None:
    """The recipes for Spark and Ray Data, run on local clusters, give what a local run writes."""
    pytest.importorskip("pyspark" if engine == "spark" else "ray")
    if engine == "spark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    (tmp_path / "my-forms").symlink_to(forms)
    (tmp_path / "pages.parquet").write_bytes(_parquet())
    page = (Path(__file__).parent.parent / "docs" / "bulk.md").read_text(encoding="utf-8")
    recipe = page.split(f"```python {engine}\n")[1].split("```")[0]
    (tmp_path / "recipe.py").write_text(recipe, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "recipe.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "RAY_DATA_DISABLE_PROGRESS_BARS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    bulk.repair(tmp_path / "pages.parquet", tmp_path / "out", templates=forms, format="records")
    rows = pq.read_table(tmp_path / f"{engine}-out").to_pylist()
    found = {row["id"]: json.loads(row["record"]) for row in rows}
    expected = dict(zip(NAMES, records(tmp_path / "out"), strict=True))
    assert {name: record["tables"] for name, record in found.items()} == {
        name: record["tables"] for name, record in expected.items()
    }
    assert len(rows) == len(NAMES)


def test_the_command_has_the_settings_of_the_function() -> None:
    """What can be chosen, and what is chosen where nothing is said, is the same in both."""
    command, function = signature(cli.repair).parameters, signature(bulk.settings_of).parameters
    for name in ("seconds", "max_bytes", "text_column", "id_column", "format", "tables_as"):
        assert command[name].default == function[name].default
    assert tuple(cli.BulkFormat) == FORMATS
    assert tuple(cli.TablesAs) == DRAWINGS


# --- the command --------------------------------------------------------------------------------


def test_exit_codes_and_what_is_shown(folder: Path, forms: Path, tmp_path: Path) -> None:
    """0 all is well, 3 something to review, 1 something set aside, 2 not carried out."""
    code, told, errors = run(folder, "-o", tmp_path / "a", "-t", forms)
    assert (code, errors) == (0, "")
    assert told.startswith("6 documents: 4 accepted, 0 to review, 2 without tables, 0 set aside")
    assert run(folder, "-o", tmp_path / "b", "-t", forms, "--min-confidence", "0.99999", "-q")[
        :2
    ] == (3, "")
    (folder / "z.bin").write_bytes(bytes(range(256)) * 9)
    assert run(folder, "-o", tmp_path / "c")[0] == 1
    code, _, errors = run(tmp_path / "nothing", "-o", tmp_path / "d")
    assert (code, "no such file or folder" in errors) == (2, True)
    assert not (tmp_path / "d").exists()
