"""Inputs made of one draw of bytes.

Hypothesis takes its time for each draw, whatever is drawn, and a matrix has many entries. So all that makes an input is
read from numbers at fixed places in one string of bytes: when the search for the smallest input lowers one of them,
everything else stays what it was. Zeros make the plainest input.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]

T = TypeVar("T")

LONGEST = 2**14
"""Maximum numbers that make one input."""


class Digits:
    """Numbers from 0 to 65,535, taken one after the other."""

    def __init__(self, drawn: bytes) -> None:
        self._numbers: Numbers = np.frombuffer(drawn, dtype="<u2").astype(np.int64)
        self.taken = 0

    def take(self, *shape: int) -> Numbers:
        """The next numbers, as an array of this shape."""
        start, self.taken = self.taken, self.taken + int(np.prod(shape))
        return self._numbers[start : self.taken].reshape(shape)

    def number(self) -> int:
        """The next number."""
        return int(self.take(1)[0])

    def between(self, least: int, most: int) -> int:
        """The next number, brought between two others."""
        return least + self.number() % (most - least + 1)

    def among(self, options: Sequence[T]) -> T:
        """One of these, the first one by a zero."""
        return options[self.number() % len(options)]

    def places(self, n: int, count: int) -> list[int]:
        """`count` different numbers below n, in any order."""
        left = list(range(n))
        return [left.pop(int(number) % len(left)) for number in self.take(count)]


def made_of_digits(make: Callable[[Digits], T]) -> st.SearchStrategy[T]:
    """What `make` makes of digits; it must take as many whatever they are."""
    zeros = Digits(bytes(2 * LONGEST))
    make(zeros)
    size = 2 * zeros.taken
    return st.binary(min_size=size, max_size=size).map(lambda drawn: make(Digits(drawn)))


def signed(numbers: Numbers, reach: int) -> Numbers:
    """Integers between -reach and reach: 0 is 0, then 1, -1, 2, -2, ..."""
    left = numbers % (2 * reach + 1)
    return np.where(left % 2 == 1, left + 1, -left) // 2
