"""All mistakes in the settings of one model: pydantic's, with what a name may stand for, and those between fields."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from fedprop.settings.explain import MOST, meant


def disagreements(model: Any) -> ValidationError | None:
    """What `model._checks()` finds wrong between fields that are right each for itself; None if nothing."""
    lines = [_disagreement(told) for check in model._checks() for told in check()]
    return ValidationError.from_exception_data(type(model).__name__, lines) if lines else None


def all_mistakes(cls: Any, value: Any, error: ValidationError) -> ValidationError:
    """The error, with suggestions for unknown names, and with the disagreements between the fields that are right."""
    problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1]
    further = list(_further(cls, value, {problem["loc"][0] for problem in problems if problem["loc"]}))
    if not unknown and not further:
        return error
    helped = {id(problem) for problem in unknown[:MOST]}
    lines = [_unknown(cls, problem) if id(problem) in helped else _again(problem) for problem in problems]
    return ValidationError.from_exception_data(error.title, [*lines, *map(_disagreement, further)])


def _further(cls: Any, value: Any, wrong: set[int | str]) -> Iterator[str]:
    """What the checks say that look only at fields that are right."""
    if not isinstance(value, dict) or not wrong:
        return
    names = [name for name in value if name in cls.model_fields and name not in wrong]
    partial = cls.model_construct(**{name: _field(cls, name).validate_python(value[name]) for name in names})
    for name in wrong:
        vars(partial).pop(name, None)
    for check in partial._checks():
        with suppress(AttributeError):  # it looks at a field that is wrong
            yield from check()


@cache
def _field(cls: type[BaseModel], name: str) -> TypeAdapter[Any]:
    info = cls.model_fields[name]
    annotation: Any = Annotated[info.annotation, info]
    return TypeAdapter(annotation)


def _unknown(cls: Any, problem: Any) -> InitErrorDetails:
    suggestion = meant(problem["loc"][0], cls.model_fields)
    told = PydanticCustomError(problem["type"], "Extra inputs are not permitted{meant}", {"meant": suggestion})
    return InitErrorDetails(type=told, loc=problem["loc"], input=problem["input"])


def _again(problem: Any) -> InitErrorDetails:
    """A mistake as it was told before."""
    context = {**problem.get("ctx", {}), "told": problem["msg"]}
    told = PydanticCustomError(problem["type"], "{told}", context)
    return InitErrorDetails(type=told, loc=problem["loc"], input=problem["input"])


def _disagreement(told: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("settings_disagree", "{told}", {"told": told}), loc=(), input=None)
