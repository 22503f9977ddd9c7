"""Laws of recovery: what was flattened comes back; what is claimed is right."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tabrecover
from tabrecover import Table, Template
from tabrecover.storage import builtin_library
from tests.cases import TOLD, check_offsets
from tests.property.strategies import HIDES_BLANKS, SHOWS_BLANKS, TEMPLATES, Values, filled

EXAMPLES = int(os.environ.get("TABRECOVER_EXAMPLES", "12"))
law = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)  # fmt: skip


def only_table(template: Template, dump: str) -> Table:
    """The dump's one table, with the template's shape, grid, keys and labels.

    Its confidences are the model's: the laws are about that. Calibration only ever tells fewer.
    """
    library = tabrecover.Library(dict.fromkeys([*builtin_library().templates, template]))
    (table,) = tabrecover.recover(dump, templates=library).tables
    known = {t.id: t for t in library.templates}
    assert table.template
    assert known[table.template].geometry == template.geometry
    assert table.shape == (template.n_rows, template.n_cols)
    assert [(c.row, c.col, c.rowspan, c.colspan, c.key) for c in table.cells] == [
        (c.row, c.col, c.rowspan, c.colspan, c.key)
        for c in sorted(template.cells, key=lambda c: (c.row, c.col))
    ]
    assert table.model is not None
    return table.model


def value_pairs(template: Template, values: Values, table: Table) -> list[tuple[str, str, float]]:
    """Expected text, found text and confidence of every value cell."""
    found = {(c.row, c.col): c for c in table.cells}
    pairs = []
    for index, text in values.items():
        cell = found[template.cells[index].row, template.cells[index].col]
        pairs.append((text, cell.text, cell.confidence))
    return pairs


@pytest.mark.parametrize("dialect", SHOWS_BLANKS)
@given(grid=filled())
@law
def test_grid_comes_back(dialect: str, grid: tuple[Template, Values]) -> None:
    """Where the dump shows its blanks, no value is wrong and told."""
    template, values = grid
    dump = SHOWS_BLANKS[dialect](template, values)
    table = only_table(template, dump)
    check_offsets(table, dump)
    for want, found, confidence in value_pairs(template, values, table):
        assert want == found or confidence < TOLD


DOUBTS_BROKEN_SUMS = pytest.mark.xfail(
    reason="sums that drawn values break put a full last row of a padded dump in doubt",
    strict=False,
)


@pytest.mark.parametrize(
    "dialect",
    [
        pytest.param(name, marks=DOUBTS_BROKEN_SUMS if "padded" in name else ())
        for name in [*SHOWS_BLANKS, *HIDES_BLANKS]
    ],
)
@given(grid=filled(blanks=False))
@law
def test_full_grid_comes_back_exactly(dialect: str, grid: tuple[Template, Values]) -> None:
    """A grid without blanks comes back exactly and told, from every dialect."""
    template, values = grid
    dump = (SHOWS_BLANKS | HIDES_BLANKS)[dialect](template, values)
    table = only_table(template, dump)
    check_offsets(table, dump)
    for want, found, confidence in value_pairs(template, values, table):
        assert (want, confidence >= TOLD) == (found, True)
    assert table.unplaced == ()


@pytest.mark.parametrize("dialect", HIDES_BLANKS)
@given(grid=filled())
@law
def test_no_confident_error_where_blanks_are_lost(
    dialect: str, grid: tuple[Template, Values]
) -> None:
    """Where blanks leave no trace, a wrong value is never told; its truth is an alternative."""
    template, values = grid
    table = only_table(template, HIDES_BLANKS[dialect](template, values))
    for want, found, confidence in value_pairs(template, values, table):
        assert want == found or confidence < TOLD
    for cell in table.cells:
        assert cell.role == "label" or cell.confidence >= TOLD or cell.alternatives


@pytest.mark.parametrize("dialect", HIDES_BLANKS)
def test_row_of_marks_belongs_to_the_table(dialect: str) -> None:
    """A last row that ends in strokes is the table's, not stray text behind it."""
    template = next(t for t in TEMPLATES if t.id == "cn-disclosure-2019/review")
    slots = [i for i, cell in enumerate(template.cells) if cell.role == "value"]
    values = dict(zip(slots, ["0"] * 11 + ["/"] * 4, strict=True))
    table = only_table(template, HIDES_BLANKS[dialect](template, values))
    for want, found, confidence in value_pairs(template, values, table):
        assert (want, confidence >= TOLD) == (found, True)


@given(grid=filled(), cut=st.floats(0.3, 0.95))
@law
def test_no_token_twice_and_order_kept(grid: tuple[Template, Values], cut: float) -> None:
    """Even from a table cut off, each text is used once, and reading order is dump order."""
    template, values = grid
    whole = HIDES_BLANKS["lines without blanks"](template, values)
    dump = whole[: int(len(whole) * cut)]
    for table in tabrecover.recover(dump).tables:
        check_offsets(table, dump)
        starts = [c.spans[0].start for c in table.cells if c.spans and c.role == "value"]
        assert starts == sorted(starts)


@given(text=st.text(max_size=400))
@law
def test_any_text_is_answered(text: str) -> None:
    """Arbitrary text, as text and as HTML, gives a record and no error."""
    for kind in (None, "html"):
        record = tabrecover.recover(text, kind=kind).to_dict()
        assert set(record) == {"source", "dialect", "tables"}
