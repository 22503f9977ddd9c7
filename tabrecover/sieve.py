"""Can a text hold enough labels of any template? A sieve before anything else is done with it.

The answer "no" is a proof, "yes" only a suspicion: what it lets pass is folded, searched and
chained. It must see labels however they are broken, so nothing longer than a single character of
the input can be searched for. Instead every character is mapped to one byte, its *class*: those
that folding drops vanish, those that are in no label are all alike, the others keep their
identity (in large libraries a few share a class, which only lets more pass). A label that is in
the folded text is contiguous in this *stream*, so each two neighbours of it are neighbours there.
In prose hardly any two are, and which pairs occur bounds which labels can.

A long text holds nearly every pair somewhere, but a table's labels lie close together: no chain
spans more than so many characters that are in no label (`regions.reach`). So pairs are collected
in blocks, and labels looked for in windows of blocks that a chain can span.
"""

from __future__ import annotations

from collections import Counter, deque
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from tabrecover.fold import fold_text
from tabrecover.library import MIN_PHRASE
from tabrecover.regions import MIN_COVERAGE, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from tabrecover.library import Library

    Bag = npt.NDArray[np.float32]  # how often each pair was found, by its number

__all__ = ["Sieve", "sieve_of"]

WHOLE = (
    0.5  # of the labels that must be seen; the others may be in pieces until `pieces` joins them
)
_BLOCK = 1 << 16  # characters looked at at a time: as many as a processor's cache holds
_UNKNOWN, _DROPPED, _STRANGE, _FIRST, _SEVERAL = 0, 1, 2, 3, 255  # classes
_OWN = 200  # characters of labels with a class of their own, the most frequent ones
_SHARED = _SEVERAL - _FIRST - _OWN
_SCRIPTS = 0x2E80  # the CJK radicals; no character before them folds to one behind, but Cyrillic
_DROP = bytes([_DROPPED])
_ROUNDING = 1e-4


@lru_cache(maxsize=8)
def sieve_of(library: Library) -> Sieve:
    """The library's sieve."""
    return Sieve(library)


