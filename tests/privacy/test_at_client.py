"""What a client learns of the others from the models that it is sent."""

from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fedprop import Experiment
from fedprop.data import Examples
from fedprop.errors import InvalidConfig
from fedprop.params import ParameterLayout
from fedprop.privacy import (
    DLG,
    AtClient,
    Finding,
    Membership,
    Probe,
    PropertyInference,
    RevealingLabels,
    Sent,
    Sight,
    Watched,
)
from fedprop.privacy.at_client import seen_from
from fedprop.privacy.leakage.kept import pairs_of
from fedprop.tasks import CLASSIFICATION
from fedprop.training import LocalTraining, Shards
from fedprop.training.sequential import Sequential
from fedprop.training.task import Ticket


def sight(rows, received=None, origin=None, absent=()):
    """Each client sent one of the rows, and the model became their mean, or what is said."""
    origin = torch.zeros_like(rows[0]) if origin is None else origin
    sent = {client: Sent(origin, row, 1, 1) for client, row in enumerate(rows) if client not in absent}
    return Sight(0, True, origin + rows.mean(dim=0) if received is None else received, sent.get)


def test_of_two_the_other_one_lies_open_and_of_three_a_mean():
    """Client 1 was sent 10 and is sent 12 next. Of two: 2 (12 - 10) - 1 = 3. Of three: (3 (12 - 10) - 1) / 2 = 2.5."""
    of_two = sight(torch.tensor([[3.0], [1.0]]), origin=torch.tensor([10.0]))
    seen = seen_from(1, 2, of_two, examples=7)
    assert (seen.sent(0).origin.item(), seen.sent(0).update.item(), seen.sent(0).examples) == (10.0, 3.0, 7)
    assert seen.sent(1).update.item() == 1.0
    of_three = seen_from(1, 3, sight(torch.tensor([[4.0], [1.0], [1.0]]), origin=torch.tensor([10.0])), examples=7)
    assert of_three.sent(0).update.item() == of_three.sent(2).update.item() == 2.5
    assert of_three.sent(3) is None


def test_what_the_server_multiplies_the_mean_by_is_taken_back():
    """The model moved by half the mean of 3 and 1, from 10 to 11: 2 * 2 * (11 - 10) - 1 = 3."""
    halved = sight(torch.tensor([[3.0], [1.0]]), torch.tensor([11.0]), torch.tensor([10.0]))
    assert seen_from(1, 2, halved, examples=7, rate=0.5).sent(0).update.item() == 3.0


@pytest.mark.parametrize(
    ("probe", "changes", "told"),
    [
        (PropertyInference(label=0), {}, "to whom all others are one; found property_inference"),
        (AtClient(seat=0), {}, "to whom all others are one; found at_client"),
        (DLG(client=1), {}, "`inference.probe.client` must be another client than `inference.seat`; found 1 for both"),
        (DLG(), {"server_rate": None}, "needs an `optimizer` whose step is a multiple of the aggregate"),
    ],
    ids=["compares", "nested", "itself", "momentum"],
)
def test_what_cannot_be_asked_from_there_is_refused(probe, changes, told):
    with pytest.raises(InvalidConfig, match=told):
        AtClient(seat=1, probe=probe).watch(watched(3)._replace(**changes))


def test_a_probe_of_the_global_model_asks_about_each_example_once():
    """All others hold the crowd's examples, and two halves of what is asked about must not share one."""
    seen = []

    class Asking(Membership):
        kind: Literal["asking"] = "asking"

        def watch(self, run):
            found = super().watch(run)
            seen.append(found.suspects[0].members)
            return found

    run = watched(4, each=6)
    AtClient(seat=3, probe=Asking(targets=("global",))).watch(run._replace(outsiders=run.pool.at(torch.arange(24))))
    [members] = seen
    assert len(members) == len({tuple(row) for row in members.x.tolist()})


class Watching(Probe):
    """Answers with all that it sees."""

    kind: Literal["watching"] = "watching"

    def watch(self, run):
        def look(sight):
            sent = [sight.sent(client) for client in range(len(run.parts))]
            rows = torch.cat([torch.cat([s.origin, s.update]) for s in sent if s])
            return (Finding("watching", None, "all", {"seen": (*rows.tolist(), *sight.parameters.tolist())}),)

        return look


