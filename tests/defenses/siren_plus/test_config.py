import pytest
from pydantic import ValidationError

from fedprop.defenses.siren_plus import ShareOfRounds, SirenPlus


def test_the_defaults_are_those_of_table_2():
    config = SirenPlus()
    assert (config.kind, config.c_c, config.c_s, config.award) == ("siren_plus", 0.04, 0.10, 0.5)
    assert config.limit(rounds=40) == 18
    assert config.weight_check
    assert not config.always_compare


@pytest.mark.parametrize(("penalty", "limit"), [(None, None), (0, 0.0), (7.5, 7.5), ({"share_of_rounds": 0.1}, 2.0)])
def test_a_penalty_is_a_number_a_share_or_nothing(penalty, limit):
    assert SirenPlus.model_validate({"penalty": penalty}).limit(rounds=20) == limit


def test_a_share_of_rounds_is_a_whole_number_where_it_should_be():
    assert SirenPlus(penalty=ShareOfRounds(share_of_rounds=0.29)).limit(rounds=100) == 29


def test_it_survives_a_file():
    config = SirenPlus(penalty=ShareOfRounds(share_of_rounds=0.2), award=None)
    assert SirenPlus.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("field", ["c_c", "c_s", "holdout"])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_thresholds_and_shares_lie_between_0_and_1(field, value):
    with pytest.raises(ValidationError, match=field):
        SirenPlus.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("penalty", -1),
        ("penalty", {"share_of_rounds": 1.5}),
        ("penalty", float("inf")),
        ("award", 0.0),
        ("award", -0.5),
        ("award_to", "nobody"),
        ("c_d", 0.1),
    ],
)
def test_what_cannot_be_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        SirenPlus.model_validate({field: value})
