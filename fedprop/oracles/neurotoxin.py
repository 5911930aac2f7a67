"""Definition of the weights that Neurotoxin keeps out of, and how it is misread.

Source: Zhang et al., "Neurotoxin: Durable Backdoors in Federated Learning", ICML 2022, Algorithm 1 (reconstructed).
"""

from fedprop.oracles.vectors import Row


def forbidden(gradient: Row, masked: float) -> set[int]:
    """The places of the share of entries that are largest in size, at least one; of equal ones the first."""
    count = max(1, round(masked * len(gradient)))
    return set(sorted(range(len(gradient)), key=lambda place: (-abs(gradient[place]), place))[:count])


def by_sign(gradient: Row, masked: float) -> set[int]:
    """Misread: the largest entries with their signs, so that large negative ones may be moved."""
    count = max(1, round(masked * len(gradient)))
    return set(sorted(range(len(gradient)), key=lambda place: (-gradient[place], place))[:count])


def smallest(gradient: Row, masked: float) -> set[int]:
    """Misread: the smallest entries are kept out of, and the ones used most are moved."""
    count = max(1, round(masked * len(gradient)))
    return set(sorted(range(len(gradient)), key=lambda place: (abs(gradient[place]), place))[:count])


MISREADINGS = {"by sign": by_sign, "smallest": smallest}
