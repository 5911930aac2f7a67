"""What can be wrong with what a codec makes of one module."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from fedprop.errors import FedpropError
from fedprop.failures import in_words
from fedprop.properties import Finding
from fedprop.verify.codecs.modules import Blueprint, copy_of, same_numbers, state_of
from fedprop.verify.hunting.claim import Crashed, Refused, contained

CLIENTS = 10
"""In a mean of so many, the tenths of most integers do not add up to the bit."""

ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 3e-2, torch.float16: 5e-3}
"""What the sum of so many may be off by, relative to it."""

Make: TypeAlias = Callable[[nn.Module], Any]
Find: TypeAlias = Callable[[Make, Blueprint], Finding | None]


def _asked(call: Callable[[], Any]) -> Any:
    """A codec may decline a module by an error of this package; anything else is a crash."""
    try:
        with contained():
            return call()
    except FedpropError as error:
        raise Refused(in_words(error)) from error
    except Exception as error:
        raise Crashed(in_words(error)) from error


def maker(obj: Any, settings: Mapping[str, Any]) -> Make:
    """What makes a codec for a module; one with a constructor `of`, as `ParameterLayout` has, is made by that."""
    make: Callable[..., Any] = getattr(obj, "of", obj)
    return lambda module: make(module, **settings)


def flat(make: Make, module: nn.Module) -> Tensor:
    """The vector of a module, by a codec made from it."""
    return _flattened(_asked(lambda: make(module)), module)


def _flattened(codec: Any, module: nn.Module) -> Tensor:
    vector = _asked(lambda: codec.flatten(module))
    if not isinstance(vector, Tensor):
        raise Crashed(f"`flatten` must give a tensor; found {type(vector).__name__}")
    return vector


def _load(make: Make, module: nn.Module, vector: Tensor) -> None:
    _asked(lambda: make(module).load(module, vector))


def answers(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether there is a vector, and it is taken back."""
    try:
        _load(make, blueprint.build(1), flat(make, blueprint.build(1)))
    except Crashed as error:
        return Finding(str(error))
    return None


