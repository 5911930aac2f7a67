"""Definition of SIREN+'s decision process and of its rollback."""

import math
from collections.abc import Sequence

from fedprop.oracles.vectors import Row, Rows


def is_reverse(x: Row, y: Row) -> bool:
    """Whether the angle between two updates is greater than pi/2, as the sign of the cosine says."""
    return math.fsum(a * b for a, b in zip(x, y, strict=True)) < 0


def benign_among(group: set[int], w: Row, updates: Rows, c_s: float, weight_check: bool) -> set[int]:
    """The clients of a group whose accuracy is close to the maximum and whose update is not reverse to its owner's.

    Of owners of the maximum there may be several; they are close to it themselves.
    """
    top = max(w[i] for i in group)
    owners = {i for i in group if w[i] == top}
    close = {i for i in group if top * (1 - c_s) < w[i]} | owners
    if not weight_check:
        return close
    return {i for i in close if any(not is_reverse(updates[i], updates[j]) for j in owners)}


def siren_plus(
    alarms: Sequence[bool], w: Row, updates: Rows, c_s: float, weight_check: bool = True
) -> tuple[str, set[int]]:
    """The case of Figure 3 and the set S_b of clients whose updates are aggregated; w are accuracies.

    In the cases "3 true alarms" and "4" they are applied to g_{t-1}, otherwise to g_t.

    Source: Guo et al. 2024, Algorithm 2, ServerDetect, and Section 4.5.
    """
    clients = set(range(len(alarms)))
    s_a = {i for i in clients if alarms[i]}
    s_s = clients - s_a
    if all(not alarms[i] for i in clients):
        return "1 or 2", clients
    similar = benign_among(s_a, w, updates, c_s, weight_check) == s_a
    if similar:
        if s_s and max(w[i] for i in s_a) * (1 - c_s) <= max(w[i] for i in s_s):
            return "3 false alarms", benign_among(s_s, w, updates, c_s, weight_check)
        return "3 true alarms", s_a
    return "4", benign_among(s_a, w, updates, c_s, weight_check)


def rolled_back(previous: Row, current: Row, updates: Rows, weights: Row) -> list[float]:
    """g_{t-1} + sum of alpha_i (g_t + Delta_i - g_{t-1}): the step to the clients' models, seen from g_{t-1}."""
    columns = zip(previous, current, *updates, strict=True)
    return [
        p + math.fsum(a * (g + delta - p) for a, delta in zip(weights, deltas, strict=True))
        for p, g, *deltas in columns
    ]
