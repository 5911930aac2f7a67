"""Magnitude rectification leaves rows of one length, and bounds how long that is, whatever attackers send.

The step is Algorithm 6 of Lu et al. 2024 (HeteroFL): with q_i the ratio of row i's length and the median one, at least
1, it drops the rows with q_i > 8 (mean + deviation of the floor(n / 2) smallest q), and scales all others to the mean
of their lengths. The statements are ours.

One length. All rows that are left are as long as the mean of their lengths was. *Precondition:* the median length is
not zero; else only zeros are left.

Honest rows stay. *Preconditions:* f < n / 2 Byzantine rows, of any lengths; honest ones are between a and b, and R = b
/ a <= 8. Then no honest row is dropped. *Proof.* The median lies between a and b, so honest ratios are at most R. The
smallest ratios are at least 1, so the bound is at least 8.

Bounded. *Preconditions:* the same, with any R. No row that is left is longer than 8 (1 + (R - 1) (1 + sqrt 2) / 2) b.
*Proof.* The floor(n / 2) smallest ratios are no larger than the honest ones, so they lie between 1 and R, and m + s is
at most that of a share p of them at R and the others at 1: 1 + (R - 1) (p + sqrt(p (1 - p))), at most 1 + (R - 1) (1 +
sqrt 2) / 2.
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fedprop.aggregators import Cohort, MagnitudeRectification
from fedprop.properties import cases

honest_lengths = st.lists(st.floats(1.0, 40.0), min_size=3, max_size=9)
any_lengths = st.lists(st.sampled_from([0.0, 1e-9, 0.1, 3.0, 70.0, 300.0, 1e9, 1e200]), max_size=8)


def rows_of(lengths: list[float], seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    directions = torch.randn(len(lengths), 4, generator=draw, dtype=torch.float64)
    return torch.tensor(lengths, dtype=torch.float64)[:, None] * torch.nn.functional.normalize(directions, dim=1)


def left(rows: torch.Tensor) -> tuple[tuple[int, ...], torch.Tensor]:
    """Who is left, and how long their rows were."""
    clients = MagnitudeRectification().answer(Cohort(rows), None).cohort.clients
    return clients, rows[list(clients)].norm(dim=1)


@given(case=cases(f=2, min_rows=3))
def test_what_is_left_has_one_length_and_its_directions(case) -> None:
    rows = case.rows.double()
    (clients, before), found = left(rows), MagnitudeRectification()(rows)
    assert len(clients) >= 1
    assert torch.allclose(found.norm(dim=1), before.mean().expand(len(found)), rtol=1e-9)
    assert torch.allclose(before[:, None] * found, before.mean() * rows[list(clients)], rtol=1e-9)


@given(honest=honest_lengths, others=any_lengths, seed=st.integers(0, 99))
def test_honest_rows_stay_and_nobody_left_is_much_longer(honest: list[float], others: list[float], seed: int) -> None:
    others = others[: len(honest) - 1]
    clients, before = left(rows_of([*honest, *others], seed))
    spread = max(honest) / min(honest)
    assert spread > 8 or set(range(len(honest))) <= set(clients)
    assert float(before.max()) <= 8 * (1 + (spread - 1) * (1 + math.sqrt(2)) / 2) * max(honest) * (1 + 1e-9)


def test_the_bound_is_attained_where_honest_rows_are_alike() -> None:
    assert left(rows_of([2.0] * 4 + [16.0] * 3))[1].max().item() == pytest.approx(16.0)
    assert left(rows_of([2.0] * 4 + [16.1] * 3))[1].max().item() == pytest.approx(2.0)


def test_half_of_the_rows_decide_what_is_usual() -> None:
    """Just outside the precondition: with 4 of 8 rows Byzantine the median is theirs, and honest rows are too short."""
    clients, _ = left(rows_of([1.0] * 4 + [1e6] * 4))
    assert clients == (4, 5, 6, 7)
