"""Which values a table's sums place, where the dump alone does not; and how a tool does on them.

    python -m benchmarks.by_sums --set fit [--every 8] [--tool tabrecover]

`decidable` leaves values open whose place the dump does not tell: blanks are lost, or a value is.
Their texts still come in order, and the layout's rules tell more. A place is *determined by the
sums* if it holds the same text in every filling of the table that breaks no more rules than the
truth does. That is an integer programme, solved exactly by CP-SAT (OR-tools); one that is not
solved in time leaves its values unknown, and they are counted apart. Nothing of tabrecover is used
here but the layouts' rules.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Annotated, NamedTuple

import typer
from ortools.sat.python import cp_model
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.decidable import value_pairs
from benchmarks.dumps import SYNTHETIC, Dump, Truth, load_pages
from benchmarks.flatten import lost_cell
from benchmarks.flatteners import FLATTENERS
from benchmarks.metrics import TOLD, match_tables
from benchmarks.run import default_workers
from benchmarks.sets import corpus_set
from benchmarks.tables import Table, fold, table_from_record
from benchmarks.tools import Layouts, tool_named

__all__ = ["Problem", "Run", "determined", "number_in", "open_runs"]

SECONDS = 10.0  # for one table
UNALTERED = frozenset(  # manglings after which the table is still the layout's
    {"none", "value lost", "blanks dropped", "page breaks", "hard wraps", "one line",
     "traditional", "pdf characters"}
)  # fmt: skip
UNORDERED = frozenset(f.name for f in FLATTENERS if f.by_columns)
LARGEST = 10**12
_BETWEEN = r"[\W_]*[^\w/—–-][\W_]*"
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")

Rule = tuple[Sequence[int], Sequence[int]]


class Run(NamedTuple):
    """Cells in reading order, and the texts that go into them in order, fewer than cells."""

    cells: tuple[int, ...]
    texts: tuple[str, ...]
    lost: bool  # one of the cells may hold a value that the dump does not show


@dataclass(frozen=True)
class Problem:
    """A table's rules over cell indices, the texts of its cells, and its open runs."""

    rules: tuple[Rule, ...]
    texts: tuple[str, ...]
    runs: tuple[Run, ...]


def number_in(text: str) -> Decimal | None:
    """What a text counts in a sum: 0 if it has no letter and no digit, None if it is no number."""
    plain = text.replace(",", "")
    if not any(c.isalnum() for c in plain):
        return Decimal(0)
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def open_runs(table: Table, unsure: frozenset[int]) -> list[tuple[int, ...]]:
    """Undecided cells that follow each other with no label between them."""
    runs: list[list[int]] = []
    for left, right in value_pairs(table):
        if left not in unsure or right not in unsure:
            continue
        if runs and runs[-1][-1] == left:
            runs[-1].append(right)
        else:
            runs.append([left, right])
    return [tuple(run) for run in runs]


class _Model:
    """The integer programme of a problem: where each text of each run goes."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.model = cp_model.CpModel()
        self.unit = _unit(problem)
        self.placed: dict[int, list[tuple[str, cp_model.IntVar]]] = {}
        self.lost: dict[int, cp_model.IntVar] = {}
        for run in problem.runs:
            self._add_run(run)
        self.broken = [flag for rule in problem.rules if (flag := self._add_rule(rule)) is not None]

    def _add_run(self, run: Run) -> None:
        model, places = self.model, range(len(run.cells))
        spare = len(run.cells) - len(run.texts)
        at: dict[tuple[int, int], cp_model.IntVar] = {}
        for i in range(len(run.texts)):
            allowed = [j for j in places if i <= j <= i + spare]
            for j in allowed:
                at[i, j] = model.new_bool_var("")
            model.add_exactly_one(at[i, j] for j in allowed)
            if i:  # behind the text before it
                for j in allowed:
                    earlier = [at[i - 1, k] for k in range(j) if (i - 1, k) in at]
                    model.add_bool_or([*earlier, at[i, j].negated()])
        for j, cell in enumerate(run.cells):
            own = [(i, variable) for (i, k), variable in at.items() if k == j]
            model.add_at_most_one(variable for _, variable in own)
            self.placed[cell] = [(run.texts[i], variable) for i, variable in own]
        if run.lost:
            self._add_lost(run)

    def _add_lost(self, run: Run) -> None:
        """At most one of the run's empty cells holds a number of any size."""
        flags = []
        for cell in run.cells:
            flag = self.model.new_bool_var("")
            amount = self.model.new_int_var(0, LARGEST, "")
            self.model.add(amount == 0).only_enforce_if(flag.negated())
            self.model.add_at_most_one([flag, *(v for _, v in self.placed[cell])])
            self.lost[cell] = amount
            flags.append(flag)
        self.model.add_at_most_one(flags)

    def _add_rule(self, rule: Rule) -> cp_model.IntVar | None:
        """A flag that is true where the rule is broken; none if the rule says nothing here."""
        terms: list[cp_model.LinearExprT] = []
        for sign, side in ((1, rule[0]), (-1, rule[1])):
            for cell in side:
                pairs = self.placed.get(cell)
                if pairs is None:
                    number = number_in(self.problem.texts[cell])
                    if number is None:
                        return None
                    terms.append(sign * int(number * self.unit))
                    continue
                for text, variable in pairs:
                    number = number_in(text)
                    if number is None:
                        self.model.add(variable == 0)
                    else:
                        terms.append(sign * int(number * self.unit) * variable)
                if cell in self.lost:
                    terms.append(sign * self.lost[cell])
        flag = self.model.new_bool_var("")
        self.model.add(sum(terms) == 0).only_enforce_if(flag.negated())
        return flag

    def same(self, cell: int) -> cp_model.LinearExprT:
        """1 if the cell holds its true text, else 0."""
        wanted = self.problem.texts[cell]
        if not wanted:
            return 1 - sum(variable for _, variable in self.placed[cell])
        return sum(variable for text, variable in self.placed[cell] if text == wanted)


