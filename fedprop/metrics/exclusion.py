"""Whom the defense leaves out: attackers, as it should, and honest clients, as it should not."""

from abc import abstractmethod
from collections.abc import Collection
from typing import ClassVar, Literal

from fedprop.metrics.base import Number, Recorded
from fedprop.metrics.reading import Reading, pooled
from fedprop.types import ClientId

ENOUGH = 0.5
"""The share of its even part below which an update counts as excluded: half of what each would weigh under the mean."""


def excluded(record: Recorded) -> frozenset[ClientId]:
    """Whose updates had no weight, or less than half of an even share of all weight in the round.

    >>> from types import SimpleNamespace
    >>> sorted(excluded(SimpleNamespace(weights={0: 0.5, 1: 0.45, 2: 0.05, 3: 0.0}, heard={0, 1, 2, 3, 4})))
    [2, 3, 4]
    """
    total, count = sum(record.weights.values()), max(1, len(record.heard))
    weights = {client: record.weights.get(client, 0.0) for client in record.heard}
    return frozenset(client for client, w in weights.items() if w <= 0.0 or w < ENOUGH * total / count)


class Exclusion(Number):
    """The share of one side's updates that are excluded, over all rounds that did not fail.

    An update is excluded if the rule gives it no weight, or less than half of an even share of all weight in its round;
    also one that a protocol keeps from the rule. Messages that the server refused, such as malformed ones, were never
    seen by the defense and do not count. This definition is fedprop's own: it counts alike for rules that choose rows
    and for rules that weigh them. Where a mean weighs by examples, a client that holds few is excluded by its data.
    """

    standing: ClassVar[bool] = True
    of_model: ClassVar[bool] = False
    curve: ClassVar[bool] = True

    @abstractmethod
    def side(self, heard: frozenset[ClientId], compromised: frozenset[ClientId]) -> frozenset[ClientId]:
        """Of the clients heard, those whose updates are counted."""

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        own = self.side(frozenset(record.heard), frozenset(compromised))
        if record.failure or not own:
            return None
        return Reading(len(own & excluded(record)) / len(own), cases=len(own))

    def then(self, earlier: Reading, later: Reading) -> Reading:
        return pooled(earlier, later)


class AttackersExcluded(Exclusion):
    """The share of the updates of compromised clients that are excluded; see `Exclusion`."""

    label: ClassVar[str] = "updates of compromised clients excluded"

    kind: Literal["attackers_excluded"] = "attackers_excluded"

    def side(self, heard: frozenset[ClientId], compromised: frozenset[ClientId]) -> frozenset[ClientId]:
        return heard & compromised


class HonestExcluded(Exclusion):
    """The share of the updates of honest clients that are excluded; see `Exclusion`."""

    label: ClassVar[str] = "updates of honest clients excluded"

    kind: Literal["honest_excluded"] = "honest_excluded"

    def side(self, heard: frozenset[ClientId], compromised: frozenset[ClientId]) -> frozenset[ClientId]:
        return heard - compromised


class RemovalSuccessRate(Number):
    """The share of the updates of compromised clients that are removed, over all rounds that did not fail.

    An update is removed if it has no weight at all, by the rule or since a protocol kept it from the rule. Where a rule
    chooses rows and counts them alike this is `attackers_excluded`; where it weighs or rescales them that counts a
    small weight as well, and this does not. Of all attackers it is the share only where all take part in each round;
    else of those whose updates came.

    Source: Lu et al. 2024 (HeteroFL), Figure 4 and Table III (ARSR): the ratio of malicious updates in the removed
    updates to the total number of attackers, averaged over the rounds.
    """

    label: ClassVar[str] = "removal success rate"
    of_model: ClassVar[bool] = False
    curve: ClassVar[bool] = True

    kind: Literal["removal_success_rate"] = "removal_success_rate"

    def read(self, record: Recorded, compromised: Collection[ClientId]) -> Reading | None:
        if not compromised:
            return Reading(why="nobody is compromised")
        own = frozenset(record.heard) & frozenset(compromised)
        if record.failure or not own:
            return None
        removed = [client for client in own if not record.weights.get(client, 0.0)]
        return Reading(len(removed) / len(own), cases=len(own))

    def then(self, earlier: Reading, later: Reading) -> Reading:
        return pooled(earlier, later)
