"""What each tool makes of a page: one small function a tool, run where that tool is installed.

    python flatten_worker.py NAME < pages.json > texts.json

The pages come as a JSON list of HTML texts, the dumps leave as a JSON list of the same length;
null stands where the tool found nothing or failed. Only the standard library is imported on top,
because each tool lives in an environment of its own and is not there in the others. Tools are
called as their documentation does, and nothing is repaired afterwards. Documents that LibreOffice
makes are kept in the working directory, so that all readers of PDF share one conversion.
"""

# Tools are imported where they are called; programs are run by name, with fixed arguments.
# ruff: noqa: PLC0415, S603
# Most tools come without types, and none is installed where types are checked.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import contextlib
import hashlib
import html
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
Texts = list[str | None]
Decorator = Callable[[Callable[..., str]], Callable[..., str]]

FLATTENERS: dict[str, Callable[[list[str]], Texts]] = {}
PROGRAM_SECONDS = 60
WORKERS = os.cpu_count() or 1


def attempt(function: Callable[[Item], str], item: Item) -> str | None:
    """The tool's text, or None where it finds nothing or fails."""
    try:
        text = function(item)
    except Exception as error:  # whatever a tool raises, the other pages go on
        print(type(error).__name__, file=sys.stderr)
        return None
    return text if text and not text.isspace() else None


def one_by_one(function: Callable[[Item], str], items: Iterable[Item]) -> Texts:
    """The texts of all items, in this thread: not every library allows more."""
    return [attempt(function, item) for item in items]


def side_by_side(function: Callable[[Item], str], items: Iterable[Item]) -> Texts:
    """The texts of all items where each call is a process of its own."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(partial(attempt, function), items))


def from_page(name: str, **options: Any) -> Decorator:
    """Enter a function page -> text, with these options, as a flattener."""

    def enter(function: Callable[..., str]) -> Callable[..., str]:
        FLATTENERS[name] = partial(one_by_one, partial(function, **options))
        return function

    return enter


def from_office(name: str, target: str, **options: Any) -> Decorator:
    """Enter a function path -> text, which reads what LibreOffice makes of a page."""

    def enter(function: Callable[..., str]) -> Callable[..., str]:
        def flatten(pages: list[str]) -> Texts:
            return one_by_one(partial(function, **options), office(pages, target))

        FLATTENERS[name] = flatten
        return function

    return enter


def run(command: Iterable[str], text: str = "") -> str:
    """What a program answers to a text, in UTF-8 both ways."""
    answer = subprocess.run(
        list(command), input=text.encode(), capture_output=True, check=True, timeout=PROGRAM_SECONDS
    )
    return answer.stdout.decode("utf-8", "replace")


# Libraries: strings of the tree


@from_page("beautifulsoup")
@from_page("beautifulsoup-lines", separator="\n")
@from_page("beautifulsoup-strip", separator="\n", strip=True)
@from_page("beautifulsoup-space", separator=" ", strip=True)
@from_page("beautifulsoup-bar", separator="|", strip=True)
def beautifulsoup(page: str, separator: str = "", strip: bool = False) -> str:
    """All strings of the tree, joined."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(page, "html.parser").get_text(separator, strip=strip)


@from_page("lxml-text-content")
def lxml_text_content(page: str) -> str:
    """All strings of the tree, as they stand."""
    import lxml.html

    tree: Any = lxml.html.fromstring(page)
    return tree.text_content()


def lxml_itertext(page: str) -> str:
    """Each string of the tree on a line."""
    import lxml.html

    tree: Any = lxml.html.fromstring(page)
    return "\n".join(tree.itertext())


