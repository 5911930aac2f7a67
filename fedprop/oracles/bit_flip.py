"""Definition of the bit-flip attack, bit by bit, and how it is misread.

Source: reconstructed from Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD" (2018): of a float32, the 22nd,
30th, 31st and 32nd bits are flipped; and from the code of their "Zeno" (ICML 2019): the first attacker's row, negated.
"""

import math
import struct
from collections.abc import Sequence

from fedprop.oracles.vectors import Rows

LARGEST = (2 - 2.0**-23) * 2.0**127
"""The largest finite float32."""


def bit_flip(own: Rows, flips: str, coordinates: int) -> list[list[float]]:
    """Each row with its first numbers flipped, or minus the first row for everybody."""
    if flips == "sign":
        return [[-value for value in own[0]] for _ in own]
    return _flipped(own, coordinates, (22, 30, 31, 32))


def from_the_other_end(own: Rows, flips: str, coordinates: int) -> list[list[float]]:
    """Misread: bits are counted from the most significant one."""
    return bit_flip(own, flips, coordinates) if flips == "sign" else _flipped(own, coordinates, (11, 3, 2, 1))


def each_its_own(own: Rows, flips: str, coordinates: int) -> list[list[float]]:
    """Misread, of the sign: each client turns its own row round."""
    return [[-value for value in row] for row in own] if flips == "sign" else bit_flip(own, flips, coordinates)


def _flipped(own: Rows, coordinates: int, bits: Sequence[int]) -> list[list[float]]:
    return [[_flip(value, bits) for value in row[:coordinates]] + list(row[coordinates:]) for row in own]


def _flip(value: float, bits: Sequence[int]) -> float:
    """A float32 with bits flipped, 1 the least significant; the largest with the same sign if that is no finite one."""
    [word] = struct.unpack("<I", struct.pack("<f", value))
    for bit in bits:
        word ^= 1 << (bit - 1)
    [found] = struct.unpack("<f", struct.pack("<I", word))
    return found if math.isfinite(found) else math.copysign(LARGEST, found)


MISREADINGS = {"from the other end": from_the_other_end, "each its own": each_its_own}
