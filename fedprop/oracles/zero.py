"""Definition of the zero mode, and how it is misread.

Source: Han et al., "FedSecurity" (2024), section 3.1: the weights of the local models are set to zero.
"""

from fedprop.oracles.vectors import Row, Rows


def zero(own: Rows, origin: Row, buffers: int = 0) -> list[list[float]]:
    """0 - w_g in each weight, and in what is no weight the honest update."""
    weights = len(origin) - buffers
    return [[-w for w in origin[:weights]] + list(row[weights:]) for row in own]


def zero_updates(own: Rows) -> list[list[float]]:
    """Misread: the update is zero, not the model."""
    return [[0.0] * len(row) for row in own]


MISREADINGS = {"zero updates": zero_updates}
