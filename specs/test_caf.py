"""CAF's filter ends, and what is far off loses all its weight.

The filter is that of Allouah, Guerraoui and Stephan (ICML 2025); the two statements are derived here.

**Theorem 1.** The filter takes at most 2f steps, and so ends in n. *Proof.* A step leaves the row farthest out without
weight, and no weight grows. After k steps at least k rows have none, the weights add up to at most n - k, and the
filter goes on only while that exceeds n - 2f.

**Theorem 2.** Of the means on the way, the answer's has the least largest eigenvalue; it is at most that of all rows.

**Observed, not proved here.** f rows however far away, whatever they agree on, have no weight in the answer.
"""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import CAF
from fedprop.aggregators.caf import filtering
from fedprop.aggregators.views import centred_gram
from fedprop.properties import Case, cases


@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1)))
def test_the_filter_ends_and_takes_the_least_of_what_it_saw(case: Case) -> None:
    rows, f = case.rows.double(), case.f
    steps = list(filtering(centred_gram(rows), f))
    assert len(steps) <= 2 * f
    without = [int((step.shares == 0).sum()) for step in steps]
    assert all(later > earlier for earlier, later in pairwise(without))
    if steps:
        least = min(float(step.eigenvalue) for step in steps)
        shares = CAF(f=f).aggregate(rows).weights
        (value,) = [step.eigenvalue for step in steps if torch.equal(step.shares, shares)][:1]
        assert float(value) <= least * (1 + 1e-8)


@given(cases(f=2, min_rows=6), st.sampled_from([1e6, 1e12]))
def test_far_rows_have_no_weight(case: Case, reach: float) -> None:
    rows, byzantine = case.rows.double(), ~torch.tensor(case.honest)
    middle = rows[~byzantine].mean(dim=0)
    spread = float((rows[~byzantine] - middle).abs().max()) or 1.0
    away = torch.nn.functional.normalize(rows[byzantine] - middle + 1e-3 * spread, dim=1)
    rows[byzantine] = middle + reach * spread * away
    assert not CAF(f=2).aggregate(rows).weights[byzantine].any()
