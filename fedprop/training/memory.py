"""How many clients' training fits into memory at once."""

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from fedprop.params import ParameterLayout, copy_module
from fedprop.training.config import LocalTraining

CPU_BYTES = 2**25
"""On a CPU the clients that a thread trains together hold about this much; larger stacks fall out of its caches."""

GPU_SHARE = 0.5
"""On a GPU the clients trained together hold about this share of its memory."""

STATES = 8
"""State vectors of one client at a time, about: origin, start, state, gradient, memory, steps, new state, update."""

PER_EXAMPLE = 2
"""State vectors for each example of a batch in private training: its gradient, and one in the making."""

ACTIVATIONS = 3
"""What a batch's activations take with their gradients, in units of what the forward pass keeps for the backward."""


def clients_that_fit(module: nn.Module, x: Tensor, config: LocalTraining) -> int:
    """How many clients may train in one pass on inputs like `x` [n, ...]; at least one.

    It depends on the device's size and not on how much of it is free, so that a run can be repeated to the bit.
    """
    layout = ParameterLayout.of(module)
    state = layout.size * layout.dtype.itemsize
    try:
        saved = saved_bytes(module, x[[0, -1]])
    except Exception:  # it may want batches of a size of its own
        saved = saved_bytes(module, x[: config.batch_size])
    example = x[0].numel() * x.itemsize + ACTIVATIONS * saved
    if config.privacy is not None:
        example += PER_EXAMPLE * state
    return max(1, budget(x.device) // (STATES * state + config.batch_size * example))


def saved_bytes(module: nn.Module, x: Tensor) -> int:
    """Bytes that a forward pass on a batch x [n, ...] keeps for the backward pass, for each example.

    Each storage counts once, parameters never.
    """
    trial = copy_module(module).train()
    own = {parameter.untyped_storage().data_ptr() for parameter in trial.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        trial(x)
    return sum(kept.values()) // len(x)


def budget(device: torch.device) -> int:
    """Bytes that the clients trained together may hold."""
    if device.type != "cuda":
        return CPU_BYTES
    _, total = torch.cuda.mem_get_info(device)
    return int(GPU_SHARE * total)


def is_exhausted(error: RuntimeError) -> bool:
    """Whether an error says that there is no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


class MemoryGauge:
    """The most GPU memory that tensors held since the gauge was made; of a CPU, torch keeps no such account."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def read(self) -> dict[str, int]:
        """`peak_gpu_bytes`, for the summary of a run; nothing on a CPU."""
        return {"peak_gpu_bytes": torch.cuda.max_memory_allocated(self._device)} if self._device.type == "cuda" else {}
