"""A protocol whose steps are watched: whether they change what they are handed."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor

from fedprop.defenses.protocol import RoundProtocol
from fedprop.errors import WrongAnswer

STEPS = frozenset({"select", "invite", "begin", "finish", "report", "screen", "aggregate", "after"})
"""What is watched: all that a server or a client asks of a protocol in a round."""


class Watching:
    """Answers as the protocol does, whose steps it asks; raises `WrongAnswer` where one changed what it was handed.

    Generators and functions are for using, so they may change.
    """

    def __init__(self, protocol: RoundProtocol) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._protocol, name)
        return partial(self._asked, name) if name in STEPS else found

    def _asked(self, name: str, *args: Any, **named: Any) -> Any:
        step = getattr(self._protocol, name)
        handed = signature(step).bind(*args, **named).arguments
        before = dict(_parts(handed))
        answer = step(*args, **named)
        if changed := [part for part, found in _parts(handed) if found != before[part]]:
            told = f"{type(self._protocol).__name__}.{name} must leave what it is handed as it is"
            raise WrongAnswer(f"{told}; found `{changed[0]}` changed")
        return answer


def _parts(handed: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each argument, those with fields field by field, and a print of it."""
    for name, value in handed.items():
        if names := _fields(value):
            yield from ((f"{name}.{field}", _print(getattr(value, field))) for field in names)
        else:
            yield name, _print(value)


def _fields(value: Any) -> tuple[str, ...]:
    """The names of its fields, of a dataclass or a named tuple; none of anything else."""
    return tuple(field.name for field in fields(value)) if is_dataclass(value) else getattr(value, "_fields", ())


def _print(value: Any) -> Any:
    """What is equal as long as a value is the same bit for bit; None for what may change."""
    if isinstance(value, Tensor):
        flat = value.detach().cpu().contiguous().reshape(-1)
        return str(value.dtype), tuple(value.shape), flat.view(torch.uint8).numpy().tobytes()
    if isinstance(value, Mapping):
        return [(_print(key), _print(held)) for key, held in value.items()]
    if isinstance(value, list | tuple):
        return [_print(held) for held in value]
    if isinstance(value, Set):
        return sorted(map(repr, value))
    if is_dataclass(value) or isinstance(value, BaseModel):
        return _print(vars(value))
    return repr(value) if isinstance(value, int | float | complex | str | bytes) else None
