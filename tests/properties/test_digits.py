from itertools import permutations

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from fedprop.properties.attacked import hits
from fedprop.properties.digits import Digits, made_of_digits, signed
from fedprop.properties.large import large_cases
from fedprop.properties.strategies import cases


def places(n: int, count: int) -> st.SearchStrategy[list[int]]:
    return made_of_digits(lambda digits: digits.places(n, count))


def test_zeros_make_the_plainest_input() -> None:
    zeros = Digits(bytes(40))
    assert (zeros.between(3, 9), zeros.among("abc"), zeros.places(4, 2), zeros.one()) == (3, "a", [0, 1], 0)
    assert zeros.take(2, 3).tolist() == [[0] * 3] * 2
    assert zeros.taken == 11


def test_integers_have_the_smallest_first() -> None:
    assert signed(np.arange(8), 3).tolist() == [0, 1, -1, 2, -2, 3, -3, 0]
    assert signed(np.arange(256), 127).min() == -127
    assert signed(np.arange(256), 127).max() == 127


@given(st.integers(-5, 5), st.integers(0, 60_000), st.binary(min_size=2, max_size=2))
def test_a_number_brought_between_two_others_is_there(least: int, span: int, drawn: bytes) -> None:
    assert least <= Digits(drawn).between(least, least + span) <= least + span


def test_places_are_all_those_there_are_and_each_once() -> None:
    found = [find(places(3, 2), lambda drawn, pair=pair: tuple(drawn) == pair) for pair in permutations(range(3), 2)]
    assert found == [list(pair) for pair in permutations(range(3), 2)]


@given(places(9, 4))
def test_no_place_is_taken_twice(drawn: list[int]) -> None:
    assert len(set(drawn)) == 4
    assert set(drawn) <= set(range(9))


def test_a_smaller_matrix_keeps_its_entries() -> None:
    """What is lowered changes nothing else, so that the smallest input is found in few steps."""
    tries = 0

    def wide_with_a_seven(drawn: np.ndarray) -> bool:
        nonlocal tries
        tries += 1
        return 7 in drawn

    def matrix(digits: Digits) -> np.ndarray:
        n, d = digits.between(1, 5), digits.between(1, 4)
        return signed(digits.take(5, 4)[:n, :d], 8)

    found = find(made_of_digits(matrix), wide_with_a_seven)
    assert np.abs(found).sum() == 7
    assert tries < 1000


@pytest.mark.parametrize(
    "strategy",
    [cases(f=2), hits(f=1), large_cases(f=1, rows=(10, 12), columns=(4, 6))],
    ids=("any", "attacked", "large"),
)
def test_as_many_digits_are_taken_whatever_they_are(strategy: st.SearchStrategy[object]) -> None:
    """One that took more would find its bytes at an end, and an array that is too short has no such shape."""

    @given(strategy)
    def drawn(_: object) -> None:
        pass

    drawn()
