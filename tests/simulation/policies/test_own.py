"""A policy of one's own: in a few lines, by place, resumed, and wrong in every way."""

import sys
from typing import Literal

import pytest
import torch

from fedprop.errors import RunFailed
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import simulate
from fedprop.simulation.policies import Policy, Synchronous, collect
from fedprop.types import Positive

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}


class Ticking(Policy):
    """Every `seconds` the server aggregates what has come, and invites whoever is free; others work on."""

    kind: Literal["ticking"] = "ticking"
    seconds: Positive = 2.0

    def smallest(self, clients):
        return 1

    async def run(self, server):
        while server.open_round():
            server.invite(server.sample(server.setup.clients))
            batch = await collect(server, wanted=server.setup.clients, seconds=self.seconds)
            await server.aggregate(batch)


def test_a_policy_of_fifteen_lines_runs(configure, log):
    outcome = simulate(configure(rounds=5, policy=Ticking(), compute=SPREAD), log)
    assert [record.time for record in outcome.rounds[:3]] == pytest.approx([2.0, 4.0, 6.0])
    assert {event.value for event in log.of("accepted")} > {0.0}  # some updates are stale
    assert all(record.accepted for record in outcome.rounds)
    rest = simulate(configure(rounds=5, policy=Ticking(), compute=SPREAD), log, resume=log.snapshots[1])
    assert rest.trace_sha256 == outcome.trace_sha256


def test_a_round_without_updates_fails(configure, log):
    outcome = simulate(configure(rounds=2, policy=Ticking(seconds=0.5)), log)
    assert [r.failure for r in outcome.rounds] == ["a round must have an update; found none"] * 2


def test_a_policy_is_named_by_place(tmp_path, monkeypatch, configure, log):
    (tmp_path / "mine.py").write_text(
        "from fedprop.simulation.policies import Synchronous\n"
        "class Twice(Synchronous):\n"
        "    kind: str = 'twice'\n"
        "    def rows(self, batch, parameters, version):\n"
        "        return 2 * super().rows(batch, parameters, version)\n"
    )
    monkeypatch.chdir(tmp_path)
    once, twice = (
        simulate(configure(rounds=1, policy=policy), log).parameters for policy in (Synchronous(), "mine.py:Twice")
    )
    start = simulate(
        configure(rounds=1, policy=Synchronous(), optimizer={"kind": "fedavg", "lr": 1e-9}), log
    ).parameters
    torch.testing.assert_close(twice - start, 2 * (once - start))


def test_what_needs_rounds_is_refused_under_a_policy_that_is_not_synchronous():
    with pytest.raises(ValueError, match=r"`central_privacy` needs `policy.kind` synchronous; found ticking"):
        Experiment(
            rounds=1, clients=4, policy=Ticking(), central_privacy={"clip_norm": 1, "noise_multiplier": 1, "delta": 0.1}
        )
    with pytest.raises(ValueError, match=r"`policy.patience` must be set where clients can fail silently"):
        Experiment(rounds=1, clients=4, policy=Ticking(), network={"loss": 0.1})


class Broken(Synchronous):
    """Makes one mistake."""

    kind: str = "broken"
    mistake: str

    def smallest(self, clients):
        return {"smallest raises": lambda: 1 // 0, "smallest text": lambda: "one"}.get(self.mistake, lambda: 1)()

    def rows(self, batch, parameters, version):
        rows = super().rows(batch, parameters, version)
        return rows[1:] if self.mistake == "rows" else rows.tolist() if self.mistake == "list" else rows

    async def run(self, server):
        if self.mistake == "run":
            raise KeyError("client")
        if self.mistake == "exit":
            sys.exit(0)
        if self.mistake == "early":
            server.open_round()
            await server.aggregate([])
            return
        await super().run(server)
        if self.mistake == "late":
            await server.aggregate([])


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("rows", r"the policy Broken must answer with rows of shape \[6, 6\], .*; found a tensor of shape \[5, 6\]"),
        ("list", r"the policy Broken must answer with rows of shape .*; found list"),
        ("run", r"policy broken failed in round 0: KeyError: 'client'"),
        ("exit", r"policy broken failed in round 0: SystemExit: 0"),
        (
            "early",
            r"policy broken must play while `server.open_round\(\)` opens a round; it came to .* after 1 of 3 rounds",
        ),
        ("late", r"a policy must play while `server.open_round\(\)` opens a round; found none open"),
    ],
)
def test_a_wrong_policy_fails_the_run_and_is_named(configure, log, mistake, sentence):
    with pytest.raises(RunFailed, match=sentence):
        simulate(configure(policy=Broken(mistake=mistake)), log)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("smallest raises", "policy broken failed in `smallest`: ZeroDivisionError"),
        ("smallest text", "policy broken failed in `smallest`: .*whole number from 1 on; found 'one'"),
    ],
)
def test_a_policy_that_does_not_say_what_it_needs_is_refused(mistake, sentence):
    with pytest.raises(ValueError, match=sentence):
        Experiment(rounds=1, clients=4, policy=Broken(mistake=mistake))
