"""The truth corpus and how it comes about: layouts, drawing, pages, manglings, stored dumps."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.draw import Habits, Section, draw_all, draw_table, truth_page
from benchmarks.dumps import FLATTENED, SYNTHETIC, Dump, load_dumps, load_pages, store_dumps
from benchmarks.layouts import BUILTIN, LAYOUTS, Layout, Words, load_layout, load_words
from benchmarks.manglings import MANGLINGS, MARK, Altered, damage, prepare
from benchmarks.pages import as_page, with_tables, without_tables
from benchmarks.sets import SETS
from benchmarks.tables import Cell, Table, fold, tables_of_page

FORM = re.compile(r"cn-disclosure-(\d+)/")
OWN = {path.stem: load_layout(path) for path in sorted(LAYOUTS.glob("*.html"))}
BUILT_IN = {layout.id: layout for layout in map(load_layout, sorted(BUILTIN.rglob("*.html")))}
ALL = OWN | BUILT_IN
RULED = [name for name, layout in ALL.items() if layout.rules]
RECORDS = [name for name, layout in ALL.items() if layout.repeated is not None]
PAGES = {name: load_pages(SYNTHETIC / name) for name in SETS}
FIRST = {d: page for pages in PAGES.values() for d, page in pages.items() if d.endswith("-1")}
BY_NAME = {mangling.name: mangling for mangling in MANGLINGS}

PLAIN = Habits(0.5, 0.0, 0.0, "/", False, 0, "plain bare th empty")
INTEGER, HUNDREDTHS = r"(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)", r"(\d+|\d{1,3}(,\d{3})+)\.\d\d"
KINDS = {
    "count": INTEGER,
    "large": INTEGER,
    "money": rf"0|{HUNDREDTHS}",
    "rate": r"\d{1,2}\.\d|100\.0",
    "percent": r"(\d{1,2}\.\d|100\.0)%",
    "change": r"-?\d+\.\d",
    "year": r"20(1[5-9]|2[0-5])",
    "date": r"20(1[5-9]|2[0-5])-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])",
    "time": r"(0[5-9]|1\d|2[0-2]):[0-5]\d",
}


def seeded(*names: object) -> random.Random:
    return random.Random(repr(names))  # noqa: S311 - drawing, not secrets


@cache
def words_of(name: str) -> Words:
    return load_words(LAYOUTS / f"{name}.words.toml") if name in OWN else Words((), (), (), {})


def drawn(name: str, habits: Habits = PLAIN, seed: int = 0) -> Table:
    return draw_table(ALL[name], words_of(name), habits, seeded(name, seed))


def is_perfect(table: Table) -> bool:
    """Whether every position of the rectangle is covered by one cell, and no other position."""
    covered = Counter(
        (row, col)
        for cell in table.cells
        for row in range(cell.row, cell.end_row)
        for col in range(cell.col, cell.end_col)
    )
    return covered == Counter(product(range(table.shape[0]), range(table.shape[1])))


def value_texts(tables: Sequence[Table]) -> list[str]:
    return [cell.text for table in tables for cell in table.cells if cell.role == "value"]


def draws_of(layout: Layout, table: Table) -> Iterator[tuple[Cell, tuple[str, ...]]]:
    """The value cells of a drawn table with the words that say how they are drawn."""
    times = table.shape[0] - layout.table.shape[0]
    draws = {(c.row, c.col): d for c, d in zip(layout.table.cells, layout.draws, strict=True)}
    for cell in table.cells:
        if cell.role == "value":
            # rows of records are all drawn as the repeated one
            low = layout.repeated if layout.repeated is not None else cell.row
            yield cell, draws[min(cell.row, max(low, cell.row - times)), cell.col]


# --- layouts and sets --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_layout(name: str) -> None:
    """A layout is a perfect grid of labels and empty values, and says how each value is drawn."""
    layout = ALL[name]
    assert (layout.id, layout.table.template) == (name, name)
    assert layout.template.id == name
    assert is_perfect(layout.table)
    for cell, draws in zip(layout.table.cells, layout.draws, strict=True):
        assert bool(draws) == (cell.role == "value")
        assert cell.role == "label" or not cell.text


@pytest.mark.parametrize("name", OWN)
def test_words_of_a_layout(name: str) -> None:
    """Prose stands around every layout, and every list that its cells draw from is there."""
    words = words_of(name)
    assert words.headings
    assert words.before
    kinds = {draws[0].partition("-") for draws in OWN[name].draws if draws}
    assert {of for _, _, of in kinds if of} <= set(words.lists)


@pytest.mark.parametrize("of", SETS)
def test_reports_of_a_set(of: str) -> None:
    """A set has six reports of each edition, and their tables are of one edition each."""
    editions = Counter[str]()
    for page in PAGES[of].values():
        found = [FORM.match(table.template or "") for table in tables_of_page(page)]
        if any(found):
            assert len(found) == 3
            (edition,) = {match[1] for match in found if match}
            assert all(found)
            editions[edition] += 1
    assert set(editions) == {"2019", "2021"}
    assert min(editions.values()) >= 6


def test_other_layouts_of_the_corpus() -> None:
    """There are sixty tables of twenty layouts besides the reports, and no layout in two sets."""
    counts = {
        of: Counter(
            table.template
            for page in pages.values()
            for table in tables_of_page(page)
            if table.template and not FORM.match(table.template)
        )
        for of, pages in PAGES.items()
    }
    both = counts["fit"] + counts["report"]
    assert both.total() >= 60
    assert len(both) >= 20
    assert not set(counts["fit"]) & set(counts["report"])


def test_no_document_is_in_two_sets() -> None:
    """Neither the name nor the text of a document is in both sets."""
    fit, report = PAGES["fit"], PAGES["report"]
    assert not set(fit) & set(report)
    assert not set(fit.values()) & set(report.values())


@pytest.mark.parametrize("of", SETS)
def test_some_proactive_tables_are_widened(of: str) -> None:
    """Some, not all, tables of the 2019 form are drawn on five columns, as offices do."""
    tables = re.findall(r'"cn-disclosure-2019/proactive"[^>]*', "".join(PAGES[of].values()))
    widened = [opening for opening in tables if 'data-widened="0"' in opening]
    assert 0 < len(widened) < len(tables)


def test_the_corpus_is_as_drawn(tmp_path: Path) -> None:
    """Drawing again gives the stored documents byte for byte, none more and none less."""
    written = draw_all(tmp_path)

    def files(folder: Path) -> dict[Path, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder): path.read_bytes() for path in found}

    assert files(tmp_path) == files(SYNTHETIC)
    assert written == len(files(SYNTHETIC))


# --- drawing -----------------------------------------------------------------------------------


def broken_rules(layout: Layout, table: Table) -> list[str]:
    """Names of the rules that the texts break, blanks and marks counted as 0."""

    def stated(indices: Sequence[int]) -> Decimal:
        texts = (table.cells[index].text.replace(",", "") for index in indices)
        return sum((Decimal(0 if text in {"", "/"} else text) for text in texts), Decimal(0))

    return [rule.name for rule in layout.rules if stated(rule.left) != stated(rule.right)]


@pytest.mark.parametrize(
    "habits",
    [PLAIN, replace(PLAIN, zero=0.9, blank=0.5, mark=0.5, thousands=True)],
    ids=["plain", "marks"],
)
@pytest.mark.parametrize("name", RULED)
def test_drawn_numbers_add_up(name: str, habits: Habits) -> None:
    """All sums of a drawn table are right, unless a number is changed: then one is wrong."""
    for seed in range(3):
        assert not broken_rules(ALL[name], drawn(name, habits, seed))
        assert broken_rules(ALL[name], drawn(name, replace(habits, wrong=1), seed))


@pytest.mark.parametrize("name", ALL)
def test_values_are_of_the_declared_kind(name: str) -> None:
    """A value is written as its class says, and empty or a mark only where that may be."""
    habits = replace(PLAIN, blank=0.2, mark=0.2, sign="—")
    table = drawn(name, habits)
    assert is_perfect(table)
    lists = words_of(name).lists
    orders: dict[int, int] = {}
    for cell, (kind, *shares) in draws_of(ALL[name], table):
        form, _, of = kind.partition("-")
        if cell.text in {"", "—"}:
            assert shares or form in {"count", "money"}
        elif form in {"pick", "unique"}:
            assert cell.text in lists[of]
        elif form == "order":
            orders[cell.col] = orders.get(cell.col, 0) + 1
            assert cell.text == str(orders[cell.col])
        else:
            assert re.fullmatch(KINDS[kind], cell.text)


@pytest.mark.parametrize("name", RULED)
def test_labels_are_left_as_they_are(name: str) -> None:
    """Drawing fills the values and nothing else."""
    layout = ALL[name].table
    blank = dict.fromkeys((i for i, c in enumerate(layout.cells) if c.role == "value"), "")
    assert drawn(name).with_texts(blank) == layout


@pytest.mark.parametrize("name", RECORDS)
def test_rows_of_records(name: str) -> None:
    """There are as many records as the layout allows, not always as many, and each has a key."""
    layout = ALL[name]
    least, most = layout.repeats
    counts = {drawn(name, seed=n).shape[0] - layout.table.shape[0] + 1 for n in range(30)}
    assert least <= min(counts) < max(counts) <= most
    for times in (least, most):
        of = replace(layout, repeats=(times, times))
        table = draw_table(of, words_of(name), PLAIN, seeded(name))
        keys = [c.text for c, draws in draws_of(of, table) if draws[0].startswith("unique-")]
        assert len(set(keys)) == len(keys) >= times


def shares(habits: Habits) -> Counter[str]:
    """How often zeros, blanks and marks stand among the counts of some tables, in percent."""
    name = "cn-disclosure-2019/proactive"
    texts = [
        cell.text
        for seed in range(40)
        for cell, draws in draws_of(ALL[name], drawn(name, habits, seed))
        if draws == ("count",)
    ]
    counts = Counter(text if text in {"0", "", "/"} else "other" for text in texts)
    return Counter({text: round(100 * count / len(texts)) for text, count in counts.items()})


def test_habits_say_how_many_zeros() -> None:
    """More zeros are drawn where the habit says so, and nothing else where all are zeros."""
    few, many = (shares(replace(PLAIN, zero=zero))["0"] for zero in (0.2, 0.8))
    assert few + 20 < many < 95
    assert shares(replace(PLAIN, zero=1.0)) == Counter({"0": 100})


@pytest.mark.parametrize(("blank", "mark", "text"), [(1, 0, ""), (0, 1, "/")])
def test_habits_say_how_zeros_are_written(blank: float, mark: float, text: str) -> None:
    """The share of zeros that are left blank, or written as a mark, is as asked for."""
    zeros = replace(PLAIN, zero=1.0)
    assert shares(replace(zeros, blank=blank, mark=mark)) == Counter({text: 100})
    assert 20 < shares(replace(zeros, blank=0.3 * blank, mark=0.3 * mark))[text] < 40


@pytest.mark.parametrize("thousands", [True, False])
def test_thousands_are_parted_or_not(thousands: bool) -> None:
    """A document that parts thousands does so in all numbers; the others in none of money."""
    table = drawn("zh-balance", replace(PLAIN, thousands=thousands))
    long = [text for text in value_texts([table]) if len(text) > len("999.99")]
    assert long
    assert {"," in text for text in long} == {thousands}


def test_unknown_class() -> None:
    """A class that says nothing about drawing is told, not passed over."""
    layout = replace(ALL["zh-balance"], rules=(), draws=(("nonsense",),) * 500)
    layout = replace(layout, draws=layout.draws[: len(layout.table.cells)])
    with pytest.raises(ValueError, match="unknown way to draw a value: 'nonsense'"):
        draw_table(layout, Words((), (), (), {}), PLAIN, seeded())


# --- pages -------------------------------------------------------------------------------------

SMALL = tables_of_page(
    "<table data-template=small><tr><th rowspan=2>a &amp; b<th colspan=2>&lt;c&gt;"
    '<tr><th>"d"<th>e<tr><th>f<td>1 2<td><tr><th>g<td colspan=2>/</table>'
)[0]
STYLES = [" ".join(s) for s in product(
    ["plain", "pretty"], ["bare", "p", "p-span"], ["th", "td"], ["empty", "nbsp"]
)]  # fmt: skip


def small_truth(style: str, widened: int | None = None) -> str:
    section = Section("Heading", ["Before"], SMALL, ["After <table>"], widened)
    return truth_page("Title", ["Opening"], [section], replace(PLAIN, style=style), "en")


@pytest.mark.parametrize("style", STYLES)
def test_page_of_a_style(style: str) -> None:
    """A page keeps every text and span, says nothing of the truth, and is written in its style."""
    page = as_page(small_truth(style))
    spacing, body, labels, empty = style.split()
    (found,) = tables_of_page(page)
    role = {cell.role for cell in SMALL.cells} if labels == "th" else {"value"}
    assert {cell.role for cell in found.cells} == role
    assert found.shape == SMALL.shape
    assert [replace(cell, role="label") for cell in found.cells] == [
        replace(cell, role="label") for cell in SMALL.cells
    ]
    assert "data-" not in page
    assert ("</td>\n" in page) == (spacing == "pretty")
    assert ("<p>/</p></td>" in page) == (body == "p")
    assert ("<span>/</span></p></td>" in page) == (body == "p-span")
    assert ("&nbsp;" in page) == (empty == "nbsp")
    prose = ["Title", "Opening", "Heading", "Before", "After &lt;table&gt;"]
    assert all(text in page for text in prose)


@pytest.mark.parametrize("column", range(SMALL.shape[1]))
def test_widened_column(column: int) -> None:
    """A widened column takes two columns of the page's table, and no text moves or is lost."""
    (found,) = tables_of_page(as_page(small_truth("plain bare th empty", column)))
    assert found.shape == (SMALL.shape[0], SMALL.shape[1] + 1)
    assert is_perfect(found)
    expected = [[*row[: column + 1], row[column], *row[column + 1 :]] for row in SMALL.rows()]
    assert found.rows() == expected
    assert [cell.text for cell in found.cells] == [cell.text for cell in SMALL.cells]


