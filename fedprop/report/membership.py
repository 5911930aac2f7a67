"""What membership inference found, as lines to draw: one for each run and model attacked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedprop.privacy import Finding, Inference, inference_of
from fedprop.report.run import RunView
from fedprop.simulation.events import RoundRecord
from fedprop.types import ClientId, Round

ATTACK_NAMES: Mapping[str, str] = {
    "threshold": "Threshold attack",
    "logistic_regression": "Logistic regression attack",
}


@dataclass(frozen=True)
class Line:
    """One attack on one model of one run: what it came to in the rounds in which it was tried, at least one."""

    name: str
    attack: str
    rounds: tuple[Round, ...]
    inferences: tuple[Inference, ...]

    @property
    def title(self) -> str:
        """The attack in words."""
        return ATTACK_NAMES[self.attack]

    @property
    def last(self) -> Inference:
        """What the last attack came to."""
        return self.inferences[-1]


def lines(runs: Sequence[RunView]) -> list[Line]:
    """The lines of these runs, named by what tells them apart: the run, the model attacked, or both."""
    found = {
        (number, finding.client, finding.attack): finding
        for number, run in enumerate(runs)
        for record in run.rounds
        for finding in _own(record)
    }
    several_runs = len({number for number, _, _ in found}) > 1
    several_targets = len({client for _, client, _ in found}) > 1
    made = []
    for (number, client, attack), finding in found.items():
        parts = [runs[number].label] * several_runs + [finding.target] * (several_targets or not several_runs)
        rounds, inferences = _history(runs[number], client, attack)
        made.append(Line(", ".join(parts), attack, rounds, inferences))
    return made


def _own(record: RoundRecord) -> list[Finding]:
    return [finding for finding in record.findings if finding.probe == "membership"]


def _history(run: RunView, client: ClientId | None, attack: str) -> tuple[tuple[Round, ...], tuple[Inference, ...]]:
    found = [(record.round, f) for record in run.rounds for f in _own(record)]
    own = [(round_, inference_of(f)) for round_, f in found if (f.client, f.attack) == (client, attack)]
    return tuple(round_ for round_, _ in own), tuple(inference for _, inference in own)
