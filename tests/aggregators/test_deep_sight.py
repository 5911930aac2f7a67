"""DeepSight: energies, exceedings, differences and verdicts by hand."""

import math

import pytest
import torch

from fedprop.aggregators import Cohort, DeepSight, Head, Logits, NearestNeighbourMixing, deep_sight
from fedprop.aggregators.columns import blocks_of
from fedprop.aggregators.deep_sight import accepted, flagged, normalized, output_layer
from fedprop.errors import ServerUnknown

HEAD = Head(torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.tensor([7, 8, 9]))
ROWS = torch.tensor([[9.0, 1.0, 0.0, 0.0, -1.0, 0.5, 0.0, -1.0, 0.0, 0.5],
                     [9.0, 1.0, 0.0, 0.0, -2.0, 0.5, 0.0, -1.0, 0.0, 0.5],
                     [9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)  # fmt: skip


def cohort(rows, model=None, seed=0):
    start = torch.zeros(len(rows[0]), dtype=rows.dtype) if model is None else model
    return Cohort(rows, classifier=Logits(start), generator=torch.Generator().manual_seed(seed))


def test_energies_are_those_of_the_output_layer():
    """(2, 1, 1) squared is 4 : 1 : 1, and (2, 2, 1) is 4 : 4 : 1; the first entry of a row belongs to no class."""
    for size in (1.0, 1e200, 1e-200):
        for elements in (3, 10**6):
            with blocks_of(elements):
                energies, biases = output_layer(ROWS * size, HEAD)
            expected = torch.tensor([[4, 1, 1], [4, 4, 1], [0, 0, 0]]) / torch.tensor([[6.0], [9.0], [1.0]])
            assert torch.allclose(normalized(energies), expected.double())
            assert torch.allclose(
                biases / biases[0, 2].abs(), ROWS[:, 7:] / 0.5 * torch.tensor([[1.0], [1.0], [0.0]]).double()
            )


def test_flagged_is_who_exceeds_no_more_than_half_as_often_as_the_median():
    """Thresholds are a third of the largest: 1, 2, 2 and 3 exceed them, so that the median is 2, and 1 its half."""
    neups = torch.tensor([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
    assert flagged(neups).tolist() == [True, False, False, False]
    # Of 1, 1, 3 and 3 the median lies between the two in the middle.
    assert flagged(neups[[0, 0, 3, 3]]).tolist() == [True, True, False, False]
    # A third of the largest does not exceed a third of it, whatever rounding makes of these.
    assert flagged(torch.tensor([[0.3, 0.1, 0.1]] * 2 + [[0.3, 0.3, 0.3]] * 3)).tolist() == [True] * 2 + [False] * 3


def test_a_cluster_goes_if_a_third_of_it_is_flagged_and_an_outlier_if_it_is():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, -1, -1])
    flags = torch.tensor([True, False, False, False, True, False, False, True, False])
    assert accepted(labels, flags).tolist() == [True] * 4 + [False] * 4 + [True]


def test_three_that_learnt_one_class_go():
    """The median length is that of (0, 0, 9) and (1, -1, 1) between them, and longer than the three that stay."""
    rows = torch.tensor([[1.0, -1.0, 1.0]] * 3 + [[0.0, 0.0, 9.0]] * 3, dtype=torch.float64)
    answer = DeepSight().aggregate(cohort(rows))
    assert answer.weights.tolist() == pytest.approx([1 / 3] * 3 + [0] * 3)
    assert answer.value.tolist() == pytest.approx([1.0, -1.0, 1.0])
    rows[0] *= 2  # the longest that stays is cut to the median length: (2 sqrt(3) + 9) / 2 or more leaves it
    rows[3:] *= 1 / 9
    assert DeepSight().aggregate(cohort(rows)).weights[0] == pytest.approx(
        (math.sqrt(3) + 1) / 2 / (2 * math.sqrt(3)) / 3
    )


def test_equal_rows_stay_as_they_are_and_rows_that_leave_the_output_layer_alone_go():
    for n in (1, 2, 3, 9):
        row = torch.tensor([[1.0, -2.0, 1.0]], dtype=torch.float64)
        assert DeepSight().aggregate(cohort(row.repeat(n, 1))).value.tolist() == pytest.approx(row[0].tolist())
        nobody = DeepSight().aggregate(cohort(0 * row.repeat(n, 1)))
        assert (nobody.value.tolist(), nobody.weights.sum()) == ([0.0] * 3, 0.0)


def test_no_order_of_the_rows_matters_though_most_distances_are_equal():
    draw = torch.Generator().manual_seed(0)
    kinds = set()
    for trial in range(6):
        rows = torch.randint(-2, 3, (5 + 2 * trial, 4), generator=draw).double()
        model = torch.randn(4, generator=draw, dtype=torch.float64)
        order = torch.randperm(len(rows), generator=draw)
        for rule in DeepSight.examples():
            answer, other = (rule.aggregate(cohort(told, model)) for told in (rows, rows[order]))
            assert torch.allclose(other.weights, answer.weights[order], atol=1e-12), trial
            assert torch.allclose(other.value, answer.value, atol=1e-12), trial
            kinds.add(int((answer.weights > 0).sum()))
    assert len(kinds) > 5


class Broken(Logits):
    """Where somebody sends zeros, answers are no numbers."""

    def probabilities(self, candidates, inputs, seed):
        found = super().probabilities(candidates, inputs, seed)
        return torch.full_like(found, math.nan) if bool((candidates[:, 3] == 7).any()) else found


def test_answers_that_are_no_numbers_are_a_client_s_own_affair():
    rows = torch.tensor([[1.0, -1.0, 1.0, 0.0]] * 4 + [[0.0, 1.0, 0.0, 7.0]], dtype=torch.float64)
    told = Cohort(rows, classifier=Broken(torch.zeros(4)), generator=torch.Generator())
    assert DeepSight().aggregate(told).weights.tolist() == pytest.approx([0.25] * 4 + [0.0])


asked = []


class Counting(Logits):
    """Notes how many candidates come at once; answers differ by seed."""

    def probabilities(self, candidates, inputs, seed):
        asked.append(len(candidates))
        return super().probabilities(candidates * (1 + seed % 7), inputs, seed)


@pytest.mark.parametrize(("elements", "groups"), [(2**18, [9]), (12, [3, 3, 3]), (7, [1] * 9), (1, [1] * 9)])
def test_as_many_clients_are_asked_about_at_once_as_fit_in_a_block(monkeypatch, elements, groups):
    rows = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = DeepSight().aggregate(Cohort(rows, classifier=Counting(rows[0]), generator=torch.Generator())).weights
    asked.clear()
    monkeypatch.setattr(deep_sight, "BLOCK_ELEMENTS", elements)
    told = Cohort(rows, classifier=Counting(rows[0]), generator=torch.Generator())
    assert torch.equal(DeepSight().aggregate(told).weights, expected)
    assert asked == [1, *groups] * 3


def test_rows_behind_a_stage_are_worked_out_as_they_are_needed():
    rows = torch.randn(9, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mixed = NearestNeighbourMixing(f=2)(rows)
    expected = DeepSight().aggregate(cohort(mixed))
    chain = NearestNeighbourMixing(f=2) >> DeepSight()
    assert torch.allclose(chain.aggregate(cohort(rows)).value, expected.value)


def test_without_a_model_or_random_numbers_it_is_refused():
    with pytest.raises(ServerUnknown, match=r"`classifier` must be given with the cohort .*classifier=Logits"):
        DeepSight()(ROWS)
    with pytest.raises(ServerUnknown, match="`generator` must be given"):
        DeepSight().aggregate(Cohort(ROWS, classifier=Logits(ROWS[0])))


def test_what_exceeds_the_threshold_by_rounding_alone_does_not() -> None:
    """A third of 0.6 is less than 0.2 in floats: the first client has one exceeding, and the others have three."""
    neups = torch.tensor([[0.6, 0.2, 0.2], [0.4, 0.3, 0.3], [0.3, 0.4, 0.3]], dtype=torch.float64)
    assert flagged(neups).tolist() == [True, False, False]
