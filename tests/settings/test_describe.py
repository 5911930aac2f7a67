from typing import Annotated, Literal

import pytest
from pydantic import Field, NonNegativeInt, PositiveInt

from fedprop.registry import Registry
from fedprop.settings import Frozen, Setting, parts_of, settings_of, spelled, summary_of
from fedprop.types import Fraction, Positive


class Wheel(Frozen):
    """Rolls.

    Attributes
    ----------
    size, width : in centimetres, measured
        on the ground.
    """

    size: Positive = 60.0
    width: Positive = 4.5


class Bell(Frozen):
    kind: Literal["bell"] = "bell"
    volume: Fraction = 0.5


class Horn(Frozen):
    kind: Literal["horn"] = "horn"


class Lamp(Frozen):
    """Shines."""

    kind: str = "lamp"


LAMPS = Registry("lamps", Lamp, (Lamp,))


class Vehicle(Wheel):
    """Moves.

    Attributes
    ----------
    gears : how many there are.

    Source: the shop.

    not_a_field : of the section above.
    """

    kind: Literal["vehicle"] = "vehicle"
    gears: NonNegativeInt
    seats: PositiveInt | None = None
    front: Wheel = Wheel()
    spare: Wheel | None = None
    warns: Annotated[Bell | Horn, Field(discriminator="kind")] = Bell(volume=0.25)
    lamps: tuple[Annotated[Lamp, LAMPS], ...] = ()
    colour: Literal["red", "blue"] = "red"
    name: Annotated[str, Field(min_length=1)] = "x"
    weights: Annotated[dict[str, float], Field(default_factory=dict)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


def test_every_field_has_a_type_a_default_and_a_meaning():
    measured = "in centimetres, measured on the ground."
    assert settings_of(Vehicle) == [
        Setting("size", "number > 0", "60.0", measured),
        Setting("width", "number > 0", "4.5", measured),
        Setting("gears", "integer >= 0", "required", "how many there are."),
        Setting("seats", "integer > 0 or null", "null", ""),
        Setting("front", "Wheel", "{}", ""),
        Setting("spare", "Wheel or null", "null", ""),
        Setting("warns", "kind bell, horn", "{kind: bell, volume: 0.25}", ""),
        Setting("lamps", "list of lamps", "[]", ""),
        Setting("colour", "red or blue", "red", ""),
        Setting("name", "text", "x", ""),
        Setting("weights", "mapping from text to number", "{}", ""),
        Setting("seed", "integer >= 0", "0", ""),
    ]


def test_the_summary_is_the_first_line():
    assert summary_of(Vehicle) == "Moves."
    assert summary_of(Bell) == ""


def test_the_parts_of_a_model_are_the_models_in_its_fields():
    assert set(parts_of(Vehicle)) == {Wheel, Bell, Horn, Lamp}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1e-5, "1e-05"),
        ("a", "a"),
        ((1, None), "[1, null]"),
        (Wheel(size=3), "{size: 3.0}"),
    ],
)
def test_values_are_spelled_as_in_a_file(value, text):
    assert spelled(value) == text
