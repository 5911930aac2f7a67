"""A finished run in figures, for the terminal, the report and the tables of a sweep."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from pydantic import BaseModel

from fedprop.aggregators import Aggregator
from fedprop.aggregators.tolerance import parts_of
from fedprop.defenses import RoundProtocol
from fedprop.experiment import Experiment
from fedprop.headline import warnings
from fedprop.simulation.engine import Outcome
from fedprop.simulation.events import RoundRecord
from fedprop.simulation.setup import Setup
from fedprop.types import ClientId

LONGEST = 40
"""A setting of a defense with more characters would hide the others in a line."""


def summarize(
    experiment: Experiment, setup: Setup, outcome: Outcome, accepted: int, refused: Mapping[str, int]
) -> dict[str, Any]:
    """The figures of a finished run, JSON-ready; `warnings` say how not to take them."""
    always = {
        "name": experiment.name,
        "seed": experiment.seed,
        "test_accuracy": outcome.test_accuracy,
        "test_error": outcome.test_error,
        "rounds": len(outcome.rounds),
        "failed_rounds": sum(bool(r.failure) for r in outcome.rounds),
        "virtual_seconds": outcome.virtual_seconds,
        "wall_seconds": outcome.wall_seconds,
        "accepted": accepted,
        "rejected": dict(refused),
        "clients_per_pass": outcome.tickets_per_pass,
        "trace_sha256": outcome.trace_sha256,
        "inference": newest_findings(outcome.rounds),
        "decisions": decisions(outcome.rounds, setup.compromised),
    }
    found = always | _circumstances(experiment, setup, outcome)
    return found | {"warnings": warnings(found)} | _privacy(experiment, setup, outcome) | _targeted(outcome)


def _circumstances(experiment: Experiment, setup: Setup, outcome: Outcome) -> dict[str, Any]:
    """Who defended, who attacked, how much the defense bears, and what failed on the way."""
    attacks = [_attack(setup, outcome, index) for index in range(len(setup.attacks))]
    failures = Counter(record.failure for record in outcome.rounds if record.failure)
    later = f" from round {experiment.defense_from}" if experiment.defense_from else ""
    return {
        "defense": f"{spelled(experiment.defense)}{later}",
        "f": getattr(parts_of(experiment.defense)[-1], "f", None),
        "attacks": attacks,
        "clients": setup.clients,
        "compromised": len(setup.compromised),
        "cohort": setup.policy.smallest(setup.clients),
        "tolerated": setup.tolerated,
        "policy": setup.policy.kind,
        "failed_attacks": sum(attack["failed"] for attack in attacks),
        "commonest_failure": next((reason for reason, _ in failures.most_common(1)), ""),
    }


def _attack(setup: Setup, outcome: Outcome, index: int) -> dict[str, Any]:
    """One attack: how many clients it held, how often it failed and how it did first, and why it had no effect."""
    attack, held = setup.attacks[index]
    failed, failure = outcome.attack_failures.get(index, (0, ""))
    idle = ""
    if not (attack.crafts or attack.poisons or setup.protocol):
        idle = "the defense asks no client what it holds of the global model"
    elif not any(record.round in attack.rounds for record in outcome.rounds):
        idle = "the run ended before it began"
    elif not any(held & heard for heard in map(_heard, outcome.rounds)) and any(map(_heard, outcome.rounds)):
        idle = "no update of its clients was accepted"
    return {"kind": attack.kind, "compromised": len(held), "failed": failed, "failure": failure, "idle": idle}


def _heard(record: RoundRecord) -> set[ClientId]:
    """Whose updates the defense saw in a round that did not fail."""
    return {*record.weights, *(record.ruling.verdicts if record.ruling else ())}


def spelled(defense: Aggregator | RoundProtocol) -> str:
    """A defense in a few words: kinds and settings, a chain with its stages.

    >>> from fedprop.aggregators import parse_defense
    >>> spelled(parse_defense([{"kind": "nearest_neighbour_mixing", "f": 2}, {"kind": "krum", "f": 2}]))
    'nearest_neighbour_mixing f=2 >> krum f=2'
    """
    return " >> ".join(map(_spelled, parts_of(defense)))


def _spelled(part: BaseModel) -> str:
    """The kind and whatever is set otherwise than by default; fields of a user's own rule may be anything."""
    fields = {name: (getattr(part, name), field) for name, field in type(part).model_fields.items() if name != "kind"}
    chosen = [
        f"{name}={value if len(str(value)) <= LONGEST else '...'}"
        for name, (value, field) in fields.items()
        if repr(value) != repr(field.get_default(call_default_factory=True))
    ]
    return " ".join([str(getattr(part, "kind", type(part).__name__)), *chosen])


def newest_findings(rounds: Sequence[RoundRecord]) -> list[dict[str, Any]]:
    """The last result of each attack on each model, JSON-ready."""
    newest = {
        (finding.target, finding.attack): (record.round, finding) for record in rounds for finding in record.findings
    }
    return [
        {
            "target": target,
            "attack": attack,
            "round": round_,
            "auc": finding.inference.auc,
            "advantage": finding.inference.advantage,
        }
        for (target, attack), (round_, finding) in newest.items()
    ]


def _targeted(outcome: Outcome) -> dict[str, Any]:
    """How far targeted attacks came in the last round evaluated; nothing without one."""
    measured = [record.confidence for record in outcome.rounds if record.confidence is not None]
    return {"misclassification_confidence": measured[-1]} if measured else {}


def _privacy(experiment: Experiment, setup: Setup, outcome: Outcome) -> dict[str, Any]:
    """The privacy of a finished run: the noise, and the largest epsilon any client has spent; nothing without."""
    privacy = setup.central_privacy or setup.training.privacy
    if privacy is None:
        return {}
    spent = [epsilon for record in outcome.rounds for epsilon in record.epsilon.values()]
    planned = experiment.training.privacy
    return {
        "epsilon": max(spent, default=0.0),
        "target_epsilon": None if planned is None else planned.target_epsilon,
        "delta": privacy.delta,
        "noise_multiplier": privacy.sigma,
    }


def decisions(rounds: Sequence[RoundRecord], compromised: Collection[ClientId]) -> dict[str, Any]:
    """How a protocol ruled, JSON-ready; empty if it never did. Indices are means over the clients heard of."""
    rulings = [record.ruling for record in rounds if record.ruling is not None]
    if not rulings:
        return {}
    last = rulings[-1]
    return {
        "cases": dict(Counter(ruling.case for ruling in rulings)),
        "rollbacks": sum(ruling.rollback for ruling in rulings),
        "banned": list(last.banned),
        "honest_index": _mean(index for client, index in last.index.items() if client not in compromised),
        "compromised_index": _mean(index for client, index in last.index.items() if client in compromised),
        "honest_banned": sum(client not in compromised for client in last.banned),
        "compromised_banned": sum(client in compromised for client in last.banned),
    }


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None
