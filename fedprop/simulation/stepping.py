"""The server's step: its optimizer at work, whose answers are checked here, since it may be anybody's."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation
from fedprop.errors import FedpropError, InvalidUpdates, RunFailed
from fedprop.simulation.optimizers import ServerOptimizer, State
from fedprop.types import Updates, Vector

T = TypeVar("T")


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
        return Basis(parameters, self._state("init", self._ask("init", self._optimizer.init, parameters)))

    def prepare(self, rows: Updates, lengths: Tensor) -> Updates:
        """The rows [n, d] as the rule shall see them."""
        return self._like(
            rows, "prepare", self._ask("prepare", self._optimizer.prepare, rows, lengths, self._trainable)
        )

    def take(self, base: Basis, answer: Aggregation, lengths: Tensor) -> Basis:
        """Where a step from `base` leads.

        Raises
        ------
        InvalidUpdates
            If that is not finite.
        """
        weights = answer.weights.to(lengths)
        value = self._ask("finish", self._optimizer.finish, answer.value, weights, lengths, self._trainable)
        aggregate = self._like(answer.value, "finish", value)
        # Copies, since others still hold these: whoever adds to them in place must not change the past.
        old, memory = base.parameters.clone(), {name: tensor.clone() for name, tensor in base.optimizer.items()}
        pair = self._ask("step", self._optimizer.step, old, aggregate, memory, self._trainable)
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise self._wrong("step", "a pair of a model and a state", type(pair).__name__)
        parameters, state = self._like(base.parameters, "step", pair[0]), self._state("step", pair[1])
        parameters = torch.where(self._fixed, base.parameters, parameters)
        if not bool(torch.isfinite(parameters).all()):
            raise InvalidUpdates("the next global model must be finite; found NaN or infinity after the server's step")
        return Basis(parameters, state)

    def _ask(self, method: str, call: Callable[..., T], *arguments: Any) -> T:
        try:
            return call(*arguments)
        except FedpropError:
            raise
        except Exception as error:
            raise RunFailed(f"{self._name(method)} failed: {type(error).__name__}: {error}") from error

    def _like(self, wanted: Tensor, method: str, found: Any) -> Tensor:
        if not isinstance(found, Tensor):
            raise self._wrong(method, "a tensor", type(found).__name__)
        if (found.shape, found.dtype, found.device) != (wanted.shape, wanted.dtype, wanted.device):
            raise self._wrong(method, f"a tensor {_shown(wanted)}", _shown(found))
        return found

    def _state(self, method: str, found: Any) -> State:
        """A checkpoint must be able to hold it."""
        if isinstance(found, dict) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items()):
            return found
        raise self._wrong(method, "a state of tensors by name", repr(found))

    def _wrong(self, method: str, wanted: str, found: str) -> RunFailed:
        return RunFailed(f"{self._name(method)} must answer with {wanted}; found {found}")

    def _name(self, method: str) -> str:
        return f"`optimizer`: {type(self._optimizer).__name__}.{method}"


def _shown(tensor: Tensor) -> str:
    return f"{list(tensor.shape)} {tensor.dtype} on {tensor.device}"
