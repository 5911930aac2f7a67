"""Bulyan's coordinates stay near the median of the honest values.

**Theorem (after El Mhamdi et al., ICML 2018, Section 4).** Let n >= 4f + 3, let theta = n - 2f rows be selected,
at most f of them Byzantine, and beta = theta - 2f >= 3. In each coordinate let m be the median of the selected values.
Then

1. m lies within the selected honest values;
2. the output differs from m by at most the beta-th smallest distance of a selected honest value from m;
3. so the output leaves the range [lo, hi] of all honest values by at most hi - lo.

*Proof sketch.* theta >= 2f + 3, so fewer than half of the selected values are Byzantine: 1 as for the median. At least
theta - f = beta + f selected values are honest. The beta values nearest to m are at least as near as the beta nearest
*honest* ones, and so is their mean: 2. Both m and these honest values lie in [lo, hi]: 3.

This is what takes the leverage of sqrt(d) from the attacker: the bound holds per coordinate, where Krum's holds for the
norm only. The honest range itself is not kept, as an example shows.
"""

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from fedprop.aggregators import Bulyan
from fedprop.oracles.bulyan import selection
from fedprop.properties import Case, cases

OUTSIDE = Case(
    torch.tensor([[1.0, 0.0], [4.0, 0.0], [4.0, 4.0], [2.0, 0.0], [0.0, 1.0], [4.0, 4.0], [5.0, 1.0]]),
    honest=(True,) * 6 + (False,),
    f=1,
)
"""The attacker's 5 is among the three values nearest the median 4 of the selected ones."""

tolerable = st.integers(0, 2).flatmap(lambda f: cases(f=f, min_rows=4 * f + 3))


@given(tolerable)
@example(OUTSIDE)
def test_output_stays_within_the_neighbourhood_of_the_median(case: Case) -> None:
    rows = case.rows.double()
    chosen = selection(rows.tolist(), case.f)
    honest = rows[[i for i in chosen if case.honest[i]]]
    middle = rows[chosen].quantile(0.5, dim=0)
    beta = len(chosen) - 2 * case.f
    rounding = 1e-12 * honest.abs().amax(dim=0)
    assert (honest.amin(dim=0) - rounding <= middle).all()
    assert (middle <= honest.amax(dim=0) + rounding).all()
    nearest = (honest - middle).abs().sort(dim=0).values[beta - 1]
    out = Bulyan(f=case.f)(rows)
    assert ((out - middle).abs() <= nearest + rounding).all()


@given(tolerable)
@example(OUTSIDE)
def test_output_leaves_the_honest_range_by_at_most_its_width(case: Case) -> None:
    rows = case.rows.double()
    honest = rows[list(case.honest)]
    low, high = honest.amin(dim=0), honest.amax(dim=0)
    rounding = 1e-12 * honest.abs().amax(dim=0)
    out = Bulyan(f=case.f)(rows)
    assert (low - (high - low) - rounding <= out).all()
    assert (out <= high + (high - low) + rounding).all()


def test_the_honest_range_is_not_kept() -> None:
    honest = OUTSIDE.rows[:6, 0]
    assert float(Bulyan(f=1)(OUTSIDE.rows)[0]) > float(honest.max())


@given(st.integers(2, 3), st.sampled_from([1e3, 1e10, 1e20]), st.integers(0, 99))
def test_a_clique_is_selected_last_and_gains_nothing(f: int, far: float, seed: int) -> None:
    """The last pick counts f - 1 neighbours, so f equal rows score zero in it. That is why selection is not enough."""
    rows = torch.randn(4 * f + 3, 5, generator=torch.Generator().manual_seed(seed))
    rows[:f] = far
    chosen = selection(rows.tolist(), f)
    assert 0 in chosen
    honest = rows[f:]
    out = Bulyan(f=f)(rows)
    assert ((honest.amin(dim=0) <= out) & (out <= honest.amax(dim=0))).all()
