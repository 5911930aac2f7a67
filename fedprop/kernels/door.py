"""Whether compiled loops are used, and where they are got from."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from threading import Timer
from types import ModuleType
from typing import Literal, TypeAlias, get_args

from fedprop.errors import InvalidConfig
from fedprop.kernels.compiling import installed

Use: TypeAlias = Literal["large", "always", "never"]
"""When compiled loops are used, where they can be: on rows that are large enough to gain by it, always, or never."""

LARGE = 1 << 16
"""Entries from which on rows are large: fewer take less than a millisecond anyway, and loading takes longer."""

NAMES = ("gram", "mixing", "ordering")
"""All modules of compiled loops."""

SILENT = 1.0
"""Seconds that loading may take without a word; what was compiled before takes less."""

LOG = logging.getLogger("fedprop")

_use: ContextVar[Use | None] = ContextVar("use", default=None)


def check_environment() -> None:
    """Look at FEDPROP_KERNELS before anything runs, so that no rule or attack is blamed for what it says.

    Raises
    ------
    InvalidConfig
        If it is none of what it may be.
    """
    _from_environment()


@contextmanager
def kernels_used(use: Use) -> Iterator[None]:
    """Use compiled loops like this in here, whatever the environment variable FEDPROP_KERNELS says."""
    token = _use.set(use)
    try:
        yield
    finally:
        _use.reset(token)


def loops(name: str, entries: int) -> ModuleType | None:
    """The compiled loops of this name, ready to be called on so many entries; None if NumPy is to do it."""
    use = _use.get() or _from_environment()
    wanted = use == "always" or (use == "large" and entries >= LARGE)
    return _warmed(name) if wanted and installed() else None


@cache
def _warmed(name: str) -> ModuleType | None:
    told = f"fedprop gets compiled loops ready ({name}): some seconds, the first time on this machine"
    notice = Timer(SILENT, LOG.warning, [told])
    notice.start()
    try:
        module = import_module(f"fedprop.kernels.{name}")
        module.warm()
    except Exception as error:
        # Numba may not fit NumPy, or find no folder that it may write to, and each says so in a way of its own.
        warnings.warn(f"Numba cannot compile here, so NumPy does it all: {error}", RuntimeWarning, stacklevel=2)
        return None
    finally:
        notice.cancel()
    return module


@cache
def _from_environment() -> Use:
    found = os.environ.get("FEDPROP_KERNELS", "large")
    for use in get_args(Use):
        if found == use:
            return use  # type: ignore[no-any-return]
    raise InvalidConfig(f"`FEDPROP_KERNELS` must be one of {', '.join(get_args(Use))}; found {found!r}")
