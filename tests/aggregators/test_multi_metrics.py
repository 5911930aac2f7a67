"""Multi-metrics: sums and scores by hand."""

import pytest
import torch

from fedprop.aggregators import Cohort, MultiMetrics
from fedprop.aggregators.multi_metrics import lowest, metrics, scores

ROWS = torch.tensor([[3.0, 0.0], [0.0, 4.0], [3.0, 4.0]], dtype=torch.float64)


def test_three_sums_by_hand():
    """The cosines are 0, 0.6 and 0.8; the Manhattan distances 7, 4 and 3; the lengths 3, 4 and 5."""
    expected = [[1 + 0.16, 7 + 4, 1 + 2], [1 + 0.04, 7 + 3, 1 + 1], [0.16 + 0.04, 4 + 3, 2 + 1]]
    for unit in (1.0, 2.0**600, 2.0**-600):
        found = metrics(unit * ROWS)
        assert (found[:, 1:] / found[0, 2]).flatten().tolist() == pytest.approx(
            [v / 3 for z in expected for v in z[1:]]
        )
        assert found[:, 0].tolist() == pytest.approx([z[0] for z in expected])


def test_metrics_are_whitened_and_not_centred():
    """Of one metric 1, 2, 3 the variance is 2/3; a second one, ten times it, adds nothing, nor does a constant."""
    one = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    alone = scores(torch.stack([one, 0 * one, 0 * one + 7], dim=1))
    assert alone.tolist() == pytest.approx([1.5, 6.0, 13.5])
    assert scores(torch.stack([one, 10 * one, 0 * one], dim=1)).tolist() == pytest.approx([1.5, 6.0, 13.5])


def test_of_equal_scores_the_first_are_kept():
    assert sorted(lowest(torch.tensor([2.0, 1.0, 2.0, 2.0 - 1e-12, 3.0]), 3).tolist()) == [0, 1, 2]


def test_kept_rows_count_the_same_whatever_they_claim():
    before = ROWS.clone()
    answer = MultiMetrics(p=0.7).aggregate(Cohort(ROWS, examples=(1, 9, 100)))
    assert sorted(answer.weights.tolist()) == [0.0, 0.5, 0.5]
    assert MultiMetrics(p=1.0).aggregate(ROWS).weights.tolist() == pytest.approx([1 / 3] * 3)
    assert torch.equal(ROWS, before)
