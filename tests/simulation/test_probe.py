"""A probe sees each round as it closes, and the run is the same without it."""

import anyio
import pytest
import torch

from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.privacy import Finding, Sight, infer
from fedprop.simulation.engine import simulate

FEDBUFF = {"kind": "fedbuff", "concurrency": 4, "buffer": 2}


class Recording:
    """Keeps every sight, with the local models of the clients named."""

    def __init__(self, clients):
        self.clients = clients
        self.seen = []

    def __call__(self, sight):
        self.seen.append((sight, {c: row for c in self.clients if (row := sight.local(c)) is not None}))
        return (Finding(None, "threshold", infer(sight.parameters[:1], sight.parameters[1:])),)


@pytest.mark.parametrize("policy", [{"kind": "synchronous", "cohort": 4}, FEDBUFF])
def test_a_probe_changes_nothing(configure, log, policy):
    probe = Recording(range(6))
    with_probe, without = (
        simulate(configure(policy=policy, changes={"probe": probe} if watched else None), log)
        for watched in (True, False)
    )
    assert with_probe.trace_sha256 == without.trace_sha256
    assert with_probe.parameters.equal(without.parameters)
    assert [len(record.findings) for record in log.rounds] == [1, 1, 1, 0, 0, 0]
    assert [(sight.round, sight.last) for sight, _ in probe.seen] == [(0, False), (1, False), (2, True)]


def test_it_sees_the_new_model_and_the_local_models_that_made_it(configure, log):
    probe = Recording(range(6))
    outcome = simulate(configure(policy={"kind": "synchronous", "cohort": 4}, changes={"probe": probe}), log)
    assert probe.seen[-1][0].parameters.equal(outcome.parameters)
    for (sight, rows), record in zip(probe.seen, log.rounds, strict=True):
        assert set(rows) == set(record.weights)
        mean = sum(record.weights[client] * row for client, row in rows.items())
        assert mean.allclose(sight.parameters, atol=1e-6)


def test_a_client_that_learns_noise_by_heart_is_found_out(log):
    """The labels are drawn at random, so that they can only be learnt one by one."""
    stream = torch.Generator().manual_seed(0)
    x, y = torch.randn(120, 80, generator=stream), torch.randint(2, (120,), generator=stream)
    noise = Dataset.from_arrays("noise", x[:60], y[:60], x[60:], y[60:])
    settings = {"rounds": 1, "clients": 2, "model": "logistic_regression", "inference": {"attacks": ["threshold"]}}
    training = {"lr": 0.5, "epochs": 20, "batch_size": 10}
    by_heart = simulate(resolve(Experiment(**settings, training=training), dataset=noise), log)
    (everybody, client), fresh = by_heart.rounds[0].findings, resolve(Experiment(**settings), dataset=noise)
    assert client.inference.auc > 0.8
    assert client.inference.auc > everybody.inference.auc > 0.6
    start = torch.zeros(2 * 80 + 2)
    assert {f.inference.auc for f in fresh.probe(Sight(0, True, start, lambda _: start))} == {0.5}


def test_of_a_client_with_two_updates_it_sees_the_newer(drive, answer):
    probe = Recording([0])

    async def script(world, invitations):
        for value in (1.0, 2.0):
            invitation = invitations[-1]
            world.transport.send("up", 0, answer(0, invitation, value=value))
            await anyio.sleep(0.5)

    drive(script, clients=1, policy={"kind": "fedbuff", "concurrency": 1, "buffer": 2}, changes={"probe": probe})
    assert probe.seen[0][1][0].tolist() == [2.0] * 6


def test_it_sees_what_was_accepted_in_a_round_that_failed(configure, log):
    probe = Recording(range(6))
    policy = {"kind": "synchronous", "deadline": 1.15, "min_updates": 6}
    compute = {"time": {"kind": "lognormal", "median": 1, "sigma": 0.5}}
    simulate(configure(rounds=1, policy=policy, compute=compute, changes={"probe": probe}), log)
    assert log.rounds[0].failure
    assert set(probe.seen[0][1]) == set(log.clients("accepted")) != set()
