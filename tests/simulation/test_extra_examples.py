"""A protocol may add classes to a model and hand examples to all clients: who trains on them, who never sees them."""

from collections import Counter

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import cross_entropy

from fedprop.attacks.own_training import TrainingApart
from fedprop.data import Examples
from fedprop.defenses import Judged, RoundProtocol, Ruling
from fedprop.errors import InvalidConfig, RunFailed
from fedprop.experiments.experiment import Experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.engine import simulate
from fedprop.simulation.evaluation import Evaluator
from fedprop.simulation.world import World
from fedprop.training import Shards
from fedprop.training.task import Ticket

HANDED = 3


class Marked(RoundProtocol):
    """Hands out three examples of a class of its own, whose loss the server measures; `wrong` says what goes wrong."""

    kind: str = "marked"
    wrong: str = ""

    @property
    def extra_classes(self):
        return 1

    @property
    def asks(self):
        return frozenset({"losses"})

    def extra_examples(self, x, classes, *, generator):
        x.zero_()
        made, labels = torch.full((HANDED, 2), 9.0), torch.full((HANDED,), classes)
        match self.wrong:
            case "raises":
                raise ZeroDivisionError("by hand")
            case "alone":
                return made
            case "shape":
                return made[:, :1], labels
            case "dtype":
                return made.double(), labels
            case "nan":
                return made * torch.nan, labels
            case "none":
                return made[:0], labels[:0]
            case "label":
                return made, labels + 1
        return made, labels

    def aggregate(self, cohort, memory, *, rule):
        losses = cohort.server_side.losses(cohort.updates)
        measured = {"loss": dict(zip(cohort.clients, losses.tolist(), strict=True))}
        verdicts = dict.fromkeys(cohort.clients[self.wrong == "verdict" :], str(cohort.examples[0]))
        return Judged(rule(cohort), Ruling("marked", verdicts, self.wrong == "rollback", measured=measured))


def outputs(setup, parameters, x):
    ParameterLayout.of(setup.module).load(setup.module, parameters)
    with torch.no_grad():
        return setup.module(x)


def test_clients_train_on_what_they_are_handed_and_claim_their_own(configure):
    once = {"batch_size": 64, "epochs": 1, "lr": 1.0}
    for engine in ("sequential", "vectorized"):
        setup = configure(defense=Marked(), training={**once, "engine": engine}, attack={"kind": "label_flip"})
        (compromised,) = setup.compromised
        origin, shards = ParameterLayout.of(setup.module).flatten(setup.module), setup.shards
        for client in (compromised, min(set(range(6)) - {compromised})):
            (found,) = setup.make_engine()([Ticket(client, 0, origin)])
            own = shards.own(client)
            x = torch.cat([shards.pool.x[own], torch.full((HANDED, 2), 9.0)])
            y = torch.cat([shards.pool.y[own], torch.full((HANDED,), 2)])
            module = nn.Linear(2, 3)
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
            cross_entropy(module(x), y).backward()
            step = -torch.cat([module.weight.grad.flatten(), module.bias.grad])
            assert torch.allclose(found.update, step, atol=1e-6)
            assert found.examples == len(own) == shards.count(client) - HANDED
        # What an attack poisons is what its clients had: of two classes one becomes the other.
        flipped = shards.pool.y[shards.own(compromised)]
        assert Counter(flipped.tolist()).keys() <= {0, 1}


def test_nobody_without_data_is_handed_any():
    pool = Examples(torch.zeros(4, 1), torch.zeros(4, dtype=torch.long))
    shards = Shards(pool, (torch.tensor([3, 0]), torch.tensor([], dtype=torch.long)))
    more = shards.handing_out(Examples(torch.ones(2, 1), torch.ones(2, dtype=torch.long)))
    assert [part.tolist() for part in more.parts] == [[3, 0, 4, 5], []]
    assert [more.own(client).tolist() for client in (0, 1)] == [[3, 0], []]
    assert (more.owned(0), more.owned(1), more.count(0), len(more.pool)) == (2, 0, 4, 6)


