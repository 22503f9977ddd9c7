"""Joint inference against brute force: every combination of options, enumerated."""

from __future__ import annotations

from itertools import product
from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabrecover import elimination
from tabrecover.elimination import Joint, Rules, Variable, infer

scores = st.floats(-6, 0)
whole = st.integers(-4, 4)


@st.composite
def variables(draw: st.DrawFn, n_rules: int) -> Variable:
    """One of up to four options; the maximum of an option is at most its sum."""
    count = draw(st.integers(1, 4))
    weight = draw(st.lists(scores, min_size=count, max_size=count))
    below = draw(st.lists(st.floats(0, 2), min_size=count, max_size=count))
    shape = count, n_rules

    def table(elements: st.SearchStrategy[int]) -> np.ndarray:
        size = count * n_rules
        return np.array(draw(st.lists(elements, min_size=size, max_size=size))).reshape(shape)

    adds = table(whole).astype(np.int64)
    voids = table(st.integers(0, 9)) == 0
    return Variable(np.array(weight), np.array(weight) - below, adds, voids, adds != 0)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Variable], Rules]:
    """Up to four variables under up to three rules."""
    n_rules = draw(st.integers(1, 3))
    excess = draw(st.lists(whole, min_size=n_rules, max_size=n_rules))
    gain = draw(st.lists(st.floats(0, 5), min_size=n_rules, max_size=n_rules))
    price = draw(st.lists(st.floats(-4, -1), min_size=n_rules, max_size=n_rules))
    rules = Rules(
        np.array(excess, dtype=np.int64),
        np.array(excess) != 0,
        np.array(gain),
        np.array(price),
    )
    return draw(st.lists(variables(n_rules), min_size=1, max_size=4)), rules


def enumerated(given_variables: list[Variable], rules: Rules) -> Joint:
    """Probabilities and margins by adding up all combinations."""
    share = [np.zeros(len(v.weight)) for v in given_variables]
    margin = [np.full(len(v.weight), -inf) for v in given_variables]
    for options in product(*(range(len(v.weight)) for v in given_variables)):
        chosen = list(zip(given_variables, options, strict=True))
        factor = 0.0
        for k in range(len(rules.excess)):
            if any(v.voids[g, k] for v, g in chosen):
                continue
            if rules.excess[k] + sum(int(v.adds[g, k]) for v, g in chosen):
                factor += rules.price[k]
            elif rules.told[k] or any(v.tells[g, k] for v, g in chosen):
                factor += rules.gain[k]
        mass = exp(factor + sum(v.weight[g] for v, g in chosen))
        best = factor + sum(v.best[g] for v, g in chosen)
        for v, g in enumerate(options):
            share[v][g] += mass
            margin[v][g] = max(margin[v][g], best)
    top = max(own.max() for own in margin)
    return Joint([own / own.sum() for own in share], [own - top for own in margin], whole=True)


@given(problems())
def test_all_combinations_are_weighed(problem: tuple[list[Variable], Rules]) -> None:
    """Probabilities and margins are those of the enumeration."""
    found, wanted = infer(*problem), enumerated(*problem)
    for v in range(len(problem[0])):
        assert found.share[v] == pytest.approx(wanted.share[v], abs=1e-9)
        assert found.margin[v] == pytest.approx(wanted.margin[v], abs=1e-9)


@given(problems())
def test_guidance_changes_no_result_that_it_can_afford(
    problem: tuple[list[Variable], Rules],
) -> None:
    """With the guide, only what is far behind the best is left out."""
    wanted = enumerated(*problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elimination, "MAX_PLAIN", 0)
        found = infer(*problem)
    lost = 256 * exp(-elimination.REACH)
    for v in range(len(problem[0])):
        assert found.share[v] == pytest.approx(wanted.share[v], abs=lost)
        near = wanted.margin[v] > 1 - elimination.REACH
        assert found.margin[v][near] == pytest.approx(wanted.margin[v][near], abs=1e-6)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 10_000), st.sampled_from([10, 10**12]))
def test_a_hostile_size_ends(seed: int, largest: int) -> None:
    """Forty variables with forty options under ten rules end, and nothing is told for sure."""
    random = np.random.default_rng(seed)
    many = []
    for _ in range(40):
        adds = random.integers(-largest, largest, (40, 10))
        weight = np.zeros(40)
        many.append(Variable(weight, weight, adds, np.zeros((40, 10), dtype=bool), adds != 0))
    none = np.zeros(10)
    rules = Rules(none.astype(np.int64), none > 0, none + 5, none + log(0.1))
    found = infer(many, rules)
    for share in found.share:
        assert share.sum() == pytest.approx(1)
        assert share.max() < 0.9
