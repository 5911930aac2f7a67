"""Definition of CRFL's certificate: the radius that is certified here, and the one that was published."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from fedprop.oracles.vectors import Row


def certified_radius(
    counts: Sequence[int],
    *,
    std: float,
    alpha: float,
    weight: float,
    rate: float,
    steps: int,
    length: float,
    start: float,
    attackers: int = 1,
    share: float = 1.0,
    rounds: int = 1,
) -> float:
    """How far each changed example may move without changing the answer with the most votes; 0 where none is certain.

    Shares are bounded as Hoeffding has it, with alpha / 2c for each side of each of c classes. The models of a client
    that takes `steps` steps at `rate` part by rate (sqrt(2) + ||W|| length / 2) in each, for inputs no longer than
    `length`, where ||W|| begins at `start` and grows by rate sqrt(2) length.

    Source: Xie et al., ICML 2021, Theorem 1 and Algorithm 2, for a finished model; the bound on how far models part is
    our derivation.
    """
    least, most = _shares(counts, math.sqrt(math.log(2 * len(counts) / alpha) / (2 * sum(counts))))
    if least <= most:
        return 0.0
    parting = math.fsum(
        rate * (math.sqrt(2) + (start + step * rate * math.sqrt(2) * length) * length / 2) for step in range(steps)
    )
    farthest = math.inf if steps == 1 else 2 / math.sqrt(rate) - length
    return min(farthest, std * math.sqrt(2 * divergence(least, most)) / (rounds * attackers * weight * share * parting))


def _shares(counts: Sequence[int], apart: float) -> tuple[float, float]:
    """No more than the share of the first class, and no less than that of the second."""
    second, first = sorted(counts)[-2:]
    least = max(first / sum(counts) - apart, 0.0)
    return least, min(second / sum(counts) + apart, 1.0, 1 - least)


def divergence(first: float, second: float) -> float:
    """The least Kullback-Leibler divergence of a law under which a class of that share no longer leads.

    Of all laws Q with Q_A <= Q_B that closest to P has Q_A = Q_B = sqrt(p_A p_B) / Z, with Z = 1 - (sqrt(p_A) -
    sqrt(p_B))^2, and lies at -ln Z.
    """
    return -math.log(1 - (math.sqrt(first) - math.sqrt(second)) ** 2)


def published_radius(
    first: float,
    second: float,
    *,
    std: float,
    lipschitz: float,
    parts: Row,
    later: Sequence[tuple[float, float]] = (),
) -> float:
    """The radius of the paper's theorem, about the vote of models over all noise of the training.

    `parts` has p_i gamma_i tau_i eta_i q_i / n_i for each attacker i: its weight, by what it scales, its steps, its
    rate and the share of a batch that is poisoned, all of it in one round. `later` are (rho_t, sigma_t) of the rounds
    after that one, the last of them with the noise of the vote. For logistic regression `lipschitz` is
    sqrt(2 + 2 rho + rho^2).
    """
    hidden = math.prod(2 * NormalDist().cdf(rho / sigma) - 1 for rho, sigma in later)
    moved = 2 * len(parts) * lipschitz**2 * math.fsum(part * part for part in parts) * hidden
    return math.sqrt(divergence(first, second) * std**2 / moved)


def _counted(counts: Sequence[int], **settings: Any) -> float:
    """With shares as they were counted: as if no other copies could vote otherwise."""
    least, most = _shares(counts, 0.0)
    apart = math.sqrt(math.log(2 * len(counts) / settings["alpha"]) / (2 * sum(counts)))
    bounded = _shares(counts, apart)
    right = certified_radius(counts, **settings)
    return right * math.sqrt(divergence(least, most) / divergence(*bounded)) if right else right


MISREADINGS: Mapping[str, Callable[..., float]] = {
    "shares as they were counted": _counted,
    "a client counts as if it were alone": lambda counts, **s: certified_radius(counts, **{**s, "weight": 1.0}),
    "one step, whatever their number": lambda counts, **s: certified_radius(counts, **{**s, "steps": 1}),
    "inputs of length 1": lambda counts, **s: certified_radius(counts, **{**s, "length": 1.0}),
    "the variance for the deviation": lambda counts, **s: certified_radius(counts, **{**s, "std": s["std"] ** 2}),
    "models sent carry no noise": lambda counts, **s: certified_radius(counts, **{**s, "start": s["start"] / 2}),
}
"""Wrong readings."""
