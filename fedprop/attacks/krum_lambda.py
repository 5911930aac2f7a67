"""How far Krum can be pushed: the bound of Fang's Theorem 1 and the search that starts from it."""

import math
from collections.abc import Iterable

import torch

from fedprop.attacks.rows import square_distances
from fedprop.attacks.view import Assumed
from fedprop.errors import InvalidConfig, TooFewUpdates
from fedprop.forms import taken
from fedprop.types import Updates, Vector


def krum_is_defined(n: int, f: int) -> bool:
    """Whether Krum tolerates f of n rows, n >= 2f + 3 (Fang et al., section 2.2, put it as c < (m - 2) / 2)."""
    return n >= 2 * f + 3


def lambda_bound(benign: Updates, c: int) -> float:
    """The largest lambda for which Krum may still select the crafted row -lambda * s, s in {1, -1}^d.

    Theorem 1 (equation 3) speaks of m local models, c of them crafted and equal, and of the received parameters w_Re.
    Here rows are updates, local model minus w_Re: distances between rows stay as they are, the distance of a row to
    w_Re is its norm, and m = len(benign) + c. The bound reads nothing but the benign rows.

    Parameters
    ----------
    benign : Tensor, shape [m - c, d]
        The honest rows next to the crafted ones.
    c : int
        The number of crafted rows, at least 1.

    Raises
    ------
    InvalidConfig
        If c < 1.
    TooFewUpdates
        If m - 2c - 1 < 1, where the bound divides by zero.

    Source: Fang et al. (2020), Theorem 1 and appendix C.

    Two pairs of equal rows, one crafted row: the two nearest of the other three lie at squared distances 0 and 4, so
    the bound is sqrt(4 / 2) + 1.

    >>> round(lambda_bound(torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), c=1), 4)
    2.4142
    """
    benign, _ = taken(benign, "benign", "the bound on lambda")
    b, d = benign.shape
    if c < 1:
        raise InvalidConfig(f"`c` must be at least 1 for the bound on lambda; found {c}")
    if b < c + 2:
        raise TooFewUpdates(f"`benign` must have at least c + 2 rows for the bound on lambda; found {b} with c={c}")
    rows = benign.double()
    squares = square_distances(rows, rows)
    # A row's distance to itself is 0, so its b - 1 smallest entries add up to its b - 2 nearest others.
    nearest = squares.sort(dim=1).values[:, : b - 1].sum(dim=1)
    longest = torch.linalg.vector_norm(rows, dim=1).max()
    return math.sqrt(float(nearest.min()) / ((b - c - 1) * d)) + float(longest) / math.sqrt(d)


def solve_lambda(honest: Updates, c: int, direction: Vector, assumed: Assumed, *, threshold: float) -> float | None:
    """A large lambda for which Krum, set to tolerate c rows, selects -lambda * direction sent c times.

    The bound of Theorem 1 is halved until Krum selects a crafted row. Crafted rows come last, so where Krum breaks ties
    by position a tie counts against the attack, and the answer does not hang on the order in which rows arrive.

    Krum sees distances only, so the search runs on the rows' coordinates in their own span, b + 1 numbers each however
    large d is; an answer counts once Krum selects it among the real rows too.

    Parameters
    ----------
    honest : Tensor, shape [b, d]
        The rows next to the crafted ones.
    c : int
        The number of crafted rows, at least 1.
    direction : Tensor, shape [d]
        Ones and minus ones, in the dtype of `honest`.
    assumed : Assumed
        Krum; its weights are 1 for the selected row and 0 elsewhere.
    threshold : float
        The search ends below it.

    Returns
    -------
    float or None
        lambda; None if Krum is not defined for b + c rows or the search ends without a selection.

    Source: Fang et al. (2020), section 3.2, "Solving lambda".
    """
    return first_lambda(honest, (c,), direction, assumed, threshold=threshold)


def first_lambda(
    honest: Updates, counts: Iterable[int], direction: Vector, assumed: Assumed, *, threshold: float
) -> float | None:
    """What `solve_lambda` finds for the first of these numbers of crafted rows for which it finds anything; or None."""
    honest, _ = taken(honest, "honest", "the search for lambda")
    direction, _ = taken(direction, "direction", "the search for lambda")
    defined = [c for c in counts if krum_is_defined(len(honest) + c, c)]
    if not defined:
        return None
    spaces = [(honest, direction)]
    if honest.shape[1] > len(honest) + 1:
        spaces.insert(0, _in_their_span(honest, direction))
    for c in defined:
        lambda_ = min(lambda_bound(spaces[0][0], c), torch.finfo(honest.dtype).max)
        while lambda_ >= threshold:
            if all(_selects(assumed, rows, -lambda_ * s, c) for rows, s in spaces):
                return lambda_
            lambda_ /= 2
    return None


def _selects(assumed: Assumed, honest: Updates, crafted: Vector, c: int) -> bool:
    """Whether Krum selects one of c equal crafted rows behind the honest ones."""
    _, weights = assumed(torch.cat([honest, crafted.expand(c, -1)]), c)
    return int(weights.argmax()) >= len(honest)


def _in_their_span(honest: Updates, direction: Vector) -> tuple[Updates, Vector]:
    """Float64 coordinates of rows and direction in an orthonormal basis of their span: all distances stay the same."""
    rows = torch.cat([honest, direction[None]]).double()
    # Scaled, so that squares of the largest floats stay finite inside the factorisation.
    scale = rows.abs().max()
    coordinates = torch.linalg.qr((rows / scale).T, mode="r").R.T * scale
    return coordinates[:-1], coordinates[-1]
