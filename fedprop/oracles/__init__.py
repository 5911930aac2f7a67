"""Definitions: each kind as its paper states it, in float64 and plain loops, for clarity and never for speed.

Nothing here imports the fast code, so that the two can be compared. A definition takes rows as lists of floats and the
parameters of its kind; a rule's returns one list, a stage's the list of new rows, and a postprocessor's takes one list
and returns one. What is random draws from the `generator` that it is handed.

The file `krum.py` holds the function `krum` for the kind `krum`, and beside it `MISREADINGS`: the definition read
wrongly, each in a way that has been published as the rule itself. They are there to make inputs on which the right
reading and a wrong one differ; no rule is ever compared with them.
"""

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

_FILES = [import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
_DEFINED = {name: file for file in _FILES if hasattr(file, name := file.__name__.rpartition(".")[2])}

ORACLES: dict[str, Callable[..., Any]] = {name: getattr(file, name) for name, file in _DEFINED.items()}
"""The definition of every built-in rule, stage and postprocessor, and of some protocols and attacks, by `kind`."""

MISREADINGS: dict[str, Mapping[str, Callable[..., Any]]] = {
    name: file.MISREADINGS for name, file in _DEFINED.items() if hasattr(file, "MISREADINGS")
}
"""Wrong readings by `kind`, each named."""

__all__ = ["MISREADINGS", "ORACLES"]
