import pytest

from benchmarks import asynchronous


@pytest.fixture(scope="module")
def rows():
    return asynchronous.measure(rounds=1, passes=2, models=("logistic_regression",))


def test_every_spread_of_durations_is_held_against_rounds(rows):
    assert [row["durations"] for row in rows] == list(asynchronous.DURATIONS)
    assert all(0 < row["from"] <= row["times synchronous"] <= row["to"] for row in rows)


def test_the_more_even_the_durations_the_more_clients_share_a_pass(rows):
    shared = [row["clients per pass"] for row in rows]
    assert shared == sorted(shared, reverse=True)
    assert shared[0] > 2 * shared[-1]


def test_both_make_as_many_updates():
    for durations in (None, asynchronous.DURATIONS["exponential"]):
        outcome = asynchronous.simulate(
            asynchronous._setup("logistic_regression", durations, 1, None), asynchronous.Nobody()
        )
        assert sum(record.accepted for record in outcome.rounds) == asynchronous.CLIENTS
