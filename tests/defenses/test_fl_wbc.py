"""FL-WBC against its definition, by hand, and on the simulator."""

import pytest
import torch

from fedprop.data import Dataset
from fedprop.defenses import FlWbc
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.oracles.fl_wbc import MISREADINGS, fl_wbc
from fedprop.simulation.engine import simulate
from fedprop.training.steering import Place

SEEDS, RATES, SCALE = (3, 8, 5), (0.1, 0.2, 0.5), 0.3


def drawn(seed, size):
    """The noise that a client with this seed draws first."""
    draw = torch.Generator().manual_seed(seed)
    one, other = (torch.empty(size, dtype=torch.float64).exponential_(generator=draw) for _ in range(2))
    return (SCALE * (one - other)).tolist()


def world(repeats=(True, True, False)):
    """Three clients of which the last one is at its first batch: gradients, and the place where they are."""
    draw = torch.Generator().manual_seed(1)
    gradients, before = (torch.randn(3, 50, generator=draw, dtype=torch.float64) * 0.3 for _ in range(2))
    place = Place(
        params={},
        received={},
        before={"layer.weight": before, "layer.bias": before},
        repeats=torch.tensor(repeats),
        rates=torch.tensor(RATES, dtype=torch.float64),
        generators=[torch.Generator().manual_seed(seed) for seed in SEEDS],
    )
    return {"layer.weight": gradients, "layer.bias": gradients}, place


def cases():
    """What the definition is told of each of them, from weights of zero."""
    gradients, place = world()
    for client, seed in enumerate(SEEDS):
        before = place.before["layer.weight"][client].tolist() if place.repeats[client] else None
        yield [0.0] * 50, gradients["layer.weight"][client].tolist(), before, drawn(seed, 50), RATES[client]


def test_it_is_its_definition():
    moves = FlWbc(scale=SCALE).train().push(*world())
    assert set(moves) == {"layer.weight"}
    wanted = [fl_wbc(*told) for told in cases()]
    for found, row in zip(moves["layer.weight"].tolist(), wanted, strict=True):
        assert found == pytest.approx(row)
    assert all(0 < sum(v != 0 for v in row) < 50 for row in wanted[:2])
    assert not any(wanted[2])


def test_every_misreading_differs_somewhere():
    for name, misread in MISREADINGS.items():
        assert any(misread(*told) != fl_wbc(*told) for told in cases()), name


def test_three_weights_by_hand():
    """The gradient of the first weight changed by less than the noise, of the second by more, of the third not."""
    assert fl_wbc([1.0, 1.0, 1.0], [0.5, 0.5, 0.5], [0.25, -0.5, 0.5], [-0.5, 0.5, 0.125], 0.5) == [0.75, 1.0, 1.0625]


def test_the_noise_is_a_laplace_variable():
    moves = FlWbc(scale=SCALE).train()._noise(torch.zeros(100_000), torch.Generator().manual_seed(0))
    assert float(moves.abs().mean()) == pytest.approx(SCALE, rel=0.02)
    assert float(moves.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(moves.var()) == pytest.approx(2 * SCALE**2, rel=0.05)


class Log:
    def __init__(self):
        self.kinds = set()

    def on_event(self, event):
        self.kinds.add(str(event.kind))

    def on_round(self, record, snapshot):
        return


def test_it_is_on_the_clients_side_alone_and_goes_with_every_policy():
    y = torch.arange(60) % 2
    x = torch.randn(60, 2, generator=torch.Generator().manual_seed(0)) + 2.0 * y[:, None]
    data = Dataset.from_arrays("toy", x, y, x, y)
    training = {"lr": 0.1, "batch_size": 5, "epochs": 1}
    for policy in ("synchronous", {"kind": "fedbuff", "concurrency": 4, "buffer": 2}):
        outcomes = []
        for defense in ("mean", {"kind": "fl_wbc", "scale": 0.5}):
            log = Log()
            fields = {"rounds": 3, "clients": 6, "model": "logistic_regression", "policy": policy}
            setup = resolve(Experiment(**fields, training=training, defense=defense), dataset=data)
            outcomes.append((simulate(setup, log), log.kinds))
        (plain, kinds), (shaken, others) = outcomes
        assert kinds == others
        assert shaken.engine.kind == plain.engine.kind == "vectorized"
        assert not torch.allclose(plain.parameters, shaken.parameters)
        assert torch.isfinite(shaken.parameters).all()