@from_page("selectolax-lines", separator="\n", strip=True)
def selectolax(page: str, **options: Any) -> str:
    """All strings of the body, joined."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(page).body
    return body.text(**options) if body else ""


# Libraries: text of the page as it looks


@from_page("html-text")
def html_text(page: str) -> str:
    """Text with the line breaks of the layout."""
    import html_text as tool

    return tool.extract_text(page)


@from_page("inscriptis")
@from_page("inscriptis-tab", table_cell_separator="\t")
def inscriptis(page: str, **options: Any) -> str:
    """Tables drawn with spaces."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    return get_text(page, ParserConfig(**options))


@from_page("resiliparse")
def resiliparse(page: str, **options: Any) -> str:
    """Text with simple formatting."""
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(page, **options)


# Libraries: Markdown


@from_page("html2text")
@from_page("html2text-padded", pad_tables=True)
def html2text(page: str, **options: Any) -> str:
    """Markdown with bars between cells."""
    import html2text as tool

    converter = tool.HTML2Text()
    for option, value in options.items():
        setattr(converter, option, value)
    return converter.handle(page)


@from_page("markdownify")
def markdownify(page: str) -> str:
    """Markdown with pipe tables."""
    from markdownify import markdownify as tool

    return tool(page)


@from_page("html-to-markdown")
def html_to_markdown(page: str) -> str:
    """Markdown with pipe tables."""
    from html_to_markdown import convert

    return convert(page).content


@from_page("markitdown")
def markitdown(page: str) -> str:
    """Markdown with pipe tables."""
    from markitdown import StreamInfo

    info = StreamInfo(extension=".html", charset="utf-8")
    stream = io.BytesIO(page.encode())
    return markitdown_converter().convert_stream(stream, stream_info=info).text_content


@cache
def markitdown_converter() -> Any:
    """The converter, whose start takes longer than a page."""
    from markitdown import MarkItDown

    return MarkItDown()


# Libraries: the main content


@from_page("trafilatura-1.2.2")
@from_page("trafilatura-1.6.4")
@from_page("trafilatura-1.12.2")
@from_page("trafilatura-2.0.0")
@from_page("trafilatura-2.3.1")
@from_page("trafilatura-2.3.1-markdown", output_format="markdown")
def trafilatura(page: str, **options: Any) -> str:
    """The main content; what separates cells depends on the version."""
    from trafilatura import extract

    return extract(page, **options)


@from_page("trafilatura-2.3.1-html2txt")
def trafilatura_html2txt(page: str) -> str:
    """All text of the page, in one line."""
    from trafilatura import html2txt

    return html2txt(page)


@from_page("readability")
def readability(page: str) -> str:
    """The strings of the main content."""
    import lxml.html
    from readability import Document

    tree: Any = lxml.html.fromstring(Document(page).summary())
    return tree.text_content()


@from_page("justext")
def justext(page: str) -> str:
    """All paragraphs: without a list of stop words, none can be told from boilerplate."""
    import justext as tool

    return "\n".join(part.text for part in tool.justext(page.encode(), frozenset()))


@from_page("boilerpy3")
def boilerpy3(page: str) -> str:
    """All text blocks: the extractors that choose among them drop tables."""
    from boilerpy3.extractors import KeepEverythingExtractor

    return KeepEverythingExtractor().get_content(page)


# Libraries: the tables alone


@from_page("pandas-csv", write="to_csv")
@from_page("pandas-tsv", write="to_csv", index=False, sep="\t")
@from_page("pandas-markdown", write="to_markdown")
@from_page("pandas-string", write="to_string", index=False)
def pandas(page: str, write: str, **options: Any) -> str:
    """Each table of the page as a data frame, texts as they stand, written out."""
    import pandas as pd

    verbatim: dict[str, Any] = {"thousands": None, "keep_default_na": False}
    tables = pd.read_html(io.StringIO(page), flavor="lxml", **verbatim)
    return "\n\n".join(getattr(table, write)(**options) for table in tables)


# Programs: page on standard input, text on standard output


