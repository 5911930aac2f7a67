from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import FangMedian, FangTrimmedMean

BOTH = pytest.mark.parametrize("kind", [FangTrimmedMean, FangMedian])


class Scripted:
    """A rule that answers with `value` and keeps the tolerances it was set to."""

    def __init__(self, *value):
        self.value, self.asked = value, []

    def __call__(self, rows, f):
        self.asked.append((len(rows), f))
        return torch.tensor(self.value, dtype=rows.dtype), torch.full((len(rows),), 1 / len(rows))


def median(rows, f):
    ranked, n = rows.sort(dim=0).values, len(rows)
    return (ranked[(n - 1) // 2] + ranked[n // 2]) / 2, torch.full((n,), 1 / n)


def spans(rows, intervals):
    """Whether each column stays in its interval and fills it."""
    for column, (low, high) in zip(rows.T, intervals, strict=True):
        slack = (high - low) * 0.02
        assert low <= column.min() <= low + slack
        assert high - slack <= column.max() <= high
    return True


@BOTH
def test_full_knowledge_goes_beyond_the_benign_models(view, kind):
    # Down from 1 and from -1, up from 3 and from -2, up from 0.
    benign = [[1.0, -1.0, -1.0, -2.0, -5.0], [2.0, 4.0, 3.0, -4.0, 0.0]]
    rule = Scripted(1.0, 1.0, -1.0, 0.0, -1.0)
    crafted = kind(knowledge="full").craft(view([[0.0] * 5] * 400, benign, assumed=rule))
    assert spans(crafted, [(0.5, 1.0), (-2.0, -1.0), (3.0, 6.0), (-2.0, -1.0), (0.0, 0.0)])


@BOTH
def test_intervals_are_those_of_models_not_of_updates(view, kind):
    # The received parameter is 10: the models 11 and 12 give [5.5, 11] downwards, in updates [-4.5, 1].
    down = kind(knowledge="full").craft(view([[0.0]] * 400, [[1.0], [2.0]], assumed=Scripted(1.0), origin=[10.0]))
    assert spans(down, [(-4.5, 1.0)])
    # It is -10: the models -9 and -8 give [-8, -4] upwards, in updates [2, 6].
    up = kind(knowledge="full").craft(view([[0.0]] * 400, [[1.0], [2.0]], assumed=Scripted(-1.0), origin=[-10.0]))
    assert spans(up, [(2.0, 6.0)])


@BOTH
def test_b_stretches_the_interval(view, kind):
    attack = kind(knowledge="full", b=4.0)
    crafted = attack.craft(view([[0.0, 0.0]] * 400, [[2.0, -2.0]], assumed=Scripted(-1.0, -1.0)))
    assert spans(crafted, [(2.0, 8.0), (-2.0, -0.5)])


@BOTH
@pytest.mark.parametrize(("c", "f"), [(2, 2), (3, 2), (4, 3)])
def test_the_rule_tolerates_the_crafted_rows_or_what_it_can(view, kind, c, f):
    rule = Scripted(1.0)
    kind(knowledge="full").craft(view([[1.0]] * c, [[1.0]] * 3, assumed=rule))
    assert rule.asked == [(c + 3, f)]


@pytest.mark.parametrize(
    ("benign", "interval"),
    [
        ([1.0, 2.0, 10.0], (10.0, 20.0)),  # the median 2 moves to 6 upwards, to 1.5 downwards
        ([-10.0, 2.0, 3.0], (-20.0, -10.0)),  # the median 2 moves to 2.5 upwards, to -4 downwards
        ([1.0, 2.0, 3.0], (3.0, 6.0)),  # equally far: upwards
    ],
)
def test_the_deviation_goal_takes_the_better_side(view, benign, interval):
    attack = FangMedian(knowledge="full", goal="deviation")
    crafted = [attack.craft(view([[2.0]], [[x] for x in benign], assumed=median, seed=seed)) for seed in range(400)]
    assert spans(torch.cat(crafted), [interval])


@BOTH
def test_partial_knowledge_goes_three_to_four_deviations_beyond_the_mean(view, kind):
    # Means 2, -2 and 0 with deviation 1: down, up, and up.
    own = [[1.0, -3.0, -1.0], [3.0, -1.0, 1.0]] * 200
    assert spans(kind().craft(view(own)), [(-2.0, -1.0), (1.0, 2.0), (3.0, 4.0)])


@BOTH
def test_a_single_own_row_is_sent_as_it_is(view, kind):
    assert kind().craft(view([[1.5, -2.5]])).tolist() == [[1.5, -2.5]]


@BOTH
def test_full_knowledge_of_nobody_is_partial_knowledge(view, kind):
    own = view([[1.0], [3.0]], [[0.0]])
    nobody = replace(own, benign=own.benign[:0], generator=torch.Generator().manual_seed(0))
    assert torch.equal(kind(knowledge="full").craft(nobody), kind().craft(own))


@BOTH
@pytest.mark.parametrize("b", [1.0, 0.5, float("inf")])
def test_b_exceeds_one(kind, b):
    with pytest.raises(ValidationError, match="b\n"):
        kind(b=b)


@BOTH
def test_the_direction_may_come_from_the_mean_instead_of_the_rule(view, kind):
    # The median of the first parameter falls while its mean rises.
    own, benign = [[-1.0, 1.0]], [[-1.0, 1.0], [-1.0, 2.0], [9.0, 3.0]]
    by_rule = kind(knowledge="full").craft(view(own, benign, assumed=median))
    by_mean = kind(knowledge="full", direction="mean").craft(view(own, benign, assumed=median))
    assert by_rule[0, 0] >= 9
    assert by_mean[0, 0] <= -1
    assert max(by_rule[0, 1], by_mean[0, 1]) <= 1
