"""The clock: what fires, when, and in which order.

Statement. On the virtual loop, for every program of timers (set from outside, from other timers, cancelled or not):

1. timers fire in order of (time, order of scheduling), those posted as last after all others of their time, and one
   cancelled before it fired never does;
2. the clock shows max(time before, time of the timer) when a timer fires, and so never goes back;
3. everything one timer causes at its instant happens before the next timer, even one of the same instant;
4. the clock stands still while a worker thread runs or a block under `hold` waits;
5. a deadline cuts off work that takes as long or longer, at the deadline;
6. when no timer is left and everybody waits, `Stalled` is raised.

Source: the event list of discrete-event simulation (Fishman 1973), ties broken by order of scheduling.

Reason: timers lie in a heap ordered by (time, whether last, sequence number), and one is taken out only when no
callback is ready and nothing real is awaited.
"""

import asyncio
import threading
import time
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.clock import Timer, call_at, hold, post, run
from fedprop.errors import Stalled

END = 1e15
"""Later than every timer of a generated program."""


@dataclass(frozen=True)
class Step:
    """A timer: who sets it (an earlier one, or -1 for the start), how far ahead, which timers it cancels, and how.

    `how` it is set: as one that can be cancelled, posted, or posted as last.
    """

    parent: int
    delay: float
    cancels: tuple[int, ...]
    how: str = "timer"


delays = st.sampled_from([-1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 0.5, 1e-9, 1e9])


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    n = draw(st.integers(1, 25))
    cancels = st.lists(st.integers(0, n - 1), max_size=2).map(tuple)
    hows = st.sampled_from(["timer", "timer", "posted", "last"])
    return [Step(draw(st.integers(-1, i - 1)), draw(delays), draw(cancels), draw(hows)) for i in range(n)]


def predicted(program: list[Step], start: float) -> list[tuple[int, float]]:
    """What fires and what the clock shows then, by searching for the least (time, whether last, order set)."""
    pending: dict[int, tuple[float, bool, int]] = {}
    log: list[tuple[int, float]] = []
    now, count = start, 0

    def set_by(parent: int) -> None:
        nonlocal count
        for i, step in enumerate(program):
            if step.parent == parent:
                pending[i] = (now + step.delay, step.how == "last", count)
                count += 1

    set_by(-1)
    while pending:
        i = min(pending, key=lambda j: pending[j])
        now = max(now, pending.pop(i)[0])
        log.append((i, now))
        for victim in program[i].cancels:
            if program[victim].how == "timer":
                pending.pop(victim, None)
        set_by(i)
    return log


def performed(program: list[Step], start: float) -> list[tuple[int, float]]:
    """The same on the virtual loop."""
    handles: dict[int, asyncio.TimerHandle] = {}
    log: list[tuple[int, float]] = []

    def set_by(parent: int) -> None:
        for i, step in enumerate(program):
            if step.parent != parent:
                continue
            if step.how == "timer":
                handles[i] = call_at(anyio.current_time() + step.delay, fire, i)
            else:
                post(anyio.current_time() + step.delay, fire, i, last=step.how == "last")

    def fire(i: int) -> None:
        log.append((i, anyio.current_time()))
        for victim in program[i].cancels:
            if victim in handles:
                handles[victim].cancel()
        set_by(i)

    async def main() -> None:
        set_by(-1)
        await anyio.sleep_until(END)

    run(main, start=start)
    return log


@given(programs(), st.sampled_from([0.0, 0.0, 7.0, 1e9]))
def test_programs_of_timers_agree_with_a_sorted_list(program, start):
    log = performed(program, start)
    assert log == predicted(program, start)
    times = [now for _, now in log]
    assert times == sorted(times)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30), st.floats(0, 1e9))
