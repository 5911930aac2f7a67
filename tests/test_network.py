import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedprop.distributions import Constant, Exponential, LogNormal
from fedprop.network import KEPT, Availability, Compute, Faults, Network, Outages
from fedprop.rng import uniform

COUNT = 4000


def deliveries(network, *, direction="up", size=0, count=COUNT, client=0):
    return [network.deliver(0, client, direction, number, size) for number in range(count)]


def deviation(p):
    """Five standard deviations of a share counted over COUNT tries."""
    return 5 * math.sqrt(p * (1 - p) / COUNT)


def test_by_default_every_message_arrives_once_after_the_latency():
    assert set(deliveries(Network(), count=20, size=10**9)) == {(0.05,)}


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.5, 0.9])
def test_messages_are_lost_at_the_rate_asked_for(loss):
    lost = sum(not delays for delays in deliveries(Network(loss=loss)))
    assert lost / COUNT == pytest.approx(loss, abs=deviation(loss))


@pytest.mark.parametrize("duplicate", [0.0, 0.2, 1.0])
def test_messages_are_doubled_at_the_rate_asked_for(duplicate):
    doubled = sum(len(delays) == 2 for delays in deliveries(Network(duplicate=duplicate)))
    assert doubled / COUNT == pytest.approx(duplicate, abs=deviation(duplicate))


def test_loss_and_duplication_are_independent():
    arrived = [delays for delays in deliveries(Network(loss=0.5, duplicate=0.3)) if delays]
    doubled = sum(len(delays) == 2 for delays in arrived) / len(arrived)
    assert doubled == pytest.approx(0.3, abs=2 * deviation(0.3))


def test_messages_are_held_back_for_a_uniform_share_of_reorder_seconds():
    extra = [delay - 0.05 for (delay,) in deliveries(Network(reorder=0.25, reorder_seconds=4.0))]
    held_back = [e for e in extra if e > 1e-9]
    assert len(held_back) / COUNT == pytest.approx(0.25, abs=deviation(0.25))
    assert max(held_back) < 4.0
    assert sum(held_back) / len(held_back) == pytest.approx(2.0, abs=0.2)


def test_transfer_time_is_size_over_the_links_own_bandwidth():
    network = Network(latency=1.0, downlink=100.0, uplink=Constant(value=50.0))
    assert network.deliver(0, 0, "down", 0, 500) == (6.0,)
    assert network.deliver(0, 0, "up", 0, 500) == (11.0,)


def test_bandwidth_is_a_clients_own_and_does_not_change():
    network = Network(latency=0.0, uplink=Exponential(mean=10.0))
    rates = [{1 / delay for (delay,) in deliveries(network, size=1, count=5, client=c)} for c in range(4)]
    assert all(len(own) == 1 for own in rates)
    assert len(set.union(*rates)) == 4


def test_a_link_of_no_bandwidth_is_slow_and_not_an_error():
    assert math.isfinite(Network(uplink=0.0).deliver(0, 0, "up", 0, 10**6)[0])


def test_a_message_keeps_its_latency_when_others_may_be_lost_doubled_or_held_back():
    latency = Exponential(mean=1.0)
    calm = deliveries(Network(latency=latency), count=200)
    rough = deliveries(Network(latency=latency, loss=0.3, duplicate=0.3), count=200)
    assert all(not delays or delays[:1] == alone for delays, alone in zip(rough, calm, strict=True))
    slowed = deliveries(Network(latency=latency, reorder=1.0), count=200)
    assert all(0.0 < later - alone < 1.0 for (later,), (alone,) in zip(slowed, calm, strict=True))


def test_latency_is_drawn_for_each_copy():
    first, second = Network(latency=Exponential(mean=1.0), duplicate=1.0).deliver(0, 0, "up", 0, 0)
    assert first != second


def test_directions_clients_messages_and_seeds_have_their_own_luck():
    network = Network(latency=Exponential(mean=1.0))
    names = [(0, 0, "up", 0), (0, 0, "down", 0), (0, 1, "up", 0), (0, 0, "up", 1), (1, 0, "up", 0)]
    assert len({network.deliver(*name, 0) for name in names}) == len(names)
    assert network.deliver(*names[0], 0) == network.deliver(*names[0], 0)