@pytest.mark.parametrize("document", FIRST)
def test_own_tables_put_in_again(document: str) -> None:
    """A page with its own tables put in their places is the same page for truth and flattener."""
    page = FIRST[document]
    tables = tables_of_page(page)
    again = with_tables(page, tables)
    assert tables_of_page(again) == tables
    assert as_page(again) == as_page(page) == as_page(page, tables)
    assert without_tables(again) == without_tables(page)


def test_other_tables_put_in() -> None:
    """Every table goes to its own place, with its template."""
    page = FIRST["cn-2019-fit-1"]
    tables = tables_of_page(page)
    changed = [table.with_texts({0: f"table {n} \\1"}) for n, table in enumerate(tables)]
    assert tables_of_page(with_tables(page, changed)) == changed


@pytest.mark.parametrize("document", FIRST)
def test_page_without_tables(document: str) -> None:
    """Without its tables a page has its prose, and no table or value."""
    page = FIRST[document]
    left = without_tables(page)
    assert tables_of_page(left) == []
    assert "<t" not in left.replace("<title", "")
    assert re.findall(r"<(?:p|h1|h2)>.*", left) == re.findall(r"<(?:p|h1|h2)>.*", page)


# --- manglings of tables -----------------------------------------------------------------------


def prepared(name: str, tables: Sequence[Table], seed: int, language: str = "zh") -> Altered:
    state = prepare((BY_NAME[name],), tables, language, seeded(name, seed))
    assert state is not None
    return state


