"""The state of something that is made of parts: None if none of them remembers anything, or else one for each."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Remembers(Protocol):
    """Whatever has a first state."""

    def init(self) -> Any:
        """The state before the first round."""


def joined(states: Iterable[Any]) -> tuple[Any, ...] | None:
    """The states of all parts as one.

    >>> joined([None, None]), joined([None, 3])
    (None, (None, 3))
    """
    every = tuple(states)
    return None if all(state is None for state in every) else every


def split(state: Any, parts: Sequence[Remembers]) -> tuple[Any, ...]:
    """What each part remembers, the inverse of `joined`; a part without a state begins with its first one."""
    each = (None,) * len(parts) if state is None else state
    return tuple(part.init() if own is None else own for part, own in zip(parts, each, strict=True))