def _unit(problem: Problem) -> int:
    texts = [*problem.texts, *(text for run in problem.runs for text in run.texts)]
    numbers = [n for text in texts if (n := number_in(text)) is not None]
    digits = max((-int(n.as_tuple().exponent) for n in numbers), default=0)
    return int(10**digits)


def determined(problem: Problem, seconds: float = SECONDS) -> tuple[frozenset[int], frozenset[int]]:
    """Cells of the runs whose text the rules determine, and cells of which it is not known."""
    cells = {cell for run in problem.runs for cell in run.cells}
    least = _least_broken(problem, seconds)
    if least is None:
        return frozenset(), frozenset(cells)
    base = _Model(problem)
    base.model.add(sum(base.broken) <= least)
    while cells:
        model = base.model.clone()
        same = {cell: base.same(cell) for cell in cells}
        other = len(cells) - sum(same.values())
        model.add(other >= 1)
        model.maximize(other)
        solver = _solver(seconds)
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return frozenset(cells), frozenset()
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return frozenset(), frozenset(cells)
        cells -= {cell for cell in cells if not solver.value(same[cell])}
    return frozenset(), frozenset()


def _least_broken(problem: Problem, seconds: float) -> int | None:
    """How many rules the true filling breaks, a lost value being what suits it best."""
    truth = _Model(problem)
    for run in problem.runs:
        for cell in run.cells:
            truth.model.add(truth.same(cell) == 1)
    truth.model.minimize(sum(truth.broken))
    solver = _solver(seconds)
    if solver.solve(truth.model) != cp_model.OPTIMAL:
        return None
    broken: int = round(solver.objective_value)
    return broken


