"""The drawn documents without tables: deterministic, of every kind, and not alike."""

from __future__ import annotations

import pytest

from benchmarks.prose import KINDS, documents, false_tables, libraries

LIBRARY = libraries()["installed"]


def test_the_same_seed_draws_the_same_documents() -> None:
    """Seed and number name a document; other seeds draw others."""
    one, same, other = (documents(21, seed, LIBRARY, [*KINDS]) for seed in (1, 1, 2))
    assert one == same
    assert [d.text for d in one] != [d.text for d in other]
    assert len({d.text for d in one}) == len(one)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_text_and_nothing_left_to_fill_in(kind: str) -> None:
    """No name of a blank is left in the text."""
    for document in documents(5, 3, LIBRARY, [kind]):
        assert len(document.text) > 20
        assert not any(f"{{{name}}}" in document.text for name in ("n", "m", "y", "label", "thing"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_template_is_found_in_prose(kind: str) -> None:
    """Prose full of the forms' own words is not taken for one of the installed forms."""
    found = [t for d in documents(10, 5, LIBRARY, [kind]) for t in false_tables(d, LIBRARY)]
    assert not [table for table in found if table.template]
