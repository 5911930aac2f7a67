"""Random numbers for code that asks nobody for a generator: Dropout draws from torch's own, the whole process's.

Within `OwnDraws` torch's operations in this thread draw from generators of their own instead, so that nobody else's
draws can change theirs. What cannot be led there (a fused operation of a GPU, `random`, NumPy) draws within `seeded`.
"""

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_the_process = threading.RLock()

_TAKING_A_GENERATOR = {
    "": "generator",
    "low": "low_generator",
    "Tensor": "Tensor_generator",
    "low_dtype": "low_generator_dtype",
}
"""Overloads without a generator, such as `torch.rand`'s, to those of the same operation that take one."""


class OwnDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Operations draw the numbers that they would draw after `torch.manual_seed(seed)`, from no shared generator."""

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        route = _route(func)
        if route is None or _has_generator(func, args, kwargs):
            return func(*args, **kwargs)
        device = _device(args, kwargs)
        if device.type == "meta":  # where there are no numbers to draw
            return func(*args, **kwargs)
        return route(args, kwargs, self._generator(device))

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


class DrawsSeen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes which operations draw from the process's generators: `led` could draw from one's own, `unled` could not."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.led: list[str] = []
        self.unled: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not _draws(func) or _has_generator(func, args, kwargs):
            return func(*args, **kwargs)
        if _route(func) is not None:
            self.led.append(str(func))
            return func(*args, **kwargs)
        # A fused operation may draw or not: what it leaves of its generator tells.
        generator = _default_generator(_device(args, kwargs))
        before = generator.get_state()
        answer = func(*args, **kwargs)
        if not torch.equal(generator.get_state(), before):
            self.unled.append(str(func))
        return answer


@contextmanager
def seeded(seed: int, device: torch.device = torch.device("cpu")) -> Iterator[None]:  # noqa: B008 - a constant
    """The process's generators (torch's, NumPy's and Python's) start from `seed` in here, and go on after it.

    One thread at a time is in here; others that draw from these generators, without asking, are not kept out.
    """
    with _the_process, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        arrays, python = np.random.get_state(), random.getstate()
        try:
            _default_generator(torch.device("cpu")).manual_seed(seed)
            if device.type == "cuda":
                _default_generator(device).manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
        finally:
            np.random.set_state(arrays)
            random.setstate(python)


def other_states() -> tuple[object, ...]:
    """What NumPy's and Python's own generators draw next depends on."""
    state = np.random.get_state(legacy=False)["state"]
    return random.getstate(), state["key"].tobytes(), state["pos"]


def _draws(func: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in getattr(func, "tags", ())


@lru_cache(maxsize=1024)
def _place(func: Any) -> int | None:
    """Where among the arguments of an operation its generator is; None if it takes none."""
    names = [argument.name for argument in func._schema.arguments]
    return names.index("generator") if "generator" in names else None


@lru_cache(maxsize=1024)
def _route(func: Any) -> Callable[[Sequence[Any], Mapping[str, Any], torch.Generator], Any] | None:
    """How an operation that draws is made to draw from a generator; None if it does not draw, or cannot be."""
    if not _draws(func):
        return None
    place = _place(func)
    if place is not None:
        return lambda args, kwargs, generator: func(*args[:place], **{**kwargs, "generator": generator})
    other = getattr(func.overloadpacket, _TAKING_A_GENERATOR.get(func._schema.overload_name, ""), None)
    return None if other is None else lambda args, kwargs, generator: other(*args, **{**kwargs, "generator": generator})


def _has_generator(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether the caller names the generator to draw from."""
    place = _place(func) if _draws(func) else None
    return place is not None and (kwargs.get("generator") or (args[place] if len(args) > place else None)) is not None


def _device(args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.device:
    """Where an operation computes: with the tensors that it takes, or where it is told to."""
    tensors = (argument for argument in args if isinstance(argument, Tensor))
    device = torch.device(next((tensor.device for tensor in tensors), kwargs.get("device")) or "cpu")
    unnumbered = device.type == "cuda" and device.index is None
    return torch.device("cuda", torch.cuda.current_device()) if unnumbered else device


def _default_generator(device: torch.device) -> torch.Generator:
    if device.type != "cuda":
        return torch.default_generator
    return torch.cuda.default_generators[device.index]
