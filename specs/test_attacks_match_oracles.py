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
from collections.abc import Callable
from itertools import product
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


def expected(attack: Attack, view: View, reading: Definition) -> Tensor:
    """The rows that the attack must send, by its definition or a misreading of it, which take what they name.

    `rows` are those that the attack judges by, `n` the updates that the server averages, `m` the attack's among them.
    """
    known = {
        "rows": view.seen(attack.sees).tolist(),
        "own": view.own.tolist(),
        "everyone": (view.everyone if attack.sees == "full" else view.own).tolist(),
        "origin": view.origin.tolist(),
        "past": view.past.tolist(),
        "buffers": view.buffers,
        "n": view.received,
        "m": len(view.own),
        "assumed": lambda rows, f: _in_lists(view.assumed, rows, f),
        "generator": torch.Generator(),
        **dict(attack),
    }
    wanted = inspect.signature(reading).parameters
    if "known" in wanted:  # a misreading that hands on what the definition takes
        wanted = inspect.signature(ORACLES[attack.kind]).parameters
    answer = reading(**{name: value for name, value in known.items() if name in wanted})
    return torch.tensor(answer, dtype=torch.float64).expand(view.own.shape)


def seen(attack: Attack, rows: list[list[float]], received: int, *, buffers: int = 0) -> View:
    """A view in which these are the rows that the attack judges by; the model received is (1, 2, ...)."""
    benign = torch.tensor(rows, dtype=torch.float64) if attack.sees == "full" else None
    own = torch.tensor(rows[:2] if attack.sees == "full" else rows, dtype=torch.float64)
    origin = 1 + torch.arange(own.shape[1], dtype=torch.float64)
    past = torch.stack([0.5 * (age + 1) * origin.flip(0) for age in range(attack.looks_back)] or [origin[:0]])
    told = {"received": received, "buffers": buffers} | ({"past": past} if attack.looks_back else {})
    asked = "assumed" in inspect.signature(ORACLES[attack.kind]).parameters
    return View(own, benign, origin, _near_zero if asked else _refuses, torch.Generator(), **told)


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
@given(ROWS, st.integers(1, 30), st.integers(0, 1))
@settings(deadline=None, max_examples=40)
def test_what_is_sent_is_what_the_definition_says(
    attack: Attack, rows: list[list[float]], received: int, buffers: int
) -> None:
    view = seen(attack, rows, received, buffers=buffers)
    sent = attack.answer(view).rows
    searched = 20 * getattr(attack, "threshold", 0.0)
    wanted = expected(attack, view, ORACLES[attack.kind])
    torch.testing.assert_close(sent, wanted, rtol=1e-7, atol=max(1e-9, searched))
    assert all(constraint.broken(view, sent) is None for constraint in attack.constraints())


APART = [[0.0, 1.0], [1.0, 3.0], [5.0, 4.0], [2.0, 9.0], [7.0, 6.0]]
TELLING = [(APART, 14), (APART, 6), ([[10 + x, 10 + y] for x, y in APART], 14)]
"""Rows, and how many updates the server averages: of few most are the attack's; far from zero some rules keep none."""


@pytest.mark.parametrize("kind", MISREAD)
def test_a_misreading_is_told_apart(kind: str) -> None:
    """In one of the configurations worth trying, at least."""
    asked = list(product(ATTACKS.kinds[kind].examples(), TELLING))
    for name, wrong in MISREADINGS[kind].items():
        apart = []
        for attack, (rows, received) in asked:
            view = seen(attack, rows, received)
            sent, misread = attack.answer(view).rows, expected(attack, view, wrong)
            apart.append(float((sent - misread).abs().max()))
        assert max(apart) > 2e-3, name


def test_the_number_of_deviations_of_the_papers_own_example() -> None:
    """50 workers of whom 24 are corrupted: two supporters are needed among 26, so Phi(z) < 24 / 26."""
    assert largest_z(50, 24) == pytest.approx(1.4260, abs=1e-4)
