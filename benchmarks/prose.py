"""False tables: documents of many kinds that hold none, drawn at random, and what is found in them.

Each document is drawn from the sentence material in `corpus/prose`, the prose beside the layouts
and, at run time, the labels of the templates that are searched for: sentences full of a form's
own words, lists and headings made of them, instructions how to fill it in, with numbers; menus,
chats, poems, code, logs, addresses, bibliographies. Any table that is returned is false.

    python -m benchmarks.prose [--count 2000] [--seed 1] [--kind KIND] [--show 5]
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tabrecover
from benchmarks.layouts import CORPUS, LAYOUTS, load_words
from tabrecover.api import library_of
from tabrecover.catalog import AnyLibrary

__all__ = ["KINDS", "False_", "documents", "false_tables", "libraries"]

MATERIAL = CORPUS / "prose" / "material.toml"
LANGUAGES = ("zh", "en")
Words = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Material:
    """Sentence material by language, and labels by template: texts in reading order."""

    words: Mapping[str, Words]
    labels: Mapping[str, Sequence[Sequence[str]]]


class Document(NamedTuple):
    """A drawn document: its number, its kind, and its text."""

    number: int
    kind: str
    text: str


class False_(NamedTuple):  # noqa: N801 - `False` is taken
    """A table found where there is none: the document, the template or None, and its text."""

    document: Document
    template: str | None
    text: str


class Writer:
    """Draws sentences of one language, with numbers and labels filled in."""

    def __init__(self, chance: random.Random, material: Material) -> None:
        self.chance = chance
        self.language = chance.choice(LANGUAGES)
        self.words = material.words[self.language]
        self.others = material.words["other"]["sentences"]
        self.labels = chance.choice(material.labels[self.language] or material.labels["zh"])
        self.stop = "" if self.language == "zh" else " "

    def pick(self, name: str) -> str:
        """One entry of the material, filled in."""
        return self.fill(self.chance.choice(self.words[name]))

    def fill(self, text: str) -> str:
        """Numbers, names and labels in the place of the braces."""
        chance = self.chance
        while "{" in text:
            start = text.index("{")
            end = text.find("}", start)
            name = text[start + 1 : end]
            if name == "y":
                value = str(chance.randint(1850, 2024))
            elif name in "nmd":
                value = str(chance.choice((0, chance.randint(1, 31), chance.randint(1, 9999))))
            elif name == "label":
                value = chance.choice(self.labels).replace("{", "")
            else:
                value = chance.choice(self.words[name + "s"])
            text = text[:start] + value + text[end + 1 :]
        return text

    def paragraph(self, name: str = "sentences", most: int = 7) -> str:
        """Some sentences one after the other."""
        count = self.chance.randint(1, most)
        return self.stop.join(self.pick(name) for _ in range(count))

    def prose(self, most: int = 4) -> list[str]:
        """Some paragraphs."""
        return [self.paragraph() for _ in range(self.chance.randint(1, most))]

    def numbers(self, count: int) -> list[str]:
        """Numbers as page numbers, house numbers and counts are."""
        return [str(self.chance.randint(1, 999)) for _ in range(count)]

    def blank(self) -> str:
        """What parts two paragraphs in this document."""
        return self.chance.choice(("\n", "\n\n", "\r\n", "\n\n\n"))


def plain(w: Writer) -> list[str]:
    """Sentences."""
    return w.prose(9)


def scripts(w: Writer) -> list[str]:
    """Sentences in several scripts."""
    return [w.fill(w.chance.choice(w.others)) for _ in range(w.chance.randint(3, 25))]


def wrapped(w: Writer) -> list[str]:
    """Sentences in lines of even length, as in a mail."""
    text = w.paragraph(most=25)
    width = w.chance.randint(18, 80)
    return ["\n".join(text[i : i + width] for i in range(0, len(text), width))]


def own_words(w: Writer) -> list[str]:
    """Sentences about a form's labels."""
    return [w.paragraph("asides", 5) for _ in range(w.chance.randint(4, 30))]


def mixed(w: Writer) -> list[str]:
    """Sentences about labels between sentences about anything."""
    lines = own_words(w) + w.prose(8)
    w.chance.shuffle(lines)
    return lines


def instructions(w: Writer) -> list[str]:
    """Every label of the form in turn, explained."""
    pattern = w.chance.choice(w.words["asides"])
    return [w.fill(pattern.replace("{label}", label, 1)) for label in w.labels]


def enumeration(w: Writer) -> list[str]:
    """All labels in one sentence."""
    joint = "、" if w.language == "zh" else ", "
    labels = list(w.labels)
    if w.chance.random() < 0.5:
        w.chance.shuffle(labels)
    return [*w.prose(2), joint.join(labels) + w.chance.choice(("。", ".", ";")), *w.prose(2)]


