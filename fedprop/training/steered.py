"""A defense's steering at work in an engine, and whether it does to a stack of clients what it does to each alone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fedprop.answers import check_answer, described
from fedprop.data.base import Examples
from fedprop.errors import InvalidConfig, WrongAnswer
from fedprop.failures import blamed, in_words
from fedprop.params import ParameterLayout, copy_module
from fedprop.rng import generator
from fedprop.training.config import LocalTraining
from fedprop.training.schedule import Members
from fedprop.training.steering import Lesson, Place, Stack, Steering, unannounced
from fedprop.training.task import Shards, Ticket

TRIED = 3
"""Clients in the stack that is tried: with two, what mixes the first with the last could look symmetric."""


class Moment(NamedTuple):
    """A step of some clients of a stack.

    Attributes
    ----------
    members : which ones take it.
    step : its number, from 0 on.
    received : the global models [k, ...] by name that all clients of the stack were sent.
    lesson : gathers what the members learn from in it.
    """

    members: Members
    step: int
    received: Stack
    lesson: Callable[[], Lesson]


class Steered:
    """Steers the clients of one stack, from their first step to their last."""

    def __init__(
        self, steering: Steering, generators: Sequence[torch.Generator], batches: Sequence[int], rates: Tensor
    ) -> None:
        """`batches` [k] make a pass over each client's data; `rates` [k] are their learning rates."""
        self._steering = steering
        self._generators = generators
        self._batches = torch.tensor(batches, device=rates.device).clamp(min=1)
        self._rates = rates
        self._places = torch.arange(len(generators))
        self._before: Stack = {}

    @property
    def pushes(self) -> bool:
        """Whether `push` does anything."""
        return self._steering.pushes

    def bend(self, gradients: Stack, params: Mapping[str, Tensor], at: Moment) -> Stack:
        """The gradients that some clients of the stack follow."""
        place = self._place(gradients, params, {}, at)
        return _checked(self._steering, "bend", self._steering.bend(dict(gradients), place), gradients)

    def push(self, gradients: Stack, params: Stack, at: Moment) -> None:
        """Move some clients' parameters after their step, in place."""
        for name in gradients:
            if name not in self._before:
                self._before[name] = torch.zeros_like(params[name])
        place = self._place(gradients, params, self._before, at)
        moves = _checked(self._steering, "push", self._steering.push(dict(gradients), place), gradients)
        for name, move in moves.items():
            params[name][at.members] += move
        for name, gradient in gradients.items():
            self._before[name][at.members] = gradient

    def _place(self, gradients: Stack, params: Mapping[str, Tensor], before: Stack, at: Moment) -> Place:
        members = at.members
        return Place(
            params={name: params[name][members] for name in gradients},
            received={name: at.received[name][members] for name in gradients},
            before={name: before[name][members] for name in gradients if name in before},
            repeats=at.step % self._batches[members] != 0,
            rates=self._rates[members],
            generators=[self._generators[i] for i in self._places[members].tolist()],
            lesson=at.lesson if self._steering.looks else unannounced,
        )


