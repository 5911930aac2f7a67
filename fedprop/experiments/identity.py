"""What the result of a run depends on, beside its settings: the texts of classes of one's own, data, model, version.

It is stored with a run and compared before the run is taken up again, or its result is used again: what is asked for
now must be what ran then.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version as read_version
from types import CodeType, FunctionType
from typing import Any

import torch
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from torch import Tensor, nn

from fedprop.data import Dataset
from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.loading import SOURCE
from fedprop.registry import place_of

version = cache(read_version)
"""The version of an installed package, whose file takes as long to read as the smallest runs take to set up."""

OTHERS = frozenset({"builtins", "abc", "typing", "enum", "pydantic", "torch", "fedprop"})
"""Whose classes are named by versions, not by digests."""


def settings_of(experiment: Experiment) -> dict[str, Any]:
    """An experiment as JSON has it.

    Raises
    ------
    InvalidConfig
        If a setting cannot be written down.
    """
    try:
        settings: dict[str, Any] = json.loads(json.dumps(experiment.model_dump(mode="json")))
    except (PydanticSerializationError, TypeError, ValueError) as error:
        raise InvalidConfig(
            f"what a run on disk is set to must be plain data, as JSON has it; found: {error}"
        ) from None
    return settings


def code_of(experiment: Experiment) -> dict[str, Any]:
    """The version of this package, and a digest of every class of somebody else's that an experiment uses."""
    foreign = {type(part) for part in _parts(experiment) if _is_foreign(type(part))}
    return {
        "fedprop": version("fedprop"),
        "sources": {place_of(cls): source_digest(cls) for cls in sorted(foreign, key=place_of)},
    }


def _parts(value: Any) -> Iterator[BaseModel]:
    """The models inside a model, itself included."""
    if isinstance(value, BaseModel):
        yield value
        yield from _parts([getattr(value, name) for name in type(value).model_fields])
    elif isinstance(value, Mapping):
        yield from _parts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)


def _is_foreign(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in OTHERS


def source_digest(cls: type) -> str:
    """A digest of what somebody else wrote of a class and its bases: of the files they stand in.

    Of the running script, and where there is no file, it is of the classes' own compiled functions: other lines of a
    script may change from call to call.
    """
    found = hashlib.sha256()
    for base in cls.__mro__:
        if _is_foreign(base):
            found.update(_text(base))
    return found.hexdigest()


def _text(cls: type) -> bytes:
    module = sys.modules.get(cls.__module__)
    noted = getattr(module, SOURCE, None)
    if noted is not None:
        return str(noted).encode()
    file = getattr(module, "__file__", None)
    if cls.__module__ != "__main__" and file is not None:
        # A file that is gone since, or never was but in an archive, is no file to read.
        with suppress(FileNotFoundError, NotADirectoryError), open(file, "rb") as text:
            return hashlib.file_digest(text, "sha256").digest()
    return "\n".join(_compiled(cls)).encode()


def _compiled(cls: type) -> Iterator[str]:
    """What the functions of a class do, and the plain values that stand beside them."""
    yield cls.__qualname__
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType):
            yield from (name, *_code(function.__code__))
        elif isinstance(value, bool | int | float | str | tuple) and not name.startswith("__"):
            yield f"{name} = {value!r}"


def _code(code: CodeType) -> Iterator[str]:
    yield from (code.co_code.hex(), repr(code.co_names), repr(code.co_varnames))
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _code(value)
        else:
            yield repr(value)


def data_digest(data: Dataset) -> str:
    """A digest of all examples, to the bit, of whose they are, and of what there is to learn from them."""
    found = hashlib.sha256(f"{data.classes}{' in sequences' * data.sequences}".encode())
    for tensor in (data.train.x, data.train.y, data.test.x, data.test.y):
        _add(found, tensor)
    for part, users in (("train", data.train.users), ("test", data.test.users)):
        if users is not None:
            found.update(f"users of {part}".encode())
            _add(found, users)
    return found.hexdigest()


def module_digest(module: nn.Module) -> str:
    """A digest of a model before any training: what it consists of, and its initial parameters and buffers."""
    found = hashlib.sha256(repr(module).encode())
    for name, part in module.named_modules():
        found.update(f"{name} {place_of(type(part))} ".encode())
        if _is_foreign(type(part)):
            found.update(source_digest(type(part)).encode())
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        found.update(name.encode())
        _add(found, tensor)
    return found.hexdigest()


def _add(found: "hashlib._Hash", tensor: Tensor) -> None:
    found.update(f"{tensor.dtype} {list(tensor.shape)} ".encode())
    plain = tensor.detach().cpu().contiguous()
    if plain.numel():
        found.update(plain.reshape(-1).view(torch.uint8).numpy().data)


def differences(then: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values of nested plain data differ: the path, and what stands there in each; None for nothing."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from differences(then.get(key), now.get(key), f"{place}.{key}" if place else str(key))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from differences(old, new, f"{place}.{index}")
    elif json.dumps(then) != json.dumps(now):
        yield place, then, now
