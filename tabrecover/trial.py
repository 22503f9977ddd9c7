"""A learned template tried on the dumps that it was learned from: what it does not explain.

A layout that is right finds its tables in every dump, sees its labels, and leaves no text without
a place. What recurs against it, in many dumps alike, is no damage but a doubt of the layout.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tabrecover.library import Library
from tabrecover.pipeline import recover_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.model import Document
    from tabrecover.template import Template

__all__ = ["doubts"]

MAX_TRIED = 200  # dumps, evenly drawn from all
SEEN = 0.5  # of the tables: a label that fewer show may be none
RECURS = 0.2  # of the tables: a text without a place that more have may be a label
MAX_DOUBTS = 12  # of one kind


def doubts(template: Template, documents: Sequence[Document]) -> list[str]:
    """What speaks against the template, a sentence each; nothing if it explains the dumps."""
    step = -(-len(documents) // MAX_TRIED) or 1
    tried = documents[::step]
    library = Library([template])
    seen: Counter[str] = Counter()
    strays: Counter[str] = Counter()
    found = tables = 0
    for document in tried:
        own = [table for table in recover_document(document, library).tables if table.template]
        found += bool(own)
        tables += len(own)
        for table in own:
            seen.update(cell.text for cell in table.cells if cell.observed is not None)
            texts = (document.raw[start:end].strip() for start, end in table.unplaced)
            strays.update(set(filter(None, texts)))
    drawn = Counter(cell.text for cell in template.cells if cell.role == "label" and cell.text)
    told = [f"found in {found} of {len(tried)} dumps tried"] if found < len(tried) else []
    labels = [
        f"the label {text!r} shows in {seen[text] / count:.0f} of {tables} tables found"
        for text, count in drawn.items()
        if seen[text] < SEEN * tables * count
    ]
    recurring = [
        f"{text!r} stands in {count} of {tables} tables found, and has no place"
        for text, count in strays.most_common(MAX_DOUBTS)
        if count >= max(2, RECURS * tables)
    ]
    return told + labels[:MAX_DOUBTS] + recurring
