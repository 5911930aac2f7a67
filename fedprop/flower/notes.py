"""What an attack remembers between two messages: plain data and tensors, as bytes in a node's own context."""

import json
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from fedprop.simulation.packing import pack, unpack

PLACE = "fedprop.attack"
"""The record of the context's state that holds them."""


def written(value: Any) -> bytes:
    """`value` as bytes.

    >>> read(written({"seen": [1, (2, None)]}))
    {'seen': [1, (2, None)]}
    """
    tensors: dict[str, Tensor] = {}
    told = json.dumps(pack(value, tensors))
    return save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"value": told})


def read(blob: bytes) -> Any:
    """The inverse of `written`."""
    length = int.from_bytes(blob[:8], "little")
    told = json.loads(blob[8 : 8 + length])["__metadata__"]["value"]
    return unpack(json.loads(told), load(blob))
