"""Definition of the server that stands in for one: its loss is half the squared distance from the best update."""

import math
from collections.abc import Callable
from typing import Any

from fedprop.oracles.vectors import Row, squared_distance

MOST_CLASSES = 10
"""So many parameters are logits of a class each, if there are as many; the others have no effect on answers."""

LARGEST = 1e300
"""Logits beyond this are this, so that differences of two are numbers."""


def server_knowing(best: Row) -> dict[str, Any]:
    """What a definition may take by name beside the rows, from a server whose best update is this one."""
    losses: Callable[[Row], float] = lambda x: squared_distance(x, best) / 2  # noqa: E731 - a formula
    accuracies: Callable[[Row], float] = lambda x: 1 / (1 + squared_distance(x, best) / 2)  # noqa: E731 - a formula
    steps: Callable[[int], list[list[float]]] = lambda k: [[i / k * b for b in best] for i in range(1, k + 1)]  # noqa: E731
    classes = range(min(len(best), MOST_CLASSES))
    seen: dict[str, Any] = {"head": ([()] * len(classes), classes), "probabilities": lambda x, *_: [softmax(best, x)]}
    return {"loss": losses, "accuracy": accuracies, "reference": best, "rehearse": steps, "model": best, **seen}


def softmax(model: Row, x: Row) -> list[float]:
    """What a model answers whose first parameters are its logits, whatever the input, moved by the update x."""
    logits = [min(max(m + v, -LARGEST), LARGEST) for m, v in zip(model, x, strict=True)][:MOST_CLASSES]
    shares = [math.exp(logit - max(logits)) for logit in logits]
    return [share / math.fsum(shares) for share in shares]