def one_row_more(short: Sequence[Table], long: Sequence[Table]) -> int:
    """The row that one of the long tables has more; every other row is in both."""
    assert [is_perfect(table) for table in long] == [True] * len(short)
    (pair,) = [(s, g) for s, g in zip(short, long, strict=True) if s != g]
    less, more = (table.rows() for table in pair)
    assert len(more) == len(less) + 1 == pair[1].shape[0]
    return next(row for row in range(len(more)) if more[:row] + more[row + 1 :] == less)


ROWS_WITHOUT_LABELS = ["en-league-1", "en-prices-1", "zh-prices-1"]
OTHERS = [d for d in FIRST if d not in ROWS_WITHOUT_LABELS]


@pytest.mark.parametrize("document", OTHERS)
def test_row_added_and_row_left_out(document: str) -> None:
    """One row more, or less, and all else is where it was; no cell is said to be gone."""
    tables = tables_of_page(FIRST[document])
    for seed in range(4):
        added = prepared("row added", tables, seed)
        assert one_row_more(tables, added.tables) > 0
        left_out = prepared("row left out", tables, seed)
        assert all(map(is_perfect, left_out.tables))
        assert one_row_more(left_out.tables, tables) > 0
        assert not any(added.absent + left_out.absent)


@pytest.mark.parametrize("document", ROWS_WITHOUT_LABELS)
def test_no_row_to_add_or_leave_out(document: str) -> None:
    """Where no row has a label of its own, the document gets no such dump."""
    tables = tables_of_page(FIRST[document])
    assert prepare((BY_NAME["row added"],), tables, "zh", seeded()) is None
    assert prepare((BY_NAME["row left out"],), tables, "zh", seeded()) is None


