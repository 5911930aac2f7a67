"""NaN and infinity are refused by every rule, whoever looks for them."""

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, Aggregator, Cohort
from fedprop.aggregators.rooted import told_by
from fedprop.errors import InvalidUpdates


@pytest.mark.parametrize("rule", AGGREGATORS.examples(), ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_row_that_is_not_finite_is_refused(rule: Aggregator, dtype: torch.dtype, bad: float) -> None:
    rows = torch.randn(11, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
    rows[4, 1] = bad
    with pytest.raises(InvalidUpdates, match=r"`updates` must be finite for .*; found NaN or infinity in rows \[4\]"):
        rule.aggregate(Cohort(rows).changed(**told_by(torch.ones(3, dtype=dtype))))
