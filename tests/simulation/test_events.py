import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.simulation.events import BLOCK, Event, EventKind, Trace, columns

FIRST = Event(seq=0, time=0.1, kind=EventKind.INVITED, round=0, version=0, client=3, task=0)
SECOND = Event(seq=1, time=1.0, kind=EventKind.EVALUATED, round=0, version=1, value=0.5)


LATER = SECOND._replace(round=1)


def link(before: bytes, *block: Event) -> bytes:
    return hashlib.sha256(before + columns(block)).digest()


def test_columns_worked_out_by_hand():
    here, absent = b"\0", b"\1"
    assert columns([FIRST, SECOND]) == b"".join(
        [
            struct.pack("<q", 2),
            here + struct.pack("<2q", 0, 1),
            here + struct.pack("<2q", 0, 0),
            here + struct.pack("<2q", 0, 1),
            absent + b"\0\1" + struct.pack("<q", 3),
            absent + b"\0\1" + struct.pack("<q", 0),
            here + struct.pack("<2d", 0.1, 1.0),
            absent + b"\1\0" + struct.pack("<d", 0.5),
            struct.pack("<2q", 7, 9) + b"invitedevaluated",
            struct.pack("<2q", 0, 0),
        ]
    )


int64s = st.integers(-(2**63), 2**63 - 1)
happened = st.builds(
    Event,
    seq=int64s,
    time=st.floats(allow_nan=False),
    kind=st.sampled_from(EventKind),
    round=int64s,
    version=int64s,
    client=st.none() | int64s,
    task=st.none() | int64s,
    value=st.none() | st.floats(allow_nan=False),
    detail=st.text(st.characters(), max_size=5),
)


def bits(events: list[Event]) -> list[str]:
    return [repr(event) for event in events]


@given(st.lists(happened, min_size=1, max_size=4), st.lists(happened, min_size=1, max_size=4), st.data())
def test_no_two_sequences_have_the_same_columns(events, others, data):
    near = list(events)
    place, name = data.draw(st.integers(0, len(events) - 1)), data.draw(st.sampled_from(Event._fields))
    near[place] = near[place]._replace(**{name: getattr(data.draw(happened), name)})
    for other in (others, near):
        assert (columns(events) == columns(other)) == (bits(events) == bits(other))


def test_hash_is_a_chain_over_rounds():
    trace = Trace()
    assert trace.head == bytes(32).hex()
    for event in (FIRST, SECOND):
        trace.extend(event)
    first = link(bytes(32), FIRST, SECOND)
    assert trace.head == first.hex()
    trace.extend(LATER)
    assert trace.head == link(first, LATER).hex()
    assert trace.count == 3


def test_a_long_round_is_hashed_in_blocks():
    trace, events = Trace(), [FIRST._replace(seq=seq) for seq in range(BLOCK + 1)]
    for event in events:
        trace.extend(event)
    assert trace.head == link(link(bytes(32), *events[:BLOCK]), events[BLOCK]).hex()


@pytest.mark.parametrize("rest", [(LATER,), (LATER, LATER._replace(seq=2, round=2)), ()])
def test_trace_saved_between_two_rounds_goes_on_as_the_original(rest):
    whole = Trace()
    whole.extend(FIRST)
    resumed = Trace(whole.head, whole.count)
    for event in rest:
        whole.extend(event)
        resumed.extend(event)
        assert (resumed.head, resumed.count) == (whole.head, whole.count)
    assert (resumed.head, resumed.count) == (whole.head, whole.count)


def test_every_field_counts():
    other = {"seq": 9, "time": 0.2, "kind": EventKind.LOST, "round": 9, "version": 9, "client": None, "task": None}
    for name, value in {**other, "value": 1.0, "detail": "x"}.items():
        assert columns([FIRST._replace(**{name: value})]) != columns([FIRST]), name


def test_order_counts():
    there, back = Trace(), Trace()
    for one, other in ((FIRST, SECOND), (SECOND, FIRST)):
        there.extend(one)
        back.extend(other)
    assert there.head != back.head
