from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.messages import Reason
from fedprop.report import Phase, timeline
from fedprop.simulation.events import Event, EventKind

K = EventKind
TASK_PHASES = (Phase.DOWN, Phase.TRAINING, Phase.UP)


def story(*steps: tuple[float, EventKind], client: int = 1, task: int = 0) -> list[Event]:
    return [Event(seq, time, kind, 1, 0, client, task) for seq, (time, kind) in enumerate(steps)]


def spans(events: list[Event]) -> list[tuple]:
    return [(i.phase, i.start, i.end, i.outcome) for i in timeline(events) if i.phase in TASK_PHASES]


anything = st.lists(
    st.builds(
        Event,
        seq=st.integers(0, 50),
        time=st.floats(0, 100),
        kind=st.sampled_from(EventKind),
        round=st.integers(0, 3),
        version=st.just(0),
        client=st.none() | st.integers(0, 2),
        task=st.none() | st.integers(0, 3),
    ),
    max_size=40,
)


def test_a_task_that_goes_well():
    events = story((0, K.INVITED), (1, K.RECEIVED), (5, K.TRAINED), (7, K.ARRIVED), (7, K.ACCEPTED))
    assert spans(events) == [
        (Phase.DOWN, 0, 1, K.RECEIVED),
        (Phase.TRAINING, 1, 5, K.TRAINED),
        (Phase.UP, 5, 7, K.ARRIVED),
    ]


def test_an_alarm_that_arrives_or_is_lost_ends_no_training():
    begun = ((0, K.INVITED), (1, K.RECEIVED), (1, K.BEGAN))
    expected = [(Phase.DOWN, 0, 1, K.RECEIVED), (Phase.TRAINING, 1, 90, K.TRAINED), (Phase.UP, 90, 92, K.ARRIVED)]
    done = ((90, K.TRAINED), (92, K.ARRIVED), (92, K.ACCEPTED))
    assert spans(story(*begun, (2, K.ARRIVED), (2, K.HEARD), *done)) == expected
    assert spans(story(*begun, (1, K.LOST), *done[:2], (92, K.REJECTED))) == expected
    assert spans(story(*begun, (1, K.DUPLICATED), (2, K.ARRIVED), (2, K.HEARD), (3, K.ARRIVED), *done)) == expected


def test_an_alarm_that_arrives_after_training_does_not_end_the_way_up():
    events = story((0, K.INVITED), (1, K.RECEIVED), (5, K.TRAINED), (6, K.ARRIVED), (6, K.HEARD), (8, K.ARRIVED))
    assert spans(events)[-1] == (Phase.UP, 5, 8, K.ARRIVED)
    second = [*events[:3], *story((6, K.ARRIVED), (6, K.REJECTED), (8, K.ARRIVED), (8, K.ACCEPTED))]
    numbered = [event._replace(seq=seq) for seq, event in enumerate(second)]
    assert spans(numbered)[-1] == (Phase.UP, 5, 6, K.ARRIVED)
    numbered[4] = numbered[4]._replace(detail=Reason.REPORT_REPLAYED.value)
    assert spans(numbered)[-1] == (Phase.UP, 5, 8, K.ARRIVED)


def test_judgements_may_come_long_after_arrivals():
    busy = story((0, K.INVITED), (1, K.RECEIVED), (5, K.TRAINED), (6, K.ARRIVED), (7, K.ARRIVED), (9, K.HEARD))
    assert spans(busy)[-1] == (Phase.UP, 5, 7, K.ARRIVED)


def test_a_crash_ends_training_and_a_timeout_ends_nothing():
    events = story((0, K.INVITED), (1, K.RECEIVED), (2, K.TIMED_OUT), (3, K.CRASHED))
    assert spans(events) == [(Phase.DOWN, 0, 1, K.RECEIVED), (Phase.TRAINING, 1, 3, K.CRASHED)]


def test_a_task_without_an_end_is_cut_at_the_end_of_the_run():
    events = [*story((0, K.INVITED), (1, K.RECEIVED)), Event(9, 8, K.AGGREGATED, 1, 1)]
    assert spans(events)[-1] == (Phase.TRAINING, 1, 8, None)


def test_duplicates_change_nothing():
    once = story((0, K.INVITED), (1, K.RECEIVED), (5, K.TRAINED), (7, K.ARRIVED), (9, K.REJECTED))
    twice = story((0, K.INVITED), (1, K.RECEIVED), (2, K.RECEIVED), (5, K.TRAINED), (7, K.ARRIVED), (9, K.ARRIVED))
    assert spans(once) == spans(twice)


