import pytest
from pydantic import ValidationError

from fedprop.attacks import NoAttack


def test_nobody_is_compromised():
    assert NoAttack().share == 0
    assert not NoAttack().crafts


def test_another_share_is_refused():
    with pytest.raises(ValidationError, match="share"):
        NoAttack(share=0.2)


def test_an_axis_of_a_sweep_may_set_what_all_other_attacks_take():
    assert NoAttack(speed=2.0, reports="always", rounds={"start": 3}).share == 0
