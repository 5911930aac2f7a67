"""Cao and Lai's rule: the server's own update bounds what any number of Byzantine clients can do.

F(x; r) is the mean of r and of the rows within xi ||r|| of it.

**Theorem 1 (near).** ||F - r|| <= xi ||r||, whatever the rows are. *Proof sketch.* F is a mean of points of a ball.

**Theorem 2 (forward).** With xi < 1 and r not zero, <F, r> >= (1 - xi) ||r||^2 > 0. *Proof sketch.* <F, r> is
||r||^2 + <F - r, r>, and the latter at least -xi ||r||^2.

**Source:** Cao and Lai, IEEE Transactions on Signal Processing 67:22, 2019: the inequalities that their analysis of any
number of attackers starts from. *Precondition:* finite rows.
"""

import torch
from hypothesis import given, target
from hypothesis import strategies as st

from fedprop.aggregators import CaoLai, Cohort, Reference
from fedprop.properties import Case, cases


@given(cases(f=2, min_rows=5), st.sampled_from([0.1, 0.9, 1.0, 4.0]), st.sampled_from([0.25, 1.0, 10.0]))
def test_the_answer_stays_near_the_servers_update_and_does_not_turn_from_it(
    case: Case, xi: float, weight: float
) -> None:
    rows = case.rows.double()
    reference = rows[0]
    answer = CaoLai(xi=xi, weight=weight).aggregate(Cohort(rows[1:], server=Reference(reference))).value
    length = float(reference.norm())
    away = float((answer - reference).norm())
    target(away / (length or 1.0))
    assert away <= xi * length * (1 + 1e-9)
    assert float(answer @ reference) >= (1 - xi) * length**2 - 1e-9 * max(1.0, xi) * length**2


def test_at_twice_the_length_it_may_turn_round() -> None:
    server = Reference(torch.tensor([1.0]))
    rows = torch.full((3, 1), -1.0)
    assert CaoLai(xi=2.0).aggregate(Cohort(rows, server=server)).value.item() < 0
