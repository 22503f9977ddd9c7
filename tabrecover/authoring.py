"""From examples to template files: group them, learn each layout, name it, write its two texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tabrecover.draft import numbered, template_html, template_toml
from tabrecover.errors import UsageError
from tabrecover.examples import Example
from tabrecover.learn import Layout, group_examples, learn_layout
from tabrecover.propose import propose_rules

__all__ = ["Lesson", "check_id", "learn_templates"]

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
    n_rules: int = 0


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


def _lesson(layout: Layout) -> Lesson:
    rules = propose_rules(layout)
    sources = [example.place for example in layout.examples]
    return Lesson(
        layout.draft.id,
        template_html(layout.draft),
        template_toml(layout.draft, rules, sources),
        layout,
        len(rules),
    )
