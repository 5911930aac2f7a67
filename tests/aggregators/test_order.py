"""It does not matter who comes first: attackers gain nothing from their place, where rows are in general position.

Contracts accept every answer that a definition leaves open, such as each of several sets with the least diameter. Our
own rules choose among them by what the rows are, and not by where they stand.
"""

import pytest
import torch

from fedprop.aggregators import AGGREGATORS, MDA, STAGES, Aggregator, Bulyan, Median, self_contained

KINDS = [rule for cls in AGGREGATORS.kinds.values() for rule in cls.examples()]
CHAINS = [stage >> Median() for cls in STAGES.kinds.values() for stage in cls.examples()]
RULES = [rule for rule in map(self_contained, [*KINDS, MDA(f=4), Bulyan(f=2), *CHAINS]) if rule.contract().permutation]
N = 13


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_rows_in_general_position_count_the_same_in_any_order(rule: Aggregator) -> None:
    fixed = rule.contract().fixed
    for seed in range(5):
        draw = torch.Generator().manual_seed(seed)
        rows = torch.randn(N, 20, generator=draw, dtype=torch.float64)
        # Outliers in every other one; without them nothing stands out.
        rows[-3:] *= 1 + 4 * (seed % 2)
        order = torch.cat([torch.arange(fixed), fixed + torch.randperm(N - fixed, generator=draw)])
        one, other = rule.aggregate(rows), rule.aggregate(rows[order])
        assert torch.allclose(one.value, other.value, rtol=1e-6, atol=1e-9)
        if len(one.weights) == N:
            assert torch.allclose(one.weights[order], other.weights, rtol=1e-5, atol=1e-8)