def test_the_model_is_tested_on_the_classes_of_the_data(configure, log):
    setup = configure(defense=Marked(), metrics=["per_class_accuracy", "per_client_accuracy"])
    module = setup.module
    last = next(part for part in module.modules() if isinstance(part, nn.Linear))
    with torch.no_grad():
        last.bias[2] = 1e6  # whatever it sees, it takes it for what was handed out
    outcome = simulate(setup, log)
    assert outcome.test_accuracy > 0.5
    test, answers = setup.dataset.test, outputs(setup, outcome.parameters, setup.dataset.test.x)
    assert test.x.abs().sum() > 0  # the protocol wrote into a copy
    assert answers.argmax(dim=1).eq(2).all()
    kept = answers[:, :2]
    assert outcome.test_accuracy == pytest.approx(float(kept.argmax(dim=1).eq(test.y).double().mean()))
    assert outcome.grades.loss == pytest.approx(float(cross_entropy(kept, test.y)))
    assert set(outcome.grades.numbers["per_class_accuracy"].parts) == {0, 1}
    for client, found in outcome.grades.numbers["per_client_accuracy"].parts.items():
        own = setup.shards.own(client)
        examples = Examples(setup.shards.pool.x[own], setup.shards.pool.y[own])
        assert found == pytest.approx(Evaluator(setup.tested, test).score(outcome.parameters, examples).accuracy)


def test_the_server_asks_what_it_handed_out_and_records_what_it_finds(configure, log):
    setup = configure(defense=Marked(), rounds=1)
    assert len(setup.root) == HANDED
    outcome = simulate(setup, log)
    (ruling,) = [record.ruling for record in outcome.rounds]
    assert ruling.measured["loss"].keys() == set(range(6))
    assert ruling.verdicts == dict.fromkeys(range(6), "6")  # examples that each claims
    assert max(ruling.measured["loss"].values()) < float(torch.tensor(3.0).log())
    assert [event.detail for event in log.of("judged")] == ["6, used"] * 6
    assert log.of("ruled")[0].detail == "marked"
    assert log.of("aggregated")[0].value == 6


class Curious(TrainingApart):
    """Sends what it finds out about its own data and the model: the largest label, and how many answers there are."""

    kind: str = "curious"

    def model(self, view, row):
        x, y = view.tools.data(row)
        found = view.own.new_zeros(view.own.shape[1])
        found[:3] = torch.tensor([float(y.max()), float(len(x)), float(view.tools.outputs(view.origin, x).shape[1])])
        return view.origin + found


def test_attacks_that_work_with_their_data_know_the_classes_of_the_data_alone(configure, log):
    setup = configure(defense=Marked(), attack=Curious(), rounds=1)
    world = World(setup, lambda event: None)
    (client,) = setup.compromised
    tools = world.adversary._workshop(0, (client,))
    x, y = tools.data(0)
    assert (int(y.max()), len(x), tools.outputs(world.server.state.parameters, x).shape[1]) == (1, 6, 2)


WRONG = {
    "raises": "`defense`: Marked.extra_examples failed: ZeroDivisionError: by hand",
    "alone": r"Marked.extra_examples must answer with inputs and labels, two tensors; found a tensor of shape \[3, 2\]",
    "shape": r"must answer with inputs \['k', 2\] of torch.float32, finite and at least one; found \[3, 1\]",
    "dtype": r"must answer with inputs .*; found \[3, 2\] of torch.float64",
    "nan": r"must answer with inputs .* finite and at least one; found \[3, 2\]",
    "none": r"must answer with inputs .*; found \[0, 2\]",
    "label": r"must answer with a label for each input, int64 in 0 ... 2; found \[3, 3, 3\]",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_examples_are_refused(configure, wrong):
    with pytest.raises(InvalidConfig, match=WRONG[wrong]):
        configure(defense=Marked(wrong=wrong))


def test_wrong_rulings_end_the_run(play):
    with pytest.raises(RunFailed, match=r"Marked.aggregate must have a verdict on each client; found none on client 0"):
        play(defense=Marked(wrong="verdict"))
    with pytest.raises(RunFailed, match=r"Marked.aggregate must not roll back"):
        play(defense=Marked(wrong="rollback"))


def test_models_and_tasks_without_such_a_class_are_refused(configure):
    more = r"Marked adds 1 to the 2 classes of the data: named models follow, one of your own must have the outputs"
    with pytest.raises(InvalidConfig, match=rf"Linear must give logits of shape \[\d, 3\].*{more}"):
        configure(defense=Marked(), module=nn.Linear(2, 2))
    assert configure(defense=Marked(), module=nn.Linear(2, 3)).tested(torch.zeros(5, 2)).shape == (5, 2)
    told = "Marked adds 1 to the classes of the data, so `task` must tell classes apart; found next_token"
    with pytest.raises(ValidationError, match=told):
        Experiment(rounds=1, clients=2, defense=Marked(), task="next_token")
