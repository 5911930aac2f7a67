import pytest
from pydantic import ValidationError

from fedprop.attacks import ActiveRounds, LabelFlip, SignFlip


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"start": 3}, [3, 4, 5, 6, 7]),
        ({"stop": 2}, [0, 1]),
        ({"start": 1, "stop": 6, "every": 2}, [1, 3, 5]),
    ],
)
def test_rounds_from_start_to_before_stop(settings, on):
    assert [round for round in range(8) if round in SignFlip(rounds=settings).rounds] == on


def test_luck_decides_where_there_is_a_chance():
    rounds = ActiveRounds(start=2, chance=0.25)
    assert [rounds.on(2, luck) for luck in (0.2, 0.3)] == [True, False]
    assert not rounds.on(1, 0.2)
    assert ActiveRounds().on(0, 0.999)


def test_an_attack_must_be_on_at_some_time():
    with pytest.raises(ValueError, match="`stop` must be above `start`, 3; found 3"):
        ActiveRounds(start=3, stop=3)


def test_poisoned_data_cannot_pause():
    assert LabelFlip(rounds={}).poisons
    assert not SignFlip().poisons
    with pytest.raises(ValidationError, match="`rounds` must be left out for LabelFlip, whose data stay poisoned"):
        LabelFlip(rounds={"every": 2})
    with pytest.raises(ValidationError, match="`rounds` must be left out for LabelFlip"):
        LabelFlip(rounds={"chance": 0.5})


@pytest.mark.parametrize("chance", [0.0, 1.5])
def test_a_chance_is_a_probability_above_zero(chance):
    with pytest.raises(ValidationError):
        ActiveRounds(chance=chance)
