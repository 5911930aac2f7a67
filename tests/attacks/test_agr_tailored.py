"""The tailored attack by hand, against Krum, a mean and a median that it asks."""

import pytest
import torch

from fedprop.aggregators import Krum, Mean, Median
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import AGRTailored
from fedprop.errors import TooFewUpdates

LINE = [[0.0], [1.0], [2.0], [3.0], [4.0]]


def test_krum_selects_it_as_far_as_zero_and_no_farther(view):
    """Two crafted rows at s in [0, 1], so f = 2 and three neighbours.

    Their score is s^2 + (1 - s)^2, that of 0 is 2 s^2 + 1. Below zero the former is larger.
    """
    seen = view([[9.0]] * 2, LINE, assumed=AssumedRule("krum", Mean()))
    for row in AGRTailored(knowledge="full", push="unit", goal="selection", threshold=1e-5).craft(seen):
        assert 0 <= row.item() <= 2e-5


def test_a_mean_follows_to_the_end_of_the_search(view):
    """b = 2 and gamma up to 20: the two of seven crafted rows at -18 make it (10 - 36) / 7."""
    seen = view([[9.0]] * 2, LINE, assumed=AssumedRule(None, Mean()))
    sent = AGRTailored(knowledge="full", push="unit", threshold=1e-5).craft(seen)
    assert sent.flatten().tolist() == pytest.approx([-18.0] * 2, abs=1e-4)


def test_what_is_sent_moves_a_median_as_far_as_anything_on_the_way(view):
    honest = torch.randn(7, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    seen = view([[0.0] * 4] * 2, honest.tolist(), assumed=AssumedRule(None, Median()))

    def moved(row):
        return float((Median()(torch.cat([row.repeat(2, 1), honest])) - honest.mean(dim=0)).norm())

    [sent, _] = AGRTailored(knowledge="full").craft(seen)
    grid = torch.linspace(0, 20, 401)
    assert moved(sent) >= 0.999 * max(moved(honest.mean(dim=0) - g * honest.std(dim=0)) for g in grid)


def test_a_rule_that_cannot_be_asked_is_met_with_the_bound_of_min_max(view):
    def refuses(rows, f):
        raise TooFewUpdates("`f` is too large")

    seen = view([[9.0]], [[0.0], [4.0]], assumed=refuses)
    assert AGRTailored(knowledge="full", push="unit", threshold=1e-5).craft(seen).item() == pytest.approx(0.0, abs=2e-5)


def test_own_rows_stand_in_with_their_share_of_copies(view):
    """4 of 8 are its own: 4 * 4 // 8 copies among 4."""
    asked = []

    def rule(rows, f):
        asked.append((len(rows), f))
        return Krum(f=1)(rows), torch.ones(len(rows))

    AGRTailored().craft(view(LINE[:4], LINE, assumed=rule))
    assert set(asked) == {(6, 2)}
