"""Rules that average the rows nearest to a point stay as near to it as honest rows are.

The rules are CGE (Gupta, Liu and Vaidya, 2021), MoNNA (Farhadkhani et al., ICML 2023) and Aksel (Boussetta et al.,
2020); the statements are derived here.

**Theorem 1 (CGE, MoNNA).** Let F be the mean of the k = n - f rows nearest to a point p, of which nobody else has a
say: the origin for CGE, the server's own row for MoNNA. Then ||F - p|| is at most the mean over any k rows of their
distances from p; so over the honest ones. *Proof.* No k rows have a smaller sum of distances, and norms are convex.

**Theorem 2 (Aksel).** Let c be the median's coefficient (`specs/test_exact_constants.py`). Aksel with f has
kappa = 4 (sqrt(f / h) + f / h sqrt(c))^2 with h = n - f, and without f, kappa = (sqrt(c) + sqrt(1 + c))^2. *Proof.* The
first as in `order_statistics.around_kappa`, with lengths of vectors for distances of numbers. Without f the k rows kept
are no more than the honest ones, so the mean of their squared distances from the median m is at most that of all honest
ones, V + ||m - mu||^2 <= (1 + c) V; and ||F - mu|| <= ||F - m|| + ||m - mu||.
"""

import torch
from hypothesis import given

from fedprop.aggregators import CGE, Aggregator, Aksel, MoNNA, Rooted
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import errors_and_spreads, honest_sets


@given(cases(f=2, min_rows=5))
def test_the_answer_is_as_near_as_honest_rows_are(case: Case) -> None:
    rows, honest = case.rows.double(), torch.tensor(case.honest)
    slack = 1e-12 * float(rows.abs().max())
    assert float(CGE(f=2)(rows).norm()) <= float(rows[honest].norm(dim=1).mean()) + slack
    own = rows[honest][:1]
    found = Rooted(rule=MoNNA(f=2))(torch.cat([own, rows])) - own
    near = (torch.cat([own, rows[honest]]) - own).norm(dim=1)
    assert float(found.norm()) <= float(near.mean()) + slack


@given(cases(f=2, min_rows=5))
def test_the_coefficients_of_aksel(case: Case) -> None:
    rows, n = case.rows.double(), len(case.rows)
    rules: tuple[Aggregator, ...] = (Aksel(), Aksel(f=2))
    for rule in rules:
        errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, 2, case.seed))
        kappa = rule.contract().kappa
        assert kappa is not None
        slack = tolerance(rule.contract(), rows) * rows.shape[1]
        assert (errors <= kappa.bound(n, 2) ** 0.5 * spreads * (1 + 1e-9) + slack).all()


def test_a_byzantine_row_of_ordinary_length_turns_cge_round() -> None:
    """Theorem 1 promises no more: with 3 honest rows at 1 and 2 others at -0.9, nothing but -0.9 and 1 is averaged."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-0.9, -0.9 + 1], [-0.9, 0.0], [0.0, -0.9]])
    assert float(CGE(f=2)(rows) @ torch.tensor([1.0, 0.0])) < 0
