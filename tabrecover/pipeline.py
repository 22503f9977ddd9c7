"""Composes the stages: document to tables. Pure; reads no files and keeps no state.

Candidates that overlap form a *cluster*: one stretch of the document that several templates
compete for. The dialect is decided over all clusters and delimited blocks of the document
together, since one tool flattened it. Each cluster is then aligned with its best candidates;
their scores are log-odds over the same symbols, so their softmax says which template it is.
Templates of one edition support each other: a table that fits two editions equally well goes to
the one that the other tables, or a context phrase, speak for.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.added import align_with_rows, with_rows
from tabrecover.align import Aligner, holds_values
from tabrecover.blocks import Block, find_blocks
from tabrecover.calibration import Calibration, calibrated
from tabrecover.catalog import MAX_RIVALS, context_nats, few_of
from tabrecover.confidence import table_confidence, table_status
from tabrecover.dialects import Law, fingerprint
from tabrecover.fold import fold
from tabrecover.freeform import block_table, column_tables, html_tables, line_tables
from tabrecover.glued import cut_glued
from tabrecover.grid import Rival, fill_grid
from tabrecover.layout import redraw
from tabrecover.lex import BARS, LINE_ENDS, SEPARATORS, lex, tokens
from tabrecover.model import CELL_END, TABLE_END, Dialect, Document, Span, Token
from tabrecover.pieces import join_pieces
from tabrecover.positions import extents
from tabrecover.regions import Candidate, cell_hits, find_candidates, may_hold, unbroken
from tabrecover.repeats import best_fit
from tabrecover.results import Evidence, Reading, Recovery, ScoredTemplate, Table
from tabrecover.roundtrip import round_trip
from tabrecover.scoring import Scoring
from tabrecover.straight import straighten
from tabrecover.symbols import read_symbols
from tabrecover.template import MAX_CELLS, SlotKind
from tabrecover.units import LEFTOVERS, LabelSpan, Units, cut_back_steps, cut_units, leading_values
from tabrecover.unwrap import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tabrecover.align import Alignment
    from tabrecover.catalog import AnyLibrary
    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library
    from tabrecover.repeats import Fit
    from tabrecover.template import Slot, Template

__all__ = ["recover_document"]

RIVAL_SCORE = 0.6  # of the best chain's score: below, a candidate is not worth aligning
MAX_FILLED = 0.8  # share of filled cells; a blank is never so rare that a stray must be a value
WEAK_SCORE = 0.5  # of a neighbour's score: below, a candidate can't end the neighbour's table,
STRONG_NATS = 8.0  # unless it speaks for itself: three or four labels in order
EDITION_NATS = 20.0  # the most that one other table can say about the edition
UNCUT = 0.85  # probability that a text is cut right where nothing but spaces parts the cells
MIN_ROW = 2  # values of a row behind the table
MAX_STRAYS, MAX_STRAY = 3, 60  # texts between values that are none, and characters of each
FEW_REPEATS = 2  # labels that stand twice side by side in a form as well
MIN_WIDE = 5  # one gap in so many is wide where columns stand below each other
REACH_REPEATED = 40_000  # the same where rows are repeated
BEHIND_NATS = 25.0  # of the best chain, at the most: more than the rest of a document may say
MIN_RIVAL = 0.001  # odds of a template beside the best whose labels include all of its own
_WORD = re.compile(r"\S+")
_KINDS = {"spaces": "rows", "lines": "lines"}  # what the laws of the dialects call them
MIN_LAW = 0.001  # probability of a way of flattening that is still weighed beside the best
REACH = 4000  # characters beyond the outer label hits in which the rest of a table may lie


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Candidates for one table: the plain span that their hits cover, and their labels.

    `spaced`: nothing but single spaces parts the labels from each other.
    """

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    labels: tuple[LabelSpan, ...]
    spaced: bool


class _Reading(NamedTuple):
    """A cluster read by a law, and how well one candidate template fits it."""

    template: int
    fit: Fit
    scoring: Scoring

    @property
    def score(self) -> float:
        """Log-odds of the best alignment."""
        return self.fit.score


