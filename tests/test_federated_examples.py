"""The examples of tasks and steps of one's own, at tiny sizes: attacked and defended."""

from importlib import import_module
from pathlib import Path

import pytest
import torch

from fedprop.data import Digits
from fedprop.params import ParameterLayout

EXAMPLES = Path(__file__).parent.parent / "examples"
FLIPPED = {"kind": "sign_flip", "z": 10.0, "share": 0.2}


@pytest.fixture
def load(monkeypatch):
    """An example by its name, as a module."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return import_module


def test_a_generator_learns_behind_a_median_and_not_behind_a_mean(load):
    example = load("fed_gan")
    data = example.pictures(Digits(train_size=300, test_size=100).load(None, seed=0))
    far, near = (example.play(data, FLIPPED, {"kind": kind}, rounds=12) for kind in ("mean", "median"))
    assert near < 0.8 * far
    assert near < 1


def test_a_cell_is_found_behind_krum_and_not_behind_a_mean(load):
    example = load("fed_nas")
    data = Digits(train_size=300, test_size=100).load(None, seed=0)
    (broken, _), (found, chosen) = (
        example.play(data, FLIPPED, defense, rounds=10)
        for defense in ({"kind": "mean"}, {"kind": "krum", "f": 2, "m": 6})
    )
    assert found > broken + 0.3
    assert len(chosen) == 2


def test_knowledge_passes_through_a_server_behind_krum_and_lies_through_one_behind_a_mean(load):
    example = load("fed_gkt")
    data = Digits(train_size=300, test_size=100).load(None, seed=0)
    (_, misled), (_, held) = (
        example.play(data, defense, rounds=6) for defense in (example.MEAN, {"kind": "krum", "f": 2, "m": 6})
    )
    assert held > misled + 0.4


def test_a_client_is_handed_its_own_edge_and_what_the_server_says_of_its_own_examples(load):
    example = load("fed_gkt")
    sizes = example.Sizes(clients=3, examples=4, pixels=2, classes=2, features=1, width=2)
    parts = example.Parts(sizes)
    layout, protocol = ParameterLayout.of(parts), example.FedGkt(sizes=sizes, robust={"kind": "mean"})
    told = example.Told(torch.tensor([[0.5]]), torch.zeros(1, 2), torch.tensor([1]), torch.tensor([2]))
    sent = protocol.invite(1, layout.flatten(parts), {0: told, 1: told}, generator=torch.Generator())
    params, buffers = layout.views(sent)
    assert buffers["who"].tolist() == [0.0, 1.0, 0.0]
    assert torch.equal(params["edges"][1], parts.edges[1])
    assert not params["edges"][[0, 2]].any()
    assert torch.equal(buffers["said"][2], parts.server(told.features)[0])
    assert not buffers["said"][[0, 1, 3]].any()
    assert not any(params[name].any() for name in ("server.0.weight", "server.2.weight", "told"))


@pytest.mark.parametrize("line", [[1.0, 0.0, 0.0, 3.0], [-1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.5], [0.0] * 4])
def test_what_is_told_must_be_features_and_a_class_of_an_example(load, line):
    """Of two classes, and of features behind a ReLU; a row that tells of nothing is no answer either."""
    example = load("fed_gkt")
    sizes = example.Sizes(clients=1, examples=2, pixels=1, classes=2, features=1, width=1)
    row = torch.zeros(ParameterLayout.of(example.Parts(sizes)).size)
    where = example.places(sizes)["told"]
    row[where] = torch.tensor([[0.0] * 4, [1.0, 0.5, -0.5, 2.0]]).flatten()
    found = example.Told.of(row, sizes)
    assert (found.features.item(), found.logits.tolist(), found.labels.item(), found.lines.item()) == (
        1.0,
        [[0.5, -0.5]],
        1,
        1,
    )
    row[where] = torch.tensor([[0.0] * 4, line]).flatten()
    assert example.Told.of(row, sizes) is None
