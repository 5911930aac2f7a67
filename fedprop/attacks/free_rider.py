"""Free riders: clients that take the model, train nothing, and send what looks like an update."""

from typing import Any, Literal, Self, TypeAlias

import torch
from pydantic import model_validator

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.sampling import normal
from fedprop.attacks.view import View
from fedprop.errors import InvalidConfig
from fedprop.types import NonNegative, Updates, Vector

Sends: TypeAlias = Literal["nothing", "last_change", "noise"]


class FreeRider(Attack):
    """The free-rider, or lazy-worker, attack: compromised clients send what costs them nothing.

    - `nothing`: the model that was received, an update of zeros (Fraboni et al., plain free rider).
    - `last_change`: how the global model changed between the last two that were received, G_t - G_(t-1) (Lin et al.,
      delta weights attack), plus Gaussian noise of deviation `noise`, drawn for each client, if that is not zero (their
      advanced attack).
    - `noise`: Gaussian noise whose deviation is that of the coordinates of the first change received, falling with the
      round t as t^(-decay) (Fraboni et al., disguised free rider).

    A client that has received one model only knows of no change: it sends zeros (and the noise of the advanced attack).
    The honest updates that the simulator trains for compromised clients are not looked at.

    Attributes
    ----------
    sends : which of the three.
    noise : deviation of the noise on `last_change`.
    decay : how fast the noise of `noise` falls.

    Raises
    ------
    pydantic.ValidationError
        If `noise` or `decay` is set where it has no effect.

    Source: reconstructed from Lin, Du and Liu, "Free-riders in Federated Learning: Attacks and Defenses" (2019),
    section 3; Fraboni, Vidal and Lorenzi, "Free-rider Attacks on Model Aggregation in Federated Learning", AISTATS
    2021.
    """

    kind: Literal["free_rider"] = "free_rider"
    sends: Sends = "last_change"
    noise: NonNegative = 0.0
    decay: NonNegative = 1.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(noise=0.1), cls(sends="nothing"), cls(sends="noise"))

    @property
    def looks_back(self) -> int:
        return 0 if self.sends == "nothing" else 1

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send."""
        change, deviation = torch.zeros_like(view.origin).double(), 0.0
        if self.sends == "last_change":
            change, deviation = _last_change(view), self.noise
        elif self.sends == "noise":
            deviation = self._first_deviation(view) * (view.round + 1) ** -self.decay  # the paper counts from round 1
        rows = change.expand(view.own.shape)
        if deviation:
            rows = rows + deviation * normal(tuple(rows.shape), rows, view.generator)
        return sendable(rows, view.own)

    def remember(self, view: View, rows: Updates) -> Any:
        """The deviation of the first change, once there was one."""
        known = self.sends == "noise" and (view.state is not None or len(view.past))
        return self._first_deviation(view) if known else None

    def _first_deviation(self, view: View) -> float:
        return float(_last_change(view).std(correction=0)) if view.state is None else float(view.state)

    @model_validator(mode="after")
    def _has_an_effect(self) -> "FreeRider":
        for name, belongs in (("noise", "last_change"), ("decay", "noise")):
            if getattr(self, name) != type(self).model_fields[name].default and self.sends != belongs:
                raise InvalidConfig(f"`{name}` must be left out unless `sends` is {belongs}; found {self.sends}")
        return self


def _last_change(view: View) -> Vector:
    """How the global model moved last, float64 [d]; zero if nobody knows."""
    before = view.past[-1] if len(view.past) else view.origin
    return view.origin.double() - before.double()