def numbered(w: Writer) -> list[str]:
    """A numbered list with labels and numbers in sentences."""
    return [
        f"{n}{w.chance.choice('.、)')} {w.pick('asides')}"
        for n in range(1, w.chance.randint(5, 25))
    ]


def headings(w: Writer) -> list[str]:
    """Labels as headings, each above a paragraph."""
    labels = list(w.labels)
    if w.chance.random() < 0.5:
        w.chance.shuffle(labels)
    count = min(len(labels), 15)
    return [line for label in labels[:count] for line in (label, w.paragraph(most=9))]


def contents(w: Writer) -> list[str]:
    """A table of contents with page numbers."""
    leader = w.chance.choice((" ", " ...... ", "……", "\t", "  .  .  .  "))
    pages = sorted(w.chance.randint(1, 300) for _ in range(15))
    titles = [w.pick("things") + w.stop + w.pick("places") for _ in pages]
    for at in range(0, len(titles), 4):
        titles[at] = w.chance.choice(w.labels)
    lines = [f"{title}{leader}{page}" for title, page in zip(titles, pages, strict=True)]
    return [*w.prose(2), "\n".join(lines), *w.prose(2)]


def menu(w: Writer) -> list[str]:
    """Menus with bars, and the names of sections, one a line."""
    bar = w.chance.choice((" | ", "|", " ｜ ", " > ", " · "))
    lines = [
        bar.join(w.chance.sample(w.words["menu"], w.chance.randint(2, 8)))
        for _ in range(w.chance.randint(1, 3))
    ]
    sections = [w.chance.choice(w.labels) for _ in range(w.chance.randint(0, 12))]
    return [*lines[:1], *sections, *w.prose(4), *lines[1:]]


def code(w: Writer) -> list[str]:
    """Source code."""
    names = [f"{w.chance.choice('abcxyz')}{n}" for n in w.numbers(8)]
    body = [
        f"def {names[0]}({', '.join(names[1:3])}):",
        f"    if {names[1]} or {names[2]} > {w.numbers(1)[0]}:",
        f"        return [{', '.join(w.numbers(6))}]",
        f"    x = {names[1]} | {names[2]}  # {w.pick('things')}",
        f"    for i in range({w.numbers(1)[0]}):",
        f"        print(f'{names[3]}: {{i}}', \"{w.chance.choice(w.labels)}\")",
        "int main(void) { return a || b; }",
        f"cat {names[4]}.txt | grep -v '^#' | sort | uniq -c",
        f"{names[5]} = {{'a': {w.numbers(1)[0]}, 'b': {w.numbers(1)[0]}}}",
    ]
    w.chance.shuffle(body)
    return [*w.prose(1), "\n".join(body), *w.prose(1)]


def log(w: Writer) -> list[str]:
    """Lines of a log, every one worded another way."""
    hour = w.chance.randint(0, 23)
    lines = [
        f"2023-0{w.chance.randint(1, 9)}-1{n % 10} {hour:02}:{n % 60:02}:07 "
        f"{w.chance.choice(('INFO', 'WARN', 'ERROR'))} {w.pick('sentences')}"
        for n in range(w.chance.randint(4, 30))
    ]
    return ["\n".join(lines)]


def poem(w: Writer) -> list[str]:
    """Short lines."""
    lines = [w.pick("lines") for _ in range(w.chance.randint(8, 30))]
    return ["\n".join(lines[i : i + 4]) for i in range(0, len(lines), 4)]


def chat(w: Writer) -> list[str]:
    """Messages with names and times."""
    return [
        f"{w.pick('names')} {w.chance.randint(0, 23)}:{w.chance.randint(10, 59)}\n{w.pick('chat')}"
        for _ in range(w.chance.randint(5, 30))
    ]


def inline_list(w: Writer) -> list[str]:
    """Words and numbers between commas inside sentences."""
    joint = w.chance.choice((", ", ",", "; ", "、", " / "))
    lists = [
        joint.join(f"{w.pick('things')} {n}" for n in w.numbers(w.chance.randint(3, 9)))
        for _ in range(w.chance.randint(1, 3))
    ]
    return [line for text in lists for line in (w.paragraph(), text + ".", w.paragraph())]


def addresses(w: Writer) -> list[str]:
    """Addresses and opening hours."""
    lines = [w.pick("addresses") for _ in range(w.chance.randint(3, 10))]
    return [*w.prose(2), "\n".join(lines), w.chance.choice(w.labels)]