def test_tiny_differences_at_huge_times_keep_their_order(ticks, start):
    base, tick = 1e9 + start, 2**-20
    log = performed([Step(-1, ticks_ * tick, ()) for ticks_ in ticks], base)
    assert [i for i, _ in log] == sorted(range(len(ticks)), key=lambda i: (base + ticks[i] * tick, i))
    assert [now for _, now in log] == sorted(base + t * tick for t in ticks)


@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0]), st.integers(0, 5)), min_size=1, max_size=12))
def test_all_that_a_timer_causes_happens_before_the_next_one(plans):
    log: list[tuple[int, int]] = []

    async def work(i: int, timer: Timer, hops: int) -> None:
        await timer.wait()
        log.append((i, 0))
        for hop in range(hops):
            await anyio.lowlevel.checkpoint()
            log.append((i, hop + 1))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for i, (when, hops) in enumerate(plans):
                tasks.start_soon(work, i, Timer(when), hops)

    run(main)
    order = sorted(range(len(plans)), key=lambda i: (plans[i][0], i))
    assert log == [(i, hop) for i in order for hop in range(plans[i][1] + 1)]


@pytest.mark.parametrize("to_thread", [anyio.to_thread.run_sync, asyncio.to_thread])
@given(starts=st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0]), min_size=1, max_size=3))
def test_worker_threads_hold_the_clock(to_thread, starts):
    seen: list[tuple[float, float]] = []

    async def work(start: float) -> None:
        await anyio.sleep_until(start)
        await to_thread(time.sleep, 0.001)
        seen.append((start, anyio.current_time()))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for start in starts:
                tasks.start_soon(work, start)
            await anyio.sleep(10)

    run(main)
    assert len(seen) == len(starts)
    assert all(start == ended for start, ended in seen)


@given(st.floats(0.0, 100.0), st.floats(1e-3, 100.0))
def test_a_block_under_hold_holds_the_clock(before, other):
    async def main() -> tuple[float, float]:
        await anyio.sleep_until(before)
        rung, loop = asyncio.Event(), asyncio.get_running_loop()
        call_at(before + other, lambda: None)
        outside = threading.Thread(target=lambda: (time.sleep(0.001), loop.call_soon_threadsafe(rung.set)))
        with hold():
            outside.start()
            await rung.wait()
            held = anyio.current_time()
        outside.join()
        await anyio.sleep(1.0)
        return held, anyio.current_time()

    assert run(main) == (before, before + 1.0)


durations = st.sampled_from([0.0, 0.5, 1.0, 1.0, 2.0, 1e9])


@given(durations, durations, durations)
def test_the_first_deadline_cuts_off_the_work(outer, inner, work):
    async def main() -> tuple[bool, bool, float]:
        with anyio.move_on_after(outer) as outside, anyio.move_on_after(inner) as inside:
            await anyio.sleep(work)
        return outside.cancelled_caught, inside.cancelled_caught, anyio.current_time()

    cut = min(outer, inner) <= work
    by_outer = cut and outer <= inner
    assert run(main) == (by_outer, cut and not by_outer, min(outer, inner, work))


@given(durations, durations)
def test_fail_after_raises_at_its_deadline(deadline, work):
    async def main() -> tuple[bool, float]:
        try:
            with anyio.fail_after(deadline):
                await anyio.sleep(work)
        except TimeoutError:
            return True, anyio.current_time()
        return False, anyio.current_time()

    assert run(main) == (deadline <= work, min(deadline, work))


@given(st.lists(st.sampled_from([0.0, 1.0, 5.0]), max_size=4), st.integers(1, 4), st.booleans())
def test_stalled_when_nothing_can_happen(naps, waiting, endless):
    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for nap in naps:
                tasks.start_soon(anyio.sleep, nap)
            for _ in range(waiting):
                tasks.start_soon(anyio.Event().wait)
            call_at(3.0, lambda: None).cancel()
            if endless:
                await anyio.sleep(float("inf"))

    with pytest.raises(Stalled, match=f"{waiting + 1} tasks wait"):
        run(main)
