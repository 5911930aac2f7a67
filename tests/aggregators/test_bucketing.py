import pytest
import torch

from fedprop.aggregators import Bucketing, Cohort, Krum, Mean, Median, NormClipping, Region, TrimmedMean
from fedprop.errors import ServerUnknown, TooFewUpdates


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_by_hand() -> None:
    """The order 4, 1, 3, 0, 2 makes the buckets 4 and 1, 3 and 0, and 2 alone."""
    assert torch.randperm(5, generator=draw(27)).tolist() == [4, 1, 3, 0, 2]
    rows = torch.tensor([[0.0], [1.0], [2.0], [4.0], [8.0]])
    cohort = Cohort(rows, (10, 11, 12, 13, 14), (1, 2, 3, 4, 5), (0, 1, 7, 0, 3), generator=draw(27))
    staged = Bucketing(s=2).answer(cohort, None)
    assert staged.mixing.tolist() == [[0, 0.5, 0, 0, 0.5], [0.5, 0, 0, 0.5, 0], [0, 0, 1, 0, 0]]
    assert staged.updates.read(0, 1).tolist() == [[4.5], [2.0], [2.0]]  # type: ignore[union-attr]
    assert staged.cohort.clients == (14, 13, 12)
    assert staged.cohort.examples == (4, 3, 3)
    assert staged.cohort.staleness == (3, 0, 7)


def test_weights_come_back_to_the_rows_as_sent() -> None:
    rows = torch.randn(9, 4, generator=draw(), dtype=torch.float64)
    found = (Bucketing(s=2) >> Krum(f=1)).aggregate(Cohort(rows, generator=draw(1)))
    assert sorted(found.weights.tolist())[-2:] == [0.5, 0.5]
    assert torch.allclose(found.weights @ rows, found.value)


def test_the_order_is_the_generator_s() -> None:
    rows = torch.arange(8.0)[:, None]
    rule = Bucketing(s=2) >> Median()
    found = {float(rule.aggregate(Cohort(rows, generator=draw(seed))).value) for seed in range(8)}
    assert len(found) > 2
    assert rule.asks == {"generator"}
    with pytest.raises(ServerUnknown, match="`generator` must be given"):
        rule(rows)


def test_the_rule_must_have_enough_buckets() -> None:
    rule = Bucketing(s=3) >> Krum(f=1)
    assert (rule.min_rows, Bucketing(s=3).rows_needed(5)) == (13, 13)
    assert (Bucketing(s=2) >> Bucketing(s=3) >> Krum(f=1)).min_rows == 25
    needed = r"n >= 13 for Krum, which needs n >= 2f \+ 3 of what Bucketing leaves; found n=12"
    with pytest.raises(TooFewUpdates, match=needed):
        rule.aggregate(Cohort(torch.zeros(12, 1), generator=draw()))
    assert rule.requirement() == "n >= 13, to leave n >= 2f + 3,"
    assert rule.aggregate(Cohort(torch.zeros(13, 1), generator=draw())).value.tolist() == [0.0]


def test_what_a_rule_may_claim_of_fewer_rows() -> None:
    contract = (Bucketing(s=2) >> TrimmedMean(f=2)).contract()
    assert contract.lies_in is Region.HONEST_BOX
    assert (list(contract.tolerates(9)), list(contract.tolerates(8))) == ([2], [])
    assert (contract.permutation, contract.translation, contract.kappa) == (False, True, None)
    assert (NormClipping(max_norm=1.0) >> Bucketing(s=2) >> Mean()).contract().orthogonal
