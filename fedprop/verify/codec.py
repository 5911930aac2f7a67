"""What every parameter codec owes: the state of a model survives the way to a vector and back.

The state is what a server needs to rebuild a client's model: parameters and persistent buffers, BatchNorm's running
statistics and its integer counter among them. The server averages vectors of many clients, so all modules of one
architecture must have vectors of one form, and a mean of equal states must be that state, integers included.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from fedprop.errors import FedpropError
from fedprop.failures import in_words
from fedprop.properties import Finding
from fedprop.verify.claim import Claim, Crashed, Refused, contained
from fedprop.verify.modules import Blueprint, blueprints, copy_of
from fedprop.verify.report import Counterexample, Status
from fedprop.verify.script import obtain

SOURCE = "fedprop.params.ParameterLayout"

CLIENTS = 10
"""In a mean of so many, the tenths of most integers do not add up to the bit."""

ROUNDING = {torch.float32: 1e-5, torch.float64: 1e-12}

Make: TypeAlias = Callable[[nn.Module], Any]
Find: TypeAlias = Callable[[Make, Blueprint], Finding | None]


def is_codec(obj: Any) -> bool:
    """Whether `obj` is a class of codecs: it has `flatten` and `load`, and is made from a module."""
    found = isinstance(obj, type) and callable(getattr(obj, "flatten", None)) and callable(getattr(obj, "load", None))
    return found and not issubclass(obj, nn.Module | Tensor)


def codec_claims(obj: Any, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about a codec; one with a constructor `of`, as `ParameterLayout` has, is made by that."""
    make = _maker(obj, settings)

    def claim(name: str, statement: str, status: Status, find: Find) -> Claim[Blueprint]:
        def show(blueprint: Blueprint, finding: Finding) -> Counterexample:
            return _show(obj, label, settings, blueprint, finding)

        return Claim(name, statement, SOURCE, status, (blueprints(),), lambda value: find(make, value), show)

    same = "Another instance of the architecture, and a codec made from it, have vectors of the same length and order."
    return [
        claim("answers", "Every module has a vector, and takes it back.", "safety", _answers),
        claim("round trip", "Loading what was flattened makes the states equal, to the bit.", "safety", _round_trip),
        claim("one vector", "The state is one floating-point vector.", "safety", _one_vector),
        claim("one form", same, "safety", _one_form),
        claim("untouched", "Flattening leaves the module, and loading the vector, as it was.", "safety", _untouched),
        claim("new vector", "Changing the vector does not change the module that it came from.", "safety", _new_vector),
        claim("mean", "The mean of equal states is that state, integers included.", "claimed", _mean),
        claim("still the same module", "Loading keeps dtypes, frozen parameters and ties.", "claimed", _still),
        claim("wrong length", "A vector of another length is refused.", "tried", _wrong_length),
        claim("detached", "The vector carries no gradient.", "tried", _detached),
        claim(
            "copied in",
            "Changing the vector later does not change the module that it was loaded into.",
            "tried",
            _copied,
        ),
    ]


def _maker(obj: Any, settings: Mapping[str, Any]) -> Make:
    make: Callable[..., Any] = getattr(obj, "of", obj)
    return lambda module: make(module, **settings)


def _asked(call: Callable[[], Any]) -> Any:
    """A codec may decline a module by an error of this package; anything else is a crash."""
    try:
        with contained():
            return call()
    except FedpropError as error:
        raise Refused(in_words(error)) from error
    except Exception as error:
        raise Crashed(in_words(error)) from error


def _flat(make: Make, module: nn.Module) -> Tensor:
    return _flattened(_asked(lambda: make(module)), module)


def _flattened(codec: Any, module: nn.Module) -> Tensor:
    vector = _asked(lambda: codec.flatten(module))
    if not isinstance(vector, Tensor):
        raise Crashed(f"`flatten` must give a tensor; found {type(vector).__name__}")
    return vector


def _load(make: Make, module: nn.Module, vector: Tensor) -> None:
    _asked(lambda: make(module).load(module, vector))


def _answers(make: Make, blueprint: Blueprint) -> Finding | None:
    try:
        _load(make, blueprint.build(1), _flat(make, blueprint.build(1)))
    except Crashed as error:
        return Finding(str(error))
    return None


def _round_trip(make: Make, blueprint: Blueprint) -> Finding | None:
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
        if not torch.equal(value, wanted):
            return Finding(f"{name!r} is {value.tolist()} instead of {wanted.tolist()}", how=how)
    return None


def _one_vector(make: Make, blueprint: Blueprint) -> Finding | None:
    vector = _flat(make, blueprint.build(1))
    good = vector.ndim == 1 and vector.is_floating_point()
    return None if good else Finding(f"{list(vector.shape)}, {vector.dtype}")


