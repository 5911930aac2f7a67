"""How much memory a call takes at its peak, beyond what was in use before."""

from collections.abc import Callable
from pathlib import Path

import torch

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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
    RESET.write_text("5")
    before = _kilobytes("VmRSS")
    call()
    return max(0, _kilobytes("VmHWM") - before) * 1024


def _kilobytes(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])
