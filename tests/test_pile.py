"""A layout is learned from a pile of its dumps, whatever way their tools draw merged cells."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover.api import read_document
from tabrecover.authoring import Lesson, learn_from_dumps
from tabrecover.errors import UsageError
from tabrecover.storage import parse_template
from tabrecover.trial import doubts


class Drawn(NamedTuple):
    """A cell of the form; a slot has no text."""

    row: int
    col: int
    rowspan: int
    colspan: int
    text: str


FORM = [
    Drawn(0, 0, 2, 2, "Kind of work"), Drawn(0, 2, 1, 2, "People"), Drawn(0, 4, 2, 1, "Hours"),
    Drawn(1, 2, 1, 1, "Men"), Drawn(1, 3, 1, 1, "Women"),
    Drawn(2, 0, 1, 5, "I. Roads and bridges"),
    Drawn(3, 0, 3, 1, "Roads"), Drawn(3, 1, 1, 1, "Building"),
    Drawn(4, 1, 1, 1, "Mending"), Drawn(5, 1, 1, 1, "Sweeping"),
    Drawn(6, 0, 1, 2, "Bridges"),
    Drawn(7, 0, 1, 5, "II. Parks"),
    Drawn(8, 0, 1, 2, "Planting of trees"), Drawn(9, 0, 1, 2, "Other work in parks"),
    *(Drawn(row, col, 1, 1, "") for row in (3, 4, 5, 6, 8, 9) for col in (2, 3, 4)),
]  # fmt: skip
N_ROWS, N_COLS = 10, 5
Rows = list[list[str]]


def filled(seed: int) -> list[Drawn]:
    """The form with values."""
    rng = random.Random(seed)  # noqa: S311 - drawing
    return [c if c.text else c._replace(text=str(rng.randint(0, 9999))) for c in FORM]


def with_repeats(cells: Sequence[Drawn]) -> Rows:
    """Every position says what covers it."""
    rows = [[""] * N_COLS for _ in range(N_ROWS)]
    for cell in cells:
        for row in range(cell.row, cell.row + cell.rowspan):
            rows[row][cell.col : cell.col + cell.colspan] = [cell.text] * cell.colspan
    return rows


def with_blanks(cells: Sequence[Drawn]) -> Rows:
    """A text at the first position that it covers; the others are blank."""
    rows = [[""] * N_COLS for _ in range(N_ROWS)]
    for cell in cells:
        rows[cell.row][cell.col] = cell.text
    return rows


def without_rowspans(cells: Sequence[Drawn]) -> Rows:
    """Blanks behind wide cells; what a cell covers in further rows is left out."""
    rows: Rows = [[] for _ in range(N_ROWS)]
    for cell in sorted(cells):
        rows[cell.row] += [cell.text, *[""] * (cell.colspan - 1)]
    return rows


def barred(rows: Rows) -> str:
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def tabbed(rows: Rows) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def as_frame(rows: Rows) -> str:
    """As data frames are printed, with numbers of columns and of rows."""
    counted = [[str(number), *row] for number, row in enumerate(rows)]
    return barred([["", *map(str, range(N_COLS))], *counted])


def by_lines(rows: Rows) -> str:
    return "\n".join(text for row in rows for text in row if text) + "\n"


def dumps(
    drawn: Callable[[Sequence[Drawn]], Rows], wrote: Callable[[Rows], str], n: int
) -> list[str]:
    return [f"Report of ward {k}\n\n{wrote(drawn(filled(k)))}\nEnd.\n" for k in range(n)]


def learned(texts: Sequence[str], name: str | None = "works") -> list[Lesson]:
    documents = [read_document(text) for text in texts]
    return learn_from_dumps(documents, [f"{n}.txt" for n in range(len(texts))], id=name)[0]


def cells_of(lesson: Lesson) -> list[Drawn]:
    return [Drawn(c.row, c.col, c.rowspan, c.colspan, c.text) for c in lesson.layout.draft.cells]


TOOLS = [
    (with_repeats, tabbed),
    (with_repeats, as_frame),
    (with_blanks, barred),
    (with_blanks, tabbed),
    (without_rowspans, barred),
]


@pytest.mark.parametrize(("drawn", "wrote"), TOOLS)
def test_each_way_of_drawing_merged_cells_is_undone(
    drawn: Callable[[Sequence[Drawn]], Rows], wrote: Callable[[Rows], str]
) -> None:
    """From dumps of one tool alone: all labels and slots at their places, with their spans."""
    (lesson,) = learned(dumps(drawn, wrote, 12))
    assert cells_of(lesson) == sorted(FORM)
    assert not any(c.optional for c in lesson.layout.draft.cells)


def test_three_tools_and_lost_values_give_the_layout() -> None:
    """A pile of 60 by three tools, one of which marks no rows, every third without a value."""
    texts = [
        *dumps(with_blanks, barred, 20),
        *dumps(without_rowspans, barred, 20),
        *dumps(with_blanks, by_lines, 20),
    ]
    rng = random.Random(1)  # noqa: S311 - drawing
    for at in range(0, len(texts), 3):
        value = rng.choice([c.text for c in filled(at % 20) if c.text.isdecimal()])
        texts[at] = texts[at].replace(f"| {value} ", "", 1).replace(f"\n{value}\n", "\n", 1)
    (lesson,) = learned(texts)
    assert cells_of(lesson) == sorted(FORM)
    assert {c.type for c in lesson.layout.draft.cells if not c.label} == {"integer"}


def test_the_most_telling_drawing_is_learned_not_the_most_frequent() -> None:
    """Most dumps are by a tool that leaves covered cells out and tells no widths."""
    squeezed = dumps(
        lambda cells: [[t for t in row if t] for row in with_blanks(cells)], barred, 30
    )
    (lesson,) = learned([*squeezed, *dumps(with_blanks, barred, 8)])
    assert cells_of(lesson) == sorted(FORM)


def test_lines_that_all_dumps_have_between_rows_are_rows() -> None:
    """Sections without any tab, which would end a run of lines with tabs, belong to the table."""
    texts = [
        "\n".join(
            line.rstrip("\t") if line.endswith("\t" * 4) else line for line in text.split("\n")
        )
        for text in dumps(with_blanks, tabbed, 12)
    ]
    assert "\nII. Parks\n" in texts[0]
    (lesson,) = learned(texts)
    assert cells_of(lesson) == sorted(FORM)


def test_records_become_a_repeated_row() -> None:
    """Rows whose names and number differ from dump to dump are one row, repeated."""
    rng = random.Random(2)  # noqa: S311 - drawing
    names = [f"Village {chr(65 + n)}{m}ton" for n in range(26) for m in "aeiou"]
    texts = [
        barred(
            [
                ["Village", "Sheep", "Goats"],
                *(
                    [name, str(rng.randint(0, 99)), str(rng.randint(0, 99))]
                    for name in rng.sample(names, rng.randint(3, 9))
                ),
            ]
        )
        for _ in range(20)
    ]
    (lesson,) = learned(texts)
    assert [c.text for c in lesson.layout.draft.cells] == ["Village", "Sheep", "Goats", "", "", ""]
    assert lesson.layout.draft.repeated == {1}


def test_a_form_of_several_tables_gives_several_templates() -> None:
    """Without an id, every table of the form is learned, under its first label."""
    texts = [
        f"{text}\nSecond part\n\n| Fuel used | Litres |\n| Petrol | {n} |\n| Oil | {n * 3} |\n"
        for n, text in enumerate(dumps(with_blanks, barred, 12))
    ]
    lessons = learned(texts, None)
    assert sorted(lesson.id for lesson in lessons) == ["fuel-used", "kind-of-work"]
    assert parse_template(lessons[0].html, lessons[0].toml).id == lessons[0].id


def test_what_is_closed_by_guess_is_told() -> None:
    """Where tools left merged cells out, the settings say so; where none did, they don't."""
    (guessed,) = learned(dumps(without_rowspans, barred, 12))
    (shown,) = learned(dumps(with_blanks, barred, 12))
    assert "# Look at this: at 5 positions no dump has a cell" in guessed.toml
    assert "Look at this" not in shown.toml
    assert "# Learned from 12 dumps that draw it alike, of 12 that show it, of 12.\n" in shown.toml


