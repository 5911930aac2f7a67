"""A finished run in figures, for the terminal, the report and the tables of a sweep."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from fedprop.experiment import Experiment
from fedprop.simulation.engine import Outcome
from fedprop.simulation.events import RoundRecord
from fedprop.simulation.setup import Setup
from fedprop.types import ClientId


def summarize(
    experiment: Experiment, setup: Setup, outcome: Outcome, accepted: int, refused: Mapping[str, int]
) -> dict[str, Any]:
    """The figures of a finished run, JSON-ready."""
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
    return always | _privacy(experiment, setup, outcome) | _targeted(outcome)


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
