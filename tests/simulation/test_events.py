import hashlib

import pytest

from fedprop.simulation.events import BLOCK, Event, EventKind, Trace

FIRST = Event(seq=0, time=0.1, kind=EventKind.INVITED, round=0, version=0, client=3, task=0)
SECOND = Event(seq=1, time=1.0, kind=EventKind.EVALUATED, round=0, version=1, value=0.5)


LATER = SECOND._replace(round=1)


def link(before: bytes, *block: Event) -> bytes:
    return hashlib.sha256(before + "".join(event.line() for event in block).encode()).digest()


def test_line_is_canonical_text():
    assert FIRST.line() == "0 0.1 invited 0 0 3 0 None ''\n"
    assert SECOND.line() == "1 1.0 evaluated 0 1 None None 0.5 ''\n"
    assert FIRST._replace(detail="é\n").line() == "0 0.1 invited 0 0 3 0 None '\\xe9\\n'\n"


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
        assert FIRST._replace(**{name: value}).line() != FIRST.line(), name


def test_order_counts():
    there, back = Trace(), Trace()
    for one, other in ((FIRST, SECOND), (SECOND, FIRST)):
        there.extend(one)
        back.extend(other)
    assert there.head != back.head
