import pytest
import torch

from fedprop.attacks import FangKrum, FangMedian, FangTrimmedMean, NoAttack
from fedprop.attacks.constraints import (
    beyond_benign_range,
    near_first,
    within_benign_diameter,
    within_benign_scatter,
    within_deviations,
    within_length,
)


def rows(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


@pytest.fixture
def seen(view):
    """Two benign rows 4 apart, one row of the attack's own."""
    return view([[100.0, 0.0]], [[0.0, 0.0], [4.0, 0.0]])


@pytest.mark.parametrize(("crafted", "within"), [((4.0, 0.0), True), ((2.0, 3.0), True), ((4.01, 0.0), False)])
def test_diameter(seen, crafted, within):
    assert (within_benign_diameter().broken(seen, rows(crafted)) is None) == within


# The benign rows' squared distances add up to 16; a row at (2, y) has 2 * (4 + y * y), which is 16 at y = 2.
@pytest.mark.parametrize(("crafted", "within"), [((2.0, 2.0), True), ((4.0, 0.0), True), ((2.0, 2.01), False)])
def test_scatter(seen, crafted, within):
    assert (within_benign_scatter().broken(seen, rows(crafted)) is None) == within


# Mean 2, deviation 2; by the sample's formula 2.83.
@pytest.mark.parametrize(
    ("z", "correction", "value", "within"),
    [(1.5, 0, 5.0, True), (1.5, 0, 5.01, False), (1.5, 0, -1.01, False), (1.5, 1, 6.2, True), (1.5, 1, 6.3, False)],
)
def test_deviations(seen, z, correction, value, within):
    constraint = within_deviations(z, correction=correction)
    assert (constraint.broken(seen, rows((value, 0.0))) is None) == within


def test_many_deviations_are_rounded_as_what_is_sent(view):
    many = view([[0.0]], [[0.0], [1.0], [3.0]], dtype=torch.float32)
    mean, deviation = 4 / 3, (14 / 9) ** 0.5
    sent = torch.tensor([[mean + 1e6 * deviation]], dtype=torch.float32)
    sent = sent.nextafter(sent * 2)
    assert within_deviations(1e6).broken(many, sent) is None
    assert within_deviations(1e6).broken(many, sent * 1.00001) is not None


def test_deviations_may_depend_on_the_numbers_of_rows(seen):
    asked = []
    constraint = within_deviations(lambda n, f: asked.append((n, f)) or 1.0)
    assert constraint.broken(seen, rows((4.0, 0.0))) is None
    assert "entry 0 of crafted row 1 is 4.1" in constraint.broken(seen, rows((4.0, 0.0), (4.1, 0.0)))
    assert asked == [(3, 1)] * 2


def test_hidden_benign_rows_are_replaced_by_the_own_ones(view):
    hidden = view([[0.0], [4.0]])
    assert within_benign_diameter().broken(hidden, rows([4.0])) is None
    assert within_benign_diameter().broken(hidden, rows([4.1])) is not None
    assert within_deviations(1.0).broken(hidden, rows([4.1])) is not None


def test_a_single_row_has_no_deviation(view):
    alone = view([[1.0]])
    assert within_deviations(2.0, correction=1).broken(alone, rows([1.0])) is None
    assert within_deviations(2.0, correction=1).broken(alone, rows([1.1])) is not None


@pytest.mark.parametrize(("value", "beyond"), [(0.0, True), (4.0, True), (-1.0, True), (5.0, True), (2.0, False)])
def test_range(seen, value, beyond):
    told = beyond_benign_range(source="").broken(seen, rows((value, 0.0)))
    assert (told is None) == beyond
    assert beyond or "entry 0 of crafted row 0 is 2, inside" in told


def test_no_benign_row_has_no_range(view):
    assert beyond_benign_range(source="").broken(view([[0.0], [4.0]]), rows([2.0])) is None


def test_near_the_first(seen):
    assert near_first(1.0, source="").broken(seen, rows((0.0, 0.0), (0.6, 0.8))) is None
    assert "distance from the first is 1.1" in near_first(1.0, source="").broken(seen, rows((0.0, 0.0), (0.0, 1.1)))


def test_rounding_of_float32_is_forgiven(view):
    far = view([[0.0]], [[2.0**20], [2.0**20 + 1]], dtype=torch.float32)
    assert within_benign_diameter().broken(far, rows([2.0**20 - 0.125], dtype=torch.float32)) is None
    assert within_benign_diameter().broken(far, rows([2.0**20 - 2], dtype=torch.float32)) is not None


def test_what_fang_claims():
    def names(attack):
        return [constraint.name for constraint in attack.constraints()]

    assert names(FangMedian()) == ["within deviations"]
    assert names(FangTrimmedMean(knowledge="full")) == ["beyond benign range"]
    assert names(FangKrum()) == ["near the first"]
    assert names(NoAttack()) == []


def test_near_the_first_is_a_distance_of_rows(view):
    """(3, 4) is 5 from the first row, though no column is longer than 4 or its rows apart by more."""
    near = near_first(4.5, source="")
    assert near.broken(view([[0.0, 0.0]]), rows((0.0, 0.0), (3.0, 4.0))) is not None
    assert near_first(5.0, source="").broken(view([[0.0, 0.0]]), rows((0.0, 0.0), (3.0, 4.0))) is None
    assert near_first(1.5, source="").broken(view([[0.0, 0.0]]), rows((0.0, 0.0), (1.0, 1.0), (1.0, -1.0))) is None


def test_the_length_is_that_of_each_row(view):
    seen = view([[0.0, 0.0]])
    assert within_length(5.0, source="").broken(seen, rows((3.0, 4.0), (4.0, 3.0), (-5.0, 0.0))) is None
    assert within_length(4.9, source="").broken(seen, rows((3.0, 4.0), (0.0, 0.0))) is not None
    assert within_length(4.0, source="", order=float("inf")).broken(seen, rows((3.0, 4.0))) is None
    assert within_length(lambda view: 9.0, source="").broken(seen, rows((0.0, 8.9))) is None


def test_the_benign_range_is_that_of_each_coordinate(view):
    """Between 1 and 4 in the first, and between -9 and 5 in the second; no row is within its own numbers."""
    seen = view([[100.0, 0.0]], [[1.0, 5.0], [4.0, -9.0]])
    limit = beyond_benign_range(source="")
    assert limit.broken(seen, rows((1.0, -9.0), (4.0, 5.0), (0.0, 6.0))) is None
    assert limit.broken(seen, rows((1.0, 5.0), (3.0, 5.0))) is not None
    assert limit.broken(seen, rows((1.0, -8.0))) is not None
