from dataclasses import replace

import anyio
import pytest
import torch

from fedprop import clock
from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.messages import Update
from fedprop.simulation.engine import simulate
from fedprop.simulation.world import World


class Log:
    """Keeps what an observer is told."""

    def __init__(self):
        self.events = []
        self.rounds = []
        self.snapshots = []

    def on_event(self, event):
        self.events.append(event)

    def on_round(self, record, snapshot):
        self.rounds.append(record)
        self.snapshots.append(snapshot())

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]

    def clients(self, kind):
        return [event.client for event in self.of(kind)]

    def reasons(self):
        return [event.detail for event in self.of("rejected")]


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def toy():
    """Makes a dataset of two classes in the plane, six examples for each client."""

    def make(clients):
        y = torch.arange(6 * clients) % 2
        x = torch.randn(len(y), 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None]
        return Dataset.from_arrays("toy", x, y, x[:20], y[:20])

    return make


@pytest.fixture
def configure(toy):
    """Makes a setup on toy data: a few clients, one second of training, a tenth of a second each way."""

    def make(*, module=None, changes=None, **settings):
        defaults = {"rounds": 3, "clients": 6, "model": "logistic_regression", "network": {"latency": 0.1}}
        experiment = Experiment(**{**defaults, **settings})
        setup = resolve(experiment, dataset=toy(experiment.clients), model=module)
        return replace(setup, **(changes or {}))

    return make


@pytest.fixture
def play(configure, log):
    """Runs a whole simulation and gives its outcome; `log` has what happened."""

    def run(**settings):
        return simulate(configure(**settings), log)

    return run


@pytest.fixture
def drive(configure, log):
    """Runs the real server on the virtual clock; a script plays the clients: `await script(world, invitations)`."""

    def run(script, **settings):
        setup = configure(**settings)

        async def main():
            world, invitations = World(setup, log.on_event), []
            world.server.on_round = log.rounds.append
            world.transport.connect("down", lambda client, message: invitations.append(message))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(setup.policy.run, world.server)
                await anyio.sleep(0.2)
                await script(world, invitations)
                await anyio.sleep(1e-6)
                tasks.cancel_scope.cancel()
            return world

        return clock.run(main)

    return run


@pytest.fixture
def answer():
    """Makes the update that answers an invitation; every coordinate has the same value."""

    def make(sender, invitation, value=0.0, **changes):
        fields = {"client": sender, "task": invitation.task, "version": invitation.version, "examples": 6}
        return Update(**{**fields, "update": torch.full_like(invitation.parameters, value), **changes})

    return make
