import torch

from fedprop.aggregators import Cohort, Krum, Resampling, TrimmedMean


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_by_hand() -> None:
    """The order 2, 4, 0, 3, 5, 1 of two copies of three rows pairs rows 2 and 1, 0 and 0, 2 and 1."""
    seed = next(s for s in range(9999) if torch.randperm(6, generator=draw(s)).tolist() == [2, 4, 0, 3, 5, 1])
    cohort = Cohort(torch.tensor([[0.0], [2.0], [4.0]]), (7, 8, 9), (1, 2, 3), (0, 5, 1), generator=draw(seed))
    staged = Resampling(s=2).answer(cohort, None)
    assert staged.mixing.tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0.5, 0.5]]
    assert staged.updates.read(0, 1).tolist() == [[3.0], [0.0], [3.0]]
    assert (staged.cohort.clients, staged.cohort.examples, staged.cohort.staleness) == ((7, 8, 9), (3, 1, 3), (5, 0, 5))


def test_every_row_is_used_s_times() -> None:
    for seed in range(20):
        mixing = Resampling(s=3).apply(Cohort(torch.zeros(7, 1), generator=draw(seed)), None).mixing
        assert torch.allclose(mixing.sum(dim=0), torch.ones(7, dtype=torch.float64))
        assert int((mixing > 0).sum(dim=0).max()) <= 3


def test_a_row_spoils_s_groups() -> None:
    contract = (Resampling(s=2) >> TrimmedMean(f=3)).contract()
    assert list(contract.tolerates(9)) == [0, 1]
    rows = torch.cat([torch.arange(8.0), torch.tensor([1e9])])[:, None]
    for seed in range(40):
        found = (Resampling(s=2) >> TrimmedMean(f=2)).aggregate(Cohort(rows, generator=draw(seed))).value
        assert 0 <= float(found) <= 7
    assert (Resampling(s=2) >> Krum(f=1)).min_rows == Krum(f=1).min_rows
