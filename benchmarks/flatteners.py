"""Real tools that flatten a page, each in one version and an environment of its own.

A page is the text of an HTML document, a dump is what a tool makes of it. How a table is flattened
depends on the tool, its version and its options, so `FLATTENERS` names all three, and no code of
ours lies between page and dump. Environments are made when first needed, one folder for each set
of requirements; programs of the system have to be there already.

    texts = flatten(FLATTENERS[0], pages, Path("environments")).texts
"""

# Programs are run by name, with fixed arguments.
# ruff: noqa: S603

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

WORKER = Path(__file__).resolve().with_name("flatten_worker.py")
BATCH_PAGES = 500
BATCH_SECONDS = 600
INSTALL_SECONDS = 600
VERSION_SECONDS = 60
VERSION = re.compile(r"\d+\.[\w.+]*\w")
VERSION_FLAGS = {"links": "-version", "pdftotext": "-v", "w3m": "-version"}


class FlattenerMissing(RuntimeError):  # noqa: N818 - says what is the case
    """A tool is not there and can't be installed; the message tells what to install."""


class FlattenerFailed(RuntimeError):  # noqa: N818 - says what is the case
    """A tool gave no answer to a whole batch of pages."""


@dataclass(frozen=True, slots=True)
class Flattener:
    """One tool, in one version, with one set of options.

    `requirements` are pins for pip, or for npm where `npm` is set, the tool's own first.
    `commands` are programs that must be on the path, the tool's own last; `packages` are the
    Debian packages that hold them.
    """

    name: str
    tool: str
    requirements: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    packages: str = ""
    npm: bool = False

    @property
    def in_order(self) -> bool:
        """Whether texts stand in the dump in the table's reading order."""
        return self.name not in COLUMNS | DRAWN

    @property
    def reflows(self) -> bool:
        """Whether white space follows from the page's layout and tells nothing about cells."""
        return self.name in DRAWN

    @property
    def by_columns(self) -> bool:
        """Whether texts may come column by column."""
        return self.name in BY_COLUMNS


@dataclass(frozen=True, slots=True)
class Flattened:
    """What a tool made of each page, or None where it found nothing or failed."""

    tool: str
    version: str
    texts: list[str | None]


def library(*names: str, pins: str, office: bool = False) -> list[Flattener]:
    """Ways to call a Python library, on the page or on what LibreOffice makes of it."""
    requirements = tuple(pins.split())
    tool = requirements[0].partition("==")[0]
    commands, packages = (("soffice",), "libreoffice-writer") if office else ((), "")
    return [Flattener(name, tool, requirements, commands, packages) for name in names]


def program(*names: str, commands: str, packages: str) -> list[Flattener]:
    """Ways to call a program of the system."""
    needed = tuple(commands.split())
    return [Flattener(name, needed[-1], (), needed, packages) for name in names]


def module(*names: str, pins: str) -> list[Flattener]:
    """Ways to call a library of Node."""
    pinned = tuple(pins.split())
    tool = pinned[0].rpartition("@")[0]
    return [Flattener(name, tool, pinned, ("npm", "node"), "nodejs npm", True) for name in names]


PDF = {"commands": "soffice pdftotext", "packages": "libreoffice-writer poppler-utils"}

