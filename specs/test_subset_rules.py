"""The best n - f rows of all sets, by diameter or by largest eigenvalue, are near any n - f rows.

Let h = n - f, T the best set, S any other with mean mu, and V the variance of S. They share at least n - 2f rows.

**Theorem 1 (MDA; Farhadkhani et al., ICML 2022).** ||F - mu|| <= 2f / h * diam(S), and kappa = 8 f^2 / h. *Proof.* Pair
the rows of S that are not in T, at most f, with those of T that are not in S. Through a row that both share, two of a
pair are at most diam(S) + diam(T) <= 2 diam(S) apart, and F - mu is the sum of their differences over h. And
diam(S)^2 = ||a - b||^2 <= 2 ||a - mu||^2 + 2 ||b - mu||^2 <= 2 h V.

**Theorem 2 (SMEA).** ||F - mu||^2 <= 4f / (n - 2f) * lambda, where lambda is the largest eigenvalue of the covariance
of S; so kappa = 4f / (n - 2f), since lambda <= V. *Proof.* Let v point from mu to F. Along v, the mean of t of h values
with variance s differs from that of all by at most sqrt((h - t) / t s), as in `order_statistics.top_mean_kappa`; here
(h - t) / t <= f / (n - 2f) for the t rows shared. Seen from S, s <= lambda; seen from T, s is at most T's eigenvalue,
which is at most lambda. The two differences add up. The constant is exact: n - 2f honest rows at 0, f at 1, and the
Byzantine ones a little nearer than 1 on the other side come as close to it as one likes.

Allouah et al., ICML 2023, publish 4f / (n - f) (1 + f / (n - 2f))^2, which is (n - f) / (n - 2f) times as large.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.aggregators import MDA, SMEA, Aggregator
from fedprop.aggregators.mda import mda_kappa
from fedprop.aggregators.smea import smea_kappa
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import errors_and_spreads, honest_sets
from fedprop.verify.hunting.search import ratio

SIZES = [(n, f) for n in range(3, 10) for f in range(1, (n + 1) // 2)]
LEAST = {
    "mda": {(5, 1): 1.37, (7, 2): 3.20, (9, 2): 2.12, (9, 3): 5.23},
    "smea": {(5, 1): 1.33, (7, 2): 2.59, (9, 2): 1.55, (9, 3): 3.90},
}
"""Ratios that a search found, which no coefficient may undercut."""


def largest_eigenvalue(rows: torch.Tensor) -> torch.Tensor:
    """Of the covariance of rows [h, d]."""
    away = rows - rows.mean(dim=0)
    return torch.linalg.eigvalsh(away.T @ away / len(rows))[-1].clamp(min=0)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.integers(1, 2).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1, extra=2)))
def test_no_set_is_farther_off(case: Case) -> None:
    rows, n, f = case.rows.double(), len(case.rows), case.f
    sets = honest_sets(n, f)
    mda, smea = MDA(f=f), SMEA(f=f)
    widths = torch.stack([torch.cdist(rows[kept], rows[kept]).max() for kept in sets])
    scatters = torch.stack([largest_eigenvalue(rows[kept]) for kept in sets])
    rules: tuple[tuple[Aggregator, float, torch.Tensor], ...] = (
        (mda, mda_kappa(n, f), 2 * f / (n - f) * widths),
        (smea, smea_kappa(n, f), (smea_kappa(n, f) * scatters).sqrt()),
    )
    for rule, kappa, bounds in rules:
        errors, spreads = errors_and_spreads(rows, rule(rows), sets)
        slack = tolerance(rule.contract(), rows) * rows.shape[1] + 1e-7 * float(
            (rows - rows.median(dim=0).values).abs().median()
        )
        assert (errors <= kappa**0.5 * spreads * (1 + 1e-9) + slack).all()
        assert (errors <= bounds * (1 + 1e-6) + slack).all()


def test_rows_attain_the_constant_of_smea() -> None:
    for n, f in SIZES:
        rows = torch.tensor([0.0] * (n - 2 * f) + [1.0] * f + [-1 + 1e-6] * f, dtype=torch.float64)[:, None]
        assert ratio(SMEA(f=f), rows, f) == pytest.approx(smea_kappa(n, f), rel=1e-5)


def test_nothing_that_was_found_is_undercut() -> None:
    for size, found in LEAST["mda"].items():
        assert mda_kappa(*size) >= found
    for size, found in LEAST["smea"].items():
        assert smea_kappa(*size) >= found
