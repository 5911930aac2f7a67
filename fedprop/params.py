"""The state of a model as one flat vector, and back.

The state is all a client must send for the server to rebuild its model: every parameter and every persistent buffer,
BatchNorm's running statistics and its integer counter included. Tied parameters appear once. Buffers registered as
not persistent are constants that the module makes itself (a causal mask, say), so they stay out.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from fedprop.errors import InvalidConfig
from fedprop.failures import blamed
from fedprop.types import Vector


@dataclass(frozen=True)
class Entry:
    """One tensor of the module: it fills `vector[start:stop]` in row-major order.

    Attributes
    ----------
    name : dotted, as in `module.state_dict()`.
    shape, dtype : of the tensor in the module.
    buffer : True for a buffer, False for a parameter.
    trainable : True for a parameter that requires a gradient.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    start: int
    stop: int
    buffer: bool
    trainable: bool


@dataclass(frozen=True)
class ParameterLayout:
    """Where each tensor of a module lies in the flat vector: parameters first, then buffers.

    The vector's dtype is the widest floating dtype found, but at least float32: a half-precision module travels as
    float32, a float64 module as float64, and a module of mixed precision loses nothing either. Integer and Boolean
    buffers travel as floats and are rounded on the way back.

    >>> layout = ParameterLayout.of(nn.Linear(3, 2))
    >>> layout.size, layout.slices
    (8, {'weight': slice(0, 6, None), 'bias': slice(6, 8, None)})
    """

    entries: tuple[Entry, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, module: nn.Module) -> "ParameterLayout":
        """The layout of `module`.

        Raises
        ------
        InvalidConfig
            If the module has no state, or holds a tensor that is complex or not yet initialised.
        """
        params, buffers = _state(module)
        entries: list[Entry] = []
        dtype = torch.float32
        for name, tensor in (params | buffers).items():
            _check_tensor(name, tensor)
            start = entries[-1].stop if entries else 0
            stop, trainable = start + tensor.numel(), name in params and tensor.requires_grad
            shape = tuple(tensor.shape)
            entries.append(Entry(name, shape, tensor.dtype, start, stop, name in buffers, trainable))
            if tensor.is_floating_point():
                dtype = torch.promote_types(dtype, tensor.dtype)
        if not entries:
            raise InvalidConfig(f"`module` must have parameters or buffers; found none in {type(module).__name__}")
        return cls(tuple(entries), dtype)

    @property
    def size(self) -> int:
        """The length d of the vector."""
        return self.entries[-1].stop

    @property
    def buffers(self) -> int:
        """How many entries of the vector, the last ones, are those of buffers."""
        return sum(entry.stop - entry.start for entry in self.entries if entry.buffer)

    @property
    def slices(self) -> dict[str, slice]:
        """Where each name lies, in order."""
        return {entry.name: slice(entry.start, entry.stop) for entry in self.entries}

    @property
    def trainable(self) -> Tensor:
        """Bool mask [d]: True where a gradient step may change the vector; False for buffers and frozen parameters."""
        return self._mask(lambda entry: entry.trainable)

    @property
    def fixed(self) -> Tensor:
        """Bool mask [d]: True where nothing may change the vector, that is, in frozen parameters."""
        return self._mask(lambda entry: not entry.buffer and not entry.trainable)

    @property
    def variances(self) -> Tensor:
        """Bool mask [d]: True for running variances, as BatchNorm and InstanceNorm keep them: buffers `running_var`."""
        return self._mask(lambda entry: entry.buffer and entry.name.rpartition(".")[2] == "running_var")

    def _mask(self, holds: Callable[[Entry], bool]) -> Tensor:
        lengths = torch.tensor([entry.stop - entry.start for entry in self.entries])
        return torch.tensor([holds(entry) for entry in self.entries]).repeat_interleave(lengths)

    def flatten(self, module: nn.Module) -> Vector:
        """The state of `module` as a new vector [d] on the module's device, detached from it.

        Raises
        ------
        InvalidConfig
            If the module's names or shapes differ from the layout's, or an integer buffer holds a value beyond the
            range in which `dtype` represents every integer (2**24 for float32, 2**53 for float64).
        """
        params, buffers = _state(module)
        for name, buffer in buffers.items():
            _check_integers(name, buffer, self.dtype)
        with torch.no_grad():
            return self.join(params, buffers)

    def load(self, module: nn.Module, vector: Vector) -> None:
        """Write `vector` [d] into `module`, in place.

        Raises
        ------
        InvalidConfig
            If the vector has another length or dtype, or the module's names or shapes differ from the layout's.
        """
        params, buffers = self.views(vector.detach())
        own_params, own_buffers = _state(module)
        own = own_params | own_buffers
        self._check_state(own)
        with torch.no_grad():
            for name, value in (params | buffers).items():
                own[name].copy_(value)

    def views(self, vector: Vector) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Parameters and buffers by name, as `torch.func.functional_call` takes them; works under `vmap` and `grad`.

        Parameters of the vector's own dtype are views of it and others are converted. Buffers are always new tensors
        without gradient: a module in training mode writes to them, and under `vmap` BatchNorm's writes to a view of
        stacked vectors would be lost without a word. Read them after the call and put them back with `join`.

        Integers are rounded to the nearest and clamped to what both dtypes hold exactly, so that a hostile vector
        cannot overflow them.

        Raises
        ------
        InvalidConfig
            If the vector has another length or dtype.
        """
        if vector.shape != (self.size,):
            raise InvalidConfig(f"`vector` must have shape [{self.size}] for this model; found {list(vector.shape)}")
        if vector.dtype != self.dtype:
            raise InvalidConfig(f"`vector` must be {self.dtype} for this model; found {vector.dtype}")
        params: dict[str, Tensor] = {}
        buffers: dict[str, Tensor] = {}
        for entry in self.entries:
            if entry.buffer:
                buffers[entry.name] = _decode(entry, vector.detach()).clone()
            else:
                params[entry.name] = _decode(entry, vector)
        return params, buffers

    def join(self, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Vector:
        """The inverse of `views`: a new vector [d] from tensors by name; works under `vmap` and `grad`.

        Raises
        ------
        InvalidConfig
            If names or shapes differ from the layout's.
        """
        state = {**params, **buffers}
        self._check_state(state)
        return torch.cat([state[entry.name].reshape(-1).to(self.dtype) for entry in self.entries])

    def _check_state(self, state: Mapping[str, Tensor]) -> None:
        wanted = {entry.name: entry.shape for entry in self.entries}
        found = {name: tuple(tensor.shape) for name, tensor in state.items()}
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                raise InvalidConfig(
                    f"the module must match the layout: {name!r} must have shape {_shown(wanted.get(name))}; "
                    f"found {_shown(found.get(name))}"
                )


def copy_module(module: nn.Module) -> nn.Module:
    """A copy that shares nothing with `module`, frozen where it is; copies of TorchScript's modules can be trained too.

    Raises
    ------
    InvalidConfig
        If `copy.deepcopy` cannot copy it.
    """
    with (
        blamed(f"`model`: {type(module).__name__} must be one that can be copied; found", raising=InvalidConfig),
        torch.no_grad(),
    ):
        made = copy.deepcopy(module)
    for own, given in zip(made.parameters(), module.parameters(), strict=True):
        own.requires_grad_(given.requires_grad)
    return made


def _shown(shape: tuple[int, ...] | None) -> str:
    return "none (no such tensor)" if shape is None else str(list(shape))


def _state(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters and persistent buffers; each tensor under its first name only."""
    persistent = module.state_dict().keys()
    params: dict[str, Tensor] = dict(module.named_parameters())
    return params, {name: buffer for name, buffer in module.named_buffers() if name in persistent}


