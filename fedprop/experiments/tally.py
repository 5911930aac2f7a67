"""The records of a run, added up."""

from collections import Counter
from collections.abc import Collection, Iterable
from statistics import fmean
from typing import Any

from fedprop.defenses import Ruling
from fedprop.privacy import Finding
from fedprop.simulation.events import RoundRecord
from fedprop.types import ClientId, Round


class Tally:
    """What the records of a run come to, read once and in order.

    Attributes
    ----------
    rounds : how many there are.
    epsilon : the largest that any client has spent.
    heard : whose updates the defense saw in a round that did not fail.
    best : the round of the best test accuracy, and that accuracy; None if no round was evaluated that did not fail.
    """

    def __init__(self, records: Iterable[RoundRecord]) -> None:
        self.rounds = 0
        self.epsilon = 0.0
        self._failures = Counter[str]()
        self._newest: dict[tuple[str, str], tuple[Round, Finding]] = {}
        self._cases = Counter[str]()
        self._rollbacks = 0
        self.heard: set[ClientId] = set()
        self.best: tuple[Round, float] | None = None
        self._ruling: Ruling | None = None
        for record in records:
            self._add(record)

    def _add(self, record: RoundRecord) -> None:
        self.rounds += 1
        self.epsilon = max([self.epsilon, *record.epsilon.values()])
        self.heard.update(record.weights, record.ruling.verdicts if record.ruling else ())
        if record.failure:
            self._failures[record.failure] += 1
        if record.accuracy is not None and not record.failure and (self.best is None or record.accuracy > self.best[1]):
            self.best = record.round, record.accuracy
        for finding in record.findings:
            self._newest[finding.target, finding.attack] = record.round, finding
        if record.ruling is not None:
            self._ruling = record.ruling
            self._cases[record.ruling.case] += 1
            self._rollbacks += record.ruling.rollback

    @property
    def failed(self) -> int:
        """How many rounds made no new version."""
        return self._failures.total()

    def failures(self) -> dict[str, str]:
        """The commonest reason why a round failed, empty if none did; and a sentence if none did not."""
        (reason, count), *_ = self._failures.most_common(1) or [("", 0)]
        found = {"commonest_failure": reason}
        if self.failed < self.rounds:
            return found
        return {**found, "failure": f"all {self.rounds} rounds failed, {count} of them since {reason}"}

    def inference(self) -> list[dict[str, Any]]:
        """The last result of each attack on each model, JSON-ready."""
        return [
            {
                "target": target,
                "attack": attack,
                "round": round_,
                "auc": finding.inference.auc,
                "advantage": finding.inference.advantage,
            }
            for (target, attack), (round_, finding) in self._newest.items()
        ]

    def decisions(self, compromised: Collection[ClientId]) -> dict[str, Any]:
        """How a protocol ruled, JSON-ready; empty if it never did. Indices are means over the clients heard of."""
        last = self._ruling
        if last is None:
            return {}
        return {
            "cases": dict(self._cases),
            "rollbacks": self._rollbacks,
            "banned": list(last.banned),
            "honest_index": _mean(index for client, index in last.suspicion.items() if client not in compromised),
            "compromised_index": _mean(index for client, index in last.suspicion.items() if client in compromised),
            "honest_banned": sum(client not in compromised for client in last.banned),
            "compromised_banned": sum(client in compromised for client in last.banned),
        }


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
