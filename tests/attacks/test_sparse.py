from dataclasses import replace

import pytest
import torch

from fedprop.attacks import Sparse


def test_few_weights_are_pushed_far(view):
    """Deviations 1, 2 and 1; |w mu| is 0, 20 and 1, so the second of the three weights is the one."""
    seen = view([[9.0] * 3], [[-1.0, 8.0, 0.0], [1.0, 12.0, 2.0]], origin=[5.0, 2.0, 1.0])
    reply = Sparse(density=0.3, scale=10.0, z=0.5).answer(seen)
    assert reply.rows.tolist() == [[-0.5, 10.0 - 20.0, 1.0 - 0.5]]
    assert reply.state.tolist() == [False, True, False]
    again = replace(seen, state=torch.tensor([True, False, False]))
    assert Sparse(density=0.3, scale=10.0, z=0.5).craft(again).tolist() == [[-10.0, 9.0, 0.5]]


def test_huge_deviations_among_them_are_cut(view):
    """Deviations 1, 1, 1, 1, 100: both quartiles are 1, and so is the fence."""
    seen = view([[0.0] * 5], [[-1.0] * 4 + [-100.0], [1.0] * 4 + [100.0]])
    assert Sparse(density=1.0, scale=2.0).craft(seen).tolist() == [[-2.0] * 5]


@pytest.mark.parametrize("size", [1e-150, 1e160, 1e300])
def test_rows_of_any_size(view, size):
    rows = torch.tensor([[-1.0, 8.0, 0.0], [1.0, 12.0, 2.0]], dtype=torch.float64) * size
    sent = Sparse(density=0.3, scale=10.0, z=0.5).craft(view([[9.0 * size] * 3], rows.tolist(), origin=[5.0, 2.0, 1.0]))
    assert (sent / size)[0].tolist() == pytest.approx([-0.5, -10.0, 0.5])
