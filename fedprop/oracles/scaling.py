"""Definition of scaling, and how it is misread.

Source: Bagdasaryan et al., AISTATS 2020, section 4.2.
"""

from fedprop.oracles.vectors import Row, Rows


def scaling(own: Rows, n: int, m: int, factor: float | None = None) -> list[list[float]]:
    """The update times gamma; where nothing else is said, n / m for m attackers among n, and at least 1."""
    gamma = max(1.0, n / m) if factor is None else factor
    return [[gamma * value for value in row] for row in own]


def whole_model(own: Rows, origin: Row, n: int, m: int, factor: float | None = None) -> list[list[float]]:
    """Misread: gamma times the local model, as if it were an update."""
    gamma = max(1.0, n / m) if factor is None else factor
    return [[gamma * (w + value) - w for w, value in zip(origin, row, strict=True)] for row in own]


def alone(own: Rows, n: int, factor: float | None = None) -> list[list[float]]:
    """Misread: each attacker scales by n, as if it were the only one."""
    return scaling(own, n, 1, factor)


MISREADINGS = {"whole model": whole_model, "alone": alone}
