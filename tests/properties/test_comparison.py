import pytest
import torch

from fedprop.aggregators import Contract, Krum, Median
from fedprop.properties.comparison import difference, same_answer, settled, tolerance

ROWS = torch.tensor([[0.0], [1.0], [2.0], [3.0], [1e20]], dtype=torch.float64)


def at(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


def test_far_rows_excuse_only_a_rule_that_tolerates_nobody() -> None:
    assert tolerance(Median().contract(), ROWS) < 1e-8
    assert tolerance(Contract(), ROWS) > 1.0


def test_close_answers_are_the_same() -> None:
    contract = Median().contract()
    assert same_answer(contract, ROWS, at(2.0), at(2.0 + 1e-12))
    assert not same_answer(contract, ROWS, at(2.0), at(2.1))


def test_minimisers_are_the_same_however_far_apart() -> None:
    contract = Krum(f=1).contract()
    assert same_answer(contract, ROWS, at(1.0), at(2.0))
    assert not same_answer(contract, ROWS, at(1.0), at(3.0))


def test_anything_goes_where_the_contract_says_ambiguous() -> None:
    assert same_answer(Contract(ambiguous=lambda _: True), ROWS[:4], at(0.0), at(9.0))


def test_difference_is_the_largest_of_all_entries() -> None:
    assert difference(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 3.0])) == pytest.approx(2.0)


def medoid(rows: torch.Tensor) -> torch.Tensor:
    return rows[(rows[:, None] - rows).norm(dim=2).sum(dim=1).argmin()].clone()


def test_a_tie_that_no_move_of_the_rows_breaks_is_a_tie() -> None:
    """Both rows in the middle of an even number on a line have the same sum of distances, wherever they lie."""
    rows = 1000 + torch.tensor([[-6.0], [-7.0], [1.0], [4.0]], dtype=torch.float64) / 1024
    assert medoid(rows).tolist() != medoid(rows.flip(0)).tolist()
    contract = Contract(permutation=True, translation=True)
    assert settled(contract, medoid).ambiguous(rows)
    assert not settled(contract, medoid).ambiguous(rows[:3])
    assert not settled(contract, lambda rows: rows[0]).ambiguous(rows)


def test_a_tie_that_rounding_decides_is_a_tie() -> None:
    """Rows on a line in space: which of the two in the middle has the smaller sum is up to rounding."""
    steps = torch.tensor([7.0, 6.0, 4.0, -4.0, 6.0, 9.0, 4.0, 5.0, 8.0, 3.0], dtype=torch.float64)
    line = 2.0**20 + steps[:, None] * torch.tensor([-3.0, 3.0, -6.0], dtype=torch.float64)
    assert settled(Contract(), medoid).ambiguous(line)
    assert not settled(Contract(), medoid).ambiguous(line[1:])


def test_trust_in_positions_is_no_tie() -> None:
    """The inmost of all rows but the last, as if that were the attacker's: two rows are answers, by position."""
    rows = torch.tensor([[0.0], [1.0], [2.5], [5.0], [9.0], [12.0]], dtype=torch.float64)
    for rule in (lambda rows: medoid(rows[:-1]), lambda rows: rows[0], lambda rows: rows.mean(dim=0) + rows[0]):
        assert not settled(Contract(), rule).ambiguous(rows)


def test_far_rows_make_no_tie_of_a_mean() -> None:
    rows = torch.tensor([[0.0], [1.0], [2.0], [1e20]], dtype=torch.float64)
    assert not settled(Contract(), lambda rows: rows.mean(dim=0)).ambiguous(rows)
