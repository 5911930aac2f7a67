"""What Gaussian steps are worth, by opacus's accountants: epsilon for a noise multiplier, and the other way round."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from fedprop.errors import InvalidConfig
from fedprop.privacy.config import Accountant, Cost

ORDERS = (1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 4.5, *range(5, 64), 128, 256, 512, 1024)
"""The orders of Rényi divergence tried. A finer list gains little and is slow: fractional orders are long sums."""

LARGE = 100.0
"""Numerical composition needs a grid that grows with epsilon; above this its memory does not suffice, and Rényi's
divergence bounds what means little anyhow."""

TOLERANCE = 0.01
"""How far below its target the epsilon of a noise multiplier may end."""


def epsilon(noise_multiplier: float, cost: Cost, *, delta: float, accountant: Accountant = "rdp") -> float:
    """The epsilon, at `delta`, of Gaussian steps of which each sees every example with the probability in `cost`.

    >>> round(epsilon(1.0, Cost(rate=0.01, steps=1000), delta=1e-5), 1)
    2.1
    """
    if cost.steps == 0:
        return 0.0
    by = _by_composition if accountant == "prv" else _by_renyi
    return by(noise_multiplier, cost.rate, cost.steps, delta)


def noise_for(target_epsilon: float, costs: Iterable[Cost], *, delta: float, accountant: Accountant = "rdp") -> float:
    """A noise multiplier, about the smallest, at which none of these sequences of steps exceeds the target.

    Raises
    ------
    InvalidConfig
        If the target is so low that no noise reaches it.
    """
    from opacus.accountants.utils import get_noise_multiplier  # takes a second to import

    # The search passes through epsilons well above its target.
    by: Accountant = "rdp" if target_epsilon > LARGE / 10 else accountant
    needed, waiting = 0.0, {cost for cost in costs if cost.steps}
    while waiting:
        hardest = max(waiting, key=lambda cost: cost.rate**2 * cost.steps)
        waiting.remove(hardest)
        if needed and epsilon(needed, hardest, delta=delta, accountant=accountant) <= target_epsilon:
            continue
        try:
            with _quietly():
                found = get_noise_multiplier(
                    target_epsilon=target_epsilon,
                    target_delta=delta,
                    sample_rate=hardest.rate,
                    steps=hardest.steps,
                    accountant=by,
                    epsilon_tolerance=min(TOLERANCE, target_epsilon / 10),
                    alphas=ORDERS,
                )
        except ValueError:
            raise InvalidConfig(f"`target_epsilon` must be within reach of noise; found {target_epsilon}") from None
        needed = max(needed, float(found))
    return needed


@lru_cache(maxsize=4096)
def _by_renyi(noise_multiplier: float, rate: float, steps: int, delta: float) -> float:
    from opacus.accountants.analysis.rdp import get_privacy_spent

    with _quietly():
        found, _ = get_privacy_spent(orders=ORDERS, rdp=steps * _divergences(noise_multiplier, rate), delta=delta)
    return max(0.0, float(found))


@lru_cache(maxsize=1024)
def _divergences(noise_multiplier: float, rate: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The Rényi divergence of one step at each order."""
    from opacus.accountants.analysis.rdp import compute_rdp

    return np.asarray(compute_rdp(q=rate, noise_multiplier=noise_multiplier, steps=1, orders=ORDERS))


@lru_cache(maxsize=4096)
def _by_composition(noise_multiplier: float, rate: float, steps: int, delta: float) -> float:
    from opacus.accountants import PRVAccountant

    bound = _by_renyi(noise_multiplier, rate, steps, delta)
    if bound > LARGE:
        return bound
    accountant = PRVAccountant()
    accountant.history = [(noise_multiplier, rate, steps)]
    with _quietly():
        return min(bound, float(accountant.get_epsilon(delta)))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without two warnings that tell the user nothing.

    An epsilon holds at every order, so one at the end of the range is no less true; and at rate 1 the smallest loss is
    the logarithm of zero, rightly.
    """
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.filterwarnings("ignore", message="Optimal order is the", category=UserWarning)
        yield
