"""Limits that attacks set themselves so as not to stand out, for `Attack.constraints` to declare.

Each compares the crafted rows with the honest ones that the attack could see: everybody else's, or its own where the
view hides those. Comparisons are in float64 and leave room for the rounding of the rows' own dtype.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch

from fedprop.attacks.base import Constraint
from fedprop.attacks.rows import distances, square_distances
from fedprop.attacks.view import View
from fedprop.types import Updates

__all__ = [
    "Constraint",
    "beyond_benign_range",
    "near_first",
    "seen_rows",
    "weights_within",
    "within_benign_diameter",
    "within_benign_scatter",
    "within_deviations",
    "within_length",
]

SLACK = 1e-6
"""How far, relative to the limit, an attack may exceed it: its own search for the limit ends somewhere."""

SHEJWALKAR = "Shejwalkar and Houmansadr, NDSS 2021"

Deviations: TypeAlias = float | Callable[[int, int], float]


def seen_rows(view: View) -> Updates:
    """The honest rows that an attack judges by: the benign clients', or its own where those are hidden or absent."""
    return view.own if view.benign is None or len(view.benign) == 0 else view.benign


def within_benign_diameter() -> Constraint:
    """Min-Max: no crafted row is farther from any benign row than two benign rows are from each other."""

    def broken(view: View, crafted: Updates) -> str | None:
        benign = seen_rows(view).double()
        reach, limit = distances(crafted.double(), benign).max(), distances(benign, benign).max()
        return _exceeds("a crafted row lies at distance", float(reach), float(limit), _rounding(view))

    statement = "The distance of each crafted row to any benign row is at most the largest between two benign rows."
    return Constraint("within benign diameter", statement, f"{SHEJWALKAR}, Min-Max attack", broken)


def within_benign_scatter() -> Constraint:
    """Min-Sum: no crafted row has larger squared distances to the benign rows, added up, than each benign row has."""

    def broken(view: View, crafted: Updates) -> str | None:
        benign = seen_rows(view).double()
        sums = square_distances(crafted.double(), benign).sum(dim=1)
        limit = square_distances(benign, benign).sum(dim=1).max()
        # Compared as lengths, since a rounding error is one.
        reach, room = float(sums.max().sqrt()), _rounding(view) * len(benign) ** 0.5
        return _exceeds("the root of a crafted row's sum of squared distances is", reach, float(limit.sqrt()), room)

    statement = (
        "The squared distances of each crafted row to the benign rows add up to at most a benign row's largest sum."
    )
    return Constraint("within benign scatter", statement, f"{SHEJWALKAR}, Min-Sum attack", broken)


def within_deviations(
    z: Deviations, *, source: str = "Baruch et al., NeurIPS 2019, Algorithm 3", correction: int = 0
) -> Constraint:
    """A Little Is Enough: each coordinate is within `z` deviations of its mean over the honest rows seen.

    Parameters
    ----------
    z : the number of deviations, or how it follows from (n, f): n rows in view, f of them the attack's.
    source : the paper, if it is another attack that keeps to this.
    correction : what the variance subtracts from the number of rows it divides by; 0 is the population's.
    """

    def broken(view: View, crafted: Updates) -> str | None:
        rows = seen_rows(view).double()
        mean, deviation = rows.mean(dim=0), rows.std(dim=0, correction=correction) if len(rows) > correction else 0.0
        f = len(view.own)
        many = z(f if view.benign is None else f + len(view.benign), f) if callable(z) else z
        excess = (crafted.double() - mean).abs() - abs(many) * deviation * (1 + SLACK) - _rounding(view)
        if float(excess.max()) <= 0:
            return None
        row, column = divmod(int(excess.argmax()), crafted.shape[1])
        return f"entry {column} of crafted row {row} is {float(crafted[row, column]):.7g}, beyond {many:.4g} deviations"

    said = "z" if callable(z) else f"{z:g}"
    statement = f"Each crafted coordinate is within {said} standard deviations of the honest mean."
    return Constraint("within deviations", statement, source, broken)


def beyond_benign_range(*, source: str) -> Constraint:
    """No crafted coordinate lies strictly between the smallest and the largest benign value, if there are any."""

    def broken(view: View, crafted: Updates) -> str | None:
        if view.benign is None or len(view.benign) == 0:
            return None
        low, high = view.benign.amin(dim=0), view.benign.amax(dim=0)
        inside = ((low < crafted) & (crafted < high)).nonzero()
        if len(inside) == 0:
            return None
        row, column = inside[0].tolist()
        return f"entry {column} of crafted row {row} is {float(crafted[row, column]):.7g}, inside the benign range"

    statement = "Each crafted coordinate is at the smallest or the largest benign value, or beyond."
    return Constraint("beyond benign range", statement, source, broken)


def near_first(radius: float, *, source: str) -> Constraint:
    """The crafted rows lie within `radius` of the first of them."""

    def broken(view: View, crafted: Updates) -> str | None:
        rows = crafted.double()
        reach = float((rows - rows[0]).norm(dim=1).max())
        return _exceeds("a crafted row's distance from the first is", reach, radius, _rounding_of(crafted))

    return Constraint("near the first", f"All crafted rows lie within {radius:g} of the first.", source, broken)


def weights_within(reach: float, *, of: str, source: str) -> Constraint:
    """The weights of each crafted `model`, or the crafted `update`s themselves, are between -reach and reach."""

    def broken(view: View, crafted: Updates) -> str | None:
        start = view.origin.double() if of == "model" else 0.0
        weights = (crafted.double() + start)[:, : crafted.shape[1] - view.buffers]
        room = _rounding_of(torch.cat([crafted, view.origin[None]]))
        return _exceeds("a number drawn is", float(weights.abs().max()), reach, room) if weights.numel() else None

    return Constraint("within reach", f"Each number drawn is between -{reach:g} and {reach:g}.", source, broken)


def within_length(length: float | Callable[[View], float], *, source: str, order: float = 2.0) -> Constraint:
    """No crafted row is longer than `length`, by the norm of this order; or how that follows from the view."""

    def broken(view: View, crafted: Updates) -> str | None:
        limit = length(view) if callable(length) else length
        reach = float(torch.linalg.vector_norm(crafted.double(), order, dim=1).max()) if len(crafted) else 0.0
        room = _rounding_of(torch.cat([crafted, view.origin[None]]))
        return _exceeds("the length of a crafted row is", reach, limit, room)

    return Constraint("within length", "No crafted row is longer than the attack allows itself.", source, broken)


def _exceeds(what: str, found: float, limit: float, room: float) -> str | None:
    return None if found <= limit * (1 + SLACK) + room else f"{what} {found:.7g}, where {limit:.7g} is allowed"


def _rounding(view: View) -> float:
    return _rounding_of(torch.cat([view.own, seen_rows(view)]))


def _rounding_of(rows: Updates) -> float:
    """What the rounding of rows like these to their dtype can add to a distance."""
    return float(4 * torch.finfo(rows.dtype).eps * rows.double().abs().max() * rows.shape[1] ** 0.5)