def bibliography(w: Writer) -> list[str]:
    """References and footnotes."""
    books = [w.pick("books") for _ in range(w.chance.randint(3, 15))]
    return [*w.prose(3), *books, *(w.pick("notes") for _ in range(w.chance.randint(2, 8)))]


def in_markup(w: Writer) -> list[str]:
    """A page in HTML without a table."""
    tag = w.chance.choice(("p", "div", "li"))
    lines = mixed(w)
    return [
        "<html><body><nav><a>Home</a> | <a>About</a></nav>",
        *(f"<{tag}>{line}</{tag}>" for line in lines),
        "</body></html>",
    ]


def in_one_line(w: Writer) -> list[str]:
    """All on one line."""
    return [" ".join(mixed(w)).replace("\n", " ")]


def report(w: Writer) -> list[str]:
    """A report written as prose: headings, numbers in sentences, enumerations."""
    parts = [w.paragraph(most=3)]
    for n in range(w.chance.randint(3, 7)):
        parts.append(f"{'一二三四五六七'[n] if w.language == 'zh' else n + 1}、{w.pick('things')}")
        parts += [w.paragraph("asides", 4) for _ in range(w.chance.randint(1, 4))]
        parts += enumeration(w)[-2:]
    return parts


KINDS: Mapping[str, Callable[[Writer], list[str]]] = {
    kind.__name__: kind
    for kind in (
        plain, scripts, wrapped, own_words, mixed, instructions, enumeration, numbered, headings,
        contents, menu, code, log, poem, chat, inline_list, addresses, bibliography, in_markup,
        in_one_line, report,
    )
}  # fmt: skip


def load_material(library: AnyLibrary) -> Material:
    """The material on disk, with the labels of the library's templates."""
    words: dict[str, dict[str, list[str]]] = tomllib.loads(MATERIAL.read_text(encoding="utf-8"))
    labels: dict[str, list[list[str]]] = {language: [] for language in LANGUAGES}
    for template in library.templates:
        own = [c.text for c in template.cells if c.role == "label" and c.text]
        labels["zh" if template.language.startswith("zh") else "en"].append(own)
    for path in sorted(LAYOUTS.glob("*.words.toml")):
        around = load_words(path)
        language = "en" if path.name.startswith("en-") else "zh"
        texts = [*around.before, *around.after, *around.headings]
        words[language]["sentences"] += [t for t in texts if "{" not in t]
    return Material(words, labels)


def documents(count: int, seed: int, library: AnyLibrary, kinds: Sequence[str]) -> list[Document]:
    """Documents without a table, the same ones for the same arguments."""
    material = load_material(library)
    drawn = []
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
        kind = kinds[number % len(kinds)]
        writer = Writer(chance, material)
        drawn.append(Document(number, kind, writer.blank().join(KINDS[kind](writer))))
    return drawn


def false_tables(document: Document, library: AnyLibrary) -> list[False_]:
    """The tables that are found in a document without one."""
    found = tabrecover.recover(document.text, templates=library).tables
    return [False_(document, table.template, document.text[slice(*table.span)]) for table in found]


def libraries() -> dict[str, AnyLibrary]:
    """What is searched for: the templates that come along, and with them the corpus's layouts."""
    return {"installed": library_of(None), "with layouts": library_of(["builtin", LAYOUTS])}


def main() -> None:
    """Draw, recover, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=[*KINDS], action="append")
    parser.add_argument("--show", type=int, default=5, help="examples")
    parser.add_argument("--write", type=Path, help="a folder to write the documents to")
    options = parser.parse_args()
    for name, library in libraries().items():
        drawn = documents(options.count, options.seed, library, options.kind or [*KINDS])
        found = [table for document in drawn for table in false_tables(document, library)]
        known = Counter(t.document.kind for t in found if t.template)
        unknown = Counter(t.document.kind for t in found if not t.template)
        size = sum(len(document.text) for document in drawn)
        print(f"{name}: {len(drawn)} documents, {size} characters, {len(found)} false tables")
        print(f"  of a template: {sum(known.values())} {dict(known.most_common())}")
        print(f"  of unknown layout: {sum(unknown.values())} {dict(unknown.most_common())}")
        for table in found[: options.show]:
            print(
                f"  --- document {table.document.number}, {table.document.kind}, {table.template}"
            )
            print("  " + table.text[:600].replace("\n", "\n  "))
        if options.write:
            options.write.mkdir(parents=True, exist_ok=True)
            for document in drawn:
                path = options.write / f"{name.split()[0]}-{document.number:04}-{document.kind}.txt"
                path.write_text(document.text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
