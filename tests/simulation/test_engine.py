"""Whole simulations, end to end."""

import gc
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
import torch
from torch import nn

from fedprop.errors import RunFailed, StoreError
from fedprop.params import ParameterLayout
from fedprop.simulation.adversary import Adversary
from fedprop.simulation.engine import Outcome, Snapshot, simulate
from fedprop.simulation.events import Trace
from fedprop.simulation.garbage import NEW_OBJECTS, rarely_collecting

SPREAD = {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}


class Nobody:
    def on_event(self, event):
        """Not interested."""

    def on_round(self, record, snapshot):
        """Not interested."""


def test_the_outcome_sums_the_run_up(play, log):
    outcome = play()
    assert outcome.rounds == tuple(log.rounds)
    assert outcome.virtual_seconds == log.rounds[-1].time == pytest.approx(3.6)
    assert outcome.wall_seconds >= log.rounds[-1].wall_seconds > 0
    assert outcome.tickets_per_pass == 6.0
    assert outcome.test_accuracy == log.rounds[-1].accuracy
    assert outcome.test_error == 1.0 - outcome.test_accuracy


def test_training_learns(play):
    assert play(rounds=20).test_accuracy > 0.8


def test_the_hash_covers_the_events(play, log):
    outcome, trace = play(), Trace()
    for event in log.events:
        trace.extend(event)
    assert outcome.trace_sha256 == trace.head
    assert [event.seq for event in log.events] == [*range(len(log.events))]
    times = [event.time for event in log.events]
    assert times == sorted(times)


def test_without_an_evaluation_there_is_no_accuracy():
    outcome = Outcome(torch.zeros(1), (), "", 0.0, 0.0, 0.0)
    assert math.isnan(outcome.test_accuracy)
    assert math.isnan(outcome.test_error)


@pytest.mark.parametrize("usual", [700, 50_000, 0])
def test_garbage_is_looked_for_less_often_during_a_run_only(configure, usual):
    seen = set()

    class Watcher(Nobody):
        def on_event(self, event):
            seen.add(gc.get_threshold()[0])

    before = gc.get_threshold()
    try:
        gc.set_threshold(usual, *before[1:])
        simulate(configure(), Watcher())
        assert gc.get_threshold()[0] == usual
        assert seen == {usual and max(usual, NEW_OBJECTS)}
    finally:
        gc.set_threshold(*before)


def test_runs_side_by_side_leave_the_search_for_garbage_as_it_was():
    before, both, first_done = gc.get_threshold(), threading.Barrier(2), threading.Event()

    def first():
        with rarely_collecting():
            both.wait()
        first_done.set()

    def second():
        with rarely_collecting():
            both.wait()
            first_done.wait()
            assert gc.get_threshold()[0] == max(before[0], NEW_OBJECTS)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(second)]:
            done.result()
    assert gc.get_threshold() == before


def test_same_seed_same_run_other_seed_other_run(play):
    runs = [play(seed=seed, compute=SPREAD) for seed in (1, 1, 2)]
    assert runs[0].trace_sha256 == runs[1].trace_sha256 != runs[2].trace_sha256


def test_an_observer_that_asks_for_snapshots_changes_nothing(configure, play):
    assert simulate(configure(compute=SPREAD), Nobody()).trace_sha256 == play(compute=SPREAD).trace_sha256


def test_a_mistake_in_an_observer_comes_out_as_itself(configure, log):
    class Clumsy(Nobody):
        def on_round(self, record, snapshot):
            raise KeyError("dropped") from OSError("slippery")

    with pytest.raises(KeyError, match="dropped") as caught:
        simulate(configure(), Clumsy())
    assert isinstance(caught.value.__cause__, OSError)


def test_several_mistakes_at_once_come_out_as_a_group(configure, monkeypatch):
    async def twice(*_):
        async with anyio.create_task_group() as tasks:
            for error in (KeyError("a"), OSError("b")):
                tasks.start_soon(_raise, error)

    monkeypatch.setattr(Adversary, "run", twice)
    with pytest.raises(ExceptionGroup) as caught:
        simulate(configure(), Nobody())
    assert {type(error) for error in caught.value.exceptions} == {KeyError, OSError}


async def _raise(error):
    raise error


def test_our_own_errors_come_out_as_themselves(configure):
    class Tired(Nobody):
        def on_round(self, record, snapshot):
            raise RunFailed("enough")

    with pytest.raises(RunFailed, match="enough"):
        simulate(configure(), Tired())


