"""Virtual time: an asyncio event loop whose clock jumps to the next timer when nothing else is left to do.

Code on this loop is ordinary async code. `anyio.sleep(3600)`, deadlines and timeouts cost no real time, and a run is
repeatable, because

- a timer fires only when no other callback is ready, so everything one event causes happens before the next event;
- timers of equal time fire in the order in which they were set (but those posted as `last` after the others);
- while something real is awaited (a thread, or a block under `hold`), the clock stands still.

    >>> import anyio
    >>> async def nap() -> float:
    ...     await anyio.sleep(3600)
    ...     return anyio.current_time()
    >>> run(nap)
    3600.0
"""

import asyncio
import math
import selectors
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

from fedprop.apart import apart, loop_runs
from fedprop.errors import InvalidConfig, Stalled
from fedprop.types import Seconds

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


_Timer: TypeAlias = tuple[float, bool, int, asyncio.TimerHandle | None, Callable[..., object], tuple[Any, ...]]
"""When, whether after all others of that time, its number, its handle if it can be cancelled, and what it calls."""


class _Selector(selectors.DefaultSelector):
    """Asks the clock what to do whenever asyncio has nothing ready and would wait for the outside world."""

    idle: Callable[[], bool]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None and self.idle():
            return []
        return super().select(timeout)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop in virtual time, which starts at `start` seconds.

    asyncio's own list of timers is never used: it compares them by time alone, so equal times come out in any order.
    Timers that fall due run one after the other, without a turn of the loop between them, until one makes something
    ready.
    """

    _ready: deque[asyncio.Handle]  # asyncio's queue of callbacks that can run now
    _stopping: bool  # asyncio's: somebody called `stop`

    def __init__(self, start: Seconds = 0.0) -> None:
        selector = _Selector()
        selector.idle = self._advance
        self._now = start
        self._timers: list[_Timer] = []
        self._count = 0
        self._holds = 0
        self._holds_lock = threading.Lock()
        self.limiter: anyio.CapacityLimiter | None = None
        super().__init__(selector)

    def run_forever(self) -> None:
        """As asyncio's."""
        _running.loop = self
        try:
            super().run_forever()
        finally:
            _running.loop = None

    def time(self) -> float:
        """The current virtual time in seconds."""
        return self._now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule a callback; of two with equal `when`, the one scheduled first runs first, and at infinity none."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if when < math.inf:
            self._count += 1
            heappush(self._timers, (when, False, self._count, handle, handle._run, ()))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to do: cancelled timers are skipped when they come up."""

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """As asyncio's, but the clock stands still until the thread has finished."""
        future = super().run_in_executor(executor, func, *args)
        self.acquire()
        future.add_done_callback(lambda _: self.release())
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the executor's threads; they end in real time, so the clock stands still."""
        self.acquire()
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self.release()

    def acquire(self) -> None:
        """Stop the clock until a matching `release`."""
        with self._holds_lock:
            self._holds += 1

    def release(self) -> None:
        """Undo one `acquire`."""
        with self._holds_lock:
            self._holds -= 1

    @property
    def held(self) -> bool:
        """Whether something real is being awaited."""
        return self._holds > 0 or (self.limiter is not None and self.limiter.borrowed_tokens > 0)

    def _advance(self) -> bool:
        """Fire timers until one makes something ready; False if the loop must wait for the outside world instead."""
        if self.held:
            return False
        ready, timers = self._ready, self._timers
        while not (ready or self._stopping or self._holds):
            if not timers:
                self._stall()
            when, _, _, handle, callback, args = heappop(timers)
            if handle is None or not handle.cancelled():
                if when > self._now:
                    self._now = when
                callback(*args)
        return True

    def _stall(self) -> NoReturn:
        waiting = [task.get_name() for task in asyncio.all_tasks(self)]
        raise Stalled(f"no timer is left, and {len(waiting)} tasks wait for each other: {sorted(waiting)[:8]}")


class _Running(threading.local):
    """Each thread's running virtual loop: asyncio's own record of it asks the operating system on every access."""

    loop: VirtualTimeLoop | None = None


_running = _Running()


def now() -> Seconds:
    """The running loop's time; as `anyio.current_time`, and cheap enough for every simulated message."""
    loop = _running.loop
    return asyncio.get_running_loop().time() if loop is None else loop._now


def call_at(when: Seconds, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
    """Call a function at the running loop's time `when`; the returned handle can be cancelled."""
    return asyncio.get_running_loop().call_at(when, callback, *args)


def post(when: Seconds, callback: Callable[..., object], *args: Any, last: bool = False) -> None:
    """As `call_at`, at a third of the cost: the call cannot be cancelled, and its error ends the run.

    With `last` the call comes after everything else that is due at `when`, whenever that is scheduled. A loop in real
    time knows no such order, and keeps errors to itself.
    """
    loop = _running.loop
    if loop is None:
        asyncio.get_running_loop().call_at(when, callback, *args)
    elif when < math.inf:
        loop._count = number = loop._count + 1
        heappush(loop._timers, (when, last, number, None, callback, args))


class Timer:
    """An event that the clock sets at exactly `when`. It runs from when it is made, not from when it is awaited."""

    def __init__(self, when: Seconds) -> None:
        self._due = anyio.Event()
        self._timer = call_at(when, self._due.set)

    async def wait(self) -> None:
        """Wait until it is due."""
        try:
            await self._due.wait()
        finally:
            self._timer.cancel()


@contextmanager
def hold() -> Iterator[None]:
    """Stop the virtual clock while the block awaits something real that the loop cannot see, such as a socket.

    Threads started through `anyio.to_thread.run_sync` (with its default limiter) or `asyncio.to_thread` need no hold.
    On a loop in real time this does nothing.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        yield
        return
    loop.acquire()
    try:
        yield
    finally:
        loop.release()


def run(main: Callable[..., Awaitable[T]], *args: Any, start: Seconds = 0.0) -> T:
    """Run an async function to its end in virtual time and return what it returns.

    Where a loop already runs in this thread, as in a notebook, it runs in a thread of its own, and this one waits.

    Parameters
    ----------
    main : the async function; `args` are passed to it.
    start : the virtual time at which the clock begins, in seconds.

    Raises
    ------
    Stalled
        If every task waits and no timer is left.
    InvalidConfig
        If `start` is negative.
    """
    if not start >= 0:
        raise InvalidConfig(f"`start` must be at least 0 seconds; found {start}")
    program = _Program(main, args)

    def work() -> T:
        options = {"loop_factory": lambda: VirtualTimeLoop(start)}
        return anyio.run(program.run, backend="asyncio", backend_options=options)

    return apart(work, program.stop) if loop_runs() else work()


class _Program(Generic[T]):
    """An async function on a virtual loop, which another thread may stop."""

    def __init__(self, main: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        self._main, self._args = main, args
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False

    async def run(self) -> T:
        """To its end."""
        loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped:
            raise asyncio.CancelledError
        if isinstance(loop, VirtualTimeLoop):
            loop.limiter = anyio.to_thread.current_default_thread_limiter()
        return await self._main(*self._args)

    def stop(self) -> None:
        """Cancel it; called from another thread."""
        self._stopped = True
        if self._task is not None:
            with suppress(RuntimeError):  # the loop is closed: it has ended by itself
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
