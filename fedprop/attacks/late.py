"""Honest updates that come too late."""

import math
from collections.abc import Sequence
from typing import Literal, Self

from fedprop.attacks.base import Attack
from fedprop.attacks.view import View
from fedprop.types import Positive, Seconds


class Late(Attack):
    """Lateness: compromised clients train honestly and then keep their updates back, for a while or for good.

    In synchronous rounds everybody waits for them until the deadline; a buffered or asynchronous server gets updates
    that are stale on purpose. A client that is given another task in the meantime drops the old one, as an honest one
    does, and one that crashes while it waits loses its update.

    Attributes
    ----------
    seconds : how long each answer is kept back, in simulated seconds after an honest client would have sent it; None
        for silence: nothing is ever sent.

    Source: no paper's attack, but what the threat model of every asynchronous rule allows, as in Damaskinos et al.,
    "Asynchronous Byzantine Machine Learning (the case of SGD)", ICML 2018: a Byzantine worker sends when it likes.
    """

    kind: Literal["late"] = "late"
    seconds: Positive | None = 60.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(seconds=2.0), cls(seconds=None))

    def delay(self, view: View) -> Sequence[Seconds]:
        """The same time for each client; infinity for silence."""
        return (math.inf if self.seconds is None else self.seconds,) * len(view.own)
