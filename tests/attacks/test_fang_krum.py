import math

import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import FangKrum, lambda_bound

PAIRS = [[1.0], [1.0], [-1.0], [-1.0]]


class Scripted:
    """A rule that answers with `value` and selects the last row when it tolerates at least `f`; keeps the questions."""

    def __init__(self, value=(0.0,), f=0):
        self.value, self.f, self.asked = value, f, []

    def __call__(self, rows, f):
        self.asked.append((len(rows), f))
        weights = torch.zeros(len(rows))
        weights[-1 if f >= self.f else 0] = 1
        return torch.tensor(self.value, dtype=rows.dtype), weights


@pytest.mark.parametrize(("value", "sign"), [(2.0, -1), (-2.0, 1), (0.0, 1)])
def test_full_knowledge_goes_against_the_aggregate(view, value, sign):
    krum = Scripted([value])
    crafted = FangKrum(knowledge="full").craft(view([[9.0]], PAIRS, assumed=krum))
    assert crafted.item() == pytest.approx(sign * (1 + math.sqrt(2)))
    assert krum.asked == [(5, 1), (5, 1)]


def test_the_received_parameters_do_not_matter(view):
    # w_Re - lambda * s is the update -lambda * s, wherever w_Re is.
    rows = [
        FangKrum(knowledge="full").craft(view([[9.0]], PAIRS, assumed=Scripted(), origin=o)) for o in ([0.0], [50.0])
    ]
    assert torch.equal(*rows)


def test_supporters_stay_within_epsilon(view):
    benign = [[float(i), 0.0] for i in range(6)]
    crafted = FangKrum(knowledge="full", epsilon=0.5).craft(
        view([[1.0, 1.0]] * 3, benign, assumed=Scripted((1.0, -1.0)))
    )
    bound = lambda_bound(torch.tensor(benign), 3)
    assert crafted[0].tolist() == pytest.approx([-bound, bound])
    distances = (crafted[1:] - crafted[0]).norm(dim=1)
    assert ((distances > 0) & (distances <= 0.5)).all()
    assert distances[0] != distances[1]


def test_epsilon_zero_sends_equal_rows(view):
    crafted = FangKrum(epsilon=0.0).craft(view([[1.0, 2.0]] * 3))
    assert torch.equal(crafted, crafted[:1].expand(3, -1))


def test_the_deviation_goal_pushes_all_parameters_down(view):
    krum = Scripted((-1.0, 1.0))
    benign = [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]]
    crafted = FangKrum(knowledge="full", goal="deviation").craft(view([[1.0, -1.0]], benign, assumed=krum))
    bound = lambda_bound(torch.tensor(benign), 1)
    assert crafted[0].tolist() == pytest.approx([-bound, -bound])
    assert krum.asked == [(5, 1)]


def test_partial_knowledge_adds_crafted_rows_until_one_is_selected(view):
    own = [[1.0], [2.0], [3.0], [4.0], [5.0], [7.0]]
    krum = Scripted(f=3)
    crafted = FangKrum(threshold=1.0).craft(view(own, assumed=krum))
    assert crafted[0].item() == pytest.approx(-lambda_bound(torch.tensor(own), 3))
    questions = [*dict.fromkeys(krum.asked)]
    assert questions == [(7, 1), (8, 2), (9, 3)]


def test_partial_knowledge_takes_the_signs_of_the_mean(view):
    own = [[1.0, -1.0, 1.0], [2.0, -2.0, -1.0], [3.0, -3.0, 1.0], [4.0, -4.0, -1.0]]
    crafted = FangKrum().craft(view(own, assumed=Scripted((0.0, 0.0, 0.0))))
    assert crafted[0].sign().tolist() == [-1, 1, 1]


@pytest.mark.parametrize("c", [1, 2, 3])
def test_too_few_own_rows_reverse_their_mean(view, c):
    # The mean (3, -4) has length 5, and so has (-x, x) with x = 5 / sqrt(2).
    crafted = FangKrum().craft(view([[3.0, -4.0]] * c))
    assert crafted[0].tolist() == pytest.approx([-5 / math.sqrt(2), 5 / math.sqrt(2)])


def test_a_cohort_too_small_for_krum_is_treated_alike(view):
    crafted = FangKrum(knowledge="full").craft(view([[3.0, -4.0]], [[-1.0, 1.0]] * 3))
    assert crafted[0].tolist() == pytest.approx([-5 / math.sqrt(2), 5 / math.sqrt(2)])


@pytest.mark.parametrize("knowledge", ["partial", "full"])
def test_a_search_without_an_answer_falls_back(view, knowledge):
    krum = Scripted([-1.0], f=99)
    crafted = FangKrum(knowledge=knowledge, epsilon=0.0).craft(view([[-3.0]] * 4, [[5.0]] * 7, assumed=krum))
    assert crafted.flatten().tolist() == pytest.approx([3.0] * 4)
    assert krum.asked


@pytest.mark.parametrize("wrong", [{"epsilon": -1.0}, {"threshold": 0.0}, {"threshold": math.nan}])
def test_lengths_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        FangKrum(**wrong)


def test_the_direction_may_come_from_the_mean_instead_of_krum(view):
    krum = Scripted([-1.0])
    own, benign = [[9.0]], PAIRS
    by_rule = FangKrum(knowledge="full").craft(view(own, benign, assumed=krum))
    by_mean = FangKrum(knowledge="full", direction="mean").craft(view(own, benign, assumed=krum))
    assert by_rule.item() > 0 > by_mean.item()