def round_trip(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether another state arrives than was sent."""
    module, other = blueprint.build(1), blueprint.build(50)
    codec = _asked(lambda: make(module))
    vector = _flattened(codec, module)
    _asked(lambda: codec.load(other, vector))
    return _states_differ(copy_of(other), copy_of(module), "after the way there and back")


def _states_differ(found: dict[str, Tensor], expected: dict[str, Tensor], how: str) -> Finding | None:
    for name, wanted in expected.items():
        value = found[name]
        if value.dtype != wanted.dtype or value.shape != wanted.shape:
            told = f"{name!r} is {list(value.shape)}, {value.dtype}"
            return Finding(told, how=f"instead of {list(wanted.shape)}, {wanted.dtype} {how}")
        if not same_numbers(value, wanted):
            return Finding(value, wanted, how=f"as {name!r}, {how}")
    return None


def one_vector(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether the vector is no vector of floating-point numbers."""
    vector = flat(make, blueprint.build(1))
    good = vector.ndim == 1 and vector.is_floating_point()
    return None if good else Finding(f"{list(vector.shape)}, {vector.dtype}")


def one_form(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether a codec made from another instance of the architecture has another vector."""
    module, other = blueprint.build(1), blueprint.build(50)
    mine, theirs = _asked(lambda: make(module)), _asked(lambda: make(other))
    first, second = _flattened(mine, module), _flattened(theirs, module)
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        told = f"{list(second.shape)}, {second.dtype} instead of {list(first.shape)}, {first.dtype}"
        return Finding(told, how="from a codec made from another instance")
    if not same_numbers(first, second):
        return Finding(second, first, how="from a codec made from another instance")
    same = blueprint.build(50)
    _asked(lambda: (mine.load(same, first.clone()), theirs.load(other, first.clone())))
    return _states_differ(copy_of(other), copy_of(same), "loaded by a codec made from another instance")


def untouched(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether flattening changes the module, or loading the vector."""
    module = blueprint.build(1)
    before, mode = copy_of(module), module.training
    vector = flat(make, module)
    found = _states_differ(copy_of(module), before, "after flattening")
    if found is not None:
        return found
    if module.training != mode:
        return Finding("flattening changes whether the module is in training mode")
    kept = vector.detach().clone()
    _load(make, blueprint.build(50), vector)
    return None if same_numbers(vector, kept) else Finding(vector, kept, how="as the vector, after loading")


def new_vector(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether the vector shares memory with the module."""
    module = blueprint.build(1)
    before = copy_of(module)
    flat(make, module).detach().zero_()
    return _states_differ(copy_of(module), before, "after the vector was set to zero")


def mean(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether the mean of equal vectors leads to another state."""
    module, single, several = blueprint.build(1), blueprint.build(50), blueprint.build(50)
    vector = flat(make, module).detach()
    _load(make, single, vector.clone())
    mean = torch.zeros_like(vector)
    for _ in range(CLIENTS):
        mean += vector / CLIENTS
    _load(make, several, mean)
    found, expected = copy_of(several), copy_of(single)
    for name, wanted in expected.items():
        value, room = found[name], max(ROUNDING.get(vector.dtype, 0.0), ROUNDING.get(wanted.dtype, 0.0))
        near = wanted.is_floating_point() and torch.allclose(value, wanted, rtol=room, atol=0, equal_nan=True)
        if not near and not same_numbers(value, wanted):
            return Finding(value, wanted, how=f"as {name!r}, from the mean of {CLIENTS} equal vectors")
    return None


def still(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether loading makes another module of it: its objects, dtypes, frozen parameters, ties or mode."""
    module, other = blueprint.build(1), blueprint.build(50).eval()
    dtypes, objects = _forms(other), dict(other.named_parameters(remove_duplicate=False))
    _load(make, other, flat(make, module))
    if _forms(other) != dtypes:
        return Finding(f"dtypes and gradients {_forms(other)}", how=f"where they were {dtypes}")
    if other.training:
        return Finding("loading puts the module into training mode")
    for name, parameter in other.named_parameters(remove_duplicate=False):
        if parameter is not objects[name]:
            return Finding(
                f"{name!r} is another object than before", how="so that an optimizer goes on with the old one"
            )
    return None


def _forms(module: nn.Module) -> dict[str, tuple[str, bool]]:
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: (str(tensor.dtype), tensor.requires_grad) for name, tensor in tensors.items()}


def any_vector(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether a vector that no module made, as a server makes them, is loaded as another one."""
    module, other = blueprint.build(1), blueprint.build(50)
    codec = _asked(lambda: make(module))
    vector, floating = _flattened(codec, module).detach(), _floating(codec, module, blueprint)
    noise = torch.randn(vector.shape, generator=torch.Generator().manual_seed(len(vector)), dtype=torch.float64)
    for size in (1.0, -300.0):
        sent = torch.where(floating, size * noise, vector.double() + 0.25).to(vector.dtype)
        _asked(partial(codec.load, other, sent.clone()))
        found, due = _flattened(codec, other).detach(), torch.where(floating, sent, vector)
        room = max(torch.finfo(tensor.dtype).eps for tensor in (*_floats(module), vector))
        if not torch.allclose(found, due, rtol=room, atol=1e-6, equal_nan=True):
            return Finding(found, due, how="of a vector that no module made, integers a quarter too large")
    return None


def _floating(codec: Any, module: nn.Module, blueprint: Blueprint) -> Tensor:
    """Which numbers of the vector are not integers of the state: those that stay when these are others."""
    changed = blueprint.build(1)
    for tensor in state_of(changed).values():
        if not tensor.is_floating_point():
            tensor.copy_(~tensor if tensor.dtype == torch.bool else tensor + 1)
    a, b = (_flattened(codec, each).detach() for each in (module, changed))
    return (a == b) | ((a != a) & (b != b))


def _floats(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in state_of(module).values() if tensor.is_floating_point()]


def wrong_length(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether a vector of another length is loaded."""
    module = blueprint.build(1)
    vector = flat(make, module).detach()
    for wrong in (vector[: max(len(vector) - 1, 0)], torch.cat([vector, vector.new_zeros(1)]))[len(vector) == 0 :]:
        if _takes(make(module), blueprint.build(50), wrong):
            return Finding(f"a vector of {len(wrong)} numbers is loaded", how=f"where {len(vector)} are due")
    return None


def _takes(codec: Any, module: nn.Module, vector: Tensor) -> bool:
    try:
        codec.load(module, vector)
    except Exception:
        return False
    return True


def detached(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether the vector carries a gradient."""
    return Finding("the vector requires a gradient") if flat(make, blueprint.build(1)).requires_grad else None


def copied(make: Make, blueprint: Blueprint) -> Finding | None:
    """Whether the module shares memory with the vector that was loaded."""
    module, other = blueprint.build(1), blueprint.build(50)
    vector = flat(make, module).detach()
    _load(make, other, vector)
    before = copy_of(other)
    vector.zero_()
    return _states_differ(copy_of(other), before, "after the vector was set to zero")