def test_row_added_inside_a_spanning_label() -> None:
    """A label that spans the row below which one is added spans the new one as well."""
    (table,) = tables_of_page("<table><tr><th>x<th>y<th>z<tr><td rowspan=2>u<th>a<td>12"
                              "<tr><th>b<td>0.5</table>")  # fmt: skip
    (grown,) = prepared("row added", [table], 0).tables
    assert [cell.rowspan for cell in grown.cells if cell.text == "u"] == [3]
    *_, label, value = grown.cells
    assert label.text not in {"a", "b"}
    assert value.text != "0.5"
    assert re.fullmatch(r"[1-9]\.\d", value.text)


def test_row_added_to_a_row_of_many_labels() -> None:
    """A row with five labels is drawn anew like any other."""
    (table,) = tables_of_page("<table><tr><th>x<tr><th>a<th>b<th>c<th>d<th>e<td>1</table>")
    (grown,) = prepared("row added", [table], 0).tables
    assert grown.shape[0] == 3


def test_value_lost_is_marked() -> None:
    """One value that is not blank is marked; the tables stay, and nothing is said to be gone."""
    marks = set()
    for seed in range(60):
        state = prepared("value lost", [SMALL, SMALL], seed)
        assert state.tables == (SMALL, SMALL)
        assert not any(state.absent)
        assert state.marked is not None
        marks.add(state.marked)
    shown = [i for i, c in enumerate(SMALL.cells) if c.role == "value" and c.text]
    assert marks == set(product([0, 1], shown))


