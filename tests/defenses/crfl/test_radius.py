"""The certified radius against its definition, and by hand."""

import math

import pytest
import torch

from fedprop.defenses.crfl import Certificate, Conditions, Votes, radii, tally
from fedprop.oracles.crfl import MISREADINGS, certified_radius

MADE = (
    Conditions(std=0.5, weight=0.1, rate=0.2, steps=3, length=1.5, start=2.0),
    Conditions(std=0.01, weight=0.05, rate=0.02, steps=5, length=3.0, start=4.0),
    Conditions(std=3.0, weight=0.01, rate=0.2, steps=2, length=2.0, start=1.0),
)
COUNTS = [[900, 60, 40], [20, 30, 950], [400, 350, 250], [0, 1000, 0]]


def told(made, against):
    """What the definition is told beside the counts."""
    threat = {"attackers": against.attackers, "share": against.share, "rounds": against.rounds}
    return {**made._asdict(), "alpha": against.alpha, **threat}


def test_it_is_its_definition():
    for made in MADE:
        for against in (Certificate(), Certificate(attackers=3, share=0.25, rounds=2, alpha=0.1)):
            counted = tally(torch.tensor(COUNTS), alpha=against.alpha, bound="hoeffding")
            wanted = [certified_radius(row, **told(made, against)) for row in COUNTS]
            assert radii(counted, made, against).tolist() == pytest.approx(wanted)
            assert wanted[2] == 0
            assert wanted[3] > wanted[0] or wanted[3] == made.farthest


def test_every_misreading_differs_somewhere():
    cases = [(row, told(made, Certificate())) for made in MADE for row in COUNTS]
    for name, misread in MISREADINGS.items():
        assert any(misread(row, **s) != pytest.approx(certified_radius(row, **s)) for row, s in cases), name


def test_a_radius_by_hand():
    """-2 ln(1 - (0.9 - 0.4)^2) = 0.5754; one step parts models by 0.1 (sqrt(2) + 2 - sqrt(2)) = 0.2, of which half."""
    made = Conditions(std=1.0, weight=0.5, rate=0.1, steps=1, length=2.0, start=2 - math.sqrt(2))
    found = Votes(torch.tensor([0, 1]), torch.tensor([0.81, 0.5]), torch.tensor([0.16, 0.5]))
    assert made.drift == pytest.approx(0.2)
    assert radii(found, made, Certificate()).tolist() == pytest.approx([math.sqrt(0.575364) / 0.1, 0.0], rel=1e-5)


def test_inputs_may_not_move_so_far_that_steps_on_them_part_models():
    """Steps of 0.2 settle on inputs up to sqrt(4 / 0.2) = 4.47."""
    made = Conditions(std=100.0, weight=0.5, rate=0.2, steps=2, length=4.0, start=1.0)
    found = Votes(torch.tensor([0]), torch.tensor([0.9]), torch.tensor([0.1]))
    assert radii(found, made, Certificate()).tolist() == pytest.approx([math.sqrt(20) - 4])
    assert made.settles
    assert not made._replace(length=4.5).settles
    assert float(radii(found, made._replace(steps=1), Certificate())) > 10
