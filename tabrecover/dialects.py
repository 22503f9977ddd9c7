"""How extractors flatten: a table of laws, each fitted to the separators of a dump.

A *stream* is what lies between a region's units: `gaps[i]` is the string of separator letters
(see `lex`) before unit `i`, `gaps[n]` what follows the last. A law *reads* gaps as symbols that
the aligner understands: `B` an empty cell, `R` a row end. Which laws may hold is decided for the
whole document from the dump alone, by how many gaps each explains; parameters (line ends per
cell, row width) are read off the same gaps. Where the gaps leave more than one law open, the
alignments decide between them. A law is soft evidence: the aligner may overrule every symbol at
a price.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import lgamma, log, pi
from typing import NamedTuple

from tabrecover.scoring import BACKGROUND, UnitKind

__all__ = ["Gaps", "Law", "Writing", "fingerprint"]

Gaps = Sequence[str]

NOISE = 0.005  # probability of a line end too many: one in the 230 gaps of a real form
MAX_ODD = 0.05  # share of excess line ends that a step may leave unexplained
MIN_OPENED = 0.9  # share of line ends with a bar behind them where rows open with one
MIN_CLOSED = 0.7  # share of line ends with a bar on both sides where rows open and close with one
MIN_WRAPPED = 0.2  # share of line ends that are inside a row where lines were wrapped
MAX_ROW = 30  # gaps between units for each line end, where lines are rows
MIN_REGULAR = 0.7  # share of gaps, and of rows, that padding must explain; the rest are strays
MAX_SHOWN = 0.02  # share of gaps with an empty cell inside the row, in a padded dump
MAX_LINE_ENDS = 0.95  # share of gaps that may end a line where lines are rows
NOISY_BREAKS = 0.1  # share of the gaps between a value and a label that end no row
UNPADDED = 1  # bars between rows that close with one and lack no cell; one more if they open so
MAX_BARE = 0.1  # share of gaps that end a line without a bar, in a padded dump
OPENED_PADDED = 0.001  # probability that rows which open with a bar are padded: no known tool does
FEW = 3  # so few excess line ends, or lines of spaces, may all be noise


class Writing(NamedTuple):
    """A law in the direction in which it flattens, for the proof of a recovery (`roundtrip`).

    `gap` gives the separators between two texts by what stands between them in the grid: `B` an
    empty cell, `R` a row end, `P` an empty cell that pads its row instead of standing in it
    (`padded`). `told` is what of a real gap the law speaks of; the rest is the page's own white
    space. `wraps`: labels may go on in the next line, so that what is behind them tells nothing.
    """

    gap: Callable[[str], str]
    told: Callable[[str], str]
    padded: bool = False
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Law:
    """A fitted law: its name, how well it explains the dump, what it shows, how to read gaps.

    `surprise` is the log-probability of the gaps that it can only call noise, and the log-odds of
    those that it explains and does not read. A row end that can't
    be told from empty cells shows as `row_blanks` of them. `parted`: something stands between any
    two cells, so that no text holds two of them. `cut`: a width cut lines, perhaps inside cells.
    `shared`: most lines hold one cell, and some several, as in the text of a page.
    `ends_filled`: covered positions are left out, and rows filled with empty cells at their ends.
    `writing` is None where the law promises nothing about gaps.
    """

    name: str
    confidence: float
    blanks_shown: bool
    rows_shown: bool
    continued_shown: bool
    read: Callable[[Gaps], list[str]]
    surprise: float = 0.0
    row_blanks: int = 0
    repeated_shown: bool = False
    parted: bool = True
    cut: bool = False
    ends_filled: bool = False
    shared: bool = False
    writing: Writing | None = None


def fingerprint(
    streams: Sequence[Gaps],
    breaks: Sequence[str] = (),
    *,
    rectangles: bool = False,
    filled: bool = False,
    repeats: bool = False,
    records: bool = False,
) -> list[Law]:
    """The laws that can explain the gaps of all streams, most telling first; at least one.

    `breaks` are the gaps between a value and a label, where most rows end. `rectangles`: cells
    are declared without their spans, `filled`: and without covered positions but at the ends of
    rows. `repeats`: labels stand twice side by side. `records`: rows
    without labels follow their heads, so that `breaks` tell of no row but the first.

    >>> fingerprint([["", "ee", "eee", "ee", "eeee", ""]])[0].read(["", "eeeee", ""])
    ['', 'BBB', '']
    """
    thin = _thinner([gap for gaps in streams for gap in gaps[1:-1]])
    inner = [gap for gaps in streams for gap in gaps[1:-1]]
    sample = _mapped(thin, _Sample(streams, inner, breaks, rectangles, filled, repeats, records))
    for fit in _LAWS:
        laws = fit(sample)
        if laws:
            return [_reading_through(thin, law) for law in laws]
    return [Law("order", 0.5, False, False, False, _nothing, parted=False)]


def _thinner(inner: Sequence[str]) -> Callable[[str], str]:
    """What makes one bar or tab of several, where a tool puts as many between all cells."""
    for letter in "bT":
        runs = [gap.count(letter) for gap in inner if letter in gap and "e" not in gap]
        times = min(runs, default=0)
        if times > 1 and sum(run % times == 0 for run in runs) >= MIN_REGULAR * len(runs):
            several = re.compile(f"{letter}{{{times}}}")
            return lambda gap: several.sub(letter, gap)
    return lambda gap: gap


def _reading_through(thin: Callable[[str], str], law: Law) -> Law:
    """The law for gaps that are thinned first."""
    writing = law.writing
    return replace(
        law,
        read=lambda gaps: law.read(list(map(thin, gaps))),
        writing=writing and writing._replace(told=lambda gap: writing.told(thin(gap))),
    )


class _Sample(NamedTuple):
    """What laws are fitted to: all gaps between units, and those at the end of most rows."""

    streams: Sequence[Gaps]
    inner: Sequence[str]
    breaks: Sequence[str]
    rectangles: bool
    filled: bool
    repeats: bool
    records: bool


def _mapped(change: Callable[[str], str], sample: _Sample) -> _Sample:
    """The sample with every gap changed."""
    return sample._replace(
        streams=[list(map(change, gaps)) for gaps in sample.streams],
        inner=list(map(change, sample.inner)),
        breaks=list(map(change, sample.breaks)),
    )


def _share(good: int, total: int) -> float:
    """Share with Laplace's rule of succession."""
    return (good + 1) / (total + 2)


