"""A mailbox whose content is plain state."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Messages in the order they came; one reader."""

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self._arrival: asyncio.Future[None] | None = None

    def put(self, item: T) -> None:
        """Add a message and wake the reader."""
        self.items.append(item)
        self.wake()

    def wake(self) -> None:
        """Wake the reader, if one waits."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def wait(self) -> None:
        """Wait until there is a message, or somebody wakes the reader without one."""
        if not self.items:
            # A bare future, since an event of its own for every message would cost more than the rest of the delivery.
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival

    async def get(self) -> T:
        """The oldest message, waiting for one if there is none."""
        while not self.items:
            await self.wait()
        return self.items.popleft()
