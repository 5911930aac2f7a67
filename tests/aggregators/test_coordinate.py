from typing import Literal

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import Cohort, CoordinateRule, MeanAroundMedian, Median, TrimmedMean, coordinate
from fedprop.aggregators.columns import blocks_of


class Winsorised(CoordinateRule):
    """The mean after the smallest and the largest value have been replaced by their neighbours."""

    kind: Literal["winsorised"] = "winsorised"

    def shares(self, ordered: Tensor) -> Tensor:
        n = ordered.shape[1]
        shares = torch.ones(1, n, dtype=torch.float64)
        shares[0, [0, 1, n - 2, n - 1]] = torch.tensor([0.0, 2.0, 2.0, 0.0]).double()
        return shares / n


def test_a_rule_of_ones_own_says_what_each_order_statistic_counts() -> None:
    rows = torch.tensor([[100.0], [0.0], [1.0], [4.0], [-9.0]])
    assert float(Winsorised()(rows)) == pytest.approx((0 + 0 + 1 + 4 + 4) / 5)
    assert Winsorised().aggregate(rows).weights.tolist() == pytest.approx([0.0, 0.4, 0.2, 0.4, 0.0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("networks", [True, False])
@pytest.mark.parametrize("rule", [Median(), TrimmedMean(f=1), MeanAroundMedian(f=1), Winsorised()])
def test_blocks_and_full_form_do_not_change_the_answer(
    rule: CoordinateRule, networks: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinate, "NETWORK_ROWS", 5 if networks else 4)
    rows = torch.randn(5, 23, generator=torch.Generator().manual_seed(0), dtype=dtype)
    whole, full = rule(rows), rule.aggregate(rows)
    with blocks_of(20):
        assert torch.equal(rule(rows), whole)
    assert torch.equal(full.value, whole)
    assert torch.allclose(rule.aggregate(rows).weights, full.weights)


def test_weights_are_the_mean_share_of_each_row() -> None:
    rows = torch.tensor([[0.0, 5.0], [1.0, 0.0], [2.0, 1.0]])
    assert Median().aggregate(rows).weights.tolist() == [0.0, 0.5, 0.5]


def test_weights_go_to_the_first_of_equal_values() -> None:
    assert TrimmedMean(f=1).aggregate(torch.zeros(3, 1)).weights.tolist() == [0.0, 1.0, 0.0]


def test_a_plain_call_does_not_work_out_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Median, "combine", None)
    assert float(Median()(torch.tensor([[1.0], [3.0]]))) == 2.0


@pytest.mark.parametrize("shape", [(5, 1), (1, 5), (4, 6)])
def test_a_layout_that_needs_no_copy_is_left_untouched(shape: tuple[int, int]) -> None:
    """Rows whose transpose lies in memory line by line could be ordered in place by mistake."""
    for rows in (torch.arange(float(shape[0] * shape[1])).flip(0).reshape(shape), torch.randn(shape[::-1]).T):
        before = rows.clone()
        with blocks_of(shape[0]):
            Median()(rows)
            Median().aggregate(rows)
        assert torch.equal(rows, before)


def test_sums_are_in_float64() -> None:
    rows = torch.tensor([[1e8], [1.0], [1.0], [1.0], [-1e8]])
    assert float(TrimmedMean(f=0)(rows)) == pytest.approx(0.6, rel=1e-6)
    assert float(MeanAroundMedian(f=0)(rows)) == pytest.approx(0.6, rel=1e-6)


@pytest.mark.parametrize("rows", [8, 60])
def test_a_mean_of_very_large_numbers_does_not_overflow(rows: int) -> None:
    for dtype in (torch.float32, torch.float64):
        largest = torch.full((rows, 3), torch.finfo(dtype).max / 2, dtype=dtype)
        assert torch.allclose(Median()(largest), largest[0])
        assert torch.allclose(TrimmedMean(f=1)(largest), largest[0], rtol=1e-6)


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(f=0), TrimmedMean(f=1)])
@pytest.mark.parametrize("n", [4, 5, 24])
@pytest.mark.parametrize("shape", [lambda x: x, torch.round, lambda x: (9e307 * x).clamp(-1.7e308, 1.7e308)])
def test_one_ordering_tells_the_answers_without_each_row(rule, n, shape) -> None:
    rows = shape(torch.randn(n, 7, generator=torch.Generator().manual_seed(n), dtype=torch.float64))
    some = [0, n - 1, n // 2]
    with blocks_of(3 * n):
        found = rule.leaving_out(Cohort(rows))(some)
    alone = torch.stack([rule(rows[[j for j in range(n) if j != i]]) for i in some])
    assert found.dtype == alone.dtype
    assert found.flatten().tolist() == pytest.approx(
        alone.flatten().tolist(), rel=1e-12, abs=1e-15 * float(rows.abs().max())
    )


def test_answers_without_a_giant_have_all_their_digits() -> None:
    rows = torch.tensor([[1e300], [-1e300], [1.0], [2.0], [4.0]], dtype=torch.float64)
    assert TrimmedMean(f=1).leaving_out(Cohort(rows))([0, 1]).tolist() == [[1.5], [3.0]]
    assert TrimmedMean(f=0).leaving_out(Cohort(rows[1:]))([0]).tolist() == [[pytest.approx(7 / 3, rel=1e-14)]]
