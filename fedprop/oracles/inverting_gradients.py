"""Inverting gradients: what its candidates make small."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.vectors import Row


def inverting_gradients(told: Row, found: Row, picture: Sequence[Row], alpha: float) -> float:
    """1 - cos(found, told) + alpha TV, where TV is the mean |difference| of neighbours, down and across added up.

    Source: Geiping et al. 2020, equation 4; the means instead of sums are those of the authors' code.
    """
    inner = sum(a * b for a, b in zip(found, told, strict=True))
    lengths = math.hypot(*found) * math.hypot(*told)
    return 1 - inner / lengths + alpha * _variation(picture)


def _variation(picture: Sequence[Row]) -> float:
    height, width = len(picture), len(picture[0])
    down = [abs(picture[i + 1][j] - picture[i][j]) for i in range(height - 1) for j in range(width)]
    across = [abs(picture[i][j + 1] - picture[i][j]) for i in range(height) for j in range(width - 1)]
    return sum(down) / len(down) + sum(across) / len(across)


def _distance(told: Row, found: Row, picture: Sequence[Row], alpha: float) -> float:
    """The squared distance in place of the angle, as in DLG: a scaled update would matter."""
    return sum((a - b) ** 2 for a, b in zip(found, told, strict=True)) + alpha * _variation(picture)


MISREADINGS: Mapping[str, Callable[..., Any]] = {"the distance for the angle": _distance}
