from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.defenses.siren_plus import Record, Verdict, tally

B, M, U = Verdict.BENIGN, Verdict.MALICIOUS, Verdict.UNCHECKED
CLIENTS = (3, 5, 8)

# Halves and quarters add up without rounding.
quarters = st.integers(0, 20).map(lambda i: i / 4)
limits = st.none() | quarters
awards = st.none() | quarters.filter(bool)
receivers = st.sampled_from(["banned", "all"])
histories = st.lists(st.dictionaries(st.sampled_from(CLIENTS), st.sampled_from(Verdict)), max_size=20)


def after(history, *, c_p=2.0, c_a=0.5, award_to="banned"):
    """The records after every round, those before the first included."""
    states = [{}]
    for verdicts in history:
        states.append(tally(states[-1], verdicts, c_p=c_p, c_a=c_a, award_to=award_to))
    return states


def one(*verdicts, **settings):
    return after([{3: verdict} for verdict in verdicts], **settings)[-1][3]


def test_a_ban_needs_more_than_the_threshold():
    assert one(M, M) == Record(penalty=2, recognised=2, banned=False)
    assert one(M, M, M) == Record(penalty=3, recognised=3, banned=True)


def test_a_banned_client_returns_below_the_threshold_and_not_at_it():
    assert one(M, M, M, B, B) == Record(penalty=2.0, recognised=3, banned=True)
    assert one(M, M, M, B, B, B) == Record(penalty=1.5, recognised=3, banned=False)


def test_a_ban_without_award_is_for_ever():
    assert one(M, M, M, *[B] * 50, c_a=None) == Record(penalty=3, recognised=3, banned=True)


def test_what_was_not_checked_changes_nothing():
    assert one(M, M, M, *[U] * 50) == one(M, M, M)


def test_awards_are_for_banned_clients_unless_they_are_for_all():
    assert one(M, B).penalty == 1
    assert one(M, B, award_to="all").penalty == 0.5
    assert one(M, B, B, B, award_to="all").penalty == 0


def test_without_a_threshold_nobody_is_banned_and_the_index_goes_on():
    assert one(*[M] * 50, c_p=None) == Record(penalty=50, recognised=50, banned=False)
    assert not tally({3: Record(9.0, 9, banned=True)}, {3: U}, c_p=None, c_a=None)[3].banned


def test_a_banned_client_that_goes_on_moves_further_from_its_return():
    assert one(*[M] * 5, B) == Record(penalty=4.5, recognised=5, banned=True)


@given(histories, limits, awards, receivers)
def test_only_those_judged_change(history, c_p, c_a, award_to):
    states = after(history, c_p=c_p, c_a=c_a, award_to=award_to)
    for verdicts, before, now in zip(history, states[:-1], states[1:], strict=True):
        for client in CLIENTS:
            if verdicts.get(client, U) is U:
                assert now.get(client, Record()) == before.get(client, Record())
        assert set(now) == set(before) | set(verdicts)


@given(histories, limits, awards, receivers)
def test_bans_follow_penalties(history, c_p, c_a, award_to):
    states = after(history, c_p=c_p, c_a=c_a, award_to=award_to)
    for before, now in pairwise(states):
        for client, record in now.items():
            if c_p is None:
                assert not record.banned
            elif record.penalty == c_p:
                assert record.banned == before.get(client, Record()).banned
            else:
                assert record.banned == (record.penalty > c_p)


@given(histories, limits, awards, receivers)
def test_penalties_are_what_was_found_less_what_was_awarded(history, c_p, c_a, award_to):
    """Counted anew in fractions, client by client, from the verdicts and the bans before each of them."""
    states = after(history, c_p=c_p, c_a=c_a, award_to=award_to)
    for client in CLIENTS:
        penalty = Fraction(0)
        for verdicts, before in zip(history, states, strict=False):
            awarded = award_to == "all" or before.get(client, Record()).banned
            if verdicts.get(client) is M:
                penalty += 1
            elif verdicts.get(client) is B and c_a is not None and awarded:
                penalty = max(penalty - Fraction(c_a), Fraction(0))
        record = states[-1].get(client, Record())
        assert record.penalty == penalty
        assert record.recognised == sum(verdicts.get(client) is M for verdicts in history)


@given(histories, limits, receivers)
def test_without_award_no_ban_ends(history, c_p, award_to):
    states = after(history, c_p=c_p, c_a=None, award_to=award_to)
    for before, now in pairwise(states):
        assert all(now[client].banned for client, record in before.items() if record.banned)
        assert all(record.penalty == record.recognised for record in now.values())


@given(quarters.filter(bool), quarters, quarters.filter(bool))
def test_a_banned_client_returns_after_as_many_awards_as_it_takes(c_p, excess, c_a):
    records = {3: Record(c_p + excess, 9, banned=True)}
    due = int(excess // c_a) + 1
    for awards in range(1, due + 1):
        records = tally(records, {3: B}, c_p=c_p, c_a=c_a)
        assert records[3].banned == (awards < due)


def test_no_penalty_is_below_a_threshold_of_zero():
    assert one(M, *[B] * 50, c_p=0.0) == Record(penalty=0.0, recognised=1, banned=True)


def test_the_state_is_left_as_it_is():
    state = {3: Record(2.0, 2, False)}
    assert tally(state, {3: M}, c_p=2.0, c_a=None) == {3: Record(3.0, 3, True)}
    assert state == {3: Record(2.0, 2, False)}


@pytest.mark.parametrize("verdict", [B, M, U])
def test_clients_are_told_apart_by_id_and_not_by_place(verdict):
    state = {8: Record(5.0, 5, True), 3: Record(1.0, 1, False)}
    now = tally(state, {8: verdict}, c_p=2.0, c_a=0.5)
    assert now[3] == state[3]
