import pytest
import torch

from fedprop.attacks import Attack, FalseAlarms, NoAttack, SignFlip


@pytest.mark.parametrize(
    ("reports", "said"),
    [("honest", (False, True)), ("always", (True, True)), ("never", (False, False)), ("inverted", (True, False))],
)
def test_an_attack_says_what_it_likes(reports, said):
    attack = SignFlip(reports=reports)
    assert (attack.report(False), attack.report(True)) == said


def test_most_attacks_do_not_lie_about_the_global_model():
    assert NoAttack().reports == SignFlip().reports == "honest"


def test_false_alarms_are_all_there_is_to_that_attack():
    attack = FalseAlarms(share=0.3)
    assert attack.report(False)
    assert not attack.crafts
    x, y = torch.zeros(2, 3), torch.tensor([0, 1])
    assert attack.poison(x, y, 2, torch.Generator()) == (x, y)
    assert type(attack).poison is Attack.poison
