"""Settings check themselves, however they are made or changed."""

import copy
import pickle
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field, PositiveInt, ValidationError

from fedprop.errors import InvalidConfig
from fedprop.registry import Registry
from fedprop.settings import Frozen, sound


class Shape(Frozen):
    kind: str


class Circle(Shape):
    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Field(gt=0)] = 1.0


class Square(Shape):
    kind: Literal["square"] = "square"
    side: Annotated[float, Field(gt=0)] = 1.0

    @cached_property
    def area(self) -> float:
        return self.side**2


SHAPES = Registry("shapes", Shape, (Circle, Square))


class Frame(Frozen):
    width: PositiveInt = 4
    height: PositiveInt = 4
    thickness: float = 1.0

    def _checks(self) -> tuple[Callable[[], object], ...]:
        return self._thin, self._lying

    def _thin(self):
        if self.thickness > self.width:
            yield f"`thickness` must be at most `width`; found {self.thickness}"
        if self.thickness > self.height:
            yield f"`thickness` must be at most `height`; found {self.thickness}"

    def _lying(self):
        if self.height > self.width:
            yield f"`height` must be at most `width`; found {self.height}"


class Picture(Frozen):
    name: str
    frame: Frame = Frame()
    shapes: tuple[Annotated[Shape, SHAPES], ...] = ()
    data: object = None
    framed: bool = True


PICTURE = Picture(name="mine", frame=Frame(width=9), shapes=(Circle(radius=2), Square()))


def refused(function, *args, **kwargs):
    with pytest.raises(InvalidConfig) as caught:
        function(*args, **kwargs)
    return str(caught.value).splitlines()


# but


def test_fields_and_paths_are_changed_and_the_rest_is_kept():
    changed = PICTURE.but(name="yours", **{"frame.height": 5, "shapes.0.radius": 3, "shapes.1": {"kind": "circle"}})
    assert changed == Picture(name="yours", frame=Frame(width=9, height=5), shapes=(Circle(radius=3), Circle()))
    assert PICTURE.name == "mine"


def test_a_change_is_a_value_of_a_file_or_an_object():
    wanted = PICTURE.but(shapes=(Square(side=3),))
    assert PICTURE.but(shapes=[{"kind": "square", "side": 3}]) == wanted
    assert PICTURE.but(shapes=["square"], **{"shapes.0": Square(side=3)}) == wanted


def test_changes_are_judged_together():
    assert Frame().but(height=8, width=8).height == 8
    assert refused(Frame().but, height=8) == ["`height` must be at most `width`; found 8"]


def test_another_kind_keeps_what_was_said_and_drops_what_was_not():
    plain = PICTURE.but(**{"shapes.1.kind": "circle"})
    assert plain.shapes[1] == Circle()
    assert refused(PICTURE.but, **{"shapes.0.kind": "square"}) == [
        "`shapes.0.radius`: there is no such setting; found 2.0"
    ]


def test_a_kind_of_ones_own_stays():
    assert refused(Circle().but, kind="square") == ["`kind` must be 'circle'; found 'square'"]


@pytest.mark.parametrize("name", ["area", "but", "model_fields", "_checks", "__class__"])
def test_what_a_class_has_beside_its_fields_is_no_setting(name):
    assert refused(Square().but, **{name: 3})[0].startswith(f"`{name}`: there is no such setting; found 3")
    if name != "area":  # which may stand in a square, where it remembers its area
        with pytest.raises(InvalidConfig, match="there is no such setting"):
            sound(Square, BaseModel.model_copy(Square(), update={name: 3}), "square", "")


def test_settings_that_hold_themselves_are_refused():
    shapes = []
    shapes.append(shapes)
    assert refused(PICTURE.but, shapes=shapes) == [
        "settings must not be nested without end; found some that hold themselves"
    ]


@pytest.mark.parametrize("change", ["but", "model_copy"])
def test_every_mistake_is_told_with_its_path(change):
    changes = {"nmae": 1, "frame.widht": 2, "shapes.0.radius": -1}
    call = PICTURE.but if change == "but" else lambda **update: PICTURE.model_copy(update=update)
    assert refused(call, **changes) == [
        "`frame.widht`: there is no such setting; found 2; did you mean width?",
        "`shapes.0.radius` must be greater than 0; found -1",
        "`nmae`: there is no such setting; found 1; did you mean name?",
    ]


def test_a_copy_without_changes_is_a_copy():
    for twin in (PICTURE.model_copy(), PICTURE.model_copy(deep=True), copy.copy(PICTURE), copy.deepcopy(PICTURE)):
        assert twin == PICTURE
        assert twin is not PICTURE
    assert pickle.loads(pickle.dumps(PICTURE)) == PICTURE


# sound: whatever was made without a check


