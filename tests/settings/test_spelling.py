from typing import Annotated

import pytest
from pydantic import BaseModel

from fedprop.settings.spelling import Spelling

ROMAN = Spelling("a Roman numeral, I to III")


class Clock(BaseModel):
    hour: Annotated[int, ROMAN]


def test_a_field_may_be_declared_before_it_is_known_how_it_is_spelled():
    ROMAN.bind(lambda text: len(text), lambda hour: "I" * hour, lambda handler: {"enum": ["I", "II", "III"]})
    assert Clock.model_validate({"hour": "II"}).hour == 2
    assert Clock.model_construct(hour=3).model_dump() == {"hour": "III"}
    assert Clock.model_json_schema()["properties"]["hour"]["enum"] == ["I", "II", "III"]


def test_what_is_never_bound_reads_nothing():
    class Watch(BaseModel):
        hour: Annotated[int, Spelling("a numeral")]

    with pytest.raises(AttributeError, match="_parse"):
        Watch.model_validate({"hour": "I"})
