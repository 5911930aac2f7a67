"""NaN and infinity are refused by every rule, whoever looks for them."""

from itertools import product

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, Aggregator, Cohort
from fedprop.aggregators.rooted import told_by
from fedprop.errors import InvalidUpdates


@pytest.mark.parametrize("rule", AGGREGATORS.examples(), ids=repr)
def test_a_row_that_is_not_finite_is_refused(rule: Aggregator) -> None:
    for dtype, bad in product((torch.float32, torch.float64), (torch.nan, torch.inf, -torch.inf)):
        rows = torch.randn(11, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
        rows[4, 1] = bad
        told = told_by(torch.ones(3, dtype=dtype))
        with pytest.raises(
            InvalidUpdates, match=r"`updates` must be finite for .*; found NaN or infinity in rows \[4\]"
        ):
            rule.aggregate(Cohort(rows).changed(**told))