def test_cut_off_is_marked() -> None:
    """A value past the middle is marked; it and everything after it is gone, nothing before."""
    for seed in range(20):
        state = prepared("cut off", [SMALL, SMALL], seed)
        assert state.marked is not None
        at, index = state.marked
        cell = SMALL.cells[index]
        assert cell.role == "value"
        assert index > len(SMALL.cells) // 2
        every = frozenset(range(len(SMALL.cells)))
        own = frozenset(range(index, len(SMALL.cells)))
        assert state.absent == ((own, every) if at == 0 else (frozenset(), own))


# --- manglings of texts ------------------------------------------------------------------------


def mangled(name: str, dump: str, seed: object = 0) -> str:
    return damage((BY_NAME[name],), dump, seeded(seed))


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        ("a\n5\nM\n7\nb", "a\n5\n7\nb"),
        ("a\n\nM\n\nb", "a\n\n\nb"),
        ("a\n  M  \n7\nb", "a\n7\nb"),
        ("a |\n5 |\nM |\nb |", "a |\n5 |\nb |"),
        ("a | 5 | M | 7 |\nb", "a | 5 | 7 |\nb"),
        ("| a | 5 | M |\n| b | 0 | 1 |", "| a | 5 |\n| b | 0 | 1 |"),
        ("a|5|M|7\nb", "a|5|7\nb"),
        ("a|M||7|\nb", "a||7|\nb"),
        ("a\t5\tM\t7\nb", "a\t5\t7\nb"),
        ("a\t5\tM\nb\t1", "a\t5\nb\t1"),
        ("a\tM\t\t7\nb", "a\t\t7\nb"),
        ("M\t5\t7\nb", "5\t7\nb"),
        pytest.param("M 5 7\nb", "5 7\nb"),
        pytest.param("a\n|M||\nb", "a\n||\nb"),
        ("a 5 M 7\nb", "a 5 7\nb"),
        ("a 5 M\nb 1", "a 5\nb 1"),
        ("a5M7b", "a57b"),
        ("a,5,M,7", "a,5,,7"),
        ("<td>5</td><td>M</td>", "<td>5</td><td></td>"),
    ],
    ids=[
        "line", "line between blanks", "indented line", "line with bars", "bars", "last bar",
        "bars between", "empty bars", "tabs", "last tab", "empty tabs", "first tab", "first space",
        "bars of blanks", "spaces", "last space", "nothing", "commas", "HTML",
    ],
)  # fmt: skip
def test_value_lost_goes_with_its_separator(dump: str, expected: str) -> None:
    """The marked value and one separator are taken out, and nothing else of the dump."""
    assert mangled("value lost", dump.replace("M", MARK)) == expected


