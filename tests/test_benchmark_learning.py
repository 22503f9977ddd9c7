"""What is learned from drawn examples, against the layouts that they were drawn from."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.layouts import Layout, Words
from benchmarks.learning import compare, layouts, learn

LAYOUTS = [pytest.param(layout, words, id=layout.id) for layout, words in layouts()]


@pytest.mark.parametrize(("layout", "words"), LAYOUTS)
def test_marked_tables_give_their_layout_back(layout: Layout, words: Words) -> None:
    """From one example with `th` labels: every label, slot, span and repeated row of the layout."""
    assert compare(layout, learn(layout, words, 1, marked=True))["exact"]


def test_three_unmarked_tables_give_most_of_their_layout_back() -> None:
    """Without any mark, three examples tell nearly all labels from values."""
    total: Counter[str] = Counter()
    for layout, words in layouts():
        total += compare(layout, learn(layout, words, 3, marked=False))
    assert total["labels"] >= 0.98 * total["all labels"]
    assert total["slots"] >= 0.98 * total["all slots"]
    assert total["exact"] >= 20