def steered(
    steering: Steering | None, tickets: Sequence[Ticket], shards: Shards, config: LocalTraining, seed: int
) -> Steered | None:
    """What steers the clients of these tickets; None without steering."""
    if steering is None:
        return None
    rates = [config.rate(ticket.round) for ticket in tickets]
    return Steered(
        steering,
        [generator(seed, "steering", ticket.client, ticket.task) for ticket in tickets],
        [-(-shards.count(ticket.client) // config.batch_size) for ticket in tickets],
        torch.tensor(rates, dtype=torch.float64, device=tickets[0].origin.device),
    )


def astray(
    steering: Steering | None,
    layout: ParameterLayout,
    device: torch.device,
    *,
    module: nn.Module | None = None,
    few: Examples | None = None,
) -> str:
    """How it treats clients in a stack otherwise than alone; empty if it does not.

    Parameters
    ----------
    layout : of the parameters, whose values are made up.
    module, few : the model that has them, and examples for it; None for a linear layer, and examples made up.

    Raises
    ------
    InvalidConfig
        If it cannot steer a client that trains alone.
    """
    if steering is None:
        return ""
    with blamed(f"`defense`: {type(steering).__name__} cannot steer local training; found", raising=InvalidConfig):
        trial = _Trial(steering, layout, device, module or _linear(layout, device), few)
        alone = [trial([client]) for client in range(TRIED)]
    try:
        together = trial(list(range(TRIED)))
    except Exception as error:
        return in_words(error)
    for name, found in together.items():
        wanted = torch.cat([one[name] for one in alone])
        if not torch.allclose(found, wanted, rtol=1e-9, atol=1e-12):
            return f"parameters that are {float((found - wanted).abs().max()):.2g} apart in {name!r}"
    return ""


def _linear(layout: ParameterLayout, device: torch.device) -> nn.Module:
    """The linear layer of this layout."""
    outputs, inputs = next(entry.shape for entry in layout.entries if entry.name == "weight")
    return nn.Linear(inputs, outputs, device=device)


class _Trial:
    """Where two made-up steps lead some clients, whose numbers depend on nobody else."""

    def __init__(
        self,
        steering: Steering,
        layout: ParameterLayout,
        device: torch.device,
        module: nn.Module,
        few: Examples | None,
    ) -> None:
        self._steering = steering
        self._layout = layout
        self._device = device
        self._module = copy_module(module).to(device, torch.float64).train()
        self._few = few

    def __call__(self, clients: list[int]) -> Stack:
        params, received = self._drawn("params", clients), self._drawn("received", clients)
        rates = torch.tensor([0.1 * (client + 1) for client in clients], dtype=torch.float64, device=self._device)
        streams = [generator(0, "steering", client) for client in clients]
        work = Steered(self._steering, streams, [2] * len(clients), rates)
        for step in range(2):
            at = Moment(slice(None), step, received, partial(self._lesson, params, clients, step))
            gradients = work.bend(self._drawn(f"gradients {step}", clients), params, at)
            for name, gradient in gradients.items():
                params[name] -= 0.1 * gradient
            if work.pushes:
                work.push(gradients, params, at)
        return params

    def _drawn(self, what: str, clients: list[int]) -> Stack:
        rows = [generator(0, what, client) for client in clients]
        return {
            entry.name: torch.stack([torch.randn(entry.shape, generator=row, dtype=torch.float64) for row in rows]).to(
                self._device
            )
            for entry in self._layout.entries
            if entry.trainable
        }

    def _lesson(self, params: Stack, clients: list[int], step: int) -> Lesson:
        """A batch of two for each, of which the second client has but one."""
        others = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        state = {name: torch.stack([value.detach()] * len(clients)) for name, value in others.items()}
        few = self._few or self._made_up()
        rows = torch.tensor([[client + step, client + step + 1] for client in clients], device=few.y.device) % len(few)
        real = torch.tensor([[True, client != 1] for client in clients], device=self._device)
        x = few.x.double() if few.x.is_floating_point() else few.x
        return Lesson(self._module, {**state, **params}, x[rows], few.y[rows], real)

    def _made_up(self) -> Examples:
        inputs = next(entry.shape[-1] for entry in self._layout.entries if entry.name == "weight")
        x = torch.randn(2 * TRIED, inputs, generator=generator(0, "inputs"), dtype=torch.float64)
        return Examples(x.to(self._device), torch.zeros(len(x), dtype=torch.int64, device=self._device))


def _checked(steering: Steering, method: str, found: object, like: Stack) -> Stack:
    """The answer, if it is tensors by name, in the shape of the gradients of these names."""
    name = f"{type(steering).__name__}.{method}"
    if not isinstance(found, dict):
        raise WrongAnswer(f"{name} must answer with tensors by name; found {described(found)}")
    if strange := sorted(set(found) - set(like)) or (method == "bend" and sorted(set(like) - set(found))):
        raise WrongAnswer(f"{name} must answer for the parameters that have gradients; found a difference in {strange}")
    for part, value in found.items():
        wanted = like[part]
        shape = tuple(wanted.shape)
        check_answer(name, f"{part!r}", value, shape=shape, dtype=wanted.dtype, device=wanted.device)
    return found