def test_cut_off_keeps_what_stands_before() -> None:
    """The dump ends where the marked value began."""
    assert mangled("cut off", f"a 5\nb {MARK} 7\nc") == "a 5\nb "


LINES = st.lists(st.text("ab 09，.,|公开", max_size=90), max_size=60)


@given(LINES, st.integers())
def test_page_breaks_add_lines(lines: list[str], seed: int) -> None:
    """Page breaks put whole lines in, evenly, and leave every other line as it is."""
    dump = "\n".join([*lines, "end"])
    found = mangled("page breaks", dump, seed).splitlines()
    rest = iter(found)
    assert all(line in rest for line in dump.splitlines())
    pages = (len(lines) + 1) // 18
    assert (len(lines) + 1) // 40 <= len(found) - len(lines) - 1 <= 2 * pages


@given(LINES, st.integers())
def test_hard_wraps_add_line_breaks(lines: list[str], seed: int) -> None:
    """Every line is wrapped for itself; joined again it is as it was, and none is too long."""
    wrapped = [mangled("hard wraps", line, seed) for line in lines]
    assert [line.replace("\n", "") for line in wrapped] == lines
    assert mangled("hard wraps", "\n".join([*lines, "end"]), seed) == "\n".join([*wrapped, "end"])
    assert all(len(part) <= 60 for line in wrapped for part in line.split("\n"))
    assert all("\n" in w for w, line in zip(wrapped, lines, strict=True) if len(line) > 60)


NUMBER = re.compile(r"-?\d[\d,.]*%?")


@pytest.mark.parametrize(
    "numbers",
    [
        ["0", "12", "4567"],
        ["1,234", "0.5", "-3", "12.5%"],
    ],
    ids=["whole", "with separators"],
)
def test_hard_wraps_cut_no_number(numbers: list[str]) -> None:
    """A number stays on one line, however it is written."""
    for seed in range(200):
        rng = seeded(seed)
        dump = "  ".join(rng.choice([*numbers, "ab", "公开数量", "，"]) for _ in range(40))
        assert NUMBER.findall(mangled("hard wraps", dump, seed)) == NUMBER.findall(dump)


@pytest.mark.parametrize(
    "name",
    [
        "traditional",
        "pdf characters",
    ],
)
def test_other_characters_fold_back(name: str) -> None:
    """Every character of the Chinese documents in another script is the same text when folded."""
    pages = [page for pages in PAGES.values() for page in pages.values()]
    texts = {t for p in pages if 'lang="zh"' in p for t in re.findall(r">([^<>\n]+)<", p)}
    assert len(texts) > 1000
    found = {mangled(name, text, seed) for text in texts for seed in range(6)}
    assert len(found - texts) > 500
    assert {fold(text) for text in found} == {fold(text) for text in texts}


@given(LINES)
def test_one_line(lines: list[str]) -> None:
    """All words come on one line, in their order."""
    found = mangled("one line", "\n".join(lines))
    assert "\n" not in found
    assert found.split() == "\n".join(lines).split()