def recover_document(
    document: Document,
    library: AnyLibrary,
    source: str = "",
    *,
    calibration: Calibration | None = None,
) -> Recovery:
    """All tables of a document: those of `library`'s templates, and those of unknown layout.

    Without a `calibration` confidences are the model's own probabilities.
    """
    mended = unwrap(document)
    was_cut = mended is not document
    shown = document = redraw(mended)
    folded = fold(document.text)
    library = few_of(library, document.text, folded, document.raw)
    hits = _hits(document, folded, library) if library.templates else []
    for mend in (_straightened, join_pieces) if hits else ():
        mended = mend(document, folded, hits, library)
        if mended is not document:
            document, folded = mended, fold(mended.text)
            hits = _hits(document, folded, library)
    if not may_hold(hits, library):
        hits = []
    alone = parted = cell_hits(document.text, folded, hits, library)
    found = find_candidates(folded, alone, library)
    if found and _is_spaced(document.text, [_plain_span(folded, s.hit) for s in found[0].seeds]):
        alone = cell_hits(document.text, folded, hits, library, spaced=True)
        found = find_candidates(folded, alone, library)
    clusters = _clusters(folded, found, hits, alone, parted, document, library)
    covered = [Span(cluster.start, cluster.end) for cluster in clusters]
    blocks = find_blocks(document, covered)
    units = [_units(document, cluster) for cluster in clusters]
    streams = [u.gaps for u in units] + [block.units.gaps for block in blocks]
    if streams:
        laws = fingerprint(
            streams,
            _breaks(clusters, units, library),
            rectangles=_only_rectangles(document),
            repeats=_label_repeats(units) > FEW_REPEATS,
            records=any(_holds_records(cluster, library) for cluster in clusters),
        )
        readings = _best_law(
            document,
            library,
            clusters,
            units,
            [replace(law, cut=law.cut or was_cut) for law in laws],
        )
        law = readings.law
        rooms = _rooms(document, [*clusters, *blocks])[: len(clusters)]
        tables = _template_tables(document, library, units, rooms, readings)
        tables += [t for b in blocks if (t := block_table(document, b, law)) is not None]
    else:
        law, tables = None, []
    tables += html_tables(document, covered)
    tables += _bare_tables(shown, tables)
    if calibration is not None:
        tables = [calibrated(table, calibration) for table in tables]
    tables.sort(key=lambda table: table.span)
    return Recovery(source, _dialect(law, tables), tuple(tables))


def _bare_tables(document: Document, tables: Sequence[Table]) -> list[Table]:
    """Tables that only spaces or line ends part, apart from those that were found.

    The document is as it was before its lines were put together by a template's words.
    """
    found = list(tables)
    for read in (column_tables, line_tables):
        found += read(document, _together([document.plain_span(table.span) for table in found]))
    return found[len(tables) :]


