"""The largest set of rows that are near each other lies near any majority of rows.

Let h = floor(n / 2) + 1 and g = n - h, the largest minority; S any n - f >= h rows with mean mu and variance V, which
are at most D apart.

**Theorem.** The answer F of Sniper is at most (f / h + g / (n - f)) D from mu, and
kappa = (f / h sqrt(2 (n - f)) + sqrt(g / (n - f - g)))^2. *Proof.* At radius D the rows of S are a clique of h or more,
so the radius is at most D, and the set C that is kept is at most D wide. C and S have h members each or more, and so
share k >= |C| + |S| - n >= 1. Let m be the mean of those. F - m is (|C| - k) / |C| times the way from m to the mean of
the others in C, which is at most D; |C| - k <= f. Likewise mu - m is at most (|S| - k) / |S| D, and |S| - k <= g. For
the coefficient, D^2 <= 2 |S| V, since two of S are no farther apart than the sum of their ways to mu, and
||mu - m||^2 <= (|S| - k) / k V, as in `order_statistics.top_mean_kappa`.

The derivation is our own; Cao et al., ICPADS 2019, state no bound that we know of.
"""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.aggregators import Sniper
from fedprop.aggregators.sniper import sniper_kappa
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import errors_and_spreads, honest_sets


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(0, 2).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1, extra=2)))
def test_no_majority_is_farther_off(case: Case) -> None:
    rows, n, f = case.rows.double(), len(case.rows), case.f
    rule, sets = Sniper(), honest_sets(n, f)
    widths = torch.stack([torch.cdist(rows[kept], rows[kept]).max() for kept in sets])
    errors, spreads = errors_and_spreads(rows, rule(rows), sets)
    slack = tolerance(rule.contract(), rows) * rows.shape[1] + 1e-7 * float(
        (rows - rows.median(dim=0).values).abs().median()
    )
    most = n // 2 + 1
    assert (errors <= (f / most + (n - most) / (n - f)) * widths * (1 + 1e-6) + slack).all()
    assert (errors <= sniper_kappa(n, f) ** 0.5 * spreads * (1 + 1e-9) + slack).all()


def test_half_of_the_rows_are_no_majority() -> None:
    rows = torch.tensor([[0.0], [0.0], [9.0], [9.0]])
    assert float(Sniper()(rows)) > 0
