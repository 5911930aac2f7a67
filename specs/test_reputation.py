"""AFA: a majority is never left out, and nobody who is left out in every round stays.

**Source:** Munoz-Gonzalez, Co and Lupu 2019, Algorithm 1 (reconstructed), with alpha = beta = 3 and delta = 0.95.

**Theorem 1 (half stay).** At least half of the clients that are left are left by the next pass as well. *Proof.* Only
models strictly beyond the median, on one side of it, are left out.

**Theorem 2 (six rounds).** A client that is left out in every round is blocked after six of them, and not before.
*Proof.* P(p < 1/2) for Beta(3, 3 + k) grows with k; it is 0.945 at k = 5 and 0.967 at k = 6.
"""

import torch
from hypothesis import given

from fedprop.aggregators import AFA, Cohort
from fedprop.properties import Case, cases


@given(cases(f=2, min_rows=4))
def test_at_least_half_of_the_models_stay_in_one_pass(case: Case) -> None:
    rows, model = case.rows.double()[1:], case.rows.double()[0]
    once = AFA(xi=1e-9, xi_step=1e9)  # nobody is left out by the second pass
    answer = once.aggregate(Cohort(rows, model=model))
    assert sum(alpha > 3 for alpha, _ in answer.state.values()) >= len(rows) / 2


def test_six_rounds_out_of_line_are_enough_and_needed() -> None:
    rows = torch.tensor([[1.0, 0.0]] * 6 + [[0.0, 1.0]], dtype=torch.float64)
    state, outside = AFA().init(), []
    for _ in range(8):
        answer = AFA().aggregate(Cohort(rows, model=torch.zeros(2, dtype=torch.float64)), state)
        state = answer.state
        outside.append(state[6])
    assert outside == [(3, min(3 + number, 9)) for number in range(1, 9)]
