"""Claims are attached to a function, and checked for sense."""

import pytest

from fedprop.aggregators import Contract, Region
from fedprop.properties import claims
from fedprop.properties.claims import declared


def rule(rows):
    return rows.mean(dim=0)


def test_what_is_claimed_is_found_again():
    assert declared(rule) is None
    claimed = claims(translation=True, lies_in="the convex hull of the rows")(lambda rows: rows.mean(dim=0))
    assert declared(claimed) == Contract(translation=True, lies_in=Region.HULL)


def test_claims_that_do_not_exist_are_refused():
    with pytest.raises(TypeError, match="colour"):
        claims(colour=True)
    with pytest.raises(ValueError, match="somewhere"):
        claims(lies_in="somewhere")
