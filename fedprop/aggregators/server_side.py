"""What a server that holds examples of its own can find out about updates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from fedprop.aggregators.columns import JoinedRows, MixedRows, Rows, column_spans
from fedprop.errors import InvalidUpdates
from fedprop.types import Updates, Vector, Weights

EXAMPLES = frozenset({"losses", "accuracies", "reference", "rehearsals"})
"""What of `Aggregator.asks` can only be told by who holds examples."""


def needs_examples(asks: Collection[str]) -> bool:
    """Whether the server must hold examples of its own to tell what is asked."""
    return not EXAMPLES.isdisjoint(asks)


@runtime_checkable
class ServerSide(Protocol):
    """Handed to a rule with the cohort; everything refers to the present global model and the server's own examples."""

    def losses(self, candidates: Updates) -> Weights:
        """For each of the candidates [k, d], the mean loss [k], in float64, of the global model moved by it."""
        ...

    def accuracies(self, candidates: Updates) -> Weights:
        """For each of the candidates [k, d], the accuracy in [0, 1], in float64, of the global model moved by it."""
        ...

    def reference(self) -> Vector:
        """The update [d] that one task of local training on the server's own examples yields."""
        ...

    def rehearsals(self, count: int) -> Rows:
        """Updates [count, d] of as many made-up clients, each of which trains on a sample of the server's examples.

        A sample is drawn with replacement and as large as the whole; it is the same in every round. The updates may be
        a source of columns.
        """
        ...


def like_rows(reference: Tensor, rows: Rows, name: str) -> Vector:
    """The server's update, on the device of the rows [n, d], for the rule called `name`.

    Raises
    ------
    InvalidUpdates
        If it is no finite row like them.
    """
    if reference.shape != rows.shape[1:] or not torch.isfinite(reference).all():
        due, found = list(rows.shape[1:]), f"{list(reference.shape)}, {int(torch.isfinite(reference).sum())} finite"
        raise InvalidUpdates(f"the server's update must be finite with shape {due} for {name}; found {found}")
    return reference.to(rows.device)


@dataclass(frozen=True, eq=False)
class QuadraticSide:
    """A server side whose loss is quadratic, so that a definition can work it out as well: half the squared distance.

    It stands in for a server where none is: as rules are verified, and as attackers imagine one.

    Attributes
    ----------
    best : the update [d] that leads to the least loss, which is 0; one step of gradient descent of size 1 yields it.
    """

    best: Vector

    def losses(self, candidates: Updates) -> Weights:
        """For each candidate x, ||x - best||^2 / 2."""
        best = self.best.to(candidates.device, torch.float64)
        total = torch.zeros(len(candidates), dtype=torch.float64, device=candidates.device)
        for start, stop in column_spans(candidates):
            total += (candidates[:, start:stop].double() - best[start:stop]).square().sum(dim=1)
        return total / 2

    def accuracies(self, candidates: Updates) -> Weights:
        """1 / (1 + loss)."""
        return 1 / (1 + self.losses(candidates))

    def reference(self) -> Vector:
        """The way to the least loss."""
        return self.best

    def rehearsals(self, count: int) -> Rows:
        """1, 2, ..., `count` of as many equal steps of that way, in float64 so that they stay on one line.

        They are worked out as they are read, since all of them may be as large as what the clients sent.
        """
        shares = torch.arange(1, count + 1, dtype=torch.float64, device=self.best.device) / count
        return MixedRows(shares[:, None], JoinedRows(self.best[None], dtype=torch.float64))
