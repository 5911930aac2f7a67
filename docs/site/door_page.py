"""The pages of the API: one for each package that offers names; rules, attacks and the like have pages of their own."""

import ast
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import get_origin

from docstrings import inline
from kind_page import PAGED, door_of

import fedprop

LISTED = frozenset(cls for registry in PAGED for cls in registry.kinds.values())
"""What has a page of its own."""


def doors() -> list[ModuleType]:
    """The packages that offer names, the innermost names first, and `fedprop` itself last."""
    names = [info.name for info in pkgutil.iter_modules(fedprop.__path__, "fedprop.") if info.ispkg]
    found = [import_module(name) for name in names]
    return [*(door for door in found if "__all__" in vars(door)), fedprop]


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of each page, in Markdown; what several doors offer is explained at the first of them."""
    explained: dict[int, str] = {}
    names = []
    for door in doors():
        names.append(door.__name__)
        yield door.__name__, page(door, explained)
    said = "What each package offers. `fedprop` itself has the rules, attacks, protocols and `run`."
    listing = "\n".join(reversed(names))
    yield "index", f"# API\n\n{said}\n\n```{{toctree}}\n\n{listing}\n```\n"


def page(door: ModuleType, explained: dict[int, str]) -> str:
    """One door: what the package says of itself, and each name that it offers."""
    name = door.__name__
    parts = [f"# `{name}`\n", f"```{{eval-rst}}\n.. automodule:: {name}\n   :no-members:\n```\n"]
    kinds, again, blocks = [], [], []
    homes = homes_of(door)
    for offered in door.__all__:
        value = getattr(door, offered)
        if any(value is cls for cls in LISTED):
            kinds.append(f"{{py:obj}}`{offered} <{door_of(value)}.{offered}>`")
        elif id(value) in explained:
            again.append(f"{{py:obj}}`{offered} <{explained[id(value)]}>`")
        else:
            explained[id(value)] = f"{name}.{offered}"
            blocks.append(directive(name, offered, value, homes.get(offered, name)))
    if kinds:
        parts.append(f"Kinds, each with a page of its own in the catalogue: {', '.join(kinds)}.\n")
    if again:
        parts.append(f"Also offered here: {', '.join(again)}.\n")
    return "\n".join([*parts, "```{eval-rst}", *blocks, "```", ""])


def directive(door: str, name: str, value: object, home: str) -> str:
    """How Sphinx is asked for one name; a value that is no class and no function has its words beside it."""
    if inspect.isclass(value) and get_origin(value) is None:
        return f".. autoclass:: {door}.{name}\n   :members:\n   :member-order: bysource\n"
    if inspect.isroutine(value):
        return f".. autofunction:: {door}.{name}\n"
    words = inline(words_on(name, import_module(home))).replace("\n", "\n   ")
    return f".. py:data:: {door}.{name}\n\n   {words}\n"


def words_on(name: str, module: ModuleType) -> str:
    """The text that stands below a value."""
    body = parsed(module).body
    for statement, next_one in pairwise(body):
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        text = getattr(getattr(next_one, "value", None), "value", None)
        if any(isinstance(target, ast.Name) and target.id == name for target in targets) and isinstance(text, str):
            return inspect.cleandoc(text)
    return ""


def homes_of(door: ModuleType) -> dict[str, str]:
    """The module that each name of a door is imported from."""
    imports = [node for node in ast.walk(parsed(door)) if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name: str(node.module) for node in imports for alias in node.names}


def parsed(module: ModuleType) -> ast.Module:
    """The source of a module."""
    return ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
