"""The attacks that look for candidates, against models small enough that they find them in a second."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from fedprop.errors import InvalidConfig
from fedprop.oracles.inverting_gradients import inverting_gradients
from fedprop.privacy import DLG, IDLG, InvertingGradients
from fedprop.privacy.leakage.inverting_gradients import total_variation
from fedprop.privacy.leakage.kept import pairs_of
from fedprop.tasks.next_token import NextToken

PROBES = [DLG(restarts=2), IDLG(), InvertingGradients(iterations=150, lr=0.05)]


def smooth():
    """Hidden units that are not negative, for labels, and smooth, for second derivatives."""
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 12), nn.Sigmoid(), nn.Linear(12, 3))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_one_example_is_found(case, probe):
    made = case(module=smooth())
    (finding,) = probe.watch(made.run)(made.sight())
    assert (finding.probe, finding.client, finding.attack) == (probe.kind, 0, probe.kind)
    assert finding.numbers["psnr"] > 30
    assert finding.numbers["label_recall"] == 1
    (pair,) = pairs_of(finding)
    assert pair.original.allclose(made.run.pool.x[0], atol=1e-3)
    assert pair.reconstruction.allclose(made.run.pool.x[0], atol=0.1)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_of_an_update_of_noise_nothing_is_found(case, probe):
    made = case(module=smooth())
    probe = probe.but(restarts=1)
    sight = made.sight()
    sent = sight.sent(0)
    noise = torch.randn(len(sent.update), generator=torch.Generator().manual_seed(1))
    (finding,) = probe.watch(made.run)(sight._replace(sent=lambda _: sent._replace(update=noise)))
    assert finding.numbers["psnr"] < 20


def test_the_length_of_an_update_hides_nothing_from_the_angle(case):
    made = case(module=smooth())
    sight = made.sight()
    sent = sight.sent(0)
    short = sight._replace(sent=lambda _: sent._replace(update=sent.update / 50))
    angle, distance = (probe.watch(made.run)(short)[0].numbers["psnr"] for probe in (PROBES[2], PROBES[1]))
    assert angle > 30 > distance


def test_several_local_steps_are_done_over_again(case):
    """Two batches of one example each, in either order; told as one step, the update fits nothing."""
    made = case(each=2, module=smooth(), steps=2, batch_size=1)
    probe = InvertingGradients(iterations=300, lr=0.05, labels="known", alpha=0, restarts=2)
    (finding,) = probe.watch(made.run)(made.sight())
    assert finding.numbers["psnr"] > 20
    assert len(pairs_of(finding)) == 2


def test_the_objective_is_that_of_the_definition():
    stream = torch.Generator().manual_seed(0)
    told, found = torch.randn(2, 7, generator=stream)
    picture = torch.rand(1, 1, 3, 4, generator=stream)
    angle = 1 - torch.nn.functional.cosine_similarity(found, told, dim=0)
    wanted = inverting_gradients(told.tolist(), found.tolist(), picture[0, 0].tolist(), 0.3)
    assert float(angle + 0.3 * total_variation(picture)) == pytest.approx(wanted, abs=1e-6)
    assert inverting_gradients([1.0, 0.0], [0.0, 5.0], [[0.0, 1.0], [0.0, 1.0]], 0.5) == 1.5


def test_it_looks_when_it_should_at_whom_it_should_and_remembers_nothing(case):
    made = case()
    watch = DLG(iterations=1, every=2).watch(made.run)
    assert [len(watch(made.sight(round=r, last=r == 4))) for r in range(5)] == [0, 1, 0, 1, 1]
    assert watch(made.sight(client=1)) == ()
    assert watch(made.sight()) == DLG(iterations=1).watch(made.run)(made.sight())
    assert DLG(iterations=1, client=1).watch(made.run)(made.sight(client=1))[0].client == 1
    assert pairs_of(DLG(iterations=1, shown=0).watch(made.run)(made.sight())[0]) == []


def test_what_the_attack_draws_changes_nobody_elses_numbers(case):
    made = case(module=nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(4, 3)))
    before = torch.get_rng_state()
    sight = made.sight()
    torch.set_rng_state(before)
    DLG(iterations=2).watch(made.run)(sight)
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize(
    ("probe", "training", "message"),
    [
        (DLG(client=2), {}, r"`inference.client` must be a client's id, below 2; found 2"),
        (DLG(), {"optimizer": "adam"}, r"needs `training.optimizer` sgd; found adam"),
        (IDLG(), {"momentum": 0.5}, r"`inference.kind` idlg needs `training.momentum` 0, plain descent; found 0.5"),
        (
            InvertingGradients(labels="known"),
            {"batch_size": 1},
            r"trains on all its examples; .* drawn from 3, 1",
        ),
    ],
)
def test_a_run_that_it_cannot_imitate_is_refused(case, probe, training, message):
    with pytest.raises(InvalidConfig, match=message):
        probe.watch(case(each=3, **training).run)


def test_what_is_no_picture_no_fraction_or_no_class_is_refused(case):
    run = case(shape=(4,)).run
    with pytest.raises(InvalidConfig, match=r"`inference.alpha` must be 0 for .* no pictures; found \[4\]"):
        InvertingGradients().watch(run)
    with pytest.raises(InvalidConfig, match=r"needs inputs that are fractions; found torch.int64"):
        IDLG().watch(run._replace(pool=replace(run.pool, x=run.pool.x.long())))
    with pytest.raises(InvalidConfig, match=r"labels that can be soft; found `task` next_token"):
        DLG().watch(run._replace(task=NextToken()))