@pytest.mark.parametrize(
    ("optimizer", "move"), [("fedavg", (8 + 1 + 1) / 3), ("fednova", (4 + 1 + 1) / 3 * (2 + 1 + 1) / 3)]
)
def test_fednova_counts_steps(drive, answer, optimizer, move):
    """Wang et al. 2020, section 4: the mean of update / steps, times the mean number of steps."""

    async def script(world, invitations):
        world.start = world.server.state.parameters
        for client, (value, steps) in enumerate([(8.0, 4), (1.0, 1), (1.0, 1)]):
            world.server.receive(client, answer(client, invitations[client], value, steps=steps))

    world = drive(script, clients=3, optimizer={"kind": optimizer})
    torch.testing.assert_close(world.server.state.parameters, world.start + move)


def test_fednova_is_fedavg_where_all_take_equally_many_steps(play):
    settings = {"clients": 3, "training": {"steps": 4}}
    nova = play(**settings, optimizer={"kind": "fednova"})
    torch.testing.assert_close(nova.parameters, play(**settings).parameters)


@pytest.mark.parametrize("kind", ["fedadam", "fedyogi", "fedadagrad"])
def test_adaptive_optimizers_learn(play, kind):
    outcome = play(rounds=20, optimizer={"kind": kind, "lr": 0.1})
    assert outcome.test_accuracy > 0.8
    assert outcome.parameters.isfinite().all()


class Normalising(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.out = nn.Linear(2, 2)

    def forward(self, x):
        return self.out(self.norm(x))


@pytest.mark.parametrize("optimizer", ["fedavg", "fedadam", "fednova"])
def test_buffers_travel_with_the_model(play, optimizer):
    """BatchNorm's counter moves by the mean number of steps, whatever the optimizer does to parameters."""
    torch.manual_seed(0)
    outcome = play(rounds=2, module=Normalising(), training={"steps": 3}, optimizer={"kind": optimizer})
    layout = ParameterLayout.of(Normalising())
    _, buffers = layout.views(outcome.parameters)
    assert buffers["norm.num_batches_tracked"] == 6
    assert buffers["norm.running_mean"].abs().sum() > 0.1


def test_the_callers_module_is_left_alone(play):
    torch.manual_seed(0)
    module = Normalising().eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    first, second = play(module=module), play(module=module)
    assert first.trace_sha256 == second.trace_sha256
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())
    assert not module.training


def test_label_flipping_hurts_the_mean_more_than_the_median(play):
    attack = {"kind": "label_flip", "share": 0.4}
    settings = {"clients": 10, "rounds": 20, "training": {"lr": 0.5, "steps": 5}}
    honest = play(**settings).rounds[-1].loss
    assert play(**settings, attack=attack).rounds[-1].loss > honest + 0.1


def test_label_flipping_changes_the_data_of_compromised_clients_only(configure):
    honest, poisoned = configure(clients=10), configure(clients=10, attack={"kind": "label_flip", "share": 0.3})
    assert len(poisoned.compromised) == 3
    for client in range(10):
        x, y = (_held(honest, client), _held(poisoned, client))
        assert x[0].equal(y[0])
        assert y[1].equal(1 - x[1] if client in poisoned.compromised else x[1])
    assert poisoned.dataset.test.y.equal(honest.dataset.test.y)


def _held(setup, client):
    part = setup.shards.parts[client]
    return setup.shards.pool.x[part], setup.shards.pool.y[part]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("optimizer", ["fedavg", "fedadam"])
def test_a_run_on_a_gpu_goes_on_from_its_checkpoint(configure, log, optimizer):
    setup = configure(device="cuda", compute=SPREAD, rounds=4, optimizer={"kind": optimizer})
    whole = simulate(setup, log)
    assert whole.parameters.is_cuda
    saved = log.snapshots[1]
    saved.tensors = {name: tensor.cpu() for name, tensor in saved.tensors.items()}
    rest = simulate(setup, log, resume=saved, earlier=whole.rounds[:2])
    assert rest.trace_sha256 == whole.trace_sha256


@pytest.mark.parametrize("state", [None, {}, {"$map": []}, {"$map": [["now", 1.0]]}, {"$tensor": "t9"}, {"$tuple": 3}])
def test_a_state_that_is_none_is_refused(configure, log, state):
    with pytest.raises(StoreError, match="the saved state is not one that a simulation can go on from: "):
        simulate(configure(rounds=1, clients=3), log, resume=Snapshot(state))