def _only(letters: str) -> Callable[[str], str]:
    """What of a gap consists of these letters."""
    others = re.compile(f"[^{letters}]")
    return lambda gap: others.sub("", gap)


# --- laws in which cells and rows are delimited -------------------------------------------------


def _fit_html(sample: _Sample) -> list[Law]:
    """Declared cells: each stands for itself, or fills a rectangle with its covered positions."""
    inner = sample.inner
    with_cells = sum("c" in gap for gap in inner)
    if with_cells * 2 < len(inner) or not with_cells:
        return []
    rows = any("r" in gap for gap in inner)
    marks = str.maketrans({"B": "c", "R": "r" if rows else None})
    writing = Writing(lambda between: "c" + between.translate(marks), _only("cr"))
    law = Law(
        "html", _share(with_cells, len(inner)), True, rows, False, _read_html, writing=writing
    )
    if not sample.rectangles:
        return [law]
    if sample.filled:
        return [replace(law, name="html-filled", ends_filled=True)]
    return [law, *_with_repeats(replace(law, name="rectangle", continued_shown=True), sample)]


def _with_repeats(law: Law, sample: _Sample) -> list[Law]:
    """The law of a full rectangle, and where labels stand twice side by side, one that repeats."""
    if not law.continued_shown or not sample.repeats:
        return [law]
    return [law, replace(law, name=f"{law.name}-repeated", repeated_shown=True)]


