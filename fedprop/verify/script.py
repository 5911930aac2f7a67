"""Python that gets hold of a target again, for the reproducers in reports."""

import importlib
from collections.abc import Mapping
from typing import Any

from torch import Tensor


def literal(tensor: Tensor) -> str:
    """Python for a tensor, where `torch` is imported: NaN and infinity have no literals of their own."""
    numbers = str(tensor.tolist()).replace("nan", "torch.nan").replace("inf", "torch.inf")
    return f"torch.tensor({numbers}, dtype={tensor.dtype})"


def obtain(obj: Any, label: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    """An import line, and an expression for the object that was tried.

    `label` is "file.py:name" or "module:name", and names a class even where `obj` is an instance that Python made. A
    class is called with `fields`; so is the class of an instance that only its fields can bring back.
    """
    arguments = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    named_instance = not isinstance(obj, type) and not _names_its_class(obj, label)
    call = "" if named_instance else f"({arguments})"
    place, _, name = label.rpartition(":")
    if place.endswith(".py"):
        return "from fedprop.registry import load_target", f"load_target({label!r}){call}"
    if not name.isidentifier() or not _importable(place, name):
        return f"# {label} cannot be imported: put what was verified here", f"{name.rpartition('.')[2]}{call}"
    return f"from {place} import {name}", f"{name}{call}"


def _names_its_class(obj: Any, label: str) -> bool:
    return label == f"{type(obj).__module__}:{type(obj).__qualname__}"


def _importable(place: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(place), name)
    except ImportError:
        return False
