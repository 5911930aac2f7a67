import pytest
import torch

from fedprop.aggregators import Cohort, Krum, Mean, Median, NormFilter, Region
from fedprop.errors import TooFewUpdates

LENGTHS = (0.1, 1.0, 3.0, 2.9, 0.11)


def rows_of(*lengths: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.tensor([[length, 0.0] if i % 2 else [0.0, -length] for i, length in enumerate(lengths)], dtype=dtype)


def test_by_hand() -> None:
    """The median length is 1, and the bounds 0.1 and 3 are strict."""
    cohort = Cohort(rows_of(*LENGTHS), (5, 6, 7, 8, 9), (1, 2, 3, 4, 5), (0, 0, 0, 2, 0))
    staged = NormFilter().answer(cohort, None)
    assert (staged.cohort.clients, staged.cohort.examples) == ((6, 8, 9), (2, 4, 5))
    assert staged.cohort.staleness == (0, 2, 0)
    assert staged.mixing.nonzero().tolist() == [[0, 1], [1, 3], [2, 4]]
    answer = (NormFilter() >> Mean(weighting="examples")).aggregate(cohort)
    assert answer.weights.tolist() == pytest.approx([0, 2 / 11, 0, 4 / 11, 5 / 11])
    assert torch.allclose(answer.weights @ cohort.updates, answer.value)  # type: ignore[operator]


def test_of_an_even_number_the_median_is_the_mean_of_two() -> None:
    """2 of 1, 1, 3 and 5: the bounds are 0.2 and 6, and with the lower middle 5 would go."""
    assert len(NormFilter()(rows_of(1.0, 1.0, 3.0, 5.0))) == 4
    assert len(NormFilter()(rows_of(1.0, 1.0, 3.0, 6.0))) == 3


@pytest.mark.parametrize("unit", [1.0, 1e200, 1e-200, 1e-300])
def test_rows_of_any_size(unit: float) -> None:
    rows = rows_of(*LENGTHS) * unit
    assert len(NormFilter()(rows)) == 3
    assert len(NormFilter()(torch.cat([rows, rows_of(1e300, 0.0)]))) == 3


def test_some_row_is_always_left() -> None:
    zeros = rows_of(0.0, 0.0, 0.0, 5.0)
    assert NormFilter()(zeros).tolist() == [[0.0, 0.0]] * 3
    assert NormFilter()(rows_of(0.0, 5.0)).tolist() == [[5.0, 0.0]]
    with pytest.raises(ValueError, match="upper"):
        NormFilter(upper=2.0)


def test_the_rule_refuses_what_is_too_little_for_it() -> None:
    with pytest.raises(TooFewUpdates, match=r"n >= 2f \+ 3 for Krum; found n=3, f=1"):
        (NormFilter() >> Krum(f=1))(rows_of(*LENGTHS))


def test_honest_rows_may_be_dropped_so_the_honest_box_is_no_longer_claimed() -> None:
    contract = (NormFilter() >> Median()).contract()
    assert (contract.lies_in, contract.kappa) == (Region.BOX, None)
    assert (contract.permutation, contract.scaling, contract.orthogonal) == (True, True, False)
