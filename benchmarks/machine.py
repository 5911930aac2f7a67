"""What a run was made on, and how fast that machine can copy and multiply at most."""

import os
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import in_turns

LIBRARIES = ("fedprop", "torch", "numpy", "numba", "byzfl", "torchjd")
MEGABYTES, SIDE = 256, 2048


def machine(device: torch.device) -> dict[str, Any]:
    """The processor, its cores, the memory in GB, torch's threads, and the GPU if that is what is measured."""
    found: dict[str, Any] = {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "torch_threads": torch.get_num_threads(),
        "system": platform.platform(terse=True),
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def cpu_model(info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's own name, where the system tells it."""
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def versions(names: Iterable[str] = LIBRARIES) -> dict[str, str | None]:
    """The installed version of each library; None for one that is absent."""
    return {"python": platform.python_version(), **{name: version_of(name) for name in names}}


def version_of(name: str) -> str | None:
    """The installed version of a distribution; None if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def free_bytes(device: torch.device, info: Path = Path("/proc/meminfo")) -> int:
    """The memory that is free now; all of the machine's where it does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    lines = info.read_text().splitlines() if info.exists() else []
    told = (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return next(told, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def settling(device: torch.device) -> Callable[[], object]:
    """What waits until the device has done its work."""
    return torch.cuda.synchronize if device.type == "cuda" else lambda: None


def limits(device: torch.device, *, quick: bool = False) -> dict[str, float]:
    """The best of several copies in GB/s (bytes read plus bytes written), and of matrix products in GFLOP/s."""
    size, side = (MEGABYTES // 16, SIDE // 8) if quick else (MEGABYTES, SIDE)
    source = torch.ones(size * 250_000, device=device)
    target = torch.empty_like(source)
    singles, doubles = (torch.rand(side, side, device=device, dtype=t) for t in (torch.float32, torch.float64))
    calls = {
        "copy": lambda: target.copy_(source),
        "float32": lambda: singles @ singles,
        "float64": lambda: doubles @ doubles,
    }
    best = {name: min(seconds) for name, seconds in in_turns(calls, passes=6, settle=settling(device)).items()}
    operations = 2 * side**3
    return {
        "copy_gb_per_s": 2 * size * 1e-3 / best["copy"],
        "gemm_float32_gflops": operations * 1e-9 / best["float32"],
        "gemm_float64_gflops": operations * 1e-9 / best["float64"],
    }
