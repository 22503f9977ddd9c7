"""Many templates behind one question: which labels of which templates a text holds.

All folded label forms of all templates go into one Aho-Corasick automaton, so the cost of the
scan hardly depends on how many templates there are.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from tabrecover.errors import UsageError
from tabrecover.template import SlotKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tabrecover.fold import Folded
    from tabrecover.template import Template

__all__ = ["Hit", "Library", "automaton_of", "check_ids", "label_weight"]

MIN_PHRASE = 2  # a single character says nothing before its neighbours are known
MAX_DENSE = 4_000  # characters of all phrases: up to here twice the speed for some megabytes
HAN_NATS, OTHER_NATS, MAX_NATS = 1.0, 0.4, 8.0


class Hit(NamedTuple):
    """An exact occurrence of a phrase in a folded stream, half-open."""

    start: int
    end: int
    phrase: int


@lru_cache(maxsize=4096)
def label_weight(form: str) -> float:
    """How much seeing this folded label tells, in nats, capped: long labels are rare in prose.

    A Han character narrows a text down more than a letter does; the cap keeps one long label
    from outweighing a table's worth of short ones.

    >>> label_weight("重量"), label_weight("每平方公里的平均居民人数"), label_weight("total")
    (2.0, 8.0, 2.0)
    """
    nats = sum(HAN_NATS if char >= "\u2e80" else OTHER_NATS for char in form)
    return min(nats, MAX_NATS)


def check_ids(ids: Iterable[str]) -> None:
    """Raise `UsageError` if an id comes twice."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise UsageError(f"two templates have the id {name!r}; ids must differ")
        seen.add(name)


def automaton_of(phrases: Sequence[str]) -> tuple[AhoCorasick, list[int]]:
    """What finds all phrases in one pass, and the phrases that it tells by numbers of its own."""
    searched = [number for number, phrase in enumerate(phrases) if len(phrase) >= MIN_PHRASE]
    texts = [phrases[number] for number in searched]
    small = sum(map(len, texts)) <= MAX_DENSE
    kind = Implementation.DFA if small else Implementation.ContiguousNFA
    return AhoCorasick(texts, implementation=kind), searched


class Library:
    """A set of templates with their phrases compiled for search; immutable."""

    def __init__(self, templates: Iterable[Template]) -> None:
        """Index `templates`; raises `UsageError` if two share an id."""
        self.templates: tuple[Template, ...] = tuple(templates)
        check_ids(template.id for template in self.templates)
        self.phrases: list[str] = []
        self.phrase_ids: dict[str, int] = {}
        self.places: list[list[tuple[int, int]]] = []  # phrase -> (template, slot) pairs
        self.label_weights: list[dict[int, float]] = []  # template -> slot -> nats
        for number, template in enumerate(self.templates):
            self.label_weights.append({})
            for slot_number, slot in enumerate(template.slots):
                if slot.kind == SlotKind.LABEL:
                    self._add(number, slot_number, template.cells[slot.cell].forms)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: all but the automaton, which is built anew there."""
        return {name: value for name, value in vars(self).items() if name != "_automaton"}

    def _add(self, template: int, slot: int, forms: tuple[str, ...]) -> None:
        self.label_weights[template][slot] = label_weight(forms[0])
        for form in forms:
            if form not in self.phrase_ids:
                self.phrase_ids[form] = len(self.phrases)
                self.phrases.append(form)
                self.places.append([])
            self.places[self.phrase_ids[form]].append((template, slot))

    @cached_property
    def _automaton(self) -> tuple[AhoCorasick, list[int]]:
        return automaton_of(self.phrases)

    def find(self, folded: Folded) -> list[Hit]:
        """All occurrences, overlapping ones too, of all phrases, by position."""
        if not self.phrases:
            return []
        automaton, searched = self._automaton
        found = automaton.find_matches_as_indexes(folded.text, overlapping=True)
        return sorted(Hit(start, end, searched[number]) for number, start, end in found)
