"""The search climbs to known worst cases and never above a proved constant."""

import pytest
import torch

from fedprop.aggregators import Bulyan, Krum, Mean, Median, NearestNeighbourMixing, TrimmedMean
from fedprop.verify import verify
from fedprop.verify.hunting.search import breakdown_point, ratio, worst_case
from fedprop.verify.rules.claims import RulePlan
from fedprop.verify.targets.target import target_of


def test_the_ratio_is_the_definition():
    rows = torch.tensor([[0.0], [2.0], [7.0]], dtype=torch.float64)
    assert ratio(lambda rows: rows[2], rows, 1) == 36.0
    assert ratio(lambda rows: rows.mean(dim=0) * torch.inf, rows, 1) == 0.0
    assert ratio(Mean(), torch.ones(3, 1, dtype=torch.float64), 1) == 0.0


def test_the_median_of_three_reaches_its_worst_case():
    """The Byzantine row beyond an honest pair 0, 1 makes one of them the median: (1/2)^2 over a variance of 1/4."""
    peak = worst_case(Median(), 3, 1, bound=1.0, seed=0)
    assert peak.kappa == pytest.approx(1.0, rel=1e-9)
    assert not peak.above


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        Krum(f=1),
        Krum(f=2, m=2),
        TrimmedMean(f=2),
        Median(),
        NearestNeighbourMixing(f=1) >> TrimmedMean(f=1),
    ],
    ids=repr,
)
def test_no_proved_constant_is_exceeded(rule):
    f = getattr(rule, "f", 1)
    contract, n = rule.contract(), max(rule.min_rows, 2 * f + 1)
    peak = worst_case(rule, n, f, bound=contract.kappa.bound(n, f), seed=1)
    assert 0.1 < peak.kappa < peak.bound * (1 + 1e-9)


def test_a_wrong_constant_is_refuted():
    peak = worst_case(Median(), 5, 2, bound=1.0, seed=0)
    assert peak.above
    assert peak.kappa == pytest.approx(ratio(Median(), torch.tensor(peak.rows, dtype=torch.float64), 2))


@pytest.mark.parametrize(
    ("rule", "n", "rows"), [(Mean(), 5, 1), (Median(), 5, 3), (Krum(f=1), 5, 3), (Bulyan(f=1), 7, 4)]
)
def test_breakdown_points(rule, n, rows):
    assert breakdown_point(rule, n, 1).rows == rows


def test_a_rule_that_heeds_nobody_never_breaks_down():
    assert breakdown_point(lambda rows: torch.zeros(rows.shape[1]), 4, 1).rows is None


def test_a_rule_with_a_bug_of_its_own_is_reported_and_not_a_traceback():
    class Buggy(Mean):
        kind: str = "buggy"

        def value(self, updates):
            return [][0]

    report = verify(Buggy, n=range(3, 4), examples=2, search=True, f=1, curious=False)
    assert report.broken
    assert report.limits == ()
    assert report.search[0].kappa == 0.0


def test_a_rule_that_never_answers_has_no_limit_and_no_peak(monkeypatch):
    monkeypatch.setattr("fedprop.verify.hunting.patience.PATIENCE", 0.05)

    def hangs(rows):
        while True:
            pass

    plan = RulePlan(target_of(hangs, "hangs", {}), fs=[1], n=range(3, 5))
    assert plan.limits() == plan.search(0) == ()
    report = verify(hangs, n=range(3, 5), examples=5, search=True, f=1)
    assert [outcome.name for outcome in report.outcomes if outcome.verdict == "broken"] == ["answers"]
    assert report.limits == report.search == ()


def test_verify_reports_the_search():
    report = verify(Median, f=1, n=range(3, 5), examples=2, search=True, curious=False)
    assert [(p.n, p.f, p.bound) for p in report.search] == [(3, 1, 1.0), (4, 1, 0.5)]
    assert report.limits[0].rows == 2
    assert report.command.endswith("--search")
