"""Fast products of many clients' weights with their inputs."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode


class WeightsOnTheLeft(TorchFunctionMode):
    """Within it, and under `vmap`, a linear layer is computed as W x^T instead of x W^T.

    Either is one batched matrix product. With few outputs the second multiplies by a narrow matrix, and so does its
    backward pass, for which BLAS is slow; the first is never slower.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is linear and not kwargs and args[0].ndim == 2:
            return _linear(*args)
        return func(*args, **(kwargs or {}))


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product = (weight @ x.mT).mT
    return product if bias is None else product + bias
