"""Nested values with tensors in them, which `==` does not compare."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch


def same(a: Any, b: Any) -> bool:
    """Whether two nested values are equal to the bit."""
    if type(a) is not type(b):
        return False
    if torch.is_tensor(a):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))
    return bool(a == b)
