"""Python that gets hold of a target again, for the reproducers in reports: a name, an import, or its source."""

import functools
import importlib
import os
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor

from fedprop.verify.targets.pasting import pasted


def literal(tensor: Tensor) -> str:
    """Python for a tensor, where `torch` is imported: NaN and infinity have no literals of their own.

    A large matrix in which neighbours are the same is written as those that differ and how often each stands there.
    """
    return min(_numbers(tensor), _with_counts(tensor.detach()), key=len)


def _numbers(tensor: Tensor) -> str:
    numbers = str(tensor.tolist()).replace("nan", "torch.nan").replace("inf", "torch.inf")
    return f"torch.tensor({numbers}, dtype={tensor.dtype})"


def _with_counts(tensor: Tensor) -> str:
    few, counted = tensor, ""
    for axis in range(tensor.dim()):
        runs = equal_runs(few, axis)
        few = few.index_select(axis, torch.tensor([start for start, _ in runs], dtype=torch.long))
        lengths = [stop - start for start, stop in runs]
        counted += f".repeat_interleave(torch.tensor({lengths}), dim={axis})" if max(lengths, default=0) > 1 else ""
    return _numbers(few) + counted


def equal_runs(tensor: Tensor, axis: int) -> list[tuple[int, int]]:
    """Where neighbours along an axis are the same, NaN included: the first and the end of each stretch of them."""
    slices = [str(part.tolist()) for part in tensor.unbind(axis)]
    starts = [i for i, part in enumerate(slices) if i == 0 or part != slices[i - 1]]
    return list(pairwise([*starts, len(slices)]))


def label_of(target: Any) -> str:
    """How Python would import an object; an instance goes by its class, unless its module has a name for it."""
    if (named := _named(target)) is not None:
        return named
    owner = target if hasattr(target, "__qualname__") else type(target)
    return f"{owner.__module__}:{owner.__qualname__}"


def finds(label: str, obj: Any) -> bool:
    """Whether another process would get hold of `obj` by this label: a file's name always counts, a module's if so."""
    place, _, name = label.rpartition(":")
    return place.endswith(".py") or (place != "__main__" and name.isidentifier() and _attribute(place, name) is obj)


def obtain(obj: Any, label: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    """Lines that import or define the object that was tried, and an expression for it.

    `label` is "file.py:name" or "module:name", and names a class even where `obj` is an instance that Python made. A
    class is called with `fields`; so is the class of an instance that only its fields can bring back.
    """
    arguments = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    named_instance = not isinstance(obj, type) and not _names_its_class(obj, label)
    call = "" if named_instance else f"({arguments})"
    place, _, name = label.rpartition(":")
    if place.endswith(".py"):
        return "from fedprop.registry import load_target", f"load_target({label!r}){call}"
    if name.isidentifier() and place != "__main__" and _attribute(place, name) is not None:
        return f"from {place} import {name}", f"{name}{call}"
    lines, made = defined(obj if named_instance or isinstance(obj, type) else type(obj), label)
    return lines, f"{made}{call}"


def defined(obj: Any, label: str) -> tuple[str, str]:
    """Lines that define, or import, an object that its label does not find, and an expression for it."""
    made = _model(obj) or _partial(obj) or _by_name(obj) or pasted(obj)
    if made is not None:
        return made
    name = label.rpartition(":")[2].rpartition(".")[2] if isinstance(obj, type) else "target"
    what = label if hasattr(obj, "__qualname__") else f"an object of {label}"
    return f"{name} = ...  # {what} cannot be imported: put what was verified here", name


def _model(obj: Any) -> tuple[str, str] | None:
    """A pydantic model, such as a rule, whose `repr` is Python once the classes in it are imported."""
    if not isinstance(obj, BaseModel):
        return None
    imports = {_import(type(part)) for part in _parts(obj)}
    return None if None in imports else ("\n".join(sorted(filter(None, imports))), repr(obj))


def _parts(model: BaseModel) -> list[BaseModel]:
    """A model and all that it is made of."""
    inside = [part for _, value in model for part in (value if isinstance(value, tuple) else (value,))]
    return [model, *(deep for part in inside if isinstance(part, BaseModel) for deep in _parts(part))]


def _partial(obj: Any) -> tuple[str, str] | None:
    if not isinstance(obj, functools.partial):
        return None
    lines, inner = defined(obj.func, label_of(obj.func))
    given = [repr(value) for value in obj.args] + [f"{name}={value!r}" for name, value in obj.keywords.items()]
    return f"from functools import partial\n{lines}", f"partial({', '.join([inner, *given])})"


def _by_name(obj: Any) -> tuple[str, str] | None:
    line = _import(obj)
    return None if line is None else (line, line.rpartition(" ")[2])


def _import(obj: Any) -> str | None:
    """An import line for what is an attribute of a module that others can import."""
    found = _named(obj)
    if found is None:
        return None
    place, _, name = found.rpartition(":")
    return None if place == "__main__" or place.endswith(".py") else f"from {place} import {name}"


def _named(obj: Any) -> str | None:
    """The module or file, and the name in it, that stand for an object; None if no name of its module does."""
    place = getattr(obj, "__module__", None)
    module = sys.modules.get(place) if isinstance(place, str) else None
    if module is None or place is None:
        return None
    names, own = vars(module), getattr(obj, "__name__", "")
    # What else a script calls something may be the variable of a loop.
    others = () if place == "__main__" else tuple(names)
    found = next((name for name in (own, *others) if names.get(name) is obj and name.isidentifier()), None)
    return None if found is None else f"{_place(place, module)}:{found}"


def _place(name: str, module: ModuleType) -> str:
    """The module, or its file where no other process can import it: a script, or a file that was loaded as a target."""
    path = Path(getattr(module, "__file__", None) or "")
    by_file = name == "__main__" or name.startswith("_fedprop_target_")
    return os.path.relpath(path) if by_file and path.suffix == ".py" and path.is_file() else name


def _names_its_class(obj: Any, label: str) -> bool:
    return label == f"{type(obj).__module__}:{type(obj).__qualname__}"


def _attribute(place: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(place), name, None)
    except ImportError:
        return None