def _together(spans: Sequence[Span]) -> list[Span]:
    """The stretches that the spans cover together, in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _hits(document: Document, folded: Folded, library: Library) -> list[Hit]:
    return unbroken(document.text, folded, library.find(folded))


def _straightened(
    document: Document, folded: Folded, hits: Sequence[Hit], library: Library
) -> Document:
    """The document with cells for tables that only spaces draw, where nothing is open."""
    if "  " not in document.text:
        return document
    labels = [_plain_span(folded, hit) for hit in hits]
    numbers = {template for hit in hits for template, _ in library.places[hit.phrase]}
    found = [library.templates[number] for number in numbers]
    return straighten(
        document,
        labels,
        {t.n_cols + numbered for t in found for numbered in (0, 1)},  # a column that counts rows
        {t.n_cols for t in found if t.repeated},
    )


def _plain_span(folded: Folded, hit: Hit) -> Span:
    """The plain characters of a label that was found."""
    return Span(int(folded.origin[hit.start]), int(folded.origin[hit.end - 1]) + 1)


def _only_rectangles(document: Document) -> bool:
    """Whether cells were drawn without spans, so that covered positions may be drawn as well."""
    spans = ((cell.rowspan, cell.colspan) for cell in document.cells)
    return document.kind == "text" and all(span == (1, 1) for span in spans)


def _label_repeats(units: Sequence[Units]) -> int:
    """How often a label stands twice side by side."""
    return sum(a.label == b.label >= 0 for table in units for a, b in pairwise(table.units))


def _breaks(clusters: Sequence[_Cluster], units: Sequence[Units], library: Library) -> list[str]:
    """Gaps where rows end: between a value and the label behind it, and below heads of records."""
    gaps = []
    for cluster, u in zip(clusters, units, strict=True):
        is_label = [unit.label >= 0 for unit in u.units]
        gaps += [u.gaps[i + 1] for i, (a, b) in enumerate(pairwise(is_label)) if b and not a]
        if _holds_records(cluster, library) and True in is_label:
            first = is_label.index(True)
            below = next((i for i in range(first, len(u.units)) if not is_label[i]), None)
            gaps += [u.gaps[below]] if below is not None else []
    return gaps


def _rooms(document: Document, areas: Sequence[_Cluster | Block]) -> list[Span]:
    """For each area of a table, the stretch of plain text up to its neighbours."""
    ends = [0, *sorted(area.end for area in areas)]
    starts = [*sorted(area.start for area in areas), len(document.text)]
    return [
        Span(ends[bisect_right(ends, area.start) - 1], starts[bisect_left(starts, area.end)])
        for area in areas
    ]


def _holds_records(cluster: _Cluster, library: Library) -> bool:
    """Whether a row of values without labels follows the heads, any number of times."""
    template = library.templates[cluster.candidates[0].template]
    kinds = {slot.kind for slot in template.slots_repeated}
    return bool(kinds) and SlotKind.LABEL not in kinds


def _dialect(law: Law | None, tables: Sequence[Table]) -> Dialect:
    if not tables:
        return Dialect("none", 0.0)
    if law is None:  # only tables of unknown layout
        reading = tables[0].reading or Reading("markup")
        return Dialect(_KINDS.get(reading.kind, "html"), round(reading.share, 6))
    return Dialect(law.name, round(law.confidence, 6))


# --- candidates to clusters ---------------------------------------------------------------------


def _clusters(
    folded: Folded,
    candidates: Sequence[Candidate],
    hits: Sequence[Hit],
    alone: Sequence[Hit],
    parted: Sequence[Hit],
    document: Document,
    library: Library,
) -> list[_Cluster]:
    """Group overlapping candidates, best first, and reach out to where their tables may end.

    `alone` are the hits that candidates are made of, `parted` those that more than a space parts.
    """
    groups = _groups(candidates)
    bounds = [_plain_bounds(folded, group[0]) for group in groups]
    hit_starts = [int(folded.origin[hit.start]) for hit in hits]
    alone_starts = [int(folded.origin[hit.start]) for hit in alone]
    parted_starts = [int(folded.origin[hit.start]) for hit in parted]
    clusters: list[_Cluster] = []
    for number, (group, (start, end)) in enumerate(zip(groups, bounds, strict=True)):
        before = clusters[-1].end if clusters else 0
        if start < before:  # inside a table that far more speaks for
            continue
        score = group[0].score
        after = next(
            (
                bounds[later][0]
                for later in range(number + 1, len(groups))
                if groups[later][0].score >= min(WEAK_SCORE * score, STRONG_NATS)
            ),
            len(document.text),
        )
        reached = _reach_back(document.text, max(before, start - REACH), start, group, library)
        behind = alone[bisect_left(alone_starts, end) : bisect_left(alone_starts, after)]
        last = _over_labels(document.text, end, _labels(folded, behind, group, library))
        reach = REACH_REPEATED if _repeats(group, library) else REACH
        by_words = _is_spaced(document.text, [_plain_span(folded, s.hit) for s in group[0].seeds])
        stop = _reach_on(document.text, last, min(after, last + reach), group, library, by_words)
        inside = alone[bisect_left(alone_starts, reached) : bisect_left(alone_starts, stop)]
        labels = _labels(folded, inside, group, library)
        others = parted[bisect_left(parted_starts, reached) : bisect_left(parted_starts, stop)]
        spaced = any(
            _is_spaced(document.text, own)
            for own in (labels, _labels(folded, others, group, library))
        )
        if spaced:  # words one space away may be values, so look again for labels beside them
            inside = hits[bisect_left(hit_starts, reached) : bisect_left(hit_starts, stop)]
            inside = cell_hits(document.text, folded, inside, library, spaced=True)
            labels = _labels(folded, inside, group, library)
        clusters.append(_Cluster(reached, stop, tuple(group), labels, spaced))
    return clusters


def _repeats(group: Sequence[Candidate], library: Library) -> bool:
    return any(library.templates[candidate.template].repeated for candidate in group)


def _is_spaced(text: str, labels: Sequence[LabelSpan | Span]) -> bool:
    """Whether most labels share their line with the next, with no bar, tab or wide gap between."""
    together = sum(
        "  " not in between and not set(between) & SEPARATORS
        for between in (text[a.end : b.start] for a, b in pairwise(labels))
    )
    return together * 2 > len(labels)


def _groups(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Candidates by the one that each overlaps of those that explain most, in reading order.

    The first of each group are disjoint, so those that a candidate overlaps are neighbours.
    """
    groups = [[best] for best in _disjoint(candidates)]
    starts = [best.seeds[0].hit.start for best, *_ in groups]
    for candidate in candidates:
        group = groups[bisect_left(starts, candidate.seeds[-1].hit.end) - 1]
        if candidate is group[0] or candidate.seeds[0].hit.start >= group[0].seeds[-1].hit.end:
            continue
        if len(group) < MAX_RIVALS and _rivals_best(candidate, group[0]):
            group.append(candidate)
    return groups


