"""The page of one kind: how it is asked for, what it is, what it claims, its definition, and how that was misread."""

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fedprop.aggregators import AGGREGATORS, Aggregator, Contract
from fedprop.experiments.catalogue import REGISTRIES, told_of
from fedprop.oracles import MISREADINGS, ORACLES
from fedprop.registry import Registry
from fedprop.settings import Kind, settings_of, summary_of
from fedprop.settings.describe import spelled

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks" / "results" / "peers.json"

PLACES: Mapping[str, str] = {
    "aggregators": "defense: {}",
    "stages": "defense: [{}, {{kind: mean}}]",
    "postprocessors": "defense: [{{kind: mean}}, {}]",
    "protocols": "defense: {}",
    "attacks": "attack: {}",
    "backdoors": "attack: {{kind: backdoor, backdoor: {}}}",
}
"""How an experiment's file asks for a kind of each family that has a page for each of its kinds."""

PAGED = tuple(registry for registry in REGISTRIES if registry.family in PLACES)
OTHERS = tuple(registry for registry in REGISTRIES if registry.family not in PLACES)


def page(registry: Registry[Any], kind: str) -> str:
    """The page of one kind, in Markdown."""
    cls = registry.kinds[kind]
    parts = [
        f"# `{kind}`\n",
        usage(registry, cls),
        f"```{{eval-rst}}\n.. autoclass:: {door_of(cls)}.{cls.__name__}\n```\n",
        *settings(cls),
        *facts(registry, cls),
        *contract(cls),
        *definition(kind),
        *misreadings(kind),
        *verdicts(registry, kind),
    ]
    return "\n".join(parts)


def door_of(cls: type) -> str:
    """The package that offers a class."""
    return ".".join(cls.__module__.split(".")[:2])


def usage(registry: Registry[Any], cls: type[Kind]) -> str:
    """The last of the configurations that a kind offers, as a file and as Python have it."""
    example = cls.examples()[-1]
    asked = PLACES[registry.family].format(spelled(example))
    homes: dict[str, set[str]] = {}
    for part in models(example):
        homes.setdefault(door_of(type(part)), set()).add(type(part).__name__)
    imports = "\n".join(f"from {door} import {', '.join(sorted(names))}" for door, names in sorted(homes.items()))
    called = f"{imports}\n\n{call(example)}"
    return f"```yaml\n{asked}\n```\n\n```python\n{called}\n```\n"


