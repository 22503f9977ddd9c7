"""The tools that are compared: each takes a dump and the layouts it may hold, and gives records.

Built-in tools are tabrecover, tabrecover with templates learned from one example each, tabrecover
without templates, and the baselines; `NAME=COMMAND` adds
a program that reads a dump from its standard input and writes a record to its standard output.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import tabrecover
from benchmarks.baselines import BASELINES, command_tool
from benchmarks.layouts import BUILTIN, LAYOUTS, Layout, load_layout
from benchmarks.learning import learned_template
from tabrecover.library import Library

__all__ = ["BUILTIN_TOOLS", "Layouts", "Tool", "layouts_of_folder", "layouts_of_set", "tool_named"]

PLACE_OF_LAYOUTS = "{layouts}"
LIBRARIES = {"read_csv": "pandas", "read_html": "pandas", "clevercsv": "clevercsv"}


@dataclass(frozen=True)
class Layouts:
    """The layouts that tools are given."""

    all: tuple[Layout, ...]

    @cached_property
    def library(self) -> Library:
        """The layouts compiled as templates."""
        return Library(layout.template for layout in self.all)

    @cached_property
    def learned(self) -> Library:
        """The templates that one filled table of each layout gives."""
        return Library(map(learned_template, self.all))


def layouts_of_folder(folder: Path) -> Layouts:
    """All layouts below a folder."""
    return Layouts(tuple(load_layout(path) for path in sorted(folder.rglob("*.html"))))


def layouts_of_set(names: Sequence[str]) -> Layouts:
    """The layouts of these names, and the templates that come along with the product."""
    own = tuple(load_layout(LAYOUTS / f"{name}.html") for name in names)
    return Layouts(layouts_of_folder(BUILTIN).all + own)


Records = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, its version, and how it is called: dump and layouts in, tables of a record out."""

    name: str
    version: str
    recover: Callable[[str, Layouts], Records]


def _with_templates(dump: str, layouts: Layouts) -> Records:
    tables: Records = tabrecover.recover(dump, templates=layouts.library).to_dict()["tables"]
    return tables


def _with_learned(dump: str, layouts: Layouts) -> Records:
    tables: Records = tabrecover.recover(dump, templates=layouts.learned).to_dict()["tables"]
    return tables


def _without_templates(dump: str, layouts: Layouts) -> Records:
    del layouts
    tables: Records = tabrecover.recover(dump, templates=[]).to_dict()["tables"]
    return tables


def _baseline(name: str) -> Callable[[str, Layouts], Records]:
    return lambda dump, layouts: BASELINES[name](dump, layouts.all)


BUILTIN_TOOLS: Mapping[str, Callable[[str, Layouts], Records]] = {
    "tabrecover": _with_templates,
    "tabrecover-learned": _with_learned,
    "tabrecover-free": _without_templates,
    **{name: _baseline(name) for name in BASELINES},
}


def tool_named(name: str) -> Tool:
    """A built-in tool, or `NAME=COMMAND`."""
    own, equals, command = name.partition("=")
    if equals:
        return Tool(own, command, _command(command))
    if name not in BUILTIN_TOOLS:
        raise ValueError(f"unknown tool {name!r}; known are {', '.join(BUILTIN_TOOLS)}")
    return Tool(name, _version(name), BUILTIN_TOOLS[name])


def _command(command: str) -> Callable[[str, Layouts], Records]:
    """A program; `{layouts}` in its command becomes a folder with the layouts as templates."""
    if PLACE_OF_LAYOUTS not in command:
        run = command_tool(command)
        return lambda dump, layouts: run(dump, layouts.all)
    folder = tempfile.mkdtemp(prefix="layouts-")
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=1)  # at the end of a worker, too
    ready = command_tool(command.replace(PLACE_OF_LAYOUTS, shlex.quote(folder)))
    written: set[str] = set()

    def recover(dump: str, layouts: Layouts) -> Records:
        for layout in layouts.all:
            if layout.id not in written:
                name = Path(folder, layout.id.replace("/", "-"))
                name.with_suffix(".html").write_text(layout.source[0], encoding="utf-8")
                name.with_suffix(".toml").write_text(layout.source[1], encoding="utf-8")
                written.add(layout.id)
        return ready(dump, layouts.all)

    return recover


def _version(name: str) -> str:
    """Version, and a digest of the code that can change without one."""
    if name.startswith("tabrecover"):
        folder = Path(tabrecover.__file__).parent
        return f"{tabrecover.__version__}+{_digest(sorted(folder.rglob('*.*')))}"
    code = _digest([Path(__file__).with_name("baselines.py")])
    library = LIBRARIES.get(name)
    return f"{metadata.version(library)}+{code}" if library else code


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.suffix in {".py", ".html", ".toml"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
