import anyio
import pytest

from fedprop.clock import call_at, run
from fedprop.errors import Stalled
from fedprop.simulation.inbox import Inbox


def test_messages_come_in_the_order_they_were_put():
    async def main():
        inbox = Inbox()
        for item in "abc":
            inbox.put(item)
        return [await inbox.get() for _ in range(3)]

    assert run(main) == ["a", "b", "c"]


def test_a_reader_waits_until_a_message_comes():
    async def main():
        inbox, seen = Inbox(), []
        for when, item in ((2.0, "first"), (2.0, "second"), (5.0, "third")):
            call_at(when, inbox.put, item)
        for _ in range(3):
            seen.append((await inbox.get(), anyio.current_time()))
        return seen

    assert run(main) == [("first", 2.0), ("second", 2.0), ("third", 5.0)]


def test_a_reader_that_gave_up_loses_no_message():
    async def main():
        inbox = Inbox()
        call_at(1.0, inbox.put, "late")
        with anyio.move_on_after(0.5):
            await inbox.get()
        assert not inbox.items
        return await inbox.get(), anyio.current_time()

    assert run(main) == ("late", 1.0)


@pytest.mark.parametrize("message_first", [True, False])
def test_a_message_and_a_deadline_at_one_instant_are_settled_by_their_order(message_first):
    async def main():
        inbox = Inbox()
        if message_first:
            call_at(1.0, inbox.put, "item")
        with anyio.move_on_after(1.0) as scope:
            if not message_first:
                call_at(1.0, inbox.put, "item")
            await inbox.get()
        await anyio.sleep(1)
        return scope.cancelled_caught, list(inbox.items)

    assert run(main) == ((False, []) if message_first else (True, ["item"]))


def test_an_empty_inbox_keeps_its_reader_waiting():
    async def main():
        await Inbox().get()

    with pytest.raises(Stalled):
        run(main)


def test_a_reader_handles_each_message_when_it_comes_until_it_has_enough():
    async def main():
        inbox, seen = Inbox(), []

        def take(item):
            seen.append((item, anyio.current_time()))
            return len(seen) == 3

        inbox.put("waiting")
        for when, item in ((1.0, "a"), (2.0, "b"), (2.0, "too much")):
            call_at(when, inbox.put, item)
        await inbox.serve(take)
        ended = anyio.current_time()
        await anyio.sleep(1)
        return seen, ended, list(inbox.items)

    assert run(main) == ([("waiting", 0.0), ("a", 1.0), ("b", 2.0)], 2.0, ["too much"])


def test_messages_put_together_after_the_reader_had_enough_are_kept():
    async def main():
        inbox, seen = Inbox(), []

        def put_both():
            inbox.put("enough")
            inbox.put("next")

        call_at(1.0, put_both)
        await inbox.serve(lambda item: seen.append(item) is None)
        return seen, list(inbox.items)

    assert run(main) == (["enough"], ["next"])


def test_a_reader_can_be_woken_without_a_message():
    async def main():
        inbox = Inbox()
        inbox.wake()
        call_at(3.0, inbox.wake)
        await inbox.serve(lambda item: True)
        return anyio.current_time()

    assert run(main) == 3.0