class Sieve:
    """The labels of a library as pairs of neighbours; it learns of characters as it meets them."""

    def __init__(self, library: Library, *, whole: float = WHOLE, block: int = _BLOCK) -> None:
        self._block = block
        self._coverage = whole * MIN_COVERAGE
        phrases = [phrase for phrase in library.phrases if len(phrase) >= MIN_PHRASE]
        counts = Counter("".join(["0123456789", *phrases]))  # digits are never strange
        self._classes = {
            char: _FIRST + (n if n < _OWN else _OWN + n % _SHARED)
            for n, (char, _) in enumerate(counts.most_common())
        }
        self._table = np.zeros(0x110000, dtype=np.uint8)  # what is never asked for costs nothing
        self._several: dict[str, str] = {}
        for code in range(128):
            self._learn(code)
        self._ascii = self._table[:128].tobytes() + bytes(128)
        self._ascii_dropped = bytes(np.flatnonzero(self._table[:128] == _DROPPED).tolist())
        self._index(library, phrases)
        self._reach = max(map(reach, library.templates, library.label_weights), default=0.0)
        low = "".join(phrase + "\0" for phrase in phrases if not any(map(_is_script, phrase)))
        self._only_scripts = not self._enough(self._pairs(self._stream(low)))

    def passes(self, text: str) -> bool:
        """Whether `text` may hold enough of some template; if not, it has no candidates."""
        if not len(self._forms) or (self._only_scripts and not _has_scripts(text)):
            return False
        if len(text) <= self._block:
            return self._enough(self._pairs(self._stream(text)))
        counts = np.zeros(self._n_pairs, dtype=np.float32)
        window: deque[tuple[Bag, int]] = deque()  # pairs and strange characters of blocks
        inside = 0  # strange characters between the outer blocks
        last = b""
        for start in range(0, len(text), self._block):
            stream = last + self._stream(text[start : start + self._block])
            inside += window[-1][1] if len(window) > 1 else 0
            window.append((self._pairs(stream), _strange_in(stream)))
            counts += window[-1][0]
            while inside > self._reach:
                counts -= window.popleft()[0]
                inside -= window[0][1]
            if self._enough(counts):
                return True
            last = stream[-1:]
        return False

    # --- characters to classes ------------------------------------------------------------------

    def _stream(self, text: str) -> bytes:
        if text.isascii():
            return text.encode().translate(self._ascii, self._ascii_dropped)
        codes = _codes_of(text)
        stream = self._table.take(codes, mode="clip").tobytes()  # all are in range; this is faster
        if _UNKNOWN in stream:
            for char in set(text):
                self._learn(ord(char))
            return self._stream(text)
        if _SEVERAL in stream:
            for char in self._several.keys() & set(text):
                text = text.replace(char, self._several[char])
            return self._stream(text)
        return stream.translate(None, _DROP)

    def _learn(self, code: int) -> None:
        folded = fold_text(chr(code))
        if len(folded) > 1 and any(char in self._classes for char in folded):
            self._several[chr(code)] = folded
            self._table[code] = _SEVERAL
        else:
            self._table[code] = self._classes.get(folded, _STRANGE) if folded else _DROPPED

    # --- classes to pairs, pairs to labels ------------------------------------------------------

    def _index(self, library: Library, phrases: Sequence[str]) -> None:
        """Number the pairs; note which each phrase needs, and which phrases each label has."""
        keys = [self._keys(bytes(self._classes[char] for char in phrase)) for phrase in phrases]
        distinct, numbers = np.unique(np.concatenate([_NO_KEYS, *keys]), return_inverse=True)
        self._n_pairs = len(distinct)
        self._is_pair = np.zeros(1 << 16, dtype=np.bool_)
        self._is_pair[distinct] = True
        self._number = np.zeros(1 << 16, dtype=np.uint16)
        self._number[distinct] = np.arange(len(distinct))
        self._needs = numbers
        self._needs_from = _starts(map(len, keys))
        labels: dict[tuple[int, int], list[int]] = {}
        for n, phrase in enumerate(phrases):
            for place in library.places[library.phrase_ids[phrase]]:
                labels.setdefault(place, []).append(n)
        nats = [self._coverage * sum(weights.values()) for weights in library.label_weights]
        self._forms = np.array([n for forms in labels.values() for n in forms], dtype=np.int64)
        self._forms_from = _starts(map(len, labels.values()))
        self._templates = np.array([template for template, _ in labels], dtype=np.int64)
        self._shares = np.array([library.label_weights[t][slot] / nats[t] for t, slot in labels])
        self._most = self._bounds(np.split(numbers, self._needs_from[1:]), labels)

    def _bounds(
        self,
        needs: Sequence[npt.NDArray[np.int64]],
        labels: Mapping[tuple[int, int], Sequence[int]],
    ) -> Bag:
        """For each pair the share that it stands for: all labels of which it is the rarest pair.

        The sum over the pairs of a text is no less than the share of any template.
        """
        uses = np.bincount(self._needs, minlength=self._n_pairs)
        rarest = [int(own[uses[own].argmin()]) for own in needs if len(own)]
        most = np.zeros((1 + max((t for t, _ in labels), default=0), self._n_pairs))
        for ((template, _), forms), share in zip(labels.items(), self._shares, strict=True):
            most[template, [rarest[form] for form in forms]] += share
        bounds: Bag = most.max(axis=0).astype(np.float32)
        return bounds

    def _keys(self, stream: bytes) -> npt.NDArray[np.uint16]:
        """Every two neighbours as one number."""
        classes = np.frombuffer(stream, dtype=np.uint8)
        keys = classes[:-1].astype(np.uint16)
        keys <<= 8
        keys |= classes[1:]
        return keys

    def _pairs(self, stream: bytes) -> Bag:
        """1 for every pair that the stream holds."""
        keys = self._keys(stream)
        found = keys[self._is_pair.take(keys, mode="clip").nonzero()]
        pairs = np.zeros(self._n_pairs, dtype=np.float32)
        pairs[self._number[found]] = 1
        return pairs

    def _enough(self, counts: Bag) -> bool:
        """Whether labels of which all pairs are there cover enough of some template."""
        pairs = np.minimum(counts, 1)
        if not len(self._forms) or self._most @ pairs < 1 - _ROUNDING:
            return False
        phrases = np.minimum.reduceat(pairs[self._needs], self._needs_from) > 0
        labels = np.logical_or.reduceat(phrases[self._forms], self._forms_from)
        shares = np.bincount(self._templates, weights=self._shares * labels)
        return bool(shares.max() >= 1 - _ROUNDING)


_NO_KEYS = np.empty(0, dtype=np.uint16)


def _starts(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
    """Where each of several lists begins that stand one behind the other."""
    return np.cumsum([0, *lengths], dtype=np.int64)[:-1]


def _strange_in(stream: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(stream, dtype=np.uint8) == _STRANGE))


def _codes_of(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _is_script(folded: str) -> bool:
    """Whether no character below `_SCRIPTS` folds to this one."""
    return folded >= "\u2e80" and not "\ua640" <= folded <= "\ua69f"


def _has_scripts(text: str) -> bool:
    """Whether any character is beyond those of Latin, Greek and the like."""
    if text.isascii():
        return False
    for start in range(0, len(text), _BLOCK):
        if _codes_of(text[start : start + _BLOCK]).max() >= _SCRIPTS:
            return True
    return False
