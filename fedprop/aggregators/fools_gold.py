"""FoolsGold: clients whose updates have been alike over all rounds count less, as sybils would be."""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import AddedRows, JoinedRows, MixedRows, Rows, map_blocks, mix
from fedprop.aggregators.contract import Contract
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.views import Seen, seen_by_direction
from fedprop.errors import InvalidUpdates
from fedprop.types import ClientId, Gram, Positive, Vector, Weights

ALIKE = 1e-6
"""Cosines nearer to 1 than this count as 1: what rounding leaves of equal histories must not be told apart."""

ALMOST_ONE = 0.99
"""What the paper's code puts in place of a credit of exactly 1, whose logit is infinite."""

Histories: TypeAlias = Mapping[ClientId, Vector]
"""For each client that has taken part, the sum [d] of all its updates."""


class FoolsGold(FramedRule):
    """The sum of the rows by credit, which falls as a client's updates so far resemble those of another client.

    With H_i for the sum of all updates of client i, this round's included: v_i is the largest cosine of H_i with that
    of another client of the round, and no less than 0. Whoever is less like the others is pardoned: where v_i < v_j,
    the cosine counts v_i / v_j of itself for client i. One minus the largest cosine left is the credit; credits are
    divided by the largest one, and pass through kappa (ln(c / (1 - c)) + 0.5), cut to [0, 1].

    The answer is the sum of credit times row, as in the paper, and no mean: it grows with the number of clients that
    are trusted. `averaged` divides it by the sum of the credits. If nobody has credit the answer is zero.

    The state is the history of every client that has taken part: memory as large as all their updates together. Rows
    of the same client share its history. Cosines within 1e-6 of 1 count as 1; the paper's code adds 1e-5 to v_i and to
    the logit's argument instead. The paper compares the features of the output layer alone, which a rule cannot know:
    here all coordinates count.

    A client alone with its aim resembles nobody and keeps its credit: the rule is made against sybils, and leaves a
    lone attacker to others.

    Attributes
    ----------
    kappa : how steeply credit rises.
    averaged : divide by the sum of the credits.

    Raises
    ------
    InvalidUpdates
        If a history is not as long as the rows.

    Source: Fung, Yoon and Beschastnikh, "The Limitations of Federated Learning in Sybil Settings", RAID 2020,
    Algorithm 1; the order of the steps as in the authors' code.

    >>> FoolsGold().aggregate(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0]])).weights
    tensor([0., 0., 1.])
    """

    remembers: ClassVar[bool] = True

    kind: Literal["fools_gold"] = "fools_gold"
    kappa: Positive = 1.0
    averaged: bool = False

    @classmethod
    def examples(cls) -> tuple["FoolsGold", ...]:
        return (cls(), cls(kappa=0.25, averaged=True))

    def init(self) -> Histories:
        return {}

    def contract(self) -> Contract:
        return Contract(
            permutation=True, scaling=True, orthogonal=True, examples="ignored", linear=True, precision=1e-8
        )

    def frame(self, cohort: Cohort, state: Histories) -> Seen:
        """One row for each client: what it has sent in all."""
        return seen_by_direction(self._sums(cohort, state), inner_products)

    def judge(self, view: Seen, cohort: Cohort, state: Histories) -> Judged:
        histories = _kept(self._sums(cohort, state), cohort.updates.dtype)
        return Judged(self._weigh(view, cohort), {**state, **dict(zip(_present(cohort), histories, strict=True))})

    def value(self, updates: Rows) -> Vector:
        # Without histories, which are as large as the rows and which nobody would see.
        cohort = Cohort(updates)
        return mix(self._weigh(self.viewed(cohort, {}), cohort)[None], updates)[0]

    def _weigh(self, view: Seen, cohort: Cohort) -> Weights:
        clients = _present(cohort)
        credit = self._logit(_credit(_cosines(view.gram)))
        weights = credit[torch.tensor([clients.index(client) for client in cohort.clients], device=credit.device)]
        return weights / weights.sum() if self.averaged and weights.any() else weights

    def _sums(self, cohort: Cohort, state: Histories) -> Rows:
        rows, clients = cohort.updates, _present(cohort)
        if len(clients) < len(rows):
            senders = [[float(sender == client) for sender in cohort.clients] for client in clients]
            rows = MixedRows(torch.tensor(senders, dtype=torch.float64, device=rows.device), rows)
        nothing = torch.zeros(1, dtype=rows.dtype, device=rows.device).expand(rows.shape[1])
        before = [state.get(client, nothing) for client in clients]
        for history in before:
            if history.shape != nothing.shape:
                due, found = list(nothing.shape), list(history.shape)
                raise InvalidUpdates(f"`state` must hold histories of shape {due} for FoolsGold; found {found}")
        return AddedRows(rows, JoinedRows(*[history[None] for history in before]))

    def _logit(self, credit: Weights) -> Weights:
        if not credit.any():
            return credit
        share = credit / credit.max()
        share = share.where(share < 1, ALMOST_ONE)
        return (self.kappa * ((share / (1 - share)).log() + 0.5)).clamp(0, 1)


def _present(cohort: Cohort) -> list[ClientId]:
    """The clients of the round, each once, in the order of their first rows."""
    return list(dict.fromkeys(cohort.clients))


def _kept(sums: Rows, like: torch.dtype) -> list[Vector]:
    """The sums in memory, each by itself, so that one outlives the others; in the dtype of the rows."""
    largest = torch.finfo(like).max
    kept = [torch.empty(sums.shape[1], dtype=like, device=sums.device) for _ in range(len(sums))]
    start = 0
    for block in map_blocks(lambda part: part.clamp(-largest, largest), sums):
        stop = start + block.shape[1]
        for row, part in zip(kept, block, strict=True):
            row[start:stop] = part
        start = stop
    return kept


def _cosines(gram: Gram) -> Gram:
    """Cosines of each pair; 0 of a row with itself, and where one has no direction."""
    lengths = gram.diagonal().sqrt()
    inverse = (1 / lengths).where(lengths > 0, 0)
    cosines = (gram * inverse * inverse[:, None]).fill_diagonal_(0)
    return cosines.where(cosines < 1 - ALIKE, 1)


def _credit(cosines: Gram) -> Weights:
    """One minus each row's largest cosine, after those that are less like the others have been pardoned."""
    most: Tensor = cosines.max(dim=1).values
    pardoned = most[:, None] < most
    shares = (most[:, None] / most).where(pardoned, 1)
    return (1 - (cosines * shares).max(dim=1).values).clamp(0, 1)