@pytest.mark.parametrize(
    "wrong",
    [{"loss": 1.0}, {"loss": -0.1}, {"duplicate": 1.1}, {"reorder_seconds": 0.0}, {"reorder_seconds": float("inf")}],
)
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(ValidationError):
        Network(**wrong)


@pytest.mark.parametrize(("unit", "work"), [("task", 1), ("step", 5), ("example", 160)])
def test_training_takes_time_for_each_unit_of_work(unit, work):
    compute = Compute(time=3.0, speed=2.0, unit=unit)
    assert compute.effort(0, 0, steps=5, examples=160) == work / 2.0
    assert compute.seconds(0, 0, 0, effort=work / 2.0) == work * 1.5


def test_time_is_drawn_for_each_task_and_speed_once_for_each_client():
    by_time, by_speed = Compute(time=Exponential(mean=1.0)), Compute(speed=LogNormal(median=1.0, sigma=1.0))
    grid = [(client, task) for client in range(3) for task in range(3)]
    assert len({by_time.seconds(0, c, t, effort=1.0) for c, t in grid}) == 9
    assert len({by_speed.effort(0, c, steps=1, examples=1) for c, _ in grid}) == 3
    assert len({by_speed.seconds(0, c, t, effort=1.0) for c, t in grid}) == 1


def test_clients_drop_out_at_the_rate_asked_for_at_a_uniform_moment():
    moments = [Faults(dropout=0.3).drops_at(0, 0, task) for task in range(COUNT)]
    dropped = [moment for moment in moments if moment is not None]
    assert len(dropped) / COUNT == pytest.approx(0.3, abs=deviation(0.3))
    assert 0.0 < min(dropped) < max(dropped) < 1.0
    assert sum(dropped) / len(dropped) == pytest.approx(0.5, abs=0.05)


def test_nobody_drops_out_by_default():
    assert all(Faults().drops_at(0, 0, task) is None for task in range(50))


def test_a_client_without_outages_is_always_up():
    availability = Availability(None, 0, 0)
    assert availability.is_up(1e12)
    assert availability.next_change(1e12) == math.inf


def test_fixed_periods_alternate():
    availability = Availability(Outages(up=3.0, down=1.0), 0, 0)
    up = [time for time in (0.0, 2.9, 3.0, 3.9, 4.0, 6.9, 7.0) if availability.is_up(time)]
    assert up == [0.0, 2.9, 4.0, 6.9]
    assert [availability.next_change(t) for t in (0.0, 3.0, 3.5, 4.0)] == [3.0, 4.0, 4.0, 7.0]


def scan(outages, client, time):
    """Whether a client is up at `time` and when that changes, by adding up one period after the other."""
    lengths = (
        (outages.up if k % 2 == 0 else outages.down).quantile(uniform(0, "faults/outages", client, k))
        for k in range(10_000)
    )
    for k, end in enumerate(accumulate(lengths)):
        if end > time:
            return k % 2 == 0, end
    raise AssertionError("the scan is too short")


@given(st.integers(0, 3), st.lists(st.floats(0.0, 200.0), min_size=1, max_size=20))
def test_availability_agrees_with_a_linear_scan_whatever_the_order_of_questions(client, times):
    outages = Outages(up=Exponential(mean=5.0), down=LogNormal(median=2.0, sigma=1.0))
    availability = Availability(outages, 0, client)
    found = [(availability.is_up(time), availability.next_change(time)) for time in times]
    assert [up for up, _ in found] == [scan(outages, client, time)[0] for time in times]
    assert [change for _, change in found] == pytest.approx([scan(outages, client, time)[1] for time in times])


def test_a_long_run_keeps_few_changes():
    availability = Availability(Outages(up=3.0, down=1.0), 0, 0)
    assert (availability.is_up(40_000.5), availability.next_change(40_000.5)) == (True, 40_003.0)
    assert len(availability._changes) <= KEPT
    assert availability.next_change(0.5) == 3.0


def test_periods_of_no_length_cannot_stop_time():
    availability = Availability(Outages(up=0.0, down=0.0), 0, 0)
    assert availability.next_change(0.001) > 0.001