def _with_filled_ends(law: Law, sample: _Sample) -> list[Law]:
    """Where rows of one width end in empty cells, the law that these may only fill the row up.

    More rows must have empty cells only there than have any inside; else covered positions show.
    """
    rows = [row for gaps in sample.streams for row in _rows_read(law.read(gaps))]
    widths = Counter(len(row) for row in rows)
    inside = sum("B" in row.rstrip("B") for row in rows)
    filled = sum(row.endswith("B") and "B" not in row.rstrip("B") for row in rows)
    if filled <= max(FEW, inside) or max(widths.values()) < MIN_REGULAR * len(rows):
        return []
    return [replace(law, name=f"{law.name}-filled", continued_shown=False, ends_filled=True)]


def _rows_read(readings: Sequence[str]) -> list[str]:
    """Every row of a table but its last, as a law reads it: `t` a text, `B` an empty cell."""
    return "t".join(readings).split("R")[:-1]


def _read_html(gaps: Gaps) -> list[str]:
    readings: list[str] = []
    filled = True  # what precedes the first unit is not this table's
    for number, gap in enumerate(gaps):
        symbols = ""
        for code in gap if number else "":
            if code == "c":
                symbols += "" if filled else "B"
                filled = False
            elif code == "r":
                symbols += "R"
        readings.append(symbols)
        filled = True
    return readings


def _fit_tabs(sample: _Sample) -> list[Law]:
    """Tabs between cells, a line end behind a row; paragraphs may put line ends around cells."""
    inner = sample.inner
    tabbed = [gap for gap in inner if "T" in gap]
    if not tabbed or len(tabbed) * 3 < len(inner):
        return []
    margins = Counter(gap.count("e", gap.rindex("T")) for gap in tabbed if "s" not in gap)
    margin = margins.most_common(1)[0][0] if margins else 0
    if not margin and not _is_rows(inner):
        return []
    if not margin and _has_ruled_rows(inner):
        return [_reading_through(_unruled, law) for law in _fit_tabs(_mapped(_unruled, sample))]
    good = sum("T" in gap or gap.count("e") > 2 * margin for gap in inner)
    told = _only("Te") if margin else _rows_told("T")
    law = Law(
        "tabs", _share(good, len(inner)), True, True, True, _tab_reader(margin),
        writing=Writing(_row_writer("T", margin=margin), told),
    )  # fmt: skip
    return [*_with_repeats(law, sample), *_with_filled_ends(law, sample)]


_RULE = re.compile("e[gs]*T[gsT]*e")


def _has_ruled_rows(inner: Sequence[str]) -> bool:
    """Whether a line of nothing but tabs stands between most rows: furniture, no empty cells."""
    breaks = [gap for gap in inner if "e" in gap]
    ruled = sum(_RULE.search(gap) is not None for gap in breaks)
    return ruled > FEW and ruled >= MIN_REGULAR * len(breaks)


def _unruled(gap: str) -> str:
    """The gap without the first line of nothing but tabs."""
    return _RULE.sub("e", gap, count=1)


def _tab_reader(margin: int) -> Callable[[Gaps], list[str]]:
    """Reader for cells between tabs, with `margin` line ends on each side of a text.

    Line ends beyond the margins of the texts on both sides end a row.
    """

    def read(gaps: Gaps) -> list[str]:
        readings: list[str] = []
        for number, gap in enumerate(gaps):
            symbols, filled, fresh = "", number > 0, number == 0
            runs = gap.split("T")
            for place, run in enumerate(runs):
                texts = (place == 0 and number > 0) + (place == len(runs) - 1)
                texts += 2 * run.count("s")  # a text of spaces has margins too
                if run.count("e") > margin * texts and number:
                    symbols += "" if filled or fresh else "B"
                    symbols += "R"
                    filled, fresh = False, True
                if place < len(runs) - 1:
                    symbols += "" if filled else "B"
                    filled = fresh = False
            readings.append(symbols)
        return readings

    return read


