"""The honest mean, pushed as far as something allows: what Min-Max, Min-Sum and the tailored attack have in common."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from fedprop.attacks.base import Attack
from fedprop.attacks.rows import sendable
from fedprop.attacks.view import Knowledge, View
from fedprop.types import Positive, Updates, Vector

Push: TypeAlias = Literal["unit", "deviation", "sign"]


class PushedMean(Attack):
    """Base of the attacks of Shejwalkar and Houmansadr.

    All compromised clients send b + gamma p. b is the mean of the honest rows that the attack sees (its own where it
    sees no others), p a direction against it, and gamma the largest strength found that the attack `allows`: with
    which the row keeps to its bound, or the server's rule answers as it wants. The search begins at `start` and
    moves by half of its `reach`, a quarter, and so on, up after a success and down after a failure, until a move is at
    most `threshold`: it reaches strengths up to twice the start, as the code of the paper does, and its last success is
    what is sent. Each trial is of the row that would be sent, rounded to its dtype, so that rounding breaks no
    bound either. Where nothing succeeds the lowest strength that the search reaches is sent: b itself.

    Attributes
    ----------
    knowledge : whether the honest clients' rows are seen.
    push : p: `unit`, against b and of length one; `deviation`, minus the (sample) deviation of each coordinate; `sign`,
        minus the sign of each coordinate of b. Which of them hurts most depends on data and rule.
    start : the first strength that is tried.
    threshold : the search ends when it moves by no more.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing Model Poisoning Attacks and Defenses for
    Federated Learning", NDSS 2021, section IV and Algorithm 1.
    """

    knowledge: Knowledge = "partial"
    push: Push = "deviation"
    start: Positive = 10.0
    threshold: Positive = 1e-5

    @property
    def sees(self) -> Knowledge:
        return self.knowledge

    @property
    def reach(self) -> float:
        """How far from `start` the search may end, on either side."""
        return self.start

    def known(self, view: View) -> Updates:
        """The honest rows [k, d] that b and p are of."""
        return view.seen(self.knowledge)

    def pushes(self, direction: Vector, view: View) -> Tensor:
        """What is added to b, times gamma: p for all of the attack's clients, [d], or for each of them, [c, d]."""
        return direction

    @abstractmethod
    def allows(self, view: View, rows: Updates) -> Callable[[Tensor], bool]:
        """Whether a strength is one that the search may settle on, told of what would be sent: [d] or [c, d].

        `rows` are the honest ones [b, d] that the attack judges by, in float64.
        """

    def craft(self, view: View) -> Updates:
        """The updates [c, d] to send.

        Raises
        ------
        InvalidConfig
            If `knowledge` is `full` and the view hides the honest updates.
        """
        if len(view.own) == 0:
            return view.own
        rows = self.known(view).double()
        mean, pushes = rows.mean(dim=0), self.pushes(directed(rows, self.push), view)
        allowed = self.allows(view, rows)
        strength, step, best = self.start, self.reach, self.start - self.reach
        # A direction may be infinite, and no multiple of it by zero is zero.
        sent = sendable(mean + best * pushes if best > 0 else mean, view.own)
        while abs(best - strength) > self.threshold:
            tried = sendable(mean + strength * pushes, view.own)
            step /= 2
            if allowed(tried):
                sent, best = tried, strength
                strength += step
            else:
                strength -= step
        return sent.expand(view.own.shape).clone()


def directed(rows: Updates, push: Push) -> Vector:
    """P for honest rows [b, d]: where a mean is zero it has no direction, and a single row no deviation."""
    mean = rows.mean(dim=0)
    if push == "sign":
        return -mean.sign()
    if push == "deviation":
        return -rows.std(dim=0) if len(rows) > 1 else torch.zeros_like(mean)
    return -torch.nn.functional.normalize(mean, dim=0, eps=torch.finfo(mean.dtype).tiny)
