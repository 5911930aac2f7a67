import _thread
import asyncio
import signal
import threading
from contextvars import ContextVar

import anyio
import anyio.to_thread
import pytest

from fedprop.apart import apart
from fedprop.clock import Timer, VirtualTimeLoop, call_at, hold, now, post, run
from fedprop.errors import InvalidConfig, Stalled


def test_sleeping_moves_the_clock():
    async def main():
        before = anyio.current_time()
        await anyio.sleep(3600)
        await asyncio.sleep(60)
        return before, anyio.current_time()

    assert run(main) == (0.0, 3660.0)


def test_the_clock_begins_at_start_and_arguments_are_passed():
    async def main(a, b):
        return anyio.current_time(), a, b

    assert run(main, 1, "two", start=12.5) == (12.5, 1, "two")


@pytest.mark.parametrize("start", [-1.0, float("nan")])
def test_a_start_before_zero_is_refused(start):
    with pytest.raises(InvalidConfig, match=f"`start` must be at least 0 seconds; found {start}"):
        run(anyio.sleep, 1, start=start)


def test_an_error_comes_out_as_it_is():
    async def main():
        await anyio.sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main)


def test_stalled_names_who_waits():
    async def wait_for_ever():
        await anyio.Event().wait()

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_for_ever, name="a lonely task")

    with pytest.raises(Stalled, match=r"no timer is left, and 2 tasks wait for each other: \['a lonely task', "):
        run(main)


def test_cleaning_up_after_a_stall_may_still_sleep():
    done = []

    async def main():
        try:
            await anyio.Event().wait()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(5)
            done.append(anyio.current_time())

    with pytest.raises(Stalled):
        run(main)
    assert done == [5.0]


def test_a_timer_is_due_at_its_time_whether_or_not_it_is_awaited():
    async def main():
        early, late = Timer(1.0), Timer(2.0)
        await anyio.sleep(1.5)
        await early.wait()
        first = anyio.current_time()
        await late.wait()
        return first, anyio.current_time()

    assert run(main) == (1.5, 2.0)


def test_a_timer_given_up_leaves_no_timer_behind():
    async def main():
        timer = Timer(100.0)
        with anyio.move_on_after(1):
            await timer.wait()
        await anyio.Event().wait()

    with pytest.raises(Stalled):
        run(main)


def test_a_timer_at_infinity_never_fires():
    async def main():
        call_at(float("inf"), pytest.fail, "fired")
        await Timer(float("inf")).wait()

    with pytest.raises(Stalled):
        run(main)


def test_no_timer_fires_after_the_loop_was_stopped():
    loop, fired = VirtualTimeLoop(), []
    loop.call_at(1.0, loop.stop)
    loop.call_at(1.0, fired.append, "later")
    loop.run_forever()
    assert fired == []
    assert loop.time() == 1.0
    loop.call_at(2.0, loop.stop)
    loop.run_forever()
    loop.close()
    assert fired == ["later"]


def test_an_error_in_a_posted_call_ends_the_run():
    async def main():
        post(1.0, int, "no number")
        await anyio.sleep(2)

    with pytest.raises(ValueError, match="no number"):
        run(main)


def test_a_call_posted_at_infinity_never_comes():
    async def main():
        post(float("inf"), pytest.fail, "called")
        await anyio.Event().wait()

    with pytest.raises(Stalled):
        run(main)


def test_a_call_posted_as_last_comes_after_all_that_its_moment_brings():
    log = []

    async def main():
        post(1.0, log.append, "last", last=True)
        post(1.0, log.append, "first")
        post(1.0, lambda: post(1.0, log.append, "set by another"))
        await anyio.sleep(2)
        return log

    assert run(main) == ["first", "set by another", "last"]


def test_calls_are_posted_in_real_time_too():
    async def main():
        rung = anyio.Event()
        post(anyio.current_time(), rung.set, last=True)
        await rung.wait()
        return "done"

    assert anyio.run(main) == "done"


def test_now_is_the_loops_time():
    async def main():
        await anyio.sleep(3)
        return now(), anyio.current_time()

    assert run(main) == (3.0, 3.0)


def test_threads_that_outlive_the_program_are_awaited():
    finished = threading.Event()

    async def main():
        release = threading.Event()
        asyncio.get_running_loop().run_in_executor(None, lambda: (release.wait(5), finished.set()))
        release.set()

    run(main)
    assert finished.is_set()


def test_hold_does_nothing_in_real_time():
    async def main():
        with hold():
            await anyio.sleep(0)
        return "done"

    assert anyio.run(main) == "done"


def test_hold_is_undone_by_an_error():
    async def main():
        with pytest.raises(KeyError), hold():
            raise KeyError
        await anyio.sleep(1)
        return anyio.current_time()

    assert run(main) == 1.0


def test_results_and_errors_come_back_from_threads():
    async def main():
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        value = await anyio.to_thread.run_sync(lambda: 7)
        await anyio.sleep(1)
        return value, anyio.current_time()

    assert run(main) == (7, 1.0)


# Where a loop runs already

SAID = ContextVar("said", default="nothing")


async def virtual_hour():
    await anyio.sleep(3600)
    return anyio.current_time(), SAID.get(), threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize(
    "outer", [asyncio.run, lambda coroutine: anyio.run(lambda: coroutine), lambda c: run(lambda: c)]
)
def test_a_run_inside_a_running_loop_has_a_thread_of_its_own_and_the_same_context(outer):
    async def notebook():
        SAID.set("something")
        return run(virtual_hour)

    assert outer(notebook()) == (3600.0, "something", False)
    assert run(virtual_hour) == (3600.0, "nothing", True)


def test_what_another_library_says_of_its_loop_stays_in_its_thread():
    library = ContextVar("current_async_library_cvar", default=None)  # as sniffio's

    async def notebook():
        library.set("asyncio")
        return run(lambda: asyncio.sleep(1, library.get()))

    assert asyncio.run(notebook()) is None


def test_an_error_inside_a_running_loop_comes_out_as_it_is():
    async def failing():
        await anyio.sleep(1)
        raise KeyError("mine")

    async def notebook():
        run(failing)

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(notebook())


async def interrupted(ended):
    try:
        _thread.interrupt_main()
        with hold():
            await asyncio.get_running_loop().run_in_executor(None, threading.Event().wait, 0.01)
        while True:
            await anyio.sleep(1)
    finally:
        ended.append(True)


@pytest.mark.parametrize("handled", [True, False], ids=["as under asyncio.run", "as in a notebook"])
def test_an_interrupt_ends_a_run_inside_a_running_loop(handled):
    ended = []

    async def notebook():
        if not handled:  # asyncio.run turns the first interrupt into a cancellation; a notebook's loop does not
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run(interrupted, ended)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(notebook())
    assert ended == [True]


def test_an_interrupt_before_the_loop_begins_ends_it_at_once(monkeypatch):
    def stopped(work, stop):
        stop()
        return apart(work, stop)

    monkeypatch.setattr("fedprop.clock.apart", stopped)

    async def notebook():
        run(virtual_hour)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(notebook())
