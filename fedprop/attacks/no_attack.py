"""The absence of an attack, so that a scenario without one is written like any other."""

from typing import Annotated, Literal

from pydantic import Field

from fedprop.attacks.base import Attack


class NoAttack(Attack):
    """Nobody is compromised: `share` is 0 and cannot be anything else.

    What else attacks may set has no object then, and is taken, so that an axis of a sweep may set it for all of them.
    """

    kind: Literal["none"] = "none"
    share: Annotated[float, Field(ge=0.0, le=0.0)] = 0.0
