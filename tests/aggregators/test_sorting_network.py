from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedprop.aggregators.sorting_network import network, order_columns

NUMBERS = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)


@pytest.mark.parametrize("n", range(1, 15))
def test_every_column_of_zeros_and_ones_is_ordered(n):
    """Which proves it for all numbers: Knuth, The Art of Computer Programming 3, Theorem 5.3.4Z."""
    columns = np.array(list(product([0.0, 1.0], repeat=n)), dtype=np.float32).T
    assert (np.stack(order_columns(columns, range(n))) == np.sort(columns, axis=0)).all()


@pytest.mark.parametrize("n", range(1, 11))
def test_every_range_of_places_is_right_in_spite_of_what_is_left_out(n):
    columns = np.array(list(product([0.0, 1.0], repeat=n)), dtype=np.float32).T
    due = np.sort(columns, axis=0)
    for start in range(n):
        for stop in range(start + 1, n + 1):
            assert (np.stack(order_columns(columns, range(start, stop))) == due[start:stop]).all()


@given(NUMBERS)
def test_numbers_are_ordered_and_the_block_is_left_alone(block):
    before = block.copy()
    ordered = np.stack(order_columns(block, range(len(block))))
    assert ordered.dtype == block.dtype
    assert (ordered == np.sort(before, axis=0)).all()
    assert (block == before).all()


def test_fewer_places_take_fewer_comparisons():
    def operations(wanted):
        return sum(one.smaller + one.larger for one in network(20, wanted))

    assert operations(range(9, 11)) < operations(range(4, 16)) < operations(range(20))
