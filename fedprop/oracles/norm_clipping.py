"""Definition of norm clipping, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Rows, cut


def norm_clipping(rows: Rows, max_norm: float) -> list[list[float]]:
    """Each row x becomes x * min(1, max_norm / ||x||) (Sun et al., 2019, Section 4)."""
    return [cut(x, max_norm) for x in rows]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "by the largest entry": lambda rows, max_norm: [
        [v * min(1.0, max_norm / max(map(abs, x), default=0.0)) if any(x) else v for v in x] for x in rows
    ],
}
