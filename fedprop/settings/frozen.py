"""Settings that cannot be wrong: immutable models, checked however they are made or changed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ModelWrapValidatorHandler, ValidationError
from pydantic import model_validator as validator
from pydantic_core import CoreSchema

from fedprop.errors import InvalidConfig
from fedprop.settings.assign import assign
from fedprop.settings.explain import shown
from fedprop.settings.mistakes import all_mistakes, disagreements
from fedprop.settings.numeric import guard_numbers
from fedprop.settings.rebuild import rebuilt

T = TypeVar("T", bound="Frozen")

FROZEN = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, validate_default=True)
"""Immutable, with validated fields, and no unknown key."""


class Frozen(BaseModel):
    """An immutable value with validated fields that accepts no unknown key, and no true or false for a number."""

    model_config = FROZEN

    def but(self, **changes: Any) -> Self:
        """A copy with other settings, checked as those of a file are.

        Names are fields, or paths such as `training.lr` and `attack.0.share`, as `--set` takes them; values are what a
        file may hold, or objects.

        >>> from fedprop.training import LocalTraining
        >>> LocalTraining().but(lr=0.5, momentum=0.9).lr
        0.5

        Raises
        ------
        InvalidConfig
            With one line for each mistake: the path, the rule, and the value found.
        """
        draft: Any = self
        for path, value in changes.items():
            draft = assign(draft, path.split("."), value)
        return rebuilt(draft, Frozen)  # type: ignore[no-any-return]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with `update`, what `but` makes of it. Raises as `but` does."""
        copy = super().model_copy(deep=deep)
        return copy.but(**update) if update else copy

    def _checks(self) -> tuple[Callable[[], Iterable[str]], ...]:
        """What must hold between fields: each check answers with a sentence for everything that does not."""
        return ()

    @validator(mode="wrap")
    @classmethod
    def _checked(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Every mistake is told, not the first alone, and an unknown name with what it may stand for."""
        try:
            made = handler(value)
        except ValidationError as error:
            raise all_mistakes(cls, value, error) from None
        if made is not value and (wrong := disagreements(made)) is not None:
            raise wrong
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return guard_numbers(handler(source), cls)


def sound(cls: type[T], value: Any, name: str, hint: str) -> T:
    """`value` itself, if it is a `cls` that is right all through, however it was made; `hint` says how to make one.

    Raises
    ------
    InvalidConfig
        If it is anything else, with one line for each mistake.
    """
    if not isinstance(value, cls):
        raise InvalidConfig(f"`{name}` must be an object of class {cls.__name__}, {hint}; found {shown(value)}")
    return rebuilt(value, Frozen)  # type: ignore[no-any-return]
