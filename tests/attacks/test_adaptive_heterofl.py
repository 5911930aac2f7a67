"""The adaptive attack by hand, against a rule that keeps rows in a box, and against a chain."""

from itertools import cycle

import pytest
import torch

from fedprop.aggregators import Mean, NormFilter
from fedprop.aggregators.assumed import AssumedRule
from fedprop.attacks import AdaptiveHeteroFL
from fedprop.errors import TooFewUpdates

OTHERS = [[0.0], [1.0], [2.0], [3.0], [4.0]]


def up_to(limit):
    """A rule that gives weight to rows of which no entry is above the limit."""
    return lambda rows, f: (rows.mean(dim=0), (rows.amax(dim=1) <= limit).double())


def test_all_crafted_rows_must_be_kept_and_the_mean_is_of_everybody(view):
    """(9 + 9 + 0 + 1 + 2 + 3 + 4) / 7 = 4; the second is pushed up instead of down, to 4.5 and no farther."""
    seen = view([[9.0]] * 2, OTHERS, assumed=up_to(4.5))
    sent = AdaptiveHeteroFL(push="unit", start=1.0, flips=0.5).craft(seen)
    assert sent.flatten().tolist() == pytest.approx([3.5, 4.5], abs=2e-4)


def test_each_client_but_the_first_turns_as_many_signs_at_random(view):
    """Of 5 entries ceil(0.3 * 5) = 2; the rule keeps everything, so that the search ends at twice the start."""
    seen = view([[1.0] * 5] * 9, assumed=up_to(99.0))
    sent = AdaptiveHeteroFL(knowledge="partial", push="sign", start=1.0, flips=0.3).craft(seen)
    turned = (sent - 1) / 2 > 0
    assert torch.allclose((sent - 1).abs(), torch.tensor(2.0).double(), atol=4e-4)
    assert turned.sum(dim=1).tolist() == [0] + [2] * 8
    assert len({tuple(row.tolist()) for row in turned}) > 3


@pytest.mark.parametrize(("search", "least", "most"), [("code", 0.0, 2.0), ("printed", 0.5, 1.5)])
def test_the_ends_of_the_search(view, search, least, most):
    """Where nothing is kept, and where everything is."""
    attack = AdaptiveHeteroFL(push="unit", start=1.0, flips=0.0, search=search)
    for limit, strength in ((-99.0, least), (99.0, most)):
        sent = attack.craft(view([[9.0]] * 2, OTHERS, assumed=up_to(limit)))
        assert sent.flatten().tolist() == pytest.approx([4.0 - strength] * 2, abs=2e-4)


def test_a_defense_that_draws_may_be_asked_more_than_once(view):
    """Rows up to 4.2 are always kept, up to 4.5 every other time: asked once, the search ends where it was lucky."""
    limits = cycle([4.2, 4.5])
    seen = view([[9.0]] * 2, OTHERS, assumed=lambda rows, f: up_to(next(limits))(rows, f))
    once, twice = (AdaptiveHeteroFL(push="unit", start=1.0, flips=0.5, asks=asks).craft(seen)[1] for asks in (1, 2))
    assert 4.2 < once.item() <= 4.5
    assert twice.item() == pytest.approx(4.2, abs=2e-4)


def test_a_chain_is_asked_like_a_rule(view):
    """All honest rows are 1, and what is three times as long is filtered out before the mean."""
    seen = view([[1.0]], [[1.0]] * 4, assumed=AssumedRule(None, NormFilter(upper=3.0) >> Mean()))
    assert AdaptiveHeteroFL(push="unit", start=4.0).craft(seen).item() == pytest.approx(-3.0, abs=2e-4)


def test_a_rule_that_cannot_be_asked_is_met_with_the_bound_of_min_max(view):
    def refuses(rows, f):
        raise TooFewUpdates("`f` is too large")

    # 0, 3 and 9 are at most 9 apart. Around their mean, 4, the one pushed down comes no farther than 0.
    seen = view([[9.0], [3.0]], [[0.0]], assumed=refuses)
    sent = AdaptiveHeteroFL(push="unit", start=4.0, flips=0.5).craft(seen)
    assert sent.flatten().tolist() == pytest.approx([0.0, 8.0], abs=2e-4)
