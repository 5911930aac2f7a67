"""Clients that train in two ways."""

from collections.abc import Sequence

from fedprop.training.task import LocalResult, Ticket, Train
from fedprop.types import ClientId


class Divided:
    """Trains the clients that are `exempt` with an engine of their own."""

    def __init__(self, most: Train, others: Train, exempt: frozenset[ClientId]) -> None:
        self.most = most
        self.others = others
        self.exempt = exempt

    def __call__(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        results: dict[int, LocalResult] = {}
        for train, left_out in ((self.most, False), (self.others, True)):
            places = [i for i, ticket in enumerate(tickets) if (ticket.client in self.exempt) is left_out]
            results.update(zip(places, train([tickets[i] for i in places]), strict=True))
        return [results[i] for i in range(len(tickets))]
