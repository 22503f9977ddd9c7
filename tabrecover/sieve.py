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
from typing import TYPE_CHECKING

import numpy as np

from tabrecover.fold import codes_of, fold_text
from tabrecover.library import MIN_PHRASE
from tabrecover.regions import MIN_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tabrecover.index import Index

    Bag = npt.NDArray[np.float32]  # how often each pair was found, by its number

__all__ = ["WHOLE", "Sieve"]

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


class Sieve:
    """The labels of an index as pairs of neighbours; it learns of characters as it meets them."""

    def __init__(self, index: Index, *, whole: float = WHOLE, block: int = _BLOCK) -> None:
        self._block = block
        self._coverage = whole * MIN_COVERAGE
        phrases = [phrase for phrase in index.phrases if len(phrase) >= MIN_PHRASE]
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
        self._index(index)
        self._reach = index.reach
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

    def shares(self, folded: str) -> npt.NDArray[np.float64]:
        """By phrase of the index, how many of its neighbours the text holds, 0 to 1."""
        held = self._pairs(self._stream(folded)) > 0
        shares = np.zeros(self._n_phrases)
        shares[self._phrases] = _counts(held.take(self._needs), self._needs_from) / self._n_needs
        return shares

    # --- characters to classes ------------------------------------------------------------------

    def _stream(self, text: str) -> bytes:
        if text.isascii():
            return text.encode().translate(self._ascii, self._ascii_dropped)
        codes = codes_of(text)
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

    def _index(self, index: Index) -> None:
        """Number the pairs; note which each phrase needs, and which phrases each label has."""
        lengths = np.array([len(phrase) for phrase in index.phrases], dtype=np.int64)
        self._n_phrases = len(lengths)
        self._phrases = phrases = np.flatnonzero(lengths >= MIN_PHRASE)
        keys = self._neighbours([index.phrases[n] for n in phrases.tolist()])
        distinct, self._needs = np.unique(keys, return_inverse=True)
        self._n_pairs = len(distinct)
        self._is_pair = np.zeros(1 << 16, dtype=np.bool_)
        self._is_pair[distinct] = True
        self._number = np.zeros(1 << 16, dtype=np.uint16)
        self._number[distinct] = np.arange(self._n_pairs)
        self._n_needs = lengths[phrases] - 1
        self._needs_from = _starts(self._n_needs)
        places = index.places(phrases)
        forms = np.repeat(np.arange(len(phrases)), np.diff(index.starts)[phrases])
        labels, first, of = np.unique(index.labels(places), return_index=True, return_inverse=True)
        self._forms = forms[np.argsort(of, kind="stable")]
        self._forms_from = _starts(np.bincount(of, minlength=len(labels)))
        self._templates = index.templates[places][first]
        nats = self._coverage * index.totals[self._templates]
        self._shares = index.weights[places][first] / nats
        self._most = self._bounds(forms, of)

    def _neighbours(self, phrases: Sequence[str]) -> npt.NDArray[np.uint16]:
        """Every two neighbours in phrases, as one number, phrase by phrase."""
        classes = np.zeros(0x110000, dtype=np.uint8)
        classes[[ord(char) for char in self._classes]] = list(self._classes.values())
        stream = classes[codes_of("\0".join(phrases))]
        inside = (stream[:-1] > 0) & (stream[1:] > 0)
        return self._keys(stream.tobytes())[inside] if len(stream) else _NO_KEYS

    def _bounds(self, forms: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> Bag:
        """For each pair the share that it stands for: all labels of which it is the rarest pair.

        `labels[k]` has the form `forms[k]`. The sum over the pairs of a text is no less than the
        share of any template.
        """
        bounds = np.zeros(self._n_pairs)
        if len(forms):
            uses = np.bincount(self._needs, minlength=self._n_pairs)[self._needs]
            ranks = uses * self._n_pairs + self._needs
            rarest = np.minimum.reduceat(ranks, self._needs_from) % self._n_pairs
            stands = np.unique(labels * self._n_pairs + rarest[forms])
            of = stands // self._n_pairs
            keys = self._templates[of] * self._n_pairs + stands % self._n_pairs
            distinct, numbers = np.unique(keys, return_inverse=True)
            sums = np.bincount(numbers, weights=self._shares[of])
            np.maximum.at(bounds, distinct % self._n_pairs, sums)
        return bounds.astype(np.float32)

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
        held = counts > 0
        phrases = _counts(held.take(self._needs), self._needs_from) == self._n_needs
        labels = np.flatnonzero(_counts(phrases.take(self._forms), self._forms_from))
        shares = np.bincount(self._templates[labels], weights=self._shares[labels], minlength=1)
        return bool(shares.max() >= 1 - _ROUNDING)


_NO_KEYS = np.empty(0, dtype=np.uint16)


def _counts(flags: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """How many flags are set in each of several lists that stand one behind the other.

    As `np.add.reduceat` says, in half of its time.
    """
    before = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, out=before[1:])
    counts: npt.NDArray[np.int32] = np.diff(before[starts], append=before[-1:])
    return counts


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where each of several lists begins that stand one behind the other."""
    return np.cumsum(lengths) - lengths


def _strange_in(stream: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(stream, dtype=np.uint8) == _STRANGE))


def _is_script(folded: str) -> bool:
    """Whether no character below `_SCRIPTS` folds to this one."""
    return folded >= "\u2e80" and not "\ua640" <= folded <= "\ua69f"


def _has_scripts(text: str) -> bool:
    """Whether any character is beyond those of Latin, Greek and the like."""
    if text.isascii():
        return False
    for start in range(0, len(text), _BLOCK):
        if codes_of(text[start : start + _BLOCK]).max() >= _SCRIPTS:
            return True
    return False
