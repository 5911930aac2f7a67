import hashlib

from fedprop.simulation.events import Event, EventKind, Trace

FIRST = Event(seq=0, time=0.1, kind=EventKind.INVITED, round=0, version=0, client=3, task=0)
SECOND = Event(seq=1, time=1.0, kind=EventKind.EVALUATED, round=0, version=1, value=0.5)


def test_line_is_canonical_json():
    assert FIRST.line() == b'[0,"0.1","invited",0,0,3,0,"None",""]\n'
    assert SECOND.line() == b'[1,"1.0","evaluated",0,1,null,null,"0.5",""]\n'


def test_hash_is_a_chain_over_the_lines():
    trace = Trace()
    trace.extend(FIRST)
    first = hashlib.sha256(bytes(32) + FIRST.line()).digest()
    assert trace.head == first.hex()
    trace.extend(SECOND)
    assert trace.head == hashlib.sha256(first + SECOND.line()).hexdigest()
    assert trace.count == 2


def test_saved_trace_goes_on_as_the_original():
    whole = Trace()
    whole.extend(FIRST)
    resumed = Trace(whole.head, whole.count)
    for trace in (whole, resumed):
        trace.extend(SECOND)
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
