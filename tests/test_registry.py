import re
from abc import ABC, abstractmethod
from importlib.metadata import EntryPoint
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.registry import Registry, load_target
from fedprop.types import Frozen


class Shape(Frozen):
    kind: str


class Circle(Shape):
    kind: Literal["circle"] = "circle"
    radius: float = 1.0


class Square(Shape):
    kind: Literal["square"] = "square"


class Triangle(Shape):
    """What another package might offer."""

    kind: Literal["triangle"] = "triangle"


SHAPES = Registry("shapes", Shape, (Circle, Square))


class Drawing(BaseModel):
    shape: Annotated[Shape, SHAPES] = Circle()


def refusal(value):
    with pytest.raises(ValidationError) as caught:
        Drawing(shape=value)
    (problem,) = caught.value.errors()
    return problem["loc"], problem["msg"]


@pytest.mark.parametrize("value", ["circle", {"kind": "circle"}, Circle()])
def test_a_name_a_mapping_and_an_instance_say_the_same(value):
    assert Drawing(shape=value).shape == Circle()


def test_fields_beside_the_kind_are_the_fields_of_its_class():
    assert Drawing(shape={"kind": "circle", "radius": 3}).shape == Circle(radius=3.0)


@pytest.mark.parametrize("dumped", [Drawing(shape=Circle(radius=2)).model_dump(), {"shape": Circle(radius=2)}])
def test_what_is_dumped_can_be_parsed_again(dumped):
    assert Drawing.model_validate(dumped).shape == Circle(radius=2)


def test_a_dump_holds_the_fields_of_the_class_itself():
    assert Drawing(shape=Circle(radius=2)).model_dump(mode="json") == {"shape": {"kind": "circle", "radius": 2.0}}


@pytest.mark.parametrize("value", [3, None, {}, {"radius": 1}, ["circle"]])
def test_a_value_without_a_kind_is_told_which_there_are(value):
    assert refusal(value) == (("shape",), "must be a mapping with a `kind`, one of circle, square")


@pytest.mark.parametrize("kind", ["hexagon", 3, None, ["circle"], {}])
def test_an_unknown_kind_is_told_which_there_are(kind):
    assert refusal({"kind": kind}) == (("shape",), f"`kind` must be one of circle, square; found {kind!r}")


def test_mistakes_inside_a_kind_carry_their_path():
    assert refusal({"kind": "circle", "radius": "long"})[0] == ("shape", "radius")
    assert refusal({"kind": "square", "radius": 1})[0] == ("shape", "radius")


def test_the_schema_lists_every_kind_and_every_way_to_name_one():
    schema = TypeAdapter(Annotated[Shape, SHAPES]).json_schema()
    circle, square, by_place, bare, place = schema["anyOf"]
    assert (circle["title"], square["title"]) == ("Circle", "Square")
    assert circle["required"][0] == "kind"
    assert bare == {"enum": ["circle", "square"]}
    assert by_place["properties"]["kind"] == place == {"type": "string", "pattern": ":"}


class Arrow(Shape):
    kind: Literal["arrow"] = "arrow"


class Blank(Shape, ABC):
    """Lacks what makes it a shape."""

    kind: Literal["blank"] = "blank"

    @abstractmethod
    def draw(self): ...


def broken():
    raise ImportError("no module named pens")


def offering(monkeypatch, **offers):
    """A registry of shapes, beside which other packages offer these."""
    entries = [EntryPoint(name.rstrip("_"), f"pens:{name}", "fedprop.shapes") for name in offers]
    loaded = {f"pens:{name}": found for name, found in offers.items()}
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: broken() if loaded[self.value] is broken else loaded[self.value]
    )
    monkeypatch.setattr("fedprop.registry.entry_points", lambda group: entries if group == "fedprop.shapes" else [])
    return Registry("shapes", Shape, (Circle, Square))


def test_kinds_of_other_packages_follow_in_name_order_and_replace_none(monkeypatch):
    shapes = offering(monkeypatch, triangle=Triangle, circle=Triangle, arrow=Arrow)
    assert list(shapes.kinds) == ["circle", "square", "arrow", "triangle"]
    assert shapes.kinds["circle"] is Circle
    assert shapes.refused == {"circle": "pens:circle must have another name than a kind of fedprop's; found circle"}
    assert shapes.parse("circle") == Circle()
    assert shapes.parse("arrow") == Arrow()