@given(LINES)
def test_blanks_dropped(lines: list[str]) -> None:
    """Lines without a text are left out, every other line stays."""
    found = mangled("blanks dropped", "\n".join(lines))
    assert found.split("\n") == [line for line in lines if line.strip()] or not found


@pytest.mark.parametrize("name", BY_NAME)
def test_manglings_are_seeded(name: str) -> None:
    """The same document and seed are always mangled in the same way."""
    page = FIRST["cn-2021-report-1"]
    tables = tables_of_page(page)
    results = []
    for seed in [*range(8), *range(8)]:
        rng = seeded(seed)
        state = prepare((BY_NAME[name],), tables, "zh", rng)
        results.append((state, damage((BY_NAME[name],), page, rng)))
    assert results[:8] == results[8:]
    alike = {"blanks dropped", "one line"}
    assert all(r == results[0] for r in results) == (name in alike)


# --- stored dumps ------------------------------------------------------------------------------


def test_stored_dumps_come_back(tmp_path: Path) -> None:
    """What is stored is read again, sorted, whether its truth is its page, another or none."""
    pages = {"a": small_truth(PLAIN.style), "b": "<p>b</p>"}
    dumps = [
        Dump("b", "tool", "tool 1", "no table", "b\r\n\f", None),
        Dump("a", "tool", "", "row added", "文", "<table><tr><td>1</table>", ((0,),), ((),)),
        Dump("a", "tool", "1", "none", "", pages["a"], ((5, 6),), ((7,),)),
    ]
    path = tmp_path / "new" / "set.jsonl.xz"
    store_dumps(path, dumps, pages)
    assert list(load_dumps(path, pages)) == [dumps[2], dumps[1], dumps[0]]
    assert list(load_dumps(tmp_path / "none.jsonl.xz", pages)) == []


@pytest.mark.parametrize("character", ["\u2028", "\x85"])
def test_stored_dump_with_another_line_separator(tmp_path: Path, character: str) -> None:
    """A dump may hold any character that some programs take for the end of a line."""
    made = Dump("b", "tool", "tool 1", "no table", f"b{character}c", None)
    pages = {"b": "<p>b</p>"}
    store_dumps(tmp_path / "set.jsonl.xz", [made], pages)
    assert list(load_dumps(tmp_path / "set.jsonl.xz", pages)) == [made]


def test_truths_of_a_dump() -> None:
    """Every table comes with its own cells that are undecidable or gone."""
    page = SMALL.to_html()
    made = Dump("a", "tool", "", "none", "", page * 2, ((5,), (6,)), ((), (8,)))
    first, second = made.truths()
    assert (first.undecidable, first.absent) == (frozenset({5}), frozenset())
    assert (second.undecidable, second.absent) == (frozenset({6}), frozenset({8}))
    assert replace(first.table, template="small") == SMALL
    assert [truth.undecidable for truth in replace(made, undecidable=()).truths()] == [set()] * 2
    assert replace(made, truth=None, undecidable=(), absent=()).truths() == []


@pytest.mark.parametrize("of", SETS)
def test_stored_set(of: str) -> None:
    """Stored dumps have names of their own, and name value cells of their tables only."""
    path = FLATTENED / f"{of}.jsonl.xz"
    if not path.exists():
        pytest.skip("not made yet: python -m benchmarks flatten")
    dumps = list(load_dumps(path, PAGES[of]))
    assert max(Counter(dump.name for dump in dumps).values()) == 1
    assert {dump.document for dump in dumps} == set(PAGES[of])
    tables = cache(tables_of_page)
    for dump in dumps:
        assert dump.text.strip()
        assert (dump.truth is None) == (dump.mangling == "no table")
        found = tables(dump.truth) if dump.truth else []
        assert bool(found) == bool(dump.truth)
        assert len(found) == len(dump.undecidable) == len(dump.absent)
        for table, unsure, gone in zip(found, dump.undecidable, dump.absent, strict=True):
            assert all(table.cells[index].role == "value" for index in unsure)
            assert set(gone) <= set(range(len(table.cells)))
            assert not gone or dump.mangling == "cut off"
