"""RSA against its definition, by hand, and on the simulator."""

import pytest
import torch

from fedprop.aggregators.cohort import Cohort
from fedprop.data import Dataset
from fedprop.defenses import Rsa
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.oracles.rsa import MISREADINGS, client_step, server_step
from fedprop.simulation.engine import simulate
from fedprop.training.steering import Place

NORMS = ("l1", "l2", "linf")


def stories():
    """A global model, clients' models, some of them equal in places to it or to each other, and settings."""
    draw = torch.Generator().manual_seed(0)
    for number in range(40):
        n, d = (int(torch.randint(1, most, (), generator=draw)) for most in (6, 5))
        rows = torch.randint(-2, 3, (n, d), generator=draw).double()
        yield torch.randint(-2, 3, (d,), generator=draw).double(), rows, NORMS[number % 3]


def stepped(received, models, norm, *, lr=0.5, lambda_=0.1, decay=0.25):
    protocol = Rsa(norm=norm, lr=lr, lambda_=lambda_, decay=decay)
    cohort = Cohort(models - received, model=received, round=0, generator=torch.Generator())
    return received + protocol.aggregate(cohort, None, rule=None).value


def test_the_servers_step_is_its_definition():
    for received, models, norm in stories():
        wanted = server_step(received.tolist(), models.tolist(), 0.5, 0.1, 0.25, norm)
        assert stepped(received, models, norm).tolist() == pytest.approx(wanted, abs=1e-12)


def test_every_misreading_differs_somewhere():
    told = [(w.tolist(), m.tolist(), 0.5, 0.1, 0.25, norm) for w, m, norm in stories()]
    for name, misread in MISREADINGS.items():
        assert any(misread(*case) != pytest.approx(server_step(*case)) for case in told), name


def test_the_clients_gradient_is_its_definition():
    for received, models, norm in stories():
        gradients = torch.arange(models.numel()).view(models.shape).double()
        split = {"a": slice(0, 1), "b": slice(1, None)} if models.shape[1] > 1 else {"a": slice(None)}
        place = Place(
            params={name: models[:, part] for name, part in split.items()},
            received={name: received.expand_as(models)[:, part] for name, part in split.items()},
            before={},
            repeats=torch.zeros(len(models), dtype=torch.bool),
            rates=torch.full((len(models),), 0.5),
            generators=(),
        )
        steering = Rsa(norm=norm, lambda_=0.1).train()
        bent = steering.bend({name: gradients[:, part] for name, part in split.items()}, place)
        found = models - 0.5 * torch.cat([*bent.values()], dim=1)
        for row, own in enumerate(models):
            wanted = client_step(own.tolist(), received.tolist(), gradients[row].tolist(), 0.5, 0.1, norm)
            assert found[row].tolist() == pytest.approx(wanted, abs=1e-12)


def test_a_step_by_hand():
    """Of three clients two are above the first weight and one below; of the second one is above, and one equal."""
    received, models = torch.tensor([1.0, 0.0]), torch.tensor([[2.0, 9.0], [3.0, 0.0], [0.0, 0.0]])
    assert stepped(received, models, "l1", lr=0.1, lambda_=0.5, decay=0.2).tolist() == pytest.approx(
        [1.0 + 0.1 * (0.5 * 1 - 0.2), 0.0 + 0.1 * 0.5]
    )


class Log:
    def __init__(self):
        self.events, self.snapshots, self.rounds = [], [], []

    def on_event(self, event):
        self.events.append(event)

    def on_round(self, record, snapshot):
        self.rounds.append(record)
        self.snapshots.append(snapshot())


def setup(**settings):
    y = torch.arange(36) % 2
    x = torch.randn(36, 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None]
    data = Dataset.from_arrays("toy", x, y, x, y)
    fields: dict = {"rounds": 4, "clients": 6, "model": "logistic_regression", "defense": "rsa", **settings}
    return resolve(Experiment(**fields), dataset=data)


def test_clients_go_on_from_models_of_their_own_and_report_nothing():
    log = Log()
    outcome = simulate(setup(policy={"kind": "synchronous", "cohort": 4}), log)
    seen = set()
    for event in log.events:
        if event.kind == "began":
            assert event.detail == ("own model" if event.client in seen else "global model")
            seen.add(event.client)
    assert not {"heard", "ruled", "judged"} & {event.kind for event in log.events}
    assert all(record.ruling is None for record in outcome.rounds)
    rest = simulate(
        setup(policy={"kind": "synchronous", "cohort": 4}), Log(), resume=log.snapshots[1], earlier=log.rounds[:2]
    )
    assert rest.trace_sha256 == outcome.trace_sha256


def test_attackers_that_send_anything_move_the_model_no_further():
    settings = {"attack": {"kind": "sign_flip", "z": 1e6, "share": 0.4}, "rounds": 30, "training": {"lr": 0.5}}
    robust = {"kind": "rsa", "lambda_": 0.05}
    assert simulate(setup(**settings, defense=robust), Log()).test_error < 0.3
    assert simulate(setup(**settings, defense="mean"), Log()).test_error > 0.6
