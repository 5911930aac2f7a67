"""The settings of MAB-RFL, and what it does with them at each step of a round."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, cast

import torch
from pydantic import Field, NonNegativeInt

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.defenses.mab_rfl.arms import Arm, arms_of, pulled, some
from fedprop.defenses.mab_rfl.groups import kept, outliers, sybils
from fedprop.defenses.protocol import Replies, RoundProtocol, Ruling, Screened
from fedprop.types import ClientId, Fraction, Positive, Round

Cosine = Annotated[float, Field(ge=-1.0, le=1.0)]


class MabRfl(RoundProtocol):
    """MAB-RFL (Wan et al., IJCAI 2022): invite whom a bandit draws, reject who moves alike or the other way.

    Each client has a Beta distribution of being accepted, and a momentum, which is a direction: m <- (update +
    mu^(rounds since its last one) m), divided by its length. Of a round's clients those are rejected that form the
    largest group linked by inner products of momenta above max(c_max e^(-round / fading), c_min); then, of the rest,
    the smaller of two clusters whose means point apart. The step is the mean of the accepted momenta, times the median
    length of the accepted updates.

    The defaults are those of the authors' code. Where it is silent, or of several minds:

    - `policy.cohort` bounds how many are invited; where more are selected, these are drawn from them.
    - A client that never moved has a momentum of zero, is linked to nobody, and counts in the mean as it is.
    - With fewer than two clients left by the first filter there are no clusters, and whoever is left is accepted. If
      nobody is, the round makes no new version.
    - Equals: see `sybils` and `outliers`; rows are taken in the order of their clients' ids.

    With non-IID data honest clients may all be linked, `c_min` being what it is: then they go. That is as published.

    Attributes
    ----------
    warm_up : in so many rounds, the first ones, everybody is selected.
    sure, never : a client is selected if its draw p is at least `sure`, not if it is at most `never`, and between the
        two with probability p.
    mu : how much of a momentum is left a round later.
    c_max, c_min, fading : the threshold of the links, and the rounds in which it falls to a third.
    variance : the share of the variance that the principal components explain which clusters are looked for in.
    alpha : clusters point apart if the cosine of their means is below this.

    Source: Wan, Hu, Lu, Zhang, Jin and He, "Shielding Federated Learning: Robust Aggregation with Adaptive Client
    Selection", IJCAI 2022.
    """

    kind: Literal["mab_rfl"] = "mab_rfl"
    warm_up: NonNegativeInt = 10
    sure: Fraction = 0.9
    never: Fraction = 0.2
    mu: Fraction = 0.1
    c_max: Cosine = 0.3
    c_min: Cosine = 0.1
    fading: Positive = 20.0
    variance: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    alpha: Cosine = 0.0

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(), cls(warm_up=0, c_max=0.9, c_min=0.9)

    @property
    def needs_rounds(self) -> str:
        return "whoever is invited is drawn for a whole round, and updates are grouped that start from one model"

    def init(self) -> dict[ClientId, Arm]:
        return {}

    def threshold(self, round: Round) -> float:
        """The inner product of momenta above which two clients are linked."""
        return max(self.c_max * math.exp(-round / self.fading), self.c_min)

    def select(
        self, available: Sequence[ClientId], wanted: int, memory: Any, *, round: Round, generator: torch.Generator
    ) -> list[ClientId]:
        if round < self.warm_up:
            return some(available, wanted, generator)
        chosen = pulled(available, arms_of(memory), generator, sure=self.sure, never=self.never)
        return some(chosen, wanted, generator)

    def screen(self, replies: Replies, memory: Mapping[ClientId, tuple[Any, ...]]) -> Screened:
        """Who is accepted; the memory is an `Arm` for each client that took part."""
        order = sorted(range(len(replies.clients)), key=lambda row: replies.clients[row])
        clients = [replies.clients[row] for row in order]
        arms = arms_of(memory)
        for client, row in zip(clients, order, strict=True):
            arms[client] = arms.get(client, Arm()).moved(replies.updates[row], replies.round, self.mu)
        verdicts = self._verdicts(torch.stack([_momentum(arms[client]) for client in clients]), replies.round)
        found = dict(zip(clients, verdicts, strict=True))
        arms |= {client: arms[client].rewarded(verdict == "accepted") for client, verdict in found.items()}
        suspicion = {client: arm.suspicion for client, arm in sorted(arms.items())}
        ruling = Ruling(case=_case(verdicts), verdicts=found, suspicion=suspicion)
        return Screened(tuple(found[client] == "accepted" for client in replies.clients), ruling, arms)

    def _verdicts(self, momenta: torch.Tensor, round: Round) -> list[str]:
        alike = sybils(momenta, self.threshold(round))
        rest = kept(len(momenta), alike)
        apart = [rest[place] for place in outliers(momenta[rest], variance=self.variance, alpha=self.alpha)]
        named = dict.fromkeys(alike, "sybil") | dict.fromkeys(apart, "outlier")
        return [named.get(row, "accepted") for row in range(len(momenta))]

    def aggregate(self, cohort: Cohort, memory: Any, *, rule: Callable[[Cohort], Aggregation]) -> Aggregation:
        """The mean of the accepted clients' momenta at the median length of their updates."""
        rows = cast("torch.Tensor", cohort.updates)
        momenta = torch.stack([_momentum(arm) for arm in map(arms_of(memory).__getitem__, cohort.clients)]).double()
        lengths = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
        value = lengths.quantile(0.5) * momenta.mean(dim=0)
        return Aggregation(value.to(rows), rows.new_full((len(rows),), 1 / len(rows)))


def _momentum(arm: Arm) -> torch.Tensor:
    if arm.momentum is None:
        raise AssertionError("a client has a momentum once it has sent an update")
    return arm.momentum


def _case(verdicts: Sequence[str]) -> str:
    found = [name for name, verdict in (("sybils", "sybil"), ("outliers", "outlier")) if verdict in verdicts]
    return "_and_".join(found) or "nobody_rejected"