def _row_writer(
    separator: str, *, margin: int = 0, leading: str = "", trailing: str = ""
) -> Callable[[str], str]:
    """Writer for cells parted by `separator` in rows that end a line.

    `margin` line ends stand on each side of a text, `leading` opens a row, `trailing` closes it.
    """
    text = "e" * margin + "t" + "e" * margin

    def write(between: str) -> str:
        rows = f"t{between}t".split("R")
        lines = (separator.join(text if cell == "t" else "" for cell in row) for row in rows)
        written = f"{trailing}e{leading}".join(lines)
        return written[written.index("t") + 1 : written.rindex("t")]

    return write


def _rows_told(separator: str) -> Callable[[str], str]:
    """What of a gap parts cells and rows, where empty lines between rows say nothing."""
    told = _only(f"{separator}e")
    return lambda gap: re.sub("e+", "e", told(gap))


def _fit_bars(sample: _Sample) -> list[Law]:
    """Bars: first the padded form, whose row ends add up; else each bar pair is a cell."""
    inner = sample.inner
    barred = sum("b" in gap for gap in inner)
    if barred * 3 < len(inner) or not barred:
        return []
    if _is_one_line(inner) and all(gap.count("b") <= 1 for gap in inner):
        return [_single_bars(inner)]
    if lines := _fit_bar_lines(sample):
        return lines
    laws = _fit_bar_rows(sample)
    cells = any(law.blanks_shown for law in laws)  # else the padded form holds as it stands
    return (laws + (_fit_wrapped_bars(sample) if cells else [])) or _fit_paragraph_bars(sample)


def _fit_bar_rows(sample: _Sample) -> list[Law]:
    padded, is_regular = _fit_padded(sample)
    opened = _opened(sample.inner)
    if is_regular and not opened and not _is_one_line(sample.inner):
        return padded
    cells = _fit_bar_cells(sample)
    ends = [*sample.inner, *(gaps[-1] for gaps in sample.streams)]
    if cells and not any(gap.count("b") > UNPADDED + opened for gap in ends):
        return cells  # no row shows a pad, so both read the same
    return padded + cells  # blank cells at rows' ends look like padding


def _single_bars(inner: Sequence[str]) -> Law:
    """A bar between all texts, and nothing else: neither empty cells nor row ends show."""
    good = sum("b" in gap for gap in inner)
    writing = Writing(lambda _: "b", _only("b"))
    share = _share(good, len(inner))
    return Law("bars-single", share, False, False, False, _nothing, writing=writing)


def _is_rows(inner: Sequence[str]) -> bool:
    """Whether lines can be rows: a row has more than one cell, so most gaps end no line."""
    return sum("e" in gap for gap in inner) <= MAX_LINE_ENDS * len(inner)


_CLOSED = re.compile("be[es]*b")  # a row closes with a bar, the next opens with one


def _fit_bar_cells(sample: _Sample) -> list[Law]:
    inner = sample.inner
    if not _is_rows(inner):
        return []
    breaks = [gap for gap in inner if "e" in gap]
    closed = sum(_CLOSED.search(gap) is not None for gap in breaks) >= MIN_CLOSED * len(breaks)
    trailing = bool(breaks) and (closed or all("be" in gap for gap in breaks))
    leading = trailing and (closed or all("eb" in gap for gap in breaks))
    read = _bar_reader(leading, trailing)
    continued = any("B" in reading for gaps in sample.streams for reading in read(gaps))
    good = sum("b" in gap or "e" in gap for gap in inner)
    writer = _row_writer("b", leading="b" * leading, trailing="b" * trailing)
    law = Law(
        "bars", _share(good, len(inner)), True, True, continued or sample.repeats, read,
        writing=Writing(writer, _rows_told("b")),
    )  # fmt: skip
    return [*_with_repeats(law, sample), *_with_filled_ends(law, sample)]


_BAR_LINES = re.compile("e?bs?e+(?:b+e+)*[es]*")
_LONE_BAR = re.compile("eb[es]*e[es]*")
_FILLED_UP = re.compile("bb+")


