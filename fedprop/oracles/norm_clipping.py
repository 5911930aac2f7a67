"""Definition of norm clipping."""

from fedprop.oracles.vectors import Rows, cut


def norm_clipping(rows: Rows, max_norm: float) -> list[list[float]]:
    """Each row x becomes x * min(1, max_norm / ||x||) (Sun et al., 2019, Section 4)."""
    return [cut(x, max_norm) for x in rows]
