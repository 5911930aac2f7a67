import pytest
import torch

from fedprop.aggregators import Cohort, Contract, Mean, Median, NormClipping, Stage, Staged


def test_long_rows_are_scaled_down_and_short_rows_kept() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    before = rows.clone()
    out = NormClipping(max_norm=1.0)(rows)
    assert torch.allclose(out[0], torch.tensor([0.6, 0.8]))
    assert torch.equal(out[1:], rows[1:])
    assert torch.equal(rows, before)


@pytest.mark.parametrize("far", [1e20, 3e38])
def test_huge_rows_are_clipped_without_overflow(far: float) -> None:
    out = NormClipping(max_norm=2.0)(torch.full((1, 4), far))
    assert out.tolist()[0] == pytest.approx([1.0] * 4)


def test_mixing_matrix_holds_the_factors() -> None:
    mixing = NormClipping(max_norm=1.0).apply(Cohort(torch.tensor([[2.0], [0.5]])), None).mixing
    assert mixing.tolist() == [[0.5, 0.0], [0.0, 1.0]]


def test_clipped_rows_are_worked_out_as_they_are_read() -> None:
    rows = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    rule = NormClipping(max_norm=2.0)
    lazy = rule.apply(Cohort(rows), None).updates
    assert not isinstance(lazy, torch.Tensor)
    some = torch.tensor([4, 1])
    assert torch.equal(lazy.take(some).read(2, 5), rule(rows)[some, 2:5])


@pytest.mark.parametrize("max_norm", [0.0, -1.0, float("inf")])
def test_max_norm_must_be_positive(max_norm: float) -> None:
    with pytest.raises(ValueError, match="max_norm"):
        NormClipping(max_norm=max_norm)


def test_only_order_and_rotation_survive() -> None:
    contract = (NormClipping(max_norm=1.0) >> Mean()).contract()
    assert (contract.permutation, contract.orthogonal, contract.linear) == (True, True, True)
    assert (contract.translation, contract.scaling, contract.idempotent, contract.kappa) == (False, False, False, None)


def test_a_stage_that_says_nothing_leaves_no_claim() -> None:
    class Halve(Stage):
        kind: str = "halve"

        def apply(self, cohort: Cohort, state: None) -> Staged:
            halves = torch.eye(len(cohort.updates), dtype=torch.float64) / 2
            return Staged(cohort.with_updates(cohort.updates / 2), halves)  # type: ignore[operator]

    rule = Halve() >> Median()
    assert rule.contract() == Contract()
    assert float(rule(torch.tensor([[2.0]]))) == 1.0
