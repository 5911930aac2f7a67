"""Definition of replays, and how they are misread. No paper's attack."""

from collections.abc import Mapping, Sequence
from typing import Any


def replay(rounds: Sequence[Mapping[str, Any]], age: int) -> list[list[float]]:
    """What each client sends in the last of these rounds: what it learnt `age` of its own tasks ago, or its oldest."""
    sent = []
    for client, row in zip(rounds[-1]["own_clients"], rounds[-1]["own"], strict=True):
        learnt = [
            seen["own"][seen["own_clients"].index(client)] for seen in rounds[:-1] if client in seen["own_clients"]
        ]
        sent.append(list(learnt[-age:][0] if learnt else row))
    return sent


def by_rounds(rounds: Sequence[Mapping[str, Any]], age: int) -> list[list[float]]:
    """Misread: ages are rounds, of which a client may have missed some."""
    last = rounds[-1]
    return replay([*rounds[:-1][-age:], last], age)


def by_place(rounds: Sequence[Mapping[str, Any]], age: int) -> list[list[float]]:
    """Misread: what is kept belongs to a place in the cohort, whoever is in it."""
    return replay([{**seen, "own_clients": list(range(len(seen["own"])))} for seen in rounds], age)


MISREADINGS = {"by rounds": by_rounds, "by place": by_place}
