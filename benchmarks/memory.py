"""How much memory a call takes at its peak, beyond what was in use before."""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

ROOT = Path(__file__).parents[1]
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""What glibc's `mallopt` calls them (malloc.h)."""

OWN_PAGES = 1 << 16
"""Bytes from which on a block gets pages of its own while memory is measured: far fewer than a block of columns has."""

AT_MOST = 1 << 25
"""Bytes up to which glibc takes blocks from its heap once so large ones have been freed; it keeps twice as much."""


def peak_extra(call: Callable[[], object], device: torch.device) -> int | None:
    """Bytes; None where the system does not tell.

    On a CPU it is the growth of the resident set, which Linux lets a process read at its peak and set back.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    if not RESET.exists():
        call()
        return None
    with freed_at_once():
        RESET.write_text("5")
        before = _kilobytes("VmRSS")
        call()
        return max(0, _kilobytes("VmHWM") - before) * 1024


@contextmanager
def freed_at_once() -> Iterator[None]:
    """What is freed in here goes back to the system, and nothing is left over from before.

    Otherwise the allocator keeps what is freed, and the resident set tells neither what a call took from there nor how
    much of its growth is holes between blocks. Afterwards all is as glibc sets it once large blocks have been freed.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(M_MMAP_THRESHOLD, OWN_PAGES)
    libc.malloc_trim(0)
    try:
        yield
    finally:
        libc.mallopt(M_MMAP_THRESHOLD, AT_MOST)
        libc.mallopt(M_TRIM_THRESHOLD, 2 * AT_MOST)


def apart(call: Callable[..., Any], *args: object) -> Any:
    """What the call answers in a process of its own, where large blocks get pages of their own from the start.

    In a process that has worked before, the allocator also fills the holes that earlier blocks have left, and keeps
    their pages: a rule was seen to hold 0.30 of its input after others had been timed, and 0.04 by itself.
    """
    with (
        patch.dict(os.environ, {"MALLOC_MMAP_THRESHOLD_": str(OWN_PAGES)}),
        patch.object(sys, "path", [str(ROOT), *sys.path]),  # `fedprop bench` finds what is here in a way of its own
        ProcessPoolExecutor(1, get_context("spawn")) as process,
    ):
        return process.submit(call, *args).result()


def bytes_of(state: object) -> int:
    """Bytes of the tensors that a state holds."""
    if isinstance(state, torch.Tensor):
        return state.nbytes
    parts = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return sum(map(bytes_of, parts))


def _kilobytes(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])