def _check_tensor(name: str, tensor: Tensor) -> None:
    if is_lazy(tensor):
        raise InvalidConfig(f"{name!r} must be initialised first: run one batch through the module")
    if tensor.is_complex():
        raise InvalidConfig(f"{name!r} must be real to fit into a float vector; found {tensor.dtype}")


def _check_integers(name: str, buffer: Tensor, dtype: torch.dtype) -> None:
    if buffer.is_floating_point():
        return
    limit, values = _exact(dtype), buffer.long()
    beyond = values[(values < -limit) | (values > limit)]
    if len(beyond):
        raise InvalidConfig(f"{name!r} must lie within +-{limit} to travel as {dtype}; found {int(beyond[0])}")


def _exact(dtype: torch.dtype) -> int:
    """The bound within which `dtype` represents every integer."""
    return int(2 / torch.finfo(dtype).eps)


def _decode(entry: Entry, vector: Tensor) -> Tensor:
    value = vector[entry.start : entry.stop].view(entry.shape)
    if entry.dtype.is_floating_point:
        return value.to(entry.dtype)
    if entry.dtype == torch.bool:
        return value.round().clamp(0, 1).to(torch.bool)
    limit, info = _exact(vector.dtype), torch.iinfo(entry.dtype)
    return value.round().clamp(max(-limit, info.min), min(limit, info.max)).to(entry.dtype)
