"""Rules with memory: correct ones, and what went wrong elsewhere."""

from collections import defaultdict
from typing import Any, Literal

import torch
from pydantic import PrivateAttr
from torch import Tensor
from torch.nn.functional import normalize

from fedprop.aggregators import Aggregation, Aggregator, CenteredClipping, Cohort


def _unlike(histories: Tensor) -> Tensor:
    """The weight [n] of each client: the less its history resembles another's, the larger; at most 1."""
    units = normalize(histories, dim=1)
    cosines = (units @ units.T).fill_diagonal_(-1)
    return (1 - cosines.max(dim=1).values).clamp(0, 1) if len(histories) > 1 else torch.ones(1, dtype=torch.float64)


def _answer(cohort: Cohort, weights: Tensor, memory: Any) -> Aggregation:
    value = weights @ cohort.updates.double() / len(weights)
    return Aggregation(value.to(cohort.updates.dtype), (weights / len(weights)).to(cohort.updates.dtype), memory)


class FoolsGold(Aggregator):
    """Fung et al., RAID 2020, Algorithm 1, without the logit: weights by the sums of each client's updates so far."""

    kind: Literal["gallery_foolsgold"] = "gallery_foolsgold"

    def init(self) -> dict[int, Tensor]:
        return {}

    def combine(self, cohort: Cohort, state: dict[int, Tensor]) -> Aggregation:
        memory = dict(state)
        for client, row in zip(cohort.clients, cohort.updates.double(), strict=True):
            memory[client] = memory.get(client, torch.zeros_like(row)) + row
        return _answer(cohort, _unlike(torch.stack([memory[client] for client in cohort.clients])), memory)


class ByPosition(Aggregator):
    """The sums belong to rows, and row 0 is another client in every round."""

    kind: Literal["gallery_by_position"] = "gallery_by_position"

    def init(self) -> dict[int, Tensor]:
        return {}

    def combine(self, cohort: Cohort, state: dict[int, Tensor]) -> Aggregation:
        memory = dict(state)
        for i, row in enumerate(cohort.updates.double()):
            memory[i] = memory.get(i, torch.zeros_like(row)) + row
        return _answer(cohort, _unlike(torch.stack([memory[i] for i in range(len(cohort.updates))])), memory)


class AddsInPlace(Aggregator):
    """The sums are added to in place, which changes the state of the round before."""

    kind: Literal["gallery_adds_in_place"] = "gallery_adds_in_place"

    def init(self) -> dict[int, Tensor]:
        return {}

    def combine(self, cohort: Cohort, state: dict[int, Tensor]) -> Aggregation:
        for client, row in zip(cohort.clients, cohort.updates.double(), strict=True):
            state.setdefault(client, torch.zeros_like(row)).add_(row)
        return _answer(cohort, _unlike(torch.stack([state[client] for client in cohort.clients])), state)


class NoNewcomers(Aggregator):
    """There is memory for the clients of the first round only."""

    kind: Literal["gallery_no_newcomers"] = "gallery_no_newcomers"

    def init(self) -> dict[int, Tensor]:
        return {}

    def combine(self, cohort: Cohort, state: dict[int, Tensor]) -> Aggregation:
        rows = cohort.updates.double()
        memory = dict(state) or {client: torch.zeros_like(rows[0]) for client in cohort.clients}
        for client, row in zip(cohort.clients, rows, strict=True):
            memory[client] = memory[client] + row
        return _answer(cohort, _unlike(torch.stack([memory[client] for client in cohort.clients])), memory)


class DefaultNotSaved(Aggregator):
    """The state is a defaultdict, and what comes back from a file is a dict without the default."""

    kind: Literal["gallery_default_not_saved"] = "gallery_default_not_saved"

    def init(self) -> dict[int, Any]:
        return defaultdict(float)

    def combine(self, cohort: Cohort, state: dict[int, Any]) -> Aggregation:
        memory = state.copy()
        for client, row in zip(cohort.clients, cohort.updates.double(), strict=True):
            memory[client] = memory[client] + row
        return _answer(cohort, _unlike(torch.stack([memory[client] for client in cohort.clients])), memory)


centred_clipping = CenteredClipping(radius=1.0)


class HiddenCentre(Aggregator):
    """The centre is kept in the rule itself: equal calls have unequal answers, and nothing can save it."""

    kind: Literal["gallery_hidden_centre"] = "gallery_hidden_centre"
    _centre: Tensor | None = PrivateAttr(default=None)

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        value, weights, self._centre = centred_clipping.combine(cohort, self._centre)
        return Aggregation(value, weights, state)
