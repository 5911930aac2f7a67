"""Server optimizers: how the aggregate of the updates becomes the next global model.

Each is pure: `prepare` may rescale the rows before aggregation, `step` turns the aggregate into the next parameters.
Buffers such as BatchNorm's statistics are no parameters: they always move by the plain aggregate.

One of your own overrides `move`, and `init` where it remembers something:

    class Signed(ServerOptimizer):
        kind: Literal["signed"] = "signed"

        def move(self, aggregate, state):
            return self.lr * aggregate.sign(), state
"""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import torch
from pydantic import Field
from torch import Tensor

from fedprop.registry import Registry
from fedprop.types import Kind, Positive, Updates, Vector, Weights

State: TypeAlias = dict[str, Tensor]


class ServerOptimizer(Kind):
    """Base: FedAvg's step, `new = old + lr * aggregate`.

    Attributes
    ----------
    lr : the server's learning rate.
    reads_lengths : whether it rescales by `lengths`, which follow from the steps that clients claim to have taken.
    """

    reads_lengths: ClassVar[bool] = False

    lr: Positive = 1.0

    def init(self, parameters: Vector) -> State:
        """The state before the first round."""
        return {}

    def prepare(self, rows: Updates, lengths: Tensor, trainable: Tensor) -> Updates:
        """The rows [n, d] as the rule shall see them; `lengths` [n] is how far each client's training went."""
        return rows

    def finish(self, aggregate: Vector, weights: Weights, lengths: Tensor, trainable: Tensor) -> Vector:
        """The aggregate as the step shall see it."""
        return aggregate

    def step(self, parameters: Vector, aggregate: Vector, state: State, trainable: Tensor) -> tuple[Vector, State]:
        """The next parameters [d] and state; `trainable` [d] is False for buffers."""
        move, state = self.move(aggregate, state)
        return parameters + torch.where(trainable, move, aggregate), state

    def move(self, aggregate: Vector, state: State) -> tuple[Vector, State]:
        """What is added to the trainable coordinates of the global model [d], and the next state."""
        return self.lr * aggregate, state


class FedAvg(ServerOptimizer):
    """The model moves by the aggregate, times `lr`; with one local step it is FedSGD.

    Source: McMahan, Moore, Ramage, Hampson and Aguera y Arcas, "Communication-Efficient Learning of Deep Networks from
    Decentralized Data", AISTATS 2017.
    """

    kind: Literal["fedavg"] = "fedavg"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(lr=0.5))


class FedAvgM(ServerOptimizer):
    """FedAvg with momentum: v <- momentum * v + aggregate, and a step of lr * v.

    A constant aggregate moves the model 1 / (1 - momentum) times as far in the end as FedAvg does.

    Attributes
    ----------
    momentum : the share of the last step that is taken again.

    Source: Hsu, Qi and Brown, "Measuring the Effects of Non-Identical Data Distribution", 2019, section 4.3.
    """

    kind: Literal["fedavgm"] = "fedavgm"
    momentum: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9

    def init(self, parameters: Vector) -> State:
        return {"v": torch.zeros_like(parameters)}

    def move(self, aggregate: Vector, state: State) -> tuple[Vector, State]:
        v = self.momentum * state["v"] + aggregate
        return self.lr * v, {"v": v}


class _Adaptive(ServerOptimizer, ABC):
    """FedOpt: momentum m, second moment v, and a step of lr * m / (sqrt(v) + tau).

    Attributes
    ----------
    beta1 : how much of the first moment is kept.
    tau : what keeps the step finite where the second moment is small.
    """

    lr: Positive = 0.01
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    tau: Positive = 1e-3

    def init(self, parameters: Vector) -> State:
        return {"m": torch.zeros_like(parameters), "v": torch.full_like(parameters, self.tau**2)}

    @abstractmethod
    def second_moment(self, v: Vector, square: Vector) -> Vector:
        """The next v from the last one and the squared aggregate."""

    def move(self, aggregate: Vector, state: State) -> tuple[Vector, State]:
        m = self.beta1 * state["m"] + (1.0 - self.beta1) * aggregate
        v = self.second_moment(state["v"], aggregate.square())
        return self.lr * m / (v.sqrt() + self.tau), {"m": m, "v": v}


class FedAdagrad(_Adaptive):
    """FedOpt with Adagrad's sum of squares.

    Source: Reddi et al., "Adaptive Federated Optimization", ICLR 2021, Algorithm 2.
    """

    kind: Literal["fedadagrad"] = "fedadagrad"

    def second_moment(self, v: Vector, square: Vector) -> Vector:
        return v + square


class FedAdam(_Adaptive):
    """FedOpt with Adam's moving average of squares (no bias correction, as in the paper).

    Attributes
    ----------
    beta2 : how much of the second moment is kept.

    Source: Reddi et al., "Adaptive Federated Optimization", ICLR 2021, Algorithm 2.
    """

    kind: Literal["fedadam"] = "fedadam"
    beta2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99

    def second_moment(self, v: Vector, square: Vector) -> Vector:
        return self.beta2 * v + (1.0 - self.beta2) * square


class FedYogi(_Adaptive):
    """FedOpt with Yogi's additive update of the second moment.

    Attributes
    ----------
    beta2 : how slowly the second moment follows.

    Source: Reddi et al., "Adaptive Federated Optimization", ICLR 2021, Algorithm 2.
    """

    kind: Literal["fedyogi"] = "fedyogi"
    beta2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.99

    def second_moment(self, v: Vector, square: Vector) -> Vector:
        return v - (1.0 - self.beta2) * square * torch.sign(v - square)


class FedNova(ServerOptimizer):
    """Normalised averaging: no client counts more for having taken more steps.

    Rows are divided by their `lengths` ||a_i||_1; the aggregate is multiplied by the weighted mean of those, tau_eff.

    Source: Wang, Liu, Liang, Joshi and Poor, "Tackling the Objective Inconsistency Problem", NeurIPS 2020, section 4.
    """

    reads_lengths: ClassVar[bool] = True

    kind: Literal["fednova"] = "fednova"

    def prepare(self, rows: Updates, lengths: Tensor, trainable: Tensor) -> Updates:
        return torch.where(trainable, rows / lengths[:, None], rows)

    def finish(self, aggregate: Vector, weights: Weights, lengths: Tensor, trainable: Tensor) -> Vector:
        return torch.where(trainable, (weights * lengths).sum() * aggregate, aggregate)


OPTIMIZERS: Registry[ServerOptimizer] = Registry(
    "optimizers", ServerOptimizer, (FedAvg, FedAvgM, FedAdagrad, FedAdam, FedYogi, FedNova)
)
"""Every server optimizer by its `kind`."""

AnyOptimizer: TypeAlias = Annotated[ServerOptimizer, OPTIMIZERS]