def _fit_bar_lines(sample: _Sample) -> list[Law]:
    """A cell a line, empty ones too, each with a bar behind it; bars that fill a row are a line."""
    inner = sample.inner
    good = sum(_BAR_LINES.fullmatch(gap) is not None for gap in inner)
    if good < MIN_REGULAR * len(inner):
        return []
    filling = sum(_bars_behind(gap) == ["b"] for gap in sample.breaks)  # or an empty cell
    if _shown_lines(inner) <= filling:
        alone = sum(_LONE_BAR.fullmatch(gap) is not None for gap in inner)
        return [_single_bars(inner)] if alone >= MIN_REGULAR * len(inner) else []
    pads = sum(len(run) for gap in inner for run in _FILLED_UP.findall(gap))
    surprise = -pads * log(BACKGROUND[UnitKind.BLANK])
    writing = Writing(lambda between: "b" * (1 + between.count("B")), _only("b"))
    return [
        Law(
            "bars-lines", _share(good, len(inner)), True, True, False, _read_bar_lines, surprise,
            ends_filled=True, writing=writing,
        )
    ]  # fmt: skip


def _read_bar_lines(gaps: Gaps) -> list[str]:
    """A line of one bar is an empty cell, or fills a row that lacks no more; one of several does.

    The first bar closes the text before.
    """
    lines = map(_bars_behind, gaps[1:])
    return ["", *("".join("B" if line == "b" else "R" for line in own) for own in lines)]


def _bars_behind(gap: str) -> list[str]:
    """The runs of bars behind the one that closes the text before."""
    return re.findall("b+", gap.partition("b")[2])


def _shown_lines(gaps: Sequence[str]) -> int:
    """How many gaps have an empty cell on a line of its own.

    Alone, a bar fills up its row, but where bars have lines of their own in any case.
    """
    lines = ((_bars_behind(gap), gap) for gap in gaps if "eb" in gap)
    return sum("b" in own and (len(own) > 1 or gap[0] == "e") for own, gap in lines)


def _fit_wrapped_bars(sample: _Sample) -> list[Law]:
    """Rows that open and close with a bar, broken anywhere else by a width of lines."""
    breaks = [gap for gap in sample.inner if "e" in gap]
    whole = sum(_CLOSED.search(gap) is not None for gap in breaks)
    if whole < FEW or len(breaks) - whole < max(FEW, MIN_WRAPPED * len(breaks)):
        return []
    laws = [_reading_through(_mended, law) for law in _fit_bar_rows(_mapped(_mended, sample))]
    return [replace(law, name=f"{law.name}-wrapped", cut=True) for law in laws]


def _fit_paragraph_bars(sample: _Sample) -> list[Law]:
    """Cells that are paragraphs, with empty lines around them; a row ends a line."""
    margined = sum("ee" in gap for gap in sample.inner)
    if margined < MIN_REGULAR * len(sample.inner):
        return []
    plain = _mapped(_without_margins, sample)
    laws = _fit_bar_rows(plain)
    return [
        replace(_reading_through(_without_margins, law), name=f"{law.name}-paragraphs")
        for law in laws
        if any("e" in gap for gap in plain.inner)
    ]


def _without_margins(gap: str) -> str:
    """The gap without the empty lines that paragraphs have around them."""
    return re.sub("ee+", "", gap)


def _mended(gap: str) -> str:
    """The gap without a line end that closes no row."""
    return gap if _CLOSED.search(gap) else gap.replace("e", "")


def _bar_reader(leading: bool, trailing: bool) -> Callable[[Gaps], list[str]]:
    """Reader for rows of cells in lines; `leading`/`trailing`: rows open/close with a bar."""

    def read(gaps: Gaps) -> list[str]:
        readings: list[str] = []
        for number, gap in enumerate(gaps):
            symbols, filled, fresh = "", number > 0, number == 0
            for code in gap:
                if code == "b":
                    if fresh and leading:
                        fresh = False
                        continue
                    symbols += "" if filled else "B"
                    filled = fresh = False
                elif code == "e":
                    if not filled and not fresh and not trailing:
                        symbols += "B"
                    if not fresh and number:
                        symbols += "R"
                    filled, fresh = False, True
            readings.append(symbols)
        return readings

    return read


