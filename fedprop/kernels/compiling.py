"""Functions that Numba compiles, and Python runs as they are where Numba is not installed."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

MANY = 32
"""Vector registers of processors with AVX-512, and of ARM's 64-bit ones; others have half as many."""


def installed() -> bool:
    """Whether Numba is; it is not imported for that."""
    return find_spec("numba") is not None


def compiled(*, in_any_order: bool = False) -> Callable[[Function], Function]:
    """Compile a function for the types that it is called with, without the interpreter's lock, and keep that on disk.

    What is kept is found again as long as the function's own file has not changed, so compiled functions call others of
    their own file only. Sums `in_any_order` may be split over a vector; others are added up as they are written.
    """
    if not installed():
        return lambda function: function
    freely = {"reassoc", "contract", "nsz"} if in_any_order else False
    numba = import_module("numba")
    return cast(
        Callable[[Function], Function], numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=freely)
    )


def registers() -> int:
    """How many vector registers this processor has, as far as LLVM knows it; 16 where Numba is not installed."""
    if not installed():
        return MANY // 2
    llvm = import_module("llvmlite.binding")
    wide = bool(llvm.get_host_cpu_features().get("avx512vl")) or llvm.get_process_triple().startswith("aarch64")
    return MANY if wide else MANY // 2
