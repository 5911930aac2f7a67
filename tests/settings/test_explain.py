from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from fedprop.errors import InvalidConfig
from fedprop.settings import Frozen, explain, meant, shown, validate


class Inner(Frozen):
    rate: Annotated[float, Field(gt=0)] = 1.0


class Settings(Frozen):
    name: str
    kind: Literal["a", "b"] = "a"
    inner: Inner = Inner()
    rows: tuple[Inner, ...] = ()
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _ordered(self):
        if self.low > self.high:
            raise ValueError(f"`low` must be at most `high` = {self.high}; found {self.low}")
        return self


def refused(function, *args):
    with pytest.raises(InvalidConfig) as caught:
        function(*args)
    return str(caught.value)


def test_valid_data_becomes_the_model():
    assert validate(Settings, {"name": "x", "rows": [{"rate": 2}]}, "here").rows == (Inner(rate=2.0),)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({}, ["here: `name` is required"]),
        ({"name": "x", "nmae": 1}, ["here: `nmae`: there is no such setting; found 1; did you mean name?"]),
        ({"name": "x", "wing": 1}, ["here: `wing`: there is no such setting; found 1"]),
        ({"name": "x", "inner": {"rate": -1}}, ["here: `inner.rate` must be greater than 0; found -1"]),
        ({"name": "x", "rows": [{}, {"rate": 0}]}, ["here: `rows.1.rate` must be greater than 0; found 0"]),
        ({"name": "x", "kind": "c"}, ["here: `kind` must be 'a' or 'b'; found 'c'"]),
        ({"name": "x", "low": 2}, ["here: `low` must be at most `high` = 1; found 2"]),
        ({"kind": "c", "low": "x"}, 3),
        (7, 1),
    ],
)
def test_every_mistake_gets_one_line_with_path_rule_and_value(data, lines):
    found = refused(validate, Settings, data, "here").splitlines()
    assert (len(found) if isinstance(lines, int) else found) == lines


def test_explain_gives_the_sentences_alone():
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert explain(caught.value) == ["`name` is required"]


def test_more_mistakes_than_anybody_reads_are_counted():
    lines = refused(validate, Settings, {"name": "x", **{f"key{i}": i for i in range(500)}}, "here").splitlines()
    assert len(lines) == 21
    assert lines[-1] == "here: 480 more mistakes of this sort"


def test_a_number_that_stands_for_a_mapping_is_where_the_file_has_it():
    class Delay(Frozen):
        latency: Inner

        @model_validator(mode="before")
        @classmethod
        def _number(cls, value):
            return {"latency": {"rate": value["latency"]}}

    assert refused(validate, Delay, {"latency": -1}, "here") == "here: `latency` must be greater than 0; found -1"


@pytest.mark.parametrize(
    ("found", "suggestion"),
    [
        ("krumm", "; did you mean krum?"),
        ("KRUM", "; did you mean krum?"),
        ("trimmed-mean", "; did you mean trimmed_mean?"),
        ("TrimmedMean", "; did you mean trimmed_mean?"),
        ("abacus", ""),
        ("", ""),
        (7, ""),
        (None, ""),
        ("k" * 100_000, ""),
    ],
)
def test_what_may_be_meant(found, suggestion):
    assert meant(found, ["krum", "trimmed_mean", "mean"]) == suggestion


def test_a_name_that_is_no_text_is_told_with_its_place():
    class Table(Frozen):
        rows: dict[str, int]

    (told,) = refused(validate, Table, {"rows": {False: 3}}, "here").splitlines()
    assert told == "here: `rows`: every name must be text, in quotes where YAML reads something else; found False"
    assert "a setting's name must be text; found None" in refused(validate, Table, {None: 3}, "here")


def test_choices_are_suggested():
    assert refused(validate, Settings, {"name": "x", "kind": "A"}, "here").endswith("found 'A'; did you mean a?")


class Unspeakable:
    def __repr__(self):
        raise KeyError


def test_what_is_shown_of_a_value_is_short_and_never_fails():
    assert shown([1, "a"]) == "[1, 'a']"
    assert shown("x" * 999) == "'" + "x" * 199 + " ..."
    assert shown(Unspeakable()) == "a Unspeakable that cannot be written out"
    assert shown(16**10_000) == "a int that cannot be written out"