# --- bars that pad a row to the table's width ---------------------------------------------------
#
# Empty cells are deleted, then each row is padded with bars to the width W (the largest sum of
# colspans in a row): cells + padding = W. So row ends are visible wherever a row is short. That a
# full row ends after W cells is left to the alignment: a stray would shift all counting behind it.


class _Padded(NamedTuple):
    """A padded form: what its gaps are, and whether bars alone end a row or a line end does."""

    name: str
    gap: re.Pattern[str]
    by_bars: bool


_LINES = _Padded("bars-padded-lines", re.compile(r"^bs?e(?:b+e)?[es]*$"), by_bars=True)
_ROWS = _Padded("bars-padded-rows", re.compile(r"^b(b*e[es]*)?$"), by_bars=False)
_RUN = _Padded("bars-padded-run", re.compile(r"^b+$"), by_bars=True)  # all rows on one line


def _fit_padded(sample: _Sample) -> tuple[list[Law], bool]:
    """The padded form of these lines, and whether rows have one width, as they should have.

    Merged cells make rows narrower. Rows may open with a bar, which then says nothing.
    """
    opened = _opened(sample.inner)
    streams = [_unopened(gaps) for gaps in sample.streams] if opened else sample.streams
    inner = _unopened(sample.inner) if opened else sample.inner
    form = _RUN if _is_one_line(inner) else _ROWS if _is_rows(inner) else _LINES
    regular = sum(form.gap.match(gap) is not None for gap in inner)
    shown = 0 if form is _RUN else _shown_blanks(inner)
    if regular < MIN_REGULAR * len(inner) or shown > MAX_SHOWN * len(inner):
        return [], False
    widths = [_widths(gaps, form.by_bars) for gaps in streams]
    rows = sum(map(len, widths))
    good = sum(map(_regular_rows, widths))
    is_regular = good >= MIN_REGULAR * rows  # without rows, all are full
    if form is _RUN and not is_regular:  # nothing but the width tells where rows end
        return [], False
    bare = sum("e" in gap and "b" not in gap for gap in inner)
    if form is _ROWS and bare > max(rows, MAX_BARE * len(inner)):  # rows end without padding
        return [], False
    confidence = min(_share(regular, len(inner)), _share(good, rows))
    read = _padded_reader(form.by_bars, opened)
    pads = sum(max(0, _pads(gap, form.by_bars)) for gap in inner)
    if form is _LINES and not pads:  # no row is short, or rows are not filled up
        return [_single_bars(inner)], True
    surprise = (log(OPENED_PADDED) if opened else 0.0) - pads * log(BACKGROUND[UnitKind.BLANK])
    surprise -= sum(_columns_nats(_rows_padded(gaps, form.by_bars)) for gaps in streams)
    law = Law(form.name, confidence, False, True, False, read, surprise, writing=_padding(opened))
    return [law], is_regular


def _rows_padded(gaps: Gaps, by_bars: bool) -> list[str]:
    """Every row but the last, its pads as empty cells: `t` a text, `B` a pad."""
    rows = [""]
    for gap in gaps[1:-1]:
        pads = _pads(gap, by_bars)
        rows[-1] += "t" + "B" * max(0, pads)
        rows += [""] if pads >= 0 else []
    return rows[:-1]


