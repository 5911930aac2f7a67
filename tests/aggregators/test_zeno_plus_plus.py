"""Zeno++: who is let in, by hand, how long the server's update serves, and what that is worth to a run."""

import pytest
import torch

from fedprop.aggregators import Cohort, Reference, ZenoPlusPlus
from fedprop.data import Dataset
from fedprop.errors import InvalidUpdates, ServerUnknown
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.simulation.engine import simulate


class Counting(Reference):
    """Counts how often the server trains."""

    trained = 0

    def reference(self):
        type(self).trained += 1
        return super().reference()


def asked(rule, rows, reference, state=None):
    rows = torch.tensor(rows, dtype=torch.float64)
    return rule.aggregate(Cohort(rows, server=Reference(torch.tensor(reference, dtype=torch.float64))), state)


def test_rows_come_in_one_by_one_at_the_length_of_the_servers_update():
    """At length 5 the rows are (3, 4), (-3, 4), (0, 5), (5, 0): with r they make 15, -15, 0 and 25; rho asks for 5."""
    answer = asked(ZenoPlusPlus(rho=0.2), [[0.6, 0.8], [-3.0, 4.0], [0.0, 9.0], [1.0, 0.0], [0.0, 0.0]], [5.0, 0.0])
    assert answer.value.tolist() == pytest.approx([4.0, 2.0])
    assert answer.weights.tolist() == [0.5, 0.0, 0.0, 0.5, 0.0]


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_next_to_updates_of_any_size(size):
    """Epsilon has a unit of its own: beside a server's update that is short enough, everybody comes in."""
    rows = [[size, 0.0], [-size, 0.0]]
    weights = asked(ZenoPlusPlus(rho=0.2, epsilon=1.0), rows, [size, 0.0]).weights.tolist()
    assert weights == ([0.5, 0.5] if size < 1 else [1.0, 0.0])


def test_epsilon_lets_some_rise_pass():
    """-15 - 0.2 * 25 is -20."""
    for epsilon, value in ((20.0, [-3.0, 4.0]), (19.9, [0.0, 0.0])):
        assert asked(ZenoPlusPlus(rho=0.2, epsilon=epsilon), [[-0.6, 0.8]], [5.0, 0.0]).value.tolist() == pytest.approx(
            value
        )


@pytest.mark.parametrize(("rows", "reference"), [([[0.0, 0.0]], [5.0, 0.0]), ([[1.0, 0.0]], [0.0, 0.0])])
def test_what_has_no_direction_is_refused(rows, reference):
    answer = asked(ZenoPlusPlus(rho=0.0, epsilon=1.0), rows, reference)
    assert (answer.value.tolist(), answer.weights.tolist()) == ([0.0, 0.0], [0.0])


def test_one_update_of_the_server_serves_several_times():
    rule, state, found = ZenoPlusPlus(every=3), None, []
    Counting.trained = 0
    for turn in range(7):
        server = Counting(torch.tensor([1.0 + turn, 0.0]))
        answer = rule.aggregate(Cohort(torch.tensor([[1.0, 0.0]]), server=server), state)
        state = answer.state
        found.append(answer.value[0].item())
    assert (found, Counting.trained) == ([1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 7.0], 3)


def test_rows_alone_and_updates_unlike_them_are_refused():
    with pytest.raises(ServerUnknown, match="`server` must be given with the cohort"):
        ZenoPlusPlus()(torch.ones(1, 2))
    with pytest.raises(InvalidUpdates, match=r"finite with shape \[2\] for ZenoPlusPlus; found \[1\], 1 finite"):
        asked(ZenoPlusPlus(), [[1.0, 2.0]], [1.0])


class Log:
    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        pass


def test_an_asynchronous_server_holds_where_it_would_fall():
    y = torch.arange(80) % 2
    x = torch.randn(80, 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None] - 1.0
    data = Dataset.from_arrays("toy", x, y, x, y)
    fields = {
        "rounds": 20,
        "clients": 6,
        "model": "logistic_regression",
        "policy": {"kind": "fedasync", "concurrency": 3, "mixing": 1},
        "root": {"size": 10},
        "attack": {"kind": "sign_flip", "z": 5, "share": 0.5},
        "training": {"lr": 0.2},
    }
    runs = {
        kind: simulate(resolve(Experiment(**fields, defense=kind), dataset=data), Log())
        for kind in ("mean", "zeno_plus_plus")
    }
    assert runs["mean"].test_error > 0.4
    assert runs["zeno_plus_plus"].test_error < 0.25
    assert not any(record.failure for record in runs["zeno_plus_plus"].rounds)
