"""Definition of the hybrid sparse attack, and how it is misread.

Source: reconstructed from the code of Ozfatura, Gunduz and others; the measure of sensitivity is that of SNIP.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fedprop.oracles.vectors import Row, mean_of, total


def sparse(
    rounds: Sequence[Mapping[str, Any]], density: float, scale: float, z: float, *, first: int = 0, less: int = 0
) -> list[float]:
    """The row mu - s sigma that all send in the last of these rounds; s is `scale` on few weights and `z` elsewhere.

    The few are the weights with the largest |w mu| in the first round, or |mu| where all w are zero. On them sigma, the
    population's deviation, is cut at Q3 + 1.5 (Q3 - Q1) of what it is there.
    """
    few = _most_sensitive(rounds[first], density)
    rows = rounds[-1]["rows"]
    mu = [mean_of(column) for column in zip(*rows, strict=True)]
    sigma = [
        math.sqrt(total([(value - b) ** 2 for value in column]) / max(1, len(rows) - less))
        for column, b in zip(zip(*rows, strict=True), mu, strict=True)
    ]
    most = _fence([sigma[j] for j in few])
    return [
        b - (scale * min(deviation, most) if j in few else z * deviation)
        for j, (b, deviation) in enumerate(zip(mu, sigma, strict=True))
    ]


def _most_sensitive(seen: Mapping[str, Any], density: float) -> list[int]:
    weights = seen["origin"] if any(seen["origin"]) else [1.0] * len(seen["origin"])
    found = [abs(w * mean_of(column)) for w, column in zip(weights, zip(*seen["rows"], strict=True), strict=True)]
    return sorted(range(len(found)), key=lambda j: -found[j])[: max(1, round(density * len(found)))]


def _fence(values: Row) -> float:
    ordered = sorted(values)
    low, high = (_quantile(ordered, share) for share in (0.25, 0.75))
    return high + 1.5 * (high - low)


def _quantile(ordered: Row, share: float) -> float:
    """Between the two values that the place lies between, in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    return ordered[below] + (place - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])


def mask_anew(**known: Any) -> list[float]:
    """Misread: the weights are chosen anew in each round."""
    return sparse(**known, first=-1)


def sample_deviation(**known: Any) -> list[float]:
    """Misread: sigma divides by one less than the number of rows."""
    return sparse(**known, less=1)


def swapped(density: float, scale: float, z: float, **known: Any) -> list[float]:
    """Misread: the large factor is on the weights that matter least."""
    return sparse(**known, density=density, scale=z, z=scale)


MISREADINGS = {"mask anew": mask_anew, "sample deviation": sample_deviation, "swapped": swapped}
