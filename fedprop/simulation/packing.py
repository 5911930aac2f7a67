"""Nested plain data with tensors in it, taken apart into JSON and named tensors, and put together again."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def pack(value: Any, tensors: dict[str, Tensor], names: dict[int, str] | None = None) -> Any:
    """`value` as JSON-ready data; its tensors are added to `tensors`, one that occurs many times only once.

    Handles None, bool, int, float, str, bytes, lists, tuples, tensors, and mappings with keys of int, str or tuples.

    Raises
    ------
    TypeError
        If `value` holds anything else.
    """
    names = {} if names is None else names
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        if id(value) not in names:
            names[id(value)] = f"t{len(names)}"
            tensors[names[id(value)]] = value
        return {"$tensor": names[id(value)]}
    if isinstance(value, bytes):
        tensors[name := f"b{len(tensors)}"] = torch.frombuffer(_padded(value), dtype=torch.uint8)
        return {"$bytes": [name, len(value)]}
    if isinstance(value, tuple):
        return {"$tuple": [pack(v, tensors, names) for v in value]}
    if isinstance(value, list):
        return [pack(v, tensors, names) for v in value]
    if isinstance(value, Mapping):
        return {"$map": [[pack(k, tensors, names), pack(v, tensors, names)] for k, v in value.items()]}
    raise TypeError(f"cannot save {type(value).__name__} in a checkpoint")


def _padded(value: bytes) -> bytearray:
    """Zeros added up to a power of two: for every new length of a tensor, safetensors leaves something in memory."""
    return bytearray(value.ljust(1 << max(0, len(value) - 1).bit_length(), b"\0"))


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`."""
    if isinstance(value, list):
        return [unpack(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    (tag, content), *_ = value.items()
    if tag == "$tensor":
        return tensors[content]
    if tag == "$bytes":
        name, length = content
        return tensors[name].cpu().numpy().tobytes()[:length]
    if tag == "$tuple":
        return tuple(unpack(v, tensors) for v in content)
    return {unpack(k, tensors): unpack(v, tensors) for k, v in content}


def copied(value: Any) -> Any:
    """`value` as it comes back from a checkpoint: mappings are dictionaries, tensors are copies without gradients.

    Raises
    ------
    TypeError
        If it cannot be saved.
    """
    tensors: dict[str, Tensor] = {}
    form = pack(value, tensors)
    return unpack(form, {name: tensor.detach().clone() for name, tensor in tensors.items()})
