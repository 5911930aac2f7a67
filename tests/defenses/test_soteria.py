"""Soteria against its definition, by hand, and by what the server can read from a gradient."""

from functools import partial

import pytest
import torch
from torch import nn

from fedprop.data import Examples
from fedprop.defenses import Soteria
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.oracles.soteria import MISREADINGS, soteria
from fedprop.training import LocalTraining, Shards, Ticket, make_engine
from fedprop.training.engine import choose_engine
from fedprop.training.steering import Lesson, Place

SHARE = 0.4


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 3)).double()


def world(module, sizes=(3, 2)):
    """Two clients, of which the second has a shorter batch, and the gradients of the last layer's weights."""
    draw = torch.Generator().manual_seed(1)

    def drawn(*shape):
        return torch.randn(2, *shape, generator=draw, dtype=torch.float64)

    state = {name: drawn(*value.shape) for name, value in module.named_parameters()}
    real = torch.arange(3) < torch.tensor(sizes)[:, None]
    lesson = Lesson(module, state, drawn(3, 4), torch.zeros(2, 3, dtype=torch.int64), real)
    place = Place({}, {}, {}, torch.zeros(2), torch.ones(2), (), lambda: lesson)
    return {"0.weight": drawn(7, 4), "2.weight": drawn(3, 7)}, place


def told(gradients, place):
    """What the definition is told of each client."""
    lesson = place.lesson()
    for client, rows in enumerate(lesson.real):
        w, b = lesson.state["0.weight"][client], lesson.state["0.bias"][client]
        features = torch.tanh(lesson.x[client][rows] @ w.T + b)
        slopes = (1 - features**2)[:, :, None] * w
        yield features.tolist(), slopes.tolist(), gradients["2.weight"][client].tolist(), SHARE


def test_it_is_its_definition():
    gradients, place = world(network())
    bent = Soteria(share=SHARE).train().bend(gradients, place)
    assert bent["0.weight"] is gradients["0.weight"]
    for found, case in zip(bent["2.weight"], told(gradients, place), strict=True):
        assert found.tolist() == soteria(*case)
        assert int((found == 0).all(dim=0).sum()) == 3  # of 7, 0.4 * 6 = 2.4 up


HAND = [[3.0, 0.0, -1.0]], [[[3.0, 4.0], [0.0, 1.0], [-1.0, 0.0]]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 0.5
"""Features, slopes, gradient and share of one example."""


def test_every_misreading_differs_somewhere():
    cases = [*told(*world(network())), HAND]
    for name, misread in MISREADINGS.items():
        assert any(misread(*case) != soteria(*case) for case in cases), name


def test_three_features_by_hand():
    """Weights 5 / 3.1 = 1.61, 1 / 0.1 = 10 and 1 / 1.1 = 0.91: the third alone is below the median."""
    _, slopes, gradient, share = HAND
    assert soteria(*HAND) == [[1.0, 2.0, 0.0], [4.0, 5.0, 0.0]]
    module = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 2))
    state = {
        "0.weight": torch.tensor(slopes),
        "1.weight": torch.zeros(1, 2, 3),
        "1.bias": torch.zeros(1, 2),
    }
    lesson = Lesson(module, state, torch.tensor([[[1.0, 0.0]]]), torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool))
    place = Place({}, {}, {}, torch.zeros(1), torch.ones(1), (), lambda: lesson)
    bent = Soteria(share=share).train().bend({"1.weight": torch.tensor([gradient])}, place)
    assert bent["1.weight"].tolist() == [[[1.0, 2.0, 0.0], [4.0, 5.0, 0.0]]]


def trained(module, shards, steering, **settings):
    """The updates of all clients."""
    config = LocalTraining(**{"lr": 0.5, "batch_size": 4, "steps": 1, **settings})
    origin = nn.utils.parameters_to_vector(module.parameters()).detach()
    train = make_engine(module, shards, config, 0, steering=steering)
    return torch.stack([r.update for r in train([Ticket(c, c, origin) for c in range(len(shards.parts))])])


def test_the_server_reads_a_feature_from_a_gradient_only_where_none_is_pruned():
    """A row of the last layer's gradient over that of its bias is what the layer saw of a single example."""
    module = network()
    x = torch.randn(1, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    shards = Shards(Examples(x, torch.zeros(1, dtype=torch.int64)), (torch.arange(1),))
    features = module[:2](x)[0].detach()
    for steering, lost in ((None, 0), (Soteria(share=0.8).train(), 5)):
        update = trained(module, shards, steering)[0]
        read = update[-3 - 21 : -3].view(3, 7)[0] / update[-3]
        gone = read == 0
        assert int(gone.sum()) == lost
        torch.testing.assert_close(read[~gone], features[~gone])


def test_every_engine_prunes_as_one_that_trains_client_by_client():
    draw = torch.Generator().manual_seed(3)
    shards = Shards(
        Examples(torch.randn(12, 1, 6, 6, generator=draw), torch.randint(0, 3, (12,), generator=draw)),
        tuple(torch.arange(12).split([3, 5, 4])),
    )
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)]
    module = nn.Sequential(*layers)
    at = partial(trained, module, shards, Soteria(share=0.6, layer="4").train(), epochs=2, steps=None, momentum=0.5)
    wanted = at(engine="sequential")
    for engine in ("vectorized", "workers"):
        torch.testing.assert_close(at(engine=engine), wanted, rtol=1e-4, atol=1e-4)
    assert choose_engine(module, shards, LocalTraining(engine="vectorized"), steering=Soteria().train()).reason == ""


def test_what_it_cannot_weigh_is_refused():
    x, y = torch.ones(4, 3), torch.zeros(4, dtype=torch.int64)
    last = nn.Linear(3, 2)
    tokens = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(9, 2))
    for module, inputs, layer, told in (
        (last, x, "head", r"fully connected layer of the model, \[''\]; found 'head'"),
        (nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Linear(1, 2), nn.Flatten()), x, None, r"one vector of each example"),
        (tokens, x.long(), None, "inputs of a floating dtype"),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2).requires_grad_(False)), x, None, "must be trained"),
        (nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2)), x, None, "random"),
    ):
        shards = Shards(Examples(inputs, y), (torch.arange(4),))
        with pytest.raises(InvalidConfig, match=rf"`defense`: Pruning cannot steer local training; found.*{told}"):
            choose_engine(module, shards, LocalTraining(), steering=Soteria(layer=layer).train())


def test_beside_private_training_it_is_refused():
    """Which columns it prunes gives away which examples were there, whatever noise the others get."""
    private = {"privacy": {"noise_multiplier": 4.0}}
    experiment = Experiment(rounds=1, clients=4, data="digits", model="mlp", defense=Soteria(), training=private)
    with pytest.raises(InvalidConfig, match=r"`training.privacy` must be left out .* looks at .*; found Pruning"):
        resolve(experiment)
