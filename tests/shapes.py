"""Types and shapes of arguments and answers, checked at run time in whatever is imported meanwhile."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from random import Random
from typing import Any, get_args

import beartype._check.code.codemain as checks
import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, install_import_hook
from jaxtyping._import_hook import ImportHookManager

ONE_CALL = jaxtyping.jaxtyped("context")
"""Within it, an axis that has one name has one size."""

thorough = jaxtyping.jaxtyped

typechecker = beartype(conf=BeartypeConf(violation_type=TypeError))
"""What does not fit is a TypeError, as where nothing is checked and Python finds no way to go on."""

# Which item of a list is checked is drawn from Python's own generator, whose numbers some tests follow.
checks.getrandbits = Random(0).getrandbits


def check_shapes(package: str) -> ImportHookManager:
    """Check the functions of each module of `package` that is imported within the context that this is.

    The hook of jaxtyping with a cheaper decorator: theirs binds each call to a signature, and checks what went in both
    before the call and after it, to word its errors better.
    """
    jaxtyping.jaxtyped = lambda **settings: _checked
    return install_import_hook(package, "beartype.beartype")


def _checked(what: Any) -> Any:
    if not inspect.isclass(what):
        return _checked_function(what)
    if dataclasses.is_dataclass(what) and "__init__" in vars(what):
        what.__init__ = _checked_function(what.__init__)
    return what


def _checked_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with types checked, and the sizes of axes if it names any; one made in another's calls is left alone.

    That would be decorated, and so compiled, in each of those calls.
    """
    if "<locals>" in function.__qualname__:
        return function
    if inspect.isgeneratorfunction(function):  # beartype looks at its arguments when the first value is asked for
        return thorough(function, typechecker=typechecker)
    typed: Callable[..., Any] = typechecker(function)
    if not any(_has_axes(annotation) for annotation in function.__annotations__.values()):
        return typed

    @functools.wraps(function)
    def shaped(*args: Any, **kwargs: Any) -> Any:
        with ONE_CALL:
            return typed(*args, **kwargs)

    return shaped


def _has_axes(annotation: Any) -> bool:
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(_has_axes(part) for part in get_args(annotation))