@pytest.mark.parametrize(
    ("offers", "why"),
    [
        ({"star": broken}, "pens:star, which star is to be, failed while loading: ImportError: no module named pens"),
        ({"star": 3}, "pens:star must be a subclass of Shape; found 3"),
        ({"blank": Blank}, "pens:blank must define draw; found nothing"),
        ({"star": Arrow}, "pens:star must be offered under its `kind`, arrow; found star"),
        (
            {"arrow": Arrow, "arrow_": Arrow},
            "arrow must be one class, or be named by its place; found pens:arrow, pens:arrow_",
        ),
    ],
)
def test_what_another_package_offers_wrongly_is_refused_when_it_is_asked_for_and_disturbs_nobody_else(
    offers, why, monkeypatch
):
    shapes = offering(monkeypatch, triangle=Triangle, **offers)
    assert (shapes.parse("circle"), shapes.parse("triangle")) == (Circle(), Triangle())
    assert [*shapes.kinds] == ["circle", "square", "triangle"]
    (name,) = shapes.refused
    assert shapes.offers(name)
    with pytest.raises(PydanticCustomError, match=f"^{re.escape(why)}$"):
        shapes.parse(name)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Writes Python, which may use `Shape`, to a file and returns its place."""
    monkeypatch.setattr("builtins.Shape", Shape, raising=False)

    def write(text, name="mine.py"):
        (tmp_path / name).write_text(text)
        return f"{tmp_path / name}"

    return write


def test_a_kind_may_be_named_by_its_place_in_a_file(source):
    place = source("class Star(Shape):\n    kind: str = 'star'\n    points: int = 5\n")
    star = Drawing(shape={"kind": f"{place}:Star", "points": 7}).shape
    assert (type(star).__name__, star.points) == ("Star", 7)


def test_a_kind_may_be_named_by_its_place_in_a_module():
    registry = Registry("datasets", Frozen, ())
    assert registry.parse("fedprop.network:Network").loss == 0.0


def test_a_place_that_holds_something_else_is_refused(source):
    place = source("Star = 7\n")
    assert refusal(f"{place}:Star")[1] == f"{place}:Star must be a subclass of Shape; found 7"
    assert refusal("json:JSONDecoder")[1].startswith("json:JSONDecoder must be a subclass of Shape; found <class")


def test_a_class_that_leaves_something_open_is_refused(source):
    place = source("from abc import abstractmethod\nclass Star(Shape):\n    @abstractmethod\n    def area(self): ...\n")
    named = "kind (a name, as in `kind: str = 'mine'`)"
    assert refusal(f"{place}:Star")[1] == f"{place}:Star must define area, {named}; found nothing"


def test_a_place_that_cannot_be_loaded_says_why(source):
    assert refusal("nowhere.py:Star")[1] == "there is no file nowhere.py"


def test_load_target_finds_objects_in_files_and_modules(source):
    assert load_target(f"{source('answer = 42')}:answer") == 42
    assert load_target("math:tau") == pytest.approx(6.283, abs=1e-3)


def test_classes_of_a_loaded_file_know_their_module(source):
    place = source("from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: 'int' = 1\n")
    assert load_target(f"{place}:Point")().x == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("krum", "a target must read 'file.py:name' or 'module:name'; found 'krum'"),
        (":Krum", "a target must read"),
        ("rule.py:", "a target must read"),
        ("absent.py:Rule", "there is no file absent.py"),
        ("no_such_module_at_all:Rule", "module 'no_such_module_at_all' cannot be imported: No module named"),
        ("math:no_such_name", "math has no 'no_such_name'"),
        (".relative:Rule", "module '.relative' failed while loading: TypeError"),
    ],
)
def test_targets_that_lead_nowhere_are_explained(target, message):
    with pytest.raises(InvalidConfig) as caught:
        load_target(target)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(0)", 'SystemExit: 0, which belongs under `if __name__ == "__main__":`'),
    ],
)
def test_a_file_that_fails_while_loading_says_how(source, text, error):
    place = source(text)
    with pytest.raises(InvalidConfig) as caught:
        load_target(f"{place}:anything")
    assert str(caught.value).startswith(f"{place} failed while loading: {error}")
    assert caught.value.__cause__ is not None


def test_a_module_that_fails_while_loading_says_how(source, monkeypatch, tmp_path):
    source("1 / 0", name="breaks_on_import.py")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidConfig, match="'breaks_on_import' failed while loading: ZeroDivisionError"):
        load_target("breaks_on_import:anything")


def test_what_was_named_by_place_is_dumped_by_place_and_can_be_parsed_again(source):
    place = source("class Star(Shape):\n    kind: str = 'circle'\n    points: int = 5\n")
    drawing = Drawing(shape={"kind": f"{place}:Star", "points": 7})
    dumped = drawing.model_dump(mode="json")
    assert dumped == {"shape": {"kind": f"{place}:Star", "points": 7}}
    assert Drawing.model_validate(dumped) == drawing


def test_a_class_of_ones_own_is_dumped_by_its_module_and_name():
    assert Drawing(shape=Triangle()).model_dump() == {"shape": {"kind": f"{__name__}:Triangle"}}


def test_a_file_is_loaded_again_when_its_text_has_changed_even_within_a_second(source):
    first = load_target(f"{source('limit = 1')}:limit")
    assert (first, load_target(f"{source('limit = 2')}:limit")) == (1, 2)


def test_files_of_one_name_are_two_modules(source, tmp_path):
    (tmp_path / "other").mkdir()
    text = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: 'int' = {}\n"
    one, two = (load_target(f"{source(text.format(i), name)}:Point") for i, name in enumerate(["m.py", "other/m.py"]))
    assert one.__module__ != two.__module__
    assert load_target(f"{tmp_path / 'm.py'}:Point") is one


def test_a_class_keeps_the_place_by_which_it_was_loaded_first(tmp_path, monkeypatch):
    text = "from fedprop.aggregators import Mean\nclass Own(Mean):\n    kind: str = 'own'\n"
    (tmp_path / "own.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    first = Experiment(rounds=1, clients=3, defense={"kind": "own.py:Own"})
    told = first.model_dump()
    Experiment(rounds=1, clients=3, defense={"kind": f"{tmp_path / 'own.py'}:Own"})
    assert first.model_dump() == told
