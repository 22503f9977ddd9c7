"""Composes the stages: document to tables. Pure; reads no files and keeps no state.

The dialect is decided over all clusters (stretches that templates compete for) and delimited blocks
of the document together, since one tool flattened it. Each cluster is then aligned with its best
candidates; their scores are log-odds over the same symbols, so their softmax says which it is.
Templates of one edition support each other: a table that fits two editions equally well goes to
the one that the other tables, or a context phrase, speak for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

from tabrecover.added import align_with_rows
from tabrecover.align import Aligner, holds_values
from tabrecover.blocks import Block, find_blocks
from tabrecover.calibration import Calibration, calibrated
from tabrecover.catalog import context_nats, few_of
from tabrecover.clusters import find_clusters
from tabrecover.confidence import table_confidence, table_status
from tabrecover.dialects import Law, fingerprint
from tabrecover.fold import fold
from tabrecover.freeform import block_tables, column_tables, html_tables, line_tables
from tabrecover.furniture import without_furniture
from tabrecover.glued import cut_glued
from tabrecover.grid import Rival, fill_grid
from tabrecover.layout import redraw
from tabrecover.lex import BARS, lex
from tabrecover.model import CELL_END, Dialect, Document, Span
from tabrecover.pieces import join_pieces
from tabrecover.positions import extents, placing
from tabrecover.regions import may_hold, unbroken
from tabrecover.repeats import best_fit
from tabrecover.results import Evidence, Reading, Recovery, ScoredTemplate, Table
from tabrecover.roundtrip import round_trip
from tabrecover.scoring import Scoring
from tabrecover.sheets import cut_from_sheet
from tabrecover.straight import straighten
from tabrecover.symbols import read_symbols
from tabrecover.template import SlotKind
from tabrecover.units import Units, cut_back_steps, cut_units
from tabrecover.unwrap import unwrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tabrecover.align import Alignment
    from tabrecover.catalog import AnyLibrary
    from tabrecover.clusters import Cluster
    from tabrecover.fold import Folded
    from tabrecover.library import Hit, Library
    from tabrecover.repeats import Fit
    from tabrecover.template import Template

__all__ = ["recover_document"]

MAX_FILLED = 0.8  # share of filled cells; a blank is never so rare that a stray must be a value
EDITION_NATS = 20.0  # the most that one other table can say about the edition
UNCUT = 0.85  # probability that a text is cut right where nothing but spaces parts the cells
FEW_REPEATS = 2  # labels that stand twice side by side in a form as well
MIN_WIDE = 5  # one gap in so many is wide where columns stand below each other
_KINDS = {"spaces": "rows", "lines": "lines"}  # what the laws of the dialects call them
ROUNDS = 2  # of putting labels together that may be pieces, by the templates that those before name
MIN_LAW = 0.001  # probability of a way of flattening that is still weighed beside the best
MIN_LAW_ALONE = 1e-9  # ... by the best candidates alone, which may not be the best ones by it


class _Reading(NamedTuple):
    """A cluster read by a law, and how well one candidate template fits it."""

    template: int
    fit: Fit
    scoring: Scoring
    seen: float  # nats of its labels of which the words are there

    @property
    def score(self) -> float:
        """Log-odds of the best alignment, and of the labels that it may have no place for."""
        return self.fit.score + self.seen


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
    lines, furniture = without_furniture(document)
    mended = unwrap(lines)
    was_cut = mended is not lines
    shown = document = redraw(mended)
    folded = fold(document.text)
    document, folded, library, hits = _mended(document, folded, library)
    if not may_hold(hits, library):
        hits = []
    clusters = find_clusters(document.text, folded, hits, library)
    covered = [Span(cluster.start, cluster.end) for cluster in clusters]
    blocks = find_blocks(document, covered)
    units = [_units(document, cluster) for cluster in clusters]
    streams = [u.gaps for u in units] + [block.units.gaps for block in blocks]
    if streams:
        laws = fingerprint(
            streams,
            _breaks(clusters, units, library),
            rectangles=_only_rectangles(document),
            filled=document.filled,
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
        tables += [table for block in blocks for table in block_tables(document, block, law)]
    else:
        law, tables = None, []
    tables += html_tables(document, covered)
    tables += _bare_tables(shown, tables)
    if calibration is not None:
        tables = [calibrated(table, calibration) for table in tables]
    tables = [_with_unplaced(table, furniture) for table in tables]
    tables.sort(key=lambda table: table.span)
    return Recovery(source, _dialect(law, tables), tuple(tables))


def _with_unplaced(table: Table, spans: Sequence[Span]) -> Table:
    """The table with those of the spans that stand inside it."""
    start, end = table.span
    inside = [span for span in spans if start <= span.start and span.end <= end]
    return replace(table, unplaced=tuple(sorted([*table.unplaced, *inside]))) if inside else table


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


def _mended(
    document: Document, folded: Folded, every: AnyLibrary, rounds: int = ROUNDS
) -> tuple[Document, Folded, Library, list[Hit]]:
    """The document with whole cells and labels, its templates of `every`, and their labels in it.

    Labels put together may speak for other templates, whose own are put together then.
    """
    library = few_of(every, document.text, folded, document.raw)
    hits = _hits(document, folded, library) if library.templates else []
    before = document
    for mend in (_straightened, join_pieces) if hits else ():
        mended = mend(document, folded, hits, library)
        if mended is not document:
            document, folded = mended, fold(mended.text)
            hits = _hits(document, folded, library)
    if rounds > 1 and document is not before:
        nearer = few_of(every, document.text, folded, document.raw)
        if nearer is not library:
            return _mended(document, folded, every, rounds - 1)
    return document, folded, library, hits


def _hits(document: Document, folded: Folded, library: Library) -> list[Hit]:
    return unbroken(document.text, folded, library.find(folded))


def _straightened(
    document: Document, folded: Folded, hits: Sequence[Hit], library: Library
) -> Document:
    """The document with cells for tables that only spaces or tabs draw, where nothing is open."""
    if "  " not in document.text and "\t\t" not in document.text:
        return document
    labels = [folded.span(hit.start, hit.end) for hit in hits]
    numbers = {template for hit in hits for template, _ in library.places[hit.phrase]}
    found = [library.templates[number] for number in numbers]
    cut = cut_from_sheet(document, labels, {t.n_cols for t in found})
    if cut is not document:
        return cut
    return straighten(
        document,
        labels,
        {t.n_cols + numbered for t in found for numbered in (0, 1)},  # a column that counts rows
        {t.n_cols for t in found if t.repeated},
        lambda rows: next(filter(None, (placing(rows, t) for t in found)), None),
    )


def _only_rectangles(document: Document) -> bool:
    """Whether cells were drawn without spans, so that covered positions may be drawn as well."""
    spans = ((cell.rowspan, cell.colspan) for cell in document.cells)
    return document.kind == "text" and all(span == (1, 1) for span in spans)


def _label_repeats(units: Sequence[Units]) -> int:
    """How often a label stands twice side by side."""
    return sum(a.label == b.label >= 0 for table in units for a, b in pairwise(table.units))


def _breaks(clusters: Sequence[Cluster], units: Sequence[Units], library: Library) -> list[str]:
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


def _rooms(document: Document, areas: Sequence[Cluster | Block]) -> list[Span]:
    """For each area of a table, the stretch of plain text up to its neighbours."""
    ends = [0, *sorted(area.end for area in areas)]
    starts = [*sorted(area.start for area in areas), len(document.text)]
    return [
        Span(ends[bisect_right(ends, area.start) - 1], starts[bisect_left(starts, area.end)])
        for area in areas
    ]


def _holds_records(cluster: Cluster, library: Library) -> bool:
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


# --- clusters to tables -------------------------------------------------------------------------


def _units(document: Document, cluster: Cluster) -> Units:
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


class _ByLaw(NamedTuple):
    """All clusters read by a law; per cluster, one reading for each candidate."""

    law: Law
    clusters: list[list[_Reading]]

    @property
    def score(self) -> float:
        """Log-odds of the law, and of the best candidates."""
        return self.law.surprise + sum(max(r.score for r in own) for own in self.clusters if own)


def _likely(by_laws: Sequence[_ByLaw], share: float) -> list[_ByLaw]:
    """Those that are at least so probable beside the best."""
    scores = [by_law.score for by_law in by_laws]
    least = max(scores) + log(share)
    return [by_law for by_law, score in zip(by_laws, scores, strict=True) if score >= least]


def _best_law(
    document: Document,
    library: Library,
    clusters: Sequence[Cluster],
    units: Sequence[Units],
    laws: Sequence[Law],
) -> _Readings:
    """Read all clusters by each law that is possible; keep the most probable and its rivals.

    The best candidates alone say which laws are possible; the others are read by these.
    """

    def read(law: Law, cluster: Cluster, u: Units, templates: Sequence[int]) -> list[_Reading]:
        scoring = _scoring(library.templates[cluster.candidates[0].template], u, law)
        seen = {template: cluster.seen[template] for template in templates}
        return _readings(document, library, seen, u, law, scoring) if seen else []

    areas = [(*area, list(area[0].seen)) for area in zip(clusters, units, strict=True)]
    first: list[_ByLaw] = []
    for law in laws:
        alone = _ByLaw(law, [read(law, cluster, u, known[:1]) for cluster, u, known in areas])
        first = _likely([*first, alone], MIN_LAW_ALONE)  # the others are not needed any more
    every = [
        _ByLaw(
            law,
            [
                own + read(law, cluster, u, known[1:])
                for own, (cluster, u, known) in zip(best, areas, strict=True)
            ],
        )
        for law, best in first
    ]
    kept = sorted(_likely(every, MIN_LAW), key=lambda by_law: -by_law.score)
    top = kept[0].score
    total = sum(exp(by_law.score - top) for by_law in every)
    best, *rivals = [
        _Readings(by_law.law, exp(by_law.score - top) / total, by_law.clusters) for by_law in kept
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
    seen: Mapping[int, float],
    units: Units,
    law: Law,
    scoring: Scoring,
) -> list[_Reading]:
    symbols = read_symbols(document.text, units, law)
    phrases = tuple(units.units[s.unit].label if s.unit >= 0 else -1 for s in symbols)
    readings = []
    for number, nats in seen.items():
        aligned = partial(Aligner.of, symbols, phrases, number, library, scoring)
        fit = best_fit(library.templates[number], symbols, aligned)
        if fit is not None:
            readings.append(_Reading(number, fit, scoring, nats))
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
        is_marked = law.rows_shown and law.parted and places is None
        return align_with_rows(reading.fit.aligner, reading.scoring.row_added, align, is_marked)
    return align(reading.fit.aligner.with_rows(added))


class _CutApart(NamedTuple):
    """A reading aligned after values run together were cut; `cut`: how probably right, by unit."""

    units: Units
    reading: _Reading
    alignment: Alignment
    cut: Mapping[int, float]


def _cut_apart(
    document: Document, library: Library, units: Units, reading: _Reading, law: Law
) -> _CutApart:
    """The alignment of a reading, and that of its values one by one where nothing parts them."""
    alignment = _aligned(document, units, reading, law)
    cut = None if law.parted else cut_glued(document.text, units, alignment)
    if cut is None:
        return _CutApart(units, reading, alignment, {})
    scoring = _scoring(library.templates[reading.template], cut.units, law)
    own = {reading.template: reading.seen}
    again = _readings(document, library, own, cut.units, law, scoring)
    reading = again[0] if again else reading
    alignment = _aligned(document, cut.units, reading, law)
    return _CutApart(cut.units, reading, alignment, cut.probability)


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
    units, chosen, alignment, cut = _cut_apart(
        document, library, units, own[choice.number], readings.law
    )
    if not holds_values(alignment):
        return None
    template = library.templates[chosen.template]
    others = () if cut else readings.rivals
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
        cut=cut,
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
    below = [row - before - 1 for before, row in enumerate(alignment.template.added)]

    def below_of(reading: _Reading) -> Sequence[int]:
        """Rows are known by number: with other numbers of records they are other rows."""
        return below if _layout_of(reading) == _layout_of(chosen) else ()

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


def _layout_of(reading: _Reading) -> int:
    """Equal where repeated rows are there equally often."""
    return reading.fit.aligner.template.geometry


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
