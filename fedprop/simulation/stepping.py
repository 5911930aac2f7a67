"""The server's step: its optimizer at work, whose answers are checked here, since it may be anybody's."""

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation
from fedprop.answers import check_answer, described
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.failures import blamed
from fedprop.settings import shown
from fedprop.simulation.optimizers import ServerOptimizer, State
from fedprop.types import Updates, Vector


class Basis(NamedTuple):
    """A global model [d] that a step can start from, and what the server's optimizer remembered there."""

    parameters: Vector
    optimizer: State


class ServerStep:
    """Calls the methods of an optimizer.

    Raises
    ------
    RunFailed
        If one of them raises an error, or answers with something else than it should.
    """

    def __init__(self, optimizer: ServerOptimizer, trainable: Tensor, *, fixed: Tensor | None = None) -> None:
        """`trainable` [d] is False for buffers and frozen parameters; the latter, `fixed` [d], stay as they are."""
        self._optimizer = optimizer
        self._trainable = trainable
        self._fixed = torch.zeros_like(trainable) if fixed is None else fixed

    def begin(self, parameters: Vector) -> Basis:
        """The first model, and what the optimizer remembers before the first round."""
        with self._blamed("init"):
            return Basis(parameters, self._state("init", self._optimizer.init(parameters)))

    def prepare(self, rows: Updates, lengths: Tensor) -> Updates:
        """The rows [n, d] as the rule shall see them."""
        with self._blamed("prepare"):
            return self._like(rows, "prepare", self._optimizer.prepare(rows, lengths, self._trainable))

    def take(self, base: Basis, answer: Aggregation, lengths: Tensor) -> Basis:
        """Where a step from `base` leads.

        Raises
        ------
        InvalidUpdates
            If that is not finite.
        """
        aggregate = self._finish(answer, lengths)
        # Copies, since others still hold these: whoever adds to them in place must not change the past.
        old, memory = base.parameters.clone(), {name: tensor.clone() for name, tensor in base.optimizer.items()}
        with self._blamed("step"):
            found: object = self._optimizer.step(old, aggregate, memory, self._trainable)
            if not (isinstance(found, tuple) and len(found) == 2):
                raise WrongAnswer(
                    f"{self._name('step')} must answer with a model and a state; found {described(found)}"
                )
            parameters, state = self._like(base.parameters, "step", found[0]), self._state("step", found[1])
        parameters = torch.where(self._fixed, base.parameters, parameters)
        if not bool(torch.isfinite(parameters).all()):
            raise InvalidUpdates("the next global model must be finite; found NaN or infinity after the server's step")
        return Basis(parameters, state)

    def _finish(self, answer: Aggregation, lengths: Tensor) -> Vector:
        """The aggregate as the step shall see it."""
        with self._blamed("finish"):
            weights = answer.weights.to(lengths)
            found = self._optimizer.finish(answer.value, weights, lengths, self._trainable)
            return self._like(answer.value, "finish", found)

    def _like(self, wanted: Tensor, method: str, found: Any) -> Tensor:
        shape, dtype, device = tuple(wanted.shape), wanted.dtype, wanted.device
        check_answer(self._name(method), "a tensor", found, shape=shape, dtype=dtype, device=device)
        return found  # type: ignore[no-any-return]

    def _state(self, method: str, found: Any) -> State:
        """A checkpoint must be able to hold it."""
        if isinstance(found, dict) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items()):
            return found
        raise WrongAnswer(f"{self._name(method)} must answer with a state, tensors by name; found {shown(found)}")

    def _blamed(self, method: str) -> AbstractContextManager[None]:
        return blamed(f"optimizer {self._optimizer.kind} failed in `{method}`")

    def _name(self, method: str) -> str:
        return f"{type(self._optimizer).__name__}.{method}"