def _columns_nats(rows: Sequence[str]) -> float:
    """What speaks for empty cells in their places: that they are in columns of their own.

    Each column with its own share of empty cells, unknown before (Krichevsky and Trofimov 1981),
    against one share for all; in nats, 0 or more.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    whole = [row for row in rows if len(row) == width]
    empty = [sum(row[col] == "B" for row in whole) for col in range(width)]
    apart = sum(_unknown_share(count, len(whole)) for count in empty)
    return max(0.0, apart - _unknown_share(sum(empty), len(whole) * width))


def _unknown_share(count: int, total: int) -> float:
    """Log-probability of a sequence with so many hits, their share being unknown."""
    return lgamma(count + 0.5) + lgamma(total - count + 0.5) - log(pi) - lgamma(total + 1)


def _regular_rows(widths: Sequence[int]) -> int:
    """How many of the rows of a table have its width, or a multiple of it."""
    mode = max(set(widths), key=widths.count) if widths else 0
    return sum(row % mode == 0 for row in widths) if mode else 0


def _padding(opened: bool) -> Writing:
    """A bar behind every cell, and one for each that its row lacks."""
    return Writing(
        lambda between: "b" * (1 + between.count("P")),
        lambda gap: "b" * _unopened([gap])[0].count("b") if opened else "b" * gap.count("b"),
        padded=True,
    )


def _is_one_line(inner: Sequence[str]) -> bool:
    return all("e" not in gap for gap in inner)


def _opened(inner: Sequence[str]) -> bool:
    """Whether rows open with a bar."""
    breaks = [gap for gap in inner if "e" in gap]
    return sum(gap.endswith("eb") for gap in breaks) >= MIN_OPENED * max(len(breaks), 1)


def _unopened(gaps: Gaps) -> Gaps:
    return [gap[:-1] if gap.endswith("eb") else gap for gap in gaps]


def _shown_blanks(inner: Sequence[str]) -> int:
    """Empty cells inside or at the start of a row; padding leaves none."""
    inside = sum(gap.endswith("eb") or ("e" not in gap and gap.count("b") > 1) for gap in inner)
    return inside + _shown_lines(inner)


def _pads(gap: str, by_bars: bool) -> int:
    """Padding bars in a gap; -1 where the gap does not end a row for sure."""
    bars = gap.count("b")
    if by_bars:
        return bars - 1 if bars > 1 else -1
    return bars - 1 if "e" in gap else -1


def _widths(gaps: Gaps, by_bars: bool) -> list[int]:
    """Cells plus padding of each group of units that ends in a sure row end."""
    widths: list[int] = []
    cells = 0
    for gap in gaps[1:-1]:
        cells += 1
        pads = _pads(gap, by_bars)
        if pads >= 0:
            widths.append(cells + pads)
            cells = 0
    return widths


def _padded_reader(by_bars: bool, opened: bool) -> Callable[[Gaps], list[str]]:
    def read(gaps: Gaps) -> list[str]:
        gaps = _unopened(gaps) if opened else gaps
        ends = ["R" if _pads(gap, by_bars) >= 0 else "" for gap in gaps[1:]]
        return ["", *ends]

    return read


# --- one cell per line, or a row per line, without bars -----------------------------------------


def _fit_lines(sample: _Sample) -> list[Law]:
    """A cell a line; where some hold several, as in the text of a page, nothing parts cells."""
    joined = sum("e" not in gap for gap in sample.inner)
    shared = joined > NOISE * len(sample.inner)
    laws = _fit_broken_lines(sample)
    return [replace(law, parted=False, shared=True) for law in laws] if shared else laws


def _fit_broken_lines(sample: _Sample) -> list[Law]:
    """Further line ends are blanks, one for each `step`, or mean nothing."""
    inner = sample.inner
    broken = [gap for gap in inner if "e" in gap]
    if len(broken) * 10 < len(inner) * 6 or not broken:
        return []
    if sum("b" in gap or "T" in gap for gap in inner) * 3 > len(inner):
        return []
    spaced = sum(gap.count("s") for gap in broken)
    indented = sum("o" in gap for gap in broken)
    if spaced or indented > FEW:
        confidence = _share(len(broken), len(broken))
        rows = indented > FEW
        marks = str.maketrans({"B": "s", "R": "o" if rows else None})
        writing = Writing(lambda between: between.translate(marks), _told_by_spaces)
        laws = [Law("lines-space", confidence, True, rows, False, _read_spaces, writing=writing)]
        if spaced + indented <= FEW:
            surprise = spaced * log(NOISE)
            laws.append(_order_of_lines(confidence, surprise, Writing(lambda _: "", _only("s"))))
        return laws
    ends = Counter(gap.count("e") for gap in broken)
    base = min(n for n, count in ends.items() if count * 10 >= len(broken))
    excess = [n - base for n, count in ends.items() for _ in range(count) if n > base]
    confidence = _share(sum(n >= base for n in ends.elements()), len(broken))
    at_row_ends = Counter(gap.count("e") - base for gap in sample.breaks)
    laws = []
    for step in range(base, 0, -1):
        odd = sum(extra % step != 0 for extra in excess)
        if excess and odd <= MAX_ODD * len(excess):
            read = _line_reader(base, step)
            surprise = sum(extra % step for extra in excess) * log(NOISE)
            law = Law("lines-blank", confidence, True, False, False, read, surprise)
            laws.append(replace(law, writing=_line_ends(base, step, 0)))
            row_ends = {_least_common(at_row_ends) // step}
            row_ends |= {min(excess) // step} if sample.records else set()
            for row_end in sorted(row_ends - {0}):
                writing = _line_ends(base, step, row_end)
                rowed = replace(law, rows_shown=True, row_blanks=row_end, writing=writing)
                laws += [rowed, replace(rowed, blanks_shown=False)]
    if len(excess) <= FEW:
        surprise = sum(excess) * log(NOISE)
        laws.append(_order_of_lines(confidence, surprise, _line_ends(base, 0, 0)))
    return laws


def _order_of_lines(confidence: float, surprise: float, writing: Writing) -> Law:
    return Law("lines", confidence, False, False, False, _nothing, surprise, writing=writing)


def _line_ends(base: int, step: int, row_end: int) -> Writing:
    """`base` line ends behind a text, `step` for an empty cell, as for `row_end` of them a row."""
    return Writing(
        lambda between: "e" * (base + step * (between.count("B") + row_end * between.count("R"))),
        _only("e"),
    )


def _least_common(counts: Counter[int]) -> int:
    """The smallest number but for `NOISY_BREAKS` of the counts; 0 without any."""
    rest = NOISY_BREAKS * counts.total()
    for number in sorted(counts):
        if counts[number] > rest:
            return number
        rest -= counts[number]
    return 0


_SPACES_READ = str.maketrans({"s": "B", **dict.fromkeys("egbTcrx")})


_SPACES_TOLD = str.maketrans(dict.fromkeys("egbT"))


def _line_reader(base: int, step: int) -> Callable[[Gaps], list[str]]:
    def read(gaps: Gaps) -> list[str]:
        return ["B" * max(0, (gap.count("e") - base) // step) for gap in gaps]

    return read


def _read_spaces(gaps: Gaps) -> list[str]:
    """A line of spaces is an empty cell; lines narrower than the cells' indentation end a row."""
    outdents = [re.sub("o[eo]*", "R", gap) for gap in gaps]
    return [gap.translate(_SPACES_READ) for gap in outdents]


def _told_by_spaces(gap: str) -> str:
    return re.sub("o[eo]*", "o", gap).translate(_SPACES_TOLD)


def _nothing(gaps: Gaps) -> list[str]:
    return [""] * len(gaps)


def _fit_rows(sample: _Sample) -> list[Law]:
    """Several units a line: a line end is a row end, or a wrapped label."""
    inner = sample.inner
    broken = sum("e" in gap for gap in inner)
    if not broken or broken * MAX_ROW < len(inner) or not _is_rows(inner):
        return []

    def read(gaps: Gaps) -> list[str]:
        return ["R" if "e" in gap and number else "" for number, gap in enumerate(gaps)]

    writing = Writing(
        lambda between: "e" * ("R" in between), lambda gap: "e" * ("e" in gap), wraps=True
    )
    return [Law("rows", 0.5, False, True, False, read, parted=False, writing=writing)]


_LAWS = (_fit_html, _fit_tabs, _fit_bars, _fit_lines, _fit_rows)
