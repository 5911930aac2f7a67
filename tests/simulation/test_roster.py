"""Who is there, and who is drawn."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from fedprop import clock
from fedprop.simulation import roster as rosters
from fedprop.simulation.roster import Roster

POLICY = {"kind": "synchronous", "deadline": 9.0}


@pytest.fixture
def ask(configure):
    """Runs `question(roster)` at a moment of virtual time."""

    def run(question, *, at=0.0, **settings):
        roster = Roster(configure(policy=POLICY, **settings))

        async def main():
            return question(roster)

        return clock.run(main, start=at)

    return run


def test_without_outages_everybody_is_up_for_ever_and_costs_no_record(ask):
    roster = ask(lambda roster: roster if roster.available(frozenset()) == [*range(6)] else None)
    assert roster.changes(1) == roster.next_change() == math.inf  # without a clock, which nobody asks
    assert len(roster) == 6
    assert roster.examples == (6,) * 6


def test_a_client_without_data_is_never_ready(configure):
    setup = configure()
    parts = (setup.shards.parts[0][:0], *setup.shards.parts[1:])
    roster = Roster(configure(changes={"shards": type(setup.shards)(setup.shards.pool, parts)}))
    assert [roster.ready(client) for client in range(6)] == [False, *[True] * 5]


def test_clients_that_are_down_are_not_available(ask):
    faults = {"outages": {"up": 1, "down": 2}}
    assert ask(lambda roster: roster.available(frozenset()), at=1.5, faults=faults) == []
    assert ask(lambda roster: roster.next_change(), at=1.5, faults=faults) == 3.0


CLIENTS = 60
BUSY = frozenset(range(0, CLIENTS, 3))


@pytest.mark.parametrize("wanted", [1, 5, 7, 20, 39])
@pytest.mark.parametrize("tries", [0.0, 0.02, 0.25, 10.0])
def test_draws_are_uniform_whether_made_by_trial_or_from_a_list_or_both(ask, monkeypatch, wanted, tries):
    monkeypatch.setattr(rosters, "TRIES", tries)
    draws = ask(lambda roster: [roster.sample(wanted, BUSY, draw) for draw in range(300)], clients=CLIENTS)
    for drawn in draws:
        assert len(set(drawn)) == wanted
        assert drawn == sorted(drawn)
        assert not BUSY & set(drawn)
    counts = Counter(client for drawn in draws for client in drawn)
    free = [counts[client] for client in range(CLIENTS) if client not in BUSY]
    # Drawn without replacement, counts scatter less than the test expects, so it errs on the safe side.
    assert chisquare(free).pvalue > 1e-3


def test_a_draw_depends_on_its_number_alone(ask):
    first, again, other = ask(
        lambda roster: [roster.sample(5, BUSY, draw) for draw in (1, 1, 2)],
        clients=CLIENTS,
    )
    assert first == again != other


def test_trials_look_at_few_clients(ask, monkeypatch):
    asked = []
    monkeypatch.setattr(Roster, "ready", lambda self, client: asked.append(client) or True)
    assert len(ask(lambda roster: roster.sample(3, frozenset(), 0), clients=CLIENTS)) == 3
    assert len(asked) < 15


@given(st.integers(0, 8), st.sets(st.integers(0, 5)), st.integers(0, 99))
def test_nobody_is_drawn_twice_and_nobody_who_is_busy(wanted, busy, draw):
    roster = object.__new__(Roster)
    roster.examples, roster._seed, roster._outages = (1,) * 6, 0, None
    drawn = roster.sample(wanted, frozenset(busy), draw)
    assert len(drawn) == min(wanted, 6 - len(busy))
    assert not busy & set(drawn)
