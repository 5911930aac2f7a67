"""Attacks that follow from a formula are what their papers define, and not what these have been read as.

Theorem. ALIE (Baruch et al., NeurIPS 2019, Algorithm 3) sends mu - z_max sigma. Min-Max and Min-Sum (Shejwalkar and
Houmansadr, NDSS 2021, section IV) send b + gamma p with the largest gamma in [0, 2 gamma_0] that their bounds allow, up
to the search's threshold, and what they send keeps to the bounds exactly.

Preconditions. Rows of a moderate size, so that the oracle's roots are good to the tolerance.

Proof sketch. By a definition in float64 and plain loops, with the root of a quadratic where the attack searches. Each
misreading has an input on which it differs from the attack by more than the tolerance, so this can fail.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.attacks import ALIE, ATTACKS, Attack, MinMax, MinSum, View
from fedprop.attacks.pushed_mean import PushedMean
from fedprop.oracles.alie import alie, largest_z, with_the_cdf, with_the_sample_deviation
from fedprop.oracles.min_max import min_max, min_max_last_tried, min_sum, min_sum_below_the_smallest

Definition = Callable[..., list[float]]
BOUNDED: dict[type[PushedMean], Definition] = {MinMax: min_max, MinSum: min_sum}
FORMULAS = [attack for attack in ATTACKS.examples() if isinstance(attack, (ALIE, PushedMean))]


def expected(attack: Attack, rows: list[list[float]], view: View, definition: Definition | None = None) -> list[float]:
    """The row that the attack must send, by its definition or a misreading of it."""
    if isinstance(attack, ALIE):
        chosen = {} if definition else {"z": attack.z}
        return (definition or alie)(rows, view.received, len(view.own), **chosen)
    assert isinstance(attack, PushedMean)
    return (definition or BOUNDED[type(attack)])(rows, attack.push, 2 * attack.start)


def seen(attack: Attack, rows: list[list[float]], received: int) -> View:
    """A view in which these are the rows that the attack judges by."""
    own = torch.tensor(rows, dtype=torch.float64)
    benign = own if attack.sees == "full" else None
    return View(own[:2] if attack.sees == "full" else own, benign, torch.zeros(own.shape[1]), _unasked, GENERATOR,
                received=received)  # fmt: skip


GENERATOR = torch.Generator()


def _unasked(updates: Any, f: int) -> Any:
    raise AssertionError("these attacks ask no rule")


ROWS = st.integers(1, 3).flatmap(
    lambda d: st.lists(st.lists(st.integers(-6, 6).map(float), min_size=d, max_size=d), min_size=1, max_size=6)
)


@pytest.mark.parametrize("attack", FORMULAS, ids=repr)
@given(ROWS, st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_what_is_sent_is_what_the_definition_says(attack: Attack, rows: list[list[float]], received: int) -> None:
    view = seen(attack, rows, received)
    sent = attack.answer(view).rows
    wanted = torch.tensor(expected(attack, rows, view), dtype=torch.float64)
    torch.testing.assert_close(sent, wanted.expand_as(sent), rtol=1e-7, atol=2e-4)
    assert all(constraint.broken(view, sent) is None for constraint in attack.constraints())


APART = [[0.0, 1.0], [1.0, 3.0], [5.0, 4.0], [2.0, 9.0], [7.0, 6.0]]
MISREAD: list[tuple[Attack, Definition]] = [
    (ALIE(), with_the_cdf),
    (ALIE(), with_the_sample_deviation),
    (MinSum(), min_sum_below_the_smallest),
    (MinMax(), min_max_last_tried),
]


@pytest.mark.parametrize(("attack", "misreading"), MISREAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_misreading_is_told_apart(attack: Attack, misreading: Definition) -> None:
    view = seen(attack, APART, 14)
    sent = attack.answer(view).rows[0]
    right, wrong = (torch.tensor(expected(attack, APART, view, d), dtype=torch.float64) for d in (None, misreading))
    assert float((sent - right).abs().max()) < 2e-4
    assert float((sent - wrong).abs().max()) > 2e-3


def test_the_number_of_deviations_of_the_papers_own_example() -> None:
    """50 workers of whom 24 are corrupted: two supporters are needed among 26, so Phi(z) < 24 / 26."""
    assert largest_z(50, 24) == pytest.approx(1.4260, abs=1e-4)
