"""How to verify the same once more: the command line, or the call in Python for what no text names."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fedprop.verify.hunting.hunt import Effort
from fedprop.verify.targets.script import defined, finds

Spec: TypeAlias = str | Mapping[str, Any] | Sequence[Any]
"""How a user spells a built-in rule: a kind, a mapping with one, or a list of them."""


def spelled(as_: Spec) -> str:
    """A built-in rule as the command line takes it."""
    return as_ if isinstance(as_, str) else json.dumps(dict(as_) if isinstance(as_, Mapping) else list(as_))


def again(
    target: Any,
    label: str,
    *,
    f: int | Sequence[int] | None,
    n: range | None,
    as_: Spec | None,
    claims: Sequence[str],
    settings: Mapping[str, Any],
    effort: Effort,
    search: bool,
) -> str:
    """What to type; it tries the same inputs."""
    fs = None if f is None else [f] if isinstance(f, int) else sorted(f)
    options = {
        "f": fs if fs is None or len(fs) > 1 else fs[0],
        "n": n,
        "as_": as_,
        "claims": list(claims) or None,
        "settings": dict(settings) or None,
        "examples": effort.examples,
        "seed": effort.seed,
        "seconds": effort.seconds if math.isfinite(effort.seconds) else None,
        "search": search or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    gaps = fs is not None and fs != list(range(fs[0], fs[-1] + 1))
    if gaps or not (isinstance(target, str) or finds(label, target)):
        named = repr(label) if isinstance(target, str) or finds(label, target) else defined(target, label)[1]
        return f"verify({', '.join([named, *(f'{name}={value!r}' for name, value in given.items())])})"
    return shlex.join(["fedprop", "verify", label, *_words(given)])


def _words(given: Mapping[str, Any]) -> list[str]:
    """Options as the command line spells them."""
    words: list[str] = []
    for name, value in given.items():
        if name in ("f", "n"):
            words += [f"--{name}", _range([value] if isinstance(value, int) else value)]
        elif name == "as_":
            words += ["--as", spelled(value)]
        elif name == "claims":
            words += [word for claim in value for word in ("--claim", claim)]
        elif name == "settings":
            words += [word for key, setting in value.items() for word in ("--set", f"{key}={_yaml(setting)}")]
        else:
            words += ["--search"] if value is True else [f"--{name}", f"{value:g}" if name == "seconds" else str(value)]
    return words


def _range(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return str(least) if least == most else f"{least}..{most}"


def _yaml(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except TypeError:
        return str(value)
