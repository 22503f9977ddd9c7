"""Sums over variables with few states each: which states go together.

A *variable* has options; an option adds a number to each rule, or makes it unknown. A *rule* has
so much too much already, and holds if in the end nothing is. This is a factor graph, solved by
bucket elimination (Dechter 1999): variables are eliminated one by one, those first that settle
rules soon. The state is what every rule has too much; a rule that nothing left can even out is
settled as broken at once, and equal states join. Forward-backward over the states gives every
option's probability, the same pass with maximum for sum its margin to the best.

Where states are too many, a beam is guided by what each rule alone still expects, after some
rounds of belief propagation (Pearl 1988) with sums modulo `MODULUS`, as product codes are decoded
(Elias 1954). A first narrow pass finds a good joint filling, whose score bounds the second: states
that can't come near it any more are dropped without loss (branch and bound). Beliefs in a graph
with cycles are too sure of themselves, so what the beam drops for them counts for more than they
say: it stays as the variables alone have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Joint", "Rules", "Variable", "infer"]

REACH = 8.0  # nats behind the best joint filling, beyond which none is looked for
MAX_PLAIN = 10_000  # steps from one layer to the next without guidance
MAX_GUIDED = 150_000  # steps with guidance, over all layers
SHARE = 4  # of the steps left, a layer takes one in so many at the most
SCOUTS = 40  # states of the first, narrow pass
MIN_BEAM = 20
ROUNDS = 6  # of belief propagation
DAMPING = 0.5
MODULUS = 1001  # odd and no multiple of 5, so that round numbers fall apart
LEAST_CHANCE = 1e-12
KEPT_BY_BEAM = 0.85  # the most that is believed of a promise, where states were dropped for it
KEPT_BY_BELIEFS = 0.5  # and where nothing but beliefs is left
LEAST_KEPT = 0.2  # of the promise; with less, beliefs decide

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Variable:
    """`weight[g]` and `best[g]`: log-sum and maximum of what option `g` stands for.

    What it does to rule `k`: `adds[g, k]`, `voids[g, k]` (adds an unknown number), `tells[g, k]`
    (adds a number other than 0, though all of them may sum up to it).
    """

    weight: Floats
    best: Floats
    adds: Ints
    voids: Bools
    tells: Bools

    @property
    def uses(self) -> Bools:
        """The rules that some option matters to."""
        used: Bools = ((self.adds != 0) | self.voids | self.tells).any(axis=0)
        return used


class Rules(NamedTuple):
    """Per rule: what it has too much, whether a number other than 0 tells of it, log-factors."""

    excess: Ints
    told: Bools
    gain: Floats  # if it holds, and numbers tell of it
    price: Floats  # if it is broken


class Joint(NamedTuple):
    """Per variable the probability and the margin (log-odds to the best, at most 0) of options.

    `whole`: nothing was left out.
    """

    share: list[Floats]
    margin: list[Floats]
    whole: bool


def infer(variables: Sequence[Variable], rules: Rules) -> Joint:
    """Weigh all options of all variables together."""
    order = _order(variables)
    problem = _Problem([variables[v] for v in order], rules)
    plain = _Pass(problem, MAX_PLAIN)
    share, margin, whole = (*plain.options(), True) if plain.finished else _guided(problem)
    back = np.argsort(order)
    return Joint([share[t] for t in back], [margin[t] for t in back], whole)


def _guided(problem: _Problem) -> Joint:
    guide = _Guide(problem)
    scout = _Pass(problem, MAX_GUIDED, guide, SCOUTS)
    if scout.finished:
        whole = _Pass(problem, MAX_GUIDED, guide, floor=scout.best - REACH)
        if whole.finished and whole.kept >= LEAST_KEPT:
            if whole.kept == 1:
                return Joint(*whole.options(), whole=True)
            return _with_rest(problem, *whole.options(), whole.kept)
    none = [np.zeros(len(belief)) for belief in guide.beliefs]
    return _with_rest(problem, guide.beliefs, none, KEPT_BY_BELIEFS)


def _with_rest(
    problem: _Problem, share: Sequence[Floats], margin: Sequence[Floats], kept: float
) -> Joint:
    """What was not looked at is as the variables alone have it."""
    behind = log((1 - kept) / kept)
    mixed = [
        kept * own + (1 - kept) * _softmax(variable.weight)
        for own, variable in zip(share, problem.variables, strict=True)
    ]
    leads = [
        np.minimum(np.maximum(own, variable.best - variable.best.max() + behind), 0.0)
        for own, variable in zip(margin, problem.variables, strict=True)
    ]
    return Joint(mixed, leads, whole=False)


def _order(variables: Sequence[Variable]) -> list[int]:
    """Those of the rule that the fewest use first, of these the one with the fewest options."""
    left = list(range(len(variables)))
    uses = np.array([variable.uses for variable in variables])
    order: list[int] = []
    while left:
        counts = uses[left].sum(axis=0)
        fewest = np.where(uses[left], counts, len(variables) + 1).min(axis=1).tolist()
        chosen = min(zip(fewest, [len(variables[v].weight) for v in left], left, strict=True))[2]
        order.append(chosen)
        left.remove(chosen)
    return order


class _Problem:
    """Variables in the order of elimination, and what may come after each."""

    def __init__(self, variables: Sequence[Variable], rules: Rules) -> None:
        self.variables = variables
        self.rules = rules
        n_rules = len(rules.excess)
        self.uses = [variable.uses for variable in variables]
        self.reach: list[Bools] = []  # after each variable: `[rule, sum modulo MODULUS]`
        self.last: list[Bools] = []  # rules that no later variable uses
        self.to_come: list[float] = []  # the maximum that later variables can score
        reach = np.zeros((n_rules, MODULUS), dtype=bool)
        reach[:, 0] = True
        later = np.zeros(n_rules, dtype=bool)
        come = 0.0
        for variable, uses in zip(reversed(variables), reversed(self.uses), strict=True):
            self.reach.append(reach)
            self.last.append(~later)
            self.to_come.append(come)
            reach = reach.copy()
            for k in np.flatnonzero(uses).tolist():
                if variable.voids[:, k].any():
                    reach[k] = True
                    continue
                adds = np.unique(variable.adds[:, k] % MODULUS)
                reach[k] = np.logical_or.reduce([np.roll(reach[k], add) for add in adds.tolist()])
            later = later | uses
            come += float(variable.best.max())
        for part in (self.reach, self.last, self.to_come):
            part.reverse()


class _Layer(NamedTuple):
    """States before a variable, and the steps that its options take from them.

    `total` and `top` are log-sum and maximum of all ways to each state.
    """

    total: Floats
    top: Floats
    source: Ints
    option: Ints
    target: Ints
    weight: Floats
    best: Floats


class _States(NamedTuple):
    """States with what each rule has too much, whether it is still open, and whether told."""

    excess: Ints
    open: Bools
    told: Bools
    total: Floats
    top: Floats


class _Pass:
    """A forward pass over all variables; `finished` is false if its budget did not last.

    With a guide, those states are kept, `width` at the most, that promise most and from which
    `floor` can still be reached; `kept` is what is believed of their share.
    """

    def __init__(
        self,
        problem: _Problem,
        budget: int,
        guide: _Guide | None = None,
        width: int = 0,
        floor: float = -inf,
    ) -> None:
        self.problem = problem
        self.guide = guide
        self.floor = floor
        self.kept = 1.0
        self.layers: list[_Layer] = []
        rules = problem.rules
        one = np.zeros(1)
        states = _States(
            rules.excess[None, :], np.ones((1, len(rules.excess)), dtype=bool),
            rules.told[None, :], one, one,
        )  # fmt: skip
        for t, variable in enumerate(problem.variables):
            following = problem.variables[t + 1] if t + 1 < len(problem.variables) else None
            steps = len(states.total) * len(variable.weight)
            if steps > budget and guide is None:
                break
            states = self._step(states, t)
            if guide is not None and following is not None:
                budget -= steps
                ahead = min(SHARE, len(problem.variables) - t - 1)
                room = max(MIN_BEAM, budget // (ahead * len(following.weight)))
                states = self._thinned(states, t, min(width, room) if width else room)
        self.last = states
        self.finished = len(self.layers) == len(problem.variables) and bool(len(states.total))
        self.best = float(states.top.max()) if self.finished else -inf

    def _step(self, states: _States, t: int) -> _States:
        """All options of variable `t` in all states; equal states are joined."""
        problem, variable = self.problem, self.problem.variables[t]
        rules = problem.rules
        used = np.flatnonzero(problem.uses[t])
        excess = states.excess[:, None, used] + variable.adds[None, :, used]
        is_open = states.open[:, None, used] & ~variable.voids[None, :, used]
        told = states.told[:, None, used] | variable.tells[None, :, used]
        last = problem.last[t][used]
        can = problem.reach[t][used[None, None, :], -excess % MODULUS]
        can = np.where(last, excess == 0, can)
        broken = is_open & ~can
        held = is_open & can & last & told
        factor = broken @ rules.price[used] + held @ rules.gain[used]
        is_open &= can & ~last
        excess = np.where(is_open, excess, 0)
        told &= is_open
        weight = variable.weight + factor
        best = variable.best + factor
        top = states.top[:, None] + best
        source, option = np.nonzero(self._able(states, t, top, is_open, used))
        where = source, option
        whole = states.excess[source], states.open[source], states.told[source]
        for part, new in zip(whole, (excess, is_open, told), strict=True):
            part[:, used] = new[where]
        first, target = _joined(*whole)
        total = _log_sums(states.total[source] + weight[where], target, len(first))
        tops = np.full(len(first), -inf)
        np.maximum.at(tops, target, top[where])
        self.layers.append(
            _Layer(states.total, states.top, source, option, target, weight[where], best[where])
        )
        return _States(whole[0][first], whole[1][first], whole[2][first], total, tops)

    def _able(self, states: _States, t: int, top: Floats, is_open: Bools, used: Ints) -> Bools:
        """The steps from which the floor can still be reached, were all open rules to hold."""
        if self.floor == -inf:
            return np.ones(top.shape, dtype=bool)
        gain = self.problem.rules.gain
        others = states.open.copy()
        others[:, used] = False
        hope = top + (others @ gain)[:, None] + is_open @ gain[used] + self.problem.to_come[t]
        able: Bools = hope >= self.floor
        return able

    def _thinned(self, states: _States, t: int, width: int) -> _States:
        """The `width` states that promise most."""
        if self.guide is None or len(states.total) <= width:
            return states
        promise = states.total + self.guide.outlook(t, states.excess, states.open)
        chosen = np.argpartition(-promise, width)[:width]
        weights = np.exp(promise - promise.max())
        share = float(weights[chosen].sum() / weights.sum())
        self.kept = min(self.kept * share, KEPT_BY_BEAM)
        layer = self.layers[-1]
        number = np.full(len(states.total), -1)
        number[chosen] = np.arange(width)
        stays = number[layer.target] >= 0
        self.layers[-1] = _Layer(
            layer.total, layer.top, layer.source[stays], layer.option[stays],
            number[layer.target[stays]], layer.weight[stays], layer.best[stays],
        )  # fmt: skip
        return _States(
            states.excess[chosen], states.open[chosen], states.told[chosen],
            states.total[chosen], states.top[chosen],
        )  # fmt: skip

    def options(self) -> tuple[list[Floats], list[Floats]]:
        """Probabilities and margins of all options, by the backward pass."""
        total, top = np.zeros(len(self.last.total)), np.zeros(len(self.last.top))
        share: list[Floats] = []
        margin: list[Floats] = []
        whole = _log_sums(self.last.total, np.zeros(len(total), dtype=np.int64), 1)[0]
        for layer, variable in zip(
            reversed(self.layers), reversed(self.problem.variables), strict=True
        ):
            n_states, n_options = len(layer.total), len(variable.weight)
            ahead = layer.weight + total[layer.target]
            best_ahead = layer.best + top[layer.target]
            joint = np.exp(layer.total[layer.source] + ahead - whole)
            mass = np.bincount(layer.option, joint, n_options)
            share.append(mass / mass.sum())
            lead = np.full(n_options, -inf)
            np.maximum.at(lead, layer.option, layer.top[layer.source] + best_ahead - self.best)
            margin.append(np.minimum(lead, 0.0))
            total = _log_sums(ahead, layer.source, n_states)
            top = np.full(n_states, -inf)
            np.maximum.at(top, layer.source, best_ahead)
        return share[::-1], margin[::-1]


def _joined(excess: Ints, is_open: Bools, told: Bools) -> tuple[Ints, Ints]:
    """Equal states: the first of each, and for each state which of them it equals."""
    if not len(excess):
        none = np.zeros(0, dtype=np.int64)
        return none, none
    flags = np.packbits(np.concatenate([is_open, told], axis=1), axis=1)
    raw = np.concatenate([np.ascontiguousarray(excess).view(np.uint8), flags], axis=1)
    rows = np.ascontiguousarray(raw).view(np.dtype((np.void, raw.shape[1]))).ravel()
    _, first, target = np.unique(rows, return_index=True, return_inverse=True)
    return first, target


def _log_sums(scores: Floats, groups: Ints, count: int) -> Floats:
    """The log of the sum of exponentials, by group."""
    top = np.full(count, -inf)
    np.maximum.at(top, groups, scores)
    top[top == -inf] = 0.0
    with np.errstate(divide="ignore"):
        sums: Floats = np.log(np.bincount(groups, np.exp(scores - top[groups]), count)) + top
    return sums


def _softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max())
    shares: Floats = weights / weights.sum()
    return shares


class _Guide:
    """Belief propagation between variables and rules, sums modulo `MODULUS`.

    `beliefs[t]` are the options' probabilities. A rule's messages come from the product of the
    laws of what the others add, which is a convolution, so a product of Fourier transforms.
    """

    def __init__(self, problem: _Problem) -> None:
        self.problem = problem
        rules = problem.rules
        n_rules = len(rules.excess)
        self.users = [[t for t, uses in enumerate(problem.uses) if uses[k]] for k in range(n_rules)]
        self.holds, self.broken = np.exp(rules.gain), np.exp(rules.price)
        self.messages = [
            np.zeros((n_rules, len(variable.weight))) for variable in problem.variables
        ]
        self.tables: dict[int, Floats] = {}  # by rule, `[user, sum]`
        for number in range(ROUNDS):
            for k in range(n_rules):
                self._tell(k, final=number == ROUNDS - 1)
        self.beliefs = [_softmax(self._scores(t)) for t in range(len(problem.variables))]

    def _scores(self, t: int, but: int = -1) -> Floats:
        scores: Floats = self.problem.variables[t].weight + self.messages[t].sum(axis=0)
        if but >= 0:
            scores = scores - self.messages[t][but]
        return scores

    def _tell(self, k: int, *, final: bool) -> None:
        """Messages of rule `k` to all its users, from what the others are likely to add."""
        users = self.users[k]
        laws = np.zeros((len(users), MODULUS))
        for number, t in enumerate(users):
            variable = self.problem.variables[t]
            share = np.where(variable.voids[:, k], 0.0, _softmax(self._scores(t, but=k)))
            laws[number] = np.bincount(variable.adds[:, k] % MODULUS, share, MODULUS)
        waves = np.fft.rfft(laws, axis=1)
        before, behind = np.ones_like(waves), np.ones_like(waves)
        np.cumprod(waves[:-1], axis=0, out=before[1:])
        behind[:-1] = np.cumprod(waves[:0:-1], axis=0)[::-1]
        others = np.fft.irfft(before * behind, MODULUS, axis=1)
        factors = self._factors(k, others)
        excess = int(self.problem.rules.excess[k])
        for number, t in enumerate(users):
            variable = self.problem.variables[t]
            new = np.log(factors[number][(excess + variable.adds[:, k]) % MODULUS])
            new[variable.voids[:, k]] = 0.0
            new -= new.max()
            self.messages[t][k] = DAMPING * self.messages[t][k] + (1 - DAMPING) * new
        if final:
            after = np.fft.irfft(behind, MODULUS, axis=1)
            self.tables[k] = np.log(self._factors(k, after))

    def _factors(self, k: int, laws: Floats) -> Floats:
        """What rule `k` can expect for each excess, if a law says what is still added."""
        known = laws.sum(axis=1, keepdims=True)
        chance = np.maximum(laws[:, -np.arange(MODULUS) % MODULUS], LEAST_CHANCE)
        rest = np.maximum(known - chance, 0.0)
        factors: Floats = chance * self.holds[k] + rest * self.broken[k] + np.maximum(1 - known, 0)
        return factors

    def outlook(self, t: int, excess: Ints, is_open: Bools) -> Floats:
        """The log-factors that the open rules of states after variable `t` can expect."""
        hope = np.zeros(len(excess))
        for k, users in enumerate(self.users):
            passed = sum(user <= t for user in users)
            if 0 < passed < len(users):
                expected = self.tables[k][passed - 1][excess[:, k] % MODULUS]
                hope += np.where(is_open[:, k], expected, 0.0)
        return hope
