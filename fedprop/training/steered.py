"""A defense's steering at work in an engine, and whether it does to a stack of clients what it does to each alone."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fedprop.answers import check_answer, described
from fedprop.errors import InvalidConfig, WrongAnswer
from fedprop.failures import blamed, in_words
from fedprop.params import ParameterLayout
from fedprop.rng import generator
from fedprop.training.config import LocalTraining
from fedprop.training.schedule import Members
from fedprop.training.steering import Place, Stack, Steering
from fedprop.training.task import Shards, Ticket

TRIED = 3
"""Clients in the stack that is tried: with two, what mixes the first with the last could look symmetric."""


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

    def bend(
        self, gradients: Stack, params: Mapping[str, Tensor], received: Stack, members: Members, step: int
    ) -> Stack:
        """The gradients that some clients of the stack follow."""
        place = self._place(gradients, params, received, {}, members, step)
        return _checked(self._steering, "bend", self._steering.bend(dict(gradients), place), gradients)

    def push(self, gradients: Stack, params: Stack, received: Stack, members: Members, step: int) -> None:
        """Move some clients' parameters after their step, in place."""
        for name in gradients:
            if name not in self._before:
                self._before[name] = torch.zeros_like(params[name])
        place = self._place(gradients, params, received, self._before, members, step)
        moves = _checked(self._steering, "push", self._steering.push(dict(gradients), place), gradients)
        for name, move in moves.items():
            params[name][members] += move
        for name, gradient in gradients.items():
            self._before[name][members] = gradient

    def _place(
        self,
        gradients: Stack,
        params: Mapping[str, Tensor],
        received: Stack,
        before: Stack,
        members: Members,
        step: int,
    ) -> Place:
        return Place(
            params={name: params[name][members] for name in gradients},
            received={name: received[name][members] for name in gradients},
            before={name: before[name][members] for name in gradients if name in before},
            repeats=step % self._batches[members] != 0,
            rates=self._rates[members],
            generators=[self._generators[i] for i in self._places[members].tolist()],
        )


class Alone:
    """Steers the one client that trains in a module, whose parameters hold the gradients."""

    def __init__(self, work: Steered, module: nn.Module, received: Mapping[str, Tensor]) -> None:
        """`received` is the global model by name."""
        self._work = work
        self._module = module
        self._received = {name: value[None] for name, value in received.items()}

    def bend(self, step: int) -> None:
        """Put other gradients in the place of those that are there."""
        params, gradients = self._stacks()
        bent = self._work.bend(gradients, params, self._received, slice(None), step)
        for name, gradient in gradients.items():
            gradient.copy_(bent[name])

    def push(self, step: int) -> None:
        """Move the parameters after the optimizer's step."""
        if self._work.pushes:
            params, gradients = self._stacks()
            self._work.push(gradients, params, self._received, slice(None), step)

    def _stacks(self) -> tuple[Stack, Stack]:
        """The parameters and their gradients as stacks of one, in the module's own memory."""
        trained = {name: p for name, p in self._module.named_parameters() if p.grad is not None}
        params = {name: parameter.detach()[None] for name, parameter in trained.items()}
        return params, {name: p.grad.detach()[None] for name, p in trained.items() if p.grad is not None}


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


def astray(steering: Steering | None, layout: ParameterLayout, device: torch.device) -> str:
    """How it treats clients in a stack otherwise than alone; empty if it does not.

    Raises
    ------
    InvalidConfig
        If it cannot steer a client that trains alone.
    """
    if steering is None:
        return ""
    with blamed(f"`defense`: {type(steering).__name__} cannot steer local training; found", raising=InvalidConfig):
        alone = [_tried(steering, layout, device, [client]) for client in range(TRIED)]
    try:
        together = _tried(steering, layout, device, list(range(TRIED)))
    except Exception as error:
        return in_words(error)
    for name, found in together.items():
        wanted = torch.cat([one[name] for one in alone])
        if not torch.allclose(found, wanted, rtol=1e-9, atol=1e-12):
            return f"parameters that are {float((found - wanted).abs().max()):.2g} apart in {name!r}"
    return ""


def _tried(steering: Steering, layout: ParameterLayout, device: torch.device, clients: list[int]) -> Stack:
    """Where two made-up steps lead some clients, whose numbers depend on nobody else."""

    def drawn(what: str) -> Stack:
        rows = [generator(0, what, client) for client in clients]
        return {
            entry.name: torch.stack([torch.randn(entry.shape, generator=row, dtype=torch.float64) for row in rows]).to(
                device
            )
            for entry in layout.entries
            if entry.trainable
        }

    params, received = drawn("params"), drawn("received")
    rates = torch.tensor([0.1 * (client + 1) for client in clients], dtype=torch.float64, device=device)
    work = Steered(steering, [generator(0, "steering", c) for c in clients], [2] * len(clients), rates)
    for step in range(2):
        gradients = work.bend(drawn(f"gradients {step}"), params, received, slice(None), step)
        for name, gradient in gradients.items():
            params[name] -= 0.1 * gradient
        if work.pushes:
            work.push(gradients, params, received, slice(None), step)
    return params


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
