"""Data with a backdoor in them, as a simulation deals them out."""

import pytest
import torch

from fedprop.attacks import BackdoorData
from fedprop.errors import InvalidConfig
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment

SETTINGS = {"rounds": 1, "clients": 12, "data": "digits", "model": "logistic_regression"}


def test_every_attacker_holds_its_own_part_of_a_distributed_trigger():
    """Four of twelve clients; what they hold is what the pool has behind the honest data, each with its bar on it."""
    backdoor = {"kind": "distributed_trigger", "label": 2, "poisoned": 0.5, "value": 3.0}
    setup = resolve(Experiment(**SETTINGS, attack={"kind": "backdoor", "share": 0.34, "backdoor": backdoor}))
    bars = []
    for client in sorted(setup.compromised):
        x, y = setup.shards.pool.x[setup.shards.parts[client]], setup.shards.pool.y[setup.shards.parts[client]]
        marked = x.eq(3).flatten(1).any(dim=1)
        assert int(marked.sum()) == round(0.5 * len(y))
        assert y[marked].eq(2).all()
        bars.append(x[marked].eq(3).all(dim=0)[0].nonzero().tolist())
    assert bars == [[[0, 0], [0, 1]], [[0, 3], [0, 4]], [[2, 0], [2, 1]], [[2, 3], [2, 4]]]
    assert setup.aims[0].x.eq(3).flatten(1).sum(dim=1).eq(8).all()
    assert setup.aims[0].y.eq(2).all()


def test_a_label_that_is_no_class_is_refused():
    attack = BackdoorData(backdoor={"kind": "pixel_trigger", "label": 4})
    with pytest.raises(InvalidConfig, match="`label` must be below 4, the number of classes; found 4"):
        attack.poison(torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64), 4, torch.Generator())