def test_nothing_follows_a_lost_message_even_if_the_loss_was_noted_first():
    events = story((0, K.LOST), (0, K.INVITED), (9, K.TIMED_OUT))
    assert spans(events) == []
    assert spans(story((0, K.INVITED), (2, K.LOST), (9, K.TIMED_OUT))) == [(Phase.DOWN, 0, 2, K.LOST)]


def test_an_invitation_that_was_duplicated_may_reach_a_client_that_was_down_for_the_first_copy():
    events = story((0, K.INVITED), (1, K.UNREACHABLE), (4, K.RECEIVED), (6, K.TRAINED), (7, K.ARRIVED))
    assert (Phase.TRAINING, 4, 6, K.TRAINED) in spans(events)


def test_rounds_are_the_servers():
    kinds = (K.ROUND_OPENED, K.AGGREGATED, K.ROUND_OPENED, K.ROUND_FAILED, K.ROUND_OPENED, K.EVALUATED)
    events = [Event(seq, float(seq), kind, 1 + seq // 2, 0) for seq, kind in enumerate(kinds)]
    rounds = [(i.client, i.round, i.start, i.end, i.outcome) for i in timeline(events) if i.phase is Phase.ROUND]
    assert rounds == [(None, 1, 0, 1, K.AGGREGATED), (None, 2, 2, 3, K.ROUND_FAILED), (None, 3, 4, 5, None)]


def test_a_client_waits_before_between_and_after_its_tasks():
    first = story((2, K.INVITED), (3, K.DROPPED))
    second = story((5, K.INVITED), (6, K.DROPPED), task=1)
    events = [Event(0, 0, K.ROUND_OPENED, 1, 0), *first, *second, Event(99, 9, K.AGGREGATED, 1, 1)]
    waits = [(i.client, i.start, i.end) for i in timeline(events) if i.phase is Phase.WAITING]
    assert waits == [(1, 0, 2), (1, 3, 5), (1, 6, 9)]


def test_no_events_no_intervals():
    assert timeline([]) == []


@settings(deadline=None)
@given(anything)
def test_intervals_of_one_task_are_in_order_and_do_not_overlap(events):
    tasks = defaultdict(list)
    for interval in timeline(events):
        if interval.phase in TASK_PHASES:
            tasks[interval.client, interval.task].append(interval)
    for intervals in tasks.values():
        assert len({i.phase for i in intervals}) == len(intervals)
        intervals.sort(key=lambda i: TASK_PHASES.index(i.phase))
        assert all(before.end <= after.start for before, after in pairwise(intervals))


@settings(deadline=None)
@given(anything)
def test_intervals_lie_within_the_run_and_run_forward(events):
    times = [event.time for event in events]
    assert all(min(times) <= i.start <= i.end <= max(times) for i in timeline(events))


@settings(deadline=None)
@given(anything, st.permutations(range(3)))
def test_every_task_that_was_received_and_trained_has_its_training_interval(noise, order):
    """Whatever happens to other tasks, and however often its own messages are repeated."""
    own = [Event(0, 10.0, K.RECEIVED, 1, 0, 7, 7), Event(1, 30.0, K.TRAINED, 1, 0, 7, 7)]
    repeats = [Event(2, 20.0, K.RECEIVED, 1, 0, 7, 7), Event(3, 40.0, K.TRAINED, 1, 0, 7, 7), own[1]]
    found = timeline([*noise, *own, *(repeats[i] for i in order)])
    training = [(i.start, i.end) for i in found if i.client == 7 and i.phase is Phase.TRAINING]
    assert training == [(10.0, 30.0)]


@settings(deadline=None)
@given(anything)
def test_a_client_waits_exactly_when_it_has_no_task(events):
    found = timeline(events)
    for client in {i.client for i in found} - {None}:
        waits = [(i.start, i.end) for i in found if i.client == client and i.phase is Phase.WAITING]
        busy = [(i.start, i.end) for i in found if i.client == client and i.phase in TASK_PHASES]
        assert not any(a < d and c < b for a, b in waits for c, d in busy if c < d)
        marks = sorted({edge for span in (*waits, *busy) for edge in span})
        assert all(any(a <= x and y <= b for a, b in (*waits, *busy)) for x, y in pairwise(marks))
