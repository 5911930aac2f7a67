"""What the clients' privacy cost, for the reader of a report."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fedprop.report.run import RunView
from fedprop.types import ClientId


class Spending(NamedTuple):
    """What one client spent: in how many rounds it gave something of its data away, and its epsilon at the end."""

    rounds: int
    epsilon: float


def spending(run: RunView) -> dict[ClientId, Spending]:
    """Each client that gave something of its data away, in order of ids; empty without differential privacy."""
    found: dict[ClientId, Spending] = {}
    for record in run.rounds:
        for client, epsilon in record.epsilon.items():
            earlier = found.get(client, Spending(0, 0.0))
            found[client] = Spending(earlier.rounds + 1, max(earlier.epsilon, epsilon))
    return dict(sorted(found.items()))


def spent(summary: Mapping[str, Any]) -> str:
    """The largest epsilon of a run in words, with its target if there was one.

    >>> spent({"epsilon": 3.2, "delta": 1e-05, "noise_multiplier": 1.1, "target_epsilon": 3.0})
    '3.20 at delta 1e-05, noise multiplier 1.10; over the target of 3'
    """
    text = f"{summary['epsilon']:.2f} at delta {summary['delta']:g}, noise multiplier {summary['noise_multiplier']:.2f}"
    return text if summary["target_epsilon"] is None else f"{text}; {against_target(summary)}"


def against_target(summary: Mapping[str, Any]) -> str:
    """How the largest epsilon compares with its target; without one, at which delta it was spent.

    >>> against_target({"epsilon": 3.2, "delta": 1e-05, "target_epsilon": None})
    'at delta 1e-05'
    """
    target = summary["target_epsilon"]
    if target is None:
        return f"at delta {summary['delta']:g}"
    return f"{'over' if summary['epsilon'] > target else 'within'} the target of {target:g}"
