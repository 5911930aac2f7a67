"""Worker momentum: a stage that gives the rule each client's average of updates over rounds."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

import torch
from pydantic import Field

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import JoinedRows, in_memory
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.stage import Stage, Staged
from fedprop.types import ClientId, Vector

Momenta: TypeAlias = Mapping[ClientId, Vector]
"""The momentum [d] of every client that has taken part."""


class WorkerMomentum(Stage):
    """Replace each client's row x by its momentum, m <- (1 - beta) x + beta m, where m begins as its first row.

    What honest clients send differs from round to round by chance, and attackers hide among these differences; the
    momentum averages them out. The published form has the client compute it. Here the server does so on its behalf, so
    that clients need no protocol for it, and keeps m by client: who is not in a round keeps the momentum it had.
    A client that has several rows in a round moves its momentum with each, in their order.

    Sources differ in the beginning: with m = 0 at first the answer to the first round would be (1 - beta) times as
    long. Here it begins as the first row, so that the first answer is as long as any. El Mhamdi et al. (2021) write
    m <- x + beta m, which is 1 / (1 - beta) times as long in the end.

    The weights of the full form tell how much of each row of this round went into the aggregate; what past rounds add
    is not in them.

    Attributes
    ----------
    beta : how much of the past is kept.

    Source: Karimireddy, He and Jaggi, "Learning from History for Byzantine Robust Optimization", ICML 2021,
    Algorithm 1.

    >>> import torch
    >>> from fedprop.aggregators import Mean
    >>> rule = WorkerMomentum(beta=0.5) >> Mean()
    >>> first = rule.aggregate(torch.tensor([[4.0], [8.0]]))
    >>> second = rule.aggregate(torch.tensor([[0.0], [0.0]]), first.state)
    >>> first.value, second.value
    (tensor([6.]), tensor([3.]))
    """

    remembers: ClassVar[bool] = True
    reads_columns: ClassVar[bool] = True

    kind: Literal["worker_momentum"] = "worker_momentum"
    beta: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9

    def init(self) -> Momenta:
        return {}

    def apply(self, cohort: Cohort, state: Momenta) -> Staged:
        rows = in_memory(cohort.updates)
        momenta, latest, new = dict(state), dict[ClientId, int](), list[Vector]()
        shares = torch.eye(len(rows), dtype=torch.float64, device=rows.device)
        for i, (client, row) in enumerate(zip(cohort.clients, rows, strict=True)):
            # A copy for each client: the next state must not change with the rows that were sent.
            new.append(self._moved(momenta[client], row) if client in momenta else row.clone())
            if client in momenta:
                shares[i] *= 1 - self.beta
            if client in latest:
                shares[i] += self.beta * shares[latest[client]]
            momenta[client], latest[client] = new[i], i
        # What is remembered is what the rule sees; as columns, which nobody changes, there is no second matrix of it.
        return Staged(cohort.with_updates(JoinedRows(*(row[None] for row in new))), shares, momenta)

    def _moved(self, before: Vector, row: Vector) -> Vector:
        moved = row.double() * (1 - self.beta)
        moved += before.to(row.device).double() * self.beta
        return moved.to(row.dtype)

    def carry(self, contract: Contract) -> Contract:
        """What holds if momenta are moved along with the rows; in the first round, when they are the rows, as they are.

        Where an answer lies among the rows of one round, and how far from their mean, is given up.
        """
        return contract.keeping(
            "permutation",
            "translation",
            "scaling",
            "orthogonal",
            "idempotent",
            "separable",
            "examples",
            "regret",
            "ambiguous",
        )
