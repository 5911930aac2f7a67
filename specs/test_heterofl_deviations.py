"""A round's update is the IID one plus what heterogeneous data, poisoned data, poisoned models and the defense add.

Equations 5 and 6 of Lu et al. 2024 (HeteroFL), with signs and learning rate as fedprop has them: an update is local
minus global parameters, so each gradient counts -lr times. Take E steps of gradient descent over all of a client's
data, from the global model w. Let d_e be the gradients of such steps over D, the data of all clients together. For
client i let h_ie be those over its own data, and c_ie those over the data that it trains on, which are the same unless
it poisons them; and let s_i be what it sends. Then

    s_i = -lr sum_e (d_e + [h_ie - d_e] + [c_ie - h_ie]) + [s_i + lr sum_e c_ie]                            (5)
    g   = g_iid + D_niid + D_dp + D_mp + D_def,                                                             (6)

with g_iid = -lr sum_e d_e; D_niid, D_dp and D_mp the means over all clients of the three brackets; and D_def what the
defense makes of the rows less their mean.

**Theorem.** Each term is what a whole run adds to the run without it: centralised, federated, with poisoned data, with
poisoned models, defended. The second bracket is zero for whoever does not poison data, the third for whoever sends what
it learnt, and D_def for the mean. If every client holds D, all are honest and the defense is the mean, then g = g_iid.

**Two facts more.** With clients of equal sizes and a single step D_niid is zero, however heterogeneous the data: the
mean of the clients' gradients is that of D. And Remark 2 has a defense do best iff D_def = -(D_dp + D_mp): one that
drops all attackers and nobody else does so only if the honest clients left have the same mean as all clients would.

Where print and intent differ: d carries no index e, by which "the same updating path" would repeat a gradient that
belongs to another model; and the underbrace of D_mp includes D_def, which the last line then adds again. Each is shown
to be no identity.
"""

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from softmax import path
from torch import Tensor
from worlds import Log, simulate

from fedprop.data import Dataset, Partition
from fedprop.data.base import Examples
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.params import ParameterLayout
from fedprop.simulation.setup import Setup

CLASSES, EACH, LR = 3, 12, 0.2
NOBODY = {"kind": "none"}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
"""Runs are in float32: seven digits, a few of which some steps and the difference of two runs cost."""


class Blocks(Partition):
    """Each client holds a block of neighbouring examples, all of one size."""

    kind: Literal["blocks"] = "blocks"

    def owners(self, labels, clients, classes, generator):
        return torch.arange(len(labels)) * clients // len(labels)


