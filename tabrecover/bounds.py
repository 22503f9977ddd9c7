"""How far a table may go on beyond the outermost labels that were found.

Before the first label and behind the last the template has more slots: labels that were lost,
values without labels. So many units are taken in as there are slots; a few stray texts may stand
between values. What is behind the last row, drawn as that one is, may be a row that the template
lacks. Nothing here decides what the units are: the alignment passes over what fits no slot.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabrecover.lex import CELL_SEPARATORS, LINE_ENDS, SEPARATORS, lex, tokens
from tabrecover.model import CELL_END, ROW_END, TABLE_END
from tabrecover.template import MAX_CELLS, SlotKind
from tabrecover.units import LEFTOVERS, PERCENT, leading_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tabrecover.library import Library
    from tabrecover.model import Token
    from tabrecover.regions import Candidate
    from tabrecover.template import Slot, Template
    from tabrecover.units import LabelSpan

__all__ = ["over_drawn", "over_labels", "reach_back", "reach_on"]

MAX_STRAYS, MAX_STRAY = 3, 60  # texts between values that are none, and characters of each
MIN_ROW = 2  # values of a row behind the table; what follows one may be anything
_LINE = re.compile(f"[^\n{ROW_END}{TABLE_END}]*")
_MARK = re.compile(f"[{re.escape(CELL_SEPARATORS)}]")
_WORD = re.compile(r"\S+")
_NEXT_MARK = re.compile(f"[{re.escape(LINE_ENDS + CELL_SEPARATORS)}]")


def reach_back(
    text: str, floor: int, start: int, group: Sequence[Candidate], library: Library
) -> int:
    """Where the units before the first hit begin, one for each slot before it at the most."""
    templates = [library.templates[candidate.template] for candidate in group]
    first = min(candidate.seeds[0].slot for candidate in group)
    room = max(sum(map(_may_hold, t.slots[:first])) for t in templates)
    longest = 2 * max(len(form) for t in templates for c in t.cells for form in c.forms or ("",))
    position = start
    for token in reversed(lex(text, floor, start) if room else []):
        if token.kind != "t":
            continue
        if not room or token.end - token.start > longest:
            break
        position, room = token.start, room - 1
    return position


def over_labels(text: str, end: int, labels: Sequence[LabelSpan]) -> int:
    """Where the labels end that follow `end` with no other words between them.

    Labels that a span repeated may have taken the places of those behind them in the chain.
    """
    for label in labels:
        if TABLE_END in (between := text[end : label.start]) or any(c.isalpha() for c in between):
            break
        end = label.end
    return end


def reach_on(
    text: str,
    end: int,
    ceiling: int,
    group: Sequence[Candidate],
    library: Library,
    *,
    by_words: bool,
) -> int:
    """Where the units behind the last hit end, one for each slot behind it at the most.

    Words that no slot expects (a running head, say) may stand in between, but not many, and
    only if values follow. Values that go on beyond the last slot are taken in as well: one too
    many puts all of them in doubt. `by_words`: single spaces part cells.
    """
    left = [_slots_behind(library.templates[c.template], c.seeds[-1].slot) for c in group]
    room = max(map(len, left))
    words_expected = any(s.kind in (SlotKind.TEXT, SlotKind.LABEL) for slots in left for s in slots)
    position, strays, worded = end, 0, end
    every = tokens(text, end, ceiling)
    for token in _words(text, every) if by_words and words_expected else every:
        if token.kind != "t":
            if not strays and room > 0 and token.kind != "x":
                position = token.end
            continue
        piece = text[token.start : token.end]
        cut_off = piece in PERCENT and text[token.start - 2 : token.start - 1].isdigit()
        if cut_off or not piece.strip(LEFTOVERS):  # of the last number, of the last label
            position = token.end
            continue
        values, length = leading_values(piece, glued=token.start == end)
        worded = worded if values else position
        if room <= 0 and (strays or not values or room - values < -MAX_STRAYS):
            break
        if values and length < len(piece) and not (words_expected and len(piece) <= MAX_STRAY):
            return token.start + length  # words on the line of the last values
        if values or (words_expected and (len(piece) <= MAX_STRAY or _is_cell(text, token))):
            position, strays, room = token.end, 0, room - max(1, values)
        elif strays == MAX_STRAYS or len(piece) > MAX_STRAY:
            break
        else:
            strays += 1
    best = library.templates[group[0].template]
    if best.values_of_last_row:
        over = _over_row(text, worded, ceiling, best.values_of_last_row)
        position = max(position, over, _over_marked_row(text, position, ceiling))
    return _with_separators(text, position, ceiling)


def over_drawn(text: str, end: int, ceiling: int) -> int:
    """Where the table ends whose cells are marked, if a cell of one ends here; else `end`."""
    behind = _NEXT_MARK.search(text, end, ceiling)
    if behind is None or behind.group() not in (CELL_END, ROW_END):
        return end
    table_end = text.find(TABLE_END, end, ceiling)
    return end if table_end < 0 else table_end


def _words(text: str, every: Iterable[Token]) -> Iterator[Token]:
    """The tokens, those of text word by word."""
    for token in every:
        if token.kind != "t":
            yield token
            continue
        for word in _WORD.finditer(text, token.start, token.end):
            yield token._replace(start=word.start(), end=word.end())


def _over_row(text: str, position: int, ceiling: int, wanted: int) -> int:
    """Where a row ends that follows the table and is drawn as its last, `wanted` values wide.

    Words, then no more values than that and at least half as many; else `position`.
    """
    values, begun, end = 0, False, position
    for token in tokens(text, position, ceiling) if wanted >= MIN_ROW else ():
        if token.kind == "x":
            break
        if token.kind != "t":
            continue
        piece = text[token.start : token.end]
        found, length = leading_values(piece)
        if not begun:
            if found or len(piece) > MAX_STRAY:
                return position
            begun = True
        elif length < len(piece):
            break
        else:
            values, end = values + found, token.end
        if values > wanted:
            break
    return end if max(MIN_ROW, wanted / 2) <= values <= wanted else position


def _over_marked_row(text: str, position: int, ceiling: int) -> int:
    """Where the next line ends, if as many bars or tabs part its texts as on the line before.

    Else `position`.
    """
    start = max(text.rfind(end, 0, position) for end in ("\n", ROW_END, TABLE_END)) + 1
    before = _LINE.match(text, start, ceiling)
    behind = _LINE.match(text, before.end() + 1, ceiling) if before else None
    if before is None or behind is None or _MARK.findall(before[0]) != _MARK.findall(behind[0]):
        return position
    shown = sum(bool(cell.strip()) for cell in _MARK.split(behind[0]))
    return behind.end() if shown > 1 else position


def _slots_behind(template: Template, slot: int) -> list[Slot]:
    """The slots behind one that a unit may fill, with all copies that repeated rows may have."""
    behind = list(filter(_may_hold, template.slots[slot + 1 :]))
    for group in template.repeated:
        if template.slots[slot].row < group.stop:
            own = template.slots_of(group)
            copies = min(group.most, MAX_CELLS // len(own))
            behind += copies * list(filter(_may_hold, own))
    return behind


def _may_hold(slot: Slot) -> bool:
    """Whether a label or a value begins there, optional ones too."""
    return slot.kind <= SlotKind.LABEL


def _is_cell(text: str, token: Token) -> bool:
    """Whether bars, tabs or cell ends stand on both sides, so that any length is one cell."""
    around = text[max(0, token.start - 2) : token.start].strip(" ")[-1:]
    behind = text[token.end : token.end + 2].strip(" ")[:1]
    return all(char and char in CELL_SEPARATORS for char in (around, behind))


def _with_separators(text: str, position: int, ceiling: int) -> int:
    """Keep the bars and line ends behind the last unit: they are evidence of blanks."""
    end = position
    while end < ceiling and (text[end] == " " or text[end] in SEPARATORS):
        end += 1
    return end
