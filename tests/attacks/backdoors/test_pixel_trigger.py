import pytest
import torch
from pydantic import ValidationError

from fedprop.attacks import PixelTrigger


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


def test_a_share_of_the_examples_gets_mark_and_label():
    x, y = torch.zeros(8, 1, 2, 2), torch.ones(8, dtype=torch.int64)
    marked, labels = PixelTrigger(size=1, label=3, poisoned=0.25).plant(x, y, torch.Generator().manual_seed(1))
    assert sorted(labels.tolist()) == [1] * 6 + [3] * 2
    assert torch.equal(marked[:, 0, 1, 1] == 1, labels == 3)
    assert float(marked.sum()) == 2
    assert not x.any()
    assert y.eq(1).all()


@pytest.mark.parametrize("poisoned", [0.0, 1.1])
def test_a_share_that_is_none_is_refused(poisoned):
    with pytest.raises(ValidationError):
        PixelTrigger(poisoned=poisoned)
