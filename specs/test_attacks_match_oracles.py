"""Attacks that follow from a formula are what their papers define, and not what these have been read as.

Theorem. What an attack sends is what its definition in `fedprop.oracles` says, each of which names its source: ALIE
mu - z_max sigma (Baruch et al., NeurIPS 2019, Algorithm 3), Min-Max and Min-Sum b + gamma p with the largest gamma in
[0, 2 gamma_0] that their bounds allow, up to the search's threshold (Shejwalkar and Houmansadr, NDSS 2021, section IV),
and so on. What is sent keeps to the limits that the attack declares.

Preconditions. Rows of a moderate size, so that the oracle's roots are good to the tolerance.

Proof sketch. By a definition in float64 and plain loops, with the root of a quadratic where the attack searches. Each
misreading has an input on which it differs from the definition by more than the tolerance, so this can fail. Every
listed attack that has a definition is tried.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fedprop.attacks import ATTACKS, Attack, View
from fedprop.errors import TooFewUpdates
from fedprop.oracles import MISREADINGS, ORACLES
from fedprop.oracles.alie import largest_z

Definition = Callable[..., list[Any]]
DEFINED = [attack for attack in ATTACKS.examples() if attack.kind in ORACLES]
MISREAD = sorted(ATTACKS.kinds.keys() & MISREADINGS.keys())


REMEMBERING = [attack for attack in DEFINED if "rounds" in inspect.signature(ORACLES[attack.kind]).parameters]


def expected(attack: Attack, views: Sequence[View], reading: Definition) -> Tensor:
    """The rows that the attack must send in the last of some rounds, by its definition or a misreading of it.

    These take what they name: `rows` are those that the attack judges by and `clients` whose they are, `n` the updates
    that the server averages, `m` the attack's among them; `rounds` holds what was seen in each of the rounds.
    """
    known = {
        **dict(attack),
        **_told(attack, views[-1]),
        "rounds": [_told(attack, view) for view in views],
        "assumed": lambda rows, f: _in_lists(views[-1].assumed, rows, f),
        "generator": torch.Generator(),
    }
    wanted = inspect.signature(reading).parameters
    if "known" in wanted:  # a misreading that hands on what the definition takes
        wanted = inspect.signature(ORACLES[attack.kind]).parameters
    answer = reading(**{name: value for name, value in known.items() if name in wanted})
    return torch.tensor(answer, dtype=torch.float64).expand(views[-1].own.shape)


def _told(attack: Attack, view: View) -> dict[str, Any]:
    full = attack.sees == "full"
    return {
        "rows": view.seen(attack.sees).tolist(),
        "clients": view.benign_clients if full else view.clients,
        "own": view.own.tolist(),
        "own_clients": view.clients,
        "everyone": (view.everyone if full else view.own).tolist(),
        "origin": view.origin.tolist(),
        "past": view.past.tolist(),
        "buffers": view.buffers,
        "n": view.received,
        "m": view.attackers,
    }


def seen(attack: Attack, rows: list[list[float]], received: int, *, buffers: int = 0, **told: Any) -> View:
    """A view in which these are the rows that the attack judges by; the model received is (1, 2, ...)."""
    benign = torch.tensor(rows, dtype=torch.float64) if attack.sees == "full" else None
    own = torch.tensor(rows[:2] if attack.sees == "full" else rows, dtype=torch.float64)
    origin = 1 + torch.arange(own.shape[1], dtype=torch.float64)
    past = torch.stack([0.5 * (age + 1) * origin.flip(0) for age in range(attack.looks_back)] or [origin[:0]])
    told = {"received": received, "buffers": buffers} | ({"past": past} if attack.looks_back else {}) | told
    asked = "assumed" in inspect.signature(ORACLES[attack.kind]).parameters
    return View(own, benign, told.pop("origin", origin), _near_zero if asked else _refuses, torch.Generator(), **told)


def course(attack: Attack, d: int, sizes: Sequence[int], seed: int, buffers: int = 0) -> tuple[list[View], Tensor]:
    """Rounds with so many clients each, drawn from twice as many as there are at most, and what is sent in the last."""
    draw = torch.Generator().manual_seed(seed)
    models = torch.randn(len(sizes) + 1, d, generator=draw, dtype=torch.float64)
    views: list[View] = []
    state: Any = None
    for size, before, origin in zip(sizes, models, models[1:], strict=False):
        rows = torch.randn(size, d, generator=draw, dtype=torch.float64).tolist()
        clients = torch.randperm(2 * max(sizes), generator=draw)[:size].tolist()
        whose = {"benign_clients": clients} if attack.sees == "full" else {"clients": clients}
        told = {"past": before[None]} if attack.looks_back and views else {}
        view = seen(attack, rows, 14, buffers=buffers, origin=origin, state=state, **whose, **told)
        if attack.looks_back and not views:
            view = replace(view, past=before[None][:0])
        views.append(view)
        reply = attack.answer(view)
        state = reply.state
    return views, reply.rows


def _refuses(updates: Any, f: int) -> Any:
    """A rule that answers nobody, for definitions that ask none."""
    raise TooFewUpdates("n >= infinity")


def _near_zero(updates: Tensor, f: int) -> tuple[Tensor, Tensor]:
    """The median, and the weight 1 for rows in a box that no row of integers touches; it refuses 4 rows, 8 and so on.

    How large the box is hangs on f, so that it matters what a rule is told to tolerate.
    """
    if len(updates) % 4 == 0:
        raise TooFewUpdates("n > 4")
    return updates.quantile(0.5, dim=0), (updates.abs().amax(dim=1) < 3.95 + f % 2).double()


def _in_lists(rule: Callable[..., tuple[Tensor, Tensor]], rows: Any, f: int) -> tuple[list[float], list[float]] | None:
    """What a rule answers to rows as lists; None where it refuses them."""
    try:
        value, weights = rule(torch.tensor(rows, dtype=torch.float64), f)
    except TooFewUpdates:
        return None
    return value.tolist(), weights.tolist()


ROWS = st.integers(1, 3).flatmap(
    lambda d: st.lists(st.lists(st.integers(-6, 6).map(float), min_size=d, max_size=d), min_size=1, max_size=6)
)


@pytest.mark.parametrize("attack", DEFINED, ids=repr)
@given(ROWS, st.integers(0, 24), st.integers(0, 1))
@settings(deadline=None, max_examples=40)
def test_what_is_sent_is_what_the_definition_says(
    attack: Attack, rows: list[list[float]], others: int, buffers: int
) -> None:
    view = seen(attack, rows, max(2, len(rows)) + others, buffers=buffers)
    sent = attack.answer(view).rows
    searched = 20 * getattr(attack, "threshold", 0.0)
    wanted = expected(attack, [view], ORACLES[attack.kind])
    torch.testing.assert_close(sent, wanted, rtol=1e-7, atol=max(1e-9, searched))
    assert all(constraint.broken(view, sent) is None for constraint in attack.constraints())


@pytest.mark.parametrize("attack", REMEMBERING, ids=repr)
@given(st.integers(1, 3), st.lists(st.integers(2, 4), min_size=2, max_size=7), st.integers(0, 99), st.integers(0, 1))
@settings(deadline=None, max_examples=20)
def test_what_is_sent_after_some_rounds_is_what_the_definition_says(
    attack: Attack, d: int, sizes: list[int], seed: int, buffers: int
) -> None:
    views, sent = course(attack, d, sizes, seed, buffers)
    torch.testing.assert_close(sent, expected(attack, views, ORACLES[attack.kind]), rtol=1e-7, atol=1e-9)


APART = [[0.0, 1.0], [1.0, 3.0], [5.0, 4.0], [2.0, 9.0], [7.0, 6.0]]
TELLING = [(APART, 14), (APART, 6), ([[10 + x, 10 + y] for x, y in APART], 14)]
"""Rows, and how many updates the server averages: of few most are the attack's; far from zero some rules keep none."""
COURSES = [(4, (4, 5, 5, 4, 4, 3, 4), seed) for seed in (13, 16, 25)]
"""How long rows are, how many clients answer in each round, and what is drawn."""


@pytest.mark.parametrize("kind", MISREAD)
def test_a_misreading_is_told_apart(kind: str) -> None:
    """In one of the configurations worth trying, at least."""
    shown = list(_shown(ATTACKS.kinds[kind].examples()))
    for name, wrong in MISREADINGS[kind].items():
        apart = [float((sent - expected(attack, views, wrong)).abs().max()) for attack, views, sent in shown]
        assert max(apart) > 2e-3, name


def _shown(examples: Sequence[Attack]) -> Iterator[tuple[Attack, list[View], Tensor]]:
    for attack in examples:
        for rows, received in TELLING:
            view = seen(attack, rows, received)
            yield attack, [view], attack.answer(view).rows
        if attack in REMEMBERING:
            yield from ((attack, *course(attack, *told)) for told in COURSES)


def test_the_number_of_deviations_of_the_papers_own_example() -> None:
    """50 workers of whom 24 are corrupted: two supporters are needed among 26, so Phi(z) < 24 / 26."""
    assert largest_z(50, 24) == pytest.approx(1.4260, abs=1e-4)
