"""The records of a run, added up."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from fedprop.defenses import Ruling
from fedprop.failures import blamed
from fedprop.metrics import Number, Reading
from fedprop.privacy import Finding
from fedprop.simulation.events import RoundRecord
from fedprop.types import ClientId, Round


class Tally:
    """What the records of a run come to, read once and in order.

    Attributes
    ----------
    rounds : how many there are.
    readings : the numbers of the run by name, those that it has.
    weightless : how many rounds did not fail, and gave no update any weight, though none was rolled back.
    heard : whose updates the defense saw in a round that did not fail.
    attacked : how many updates stood for each attack in the rounds that did not fail, by its place.
    crowds : in how many of these rounds so many updates stood for attacks, by how many.
    numberless : the round from which to the end the test loss was no finite number; None if the last one was.
    best : the round of the best test accuracy, and that accuracy; None if no round was evaluated that did not fail.
    """

    def __init__(
        self,
        records: Iterable[RoundRecord],
        numbers: Sequence[Number] = (),
        compromised: Collection[ClientId] = frozenset(),
    ) -> None:
        self.rounds = 0
        self.weightless = 0
        self.readings: dict[str, Reading] = {}
        self._numbers = numbers
        self._compromised = compromised
        self._failures = Counter[str]()
        self._newest: dict[tuple[str, str, str], tuple[Round, Finding]] = {}
        self._cases = Counter[str]()
        self._rollbacks = 0
        self.heard: set[ClientId] = set()
        self.attacked = Counter[int]()
        self.crowds = Counter[int]()
        self.numberless: Round | None = None
        self.best: tuple[Round, float] | None = None
        self._ruling: Ruling | None = None
        for record in records:
            self._add(record)

    def _add(self, record: RoundRecord) -> None:
        self.rounds += 1
        self.heard.update(record.heard)
        for number in self._numbers:
            self._read(number, record)
        if record.failure:
            self._failures[record.failure] += 1
        else:
            self.attacked.update(record.attacked)
            self.crowds[sum(record.attacked.values())] += 1
        if not record.failure and not any(record.weights.values()) and not (record.ruling and record.ruling.rollback):
            self.weightless += 1
        if record.loss is not None:
            self._hear_loss(record.round, record.loss)
        if record.accuracy is not None and not record.failure and (self.best is None or record.accuracy > self.best[1]):
            self.best = record.round, record.accuracy
        for finding in record.findings:
            self._newest[finding.probe, finding.target, finding.attack] = record.round, finding
        if record.ruling is not None:
            self._ruling = record.ruling
            self._cases[record.ruling.case] += 1
            self._rollbacks += record.ruling.rollback

    def _hear_loss(self, round_: Round, loss: float) -> None:
        if math.isfinite(loss):
            self.numberless = None
        elif self.numberless is None:
            self.numberless = round_

    def _read(self, number: Number, record: RoundRecord) -> None:
        with blamed(f"metric {number.kind} failed in round {record.round}"):
            later = number.read(record, self._compromised)
            if later is not None:
                earlier = self.readings.get(number.kind)
                self.readings[number.kind] = later if earlier is None else number.then(earlier, later)

    def complete(self, record: RoundRecord) -> None:
        """Take the last round's record again, with a test of the last model that it did not have."""
        if record.loss is not None:
            self._hear_loss(record.round, record.loss)
        for number in self._numbers:
            if number.of_last:
                self._read(number, record)

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
                "probe": finding.probe,
                "target": target,
                "attack": attack,
                "round": round_,
                **finding.numbers,
            }
            for (_, target, attack), (round_, finding) in self._newest.items()
        ]

    @property
    def probed(self) -> set[ClientId]:
        """The clients whose updates or models were attacked."""
        return {finding.client for _, finding in self._newest.values() if finding.client is not None}

    @property
    def probes(self) -> set[str]:
        """The kinds of probes that found anything."""
        return {probe for probe, _, _ in self._newest}

    def decisions(self) -> dict[str, Any]:
        """How a protocol ruled, JSON-ready; empty if it never did."""
        last = self._ruling
        if last is None:
            return {}
        return {"cases": dict(self._cases), "rollbacks": self._rollbacks, "banned": list(last.banned)}
