"""Anchors: labels that can stand at one slot only, the seeds between which alignments are solved.

A label that occurs once in the region and once in the template is a seed. Seeds that contradict
each other's order are dropped: the longest subsequence with increasing slots stays (patience
sorting), which is the chain of a sequence-to-graph aligner without gap costs. A label that spans
rows says little about where its rows begin, so it may only join what the others have settled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tabrecover.library import Library
    from tabrecover.template import Template

__all__ = ["find_anchors"]


def find_anchors(phrases: Sequence[int], number: int, library: Library) -> list[tuple[int, int]]:
    """(symbol, slot) of labels unique in region and template, in consistent order."""
    first = [
        symbol
        for symbol, phrase in enumerate(phrases)
        if phrase >= 0 and (not symbol or phrases[symbol - 1] != phrase)
    ]  # a text repeated over its span, side by side, counts as one
    counts = Counter(phrases[symbol] for symbol in first)
    pairs: list[tuple[int, int]] = []
    for symbol in first:
        phrase = phrases[symbol]
        if counts[phrase] > 1:
            continue
        slots = [slot for template, slot in library.places[phrase] if template == number]
        if len(slots) == 1:
            pairs.append((symbol, slots[0]))
    taken = Counter(slot for _, slot in pairs)
    template = library.templates[number]
    free = [pair for pair in pairs if taken[pair[1]] == 1]
    low = {pair for pair in free if template.cells[template.slots[pair[1]].cell].rowspan == 1}
    firm = _increasing([pair for pair in free if pair in low])
    spanning = [
        (symbol, slot)
        for symbol, slot in free
        if (symbol, slot) not in low and _begins_row(phrases, symbol, slot, template, library)
    ]
    return _with_spanning(firm, spanning)


def _begins_row(
    phrases: Sequence[int], symbol: int, slot: int, template: Template, library: Library
) -> bool:
    """Whether the label behind a label that spans rows is that of its first row.

    A text centred beside its rows comes out in the middle of them; so where no label tells, it
    is left to the lattice, which can place it at any row that it continues in.
    """
    cell = template.cells[template.slots[slot].cell]
    behind = slot + cell.colspan
    following = next((phrase for phrase in phrases[symbol + 1 :] if phrase >= 0), -1)
    if template.slots[behind].kind != SlotKind.LABEL or following < 0:
        return False
    return library.phrases[following] in template.cells[template.slots[behind].cell].forms


def _with_spanning(
    anchors: Sequence[tuple[int, int]], spanning: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Anchors, and those labels that span rows which the order of the others allows."""
    symbols = [symbol for symbol, _ in anchors]
    fitting = []
    for symbol, slot in spanning:
        at = bisect_left(symbols, symbol)
        after_last = at == 0 or anchors[at - 1][1] < slot
        if after_last and (at == len(anchors) or slot < anchors[at][1]):
            fitting.append((symbol, slot))
    return sorted([*anchors, *_increasing(fitting)])


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Longest subsequence with increasing slots (patience sorting, O(n log n))."""
    tails: list[int] = []
    tail_index: list[int] = []
    back: list[int] = []
    for k, (_, slot) in enumerate(pairs):
        at = bisect_left(tails, slot)
        back.append(tail_index[at - 1] if at else -1)
        if at == len(tails):
            tails.append(slot)
            tail_index.append(k)
        else:
            tails[at] = slot
            tail_index[at] = k
    chain: list[tuple[int, int]] = []
    k = tail_index[-1] if tail_index else -1
    while k >= 0:
        chain.append(pairs[k])
        k = back[k]
    return chain[::-1]
