"""What a defense has clients do within local training, in every engine; the measure is one client at a time."""

import pytest
import torch
from torch import nn

from fedprop.data import Examples
from fedprop.errors import InvalidConfig
from fedprop.privacy import LocalPrivacy
from fedprop.training import LocalTraining, Shards, Ticket, make_engine
from fedprop.training.engine import choose_engine
from fedprop.training.steering import Steering, column

RATE = 0.5


class Signs(Steering):
    """Adds the sign of the way from the global model to the gradient, and afterwards a tenth of the gradient before."""

    def bend(self, gradients, place):
        return {n: g + 0.1 * torch.sign(place.params[n] - place.received[n]) for n, g in gradients.items()}

    def push(self, gradients, place):
        rates = {n: column(place.rates * place.repeats, g) for n, g in gradients.items()}
        return {n: -0.1 * rates[n] * place.before[n] for n in gradients}


class Noisy(Steering):
    """Each client has noise of its own."""

    def push(self, gradients, place):
        return {
            name: torch.stack([torch.randn(g.shape[1:], generator=draw) for draw in place.generators]).to(g)
            for name, g in gradients.items()
        }


class Mixing(Steering):
    """Looks at the other clients of the stack."""

    def bend(self, gradients, place):
        return {name: g - g.mean(dim=0) for name, g in gradients.items()}


class Failing(Steering):
    def bend(self, gradients, place):
        raise ZeroDivisionError


class Renaming(Steering):
    def push(self, gradients, place):
        return {"nobody": torch.zeros(1)}


@pytest.fixture
def world():
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(18, 3, generator=draw), torch.randint(0, 2, (18,), generator=draw)
    parts = tuple(torch.tensor(part) for part in ([*range(5)], [*range(5, 14)], [*range(14, 18)]))
    return nn.Linear(3, 2), Shards(Examples(x, y), parts)


def trained(world, steering, *, seed=0, tickets=3, **settings):
    module, shards = world
    config = LocalTraining(**{"lr": RATE, "batch_size": 4, "epochs": 2, **settings})
    origin = torch.linspace(-1.0, 1.0, 8)
    starts = [origin + client for client in range(3)]
    train = make_engine(module, shards, config, seed, steering=steering)
    return [r.update for r in train([Ticket(c, c, origin, starts[c]) for c in range(tickets)])]


PRIVATE = LocalPrivacy(noise_multiplier=0.1, clip_norm=1.0)


def test_every_engine_steers_as_one_that_trains_client_by_client(world):
    settings = (
        {},
        {"momentum": 0.5, "weight_decay": 0.1, "proximal": 0.3, "clip_norm": 0.2},
        {"optimizer": "adam"},
        {"privacy": PRIVATE},
    )
    for steering in (Signs(), Noisy()):
        for chosen in settings:
            wanted = trained(world, steering, engine="sequential", **chosen)
            plain = trained(world, None, engine="sequential", **chosen)
            assert not any(torch.allclose(a, b, atol=1e-3) for a, b in zip(wanted, plain, strict=True))
            for engine in ("vectorized", "workers"):
                found = trained(world, steering, engine=engine, **chosen)
                for one, other in zip(found, wanted, strict=True):
                    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_who_trains_along_makes_no_difference(world):
    for engine in ("sequential", "vectorized"):
        assert torch.allclose(
            trained(world, Noisy(), tickets=1, engine=engine)[0], trained(world, Noisy())[0], atol=1e-5
        )


def test_two_steps_by_hand():
    """Both classes always have the same score, so the gradient of the right one's is -1/2, of the other's 1/2."""

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            return self.w - self.w.detach() + 0 * x  # the softmax stays at one half

    shards = Shards(Examples(torch.ones(2, 2), torch.zeros(2, dtype=torch.int64)), (torch.arange(2),))
    config = LocalTraining(lr=1.0, batch_size=1, epochs=1, engine="sequential")
    train = make_engine(Flat(), shards, config, 0, steering=Signs())
    # First step: no way yet, so w = (0.5, -0.5), and nothing before it. Second: the gradients are (-0.5, 0.5) and the
    # signs (1, -1), so they become (-0.4, 0.4); then a tenth of the gradient before, (-0.5, 0.5), is taken off.
    assert train([Ticket(0, 0, torch.zeros(2))])[0].update.tolist() == pytest.approx([0.95, -0.95])


class Scaled(nn.Linear):
    """Has a buffer, which decides what it answers."""

    def __init__(self):
        super().__init__(3, 2)
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x):
        return self.scale * super().forward(x)


def test_what_a_defense_does_to_the_buffers_of_a_lesson_stays_there():
    class Asking(Steering):
        looks = True

        def bend(self, gradients, place):
            place.lesson().state["scale"].fill_(7.0)
            return gradients

    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    shards = Shards(Examples(x, torch.arange(16) % 2), (torch.arange(8), torch.arange(8, 16)))
    start = torch.cat([torch.zeros(8), torch.ones(1)])
    for engine in ("sequential", "vectorized"):
        config = LocalTraining(lr=0.1, batch_size=4, epochs=1, engine=engine)
        plain, asked = (
            make_engine(Scaled(), shards, config, 0, steering=steering)([Ticket(c, c, start) for c in range(2)])
            for steering in (None, Asking())
        )
        for one, other in zip(plain, asked, strict=True):
            assert torch.equal(one.update, other.update)


def test_auto_takes_another_engine_and_says_why(world):
    module, shards = world
    assert choose_engine(module, shards, LocalTraining(), steering=Signs()).kind == "vectorized"
    choice = choose_engine(module, shards, LocalTraining(), steering=Mixing())
    assert choice.kind == "workers"
    assert choice.reason.startswith("the defense does not steer clients in a stack as it does alone: parameters that")
    with pytest.raises(InvalidConfig, match="`engine` must not be vectorized where the defense does not steer"):
        choose_engine(module, shards, LocalTraining(engine="vectorized"), steering=Mixing())


class Crowded(Steering):
    """Beside others a client moves 2 x 0.1 x 5 = 1 less than alone."""

    def bend(self, gradients, place):
        return {name: g + 5.0 * (len(g) > 1) for name, g in gradients.items()}


def test_how_far_apart_a_stack_and_a_client_alone_are_is_told(world):
    module, shards = world
    assert "parameters that are 1 apart in" in choose_engine(module, shards, LocalTraining(), steering=Crowded()).reason


def test_what_cannot_steer_is_refused(world):
    for steering, told in (
        (Failing(), r"`defense`: Failing cannot steer local training; found: ZeroDivisionError"),
        (Renaming(), r"Renaming\.push must answer for the parameters that have gradients; found .*nobody"),
    ):
        with pytest.raises(InvalidConfig, match=told):
            choose_engine(*world, LocalTraining(), steering=steering)


def test_a_steering_that_looks_at_examples_must_say_so():
    class Peeping(Steering):
        def bend(self, gradients, place):
            place.lesson()
            return gradients

    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    shards = Shards(Examples(x, torch.arange(16) % 2), (torch.arange(8), torch.arange(8, 16)))
    with pytest.raises(InvalidConfig, match="`looks` must be True for a steering that looks at examples"):
        choose_engine(nn.Linear(3, 2), shards, LocalTraining(lr=0.1), steering=Peeping())
