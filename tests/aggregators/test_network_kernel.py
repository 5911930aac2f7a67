"""The GPU's sorting network, run by Triton's interpreter on a CPU and compiled for a GPU that need not be there."""

import pytest
import torch

from fedprop.aggregators import network_kernel
from fedprop.aggregators.columns import Columns
from fedprop.aggregators.network_kernel import KERNELS, fits, mean_in_registers
from fedprop.aggregators.sorting_network import network

triton = pytest.importorskip("triton", reason="needs Triton")

# Triton's interpreter adds up what no column's thread stores, too: that is filled with the largest number.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in add")


class Described(Columns):
    """Rows of which only the looks are known."""

    def __init__(self, shape, dtype, device):
        self.shape, self.dtype, self.device = torch.Size(shape), dtype, device

    def read(self, start, stop):
        raise AssertionError("nobody should read them")

    def take(self, rows):
        raise AssertionError("nobody should read them")


@pytest.fixture
def interpreted(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    network_kernel._kernel.cache_clear()
    yield
    network_kernel._kernel.cache_clear()


def expected(rows, used):
    return rows.double().sort(dim=0).values[used.start : used.stop].mean(dim=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 5, 8, 9, 20, 32])
def test_it_averages_the_order_statistics_of_each_column(n, dtype, interpreted):
    rows = torch.randn(n, 300, generator=torch.Generator().manual_seed(n), dtype=dtype)
    for used in (range((n - 1) // 2, n // 2 + 1), range(n // 5, n - n // 5), range(n)):
        torch.testing.assert_close(mean_in_registers(rows, used), expected(rows, used).to(dtype))


def test_the_largest_kernel_is_right_too(interpreted):
    rows = torch.randn(KERNELS[-1], 130, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mean_in_registers(rows, range(12, 52)), expected(rows, range(12, 52)).float())


def test_rows_may_be_views(interpreted):
    wide = torch.randn(150, 10, generator=torch.Generator().manual_seed(0))
    for rows in (wide[:, ::2].T, wide.T[::2, 7:]):
        torch.testing.assert_close(mean_in_registers(rows, range(1, 4)), expected(rows, range(1, 4)).float())


def test_large_numbers_do_not_overflow(interpreted):
    for dtype in (torch.float32, torch.float64):
        rows = torch.full((5, 3), torch.finfo(dtype).max / 2, dtype=dtype)
        torch.testing.assert_close(mean_in_registers(rows, range(5)), rows[0])


def test_it_is_for_gpus_and_for_what_fits_into_a_threads_registers(monkeypatch):
    monkeypatch.setattr(network_kernel, "_works", lambda device: True)

    def fit(n, dtype, device="cuda"):
        return fits(Described((n, 7), dtype, torch.device(device)))

    assert (fit(64, torch.float32), fit(65, torch.float32)) == (True, False)
    assert (fit(32, torch.float64), fit(33, torch.float64)) == (True, False)
    assert not fit(5, torch.float32, "cpu")


def test_where_it_cannot_be_compiled_rows_are_sorted_and_it_is_said_once(monkeypatch):
    def fail(*_):
        raise RuntimeError("no C compiler")

    monkeypatch.setattr(network_kernel, "_kernel", fail)
    network_kernel._works.cache_clear()
    with pytest.warns(RuntimeWarning, match="Triton cannot compile here, so rows are sorted: no C compiler"):
        assert network_kernel._works(torch.device("cpu")) is False
    assert network_kernel._works(torch.device("cpu")) is False
    network_kernel._works.cache_clear()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_compiles_for_a_gpu_and_compares_as_often_as_the_network(dtype, monkeypatch, tmp_path):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    network_kernel._kernel.cache_clear()
    kernel = network_kernel._kernel(8, dtype)
    network_kernel._kernel.cache_clear()
    number = {torch.float32: "fp32", torch.float64: "fp64"}[dtype]
    signature = {"rows": f"*{number}", "shares": "*fp64", "means": f"*{number}"}
    signature |= dict.fromkeys(("n", "d", "row_stride", "column_stride"), "i32") | {"COLUMNS": "constexpr"}
    text = triton.compiler.ASTSource(kernel, signature, constexprs={(7,): network_kernel.THREADS})
    target = triton.backends.compiler.GPUTarget("cuda", 90, 32)
    compiled = triton.compile(text, target=target, options={"num_warps": 4}).asm["ptx"]
    comparisons = compiled.count(f"min.f{number[2:]}"), compiled.count(f"max.f{number[2:]}")
    assert comparisons == (len(network(8, range(8))),) * 2
