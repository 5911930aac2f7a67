"""A client moves no weight of RSA's global model further than the penalty allows, whatever it sends.

**Theorem.** With the l1 norm, two rounds that differ in what one client sent differ in no weight of the next global
model by more than 2 lr lambda; and if a majority lies strictly above a weight, it does not fall but for its decay.

Source: Li et al., AAAI 2019: the server sees signs alone.

Reason: each client adds lr lambda times a number in [-1, 1] to each weight, so another number in its place changes that
by 2 lr lambda at most; and a majority of ones outweighs the rest.
"""

import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators.cohort import Cohort
from fedprop.defenses import Rsa

values = st.floats(-1e30, 1e30)
rows = st.integers(1, 4).flatmap(
    lambda d: st.tuples(
        st.lists(st.lists(values, min_size=d, max_size=d), min_size=1, max_size=6),
        st.lists(values, min_size=d, max_size=d),
    )
)
settings = st.builds(Rsa, lambda_=st.sampled_from([1e-3, 0.5]), lr=st.sampled_from([0.01, 1.0]), decay=st.just(0.5))


def step(protocol, updates):
    """Where the server goes from a model of zeros, by which there is no decay."""
    model = torch.zeros(updates.shape[1], dtype=torch.float64)
    cohort = Cohort(updates, model=model, round=0, generator=torch.Generator())
    return protocol.aggregate(cohort, None, rule=None).value


@given(settings, rows)
def test_one_client_has_bounded_influence(protocol, told):
    updates, other = torch.tensor(told[0], dtype=torch.float64), torch.tensor(told[1], dtype=torch.float64)
    changed = updates.clone()
    changed[0] = other
    most = 2 * protocol.lr * protocol.lambda_
    assert float((step(protocol, updates) - step(protocol, changed)).abs().max()) <= most * (1 + 1e-9)


@given(settings, rows)
def test_a_majority_decides_the_direction(protocol, told):
    updates = torch.tensor(told[0], dtype=torch.float64)
    moved = step(protocol, updates)
    assert bool((moved[(updates > 0).sum(dim=0) * 2 > len(updates)] > 0).all())
    assert bool((moved[(updates < 0).sum(dim=0) * 2 > len(updates)] < 0).all())