def models(value: Any) -> Iterator[BaseModel]:
    """The models that a call names: itself, and those in fields that are not at their defaults."""
    if isinstance(value, BaseModel):
        yield value
        for item in changed(value).values():
            yield from models(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from models(item)


def changed(value: BaseModel) -> dict[str, Any]:
    """The fields of a model that are not at their defaults."""
    defaults = {name: info.get_default(call_default_factory=True) for name, info in type(value).model_fields.items()}
    return {name: item for name, item in vars(value).items() if name in defaults and item != defaults[name]}


def call(value: Any) -> str:
    """A value as Python makes it.

    >>> from fedprop import Krum, Median
    >>> call((Krum(f=2, m=1), Median()))
    '(Krum(f=2), Median())'
    """
    if isinstance(value, BaseModel):
        return f"{type(value).__name__}({', '.join(f'{name}={call(item)}' for name, item in changed(value).items())})"
    if isinstance(value, tuple):
        return f"({', '.join(map(call, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def settings(cls: type[BaseModel]) -> Iterator[str]:
    """What can be set, as `fedprop list` tells it."""
    rows = [[f"`{each.name}`", plain(each.type), usual(each.default), plain(each.meaning)] for each in settings_of(cls)]
    if rows:
        yield "## Settings\n"
        yield table(["setting", "type", "default", "what it is"], rows)


def usual(default: str) -> str:
    """What stands in a field if nothing is said."""
    return default if default in ("", "required") else f"`{default}`"


def facts(registry: Registry[Any], cls: type[Kind]) -> Iterator[str]:
    """What lists tell of it beside its settings; the source stands in its docstring."""
    told = {name: fact for name, fact in told_of(registry.family, cls).items() if fact and name != "source"}
    if told:
        yield "## In short\n"
        yield f"Of `{spelled(cls.examples()[-1])}`; [the catalogue](../../docs/catalogue.md) explains the headings.\n"
        yield table(["", ""], [[f"**{name}**", plain(fact)] for name, fact in told.items()])


def contract(cls: type[Kind]) -> Iterator[str]:
    """Each claim that the contract of a rule can make, whether it does, and what is meant."""
    example = cls.examples()[-1]
    if isinstance(example, Aggregator):
        found = example.contract()
        yield "## Contract\n"
        yield f"What `{spelled(example)}` claims, and `fedprop verify fedprop:{cls.__name__}` attacks.\n"
        rows = [[f"`{name}`", said, plain(meanings()[name])] for name, said in claims(found)]
        yield table(["claim", "here", "what it says"], rows)


def claims(found: Contract) -> Iterator[tuple[str, str]]:
    """Name and value of each claim; what is a function is told of in a word."""
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if isinstance(value, bool):
            yield field.name, "yes" if value else "not claimed"
        elif field.name == "kappa":
            yield field.name, "not claimed" if value is None else f"proved: {place(value.source)}"
        elif callable(value):
            yield field.name, "stated" if value != field.default else "not stated"
        else:
            yield field.name, "not claimed" if value is None else str(getattr(value, "value", value))


def place(source: str) -> str:
    """A file of this repository in code marks; anything else as it is."""
    return f"`{source}`" if "/" in source else source


@cache
def meanings() -> Mapping[str, str]:
    """What `Contract` says of each of its fields."""
    section = inspect.cleandoc(Contract.__doc__ or "").partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    entries = [" ".join(entry.split()) for entry in re.split(r"\n(?! )", section)]
    return dict(entry.split(" : ", 1) for entry in entries)


def definition(kind: str) -> Iterator[str]:
    """The oracle of a kind: the definition as plain loops."""
    oracle = ORACLES.get(kind)
    if oracle is not None:
        yield "## Definition\n"
        yield f"`{file_of(oracle)}` in float64, the definition literally; the class above is held against it.\n"
        yield f"```python\n{inspect.getsource(oracle)}```\n"


def misreadings(kind: str) -> Iterator[str]:
    """How the definition was misread, each in a way that inputs are made to tell from it."""
    found = MISREADINGS.get(kind)
    if found:
        yield "## Misreadings\n"
        yield "Wrong readings of the definition. Tests look for inputs on which each differs from it.\n"
        for name, function in found.items():
            said = " ".join((function.__doc__ or "").split())
            said = re.sub(r"^Misread[^:]*: ", "", said)
            yield f"- **{name}**{': ' + plain(said) if said else ''}"
        yield ""


def file_of(function: Callable[..., Any]) -> str:
    """The file of a function in this repository."""
    return Path(inspect.getsourcefile(function) or "").resolve().relative_to(ROOT).as_posix()


def verdicts(registry: Registry[Any], kind: str) -> Iterator[str]:
    """What `fedprop verify` found of other libraries' versions of a rule."""
    known = [peer for peer in peers() if registry is AGGREGATORS and asked_kind(peer["as"]) == kind]
    if known:
        yield "## Verdicts of `fedprop verify` on other libraries\n"
        yield "Measured on the versions named; [docs/peers.md](../../docs/peers.md) has the counterexamples.\n"
        yield table(["whose", "version", "claims that hold", "broken"], [verdict(peer) for peer in known])


def verdict(peer: Mapping[str, Any]) -> list[str]:
    """One line: whose rule, how many claims held, and which fell."""
    held = [outcome["name"] for outcome in peer["outcomes"] if outcome["verdict"] == "holds"]
    fell = [outcome["name"] for outcome in peer["outcomes"] if outcome["verdict"] == "broken"]
    return [f"`{peer['place']}`", peer["version"], str(len(held)), ", ".join(fell) or "none"]


def asked_kind(asked: Any) -> str:
    """The kind that a peer was held to be."""
    return str(asked["kind"] if isinstance(asked, Mapping) else asked)


@cache
def peers() -> list[Mapping[str, Any]]:
    """The last run of `nox -s peers`."""
    found: list[Mapping[str, Any]] = json.loads(PEERS.read_text(encoding="utf-8"))["peers"]
    return found


def family_page(registry: Registry[Any]) -> str:
    """All kinds of a family, each with its settings, for families that are no defense and no attack."""
    parts = [f"# {title(registry)}\n"]
    for kind, cls in registry.kinds.items():
        parts += [f"## `{kind}`\n", f"{plain(summary_of(cls))}\n"]
        parts += [block for block in settings(cls) if not block.startswith("#")]
    return "\n".join(parts)


def index_page(registry: Registry[Any]) -> str:
    """The list of a family's pages, with the first sentence of each."""
    rows = [[f"[`{kind}`]({kind}.md)", plain(summary_of(cls))] for kind, cls in registry.kinds.items()]
    names = "\n".join(registry.kinds)
    return f"# {title(registry)}\n\n{table(['kind', 'what it is'], rows)}\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def others_page() -> str:
    """The list of the families that have one page for all of their kinds."""
    names = "\n".join(registry.family for registry in OTHERS)
    return f"# Everything else that has a kind\n\n```{{toctree}}\n\n{names}\n```\n"


def title(registry: Registry[Any]) -> str:
    """The name of a family as a heading."""
    return registry.family.replace("_", " ").capitalize()


def plain(text: str) -> str:
    """Text of which Markdown makes nothing but code and emphasis.

    >>> plain("sum of |x| and `a|b`, a_b < c")
    'sum of |x| and `a|b`, a_b &lt; c'
    """
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;").replace("[", r"\[") for part in parts)


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
