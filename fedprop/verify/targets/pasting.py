"""The source of functions that nobody can import: lambdas, functions inside functions, those of a notebook."""

import ast
import inspect
import sys
import textwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any

SIMPLE = (bool, int, float, str, type(None))
"""Values that their `repr` brings back."""


def pasted(obj: Any) -> tuple[str, str] | None:
    """Lines that define a function or a class again, and its name; None where its source will not do."""
    if isinstance(obj, type):
        return _class(obj)
    if not isinstance(obj, FunctionType):
        return None
    used = _used(obj)
    source = _lambda(obj) if obj.__name__ == "<lambda>" else _source(obj)
    if used is None or source is None:
        return None
    name, text = ("target", f"target = {source}") if obj.__name__ == "<lambda>" else (obj.__name__, source)
    return "\n".join([*used, text]), name


def _source(obj: Any) -> str | None:
    try:
        text = textwrap.dedent(inspect.getsource(obj)).rstrip()
        ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        return None
    return text


def _class(cls: type) -> tuple[str, str] | None:
    text = _source(cls) if cls.__module__ == "__main__" else None
    return None if text is None else (text, cls.__name__)


def _lambda(function: FunctionType) -> str | None:
    """The source of a lambda: the one in its line that compiles to the same code."""
    try:
        lines, _ = inspect.findsource(function)
        whole = "".join(lines)
        tree = ast.parse(whole)
    except (OSError, TypeError, SyntaxError):
        return None
    line = function.__code__.co_firstlineno
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and node.lineno == line)
    texts = (ast.get_source_segment(whole, node) for node in nodes)
    return next((text for text in texts if text is not None and _compiles_to(text, function.__code__)), None)


def _compiles_to(text: str, code: CodeType) -> bool:
    compiled = compile(f"({text})", "<lambda>", "eval")
    return any(isinstance(const, CodeType) and _essence(const) == _essence(code) for const in compiled.co_consts)


def _essence(code: CodeType) -> tuple[Any, ...]:
    """What two pieces of code share if they do the same, wherever they stand."""
    plain = tuple(const for const in code.co_consts if not isinstance(const, CodeType))
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, plain


def _used(function: FunctionType) -> list[str] | None:
    """Lines that bring what a function uses: modules, simple values, what can be imported; None if some cannot."""
    found = inspect.getclosurevars(function)
    lines = []
    for name, value in {**found.globals, **found.nonlocals}.items():
        line = _bring(name, value)
        if line is None:
            return None
        lines.append(line)
    return lines


def _bring(name: str, value: Any) -> str | None:
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}")
    if isinstance(value, SIMPLE):
        return f"{name} = {value!r}"
    place, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if place in (None, "__main__") or getattr(sys.modules.get(str(place)), str(own), None) is not value:
        return None
    return f"from {place} import {own}" + ("" if own == name else f" as {name}")