W3M = ("w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8")
LYNX = ("lynx", "-dump", "-nolist", "-stdin", "-assume_charset=utf-8", "-display_charset=utf-8")
LINKS = ("links", "-dump", "-html-assume-codepage", "utf-8", "-codepage", "utf-8")
ELINKS = ("elinks", "-dump", "-force-html", "-no-references", "-dump-charset", "utf-8")
PANDOC = ("pandoc", "-f", "html", "-t")

PROGRAMS: dict[str, tuple[str, ...]] = {
    "w3m-200": (*W3M, "-cols", "200"),
    "w3m-80": (*W3M, "-cols", "80"),
    "lynx-80": LYNX,
    "elinks-80": ELINKS,
    "pandoc-plain": (*PANDOC, "plain"),
    "pandoc-gfm": (*PANDOC, "gfm"),
    "pandoc-rst": (*PANDOC, "rst"),
}
FLATTENERS |= {
    name: partial(side_by_side, partial(run, command)) for name, command in PROGRAMS.items()
}


def links(page: str) -> str:
    """Tables drawn with lines; links reads no pipe."""
    with tempfile.NamedTemporaryFile(suffix=".html") as document:
        document.write(page.encode())
        document.flush()
        return run([*LINKS, "-width", "200", document.name])


FLATTENERS["links-200"] = partial(side_by_side, links)


# Node: all pages in one process


SCRIPTS = {
    "html-to-text-table": """
        const selectors = [{selector: 'table', format: 'dataTable'}]
        const flatten = require('html-to-text').compile({selectors, wordwrap: false})""",
    "turndown-gfm": """
        const Turndown = require('turndown'), service = new Turndown()
        service.use(require('turndown-plugin-gfm').gfm)
        const flatten = page => service.turndown(page)""",
    "node-html-markdown": """
        const {NodeHtmlMarkdown} = require('node-html-markdown')
        const flatten = page => NodeHtmlMarkdown.translate(page)""",
}
DRIVER = """
const attempt = page => {
    try { const text = flatten(page); return text.trim() ? text : null }
    catch (error) { console.error(error.name); return null }
}
const pages = JSON.parse(require('fs').readFileSync(0, 'utf8'))
require('fs').writeFileSync(1, JSON.stringify(pages.map(attempt)))
"""


def node(script: str, pages: list[str]) -> Texts:
    """The texts that a script's `flatten` makes of the pages."""
    command = ["node", "-e", f"{script}\n{DRIVER}"]
    answer = subprocess.run(
        command, input=json.dumps(pages).encode(), stdout=subprocess.PIPE, check=True
    )
    texts: Texts = json.loads(answer.stdout)
    return texts


FLATTENERS |= {name: partial(node, script) for name, script in SCRIPTS.items()}


# Chromium: all pages in one start, each in a frame of one document

BROWSER = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # pictures and fonts of a page stay unread
    "--virtual-time-budget=100000000",
    "--dump-dom",
)
FRAMES = """<!DOCTYPE html><meta charset="utf-8"><body><script>
(async () => {
    const texts = []
    for (const page of %s) {
        const frame = document.createElement('iframe')
        Object.assign(frame, {srcdoc: page, sandbox: 'allow-same-origin', width: 1280, height: 800})
        const loaded = new Promise(resolve => { frame.onload = resolve })
        document.body.append(frame)
        await loaded
        texts.push(frame.contentDocument.body.innerText)
        frame.remove()
    }
    document.body.textContent = 'TEXTS' + JSON.stringify(texts) + 'END'
})()
</script>"""


