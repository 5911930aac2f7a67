"""Rows in float64 that are too long, or too short, for their squares: seen in other units, exactly."""

import math

import torch
from jaxtyping import Int
from torch import Tensor

from fedprop.aggregators.columns import Columns, Rows, map_blocks, read, take

LARGEST, SMALLEST = 2.0**900, 2.0**-900
"""Squared lengths up to the one leave room for sums of many, and from the other on for the squares of last digits."""

LONG, SHORT = 2.0**450, 2.0**-450
"""The lengths of such squares."""

FARTHEST = 440
"""A row of more than two to the power of this many units is a giant: with many columns it would soon be too long."""

ZERO = -(2**14)
"""Stands for the exponent of a row of zeros, which has none; below that of every number."""


class Rescaled(Columns):
    """`rows` [n, d], each times two to the power of its entry in `shifts` [n], in float64: no digit changes."""

    def __init__(self, rows: Rows, shifts: Int[Tensor, " n"]) -> None:
        self.rows, self.shifts = rows, shifts
        self.shape, self.dtype, self.device = rows.shape, torch.float64, rows.device
        self._factors = _two_steps(shifts[:, None])

    def read(self, start: int, stop: int) -> Tensor:
        first, second = self._factors
        return read(self.rows, start, stop).double() * first * second

    def take(self, rows: Tensor) -> "Rescaled":
        return Rescaled(take(self.rows, rows), self.shifts[rows])


def within_reach(rows: Rows, unit: int | None = None) -> tuple[Rescaled, int]:
    """`rows` in units of two to the power of `unit`, and that exponent. Giants are shrunk, and keep their direction.

    Without a unit, it is the size of the row in the middle of all sizes, which no minority can make large; so giants
    are a minority. A shrunk one still lies farther from all other rows than these from each other. If most rows are
    zero, the unit is 1.
    """
    sizes = exponents(rows)
    if unit is None:
        middle = int(sizes.median())
        unit = 0 if middle == ZERO else middle
    return Rescaled(rows, (sizes.clamp(max=unit + FARTHEST) - sizes) - unit), unit


def each_to_size(rows: Rows) -> tuple[Rescaled, Int[Tensor, " n"]]:
    """Each of the `rows` in a unit of its own, such that its largest entry is between 1/2 and 1; and the exponents."""
    sizes = exponents(rows)
    sizes = sizes.where(sizes != ZERO, 0)
    return Rescaled(rows, -sizes), sizes


def exponents(rows: Rows) -> Int[Tensor, " n"]:
    """For each row the least k such that all its entries are below two to the power of k; `ZERO` if all are zero."""
    largest = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    for found in map_blocks(lambda block: block.abs().amax(dim=1), rows):
        largest = torch.maximum(largest, found.double())
    return torch.frexp(largest).exponent.where(largest > 0, ZERO)


def exponent(number: float) -> int:
    """The least k such that a positive number is below two to the power of k."""
    return math.frexp(number)[1]


def times_power(values: Tensor, power: Tensor | int) -> Tensor:
    """`values` in float64 times two to the power of whole numbers beyond its range: in two steps, none of which is."""
    first, second = _two_steps(torch.as_tensor(power, device=values.device))
    return values * first * second


def _two_steps(power: Tensor) -> tuple[Tensor, Tensor]:
    """Two factors whose product is two to the power of whole numbers, and neither of which is beyond float64."""
    half = power // 2
    return _two_to(half), _two_to(power - half)


def _two_to(power: Tensor) -> Tensor:
    """Two to the power of whole numbers from -1022 to 1023, from its bits: `pow` may round."""
    return ((power.long() + 1023) << 52).view(torch.float64)
