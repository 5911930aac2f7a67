import anyio
import pytest
import torch

from fedprop.clock import run
from fedprop.messages import HEADER_BYTES, Invitation, Update
from fedprop.network import Network
from fedprop.simulation.events import EventKind
from fedprop.simulation.transport import Parcel, Transport


class Post:
    """A transport whose events and deliveries are written down."""

    def __init__(self, network, seed=0):
        self.events, self.arrived = [], []
        self.transport = Transport(network, seed, self.emit)
        for direction in ("up", "down"):
            self.transport.connect(direction, self.receiver(direction))

    def emit(self, kind, *, client=None, task=None, version=None, value=None, detail=""):
        self.events.append((kind, client, task, detail))

    def receiver(self, direction):
        return lambda client, message: self.arrived.append((direction, client, message, anyio.current_time()))


def update(task=7, size=10):
    return Update(client=1, task=task, version=0, update=torch.zeros(size), examples=1)


def invitation(task=3):
    return Invitation(task=task, round=0, version=0, parameters=torch.zeros(4))


def deliver(post, *sendings, wait=1000.0):
    async def main():
        sent = [post.transport.send(*sending) for sending in sendings]
        await anyio.sleep(wait)
        return sent

    return run(main)


def test_a_message_arrives_at_its_receiver_after_the_delay():
    post, message, order = Post(Network(latency=2.0)), update(), invitation()
    assert deliver(post, ("up", 1, message), ("down", 5, order)) == [True, True]
    assert post.arrived == [("up", 1, message, 2.0), ("down", 5, order, 2.0)]
    assert post.events == []
    assert post.transport.under_way == {}


def test_the_delay_depends_on_the_size_of_the_message():
    post = Post(Network(latency=0.0, uplink=1.0))
    deliver(post, ("up", 1, update(size=10)), ("up", 1, b"12345"))
    assert [when for *_, when in post.arrived] == [HEADER_BYTES + 5.0, HEADER_BYTES + 40.0]


@pytest.mark.parametrize(("message", "task"), [(update(), 7), (b"junk", None)])
def test_a_lost_message_is_an_event_and_nothing_more(message, task):
    post = Post(Network(loss=0.999999))
    assert deliver(post, ("up", 1, message)) == [False]
    assert post.arrived == []
    assert post.events == [(EventKind.LOST, 1, task, "uplink")]


def test_a_doubled_message_arrives_twice():
    post = Post(Network(duplicate=1.0))
    deliver(post, ("down", 4, invitation()))
    assert [client for _, client, *_ in post.arrived] == [4, 4]
    assert post.events == [(EventKind.DUPLICATED, 4, 3, "downlink")]


def test_messages_of_one_link_and_direction_are_counted():
    post = Post(Network())
    deliver(post, ("up", 1, b"a"), ("up", 1, b"b"), ("down", 1, invitation()), ("up", 2, b"c"))
    assert post.transport.sent == {"down": {1: 1}, "up": {1: 2, 2: 1}}


def test_luck_is_a_messages_own():
    one_link = Post(Network(loss=0.5))
    assert set(deliver(one_link, *[("up", 1, b"")] * 50)) == {True, False}


def test_equal_delays_keep_the_order_of_sending():
    post = Post(Network())
    deliver(post, *[("up", client, b"%d" % client) for client in (3, 1, 2)])
    assert [client for _, client, *_ in post.arrived] == [3, 1, 2]


def test_what_is_under_way_can_be_taken_up_by_another_transport():
    first, second = Post(Network(latency=5.0)), Post(Network(latency=5.0))
    deliver(first, ("up", 1, b"early"), ("up", 2, b"late"), wait=1.0)
    waiting = list(first.transport.under_way.values())
    assert [(parcel.client, parcel.due) for parcel in waiting] == [(1, 5.0), (2, 5.0)]

    async def main():
        for parcel in waiting:
            second.transport.carry(Parcel(**parcel._asdict()))
        await anyio.sleep(10)

    run(main, start=1.0)
    assert second.arrived == [("up", 1, b"early", 5.0), ("up", 2, b"late", 5.0)]