def chromium(pages: list[str]) -> Texts:
    """What selecting all and copying gives."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        document = Path(folder, "pages.html")
        document.write_text(FRAMES % json.dumps(pages).replace("<", "\\u003c"), encoding="utf-8")
        command = [*BROWSER, f"--user-data-dir={folder}/profile", document.as_uri()]
        answer = subprocess.run(command, capture_output=True, check=True)
    dom = html.unescape(answer.stdout.decode())
    texts: list[str] = json.loads(dom.partition("TEXTS")[2].rpartition("END")[0])
    return one_by_one(str, texts)


FLATTENERS["chromium"] = chromium


# LibreOffice: all pages in one start


SOURCES = {"csv": "HTML (StarCalc)"}  # the document a page is read as; all others: Writer
TARGETS = {
    "pdf": "pdf:writer_pdf_Export",
    "txt": "txt:Text (encoded):UTF8",
    # Tab, quotation mark, UTF-8, from line 1, column formats, language, quote all, as shown
    "csv": "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true",
}


def office(pages: list[str], target: str) -> list[Path]:
    """Where each page lies as LibreOffice converts it; only new pages are converted."""
    kept = Path(target).absolute()
    kept.mkdir(exist_ok=True)
    paths = [kept / f"{hashlib.sha256(page.encode()).hexdigest()}.{target}" for page in pages]
    new = {path: page for path, page in zip(paths, pages, strict=True) if not path.exists()}
    if not new:
        return paths
    with tempfile.TemporaryDirectory(dir=kept, ignore_cleanup_errors=True) as folder:
        documents = [Path(folder, path.stem).with_suffix(".html") for path in new]
        for document, page in zip(documents, new.values(), strict=True):
            document.write_text(page, encoding="utf-8")
        source = SOURCES.get(target, "HTML (StarWriter)")
        profile = Path(folder, "profile").as_uri()
        command = ["soffice", f"-env:UserInstallation={profile}", "--headless"]
        command += [f"--infilter={source}", "--convert-to", TARGETS[target]]
        command += [document.name for document in documents]
        call = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
        made = list(Path(folder).glob(f"*.{target}"))
        if not made:
            call.check_returncode()
        for document in made:  # a page without one is told by its reader
            document.replace(kept / document.name)
    return paths


@from_office("libreoffice-text", "txt")
@from_office("libreoffice-tabs", "csv")
def read_text(path: Path) -> str:
    """The document itself, without its byte order mark."""
    return path.read_text(encoding="utf-8-sig")


@from_office("pdftotext", "pdf")
@from_office("pdftotext-raw", "pdf", flags=("-raw",))
@from_office("pdftotext-layout", "pdf", flags=("-layout",))
def pdftotext(path: Path, flags: tuple[str, ...] = ()) -> str:
    """The text layer: in reading order, in the order of drawing, or as laid out."""
    return run(["pdftotext", *flags, str(path), "-"])


@from_office("pymupdf", "pdf")
def pymupdf(path: Path, **options: Any) -> str:
    """The text layer, line by line."""
    import pymupdf as tool

    with tool.open(path) as document:
        return "".join(sheet.get_text(**options) for sheet in document)


@from_office("pdfminer", "pdf")
def pdfminer(path: Path) -> str:
    """The text layer, box by box."""
    from pdfminer.high_level import extract_text

    return extract_text(path)


@from_office("pypdf", "pdf")
def pypdf(path: Path, **options: Any) -> str:
    """The text layer, in the order of drawing or as laid out."""
    from pypdf import PdfReader

    return "\n".join(sheet.extract_text(**options) for sheet in PdfReader(path).pages)


@from_office("pdfplumber", "pdf")
def pdfplumber(path: Path, **options: Any) -> str:
    """The text layer, words put in lines by their height, or as laid out."""
    import pdfplumber as tool

    with tool.open(path) as document:
        return "\n".join(sheet.extract_text(**options) for sheet in document.pages)


@from_office("pypdfium2", "pdf")
def pypdfium2(path: Path) -> str:
    """The text layer, as a browser's PDF viewer copies it."""
    import pypdfium2 as tool

    document = tool.PdfDocument(path)
    return "\n".join(sheet.get_textpage().get_text_range() for sheet in document)


def main() -> None:
    """Read pages, write texts; whatever a tool prints goes to standard error."""
    pages: list[str] = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        texts = FLATTENERS[sys.argv[1]](pages)
    json.dump(texts, sys.stdout)


if __name__ == "__main__":
    main()