def _one_form(make: Make, blueprint: Blueprint) -> Finding | None:
    module, other = blueprint.build(1), blueprint.build(50)
    mine, theirs = _asked(lambda: make(module)), _asked(lambda: make(other))
    first, second = _flattened(mine, module), _flattened(theirs, module)
    if (first.shape, first.dtype) != (second.shape, second.dtype):
        told = f"{list(second.shape)}, {second.dtype} instead of {list(first.shape)}, {first.dtype}"
        return Finding(told, how="from a codec made from another instance")
    if not torch.equal(first, second):
        return Finding(second, first, how="from a codec made from another instance")
    same = blueprint.build(50)
    _asked(lambda: (mine.load(same, first.clone()), theirs.load(other, first.clone())))
    return _states_differ(copy_of(other), copy_of(same), "loaded by a codec made from another instance")


def _untouched(make: Make, blueprint: Blueprint) -> Finding | None:
    module = blueprint.build(1)
    before, mode = copy_of(module), module.training
    vector = _flat(make, module)
    found = _states_differ(copy_of(module), before, "after flattening")
    if found is not None:
        return found
    if module.training != mode:
        return Finding("flattening changes whether the module is in training mode")
    kept = vector.detach().clone()
    _load(make, blueprint.build(50), vector)
    return None if torch.equal(vector, kept) else Finding(vector, kept, how="as the vector, after loading")


def _new_vector(make: Make, blueprint: Blueprint) -> Finding | None:
    module = blueprint.build(1)
    before = copy_of(module)
    _flat(make, module).detach().zero_()
    return _states_differ(copy_of(module), before, "after the vector was set to zero")


def _mean(make: Make, blueprint: Blueprint) -> Finding | None:
    module, single, several = blueprint.build(1), blueprint.build(50), blueprint.build(50)
    vector = _flat(make, module).detach()
    _load(make, single, vector.clone())
    mean = torch.zeros_like(vector)
    for _ in range(CLIENTS):
        mean += vector / CLIENTS
    _load(make, several, mean)
    found, expected = copy_of(several), copy_of(single)
    for name, wanted in expected.items():
        value, room = found[name], max(ROUNDING.get(vector.dtype, 0.0), ROUNDING.get(wanted.dtype, 0.0))
        close = torch.allclose(value, wanted, rtol=room, atol=0) if wanted.is_floating_point() else False
        if not close and not torch.equal(value, wanted):
            told = f"{name!r} is {value.tolist()} instead of {wanted.tolist()}"
            return Finding(told, how=f"from the mean of {CLIENTS} equal vectors")
    return None


def _still(make: Make, blueprint: Blueprint) -> Finding | None:
    module, other = blueprint.build(1), blueprint.build(50)
    dtypes, ties = _forms(other), _ties(other)
    _load(make, other, _flat(make, module))
    if _forms(other) != dtypes:
        return Finding(f"dtypes and gradients {_forms(other)}", how=f"where they were {dtypes}")
    return (
        None if _ties(other) == ties else Finding(f"names {_ties(other)}", how=f"where {ties} were different tensors")
    )


def _forms(module: nn.Module) -> dict[str, tuple[str, bool]]:
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: (str(tensor.dtype), tensor.requires_grad) for name, tensor in tensors.items()}


def _ties(module: nn.Module) -> list[str]:
    """Each parameter's first name: a name more means that a tie has come undone."""
    return [name for name, _ in module.named_parameters()]


def _wrong_length(make: Make, blueprint: Blueprint) -> Finding | None:
    module = blueprint.build(1)
    vector = _flat(make, module).detach()
    for wrong in (vector[:-1], torch.cat([vector, vector[:1]])):
        if _takes(make(module), blueprint.build(50), wrong):
            return Finding(f"a vector of {len(wrong)} numbers is loaded", how=f"where {len(vector)} are due")
    return None


def _takes(codec: Any, module: nn.Module, vector: Tensor) -> bool:
    try:
        codec.load(module, vector)
    except Exception:
        return False
    return True


def _detached(make: Make, blueprint: Blueprint) -> Finding | None:
    return Finding("the vector requires a gradient") if _flat(make, blueprint.build(1)).requires_grad else None


def _copied(make: Make, blueprint: Blueprint) -> Finding | None:
    module, other = blueprint.build(1), blueprint.build(50)
    vector = _flat(make, module).detach()
    _load(make, other, vector)
    before = copy_of(other)
    vector.zero_()
    return _states_differ(copy_of(other), before, "after the vector was set to zero")


def _show(obj: Any, label: str, settings: Mapping[str, Any], blueprint: Blueprint, finding: Finding) -> Counterexample:
    found, made = obtain(obj, label, {})
    made = made.removesuffix("()") + (".of" if hasattr(obj, "of") else "")
    extra = "".join(f", {name}={value!r}" for name, value in settings.items())
    code = f"""import torch
from fedprop.verify.modules import Blueprint
{found}

blueprint = {blueprint}
module, other = blueprint.build(1), blueprint.build(50)
codec = {made}(module{extra})
vector = codec.flatten(module)
codec.load(other, vector)
print(vector, module.state_dict(), other.state_dict(), sep="\\n")
# {finding}"""
    title = f"a module of {', '.join(blueprint.parts)} in {blueprint.dtype}"
    rows = tuple(tuple(tensor.double().flatten().tolist()) for tensor in copy_of(blueprint.build(1)).values())
    return Counterexample(title=title, rows=rows, found=str(finding), code=code)
