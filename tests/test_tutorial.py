"""The tutorial: its commands, run on its files, do what it says."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
_FILE = re.compile(r"saved as `([\w.-]+)`.*?\n\n```\w+\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^```\ntabrecover (.*)\n```$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial's files, and what its commands make of them."""
    text = TUTORIAL.read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("tutorial")
    for name, content in _FILE.findall(text):
        (folder / name).write_text(content, encoding="utf-8")
    commands = _COMMAND.findall(text)
    assert len(commands) == 4
    for command in commands:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "tabrecover", *shlex.split(command)],
            cwd=folder, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
    return folder


def test_the_template_has_labels_slots_and_the_sums(folder: Path) -> None:
    """Row sums and column sums are proposed; the preview shows a key of every slot."""
    rules = (folder / "forms" / "catch.toml").read_text(encoding="utf-8")
    assert 'left = ["*.northhaven", "*.southquay"]\nright = ["*.both"]' in rules
    assert 'left = ["cod.*", "eel_and_lamprey.*", "herring.*"]' in rules
    page = (folder / "preview.html").read_text(encoding="utf-8")
    assert page.count("<small>integer</small>") == 12


def test_the_dump_is_repaired(folder: Path) -> None:
    """All values stand under their labels; the eel's lost blank is the one at Northhaven."""
    with (folder / "catch.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["key"]: row for row in csv.DictReader(stream)}
    assert {key: row["text"] for key, row in rows.items()} == {
        "cod.northhaven": "87", "cod.southquay": "415", "cod.both": "502",
        "eel_and_lamprey.northhaven": "", "eel_and_lamprey.southquay": "233",
        "eel_and_lamprey.both": "233",
        "herring.northhaven": "71", "herring.southquay": "19", "herring.both": "90",
        "all_species.northhaven": "158", "all_species.southquay": "667",
        "all_species.both": "825",
    }  # fmt: skip
    assert all(float(row["confidence"]) >= 0.9 for row in rows.values())
