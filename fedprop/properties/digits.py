"""Inputs made of one draw of bytes.

Hypothesis takes its time for each draw, whatever is drawn, and a matrix has many entries. So all that makes an input is
read from the bytes of one string, each at a fixed place and nearly always for itself: when the search for the smallest
input lowers one of them, everything else stays what it was. Zeros make the plainest input.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]

T = TypeVar("T")

BASE = 256
"""How many digits there are."""

LONGEST = 2**14
"""Maximum digits that make one input."""


class Digits:
    """Numbers from 0 to 255, taken one after the other."""

    def __init__(self, drawn: bytes) -> None:
        self._digits: Numbers = np.frombuffer(drawn, dtype=np.uint8).astype(np.int64)
        self.taken = 0

    def take(self, *shape: int) -> Numbers:
        """The next digits, as an array of this shape."""
        start, self.taken = self.taken, self.taken + math.prod(shape)
        return self._digits[start : self.taken].reshape(shape)

    def one(self) -> int:
        """The next digit."""
        return int(self.take(1)[0])

    def between(self, least: int, most: int) -> int:
        """A number between two others, the first of them by zeros: of a digit, or of two where these lie far apart."""
        span = most - least + 1
        return least + (self.one() if span <= BASE else self.one() + BASE * self.one()) % span

    def among(self, options: Sequence[T]) -> T:
        """One of these, the first one by a zero."""
        return options[self.one() % len(options)]

    def places(self, n: int, count: int) -> list[int]:
        """`count` different numbers below n, in any order."""
        left = list(range(n))
        return [left.pop(int(digit) % len(left)) for digit in self.take(count)]


def made_of_digits(make: Callable[[Digits], T]) -> st.SearchStrategy[T]:
    """What `make` makes of digits; it must take as many whatever they are."""
    zeros = Digits(bytes(LONGEST))
    make(zeros)
    return st.binary(min_size=zeros.taken, max_size=zeros.taken).map(lambda drawn: make(Digits(drawn)))


def signed(numbers: Numbers, reach: int) -> Numbers:
    """Integers between -reach and reach: 0 is 0, then 1, -1, 2, -2, ..."""
    left = numbers % (2 * reach + 1)
    return np.where(left % 2 == 1, left + 1, -left) // 2
