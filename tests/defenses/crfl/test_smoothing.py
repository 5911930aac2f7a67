"""The vote of noised copies against its closed form, and the bounds on shares against what defines them."""

import math

import pytest
import torch
from torch import nn

from fedprop.defenses.crfl import tally, votes
from fedprop.defenses.crfl.smoothing import Votes

COPIES, STD = 2000, 0.5


def test_two_classes_are_told_apart_as_the_normal_distribution_says():
    """Outputs w x + b: their difference is normal, of deviation std sqrt(2 (x^2 + 1))."""
    x = torch.tensor([[0.0], [1.0], [-2.0]])
    parameters = torch.tensor([0.3, -0.1, 0.2, 0.1])  # w of both classes, then b
    counts = votes(nn.Linear(1, 2), parameters, x, std=STD, copies=COPIES, generator=torch.Generator().manual_seed(0))
    assert counts.sum(dim=1).tolist() == [COPIES] * 3
    for (first, _), at in zip(counts.tolist(), x[:, 0].tolist(), strict=True):
        wanted = 0.5 * (1 + math.erf((0.4 * at + 0.1) / (STD * math.sqrt(2 * (at * at + 1))) / math.sqrt(2)))
        assert abs(first / COPIES - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / COPIES)


def test_where_another_class_may_have_as_many_votes_nothing_is_answered():
    least = torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64)
    found = Votes(torch.zeros(3, dtype=torch.int64), least, torch.full_like(least, 0.5))
    assert found.abstains.tolist() == [True, True, False]


def above(share, count, copies):
    """How likely at least so many of the copies give an answer of that share."""
    return math.fsum(math.comb(copies, k) * share**k * (1 - share) ** (copies - k) for k in range(count, copies + 1))


def test_bounds_by_clopper_and_pearson_are_where_the_count_is_just_too_unlikely():
    alpha, counts = 0.06, [[20, 7, 3], [30, 0, 0], [14, 10, 6]]
    found = tally(torch.tensor(counts), alpha=alpha)
    assert found.answer.tolist() == [0, 0, 0]
    assert above(float(found.least[0]), 20, 30) == pytest.approx(alpha / 6)
    assert 1 - above(float(found.most[0]), 8, 30) == pytest.approx(alpha / 6)
    assert float(found.least[1]) == pytest.approx((alpha / 6) ** (1 / 30))
    assert float(found.most[1]) == pytest.approx(1 - float(found.least[1]))
    assert found.abstains.tolist() == [True, False, True]


def test_bounds_by_hoeffding_by_hand():
    """sqrt(ln(4 / 0.04) / 200) = 0.152; the rest has no more than the first leaves it."""
    found = tally(torch.tensor([[90, 10], [10, 90], [60, 40]]), alpha=0.04, bound="hoeffding")
    apart = math.sqrt(math.log(100) / 200)
    assert found.answer.tolist() == [0, 1, 0]
    assert found.least.tolist() == pytest.approx([0.9 - apart, 0.9 - apart, 0.6 - apart])
    assert found.most.tolist() == pytest.approx([0.1 + apart, 0.1 + apart, 0.4 + apart])
    assert found.abstains.tolist() == [False, False, True]
