import pytest
from pydantic import ValidationError

from fedprop.attacks import NoAttack


def test_nobody_is_compromised():
    assert NoAttack().share == 0
    assert not NoAttack().crafts


def test_another_share_is_refused():
    with pytest.raises(ValidationError, match="share"):
        NoAttack(share=0.2)


@pytest.mark.parametrize("setting", [{"speed": 2.0}, {"reports": "always"}, {"rounds": {"start": 3}}])
def test_what_would_have_no_effect_is_refused(setting):
    (name,) = setting
    with pytest.raises(ValidationError, match=f"`{name}` must be left out where nobody attacks"):
        NoAttack(**setting)
