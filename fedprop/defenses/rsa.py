"""RSA (Li et al., AAAI 2019): every client keeps a model of its own, and a penalty holds them together."""

from collections.abc import Callable
from typing import Any, Literal, Self, TypeAlias, cast

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.defenses.protocol import Beginning, LocalTest, RoundProtocol
from fedprop.training.lr_schedules import LrSchedules, combined
from fedprop.training.steering import Place, Stack, Steering, column
from fedprop.types import ClientId, NonNegative, Positive, Vector

Norm: TypeAlias = Literal["l1", "l2", "linf"]


class Rsa(RoundProtocol):
    """RSA (Li et al., AAAI 2019): models of the clients' own, that a penalty lambda ||w_i - w_0||_p holds together.

    A client goes on from its own model, w_i <- w_i - lr (gradient + lambda d||w_i - w_0||), and sends where it gets;
    one that has no model yet takes the global one. The server then moves the global model,
    w_0 <- w_0 - lr (decay w_0 + lambda sum_i d||w_0 - w_i||). With the l1 norm d||x|| is sign(x), so that a client,
    whatever it sends, moves no weight further than `lr` times lambda.

    Where sources differ:

    - In the paper server and clients move at once; in the authors' code, and here, the server uses the models that it
      has just got.
    - d||0|| is 0. Of the largest coordinates of the linf norm, each gets an equal part.
    - `lr` and `lr_schedule` are the server's; those of `training` are the clients'. In the paper both are
      d / sqrt(round + 1). The authors' lambda is 0.5, of gradients divided by the number of clients; here they are
      means over a batch, and lambda is for these.
    - The penalty is part of the gradient before `training.clip_norm`. The server's step moves buffers as it does
      weights, so models should have none.

    Attributes
    ----------
    lambda_ : how hard models are pulled together, in units of the gradient. Without attack the models agree in the end
        if it is at least the largest entry of any client's gradient there.
    norm : of the penalty.
    lr, lr_schedule : the server's learning rate, and the share of it in each round.
    decay : of f_0 = decay / 2 ||w_0||^2, the server's own part of the objective.

    Source: Li, Xu, Chen, Giannakis and Ling, "RSA: Byzantine-Robust Stochastic Aggregation Methods for Distributed
    Learning from Heterogeneous Datasets", AAAI 2019.
    """

    kind: Literal["rsa"] = "rsa"
    lambda_: Positive = 0.01
    norm: Norm = "l1"
    lr: Positive = 0.1
    lr_schedule: LrSchedules = ()
    decay: NonNegative = 0.01

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(norm="l2", lambda_=0.1), cls(norm="linf", decay=0.0)

    @property
    def needs_rounds(self) -> str:
        return "the server takes a row for the way from the present global model to the client's own"

    def begin(self, client: ClientId, received: Vector, last: Vector | None, *, test: LocalTest) -> Beginning:
        """Start from the model that the client ended its last task with."""
        return Beginning(received, (), "global model") if last is None else Beginning(last, (), "own model")

    def train(self) -> "Penalty":
        return Penalty(self.lambda_, self.norm)

    def aggregate(self, cohort: Cohort, memory: Any, *, rule: Callable[[Cohort], Aggregation]) -> Aggregation:
        """The server's step: the rows are w_i - w_0."""
        rows = cast("Tensor", cohort.updates)
        rate = self.lr * combined(self.lr_schedule, cohort.round)
        pull = _slopes({"": rows}, self.norm)[""].sum(dim=0)
        value = rate * (self.lambda_ * pull - self.decay * cohort.model)
        return Aggregation(value.to(rows), rows.new_full((len(rows),), 1 / len(rows)))


class Penalty(Steering):
    """Adds lambda d||w_i - w_0|| to each client's gradient."""

    def __init__(self, lambda_: float, norm: Norm) -> None:
        self._lambda = lambda_
        self._norm: Norm = norm

    def bend(self, gradients: Stack, place: Place) -> Stack:
        away = {name: place.params[name] - place.received[name] for name in gradients}
        slopes = _slopes(away, self._norm)
        return {name: gradient + self._lambda * slopes[name] for name, gradient in gradients.items()}


def _slopes(away: Stack, norm: Norm) -> Stack:
    """The subgradient of the norm of each client's vector, which is spread over tensors [k, ...]."""
    return _SLOPES[norm](away)


def _l1(away: Stack) -> Stack:
    return {name: torch.sign(part) for name, part in away.items()}


def _l2(away: Stack) -> Stack:
    lengths = torch.stack([part.flatten(1).norm(dim=1) for part in away.values()]).norm(dim=0)
    return {name: part / column(torch.where(lengths > 0, lengths, 1.0), part) for name, part in away.items()}


def _linf(away: Stack) -> Stack:
    most = torch.stack([part.flatten(1).abs().amax(dim=1) for part in away.values()]).amax(dim=0)
    largest = {name: (part.abs() == column(most, part)) for name, part in away.items()}
    count = torch.stack([part.flatten(1).sum(dim=1) for part in largest.values()]).sum(dim=0)
    return {name: torch.sign(part) * largest[name] / column(count, part) for name, part in away.items()}


_SLOPES: dict[Norm, Callable[[Stack], Stack]] = {"l1": _l1, "l2": _l2, "linf": _linf}
