from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from fedprop.aggregators import columns
from fedprop.aggregators.columns import (
    AddedRows,
    Columns,
    JoinedRows,
    MixedRows,
    ScaledRows,
    blocks_of,
    column_blocks,
    fill,
    map_blocks,
    mix,
    read,
    take,
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK_ELEMENTS", 6)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_cover_all_columns_in_order_and_stay_small() -> None:
    rows = torch.arange(22.0).reshape(2, 11)
    blocks = list(column_blocks(rows))
    assert [block.shape[1] for block in blocks] == [3, 3, 3, 2]
    assert torch.equal(torch.cat(blocks, dim=1), rows)


def test_a_block_has_at_least_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK_ELEMENTS", 2)
    assert [block.shape[1] for block in column_blocks(torch.zeros(5, 2))] == [1, 1]


@pytest.mark.usefixtures("small_blocks")
def test_mix_multiplies_in_every_block() -> None:
    generator = torch.Generator().manual_seed(0)
    weights, rows = torch.rand(3, 2, generator=generator), torch.rand(2, 11, generator=generator)
    assert torch.allclose(mix(weights, rows), weights @ rows)


def test_mix_gives_a_single_row_back_bit_for_bit() -> None:
    rows = torch.tensor([[-0.0, 1e-40, 0.1, 3e38], [3e38, -3e38, 1.0, 1.0]])
    out = mix(torch.tensor([[1.0, 0.0]]), rows)[0]
    assert out.view(torch.int32).tolist() == rows[0].view(torch.int32).tolist()


def test_mix_sums_in_float64() -> None:
    rows = torch.tensor([[1e8], [1.0], [-1e8]])
    assert float(mix(torch.ones(1, 3), rows)) == 1.0


def test_what_adds_up_beyond_the_largest_number_is_that_number() -> None:
    rows = torch.full((3, 2), torch.finfo(torch.float32).max)
    assert mix(torch.full((1, 3), 0.5), rows).tolist() == rows[:1].tolist()


def test_mix_without_any_weight_is_zero() -> None:
    assert mix(torch.zeros(1, 2), torch.ones(2, 3)).tolist() == [[0.0, 0.0, 0.0]]


ROWS = torch.arange(24.0).reshape(3, 8)
WIDE = torch.arange(72.0).reshape(3, 24)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    ours = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(ours)


def test_answers_come_in_the_order_of_the_columns(threads: int) -> None:
    with blocks_of(3):
        assert [block.tolist() for block in map_blocks(lambda block: block[0], WIDE)] == [[i] for i in range(24)]


def test_work_runs_on_its_own_thread_and_leaves_the_setting_alone(threads: int) -> None:
    with blocks_of(3):
        assert set(map_blocks(lambda _: torch.get_num_threads(), WIDE)) == {1}
    assert torch.get_num_threads() == threads
    with ThreadPoolExecutor(1) as fresh:
        assert fresh.submit(torch.get_num_threads).result() == threads


def test_few_blocks_start_no_threads(threads: int) -> None:
    with blocks_of(3 * 24 // columns.FEW_BLOCKS):
        assert set(map_blocks(lambda _: torch.get_num_threads(), WIDE)) == {threads}


def test_answers_do_not_pile_up(threads: int) -> None:
    begun: list[Tensor] = []
    with blocks_of(1):
        answers = map_blocks(begun.append, torch.zeros(1, 100))
        next(answers)
        assert len(begun) <= columns.AHEAD * threads + 1
        assert len(list(answers)) == 99


def test_an_error_in_a_block_reaches_the_caller(threads: int) -> None:
    def refuse(block: Tensor) -> None:
        raise ValueError(f"column {float(block[0, 0])}")

    with blocks_of(3), pytest.raises(ValueError, match="column 0"):
        list(map_blocks(refuse, WIDE))


def test_blocks_inside_are_as_large_as_asked() -> None:
    with blocks_of(6):
        assert [block.shape[1] for block in column_blocks(ROWS)] == [2, 2, 2, 2]
    assert [block.shape[1] for block in column_blocks(ROWS)] == [8]


def test_parts_fill_consecutive_columns() -> None:
    out = torch.zeros(8)
    assert fill(out, iter((torch.ones(3), torch.full((5,), 2.0)))) is out
    assert out.tolist() == [1] * 3 + [2] * 5


def test_rows_are_taken_in_the_order_asked_for() -> None:
    taken = take(take(ROWS, torch.tensor([2, 0, 1])), torch.tensor([1, 0]))
    assert taken.shape == (2, 8)
    assert len(taken) == 2
    assert torch.equal(read(taken, 2, 5), ROWS[[0, 2], 2:5])


def test_all_rows_are_the_rows_themselves() -> None:
    assert take(ROWS, torch.arange(3)) is ROWS


def test_mixed_rows_are_worked_out_where_they_are_read() -> None:
    mixing = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    mixed = MixedRows(mixing, ROWS)
    assert (mixed.shape, mixed.dtype, mixed.device) == ((2, 8), ROWS.dtype, ROWS.device)
    assert torch.equal(mixed.read(1, 4), (mixing @ ROWS)[:, 1:4])
    assert torch.equal(mixed.take(torch.tensor([1])).read(0, 8), ROWS[2:])


def test_scaled_added_and_joined_rows_are_worked_out_as_they_are_read() -> None:
    rows, one, each = ROWS, torch.full((1, 8), 1e-9, dtype=torch.float64), -2 * ROWS
    factors, some = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([2, 0])
    expected = [
        (ScaledRows(factors, rows), factors[:, None] * rows),
        (AddedRows(rows, one, -1.0), rows.double() - one),
        (AddedRows(rows, each, 0.5), torch.zeros(3, 8).double()),
        (JoinedRows(rows, one), torch.cat([rows.double(), one])),
        (JoinedRows(rows, each, rows), torch.cat([rows, each, rows])),
    ]
    for lazy, whole in expected:
        assert lazy.dtype == whole.dtype
        assert torch.equal(lazy.read(1, 7), whole[:, 1:7])
        assert torch.equal(take(lazy, some).read(0, 8), whole[some])
        assert torch.allclose(mix(torch.eye(len(lazy)), lazy), whole)


class Unread(Columns):
    """Rows that nobody may read."""

    shape, dtype, device = torch.Size((2, 8)), torch.float64, torch.device("cpu")

    def read(self, start: int, stop: int) -> Tensor:
        raise AssertionError

    def take(self, rows: Tensor) -> Columns:
        raise AssertionError


def test_of_joined_rows_only_those_taken_are_read() -> None:
    """Rows 0 to 2, two that nobody may read, and rows 5 to 7, in any order and more than once."""
    joined, whole = JoinedRows(ROWS, Unread(), -ROWS), torch.cat([ROWS, ROWS[:2], -ROWS]).double()
    for places in ([5], [0, 2, 6], [7, 0, 5, 0, 2], []):
        found = joined.take(torch.tensor(places, dtype=torch.long))
        assert (found.shape, found.dtype) == ((len(places), 8), torch.float64)
        if places:
            assert torch.equal(found.read(1, 7), whole[places, 1:7])


def test_a_sum_beyond_float64_is_its_largest_number() -> None:
    largest = torch.finfo(torch.float64).max
    giants = torch.tensor([[largest, -largest]], dtype=torch.float64)
    assert torch.equal(AddedRows(giants, giants).read(0, 2), giants)
    assert torch.equal(AddedRows(giants.float().clamp(-1, 1), giants, -1.0).read(0, 2), -giants)


def test_a_wide_block_of_mixtures_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    mixing = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    monkeypatch.setattr(columns, "BLOCK_ELEMENTS", 6)
    assert torch.equal(MixedRows(mixing, ROWS).read(1, 8), (mixing @ ROWS)[:, 1:8])
