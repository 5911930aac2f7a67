"""What membership inference found, as lines to draw: one for each run and model attacked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedprop.privacy import AttackName, Inference
from fedprop.report.run import RunView
from fedprop.types import ClientId, Round

ATTACK_NAMES: Mapping[AttackName, str] = {
    "threshold": "Threshold attack",
    "logistic_regression": "Logistic regression attack",
}


@dataclass(frozen=True)
class Line:
    """One attack on one model of one run: what it came to in the rounds in which it was tried, at least one."""

    name: str
    attack: AttackName
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
        for finding in record.findings
    }
    several_runs = len({number for number, _, _ in found}) > 1
    several_targets = len({client for _, client, _ in found}) > 1
    made = []
    for (number, client, attack), finding in found.items():
        parts = [runs[number].label] * several_runs + [finding.target] * (several_targets or not several_runs)
        rounds, inferences = _history(runs[number], client, attack)
        made.append(Line(", ".join(parts), attack, rounds, inferences))
    return made


def _history(
    run: RunView, client: ClientId | None, attack: AttackName
) -> tuple[tuple[Round, ...], tuple[Inference, ...]]:
    found = [(record.round, f) for record in run.rounds for f in record.findings]
    own = [(round_, f.inference) for round_, f in found if (f.client, f.attack) == (client, attack)]
    return tuple(round_ for round_, _ in own), tuple(inference for _, inference in own)