def _disjoint(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, none over another, that explain most together (weighted interval scheduling).

    Each must be worth a table of its own, or one table would fall into parts.
    """
    ordered = sorted(candidates, key=lambda c: (c.seeds[-1].hit.end, -c.score))
    ends = [c.seeds[-1].hit.end for c in ordered]
    best = [0.0]
    back: list[int] = []  # how many candidates lie before each
    for number, candidate in enumerate(ordered):
        back.append(bisect_right(ends, candidate.seeds[0].hit.start, hi=number))
        worth = max(candidate.score - STRONG_NATS, MIN_RIVAL * candidate.score)  # above nothing
        best.append(max(best[-1], best[back[-1]] + worth))
    chosen: list[Candidate] = []
    number = len(ordered)
    while number:
        if best[number] > best[number - 1]:
            chosen.append(ordered[number - 1])
            number = back[number - 1]
        else:
            number -= 1
    return chosen[::-1]


def _rivals_best(candidate: Candidate, best: Candidate) -> bool:
    """Whether a candidate is near enough to the best for the same table to be worth aligning.

    One that explains nothing more than the best must be nearer: only values could speak for it.
    """
    behind = best.score - candidate.score
    if behind > min((1 - RIVAL_SCORE) * best.score, BEHIND_NATS):
        return False
    hits = {seed.hit[:2] for seed in best.seeds}
    return behind <= -log(MIN_RIVAL) or any(s.hit[:2] not in hits for s in candidate.seeds)


def _plain_bounds(folded: Folded, candidate: Candidate) -> tuple[int, int]:
    start, end = candidate.seeds[0].hit.start, candidate.seeds[-1].hit.end
    return int(folded.origin[start]), int(folded.origin[end - 1]) + 1


def _reach_back(
    text: str, floor: int, start: int, group: Sequence[Candidate], library: Library
) -> int:
    """Where the units before the first hit begin, one for each slot before it at the most."""
    templates = [library.templates[candidate.template] for candidate in group]
    first = min(candidate.seeds[0].slot for candidate in group)
    room = max(sum(not slot.optional for slot in t.slots[:first]) for t in templates)
    longest = 2 * max(len(form) for t in templates for c in t.cells for form in c.forms or ("",))
    position = start
    for token in reversed(lex(text, floor, start) if room else []):
        if token.kind != "t":
            continue
        if not room or token.end - token.start > longest:
            break
        position, room = token.start, room - 1
    return position


def _over_labels(text: str, end: int, labels: Sequence[LabelSpan]) -> int:
    """Where the labels end that follow `end` with no other words between them.

    Labels that a span repeated may have taken the places of those behind them in the chain.
    """
    for label in labels:
        if TABLE_END in (between := text[end : label.start]) or any(c.isalpha() for c in between):
            break
        end = label.end
    return end


def _reach_on(
    text: str,
    end: int,
    ceiling: int,
    group: Sequence[Candidate],
    library: Library,
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
        if not piece.strip(LEFTOVERS):  # of the last label
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
    position = max(position, _over_row(text, worded, ceiling, best.values_of_last_row))
    return _with_separators(text, position, ceiling)


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


def _slots_behind(template: Template, slot: int) -> list[Slot]:
    """The slots behind one that must be filled, with all copies that repeated rows may have."""
    behind = [other for other in template.slots[slot + 1 :] if not other.optional]
    repeated = template.repeated
    if repeated and template.slots[slot].row < repeated.stop:
        copies = min(repeated.most, MAX_CELLS // len(template.slots_repeated))
        behind += copies * [other for other in template.slots_repeated if not other.optional]
    return behind


def _is_cell(text: str, token: Token) -> bool:
    """Whether bars, tabs or cell ends stand on both sides, so that any length is one cell."""
    around = text[max(0, token.start - 2) : token.start].strip(" ")[-1:]
    behind = text[token.end : token.end + 2].strip(" ")[:1]
    cell_ends = SEPARATORS - set(LINE_ENDS)
    return around in cell_ends and behind in cell_ends


def _with_separators(text: str, position: int, ceiling: int) -> int:
    """Keep the bars and line ends behind the last unit: they are evidence of blanks."""
    end = position
    while end < ceiling and (text[end] == " " or text[end] in SEPARATORS):
        end += 1
    return end


def _labels(
    folded: Folded, hits: Sequence[Hit], group: Sequence[Candidate], library: Library
) -> tuple[LabelSpan, ...]:
    """Label spans, in plain positions, of the group's templates."""
    wanted = {candidate.template for candidate in group}
    return tuple(
        LabelSpan(int(folded.origin[hit.start]), int(folded.origin[hit.end - 1]) + 1, hit.phrase)
        for hit in hits
        if any(template in wanted for template, _ in library.places[hit.phrase])
    )


# --- clusters to tables -------------------------------------------------------------------------


def _units(document: Document, cluster: _Cluster) -> Units:
    units = cut_units(
        document.text,
        lex(document.text, cluster.start, cluster.end),
        cluster.labels,
        whole_cells=CELL_END in document.text[cluster.start : cluster.end],
        spaced=cluster.spaced,
    )
    return units if document.starts is None else cut_back_steps(units, document.starts)


class _Readings(NamedTuple):
    """All clusters read by a law; per cluster, one reading for each candidate."""

    law: Law
    share: float  # probability of the law among those that are possible
    clusters: list[list[_Reading]]
    rivals: tuple[_Readings, ...] = ()  # by the other laws that are probable enough


def _best_law(
    document: Document,
    library: Library,
    clusters: Sequence[_Cluster],
    units: Sequence[Units],
    laws: Sequence[Law],
) -> _Readings:
    """Read all clusters by each law that is possible; keep the most probable and its rivals."""
    templates = library.templates
    candidates = [[c.template for c in cluster.candidates] for cluster in clusters]
    kept: list[tuple[float, Law, list[list[_Reading]]]] = []
    scores: list[float] = []
    for law in laws:
        read = [
            _readings(document, library, numbers, u, law, _scoring(templates[numbers[0]], u, law))
            for numbers, u in zip(candidates, units, strict=True)
        ]
        score = law.surprise + sum(max(r.score for r in rs) for rs in read if rs)
        scores.append(score)
        worst = max(scores) + log(MIN_LAW)  # those of the other laws are not needed any more
        kept = [item for item in [*kept, (score, law, read)] if item[0] >= worst]
    kept.sort(key=lambda item: -item[0])
    total = sum(exp(score - kept[0][0]) for score in scores)
    best, *rivals = [
        _Readings(law, exp(score - kept[0][0]) / total, read) for score, law, read in kept
    ]
    law = replace(best.law, confidence=best.law.confidence * best.share)
    return best._replace(law=law, rivals=tuple(rivals))


def _template_tables(
    document: Document,
    library: Library,
    units: Sequence[Units],
    rooms: Sequence[Span],
    readings: _Readings,
) -> list[Table]:
    context = [context_nats(template.context, document.raw) for template in library.templates]
    votes = [_edition_votes(library, own) for own in readings.clusters]
    total = _elections(votes)
    tables = []
    for number, (own, u, vote) in enumerate(zip(readings.clusters, units, votes, strict=True)):
        if not own:
            continue
        others = _support(total, vote)
        scores = [
            reading.score
            + context[reading.template]
            + others.get(library.templates[reading.template].edition, 0.0)
            for reading in own
        ]
        tables.append(_table(document, library, u, rooms[number], number, scores, readings))
    return [table for table in tables if table is not None]


def _scoring(template: Template, units: Units, law: Law) -> Scoring:
    """The scoring for this table: how often its cells are filled is counted, not believed."""
    slots = template.slots
    n_slots = sum(slot.kind <= SlotKind.TEXT for slot in slots)
    n_texts = sum(unit.label < 0 for unit in units.units)
    share = (n_texts + 1) / (max(n_slots, n_texts) + 2)  # Laplace's rule of succession
    filled = min(share, MAX_FILLED)
    return Scoring(
        law.blanks_shown,
        law.rows_shown,
        law.continued_shown,
        law.row_blanks,
        law.repeated_shown,
        law.ends_filled,
        filled=filled,
    )


def _readings(
    document: Document,
    library: Library,
    templates: Iterable[int],
    units: Units,
    law: Law,
    scoring: Scoring,
) -> list[_Reading]:
    symbols = read_symbols(document.text, units, law)
    phrases = tuple(units.units[s.unit].label if s.unit >= 0 else -1 for s in symbols)
    readings = []
    for number in dict.fromkeys(templates):
        aligned = partial(Aligner, symbols, phrases, number, library, scoring)
        fit = best_fit(library.templates[number], symbols, aligned)
        if fit is not None:
            readings.append(_Reading(number, fit, scoring))
    return readings


def _edition_votes(library: Library, readings: Sequence[_Reading]) -> dict[str, float]:
    """By how many nats each edition is behind the best one for this table, 0 or less.

    A template that names no edition, so that its id stands for one, has nothing to vote for.
    """
    best: dict[str, float] = {}
    for reading in readings:
        template = library.templates[reading.template]
        if template.edition != template.id:
            best[template.edition] = max(best.get(template.edition, reading.score), reading.score)
    top = max(best.values(), default=0.0)
    return {edition: max(score - top, -EDITION_NATS) for edition, score in best.items()}


def _elections(votes: Sequence[dict[str, float]]) -> dict[str, float]:
    """The votes of all tables for each edition, added up."""
    counted = [vote for vote in votes if vote]
    editions = {edition for vote in counted for edition in vote}
    return {e: sum(vote.get(e, -EDITION_NATS) for vote in counted) for e in editions}


def _support(total: dict[str, float], own: dict[str, float]) -> dict[str, float]:
    """What the other tables of the document say about this one's editions, in nats, 0 or less."""
    others = {edition: total[edition] - vote for edition, vote in own.items()}
    top = max(others.values(), default=0.0)
    return {edition: max(score - top, -EDITION_NATS) for edition, score in others.items()}


class _Choice(NamedTuple):
    """The most probable candidate, by number, its probability, and that of its grid."""

    number: int
    certainty: float
    layout: float


def _choice(library: Library, readings: Sequence[_Reading], scores: Sequence[float]) -> _Choice:
    """Choose among candidates; equal grids lend each other their probability."""
    top = max(scores)
    shares = [exp(score - top) for score in scores]
    best = scores.index(top)
    geometry = library.templates[readings[best].template].geometry
    alike = (
        share
        for share, reading in zip(shares, readings, strict=True)
        if library.templates[reading.template].geometry == geometry
    )
    return _Choice(best, shares[best] / sum(shares), sum(alike) / sum(shares))


def _aligned(
    document: Document,
    units: Units,
    reading: _Reading,
    law: Law,
    added: Sequence[int] | None = None,
) -> Alignment:
    """The alignment with the rows that the template lacks, or with one below each of `added`."""
    texts = [document.text[unit.start : unit.end] for unit in units.units]
    places = extents(document, units.units) if _only_spaces(units, law) else None

    def align(aligner: Aligner) -> Alignment:
        return aligner.align(texts, places)

    if added is None:
        return align_with_rows(reading.fit.aligner, reading.scoring.row_added, align)
    return align(with_rows(reading.fit.aligner, added))


def _table(
    document: Document,
    library: Library,
    units: Units,
    room: Span,
    number: int,
    scores: Sequence[float],
    readings: _Readings,
) -> Table | None:
    """The most probable reading of cluster `number` as a table.

    None if nothing was found but labels: a list of them, not a table.
    """
    own = readings.clusters[number]
    choice = _choice(library, own, scores)
    chosen = own[choice.number]
    template = library.templates[chosen.template]
    alignment = _aligned(document, units, chosen, readings.law)
    cut = None if readings.law.parted else cut_glued(document.text, units, alignment)
    if cut is not None:
        scoring = _scoring(template, cut.units, readings.law)
        again = _readings(document, library, [chosen.template], cut.units, readings.law, scoring)
        units, chosen = cut.units, again[0] if again else chosen
        alignment = _aligned(document, units, chosen, readings.law)
    if not holds_values(alignment):
        return None
    others = readings.rivals if cut is None else ()
    rivals = _rivals(document, library, units, number, choice.layout, chosen, alignment, others)
    layout = choice.layout * _shape_right(chosen, readings.law, template)
    filled = fill_grid(
        document,
        units,
        alignment,
        chosen.scoring,
        layout,
        share=readings.share,
        rivals=rivals,
        cut=cut.probability if cut else {},
    )
    shape = (alignment.template.n_rows, template.n_cols)
    confidence = table_confidence(filled.cells) * choice.certainty / choice.layout
    candidates = tuple(
        ScoredTemplate(library.templates[reading.template].id, reading.score, score)
        for reading, score in zip(own, scores, strict=True)
    )
    return Table(
        template.id,
        _raw_extent(document, filled.span),
        shape,
        filled.cells,
        round(confidence, 6),
        table_status(filled.cells, filled.checks, certainty=choice.certainty),
        filled.checks,
        filled.unplaced,
        template.title,
        choice.certainty,
        alignment=alignment,
        evidence=Evidence(
            document,
            units,
            readings.law.name,
            readings.law.shared,
            readings.share,
            chosen.scoring,
            layout * readings.share,
            room,
            rivals,
            candidates,
            round_trip(filled.cells, shape, document, units, readings.law),
        ),
    )


def _rivals(
    document: Document,
    library: Library,
    units: Units,
    number: int,
    layout: float,
    chosen: _Reading,
    alignment: Alignment,
    readings: Sequence[_Readings],
) -> tuple[Rival, ...]:
    """Cluster `number` as the same template filled by the other laws; `layout`: see `_Choice`."""
    template = library.templates[chosen.template]
    added = alignment.template.added
    below = [row - before - 1 for before, row in enumerate(added)]
    n_rows = alignment.template.n_rows - len(added)

    def below_of(reading: _Reading) -> Sequence[int]:
        return below if reading.fit.aligner.n_rows == n_rows else ()  # other numbers of records

    return tuple(
        Rival.of(
            by_law.share,
            fill_grid(
                document,
                units,
                _aligned(document, units, reading, by_law.law, below_of(reading)),
                reading.scoring,
                layout * _shape_right(reading, by_law.law, template),
            ),
        )
        for by_law in readings
        for reading in by_law.clusters[number]
        if reading.template == chosen.template
    )


def _shape_right(reading: _Reading, law: Law, template: Template) -> float:
    """Probability that the rows are as many as read, and the cells cut where read."""
    return reading.fit.share * _cut_right(law, template)


def _only_spaces(units: Units, law: Law) -> bool:
    """Whether rows are lines whose cells wide spaces part, so that columns can be seen."""
    wide = sum("g" in gap for gap in units.gaps)
    return law.rows_shown and not law.parted and wide * MIN_WIDE >= len(units.gaps)


def _cut_right(law: Law, template: Template) -> float:
    """Probability that units are cells: open where words stand in cells that nothing parts.

    So it is where a width cut lines, for it may have cut a cell in two.
    """
    if law.cut:
        return UNCUT
    return 1.0 if law.parted or all(s.kind != SlotKind.TEXT for s in template.slots) else UNCUT


def _raw_extent(document: Document, span: Span) -> Span:
    """The input span of a table, with the bars that pad its last line."""
    end = span.end
    while end < len(document.text) and document.text[end] in f" {BARS}":
        end += 1
    padded = BARS if any(c in document.text[span.end : end] for c in BARS) else ""
    return document.raw_span(span.start, end if padded else span.end)