def broken(field, value):
    shape = Circle()
    vars(shape)[field] = value
    return shape


def unchecked(**fields):
    return Picture.model_construct(name="x", **fields)


UNCHECKED = {
    "a field": (unchecked(framed=7), "`framed` must be a valid boolean"),
    "an unknown name": (BaseModel.model_copy(PICTURE, update={"fame": 7}), "`fame`: there is no such setting; found 7"),
    "nothing": (Picture.model_construct(), "`name` is required"),
    "a part": (Picture(name="x", shapes=(Circle(), broken("radius", -1))), "`shapes.1.radius` must be"),
    "a part of a part": (unchecked(frame=Frame.model_construct(width=True)), "`frame.width` must be a number"),
    "what cannot be compared": (
        Picture(name="x", frame=Frame.model_construct(width="x")),
        "`frame.width` must",
    ),
    "between fields": (unchecked(frame=Frame.model_construct(width=1)), "`frame.height` must be at most `width`"),
    "a name of a part": (unchecked(shapes=(broken("raduis", 2),)), "`shapes.0.raduis`: there is no such setting"),
    "a mapping": ({"name": "x"}, "`picture` must be an object of class Picture, to be made; found {'name': 'x'}"),
    "the class": (Picture, "`picture` must be an object of class Picture"),
}


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_was_made_without_a_check_is_found(name):
    picture, message = UNCHECKED[name]
    assert refused(sound, Picture, picture, "picture", "to be made")[0].startswith(message)


def test_all_that_is_wrong_is_told_wherever_it_is():
    picture = Picture.model_construct(name=3, frame=Frame.model_construct(width=0), shapes=(broken("radius", 0),))
    assert [line.split(" ")[0] for line in refused(sound, Picture, picture, "picture", "")] == [
        "`frame.width`",
        "`shapes.0.radius`",
        "`name`",
    ]


def test_what_is_right_stays_the_same_object():
    square = Square(side=3)
    assert square.area == 9  # which the square remembers

    class Mine(Shape):
        kind: str = "circle"  # as a class named by its place may call itself

    picture = Picture(name="x", shapes=(square, Mine()), data=np.arange(3))
    assert sound(Picture, picture, "picture", "") is picture
    assert type(picture.but(name="y").shapes[1]) is Mine


def test_plain_data_in_place_of_a_part_becomes_the_part():
    raw = Picture.model_construct(name="x", shapes=["circle"], frame={"width": 5})
    assert sound(Picture, raw, "picture", "") == Picture(name="x", shapes=(Circle(),), frame=Frame(width=5))


# All mistakes, and none that is not there


def lines(**settings):
    with pytest.raises(ValidationError) as caught:
        Frame(**settings)
    return [problem["msg"] for problem in caught.value.errors()]


def test_everything_that_disagrees_is_told():
    assert lines(width=2, height=3, thickness=4) == [
        "`thickness` must be at most `width`; found 4.0",
        "`thickness` must be at most `height`; found 4.0",
        "`height` must be at most `width`; found 3",
    ]


def test_what_is_wrong_hides_no_disagreement_of_the_rest():
    found = lines(width="x", height=8, thickness=9, tickness=1)
    assert found[0].startswith("Input should be a valid integer")
    assert found[1] == "Extra inputs are not permitted; did you mean thickness?"
    assert len(found) == 2  # `thickness` is judged by `width` first, and that is unknown
    assert lines(width=2, height=8, tickness=1)[1:] == ["`height` must be at most `width`; found 8"]


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_number(value):
    class Numbers(Frozen):
        whole: int = 1
        real: Annotated[float, Field(le=2)] = 1.0
        perhaps: PositiveInt | None = None
        several: tuple[int, ...] = ()
        named: dict[str, float] = Field(default_factory=dict)
        either: bool | int = 1

    assert Numbers(either=value).either is value
    mistakes = {"whole": value, "real": value, "perhaps": value, "several": [1, value], "named": {"a": value}}
    with pytest.raises(ValidationError) as caught:
        Numbers(**mistakes)
    assert [problem["loc"][0] for problem in caught.value.errors()] == list(mistakes)
    assert {problem["msg"] for problem in caught.value.errors()} == {"Input should be a number, not true or false"}


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**5000], ids=["above", "below", "enormous"])
def test_an_integer_fits_into_64_bits(value):
    with pytest.raises(ValidationError, match="Input should be "):
        Frame(width=value)


def test_whole_fractions_and_numbers_in_quotes_mean_what_they_say():
    assert Frame(width=9.0, height="5", thickness="0.5") == Frame(width=9, height=5, thickness=0.5)


def test_the_schema_speaks_of_plain_numbers():
    assert Frame.model_json_schema()["properties"]["width"]["type"] == "integer"
