"""Zeno++: what is let in lowers the server's loss, by as much as its price says.

Let the server's loss f be L-smooth (its gradient changes by at most L times the way), v its gradient at a model w', and
r = -gamma v. A row let in at the model w comes in as x, with <r, x> - rho ||x||^2 >= -epsilon and ||x|| = ||r||.

**Theorem 1 (descent).** f(w) - f(w + F) >= (rho / gamma - L / 2) ||r||^2 - epsilon / gamma - L ||w - w'|| ||r||, where
F is the answer to rows of which one at least is let in. *Proof sketch.* f(w + x) <= f(w) + <f'(w), x> + L / 2 ||x||^2,
and f'(w) is L ||w - w'|| from v at most. The same holds of means of such x, which are no longer than ||r||.

**Theorem 2 (no way round).** With epsilon = 0 and rho > 0, at most one of a row and its opposite is let in. *Proof
sketch.* The sum of the two scores is -2 rho ||x||^2.

**Theorem 3 (bounded).** ||F|| <= ||r||, whatever the rows are.

**Source:** Xie, Koyejo and Gupta, ICML 2020, Definition 2; the bound is the step that their convergence proof rests on.
"""

import torch
from hypothesis import assume, given, target
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, Reference, ZenoPlusPlus
from fedprop.properties import Case, cases

LONGEST = 1e6
"""Entries of rows beyond this would leave the bound to rounding."""

rules = st.sampled_from([ZenoPlusPlus(), ZenoPlusPlus(rho=0.0), ZenoPlusPlus(rho=0.5), ZenoPlusPlus(epsilon=0.25)])


def drawn(case: Case) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows, where the server's loss is least, and where its gradient was taken; the present model is zero."""
    rows = case.rows.double()
    assume(float(rows.abs().max()) <= LONGEST)
    return rows[2:], rows[0], rows[1]


@given(cases(f=2, min_rows=5), rules, st.sampled_from([0.1, 1.0, 8.0]), st.sampled_from([0.01, 0.5]), st.booleans())
def test_what_is_let_in_lowers_the_loss_and_is_no_longer_than_the_servers_update(
    case: Case, rule: ZenoPlusPlus, smooth: float, gamma: float, stale: bool
) -> None:
    rows, best, then = drawn(case)
    then = then if stale else torch.zeros_like(then)
    reference = gamma * smooth * (best - then)
    answer = rule.aggregate(Cohort(rows, server=Reference(reference)))
    length = float(reference.norm())
    assert float(answer.value.norm()) <= length * (1 + 1e-12)
    assume(bool(answer.weights.any()))
    fall = smooth / 2 * float(best.square().sum() - (best - answer.value).square().sum())
    least = (rule.rho / gamma - smooth / 2) * length**2 - rule.epsilon / gamma
    least -= smooth * float(then.norm()) * length
    scale = smooth * float(best.norm() + answer.value.norm()) ** 2 + abs(least)
    target((least - fall) / (scale or 1.0))
    assert fall >= least - 1e-9 * scale


@given(cases(f=2, min_rows=5), st.sampled_from([1e-3, 0.01, 0.5]))
def test_a_row_and_its_opposite_are_never_both_let_in(case: Case, rho: float) -> None:
    rows, reference, _ = drawn(case)
    rule, server = ZenoPlusPlus(rho=rho), Reference(reference)
    there, back = (rule.aggregate(Cohort(way * rows, server=server)).weights > 0 for way in (1, -1))
    assert not bool((there & back).any())


def test_without_a_price_both_may_be() -> None:
    server = Reference(torch.tensor([1.0, 0.0]))
    for way in (1.0, -1.0):
        assert ZenoPlusPlus(rho=0.0).aggregate(Cohort(torch.tensor([[0.0, way]]), server=server)).weights.item() == 1
