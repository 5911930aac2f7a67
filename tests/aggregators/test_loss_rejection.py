"""ERR, LFR and Union by hand, around several rules."""

import pytest
import torch

from fedprop.aggregators import (
    CenteredClipping,
    Cohort,
    Krum,
    LossRejection,
    Mean,
    Median,
    NormClipping,
    QuadraticSide,
)
from fedprop.aggregators.choice import dump_defense, parse_defense
from fedprop.errors import ServerUnknown, TooFewUpdates

ROWS = torch.tensor([[1.0], [2.0], [3.0], [4.0], [90.0]], dtype=torch.float64)
SIDE = QuadraticSide(torch.tensor([3.0]))


class TwoMinds(QuadraticSide):
    """Its accuracy is the higher the larger an update is."""

    def accuracies(self, candidates):
        return candidates[:, 0].double() / 100


def answered(rule, rows=ROWS, server=SIDE, seed=0):
    return rule.aggregate(Cohort(rows, server=server, generator=torch.Generator().manual_seed(seed)))


def test_the_row_whose_absence_lowers_the_loss_most_goes():
    """Without 90 the mean is 2.5; without 1, 2, 3 or 4 it is 24 or more."""
    before = ROWS.clone()
    answer = answered(LossRejection(f=1))
    assert (answer.value.tolist(), answer.weights.tolist()) == ([2.5], [0.25, 0.25, 0.25, 0.25, 0.0])
    assert answered(LossRejection(f=1, by="error")).value.tolist() == [2.5]
    assert torch.equal(ROWS, before)


def test_f_rows_go_even_if_each_of_them_helps():
    """Without 2, 3 or 4 the mean is 3.5, 3 or 2.5, so 3 goes: its absence leaves the loss at 0."""
    assert answered(LossRejection(f=1), ROWS[1:4]).weights.tolist() == [0.5, 0.0, 0.5]


def test_union_removes_what_either_removes():
    """By accuracy the absence of the smallest row helps most, by loss that of the largest."""
    assert answered(LossRejection(f=1, by="error"), server=TwoMinds(SIDE.best)).weights[0] == 0
    both = answered(LossRejection(f=1, by="union"), server=TwoMinds(SIDE.best))
    assert both.weights.tolist() == pytest.approx([0.0, 1 / 3, 1 / 3, 1 / 3, 0.0])
    assert answered(LossRejection(f=1, by="union")).weights.tolist() == [0.25, 0.25, 0.25, 0.25, 0.0]


def test_of_equal_effects_nobody_stays_for_where_it_stands():
    same = torch.full((3, 1), 7.0)
    gone = [answered(LossRejection(f=1), same, seed=seed).weights.argmin().item() for seed in range(30)]
    assert min(gone.count(place) for place in range(3)) > 2
    assert gone == [answered(LossRejection(f=1), same, seed=seed).weights.argmin().item() for seed in range(30)]


@pytest.mark.parametrize("by", ["error", "loss", "union"])
def test_attackers_who_stand_first_gain_and_lose_nothing_by_it(by):
    """Krum takes one of the crafted rows, which lie on one spot: without any one of them it takes another."""
    crafted, honest = (
        torch.full((3, 2), 5.0),
        torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, -4.0], [9.0, 9.0]]),
    )
    rows = torch.cat([crafted, honest])
    kept = [answered(LossRejection(f=2, by=by, rule=Krum(f=1)), rows, seed=seed).value.tolist() for seed in range(20)]
    mirrored = [
        answered(LossRejection(f=2, by=by, rule=Krum(f=1)), rows.flip(0), seed=seed).value.tolist()
        for seed in range(20)
    ]
    assert [5.0, 5.0] in kept
    assert [5.0, 5.0] in mirrored


def test_any_rule_may_be_inside_and_lowers_its_f_where_rows_are_few():
    """Without 3 the median is that of 2 and 4, and the loss 0."""
    assert answered(LossRejection(f=1, rule=Median())).weights.tolist() == [0.0, 0.5, 0.0, 0.5, 0.0]
    tolerant, plain = (answered(LossRejection(f=1, rule=Krum(f=f))) for f in (1, 0))
    assert tolerant.weights.tolist() == plain.weights.tolist()
    remembers = answered(LossRejection(f=1, rule=CenteredClipping(radius=1.0)))
    assert remembers.state.tolist() == remembers.value.tolist() == [1.0]


def test_it_is_written_and_read_like_any_rule():
    rule = LossRejection(f=2, by="union", rule=Krum(f=1))
    chain = LossRejection(f=1, rule=NormClipping(max_norm=1.0) >> Median())
    assert [parse_defense(dump_defense(each)) for each in (rule, chain)] == [rule, chain]
    assert parse_defense({"kind": "loss_rejection", "f": 2, "rule": "median"}) == LossRejection(f=2, rule=Median())
    assert LossRejection(f=1).asks == {"losses", "generator"}
    assert rule.asks == {"losses", "accuracies", "generator"}


def test_rows_must_be_left_and_a_server_must_tell():
    with pytest.raises(TooFewUpdates, match=r"n >= 5, to leave n >= 1, for LossRejection; found n=4, f=2"):
        answered(LossRejection(f=2, by="union"), ROWS[:4])
    with pytest.raises(ServerUnknown, match="`server` must be given with the cohort"):
        LossRejection(f=1).aggregate(Cohort(ROWS, generator=torch.Generator()))
    with pytest.raises(ServerUnknown, match="`generator` must be given with the cohort"):
        LossRejection(f=1).aggregate(Cohort(ROWS, server=SIDE))
    assert LossRejection(f=0)(ROWS).equal(Mean()(ROWS))