def world(clients: int, seed: int, *, copies: bool = False) -> Dataset:
    """Points around three centres, all those of a class beside each other; or for each client a copy of the same."""
    draw = torch.Generator().manual_seed(seed)
    size = EACH if copies else EACH * clients
    y = (torch.arange(size) * CLASSES // size).repeat(clients if copies else 1)
    x = torch.randn(size, 2, generator=draw).repeat(clients if copies else 1, 1) + torch.eye(3)[y][:, :2]
    return Dataset.from_arrays("points", x, y, x[:3], y[:3], classes=CLASSES)


def experiment(clients: int, steps: int, attack=NOBODY, defense="mean", seed=0) -> Experiment:
    training = {"lr": LR, "steps": steps, "batch_size": EACH * clients}
    told = {"attack": attack, "defense": defense, "partition": Blocks(), "compromised": "first", "seed": seed}
    return Experiment(rounds=1, clients=clients, model="logistic_regression", training=training, **told)


def moved(plan: Experiment, data: Dataset) -> Tensor:
    """How far one whole round of the simulator moves the model."""
    setup = resolve(plan, dataset=data)
    start = ParameterLayout.of(setup.module).flatten(setup.module)
    return (simulate(setup, Log()).parameters - start).double()


def learnt(setup: Setup, steps: int) -> Tensor:
    """What each client learns by steps over all that it trains on, [n, d], in closed form."""
    start = torch.zeros(CLASSES * 3, dtype=torch.float64)
    pool = setup.shards.pool
    held = [Examples(pool.x[part], pool.y[part]) for part in setup.shards.parts]
    return torch.stack([-LR * sum(path(start, own, CLASSES, steps=steps, lr=LR)) for own in held])


RULES = st.sampled_from(["mean", "median", "geometric_median"])


@settings(max_examples=8)
@given(st.integers(4, 6), st.integers(1, 4), st.integers(0, 99), st.sampled_from([0.5, 1.0, 5.0]), RULES)
def test_each_deviation_is_what_a_run_adds_to_the_run_without_it(clients, steps, seed, z, defense):
    data = world(clients, seed)
    flip = {"kind": "label_flip", "share": 1 / clients}
    turn = {"kind": "sign_flip", "z": z, "share": 1 / clients}
    plans = {
        "honest": experiment(clients, steps),
        "poisoned data": experiment(clients, steps, flip),
        "poisoned models": experiment(clients, steps, [flip, turn]),
        "defended": experiment(clients, steps, [flip, turn], {"kind": defense}),
    }
    central = experiment(1, steps).but(**{"training.batch_size": len(data.train)})
    runs = {"central": moved(central, data), **{name: moved(plan, data) for name, plan in plans.items()}}
    clean, trained = (learnt(resolve(plans[name], dataset=data), steps) for name in ("honest", "poisoned models"))
    (iid,) = learnt(resolve(central, dataset=data), steps)
    sent = trained.clone()
    sent[1] = -z * trained[1]
    aggregate = resolve(plans["defended"], dataset=data).rule(sent)
    terms = {
        "central": iid,
        "honest": (clean - iid).mean(dim=0),
        "poisoned data": (trained - clean).mean(dim=0),
        "poisoned models": (sent - trained).mean(dim=0),
        "defended": aggregate - sent.mean(dim=0),
    }
    before = torch.zeros_like(iid)
    for name, term in terms.items():
        torch.testing.assert_close(runs[name] - before, term, **CLOSE)
        before = runs[name]
    torch.testing.assert_close(runs["defended"], sum(terms.values()), **CLOSE)
    assert torch.equal(trained[1:], clean[1:])  # whoever holds its own labels deviates by none
    assert not torch.equal(trained[0], clean[0])
    assert (defense == "mean") == torch.allclose(terms["defended"], torch.zeros_like(iid), atol=1e-6)


@settings(max_examples=6)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_clients_who_hold_all_and_are_honest_make_the_centralised_update(clients, steps, seed):
    data = world(clients, seed, copies=True)
    central = experiment(1, steps).but(**{"training.batch_size": len(data.train)})
    torch.testing.assert_close(moved(experiment(clients, steps), data), moved(central, data), **CLOSE)


@pytest.mark.parametrize(("steps", "holds"), [(1, True), (2, False)])
def test_after_one_step_heterogeneity_cancels_and_after_two_it_does_not(steps, holds):
    """Three clients of one class each; every one of them deviates, and the mean of all does not."""
    data = world(3, seed=0)
    central = experiment(1, steps).but(**{"training.batch_size": len(data.train)})
    (iid,), each = (learnt(resolve(plan, dataset=data), steps) for plan in (central, experiment(3, steps)))
    assert float((each - iid).norm(dim=1).min()) > 0.05
    assert (float((each.mean(dim=0) - iid).norm()) < 1e-12) == holds
    found = moved(experiment(3, steps), data) - moved(central, data)
    assert (float(found.norm()) < 1e-5) == holds


@pytest.mark.parametrize(("copies", "best"), [(True, True), (False, False)])
def test_to_drop_exactly_the_attackers_is_best_under_iid_alone(copies, best):
    """D_def is -(D_dp + D_mp) if dropping them leaves the mean of what all clients would have learnt."""
    data, clients = world(5, seed=1, copies=copies), 5
    rows = learnt(resolve(experiment(clients, 2), dataset=data), 2)
    sent = torch.cat([-9.0 * rows[:1], rows[1:]])
    poisoned = sent.mean(dim=0) - rows.mean(dim=0)
    defense = sent[1:].mean(dim=0) - sent.mean(dim=0)
    assert torch.allclose(defense, -poisoned, atol=1e-6) == best


def test_without_an_index_of_epochs_the_path_is_another():
    """d_1 twice is not what two steps over D make, so clients of IID data would deviate from it."""
    data = world(3, seed=0, copies=True)
    start, held = torch.zeros(CLASSES * 3, dtype=torch.float64), Examples(data.train.x, data.train.y)
    first, second = path(start, held, CLASSES, steps=2, lr=LR)
    found = moved(experiment(3, 2), data)
    torch.testing.assert_close(found, -LR * (first + second), **CLOSE)
    assert float((found + LR * 2 * first).norm()) > 100 * 1e-5


def test_a_defense_within_the_underbrace_of_poisoned_models_would_count_twice():
    """A row of 1 and two of -1: the mean is -1/3, and the median is 2/3 less than that."""
    sent = torch.tensor([[1.0], [-1.0], [-1.0]])
    aggregate, plain = sent.median(dim=0).values, sent.mean(dim=0)
    defense = aggregate - plain
    assert torch.allclose(aggregate, plain + defense)
    assert not torch.allclose(aggregate, plain + defense + defense)
