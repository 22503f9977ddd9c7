"""The import rules: data flows one way, the core is pure, importing the package is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tabrecover"

# A module imports only from lines above its own.
LAYERS = [
    "_version", "errors", "model", "fold", "lex", "lex_html", "furniture", "unwrap", "canvas",
    "layout", "straight", "sheets", "template", "library", "scoring", "looks", "units", "dialects",
    "regions", "bounds", "index", "pieces", "sieve", "catalog", "clusters", "positions", "profiles",
    "posterior", "fillings", "elimination", "sums", "symbols", "anchors", "align", "coherence",
    "confidence", "rules", "added", "glued", "grid", "roundtrip", "repeats", "headers",
    "render", "results", "calibration", "examples", "guess", "heads", "drawings", "sketch",
    "blocks", "columns", "stacks", "cycle", "periods", "freeform", "pipeline", "explain",
    "html_examples", "axis", "draft", "learn", "pile", "propose", "authoring", "trial",
    # below: bytes, files, terminals
    "decode", "storage", "compiled", "office", "api", "places", "http_body", "intake", "batch",
    "folders", "sinks", "bulk", "ray_engine", "bulk_view", "terminal", "explain_view", "report",
    "cli", "__init__", "__main__",
]  # fmt: skip
PURE = LAYERS[: LAYERS.index("decode")]
IMPURE = {"os", "sys", "io", "pathlib", "time", "datetime", "random", "subprocess", "tempfile"}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def imports_of(module: str) -> set[str]:
    """Every module that `module` imports anywhere, as full names."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names.add(node.module or "")
            if node.module == "tabrecover":
                names |= {f"tabrecover.{alias.name}" for alias in node.names}
    return names


def test_every_module_has_its_layer() -> None:
    """No module stands outside the order."""
    assert sorted(LAYERS) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_from_above(module: str) -> None:
    """A module imports only from modules before it, and none imports the package root."""
    allowed = LAYERS[: LAYERS.index(module)]
    own = {n.removeprefix("tabrecover.") for n in imports_of(module) if n.startswith("tabrecover")}
    assert own - {"tabrecover"} <= set(allowed)
    if "tabrecover" in own:  # only `from tabrecover import <module>`
        assert own - {"tabrecover"}


@pytest.mark.parametrize("module", PURE)
def test_core_is_pure(module: str) -> None:
    """Modules above the line touch no files, clocks or processes."""
    allowed = {"io"} if module == "render" else set()  # StringIO for the csv writer
    assert not (imports_of(module) & IMPURE) - allowed


def test_no_template_words_in_code() -> None:
    """No label of a built-in template stands in the code: forms are data."""
    labels = {
        label
        for html in (PACKAGE / "templates").rglob("*.html")
        for label in html.read_text(encoding="utf-8").split("<")
    }
    words = {
        text.split(">", 1)[-1].strip() for text in labels if text.startswith(("th", "caption"))
    }
    words = {word for word in words if len(word) >= 4}
    assert words
    for module in MODULES:
        tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
        docs = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if hasattr(n, "body")
                and isinstance(n, (ast.Module, ast.FunctionDef, ast.ClassDef))}  # fmt: skip
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [t for t in texts if t not in docs and any(word in t for word in words)], module


def test_importing_the_package_is_light() -> None:
    """`import tabrecover` loads none of the heavy packages, and no part of the core."""
    code = (
        "import sys, tabrecover; heavy = {'pandas', 'pyarrow', 'numpy', 'networkx', 'lxml', 'bs4',"
        " 'typer', 'rich', 'opencc', 'rapidfuzz'}; print(sorted(heavy & set(sys.modules)))"
    )
    assert run(code) == "[]"


def test_recovering_loads_no_optional_package() -> None:
    """A recovery of plain text needs neither pandas nor pyarrow, networkx or BeautifulSoup."""
    code = (
        "import sys, tabrecover; tabrecover.recover('a | b\\n1 | 2\\n');"
        " heavy = {'pandas', 'pyarrow', 'networkx', 'bs4'}; print(sorted(heavy & set(sys.modules)))"
    )
    assert run(code) == "[]"


def run(code: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
