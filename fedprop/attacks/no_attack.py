"""The absence of an attack, so that a scenario without one is written like any other."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fedprop.attacks.base import Attack
from fedprop.errors import InvalidConfig


class NoAttack(Attack):
    """Nobody is compromised: `share` is 0 and cannot be anything else, and there is nothing more to set."""

    kind: Literal["none"] = "none"
    share: Annotated[float, Field(ge=0.0, le=0.0)] = 0.0

    @model_validator(mode="after")
    def _sets_nothing(self) -> "NoAttack":
        for name in ("rounds", "reports", "speed"):
            found, default = getattr(self, name), type(self).model_fields[name].default
            if found != default:
                raise InvalidConfig(f"`{name}` must be left out where nobody attacks; found {found!r}")
        return self
