"""A mailbox whose content is plain state."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Reader(NamedTuple, Generic[T]):
    """Who waits: what it does with a message, and what lets it go on."""

    handle: Callable[[T], bool]
    released: asyncio.Future[None]


class Inbox(Generic[T]):
    """Messages in the order they came; one reader."""

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self._reader: _Reader[T] | None = None

    def put(self, item: T) -> None:
        """Hand a message to the reader if one waits, or else keep it."""
        reader = self._reader
        if reader is None or reader.released.done():
            self.items.append(item)
        elif reader.handle(item):
            self.wake()

    def wake(self) -> None:
        """Let the reader go on, if one waits."""
        if self._reader is not None and not self._reader.released.done():
            self._reader.released.set_result(None)

    async def serve(self, handle: Callable[[T], bool]) -> None:
        """Hand messages to `handle`, each at the moment it comes, until it returns True or somebody calls `wake`.

        The reader's task sleeps meanwhile: to wake it for every message would cost more than to handle one.
        """
        while self.items:
            if handle(self.items.popleft()):
                return
        self._reader = _Reader(handle, asyncio.get_running_loop().create_future())
        try:
            await self._reader.released
        finally:
            self._reader = None

    async def get(self) -> T:
        """The oldest message, waiting for one if there is none."""
        found: list[T] = []

        def take(item: T) -> bool:
            found.append(item)
            return True

        while not found:
            await self.serve(take)
        return found[0]
