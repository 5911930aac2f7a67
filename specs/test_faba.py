"""FABA deletes a Byzantine row as long as one is far off.

**Lemma (Xia et al., IJCAI 2019).** Let a share alpha < 1/2 of the rows left be Byzantine, let the others have mean mu
and lie within eps of it. If the farthest Byzantine row is farther than eps / (1 - 2 alpha) from mu, the row deleted is
Byzantine. *Proof.* With delta for that distance, the mean of all rows left is at most alpha delta from mu. So the
Byzantine row is at least (1 - alpha) delta from it, and an honest one at most eps + alpha delta, which is less.

*Precondition.* mu must be the mean of the honest rows left. With any point within eps of them in its place the
statement is false; a case is below.

**Theorem.** FABA is (f, kappa)-robust with kappa the largest over b = 0, ..., f of
((b n / (n - 2f) sqrt(h - 1) + sqrt(b (h - b))) / h)^2, where h = n - f. *Proof.* Let V be the variance of the h honest
rows and eps the largest distance of one from their mean mu, so that eps^2 <= (h - 1) V: the others balance it. Say that
b honest rows are deleted, so that b Byzantine ones are left in their place. If b = 0 the answer is mu. Else, when the
first honest row was deleted, all honest rows were left and a share of at most f / n was Byzantine; by the lemma each
Byzantine row left was within eps n / (n - 2f) of mu. The b honest rows deleted add up, seen from mu, to at most
sqrt(b (h - b) V), being one part of two that balance. So h times the error is at most b eps n / (n - 2f) plus that.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import FABA
from fedprop.aggregators.faba import faba_kappa
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import errors_and_spreads, honest_sets
from fedprop.verify.hunting.search import ratio

LEAST = {(5, 1): 1.33, (7, 2): 3.91, (9, 2): 1.92, (9, 3): 8.65}
"""Ratios that a search found, which no coefficient may undercut."""


def deleted(rows: torch.Tensor, f: int) -> list[int]:
    """The rows without weight."""
    return (FABA(f=f).aggregate(rows).weights == 0).nonzero().flatten().tolist()


@given(cases(f=2, min_rows=5), st.floats(1e-3, 1e6))
def test_the_lemma(case: Case, beyond: float) -> None:
    """All Byzantine rows are sent beyond the bound of the lemma: both go, one after the other."""
    rows, honest = case.rows.double(), torch.tensor(case.honest)
    mu = rows[honest].mean(dim=0)
    eps = float((rows[honest] - mu).norm(dim=1).max()) or 1.0
    bound = eps / (1 - 2 * 2 / len(rows))
    away = torch.nn.functional.normalize(rows[~honest] - mu + 1e-3, dim=1)
    rows[~honest] = mu + bound * (1 + beyond) * away
    assert deleted(rows, 2) == (~honest).nonzero().flatten().tolist()


def test_the_lemma_needs_the_mean_of_the_honest_rows() -> None:
    """All honest rows lie within 1 of 0, and 2 is beyond 1 / (1 - 2/11); yet -1 is farther from the mean 10/11."""
    rows = torch.tensor([[1.0]] * 9 + [[-1.0], [2.0]])
    assert deleted(rows, 1) == [9]


@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1)))
def test_the_coefficient(case: Case) -> None:
    rows, n, rule = case.rows.double(), len(case.rows), FABA(f=case.f)
    errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, case.f, case.seed))
    slack = tolerance(rule.contract(), rows) * rows.shape[1]
    assert (errors <= faba_kappa(n, case.f) ** 0.5 * spreads * (1 + 1e-9) + slack).all()


def test_the_coefficient_undercuts_nothing_and_is_attained_for_one_of_five() -> None:
    assert all(faba_kappa(*size) >= least for size, least in LEAST.items())
    rows = torch.tensor([[0.0], [0.0], [0.0], [1.0], [-1 + 1e-9]], dtype=torch.float64)
    assert ratio(FABA(f=1), rows, 1) == pytest.approx(faba_kappa(5, 1), rel=1e-6)
