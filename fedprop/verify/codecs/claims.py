"""What every parameter codec owes: the state of a model survives the way to a vector and back.

The state is what a server needs to rebuild a client's model: parameters and persistent buffers, BatchNorm's running
statistics and its integer counter among them. The server averages vectors of many clients, so all modules of one
architecture must have vectors of one form, and a mean of equal states must be that state, integers included.
"""

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

from hypothesis import strategies as st
from torch import Tensor, nn

from fedprop.errors import InvalidConfig
from fedprop.properties import Finding
from fedprop.verify.codecs import checks
from fedprop.verify.codecs.elsewhere import MODULES, differs, unreachable
from fedprop.verify.codecs.modules import Blueprint, blueprints, copy_of, large_blueprints
from fedprop.verify.hunting.claim import Claim, Few
from fedprop.verify.pages.findings import Counterexample, Status
from fedprop.verify.targets.script import obtain

SOURCE = "fedprop.params.ParameterLayout"


def is_codec(obj: Any) -> bool:
    """Whether `obj` is a class of codecs, which has `flatten` and `load`, or an instance that is nothing else."""
    cls = obj if isinstance(obj, type) else type(obj)
    found = callable(getattr(obj, "flatten", None)) and callable(getattr(obj, "load", None))
    return found and callable(obj) == isinstance(obj, type) and not issubclass(cls, nn.Module | Tensor)


def codec_claims(obj: Any, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about a codec.

    Raises
    ------
    InvalidConfig
        If it is no class that is made with a module.
    """
    _refuse_unmakeable(obj, label, settings)
    make, inputs = checks.maker(obj, settings), (blueprints(), Few(large_blueprints()))

    def show(blueprint: Blueprint, finding: Finding) -> Counterexample:
        return _show(obj, label, settings, blueprint, finding)

    def claim(name: str, statement: str, status: Status, find: checks.Find) -> Claim[Blueprint]:
        return Claim(name, statement, SOURCE, status, inputs, lambda value: find(make, value), show)

    elsewhere = Claim(
        "another process",
        "Another process, in which texts have other hashes, makes the same vector.",
        SOURCE,
        "claimed",
        (Few(st.sampled_from(MODULES)),),
        partial(differs, obj, label, settings, make),
        show,
        unreachable(obj, label, settings),
    )
    same = "Another instance of the architecture, and a codec made from it, have vectors of the same length and order."
    return [
        claim("answers", "Every module has a vector, and takes it back.", "safety", checks.answers),
        claim(
            "round trip", "Loading what was flattened makes the states equal, to the bit.", "safety", checks.round_trip
        ),
        claim("one vector", "The state is one floating-point vector.", "safety", checks.one_vector),
        claim("one form", same, "safety", checks.one_form),
        claim(
            "untouched", "Flattening leaves the module, and loading the vector, as it was.", "safety", checks.untouched
        ),
        claim(
            "new vector",
            "Changing the vector does not change the module that it came from.",
            "safety",
            checks.new_vector,
        ),
        claim("mean", "The mean of equal states is that state, integers included.", "claimed", checks.mean),
        claim(
            "still the same module",
            "Loading keeps the parameters the objects that they are, their dtypes, which are frozen, and the mode.",
            "claimed",
            checks.still,
        ),
        claim(
            "any vector",
            "A vector that no module made is loaded as it is, up to the dtypes of the state.",
            "claimed",
            checks.any_vector,
        ),
        elsewhere,
        claim("wrong length", "A vector of another length is refused.", "tried", checks.wrong_length),
        claim("detached", "The vector carries no gradient.", "tried", checks.detached),
        claim(
            "copied in",
            "Changing the vector later does not change the module that it was loaded into.",
            "tried",
            checks.copied,
        ),
    ]


def _refuse_unmakeable(obj: Any, label: str, settings: Mapping[str, Any]) -> None:
    """Refuse a codec that is no class, or whose constructor does not take the module that it is for."""
    if not isinstance(obj, type):
        why = f"an instance of {type(obj).__name__}: name the class"
    elif why := _misfit(getattr(obj, "of", obj), settings):
        why = f"a constructor that cannot be called so: {why}"
    if why:
        told = "".join(f", {name}={value!r}" for name, value in settings.items())
        raise InvalidConfig(
            f"a codec must be a class that is made with the module, as Codec(module{told}) or Codec.of(module{told}); "
            f"found {label}, {why}"
        )


def _misfit(make: Any, settings: Mapping[str, Any]) -> str:
    """Why something cannot be called with a module and settings; empty if it can, or nobody knows."""
    try:
        inspect.signature(make).bind(None, **settings)
    except TypeError as error:
        return str(error)
    except ValueError:
        return ""
    return ""


def _show(obj: Any, label: str, settings: Mapping[str, Any], blueprint: Blueprint, finding: Finding) -> Counterexample:
    found, made = obtain(obj, label, {})
    made = made.removesuffix("()") + (".of" if hasattr(obj, "of") else "")
    extra = "".join(f", {name}={value!r}" for name, value in settings.items())
    code = f"""import torch
from fedprop.verify.codecs.modules import Blueprint
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
