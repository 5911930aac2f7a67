import pytest
import torch

from fedprop.aggregators import Cohort, Mean, Median, Region, SybilRemoval


def test_by_hand() -> None:
    """Of six rows the three highest cosines count, so three copies have the score 3, and the others 1, 1 and 1.6.

    The median is 2.3, the mean of 1.6 and 3. Deviations are 0.7 four times, and 1.3 twice. So the bound is 2 * 3 = 6.
    At 0.999 times 3 the copies would be above it, but less than 1 is refused, since nobody might be left.
    """
    rows = torch.tensor([[1.0, 0, 0], [2, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1], [3, -4, 0]])
    assert torch.equal(SybilRemoval()(rows), rows)
    assert torch.equal(SybilRemoval(times=1.0)(rows), rows)
    with pytest.raises(ValueError, match="times"):
        SybilRemoval(times=0.999)


def test_copies_go_with_all_that_is_known_of_them() -> None:
    """Three copies and four other directions: scores 3 and 1, median 1, deviation 0, bound 2."""
    rows = torch.eye(5)[[0, 1, 1, 2, 3, 1, 4]] * torch.tensor([[1.0], [5], [7], [2], [4], [9], [3]])
    cohort = Cohort(rows, (10, 11, 12, 13, 14, 15, 16), (1, 2, 3, 4, 5, 6, 7), (0, 1, 0, 2, 0, 0, 3))
    staged = SybilRemoval().answer(cohort, None)
    assert (staged.cohort.clients, staged.cohort.examples) == ((10, 13, 14, 16), (1, 4, 5, 7))
    assert staged.cohort.staleness == (0, 2, 0, 3)
    assert staged.mixing.nonzero().tolist() == [[0, 0], [1, 3], [2, 4], [3, 6]]
    assert (SybilRemoval() >> Mean()).aggregate(cohort).weights.tolist() == [0.25, 0, 0, 0.25, 0.25, 0, 0.25]


def test_a_score_at_the_bound_stays() -> None:
    """Two copies among orthogonal rows have the score 2, and the bound is 2 (1 + 0)."""
    rows = torch.eye(6, dtype=torch.float64)[[0, 1, 2, 3, 4, 5, 5]] * 0.1
    assert len(SybilRemoval()(rows)) == 7
    assert len(SybilRemoval(times=1.999)(rows)) == 5


def test_without_its_own_cosine_a_score_is_one_cosine_less_its_own() -> None:
    """Two copies among four orthogonal rows: scores are 0 but for two of 1, and the bound is 0.

    With their own cosines scores are 1 and 2, and the bound is 2.
    """
    rows = torch.eye(5)[[0, 4, 1, 2, 4, 3]]
    staged = SybilRemoval(self_similarity=False).answer(Cohort(rows), None)
    assert staged.measured is not None
    assert staged.measured.tolist() == [0, 1, 0, 0, 1, 0]
    assert staged.cohort.clients == (0, 2, 3, 5)
    assert len(SybilRemoval()(rows)) == 6


def test_without_their_own_cosines_rows_that_all_point_apart_stay() -> None:
    """Three at 120 degrees: scores are -1, and twice that would be below all. A copy of one then has 1 - 1/2."""
    rows = torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]], dtype=torch.float64)
    step = SybilRemoval(self_similarity=False)
    assert len(step(rows)) == 3
    assert len(step(rows[:2])) == 2
    assert len(step(rows[:1])) == 1
    # Four rows, two highest of three cosines: 0.5, 0.5, -1, -1. The median is -0.25, the deviation 0.75, the bound 1.
    assert len(step(rows[[0, 0, 1, 2]])) == 4
    # Five rows that add up to nothing, three highest of four cosines -1/4: nobody has company.
    simplex = torch.eye(5, dtype=torch.float64) - 0.2
    assert len(step(simplex)) == 5


def test_rows_of_zeros_have_no_direction_and_stay() -> None:
    rows = torch.cat([torch.zeros(3, 4), torch.eye(4)])
    assert len(SybilRemoval()(torch.zeros(4, 2))) == 4
    assert len(SybilRemoval()(rows[:1])) == 1
    assert len(SybilRemoval()(rows)) == 7
    # With four zeros of seven the median score is 0, and whoever has a direction is above any multiple of it.
    assert SybilRemoval()(torch.cat([rows[:1], rows[:-1]])).tolist() == [[0.0] * 4] * 4


@pytest.mark.parametrize("unit", [1e200, 1e-200, 1e-300])
def test_rows_of_any_size(unit: float) -> None:
    rows = torch.eye(5, dtype=torch.float64)[[0, 1, 1, 2, 3, 1, 4]]
    assert len(SybilRemoval()(rows * unit)) == 4
    rows[1] *= unit
    assert len(SybilRemoval()(rows)) == 4


def test_what_a_rule_may_claim_of_fewer_rows() -> None:
    contract = (SybilRemoval() >> Median()).contract()
    assert (contract.lies_in, contract.kappa, contract.translation) == (Region.BOX, None, False)
    assert (contract.permutation, contract.scaling) == (True, True)
    assert SybilRemoval().by_direction
