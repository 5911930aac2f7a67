"""Layers of many clients' weights, computed fast and with the gradients that each client would have alone."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear
from torch.overrides import TorchFunctionMode

from fedprop.training.recurrent import unrolled


class StackedLayers(TorchFunctionMode):
    """How some layers are computed within it, under `vmap`.

    A linear layer as W x^T instead of x W^T: either is one batched matrix product, but with few outputs the second
    multiplies by a narrow matrix, and so does its backward pass, for which BLAS is slow; the first is never slower.

    An embedding without its `padding_idx`, of weights that have no gradient there: with it, only the first client of a
    stack would have none.

    An LSTM step by step, since `vmap` cannot do it in one call.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is linear and not kwargs and args[0].ndim == 2:
            return _linear(*args)
        if func is embedding:
            return _embedding(*args, **(kwargs or {}))
        if func is torch.lstm and isinstance(args[1], tuple | list):  # else the inputs are packed
            return unrolled(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product = (weight @ x.mT).mT
    return product if bias is None else product + bias


def _embedding(
    input: Tensor,  # noqa: A002 - torch's own name, by which it may be called
    weight: Tensor,
    padding_idx: int | None = None,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    if padding_idx is not None:
        is_padding = torch.arange(len(weight), device=weight.device) == padding_idx % len(weight)
        weight = torch.where(is_padding[:, None], weight.detach(), weight)
    return embedding(input, weight, None, *args, **kwargs)
