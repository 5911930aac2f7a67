"""A probe sees each round as it closes, and the run is the same without it."""

from typing import ClassVar, Literal

import anyio
import pytest
import torch

from fedprop.data import Dataset
from fedprop.defenses import Beginning, RoundProtocol
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.metrics import Number, Reading
from fedprop.privacy import Finding, Probe, Sent, Sight, finding_of, infer
from fedprop.simulation.engine import simulate

FEDBUFF = {"kind": "fedbuff", "concurrency": 4, "buffer": 2}


class Recording:
    """Keeps every sight, with the local models of the clients named."""

    def __init__(self, clients):
        self.clients = clients
        self.seen = []

    def __call__(self, sight):
        self.seen.append((sight, {c: sent.local for c in self.clients if (sent := sight.sent(c)) is not None}))
        return (finding_of(None, "threshold", infer(sight.parameters[:1], sight.parameters[1:])),)


@pytest.mark.parametrize("policy", [{"kind": "synchronous", "cohort": 4}, FEDBUFF])
def test_a_probe_changes_nothing(configure, log, policy):
    probe = Recording(range(6))
    with_probe, without = (
        simulate(configure(policy=policy, changes={"probes": (probe,)} if watched else None), log)
        for watched in (True, False)
    )
    assert with_probe.trace_sha256 == without.trace_sha256
    assert with_probe.parameters.equal(without.parameters)
    assert [len(record.findings) for record in log.rounds] == [1, 1, 1, 0, 0, 0]
    assert [(sight.round, sight.last) for sight, _ in probe.seen] == [(0, False), (1, False), (2, True)]


def test_it_sees_the_new_model_and_the_local_models_that_made_it(configure, log):
    probe = Recording(range(6))
    outcome = simulate(configure(policy={"kind": "synchronous", "cohort": 4}, changes={"probes": (probe,)}), log)
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
    settings = {
        "rounds": 1,
        "clients": 2,
        "model": "logistic_regression",
        "inference": {"kind": "membership", "attacks": ["threshold"]},
    }
    training = {"lr": 0.5, "epochs": 20, "batch_size": 10}
    by_heart = simulate(resolve(Experiment(**settings, training=training), dataset=noise), log)
    (everybody, client), fresh = by_heart.rounds[0].findings, resolve(Experiment(**settings), dataset=noise)
    assert client.numbers["auc"] > 0.8
    assert client.numbers["auc"] > everybody.numbers["auc"] > 0.6
    start = torch.zeros(2 * 80 + 2)
    assert {f.numbers["auc"] for f in fresh.probes[0](Sight(0, True, start, lambda _: Sent(start, start, 1, 1)))} == {
        0.5
    }


def test_of_a_client_with_two_updates_it_sees_the_newer(drive, answer):
    probe = Recording([0])

    async def script(world, invitations):
        for value in (1.0, 2.0):
            invitation = invitations[-1]
            world.transport.send("up", 0, answer(0, invitation, value=value))
            await anyio.sleep(0.5)

    drive(script, clients=1, policy={"kind": "fedbuff", "concurrency": 1, "buffer": 2}, changes={"probes": (probe,)})
    assert probe.seen[0][1][0].tolist() == [2.0] * 6


def test_it_sees_what_was_accepted_in_a_round_that_failed(configure, log):
    probe = Recording(range(6))
    policy = {"kind": "synchronous", "deadline": 1.15, "min_updates": 6}
    compute = {"time": {"kind": "lognormal", "median": 1, "sigma": 0.5}}
    simulate(configure(rounds=1, policy=policy, compute=compute, changes={"probes": (probe,)}), log)
    assert log.rounds[0].failure
    assert set(probe.seen[0][1]) == set(log.clients("accepted")) != set()


class Longest(Number):
    """A number that a probe of one's own brings along."""

    kind: Literal["longest"] = "longest"

    def read(self, record, compromised):
        found = [finding.numbers["norm"] for finding in record.findings if finding.probe == "lengths"]
        return Reading(max(found)) if found else None


class Lengths(Probe):
    """How far each client's update goes, and where it points."""

    numbers: ClassVar[tuple[Number, ...]] = (Longest(),)

    kind: Literal["lengths"] = "lengths"

    def watch(self, run):
        if len(run.parts) < 2:
            raise InvalidConfig(f"`inference`: lengths needs two clients; found {len(run.parts)}")

        def look(sight):
            sent = {client: sight.sent(client) for client in range(len(run.parts))}
            return tuple(
                Finding("lengths", client, "norm", {"norm": float(found.update.norm()), "row": (1.0, found.steps)})
                for client, found in sent.items()
                if found is not None
            )

        return look


def test_a_probe_of_ones_own_brings_findings_and_numbers(tmp_path):
    settings = {"rounds": 2, "clients": 3, "data": "digits", "model": "logistic_regression"}
    outcome = run(Experiment(**settings, inference=[Lengths(), {"kind": "membership", "pairs": 4}]), out=tmp_path)
    summary = RunStore(tmp_path).meta("summary")
    lengths = [finding for finding in outcome.rounds[-1].findings if finding.probe == "lengths"]
    assert [finding.result["row"] for finding in lengths] == [(1.0, 1.0)] * 3
    assert summary["numbers"]["longest"]["value"] == max(finding.numbers["norm"] for finding in lengths)
    assert {found["probe"] for found in summary["inference"]} == {"lengths", "membership"}
    assert set(summary["numbers"]) > {"global_auc", "client_auc"}


def test_a_probe_says_what_it_lacks():
    settings = {"rounds": 2, "clients": 1, "data": "digits", "model": "logistic_regression"}
    with pytest.raises(InvalidConfig, match="`inference`: lengths needs two clients; found 1"):
        resolve(Experiment(**settings, inference=Lengths()))


class Elsewhere(RoundProtocol):
    """Clients begin at the model of ones, whatever they are sent."""

    kind: Literal["elsewhere"] = "elsewhere"

    def begin(self, client, received, last, *, test):
        return Beginning(torch.ones_like(received))


def test_it_knows_where_clients_began_who_do_not_trust_what_they_were_sent(configure, log):
    """What they learnt is counted from there, and their models are what they send back all the same."""
    seen = []

    def probe(sight):
        seen.extend(sight.sent(client) for client in range(6))
        return ()

    simulate(configure(defense=Elsewhere(), changes={"probes": (probe,)}), log)
    assert len(seen) == 18
    for sent in seen:
        assert sent.first.equal(torch.ones_like(sent.origin))
        assert not sent.origin.equal(sent.first)
        assert sent.learnt.allclose(sent.local - 1, atol=1e-6)
    honest = Sent(torch.zeros(2), torch.ones(2), 1, 1)
    assert honest.first is honest.origin
    assert honest.learnt is honest.update
