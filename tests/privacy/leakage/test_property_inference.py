import pytest
import torch
from torch import nn

from fedprop.data import Examples
from fedprop.errors import InvalidConfig
from fedprop.metrics import Reading
from fedprop.params import ParameterLayout
from fedprop.privacy import Finding, PropertyInference, Sent, Sight, Watched
from fedprop.privacy.leakage.imitation import Imitation, batches
from fedprop.privacy.leakage.numbers import PropertyAUC
from fedprop.tasks import CLASSIFICATION
from fedprop.training import LocalTraining


@pytest.fixture(scope="module")
def run():
    """Six clients of six examples each of three classes; every other one has none of class 0."""
    stream = torch.Generator().manual_seed(0)
    module = nn.Linear(5, 3)
    for parameter in module.parameters():
        parameter.data = torch.rand(parameter.shape, generator=stream) - 0.5
    y = torch.cat([torch.arange(6) % (3 if client % 2 else 2) + (0 if client % 2 else 1) for client in range(6)])
    pool = Examples(torch.randn(36, 5, generator=stream) + y[:, None], y)
    others = torch.arange(60) % 3
    outsiders = Examples(torch.randn(60, 5, generator=stream) + others[:, None], others)
    parts = torch.split(torch.arange(36), 6)
    return Watched(module, CLASSIFICATION, LocalTraining(lr=0.5, batch_size=6), pool, parts, outsiders, 0)


def sight_of(run, late=()):
    """Each client takes a step from one model; those that are late, from another."""
    origin = ParameterLayout.of(run.module).flatten(run.module)

    def sent(client):
        first = origin + 1 if client in late else origin
        imitation = Imitation(run.module, first, loss=CLASSIFICATION.loss, steps=batches(6, 6, 1), lr=0.5)
        part = run.parts[client]
        return Sent(first, -0.5 * imitation(run.pool.x[part], run.pool.y[part]).detach(), 6, 1)

    return Sight(0, True, origin, sent)


def test_who_holds_examples_of_a_class_is_told_by_the_update(run):
    probe = PropertyInference(label=0, batches=20)
    found = probe.watch(run)(sight_of(run))
    assert [f.client for f in found] == [*range(6)]
    assert [f.numbers["has"] for f in found] == [0, 1, 0, 1, 0, 1]
    assert all(type(number) is float for f in found for number in f.numbers.values())  # as records hold them
    record = type("Record", (), {"findings": found})
    assert PropertyAUC().read(record, ()) == Reading(1.0)
    assert probe.watch(run)(sight_of(run)) == found
    noise = torch.Generator().manual_seed(0)
    blind = sight_of(run)._replace(sent=lambda c: Sent(torch.zeros(18), torch.randn(18, generator=noise), 6, 1))
    scores = [f.numbers["property_score"] for f in probe.watch(run)(blind)]
    assert max(scores) - min(scores) < 1


def test_clients_that_began_with_another_model_are_judged_by_it(run):
    found = PropertyInference(label=0, batches=20).watch(run)(sight_of(run, late=(4, 5)))
    scores = {f.client: f.numbers["property_score"] for f in found}
    assert scores[5] > scores[4] + 0.3


def test_the_area_is_counted_over_the_clients_of_a_round():
    def record(*told):
        findings = [Finding("p", c, "p", {"property_score": s, "has": has}) for c, (s, has) in enumerate(told)]
        return type("Record", (), {"findings": findings})

    assert PropertyAUC().read(record((0.9, True), (0.5, False), (0.4, True), (0.1, False)), ()) == Reading(0.75)
    assert PropertyAUC().read(record((0.9, True)), ()).why == "all clients have the property, or none has"
    assert PropertyAUC().read(record(), ()) is None


def test_it_looks_every_so_many_rounds_and_refuses_a_class_that_nobody_has(run):
    watch = PropertyInference(batches=5, every=2).watch(run)
    assert [bool(watch(sight_of(run)._replace(round=r, last=False))) for r in range(3)] == [False, True, False]
    with pytest.raises(
        InvalidConfig, match=r"`inference.label` must be that of some test examples, not of all; found 9"
    ):
        PropertyInference(label=9).watch(run)
