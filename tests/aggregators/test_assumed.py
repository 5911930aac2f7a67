"""The rule that an attack is crafted against."""

import torch

from fedprop.aggregators import Krum, Median, TrimmedMean
from fedprop.aggregators.assumed import AssumedRule


def test_it_is_the_servers_own_unless_named():
    rows = torch.tensor([[0.0], [1.0], [2.0], [3.0], [100.0]])
    value, weights = AssumedRule(None, Median())(rows, 2)
    assert (value.item(), len(weights)) == (2.0, 5)
    value, _ = AssumedRule("trimmed_mean", Median())(rows, 1)
    assert value.equal(TrimmedMean(f=1)(rows))
    value, _ = AssumedRule("median", TrimmedMean(f=1))(rows, 1)
    assert value.equal(Median()(rows))


def test_it_takes_the_largest_tolerance_that_the_rows_allow():
    rows = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    value, _ = AssumedRule("krum", Median())(rows, 5)
    assert value.equal(Krum(f=1)(rows))