def test_a_label_that_dumps_do_not_show_and_a_text_without_a_place_are_doubts() -> None:
    """A wrong template meets its dumps: the label that it makes up and the row that it lacks."""
    (lesson,) = learned(dumps(with_blanks, barred, 12))
    documents = [read_document(text) for text in dumps(with_blanks, barred, 12)]
    assert doubts(parse_template(lesson.html, lesson.toml), documents) == []
    wrong = lesson.html.replace("Planting of trees", "Felling of woods")
    (told,) = [
        d
        for d in doubts(parse_template(wrong, lesson.toml), documents)
        if d.startswith("the label")
    ]
    assert told == "the label 'Felling of woods' shows in 0 of 12 tables found"


@pytest.mark.parametrize(
    "texts",
    [
        dumps(with_blanks, by_lines, 12),
        dumps(with_blanks, barred, 1),
        ["prose, and no table\n"] * 3,
        ["|\n" * 50] * 3,
        [""] * 2,
        [],
    ],
    ids=["no rows", "one dump", "prose", "bars", "nothing", "no dumps"],
)
def test_piles_that_show_no_layout_are_refused(texts: list[str]) -> None:
    """The reason and the remedy are told."""
    with pytest.raises(UsageError, match="add dumps by a tool that does"):
        learned(texts)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(
            st.lists(st.sampled_from(["", "a", "b", "1", "22", "a b"]), max_size=4), max_size=5
        ),
        min_size=2,
        max_size=4,
    )
)
def test_whatever_is_learned_from_dumps_can_be_read(tables: list[Rows]) -> None:
    """Any tables, each three times: a refusal, or templates that parse."""
    try:
        lessons = learned([barred(rows) for rows in tables for _ in range(3)], None)
    except UsageError:
        return
    for lesson in lessons:
        readable = lesson.html.replace(" data-repeated", "")  # read by others
        assert len(parse_template(readable, lesson.toml).cells) == len(lesson.layout.draft.cells)


def test_learn_from_dumps_on_the_command_line(tmp_path: Path) -> None:
    """Dumps in, a template that recovers them out; a file that can't be read is named."""
    for n, text in enumerate(dumps(with_blanks, barred, 6)):
        (tmp_path / f"{n}.txt").write_text(text, encoding="utf-8")
    files = sorted(map(str, tmp_path.glob("*.txt")))
    command = [sys.executable, "-m", "tabrecover"]

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        return done.returncode, done.stdout + done.stderr

    learn = ("templates", "learn", "--dumps", "--id", "works", "--out", "forms")
    code, told = run(*learn, *files)
    assert (code, told.split(":")[0]) == (0, "forms/works.html")
    assert "10 x 5, 14 labels, 18 value slots" in told
    code, told = run("recover", files[0], "-t", "forms", "-f", "csv")
    assert code == 0
    assert "Building" in told
    code, told = run(*learn, "--force", *files, "missing.txt")
    assert (code, "missing.txt" in told) == (1, True)