def watched(clients, each=2):
    x, y = torch.rand(clients * each, 3), torch.arange(clients * each) % 3
    pool, parts = Examples(x, y), torch.split(torch.arange(clients * each), each)
    return Watched(nn.Linear(3, 3), CLASSIFICATION, LocalTraining(lr=0.5, batch_size=each), pool, parts, pool, 0)


@given(
    rows=st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=3, max_size=5),
    seat=st.integers(0, 2),
    moved=st.integers(1, 9),
)
def test_it_depends_on_nothing_that_a_client_does_not_see(rows, seat, moved):
    """Others send something else and the model becomes the same: so is what the probe finds, but not at the server."""
    rows = torch.tensor(rows, dtype=torch.float64)
    first, second = [client for client in range(len(rows)) if client != seat][:2]
    changed = rows.clone()
    changed[first] += moved
    changed[second] -= moved
    parameters, run = rows.mean(dim=0), watched(len(rows))
    at_client, at_server = AtClient(seat=seat, probe=Watching()).watch(run), Watching().watch(run)
    before, after = (sight(sent, parameters) for sent in (rows, changed))
    assert at_client(before) == at_client(after) != ()
    assert at_server(before) != at_server(after)


def test_a_round_without_somebody_tells_nothing():
    look = AtClient(probe=Watching()).watch(watched(3))
    rows = torch.ones(3, 2)
    assert [len(look(sight(rows, absent=gone))) for gone in ((), (0,), (1,), (2,))] == [1, 0, 0, 0]


def test_the_others_are_one_client_who_trains_on_all_that_they_hold():
    seen = []

    class Asking(Probe):
        kind: Literal["asking"] = "asking"

        def watch(self, run):
            seen.append(run)
            return lambda sight: ()

    AtClient(seat=2, probe=Asking()).watch(watched(4, each=2))
    [run] = seen
    assert [part.tolist() for part in run.parts] == [[0, 1, 2, 3, 6, 7]] * 2 + [[4, 5]] + [[0, 1, 2, 3, 6, 7]]
    assert (run.training.batch_size, run.training.count_steps(6), run.training.rate(0)) == (6, 1, 0.5)


@pytest.mark.parametrize("clients", [2, 3])
def test_a_picture_of_each_of_the_others_is_found(clients):
    stream = torch.Generator().manual_seed(0)
    x, y = torch.rand(clients + 2, 1, 2, 2, generator=stream), torch.arange(clients + 2) % 3
    x[-2], x[-1] = 0.0, 1.0
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 12), nn.Sigmoid(), nn.Linear(12, 3)).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=stream) - 0.5)
    x = x.double()
    parts = tuple(torch.split(torch.arange(clients), 1))
    pool, recipe = Examples(x[:clients], y[:clients]), LocalTraining(lr=0.5, batch_size=1)
    run = Watched(module, CLASSIFICATION, recipe, pool, parts, Examples(x[clients:], y[clients:]), 0)
    origin = ParameterLayout.of(module).flatten(module)
    engine = Sequential(module, Shards(pool, parts), recipe, 0)
    rows = torch.stack([engine.train(Ticket(client, 0, origin)).update for client in range(clients)])
    [finding] = AtClient(seat=1, probe=DLG(restarts=5, iterations=60, enough=1e-9)).watch(run)(
        sight(rows, origin=origin)
    )
    assert finding.numbers["psnr"] > 30
    shown = {tuple(pair.original.flatten().tolist()) for pair in pairs_of(finding)}
    wanted = [picture.flatten() for picture in x[[0, *range(2, clients)]]]
    assert len(shown) == clients - 1
    assert all(min(torch.dist(picture, torch.tensor(found)) for found in shown) < 0.01 for picture in wanted)


def test_it_has_the_numbers_of_its_probe_and_says_what_it_lacks():
    labels = AtClient(probe=RevealingLabels())
    assert labels.numbers == RevealingLabels.numbers
    assert labels.needs_classes
    assert AtClient.numbers == ()
    settings = {"rounds": 1, "clients": 2, "inference": labels}
    again = Experiment.model_validate(Experiment(**settings).model_dump(mode="json"))
    assert again.inference == (labels,)
    assert [number.kind for number in again.numbers][-3:] == ["label_recall", "label_precision", "labels_exact"]
    with pytest.raises(InvalidConfig, match=r"`inference.seat` must be a client's id, below 3; found 3"):
        AtClient(seat=3, probe=Membership()).watch(watched(3))
    with pytest.raises(InvalidConfig, match="at_client needs other clients; found 1 client"):
        AtClient(seat=0, probe=DLG(client=1)).watch(watched(1))
