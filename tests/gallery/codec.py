"""From a module to a vector and back: a correct codec, and what went wrong elsewhere."""

import torch
from torch import Tensor, nn


def _entries(module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and every persistent buffer, tied ones once."""
    persistent = module.state_dict().keys()
    buffers = {name: buffer for name, buffer in module.named_buffers() if name in persistent}
    return dict(module.named_parameters()) | buffers


class Whole:
    """Everything, in float64, which holds every float32 and every integer below 2**53."""

    def __init__(self, module: nn.Module) -> None:
        self.names = list(_entries(module))

    def flatten(self, module: nn.Module) -> Tensor:
        entries = _entries(module)
        return torch.cat([entries[name].detach().reshape(-1).double() for name in self.names])

    def load(self, module: nn.Module, vector: Tensor) -> None:
        entries = _entries(module)
        parts = vector.split([entries[name].numel() for name in self.names])
        for name, part in zip(self.names, parts, strict=True):
            value = part if entries[name].is_floating_point() else part.round()
            entries[name].data.copy_(value.reshape(entries[name].shape))


class ParametersOnly:
    """BatchNorm's running statistics are buffers, and no parameters."""

    def __init__(self, module: nn.Module) -> None:
        self.sizes = [parameter.numel() for parameter in module.parameters()]

    def flatten(self, module: nn.Module) -> Tensor:
        return torch.cat([parameter.detach().reshape(-1).double() for parameter in module.parameters()])

    def load(self, module: nn.Module, vector: Tensor) -> None:
        for parameter, part in zip(module.parameters(), vector.split(self.sizes), strict=True):
            parameter.data.copy_(part.reshape(parameter.shape))


class CountersInFloat32:
    """Joined with float32, BatchNorm's counter and other integers become float32, which skips some above 2**24."""

    def __init__(self, module: nn.Module) -> None:
        self.names = list(_entries(module))

    def flatten(self, module: nn.Module) -> Tensor:
        entries = _entries(module)
        return torch.cat([entries[name].detach().reshape(-1).float() for name in self.names])

    def load(self, module: nn.Module, vector: Tensor) -> None:
        entries = _entries(module)
        parts = vector.split([entries[name].numel() for name in self.names])
        for name, part in zip(self.names, parts, strict=True):
            entries[name].data.copy_(part.reshape(entries[name].shape))


class SkipsOneWay:
    """Running statistics are left out on the way there, and not on the way back: all that follows moves up."""

    def __init__(self, module: nn.Module) -> None:
        self.size = sum(value.numel() for value in module.state_dict().values())

    def flatten(self, module: nn.Module) -> Tensor:
        state = module.state_dict()
        kept = [value.reshape(-1).double() for name, value in state.items() if not name.endswith(BATCH_NORM)]
        return torch.cat(kept)

    def load(self, module: nn.Module, vector: Tensor) -> None:
        start = 0
        for value in module.state_dict().values():
            part = vector[start : start + value.numel()]
            start += value.numel()
            if len(part) == value.numel():
                value.copy_(part.reshape(value.shape))


BATCH_NORM = ("running_mean", "running_var", "num_batches_tracked")
