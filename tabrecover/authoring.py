"""From examples to template files: group them, learn each layout, name it, write its two texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tabrecover.draft import Proposal, numbered, template_html, template_toml
from tabrecover.errors import UsageError
from tabrecover.examples import Example
from tabrecover.learn import Layout, group_examples, learn_layout
from tabrecover.model import Document
from tabrecover.pile import Consensus, read_pile
from tabrecover.propose import propose_rules

__all__ = ["Lesson", "check_id", "learn_from_dumps", "learn_templates", "with_notes"]

COMMON = 0.25  # of the most frequent table's dumps: what fewer show is a mangled piece of it
MAX_ID = 60  # characters; an id is a file's name too
_NOT_IN_IDS = re.compile(r"[^\w]+")
_ID = re.compile(r"[\w][\w.-]*(?:/[\w][\w.-]*)*")


@dataclass(frozen=True)
class Lesson:
    """A learned template: its id and its two texts, and the layout that they say."""

    id: str
    html: str
    toml: str
    layout: Layout = field(repr=False)
    sources: tuple[str, ...] = field(default=(), repr=False)
    rules: tuple[Proposal, ...] = field(default=(), repr=False)


def check_id(given: str) -> None:
    """Raise `UsageError` unless `given` can be a template's id, and so its file's name.

    >>> check_id("acme/staff-2023")
    """
    if not _ID.fullmatch(given) or len(given) > MAX_ID:
        raise UsageError(
            f"{given!r} can't be an id: use letters, digits, '-', '_' and '.', "
            f"with '/' between parts; {MAX_ID} characters at most"
        )


def learn_templates(
    examples: Sequence[Example],
    *,
    id: str | None = None,  # noqa: A002 - the name users see
) -> tuple[list[Lesson], list[str]]:
    """A template for every layout among the examples, and why some tables gave none.

    With an `id`, all examples are taken for one layout. Raises `UsageError` where examples
    contradict each other (`group_examples`, `learn_layout`), or an id is none.
    """
    if id is not None:
        check_id(id)
        return [_lesson(learn_layout(examples, id=id))], []
    layouts: list[Layout] = []
    refused: list[str] = []
    for group in group_examples(examples):
        try:
            layouts.append(learn_layout(group, id=_name(group)))
        except UsageError as error:
            refused.append(str(error))
    ids = numbered(layout.draft.id for layout in layouts)
    named = [
        replace(layout, draft=replace(layout.draft, id=unique))
        for layout, unique in zip(layouts, ids, strict=True)
    ]
    return [_lesson(layout) for layout in named], refused


def learn_from_dumps(
    documents: Sequence[Document],
    names: Sequence[str],
    *,
    id: str | None = None,  # noqa: A002 - the name users see
) -> tuple[list[Lesson], list[str]]:
    """A template for every table of a form, of which only flattened dumps are at hand.

    `names` say where the dumps come from. With an `id`, the most frequent table gets it, and no
    other is learned. Gives the templates, and why some tables gave none. Raises `UsageError` where
    no dump shows a layout, or an id is none.
    """
    if id is not None:
        check_id(id)
    found = read_pile(documents, names)
    if not found:
        raise UsageError(
            "no two dumps mark the rows and cells of a table alike (with bars, tabs or markup), so "
            "none shows its layout; add dumps by a tool that does"
        )
    common = [c for c in found if c.n_found >= COMMON * found[0].n_found]
    learned: list[tuple[Consensus, Layout]] = []
    refused: list[str] = []
    for consensus in common if id is None else common[:1]:
        name = id or _first_label(consensus.examples)
        try:
            learned.append((consensus, learn_layout(consensus.examples, id=name)))
        except UsageError as error:
            refused.append(str(error))
    ids = numbered(layout.draft.id for _, layout in learned)
    lessons = []
    for (consensus, layout), own in zip(learned, ids, strict=True):
        draft = replace(layout.draft, id=own, notes=(*layout.draft.notes, *_open_notes(consensus)))
        alike = f"{consensus.n_alike} dumps that draw it alike, of {consensus.n_found} that show it"
        lessons.append(_lesson(replace(layout, draft=draft), [f"{alike}, of {len(documents)}"]))
    return lessons, refused


def _first_label(examples: Iterable[Example]) -> str:
    """An id for a table without caption: its first label."""
    texts = (cell.text for example in examples for cell in example.cells if cell.label)
    return next(filter(None, map(_as_id, texts)), "table")


def _open_notes(consensus: Consensus) -> list[str]:
    if not consensus.n_open:
        return []
    return [
        f"at {consensus.n_open} positions no dump has a cell, as merged cells were left out: which "
        "heads and row labels span them is a guess"
    ]


def with_notes(lesson: Lesson, notes: Sequence[str]) -> Lesson:
    """The lesson with more to look at."""
    draft = replace(lesson.layout.draft, notes=(*lesson.layout.draft.notes, *notes))
    toml = template_toml(draft, lesson.rules, lesson.sources)
    return replace(lesson, toml=toml, layout=replace(lesson.layout, draft=draft))


def _name(group: Iterable[Example]) -> str:
    """The id of a layout: from an `id` attribute, else a caption, else the file's name."""
    first, *others = group
    files = first.file.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    ids = [example.id for example in (first, *others)]
    captions = [example.caption for example in (first, *others)]
    names = (_as_id(text) for text in (*ids, *captions, files))
    return next(filter(None, names), "table")


def _as_id(text: str) -> str:
    """A text as an id, on one line and without a sign that files can't have in their names.

    >>> _as_id("Staff, by department (2023)"), _as_id("../etc")
    ('staff-by-department-2023', 'etc')
    """
    return _NOT_IN_IDS.sub("-", text.lower()).strip("-_")[:MAX_ID].strip("-_")


def _lesson(layout: Layout, sources: Sequence[str] = ()) -> Lesson:
    rules = propose_rules(layout)
    sources = sources or [example.place for example in layout.examples]
    return Lesson(
        layout.draft.id,
        template_html(layout.draft),
        template_toml(layout.draft, rules, sources),
        layout,
        tuple(sources),
        tuple(rules),
    )