FLATTENERS: tuple[Flattener, ...] = (
    *library(
        "beautifulsoup",
        "beautifulsoup-lines",
        "beautifulsoup-strip",
        "beautifulsoup-space",
        "beautifulsoup-bar",
        pins="beautifulsoup4==4.15.0",
    ),
    *library("lxml-text-content", pins="lxml==6.1.3"),
    *library("selectolax-lines", pins="selectolax==1.0.2"),
    *library("html-text", pins="html-text==0.7.1 lxml==6.1.3 lxml_html_clean==0.4.6"),
    *library("inscriptis", "inscriptis-tab", pins="inscriptis==2.7.6 lxml==6.1.3"),
    *library("resiliparse", pins="resiliparse==2.0.1"),
    *library(
        "html2text",
        "html2text-padded",
        pins="html2text==2025.4.15",
    ),
    *library("markdownify", pins="markdownify==1.2.3 beautifulsoup4==4.15.0"),
    *library("html-to-markdown", pins="html-to-markdown==3.21.0"),
    *library("markitdown", pins="markitdown==0.1.8 markdownify==1.2.3 beautifulsoup4==4.15.0"),
    *library("trafilatura-1.2.2", pins="trafilatura==1.2.2 lxml==5.1.1"),
    *library("trafilatura-1.6.4", pins="trafilatura==1.6.4 lxml==4.9.4"),
    *library(
        "trafilatura-1.12.2",
        pins="trafilatura==1.12.2 lxml==6.1.3 lxml_html_clean==0.4.6",
    ),
    *library(
        "trafilatura-2.0.0",
        pins="trafilatura==2.0.0 lxml==6.1.3 lxml_html_clean==0.4.6",
    ),
    *library(
        "trafilatura-2.3.1",
        "trafilatura-2.3.1-markdown",
        "trafilatura-2.3.1-html2txt",
        pins="trafilatura==2.3.1 lxml==6.1.3 lxml_html_clean==0.4.6",
    ),
    *library("readability", pins="readability-lxml==0.9 lxml==6.1.3 lxml_html_clean==0.4.6"),
    *library("justext", pins="jusText==3.0.2 lxml==6.1.3 lxml_html_clean==0.4.6"),
    *library("boilerpy3", pins="boilerpy3==1.0.7"),
    *library(
        "pandas-csv",
        "pandas-tsv",
        "pandas-markdown",
        "pandas-string",
        pins="pandas==3.1.1 lxml==6.1.3 tabulate==0.10.0",
    ),
    *program("w3m-80", "w3m-200", commands="w3m", packages="w3m"),
    *program("lynx-80", commands="lynx", packages="lynx"),
    *program("links-200", commands="links", packages="links"),
    *program("elinks-80", commands="elinks", packages="elinks"),
    *program(
        "pandoc-plain",
        "pandoc-gfm",
        "pandoc-rst",
        commands="pandoc",
        packages="pandoc",
    ),
    *module("html-to-text-table", pins="html-to-text@10.0.1"),
    *module("turndown-gfm", pins="turndown@7.2.5 turndown-plugin-gfm@1.0.2"),
    *module("node-html-markdown", pins="node-html-markdown@2.0.0"),
    *program("chromium", commands="chromium", packages="chromium"),
    *program("libreoffice-text", commands="soffice", packages="libreoffice-writer"),
    *program("libreoffice-tabs", commands="soffice", packages="libreoffice-calc"),
    *program("pdftotext", "pdftotext-raw", "pdftotext-layout", **PDF),
    *library("pymupdf", pins="PyMuPDF==2.0", office=True),
    *library("pdfminer", pins="pdfminer.six==20260107", office=True),
    *library("pypdf", pins="pypdf==7.1.0", office=True),
    *library("pdfplumber", pins="pdfplumber==0.11.10", office=True),
    *library("pypdfium2", pins="pypdfium2==5.15.2", office=True),
)


# ruff: noqa: SIM905 - names in one text read better than forty quotes
COLUMNS = frozenset(
    """w3m-80 w3m-200 lynx-80 links-200 elinks-80 pandoc-plain pandoc-rst html-to-text-table
    pdftotext-layout""".split()
)
"""Flatteners that lay cells out in columns, a cell over several lines where it is wrapped."""

DRAWN = frozenset("pdftotext pdftotext-raw pymupdf pdfminer pypdf pdfplumber pypdfium2".split())
"""Flatteners that give texts as they are drawn on paper, wrapped where the paper ends."""


BY_COLUMNS = frozenset(["pdftotext", "pdfminer"])
"""Flatteners that read a drawn page in columns."""


