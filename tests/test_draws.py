import random
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import dropout, gumbel_softmax

from fedprop.draws import DrawsSeen, OwnDraws, other_states, seeded

X = torch.full((3, 4), -1.0)

DRAWS = {
    "dropout": lambda: dropout(X, 0.5),
    "dropout by channels": lambda: nn.Dropout2d(0.5)(X.view(1, 3, 2, 2)),
    "alpha dropout": lambda: nn.AlphaDropout(0.5)(X),
    "rrelu": lambda: nn.RReLU()(X),
    "attention": lambda: nn.functional.scaled_dot_product_attention(X[None], X[None], X[None], dropout_p=0.5),
    "gumbel": lambda: gumbel_softmax(X),
    "rand": lambda: torch.rand(3),
    "randn like": lambda: torch.randn_like(X),
    "randint": lambda: torch.randint(5, 100, (3,)),
    "randperm": lambda: torch.randperm(20),
    "multinomial": lambda: torch.multinomial(torch.ones(20), 5),
    "poisson": lambda: torch.poisson(-9 * X),
    "gamma": lambda: torch.distributions.Gamma(-X, 1.0).sample(),
    "in place": lambda: torch.empty(3).normal_(),
    "no generator": lambda: torch.bernoulli(torch.full((9,), 0.5), generator=None),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_own_draws_are_those_of_a_seed_and_touch_no_other_generator(draw):
    with seeded(7):
        wanted = draw()
    before = torch.random.get_rng_state()
    with OwnDraws(7):
        found = draw()
    with OwnDraws(8):
        other = draw()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(found, wanted)
    assert not torch.equal(other, wanted)


def test_own_draws_go_on_where_they_were():
    with seeded(7):
        wanted = torch.rand(4)
    own = OwnDraws(7)
    with own:
        first = torch.rand(2)
    torch.rand(3)
    with own:
        second = torch.rand(2)
    assert torch.equal(torch.cat([first, second]), wanted)


def test_who_brings_a_generator_draws_from_it():
    with OwnDraws(7):
        found = torch.rand(3, generator=torch.Generator().manual_seed(1))
        poisson = torch.poisson(-X, torch.Generator().manual_seed(1))
    assert torch.equal(found, torch.rand(3, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(poisson, torch.poisson(-X, torch.Generator().manual_seed(1)))


def test_draws_of_other_threads_change_nothing():
    lstm, stop = nn.LSTM(4, 3, num_layers=2, dropout=0.5), threading.Event()

    def draw():
        with OwnDraws(7):
            return [lstm(X)[0] for _ in range(50)]

    def disturb():
        while not stop.is_set():
            torch.rand(3)

    wanted, other = draw(), threading.Thread(target=disturb)
    other.start()
    found = draw()
    stop.set()
    other.join()
    assert all(torch.equal(one, two) for one, two in zip(found, wanted, strict=True))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_are_seen(draw):
    seen = DrawsSeen()
    with seen:
        draw()
    assert len(seen.led) == 1
    assert not seen.unled


def test_what_does_not_draw_is_not_seen():
    attention, seen = nn.MultiheadAttention(4, 2), DrawsSeen()
    with seen:
        attention(X, X, X)
        dropout(X, 0.5, training=False)
        torch.rand(3, generator=torch.Generator())
        nn.functional.scaled_dot_product_attention(X[None, None], X[None, None], X[None, None])
    assert (seen.led, seen.unled) == ([], [])


def test_a_seeded_block_draws_its_own_numbers_and_leaves_no_trace():
    before, others = torch.random.get_rng_state(), other_states()
    draws = []
    for seed in (1, 1, 2):
        with seeded(seed):
            draws.append((torch.rand(3).tolist(), np.random.rand(), random.random()))
    assert draws[0] == draws[1]
    assert all(one != other for one, other in zip(draws[1], draws[2], strict=True))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert other_states() == others


def test_seeded_blocks_of_several_threads_do_not_mix():
    def draw(found):
        for _ in range(50):
            with seeded(3):
                found.append([torch.rand(1).item() for _ in range(3)])

    found = []
    threads = [threading.Thread(target=draw, args=(found,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 150
    assert all(numbers == found[0] for numbers in found)