def _solver(seconds: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    return solver


_determined = lru_cache(maxsize=4096)(determined)


# -- a tool on them ----------------------------------------------------------------------------


class Outcome(NamedTuple):
    """Values of one dump whose place the sums determine; and how many are open, or unknown."""

    flattener: str
    mangling: str
    document: str
    right: int
    wrong: int
    silent: int
    open: int
    open_told: int
    open_silent: int
    unknown: int


def problem_of(
    truth: Truth, rules: Sequence[Rule], lost: int | None, blanks_shown: bool
) -> Problem | None:
    """The placing problem of one table of a dump; None if nothing is open."""
    texts = tuple(cell.text for cell in truth.table.cells)
    runs = []
    for cells in open_runs(truth.table, truth.undecidable):
        missing = lost in cells
        kept = tuple(texts[c] for c in cells if (texts[c] or blanks_shown) and c != lost)
        runs.append(Run(cells, kept, missing))
    return Problem(tuple(rules), texts, tuple(runs)) if runs else None


class _State(NamedTuple):
    """What a worker process keeps: tool, layouts, unmangled dumps, truth pages."""

    tool: str
    layouts: Layouts
    whole: Mapping[tuple[str, str], Dump]
    pages: Mapping[str, str]


_state: list[_State] = []


def fold_digits(dump: str) -> str:
    """The dump with plain digits and spaces for all that look like them."""
    return unicodedata.normalize("NFKC", dump)


def _are_apart(problem: Problem, plain: str) -> bool:
    """Whether every run's texts stand in the dump one after another, parted from each other."""
    return all(
        re.search(r"(?<!\w)" + _BETWEEN.join(map(re.escape, run.texts)) + r"(?!\w)", plain)
        for run in problem.runs
        if run.texts
    )


def _start(tool: str, of: str) -> None:
    work = corpus_set(of)
    whole = {(d.document, d.flattener): d for d in work.dumps if d.mangling == "none"}
    _state[:] = [_State(tool, work.layouts, whole, load_pages(SYNTHETIC / of))]


def judge_dumps(dumps: Sequence[Dump]) -> list[Outcome]:
    """The tool on dumps of one document."""
    tool, layouts, whole, pages = _state[0]
    recover = tool_named(tool).recover
    rules = {
        layout.id: tuple((r.left, r.right) for r in layout.rules)
        for layout in layouts.all
        if layout.repeated is None
    }
    result = []
    for dump in dumps:
        known = whole.get((dump.document, dump.flattener))
        plain = fold_digits(dump.text)
        truths = dump.truths()
        problems = []
        for number, truth in enumerate(truths):
            at = lost_cell(dump.document, dump.mangling, pages[dump.document])
            lost = at[1] if at and at[0] == number else None
            shown = known is not None and not known.undecidable[number]
            own = rules.get(truth.table.template or "", ())
            problem = problem_of(truth, own, lost, shown) if own else None
            asked = problem is not None and _are_apart(problem, plain)
            problems.append(_determined(problem) if asked else (frozenset(), frozenset()))
        if not any(fixed or unsure for fixed, unsure in problems):
            continue
        found = [table_from_record(record) for record in recover(dump.text, layouts)]
        matched = match_tables([truth.table for truth in truths], found)
        count: Counter[str] = Counter()
        for truth, table, (fixed, unsure) in zip(truths, matched, problems, strict=True):
            count["unknown"] += len(unsure)
            count["open"] += len(truth.undecidable)
            count.update(_claims(truth.table, table, fixed))
            others = _claims(truth.table, table, truth.undecidable - fixed)
            count.update(f"open {what}" for what in others)
        names = ("right", "wrong", "silent", "open", "open told", "open silent", "unknown")
        counts = (count[name] for name in names)
        result.append(Outcome(dump.flattener, dump.mangling, dump.document, *counts))
    return result


def _claims(truth: Table, found: Table | None, cells: frozenset[int]) -> Iterator[str]:
    index = {(cell.row, cell.col): k for k, cell in enumerate(truth.cells)}
    for binding, cell in truth.bindings.items():
        if index[cell.row, cell.col] not in cells:
            continue
        other = found.bindings.get(binding) if found else None
        right = other is not None and fold(other.text) == fold(cell.text)
        yield "right" if right else "wrong"
        if other is not None and other.confidence >= TOLD:
            yield "told"
            if not right:
                yield "silent"


def main(
    of: Annotated[str, typer.Option("--set", help="Set of the corpus.")] = "fit",
    every: Annotated[int, typer.Option(min=1, help="One dump of so many.")] = 1,
    tool: Annotated[str, typer.Option(help="Tool to run.")] = "tabrecover",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = default_workers(),
    worst: Annotated[int, typer.Option(min=0, help="Dumps to list, the worst first.")] = 0,
) -> None:
    """Run a tool over the dumps with values that sums determine."""
    dumps = [
        dump
        for dump in corpus_set(of).dumps
        if dump.truth
        and any(dump.undecidable)
        and dump.mangling in UNALTERED
        and dump.flattener not in UNORDERED
        and zlib.crc32(dump.name.encode()) % every == 0
    ]
    dumps.sort(key=lambda dump: dump.document)
    tasks = [list(own) for _, own in groupby(dumps, key=lambda dump: dump.document)]
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(tool, of)) as pool:
        outcomes = [outcome for part in pool.map(judge_dumps, tasks) for outcome in part]
    _print(outcomes)
    _print_worst(outcomes, worst)


def _print_worst(outcomes: Sequence[Outcome], shown: int) -> None:
    for outcome in sorted(outcomes, key=lambda o: (-o.silent - o.open_silent, -o.wrong))[:shown]:
        if outcome.wrong or outcome.open_silent:
            Console().print(
                f"{outcome.document} · {outcome.flattener} · {outcome.mangling}: "
                f"{outcome.wrong} of {outcome.right + outcome.wrong} wrong, {outcome.silent} told; "
                f"{outcome.open_silent} others silent"
            )


def _print(outcomes: Sequence[Outcome]) -> None:
    table = RichTable(
        "dumps", "open", "unknown", "determined", "placed right", "silent", "others told", "silent"
    )
    by: dict[str, list[Outcome]] = {"all": list(outcomes)}
    for outcome in outcomes:
        by.setdefault(f"mangling {outcome.mangling}", []).append(outcome)
        by.setdefault(outcome.flattener, []).append(outcome)
    for name, own in by.items():
        right, wrong = (sum(getattr(o, what) for o in own) for what in ("right", "wrong"))
        silent = sum(outcome.silent for outcome in own)
        total = max(right + wrong, 1)
        table.add_row(
            name,
            str(sum(outcome.open for outcome in own)),
            str(sum(outcome.unknown for outcome in own)),
            str(right + wrong),
            f"{100 * right / total:.2f} %",
            f"{silent} ({100 * silent / total:.3f} %)",
            str(sum(outcome.open_told for outcome in own)),
            str(sum(outcome.open_silent for outcome in own)),
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
