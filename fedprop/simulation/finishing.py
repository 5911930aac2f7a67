"""What clients send of what they learnt, where a protocol has a say in it."""

from collections.abc import Sequence
from dataclasses import replace

from fedprop.defenses import RoundProtocol
from fedprop.simulation.asking import ask_finish
from fedprop.training.task import LocalResult, Ticket, Train


class Finishing:
    """Trains tickets, and finishes what each of them yields."""

    def __init__(self, train: Train, protocol: RoundProtocol) -> None:
        self._train = train
        self._protocol = protocol

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        results = self._train(tickets)
        return [self._finished(ticket, result) for ticket, result in zip(tickets, results, strict=True)]

    def _finished(self, ticket: Ticket, result: LocalResult) -> LocalResult:
        sent = ask_finish(self._protocol, ticket.client, ticket.origin, result.update, ticket.round)
        return replace(result, update=sent)
