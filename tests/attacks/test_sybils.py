import torch

from fedprop.attacks import Sybils


def test_without_noise_all_send_one_row(view):
    assert Sybils(noise=0.0).craft(view([[1.0, 2.0], [3.0, 0.0]])).tolist() == [[-2.0, -1.0]] * 2


def test_noise_cancels_in_pairs_and_is_small(view):
    seen = view([[3.0] * 100, [4.0] * 100, [5.0] * 100])
    rows = Sybils(factor=2.0, noise=0.1).craft(seen)
    row = torch.full((100,), 8.0, dtype=torch.float64)
    assert torch.allclose((rows[0] + rows[1]) / 2, row)
    assert torch.equal(rows[2], row)
    assert 0.07 < float((rows[0] - row).norm() / row.norm()) < 0.13


def test_two_and_two_stand_side_by_side(view):
    rows = Sybils(factor=1.0).craft(view([[1.0, 2.0, 3.0]] * 5))
    assert torch.allclose((rows[0:4:2] + rows[1:4:2]) / 2, rows[4].expand(2, 3))
    assert len({tuple(row.tolist()) for row in rows}) == 5