def flatten(flattener: Flattener, pages: Sequence[str], environments: Path) -> Flattened:
    """What the tool makes of the pages, asked in batches, its environment made when missing."""
    for command in flattener.commands:
        if shutil.which(command) is None:
            raise FlattenerMissing(
                f"{flattener.name} needs {command}: apt-get install {flattener.packages}"
            )
    home = environment(flattener, environments.absolute())
    texts: list[str | None] = []
    for start in range(0, len(pages), BATCH_PAGES):
        texts += ask(flattener, pages[start : start + BATCH_PAGES], home)
    return Flattened(flattener.tool, version(flattener, home), texts)


def environment(flattener: Flattener, environments: Path) -> Path:
    """The folder a tool lives and works in; a stamp in it tells that its installation is whole."""
    pins = " ".join(flattener.requirements)
    if pins:
        digest = hashlib.sha256(pins.encode()).hexdigest()[:8]
        folder = environments / f"{flattener.tool.replace('/', '-')}-{digest}"
    else:
        folder = environments / "programs"
    stamp = folder / "complete"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            for command in installation(flattener, folder):
                answer(command, "", INSTALL_SECONDS, folder)
        except FlattenerFailed as error:
            raise FlattenerMissing(f"{flattener.name} needs {pins}: {error}") from error
        stamp.write_text(f"{pins}\n", encoding="utf-8")
    return folder


def installation(flattener: Flattener, folder: Path) -> list[list[str]]:
    """The commands that install a tool's requirements in a folder."""
    if not flattener.requirements:
        return []
    if flattener.npm:
        quiet = ["--no-audit", "--no-fund"]
        return [["npm", "install", *quiet, "--prefix", str(folder), *flattener.requirements]]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    return [[sys.executable, "-m", "venv", str(folder)], [*pip, *flattener.requirements]]


def ask(flattener: Flattener, pages: Sequence[str], home: Path) -> list[str | None]:
    """One batch through the worker, in the tool's environment."""
    in_venv = flattener.requirements and not flattener.npm
    python = str(home / "bin" / "python") if in_venv else sys.executable
    folder = home
    if "soffice" in flattener.commands:  # shared: whoever reads the documents, they are the same
        folder = home.parent / f"soffice-{program_version('soffice')}"
        folder.mkdir(exist_ok=True)
    command = [python, "-I", "-X", "utf8", str(WORKER), flattener.name]
    variables = {"LC_ALL": "C.UTF-8", "NODE_PATH": str(home / "node_modules")}
    texts: list[str | None] = json.loads(
        answer(command, json.dumps(list(pages)), BATCH_SECONDS, folder, variables)
    )
    return texts


def version(flattener: Flattener, home: Path) -> str:
    """The tool's version as it is installed, with those of the programs it goes through."""
    if not flattener.requirements:
        own = program_version(flattener.commands[-1])
        through = flattener.commands[:-1]
    elif flattener.npm:
        package = home / "node_modules" / flattener.tool / "package.json"
        own = str(json.loads(package.read_text(encoding="utf-8"))["version"])
        through = ("node",)
    else:
        site_packages = [str(path) for path in home.glob("lib/python*/site-packages")]
        (own,) = (
            found.version
            for found in metadata.distributions(name=flattener.tool, path=site_packages)
        )
        through = flattener.commands
    return " ".join([own, *(f"({name} {program_version(name)})" for name in through)])


@cache
def program_version(command: str) -> str:
    """The number in what a program says of its version."""
    asked = subprocess.run(
        [command, VERSION_FLAGS.get(command, "--version")],
        capture_output=True,
        text=True,
        timeout=VERSION_SECONDS,
        check=False,
    )
    found = VERSION.search(asked.stdout) or VERSION.search(asked.stderr)
    return found.group() if found else "unknown"


def answer(
    command: Sequence[str],
    given: str,
    seconds: float,
    folder: Path,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """What a program writes; whatever ends it early ends the programs it started too."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **variables},
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            written, complaint = process.communicate(given, seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise FlattenerFailed(f"{command[0]} took over {seconds} seconds") from error
            raise
    if process.returncode:
        last = "\n".join(complaint.strip().splitlines()[-3:])
        raise FlattenerFailed(f"{' '.join(command)} failed:\n{last}")
    return written
