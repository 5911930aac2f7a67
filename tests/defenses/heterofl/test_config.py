"""HeteroFL by hand, and on the simulator with models of every make and under a buffer."""

import pytest
import torch
from pydantic import ValidationError

from fedprop.aggregators import Cohort, NormFilter, QuadraticSide, SimilarityDetection, Watermark
from fedprop.data import Dataset
from fedprop.defenses import HeteroFl
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.models import MLP, FangDNN, LogisticRegression, ResNet18, ResNet20, ShiCNN, SirenCNN, SirenDPCNN
from fedprop.simulation.engine import simulate

ROWS = torch.tensor([[1.0, 0.0], [0.0, 1.1], [9.0, 0.0], [-2.0, -2.0], [1.0, 1.0]])
CLIENTS = (4, 3, 2, 1, 0)


def asked(protocol, order=(0, 1, 2, 3, 4)):
    """What it makes of these rows, which come in some order."""
    cohort = Cohort(ROWS[list(order)], tuple(CLIENTS[row] for row in order), server=QuadraticSide(torch.ones(2)))
    cohort = cohort.changed(told={"generator": torch.Generator().manual_seed(1)})
    return protocol.aggregate(cohort, None, rule=protocol.rule.aggregate), cohort


def test_by_hand():
    (found, ruling), _ = asked(HeteroFl(steps=(NormFilter(), Watermark())))
    assert found.value.tolist() == pytest.approx([2 / 3, 0.7])
    assert found.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 0, 0, 1 / 3])
    assert ruling.case == "norm_filter_and_watermark"
    assert ruling.verdicts == {4: "kept", 3: "kept", 2: "norm_filter", 1: "watermark", 0: "kept"}
    (_, ruling), _ = asked(HeteroFl(steps=()))
    assert ruling.case == "all_kept"


def test_each_step_tells_what_it_measured():
    """The first row has the cosine 1 with itself and the third, 0.71 with the last; lengths are 1, 1.1 and 1.41."""
    (_, ruling), _ = asked(HeteroFl(steps=("sybil_removal", "norm_filter", "watermark", "magnitude_rectification")))
    first = {name: found.get(4) for name, found in ruling.measured.items()}
    wanted = {"sybil_removal": 2 + 0.5**0.5, "norm_filter": None, "watermark": 0.5, "magnitude_rectification": 1 / 1.1}
    assert first == pytest.approx(wanted)


def test_it_answers_as_its_steps_and_a_mean_whatever_the_order_of_arrival():
    for protocol in (*HeteroFl.examples(), HeteroFl()):
        for order in ((0, 1, 2, 3, 4), (3, 0, 4, 2, 1)):
            (found, ruling), cohort = asked(protocol, order)
            cohort.told["generator"].manual_seed(1)
            wanted = protocol.rule.aggregate(cohort)
            assert torch.allclose(found.value, wanted.value)
            assert torch.allclose(found.weights, wanted.weights)
            (first, same), _ = asked(protocol)
            assert torch.allclose(found.value, first.value)
            assert ruling.verdicts == same.verdicts


def test_a_file_names_steps_in_any_order_and_number():
    told = {"kind": "heterofl", "steps": ["watermark", {"kind": "similarity_detection", "beta": 0.5}]}
    protocol = Experiment(rounds=1, clients=3, defense=told).defense
    assert protocol == HeteroFl(steps=(Watermark(), SimilarityDetection(beta=0.5)))
    assert HeteroFl(steps="watermark").steps == (Watermark(),)
    assert [parts.kind for parts in HeteroFl().steps].index("watermark") == 2
    with pytest.raises(ValidationError, match="`steps` must be stages without memory for HeteroFl; found worker_mom"):
        HeteroFl(steps=("worker_momentum",))
    with pytest.raises(ValidationError, match=r"`triggers` has no effect without .* watermark; found 7"):
        HeteroFl(steps=("sybil_removal",), triggers=7)


def test_without_the_watermark_there_is_no_other_class():
    protocol = HeteroFl(steps=("sybil_removal", "similarity_detection"))
    assert (protocol.extra_classes, protocol.asks) == (0, frozenset())
    assert protocol.extra_examples(torch.zeros(2, 3), 10, generator=torch.Generator()) is None
    setup = resolve(Experiment(rounds=1, clients=3, defense=protocol, model="mlp"), dataset=pictures())
    assert setup.module(setup.dataset.test.x[:1]).shape == (1, 3)
    assert (setup.root, setup.shards.handed) == (None, 0)


def pictures():
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(24) % 3
    x = torch.rand(24, 1, 8, 8, generator=draw) + y[:, None, None, None]
    return Dataset.from_arrays("pictures", x, y, x, y)


MODELS = [
    LogisticRegression(),
    MLP(hidden=(4,)),
    FangDNN(),
    ShiCNN(),
    SirenCNN(),
    SirenDPCNN(),
    ResNet18(width=2),
    ResNet20(),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_models_of_every_make_learn_the_watermark(model):
    """Buffers, dropout and all: the server reads the loss of each model, and tests three classes."""
    told = Experiment(rounds=1, clients=2, defense=HeteroFl(steps=("watermark",)), model=model)
    setup = resolve(told, dataset=pictures())
    x = setup.dataset.test.x[:2]
    assert (setup.module(x).shape, setup.tested(x).shape) == ((2, 4), (2, 3))
    (record,) = simulate(setup, Nobody()).rounds
    assert record.ruling.measured["watermark"].keys() == {0, 1}
    assert record.failure == ""


class Nobody:
    """An observer without interest."""

    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        pass


def test_it_judges_what_a_buffer_holds():
    policy = {"kind": "fedbuff", "concurrency": 5, "buffer": 3}
    attack = {"kind": "sign_flip", "share": 0.34, "z": 500}
    told = Experiment(rounds=4, clients=6, defense=HeteroFl(), model="mlp", policy=policy, attack=attack)
    setup = resolve(told, dataset=pictures())
    rounds = simulate(setup, Nobody()).rounds
    assert all(len(record.ruling.measured["watermark"]) <= 3 for record in rounds)
    removed = [verdict for record in rounds for verdict in record.ruling.verdicts.values() if verdict != "kept"]
    assert removed
