"""What a defense has clients do within local training: other gradients, and other moves.

A client that trains alone is a stack of one, so the same code serves every engine: all tensors have the clients as
their first dimension, and what is done to one must not depend on the others. An engine is tried before anything runs
(`fedprop.training.steered`); where clients would not do in a stack what they do alone, another trains them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from fedprop.errors import InvalidConfig

Stack: TypeAlias = dict[str, Tensor]
"""Tensors by name; each has the clients as its first dimension."""


class Lesson(NamedTuple):
    """What k clients learn from in one step, and the model that they ask about it.

    Attributes
    ----------
    module : the model, in training mode; `torch.func.functional_call(module, state, (x,))` asks it for one client,
        with that client's row of each tensor in `state`.
    state : all parameters and buffers [k, ...] by name, as they are now.
    x, y : their batches [k, b, ...] and [k, b], of which b may be 0; a shorter batch is padded with its first example.
    real : which of these are examples [k, b] and not padding.
    """

    module: nn.Module
    state: Mapping[str, Tensor]
    x: Tensor
    y: Tensor
    real: Tensor


def _no_lesson() -> Lesson:
    raise InvalidConfig("`lesson` must tell which batches a place is about, for those who look at examples; found none")


def unannounced() -> Lesson:
    """In the place of a lesson, for a steering that did not say that it would take one. Raises `InvalidConfig`."""
    raise InvalidConfig("`looks` must be True for a steering that looks at examples, by `place.lesson`; found False")


class Place(NamedTuple):
    """Where k clients are in their local training.

    Attributes
    ----------
    params : their trained parameters [k, ...] by name, as they are now.
    received : those of the global model that each was sent, in the same form.
    before : the gradients of their steps before, in the same form; zero where there was none.
    repeats : for each, whether there was a step before this one in the same pass over its data [k].
    rates : their learning rates [k].
    generators : where their random numbers come from, one for each client, on the CPU.
    lesson : gathers the batches of this step, for a steering that `looks` at examples; others do not pay for it.
    """

    params: Mapping[str, Tensor]
    received: Mapping[str, Tensor]
    before: Mapping[str, Tensor]
    repeats: Tensor
    rates: Tensor
    generators: Sequence[torch.Generator]
    lesson: Callable[[], Lesson] = _no_lesson


def column(values: Tensor, like: Tensor) -> Tensor:
    """`values` [k] or [k, b] in the shape that multiplies `like` [k, ...] or [k, b, ...]; floats in its dtype too."""
    values = values.view(*values.shape, *[1] * (like.ndim - values.ndim))
    return values.to(like.dtype) if values.is_floating_point() else values


class Steering:
    """Does nothing; a defense overrides what it needs.

    It must remember nothing: tickets are trained in any order, in several threads. `Place` has what there is to know.

    Attributes
    ----------
    looks : whether it looks at examples, by `place.lesson`. Then what clients do hangs on them otherwise than by
        gradients, and no noise on these makes it private.
    """

    looks: ClassVar[bool] = False

    def bend(self, gradients: Stack, place: Place) -> Stack:
        """The gradients [k, ...] by name that clients follow instead of these; `place.before` is empty here.

        They include FedProx's pull; `training.clip_norm` and weight decay come after.
        """
        return gradients

    def push(self, gradients: Stack, place: Place) -> Stack:
        """What is added to the parameters after the optimizer's step, [k, ...] by name; a name left out gets nothing.

        `gradients` are what the optimizer was given, before weight decay.
        """
        return {}

    @property
    def pushes(self) -> bool:
        """Whether `push` is there; else nobody keeps gradients for it."""
        return type(self).push is not Steering.push
