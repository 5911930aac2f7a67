"""Definition of FLDetector, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from fedprop.oracles.vectors import Row, Rows

Numbers = Sequence[float]


@dataclass
class Memory:
    """What was seen so far: models and mean updates of all rounds, last updates, all scores, and who is removed."""

    models: list[Row] = field(default_factory=list)
    means: list[Row] = field(default_factory=list)
    updates: Mapping[int, Row] = field(default_factory=dict)
    scores: dict[int, list[float]] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)


def bfgs(pairs: Sequence[tuple[Row, Row]], d: int) -> NDArray[np.float64]:
    """B [d, d], by one BFGS update after the other: B <- B - B s s' B / s'B s + y y' / y's, at first (y's / s's) I."""
    if not pairs:
        return np.zeros((d, d))
    s, y = (np.array(v) for v in pairs[-1])
    b: NDArray[np.float64] = (y @ s) / (s @ s) * np.eye(d)
    for step, change in pairs:
        s, y = np.array(step), np.array(change)
        b = b - np.outer(b @ s, b @ s) / (s @ b @ s) + np.outer(y, y) / (y @ s)
    return b


def difference(x: Row, y: Row) -> list[float]:
    """The row x seen from y."""
    return [a - b for a, b in zip(x, y, strict=True)]


def error(values: Numbers) -> float:
    """The squared error of one cluster."""
    middle = math.fsum(values) / len(values)
    return math.fsum((v - middle) ** 2 for v in values)


def best_cut(values: Numbers) -> tuple[float, int]:
    """The least squared error of two clusters, and how many values are in the lower one."""
    ordered = sorted(values)
    return min((error(ordered[:k]) + error(ordered[k:]), k) for k in range(1, len(ordered)))


def higher_cluster(scores: Mapping[int, float], references: int, generator: torch.Generator) -> set[int]:
    """The clients of the higher of two clusters; nobody if the gap statistic finds one cluster."""
    values = list(scores.values())
    if len(values) < 3 or max(values) - min(values) <= 1e-9 * max(values):
        return set()
    x = [(v - min(values)) / (max(values) - min(values)) for v in values]
    samples = torch.rand(references, len(x), generator=generator, dtype=torch.float64).tolist()
    two, lower = best_cut(x)
    if two > 1e-18:
        ones, twos = ([math.log(f(sample)) for sample in samples] for f in (error, lambda sample: best_cut(sample)[0]))
        deviation = math.sqrt(error(twos) / references * (1 + 1 / references))
        gap_one, gap_two = (math.fsum(w) / references - math.log(own) for w, own in ((ones, error(x)), (twos, two)))
        if gap_two - deviation <= gap_one:
            return set()
    return {client for client, value in scores.items() if value > sorted(values)[lower - 1]}


def fl_detector_round(
    rows: Rows,
    clients: Sequence[int],
    model: Row,
    memory: Memory,
    generator: torch.Generator,
    window: int = 10,
    references: int = 20,
    *,
    curved: bool = True,
    for_good: bool = True,
) -> list[float]:
    """The answer of a round; `memory` is brought up to date.

    Source: Zhang et al., KDD 2022, Algorithms 1 and 2 (reconstructed), on updates, which are gradients turned round.
    """
    if memory.models:
        steps = [difference(b, a) for a, b in zip(memory.models, memory.models[1:], strict=False)]
        changes = [difference(b, a) for a, b in zip(memory.means, memory.means[1:], strict=False)]
        pairs = [(s, y) for s, y in zip(steps, changes, strict=True) if any(s)][-window:]
        moved = bfgs(pairs if curved else [], len(model)) @ np.array(difference(model, memory.models[-1]))
        known = {c: x for c, x in zip(clients, rows, strict=True) if c in memory.updates and c not in memory.removed}
        away = {c: math.dist(np.array(memory.updates[c]) + moved, x) for c, x in known.items()}
        for c, distance in away.items():
            memory.scores.setdefault(c, []).append(distance / (math.fsum(away.values()) or 1.0))
    judged = [c for c in clients if c not in memory.removed and len(memory.scores.get(c, [])) >= window]
    means = {c: math.fsum(memory.scores[c][-window:]) / window for c in judged}
    removed = memory.removed | higher_cluster(means, references, generator)
    kept = [x for c, x in zip(clients, rows, strict=True) if c not in removed]
    answer = [math.fsum(v) / len(kept) for v in zip(*kept, strict=True)] if kept else [0.0] * len(model)
    if removed != memory.removed:
        memory.models, memory.means, memory.updates, memory.scores = [], [], {}, {}
    else:
        memory.models, memory.means = [*memory.models, model], [*memory.means, answer]
        memory.updates = dict(zip(clients, rows, strict=True))
    memory.removed = removed if for_good else set()
    return answer


def fl_detector(rows: Rows) -> list[float]:
    """The answer of a first round: the mean."""
    return [math.fsum(v / len(rows) for v in column) for column in zip(*rows, strict=True)]


LATER_MISREADINGS: Mapping[str, Mapping[str, bool]] = {
    "the last update as prediction": {"curved": False},
    "removed for one round": {"for_good": False},
}
"""Those that show when there is a past, as settings of a round."""

MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "a sum": lambda rows: [math.fsum(column) for column in zip(*rows, strict=True)],
    "nothing before the window is full": lambda rows: [0.0] * len(rows[0]),
}
"""Wrong readings of a first round."""
