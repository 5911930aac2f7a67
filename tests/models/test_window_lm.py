import pytest
import torch

from fedprop.errors import InvalidConfig
from fedprop.models import WindowLM


def test_an_answer_depends_on_the_last_few_tokens_and_on_nothing_later():
    module = WindowLM(context=3).build((6,), 8, seed=0)
    x = torch.tensor([[0, 1, 2, 3, 4, 5]])
    told = module(x)
    assert told.shape == (1, 6, 8)
    for place in range(6):
        changed = x.clone()
        changed[0, place] = 7
        moved = (module(changed) != told).any(dim=2)[0]
        assert moved.tolist() == [place <= t < place + 3 for t in range(6)]


def test_pictures_are_no_tokens():
    with pytest.raises(InvalidConfig, match=r"inputs must be sequences of token ids, .* found \(1, 8, 8\)"):
        WindowLM().build((1, 8, 8), 10, seed=0)
