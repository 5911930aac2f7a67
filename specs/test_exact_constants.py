"""How far the trimmed mean and the median can be carried off: exactly, and what no rule can promise.

Write h = n - f for the number of honest rows and V for their variance. A rule is (f, kappa)-robust if its squared error
against the honest mean is at most kappa V for every honest set (Allouah et al., AISTATS 2023, Definition 2).

**Theorem 1.** The least such kappa is f / (n - 2f) for the coordinate-wise trimmed mean with parameter f, and
(n - 1) / (n + 1 - 2f) for odd n, (n - 2) / (n + 2 - 2f) for even n, for the coordinate-wise median.

*Proof.* Both are monotone in each value, so Byzantine values are worst where all are infinite, of one sign; the answer
is then at most the mean m of the a largest honest values: a = n - 2f for the trimmed mean, a = (n + 1) / 2 - f or
a = n / 2 + 1 - f for the median. With mu for the mean of all honest values and b for that of the h - a others,
m - mu = (h - a) / h (m - b), while V is at least the variance between the two groups, a (h - a) / h^2 (m - b)^2. So
(m - mu)^2 <= (h - a) / a V. Two-valued rows attain it. Squared errors and variances add up over coordinates.

**Theorem 2 (Allouah et al., AISTATS 2023).** No rule has kappa < f / (n - 2f). So the trimmed mean is
the best there is, by this measure, and published constants for it are at least six times too large.

**Theorem 3 (Yang et al., on the tension between robustness and accuracy without attack).** Without any Byzantine row
the squared error is at most e V, with e = f / (n - f) for the trimmed mean, k / (n - k) with k the whole part of
(n - 1) / 2 for the median, and 1 for the geometric median; no rule that is (f, kappa)-robust for some kappa has
e < f / (n - f).

*Consequence.* Mixing before a rule does not always help: a trimmed mean has kappa >= 4f / (n - 2f) behind it, four
times its own. `LEAST` lists ratios that a search found (d <= 2), which no claim may undercut.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import (
    AGGREGATORS,
    Aggregator,
    GeometricMedian,
    Krum,
    Median,
    NearestNeighbourMixing,
    TrimmedMean,
)
from fedprop.properties import Case, cases
from fedprop.properties.comparison import tolerance
from fedprop.properties.robustness import ROUNDED_ONE, errors_and_spreads, honest_sets
from fedprop.types import Updates
from fedprop.verify.hunting.search import ratio, worst_case

SIZES = [(n, f) for n in range(3, 12) for f in range(1, (n + 1) // 2)]
LEAST = {
    "krum": {(5, 1): 4.13, (7, 2): 7.13, (9, 2): 3.26, (9, 3): 8.12},
    "mean_around_median": {(5, 1): 1.50, (7, 2): 3.20, (9, 2): 1.90, (9, 3): 5.00},
    "geometric_median": {(5, 1): 1.00, (7, 2): 1.50, (9, 2): 1.33, (9, 3): 2.00},
}


def two_valued(n: int, f: int, high: int) -> Updates:
    """Honest rows at 0, so many of them at 1, and f Byzantine rows above."""
    return torch.tensor([0.0] * (n - f - high) + [1.0] * high + [2.0] * f, dtype=torch.float64)[:, None]


def constant(rule: Aggregator, n: int, f: int) -> float:
    kappa = rule.contract().kappa
    assert kappa is not None
    return kappa.bound(n, f)


def unattacked(rule: Aggregator, n: int) -> float:
    share = rule.contract().unattacked
    assert share is not None
    return share(n)


@given(st.integers(0, 3).flatmap(lambda f: cases(f=f, min_rows=2 * f + 1)))
def test_the_error_never_exceeds_the_constant(case: Case) -> None:
    rows, n = case.rows.double(), len(case.rows)
    for rule in (TrimmedMean(f=case.f), Median()):
        errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, case.f, case.seed))
        slack = tolerance(rule.contract(), rows) * rows.shape[1]
        assert (errors <= constant(rule, n, case.f) ** 0.5 * spreads * ROUNDED_ONE + slack).all()


def test_two_valued_rows_attain_the_constant() -> None:
    for n, f in SIZES:
        trimmed, median = TrimmedMean(f=f), Median()
        assert ratio(trimmed, two_valued(n, f, n - 2 * f), f) == pytest.approx(constant(trimmed, n, f), rel=1e-12)
        assert ratio(median, two_valued(n, f, n // 2 + 1 - f), f) == pytest.approx(constant(median, n, f), rel=1e-12)


def test_the_search_reaches_the_constant_and_no_more() -> None:
    for rule, n, f in [(TrimmedMean(f=2), 6, 2), (Median(), 8, 3)]:
        peak = worst_case(rule, n, f, bound=constant(rule, n, f), seed=0)
        assert peak.kappa == pytest.approx(constant(rule, n, f), rel=1e-9)
        assert not peak.above


def test_the_trimmed_mean_is_the_best_there_is() -> None:
    for n, f in SIZES:
        assert constant(TrimmedMean(f=f), n, f) == pytest.approx(f / (n - 2 * f), rel=1e-12)


def test_no_rule_claims_less_than_is_possible() -> None:
    tried = 0
    for rule in AGGREGATORS.examples():
        contract = rule.contract()
        for n, f in SIZES:
            if contract.kappa is not None and f in contract.tolerates(n):
                least = LEAST.get(rule.kind, {}).get((n, f), 0.0)
                assert constant(rule, n, f) >= max(f / (n - 2 * f), least) * (1 - 1e-12), rule
                tried += 1
                if contract.unattacked is not None:
                    assert unattacked(rule, n) >= f / (n - f) * (1 - 1e-12), rule
    assert tried > 50


@given(cases(f=0, min_rows=1))
def test_the_error_without_attack(case: Case) -> None:
    rows, n = case.rows.double(), len(case.rows)
    rules: list[Aggregator] = [Median(), GeometricMedian(), *(TrimmedMean(f=f) for f in range((n + 1) // 2))]
    for rule in rules:
        errors, spreads = errors_and_spreads(rows, rule(rows), honest_sets(n, 0))
        slack = tolerance(rule.contract(), rows) * rows.shape[1]
        assert (errors <= unattacked(rule, n) ** 0.5 * spreads * ROUNDED_ONE + slack).all()


def test_two_valued_rows_attain_the_error_without_attack() -> None:
    for n, f in SIZES:
        trimmed, median = TrimmedMean(f=f), Median()
        assert ratio(trimmed, two_valued(n, 0, n - f), 0) == pytest.approx(unattacked(trimmed, n), rel=1e-12)
        assert ratio(median, two_valued(n, 0, n // 2 + 1), 0) == pytest.approx(unattacked(median, n), rel=1e-12)
        assert unattacked(median, n) == pytest.approx((n - 1) // 2 / (n - (n - 1) // 2), rel=1e-12)


def test_mixing_makes_the_trimmed_mean_four_times_less_robust() -> None:
    """Most honest rows are at 0, f at 1, and the Byzantine ones a little nearer to 0 on the other side.

    So the rows at 0 are mixed with these and not with the honest ones.
    """
    for n, f in SIZES:
        near = -1 + 1e-6
        rows = torch.tensor([0.0] * (n - 2 * f) + [1.0] * f + [near] * f, dtype=torch.float64)[:, None]
        mixed = NearestNeighbourMixing(f=f) >> TrimmedMean(f=f)
        found = ratio(mixed, rows, f)
        assert found == pytest.approx(4 * constant(TrimmedMean(f=f), n, f), rel=1e-5)
        assert found <= constant(mixed, n, f)


def test_mixing_helps_krum_among_many_rows() -> None:
    mixed = NearestNeighbourMixing(f=2) >> Krum(f=2)
    assert constant(mixed, 100, 2) < constant(Krum(f=2), 100, 2)
