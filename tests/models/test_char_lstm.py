import pytest
import torch

from fedprop.errors import InvalidConfig
from fedprop.models import BiLSTM, CharLSTM


def test_an_answer_depends_on_what_stands_before_it_and_on_nothing_later():
    module = CharLSTM(hidden=6).build((5,), 7, seed=0)
    x = torch.tensor([[0, 1, 2, 3, 4]])
    told = module(x)
    assert told.shape == (1, 5, 7)
    for place in range(5):
        changed = x.clone()
        changed[0, place] = 6
        assert (module(changed) != told).any(dim=2)[0].tolist() == [place <= t for t in range(5)]


def test_the_end_alone_is_what_all_of_it_ends_with():
    whole, last = (CharLSTM(hidden=6, only_last=only_last).build((5,), 7, seed=0) for only_last in (False, True))
    x = torch.randint(7, (3, 5), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(last(x), whole(x)[:, -1])


def test_both_directions_end_with_all_that_was_read():
    module = BiLSTM(tokens=7, hidden=6, layers=1).build((5,), 3, seed=0)
    ends = module._end(module.read(module.embed(torch.tensor([[0, 1, 2, 3, 4]])))[0])
    for place in range(5):
        changed = torch.tensor([[0, 1, 2, 3, 4]])
        changed[0, place] = 6
        moved = (module._end(module.read(module.embed(changed))[0]) != ends)[0]
        assert moved.all()
    assert module(torch.zeros(2, 5, dtype=torch.int64)).shape == (2, 3)


def test_pictures_are_no_tokens():
    with pytest.raises(InvalidConfig, match=r"inputs must be sequences of token ids, .* CharLSTM; found \(1, 8, 8\)"):
        CharLSTM().build((1, 8, 8), 10, seed=0)
