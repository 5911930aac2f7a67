import torch

from fedprop.attacks.trigger import PixelTrigger


def test_a_square_in_the_lower_right_corner_of_every_channel():
    x = torch.zeros(2, 3, 4, 4)
    stamped = PixelTrigger(size=2, value=5.0).stamped(x)
    assert stamped[:, :, 2:, 2:].eq(5).all()
    assert float(stamped.sum()) == 2 * 3 * 4 * 5
    assert not x.any()


def test_the_last_entries_of_vectors_and_of_tokens():
    assert PixelTrigger(size=2, value=7).stamped(torch.zeros(1, 4)).tolist() == [[0, 0, 7, 7]]
    tokens = PixelTrigger(size=1, value=7).stamped(torch.zeros(1, 3, dtype=torch.int64))
    assert tokens.tolist() == [[0, 0, 7]]


def test_a_trigger_larger_than_the_image_is_the_image():
    assert PixelTrigger(size=9).stamped(torch.zeros(1, 1, 2, 3)).eq(1).all()
